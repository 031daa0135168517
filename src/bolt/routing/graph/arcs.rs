//! Arcs in rows, one row a node, all in one table.

use super::{ChannelIndex, Direction, InboundFee, NodeIndex, Policy};
use crate::bolt::units::{CltvExpiryDelta, Msat};

/// Gaps of fewer arcs are left alone.
const FEW: usize = 1024;

/// What is known of an arc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bolt::routing) enum State {
    /// Nothing: its start sent no `channel_update`.
    Unknown,
    /// Its start sends nothing over it for now.
    Disabled,
    /// Its start sends over it.
    Usable,
}

/// A channel in one direction, in the row of the node that it leads to.
#[derive(Clone, Debug)]
pub(in crate::bolt::routing) struct Arc {
    pub htlc_minimum: Msat,
    pub htlc_maximum: Msat,
    /// Where it begins.
    pub peer: NodeIndex,
    pub channel: ChannelIndex,
    pub fee_base_msat: u32,
    pub fee_proportional_millionths: u32,
    /// What the node that it leads to asks for receiving over it.
    pub inbound: InboundFee,
    pub cltv_expiry_delta: CltvExpiryDelta,
    pub direction: Direction,
    pub state: State,
}

impl Arc {
    /// An arc of which nothing is known.
    pub(super) fn new(peer: NodeIndex, channel: ChannelIndex, direction: Direction) -> Self {
        Self {
            htlc_minimum: Msat::ZERO,
            htlc_maximum: Msat::ZERO,
            peer,
            channel,
            fee_base_msat: 0,
            fee_proportional_millionths: 0,
            inbound: InboundFee::NONE,
            cltv_expiry_delta: CltvExpiryDelta(0),
            direction,
            state: State::Unknown,
        }
    }

    /// Sets what its start asks for sending over it.
    pub(super) fn set_outbound(&mut self, policy: &Policy) {
        self.htlc_minimum = policy.htlc_minimum_msat;
        self.htlc_maximum = policy.htlc_maximum_msat;
        self.fee_base_msat = policy.fee_base_msat;
        self.fee_proportional_millionths = policy.fee_proportional_millionths;
        self.cltv_expiry_delta = policy.cltv_expiry_delta;
        self.state = if policy.disabled { State::Disabled } else { State::Usable };
    }

    /// What its start says of the channel; `inbound` is what it asks for the other direction.
    pub(super) fn outbound(&self, inbound: InboundFee) -> Option<Policy> {
        let disabled = match self.state {
            State::Unknown => return None,
            State::Disabled => true,
            State::Usable => false,
        };
        Some(Policy {
            cltv_expiry_delta: self.cltv_expiry_delta,
            htlc_minimum_msat: self.htlc_minimum,
            htlc_maximum_msat: self.htlc_maximum,
            fee_base_msat: self.fee_base_msat,
            fee_proportional_millionths: self.fee_proportional_millionths,
            inbound,
            disabled,
        })
    }
}

/// Where a node's arcs are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    start: u32,
    length: u32,
    capacity: u32,
}

impl Row {
    /// How many arcs it has.
    pub(super) fn len(self) -> u32 {
        self.length
    }

    fn places(self) -> std::ops::Range<usize> {
        let start = usize::try_from(self.start).unwrap_or(usize::MAX);
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        start..start.saturating_add(length)
    }
}

/// All rows. What a row leaves behind when it moves is a gap until they are laid out anew.
#[derive(Clone, Debug, Default)]
pub(super) struct Arcs {
    table: Vec<Arc>,
    gaps: usize,
}

impl Arcs {
    /// The arcs of a row.
    pub(super) fn row(&self, row: Row) -> &[Arc] {
        self.table.get(row.places()).unwrap_or(&[])
    }

    /// The arcs of a row, to change.
    pub(super) fn row_mut(&mut self, row: Row) -> &mut [Arc] {
        self.table.get_mut(row.places()).unwrap_or(&mut [])
    }

    /// Adds an arc at the end of a row, which moves if it is full.
    pub(super) fn push(&mut self, row: &mut Row, arc: Arc) {
        if row.length == row.capacity {
            self.grow(row, &arc);
        }
        if let Some(place) = self.table.get_mut(row.places().end) {
            *place = arc;
            row.length = row.length.saturating_add(1);
        }
    }

    /// Moves a row to the end of the table, with twice the room.
    fn grow(&mut self, row: &mut Row, filler: &Arc) {
        let capacity = row.capacity.saturating_mul(2).max(2);
        let start = u32::try_from(self.table.len()).unwrap_or(u32::MAX);
        self.abandon_places(*row);
        self.table.extend_from_within(row.places());
        let spare = capacity.saturating_sub(row.length);
        self.table.extend((0..spare).map(|_| filler.clone()));
        *row = Row { start, length: row.length, capacity };
    }

    /// Takes an arc out of a row; the row's last takes its place, and this is that one's channel.
    pub(super) fn swap_remove(&mut self, row: &mut Row, place: u32) -> Option<ChannelIndex> {
        let last = row.length.checked_sub(1)?;
        let (at, end) = (usize::try_from(place).ok()?, usize::try_from(last).ok()?);
        let arcs = self.row_mut(*row);
        if at > end {
            return None;
        }
        arcs.swap(at, end);
        let moved = arcs.get(at).map(|arc| arc.channel);
        row.length = last;
        moved.filter(|_| at < end)
    }

    /// Gives up a row and its places.
    pub(super) fn abandon(&mut self, row: &mut Row) {
        self.abandon_places(*row);
        *row = Row::default();
    }

    fn abandon_places(&mut self, row: Row) {
        let capacity = usize::try_from(row.capacity).unwrap_or_default();
        self.gaps = self.gaps.saturating_add(capacity);
    }

    /// Whether half of the table is gaps.
    pub(super) fn has_many_gaps(&self) -> bool {
        self.gaps > FEW && self.gaps > self.table.len() / 2
    }

    /// Lays the rows out one after the other, without gaps or spare places.
    pub(super) fn compact<'a>(&mut self, rows: impl Iterator<Item = &'a mut Row>) {
        let mut table = Vec::new();
        for row in rows {
            let start = u32::try_from(table.len()).unwrap_or(u32::MAX);
            table.extend_from_slice(self.row(*row));
            *row = Row { start, length: row.length, capacity: row.length };
        }
        *self = Self { table, gaps: 0 };
    }

    /// Gives back what the table does not need.
    pub(super) fn shrink(&mut self) {
        self.table.shrink_to_fit();
    }

    /// The bytes that it holds on the heap.
    pub(super) fn heap(&self) -> usize {
        self.table.capacity().saturating_mul(size_of::<Arc>())
    }
}

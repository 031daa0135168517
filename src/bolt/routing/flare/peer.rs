//! What a node and one of its channel peers have told each other.
//!
//! ```text
//!   hello {radius, received} ──►   ◄── hello          first on every connection
//!   update {sequence 1, …}   ──►
//!                                  ◄── acknowledge {sequence 1}
//!   update {sequence 3, …}   ──►                       one was missed
//!                                  ◄── reset
//!   hello, update {sequence 4, from_start, …} ──►
//! ```
//! One update is under way at a time; what changes meanwhile goes into the next.

use std::collections::{BTreeMap, BTreeSet};

use super::message::{Told, Update};
use super::{Message, Name};
use crate::bolt::units::ShortChannelId;

/// How many entries an update has at most: as many as surely fit into a message.
pub(super) const MOST_ENTRIES: usize = 500;
/// After how many ticks without an acknowledgement an update is sent again.
const PATIENCE: u32 = 3;

/// How a peer is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// There is no connection.
    Lost,
    /// There is one, on which the peer has not said hello yet.
    Silent,
    /// It wants to know of links nearer than this, in hops.
    Greeted { radius: u8 },
    /// It did what no peer does.
    CutOff,
}

impl Line {
    /// Whether there is a connection that this node uses.
    pub(super) fn is_up(self) -> bool {
        match self {
            Self::Silent | Self::Greeted { .. } => true,
            Self::Lost | Self::CutOff => false,
        }
    }

    /// How far the peer wants to know, if it has said so, in hops.
    pub(super) fn radius(self) -> Option<u8> {
        match self {
            Self::Greeted { radius } => Some(radius),
            Self::Silent | Self::Lost | Self::CutOff => None,
        }
    }
}

/// One channel peer.
#[derive(Clone, Debug)]
pub(super) struct Peer<N> {
    pub(super) line: Line,
    /// What the peer has told, and from how far.
    pub(super) heard: BTreeMap<ShortChannelId, Told<N>>,
    /// The last update of the peer's that was taken.
    pub(super) received: u64,
    /// How many updates came since the last tick.
    pub(super) updates: u32,
    /// What the peer was told.
    told: BTreeMap<ShortChannelId, Told<N>>,
    /// Channels of which it may have to be told something else.
    pending: BTreeSet<ShortChannelId>,
    /// The last update that was sent.
    sent: u64,
    /// That update, until it is acknowledged, and for how many ticks it has waited.
    under_way: Option<(Update<N>, u32)>,
    /// The next update tells everything.
    from_start: bool,
}

impl<N: Name> Peer<N> {
    pub(super) fn new() -> Self {
        Self {
            line: Line::Lost,
            heard: BTreeMap::new(),
            received: 0,
            updates: 0,
            told: BTreeMap::new(),
            pending: BTreeSet::new(),
            sent: 0,
            under_way: None,
            from_start: true,
        }
    }

    pub(super) fn hello(&self, radius: u8) -> Message<N> {
        Message::Hello { radius, received: self.received }
    }

    /// Notes that there may be something else to tell of these channels.
    pub(super) fn note(&mut self, channels: impl IntoIterator<Item = ShortChannelId>) {
        if self.line != Line::CutOff {
            self.pending.extend(channels);
        }
    }

    /// The peer says how far it wants to know and what it has taken. Returns the update that was
    /// lost with the last connection, to send it again.
    pub(super) fn greeted(&mut self, radius: u8, received: u64) -> Option<Message<N>> {
        let first = self.line.radius().is_none();
        self.line = Line::Greeted { radius };
        match &self.under_way {
            Some((update, _)) if update.sequence == received => self.under_way = None,
            Some((update, _)) if received.checked_add(1) == Some(update.sequence) => {
                return first.then(|| Message::Update(update.clone()));
            }
            None if received == self.sent => {}
            Some(_) | None => self.start_again(),
        }
        None
    }

    /// The peer has missed something: the next update tells everything.
    pub(super) fn start_again(&mut self) {
        self.under_way = None;
        self.from_start = true;
    }

    /// The peer has taken an update. Returns whether another should follow at once, since the
    /// last had no room for all there was.
    pub(super) fn acknowledged(&mut self, sequence: u64) -> bool {
        match &self.under_way {
            Some((update, _)) if update.sequence == sequence => {
                let full = entries(update) >= MOST_ENTRIES;
                self.under_way = None;
                full
            }
            Some(_) | None => false,
        }
    }

    /// A tick: what has waited too long is sent again.
    pub(super) fn wait(&mut self) -> Option<Message<N>> {
        self.updates = 0;
        let (update, waited) = self.under_way.as_mut()?;
        *waited = waited.saturating_add(1);
        if self.line.radius().is_none() || *waited < PATIENCE {
            return None;
        }
        *waited = 0;
        Some(Message::Update(update.clone()))
    }

    /// The next update, if there is something to tell and nothing under way. `known` are all
    /// channels that there are, `desired` is what the peer should know of one.
    pub(super) fn update(
        &mut self,
        known: impl Iterator<Item = ShortChannelId>,
        desired: impl Fn(&Self, ShortChannelId) -> Option<Told<N>>,
    ) -> Option<Message<N>> {
        if self.line.radius().is_none() || self.under_way.is_some() {
            return None;
        }
        let from_start = std::mem::take(&mut self.from_start);
        if from_start {
            self.told.clear();
            self.pending = known.collect();
        }
        let sequence = self.sent.saturating_add(1);
        let mut update = Update { sequence, from_start, told: Vec::new(), gone: Vec::new() };
        while entries(&update) < MOST_ENTRIES
            && let Some(channel) = self.pending.pop_first()
        {
            let wanted = desired(self, channel);
            match wanted {
                Some(told) => {
                    if self.told.insert(channel, told) != Some(told) {
                        update.told.push(told);
                    }
                }
                None => {
                    if self.told.remove(&channel).is_some() {
                        update.gone.push(channel);
                    }
                }
            }
        }
        if entries(&update) == 0 && !from_start {
            return None;
        }
        self.sent = sequence;
        self.under_way = Some((update.clone(), 0));
        Some(Message::Update(update))
    }
}

fn entries<N>(update: &Update<N>) -> usize {
    update.told.len().saturating_add(update.gone.len())
}

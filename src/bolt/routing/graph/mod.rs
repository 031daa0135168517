//! The graph that routes are sought in: nodes, channels, and what each end of a channel asks.
//! BOLT 7, "The `channel_announcement` Message" and "The `channel_update` Message".
//!
//! ```text
//! nodes     id, row                         arcs    ..|a a a a .|a a|. . |a|..
//!              └── start, length, capacity ─────────► a row: the channels over which
//! channels  id, ends, place in both rows            HTLCs reach the node
//! ```
//!
//! A search runs from the payee to the payer, so an arc stands in the row of the node that an HTLC
//! reaches, with all that a search wants to know of it: what the other end asks for sending, and
//! what this one asks for receiving. A row that is full moves to the end and doubles.

mod arcs;
mod sorted;
#[cfg(test)]
mod tests;

use bitcoin::Amount;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use crate::bolt::gossip::Direction;
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::bolt::wire::{ShortChannelId, UncheckedPoint};
pub(super) use arcs::{Arc, State};
use arcs::{Arcs, Row};
use sorted::Sorted;

/// Names a node of one graph, as long as it has channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeIndex(pub u32);

/// Names a channel of one graph, until it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelIndex(pub u32);

impl NodeIndex {
    /// Its place in a table of all nodes.
    pub(super) fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl ChannelIndex {
    fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// What a node asks for an HTLC that comes in over a channel, beside its fee for sending it on. It
/// may be negative: a discount. bLIP 18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundFee {
    /// Millisatoshis for every HTLC.
    pub base_msat: i32,
    /// The part of the amount with the fee for sending, in millionths.
    pub proportional_millionths: i32,
}

impl InboundFee {
    /// Nothing: of most channels.
    pub const NONE: Self = Self { base_msat: 0, proportional_millionths: 0 };

    /// Whether it may lower what a node asks.
    pub fn is_discount(self) -> bool {
        self.base_msat < 0 || self.proportional_millionths < 0
    }
}

/// What a node says of its end of a channel in `channel_update`. BOLT 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How much earlier an HTLC that it sends over the channel must expire than what it received.
    pub cltv_expiry_delta: CltvExpiryDelta,
    /// The least that it sends over the channel.
    pub htlc_minimum_msat: Msat,
    /// The most that it sends over the channel in one HTLC.
    pub htlc_maximum_msat: Msat,
    /// Its fee for every HTLC that it sends over the channel, in millisatoshis.
    pub fee_base_msat: u32,
    /// The part of the amount sent that it takes as well, in millionths.
    pub fee_proportional_millionths: u32,
    /// What it asks for an HTLC that it receives over the channel and sends on.
    pub inbound: InboundFee,
    /// Whether it sends nothing over the channel for now.
    pub disabled: bool,
}

/// A channel as the graph knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Where its funding output is.
    pub short_channel_id: ShortChannelId,
    /// Both ends, the lesser id first.
    pub nodes: [NodeIndex; 2],
    /// What the funding output holds, if that is known.
    pub capacity: Option<Amount>,
}

/// A node at the other end of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The node.
    pub node: NodeIndex,
    /// The channel that leads to it.
    pub channel: ChannelIndex,
    /// The direction towards it.
    pub direction: Direction,
}

/// Why the graph does not take a channel or a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum GraphError {
    /// Both ends are the same node.
    #[error("add channel {0}: both ends are one node")]
    SelfChannel(ShortChannelId),
    /// Node 1 is not the lesser id. BOLT 7, "The `channel_announcement` Message".
    #[error("add channel {0}: node_id_1 is not the lesser of both")]
    NodesOutOfOrder(ShortChannelId),
    /// There is a channel of that id already.
    #[error("add channel {0}: it is there already")]
    KnownChannel(ShortChannelId),
    /// There are 2^32 - 1 of something already.
    #[error("add channel {0}: there are too many")]
    TooMany(ShortChannelId),
    /// No channel has that index.
    #[error("no channel has the index {}", .0.0)]
    UnknownChannel(ChannelIndex),
}

/// Of which no channel's capacity can be, for one that is not known: 2^64 - 1 msat.
const UNKNOWN_CAPACITY: u64 = u64::MAX;
/// Both ends of a channel that was removed.
const NOBODY: NodeIndex = NodeIndex(u32::MAX);

#[derive(Clone, Debug)]
struct Node {
    id: UncheckedPoint,
    row: Row,
    /// For how many of its channels it gives a discount.
    discounts: u32,
}

#[derive(Clone, Debug)]
struct Slot {
    short_channel_id: ShortChannelId,
    /// In satoshis.
    capacity: u64,
    nodes: [NodeIndex; 2],
    /// Where it stands in the rows of both.
    places: [u32; 2],
}

/// Nodes and channels in flat tables. Channels come and go one at a time; a node is there as long
/// as it has a channel.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    free_nodes: Vec<u32>,
    by_node_id: Sorted,
    slots: Vec<Slot>,
    free_slots: Vec<u32>,
    by_channel_id: Sorted,
    arcs: Arcs,
    /// How many ends of channels give a discount.
    discounts: usize,
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a channel, and its ends where they are new. Nothing can be sent over it before its
    /// policies are set.
    ///
    /// # Errors
    /// [`GraphError`]: the ends are one node or out of order, the channel is known, or there are
    /// too many.
    pub fn insert(
        &mut self,
        short_channel_id: ShortChannelId,
        [node_1, node_2]: [UncheckedPoint; 2],
        capacity: Option<Amount>,
    ) -> Result<ChannelIndex, GraphError> {
        if node_1 == node_2 {
            return Err(GraphError::SelfChannel(short_channel_id));
        }
        if node_1 > node_2 {
            return Err(GraphError::NodesOutOfOrder(short_channel_id));
        }
        if self.find(short_channel_id).is_some() {
            return Err(GraphError::KnownChannel(short_channel_id));
        }
        let too_many = GraphError::TooMany(short_channel_id);
        let channel = self.free_slot().ok_or(too_many)?;
        // Checked before anything changes, so that a failure leaves no trace.
        if !self.has_room() {
            return Err(too_many);
        }
        let nodes = [self.node_or_new(node_1), self.node_or_new(node_2)];
        let capacity = capacity.map_or(UNKNOWN_CAPACITY, Amount::to_sat);
        let mut places = [0; 2];
        for (direction, place) in Direction::BOTH.into_iter().zip(&mut places) {
            // The arc of HTLCs towards the node whose place this is.
            let [node, peer] = [direction.start(nodes), direction.end(nodes)];
            let arc = Arc::new(peer, channel, direction.reversed());
            *place = self.nodes.get_mut(node.place()).map_or(0, |node| {
                let place = node.row.len();
                self.arcs.push(&mut node.row, arc);
                place
            });
        }
        let slot = Slot { short_channel_id, capacity, nodes, places };
        match self.slots.get_mut(channel.place()) {
            Some(free) => {
                self.free_slots.pop();
                *free = slot;
            }
            None => self.slots.push(slot),
        }
        let slots = &self.slots;
        self.by_channel_id.insert(channel.0, |item| id_of_channel(slots, item));
        self.tidy();
        Ok(channel)
    }

    /// Sets what the node where this direction begins says of its end, in place of what it said.
    ///
    /// # Errors
    /// [`GraphError::UnknownChannel`].
    pub fn set_policy(
        &mut self,
        channel: ChannelIndex,
        direction: Direction,
        policy: Policy,
    ) -> Result<(), GraphError> {
        let unknown = GraphError::UnknownChannel(channel);
        let slot = self.slot(channel).ok_or(unknown)?;
        let (nodes, places) = (slot.nodes, slot.places);
        let start = (direction.start(nodes), direction.start(places));
        let end = (direction.end(nodes), direction.end(places));
        self.arc_mut(end).ok_or(unknown)?.set_outbound(&policy);
        let inbound = &mut self.arc_mut(start).ok_or(unknown)?.inbound;
        let before = std::mem::replace(inbound, policy.inbound);
        self.count_discount(start.0, before, policy.inbound);
        Ok(())
    }

    /// Removes a channel, and its ends if they have no other; their indices may be given again.
    ///
    /// # Errors
    /// [`GraphError::UnknownChannel`].
    pub fn remove(&mut self, channel: ChannelIndex) -> Result<(), GraphError> {
        let unknown = GraphError::UnknownChannel(channel);
        let slot = self.slot(channel).ok_or(unknown)?.clone();
        for (node, place) in slot.nodes.into_iter().zip(slot.places) {
            let inbound = self.arc((node, place)).map_or(InboundFee::NONE, |arc| arc.inbound);
            self.count_discount(node, inbound, InboundFee::NONE);
            let Some(entry) = self.nodes.get_mut(node.place()) else { continue };
            // The row's last arc moves into the gap.
            if let Some(moved) = self.arcs.swap_remove(&mut entry.row, place) {
                self.move_place(moved, node, place);
            }
            self.drop_if_alone(node);
        }
        let slots = &self.slots;
        self.by_channel_id.remove(&slot.short_channel_id, |item| id_of_channel(slots, item));
        if let Some(slot) = self.slots.get_mut(channel.place()) {
            slot.nodes = [NOBODY; 2];
        }
        self.free_slots.push(channel.0);
        self.tidy();
        Ok(())
    }

    /// The channel of that id.
    pub fn find(&self, short_channel_id: ShortChannelId) -> Option<ChannelIndex> {
        let key = |item| id_of_channel(&self.slots, item);
        self.by_channel_id.find(&short_channel_id, key).map(ChannelIndex)
    }

    /// The node of that id, if it has channels.
    pub fn node(&self, id: &UncheckedPoint) -> Option<NodeIndex> {
        self.by_node_id.find(id, |item| id_of_node(&self.nodes, item)).map(NodeIndex)
    }

    /// The id of a node.
    pub fn node_id(&self, node: NodeIndex) -> Option<UncheckedPoint> {
        let entry = self.nodes.get(node.place())?;
        (entry.row.len() > 0).then_some(entry.id)
    }

    /// A channel, as it was added.
    pub fn channel(&self, channel: ChannelIndex) -> Option<Channel> {
        let slot = self.slot(channel)?;
        let capacity = (slot.capacity != UNKNOWN_CAPACITY).then_some(slot.capacity);
        Some(Channel {
            short_channel_id: slot.short_channel_id,
            nodes: slot.nodes,
            capacity: capacity.map(Amount::from_sat),
        })
    }

    /// What the node where this direction begins says of its end, if it said anything.
    pub fn policy(&self, channel: ChannelIndex, direction: Direction) -> Option<Policy> {
        let Slot { nodes, places, .. } = *self.slot(channel)?;
        let outbound = self.arc((direction.end(nodes), direction.end(places)))?;
        let inbound = self.arc((direction.start(nodes), direction.start(places)))?.inbound;
        outbound.outbound(inbound)
    }

    /// Every channel, by ascending id.
    pub fn channels(&self) -> impl Iterator<Item = (ChannelIndex, Channel)> {
        self.by_channel_id
            .iter(|item| id_of_channel(&self.slots, item))
            .map(ChannelIndex)
            .filter_map(|index| Some((index, self.channel(index)?)))
    }

    /// Every node, by ascending id.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeIndex, UncheckedPoint)> {
        let key = |item| id_of_node(&self.nodes, item);
        self.by_node_id
            .iter(key)
            .map(NodeIndex)
            .filter_map(|index| Some((index, self.node_id(index)?)))
    }

    /// The other ends of a node's channels, one for each channel.
    pub fn neighbours(&self, node: NodeIndex) -> impl Iterator<Item = Neighbour> {
        self.reaching(node).iter().map(|arc| Neighbour {
            node: arc.peer,
            channel: arc.channel,
            direction: arc.direction.reversed(),
        })
    }

    /// How many nodes have channels.
    pub fn node_count(&self) -> usize {
        self.by_node_id.len()
    }

    /// How many channels there are.
    pub fn channel_count(&self) -> usize {
        self.by_channel_id.len()
    }

    /// Whether an end of a channel asks less than nothing for what it receives.
    pub fn has_discounts(&self) -> bool {
        self.discounts > 0
    }

    /// Whether a node asks less than nothing for what it receives over one of its channels.
    pub fn gives_discounts(&self, node: NodeIndex) -> bool {
        self.nodes.get(node.place()).is_some_and(|node| node.discounts > 0)
    }

    /// The bytes that the graph holds: its tables as they are allocated, and itself. What the
    /// allocator adds to each of its seven tables is not counted.
    pub fn memory(&self) -> usize {
        let tables = [
            self.nodes.capacity().saturating_mul(size_of::<Node>()),
            self.slots.capacity().saturating_mul(size_of::<Slot>()),
            self.free_nodes.capacity().saturating_mul(size_of::<u32>()),
            self.free_slots.capacity().saturating_mul(size_of::<u32>()),
            self.by_node_id.heap(),
            self.by_channel_id.heap(),
            self.arcs.heap(),
        ];
        tables.into_iter().fold(size_of::<Self>(), usize::saturating_add)
    }

    /// Lays every row out without room to spare, in the order of nodes, and gives back what the
    /// tables do not need: for a graph that was just read and changes little.
    pub fn compact(&mut self) {
        self.arcs.compact(self.nodes.iter_mut().map(|node| &mut node.row));
        self.arcs.shrink();
        self.nodes.shrink_to_fit();
        self.slots.shrink_to_fit();
        self.free_nodes.shrink_to_fit();
        self.free_slots.shrink_to_fit();
        self.by_node_id.shrink();
        self.by_channel_id.shrink();
    }

    /// The arcs over which HTLCs reach a node.
    pub(super) fn reaching(&self, node: NodeIndex) -> &[Arc] {
        self.nodes.get(node.place()).map_or(&[], |node| self.arcs.row(node.row))
    }

    /// How long a table of all nodes must be, free places included.
    pub(super) fn node_places(&self) -> usize {
        self.nodes.len()
    }

    /// The most that a channel's funding output can carry; 2^64 - 1 msat if that is not known.
    pub(super) fn carries(&self, channel: ChannelIndex) -> Msat {
        let slot = self.slots.get(channel.place());
        Msat(slot.map_or(0, |slot| slot.capacity.saturating_mul(1000)))
    }

    /// The arc of a channel in a direction.
    pub(super) fn towards(&self, channel: ChannelIndex, direction: Direction) -> Option<&Arc> {
        let Slot { nodes, places, .. } = *self.slot(channel)?;
        self.arc((direction.end(nodes), direction.end(places)))
    }

    fn slot(&self, channel: ChannelIndex) -> Option<&Slot> {
        self.slots.get(channel.place()).filter(|slot| slot.nodes != [NOBODY; 2])
    }

    fn arc(&self, (node, place): (NodeIndex, u32)) -> Option<&Arc> {
        self.reaching(node).get(usize::try_from(place).ok()?)
    }

    fn arc_mut(&mut self, (node, place): (NodeIndex, u32)) -> Option<&mut Arc> {
        let row = self.nodes.get(node.place())?.row;
        self.arcs.row_mut(row).get_mut(usize::try_from(place).ok()?)
    }

    /// The index for a new channel.
    fn free_slot(&self) -> Option<ChannelIndex> {
        let fresh = || u32::try_from(self.slots.len()).ok().filter(|index| *index < u32::MAX);
        self.free_slots.last().copied().or_else(fresh).map(ChannelIndex)
    }

    /// Whether two nodes and two arcs more can be numbered, whatever has to move for them.
    fn has_room(&self) -> bool {
        let few = |count: usize| count < usize::try_from(u32::MAX / 8).unwrap_or(usize::MAX);
        few(self.nodes.len()) && few(self.slots.len())
    }

    fn node_or_new(&mut self, id: UncheckedPoint) -> NodeIndex {
        if let Some(known) = self.node(&id) {
            return known;
        }
        let node = Node { id, row: Row::default(), discounts: 0 };
        let fresh = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let index = self.free_nodes.pop().unwrap_or(fresh);
        match self.nodes.get_mut(NodeIndex(index).place()) {
            Some(free) => *free = node,
            None => self.nodes.push(node),
        }
        let nodes = &self.nodes;
        self.by_node_id.insert(index, |item| id_of_node(nodes, item));
        NodeIndex(index)
    }

    /// Counts what a node gives for what it receives over a channel.
    fn count_discount(&mut self, node: NodeIndex, before: InboundFee, now: InboundFee) {
        let (before, now) = (before.is_discount(), now.is_discount());
        self.discounts = self.discounts.saturating_add(now.into()).saturating_sub(before.into());
        if let Some(node) = self.nodes.get_mut(node.place()) {
            let more = node.discounts.saturating_add(now.into());
            node.discounts = more.saturating_sub(before.into());
        }
    }

    /// Forgets a node without channels.
    fn drop_if_alone(&mut self, node: NodeIndex) {
        let Some(entry) = self.nodes.get_mut(node.place()) else { return };
        if entry.row.len() > 0 {
            return;
        }
        self.arcs.abandon(&mut entry.row);
        let id = entry.id;
        let nodes = &self.nodes;
        self.by_node_id.remove(&id, |item| id_of_node(nodes, item));
        self.free_nodes.push(node.0);
    }

    /// Notes that a channel's arc stands elsewhere in the row of one of its ends.
    fn move_place(&mut self, channel: ChannelIndex, node: NodeIndex, place: u32) {
        let Some(slot) = self.slots.get_mut(channel.place()) else { return };
        for (end, noted) in slot.nodes.into_iter().zip(&mut slot.places) {
            if end == node {
                *noted = place;
            }
        }
    }

    /// Closes the gaps that rows left behind, once they are as much as what is in use.
    fn tidy(&mut self) {
        if self.arcs.has_many_gaps() {
            self.arcs.compact(self.nodes.iter_mut().map(|node| &mut node.row));
        }
    }
}

fn id_of_channel(slots: &[Slot], item: u32) -> ShortChannelId {
    let slot = slots.get(ChannelIndex(item).place());
    slot.map_or(ShortChannelId(u64::MAX), |slot| slot.short_channel_id)
}

fn id_of_node(nodes: &[Node], item: u32) -> UncheckedPoint {
    let node = nodes.get(NodeIndex(item).place());
    node.map_or(UncheckedPoint([u8::MAX; 33]), |node| node.id)
}

//! What one peer wants to hear. BOLT 7, "The `gossip_timestamp_filter` Message".

use bitcoin::constants::ChainHash;

use super::addresses::decode_addresses;
use super::network::{GossipId, KnownChannel, Network};
use crate::bolt::wire::Message;
use crate::bolt::wire::messages::{GossipTimestampFilter, NodeAnnouncement};

/// The span of timestamps whose gossip a peer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    first_timestamp: u32,
    timestamp_range: u32,
}

impl Filter {
    /// What this message asks for; `None` if it is about another chain.
    pub fn asked(message: &GossipTimestampFilter) -> Option<Self> {
        let (first_timestamp, timestamp_range) = (message.first_timestamp, message.timestamp_range);
        (message.chain_hash == ChainHash::REGTEST)
            .then_some(Self { first_timestamp, timestamp_range })
    }

    /// The message that asks for all gossip from this time on.
    pub fn since(first_timestamp: u32) -> GossipTimestampFilter {
        GossipTimestampFilter {
            chain_hash: ChainHash::REGTEST,
            first_timestamp,
            timestamp_range: u32::MAX,
            unknown: Vec::new(),
        }
    }

    /// Whether it lets something with this timestamp through.
    pub fn lets_through(self, timestamp: u32) -> bool {
        let since = timestamp.checked_sub(self.first_timestamp);
        since.is_some_and(|since| since < self.timestamp_range)
    }
}

impl KnownChannel {
    /// Whether others are to hear of it: somebody has said how to use it, and its funding output is
    /// there. BOLT 7, "The `gossip_timestamp_filter` Message".
    pub fn is_told(&self) -> bool {
        self.timestamp().is_some() && self.gone.is_none()
    }
}

impl NodeAnnouncement {
    /// Whether it may be forwarded: not with more than one DNS hostname. BOLT 7, "The
    /// `node_announcement` Message".
    fn is_passed_on(&self) -> bool {
        decode_addresses(&self.addresses.0).is_ok_and(|addresses| addresses.may_be_forwarded())
    }
}

impl Network {
    /// The message of this piece of gossip, and its timestamp, if it is to be passed on now: a channel
    /// that nobody has said how to use waits for its first update, and a node for its first such
    /// channel.
    pub fn told(&self, id: &GossipId) -> Option<(Message, u32)> {
        match id {
            GossipId::Channel(id) => {
                let channel = self.channel(*id).filter(|channel| channel.is_told())?;
                let message = channel.announcement.as_ref().clone().into();
                Some((message, channel.timestamp()?))
            }
            GossipId::Update(id, direction) => {
                let channel = self.channel(*id)?;
                let update = direction.of(&channel.updates).as_ref()?;
                let is_told = channel.is_told() || update.is_disabled();
                let message = update.as_ref().clone().into();
                is_told.then_some((message, update.timestamp))
            }
            GossipId::Node(id) => {
                let node = self.node(id)?;
                let mut channels = node.channels.iter().filter_map(|id| self.channel(*id));
                let announcement = node.announcement.as_ref()?;
                let is_told = channels.any(KnownChannel::is_told) && announcement.is_passed_on();
                let message = announcement.as_ref().clone().into();
                is_told.then_some((message, announcement.timestamp))
            }
        }
    }

    /// All that there is to tell, channels before updates before nodes.
    pub fn all(&self) -> impl Iterator<Item = GossipId> {
        let channels = self.channels().map(|(id, _)| GossipId::Channel(*id));
        let updates = self.channels().flat_map(|(id, channel)| {
            let updates = channel.updates.iter().flatten();
            updates.map(|update| GossipId::Update(*id, update.direction()))
        });
        let nodes = self.nodes().filter(|(_, node)| node.announcement.is_some());
        channels.chain(updates).chain(nodes.map(|(id, _)| GossipId::Node(*id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(first_timestamp: u32, timestamp_range: u32) -> Filter {
        let message = GossipTimestampFilter { timestamp_range, ..Filter::since(first_timestamp) };
        Filter::asked(&message).unwrap()
    }

    #[test]
    fn a_span_has_its_first_second_and_not_the_one_behind_its_last() {
        let some = filter(100, 10);
        let let_through = |timestamp| some.lets_through(timestamp);
        assert_eq!([99, 100, 109, 110].map(let_through), [false, true, true, false]);
    }

    #[test]
    fn a_span_beyond_the_last_second_does_not_wrap_around() {
        assert!(filter(u32::MAX, 10).lets_through(u32::MAX));
        assert!(!filter(u32::MAX, 10).lets_through(0));
        assert!(!filter(u32::MAX, 0).lets_through(u32::MAX));
    }

    #[test]
    fn a_filter_for_another_chain_asks_for_nothing() {
        let chain_hash = ChainHash::BITCOIN;
        assert_eq!(Filter::asked(&GossipTimestampFilter { chain_hash, ..Filter::since(0) }), None);
    }
}

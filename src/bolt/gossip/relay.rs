//! What is passed on to others, and when. BOLT 7, "Rebroadcasting".
//!
//! News waits for the next flush; what it replaces meanwhile is never sent. Each piece goes to those
//! who have asked for gossip of its time and have not said it themselves.

use std::collections::{BTreeMap, BTreeSet};

use secp256k1::PublicKey;

use super::filter::Filter;
use super::network::{GossipId, Network};
use crate::bolt::wire::Message;

/// Seconds between two flushes.
pub const FLUSH_INTERVAL: u64 = 60;

/// What waits for the next flush.
#[derive(Clone, Debug, Default)]
pub struct Relay {
    /// What there is to say, and who knows it, for they have said it.
    outgoing: BTreeMap<GossipId, BTreeSet<PublicKey>>,
    /// Those who have asked for what is known already.
    behind: BTreeSet<PublicKey>,
    /// When the next flush is, in seconds since 1970.
    next: u64,
}

impl Relay {
    /// News of this peer waits for the next flush.
    pub fn queue(&mut self, id: GossipId, from: PublicKey) {
        // Who said something older does not know this.
        self.outgoing.insert(id, BTreeSet::from([from]));
    }

    /// Another peer has said the same.
    pub fn is_known_to(&mut self, id: GossipId, peer: PublicKey) {
        if let Some(known) = self.outgoing.get_mut(&id) {
            known.insert(peer);
        }
    }

    /// With the next flush, this peer gets what is known already and fits its filter.
    pub fn catch_up(&mut self, peer: PublicKey) {
        self.behind.insert(peer);
    }

    /// A connection has ended.
    pub fn lose(&mut self, peer: &PublicKey) {
        self.behind.remove(peer);
    }

    /// Whether anything waits.
    pub fn is_quiet(&self) -> bool {
        self.outgoing.is_empty() && self.behind.is_empty()
    }

    /// What goes out now, to each of these peers, if it is time.
    pub fn flush(
        &mut self,
        network: &Network,
        time: u64,
        peers: &BTreeMap<PublicKey, Filter>,
    ) -> Vec<(PublicKey, Message)> {
        if time < self.next {
            return Vec::new();
        }
        self.next = time.saturating_add(FLUSH_INTERVAL);
        let behind = std::mem::take(&mut self.behind);
        let mut sent = Vec::new();
        for (peer, filter) in peers.iter().filter(|(peer, _)| behind.contains(peer)) {
            let said = |id: &GossipId| self.outgoing.get(id).is_some_and(|by| by.contains(peer));
            let all = network.all().filter(|id| !said(id)).filter_map(|id| network.told(&id));
            let wanted = all.filter(|(_, timestamp)| filter.lets_through(*timestamp));
            sent.extend(wanted.map(|(message, _)| (*peer, message)));
        }
        let mut waits = BTreeMap::new();
        for (id, known) in std::mem::take(&mut self.outgoing) {
            let Some((message, timestamp)) = network.told(&id) else {
                if network.has(&id) {
                    waits.insert(id, known);
                }
                continue;
            };
            let wanted = peers.iter().filter(|(peer, filter)| {
                let knows = known.contains(peer) || behind.contains(peer);
                !knows && filter.lets_through(timestamp)
            });
            sent.extend(wanted.map(|(peer, _)| (*peer, message.clone())));
        }
        self.outgoing = waits;
        sent
    }
}

impl Network {
    /// Whether this piece of gossip is known, told or not.
    fn has(&self, id: &GossipId) -> bool {
        match id {
            GossipId::Channel(id) => self.channel(*id).is_some(),
            GossipId::Update(id, direction) => {
                self.channel(*id).is_some_and(|channel| direction.of(&channel.updates).is_some())
            }
            GossipId::Node(id) => self.node(id).is_some_and(|node| node.announcement.is_some()),
        }
    }
}

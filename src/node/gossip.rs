//! What the node hears and says of the network. BOLT 7.
//!
//! ```text
//! peer -- announcement, update --> network -- LookUp --> chain -- LookedUp --> believed
//! believed --> relay --> every peer that has asked, with the next flush
//! peer -- query --> answer              greeting --> gossip_timestamp_filter, query_channel_range
//! ```
//!
//! What the node says of its own channels is in `announcing`.

use std::collections::BTreeMap;

use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use super::announcing::Announcing;
use super::{ChannelHandle, Node, NodeEvent, NodeOutput};
use crate::bolt::channel::ChainEvent;
use crate::bolt::features::Feature;
use crate::bolt::gossip::{
    Answer, BadAnswer, BadQuery, Filter, Forgotten, FundingOutput, GossipId, Heard, Network,
    Refusal, Relay, Said, Sync,
};
use crate::bolt::units::{BlockHeight, ShortChannelId};
use crate::bolt::wire::messages::{GossipTimestampFilter, Warning};
use crate::bolt::wire::{Alias, ChannelId, Message};

/// How far back the gossip lies that a new peer is asked for by its filter, in seconds: what is older,
/// the queries bring.
const ON_ITS_WAY: u64 = 3_600;

/// How a node catches up with what its peers know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncBy {
    /// It asks which channels there are, and for those that it does not know.
    #[default]
    Ranges,
    /// Its filter lets all through that there ever was.
    Filter,
    /// It does not.
    Nothing,
}

/// How a node goes about gossip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GossipPolicy {
    /// How it catches up.
    pub sync: SyncBy,
    /// The most `short_channel_id`s of a `reply_channel_range`, if fewer than fit.
    pub most_ids: Option<usize>,
    /// What it calls itself.
    pub alias: Alias,
}

impl Default for GossipPolicy {
    fn default() -> Self {
        Self { sync: SyncBy::default(), most_ids: None, alias: Alias([0; 32]) }
    }
}

/// Something worth telling about what a node believes of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GossipEvent {
    /// A channel is proven, and funded on chain.
    Learned {
        /// The channel.
        short_channel_id: ShortChannelId,
    },
    /// A channel is no longer believed in.
    Forgotten {
        /// The channel.
        short_channel_id: ShortChannelId,
        /// Why.
        why: Forgotten,
    },
    /// A message is not believed, or not answered.
    Refused {
        /// The message.
        message: String,
        /// The id of the requirement.
        requirement: String,
        /// Why.
        why: String,
    },
}

/// What goes on with one peer.
#[derive(Clone, Debug, Default)]
struct GossipPeer {
    filter: Option<Filter>,
    sync: Sync,
}

/// The gossip of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Gossip {
    pub(super) network: Network,
    pub(super) relay: Relay,
    pub(super) policy: GossipPolicy,
    pub(super) announcing: BTreeMap<ChannelHandle, Announcing>,
    /// Those whose connection is up.
    peers: BTreeMap<PublicKey, GossipPeer>,
}

impl Node {
    /// What this node believes of the network.
    pub fn network(&self) -> &Network {
        &self.gossip.network
    }

    /// Whether nothing waits to be passed on.
    pub fn is_quiet(&self) -> bool {
        self.gossip.relay.is_quiet()
    }

    /// Both sides have sent `init`: says what gossip is wanted, and asks for what was missed.
    pub(super) fn greet_gossip(&mut self, peer: PublicKey) -> Vec<NodeOutput> {
        self.gossip.peers.insert(peer, GossipPeer::default());
        if !self.features.supports(Feature::GOSSIP_QUERIES) {
            return Vec::new();
        }
        let both = self.negotiated(&peer).unwrap_or_default();
        let sync = self.gossip.policy.sync;
        if !both.supports(Feature::GOSSIP_QUERIES) {
            // It is not worth asking. BOLT 7, "The `gossip_timestamp_filter` Message".
            let nothing = GossipTimestampFilter { timestamp_range: 0, ..Filter::since(u32::MAX) };
            return vec![NodeOutput::Send { to: peer, message: nothing.into() }];
        }
        let first = match sync {
            SyncBy::Ranges => self.time.saturating_sub(ON_ITS_WAY),
            SyncBy::Filter => 0,
            SyncBy::Nothing => return Vec::new(),
        };
        let filter = Filter::since(u32::try_from(first).unwrap_or(u32::MAX));
        let mut messages = vec![Message::from(filter)];
        if sync == SyncBy::Ranges {
            let is_extended = both.supports(Feature::GOSSIP_QUERIES_EX);
            let (next, query) = Sync::begin(BlockHeight(0), u32::MAX, is_extended);
            self.gossip.set_sync(&peer, next);
            messages.extend(query);
        }
        messages.into_iter().map(|message| NodeOutput::Send { to: peer, message }).collect()
    }

    /// A connection has ended.
    pub(super) fn lose_gossip_peer(&mut self, peer: &PublicKey) {
        self.gossip.peers.remove(peer);
        self.gossip.relay.lose(peer);
        let handles: Vec<ChannelHandle> = self.channels_with(peer);
        for handle in handles {
            if let Some(announcing) = self.gossip.announcing.get_mut(&handle) {
                announcing.disconnected();
            }
        }
    }

    /// Takes a message of BOLT 7.
    pub(super) fn receive_gossip(&mut self, from: PublicKey, said: Said<'_>) -> Vec<NodeOutput> {
        let (now, for_us) = (self.now(), self.is_for_us_alone(&from, said));
        let network = &mut self.gossip.network;
        let (name, id, heard) = match said {
            Said::ChannelAnnouncement(of) => {
                let id = GossipId::Channel(of.short_channel_id);
                ("channel_announcement", id, network.receive_channel(from, of))
            }
            Said::NodeAnnouncement(of) => {
                let id = GossipId::Node(of.node_id);
                ("node_announcement", id, network.receive_node(from, of))
            }
            Said::ChannelUpdate(_) if for_us => return Vec::new(),
            Said::ChannelUpdate(of) => {
                let id = GossipId::Update(of.short_channel_id, of.direction());
                ("channel_update", id, network.receive_update(now, from, of))
            }
            Said::AnnouncementSignatures(theirs) => {
                return self.receive_announcement_signatures(from, theirs);
            }
            Said::GossipTimestampFilter(filter) => {
                self.set_filter(from, filter);
                return Vec::new();
            }
            Said::QueryShortChannelIds(query) => {
                let answers = network.answer_ids(query);
                return self.send_answers(from, "query_short_channel_ids", answers);
            }
            Said::QueryChannelRange(query) => {
                let answers = network.answer_range(query, self.gossip.policy.most_ids);
                return self.send_answers(from, "query_channel_range", answers);
            }
            Said::ReplyChannelRange(reply) => {
                let step = |sync: Sync, network: &Network| sync.receive_range(network, reply);
                return self.go_on_syncing(from, "reply_channel_range", step);
            }
            Said::ReplyShortChannelIdsEnd(end) => {
                let step = |sync: Sync, _: &Network| sync.receive_end(end);
                return self.go_on_syncing(from, "reply_short_channel_ids_end", step);
            }
        };
        if heard == Ok(Heard::Known) {
            self.gossip.relay.is_known_to(id, from);
        }
        self.take_heard(from, name, heard)
    }

    /// The chain has answered [`NodeOutput::LookUp`].
    pub(super) fn take_funding(
        &mut self,
        id: ShortChannelId,
        found: &FundingOutput,
    ) -> Vec<NodeOutput> {
        let settled = self.gossip.network.looked_up(self.now(), id, found);
        settled
            .into_iter()
            .flat_map(|(from, name, heard)| self.take_heard(from, name, heard))
            .collect()
    }

    /// What follows from a message that was believed, or was not.
    pub(super) fn take_heard(
        &mut self,
        from: PublicKey,
        name: &str,
        heard: Result<Heard, Refusal>,
    ) -> Vec<NodeOutput> {
        match heard {
            Ok(Heard::News(id)) => self.spread(from, id),
            Ok(Heard::LookUp(id)) => vec![NodeOutput::LookUp(id)],
            Ok(Heard::Known | Heard::Waiting) => Vec::new(),
            Err(refusal) => {
                let (requirement, answer) = (refusal.requirement(), refusal.answer());
                let why = refusal.to_string();
                let mut outputs = self.refuse_gossip(from, name, requirement, &why, answer);
                let forgotten = self.gossip.network.take_blacklisted();
                outputs.extend(forgotten.into_iter().map(told_forgotten));
                outputs
            }
        }
    }

    /// News goes on to others; ours at once, and with what else we have to say.
    fn spread(&mut self, from: PublicKey, id: GossipId) -> Vec<NodeOutput> {
        let mut outputs = Vec::new();
        if let GossipId::Channel(short_channel_id) = id {
            let event = GossipEvent::Learned { short_channel_id };
            outputs.push(NodeOutput::Event(NodeEvent::Gossip { peer: None, event }));
        }
        // A peer may tell us of our channel while our own announcement waits for the chain.
        let is_ours = matches!(id, GossipId::Channel(channel) if self.has_announced(channel));
        if from == self.id || is_ours {
            outputs.extend(self.say_of_ourselves(id));
        } else {
            self.gossip.relay.queue(id, from);
        }
        outputs
    }

    pub(super) fn refuse_gossip(
        &mut self,
        from: PublicKey,
        message: &str,
        requirement: &str,
        why: &str,
        answer: Answer,
    ) -> Vec<NodeOutput> {
        let event = GossipEvent::Refused {
            message: message.to_owned(),
            requirement: requirement.to_owned(),
            why: why.to_owned(),
        };
        let mut outputs = vec![NodeOutput::Event(NodeEvent::Gossip { peer: Some(from), event })];
        if answer == Answer::Nothing || from == self.id {
            return outputs;
        }
        let warning = Warning::about(ChannelId::ALL, format!("{message}: {why}"));
        outputs.push(NodeOutput::Send { to: from, message: warning.into() });
        if answer == Answer::HangUp {
            self.disconnect(&from);
            outputs.push(NodeOutput::Disconnect { peer: from });
        }
        outputs
    }

    /// Sends the answers to a query, or says what is wrong with it.
    fn send_answers(
        &mut self,
        from: PublicKey,
        query: &str,
        answers: Result<Vec<Message>, BadQuery>,
    ) -> Vec<NodeOutput> {
        match answers {
            Ok(messages) => {
                let send = |message| NodeOutput::Send { to: from, message };
                messages.into_iter().map(send).collect()
            }
            Err(bad) => {
                let (requirement, why) = (bad.requirement(), bad.to_string());
                self.refuse_gossip(from, query, requirement, &why, Answer::Warning)
            }
        }
    }

    /// From now on the peer wants this gossip. BOLT 7, "The `gossip_timestamp_filter` Message".
    fn set_filter(&mut self, from: PublicKey, message: &GossipTimestampFilter) {
        let Some(filter) = Filter::asked(message) else { return };
        if let Some(peer) = self.gossip.peers.get_mut(&from) {
            peer.filter = Some(filter);
            self.gossip.relay.catch_up(from);
        }
    }

    /// Takes an answer of a peer; asks no more of one whose answers cannot be.
    fn go_on_syncing(
        &mut self,
        from: PublicKey,
        name: &str,
        step: impl Fn(Sync, &Network) -> Result<(Sync, Option<Message>), BadAnswer>,
    ) -> Vec<NodeOutput> {
        let Some(peer) = self.gossip.peers.get_mut(&from) else { return Vec::new() };
        match step(std::mem::take(&mut peer.sync), &self.gossip.network) {
            Ok((next, query)) => {
                peer.sync = next;
                let send = |message| NodeOutput::Send { to: from, message };
                query.into_iter().map(send).collect()
            }
            Err(bad) => {
                let (requirement, why) = (bad.requirement(), bad.to_string());
                self.refuse_gossip(from, name, requirement, &why, Answer::Warning)
            }
        }
    }

    /// Follows the chain: funding outputs that are spent or lost.
    pub(super) fn follow_gossip(&mut self, event: &ChainEvent) -> Vec<NodeOutput> {
        match event {
            ChainEvent::Connected { height, transactions } => {
                let (due, forgotten) = self.gossip.network.connect(*height, transactions);
                self.announce_again(&forgotten);
                let again = due.into_iter().map(NodeOutput::LookUp);
                again.chain(forgotten.into_iter().map(told_forgotten)).collect()
            }
            ChainEvent::Disconnected { height } => {
                self.gossip.network.disconnect(*height);
                Vec::new()
            }
        }
    }

    /// The clock has moved on: what is old is forgotten, and what has waited goes out.
    pub(super) fn gossip_time(&mut self) -> Vec<NodeOutput> {
        let mut outputs = self.refresh_updates();
        let forgotten = self.gossip.network.prune(self.time);
        self.announce_again(&forgotten);
        outputs.extend(forgotten.into_iter().map(told_forgotten));
        let asked = |(peer, of): (&PublicKey, &GossipPeer)| Some((*peer, of.filter?));
        let peers = self.gossip.peers.iter().filter_map(asked).collect();
        let sent = self.gossip.relay.flush(&self.gossip.network, self.time, &peers);
        outputs.extend(sent.into_iter().map(|(to, message)| NodeOutput::Send { to, message }));
        outputs
    }

    /// Those whose connection is up.
    pub(super) fn gossip_peers(&self) -> Vec<PublicKey> {
        self.gossip.peers.keys().copied().collect()
    }
}

impl Gossip {
    fn set_sync(&mut self, peer: &PublicKey, sync: Sync) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.sync = sync;
        }
    }
}

fn told_forgotten((short_channel_id, why): (ShortChannelId, Forgotten)) -> NodeOutput {
    let event = GossipEvent::Forgotten { short_channel_id, why };
    NodeOutput::Event(NodeEvent::Gossip { peer: None, event })
}

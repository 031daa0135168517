//! What a node believes of the network: channels that are proven and funded, what their ends ask for
//! forwarding, and who the nodes are. BOLT 7.
//!
//! ```text
//! channel_announcement --> signatures --> LookUp --> funding output --> a channel
//!                                           |  updates and nodes that come meanwhile wait with it
//! channel_update, node_announcement ------> known channel? newer? signed? --> replaces the last
//! block -------> a funding output is spent, or its block is gone: forgotten 72 blocks later
//! clock -------> a channel without news for two weeks is forgotten
//! ```

mod checks;
mod forgetting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::constants::ChainHash;
use bitcoin::{Amount, OutPoint, TxOut};
use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use self::checks::{check_funding, check_node, check_time, compare};
use super::allowance::Allowance;
use super::refusal::Refusal;
use super::signed::AnnouncedKeys;
use super::update::Direction;
use crate::bolt::units::{BlockHeight, Msat, ShortChannelId};
use crate::bolt::wire::UncheckedPoint;
use crate::bolt::wire::messages::{ChannelAnnouncement, ChannelUpdate, NodeAnnouncement};

/// Confirmations that a funding transaction needs before its channel is announced. BOLT 7, "The
/// `channel_announcement` Message".
pub const ANNOUNCED_DEPTH: u32 = 6;
/// With so many confirmations an announcement is not too early, but waits for the last ones: its
/// sender may have seen blocks that we have not.
const NEARLY_DEEP: u32 = 4;
/// Blocks on a spent or lost funding output, its own included, after which the channel is forgotten.
pub const FORGOTTEN_DEPTH: u32 = 72;
/// How long a channel is believed in without an update, in seconds: two weeks.
pub const STALE_AFTER: u64 = 1_209_600;
/// How far ahead of our clock an update may be, in seconds: a day. BOLT 7 says "unreasonably far".
pub const FAR_FUTURE: u64 = 86_400;
/// For so many channels announcements may wait for the chain at once.
const MOST_WAITING: usize = 10_000;
/// So many announcements of one channel may.
const MOST_RIVALS: usize = 4;

/// What it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The height of the newest block.
    pub height: BlockHeight,
    /// What the clock shows, in seconds since 1970.
    pub time: u64,
}

/// Names a piece of gossip, in the order in which pieces are passed on: a channel before its
/// updates, and both before its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GossipId {
    /// The `channel_announcement` of this channel.
    Channel(ShortChannelId),
    /// The `channel_update` of this direction of it.
    Update(ShortChannelId, Direction),
    /// The `node_announcement` of this node.
    Node(UncheckedPoint),
}

/// What became of a message that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is news, which others should hear too.
    News(GossipId),
    /// It says nothing new.
    Known,
    /// The chain is to be asked for the funding output of this channel.
    LookUp(ShortChannelId),
    /// It waits for what the chain says of a channel.
    Waiting,
}

/// What the chain has where a `short_channel_id` points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FundingOutput {
    /// No transaction, or no such output of it.
    Missing,
    /// An output that is spent.
    Spent,
    /// An output that is unspent.
    Unspent {
        /// Where it is.
        outpoint: OutPoint,
        /// The output.
        output: TxOut,
        /// How many blocks deep its transaction is; the block itself counts.
        confirmations: u32,
    },
}

/// Why a channel is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// A transaction of the block at this height spends its funding output.
    Spent(BlockHeight),
    /// The block with its funding transaction was at this height, and is no more.
    Unconfirmed(BlockHeight),
}

impl Gone {
    fn height(self) -> BlockHeight {
        match self {
            Self::Spent(height) | Self::Unconfirmed(height) => height,
        }
    }
}

/// Why a channel was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgotten {
    /// Its funding output was spent, or lost, 72 blocks ago.
    Gone,
    /// One of its ends was not heard of for two weeks.
    Stale,
    /// One of its nodes has announced the same output with others.
    Blacklisted,
}

/// A channel of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownChannel {
    /// What proves it.
    pub announcement: Arc<ChannelAnnouncement>,
    /// Its funding output.
    pub outpoint: OutPoint,
    /// Its capacity: the amount of that output.
    pub capacity: Amount,
    /// The newest `channel_update` of each direction.
    pub updates: [Option<Arc<ChannelUpdate>>; 2],
    /// Whether, and since when, it is on its way out.
    pub gone: Option<Gone>,
    /// When it was announced, in seconds since 1970.
    since: u64,
    allowances: [Allowance; 2],
}

impl KnownChannel {
    /// Whether the block with its funding transaction is gone.
    fn is_unconfirmed(&self) -> bool {
        matches!(self.gone, Some(Gone::Unconfirmed(_)))
    }

    /// When the end that was silent for longer was heard of last, in seconds since 1970.
    fn heard_of(&self) -> u64 {
        let last = |update: &Option<Arc<ChannelUpdate>>| {
            update.as_ref().map_or(self.since, |update| u64::from(update.timestamp))
        };
        self.updates.iter().map(last).min().unwrap_or(self.since)
    }

    /// The capacity in millisatoshis: no HTLC can be larger.
    pub fn capacity_msat(&self) -> Msat {
        Msat::from_amount(self.capacity).unwrap_or(Msat(u64::MAX))
    }

    /// The timestamp that counts as that of the announcement: a `channel_announcement` has none of its
    /// own. `None` before the first update. BOLT 7, "The `gossip_timestamp_filter` Message".
    pub fn timestamp(&self) -> Option<u32> {
        self.updates.iter().flatten().map(|update| update.timestamp).max()
    }
}

/// A node of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownNode {
    /// Its public key.
    pub key: PublicKey,
    /// Its channels.
    pub channels: BTreeSet<ShortChannelId>,
    /// What it says of itself.
    pub announcement: Option<Arc<NodeAnnouncement>>,
}

/// An announcement that waits for the chain, and what came meanwhile that rests on it.
#[derive(Clone, Debug)]
struct Waiting {
    from: PublicKey,
    announcement: ChannelAnnouncement,
    keys: AnnouncedKeys,
    updates: [Option<(PublicKey, ChannelUpdate)>; 2],
    nodes: [Option<(PublicKey, NodeAnnouncement)>; 2],
    /// The height at which the funding is looked up again; `None` while an answer is due.
    due: Option<BlockHeight>,
}

/// What came of a message that had waited: from whom it was, its name, and what is believed.
pub type Settled = (PublicKey, &'static str, Result<Heard, Refusal>);

/// The network, as one node knows it.
#[derive(Clone, Debug, Default)]
pub struct Network {
    channels: BTreeMap<ShortChannelId, KnownChannel>,
    nodes: BTreeMap<UncheckedPoint, KnownNode>,
    fundings: BTreeMap<OutPoint, ShortChannelId>,
    waiting: BTreeMap<ShortChannelId, Vec<Waiting>>,
    blacklist: BTreeSet<UncheckedPoint>,
    /// Channels that were announced with several pairs of nodes: nobody is believed about them.
    disputed: BTreeSet<ShortChannelId>,
    /// What is forgotten for that, and was not told yet.
    blacklisted: Vec<ShortChannelId>,
}

impl Network {
    /// The channels, in the order of their ids.
    pub fn channels(&self) -> impl DoubleEndedIterator<Item = (&ShortChannelId, &KnownChannel)> {
        self.channels.iter()
    }

    /// The channels with an id in this range.
    pub fn channels_within(
        &self,
        range: std::ops::RangeInclusive<ShortChannelId>,
    ) -> impl Iterator<Item = (&ShortChannelId, &KnownChannel)> {
        self.channels.range(range)
    }

    /// A channel.
    pub fn channel(&self, id: ShortChannelId) -> Option<&KnownChannel> {
        self.channels.get(&id)
    }

    /// The nodes, in the order of their ids.
    pub fn nodes(&self) -> impl Iterator<Item = (&UncheckedPoint, &KnownNode)> {
        self.nodes.iter()
    }

    /// A node.
    pub fn node(&self, id: &UncheckedPoint) -> Option<&KnownNode> {
        self.nodes.get(id)
    }

    /// Takes a `channel_announcement`. BOLT 7, "The `channel_announcement` Message".
    ///
    /// # Errors
    /// [`Refusal`] if it is not believed.
    pub fn receive_channel(
        &mut self,
        from: PublicKey,
        announcement: &ChannelAnnouncement,
    ) -> Result<Heard, Refusal> {
        let id = announcement.short_channel_id;
        if announcement.chain_hash != ChainHash::REGTEST {
            return Err(Refusal::UnknownChain);
        }
        if announcement.node_id_1 >= announcement.node_id_2 {
            return Err(Refusal::NodeIdOrder);
        }
        self.check_blacklist(announcement)?;
        let known = self.channels.get(&id);
        if known.is_some_and(|known| known.announcement.names_the_same_as(announcement)) {
            return Ok(Heard::Known);
        }
        // Once its block is gone, the id may be that of another transaction.
        let is_settled = known.is_some_and(|known| !known.is_unconfirmed());
        let is_same = |of: &Waiting| of.announcement.names_the_same_as(announcement);
        if self.waiting_for(id).any(is_same) {
            return Ok(Heard::Waiting);
        }
        let keys = self.keys(announcement)?;
        if let Some(wrong) = announcement.wrong_signature(&keys) {
            return Err(Refusal::WrongSignature { field: wrong.name() });
        }
        if is_settled {
            return Err(self.conflict(id, announcement));
        }
        if self.waiting.len() >= MOST_WAITING || self.waiting_for(id).count() >= MOST_RIVALS {
            return Err(Refusal::TooManyWaiting);
        }
        // Of several, the chain decides which one is true: a false one that comes first must not keep
        // the true one out.
        self.waiting.entry(id).or_default().push(Waiting {
            from,
            announcement: announcement.clone(),
            keys,
            updates: [None, None],
            nodes: [None, None],
            due: None,
        });
        Ok(Heard::LookUp(id))
    }

    fn check_blacklist(&self, announcement: &ChannelAnnouncement) -> Result<(), Refusal> {
        let is_listed = announcement.node_ids().iter().any(|node| self.blacklist.contains(node))
            || self.disputed.contains(&announcement.short_channel_id);
        if is_listed { Err(Refusal::Blacklisted) } else { Ok(()) }
    }

    fn waiting_for(&self, id: ShortChannelId) -> impl Iterator<Item = &Waiting> {
        self.waiting.get(&id).into_iter().flatten()
    }

    /// The keys of an announcement. Those of known nodes were checked before.
    fn keys(&self, announcement: &ChannelAnnouncement) -> Result<AnnouncedKeys, Refusal> {
        let node = |id: &UncheckedPoint, field| {
            let known = self.nodes.get(id).map(|node| node.key);
            known.or_else(|| id.check()).ok_or(Refusal::InvalidKey { field })
        };
        let point = |key: &UncheckedPoint, field| key.check().ok_or(Refusal::InvalidKey { field });
        Ok(AnnouncedKeys {
            nodes: [
                node(&announcement.node_id_1, "node_id_1")?,
                node(&announcement.node_id_2, "node_id_2")?,
            ],
            bitcoin: [
                point(&announcement.bitcoin_key_1, "bitcoin_key_1")?,
                point(&announcement.bitcoin_key_2, "bitcoin_key_2")?,
            ],
        })
    }

    /// The same output, proven by other nodes: their keys have leaked. Whoever does not have the keys
    /// of the output proves nothing.
    fn conflict(&mut self, id: ShortChannelId, announcement: &ChannelAnnouncement) -> Refusal {
        let Some(known) = self.channels.get(&id) else { return Refusal::Conflicting };
        let keys = |of: &ChannelAnnouncement| BTreeSet::from([of.bitcoin_key_1, of.bitcoin_key_2]);
        if keys(&known.announcement) != keys(announcement) {
            return Refusal::WrongFundingScript;
        }
        let nodes = known.announcement.node_ids().into_iter().chain(announcement.node_ids());
        let nodes: Vec<UncheckedPoint> = nodes.collect();
        // Whoever has the keys can name any nodes: one output must not fill the blacklist.
        self.disputed.insert(id);
        for node in nodes {
            self.blacklist.insert(node);
            let channels = self.nodes.get(&node).map(|node| node.channels.clone());
            for channel in channels.unwrap_or_default() {
                self.forget(channel);
                self.blacklisted.push(channel);
            }
        }
        Refusal::Conflicting
    }

    /// The channels that were forgotten because a node of theirs is blacklisted, since this was asked
    /// last.
    pub fn take_blacklisted(&mut self) -> Vec<(ShortChannelId, Forgotten)> {
        let forgotten = std::mem::take(&mut self.blacklisted).into_iter();
        forgotten.map(|id| (id, Forgotten::Blacklisted)).collect()
    }

    /// The chain has answered [`Heard::LookUp`].
    pub fn looked_up(
        &mut self,
        now: Now,
        id: ShortChannelId,
        found: &FundingOutput,
    ) -> Vec<Settled> {
        let rivals = self.waiting.remove(&id).unwrap_or_default();
        rivals.into_iter().flat_map(|waiting| self.settle(now, waiting, found)).collect()
    }

    /// Holds an announcement against what the chain has.
    fn settle(&mut self, now: Now, mut waiting: Waiting, found: &FundingOutput) -> Vec<Settled> {
        const CHANNEL: &str = "channel_announcement";
        let (from, id) = (waiting.from, waiting.announcement.short_channel_id);
        let (outpoint, capacity) = match check_funding(&waiting.keys, found) {
            Ok(funding) => funding,
            Err(Refusal::TooShallow { confirmations }) if confirmations >= NEARLY_DEEP => {
                let missing = ANNOUNCED_DEPTH.saturating_sub(confirmations);
                waiting.due = now.height.checked_add(missing);
                self.waiting.entry(id).or_default().push(waiting);
                return vec![(from, CHANNEL, Ok(Heard::Waiting))];
            }
            Err(refusal) => return vec![(from, CHANNEL, Err(refusal))],
        };
        // What was heard meanwhile counts, too.
        if let Err(refusal) = self.check_blacklist(&waiting.announcement) {
            return vec![(from, CHANNEL, Err(refusal))];
        }
        if let Some(known) = self.channels.get(&id) {
            if known.outpoint == outpoint {
                let refusal = self.conflict(id, &waiting.announcement);
                return vec![(from, CHANNEL, Err(refusal))];
            }
            self.forget(id);
        }
        let Waiting { announcement, keys, updates, nodes, .. } = waiting;
        self.insert(now, announcement, &keys, outpoint, capacity);
        let mut settled = vec![(from, CHANNEL, Ok(Heard::News(GossipId::Channel(id))))];
        for (from, update) in updates.into_iter().flatten() {
            settled.push((from, "channel_update", self.receive_update(now, from, &update)));
        }
        for (from, node) in nodes.into_iter().flatten() {
            settled.push((from, "node_announcement", self.receive_node(from, &node)));
        }
        settled
    }

    fn insert(
        &mut self,
        now: Now,
        announcement: ChannelAnnouncement,
        keys: &AnnouncedKeys,
        outpoint: OutPoint,
        capacity: Amount,
    ) {
        let id = announcement.short_channel_id;
        for (node, key) in announcement.node_ids().into_iter().zip(keys.nodes) {
            let node = self.nodes.entry(node).or_insert_with(|| KnownNode {
                key,
                channels: BTreeSet::new(),
                announcement: None,
            });
            node.channels.insert(id);
        }
        self.fundings.insert(outpoint, id);
        let channel = KnownChannel {
            announcement: Arc::new(announcement),
            outpoint,
            capacity,
            updates: [None, None],
            gone: None,
            since: now.time,
            allowances: <[Allowance; 2]>::default(),
        };
        self.channels.insert(id, channel);
    }

    /// Takes a `channel_update`. BOLT 7, "The `channel_update` Message".
    ///
    /// # Errors
    /// [`Refusal`] if it is not believed.
    pub fn receive_update(
        &mut self,
        now: Now,
        from: PublicKey,
        update: &ChannelUpdate,
    ) -> Result<Heard, Refusal> {
        let (id, direction) = (update.short_channel_id, update.direction());
        if update.chain_hash != ChainHash::REGTEST {
            return Err(Refusal::UpdateOfUnknownChain);
        }
        if update.is_private() {
            return Err(Refusal::NotToBeForwarded);
        }
        let Some(channel) = self.channels.get_mut(&id) else {
            return self.keep_update(now, from, update);
        };
        if matches!(channel.gone, Some(Gone::Spent(_))) && !update.is_disabled() {
            return Err(Refusal::SpentChannel);
        }
        check_time(now, update)?;
        if let Some(known) = direction.of(&channel.updates)
            && let Some(heard) = compare(known, update)?
        {
            return Ok(heard);
        }
        let node = direction.of(&channel.announcement.node_ids()).to_owned();
        let key = self.nodes.get(&node).map(|node| node.key).ok_or(Refusal::UnknownChannel)?;
        if !update.is_signed_by(&key) {
            return Err(Refusal::WrongUpdateSignature);
        }
        // Last, so that only what its node has signed uses up what it may say.
        let allowance = direction.of_mut(&mut channel.allowances);
        *allowance = allowance.spend(now.time).ok_or(Refusal::TooManyUpdates)?;
        *direction.of_mut(&mut channel.updates) = Some(Arc::new(update.clone()));
        Ok(Heard::News(GossipId::Update(id, direction)))
    }

    /// Takes a `node_announcement`. BOLT 7, "The `node_announcement` Message".
    ///
    /// # Errors
    /// [`Refusal`] if it is not believed.
    pub fn receive_node(
        &mut self,
        from: PublicKey,
        announcement: &NodeAnnouncement,
    ) -> Result<Heard, Refusal> {
        let id = announcement.node_id;
        let Some(node) = self.nodes.get_mut(&id) else {
            return self.keep_node(from, announcement);
        };
        if let Some(known) = &node.announcement
            && announcement.timestamp <= known.timestamp
        {
            let (timestamp, known_at) = (announcement.timestamp, known.timestamp);
            return if **known == *announcement {
                Ok(Heard::Known)
            } else {
                Err(Refusal::OldNodeAnnouncement { timestamp, known: known_at })
            };
        }
        check_node(announcement, &node.key)?;
        node.announcement = Some(Arc::new(announcement.clone()));
        Ok(Heard::News(GossipId::Node(id)))
    }

    /// Keeps an update until its channel is known. Who has signed it is nobody's fault before: the
    /// announcement that waits may be the false one.
    fn keep_update(
        &mut self,
        now: Now,
        from: PublicKey,
        update: &ChannelUpdate,
    ) -> Result<Heard, Refusal> {
        let direction = update.direction();
        let rivals =
            self.waiting.get_mut(&update.short_channel_id).ok_or(Refusal::UnknownChannel)?;
        check_time(now, update)?;
        let signed =
            |waiting: &&mut Waiting| update.is_signed_by(direction.of(&waiting.keys.nodes));
        let waiting = rivals.iter_mut().find(signed).ok_or(Refusal::UnknownChannel)?;
        let slot = direction.of_mut(&mut waiting.updates);
        if slot.as_ref().is_none_or(|(_, known)| known.timestamp < update.timestamp) {
            *slot = Some((from, update.clone()));
        }
        Ok(Heard::Waiting)
    }

    /// Keeps what a node says of itself until its first channel is known, whichever that will be.
    fn keep_node(
        &mut self,
        from: PublicKey,
        announcement: &NodeAnnouncement,
    ) -> Result<Heard, Refusal> {
        let id = announcement.node_id;
        let key = id.check().ok_or(Refusal::InvalidNodeId)?;
        let is_of = |waiting: &&Waiting| waiting.announcement.node_ids().contains(&id);
        if !self.waiting.values().flatten().any(|waiting| is_of(&waiting)) {
            return Err(Refusal::NodeWithoutChannel);
        }
        check_node(announcement, &key)?;
        for waiting in self.waiting.values_mut().flatten() {
            let nodes = waiting.announcement.node_ids().into_iter().zip(&mut waiting.nodes);
            for (_, slot) in nodes.filter(|(node, _)| *node == id) {
                if slot.as_ref().is_none_or(|(_, known)| known.timestamp < announcement.timestamp) {
                    *slot = Some((from, announcement.clone()));
                }
            }
        }
        Ok(Heard::Waiting)
    }
}

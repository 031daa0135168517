//! Puts records into a graph, and counts those that cannot be channels.

use std::collections::BTreeMap;
use std::fmt;

use bitcoin::Amount;
use bitcoin::hex::FromHex;
use secp256k1::PublicKey;
use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

use super::{Format, GraphFile};
use crate::bolt::routing::{ChannelIndex, Direction, Graph, GraphError, Policy};
use crate::bolt::units::ShortChannelId;
use crate::bolt::wire::UncheckedPoint;

/// Why something of a file is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// A channel's both ends are one node.
    SelfChannel,
    /// A channel's node 1 is not the lesser id, or its direction not that of its ends.
    OutOfOrder,
    /// A channel's node is not among the nodes.
    Dangling,
    /// A channel that was there already, with other ends, capacity or policies; the first stays.
    Contradicted,
    /// A channel that was there already, with the same.
    Repeated,
    /// A channel with less than nothing or more than all bitcoins.
    Capacity,
    /// A policy with a fee, a delay or a limit that no `channel_update` can say.
    Policy,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SelfChannel => "both ends are one node",
            Self::OutOfOrder => "the ends are out of order",
            Self::Dangling => "an end is not among the nodes",
            Self::Contradicted => "it stands there twice, and differs",
            Self::Repeated => "it stands there twice",
            Self::Capacity => "its capacity is none that a channel can have",
            Self::Policy => "a fee, delay or limit is beyond what a channel_update can say",
        })
    }
}

/// How much of a file is left out, by reason: channels, and policies for [`SkipReason::Policy`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Skipped(pub BTreeMap<SkipReason, u64>);

impl Skipped {
    fn count(&mut self, reason: SkipReason) {
        let count = self.0.entry(reason).or_default();
        *count = count.saturating_add(1);
    }
}

/// A line for each reason; nothing if all was read.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (reason, count) in &self.0 {
            let what = match reason {
                SkipReason::Policy => "polic",
                SkipReason::SelfChannel
                | SkipReason::OutOfOrder
                | SkipReason::Dangling
                | SkipReason::Contradicted
                | SkipReason::Repeated
                | SkipReason::Capacity => "channel",
            };
            let ending = match (what, *count) {
                ("polic", 1) => "y",
                ("polic", _) => "ies",
                (_, 1) => "",
                _ => "s",
            };
            writeln!(f, "{count} {what}{ending} skipped: {reason}")?;
        }
        Ok(())
    }
}

/// A record that says who it is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) short_channel_id: ShortChannelId,
    /// In the order in which the file has them.
    pub(super) nodes: [UncheckedPoint; 2],
    pub(super) capacity: Option<Amount>,
}

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Loader {
    graph: Graph,
    nodes: BTreeMap<UncheckedPoint, String>,
    skipped: Skipped,
}

impl Loader {
    /// Notes a node and what it calls itself.
    pub(super) fn add_node(&mut self, id: UncheckedPoint, alias: String) {
        self.nodes.insert(id, alias);
    }

    /// Leaves something out.
    pub(super) fn skip(&mut self, reason: SkipReason) {
        self.skipped.count(reason);
    }

    /// Holds that an id is a point: a graph carries it to where keys are used.
    pub(super) fn check(&self, NodeId(id): NodeId) -> Result<UncheckedPoint, Malformed> {
        let known = self.graph.node(&id).is_some() || self.nodes.contains_key(&id);
        if known || PublicKey::from_slice(&id.0).is_ok() { Ok(id) } else { Err(Malformed::Node) }
    }

    /// Adds a channel that is new, or counts it out.
    pub(super) fn add_channel(&mut self, ends: &Ends) -> Option<ChannelIndex> {
        let Ends { short_channel_id, nodes, capacity } = *ends;
        if capacity.is_some_and(|capacity| capacity > Amount::MAX_MONEY) {
            self.skip(SkipReason::Capacity);
            return None;
        }
        let reason = match self.graph.insert(short_channel_id, nodes, capacity) {
            Ok(channel) => return Some(channel),
            Err(GraphError::SelfChannel(_)) => SkipReason::SelfChannel,
            Err(GraphError::NodesOutOfOrder(_)) => SkipReason::OutOfOrder,
            // A graph that is full, or an index of its own that is none, cannot be of a file's size.
            Err(
                GraphError::KnownChannel(_)
                | GraphError::TooMany(_)
                | GraphError::UnknownChannel(_),
            ) => SkipReason::Contradicted,
        };
        self.skip(reason);
        None
    }

    /// The channel of that id with these ends and this capacity; `Err` if it has others.
    pub(super) fn known(&self, ends: &Ends) -> Option<Result<ChannelIndex, Differs>> {
        let index = self.graph.find(ends.short_channel_id)?;
        let channel = self.graph.channel(index)?;
        let nodes = channel.nodes.map(|node| self.graph.node_id(node));
        let same = nodes == ends.nodes.map(Some) && channel.capacity == ends.capacity;
        Some(if same { Ok(index) } else { Err(Differs) })
    }

    /// What an end said of the channel.
    pub(super) fn policy(&self, channel: ChannelIndex, direction: Direction) -> Option<Policy> {
        self.graph.policy(channel, direction)
    }

    /// Sets what an end says.
    pub(super) fn set_policy(
        &mut self,
        channel: ChannelIndex,
        direction: Direction,
        policy: Policy,
    ) {
        // The channel was found in this graph a moment ago.
        let _ = self.graph.set_policy(channel, direction, policy);
    }

    /// The graph, without the channels whose nodes the file should name and does not.
    pub(super) fn finish(mut self, format: Format) -> GraphFile {
        if format == Format::Lnd {
            let named = |node| {
                let id = self.graph.node_id(node);
                id.is_some_and(|id| self.nodes.contains_key(&id))
            };
            let all = self.graph.channels();
            let dangling: Vec<_> = all
                .filter(|(_, channel)| !channel.nodes.into_iter().all(named))
                .map(|(index, _)| index)
                .collect();
            for index in dangling {
                if self.graph.remove(index).is_ok() {
                    self.skipped.count(SkipReason::Dangling);
                }
            }
        }
        self.graph.compact();
        let Self { graph, nodes: mut aliases, skipped } = self;
        aliases.retain(|_, alias| !alias.is_empty());
        GraphFile { format, graph, aliases, skipped }
    }
}

/// Another channel has that id already.
#[derive(Debug)]
pub(super) struct Differs;

/// 33 bytes in hex, which may or may not be a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeId(UncheckedPoint);

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(from)?;
        let id = <[u8; 33]>::from_hex(&hex).map(|bytes| Self(UncheckedPoint(bytes)));
        id.map_err(|_| de::Error::custom(Malformed::Node))
    }
}

/// What no graph of any network has: the file itself is broken.
#[derive(Debug, Error)]
pub(super) enum Malformed {
    #[error("expected a node id: 33 bytes in hex that are a point")]
    Node,
    #[error("expected a short_channel_id: 64 bits, or like 539268x845x1")]
    ShortChannelId,
}

//! The way that a payment takes, by what this node has heard of the network and knows of its own
//! channels. BOLT 7, "Recommendations for Routing".

use std::collections::BTreeSet;

use bitcoin::hashes::{Hash, sha256};
use secp256k1::PublicKey;

use super::route::{PathHop, RelayPolicy};
use super::{Link, Node, NodeChannel};
use crate::bolt::channel::{Command, HtlcOffer, Input, Phase};
use crate::bolt::features::{Context, Features};
use crate::bolt::gossip::KnownChannel;
use crate::bolt::routing::{
    Algorithm, ChannelIndex, Direction, Explored, Graph, InboundFee, NoRoute, NodeIndex, Policy,
    Request, Route, Search,
};
use crate::bolt::units::{CltvExpiry, CltvExpiryDelta, Msat, ShortChannelId};
use crate::bolt::wire::messages::ChannelUpdate;
use crate::bolt::wire::{OnionPacket, UncheckedPoint};

/// A way to seek.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaySought {
    /// To whom.
    pub payee: PublicKey,
    /// What is to arrive there.
    pub amount: Msat,
    /// How many blocks the payee wants for itself.
    pub final_cltv_expiry_delta: CltvExpiryDelta,
    /// The most channels.
    pub max_hops: u8,
    /// The most that is paid in fees.
    pub max_fee: Option<Msat>,
    /// How it is sought.
    pub algorithm: Algorithm,
}

/// A way that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayFound {
    /// Its hops.
    pub path: Vec<PathHop>,
    /// What all nodes on it keep together, in millisatoshis.
    pub fee_msat: i64,
    /// How far the search went.
    pub explored: Explored,
}

impl Node {
    /// Seeks a way for a payment. What this node has on its side of its own channels it knows; of the
    /// others it knows what they hold in all.
    ///
    /// # Errors
    /// [`NoRoute`].
    pub fn seek(&self, sought: &WaySought) -> Result<WayFound, NoRoute> {
        let (mut graph, payee) = (Graph::new(), UncheckedPoint::from(sought.payee));
        let mut excluded_nodes = BTreeSet::new();
        self.draw(&mut graph);
        let index = |id: &UncheckedPoint| graph.node(id).unwrap_or(NodeIndex(u32::MAX));
        let (from, to) = (index(&self.id.into()), index(&payee));
        for (id, known) in self.network().nodes() {
            let demands = known.announcement.as_ref().map(|said| &said.features);
            if demands.is_some_and(|features| self.is_beyond_us(features)) {
                excluded_nodes.extend(graph.node(id));
            }
        }
        let mut request = Request {
            final_cltv_expiry_delta: sought.final_cltv_expiry_delta,
            max_hops: sought.max_hops,
            max_fee: sought.max_fee,
            excluded_nodes,
            ..Request::new(from, to, sought.amount)
        };
        let mut search = Search::new();
        loop {
            let route = search.find(&graph, &request, sought.algorithm)?;
            let Some(first) = route.hops.first() else { return Err(NoRoute::SameNode) };
            let name = graph.channel(first.channel).map(|channel| channel.short_channel_id);
            if name.is_some_and(|name| self.can_send(name, first.amount_in, route.delay())) {
                let (path, explored) = (path_of(&graph, &route), search.explored());
                return Ok(WayFound { path, fee_msat: route.fee_msat, explored });
            }
            // Each time there is one channel less of our own to begin with.
            request.excluded_channels.insert((first.channel, first.direction));
        }
    }

    /// Draws what is known of the network.
    fn draw(&self, graph: &mut Graph) {
        for (id, channel) in self.network().channels() {
            let of_us = self.own(*id).is_some();
            if channel.gone.is_some() || of_us || self.is_beyond_us(&channel.announcement.features)
            {
                continue;
            }
            let ends = channel.announcement.node_ids();
            let Ok(index) = graph.insert(*id, ends, Some(channel.capacity)) else { continue };
            for direction in Direction::BOTH {
                let Some(policy) = policy_of(channel, direction) else { continue };
                // The channel is there, so its policy can be set.
                let _ = graph.set_policy(index, direction, policy);
            }
        }
        for channel in self.channels.values() {
            let _ = self.draw_own(graph, channel);
        }
    }

    /// Draws a channel of our own, which others may not know of. We ask ourselves nothing.
    fn draw_own(&self, graph: &mut Graph, channel: &NodeChannel) -> Option<ChannelIndex> {
        let Phase::Normal(normal) = &channel.phase else { return None };
        if channel.link != Link::Up {
            return None;
        }
        let terms = &normal.commitments.terms;
        let (ours, theirs) = (UncheckedPoint::from(self.id), UncheckedPoint::from(channel.peer));
        let name = channel.phase.name_for_senders()?;
        let (ends, direction) = if ours < theirs {
            ([ours, theirs], Direction::FromNode1)
        } else {
            ([theirs, ours], Direction::FromNode2)
        };
        let index = graph.insert(name, ends, Some(terms.capacity)).ok()?;
        let policy = Policy {
            cltv_expiry_delta: CltvExpiryDelta(0),
            htlc_minimum_msat: terms.remote.htlc_minimum,
            htlc_maximum_msat: terms.remote.max_htlc_value_in_flight,
            fee_base_msat: 0,
            fee_proportional_millionths: 0,
            inbound: InboundFee::default(),
            disabled: false,
        };
        graph.set_policy(index, direction, policy).ok()?;
        let known = self.network().channel(name);
        let back = known.and_then(|known| policy_of(known, direction.reversed()));
        if let Some(back) = back {
            graph.set_policy(index, direction.reversed(), back).ok()?;
        }
        Some(index)
    }

    fn own(&self, id: ShortChannelId) -> Option<&NodeChannel> {
        self.channels.values().find(|channel| channel.phase.goes_by(id))
    }

    /// Whether these features demand something that this node does not know.
    fn is_beyond_us(&self, features: &Features) -> bool {
        features.check(Context::NodeAnnouncement, &self.features).is_err()
    }

    /// Whether an own channel can carry this HTLC now: its step is tried, and not taken.
    pub(super) fn can_send(&self, name: ShortChannelId, amount: Msat, delay: u32) -> bool {
        let Some(channel) = self.own(name) else { return false };
        let offer = HtlcOffer {
            amount,
            payment_hash: sha256::Hash::all_zeros(),
            cltv_expiry: CltvExpiry(self.height.0.saturating_add(delay)),
            onion: OnionPacket(Box::new([0; OnionPacket::LENGTH])),
            path_key: None,
            upstream_expiry: None,
        };
        let context = self.context(&channel.secrets, &channel.features);
        channel.phase.step(&context, &Input::Command(Command::Offer(offer))).is_ok()
    }
}

/// The hops of a route, with what the node before each asks.
fn path_of(graph: &Graph, route: &Route) -> Vec<PathHop> {
    let hop = |hop: &crate::bolt::routing::Hop| {
        let name = graph.channel(hop.channel)?.short_channel_id;
        let policy = graph.policy(hop.channel, hop.direction)?;
        Some(PathHop {
            node_id: graph.node_id(hop.node)?.check()?,
            channel: name,
            relay: RelayPolicy {
                fee_base: Msat(policy.fee_base_msat.into()),
                fee_proportional_millionths: policy.fee_proportional_millionths,
                cltv_expiry_delta: policy.cltv_expiry_delta,
                htlc_minimum: policy.htlc_minimum_msat,
            },
        })
    };
    route.hops.iter().filter_map(hop).collect()
}

/// What one side of a channel asks, if that can be used. BOLT 7, "The `channel_update` Message".
fn policy_of(channel: &KnownChannel, direction: Direction) -> Option<Policy> {
    let update: &ChannelUpdate = direction.of(&channel.updates).as_ref()?;
    update.is_usable(channel.capacity_msat()).then(|| Policy {
        cltv_expiry_delta: update.cltv_expiry_delta,
        htlc_minimum_msat: update.htlc_minimum_msat,
        htlc_maximum_msat: update.htlc_maximum_msat,
        fee_base_msat: update.fee_base_msat,
        fee_proportional_millionths: update.fee_proportional_millionths,
        inbound: InboundFee::default(),
        disabled: false,
    })
}

//! What is asked of a search, and what it answers.

use std::collections::BTreeSet;

use serde::Serialize;
use thiserror::Error;

use super::fees::{self, Fees, MOST, RiskFactor, difference};
use super::graph::State;
use super::{ChannelIndex, Direction, Graph, NodeIndex};
use crate::bolt::units::{CltvExpiryDelta, Msat};

/// The most channels that a route may have: an onion has room for so many payloads of usual
/// length. BOLT 4, "Packet Structure".
pub const MAX_HOPS: u8 = 20;
/// The most blocks that a payer waits for a payment, if they do not say: two weeks.
pub const MAX_DELAY: u32 = 2016;
/// `min_final_cltv_expiry_delta`, if an invoice does not say. BOLT 11.
pub const FINAL_CLTV_EXPIRY_DELTA: CltvExpiryDelta = CltvExpiryDelta(18);

/// What is sought: the cheapest way to bring an amount to a node, within limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who pays. It asks itself no fee.
    pub from: NodeIndex,
    /// Who is paid.
    pub to: NodeIndex,
    /// What arrives there.
    pub amount: Msat,
    /// How many blocks the payee wants for itself.
    pub final_cltv_expiry_delta: CltvExpiryDelta,
    /// The most channels.
    pub max_hops: u8,
    /// The most that is paid in fees.
    pub max_fee: Option<Msat>,
    /// The most blocks that the first HTLC may be pending, those of the payee included.
    pub max_delay: u32,
    /// What waiting costs.
    pub risk_factor: RiskFactor,
    /// Whether a node may ask less than nothing.
    pub fees: Fees,
    /// Nodes that the route must not touch.
    pub excluded_nodes: BTreeSet<NodeIndex>,
    /// Channels that the route must not use in a direction.
    pub excluded_channels: BTreeSet<(ChannelIndex, Direction)>,
}

impl Request {
    /// A request with the usual limits: 20 hops, two weeks, any fee; the fee alone counts.
    pub fn new(from: NodeIndex, to: NodeIndex, amount: Msat) -> Self {
        Self {
            from,
            to,
            amount,
            final_cltv_expiry_delta: FINAL_CLTV_EXPIRY_DELTA,
            max_hops: MAX_HOPS,
            max_fee: None,
            max_delay: MAX_DELAY,
            risk_factor: RiskFactor::NONE,
            fees: Fees::Floored,
            excluded_nodes: BTreeSet::new(),
            excluded_channels: BTreeSet::new(),
        }
    }

    /// The most that may leave the payer.
    pub(super) fn most(&self) -> Msat {
        let with_fee = self.max_fee.and_then(|fee| self.amount.checked_add(fee));
        with_fee.map_or(MOST, |most| most.min(MOST))
    }
}

/// One channel of a route, and the node that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The channel.
    pub channel: ChannelIndex,
    /// Which way it is used.
    pub direction: Direction,
    /// The node that it leads to.
    pub node: NodeIndex,
    /// What the node receives over it.
    pub amount_in: Msat,
    /// What the node sends on; of the payee, what it is paid.
    pub amount_out: Msat,
    /// What the node keeps, in millisatoshis; below zero, what it adds.
    pub fee_msat: i64,
    /// In how many blocks the HTLC over the channel expires, at the earliest.
    pub delay: u32,
}

/// A way from the payer to the payee that keeps all limits and touches no node twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its channels, the payer's first.
    pub hops: Vec<Hop>,
    /// What all nodes keep together, in millisatoshis; below zero, what they add.
    pub fee_msat: i64,
    /// The fee and what waiting costs, in millisatoshis: what a search makes as little as it can.
    pub cost_msat: i64,
}

impl Route {
    /// What leaves the payer.
    pub fn amount(&self) -> Msat {
        self.hops.first().map_or(Msat::ZERO, |hop| hop.amount_in)
    }

    /// In how many blocks the payer's HTLC expires, at the earliest.
    pub fn delay(&self) -> u32 {
        self.hops.first().map_or(0, |hop| hop.delay)
    }

    /// What these channels ask for this request, from the payee backwards. It checks everything
    /// anew and shares no step with a search.
    ///
    /// # Errors
    /// [`Unfit`]: the channels are no way from the payer to the payee, or break a limit.
    pub fn over(
        graph: &Graph,
        request: &Request,
        channels: &[(ChannelIndex, Direction)],
    ) -> Result<Self, Unfit> {
        if channels.is_empty() || channels.len() > request.max_hops.into() {
            return Err(Unfit::Length);
        }
        let mut hops = Vec::with_capacity(channels.len());
        let mut delay = u32::from(request.final_cltv_expiry_delta.0);
        let (mut cost, mut node) = (0_i64, request.to);
        let (mut outgoing, mut net) = (request.amount, request.amount);
        let mut visited = BTreeSet::from([request.to]);
        for (place, (channel, direction)) in channels.iter().copied().enumerate().rev() {
            let arc = graph.towards(channel, direction).ok_or(Unfit::Unknown)?;
            let ends = graph.channel(channel).ok_or(Unfit::Unknown)?.nodes;
            let touched_again = !visited.insert(arc.peer);
            let excluded = request.excluded_nodes.contains(&arc.peer)
                || request.excluded_channels.contains(&(channel, direction));
            if direction.end(ends) != node || touched_again || excluded {
                return Err(Unfit::NoWay);
            }
            if arc.state != State::Usable {
                return Err(Unfit::Closed);
            }
            let is_last = hops.is_empty();
            let inbound = if is_last { super::InboundFee::NONE } else { arc.inbound };
            let amount_in =
                fees::incoming(outgoing, net, inbound, request.fees).ok_or(Unfit::Amount)?;
            let most = arc.htlc_maximum.min(graph.carries(channel));
            if amount_in < arc.htlc_minimum || amount_in > most {
                return Err(Unfit::Amount);
            }
            let fee_msat = difference(amount_in, outgoing).ok_or(Unfit::Amount)?;
            let (amount_out, before) = (outgoing, delay);
            hops.push(Hop { channel, direction, node, amount_in, amount_out, fee_msat, delay });
            node = arc.peer;
            outgoing = amount_in;
            if place > 0 {
                let fee = fees::outbound_fee(
                    arc.fee_base_msat,
                    arc.fee_proportional_millionths,
                    amount_in,
                );
                net = fee.and_then(|fee| amount_in.checked_add(fee)).ok_or(Unfit::Amount)?;
                let blocks = arc.cltv_expiry_delta.0;
                delay = before.checked_add(blocks.into()).ok_or(Unfit::Delay)?;
                let risk = request.risk_factor.cost(amount_in, blocks).ok_or(Unfit::Amount)?;
                cost = cost.checked_add(risk).ok_or(Unfit::Amount)?;
            }
        }
        hops.reverse();
        let fee_msat = difference(outgoing, request.amount).ok_or(Unfit::Amount)?;
        let cost_msat = cost.checked_add(fee_msat).ok_or(Unfit::Amount)?;
        if node != request.from {
            return Err(Unfit::NoWay);
        }
        if outgoing > request.most() {
            return Err(Unfit::Fee);
        }
        let fits = delay <= request.max_delay;
        fits.then_some(Self { hops, fee_msat, cost_msat }).ok_or(Unfit::Delay)
    }
}

/// Why channels are no route for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// There are none, or too many.
    #[error("there are no channels, or too many")]
    Length,
    /// One is not in the graph.
    #[error("a channel is not in the graph")]
    Unknown,
    /// They do not join, touch a node twice or use what is excluded.
    #[error("the channels are no way from the payer to the payee")]
    NoWay,
    /// One is disabled, or its policy is not known.
    #[error("a channel is disabled, or nothing is known of it")]
    Closed,
    /// One does not carry the amount.
    #[error("a channel does not carry the amount")]
    Amount,
    /// They delay for too long.
    #[error("the delay is too long")]
    Delay,
    /// They ask too much.
    #[error("the fee is too high")]
    Fee,
}

/// How often a search met something that kept it from going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// A channel was disabled, or its policy not known.
    pub closed: u32,
    /// The amount was below a channel's `htlc_minimum_msat`.
    pub below_minimum: u32,
    /// It was beyond `htlc_maximum_msat` or the capacity.
    pub above_maximum: u32,
    /// The delay became too long.
    pub delay: u32,
    /// The fee became too high.
    pub fee: u32,
    /// The route became too long.
    pub hops: u32,
    /// A channel or a node was excluded.
    pub excluded: u32,
}

/// Why there is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoRoute {
    /// The payer is the payee.
    #[error("the payer is the payee")]
    SameNode,
    /// The graph has no such node.
    #[error("the graph has no node with the index {}", .0.0)]
    UnknownNode(NodeIndex),
    /// The payer or the payee is excluded.
    #[error("an end of the route is excluded")]
    ExcludedEnd,
    /// Nothing is paid, or more than there can be.
    #[error("the amount of {0} msat is zero, or more than there can be")]
    Amount(Msat),
    /// Dijkstra's algorithm cannot follow fees below zero.
    #[error("fees may be negative, which Dijkstra's algorithm cannot follow")]
    NegativeFees,
    /// None was found; what stood in the way.
    #[error("no way leads there{}", said(.0))]
    NoneFound(Refused),
}

/// What stood in the way, in words.
fn said(refused: &Refused) -> String {
    let Refused { closed, below_minimum, above_maximum, delay, fee, hops, excluded } = *refused;
    let causes = [
        (closed, "disabled or unknown"),
        (below_minimum, "below a channel's minimum"),
        (above_maximum, "more than a channel carries"),
        (delay, "too long a delay"),
        (fee, "too high a fee"),
        (hops, "too many hops"),
        (excluded, "excluded"),
    ];
    let met = causes.into_iter().filter(|(times, _)| *times > 0);
    let told: Vec<String> = met.map(|(times, cause)| format!("{cause} ({times})")).collect();
    if told.is_empty() { String::new() } else { format!("; in the way: {}", told.join(", ")) }
}

/// How far a search went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explored {
    /// How many nodes it reached, the payee left out.
    pub nodes: u32,
    /// How many times it looked at a channel in one direction.
    pub channels: u64,
    /// How many rounds it took; of Dijkstra's algorithm, how many nodes it left.
    pub rounds: u32,
}

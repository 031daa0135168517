//! What both algorithms share: labels, and the step over one channel.
//!
//! A label says how a node can be the start of a way to the payee: what must come in there, what
//! that costs, and over which channel and label it goes on. Both algorithms begin with the payee's
//! label and step backwards.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::fees::{self, Fees, MOST, difference};
use super::graph::{Arc, State};
use super::route::{Explored, NoRoute, Refused, Request, Route};
use super::{ChannelIndex, Direction, Graph, InboundFee, NodeIndex, bfg, dijkstra};
use crate::bolt::units::Msat;

/// How a route is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Bellman-Ford-Gibson: within a number of hops, also where fees are negative.
    BellmanFordGibson,
    /// Dijkstra's: where no fee is negative, and the number of hops is of little matter.
    Dijkstra,
}

/// No label: the payee's has no other behind it.
pub(super) const NONE: u32 = u32::MAX;

/// How a node can be the start of a way to the payee.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// The fee and the risk so far, as if nothing were asked for receiving.
    pub cost: i64,
    /// What the node sends on.
    pub outgoing: Msat,
    /// That, and its fee for it.
    pub net: Msat,
    pub node: NodeIndex,
    /// The label that the way goes on with.
    pub next: u32,
    /// The channel that leads there.
    pub channel: ChannelIndex,
    pub delay: u32,
    /// How many channels the way has.
    pub length: u8,
    pub direction: Direction,
    /// Whether its node may yet ask less than it seems, for what it receives.
    pub may_sink: bool,
}

/// What a way asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price {
    pub cost: i64,
    pub outgoing: Msat,
    pub net: Msat,
    pub delay: u32,
}

/// What is kept of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// What costs less than all that was kept before; where a node gives discounts, also what
    /// sends on less.
    Improving,
    /// The best way of each length.
    EveryLength,
}

/// The best that is known of a node: of all its labels, or of those of one length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    /// What its cheapest label costs.
    pub cost: i64,
    /// The label that was kept last.
    pub label: u32,
    /// The length of that label.
    pub length: u8,
}

impl Best {
    const NOTHING: Self = Self { cost: i64::MAX, label: NONE, length: 0 };
    /// Of a node where no way may lead: nothing costs less.
    const FORBIDDEN: Self = Self { cost: i64::MIN, label: NONE, length: 0 };

    /// Whether no way may lead there.
    pub(super) fn is_forbidden(self) -> bool {
        self.cost == i64::MIN
    }
}

/// The tables of a search, which are kept for the next.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// All labels made; none changes once another goes on with it.
    labels: Vec<Label>,
    /// By node.
    best: Vec<Best>,
    /// By node, the least that a label of it sends on; empty where no node gives discounts.
    outgoing: Vec<Msat>,
    /// By node, whether it was reached, in any pass.
    reached: Vec<bool>,
    pub(super) heap: BinaryHeap<Reverse<(i64, u32)>>,
    refused: Refused,
    explored: Explored,
}

impl Search {
    /// Empty tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds a route. [`bfg`] and [`dijkstra`] say what each algorithm promises of it.
    ///
    /// # Errors
    /// [`NoRoute`]: the request makes no sense for this graph, or none was found.
    pub fn find(
        &mut self,
        graph: &Graph,
        request: &Request,
        algorithm: Algorithm,
    ) -> Result<Route, NoRoute> {
        self.explored = Explored::default();
        self.reached.clear();
        check(graph, request)?;
        self.reached.resize(graph.node_places(), false);
        let walk = Walk::new(graph, request);
        let found = match algorithm {
            Algorithm::BellmanFordGibson => bfg::run(self, &walk),
            Algorithm::Dijkstra if walk.discounts == Discounts::Signed => {
                return Err(NoRoute::NegativeFees);
            }
            Algorithm::Dijkstra => dijkstra::run(self, &walk),
        };
        found.ok_or(NoRoute::NoneFound(self.refused))
    }

    /// How far the last search went.
    pub fn explored(&self) -> Explored {
        self.explored
    }

    /// The nodes that the last search reached, the payee left out.
    pub fn reached(&self) -> impl Iterator<Item = NodeIndex> {
        let reached = (0..).zip(&self.reached).filter(|(_, reached)| **reached);
        reached.map(|(index, _)| NodeIndex(index))
    }

    /// The bytes that the tables hold.
    pub fn memory(&self) -> usize {
        let labels = self.labels.capacity().saturating_mul(size_of::<Label>());
        let best = self.best.capacity().saturating_mul(size_of::<Best>());
        let outgoing = self.outgoing.capacity().saturating_mul(size_of::<Msat>());
        let best = best.saturating_add(outgoing).saturating_add(self.reached.capacity());
        let heap = self.heap.capacity().saturating_mul(size_of::<Reverse<(i64, u32)>>());
        size_of::<Self>().saturating_add(labels).saturating_add(best).saturating_add(heap)
    }

    /// Begins with the payee's label alone.
    pub(super) fn begin(&mut self, walk: &Walk) {
        let request = walk.request;
        self.refused = Refused::default();
        self.heap.clear();
        self.labels.clear();
        self.labels.push(Label {
            cost: 0,
            outgoing: request.amount,
            net: request.amount,
            node: request.to,
            next: NONE,
            channel: ChannelIndex(NONE),
            delay: request.final_cltv_expiry_delta.0.into(),
            length: 0,
            direction: Direction::FromNode1,
            may_sink: false,
        });
        self.best.clear();
        self.best.resize(walk.graph.node_places(), Best::NOTHING);
        self.outgoing.clear();
        if walk.discounts != Discounts::None {
            self.outgoing.resize(walk.graph.node_places(), Msat(u64::MAX));
        }
        for node in request.excluded_nodes.iter().chain([&request.to]) {
            if let Some(best) = self.best.get_mut(node.place()) {
                *best = Best::FORBIDDEN;
            }
        }
    }

    /// A label, if there is one.
    pub(super) fn label(&self, index: u32) -> Option<&Label> {
        self.labels.get(usize::try_from(index).ok()?)
    }

    /// What is known of a node.
    pub(super) fn best(&self, node: NodeIndex) -> Best {
        self.best.get(node.place()).copied().unwrap_or(Best::FORBIDDEN)
    }

    /// How many labels there are.
    pub(super) fn label_count(&self) -> u32 {
        u32::try_from(self.labels.len()).unwrap_or(NONE)
    }

    /// What stood in the way so far.
    pub(super) fn refused(&self) -> Refused {
        self.refused
    }

    /// Counts a round, or a node that Dijkstra's algorithm leaves.
    pub(super) fn count_round(&mut self) {
        self.explored.rounds = self.explored.rounds.saturating_add(1);
    }

    /// Counts channels that are looked at.
    pub(super) fn count_channels(&mut self, channels: usize) {
        let channels = u64::try_from(channels).unwrap_or(u64::MAX);
        self.explored.channels = self.explored.channels.saturating_add(channels);
    }

    /// The least that a label of a node sends on, where nodes give discounts.
    #[inline]
    pub(super) fn outgoing(&self, node: NodeIndex) -> Msat {
        self.outgoing.get(node.place()).copied().unwrap_or(Msat::ZERO)
    }

    /// Whether a node stands on the way that begins with this label.
    pub(super) fn stands_on(&self, node: NodeIndex, way: &Label) -> bool {
        let mut label = way;
        loop {
            if label.node == node {
                return true;
            }
            let Some(next) = self.label(label.next) else { return false };
            label = next;
        }
    }

    /// Keeps a label: in place of the one that its node got last, if `replaces`; that one has none
    /// that goes on with it yet.
    pub(super) fn keep(&mut self, label: Label, replaces: bool, keep: Keep) -> u32 {
        let Some(best) = self.best.get_mut(label.node.place()) else { return NONE };
        let cost = match keep {
            Keep::Improving => label.cost.min(best.cost),
            Keep::EveryLength => label.cost,
        };
        if let Some(outgoing) = self.outgoing.get_mut(label.node.place()) {
            *outgoing = label.outgoing.min(*outgoing);
        }
        let length = label.length;
        if best.label == NONE
            && let Some(reached) = self.reached.get_mut(label.node.place())
            && !std::mem::replace(reached, true)
        {
            self.explored.nodes = self.explored.nodes.saturating_add(1);
        }
        let fresh = u32::try_from(self.labels.len()).unwrap_or(NONE);
        let index = if replaces { best.label } else { fresh };
        match usize::try_from(index).ok().and_then(|at| self.labels.get_mut(at)) {
            Some(old) => *old = label,
            None => self.labels.push(label),
        }
        *best = Best { cost, label: index, length };
        index
    }

    /// Notes why a step was not taken.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        let Refused { closed, below_minimum, above_maximum, delay, fee, hops, excluded } =
            &mut self.refused;
        let times = match refusal {
            Refusal::Closed => closed,
            Refusal::Minimum => below_minimum,
            Refusal::Maximum => above_maximum,
            Refusal::Delay => delay,
            Refusal::Fee => fee,
            Refusal::Hops => hops,
            Refusal::Excluded => excluded,
        };
        *times = times.saturating_add(1);
    }

    /// The route that begins with the payer's label, computed anew.
    pub(super) fn route(&self, walk: &Walk) -> Option<Route> {
        let first = self.label(self.best(walk.request.from).label)?;
        let mut channels = Vec::with_capacity(first.length.into());
        let mut label = Some(first);
        while let Some(way) = label.filter(|label| label.next != NONE) {
            channels.push((way.channel, way.direction));
            label = self.label(way.next);
        }
        let route = Route::over(walk.graph, walk.request, &channels).ok();
        debug_assert_eq!(route.as_ref().map(|route| route.cost_msat), Some(first.cost));
        route
    }
}

/// Whether the request makes sense for this graph.
fn check(graph: &Graph, request: &Request) -> Result<(), NoRoute> {
    for end in [request.from, request.to] {
        graph.node_id(end).ok_or(NoRoute::UnknownNode(end))?;
        if request.excluded_nodes.contains(&end) {
            return Err(NoRoute::ExcludedEnd);
        }
    }
    if request.from == request.to {
        return Err(NoRoute::SameNode);
    }
    let pays = request.amount > Msat::ZERO && request.amount <= MOST;
    if pays { Ok(()) } else { Err(NoRoute::Amount(request.amount)) }
}

/// Why a step is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Closed,
    Minimum,
    Maximum,
    Delay,
    Fee,
    Hops,
    Excluded,
}

/// What may come of fees below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Discounts {
    /// There are none.
    None,
    /// A node may ask nothing in all, but not less.
    Floored,
    /// A node may pay.
    Signed,
}

/// A search's surroundings: what does not change from step to step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    pub graph: &'a Graph,
    pub request: &'a Request,
    pub discounts: Discounts,
    /// The most that may leave the payer.
    most: Msat,
    /// Whether channels are excluded.
    excludes: bool,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a Graph, request: &'a Request) -> Self {
        let discounts = match (graph.has_discounts(), request.fees) {
            (false, _) => Discounts::None,
            (true, Fees::Floored) => Discounts::Floored,
            (true, Fees::Signed) => Discounts::Signed,
        };
        let (most, excludes) = (request.most(), !request.excluded_channels.is_empty());
        Self { graph, request, discounts, most, excludes }
    }

    /// The least that any way that goes on with this label can cost.
    #[inline]
    pub(super) fn least(&self, label: &Label) -> i64 {
        match self.discounts {
            Discounts::None => label.cost,
            Discounts::Floored if !label.may_sink => label.cost,
            Discounts::Floored => {
                let fee = label.net.saturating_sub(label.outgoing).0;
                label.cost.saturating_sub_unsigned(fee)
            }
            Discounts::Signed => i64::MIN,
        }
    }

    /// What a way costs that goes one channel further from the payee than a label's, if the
    /// channel's limits allow it.
    #[inline]
    pub(super) fn price(&self, label: &Label, arc: &Arc) -> Result<Price, Refusal> {
        if arc.state != State::Usable {
            return Err(Refusal::Closed);
        }
        let Request { from, fees, max_delay, risk_factor, .. } = *self.request;
        // The payee asks nothing for receiving.
        let inbound = if label.next == NONE { InboundFee::NONE } else { arc.inbound };
        let amount = fees::incoming(label.outgoing, label.net, inbound, fees);
        let amount = amount.ok_or(Refusal::Maximum)?;
        if amount < arc.htlc_minimum {
            return Err(Refusal::Minimum);
        }
        if amount > arc.htlc_maximum {
            return Err(Refusal::Maximum);
        }
        // Where fees can be negative, what is too much here may yet become less.
        if amount > self.most && (self.discounts != Discounts::Signed || arc.peer == from) {
            return Err(Refusal::Fee);
        }
        let asked = difference(amount, label.net).and_then(|asked| label.cost.checked_add(asked));
        let mut price = Price {
            cost: asked.ok_or(Refusal::Maximum)?,
            outgoing: amount,
            net: amount,
            delay: label.delay,
        };
        if arc.peer != from {
            let (base, rate) = (arc.fee_base_msat, arc.fee_proportional_millionths);
            let fee = fees::outbound_fee(base, rate, amount).ok_or(Refusal::Maximum)?;
            price.net = amount.checked_add(fee).ok_or(Refusal::Maximum)?;
            let blocks = arc.cltv_expiry_delta.0;
            price.delay = label.delay.checked_add(blocks.into()).ok_or(Refusal::Delay)?;
            let risk = risk_factor.cost(amount, blocks).ok_or(Refusal::Maximum)?;
            let more = risk.checked_add_unsigned(fee.0).ok_or(Refusal::Maximum)?;
            price.cost = price.cost.checked_add(more).ok_or(Refusal::Maximum)?;
        }
        if price.delay > max_delay { Err(Refusal::Delay) } else { Ok(price) }
    }

    /// The label of a way that goes on with that of number `at` over an arc.
    #[inline]
    pub(super) fn label(&self, price: Price, next: &Label, at: u32, arc: &Arc) -> Label {
        let Price { cost, outgoing, net, delay } = price;
        Label {
            cost,
            outgoing,
            net,
            node: arc.peer,
            next: at,
            channel: arc.channel,
            delay,
            length: next.length.saturating_add(1),
            direction: arc.direction,
            may_sink: self.may_sink(arc.peer),
        }
    }

    /// Whether a node may ask less than its fee for sending. The payer asks nothing at all.
    #[inline]
    pub(super) fn may_sink(&self, node: NodeIndex) -> bool {
        self.discounts != Discounts::None
            && node != self.request.from
            && self.graph.gives_discounts(node)
    }

    /// What is only looked up for a step that is worth it: the channel's capacity, and whether it
    /// is excluded.
    #[inline]
    pub(super) fn allows(&self, step: &Label) -> Result<(), Refusal> {
        if step.outgoing > self.graph.carries(step.channel) {
            return Err(Refusal::Maximum);
        }
        let excluded = self.excludes
            && self.request.excluded_channels.contains(&(step.channel, step.direction));
        if excluded { Err(Refusal::Excluded) } else { Ok(()) }
    }
}

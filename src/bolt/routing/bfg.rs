//! Bellman-Ford-Gibson: the cheapest route within a number of hops, also where fees are negative.
//!
//! Bellman and Ford keep one value a node and overwrite it, so a way of few hops is lost to a
//! cheaper one of many, and a loop that pays is followed round and round. Gibson keeps a value for
//! every node and every length. A round reads the values of length n and makes those of length
//! n + 1, so the number of rounds is the limit on hops, and nothing runs for longer than that:
//!
//! ```text
//! length   0         1            2                 0: the payee alone
//!          payee ◄── neighbours ◄ their neighbours  the payer's least is the answer
//! ```
//!
//! A step onto a node that stands on the way already is refused, so no way and no route visits a
//! node twice, whatever its fees are.
//!
//! What is promised. A route keeps every limit. It is the cheapest of all routes within the limit
//! on hops if
//!
//! - the risk factor is zero, and neither `htlc_minimum_msat` nor the limit on the delay is in the
//!   way of anything: then a way that brings less is as good as one that brings more, or better;
//! - no discount is cut off by the floor, which makes a node's way worth more or less by what it
//!   sends on, and not by what has to reach it alone; and
//! - no loop of channels asks less than nothing, of what is asked at both ends of each. With such
//!   loops, the cheapest route that visits no node twice is as hard to find as a longest path.
//!   Without them, a way that is refused because a node stands on it already is never needed: the
//!   rest of it from that node on costs no more and is shorter.
//!
//! A graph without discounts fulfils the last two. Where one of them does not hold, a route is the
//! cheapest of those that continue the best way of each length at each node. On 1,000 small graphs
//! with discounts at half of all ends it was the cheapest of all routes 997 times with floored
//! fees, and 978 times with signed ones, most of which had loops that pay (`tests/loops.rs`).
//!
//! What is left out. Not all values are needed most of the time. As long as no node pays, a way that
//! costs as much as a shorter one of its node, or more, is not kept: under the conditions above this
//! loses nothing. Where a node gives discounts it is kept if it sends on less, as the floor makes
//! that worth something; and nothing is followed that cannot cost less than a route that is known.
//! If the delay was in the way and no route was found, or if nodes may pay, every length is kept.

use super::graph::Arc;
use super::route::Route;
use super::search::{Best, Discounts, Keep, Label, Refusal, Search, Walk};

/// The best route that is found.
pub(super) fn run(search: &mut Search, walk: &Walk) -> Option<Route> {
    if walk.discounts == Discounts::Signed {
        return Pass { search, walk, keep: Keep::EveryLength, bound: i64::MAX }.run();
    }
    let found = Pass { search, walk, keep: Keep::Improving, bound: i64::MAX }.run();
    if found.is_some() || search.refused().delay == 0 {
        return found;
    }
    Pass { search, walk, keep: Keep::EveryLength, bound: i64::MAX }.run()
}

/// Rounds until nothing changes or the hops are used up.
struct Pass<'a> {
    search: &'a mut Search,
    walk: &'a Walk<'a>,
    keep: Keep,
    /// What the cheapest known route costs: a way that cannot cost less is not followed.
    bound: i64,
}

impl Pass<'_> {
    fn run(mut self) -> Option<Route> {
        self.search.begin(self.walk);
        // The labels that the last round made: all of one length.
        let mut round = 0..1;
        for _ in 0..self.walk.request.max_hops {
            self.search.count_round();
            for at in round.clone() {
                self.follow(at);
            }
            round = round.end..self.search.label_count();
            if round.is_empty() {
                return self.search.route(self.walk);
            }
        }
        for at in round {
            self.refuse_more_hops(at);
        }
        self.search.route(self.walk)
    }

    /// Goes on from one label over all channels that reach its node.
    fn follow(&mut self, at: u32) {
        let Some(label) = self.search.label(at).cloned() else { return };
        let least = self.walk.least(&label);
        if label.node == self.walk.request.from || least >= self.bound {
            return;
        }
        let arcs = self.walk.graph.reaching(label.node);
        self.search.count_channels(arcs.len());
        for arc in arcs {
            let best = self.search.best(arc.peer);
            if best.is_forbidden() || self.is_hopeless(best, &label, least, arc) {
                continue;
            }
            match self.better(&label, at, arc, best) {
                Ok(Some(step)) => {
                    if step.node == self.walk.request.from {
                        self.bound = step.cost;
                    }
                    let replaces = self.replaces(&step, best);
                    self.search.keep(step, replaces, self.keep);
                }
                Ok(None) => {}
                Err(refusal) => self.search.refuse(refusal),
            }
        }
    }

    /// Whether no step from this label over an arc can be better than what the node has.
    #[inline]
    fn is_hopeless(&self, best: Best, label: &Label, least: i64, arc: &Arc) -> bool {
        if self.keep == Keep::EveryLength {
            return false;
        }
        if self.walk.discounts == Discounts::None && arc.peer != self.walk.request.from {
            return best.cost <= least.saturating_add(arc.fee_base_msat.into());
        }
        best.cost <= least
            && (self.walk.discounts == Discounts::None
                || self.search.outgoing(arc.peer) <= label.outgoing)
    }

    /// The step over an arc, if it is allowed and better than what its node has.
    #[inline]
    fn better(
        &self,
        label: &Label,
        at: u32,
        arc: &Arc,
        best: Best,
    ) -> Result<Option<Label>, Refusal> {
        let walk = self.walk;
        let price = walk.price(label, arc)?;
        let beats = price.cost < best.cost
            || match self.keep {
                Keep::Improving => {
                    price.outgoing < self.search.outgoing(arc.peer) && walk.may_sink(arc.peer)
                }
                Keep::EveryLength => best.length != label.length.saturating_add(1),
            };
        // At the payer the whole cost is known.
        let is_payer = arc.peer == walk.request.from;
        if !beats || is_payer && price.cost >= self.bound {
            return Ok(None);
        }
        let step = walk.label(price, label, at, arc);
        if walk.least(&step) >= self.bound {
            return Ok(None);
        }
        walk.allows(&step)?;
        // Without discounts, a way that comes back costs no less.
        let may_loop = self.keep == Keep::EveryLength || walk.discounts != Discounts::None;
        let loops = may_loop && self.search.stands_on(arc.peer, label);
        Ok((!loops).then_some(step))
    }

    /// Whether a step takes the place of what its node got last. The rounds after this one have not
    /// begun, so nothing goes on with that yet.
    #[inline]
    fn replaces(&self, step: &Label, best: Best) -> bool {
        let is_worse = |last: &Label| last.cost >= step.cost && last.outgoing >= step.outgoing;
        best.length == step.length
            && (self.keep == Keep::EveryLength
                || self.walk.discounts == Discounts::None
                || self.search.label(best.label).is_some_and(is_worse))
    }

    /// Notes that a label could be gone on from, if there were hops left.
    fn refuse_more_hops(&mut self, at: u32) {
        let Some(label) = self.search.label(at) else { return };
        if label.node != self.walk.request.from && self.walk.least(label) < self.bound {
            self.search.refuse(Refusal::Hops);
        }
    }
}

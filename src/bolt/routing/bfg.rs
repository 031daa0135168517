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
//! with discounts at half of all ends it was the cheapest of all routes 1,000 times with floored
//! fees, and 978 times with signed ones, most of which had loops that pay (`tests/loops.rs`).
//!
//! What is left out. Two passes make it fast. The first keeps a way only if it costs less than
//! every shorter one of its node, which under the conditions above loses nothing. If there are
//! discounts, or the delay was in the way of one and no route was found, the second keeps every
//! length, and passes over what cannot cost less than the first one's route.

use super::graph::Arc;
use super::route::Route;
use super::search::{Discounts, Label, Refusal, Search, Walk};

/// What a pass keeps of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// Of each length, the best way that costs less than every shorter one.
    Improving,
    /// The best way of each length.
    EveryLength,
}

/// The best route that is found.
pub(super) fn run(search: &mut Search, walk: &Walk) -> Option<Route> {
    let first = Pass { search, walk, keep: Keep::Improving, bound: i64::MAX }.run();
    let delayed = first.is_none() && search.refused().delay > 0;
    if walk.discounts == Discounts::None && !delayed {
        return first;
    }
    let bound = first.as_ref().map_or(i64::MAX, |route| route.cost_msat);
    Pass { search, walk, keep: Keep::EveryLength, bound }.run().or(first)
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
            // Only what may still become better is worth a step.
            let hopeless = self.keep == Keep::Improving && best.cost <= least;
            if hopeless || best.is_forbidden() {
                continue;
            }
            match self.better(&label, at, arc) {
                Ok(Some(step)) => {
                    if step.node == self.walk.request.from {
                        self.bound = step.cost;
                    }
                    // The rounds after this one have not begun: nothing goes on with it yet.
                    let replaces = best.length == step.length;
                    self.search.keep(step, replaces);
                }
                Ok(None) => {}
                Err(refusal) => self.search.refuse(refusal),
            }
        }
    }

    /// The step over an arc, if it is allowed and better than what its node has.
    #[inline]
    fn better(&self, label: &Label, at: u32, arc: &Arc) -> Result<Option<Label>, Refusal> {
        let step = self.walk.step(label, at, arc)?;
        let best = self.search.best(arc.peer);
        let beats = if self.keep == Keep::Improving || best.length == step.length {
            step.cost < best.cost
        } else {
            true
        };
        if !beats || self.walk.least(&step) >= self.bound {
            return Ok(None);
        }
        // At the payer the whole cost is known.
        if arc.peer == self.walk.request.from && step.cost >= self.bound {
            return Ok(None);
        }
        self.walk.allows(&step)?;
        let may_loop = self.keep == Keep::EveryLength || self.walk.discounts != Discounts::None;
        let loops = may_loop && self.search.stands_on(arc.peer, label);
        Ok((!loops).then_some(step))
    }

    /// Notes that a label could be gone on from, if there were hops left.
    fn refuse_more_hops(&mut self, at: u32) {
        let Some(label) = self.search.label(at) else { return };
        if label.node != self.walk.request.from && self.walk.least(label) < self.bound {
            self.search.refuse(Refusal::Hops);
        }
    }
}

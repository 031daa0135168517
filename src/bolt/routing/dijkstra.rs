//! Dijkstra's algorithm: the cheapest route where no fee is negative.
//!
//! What is promised. A route keeps every limit. It is the cheapest of all if the graph has no
//! discounts, the risk factor is zero, and no `htlc_minimum_msat` and no limit on delay or hops is
//! in the way of anything. The limit on hops is kept, but a route within it may be missed: a node
//! has one value, and a cheap way of many hops overwrites a dearer one of few.
//!
//! Where fees can be negative it does not try: [`NoRoute::NegativeFees`]. Floored discounts it
//! follows, for in all no node asks less than nothing, but it may miss the cheapest route.
//!
//! [`NoRoute::NegativeFees`]: super::NoRoute::NegativeFees

use std::cmp::Reverse;

use super::graph::Arc;
use super::route::Route;
use super::search::{Discounts, Keep, Label, Refusal, Search, Walk};

/// The best route that is found.
pub(super) fn run(search: &mut Search, walk: &Walk) -> Option<Route> {
    search.begin(walk);
    search.heap.push(Reverse((0, 0)));
    while let Some(Reverse((least, at))) = search.heap.pop() {
        // What is left cannot cost less than the route that is known.
        if least >= search.best(walk.request.from).cost {
            break;
        }
        follow(search, walk, at);
    }
    search.route(walk)
}

/// Goes on from one label over all channels that reach its node.
fn follow(search: &mut Search, walk: &Walk, at: u32) {
    let Some(label) = search.label(at).cloned() else { return };
    let best = search.best(label.node);
    if best.label != at && !best.is_forbidden() {
        return;
    }
    if label.length >= walk.request.max_hops {
        search.refuse(Refusal::Hops);
        return;
    }
    search.count_round();
    let least = walk.least(&label);
    let arcs = walk.graph.reaching(label.node);
    search.count_channels(arcs.len());
    for arc in arcs {
        if search.best(arc.peer).cost <= least {
            continue;
        }
        match better(search, walk, &label, at, arc) {
            Ok(Some(step)) => {
                let (least, is_payer) = (walk.least(&step), step.node == walk.request.from);
                let kept = search.keep(step, false, Keep::Improving);
                if !is_payer {
                    search.heap.push(Reverse((least, kept)));
                }
            }
            Ok(None) => {}
            Err(refusal) => search.refuse(refusal),
        }
    }
}

/// The step over an arc, if it is allowed and better than what its node has.
#[inline]
fn better(
    search: &Search,
    walk: &Walk,
    label: &Label,
    at: u32,
    arc: &Arc,
) -> Result<Option<Label>, Refusal> {
    let price = walk.price(label, arc)?;
    if price.cost >= search.best(arc.peer).cost {
        return Ok(None);
    }
    let step = walk.label(price, label, at, arc);
    if walk.least(&step) >= search.best(walk.request.from).cost {
        return Ok(None);
    }
    walk.allows(&step)?;
    let loops = walk.discounts != Discounts::None && search.stands_on(arc.peer, label);
    Ok((!loops).then_some(step))
}

//! The same pairs in the same networks, with Bellman-Ford-Gibson: the payer knows every channel.

use bitcoin::Amount;

use super::flare::{Clock, Setting};
use super::{World, plot::Cost, plot::whole_graph};
use crate::bolt::routing::{
    Algorithm, Direction, Graph, GraphError, InboundFee, Policy, Request, Search,
};
use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};
use crate::bolt::wire::UncheckedPoint;
use crate::topology::{Dice, terms};

/// What a payment costs whose payer knows the whole network: what its node keeps, and how long it looks
/// for the cheapest route. For a payment, nothing is moved.
///
/// # Errors
/// [`GraphError`] if a channel leads from a node to itself or stands there twice.
pub fn bellman_ford_gibson(
    world: &World,
    setting: &Setting,
    clock: Clock<'_>,
) -> Result<Cost, GraphError> {
    let graph = graph(world, setting.seed)?;
    let nodes = world.network().nodes;
    let mut dice = Dice::new(setting.seed, 7);
    let mut search = Search::new();
    let mut taken = 0_u64;
    for _ in 0..setting.pairs {
        let from = dice.node(nodes);
        let to = (from + 1 + dice.node(nodes.saturating_sub(1))) % nodes.max(1);
        let ends = [from, to].map(|node| graph.node(&id(node)));
        let [Some(from), Some(to)] = ends else { continue };
        let request = Request::new(from, to, setting.amount);
        let since = clock();
        // Whether there is a route is not asked here: a search that ends without one takes as long.
        let _ = search.find(&graph, &request, Algorithm::BellmanFordGibson);
        taken = taken.saturating_add(clock().saturating_sub(since));
    }
    let cpu_us = taken.checked_div(setting.pairs.into()).filter(|time| *time > 0);
    Ok(Cost { cpu_us, ..whole_graph(world) })
}

/// A node's id: as many bytes as a real one has, in the order of its number.
fn id(node: u32) -> UncheckedPoint {
    let mut bytes = [2; 33];
    bytes[1..5].copy_from_slice(&node.to_be_bytes());
    UncheckedPoint(bytes)
}

/// The network with the terms that its nodes have in the world.
fn graph(world: &World, seed: u64) -> Result<Graph, GraphError> {
    let network = world.network();
    let mut graph = Graph::new();
    for ((number, (a, b)), terms) in (0..).zip(&network.channels).zip(terms(network, seed)) {
        let capacity = Amount::from_sat(terms.capacity_sat);
        let ends = if a < b { [id(*a), id(*b)] } else { [id(*b), id(*a)] };
        let channel = graph.insert(ShortChannelId(number), ends, Some(capacity))?;
        let directions = if a < b {
            [Direction::FromNode1, Direction::FromNode2]
        } else {
            [Direction::FromNode2, Direction::FromNode1]
        };
        for (direction, asked) in directions.into_iter().zip(terms.directions) {
            let policy = Policy {
                cltv_expiry_delta: CltvExpiryDelta(asked.cltv_expiry_delta),
                htlc_minimum_msat: Msat(1),
                htlc_maximum_msat: Msat::from_amount(capacity).unwrap_or(Msat(u64::MAX)),
                fee_base_msat: asked.fee_base_msat,
                fee_proportional_millionths: asked.fee_proportional_millionths,
                inbound: InboundFee::default(),
                disabled: false,
            };
            graph.set_policy(channel, direction, policy)?;
        }
    }
    graph.compact();
    Ok(graph)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::topology::{scale_free, small_world};

    #[test]
    fn every_search_is_timed() {
        let network = scale_free(100, 250, 1).unwrap();
        let setting = Setting { pairs: 5, ..Setting::default() };
        let world = World::new(network, 2, 4, 1_000, setting.seed);
        let now = Cell::new(0_u64);
        let clock = || {
            now.set(now.get() + 10);
            now.get()
        };
        let cost = bellman_ford_gibson(&world, &setting, &clock).unwrap();
        assert_eq!((cost.nodes, cost.cpu_us, cost.moved_bytes), (100, Some(10), None));
        assert_eq!(now.get(), 100);
        assert!(cost.table_bytes > Some(250 * 33), "{cost:?}");
    }

    #[test]
    fn the_graph_has_the_channels_of_the_network() {
        let network = small_world(50, 4, 100, 1).unwrap();
        let world = World::new(network, 2, 4, 1_000, 1);
        let graph = graph(&world, 1).unwrap();
        assert_eq!((graph.node_count(), graph.channel_count()), (50, 100));
        let has_both = |(channel, _): (_, _)| {
            let both = [Direction::FromNode1, Direction::FromNode2];
            both.into_iter().all(|direction| graph.policy(channel, direction).is_some())
        };
        assert!(graph.channels().all(has_both));
    }
}

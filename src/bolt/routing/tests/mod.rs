//! Searches against the BOLT's example, against every route that there is, and against each other.

mod exhaustive;
mod limits;
mod loops;
mod middle;

use bitcoin::Amount;

use super::*;
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::bolt::wire::{ShortChannelId, UncheckedPoint};

/// The id of the node of that number; they are in order.
fn id(number: u32) -> UncheckedPoint {
    let mut bytes = [0; 33];
    bytes[0] = 2;
    bytes[29..].copy_from_slice(&number.to_be_bytes());
    UncheckedPoint(bytes)
}

/// A policy that sets no limits.
fn policy(fee_base_msat: u32, fee_proportional_millionths: u32) -> Policy {
    Policy {
        cltv_expiry_delta: CltvExpiryDelta(10),
        htlc_minimum_msat: Msat(0),
        htlc_maximum_msat: Msat(u64::MAX),
        fee_base_msat,
        fee_proportional_millionths,
        inbound: InboundFee::NONE,
        disabled: false,
    }
}

/// A graph that is written channel by channel.
#[derive(Clone, Debug, Default)]
struct Net {
    graph: Graph,
    channels: u64,
}

impl Net {
    /// Adds a channel between two nodes; what each says of it, in the order in which they are named.
    fn channel(
        &mut self,
        ends: [u32; 2],
        capacity: Option<Amount>,
        policies: [impl Into<Option<Policy>>; 2],
    ) -> ChannelIndex {
        self.channels += 1;
        let scid = ShortChannelId(self.channels);
        let turned = ends[0] > ends[1];
        let [low, high] = if turned { [ends[1], ends[0]] } else { ends };
        let channel = self.graph.insert(scid, [id(low), id(high)], capacity).unwrap();
        for (direction, policy) in Direction::BOTH.into_iter().zip(policies) {
            let direction = if turned { direction.reversed() } else { direction };
            if let Some(policy) = policy.into() {
                self.graph.set_policy(channel, direction, policy).unwrap();
            }
        }
        channel
    }

    fn node(&self, number: u32) -> NodeIndex {
        self.graph.node(&id(number)).unwrap()
    }

    fn request(&self, from: u32, to: u32, amount: u64) -> Request {
        Request::new(self.node(from), self.node(to), Msat(amount))
    }

    fn bfg(&self, request: &Request) -> Result<Route, NoRoute> {
        Search::new().find(&self.graph, request, Algorithm::BellmanFordGibson)
    }

    fn dijkstra(&self, request: &Request) -> Result<Route, NoRoute> {
        Search::new().find(&self.graph, request, Algorithm::Dijkstra)
    }

    /// The numbers of the nodes that a route leads over, the payer's left out.
    fn way(&self, route: &Route) -> Vec<u32> {
        let number = |node| {
            let id = self.graph.node_id(node).unwrap();
            u32::from_be_bytes(id.0[29..].try_into().unwrap())
        };
        route.hops.iter().map(|hop| number(hop.node)).collect()
    }

    /// All routes that there are, however dear.
    fn every_route(&self, request: &Request) -> Vec<Route> {
        let (mut found, mut way) = (Vec::new(), Vec::new());
        self.extend(request, request.from, &mut way, &mut found);
        found
    }

    fn extend(
        &self,
        request: &Request,
        node: NodeIndex,
        way: &mut Vec<(ChannelIndex, Direction)>,
        found: &mut Vec<Route>,
    ) {
        if node == request.to {
            found.extend(Route::over(&self.graph, request, way));
            return;
        }
        for next in self.graph.neighbours(node) {
            let stands = |(channel, direction): &(ChannelIndex, Direction)| {
                direction.start(self.graph.channel(*channel).unwrap().nodes) == next.node
            };
            if way.len() < request.max_hops.into() && !way.iter().any(stands) {
                way.push((next.channel, next.direction));
                self.extend(request, next.node, way, found);
                way.pop();
            }
        }
    }
}

/// BOLT 7, "Routing Example": A, B, C and D are 1 to 4.
fn example() -> Net {
    let of = |node: u32| {
        let cltv_expiry_delta = CltvExpiryDelta(u16::try_from(10 * node).unwrap());
        Policy { cltv_expiry_delta, ..policy(100 * node, 1_000 * node) }
    };
    let mut net = Net::default();
    for (one, other) in [(1, 2), (1, 4), (2, 3), (3, 4)] {
        net.channel([one, other], None, [of(one), of(other)]);
    }
    net
}

/// Each hop's amount, and its delay without the payee's: 18 blocks, and 42 for the shadow route.
fn told(net: &Net, from: u32, excluded: Option<u32>) -> Vec<(u64, u32)> {
    let mut request = net.request(from, 3, 4_999_999);
    request.final_cltv_expiry_delta = CltvExpiryDelta(18 + 42);
    request.excluded_nodes.extend(excluded.map(|number| net.node(number)));
    let route = net.bfg(&request).unwrap();
    assert_eq!(net.dijkstra(&request), Ok(route.clone()));
    route.hops.iter().map(|hop| (hop.amount_in.0, hop.delay)).collect()
}

#[test]
fn the_example_of_bolt_7() {
    let net = example();
    assert_eq!(told(&net, 2, None), [(4_999_999, 18 + 42)]);
    assert_eq!(told(&net, 1, None), [(5_010_198, 20 + 18 + 42), (4_999_999, 18 + 42)]);
    assert_eq!(told(&net, 1, Some(2)), [(5_020_398, 40 + 18 + 42), (4_999_999, 18 + 42)]);
    let route = net.bfg(&net.request(1, 3, 4_999_999)).unwrap();
    assert_eq!(
        (route.fee_msat, route.cost_msat, route.amount()),
        (10_199, 10_199, Msat(5_010_198))
    );
    assert_eq!(route.hops[0].fee_msat, 10_199);
    assert_eq!((route.hops[1].fee_msat, route.hops[1].amount_out), (0, Msat(4_999_999)));
}

/// A way of few hops must not be lost to a cheaper one of many.
#[test]
fn a_short_way_is_not_lost_to_a_cheap_long_one() {
    let mut net = Net::default();
    let fee = |base| [policy(base, 0); 2];
    // 3 is reached from the payee 9 dearly at once, or cheaply over 4 and 5.
    net.channel([3, 9], None, fee(1_000));
    for ends in [[3, 4], [4, 5], [5, 9]] {
        net.channel(ends, None, fee(1));
    }
    net.channel([1, 2], None, fee(1));
    net.channel([2, 3], None, fee(1));
    let mut request = net.request(1, 9, 50_000);
    assert_eq!(net.way(&net.bfg(&request).unwrap()), [2, 3, 4, 5, 9]);
    request.max_hops = 3;
    let route = net.bfg(&request).unwrap();
    assert_eq!((net.way(&route), route.fee_msat), (vec![2, 3, 9], 1_001));
    let lost = net.dijkstra(&request);
    assert!(matches!(lost, Err(NoRoute::NoneFound(refused)) if refused.hops > 0), "{lost:?}");
}

#[test]
fn tables_are_used_again_for_other_graphs_and_requests() {
    let (small, large) = (example(), middle::net(7, 60, 120, 0));
    let mut search = Search::new();
    for algorithm in [Algorithm::BellmanFordGibson, Algorithm::Dijkstra] {
        for (net, from, to) in [(&large, 3, 50), (&small, 1, 3), (&large, 8, 2), (&small, 3, 1)] {
            let request = net.request(from, to, 10_000);
            let fresh = Search::new().find(&net.graph, &request, algorithm);
            assert!(fresh.is_ok());
            assert_eq!(search.find(&net.graph, &request, algorithm), fresh);
        }
    }
}

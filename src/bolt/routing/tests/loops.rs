//! Fees below zero, in loops and out of them.

use super::*;

/// A policy with this fee for sending, and this one for receiving.
fn says(sends: u32, receives: i32) -> Policy {
    let inbound = InboundFee { base_msat: receives, proportional_millionths: 0 };
    Policy { inbound, ..policy(sends, 0) }
}

/// 1 ── 2 ── 3 ── 4 ── 2 …, 3 ── 9: a payer outside of a loop that pays 50 each time around.
fn with_a_loop() -> Net {
    let mut net = Net::default();
    net.channel([1, 2], None, [says(0, 0), says(0, 0)]);
    for ends in [[2, 3], [3, 4], [4, 2]] {
        net.channel(ends, None, [says(10, -60), says(10, -60)]);
    }
    net.channel([3, 9], None, [says(500, 0), says(500, 0)]);
    net
}

#[test]
fn a_loop_that_pays_is_never_walked_around() {
    let net = with_a_loop();
    let mut request = net.request(1, 9, 1_000_000);
    request.fees = Fees::Signed;
    for max_hops in [3, 4, 5, 20, 255] {
        request.max_hops = max_hops;
        let mut search = Search::new();
        let route = search.find(&net.graph, &request, Algorithm::BellmanFordGibson).unwrap();
        // Over 4 as well, if the hops allow: it pays once more.
        let (way, fee) = if max_hops < 4 {
            (vec![2, 3, 9], 500 + 10 - 60)
        } else {
            (vec![2, 4, 3, 9], 500 + 2 * (10 - 60))
        };
        assert_eq!((net.way(&route), route.fee_msat), (way, fee));
        assert!(search.explored().rounds <= 2 * u32::from(max_hops));
    }
}

#[test]
fn a_loop_between_two_nodes_is_no_trap_either() {
    let mut net = Net::default();
    for _ in 0..2 {
        net.channel([2, 3], None, [says(0, -100), says(0, -100)]);
    }
    net.channel([1, 2], None, [says(0, 0), says(0, 0)]);
    net.channel([3, 9], None, [says(50, 0), says(0, 0)]);
    let mut request = net.request(1, 9, 1_000_000);
    request.fees = Fees::Signed;
    let route = net.bfg(&request).unwrap();
    assert_eq!((net.way(&route), route.fee_msat), (vec![2, 3, 9], -50));
    assert_eq!((route.hops[1].fee_msat, route.hops[0].fee_msat), (-50, 0));
    request.fees = Fees::Floored;
    let route = net.bfg(&request).unwrap();
    assert_eq!((net.way(&route), route.fee_msat), (vec![2, 3, 9], 0));
    assert_eq!(net.dijkstra(&request).unwrap().fee_msat, 0);
}

#[test]
fn fees_below_zero_draw_a_route_to_them() {
    let mut net = Net::default();
    net.channel([1, 9], None, [says(0, 0), says(0, 0)]);
    net.channel([1, 2], None, [says(0, 0), says(0, -800)]);
    net.channel([2, 9], None, [says(300, 0), says(0, 0)]);
    let mut request = net.request(1, 9, 1_000_000);
    assert_eq!(net.way(&net.bfg(&request).unwrap()), [9], "floored, nobody is paid for paying");
    request.fees = Fees::Signed;
    let route = net.bfg(&request).unwrap();
    assert_eq!((net.way(&route), route.fee_msat), (vec![2, 9], -500));
    assert_eq!(net.dijkstra(&request), Err(NoRoute::NegativeFees));
    // A discount that the amount cannot bear makes the channel useless, not free.
    let small = Request { amount: Msat(400), ..request };
    assert_eq!(net.way(&net.bfg(&small).unwrap()), [9]);
}

/// How often the cheapest route is found where the promise ends: discounts that are floored, and
/// loops that pay. A figure to know, which a change of the algorithm may move: `bfg.rs` has it.
#[test]
fn the_cheapest_is_seldom_missed_where_it_is_not_promised() {
    let mut counts = Vec::new();
    for fees in [Fees::Floored, Fees::Signed] {
        let (mut pairs, mut exact, mut lost) = (0, 0, 0);
        for seed in 0..1_000 {
            let net = middle::net(seed, 8, 13, 50);
            let request = Request { fees, ..net.request(0, 7, 100_000) };
            let every = net.every_route(&request);
            let Some(least) = every.iter().map(|route| route.cost_msat).min() else { continue };
            pairs += 1;
            match net.bfg(&request) {
                Ok(route) => exact += u32::from(route.cost_msat == least),
                Err(_) => lost += 1,
            }
        }
        counts.push((pairs, exact, lost));
    }
    assert_eq!(counts, [(1_000, 997, 0), (1_000, 978, 0)]);
}

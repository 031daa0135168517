//! What a channel carries, how long a payer waits, and what is too large.

use super::fees::MOST;
use super::*;

/// 1 ── 2 ── 9 with this policy of 2, and a dearer way over 3.
fn two_ways(of_2: Policy, capacity: Option<Amount>) -> Net {
    let mut net = Net::default();
    let free = policy(0, 0);
    net.channel([1, 2], None, [free, free]);
    net.channel([2, 9], capacity, [of_2, free]);
    net.channel([1, 3], None, [free, free]);
    net.channel([3, 9], None, [policy(5_000, 0), free]);
    net
}

/// The middle node of the route that both algorithms find.
#[track_caller]
fn over(net: &Net, request: &Request) -> u32 {
    let route = net.bfg(request).unwrap();
    assert_eq!(net.dijkstra(request).unwrap().fee_msat, route.fee_msat);
    net.way(&route)[0]
}

#[test]
fn amounts_at_the_limits_pass_and_those_beyond_do_not() {
    let of_2 =
        Policy { htlc_minimum_msat: Msat(1_000), htlc_maximum_msat: Msat(90_000), ..policy(1, 0) };
    let net = two_ways(of_2, Some(Amount::from_sat(100)));
    for (amount, way) in [(999, 3), (1_000, 2), (90_000, 2), (90_001, 3)] {
        assert_eq!(over(&net, &net.request(1, 9, amount)), way, "{amount}");
    }
    let net = two_ways(policy(1, 0), Some(Amount::from_sat(100)));
    for (amount, way) in [(100_000, 2), (100_001, 3)] {
        assert_eq!(over(&net, &net.request(1, 9, amount)), way, "{amount}");
    }
}

#[test]
fn fees_count_towards_what_a_channel_carries() {
    let mut net = Net::default();
    let free = policy(0, 0);
    net.channel([1, 2], Some(Amount::from_sat(100)), [free, free]);
    net.channel([2, 9], None, [policy(10, 0), free]);
    assert!(net.bfg(&net.request(1, 9, 99_990)).is_ok());
    assert!(net.bfg(&net.request(1, 9, 99_991)).is_err());
}

#[test]
fn what_is_disabled_or_unknown_is_not_used() {
    let disabled = Policy { disabled: true, ..policy(0, 0) };
    let net = two_ways(disabled, None);
    assert_eq!(over(&net, &net.request(1, 9, 1_000)), 3);
    let mut net = Net::default();
    net.channel([1, 2], None, [None, Some(policy(0, 0))]);
    let refused = Refused { closed: 1, ..Refused::default() };
    assert_eq!(net.bfg(&net.request(1, 2, 1)), Err(NoRoute::NoneFound(refused)));
    assert!(net.bfg(&net.request(2, 1, 1)).is_ok());
}

#[test]
fn a_delay_beyond_the_limit_is_gone_around() {
    let slow = Policy { cltv_expiry_delta: CltvExpiryDelta(144), ..policy(1, 0) };
    let net = two_ways(slow, None);
    let mut request = net.request(1, 9, 1_000);
    request.max_delay = 144 + 18;
    assert_eq!(over(&net, &request), 2);
    request.max_delay -= 1;
    assert_eq!(over(&net, &request), 3);
    request.max_delay = 27;
    let none = Refused { delay: 2, ..Refused::default() };
    assert_eq!(net.bfg(&request), Err(NoRoute::NoneFound(none)));
    request.max_delay = 17;
    assert!(net.bfg(&Request { to: net.node(2), ..request }).is_err(), "the payee's own delay");
}

/// A cheap slow way hides a dear quick one of more hops at a node in the middle: the first pass
/// keeps the cheap one alone.
#[test]
fn a_quick_way_is_found_behind_a_cheap_slow_one() {
    let free = policy(0, 0);
    let slow = Policy { cltv_expiry_delta: CltvExpiryDelta(100), ..policy(1, 0) };
    let mut net = Net::default();
    net.channel([1, 2], None, [free, free]);
    net.channel([2, 3], None, [slow, free]);
    net.channel([3, 9], None, [slow, free]);
    net.channel([3, 4], None, [policy(700, 0), free]);
    net.channel([4, 9], None, [policy(700, 0), free]);
    let mut request = net.request(1, 9, 1_000);
    assert_eq!(net.way(&net.bfg(&request).unwrap()), [2, 3, 9]);
    request.max_delay = 200;
    assert_eq!(net.way(&net.bfg(&request).unwrap()), [2, 3, 4, 9]);
}

#[test]
fn waiting_has_its_price() {
    let slow = Policy { cltv_expiry_delta: CltvExpiryDelta(1_000), ..policy(1, 0) };
    let net = two_ways(slow, None);
    let mut request = net.request(1, 9, 1_000_000);
    assert_eq!(over(&net, &request), 2);
    // 4,990 for 990 blocks more of 1,000,000 msat: 5,040 billionths a block.
    for (risk, way) in [(5_049, 2), (5_051, 3)] {
        request.risk_factor = RiskFactor(risk);
        let route = net.bfg(&request).unwrap();
        assert_eq!(net.way(&route)[0], way, "{risk}");
        assert!(route.cost_msat > route.fee_msat);
    }
}

#[test]
fn the_fee_has_a_limit() {
    let net = two_ways(policy(700, 1_000), None);
    let mut request = net.request(1, 9, 10_000);
    request.max_fee = Some(Msat(710));
    assert_eq!(over(&net, &request), 2);
    request.max_fee = Some(Msat(709));
    let none = Refused { fee: 2, ..Refused::default() };
    assert_eq!(net.bfg(&request), Err(NoRoute::NoneFound(none)));
    let said = net.bfg(&request).unwrap_err().to_string();
    assert_eq!(said, "no way leads there; in the way: too high a fee (2)");
}

#[test]
fn what_is_too_large_is_no_route_and_no_panic() {
    let net = two_ways(policy(u32::MAX, u32::MAX), None);
    for amount in [1, 1 << 40, MOST.0 - 1, MOST.0] {
        let dear = net.request(1, 9, amount);
        // The way over 3 asks 5,000, which is too much beside all bitcoins.
        let found = net.bfg(&dear).map(|route| net.way(&route));
        let expected = (amount < MOST.0 - 5_000).then(|| vec![3, 9]);
        assert_eq!(found.ok(), expected, "{amount}");
    }
    for amount in [0, MOST.0 + 1, u64::MAX] {
        let request = net.request(1, 9, amount);
        assert_eq!(net.bfg(&request), Err(NoRoute::Amount(Msat(amount))));
    }
    let long = Policy { cltv_expiry_delta: CltvExpiryDelta(u16::MAX), ..policy(0, 0) };
    let net = two_ways(long, None);
    let mut request = net.request(1, 9, MOST.0 - 5_000);
    (request.max_delay, request.risk_factor) = (u32::MAX, RiskFactor(1_000));
    assert_eq!(net.bfg(&request).map(|route| net.way(&route)), Ok(vec![3, 9]));
    request.risk_factor = RiskFactor(u32::MAX);
    assert!(net.bfg(&request).is_err(), "waiting costs more than can be counted");
}

#[test]
fn what_makes_no_sense_is_said() {
    let net = two_ways(policy(0, 0), None);
    let request = net.request(1, 9, 1);
    let same = Request { to: request.from, ..request.clone() };
    assert_eq!(net.bfg(&same), Err(NoRoute::SameNode));
    let nobody = Request { to: NodeIndex(77), ..request.clone() };
    assert_eq!(net.bfg(&nobody), Err(NoRoute::UnknownNode(NodeIndex(77))));
    let excluded = Request { excluded_nodes: [request.to].into(), ..request.clone() };
    assert_eq!(net.bfg(&excluded), Err(NoRoute::ExcludedEnd));
    let no_hops = Request { max_hops: 0, ..request };
    assert!(matches!(net.bfg(&no_hops), Err(NoRoute::NoneFound(_))));
}

#[test]
fn the_last_hop_counts() {
    let mut net = Net::default();
    let free = policy(0, 0);
    for node in 0..25 {
        net.channel([node, node + 1], None, [free, free]);
    }
    assert_eq!(net.bfg(&net.request(0, 20, 1)).unwrap().hops.len(), 20);
    let none = Refused { hops: 1, ..Refused::default() };
    assert_eq!(net.bfg(&net.request(0, 21, 1)), Err(NoRoute::NoneFound(none)));
    assert_eq!(net.dijkstra(&net.request(0, 21, 1)), Err(NoRoute::NoneFound(none)));
}

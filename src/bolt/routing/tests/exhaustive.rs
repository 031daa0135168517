//! Small graphs, against all routes that they have.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// How many nodes the graphs have.
const NODES: u32 = 7;

/// A fee that is not negative, also for receiving; limits from above only.
fn asking() -> impl Strategy<Value = Option<Policy>> {
    let fees = (0..3_000_u32, 0..20_000_u32, 0..500_i32, 0..3_000_i32);
    let limits = (0..300_u16, 10_000..400_000_u64, prop::bool::weighted(0.1));
    prop::option::weighted(
        0.9,
        (fees, limits).prop_map(|((base, rate, in_base, in_rate), (delta, most, disabled))| {
            Policy {
                cltv_expiry_delta: CltvExpiryDelta(delta),
                htlc_minimum_msat: Msat(0),
                htlc_maximum_msat: Msat(most),
                fee_base_msat: base,
                fee_proportional_millionths: rate,
                inbound: InboundFee { base_msat: in_base, proportional_millionths: in_rate },
                disabled,
            }
        }),
    )
}

/// The same with discounts, and with limits from below.
fn discounting() -> impl Strategy<Value = Option<Policy>> {
    let inbound = (-3_000..1_000_i32, -40_000..2_000_i32);
    (asking(), inbound, 0..40_000_u64).prop_map(|(policy, (base_msat, rate), least)| {
        let inbound = InboundFee { base_msat, proportional_millionths: rate };
        policy.map(|policy| Policy { htlc_minimum_msat: Msat(least), inbound, ..policy })
    })
}

/// Graphs with channels like these.
fn nets<P>(policies: impl Fn() -> P) -> impl Strategy<Value = Net>
where
    P: Strategy<Value = Option<Policy>>,
{
    let ends = (0..NODES, 1..NODES).prop_map(|(one, further)| [one, (one + further) % NODES]);
    let capacity = prop::option::of((10..400_u64).prop_map(Amount::from_sat));
    let channel = (ends, capacity, [policies(), policies()]);
    prop::collection::vec(channel, 1..16).prop_map(|channels| {
        let mut net = Net::default();
        // Both ends of every search are there.
        for ends in [[0, 1], [NODES - 2, NODES - 1]] {
            net.channel(ends, None, [None::<Policy>; 2]);
        }
        for (ends, capacity, policies) in channels {
            net.channel(ends, capacity, policies);
        }
        net
    })
}

/// What limits a search beside its graph.
#[derive(Clone, Debug)]
struct Limits {
    max_hops: u8,
    max_fee: Option<u64>,
    amount: u64,
}

fn limits() -> impl Strategy<Value = Limits> {
    let fee = prop::option::weighted(0.3, 0..30_000_u64);
    (1..9_u8, fee, 1..200_000_u64).prop_map(|(max_hops, max_fee, amount)| Limits {
        max_hops,
        max_fee,
        amount,
    })
}

fn request(net: &Net, limits: &Limits) -> Request {
    let &Limits { max_hops, max_fee, amount } = limits;
    let request = net.request(0, NODES - 1, amount);
    Request { max_hops, max_fee: max_fee.map(Msat), max_delay: 10_000, ..request }
}

/// What the cheapest of all routes costs.
fn cheapest(net: &Net, request: &Request) -> Option<i64> {
    net.every_route(request).iter().map(|route| route.cost_msat).min()
}

/// What a route costs, after it was checked against the rules without the code of the routes.
fn cost(net: &Net, request: &Request, found: Result<Route, NoRoute>) -> Option<i64> {
    let route = match found {
        Ok(route) => route,
        Err(NoRoute::NoneFound(_)) => return None,
        Err(other) => panic!("{other}"),
    };
    let mut visited = vec![request.from];
    let (mut outgoing, mut delay) = (route.amount().0, route.delay());
    for (place, hop) in route.hops.iter().enumerate() {
        let policy = net.graph.policy(hop.channel, hop.direction).unwrap();
        let back = net.graph.policy(hop.channel, hop.direction.reversed());
        let amount = i128::from(hop.amount_in.0);
        assert_eq!(amount, i128::from(outgoing));
        assert!(!policy.disabled && hop.amount_in >= policy.htlc_minimum_msat);
        assert!(hop.amount_in <= policy.htlc_maximum_msat);
        let capacity = net.graph.channel(hop.channel).unwrap().capacity;
        assert!(capacity.is_none_or(|capacity| hop.amount_in.0 <= 1_000 * capacity.to_sat()));
        assert!(!visited.contains(&hop.node), "a node stands twice");
        visited.push(hop.node);
        assert_eq!(hop.delay, delay);
        if let Some(next) = route.hops.get(place + 1) {
            let asks = net.graph.policy(next.channel, next.direction).unwrap();
            let sent = i128::from(next.amount_in.0);
            let millionths = i128::from(asks.fee_proportional_millionths);
            let net_amount = sent + i128::from(asks.fee_base_msat) + sent * millionths / 1_000_000;
            let inbound = back.map_or(InboundFee::NONE, |policy| policy.inbound);
            let millionths = i128::from(inbound.proportional_millionths);
            let receiving = i128::from(inbound.base_msat) + net_amount * millionths / 1_000_000;
            let total = net_amount + receiving;
            let floored = request.fees == Fees::Floored;
            assert_eq!(amount, if floored { total.max(sent) } else { total });
            delay -= u32::from(asks.cltv_expiry_delta.0);
        } else {
            assert_eq!((hop.amount_in, hop.node), (request.amount, request.to));
            assert_eq!(delay, u32::from(request.final_cltv_expiry_delta.0));
        }
        assert_eq!(i128::from(hop.fee_msat), amount - i128::from(hop.amount_out.0));
        outgoing = hop.amount_out.0;
    }
    let fee = i128::from(route.amount().0) - i128::from(request.amount.0);
    assert_eq!(i128::from(route.fee_msat), fee);
    assert!(request.max_fee.is_none_or(|most| fee <= i128::from(most.0)));
    assert!(route.hops.len() <= request.max_hops.into() && route.delay() <= request.max_delay);
    Some(route.cost_msat)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn it_is_the_cheapest_where_no_fee_is_negative(net in nets(asking), limits in limits()) {
        let request = request(&net, &limits);
        let found = cost(&net, &request, net.bfg(&request));
        prop_assert_eq!(found, cheapest(&net, &request));
        let all_hops = Request { max_hops: 30, ..request };
        let found = cost(&net, &all_hops, net.dijkstra(&all_hops));
        prop_assert_eq!(found, cheapest(&net, &all_hops));
    }

    /// Channels ask `cost + potential(start) - potential(end)`: many ask less than nothing, and no
    /// loop does.
    #[test]
    fn it_is_the_cheapest_where_no_loop_is_negative(
        potentials in prop::collection::vec(0..5_000_i32, NODES as usize),
        costs in prop::collection::vec((0..NODES, 1..NODES, 0..2_000_i32, 0..2_000_i32), 1..18),
        max_hops in 1..9_u8,
    ) {
        let mut net = Net::default();
        for ends in [[0, 1], [NODES - 2, NODES - 1]] {
            net.channel(ends, None, [None::<Policy>; 2]);
        }
        for (one, further, there, back) in costs {
            let ends = [one, (one + further) % NODES];
            let [from, to] = ends.map(|node| potentials[node as usize]);
            let (there, back) = (there + from - to, back + to - from);
            // The start asks what is positive, for sending; the end what is negative, for receiving.
            let says = |sends: i32, receives: i32| {
                let inbound =
                    InboundFee { base_msat: receives.min(0), proportional_millionths: 0 };
                Policy { inbound, ..policy(sends.max(0).unsigned_abs(), 0) }
            };
            net.channel(ends, None, [says(there, back), says(back, there)]);
        }
        let mut request = net.request(0, NODES - 1, 1_000_000);
        (request.max_hops, request.fees) = (max_hops, Fees::Signed);
        let found = cost(&net, &request, net.bfg(&request));
        prop_assert_eq!(found, cheapest(&net, &request));
    }

    /// Whatever is asked, and whatever waiting costs: what is found is a route.
    #[test]
    fn it_keeps_every_limit(
        net in nets(discounting),
        limits in limits(),
        max_delay in 0..1_000_u32,
        risk in 0..2_000_000_u32,
        signed in any::<bool>(),
    ) {
        let fees = if signed { Fees::Signed } else { Fees::Floored };
        let risk_factor = RiskFactor(risk);
        let request = Request { max_delay, risk_factor, fees, ..request(&net, &limits) };
        let least = cheapest(&net, &request);
        if let Some(found) = cost(&net, &request, net.bfg(&request)) {
            prop_assert!(found >= least.unwrap());
        }
        if signed && net.graph.has_discounts() {
            prop_assert_eq!(net.dijkstra(&request), Err(NoRoute::NegativeFees));
        } else if let Some(found) = cost(&net, &request, net.dijkstra(&request)) {
            prop_assert!(found >= least.unwrap());
        }
    }

    #[test]
    fn excluded_channels_and_nodes_are_as_if_they_were_not_there(
        net in nets(asking),
        limits in limits(),
        channels in prop::collection::btree_set(0..16_u32, 0..5),
        node in 1..NODES - 1,
    ) {
        let mut request = request(&net, &limits);
        let node = net.graph.node(&id(node));
        request.excluded_nodes.extend(node);
        let gone: Vec<ChannelIndex> = channels
            .into_iter()
            .map(|channel| ChannelIndex(channel + 2))
            .filter(|channel| net.graph.channel(*channel).is_some())
            .collect();
        for channel in &gone {
            request.excluded_channels.extend(Direction::BOTH.map(|direction| (*channel, direction)));
        }
        let found = cost(&net, &request, net.bfg(&request));
        let mut without = net.clone();
        for (index, channel) in net.graph.channels() {
            let touches = node.is_some_and(|node| channel.nodes.contains(&node));
            let holds_an_end = index.0 < 2;
            if gone.contains(&index) || touches && !holds_an_end {
                without.graph.remove(index).unwrap();
            }
        }
        let plain = Request {
            excluded_nodes: BTreeSet::new(),
            excluded_channels: BTreeSet::new(),
            ..request
        };
        prop_assert_eq!(found, cost(&without, &plain, without.bfg(&plain)));
    }
}

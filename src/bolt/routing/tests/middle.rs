//! Graphs of hundreds of channels: both algorithms against each other.

use super::*;

/// Numbers that look random, always the same for a seed.
struct Numbers(u64);

impl Numbers {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) ^ (self.0 >> 47)) % end
    }

    fn small(&mut self, end: u32) -> u32 {
        u32::try_from(self.below(end.into())).unwrap()
    }
}

/// A connected graph; so many ends of a hundred give discounts.
pub(super) fn net(seed: u64, nodes: u32, channels: u32, discounts: u32) -> Net {
    stretched(seed, nodes, channels, discounts, nodes)
}

/// A connected graph, in which a new node has a channel with one of so many that came before it.
fn stretched(seed: u64, nodes: u32, channels: u32, discounts: u32, near: u32) -> Net {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xa5a5);
    for _ in 0..8 {
        numbers.below(2);
    }
    let mut net = Net::default();
    for channel in 0..channels {
        let ends = if channel + 1 < nodes {
            [channel + 1, channel - numbers.small(near.min(channel + 1))]
        } else {
            let one = numbers.small(nodes);
            [one, (one + 1 + numbers.small(nodes - 1)) % nodes]
        };
        let policies = [0, 1].map(|_| {
            let discount = numbers.small(100) < discounts;
            let base_msat = -i32::try_from(numbers.below(2_000)).unwrap();
            let rate = -i32::try_from(numbers.below(4_000)).unwrap();
            let inbound = InboundFee { base_msat, proportional_millionths: rate };
            let cltv_expiry_delta = CltvExpiryDelta(u16::try_from(numbers.below(144)).unwrap());
            let htlc_maximum_msat = Msat(50_000 + numbers.below(10_000_000));
            let inbound = if discount { inbound } else { InboundFee::NONE };
            let asks = policy(numbers.small(2_000), numbers.small(3_000));
            Policy { cltv_expiry_delta, htlc_maximum_msat, inbound, ..asks }
        });
        net.channel(ends, None, policies);
    }
    net
}

#[test]
fn dijkstra_finds_nothing_cheaper_and_nothing_dearer() {
    let (mut compared, mut longer) = (0, 0);
    for seed in 0..20 {
        let (nodes, channels, near) = if seed % 2 == 0 { (400, 1_200, 400) } else { (120, 125, 4) };
        let net = stretched(seed, nodes, channels, 0, near);
        let mut numbers = Numbers(seed);
        for _ in 0..20 {
            let [from, to] = [numbers.small(nodes), numbers.small(nodes)];
            if from == to {
                continue;
            }
            let mut request = net.request(from, to, 100_000);
            request.max_delay = 100_000;
            let any_length = Request { max_hops: u8::MAX, ..request.clone() };
            let Ok(free) = net.dijkstra(&any_length) else {
                assert!(net.bfg(&any_length).is_err());
                continue;
            };
            assert_eq!(net.bfg(&any_length).unwrap().cost_msat, free.cost_msat);
            let limited = net.bfg(&request);
            if free.hops.len() <= request.max_hops.into() {
                assert_eq!(limited.unwrap().cost_msat, free.cost_msat);
                compared += 1;
            } else {
                assert!(limited.map_or(i64::MAX, |route| route.cost_msat) > free.cost_msat);
                longer += 1;
            }
        }
    }
    assert!(compared > 250 && longer > 10, "{compared} compared, {longer} longer");
}

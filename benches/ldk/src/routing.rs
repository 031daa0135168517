//! The same network for boltlab and for LDK, and routes through it.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use bitcoin::Amount;
use bitcoin::constants::ChainHash;
use boltlab::bolt::routing::{
    Algorithm, Direction, Graph, InboundFee, NodeIndex, Policy, Request, Search,
};
use boltlab::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};
use boltlab::bolt::wire::UncheckedPoint;
use lightning::ln::msgs::UnsignedChannelUpdate;
use lightning::routing::gossip::{NetworkGraph, NodeId};
use lightning::routing::router::{PaymentParameters, RouteParameters, find_route};
use lightning::routing::scoring::FixedPenaltyScorer;
use lightning::types::features::ChannelFeatures;
use secp256k1::PublicKey;

use crate::{Quiet, Random};

/// What arrives at the end of each route.
const AMOUNT: u64 = 50_000_000;
/// What the payee wants for itself.
const FINAL_DELTA: u16 = 18;
/// How long a payment may be pending.
const MAX_DELAY: u32 = 2016;

/// A payer and a payee, by number.
pub type Pair = [usize; 2];

/// One network, as each of the two knows it.
pub struct Network {
    /// Ours.
    pub graph: Graph,
    ldk: NetworkGraph<Quiet>,
    nodes: Vec<PublicKey>,
    indices: Vec<NodeIndex>,
}

impl Network {
    /// A scale-free network: each node opens a channel to one that has many already, and so do
    /// those who open the rest. Fees, delays and capacities are drawn from what is usual today.
    /// So many ends of a thousand give discounts, of which LDK knows nothing.
    pub fn random(random: &mut Random, nodes: usize, channels: usize, discounts: u64) -> Self {
        let nodes: Vec<PublicKey> = (0..nodes).map(|_| random.point()).collect();
        let ldk = NetworkGraph::new(bitcoin::Network::Regtest, Quiet);
        let mut network = Self { graph: Graph::new(), ldk, nodes, indices: Vec::new() };
        // Every end of every channel: drawn from it, a node comes as often as it has channels.
        let mut ends = vec![0];
        for number in 0..channels {
            let one = if number + 1 < network.nodes.len() {
                number + 1
            } else {
                ends[below(random, ends.len())]
            };
            let other = loop {
                let other = ends[below(random, ends.len())];
                if other != one {
                    break other;
                }
            };
            ends.extend([one, other]);
            network.add(random, number, [one, other], discounts);
        }
        network.graph.compact();
        let index = |node: &PublicKey| {
            let id = UncheckedPoint(node.serialize());
            network.graph.node(&id).expect("each node has a channel")
        };
        network.indices = network.nodes.iter().map(index).collect();
        network
    }

    fn add(&mut self, random: &mut Random, number: usize, ends: [usize; 2], discounts: u64) {
        let mut ids = ends.map(|end| self.nodes[end].serialize());
        ids.sort_unstable();
        let block = 500_000 + u32::try_from(number).expect("it is small");
        let scid = ShortChannelId::new(block, 1, 0).expect("it fits");
        let capacity = [200_000, 500_000, 1_000_000, 5_000_000, 20_000_000][below(random, 5)];
        let ours =
            self.graph.insert(scid, ids.map(UncheckedPoint), Some(Amount::from_sat(capacity)));
        let ours = ours.expect("it is new");
        let [one, two] = ids.map(|id| NodeId::from_slice(&id).expect("33 bytes"));
        self.ldk
            .add_channel_from_partial_announcement(
                scid.0,
                Some(capacity),
                now().into(),
                ChannelFeatures::empty(),
                one,
                two,
            )
            .expect("it is new");
        for direction in Direction::BOTH {
            let policy = Policy {
                cltv_expiry_delta: CltvExpiryDelta([34, 40, 40, 80, 144][below(random, 5)]),
                htlc_minimum_msat: Msat([0, 1, 1_000, 1_000][below(random, 4)]),
                htlc_maximum_msat: Msat(capacity * 990),
                fee_base_msat: [0, 0, 1, 500, 1_000, 1_000][below(random, 6)],
                fee_proportional_millionths: match random.below(4) {
                    0 => 1,
                    1 => u32::try_from(random.below(100)).expect("it is small"),
                    2 => u32::try_from(random.below(500)).expect("it is small"),
                    _ => u32::try_from(random.below(3_000)).expect("it is small"),
                },
                inbound: {
                    let rate = i32::try_from(random.below(1_000)).expect("it is small");
                    let fee = InboundFee { base_msat: 0, proportional_millionths: -rate };
                    // Drawn in any case, so that a network with discounts has all else in common.
                    if random.below(1_000) < discounts { fee } else { InboundFee::NONE }
                },
                disabled: random.below(20) == 0,
            };
            self.graph.set_policy(ours, direction, policy).expect("it is there");
            self.tell_ldk(scid, direction, &policy);
        }
    }

    fn tell_ldk(&self, scid: ShortChannelId, direction: Direction, policy: &Policy) {
        let from_2 = u8::from(direction == Direction::FromNode2);
        let update = UnsignedChannelUpdate {
            chain_hash: ChainHash::REGTEST,
            short_channel_id: scid.0,
            timestamp: now(),
            message_flags: 1,
            channel_flags: from_2 | if policy.disabled { 2 } else { 0 },
            cltv_expiry_delta: policy.cltv_expiry_delta.0,
            htlc_minimum_msat: policy.htlc_minimum_msat.0,
            htlc_maximum_msat: policy.htlc_maximum_msat.0,
            fee_base_msat: policy.fee_base_msat,
            fee_proportional_millionths: policy.fee_proportional_millionths,
            excess_data: Vec::new(),
        };
        self.ldk.update_channel_unsigned(&update).map_err(|error| error.err).expect("it is taken");
    }

    /// So many pairs between which both find a route.
    pub fn pairs(&self, random: &mut Random, count: usize) -> Vec<Pair> {
        let mut search = Search::new();
        let mut pairs = BTreeSet::new();
        while pairs.len() < count {
            let pair = [below(random, self.nodes.len()), below(random, self.nodes.len())];
            let ours = self.fee(&mut search, pair, Algorithm::BellmanFordGibson);
            if pair[0] != pair[1] && ours.is_some() && self.ldk_fee(pair).is_some() {
                pairs.insert(pair);
            }
        }
        pairs.into_iter().collect()
    }

    /// The fee of our route, in millisatoshis.
    pub fn fee(&self, search: &mut Search, pair: Pair, algorithm: Algorithm) -> Option<i64> {
        let [from, to] = pair.map(|node| self.indices[node]);
        let request = Request {
            final_cltv_expiry_delta: CltvExpiryDelta(FINAL_DELTA),
            max_delay: MAX_DELAY,
            ..Request::new(from, to, Msat(AMOUNT))
        };
        search.find(&self.graph, &request, algorithm).ok().map(|route| route.fee_msat)
    }

    /// The fee of LDK's route: one part, no penalties, and all that a channel has.
    pub fn ldk_fee(&self, [from, to]: Pair) -> Option<i64> {
        let payee = PaymentParameters::from_node_id(self.nodes[to], FINAL_DELTA.into())
            .with_max_path_count(1)
            .with_max_total_cltv_expiry_delta(MAX_DELAY)
            .with_max_channel_saturation_power_of_half(0);
        let mut asked = RouteParameters::from_payment_params_and_value(payee, AMOUNT);
        asked.max_total_routing_fee_msat = None;
        let scorer = FixedPenaltyScorer::with_penalty(0);
        let seed = [7; 32];
        let from = &self.nodes[from];
        let route = find_route(from, &asked, &self.ldk, None, Quiet, &scorer, &(), &seed).ok()?;
        i64::try_from(route.get_total_fees()).ok()
    }
}

fn below(random: &mut Random, end: usize) -> usize {
    let end = u64::try_from(end).expect("it is small");
    usize::try_from(random.below(end)).expect("it is small")
}

#[allow(clippy::disallowed_methods, reason = "LDK refuses updates that are old")]
pub(crate) fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u32::try_from(since.as_secs()).expect("before 2106")
}

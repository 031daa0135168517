//! Routes: what each hop is given and told. BOLT 7, "HTLC Fees"; BOLT 4, "`payload` format".
//!
//! ```text
//! hops, amount, expiry -> Route (amounts and expiries, from the end backwards) -> Plan (payloads) -> onion
//! ```

use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use crate::bolt::onion::{BlindedPath, Payload, PaymentData};
use crate::bolt::units::{CltvExpiry, CltvExpiryDelta, Msat};
use crate::bolt::wire::{Bytes, PaymentPreimage, PaymentSecret, ShortChannelId};

/// What a node asks for forwarding over a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayPolicy {
    /// `fee_base_msat`, charged for every HTLC.
    pub fee_base: Msat,
    /// The part of the outgoing amount that is charged as well, in millionths.
    pub fee_proportional_millionths: u32,
    /// How much earlier the outgoing HTLC must expire.
    pub cltv_expiry_delta: CltvExpiryDelta,
    /// The least amount that is forwarded.
    pub htlc_minimum: Msat,
}

impl Default for RelayPolicy {
    fn default() -> Self {
        Self {
            fee_base: Msat(1_000),
            fee_proportional_millionths: 100,
            cltv_expiry_delta: CltvExpiryDelta(40),
            htlc_minimum: Msat(1),
        }
    }
}

impl RelayPolicy {
    /// The fee for forwarding this amount; `None` beyond 2^64 - 1 msat. BOLT 7, "HTLC Fees".
    pub fn fee(&self, amount_to_forward: Msat) -> Option<Msat> {
        let rate = u128::from(self.fee_proportional_millionths);
        let proportional = u128::from(amount_to_forward.0).checked_mul(rate)? / 1_000_000;
        let proportional = u64::try_from(proportional).ok()?;
        self.fee_base.checked_add(Msat(proportional))
    }
}

/// One hop of a path: how it is reached, and what that costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathHop {
    /// The node.
    pub node_id: PublicKey,
    /// The channel that leads to it from the hop before.
    pub channel: ShortChannelId,
    /// What the hop before asks for that channel; the payer asks itself nothing.
    pub relay: RelayPolicy,
}

/// One hop with what it receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RouteHop {
    /// The node.
    pub node_id: PublicKey,
    /// The channel over which it receives.
    pub channel: ShortChannelId,
    /// The amount of the HTLC that it receives.
    pub amount: Msat,
    /// When that HTLC times out.
    pub cltv_expiry: CltvExpiry,
}

/// The amounts and expiries along a path to whose end this amount comes with this expiry. BOLT 7,
/// "HTLC Fees": from the end backwards. `None` if one is too large.
pub(super) fn route(
    path: &[PathHop],
    amount: Msat,
    cltv_expiry: CltvExpiry,
) -> Option<Vec<RouteHop>> {
    let (mut amount, mut cltv_expiry) = (amount, cltv_expiry);
    let mut hops = Vec::with_capacity(path.len());
    for (position, hop) in path.iter().enumerate().rev() {
        let PathHop { node_id, channel, relay } = hop.clone();
        hops.push(RouteHop { node_id, channel, amount, cltv_expiry });
        if position > 0 {
            amount = amount.checked_add(relay.fee(amount)?)?;
            cltv_expiry = cltv_expiry.checked_add(relay.cltv_expiry_delta)?;
        }
    }
    hops.reverse();
    Some(hops)
}

/// What a payer tells the last hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Final {
    /// That it pays an invoice.
    Invoice {
        /// The invoice's secret.
        payment_secret: PaymentSecret,
        /// The whole payment; other parts may bring the rest.
        total: Msat,
        /// What the invoice asks to send along.
        payment_metadata: Option<Bytes>,
    },
    /// That it pays without having been asked. bLIP 3.
    Keysend(PaymentPreimage),
    /// That it pays over a blinded path, whose first node is the route's last.
    Blinded {
        /// The path.
        path: BlindedPath,
        /// What arrives at its end.
        amount: Msat,
        /// When the HTLC expires there.
        cltv_expiry: CltvExpiry,
        /// The whole payment.
        total: Msat,
    },
}

/// What one hop's layer holds before it is wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedHop {
    /// The key that the layer is for: the node's, or a blinded one.
    pub node_id: PublicKey,
    /// What the node reads: a TLV stream.
    pub payload: Vec<u8>,
    /// The length that stands before it, if that is not its own: a cheat may lie.
    pub claimed_length: Option<u64>,
}

impl PlannedHop {
    fn new(node_id: PublicKey, payload: &Payload) -> Self {
        Self { node_id, payload: payload.encode(), claimed_length: None }
    }
}

/// The payloads of a route: for each hop what it must forward, for the last one what it is paid
/// for. BOLT 4, "`payload` format".
pub(super) fn payloads(route: &[RouteHop], last: &Final) -> Vec<PlannedHop> {
    let mut hops: Vec<PlannedHop> = route
        .iter()
        .zip(route.iter().skip(1))
        .map(|(hop, next)| {
            let payload = Payload {
                amt_to_forward: Some(next.amount),
                outgoing_cltv_value: Some(next.cltv_expiry),
                short_channel_id: Some(next.channel),
                ..Payload::default()
            };
            PlannedHop::new(hop.node_id, &payload)
        })
        .collect();
    let Some(end) = route.last() else { return hops };
    let base = Payload {
        amt_to_forward: Some(end.amount),
        outgoing_cltv_value: Some(end.cltv_expiry),
        ..Payload::default()
    };
    match last {
        Final::Invoice { payment_secret, total, payment_metadata } => {
            let data = PaymentData { payment_secret: *payment_secret, total_msat: *total };
            let payment_metadata = payment_metadata.clone();
            let payload = Payload { payment_data: Some(data), payment_metadata, ..base };
            hops.push(PlannedHop::new(end.node_id, &payload));
        }
        Final::Keysend(preimage) => {
            let payload = Payload { keysend_preimage: Some(*preimage), ..base };
            hops.push(PlannedHop::new(end.node_id, &payload));
        }
        Final::Blinded { path, amount, cltv_expiry, total } => {
            hops.extend(blinded(end.node_id, path, *amount, *cltv_expiry, *total));
        }
    }
    hops
}

/// The payloads of a blinded path. Its first hop is not blinded to the payer, and is told so.
fn blinded(
    introduction: PublicKey,
    path: &BlindedPath,
    amount: Msat,
    cltv_expiry: CltvExpiry,
    total: Msat,
) -> Vec<PlannedHop> {
    let count = path.path.len();
    (1..)
        .zip(&path.path)
        .map(|(number, hop)| {
            let (first, last) = (number == 1, number == count);
            let encrypted_recipient_data = Some(hop.encrypted_recipient_data.clone());
            let payload = Payload {
                encrypted_recipient_data,
                current_path_key: first.then_some(path.first_path_key),
                amt_to_forward: last.then_some(amount),
                outgoing_cltv_value: last.then_some(cltv_expiry),
                total_amount_msat: last.then_some(total),
                ..Payload::default()
            };
            PlannedHop::new(if first { introduction } else { hop.blinded_node_id }, &payload)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use secp256k1::{SECP256K1, SecretKey};

    use super::*;

    fn hop(byte: u8, fee_base: u64, millionths: u32, delta: u16) -> PathHop {
        PathHop {
            node_id: SecretKey::from_slice(&[byte; 32]).unwrap().public_key(SECP256K1),
            channel: ShortChannelId(byte.into()),
            relay: RelayPolicy {
                fee_base: Msat(fee_base),
                fee_proportional_millionths: millionths,
                cltv_expiry_delta: CltvExpiryDelta(delta),
                htlc_minimum: Msat(1),
            },
        }
    }

    /// BOLT 7, "Routing Example": A pays C 4,999,999 msat through B or through D. C asks for 18
    /// blocks, and A adds 42.
    #[test]
    fn the_example_of_bolt_7() {
        let (b_to_c, d_to_c) = (hop(3, 200, 2_000, 20), hop(3, 400, 4_000, 40));
        for (second, amount, expiry) in [(b_to_c, 5_010_198, 80), (d_to_c, 5_020_398, 100)] {
            let path = [hop(2, 100, 1_000, 10), second];
            let hops = route(&path, Msat(4_999_999), CltvExpiry(18 + 42)).unwrap();
            let told: Vec<(u64, u32)> =
                hops.iter().map(|hop| (hop.amount.0, hop.cltv_expiry.0)).collect();
            assert_eq!(told, [(amount, expiry), (4_999_999, 60)]);
        }
    }

    #[test]
    fn amounts_beyond_their_bounds_have_no_route() {
        let path = [hop(1, 0, 0, 0), hop(2, 1, 0, 0)];
        assert!(route(&path, Msat(u64::MAX), CltvExpiry(1)).is_none());
        let path = [hop(1, 0, 0, 0), hop(2, 0, 0, 1)];
        assert!(route(&path, Msat(1), CltvExpiry(u32::MAX)).is_none());
        assert_eq!(RelayPolicy::default().fee(Msat(u64::MAX)), Some(Msat(1_844_674_407_371_955)));
        let greedy =
            RelayPolicy { fee_proportional_millionths: u32::MAX, ..RelayPolicy::default() };
        assert_eq!(greedy.fee(Msat(u64::MAX)), None);
    }

    #[test]
    fn each_hop_is_told_of_the_next_and_nothing_else() {
        let path = [hop(1, 0, 0, 0), hop(2, 10, 0, 5), hop(3, 20, 0, 6)];
        let hops = route(&path, Msat(1_000), CltvExpiry(100)).unwrap();
        let payment_secret = PaymentSecret([7; 32]);
        let last = Final::Invoice { payment_secret, total: Msat(1_500), payment_metadata: None };
        let plan = payloads(&hops, &last);
        let first = Payload {
            amt_to_forward: Some(Msat(1_020)),
            outgoing_cltv_value: Some(CltvExpiry(106)),
            short_channel_id: Some(ShortChannelId(2)),
            ..Payload::default()
        };
        let told = |hop: usize| Payload::decode(&plan[hop].payload).unwrap();
        assert_eq!(told(0), first);
        assert_eq!(told(2).short_channel_id, None);
        assert_eq!(told(2).payment_data.unwrap().total_msat, Msat(1_500));
        assert_eq!(told(1).payment_data, None);
    }
}

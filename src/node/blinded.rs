//! Blinded paths that lead to this node: for payments, and for messages. BOLT 4, "Route Blinding".

use secp256k1::{PublicKey, SecretKey};

use super::route::PathHop;
use crate::bolt::features::Features;
use crate::bolt::offer::BlindedPayinfo;
use crate::bolt::onion::{
    BlindError, BlindedPath, EncryptedData, PaymentConstraints, PaymentRelay, aggregate, blind,
};
use crate::bolt::units::{CltvExpiry, CltvExpiryDelta, Msat};
use crate::bolt::wire::Bytes;

/// No payment is larger than all coins, so this is no limit.
const ALL_COINS: Msat = Msat(2_100_000_000_000_000_000);

/// A way to this node that others may use without learning that it ends here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindedWay {
    /// Where it begins: a node that everybody may know.
    pub introduction: PublicKey,
    /// From there on; the last hop is this node. Without a hop, this node is the introduction.
    pub path: Vec<PathHop>,
    /// How many hops are made up behind the last one.
    pub dummy_hops: usize,
}

/// What a payment over the way must keep to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Constraints {
    /// What this node recognises the path by.
    pub(super) path_id: Bytes,
    /// The height after which the path is not to be used.
    pub(super) expires_at: CltvExpiry,
    /// How far ahead the expiry of an HTLC must lie at this node.
    pub(super) min_final_cltv_expiry_delta: CltvExpiryDelta,
}

impl BlindedWay {
    /// The nodes that forward, and over what.
    fn relays(&self) -> Vec<(PublicKey, &PathHop)> {
        let senders = [self.introduction].into_iter().chain(self.path.iter().map(|h| h.node_id));
        senders.zip(&self.path).collect()
    }

    /// The path for a payment, and what it costs as a whole. `None` if a sum is too large for its
    /// field.
    pub(super) fn for_payment(
        &self,
        node_id: PublicKey,
        first_path_secret: &SecretKey,
        constraints: &Constraints,
    ) -> Option<(BlindedPath, BlindedPayinfo)> {
        let policies: Vec<_> = self.path.iter().map(|hop| hop.relay).collect();
        let relays = policies.iter().map(|policy| {
            Some(PaymentRelay {
                cltv_expiry_delta: policy.cltv_expiry_delta,
                fee_proportional_millionths: policy.fee_proportional_millionths,
                fee_base_msat: u32::try_from(policy.fee_base.0).ok()?,
            })
        });
        let relays: Vec<PaymentRelay> = relays.collect::<Option<_>>()?;
        let least = policies.iter().map(|policy| policy.htlc_minimum).max().unwrap_or(Msat(1));
        let delta = constraints.min_final_cltv_expiry_delta;
        let mut limit = constraints.expires_at.checked_add(delta)?;
        let constrained =
            |limit| Some(PaymentConstraints { max_cltv_expiry: limit, htlc_minimum_msat: least });
        let last = EncryptedData {
            path_id: Some(constraints.path_id.clone()),
            payment_constraints: constrained(limit),
            ..EncryptedData::default()
        };
        let mut hops = vec![(node_id, last)];
        for _ in 0..self.dummy_hops {
            let dummy = EncryptedData {
                next_node_id: Some(node_id),
                payment_relay: Some(FREE),
                payment_constraints: constrained(limit),
                ..EncryptedData::default()
            };
            hops.push((node_id, dummy));
        }
        for ((sender, hop), relay) in self.relays().into_iter().zip(&relays).rev() {
            limit = limit.checked_add(relay.cltv_expiry_delta)?;
            let data = EncryptedData {
                short_channel_id: Some(hop.channel),
                payment_relay: Some(*relay),
                payment_constraints: constrained(limit),
                ..EncryptedData::default()
            };
            hops.push((sender, data));
        }
        hops.reverse();
        let path = blind_padded(first_path_secret, hops).ok()?;
        let fees = aggregate(&relays, delta)?;
        let payinfo = BlindedPayinfo {
            fee_base_msat: fees.fee_base_msat,
            fee_proportional_millionths: fees.fee_proportional_millionths,
            cltv_expiry_delta: fees.cltv_expiry_delta,
            htlc_minimum_msat: least,
            htlc_maximum_msat: ALL_COINS,
            features: Features::default(),
        };
        Some((path, payinfo))
    }

    /// The nodes on the way, this node last.
    pub(super) fn nodes(&self) -> Vec<PublicKey> {
        let hops = self.path.iter().map(|hop| hop.node_id);
        [self.introduction].into_iter().chain(hops).collect()
    }
}

/// What must reach the introduction so that this amount reaches the end. Rounded up, as every hop
/// wants its due.
pub(super) fn to_introduction(payinfo: &BlindedPayinfo, amount: Msat) -> Option<Msat> {
    let rate = u128::from(payinfo.fee_proportional_millionths);
    let proportional = u128::from(amount.0).checked_mul(rate)?.div_ceil(1_000_000);
    let proportional = Msat(u64::try_from(proportional).ok()?);
    amount.checked_add(Msat(payinfo.fee_base_msat.into()))?.checked_add(proportional)
}

/// A dummy hop costs nothing, so it changes neither amounts nor expiries.
const FREE: PaymentRelay = PaymentRelay {
    cltv_expiry_delta: CltvExpiryDelta(0),
    fee_proportional_millionths: 0,
    fee_base_msat: 0,
};

/// The path for a message over these nodes; the last one recognises it by `path_id`.
pub(super) fn for_message(
    first_path_secret: &SecretKey,
    nodes: &[PublicKey],
    path_id: Option<Bytes>,
) -> Result<BlindedPath, BlindError> {
    let (last, between) = nodes.split_last().ok_or(BlindError::NoHop)?;
    let relaying = between.iter().zip(nodes.iter().skip(1)).map(|(node, next)| {
        (*node, EncryptedData { next_node_id: Some(*next), ..EncryptedData::default() })
    });
    let end = (*last, EncryptedData { path_id, ..EncryptedData::default() });
    blind_padded(first_path_secret, relaying.chain([end]).collect())
}

/// Blinds a path whose hops all get equally long data, so that its length tells nothing of what is
/// in it.
fn blind_padded(
    first_path_secret: &SecretKey,
    hops: Vec<(PublicKey, EncryptedData)>,
) -> Result<BlindedPath, BlindError> {
    let lengths = hops.iter().map(|(_, data)| data.encode().len());
    let longest = lengths.max().unwrap_or_default();
    let padded: Vec<(PublicKey, EncryptedData)> = hops
        .into_iter()
        .map(|(node, data)| {
            let missing = longest.saturating_sub(data.encode().len());
            let padding = Some(Bytes(vec![0; missing]));
            (node, EncryptedData { padding, ..data })
        })
        .collect();
    blind(first_path_secret, &padded)
}

#[cfg(test)]
mod tests {
    use secp256k1::SECP256K1;

    use super::*;
    use crate::bolt::onion::unblind;
    use crate::bolt::units::ShortChannelId;
    use crate::node::RelayPolicy;

    fn secret(byte: u8) -> SecretKey {
        SecretKey::from_slice(&[byte; 32]).unwrap()
    }

    fn id(byte: u8) -> PublicKey {
        secret(byte).public_key(SECP256K1)
    }

    proptest::proptest! {
        /// Whatever the hops charge, the payee gets what it is due, and hardly more.
        #[test]
        fn what_the_path_costs_as_a_whole_is_enough_for_each_hop(
            policies in proptest::collection::vec((0_u64..5_000, 0_u32..20_000), 1..6),
            amount in 1_u64..5_000_000_000,
        ) {
            let hop = |(fee_base, fee_proportional_millionths)| PathHop {
                node_id: id(2),
                channel: ShortChannelId(1),
                relay: RelayPolicy {
                    fee_base: Msat(fee_base),
                    fee_proportional_millionths,
                    ..RelayPolicy::default()
                },
            };
            let path: Vec<PathHop> = policies.into_iter().map(hop).collect();
            let way = BlindedWay { introduction: id(1), path: path.clone(), dummy_hops: 0 };
            let constraints = Constraints {
                path_id: Bytes(Vec::new()),
                expires_at: CltvExpiry(1_000),
                min_final_cltv_expiry_delta: CltvExpiryDelta(18),
            };
            let (_, payinfo) = way.for_payment(id(2), &secret(7), &constraints).unwrap();
            let mut left = to_introduction(&payinfo, Msat(amount)).unwrap();
            for hop in &path {
                let relay = PaymentRelay {
                    cltv_expiry_delta: hop.relay.cltv_expiry_delta,
                    fee_proportional_millionths: hop.relay.fee_proportional_millionths,
                    fee_base_msat: u32::try_from(hop.relay.fee_base.0).unwrap(),
                };
                left = crate::bolt::onion::amt_to_forward(&relay, left).unwrap();
            }
            proptest::prop_assert!(left.0 >= amount, "{} of {amount}", left.0);
            proptest::prop_assert!(left.0 <= amount + amount / 100_000 + 20, "{left} of {amount}");
        }
    }

    #[test]
    fn every_hop_is_told_its_part_in_as_many_bytes() {
        let hop = |node, channel| PathHop {
            node_id: id(node),
            channel: ShortChannelId(channel),
            relay: RelayPolicy::default(),
        };
        let way =
            BlindedWay { introduction: id(1), path: vec![hop(2, 10), hop(3, 11)], dummy_hops: 1 };
        let constraints = Constraints {
            path_id: Bytes(vec![9; 32]),
            expires_at: CltvExpiry(1_000),
            min_final_cltv_expiry_delta: CltvExpiryDelta(18),
        };
        let (path, payinfo) = way.for_payment(id(3), &secret(7), &constraints).unwrap();
        let lengths: Vec<usize> =
            path.path.iter().map(|hop| hop.encrypted_recipient_data.0.len()).collect();
        assert_eq!((lengths.len(), lengths.iter().min()), (4, lengths.iter().max()));
        assert_eq!(payinfo.cltv_expiry_delta, CltvExpiryDelta(40 + 40 + 18));
        let mut path_key = path.first_path_key;
        let mut told = Vec::new();
        for (node, hop) in [1, 2, 3, 3].into_iter().zip(&path.path) {
            let read = unblind(&secret(node), &path_key, &hop.encrypted_recipient_data.0).unwrap();
            path_key = read.next_path_key;
            told.push(read.data);
        }
        let limits: Vec<u32> =
            told.iter().map(|t| t.payment_constraints.unwrap().max_cltv_expiry.0).collect();
        assert_eq!(limits, [1_098, 1_058, 1_018, 1_018]);
        assert_eq!(told[0].short_channel_id, Some(ShortChannelId(10)));
        assert_eq!(told[2].next_node_id, Some(id(3)));
        assert_eq!(told[3].path_id, Some(Bytes(vec![9; 32])));
    }
}

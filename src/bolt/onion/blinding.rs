//! Making a blinded path, and reading one's part of it. BOLT 4, "Route Blinding".
//!
//! The creator of a path has a secret `e_i` for each hop and the hop gets the point `E_i`, its path
//! key. What the two share blinds the hop's id, encrypts its data and gives the next `E`.

use secp256k1::{PublicKey, SECP256K1, Scalar, SecretKey};
use thiserror::Error;

use super::blinded_path::{BlindedHop, BlindedPath, NodeOrChannel};
use super::keys::{Purpose, SharedSecret};
use super::payload::{EncryptedData, PaymentRelay};
use crate::bolt::aead;
use crate::bolt::keys::KeyError;
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::bolt::wire::Bytes;
use crate::bolt::wire::tlv::TlvError;

/// What a hop of a blinded path is told: the type, or bytes that need not be one.
pub trait RecipientData {
    /// `encrypted_data_tlv`, before encryption.
    fn encoded(&self) -> Vec<u8>;

    /// The secret of the path key for the next hop, if another path goes on there. The data must
    /// then tell that key (`next_path_key_override`).
    fn next_path_secret(&self) -> Option<&SecretKey> {
        None
    }
}

impl RecipientData for EncryptedData {
    fn encoded(&self) -> Vec<u8> {
        self.encode()
    }
}

impl RecipientData for Vec<u8> {
    fn encoded(&self) -> Vec<u8> {
        self.clone()
    }
}

impl RecipientData for Bytes {
    fn encoded(&self) -> Vec<u8> {
        self.0.clone()
    }
}

/// Data for a hop behind which a path with a secret of its own begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined<D> {
    /// The data.
    pub data: D,
    /// The secret of the next hop's path key; `None` to go on as usual.
    pub next_path_secret: Option<SecretKey>,
}

impl<D: RecipientData> RecipientData for Joined<D> {
    fn encoded(&self) -> Vec<u8> {
        self.data.encoded()
    }
    fn next_path_secret(&self) -> Option<&SecretKey> {
        self.next_path_secret.as_ref()
    }
}

/// Why there is no such blinded path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlindError {
    /// A path without a hop.
    #[error("blind a path: no hop")]
    NoHop,
    /// A tweaked key does not exist.
    #[error("blind a path: hop {hop}: {error}")]
    Key {
        /// The hop, from 0.
        hop: usize,
        /// The key.
        error: KeyError,
    },
    /// Data that is too long for its cipher.
    #[error("blind a path: hop {hop}: cannot encrypt its data")]
    Data {
        /// The hop, from 0.
        hop: usize,
    },
}

/// Makes the path over these nodes, the first of which is known to those who use it. A node that
/// stands there twice in a row is a dummy hop.
///
/// # Errors
/// [`BlindError`] for no hops; the others are out of reach.
pub fn blind<D: RecipientData>(
    first_path_secret: &SecretKey,
    hops: &[(PublicKey, D)],
) -> Result<BlindedPath, BlindError> {
    let (first, _) = hops.first().ok_or(BlindError::NoHop)?;
    let first_path_key = first_path_secret.public_key(SECP256K1);
    let (mut secret, mut path_key) = (*first_path_secret, first_path_key);
    let mut path = Vec::with_capacity(hops.len());
    for (hop, (node_id, data)) in hops.iter().enumerate() {
        if hop > 0 {
            path_key = secret.public_key(SECP256K1);
        }
        let key_error = |error| BlindError::Key { hop, error };
        let shared_secret = SharedSecret::new(node_id, &secret);
        let tweak = id_tweak(&shared_secret).map_err(key_error)?;
        let blinded_node_id = node_id
            .mul_tweak(SECP256K1, &tweak)
            .map_err(|error| key_error(KeyError::from(error)))?;
        let encrypted = seal(&shared_secret, data.encoded()).ok_or(BlindError::Data { hop })?;
        let encrypted_recipient_data = Bytes(encrypted);
        path.push(BlindedHop { blinded_node_id, encrypted_recipient_data });
        if hop.saturating_add(1) < hops.len() {
            secret = match data.next_path_secret() {
                Some(other) => *other,
                None => next_tweak(&path_key, &shared_secret)
                    .and_then(|tweak| Ok(secret.mul_tweak(&tweak)?))
                    .map_err(key_error)?,
            };
        }
    }
    Ok(BlindedPath { first_node_id: NodeOrChannel::Node(*first), first_path_key, path })
}

/// What a hop blinds its id with.
fn id_tweak(shared_secret: &SharedSecret) -> Result<Scalar, KeyError> {
    Scalar::from_be_bytes(shared_secret.key(Purpose::BlindedNodeId))
        .map_err(|_| KeyError::from(secp256k1::Error::InvalidTweak))
}

/// What makes the next path key from this one.
fn next_tweak(path_key: &PublicKey, shared_secret: &SharedSecret) -> Result<Scalar, KeyError> {
    shared_secret
        .blinding_factor(&path_key.serialize())
        .ok_or_else(|| KeyError::from(secp256k1::Error::InvalidTweak))
}

fn seal(shared_secret: &SharedSecret, mut data: Vec<u8>) -> Option<Vec<u8>> {
    let mac = aead::encrypt(&shared_secret.key(Purpose::Rho), 0, &[], &mut data)?;
    data.extend_from_slice(&mac);
    Some(data)
}

/// The other side of [`seal`]; `None` for what was not sealed with this secret.
fn open(shared_secret: &SharedSecret, encrypted: &[u8]) -> Option<Vec<u8>> {
    let (data, mac) = encrypted.split_last_chunk()?;
    let mut data = data.to_vec();
    aead::decrypt(&shared_secret.key(Purpose::Rho), 0, &[], &mut data, mac)?;
    Some(data)
}

/// What a node shares with a blinded path's creator, from the path key that came with the onion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blinding {
    /// What it shares.
    pub shared_secret: SharedSecret,
    /// Its secret on this path, to peel the onion with.
    pub node_secret: SecretKey,
    path_key: PublicKey,
}

/// Why a node cannot read its part of a blinded path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnblindError {
    /// A tweaked key does not exist.
    #[error("read one's part of a blinded path: {0}")]
    Key(KeyError),
    /// The data is for another node or another path key, or it was changed.
    #[error("read one's part of a blinded path: cannot decrypt it with this key")]
    Decryption,
    /// The data is no `encrypted_data_tlv`.
    #[error("read one's part of a blinded path: {0}")]
    Tlv(TlvError),
}

/// One's part of a blinded path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unblinded {
    /// What the creator tells.
    pub data: EncryptedData,
    /// The bytes of it.
    pub raw: Vec<u8>,
    /// The path key for the next hop.
    pub next_path_key: PublicKey,
    /// The node's secret on this path, to peel the onion with.
    pub node_secret: SecretKey,
}

impl Blinding {
    /// What a node shares with the creator of the path that this key belongs to.
    ///
    /// # Errors
    /// [`KeyError`] if the tweaked key does not exist.
    pub fn new(node_secret: &SecretKey, path_key: &PublicKey) -> Result<Self, KeyError> {
        let shared_secret = SharedSecret::new(path_key, node_secret);
        let node_secret = node_secret.mul_tweak(&id_tweak(&shared_secret)?)?;
        Ok(Self { shared_secret, node_secret, path_key: *path_key })
    }

    /// Decrypts what the creator tells, whatever it is.
    ///
    /// # Errors
    /// [`UnblindError::Decryption`] if it is not for this node.
    pub fn decrypt(&self, encrypted: &[u8]) -> Result<Vec<u8>, UnblindError> {
        open(&self.shared_secret, encrypted).ok_or(UnblindError::Decryption)
    }

    /// The path key for the next hop, unless the data names another.
    ///
    /// # Errors
    /// [`KeyError`] if the tweaked key does not exist.
    pub fn next_path_key(&self) -> Result<PublicKey, KeyError> {
        let tweak = next_tweak(&self.path_key, &self.shared_secret)?;
        Ok(self.path_key.mul_tweak(SECP256K1, &tweak)?)
    }

    /// Reads what the creator tells.
    ///
    /// # Errors
    /// [`UnblindError`] if it is not for this node or makes no sense.
    pub fn open(&self, encrypted: &[u8]) -> Result<Unblinded, UnblindError> {
        let raw = self.decrypt(encrypted)?;
        let data = EncryptedData::decode(&raw).map_err(UnblindError::Tlv)?;
        let next_path_key = match data.next_path_key_override {
            Some(other) => other,
            None => self.next_path_key().map_err(UnblindError::Key)?,
        };
        Ok(Unblinded { data, raw, next_path_key, node_secret: self.node_secret })
    }
}

/// Reads one's part of a blinded path.
///
/// # Errors
/// [`UnblindError`] if it is not for this node or makes no sense.
pub fn unblind(
    node_secret: &SecretKey,
    path_key: &PublicKey,
    encrypted: &[u8],
) -> Result<Unblinded, UnblindError> {
    Blinding::new(node_secret, path_key).map_err(UnblindError::Key)?.open(encrypted)
}

/// The secret to peel an onion with that came with a path key.
///
/// # Errors
/// [`KeyError`] if the tweaked key does not exist.
pub fn blinded_node_secret(
    node_secret: &SecretKey,
    path_key: &PublicKey,
) -> Result<SecretKey, KeyError> {
    Blinding::new(node_secret, path_key).map(|blinding| blinding.node_secret)
}

/// What a payment over a blinded path costs, for those who see the path as one hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathFees {
    /// What is charged whatever the amount.
    pub fee_base_msat: u32,
    /// The part of the amount that is charged, in millionths.
    pub fee_proportional_millionths: u32,
    /// How much earlier than at the introduction point the HTLC expires for the recipient, with
    /// what the recipient itself asks for.
    pub cltv_expiry_delta: CltvExpiryDelta,
}

const MILLION: u64 = 1_000_000;

/// Sums the relays of a path, in the path's order. BOLT 4, "`payload` format": each sum is rounded
/// up. `None` beyond the fields.
pub fn aggregate(relays: &[PaymentRelay], min_final: CltvExpiryDelta) -> Option<PathFees> {
    let none = PathFees { cltv_expiry_delta: min_final, ..PathFees::default() };
    relays.iter().rev().try_fold(none, |total, relay| {
        let rate = u64::from(relay.fee_proportional_millionths);
        let total_rate = u64::from(total.fee_proportional_millionths);
        let base = u64::from(relay.fee_base_msat)
            .checked_mul(MILLION)?
            .checked_add(u64::from(total.fee_base_msat).checked_mul(MILLION.checked_add(rate)?)?)?;
        let rates = total_rate
            .checked_add(rate)?
            .checked_mul(MILLION)?
            .checked_add(total_rate.checked_mul(rate)?)?;
        let delta = total.cltv_expiry_delta.0.checked_add(relay.cltv_expiry_delta.0)?;
        Some(PathFees {
            fee_base_msat: u32::try_from(base.div_ceil(MILLION)).ok()?,
            fee_proportional_millionths: u32::try_from(rates.div_ceil(MILLION)).ok()?,
            cltv_expiry_delta: CltvExpiryDelta(delta),
        })
    })
}

/// What a hop of a blinded path passes on of what comes in; `None` if that is less than its base
/// fee.
pub fn amt_to_forward(relay: &PaymentRelay, incoming: Msat) -> Option<Msat> {
    let rate = u128::from(relay.fee_proportional_millionths);
    let rest = incoming.checked_sub(Msat(relay.fee_base_msat.into()))?;
    let divisor = u128::from(MILLION).checked_add(rate)?;
    let forwarded = u128::from(rest.0).checked_mul(MILLION.into())?.div_ceil(divisor);
    u64::try_from(forwarded).ok().map(Msat)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> SecretKey {
        SecretKey::from_slice(&[byte; 32]).unwrap()
    }

    fn id(byte: u8) -> PublicKey {
        secret(byte).public_key(SECP256K1)
    }

    fn told(byte: u8) -> EncryptedData {
        EncryptedData { path_id: Some(Bytes(vec![byte; 3])), ..EncryptedData::default() }
    }

    #[test]
    fn each_hop_reads_its_part_and_no_other() {
        let joined = |byte, next: Option<u8>| Joined {
            data: EncryptedData { next_path_key_override: next.map(id), ..told(byte) },
            next_path_secret: next.map(secret),
        };
        let hops =
            [(id(1), joined(1, None)), (id(2), joined(2, Some(9))), (id(3), joined(3, None))];
        let path = blind(&secret(8), &hops).unwrap();
        assert_eq!(path.first_node_id, NodeOrChannel::Node(id(1)));
        let mut path_key = path.first_path_key;
        for (node, hop) in (1..).zip(&path.path) {
            let encrypted = &hop.encrypted_recipient_data.0;
            let mine = unblind(&secret(node), &path_key, encrypted).unwrap();
            assert_eq!(mine.data.path_id, told(node).path_id);
            assert_eq!(mine.node_secret.public_key(SECP256K1), hop.blinded_node_id);
            assert_eq!(blinded_node_secret(&secret(node), &path_key), Ok(mine.node_secret));
            let other = unblind(&secret(node + 1), &path_key, encrypted);
            assert_eq!(other, Err(UnblindError::Decryption));
            path_key = mine.next_path_key;
            assert_eq!(path_key == id(9), node == 2);
        }
    }

    #[test]
    fn what_is_no_tlv_stream_is_refused() {
        let path = blind(&secret(8), &[(id(1), vec![2, 0])]).unwrap();
        let encrypted = &path.path[0].encrypted_recipient_data.0;
        let refused = unblind(&secret(1), &path.first_path_key, encrypted);
        assert!(matches!(refused, Err(UnblindError::Tlv(_))), "{refused:?}");
        assert_eq!(blind::<EncryptedData>(&secret(8), &[]), Err(BlindError::NoHop));
    }

    fn relay(delta: u16, rate: u32, base: u32) -> PaymentRelay {
        PaymentRelay {
            cltv_expiry_delta: CltvExpiryDelta(delta),
            fee_proportional_millionths: rate,
            fee_base_msat: base,
        }
    }

    #[test]
    fn fees_of_a_path_cover_those_of_its_hops() {
        let relays = [relay(50, 0, 10_000), relay(75, 150, 100), relay(25, 100, 0)];
        let fees = aggregate(&relays, CltvExpiryDelta(9)).unwrap();
        assert_eq!((fees.fee_base_msat, fees.fee_proportional_millionths), (10_100, 251));
        assert_eq!(fees.cltv_expiry_delta, CltvExpiryDelta(159));
        let arrives =
            relays.iter().try_fold(Msat(110_125), |msat, relay| amt_to_forward(relay, msat));
        assert_eq!(arrives, Some(Msat(100_000)));
        assert_eq!(
            aggregate(&[], CltvExpiryDelta(9)).unwrap().cltv_expiry_delta,
            CltvExpiryDelta(9)
        );
        assert_eq!(amt_to_forward(&relay(0, 0, 5), Msat(4)), None);
        assert_eq!(aggregate(&[relay(0, 0, u32::MAX), relay(0, 0, 1)], CltvExpiryDelta(0)), None);
        assert_eq!(aggregate(&[relay(u16::MAX, 0, 0)], CltvExpiryDelta(1)), None);
    }
}

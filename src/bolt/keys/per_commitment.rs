//! Per-commitment secrets: made from one seed, revealed one by one, stored compactly. BOLT 3,
//! "Per-commitment Secret Requirements" and "Efficient Per-commitment Secret Storage".

use std::fmt;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::hex::DisplayHex;
use secp256k1::{PublicKey, SECP256K1, SecretKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::KeyError;
use crate::bolt::units::CommitmentNumber;

/// How many bits an index has.
const INDEX_BITS: u8 = 48;

/// The secret that revokes one commitment transaction once its owner has revealed it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerCommitmentSecret(
    #[serde(with = "crate::bolt::hex_bytes")]
    /// Its 32 bytes, as `revoke_and_ack` carries them.
    pub [u8; 32],
);

impl PerCommitmentSecret {
    /// The secret as a private key.
    ///
    /// # Errors
    /// [`KeyError`] if the bytes are zero or not below the curve's order.
    pub fn key(&self) -> Result<SecretKey, KeyError> {
        Ok(SecretKey::from_slice(&self.0)?)
    }

    /// The `per_commitment_point`: secret * G.
    ///
    /// # Errors
    /// [`KeyError`] if the secret is no private key.
    pub fn point(&self) -> Result<PublicKey, KeyError> {
        Ok(self.key()?.public_key(SECP256K1))
    }
}

impl fmt::Debug for PerCommitmentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PerCommitmentSecret({:x})", self.0.as_hex())
    }
}

/// The seed that a side never reveals and makes all of its per-commitment secrets from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentSeed(pub [u8; 32]);

impl CommitmentSeed {
    /// The secret of this commitment (`generate_from_seed`).
    pub fn secret(&self, number: CommitmentNumber) -> PerCommitmentSecret {
        self.secret_at(number.secret_index())
    }

    /// The secret at a raw index, which counts down from 2^48 - 1.
    pub fn secret_at(&self, index: u64) -> PerCommitmentSecret {
        PerCommitmentSecret(derive(self.0, INDEX_BITS, index))
    }
}

/// `derive_secret`: from the secret of a prefix to the secret of an index below that prefix.
fn derive(base: [u8; 32], bits: u8, index: u64) -> [u8; 32] {
    let mut secret = base;
    for bit in (0..bits).rev() {
        if index & (1 << bit) != 0 {
            if let Some(byte) = secret.get_mut(usize::from(bit / 8)) {
                *byte ^= 1 << (bit % 8);
            }
            secret = sha256::Hash::hash(&secret).to_byte_array();
        }
    }
    secret
}

/// `where_to_put_secret`: the number of trailing zeros of the index, at most 48.
fn bucket(index: u64) -> u8 {
    u8::try_from(index.trailing_zeros()).map_or(INDEX_BITS, |zeros| zeros.min(INDEX_BITS))
}

/// Why a secret was not taken, or is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// The secret does not derive one that was received before: the peer's secrets are not from
    /// one seed.
    #[error(
        "insert the secret of index {index}: it does not derive the known secret of index {known}"
    )]
    Inconsistent {
        /// The index of the offered secret.
        index: u64,
        /// The index that it should have derived.
        known: u64,
    },
    /// Secrets come in descending order of their index, none left out.
    #[error("insert the secret of index {index}: the next one is {expected}")]
    OutOfOrder {
        /// The index of the offered secret.
        index: u64,
        /// The index that was due.
        expected: u64,
    },
    /// No secret received so far derives this one.
    #[error("derive the secret of index {index}: not received yet")]
    NotReceived {
        /// The wanted index.
        index: u64,
    },
}

/// All secrets that the peer has revealed, in at most 49 entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretStore {
    /// The entry at position b has an index with b trailing zeros.
    known: Vec<(u64, PerCommitmentSecret)>,
    /// How many secrets were inserted.
    received: u64,
}

impl SecretStore {
    /// How many secrets have been received; also the number of the commitment whose secret is due.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Takes the secret that revokes this commitment, after checking that it derives all secrets
    /// below its prefix.
    ///
    /// # Errors
    /// [`SecretError::OutOfOrder`] and [`SecretError::Inconsistent`]; the store is then unchanged.
    pub fn insert(
        &mut self,
        number: CommitmentNumber,
        secret: PerCommitmentSecret,
    ) -> Result<(), SecretError> {
        let index = number.secret_index();
        if number.0 != self.received {
            let expected = CommitmentNumber(self.received).secret_index();
            return Err(SecretError::OutOfOrder { index, expected });
        }
        let position = bucket(index);
        let below = self.known.iter().take(usize::from(position));
        for &(known, known_secret) in below {
            if derive(secret.0, position, known) != known_secret.0 {
                return Err(SecretError::Inconsistent { index, known });
            }
        }
        let position = usize::from(position);
        match self.known.get_mut(position) {
            Some(entry) => *entry = (index, secret),
            // Indices descend one by one, so a new bucket is always the next one.
            None => self.known.push((index, secret)),
        }
        self.received = self.received.saturating_add(1);
        Ok(())
    }

    /// The secret of a revoked commitment (`derive_old_secret`).
    ///
    /// # Errors
    /// [`SecretError::NotReceived`] if that commitment is not revoked.
    pub fn secret(&self, number: CommitmentNumber) -> Result<PerCommitmentSecret, SecretError> {
        let wanted = number.secret_index();
        (0u8..)
            .zip(&self.known)
            .find(|(bits, (index, _))| (wanted >> bits) << bits == *index)
            .map(|(bits, (_, secret))| PerCommitmentSecret(derive(secret.0, bits, wanted)))
            .ok_or(SecretError::NotReceived { index: wanted })
    }

    /// How many entries are stored; at most 49 however many secrets were received.
    pub fn entries(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_received_secret_can_be_derived_again() {
        let seed = CommitmentSeed([7; 32]);
        let mut store = SecretStore::default();
        for n in 0..130 {
            store.insert(CommitmentNumber(n), seed.secret(CommitmentNumber(n))).unwrap();
            for old in 0..=n {
                let number = CommitmentNumber(old);
                assert_eq!(store.secret(number), Ok(seed.secret(number)), "{old} after {n}");
            }
            let next = CommitmentNumber(n + 1);
            assert_eq!(
                store.secret(next),
                Err(SecretError::NotReceived { index: next.secret_index() })
            );
        }
        assert_eq!(store.entries(), 8);
    }

    #[test]
    fn a_secret_out_of_order_is_refused_and_changes_nothing() {
        let seed = CommitmentSeed([7; 32]);
        let mut store = SecretStore::default();
        let skipped = store.insert(CommitmentNumber(1), seed.secret(CommitmentNumber(1)));
        assert!(matches!(skipped, Err(SecretError::OutOfOrder { .. })));
        assert_eq!(store, SecretStore::default());
    }

    #[test]
    fn a_secret_of_another_seed_is_refused() {
        let (seed, other) = (CommitmentSeed([7; 32]), CommitmentSeed([8; 32]));
        let mut store = SecretStore::default();
        store.insert(CommitmentNumber(0), seed.secret(CommitmentNumber(0))).unwrap();
        let refused = store.insert(CommitmentNumber(1), other.secret(CommitmentNumber(1)));
        assert!(matches!(refused, Err(SecretError::Inconsistent { .. })));
        store.insert(CommitmentNumber(1), seed.secret(CommitmentNumber(1))).unwrap();
    }
}

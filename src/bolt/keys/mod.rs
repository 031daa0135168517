//! Keys: basepoints, the keys that each commitment transaction derives from them, and the
//! per-commitment secrets that revoke it. BOLT 3, "Keys".

mod basepoints;
mod derivation;
mod per_commitment;

pub use basepoints::{BasepointSecrets, Basepoints};
pub use derivation::{
    derive_private_key, derive_public_key, derive_revocation_private_key,
    derive_revocation_public_key,
};
pub use per_commitment::{CommitmentSeed, PerCommitmentSecret, SecretError, SecretStore};

use thiserror::Error;

/// A derived key that does not exist: the tweak is the key's exact negation. It takes about 2^128
/// tries to meet one; a peer that shows one has not followed BOLT 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("derive a key: {0}")]
pub struct KeyError(#[from] secp256k1::Error);

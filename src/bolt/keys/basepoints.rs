//! The four basepoints that each side fixes for a channel's whole life.

use secp256k1::{PublicKey, SECP256K1, SecretKey};
use serde::{Deserialize, Serialize};

/// One side's basepoints, as `open_channel` and `accept_channel` carry them (BOLT 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basepoints {
    /// With the other side's per-commitment point it gives the `revocationpubkey`.
    pub revocation: PublicKey,
    /// The `remotepubkey` of the other side's commitment transactions, unchanged.
    pub payment: PublicKey,
    /// Gives the `local_delayedpubkey`.
    pub delayed_payment: PublicKey,
    /// Gives the `local_htlcpubkey` and the `remote_htlcpubkey`.
    pub htlc: PublicKey,
}

/// The secrets behind [`Basepoints`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasepointSecrets {
    /// The secret of `revocation_basepoint`.
    pub revocation: SecretKey,
    /// The secret of `payment_basepoint`.
    pub payment: SecretKey,
    /// The secret of `delayed_payment_basepoint`.
    pub delayed_payment: SecretKey,
    /// The secret of `htlc_basepoint`.
    pub htlc: SecretKey,
}

impl BasepointSecrets {
    /// The points that the other side may know.
    pub fn public(&self) -> Basepoints {
        let point = |secret: &SecretKey| secret.public_key(SECP256K1);
        Basepoints {
            revocation: point(&self.revocation),
            payment: point(&self.payment),
            delayed_payment: point(&self.delayed_payment),
            htlc: point(&self.htlc),
        }
    }
}

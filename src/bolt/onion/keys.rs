//! The keys that an onion's sender and one of its hops share. BOLT 4, "Shared Secret", "Key
//! Generation" and "Pseudo Random Byte Stream".

use std::fmt;
use std::sync::LazyLock;

use bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
use bitcoin::hex::DisplayHex;
use chacha20::ChaCha20;
use chacha20::cipher::KeyIvInit;
use secp256k1::{PublicKey, Scalar, SecretKey, ecdh};
use serde::{Deserialize, Serialize};

use crate::bolt::hex_bytes;

/// What a sender and one hop both know and nobody else: SHA256 of their Diffie-Hellman point.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SharedSecret(#[serde(with = "hex_bytes")] pub [u8; 32]);

impl SharedSecret {
    /// From one side's point and the other side's secret; both ways round give the same.
    pub fn new(point: &PublicKey, secret: &SecretKey) -> Self {
        Self(ecdh::SharedSecret::new(point, secret).secret_bytes())
    }

    /// The key for this purpose.
    pub fn key(&self, purpose: Purpose) -> [u8; 32] {
        let mut engine = purpose.engine().clone();
        engine.input(&self.0);
        Hmac::<sha256::Hash>::from_engine(engine).to_byte_array()
    }

    /// SHA256 of the point and the secret: what both are multiplied with to get the next pair.
    /// BOLT 4, "Blinding Ephemeral Onion Keys". `None` for a hash that is no scalar, which takes
    /// about 2^128 tries to meet.
    pub(super) fn blinding_factor(&self, point: &[u8; 33]) -> Option<Scalar> {
        let mut engine = sha256::Hash::engine();
        engine.input(point);
        engine.input(&self.0);
        Scalar::from_be_bytes(sha256::Hash::from_engine(engine).to_byte_array()).ok()
    }

    /// The pseudo-random stream of this purpose, from its beginning.
    pub(super) fn stream(&self, purpose: Purpose) -> ChaCha20 {
        ChaCha20::new(&self.key(purpose).into(), &[0; 12].into())
    }

    /// An HMAC with the key of this purpose.
    pub(super) fn hmac(&self, purpose: Purpose) -> HmacEngine<sha256::Hash> {
        HmacEngine::new(&self.key(purpose))
    }
}

impl fmt::Display for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hex(), f)
    }
}

/// This is a lab: the secret is shown.
impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedSecret({self})")
    }
}

/// The HMAC of what was put in.
pub(super) fn finish(engine: HmacEngine<sha256::Hash>) -> [u8; 32] {
    Hmac::<sha256::Hash>::from_engine(engine).to_byte_array()
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident $key_type:literal)*) => {
        /// What a key is for; each has its key type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Purpose {
            $($(#[$doc])* $name,)*
        }

        impl Purpose {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The key type: what the HMAC that makes the key is keyed with.
            pub const fn key_type(self) -> &'static str {
                match self {
                    $(Self::$name => $key_type,)*
                }
            }

            /// The HMAC that makes such keys. It is keyed once: that is half of its work.
            fn engine(self) -> &'static HmacEngine<sha256::Hash> {
                type Keyed = LazyLock<HmacEngine<sha256::Hash>>;
                match self {
                    $(Self::$name => {
                        static KEYED: Keyed =
                            Keyed::new(|| HmacEngine::new($key_type.as_bytes()));
                        &KEYED
                    })*
                }
            }
        }
    };
}

purposes! {
    /// Hides the payloads of an onion, and the data of a blinded path.
    Rho "rho"
    /// Authenticates an onion.
    Mu "mu"
    /// Authenticates a failure on its way back.
    Um "um"
    /// Fills an onion's unused end.
    Pad "pad"
    /// Hides a failure on its way back.
    Ammag "ammag"
    /// Hides the attribution data beside it.
    Ammagext "ammagext"
    /// Blinds a node's id.
    BlindedNodeId "blinded_node_id"
}

#[cfg(test)]
mod tests {
    use secp256k1::SECP256K1;

    use super::*;

    #[test]
    fn both_sides_have_the_same_secret_and_each_purpose_its_own_key() {
        let [ours, theirs] = [1, 2].map(|byte| SecretKey::from_slice(&[byte; 32]).unwrap());
        let shared = SharedSecret::new(&theirs.public_key(SECP256K1), &ours);
        assert_eq!(shared, SharedSecret::new(&ours.public_key(SECP256K1), &theirs));
        let mut keys: Vec<_> = Purpose::ALL.iter().map(|purpose| shared.key(*purpose)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 7);
        let mut plain = HmacEngine::<sha256::Hash>::new(b"ammagext");
        plain.input(&shared.0);
        assert_eq!(shared.key(Purpose::Ammagext), finish(plain));
    }
}

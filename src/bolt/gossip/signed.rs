//! What is signed of an announcement, and by whom. BOLT 7.
//!
//! ```text
//! channel_announcement   signature × 4 | everything behind them, signed four times
//! node_announcement      signature     | everything behind it
//! channel_update         signature     | everything behind it
//! ```
//!
//! What is behind the signatures includes records that nobody here knows.

use bitcoin::hashes::{Hash, sha256d};
use secp256k1::ecdsa::Signature;
use secp256k1::{Message as Digest, PublicKey, SECP256K1, SecretKey};

use crate::bolt::wire::UncheckedPoint;
use crate::bolt::wire::messages::{ChannelAnnouncement, ChannelUpdate, NodeAnnouncement};

/// The bytes of a signature on the wire.
const SIGNATURE: usize = 64;
/// The signatures that a `channel_announcement` begins with.
const FOUR_SIGNATURES: usize = 4 * SIGNATURE;

/// Double SHA256 of all that follows the signatures.
fn digest(payload: &[u8], signatures: usize) -> Digest {
    let signed = payload.get(signatures..).unwrap_or_default();
    Digest::from_digest(sha256d::Hash::hash(signed).to_byte_array())
}

/// A signature that is still to be made.
pub(super) fn unsigned() -> Option<Signature> {
    Signature::from_compact(&[1; SIGNATURE]).ok()
}

/// The four keys of a `channel_announcement`, each a point on the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnnouncedKeys {
    /// `node_id_1` and `node_id_2`.
    pub nodes: [PublicKey; 2],
    /// `bitcoin_key_1` and `bitcoin_key_2`.
    pub bitcoin: [PublicKey; 2],
}

/// One of the signatures of a `channel_announcement`, as the BOLT calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureName {
    /// `node_signature_1`.
    Node1,
    /// `node_signature_2`.
    Node2,
    /// `bitcoin_signature_1`.
    Bitcoin1,
    /// `bitcoin_signature_2`.
    Bitcoin2,
}

impl SignatureName {
    /// The field of the message.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node1 => "node_signature_1",
            Self::Node2 => "node_signature_2",
            Self::Bitcoin1 => "bitcoin_signature_1",
            Self::Bitcoin2 => "bitcoin_signature_2",
        }
    }
}

impl UncheckedPoint {
    /// The point, or `None` if the bytes are no compressed point on the curve.
    pub fn check(&self) -> Option<PublicKey> {
        PublicKey::from_slice(&self.0).ok()
    }
}

impl From<[u8; 33]> for UncheckedPoint {
    fn from(bytes: [u8; 33]) -> Self {
        Self(bytes)
    }
}

impl From<PublicKey> for UncheckedPoint {
    fn from(key: PublicKey) -> Self {
        Self(key.serialize())
    }
}

impl ChannelAnnouncement {
    /// The hash `h` that all four signatures sign. BOLT 7, "The `channel_announcement` Message".
    pub fn digest(&self) -> Digest {
        digest(&self.payload(), FOUR_SIGNATURES)
    }

    /// Signs as the node and as the owner of the funding key: `node_signature` and
    /// `bitcoin_signature` of one side.
    pub fn sign(&self, node: &SecretKey, funding: &SecretKey) -> (Signature, Signature) {
        let digest = self.digest();
        (SECP256K1.sign_ecdsa(&digest, node), SECP256K1.sign_ecdsa(&digest, funding))
    }

    /// The first signature that is not by its key.
    pub fn wrong_signature(&self, keys: &AnnouncedKeys) -> Option<SignatureName> {
        let digest = self.digest();
        let [node_1, node_2] = &keys.nodes;
        let [bitcoin_1, bitcoin_2] = &keys.bitcoin;
        let signed = [
            (SignatureName::Node1, &self.node_signature_1, node_1),
            (SignatureName::Node2, &self.node_signature_2, node_2),
            (SignatureName::Bitcoin1, &self.bitcoin_signature_1, bitcoin_1),
            (SignatureName::Bitcoin2, &self.bitcoin_signature_2, bitcoin_2),
        ];
        let wrong = signed
            .into_iter()
            .find(|(_, signature, key)| SECP256K1.verify_ecdsa(&digest, signature, key).is_err());
        wrong.map(|(name, ..)| name)
    }

    /// The signature of this name.
    pub fn signature_mut(&mut self, name: SignatureName) -> &mut Signature {
        match name {
            SignatureName::Node1 => &mut self.node_signature_1,
            SignatureName::Node2 => &mut self.node_signature_2,
            SignatureName::Bitcoin1 => &mut self.bitcoin_signature_1,
            SignatureName::Bitcoin2 => &mut self.bitcoin_signature_2,
        }
    }

    /// Whether it names the nodes and the funding keys that another one names.
    pub fn names_the_same_as(&self, other: &Self) -> bool {
        self.node_ids() == other.node_ids()
            && (self.bitcoin_key_1, self.bitcoin_key_2)
                == (other.bitcoin_key_1, other.bitcoin_key_2)
    }

    /// `node_id_1` and `node_id_2`.
    pub fn node_ids(&self) -> [UncheckedPoint; 2] {
        [self.node_id_1, self.node_id_2]
    }
}

macro_rules! signed_by_one {
    ($($message:ident),*) => {$(
        impl $message {
            /// The hash that its signature signs: of all that follows it. BOLT 7.
            pub fn digest(&self) -> Digest {
                digest(&self.payload(), SIGNATURE)
            }

            /// The same message with this node's signature.
            #[must_use]
            pub fn signed(mut self, node: &SecretKey) -> Self {
                self.signature = SECP256K1.sign_ecdsa(&self.digest(), node);
                self
            }

            /// Whether it is signed by this node.
            pub fn is_signed_by(&self, node: &PublicKey) -> bool {
                SECP256K1.verify_ecdsa(&self.digest(), &self.signature, node).is_ok()
            }
        }
    )*};
}
signed_by_one!(NodeAnnouncement, ChannelUpdate);

//! Names of nodes, and where they lie in the address space.

use std::fmt;

use bitcoin::hashes::{Hash, sha256};
use secp256k1::PublicKey;

/// How a node is named: by its public key in a real network, by anything in a simulated one.
pub trait Name: Copy + Ord + fmt::Debug {
    /// Where the node lies in the address space.
    fn address(&self) -> Address;
    /// The name as it is written in a message: as long as a public key.
    fn bytes(&self) -> [u8; 33];
    /// Reads what [`Name::bytes`] wrote; `None` if it names no node.
    fn from_bytes(bytes: [u8; 33]) -> Option<Self>;
}

/// A node's place in the address space: the SHA256 of its public key, so that nobody chooses
/// neighbours without a search for keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 32]);

/// How far two addresses lie apart: their exclusive or, as a number with its first byte foremost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Distance([u8; 32]);

impl Address {
    /// The distance to another address; zero only to itself.
    #[must_use]
    pub fn distance(&self, other: &Self) -> Distance {
        let mut apart = self.0;
        for (byte, theirs) in apart.iter_mut().zip(other.0) {
            *byte ^= theirs;
        }
        Distance(apart)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A node by its public key in compressed form, which is checked when it is used and not before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub [u8; 33]);

impl From<PublicKey> for NodeId {
    fn from(key: PublicKey) -> Self {
        Self(key.serialize())
    }
}

impl NodeId {
    /// The public key, or `None` if these bytes are none.
    pub fn public_key(&self) -> Option<PublicKey> {
        PublicKey::from_slice(&self.0).ok()
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(5).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Name for NodeId {
    fn address(&self) -> Address {
        Address(sha256::Hash::hash(&self.0).to_byte_array())
    }

    fn bytes(&self) -> [u8; 33] {
        self.0
    }

    fn from_bytes(bytes: [u8; 33]) -> Option<Self> {
        matches!(bytes, [2 | 3, ..]).then_some(Self(bytes))
    }
}

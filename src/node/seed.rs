//! All randomness of a node, from one seed.

use bitcoin::hashes::{Hash, HashEngine, sha256};
use secp256k1::SecretKey;

use crate::bolt::channel::ChannelSecrets;
use crate::bolt::keys::{BasepointSecrets, CommitmentSeed};

/// What all secrets of a node are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The seed of a role: the same in every run of its scenario.
    pub fn derive(scenario: &str, role: &str) -> Self {
        let mut engine = sha256::Hash::engine();
        for part in ["boltlab node seed", scenario, role] {
            engine.input(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            engine.input(part.as_bytes());
        }
        Self(sha256::Hash::from_engine(engine).to_byte_array())
    }

    /// 32 bytes for this use, number `index` of its kind.
    pub fn bytes(&self, label: &str, index: u64) -> [u8; 32] {
        let mut engine = sha256::Hash::engine();
        engine.input(&self.0);
        engine.input(&index.to_be_bytes());
        engine.input(label.as_bytes());
        sha256::Hash::from_engine(engine).to_byte_array()
    }

    /// A private key for this use.
    pub fn key(&self, label: &str, index: u64) -> SecretKey {
        let mut bytes = self.bytes(label, index);
        loop {
            // A hash that is no private key turns up once in 2^128 times; the next one will do.
            match SecretKey::from_slice(&bytes) {
                Ok(key) => return key,
                Err(_) => bytes = sha256::Hash::hash(&bytes).to_byte_array(),
            }
        }
    }

    /// The secret of the node's id.
    pub fn node_secret(&self) -> SecretKey {
        self.key("node", 0)
    }

    /// The secrets of a node's channel number `index`.
    pub fn channel(&self, index: u64) -> ChannelSecrets {
        ChannelSecrets {
            funding: self.key("funding", index),
            basepoints: BasepointSecrets {
                revocation: self.key("revocation", index),
                payment: self.key("payment", index),
                delayed_payment: self.key("delayed_payment", index),
                htlc: self.key("htlc", index),
            },
            seed: CommitmentSeed(self.bytes("commitment seed", index)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ_by_scenario_and_role_wherever_the_boundary_lies() {
        let seed = Seed::derive("breach", "alice");
        assert_eq!(seed, Seed::derive("breach", "alice"));
        assert_ne!(seed, Seed::derive("breach", "bob"));
        assert_ne!(Seed::derive("ab", "c"), Seed::derive("a", "bc"));
        assert_ne!(seed.channel(0).funding, seed.channel(1).funding);
    }
}

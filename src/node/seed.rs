//! All randomness of a node, from one seed.

use bitcoin::hashes::{Hash, HashEngine, sha256};
use secp256k1::SecretKey;

use super::ChannelHandle;
use crate::bolt::channel::ChannelSecrets;
use crate::bolt::keys::{BasepointSecrets, CommitmentSeed};
use crate::bolt::units::ShortChannelId;

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

    /// The alias of a channel: in a block that no chain has for centuries, so that it is nobody's
    /// `short_channel_id`.
    pub fn alias(&self, channel: &ChannelHandle) -> ShortChannelId {
        const UNREACHED_BLOCK: u64 = 0xf0_0000;
        let mut engine = sha256::Hash::engine();
        engine.input(&self.bytes("alias", 0));
        engine.input(&channel.0);
        let hash = sha256::Hash::from_engine(engine).to_byte_array();
        let random = hash.first_chunk().copied().map_or(0, u64::from_be_bytes);
        ShortChannelId(random | (UNREACHED_BLOCK << 40))
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
    use crate::bolt::wire::ChannelId;

    #[test]
    fn seeds_differ_by_scenario_and_role_wherever_the_boundary_lies() {
        let seed = Seed::derive("breach", "alice");
        assert_eq!(seed, Seed::derive("breach", "alice"));
        assert_ne!(seed, Seed::derive("breach", "bob"));
        assert_ne!(Seed::derive("ab", "c"), Seed::derive("a", "bc"));
        assert_ne!(seed.channel(0).funding, seed.channel(1).funding);
    }

    #[test]
    fn aliases_differ_and_are_in_blocks_that_there_are_not() {
        let seed = Seed::derive("breach", "alice");
        let [one, other] = [1, 2].map(|byte| seed.alias(&ChannelId([byte; 32])));
        assert_ne!(one, other);
        assert_ne!(one, Seed::derive("breach", "bob").alias(&ChannelId([1; 32])));
        for alias in [one, other] {
            assert!(alias.block() >= 0xf0_0000, "{alias}");
        }
    }
}

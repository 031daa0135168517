//! Values that are the same in each run.

use bitcoin::hashes::{Hash, sha256};
use secp256k1::{PublicKey, SECP256K1, SecretKey};

/// Hashes of a seed and a counter.
pub struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    /// The values of this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let both = [self.seed.to_be_bytes(), self.drawn.to_be_bytes()].concat();
        sha256::Hash::hash(&both).to_byte_array()
    }

    /// A number below this one.
    pub fn below(&mut self, end: u64) -> u64 {
        let [a, b, c, d, ..] = self.bytes();
        u64::from(u32::from_be_bytes([a, b, c, d])) % end
    }

    /// A secret key.
    pub fn secret(&mut self) -> SecretKey {
        SecretKey::from_slice(&self.bytes()).expect("a hash that is no key is out of reach")
    }

    /// A public key.
    pub fn point(&mut self) -> PublicKey {
        self.secret().public_key(SECP256K1)
    }
}

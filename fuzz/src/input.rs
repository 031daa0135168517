//! Values drawn from the bytes that a target is given, and from fixed keys.

use secp256k1::{PublicKey, SECP256K1, SecretKey};

/// The rest of a target's bytes. Whatever is drawn beyond their end is zero.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    /// The next two, as a number.
    pub(crate) fn number(&mut self) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()]))
    }

    /// So many bytes, or those that are left.
    pub(crate) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Changes one bit, and says which byte it is in.
    pub(crate) fn flip_one(&mut self, bytes: &mut [u8]) -> usize {
        let at = self.number() % bytes.len();
        bytes[at] ^= 1 << (self.byte() % 8);
        at
    }
}

/// A fixed key.
pub(crate) fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).expect("few bytes repeated make no key")
}

/// Its public key.
pub(crate) fn point(byte: u8) -> PublicKey {
    secret(byte).public_key(SECP256K1)
}

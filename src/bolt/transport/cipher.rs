//! `HKDF`, `encryptWithAD` and `decryptWithAD`, and a key that is rotated. BOLT 8, "Handshake State"
//! and "Lightning Message Key Rotation".

use std::fmt;

use bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};

use crate::bolt::aead;
pub(super) use crate::bolt::aead::MAC_LENGTH;

/// After so many uses a key is replaced: a message takes two.
const USES_OF_A_KEY: u64 = 1000;

/// A key, or what keys are made from. It is for those who compute with it, so [`fmt::Debug`] keeps
/// it.
#[derive(Clone, Copy)]
pub struct Secret(pub [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// RFC 5869 with no `info`, both halves of its 64 bytes.
pub(super) fn hkdf(salt: &Secret, input: &[u8]) -> (Secret, Secret) {
    let extracted = hmac(&HmacEngine::new(&salt.0), &[input]);
    let expand = HmacEngine::new(&extracted);
    let first = hmac(&expand, &[&[1]]);
    let second = hmac(&expand, &[&first, &[2]]);
    (Secret(first), Secret(second))
}

fn hmac(keyed: &HmacEngine<sha256::Hash>, parts: &[&[u8]]) -> [u8; 32] {
    let mut engine = keyed.clone();
    for part in parts {
        engine.input(part);
    }
    Hmac::from_engine(engine).to_byte_array()
}

/// `encryptWithAD`, in place: returns the MAC.
pub(super) fn encrypt(key: &Secret, nonce: u64, ad: &[u8], text: &mut [u8]) -> [u8; MAC_LENGTH] {
    // Nothing here has more than 65,535 bytes, so it is never too long.
    aead::encrypt(&key.0, nonce, ad, text).unwrap_or_default()
}

/// `decryptWithAD`, in place; `None` if the MAC is another one.
pub(super) fn decrypt(
    key: &Secret,
    nonce: u64,
    ad: &[u8],
    text: &mut [u8],
    mac: &[u8; MAC_LENGTH],
) -> Option<()> {
    aead::decrypt(&key.0, nonce, ad, text, mac)
}

/// The key of one direction: it counts its uses and is replaced after 1000 of them.
#[derive(Clone, Debug)]
pub struct CipherKey {
    key: Secret,
    chaining_key: Secret,
    nonce: u64,
}

impl CipherKey {
    pub(super) fn new(key: Secret, chaining_key: Secret) -> Self {
        Self { key, chaining_key, nonce: 0 }
    }

    /// The key for the next use: `sk` or `rk`.
    pub fn key(&self) -> &Secret {
        &self.key
    }

    /// What the next key is made with: `sck` or `rck`.
    pub fn chaining_key(&self) -> &Secret {
        &self.chaining_key
    }

    /// Appends the text, encrypted, and its MAC.
    pub(super) fn seal_onto(&mut self, text: &[u8], sealed: &mut Vec<u8>) {
        let start = sealed.len();
        sealed.extend_from_slice(text);
        let mac = encrypt(&self.key, self.nonce, &[], sealed.split_at_mut(start).1);
        sealed.extend_from_slice(&mac);
        self.count();
    }

    /// Decrypts where the text lies; `None` if the MAC is another one.
    pub(super) fn open(&mut self, text: &mut [u8], mac: &[u8; MAC_LENGTH]) -> Option<()> {
        decrypt(&self.key, self.nonce, &[], text, mac)?;
        self.count();
        Some(())
    }

    fn count(&mut self) {
        self.nonce = self.nonce.saturating_add(1);
        if self.nonce == USES_OF_A_KEY {
            (self.chaining_key, self.key) = hkdf(&self.chaining_key, &self.key.0);
            self.nonce = 0;
        }
    }
}

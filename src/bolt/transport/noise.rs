//! What both sides of a handshake compute alike. BOLT 8, "Handshake State".

use bitcoin::hashes::{Hash, HashEngine, sha256};
use secp256k1::{PublicKey, SecretKey, ecdh};

use super::cipher::{MAC_LENGTH, Secret, decrypt, encrypt, hkdf};

const PROTOCOL_NAME: &[u8] = b"Noise_XK_secp256k1_ChaChaPoly_SHA256";
const PROLOGUE: &[u8] = b"lightning";

/// What one act made of the keys, step by step: to compare with another implementation's.
#[derive(Clone, Copy, Debug)]
pub struct ActSecrets {
    /// `h` that the act's last MAC authenticates.
    pub authenticated: [u8; 32],
    /// `ck` before.
    pub salt: Secret,
    /// `es`, `ee` or `se`.
    pub shared_secret: Secret,
    /// `ck` behind.
    pub chaining_key: Secret,
    /// `temp_k1`, `temp_k2` or `temp_k3`.
    pub temporary_key: Secret,
    /// `h` behind.
    pub hash: [u8; 32],
}

/// The keys of a session, as one of its ends sees them.
#[derive(Clone, Copy, Debug)]
pub struct SessionKeys {
    /// `ck`, which both directions begin with.
    pub chaining_key: Secret,
    /// `sk`.
    pub sending: Secret,
    /// `rk`.
    pub receiving: Secret,
}

impl SessionKeys {
    /// The initiator's, from the last chaining key.
    pub fn of_initiator(chaining_key: Secret) -> Self {
        let (sending, receiving) = hkdf(&chaining_key, &[]);
        Self { chaining_key, sending, receiving }
    }

    /// The other end's.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { sending: self.receiving, receiving: self.sending, ..self }
    }
}

/// `ck`, `h` and `temp_k`.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    pub(super) chaining_key: Secret,
    hash: [u8; 32],
    temporary_key: Secret,
    pub(super) acts: Vec<ActSecrets>,
}

impl Noise {
    pub(super) fn new(responder_static: &PublicKey) -> Self {
        let hash = sha256::Hash::hash(PROTOCOL_NAME).to_byte_array();
        let (chaining_key, temporary_key) = (Secret(hash), Secret([0; 32]));
        let mut noise = Self { chaining_key, hash, temporary_key, acts: Vec::with_capacity(3) };
        noise.mix_hash(PROLOGUE);
        noise.mix_hash(&responder_static.serialize());
        noise
    }

    /// `h = SHA-256(h || data)`.
    pub(super) fn mix_hash(&mut self, data: &[u8]) {
        let mut engine = sha256::Hash::engine();
        engine.input(&self.hash);
        engine.input(data);
        self.hash = sha256::Hash::from_engine(engine).to_byte_array();
    }

    /// Ends an act of ours: mixes in what both share, and authenticates all that was said.
    pub(super) fn seal_act(&mut self, secret: &SecretKey, point: &PublicKey) -> [u8; MAC_LENGTH] {
        let act = self.agree(secret, point);
        let mac = encrypt(&act.temporary_key, 0, &self.hash, &mut []);
        self.finish(act, &mac);
        mac
    }

    /// Ends an act of theirs; `None` if its MAC is another one.
    pub(super) fn open_act(
        &mut self,
        secret: &SecretKey,
        point: &PublicKey,
        mac: &[u8; MAC_LENGTH],
    ) -> Option<()> {
        let act = self.agree(secret, point);
        decrypt(&act.temporary_key, 0, &self.hash, &mut [], mac)?;
        self.finish(act, mac);
        Some(())
    }

    /// `ck, temp_k = HKDF(ck, ECDH(secret, point))`.
    fn agree(&self, secret: &SecretKey, point: &PublicKey) -> ActSecrets {
        let shared_secret = Secret(ecdh::SharedSecret::new(point, secret).secret_bytes());
        let (chaining_key, temporary_key) = hkdf(&self.chaining_key, &shared_secret.0);
        let (authenticated, salt, hash) = (self.hash, self.chaining_key, self.hash);
        ActSecrets { authenticated, salt, shared_secret, chaining_key, temporary_key, hash }
    }

    fn finish(&mut self, act: ActSecrets, mac: &[u8; MAC_LENGTH]) {
        self.mix_hash(mac);
        (self.chaining_key, self.temporary_key) = (act.chaining_key, act.temporary_key);
        self.acts.push(ActSecrets { hash: self.hash, ..act });
    }

    /// Encrypts the initiator's static key with the key of act two, which is used a second time.
    pub(super) fn seal_key(&mut self, mut sealed: [u8; 33]) -> ([u8; 33], [u8; MAC_LENGTH]) {
        let mac = encrypt(&self.temporary_key, 1, &self.hash, &mut sealed);
        self.mix_sealed(&sealed, &mac);
        (sealed, mac)
    }

    /// The other side of [`Noise::seal_key`]; `None` if the MAC is another one.
    pub(super) fn open_key(
        &mut self,
        sealed: &[u8; 33],
        mac: &[u8; MAC_LENGTH],
    ) -> Option<[u8; 33]> {
        let mut key = *sealed;
        decrypt(&self.temporary_key, 1, &self.hash, &mut key, mac)?;
        self.mix_sealed(sealed, mac);
        Some(key)
    }

    /// `h = SHA-256(h || c)`, where `c` is the text with its MAC.
    fn mix_sealed(&mut self, sealed: &[u8; 33], mac: &[u8; MAC_LENGTH]) {
        self.mix_hash(&[&sealed[..], &mac[..]].concat());
    }
}

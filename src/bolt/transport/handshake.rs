//! The three acts, for both sides. BOLT 8, "Handshake Exchange".
//!
//! Each state is given away for the next, so no act can be sent or taken twice.

use secp256k1::{Keypair, PublicKey, SECP256K1, SecretKey};
use thiserror::Error;

use super::frame::Session;
use super::noise::{ActSecrets, Noise, SessionKeys};

/// The initiator's ephemeral key and a MAC.
pub const ACT_ONE_LENGTH: usize = 50;
/// The responder's ephemeral key and a MAC.
pub const ACT_TWO_LENGTH: usize = 50;
/// The initiator's static key, encrypted, its MAC, and another one.
pub const ACT_THREE_LENGTH: usize = 66;
/// Every act begins with it.
const VERSION: u8 = 0;

/// Why an act of the other side ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// The stream ended within the act.
    #[error("read act {act}: {actual} bytes, not {expected}")]
    Length {
        /// The act, from 1.
        act: u8,
        /// The act's length.
        expected: usize,
        /// How many bytes there were.
        actual: usize,
    },
    /// A handshake that is not known here.
    #[error("read act {act}: version {version} is not known")]
    Version {
        /// The act, from 1.
        act: u8,
        /// Its first byte.
        version: u8,
    },
    /// A key that is no point on the curve.
    #[error("read act {act}: its key is not on the curve")]
    InvalidPoint {
        /// The act, from 1.
        act: u8,
    },
    /// The act was changed, or it is for another key.
    #[error("read act {act}: its MAC does not fit: another key or a change")]
    Mac {
        /// The act, from 1.
        act: u8,
    },
}

impl HandshakeError {
    /// The act that it came with, from 1.
    pub const fn act(self) -> u8 {
        match self {
            Self::Length { act, .. }
            | Self::Version { act, .. }
            | Self::InvalidPoint { act }
            | Self::Mac { act } => act,
        }
    }
}

/// An act as it was read from a stream, if it is whole.
///
/// # Errors
/// [`HandshakeError::Length`].
pub fn whole_act<const N: usize>(act: u8, bytes: &[u8]) -> Result<&[u8; N], HandshakeError> {
    let error = HandshakeError::Length { act, expected: N, actual: bytes.len() };
    bytes.try_into().map_err(|_| error)
}

/// All that a handshake came to: the keys of its session and every value on the way to them.
#[derive(Clone, Debug)]
pub struct Derived {
    /// What each act added, the first one first.
    pub acts: Vec<ActSecrets>,
    /// What it was for.
    pub keys: SessionKeys,
}

/// Whoever connects. It has sent act one.
#[derive(Debug)]
pub struct Initiator {
    pub(super) noise: Noise,
    local_static: Keypair,
    ephemeral: SecretKey,
}

impl Initiator {
    /// Begins a handshake with the node of this key; the ephemeral secret must be a new one each
    /// time. Returns act one.
    pub fn start(
        local_static: &Keypair,
        ephemeral: &SecretKey,
        remote_static: &PublicKey,
    ) -> (Self, [u8; ACT_ONE_LENGTH]) {
        let mut noise = Noise::new(remote_static);
        let act = write_key_act(&mut noise, ephemeral, remote_static);
        (Self { noise, local_static: *local_static, ephemeral: *ephemeral }, act)
    }

    /// Takes act two. Returns the session and act three, which the responder needs to have one.
    ///
    /// # Errors
    /// [`HandshakeError`]; the connection is to be closed without a word.
    pub fn receive_act_two(
        self,
        act: &[u8; ACT_TWO_LENGTH],
    ) -> Result<(Session, [u8; ACT_THREE_LENGTH]), HandshakeError> {
        let (derived, act) = self.derive(act)?;
        Ok((Session::new(&derived.keys), act))
    }

    /// As [`receive_act_two`](Self::receive_act_two), with all values instead of the session.
    ///
    /// # Errors
    /// The same.
    pub fn derive(
        self,
        act: &[u8; ACT_TWO_LENGTH],
    ) -> Result<(Derived, [u8; ACT_THREE_LENGTH]), HandshakeError> {
        let Self { mut noise, local_static, ephemeral } = self;
        let remote_ephemeral = read_key_act(&mut noise, &ephemeral, 2, act)?;
        let (key, key_mac) = noise.seal_key(local_static.public_key().serialize());
        let mac = noise.seal_act(&local_static.secret_key(), &remote_ephemeral);
        let act = joined(&[&[VERSION], &key, &key_mac, &mac]);
        let keys = SessionKeys::of_initiator(noise.chaining_key);
        Ok((Derived { acts: noise.acts, keys }, act))
    }
}

/// Whoever is connected to. It waits for act one.
#[derive(Debug)]
pub struct Responder {
    noise: Noise,
    local_static: Keypair,
    ephemeral: SecretKey,
}

impl Responder {
    /// Awaits an initiator who knows this node's key; the ephemeral secret must be a new one each
    /// time.
    pub fn new(local_static: &Keypair, ephemeral: &SecretKey) -> Self {
        let noise = Noise::new(&local_static.public_key());
        Self { noise, local_static: *local_static, ephemeral: *ephemeral }
    }

    /// Takes act one. Returns act two.
    ///
    /// # Errors
    /// [`HandshakeError`]; the connection is to be closed without a word.
    pub fn receive_act_one(
        self,
        act: &[u8; ACT_ONE_LENGTH],
    ) -> Result<(AwaitingActThree, [u8; ACT_TWO_LENGTH]), HandshakeError> {
        let Self { mut noise, local_static, ephemeral } = self;
        let remote_ephemeral = read_key_act(&mut noise, &local_static.secret_key(), 1, act)?;
        let act = write_key_act(&mut noise, &ephemeral, &remote_ephemeral);
        Ok((AwaitingActThree { noise, ephemeral }, act))
    }
}

/// A responder that has sent act two and learns in act three whom it talks to.
#[derive(Debug)]
pub struct AwaitingActThree {
    noise: Noise,
    ephemeral: SecretKey,
}

impl AwaitingActThree {
    /// Takes act three. Returns the session and the initiator's static key.
    ///
    /// # Errors
    /// [`HandshakeError`]; the connection is to be closed without a word.
    pub fn receive_act_three(
        self,
        act: &[u8; ACT_THREE_LENGTH],
    ) -> Result<(Session, PublicKey), HandshakeError> {
        let (derived, remote_static) = self.derive(act)?;
        Ok((Session::new(&derived.keys), remote_static))
    }

    /// As [`receive_act_three`](Self::receive_act_three), with all values instead of the session.
    ///
    /// # Errors
    /// The same.
    pub fn derive(
        self,
        act: &[u8; ACT_THREE_LENGTH],
    ) -> Result<(Derived, PublicKey), HandshakeError> {
        let Self { mut noise, ephemeral } = self;
        let mut rest = read_version(3, act)?;
        let key = take(3, &mut rest)?;
        let key_mac = take(3, &mut rest)?;
        let mac = take(3, &mut rest)?;
        let key = noise.open_key(&key, &key_mac).ok_or(HandshakeError::Mac { act: 3 })?;
        let remote_static = point(3, &key)?;
        noise.open_act(&ephemeral, &remote_static, &mac).ok_or(HandshakeError::Mac { act: 3 })?;
        let keys = SessionKeys::of_initiator(noise.chaining_key).reversed();
        Ok((Derived { acts: noise.acts, keys }, remote_static))
    }
}

/// Acts one and two: an ephemeral key, and what it shares with a key of the other side.
fn write_key_act<const N: usize>(
    noise: &mut Noise,
    ephemeral: &SecretKey,
    remote: &PublicKey,
) -> [u8; N] {
    let key = ephemeral.public_key(SECP256K1).serialize();
    noise.mix_hash(&key);
    let mac = noise.seal_act(ephemeral, remote);
    joined(&[&[VERSION], &key, &mac])
}

/// The other side of [`write_key_act`]: returns the ephemeral key.
pub(super) fn read_key_act(
    noise: &mut Noise,
    secret: &SecretKey,
    act: u8,
    bytes: &[u8],
) -> Result<PublicKey, HandshakeError> {
    let mut rest = read_version(act, bytes)?;
    let key = take(act, &mut rest)?;
    let mac = take(act, &mut rest)?;
    let remote = point(act, &key)?;
    noise.mix_hash(&key);
    noise.open_act(secret, &remote, &mac).ok_or(HandshakeError::Mac { act })?;
    Ok(remote)
}

fn read_version(act: u8, mut bytes: &[u8]) -> Result<&[u8], HandshakeError> {
    let [version] = take(act, &mut bytes)?;
    if version == VERSION { Ok(bytes) } else { Err(HandshakeError::Version { act, version }) }
}

fn point(act: u8, key: &[u8; 33]) -> Result<PublicKey, HandshakeError> {
    PublicKey::from_slice(key).map_err(|_| HandshakeError::InvalidPoint { act })
}

/// The next part of an act. Acts have fixed lengths, so it is there.
fn take<const N: usize>(act: u8, bytes: &mut &[u8]) -> Result<[u8; N], HandshakeError> {
    let error = HandshakeError::Length { act, expected: N, actual: bytes.len() };
    let (part, rest) = bytes.split_first_chunk().ok_or(error)?;
    *bytes = rest;
    Ok(*part)
}

/// The parts one behind another; they are as long as the whole.
fn joined<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut whole = [0; N];
    whole.iter_mut().zip(parts.iter().copied().flatten()).for_each(|(to, from)| *to = *from);
    whole
}

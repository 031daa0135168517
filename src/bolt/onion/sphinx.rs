//! The packet that brings each hop its payload and no more. BOLT 4, "Packet Structure", "Packet
//! Construction" and "Onion Decryption".
//!
//! ```text
//!   version  public_key                 hop_payloads                       hmac
//!   +------+------------+--------------------------------------------+------------+
//!   | 0x00 |  33 bytes  | length payload hmac | for the hops behind  |  32 bytes  |
//!   +------+------------+--------------------------------------------+------------+
//! ```
//! Each hop takes its payload off the front, and the stream that it decrypts with fills the end.

use std::fmt;

use bitcoin::hashes::cmp::fixed_time_eq;
use bitcoin::hashes::{HashEngine, sha256};
use bitcoin::hex::DisplayHex;
use chacha20::ChaCha20;
use chacha20::cipher::{StreamCipher, StreamCipherSeek};
use secp256k1::{PublicKey, SECP256K1, SecretKey};
use thiserror::Error;

use super::failure::{Failure, RecordType};
use super::keys::{Purpose, SharedSecret, finish};
use crate::bolt::wire::OnionPacket;
use crate::bolt::wire::codec::{DecodeError, Field, read_big_size, take, write_big_size};

/// `hop_payloads` of a payment's onion.
pub const PAYMENT_LENGTH: usize = 1300;
const VERSION: u8 = 0;
const HMAC_LENGTH: usize = 32;
const HEADER_LENGTH: usize = 1 + 33 + HMAC_LENGTH;
/// No TLV stream is shorter, so 0 and 1 are kept for other formats.
const LEAST_PAYLOAD: u64 = 2;

/// One node of the route, and what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The node, or its blinded id.
    pub node_id: PublicKey,
    /// Its payload, without the length before it.
    pub payload: Vec<u8>,
}

/// `onion_packet`, taken apart. The key may be none: whoever peels finds out.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    /// The format; 0 is the only one.
    pub version: u8,
    /// The sender's key for this hop alone.
    pub public_key: [u8; 33],
    /// The payloads, encrypted once for each hop on the way to it.
    pub hop_payloads: Vec<u8>,
    /// Authenticates the payloads and the associated data.
    pub hmac: [u8; HMAC_LENGTH],
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({})", self.to_bytes().as_hex())
    }
}

impl Packet {
    /// The packet as it is sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LENGTH.saturating_add(self.hop_payloads.len()));
        bytes.push(self.version);
        bytes.extend_from_slice(&self.public_key);
        bytes.extend_from_slice(&self.hop_payloads);
        bytes.extend_from_slice(&self.hmac);
        bytes
    }

    /// Takes a packet apart: `hop_payloads` is what is left between header and HMAC.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if nothing is left for it.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let left = bytes.len();
        let rest = left.checked_sub(HEADER_LENGTH).filter(|rest| *rest > 0);
        let rest =
            rest.ok_or(DecodeError::Truncated { wanted: HEADER_LENGTH.saturating_add(1), left })?;
        Ok(Self {
            version: Field::read(&mut bytes)?,
            public_key: Field::read(&mut bytes)?,
            hop_payloads: take(&mut bytes, rest)?.to_vec(),
            hmac: Field::read(&mut bytes)?,
        })
    }
}

impl PeelError {
    /// The failure that tells the sender, given the SHA256 of the packet as it came. BOLT 4,
    /// "Failure Messages".
    pub fn failure(self, sha256_of_onion: sha256::Hash) -> Failure {
        match self {
            Self::Version(_) => Failure::InvalidOnionVersion { sha256_of_onion },
            Self::Key => Failure::InvalidOnionKey { sha256_of_onion },
            Self::Hmac => Failure::InvalidOnionHmac { sha256_of_onion },
            Self::MalformedLength(_) | Self::PayloadTooShort(_) | Self::PayloadLength { .. } => {
                Failure::InvalidOnionPayload { tlv_type: RecordType(0), offset: 0 }
            }
        }
    }
}

impl From<&OnionPacket> for Packet {
    fn from(packet: &OnionPacket) -> Self {
        let [version, bytes @ ..] = &*packet.0;
        let (public_key, bytes) = bytes.split_first_chunk().unwrap_or((&[0; 33], bytes));
        let (hop_payloads, hmac) = bytes.split_last_chunk().unwrap_or((bytes, &[0; HMAC_LENGTH]));
        let (public_key, hop_payloads) = (*public_key, hop_payloads.to_vec());
        Self { version: *version, public_key, hop_payloads, hmac: *hmac }
    }
}

/// A packet of another length than a payment's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("put an onion into an HTLC: {0} bytes of hop_payloads, not 1300")]
pub struct NotAPayment(pub usize);

impl TryFrom<&Packet> for OnionPacket {
    type Error = NotAPayment;

    fn try_from(packet: &Packet) -> Result<Self, Self::Error> {
        let bytes = packet.to_bytes().into_boxed_slice();
        let refused = NotAPayment(packet.hop_payloads.len());
        bytes.try_into().map(Self).map_err(|_| refused)
    }
}

/// A packet for the first hop, and what its sender shares with each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constructed {
    /// The packet.
    pub packet: Packet,
    /// One secret a hop, to read a failure with.
    pub shared_secrets: Vec<SharedSecret>,
}

/// Why there is no such packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConstructError {
    /// A route without a hop.
    #[error("construct an onion: no hop")]
    NoHop,
    /// A payload that no reader takes.
    #[error("construct an onion: hop {hop}: a payload of {length} bytes; the least is 2")]
    PayloadTooShort {
        /// The hop, from 0.
        hop: usize,
        /// The payload's length.
        length: usize,
    },
    /// The payloads do not fit.
    #[error("construct an onion: {needed} bytes of payloads where {length} fit")]
    TooLong {
        /// The bytes of all payloads, with length and HMAC.
        needed: usize,
        /// The bytes of `hop_payloads`.
        length: usize,
    },
    /// A tweaked key does not exist; see [`KeyError`](crate::bolt::keys::KeyError).
    #[error("construct an onion: hop {hop}: no ephemeral key behind it")]
    Key {
        /// The hop, from 0.
        hop: usize,
    },
}

/// Wraps the payloads into a packet with `length` bytes of `hop_payloads` (1300 for a payment).
///
/// # Errors
/// [`ConstructError`] for payloads that do not fit or that no reader takes.
pub fn construct(
    session_key: &SecretKey,
    hops: &[Hop],
    associated_data: &[u8],
    length: usize,
) -> Result<Constructed, ConstructError> {
    let mut frames = Vec::with_capacity(hops.len());
    for (hop, Hop { node_id, payload }) in hops.iter().enumerate() {
        let length = payload.len();
        if length < 2 {
            return Err(ConstructError::PayloadTooShort { hop, length });
        }
        let mut prefix = Vec::new();
        write_big_size(u64::try_from(length).unwrap_or(u64::MAX), &mut prefix);
        frames.push(Frame { node_id, prefix, payload });
    }
    wrap(session_key, &frames, associated_data, length)
}

/// [`construct`] without a look at the payloads, which bring their own lengths: to try a reader
/// with what it must refuse.
///
/// # Errors
/// [`ConstructError`] for payloads that do not fit.
pub fn construct_unchecked(
    session_key: &SecretKey,
    hops: &[Hop],
    associated_data: &[u8],
    length: usize,
) -> Result<Constructed, ConstructError> {
    let frames: Vec<_> = hops
        .iter()
        .map(|Hop { node_id, payload }| Frame { node_id, prefix: Vec::new(), payload })
        .collect();
    wrap(session_key, &frames, associated_data, length)
}

/// A hop's part of `hop_payloads`, but for the HMAC.
struct Frame<'a> {
    node_id: &'a PublicKey,
    prefix: Vec<u8>,
    payload: &'a [u8],
}

impl Frame<'_> {
    fn length(&self) -> usize {
        self.prefix.len().saturating_add(self.payload.len()).saturating_add(HMAC_LENGTH)
    }
}

/// A hop on the way out of the construction's first pass.
struct Layer<'a> {
    frame: &'a Frame<'a>,
    shared_secret: SharedSecret,
    rho: ChaCha20,
    /// Where its window begins.
    start: usize,
}

/// All hops' packets lie in one buffer, each a window of `length` bytes that begins where the
/// payload of its hop does. So nothing is ever shifted, and the filler always begins at `length`.
fn wrap(
    session_key: &SecretKey,
    frames: &[Frame<'_>],
    associated_data: &[u8],
    length: usize,
) -> Result<Constructed, ConstructError> {
    let last = frames.last().ok_or(ConstructError::NoHop)?.length();
    let needed = frames.iter().fold(0_usize, |sum, frame| sum.saturating_add(frame.length()));
    let too_long = ConstructError::TooLong { needed, length };
    if needed > length {
        return Err(too_long);
    }
    let filler = needed.saturating_sub(last);
    let mut buffer = vec![0; length.saturating_add(filler)];
    let public_key = session_key.public_key(SECP256K1).serialize();
    let node_ids = frames.iter().map(|frame| frame.node_id);
    let shared_secrets = share(session_key, public_key, node_ids)?;
    let mut layers = layers(frames, &shared_secrets);
    add_filler(&mut layers, &mut buffer, length).ok_or(too_long)?;
    if let Some(unused) = buffer.get_mut(needed..length) {
        SharedSecret(session_key.secret_bytes()).stream(Purpose::Pad).apply_keystream(unused);
    }
    let mut hmac = [0; HMAC_LENGTH];
    let mut encrypted = length;
    for layer in layers.iter_mut().rev() {
        hmac = add_layer(layer, &mut buffer, encrypted, length, &hmac, associated_data)
            .ok_or(too_long)?;
        encrypted = usize::MAX;
    }
    buffer.truncate(length);
    let packet = Packet { version: VERSION, public_key, hop_payloads: buffer, hmac };
    Ok(Constructed { packet, shared_secrets })
}

/// What is shared with each hop: to read a failure of a packet whose [`Constructed`] was not kept.
///
/// # Errors
/// [`ConstructError::Key`] if an ephemeral key does not exist.
pub fn shared_secrets<'a>(
    session_key: &SecretKey,
    node_ids: impl ExactSizeIterator<Item = &'a PublicKey>,
) -> Result<Vec<SharedSecret>, ConstructError> {
    share(session_key, session_key.public_key(SECP256K1).serialize(), node_ids)
}

/// As [`shared_secrets`], with the first hop's ephemeral key.
fn share<'a>(
    session_key: &SecretKey,
    mut public_key: [u8; 33],
    node_ids: impl ExactSizeIterator<Item = &'a PublicKey>,
) -> Result<Vec<SharedSecret>, ConstructError> {
    let mut ephemeral = *session_key;
    let count = node_ids.len();
    let mut shared_secrets = Vec::with_capacity(count);
    for (hop, node_id) in node_ids.enumerate() {
        if hop > 0 {
            public_key = ephemeral.public_key(SECP256K1).serialize();
        }
        let shared_secret = SharedSecret::new(node_id, &ephemeral);
        if hop.saturating_add(1) < count {
            let factor = shared_secret.blinding_factor(&public_key);
            let next = factor.and_then(|factor| ephemeral.mul_tweak(&factor).ok());
            ephemeral = next.ok_or(ConstructError::Key { hop })?;
        }
        shared_secrets.push(shared_secret);
    }
    Ok(shared_secrets)
}

/// Where each hop's window begins and what encrypts it.
fn layers<'a>(frames: &'a [Frame<'a>], shared_secrets: &[SharedSecret]) -> Vec<Layer<'a>> {
    let mut start = 0_usize;
    let layers = frames.iter().zip(shared_secrets).map(|(frame, shared_secret)| {
        let rho = shared_secret.stream(Purpose::Rho);
        let layer = Layer { frame, shared_secret: *shared_secret, rho, start };
        start = start.saturating_add(frame.length());
        layer
    });
    layers.collect()
}

/// Puts behind `length` what the hops before the last will have made of the zeros that each
/// appends. BOLT 4, "Filler Generation".
fn add_filler(layers: &mut [Layer<'_>], buffer: &mut [u8], length: usize) -> Option<()> {
    let (_, layers) = layers.split_last_mut()?;
    for layer in layers {
        let end = layer.start.checked_add(layer.frame.length())?.checked_add(length)?;
        layer.rho.seek(length.checked_sub(layer.start)?);
        layer.rho.apply_keystream(buffer.get_mut(length..end)?);
        layer.rho.seek(0_usize);
    }
    Some(())
}

/// Puts a hop's payload before the rest, encrypts its window up to `encrypted` (the filler of the
/// last hop is as it should be) and authenticates it.
fn add_layer(
    layer: &mut Layer<'_>,
    buffer: &mut [u8],
    encrypted: usize,
    length: usize,
    next_hmac: &[u8; HMAC_LENGTH],
    associated_data: &[u8],
) -> Option<[u8; HMAC_LENGTH]> {
    let window = buffer.get_mut(layer.start..layer.start.checked_add(length)?)?;
    let parts: [&[u8]; 3] = [&layer.frame.prefix, layer.frame.payload, next_hmac];
    let mut rest = &mut *window;
    for part in parts {
        let (to, behind) = rest.split_at_mut_checked(part.len())?;
        to.copy_from_slice(part);
        rest = behind;
    }
    let encrypted = encrypted.saturating_sub(layer.start).min(length);
    layer.rho.apply_keystream(window.get_mut(..encrypted)?);
    let mut engine = layer.shared_secret.hmac(Purpose::Mu);
    engine.input(window);
    engine.input(associated_data);
    Some(finish(engine))
}

/// What a hop finds in a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peeled {
    /// What it shares with the sender, to answer with a failure.
    pub shared_secret: SharedSecret,
    /// Its payload, without the length before it.
    pub payload: Vec<u8>,
    /// The packet for the next hop; `None` if it is the last.
    pub next: Option<Packet>,
}

/// Why a packet is not one for this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PeelError {
    /// A format that is not known here.
    #[error("peel an onion: version {0} is not known")]
    Version(u8),
    /// `public_key` is no point on the curve.
    #[error("peel an onion: its public_key is not on the curve")]
    Key,
    /// It is for another node or another payment, or it was changed.
    #[error("peel an onion: its HMAC does not fit: another key, other associated data or a change")]
    Hmac,
    /// The length before the payload is none.
    #[error("peel an onion: the payload's length: {0}")]
    MalformedLength(DecodeError),
    /// A length that no TLV stream has.
    #[error("peel an onion: a payload of {0} bytes; the least is 2")]
    PayloadTooShort(u64),
    /// A payload that goes beyond the packet.
    #[error("peel an onion: a payload of {length} bytes where {available} fit")]
    PayloadLength {
        /// The length before the payload.
        length: u64,
        /// How many bytes the packet has for it, its HMAC set aside.
        available: usize,
    },
}

/// Takes this node's payload off a packet. Nothing is decrypted before the HMAC fits.
///
/// # Errors
/// [`PeelError`]; [`PeelError::failure`] answers it.
pub fn peel(
    packet: &Packet,
    node_secret: &SecretKey,
    associated_data: &[u8],
) -> Result<Peeled, PeelError> {
    if packet.version != VERSION {
        return Err(PeelError::Version(packet.version));
    }
    let public_key = PublicKey::from_slice(&packet.public_key).map_err(|_| PeelError::Key)?;
    let shared_secret = SharedSecret::new(&public_key, node_secret);
    let mut engine = shared_secret.hmac(Purpose::Mu);
    engine.input(&packet.hop_payloads);
    engine.input(associated_data);
    if !fixed_time_eq(&finish(engine), &packet.hmac) {
        return Err(PeelError::Hmac);
    }
    let mut rho = shared_secret.stream(Purpose::Rho);
    let mut hop_payloads = packet.hop_payloads.clone();
    rho.apply_keystream(&mut hop_payloads);
    let (payload, hmac, rest) = split_first_payload(&hop_payloads)?;
    let payload = payload.to_vec();
    if hmac == [0; HMAC_LENGTH] {
        return Ok(Peeled { shared_secret, payload, next: None });
    }
    let length = hop_payloads.len();
    let shift = length.saturating_sub(rest);
    hop_payloads.copy_within(shift.., 0);
    if let Some(end) = hop_payloads.get_mut(rest..) {
        end.fill(0);
        rho.apply_keystream(end);
    }
    let factor = shared_secret.blinding_factor(&packet.public_key).ok_or(PeelError::Key)?;
    let next_key = public_key.mul_tweak(SECP256K1, &factor).map_err(|_| PeelError::Key)?;
    let public_key = next_key.serialize();
    let next = Packet { version: VERSION, public_key, hop_payloads, hmac };
    Ok(Peeled { shared_secret, payload, next: Some(next) })
}

/// The first payload, the HMAC behind it and how many bytes are left.
fn split_first_payload(
    hop_payloads: &[u8],
) -> Result<(&[u8], [u8; HMAC_LENGTH], usize), PeelError> {
    let mut rest = hop_payloads;
    let length = read_big_size(&mut rest).map_err(PeelError::MalformedLength)?;
    if length < LEAST_PAYLOAD {
        return Err(PeelError::PayloadTooShort(length));
    }
    let available = rest.len().saturating_sub(HMAC_LENGTH);
    let too_long = PeelError::PayloadLength { length, available };
    let wanted = usize::try_from(length).map_err(|_| too_long)?;
    let (payload, behind) = rest.split_at_checked(wanted).ok_or(too_long)?;
    let (hmac, behind) = behind.split_first_chunk().ok_or(too_long)?;
    Ok((payload, *hmac, behind.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(hop: usize) -> SecretKey {
        SecretKey::from_slice(&[u8::try_from(hop).unwrap() + 1; 32]).unwrap()
    }

    fn route(hops: usize, payload: usize) -> Vec<Hop> {
        let node_id = |hop| secret(hop).public_key(SECP256K1);
        let payload = |hop| vec![u8::try_from(hop).unwrap(); payload];
        (0..hops).map(|hop| Hop { node_id: node_id(hop), payload: payload(hop) }).collect()
    }

    #[test]
    fn each_hop_finds_its_payload() {
        for (count, length) in [(1, 2), (1, 1265), (4, 290), (20, 32), (27, 15), (20, 2)] {
            let hops = route(count, length);
            let sent = construct(&secret(99), &hops, b"hash", PAYMENT_LENGTH).unwrap();
            let node_ids = hops.iter().map(|hop| &hop.node_id);
            assert_eq!(shared_secrets(&secret(99), node_ids), Ok(sent.shared_secrets.clone()));
            let mut packet = Some(sent.packet);
            for (hop, shared_secret) in sent.shared_secrets.iter().enumerate() {
                let current = packet.unwrap();
                let on_wire = OnionPacket::try_from(&current).unwrap();
                assert_eq!(Packet::from(&on_wire), current);
                assert_eq!(Packet::from_bytes(&current.to_bytes()), Ok(current.clone()));
                let peeled = peel(&current, &secret(hop), b"hash").unwrap();
                assert_eq!(
                    (peeled.shared_secret, &peeled.payload),
                    (*shared_secret, &hops[hop].payload)
                );
                packet = peeled.next;
            }
            assert_eq!(packet, None);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let construct = |hops: &[Hop]| construct(&secret(99), hops, &[], PAYMENT_LENGTH);
        assert_eq!(construct(&[]), Err(ConstructError::NoHop));
        let too_long = ConstructError::TooLong { needed: 1301, length: 1300 };
        assert_eq!(construct(&route(1, 1266)), Err(too_long));
        let short = ConstructError::PayloadTooShort { hop: 0, length: 1 };
        assert_eq!(construct(&route(2, 1)), Err(short));
        assert!(Packet::from_bytes(&[0; 66]).is_err());
        let message = Packet::from_bytes(&[0; 67]).unwrap();
        assert_eq!(OnionPacket::try_from(&message), Err(NotAPayment(1)));
    }

    fn peel_frame(frame: &[u8]) -> Result<Peeled, PeelError> {
        let hops = [Hop { node_id: secret(0).public_key(SECP256K1), payload: frame.to_vec() }];
        let sent = construct_unchecked(&secret(99), &hops, &[], PAYMENT_LENGTH).unwrap();
        peel(&sent.packet, &secret(0), &[])
    }

    #[test]
    fn lengths_that_lie_are_told() {
        assert_eq!(peel_frame(&[0]), Err(PeelError::PayloadTooShort(0)));
        assert_eq!(peel_frame(&[1, 7]), Err(PeelError::PayloadTooShort(1)));
        assert_eq!(peel_frame(&[2, 7, 8]).map(|peeled| peeled.payload), Ok(vec![7, 8]));
        let not_minimal = PeelError::MalformedLength(DecodeError::NotMinimal(2));
        assert_eq!(peel_frame(&[0xfd, 0, 2, 7, 8]), Err(not_minimal));
        let beyond = |frame: &[u8]| match peel_frame(frame) {
            Err(PeelError::PayloadLength { length, available }) => Some((length, available)),
            _ => None,
        };
        assert_eq!(beyond(&[0xfd, 4, 0xf2]), Some((1266, 1265)));
        assert_eq!(beyond(&[0xff; 9]), Some((u64::MAX, 1259)));
        assert_eq!(beyond(&[0xfe, 0xff, 0xff, 0xff, 0xff]), Some((0xffff_ffff, 1263)));
        let mut whole = vec![0xfd, 4, 0xf1];
        whole.resize(1268, 0);
        assert_eq!(peel_frame(&whole).map(|peeled| peeled.payload.len()), Ok(1265));
    }

    #[test]
    fn what_is_not_for_this_node_is_refused() {
        let packet = construct(&secret(99), &route(2, 40), b"hash", PAYMENT_LENGTH).unwrap().packet;
        assert_eq!(peel(&packet, &secret(1), b"hash"), Err(PeelError::Hmac));
        assert_eq!(peel(&packet, &secret(0), b"hush"), Err(PeelError::Hmac));
        let newer = Packet { version: 1, ..packet.clone() };
        assert_eq!(peel(&newer, &secret(0), b"hash"), Err(PeelError::Version(1)));
        let no_key = Packet { public_key: [5; 33], ..packet };
        assert_eq!(peel(&no_key, &secret(0), b"hash"), Err(PeelError::Key));
    }
}

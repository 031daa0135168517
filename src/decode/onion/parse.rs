//! From hex to an onion and to what opens it.

use bitcoin::hashes::{Hash, sha256};
use secp256k1::{PublicKey, SecretKey};

use super::error::{InputError, Part};
use crate::bolt::onion::Packet;
use crate::bolt::wire::OnionPacket;
use crate::decode::hex;

/// `onion_message`: its type, its path key and its length stand before the onion.
const MESSAGE_TYPE: [u8; 2] = 513_u16.to_be_bytes();
const MOST_BYTES: usize = 65_535;

/// What is to be explained, and what is known to open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The onion.
    pub packet: Packet,
    /// Whether it came in an `onion_message`.
    pub is_message: bool,
    /// The secrets of nodes, in any order.
    pub keys: Vec<SecretKey>,
    /// The hash of the payment that the onion is for.
    pub payment_hash: Option<sha256::Hash>,
    /// What came beside the onion, on a blinded path.
    pub path_key: Option<PublicKey>,
}

fn array<const N: usize>(part: Part, text: &str) -> Result<[u8; N], InputError> {
    let bytes = hex::bytes(text.trim())?;
    let actual = bytes.len();
    bytes.try_into().map_err(|_| InputError::Length { part, expected: N, actual })
}

/// Reads an onion from hex: a packet, or an `onion_message`, which has a path key too.
///
/// # Errors
/// [`InputError`] about the trimmed text.
pub fn parse(text: &str) -> Result<(Packet, Option<PublicKey>), InputError> {
    let bytes = hex::bytes(text.trim())?;
    if bytes.len() > MOST_BYTES {
        return Err(InputError::TooLong(bytes.len()));
    }
    if let Some((path_key, onion)) = message(&bytes) {
        let (length, onion) = onion.split_at(2);
        let said = usize::from(length[0]) << 8 | usize::from(length[1]);
        let onion = onion.get(..said);
        let left = bytes.len() - 37;
        return packet(onion.ok_or(InputError::MessageLength { said, left })?)
            .map(|packet| (packet, Some(path_key)));
    }
    packet(&bytes).map(|packet| (packet, None))
}

/// The path key of an `onion_message` and what follows it. No onion begins like one: its version
/// would be 2.
fn message(bytes: &[u8]) -> Option<(PublicKey, &[u8])> {
    let rest = bytes.strip_prefix(&MESSAGE_TYPE)?;
    let (path_key, rest) = rest.split_first_chunk::<33>()?;
    let path_key = PublicKey::from_slice(path_key).ok()?;
    (rest.len() > 2 && bytes.len() != OnionPacket::LENGTH).then_some((path_key, rest))
}

fn packet(bytes: &[u8]) -> Result<Packet, InputError> {
    Packet::from_bytes(bytes).map_err(|_| InputError::TooShort(bytes.len()))
}

/// Reads a node's secret from hex.
///
/// # Errors
/// [`InputError`] about the trimmed text.
pub fn parse_secret(text: &str) -> Result<SecretKey, InputError> {
    let bytes: [u8; 32] = array(Part::Key, text)?;
    SecretKey::from_slice(&bytes).map_err(|_| InputError::NotASecret)
}

/// Reads a payment's hash from hex.
///
/// # Errors
/// [`InputError`] about the trimmed text.
pub fn parse_hash(text: &str) -> Result<sha256::Hash, InputError> {
    array(Part::PaymentHash, text).map(sha256::Hash::from_byte_array)
}

/// Reads a path key from hex.
///
/// # Errors
/// [`InputError`] about the trimmed text.
pub fn parse_path_key(text: &str) -> Result<PublicKey, InputError> {
    let bytes: [u8; 33] = array(Part::PathKey, text)?;
    PublicKey::from_slice(&bytes).map_err(|_| InputError::NotAPoint)
}

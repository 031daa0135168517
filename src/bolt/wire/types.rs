//! Types that stand only in messages.

use std::fmt;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::hex::DisplayHex;
use bitcoin::{Amount, OutPoint};
use serde::{Deserialize, Serialize};

use super::codec::{DecodeError, Field, TlvValue, take};
use crate::bolt::hex_bytes;
use crate::bolt::tx::ChannelType;

/// Declares a byte string of fixed length that shows itself as hex.
macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident($length:literal)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(#[serde(with = "hex_bytes")] pub [u8; $length]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hex(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Field for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
            fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
                Field::read(input).map(Self)
            }
        }
    };
}

bytes! {
    /// Identifies a channel: temporary at first, then made from the funding outpoint. BOLT 2,
    /// "Definition of `channel_id`".
    ChannelId(32)
}
bytes! {
    /// What a payment's recipient reveals to take it.
    PaymentPreimage(32)
}

/// `onion_routing_packet`, opaque to the channel. BOLT 4.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnionPacket(#[serde(with = "hex_bytes")] pub Box<[u8; Self::LENGTH]>);

impl OnionPacket {
    /// Every onion has this many bytes, however long its route.
    pub const LENGTH: usize = 1366;
}

impl fmt::Debug for OnionPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnionPacket({})", self.0.as_hex())
    }
}

impl Field for OnionPacket {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Field::read(input).map(Box::new).map(Self)
    }
}

impl ChannelId {
    /// The `funding_txid` with the output index combined into its last two bytes by XOR.
    pub fn from_funding(outpoint: OutPoint) -> Self {
        let mut bytes = outpoint.txid.to_byte_array();
        let [.., high, low] = &mut bytes;
        let [.., index_high, index_low] = outpoint.vout.to_be_bytes();
        *high ^= index_high;
        *low ^= index_low;
        Self(bytes)
    }
}

impl PaymentPreimage {
    /// `payment_hash`: SHA256 of the preimage.
    pub fn hash(&self) -> sha256::Hash {
        sha256::Hash::hash(&self.0)
    }
}

/// Names a channel by where its funding output is in the chain. BOLT 7, "Definition of
/// `short_channel_id`".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShortChannelId(pub u64);

impl TlvValue for ShortChannelId {
    fn to_value(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        whole(value).map(Self)
    }
}

/// `channel_type`: feature bits that stand for a channel's format. BOLT 2, "Defined Channel
/// Types".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelTypeBits(Vec<u8>);

const STATIC_REMOTEKEY: &[u8] = &[0x10, 0x00];
const ANCHORS: &[u8] = &[0x40, 0x10, 0x00];

impl From<ChannelType> for ChannelTypeBits {
    fn from(channel_type: ChannelType) -> Self {
        let bits = match channel_type {
            ChannelType::StaticRemotekey => STATIC_REMOTEKEY,
            ChannelType::Anchors => ANCHORS,
        };
        Self(bits.to_vec())
    }
}

impl ChannelTypeBits {
    /// The format that the bits stand for, if it is one that is built here. The bits must be in
    /// their shortest form and without further ones.
    pub fn known(&self) -> Option<ChannelType> {
        match self.0.as_slice() {
            STATIC_REMOTEKEY => Some(ChannelType::StaticRemotekey),
            ANCHORS => Some(ChannelType::Anchors),
            _ => None,
        }
    }
}

impl TlvValue for ChannelTypeBits {
    fn to_value(&self) -> Vec<u8> {
        self.0.clone()
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self(value.to_vec()))
    }
}

/// `fee_range` of `closing_signed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeRange {
    /// The least fee that the sender takes.
    #[serde(with = "bitcoin::amount::serde::as_sat")]
    pub min_fee_satoshis: Amount,
    /// The greatest one.
    #[serde(with = "bitcoin::amount::serde::as_sat")]
    pub max_fee_satoshis: Amount,
}

impl FeeRange {
    /// Whether the fee lies within the range, its ends included.
    pub fn contains(&self, fee: Amount) -> bool {
        (self.min_fee_satoshis..=self.max_fee_satoshis).contains(&fee)
    }
}

impl TlvValue for FeeRange {
    fn to_value(&self) -> Vec<u8> {
        let mut value = Vec::new();
        self.min_fee_satoshis.write(&mut value);
        self.max_fee_satoshis.write(&mut value);
        value
    }
    fn from_value(mut value: &[u8]) -> Result<Self, DecodeError> {
        let min_fee_satoshis = Field::read(&mut value)?;
        whole(value).map(|max_fee_satoshis| Self { min_fee_satoshis, max_fee_satoshis })
    }
}

/// Reads a field that must take all of the bytes.
fn whole<T: Field>(mut value: &[u8]) -> Result<T, DecodeError> {
    let field = T::read(&mut value)?;
    if value.is_empty() { Ok(field) } else { Err(DecodeError::TrailingBytes(value.len())) }
}

/// The text of an `error` or `warning`, as it came: not trusted, not always text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data(pub String);

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Field for Data {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.bytes().collect::<Vec<u8>>().write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let length = u16::read(input)?;
        let bytes = take(input, usize::from(length))?;
        Ok(Self(String::from_utf8_lossy(bytes).into_owned()))
    }
}

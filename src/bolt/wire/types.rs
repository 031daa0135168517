//! Types that stand only in messages.

use std::fmt;

use bitcoin::OutPoint;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::hex::{DisplayHex, FromHex};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::codec::{
    DecodeError, Field, TlvValue, read_big_size, take, whole_values, write_big_size, write_bytes,
};
use crate::bolt::features::{Feature, Features};
use crate::bolt::hex_bytes;
use crate::bolt::tx::ChannelType;
use crate::bolt::units::ShortChannelId;

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
bytes! {
    /// A `point` of the gossip, not checked yet: most are relayed and never used. BOLT 7.
    UncheckedPoint(33)
}
bytes! {
    /// `rgb_color` of a node: red, green, blue. BOLT 7.
    RgbColor(3)
}
bytes! {
    /// `alias` of a node: text with zeros behind it. BOLT 7.
    Alias(32)
}
bytes! {
    /// `payment_secret`: what only the payer learns of the invoice, beside the hash. BOLT 4,
    /// "`payload` format".
    PaymentSecret(32)
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
    /// Where a message names no channel: it is about all of them, or about none.
    pub const ALL: Self = Self([0; 32]);

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

whole_values!(ChannelId, PaymentPreimage, PaymentSecret, ShortChannelId);

/// Bytes whose meaning is not known here. As a field they follow their length in 16 bits; as the
/// value of a TLV record they are all of it.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.0.as_hex())
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hex(), f)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Vec::from_hex(&text).map(Self).map_err(de::Error::custom)
    }
}

impl Field for Bytes {
    fn write(&self, out: &mut Vec<u8>) {
        write_bytes(&self.0, out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let length = u16::read(input)?;
        take(input, usize::from(length)).map(|bytes| Self(bytes.to_vec()))
    }
}

impl TlvValue for Bytes {
    fn to_value(&self) -> Vec<u8> {
        self.0.clone()
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self(value.to_vec()))
    }
}

/// `...*T`: as many of a field as the value of a TLV record holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Repeated<T>(pub Vec<T>);

impl<T: Field> TlvValue for Repeated<T> {
    fn to_value(&self) -> Vec<u8> {
        let mut value = Vec::new();
        self.0.iter().for_each(|item| item.write(&mut value));
        value
    }
    fn from_value(mut value: &[u8]) -> Result<Self, DecodeError> {
        let mut items = Vec::new();
        while !value.is_empty() {
            items.push(T::read(&mut value)?);
        }
        Ok(Self(items))
    }
}

/// `channel_type`: feature bits that stand for a channel's format. BOLT 2, "Defined Channel
/// Types".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelTypeBits(Bytes);

/// What a channel type can say beside the format. BOLT 2, "Defined Channel Types".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variations {
    /// `option_scid_alias`: others name the channel by an alias only.
    pub scid_alias: bool,
    /// `option_zeroconf`: it is in use before its funding transaction is confirmed.
    pub zeroconf: bool,
}

impl Variations {
    const ALL: [Self; 4] = [
        Self { scid_alias: false, zeroconf: false },
        Self { scid_alias: true, zeroconf: false },
        Self { scid_alias: false, zeroconf: true },
        Self { scid_alias: true, zeroconf: true },
    ];
}

/// The features that a channel of this type makes use of: both sides must support them.
pub fn features_of(
    format: ChannelType,
    variations: Variations,
) -> impl Iterator<Item = Feature> + Clone {
    let used = [
        (true, Feature::STATIC_REMOTEKEY),
        (format == ChannelType::Anchors, Feature::ANCHORS),
        (variations.scid_alias, Feature::SCID_ALIAS),
        (variations.zeroconf, Feature::ZEROCONF),
    ];
    used.into_iter().filter_map(|(is_used, feature)| is_used.then_some(feature))
}

impl ChannelTypeBits {
    /// The bits of this type.
    pub fn new(format: ChannelType, variations: Variations) -> Self {
        let features =
            features_of(format, variations).fold(Features::default(), Features::requiring);
        Self(Bytes(features.as_bytes().to_vec()))
    }

    /// The type that the bits stand for, if it is one that is built here. The bits must be in their
    /// shortest form and without further ones.
    pub fn known(&self) -> Option<(ChannelType, Variations)> {
        let formats = [ChannelType::StaticRemotekey, ChannelType::Anchors];
        let mut all =
            formats.into_iter().flat_map(|format| Variations::ALL.map(|some| (format, some)));
        all.find(|(format, variations)| *self == Self::new(*format, *variations))
    }
}

impl TlvValue for ChannelTypeBits {
    fn to_value(&self) -> Vec<u8> {
        self.0.to_value()
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        TlvValue::from_value(value).map(Self)
    }
}

/// What an `error` or `warning` says, as it came: not trusted, not always text. In JSON it is text, or
/// `{"hex": …}` if it is none.
#[derive(Clone, PartialEq, Eq)]
pub struct Data(pub Vec<u8>);

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

/// As text; bytes that are none are replaced.
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// How [`Data`] stands in JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum DataText {
    Text(String),
    Raw { hex: Bytes },
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => DataText::Text(text.to_owned()),
            Err(_) => DataText::Raw { hex: Bytes(self.0.clone()) },
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match DataText::deserialize(deserializer)? {
            DataText::Text(text) => text.into(),
            DataText::Raw { hex } => Self(hex.0),
        })
    }
}

impl Field for Data {
    fn write(&self, out: &mut Vec<u8>) {
        write_bytes(&self.0, out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let length = u16::read(input)?;
        take(input, usize::from(length)).map(|bytes| Self(bytes.to_vec()))
    }
}

/// A TLV record without a value: it is there or it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "bool", into = "bool")]
pub struct Present;

impl From<Present> for bool {
    fn from(Present: Present) -> Self {
        true
    }
}

impl TryFrom<bool> for Present {
    type Error = &'static str;

    fn try_from(is_there: bool) -> Result<Self, Self::Error> {
        if is_there { Ok(Self) } else { Err("a record without a value is there or left out") }
    }
}

impl TlvValue for Present {
    fn to_value(&self) -> Vec<u8> {
        Vec::new()
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        if value.is_empty() { Ok(Self) } else { Err(DecodeError::TrailingBytes(value.len())) }
    }
}

/// The type of a message where another message names it: two bytes, never fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageType(pub u16);

impl Field for MessageType {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Field::read(input).map(Self)
    }
}

/// `bigsize` as a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BigSize(pub u64);

impl Field for BigSize {
    fn write(&self, out: &mut Vec<u8>) {
        write_big_size(self.0, out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        read_big_size(input).map(Self)
    }
}

/// An amount in satoshis that may be negative (`s64`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignedSatoshis(pub i64);

impl Field for SignedSatoshis {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.to_be_bytes().write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Field::read(input).map(i64::from_be_bytes).map(Self)
    }
}

whole_values!(MessageType, BigSize, SignedSatoshis);

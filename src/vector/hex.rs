//! Bytes as a vector's file spells them. Expected values stay bytes until they are compared, so
//! that a wrong one is a mismatch with a place, and not a file that cannot be read.

use bitcoin::hex::FromHex;
use serde::{Deserialize, Deserializer, de};

/// Any number of bytes, in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hex(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Vec::from_hex(&text).map(Self).map_err(de::Error::custom)
    }
}

/// 32 bytes, in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hex32(pub(super) [u8; 32]);

impl<'de> Deserialize<'de> for Hex32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        <[u8; 32]>::from_hex(&text).map(Self).map_err(de::Error::custom)
    }
}

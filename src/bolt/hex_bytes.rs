//! Byte strings of fixed length as hex in serde's formats.

use bitcoin::hex::{DisplayHex, FromHex};
use serde::{Deserialize, Deserializer, Serializer, de};

pub(crate) fn serialize<const N: usize, S: Serializer>(
    bytes: &[u8; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&bytes.as_hex())
}

pub(crate) fn deserialize<'de, const N: usize, T: From<[u8; N]>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    <[u8; N]>::from_hex(&text).map(T::from).map_err(de::Error::custom)
}

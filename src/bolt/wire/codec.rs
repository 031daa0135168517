//! How the fundamental types are written and read. BOLT 1, "Fundamental Types" and
//! "Type-Length-Value Format".

use bitcoin::constants::ChainHash;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, ScriptBuf, Txid};
use secp256k1::PublicKey;
use secp256k1::ecdsa::Signature;
use thiserror::Error;

use crate::bolt::keys::PerCommitmentSecret;
use crate::bolt::units::{
    BlockHeight, CltvExpiry, CltvExpiryDelta, CommitmentNumber, CsvDelay, FeeratePerKw, HtlcId,
    Msat, ShortChannelId,
};

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end before the field does.
    #[error("read {wanted} bytes where {left} are left")]
    Truncated {
        /// How many bytes the field needs.
        wanted: usize,
        /// How many there are.
        left: usize,
    },
    /// Not a point on the curve in compressed format.
    #[error("read a point: not a compressed secp256k1 public key")]
    InvalidPoint,
    /// Not two scalars below the curve's order.
    #[error("read a signature: out of range")]
    InvalidSignature,
    /// A TLV record of an unknown even type.
    #[error("read a TLV record of the unknown even type {0}")]
    UnknownEvenTlv(u64),
    /// TLV records must ascend strictly.
    #[error("read TLV record {next} after {previous}: not ascending")]
    TlvOrder {
        /// The record before.
        previous: u64,
        /// The record that came too late.
        next: u64,
    },
    /// A BigSize that a shorter form could hold.
    #[error("read a BigSize: {0} is not in its shortest form")]
    NotMinimal(u64),
    /// A TLV value that is longer than its type.
    #[error("read a TLV value: {0} bytes too many")]
    TrailingBytes(usize),
    /// Text that is not UTF-8.
    #[error("read text: not UTF-8")]
    NotUtf8,
    /// A selector byte (of a `sciddir_or_pubkey`, an address) that nobody has defined.
    #[error("read a selector: {0} is not defined")]
    UnknownSelector(u8),
}

/// A type that can stand as a field of a message.
pub trait Field: Sized {
    /// Appends the field to `out`.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes the field off the front of `input`.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not such a field.
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError>;
}

/// A type that can stand as the value of a TLV record: its length is known from outside.
pub trait TlvValue: Sized {
    /// The value's bytes.
    fn to_value(&self) -> Vec<u8>;
    /// Reads the value from exactly these bytes.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not such a value.
    fn from_value(value: &[u8]) -> Result<Self, DecodeError>;
}

/// Takes `count` bytes off the front.
pub(crate) fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], DecodeError> {
    let truncated = DecodeError::Truncated { wanted: count, left: input.len() };
    let (taken, rest) = input.split_at_checked(count).ok_or(truncated)?;
    *input = rest;
    Ok(taken)
}

impl<const N: usize> Field for [u8; N] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(take(input, N)?);
        Ok(bytes)
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
                Field::read(input).map(Self::from_be_bytes)
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, i8, i16, i32, i64);

/// Types that are another field with a meaning: how to get the field, and how to make the type.
macro_rules! transparent {
    ($($type:ty: $inner:ty, $get:expr, $make:expr;)*) => {$(
        impl Field for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let get: fn(&Self) -> $inner = $get;
                get(self).write(out);
            }
            fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
                <$inner>::read(input).map($make)
            }
        }
    )*};
}
transparent! {
    Amount: u64, |a| a.to_sat(), Amount::from_sat;
    Msat: u64, |m| m.0, Msat;
    FeeratePerKw: u32, |f| f.0, FeeratePerKw;
    CsvDelay: u16, |d| d.0, CsvDelay;
    CltvExpiry: u32, |c| c.0, CltvExpiry;
    CltvExpiryDelta: u16, |d| d.0, CltvExpiryDelta;
    BlockHeight: u32, |h| h.0, BlockHeight;
    ShortChannelId: u64, |id| id.0, ShortChannelId;
    HtlcId: u64, |i| i.0, HtlcId;
    CommitmentNumber: u64, |n| n.0, CommitmentNumber;
    PerCommitmentSecret: [u8; 32], |s| s.0, PerCommitmentSecret;
    ChainHash: [u8; 32], |h| h.to_bytes(), ChainHash::from;
    Txid: [u8; 32], |t| t.to_byte_array(), Txid::from_byte_array;
    sha256::Hash: [u8; 32], |h| h.to_byte_array(), sha256::Hash::from_byte_array;
}

impl Field for PublicKey {
    fn write(&self, out: &mut Vec<u8>) {
        self.serialize().write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let bytes: [u8; 33] = Field::read(input)?;
        Self::from_slice(&bytes).map_err(|_| DecodeError::InvalidPoint)
    }
}

impl Field for Signature {
    fn write(&self, out: &mut Vec<u8>) {
        self.serialize_compact().write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let bytes: [u8; 64] = Field::read(input)?;
        Self::from_compact(&bytes).map_err(|_| DecodeError::InvalidSignature)
    }
}

/// A count or length of 16 bits. What is longer is cut, as the field cannot hold more.
fn write_length(length: usize, out: &mut Vec<u8>) -> usize {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    length.write(out);
    usize::from(length)
}

/// Appends the number of bytes in 16 bits, and the bytes.
pub(crate) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    let length = write_length(bytes.len(), out);
    out.extend(bytes.iter().take(length));
}

impl<T: Field> Field for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        let count = write_length(self.len(), out);
        self.iter().take(count).for_each(|item| item.write(out));
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let count = u16::read(input)?;
        (0..count).map(|_| T::read(input)).collect()
    }
}

impl Field for ScriptBuf {
    fn write(&self, out: &mut Vec<u8>) {
        write_bytes(self.as_bytes(), out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let length = u16::read(input)?;
        take(input, usize::from(length)).map(|bytes| Self::from_bytes(bytes.to_vec()))
    }
}

impl TlvValue for ScriptBuf {
    fn to_value(&self) -> Vec<u8> {
        self.to_bytes()
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self::from_bytes(value.to_vec()))
    }
}

impl TlvValue for String {
    fn to_value(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        std::str::from_utf8(value).map(ToOwned::to_owned).map_err(|_| DecodeError::NotUtf8)
    }
}

/// Appends a truncated integer: big-endian without its leading zero bytes.
pub fn write_truncated(value: u64, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    out.extend(bytes.iter().skip(zeros));
}

/// Reads a truncated integer of at most `most` bytes, which must take all of the bytes.
///
/// # Errors
/// [`DecodeError::TrailingBytes`] and [`DecodeError::NotMinimal`].
pub fn read_truncated(bytes: &[u8], most: usize) -> Result<u64, DecodeError> {
    if let Some(surplus) = bytes.len().checked_sub(most).filter(|surplus| *surplus > 0) {
        return Err(DecodeError::TrailingBytes(surplus));
    }
    let value = bytes.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    if bytes.first() == Some(&0) { Err(DecodeError::NotMinimal(value)) } else { Ok(value) }
}

/// Integers as values of TLV records: truncated (`tu16`, `tu32`, `tu64`).
macro_rules! truncated {
    ($($type:ty: $inner:ty, $get:expr, $make:expr;)*) => {$(
        impl TlvValue for $type {
            fn to_value(&self) -> Vec<u8> {
                let get: fn(&Self) -> $inner = $get;
                let mut value = Vec::new();
                write_truncated(u64::from(get(self)), &mut value);
                value
            }
            fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
                let value = read_truncated(value, size_of::<$inner>())?;
                let narrow = <$inner>::try_from(value);
                narrow.map($make).map_err(|_| DecodeError::TrailingBytes(0))
            }
        }
    )*};
}
truncated! {
    u16: u16, |n| *n, |n| n;
    u32: u32, |n| *n, |n| n;
    u64: u64, |n| *n, |n| n;
    Msat: u64, |m| m.0, Msat;
    CltvExpiry: u32, |c| c.0, CltvExpiry;
}

/// Fields of a fixed length that are also the whole value of a TLV record.
macro_rules! whole_values {
    ($($type:ty),* $(,)?) => {$(
        impl TlvValue for $type {
            fn to_value(&self) -> Vec<u8> {
                let mut value = Vec::new();
                self.write(&mut value);
                value
            }
            fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
                $crate::bolt::wire::codec::whole(value)
            }
        }
    )*};
}
pub(crate) use whole_values;
whole_values!(PublicKey, Signature, ChainHash, Txid, sha256::Hash);

/// Reads a field that must take all of the bytes.
///
/// # Errors
/// Those of the field, and [`DecodeError::TrailingBytes`].
pub fn whole<T: Field>(mut value: &[u8]) -> Result<T, DecodeError> {
    let field = T::read(&mut value)?;
    if value.is_empty() { Ok(field) } else { Err(DecodeError::TrailingBytes(value.len())) }
}

/// Writes a number in the shortest of BigSize's forms.
pub fn write_big_size(value: u64, out: &mut Vec<u8>) {
    match (u8::try_from(value), u16::try_from(value), u32::try_from(value)) {
        (Ok(byte @ ..=0xfc), _, _) => byte.write(out),
        (_, Ok(short), _) => {
            0xfd_u8.write(out);
            short.write(out);
        }
        (_, _, Ok(int)) => {
            0xfe_u8.write(out);
            int.write(out);
        }
        _ => {
            0xff_u8.write(out);
            value.write(out);
        }
    }
}

/// Reads a BigSize, which must be in its shortest form.
///
/// # Errors
/// [`DecodeError::Truncated`] and [`DecodeError::NotMinimal`].
pub fn read_big_size(input: &mut &[u8]) -> Result<u64, DecodeError> {
    let (value, least) = match u8::read(input)? {
        0xff => (u64::read(input)?, 0x1_0000_0000),
        0xfe => (u64::from(u32::read(input)?), 0x1_0000),
        0xfd => (u64::from(u16::read(input)?), 0xfd),
        byte => (u64::from(byte), 0),
    };
    if value < least { Err(DecodeError::NotMinimal(value)) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn big_size_takes_its_shortest_form_only() {
        for (value, length) in [(0, 1), (0xfc, 1), (0xfd, 3), (0xffff, 3), (0x1_0000, 5)] {
            let mut bytes = Vec::new();
            write_big_size(value, &mut bytes);
            assert_eq!(bytes.len(), length, "{value}");
            assert_eq!(read_big_size(&mut bytes.as_slice()), Ok(value));
        }
        assert_eq!(
            read_big_size(&mut [0xfd, 0, 0xfc].as_slice()),
            Err(DecodeError::NotMinimal(0xfc))
        );
    }
}

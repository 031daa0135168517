//! The arrays of the query messages. BOLT 7, "Query Messages".
//!
//! ```text
//!   encoded_short_ids:      0 | short_channel_id ...                  8 bytes each, ascending
//!   encoded_query_flags:    0 | bigsize ...                           one an id
//!   encoded_timestamps:     0 | timestamp_node_id_1, ..._2 ...        8 bytes an id
//!   checksums:                  checksum_node_id_1, ..._2 ...         8 bytes an id
//! ```
//! The first byte is the encoding type. Type 1 was zlib, and is refused without a look at what
//! follows it: no reader here makes more of an array than its bytes hold.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bolt::units::ShortChannelId;
use crate::bolt::wire::codec::{DecodeError, Field, read_big_size, whole, write_big_size};
use crate::bolt::wire::{BigSize, Bytes, ChannelUpdateChecksums};

/// The encoding type of an array that stands as it is.
const UNCOMPRESSED: u8 = 0;
/// The encoding type that must not be used any more.
const ZLIB: u8 = 1;
/// How many bytes a `short_channel_id`, two timestamps or two checksums take.
const WIDTH: usize = 8;

/// Why bytes are no such array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodingError {
    /// There is not even an encoding type.
    #[error("read an array: it has no encoding type")]
    NoEncodingType,
    /// Encoding type 1, which must not be used.
    #[error("read an array: zlib (encoding type 1) must not be used")]
    Compressed,
    /// An encoding type that nobody has defined.
    #[error("read an array: the encoding type {0} is not defined")]
    UnknownEncodingType(u8),
    /// The items do not fill the bytes.
    #[error("read an array of items of {WIDTH} bytes: {surplus} left over")]
    NotWhole {
        /// How many bytes follow the last whole item.
        surplus: usize,
    },
    /// A `short_channel_id` that is less than the one before.
    #[error("read short_channel_ids: {next} after {previous} at position {position}")]
    OutOfOrder {
        /// The position of the second one, from 0.
        position: usize,
        /// The one before.
        previous: ShortChannelId,
        /// The one that came too late.
        next: ShortChannelId,
    },
    /// A `short_channel_id` that stands there twice.
    #[error("read short_channel_ids: {id} again at position {position}")]
    Duplicate {
        /// The position of the second one, from 0.
        position: usize,
        /// The id.
        id: ShortChannelId,
    },
    /// A query flag that cannot be read.
    #[error("read the query flag at position {position}: {error}")]
    QueryFlag {
        /// Its position, from 0.
        position: usize,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// Not one item for each `short_channel_id`.
    #[error("read an array: {actual} items for {expected} short_channel_ids")]
    Count {
        /// How many ids there are.
        expected: usize,
        /// How many items there are.
        actual: usize,
    },
}

/// Declares a bit field with a name for each bit that BOLT 7 has given a meaning.
macro_rules! bits {
    ($(#[$doc:meta])* $name:ident { $($(#[$bit_doc:meta])* $bit:literal $constant:ident,)* }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            $($(#[$bit_doc])* pub const $constant: Self = Self(1 << $bit);)*
            /// Each bit that has a meaning, with its name.
            pub const NAMES: &'static [(Self, &'static str)] =
                &[$((Self::$constant, stringify!($constant)),)*];
            /// All bits that have a meaning.
            pub const ALL: Self = Self($((1 << $bit) |)* 0);

            /// Whether all bits of the other one are set here.
            pub fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// The bits of both.
            #[must_use]
            pub fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// The bits that have no meaning.
            pub fn unknown(self) -> u64 {
                self.0 & !Self::ALL.0
            }
        }
    };
}

bits! {
    /// What the sender of `query_short_channel_ids` wants to have of a channel.
    QueryFlags {
        /// The `channel_announcement`.
        0 CHANNEL_ANNOUNCEMENT,
        /// The `channel_update` of `node_id_1`.
        1 CHANNEL_UPDATE_1,
        /// The `channel_update` of `node_id_2`.
        2 CHANNEL_UPDATE_2,
        /// The `node_announcement` of `node_id_1`.
        3 NODE_ANNOUNCEMENT_1,
        /// The `node_announcement` of `node_id_2`.
        4 NODE_ANNOUNCEMENT_2,
    }
}
bits! {
    /// What the sender of `query_channel_range` wants to have beside the ids.
    QueryOption {
        /// The timestamps of the `channel_update`s.
        0 TIMESTAMPS,
        /// The checksums of the `channel_update`s.
        1 CHECKSUMS,
    }
}

impl From<BigSize> for QueryOption {
    fn from(BigSize(bits): BigSize) -> Self {
        Self(bits)
    }
}

impl From<QueryOption> for BigSize {
    fn from(QueryOption(bits): QueryOption) -> Self {
        Self(bits)
    }
}

/// The timestamps of a channel's two `channel_update`s, in seconds since 1970; 0 where there is
/// none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelUpdateTimestamps {
    /// That of `node_id_1`.
    pub timestamp_node_id_1: u32,
    /// That of `node_id_2`.
    pub timestamp_node_id_2: u32,
}

impl Field for ChannelUpdateTimestamps {
    fn write(&self, out: &mut Vec<u8>) {
        self.timestamp_node_id_1.write(out);
        self.timestamp_node_id_2.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Ok(Self {
            timestamp_node_id_1: Field::read(input)?,
            timestamp_node_id_2: Field::read(input)?,
        })
    }
}

/// The array without its encoding type, which must be 0.
fn uncompressed(encoded: &[u8]) -> Result<&[u8], EncodingError> {
    match encoded.split_first() {
        None => Err(EncodingError::NoEncodingType),
        Some((&UNCOMPRESSED, array)) => Ok(array),
        Some((&ZLIB, _)) => Err(EncodingError::Compressed),
        Some((other, _)) => Err(EncodingError::UnknownEncodingType(*other)),
    }
}

/// The array cut into items, which must fill it.
fn items(array: &[u8]) -> Result<&[[u8; WIDTH]], EncodingError> {
    let (items, rest) = array.as_chunks();
    if rest.is_empty() { Ok(items) } else { Err(EncodingError::NotWhole { surplus: rest.len() }) }
}

fn counted(expected: usize, actual: usize) -> Result<(), EncodingError> {
    if expected == actual { Ok(()) } else { Err(EncodingError::Count { expected, actual }) }
}

/// Writes `encoded_short_ids`, in the order that is given: it should be ascending.
pub fn encode_short_ids(ids: &[ShortChannelId]) -> Bytes {
    let mut encoded = vec![UNCOMPRESSED];
    for id in ids {
        id.write(&mut encoded);
    }
    Bytes(encoded)
}

/// Reads `encoded_short_ids`, which must ascend strictly.
///
/// # Errors
/// Those of [`read_short_ids`] and of [`in_order`].
pub fn decode_short_ids(encoded: &[u8]) -> Result<Vec<ShortChannelId>, EncodingError> {
    let ids = read_short_ids(encoded)?;
    in_order(&ids).map(|()| ids)
}

/// Reads `encoded_short_ids` in whatever order they are: for a receiver that does not mind.
///
/// # Errors
/// [`EncodingError`]: no known encoding type, or not a whole number of ids.
pub fn read_short_ids(encoded: &[u8]) -> Result<Vec<ShortChannelId>, EncodingError> {
    let ids = items(uncompressed(encoded)?)?;
    Ok(ids.iter().map(|id| ShortChannelId(u64::from_be_bytes(*id))).collect())
}

/// Holds that each `short_channel_id` is greater than the one before.
///
/// # Errors
/// [`EncodingError::OutOfOrder`] and [`EncodingError::Duplicate`], whichever is the first.
pub fn in_order(ids: &[ShortChannelId]) -> Result<(), EncodingError> {
    for ((position, next), previous) in ids.iter().enumerate().skip(1).zip(ids) {
        if next < previous {
            let (previous, next) = (*previous, *next);
            return Err(EncodingError::OutOfOrder { position, previous, next });
        }
        if next == previous {
            return Err(EncodingError::Duplicate { position, id: *next });
        }
    }
    Ok(())
}

/// Writes the record `query_flags`, each flag in as few bytes as it needs.
pub fn encode_query_flags(flags: &[QueryFlags]) -> Bytes {
    let mut encoded = vec![UNCOMPRESSED];
    for flags in flags {
        write_big_size(flags.0, &mut encoded);
    }
    Bytes(encoded)
}

/// Reads the record `query_flags` for so many `short_channel_id`s. Bits without a meaning are kept.
///
/// # Errors
/// [`EncodingError`]: no known encoding type, a flag that is cut short or not in its shortest form,
/// or not one flag an id.
pub fn decode_query_flags(encoded: &[u8], count: usize) -> Result<Vec<QueryFlags>, EncodingError> {
    let mut rest = uncompressed(encoded)?;
    let mut flags = Vec::new();
    while !rest.is_empty() {
        let position = flags.len();
        let failed = |error| EncodingError::QueryFlag { position, error };
        flags.push(QueryFlags(read_big_size(&mut rest).map_err(failed)?));
    }
    counted(count, flags.len()).map(|()| flags)
}

/// Writes the record `timestamps_tlv`.
pub fn encode_timestamps(timestamps: &[ChannelUpdateTimestamps]) -> Bytes {
    let mut encoded = vec![UNCOMPRESSED];
    for both in timestamps {
        both.write(&mut encoded);
    }
    Bytes(encoded)
}

/// Reads the record `timestamps_tlv` for so many `short_channel_id`s.
///
/// # Errors
/// [`EncodingError`]: no known encoding type, not a whole number of pairs, or not one pair an id.
pub fn decode_timestamps(
    encoded: &[u8],
    count: usize,
) -> Result<Vec<ChannelUpdateTimestamps>, EncodingError> {
    let pairs = items(uncompressed(encoded)?)?;
    counted(count, pairs.len())?;
    // Eight bytes are never too few.
    let read = |pair: &[u8; WIDTH]| whole(pair).unwrap_or_default();
    Ok(pairs.iter().map(read).collect())
}

/// Holds that the record `checksums_tlv` has a pair for each of so many `short_channel_id`s. It has
/// no encoding type.
///
/// # Errors
/// [`EncodingError::Count`].
pub fn check_checksums(
    checksums: &[ChannelUpdateChecksums],
    count: usize,
) -> Result<(), EncodingError> {
    counted(count, checksums.len())
}

/// The greatest length of a message in bytes. BOLT 8, "Lightning Message Specification".
const MOST_BYTES: usize = 65_535;
/// `query_short_channel_ids` without ids: type, `chain_hash`, `len`, encoding type.
const EMPTY_QUERY: usize = 2 + 32 + 2 + 1;
/// `reply_channel_range` without ids: type, `chain_hash`, both numbers of blocks, `sync_complete`,
/// `len`, encoding type.
const EMPTY_REPLY: usize = 2 + 32 + 4 + 4 + 1 + 2 + 1;
/// The type and the length of a record that is too long for a length of one byte.
const RECORD: usize = 1 + 3;

/// How many items of so many bytes fit behind what else a message has.
fn fit(beside: usize, each: usize) -> usize {
    MOST_BYTES.saturating_sub(beside).checked_div(each).unwrap_or_default()
}

/// The most `short_channel_id`s that fit one `query_short_channel_ids` without `query_flags`.
pub fn most_in_query() -> usize {
    fit(EMPTY_QUERY, WIDTH)
}

/// The most `short_channel_id`s that fit one `query_short_channel_ids` with `query_flags` that have
/// only bits with a meaning: these take a byte each.
pub fn most_in_query_with_flags() -> usize {
    fit(EMPTY_QUERY.saturating_add(RECORD).saturating_add(1), WIDTH.saturating_add(1))
}

/// The most `short_channel_id`s that fit one `reply_channel_range` with these records.
pub fn most_in_reply(option: QueryOption) -> usize {
    let (mut beside, mut each) = (EMPTY_REPLY, WIDTH);
    // The timestamps have an encoding type, the checksums have none.
    for (asked, encoding_type) in [(QueryOption::TIMESTAMPS, 1), (QueryOption::CHECKSUMS, 0)] {
        if option.contains(asked) {
            beside = beside.saturating_add(RECORD).saturating_add(encoding_type);
            each = each.saturating_add(WIDTH);
        }
    }
    fit(beside, each)
}

#[cfg(test)]
mod tests;

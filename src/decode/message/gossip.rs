//! What the gossip's arrays, flags and addresses say. BOLT 7.

use serde_json::Value;

use super::words::{self, hex, text};
use crate::bolt::gossip::addresses::{AddressBreach, Addresses, decode_addresses};
use crate::bolt::gossip::encoded::{
    ChannelUpdateTimestamps, EncodingError, QueryFlags, QueryOption, check_checksums,
    decode_query_flags, decode_timestamps, in_order, read_short_ids,
};
use crate::bolt::wire::ChannelUpdateChecksums;
use crate::decode::date;

/// More items or addresses than this are only counted.
const MOST_ITEMS: usize = 10;

/// The words for a field of a query or of its answer; `ids` is how many `short_channel_id`s the
/// message has, if they can be read. `None` if the field is none of these.
pub(super) fn array(field: &str, value: &Value, ids: Option<usize>) -> Option<Vec<String>> {
    let bytes = || super::notes::bytes_of(value);
    Some(match field {
        "encoded_short_ids" => short_ids(&bytes()?),
        "query_flags" => counted(&bytes()?, ids, |bytes, count| {
            decode_query_flags(bytes, count).map(|flags| flags.into_iter().map(wanted).collect())
        }),
        "timestamps_tlv" => counted(&bytes()?, ids, |bytes, count| {
            decode_timestamps(bytes, count).map(|all| all.into_iter().map(both_dates).collect())
        }),
        "checksums_tlv" => checksums(&serde_json::from_value::<Vec<_>>(value.clone()).ok()?, ids),
        _ => return None,
    })
}

/// How many `short_channel_id`s this array has, if it can be read.
pub(super) fn count(encoded: &[u8]) -> Option<usize> {
    read_short_ids(encoded).ok().map(|ids| ids.len())
}

fn short_ids(bytes: &[u8]) -> Vec<String> {
    match read_short_ids(bytes) {
        Ok(ids) => {
            let shown = ids.iter().take(MOST_ITEMS).map(ToString::to_string).collect();
            let mut lines = and_more(shown, ids.len());
            lines.extend(in_order(&ids).err().map(complaint));
            lines
        }
        Err(error) => vec![format!("{} ({})", hex(bytes), without_place(error))],
    }
}

/// The items of an array that has one for each id.
fn counted(
    bytes: &[u8],
    ids: Option<usize>,
    read: impl Fn(&[u8], usize) -> Result<Vec<String>, EncodingError>,
) -> Vec<String> {
    let asked = read(bytes, ids.unwrap_or_default());
    let (items, complaint) = match asked {
        // The items are shown, whatever their number.
        Err(error @ EncodingError::Count { actual, .. }) => {
            (read(bytes, actual), ids.map(|_| complaint(error)))
        }
        other => (other, None),
    };
    match items {
        Ok(items) => {
            let (length, shown) = (items.len(), items.into_iter().take(MOST_ITEMS));
            let shown = (1..).zip(shown).map(|(at, item)| format!("{at}: {item}")).collect();
            and_more(shown, length).into_iter().chain(complaint).collect()
        }
        Err(error) => vec![format!("{} ({})", hex(bytes), without_place(error))],
    }
}

fn checksums(all: &[ChannelUpdateChecksums], ids: Option<usize>) -> Vec<String> {
    let one = |sum| if sum == 0 { "none".to_owned() } else { format!("{sum:08x}") };
    let line = |(at, sums): (usize, &ChannelUpdateChecksums)| {
        let (first, second) = (one(sums.checksum_node_id_1), one(sums.checksum_node_id_2));
        format!("{at}: node_id_1 {first}, node_id_2 {second}")
    };
    let shown = (1..).zip(all.iter().take(MOST_ITEMS)).map(line).collect();
    let wrong = ids.and_then(|ids| check_checksums(all, ids).err());
    and_more(shown, all.len()).into_iter().chain(wrong.map(complaint)).collect()
}

/// What of a channel is asked for.
fn wanted(flags: QueryFlags) -> String {
    if flags == QueryFlags::ALL {
        return "all".to_owned();
    }
    bits(QueryFlags::NAMES.iter().map(|(bit, name)| (bit.0, *name)), flags.0)
}

/// What is asked for beside the ids.
pub(super) fn option(flags: u64) -> String {
    bits(QueryOption::NAMES.iter().map(|(bit, name)| (bit.0, *name)), flags)
}

/// The names of the bits that are set, and those that have none.
fn bits<'a>(names: impl Iterator<Item = (u64, &'a str)>, set: u64) -> String {
    let mut unknown = set;
    let mut said = Vec::new();
    for (bit, name) in names.filter(|(bit, _)| set & bit != 0) {
        unknown &= !bit;
        said.push(name.to_lowercase());
    }
    if unknown != 0 {
        said.push(format!("{unknown:#x} without a meaning"));
    }
    if said.is_empty() { "nothing".to_owned() } else { said.join(", ") }
}

fn both_dates(both: ChannelUpdateTimestamps) -> String {
    let one = |seconds| match seconds {
        0 => "none".to_owned(),
        seconds => format!("{seconds} ({})", date::date(u64::from(seconds))),
    };
    let (first, second) = (one(both.timestamp_node_id_1), one(both.timestamp_node_id_2));
    format!("node_id_1 {first}, node_id_2 {second}")
}

fn and_more(mut lines: Vec<String>, length: usize) -> Vec<String> {
    if length == 0 {
        lines.push("none".to_owned());
    }
    if length > lines.len().max(1) {
        lines.push(format!("and {} more", length - lines.len()));
    }
    lines
}

fn complaint(error: EncodingError) -> String {
    format!("wrong: {}", without_place(error))
}

/// The error without what was to be read: the column before says it.
fn without_place(error: EncodingError) -> String {
    let text = error.to_string();
    text.split_once(": ").map_or(text.clone(), |(_, what)| what.to_owned())
}

/// The flags of a `channel_update`: whose it is, and whether the channel is in use.
pub(super) fn channel_flags(flags: u64) -> String {
    let from = if flags & 1 == 0 { "node_id_1" } else { "node_id_2" };
    let disabled = if flags & 2 == 2 { ", disabled" } else { "" };
    format!("from {from}{disabled}{}", without_meaning(flags))
}

/// The flags of a `channel_update`: who may have it.
pub(super) fn message_flags(flags: u64) -> String {
    let relayed = if flags & 2 == 2 { "not to be relayed" } else { "to be relayed" };
    let one = if flags & 1 == 0 { "; must_be_one is 0" } else { "" };
    format!("{relayed}{one}{}", without_meaning(flags))
}

/// The bits above the two that both flags have.
fn without_meaning(flags: u64) -> String {
    let unknown = flags & !3;
    if unknown == 0 { String::new() } else { format!("; {unknown:#04x} has no meaning") }
}

/// The alias of a node, whose zeros behind it are left out.
pub(super) fn alias(bytes: &[u8]) -> Vec<String> {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let alias = &bytes[..end];
    let mut lines = vec![text(alias)];
    if std::str::from_utf8(alias).is_err() {
        lines.push("wrong: not UTF-8".to_owned());
    }
    if alias.contains(&0) {
        lines.push("wrong: zeros within it".to_owned());
    }
    lines
}

/// The addresses of a node, one a line, and what is wrong with them.
pub(super) fn addresses(bytes: &[u8]) -> Vec<String> {
    let (addresses, short) = match decode_addresses(bytes) {
        Ok(addresses) => (addresses, None),
        Err(short) => {
            let before = decode_addresses(&bytes[..short.offset]).unwrap_or_default();
            let rest = hex(&bytes[short.offset..]);
            (before, Some(format!("{rest} (no whole address of type {})", short.descriptor)))
        }
    };
    let shown = addresses.known.iter().take(MOST_ITEMS).map(words::address);
    let mut lines: Vec<String> = shown.collect();
    if let Some(more) = addresses.known.len().checked_sub(MOST_ITEMS).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines.extend(short);
    lines.extend(unknown(&addresses));
    lines.extend(addresses.breaches().into_iter().map(blame));
    lines
}

/// What must not be is wrong; what should not be is said as well.
fn blame(breach: AddressBreach) -> String {
    match breach {
        AddressBreach::TorV2 | AddressBreach::ZeroType => format!("should not be: {breach}"),
        AddressBreach::NotAscending { .. }
        | AddressBreach::PortZero { .. }
        | AddressBreach::Hostnames { .. }
        | AddressBreach::HostnameNotAscii => format!("wrong: {breach}"),
    }
}

fn unknown(addresses: &Addresses) -> Option<String> {
    let (descriptor, rest) = addresses.rest.0.split_first()?;
    Some(format!("type {descriptor} and what follows: {} (ignored)", hex(rest)))
}

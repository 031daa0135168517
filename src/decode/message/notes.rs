//! What a value means, where its kind alone does not say it.

use bitcoin::hex::FromHex;
use serde_json::Value;

use super::words::{hex, text};
use crate::bolt::onion::Failure;
use crate::bolt::units::ShortChannelId;
use crate::bolt::wire::Address;
use crate::bolt::wire::codec::Field;
use crate::decode::date;

/// More `short_channel_id`s or addresses than this are only counted.
const MOST_ITEMS: usize = 10;

/// The words for a field of a message, and what is to be added to them.
pub(super) fn with(message: &str, field: &str, value: &Value, words: Vec<String>) -> Vec<String> {
    let number = value.as_u64();
    let meaning = match (message, field) {
        ("error" | "warning", "channel_id") if is_zero(value) => {
            Some("all channels, or none in particular".to_owned())
        }
        (_, "timestamp" | "first_timestamp") => number.map(date::date),
        ("open_channel" | "open_channel2", "channel_flags") => number.map(announce),
        ("channel_update", "channel_flags") => number.map(direction),
        ("channel_update", "message_flags") => number.map(relayed),
        ("update_fail_malformed_htlc", "failure_code") => number.map(failure),
        ("stfu", "initiator") => number.map(|flag| match flag {
            0 => "it answers an stfu".to_owned(),
            _ => "the sender wants the channel to be quiet".to_owned(),
        }),
        (_, "message_type") => number.and_then(name_of_type),
        (_, "onion_routing_packet" | "onion_message_packet") => {
            Some("`boltlab decode onion` peels it".to_owned())
        }
        (_, "prevtx") => Some("`boltlab decode tx` explains it".to_owned()),
        _ => None,
    };
    match (message, field, bytes_of(value)) {
        ("node_announcement", "alias", Some(bytes)) => {
            let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            vec![text(&bytes[..end])]
        }
        ("node_announcement", "addresses", Some(bytes)) if !bytes.is_empty() => addresses(&bytes),
        (_, "encoded_short_ids", Some(bytes)) => short_ids(&bytes).unwrap_or(words),
        _ => add(words, meaning),
    }
}

fn add(mut words: Vec<String>, meaning: Option<String>) -> Vec<String> {
    if let (Some(last), Some(meaning)) = (words.last_mut(), meaning) {
        *last = match last.strip_suffix(')') {
            Some(noted) => format!("{noted}; {meaning})"),
            None => format!("{last} ({meaning})"),
        };
    }
    words
}

fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    value.as_str().and_then(|digits| Vec::from_hex(digits).ok())
}

fn is_zero(value: &Value) -> bool {
    bytes_of(value).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
}

fn announce(flags: u64) -> String {
    if flags & 1 == 1 { "the channel is to be announced" } else { "it is not to be announced" }
        .to_owned()
}

fn direction(flags: u64) -> String {
    let from = if flags & 1 == 0 { "node_id_1" } else { "node_id_2" };
    let disabled = if flags & 2 == 2 { ", disabled" } else { "" };
    format!("from {from}{disabled}")
}

fn relayed(flags: u64) -> String {
    if flags & 2 == 2 { "not to be relayed" } else { "to be relayed" }.to_owned()
}

fn failure(code: u64) -> String {
    let known = Failure::CODES.iter().find(|(known, _)| u64::from(*known) == code);
    known.map_or_else(|| "no code that BOLT 4 has".to_owned(), |(_, name)| (*name).to_owned())
}

fn name_of_type(number: u64) -> Option<String> {
    let mut rules = crate::bolt::wire::Message::RULES.iter();
    rules.find(|rule| u64::from(rule.number) == number).map(|rule| rule.name.to_owned())
}

fn addresses(mut bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while !bytes.is_empty() && lines.len() < MOST_ITEMS {
        let start = bytes;
        let Ok(address) = Address::read(&mut bytes) else {
            lines.push(format!("{} (no whole address)", hex(start)));
            return lines;
        };
        lines.push(super::words::address(&address));
    }
    if !bytes.is_empty() {
        lines.push(format!("and {} bytes more", bytes.len()));
    }
    lines
}

/// BOLT 7, "Query Messages": the byte 0, and the ids one after the other.
fn short_ids(bytes: &[u8]) -> Option<Vec<String>> {
    let (ids, rest) = bytes.strip_prefix(&[0])?.as_chunks::<8>();
    if !rest.is_empty() {
        return None;
    }
    let shown = ids.iter().take(MOST_ITEMS);
    let mut lines: Vec<_> =
        shown.map(|id| ShortChannelId(u64::from_be_bytes(*id)).to_string()).collect();
    if ids.len() > MOST_ITEMS {
        lines.push(format!("and {} more", ids.len() - MOST_ITEMS));
    }
    if ids.is_empty() {
        lines.push("none".to_owned());
    }
    Some(lines)
}

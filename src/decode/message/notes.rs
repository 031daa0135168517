//! What a value means, where its kind alone does not say it.

use bitcoin::hex::FromHex;
use serde_json::Value;

use super::gossip;
use crate::bolt::onion::Failure;
use crate::decode::date;

/// What else a message says that a field is to be seen with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    /// The message's name.
    pub(super) message: &'a str,
    /// How many `short_channel_id`s it has, if it has some that can be read.
    pub(super) ids: Option<usize>,
}

/// The words for a field of a message, and what is to be added to them.
pub(super) fn with(
    Around { message, ids }: Around<'_>,
    field: &str,
    value: &Value,
    words: Vec<String>,
) -> Vec<String> {
    let number = value.as_u64();
    let meaning = match (message, field) {
        ("error" | "warning", "channel_id") if is_zero(value) => {
            Some("all channels, or none in particular".to_owned())
        }
        (_, "timestamp" | "first_timestamp") => number.map(date::date),
        ("open_channel" | "open_channel2", "channel_flags") => number.map(announce),
        ("channel_update", "channel_flags") => number.map(gossip::channel_flags),
        ("channel_update", "message_flags") => number.map(gossip::message_flags),
        (_, "query_option") => number.map(gossip::option),
        (_, "sync_complete") => number.map(|flag| match flag {
            0 => "more replies follow".to_owned(),
            _ => "the last reply".to_owned(),
        }),
        (_, "full_information") => number.map(|flag| match flag {
            0 => "the sender does not keep this chain".to_owned(),
            _ => "the sender keeps this chain".to_owned(),
        }),
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
        ("node_announcement", "alias", Some(bytes)) => gossip::alias(&bytes),
        ("node_announcement", "addresses", Some(bytes)) if !bytes.is_empty() => {
            gossip::addresses(&bytes)
        }
        _ => gossip::array(field, value, ids).unwrap_or_else(|| add(words, meaning)),
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

/// The bytes of a value that is hex.
pub(super) fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    value.as_str().and_then(|digits| Vec::from_hex(digits).ok())
}

fn is_zero(value: &Value) -> bool {
    bytes_of(value).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
}

fn announce(flags: u64) -> String {
    if flags & 1 == 1 { "the channel is to be announced" } else { "it is not to be announced" }
        .to_owned()
}

fn failure(code: u64) -> String {
    let known = Failure::CODES.iter().find(|(known, _)| u64::from(*known) == code);
    known.map_or_else(|| "no code that BOLT 4 has".to_owned(), |(_, name)| (*name).to_owned())
}

fn name_of_type(number: u64) -> Option<String> {
    let mut rules = crate::bolt::wire::Message::RULES.iter();
    rules.find(|rule| u64::from(rule.number) == number).map(|rule| rule.name.to_owned())
}

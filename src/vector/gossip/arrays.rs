//! What the arrays of queries hold, and the addresses of nodes.

use serde::Serialize;

use super::{Expected, Refused, text};
use crate::bolt::gossip::addresses::{Addresses, decode_addresses, encode_addresses};
use crate::bolt::gossip::encoded::{
    EncodingError, QueryFlags, check_checksums, decode_query_flags, decode_short_ids,
    decode_timestamps, encode_query_flags, encode_short_ids, encode_timestamps,
};
use crate::bolt::units::ShortChannelId;
use crate::bolt::wire::{Address, Bytes, Message};
use crate::vector::{check::Checks, hex::Hex, offer::Named};

/// What could be read of the arrays, and what they are when they are written again.
#[derive(Default)]
struct Arrays {
    short_channel_ids: Option<Vec<ShortChannelId>>,
    query_flags: Option<Vec<QueryFlags>>,
    timestamps: Option<Vec<super::ChannelUpdateTimestamps>>,
    refused: Option<Refused>,
}

impl Arrays {
    /// Keeps what was read; of what is refused, the first counts.
    fn keep<T>(&mut self, field: &'static str, read: Result<T, EncodingError>) -> Option<T> {
        let refused = |error: &EncodingError| Refused { name: error.name(), field };
        self.refused = self.refused.take().or(read.as_ref().err().map(refused));
        read.ok()
    }

    fn ids(&mut self, encoded: &Bytes) -> usize {
        self.short_channel_ids = self.keep("encoded_short_ids", decode_short_ids(&encoded.0));
        self.short_channel_ids.as_ref().map_or(0, Vec::len)
    }
}

/// Compares what the arrays of a message hold, and writes them again.
pub(super) fn check(
    expected: &Expected,
    message: &Message,
    checks: &mut Checks,
) -> Option<Refused> {
    let mut arrays = Arrays::default();
    let (mut option, mut sums, mut addresses) = (None, None, None);
    match message {
        Message::QueryShortChannelIds(query) => {
            let count = arrays.ids(&query.encoded_short_ids);
            if let Some(flags) = query.query_flags.as_ref().filter(|_| arrays.refused.is_none()) {
                arrays.query_flags =
                    arrays.keep("query_flags", decode_query_flags(&flags.0, count));
            }
        }
        Message::QueryChannelRange(query) => option = query.query_option.map(|option| option.0),
        Message::ReplyChannelRange(reply) => {
            let count = arrays.ids(&reply.encoded_short_ids);
            if let Some(both) = reply.timestamps_tlv.as_ref().filter(|_| arrays.refused.is_none()) {
                arrays.timestamps =
                    arrays.keep("timestamps_tlv", decode_timestamps(&both.0, count));
            }
            sums = reply.checksums_tlv.as_ref().map(|sums| sums.0.clone());
            if let Some(sums) = sums.as_ref().filter(|_| arrays.refused.is_none()) {
                arrays.keep("checksums_tlv", check_checksums(sums, count));
            }
        }
        Message::NodeAnnouncement(node) => addresses = Some(&node.addresses),
        _ => {}
    }
    checks.equal("expected.query_option", &text(expected.query_option), &text(option));
    checks.equal("expected.checksums", &line(expected.checksums.as_ref()), &line(sums.as_ref()));
    written_again(&arrays, message, checks);
    compare(expected, &arrays, checks);
    check_addresses(expected, addresses, checks).or(arrays.refused)
}

fn compare(expected: &Expected, arrays: &Arrays, checks: &mut Checks) {
    let ids = arrays.short_channel_ids.as_ref();
    let ids = ids.map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    let wanted = line(expected.short_channel_ids.as_ref());
    checks.equal("expected.short_channel_ids", &wanted, &line(ids.as_ref()));
    let wanted = line(expected.query_flags.as_ref());
    checks.equal("expected.query_flags", &wanted, &line(arrays.query_flags.as_ref()));
    let wanted = line(expected.timestamps.as_ref());
    checks.equal("expected.timestamps", &wanted, &line(arrays.timestamps.as_ref()));
}

/// What was read encodes to the array that it came from.
fn written_again(arrays: &Arrays, message: &Message, checks: &mut Checks) {
    let mut again = message.clone();
    let ids = arrays.short_channel_ids.as_deref().map(encode_short_ids);
    match &mut again {
        Message::QueryShortChannelIds(query) => {
            query.encoded_short_ids = ids.unwrap_or_else(|| query.encoded_short_ids.clone());
            let flags = arrays.query_flags.as_deref().map(encode_query_flags);
            query.query_flags = flags.or_else(|| query.query_flags.clone());
        }
        Message::ReplyChannelRange(reply) => {
            reply.encoded_short_ids = ids.unwrap_or_else(|| reply.encoded_short_ids.clone());
            let both = arrays.timestamps.as_deref().map(encode_timestamps);
            reply.timestamps_tlv = both.or_else(|| reply.timestamps_tlv.clone());
        }
        _ => return,
    }
    checks.bytes("message", &Hex(message.encode()), &again.encode());
}

/// Compares the addresses of a node.
fn check_addresses(
    expected: &Expected,
    encoded: Option<&Bytes>,
    checks: &mut Checks,
) -> Option<Refused> {
    let read = encoded.map(|encoded| decode_addresses(&encoded.0));
    let known = read.as_ref().and_then(|read| read.as_ref().ok());
    let list = |addresses: Vec<&Address>| {
        addresses.into_iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let all = known.map(|all| list(all.known.iter().collect()));
    let usable = known.map(|all| list(all.usable().collect()));
    checks.equal("expected.addresses", &line(expected.addresses.as_ref()), &line(all.as_ref()));
    checks.equal("expected.usable", &line(expected.usable.as_ref()), &line(usable.as_ref()));
    let nothing = Hex(Vec::new());
    let wanted = expected.unknown_addresses.as_ref().unwrap_or(&nothing);
    checks.bytes("expected.unknown_addresses", wanted, known.map_or(&[], |all| &all.rest.0));
    if let (Some(encoded), Some(known)) = (encoded, known) {
        checks.bytes("message", &Hex(encoded.0.clone()), &encode_addresses(known).0);
    }
    match read {
        Some(Err(_)) => Some(Refused { name: "Addresses::TooShort", field: "addresses" }),
        Some(Ok(Addresses { .. })) | None => None,
    }
}

/// A list as one comparable line.
fn line(value: Option<&impl Serialize>) -> String {
    value.map_or("none".to_owned(), |value| serde_json::to_string(value).unwrap_or_default())
}

//! The fields of payloads in words: what each asks its hop to do.

use crate::bolt::onion::{BlindedPath, EncryptedData, NodeOrChannel, OnionMessagePayload, Payload};
use crate::bolt::units::Msat;
use crate::bolt::wire::Bytes;
use crate::bolt::wire::tlv::TlvRecord;

/// A field: its name, its value, and what it means.
pub(super) type Row = (String, String, &'static str);

#[allow(clippy::needless_pass_by_value, reason = "most values are made for it")]
fn row(name: &str, value: impl ToString, meaning: &'static str) -> Row {
    (name.to_owned(), value.to_string(), meaning)
}

fn msat(amount: Msat) -> String {
    format!("{amount} msat")
}

/// Bytes as a person takes them in: all of a few, else how many they are.
fn some(bytes: &Bytes) -> String {
    match bytes.0.len() {
        0 => "nothing".to_owned(),
        1..=40 => bytes.to_string(),
        length => format!("{length} bytes"),
    }
}

/// `payload` of a payment.
pub(super) fn payment(payload: &Payload, last: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(amount) = payload.amt_to_forward {
        let meaning =
            if last { "what the HTLC must bring" } else { "what to send on; the rest is the fee" };
        rows.push(row("amt_to_forward", msat(amount), meaning));
    }
    if let Some(expiry) = payload.outgoing_cltv_value {
        let meaning = if last {
            "the block height before which the HTLC must not expire"
        } else {
            "the block height at which the HTLC that is sent on expires"
        };
        rows.push(row("outgoing_cltv_value", expiry, meaning));
    }
    if let Some(channel) = payload.short_channel_id {
        rows.push(row("short_channel_id", channel, "the channel to send it over"));
    }
    if let Some(data) = payload.payment_data {
        let meaning = "proves that the payer has the invoice";
        rows.push(row("payment_secret", data.payment_secret, meaning));
        let meaning = "the whole payment; other HTLCs bring what this one lacks";
        rows.push(row("total_msat", msat(data.total_msat), meaning));
    }
    if let Some(data) = &payload.encrypted_recipient_data {
        let meaning = "what the recipient, who made the blinded path, tells this hop";
        rows.push(row("encrypted_recipient_data", some(data), meaning));
    }
    if let Some(key) = payload.current_path_key {
        let meaning = "decrypts that: a blinded path begins here";
        rows.push(row("current_path_key", key, meaning));
    }
    if let Some(metadata) = &payload.payment_metadata {
        let meaning = "the recipient's own, from the invoice";
        rows.push(row("payment_metadata", some(metadata), meaning));
    }
    if let Some(amount) = payload.total_amount_msat {
        let meaning = "the whole payment; other HTLCs bring what this one lacks";
        rows.push(row("total_amount_msat", msat(amount), meaning));
    }
    if let Some(preimage) = payload.keysend_preimage {
        let meaning = "the preimage itself: nobody asked for this payment";
        rows.push(row("keysend_preimage", preimage, meaning));
    }
    unknown(&payload.unknown, &mut rows);
    rows
}

/// `onionmsg_tlv`.
pub(super) fn message(payload: &OnionMessagePayload) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(path) = &payload.reply_path {
        rows.push(row("reply_path", blinded_path(path), "the way back, for an answer"));
    }
    if let Some(data) = &payload.encrypted_recipient_data {
        let meaning = "what the creator of the path tells this hop";
        rows.push(row("encrypted_recipient_data", some(data), meaning));
    }
    let contents = [
        ("invoice_request", &payload.invoice_request, "asks for an invoice"),
        ("invoice", &payload.invoice, "an invoice"),
        ("invoice_error", &payload.invoice_error, "says what was wrong with one of those"),
    ];
    for (name, content, meaning) in contents {
        rows.extend(content.as_ref().map(|content| row(name, some(content), meaning)));
    }
    unknown(&payload.unknown, &mut rows);
    rows
}

fn blinded_path(path: &BlindedPath) -> String {
    let first = match path.first_node_id {
        NodeOrChannel::Node(id) => id.to_string(),
        NodeOrChannel::FirstOf(channel) => format!("the first node of {channel}"),
        NodeOrChannel::SecondOf(channel) => format!("the second node of {channel}"),
    };
    match path.path.len() {
        1 => format!("1 hop, {first}"),
        hops => format!("{hops} hops from {first}"),
    }
}

/// `encrypted_data_tlv`.
pub(super) fn recipient(data: &EncryptedData) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(padding) = &data.padding {
        let length = format!("{} bytes", padding.0.len());
        rows.push(row("padding", length, "makes all hops' data equally long"));
    }
    if let Some(channel) = data.short_channel_id {
        rows.push(row("short_channel_id", channel, "the channel to send it over"));
    }
    if let Some(id) = data.next_node_id {
        rows.push(row("next_node_id", id, "the node to send it to"));
    }
    if let Some(id) = &data.path_id {
        rows.push(row("path_id", some(id), "by which the recipient knows its path again"));
    }
    if let Some(key) = data.next_path_key_override {
        let meaning = "for the next hop, where another path goes on";
        rows.push(row("next_path_key_override", key, meaning));
    }
    if let Some(relay) = data.payment_relay {
        let meaning = "kept of each HTLC";
        rows.push(row("fee_base_msat", format!("{} msat", relay.fee_base_msat), meaning));
        let rate = relay.fee_proportional_millionths;
        let meaning = "millionths of what is sent on, kept too";
        rows.push(row("fee_proportional_millionths", rate, meaning));
        let meaning = "blocks that the HTLC sent on expires earlier";
        rows.push(row("cltv_expiry_delta", relay.cltv_expiry_delta, meaning));
    }
    if let Some(limits) = data.payment_constraints {
        let meaning = "the greatest block height at which an HTLC may expire";
        rows.push(row("max_cltv_expiry", limits.max_cltv_expiry, meaning));
        let meaning = "the smallest HTLC that may pass";
        rows.push(row("htlc_minimum_msat", msat(limits.htlc_minimum_msat), meaning));
    }
    if let Some(features) = &data.allowed_features {
        let bits: Vec<_> = features.bits().map(|bit| bit.to_string()).collect();
        let bits = if bits.is_empty() { "none".to_owned() } else { bits.join(", ") };
        rows.push(row("allowed_features", bits, "feature bits that the payment may use"));
    }
    unknown(&data.unknown, &mut rows);
    rows
}

fn unknown(records: &[TlvRecord], rows: &mut Vec<Row>) {
    let meaning = "unknown here; odd, so it may be passed over";
    rows.extend(
        records
            .iter()
            .map(|record| row(&format!("record {}", record.number), some(&record.value), meaning)),
    );
}

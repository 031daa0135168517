//! The rows of an explanation: one a field, with what it means.

use super::currency;
use crate::bolt::features::{Feature, Features};
use crate::bolt::offer::{Bolt12Invoice, InvoiceFields, InvoiceRequestFields, OfferFields};
use crate::bolt::onion::{BlindedPath, NodeOrChannel};
use crate::bolt::units::Msat;
use crate::bolt::wire::Repeated;
use crate::bolt::wire::tlv::TlvRecord;
use crate::decode::chain::chain_name;
use crate::decode::date;

/// A field's name and what is to be said about it, in one or more lines.
pub(super) struct Row(pub(super) &'static str, pub(super) Vec<String>);

#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    fn add<T>(&mut self, name: &'static str, value: Option<T>, say: impl FnOnce(T) -> String) {
        self.0.extend(value.map(|value| Row(name, vec![say(value)])));
    }

    fn lines(&mut self, name: &'static str, lines: Vec<String>) {
        if !lines.is_empty() {
            self.0.push(Row(name, lines));
        }
    }
}

/// The rows of an offer's fields. Without an issuer nor paths they are those of a request alone.
pub(super) fn offer(fields: &OfferFields) -> Vec<Row> {
    let mut rows = Rows::default();
    rows.add("for", fields.offer_description.as_ref(), |text| format!("{text:?}"));
    rows.add("price", fields.offer_amount, |amount| {
        price(amount, fields.offer_currency.as_deref())
    });
    rows.add("issuer", fields.offer_issuer.as_ref(), |text| {
        format!("{text:?} (what it calls itself: nothing proves it)")
    });
    rows.add("quantity", fields.offer_quantity_max, |most| match most {
        0 => "any number of items; a request must say how many".to_owned(),
        most => format!("up to {most} items; a request must say how many"),
    });
    rows.add("expires", fields.offer_absolute_expiry, |at| format!("{} ({at})", date::date(at)));
    let chains = fields.offer_chains.iter().flat_map(|chains| &chains.0);
    rows.lines("chains", chains.map(|chain| chain_name(*chain)).collect());
    rows.add("metadata", fields.offer_metadata.as_ref(), |bytes| {
        format!("{bytes} (for the issuer's own use)")
    });
    rows.lines("features", features(fields.offer_features.as_ref(), None));
    rows.lines("issuer id", issuer_id(fields));
    rows.lines("paths", paths(fields.offer_paths.as_ref()));
    rows.lines("unknown", unknown(&fields.unknown));
    rows.0
}

/// The rows of what a request adds.
pub(super) fn request(fields: &InvoiceRequestFields) -> Vec<Row> {
    let mut rows = Rows::default();
    rows.add("amount", fields.invreq_amount, msat);
    rows.add("quantity", fields.invreq_quantity, |quantity| format!("{quantity} items"));
    rows.add("note", fields.invreq_payer_note.as_ref(), |text| format!("{text:?}"));
    rows.add("name", fields.invreq_bip_353_name.as_ref(), |name| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{}@{} (where the offer was found)", text(&name.name.0), text(&name.domain.0))
    });
    rows.add("chain", fields.invreq_chain, chain_name);
    rows.add("payer id", fields.invreq_payer_id, |id| format!("{id} (pays)"));
    rows.add("metadata", fields.invreq_metadata.as_ref(), |bytes| {
        format!("{bytes} (for the payer's own use)")
    });
    rows.lines("features", features(fields.invreq_features.as_ref(), None));
    rows.lines("paths", paths(fields.invreq_paths.as_ref()));
    rows.lines("unknown", unknown(&fields.unknown));
    rows.add("signature", fields.signature, |_| "valid, by the payer id".to_owned());
    rows.0
}

/// The rows of what an invoice adds.
pub(super) fn invoice(invoice: &Bolt12Invoice, fields: &InvoiceFields) -> Vec<Row> {
    let mut rows = Rows::default();
    rows.add("amount", fields.invoice_amount, msat);
    rows.add("made", fields.invoice_created_at, |at| format!("{} ({at})", date::date(at)));
    let expiry = Some(invoice.expiry());
    rows.add("expires", expiry, |at| match fields.invoice_relative_expiry {
        Some(after) => format!("{} ({after} seconds later)", date::date(at)),
        None => format!("{} (7200 seconds later, as it does not say)", date::date(at)),
    });
    rows.add("hash", fields.invoice_payment_hash, |hash| {
        format!("{hash} (the payer gets its preimage)")
    });
    rows.add("node id", fields.invoice_node_id, |id| format!("{id} (signs the invoice)"));
    rows.lines("features", features(fields.invoice_features.as_ref(), Some(Feature::BASIC_MPP)));
    rows.lines("paths", paths(fields.invoice_paths.as_ref()));
    rows.lines("path costs", payinfos(fields));
    let fallbacks = fields.invoice_fallbacks.iter().flat_map(|fallbacks| &fallbacks.0);
    let fallbacks = fallbacks.map(|fallback| {
        let ignored = if fallback.is_usable() { "" } else { " (no witness program: ignored)" };
        format!("witness version {}: {}{ignored}", fallback.version, fallback.address)
    });
    rows.lines("fallbacks", fallbacks.collect());
    rows.lines("unknown", unknown(&fields.unknown));
    rows.add("signature", fields.signature, |_| "valid, by the node id".to_owned());
    rows.0
}

/// Who is asked, and who signs; neither is there in a request without an offer.
fn issuer_id(fields: &OfferFields) -> Vec<String> {
    let say = match (fields.offer_issuer_id, &fields.offer_paths) {
        (Some(id), None) => format!("{id} (is asked, and signs the invoice)"),
        (Some(id), Some(_)) => format!("{id} (is asked over a path, and signs the invoice)"),
        (None, Some(_)) => "none: the end of the path that is asked over signs".to_owned(),
        (None, None) => return Vec::new(),
    };
    vec![say]
}

fn price(amount: u64, code: Option<&str>) -> String {
    match code {
        None => format!("{} an item", msat(Msat(amount))),
        Some(code) => format!(
            "{} an item; the issuer converts it when it makes the invoice",
            currency::amount(code, amount)
        ),
    }
}

fn msat(amount: Msat) -> String {
    let (whole, part) = (amount.0 / 1000, amount.0 % 1000);
    let part = if part == 0 { String::new() } else { format!(".{part:03}") };
    format!("{amount} msat ({whole}{part} sat)")
}

fn features(features: Option<&Features>, known: Option<Feature>) -> Vec<String> {
    let bits = features.into_iter().flat_map(Features::bits);
    let say = |bit: u32| match (known.filter(|known| known.bit == bit & !1), bit % 2) {
        (Some(feature), 0) => format!("{} (bit {bit}): required", feature.name),
        (Some(feature), _) => format!("{} (bit {bit}): allowed", feature.name),
        (None, _) => format!("bit {bit}: not known, and odd: it may be ignored"),
    };
    bits.map(say).collect()
}

fn paths(paths: Option<&Repeated<BlindedPath>>) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, path) in (1..).zip(paths.into_iter().flat_map(|paths| &paths.0)) {
        let from = match path.first_node_id {
            NodeOrChannel::Node(id) => format!("node {id}"),
            NodeOrChannel::FirstOf(channel) => format!("the lesser node of channel {channel}"),
            NodeOrChannel::SecondOf(channel) => format!("the greater node of channel {channel}"),
        };
        lines.push(format!("{number}: begins at {from}"));
        lines.push(format!("   with the path key {}", path.first_path_key));
        let last = path.path.len();
        for (at, hop) in (1..).zip(&path.path) {
            let (id, length) = (hop.blinded_node_id, hop.encrypted_recipient_data.0.len());
            let end = if at == last { ", the end" } else { "" };
            lines.push(format!("   hop {at}: {id}, told {length} encrypted bytes{end}"));
        }
    }
    lines
}

fn payinfos(fields: &InvoiceFields) -> Vec<String> {
    let payinfos = fields.invoice_blindedpay.iter().flat_map(|payinfos| &payinfos.0);
    let say = |(number, pay): (usize, &crate::bolt::offer::BlindedPayinfo)| {
        let demands = pay.features.bits().map(|bit| format!(", feature bit {bit}"));
        format!(
            "{number}: {} msat + {} millionths, {} blocks, {} to {} msat{}",
            pay.fee_base_msat,
            pay.fee_proportional_millionths,
            pay.cltv_expiry_delta,
            pay.htlc_minimum_msat,
            pay.htlc_maximum_msat,
            demands.collect::<String>()
        )
    };
    (1..).zip(payinfos).map(say).collect()
}

fn unknown(records: &[TlvRecord]) -> Vec<String> {
    let say = |record: &TlvRecord| {
        let length = record.value.0.len();
        format!(
            "record {}, {length} bytes: {} (odd: it may be ignored)",
            record.number, record.value
        )
    };
    records.iter().map(say).collect()
}

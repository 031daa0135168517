//! BOLT 11: invoices, taken apart and made anew.

mod error;
mod field;

use bitcoin::hashes::{Hash, sha256};
use secp256k1::{SECP256K1, SecretKey};
use serde::Deserialize;

use self::field::Field;
use super::{check::Checks, hex::Hex};
use crate::bolt::invoice::{
    Invoice, InvoiceDraft, InvoiceError, InvoiceField, InvoiceNetwork, decode,
};
use crate::bolt::units::Msat;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    /// What the valid ones are signed with.
    private_key: Option<SecretKey>,
    tests: Vec<Test>,
}

super::load::topic! {
    invoice: String,
    error_start: Option<usize>,
    error_end: Option<usize>,
    expected: Option<Expected>,
}

/// What an invoice says, and what is signed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    network: String,
    amount_msat: Option<u64>,
    timestamp: u64,
    fields: Vec<Field>,
    expiry_seconds: u64,
    min_final_cltv_expiry_delta: u64,
    payee: Hex,
    signed_data: Hex,
    sha256: Hex,
    signature: Hex,
    recovery_id: u8,
    encoded: String,
    reproducible: bool,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let text = |place: Option<usize>| place.map_or("none".to_owned(), |at| at.to_string());
    let decoded = decode(&test.invoice);
    let blamed = decoded.as_ref().err().and_then(InvoiceError::position);
    let (start, end) = blamed.map_or((None, None), |place| (Some(place.start), Some(place.end)));
    checks.equal("error_start", &text(test.error_start), &text(start));
    checks.equal("error_end", &text(test.error_end), &text(end));
    match (&decoded, &test.expected) {
        (Ok(invoice), Some(expected)) => {
            check_values(expected, invoice, checks);
            check_fields(expected, invoice, checks);
            if let Some(key) = group.private_key.as_ref() {
                check_construction(expected, key, checks);
            }
            checks.holds("private_key", "the key is given", group.private_key.is_some());
        }
        (Ok(_), None) => checks.holds("expected", "it is there for a valid invoice", false),
        (Err(_), expected) => {
            checks.holds("expected", "it is not there for an invalid one", expected.is_none());
        }
    }
    decoded.err().map(|error| error::name(&error))
}

fn check_values(expected: &Expected, invoice: &Invoice, checks: &mut Checks) {
    let network = network_name(invoice.network());
    checks.equal("expected.network", &expected.network.as_str(), &network);
    let amount = |msat: Option<u64>| msat.map_or("none".to_owned(), |msat| msat.to_string());
    let actual = amount(invoice.amount().map(|Msat(msat)| msat));
    checks.equal("expected.amount_msat", &amount(expected.amount_msat), &actual);
    checks.equal("expected.timestamp", &expected.timestamp, &invoice.timestamp());
    checks.equal("expected.expiry_seconds", &expected.expiry_seconds, &invoice.expiry());
    let delta = invoice.min_final_cltv_expiry_delta();
    let name = "expected.min_final_cltv_expiry_delta";
    checks.equal(name, &expected.min_final_cltv_expiry_delta, &delta);
    checks.bytes("expected.payee", &expected.payee, &invoice.payee().serialize());
    let signed = invoice.signed_data();
    checks.bytes("expected.signed_data", &expected.signed_data, &signed);
    let hash = sha256::Hash::hash(&signed);
    checks.bytes("expected.sha256", &expected.sha256, hash.as_byte_array());
    checks.bytes("expected.signature", &expected.signature, &invoice.signature());
    checks.equal("expected.recovery_id", &expected.recovery_id, &invoice.recovery_id());
    checks.equal("expected.encoded", &expected.encoded, &invoice.encode());
}

fn check_fields(expected: &Expected, invoice: &Invoice, checks: &mut Checks) {
    let (fields, actual) = (&expected.fields, invoice.fields());
    checks.equal("expected.fields (how many)", &fields.len(), &actual.len());
    for (position, (field, actual)) in fields.iter().zip(actual).enumerate() {
        let name = format!("expected.fields[{position}]");
        if let Some(made) = checks.made(&name, field.make()) {
            checks.holds(&name, &format!("it is {:?}", actual.field), made == actual.field);
        }
        if let (Some(address), InvoiceField::Fallback(fallback)) = (field.address(), &actual.field)
        {
            let actual = fallback.address(invoice.network()).to_string();
            checks.equal(&format!("{name}.fallback.address"), &address, &actual.as_str());
        }
    }
}

/// Writes what is expected and signs it.
fn check_construction(expected: &Expected, key: &SecretKey, checks: &mut Checks) {
    if expected.reproducible {
        let payee = key.public_key(SECP256K1);
        checks.bytes("private_key", &expected.payee, &payee.serialize());
    }
    let network =
        InvoiceNetwork::ALL.into_iter().find(|network| network_name(*network) == expected.network);
    let network = checks.made("expected.network", network.ok_or("no such network"));
    let fields: Result<Vec<_>, _> = expected.fields.iter().map(Field::make).collect();
    let (Some(network), Ok(fields)) = (network, fields) else { return };
    let amount = expected.amount_msat.map(Msat);
    let draft = InvoiceDraft { network, amount, timestamp: expected.timestamp, fields };
    let Some(invoice) = checks.made("expected", draft.sign(key)) else { return };
    let is_same = invoice.encode() == expected.encoded;
    checks.equal("expected.reproducible", &expected.reproducible, &is_same);
    checks.holds("expected", "it can be read and written again", invoice.to_draft() == draft);
}

fn network_name(network: InvoiceNetwork) -> &'static str {
    match network {
        InvoiceNetwork::Bitcoin => "bitcoin",
        InvoiceNetwork::Testnet => "testnet",
        InvoiceNetwork::Signet => "signet",
        InvoiceNetwork::Regtest => "regtest",
    }
}

//! Invoices as a whole; `vectors/bolt11` has the values.

mod changes;
mod checks;
mod corrections;
mod round_trip;

use bech32::Fe32;
use secp256k1::{SECP256K1, SecretKey};

use super::{Invoice, InvoiceDraft, InvoiceField, InvoiceNetwork, decode, text};
use crate::bolt::units::Msat;
use crate::bolt::wire::{PaymentPreimage, PaymentSecret};

fn key() -> SecretKey {
    SecretKey::from_slice(&[0x42; 32]).unwrap()
}

/// An invoice that lacks nothing.
fn draft() -> InvoiceDraft {
    InvoiceDraft::new(InvoiceNetwork::Regtest, 1_700_000_000)
        .with_amount(Msat(1_000))
        .with(InvoiceField::PaymentHash(PaymentPreimage([7; 32]).hash()))
        .with(InvoiceField::PaymentSecret(PaymentSecret([9; 32])))
        .with(InvoiceField::Description("tea".to_owned()))
}

/// The same, and its payee is stated.
fn draft_with_payee() -> InvoiceDraft {
    draft().with(InvoiceField::Payee(key().public_key(SECP256K1)))
}

/// The string with other words in its data part, and a checksum that fits.
fn with_words(invoice: &str, change: impl FnOnce(&mut Vec<Fe32>)) -> String {
    let text::Text { prefix, mut words } = text::split(invoice).unwrap();
    change(&mut words);
    text::join(&prefix, &words)
}

/// All that an invoice says, its payee aside.
fn meaning(invoice: &Invoice) -> InvoiceDraft {
    invoice.to_draft()
}

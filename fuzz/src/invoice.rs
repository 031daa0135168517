//! Invoices of BOLT 11.

use bech32::Fe32;
use boltlab::bolt::invoice::{
    InvoiceDraft, InvoiceField, InvoiceNetwork, correction, decode, decode_partly,
};
use boltlab::bolt::units::Msat;
use secp256k1::SECP256K1;

use super::input::{Input, secret};

const PAYEE: u8 = 0x71;

/// Text, and an invoice whose fields hold anything.
pub fn invoice(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        written(text);
    }
    signed(&mut Input(data));
}

/// Text is an invoice, and comes back as it was, or is blamed for something that is in it.
fn written(text: &str) {
    match decode_partly(text) {
        Ok(invoice) => {
            assert_eq!(invoice.encode(), text.to_lowercase());
            assert_eq!(decode(&invoice.encode()), Ok(invoice));
        }
        Err(partial) => {
            let _ = partial.error.to_string();
            if let Some(blamed) = partial.error.position() {
                assert!(blamed.start <= blamed.end && blamed.end <= text.chars().count());
            }
            correction(text);
        }
    }
}

/// Fields of any type that hold anything, with a checksum and a signature that fit. What is taken
/// says the same when it is written again, and no character of its data can be another.
fn signed(input: &mut Input<'_>) {
    let network = InvoiceNetwork::ALL[usize::from(input.byte() % 4)];
    let mut draft = InvoiceDraft::new(network, u64::try_from(input.number()).unwrap_or_default());
    if let amount @ 1.. = input.byte() {
        draft = draft.with_amount(Msat(u64::from(amount).pow(1 + u32::from(amount % 7))));
    }
    let change = [input.byte(), input.byte(), input.byte()];
    while !input.0.is_empty() {
        let tag = word(input.byte());
        let length = match (tag, input.byte()) {
            (Fe32::P | Fe32::S | Fe32::H, odd) if odd % 8 > 0 => 52,
            (Fe32::N, odd) if odd % 8 > 0 => 53,
            (_, length) => usize::from(length),
        };
        let words = input.bytes(length).iter().copied().map(word).collect();
        draft = draft.with(InvoiceField::Other { tag, words });
    }
    let key = secret(PAYEE);
    let Ok(text) = draft.encode(&key) else { return };
    written(&text);
    let Ok(invoice) = decode(&text) else { return };
    assert_eq!(invoice.payee(), key.public_key(SECP256K1));
    let said = invoice.to_draft();
    let again = said.encode(&key).expect("it was written before");
    assert_eq!(decode(&again).map(|invoice| invoice.to_draft()), Ok(said));
    another_character(&text, &change);
}

fn another_character(text: &str, change: &[u8]) {
    let mut input = Input(change);
    let start = text.rfind('1').expect("it is an invoice") + 1;
    let at = start + input.number() % (text.len() - start);
    let other = word(input.byte()).to_char();
    let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
    assert!(changed == *text || decode(&changed).is_err(), "{changed}");
}

fn word(byte: u8) -> Fe32 {
    Fe32::try_from(byte % 32).expect("below 32")
}

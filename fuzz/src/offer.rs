//! Offers, requests, invoices and errors of BOLT 12.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use boltlab::bolt::offer::{Bolt12Invoice, InvoiceError, InvoiceRequest, Offer, merkle, string};

use super::input::Input;

/// Text, and the bytes of a stream.
pub fn offer(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        written(text);
    }
    tree(data);
    if let Ok(offer) = Offer::from_bytes(data.to_vec()) {
        assert_eq!(offer.fields().encode(), data);
        again(&offer);
        assert_eq!(Offer::from_str(&offer.to_qr_text()), Ok(offer));
    }
    if let Ok(request) = InvoiceRequest::from_bytes(data.to_vec()) {
        assert_eq!(request.fields().encode(), data);
        again(&request);
        let _ = request.offer();
        if request.fields().signature.is_some() {
            unsigned(data, |bytes| InvoiceRequest::from_bytes(bytes).is_ok());
        }
    }
    if let Ok(invoice) = Bolt12Invoice::from_bytes(data.to_vec()) {
        assert_eq!(invoice.fields().encode(), data);
        again(&invoice);
        assert!(invoice.usable_paths().count() <= data.len());
        unsigned(data, |bytes| Bolt12Invoice::from_bytes(bytes).is_ok());
    }
    if let Ok(error) = InvoiceError::from_bytes(data.to_vec()) {
        assert_eq!(error.fields().encode(), data);
    }
}

/// Text is a stream, and comes back as it was but for joins, or is blamed for something in it.
fn written(text: &str) {
    let length = text.chars().count();
    match string::decode(text) {
        Ok((kind, bytes)) => {
            assert!(bytes.len() <= text.len());
            let without_joins: String = text
                .chars()
                .filter(|found| *found != '+' && !found.is_whitespace())
                .map(|found| found.to_ascii_lowercase())
                .collect();
            assert_eq!(string::encode(kind, &bytes), without_joins);
            let all = string::characters(text, &(0..bytes.len()));
            assert!(all.start <= all.end && all.end <= length);
            offer(&bytes);
        }
        Err(error) => {
            let blamed = error.characters().unwrap_or_default();
            assert!(blamed.start <= blamed.end && blamed.end <= length);
        }
    }
}

fn again<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(value: &T) {
    assert_eq!(&value.to_string().parse::<T>().expect("it was written by us"), value);
}

/// Every tree has one root, at its top.
fn tree(data: &[u8]) {
    let Ok(leaves) = merkle::leaves(data) else { return };
    let branches = merkle::branches(&leaves);
    let top = branches.last().or(leaves.first().map(|leaf| &leaf.branch));
    assert_eq!(merkle::root(data), Ok(top.copied().unwrap_or_default()));
}

/// What is signed and was changed is not taken, unless it is signed all the same: the records that may hold
/// signatures are not.
fn unsigned(data: &[u8], takes: impl Fn(Vec<u8>) -> bool) {
    let mut changed = data.to_vec();
    Input(&data[data.len().saturating_sub(3)..]).flip_one(&mut changed);
    let same = merkle::root(&changed) == merkle::root(data);
    assert!(same || !takes(changed));
}

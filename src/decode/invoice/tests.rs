//! The vectors of `vectors/bolt11`, explained.

use proptest::prelude::*;
use secp256k1::SecretKey;
use serde_json::Value;

use super::{Verdict, explain, strip};
use crate::bolt::invoice::{InvoiceDraft, InvoiceField, InvoiceNetwork};
use crate::bolt::wire::{PaymentPreimage, PaymentSecret};

const EXAMPLES: &str = include_str!("../../../vectors/bolt11/invoice.json");
const INVALID_EXAMPLES: &str = include_str!("../../../vectors/bolt11/invoice_invalid.json");
const OWN: &str = include_str!("../../../vectors/bolt11/invoice_own.json");
const OWN_INVALID: &str = include_str!("../../../vectors/bolt11/invoice_own_invalid.json");

/// The ids of a file's vectors, and their invoices.
fn vectors(file: &str) -> Vec<(String, String)> {
    let file: Value = serde_json::from_str(file).unwrap();
    let text = |test: &Value, key: &str| test[key].as_str().unwrap().to_owned();
    let tests = file["groups"][0]["tests"].as_array().unwrap();
    tests.iter().map(|test| (text(test, "id"), text(test, "invoice"))).collect()
}

#[track_caller]
fn words(file: &str, id: &str) -> String {
    let vectors = vectors(file);
    let (_, invoice) = vectors.iter().find(|(other, _)| other.ends_with(id)).unwrap();
    explain(invoice).to_string()
}

#[test]
fn routes_and_fallback_address() {
    insta::assert_snapshot!(words(EXAMPLES, "/routing"));
}

#[test]
fn amount_in_pico_bitcoin_with_expiry_and_delta() {
    insta::assert_snapshot!(words(EXAMPLES, "/pico"));
}

#[test]
fn fields_to_pass_over() {
    insta::assert_snapshot!(words(EXAMPLES, "/ignored_fields"));
}

#[test]
fn metadata() {
    insta::assert_snapshot!(words(EXAMPLES, "/metadata"));
}

#[test]
fn no_amount_and_a_stated_payee() {
    insta::assert_snapshot!(words(OWN, "/payee"));
}

#[test]
fn every_kind_of_fallback_address() {
    insta::assert_snapshot!(words(OWN, "/fallback_versions"));
}

#[test]
fn only_the_first_field_of_a_type_counts() {
    insta::assert_snapshot!(words(OWN, "/first_counts"));
}

#[test]
fn odd_features_of_channels() {
    insta::assert_snapshot!(words(OWN, "/odd_features"));
}

#[test]
fn json_has_types_in_place_of_prose() {
    let (_, invoice) = &vectors(EXAMPLES)[5];
    insta::assert_snapshot!(serde_json::to_string_pretty(&explain(invoice)).unwrap());
}

#[test]
fn a_bad_signature_leaves_what_was_read() {
    insta::assert_snapshot!(words(OWN_INVALID, "/amount_changed"));
}

#[test]
fn an_unknown_feature_is_shown_among_the_others() {
    insta::assert_snapshot!(words(INVALID_EXAMPLES, "/unknown_even_feature"));
}

#[test]
fn fields_before_a_bad_one_are_shown() {
    insta::assert_snapshot!(words(OWN_INVALID, "/route_no_point"));
}

#[test]
fn json_of_a_bad_one_has_the_place() {
    let (_, invoice) = &vectors(INVALID_EXAMPLES)[1];
    insta::assert_snapshot!(serde_json::to_string_pretty(&explain(invoice)).unwrap());
}

#[test]
fn every_mistake_is_shown_at_its_place() {
    let all = vectors(INVALID_EXAMPLES).into_iter().chain(vectors(OWN_INVALID));
    let texts = all.map(|(id, invoice)| {
        let explanation = explain(&invoice);
        let Verdict::Invalid { error, snippet, .. } = explanation.verdict else {
            panic!("{id} is valid")
        };
        format!("{id}\nfailed to {error}\n{}\n", snippet.unwrap_or_default())
    });
    insta::assert_snapshot!(texts.collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_valid_vector_is_valid() {
    for (id, invoice) in vectors(EXAMPLES).into_iter().chain(vectors(OWN)) {
        assert_eq!(explain(&invoice).verdict, Verdict::Valid, "{id}");
    }
}

/// A description is somebody else's text: it must not write to the terminal as it likes.
#[test]
fn control_characters_of_a_description_are_escaped() {
    let invoice = InvoiceDraft::new(InvoiceNetwork::Regtest, 0)
        .with(InvoiceField::PaymentHash(PaymentPreimage([1; 32]).hash()))
        .with(InvoiceField::PaymentSecret(PaymentSecret([2; 32])))
        .with(InvoiceField::Description("a\u{1b}[2J\n\u{202e}\"b".to_owned()))
        .encode(&SecretKey::from_slice(&[3; 32]).unwrap());
    let words = explain(&invoice.unwrap()).to_string();
    assert!(words.contains(r#""a\u{1b}[2J\n\u{202e}\"b""#), "{words}");
}

#[test]
fn what_stands_around_an_invoice_is_stripped() {
    for text in ["lnbc1", " lnbc1\n", "lightning:lnbc1", "\tLIGHTNING:lnbc1 "] {
        assert_eq!(strip(text), "lnbc1", "{text:?}");
    }
    for text in ["", "lightning", "bitcoin:lnbc1", "ééééééééé", "lightning: x"] {
        assert_eq!(strip(text), text.strip_prefix("lightning:").unwrap_or(text), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_explained_without_a_panic(text: String) {
        explain(strip(&text)).to_string();
    }
}

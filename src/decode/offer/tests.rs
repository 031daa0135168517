//! The words for the strings of the test vectors, good ones and bad ones.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const FILES: [&str; 5] = [
    include_str!("../../../vectors/bolt12/offers.json"),
    include_str!("../../../vectors/bolt12/offers_own.json"),
    include_str!("../../../vectors/bolt12/format_string.json"),
    include_str!("../../../vectors/bolt12/invoice_requests.json"),
    include_str!("../../../vectors/bolt12/invoices.json"),
];

/// Every vector, as JSON.
fn vectors() -> Vec<Value> {
    let tests = |file: &&str| {
        let file: Value = serde_json::from_str(file).unwrap();
        file["groups"][0]["tests"].as_array().unwrap().clone()
    };
    FILES.iter().flat_map(tests).collect()
}

fn text(vector: &Value) -> &str {
    let text = vector["bolt12"].as_str().or(vector["string"].as_str());
    text.unwrap()
}

/// The string of the vector with this id.
fn string_of(id: &str) -> String {
    let vectors = vectors();
    text(vectors.iter().find(|vector| vector["id"] == id).unwrap()).to_owned()
}

fn words(id: &str) -> String {
    explain(&string_of(id)).unwrap().to_string()
}

#[test]
fn offers() {
    let ids = ["with-currency", "with-expiry", "for-bitcoin-or-liquidv1", "unknown-odd-field"];
    let all = ids.map(|id| words(&format!("bolt12/offers/{id}"))).join("\n---\n\n");
    insta::assert_snapshot!(all);
}

#[test]
fn offer_with_two_blinded_paths() {
    insta::assert_snapshot!(words("bolt12/offers/with-two-paths"));
}

#[test]
fn invoice_request_for_an_offer_and_without() {
    let ids = ["for-offer", "name", "unknown-odd", "without-offer-path"];
    let all = ids.map(|id| words(&format!("bolt12/invoice_requests/{id}"))).join("\n---\n\n");
    insta::assert_snapshot!(all);
}

#[test]
fn invoice() {
    insta::assert_snapshot!(words("bolt12/invoices/all-fields"));
}

#[test]
fn json_has_the_names_of_the_bolt() {
    let explanation = explain(&string_of("bolt12/offers/with-currency")).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&explanation).unwrap());
}

#[test]
fn every_mistake_is_shown_at_its_place() {
    let shown = |vector: &Value| {
        let text = text(vector);
        let error = explain(text).err()?;
        let snippet = error.snippet(text).unwrap_or_default();
        Some(format!("{}\n{error}\n{snippet}\n", vector["id"].as_str().unwrap()))
    };
    let shown: Vec<String> = vectors().iter().filter_map(shown).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn changed_strings_are_explained_or_refused(
        vector in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        to in "[a-z0-9+ ]",
    ) {
        let vectors = vectors();
        let mut text = text(vector.get(&vectors)).to_owned();
        let at = at.index(text.len());
        text.replace_range(at..=at, &to);
        match explain(&text) {
            Ok(explanation) => prop_assert!(!explanation.to_string().is_empty()),
            Err(error) => drop(error.snippet(&text)),
        }
    }
}

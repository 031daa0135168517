//! The JSON Schema accepts what the loader accepts, and refuses what editors should underline.

use serde_json::Value;

use super::*;

fn is_valid(yaml: &str) -> bool {
    let instance: Value = serde_saphyr::from_str(yaml).expect("YAML");
    let validator = jsonschema::draft202012::new(&schema::schema()).expect("a schema");
    validator.is_valid(&instance)
}

#[test]
fn the_schema_is_one() {
    jsonschema::draft202012::meta::validate(&schema()).expect("a schema");
}

#[test]
fn sound_scenarios_are_valid() {
    assert!(is_valid(BREACH));
    assert!(is_valid(EVERYTHING));
}

#[test]
fn slips_are_refused() {
    let slips = [
        ("400_000 sat", "400000"),
        ("400_000 sat", "400_000 sats"),
        ("to_self_delay: 144 blocks", "to_self_delay: 144"),
        ("funds: 1 BTC", "funds: 100 msat"),
        ("- open: ab", "- opne: ab"),
        ("- open: ab", "- open: {channel: ab, until: never}"),
        ("- open: ab", "- open: ab\n    mine: 1 block"),
        ("role: cheat", "role: villain"),
        ("path: revocation}, within", "path: luck}, within"),
        ("transaction: {by: bob", "transaction: {whose: bob"),
        ("spends: ab.commitment.to_local", "spends: ab.commitment"),
        ("type: anchors", "type: anchor"),
        ("from: alice, to: bob, capacity", "to: bob, capacity"),
        ("ab.commitment.anchors: any", "ab.commitment.to_remote.x: any"),
        ("{to: bob}", "any"),
        ("state: revoked", "state: stale"),
        ("less fees", "less tips"),
        ("title:", "tittle:"),
        ("[5#revoked", "[6#revoked"),
        ("outcome:", "outcomes:"),
        ("400_000 sat}", "400_000 sat, how: luck}"),
        ("400_000 sat}", "400_000 sat, via: ab}"),
        ("400_000 sat}", "400_000 sat, fails: {with: bad_luck, by: bob}}"),
        ("400_000 sat}", "400_000 sat, fails: {}}"),
        ("400_000 sat}", "400_000 sat, believes: {bob: {}}}"),
        ("400_000 sat}", "400_000 sat, onion: {bob: {omit: 8}}}"),
        ("400_000 sat}", "400_000 sat, onion: {bob: {records: {100: 00g}}}}"),
        ("400_000 sat}", "400_000 sat, fails: {never_sent: bad_luck}}"),
        ("400_000 sat}", "400_000 sat, fails: {never_sent: too_little, corrupted: true}}"),
        ("400_000 sat}", "400_000 sat, misread: {}}"),
        ("400_000 sat}", "400_000 sat, onion: {bob: {total_msat: 8}}}"),
        ("- mine: 1 block", "- close: {channel: ab, by: bob, until: dawn}"),
        ("- mine: 1 block", "- wait: 60"),
        ("- mine: 1 block", "- invoice: {by: bob}"),
        ("- mine: 1 block", "- tamper: {by: alice, field: hmac, byte: 1}"),
    ];
    for (from, to) in slips {
        let text = changed(BREACH, from, to);
        assert!(!is_valid(&text), "`{to}` for `{from}` is not noticed");
        refuse(&text);
    }
}

#[test]
fn two_expectations_in_one_are_refused() {
    let state = "state: {channel: ab, of: bob, is: normal}";
    assert!(is_valid(&changed(BREACH, "- mine: 1 block", &format!("- expect: {{{state}}}"))));
    let both = format!("- expect: {{{state}, transaction: {{by: bob}}}}");
    assert!(!is_valid(&changed(BREACH, "- mine: 1 block", &both)));
    assert!(!is_valid(&changed(BREACH, "- mine: 1 block", "- expect: {within: 1 block}")));
    assert!(!is_valid(&changed(BREACH, "- mine: 1 block", "- expect: {transaction: {}}")));
}

#[test]
fn every_key_is_explained() {
    fn walk(value: &Value, path: &str, missing: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                if property.get("description").is_none() {
                    missing.push(format!("{path}/{name}"));
                }
            }
        }
        match value {
            Value::Object(object) => {
                object
                    .iter()
                    .for_each(|(key, value)| walk(value, &format!("{path}/{key}"), missing));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, path, missing)),
            _ => {}
        }
    }
    let mut missing = Vec::new();
    walk(&schema(), "", &mut missing);
    assert_eq!(missing, Vec::<String>::new());
}

//! Wrong vectors, and files that are none.

use std::fs;

use serde_json::{Value, json};

use super::*;

const FILE: &str = include_str!("../../vectors/bolt03/commitment.json");

/// The failure of the first vector of [`FILE`] with a change.
fn failure(change: impl FnOnce(&mut Value)) -> String {
    let mut file: Value = serde_json::from_str(FILE).unwrap();
    change(&mut file["groups"][0]["tests"][0]);
    let vectors = parse("commitment.json".as_ref(), &file.to_string()).unwrap();
    replay(&vectors[0]).unwrap_err().to_string()
}

/// Replaces a part of a string that it has once.
fn replace(value: &mut Value, from: &str, to: &str) {
    let text = value.as_str().unwrap();
    assert_eq!(text.matches(from).count(), 1);
    *value = json!(text.replace(from, to));
}

/// A file with one vector, which holds.
const SMALL: &str = r#"{
  "schema": "../schema.json",
  "topic": "weights",
  "source": { "bolt": 3, "section": "Appendix A", "commit": "a377265" },
  "notes": {},
  "groups": [{ "tests": [{
    "id": "bolt03/weights/one", "comment": "", "flags": [],
    "transaction": "htlc-timeout",
    "channel_type": "anchors",
    "result": "valid",
    "expected": { "weight": 666 }
  }] }]
}"#;

/// What [`SMALL`] is refused with when a part of it is replaced.
fn refusal(from: &str, to: &str) -> String {
    assert_eq!(SMALL.matches(from).count(), 1);
    parse("a.json".as_ref(), &SMALL.replace(from, to)).unwrap_err().to_string()
}

#[test]
fn one_wrong_byte_of_an_amount() {
    // to_remote, 3000000 sat.
    let text = failure(|test| replace(&mut test["expected"]["commit_tx"], "c0c62d00", "c1c62d00"));
    insta::assert_snapshot!(text);
}

#[test]
fn one_wrong_byte_of_a_witness() {
    let text = failure(|test| {
        let signature = "0220408b96";
        replace(&mut test["expected"]["remote_signature"], signature, "0220408b97");
        replace(&mut test["expected"]["commit_tx"], signature, "0220408b97");
    });
    insta::assert_snapshot!(text);
}

#[test]
fn a_transaction_that_does_not_decode() {
    let text = failure(|test| test["expected"]["commit_tx"] = json!("0200"));
    insta::assert_snapshot!(text);
}

#[test]
fn a_valid_vector_is_not_invalid() {
    let text = failure(|test| test["result"] = json!("invalid"));
    insta::assert_snapshot!(text, @r#"
    1 of 46 values differ
    result
      expected invalid
      actual   valid
    "#);
}

#[test]
fn a_vector_that_holds() {
    let vectors = parse("a.json".as_ref(), SMALL).unwrap();
    assert_eq!(replay(&vectors[0]), Ok(Report { checks: 4 }));
}

#[test]
fn unknown_words_are_refused_with_their_place() {
    assert_eq!(
        refusal("notes", "nodes"),
        "read a.json:5:9: unknown field `nodes`, expected one of `schema`, `topic`, `source`, \
         `notes`, `groups`"
    );
    assert_eq!(
        refusal("timeout", "time"),
        "read a.json:8:30: unknown variant `htlc-time`, expected one of `commitment`, \
         `htlc-timeout`, `htlc-success`"
    );
    let topic = refusal("\"weights\"", "\"onions\"");
    assert!(topic.starts_with("read a.json:3:19: unknown variant `onions`"), "{topic}");
}

#[test]
fn values_of_other_types_are_refused_with_their_place() {
    assert_eq!(
        refusal("666", "666.0"),
        "read a.json:11:33: invalid type: floating point `666.0`, expected u64"
    );
    assert_eq!(
        refusal("666", "-1"),
        "read a.json:11:30: invalid value: integer `-1`, expected u64"
    );
    assert_eq!(
        refusal("666", "\"666\""),
        "read a.json:11:33: invalid type: string \"666\", expected u64"
    );
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    assert_eq!(refusal(": \"weights\"", ""), "read a.json:3:10: expected `:`");
    let refused = |text: &str| parse("a.json".as_ref(), text).unwrap_err().to_string();
    assert_eq!(refused(""), "read a.json:1:0: EOF while parsing a value");
    assert!(refused(&"[".repeat(100_000)).starts_with("read a.json:1:"));
}

#[test]
fn flags_need_a_note() {
    assert_eq!(
        refusal("\"flags\": []", "\"flags\": [\"Odd\"]"),
        "read a.json: bolt03/weights/one has the flag Odd, which the notes do not explain"
    );
}

#[test]
fn ids_are_taken_once() {
    let test = &SMALL[SMALL.find("[{ \"tests\"").unwrap() + 1..SMALL.rfind(']').unwrap()];
    assert_eq!(
        refusal(test, &format!("{test}, {test}")),
        "read a.json: the id bolt03/weights/one is taken, by a vector of a.json"
    );

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), SMALL).unwrap();
    fs::write(folder.path().join("b.json"), SMALL).unwrap();
    let error = discover(&[folder.path().into()]).unwrap_err();
    assert!(
        matches!(&error, VectorError::DuplicateId { path, first, .. }
        if path.ends_with("b.json") && first.ends_with("a.json")),
        "{error}"
    );
}

#[test]
fn discover_reads_every_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("bolt03");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("a.json"), SMALL).unwrap();
    fs::write(folder.path().join("README.md"), "not JSON").unwrap();
    fs::write(folder.path().join("schema.json"), "{}").unwrap();
    let vectors = discover(&[folder.path().into(), inner.join("a.json")]).unwrap();
    assert_eq!(vectors.len(), 1);
    assert_eq!(vectors[0].file, inner.join("a.json"));
}

#[test]
fn paths_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let error = |name: &str| discover(&[folder.path().join(name)]).unwrap_err();
    assert!(matches!(error("missing.json"), VectorError::Io { .. }));
    assert!(matches!(error(""), VectorError::NoVectors { .. }));
    fs::write(folder.path().join("binary.json"), [0xff; 9]).unwrap();
    assert!(matches!(error("binary.json"), VectorError::Io { .. }));
    let huge = fs::File::create(folder.path().join("huge.json")).unwrap();
    huge.set_len(1 << 30).unwrap();
    assert!(matches!(error("huge.json"), VectorError::TooLarge { .. }));
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
    assert!(matches!(error(""), VectorError::Io { .. } | VectorError::TooLarge { .. }));
}

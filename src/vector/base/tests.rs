//! The rules of BOLT 1 for streams that are appended to others, over all of its streams.

use serde::Deserialize;

use super::tlv::{N1, N2};
use crate::bolt::wire::DecodeError;
use crate::bolt::wire::tlv::{TlvError, records};
use crate::vector::hex::Hex;

const FILE: &str = include_str!("../../../vectors/bolt01/tlv.json");

#[derive(Deserialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    namespaces: Vec<String>,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    stream: Hex,
    error: Option<String>,
}

/// The streams of a namespace: those that can be read, and those that cannot.
fn streams(namespace: &str) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let file: File = serde_json::from_str(FILE).unwrap();
    let groups = file.groups.into_iter().filter(|g| g.namespaces.iter().any(|n| n == namespace));
    let (valid, invalid): (Vec<_>, Vec<_>) =
        groups.flat_map(|group| group.tests).partition(|test| test.error.is_none());
    let bytes = |tests: Vec<Test>| tests.into_iter().map(|test| test.stream.0).collect();
    (bytes(valid), bytes(invalid))
}

fn decode(namespace: &str, stream: &[u8]) -> Result<(), TlvError> {
    match namespace {
        "n1" => N1::decode(stream).map(|_| ()),
        _ => N2::decode(stream).map(|_| ()),
    }
}

fn types(stream: &[u8]) -> Vec<u64> {
    records(stream).map(|record| record.unwrap().number).collect()
}

#[test]
fn an_invalid_stream_spoils_the_valid_one_before_it() {
    for namespace in ["n1", "n2"] {
        let (valid, invalid) = streams(namespace);
        assert!(valid.len() >= 7 && invalid.len() >= 14, "{namespace}");
        for (before, after) in valid.iter().flat_map(|v| invalid.iter().map(move |i| (v, i))) {
            let both = [before.as_slice(), after].concat();
            assert!(decode(namespace, &both).is_err(), "{namespace}: {both:02x?}");
        }
    }
}

#[test]
fn a_valid_stream_may_follow_one_of_lower_types_only() {
    for namespace in ["n1", "n2"] {
        let (valid, _) = streams(namespace);
        let mut outcomes = [0, 0];
        for (before, after) in valid.iter().flat_map(|v| valid.iter().map(move |w| (v, w))) {
            let both = [before.as_slice(), after].concat();
            let (last, first) = (types(before).last().copied(), types(after).first().copied());
            let disorder = last.zip(first).filter(|(last, first)| last >= first);
            let expected = match disorder {
                Some((previous, next)) => Err(DecodeError::TlvOrder { previous, next }),
                None => Ok(()),
            };
            outcomes[usize::from(expected.is_err())] += 1;
            let decoded = decode(namespace, &both).map_err(|error| error.error);
            assert_eq!(decoded, expected, "{namespace}: {both:02x?}");
        }
        assert!(outcomes.iter().all(|count| *count > 20), "{namespace}: {outcomes:?}");
    }
}

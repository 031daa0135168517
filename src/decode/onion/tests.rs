//! The decoder against BOLT 4's own onions, and against broken ones.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn vector(file: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/bolt04");
    let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["groups"][0].take()
}

/// The keys of these nodes: 41 for Alice to 45 for Eve.
fn given(onion: &Value, keys: &[u8]) -> Given {
    let (packet, path_key) = parse(onion.as_str().unwrap()).unwrap();
    let secret = |key: &u8| parse_secret(&format!("{key:x}").repeat(32)).unwrap();
    let keys = keys.iter().map(secret).collect();
    Given { packet, is_message: path_key.is_some(), keys, payment_hash: None, path_key }
}

/// The payments of the vectors are all for this hash.
fn paid(onion: &Value, keys: &[u8]) -> Given {
    let payment_hash = Some(parse_hash(&"42".repeat(32)).unwrap());
    Given { payment_hash, ..given(onion, keys) }
}

fn payment() -> Value {
    vector("onion.json")["tests"][0]["expected"]["packet"].take()
}

fn blinded() -> Value {
    vector("onion_blinded_payment.json")["tests"][0]["expected"].take()
}

#[test]
fn anybody_sees_this_much() {
    insta::assert_snapshot!(explain(&given(&payment(), &[])));
}

#[test]
fn each_hop_of_a_payment() {
    insta::assert_snapshot!(explain(&paid(&payment(), &[0x41, 0x42, 0x43, 0x44, 0x45])));
}

#[test]
fn each_hop_of_a_blinded_payment() {
    let onion = &blinded()["packet"];
    insta::assert_snapshot!(explain(&paid(onion, &[0x45, 0x43, 0x41, 0x44, 0x42])));
}

#[test]
fn each_hop_of_a_message() {
    let messages = vector("onion_message.json")["tests"][0]["expected"]["onion_messages"].take();
    insta::assert_snapshot!(explain(&given(&messages[0], &[0x41, 0x42, 0x43, 0x44])));
}

#[test]
fn without_its_hash_a_payment_stays_closed() {
    insta::assert_snapshot!(explain(&given(&payment(), &[0x41])));
}

#[test]
fn keys_may_come_in_any_order() {
    let layers = |keys: &[u8]| {
        let explanation = explain(&paid(&payment(), keys));
        assert_eq!(explanation.kind, Kind::Payment);
        let layers = explanation.layers.into_iter();
        layers.map(|layer| (layer.node_id, layer.payload)).collect::<Vec<_>>()
    };
    let expected = layers(&[0x41, 0x42, 0x43, 0x44, 0x45]);
    assert_eq!(expected.len(), 5);
    assert_eq!(layers(&[0x44, 0x41, 0x45, 0x43, 0x42]), expected);
    assert_eq!(layers(&[0x42, 0x41, 0x44]), expected[..2]);
}

#[test]
fn a_hop_of_a_blinded_path_needs_its_path_key() {
    let expected = blinded();
    let onion = &expected["hops"][2]["packet"];
    let alone = paid(onion, &[0x43]);
    let closed = End::NoKeyFits { with_payment_hash: true, with_path_key: false };
    assert_eq!(explain(&alone).end, closed);
    let path_key = expected["hops"][1]["next_path_key"].as_str().unwrap();
    let path_key = Some(parse_path_key(path_key).unwrap());
    let explanation = explain(&Given { path_key, ..alone });
    assert_eq!((explanation.layers.len(), explanation.layers[0].path_key), (1, path_key));
    let Content::Payment { recipient: Recipient::Told { fields, .. }, .. } =
        &explanation.layers[0].content
    else {
        panic!("{explanation}")
    };
    assert_eq!(fields.payment_relay.unwrap().fee_base_msat, 100);
}

#[test]
fn a_message_as_long_as_a_payment_is_told_by_its_payload() {
    let messages = vector("onion_message.json")["tests"][0]["expected"]["onion_messages"].take();
    let framed = given(&messages[0], &[0x41]);
    let explanation = explain(&Given { is_message: false, ..framed.clone() });
    assert_eq!(explanation.kind, Kind::Message);
    assert_eq!(explanation.layers, explain(&framed).layers);
}

#[test]
fn broken_packets_are_told_apart() {
    let group = vector("onion_peel.json");
    for test in group["tests"].as_array().unwrap() {
        let explanation = explain(&paid(&test["packet"], &[0x41]));
        let end = match test["error"].as_str() {
            None => matches!(explanation.end, End::Last | End::NoKeyFits { .. }),
            Some("PeelError::Version") => matches!(explanation.end, End::Version(1 | 255)),
            Some("PeelError::Key") => explanation.end == End::PublicKey,
            Some("PeelError::Hmac") => matches!(explanation.end, End::NoKeyFits { .. }),
            Some(_) => matches!(explanation.end, End::Broken { key: 1, .. }),
        };
        assert!(end, "{}: {:?}", test["id"], explanation.end);
        assert_eq!(explanation.layers.is_empty(), test["error"].is_string(), "{}", test["id"]);
        assert!(!explanation.to_string().is_empty());
    }
}

#[test]
fn json_has_types_in_place_of_prose() {
    let json = serde_json::to_value(explain(&paid(&payment(), &[0x41]))).unwrap();
    assert_eq!(json["kind"], "payment");
    let layer = &json["layers"][0];
    assert_eq!(layer["content"]["payment"]["fields"]["amt_to_forward"], 15_000);
    assert_eq!(layer["content"]["payment"]["recipient"], "nothing");
    assert_eq!(json["end"]["no_key_fits"]["with_payment_hash"], true);
}

proptest! {
    #[test]
    fn any_text_is_explained_or_refused(text in "[0-9a-f]{0,400}|.{0,60}|0201(02){33}[0-9a-f]{0,200}") {
        match parse(&text) {
            Ok((packet, path_key)) => {
                let keys = vec![parse_secret(&"41".repeat(32)).unwrap()];
                let given = Given { packet, is_message: false, keys, payment_hash: None, path_key };
                prop_assert!(!explain(&given).to_string().is_empty());
            }
            Err(error) => {
                let _ = (error.to_string(), error.snippet(text.trim()));
            }
        }
        for error in [parse_hash(&text).err(), parse_path_key(&text).err()] {
            let _ = error.map(|error| error.snippet(text.trim()));
        }
    }
}

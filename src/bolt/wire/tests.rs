//! What holds for every message of the table, whatever its fields hold.

use core::net::{Ipv4Addr, Ipv6Addr};

use bitcoin::hex::DisplayHex;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use secp256k1::{SECP256K1, SecretKey};
use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::table::MessageRule;
use super::{DecodeError, Message};

fn hex(bytes: &[u8]) -> Value {
    bytes.to_lower_hex_string().into()
}

fn bytes(length: impl Into<proptest::collection::SizeRange>) -> BoxedStrategy<Value> {
    vec(any::<u8>(), length).prop_map(|bytes| hex(&bytes)).boxed()
}

fn number(bits: u8) -> BoxedStrategy<Value> {
    let most = u64::MAX >> (64 - bits);
    prop_oneof![0..=most, Just(0), Just(most)].prop_map(Value::from).boxed()
}

fn key() -> impl Strategy<Value = SecretKey> {
    (1..u8::MAX).prop_map(|byte| SecretKey::from_slice(&[byte; 32]).unwrap())
}

fn address() -> BoxedStrategy<Value> {
    let onion = |kind: &'static str, length| {
        (bytes(length), any::<u16>())
            .prop_map(move |(addr, port)| json!({"type": kind, "onion_addr": addr, "port": port}))
    };
    let name = (bytes(0..=255), any::<u16>())
        .prop_map(|(name, port)| json!({"type": "dns", "hostname": name, "port": port}));
    let unknown = (6..=u8::MAX, bytes(0..40))
        .prop_map(|(kind, rest)| json!({"type": "unknown", "descriptor": kind, "rest": rest}));
    let v4 = (any::<[u8; 4]>(), any::<u16>()).prop_map(
        |(ip, port)| json!({"type": "ipv4", "ipv4_addr": Ipv4Addr::from(ip), "port": port}),
    );
    let v6 = (any::<[u8; 16]>(), any::<u16>()).prop_map(
        |(ip, port)| json!({"type": "ipv6", "ipv6_addr": Ipv6Addr::from(ip), "port": port}),
    );
    prop_oneof![v4, v6, onion("tor_v2", 10), onion("tor_v3", 35), name, unknown].boxed()
}

/// Any value of a field, as it stands in JSON.
fn value(kind: &'static Kind) -> BoxedStrategy<Value> {
    match *kind {
        Kind::Number(bits) | Kind::Blocks(bits) => number(bits),
        Kind::Satoshis | Kind::Millisatoshis => number(64),
        Kind::SignedSatoshis => any::<i64>().prop_map(Value::from).boxed(),
        Kind::Feerate | Kind::Height => number(32),
        Kind::ShortChannelId => any::<u64>()
            .prop_map(|id| serde_json::to_value(super::ShortChannelId(id)).unwrap())
            .boxed(),
        Kind::Fixed(length) => bytes(length),
        Kind::Point => key().prop_map(|key| hex(&key.public_key(SECP256K1).serialize())).boxed(),
        Kind::Signature => (key(), any::<[u8; 32]>())
            .prop_map(|(key, digest)| {
                let digest = secp256k1::Message::from_digest(digest);
                serde_json::to_value(SECP256K1.sign_ecdsa(&digest, &key)).unwrap()
            })
            .boxed(),
        Kind::Txid | Kind::Chain => bytes(32),
        Kind::Bytes => bytes(0..300),
        Kind::Text => prop_oneof![
            ".{0,80}".prop_map(Value::from),
            // What is no text has to come back as well.
            vec(any::<u8>(), 1..40).prop_map(|mut bytes| {
                bytes.push(0xff);
                json!({"hex": hex(&bytes)})
            })
        ]
        .boxed(),
        Kind::Script => bytes(0..60),
        Kind::Features | Kind::ChannelType => bytes(0..20),
        Kind::Address => address(),
        Kind::Present => Just(true.into()).boxed(),
        Kind::List(item) => vec(value(item), 0..4).prop_map(Value::from).boxed(),
        Kind::Compound(fields) => fields
            .iter()
            .map(|(name, kind)| value(kind).prop_map(|value| ((*name).to_owned(), value)))
            .collect::<Vec<_>>()
            .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>()))
            .boxed(),
    }
}

/// Any message of a row of the table, with some of its records and some that it does not declare.
fn of(rule: &'static MessageRule) -> impl Strategy<Value = Message> {
    let fields = rule.fields.iter().map(|field| value(field.kind)).collect::<Vec<_>>();
    let records = rule.records.iter();
    let records = records.map(|record| proptest::option::of(value(record.kind)));
    let further = proptest::collection::btree_map(0..50_u64, vec(any::<u8>(), 0..30), 0..3);
    (fields, records.collect::<Vec<_>>(), further).prop_map(|(fields, records, further)| {
        let names = rule.fields.iter().map(|field| field.name.to_owned());
        let mut body: Map<String, Value> = names.zip(fields).collect();
        for (record, value) in rule.records.iter().zip(records) {
            body.extend(value.map(|value| (record.name.to_owned(), value)));
        }
        let declared = |number| rule.records.iter().any(|record| record.number == number);
        let further = further.into_iter().map(|(number, bytes)| (number * 2 + 1, bytes));
        let unknown: Vec<Value> = further
            .filter(|(number, _)| !declared(*number))
            .map(|(number, bytes)| json!({"type": number, "value": hex(&bytes)}))
            .collect();
        body.insert("unknown".to_owned(), unknown.into());
        serde_json::from_value(json!({ rule.name: body })).unwrap()
    })
}

fn any_message() -> impl Strategy<Value = Message> {
    select(Message::RULES).prop_flat_map(|rule| of(Box::leak(Box::new(rule))))
}

/// The message without any TLV record.
fn without_records(message: &Message) -> Message {
    let rule = Message::RULES.iter().find(|rule| rule.name == message.name()).unwrap();
    let mut json = serde_json::to_value(message).unwrap();
    let body = json[rule.name].as_object_mut().unwrap();
    body.retain(|name, _| rule.fields.iter().any(|field| field.name == name));
    serde_json::from_value(json).unwrap()
}

proptest! {
    #[test]
    fn every_message_comes_back_as_it_was(message in any_message()) {
        let bytes = message.encode();
        prop_assert_eq!(Message::decode(&bytes), Ok(message.clone()));
        let json = serde_json::to_string(&message).unwrap();
        prop_assert_eq!(serde_json::from_str::<Message>(&json).unwrap(), message);
    }

    /// BOLT 1: TLV records may be missing at the end, fields may not.
    #[test]
    fn a_message_that_is_cut_short_is_refused(message in any_message(), at in any::<Index>()) {
        let message = without_records(&message);
        let bytes = message.encode();
        let length = at.index(bytes.len());
        prop_assert_eq!(Message::decode(&bytes), Ok(message.clone()));
        let cut = Message::decode(&bytes[..length]);
        let truncated = matches!(cut, Err(DecodeError::Truncated { .. }));
        prop_assert!(truncated, "{} of {}: {:?}", length, message.name(), cut);
    }

    #[test]
    fn a_record_of_an_unknown_even_type_is_refused(message in any_message()) {
        let mut bytes = without_records(&message).encode();
        bytes.extend([0xc8, 0]);
        prop_assert_eq!(Message::decode(&bytes), Err(DecodeError::UnknownEvenTlv(0xc8)));
    }

    /// Whatever the bytes, decoding them is no panic, and what is decoded encodes to the same bytes:
    /// nothing is lost.
    #[test]
    fn what_is_decoded_encodes_to_the_same_bytes(
        number in prop_oneof![select(Message::RULES).prop_map(|rule| rule.number), any::<u16>()],
        body in vec(any::<u8>(), 0..2_000),
    ) {
        let bytes = [number.to_be_bytes().to_vec(), body].concat();
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(message.message_type(), number);
            prop_assert_eq!(message.encode(), bytes);
        }
    }

    /// A message with one byte changed is refused, or is another message, but never the same; and
    /// nothing of it is lost either.
    #[test]
    fn a_changed_byte_is_noticed(
        message in any_message(),
        index in any::<Index>(),
        change in 1_u8..,
    ) {
        let mut bytes = message.encode();
        let position = index.index(bytes.len());
        bytes[position] ^= change;
        if let Ok(other) = Message::decode(&bytes) {
            prop_assert_ne!(&other, &message);
            prop_assert_eq!(other.encode(), bytes);
        }
    }
}

#[test]
fn the_table_is_in_order() {
    for pair in Message::RULES.windows(2) {
        assert!(pair[0].number < pair[1].number, "{} and {}", pair[0].name, pair[1].name);
    }
    for rule in Message::RULES {
        assert!(rule.records.windows(2).all(|pair| pair[0].number < pair[1].number));
        let named = rule.fields.iter().any(|field| field.name.ends_with("channel_id"));
        assert!(named || rule.number < 32 || rule.number > 255, "{} names no channel", rule.name);
    }
}

#[test]
fn unknown_types_are_kept_whole() {
    let message = Message::decode(&[0x7f, 0xff, 1, 2]).unwrap();
    assert_eq!((message.message_type(), message.name()), (0x7fff, "unknown"));
    assert_eq!(message.encode(), [0x7f, 0xff, 1, 2]);
    assert_eq!(Message::decode(&[1]), Err(DecodeError::Truncated { wanted: 2, left: 1 }));
}

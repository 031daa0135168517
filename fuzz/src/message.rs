//! Messages of every type.

use boltlab::bolt::wire::Message;
use boltlab::bolt::wire::kind::Kind;
use boltlab::bolt::wire::table::MessageRule;
use boltlab::decode::message::explain;
use serde_json::{Map, Value, json};

use super::input::point;

/// Anything as a message: what is read is written with the same bytes, and comes through JSON as it
/// was.
pub fn message(data: &[u8]) {
    assert!(!explain(data).to_string().is_empty());
    match Message::decode(data) {
        Ok(message) => {
            assert_eq!(message.encode(), data);
            let json = serde_json::to_string(&message).expect("it has a form in JSON");
            assert_eq!(serde_json::from_str::<Message>(&json).expect("it was one"), message);
        }
        Err(error) => drop(error.to_string()),
    }
}

/// A message of every row of the table, with all records that it may have.
pub(super) fn samples() -> impl Iterator<Item = Vec<u8>> {
    Message::RULES.iter().map(sample)
}

fn sample(rule: &MessageRule) -> Vec<u8> {
    let fields = rule.fields.iter().map(|field| (field.name, value(field.kind)));
    let records = rule.records.iter().map(|record| (record.name, value(record.kind)));
    let unknown = json!([{"type": 65_537, "value": "c0ffee"}]);
    let all = fields.chain(records).chain([("unknown", unknown)]);
    let body: Map<_, _> = all.map(|(name, value)| (name.to_owned(), value)).collect();
    let message = serde_json::from_value::<Message>(json!({ rule.name: body }));
    message.expect("every kind has a value").encode()
}

/// Some value of this kind, as it stands in JSON.
fn value(kind: &Kind) -> Value {
    match kind {
        Kind::Number(8) => 1.into(),
        Kind::Number(_)
        | Kind::Blocks(_)
        | Kind::Satoshis
        | Kind::SignedSatoshis
        | Kind::Millisatoshis
        | Kind::Feerate
        | Kind::Height
        | Kind::ShortChannelId => 1_000.into(),
        Kind::Fixed(length) => "2a".repeat(*length).into(),
        Kind::Txid | Kind::Chain => "2a".repeat(32).into(),
        Kind::Point => point(0x2a).to_string().into(),
        Kind::Signature => "3006020107020109".into(),
        Kind::Bytes => "2a2a2a".into(),
        Kind::Text => "text".into(),
        Kind::Script => format!("0014{}", "2a".repeat(20)).into(),
        Kind::Features | Kind::ChannelType => "401000".into(),
        Kind::Address => json!({"type": "ipv4", "ipv4_addr": "127.0.0.1", "port": 9735}),
        Kind::Present => true.into(),
        Kind::List(item) => vec![value(item), value(item)].into(),
        Kind::Compound(fields) => {
            let fields = fields.iter().map(|(name, kind)| ((*name).to_owned(), value(kind)));
            Value::from(fields.collect::<Map<_, _>>())
        }
    }
}

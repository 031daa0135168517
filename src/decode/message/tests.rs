//! The words for messages of many kinds, good ones and bad ones.

use bitcoin::hex::{DisplayHex, FromHex};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::*;
use crate::bolt::wire::table::MessageRule;
use crate::bolt::wire::{DecodeError, Message, kind::Kind};

const POINT: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// Some value of this kind, as it stands in JSON.
fn sample(kind: &Kind) -> Value {
    let hex = |length: usize| Value::from("2a".repeat(length));
    match kind {
        Kind::Number(8) => 1.into(),
        Kind::Number(_) | Kind::Blocks(_) => 144.into(),
        Kind::Satoshis | Kind::SignedSatoshis => 20_000.into(),
        Kind::Millisatoshis => 1_500_001.into(),
        Kind::Feerate => 2_500.into(),
        Kind::Height => 500_100.into(),
        Kind::ShortChannelId => ((539_268_u64 << 40) | (845 << 16) | 1).into(),
        Kind::Fixed(length) => hex(*length),
        Kind::Point => POINT.into(),
        Kind::Signature => {
            let compact = [[0; 31].as_slice(), &[7], &[0; 31], &[9]].concat();
            let signature = secp256k1::ecdsa::Signature::from_compact(&compact).unwrap();
            serde_json::to_value(signature).unwrap()
        }
        Kind::Txid => hex(32),
        Kind::Chain => serde_json::to_value(bitcoin::constants::ChainHash::REGTEST).unwrap(),
        Kind::Bytes => hex(3),
        Kind::Text => "out of \u{1b}[31mcheese \"\\\"".into(),
        Kind::Script => format!("0014{}", "2a".repeat(20)).into(),
        Kind::Features => "08a0000a8a5961".into(),
        Kind::ChannelType => "401000".into(),
        Kind::Address => json!({"type": "ipv4", "ipv4_addr": "127.0.0.1", "port": 9735}),
        Kind::Present => true.into(),
        Kind::List(item) => vec![sample(item), sample(item)].into(),
        Kind::Compound(fields) => {
            let fields = fields.iter().map(|(name, kind)| ((*name).to_owned(), sample(kind)));
            Value::from(fields.collect::<Map<_, _>>())
        }
    }
}

/// A message of this row, with all its records, and one that nobody knows.
fn message(rule: &MessageRule) -> Vec<u8> {
    let fields = rule.fields.iter().map(|field| (field.name, sample(field.kind)));
    let records = rule.records.iter().map(|record| (record.name, sample(record.kind)));
    let unknown = json!([{"type": 65_537, "value": "c0ffee"}]);
    let all = fields.chain(records).chain([("unknown", unknown)]);
    let body: Map<_, _> = all.map(|(name, value)| (name.to_owned(), value)).collect();
    serde_json::from_value::<Message>(json!({ rule.name: body })).unwrap().encode()
}

fn named(name: &str) -> Vec<u8> {
    message(Message::RULES.iter().find(|rule| rule.name == name).unwrap())
}

/// What a terminal shows of the message.
fn shown(message: &[u8]) -> String {
    let explanation = explain(message);
    let complaint = explanation.complaint(&message.to_lower_hex_string());
    let complaint = complaint.map(|(says, snippet)| format!("message: {says}\n{snippet}\n"));
    format!("{explanation}{}", complaint.unwrap_or_default())
}

fn all_shown<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| shown(&named(name))).collect::<Vec<_>>().join("\n---\n\n")
}

#[test]
fn setup_and_control() {
    insta::assert_snapshot!(all_shown(["init", "ping", "pong", "error", "peer_storage", "stfu"]));
}

#[test]
fn opening_of_a_channel() {
    insta::assert_snapshot!(all_shown([
        "open_channel",
        "accept_channel",
        "funding_created",
        "channel_ready",
    ]));
}

#[test]
fn a_transaction_that_both_build() {
    insta::assert_snapshot!(all_shown([
        "tx_add_input",
        "tx_signatures",
        "tx_init_rbf",
        "splice_init",
        "start_batch",
    ]));
}

#[test]
fn a_channel_in_use() {
    insta::assert_snapshot!(all_shown([
        "update_add_htlc",
        "update_fulfill_htlc",
        "update_fail_malformed_htlc",
        "commitment_signed",
        "revoke_and_ack",
        "update_fee",
        "channel_reestablish",
    ]));
}

#[test]
fn closing_of_a_channel() {
    insta::assert_snapshot!(all_shown(["shutdown", "closing_signed", "closing_complete"]));
}

#[test]
fn gossip() {
    insta::assert_snapshot!(all_shown([
        "channel_announcement",
        "channel_update",
        "query_short_channel_ids",
        "query_channel_range",
        "reply_channel_range",
        "gossip_timestamp_filter",
        "onion_message",
    ]));
}

#[test]
fn a_node_with_every_kind_of_address() {
    let addresses = [
        "017f0000012607".to_owned(),
        format!("02{}012607", "00".repeat(15)),
        format!("04{}2607", "42".repeat(35)),
        "050b1b5b6578616d706c652e1b2607".to_owned(),
        "0901020304".to_owned(),
    ];
    let alias = format!("{:0<64}", "416c69636520e29da4");
    let node = json!({"node_announcement": {
        "signature": sample(&Kind::Signature),
        "features": "",
        "timestamp": 1_700_000_000,
        "node_id": POINT,
        "rgb_color": "ff8800",
        "alias": alias,
        "addresses": addresses.concat(),
    }});
    let node: Message = serde_json::from_value(node).unwrap();
    insta::assert_snapshot!(shown(&node.encode()));
}

/// A message of this kind, of JSON.
fn of(json: Value) -> Vec<u8> {
    serde_json::from_value::<Message>(json).unwrap().encode()
}

fn node(alias: &str, addresses: &str) -> Value {
    json!({"node_announcement": {
        "signature": sample(&Kind::Signature), "features": "", "timestamp": 1_700_000_000,
        "node_id": POINT, "rgb_color": "ff8800", "alias": alias, "addresses": addresses,
    }})
}

fn query(encoded_short_ids: &str, query_flags: &str) -> Value {
    json!({"query_short_channel_ids": {
        "chain_hash": "00".repeat(32), "encoded_short_ids": encoded_short_ids,
        "query_flags": query_flags,
    }})
}

fn reply(encoded_short_ids: &str, timestamps: &str, checksums: &[[u32; 2]]) -> Value {
    let pair =
        |[one, two]: &[u32; 2]| json!({"checksum_node_id_1": one, "checksum_node_id_2": two});
    json!({"reply_channel_range": {
        "chain_hash": "00".repeat(32), "first_blocknum": 1, "number_of_blocks": 1,
        "sync_complete": 0, "encoded_short_ids": encoded_short_ids,
        "timestamps_tlv": timestamps,
        "checksums_tlv": checksums.iter().map(pair).collect::<Vec<_>>(),
    }})
}

fn ids(ids: &[u64]) -> String {
    let ids: Vec<u8> = ids.iter().flat_map(|id| id.to_be_bytes()).collect();
    format!("00{}", ids.as_hex())
}

#[test]
fn what_a_query_and_its_answers_hold() {
    let two = ids(&[1 << 40, 2 << 40]);
    let option = json!({"query_channel_range": {
        "chain_hash": "00".repeat(32), "first_blocknum": 1, "number_of_blocks": 9,
        "query_option": 7,
    }});
    let end = json!({"reply_short_channel_ids_end": {
        "chain_hash": "00".repeat(32), "full_information": 0,
    }});
    let times = format!("00{:08x}{:08x}{:016x}", 1_700_000_000, 0, 1);
    let all = [
        query(&two, "001f00"),
        option,
        reply(&two, &times, &[[0x1112_fa30, 0], [0, 1]]),
        end,
        reply(&ids(&[]), "00", &[]),
    ];
    insta::assert_snapshot!(all.map(|json| shown(&of(json))).join("\n---\n\n"));
}

#[test]
fn arrays_that_are_wrong_are_shown_as_far_as_they_can_be_read() {
    let two = ids(&[1 << 40, 2 << 40]);
    let all = [
        query("01789c63600001c12b608a69e73e30edbaec0800203b040e", "01789c6364620100000e0008"),
        query(&ids(&[2 << 40, 1 << 40]), "0001"),
        query(&ids(&[1 << 40, 1 << 40]), "00fd000101"),
        query(&two[..32], "00010101"),
        query("", ""),
        reply(&two, "000000000000000001", &[[1, 2]]),
        reply(&two, "0000000000", &[[1, 2], [3, 4], [5, 6]]),
    ];
    insta::assert_snapshot!(all.map(|json| shown(&of(json))).join("\n---\n\n"));
}

#[test]
fn a_node_that_announces_itself_wrongly() {
    let ipv4 = "017f0000012607";
    let all = [
        node(&format!("{:0<64}", "ff00411b5b"), &format!("{ipv4}0200")),
        node(&"00".repeat(32), &format!("0502ff2e0000{ipv4}05016100010004")),
        node(&"41".repeat(32), &ipv4.repeat(12)),
    ];
    insta::assert_snapshot!(all.map(|json| shown(&of(json))).join("\n---\n\n"));
}

#[test]
fn flags_of_an_update() {
    let all = [(0, 0), (1, 1), (3, 2), (0x81, 0x83)].map(|(message_flags, channel_flags)| {
        of(json!({"channel_update": {
            "signature": sample(&Kind::Signature), "chain_hash": "00".repeat(32),
            "short_channel_id": 1, "timestamp": 1, "message_flags": message_flags,
            "channel_flags": channel_flags, "cltv_expiry_delta": 1, "htlc_minimum_msat": 0,
            "fee_base_msat": 0, "fee_proportional_millionths": 0, "htlc_maximum_msat": 0,
        }}))
    });
    let flags = |message: &Vec<u8>| {
        let text = shown(message);
        text.lines().filter(|line| line.contains("_flags")).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(all.each_ref().map(flags).join("\n"));
}

#[test]
fn what_is_long_is_shortened_or_counted() {
    let ids: Vec<u8> = (1..=12_u64).flat_map(|id| (id << 40).to_be_bytes()).collect();
    let query = json!({"query_short_channel_ids": {
        "chain_hash": "00".repeat(32),
        "encoded_short_ids": format!("00{}", ids.as_hex()),
    }});
    let signatures = vec![sample(&Kind::Signature); 22];
    let signed = json!({"commitment_signed": {
        "channel_id": "00".repeat(32),
        "signature": signatures[0],
        "htlc_signature": signatures,
    }});
    let add = json!({"tx_add_input": {
        "channel_id": "00".repeat(32), "serial_id": 0, "prevtx": "02".repeat(500),
        "prevtx_vout": 0, "sequence": 0,
    }});
    let all = [query, signed, add]
        .map(|json| shown(&serde_json::from_value::<Message>(json).unwrap().encode()));
    insta::assert_snapshot!(all.join("\n---\n\n"));
}

#[test]
fn types_that_nobody_knows() {
    let all = ["80017f", "80007f00", "8001"].map(|hex| shown(&Vec::from_hex(hex).unwrap()));
    insta::assert_snapshot!(all.join("\n---\n\n"));
}

#[test]
fn json_has_every_value_and_its_place() {
    let explanation = explain(&named("closing_signed"));
    insta::assert_snapshot!(serde_json::to_string_pretty(&explanation).unwrap());
}

#[test]
fn json_of_a_bad_one_has_the_place() {
    let explanation = explain(&named("closing_signed")[..50]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&explanation).unwrap());
}

/// A message that the table has in short: `ready` has a point at byte 34, then records.
#[test]
fn every_mistake_is_shown_at_its_place() {
    let ready = format!("0024{}{POINT}", "2a".repeat(32));
    let fulfill = format!("0082{}{}{}", "2a".repeat(32), "00".repeat(8), "2b".repeat(32));
    let signed = format!("0084{}{}0002", "2a".repeat(32), "00".repeat(64));
    let cases = [
        ("no type", "00".to_owned()),
        ("fields missing", ready[..4].to_owned()),
        ("field cut short", ready[..80].to_owned()),
        ("length greater than what follows", "00120001000aff".to_owned()),
        ("not a point", ready.replacen("0279", "0579", 1)),
        ("signature out of range", signed.replacen("00".repeat(64).as_str(), &"ff".repeat(64), 1)),
        ("second item of a list", format!("{signed}{}{}", "00".repeat(64), "ff".repeat(64))),
        ("item missing", format!("{signed}{}", "00".repeat(64))),
        ("type of a record cut short", format!("{ready}fd01")),
        ("type of a record not minimal", format!("{ready}fd000100")),
        ("length of a record missing", format!("{ready}01")),
        ("length of a record not minimal", format!("{ready}01fd00080000000000000001")),
        ("value cut short", format!("{ready}0108000000")),
        ("value too short", format!("{ready}0107{}", "00".repeat(7))),
        ("value too long", format!("{ready}0109{}", "00".repeat(9))),
        ("record twice", format!("{ready}0300{}", "0300")),
        ("records out of order", format!("{ready}0500{}", "0300")),
        ("unknown even record", format!("{ready}0300{}", "c802ffff")),
        ("unknown record cut short", format!("{fulfill}0302ff")),
        (
            "number in a record not minimal",
            format!("0107{}{}0103fd0001", "2a".repeat(32), "00".repeat(8)),
        ),
        ("address of a node cut short", "0010000000000305017f0000".to_owned()),
        ("presence with a value", format!("0049{}02010a", "2a".repeat(32))),
    ];
    let all = cases.map(|(what, hex)| {
        let message = Vec::from_hex(&hex).unwrap();
        assert!(Message::decode(&message).is_err(), "{what}");
        format!("{what}\n{}", shown(&message))
    });
    insta::assert_snapshot!(all.join("\n---\n\n"));
}

/// Reading part by part finds what the codec finds, and the parts lie one behind the other.
fn agrees(message: &[u8]) -> Result<(), TestCaseError> {
    let explanation = explain(message);
    prop_assert!(!explanation.to_string().is_empty());
    let mut end = 2.min(message.len());
    for part in &explanation.parts {
        prop_assert_eq!(part.bytes.start, end);
        end = part.bytes.end;
    }
    match (Message::decode(message), &explanation.verdict) {
        (Ok(Message::Unknown(_)), Verdict::UnknownType { .. }) => {}
        (Ok(decoded), Verdict::Valid) => {
            prop_assert_eq!(end, message.len());
            let json = serde_json::to_value(&decoded).unwrap();
            let body = json[decoded.name()].as_object().unwrap();
            for part in explanation.parts.iter().filter(|part| part.name.is_some()) {
                prop_assert_eq!(&body[part.name.unwrap()], &part.value);
            }
        }
        (Err(expected), Verdict::Invalid { error, offset, bytes, .. }) => {
            prop_assert_eq!(expected, *error);
            prop_assert!(end == *offset || explanation.message_type.is_none());
            prop_assert!(*offset <= bytes.start && bytes.start <= bytes.end);
            let is_missing = matches!(expected, DecodeError::Truncated { .. });
            prop_assert_eq!(bytes.is_empty(), is_missing);
            prop_assert!(bytes.end <= message.len());
        }
        (decoded, verdict) => prop_assert!(false, "{:?} and {:?}", decoded, verdict),
    }
    Ok(())
}

#[test]
fn every_row_of_the_table_is_explained() {
    for rule in Message::RULES {
        let message = message(rule);
        agrees(&message).unwrap();
        let explanation = explain(&message);
        assert_eq!((explanation.name, &explanation.verdict), (Some(rule.name), &Verdict::Valid));
        assert_eq!(explanation.parts.len(), rule.fields.len() + rule.records.len() + 1);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_explained_or_refused(
        number in prop_oneof![select(Message::RULES).prop_map(|rule| rule.number), any::<u16>()],
        body in vec(any::<u8>(), 0..500),
    ) {
        agrees(&[number.to_be_bytes().to_vec(), body].concat())?;
    }

    #[test]
    fn changed_messages_are_explained_or_refused(
        rule in select(Message::RULES),
        at in any::<Index>(),
        change in 1_u8..,
        cut in any::<Option<Index>>(),
    ) {
        let mut message = message(&rule);
        let at = at.index(message.len());
        message[at] ^= change;
        message.truncate(cut.map_or(message.len(), |cut| cut.index(message.len())));
        agrees(&message)?;
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9a-f]{0,400}|.{0,60}") {
        match parse(&text) {
            Ok(message) => agrees(&message)?,
            Err(error) => drop((error.to_string(), error.snippet(text.trim()))),
        }
    }
}

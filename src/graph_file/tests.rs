//! What is read, what is left out, and what is refused with its place.

use serde_json::{Value, json};

use super::*;
use crate::bolt::routing::{Direction, InboundFee, Policy};
use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};

const LND: &str = include_str!("../../tests/graphs/describegraph.json");
const CLN: &str = include_str!("../../tests/graphs/listchannels.json");

/// Two points, in order.
const ONE: &str = "02466d7fcae563e5cb09a0d1870bb580344804617879a14949cf22285f1bae3f27";
const TWO: &str = "034f355bdcb7cc0af728ef3cceb9615d90684bb5b2ca5f859ab0f0b704075871aa";

fn policy() -> Value {
    json!({
        "time_lock_delta": 80, "min_htlc": "1000", "fee_base_msat": "7",
        "fee_rate_milli_msat": "1825", "disabled": false, "max_htlc_msat": "990000000",
        "inbound_fee_base_msat": -1000, "inbound_fee_rate_milli_msat": -1006,
    })
}

fn edge() -> Value {
    json!({
        "channel_id": "592895152603922433", "node1_pub": ONE, "node2_pub": TWO,
        "capacity": "1000000", "node1_policy": policy(), "node2_policy": null,
    })
}

fn lnd(edges: &[Value]) -> Result<GraphFile, GraphFileError> {
    let nodes = [json!({"pub_key": ONE, "alias": "one"}), json!({"pub_key": TWO})];
    let text = json!({"nodes": nodes, "edges": edges}).to_string();
    read("graph.json", text.as_bytes())
}

fn half() -> Value {
    json!({
        "source": ONE, "destination": TWO, "short_channel_id": "539235x2x1", "direction": 0,
        "amount_msat": 1_000_000_000, "active": true, "base_fee_millisatoshi": 7,
        "fee_per_millionth": 1825, "delay": 80, "htlc_minimum_msat": 1000,
        "htlc_maximum_msat": 990_000_000,
    })
}

fn cln(halves: &[Value]) -> Result<GraphFile, GraphFileError> {
    read("graph.json", json!({"channels": halves}).to_string().as_bytes())
}

/// An object with one field changed, or taken out.
fn but(mut object: Value, field: &str, value: Value) -> Value {
    let fields = object.as_object_mut().unwrap();
    if value == Value::Null && field != "node1_policy" {
        fields.remove(field).unwrap();
    } else {
        fields.insert(field.to_owned(), value);
    }
    object
}

#[test]
fn both_formats_hold_the_same_graph() {
    let (lnd, cln) = (read("lnd", LND.as_bytes()).unwrap(), read("cln", CLN.as_bytes()).unwrap());
    assert_eq!((lnd.format, cln.format), (Format::Lnd, Format::Cln));
    assert_eq!((&lnd.skipped, &cln.skipped), (&Skipped::default(), &Skipped::default()));
    assert_eq!((lnd.graph.node_count(), lnd.graph.channel_count()), (9, 11));
    assert_eq!((lnd.aliases.len(), cln.aliases.len()), (9, 0));
    let mut inbound = Vec::new();
    for (index, channel) in lnd.graph.channels() {
        let other = cln.graph.find(channel.short_channel_id).unwrap();
        let there = cln.graph.channel(other).unwrap();
        assert_eq!(
            channel.nodes.map(|node| lnd.graph.node_id(node)),
            there.nodes.map(|node| cln.graph.node_id(node))
        );
        assert_eq!(channel.capacity, there.capacity);
        for direction in Direction::BOTH {
            let policy = lnd.graph.policy(index, direction);
            inbound.extend(policy.map(|policy| policy.inbound));
            let without = policy.map(|policy| Policy { inbound: InboundFee::NONE, ..policy });
            assert_eq!(cln.graph.policy(other, direction), without);
        }
    }
    inbound.retain(|fee| *fee != InboundFee::NONE);
    assert_eq!(inbound, [InboundFee { base_msat: -500, proportional_millionths: -150 }]);
}

#[test]
fn every_field_of_a_channel_is_read() {
    let said = Policy {
        cltv_expiry_delta: CltvExpiryDelta(80),
        htlc_minimum_msat: Msat(1_000),
        htlc_maximum_msat: Msat(990_000_000),
        fee_base_msat: 7,
        fee_proportional_millionths: 1_825,
        inbound: InboundFee { base_msat: -1_000, proportional_millionths: -1_006 },
        disabled: false,
    };
    let file = lnd(&[edge()]).unwrap();
    let (index, channel) = file.graph.channels().next().unwrap();
    assert_eq!(channel.short_channel_id, ShortChannelId::new(539_235, 2, 1).unwrap());
    assert_eq!(channel.capacity.unwrap().to_sat(), 1_000_000);
    assert_eq!(file.graph.policy(index, Direction::FromNode1), Some(said));
    assert_eq!(file.graph.policy(index, Direction::FromNode2), None);
    let names: Vec<_> = file.aliases.values().collect();
    assert_eq!(names, ["one"], "an empty alias is none");
    let file = cln(&[but(half(), "active", json!(false))]).unwrap();
    let (index, there) = file.graph.channels().next().unwrap();
    assert_eq!(
        (there.short_channel_id, there.capacity),
        (channel.short_channel_id, channel.capacity)
    );
    let said = Policy { inbound: InboundFee::NONE, disabled: true, ..said };
    assert_eq!(file.graph.policy(index, Direction::FromNode1), Some(said));
}

#[test]
fn what_other_versions_write_is_read_too() {
    let first = |file: GraphFile| {
        let (index, channel) = file.graph.channels().next().unwrap();
        (channel.capacity, file.graph.policy(index, Direction::FromNode1).unwrap())
    };
    let mut old = policy();
    for field in ["max_htlc_msat", "inbound_fee_base_msat", "inbound_fee_rate_milli_msat"] {
        old = but(old, field, Value::Null);
    }
    let edge = but(edge(), "node1_policy", but(old, "fee_base_msat", json!(8)));
    let (capacity, policy) = first(lnd(&[but(edge, "capacity", json!("0"))]).unwrap());
    assert_eq!((capacity, policy.inbound, policy.fee_base_msat), (None, InboundFee::NONE, 8));
    assert_eq!(policy.htlc_maximum_msat, crate::bolt::routing::fees::MOST);
    let old = but(but(half(), "direction", Value::Null), "htlc_maximum_msat", json!("5msat"));
    let (_, policy) = first(cln(&[but(old, "amount_msat", json!("9000msat"))]).unwrap());
    assert_eq!(policy.htlc_maximum_msat, Msat(5));
}

/// What was left out, in words.
fn skipped(file: Result<GraphFile, GraphFileError>) -> String {
    let file = file.unwrap();
    format!("{} left\n{}", file.graph.channel_count(), file.skipped)
}

#[test]
fn what_cannot_be_a_channel_is_left_out_and_told() {
    let other = "039ac20335eb38768d2052be1dbbc3c8f6178407458e51e6b4ad22f1d91758895b";
    let fees = |field, value| {
        let policy = but(policy(), field, value);
        but(edge(), "node1_policy", policy)
    };
    let cases = [
        ("self", vec![but(edge(), "node2_pub", json!(ONE))]),
        ("out of order", vec![but(but(edge(), "node2_pub", json!(ONE)), "node1_pub", json!(TWO))]),
        (
            "dangling",
            vec![edge(), but(but(edge(), "node2_pub", json!(other)), "channel_id", json!(5))],
        ),
        ("repeated", vec![edge(), edge()]),
        ("other capacity", vec![edge(), but(edge(), "capacity", json!("1000001"))]),
        ("other policy", vec![edge(), fees("fee_base_msat", json!("8"))]),
        ("capacity", vec![but(edge(), "capacity", json!("2100000000000001"))]),
        ("negative capacity", vec![but(edge(), "capacity", json!("-1"))]),
        ("fee", vec![fees("fee_base_msat", json!("4294967296"))]),
        ("rate", vec![fees("fee_rate_milli_msat", json!("4294967296"))]),
        ("negative fee", vec![fees("fee_base_msat", json!("-1"))]),
        ("delay", vec![fees("time_lock_delta", json!(65_536))]),
        ("inbound", vec![fees("inbound_fee_base_msat", json!(-2_147_483_649_i64))]),
        ("minimum", vec![fees("min_htlc", json!("18446744073709551616"))]),
    ];
    let told = cases.map(|(name, edges)| format!("{name}: {}", skipped(lnd(&edges))));
    insta::assert_snapshot!("left_out_of_describegraph", told.join(""));
    let back = but(but(half(), "source", json!(TWO)), "destination", json!(ONE));
    let cases = [
        ("both directions", vec![half(), but(back.clone(), "direction", json!(1))]),
        ("direction", vec![back]),
        ("self", vec![but(half(), "destination", json!(ONE))]),
        ("repeated", vec![half(), half()]),
        ("other policy", vec![half(), but(half(), "delay", json!(81))]),
        ("other capacity", vec![half(), but(half(), "amount_msat", json!(1_000))]),
        ("fee", vec![but(half(), "base_fee_millisatoshi", json!(4_294_967_296_u64))]),
    ];
    let told = cases.map(|(name, halves)| format!("{name}: {}", skipped(cln(&halves))));
    insta::assert_snapshot!("left_out_of_listchannels", told.join(""));
}

/// What is said of a text that is no graph.
fn refused(text: &[u8]) -> String {
    read("graph.json", text).unwrap_err().to_string()
}

#[test]
fn what_is_no_graph_is_refused_with_its_place() {
    let broken = |from: &str, to: &str| {
        assert!(LND.contains(from), "{from}");
        LND.replacen(from, to, 1)
    };
    let texts = [
        String::new(),
        "hello".into(),
        "[]".into(),
        "{}".into(),
        r#"{"nodes": []}"#.into(),
        r#"{"nodes": [], "edges": [], "channels": []}"#.into(),
        r#"{"channels": [], "channels": []}"#.into(),
        r#"{"channels": {}}"#.into(),
        r#"{"channels": []} x"#.into(),
        format!("{{\"more\": {}", "[".repeat(100_000)),
        broken("\"channel_id\": \"7", "\"channel_id\": \"x7"),
        broken("\"channel_id\": \"7", "\"channel_id\": \"777777777777777777777"),
        broken("\"fee_base_msat\": \"1000\"", "\"fee_base_msat\": 1.5"),
        broken("\"fee_base_msat\": \"1000\"", "\"fee_base_msat\": \"+1\""),
        broken("\"disabled\": false", "\"disabled\": \"no\""),
        broken("\"capacity\"", "\"capacitie\""),
        broken("\"pub_key\": \"03", "\"pub_key\": \"05"),
        broken("\"node1_pub\": \"02", "\"node1_pub\": \"0202"),
        broken("\"node1_pub\": \"02", "\"node1_pub\": \"zz"),
        CLN.replacen("700001x1x0", "700001x1", 1),
        CLN.replacen("\"source\": \"03", "\"source\": \"04", 1),
    ];
    let told = texts.map(|text| refused(text.as_bytes()));
    insta::assert_snapshot!(told.join("\n"));
    assert!(matches!(open(Path::new("/nowhere")), Err(GraphFileError::Io { .. })));
}

#[test]
fn a_text_that_breaks_off_is_never_read() {
    for text in [LND, CLN] {
        let whole = text.trim_end();
        for end in (0..whole.len()).step_by(97) {
            let told = refused(&whole.as_bytes()[..end]);
            assert!(told.contains("EOF while parsing"), "{end}: {told}");
        }
    }
}

#[test]
fn no_byte_in_the_wrong_place_makes_it_panic() {
    let text = LND.as_bytes();
    for (place, byte) in (0..text.len()).step_by(13).zip((0..=255_u8).cycle()) {
        let mut changed = text.to_vec();
        changed[place] = byte;
        if let Ok(file) = read("graph.json", changed.as_slice()) {
            assert!(file.graph.channel_count() <= 11);
        }
    }
}

#[test]
fn a_file_without_end_is_refused() {
    let most = u64::try_from(LND.len()).unwrap();
    assert!(read_at_most("graph.json", LND.as_bytes(), most + 1).is_ok());
    let error = read_at_most("graph.json", LND.as_bytes(), most - 9).unwrap_err();
    assert_eq!(error.to_string(), format!("graph.json: more than {} bytes", most - 9));
}

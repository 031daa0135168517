//! What belongs to gossip: networks by their shape, gossip of others, and values that a file only
//! names.

use super::*;

const MINE: &str = "- mine: 1 block";
const LINE: &str = "network: {shape: line, nodes: 3}";

/// A scenario with a network and nothing else.
fn network(network: &str) -> String {
    format!(
        "title: A network\n{network}\nsteps:\n  - open: network\noutcome:\n  network.funding: unspent\n"
    )
}

/// The only mistake of a file, where it stands, and in words.
#[track_caller]
fn only(text: &str, marker: &str) -> String {
    let error = refuse(text);
    let [problem] = error.problems.as_slice() else { panic!("not one problem:\n{error}") };
    let column = problem.position.expect("a position").column as usize;
    let line = problem.line.clone().expect("a line");
    let rest: String = line.chars().skip(column - 1).collect();
    assert!(rest.starts_with(marker), "the caret is at `{rest}`:\n{error}");
    problem.mistake.to_string()
}

/// The mistake of one step in the place of a block, with a probe in the cast.
#[track_caller]
fn wrong(step: &str, marker: &str) -> String {
    only(&with_probe(step), marker)
}

fn with_probe(step: &str) -> String {
    let cast = "bob: {role: honest}\n  mallory: {role: probe}";
    changed(&changed(BREACH, "bob: {role: honest}", cast), MINE, &format!("- {step}"))
}

#[test]
fn a_network_is_roles_and_channels() {
    let scenario = read(&network(LINE));
    let names: Vec<String> = scenario.cast.iter().map(|role| role.name.to_string()).collect();
    assert_eq!(names, ["n1", "n2", "n3"]);
    let channels = scenario.channels.iter();
    let channels: Vec<String> = channels.map(|channel| channel.name.to_string()).collect();
    assert_eq!(channels, ["n1-n2", "n2-n3"]);
    assert!(scenario.channels.iter().all(|channel| channel.announced));
    assert!(scenario.gossip, "a network gossips");
    let [one, ..] = scenario.channels.as_slice() else { panic!("channels") };
    assert_eq!((one.capacity.value.to_sat(), one.push.value.to_sat()), (1_000_000, 500_000));
}

#[test]
fn a_network_that_cannot_be_is_refused() {
    for (text, marker, why) in [
        (
            "network: {shape: scale_free, nodes: 5, channels: 3}",
            "{shape",
            "there is no way to connect 5 nodes with 3 channels: it takes at least 4",
        ),
        (
            "network: {shape: small_world, nodes: 4, neighbours: 3}",
            "{shape",
            "there is no way to give 4 nodes 3 neighbours each: take an even number from 2, below the nodes",
        ),
        (
            "network: {shape: line, nodes: 1_001}",
            "1_001",
            "a lab plays 1000 of them at most, not 1001",
        ),
        ("network: {nodes: 3}", "{nodes", "a network lacks `shape`"),
    ] {
        assert_eq!(only(&network(text), marker), why);
    }
}

#[test]
fn a_role_is_not_called_like_a_node_of_the_network() {
    let text = network(&format!("{LINE}\ncast:\n  n2: {{role: honest, funds: 1 BTC}}"));
    assert_eq!(only(&text, "{shape"), "`n2` is a node of the network");
    read(&network(&format!("{LINE}\ncast:\n  n4: {{role: honest}}")));
}

#[test]
fn open_network_needs_one() {
    assert_eq!(
        mistake("- open: ab", "- open: network", "network").to_string(),
        "the file has no `network`"
    );
}

#[test]
fn gossip_announces_channels_unless_the_file_says_otherwise() {
    let announced = |text: &str| read(text).channels[0].announced;
    assert!(!announced(BREACH));
    let gossip = changed(BREACH, "cast:\n", "gossip: true\ncast:\n");
    assert!(announced(&gossip));
    for (said, is_announced) in [("announced: false", false), ("scid_alias: true", false)] {
        let text = changed(&gossip, "type: anchors", &format!("type: anchors, {said}"));
        assert_eq!(announced(&text), is_announced, "{said}");
    }
}

#[test]
fn a_role_catches_up_in_a_known_way() {
    let role = |keys: &str| {
        changed(BREACH, "bob: {role: honest}", &format!("bob: {{role: honest, {keys}}}"))
    };
    let scenario = read(&role("sync: filter, short_ids_per_reply: 2"));
    let gossip = &scenario.cast[1].gossip;
    assert_eq!((gossip.sync, gossip.most_ids), (SyncKind::Filter, Some(2)));
    let found = only(&role("sync: filters"), "filters");
    assert_eq!(found, "`filters` is no way to catch up");
    only(&role("short_ids_per_reply: many"), "many");
}

#[test]
fn gossip_is_of_one_role_or_of_two() {
    for of in ["alice", "[alice, bob]", "[bob]"] {
        read(&with_probe(&format!(
            "send: {{from: mallory, channel: ab, of: {of}, channel_update: }}"
        )));
    }
    let three = "send: {from: mallory, channel: ab, of: [alice, bob, mallory], channel_update: }";
    assert_eq!(wrong(three, "[alice"), "gossip is of one role, or of two");
    let nobody = "send: {from: mallory, of: dave, node_announcement: }";
    assert_eq!(wrong(nobody, "dave"), "unknown role `dave`");
}

/// What a field of the message of the only `send` holds.
#[track_caller]
fn value(message: &str) -> FieldValue {
    // Only what anybody may pass on can be about a channel of others.
    let channel = if message.contains("_update") || message.contains("_announcement") {
        "channel: ab, "
    } else {
        ""
    };
    let scenario = read(&with_probe(&format!("send: {{from: mallory, {channel}{message}}}")));
    let sends = scenario.steps.iter().find_map(|step| match &step.verb {
        Verb::Send(send) => Some(send.what.clone()),
        _ => None,
    });
    let Some(Sent::Message(fields)) = sends else { panic!("no message") };
    fields.fields[0].value.clone()
}

#[test]
fn a_name_stands_for_what_there_is_when_it_is_sent() {
    let ab: ChannelName = "ab".parse().unwrap();
    let bob: RoleName = "bob".parse().unwrap();
    for (message, referent) in [
        ("channel_update: {short_channel_id: ab}", Referent::Channel(ab.clone())),
        ("channel_update: {timestamp: 90_000 s ahead}", Referent::Ahead(90_000)),
        ("channel_update: {timestamp: 60 s ago}", Referent::Ago(60)),
        ("gossip_timestamp_filter: {first_timestamp: 1 s ago}", Referent::Ago(1)),
        ("channel_announcement: {node_id_1: bob}", Referent::Key(bob.clone())),
        ("channel_announcement: {bitcoin_key_2: bob}", Referent::Key(bob)),
        (
            "query_short_channel_ids: {encoded_short_ids: [ab, 1x2x3]}",
            Referent::Channels(vec![
                ChannelItem::Named(ab),
                ChannelItem::Is("1x2x3".parse().unwrap()),
            ]),
        ),
    ] {
        assert_eq!(value(message), FieldValue::Named(referent), "{message}");
    }
    let number = value("channel_update: {timestamp: 7}");
    assert_eq!(number, FieldValue::Is(serde_json::json!(7)));
    let id = value("channel_update: {short_channel_id: 1x2x3}");
    assert!(matches!(id, FieldValue::Is(_)), "an id is an id: {id:?}");
    assert_eq!(value("channel_update: {signature: wrong}"), FieldValue::Wrong);
    assert_eq!(value("channel_update: {signature: high_s}"), FieldValue::HighS);
}

#[test]
fn what_stands_for_nothing_is_refused_where_it_stands() {
    let wrongs = [
        (
            "channel_update: {short_channel_id: ax}",
            "ax",
            "expected a short_channel_id, as in `1x2x3`, found another text",
        ),
        (
            "channel_update: {timestamp: 60 ago}",
            "60 ago",
            "a time span needs its unit, as in `60 s`",
        ),
        (
            "channel_update: {timestamp: 60 blocks ago}",
            "60 blocks ago",
            "`blocks` is no unit of a time span",
        ),
        (
            "channel_announcement: {node_id_1: dave}",
            "dave",
            "expected bytes in hex, as in `00ff`, found another text",
        ),
        ("query_short_channel_ids: {encoded_short_ids: [ab, ax]}", "ax", "unknown channel `ax`"),
        (
            "channel_update: {signature: low_s}",
            "low_s",
            "expected 64 bytes of a signature in hex, found another text",
        ),
        (
            "node_announcement: {timestamp: high_s}",
            "high_s",
            "expected a whole number below 2^32, found another text",
        ),
    ];
    let found = wrongs
        .map(|(message, marker, _)| wrong(&format!("send: {{from: mallory, {message}}}"), marker));
    assert_eq!(found, wrongs.map(|(_, _, why)| why));
}

#[test]
fn only_a_network_has_network_funding() {
    let text = changed(
        BREACH,
        "ab.funding: {spent_by",
        "network.funding: unspent\n  ab.funding: {spent_by",
    );
    refuse(&text);
    read(&network(LINE));
}

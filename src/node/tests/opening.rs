//! Opening a channel.

use super::*;

#[test]
fn both_sides_are_ready_at_the_depth_and_not_before() {
    for channel_type in BOTH {
        let mut pair = Pair::new();
        pair.open(channel_type, Msat(100_000_000));
        pair.drive();
        assert_eq!(pair.mempool.len(), 1);
        pair.mine(2);
        assert_eq!(pair.phases(), ["opening", "opening"]);
        pair.mine(1);
        assert_eq!(pair.phases(), ["normal", "normal"]);
        let balances = (Msat(900_000_000), Msat(100_000_000));
        assert_eq!(pair.commitments(ALICE).settled(), balances);
    }
}

/// `open_channel` with one field changed is refused for that field's requirement.
#[track_caller]
fn open_refused(requirement: &str, change: impl FnOnce(&mut Message)) {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.deliver(change);
    assert_eq!(pair.violation(BOB), requirement);
    pair.drive();
    assert_eq!(pair.phase(ALICE).name(), "closed");
    assert!(pair.mempool.is_empty());
}

#[test]
fn open_channel_outside_its_bounds_is_refused() {
    open_refused(
        "bolt02/open_channel/chain-hash-known",
        change!(OpenChannel, m =>
        m.chain_hash = bitcoin::constants::ChainHash::BITCOIN),
    );
    open_refused(
        "bolt02/open_channel/push-within-funding",
        change!(OpenChannel, m =>
        m.push_msat = Msat(1_000_000_001)),
    );
    open_refused(
        "bolt02/open_channel/to-self-delay-bound",
        change!(OpenChannel, m =>
        m.to_self_delay = CsvDelay(2017)),
    );
    open_refused(
        "bolt02/open_channel/max-accepted-htlcs-bound",
        change!(OpenChannel, m =>
        m.max_accepted_htlcs = 484),
    );
    open_refused(
        "bolt02/open_channel/feerate-reasonable",
        change!(OpenChannel, m =>
        m.feerate_per_kw.0 = 252),
    );
    open_refused(
        "bolt02/open_channel/dust-limit-within-reserve",
        change!(OpenChannel, m =>
        m.dust_limit_satoshis = Amount::from_sat(10_001)),
    );
    open_refused(
        "bolt02/open_channel/dust-limit-least",
        change!(OpenChannel, m =>
        m.dust_limit_satoshis = Amount::from_sat(353)),
    );
    open_refused(
        "bolt02/open_channel/funder-affords-fee",
        change!(OpenChannel, m =>
        m.push_msat = Msat(999_000_000)),
    );
    open_refused(
        "bolt02/open_channel/somebody-above-reserve",
        change!(OpenChannel, m =>
        m.channel_reserve_satoshis = Amount::from_sat(1_000_000)),
    );
    open_refused(
        "bolt02/open_channel/channel-type-present",
        change!(OpenChannel, m =>
        m.channel_type = None),
    );
}

#[test]
fn a_funding_of_2_24_is_refused_on_both_sides() {
    let [greatest, too_much] = [16_777_215, 16_777_216].map(Amount::from_sat);
    open_refused(
        "bolt02/open_channel/funding-below-2-24",
        change!(OpenChannel, m => m.funding_satoshis = too_much),
    );
    let mut pair = Pair::new();
    let mut request = pair.request(Anchors, Msat::ZERO);
    request.capacity = too_much;
    let refused = pair.command(ALICE, NodeCommand::Open(request.clone()));
    let large = Refused::FundingTooLarge { capacity: too_much, limit: greatest };
    assert_eq!(refused, Err(NodeError::Refused(large)));
    assert!(pair.wire.is_empty() && pair.nodes[ALICE].channels().next().is_none());

    request.capacity = greatest;
    pair.command(ALICE, NodeCommand::Open(request)).unwrap();
    pair.drive();
    pair.mine(3);
    assert_eq!(pair.phases(), ["normal", "normal"]);
}

#[test]
fn a_reused_temporary_id_replaces_a_proposal_but_no_channel() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    let (_, open) = pair.wire[0].clone();
    pair.deliver(change!(OpenChannel, m => m.push_msat = Msat(100_000_000)));
    pair.wire.clear();
    pair.wire.push_back((BOB, open.clone()));
    pair.drive();
    pair.mine(3);
    // Signatures fit: the second proposal counts, which pushes nothing.
    assert_eq!(pair.phases(), ["normal", "normal"]);

    let before = pair.phase(BOB).clone();
    pair.wire.push_back((BOB, open));
    pair.deliver(|_| {});
    assert_eq!(pair.violation(BOB), "bolt02/open_channel/temporary-channel-id-unique");
    assert_eq!(pair.wire.pop_front().map(|(to, m)| (to, m.name())), Some((ALICE, "error")));
    assert_eq!(*pair.phase(BOB), before);
}

#[test]
fn a_second_channel_ready_before_the_depth_changes_nothing() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.drive();
    let channel_id = pair.commitments(BOB).channel_id;
    let point = |number| {
        let secret = pair.nodes[ALICE].channel(&pair.handle()).unwrap().secrets.seed.secret(number);
        secret.point().unwrap()
    };
    let ready = [1, 2].map(|number| messages::ChannelReady {
        channel_id,
        second_per_commitment_point: point(CommitmentNumber(number)),
        short_channel_id: None,
        unknown: Vec::new(),
    });
    pair.wire.extend(ready.map(|message| (BOB, message.into())));
    pair.drive();
    pair.mine(3);
    pair.pay(ALICE, Msat(100_000));
    assert_eq!(pair.commitments(BOB).settled(), (Msat(100_000), Msat(999_900_000)));
}

#[test]
fn a_failed_opening_is_unknown_and_leaves_its_id() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    let (_, open) = pair.wire[0].clone();
    pair.until("accept_channel");
    let (_, accept) = pair.wire[0].clone();
    pair.deliver(change!(AcceptChannel, m => m.max_accepted_htlcs = 484));
    pair.drive();
    assert_eq!(pair.phases(), ["closed", "closed"]);
    pair.wire.push_back((ALICE, accept));
    pair.deliver(|_| {});
    assert_eq!(pair.wire.pop_front().map(|(to, m)| (to, m.name())), Some((BOB, "error")));
    pair.wire.push_back((BOB, open));
    pair.deliver(|_| {});
    assert_eq!(pair.wire[0].1.name(), "accept_channel");
}

#[test]
fn a_temporary_id_of_another_peers_channel_is_refused_without_blame() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    let (_, message) = pair.wire[0].clone();
    pair.drive();
    let before = pair.phase(BOB).clone();
    let from = Seed::derive("pair", "carol").key("node", 0).public_key(secp256k1::SECP256K1);
    pair.nodes[BOB].step(NodeInput::Connected(from)).unwrap();
    let init = connection::init(&default_features()).into();
    pair.nodes[BOB].step(NodeInput::Message { from, message: init }).unwrap();
    let outputs = pair.nodes[BOB].step(NodeInput::Message { from, message }).unwrap();
    match outputs.as_slice() {
        [NodeOutput::Send { to, message: Message::Error(error) }] => {
            assert_eq!((*to, error.channel_id), (from, pair.handle()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(*pair.phase(BOB), before);
    pair.mine(3);
    assert_eq!(pair.phases(), ["normal", "normal"]);
}

#[test]
fn open_channel_on_its_bounds_is_accepted() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.deliver(change!(OpenChannel, m => {
        m.max_accepted_htlcs = 483;
        m.to_self_delay = CsvDelay(2016);
        m.dust_limit_satoshis = Amount::from_sat(354);
    }));
    assert_eq!(pair.wire.front().map(|(_, message)| message.name()), Some("accept_channel"));
}

#[test]
fn accept_channel_with_another_type_is_refused() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.until("accept_channel");
    pair.deliver(change!(AcceptChannel, m =>
        m.channel_type = Some(ChannelTypeBits::new(StaticRemotekey, Variations::default()))));
    assert_eq!(pair.violation(ALICE), "bolt02/open_channel/channel-type-suitable");
}

#[test]
fn a_wrong_signature_of_the_first_commitment_is_refused() {
    for (message, victim) in [("funding_created", BOB), ("funding_signed", ALICE)] {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        pair.until(message);
        pair.deliver(|message| match message {
            Message::FundingCreated(m) => m.signature = other(m.signature),
            Message::FundingSigned(m) => m.signature = other(m.signature),
            _ => unreachable!(),
        });
        assert_eq!(pair.violation(victim), "bolt02/any/signature-valid");
        assert!(pair.mempool.is_empty(), "the funding transaction must not be published");
    }
}

#[test]
fn a_funding_output_of_another_amount_is_refused() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.drive();
    let (_, mut funding) = pair.mempool.pop().unwrap();
    let outpoint = pair.commitments(BOB).funding.outpoint;
    funding.output[outpoint.vout as usize].value -= Amount::from_sat(1);
    // The changed transaction has another txid; tell Bob that it is the one.
    let height = crate::bolt::units::BlockHeight(pair.height.0 + 1);
    let event = block(height, vec![funding.clone()]);
    let handle = pair.handle();
    let mut channel = pair.nodes[BOB].channel(&handle).unwrap().clone();
    let Phase::Opening(crate::bolt::channel::Opening::AwaitingDepth(waiting)) = &mut channel.phase
    else {
        panic!("{}", channel.phase.name())
    };
    waiting.commitments.funding.outpoint = OutPoint { txid: funding.compute_txid(), ..outpoint };
    pair.nodes[BOB].channels.insert(handle, channel);
    pair.input(BOB, super::super::NodeInput::Chain(event)).unwrap();
    assert_eq!(pair.violation(BOB), "bolt02/channel_ready/funding-output-fits");
    assert_eq!(pair.phase(BOB).name(), "funding_lost");
    assert!(pair.mempool.is_empty(), "no commitment could spend it");
}

#[test]
fn a_double_spent_funding_ends_the_opening() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.drive();
    let (_, funding) = pair.mempool.pop().unwrap();
    let replacement = cheat::double_spend(&pair.nodes[ALICE], &funding, None).unwrap();
    pair.mine_these(vec![replacement]);
    assert_eq!(pair.phases(), ["funding_lost", "opening"]);
    pair.mine(2015);
    assert_eq!(pair.phase(BOB).name(), "funding_lost");
}

#[test]
fn a_proposal_under_the_id_of_a_channel_in_use_is_refused_and_spares_that() {
    let mut pair = Pair::normal(Anchors);
    let id = pair.commitments(BOB).channel_id;
    let request = pair.request(Anchors, Msat::ZERO);
    pair.command(ALICE, NodeCommand::Open(request)).unwrap();
    pair.deliver(change!(OpenChannel, m => m.temporary_channel_id = id));
    assert_eq!(pair.violation(BOB), "bolt02/open_channel/temporary-channel-id-unique");
    let answers: Vec<&str> = pair.wire.iter().map(|(_, message)| message.name()).collect();
    assert_eq!(answers, ["warning"]);
    assert!(!pair.is_connected);
    assert_eq!(pair.phase(BOB).name(), "normal");
}

#[test]
fn a_channel_without_anything_to_lose_is_not_proposed() {
    let mut pair = Pair::new();
    // The fee is 1,124 sat, the anchors 660, the reserve 546.
    for (capacity, taken) in [(2_330, false), (2_331, true)] {
        let capacity = Amount::from_sat(capacity);
        let request = OpenRequest { capacity, ..pair.request(Anchors, Msat::ZERO) };
        let opened = pair.command(ALICE, NodeCommand::Open(request));
        assert_eq!(opened.is_ok(), taken, "{opened:?}");
    }
}

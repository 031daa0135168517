//! Channels whose funding is not confirmed, or not for good.

use super::*;
use crate::bolt::channel::Confirmation;
use crate::bolt::features::{Feature, Features};
use crate::node::default_features;

/// Two nodes that know aliases and `option_zeroconf`; Bob trusts Alice or not.
fn trusting(trusts: bool) -> Pair {
    let mut pair = Pair::new();
    pair.lose_connection();
    let features = [Feature::SCID_ALIAS, Feature::ZEROCONF, Feature::LARGE_CHANNELS];
    let features = features.into_iter().fold(default_features(), Features::offering);
    for node in [ALICE, BOB] {
        pair.command(node, NodeCommand::SetFeatures(features.clone())).unwrap();
    }
    let policy = ChannelPolicy { accepts_zeroconf: trusts, ..ChannelPolicy::default() };
    pair.command(BOB, NodeCommand::SetPolicy(pair.id(ALICE), policy)).unwrap();
    pair.connect();
    pair.drive();
    pair
}

fn open(pair: &mut Pair, variations: Variations) {
    let request = OpenRequest { variations, ..pair.request(Anchors, Msat(200_000_000)) };
    pair.command(ALICE, NodeCommand::Open(request)).unwrap();
}

const ZEROCONF: Variations = Variations { scid_alias: false, zeroconf: true };
const HIDDEN: Variations = Variations { scid_alias: true, zeroconf: false };

#[test]
fn who_is_trusted_opens_a_channel_without_a_block() {
    let mut pair = trusting(true);
    open(&mut pair, ZEROCONF);
    pair.drive();
    assert_eq!(pair.phases(), ["normal", "normal"]);
    pair.pay(ALICE, Msat(1_000_000));
    pair.pay(BOB, Msat(2_000_000));
    for node in [ALICE, BOB] {
        assert_eq!(pair.phase(node).short_channel_id(), None);
        let alias = pair.phase(node).name_for_senders().unwrap();
        assert!(pair.phase(node).goes_by(alias));
    }
    assert_ne!(pair.phase(ALICE).name_for_senders(), pair.phase(BOB).name_for_senders());
    let alias = pair.phase(BOB).name_for_senders().unwrap();
    pair.mine(1);
    let real = pair.phase(BOB).short_channel_id().unwrap();
    assert_eq!(pair.phase(BOB).name_for_senders(), Some(real));
    assert!(pair.phase(BOB).goes_by(alias) && pair.phase(BOB).goes_by(real));
}

#[test]
fn who_is_not_trusted_does_not() {
    let mut pair = trusting(false);
    open(&mut pair, ZEROCONF);
    pair.drive();
    assert_eq!(pair.violation(BOB), "bolt02/open_channel/zeroconf-trusted");
}

#[test]
fn a_hidden_channel_goes_by_its_alias_alone() {
    let mut pair = trusting(false);
    open(&mut pair, HIDDEN);
    pair.drive();
    pair.mine(3);
    let real = pair.phase(BOB).short_channel_id().unwrap();
    let alias = pair.phase(BOB).name_for_senders().unwrap();
    assert_ne!(alias, real);
    assert!(pair.phase(BOB).goes_by(alias));
    assert!(!pair.phase(BOB).goes_by(real));
    assert!(!pair.phase(ALICE).goes_by(alias), "each side has its own");
}

#[test]
fn a_channel_type_that_was_not_negotiated_is_not_proposed() {
    let mut pair = Pair::new();
    let request = OpenRequest { variations: ZEROCONF, ..pair.request(Anchors, Msat::ZERO) };
    let refused = pair.command(ALICE, NodeCommand::Open(request));
    assert_eq!(refused, Err(NodeError::Refused(Refused::ChannelType)));
}

#[test]
fn a_large_channel_takes_the_feature() {
    let capacity = Amount::from_sat(1 << 24);
    let mut pair = trusting(false);
    let request = OpenRequest { capacity, ..pair.request(Anchors, Msat::ZERO) };
    pair.command(ALICE, NodeCommand::Open(request.clone())).unwrap();
    pair.drive();
    pair.mine(3);
    assert_eq!(pair.phases(), ["normal", "normal"]);

    let mut pair = Pair::new();
    let refused = pair.command(ALICE, NodeCommand::Open(request));
    let Err(NodeError::Refused(Refused::FundingTooLarge { .. })) = refused else {
        panic!("{refused:?}")
    };
}

#[test]
fn a_trusted_funding_of_another_output_loses_the_channel_when_it_confirms() {
    let mut pair = trusting(true);
    open(&mut pair, ZEROCONF);
    pair.until("funding_created");
    let handle = pair.handle();
    let outputs = cheat::fund(&mut pair.nodes[ALICE], handle, cheat::Funding::Less).unwrap();
    pair.wire.clear();
    pair.take(ALICE, outputs);
    pair.drive();
    assert_eq!(pair.phases(), ["normal", "normal"]);
    pair.pay(ALICE, Msat(1_000_000));
    let mut closing = pair.clone();
    let handle = closing.handle();
    closing.command(BOB, NodeCommand::ForceClose(handle)).unwrap();
    // Nothing spends an output that is not there.
    closing.mempool.retain(|(purpose, _)| *purpose == Purpose::Funding);
    for mut pair in [pair, closing] {
        pair.mine(1);
        assert_eq!(pair.violation(BOB), "bolt02/channel_ready/funding-output-fits");
        assert_eq!(pair.phase(BOB).name(), "funding_lost");
    }
}

#[test]
fn a_coinbase_funds_a_channel_when_it_is_mature() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.drive();
    let (_, funding) = pair.mempool.pop().unwrap();
    pair.height = BlockHeight(pair.height.0 + 1);
    // What makes a coinbase of it for a channel is its place in the block.
    let event = ChainEvent::Connected { height: pair.height, transactions: vec![funding] };
    for node in [ALICE, BOB] {
        pair.input(node, NodeInput::Chain(event.clone())).unwrap();
    }
    pair.mine(98);
    assert_eq!(pair.phases(), ["opening", "opening"]);
    pair.mine(1);
    assert_eq!(pair.phases(), ["normal", "normal"]);
}

#[test]
fn a_funding_that_does_not_come_is_forgotten_also_amid_a_close() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.drive();
    pair.mempool.clear();
    pair.mine(1);
    let handle = pair.handle();
    pair.command(BOB, NodeCommand::Close(handle)).unwrap();
    // Alice never hears of it.
    pair.wire.clear();
    pair.mine(2014);
    assert_eq!(pair.phase(BOB).name(), "shutdown");
    pair.mine(1);
    assert_eq!(pair.phase(BOB).name(), "funding_lost");
    assert_eq!(pair.phase(ALICE).name(), "opening", "the opener waits: its coins are in it");
}

#[test]
fn who_has_used_a_channel_does_not_forget_it() {
    let mut pair = trusting(true);
    open(&mut pair, ZEROCONF);
    pair.drive();
    pair.pay(ALICE, Msat(1_000_000));
    pair.mempool.clear();
    pair.mine(2100);
    assert_eq!(pair.phase(BOB).name(), "normal");
    let Phase::Normal(normal) = pair.phase(BOB) else { panic!() };
    assert!(matches!(normal.confirmation, Confirmation::Awaited { .. }));
}

#[test]
fn who_has_used_a_channel_does_not_forget_it_amid_a_close() {
    let mut pair = trusting(true);
    open(&mut pair, ZEROCONF);
    pair.drive();
    pair.pay(ALICE, Msat(1_000_000));
    pair.mempool.clear();
    let handle = pair.handle();
    pair.command(BOB, NodeCommand::Close(handle)).unwrap();
    pair.wire.clear();
    pair.mine(2100);
    assert_eq!(pair.phase(BOB).name(), "shutdown");
}

#[test]
fn a_funding_that_goes_with_its_spend_has_no_depth() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.drive();
    let handle = pair.handle();
    pair.command(ALICE, NodeCommand::ForceClose(handle)).unwrap();
    pair.mine(1);
    assert_eq!(pair.phases(), ["closing", "closing"]);
    pair.disconnect();
    assert_eq!(pair.phases(), ["closing", "opening"]);
    pair.mempool.clear();
    pair.mine(10);
    assert_eq!(pair.phases(), ["closing", "opening"]);
    let sent = pair.wire.iter().any(|(_, message)| message.name() == "channel_ready");
    assert!(!sent, "the funding is in no block");
}

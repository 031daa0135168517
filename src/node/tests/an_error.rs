//! What an `error` of the peer leads to.

use super::*;
use crate::bolt::wire::{ChannelId, messages};

/// The phases of Bob's two channels after an `error` from Alice with this id.
fn phases_after(channel_id: ChannelId) -> Vec<&'static str> {
    let mut pair = Pair::normal(Anchors);
    pair.open(Anchors, Msat::ZERO);
    pair.drive();
    let error = messages::Error::about(channel_id, "");
    pair.wire.push_back((BOB, error.into()));
    pair.deliver(|_| {});
    pair.nodes[BOB].channels().map(|(_, channel)| channel.phase.name()).collect()
}

#[test]
fn without_a_channel_fails_all_of_the_peer() {
    assert_eq!(phases_after(ChannelId([0; 32])), ["closing", "closing"]);
}

#[test]
fn for_an_unknown_channel_fails_none() {
    let mut phases = phases_after(ChannelId([1; 32]));
    phases.sort_unstable();
    assert_eq!(phases, ["normal", "opening"]);
}

#[test]
fn of_ours_names_its_channel_from_the_first_message_on() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.until("funding_signed");
    pair.deliver(change!(FundingSigned, m => m.signature = other(m.signature)));
    let (_, answer) = pair.wire.pop_front().expect("an answer");
    let expected = pair.commitments(BOB).channel_id;
    assert_eq!((answer.name(), answer.channel_id()), ("error", Some(expected)));
}

/// The first channel is funded: its temporary id means nothing any more.
#[test]
fn for_a_temporary_id_fails_what_has_no_other_name() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.until("funding_created");
    let temporary_id = pair.handle();
    let error = || (BOB, messages::Error::about(temporary_id, "").into());
    let mut early = pair.clone();
    early.wire.push_front(error());
    early.deliver(|_| {});
    assert_eq!(early.phase(BOB).name(), "closed");
    pair.drive();
    pair.wire.push_back(error());
    pair.deliver(|_| {});
    pair.mine(3);
    assert_eq!(pair.phases(), ["normal", "normal"]);
}

#[test]
fn before_the_funding_is_published_leaves_a_commitment_for_when_it_is() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat(100_000_000));
    pair.until("funding_signed");
    let error = messages::Error::about(pair.commitments(BOB).channel_id, "");
    pair.wire.push_back((BOB, error.into()));
    pair.drive();
    let commitments = |pair: &Pair| {
        let ours = |(purpose, _): &&(Purpose, _)| matches!(purpose, Purpose::Commitment(_));
        pair.mempool.iter().filter(ours).count()
    };
    assert_eq!((pair.phase(BOB).name(), commitments(&pair)), ("closing", 1));
    let (_, funding) = pair.mempool.remove(0);
    pair.mempool.clear();
    pair.mine_these(Vec::new());
    assert_eq!(commitments(&pair), 0);
    pair.mine_these(vec![funding]);
    assert_eq!(commitments(&pair), 1);
    pair.mine_these(Vec::new());
    assert_eq!(commitments(&pair), 2, "again, as long as no block has it");
}

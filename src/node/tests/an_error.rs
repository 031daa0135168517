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

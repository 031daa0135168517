//! boltlab's reference node meets a real LDK node.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod common;

use bitcoin::Amount;
use boltlab::bolt::{tx::ChannelType, units::Msat};
use boltlab_target_ldk::{Channel, Encounter, EncounterOptions, LdkOptions, Payer};
use common::funded_chain;

const CAPACITY: Amount = Amount::from_sat(1_000_000);
const PUSHED: Msat = Msat(300_000_000);

fn meet() -> Encounter {
    Encounter::begin(funded_chain(), &EncounterOptions::default()).unwrap()
}

/// They meet, and LDK knows no anchors.
fn meet_without_anchors() -> Encounter {
    let ldk = LdkOptions { anchors: false, ..LdkOptions::named("ldk") };
    Encounter::begin(funded_chain(), &EncounterOptions { ldk, ..Default::default() }).unwrap()
}

fn channel_type(both: &Encounter, channel: Channel) -> ChannelType {
    let ours = both.reference.node().channel(&channel.handle).unwrap();
    ours.phase.commitments().unwrap().terms.channel_type
}

/// Both pay once each, and agree to the msat.
fn pay_both_ways(both: &mut Encounter, channel: Channel, ours: Msat) -> Msat {
    let more = Msat(ours.0 + 100_000_123);
    both.pay(channel, Payer::Ldk, Msat(100_000_123), more).unwrap();
    let less = Msat(more.0 - 30_000_456);
    both.pay(channel, Payer::Reference, Msat(30_000_456), less).unwrap();
    less
}

#[test]
fn ldk_opens_with_anchors_and_both_pay() {
    let mut both = meet();
    let channel = both.ldk_opens(CAPACITY, PUSHED).unwrap();
    assert_eq!(channel_type(&both, channel), ChannelType::Anchors);
    both.until_settled(channel, PUSHED).unwrap();
    pay_both_ways(&mut both, channel, PUSHED);
}

#[test]
fn ldk_opens_without_anchors_and_both_pay() {
    let mut both = meet_without_anchors();
    let channel = both.ldk_opens(CAPACITY, PUSHED).unwrap();
    assert_eq!(channel_type(&both, channel), ChannelType::StaticRemotekey);
    pay_both_ways(&mut both, channel, PUSHED);
}

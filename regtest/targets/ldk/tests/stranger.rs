//! boltlab's reference node meets a real LDK node.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod common;

use bitcoin::Amount;
use boltlab::bolt::{tx::ChannelType, units::Msat};
use boltlab_target_ldk::{Channel, Cut, Encounter, EncounterOptions, LdkOptions, Payer};
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

#[test]
fn the_reference_opens_with_anchors_and_both_pay() {
    let mut both = meet();
    let open = both.reference_opens(CAPACITY, PUSHED, ChannelType::Anchors);
    let channel = open.unwrap();
    pay_both_ways(&mut both, channel, Msat(700_000_000));
}

#[test]
fn the_reference_opens_without_anchors_and_both_pay() {
    let mut both = meet();
    let open = both.reference_opens(CAPACITY, PUSHED, ChannelType::StaticRemotekey);
    let channel = open.unwrap();
    pay_both_ways(&mut both, channel, Msat(700_000_000));
}

/// Cuts the connection before each message in turn, of all that one payment takes, until one
/// payment passes uncut. Each time the two meet again, the payment ends well, and both agree.
fn cut_everywhere(both: &mut Encounter, channel: Channel, by: Payer, by_ldk: bool) -> usize {
    let mut ours = both.balances(channel).unwrap().0;
    for passes in 0.. {
        both.reference.note(format!("-- {by:?} pays, cut after {passes}, ldk returns: {by_ldk}"));
        both.reference.cut(Cut { passes });
        let amount = Msat(5_000_000 + passes as u64);
        let payment = both.begin_to_pay(channel, by, amount).unwrap();
        ours = match by {
            Payer::Ldk => Msat(ours.0 + amount.0),
            Payer::Reference => Msat(ours.0 - amount.0),
        };
        let settled = |both: &mut Encounter| both.balances(channel) == Some((ours, ours));
        both.run_until("the cut, or the end", |both| {
            !both.reference.is_linked() || settled(both)
        })
        .unwrap();
        if both.reference.call_off() {
            both.until_paid(payment).unwrap();
            return passes;
        }
        both.until_alone().unwrap();
        if by_ldk { both.be_connected() } else { both.connect() }.unwrap();
        both.until_paid(payment).unwrap();
        both.until_settled(channel, ours).unwrap();
        both.until_usable(channel).unwrap();
    }
    0
}

fn cut_all_payments(mut both: Encounter, channel: Channel) {
    for by in [Payer::Ldk, Payer::Reference] {
        for by_ldk in [false, true] {
            let cuts = cut_everywhere(&mut both, channel, by, by_ldk);
            assert!(cuts >= 10, "{cuts} messages");
        }
    }
}

#[test]
fn a_payment_outlives_a_cut_before_every_message_of_its_rounds() {
    let mut both = meet();
    let channel = both.ldk_opens(CAPACITY, PUSHED).unwrap();
    cut_all_payments(both, channel);
}

#[test]
fn a_payment_outlives_every_cut_in_a_channel_of_the_references_own() {
    let mut both = meet();
    let open = both.reference_opens(CAPACITY, PUSHED, ChannelType::StaticRemotekey);
    let channel = open.unwrap();
    cut_all_payments(both, channel);
}

//! boltlab's reference node meets a real LDK node.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod common;

use bitcoin::Amount;
use boltlab::{
    bolt::{
        channel::{FundingSpend, Phase},
        tx::ChannelType,
        units::Msat,
    },
    node::NodeCommand,
};
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
        both.run_until("the cut, or the end", |both| !both.reference.is_linked() || settled(both))
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

/// What the reference has on chain.
fn reference_has(both: &Encounter) -> Amount {
    both.reference.node().wallet().balance()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Ldk,
    Reference,
}

use Who::{Ldk, Reference};

fn open(both: &mut Encounter, by: Who, channel_type: ChannelType) -> Channel {
    match by {
        Ldk => both.ldk_opens(CAPACITY, PUSHED),
        Reference => both.reference_opens(CAPACITY, PUSHED, channel_type),
    }
    .unwrap()
}

fn begin_to_close(both: &mut Encounter, channel: Channel, by: Who) {
    both.reference.note(format!("{by:?} is told to close"));
    match by {
        Ldk => both.ldk.close(channel.ldk).unwrap(),
        Reference => both.reference.command(NodeCommand::Close(channel.handle)).unwrap(),
    }
}

/// The closing transaction is mined, and both wallets have what was theirs.
fn both_have_their_money(both: &mut Encounter, channel: Channel, opener: Who) {
    let before = (reference_has(both), both.ldk.spendable());
    let (ours, theirs) = (balance(both, channel), CAPACITY - balance(both, channel));
    let closing = both.spend_of(channel.funding).unwrap();
    let paid: Amount = closing.output.iter().map(|output| output.value).sum();
    let fee = CAPACITY - paid;
    both.mine(1).unwrap();
    assert_eq!(closed_by(both, channel), FundingSpend::MutualClose);
    let (of_ours, of_theirs) = match opener {
        Ldk => (Amount::ZERO, fee),
        Reference => (fee, Amount::ZERO),
    };
    assert_eq!(reference_has(both), before.0 + ours - of_ours);
    assert_eq!(both.ldk.spendable(), before.1 + theirs - of_theirs);
    assert!(both.ldk.channel(channel.ldk).is_err());
}

/// The mutual close that LDK knows of, or the reference's commitment, whichever is mined.
fn either_way_it_is_closed(both: &mut Encounter, channel: Channel) {
    let before = reference_has(both);
    let ours = balance(both, channel);
    both.mine(1).unwrap();
    match closed_by(both, channel) {
        FundingSpend::MutualClose => {}
        FundingSpend::Local(_) => {
            both.mine_until("swept", 146, |both| reference_has(both) > before).unwrap();
        }
        kind => panic!("{kind:?}"),
    }
    let fees = Amount::from_sat(2_000);
    assert!(reference_has(both) + fees >= before + ours);
}

/// What the reference has in a channel, in whole satoshis.
fn balance(both: &Encounter, channel: Channel) -> Amount {
    let known = both.reference.node().channel(&channel.handle).unwrap();
    known.phase.commitments().unwrap().settled().0.to_sat_floor()
}

/// What closed a channel, as the reference sees it.
fn closed_by(both: &Encounter, channel: Channel) -> FundingSpend {
    match &both.reference.node().channel(&channel.handle).unwrap().phase {
        Phase::Closing(closing) => closing.spend.as_ref().unwrap().kind,
        phase => panic!("{}", phase.name()),
    }
}

fn close_together(opener: Who, closer: Who) {
    let mut both = meet();
    let channel = open(&mut both, opener, ChannelType::Anchors);
    let ours = both.balances(channel).unwrap().0;
    both.pay(channel, Payer::Ldk, Msat(50_000_000), Msat(ours.0 + 50_000_000)).unwrap();
    begin_to_close(&mut both, channel, closer);
    both_have_their_money(&mut both, channel, opener);
}

#[test]
fn ldk_closes_its_own_channel_together_with_the_reference() {
    close_together(Ldk, Ldk);
}

#[test]
fn the_reference_closes_ldks_channel_together_with_it() {
    close_together(Ldk, Reference);
}

#[test]
fn ldk_closes_the_references_channel_together_with_it() {
    close_together(Reference, Ldk);
}

#[test]
fn the_reference_closes_its_own_channel_together_with_ldk() {
    close_together(Reference, Reference);
}

/// What the reference says of an LDK that has forgotten a channel.
const FORGOTTEN: &str = "bolt02/channel_reestablish/next-commitment-number-not-zero";

/// Cuts the connection before each message of the close in turn, until one close passes uncut.
fn cut_every_close(opener: Who, closer: Who) {
    let mut both = meet();
    for passes in 0.. {
        let channel = open(&mut both, opener, ChannelType::StaticRemotekey);
        both.reference.note(format!("-- {closer:?} closes, cut after {passes}"));
        both.reference.cut(Cut { passes });
        begin_to_close(&mut both, channel, closer);
        let is_closing = |both: &Encounter| {
            let known = both.reference.node().channel(&channel.handle);
            matches!(known.unwrap().phase, Phase::Closing(_))
        };
        both.run_until("the cut, or the end", |both| {
            !both.reference.is_linked() || is_closing(both)
        })
        .unwrap();
        let passed = both.reference.call_off();
        if !passed {
            both.until_alone().unwrap();
            // LDK has the agreement and forgets the channel. All that the reference hears is that
            // there is none, and it publishes what it has, as BOLT 2 wants it to.
            let forgotten = both.ldk.channel(channel.ldk).is_err();
            if forgotten {
                both.reference.tolerate(FORGOTTEN);
                both.spend_of(channel.funding).unwrap();
            }
            if passes % 2 == 0 { both.connect() } else { both.be_connected() }.unwrap();
            if forgotten {
                both.run_until("the reference closes by force", |both| is_closing(both)).unwrap();
                either_way_it_is_closed(&mut both, channel);
                continue;
            }
        }
        both_have_their_money(&mut both, channel, opener);
        if passed {
            assert!(passes >= 4, "{passes} messages");
            return;
        }
    }
}

#[test]
fn ldks_close_of_its_own_channel_outlives_every_cut() {
    cut_every_close(Ldk, Ldk);
}

#[test]
fn the_references_close_of_ldks_channel_outlives_every_cut() {
    cut_every_close(Ldk, Reference);
}

#[test]
fn ldks_close_of_the_references_channel_outlives_every_cut() {
    cut_every_close(Reference, Ldk);
}

#[test]
fn the_references_close_of_its_own_channel_outlives_every_cut() {
    cut_every_close(Reference, Reference);
}

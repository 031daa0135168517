//! boltlab's reference node meets a real LDK node.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod common;

use std::time::Duration;

use bitcoin::{Amount, hashes::Hash};
use boltlab::{
    bolt::{
        channel::{FundingSpend, Phase, TrackedStatus},
        features::{Feature, Features},
        tx::{ChannelType, Side},
        units::{FeeratePerKw, Msat},
        wire::{Message, Variations},
    },
    node::{NodeCommand, default_features},
};
use boltlab_target_ldk::{
    Channel, Cut, Encounter, EncounterOptions, LdkOptions, LogEntry, Payer,
    ldk_node::{Event, lightning_types::payment::PaymentHash},
};
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

/// They meet, with aliases, large channels and trust in each other.
fn meet_trusting() -> Encounter {
    let known = [Feature::SCID_ALIAS, Feature::ZEROCONF, Feature::LARGE_CHANNELS];
    let features = known.into_iter().fold(default_features(), Features::offering);
    let funds = Amount::from_sat(100_000_000);
    let options = EncounterOptions { features, trust: true, funds, ..Default::default() };
    Encounter::begin(funded_chain(), &options).unwrap()
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
fn the_reference_opens_unconfirmed_and_both_pay() {
    for scid_alias in [false, true] {
        let mut both = meet_trusting();
        let variations = Variations { zeroconf: true, scid_alias };
        let open = both.reference_opens_unconfirmed(CAPACITY, PUSHED, variations);
        let channel = open.unwrap();
        let ours = pay_both_ways(&mut both, channel, Msat(700_000_000));
        both.disconnect().unwrap();
        both.connect().unwrap();
        both.until_usable(channel).unwrap();
        let ours = pay_both_ways(&mut both, channel, ours);
        both.mine(1).unwrap();
        pay_both_ways(&mut both, channel, ours);
    }
}

#[test]
fn ldk_opens_a_large_channel_and_both_pay() {
    let mut both = meet_trusting();
    // The reserve is a hundredth of that, and the harness reckons with more.
    let pushed = Msat(2_000_000_000);
    let channel = both.ldk_opens(Amount::from_sat(50_000_000), pushed).unwrap();
    pay_both_ways(&mut both, channel, pushed);
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
        // LDK refuses for as long as an HTLC of its own is not signed, or it writes to disk.
        Ldk => both
            .run_until("ldk begins to close", |both| both.ldk.close(channel.ldk).is_ok())
            .unwrap(),
        Reference => both.reference.command(NodeCommand::Close(channel.handle)).unwrap(),
    }
}

/// The closing transaction is mined, and both wallets have what was theirs.
fn both_have_their_money(both: &mut Encounter, channel: Channel, opener: Who) {
    let before = (reference_has(both), both.ldk.spendable());
    let closing = both.spend_of(channel.funding).unwrap();
    let (ours, theirs) = balances(both, channel);
    let paid: Amount = closing.output.iter().map(|output| output.value).sum();
    let fee = ours + theirs - paid;
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
    let (ours, _) = balances(both, channel);
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

/// What the reference and LDK have in a channel, in whole satoshis.
fn balances(both: &Encounter, channel: Channel) -> (Amount, Amount) {
    let known = both.reference.node().channel(&channel.handle).unwrap();
    let (ours, theirs) = known.phase.commitments().unwrap().settled();
    (ours.to_sat_floor(), theirs.to_sat_floor())
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
    let is_fee = |bytes: &[u8]| Message::decode(bytes).unwrap().name() == "closing_signed";
    let fees = both.reference.log().entries().filter(|entry| match entry {
        LogEntry::Sent(bytes) | LogEntry::Received(bytes) => is_fee(bytes),
        _ => false,
    });
    // The reference takes LDK's fee, and LDK's answer is the most that the reference would pay.
    assert_eq!(fees.count(), if opener == Ldk { 2 } else { 3 });
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

/// What the claims of one close may cost.
const CLAIM_FEES: Amount = Amount::from_sat(4_000);

/// The commitment is mined, and both get what was theirs, though not at once.
fn both_claim_their_money(both: &mut Encounter, channel: Channel) -> FundingSpend {
    let before = (reference_has(both), both.ldk.spendable());
    let (ours, theirs) = balances(both, channel);
    both.spend_of(channel.funding).unwrap();
    both.mine(1).unwrap();
    let kind = closed_by(both, channel);
    let is_resting = |both: &Encounter| {
        let phase = &both.reference.node().channel(&channel.handle).unwrap().phase;
        let Phase::Closing(closing) = phase else { return false };
        let mut tracked = closing.spend.as_ref().unwrap().all_tracked();
        tracked.any(|tracked| tracked.status == TrackedStatus::Resting)
    };
    // It is in the wallet, or nobody else can ever take it.
    let claimed = both.mine_until("the reference has claimed its balance", 150, |both| {
        reference_has(both) + CLAIM_FEES >= before.0 + ours || is_resting(both)
    });
    let claimed = claimed.unwrap();
    match kind {
        FundingSpend::Local(_) => assert_eq!(claimed, 144),
        FundingSpend::Remote(_) => assert!(claimed <= 2, "{claimed}"),
        kind => panic!("{kind:?}"),
    }
    let ldks = both.mine_until("ldk has claimed its balance", 160, |both| {
        both.ldk.spendable() + CLAIM_FEES >= before.1 + theirs
    });
    ldks.unwrap();
    kind
}

/// A channel that both have paid over.
fn used(opener: Who, channel_type: ChannelType) -> (Encounter, Channel) {
    let mut both = match channel_type {
        ChannelType::Anchors => meet(),
        ChannelType::StaticRemotekey => meet_without_anchors(),
    };
    let channel = open(&mut both, opener, channel_type);
    let ours = both.balances(channel).unwrap().0;
    pay_both_ways(&mut both, channel, ours);
    (both, channel)
}

fn ldk_closes_alone(channel_type: ChannelType) {
    let (mut both, channel) = used(Ldk, channel_type);
    // Without a connection its `error` does not come, for which the reference would publish, too.
    both.be_disconnected().unwrap();
    both.ldk.force_close(channel.ldk, "we are strangers").unwrap();
    let kind = both_claim_their_money(&mut both, channel);
    assert!(matches!(kind, FundingSpend::Remote(_)), "{kind:?}");
}

#[test]
fn ldk_closes_alone_by_force_with_anchors() {
    ldk_closes_alone(ChannelType::Anchors);
}

#[test]
fn ldk_closes_alone_by_force_without_anchors() {
    ldk_closes_alone(ChannelType::StaticRemotekey);
}

#[test]
fn ldk_closes_by_force_and_says_so() {
    let (mut both, channel) = used(Reference, ChannelType::Anchors);
    both.ldk.force_close(channel.ldk, "we are strangers").unwrap();
    both.run_until("ldk's error", |both| both.reference.errors(channel.handle) > 0).unwrap();
    both_claim_their_money(&mut both, channel);
}

#[test]
fn the_reference_closes_by_force_with_anchors() {
    let (mut both, channel) = used(Ldk, ChannelType::Anchors);
    both.reference.command(NodeCommand::ForceClose(channel.handle)).unwrap();
    let kind = both_claim_their_money(&mut both, channel);
    assert!(matches!(kind, FundingSpend::Local(_)), "{kind:?}");
}

#[test]
fn the_reference_closes_by_force_without_anchors() {
    let (mut both, channel) = used(Reference, ChannelType::StaticRemotekey);
    both.reference.command(NodeCommand::ForceClose(channel.handle)).unwrap();
    let kind = both_claim_their_money(&mut both, channel);
    assert!(matches!(kind, FundingSpend::Local(_)), "{kind:?}");
}

#[test]
fn the_reference_closes_alone_by_force_and_tells_ldk_later() {
    let (mut both, channel) = used(Reference, ChannelType::Anchors);
    both.disconnect().unwrap();
    both.reference.command(NodeCommand::ForceClose(channel.handle)).unwrap();
    both.connect().unwrap();
    both.run_until("ldk gives the channel up", |both| both.ldk.channel(channel.ldk).is_err())
        .unwrap();
    both_claim_their_money(&mut both, channel);
}

#[test]
fn a_change_of_the_fee_rate_outlives_every_cut() {
    let mut both = meet();
    let channel = open(&mut both, Reference, ChannelType::StaticRemotekey);
    let ours = both.balances(channel).unwrap().0;
    for passes in 0.. {
        let feerate = FeeratePerKw(1_500 + 10 * u32::try_from(passes).unwrap());
        both.reference.note(format!("-- {feerate:?}, cut after {passes}"));
        both.reference.cut(Cut { passes });
        both.reference.command(NodeCommand::UpdateFee(channel.handle, feerate)).unwrap();
        let is_changed = |both: &mut Encounter| {
            let known = both.reference.node().channel(&channel.handle).unwrap();
            let known = known.phase.commitments().unwrap();
            let theirs = both.ldk.channel(channel.ldk).unwrap().feerate_sat_per_1000_weight;
            [Side::Local, Side::Remote].iter().all(|side| known.feerate(*side) == feerate)
                && theirs == feerate.0
                && !known.awaits_revocation()
                && !known.owes_signature()
        };
        both.run_until("the cut, or the end", |both| {
            !both.reference.is_linked() || is_changed(both)
        })
        .unwrap();
        let passed = both.reference.call_off();
        if !passed {
            both.until_alone().unwrap();
            if passes % 2 == 0 { both.connect() } else { both.be_connected() }.unwrap();
            both.run_until("the fee rate has changed", is_changed).unwrap();
        }
        both.until_settled(channel, ours).unwrap();
        if passed {
            assert!(passes >= 5, "{passes} messages");
            break;
        }
    }
    both.until_usable(channel).unwrap();
    pay_both_ways(&mut both, channel, ours);
    begin_to_close(&mut both, channel, Reference);
    both_have_their_money(&mut both, channel, Reference);
}

/// Both pay at once, and the messages of both payments cross.
#[test]
fn payments_that_cross_outlive_every_cut() {
    let mut both = meet();
    let channel = open(&mut both, Ldk, ChannelType::Anchors);
    let mut ours = both.balances(channel).unwrap().0;
    for passes in 0.. {
        both.reference.note(format!("-- both pay, cut after {passes}"));
        both.reference.cut(Cut { passes });
        let paid = Msat(7_000_000 + passes as u64);
        let payments = [(Payer::Ldk, paid), (Payer::Reference, Msat(4_000_000))]
            .map(|(by, amount)| both.begin_to_pay(channel, by, amount).unwrap());
        ours = Msat(ours.0 + paid.0 - 4_000_000);
        let settled = |both: &mut Encounter| both.balances(channel) == Some((ours, ours));
        both.run_until("the cut, or the end", |both| !both.reference.is_linked() || settled(both))
            .unwrap();
        let passed = both.reference.call_off();
        if !passed {
            both.until_alone().unwrap();
            if passes % 2 == 0 { both.connect() } else { both.be_connected() }.unwrap();
        }
        for payment in payments {
            both.until_paid(payment).unwrap();
        }
        both.until_settled(channel, ours).unwrap();
        both.until_usable(channel).unwrap();
        if passed {
            assert!(passes >= 14, "{passes} messages");
            return;
        }
    }
}

/// The second connection is cut while the two still tell each other what they have.
#[test]
fn a_payment_outlives_a_second_cut() {
    let mut both = meet();
    let channel = open(&mut both, Ldk, ChannelType::Anchors);
    let mut ours = both.balances(channel).unwrap().0;
    for first in 0..10 {
        for second in 0..5 {
            let by = if (first + second) % 2 == 0 { Payer::Ldk } else { Payer::Reference };
            both.reference.note(format!("-- {by:?} pays, cuts after {first} and {second}"));
            both.reference.cut(Cut { passes: first });
            let payment = both.begin_to_pay(channel, by, Msat(3_000_001)).unwrap();
            ours = match by {
                Payer::Ldk => Msat(ours.0 + 3_000_001),
                Payer::Reference => Msat(ours.0 - 3_000_001),
            };
            both.until_alone().unwrap();
            both.reference.cut(Cut { passes: second });
            both.reference.connect(&both.ldk).unwrap();
            both.run_until("the second cut, or the end", |both| {
                !both.reference.is_linked() || both.balances(channel) == Some((ours, ours))
            })
            .unwrap();
            if !both.reference.call_off() {
                both.until_alone().unwrap();
                both.be_connected().unwrap();
            }
            both.until_paid(payment).unwrap();
            both.until_settled(channel, ours).unwrap();
            both.until_usable(channel).unwrap();
        }
    }
}

#[test]
fn ldk_closes_before_the_channel_is_ready() {
    let mut both = meet();
    let (id, address) = (both.reference.id(), both.reference.address());
    both.ldk.open(id, address, CAPACITY, Some(PUSHED.0)).unwrap();
    let channel = both.until_pending().unwrap();
    begin_to_close(&mut both, channel, Ldk);
    both.mine(1).unwrap();
    both_have_their_money(&mut both, channel, Ldk);
}

/// Somebody closes after so many messages of a payment: the payment still ends, whichever way, and
/// the channel closes together with what that has left each.
fn close_amid_a_payment(payer: Payer, closer: Who) {
    let mut both = meet();
    for messages in 0..=10 {
        let channel = open(&mut both, Ldk, ChannelType::Anchors);
        both.reference.note(format!("-- {payer:?} pays, {closer:?} closes after {messages}"));
        let since = both.reference.passed();
        let payment = both.begin_to_pay(channel, payer, Msat(5_000_000)).unwrap();
        while both.reference.passed() < since + messages {
            both.reference.pump(Duration::from_secs(2)).unwrap();
        }
        begin_to_close(&mut both, channel, closer);
        both_have_their_money(&mut both, channel, Ldk);
        let hash = PaymentHash(payment.hash.to_byte_array());
        let is_it = |event: &Event| match event {
            Event::PaymentSuccessful { payment_hash, .. } => *payment_hash == hash,
            Event::PaymentFailed { payment_hash, .. } => *payment_hash == Some(hash),
            _ => false,
        };
        if payer == Payer::Ldk {
            both.until_ldk("the payment's end", is_it).unwrap();
        }
    }
}

#[test]
fn ldk_closes_amid_its_own_payment() {
    close_amid_a_payment(Payer::Ldk, Ldk);
}

#[test]
fn ldk_closes_amid_the_references_payment() {
    close_amid_a_payment(Payer::Reference, Ldk);
}

#[test]
fn the_reference_closes_amid_ldks_payment() {
    close_amid_a_payment(Payer::Ldk, Reference);
}

#[test]
fn the_reference_closes_amid_its_own_payment() {
    close_amid_a_payment(Payer::Reference, Reference);
}

/// LDK wants to announce the channel, speaks of gossip and pings.
#[test]
fn gossip_and_pings_leave_the_reference_calm() {
    let mut both = meet();
    both.disconnect().unwrap();
    let features = default_features().offering(Feature::GOSSIP_QUERIES);
    both.reference.command(NodeCommand::SetFeatures(features)).unwrap();
    both.be_connected().unwrap();
    let (id, address) = (both.reference.id(), both.reference.address());
    both.ldk.open_announced(id, address, CAPACITY, Some(PUSHED.0)).unwrap();
    let channel = both.until_pending().unwrap();
    both.mine(6).unwrap();
    both.until_usable(channel).unwrap();
    let ldk = both.ldk.id();
    both.reference.command(NodeCommand::Ping(ldk, 99)).unwrap();
    let came = |both: &Encounter, name: &str| {
        both.reference.log().entries().any(|entry| match entry {
            LogEntry::Received(bytes) => Message::decode(bytes).unwrap().name() == name,
            _ => false,
        })
    };
    for name in ["pong", "gossip_timestamp_filter", "announcement_signatures"] {
        both.run_until(name, |both| came(both, name)).unwrap();
    }
    pay_both_ways(&mut both, channel, PUSHED);
}

//! LDK beside LDK, without boltlab's own node: does the harness work?

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod common;

use std::{fs, time::Duration};

use bitcoin::{Amount, Transaction, secp256k1::PublicKey};
use boltlab::chain::Chain;
use boltlab_target_ldk::{
    Ldk, LdkError, LdkOptions,
    ldk_node::{Event, NodeError, UserChannelId},
    mempool_with,
};
use common::{PATIENCE, funded_chain, give, in_mempool, mine, pending, ready, refusal};

const CAPACITY: Amount = Amount::from_sat(1_000_000);
const PUSHED: u64 = 300_000_000;

/// A channel of the first node's, confirmed and ready on both sides, as each of them calls it.
fn open(chain: &mut Chain, opener: &Ldk, acceptor: &Ldk) -> (UserChannelId, UserChannelId) {
    let (id, address) = (acceptor.id(), acceptor.address());
    let opened = opener.open(id, address, CAPACITY, Some(PUSHED)).unwrap();
    let (ours, funding) = pending(opener);
    let (theirs, of_theirs) = pending(acceptor);
    assert_eq!((ours, funding), (opened, of_theirs));
    in_mempool(chain, "the funding transaction", funding.txid);
    mine(chain, &[opener, acceptor], 6);
    ready(opener);
    ready(acceptor);
    (ours, theirs)
}

fn pay(from: &Ldk, to: &Ldk, amount: u64) {
    let payment = from.pay(&to.invoice(amount, "a lonely payment").unwrap()).unwrap();
    let received = |event: &Event| match event {
        Event::PaymentReceived { amount_msat, .. } => *amount_msat == amount,
        _ => false,
    };
    to.wait_for("PaymentReceived", PATIENCE, received).unwrap();
    let successful = |event: &Event| match event {
        Event::PaymentSuccessful { payment_id, .. } => *payment_id == Some(payment),
        _ => false,
    };
    from.wait_for("PaymentSuccessful", PATIENCE, successful).unwrap();
}

/// Closes a channel together, and returns the transaction, mined.
fn close(chain: &mut Chain, opener: &Ldk, acceptor: &Ldk, channel: UserChannelId) -> Transaction {
    let funding = opener.channel(channel).unwrap().funding_txo.unwrap();
    opener.close(channel).unwrap();
    for ldk in [opener, acceptor] {
        let closed = |event: &Event| matches!(event, Event::ChannelClosed { .. });
        ldk.wait_for("ChannelClosed", PATIENCE, closed).unwrap();
    }
    let spends = |tx: &Transaction| tx.input.iter().any(|input| input.previous_output == funding);
    let closing = mempool_with(chain, "the closing transaction", PATIENCE, spends).unwrap();
    mine(chain, &[opener, acceptor], 1);
    closing
}

#[test]
fn two_nodes_open_pay_and_close() {
    let mut chain = funded_chain();
    let alice = Ldk::start(&mut chain, &LdkOptions::named("alice")).unwrap();
    let bob = Ldk::start(&mut chain, &LdkOptions::named("bob")).unwrap();
    assert_eq!(alice.spendable(), Amount::ZERO);
    give(&mut chain, &alice, Amount::from_sat(5_000_000));
    assert_eq!(alice.spendable(), Amount::from_sat(5_000_000));

    alice.connect(bob.id(), bob.address()).unwrap();
    let (channel, bobs) = open(&mut chain, &alice, &bob);
    pay(&alice, &bob, 100_000_000);
    pay(&bob, &alice, 20_000_000);
    let balance = |ldk: &Ldk, channel| ldk.channel(channel).unwrap().outbound_capacity_msat;
    // Bob's balance without the reserve of 1 %.
    assert_eq!(balance(&bob, bobs), PUSHED + 100_000_000 - 20_000_000 - 10_000_000);

    let closing = close(&mut chain, &alice, &bob, channel);
    assert_eq!(closing.output.len(), 2);
    assert_eq!(closing.output.iter().filter(|out| out.value.to_sat() == 380_000).count(), 1);
    assert!(alice.channels().is_empty());
}

#[test]
fn without_anchors_the_channel_is_static_remotekey() {
    let mut chain = funded_chain();
    let plain = LdkOptions { anchors: false, ..LdkOptions::named("alice") };
    let alice = Ldk::start(&mut chain, &plain).unwrap();
    let bob = Ldk::start(&mut chain, &LdkOptions::named("bob")).unwrap();
    give(&mut chain, &alice, Amount::from_sat(5_000_000));
    let (channel, _) = open(&mut chain, &alice, &bob);
    pay(&alice, &bob, 1_000);
    close(&mut chain, &alice, &bob, channel);
}

#[test]
fn a_trusted_opener_needs_no_confirmation() {
    let mut chain = funded_chain();
    let alice = Ldk::start(&mut chain, &LdkOptions::named("alice")).unwrap();
    let trusting = LdkOptions { trusted_0conf: vec![alice.id()], ..LdkOptions::named("bob") };
    let bob = Ldk::start(&mut chain, &trusting).unwrap();
    give(&mut chain, &alice, Amount::from_sat(5_000_000));
    alice.open(bob.id(), bob.address(), CAPACITY, Some(PUSHED)).unwrap();
    ready(&alice);
    ready(&bob);
    pay(&alice, &bob, 1_000);
}

#[test]
fn a_channel_outlives_a_disconnection() {
    let mut chain = funded_chain();
    let alice = Ldk::start(&mut chain, &LdkOptions::named("alice")).unwrap();
    let bob = Ldk::start(&mut chain, &LdkOptions::named("bob")).unwrap();
    give(&mut chain, &alice, Amount::from_sat(5_000_000));
    let (channel, bobs) = open(&mut chain, &alice, &bob);
    pay(&alice, &bob, 1_000);
    alice.disconnect(bob.id()).unwrap();
    assert!(!alice.channel(channel).unwrap().is_usable);
    bob.wait_until("alice is gone", PATIENCE, |bob| !bob.connected(alice.id())).unwrap();
    alice.connect(bob.id(), bob.address()).unwrap();
    for (ldk, channel) in [(&alice, channel), (&bob, bobs)] {
        let usable = |ldk: &Ldk| ldk.channel(channel).is_ok_and(|channel| channel.is_usable);
        ldk.wait_until("the channel is back", PATIENCE, usable).unwrap();
    }
    pay(&alice, &bob, 2_000);
}

#[test]
fn an_opener_who_is_alone_closes_by_force() {
    let mut chain = funded_chain();
    let alice = Ldk::start(&mut chain, &LdkOptions::named("alice")).unwrap();
    let bob = Ldk::start(&mut chain, &LdkOptions::named("bob")).unwrap();
    give(&mut chain, &alice, Amount::from_sat(5_000_000));
    let (channel, _) = open(&mut chain, &alice, &bob);
    let funding = alice.channel(channel).unwrap().funding_txo.unwrap();
    drop(bob);
    alice.force_close(channel, "the peer is gone").unwrap();
    let spends = |tx: &Transaction| tx.input[0].previous_output == funding;
    let commitment = mempool_with(&mut chain, "the commitment", PATIENCE, spends).unwrap();
    // Two balances and two anchors.
    assert_eq!(commitment.output.len(), 4);
    mine(&mut chain, &[&alice], 1);
}

#[test]
fn what_does_not_come_is_an_error_with_what_came() {
    let mut chain = funded_chain();
    let alice = Ldk::start(&mut chain, &LdkOptions::named("alice")).unwrap();
    let short = Duration::from_millis(50);
    assert_eq!(alice.next_event(short).unwrap(), None);
    let error = alice.wait_for("anything", short, |_| true).unwrap_err();
    assert!(matches!(error, LdkError::NoEvent { seen, .. } if seen.is_empty()));
    let error = alice.wait_until("never", short, |_| false).unwrap_err();
    assert!(matches!(error, LdkError::NotSo { .. }));
    let error = mempool_with(&mut chain, "anything", short, |_| true).unwrap_err();
    assert!(matches!(error, LdkError::NotInMempool { .. }));
    assert!(matches!(alice.close(UserChannelId(1)), Err(LdkError::UnknownChannel(_))));
}

#[test]
fn a_refusal_is_ldks_own() {
    let mut chain = funded_chain();
    let alice = Ldk::start(&mut chain, &LdkOptions::named("alice")).unwrap();
    let bob = Ldk::start(&mut chain, &LdkOptions::named("bob")).unwrap();
    let error = alice.open(bob.id(), bob.address(), CAPACITY, None).unwrap_err();
    let source = NodeError::InsufficientFunds;
    assert_eq!(refusal(&error), Some(source));
    let error = alice.pay("no invoice").unwrap_err();
    assert_eq!(refusal(&error), Some(NodeError::InvalidInvoice));
}

#[test]
fn the_same_name_is_the_same_node() {
    let mut chain = funded_chain();
    let id = |chain: &mut Chain, name: &str| -> PublicKey {
        Ldk::start(chain, &LdkOptions::named(name)).unwrap().id()
    };
    let (first, second) = (id(&mut chain, "alice"), id(&mut chain, "alice"));
    assert_eq!(first, second);
    assert_ne!(first, id(&mut chain, "bob"));
}

#[test]
fn its_folder_goes_with_it() {
    let mut chain = funded_chain();
    let alice = Ldk::start(&mut chain, &LdkOptions::named("alice")).unwrap();
    let folder = alice.folder().to_path_buf();
    assert!(fs::read_to_string(alice.log()).unwrap().contains("Startup complete"));
    drop(alice);
    assert!(!folder.exists() || std::env::var_os("BOLTLAB_KEEP_LDK").is_some());
}

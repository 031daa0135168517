//! What LDK makes of a lab's clock, which stands in 2020: its own is the machine's.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod common;

use std::{fs, time::Duration};

use bitcoin::{
    Amount,
    hashes::{Hash, sha256},
    secp256k1::{Secp256k1, SecretKey},
};
use boltlab_target_ldk::{
    Ldk, LdkOptions,
    ldk_node::{
        Event, NodeError,
        lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret},
    },
};
use common::{PATIENCE, funded_chain, give, in_mempool, mine, pending, ready, refusal};

/// An invoice of someone whom nobody knows.
fn invoice(seconds_since_1970: u64, expiry: Duration) -> String {
    let key = SecretKey::from_slice(&[7; 32]).unwrap();
    let invoice = InvoiceBuilder::new(Currency::Regtest)
        .description("an hour of the lab's".into())
        .payment_hash(sha256::Hash::hash(b"preimage"))
        .payment_secret(PaymentSecret([1; 32]))
        .duration_since_epoch(Duration::from_secs(seconds_since_1970))
        .expiry_time(expiry)
        .min_final_cltv_expiry_delta(18)
        .amount_milli_satoshis(1_000)
        .build_signed(|hash| Secp256k1::new().sign_ecdsa_recoverable(hash, &key));
    invoice.unwrap().to_string()
}

/// LDK tells both apart in its log only.
#[test]
fn an_invoice_by_the_labs_clock_has_expired() {
    let mut chain = funded_chain();
    let alice = Ldk::start(&mut chain, &LdkOptions::named("alice")).unwrap();
    let hour = Duration::from_secs(3600);
    let decades = Duration::from_secs(1 << 31);
    let log_of = |invoice: &str| {
        let before = fs::read_to_string(alice.log()).unwrap().len();
        let error = alice.pay(invoice).unwrap_err();
        assert_eq!(refusal(&error), Some(NodeError::PaymentSendingFailed));
        fs::read_to_string(alice.log()).unwrap().split_off(before)
    };
    assert!(log_of(&invoice(chain.time(), hour)).contains("had expired before we started paying"));
    assert!(log_of(&invoice(chain.time(), decades)).contains("Failed to find route"));
}

/// A `channel_update` carries the time of the last block, and LDK ignores those that are older than
/// two weeks: its map of public channels stays empty of fees, and it finds no way through them.
#[test]
fn a_public_channel_of_the_labs_time_is_no_way() {
    let mut chain = funded_chain();
    let start = |chain: &mut _, name| Ldk::start(chain, &LdkOptions::named(name)).unwrap();
    let alice = start(&mut chain, "alice");
    let bob = start(&mut chain, "bob");
    let carol = start(&mut chain, "carol");
    give(&mut chain, &alice, Amount::from_sat(5_000_000));
    give(&mut chain, &bob, Amount::from_sat(5_000_000));
    for (from, to) in [(&alice, &bob), (&bob, &carol)] {
        let capacity = Amount::from_sat(1_000_000);
        from.open_announced(to.id(), to.address(), capacity, None).unwrap();
        let (_, funding) = pending(from);
        pending(to);
        in_mempool(&mut chain, "the funding transaction", funding.txid);
        mine(&mut chain, &[&alice, &bob, &carol], 6);
        ready(from);
        ready(to);
    }
    let error = alice.pay(&carol.invoice(1_000, "too far").unwrap()).unwrap_err();
    assert_eq!(refusal(&error), Some(NodeError::PaymentSendingFailed));
    alice.pay(&bob.invoice(1_000, "next door").unwrap()).unwrap();
    let received = |event: &Event| matches!(event, Event::PaymentReceived { .. });
    bob.wait_for("PaymentReceived", PATIENCE, received).unwrap();
}

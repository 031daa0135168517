//! What a node on a blinded path takes from its creator, rule by rule. BOLT 4, "`payload` format".

use bitcoin::hashes::{Hash, sha256};
use secp256k1::{SECP256K1, SecretKey};

use super::*;
use crate::bolt::features::Features;
use crate::bolt::onion::sphinx::{Hop, PAYMENT_LENGTH, construct};
use crate::bolt::onion::{
    EncryptedData, Payload, PaymentConstraints, PaymentData, PaymentRelay, blind,
};
use crate::bolt::units::CltvExpiryDelta;
use crate::bolt::wire::{Bytes, OnionPacket, PaymentSecret};
use crate::node::incoming::{BlindedRole, Instruction, NextHop, Offered, Reading, read};

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

/// What the creator of the path tells the first of its two hops, if all is well.
fn relaying() -> EncryptedData {
    EncryptedData {
        short_channel_id: Some(ShortChannelId(7)),
        payment_relay: Some(PaymentRelay {
            cltv_expiry_delta: CltvExpiryDelta(40),
            fee_proportional_millionths: 100,
            fee_base_msat: 1_000,
        }),
        payment_constraints: Some(PaymentConstraints {
            max_cltv_expiry: CltvExpiry(500),
            htlc_minimum_msat: Msat(10_000),
        }),
        ..EncryptedData::default()
    }
}

/// What the first hop reads of an HTLC of this amount and expiry, with this data from the creator
/// and this payload from the payer (whose encrypted data and path key are put in).
fn reading(data: &EncryptedData, payload: Payload, amount: Msat, expiry: CltvExpiry) -> Reading {
    let end = EncryptedData { path_id: Some(Bytes(vec![1])), ..EncryptedData::default() };
    let ids = [1, 2].map(|byte| secret(byte).public_key(SECP256K1));
    let path = blind(&secret(9), &[(ids[0], data.clone()), (ids[1], end)]).unwrap();
    let encrypted = |hop: usize| Some(path.path[hop].encrypted_recipient_data.clone());
    let first = Payload {
        encrypted_recipient_data: encrypted(0),
        current_path_key: Some(path.first_path_key),
        ..payload
    };
    let last = Payload {
        encrypted_recipient_data: encrypted(1),
        amt_to_forward: Some(Msat(1)),
        outgoing_cltv_value: Some(CltvExpiry(1)),
        total_amount_msat: Some(Msat(1)),
        ..Payload::default()
    };
    let hops = [
        Hop { node_id: ids[0], payload: first.encode() },
        Hop { node_id: path.path[1].blinded_node_id, payload: last.encode() },
    ];
    let payment_hash = sha256::Hash::hash(b"hash");
    let made = construct(&secret(8), &hops, payment_hash.as_ref(), PAYMENT_LENGTH).unwrap();
    let onion = OnionPacket::try_from(&made.packet).unwrap();
    let offered =
        Offered { amount, cltv_expiry: expiry, payment_hash, onion: &onion, path_key: None };
    read(&secret(1), &offered)
}

fn is_taken(data: &EncryptedData) -> bool {
    reading(data, Payload::default(), Msat(50_000), CltvExpiry(400)).instruction.is_ok()
}

#[test]
fn the_path_says_what_is_passed_on() {
    let read = reading(&relaying(), Payload::default(), Msat(50_000), CltvExpiry(400));
    assert_eq!(read.blinded, BlindedRole::Introduction);
    let Ok(Instruction::Forward(forward)) = read.instruction else { panic!("not forwarded") };
    assert_eq!(forward.next, NextHop::Channel(ShortChannelId(7)));
    // 49,000 msat with 100 ppm of what goes on, rounded up.
    assert_eq!((forward.amount, forward.cltv_expiry), (Msat(48_996), CltvExpiry(360)));
    assert!(forward.path_key.is_some());
}

#[test]
fn the_constraints_hold_to_the_block_and_the_millisatoshi() {
    let at = |amount, expiry| {
        let (amount, expiry) = (Msat(amount), CltvExpiry(expiry));
        reading(&relaying(), Payload::default(), amount, expiry).instruction.is_ok()
    };
    assert!(at(10_000, 400) && at(50_000, 500));
    assert!(!at(9_999, 400), "below htlc_minimum_msat");
    assert!(!at(50_000, 501), "beyond max_cltv_expiry");
}

#[test]
fn a_hop_must_be_told_one_next_hop_and_what_it_charges() {
    assert!(is_taken(&relaying()));
    let node = Some(secret(2).public_key(SECP256K1));
    assert!(is_taken(&EncryptedData { short_channel_id: None, next_node_id: node, ..relaying() }));
    assert!(!is_taken(&EncryptedData { next_node_id: node, ..relaying() }), "two");
    assert!(!is_taken(&EncryptedData { short_channel_id: None, ..relaying() }), "none");
    assert!(!is_taken(&EncryptedData { payment_relay: None, ..relaying() }), "no relay");
}

#[test]
fn a_feature_that_nobody_knows_is_refused_even_if_it_is_odd() {
    let featured =
        |features| is_taken(&EncryptedData { allowed_features: Some(features), ..relaying() });
    assert!(featured(Features::default()));
    assert!(!featured(Features::default().with_bit(101)));
}

#[test]
fn a_relaying_hop_gets_nothing_from_the_payer() {
    let data = PaymentData { payment_secret: PaymentSecret([0; 32]), total_msat: Msat(1) };
    let beside = [
        Payload { amt_to_forward: Some(Msat(1)), ..Payload::default() },
        Payload { outgoing_cltv_value: Some(CltvExpiry(1)), ..Payload::default() },
        Payload { short_channel_id: Some(ShortChannelId(7)), ..Payload::default() },
        Payload { payment_data: Some(data), ..Payload::default() },
        Payload { total_amount_msat: Some(Msat(1)), ..Payload::default() },
    ];
    for payload in beside {
        let read = reading(&relaying(), payload.clone(), Msat(50_000), CltvExpiry(400));
        assert!(read.instruction.is_err(), "{payload:?}");
    }
}

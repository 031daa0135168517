//! How a node sees itself on a blinded path: that decides how it says what went wrong.

use bitcoin::hashes::{Hash, sha256};
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::super::incoming::{BlindedRole, Offered, read};
use super::*;
use crate::bolt::onion::sphinx::PAYMENT_LENGTH;
use crate::bolt::onion::{
    BlindedPath, EncryptedData, Hop, Payload, PaymentRelay, blind, construct,
};
use crate::bolt::units::CltvExpiryDelta;
use crate::bolt::wire::OnionPacket;

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn id(byte: u8) -> PublicKey {
    secret(byte).public_key(SECP256K1)
}

/// A path over node 1 to node 2.
fn path() -> BlindedPath {
    let relay = PaymentRelay {
        cltv_expiry_delta: CltvExpiryDelta(0),
        fee_proportional_millionths: 0,
        fee_base_msat: 0,
    };
    let between = EncryptedData {
        short_channel_id: Some(ShortChannelId(7)),
        payment_relay: Some(relay),
        ..EncryptedData::default()
    };
    blind(&secret(9), &[(id(1), between), (id(2), EncryptedData::default())]).unwrap()
}

/// As what node 1 sees itself when it gets this payload, and whether it is told to do something. The
/// `path_key` comes with the HTLC or does not.
fn sees(payload: Vec<u8>, path_key: Option<PublicKey>) -> (BlindedRole, bool) {
    let path = path();
    let node_id = if path_key.is_some() { path.path[0].blinded_node_id } else { id(1) };
    let last = Hop { node_id: path.path[1].blinded_node_id, payload: vec![0; 2] };
    let hash = sha256::Hash::hash(&[1]);
    let hops = [Hop { node_id, payload }, last];
    let packet = construct(&secret(8), &hops, hash.as_ref(), PAYMENT_LENGTH).unwrap().packet;
    let onion = OnionPacket::try_from(&packet).unwrap();
    let offered = Offered {
        amount: Msat(1_000),
        cltv_expiry: CltvExpiry(200),
        payment_hash: hash,
        onion: &onion,
        path_key,
    };
    let reading = read(&secret(1), &offered);
    (reading.blinded, reading.instruction.is_ok())
}

fn payload(current_path_key: Option<PublicKey>) -> Payload {
    let encrypted_recipient_data = Some(path().path[0].encrypted_recipient_data.clone());
    Payload { encrypted_recipient_data, current_path_key, ..Payload::default() }
}

#[test]
fn the_first_node_and_one_behind_it_know_what_they_are() {
    let key = path().first_path_key;
    assert_eq!(sees(payload(Some(key)).encode(), None), (BlindedRole::Introduction, true));
    assert_eq!(sees(payload(None).encode(), Some(key)), (BlindedRole::Inside, true));
}

/// BOLT 2, "Removing an HTLC": where the `path_key` came with the HTLC, the answer is
/// `update_fail_malformed_htlc`, whatever the payload says.
#[test]
fn a_node_inside_stays_inside_whatever_the_payer_says() {
    let key = path().first_path_key;
    assert_eq!(sees(payload(Some(key)).encode(), Some(key)), (BlindedRole::Inside, false));
}

/// BOLT 4, "Failure Messages": where `current_path_key` is in the payload, the answer is
/// `invalid_onion_blinding`, even if the rest of it cannot be read.
#[test]
fn the_first_node_is_first_even_if_it_cannot_read_the_rest() {
    let key = path().first_path_key;
    let even_and_unknown = [payload(Some(key)).encode(), vec![100, 0]].concat();
    assert_eq!(sees(even_and_unknown, None), (BlindedRole::Introduction, false));
}

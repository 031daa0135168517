//! Two ends that talk, and what comes between them.

mod frames;
mod handshake;
mod properties;

use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::*;

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn point(byte: u8) -> PublicKey {
    secret(byte).public_key(SECP256K1)
}

/// The acts of one handshake with the keys of BOLT 8's vectors.
struct Acts {
    one: [u8; ACT_ONE_LENGTH],
    two: [u8; ACT_TWO_LENGTH],
    three: [u8; ACT_THREE_LENGTH],
}

fn initiator() -> (Initiator, [u8; ACT_ONE_LENGTH]) {
    Initiator::start(&secret(0x11).keypair(SECP256K1), &secret(0x12), &point(0x21))
}

fn responder() -> Responder {
    Responder::new(&secret(0x21).keypair(SECP256K1), &secret(0x22))
}

/// A responder that has sent act two.
fn awaiting_act_three() -> AwaitingActThree {
    responder().receive_act_one(&initiator().1).unwrap().0
}

/// The initiator's session, the responder's, and what was said.
fn connected() -> (Session, Session, Acts) {
    let (initiator, one) = initiator();
    let (responder, two) = responder().receive_act_one(&one).unwrap();
    let (ours, three) = initiator.receive_act_two(&two).unwrap();
    let (theirs, who) = responder.receive_act_three(&three).unwrap();
    assert_eq!(who, point(0x11));
    (ours, theirs, Acts { one, two, three })
}

//! Packets for payments.

use boltlab::bolt::onion::sphinx::PAYMENT_LENGTH;
use boltlab::bolt::onion::{Hop, Packet, Payload, construct, construct_unchecked, peel};

use super::input::{Input, point, secret};

const HASH: &[u8] = &[7; 32];
const SESSION: u8 = 0x41;
const FIRST_NODE: u8 = 0x42;

/// A packet, the frame of one, and the payloads of a whole route.
pub fn onion(data: &[u8]) {
    packet(data);
    frame(data);
    payload(data);
    route(&mut Input(data));
}

/// Whatever claims to be a packet comes back as it was, and peels or not.
fn packet(data: &[u8]) {
    let Ok(packet) = Packet::from_bytes(data) else { return };
    assert_eq!(packet.to_bytes(), data);
    if let Err(error) = peel(&packet, &secret(FIRST_NODE), HASH) {
        let _ = error.to_string();
    }
}

/// A sender who frames payloads as it likes: what is found lies within the packet.
fn frame(data: &[u8]) {
    let hops = [Hop { node_id: point(FIRST_NODE), payload: data.to_vec() }];
    let Ok(sent) = construct_unchecked(&secret(SESSION), &hops, HASH, PAYMENT_LENGTH) else {
        assert!(data.len() + 32 > PAYMENT_LENGTH);
        return;
    };
    if let Ok(peeled) = peel(&sent.packet, &secret(FIRST_NODE), HASH) {
        assert!((2..=PAYMENT_LENGTH).contains(&peeled.payload.len()));
        let next = peeled.next.map_or(PAYMENT_LENGTH, |next| next.hop_payloads.len());
        assert_eq!(next, PAYMENT_LENGTH);
    }
}

/// What can be read is written with the same bytes.
fn payload(data: &[u8]) {
    if let Ok(payload) = Payload::decode(data) {
        assert_eq!(payload.encode(), data);
    }
}

/// Each hop of a route finds its payload, and none takes a packet in which a bit was changed.
fn route(input: &mut Input<'_>) {
    let count = usize::from(input.byte() % 4) + 1;
    let node = |hop: usize| FIRST_NODE + u8::try_from(hop).expect("a few hops");
    let hops: Vec<_> = (0..count)
        .map(|hop| {
            let length = usize::from(input.byte());
            Hop { node_id: point(node(hop)), payload: input.bytes(length).to_vec() }
        })
        .collect();
    let Ok(sent) = construct(&secret(SESSION), &hops, HASH, PAYMENT_LENGTH) else {
        assert!(hops.iter().any(|hop| hop.payload.len() < 2));
        return;
    };
    let mut packet = Some(sent.packet);
    for (hop, Hop { payload, .. }) in hops.iter().enumerate() {
        let whole = packet.expect("there is one for each hop");
        let mut bytes = whole.to_bytes();
        input.flip_one(&mut bytes);
        let changed = Packet::from_bytes(&bytes).expect("its length is right");
        assert!(peel(&changed, &secret(node(hop)), HASH).is_err());
        let peeled = peel(&whole, &secret(node(hop)), HASH).expect("it is for this hop");
        assert_eq!((&peeled.payload, peeled.shared_secret), (payload, sent.shared_secrets[hop]));
        packet = peeled.next;
    }
    assert_eq!(packet, None);
}

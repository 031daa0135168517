//! What must hold whoever the others are: nobody changes an onion unseen, nobody learns more than
//! the next hop from one, and nothing that comes makes a node panic.

use std::collections::BTreeSet;

use proptest::prelude::*;
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::message::peel as peel_message;
use super::sphinx::{PAYMENT_LENGTH, construct, peel};
use super::*;
use crate::bolt::wire::Bytes;

const HASH: &[u8] = &[0x42; 32];

fn secret(node: usize) -> SecretKey {
    SecretKey::from_slice(&[u8::try_from(node).unwrap() + 1; 32]).unwrap()
}

/// A payload that no other hop has.
fn payload(hop: usize) -> Vec<u8> {
    SharedSecret([u8::try_from(hop).unwrap(); 32]).key(Purpose::Rho).to_vec()
}

fn route(length: usize) -> Vec<Hop> {
    let hop = |hop| Hop { node_id: secret(hop).public_key(SECP256K1), payload: payload(hop) };
    (0..length).map(hop).collect()
}

/// The packets as they come to each hop.
fn packets(hops: &[Hop]) -> Vec<Packet> {
    let first = construct(&secret(99), hops, HASH, PAYMENT_LENGTH).unwrap().packet;
    let mut packets = vec![first];
    for hop in 0..hops.len() {
        packets.extend(peel(&packets[hop], &secret(hop), HASH).unwrap().next);
    }
    packets
}

#[test]
fn every_changed_byte_is_noticed_at_every_hop() {
    let packets = packets(&route(20));
    for hop in [0, 1, 10, 19] {
        let whole = packets[hop].to_bytes();
        for byte in 0..whole.len() {
            let mut changed = whole.clone();
            changed[byte] ^= 1 << (byte % 8);
            let error = peel(&Packet::from_bytes(&changed).unwrap(), &secret(hop), HASH);
            match (byte, error.unwrap_err()) {
                (0, PeelError::Version(version)) => assert_eq!(version, 1),
                (1..34, PeelError::Key | PeelError::Hmac) | (34.., PeelError::Hmac) => {}
                (byte, error) => panic!("byte {byte} at hop {hop}: {error}"),
            }
        }
    }
}

#[test]
fn a_hop_learns_nothing_of_the_others() {
    let hops = route(20);
    let packets = packets(&hops);
    for (hop, packet) in packets.iter().enumerate() {
        let peeled = peel(packet, &secret(hop), HASH).unwrap();
        let next = peeled.next.map(|next| next.to_bytes()).unwrap_or_default();
        let view = [peeled.payload, next, packet.to_bytes()].concat();
        for (other, told) in hops.iter().enumerate().filter(|(other, _)| *other != hop) {
            let shows = |bytes: &[u8]| view.windows(bytes.len()).any(|window| window == bytes);
            assert!(!shows(&told.payload), "hop {hop} sees the payload of hop {other}");
            assert!(!shows(&told.node_id.serialize()[1..]), "hop {hop} sees the id of hop {other}");
        }
    }
}

#[test]
fn packets_have_one_length_whatever_the_route() {
    for length in 1..=20 {
        let packet = construct(&secret(99), &route(length), HASH, PAYMENT_LENGTH).unwrap().packet;
        assert_eq!(packet.to_bytes().len(), 1366, "a route of {length}");
    }
}

#[test]
fn packets_of_a_route_have_nothing_in_common_but_their_length() {
    for length in [1, 2, 19, 20] {
        let mut seen = BTreeSet::new();
        for packet in packets(&route(length)) {
            let bytes = packet.to_bytes();
            assert_eq!(bytes.len(), 1366, "a route of {length}");
            let windows: Vec<_> = bytes.windows(8).map(<[u8]>::to_vec).collect();
            assert!(windows.iter().all(|window| !seen.contains(window)), "a route of {length}");
            seen.extend(windows);
        }
    }
}

fn time(hop: usize) -> u32 {
    u32::try_from(hop).unwrap() + 10
}

/// What hop `at` sends back of a failure at the last hop.
fn sent(secrets: &[SharedSecret], at: usize, attributes: impl Fn(usize) -> bool) -> FailurePacket {
    let time = |hop: usize| attributes(hop).then(|| time(hop));
    let last = secrets.len() - 1;
    let packet = fail(&secrets[last], &Failure::MppTimeout {}, time(last));
    (at..last).rev().fold(packet, |packet, hop| relay_failure(&secrets[hop], packet, time(hop)))
}

/// What the payer makes of what hop `at` sent, perhaps changed since.
fn received(secrets: &[SharedSecret], at: usize, packet: FailurePacket) -> Blame {
    let attributes = packet.attribution.is_some();
    let packet = (0..at).rev().fold(packet, |packet, hop| {
        relay_failure(&secrets[hop], packet, attributes.then(|| time(hop)))
    });
    unwrap_failure(secrets, packet)
}

fn secrets(hops: u8) -> Vec<SharedSecret> {
    (0..hops).map(|hop| SharedSecret([hop + 1; 32])).collect()
}

fn times(hops: usize) -> Vec<u32> {
    (10..).take(hops).collect()
}

#[test]
fn whoever_changes_a_failure_is_blamed() {
    let secrets = secrets(4);
    for at in 0..4 {
        for attributes in [true, false] {
            let whole = sent(&secrets, at, |_| attributes);
            let expected = Blame::Corrupted {
                hop: attributes.then_some(at),
                hold_times: if attributes { times(at) } else { vec![] },
            };
            for byte in 0..292 {
                let mut changed = whole.clone();
                changed.reason[byte] ^= 1 << (byte % 8);
                let blame = received(&secrets, at, changed);
                assert_eq!(blame, expected, "byte {byte} changed by hop {at}");
            }
            let mut shorter = whole;
            shorter.reason.truncate(291);
            assert_eq!(received(&secrets, at, shorter), expected);
        }
    }
}

#[test]
fn changed_attribution_data_never_hides_the_failure_nor_lies_about_a_time() {
    let hops = 4;
    let secrets = secrets(4);
    for at in 0..hops {
        let whole = sent(&secrets, at, |_| true);
        let data = whole.attribution.as_ref().unwrap().to_bytes();
        let mut noticed = 0;
        for byte in 0..AttributionData::LENGTH {
            let mut data = data;
            data[byte] ^= 1 << (byte % 8);
            let attribution = Some(Box::new(AttributionData::from_bytes(&data)));
            let changed = FailurePacket { attribution, ..whole.clone() };
            let blame = received(&secrets, at, changed);
            let Blame::Failure { hop: 3, failure: Ok(Failure::MppTimeout {}), hold_times, .. } =
                blame
            else {
                panic!("byte {byte} changed by hop {at}: {blame:?}")
            };
            let until = hold_times.len();
            assert!(until == hops || until == at, "byte {byte} changed by hop {at}: {until}");
            assert_eq!(hold_times, times(until));
            noticed += usize::from(until == at);
        }
        // The hold times and words of the hops from here to the last, for the true length.
        assert_eq!(noticed, (hops - at) * 8, "by hop {at}");
    }
}

#[test]
fn attribution_ends_at_the_first_hop_that_does_not_attribute() {
    let secrets = secrets(5);
    for silent in 0..5 {
        let blame = unwrap_failure(&secrets, sent(&secrets, 0, |hop| hop != silent));
        let Blame::Failure { hop: 4, hold_times, .. } = blame else { panic!("{blame:?}") };
        assert_eq!(hold_times, times(silent));
    }
}

#[test]
fn a_changed_hold_time_of_a_payment_is_noticed() {
    let secrets = secrets(4);
    let mut data = None;
    for hop in (0..4).rev() {
        let mut added = attribute_fulfill(&secrets[hop], data, 7);
        if hop == 2 {
            let mut bytes = added.to_bytes();
            bytes[3] ^= 1;
            added = AttributionData::from_bytes(&bytes);
        }
        data = Some(added);
    }
    let read = fulfill_hold_times(&secrets, data.unwrap());
    assert_eq!(read, FulfillTimes { hold_times: vec![7, 7], broken_at: Some(2) });
}

proptest! {
    #[test]
    fn any_bytes_are_peeled_or_refused(
        head in any::<bool>(),
        mut bytes in proptest::collection::vec(any::<u8>(), 0..1400),
    ) {
        // A version and a key that are right let the rest be looked at.
        if head && bytes.len() > 34 {
            bytes[0] = 0;
            bytes[1..34].copy_from_slice(&secret(7).public_key(SECP256K1).serialize());
        }
        if let Ok(packet) = Packet::from_bytes(&bytes) {
            prop_assert!(peel(&packet, &secret(0), &[]).is_err());
            let received = peel_message(&packet, &secret(7).public_key(SECP256K1), &secret(0));
            prop_assert!(matches!(received, Received::Ignored(_)));
        }
    }

    #[test]
    fn any_content_of_a_right_packet_is_taken_or_refused(
        content in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let node_id: PublicKey = secret(0).public_key(SECP256K1);
        let hop = Hop { node_id, payload: content.clone() };
        let packet = construct_unchecked(&secret(9), &[hop], &[], 200).unwrap().packet;
        if let Ok(peeled) = peel(&packet, &secret(0), &[]) {
            prop_assert!(peeled.payload.len() <= 200);
            let _ = (Payload::decode(&peeled.payload), OnionMessagePayload::decode(&peeled.payload));
        }
    }

    #[test]
    fn any_failure_is_read_or_refused(
        code in any::<u16>(),
        rest in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let known = Failure::CODES[usize::from(code) % Failure::CODES.len()].0;
        for code in [code, known] {
            let message = [&code.to_be_bytes()[..], &rest].concat();
            if let Ok(failure) = Failure::decode(&message) {
                prop_assert_eq!(failure.code(), code);
                prop_assert!(message.starts_with(&failure.encode()) || failure.encode().len() > message.len());
            }
            let _ = FailureMessage::decode(&message);
        }
        let packet = FailurePacket { reason: rest, attribution: None };
        let nobody = unwrap_failure(&secrets(3), packet);
        prop_assert_eq!(nobody, Blame::Corrupted { hop: None, hold_times: vec![] });
    }

    #[test]
    fn any_recipient_data_is_read_or_refused(
        raw in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = EncryptedData::decode(&raw);
        let node_id = secret(0).public_key(SECP256K1);
        let path_key = secret(5).public_key(SECP256K1);
        let cannot = unblind(&secret(0), &path_key, &raw);
        prop_assert_eq!(cannot, Err(UnblindError::Decryption));
        let path = blind(&secret(5), &[(node_id, Bytes(raw.clone()))]).unwrap();
        let mine = unblind(&secret(0), &path_key, &path.path[0].encrypted_recipient_data.0);
        prop_assert_eq!(mine.is_ok(), EncryptedData::decode(&raw).is_ok());
    }
}

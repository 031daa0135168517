//! What one makes and the other reads, byte by byte.

use std::str::FromStr;

use bitcoin::hashes::{Hash, sha256};
use boltlab::bolt::invoice::{InvoiceField, decode};
use boltlab::bolt::offer::Offer;
use boltlab::bolt::onion::{Blame, unwrap_failure};
use boltlab::bolt::units::Msat;
use boltlab_ldk::{
    Failing, HOLD_TIME, Peers, Random, Round, Route, add_htlc, announcement, blinded_offer, draft,
    ldk_decode, ldk_invoice, ldk_open, ldk_seal, open, plain_offer,
};
use lightning::ln::msgs::{ChannelAnnouncement, UpdateAddHTLC};
use lightning::offers::offer::Offer as LdkOffer;
use lightning::util::ser::Writeable;
use lightning_invoice::Bolt11Invoice;
use secp256k1::SECP256K1;

#[test]
fn each_connects_to_the_other() {
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let peers = Peers::random(&mut random);
        assert_eq!(peers.connect().0, peers.ldk_connect().0);
        let messages: Vec<Vec<u8>> =
            (0..1200).map(|number| random.bytes().repeat(1 + number % 7)).collect();
        let (mut ours, mut theirs) = peers.connect_to_ldk();
        for message in &messages {
            let frame = ours.sender.seal(message).unwrap();
            assert_eq!(ldk_open(&mut theirs, &frame), *message);
            let frame = ldk_seal(&mut theirs, message);
            assert_eq!(open(&mut ours.receiver, &frame), *message);
        }
        let (mut theirs, mut ours) = peers.ldk_connect_to_us();
        for message in &messages {
            let frame = ldk_seal(&mut theirs, message);
            assert_eq!(open(&mut ours.receiver, &frame), *message);
            let frame = ours.sender.seal(message).unwrap();
            assert_eq!(ldk_open(&mut theirs, &frame), *message);
        }
    }
}

#[test]
fn messages_are_the_same() {
    let mut random = Random::new(7);
    for _ in 0..50 {
        let add = add_htlc(&mut random).encode();
        let theirs: UpdateAddHTLC = ldk_decode(&add);
        assert_eq!(theirs.encode(), add[2..]);
        let announcement = announcement(&mut random).encode();
        let theirs: ChannelAnnouncement = ldk_decode(&announcement);
        assert_eq!(theirs.encode(), announcement[2..]);
    }
}

#[test]
fn commitments_and_their_signatures_are_the_same() {
    for htlcs in [0, 1, 2, 30, 100] {
        let round = Round::random(&mut Random::new(htlcs), htlcs);
        let (ours, theirs) = round.txids();
        assert_eq!(ours, theirs, "{htlcs} HTLCs");
        let point = round.point();
        let signed = round.sign(&point);
        assert_eq!(signed, round.ldk_sign(&point), "{htlcs} HTLCs");
        assert!(round.check(&point, &signed) && round.ldk_check(&point, &signed));
        let mut changed = signed.clone();
        changed.1.reverse();
        assert_eq!(round.check(&point, &changed), htlcs < 2);
        assert_eq!(round.ldk_check(&point, &changed), htlcs < 2);
        let ((secret, next), (ldk_secret, ldk_next)) = (round.revoke(), round.ldk_revoke());
        assert_eq!((secret.0, next), (ldk_secret, ldk_next));
    }
}

/// Two routes of each length that fits.
fn routes() -> impl Iterator<Item = Route> {
    (0..40).map(|seed| {
        let mut random = Random::new(seed);
        Route::random(&mut random, usize::try_from(seed % 20).unwrap() + 1)
    })
}

#[test]
fn packets_are_the_same() {
    for route in routes() {
        let ours = route.construct().packet.to_bytes();
        assert_eq!(ours, route.ldk_construct().encode(), "{} hops", route.length());
    }
}

#[test]
fn each_hop_finds_the_same() {
    for route in routes() {
        let mut packet = route.construct().packet.to_bytes();
        for hop in 0..route.length() {
            let (payload, next) = route.peel(&packet, &route.node_secret(hop)).unwrap();
            let found = route.ldk_peel(hop, &packet).map_err(|error| error.msg).unwrap();
            assert_eq!(Route::ldk_next(&found), next, "hop {hop} of {}", route.length());
            assert_eq!(payload.amt_to_forward, Some(Msat(found.outgoing_amt_msat)));
            assert_eq!(payload.outgoing_cltv_value.map(|at| at.0), Some(found.outgoing_cltv_value));
            packet = next;
        }
        assert!(packet.is_empty());
    }
}

#[test]
fn a_changed_packet_is_refused_by_both() {
    let mut random = Random::new(100);
    let route = Route::random(&mut random, 3);
    let packet = route.construct().packet.to_bytes();
    for _ in 0..100 {
        let mut changed = packet.clone();
        let at = 1 + usize::try_from(random.below(1365)).unwrap();
        changed[at] ^= 1 << random.below(8);
        assert!(route.peel(&changed, &route.node_secret(0)).is_none(), "byte {at}");
        assert!(route.ldk_peel(0, &changed).is_err(), "byte {at}");
    }
}

#[test]
fn failures_are_the_same_and_both_read_them() {
    for route in routes() {
        for at in 0..route.length() {
            let failing = Failing::new(&route, at);
            let (ours, theirs) = (failing.wrap(), failing.ldk_wrap());
            assert_eq!(Failing::bytes(&ours), Failing::ldk_bytes(&theirs), "hop {at}");
            let expected = vec![HOLD_TIME; at + 1];
            let (_, hold_times) = failing.ldk_unwrap(Failing::to_ldk(&ours));
            assert_eq!(hold_times, expected);
            match unwrap_failure(&failing.shared_secrets, Failing::from_ldk(&theirs)) {
                Blame::Failure { hop, hold_times, .. } => {
                    assert_eq!((hop, hold_times), (at, expected));
                }
                other @ Blame::Corrupted { .. } => panic!("hop {at}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_changed_failure_is_blamed_on_the_same_hop() {
    let route = Route::random(&mut Random::new(7), 5);
    let failing = Failing::new(&route, 4);
    let mut packet = failing.wrap();
    packet.reason[40] ^= 1;
    assert!(failing.ldk_unwrap(Failing::to_ldk(&packet)).1.is_empty());
    let corrupted = Blame::Corrupted { hop: Some(0), hold_times: Vec::new() };
    assert_eq!(failing.unwrap(packet), corrupted);
}

#[test]
fn ldk_reads_our_invoices() {
    for seed in 0..50 {
        let mut random = Random::new(seed);
        let key = random.secret();
        let draft = draft(&mut random);
        let stated = draft.clone().with(InvoiceField::Payee(key.public_key(SECP256K1)));
        for draft in [draft, stated] {
            let invoice = draft.sign(&key).unwrap();
            let read = Bolt11Invoice::from_str(&invoice.encode()).unwrap();
            assert_eq!(read.get_payee_pub_key(), key.public_key(SECP256K1));
            assert_eq!(read.payment_hash().0, invoice.payment_hash().to_byte_array());
            assert_eq!(read.amount_milli_satoshis(), invoice.amount().map(|msat| msat.0));
            assert_eq!(read.expiry_time().as_secs(), invoice.expiry());
            assert_eq!(read.to_string(), invoice.encode());
        }
    }
}

#[test]
fn we_read_ldks_invoices() {
    for seed in 0..50 {
        let mut random = Random::new(seed);
        let key = random.secret();
        for states_payee in [false, true] {
            let theirs = ldk_invoice(&mut random, &key, states_payee);
            let read = decode(&theirs.to_string()).unwrap();
            assert_eq!(read.payee(), key.public_key(SECP256K1));
            assert_eq!(read.states_payee(), states_payee);
            assert_eq!(read.payment_secret().0, theirs.payment_secret().0);
            assert_eq!(read.amount().map(|msat| msat.0), theirs.amount_milli_satoshis());
            assert_eq!(read.routes().count(), 1);
            assert_eq!(read.to_draft().encode(&key).unwrap(), theirs.to_string());
        }
    }
}

/// LDK's name for an offer: a tagged hash of the Merkle root, which is boltlab's name.
fn ldk_id(offer: &Offer) -> [u8; 32] {
    let tag = sha256::Hash::hash(b"LDK Offer ID").to_byte_array();
    sha256::Hash::hash(&[tag, tag, offer.id().0].concat()).to_byte_array()
}

#[test]
fn both_read_an_offer_and_name_it_alike() {
    for seed in 0..50 {
        let mut random = Random::new(seed);
        for ours in [plain_offer(&mut random), blinded_offer(&mut random)] {
            let text = ours.to_string();
            let theirs = LdkOffer::from_str(&text).unwrap();
            assert_eq!(theirs.to_string(), text);
            assert_eq!(theirs.id().0, ldk_id(&ours));
            assert_eq!(Offer::from_str(&theirs.to_string()).unwrap(), ours);
        }
    }
}

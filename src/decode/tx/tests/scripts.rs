//! Every script that `bolt::tx::script` builds is recognised, and nothing else is.

use bitcoin::hashes::{Hash, hash160, ripemd160, sha256};
use bitcoin::{Script, ScriptBuf};
use proptest::prelude::*;
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::point;
use crate::bolt::tx::{ChannelType, script};
use crate::bolt::units::{CltvExpiry, CsvDelay};
use crate::decode::tx::{HtlcScript, WitnessScript};

/// What a script is made from.
#[derive(Clone, Copy, Debug)]
enum Recipe {
    Funding([PublicKey; 2]),
    Delayed(PublicKey, CsvDelay, PublicKey),
    ToRemote(PublicKey),
    Anchor(PublicKey),
    Offered(ChannelType, [PublicKey; 3], sha256::Hash),
    Received(ChannelType, [PublicKey; 3], sha256::Hash, CltvExpiry),
}

impl Recipe {
    fn build(&self) -> ScriptBuf {
        match self {
            Self::Funding([a, b]) => script::funding(a, b),
            Self::Delayed(revocation, delay, key) => script::to_local(revocation, *delay, key),
            Self::ToRemote(key) => script::to_remote_anchors(key),
            Self::Anchor(key) => script::anchor(key),
            Self::Offered(format, [revocation, remote, local], hash) => {
                script::offered_htlc(*format, revocation, remote, local, hash)
            }
            Self::Received(format, [revocation, remote, local], hash, expiry) => {
                script::received_htlc(*format, revocation, remote, local, hash, *expiry)
            }
        }
    }

    fn meaning(&self) -> WitnessScript {
        let htlc = |format: &ChannelType,
                    [revocation, remote, local]: &[PublicKey; 3],
                    hash: &sha256::Hash| {
            let payment = ripemd160::Hash::hash(hash.as_byte_array()).to_byte_array();
            HtlcScript {
                channel_type: *format,
                revocationpubkey_hash: hash160::Hash::hash(&revocation.serialize()),
                remote_htlcpubkey: *remote,
                local_htlcpubkey: *local,
                payment_hash160: hash160::Hash::from_byte_array(payment),
            }
        };
        match self {
            Self::Funding([a, b]) => {
                let mut funding_pubkeys = [*a, *b];
                funding_pubkeys.sort_by_key(PublicKey::serialize);
                WitnessScript::Funding { funding_pubkeys }
            }
            Self::Delayed(revocation, delay, key) => WitnessScript::Delayed {
                revocationpubkey: *revocation,
                to_self_delay: *delay,
                local_delayedpubkey: *key,
            },
            Self::ToRemote(key) => WitnessScript::ToRemote { remotepubkey: *key },
            Self::Anchor(key) => WitnessScript::Anchor { funding_pubkey: *key },
            Self::Offered(format, keys, hash) => {
                WitnessScript::OfferedHtlc(htlc(format, keys, hash))
            }
            Self::Received(format, keys, hash, expiry) => {
                WitnessScript::ReceivedHtlc { htlc: htlc(format, keys, hash), cltv_expiry: *expiry }
            }
        }
    }
}

/// The script that has this meaning, byte by byte. It is the inverse of the recogniser, so that no
/// two scripts can have one meaning.
fn spell(meaning: &WitnessScript) -> Vec<u8> {
    let key = |key: &PublicKey| [&[33], key.serialize().as_slice()].concat();
    let number = |number: u32| {
        let script = bitcoin::script::Builder::new().push_int(i64::from(number)).into_script();
        script.into_bytes()
    };
    let head = |htlc: &HtlcScript| {
        let hash = htlc.revocationpubkey_hash.to_byte_array();
        let remote = key(&htlc.remote_htlcpubkey);
        [
            &[0x76, 0xa9, 20],
            hash.as_slice(),
            &[0x87, 0x63, 0xac, 0x67],
            &remote,
            &[0x7c, 0x82, 1, 32, 0x87],
        ]
        .concat()
    };
    let tail = |htlc: &HtlcScript| match htlc.channel_type {
        ChannelType::StaticRemotekey => vec![0x68, 0x68],
        ChannelType::Anchors => vec![0x68, 0x51, 0xb2, 0x75, 0x68],
    };
    match meaning {
        WitnessScript::Funding { funding_pubkeys: [a, b] } => {
            [&[0x52], key(a).as_slice(), &key(b), &[0x52, 0xae]].concat()
        }
        WitnessScript::Delayed { revocationpubkey, to_self_delay, local_delayedpubkey } => [
            &[0x63],
            key(revocationpubkey).as_slice(),
            &[0x67],
            &number(u32::from(to_self_delay.0)),
            &[0xb2, 0x75],
            &key(local_delayedpubkey),
            &[0x68, 0xac],
        ]
        .concat(),
        WitnessScript::ToRemote { remotepubkey } => {
            [key(remotepubkey).as_slice(), &[0xad, 0x51, 0xb2]].concat()
        }
        WitnessScript::Anchor { funding_pubkey } => {
            [key(funding_pubkey).as_slice(), &[0xac, 0x73, 0x64, 0x60, 0xb2, 0x68]].concat()
        }
        WitnessScript::OfferedHtlc(htlc) => [
            head(htlc).as_slice(),
            &[0x64, 0x75, 0x52, 0x7c],
            &key(&htlc.local_htlcpubkey),
            &[0x52, 0xae, 0x67, 0xa9, 20],
            &htlc.payment_hash160.to_byte_array(),
            &[0x88, 0xac],
            &tail(htlc),
        ]
        .concat(),
        WitnessScript::ReceivedHtlc { htlc, cltv_expiry } => [
            head(htlc).as_slice(),
            &[0x63, 0xa9, 20],
            &htlc.payment_hash160.to_byte_array(),
            &[0x88, 0x52, 0x7c],
            &key(&htlc.local_htlcpubkey),
            &[0x52, 0xae, 0x67, 0x75],
            &number(cltv_expiry.0),
            &[0xb1, 0x75, 0xac],
            &tail(htlc),
        ]
        .concat(),
    }
}

fn key() -> impl Strategy<Value = PublicKey> + Clone {
    any::<[u8; 32]>().prop_filter_map("a private key", |bytes| {
        SecretKey::from_slice(&bytes).ok().map(|secret| secret.public_key(SECP256K1))
    })
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let format = prop_oneof![Just(ChannelType::StaticRemotekey), Just(ChannelType::Anchors)];
    let hash = any::<[u8; 32]>().prop_map(sha256::Hash::from_byte_array);
    // Every length that a number can have, and both its short forms.
    let delay = prop_oneof![0..20_u16, any::<u16>()].prop_map(CsvDelay);
    let expiry = prop_oneof![0..300_u32, 0..100_000_u32, any::<u32>()].prop_map(CltvExpiry);
    let keys = (key(), key(), key()).prop_map(|(a, b, c)| [a, b, c]);
    prop_oneof![
        (key(), key()).prop_map(|(a, b)| Recipe::Funding([a, b])),
        (key(), delay, key()).prop_map(|(a, delay, b)| Recipe::Delayed(a, delay, b)),
        key().prop_map(Recipe::ToRemote),
        key().prop_map(Recipe::Anchor),
        (format.clone(), keys.clone(), hash.clone())
            .prop_map(|(format, keys, hash)| Recipe::Offered(format, keys, hash)),
        (format, keys, hash, expiry)
            .prop_map(|(format, keys, hash, expiry)| Recipe::Received(format, keys, hash, expiry)),
    ]
}

/// A script is recognised as what it spells, or not at all.
fn assert_honest(script: &[u8]) {
    if let Some(meaning) = WitnessScript::recognise(Script::from_bytes(script)) {
        assert_eq!(spell(&meaning), script, "{meaning:?}");
    }
}

proptest! {
    #[test]
    fn every_script_is_recognised(recipe in recipe()) {
        let script = recipe.build();
        prop_assert_eq!(WitnessScript::recognise(&script), Some(recipe.meaning()));
        prop_assert_eq!(spell(&recipe.meaning()), script.to_bytes());
    }

    #[test]
    fn changed_byte_has_no_other_meaning(recipe in recipe(), at: prop::sample::Index, byte: u8) {
        let mut script = recipe.build().into_bytes();
        let at = at.index(script.len());
        script[at] = byte;
        assert_honest(&script);
    }

    #[test]
    fn missing_and_added_bytes_have_no_other_meaning(
        recipe in recipe(),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let script = recipe.build().into_bytes();
        let at = at.index(script.len());
        let (before, after) = script.split_at(at);
        assert_honest(&[before, &after[1..]].concat());
        assert_honest(&[before, &[byte], after].concat());
        prop_assert_eq!(WitnessScript::recognise(Script::from_bytes(before)), None);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(script: Vec<u8>) {
        assert_honest(&script);
    }
}

/// All 256 values of every byte, for one script of each kind.
#[test]
fn no_changed_byte_has_another_meaning() {
    let keys = [point(1), point(2), point(3)];
    let hash = sha256::Hash::hash(&[7]);
    for recipe in [
        Recipe::Funding([point(1), point(2)]),
        Recipe::Delayed(point(1), CsvDelay(144), point(2)),
        Recipe::ToRemote(point(1)),
        Recipe::Anchor(point(1)),
        Recipe::Offered(ChannelType::StaticRemotekey, keys, hash),
        Recipe::Offered(ChannelType::Anchors, keys, hash),
        Recipe::Received(ChannelType::StaticRemotekey, keys, hash, CltvExpiry(500)),
        Recipe::Received(ChannelType::Anchors, keys, hash, CltvExpiry(500_000)),
    ] {
        let script = recipe.build().into_bytes();
        for at in 0..script.len() {
            for byte in 0..=u8::MAX {
                let mut changed = script.clone();
                changed[at] = byte;
                assert_honest(&changed);
            }
        }
    }
}

/// What BOLT 3 does not write is not recognised, though the interpreter takes it for the same.
#[test]
fn other_spellings_are_strangers() {
    let unsorted = |a: &PublicKey, b: &PublicKey| {
        [&[0x52, 33], a.serialize().as_slice(), &[33], &b.serialize(), &[0x52, 0xae]].concat()
    };
    let (low, high) = {
        let (a, b) = (point(1), point(2));
        if a.serialize() < b.serialize() { (a, b) } else { (b, a) }
    };
    let recognised = |script: &[u8]| WitnessScript::recognise(Script::from_bytes(script)).is_some();
    assert!(recognised(&unsorted(&low, &high)));
    assert!(!recognised(&unsorted(&high, &low)));
    let delayed = |delay: &[u8]| {
        let (a, b) = (point(1).serialize(), point(2).serialize());
        [&[0x63, 33], a.as_slice(), &[0x67], delay, &[0xb2, 0x75, 33], &b, &[0x68, 0xac]].concat()
    };
    assert!(recognised(&delayed(&[2, 0x90, 0])));
    assert!(recognised(&delayed(&[0x5f])));
    // Zeros in front, a small number as bytes, a negative one, one that no 16 bits hold.
    for delay in [[3, 0x90, 0, 0].as_slice(), &[1, 15], &[1, 0x90], &[3, 0, 0, 1], &[1, 0]] {
        assert!(!recognised(&delayed(delay)), "{delay:?}");
    }
}

//! Whatever can be written is read again, and no text makes the reader panic.

use bech32::Fe32;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{PubkeyHash, ScriptHash, WitnessProgram, WitnessVersion};
use proptest::prelude::*;
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::{decode, draft, key, with_words};
use crate::bolt::features::{Feature, Features};
use crate::bolt::invoice::{
    Fallback, InvoiceDraft, InvoiceField, InvoiceNetwork, RouteHop, correction, text,
};
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::bolt::wire::{Bytes, PaymentSecret, ShortChannelId};

fn point() -> impl Strategy<Value = PublicKey> {
    (1..=u64::MAX).prop_map(|secret| {
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&secret.to_be_bytes());
        SecretKey::from_slice(&bytes).unwrap().public_key(SECP256K1)
    })
}

fn fallback() -> impl Strategy<Value = Fallback> {
    let program = |version: u8, bytes: Vec<u8>| {
        WitnessProgram::new(WitnessVersion::try_from(version).unwrap(), &bytes).unwrap()
    };
    prop_oneof![
        any::<[u8; 20]>().prop_map(|hash| Fallback::P2pkh(PubkeyHash::from_byte_array(hash))),
        any::<[u8; 20]>().prop_map(|hash| Fallback::P2sh(ScriptHash::from_byte_array(hash))),
        any::<[u8; 20]>().prop_map(move |hash| Fallback::Witness(program(0, hash.to_vec()))),
        (1..17_u8, prop::collection::vec(any::<u8>(), 2..=40))
            .prop_map(move |(version, bytes)| Fallback::Witness(program(version, bytes))),
    ]
}

fn hop() -> impl Strategy<Value = RouteHop> {
    (point(), any::<u64>(), any::<u32>(), any::<u32>(), any::<u16>()).prop_map(
        |(pubkey, id, fee_base_msat, fee_proportional_millionths, delta)| RouteHop {
            pubkey,
            short_channel_id: ShortChannelId(id),
            fee_base_msat,
            fee_proportional_millionths,
            cltv_expiry_delta: CltvExpiryDelta(delta),
        },
    )
}

/// A field that an invoice may have beside those that it must have.
fn field() -> impl Strategy<Value = InvoiceField> {
    let word = || (0..32_u8).prop_map(|word| Fe32::try_from(word).unwrap());
    let undefined =
        word().prop_filter("it has a meaning", |tag| !"psdmnhxcfr9".contains(tag.to_char()));
    let features = prop::collection::vec(0..400_u32, 0..6).prop_map(|bits| {
        let none = Features::default().requiring(Feature::PAYMENT_SECRET);
        bits.into_iter().fold(none, |features, bit| features.with_bit(bit | 1))
    });
    prop_oneof![
        any::<[u8; 32]>()
            .prop_map(|hash| InvoiceField::PaymentHash(sha256::Hash::from_byte_array(hash))),
        any::<[u8; 32]>().prop_map(|secret| InvoiceField::PaymentSecret(PaymentSecret(secret))),
        "\\PC{0,100}".prop_map(InvoiceField::Description),
        prop::collection::vec(any::<u8>(), 0..639)
            .prop_map(|bytes| InvoiceField::Metadata(Bytes(bytes))),
        any::<u64>().prop_map(InvoiceField::Expiry),
        any::<u64>().prop_map(InvoiceField::MinFinalCltvExpiryDelta),
        fallback().prop_map(InvoiceField::Fallback),
        prop::collection::vec(hop(), 1..=12).prop_map(InvoiceField::Route),
        features.prop_map(InvoiceField::Features),
        (undefined, prop::collection::vec(word(), 0..=1023))
            .prop_map(|(tag, words)| InvoiceField::Other { tag, words }),
    ]
}

fn any_draft() -> impl Strategy<Value = InvoiceDraft> {
    let amount = prop::option::of((1..=u64::MAX).prop_map(Msat));
    let network = prop::sample::select(InvoiceNetwork::ALL.to_vec());
    let fields = prop::collection::vec(field(), 0..6);
    (network, amount, 0..1_u64 << 35, fields, any::<bool>()).prop_map(
        |(network, amount, timestamp, more, states_payee)| {
            let mut fields = draft().fields;
            fields.extend(more);
            if states_payee {
                fields.insert(1, InvoiceField::Payee(key().public_key(SECP256K1)));
            }
            InvoiceDraft { network, amount, timestamp, fields }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_and_written_again(draft in any_draft()) {
        let invoice = draft.sign(&key()).unwrap();
        prop_assert_eq!(invoice.payee(), key().public_key(SECP256K1));
        prop_assert_eq!(invoice.to_draft(), draft);
        let text = invoice.encode();
        prop_assert_eq!(invoice.to_draft().encode(&key()).unwrap(), text.as_str());
        prop_assert_eq!(decode(&text).unwrap(), invoice);
    }

    /// Whatever words stand between the timestamp and the signature: if they are taken, they come
    /// back as they were, padding and long forms too.
    #[test]
    fn words_come_back(more in prop::collection::vec(0..32_u8, 0..60)) {
        let text = with_words(&draft().encode(&key()).unwrap(), |words| {
            let at = words.len() - 104;
            words.splice(at..at, more.into_iter().map(|word| Fe32::try_from(word).unwrap()));
        });
        if let Ok(invoice) = decode(&text) {
            prop_assert_eq!(invoice.encode(), text);
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text: String, ascii in "[ -~]{0,60}") {
        for text in [text, format!("lnbc{ascii}"), ascii] {
            let error = decode(&text).unwrap_err();
            let length = text.chars().count();
            prop_assert!(error.position().is_none_or(|p| p.start <= length && p.end <= length));
            correction(&text);
        }
    }

    #[test]
    fn any_words_are_read_without_a_panic(words in prop::collection::vec(0..32_u8, 0..400)) {
        let words: Vec<Fe32> = words.into_iter().map(|w| Fe32::try_from(w).unwrap()).collect();
        let invoice = text::join("lnbc1m", &words);
        if let Err(error) = decode(&invoice) {
            prop_assert!(error.position().is_none_or(|place| place.end <= invoice.len()), "{error}");
        }
    }
}

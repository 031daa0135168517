//! What an invoice can be asked, and what a draft refuses.

use bech32::Fe32;
use secp256k1::{SECP256K1, SecretKey};

use super::{decode, draft, key};
use crate::bolt::features::{Feature, Features};
use crate::bolt::invoice::{
    DEFAULT_EXPIRY, DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA, DraftError, InvoiceDraft, InvoiceError,
    InvoiceField, decode_partly,
};
use crate::bolt::units::Msat;

#[test]
fn defaults_stand_in_for_missing_fields() {
    let invoice = draft().sign(&key()).unwrap();
    assert_eq!((invoice.expiry(), DEFAULT_EXPIRY), (3600, 3600));
    let delta = invoice.min_final_cltv_expiry_delta();
    assert_eq!((delta, DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA), (18, 18));
    let stated = [InvoiceField::Expiry(60), InvoiceField::MinFinalCltvExpiryDelta(9)];
    let invoice = stated.into_iter().fold(draft(), InvoiceDraft::with).sign(&key()).unwrap();
    assert_eq!((invoice.expiry(), invoice.min_final_cltv_expiry_delta()), (60, 9));
}

#[test]
fn it_expires_after_its_last_second() {
    let invoice = draft().with(InvoiceField::Expiry(60)).sign(&key()).unwrap();
    assert!(!invoice.is_expired(0) && !invoice.is_expired(1_700_000_060));
    assert!(invoice.is_expired(1_700_000_061));
    let forever = draft().with(InvoiceField::Expiry(u64::MAX)).sign(&key()).unwrap();
    assert!(!forever.is_expired(u64::MAX));
}

#[test]
fn what_was_asked_for_comes_back() {
    let invoice = draft().sign(&key()).unwrap();
    assert_eq!((invoice.amount(), invoice.timestamp()), (Some(Msat(1_000)), 1_700_000_000));
    assert_eq!((invoice.description(), invoice.description_hash()), (Some("tea"), None));
    assert_eq!(invoice.payee(), key().public_key(SECP256K1));
    assert!(!invoice.states_payee() && invoice.features().is_none());
    assert!(invoice.metadata().is_none() && invoice.fallbacks().next().is_none());
    assert!(invoice.routes().next().is_none());
    assert!(invoice.encode().starts_with("lnbcrt10n1"));
}

#[test]
fn nothing_is_no_invoice() {
    assert_eq!(decode(""), Err(InvoiceError::Empty));
}

#[test]
fn characters_that_no_prefix_has_are_refused_before_the_checksum() {
    let invoice = draft().encode(&key()).unwrap();
    for found in ['/', ' ', ':', '\u{7f}', 'é'] {
        let error = InvoiceError::InvalidCharacter { position: 1, found };
        assert_eq!(decode(&format!("l{found}{}", &invoice[1..])), Err(error));
    }
}

#[test]
fn the_first_payee_is_the_one_who_signs() {
    let payee = |secret: &SecretKey| InvoiceField::Payee(secret.public_key(SECP256K1));
    let other = SecretKey::from_slice(&[0x43; 32]).unwrap();
    let invoice = draft().with(payee(&key())).with(payee(&other)).sign(&key()).unwrap();
    assert_eq!(invoice.payee(), key().public_key(SECP256K1));
    let swapped = draft().with(payee(&other)).with(payee(&key())).sign(&key());
    let refused = DraftError::Refused(InvoiceError::WrongSignature { characters: 247..351 });
    assert_eq!(swapped, Err(refused));
}

#[test]
fn upper_case_is_the_same_invoice() {
    let invoice = draft().sign(&key()).unwrap();
    assert_eq!(decode(&invoice.encode().to_ascii_uppercase()), Ok(invoice));
}

#[test]
fn drafts_without_a_string_are_refused() {
    let late = InvoiceDraft { timestamp: 1 << 35, ..draft() };
    assert_eq!(late.encode(&key()), Err(DraftError::Timestamp(1 << 35)));
    let latest = InvoiceDraft { timestamp: (1 << 35) - 1, ..draft() };
    assert_eq!(latest.sign(&key()).unwrap().timestamp(), (1 << 35) - 1);
    let long = |words| InvoiceField::Other { tag: Fe32::Q, words: vec![Fe32::L; words] };
    assert!(draft().with(long(1023)).sign(&key()).is_ok());
    let error = DraftError::FieldTooLong { words: 1024, most: 1023 };
    assert_eq!(draft().with(long(1024)).sign(&key()), Err(error));
}

#[test]
fn drafts_that_no_reader_takes_are_not_signed_but_can_be_written() {
    let bare = InvoiceDraft { fields: Vec::new(), ..draft() };
    let error = InvoiceError::MissingPaymentHash;
    assert_eq!(bare.sign(&key()), Err(DraftError::Refused(error.clone())));
    assert_eq!(decode(&bare.encode(&key()).unwrap()), Err(error));
    let zero = draft().with_amount(Msat::ZERO);
    assert_eq!(
        zero.sign(&key()),
        Err(DraftError::Refused(InvoiceError::LeadingZeroAmount { position: 6 }))
    );
}

/// Every even bit is refused but those that have a meaning in an invoice; no odd bit is.
#[test]
fn each_feature_bit() {
    for bit in 0..300 {
        let features = Features::default().offering(Feature::PAYMENT_SECRET).with_bit(bit);
        let result = draft().with(InvoiceField::Features(features.clone())).sign(&key());
        if bit % 2 == 1 || [8, 14, 16, 24, 36, 48].contains(&bit) {
            assert_eq!(result.unwrap().features(), Some(&features), "{bit}");
        } else {
            let Err(DraftError::Refused(InvoiceError::UnknownFeature { bit: found, .. })) = result
            else {
                panic!("{bit}: {result:?}")
            };
            assert_eq!(found, bit);
        }
    }
}

#[test]
fn what_was_read_before_a_mistake_is_kept() {
    let features = Features::default().with_bit(100);
    let text = draft().with(InvoiceField::Features(features)).encode(&key()).unwrap();
    let partial = *decode_partly(&text).unwrap_err();
    assert!(matches!(partial.error, InvoiceError::UnknownFeature { bit: 100, .. }));
    assert_eq!((partial.amount, partial.timestamp), (Some(Msat(1_000)), Some(1_700_000_000)));
    assert_eq!(partial.fields.len(), 4);
    let cut = decode_partly(&text[..text.len() - 1]).unwrap_err();
    assert_eq!((cut.network, cut.fields.len()), (None, 0));
}

#[test]
fn fields_know_their_characters() {
    let text = draft().encode(&key()).unwrap();
    let invoice = decode(&text).unwrap();
    let shown: Vec<&str> =
        invoice.fields().iter().map(|tagged| &text[tagged.characters.clone()]).collect();
    assert_eq!(shown.iter().map(|field| &field[..1]).collect::<String>(), "psd");
    assert_eq!(shown[2], "dq9w3jkz");
}

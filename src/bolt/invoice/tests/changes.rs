//! What becomes of an invoice when a single character changes.

use bech32::Fe32;

use super::{decode, draft, draft_with_payee, key, meaning, with_words};
use crate::bolt::invoice::{InvoiceError, text};

const CHARSET: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

#[test]
fn another_character_breaks_the_checksum() {
    for invoice in [draft(), draft_with_payee()].map(|draft| draft.encode(&key()).unwrap()) {
        let data = invoice.rfind('1').unwrap() + 1;
        for position in data..invoice.len() {
            for other in CHARSET.chars().filter(|c| !invoice[position..].starts_with(*c)) {
                let mut changed = invoice.clone();
                changed.replace_range(position..=position, &other.to_string());
                let error = decode(&changed).unwrap_err();
                assert!(matches!(error, InvoiceError::Checksum { .. }), "{changed}: {error}");
            }
        }
    }
}

/// Any byte, also in the prefix and beyond what bech32 has.
#[test]
fn another_byte_is_refused() {
    let invoice = draft().encode(&key()).unwrap();
    for position in 0..invoice.len() {
        for other in (0..128_u8).map(char::from).filter(|c| !invoice[position..].starts_with(*c)) {
            let mut changed = invoice.clone();
            changed.replace_range(position..=position, &other.to_string());
            assert!(decode(&changed).is_err(), "{changed:?}");
        }
    }
}

/// Every other word in every place, with a checksum that fits.
fn each_other_word(invoice: &str, mut check: impl FnMut(usize, &str)) {
    let count = invoice.len() - invoice.rfind('1').unwrap() - 1 - 6;
    for position in 0..count {
        for difference in 1..32_u8 {
            let changed = with_words(invoice, |words| {
                let other = words[position].to_u8() ^ difference;
                words[position] = Fe32::try_from(other).unwrap();
            });
            check(position, &changed);
        }
    }
}

/// The signature binds what an invoice says to its payee: another word is refused or makes it an
/// invoice of another payee.
#[test]
fn another_word_never_changes_what_the_same_payee_says() {
    let invoice = draft().sign(&key()).unwrap();
    let mut of_others = 0;
    each_other_word(&invoice.encode(), |position, changed| {
        if let Ok(other) = decode(changed) {
            assert_ne!(other.payee(), invoice.payee(), "word {position}: {changed}");
            of_others += 1;
        }
    });
    assert!(of_others > 1000, "only {of_others} are invoices of another payee");
}

/// With a stated payee nothing is left but the recovery id, which is not needed then and not
/// signed, and a change of the `n` field to a field that is passed over: then the payee is
/// recovered, and is another one.
#[test]
fn another_word_beside_a_stated_payee_is_refused() {
    let invoice = draft_with_payee().sign(&key()).unwrap();
    let encoded = invoice.encode();
    let last = encoded.len() - encoded.rfind('1').unwrap() - 1 - 6 - 1;
    let mut same = 0;
    each_other_word(&encoded, |position, changed| {
        let Ok(other) = decode(changed) else { return };
        if other.states_payee() {
            assert_eq!(position, last, "{changed}");
            assert_eq!((meaning(&other), other.payee()), (meaning(&invoice), invoice.payee()));
            assert_ne!(other.recovery_id(), invoice.recovery_id());
            same += 1;
        } else {
            assert_ne!(other.payee(), invoice.payee(), "word {position}: {changed}");
        }
    });
    assert_eq!(same, 3, "the other recovery ids");
}

/// The prefix is signed as well.
#[test]
fn another_prefix_is_another_payee_or_refused() {
    let with_prefix = |invoice: &str, other: &str| {
        let (_, words) = invoice.rsplit_once('1').unwrap();
        let words: Vec<Fe32> =
            words[..words.len() - 6].chars().map(|c| Fe32::from_char(c).unwrap()).collect();
        text::join(other, &words)
    };
    let (recovered, stated) = (draft().sign(&key()).unwrap(), draft_with_payee().sign(&key()));
    for other in ["lnbcrt20n", "lnbcrt", "lnbc10n", "lntb10n", "lnbcrt1000000n", "lnbcrt10000p"] {
        let changed = decode(&with_prefix(&recovered.encode(), other));
        assert!(changed.is_err() || changed.unwrap().payee() != recovered.payee(), "{other}");
        let changed = decode(&with_prefix(&stated.as_ref().unwrap().encode(), other));
        let refused = matches!(changed, Err(InvoiceError::WrongSignature { .. }));
        assert!(refused, "{other}: {changed:?}");
    }
}

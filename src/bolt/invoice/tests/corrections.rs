//! The character that is probably wrong.

use bech32::Fe32;

use super::{draft, key};
use crate::bolt::invoice::{Correction, InvoiceField, correction};

#[test]
fn a_single_wrong_character_is_found_wherever_it_is() {
    let invoice = draft().encode(&key()).unwrap();
    let separator = invoice.rfind('1').unwrap();
    for (position, fitting) in invoice.char_indices().filter(|(at, _)| *at != separator) {
        let wrong = if fitting == 'x' { 'z' } else { 'x' };
        let mut changed = invoice.clone();
        changed.replace_range(position..=position, &wrong.to_string());
        let expected = Some(Correction { position, found: wrong, fitting });
        assert_eq!(correction(&changed), expected, "{changed}");
        let upper = |c: char| c.to_ascii_uppercase();
        let expected = Correction { position, found: upper(wrong), fitting: upper(fitting) };
        assert_eq!(correction(&changed.to_ascii_uppercase()), Some(expected), "{changed}");
    }
}

#[test]
fn nothing_is_named_for_right_or_hopeless_text() {
    let invoice = draft().encode(&key()).unwrap();
    assert_eq!(correction(&invoice), None);
    let (start, end) = (invoice.len() - 30, invoice.len() - 28);
    let mut changed = invoice.clone();
    let wrong: String =
        invoice[start..end].chars().map(|c| if c == 'q' { 'p' } else { 'q' }).collect();
    changed.replace_range(start..end, &wrong);
    assert_eq!(correction(&changed), None);
    for text in ["", "1", "lnbc", "lnbc1b", "é1q"] {
        assert_eq!(correction(text), None, "{text}");
    }
}

/// Beyond bech32's length nothing is promised, and two places can look alike.
#[test]
fn nothing_is_named_in_a_text_that_is_too_long() {
    let other = InvoiceField::Other { tag: Fe32::Q, words: vec![Fe32::L; 1000] };
    let invoice = draft().with(other).encode(&key()).unwrap();
    for position in [600, invoice.len() - 1] {
        let mut changed = invoice.clone();
        changed.replace_range(position..=position, "x");
        assert_ne!(changed, invoice);
        assert_eq!(correction(&changed), None);
    }
}

//! Text that is no transaction: the error says what is wrong, and where.

use bitcoin::Transaction;
use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hex::DisplayHex;
use proptest::prelude::*;

use super::samples::{FIVE_HTLCS, FUNDING, HTLC_SUCCESS, SIMPLE};
use super::transaction;
use crate::decode::tx::{Field, RawError, explain, parse};

fn shown(text: &str) -> String {
    let error = parse(text).unwrap_err();
    match error.snippet(text) {
        Some(snippet) => format!("{error}\n{snippet}\n"),
        None => format!("{error}\n"),
    }
}

#[test]
fn every_mistake_is_shown_at_its_place() {
    let truncated = &SIMPLE[..SIMPLE.len() - 6];
    let stray = SIMPLE.replacen("c0c62d", "c0c6Zd", 1);
    let counts = "02000000fdfc00";
    let witness = SIMPLE.find("0400473044").unwrap();
    let no_witness = format!("{}00{}", &SIMPLE[..witness], &SIMPLE[SIMPLE.len() - 8..]);
    let trailing = format!("{SIMPLE}00ff");
    let texts = ["", "0", "é0", "0x02", "02000000", truncated, &SIMPLE[..301], &stray, counts]
        .map(shown)
        .join("\n");
    insta::assert_snapshot!(texts);
    let others = ["02000000000201", &no_witness, &trailing, "02000000ffffffffffffffffff"];
    insta::assert_snapshot!(others.map(shown).join("\n"));
}

#[test]
fn more_than_a_block_holds_is_refused_unread() {
    let huge = "zz".repeat(4_000_001);
    assert!(matches!(parse(&huge), Err(RawError::TooLong { characters: 8_000_002, .. })));
}

#[test]
fn every_cut_is_found_at_its_byte() {
    for hex in [FUNDING, SIMPLE, HTLC_SUCCESS] {
        let bytes = hex.len() / 2;
        for end in 1..bytes {
            match parse(&hex[..2 * end]) {
                Err(RawError::Truncated { byte, needed, left, .. }) => {
                    assert_eq!(byte + left, end);
                    assert!(needed > u64::try_from(left).unwrap());
                }
                other => panic!("{end} of {bytes}: {other:?}"),
            }
        }
    }
}

#[test]
fn cut_names_its_field() {
    let field = |bytes: usize| match parse(&SIMPLE[..2 * bytes]) {
        Err(RawError::Truncated { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(3), Field::Version);
    assert_eq!(field(5), Field::SegwitFlag);
    assert_eq!(field(20), Field::Outpoint { input: 0 });
    assert_eq!(field(45), Field::Sequence { input: 0 });
    assert_eq!(field(50), Field::Amount { output: 0 });
    assert_eq!(field(150), Field::WitnessItem { input: 0, item: 1 });
    assert_eq!(field(SIMPLE.len() / 2 - 1), Field::Locktime);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text: String) {
        let error = parse(&text);
        if let Err(error) = error {
            error.snippet(&text);
        }
    }

    /// The walk and the library agree on what a transaction is.
    #[test]
    fn any_bytes_are_a_transaction_or_not(bytes: Vec<u8>) {
        let expected: Result<Transaction, _> = deserialize(&bytes);
        prop_assert_eq!(parse(&bytes.to_lower_hex_string()).ok(), expected.ok());
    }

    #[test]
    fn mutated_transactions_are_explained_or_refused(
        sample in prop::sample::select(vec![FUNDING, SIMPLE, FIVE_HTLCS, HTLC_SUCCESS]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = serialize(&transaction(sample));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let expected: Result<Transaction, _> = deserialize(&bytes);
        let parsed = parse(&bytes.to_lower_hex_string());
        if let Ok(transaction) = &parsed {
            // Alone, beside its former self, and as context of that.
            let former = super::transaction(sample);
            explain(transaction, &[]).to_string();
            explain(transaction, std::slice::from_ref(&former)).to_string();
            explain(&former, std::slice::from_ref(transaction)).to_string();
            explain(transaction, std::slice::from_ref(transaction)).to_string();
        }
        prop_assert!(!matches!(parsed, Err(RawError::Refused { .. })), "{parsed:?}");
        prop_assert_eq!(parsed.ok(), expected.ok());
    }
}

//! The decoder against BOLT 3's own transactions, and against those that `bolt::tx` builds.

mod claims;
mod malformed;
mod meaning;
mod samples;
mod scripts;
mod vectors;

use bitcoin::Transaction;
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::{Explanation, explain, parse};

fn transaction(hex: &str) -> Transaction {
    parse(hex).unwrap()
}

/// The first transaction, with the others as context.
fn explained(transactions: &[Transaction]) -> Explanation {
    explain(&transactions[0], &transactions[1..])
}

/// The words for hex.
fn words(hex: &[&str]) -> String {
    explained(&hex.iter().map(|hex| transaction(hex)).collect::<Vec<_>>()).to_string()
}

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn point(byte: u8) -> PublicKey {
    secret(byte).public_key(SECP256K1)
}

//! boltlab's own vectors, checked without any of its code: each signature in their transactions
//! is one of what the transaction spends, by the scripts that it shows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

use std::{collections::BTreeMap, fs, path::Path};

use bitcoin::{
    OutPoint, PublicKey, ScriptBuf, Transaction, TxIn, TxOut,
    consensus::encode::deserialize_hex,
    ecdsa::Signature,
    hashes::Hash,
    script::Instruction,
    secp256k1::{Message, Secp256k1},
    sighash::SighashCache,
};
use serde_json::Value;

fn groups(topic: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/bolt03");
    let text = fs::read_to_string(folder.join(topic).with_extension("json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["groups"].as_array().unwrap().clone()
}

fn decode(hex: &Value) -> Transaction {
    deserialize_hex(hex.as_str().unwrap()).unwrap()
}

/// The transactions that the vectors of a group expect, under this name.
fn expected(group: &Value, name: &str) -> Vec<Transaction> {
    let tests = group["tests"].as_array().unwrap();
    tests.iter().filter_map(|test| Some(decode(&test.get("expected")?[name]))).collect()
}

/// The script code of an input, and the keys that it shows.
fn keys(input: &TxIn, spent: &TxOut) -> (ScriptBuf, Vec<PublicKey>) {
    let items = input.witness.to_vec();
    let shown = items.iter().filter_map(|item| PublicKey::from_slice(item).ok());
    if spent.script_pubkey.is_p2wpkh() {
        let keys: Vec<_> = shown.collect();
        let hash = keys[0].wpubkey_hash().unwrap();
        assert_eq!(spent.script_pubkey, ScriptBuf::new_p2wpkh(&hash));
        return (spent.script_pubkey.p2wpkh_script_code().unwrap(), keys);
    }
    let script = ScriptBuf::from_bytes(items.last().unwrap().clone());
    assert_eq!(spent.script_pubkey, script.to_p2wsh());
    let pushed = script.instructions().filter_map(|instruction| match instruction.unwrap() {
        Instruction::PushBytes(bytes) => PublicKey::from_slice(bytes.as_bytes()).ok(),
        Instruction::Op(_) => None,
    });
    let keys = shown.chain(pushed).collect();
    (script, keys)
}

/// How many signatures the inputs have; each must fit a key.
fn verify(transaction: &Transaction, spent: &BTreeMap<OutPoint, TxOut>) -> usize {
    let mut count = 0;
    let mut cache = SighashCache::new(transaction);
    for (index, input) in transaction.input.iter().enumerate() {
        let spent = &spent[&input.previous_output];
        let (script, keys) = keys(input, spent);
        let mut found = 0;
        for signature in input.witness.iter().filter_map(|item| Signature::from_slice(item).ok()) {
            let hash = cache
                .p2wsh_signature_hash(index, &script, spent.value, signature.sighash_type)
                .unwrap();
            let message = Message::from_digest(hash.to_byte_array());
            let fits = |key: &PublicKey| {
                Secp256k1::new().verify_ecdsa(&message, &signature.signature, &key.inner).is_ok()
            };
            assert!(keys.iter().any(fits), "{}:{index}", transaction.compute_txid());
            found += 1;
        }
        assert!(found > 0, "{}:{index} has no signature", transaction.compute_txid());
        count += found;
    }
    count
}

fn outputs(transaction: &Transaction) -> BTreeMap<OutPoint, TxOut> {
    let txid = transaction.compute_txid();
    (0..).map(|vout| OutPoint { txid, vout }).zip(transaction.output.clone()).collect()
}

#[test]
fn closing_transactions_spend_the_funding_output_by_two_signatures() {
    let funding = expected(&groups("funding")[0], "funding_tx").remove(0);
    for group in groups("closing") {
        for transaction in expected(&group, "closing_tx") {
            assert_eq!(verify(&transaction, &outputs(&funding)), 2);
        }
        let stripped = expected(&group, "closing_tx")
            .iter()
            .map(Transaction::compute_txid)
            .collect::<Vec<_>>();
        let unsigned = expected(&group, "unsigned_tx")
            .iter()
            .map(Transaction::compute_txid)
            .collect::<Vec<_>>();
        assert_eq!(stripped, unsigned);
    }
}

#[test]
fn penalties_and_sweeps_spend_a_commitment_by_a_signature_each() {
    for group in groups("penalty") {
        let commitment = decode(&group["commit_tx"]);
        for transaction in expected(&group, "tx") {
            assert_eq!(verify(&transaction, &outputs(&commitment)), transaction.input.len());
        }
    }
}

#[test]
fn the_commitments_are_those_of_the_appendices() {
    for (group, topic) in groups("penalty").iter().zip(["commitment", "commitment_anchors"]) {
        let published = expected(&groups(topic)[0], "commit_tx");
        assert!(published.contains(&decode(&group["commit_tx"])));
    }
}

//! The mempool: what it takes, what it refuses and why, and what it holds.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{
    Transaction, Txid, Wtxid,
    consensus::encode::{deserialize_hex, serialize_hex},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Chain, ChainError,
    rpc::{Call, Refusal},
};

/// Every output may be burnt: the lab does not protect its sats.
const ANY_AMOUNT: u32 = 21_000_000;

/// bitcoind's error codes for transactions that its mempool does not take.
const REFUSALS: [i32; 3] = [-25, -26, ALREADY_CONFIRMED];
const ALREADY_CONFIRMED: i32 = -27;

/// The reason for a transaction that was not looked at, because another one was refused.
const NOT_VALIDATED: &str = "package-not-validated";

/// The mempool's answer to a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// The mempool has it, or would take it.
    Accepted,
    /// The mempool does not take it.
    Refused {
        /// bitcoind's reject-reason ("non-BIP68-final"), alike on Core and Knots.
        reason: String,
    },
}

/// The mempool's answer to a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSubmission {
    /// The answer to the package as a whole. A refused one may have transactions that were taken.
    pub package: Submission,
    /// The answers to its transactions, in their order.
    pub transactions: Vec<Submission>,
    /// The transactions that it replaced, by txid.
    pub replaced: BTreeSet<Txid>,
}

impl Chain {
    /// Offers a transaction to the mempool, whatever its fee.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached. A refusal is an answer, not an error.
    pub fn submit(&mut self, tx: &Transaction) -> Result<Submission, ChainError> {
        let method = "sendrawtransaction";
        let arguments = [json!(serialize_hex(tx)), json!(0), json!(ANY_AMOUNT)];
        Ok(match self.attempt::<Txid>(method, &arguments)? {
            Ok(_) => Submission::Accepted,
            Err(Refusal { code: ALREADY_CONFIRMED, .. }) => {
                Submission::refused("txn-already-known")
            }
            Err(refusal) if REFUSALS.contains(&refusal.code) => {
                Submission::refused(&refusal.message)
            }
            Err(refusal) => return Err(refusal.of(method)),
        })
    }

    /// Asks what the mempool would answer to transactions, each on top of those before it.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or takes no such list (more than 25).
    pub fn test_accept(&mut self, txs: &[Transaction]) -> Result<Vec<Submission>, ChainError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Answer {
            allowed: Option<bool>,
            reject_reason: Option<String>,
            package_error: Option<String>,
        }
        let arguments = [hex(txs), json!(0)];
        let answers: Vec<Answer> = self.call("testmempoolaccept", &arguments)?;
        let submission = |answer: Answer| {
            if answer.allowed == Some(true) {
                return Submission::Accepted;
            }
            let reason = answer.reject_reason.or(answer.package_error);
            // Without any, it is another one of the list that was refused.
            Submission::refused(reason.as_deref().unwrap_or(NOT_VALIDATED))
        };
        Ok(answers.into_iter().map(submission).collect())
    }

    /// Offers a package to the mempool, parents first, whatever its fees.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or takes no such list (more than 25, or no package).
    pub fn submit_package(&mut self, txs: &[Transaction]) -> Result<PackageSubmission, ChainError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Answer {
            #[serde(rename = "package_msg")]
            message: String,
            tx_results: BTreeMap<Wtxid, Entry>,
            #[serde(default)]
            replaced_transactions: BTreeSet<Txid>,
        }
        #[derive(Deserialize)]
        struct Entry {
            error: Option<String>,
        }
        let arguments = [hex(txs), json!(0), json!(ANY_AMOUNT)];
        let answer: Answer = self.call("submitpackage", &arguments)?;
        let submission = |tx: &Transaction| match answer.tx_results.get(&tx.compute_wtxid()) {
            Some(Entry { error: None }) => Submission::Accepted,
            Some(Entry { error: Some(reason) }) => Submission::refused(reason),
            None => Submission::refused(NOT_VALIDATED),
        };
        let package = match answer.message.as_str() {
            "success" => Submission::Accepted,
            reason => Submission::refused(reason),
        };
        let transactions = txs.iter().map(submission).collect();
        Ok(PackageSubmission { package, transactions, replaced: answer.replaced_transactions })
    }

    /// The mempool's transactions, without the miner's part in a fee spike: parents before
    /// children, ties by txid.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached.
    pub fn mempool(&mut self) -> Result<Vec<Transaction>, ChainError> {
        let method = "getrawtransaction";
        let mut txids: Vec<Txid> = self.call("getrawmempool", &[])?;
        txids.retain(|txid| !self.spike.has(*txid));
        let calls = txids.iter().map(|txid| Call { method, arguments: vec![json!(txid)] });
        let calls: Vec<_> = calls.collect();
        let mut transactions = Vec::with_capacity(calls.len());
        for answer in self.batch(&calls)? {
            let answer = answer.map_err(|refusal| refusal.of(method))?;
            let transaction = answer.as_str().and_then(|hex| deserialize_hex(hex).ok());
            transactions.push(transaction.ok_or_else(|| ChainError::unexpected(method))?);
        }
        Ok(in_order(transactions))
    }
}

impl Submission {
    fn refused(reason: &str) -> Self {
        Self::Refused { reason: normalise(reason) }
    }
}

fn hex(txs: &[Transaction]) -> Value {
    txs.iter().map(serialize_hex).collect()
}

/// bitcoind's reason without its details (amounts, txids), and with the names that differ between
/// versions, or between RPCs, made one.
pub(super) fn normalise(reason: &str) -> String {
    const SCRIPT: &str = "mempool-script-verify-flag-failed";
    let reason = reason.split_once(", ").map_or(reason, |(reason, _)| reason);
    if reason == "missing-inputs" {
        return "bad-txns-inputs-missingorspent".into();
    }
    // Core until 29, and Knots, say in the name whether consensus has the rule too.
    let flag = ["mandatory-script-verify-flag", "non-mandatory-script-verify-flag"];
    match reason.split_once(" (") {
        Some((name, error)) if flag.contains(&name.trim_end_matches("-failed")) => {
            format!("{SCRIPT} ({error}")
        }
        _ => reason.into(),
    }
}

/// Parents before children, ties by txid: an order that no mempool's internals show through.
pub(super) fn in_order(transactions: Vec<Transaction>) -> Vec<Transaction> {
    let mut waiting: BTreeMap<Txid, Transaction> =
        transactions.into_iter().map(|tx| (tx.compute_txid(), tx)).collect();
    let parents = |tx: &Transaction, waiting: &BTreeMap<Txid, Transaction>| {
        let parents = tx.input.iter().map(|input| input.previous_output.txid);
        parents.filter(|txid| waiting.contains_key(txid)).collect::<BTreeSet<_>>()
    };
    let mut missing = BTreeMap::new();
    let mut children: BTreeMap<Txid, Vec<Txid>> = BTreeMap::new();
    let mut ready = BTreeSet::new();
    for (&txid, tx) in &waiting {
        let parents = parents(tx, &waiting);
        if parents.is_empty() {
            ready.insert(txid);
        }
        missing.insert(txid, parents.len());
        for parent in parents {
            children.entry(parent).or_default().push(txid);
        }
    }
    let mut ordered = Vec::with_capacity(waiting.len());
    while let Some(txid) = ready.pop_first() {
        ordered.extend(waiting.remove(&txid));
        for child in children.remove(&txid).unwrap_or_default() {
            if let Some(count) = missing.get_mut(&child) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(child);
                }
            }
        }
    }
    ordered
}

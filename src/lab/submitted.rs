//! What roles have given to bitcoind, and what it said. Nodes publish again, with every block, what is
//! not in the chain yet: that is told only if it is news.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, Transaction, Txid};

use crate::scenario::RoleName;
use crate::trace::Answer;

/// What bitcoind was given, and what of it the mempool must still hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Submitted {
    /// What was told last of a role's transaction, and during which step.
    told: BTreeMap<(RoleName, Txid), (Option<u32>, Answer)>,
    /// What the mempool took, with nothing since that could have taken it out again.
    held: BTreeMap<Txid, Vec<OutPoint>>,
    /// The transaction of these that spends an output.
    spenders: BTreeMap<OutPoint, Txid>,
}

impl Submitted {
    /// Whether the mempool took this transaction before, and must still have it.
    pub(super) fn holds(&self, txid: Txid) -> bool {
        self.held.contains_key(&txid)
    }

    /// Whether this role has published this transaction before, and bitcoind's answer says nothing
    /// new: it has the transaction, or refuses it again during the same step.
    pub(super) fn is_no_news(
        &self,
        by: &RoleName,
        txid: Txid,
        answer: &Answer,
        step: Option<u32>,
    ) -> bool {
        match (self.told.get(&(by.clone(), txid)), answer) {
            (Some((_, Answer::Accepted | Answer::Known)), Answer::Known) => true,
            (Some((then, before)), Answer::Refused { .. }) => *then == step && before == answer,
            (Some(_) | None, _) => false,
        }
    }

    /// Notes an answer that was told.
    pub(super) fn note(
        &mut self,
        by: &RoleName,
        transaction: &Transaction,
        answer: &Answer,
        step: Option<u32>,
    ) {
        let txid = transaction.compute_txid();
        self.told.insert((by.clone(), txid), (step, answer.clone()));
        if *answer == Answer::Accepted {
            self.hold(txid, transaction);
        }
    }

    /// What bitcoind's mempool holds: everything else is out.
    pub(super) fn mempool_is(&mut self, transactions: &[Txid]) {
        let kept: BTreeSet<&Txid> = transactions.iter().collect();
        let gone = self.held.keys().filter(|txid| !kept.contains(txid));
        for txid in gone.copied().collect::<Vec<_>>() {
            self.let_go(txid);
        }
    }

    /// The mempool took a transaction, and threw out what conflicts with it.
    fn hold(&mut self, txid: Txid, transaction: &Transaction) {
        let inputs: Vec<OutPoint> =
            transaction.input.iter().map(|input| input.previous_output).collect();
        for input in &inputs {
            if let Some(rival) = self.spenders.get(input).copied().filter(|rival| *rival != txid) {
                self.let_go(rival);
            }
        }
        self.spenders.extend(inputs.iter().map(|input| (*input, txid)));
        self.held.insert(txid, inputs);
    }

    /// A transaction is out of the mempool, and with it what spends its outputs.
    fn let_go(&mut self, txid: Txid) {
        for input in self.held.remove(&txid).unwrap_or_default() {
            self.spenders.remove(&input);
        }
        let outputs = OutPoint::new(txid, 0)..=OutPoint::new(txid, u32::MAX);
        let children: Vec<Txid> = self.spenders.range(outputs).map(|(_, child)| *child).collect();
        for child in children {
            self.let_go(child);
        }
    }
}

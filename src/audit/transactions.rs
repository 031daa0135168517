//! The transactions of a channel, by their ids and by what they spend.

use std::collections::BTreeMap;

use bitcoin::{OutPoint, Txid};

use super::account::{AuditedTransaction, Spend};

/// Transactions in the order in which they were added. No two of them spend the same output.
#[derive(Default)]
pub(super) struct Transactions {
    all: Vec<AuditedTransaction>,
    positions: BTreeMap<Txid, usize>,
    /// Which of them spends an output, and which of its spends that is.
    spends: BTreeMap<OutPoint, (usize, usize)>,
}

impl Transactions {
    pub(super) fn push(&mut self, transaction: AuditedTransaction) {
        let position = self.all.len();
        self.positions.insert(transaction.txid, position);
        let spends = (0..).zip(&transaction.spends);
        self.spends.extend(spends.map(|(at, spend)| (spend.outpoint, (position, at))));
        self.all.push(transaction);
    }

    pub(super) fn get(&self, txid: Txid) -> Option<&AuditedTransaction> {
        self.all.get(*self.positions.get(&txid)?)
    }

    /// The transaction that spends an output of the channel.
    pub(super) fn spend_of(&self, outpoint: OutPoint) -> Option<(&AuditedTransaction, &Spend)> {
        let (position, at) = self.spends.get(&outpoint)?;
        let transaction = self.all.get(*position)?;
        Some((transaction, transaction.spends.get(*at)?))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &AuditedTransaction> {
        self.all.iter()
    }

    pub(super) fn into_vec(self) -> Vec<AuditedTransaction> {
        self.all
    }
}

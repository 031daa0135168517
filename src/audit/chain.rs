//! The chain and the mempool as the trace tells of them: which transactions there are now.

use std::collections::BTreeMap;

use bitcoin::{Amount, OutPoint, Transaction, TxOut, Txid};

use crate::bolt::units::BlockHeight;
use crate::scenario::RoleName;
use crate::trace::{Answer, Event, Trace};

/// A transaction that is in the chain or in the mempool.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) transaction: Transaction,
    /// Who gave it to bitcoind first, if anybody did.
    pub(super) published_by: Option<RoleName>,
    pub(super) confirmed: Option<BlockHeight>,
}

/// The transactions that are in the chain or in the mempool, in the order in which they were first
/// seen.
#[derive(Default)]
pub(super) struct View {
    order: Vec<Txid>,
    seen: BTreeMap<Txid, Seen>,
}

impl View {
    /// The view at the end of a trace.
    pub(super) fn new(trace: &Trace) -> Self {
        let mut view = Self::default();
        for entry in &trace.entries {
            match &entry.event {
                Event::Published { by, transaction, answer: Answer::Accepted, .. } => {
                    view.see(&transaction.0, Some(by), None);
                }
                Event::Mined { from, transactions, .. } => {
                    for transaction in transactions {
                        view.see(&transaction.0, None, Some(*from));
                    }
                }
                Event::Disconnected { to, .. } => view.disconnect(*to),
                Event::Mempool { transactions } => view.keep(transactions),
                Event::Published { .. }
                | Event::Scenario { .. }
                | Event::Step { .. }
                | Event::Message { .. }
                | Event::Lost { .. }
                | Event::Garbage { .. }
                | Event::Broken { .. }
                | Event::LinkUp { .. }
                | Event::Held { .. }
                | Event::LinkDown { .. }
                | Event::Peer { .. }
                | Event::Channel { .. }
                | Event::Invoice { .. }
                | Event::Offer { .. }
                | Event::OnionMessage { .. }
                | Event::Payment { .. }
                | Event::Tampered { .. }
                | Event::Offline { .. }
                | Event::Online { .. }
                | Event::Fees { .. }
                | Event::BlocksWithheld { .. }
                | Event::BlocksReleased { .. }
                | Event::Partitioned { .. }
                // Its books are of the main chain.
                | Event::Apart { .. }
                | Event::Healed { .. }
                | Event::Remembered { .. }
                | Event::Checked { .. }
                | Event::Audited { .. } => {}
            }
        }
        view
    }

    fn see(
        &mut self,
        transaction: &Transaction,
        by: Option<&RoleName>,
        confirmed: Option<BlockHeight>,
    ) {
        let txid = transaction.compute_txid();
        self.drop_conflicts(transaction, txid);
        let seen = self.seen.entry(txid).or_insert_with(|| {
            self.order.push(txid);
            Seen { transaction: transaction.clone(), published_by: None, confirmed: None }
        });
        seen.published_by = seen.published_by.take().or_else(|| by.cloned());
        seen.confirmed = confirmed.or(seen.confirmed);
        // A block's copy has the witness that counts.
        if confirmed.is_some() {
            seen.transaction = transaction.clone();
        }
    }

    /// What spends the same outputs is gone, and what descends from it.
    fn drop_conflicts(&mut self, transaction: &Transaction, txid: Txid) {
        let mut gone: Vec<Txid> = Vec::new();
        for input in &transaction.input {
            let rival = self.spender(input.previous_output).map(|(rival, _)| rival);
            gone.extend(rival.filter(|rival| *rival != txid));
        }
        while let Some(rival) = gone.pop() {
            self.order.retain(|known| *known != rival);
            if self.seen.remove(&rival).is_some() {
                let children = self.iter().filter(|(_, seen)| {
                    seen.transaction.input.iter().any(|input| input.previous_output.txid == rival)
                });
                gone.extend(children.map(|(child, _)| child).collect::<Vec<_>>());
            }
        }
    }

    fn disconnect(&mut self, lowest: BlockHeight) {
        for seen in self.seen.values_mut() {
            if seen.confirmed.is_some_and(|height| height >= lowest) {
                seen.confirmed = None;
            }
        }
    }

    /// Of what is not in the chain, only these are left.
    fn keep(&mut self, mempool: &[Txid]) {
        self.seen.retain(|txid, seen| seen.confirmed.is_some() || mempool.contains(txid));
        let seen = &self.seen;
        self.order.retain(|txid| seen.contains_key(txid));
    }

    pub(super) fn get(&self, txid: Txid) -> Option<&Seen> {
        self.seen.get(&txid)
    }

    /// An output of one of them: a channel's, or a coin of a wallet.
    pub(super) fn output(&self, outpoint: OutPoint) -> Option<&TxOut> {
        let position = usize::try_from(outpoint.vout).ok()?;
        self.get(outpoint.txid)?.transaction.output.get(position)
    }

    /// What a transaction pays to the miner; `None` if an input is a coin that the trace does not
    /// tell of.
    pub(super) fn fee(&self, txid: Txid) -> Option<Amount> {
        let transaction = &self.get(txid)?.transaction;
        let inputs = transaction.input.iter();
        let amounts = inputs.map(|input| Some(self.output(input.previous_output)?.value));
        let paid_in = amounts.sum::<Option<Amount>>()?;
        paid_in.checked_sub(transaction.output.iter().map(|output| output.value).sum())
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Txid, &Seen)> {
        self.order.iter().filter_map(|txid| Some((*txid, self.seen.get(txid)?)))
    }

    /// The transaction that spends an output, and by which of its inputs.
    pub(super) fn spender(&self, outpoint: OutPoint) -> Option<(Txid, usize)> {
        self.iter().find_map(|(txid, seen)| {
            let mut inputs = seen.transaction.input.iter();
            Some((txid, inputs.position(|input| input.previous_output == outpoint)?))
        })
    }
}

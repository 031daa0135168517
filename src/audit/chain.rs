//! The chain and the mempool as the trace tells of them: which transactions there are now.

use std::collections::{BTreeMap, BTreeSet};

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
    /// How many were seen before it.
    pub(super) place: usize,
}

/// The transactions that are in the chain or in the mempool. No two of them spend the same output.
#[derive(Default)]
pub(super) struct View {
    seen: BTreeMap<Txid, Seen>,
    /// The same in the order in which they were first seen.
    order: BTreeMap<usize, Txid>,
    /// How many there were, with those that are gone.
    count: usize,
    /// Which of them spends an output, and by which of its inputs.
    spenders: BTreeMap<OutPoint, (Txid, usize)>,
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
                | Event::Gossip { .. }
            | Event::NetworkOpens { .. }
            | Event::NetworkOpen { .. }
            | Event::WayFound { .. }
            | Event::NoWayFound { .. }
            | Event::Flare { .. }
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
        let place = self.count;
        let seen = self.seen.entry(txid).or_insert_with(|| {
            self.count += 1;
            self.order.insert(place, txid);
            let spent = (0..).zip(&transaction.input);
            self.spenders.extend(spent.map(|(at, input)| (input.previous_output, (txid, at))));
            Seen { transaction: transaction.clone(), published_by: None, confirmed: None, place }
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
            self.remove(rival);
            let outputs = OutPoint::new(rival, 0)..=OutPoint::new(rival, u32::MAX);
            gone.extend(self.spenders.range(outputs).map(|(_, (child, _))| *child));
        }
    }

    fn remove(&mut self, txid: Txid) {
        let Some(seen) = self.seen.remove(&txid) else { return };
        self.order.remove(&seen.place);
        for input in &seen.transaction.input {
            self.spenders.remove(&input.previous_output);
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
        let mempool: BTreeSet<&Txid> = mempool.iter().collect();
        let is_gone =
            |(txid, seen): &(&Txid, &Seen)| seen.confirmed.is_none() && !mempool.contains(txid);
        let gone: Vec<Txid> = self.seen.iter().filter(is_gone).map(|(txid, _)| *txid).collect();
        for txid in gone {
            self.remove(txid);
        }
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
        self.order.values().filter_map(|txid| Some((*txid, self.seen.get(txid)?)))
    }

    /// The transaction that spends an output, and by which of its inputs.
    pub(super) fn spender(&self, outpoint: OutPoint) -> Option<(Txid, usize)> {
        self.spenders.get(&outpoint).copied()
    }
}

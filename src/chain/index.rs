//! Where the active chain has its transactions, and what spends their outputs.

use std::collections::BTreeMap;

use bitcoin::{Block, OutPoint, Transaction, Txid};

/// The place of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The height of its block.
    pub(super) height: usize,
    /// Which of the block's transactions it is.
    pub(super) position: usize,
}

/// The transactions of the active chain. Txids are kept: of full blocks they take long to compute.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Those of each block, from the genesis block.
    txids: Vec<Vec<Txid>>,
    places: BTreeMap<Txid, Place>,
    /// Where the transaction is that spends an output.
    spenders: BTreeMap<OutPoint, Place>,
}

impl Index {
    /// A block joins the chain.
    pub(super) fn connect(&mut self, block: &Block) {
        let height = self.txids.len();
        let txids: Vec<Txid> = block.txdata.iter().map(Transaction::compute_txid).collect();
        for (position, (txid, transaction)) in txids.iter().zip(&block.txdata).enumerate() {
            let place = Place { height, position };
            self.places.insert(*txid, place);
            self.spenders.extend(spent(transaction).map(|output| (output, place)));
        }
        self.txids.push(txids);
    }

    /// The newest block, which is this one, leaves the chain.
    pub(super) fn disconnect(&mut self, block: &Block) {
        for txid in self.txids.pop().unwrap_or_default() {
            self.places.remove(&txid);
        }
        for output in block.txdata.iter().flat_map(spent) {
            self.spenders.remove(&output);
        }
    }

    /// The txids of each block, from the genesis block.
    pub(super) fn txids(&self) -> impl Iterator<Item = &Vec<Txid>> {
        self.txids.iter()
    }

    pub(super) fn place(&self, txid: Txid) -> Option<Place> {
        self.places.get(&txid).copied()
    }

    pub(super) fn spender(&self, output: OutPoint) -> Option<Place> {
        self.spenders.get(&output).copied()
    }
}

/// The outputs that a transaction spends; a coinbase spends none.
fn spent(transaction: &Transaction) -> impl Iterator<Item = OutPoint> {
    let inputs = transaction.input.iter().map(|input| input.previous_output);
    inputs.filter(|output| !output.is_null())
}

//! Closing transactions, after their funding transaction.

use bitcoin::Transaction;
use boltlab::chain::ChainError;
use serde_json::Value;

use super::{BAD_SIGNATURE, ask, assert_invalid, confirm, decode, funding, refused, spoil, start};

pub(super) struct Closing {
    transaction: Transaction,
}

impl Closing {
    /// Nothing for a vector that has no transaction.
    pub(super) fn new(vector: &Value) -> Option<Self> {
        let expected = vector.get("expected")?;
        Some(Self { transaction: decode(&expected["closing_tx"]) })
    }

    /// The mempool takes it, and a block has it: above its locktime, with both signatures.
    pub(super) fn play(&self) -> Result<(), ChainError> {
        let mut chain = start()?;
        chain.mine_block(vec![funding()])?;
        let height = self.transaction.lock_time.to_consensus_u32();
        if let Some(missing) = height.checked_sub(chain.height().0 + 1) {
            chain.mine(missing)?;
            assert_eq!(ask(&mut chain, &self.transaction)?, refused("non-final"));
            assert_invalid(&mut chain, self.transaction.clone(), "bad-txns-nonfinal");
            chain.mine(1)?;
        }
        for signature in [1, 2] {
            let spoilt = spoil(&self.transaction, 0, signature);
            assert_invalid(&mut chain, spoilt, BAD_SIGNATURE);
        }
        confirm(&mut chain, &self.transaction, false)
    }
}

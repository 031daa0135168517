//! What spends a commitment transaction: penalties of a revoked one, and sweeps.

use bitcoin::{Sequence, Transaction, relative::LockTime};
use boltlab::chain::{Chain, ChainError, Submission};
use serde_json::Value;

use super::{BAD_SIGNATURE, ask, assert_invalid, confirm, decode, funding, refused, spoil, start};

pub(super) struct Penalty {
    commitment: Transaction,
    transaction: Transaction,
}

impl Penalty {
    /// Nothing for a vector that has no transaction.
    pub(super) fn new(group: &Value, vector: &Value) -> Option<Self> {
        let transaction = decode(&vector.get("expected")?["tx"]);
        Some(Self { commitment: decode(&group["commit_tx"]), transaction })
    }

    /// The mempool takes it, and a block has it: after its relative locktime, with all
    /// signatures.
    pub(super) fn play(&self) -> Result<(), ChainError> {
        let mut chain = start()?;
        chain.mine_block(vec![funding()])?;
        match self.delay() {
            // The commitment itself must be in a block before the one that has the claim.
            1 => {
                assert_eq!(chain.submit(&self.commitment)?, Submission::Accepted);
                self.assert_too_early(&mut chain)?;
                chain.mine(1)?;
            }
            delay => {
                confirm(&mut chain, &self.commitment, false)?;
                if let Some(missing) = delay.checked_sub(2) {
                    chain.mine(missing)?;
                    self.assert_too_early(&mut chain)?;
                    let claim = self.transaction.clone();
                    assert_invalid(&mut chain, claim, "bad-txns-nonfinal");
                    chain.mine(1)?;
                }
            }
        }
        assert!(chain.confirmed(self.commitment.compute_txid()).is_some());
        for input in 0..self.transaction.input.len() {
            let spoilt = spoil(&self.transaction, input, 0);
            assert_invalid(&mut chain, spoilt, BAD_SIGNATURE);
        }
        confirm(&mut chain, &self.transaction, false)
    }

    fn assert_too_early(&self, chain: &mut Chain) -> Result<(), ChainError> {
        assert_eq!(ask(chain, &self.transaction)?, refused("non-BIP68-final"));
        Ok(())
    }

    /// The greatest relative locktime of an input, in blocks.
    fn delay(&self) -> u32 {
        let delays = self.transaction.input.iter().map(|input| delay(input.sequence));
        delays.max().unwrap()
    }
}

fn delay(sequence: Sequence) -> u32 {
    match sequence.to_relative_lock_time() {
        Some(LockTime::Blocks(blocks)) => u32::from(blocks.value()),
        Some(LockTime::Time(_)) => panic!("no claim waits for a time"),
        None => 0,
    }
}

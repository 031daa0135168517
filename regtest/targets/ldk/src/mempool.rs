//! Waiting for what a node hands to bitcoind.

use std::time::Duration;

use bitcoin::Transaction;
use boltlab::chain::Chain;

use super::{
    LdkError,
    events::{now, pause},
};

/// Returns the first transaction of the mempool that is the one, as soon as there is one. The lab
/// then knows that its next block is not empty.
///
/// # Errors
///
/// When none comes in time, and when bitcoind cannot be reached.
pub fn mempool_with(
    chain: &mut Chain,
    what: &str,
    patience: Duration,
    mut is_it: impl FnMut(&Transaction) -> bool,
) -> Result<Transaction, LdkError> {
    let since = now();
    loop {
        let mempool = chain.mempool().map_err(LdkError::Chain)?;
        if let Some(tx) = mempool.into_iter().find(&mut is_it) {
            return Ok(tx);
        }
        if since.elapsed() >= patience {
            return Err(LdkError::NotInMempool { what: what.into(), after: patience });
        }
        pause();
    }
}

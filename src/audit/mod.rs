//! The audit: its own account of every output that descends from a funding transaction, made from
//! the trace alone. It trusts no node and shares no code with what builds transactions: it knows
//! the channel from the messages that both sides sent, and the chain from its blocks.

mod account;

pub use account::{
    Account, AuditedOutput, AuditedTransaction, ChannelAccount, Fate, Kind, OutputName, Spend,
};

use crate::scenario::{Outcome, TransactionPattern};
use crate::trace::{Problem, Trace};

/// The account of a trace, as far as it goes: transactions of the mempool are in it too.
pub fn account(_trace: &Trace) -> Account {
    todo!()
}

/// Compares the account with the outcome of a scenario, and holds what holds in every scenario:
/// sats in are sats out and fees, every output is accounted for, no honest role loses.
pub fn judge(_account: &Account, _outcome: &Outcome) -> Vec<Problem> {
    todo!()
}

/// The outcome that the account shows, for the author of a scenario to read and keep.
pub fn observed(_account: &Account) -> Outcome {
    todo!()
}

impl AuditedTransaction {
    /// Whether this transaction fits a pattern.
    pub fn matches(&self, _pattern: &TransactionPattern) -> bool {
        todo!()
    }
}

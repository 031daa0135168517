//! The audit: its own account of every output that descends from a funding transaction, made from
//! the trace alone. It trusts no node and shares no code with what builds transactions: it knows
//! the channel from the messages that both sides sent, and the chain from its blocks.
//!
//! ```text
//! trace -> facts (messages: keys, points, delays) + ledger (messages: balances)
//!       -> view  (blocks, mempool)
//!       -> name + htlc + flow (scripts, witnesses)
//!       -> settle + check + robbed -> account -> judge (against the outcome) -> problems
//!                                             -> observed (for --bless)
//! ```

mod account;
mod build;
mod by_name;
mod chain;
mod check;
mod facts;
mod flow;
mod htlc;
mod judge;
mod ledger;
mod name;
mod observe;
mod offer;
mod robbed;
mod settle;
mod transactions;
mod updates;

pub use account::{
    Account, AuditedOutput, AuditedTransaction, ChannelAccount, Fate, Kind, NamedHtlc, OutputName,
    Spend,
};
pub use build::account;
pub use judge::judge;
pub use observe::observed;

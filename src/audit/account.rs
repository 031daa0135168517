//! The account: which transactions and outputs there are, what they are, who has them.

use std::collections::BTreeMap;

use bitcoin::{Amount, OutPoint, Txid};
use serde::Serialize;

use crate::bolt::units::{BlockHeight, CommitmentNumber, Msat};
use crate::scenario::{ChannelName, FundingState, OutputRef, Path, RoleName, TransactionRef};

/// What the audit makes of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Every transaction of a channel, in the order in which they were first seen; those that were
    /// replaced or reorged out and never came back are left out.
    pub transactions: Vec<AuditedTransaction>,
    /// Every channel that has a funding transaction, in the order of the scenario.
    pub channels: Vec<ChannelAccount>,
    /// What cannot be right whatever the outcome says: outputs that nobody can name, sats that are
    /// missing, an honest role that lost.
    pub problems: Vec<String>,
}

/// A transaction that funds a channel or descends from its funding output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditedTransaction {
    /// Its id.
    pub txid: Txid,
    /// The channel.
    pub channel: ChannelName,
    /// What it is.
    pub kind: Kind,
    /// Who made it: the owner of a commitment, the opener of a funding, the taker of a claim;
    /// `None` for a mutual close.
    pub by: Option<RoleName>,
    /// The outputs of the channel that it spends, and how.
    pub spends: Vec<Spend>,
    /// What it pays to the miner; `None` for a funding transaction, whose inputs are not the
    /// channel's.
    pub fee: Option<Amount>,
    /// The height of its block, if it is in the chain.
    pub confirmed: Option<BlockHeight>,
}

/// What a transaction is, as its scripts and witnesses show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Kind {
    /// Has the funding output.
    Funding,
    /// A commitment transaction.
    Commitment {
        /// Its number.
        number: CommitmentNumber,
        /// Whether its owner had revoked it.
        state: FundingState,
    },
    /// A mutual close.
    Closing,
    /// Takes an output by revocation.
    Penalty,
    /// Takes an output otherwise.
    Sweep,
    /// Nothing that a channel's transactions can be.
    Unknown,
}

/// A spend of an output of the channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spend {
    /// The output.
    pub outpoint: OutPoint,
    /// What it is.
    pub output: OutputName,
    /// The branch that the witness took; `None` for the funding output.
    pub path: Option<Path>,
}

/// What an output is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputName {
    /// The funding output.
    Funding,
    /// The balance of the commitment's owner.
    ToLocal,
    /// The balance of the other side.
    ToRemote,
    /// The anchor of this role.
    Anchor(RoleName),
    /// What the mutual close pays this role.
    Closing(RoleName),
    /// An output of a claim, at rest in the wallet of this role.
    Wallet(RoleName),
    /// An output that nobody can name.
    Unknown,
}

/// An output of a channel's transactions, confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditedOutput {
    /// Where it is.
    pub outpoint: OutPoint,
    /// Its amount.
    pub amount: Amount,
    /// What it is.
    pub name: OutputName,
    /// What became of it.
    pub fate: Fate,
}

/// What became of an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "fate")]
pub enum Fate {
    /// Nobody spent it.
    Unspent {
        /// The only role that can, if there is just one: then it counts as taken.
        owner: Option<RoleName>,
    },
    /// A confirmed transaction spent it.
    Spent {
        /// The transaction.
        by: Txid,
        /// Who took it; `None` for the funding output.
        to: Option<RoleName>,
        /// The branch of the script; `None` for the funding output.
        path: Option<Path>,
    },
}

/// The account of one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelAccount {
    /// Its name.
    pub name: ChannelName,
    /// The funding output; `None` as long as its transaction is not confirmed.
    pub funding: Option<AuditedOutput>,
    /// The funding transaction.
    pub funding_txid: Txid,
    /// The transaction that spends the funding output, if one is confirmed.
    pub close: Option<AuditedTransaction>,
    /// The outputs of the commitment or of the mutual close, in their order.
    pub outputs: Vec<AuditedOutput>,
    /// What each role had in the state that decided: in the commitment on chain, or in the last
    /// one that both sides had when they closed. A cheat's balance belongs to its victim as far as
    /// the victim took it.
    pub entitled: BTreeMap<RoleName, Msat>,
    /// What each role took out.
    pub taken: BTreeMap<RoleName, Amount>,
    /// What each role lost to fees, anchors left behind, trimming and rounding:
    /// taken + lost = entitled.
    pub lost: BTreeMap<RoleName, Msat>,
}

impl Account {
    /// The outpoint of an output that a scenario names, if the account has it.
    pub fn outpoint(&self, _output: &OutputRef) -> Option<OutPoint> {
        todo!()
    }

    /// The transactions that a scenario names so.
    pub fn find(&self, _transaction: &TransactionRef) -> Vec<&AuditedTransaction> {
        todo!()
    }

    /// The confirmed outputs that nobody spent, neither in the chain nor in the mempool.
    pub fn unspent(&self) -> Vec<OutPoint> {
        todo!()
    }

    /// How many outputs the account holds: funding outputs, those of closes, those of claims.
    pub fn outputs(&self) -> usize {
        todo!()
    }
}

/// In one plain line, as in "alice's commitment number 0 of ab (revoked), at height 114".
impl std::fmt::Display for AuditedTransaction {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}

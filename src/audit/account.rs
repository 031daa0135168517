//! The account: which transactions and outputs there are, what they are, who has them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bitcoin::{Amount, OutPoint, SignedAmount, Txid};
use serde::{Serialize, Serializer};

use crate::bolt::units::{BlockHeight, CommitmentNumber, Msat};
use crate::scenario::{
    ChannelName, CommitmentOutput, FundingState, HtlcName, InvoiceName, OutputRef, Path, RoleName,
    TransactionKind, TransactionPattern, TransactionRef,
};

/// What the audit makes of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Every transaction of a channel, in the order in which they were first seen; those that were
    /// replaced or reorged out and never came back are left out.
    pub transactions: Vec<AuditedTransaction>,
    /// Every channel whose funding output was agreed on, in the order of the scenario.
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
    /// Who made it: the owner of a commitment, the opener of a funding, the taker of a claim, the
    /// closer by `closing_complete`; `None` for a mutual close by `closing_signed`.
    pub by: Option<RoleName>,
    /// The outputs of the channel that it spends, and how.
    pub spends: Vec<Spend>,
    /// What it pays to the miner; `None` for a funding transaction, whose inputs are not the
    /// channel's, and where an input is a coin that the trace does not tell of.
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
    /// The owner of the commitment takes HTLCs with their preimages, by their second stages.
    HtlcSuccess,
    /// The owner of the commitment takes back HTLCs that timed out, by their second stages.
    HtlcTimeout,
    /// Takes an output by revocation.
    Penalty,
    /// Takes anchors and nothing else.
    AnchorSpend,
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
    /// An HTLC of the commitment.
    Htlc(NamedHtlc),
    /// The delayed output of the transaction by which the owner of the commitment took this HTLC.
    SecondStage(NamedHtlc),
    /// What the mutual close pays this role.
    Closing(RoleName),
    /// An output of a claim, at rest in the wallet of this role.
    Wallet(RoleName),
    /// An output that nobody can name.
    Unknown,
}

/// An HTLC, by all of its names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NamedHtlc {
    /// Who offered it.
    pub offerer: RoleName,
    /// Its id among those that this role offered in the channel.
    pub id: u64,
    /// The invoice that it pays, if the scenario has a name for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice: Option<InvoiceName>,
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
    /// The transaction by which its owner moved it on, confirmed or not, once it was in a wallet.
    pub moved_by: Option<Txid>,
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
    /// The delayed outputs of the second stages of its HTLCs.
    pub second_stages: Vec<AuditedOutput>,
    /// The outputs of confirmed claims. Those of a claim that spends outputs of several channels
    /// are here if this is the channel whose output it spends first.
    pub resting: Vec<AuditedOutput>,
    /// What each role had in the state that decided: in the commitment on chain, or in the last
    /// one that both sides had when they closed. A cheat's balance belongs to its victim as far as
    /// the victim took it, and an HTLC to who took it at last.
    pub entitled: BTreeMap<RoleName, Msat>,
    /// What each role took out: what its claims brought to its wallet, less what the wallet put
    /// in. Below zero if the wallet paid more fees than the claims brought.
    #[serde(serialize_with = "satoshis")]
    pub taken: BTreeMap<RoleName, SignedAmount>,
    /// What each role lost to fees, anchors left behind, trimming and rounding:
    /// taken + lost = entitled.
    pub lost: BTreeMap<RoleName, Msat>,
    /// What honest roles were robbed of: their last committed balance, less what the state on
    /// chain left them; what they paid for an HTLC that they were not paid for themselves; an HTLC
    /// that was theirs and went back.
    pub robbed: BTreeMap<RoleName, Msat>,
}

/// Amounts that may be below zero, in satoshis.
fn satoshis<S: Serializer>(
    amounts: &BTreeMap<RoleName, SignedAmount>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(amounts.iter().map(|(role, amount)| (role, amount.to_sat())))
}

impl Account {
    /// The outpoints of the outputs that a reference means.
    pub fn outpoints(&self, output: &OutputRef) -> Vec<OutPoint> {
        let Some(channel) = self.channel(output.channel()) else { return Vec::new() };
        match output {
            OutputRef::Funding(_) => channel.funding.iter().map(|known| known.outpoint).collect(),
            OutputRef::Commitment(..)
            | OutputRef::Closing(..)
            | OutputRef::SecondStage(..)
            | OutputRef::SecondStages(_) => {
                let named = channel.named_outputs().filter(|known| known.name.is(output));
                named.map(|known| known.outpoint).collect()
            }
        }
    }

    /// The account of a channel.
    pub fn channel(&self, name: &ChannelName) -> Option<&ChannelAccount> {
        self.channels.iter().find(|channel| channel.name == *name)
    }

    /// The transactions that a scenario names so.
    pub fn find(&self, transaction: &TransactionRef) -> Vec<&AuditedTransaction> {
        self.transactions.iter().filter(|tx| tx.is(transaction)).collect()
    }

    /// The confirmed outputs that nobody spent, neither in the chain nor in the mempool.
    pub fn unspent(&self) -> Vec<OutPoint> {
        let spends = self.transactions.iter().flat_map(|tx| &tx.spends);
        let spent: BTreeSet<OutPoint> = spends.map(|spend| spend.outpoint).collect();
        let all = self.channels.iter().flat_map(ChannelAccount::all_outputs);
        let resting = all.filter(|output| output.moved_by.is_none());
        resting.map(|output| output.outpoint).filter(|outpoint| !spent.contains(outpoint)).collect()
    }

    /// The transaction of the mempool that spends an output of a channel.
    pub fn pending_spend(&self, outpoint: OutPoint) -> Option<&AuditedTransaction> {
        let waiting = self.transactions.iter().filter(|tx| tx.confirmed.is_none());
        waiting.into_iter().find(|tx| tx.spends.iter().any(|spend| spend.outpoint == outpoint))
    }

    /// How many confirmed outputs the account holds: funding outputs, those of closes, second
    /// stages, those of claims.
    pub fn outputs(&self) -> usize {
        self.channels.iter().map(|channel| channel.all_outputs().count()).sum()
    }
}

impl ChannelAccount {
    /// Its confirmed outputs: the funding output, those of its close, second stages, those of
    /// claims.
    pub fn all_outputs(&self) -> impl Iterator<Item = &AuditedOutput> {
        self.funding.iter().chain(self.named_outputs()).chain(&self.resting)
    }

    /// Its confirmed outputs that an outcome has names for, but for the funding output.
    pub fn named_outputs(&self) -> impl Iterator<Item = &AuditedOutput> {
        self.outputs.iter().chain(&self.second_stages)
    }
}

impl OutputName {
    /// Whether a scenario's reference names this output (or this one among others).
    pub fn is(&self, output: &OutputRef) -> bool {
        match (self, output) {
            (Self::Funding, OutputRef::Funding(_))
            | (Self::ToLocal, OutputRef::Commitment(_, CommitmentOutput::ToLocal))
            | (Self::ToRemote, OutputRef::Commitment(_, CommitmentOutput::ToRemote))
            | (Self::Anchor(_), OutputRef::Commitment(_, CommitmentOutput::Anchors))
            | (Self::Htlc(_), OutputRef::Commitment(_, CommitmentOutput::Htlcs))
            | (Self::SecondStage(_), OutputRef::SecondStages(_)) => true,
            (Self::Htlc(htlc), OutputRef::Commitment(_, CommitmentOutput::Htlc(name)))
            | (Self::SecondStage(htlc), OutputRef::SecondStage(_, name)) => htlc.is(name),
            (Self::Anchor(of), OutputRef::Commitment(_, CommitmentOutput::AnchorOf(role)))
            | (Self::Closing(of), OutputRef::Closing(_, role)) => of == role,
            (
                Self::Funding
                | Self::ToLocal
                | Self::ToRemote
                | Self::Anchor(_)
                | Self::Htlc(_)
                | Self::SecondStage(_)
                | Self::Closing(_)
                | Self::Wallet(_)
                | Self::Unknown,
                _,
            ) => false,
        }
    }

    /// All names that a scenario may have for the output.
    pub(super) fn references(&self, channel: &ChannelName) -> Vec<OutputRef> {
        let commitment = |output| OutputRef::Commitment(channel.clone(), output);
        let others = match self {
            Self::Anchor(_) => vec![commitment(CommitmentOutput::Anchors)],
            Self::Htlc(htlc) => {
                let offered = commitment(CommitmentOutput::Htlc(htlc.offered()));
                vec![offered, commitment(CommitmentOutput::Htlcs)]
            }
            Self::SecondStage(htlc) => {
                let offered = OutputRef::SecondStage(channel.clone(), htlc.offered());
                vec![offered, OutputRef::SecondStages(channel.clone())]
            }
            Self::Funding
            | Self::ToLocal
            | Self::ToRemote
            | Self::Closing(_)
            | Self::Wallet(_)
            | Self::Unknown => Vec::new(),
        };
        let own = self.reference(channel).filter(|own| !others.contains(own));
        own.into_iter().chain(others).collect()
    }

    /// The output as a scenario names it; `None` for what has no name there.
    pub fn reference(&self, channel: &ChannelName) -> Option<OutputRef> {
        let commitment = |output| Some(OutputRef::Commitment(channel.clone(), output));
        match self {
            Self::Funding => Some(OutputRef::Funding(channel.clone())),
            Self::ToLocal => commitment(CommitmentOutput::ToLocal),
            Self::ToRemote => commitment(CommitmentOutput::ToRemote),
            Self::Anchor(role) => commitment(CommitmentOutput::AnchorOf(role.clone())),
            Self::Htlc(htlc) => commitment(CommitmentOutput::Htlc(htlc.name())),
            Self::SecondStage(htlc) => Some(OutputRef::SecondStage(channel.clone(), htlc.name())),
            Self::Closing(role) => Some(OutputRef::Closing(channel.clone(), role.clone())),
            Self::Wallet(_) | Self::Unknown => None,
        }
    }
}

impl NamedHtlc {
    /// The name that a person would use: that of its invoice if it has one.
    pub fn name(&self) -> HtlcName {
        match &self.invoice {
            Some(invoice) => HtlcName::Invoice(invoice.clone()),
            None => self.offered(),
        }
    }

    /// The name that no other HTLC of the channel has.
    pub fn offered(&self) -> HtlcName {
        HtlcName::Offered(self.offerer.clone(), self.id)
    }

    /// Whether this is one of its names.
    pub fn is(&self, name: &HtlcName) -> bool {
        match name {
            HtlcName::Invoice(invoice) => self.invoice.as_ref() == Some(invoice),
            HtlcName::Offered(..) => self.offered() == *name,
        }
    }
}

impl AuditedTransaction {
    /// Whether a scenario's reference names this transaction.
    pub fn is(&self, transaction: &TransactionRef) -> bool {
        let kind = match self.kind {
            Kind::Funding => TransactionKind::Funding,
            Kind::Commitment { .. } => TransactionKind::Commitment,
            Kind::Closing => TransactionKind::Closing,
            Kind::HtlcSuccess => TransactionKind::HtlcSuccess,
            Kind::HtlcTimeout => TransactionKind::HtlcTimeout,
            Kind::Penalty => TransactionKind::Penalty,
            Kind::AnchorSpend => TransactionKind::AnchorSpend,
            Kind::Sweep => TransactionKind::Sweep,
            Kind::Unknown => return false,
        };
        self.channel == transaction.channel && kind == transaction.kind
    }

    /// Whether this transaction fits a pattern.
    pub fn matches(&self, pattern: &TransactionPattern) -> bool {
        let TransactionPattern { is, by, spends, path, confirmed } = pattern;
        let spend_fits = |spend: &Spend| {
            let output_fits = spends.as_ref().is_none_or(|output| {
                *output.value.channel() == self.channel && spend.output.is(&output.value)
            });
            output_fits && path.as_ref().is_none_or(|path| spend.path == Some(path.value))
        };
        is.as_ref().is_none_or(|is| self.is(&is.value))
            && by.as_ref().is_none_or(|by| self.by.as_ref() == Some(&by.value))
            && (spends.is_none() && path.is_none() || self.spends.iter().any(spend_fits))
            && confirmed.is_none_or(|confirmed| self.confirmed.is_some() == confirmed)
    }
}

/// In one plain line, as in "alice's commitment number 0 of ab (revoked), in block 114".
impl fmt::Display for AuditedTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channel, kind, by, .. } = self;
        if let Some(by) = by {
            write!(f, "{by}'s ")?;
        }
        match kind {
            Kind::Funding => write!(f, "funding of {channel}")?,
            Kind::Commitment { number, state } => {
                write!(f, "commitment number {number} of {channel} ({state})")?;
            }
            Kind::Closing => write!(f, "mutual close of {channel}")?,
            Kind::HtlcSuccess => write!(f, "HTLC-success of {channel}")?,
            Kind::HtlcTimeout => write!(f, "HTLC-timeout of {channel}")?,
            Kind::Penalty => write!(f, "penalty on {channel}")?,
            Kind::AnchorSpend => write!(f, "spend of anchors of {channel}")?,
            Kind::Sweep => write!(f, "sweep of {channel}")?,
            Kind::Unknown => write!(f, "transaction of {channel} that nobody can name")?,
        }
        for Spend { output, path, .. } in &self.spends {
            if let Some(path) = path {
                write!(f, ", takes {output} by {path}")?;
            }
        }
        match self.confirmed {
            Some(height) => write!(f, ", in block {height}"),
            None => f.write_str(", unconfirmed"),
        }
    }
}

impl fmt::Display for OutputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Funding => f.write_str("funding"),
            Self::ToLocal => f.write_str("to_local"),
            Self::ToRemote => f.write_str("to_remote"),
            Self::Anchor(role) => write!(f, "the anchor of {role}"),
            Self::Htlc(htlc) => write!(f, "htlc.{}", htlc.name()),
            Self::SecondStage(htlc) => write!(f, "second_stage.{}", htlc.name()),
            Self::Closing(role) => write!(f, "closing.{role}"),
            Self::Wallet(role) => write!(f, "the wallet of {role}"),
            Self::Unknown => f.write_str("an unknown output"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_what_its_references_say() {
        let role = || -> RoleName { "alice".parse().unwrap() };
        let htlc = |invoice: Option<&str>| {
            let invoice = invoice.map(|name| name.parse().unwrap());
            NamedHtlc { offerer: role(), id: 7, invoice }
        };
        let channel: ChannelName = "ab".parse().unwrap();
        let names = [
            (OutputName::ToLocal, 1),
            (OutputName::ToRemote, 1),
            (OutputName::Anchor(role()), 2),
            (OutputName::Htlc(htlc(None)), 2),
            (OutputName::Htlc(htlc(Some("tea"))), 3),
            (OutputName::SecondStage(htlc(None)), 2),
            (OutputName::SecondStage(htlc(Some("tea"))), 3),
            (OutputName::Closing(role()), 1),
            (OutputName::Wallet(role()), 0),
            (OutputName::Unknown, 0),
        ];
        for (name, count) in names {
            let references = name.references(&channel);
            assert_eq!(references.len(), count, "{name}");
            assert!(references.iter().all(|reference| name.is(reference)), "{name}");
        }
    }
}

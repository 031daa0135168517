//! References to transactions and outputs, as in `ab.commitment.to_local`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    model::{ChannelName, InvoiceName, RoleName},
    words::words,
};

words! {
    /// Which of a channel's transactions is meant.
    pub enum TransactionKind {
        /// The transaction that pays the capacity into the funding output.
        Funding = "funding",
        /// Any commitment transaction, of either side, current or revoked.
        Commitment = "commitment",
        /// A mutual close.
        Closing = "closing",
        /// The second stage by which the owner of a commitment takes an HTLC with its preimage.
        HtlcSuccess = "htlc_success",
        /// The second stage by which the owner of a commitment takes back an HTLC that timed out.
        HtlcTimeout = "htlc_timeout",
        /// A transaction that takes nothing of a commitment but anchors: the child that pays for it.
        AnchorSpend = "anchor_spend",
        /// Any other transaction that takes an output of a commitment or of a second stage, except
        /// by revocation.
        Sweep = "sweep",
        /// Any transaction that takes an output of a commitment or of a second stage by revocation.
        Penalty = "penalty",
    }
}

words! {
    /// The way by which a spender takes an output.
    pub enum Path {
        /// The owner of a `to_local` output or of a second stage, after `to_self_delay`.
        Delay = "delay",
        /// The other side, with the revocation key.
        Revocation = "revocation",
        /// Who an HTLC was offered to, with its preimage: by a second stage or directly.
        Preimage = "preimage",
        /// Who offered an HTLC, once it has timed out: by a second stage or directly.
        Timeout = "timeout",
        /// The owner's key alone: `to_remote`, or an output of a mutual close.
        Direct = "direct",
        /// The owner of an anchor, with its funding key.
        Anchor = "anchor",
        /// Whoever likes, an anchor that lies there for 16 blocks.
        Anyone = "anyone",
    }
}

/// A transaction of a channel, as in `ab.funding`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TransactionRef {
    /// The channel.
    pub channel: ChannelName,
    /// Which of its transactions.
    pub kind: TransactionKind,
}

/// One HTLC of a channel, or several that pay one invoice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HtlcName {
    /// `coffee`: every HTLC with the payment hash of this invoice.
    Invoice(InvoiceName),
    /// `alice.0`: the HTLC that this role offered with this id.
    Offered(RoleName, u64),
}

/// An output of a commitment transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommitmentOutput {
    /// The output of the side that published it.
    ToLocal,
    /// The output of the other side.
    ToRemote,
    /// Every anchor of it.
    Anchors,
    /// The anchor of one side.
    AnchorOf(RoleName),
    /// Every HTLC of it.
    Htlcs,
    /// One HTLC, or all that pay one invoice.
    Htlc(HtlcName),
}

/// An output that descends from a channel's funding, as in `ab.commitment.to_local`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum OutputRef {
    /// `ab.funding`: the funding output.
    Funding(ChannelName),
    /// `ab.commitment.…`: an output of the commitment transaction that is on chain.
    Commitment(ChannelName, CommitmentOutput),
    /// `ab.closing.alice`: what the mutual close pays this role.
    Closing(ChannelName, RoleName),
    /// `ab.second_stage.coffee`: the delayed output of the transaction by which the owner of the
    /// commitment took this HTLC.
    SecondStage(ChannelName, HtlcName),
    /// `ab.second_stages`: every one of these.
    SecondStages(ChannelName),
}

impl OutputRef {
    /// The channel that it belongs to.
    pub fn channel(&self) -> &ChannelName {
        match self {
            Self::Funding(channel)
            | Self::Commitment(channel, _)
            | Self::Closing(channel, _)
            | Self::SecondStage(channel, _)
            | Self::SecondStages(channel) => channel,
        }
    }

    /// The HTLC that it names, if it names one.
    pub fn htlc(&self) -> Option<&HtlcName> {
        match self {
            Self::Commitment(_, CommitmentOutput::Htlc(htlc)) | Self::SecondStage(_, htlc) => {
                Some(htlc)
            }
            Self::Funding(_) | Self::Commitment(..) | Self::Closing(..) | Self::SecondStages(_) => {
                None
            }
        }
    }

    /// The role that it names, if it names one.
    pub fn role(&self) -> Option<&RoleName> {
        match self {
            Self::Closing(_, role)
            | Self::Commitment(
                _,
                CommitmentOutput::AnchorOf(role)
                | CommitmentOutput::Htlc(HtlcName::Offered(role, _)),
            )
            | Self::SecondStage(_, HtlcName::Offered(role, _)) => Some(role),
            Self::Funding(_)
            | Self::Commitment(..)
            | Self::SecondStage(..)
            | Self::SecondStages(_) => None,
        }
    }

    /// The paths by which it can be taken. The funding output has none: it is spent by both sides
    /// together, in a commitment or a mutual close.
    pub fn paths(&self) -> &'static [Path] {
        match self {
            Self::Funding(_) => &[],
            Self::Commitment(_, CommitmentOutput::ToLocal)
            | Self::SecondStage(..)
            | Self::SecondStages(_) => &[Path::Delay, Path::Revocation],
            Self::Commitment(_, CommitmentOutput::Htlcs | CommitmentOutput::Htlc(_)) => {
                &[Path::Preimage, Path::Timeout, Path::Revocation]
            }
            Self::Commitment(_, CommitmentOutput::ToRemote) | Self::Closing(..) => &[Path::Direct],
            Self::Commitment(_, CommitmentOutput::Anchors | CommitmentOutput::AnchorOf(_)) => {
                &[Path::Anchor, Path::Anyone]
            }
        }
    }
}

impl fmt::Display for TransactionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.channel, self.kind)
    }
}

impl fmt::Display for HtlcName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoice(invoice) => invoice.fmt(f),
            Self::Offered(role, id) => write!(f, "{role}.{id}"),
        }
    }
}

impl fmt::Display for OutputRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Funding(channel) => write!(f, "{channel}.funding"),
            Self::Commitment(channel, output) => {
                write!(f, "{channel}.commitment.")?;
                match output {
                    CommitmentOutput::ToLocal => f.write_str("to_local"),
                    CommitmentOutput::ToRemote => f.write_str("to_remote"),
                    CommitmentOutput::Anchors => f.write_str("anchors"),
                    CommitmentOutput::AnchorOf(role) => write!(f, "anchors.{role}"),
                    CommitmentOutput::Htlcs => f.write_str("htlcs"),
                    CommitmentOutput::Htlc(htlc) => write!(f, "htlc.{htlc}"),
                }
            }
            Self::Closing(channel, role) => write!(f, "{channel}.closing.{role}"),
            Self::SecondStage(channel, htlc) => write!(f, "{channel}.second_stage.{htlc}"),
            Self::SecondStages(channel) => write!(f, "{channel}.second_stages"),
        }
    }
}

/// A text that is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// It does not even have the shape of one.
    #[error("`{text}` does not refer to {wanted}")]
    Shape {
        /// The text.
        text: String,
        /// "an output" or "a transaction".
        wanted: &'static str,
    },
    /// One of its words is not known.
    #[error("`{text}` does not refer to {wanted}: `{word}` is not known here")]
    Word {
        /// The text.
        text: String,
        /// "an output" or "a transaction".
        wanted: &'static str,
        /// The word that is not known.
        word: String,
        /// The words that are.
        known: &'static [&'static str],
    },
}

impl FromStr for TransactionRef {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let wanted = "a transaction";
        let shape = || InvalidReference::Shape { text: text.to_owned(), wanted };
        let (channel, kind) = text.split_once('.').ok_or_else(shape)?;
        if kind.contains('.') {
            return Err(shape());
        }
        let channel = channel.parse().map_err(|_| shape())?;
        let kind = TransactionKind::from_word(kind).ok_or_else(|| InvalidReference::Word {
            text: text.to_owned(),
            wanted,
            word: kind.to_owned(),
            known: TransactionKind::WORDS,
        })?;
        Ok(Self { channel, kind })
    }
}

/// The name of an HTLC from its parts: an invoice, or an offerer and an id.
fn htlc(parts: &[&str]) -> Option<HtlcName> {
    match parts {
        [invoice] => invoice.parse().ok().map(HtlcName::Invoice),
        [role, id] => {
            let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
            let id = id.parse().ok().filter(|_| is_number)?;
            Some(HtlcName::Offered(role.parse().ok()?, id))
        }
        _ => None,
    }
}

impl FromStr for OutputRef {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let wanted = "an output";
        let shape = || InvalidReference::Shape { text: text.to_owned(), wanted };
        let word = |word: &str, known| InvalidReference::Word {
            text: text.to_owned(),
            wanted,
            word: word.to_owned(),
            known,
        };
        let parts: Vec<&str> = text.split('.').collect();
        let [channel, transaction, rest @ ..] = parts.as_slice() else { return Err(shape()) };
        let channel: ChannelName = channel.parse().map_err(|_| shape())?;
        let role = |name: &str| name.parse::<RoleName>().map_err(|_| shape());
        match (*transaction, rest) {
            ("funding", []) => Ok(Self::Funding(channel)),
            ("closing", [name]) => Ok(Self::Closing(channel, role(name)?)),
            ("second_stages", []) => Ok(Self::SecondStages(channel)),
            ("second_stage", parts) => {
                Ok(Self::SecondStage(channel, htlc(parts).ok_or_else(shape)?))
            }
            ("commitment", ["htlc", parts @ ..]) => {
                let htlc = htlc(parts).ok_or_else(shape)?;
                Ok(Self::Commitment(channel, CommitmentOutput::Htlc(htlc)))
            }
            ("commitment", [output]) => {
                let output = match *output {
                    "to_local" => CommitmentOutput::ToLocal,
                    "to_remote" => CommitmentOutput::ToRemote,
                    "anchors" => CommitmentOutput::Anchors,
                    "htlcs" => CommitmentOutput::Htlcs,
                    other => return Err(word(other, COMMITMENT_OUTPUTS)),
                };
                Ok(Self::Commitment(channel, output))
            }
            ("commitment", ["anchors", name]) => {
                Ok(Self::Commitment(channel, CommitmentOutput::AnchorOf(role(name)?)))
            }
            ("commitment", [other, _]) => Err(word(other, &["anchors", "htlc"])),
            ("funding" | "closing" | "commitment" | "second_stages", _) => Err(shape()),
            (other, _) => Err(word(other, TRANSACTIONS)),
        }
    }
}

/// The words that follow `commitment`.
const COMMITMENT_OUTPUTS: &[&str] = &["to_local", "to_remote", "anchors", "htlc", "htlcs"];
/// The words that follow a channel, where an output is meant.
const TRANSACTIONS: &[&str] =
    &["funding", "commitment", "closing", "second_stage", "second_stages"];

macro_rules! strings {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = InvalidReference;

            fn try_from(text: String) -> Result<Self, InvalidReference> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(reference: $name) -> Self {
                reference.to_string()
            }
        }
    )+};
}

strings!(TransactionRef, OutputRef);

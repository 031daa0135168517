//! What must be on chain when a scenario ends, and how that is written in YAML.

use std::fmt::{self, Write as _};

use bitcoin::Amount;

use super::{
    model::{At, RoleName},
    reference::{OutputRef, Path},
    units,
    words::words,
};
use crate::bolt::units::Msat;

/// What must be on chain at the end: the fate of every output, and what each role took out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The outputs, in the order of the file.
    pub entries: Vec<OutcomeEntry>,
    /// What each role took out of the channels, in the order of the file.
    pub balances: Vec<BalanceEntry>,
    /// What honest roles lost of what they had for certain, in the order of the file. Who is not
    /// listed must not have lost.
    pub losses: Vec<LossEntry>,
}

/// What an honest role lost to a theft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossEntry {
    /// The role.
    pub role: At<RoleName>,
    /// How much less the state on chain gives it than its last committed balance.
    pub amount: At<Msat>,
}

/// One output and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeEntry {
    /// The output.
    pub output: At<OutputRef>,
    /// What became of it.
    pub fate: At<Fate>,
}

/// What became of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its transaction never made it into the chain. Funding outputs only.
    Unconfirmed,
    /// It is in the chain, and nobody took it.
    Unspent,
    /// Whatever; a promise is made only that it exists. Anchors only.
    Any,
    /// There is no such output on chain. All outputs but funding outputs.
    Absent,
    /// A commitment or a mutual close spent it. Funding outputs only.
    SpentBy {
        /// The transaction.
        by: FundingSpender,
        /// What the output held, if the file says so.
        amount: Option<Amount>,
    },
    /// A role took it. All outputs but funding outputs.
    Taken {
        /// The role.
        to: At<RoleName>,
        /// The way by which it took it, if the file says so.
        path: Option<At<Path>>,
        /// What the output held, if the file says so.
        amount: Option<Amount>,
    },
}

/// The transaction that spends a funding output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FundingSpender {
    /// `alice.commitment`: the commitment of this role.
    Commitment {
        /// Whose commitment.
        of: At<RoleName>,
        /// Whether it was the latest.
        state: FundingState,
    },
    /// `closing`: the mutual close.
    Closing,
}

words! {
    /// Whether a published commitment was the latest one.
    pub enum FundingState {
        /// It was the latest, or one that was not revoked yet.
        Current = "current",
        /// Its publisher had revoked it.
        Revoked = "revoked",
    }
}

/// What a role took out of the channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceEntry {
    /// The role.
    pub role: At<RoleName>,
    /// How much.
    pub balance: At<Balance>,
}

/// An amount, or an amount less the fees that were paid from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The amount.
    pub amount: Msat,
    /// Whether the fees that the audit knows (and the anchors left behind) go off it.
    pub less_fees: bool,
}

impl Outcome {
    /// The value of the key `outcome` as YAML, a line an entry, indented by two spaces.
    pub fn to_yaml(&self) -> String {
        let mut yaml = String::new();
        for OutcomeEntry { output, fate } in &self.entries {
            // Writing to a string cannot fail.
            let _ = writeln!(yaml, "  {output}: {fate}");
        }
        if !self.balances.is_empty() {
            let balances: Vec<String> = self
                .balances
                .iter()
                .map(|entry| format!("{}: {}", entry.role, entry.balance))
                .collect();
            let _ = writeln!(yaml, "  balances: {{{}}}", balances.join(", "));
        }
        if !self.losses.is_empty() {
            let losses: Vec<String> = self
                .losses
                .iter()
                .map(|entry| format!("{}: {}", entry.role, units::written(entry.amount.value)))
                .collect();
            let _ = writeln!(yaml, "  losses: {{{}}}", losses.join(", "));
        }
        yaml
    }
}

/// The fate as the language writes it.
impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = match self {
            Self::Unconfirmed => return f.write_str("unconfirmed"),
            Self::Unspent => return f.write_str("unspent"),
            Self::Any => return f.write_str("any"),
            Self::Absent => return f.write_str("absent"),
            Self::SpentBy { by, amount } => {
                f.write_str("{spent_by: ")?;
                match by {
                    FundingSpender::Closing => f.write_str("closing")?,
                    FundingSpender::Commitment { of, state } => {
                        write!(f, "{of}.commitment, state: {state}")?;
                    }
                }
                amount
            }
            Self::Taken { to, path, amount } => {
                write!(f, "{{to: {to}")?;
                if let Some(path) = path {
                    write!(f, ", path: {path}")?;
                }
                amount
            }
        };
        if let Some(amount) = amount {
            write!(f, ", amount: {}", units::written_amount(*amount))?;
        }
        f.write_str("}")
    }
}

/// The balance as the language writes it.
impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&units::written(self.amount))?;
        f.write_str(if self.less_fees { " less fees" } else { "" })
    }
}

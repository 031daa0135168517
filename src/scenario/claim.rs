//! The verb `claim`: a role spends outputs now, its time or not.

use std::fmt;

use super::{
    model::{At, RoleName},
    reference::{OutputRef, Path},
    step::Via,
};
use crate::bolt::units::FeeratePerKw;

/// A role tries to spend outputs now, all in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimStep {
    /// The role.
    pub by: At<RoleName>,
    /// The outputs, at least one. A reference may stand for several.
    pub outputs: Vec<At<OutputRef>>,
    /// The way by which it tries.
    pub path: At<Path>,
    /// The fee rate that it pays; what it pays for all of its claims, if the file does not say.
    pub feerate: Option<At<FeeratePerKw>>,
    /// Whether it adds a coin of its wallet that it could do without: who takes that coin back
    /// takes the transaction out of the mempool.
    pub coin: bool,
    /// How many outputs to its own wallet make the transaction larger.
    pub padding: u32,
    /// To whom it gives it.
    pub via: At<Via>,
    /// The reason with which the mempool must refuse; without it the mempool must accept.
    pub refused: Option<At<String>>,
}

/// One plain line, as in "alice claims `ab.commitment.to_local` by delay".
impl fmt::Display for ClaimStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, outputs, path, feerate, coin, padding, via, refused } = self;
        let tries = if refused.is_some() { "tries to claim" } else { "claims" };
        write!(f, "{by} {tries} ")?;
        for (index, output) in outputs.iter().enumerate() {
            write!(f, "{}{output}", if index == 0 { "" } else { " and " })?;
        }
        write!(f, " by {path}")?;
        if let Some(feerate) = feerate {
            write!(f, " at {feerate} sat/kw")?;
        }
        if *coin {
            f.write_str(" with a coin of its own")?;
        }
        if *padding > 0 {
            write!(f, ", made larger by {padding} outputs")?;
        }
        f.write_str(via.value.in_words())?;
        match refused {
            Some(reason) => write!(f, ", refused with {reason}"),
            None => Ok(()),
        }
    }
}

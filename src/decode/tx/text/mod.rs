//! An explanation in words, for a person who may see such a transaction for the first time.

mod input;
mod kind;
mod output;

use std::fmt::{self, Display, Formatter};

use super::explain::{Explanation, Fee, Locktime};
use super::signature::Validity;

/// The width of the first column.
const NAME_WIDTH: usize = 11;

/// A line with a name and a text.
fn row(f: &mut Formatter<'_>, name: &str, text: impl Display) -> fmt::Result {
    writeln!(f, "  {name:NAME_WIDTH$}{text}")
}

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        kind::write(f, self)?;
        writeln!(f)?;
        row(f, "txid", self.txid)?;
        row(f, "version", self.version)?;
        self.write_locktime(f)?;
        let weight = self.weight;
        row(f, "weight", format_args!("{weight} ({} vbytes)", weight.div_ceil(4)))?;
        self.write_fee(f)?;
        for (index, input) in self.inputs.iter().enumerate() {
            writeln!(f, "\nInput {index}: {}", input.outpoint)?;
            input::write(f, input)?;
        }
        for output in &self.outputs {
            writeln!(f, "\nOutput {}: {} sat", output.index, output.amount.to_sat())?;
            output::write(f, output)?;
        }
        Ok(())
    }
}

impl Explanation {
    fn write_locktime(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.locktime {
            Locktime::None => row(f, "locktime", "0: none"),
            Locktime::Height(height) => {
                row(f, "locktime", format_args!("{height}: valid in blocks above height {height}"))
            }
            Locktime::Time(time) => row(
                f,
                "locktime",
                format_args!(
                    "{time}: valid once the chain's median time is past {time} (Unix time)"
                ),
            ),
            Locktime::Ignored(value) => {
                row(f, "locktime", format_args!("{value}: without effect, every sequence is final"))
            }
            Locktime::ObscuredNumber(value) => row(
                f,
                "locktime",
                format_args!(
                    "{value:#010x}: 0x20 marks a commitment, the rest is half of its obscured number"
                ),
            ),
        }
    }

    fn write_fee(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.fee {
            Fee::Known { amount, feerate } => {
                let amount = amount.to_sat();
                let hundredths = u128::from(amount) * 400 / u128::from(self.weight.max(1));
                let (whole, part) = (hundredths / 100, hundredths % 100);
                let text = format!("{amount} sat ({whole}.{part:02} sat/vbyte, {feerate} sat/kw)");
                row(f, "fee", text)
            }
            Fee::ParentsMissing(1) => {
                row(f, "fee", "unknown: give the transaction that it spends as well")
            }
            Fee::ParentsMissing(missing) => row(
                f,
                "fee",
                format_args!(
                    "unknown: the amounts of {missing} inputs are in transactions not given"
                ),
            ),
            Fee::Coinbase => row(f, "fee", "none: it makes new coins"),
            Fee::Impossible => {
                row(f, "fee", "IMPOSSIBLE: the outputs are worth more than the inputs")
            }
        }
    }
}

impl Display for Validity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::Invalid => "INVALID",
            Self::NotChecked => "not checked (that takes the spent output's amount)",
        })
    }
}

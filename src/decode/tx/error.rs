//! Why text is not a transaction, to the very character.

use std::fmt;

use thiserror::Error;

use crate::decode::hex::HexError;
use crate::decode::snippet::snippet;

/// A field of a serialised transaction; inputs, outputs and items count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the format")]
pub enum Field {
    Version,
    SegwitFlag,
    InputCount,
    Outpoint { input: u64 },
    ScriptSigLength { input: u64 },
    ScriptSig { input: u64 },
    Sequence { input: u64 },
    OutputCount,
    Amount { output: u64 },
    ScriptLength { output: u64 },
    Script { output: u64 },
    WitnessCount { input: u64 },
    WitnessItemLength { input: u64, item: u64 },
    WitnessItem { input: u64, item: u64 },
    Locktime,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("the version"),
            Self::SegwitFlag => f.write_str("the segwit flag"),
            Self::InputCount => f.write_str("the number of inputs"),
            Self::Outpoint { input } => write!(f, "the outpoint of input {input}"),
            Self::ScriptSigLength { input } => write!(f, "the script length of input {input}"),
            Self::ScriptSig { input } => write!(f, "the script of input {input}"),
            Self::Sequence { input } => write!(f, "the sequence of input {input}"),
            Self::OutputCount => f.write_str("the number of outputs"),
            Self::Amount { output } => write!(f, "the amount of output {output}"),
            Self::ScriptLength { output } => write!(f, "the script length of output {output}"),
            Self::Script { output } => write!(f, "the script of output {output}"),
            Self::WitnessCount { input } => write!(f, "the witness count of input {input}"),
            Self::WitnessItemLength { input, item } => {
                write!(f, "the length of witness item {item} of input {input}")
            }
            Self::WitnessItem { input, item } => write!(f, "witness item {item} of input {input}"),
            Self::Locktime => f.write_str("the locktime"),
        }
    }
}

/// Why text is not a transaction. Characters and bytes count from 0.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RawError {
    /// There is nothing.
    #[error("a transaction in hex is expected, and this is empty")]
    Empty,
    /// More text than any transaction that fits a block.
    #[error("{characters} characters are more than the {limit} of the largest transaction")]
    TooLong {
        /// How many characters there are.
        characters: usize,
        /// How many there may be.
        limit: usize,
    },
    /// It is no hex.
    #[error(transparent)]
    Hex(#[from] HexError),
    /// The bytes end too early.
    #[error(
        "the transaction ends too early: {field} takes {} from byte {byte} on, and {left} are left", bytes(*.needed)
    )]
    Truncated {
        /// In which field.
        field: Field,
        /// Where the field, or its rest, begins.
        byte: usize,
        /// How many bytes it has.
        needed: u64,
        /// How many there are.
        left: usize,
    },
    /// A number takes more bytes than it needs.
    #[error("{field} is {number} at byte {byte}, in more bytes than it needs")]
    NotMinimal {
        /// Which number.
        field: Field,
        /// Where it begins.
        byte: usize,
        /// Its value.
        number: u64,
    },
    /// No inputs, or a serialisation that nobody knows.
    #[error("byte {byte} is the segwit flag of a transaction without inputs: only 01 is known")]
    SegwitFlag {
        /// Where the flag is.
        byte: usize,
    },
    /// The segwit form without a witness.
    #[error("it is marked to have witnesses, but from byte {byte} on all of them are empty")]
    NoWitness {
        /// Where the witnesses begin.
        byte: usize,
    },
    /// Something follows the transaction.
    #[error("the transaction ends before byte {byte}, and {} too many follow", bytes(u64::try_from(*.extra).unwrap_or(u64::MAX)))]
    Trailing {
        /// The first byte that is too much.
        byte: usize,
        /// How many are.
        extra: usize,
    },
    /// Whatever else the library refuses.
    #[error("no transaction: {reason}")]
    Refused {
        /// In its words.
        reason: String,
    },
}

fn bytes(count: impl Into<u128>) -> String {
    match count.into() {
        1 => String::from("1 byte"),
        count => format!("{count} bytes"),
    }
}

impl RawError {
    /// The character that is to blame, if one is.
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Empty | Self::TooLong { .. } | Self::Refused { .. } => None,
            Self::Hex(error) => error.position(),
            Self::Truncated { byte, left, .. } => Some(2 * (byte + left)),
            Self::NotMinimal { byte, .. }
            | Self::SegwitFlag { byte }
            | Self::NoWitness { byte }
            | Self::Trailing { byte, .. } => Some(2 * byte),
        }
    }

    /// The text around the character to blame, and a caret below it.
    pub fn snippet(&self, text: &str) -> Option<String> {
        self.position().map(|position| snippet(text, position..position))
    }
}

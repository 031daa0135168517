//! Explains a transaction of Lightning from nothing but the transaction itself, and from others
//! around it if they are given: what it is, which script each input spends and by which branch,
//! and what its outputs are as far as anyone without the channel's keys can tell.
//!
//! It shares no code with what builds these transactions (`bolt::tx`); the tests hold the two
//! against each other.

mod error;
mod explain;
mod fields;
mod kind;
mod output;
mod raw;
mod script;
mod signature;
#[cfg(test)]
mod tests;
mod text;
mod witness;

pub use error::{Field, RawError};
pub use explain::{Explanation, Fee, Input, Locktime, SequenceNote, explain};
pub use kind::{Action, Close, Kind};
pub use output::{Evidence, Output, Role};
pub use raw::parse;
pub use script::{HtlcScript, OutputScript, WitnessScript};
pub use signature::{Sighash, SignatureNote, Validity};
pub use witness::{Branch, Preimage, Spent};

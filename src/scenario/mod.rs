//! The scenario language: YAML files that a teacher can read aloud, turned into plain data.
//!
//! ```text
//! text --load--> tree --decode--> model --validate--> Scenario
//!                   \________ every mistake, with its position ________> ScenarioError
//! ```
//!
//! The names, references and amounts of a [`Scenario`] are known to be sound; the lab may `match`
//! on it without checking again.

mod model;
mod outcome;
mod reference;
mod step;
mod units;
mod words;

pub use model::{
    At, Blocks, BoltSection, Channel, ChannelName, ChannelType, InvalidName, Position, Role,
    RoleKind, RoleName, Scenario, StateName,
};
pub use outcome::{
    Balance, BalanceEntry, Fate, FundingSpender, FundingState, Outcome, OutcomeEntry,
};
pub use reference::{
    CommitmentOutput, InvalidReference, OutputRef, Path, TransactionKind, TransactionRef,
};
pub use step::{ChannelState, Expect, Expectation, Step, TransactionPattern, Until, Verb};

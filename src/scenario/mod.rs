//! The scenario language: YAML files that a teacher can read aloud, turned into plain data.
//!
//! ```text
//! text --yaml--> tree --instances--> trees --decode--> model --validate--> Scenario
//!                   \_____________ every mistake, with its position ______________> ScenarioError
//! ```
//!
//! [`load()`] and [`parse()`] give a [`Scenario`] whose names, references and amounts are known to
//! be sound; the lab may `match` on it without checking again. [`discover()`] finds the files,
//! [`schema()`] describes the language to editors, and [`with_outcome()`] writes an observed
//! outcome back into a file.

mod bless;
mod claim;
mod decode;
mod discover;
mod error;
mod habit;
mod instances;
mod language;
mod load;
mod mistake;
mod model;
mod outcome;
mod payment;
mod reference;
mod schema;
mod step;
mod suggest;
mod units;
mod validate;
mod wire;
mod words;
mod yaml;

pub use bless::with_outcome;
pub use claim::ClaimStep;
pub use discover::{DiscoverError, discover, run_id, scenario_id};
pub use error::{Mistake, NetworkMistake, Problem, ScenarioError};
pub use habit::Habit;
pub use instances::ForMistake;
pub use load::{ParseOptions, SIZE_LIMIT, load, load_with, parse};
pub use model::{
    At, Blocks, BoltSection, Channel, ChannelName, ChannelTerms, ChannelType, FlareTerms,
    GossipTerms, InvalidName, InvoiceName, Links, NetworkShape, Position, RelayTerms, Role,
    RoleKind, RoleName, Scenario, StateName, SyncKind,
};
pub use outcome::{
    Balance, BalanceEntry, Fate, FundingSpender, FundingState, LossEntry, Outcome, OutcomeEntry,
};
pub use payment::{
    Ask, Fails, FailureName, How, LayerEdit, OfferStep, PaidUntil, Pay, PayPart, PaymentState,
    RouteBy, Seeks, TamperedField, Unsent,
};
pub use reference::{
    CommitmentOutput, HtlcName, InvalidReference, OutputRef, Path, TransactionKind, TransactionRef,
};
pub use schema::schema;
pub use step::{
    ChannelState, ClosedUntil, Expect, Expectation, FundedWith, Step, TransactionPattern, Until,
    Verb, Via,
};
pub use units::Quantity;
pub use units::{grouped, msat, written};
pub use wire::{
    Act, ActFault, Branch, BrokenAct, ChannelItem, ConnectedUntil, ExpectMessage, Expected,
    FieldValue, FrameFault, HANG_UP, MessageFields, NamedField, Referent, SendStep, Sent,
};

#[cfg(test)]
mod tests;

//! Flare, after "Flare: An Approach to Routing in Lightning Network" (Prihodko, Zhigulin, Sahno,
//! Ostrovskiy and Osuntokun, 2016): a node keeps little, and asks for the rest when it pays.
//!
//! ```text
//!   hello, update, acknowledge, reset             ask_nearer, nearer
//!   with every channel peer                       with nodes further and further away
//!          │                                              │
//!   ┌──────▼────────┐  the links within r hops   ┌────────▼─────┐
//!   │ Neighbourhood ├───────────────────────────►│ BeaconSearch │
//!   └──────┬────────┘                            └────────┬─────┘
//!          │             ┌───────┐   paths to beacons     │
//!          └────────────►│ Table │◄───────────────────────┘      proactive: all the time
//!  ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄└───┬───┘┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄
//!  the receiver's table  ┌───▼────┐  routes  ┌─────────┐        reactive: for a payment
//!  ─────────────────────►│ Search ├─────────►│ Polling ├────► the first that holds
//!                        └───▲────┘          └────▲────┘
//!                 ask_table, table           poll, poll_answer
//! ```
//!
//! Everything here is a state machine that takes data and gives data. What a caller brings: the
//! connections, a tick now and then, and a way to a node that is no peer (an onion message along
//! the path that each question comes with). Nodes are named by any [`Name`]; [`NodeId`] is the one
//! of a real node.
//!
//! The paper leaves the messages' fields and most numbers open; what stands here is chosen, and
//! `docs/flare.md` says how much depends on it. What others tell is hearsay: no signature says that
//! a channel exists. A made-up one costs an attempt, never money.

mod address;
mod beacons;
mod codec;
pub mod known;
mod link;
mod message;
mod neighbourhood;
mod offence;
mod parts;
mod peer;
mod polling;
mod search;
mod table;
#[cfg(test)]
mod tests;
mod yen;

pub use address::{Address, Distance, Name, NodeId};
pub use beacons::{Beacon, BeaconQuestion, BeaconSearch};
pub use codec::{DecodeError, name_of};
pub use link::{Link, Policy};
pub use message::{Candidate, Message, Poll, PollAnswer, TablePart, Terms, Told, Update};
pub use neighbourhood::{Limits, Neighbourhood};
pub use offence::Offence;
pub use parts::{TableParts, in_parts};
pub use polling::{Payable, PollQuestion, Polling, ranked};
pub use search::{Search, SearchLimits, Step};
pub use table::{Table, TableFull};
pub use yen::{Hop, Route};

/// The greatest radius that a node may ask its peers for, in hops.
pub const MAX_RADIUS: u8 = 8;
/// The greatest number of hops of a route, and of a path that a question takes: what fits into an
/// onion of BOLT 4's first years, and far more than a network needs.
pub const MAX_HOPS: usize = 20;

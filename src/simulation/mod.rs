//! Routing in networks too large to run: one process, no messages on any wire, the same on every
//! machine by its seed.
//!
//! What is simulated, and what is the code of real nodes: a node's map is what the exchange of
//! [`Neighbourhood`](crate::bolt::routing::flare::Neighbourhood) ends in, and that is a function of
//! the graph (a property test of `bolt::routing::flare` holds that it is), so it is computed from
//! the graph and only for the nodes that a payment touches. Everything after it, the search for
//! beacons, tables merged, further tables asked for, Yen's routes, the ranking and the poll, is the
//! code that a real node runs. Questions are answered at once; how long they would take is their
//! hops times a stated latency.
//!
//! ```text
//! topology ──► World: who has which map ──► flare: pairs pay ──► Row ──► report, plot
//! ```

mod flare;
mod matrix;
pub mod plot;
mod report;
mod stats;
#[cfg(test)]
mod tests;
mod whole;
mod world;

pub use flare::{Clock, LATENCY_MS, Setting, run, run_timed};
pub use matrix::{Case, Matrix, Shape};
pub use report::{heading, line};
pub use stats::{Row, Spread};
pub use whole::bellman_ford_gibson;
pub use world::{Numbered, World};

//! Routes over a known graph. BOLT 7, "HTLC Fees" and "Recommendations for Routing".
//!
//! ```text
//! graph file, gossip -> Graph -> Search::find (bfg | dijkstra) -> Route -> onion
//! ```
//!
//! [`graph`] holds nodes, channels and policies in flat tables; [`fees`] says what a hop asks;
//! [`route`] what is asked of a search and what it answers. Both algorithms run from the payee
//! backwards, for what a hop asks depends on what it sends on.

pub mod bfg;
pub mod dijkstra;
pub mod fees;
pub mod flare;
pub mod graph;
pub mod route;
pub mod search;
#[cfg(test)]
mod tests;

pub use fees::{Fees, RiskFactor};
pub use graph::{
    Channel, ChannelIndex, Direction, Graph, GraphError, InboundFee, Neighbour, NodeIndex, Policy,
};
pub use route::{Explored, Hop, NoRoute, Refused, Request, Route, Unfit};
pub use search::{Algorithm, Search};

//! Routes over a known graph. BOLT 7, "HTLC Fees" and "Recommendations for Routing".
//!
//! ```text
//! graph file, gossip -> Graph -> find -> Route (what each hop receives, keeps and waits) -> onion
//! ```

pub mod graph;

pub use graph::{
    Channel, ChannelIndex, Direction, Graph, GraphError, InboundFee, Neighbour, NodeIndex, Policy,
};

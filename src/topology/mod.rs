//! Shapes of networks: which nodes have channels with which, and what a channel offers.
//!
//! A [`Network`] is a number of nodes and a list of pairs of their numbers. Every shape is a pure
//! function of its parameters and a seed: the same on every machine, in every version, since the
//! random stream is PCG's (`rand_pcg`) and all that is drawn from it is drawn with integers here.
//!
//! ```text
//! line, ring, star                      for tests and pictures
//! small_world                           Watts and Strogatz: a ring with shortcuts
//! scale_free                            Barabási and Albert: who has channels gets more
//! snapshot_like                         what today's public network looks like
//! terms                                 capacities and fees for the channels of any of them
//! ```

mod dice;
mod scale_free;
mod simple;
mod small_world;
mod snapshot;
mod terms;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use dice::Dice;
pub use scale_free::scale_free;
pub use simple::{line, ring, star};
pub use small_world::small_world;
pub use snapshot::{SNAPSHOT_CHANNELS, SNAPSHOT_NODES, snapshot_like};
pub use terms::{Direction, Terms, terms};

/// Nodes, numbered from 0, and the channels between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// How many nodes there are.
    pub nodes: u32,
    /// The two ends of every channel; an end never has a channel with itself, and no two nodes
    /// have more than one.
    pub channels: Vec<(u32, u32)>,
}

impl Network {
    /// How many channels each node has, by its number.
    pub fn degrees(&self) -> Vec<u32> {
        let mut degrees = vec![0; index(self.nodes)];
        for (a, b) in &self.channels {
            degrees[index(*a)] += 1;
            degrees[index(*b)] += 1;
        }
        degrees
    }

    /// Whether every node can be reached from every other.
    pub fn is_connected(&self) -> bool {
        let mut parent: Vec<usize> = (0..index(self.nodes)).collect();
        let mut parts = parent.len();
        for (a, b) in &self.channels {
            let (a, b) = (root(&mut parent, index(*a)), root(&mut parent, index(*b)));
            if a != b {
                parent[a] = b;
                parts -= 1;
            }
        }
        parts <= 1
    }
}

/// Who stands for the part of the network that this node is in; shortens the way on the walk.
fn root(parent: &mut [usize], mut node: usize) -> usize {
    while parent[node] != node {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    node
}

/// A network of this shape cannot have these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ShapeError {
    /// Too few channels to reach every node.
    #[error("connect {nodes} nodes with {channels} channels: it takes at least {least}")]
    TooFewChannels {
        /// The nodes asked for.
        nodes: u32,
        /// The channels asked for.
        channels: u32,
        /// The fewest that connect them.
        least: u32,
    },
    /// More channels than pairs of nodes.
    #[error("place {channels} channels between {nodes} nodes: there are {most} pairs")]
    TooManyChannels {
        /// The nodes asked for.
        nodes: u32,
        /// The channels asked for.
        channels: u32,
        /// How many pairs there are.
        most: u64,
    },
    /// The ring of a small world needs an even number of neighbours, fewer than there are nodes.
    #[error(
        "give {nodes} nodes {neighbours} neighbours each: take an even number from 2, below the nodes"
    )]
    Neighbours {
        /// The nodes asked for.
        nodes: u32,
        /// The neighbours asked for.
        neighbours: u32,
    },
}

/// Holds that a connected network without parallel channels can have these numbers.
fn possible(nodes: u32, channels: u32) -> Result<(), ShapeError> {
    let least = nodes.saturating_sub(1);
    let most = u64::from(nodes) * u64::from(least) / 2;
    if channels < least {
        Err(ShapeError::TooFewChannels { nodes, channels, least })
    } else if u64::from(channels) > most {
        Err(ShapeError::TooManyChannels { nodes, channels, most })
    } else {
        Ok(())
    }
}

/// A node's number as an index.
fn index(node: u32) -> usize {
    usize::try_from(node).unwrap_or(usize::MAX)
}

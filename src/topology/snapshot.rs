//! A synthetic graph with the degrees of today's public network.
//!
//! The figures are chosen, not measured: about 15,000 nodes and 50,000 channels are what public
//! explorers have shown in the 2020s, with a few routing nodes of more than a thousand channels
//! each, and about half of all nodes with one or two. [`snapshot_like`] grows such a graph: most
//! newcomers bring one or two channels, and what is left of the channels is opened later, between
//! nodes that have many.

use std::collections::BTreeSet;

use super::scale_free::preferred;
use super::{Dice, Network, ShapeError, index, possible};

/// About how many nodes the public network has.
pub const SNAPSHOT_NODES: u32 = 15_000;
/// About how many channels the public network has.
pub const SNAPSHOT_CHANNELS: u32 = 50_000;

/// How many of a thousand newcomers bring this many channels; the rest bring one.
const NEWCOMERS: [(u64, u32); 3] = [(60, 4), (160, 3), (400, 2)];
/// How many of a thousand later channels have an end that is chosen without regard to size.
const ANYBODY: u32 = 100;
/// How many of a thousand choices are the larger of two candidates: preference by channels alone
/// makes no hubs of the size that the public network has.
const LARGER: u32 = 500;
/// How often a later channel looks for two nodes that have none, before it takes the next pair.
const TRIES: u32 = 64;

/// A connected network of exactly this many nodes and channels whose degrees follow those of the
/// public network: a core of hubs, a long tail, and many nodes with one or two channels. No two
/// nodes have more than one channel.
///
/// # Errors
/// Fewer channels than connect the nodes, or more than there are pairs.
pub fn snapshot_like(nodes: u32, channels: u32, seed: u64) -> Result<Network, ShapeError> {
    possible(nodes, channels)?;
    let mut dice = Dice::new(seed, 3);
    let mut growth = Growth { degrees: vec![0; index(nodes)], ..Growth::default() };
    let mut spare = u64::from(channels - nodes.saturating_sub(1));
    for newcomer in 1..nodes {
        let old = growth.large(&mut dice);
        growth.open(old, newcomer);
        for _ in 1..brought(&mut dice) {
            let old = growth.large(&mut dice);
            if spare > 0 && growth.open(old, newcomer) {
                spare -= 1;
            }
        }
    }
    for _ in 0..spare {
        growth.open_later(&mut dice, nodes);
    }
    Ok(Network { nodes, channels: growth.made })
}

/// How many channels a newcomer brings.
fn brought(dice: &mut Dice) -> u32 {
    let drawn = dice.below(1000);
    NEWCOMERS.iter().find(|(share, _)| drawn < *share).map_or(1, |(_, count)| *count)
}

#[derive(Default)]
struct Growth {
    made: Vec<(u32, u32)>,
    pairs: BTreeSet<(u32, u32)>,
    degrees: Vec<u32>,
}

impl Growth {
    /// Opens a channel, unless the two have one or are the same.
    fn open(&mut self, a: u32, b: u32) -> bool {
        let pair = if a < b { (a, b) } else { (b, a) };
        let new = a != b && self.pairs.insert(pair);
        if new {
            self.made.push(pair);
            self.degrees[index(a)] += 1;
            self.degrees[index(b)] += 1;
        }
        new
    }

    /// A node chosen by how many channels it has, or the larger of two of them.
    fn large(&self, dice: &mut Dice) -> u32 {
        let one = preferred(dice, &self.made);
        if !dice.thousandths(LARGER) {
            return one;
        }
        let other = preferred(dice, &self.made);
        if self.degrees[index(other)] > self.degrees[index(one)] { other } else { one }
    }

    /// Opens one more channel between nodes that are there.
    fn open_later(&mut self, dice: &mut Dice, nodes: u32) {
        for _ in 0..TRIES {
            let a = self.large(dice);
            let anybody = dice.thousandths(ANYBODY);
            let b = if anybody { dice.node(nodes) } else { self.large(dice) };
            if self.open(a, b) {
                return;
            }
        }
        // A network with hardly a free pair: the next one by number.
        let start = dice.node(nodes);
        for a in (start..nodes).chain(0..start) {
            for b in 0..nodes {
                if self.open(a, b) {
                    return;
                }
            }
        }
    }
}

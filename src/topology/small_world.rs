//! Watts and Strogatz's small world: a ring in which some channels become shortcuts.

use std::collections::BTreeSet;

use super::{Dice, Network, ShapeError};

/// Every node has channels with its nearest neighbours on a ring, half of them on each side; then
/// each channel's far end moves to a node chosen by chance with this chance in thousandths.
///
/// The channel to the very next node never moves, so the network stays connected: that is the one
/// difference to the published model. There are exactly `nodes * neighbours / 2` channels, and no
/// two nodes have more than one.
///
/// # Errors
/// An odd number of neighbours, none, or not fewer than nodes.
pub fn small_world(
    nodes: u32,
    neighbours: u32,
    rewiring: u32,
    seed: u64,
) -> Result<Network, ShapeError> {
    if neighbours < 2 || !neighbours.is_multiple_of(2) || neighbours >= nodes {
        return Err(ShapeError::Neighbours { nodes, neighbours });
    }
    let mut dice = Dice::new(seed, 2);
    let mut channels: Vec<(u32, u32)> = Vec::new();
    for step in 1..=neighbours / 2 {
        channels.extend((0..nodes).map(|node| (node, (node + step) % nodes)));
    }
    let mut taken: BTreeSet<(u32, u32)> = channels.iter().map(|pair| ordered(*pair)).collect();
    for (node, far) in channels.iter_mut().skip(super::index(nodes)) {
        if !dice.thousandths(rewiring) {
            continue;
        }
        let other = dice.node(nodes);
        let pair = ordered((*node, other));
        // A shortcut that exists already, or that leads nowhere, is none: the channel stays.
        if other != *node && taken.insert(pair) {
            taken.remove(&ordered((*node, *far)));
            *far = other;
        }
    }
    Ok(Network { nodes, channels })
}

fn ordered((a, b): (u32, u32)) -> (u32, u32) {
    if a < b { (a, b) } else { (b, a) }
}

//! Shapes without chance.

use super::Network;

/// Each node has a channel with the next: n nodes, n - 1 channels.
pub fn line(nodes: u32) -> Network {
    Network { nodes, channels: (1..nodes).map(|node| (node - 1, node)).collect() }
}

/// A line whose ends have a channel, too: n nodes, n channels. Below three nodes it stays a line,
/// since the two would have a second channel.
pub fn ring(nodes: u32) -> Network {
    let mut network = line(nodes);
    if nodes > 2 {
        network.channels.push((0, nodes - 1));
    }
    network
}

/// Node 0 has a channel with every other: n nodes, n - 1 channels.
pub fn star(nodes: u32) -> Network {
    Network { nodes, channels: (1..nodes).map(|node| (0, node)).collect() }
}

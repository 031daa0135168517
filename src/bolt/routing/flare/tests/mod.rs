//! Nodes in memory that exchange the real messages, held against the true graph.

mod beacons;
mod codec;
mod neighbourhood;
mod polling;
mod search;
mod world;
mod yen;

use bitcoin::Amount;

use super::*;
use crate::bolt::units::{CltvExpiryDelta, ShortChannelId};

/// The name of a node by its number.
fn node(number: u32) -> NodeId {
    let mut bytes = [0; 33];
    bytes[0] = 2;
    bytes[29..].copy_from_slice(&number.to_be_bytes());
    NodeId(bytes)
}

/// A channel over which both ends forward for nothing.
fn link(channel: u64, a: u32, b: u32) -> Link<NodeId> {
    let mut link = Link::new(ShortChannelId(channel), node(a), node(b), Amount::from_sat(1_000));
    link.policies = [Some(free(0)), Some(free(0))];
    link
}

/// Forwarding for nothing.
fn free(timestamp: u32) -> Policy {
    Policy {
        timestamp,
        enabled: true,
        fee_base_msat: 0,
        fee_proportional_millionths: 0,
        cltv_expiry_delta: CltvExpiryDelta(40),
    }
}

/// A table of these channels, numbered from 0.
fn table(pairs: &[(u32, u32)]) -> Table<NodeId> {
    let mut table = Table::new(usize::MAX);
    let links: Vec<_> = (0..).zip(pairs).map(|(at, (a, b))| link(at, *a, *b)).collect();
    assert_eq!(table.merge(&links), 0);
    table
}

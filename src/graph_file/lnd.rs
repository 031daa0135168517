//! `lncli describegraph`: numbers of 64 bits are text, and a policy that is not known is null.

use bitcoin::Amount;
use serde::Deserialize;

use super::array;
use super::loader::{Ends, Loader, Malformed, NodeId, SkipReason};
use super::number::Number;
use crate::bolt::routing::fees::MOST;
use crate::bolt::routing::{Direction, InboundFee, Policy};
use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};

/// An element of `nodes`.
#[derive(Deserialize)]
pub(super) struct Node {
    pub_key: NodeId,
    #[serde(default)]
    alias: String,
}

/// An element of `edges`.
#[derive(Deserialize)]
pub(super) struct Edge {
    channel_id: Number,
    node1_pub: NodeId,
    node2_pub: NodeId,
    capacity: Number,
    node1_policy: Option<RoutingPolicy>,
    node2_policy: Option<RoutingPolicy>,
}

/// What an end says; LND of a version that knows no inbound fees leaves these out.
#[derive(Deserialize)]
struct RoutingPolicy {
    time_lock_delta: Number,
    min_htlc: Number,
    fee_base_msat: Number,
    fee_rate_milli_msat: Number,
    disabled: bool,
    max_htlc_msat: Option<Number>,
    inbound_fee_base_msat: Option<Number>,
    inbound_fee_rate_milli_msat: Option<Number>,
}

array! {
    /// Reads `nodes`.
    Nodes of Node, "an array of nodes", add_node
}
array! {
    /// Reads `edges`.
    Edges of Edge, "an array of channels", add_edge
}

fn add_node(loader: &mut Loader, node: &Node) -> Result<(), Malformed> {
    let id = loader.check(node.pub_key)?;
    loader.add_node(id, node.alias.clone());
    Ok(())
}

fn add_edge(loader: &mut Loader, edge: &Edge) -> Result<(), Malformed> {
    let nodes = [loader.check(edge.node1_pub)?, loader.check(edge.node2_pub)?];
    let number = edge.channel_id.to().ok_or(Malformed::ShortChannelId)?;
    let short_channel_id = ShortChannelId(number);
    let Some(capacity) = edge.capacity.to::<u64>() else {
        loader.skip(SkipReason::Capacity);
        return Ok(());
    };
    // LND writes zero if it did not look at the chain.
    let capacity = (capacity > 0).then_some(Amount::from_sat(capacity));
    let policies = [&edge.node1_policy, &edge.node2_policy].map(|policy| {
        let policy = policy.as_ref()?;
        let said = policy.said();
        if said.is_none() {
            loader.skip(SkipReason::Policy);
        }
        said
    });
    let ends = Ends { short_channel_id, nodes, capacity };
    let policies = Direction::BOTH.into_iter().zip(policies);
    if let Some(known) = loader.known(&ends) {
        let same = known.is_ok_and(|channel| {
            let mut policies = policies;
            policies.all(|(direction, policy)| loader.policy(channel, direction) == policy)
        });
        loader.skip(if same { SkipReason::Repeated } else { SkipReason::Contradicted });
        return Ok(());
    }
    if let Some(channel) = loader.add_channel(&ends) {
        for (direction, policy) in policies {
            if let Some(policy) = policy {
                loader.set_policy(channel, direction, policy);
            }
        }
    }
    Ok(())
}

impl RoutingPolicy {
    /// The same as a `channel_update` says it; `None` if none can.
    fn said(&self) -> Option<Policy> {
        let inbound = |number: Option<Number>| number.map_or(Some(0), Number::to);
        let most = self.max_htlc_msat.map_or(Some(0), Number::to)?;
        Some(Policy {
            cltv_expiry_delta: CltvExpiryDelta(self.time_lock_delta.to()?),
            htlc_minimum_msat: Msat(self.min_htlc.to()?),
            // LND writes zero for an update without a maximum: the capacity is the limit then.
            htlc_maximum_msat: if most == 0 { MOST } else { Msat(most) },
            fee_base_msat: self.fee_base_msat.to()?,
            fee_proportional_millionths: self.fee_rate_milli_msat.to()?,
            inbound: InboundFee {
                base_msat: inbound(self.inbound_fee_base_msat)?,
                proportional_millionths: inbound(self.inbound_fee_rate_milli_msat)?,
            },
            disabled: self.disabled,
        })
    }
}

//! Gossip: what nodes are told to do about it, and what the chain says of the channels that they hear
//! of.

use std::collections::BTreeMap;

use bitcoin::{BlockHash, OutPoint};

use super::sides::Side;
use super::{Lab, Stop};
use crate::bolt::gossip::FundingOutput;
use crate::bolt::units::{BlockHeight, ShortChannelId};
use crate::bolt::wire::Alias;
use crate::node::{GossipPolicy, NodeCommand, NodeEvent, NodeInput, SyncBy};
use crate::scenario::{Role, RoleName, SyncKind};

/// What bitcoind has said of funding outputs, as long as the chain is the same.
#[derive(Debug, Default)]
pub(super) struct LookedUp {
    tip: Option<BlockHash>,
    found: BTreeMap<ShortChannelId, FundingOutput>,
}

/// Tells a node how to go about gossip. It calls itself by the name of its role.
pub(super) fn command(role: &Role) -> NodeCommand {
    let mut alias = [0; 32];
    for (to, from) in alias.iter_mut().zip(role.name.value.as_str().bytes()) {
        *to = from;
    }
    NodeCommand::SetGossip(GossipPolicy {
        sync: match role.gossip.sync {
            SyncKind::Ranges => SyncBy::Ranges,
            SyncKind::Filter => SyncBy::Filter,
            SyncKind::Nothing => SyncBy::Nothing,
        },
        most_ids: role.gossip.most_ids.map(usize::from),
        alias: Alias(alias),
    })
}

impl Lab<'_> {
    /// Looks up a funding output in the chain that a role sees, and tells the role.
    pub(super) fn look_up(
        &mut self,
        role: &RoleName,
        id: ShortChannelId,
    ) -> Result<Vec<NodeEvent>, Stop> {
        let height = self.node(role)?.height();
        let found = self.funding_output(self.sides.of(role), id, height)?;
        let input = NodeInput::LookedUp { short_channel_id: id, found };
        self.input(role, "look at the chain", input)
    }

    /// What a side's chain has there, seen from this height.
    fn funding_output(
        &mut self,
        side: Side,
        id: ShortChannelId,
        height: BlockHeight,
    ) -> Result<FundingOutput, Stop> {
        let depth = height.blocks_since(BlockHeight(id.block()));
        let Some(depth) = depth else { return Ok(FundingOutput::Missing) };
        let tip = self.sides.chain(side).tip();
        if self.looked_up.tip != Some(tip) {
            self.looked_up = LookedUp { tip: Some(tip), found: BTreeMap::new() };
        }
        let found = match self.looked_up.found.get(&id) {
            Some(found) => found.clone(),
            None => {
                let found = self.ask_bitcoind(side, id)?;
                self.looked_up.found.insert(id, found.clone());
                found
            }
        };
        Ok(match found {
            FundingOutput::Unspent { outpoint, output, .. } => {
                let confirmations = depth.saturating_add(1);
                FundingOutput::Unspent { outpoint, output, confirmations }
            }
            other => other,
        })
    }

    /// The same, as bitcoind says it.
    fn ask_bitcoind(&mut self, side: Side, id: ShortChannelId) -> Result<FundingOutput, Stop> {
        let chain = self.sides.chain_mut(side);
        let index = usize::try_from(id.transaction()).unwrap_or(usize::MAX);
        let block = chain.block(BlockHeight(id.block()));
        let transaction = block.and_then(|block| block.txdata.get(index));
        let output = usize::from(id.output());
        let Some(transaction) = transaction.filter(|known| known.output.len() > output) else {
            return Ok(FundingOutput::Missing);
        };
        let outpoint = OutPoint { txid: transaction.compute_txid(), vout: id.output().into() };
        Ok(match chain.unspent_in_blocks(outpoint)? {
            None => FundingOutput::Spent,
            Some(output) => FundingOutput::Unspent { outpoint, output, confirmations: 0 },
        })
    }
}

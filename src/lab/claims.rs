//! `claim` and `double_spend`: what a role takes by the file's word.

use bitcoin::{OutPoint, Txid};

use super::steps::{cannot, failed};
use super::{Lab, Stop};
use crate::bolt::channel::Purpose;
use crate::bolt::units::FeeratePerKw;
use crate::node::cheat::{self, ClaimOptions, ClaimWay};
use crate::node::{ChannelHandle, NodeError};
use crate::scenario::{At, ClaimStep, OutputRef, Path, RoleName, TransactionRef, Via};
use crate::trace::{Answer, Event};

impl Lab<'_> {
    pub(super) fn claim(&mut self, claim: &ClaimStep) -> Result<(), Stop> {
        let ClaimStep { by, outputs, path, .. } = claim;
        let mut claimed = Vec::new();
        for output in outputs {
            claimed.extend(self.claimed(&by.value, output)?);
        }
        let way = match path.value {
            Path::Delay => ClaimWay::Delay,
            Path::Revocation => ClaimWay::Revocation,
            Path::Direct => ClaimWay::Direct,
            Path::Preimage => ClaimWay::Preimage,
            Path::Timeout => ClaimWay::Timeout,
            // A loaded scenario has none.
            Path::Anchor | Path::Anyone => {
                let message = "not supported yet: a claim of an anchor".to_owned();
                return Err(failed(Some(path.at), message));
            }
        };
        let options = ClaimOptions {
            feerate: claim.feerate.map(|feerate| feerate.value),
            coin: claim.coin,
            padding: claim.padding,
        };
        self.must_be_online(&by.value)?;
        let at = outputs.first().map_or(path.at, |output| output.at);
        let transaction = match cheat::claim(self.node(&by.value)?, &claimed, way, options) {
            Ok(transaction) => transaction,
            Err(NodeError::Refused(_)) => {
                let output = outputs.first().map_or_else(String::new, ToString::to_string);
                let message = format!(
                    "{by} cannot claim {output} by {path}: it is not confirmed, or not {by}'s to \
                     take that way"
                );
                return Err(failed(Some(at), message));
            }
            Err(error @ (NodeError::Wallet(_) | NodeError::Transaction(_))) => {
                return Err(failed(Some(at), format!("{by} cannot claim it: failed to {error}")));
            }
            Err(source) => return Err(cannot(&by.value, "claim an output", source)),
        };
        let Some(reason) = &claim.refused else {
            return self.publish_or_fail(by, None, &transaction, &At::new(claim.via.value, at));
        };
        let publish = |lab: &mut Self| lab.publish(&by.value, None, &transaction);
        let answer = self.giving(&by.value, claim.via.value, publish)?;
        let found = match answer {
            Answer::Refused { reason } => Some(reason),
            Answer::Accepted | Answer::Known | Answer::Handed => None,
        };
        self.must_refuse(reason, found)
    }

    /// The outputs that a reference stands for where a role sees them, and their channel.
    fn claimed(
        &mut self,
        by: &RoleName,
        output: &At<OutputRef>,
    ) -> Result<Vec<(ChannelHandle, OutPoint)>, Stop> {
        let handle = self.handle(&At::new(output.value.channel().clone(), output.at))?;
        let found = self.account_of(self.sides.of(by)).outpoints(&output.value);
        if found.is_empty() {
            return Err(failed(Some(output.at), format!("there is no output {output}")));
        }
        Ok(found.into_iter().map(|outpoint| (handle, outpoint)).collect())
    }

    pub(super) fn double_spend(
        &mut self,
        by: &At<RoleName>,
        of: &At<TransactionRef>,
        feerate: Option<FeeratePerKw>,
        via: Via,
    ) -> Result<(), Stop> {
        let side = self.sides.of(&by.value);
        let named: Vec<Txid> = self.named(side, of)?;
        let original =
            self.trace.entries.iter().rev().find_map(|entry| match entry.event.plain() {
                Event::Published { by: publisher, txid, transaction, .. }
                    if named.contains(txid) && *publisher == by.value =>
                {
                    Some(transaction.0.clone())
                }
                _ => None,
            });
        let missing = || failed(Some(of.at), format!("{by} published no {of}"));
        let original = original.ok_or_else(missing)?;
        if let Some(height) = self.sides.chain(side).confirmed(original.compute_txid()) {
            return Err(failed(Some(of.at), format!("{of} is confirmed in block {height}")));
        }
        self.must_be_online(&by.value)?;
        let node = self.node(&by.value)?;
        let replacement = match cheat::double_spend(node, &original, feerate) {
            Ok(replacement) => replacement,
            Err(NodeError::Wallet(_)) => {
                let message = format!("{of} does not spend coins of {by}");
                return Err(failed(Some(of.at), message));
            }
            Err(source) => return Err(cannot(&by.value, "double-spend", source)),
        };
        let via = At::new(via, of.at);
        self.publish_or_fail(by, Some(Purpose::DoubleSpend), &replacement, &via)
    }
}

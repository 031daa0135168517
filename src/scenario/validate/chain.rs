//! The verbs about the chain, and about who sees what of it.

use std::ops::RangeInclusive;

use super::Check;
use crate::bolt::units::FeeratePerKw;
use crate::scenario::{
    error::Mistake,
    model::{At, Blocks},
    step::{Step, Verb},
};

/// How many blocks a `mine` or a `reorg` may make.
const BLOCKS_LIMIT: u32 = 10_000;
/// The fee rates of a spike: the lab can fill ninety blocks at the highest.
const SPIKES: RangeInclusive<FeeratePerKw> = FeeratePerKw(2_000)..=FeeratePerKw(125_000);
/// The fee rates to which a spike can calm down: below the least one that nodes agree on, nothing
/// that is signed is relayed.
const CALM: RangeInclusive<FeeratePerKw> = FeeratePerKw(253)..=FeeratePerKw(2_000);

/// How long a role is offline.
pub(super) enum Away {
    /// Since the `offline` in this line, until an `online`.
    Since(u32),
    /// Until there are so many blocks. How many a step mines is not known before it is played.
    ForAWhile,
}

impl<'a> Check<'a> {
    /// The verbs about the chain, and about who sees what of it.
    pub(super) fn chain(&mut self, step: &'a Step) {
        match &step.verb {
            Verb::Mine { blocks, without } => {
                self.blocks("mine", blocks);
                for transaction in without {
                    self.open(&transaction.value.channel, transaction.at);
                }
            }
            Verb::Reorg { depth, without } => {
                self.blocks("reorg", depth);
                for transaction in without.iter().flatten() {
                    self.open(&transaction.value.channel, transaction.at);
                }
            }
            Verb::SpikeFees(feerate) => {
                if !SPIKES.contains(&feerate.value) {
                    let what = "a spike is between 2000 sat/kw and 125000 sat/kw";
                    self.report(feerate.at, Mistake::Nothing { what });
                }
                if std::mem::replace(&mut self.spiking, true) {
                    let what = "a spike ends with `calm_fees` before there is another one";
                    self.link(feerate.at, Mistake::Nothing { what });
                }
            }
            Verb::CalmFees(feerate) => {
                if !CALM.contains(&feerate.value) {
                    let what = "fees calm down to between 253 sat/kw and 2000 sat/kw";
                    self.report(feerate.at, Mistake::Nothing { what });
                }
                if !std::mem::replace(&mut self.spiking, false) {
                    let what = "there is no fee spike here";
                    self.link(feerate.at, Mistake::Nothing { what });
                }
            }
            Verb::Offline { role, blocks } => {
                if let Some(blocks) = blocks {
                    self.blocks("offline", blocks);
                }
                let away = blocks.map_or(Away::Since(step.at.line), |_| Away::ForAWhile);
                if let Some(Away::Since(since)) = self.offline.insert(&role.value, away) {
                    let role_name = role.to_string();
                    self.link(role.at, Mistake::AlreadyOffline { role: role_name, since });
                }
            }
            Verb::Online(role) if self.offline.remove(&role.value).is_none() => {
                self.link(role.at, Mistake::AlreadyOnline { role: role.to_string() });
            }
            Verb::WithholdBlocks(role) if !self.withheld.insert(&role.value) => {
                let what = "the blocks of this role are withheld already";
                self.link(role.at, Mistake::Nothing { what });
            }
            Verb::ReleaseBlocks(role) if !self.withheld.remove(&role.value) => {
                let what = "no blocks are withheld from this role";
                self.link(role.at, Mistake::Nothing { what });
            }
            _ => {}
        }
    }

    fn blocks(&mut self, verb: &'static str, blocks: &At<Blocks>) {
        if !(1..=BLOCKS_LIMIT).contains(&blocks.value.0) {
            let (blocks, at) = (blocks.value.0, blocks.at);
            self.report(at, Mistake::BlocksOutOfRange { verb, blocks, limit: BLOCKS_LIMIT });
        }
    }
}

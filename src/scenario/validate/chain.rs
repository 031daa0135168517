//! The verbs about the chain, and about who sees what of it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::Check;
use crate::bolt::units::FeeratePerKw;
use crate::scenario::{
    error::Mistake,
    model::{At, Blocks, ChannelName, Position, RoleName},
    step::{FundedWith, Step, Verb, Via},
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
            Verb::Mine { blocks, without, apart } => {
                self.blocks("mine", blocks);
                self.is_apart(apart);
                for transaction in without {
                    self.open(&transaction.value.channel, transaction.at);
                }
            }
            Verb::Reorg { depth, without } => {
                self.blocks("reorg", depth);
                self.on_one_chain(step.at, "there is no `reorg` between `partition` and `heal`");
                for transaction in without.iter().flatten() {
                    self.open(&transaction.value.channel, transaction.at);
                }
            }
            Verb::SpikeFees(feerate) => {
                self.on_one_chain(
                    step.at,
                    "there is no `spike_fees` between `partition` and `heal`",
                );
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
                self.on_one_chain(
                    step.at,
                    "there is no `calm_fees` between `partition` and `heal`",
                );
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
            Verb::Partition(roles) => self.partition(step.at, roles),
            Verb::Heal(roles) => self.heal(step.at, roles),
            _ => {}
        }
    }

    fn partition(&mut self, at: Position, roles: &'a [At<RoleName>]) {
        self.on_one_chain(at, "a partition ends with `heal` before there is another one");
        let named = self.once_each(roles);
        if named.len() == self.scenario.cast.len() {
            let what = "somebody must be left: `partition` does not name the whole cast";
            self.report(at, Mistake::Nothing { what });
        }
        if self.spiking {
            let what = "a fee spike ends with `calm_fees` before there is a `partition`";
            self.link(at, Mistake::Nothing { what });
        }
        self.apart = Some(At::new(named, at));
    }

    fn heal(&mut self, at: Position, roles: &'a [At<RoleName>]) {
        let named = self.once_each(roles);
        let Some(apart) = self.apart.take() else {
            let what = "there is no partition here";
            self.link(at, Mistake::Nothing { what });
            return;
        };
        if apart.value != named {
            let what = "`heal` names those whom `partition` cut off, and nobody else";
            self.link(at, Mistake::Nothing { what });
        }
    }

    fn once_each(&mut self, roles: &'a [At<RoleName>]) -> BTreeSet<&'a RoleName> {
        let mut named = BTreeSet::new();
        for role in roles {
            if !named.insert(&role.value) {
                self.report(role.at, Mistake::Nothing { what: "this role is named twice" });
            }
        }
        named
    }

    /// Two chains are one again when a scenario ends.
    pub(super) fn healed(&mut self) {
        if let Some(apart) = self.apart.take() {
            let what = "a partition ends with `heal` before the scenario does";
            self.link(apart.at, Mistake::Nothing { what });
        }
    }

    /// What is not possible while there are two chains.
    fn on_one_chain(&mut self, at: Position, what: &'static str) {
        if self.apart.is_some() {
            self.link(at, Mistake::Nothing { what });
        }
    }

    /// The coinbase of the next block is the main side's, and only there it funds anything.
    pub(super) fn funded_by_a_coinbase(&mut self, channel: &At<ChannelName>, with: FundedWith) {
        if with == FundedWith::Coinbase {
            let what = "no `coinbase` funds a channel between `partition` and `heal`";
            self.on_one_chain(channel.at, what);
        }
    }

    /// Somebody must be apart if a transaction is given to those who are.
    pub(super) fn via(&mut self, via: &At<Via>) {
        self.is_apart(&At::new(via.value == Via::Apart, via.at));
    }

    /// Somebody must be apart if a step is about those who are.
    pub(super) fn is_apart(&mut self, apart: &At<bool>) {
        if apart.value && self.apart.is_none() {
            let what = "nobody is apart here: a `partition` comes first";
            self.link(apart.at, Mistake::Nothing { what });
        }
    }

    fn blocks(&mut self, verb: &'static str, blocks: &At<Blocks>) {
        if !(1..=BLOCKS_LIMIT).contains(&blocks.value.0) {
            let (blocks, at) = (blocks.value.0, blocks.at);
            self.report(at, Mistake::BlocksOutOfRange { verb, blocks, limit: BLOCKS_LIMIT });
        }
    }
}

//! Who had what, who took what, and what each lost on the way: for each role, taken + lost is what
//! it was entitled to, to the millisatoshi.
//!
//! A balance is whose the state on chain says; all of it is the victim's if `to_local` was taken by
//! revocation. An HTLC is, whole, who took its output at last, over its second stage or not; one
//! without an output is its offerer's, who loses it to the miner. Fees are lost by who bore them:
//! those of a close by the opener or the closer, those of a second stage that go off its HTLC by who
//! took that, those of a claim by its maker.

use std::collections::BTreeMap;

use bitcoin::{Amount, SignedAmount};

use super::account::{AuditedOutput, ChannelAccount, Fate, NamedHtlc, OutputName};
use super::build::Book;
use super::ledger::{End, Key};
use super::name::Close;
use crate::bolt::units::Msat;
use crate::scenario::{Path, RoleName};

type Sums = BTreeMap<RoleName, Msat>;

/// An HTLC that has an output on chain.
pub(super) struct OnChain {
    pub(super) key: Key,
    pub(super) amount: Msat,
    /// Who took it at last; `None` as long as nobody did.
    pub(super) taker: Option<RoleName>,
    /// Whether that was by revocation, of its output or of its second stage.
    pub(super) is_penalty: bool,
    /// What of it went to the miner: what is less than a satoshi, and the fee of its second stage.
    left: Msat,
}

impl Book<'_> {
    /// Fills in who is entitled to what, who took what, and what each lost.
    pub(super) fn settle(&self, channel: &mut ChannelAccount) {
        let state = &self.decided;
        for end in End::BOTH {
            channel.entitled.insert(self.role(end), state.of(end));
            channel.taken.insert(self.role(end), SignedAmount::ZERO);
            channel.lost.insert(self.role(end), Msat::ZERO);
        }
        let htlcs = self.on_chain(channel);
        self.lose_close(channel, &htlcs);
        let payer = self.confiscate(channel);
        Self::settle_anchors(channel, &payer);
        for htlc in &htlcs {
            if let Some(taker) = &htlc.taker {
                add(&mut channel.entitled, taker, htlc.amount);
                add(&mut channel.lost, taker, htlc.left);
            }
        }
        self.settle_claims(channel);
        let unspent: Vec<(RoleName, Amount)> = channel
            .named_outputs()
            .filter_map(|output| match &output.fate {
                Fate::Unspent { owner: Some(owner) } => Some((owner.clone(), output.amount)),
                Fate::Unspent { owner: None } | Fate::Spent { .. } => None,
            })
            .collect();
        for (owner, amount) in unspent {
            take(channel, &owner, amount.to_signed().unwrap_or(SignedAmount::MAX_MONEY));
        }
    }

    /// The HTLCs that have an output, and who took them.
    pub(super) fn on_chain(&self, channel: &ChannelAccount) -> Vec<OnChain> {
        let state = &self.stated;
        let second_stages = second_stages(channel);
        let outputs = channel.outputs.iter().filter_map(|output| match &output.name {
            OutputName::Htlc(htlc) => Some((output, htlc)),
            _ => None,
        });
        let htlcs = outputs.filter_map(|(output, htlc)| {
            let key = self.facts.key(htlc)?;
            let amount = state.htlcs.get(&key)?.amount;
            // Whoever took the output to its second stage has nothing yet.
            let last = second_stages.get(htlc).copied().unwrap_or(output);
            let (taker, is_penalty) = match &last.fate {
                Fate::Unspent { owner } => (owner.clone(), false),
                Fate::Spent { to, path, .. } => (to.clone(), *path == Some(Path::Revocation)),
            };
            let left = amount.saturating_sub(msat(last.amount));
            Some(OnChain { key, amount, taker, is_penalty, left })
        });
        htlcs.collect()
    }

    /// Books what the close does not pay out. What the acceptor has less than its balance was
    /// trimmed or rounded, or is the fee that it offered; the rest is the opener's.
    fn lose_close(&self, channel: &mut ChannelAccount, htlcs: &[OnChain]) {
        let sum = |outputs: &mut dyn Iterator<Item = &AuditedOutput>| -> Amount {
            outputs.map(|output| output.amount).sum()
        };
        let mut theirs = channel.outputs.iter().filter(|o| self.is_balance_of(o, End::Acceptor));
        let acceptors = msat(sum(&mut theirs));
        let trimmed = self.decided.of(End::Acceptor).saturating_sub(acceptors);
        // An HTLC's rest below a satoshi is lost by who takes it.
        let is_htlc = |output: &&AuditedOutput| matches!(output.name, OutputName::Htlc(_));
        let paid = msat(sum(&mut channel.outputs.iter().filter(|output| !is_htlc(output))));
        let pending = htlcs.iter().fold(Msat::ZERO, |sum, htlc| plus(sum, htlc.amount));
        let unpaid = msat(self.facts.capacity).saturating_sub(plus(paid, pending));
        add(&mut channel.lost, &self.role(End::Acceptor), trimmed);
        add(&mut channel.lost, &self.role(End::Opener), unpaid.saturating_sub(trimmed));
    }

    /// A balance that was taken by revocation is the victim's now, with all that was lost of it.
    /// Who has paid for the anchors is returned.
    fn confiscate(&self, channel: &mut ChannelAccount) -> RoleName {
        let opener = self.role(End::Opener);
        let is_confiscated = channel.outputs.iter().any(|output| {
            output.name == OutputName::ToLocal
                && matches!(&output.fate, Fate::Spent { path: Some(Path::Revocation), .. })
        });
        let Some((_, Close::Commitment(owner, _))) = self.named.close else { return opener };
        if !is_confiscated {
            return opener;
        }
        let (cheat, victim) = (self.role(owner), self.role(owner.other()));
        for sums in [&mut channel.entitled, &mut channel.lost] {
            let amount = sums.get(&cheat).copied().unwrap_or_default();
            transfer(sums, &cheat, &victim, amount);
        }
        victim
    }

    /// The opener paid for both anchors; who takes one has that much more.
    fn settle_anchors(channel: &mut ChannelAccount, payer: &RoleName) {
        let anchors = channel.outputs.iter().filter(|o| matches!(o.name, OutputName::Anchor(_)));
        for anchor in anchors {
            let amount = msat(anchor.amount);
            match &anchor.fate {
                Fate::Spent { to: Some(taker), .. } => {
                    transfer(&mut channel.entitled, payer, taker, amount);
                }
                Fate::Spent { to: None, .. } | Fate::Unspent { .. } => {
                    add(&mut channel.lost, payer, amount);
                }
            }
        }
    }

    /// Books what claims brought to wallets, and their fees.
    fn settle_claims(&self, channel: &mut ChannelAccount) {
        for claim in self.named.claims().filter(|claim| claim.confirmed.is_some()) {
            let Some(flow) = self.named.flows.get(&claim.txid) else { continue };
            for (role, net) in &flow.net {
                take(channel, role, *net);
            }
            if let Some(by) = &claim.by {
                add(&mut channel.lost, by, msat(flow.fee));
            }
        }
    }
}

/// The second stages, by their HTLCs.
fn second_stages(channel: &ChannelAccount) -> BTreeMap<&NamedHtlc, &AuditedOutput> {
    let named = channel.second_stages.iter().filter_map(|output| match &output.name {
        OutputName::SecondStage(of) => Some((of, output)),
        _ => None,
    });
    named.collect()
}

fn take(channel: &mut ChannelAccount, role: &RoleName, amount: SignedAmount) {
    let taken = channel.taken.entry(role.clone()).or_default();
    *taken = taken.checked_add(amount).unwrap_or(*taken);
}

fn add(sums: &mut Sums, role: &RoleName, amount: Msat) {
    let sum = sums.entry(role.clone()).or_default();
    *sum = plus(*sum, amount);
}

/// Books an amount over from one role to another.
fn transfer(sums: &mut Sums, from: &RoleName, to: &RoleName, amount: Msat) {
    let giver = sums.entry(from.clone()).or_default();
    *giver = giver.saturating_sub(amount);
    add(sums, to, amount);
}

fn plus(sum: Msat, amount: Msat) -> Msat {
    sum.checked_add(amount).unwrap_or(sum)
}

pub(super) fn msat(amount: Amount) -> Msat {
    Msat::from_amount(amount).unwrap_or(Msat(u64::MAX))
}

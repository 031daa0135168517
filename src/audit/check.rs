//! What must hold of a close and of what descends from it, whatever a scenario says.

use std::collections::BTreeMap;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, Txid};

use super::account::{AuditedOutput, ChannelAccount, Fate, NamedHtlc, OutputName, Spend};
use super::build::Book;
use super::htlc::{preimage, second_stage};
use super::ledger::{End, Htlc};
use super::name::{Close, Known};
use super::settle::msat;
use crate::bolt::units::Msat;
use crate::scenario::{Path, written};

impl Book<'_> {
    /// Looks for what is wrong with a channel that is closed.
    pub(super) fn check(&self, channel: &ChannelAccount, problems: &mut Vec<String>) {
        self.check_sums(channel, problems);
        self.check_close(channel, problems);
        self.check_known(channel, problems);
        self.check_htlcs(channel, problems);
        self.check_claims(problems);
        self.check_second_stages(problems);
    }

    /// A transaction for a person to look at.
    fn shown(&self, txid: Txid) -> String {
        let raw = self.view.get(txid).map(|seen| serialize_hex(&seen.transaction));
        format!("{txid}\n{}", raw.unwrap_or_default())
    }

    /// Sats in are sats out and fees, for each role and for the channel as a whole.
    fn check_sums(&self, channel: &ChannelAccount, problems: &mut Vec<String>) {
        let name = &channel.name;
        // A cheat's balance that nobody took yet is nobody's.
        let is_open = channel.outputs.iter().any(|output| {
            !matches!(output.name, OutputName::Anchor(_) | OutputName::Htlc(_))
                && matches!(output.fate, Fate::Unspent { owner: None })
        });
        if is_open {
            return;
        }
        let untaken = self.on_chain(channel).into_iter().filter(|htlc| htlc.taker.is_none());
        let mut sum: i128 = untaken.map(|htlc| i128::from(htlc.amount.0)).sum();
        for (role, entitled) in &channel.entitled {
            let taken = channel.taken.get(role).copied().unwrap_or_default().to_sat();
            let taken = i128::from(taken) * 1000;
            let lost = channel.lost.get(role).copied().unwrap_or_default();
            sum += taken + i128::from(lost.0);
            if taken + i128::from(lost.0) != i128::from(entitled.0) {
                problems.push(format!(
                    "{role} had {entitled} msat in {name}, took {taken} and lost {lost} to fees: \
                     that does not add up"
                ));
            }
        }
        let capacity = msat(self.facts.capacity);
        if sum != i128::from(capacity.0) {
            problems.push(format!("of {capacity} msat in {name}, {sum} are accounted for"));
        }
    }

    /// A close must pay each side what the messages give it: its balance, of the opener's less the
    /// fee and the anchors, and nothing that is dust.
    fn check_close(&self, channel: &ChannelAccount, problems: &mut Vec<String>) {
        let limit = |end| self.facts.end(end).dust_limit;
        let state = &self.decided;
        let (cost, least_limit, greatest_limit) = match self.named.close {
            Some((_, Close::Commitment(owner, _))) => {
                let cost = self.facts.commitment_cost(state.feerate, state.htlcs.len());
                (cost, limit(owner), limit(owner))
            }
            Some((_, Close::Mutual)) => {
                let Some(fee) = self.facts.closing_fee() else {
                    let name = &channel.name;
                    problems.push(format!("{name} closes at a fee that not both signed for"));
                    return;
                };
                // Each side leaves out what is dust by its own limit, and both signed.
                let limits = (limit(End::Opener), limit(End::Acceptor));
                (fee, limits.0.min(limits.1), limits.0.max(limits.1))
            }
            Some((txid, Close::Offered(offer))) => {
                return problems.extend(self.check_offered(channel, txid, offer));
            }
            Some((_, Close::Unknown)) | None => return,
        };
        let stated = &self.stated;
        for end in End::BOTH {
            let cost = if end == End::Opener { cost } else { Amount::ZERO };
            let due = stated.of(end).to_sat_floor().checked_sub(cost).unwrap_or(Amount::ZERO);
            let outputs = channel.outputs.iter().filter(|output| self.is_balance_of(output, end));
            let paid: Amount = outputs.map(|output| output.amount).sum();
            let fits = if paid == Amount::ZERO { due < greatest_limit } else { paid == due };
            if !fits || (paid > Amount::ZERO && paid < least_limit) {
                let (name, role) = (&channel.name, &self.facts.end(end).role);
                let (paid, due) = (paid.to_sat(), due.to_sat());
                let shown = channel.close.as_ref().map(|close| self.shown(close.txid));
                problems.push(format!(
                    "the close of {name} pays {role} {paid} sat, where the messages give it {due}: {}",
                    shown.unwrap_or_default()
                ));
            }
        }
    }

    /// What is wrong with a close by `closing_complete`: it must pay what the closer offered, and
    /// the closee must have said that it signed, or have published it.
    fn check_offered(&self, channel: &ChannelAccount, txid: Txid, offer: usize) -> Vec<String> {
        let (Some(seen), Some(offer)) = (self.view.get(txid), self.facts.offer(offer)) else {
            return Vec::new();
        };
        let (name, state) = (&channel.name, &self.decided);
        let closee = &self.facts.end(offer.closer.other()).role;
        let mut problems = Vec::new();
        if !offer.is_answered && seen.published_by.as_ref() != Some(closee) {
            problems.push(format!("{name} closes by a transaction that {closee} never signed"));
        }
        let wronged = |end: &End| !offer.satisfies(*end, state, &seen.transaction);
        problems.extend(End::BOTH.into_iter().filter(wronged).map(|end| {
            let role = &self.facts.end(end).role;
            let sats = |amount: Option<Amount>| amount.unwrap_or(Amount::ZERO).to_sat();
            let (paid, due) = (offer.paid(end, &seen.transaction), offer.due(end, state));
            let (paid, due) = (sats(paid), sats(due));
            let shown = self.shown(txid);
            format!(
                "the close of {name} pays {role} {paid} sat, where the messages give it {due}: \
                 {shown}"
            )
        }));
        problems
    }

    /// Both sides signed nothing that the messages do not tell of.
    fn check_known(&self, channel: &ChannelAccount, problems: &mut Vec<String>) {
        let Some((txid, Close::Unknown)) = self.named.close else { return };
        let numbered =
            self.view.get(txid).and_then(|seen| self.facts.commitment_number(&seen.transaction));
        let what = match numbered {
            Some(_) => "a commitment that nobody knows",
            None => "a transaction that nobody offered",
        };
        let (name, shown) = (&channel.name, self.shown(txid));
        problems.push(format!("{name} closes by {what}: {shown}"));
    }

    /// Every HTLC of the state that is not trimmed has an output of its amount.
    fn check_htlcs(&self, channel: &ChannelAccount, problems: &mut Vec<String>) {
        let (Some(close), name) = (&channel.close, &channel.name) else { return };
        let state = &self.stated;
        let held = |htlc: &NamedHtlc| -> Option<&Htlc> { state.htlcs.get(&self.facts.key(htlc)?) };
        for htlc in &self.named.missing {
            let amount = held(htlc).map_or(Msat::ZERO, |htlc| htlc.amount);
            let (amount, shown) = (written(amount), self.shown(close.txid));
            let htlc = htlc.name();
            problems
                .push(format!("{close} has no output for the HTLC {htlc} of {amount}: {shown}"));
        }
        for output in &channel.outputs {
            let OutputName::Htlc(htlc) = &output.name else { continue };
            let due = held(htlc).map_or(Amount::ZERO, |htlc| htlc.amount.to_sat_floor());
            if output.amount != due {
                let (paid, htlc) = (output.amount.to_sat(), htlc.name());
                let (due, shown) = (due.to_sat(), self.shown(close.txid));
                problems.push(format!(
                    "the close of {name} has {paid} sat for the HTLC {htlc}, where the messages \
                     give it {due}: {shown}"
                ));
            }
        }
    }

    /// Every spend takes a branch that its script has, and shows the right preimage.
    fn check_claims(&self, problems: &mut Vec<String>) {
        let name = &self.facts.name;
        for claim in self.named.claims().filter(|claim| claim.confirmed.is_some()) {
            for spend in &claim.spends {
                let shown = || self.shown(claim.txid);
                if spend.path.is_none() && spend.output != OutputName::Unknown {
                    problems.push(format!(
                        "{} of {name} is spent by a script path that should be impossible: {}",
                        spend.output,
                        shown()
                    ));
                }
                if !self.shows_preimage(claim.txid, spend) {
                    problems.push(format!(
                        "{} of {name} is spent by a preimage that is none of its hash: {}",
                        spend.output,
                        shown()
                    ));
                }
            }
            let strangers = self.named.flows.get(&claim.txid).map(|flow| &flow.strangers);
            for coin in strangers.into_iter().flatten() {
                let txid = claim.txid;
                problems.push(format!("{txid} spends a coin of a stranger: {coin}"));
            }
        }
    }

    /// Whether a spend by preimage shows one that has the HTLC's hash. Consensus holds that, too.
    fn shows_preimage(&self, txid: Txid, spend: &Spend) -> bool {
        let (OutputName::Htlc(htlc), Some(Path::Preimage)) = (&spend.output, spend.path) else {
            return true;
        };
        let state = &self.stated;
        let htlc = self.facts.key(htlc).and_then(|key| state.htlcs.get(&key));
        let by = self.view.spender(spend.outpoint).filter(|(by, _)| *by == txid);
        let input = by.and_then(|(by, at)| self.view.get(by)?.transaction.input.get(at));
        let shown = input.and_then(|input| preimage(&input.witness)).map(sha256::Hash::hash);
        shown.is_some_and(|hash| htlc.is_some_and(|htlc| htlc.payment_hash == hash))
    }

    /// Every second stage has its delayed output, with what its HTLC has less the fee.
    fn check_second_stages(&self, problems: &mut Vec<String>) {
        let Some((_, Close::Commitment(owner, _))) = self.named.close else { return };
        let (state, name) = (&self.stated, &self.facts.name);
        let paid = self.second_stages_of_claims();
        for claim in self.named.claims().filter(|claim| claim.confirmed.is_some()) {
            for spend in &claim.spends {
                let Some(htlc) = second_stage(self.facts, owner, spend) else { continue };
                let Some(key) = self.facts.key(htlc) else { continue };
                let held = state.htlcs.get(&key).map_or(Msat::ZERO, |htlc| htlc.amount);
                let fee = self.facts.second_stage_fee(owner, key.0, state.feerate);
                let due = held.to_sat_floor().checked_sub(fee).unwrap_or(Amount::ZERO);
                let paid = paid.get(&(claim.txid, htlc)).copied().unwrap_or(Amount::ZERO);
                if due != paid {
                    let (paid, due, htlc) = (paid.to_sat(), due.to_sat(), htlc.name());
                    let shown = self.shown(claim.txid);
                    problems.push(format!(
                        "the second stage of the HTLC {htlc} of {name} has {paid} sat, where it \
                         must have {due}: {shown}"
                    ));
                }
            }
        }
    }

    /// What claims have in the second stages of HTLCs.
    fn second_stages_of_claims(&self) -> BTreeMap<(Txid, &NamedHtlc), Amount> {
        let mut paid = BTreeMap::new();
        for outpoint in &self.named.second_stages {
            let known = self.named.outputs.get(outpoint);
            if let Some(Known { name: OutputName::SecondStage(htlc), amount, .. }) = known {
                let sum = paid.entry((outpoint.txid, htlc)).or_insert(Amount::ZERO);
                *sum = sum.checked_add(*amount).unwrap_or(*sum);
            }
        }
        paid
    }

    /// Outputs that nobody can name.
    pub(super) fn strangers(&self, channel: &ChannelAccount, problems: &mut Vec<String>) {
        let unknown = channel.all_outputs().filter(|output| output.name == OutputName::Unknown);
        problems.extend(unknown.map(|output| {
            let AuditedOutput { outpoint, amount, .. } = output;
            let raw = self.shown(outpoint.txid);
            format!("{} pays {amount} to a stranger: {outpoint} of {raw}", channel.name)
        }));
    }
}

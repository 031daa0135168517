//! Compares the account with what a scenario says must be on chain at its end.

use std::collections::BTreeSet;

use bitcoin::{Amount, OutPoint};

use super::account::{Account, AuditedOutput, ChannelAccount, Fate, Kind, OutputName};
use super::by_name::ByName;
use crate::bolt::units::Msat;
use crate::scenario::{
    self, At, Balance, ChannelName, FundingSpender, Outcome, OutcomeEntry, OutputRef, Position,
    RoleName,
};
use crate::trace::Problem;

/// Compares the account with the outcome of a scenario, and holds what holds in every scenario:
/// sats in are sats out and fees, every output is accounted for, no honest role loses unless the
/// outcome says how much.
pub fn judge(account: &Account, outcome: &At<Outcome>) -> Vec<Problem> {
    let outputs = ByName::new(&account.channels);
    let mut judge = Judge { account, outputs, seen: BTreeSet::new(), problems: Vec::new() };
    for entry in &outcome.value.entries {
        judge.entry(entry);
    }
    judge.balances(outcome);
    judge.losses(outcome);
    judge.unaccounted(outcome.at);
    for problem in &account.problems {
        judge.blame(outcome.at, problem.clone());
    }
    judge.problems
}

struct Judge<'a> {
    account: &'a Account,
    outputs: ByName<'a>,
    /// The outputs that the outcome speaks of.
    seen: BTreeSet<OutPoint>,
    problems: Vec<Problem>,
}

impl Judge<'_> {
    fn blame(&mut self, at: Position, message: String) {
        self.problems.push(Problem { line: Some(at.line), column: Some(at.column), message });
    }

    fn entry(&mut self, entry: &OutcomeEntry) {
        let name = &entry.output;
        match &name.value {
            OutputRef::Funding(channel) => self.funding(channel, entry),
            OutputRef::Commitment(..)
            | OutputRef::Closing(..)
            | OutputRef::SecondStage(..)
            | OutputRef::SecondStages(_) => {
                let outputs = self.outputs.get(&name.value).to_vec();
                if outputs.is_empty() && entry.fate.value != scenario::Fate::Absent {
                    self.blame(name.at, format!("there is no output {name} on chain"));
                }
                for output in outputs {
                    self.seen.insert(output.outpoint);
                    self.output(entry, output);
                }
            }
        }
    }

    fn funding(&mut self, name: &ChannelName, entry: &OutcomeEntry) {
        let channel = self.account.channel(name);
        let funding = channel.and_then(|channel| channel.funding.as_ref());
        let at = entry.fate.at;
        let (Some(channel), Some(funding)) = (channel, funding) else {
            if entry.fate.value != scenario::Fate::Unconfirmed {
                self.blame(at, format!("the funding of {name} is not in the chain"));
            }
            return;
        };
        self.seen.insert(funding.outpoint);
        let found = found_funding(channel);
        match (&entry.fate.value, &channel.close) {
            (scenario::Fate::Unspent, None) => self.nothing_pending(entry, funding.outpoint),
            (scenario::Fate::SpentBy { by, amount }, Some(close)) => {
                let fits = match (by, close.kind) {
                    (FundingSpender::Closing, Kind::Closing) => true,
                    (
                        FundingSpender::Commitment { of, state },
                        Kind::Commitment { state: is, .. },
                    ) => close.by.as_ref() == Some(&of.value) && *state == is,
                    (FundingSpender::Closing | FundingSpender::Commitment { .. }, _) => false,
                };
                if !fits {
                    self.blame(at, format!("expected {}, found {found}", entry.fate));
                }
                self.amount(at, &entry.output.value.to_string(), *amount, funding.amount);
            }
            (
                scenario::Fate::Unconfirmed
                | scenario::Fate::Unspent
                | scenario::Fate::Any
                | scenario::Fate::Absent
                | scenario::Fate::SpentBy { .. }
                | scenario::Fate::Taken { .. },
                _,
            ) => self.blame(at, format!("expected {}, found {found}", entry.fate)),
        }
    }

    fn output(&mut self, entry: &OutcomeEntry, output: &AuditedOutput) {
        let at = entry.fate.at;
        let found = found(output);
        match (&entry.fate.value, &output.fate) {
            (scenario::Fate::Any, _) => {}
            (scenario::Fate::Unspent, Fate::Unspent { .. }) => {
                self.nothing_pending(entry, output.outpoint);
            }
            (scenario::Fate::Taken { to, path, amount }, fate) => {
                let (taker, by) = match fate {
                    Fate::Spent { to, path, .. } => (to.as_ref(), *path),
                    // What only one role can spend is as good as taken; but nobody has spent it,
                    // so no path was taken.
                    Fate::Unspent { owner } => (owner.as_ref(), None),
                };
                if taker != Some(&to.value) {
                    self.blame(to.at, format!("expected {} to have it, found {found}", to.value));
                } else if let Some(path) = path
                    && by != Some(path.value)
                {
                    self.blame(path.at, format!("expected it taken by {path}, found {found}"));
                }
                self.amount(at, &entry.output.value.to_string(), *amount, output.amount);
            }
            (
                scenario::Fate::Unconfirmed
                | scenario::Fate::Unspent
                | scenario::Fate::Absent
                | scenario::Fate::SpentBy { .. },
                _,
            ) => self.blame(at, format!("expected {}, found {found}", entry.fate)),
        }
    }

    /// What is about to be spent is not unspent: whether it will be hangs on the next block.
    fn nothing_pending(&mut self, entry: &OutcomeEntry, outpoint: OutPoint) {
        if let Some(pending) = self.account.pending_spend(outpoint) {
            let message = format!("{} is being spent by {pending}: mine a block", entry.output);
            self.blame(entry.fate.at, message);
        }
    }

    fn amount(&mut self, at: Position, name: &str, wanted: Option<Amount>, found: Amount) {
        if let Some(wanted) = wanted
            && wanted != found
        {
            let (wanted, found) = (written(wanted), written(found));
            self.blame(at, format!("expected {wanted} in {name}, found {found}"));
        }
    }

    fn balances(&mut self, outcome: &At<Outcome>) {
        for entry in &outcome.value.balances {
            let role = &entry.role.value;
            let Balance { amount, less_fees } = entry.balance.value;
            let Totals { taken, lost } = self.totals(role);
            let found = if less_fees { taken + lost } else { taken };
            if found == i128::from(amount.0) {
                continue;
            }
            let (shown, fees) = (written_signed(found), written_signed(lost));
            let message = if less_fees {
                format!(
                    "expected {role} to take {} less fees, found {shown} less fees ({fees})",
                    scenario::written(amount)
                )
            } else {
                format!("expected {role} to take {}, found {shown}", scenario::written(amount))
            };
            self.blame(entry.balance.at, message);
        }
        let stated = |role: &RoleName| outcome.value.balances.iter().any(|e| e.role.value == *role);
        let settled = self.account.channels.iter().filter(|channel| channel.close.is_some());
        let roles: BTreeSet<RoleName> =
            settled.flat_map(|channel| channel.entitled.keys().cloned()).collect();
        for role in roles.into_iter().filter(|role| !stated(role)) {
            let taken = written_signed(self.totals(&role).taken);
            let message = format!("`balances` does not say what {role} took out: {taken}");
            self.blame(outcome.at, message);
        }
    }

    fn totals(&self, role: &RoleName) -> Totals {
        let mut totals = Totals::default();
        for channel in &self.account.channels {
            let taken = channel.taken.get(role).copied().unwrap_or_default();
            let lost = channel.lost.get(role).copied().unwrap_or_default();
            totals.taken += i128::from(taken.to_sat()) * 1000;
            totals.lost += i128::from(lost.0);
        }
        totals
    }

    /// An honest role may lose only what the outcome says that it does.
    fn losses(&mut self, outcome: &At<Outcome>) {
        let robbed = |role: &RoleName| {
            let channels = self.account.channels.iter();
            let amounts = channels.filter_map(|channel| channel.robbed.get(role).copied());
            amounts.fold(Msat::ZERO, |sum, m| sum.checked_add(m).unwrap_or(sum))
        };
        let stated: Vec<(At<RoleName>, Position, Msat)> = outcome
            .value
            .losses
            .iter()
            .map(|entry| (entry.role.clone(), entry.amount.at, entry.amount.value))
            .collect();
        let mut problems = Vec::new();
        for (role, at, amount) in &stated {
            let found = robbed(&role.value);
            if found != *amount {
                let (wanted, found) = (scenario::written(*amount), scenario::written(found));
                problems.push((*at, format!("expected {role} to lose {wanted}, found {found}")));
            }
        }
        let roles: BTreeSet<&RoleName> =
            self.account.channels.iter().flat_map(|channel| channel.robbed.keys()).collect();
        for role in roles {
            if !stated.iter().any(|(known, ..)| known.value == *role) {
                let lost = scenario::written(robbed(role));
                let message = format!("honest {role} lost {lost} of its last committed balance");
                problems.push((outcome.at, message));
            }
        }
        for (at, message) in problems {
            self.blame(at, message);
        }
    }

    /// Every output must be spoken of: those of a channel by name, those in wallets by `balances`.
    fn unaccounted(&mut self, at: Position) {
        let mut missing = Vec::new();
        for channel in &self.account.channels {
            let outputs = channel.funding.iter().chain(channel.named_outputs());
            for output in outputs.filter(|output| !self.seen.contains(&output.outpoint)) {
                // A stranger's output is a problem of its own.
                if output.name != OutputName::Unknown {
                    let name = written_name(channel, output);
                    missing.push(format!(
                        "the outcome does not account for {name}: {}",
                        found(output)
                    ));
                }
            }
        }
        for message in missing {
            self.blame(at, message);
        }
    }
}

/// In millisatoshis.
#[derive(Default)]
struct Totals {
    taken: i128,
    lost: i128,
}

/// An output as a scenario would name it.
fn written_name(channel: &ChannelAccount, output: &AuditedOutput) -> String {
    let reference = output.name.reference(&channel.name);
    reference.map_or_else(|| output.outpoint.to_string(), |reference| reference.to_string())
}

fn found(output: &AuditedOutput) -> String {
    let amount = written(output.amount);
    match &output.fate {
        Fate::Unspent { owner: Some(owner) } => format!("{amount}, unspent, {owner}'s"),
        Fate::Unspent { owner: None } => format!("{amount}, unspent"),
        Fate::Spent { to, path, by } => {
            let to = to.as_ref().map_or("nobody known".to_owned(), ToString::to_string);
            let path = path.map_or(String::new(), |path| format!(" by {path}"));
            format!("{amount}, taken by {to}{path} in {by}")
        }
    }
}

/// An amount as the file would write it.
fn written(amount: Amount) -> String {
    Msat::from_amount(amount).map_or_else(|| amount.to_string(), scenario::written)
}

/// Millisatoshis as the file would write them; below zero if a wallet paid more than it got.
fn written_signed(msat: i128) -> String {
    let amount = Msat(u64::try_from(msat.unsigned_abs()).unwrap_or(u64::MAX));
    let sign = if msat < 0 { "-" } else { "" };
    format!("{sign}{}", scenario::written(amount))
}

fn found_funding(channel: &ChannelAccount) -> String {
    match &channel.close {
        None => "it unspent".to_owned(),
        Some(close) => format!("it spent by {close}"),
    }
}

//! Writes the outcome that the account shows, for the author of a scenario to read and keep.

use super::account::{Account, AuditedOutput, ChannelAccount, Fate, Kind, OutputName};
use super::by_name::ByName;
use crate::bolt::units::Msat;
use crate::scenario::{
    self, At, Balance, BalanceEntry, CommitmentOutput, FundingSpender, LossEntry, Outcome,
    OutcomeEntry, OutputRef, Position, RoleName,
};
use std::collections::{BTreeMap, BTreeSet};

/// The outcome that the account shows.
pub fn observed(account: &Account) -> Outcome {
    let mut outcome = Outcome::default();
    let mut taken: BTreeMap<RoleName, (i128, i128)> = BTreeMap::new();
    let mut robbed: BTreeMap<RoleName, Msat> = BTreeMap::new();
    let outputs = ByName::new(&account.channels);
    for channel in &account.channels {
        let mut told = BTreeSet::new();
        let funding = OutputRef::Funding(channel.name.clone());
        outcome.entries.push(entry(funding, funding_fate(channel)));
        for output in channel.named_outputs() {
            let Some(name) = reference(&outputs, channel, output) else { continue };
            if told.insert(name.clone()) {
                let fate = common_fate(outputs.get(&name), output);
                outcome.entries.push(entry(name, fate));
            }
        }
        if channel.close.is_some() {
            for (role, amount) in &channel.taken {
                let lost = channel.lost.get(role).copied().unwrap_or_default();
                let sums = taken.entry(role.clone()).or_default();
                sums.0 += i128::from(amount.to_sat()) * 1000;
                sums.1 += i128::from(lost.0);
            }
        }
        for (role, amount) in &channel.robbed {
            let sum = robbed.entry(role.clone()).or_default();
            *sum = sum.checked_add(*amount).unwrap_or(*sum);
        }
    }
    for (role, (amount, lost)) in taken {
        // Less fees, the sum is a round number that a reader can follow.
        let less_fees = lost > 0;
        let amount = Msat(u64::try_from(amount + lost).unwrap_or_default());
        let balance = at(Balance { amount, less_fees });
        outcome.balances.push(BalanceEntry { role: at(role), balance });
    }
    outcome.losses = robbed
        .into_iter()
        .map(|(role, amount)| LossEntry { role: at(role), amount: at(amount) })
        .collect();
    outcome
}

/// Nothing of this stands in a file yet.
fn at<T>(value: T) -> At<T> {
    At::new(value, Position { line: 1, column: 1, width: 1 })
}

fn entry(output: OutputRef, fate: scenario::Fate) -> OutcomeEntry {
    OutcomeEntry { output: at(output), fate: at(fate) }
}

fn funding_fate(channel: &ChannelAccount) -> scenario::Fate {
    if channel.funding.is_none() {
        return scenario::Fate::Unconfirmed;
    }
    let by = match channel.close.as_ref().map(|close| (close.kind, close.by.clone())) {
        Some((Kind::Commitment { state, .. }, Some(of))) => {
            FundingSpender::Commitment { of: at(of), state }
        }
        Some(_) => FundingSpender::Closing,
        None => return scenario::Fate::Unspent,
    };
    scenario::Fate::SpentBy { by, amount: None }
}

/// The outputs as a scenario names them: the anchors together, and the HTLCs of one invoice, if
/// they all have the same fate.
fn reference(
    outputs: &ByName<'_>,
    channel: &ChannelAccount,
    output: &AuditedOutput,
) -> Option<OutputRef> {
    let name = channel.name.clone();
    let own = output.name.reference(&name)?;
    let together = match &output.name {
        OutputName::Funding => return None,
        OutputName::Anchor(_) => OutputRef::Commitment(name.clone(), CommitmentOutput::Anchors),
        _ => own.clone(),
    };
    let mut all = outputs.get(&together).iter();
    if all.all(|other| plain(fate(other)) == plain(fate(output))) {
        return Some(together);
    }
    Some(match &output.name {
        OutputName::Htlc(htlc) => {
            OutputRef::Commitment(name, CommitmentOutput::Htlc(htlc.offered()))
        }
        OutputName::SecondStage(htlc) => OutputRef::SecondStage(name, htlc.offered()),
        _ => own,
    })
}

/// The fate of an output, without its amount if others of the same name have other amounts.
fn common_fate(all: &[&AuditedOutput], output: &AuditedOutput) -> scenario::Fate {
    let fate = fate(output);
    if all.iter().all(|other| other.amount == output.amount) { fate } else { plain(fate) }
}

/// A fate whatever the amount.
fn plain(fate: scenario::Fate) -> scenario::Fate {
    match fate {
        scenario::Fate::Taken { to, path, .. } => scenario::Fate::Taken { to, path, amount: None },
        scenario::Fate::SpentBy { by, .. } => scenario::Fate::SpentBy { by, amount: None },
        other @ (scenario::Fate::Unconfirmed
        | scenario::Fate::Unspent
        | scenario::Fate::Absent
        | scenario::Fate::Any) => other,
    }
}

fn fate(output: &AuditedOutput) -> scenario::Fate {
    let amount = Some(output.amount);
    match (&output.name, &output.fate) {
        (OutputName::Anchor(_), Fate::Unspent { .. })
        | (_, Fate::Unspent { owner: None } | Fate::Spent { to: None, .. }) => {
            scenario::Fate::Unspent
        }
        (OutputName::Anchor(_), Fate::Spent { to: Some(to), path, .. }) => {
            scenario::Fate::Taken { to: at(to.clone()), path: path.map(at), amount: None }
        }
        (_, Fate::Unspent { owner: Some(to) }) => {
            scenario::Fate::Taken { to: at(to.clone()), path: None, amount }
        }
        (_, Fate::Spent { to: Some(to), path, .. }) => {
            scenario::Fate::Taken { to: at(to.clone()), path: path.map(at), amount }
        }
    }
}

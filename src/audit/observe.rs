//! Writes the outcome that the account shows, for the author of a scenario to read and keep.

use super::account::{Account, AuditedOutput, ChannelAccount, Fate, Kind, OutputName};
use crate::bolt::units::Msat;
use crate::scenario::{
    self, At, Balance, BalanceEntry, CommitmentOutput, FundingSpender, LossEntry, Outcome,
    OutcomeEntry, OutputRef, Position, RoleName,
};
use std::collections::BTreeMap;

/// The outcome that the account shows.
pub fn observed(account: &Account) -> Outcome {
    let mut outcome = Outcome::default();
    let mut taken: BTreeMap<RoleName, (Msat, Msat)> = BTreeMap::new();
    let mut robbed: BTreeMap<RoleName, Msat> = BTreeMap::new();
    for channel in &account.channels {
        let funding = OutputRef::Funding(channel.name.clone());
        outcome.entries.push(entry(funding, funding_fate(channel)));
        for output in &channel.outputs {
            let Some(name) = reference(channel, output) else { continue };
            if outcome.entries.iter().all(|known| known.output.value != name) {
                outcome.entries.push(entry(name, fate(output)));
            }
        }
        if channel.close.is_some() {
            for (role, amount) in &channel.taken {
                let amount = Msat::from_amount(*amount).unwrap_or_default();
                let lost = channel.lost.get(role).copied().unwrap_or_default();
                let sums = taken.entry(role.clone()).or_default();
                sums.0 = sums.0.checked_add(amount).unwrap_or(sums.0);
                sums.1 = sums.1.checked_add(lost).unwrap_or(sums.1);
            }
        }
        for (role, amount) in &channel.robbed {
            let sum = robbed.entry(role.clone()).or_default();
            *sum = sum.checked_add(*amount).unwrap_or(*sum);
        }
    }
    for (role, (amount, lost)) in taken {
        // Less fees, the sum is a round number that a reader can follow.
        let less_fees = lost > Msat::ZERO;
        let amount = if less_fees { amount.checked_add(lost).unwrap_or(amount) } else { amount };
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

/// The outputs as a scenario names them; the anchors together.
fn reference(channel: &ChannelAccount, output: &AuditedOutput) -> Option<OutputRef> {
    let name = channel.name.clone();
    match &output.name {
        OutputName::ToLocal => Some(OutputRef::Commitment(name, CommitmentOutput::ToLocal)),
        OutputName::ToRemote => Some(OutputRef::Commitment(name, CommitmentOutput::ToRemote)),
        OutputName::Anchor(_) => Some(OutputRef::Commitment(name, CommitmentOutput::Anchors)),
        OutputName::Closing(role) => Some(OutputRef::Closing(name, role.clone())),
        OutputName::Funding | OutputName::Wallet(_) | OutputName::Unknown => None,
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

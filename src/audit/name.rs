//! Names transactions and outputs: a commitment by its number and the scripts of its owner, an
//! output by its script, a spend by its witness.

use std::collections::BTreeMap;

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, Txid, Witness};

use super::account::{AuditedTransaction, Kind, OutputName, Spend};
use super::chain::{Seen, View};
use super::facts::Facts;
use super::ledger::End;
use crate::bolt::units::CommitmentNumber;
use crate::scenario::{FundingState, Path, RoleName};

/// What spends a funding output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// The commitment of this side.
    Commitment(End, CommitmentNumber),
    /// A mutual close by `closing_signed`, which the opener pays for.
    Mutual,
    /// A mutual close by the `closing_complete` with this index, which its sender pays for.
    Offered(usize),
    /// Something that bears a number, but is the commitment of neither side; or that looks like
    /// what `closing_complete` offers, which it never did.
    Unknown,
}

/// Tells what spends the funding output.
pub(super) fn close(facts: &Facts, transaction: &Transaction) -> Close {
    let Some(number) = facts.commitment_number(transaction) else {
        let is_final = transaction.input.iter().all(|input| input.sequence.is_final());
        return match facts.offer_of(transaction) {
            Some(offer) => Close::Offered(offer),
            None if is_final => Close::Mutual,
            None => Close::Unknown,
        };
    };
    let pays_like = |owner: &End| {
        let scripts = facts.scripts(*owner, number);
        scripts.is_some_and(|scripts| {
            let mut outputs = transaction.output.iter().map(|output| &output.script_pubkey);
            outputs.any(|script| *script == scripts.to_local || *script == scripts.to_remote)
        })
    };
    match End::BOTH.into_iter().find(pays_like) {
        Some(owner) => Close::Commitment(owner, number),
        None => Close::Unknown,
    }
}

/// What an output of a close is, by its script.
pub(super) fn close_output(facts: &Facts, close: Close, script: &ScriptBuf) -> OutputName {
    match close {
        Close::Commitment(owner, number) => {
            let Some(scripts) = facts.scripts(owner, number) else { return OutputName::Unknown };
            let anchor = End::BOTH.into_iter().find(|end| facts.anchor(*end) == *script);
            match anchor {
                Some(end) => OutputName::Anchor(facts.end(end).role.clone()),
                None if *script == scripts.to_local => OutputName::ToLocal,
                None if *script == scripts.to_remote => OutputName::ToRemote,
                None => OutputName::Unknown,
            }
        }
        Close::Mutual => {
            let pays = |end: &End| facts.end(*end).shutdown_script.as_ref() == Some(script);
            End::BOTH
                .into_iter()
                .find(pays)
                .map_or(OutputName::Unknown, |end| OutputName::Closing(facts.end(end).role.clone()))
        }
        Close::Offered(offer) => {
            let offer = facts.offer(offer);
            let pays = |end: &End| offer.is_some_and(|offer| offer.script(*end) == script);
            End::BOTH
                .into_iter()
                .find(pays)
                .map_or(OutputName::Unknown, |end| OutputName::Closing(facts.end(end).role.clone()))
        }
        Close::Unknown => OutputName::Unknown,
    }
}

/// The branch that a witness takes, by the shape that BOLT 3 gives it.
fn path(name: &OutputName, witness: &Witness) -> Option<Path> {
    let items: Vec<&[u8]> = witness.iter().collect();
    match (name, items.as_slice()) {
        (OutputName::ToLocal, [_, [], _]) => Some(Path::Delay),
        (OutputName::ToLocal, [_, [1], _]) => Some(Path::Revocation),
        (OutputName::Anchor(_), [[], _]) => Some(Path::Anyone),
        (OutputName::Anchor(_), [_, _]) => Some(Path::Anchor),
        (OutputName::ToRemote, [_, _]) | (OutputName::Closing(_) | OutputName::Wallet(_), _) => {
            Some(Path::Direct)
        }
        (
            OutputName::Funding
            | OutputName::ToLocal
            | OutputName::ToRemote
            | OutputName::Anchor(_)
            | OutputName::Unknown,
            _,
        ) => None,
    }
}

/// Who takes an output by this branch; `None` if anyone could.
fn taker(facts: &Facts, close: Close, name: &OutputName, path: Option<Path>) -> Option<RoleName> {
    let Close::Commitment(owner, _) = close else { return None };
    let role = |end| facts.end(end).role.clone();
    match (name, path?) {
        (OutputName::ToLocal, Path::Delay) => Some(role(owner)),
        (OutputName::ToLocal, Path::Revocation) | (OutputName::ToRemote, _) => {
            Some(role(owner.other()))
        }
        (OutputName::Anchor(of), Path::Anchor) => Some(of.clone()),
        (
            OutputName::Funding
            | OutputName::ToLocal
            | OutputName::Anchor(_)
            | OutputName::Closing(_)
            | OutputName::Wallet(_)
            | OutputName::Unknown,
            _,
        ) => None,
    }
}

/// An output that the audit follows.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: OutputName,
    pub(super) amount: Amount,
}

/// One channel's transactions and outputs, by name.
pub(super) struct Named {
    pub(super) transactions: Vec<AuditedTransaction>,
    pub(super) outputs: BTreeMap<OutPoint, Known>,
    /// The outputs of the close, in their order.
    pub(super) close_outputs: Vec<OutPoint>,
    /// The outputs of claims.
    pub(super) resting: Vec<OutPoint>,
    pub(super) close: Option<(Txid, Close)>,
}

/// Names everything that descends from a funding output, claims of claims left out: what lies in a
/// wallet is no longer the channel's.
pub(super) fn name(
    facts: &Facts,
    view: &View,
    wallets: &BTreeMap<ScriptBuf, RoleName>,
) -> Option<Named> {
    let funding = view.get(facts.funding.txid)?;
    let mut named = Named {
        transactions: vec![AuditedTransaction {
            txid: facts.funding.txid,
            channel: facts.name.clone(),
            kind: Kind::Funding,
            by: Some(facts.opener.role.clone()),
            spends: Vec::new(),
            fee: None,
            confirmed: funding.confirmed,
        }],
        outputs: BTreeMap::new(),
        close_outputs: Vec::new(),
        resting: Vec::new(),
        close: None,
    };
    let position = usize::try_from(facts.funding.vout).ok()?;
    let output = funding.transaction.output.get(position)?;
    let known = Known { name: OutputName::Funding, amount: output.value };
    named.outputs.insert(facts.funding, known);
    if let Some((txid, _)) = view.spender(facts.funding) {
        named.add_close(facts, txid, view.get(txid)?);
        named.add_claims(facts, view, wallets);
    }
    Some(named)
}

impl Named {
    fn add_close(&mut self, facts: &Facts, txid: Txid, seen: &Seen) {
        let close = close(facts, &seen.transaction);
        self.close = Some((txid, close));
        for (vout, output) in (0..).zip(&seen.transaction.output) {
            let outpoint = OutPoint { txid, vout };
            // There is nothing in it, and nobody can spend it.
            if output.script_pubkey.is_op_return() && output.value == Amount::ZERO {
                continue;
            }
            let name = close_output(facts, close, &output.script_pubkey);
            self.outputs.insert(outpoint, Known { name, amount: output.value });
            self.close_outputs.push(outpoint);
        }
        let (kind, by) = match close {
            Close::Mutual => (Kind::Closing, None),
            Close::Offered(offer) => {
                let closer = facts.offer(offer).map(|offer| facts.end(offer.closer).role.clone());
                (Kind::Closing, closer)
            }
            Close::Unknown => (Kind::Unknown, seen.published_by.clone()),
            Close::Commitment(owner, number) => {
                let revoked = facts.is_revoked(owner, number);
                let state = if revoked { FundingState::Revoked } else { FundingState::Current };
                (Kind::Commitment { number, state }, Some(facts.end(owner).role.clone()))
            }
        };
        let output = OutputName::Funding;
        let spends = vec![Spend { outpoint: facts.funding, output, path: None }];
        self.add(facts, txid, seen, kind, by, spends);
    }

    /// Adds the transactions that spend outputs of the close, each once.
    fn add_claims(&mut self, facts: &Facts, view: &View, wallets: &BTreeMap<ScriptBuf, RoleName>) {
        let Some((_, close)) = self.close else { return };
        // What a mutual close pays is in the wallets already.
        if matches!(close, Close::Mutual | Close::Offered(_)) {
            return;
        }
        for (txid, seen) in view.iter() {
            let spends: Vec<Spend> = self.spends_of(&seen.transaction);
            if spends.is_empty() || self.transactions.iter().any(|known| known.txid == txid) {
                continue;
            }
            let takers = spends.iter().map(|s| taker(facts, close, &s.output, s.path));
            let by = takers.flatten().next().or_else(|| seen.published_by.clone());
            let kind = match spends.iter().find_map(|spend| spend.path) {
                Some(_) if spends.iter().any(|s| s.path == Some(Path::Revocation)) => Kind::Penalty,
                Some(_) => Kind::Sweep,
                None => Kind::Unknown,
            };
            for (vout, output) in (0..).zip(&seen.transaction.output) {
                let outpoint = OutPoint { txid, vout };
                let name = match wallets.get(&output.script_pubkey) {
                    Some(role) => OutputName::Wallet(role.clone()),
                    None => OutputName::Unknown,
                };
                self.outputs.insert(outpoint, Known { name, amount: output.value });
                self.resting.push(outpoint);
            }
            self.add(facts, txid, seen, kind, by, spends);
        }
    }

    /// The outputs of the close that a transaction spends.
    fn spends_of(&self, transaction: &Transaction) -> Vec<Spend> {
        let close_outputs = &self.close_outputs;
        let inputs = transaction.input.iter();
        let ours = inputs.filter(|input| close_outputs.contains(&input.previous_output));
        ours.filter_map(|input| {
            let outpoint = input.previous_output;
            let name = self.outputs.get(&outpoint)?.name.clone();
            let path = path(&name, &input.witness);
            Some(Spend { outpoint, output: name, path })
        })
        .collect()
    }

    fn add(
        &mut self,
        facts: &Facts,
        txid: Txid,
        seen: &Seen,
        kind: Kind,
        by: Option<RoleName>,
        spends: Vec<Spend>,
    ) {
        let fee = self.fee(&seen.transaction);
        let (channel, confirmed) = (facts.name.clone(), seen.confirmed);
        let audited = AuditedTransaction { txid, channel, kind, by, spends, fee, confirmed };
        self.transactions.push(audited);
    }

    /// What a transaction pays to the miner, if all of its inputs are the channel's.
    fn fee(&self, transaction: &Transaction) -> Option<Amount> {
        let amount = |outpoint: &OutPoint| self.outputs.get(outpoint).map(|known| known.amount);
        let inputs = transaction.input.iter().map(|input| amount(&input.previous_output));
        let paid_in = inputs.sum::<Option<Amount>>()?;
        paid_in.checked_sub(transaction.output.iter().map(|output| output.value).sum())
    }

    /// The only role that can spend an output that nobody spent, if there is just one.
    pub(super) fn owner(&self, facts: &Facts, name: &OutputName) -> Option<RoleName> {
        match (name, self.close) {
            (OutputName::Wallet(role) | OutputName::Closing(role), _) => Some(role.clone()),
            (OutputName::ToRemote, Some((_, close @ Close::Commitment(..)))) => {
                taker(facts, close, name, Some(Path::Direct))
            }
            (OutputName::ToLocal, Some((_, close @ Close::Commitment(owner, number))))
                if !facts.is_revoked(owner, number) =>
            {
                taker(facts, close, name, Some(Path::Delay))
            }
            (
                OutputName::Funding
                | OutputName::ToLocal
                | OutputName::ToRemote
                | OutputName::Anchor(_)
                | OutputName::Unknown,
                _,
            ) => None,
        }
    }

    /// Who took an output by this spend.
    pub(super) fn taker(&self, facts: &Facts, spend: &Spend) -> Option<RoleName> {
        let (_, close) = self.close?;
        taker(facts, close, &spend.output, spend.path)
    }
}

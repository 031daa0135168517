//! Names transactions and outputs: a commitment by its number and the scripts of its owner, an
//! output by its script, a spend by its witness.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Txid, Witness};

use super::account::{AuditedTransaction, Kind, NamedHtlc, OutputName, Spend};
use super::chain::{Seen, View};
use super::facts::{CommitmentScripts, Facts};
use super::flow::Flow;
use super::htlc::{self, Expected};
use super::ledger::End;
use super::transactions::Transactions;
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
            let htlcs = scripts.htlcs.iter().map(|htlc| &htlc.script);
            let its: BTreeSet<&ScriptBuf> =
                htlcs.chain([&scripts.to_local, &scripts.to_remote]).collect();
            transaction.output.iter().any(|output| its.contains(&output.script_pubkey))
        })
    };
    match End::BOTH.into_iter().find(pays_like) {
        Some(owner) => Close::Commitment(owner, number),
        None => Close::Unknown,
    }
}

/// What an output of a commitment is, by its script, and its amount if it is an HTLC's.
fn commitment_output(
    facts: &Facts,
    scripts: &CommitmentScripts,
    expected: &mut Expected,
    output: &TxOut,
) -> OutputName {
    let script = &output.script_pubkey;
    match End::BOTH.into_iter().find(|end| facts.anchor(*end) == *script) {
        Some(end) => OutputName::Anchor(facts.end(end).role.clone()),
        None if *script == scripts.to_local => OutputName::ToLocal,
        None if *script == scripts.to_remote => OutputName::ToRemote,
        None => expected.take(output).map_or(OutputName::Unknown, OutputName::Htlc),
    }
}

/// What an output of a mutual close is, by its script.
fn closing_output(facts: &Facts, close: Close, output: &TxOut) -> OutputName {
    let pays = |end: &End| match close {
        Close::Mutual => facts.end(*end).shutdown_script.as_ref() == Some(&output.script_pubkey),
        Close::Offered(offer) => {
            facts.offer(offer).is_some_and(|offer| *offer.script(*end) == output.script_pubkey)
        }
        Close::Commitment(..) | Close::Unknown => false,
    };
    let end = End::BOTH.into_iter().find(pays);
    end.map_or(OutputName::Unknown, |end| OutputName::Closing(facts.end(end).role.clone()))
}

/// Who takes an output by this branch; `None` if anyone could.
fn taker(facts: &Facts, close: Close, name: &OutputName, path: Option<Path>) -> Option<RoleName> {
    let Close::Commitment(owner, _) = close else { return None };
    let role = |end| facts.end(end).role.clone();
    match (name, path?) {
        (OutputName::ToLocal | OutputName::SecondStage(_), Path::Delay) => Some(role(owner)),
        (OutputName::ToLocal | OutputName::SecondStage(_), Path::Revocation)
        | (OutputName::ToRemote, _) => Some(role(owner.other())),
        (OutputName::Htlc(htlc), path) => htlc::taker(facts, owner, htlc, path),
        (OutputName::Anchor(of), Path::Anchor) => Some(of.clone()),
        (
            OutputName::Funding
            | OutputName::ToLocal
            | OutputName::Anchor(_)
            | OutputName::SecondStage(_)
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
    pub(super) of: Origin,
}

/// What has an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Funding,
    Close,
    SecondStage,
    /// A claim, behind whatever second stages it has.
    Claim,
}

/// One channel's transactions and outputs, by name.
#[derive(Default)]
pub(super) struct Named {
    pub(super) transactions: Transactions,
    pub(super) outputs: BTreeMap<OutPoint, Known>,
    /// The outputs of the close, in their order.
    pub(super) close_outputs: Vec<OutPoint>,
    /// The HTLCs for which the commitment should have an output and has none.
    pub(super) missing: Vec<NamedHtlc>,
    /// The delayed outputs of second stages.
    pub(super) second_stages: Vec<OutPoint>,
    /// The other outputs of claims.
    pub(super) resting: Vec<OutPoint>,
    pub(super) close: Option<(Txid, Close)>,
    /// The scripts of the commitment on chain.
    scripts: Option<CommitmentScripts>,
    /// What each claim moves between wallets and the miner.
    pub(super) flows: BTreeMap<Txid, Flow>,
}

/// Names everything that descends from a funding output, but for the outputs of claims that are no
/// second stages: other channels may have a part in them. Claims of claims are left out: what lies
/// in a wallet is no longer the channel's.
pub(super) fn name(facts: &Facts, view: &View) -> Option<Named> {
    let funding = view.get(facts.funding.txid)?;
    let mut named = Named::default();
    named.transactions.push(AuditedTransaction {
        txid: facts.funding.txid,
        channel: facts.name.clone(),
        kind: Kind::Funding,
        by: Some(facts.opener.role.clone()),
        spends: Vec::new(),
        fee: None,
        confirmed: funding.confirmed,
    });
    let amount = view.output(facts.funding)?.value;
    let (name, of) = (OutputName::Funding, Origin::Funding);
    named.outputs.insert(facts.funding, Known { name, amount, of });
    if let Some((txid, _)) = view.spender(facts.funding) {
        named.add_close(facts, view, txid, view.get(txid)?);
        named.add_claims(facts, view);
    }
    Some(named)
}

impl Named {
    fn add_close(&mut self, facts: &Facts, view: &View, txid: Txid, seen: &Seen) {
        let close = close(facts, &seen.transaction);
        self.close = Some((txid, close));
        self.scripts = match close {
            Close::Commitment(owner, number) => facts.scripts(owner, number),
            Close::Mutual | Close::Offered(_) | Close::Unknown => None,
        };
        let mut expected = self.scripts.as_ref().map(Expected::new);
        for (vout, output) in (0..).zip(&seen.transaction.output) {
            let outpoint = OutPoint { txid, vout };
            // There is nothing in it, and nobody can spend it.
            if output.script_pubkey.is_op_return() && output.value == Amount::ZERO {
                continue;
            }
            let name = match (&self.scripts, &mut expected) {
                (Some(scripts), Some(expected)) => {
                    commitment_output(facts, scripts, expected, output)
                }
                _ => closing_output(facts, close, output),
            };
            self.outputs.insert(outpoint, Known { name, amount: output.value, of: Origin::Close });
            self.close_outputs.push(outpoint);
        }
        self.missing = expected.map(Expected::missing).unwrap_or_default();
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
        self.add(facts, view, txid, kind, by, spends);
    }

    /// Adds the transactions that spend outputs of the close or of second stages, each once.
    fn add_claims(&mut self, facts: &Facts, view: &View) {
        let Some((_, close)) = self.close else { return };
        // What a mutual close pays is in the wallets already.
        if matches!(close, Close::Mutual | Close::Offered(_)) {
            return;
        }
        // In the order in which they were first seen.
        let mut found: BTreeMap<usize, Txid> = spenders(view, &self.close_outputs).collect();
        while let Some((_, txid)) = found.pop_first() {
            let Some(seen) = view.get(txid).filter(|_| self.transactions.get(txid).is_none())
            else {
                continue;
            };
            let spends: Vec<Spend> = self.spends_of(facts, &seen.transaction);
            let takers = spends.iter().map(|s| taker(facts, close, &s.output, s.path));
            let by = takers.flatten().next().or_else(|| seen.published_by.clone());
            let known = self.second_stages.len();
            self.add_second_stages(facts, txid, &seen.transaction, &spends);
            let new = self.second_stages.get(known..).unwrap_or_default();
            found.extend(spenders(view, new));
            let kind = kind(facts, close, &spends);
            self.add(facts, view, txid, kind, by, spends);
        }
    }

    /// Adds the delayed outputs of a claim: each is at the index of the input that takes the HTLC.
    fn add_second_stages(
        &mut self,
        facts: &Facts,
        txid: Txid,
        transaction: &Transaction,
        spends: &[Spend],
    ) {
        let Some((_, Close::Commitment(owner, _))) = self.close else { return };
        let Some(scripts) = &self.scripts else { return };
        let spends: BTreeMap<OutPoint, &Spend> =
            spends.iter().map(|spend| (spend.outpoint, spend)).collect();
        for ((vout, input), output) in (0..).zip(&transaction.input).zip(&transaction.output) {
            let spend = spends.get(&input.previous_output);
            let htlc = spend.and_then(|spend| htlc::second_stage(facts, owner, spend));
            if let Some(htlc) = htlc.filter(|_| output.script_pubkey == scripts.to_local) {
                let outpoint = OutPoint { txid, vout };
                let (name, of) = (OutputName::SecondStage(htlc.clone()), Origin::SecondStage);
                self.outputs.insert(outpoint, Known { name, amount: output.value, of });
                self.second_stages.push(outpoint);
            }
        }
    }

    /// Whether claims of this output are the channel's matter. What a mutual close pays is in the
    /// wallets already.
    pub(super) fn follows(&self, outpoint: &OutPoint) -> bool {
        let is_agreed = matches!(self.close, Some((_, Close::Mutual | Close::Offered(_))));
        let known = self.outputs.get(outpoint).filter(|_| !is_agreed);
        known.is_some_and(|known| matches!(known.of, Origin::Close | Origin::SecondStage))
    }

    /// Whether this is the delayed output of a second stage.
    pub(super) fn is_second_stage(&self, outpoint: &OutPoint) -> bool {
        self.outputs.get(outpoint).is_some_and(|known| known.of == Origin::SecondStage)
    }

    /// The outputs of the close and of second stages that a transaction spends.
    fn spends_of(&self, facts: &Facts, transaction: &Transaction) -> Vec<Spend> {
        let inputs = transaction.input.iter();
        let ours = inputs.filter(|input| self.follows(&input.previous_output));
        ours.filter_map(|input| {
            let outpoint = input.previous_output;
            let name = self.outputs.get(&outpoint)?.name.clone();
            let path = self.path(facts, &name, &input.witness);
            Some(Spend { outpoint, output: name, path })
        })
        .collect()
    }

    /// The branch that a witness takes, by the shape that BOLT 3 gives it.
    fn path(&self, facts: &Facts, name: &OutputName, witness: &Witness) -> Option<Path> {
        let items: Vec<&[u8]> = witness.iter().collect();
        match (name, items.as_slice()) {
            (OutputName::ToLocal | OutputName::SecondStage(_), [_, [], _]) => Some(Path::Delay),
            (OutputName::ToLocal | OutputName::SecondStage(_), [_, [1], _]) => {
                Some(Path::Revocation)
            }
            (OutputName::Htlc(htlc), items) => {
                let Some((_, Close::Commitment(owner, _))) = self.close else { return None };
                let offerer = facts.end_of(&htlc.offerer)?;
                htlc::path(owner, offerer, &self.scripts.as_ref()?.revocation, items)
            }
            (OutputName::Anchor(_), [[], _]) => Some(Path::Anyone),
            (OutputName::Anchor(_), [_, _]) => Some(Path::Anchor),
            (OutputName::ToRemote, [_, _])
            | (OutputName::Closing(_) | OutputName::Wallet(_), _) => Some(Path::Direct),
            (
                OutputName::Funding
                | OutputName::ToLocal
                | OutputName::ToRemote
                | OutputName::Anchor(_)
                | OutputName::SecondStage(_)
                | OutputName::Unknown,
                _,
            ) => None,
        }
    }

    fn add(
        &mut self,
        facts: &Facts,
        view: &View,
        txid: Txid,
        kind: Kind,
        by: Option<RoleName>,
        spends: Vec<Spend>,
    ) {
        let (fee, channel) = (view.fee(txid), facts.name.clone());
        let confirmed = view.get(txid).and_then(|seen| seen.confirmed);
        let audited = AuditedTransaction { txid, channel, kind, by, spends, fee, confirmed };
        self.transactions.push(audited);
    }

    /// The transactions that spend outputs of the close or of second stages.
    pub(super) fn claims(&self) -> impl Iterator<Item = &AuditedTransaction> {
        self.transactions.iter().filter(|transaction| is_claim(transaction))
    }

    /// One of these.
    pub(super) fn claim(&self, txid: Txid) -> Option<&AuditedTransaction> {
        self.transactions.get(txid).filter(|transaction| is_claim(transaction))
    }

    /// The only role that can spend an output that nobody spent, if there is just one.
    pub(super) fn owner(&self, facts: &Facts, name: &OutputName) -> Option<RoleName> {
        match (name, self.close) {
            (OutputName::Wallet(role) | OutputName::Closing(role), _) => Some(role.clone()),
            (OutputName::ToRemote, Some((_, close @ Close::Commitment(..)))) => {
                taker(facts, close, name, Some(Path::Direct))
            }
            (
                OutputName::ToLocal | OutputName::SecondStage(_),
                Some((_, close @ Close::Commitment(owner, number))),
            ) if !facts.is_revoked(owner, number) => taker(facts, close, name, Some(Path::Delay)),
            // An HTLC is whose preimage or time comes first.
            (
                OutputName::Funding
                | OutputName::ToLocal
                | OutputName::ToRemote
                | OutputName::Anchor(_)
                | OutputName::Htlc(_)
                | OutputName::SecondStage(_)
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

/// The transactions that spend these outputs, by their places in the view.
fn spenders(view: &View, outputs: &[OutPoint]) -> impl Iterator<Item = (usize, Txid)> {
    let spenders = outputs.iter().filter_map(|outpoint| view.spender(*outpoint));
    spenders.filter_map(|(txid, _)| Some((view.get(txid)?.place, txid)))
}

/// Whether a transaction spends outputs of the close or of second stages.
fn is_claim(transaction: &AuditedTransaction) -> bool {
    transaction.spends.iter().any(|spend| spend.output != OutputName::Funding)
}

/// What a claim is, by the branches that it takes.
fn kind(facts: &Facts, close: Close, spends: &[Spend]) -> Kind {
    let second_stage = |spend: &Spend| {
        let Close::Commitment(owner, _) = close else { return None };
        htlc::second_stage(facts, owner, spend).and(spend.path)
    };
    if spends.iter().all(|spend| spend.path.is_none()) {
        return Kind::Unknown;
    }
    if spends.iter().any(|spend| spend.path == Some(Path::Revocation)) {
        return Kind::Penalty;
    }
    if spends.iter().all(|spend| matches!(spend.output, OutputName::Anchor(_))) {
        return Kind::AnchorSpend;
    }
    match spends.iter().find_map(second_stage) {
        Some(Path::Preimage) => Kind::HtlcSuccess,
        Some(_) => Kind::HtlcTimeout,
        None => Kind::Sweep,
    }
}

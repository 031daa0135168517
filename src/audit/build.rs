//! Builds the account of each channel, and finds what cannot be right whatever a scenario says.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{OutPoint, ScriptBuf, Transaction};

use super::account::{
    Account, AuditedOutput, AuditedTransaction, ChannelAccount, Fate, OutputName,
};
use super::chain::View;
use super::facts::{Facts, facts};
use super::flow::follow;
use super::ledger::{End, State};
use super::name::{Close, Named, name};
use super::robbed::{Party, find_robbed};
use crate::bolt::units::Msat;
use crate::scenario::{RoleKind, RoleName};
use crate::trace::{Answer, CastEntry, Event, Trace};

/// The account of a trace, as far as it goes: transactions of the mempool are in it too.
pub fn account(trace: &Trace) -> Account {
    let view = View::new(trace);
    let cast = Cast::of(trace);
    let facts = facts(trace);
    let mut named: Vec<Option<Named>> = facts
        .iter()
        .map(|facts| {
            // Who cheats may fund something else; who is honest may not.
            let is_funded = cast.is_honest(&facts.opener.role) || is_as_agreed(facts, &view);
            name(facts, &view).filter(|_| is_funded)
        })
        .collect();
    let mut on_chain: Vec<&mut Named> = named.iter_mut().flatten().collect();
    follow(&mut on_chain, &view, &cast.wallets);
    let mut account = Account::default();
    let parties: Vec<Party<'_>> = facts
        .iter()
        .zip(&named)
        .map(|(facts, named)| {
            let book = named.as_ref().map(|named| Book::new(facts, named, &view));
            Party { facts, book }
        })
        .collect();
    for party in &parties {
        let channel = match &party.book {
            Some(book) => book.channel(&mut account.problems),
            None => never_funded(party.facts, &cast.honest),
        };
        account.channels.push(channel);
    }
    find_robbed(&parties, &mut account.channels, &cast);
    account.transactions =
        named.into_iter().flatten().flat_map(|named| named.transactions.into_vec()).collect();
    let place = |transaction: &AuditedTransaction| Some(view.get(transaction.txid)?.place);
    account.transactions.sort_by_key(place);
    account
}

/// The hashes of whatever a transaction shows that could be a preimage.
fn preimages(transaction: &Transaction) -> impl Iterator<Item = sha256::Hash> {
    let items = transaction.input.iter().flat_map(|input| input.witness.iter());
    items.filter(|item| item.len() == 32).map(sha256::Hash::hash)
}

/// Who plays.
#[derive(Default)]
pub(super) struct Cast {
    pub(super) honest: Vec<RoleName>,
    wallets: BTreeMap<ScriptBuf, RoleName>,
    /// Who made invoices with which hashes.
    pub(super) invoices: BTreeSet<(RoleName, sha256::Hash)>,
    /// Who showed preimages of which hashes in transactions that a mempool took: whatever becomes of
    /// those, everybody knows.
    pub(super) shown: BTreeSet<(RoleName, sha256::Hash)>,
}

impl Cast {
    fn of(trace: &Trace) -> Self {
        let mut known = Self::default();
        for entry in &trace.entries {
            // Whoever was cut off showed what it showed to somebody.
            match entry.event.plain() {
                Event::Scenario { cast, .. } => cast.iter().for_each(|role| known.introduce(role)),
                Event::Published { by, transaction, answer: Answer::Accepted, .. } => {
                    known.shown.extend(preimages(&transaction.0).map(|hash| (by.clone(), hash)));
                }
                Event::Invoice { role, payment_hash, .. } => {
                    known.invoices.insert((role.clone(), *payment_hash));
                }
                _ => {}
            }
        }
        known
    }

    fn introduce(&mut self, role: &CastEntry) {
        self.wallets.insert(role.wallet.clone(), role.name.clone());
        if role.kind == RoleKind::Honest {
            self.honest.push(role.name.clone());
        }
    }

    fn is_honest(&self, role: &RoleName) -> bool {
        self.honest.contains(role)
    }
}

/// Whether the funding output is what both sides agreed on.
fn is_as_agreed(facts: &Facts, view: &View) -> bool {
    let found = view.get(facts.funding.txid).and_then(|seen| {
        let position = usize::try_from(facts.funding.vout).ok()?;
        seen.transaction.output.get(position)
    });
    found.is_some_and(|output| {
        output.value == facts.capacity && output.script_pubkey == facts.funding_script()
    })
}

/// The account of a channel whose funding transaction is nowhere, or another one: it was never
/// published, or it can never confirm any more. Once both sides use the channel, what the acceptor
/// has in it is lost; the opener still has its coins.
fn never_funded(facts: &Facts, honest: &[RoleName]) -> ChannelAccount {
    let mut channel = empty(facts);
    let (acceptor, committed) = (&facts.acceptor.role, facts.committed(End::Acceptor));
    if facts.is_ready() && honest.contains(acceptor) && committed > Msat::ZERO {
        channel.robbed.insert(acceptor.clone(), committed);
    }
    channel
}

fn empty(facts: &Facts) -> ChannelAccount {
    ChannelAccount {
        name: facts.name.clone(),
        funding: None,
        funding_txid: facts.funding.txid,
        close: None,
        outputs: Vec::new(),
        second_stages: Vec::new(),
        resting: Vec::new(),
        entitled: BTreeMap::new(),
        taken: BTreeMap::new(),
        lost: BTreeMap::new(),
        robbed: BTreeMap::new(),
    }
}

/// All that is known of one channel on chain.
pub(super) struct Book<'a> {
    pub(super) facts: &'a Facts,
    pub(super) named: &'a Named,
    pub(super) view: &'a View,
    /// The state of the close, by the messages.
    pub(super) stated: State,
    /// The state that the close pays out. An HTLC that it has no output for is its offerer's, who
    /// loses it to the miner.
    pub(super) decided: State,
}

impl<'a> Book<'a> {
    fn new(facts: &'a Facts, named: &'a Named, view: &'a View) -> Self {
        let (stated, decided) = match named.close {
            Some((_, Close::Commitment(owner, number))) => {
                let stated = facts.state(owner, number).unwrap_or_default();
                let feerate = stated.feerate;
                let is_trimmed =
                    |offerer, amount| facts.is_trimmed(owner, offerer, amount, feerate);
                (stated.clone(), stated.giving_back(is_trimmed))
            }
            Some((_, Close::Mutual | Close::Offered(_) | Close::Unknown)) | None => {
                let newest = facts.ledger.newest(End::Opener);
                (newest.clone(), newest)
            }
        };
        Self { facts, named, view, stated, decided }
    }

    fn channel(&self, problems: &mut Vec<String>) -> ChannelAccount {
        let (facts, named) = (self.facts, self.named);
        let close = named.close.and_then(|(txid, _)| {
            let close = named.transactions.get(txid);
            close.filter(|close| close.confirmed.is_some()).cloned()
        });
        let outputs = |outpoints: &[OutPoint]| -> Vec<AuditedOutput> {
            outpoints.iter().filter_map(|outpoint| self.output(*outpoint)).collect()
        };
        let mut channel = ChannelAccount {
            funding: self.output(facts.funding),
            close,
            outputs: outputs(&named.close_outputs),
            second_stages: outputs(&named.second_stages),
            resting: outputs(&named.resting),
            ..empty(facts)
        };
        if !is_as_agreed(facts, self.view) {
            let name = &facts.name;
            problems.push(format!("the funding output of {name} is not the one agreed on"));
        }
        if channel.close.is_some() {
            self.settle(&mut channel);
            self.check(&channel, problems);
        }
        self.strangers(&channel, problems);
        channel
    }

    /// A confirmed output and what became of it.
    fn output(&self, outpoint: OutPoint) -> Option<AuditedOutput> {
        let known = self.named.outputs.get(&outpoint)?;
        self.view.get(outpoint.txid)?.confirmed?;
        let spend = self.named.transactions.spend_of(outpoint);
        let fate = match spend.filter(|(tx, _)| tx.confirmed.is_some()) {
            None => Fate::Unspent { owner: self.named.owner(self.facts, &known.name) },
            Some((tx, spend)) if known.name == OutputName::Funding => {
                Fate::Spent { by: tx.txid, to: None, path: spend.path }
            }
            Some((tx, spend)) => {
                let to = self.named.taker(self.facts, spend).or_else(|| tx.by.clone());
                Fate::Spent { by: tx.txid, to, path: spend.path }
            }
        };
        let is_theirs = matches!(fate, Fate::Unspent { owner: Some(_) });
        let is_at_rest = is_theirs && spend.is_none();
        let mover = self.view.spender(outpoint).filter(|_| is_at_rest).map(|(txid, _)| txid);
        let (amount, name) = (known.amount, known.name.clone());
        Some(AuditedOutput { outpoint, amount, name, fate, moved_by: mover })
    }

    pub(super) fn role(&self, end: End) -> RoleName {
        self.facts.end(end).role.clone()
    }

    /// Whether an output of the close carries the balance of this side.
    pub(super) fn is_balance_of(&self, output: &AuditedOutput, end: End) -> bool {
        let role = &self.facts.end(end).role;
        match (&output.name, self.named.close) {
            (OutputName::Closing(of), _) => of == role,
            (OutputName::ToLocal, Some((_, Close::Commitment(owner, _)))) => owner == end,
            (OutputName::ToRemote, Some((_, Close::Commitment(owner, _)))) => owner.other() == end,
            (
                OutputName::Funding
                | OutputName::ToLocal
                | OutputName::ToRemote
                | OutputName::Anchor(_)
                | OutputName::Htlc(_)
                | OutputName::SecondStage(_)
                | OutputName::Wallet(_)
                | OutputName::Unknown,
                _,
            ) => false,
        }
    }
}

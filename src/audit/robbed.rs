//! What honest roles were robbed of.
//!
//! - A role that ends with less of a channel than it had for certain lost the difference. What it
//!   takes by revocation counts as its own; what it gets of an HTLC that was still in flight does
//!   not, for that was never in its balance.
//!   Of a cheat's balance that is what the revoked commitment left of it: its fee is the miner's.
//! - A role that passed a payment on, paid for it and was not paid lost what it paid, less what it
//!   got for that hash. That is booked to the channel where it had to pay.
//! - A recipient that gave the preimage away, and the HTLC went back to its offerer, lost the HTLC,
//!   unless it had passed the payment on.
//!
//! HTLCs that nobody took yet are no loss, nor is what the miner has of one that was trimmed. Where
//! the other side published a revoked commitment, what the victim took by revocation beyond its own
//! makes up for HTLCs of that channel first.

use std::collections::BTreeMap;

use bitcoin::hashes::sha256;

use super::account::{ChannelAccount, Fate, OutputName};
use super::build::{Book, Cast};
use super::facts::Facts;
use super::ledger::{End, Htlc, Key, Ledger};
use super::name::Close;
use super::settle::OnChain;
use crate::bolt::units::{CommitmentNumber, Msat};
use crate::scenario::{Path, RoleName};

/// What is known of a channel, and what of it is on chain if something is.
pub(super) struct Party<'a> {
    pub(super) facts: &'a Facts,
    pub(super) book: Option<Book<'a>>,
}

/// What became of an HTLC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    /// Who it was offered to has it.
    Paid,
    /// Who offered it has it back.
    Returned,
    /// It is in flight, or nobody took its output yet.
    Open,
    /// It was trimmed.
    Miner,
    /// The commitment on chain is too old to have it.
    Gone,
}

/// An HTLC that a role offered, or was offered.
struct Held {
    /// The position of its channel.
    at: usize,
    key: Key,
    htlc: Htlc,
    lot: Lot,
}

/// What a role lost by HTLCs.
struct Loss {
    /// The position of the channel to which it is booked.
    at: usize,
    amount: i128,
    /// The channels where the role should have been paid.
    owed_by: Vec<usize>,
}

/// Fills in what honest roles were robbed of. What is there already stays.
pub(super) fn find_robbed(parties: &[Party<'_>], channels: &mut [ChannelAccount], cast: &Cast) {
    for role in &cast.honest {
        // Of each channel: what the role took by revocation beyond its own.
        let mut covers: Vec<i128> = Vec::new();
        for (party, channel) in parties.iter().zip(channels.iter_mut()) {
            let short = party.shortfall(channel, role);
            rob(channel, role, short);
            covers.push(if party.is_victim(role) { 0.max(-short) } else { 0 });
        }
        for loss in losses(parties, channels, role, cast) {
            let mut amount = loss.amount;
            for owed_by in loss.owed_by {
                let Some(cover) = covers.get_mut(owed_by) else { continue };
                let covered = amount.min(*cover);
                *cover -= covered;
                amount -= covered;
            }
            if let Some(channel) = channels.get_mut(loss.at) {
                rob(channel, role, amount);
            }
        }
    }
}

/// What a role lost by HTLCs, before what makes up for it.
fn losses(
    parties: &[Party<'_>],
    channels: &[ChannelAccount],
    role: &RoleName,
    cast: &Cast,
) -> Vec<Loss> {
    let mut by_hash: BTreeMap<sha256::Hash, (Vec<Held>, Vec<Held>)> = BTreeMap::new();
    for (at, (party, channel)) in parties.iter().zip(channels).enumerate() {
        let Some(end) = party.facts.end_of(role) else { continue };
        let takers = party.takers(channel);
        for (key, htlc) in party.facts.ledger.htlcs() {
            let held = Held { at, key, htlc, lot: party.lot(channel, &takers, key) };
            let (incoming, outgoing) = by_hash.entry(htlc.payment_hash).or_default();
            if key.0 == end { outgoing.push(held) } else { incoming.push(held) }
        }
    }
    let of_hash = |(hash, (incoming, outgoing)): (sha256::Hash, (Vec<Held>, Vec<Held>))| {
        // Who made the invoice is paid, even if it pays itself.
        let is_its_own = cast.invoices.contains(&(role.clone(), hash));
        if is_its_own || outgoing.is_empty() {
            let is_shown = cast.shown.contains(&(role.clone(), hash));
            given_away(parties, &incoming, is_shown)
        } else if incoming.is_empty() {
            Vec::new()
        } else {
            unpaid(&incoming, &outgoing).into_iter().collect()
        }
    };
    by_hash.into_iter().flat_map(of_hash).collect()
}

/// Incoming HTLCs that the role has nothing of, though it sent their preimage, or showed it on chain.
fn given_away(parties: &[Party<'_>], incoming: &[Held], is_shown: bool) -> Vec<Loss> {
    let lost = incoming.iter().filter(|held| {
        let ledger = parties.get(held.at).map(|party| &party.facts.ledger);
        // What is settled in the newest commitments is in the balances.
        let is_given = |ledger: &&Ledger| {
            (is_shown || ledger.is_fulfilled(held.key)) && ledger.is_pending(held.key)
        };
        matches!(held.lot, Lot::Returned | Lot::Gone) && ledger.is_some_and(|l| is_given(&l))
    });
    let loss = |held: &Held| Loss {
        at: held.at,
        amount: held.htlc.amount.0.into(),
        owed_by: vec![held.at],
    };
    lost.map(loss).collect()
}

/// What a role paid for a payment that it passed on, and did not get.
fn unpaid(incoming: &[Held], outgoing: &[Held]) -> Option<Loss> {
    let sum = |held: &[Held], lots: &[Lot]| -> i128 {
        let counted = held.iter().filter(|held| lots.contains(&held.lot));
        counted.map(|held| i128::from(held.htlc.amount.0)).sum()
    };
    let paid = sum(outgoing, &[Lot::Paid]);
    let got = sum(incoming, &[Lot::Paid, Lot::Open, Lot::Miner]);
    let at = outgoing.iter().find(|held| held.lot == Lot::Paid)?.at;
    let owing = incoming.iter().filter(|held| matches!(held.lot, Lot::Returned | Lot::Gone));
    let owed_by = owing.map(|held| held.at).collect();
    (paid > got).then(|| Loss { at, amount: paid - got, owed_by })
}

/// Adds to what a role was robbed of.
fn rob(channel: &mut ChannelAccount, role: &RoleName, amount: i128) {
    if amount > 0 {
        let robbed = channel.robbed.entry(role.clone()).or_default();
        let amount = Msat(u64::try_from(amount).unwrap_or(u64::MAX));
        *robbed = robbed.checked_add(amount).unwrap_or(*robbed);
    }
}

impl Party<'_> {
    /// The commitment on chain.
    fn commitment(&self) -> Option<(&Book<'_>, End, CommitmentNumber)> {
        let book = self.book.as_ref()?;
        match book.named.close {
            Some((_, Close::Commitment(owner, number))) => Some((book, owner, number)),
            Some((_, Close::Mutual | Close::Offered(_) | Close::Unknown)) | None => None,
        }
    }

    /// Whether the other side published a commitment that it had revoked.
    fn is_victim(&self, role: &RoleName) -> bool {
        self.commitment().is_some_and(|(_, owner, number)| {
            self.facts.is_revoked(owner, number) && self.facts.end_of(role) == Some(owner.other())
        })
    }

    /// How much less a role has of a closed channel than it had for certain; below zero if it has
    /// more.
    fn shortfall(&self, channel: &ChannelAccount, role: &RoleName) -> i128 {
        let (Some(book), Some(end)) = (&self.book, self.facts.end_of(role)) else { return 0 };
        if channel.close.is_none() {
            return 0;
        }
        let msat = |amount: Msat| i128::from(amount.0);
        // What the miner has of an HTLC was not its offerer's for certain.
        let given_back = msat(book.decided.of(end)) - msat(book.stated.of(end));
        let entitled = msat(channel.entitled.get(role).copied().unwrap_or_default());
        let in_flight: i128 = book
            .on_chain(channel)
            .into_iter()
            .filter(|htlc| htlc.taker.as_ref() == Some(role) && !htlc.is_penalty)
            .filter(|htlc| self.facts.ledger.is_pending(htlc.key))
            .map(|htlc| msat(htlc.amount))
            .sum();
        // Nor are anchors in it: what the opener pays for them is like a fee. Of a cheat's balance
        // they are missing, as its fee is.
        let unpaid = self.unpaid_by_cheat(book, channel, end);
        let anchors: i128 = channel
            .outputs
            .iter()
            .filter(|output| matches!(output.name, OutputName::Anchor(_)))
            .filter_map(|output| match &output.fate {
                Fate::Spent { to: Some(to), .. } => Some((to == role, output.amount)),
                Fate::Spent { to: None, .. } | Fate::Unspent { .. } => None,
            })
            .map(|(is_taken, amount)| match (end, is_taken) {
                _ if unpaid.is_some() => -i128::from(amount.to_sat()) * 1000,
                (End::Opener, false) => -i128::from(amount.to_sat()) * 1000,
                (End::Acceptor, true) => i128::from(amount.to_sat()) * 1000,
                (End::Opener, true) | (End::Acceptor, false) => 0,
            })
            .sum();
        let unpaid = unpaid.unwrap_or_default();
        msat(self.facts.committed(end)) - (entitled - unpaid - given_back - in_flight - anchors)
    }

    /// What a revoked commitment did not pay out of the cheat's balance that `victim` took: its fee,
    /// above all. The victim was to have all of the balance. `None` if it did not take it.
    fn unpaid_by_cheat(
        &self,
        book: &Book<'_>,
        channel: &ChannelAccount,
        victim: End,
    ) -> Option<i128> {
        let (_, owner, _) = self.commitment().filter(|(_, owner, _)| *owner == victim.other())?;
        let to_local = channel.outputs.iter().find(|output| {
            let path = match output.fate {
                Fate::Spent { path, .. } => path,
                Fate::Unspent { .. } => None,
            };
            output.name == OutputName::ToLocal && path == Some(Path::Revocation)
        })?;
        let paid = i128::from(to_local.amount.to_sat()) * 1000;
        Some(i128::from(book.decided.of(owner).0) - paid)
    }

    /// Who took the HTLCs that have an output on chain.
    fn takers(&self, channel: &ChannelAccount) -> BTreeMap<Key, End> {
        let on_chain = self.book.iter().flat_map(|book| book.on_chain(channel));
        let taker = |htlc: OnChain| Some((htlc.key, self.facts.end_of(&htlc.taker?)?));
        on_chain.filter_map(taker).collect()
    }

    /// What became of an HTLC.
    fn lot(&self, channel: &ChannelAccount, takers: &BTreeMap<Key, End>, key: Key) -> Lot {
        let ledger = &self.facts.ledger;
        let removed = || match ledger.removal(key) {
            Some(true) => Lot::Paid,
            Some(false) => Lot::Returned,
            None => Lot::Gone,
        };
        if !ledger.is_pending(key) {
            return removed();
        }
        let Some((book, owner, number)) = self.commitment().filter(|_| channel.close.is_some())
        else {
            return Lot::Open;
        };
        if book.stated.htlcs.contains_key(&key) {
            if !book.decided.htlcs.contains_key(&key) {
                return Lot::Miner;
            }
            return match takers.get(&key) {
                Some(end) if *end == key.0 => Lot::Returned,
                Some(_) => Lot::Paid,
                None => Lot::Open,
            };
        }
        let number = usize::try_from(number.0).unwrap_or(usize::MAX);
        match ledger.last_with(owner, key) {
            Some(last) if number > last => removed(),
            Some(_) | None => Lot::Gone,
        }
    }
}

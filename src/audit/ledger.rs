//! The audit's own books of a channel's balances: what each commitment holds, by the messages that
//! both sides sent. BOLT 2, "Normal Operation".
//!
//! An update counts in the peer's commitment from its proposer's next `commitment_signed` on, and
//! in the proposer's own from the first `commitment_signed` after the peer acknowledged it by
//! `revoke_and_ack`. Nothing else is remembered of its life.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::sha256;
use secp256k1::ecdsa::Signature;

use super::updates::{Change, Updates};
use crate::bolt::units::{CltvExpiry, FeeratePerKw, HtlcId, Msat};
use crate::bolt::wire::Message;

/// One of the two sides of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// Who funded it.
    Opener,
    /// The other one.
    Acceptor,
}

impl End {
    pub(super) const BOTH: [Self; 2] = [Self::Opener, Self::Acceptor];

    pub(super) fn other(self) -> Self {
        match self {
            Self::Opener => Self::Acceptor,
            Self::Acceptor => Self::Opener,
        }
    }
}

/// Something of each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Both<T> {
    opener: T,
    acceptor: T,
}

impl<T> Both<T> {
    pub(super) fn of(&self, end: End) -> &T {
        match end {
            End::Opener => &self.opener,
            End::Acceptor => &self.acceptor,
        }
    }

    pub(super) fn of_mut(&mut self, end: End) -> &mut T {
        match end {
            End::Opener => &mut self.opener,
            End::Acceptor => &mut self.acceptor,
        }
    }
}

/// An HTLC by who offered it and its id.
pub(super) type Key = (End, HtlcId);

/// An HTLC, as `update_add_htlc` offered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Htlc {
    pub(super) amount: Msat,
    pub(super) payment_hash: sha256::Hash,
    pub(super) cltv_expiry: CltvExpiry,
}

/// What a commitment holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) feerate: FeeratePerKw,
    pub(super) opener: Msat,
    pub(super) acceptor: Msat,
    /// HTLCs in flight, by who offered them.
    pub(super) htlcs: BTreeMap<Key, Htlc>,
}

impl State {
    pub(super) fn of(&self, end: End) -> Msat {
        match end {
            End::Opener => self.opener,
            End::Acceptor => self.acceptor,
        }
    }

    fn of_mut(&mut self, end: End) -> &mut Msat {
        match end {
            End::Opener => &mut self.opener,
            End::Acceptor => &mut self.acceptor,
        }
    }

    /// Takes an HTLC out and pays its amount to this side.
    fn remove(&mut self, offerer: End, id: HtlcId, payee: End) {
        if let Some(htlc) = self.htlcs.remove(&(offerer, id)) {
            let balance = self.of_mut(payee);
            *balance = balance.checked_add(htlc.amount).unwrap_or(*balance);
        }
    }

    /// The same without these HTLCs, whose amounts go back to who offered them.
    pub(super) fn giving_back(mut self, is_given: impl Fn(End, Msat) -> bool) -> Self {
        let given =
            self.htlcs.iter().filter(|((offerer, _), htlc)| is_given(*offerer, htlc.amount));
        let given: Vec<Key> = given.map(|(key, _)| *key).collect();
        for (offerer, id) in given {
            self.remove(offerer, id, offerer);
        }
        self
    }

    /// Makes a change that this side proposed.
    pub(super) fn apply(&mut self, proposer: End, change: &Change) {
        match *change {
            Change::Add(id, htlc) => {
                let payer = self.of_mut(proposer);
                *payer = payer.saturating_sub(htlc.amount);
                self.htlcs.insert((proposer, id), htlc);
            }
            Change::Fulfill(id) => self.remove(proposer.other(), id, proposer),
            Change::Feerate(feerate) => self.feerate = feerate,
            Change::Fail(id) => self.remove(proposer.other(), id, proposer.other()),
        }
    }
}

/// The books. What a commitment holds is not kept, but follows from the updates: there are as many
/// commitments as there are rounds, and each may hold as many HTLCs.
#[derive(Default)]
pub(super) struct Ledger {
    beginning: State,
    updates: Updates,
    /// The HTLCs for which a preimage was sent, signed for or not.
    fulfilled: BTreeSet<Key>,
    /// The last signature that each side gave for a commitment.
    signatures: BTreeMap<End, Signature>,
    /// The number of each side's newest commitment.
    newest: Both<usize>,
}

impl Ledger {
    /// Both sides' first commitments.
    pub(super) fn begin(feerate: FeeratePerKw, opener: Msat, acceptor: Msat) -> Self {
        let beginning = State { feerate, opener, acceptor, htlcs: BTreeMap::new() };
        Self { beginning, ..Self::default() }
    }

    /// Books a message of this side.
    pub(super) fn book(&mut self, from: End, message: &Message) {
        match message {
            Message::UpdateAddHtlc(add) => {
                let htlc = Htlc {
                    amount: add.amount_msat,
                    payment_hash: add.payment_hash,
                    cltv_expiry: add.cltv_expiry,
                };
                self.updates.propose(from, Change::Add(add.id, htlc));
            }
            Message::UpdateFulfillHtlc(fulfill) => {
                self.fulfilled.insert((from.other(), fulfill.id));
                self.updates.propose(from, Change::Fulfill(fulfill.id));
            }
            Message::UpdateFailHtlc(fail) => self.updates.propose(from, Change::Fail(fail.id)),
            Message::UpdateFailMalformedHtlc(fail) => {
                self.updates.propose(from, Change::Fail(fail.id));
            }
            Message::UpdateFee(update) => {
                self.updates.propose(from, Change::Feerate(update.feerate_per_kw));
            }
            Message::CommitmentSigned(signed) => self.sign(from, signed.signature),
            Message::RevokeAndAck(_) => self.updates.acknowledge(from.other()),
            // The others change nothing that the audit accounts for.
            _ => {}
        }
    }

    /// The connection is lost: updates that nobody signed are as good as never sent.
    pub(super) fn disconnect(&mut self) {
        self.updates.forget_proposed();
    }

    /// `signer` signs the other side's next commitment.
    fn sign(&mut self, signer: End, signature: Signature) {
        // After a hang-up a side sends again what the other may have lost, in the same words.
        if self.signatures.insert(signer, signature) == Some(signature) {
            return;
        }
        let newest = self.newest.of_mut(signer.other());
        *newest += 1;
        self.updates.sign(signer, *newest);
    }

    /// Whether a preimage was sent for an HTLC.
    pub(super) fn is_fulfilled(&self, key: Key) -> bool {
        self.fulfilled.contains(&key)
    }

    /// How an HTLC was removed, if it was: whether it was paid.
    pub(super) fn removal(&self, key: Key) -> Option<bool> {
        self.updates.removal(key)
    }

    /// Every HTLC that a commitment of either side ever held.
    pub(super) fn htlcs(&self) -> BTreeMap<Key, Htlc> {
        let was_held =
            |key| End::BOTH.into_iter().any(|owner| self.last_with(owner, key).is_some());
        self.updates.added().filter(|(key, _)| was_held(*key)).collect()
    }

    /// The newest commitment of a side that holds an HTLC.
    pub(super) fn last_with(&self, owner: End, key: Key) -> Option<usize> {
        self.updates.last_with(owner, key, *self.newest.of(owner))
    }

    /// Whether the newest commitment of either side holds an HTLC.
    pub(super) fn is_pending(&self, key: Key) -> bool {
        End::BOTH
            .into_iter()
            .any(|owner| self.last_with(owner, key) == Some(*self.newest.of(owner)))
    }

    /// What a side's commitment of this number holds; `None` if nobody signed it.
    pub(super) fn state(&self, owner: End, number: usize) -> Option<State> {
        (number <= *self.newest.of(owner))
            .then(|| self.updates.state(&self.beginning, owner, number))
    }

    /// What a side's newest commitment holds.
    pub(super) fn newest(&self, owner: End) -> State {
        self.updates.state(&self.beginning, owner, *self.newest.of(owner))
    }
}

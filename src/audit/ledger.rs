//! The audit's own books of a channel's balances: what each commitment holds, by the messages that
//! both sides sent. BOLT 2, "Normal Operation".
//!
//! An update counts in the peer's commitment from its proposer's next `commitment_signed` on, and
//! in the proposer's own from the first `commitment_signed` after the peer acknowledged it by
//! `revoke_and_ack`. Nothing else is remembered of its life.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::sha256;
use secp256k1::ecdsa::Signature;

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

    fn apply(&mut self, update: &Update) {
        match update.change {
            Change::Add(id, htlc) => {
                let payer = self.of_mut(update.proposer);
                *payer = payer.saturating_sub(htlc.amount);
                self.htlcs.insert((update.proposer, id), htlc);
            }
            Change::Fulfill(id) => self.remove(update.proposer.other(), id, update.proposer),
            Change::Feerate(feerate) => self.feerate = feerate,
            Change::Fail(id) => {
                self.remove(update.proposer.other(), id, update.proposer.other());
            }
        }
    }
}

enum Change {
    Add(HtlcId, Htlc),
    Fulfill(HtlcId),
    Fail(HtlcId),
    Feerate(FeeratePerKw),
}

impl Change {
    /// Whether this says again what another change of the same side said: an HTLC is added once,
    /// and removed once.
    fn repeats(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Add(id, _), Self::Add(known, _))
            | (Self::Fulfill(id) | Self::Fail(id), Self::Fulfill(known) | Self::Fail(known)) => {
                id == known
            }
            (Self::Add(..) | Self::Fulfill(_) | Self::Fail(_) | Self::Feerate(_), _) => false,
        }
    }
}

/// How far the peer has come with an update.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Proposed,
    Signed,
    Acknowledged,
}

struct Update {
    proposer: End,
    change: Change,
    progress: Progress,
}

/// The books.
#[derive(Default)]
pub(super) struct Ledger {
    beginning: State,
    updates: Vec<Update>,
    /// The HTLCs for which a preimage was sent, signed for or not.
    fulfilled: BTreeSet<Key>,
    /// The last signature that each side gave for a commitment.
    signatures: BTreeMap<End, Signature>,
    /// What the commitments of each side hold; the position is the number.
    opener: Vec<State>,
    acceptor: Vec<State>,
}

impl Ledger {
    /// Both sides' first commitments.
    pub(super) fn begin(feerate: FeeratePerKw, opener: Msat, acceptor: Msat) -> Self {
        let beginning = State { feerate, opener, acceptor, htlcs: BTreeMap::new() };
        Self {
            opener: vec![beginning.clone()],
            acceptor: vec![beginning.clone()],
            beginning,
            updates: Vec::new(),
            fulfilled: BTreeSet::new(),
            signatures: BTreeMap::new(),
        }
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
                self.propose(from, Change::Add(add.id, htlc));
            }
            Message::UpdateFulfillHtlc(fulfill) => {
                self.fulfilled.insert((from.other(), fulfill.id));
                self.propose(from, Change::Fulfill(fulfill.id));
            }
            Message::UpdateFailHtlc(fail) => self.propose(from, Change::Fail(fail.id)),
            Message::UpdateFailMalformedHtlc(fail) => self.propose(from, Change::Fail(fail.id)),
            Message::UpdateFee(update) => {
                self.propose(from, Change::Feerate(update.feerate_per_kw));
            }
            Message::CommitmentSigned(signed) => self.sign(from, signed.signature),
            Message::RevokeAndAck(_) => {
                self.advance(from.other(), Progress::Signed, Progress::Acknowledged);
            }
            // The others change nothing that the audit accounts for.
            _ => {}
        }
    }

    /// The connection is lost: updates that nobody signed are as good as never sent.
    pub(super) fn disconnect(&mut self) {
        self.updates.retain(|update| update.progress != Progress::Proposed);
    }

    fn propose(&mut self, proposer: End, change: Change) {
        let mut known = self.updates.iter().filter(|update| update.proposer == proposer);
        if known.any(|update| change.repeats(&update.change)) {
            return;
        }
        self.updates.push(Update { proposer, change, progress: Progress::Proposed });
    }

    fn advance(&mut self, proposer: End, from: Progress, to: Progress) {
        let waiting =
            self.updates.iter_mut().filter(|u| u.proposer == proposer && u.progress == from);
        waiting.for_each(|update| update.progress = to);
    }

    /// `signer` signs the other side's next commitment.
    fn sign(&mut self, signer: End, signature: Signature) {
        // After a hang-up a side sends again what the other may have lost, in the same words.
        if self.signatures.insert(signer, signature) == Some(signature) {
            return;
        }
        self.advance(signer, Progress::Proposed, Progress::Signed);
        let mut state = self.beginning.clone();
        let counts = |update: &&Update| {
            update.proposer == signer || update.progress == Progress::Acknowledged
        };
        self.updates.iter().filter(counts).for_each(|update| state.apply(update));
        match signer {
            End::Opener => self.acceptor.push(state),
            End::Acceptor => self.opener.push(state),
        }
    }

    /// Whether a preimage was sent for an HTLC.
    pub(super) fn is_fulfilled(&self, key: Key) -> bool {
        self.fulfilled.contains(&key)
    }

    /// How an HTLC was removed, if it was: whether it was paid.
    pub(super) fn removal(&self, (offerer, id): Key) -> Option<bool> {
        let removals = self.updates.iter().filter(|update| update.proposer == offerer.other());
        removals.into_iter().find_map(|update| match update.change {
            Change::Fulfill(removed) if removed == id => Some(true),
            Change::Fail(removed) if removed == id => Some(false),
            Change::Add(..) | Change::Fulfill(_) | Change::Fail(_) | Change::Feerate(_) => None,
        })
    }

    /// Every HTLC that a commitment of either side ever held.
    pub(super) fn htlcs(&self) -> BTreeMap<Key, Htlc> {
        let states = self.opener.iter().chain(&self.acceptor);
        states.flat_map(|state| &state.htlcs).map(|(key, htlc)| (*key, *htlc)).collect()
    }

    /// The newest commitment of a side that holds an HTLC.
    pub(super) fn last_with(&self, owner: End, key: Key) -> Option<usize> {
        self.states(owner).iter().rposition(|state| state.htlcs.contains_key(&key))
    }

    /// Whether the newest commitment of either side holds an HTLC.
    pub(super) fn is_pending(&self, key: Key) -> bool {
        End::BOTH.into_iter().any(|owner| {
            self.states(owner).last().is_some_and(|state| state.htlcs.contains_key(&key))
        })
    }

    /// The commitments of one side; the position is the number.
    pub(super) fn states(&self, owner: End) -> &[State] {
        match owner {
            End::Opener => &self.opener,
            End::Acceptor => &self.acceptor,
        }
    }
}

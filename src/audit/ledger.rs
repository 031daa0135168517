//! The audit's own books of a channel's balances: what each commitment holds, by the messages that
//! both sides sent. BOLT 2, "Normal Operation".
//!
//! An update counts in the peer's commitment from its proposer's next `commitment_signed` on, and
//! in the proposer's own from the first `commitment_signed` after the peer acknowledged it by
//! `revoke_and_ack`. Nothing else is remembered of its life.

use std::collections::BTreeMap;

use crate::bolt::units::{FeeratePerKw, HtlcId, Msat};
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

/// What a commitment holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) feerate: FeeratePerKw,
    pub(super) opener: Msat,
    pub(super) acceptor: Msat,
    /// HTLCs in flight, by who offered them.
    pub(super) htlcs: BTreeMap<(End, HtlcId), Msat>,
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
        if let Some(amount) = self.htlcs.remove(&(offerer, id)) {
            let balance = self.of_mut(payee);
            *balance = balance.checked_add(amount).unwrap_or(*balance);
        }
    }

    /// The same without these HTLCs, whose amounts go back to who offered them.
    pub(super) fn giving_back(mut self, is_given: impl Fn(End, Msat) -> bool) -> Self {
        let given = self.htlcs.iter().filter(|((offerer, _), amount)| is_given(*offerer, **amount));
        let given: Vec<(End, HtlcId)> = given.map(|(key, _)| *key).collect();
        for (offerer, id) in given {
            self.remove(offerer, id, offerer);
        }
        self
    }

    fn apply(&mut self, update: &Update) {
        match update.change {
            Change::Add(id, amount) => {
                let payer = self.of_mut(update.proposer);
                *payer = payer.saturating_sub(amount);
                self.htlcs.insert((update.proposer, id), amount);
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
    Add(HtlcId, Msat),
    Fulfill(HtlcId),
    Fail(HtlcId),
    Feerate(FeeratePerKw),
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
        }
    }

    /// Books a message of this side.
    pub(super) fn book(&mut self, from: End, message: &Message) {
        match message {
            Message::UpdateAddHtlc(add) => {
                self.propose(from, Change::Add(add.id, add.amount_msat));
            }
            Message::UpdateFulfillHtlc(fulfill) => self.propose(from, Change::Fulfill(fulfill.id)),
            Message::UpdateFailHtlc(fail) => self.propose(from, Change::Fail(fail.id)),
            Message::UpdateFailMalformedHtlc(fail) => self.propose(from, Change::Fail(fail.id)),
            Message::UpdateFee(update) => {
                self.propose(from, Change::Feerate(update.feerate_per_kw));
            }
            Message::CommitmentSigned(_) => self.sign(from),
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
        self.updates.push(Update { proposer, change, progress: Progress::Proposed });
    }

    fn advance(&mut self, proposer: End, from: Progress, to: Progress) {
        let waiting =
            self.updates.iter_mut().filter(|u| u.proposer == proposer && u.progress == from);
        waiting.for_each(|update| update.progress = to);
    }

    /// `signer` signs the other side's next commitment.
    fn sign(&mut self, signer: End) {
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

    /// The commitments of one side; the position is the number.
    pub(super) fn states(&self, owner: End) -> &[State] {
        match owner {
            End::Opener => &self.opener,
            End::Acceptor => &self.acceptor,
        }
    }
}

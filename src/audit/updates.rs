//! The updates of a channel, and from which commitments on they count.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::ledger::{Both, End, Htlc, Key, State};
use crate::bolt::units::{FeeratePerKw, HtlcId};

/// What an update changes.
pub(super) enum Change {
    Add(HtlcId, Htlc),
    Fulfill(HtlcId),
    Fail(HtlcId),
    Feerate(FeeratePerKw),
}

/// How far the peer has come with an update.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Proposed,
    Signed,
    Acknowledged,
}

struct Update {
    proposer: End,
    change: Change,
    progress: Progress,
    /// The number of the first commitment of each side that it counts in. It counts in all that
    /// follow.
    since: Both<Option<usize>>,
}

/// The updates of both sides, in the order in which they were proposed.
#[derive(Default)]
pub(super) struct Updates {
    all: Vec<Update>,
    /// Which of them adds an HTLC. It is added once.
    added: BTreeMap<Key, usize>,
    /// Which of them removes an HTLC. It is removed once.
    removed: BTreeMap<Key, usize>,
}

impl Updates {
    /// Takes an update in, unless it says again what another one of the same side says.
    pub(super) fn propose(&mut self, proposer: End, change: Change) {
        let since = Both::default();
        self.take_in(Update { proposer, change, progress: Progress::Proposed, since });
    }

    fn take_in(&mut self, update: Update) {
        let known = match update.change {
            Change::Add(id, _) => Some(self.added.entry((update.proposer, id))),
            Change::Fulfill(id) | Change::Fail(id) => {
                Some(self.removed.entry((update.proposer.other(), id)))
            }
            Change::Feerate(_) => None,
        };
        match known {
            Some(Entry::Occupied(_)) => return,
            Some(Entry::Vacant(free)) => {
                free.insert(self.all.len());
            }
            None => {}
        }
        self.all.push(update);
    }

    /// Those that nobody signed were never sent.
    pub(super) fn forget_proposed(&mut self) {
        let before = std::mem::take(self);
        let kept = before.all.into_iter().filter(|update| update.progress != Progress::Proposed);
        kept.for_each(|update| self.take_in(update));
    }

    /// This side acknowledges what the other signed.
    pub(super) fn acknowledge(&mut self, proposer: End) {
        let signed = |update: &&mut Update| {
            update.proposer == proposer && update.progress == Progress::Signed
        };
        self.all.iter_mut().filter(signed).for_each(|u| u.progress = Progress::Acknowledged);
    }

    /// `signer` signs the commitment of the other side that has this number.
    pub(super) fn sign(&mut self, signer: End, number: usize) {
        for update in &mut self.all {
            let is_own = update.proposer == signer;
            if is_own && update.progress == Progress::Proposed {
                update.progress = Progress::Signed;
            }
            if is_own || update.progress == Progress::Acknowledged {
                update.since.of_mut(signer.other()).get_or_insert(number);
            }
        }
    }

    /// What the commitment of this side and number holds.
    pub(super) fn state(&self, beginning: &State, owner: End, number: usize) -> State {
        let mut state = beginning.clone();
        let counts = |update: &&Update| update.since.of(owner).is_some_and(|first| first <= number);
        let counting = self.all.iter().filter(counts);
        counting.for_each(|update| state.apply(update.proposer, &update.change));
        state
    }

    /// The HTLCs that were proposed.
    pub(super) fn added(&self) -> impl Iterator<Item = (Key, Htlc)> {
        self.added.iter().filter_map(|(key, position)| match self.all.get(*position)?.change {
            Change::Add(_, htlc) => Some((*key, htlc)),
            Change::Fulfill(_) | Change::Fail(_) | Change::Feerate(_) => None,
        })
    }

    /// Whether an HTLC is paid, by the update that removes it.
    pub(super) fn removal(&self, key: Key) -> Option<bool> {
        match self.all.get(*self.removed.get(&key)?)?.change {
            Change::Fulfill(_) => Some(true),
            Change::Fail(_) => Some(false),
            Change::Add(..) | Change::Feerate(_) => None,
        }
    }

    /// The last commitment of a side, up to the one with this number, that holds an HTLC.
    pub(super) fn last_with(&self, owner: End, key: Key, newest: usize) -> Option<usize> {
        let since = |position: &usize| *self.all.get(*position)?.since.of(owner);
        let added = self.added.get(&key)?;
        let first = since(added)?;
        // What is removed before it is added stays.
        let removed = self.removed.get(&key).filter(|removed| *removed > added);
        let last = match removed.and_then(since) {
            Some(without) => without.checked_sub(1)?,
            None => newest,
        };
        (first <= last).then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::{Hash, sha256};
    use proptest::prelude::*;

    use super::*;
    use crate::bolt::units::{CltvExpiry, Msat};

    fn end(is_opener: bool) -> End {
        if is_opener { End::Opener } else { End::Acceptor }
    }

    fn change(kind: u8, id: u64) -> Change {
        let (payment_hash, cltv_expiry) = (sha256::Hash::all_zeros(), CltvExpiry(1));
        match kind {
            0 => Change::Add(HtlcId(id), Htlc { amount: Msat(7), payment_hash, cltv_expiry }),
            1 => Change::Fulfill(HtlcId(id)),
            _ => Change::Fail(HtlcId(id)),
        }
    }

    proptest! {
        #[test]
        fn the_last_commitment_with_an_htlc_is_the_last_whose_state_has_it(
            steps in prop::collection::vec((0..6_u8, any::<bool>(), 0..3_u64), 1..60),
        ) {
            let mut updates = Updates::default();
            let mut newest: Both<usize> = Both::default();
            for (kind, is_opener, id) in steps {
                let end = end(is_opener);
                match kind {
                    0..=2 => updates.propose(end, change(kind, id)),
                    3 => {
                        *newest.of_mut(end.other()) += 1;
                        updates.sign(end, *newest.of(end.other()));
                    }
                    4 => updates.acknowledge(end),
                    _ => updates.forget_proposed(),
                }
            }
            let beginning = State { opener: Msat(1000), acceptor: Msat(1000), ..State::default() };
            for owner in End::BOTH {
                let newest = *newest.of(owner);
                let holds = |number, key| {
                    updates.state(&beginning, owner, number).htlcs.contains_key(&key)
                };
                for (offerer, id) in [true, false].into_iter().flat_map(|o| (0..3).map(move |id| (o, id))) {
                    let key = (end(offerer), HtlcId(id));
                    let last = (0..=newest).rev().find(|number| holds(*number, key));
                    prop_assert_eq!(updates.last_with(owner, key, newest), last);
                }
            }
        }
    }
}

//! The HTLCs that we offered, and when those upstream may learn that they are lost. BOLT 5, "HTLC
//! Output Handling: Local Commitment, Local Offers" and "Remote Commitment, Local Offers".

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::OutPoint;

use crate::bolt::channel::Commitments;
use crate::bolt::onchain::{FundingSpend, Stake};
use crate::bolt::tx::{Commitment, Side};
use crate::bolt::units::HtlcId;

/// The HTLCs that we offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offered {
    /// Those whose fate nobody was told of.
    open: BTreeMap<HtlcId, Place>,
    /// Those that were told to be lost.
    lost: Vec<HtlcId>,
}

/// Where an HTLC is on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In this output.
    In(OutPoint),
    /// The commitment on chain has no output for it, but another one that is valid has: a reorg
    /// could swap the two.
    Elsewhere,
    /// No valid commitment has an output for it.
    Nowhere,
}

impl Offered {
    /// Where the HTLCs are, as the commitment on chain has these outputs for us. What the peer has
    /// taken already is not waited for. Of a transaction that we do not know nothing can be told.
    pub(super) fn new(commitments: &Commitments, kind: FundingSpend, stakes: &[Stake]) -> Self {
        if matches!(kind, FundingSpend::Unknown | FundingSpend::MutualClose) {
            return Self::default();
        }
        let outputs: BTreeMap<HtlcId, OutPoint> = stakes
            .iter()
            .filter_map(|stake| Some((stake.htlc?, stake.outpoint)))
            .filter(|(htlc, _)| htlc.offerer == Side::Local)
            .map(|(htlc, outpoint)| (htlc.id, outpoint))
            .collect();
        let place = |id: HtlcId| match outputs.get(&id) {
            Some(outpoint) => Place::In(*outpoint),
            None if has_output(commitments, id) => Place::Elsewhere,
            None => Place::Nowhere,
        };
        let open = unpaid(commitments).map(|id| (id, place(id))).collect();
        Self { open, lost: Vec::new() }
    }

    /// Whether the fate of all is told.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The HTLCs that were told to be lost.
    pub(super) fn lost(&self) -> &[HtlcId] {
        &self.lost
    }

    /// The fate of an HTLC is told. False if it was already.
    pub(super) fn settle(&mut self, id: HtlcId) -> bool {
        self.open.remove(&id).is_some()
    }

    /// Takes out those that cannot be taken from us any more: what has no output anywhere at once,
    /// what has none on chain once the commitment is deep, and what came back to us for good.
    pub(super) fn take_gone(
        &mut self,
        is_deep: bool,
        forgets_dust: bool,
        came_back: impl Fn(&OutPoint) -> bool,
    ) -> Vec<HtlcId> {
        if forgets_dust {
            self.open.retain(|_, place| *place != Place::Nowhere);
        }
        let is_gone = |place: &Place| match place {
            Place::Nowhere => true,
            Place::Elsewhere => is_deep,
            Place::In(outpoint) => came_back(outpoint),
        };
        let gone: Vec<HtlcId> =
            self.open.iter().filter(|(_, place)| is_gone(place)).map(|(id, _)| *id).collect();
        self.open.retain(|_, place| !is_gone(place));
        self.lost.extend(&gone);
        gone
    }
}

/// The HTLCs that we offered and that nobody has taken.
pub(super) fn unpaid(commitments: &Commitments) -> impl Iterator<Item = HtlcId> {
    let ours = commitments.htlcs().filter(|(by, _, htlc)| *by == Side::Local && !htlc.is_paid());
    ours.map(|(_, id, _)| id)
}

/// Those of them for which no valid commitment has an output.
pub(super) fn without_output(commitments: &Commitments) -> Vec<HtlcId> {
    unpaid(commitments).filter(|id| !has_output(commitments, *id)).collect()
}

/// Whether a commitment that may still be mined has an output for an HTLC that we offered: our
/// newest one, or one of the peer's that it has not revoked.
fn has_output(commitments: &Commitments, id: HtlcId) -> bool {
    let has = |commitment: &Commitment, ids: &[(Side, HtlcId)]| {
        let position = ids.iter().position(|known| *known == (Side::Local, id));
        commitment.untrimmed().any(|(untrimmed, _)| Some(untrimmed) == position)
    };
    let ours = commitments.local().map(Arc::as_ref);
    ours.is_some_and(|state| has(&state.commitment, &state.htlc_ids))
        || commitments.unrevoked().any(|state| has(&state.commitment, &state.htlc_ids))
}

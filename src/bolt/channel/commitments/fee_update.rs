//! Changes of the fee rate. BOLT 2, "Updating Fees: `update_fee`".

use bitcoin::Amount;

use super::{Commitments, Parts};
use crate::bolt::channel::dust_exposure::DustExposure;
use crate::bolt::channel::error::{PeerViolation, Refused, ensure};
use crate::bolt::channel::fee_share::check_feerate;
use crate::bolt::channel::habits::Habits;
use crate::bolt::channel::htlc_state::{Milestone, Stage};
use crate::bolt::tx::{Side, fee};
use crate::bolt::units::{FeeratePerKw, Msat};
use crate::bolt::wire::messages::UpdateFee;

/// A change of the fee rate that is not irrevocably committed yet. It takes the way of an HTLC that
/// the opener adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FeeUpdate {
    /// The new fee rate.
    pub(super) feerate: FeeratePerKw,
    /// How far it has come.
    pub(super) stage: Stage,
}

impl Commitments {
    /// The fee rate of one side's newest commitment.
    pub fn feerate(&self, owner: Side) -> FeeratePerKw {
        self.newest_feerate(|fee| fee.stage.is_in(owner, self.terms.opener))
    }

    /// The fee rate that the commitment of either side has once all changes are in it.
    pub fn next_feerate(&self) -> FeeratePerKw {
        self.newest_feerate(|_| true)
    }

    /// The fee rate that the commitment of `owner` has once a further update of `adder` is in it.
    pub(in crate::bolt::channel) fn feerate_with(&self, owner: Side, adder: Side) -> FeeratePerKw {
        match (adder, self.terms.opener) {
            // The opener's own changes come before.
            (Side::Local, Side::Local) | (Side::Remote, Side::Remote) => self.next_feerate(),
            // Which of the opener's changes will be in it is not known: the worst is held against
            // us, the best for the peer.
            (Side::Local, Side::Remote) => {
                let pending = self.fee_updates.iter().map(|fee| fee.feerate);
                pending.chain([self.feerate]).max().unwrap_or(self.feerate)
            }
            (Side::Remote, Side::Local) => self.feerate(owner),
        }
    }

    fn newest_feerate(&self, counts: impl Fn(&&FeeUpdate) -> bool) -> FeeratePerKw {
        self.fee_updates.iter().rev().find(counts).map_or(self.feerate, |fee| fee.feerate)
    }

    pub(super) fn advance_fee(&mut self, milestone: Milestone) {
        let opener = self.terms.opener;
        for fee in &mut self.fee_updates {
            fee.stage = fee.stage.after(opener, milestone);
        }
        // What is committed for good is the base for those behind it.
        while let Some(fee) = self.fee_updates.first()
            && !fee.stage.is_adding()
        {
            self.feerate = fee.feerate;
            self.fee_updates.remove(0);
        }
    }

    /// What the funder lacks of the fee in the commitment of `owner` at this fee rate, if it lacks
    /// something: what it has, and what it needs.
    fn lacks(&self, owner: Side, feerate: FeeratePerKw, reserve: Amount) -> Option<(Msat, Amount)> {
        let parts = Parts { terms: &self.terms, funding: &self.funding, feerate };
        let available = self.available(owner, parts.terms.opener, parts.terms.opener);
        let outputs = self.htlcs_with_outputs(owner, parts.terms.opener, feerate);
        let cost = fee::funder_cost(parts.terms.channel_type, feerate, outputs);
        let needed = cost.checked_add(reserve).unwrap_or(Amount::MAX);
        (available.to_sat_floor() < needed).then_some((available, needed))
    }

    /// Proposes another fee rate.
    ///
    /// # Errors
    /// [`Refused`] if we are not the opener, the fee rate is one that the peer must not take, we
    /// cannot pay for it and keep the reserve, or it puts too much at risk.
    pub fn update_fee(
        &self,
        feerate: FeeratePerKw,
        habits: Habits,
    ) -> Result<(Self, UpdateFee), Refused> {
        if self.terms.opener == Side::Remote {
            return Err(Refused::BreaksLimit(PeerViolation::FeeNotTheirs));
        }
        check_feerate(feerate, &self.terms, habits).map_err(Refused::BreaksLimit)?;
        let reserve = self.terms.remote.channel_reserve;
        for owner in [Side::Local, Side::Remote] {
            if let Some((available, needed)) = self.lacks(owner, feerate, reserve) {
                let unaffordable = PeerViolation::FeeUnaffordable { feerate, available, needed };
                return Err(Refused::BreaksLimit(unaffordable));
            }
        }
        if let Some(exposure) = self.overexposed_at(Side::Local, feerate) {
            return Err(Refused::DustExposure(exposure));
        }
        let message =
            UpdateFee { channel_id: self.channel_id, feerate_per_kw: feerate, unknown: Vec::new() };
        Ok((self.with_fee_update(feerate), message))
    }

    /// Takes note of another fee rate that the peer proposes.
    ///
    /// # Errors
    /// [`PeerViolation`] if the peer is not the opener, the fee rate is unreasonable, the peer
    /// cannot pay for it in our commitment, or it puts too much at risk.
    pub fn receive_update_fee(
        &self,
        update: &UpdateFee,
        habits: Habits,
    ) -> Result<Self, PeerViolation> {
        let feerate = update.feerate_per_kw;
        ensure(self.terms.opener == Side::Remote, PeerViolation::FeeNotTheirs)?;
        check_feerate(feerate, &self.terms, habits)?;
        if let Some((available, needed)) = self.lacks(Side::Local, feerate, Amount::ZERO) {
            return Err(PeerViolation::FeeUnaffordable { feerate, available, needed });
        }
        match self.overexposed_at(Side::Remote, feerate) {
            None => Ok(self.with_fee_update(feerate)),
            Some(DustExposure { exposure, limit }) => {
                Err(PeerViolation::FeeOverexposes { feerate, exposure, limit })
            }
        }
    }

    fn with_fee_update(&self, feerate: FeeratePerKw) -> Self {
        let mut next = self.clone();
        next.fee_updates.push(FeeUpdate { feerate, stage: Stage::AddProposed });
        next
    }
}

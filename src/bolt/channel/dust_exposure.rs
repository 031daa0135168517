//! How much goes to fees if a commitment is published: HTLCs without outputs. BOLT 2, "Bounding
//! exposure to trimmed in-flight HTLCs: `max_dust_htlc_exposure_msat`".

use super::commitments::{ChannelHtlc, Commitments};
use crate::bolt::tx::{ChannelType, Side};
use crate::bolt::units::{FeeratePerKw, Msat};

/// More of the balances would go to fees than we let be at risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DustExposure {
    /// What the HTLCs without outputs are worth.
    pub exposure: Msat,
    /// Our `max_dust_htlc_exposure_msat`.
    pub limit: Msat,
}

impl Commitments {
    /// What is at risk once this HTLC is in both commitments, if that is too much. An HTLC that has
    /// an output in both puts nothing at risk.
    pub(super) fn overexposed_by(&self, offerer: Side, htlc: &ChannelHtlc) -> Option<DustExposure> {
        let with_it = |owner| {
            let feerate = self.next_feerate();
            let trimmed = !self.has_output(owner, feerate, offerer, htlc);
            trimmed.then(|| sum(self.pending_dust(owner, feerate), htlc.amount))
        };
        self.above_limit([Side::Local, Side::Remote].into_iter().filter_map(with_it))
    }

    /// What is at risk at this fee rate, if that is too much and the change of the fee rate makes it
    /// so. With `option_anchors` no fee rate trims HTLCs. `adder` proposes it: a peer is not held to
    /// HTLCs that it need not know of, or need not count any more.
    pub(super) fn overexposed_at(
        &self,
        adder: Side,
        feerate: FeeratePerKw,
    ) -> Option<DustExposure> {
        let increases = feerate > self.next_feerate();
        if self.terms.channel_type == ChannelType::Anchors || !increases {
            return None;
        }
        self.above_limit([Side::Local, Side::Remote].map(|owner| match adder {
            Side::Local => self.pending_dust(owner, feerate),
            Side::Remote => self.dust(owner, feerate, self.htlcs_with_update(owner, adder)),
        }))
    }

    fn above_limit(&self, exposures: impl IntoIterator<Item = Msat>) -> Option<DustExposure> {
        let limit = self.terms.max_dust_htlc_exposure;
        let exposure = exposures.into_iter().max()?;
        (exposure > limit).then_some(DustExposure { exposure, limit })
    }

    /// What all pending HTLCs are worth that have no output in the commitment of `owner`.
    fn pending_dust(&self, owner: Side, feerate: FeeratePerKw) -> Msat {
        let all = self.htlcs().map(|(by, _, htlc)| (by, htlc));
        let pending = all.filter(|(by, htlc)| !htlc.stage.is_taken_out(owner, *by));
        self.dust(owner, feerate, pending)
    }

    /// What those of these HTLCs are worth that have no output in the commitment of `owner`.
    fn dust<'a>(
        &self,
        owner: Side,
        feerate: FeeratePerKw,
        htlcs: impl Iterator<Item = (Side, &'a ChannelHtlc)>,
    ) -> Msat {
        let trimmed = htlcs.filter(|(by, htlc)| !self.has_output(owner, feerate, *by, htlc));
        trimmed.fold(Msat::ZERO, |balance, (_, htlc)| sum(balance, htlc.amount))
    }
}

fn sum(one: Msat, other: Msat) -> Msat {
    one.checked_add(other).unwrap_or(Msat(u64::MAX))
}

//! What a probe said becomes what it believes.

use super::{ChannelHtlc, Commitments, FeeUpdate};
use crate::bolt::channel::htlc_state::Stage;
use crate::bolt::tx::Side;
use crate::bolt::wire::messages::{UpdateAddHtlc, UpdateFee};

impl Commitments {
    /// The same, with an HTLC that we said that we add, whatever the limits.
    #[must_use]
    pub(in crate::bolt::channel) fn having_added(&self, add: &UpdateAddHtlc) -> Self {
        let mut next = self.clone();
        let htlc = ChannelHtlc::proposed(add);
        // The reference proposed one under its own id; this is the one that went out.
        let proposed = |htlc: &ChannelHtlc| htlc.stage == Stage::AddProposed;
        let last = next.htlcs.iter().rev().find(|((side, _), _)| *side == Side::Local);
        if let Some((&key, _)) = last.filter(|(_, htlc)| proposed(htlc)) {
            next.htlcs.remove(&key);
        }
        next.htlcs.insert((Side::Local, add.id), htlc);
        next
    }

    /// The same, with the fee rate that we said last.
    #[must_use]
    pub(in crate::bolt::channel) fn having_updated_fee(&self, update: &UpdateFee) -> Self {
        let mut next = self.clone();
        next.fee_updates.retain(|fee| fee.stage != Stage::AddProposed);
        let (feerate, stage) = (update.feerate_per_kw, Stage::AddProposed);
        next.fee_updates.push(FeeUpdate { feerate, stage });
        next
    }
}

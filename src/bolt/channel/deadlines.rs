//! How long a node waits for its peer before it goes on chain. BOLT 2, "`cltv_expiry_delta`
//! Selection".
//!
//! ```text
//!   fulfillment deadline              cltv_expiry          timeout deadline
//! --------+--------------------------------+--------------------------+--------> height
//!         |<-- fulfillment_margin -------->|<----- timeout_grace ---->|
//!   what we take must be settled     what we offered         what we offered must be back
//!   off-chain, or goes on chain      may come back           off-chain, or goes on chain
//! ```

use super::{Commitments, PeerViolation, Stage};
use crate::bolt::tx::Side;
use crate::bolt::units::BlockHeight;

/// How long a node waits, in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// How long the peer may give an HTLC back after it has timed out: BOLT 2's G.
    pub timeout_grace: u32,
    /// How long before it times out an HTLC that we take must be settled: BOLT 2's 2R+G+S.
    pub fulfillment_margin: u32,
    /// How deep a transaction must be before others are told of what it settles: the "reasonable
    /// depth" of BOLT 5.
    pub reasonable_depth: u32,
    /// How long before it times out an HTLC is given back upstream, though it may still be taken
    /// downstream: the channel there would not survive its timeout. BOLT 5, "HTLC Output Handling:
    /// Local Commitment, Local Offers".
    pub upstream_margin: u32,
}

impl Deadlines {
    /// Waits for its peers for ever.
    pub const NEVER: Self =
        Self { timeout_grace: u32::MAX, fulfillment_margin: 0, ..Self::CAREFUL };
    /// The figures that BOLT 2 recommends.
    pub const CAREFUL: Self =
        Self { timeout_grace: 2, fulfillment_margin: 18, reasonable_depth: 6, upstream_margin: 3 };
}

impl Default for Deadlines {
    fn default() -> Self {
        Self::CAREFUL
    }
}

impl Commitments {
    /// The height by which our newest commitment has to be mined, if an HTLC hangs on it: what we
    /// offered must be back before it is claimed upstream, and what we take must be taken before it
    /// has timed out, each by one transaction more.
    pub(super) fn deadline(&self) -> Option<BlockHeight> {
        let expiries = self.htlcs().filter_map(|(offerer, _, htlc)| match offerer {
            Side::Local => htlc.upstream_expiry.filter(|_| !htlc.is_paid()),
            Side::Remote => Some(htlc.cltv_expiry).filter(|_| htlc.is_paid()),
        });
        expiries.min().map(|expiry| BlockHeight(expiry.0.saturating_sub(1)))
    }

    /// The first HTLC whose deadline has passed at this height: then the channel fails.
    pub(super) fn overdue(
        &self,
        deadlines: Deadlines,
        height: BlockHeight,
    ) -> Option<PeerViolation> {
        // What was never signed is in nobody's commitment.
        let signed = self.htlcs().filter(|(_, _, htlc)| htlc.stage != Stage::AddProposed);
        signed.into_iter().find_map(|(offerer, id, htlc)| {
            let cltv_expiry = htlc.cltv_expiry;
            match offerer {
                Side::Local => {
                    let deadline = cltv_expiry.0.saturating_add(deadlines.timeout_grace);
                    let late = height.0 >= deadline;
                    late.then_some(PeerViolation::TimedOutHtlc { id, cltv_expiry, height })
                }
                Side::Remote => {
                    let margin = deadlines.fulfillment_margin;
                    // What was taken with this very block the peer could not let go of yet.
                    let told = htlc.is_paid() && htlc.removed_at != Some(height);
                    let late = told && height.0.saturating_add(margin) > cltv_expiry.0;
                    late.then_some(PeerViolation::FulfilledHtlc { id, cltv_expiry, height })
                }
            }
        })
    }
}

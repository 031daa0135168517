//! Updates: offering and taking HTLCs. BOLT 2, "Adding an HTLC" and "Removing an HTLC".

use std::sync::Arc;

use bitcoin::Amount;
use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use super::commitments::{ChannelHtlc, Commitments, Removal};
use super::error::{PeerViolation, Refused, ensure};
use super::htlc_state::Stage;
use crate::bolt::onion::failure::BADONION;
use crate::bolt::tx::{Side, fee};
use crate::bolt::units::{BlockHeight, CltvExpiry, FeeratePerKw, HtlcId, Msat};
use crate::bolt::wire::OnionPacket;
use crate::bolt::wire::messages::UpdateAddHtlc;

/// An HTLC to offer to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HtlcOffer {
    /// What it is worth.
    pub amount: Msat,
    /// The hash of its preimage.
    pub payment_hash: sha256::Hash,
    /// When it times out.
    pub cltv_expiry: CltvExpiry,
    /// The packet for its recipient.
    pub onion: OnionPacket,
    /// What unblinds the packet, inside a blinded path.
    pub path_key: Option<PublicKey>,
    /// When the HTLC times out that this one passes on, if it passes one on.
    pub upstream_expiry: Option<CltvExpiry>,
}

/// Whether an HTLC is out of the commitment of `owner` once a further one of `adder`'s is in it. What
/// we add ourselves is held against what is signed already: a peer may do the same.
fn is_out(htlc: &ChannelHtlc, owner: Side, offerer: Side, adder: Side) -> bool {
    match adder {
        Side::Local => htlc.stage.is_taken_out(owner, offerer),
        Side::Remote => htlc.stage.is_out_by(owner, offerer, adder),
    }
}

impl Commitments {
    /// Checks an HTLC against the limits of the side that receives it. BOLT 2, "Adding an HTLC".
    fn check_limits(&self, offerer: Side, htlc: &ChannelHtlc) -> Result<(), PeerViolation> {
        let limits = self.terms.party(offerer.flip());
        let minimum = limits.htlc_minimum.max(Msat(1));
        let amount = htlc.amount;
        ensure(amount >= minimum, PeerViolation::HtlcTooSmall { amount, minimum })?;
        let expiry = htlc.cltv_expiry;
        ensure(expiry.0 < 500_000_000, PeerViolation::ExpiryIsTime { expiry })?;
        let in_flight = || {
            let offered = self.htlcs.iter().filter(move |((side, _), htlc)| {
                *side == offerer
                    && (offerer == Side::Local || !is_out(htlc, offerer.flip(), *side, offerer))
            });
            offered.map(|(_, htlc)| htlc.amount)
        };
        let (count, limit) = (in_flight().count().saturating_add(1), limits.max_accepted_htlcs);
        ensure(count <= usize::from(limit), PeerViolation::TooManyHtlcs { count, limit })?;
        let limit = limits.max_htlc_value_in_flight;
        let value = in_flight()
            .try_fold(amount, Msat::checked_add)
            .ok_or(PeerViolation::TooMuchInFlight { value: Msat(u64::MAX), limit })?;
        ensure(value <= limit, PeerViolation::TooMuchInFlight { value, limit })
    }

    /// Checks that the offerer keeps its reserve, and pays the fee if it is the funder, in the
    /// commitment of either side once this HTLC is in it. BOLT 2, "Adding an HTLC".
    fn check_affordable(&self, offerer: Side, htlc: &ChannelHtlc) -> Result<(), PeerViolation> {
        let reserve = self.terms.party(offerer.flip()).channel_reserve;
        for owner in [Side::Local, Side::Remote] {
            let short = |available: Msat, needed: Amount| PeerViolation::HtlcUnaffordable {
                available,
                needed: Msat::from_amount(needed).unwrap_or(Msat(u64::MAX)),
            };
            let cost = self.funder_cost_with(owner, offerer, htlc);
            let pays_fee = offerer == self.terms.opener;
            let fee = if pays_fee { cost } else { Amount::ZERO };
            let needed = reserve.checked_add(fee).unwrap_or(Amount::MAX);
            let available = self.available(owner, offerer, offerer);
            let left = available.checked_sub(htlc.amount).unwrap_or_default();
            ensure(left.to_sat_floor() >= needed, short(left, needed))?;
            // We offer nothing whose fee the peer could not pay. The peer need not know of what we
            // have offered meanwhile, so it is not held to that.
            if !pays_fee && offerer == Side::Local {
                let funders = self.available(owner, offerer.flip(), offerer);
                ensure(funders.to_sat_floor() >= cost, short(funders, cost))?;
            }
        }
        Ok(())
    }

    /// What a side can still spend in the commitment of `owner` when a further HTLC of `adder`'s is
    /// in it: its balance less all that it has offered, signed or not, and with what it has taken or
    /// was given back there.
    pub(super) fn available(&self, owner: Side, of: Side, adder: Side) -> Msat {
        let settled = match of {
            Side::Local => self.to_local,
            Side::Remote => self.to_remote,
        };
        let htlcs = || self.htlcs.iter().map(|((offerer, _), htlc)| (*offerer, htlc));
        let taken = htlcs()
            .filter(|(by, htlc)| *by != of && htlc.is_paid() && is_out(htlc, owner, *by, adder))
            .fold(settled, |sum, (_, htlc)| sum.checked_add(htlc.amount).unwrap_or(sum));
        let offered = htlcs()
            .filter(|(by, htlc)| *by == of && (htlc.is_paid() || !is_out(htlc, owner, *by, adder)));
        offered.fold(taken, |sum, (_, htlc)| sum.saturating_sub(htlc.amount))
    }

    /// What the funder pays for the commitment of `owner` with this HTLC, all of the offerer's
    /// others, and those of the other side that are in it already.
    fn funder_cost_with(&self, owner: Side, offerer: Side, htlc: &ChannelHtlc) -> Amount {
        let feerate = self.feerate_with(owner, offerer);
        let has_output = self.has_output(owner, feerate, offerer, htlc);
        let others = self.htlcs_with_outputs(owner, offerer, feerate);
        let count = others.saturating_add(usize::from(has_output));
        fee::funder_cost(self.terms.channel_type, feerate, count)
    }

    /// How many HTLCs have outputs in the commitment of `owner`, at this fee rate, once a further
    /// update of `adder` is in it.
    pub(super) fn htlcs_with_outputs(
        &self,
        owner: Side,
        adder: Side,
        feerate: FeeratePerKw,
    ) -> usize {
        let all = self.htlcs_with_update(owner, adder);
        all.filter(|(by, htlc)| self.has_output(owner, feerate, *by, htlc)).count()
    }

    /// The HTLCs in the commitment of `owner` once a further update of `adder` is in it. A peer that
    /// adds something need not know of an HTLC of ours that it has not signed back: both may cross,
    /// or it may say again, over a new connection, what it said before it knew.
    pub(super) fn htlcs_with_update(
        &self,
        owner: Side,
        adder: Side,
    ) -> impl Iterator<Item = (Side, &ChannelHtlc)> {
        let all = self.htlcs.iter().map(|((by, _), htlc)| (*by, htlc));
        all.filter(move |(by, htlc)| {
            let counts = htlc.stage.is_in(owner, *by) || *by == adder && htlc.stage.is_adding();
            let crosses = (adder, *by) == (Side::Remote, Side::Local)
                && !htlc.stage.is_in(Side::Local, Side::Local)
                && htlc.stage.is_adding();
            counts && !crosses && !is_out(htlc, owner, *by, adder)
        })
    }

    /// Whether an HTLC has an output in the commitment of `owner` at this fee rate.
    pub(super) fn has_output(
        &self,
        owner: Side,
        feerate: FeeratePerKw,
        by: Side,
        htlc: &ChannelHtlc,
    ) -> bool {
        let dust_limit = self.terms.party(owner).dust_limit;
        !fee::is_trimmed(self.terms.channel_type, feerate, dust_limit, &htlc.seen_by(owner, by))
    }

    /// Offers an HTLC to the peer.
    ///
    /// # Errors
    /// [`Refused::BreaksLimit`] if the peer would fail the channel for it,
    /// [`Refused::DustExposure`] if it has no output and too much would be at risk.
    pub fn offer(&self, offer: &HtlcOffer) -> Result<(Self, UpdateAddHtlc), Refused> {
        let HtlcOffer { amount, payment_hash, cltv_expiry, onion, path_key, upstream_expiry } =
            offer.clone();
        let htlc = ChannelHtlc {
            amount,
            payment_hash,
            cltv_expiry,
            onion: Arc::new(onion.clone()),
            path_key,
            stage: Stage::AddProposed,
            removal: None,
            removed_at: None,
            overexposes: None,
            upstream_expiry,
        };
        self.check_limits(Side::Local, &htlc).map_err(Refused::BreaksLimit)?;
        self.check_affordable(Side::Local, &htlc).map_err(Refused::BreaksLimit)?;
        if let Some(exposure) = self.overexposed_by(Side::Local, &htlc) {
            return Err(Refused::DustExposure(exposure));
        }
        let id = self.next_local_id;
        let mut next = self.clone();
        next.htlcs.insert((Side::Local, id), htlc);
        next.next_local_id = id.next().ok_or(Refused::NoSuchHtlc(id))?;
        let message = UpdateAddHtlc {
            channel_id: self.channel_id,
            id,
            amount_msat: amount,
            payment_hash,
            cltv_expiry,
            onion_routing_packet: onion,
            blinded_path: path_key,
            unknown: Vec::new(),
        };
        Ok((next, message))
    }

    /// Takes note of an HTLC that the peer offers.
    ///
    /// # Errors
    /// [`PeerViolation`] if its id or one of the limits is broken.
    pub fn receive_offer(&self, add: &UpdateAddHtlc) -> Result<Self, PeerViolation> {
        let expected = self.next_remote_id;
        let out_of_order = PeerViolation::UnexpectedHtlcId { expected, actual: add.id };
        ensure(add.id == expected, out_of_order.clone())?;
        let mut htlc = ChannelHtlc::proposed(add);
        self.check_limits(Side::Remote, &htlc)?;
        self.check_affordable(Side::Remote, &htlc)?;
        htlc.overexposes = self.overexposed_by(Side::Remote, &htlc);
        let mut next = self.clone();
        next.htlcs.insert((Side::Remote, add.id), htlc);
        next.next_remote_id = add.id.next().ok_or(out_of_order)?;
        Ok(next)
    }

    /// Removes a committed HTLC of the other side; `remover` is the side that does.
    fn take_out(&self, remover: Side, id: HtlcId, removal: Removal) -> Result<Self, PeerViolation> {
        let mut next = self.clone();
        let htlc = next
            .htlcs
            .get_mut(&(remover.flip(), id))
            .filter(|htlc| htlc.stage == Stage::Committed)
            .ok_or(PeerViolation::UnknownHtlc { id })?;
        match &removal {
            Removal::Fulfilled { payment_preimage, .. } => {
                let fits = payment_preimage.hash() == htlc.payment_hash;
                ensure(fits, PeerViolation::WrongPreimage { id })?;
            }
            Removal::Malformed { failure_code, .. } => {
                let code = *failure_code;
                ensure(code & BADONION != 0, PeerViolation::NotBadOnion { id, code })?;
            }
            Removal::Failed { .. } => {}
        }
        htlc.stage = Stage::RemoveProposed;
        htlc.removal = Some(Arc::new(removal));
        Ok(next)
    }

    /// Removes an HTLC that the peer offered, at this height.
    ///
    /// # Errors
    /// [`Refused::NoSuchHtlc`] if it is not committed, or cannot be removed so.
    pub fn remove(
        &self,
        id: HtlcId,
        removal: Removal,
        height: BlockHeight,
    ) -> Result<Self, Refused> {
        let removed = self.take_out(Side::Local, id, removal);
        let mut next = removed.map_err(|_| Refused::NoSuchHtlc(id))?;
        if let Some(htlc) = next.htlcs.get_mut(&(Side::Remote, id)) {
            htlc.removed_at = Some(height);
        }
        Ok(next)
    }

    /// The peer removes an HTLC that we offered.
    ///
    /// # Errors
    /// [`PeerViolation::UnknownHtlc`], [`PeerViolation::WrongPreimage`],
    /// [`PeerViolation::NotBadOnion`].
    pub fn receive_removal(&self, id: HtlcId, removal: Removal) -> Result<Self, PeerViolation> {
        self.take_out(Side::Remote, id, removal)
    }
}

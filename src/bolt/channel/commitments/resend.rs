//! What is lost with a connection, and what is sent again on the next one. BOLT 2, "Message
//! Retransmission".

use super::{Commitments, FeeUpdate};
use crate::bolt::channel::error::{PeerViolation, ensure};
use crate::bolt::channel::htlc_state::Stage;
use crate::bolt::channel::terms::ChannelSecrets;
use crate::bolt::keys::PerCommitmentSecret;
use crate::bolt::tx::{Side, TxError};
use crate::bolt::units::CommitmentNumber;
use crate::bolt::wire::Message;
use crate::bolt::wire::messages::{ChannelReestablish, UpdateAddHtlc, UpdateFee};

/// What the peer says of our messages before the connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It has all of them but these.
    Lacks(Missing),
    /// It proves that it has more than we ever sent, as far as we know: we have lost data.
    IsAhead,
}

/// What is to be sent again, apart from updates that were never signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The last `commitment_signed`, with its updates.
    pub commitment: bool,
    /// The last `revoke_and_ack`.
    pub revocation: bool,
}

/// Whether an update of one side was signed by that side, but not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Proposed,
    Signed,
}

impl Commitments {
    /// The same without the peer's updates that it never signed: they are as good as never sent. A
    /// preimage that came with one may be used all the same.
    #[must_use]
    pub fn disconnected(&self) -> Self {
        let mut next = self.clone();
        let added = |stage: Stage| stage == Stage::AddProposed;
        let is_theirs = |side: Side| side == Side::Remote;
        while let Some((&(side, id), _)) =
            next.htlcs.iter().find(|((side, _), htlc)| is_theirs(*side) && added(htlc.stage))
        {
            next.htlcs.remove(&(side, id));
            next.next_remote_id = next.next_remote_id.min(id);
        }
        for ((side, _), htlc) in &mut next.htlcs {
            if *side == Side::Local && htlc.stage == Stage::RemoveProposed {
                htlc.stage = Stage::Committed;
                htlc.removal = None;
            }
        }
        if is_theirs(next.terms.opener) {
            next.fee_updates.retain(|fee| !added(fee.stage));
        }
        next
    }

    /// Our `channel_reestablish`.
    ///
    /// # Errors
    /// [`TxError`] if our per-commitment point does not exist.
    pub fn reestablish(&self, secrets: &ChannelSecrets) -> Result<ChannelReestablish, TxError> {
        let next_commitment = self.local_number().next().ok_or(TxError::AmountOverflow)?;
        let revoked = self.secrets.received();
        let last = revoked.checked_sub(1).and_then(|n| self.revocation_secret(CommitmentNumber(n)));
        Ok(ChannelReestablish {
            channel_id: self.channel_id,
            next_commitment_number: next_commitment,
            next_revocation_number: CommitmentNumber(revoked),
            your_last_per_commitment_secret: last.unwrap_or(PerCommitmentSecret([0; 32])),
            my_current_per_commitment_point: secrets.seed.secret(self.local_number()).point()?,
            next_funding: None,
            my_current_funding_locked: None,
            unknown: Vec::new(),
        })
    }

    /// Compares what the peer says that it has with what we sent.
    ///
    /// # Errors
    /// [`PeerViolation`] if it cannot be so: the peer has lost data, or is wrong.
    pub fn compare(
        &self,
        secrets: &ChannelSecrets,
        theirs: &ChannelReestablish,
    ) -> Result<Comparison, PeerViolation> {
        let actual = theirs.next_commitment_number;
        ensure(actual != CommitmentNumber(0), PeerViolation::NextCommitmentNumberZero)?;
        let (revoked, next) = (self.local_number(), theirs.next_revocation_number);
        let secret = theirs.your_last_per_commitment_secret;
        let known = match next.0.checked_sub(1) {
            None => PerCommitmentSecret([0; 32]),
            Some(last) if CommitmentNumber(last) <= CommitmentNumber::MAX => {
                secrets.seed.secret(CommitmentNumber(last))
            }
            Some(_) => return Err(PeerViolation::NextRevocationNumber { expected: revoked, next }),
        };
        ensure(secret == known, PeerViolation::WrongLastSecret { number: next })?;
        if next > revoked {
            return Ok(Comparison::IsAhead);
        }
        let behind = revoked.0.saturating_sub(next.0);
        let wrong = PeerViolation::NextRevocationNumber { expected: revoked, next };
        ensure(behind <= 1, wrong)?;
        let (last, expected) = (self.remote_number(), self.remote_number().next());
        let resend = actual == last && self.awaits_revocation();
        let fits = resend || Some(actual) == expected;
        ensure(fits, PeerViolation::NextCommitmentNumber { last, actual })?;
        Ok(Comparison::Lacks(Missing { commitment: resend, revocation: behind == 1 }))
    }

    /// The messages that the peer lacks, in the order in which they were sent first, and our updates
    /// that are not signed yet.
    ///
    /// # Errors
    /// [`TxError`] if a commitment cannot be signed again.
    pub fn resend(
        &self,
        secrets: &ChannelSecrets,
        missing: Missing,
    ) -> Result<Vec<Message>, TxError> {
        let mut signed = Vec::new();
        if missing.commitment
            && let Some(state) = self.remote_states.last()
        {
            signed = self.our_updates(Sent::Signed);
            signed.push(state.signatures(self.channel_id, secrets)?.into());
        }
        let mut revoked = Vec::new();
        if missing.revocation
            && let Some(number) = self.local_number().0.checked_sub(1)
        {
            revoked.push(self.revocation(secrets, CommitmentNumber(number))?.into());
        }
        let (first, second) = if self.signed_last { (revoked, signed) } else { (signed, revoked) };
        Ok([first, second, self.our_updates(Sent::Proposed)].concat())
    }

    /// Our updates that have come so far.
    fn our_updates(&self, sent: Sent) -> Vec<Message> {
        let stages = match sent {
            Sent::Proposed => [Stage::RemoveProposed, Stage::AddProposed],
            Sent::Signed => [Stage::RemoveSigned, Stage::AddSigned],
        };
        let [removing, adding] = stages;
        let mut messages = Vec::new();
        for (&(offerer, id), htlc) in &self.htlcs {
            if offerer == Side::Remote && htlc.stage == removing {
                messages.extend(
                    htlc.removal.as_deref().cloned().map(|how| how.message(self.channel_id, id)),
                );
            }
        }
        // Before the HTLCs: the opener may be able to pay for them at the new fee rate alone.
        if self.terms.opener == Side::Local {
            let ours = self.fee_updates.iter().filter(|fee| fee.stage == adding);
            let fee = |fee: &FeeUpdate| {
                let feerate_per_kw = fee.feerate;
                UpdateFee { channel_id: self.channel_id, feerate_per_kw, unknown: Vec::new() }
            };
            messages.extend(ours.map(fee).map(Message::from));
        }
        for (&(offerer, id), htlc) in &self.htlcs {
            if offerer == Side::Local && htlc.stage == adding {
                messages.push(
                    UpdateAddHtlc {
                        channel_id: self.channel_id,
                        id,
                        amount_msat: htlc.amount,
                        payment_hash: htlc.payment_hash,
                        cltv_expiry: htlc.cltv_expiry,
                        onion_routing_packet: (*htlc.onion).clone(),
                        blinded_path: htlc.path_key,
                        unknown: Vec::new(),
                    }
                    .into(),
                );
            }
        }
        messages
    }
}

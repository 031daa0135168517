//! Commitment rounds: signing, revoking. BOLT 2, "Committing Updates So Far" and "Completing the
//! Transition to the Updated State".

use std::sync::Arc;

use secp256k1::PublicKey;

use super::{ChannelHtlc, Commitments, LocalState, RemoteState};
use crate::bolt::channel::error::{PeerViolation, ensure};
use crate::bolt::channel::htlc_state::{Milestone, Stage};
use crate::bolt::channel::terms::ChannelSecrets;
use crate::bolt::keys::derive_private_key;
use crate::bolt::tx::{Commitment, CommitmentTransaction, Side, TxError};
use crate::bolt::units::{CommitmentNumber, HtlcId};
use crate::bolt::wire::ChannelId;
use crate::bolt::wire::messages::{CommitmentSigned, RevokeAndAck};

impl Commitments {
    /// Learns the point of the peer's second commitment from `channel_ready`.
    #[must_use]
    pub fn with_next_remote_point(&self, point: PublicKey) -> Self {
        Self { next_remote_point: Some(point), ..self.clone() }
    }

    /// Signs the peer's next commitment with all updates that wait for it. `None` if there are
    /// none, or the peer has not yet revoked the commitment before.
    ///
    /// # Errors
    /// [`TxError`] if a transaction cannot be built.
    pub fn sign(
        &self,
        secrets: &ChannelSecrets,
    ) -> Result<Option<(Self, CommitmentSigned)>, TxError> {
        if !self.owes_signature() {
            return Ok(None);
        }
        self.sign_anyway(secrets)
    }

    /// The same, also if there is no update.
    ///
    /// # Errors
    /// [`TxError`] if a transaction cannot be built.
    pub fn sign_anyway(
        &self,
        secrets: &ChannelSecrets,
    ) -> Result<Option<(Self, CommitmentSigned)>, TxError> {
        let Some(point) = self.next_remote_point else { return Ok(None) };
        if self.awaits_revocation() {
            return Ok(None);
        }
        let mut next = self.clone();
        next.advance(Milestone::Signed(Side::Local));
        let number = self.remote_number().next().ok_or(TxError::AmountOverflow)?;
        let commitment = next.commitment(Side::Remote, number, &point)?;
        let state = RemoteState { commitment, point, htlc_ids: next.htlc_ids(Side::Remote) };
        let message = state.signatures(self.channel_id, secrets)?;
        next.remote_states.push(Arc::new(state));
        next.next_remote_point = None;
        next.signed_last = true;
        Ok(Some((next, message)))
    }

    /// Checks the peer's signatures of our next commitment and revokes the one before.
    ///
    /// # Errors
    /// The outer [`TxError`] if a transaction cannot be built, the inner [`PeerViolation`] if a
    /// signature is missing or does not fit.
    pub fn receive_signatures(
        &self,
        secrets: &ChannelSecrets,
        message: &CommitmentSigned,
    ) -> Result<Result<(Self, RevokeAndAck), PeerViolation>, TxError> {
        if !self.awaited(Milestone::Signed(Side::Remote)) {
            return Ok(Err(PeerViolation::NothingToCommit));
        }
        let mut next = self.clone();
        next.advance(Milestone::Signed(Side::Remote));
        let number = self.local_number().next().ok_or(TxError::AmountOverflow)?;
        let point = secrets.seed.secret(number).point()?;
        let commitment = next.commitment(Side::Local, number, &point)?;
        let transaction = commitment.build();
        let funding = &commitment.funding;
        if !funding.verify(&transaction.unsigned, &funding.remote_pubkey, &message.signature) {
            let guess = next.guess(secrets, number, &message.signature)?;
            return Ok(Err(PeerViolation::WrongCommitmentSignature { guess }));
        }
        if let Err(violation) = check_htlc_signatures(&commitment, &transaction, message)? {
            return Ok(Err(violation));
        }
        next.local_states.push(Arc::new(LocalState {
            commitment,
            transaction,
            signature: message.signature,
            htlc_signatures: message.htlc_signature.clone(),
            htlc_ids: next.htlc_ids(Side::Local),
        }));
        next.advance(Milestone::Revoked(Side::Local));
        next.signed_last = false;
        let revoke = next.revocation(secrets, self.local_number())?;
        Ok(Ok((next, revoke)))
    }

    /// The message that revokes our commitment of this number, which is not the newest.
    pub(super) fn revocation(
        &self,
        secrets: &ChannelSecrets,
        number: CommitmentNumber,
    ) -> Result<RevokeAndAck, TxError> {
        let current = number.next().ok_or(TxError::AmountOverflow)?;
        let following = current.next().ok_or(TxError::AmountOverflow)?;
        Ok(RevokeAndAck {
            channel_id: self.channel_id,
            per_commitment_secret: secrets.seed.secret(number),
            next_per_commitment_point: secrets.seed.secret(following).point()?,
            unknown: Vec::new(),
        })
    }

    /// Takes the secret that revokes the peer's commitment before the newest.
    ///
    /// # Errors
    /// [`PeerViolation`] if nothing was to be revoked, or the secret is not the commitment's.
    pub fn receive_revocation(&self, message: &RevokeAndAck) -> Result<Self, PeerViolation> {
        ensure(self.awaits_revocation(), PeerViolation::NothingToRevoke)?;
        let number = CommitmentNumber(self.secrets.received());
        let point = self.remote_state(number).map(|state| state.point);
        let secret = message.per_commitment_secret;
        ensure(secret.point().ok() == point, PeerViolation::WrongSecret)?;
        let mut next = self.clone();
        next.secrets
            .insert(number, secret)
            .map_err(|error| PeerViolation::InconsistentSecret { error })?;
        next.next_remote_point = Some(message.next_per_commitment_point);
        next.advance(Milestone::Revoked(Side::Remote));
        Ok(next)
    }

    /// An HTLC that is not irrevocably removed yet.
    pub fn htlc(&self, offerer: Side, id: HtlcId) -> Option<&ChannelHtlc> {
        self.htlcs.get(&(offerer, id))
    }

    /// The HTLCs of the peer that are irrevocably committed and not taken yet: the recipient may
    /// take them.
    pub fn takeable(&self) -> impl Iterator<Item = (HtlcId, &ChannelHtlc)> {
        self.htlcs
            .iter()
            .filter(|((side, _), htlc)| *side == Side::Remote && htlc.stage == Stage::Committed)
            .map(|((_, id), htlc)| (*id, htlc))
    }
}

/// Checks the peer's signatures of the HTLC transactions of our commitment.
fn check_htlc_signatures(
    commitment: &Commitment,
    transaction: &CommitmentTransaction,
    message: &CommitmentSigned,
) -> Result<Result<(), PeerViolation>, TxError> {
    let seconds = transaction.htlc_transactions(commitment)?;
    let (expected, actual) = (seconds.len(), message.htlc_signature.len());
    if expected != actual {
        return Ok(Err(PeerViolation::HtlcSignatureCount { expected, actual }));
    }
    let key = &commitment.keys.remote_htlc;
    for (index, (second, signature)) in seconds.iter().zip(&message.htlc_signature).enumerate() {
        if !second.remote_spend().verify(&second.unsigned, key, signature) {
            return Ok(Err(PeerViolation::WrongHtlcSignature { index }));
        }
    }
    Ok(Ok(()))
}

impl RemoteState {
    /// Our signatures of the peer's commitment and of its HTLC transactions.
    ///
    /// # Errors
    /// [`TxError`] if a transaction cannot be built.
    pub(super) fn signatures(
        &self,
        channel_id: ChannelId,
        secrets: &ChannelSecrets,
    ) -> Result<CommitmentSigned, TxError> {
        let Self { commitment, point, .. } = self;
        let transaction = commitment.build();
        let key = derive_private_key(&secrets.basepoints.htlc, point)?;
        let htlc_signature = transaction
            .htlc_transactions(commitment)?
            .iter()
            .map(|second| second.remote_spend().sign(&second.unsigned, &key))
            .collect::<Result<_, _>>()?;
        Ok(CommitmentSigned {
            channel_id,
            signature: commitment.funding.sign(&transaction.unsigned, &secrets.funding)?,
            htlc_signature,
            funding_txid: None,
            unknown: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::bolt::channel::{Commitments, Guess};
    use crate::bolt::tx::{Side, TxError};
    use crate::bolt::units::CommitmentNumber;

    impl Commitments {
        /// A signature of each commitment that the peer could take for ours, by the peer.
        pub(crate) fn mistaken(
            &self,
            secrets: &crate::bolt::channel::ChannelSecrets,
            peers: &secp256k1::SecretKey,
        ) -> Result<Vec<(Guess, secp256k1::ecdsa::Signature)>, TxError> {
            let mut next = self.clone();
            next.advance(super::Milestone::Signed(Side::Remote));
            let number = CommitmentNumber(self.local_number().0 + 1);
            let candidates = next.candidates(secrets, number)?;
            let sign = |(guess, transaction)| Ok((guess, self.funding.sign(&transaction, peers)?));
            candidates.into_iter().map(sign).collect()
        }
    }
}

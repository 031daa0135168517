//! What each output of a closed channel is, and how our side claims it. BOLT 5.

use bitcoin::{Amount, OutPoint, Transaction};
use serde::{Deserialize, Serialize};

use super::channel::{ChannelSecrets, Commitments};
use super::keys::{derive_private_key, derive_revocation_private_key};
use super::tx::claim::{Claim, ClaimPath, to_remote_script};
use super::tx::{ChannelType, Commitment, OutputRole, TxError};
use super::units::{CommitmentNumber, CsvDelay};

/// What spent the funding output, from our view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundingSpend {
    /// The mutual close.
    MutualClose,
    /// A commitment of ours; an old one if we cheated.
    Local(CommitmentNumber),
    /// A commitment of the peer's that is not revoked.
    Remote(CommitmentNumber),
    /// A commitment that the peer has revoked.
    Revoked(CommitmentNumber),
    /// Something that we never signed.
    Unknown,
}

/// An output that we can claim, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimable {
    /// How to spend it.
    pub claim: Claim,
    /// So many blocks after the commitment's own, counted from it, the claim can be mined.
    pub delay: CsvDelay,
    /// Whether it has to be claimed.
    pub rest: Rest,
}

/// Whether an output may stay where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Someone else could take it, or only this channel's secrets find it again: claim it.
    Restless,
    /// BOLT 5 counts it as resolved by the commitment itself: a P2WPKH of ours.
    Resolved,
}

/// Tells what kind of transaction spent the funding output. A closing transaction has neither the
/// locktime nor the sequence of a commitment; of those that we signed, the peer may publish any.
pub fn classify(commitments: &Commitments, spend: &Transaction) -> FundingSpend {
    let txid = spend.compute_txid();
    let Some(number) = commitments.terms.obscuring_factor().number(spend) else {
        return if commitments.has_signed_closing(txid) {
            FundingSpend::MutualClose
        } else {
            FundingSpend::Unknown
        };
    };
    let is_ours = commitments
        .local_states()
        .iter()
        .any(|state| state.transaction.unsigned.compute_txid() == txid);
    if is_ours {
        return FundingSpend::Local(number);
    }
    let theirs = commitments.remote_state(number).map(|state| state.commitment.build());
    if theirs.is_none_or(|built| built.unsigned.compute_txid() != txid) {
        return FundingSpend::Unknown;
    }
    match commitments.revocation_secret(number) {
        Some(_) => FundingSpend::Revoked(number),
        None => FundingSpend::Remote(number),
    }
}

/// The outputs of the spend that are ours to claim. HTLC outputs are not claimed yet.
///
/// # Errors
/// [`TxError`] if a key cannot be derived.
pub fn claimable(
    commitments: &Commitments,
    secrets: &ChannelSecrets,
    spend: FundingSpend,
) -> Result<Vec<Claimable>, TxError> {
    let mut claims = Vec::new();
    match spend {
        FundingSpend::MutualClose | FundingSpend::Unknown => {}
        FundingSpend::Local(number) => {
            let position = usize::try_from(number.0).unwrap_or(usize::MAX);
            if let Some(state) = commitments.local_states().get(position) {
                claims.extend(delayed(&state.commitment, secrets)?);
            }
        }
        FundingSpend::Remote(number) => {
            if let Some(state) = commitments.remote_state(number) {
                claims.extend(to_remote(&state.commitment, secrets));
            }
        }
        FundingSpend::Revoked(number) => {
            if let Some(state) = commitments.remote_state(number) {
                claims.extend(penalty(commitments, &state.commitment, secrets)?);
                claims.extend(to_remote(&state.commitment, secrets));
            }
        }
    }
    Ok(claims)
}

fn output(commitment: &Commitment, role: OutputRole) -> Option<(OutPoint, Amount)> {
    let transaction = commitment.build();
    transaction.output(role).map(|(outpoint, output)| (outpoint, output.value))
}

/// Our own `to_local`, after its delay. BOLT 5, "Local Commitment Transaction".
fn delayed(
    commitment: &Commitment,
    secrets: &ChannelSecrets,
) -> Result<Option<Claimable>, TxError> {
    let Some((outpoint, amount)) = output(commitment, OutputRole::ToLocal) else {
        return Ok(None);
    };
    let point = secrets.seed.secret(commitment.number).point()?;
    let key = derive_private_key(&secrets.basepoints.delayed_payment, &point)?;
    let delay = commitment.to_self_delay;
    let (path, script) = (ClaimPath::Delayed(delay), commitment.to_local_script());
    let claim = Claim { outpoint, amount, path, script, key };
    Ok(Some(Claimable { claim, delay, rest: Rest::Restless }))
}

/// What the peer's commitment pays us: with anchors it is delayed by a block.
fn to_remote(commitment: &Commitment, secrets: &ChannelSecrets) -> Option<Claimable> {
    let channel_type = commitment.channel_type;
    let (outpoint, amount) = output(commitment, OutputRole::ToRemote)?;
    let remotepubkey = commitment.keys.remote;
    let path = ClaimPath::ToRemote { channel_type, remotepubkey };
    let script = to_remote_script(channel_type, &remotepubkey);
    let claim = Claim { outpoint, amount, path, script, key: secrets.basepoints.payment };
    let (delay, rest) = match channel_type {
        ChannelType::StaticRemotekey => (CsvDelay(0), Rest::Resolved),
        ChannelType::Anchors => (CsvDelay(1), Rest::Restless),
    };
    Some(Claimable { claim, delay, rest })
}

/// The cheat's `to_local`, by revocation, at once. BOLT 5, "Revoked Transaction Close Handling".
fn penalty(
    commitments: &Commitments,
    commitment: &Commitment,
    secrets: &ChannelSecrets,
) -> Result<Option<Claimable>, TxError> {
    let Some(secret) = commitments.revocation_secret(commitment.number) else { return Ok(None) };
    let Some((outpoint, amount)) = output(commitment, OutputRole::ToLocal) else {
        return Ok(None);
    };
    let key = derive_revocation_private_key(&secrets.basepoints.revocation, &secret.key()?)?;
    let (path, script) = (ClaimPath::Revocation, commitment.to_local_script());
    let claim = Claim { outpoint, amount, path, script, key };
    Ok(Some(Claimable { claim, delay: CsvDelay(0), rest: Rest::Restless }))
}

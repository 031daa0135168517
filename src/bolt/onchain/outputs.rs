//! Which outputs of a commitment transaction, and of second stages, we have a stake in. BOLT 5.

use std::sync::Arc;

use bitcoin::{Amount, OutPoint, Transaction};
use secp256k1::{PublicKey, SecretKey};

use super::FundingSpend;
use super::stake::{Hashlock, HashlockWay, Rest, Right, Stake, StakedHtlc};
use crate::bolt::channel::{ChannelSecrets, Commitments, LocalState, RemoteState};
use crate::bolt::keys::{derive_private_key, derive_revocation_private_key};
use crate::bolt::tx::claim::{Claim, ClaimPath, SecondStage, to_remote_script};
use crate::bolt::tx::htlc::{Htlc, HtlcTransaction};
use crate::bolt::tx::{
    ChannelType, Commitment, CommitmentTransaction, OutputRole, Side, TxError, script,
};
use crate::bolt::units::{CommitmentNumber, CsvDelay, HtlcId};

/// The outputs of the transaction that spent the funding output in which we have a stake.
///
/// # Errors
/// [`TxError`] if a key cannot be derived.
pub fn stakes(
    commitments: &Commitments,
    secrets: &ChannelSecrets,
    kind: FundingSpend,
    spend: &Transaction,
) -> Result<Vec<Stake>, TxError> {
    match kind {
        FundingSpend::MutualClose => Ok(Vec::new()),
        FundingSpend::Unknown => Ok(salvage(commitments, secrets, spend)),
        FundingSpend::Local(number) => {
            local_state(commitments, number).map_or(Ok(Vec::new()), |state| ours(state, secrets))
        }
        FundingSpend::Remote(number) => {
            let state = commitments.remote_state(number);
            state.map_or(Ok(Vec::new()), |state| theirs(state, secrets))
        }
        FundingSpend::Revoked(number) => {
            let state = commitments.remote_state(number).map(Arc::as_ref);
            let key = revocation_key(commitments, secrets, number)?;
            match (state, key) {
                (Some(state), Some(key)) => Ok(revoked(state, secrets, key)),
                (None, _) | (_, None) => Ok(Vec::new()),
            }
        }
    }
}

/// Our commitment of this number.
pub fn local_state(commitments: &Commitments, number: CommitmentNumber) -> Option<&LocalState> {
    let position = usize::try_from(number.0).ok()?;
    commitments.local_states().get(position).map(Arc::as_ref)
}

/// The key to which a commitment that the peer has revoked leaves everything.
fn revocation_key(
    commitments: &Commitments,
    secrets: &ChannelSecrets,
    number: CommitmentNumber,
) -> Result<Option<SecretKey>, TxError> {
    let Some(secret) = commitments.revocation_secret(number) else { return Ok(None) };
    Ok(Some(derive_revocation_private_key(&secrets.basepoints.revocation, &secret.key()?)?))
}

fn output(transaction: &CommitmentTransaction, role: OutputRole) -> Option<(OutPoint, Amount)> {
    transaction.output(role).map(|(outpoint, output)| (outpoint, output.value))
}

/// The HTLC outputs of a commitment: where they are, the HTLCs, and which ones these are.
fn htlc_outputs<'a>(
    transaction: &'a CommitmentTransaction,
    commitment: &'a Commitment,
    ids: &'a [(Side, HtlcId)],
) -> impl Iterator<Item = (OutPoint, &'a Htlc, StakedHtlc)> {
    let txid = transaction.unsigned.compute_txid();
    (0..).zip(&transaction.roles).filter_map(move |(vout, role)| {
        let OutputRole::Htlc(position) = *role else { return None };
        let (htlc, (offerer, id)) = (commitment.htlcs.get(position)?, *ids.get(position)?);
        let payment_hash = htlc.payment_hash;
        Some((OutPoint { txid, vout }, htlc, StakedHtlc { offerer, id, payment_hash }))
    })
}

/// Our own commitment: `to_local` after its delay, HTLCs to their second stages. BOLT 5, "Unilateral
/// Close Handling: Local Commitment Transaction".
fn ours(state: &LocalState, secrets: &ChannelSecrets) -> Result<Vec<Stake>, TxError> {
    let LocalState { commitment, transaction, htlc_signatures, htlc_ids, .. } = state;
    let point = secrets.seed.secret(commitment.number).point()?;
    let mut stakes = Vec::new();
    if let Some((outpoint, amount)) = output(transaction, OutputRole::ToLocal) {
        stakes.push(delayed(commitment, secrets, outpoint, amount)?);
    }
    let key = derive_private_key(&secrets.basepoints.htlc, &point)?;
    let second_stages = transaction.htlc_transactions(commitment)?;
    let outputs = htlc_outputs(transaction, commitment, htlc_ids);
    let signed = second_stages.into_iter().zip(htlc_signatures);
    stakes.extend(outputs.zip(signed).map(|((outpoint, htlc, staked), (second, signature))| {
        let HtlcTransaction { amount, script, .. } = second.clone();
        let cltv_expiry = htlc.cltv_expiry;
        let right = match staked.offerer {
            Side::Local => {
                let (remote_signature, preimage) = (*signature, None);
                let second = SecondStage { transaction: second, remote_signature, preimage };
                let path = ClaimPath::SecondStage(Box::new(second));
                let claim = Claim { outpoint, amount, path, script, key };
                Right::Timeout { claim, cltv_expiry }
            }
            Side::Remote => {
                let way = HashlockWay::SecondStage(Box::new(second), *signature);
                let hashlock = Hashlock { amount, script, key, way };
                Right::Preimage { hashlock, cltv_expiry }
            }
        };
        Stake { outpoint, right, htlc: Some(staked) }
    }));
    Ok(stakes)
}

/// An output of our own commitment, or of its second stages, that only we can take after the delay.
fn delayed(
    commitment: &Commitment,
    secrets: &ChannelSecrets,
    outpoint: OutPoint,
    amount: Amount,
) -> Result<Stake, TxError> {
    let point = secrets.seed.secret(commitment.number).point()?;
    let key = derive_private_key(&secrets.basepoints.delayed_payment, &point)?;
    let delay = commitment.to_self_delay;
    let (path, script) = (ClaimPath::Delayed(delay), commitment.to_local_script());
    let claim = Claim { outpoint, amount, path, script, key };
    let right = Right::Keys { claim, delay, rest: Rest::Restless, contested: None };
    Ok(Stake { outpoint, right, htlc: None })
}

/// The peer's commitment: `to_remote`, and HTLCs directly. BOLT 5, "Unilateral Close Handling: Remote
/// Commitment Transaction".
fn theirs(state: &RemoteState, secrets: &ChannelSecrets) -> Result<Vec<Stake>, TxError> {
    let RemoteState { commitment, point, htlc_ids } = state;
    let transaction = commitment.build();
    let mut stakes: Vec<Stake> = to_remote(&transaction, commitment, secrets).into_iter().collect();
    let key = derive_private_key(&secrets.basepoints.htlc, point)?;
    let channel_type = commitment.channel_type;
    stakes.extend(htlc_outputs(&transaction, commitment, htlc_ids).map(
        |(outpoint, htlc, staked)| {
            let script = htlc.script(channel_type, &commitment.keys);
            let (amount, cltv_expiry) = (htlc.amount.to_sat_floor(), htlc.cltv_expiry);
            let right = match staked.offerer {
                Side::Local => {
                    let path = ClaimPath::HtlcTimeout { channel_type, cltv_expiry };
                    let claim = Claim { outpoint, amount, path, script, key };
                    Right::Timeout { claim, cltv_expiry }
                }
                Side::Remote => {
                    let way = HashlockWay::Direct(channel_type);
                    let hashlock = Hashlock { amount, script, key, way };
                    Right::Preimage { hashlock, cltv_expiry }
                }
            };
            Stake { outpoint, right, htlc: Some(staked) }
        },
    ));
    Ok(stakes)
}

/// What the peer's commitment pays us: with anchors it is delayed by a block.
fn to_remote(
    transaction: &CommitmentTransaction,
    commitment: &Commitment,
    secrets: &ChannelSecrets,
) -> Option<Stake> {
    let (outpoint, amount) = output(transaction, OutputRole::ToRemote)?;
    let remotepubkey = commitment.keys.remote;
    Some(to_remote_of(commitment.channel_type, remotepubkey, secrets, outpoint, amount))
}

fn to_remote_of(
    channel_type: ChannelType,
    remotepubkey: PublicKey,
    secrets: &ChannelSecrets,
    outpoint: OutPoint,
    amount: Amount,
) -> Stake {
    let path = ClaimPath::ToRemote { channel_type, remotepubkey };
    let script = to_remote_script(channel_type, &remotepubkey);
    let claim = Claim { outpoint, amount, path, script, key: secrets.basepoints.payment };
    let (delay, rest) = match channel_type {
        ChannelType::StaticRemotekey => (CsvDelay(0), Rest::Resolved),
        ChannelType::Anchors => (CsvDelay(1), Rest::Restless),
    };
    let right = Right::Keys { claim, delay, rest, contested: None };
    Stake { outpoint, right, htlc: None }
}

/// A transaction that we do not know: a commitment of the peer's after we have lost data, it may be.
/// Our part of that needs nothing but our own key. BOLT 5, "Unilateral Close Handling: Remote
/// Commitment Transaction".
fn salvage(commitments: &Commitments, secrets: &ChannelSecrets, spend: &Transaction) -> Vec<Stake> {
    let (terms, txid) = (&commitments.terms, spend.compute_txid());
    let remotepubkey = terms.party(Side::Local).basepoints.payment;
    let script = script::to_remote_output(terms.channel_type, &remotepubkey);
    let outputs = (0..).zip(&spend.output).filter(|(_, output)| output.script_pubkey == script);
    let ours = outputs.map(|(vout, output)| {
        let outpoint = OutPoint { txid, vout };
        to_remote_of(terms.channel_type, remotepubkey, secrets, outpoint, output.value)
    });
    ours.collect()
}

/// A commitment that the peer has revoked: all of it, at once. BOLT 5, "Revoked Transaction Close
/// Handling".
fn revoked(state: &RemoteState, secrets: &ChannelSecrets, key: SecretKey) -> Vec<Stake> {
    let RemoteState { commitment, htlc_ids, .. } = state;
    let transaction = commitment.build();
    let to_local = output(&transaction, OutputRole::ToLocal);
    let mut stakes: Vec<Stake> = to_local
        .map(|(outpoint, amount)| punished(commitment, key, outpoint, amount, None))
        .into_iter()
        .collect();
    stakes.extend(to_remote(&transaction, commitment, secrets));
    let revocationpubkey = commitment.keys.revocation;
    stakes.extend(htlc_outputs(&transaction, commitment, htlc_ids).map(
        |(outpoint, htlc, staked)| {
            let path = ClaimPath::HtlcRevocation { revocationpubkey };
            let script = htlc.script(commitment.channel_type, &commitment.keys);
            let claim = Claim { outpoint, amount: htlc.amount.to_sat_floor(), path, script, key };
            Stake { outpoint, right: at_once(commitment, claim), htlc: Some(staked) }
        },
    ));
    stakes
}

/// An output that its owner could take after the delay, if it were not revoked.
fn punished(
    commitment: &Commitment,
    key: SecretKey,
    outpoint: OutPoint,
    amount: Amount,
    htlc: Option<StakedHtlc>,
) -> Stake {
    let (path, script) = (ClaimPath::Revocation, commitment.to_local_script());
    let claim = Claim { outpoint, amount, path, script, key };
    Stake { outpoint, right: at_once(commitment, claim), htlc }
}

/// What the peer has revoked is ours at once, and must be before its own delay has passed.
fn at_once(commitment: &Commitment, claim: Claim) -> Right {
    let contested = Some(commitment.to_self_delay);
    Right::Keys { claim, delay: CsvDelay(0), rest: Rest::Restless, contested }
}

/// The output of a second stage in which we have a stake, where a transaction spends an HTLC output
/// of the commitment by this input. The peer's signature binds the output to the input: it has the
/// same index, whatever else the transaction does. BOLT 3, "HTLC-Timeout and HTLC-Success
/// Transactions".
///
/// # Errors
/// [`TxError`] if a key cannot be derived.
pub fn second_stage(
    commitments: &Commitments,
    secrets: &ChannelSecrets,
    kind: FundingSpend,
    htlc: StakedHtlc,
    (spend, input): (&Transaction, usize),
) -> Result<Option<Stake>, TxError> {
    let commitment = match kind {
        FundingSpend::Local(number) => {
            local_state(commitments, number).map(|state| &state.commitment)
        }
        FundingSpend::Revoked(number) => {
            commitments.remote_state(number).map(|state| &state.commitment)
        }
        // What the peer's second stage pays is the peer's.
        FundingSpend::Remote(_) | FundingSpend::MutualClose | FundingSpend::Unknown => None,
    };
    let (Some(commitment), Some(bound)) = (commitment, spend.output.get(input)) else {
        return Ok(None);
    };
    if bound.script_pubkey != commitment.to_local_script().to_p2wsh() {
        return Ok(None);
    }
    let Ok(vout) = u32::try_from(input) else { return Ok(None) };
    let outpoint = OutPoint { txid: spend.compute_txid(), vout };
    if let FundingSpend::Local(_) = kind {
        let stake = delayed(commitment, secrets, outpoint, bound.value)?;
        return Ok(Some(Stake { htlc: Some(htlc), ..stake }));
    }
    let key = revocation_key(commitments, secrets, commitment.number)?;
    Ok(key.map(|key| punished(commitment, key, outpoint, bound.value, Some(htlc))))
}

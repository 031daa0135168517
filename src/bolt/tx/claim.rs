//! Claims: how each party spends the outputs of a commitment transaction and of its second stages.
//! BOLT 3 gives the witnesses, BOLT 5 says who may use which, when.

use bitcoin::absolute::LockTime;
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use secp256k1::ecdsa::Signature;
use secp256k1::{PublicKey, SecretKey};

use super::htlc::HtlcTransaction;
use super::sign::Spend;
use super::{ChannelType, TxError, fee, script};
use crate::bolt::units::{CltvExpiry, CsvDelay, FeeratePerKw};

/// The branch of a script that a claim takes, with what its witness needs besides a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimPath {
    /// `to_local`, or the output of an HTLC transaction, by its owner after the delay.
    Delayed(CsvDelay),
    /// `to_local`, or the output of an HTLC transaction, by the peer of an owner who cheated.
    Revocation,
    /// `to_remote`.
    ToRemote {
        /// Its format.
        channel_type: ChannelType,
        /// The `remotepubkey`.
        remotepubkey: PublicKey,
    },
    /// An anchor, by the side whose it is.
    Anchor,
    /// An HTLC output of a revoked commitment.
    HtlcRevocation {
        /// The `revocationpubkey`, which the witness shows.
        revocationpubkey: PublicKey,
    },
    /// An HTLC that the owner of the commitment offered, by the peer with the preimage.
    HtlcPreimage {
        /// The commitment's format.
        channel_type: ChannelType,
        /// The payment preimage.
        preimage: [u8; 32],
    },
    /// An HTLC that the owner of the commitment received, by the peer after it timed out.
    HtlcTimeout {
        /// The commitment's format.
        channel_type: ChannelType,
        /// When it timed out.
        cltv_expiry: CltvExpiry,
    },
    /// An HTLC output of our own commitment, to its second stage.
    SecondStage(Box<SecondStage>),
    /// A P2WPKH coin of a wallet, which adds what the others cannot pay.
    Coin(PublicKey),
}

/// An HTLC-success or HTLC-timeout transaction that the peer has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondStage {
    /// The transaction.
    pub transaction: HtlcTransaction,
    /// The peer's signature, from `commitment_signed`.
    pub remote_signature: Signature,
    /// The payment preimage, if it is an HTLC-success transaction.
    pub preimage: Option<[u8; 32]>,
}

/// One output to spend: where, how, and with which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The output.
    pub outpoint: OutPoint,
    /// Its amount.
    pub amount: Amount,
    /// The branch that is taken.
    pub path: ClaimPath,
    /// The witness script, or for a P2WPKH its script code.
    pub script: ScriptBuf,
    /// The key that signs.
    pub key: SecretKey,
}

/// A signature of the greatest length, with its sighash byte, as BOLT 3 and 5 count it.
const SIGNATURE_LENGTH: usize = 73;

impl ClaimPath {
    /// The sequence that this branch asks of the input.
    pub fn sequence(&self) -> Sequence {
        let one_block = |channel_type: &ChannelType| match channel_type {
            ChannelType::StaticRemotekey => Sequence::ENABLE_RBF_NO_LOCKTIME,
            ChannelType::Anchors => Sequence(1),
        };
        match self {
            Self::Delayed(delay) => Sequence(u32::from(delay.0)),
            Self::ToRemote { channel_type, .. }
            | Self::HtlcPreimage { channel_type, .. }
            | Self::HtlcTimeout { channel_type, .. } => one_block(channel_type),
            Self::SecondStage(second) => second.transaction.sequence(),
            Self::Revocation | Self::Anchor | Self::HtlcRevocation { .. } | Self::Coin(_) => {
                Sequence::ENABLE_RBF_NO_LOCKTIME
            }
        }
    }

    /// The locktime that this branch asks of the transaction.
    pub fn lock_time(&self) -> LockTime {
        match self {
            Self::HtlcTimeout { cltv_expiry, .. } => LockTime::from_consensus(cltv_expiry.0),
            Self::SecondStage(second) => second.transaction.unsigned.lock_time,
            Self::Delayed(_)
            | Self::Revocation
            | Self::ToRemote { .. }
            | Self::Anchor
            | Self::HtlcRevocation { .. }
            | Self::HtlcPreimage { .. }
            | Self::Coin(_) => LockTime::ZERO,
        }
    }

    fn second_stage(&self) -> Option<&HtlcTransaction> {
        if let Self::SecondStage(second) = self { Some(&second.transaction) } else { None }
    }

    /// The output that the transaction must have beside the input, at the same index: the peer
    /// signed for both.
    fn bound_output(&self) -> Option<&TxOut> {
        self.second_stage().and_then(|second| second.unsigned.output.first())
    }

    /// Whether the transaction takes further inputs: the peer's signature of an HTLC transaction
    /// without anchors is for that transaction alone. BOLT 5, "Generation of HTLC Transactions".
    pub fn combines(&self) -> bool {
        self.second_stage().is_none_or(HtlcTransaction::combines)
    }

    /// Whether what it takes does not pay for the transaction: it takes a coin besides.
    pub fn needs_coin(&self) -> bool {
        *self == Self::Anchor || self.second_stage().is_some_and(HtlcTransaction::combines)
    }

    /// The witness: the signature, what the branch needs, and the script.
    fn witness(&self, signature: Vec<u8>, script: &ScriptBuf) -> Witness {
        let script = script.to_bytes();
        let stack = match self {
            Self::Delayed(_) | Self::HtlcTimeout { .. } => vec![signature, Vec::new(), script],
            Self::Revocation => vec![signature, vec![1], script],
            Self::ToRemote { channel_type: ChannelType::StaticRemotekey, remotepubkey }
            | Self::Coin(remotepubkey) => {
                vec![signature, remotepubkey.serialize().to_vec()]
            }
            Self::ToRemote { channel_type: ChannelType::Anchors, .. } | Self::Anchor => {
                vec![signature, script]
            }
            Self::HtlcRevocation { revocationpubkey } => {
                vec![signature, revocationpubkey.serialize().to_vec(), script]
            }
            Self::HtlcPreimage { preimage, .. } => vec![signature, preimage.to_vec(), script],
            Self::SecondStage(second) => {
                let remote = second.transaction.remote_spend().witness(&second.remote_signature);
                let preimage = second.preimage.map_or_else(Vec::new, Vec::from);
                vec![Vec::new(), remote, signature, preimage, script]
            }
        };
        Witness::from_slice(&stack)
    }
}

impl Claim {
    /// The expected weight of the claim's witness, which counts signatures at their greatest
    /// length (BOLT 5, Appendix A).
    pub fn witness_weight(&self) -> usize {
        self.path.witness(vec![0; SIGNATURE_LENGTH], &self.script).size()
    }
}

/// The expected weight of a transaction with these claims and one output of this script besides those
/// that are bound to claims.
pub fn weight(claims: &[Claim], destination: &ScriptBuf) -> u64 {
    /// Version, two counts and locktime, times 4; marker and flag.
    const BASE: usize = 4 * (4 + 1 + 1 + 4) + 2;
    /// Outpoint, empty script and sequence, times 4.
    const INPUT: usize = 4 * 41;
    /// Counts of more than 252 take three bytes.
    const LONG_COUNTS: usize = 4 * 4;
    let bytes = |script: &ScriptBuf| script.len().saturating_add(9).saturating_mul(4);
    let bound = claims.iter().filter_map(|claim| claim.path.bound_output());
    let outputs = bound.map(|output| bytes(&output.script_pubkey));
    let inputs = claims.iter().map(|claim| claim.witness_weight().saturating_add(INPUT));
    let counts = if claims.len() > 250 { LONG_COUNTS } else { 0 };
    let fixed = BASE.saturating_add(counts).saturating_add(bytes(destination));
    let total = inputs.chain(outputs).fold(fixed, usize::saturating_add);
    u64::try_from(total).unwrap_or(u64::MAX)
}

/// A signed transaction that takes all `claims` to one output, at this fee rate.
///
/// # Errors
/// As [`claim_for_fee`].
pub fn claim_transaction(
    claims: &[Claim],
    destination: ScriptBuf,
    feerate: FeeratePerKw,
) -> Result<Transaction, TxError> {
    let fee = feerate.fee(weight(claims, &destination));
    claim_for_fee(claims, &[], destination, fee)
}

/// A signed transaction that takes all `claims` to these `further` outputs and the rest to one of this
/// script, and leaves this fee. Second stages come
/// first, each with the output that the peer signed for at the same index; if only they are there
/// and what is left would be dust, that goes to the miner.
///
/// # Errors
/// [`TxError::Insufficient`] if the claims do not pay the fee, [`TxError::Dust`] if too little is
/// left for an output that bitcoind relays, [`TxError::Bound`] for an HTLC transaction that takes no
/// further inputs and is not alone.
pub fn claim_for_fee(
    claims: &[Claim],
    further: &[TxOut],
    destination: ScriptBuf,
    fee: Amount,
) -> Result<Transaction, TxError> {
    let (second_stages, others): (Vec<&Claim>, Vec<&Claim>) =
        claims.iter().partition(|claim| claim.path.bound_output().is_some());
    let claims = [second_stages, others].concat();
    let mut outputs: Vec<TxOut> =
        claims.iter().filter_map(|claim| claim.path.bound_output()).cloned().collect();
    outputs.extend(further.iter().cloned());
    if claims.iter().all(|claim| claim.path.combines()) {
        outputs.extend(rest(&claims, &outputs, destination, fee)?);
    } else if claims.len() != 1 {
        return Err(TxError::Bound);
    }
    let input = claims.iter().map(|claim| TxIn {
        previous_output: claim.outpoint,
        sequence: claim.path.sequence(),
        ..TxIn::default()
    });
    let lock_times = claims.iter().map(|claim| claim.path.lock_time().to_consensus_u32());
    let lock_time = LockTime::from_consensus(lock_times.max().unwrap_or(0));
    // The peer's signature of a second stage is for its locktime, too.
    let is_bound = |claim: &&Claim| claim.path.bound_output().is_some();
    if claims.iter().copied().filter(is_bound).any(|claim| claim.path.lock_time() != lock_time) {
        return Err(TxError::Bound);
    }
    let unsigned =
        Transaction { version: Version::TWO, lock_time, input: input.collect(), output: outputs };
    sign(&claims, unsigned)
}

/// What is left of the claims behind the outputs that there are and the fee.
fn rest(
    claims: &[&Claim],
    outputs: &[TxOut],
    destination: ScriptBuf,
    fee: Amount,
) -> Result<Option<TxOut>, TxError> {
    let available = sum(claims.iter().map(|claim| claim.amount))?;
    let bound = sum(outputs.iter().map(|output| output.value))?;
    let needed = bound.checked_add(fee).ok_or(TxError::AmountOverflow)?;
    let short = TxError::Insufficient { needed, available };
    let value = available.checked_sub(needed).ok_or(short)?;
    let limit = fee::dust_threshold(&destination);
    match value {
        value if value >= limit => Ok(Some(TxOut { value, script_pubkey: destination })),
        _ if !outputs.is_empty() => Ok(None),
        amount => Err(TxError::Dust { amount, limit }),
    }
}

fn sum(mut amounts: impl Iterator<Item = Amount>) -> Result<Amount, TxError> {
    amounts.try_fold(Amount::ZERO, Amount::checked_add).ok_or(TxError::AmountOverflow)
}

fn sign(claims: &[&Claim], mut transaction: Transaction) -> Result<Transaction, TxError> {
    let mut witnesses = Vec::with_capacity(claims.len());
    let mut cache = SighashCache::new(&transaction);
    for (input, claim) in claims.iter().enumerate() {
        let sighash = EcdsaSighashType::All;
        let spend = Spend { input, script: &claim.script, amount: claim.amount, sighash };
        let signature = spend.sign_by(&mut cache, claims.len(), &claim.key)?;
        witnesses.push(claim.path.witness(spend.witness(&signature), &claim.script));
    }
    for (input, witness) in transaction.input.iter_mut().zip(witnesses) {
        input.witness = witness;
    }
    Ok(transaction)
}

/// The script that a `to_remote` claim signs: the witness script, or a P2WPKH's script code.
pub fn to_remote_script(channel_type: ChannelType, remotepubkey: &PublicKey) -> ScriptBuf {
    match channel_type {
        ChannelType::StaticRemotekey => script::p2wpkh_script_code(remotepubkey),
        ChannelType::Anchors => script::to_remote_anchors(remotepubkey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bolt::tx::CommitmentKeys;
    use crate::bolt::tx::htlc::{Direction, Htlc};
    use crate::bolt::units::Msat;
    use bitcoin::hashes::{Hash, sha256};
    use secp256k1::SECP256K1;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_slice(&[byte; 32]).unwrap()
    }

    fn keys() -> CommitmentKeys {
        let point = |byte| key(byte).public_key(SECP256K1);
        CommitmentKeys {
            revocation: point(1),
            local_delayed: point(2),
            local_htlc: point(3),
            remote_htlc: point(4),
            remote: point(5),
        }
    }

    fn claim(path: ClaimPath, script: ScriptBuf) -> Claim {
        let amount = Amount::from_sat(100_000);
        Claim { outpoint: OutPoint::null(), amount, path, script, key: key(1) }
    }

    fn htlc_claim(direction: Direction) -> Claim {
        let htlc = Htlc {
            direction,
            amount: Msat(100_000_000),
            payment_hash: sha256::Hash::hash(&[0; 32]),
            // Three bytes in the script, as BOLT 5 counts them.
            cltv_expiry: CltvExpiry(500_000),
        };
        let path = ClaimPath::HtlcRevocation { revocationpubkey: keys().revocation };
        claim(path, htlc.script(ChannelType::StaticRemotekey, &keys()))
    }

    /// BOLT 5, Appendix A. For `to_local` it counts 160: a delay of 8 bytes where 144 blocks take 2,
    /// and without the byte that the witness item `1` has.
    #[test]
    fn penalty_witnesses_have_their_expected_weights() {
        let to_local = script::to_local(&keys().revocation, CsvDelay(144), &keys().local_delayed);
        assert_eq!(claim(ClaimPath::Revocation, to_local).witness_weight(), 160 - 6 + 1);
        assert_eq!(htlc_claim(Direction::Offered).witness_weight(), 243);
        assert_eq!(htlc_claim(Direction::Received).witness_weight(), 249);
    }

    #[test]
    fn the_real_weight_never_exceeds_the_expected_one() {
        let claims = [htlc_claim(Direction::Offered), htlc_claim(Direction::Received)];
        let destination = script::p2wpkh(&keys().remote);
        let expected = weight(&claims, &destination);
        let built = claim_transaction(&claims, destination, FeeratePerKw(1_000)).unwrap();
        let real = built.weight().to_wu();
        assert!(real <= expected && expected - real <= 8, "{real} of {expected}");
        assert_eq!(built.output[0].value, Amount::from_sat(200_000 - expected));
    }

    #[test]
    fn what_is_too_small_for_its_fee_is_refused() {
        let claims = [htlc_claim(Direction::Offered)];
        let destination = script::p2wpkh(&keys().remote);
        let refused = claim_transaction(&claims, destination.clone(), FeeratePerKw(1_000_000));
        assert!(matches!(refused, Err(TxError::Insufficient { .. })));
        let rate = u32::try_from(99_900_000 / weight(&claims, &destination)).unwrap();
        let dust = claim_transaction(&claims, destination, FeeratePerKw(rate));
        assert!(matches!(dust, Err(TxError::Dust { .. })));
    }
}

//! What can go wrong in a channel, by whose fault it is.

use bitcoin::{Amount, OutPoint};
use thiserror::Error;

use super::commitments::Guess;
use super::dust_exposure::DustExposure;
use crate::bolt::keys::SecretError;
use crate::bolt::tx::TxError;
use crate::bolt::units::{
    BlockHeight, CltvExpiry, CommitmentNumber, CsvDelay, FeeratePerKw, HtlcId, Msat,
};

/// What a signature fits that does not fit our commitment.
fn fits(guess: Option<&Guess>) -> String {
    guess.map_or_else(String::new, |guess| format!(": the peer probably signed {guess}"))
}

/// Why a step was not made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The peer broke the protocol: the channel fails.
    #[error(transparent)]
    Peer(PeerViolation),
    /// The command makes no sense now: the old phase stands.
    #[error(transparent)]
    Refused(Refused),
    /// A transaction of our own could not be built.
    #[error(transparent)]
    Transaction(TxError),
}

macro_rules! violations {
    ($(
        $(#[$meta:meta])*
        $name:ident $({ $($field:ident: $type:ty),* $(,)? })? => $requirement:literal;
    )*) => {
        /// A requirement that the peer broke, with the numbers that show it.
        #[derive(Clone, Debug, PartialEq, Eq, Error)]
        #[allow(missing_docs, reason = "the fields are named as in the message")]
        pub enum PeerViolation {
            $($(#[$meta])* $name $({ $($field: $type),* })?,)*
        }

        impl PeerViolation {
            /// The ids of all requirements that are checked here.
            pub const REQUIREMENTS: &[&str] = &[$($requirement),*];

            /// The id of the requirement: the BOLT, the message, the rule.
            pub fn requirement(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $requirement,)*
                }
            }
        }
    };
}

violations! {
    /// Not the message that is due.
    #[error("{message} is not expected while the channel is {phase}")]
    UnexpectedMessage { message: &'static str, phase: &'static str } => "bolt02/any/expected-message";
    /// A channel on another chain.
    #[error("chain_hash is not regtest's")]
    UnknownChain => "bolt02/open_channel/chain-hash-known";
    /// A capacity that takes `option_support_large_channel`, which was not negotiated.
    #[error("funding_satoshis {} is above {}", capacity.to_sat(), limit.to_sat())]
    FundingTooLarge { capacity: Amount, limit: Amount } => "bolt02/open_channel/funding-below-2-24";
    /// A channel of version 1 where both sides know version 2.
    #[error("open_channel where option_dual_fund was negotiated")]
    DualFundNegotiated => "bolt02/open_channel/without-dual-fund";
    /// A temporary id that names another channel.
    #[error("temporary_channel_id is already in use")]
    TemporaryIdInUse => "bolt02/open_channel/temporary-channel-id-unique";
    /// More pushed than funded.
    #[error("push_msat {push} is above the capacity of {} sat", capacity.to_sat())]
    PushAboveCapacity { push: Msat, capacity: Amount } => "bolt02/open_channel/push-within-funding";
    /// A delay that is unreasonable.
    #[error("to_self_delay {delay} is above {limit}")]
    DelayTooLong { delay: CsvDelay, limit: CsvDelay } => "bolt02/open_channel/to-self-delay-bound";
    /// More HTLCs than a commitment transaction can hold.
    #[error("max_accepted_htlcs {count} is above 483")]
    TooManyAcceptedHtlcs { count: u16 } => "bolt02/open_channel/max-accepted-htlcs-bound";
    /// A fee rate below what is relayed, or unreasonably high.
    #[error("feerate_per_kw {feerate} is not within {least} to {greatest}")]
    UnreasonableFeerate { feerate: FeeratePerKw, least: FeeratePerKw, greatest: FeeratePerKw } => "bolt02/open_channel/feerate-reasonable";
    /// A dust limit above the reserve.
    #[error("dust_limit_satoshis {} is above channel_reserve_satoshis {}", dust_limit.to_sat(), reserve.to_sat())]
    DustAboveReserve { dust_limit: Amount, reserve: Amount } => "bolt02/open_channel/dust-limit-within-reserve";
    /// A dust limit that bitcoind would not relay.
    #[error("dust_limit_satoshis {} is below 354", dust_limit.to_sat())]
    DustLimitTooSmall { dust_limit: Amount } => "bolt02/open_channel/dust-limit-least";
    /// The opener cannot pay the first commitment's fee.
    #[error("the opener's {} sat do not pay {} sat for the first commitment", balance.to_sat(), needed.to_sat())]
    FunderCannotPayFee { balance: Amount, needed: Amount } => "bolt02/open_channel/funder-affords-fee";
    /// Neither side would have anything to lose.
    #[error("neither balance exceeds the reserve of {} sat", reserve.to_sat())]
    NobodyAboveReserve { reserve: Amount } => "bolt02/open_channel/somebody-above-reserve";
    /// No channel type.
    #[error("channel_type is missing")]
    NoChannelType => "bolt02/open_channel/channel-type-present";
    /// A channel type that is not known here, or not the proposed one.
    #[error("channel_type is not suitable")]
    UnsuitableChannelType => "bolt02/open_channel/channel-type-suitable";
    /// A channel that is to be used unconfirmed, of a peer that is not trusted so far.
    #[error("channel_type has option_zeroconf, and the opener is not trusted with it")]
    ZeroconfUntrusted => "bolt02/open_channel/zeroconf-trusted";
    /// No word on the script of `shutdown`.
    #[error("upfront_shutdown_script is missing")]
    NoUpfrontScript => "bolt02/open_channel/upfront-shutdown-script-present";
    /// A commitment to a script that `shutdown` must not have.
    #[error("upfront_shutdown_script is not a standard form")]
    UpfrontScriptForm => "bolt02/open_channel/upfront-shutdown-script-form";
    /// The funding output has another script or amount, or does not exist.
    #[error("{outpoint} is not the funding output that was agreed on")]
    WrongFundingOutput { outpoint: OutPoint } => "bolt02/channel_ready/funding-output-fits";
    /// A signature of a commitment or closing transaction that does not fit.
    #[error("the signature in {message} does not fit")]
    WrongSignature { message: &'static str } => "bolt02/any/signature-valid";
    /// A signature of our next commitment that does not fit, and what it fits instead.
    #[error("the signature in commitment_signed does not fit{}", fits(guess.as_ref()))]
    WrongCommitmentSignature { guess: Option<Guess> } => "bolt02/any/signature-valid";
    /// A signature of an HTLC transaction that does not fit.
    #[error("htlc_signature {index} does not fit")]
    WrongHtlcSignature { index: usize } => "bolt02/commitment_signed/htlc-signature-valid";
    /// The wrong number of HTLC signatures.
    #[error("{actual} htlc_signatures for {expected} HTLC outputs")]
    HtlcSignatureCount { expected: usize, actual: usize } => "bolt02/commitment_signed/htlc-signature-count";
    /// A `commitment_signed` without an update.
    #[error("commitment_signed without an update")]
    NothingToCommit => "bolt02/commitment_signed/has-updates";
    /// A `revoke_and_ack` where no commitment was signed.
    #[error("revoke_and_ack without a commitment to revoke")]
    NothingToRevoke => "bolt02/revoke_and_ack/commitment-outstanding";
    /// A secret that does not belong to the revoked commitment's point.
    #[error("per_commitment_secret does not give the previous per_commitment_point")]
    WrongSecret => "bolt02/revoke_and_ack/secret-generates-point";
    /// Secrets that are not from one seed.
    #[error("per_commitment_secret: {error}")]
    InconsistentSecret { error: SecretError } => "bolt03/per-commitment-secret/from-one-seed";
    /// An id out of order.
    #[error("update_add_htlc has id {actual}, the next is {expected}")]
    UnexpectedHtlcId { expected: HtlcId, actual: HtlcId } => "bolt02/update_add_htlc/ids-ascend";
    /// An HTLC of nothing, or below the minimum.
    #[error("amount_msat {amount} is below htlc_minimum_msat {minimum}")]
    HtlcTooSmall { amount: Msat, minimum: Msat } => "bolt02/update_add_htlc/amount-at-least-minimum";
    /// An HTLC that its offerer cannot pay without touching the reserve.
    #[error("{available} msat would be left, where fee and reserve take {needed} msat")]
    HtlcUnaffordable { available: Msat, needed: Msat } => "bolt02/update_add_htlc/sender-affords";
    /// Too many HTLCs at once.
    #[error("{count} HTLCs are in flight, {limit} may be")]
    TooManyHtlcs { count: usize, limit: u16 } => "bolt02/update_add_htlc/max-accepted-htlcs";
    /// Too much at once.
    #[error("{value} msat are in flight, {limit} msat may be")]
    TooMuchInFlight { value: Msat, limit: Msat } => "bolt02/update_add_htlc/max-in-flight";
    /// An expiry that would be a time.
    #[error("cltv_expiry {expiry} is not a height")]
    ExpiryIsTime { expiry: CltvExpiry } => "bolt02/update_add_htlc/cltv-expiry-is-height";
    /// An `update_fee` of the side that does not pay the fee.
    #[error("update_fee by the side that does not pay the fee")]
    FeeNotTheirs => "bolt02/update_fee/sender-is-funder";
    /// A fee rate that the funder cannot pay.
    #[error("feerate_per_kw {feerate} takes {} sat, and the funder has {available} msat", needed.to_sat())]
    FeeUnaffordable { feerate: FeeratePerKw, available: Msat, needed: Amount } => "bolt02/update_fee/funder-affords";
    /// A fee rate that takes the outputs of too many HTLCs.
    #[error("feerate_per_kw {feerate} puts {exposure} msat at risk in HTLCs without outputs, {limit} msat may be")]
    FeeOverexposes { feerate: FeeratePerKw, exposure: Msat, limit: Msat } => "bolt02/update_fee/dust-exposure";
    /// A `channel_reestablish` of a peer that expects the first commitment again.
    #[error("next_commitment_number is 0")]
    NextCommitmentNumberZero => "bolt02/channel_reestablish/next-commitment-number-not-zero";
    /// A peer that expects a commitment that is neither the last nor the next.
    #[error("next_commitment_number is {actual}, and the last commitment was {last}")]
    NextCommitmentNumber { last: CommitmentNumber, actual: CommitmentNumber } => "bolt02/channel_reestablish/next-commitment-number";
    /// A peer that expects a revocation that is neither the last nor the next.
    #[error("next_revocation_number is {next}, and {expected} were sent")]
    NextRevocationNumber { expected: CommitmentNumber, next: CommitmentNumber } => "bolt02/channel_reestablish/next-revocation-number";
    /// A secret that we never gave.
    #[error("your_last_per_commitment_secret is not the one before {number}")]
    WrongLastSecret { number: CommitmentNumber } => "bolt02/channel_reestablish/last-secret";
    /// A removal of an HTLC that is not there or not committed yet.
    #[error("HTLC {id} cannot be removed")]
    UnknownHtlc { id: HtlcId } => "bolt02/update_fulfill_htlc/id-committed";
    /// A preimage that is not one.
    #[error("payment_preimage does not hash to the payment_hash of HTLC {id}")]
    WrongPreimage { id: HtlcId } => "bolt02/update_fulfill_htlc/preimage-fits";
    /// A code that does not say that the onion was bad.
    #[error("failure_code {code:#06x} for HTLC {id} has no BADONION")]
    NotBadOnion { id: HtlcId, code: u16 } => "bolt02/update_fail_malformed_htlc/badonion-set";
    /// An HTLC after `shutdown`.
    #[error("update_add_htlc after shutdown")]
    AddAfterShutdown => "bolt02/shutdown/no-add-after";
    /// A second `shutdown` with another script.
    #[error("a second shutdown has another scriptpubkey")]
    ShutdownScriptChanged => "bolt02/shutdown/same-script";
    /// A script that no closing transaction may pay to.
    #[error("scriptpubkey of shutdown is not a standard form")]
    ShutdownScript => "bolt02/shutdown/script-form";
    /// Another script than the one that the side committed to when it opened the channel.
    #[error("scriptpubkey is not the upfront_shutdown_script")]
    UpfrontScriptChanged => "bolt02/shutdown/upfront-script";
    /// A closing fee that no range contains.
    #[error("fee_satoshis {} is acceptable to nobody", fee.to_sat())]
    ClosingFee { fee: Amount } => "bolt02/closing_signed/fee-in-range";
    /// No fee that could be accepted, for too long.
    #[error("no acceptable closing_signed within {blocks} blocks")]
    NoClosingFee { blocks: u32 } => "bolt02/closing_signed/answered-in-time";
    /// `closing_signed` where `option_simple_close` was negotiated.
    #[error("closing_signed with option_simple_close")]
    LegacyClosing => "bolt02/closing_signed/without-simple-close";
    /// A fee that the closer cannot pay.
    #[error("fee_satoshis {} of a closer that has {} sat", fee.to_sat(), balance.to_sat())]
    CloserCannotPay { fee: Amount, balance: Amount } => "bolt02/closing_complete/fee-within-balance";
    /// A closing transaction that pays us to another script than we named last.
    #[error("closee_scriptpubkey is not the last one that was sent")]
    CloseeScript => "bolt02/closing_complete/closee-script-last-sent";
    /// A closing transaction that pays the closer to a script that `shutdown` must not have.
    #[error("closer_scriptpubkey is not a standard form")]
    CloserScript => "bolt02/closing_complete/closer-script-form";
    /// Not the signatures that the balances of both sides ask for.
    #[error("{field} is {} in closing_complete, by the balances", if *due { "missing" } else { "one too many" })]
    CloserSignatures { field: &'static str, due: bool } => "bolt02/closing_complete/signatures-by-balance";
    /// The one signature that we would need is missing.
    #[error("closing_complete without {missing}")]
    NoCloserSignature { missing: &'static str } => "bolt02/closing_complete/signature-present";
    /// A signature of the closer that does not fit.
    #[error("{field} in closing_complete does not fit")]
    WrongCloserSignature { field: &'static str } => "bolt02/closing_complete/signature-valid";
    /// A `closing_sig` that answers nothing.
    #[error("closing_sig without a closing_complete to answer")]
    NothingToClose => "bolt02/closing_sig/closing-complete-outstanding";
    /// A `closing_sig` for another transaction.
    #[error("{field} in closing_sig is not the one in closing_complete")]
    ClosingSigDiffers { field: &'static str } => "bolt02/closing_sig/repeats-closing-complete";
    /// More signatures than one, or none.
    #[error("{count} signatures in closing_sig")]
    ClosingSigCount { count: usize } => "bolt02/closing_sig/one-signature";
    /// A signature of a transaction that the closer did not sign.
    #[error("{field} in closing_sig was not in closing_complete")]
    ClosingSigNotOffered { field: &'static str } => "bolt02/closing_sig/signature-offered";
    /// A signature of the closee that does not fit.
    #[error("{field} in closing_sig does not fit")]
    WrongCloseeSignature { field: &'static str } => "bolt02/closing_sig/signature-valid";
    /// No `closing_sig`, for too long.
    #[error("no closing_sig within {blocks} blocks")]
    NoClosingSig { blocks: u32 } => "bolt02/closing_complete/answered-in-time";
    /// An HTLC that we offered has timed out, and the peer does not give it back.
    #[error("HTLC {id} timed out at {}: at {} it is not given back", cltv_expiry.0, height.0)]
    TimedOutHtlc { id: HtlcId, cltv_expiry: CltvExpiry, height: BlockHeight } => "bolt02/cltv_expiry_delta/timeout-deadline";
    /// An HTLC that we take times out soon, and the peer does not let go of it.
    #[error("HTLC {id} times out at {}: at {} it is fulfilled and still there", cltv_expiry.0, height.0)]
    FulfilledHtlc { id: HtlcId, cltv_expiry: CltvExpiry, height: BlockHeight } => "bolt02/cltv_expiry_delta/fulfillment-deadline";
    /// The peer gave up.
    #[error("the peer sent an error")]
    Error => "bolt01/error/fails-channel";
}

impl PeerViolation {
    /// Whether only the connection is closed for it: the peer may do better over the next one.
    pub(super) fn spares_channel(&self) -> bool {
        matches!(
            self,
            Self::ShutdownScript
                | Self::UpfrontScriptChanged
                | Self::CloserCannotPay { .. }
                | Self::CloseeScript
                | Self::CloserScript
                | Self::NoCloserSignature { .. }
                | Self::WrongCloserSignature { .. }
                | Self::NothingToClose
                | Self::ClosingSigDiffers { .. }
                | Self::ClosingSigCount { .. }
                | Self::ClosingSigNotOffered { .. }
                | Self::WrongCloseeSignature { .. }
                | Self::NoClosingSig { .. }
        )
    }
}

/// A command that makes no sense now.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The channel is not in a phase for it.
    #[error("{command} while the channel is {phase}")]
    WrongPhase {
        /// The command.
        command: &'static str,
        /// The phase.
        phase: &'static str,
    },
    /// An HTLC or a fee rate would break a limit that the peer set; the peer would fail the channel.
    #[error("keep to the limits of the peer: {0}")]
    BreaksLimit(PeerViolation),
    /// There is no such HTLC to remove.
    #[error("remove HTLC {0}: not committed")]
    NoSuchHtlc(HtlcId),
    /// The peer would refuse a capacity that takes `option_support_large_channel`.
    #[error("open a channel of {} sat: the limit is {} sat", capacity.to_sat(), limit.to_sat())]
    FundingTooLarge {
        /// The capacity.
        capacity: Amount,
        /// The largest one.
        limit: Amount,
    },
    /// Too much would be at risk in HTLCs without outputs.
    #[error("put {} msat at risk in HTLCs without outputs: the limit is {} msat", .0.exposure, .0.limit)]
    DustExposure(DustExposure),
    /// A channel type makes use of a feature that one of the two sides does not support.
    #[error("open a channel of this type: it takes features that were not negotiated")]
    ChannelType,
    /// HTLCs are still pending.
    #[error("close with {0} HTLCs pending")]
    HtlcsPending(usize),
    /// The peer has not revoked the commitment before.
    #[error("sign a commitment before the last one is acknowledged")]
    AwaitsRevocation,
    /// There is no connection with the peer, or it is not ready yet.
    #[error("go on without a connection")]
    NotConnected,
    /// The peer has yet to sign the closing transaction that was offered last.
    #[error("offer a closing transaction: the last one waits for closing_sig")]
    AwaitsClosingSig,
    /// The new closing transaction would not replace the old one.
    #[error("offer a closing transaction at {} sat: the last one pays {} sat", fee.to_sat(), last.to_sat())]
    ClosingFeeTooLow {
        /// Its fee.
        fee: Amount,
        /// The fee of the one before.
        last: Amount,
    },
    /// Our balance does not pay for a closing transaction.
    #[error("offer a closing transaction at {0} sat/kw: the balance is too small")]
    ClosingFeeTooHigh(FeeratePerKw),
    /// A script that a closing transaction may not pay us to.
    #[error("close to this script: it is no standard form, or not the one committed to")]
    ClosingScript,
    /// The funding transaction is not in the chain (any more).
    #[error("use a channel whose funding transaction is not confirmed")]
    Unconfirmed,
}

impl From<PeerViolation> for Fault {
    fn from(violation: PeerViolation) -> Self {
        Self::Peer(violation)
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<TxError> for Fault {
    fn from(error: TxError) -> Self {
        Self::Transaction(error)
    }
}

/// Fails with `violation` unless the requirement holds.
pub(super) fn ensure(holds: bool, violation: PeerViolation) -> Result<(), PeerViolation> {
    if holds { Ok(()) } else { Err(violation) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirement_ids_are_well_formed() {
        for id in PeerViolation::REQUIREMENTS {
            let parts: Vec<&str> = id.split('/').collect();
            assert_eq!(parts.len(), 3, "{id}");
            assert!(parts[0].starts_with("bolt0"), "{id}");
        }
    }
}

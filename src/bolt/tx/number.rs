//! The obscured commitment number in a commitment transaction's locktime and sequence.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::{Sequence, Transaction};
use secp256k1::PublicKey;

use crate::bolt::units::CommitmentNumber;

const LOCKTIME_MARK: u32 = 0x2000_0000;
const SEQUENCE_MARK: u32 = 0x8000_0000;
const LOW_24_BITS: u64 = 0x00ff_ffff;

/// The 48 bits that a channel's commitment numbers are combined with by XOR. BOLT 3, "Commitment
/// Transaction".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObscuringFactor(u64);

impl ObscuringFactor {
    /// The lower 48 bits of `SHA256(payment_basepoint from open_channel || payment_basepoint from
    /// accept_channel)`.
    pub fn new(
        opener_payment_basepoint: &PublicKey,
        acceptor_payment_basepoint: &PublicKey,
    ) -> Self {
        let mut engine = sha256::Hash::engine();
        engine.input(&opener_payment_basepoint.serialize());
        engine.input(&acceptor_payment_basepoint.serialize());
        let hash = sha256::Hash::from_engine(engine).to_byte_array();
        let low_48_bits = hash.iter().skip(32 - 6);
        Self(low_48_bits.fold(0, |factor, byte| (factor << 8) | u64::from(*byte)))
    }

    /// The number as the transaction shows it.
    pub fn obscure(self, number: CommitmentNumber) -> u64 {
        self.0 ^ number.0
    }

    /// The locktime of this commitment transaction: 0x20 and the lower 24 bits.
    pub fn locktime(self, number: CommitmentNumber) -> LockTime {
        LockTime::from_consensus(LOCKTIME_MARK | low_24_bits(self.obscure(number)))
    }

    /// The sequence of its only input: 0x80 and the upper 24 bits.
    pub fn sequence(self, number: CommitmentNumber) -> Sequence {
        Sequence(SEQUENCE_MARK | low_24_bits(self.obscure(number) >> 24))
    }

    /// The number of a commitment transaction of this channel, or `None` if locktime and sequence
    /// are not those of a commitment transaction.
    pub fn number(self, transaction: &Transaction) -> Option<CommitmentNumber> {
        let [input] = transaction.input.as_slice() else { return None };
        let (locktime, sequence) = (transaction.lock_time.to_consensus_u32(), input.sequence.0);
        let marked =
            locktime & !0x00ff_ffff == LOCKTIME_MARK && sequence & !0x00ff_ffff == SEQUENCE_MARK;
        let upper = u64::from(sequence) & LOW_24_BITS;
        let lower = u64::from(locktime) & LOW_24_BITS;
        marked.then_some(CommitmentNumber(((upper << 24) | lower) ^ self.0))
    }
}

fn low_24_bits(value: u64) -> u32 {
    // At most 24 bits are left, so the conversion always succeeds.
    u32::try_from(value & LOW_24_BITS).unwrap_or(u32::MAX)
}

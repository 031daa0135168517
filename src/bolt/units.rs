//! Amounts, heights and numbers, each a type of its own. Only arithmetic that means something
//! exists, and all of it is checked. Satoshis are [`bitcoin::Amount`].

use std::fmt;

use bitcoin::Amount;
use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// Millisatoshis, the unit of every amount inside a channel.
    Msat(u64)
}
number! {
    /// A fee rate in satoshis per 1000 weight units (`feerate_per_kw`).
    FeeratePerKw(u32)
}
number! {
    /// The height of a block; the genesis block has height 0.
    BlockHeight(u32)
}
number! {
    /// The absolute block height at which an HTLC times out (`cltv_expiry`).
    CltvExpiry(u32)
}
number! {
    /// How many blocks an HTLC's timeout must lie below that of the one before it
    /// (`cltv_expiry_delta`).
    CltvExpiryDelta(u16)
}
number! {
    /// A relative delay in blocks for `OP_CHECKSEQUENCEVERIFY` (`to_self_delay`).
    CsvDelay(u16)
}
number! {
    /// The number of an HTLC within the offers of one side of a channel; counts from 0.
    HtlcId(u64)
}
number! {
    /// The number of a commitment transaction; counts up from 0. See BOLT 3, "Commitment
    /// Transaction", for how a transaction carries it and [`CommitmentNumber::secret_index`] for
    /// the order of its secrets.
    CommitmentNumber(u64)
}

impl Msat {
    /// No amount at all.
    pub const ZERO: Self = Self(0);

    /// The same amount in millisatoshis, or `None` beyond 2^64 - 1 msat.
    pub fn from_amount(amount: Amount) -> Option<Self> {
        amount.to_sat().checked_mul(1000).map(Self)
    }

    /// Whole satoshis, rounded down: what a transaction's output can carry (BOLT 3, "Commitment
    /// Transaction Outputs").
    pub fn to_sat_floor(self) -> Amount {
        Amount::from_sat(self.0 / 1000)
    }

    /// The sum, or `None` if it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` if it would be negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The difference, or zero if it would be negative.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl FeeratePerKw {
    /// The fee of a transaction of this weight, rounded down (BOLT 3, "Fee Calculation").
    pub fn fee(self, weight: u64) -> Amount {
        Amount::from_sat(u64::from(self.0).saturating_mul(weight) / 1000)
    }
}

impl BlockHeight {
    /// The height this many blocks later, or `None` beyond 2^32 - 1.
    pub fn checked_add(self, blocks: u32) -> Option<Self> {
        self.0.checked_add(blocks).map(Self)
    }

    /// How many blocks this height lies above `earlier`, or `None` if it lies below.
    pub fn blocks_since(self, earlier: Self) -> Option<u32> {
        self.0.checked_sub(earlier.0)
    }
}

impl CltvExpiry {
    /// The expiry this much later, or `None` beyond 2^32 - 1.
    pub fn checked_add(self, delta: CltvExpiryDelta) -> Option<Self> {
        self.0.checked_add(delta.0.into()).map(Self)
    }

    /// The expiry this much earlier, or `None` below 0.
    pub fn checked_sub(self, delta: CltvExpiryDelta) -> Option<Self> {
        self.0.checked_sub(delta.0.into()).map(Self)
    }
}

impl HtlcId {
    /// The id that follows, or `None` after 2^64 - 1.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl CommitmentNumber {
    /// The greatest number that fits the 48 bits that a commitment transaction has for it.
    pub const MAX: Self = Self((1 << 48) - 1);

    /// The index of this commitment's secret: 2^48 - 1 - n, since secrets are revealed from the
    /// last to the first (BOLT 3, "Per-commitment Secret Requirements").
    pub fn secret_index(self) -> u64 {
        Self::MAX.0.saturating_sub(self.0)
    }

    /// The number that follows, or `None` after [`CommitmentNumber::MAX`].
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self).filter(|n| *n <= Self::MAX)
    }

    /// The number before, or `None` for the first commitment.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn msat_rounds_down_to_whole_satoshis() {
        assert_eq!(Msat(1_999).to_sat_floor(), Amount::from_sat(1));
        assert_eq!(Msat(999).to_sat_floor(), Amount::ZERO);
    }

    #[test]
    fn secrets_are_revealed_from_the_last_to_the_first() {
        assert_eq!(CommitmentNumber(0).secret_index(), 281_474_976_710_655);
        assert_eq!(CommitmentNumber::MAX.secret_index(), 0);
        assert_eq!(CommitmentNumber::MAX.next(), None);
    }
}

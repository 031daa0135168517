//! Amounts, heights and numbers, each a type of its own. Only arithmetic that means something
//! exists, and all of it is checked. Satoshis are [`bitcoin::Amount`].

use std::fmt;
use std::str::FromStr;

use bitcoin::Amount;
use serde::{Deserialize, Serialize};
use thiserror::Error;

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

/// Names a channel by where its funding output is in the chain. BOLT 7, "Definition of
/// `short_channel_id`".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShortChannelId(pub u64);

impl ShortChannelId {
    /// The channel funded by this output of this transaction of this block; `None` if a number is
    /// too large for its field.
    pub fn new(block: u32, transaction: u32, output: u16) -> Option<Self> {
        let fits = block < 1 << 24 && transaction < 1 << 24;
        let (block, transaction) = (u64::from(block), u64::from(transaction));
        fits.then(|| Self((block << 40) | (transaction << 16) | u64::from(output)))
    }

    /// The block's height.
    pub fn block(self) -> u32 {
        u32::try_from(self.0 >> 40).unwrap_or_default()
    }

    /// The index of the transaction in its block.
    pub fn transaction(self) -> u32 {
        u32::try_from((self.0 >> 16) & 0xff_ffff).unwrap_or_default()
    }

    /// The index of the output in its transaction.
    pub fn output(self) -> u16 {
        u16::try_from(self.0 & 0xffff).unwrap_or_default()
    }
}

/// Block, transaction and output, as people write it: `539268x845x1`.
impl fmt::Display for ShortChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.block(), self.transaction(), self.output())
    }
}

impl FromStr for ShortChannelId {
    type Err = NotAShortChannelId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('x');
        let mut part = || parts.next().filter(|part| !part.starts_with('+'));
        let block = part().and_then(|part| part.parse().ok());
        let transaction = part().and_then(|part| part.parse().ok());
        let output = part().and_then(|part| part.parse().ok());
        let whole = block.zip(transaction).zip(output).filter(|_| parts.next().is_none());
        whole
            .and_then(|((block, transaction), output)| Self::new(block, transaction, output))
            .ok_or(NotAShortChannelId)
    }
}

/// The text is not a block, a transaction and an output (`539268x845x1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("read a short_channel_id: not like 539268x845x1")]
pub struct NotAShortChannelId;

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

    #[test]
    fn a_short_channel_id_is_read_as_it_is_shown() {
        let id = ShortChannelId::new(539_268, 845, 1).unwrap();
        assert_eq!(id, ShortChannelId(0x083a_8400_034d_0001));
        assert_eq!((id.to_string(), "539268x845x1".parse()), ("539268x845x1".to_owned(), Ok(id)));
        for wrong in ["", "1x2", "1x2x3x4", "1x2x65536", "16777216x0x0", "+1x2x3", "1x-2x3"] {
            assert_eq!(wrong.parse::<ShortChannelId>(), Err(NotAShortChannelId), "{wrong}");
        }
    }
}

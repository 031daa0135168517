//! Random numbers that are the same everywhere.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng as _;

/// A stream of random numbers: PCG XSL RR 128/64, whose output is fixed by its publication.
#[derive(Clone, Debug)]
pub struct Dice(Pcg64);

impl Dice {
    /// The stream of this seed for this use. Two uses of one seed are independent of each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self(Pcg64::new(u128::from(seed), u128::from(stream)))
    }

    /// Any number of 64 bits.
    pub fn any(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to one below the limit; 0 if the limit is 0. A limit of n makes some
    /// numbers more likely than others by no more than n in 2^64.
    pub fn below(&mut self, limit: u64) -> u64 {
        let product = u128::from(self.any()) * u128::from(limit);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// A node's number, from 0 to one below the limit; 0 if the limit is 0.
    pub fn node(&mut self, limit: u32) -> u32 {
        u32::try_from(self.below(u64::from(limit))).unwrap_or_default()
    }

    /// An index into a list of this length; 0 if it is empty.
    pub fn index(&mut self, length: usize) -> usize {
        let limit = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(limit)).unwrap_or_default()
    }

    /// True this many times in a thousand.
    pub fn thousandths(&mut self, chance: u32) -> bool {
        self.below(1000) < u64::from(chance)
    }

    /// A number by its quantiles: the list has the value below which lies an equal share of all,
    /// from the smallest to the greatest; between two of them all are equally likely.
    pub fn quantile(&mut self, quantiles: &[u64]) -> u64 {
        let at = self.index(quantiles.len().saturating_sub(1));
        match (quantiles.get(at), quantiles.get(at + 1)) {
            (Some(low), Some(high)) => low + self.below(high.saturating_sub(*low) + 1),
            (Some(only), None) => *only,
            (None, _) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_one_that_was_published() {
        // The first numbers of the reference implementation's demo, `pcg64_srandom(42, 54)`.
        let mut dice = Dice::new(42, 54);
        let first = [dice.any(), dice.any()];
        assert_eq!(first, [0x86b1_da1d_7206_2b68, 0x1304_aa46_c985_3d39]);
    }

    #[test]
    fn numbers_stay_below_their_limit_and_reach_every_value() {
        let mut dice = Dice::new(1, 0);
        let mut seen = [0_u32; 6];
        for _ in 0..6_000 {
            seen[dice.index(6)] += 1;
        }
        assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
        assert_eq!((dice.below(0), dice.below(1)), (0, 0));
    }

    #[test]
    fn quantiles_hold() {
        let mut dice = Dice::new(2, 0);
        let drawn: Vec<u64> = (0..4_000).map(|_| dice.quantile(&[10, 20, 1000])).collect();
        let low = drawn.iter().filter(|value| **value <= 20).count();
        assert!((1_850..2_150).contains(&low), "{low}");
        assert!(drawn.iter().all(|value| (10..=1000).contains(value)));
        assert_eq!((dice.quantile(&[7]), dice.quantile(&[])), (7, 0));
    }
}

//! What a channel can carry and what it costs.
//!
//! The distributions are chosen to be plausible for the public network of the 2020s, not measured:
//! a median capacity of 2.5 million satoshis with a mean of about ten million; two in five channels
//! without a base fee and most others with the customary 1,000 msat; proportional fees with a
//! median of 200 millionths and a long tail.

use super::{Dice, Network};

/// What a channel offers in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The capacity in satoshis.
    pub capacity_sat: u64,
    /// What the first end of the channel asks for forwarding to the second, and the other way round.
    pub directions: [Direction; 2],
}

/// What one end of a channel asks for forwarding over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The fee for every payment in millisatoshis.
    pub fee_base_msat: u32,
    /// The fee for the amount in millionths of it.
    pub fee_proportional_millionths: u32,
    /// The delay in blocks.
    pub cltv_expiry_delta: u16,
}

/// The deciles of capacities in satoshis.
const CAPACITIES: [u64; 11] = [
    20_000,
    200_000,
    500_000,
    1_000_000,
    1_500_000,
    2_500_000,
    5_000_000,
    8_000_000,
    12_000_000,
    20_000_000,
    100_000_000,
];
/// The deciles of proportional fees in millionths.
const RATES: [u64; 11] = [0, 1, 10, 50, 100, 200, 350, 600, 1_000, 2_000, 5_000];
/// The quintiles of base fees in millisatoshis.
const BASES: [u64; 6] = [0, 0, 0, 1_000, 1_000, 5_000];
/// The delays in blocks, each as likely as any other.
const DELAYS: [u16; 5] = [40, 40, 80, 80, 144];

/// Terms for each channel of a network, in its order.
pub fn terms(network: &Network, seed: u64) -> Vec<Terms> {
    let mut dice = Dice::new(seed, 4);
    let drawn = network.channels.iter().map(|_| Terms {
        capacity_sat: dice.quantile(&CAPACITIES),
        directions: [direction(&mut dice), direction(&mut dice)],
    });
    drawn.collect()
}

fn direction(dice: &mut Dice) -> Direction {
    Direction {
        fee_base_msat: u32::try_from(dice.quantile(&BASES)).unwrap_or(u32::MAX),
        fee_proportional_millionths: u32::try_from(dice.quantile(&RATES)).unwrap_or(u32::MAX),
        cltv_expiry_delta: DELAYS.get(dice.index(DELAYS.len())).copied().unwrap_or_default(),
    }
}

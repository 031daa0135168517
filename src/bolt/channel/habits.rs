//! What a node does on chain otherwise than most: carelessness that was paid for, and care that not
//! all take.

/// A habit of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Habit {
    /// Reads preimages in the mempool, too, and not in blocks alone.
    WatchesMempool,
    /// Never raises the fee of what it has published.
    FixedFees,
    /// Takes all that a revoked commitment leaves it in one transaction.
    OnePenalty,
    /// Publishes one claim for several outputs as it is, also when one of them is gone.
    NeverRegroups,
    /// Tells nobody upstream of HTLCs that have no output.
    ForgetsDust,
    /// Looks for preimages only where its own commitment is on chain.
    OwnCommitmentOnly,
    /// Does not look at the funding output.
    TrustsFunding,
    /// Lets fees take any share of a channel.
    TakesAnyFee,
    /// Begins with the least fee again when it has to regroup its claims.
    RestartsFees,
    /// Takes a payment over its channel alone, and not where that is closed already.
    SettlesOffChain,
}

/// The habits of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits(u16);

impl Habits {
    /// Whether it has this one.
    pub fn has(self, habit: Habit) -> bool {
        self.0 & bit(habit) != 0
    }

    /// The same and this one.
    #[must_use]
    pub fn with(self, habit: Habit) -> Self {
        Self(self.0 | bit(habit))
    }
}

fn bit(habit: Habit) -> u16 {
    match habit {
        Habit::WatchesMempool => 1,
        Habit::FixedFees => 2,
        Habit::OnePenalty => 4,
        Habit::NeverRegroups => 8,
        Habit::ForgetsDust => 16,
        Habit::OwnCommitmentOnly => 32,
        Habit::TrustsFunding => 64,
        Habit::TakesAnyFee => 128,
        Habit::RestartsFees => 256,
        Habit::SettlesOffChain => 512,
    }
}

//! What a role does on chain otherwise than most.

use super::words::words;

words! {
    /// What a role does on chain otherwise than most: carelessness that was paid for, or more care
    /// than the BOLTs ask for.
    pub enum Habit {
        /// It reads preimages in the mempool, too, and not in blocks alone.
        WatchesMempool = "watches_mempool",
        /// It never raises the fee of what it has published.
        FixedFees = "fixed_fees",
        /// It takes all that a revoked commitment leaves it in one transaction.
        OnePenalty = "one_penalty",
        /// It publishes one claim for several outputs as it is, also when one of them is gone.
        NeverRegroups = "never_regroups",
        /// It tells nobody upstream of HTLCs that have no output.
        ForgetsDust = "forgets_dust",
        /// It looks for preimages only where its own commitment is on chain.
        OwnCommitmentOnly = "own_commitment_only",
        /// It does not look at the funding output.
        TrustsFunding = "trusts_funding",
        /// It lets fees take any share of a channel.
        TakesAnyFee = "takes_any_fee",
        /// It raises the fee of what it has published, and begins with the least one again when
        /// another transaction has spent an output of those that it claims together.
        RestartsFees = "restarts_fees",
        /// It takes a payment over its channel alone: where that is closed already, the preimage goes
        /// nowhere.
        SettlesOffChain = "settles_off_chain",
        /// It goes on chain for no HTLC, whatever its deadline.
        WaitsForEver = "waits_for_ever",
    }
}

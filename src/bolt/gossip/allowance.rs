//! How often one direction of a channel may change before its updates are no longer passed on.
//! BOLT 7 leaves the rate to each node; what is spent here is spent by valid updates alone, so that
//! nobody can use up another's.

/// So many updates at once are taken.
const BURST: u64 = 10;
/// After so many seconds, one more.
const SECONDS_EACH: u64 = 60;

/// What is left of the updates that are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Allowance {
    /// From this time on, in seconds since 1970, all of [`BURST`] is there again.
    full_at: u64,
}

impl Allowance {
    /// The allowance after one more update at this time, or `None` if there is none left.
    pub(super) fn spend(self, now: u64) -> Option<Self> {
        let full_at = self.full_at.max(now).checked_add(SECONDS_EACH)?;
        let owed = full_at.saturating_sub(now);
        (owed <= BURST.saturating_mul(SECONDS_EACH)).then_some(Self { full_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_updates_at_once_and_one_a_minute_are_taken() {
        let mut allowance = Allowance::default();
        for _ in 0..BURST {
            allowance = allowance.spend(1_000).unwrap();
        }
        assert_eq!(allowance.spend(1_000), None);
        assert_eq!(allowance.spend(1_059), None);
        allowance = allowance.spend(1_060).unwrap();
        assert_eq!(allowance.spend(1_060), None);
        assert!(allowance.spend(1_120).is_some());
    }
}

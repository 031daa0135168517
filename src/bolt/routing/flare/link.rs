//! A channel as others know it.

use bitcoin::Amount;

use super::Name;
use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};

/// A channel, its two ends, and the last that was heard of what they ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link<N> {
    /// Which channel.
    pub channel: ShortChannelId,
    /// The nodes at its ends, the lesser name first.
    pub ends: [N; 2],
    /// What it holds.
    pub capacity: Amount,
    /// What each end asks for forwarding to the other; `None` if it has not said so.
    pub policies: [Option<Policy>; 2],
}

/// What one end of a channel asks for forwarding over it: the fields of `channel_update` that a
/// choice of routes needs. BOLT 7, "The `channel_update` Message".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Policy {
    /// When it was said, as its node counts; the greater number holds.
    pub timestamp: u32,
    /// Whether the end forwards over this channel at all.
    pub enabled: bool,
    /// The fee for every payment.
    pub fee_base_msat: u32,
    /// The fee for the amount, in millionths of it.
    pub fee_proportional_millionths: u32,
    /// The delay that it asks for.
    pub cltv_expiry_delta: CltvExpiryDelta,
}

impl Policy {
    /// The fee for forwarding this amount, rounded down, or `None` if it does not fit.
    pub fn fee(&self, amount: Msat) -> Option<Msat> {
        let rate = u128::from(self.fee_proportional_millionths);
        let share = u128::from(amount.0).checked_mul(rate)?.checked_div(1_000_000)?;
        let fee = share.checked_add(u128::from(self.fee_base_msat))?;
        u64::try_from(fee).ok().map(Msat)
    }
}

impl<N: Name> Link<N> {
    /// A channel between two nodes, of which nothing more is known.
    pub fn new(channel: ShortChannelId, a: N, b: N, capacity: Amount) -> Self {
        let ends = if a <= b { [a, b] } else { [b, a] };
        Self { channel, ends, capacity, policies: [None; 2] }
    }

    /// The other end, or `None` if the node is at neither.
    pub fn other(&self, end: N) -> Option<N> {
        let [low, high] = self.ends;
        match end {
            _ if end == low => Some(high),
            _ if end == high => Some(low),
            _ => None,
        }
    }

    /// Whether the node is at one of the ends.
    pub fn touches(&self, node: N) -> bool {
        self.ends.contains(&node)
    }

    /// What this end asks for, or `None` if it has not said so or is no end.
    pub fn policy(&self, end: N) -> Option<&Policy> {
        let mut both = self.ends.iter().zip(&self.policies);
        both.find(|(name, _)| **name == end).and_then(|(_, policy)| policy.as_ref())
    }

    /// Notes what this end asks for; nothing changes if it is no end.
    pub fn set_policy(&mut self, end: N, policy: Option<Policy>) {
        for (name, place) in self.ends.iter().zip(&mut self.policies) {
            if *name == end {
                *place = policy;
            }
        }
    }

    /// Takes over what another account of the same channel has newer. Of two accounts of the same
    /// time the greater one wins, so that everybody ends with the same.
    pub fn take_newer(&mut self, other: &Self) {
        for (ours, theirs) in self.policies.iter_mut().zip(other.policies) {
            *ours = (*ours).max(theirs);
        }
    }
}

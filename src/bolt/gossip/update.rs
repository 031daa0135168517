//! What a `channel_update` says of one direction of a channel. BOLT 7, "The `channel_update`
//! Message".

use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use crate::bolt::units::Msat;
use crate::bolt::wire::messages::ChannelUpdate;

/// The bit of `channel_flags` that says which side speaks.
const DIRECTION: u8 = 1;
/// The bit of `channel_flags` that takes the channel out of use.
const DISABLE: u8 = 1 << 1;
/// The bit of `message_flags` that is always set.
pub(super) const MUST_BE_ONE: u8 = 1;
/// The bit of `message_flags` that keeps the update between the two peers.
pub(super) const DONT_FORWARD: u8 = 1 << 1;

/// Which way an HTLC goes over a channel, and whose `channel_update` says what it costs: the bit
/// `direction` of `channel_flags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From `node_id_1`, the lesser of both ids, to `node_id_2`.
    FromNode1,
    /// From `node_id_2` to `node_id_1`.
    FromNode2,
}

impl Direction {
    /// Both, in the order of the nodes.
    pub const BOTH: [Self; 2] = [Self::FromNode1, Self::FromNode2];

    /// Which direction of their channel is ours: `node_id_1` is the lesser of the two.
    pub fn of_two(ours: &PublicKey, theirs: &PublicKey) -> Self {
        if ours.serialize() < theirs.serialize() { Self::FromNode1 } else { Self::FromNode2 }
    }

    /// The item of a pair that belongs to whose direction it is.
    pub fn of<T>(self, [one, two]: &[T; 2]) -> &T {
        match self {
            Self::FromNode1 => one,
            Self::FromNode2 => two,
        }
    }

    /// The same, to change it.
    pub fn of_mut<T>(self, [one, two]: &mut [T; 2]) -> &mut T {
        match self {
            Self::FromNode1 => one,
            Self::FromNode2 => two,
        }
    }

    /// The other one.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::FromNode1 => Self::FromNode2,
            Self::FromNode2 => Self::FromNode1,
        }
    }

    /// Of what belongs to node 1 and node 2, that of the end where it begins.
    pub fn start<T: Copy>(self, both: [T; 2]) -> T {
        *self.of(&both)
    }

    /// Of what belongs to node 1 and node 2, that of the end where it leads.
    pub fn end<T: Copy>(self, both: [T; 2]) -> T {
        *self.reversed().of(&both)
    }

    /// The bits of `channel_flags` for it.
    pub(super) fn flags(self, is_disabled: bool) -> u8 {
        let direction = match self {
            Self::FromNode1 => 0,
            Self::FromNode2 => DIRECTION,
        };
        if is_disabled { direction | DISABLE } else { direction }
    }
}

impl ChannelUpdate {
    /// Whose update it is.
    pub fn direction(&self) -> Direction {
        if self.channel_flags & DIRECTION == 0 {
            Direction::FromNode1
        } else {
            Direction::FromNode2
        }
    }

    /// Whether its sender takes no HTLCs over the channel for now, or for ever.
    pub fn is_disabled(&self) -> bool {
        self.channel_flags & DISABLE != 0
    }

    /// Whether it is for the peer alone.
    pub fn is_private(&self) -> bool {
        self.message_flags & DONT_FORWARD != 0
    }

    /// Whether it says the same as another: all fields but the signature and the timestamp.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let alike = |update: &Self| Self {
            signature: self.signature,
            timestamp: self.timestamp,
            ..update.clone()
        };
        alike(self) == alike(other)
    }

    /// Whether HTLCs can be routed by it, over a channel of this capacity.
    pub fn is_usable(&self, capacity: Msat) -> bool {
        let fits =
            self.htlc_minimum_msat <= self.htlc_maximum_msat && self.htlc_maximum_msat <= capacity;
        fits && !self.is_disabled()
    }
}

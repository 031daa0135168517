//! What nodes say to each other.
//!
//! Their numbers are odd and above 32768, the range that BOLT 1 leaves for experiments, so a node
//! that does not know them passes them over. The first four go to channel peers only; the others
//! to any node, as the content of an onion message.

use super::{Address, Link, Policy};
use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};

/// Anything that one node says to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<N> {
    /// To a peer, first on every connection, and when the radius changes.
    Hello {
        /// Links nearer than this to the peer are wanted, in hops.
        radius: u8,
        /// The last update of the peer's that was taken; 0 for none.
        received: u64,
    },
    /// To a peer: what has changed.
    Update(Update<N>),
    /// To a peer: an update was taken.
    Acknowledge {
        /// Which.
        sequence: u64,
    },
    /// To a peer: an update is missing; tell everything from the start.
    Reset,
    /// Hand over your routing table.
    AskTable {
        /// A number for the answer to repeat.
        id: u64,
    },
    /// A part of the answer.
    Table(TablePart<N>),
    /// Whom do you know that is nearer to this address than you are?
    AskNearer {
        /// A number for the answer to repeat.
        id: u64,
        /// The address.
        target: Address,
        /// How many to name at most.
        count: u8,
    },
    /// The answer: nobody, if the asked node is the nearest that it knows.
    Nearer {
        /// The number of the question.
        id: u64,
        /// Who, and how to get there.
        candidates: Vec<Candidate<N>>,
    },
    /// Can this channel of yours carry this amount now?
    Poll(Poll),
    /// The answer.
    PollAnswer {
        /// The number of the question.
        id: u64,
        /// What the node says.
        answer: PollAnswer,
    },
}

/// What has changed since the update before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update<N> {
    /// Counts up by one; an acknowledgement repeats it.
    pub sequence: u64,
    /// Forget all that was told before; the count goes on from this number.
    pub from_start: bool,
    /// Links that are new, or have another distance or other terms.
    pub told: Vec<Told<N>>,
    /// Channels that are closed, or further away than the peer wants to know.
    pub gone: Vec<ShortChannelId>,
}

/// A link and how far it is from the one who tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<N> {
    /// The link.
    pub link: Link<N>,
    /// The distance in hops; 1 for the teller's own channels.
    pub distance: u8,
}

/// A part of a table that is too long for one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePart<N> {
    /// The number of the question.
    pub id: u64,
    /// Counts from 0.
    pub part: u16,
    /// Whether no part has a greater number.
    pub last: bool,
    /// The links.
    pub links: Vec<Link<N>>,
}

/// A node, and a path to it from the one who names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<N> {
    /// Who.
    pub node: N,
    /// The links that lead there.
    pub path: Vec<Link<N>>,
}

/// A question to a node that would forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// A number for the answer to repeat.
    pub id: u64,
    /// Over which channel.
    pub channel: ShortChannelId,
    /// What the channel would carry.
    pub amount: Msat,
}

/// What a node says of its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollAnswer {
    /// It carries the amount now, on these terms.
    Carries(Terms),
    /// It does not carry the amount now.
    CannotNow,
    /// The node has no such channel.
    NotMine,
}

/// What a node asks for, just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The fee for every payment.
    pub fee_base_msat: u32,
    /// The fee for the amount, in millionths of it.
    pub fee_proportional_millionths: u32,
    /// The delay.
    pub cltv_expiry_delta: CltvExpiryDelta,
}

impl From<Policy> for Terms {
    fn from(policy: Policy) -> Self {
        Self {
            fee_base_msat: policy.fee_base_msat,
            fee_proportional_millionths: policy.fee_proportional_millionths,
            cltv_expiry_delta: policy.cltv_expiry_delta,
        }
    }
}

impl Terms {
    /// The fee for forwarding this amount, rounded down, or `None` if it does not fit.
    pub fn fee(&self, amount: Msat) -> Option<Msat> {
        let policy = Policy {
            timestamp: 0,
            enabled: true,
            fee_base_msat: self.fee_base_msat,
            fee_proportional_millionths: self.fee_proportional_millionths,
            cltv_expiry_delta: self.cltv_expiry_delta,
        };
        policy.fee(amount)
    }
}

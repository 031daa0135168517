//! What a node does that no node with this protocol does.

use thiserror::Error;

use crate::bolt::units::ShortChannelId;

/// What a peer or an asked node said that cannot be right. A peer is cut off: nothing it told is
/// believed any more, and nothing more is told to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Offence {
    /// It tells of more channels than one node may.
    #[error("tells of more than {most} channels")]
    TooManyLinks {
        /// The most that it may.
        most: usize,
    },
    /// It sends more updates than anybody needs between two ticks.
    #[error("sends more than {most} updates between two ticks")]
    TooManyUpdates {
        /// The most that it may.
        most: u32,
    },
    /// It asks for, or tells from, a distance that is none.
    #[error("speaks of a distance of {distance} hops")]
    Distance {
        /// The distance in hops.
        distance: u8,
    },
    /// It says that a channel is its own that it is at no end of.
    #[error("claims channel {channel}, of which it is no end")]
    NotItsOwn {
        /// The channel.
        channel: ShortChannelId,
    },
    /// It names more candidates than it was asked for.
    #[error("names more than {most} candidates")]
    TooManyCandidates {
        /// The most that it may.
        most: usize,
    },
    /// A path that it gives does not lead from itself to somebody nearer.
    #[error("gives a path that leads nowhere")]
    BrokenPath,
    /// It sends more parts of a table than one has, or a part twice.
    #[error("sends part {part} of a table")]
    Part {
        /// The number of the part.
        part: u16,
    },
}

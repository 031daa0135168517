//! What can be wrong with `network`.

use thiserror::Error;

use crate::topology::ShapeError;

/// A `network` that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkMistake {
    /// There is no network of this shape with these numbers.
    #[error("there is no way to {0}")]
    Shape(ShapeError),
    /// A role of the cast is called like a node of the network.
    #[error("`{name}` is a node of the network")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// More nodes or channels than a lab plays.
    #[error("a lab plays {limit} of them at most, not {number}")]
    TooLarge {
        /// The number.
        number: u32,
        /// The greatest that is allowed.
        limit: u32,
    },
    /// `open: network` without one.
    #[error("the file has no `network`")]
    None,
}

//! What can be wrong with a link.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::bolt::transport::{FrameError, HandshakeError};

/// Why there is no link, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A node that is not on this machine.
    #[error("link to {address}: not a loopback address; the lab talks to none else")]
    NotLoopback {
        /// Where the other node is.
        address: SocketAddr,
    },
    /// The connection cannot be made, or it broke.
    #[error("link: {0}")]
    Io(#[from] io::Error),
    /// The other node sent an act that is none, or left during one.
    #[error("link: {0}")]
    Handshake(HandshakeError),
    /// The other node sent what it did not seal, or a message of ours is too long.
    #[error("link: {0}")]
    Frame(FrameError),
    /// The other node left during a frame.
    #[error("link: the stream ends within a frame")]
    ClosedMidFrame,
    /// There is no other end any more.
    #[error("link: the other node has left")]
    Closed,
    /// A message that was on its way did not come.
    #[error("link: no message within {patience:?}")]
    Silent {
        /// How long it could have taken.
        patience: Duration,
    },
    /// The other node went on where it had to end the connection.
    #[error("link: the other node goes on")]
    NotClosed,
    /// The handshake took too long.
    #[error("link: no handshake within {patience:?}")]
    TimedOut {
        /// How long it could have taken.
        patience: Duration,
    },
}

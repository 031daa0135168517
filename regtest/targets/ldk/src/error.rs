//! What can go wrong between a test and its LDK node.

use std::{io, path::PathBuf, time::Duration};

use boltlab::{bolt::units::BlockHeight, chain::ChainError};
use ldk_node::{BuildError, Event, NodeError, UserChannelId};

/// An LDK node did not do what the test asked for, or not in time. Whose fault that is, the test
/// decides.
#[derive(Debug, thiserror::Error)]
pub enum LdkError {
    /// The operating system refused.
    #[error("{action} {}", .path.display())]
    Io {
        /// What was tried: "create a folder in".
        action: &'static str,
        /// With which file or program.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The lab's bitcoind failed.
    #[error("reach the lab's chain")]
    Chain(#[source] ChainError),
    /// LDK does not build a node of these options.
    #[error("build an LDK node")]
    Configuration(#[source] BuildError),
    /// LDK understood, and refused. Its log says more than its error.
    #[error("{action}: LDK refused")]
    Refused {
        /// What was asked for: "open".
        action: &'static str,
        /// LDK's error.
        #[source]
        source: NodeError,
    },
    /// The node has no channel of this number.
    #[error("find {0}: the node has no such channel")]
    UnknownChannel(UserChannelId),
    /// The node does not see the chain's tip.
    #[error("sync: LDK is at height {seen} of {tip} after {} s", .after.as_secs())]
    Behind {
        /// The height that the node has seen.
        seen: u32,
        /// The chain's height.
        tip: BlockHeight,
        /// How long the test waited.
        after: Duration,
    },
    /// The node did not report what the test waits for.
    #[error("wait for {what}: not within {} s; instead came {seen:?}; see {}", .after.as_secs(), .log.display())]
    NoEvent {
        /// What was waited for.
        what: String,
        /// How long the test waited.
        after: Duration,
        /// The events that are none of what was waited for, and still there to be asked for.
        seen: Vec<Event>,
        /// The node's log.
        log: PathBuf,
    },
    /// The node does not get to where the test waits for it.
    #[error("wait until {what}: not within {} s; see {}", .after.as_secs(), .log.display())]
    NotSo {
        /// What was waited for.
        what: String,
        /// How long the test waited.
        after: Duration,
        /// The node's log.
        log: PathBuf,
    },
    /// A transaction does not come.
    #[error("wait for {what} in the mempool: not within {} s", .after.as_secs())]
    NotInMempool {
        /// What was waited for.
        what: String,
        /// How long the test waited.
        after: Duration,
    },
}

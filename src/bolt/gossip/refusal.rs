//! Why an announcement is not believed, and what its sender hears of it. BOLT 7.

use thiserror::Error;

/// What a peer hears whose message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: who relays it may know no better.
    Nothing,
    /// A `warning`.
    Warning,
    /// A `warning`, and the end of the connection.
    HangUp,
}

/// Declares why a message is not believed, which requirement says so, and what the peer hears.
macro_rules! refusals {
    ($($(#[$meta:meta])* $name:ident $({ $($field:ident: $type:ty),* $(,)? })?
        => $requirement:literal, $answer:ident;)*) => {
        /// Why an announcement is not believed.
        #[derive(Clone, Debug, PartialEq, Eq, Error)]
        #[allow(missing_docs, reason = "the fields are named as in the message")]
        pub enum Refusal {
            $($(#[$meta])* $name $({ $($field: $type),* })?,)*
        }

        impl Refusal {
            /// The ids of all requirements that are checked here.
            pub const REQUIREMENTS: &[&str] = &[$($requirement),*];

            /// The id of the requirement: the BOLT, the message, the rule.
            pub fn requirement(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $requirement,)*
                }
            }

            /// What the peer hears.
            pub fn answer(&self) -> Answer {
                match self {
                    $(Self::$name { .. } => Answer::$answer,)*
                }
            }
        }
    };
}

refusals! {
    /// A channel of another chain.
    #[error("the channel is of another chain")]
    UnknownChain => "bolt07/channel_announcement/chain-hash", Nothing;
    /// The lesser node id must come first, and a channel has two ends.
    #[error("node_id_1 is not less than node_id_2")]
    NodeIdOrder => "bolt07/channel_announcement/node-ids-ascend", Warning;
    /// A key that is no point on the curve.
    #[error("{field} is no point on the curve")]
    InvalidKey { field: &'static str } => "bolt07/channel_announcement/signatures", Warning;
    /// A signature by somebody else.
    #[error("{field} is wrong")]
    WrongSignature { field: &'static str } => "bolt07/channel_announcement/signatures", Warning;
    /// No transaction of the chain has such an output.
    #[error("there is no such output in the chain")]
    NoFunding => "bolt07/channel_announcement/funding-output", Nothing;
    /// The output is spent.
    #[error("the funding output is spent")]
    FundingSpent => "bolt07/channel_announcement/funding-output", Nothing;
    /// The output is not the 2-of-2 of the announced keys.
    #[error("the output does not pay to the announced bitcoin keys")]
    WrongFundingScript => "bolt07/channel_announcement/funding-output", Nothing;
    /// The funding transaction is not deep enough, nor nearly.
    #[error("the funding transaction has {confirmations} of 6 confirmations")]
    TooShallow { confirmations: u32 } => "bolt07/channel_announcement/six-confirmations", Nothing;
    /// One of the nodes is not listened to any more.
    #[error("one of its nodes has announced the same channel with others")]
    Blacklisted => "bolt07/channel_announcement/blacklisted", Nothing;
    /// The same output was announced by other nodes, who must have lost their keys.
    #[error("the same funding output was announced with other nodes")]
    Conflicting => "bolt07/channel_announcement/conflicting-nodes", Nothing;
    /// More announcements wait for the chain than a node keeps.
    #[error("too many announcements wait for the chain")]
    TooManyWaiting => "bolt07/channel_announcement/rate-limit", Nothing;

    /// `node_id` is no point on the curve.
    #[error("node_id is no point on the curve")]
    InvalidNodeId => "bolt07/node_announcement/node-id", Warning;
    /// The signature of a `node_announcement` is not by its `node_id`.
    #[error("signature is wrong")]
    WrongNodeSignature => "bolt07/node_announcement/signature", Warning;
    /// An address descriptor is cut off.
    #[error("addresses end within a descriptor of type {descriptor}")]
    AddressesCutOff { descriptor: u8 } => "bolt07/node_announcement/addrlen", Warning;
    /// The node has no channel that is known.
    #[error("the node has no known channel")]
    NodeWithoutChannel => "bolt07/node_announcement/channel-first", Nothing;
    /// An older `node_announcement`, or the same again.
    #[error("timestamp {timestamp} is not above {known}")]
    OldNodeAnnouncement { timestamp: u32, known: u32 }
        => "bolt07/node_announcement/timestamp-ascends", Nothing;

    /// An update of a channel of another chain.
    #[error("the channel is of another chain")]
    UpdateOfUnknownChain => "bolt07/channel_update/chain-hash", Nothing;
    /// An update of a channel that was not announced.
    #[error("the channel was not announced")]
    UnknownChannel => "bolt07/channel_update/channel-first", Nothing;
    /// An update of a channel that is spent, and that does not take it out of use.
    #[error("the funding output is spent")]
    SpentChannel => "bolt07/channel_update/spent", Nothing;
    /// An update that is older than the last.
    #[error("timestamp {timestamp} is below {known}")]
    StaleUpdate { timestamp: u32, known: u32 } => "bolt07/channel_update/stale-timestamp", Nothing;
    /// Another update with the timestamp of the last.
    #[error("timestamp {timestamp} is that of another update, which says something else")]
    SameTimestamp { timestamp: u32 } => "bolt07/channel_update/equal-timestamp", Nothing;
    /// An update from a time that has not come.
    #[error("timestamp {timestamp} is {ahead} s ahead")]
    FutureUpdate { timestamp: u32, ahead: u64 } => "bolt07/channel_update/far-future", Nothing;
    /// An update that is older than what is kept.
    #[error("timestamp {timestamp} is {behind} s old")]
    AncientUpdate { timestamp: u32, behind: u64 } => "bolt07/pruning/two-weeks", Nothing;
    /// The signature of a `channel_update` is not by the node whose direction it is.
    #[error("signature is wrong")]
    WrongUpdateSignature => "bolt07/channel_update/signature", HangUp;
    /// A direction of a channel that changes too often.
    #[error("the channel has changed too often")]
    TooManyUpdates => "bolt07/channel_update/rate-limit", Nothing;
    /// An update that its sender means for its peer alone.
    #[error("dont_forward is set")]
    NotToBeForwarded => "bolt07/channel_update/dont-forward", Nothing;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_signature_of_an_update_alone_ends_the_connection() {
        assert_eq!(Refusal::WrongUpdateSignature.answer(), Answer::HangUp);
        assert_eq!(Refusal::WrongSignature { field: "node_signature_1" }.answer(), Answer::Warning);
        assert_eq!(Refusal::NoFunding.answer(), Answer::Nothing);
    }
}

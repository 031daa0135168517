//! The messages of BOLT 7 among all messages.

use crate::bolt::wire::Message;
use crate::bolt::wire::messages::{
    AnnouncementSignatures, ChannelAnnouncement, ChannelUpdate, GossipTimestampFilter,
    NodeAnnouncement, QueryChannelRange, QueryShortChannelIds, ReplyChannelRange,
    ReplyShortChannelIdsEnd,
};

/// Declares which messages are of BOLT 7.
macro_rules! said {
    ($($name:ident),* $(,)?) => {
        /// A message of BOLT 7.
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs, reason = "the names are those of the messages")]
        pub enum Said<'a> {
            $($name(&'a $name),)*
        }

        impl<'a> Said<'a> {
            /// The message, if it is of BOLT 7.
            pub fn of(message: &'a Message) -> Option<Self> {
                $(if let Message::$name(message) = message {
                    return Some(Self::$name(message));
                })*
                None
            }
        }
    };
}
said! {
    ChannelAnnouncement,
    NodeAnnouncement,
    ChannelUpdate,
    AnnouncementSignatures,
    QueryShortChannelIds,
    ReplyShortChannelIdsEnd,
    QueryChannelRange,
    ReplyChannelRange,
    GossipTimestampFilter,
}

//! How queries of others are answered. BOLT 7, "Query Messages".
//!
//! ```text
//! query_short_channel_ids --> announcements, updates, nodes --> reply_short_channel_ids_end
//! query_channel_range ------> reply_channel_range, as many as it takes
//! ```

use std::collections::BTreeSet;

use bitcoin::constants::ChainHash;
use thiserror::Error;

use super::checksum::checksum;
use super::encoded::{
    ChannelUpdateTimestamps, EncodingError, QueryFlags, QueryOption, decode_query_flags,
    decode_short_ids, encode_short_ids, encode_timestamps, most_in_reply,
};
use super::network::{GossipId, KnownChannel, Network};
use super::update::Direction;
use crate::bolt::units::{BlockHeight, ShortChannelId};
use crate::bolt::wire::messages::{
    QueryChannelRange, QueryShortChannelIds, ReplyChannelRange, ReplyShortChannelIdsEnd,
};
use crate::bolt::wire::{Bytes, ChannelUpdateChecksums, Message, Repeated};

/// Why a query is not answered. Its sender hears so in a `warning`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadQuery {
    /// The ids cannot be read.
    #[error("failed to {0}")]
    ShortIds(EncodingError),
    /// The flags cannot be read, or are not one for each id.
    #[error("failed to {0}")]
    Flags(EncodingError),
    /// No block is asked for.
    #[error("number_of_blocks is 0")]
    NoBlocks,
}

impl BadQuery {
    /// The ids of all requirements that are checked here.
    pub const REQUIREMENTS: &[&str] = &[
        "bolt07/query_short_channel_ids/encoding",
        "bolt07/query_short_channel_ids/query-flags",
        "bolt07/query_channel_range/number-of-blocks",
    ];

    /// The id of the requirement.
    pub fn requirement(&self) -> &'static str {
        match self {
            Self::ShortIds(_) => "bolt07/query_short_channel_ids/encoding",
            Self::Flags(_) => "bolt07/query_short_channel_ids/query-flags",
            Self::NoBlocks => "bolt07/query_channel_range/number-of-blocks",
        }
    }
}

/// What is wanted of a channel without `query_flags`: all that there is.
const EVERYTHING: QueryFlags = QueryFlags::ALL;

impl Network {
    /// Answers `query_short_channel_ids`: what is wanted of each known channel, no node twice, and the
    /// end.
    ///
    /// # Errors
    /// [`BadQuery`] if the arrays of the query cannot be read.
    pub fn answer_ids(&self, query: &QueryShortChannelIds) -> Result<Vec<Message>, BadQuery> {
        let ids = decode_short_ids(&query.encoded_short_ids.0).map_err(BadQuery::ShortIds)?;
        let flags = match &query.query_flags {
            Some(flags) => decode_query_flags(&flags.0, ids.len()).map_err(BadQuery::Flags)?,
            None => vec![EVERYTHING; ids.len()],
        };
        let is_known_chain = query.chain_hash == ChainHash::REGTEST;
        let mut answers = Vec::new();
        let mut nodes = BTreeSet::new();
        if is_known_chain {
            for (id, flags) in ids.into_iter().zip(flags) {
                self.answer_id(id, flags, &mut nodes, &mut answers);
            }
        }
        let end = ReplyShortChannelIdsEnd {
            chain_hash: query.chain_hash,
            full_information: u8::from(is_known_chain),
            unknown: Vec::new(),
        };
        answers.push(end.into());
        Ok(answers)
    }

    fn answer_id(
        &self,
        id: ShortChannelId,
        flags: QueryFlags,
        nodes: &mut BTreeSet<GossipId>,
        answers: &mut Vec<Message>,
    ) {
        let Some(channel) = self.channel(id) else { return };
        if flags.contains(QueryFlags::CHANNEL_ANNOUNCEMENT) {
            answers.push(channel.announcement.as_ref().clone().into());
        }
        let updates = [
            (QueryFlags::CHANNEL_UPDATE_1, Direction::FromNode1),
            (QueryFlags::CHANNEL_UPDATE_2, Direction::FromNode2),
        ];
        for (flag, direction) in updates {
            if flags.contains(flag)
                && let Some(update) = direction.of(&channel.updates)
            {
                answers.push(update.as_ref().clone().into());
            }
        }
        let asked = [QueryFlags::NODE_ANNOUNCEMENT_1, QueryFlags::NODE_ANNOUNCEMENT_2];
        for (flag, node) in asked.into_iter().zip(channel.announcement.node_ids()) {
            if flags.contains(flag)
                && let Some(known) = self.node(&node)
                && let Some(announcement) = &known.announcement
                && nodes.insert(GossipId::Node(node))
            {
                answers.push(announcement.as_ref().clone().into());
            }
        }
    }

    /// Answers `query_channel_range`. No reply has more than `most` ids, nor more than fit a message.
    ///
    /// # Errors
    /// [`BadQuery::NoBlocks`].
    pub fn answer_range(
        &self,
        query: &QueryChannelRange,
        most: Option<usize>,
    ) -> Result<Vec<Message>, BadQuery> {
        if query.number_of_blocks == 0 {
            return Err(BadQuery::NoBlocks);
        }
        let option = query.query_option.map_or(QueryOption(0), QueryOption::from);
        let most = most.unwrap_or(usize::MAX).min(most_in_reply(option)).max(1);
        let first = query.first_blocknum.0;
        let end = u64::from(first).saturating_add(query.number_of_blocks.into());
        let known: Vec<(&ShortChannelId, &KnownChannel)> = if query.chain_hash == ChainHash::REGTEST
        {
            let is_told = |(_, channel): &(_, &KnownChannel)| channel.is_told();
            blocks(first, end)
                .map_or_else(Vec::new, |ids| self.channels_within(ids).filter(is_told).collect())
        } else {
            Vec::new()
        };
        let parts: Vec<_> =
            if known.is_empty() { vec![&[][..]] } else { known.chunks(most).collect() };
        let mut from = u64::from(first);
        let mut replies = Vec::new();
        for (number, part) in (1..).zip(&parts) {
            let is_last = number == parts.len();
            let last = part.last().map_or(first, |(id, _)| id.block());
            // A block whose channels do not fit goes on in the next reply, which begins with it again.
            let next = parts.get(number).and_then(|next| next.first());
            let goes_on = next.is_some_and(|(id, _)| id.block() == last);
            let to = if is_last { end } else { u64::from(last).saturating_add(1) };
            replies.push(reply(query, option, from..to, part, is_last).into());
            from = if goes_on { last.into() } else { to };
        }
        Ok(replies)
    }
}

/// The ids that channels in these blocks can have.
fn blocks(first: u32, end: u64) -> Option<std::ops::RangeInclusive<ShortChannelId>> {
    const LAST_BLOCK: u32 = 0xff_ffff;
    let last = u32::try_from(end.checked_sub(1)?).unwrap_or(u32::MAX).min(LAST_BLOCK);
    let from = ShortChannelId::new(first, 0, 0)?;
    let to = ShortChannelId::new(last, 0xff_ffff, u16::MAX)?;
    (from <= to).then_some(from..=to)
}

fn reply(
    query: &QueryChannelRange,
    option: QueryOption,
    blocks: std::ops::Range<u64>,
    channels: &[(&ShortChannelId, &KnownChannel)],
    is_last: bool,
) -> ReplyChannelRange {
    let ids: Vec<ShortChannelId> = channels.iter().map(|(id, _)| **id).collect();
    let timestamps = || {
        let both: Vec<ChannelUpdateTimestamps> =
            channels.iter().map(|(_, channel)| channel.timestamps()).collect();
        encode_timestamps(&both)
    };
    let checksums = || Repeated(channels.iter().map(|(_, channel)| channel.checksums()).collect());
    let timestamps_tlv: Option<Bytes> = option.contains(QueryOption::TIMESTAMPS).then(timestamps);
    let checksums_tlv = option.contains(QueryOption::CHECKSUMS).then(checksums);
    ReplyChannelRange {
        chain_hash: query.chain_hash,
        first_blocknum: BlockHeight(u32::try_from(blocks.start).unwrap_or(u32::MAX)),
        number_of_blocks: u32::try_from(blocks.end.saturating_sub(blocks.start))
            .unwrap_or(u32::MAX),
        sync_complete: u8::from(is_last),
        encoded_short_ids: encode_short_ids(&ids),
        timestamps_tlv,
        checksums_tlv,
        unknown: Vec::new(),
    }
}

impl KnownChannel {
    /// The timestamps of its updates; 0 where there is none.
    pub fn timestamps(&self) -> ChannelUpdateTimestamps {
        let of = |direction: Direction| {
            direction.of(&self.updates).as_ref().map_or(0, |update| update.timestamp)
        };
        ChannelUpdateTimestamps {
            timestamp_node_id_1: of(Direction::FromNode1),
            timestamp_node_id_2: of(Direction::FromNode2),
        }
    }

    /// The checksums of its updates; 0 where there is none.
    pub fn checksums(&self) -> ChannelUpdateChecksums {
        let of =
            |direction: Direction| direction.of(&self.updates).as_ref().map_or(0, |u| checksum(u));
        ChannelUpdateChecksums {
            checksum_node_id_1: of(Direction::FromNode1),
            checksum_node_id_2: of(Direction::FromNode2),
        }
    }
}

//! How a node catches up with what a peer knows. BOLT 7, "Query Messages".
//!
//! ```text
//! Idle -- query_channel_range --> Ranging -- reply_channel_range … the last --+
//!   ^                                                                         |
//!   |   nothing is missing                                                    v
//!   +<------ reply_short_channel_ids_end -- Asking <-- query_short_channel_ids
//!                                             |  more is missing: the next query
//! ```

use std::collections::BTreeMap;

use bitcoin::constants::ChainHash;
use thiserror::Error;

use super::encoded::{
    ChannelUpdateTimestamps, EncodingError, QueryFlags, QueryOption, check_checksums,
    decode_short_ids, decode_timestamps, encode_query_flags, encode_short_ids, most_in_query,
    most_in_query_with_flags,
};
use super::network::{KnownChannel, Network};
use crate::bolt::units::{BlockHeight, ShortChannelId};
use crate::bolt::wire::messages::{
    QueryChannelRange, QueryShortChannelIds, ReplyChannelRange, ReplyShortChannelIdsEnd,
};
use crate::bolt::wire::{ChannelUpdateChecksums, Message, Repeated};

/// A peer may tell of so many channels in answer to one query.
const MOST_CHANNELS: usize = 1_000_000;

/// How far a node has caught up with a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// Nothing was asked, or all of it was answered.
    #[default]
    Idle,
    /// `query_channel_range` was sent.
    Ranging(Ranging),
    /// `query_short_channel_ids` was sent.
    Asking(Asking),
}

/// The blocks that were asked about, and what the peer has told so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranging {
    /// The first block that was asked about.
    first: u32,
    /// The block behind the last one.
    end: u64,
    option: QueryOption,
    /// The first block of the last reply.
    reached: Option<u32>,
    told: usize,
    wanted: BTreeMap<ShortChannelId, QueryFlags>,
}

/// What is still to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    option: QueryOption,
    wanted: BTreeMap<ShortChannelId, QueryFlags>,
}

/// What a peer did wrong with its answers. Nothing more is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadAnswer {
    /// Nothing like it was asked.
    #[error("nothing was asked")]
    Unasked,
    /// An answer about another chain.
    #[error("the answer is about another chain")]
    OtherChain,
    /// The first reply begins behind the first block that was asked about, or ends before it.
    #[error("the first reply is about blocks {first} to {end}, and {asked} was asked")]
    FirstBlocks {
        /// The first block of the reply.
        first: u32,
        /// The block behind its last one.
        end: u64,
        /// The first block that was asked about.
        asked: u32,
    },
    /// A reply that goes back.
    #[error("a reply begins with block {first} after one with {reached}")]
    GoesBack {
        /// The first block of the reply.
        first: u32,
        /// That of the reply before.
        reached: u32,
    },
    /// A channel that is not in the blocks that the reply is about.
    #[error("{id} is not in the blocks of its reply")]
    OutsideOfBlocks {
        /// The channel.
        id: ShortChannelId,
    },
    /// `sync_complete` before the last block.
    #[error("the last reply ends with block {end}, and blocks to {asked} were asked")]
    EndsEarly {
        /// The block behind the last one of the reply.
        end: u64,
        /// The block behind the last one that was asked about.
        asked: u64,
    },
    /// The arrays cannot be read, or do not fit each other.
    #[error("failed to {0}")]
    Encoding(EncodingError),
    /// More channels than anybody has.
    #[error("more than {MOST_CHANNELS} channels")]
    TooMany,
}

impl BadAnswer {
    /// The ids of all requirements that are checked here.
    pub const REQUIREMENTS: &[&str] = &[
        "bolt07/reply_channel_range/asked",
        "bolt07/reply_channel_range/chain-hash",
        "bolt07/reply_channel_range/first-blocks",
        "bolt07/reply_channel_range/ascending",
        "bolt07/reply_channel_range/relevant",
        "bolt07/reply_channel_range/last-blocks",
        "bolt07/reply_channel_range/encoding",
    ];

    /// The id of the requirement.
    pub fn requirement(&self) -> &'static str {
        match self {
            Self::Unasked => "bolt07/reply_channel_range/asked",
            Self::OtherChain => "bolt07/reply_channel_range/chain-hash",
            Self::FirstBlocks { .. } => "bolt07/reply_channel_range/first-blocks",
            Self::GoesBack { .. } => "bolt07/reply_channel_range/ascending",
            Self::OutsideOfBlocks { .. } | Self::TooMany => "bolt07/reply_channel_range/relevant",
            Self::EndsEarly { .. } => "bolt07/reply_channel_range/last-blocks",
            Self::Encoding(_) => "bolt07/reply_channel_range/encoding",
        }
    }
}

type Next = (Sync, Option<Message>);

impl Sync {
    /// Asks a peer which channels there are from this block on; with timestamps and checksums, if the
    /// peer understands (`gossip_queries_ex`).
    pub fn begin(first: BlockHeight, number_of_blocks: u32, is_extended: bool) -> Next {
        let option = if is_extended { QueryOption::ALL } else { QueryOption(0) };
        let query = QueryChannelRange {
            chain_hash: ChainHash::REGTEST,
            first_blocknum: first,
            number_of_blocks,
            query_option: is_extended.then(|| option.into()),
            unknown: Vec::new(),
        };
        let ranging = Ranging {
            first: first.0,
            end: u64::from(first.0).saturating_add(number_of_blocks.into()),
            option,
            reached: None,
            told: 0,
            wanted: BTreeMap::new(),
        };
        (Self::Ranging(ranging), Some(query.into()))
    }

    /// Takes a `reply_channel_range`; what is missing is asked for once the last one is there.
    ///
    /// # Errors
    /// [`BadAnswer`], after which nothing is to be asked of this peer.
    pub fn receive_range(
        self,
        network: &Network,
        reply: &ReplyChannelRange,
    ) -> Result<Next, BadAnswer> {
        let Self::Ranging(mut ranging) = self else { return Err(BadAnswer::Unasked) };
        if ranging.take(network, reply)? {
            let Ranging { option, wanted, .. } = ranging;
            return Ok(Asking { option, wanted }.ask());
        }
        Ok((Self::Ranging(ranging), None))
    }

    /// Takes a `reply_short_channel_ids_end`, and asks for what is still missing.
    ///
    /// # Errors
    /// [`BadAnswer::Unasked`] and [`BadAnswer::OtherChain`].
    pub fn receive_end(self, end: &ReplyShortChannelIdsEnd) -> Result<Next, BadAnswer> {
        let Self::Asking(asking) = self else { return Err(BadAnswer::Unasked) };
        if end.chain_hash != ChainHash::REGTEST {
            return Err(BadAnswer::OtherChain);
        }
        Ok(asking.ask())
    }
}

impl Ranging {
    /// Takes a reply; whether it is the last.
    fn take(&mut self, network: &Network, reply: &ReplyChannelRange) -> Result<bool, BadAnswer> {
        if reply.chain_hash != ChainHash::REGTEST {
            return Err(BadAnswer::OtherChain);
        }
        let first = reply.first_blocknum.0;
        let end = u64::from(first).saturating_add(reply.number_of_blocks.into());
        match self.reached {
            None if first > self.first || end <= u64::from(self.first) => {
                return Err(BadAnswer::FirstBlocks { first, end, asked: self.first });
            }
            Some(reached) if first < reached => {
                return Err(BadAnswer::GoesBack { first, reached });
            }
            None | Some(_) => self.reached = Some(first),
        }
        let ids = decode_short_ids(&reply.encoded_short_ids.0).map_err(BadAnswer::Encoding)?;
        let blocks = u64::from(first)..end;
        if let Some(id) = ids.iter().find(|id| !blocks.contains(&u64::from(id.block()))) {
            return Err(BadAnswer::OutsideOfBlocks { id: *id });
        }
        self.told = self.told.saturating_add(ids.len());
        if self.told > MOST_CHANNELS {
            return Err(BadAnswer::TooMany);
        }
        let beside = Beside::read(reply, ids.len()).map_err(BadAnswer::Encoding)?;
        // Replies may overlap: nothing is asked for twice.
        for (index, id) in ids.into_iter().enumerate() {
            if let Some(flags) = beside.wanted(network, id, index) {
                let all = self.wanted.entry(id).or_default();
                *all = all.union(flags);
            }
        }
        // The channels of the last block may not fit one reply: only the last of these is complete.
        let is_last = reply.sync_complete != 0;
        if is_last && end < self.end {
            return Err(BadAnswer::EndsEarly { end, asked: self.end });
        }
        Ok(is_last)
    }
}

/// What a reply says of its channels beside their ids.
struct Beside {
    timestamps: Option<Vec<ChannelUpdateTimestamps>>,
    checksums: Option<Vec<ChannelUpdateChecksums>>,
}

impl Beside {
    fn read(reply: &ReplyChannelRange, count: usize) -> Result<Self, EncodingError> {
        let timestamps = reply.timestamps_tlv.as_ref();
        let timestamps = timestamps.map(|tlv| decode_timestamps(&tlv.0, count)).transpose()?;
        let checksums = reply.checksums_tlv.as_ref().map(|Repeated(pairs)| pairs.clone());
        if let Some(checksums) = &checksums {
            check_checksums(checksums, count)?;
        }
        Ok(Self { timestamps, checksums })
    }

    /// What is missing of a channel; `None` if nothing is.
    fn wanted(&self, network: &Network, id: ShortChannelId, index: usize) -> Option<QueryFlags> {
        let Some(channel) = network.channel(id) else { return Some(QueryFlags::ALL) };
        let theirs = *self.timestamps.as_ref().and_then(|all| all.get(index))?;
        let checksums = self.checksums.as_ref().and_then(|all| all.get(index));
        let flags = newer(channel, theirs, checksums);
        (flags != QueryFlags(0)).then_some(flags)
    }
}

/// The updates that the peer has newer, and which do not say what ours say.
fn newer(
    channel: &KnownChannel,
    theirs: ChannelUpdateTimestamps,
    checksums: Option<&ChannelUpdateChecksums>,
) -> QueryFlags {
    let (ours, our_sums) = (channel.timestamps(), channel.checksums());
    let differs = |one: fn(&ChannelUpdateChecksums) -> u32| {
        checksums.is_none_or(|theirs| one(theirs) != one(&our_sums))
    };
    let sides = [
        (
            QueryFlags::CHANNEL_UPDATE_1,
            theirs.timestamp_node_id_1 > ours.timestamp_node_id_1,
            differs(|sums| sums.checksum_node_id_1),
        ),
        (
            QueryFlags::CHANNEL_UPDATE_2,
            theirs.timestamp_node_id_2 > ours.timestamp_node_id_2,
            differs(|sums| sums.checksum_node_id_2),
        ),
    ];
    let wanted = sides.into_iter().filter(|(_, is_newer, differs)| *is_newer && *differs);
    wanted.fold(QueryFlags(0), |flags, (flag, ..)| flags.union(flag))
}

impl Asking {
    /// The next query; none if nothing is missing any more.
    fn ask(mut self) -> Next {
        if self.wanted.is_empty() {
            return (Sync::Idle, None);
        }
        let is_extended = self.option != QueryOption(0);
        let most = if is_extended { most_in_query_with_flags() } else { most_in_query() };
        let next = std::iter::from_fn(|| self.wanted.pop_first()).take(most);
        let (ids, flags): (Vec<ShortChannelId>, Vec<QueryFlags>) = next.unzip();
        let query = QueryShortChannelIds {
            chain_hash: ChainHash::REGTEST,
            encoded_short_ids: encode_short_ids(&ids),
            query_flags: is_extended.then(|| encode_query_flags(&flags)),
            unknown: Vec::new(),
        };
        (Sync::Asking(self), Some(query.into()))
    }
}

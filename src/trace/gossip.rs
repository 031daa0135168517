//! What nodes tell each other of the network, and what they believe of it, in words.

use std::collections::BTreeMap;

use super::Event;
use super::words::{self, Names};
use crate::bolt::gossip::Forgotten;
use crate::bolt::gossip::encoded::read_short_ids;
use crate::bolt::units::ShortChannelId;
use crate::bolt::wire::messages::{
    ChannelUpdate, GossipTimestampFilter, QueryChannelRange, ReplyChannelRange,
};
use crate::bolt::wire::{Bytes, Message, UncheckedPoint};
use crate::node::{FlareEvent, GossipEvent};
use crate::scenario::RoleName;

/// So many channels of a message are named; of more, it is said how many there are.
const MOST_NAMED: usize = 6;

/// Whether a reader wants to know of an event: what all nodes of a network do while it comes up fills
/// a book.
#[derive(Debug, Default)]
pub(crate) struct Attention {
    is_opening: bool,
}

impl Attention {
    /// Whether this event, which comes next, is told.
    pub(crate) fn is_paid_to(&mut self, event: &Event) -> bool {
        self.is_opening &= !matches!(event, Event::NetworkOpen { .. } | Event::Step { .. });
        let is_told = !self.is_opening || matches!(event, Event::Audited { .. });
        self.is_opening |= matches!(event, Event::NetworkOpens { .. });
        is_told
    }
}

impl Names {
    /// What a message says besides its name, if a person wants to know.
    pub(crate) fn details(&self, message: &Message) -> Option<String> {
        match message {
            Message::ChannelAnnouncement(of) => Some(self.channel_at(of.short_channel_id)),
            Message::ChannelUpdate(update) => Some(self.update(update)),
            Message::NodeAnnouncement(of) => {
                Some(format!("{}, timestamp {}", self.announced(&of.node_id), of.timestamp))
            }
            Message::AnnouncementSignatures(of) => Some(self.channel_at(of.short_channel_id)),
            Message::QueryShortChannelIds(query) => Some(self.encoded(&query.encoded_short_ids)),
            Message::QueryChannelRange(query) => Some(range(query)),
            Message::ReplyChannelRange(reply) => Some(self.reply(reply)),
            Message::GossipTimestampFilter(filter) => Some(span(filter)),
            other => words::details(other),
        }
    }

    fn update(&self, update: &ChannelUpdate) -> String {
        let channel = self.channel_at(update.short_channel_id);
        let side = match self.ends_of(update.short_channel_id) {
            Some(ends) => format!(" by {}", update.direction().of(&ends)),
            None => String::new(),
        };
        let disabled = if update.is_disabled() { ", disabled" } else { "" };
        let (base, rate) = (update.fee_base_msat, update.fee_proportional_millionths);
        format!(
            "{channel}{side}, {base} msat + {rate} ppm, {} blocks{disabled}, timestamp {}",
            update.cltv_expiry_delta, update.timestamp
        )
    }

    fn reply(&self, reply: &ReplyChannelRange) -> String {
        let first = u64::from(reply.first_blocknum.0);
        let blocks = blocks(first, reply.number_of_blocks);
        let last = if reply.sync_complete == 0 { ", more to come" } else { "" };
        format!("{blocks}: {}{last}", self.encoded(&reply.encoded_short_ids))
    }

    /// The channels of an array.
    fn encoded(&self, ids: &Bytes) -> String {
        match read_short_ids(&ids.0) {
            Ok(ids) if ids.is_empty() => "no channel".to_owned(),
            Ok(ids) if ids.len() > MOST_NAMED => format!("{} channels", ids.len()),
            Ok(ids) => {
                let names = ids.iter().map(|id: &ShortChannelId| self.channel_at(*id));
                names.collect::<Vec<_>>().join(", ")
            }
            Err(_) => format!("{} bytes that cannot be read", ids.0.len()),
        }
    }

    fn announced(&self, node: &UncheckedPoint) -> String {
        node.check().map_or_else(|| node.to_string(), |key| self.node(&key))
    }

    /// What happens in the network, and to those who seek ways through it; nothing for other events.
    pub(crate) fn of_network(&self, event: &Event) -> String {
        match event {
            Event::Gossip { role, peer, told } => self.of_gossip(role, peer.as_ref(), told),
            Event::NetworkOpens { channels } => format!("{channels} channels are opened at once"),
            Event::NetworkOpen { messages, lookups, rounds } => opened(messages, *lookups, *rounds),
            Event::WayFound { role, to, channels, fee_msat, nodes, looked_at } => {
                let way = channels.iter().map(|id| self.channel_at(*id)).collect::<Vec<_>>();
                let way = way.join(", ");
                format!(
                    "{role} finds a way to {to}: {way}, for a fee of {fee_msat} msat ({nodes} nodes \
                     reached, {looked_at} channels looked at)"
                )
            }
            Event::Flare { role, told: FlareEvent::Beacons { nodes }, .. } => {
                let nodes: Vec<String> = nodes.iter().map(|node| self.node(node)).collect();
                format!("{role} has its beacons: {}", nodes.join(", "))
            }
            Event::Flare { role, told: FlareEvent::Sought { found, queries, polls }, .. } => {
                let end = if *found { "a way" } else { "no way" };
                format!("{role} has found {end}: {queries} tables and {polls} channels asked for")
            }
            Event::Flare { role, peer, told: FlareEvent::CutOff { why } } => {
                let peer = peer.as_ref().map_or_else(String::new, ToString::to_string);
                format!("{role} listens to {peer} no more: it {why}")
            }
            Event::NoWayFound { role, to, reason } => {
                format!("{role} finds no way to {to}: {reason}")
            }
            _ => String::new(),
        }
    }

    /// What a node believes of the network from now on, or does not.
    fn of_gossip(&self, role: &RoleName, peer: Option<&RoleName>, event: &GossipEvent) -> String {
        let from = peer.map_or(String::new(), |peer| format!(" from {peer}"));
        match event {
            GossipEvent::Learned { short_channel_id } => {
                format!("{role}: {} is proven and funded", self.channel_at(*short_channel_id))
            }
            GossipEvent::Forgotten { short_channel_id, why } => {
                let why = match why {
                    Forgotten::Gone => "its funding output is gone for good",
                    Forgotten::Stale => "one of its ends was silent for two weeks",
                    Forgotten::Blacklisted => "one of its nodes has lost its keys",
                };
                format!("{role}: {} is forgotten: {why}", self.channel_at(*short_channel_id))
            }
            GossipEvent::Refused { message, requirement, why } => {
                format!("{role}: {message}{from} is not believed: {why} ({requirement})")
            }
        }
    }
}

/// What the nodes of a network said to each other while it came up.
fn opened(messages: &BTreeMap<String, u64>, lookups: u64, rounds: u32) -> String {
    let counts = messages.iter().map(|(name, count)| format!("{} {name}", grouped_count(*count)));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let believed = match lookups {
        0 => String::new(),
        some => {
            let some = grouped_count(some);
            format!("{some} channels were looked up in the chain and believed; ")
        }
    };
    format!("after {rounds} rounds everybody knows what it is to know: {believed}{counts}")
}

/// A count with commas: 1,234,567.
fn grouped_count(count: u64) -> String {
    let digits = count.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<&str> = groups.filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// A run of blocks; what goes on beyond the greatest height has no last block.
fn blocks(first: u64, number: u32) -> String {
    let last = first.saturating_add(number.into()).saturating_sub(1);
    if last >= u64::from(u32::MAX).saturating_sub(1) {
        format!("all blocks from {first} on")
    } else {
        format!("blocks {first}-{last}")
    }
}

fn range(query: &QueryChannelRange) -> String {
    blocks(query.first_blocknum.0.into(), query.number_of_blocks)
}

fn span(filter: &GossipTimestampFilter) -> String {
    let (first, range) = (filter.first_timestamp, filter.timestamp_range);
    match (first, range) {
        (_, 0) => "nothing".to_owned(),
        (0, u32::MAX) => "all that there is".to_owned(),
        (first, u32::MAX) => format!("from timestamp {first} on"),
        (first, range) => {
            format!("timestamps {first}-{}", u64::from(first) + u64::from(range) - 1)
        }
    }
}

//! How messages are written. The BOLTs' way: big-endian numbers, lengths before lists.
//!
//! A message that has links begins with the names of all nodes in it, each once; a link then says
//! which two of them it joins. A name is 33 bytes long and stands in several links, so this halves
//! a table. Nothing is reserved for a promised length: a list that is longer than the message ends
//! with it.

use std::collections::BTreeMap;

use bitcoin::Amount;
use thiserror::Error;

use super::message::{Candidate, Poll, PollAnswer, TablePart, Terms, Told, Update};
use super::{Address, Link, MAX_HOPS, Message, Name, Policy};
use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};

/// How long a node's name is, in bytes.
pub(super) const NAME_LENGTH: usize = 33;
/// How long a link is without the names of its ends, in bytes.
pub(super) const LINK_LENGTH: usize = 8 + 2 + 2 + 8 + 1 + 2 * 14;
/// How long a part of a table is without its names and links, in bytes.
pub(super) const TABLE_HEAD: usize = 8 + 2 + 1 + 2 + 2;
/// The longest content of a message: what BOLT 8 carries, less the message's number.
const MOST_BYTES: usize = 65_533;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// This number is none of ours.
    #[error("read message {number}: it is none of Flare's")]
    UnknownMessage {
        /// The message's number.
        number: u16,
    },
    /// The bytes end before the message does.
    #[error("read a message: it ends too early")]
    TooShort,
    /// The message is longer than any.
    #[error("read a message of {length} bytes")]
    TooLong {
        /// How long it is, in bytes.
        length: usize,
    },
    /// There are bytes behind the message.
    #[error("read a message: {bytes} bytes follow it")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A node's name is none.
    #[error("read a node's name")]
    Name,
    /// A link joins a name that is not in the message, or a node with itself, or has its ends in
    /// the wrong order.
    #[error("read a link's ends")]
    Ends,
    /// A number that stands for a choice stands for none.
    #[error("read a choice: {value} is none")]
    Choice {
        /// The number.
        value: u8,
    },
    /// A path has more hops than any.
    #[error("read a path of {hops} hops")]
    Path {
        /// How many.
        hops: u8,
    },
}

const HELLO: u16 = 32_769;
const UPDATE: u16 = 32_771;
const ACKNOWLEDGE: u16 = 32_773;
const RESET: u16 = 32_775;
const ASK_TABLE: u16 = 32_777;
const TABLE: u16 = 32_779;
const ASK_NEARER: u16 = 32_781;
const NEARER: u16 = 32_783;
const POLL: u16 = 32_785;
const POLL_ANSWER: u16 = 32_787;

const HAS_FIRST: u8 = 1;
const HAS_SECOND: u8 = 2;
const FIRST_ENABLED: u8 = 4;
const SECOND_ENABLED: u8 = 8;

/// What the message of this number is called, if it is one of Flare's.
pub fn name_of(number: u16) -> Option<&'static str> {
    Some(match number {
        HELLO => "flare_hello",
        UPDATE => "flare_update",
        ACKNOWLEDGE => "flare_acknowledge",
        RESET => "flare_reset",
        ASK_TABLE => "flare_ask_table",
        TABLE => "flare_table",
        ASK_NEARER => "flare_ask_nearer",
        NEARER => "flare_nearer",
        POLL => "flare_poll",
        POLL_ANSWER => "flare_poll_answer",
        _ => return None,
    })
}

impl<N: Name> Message<N> {
    /// The message's number.
    pub fn number(&self) -> u16 {
        match self {
            Self::Hello { .. } => HELLO,
            Self::Update(_) => UPDATE,
            Self::Acknowledge { .. } => ACKNOWLEDGE,
            Self::Reset => RESET,
            Self::AskTable { .. } => ASK_TABLE,
            Self::Table(_) => TABLE,
            Self::AskNearer { .. } => ASK_NEARER,
            Self::Nearer { .. } => NEARER,
            Self::Poll(_) => POLL,
            Self::PollAnswer { .. } => POLL_ANSWER,
        }
    }

    /// Whether a message of this number goes to channel peers only.
    pub fn is_for_peers(&self) -> bool {
        match self {
            Self::Hello { .. } | Self::Update(_) | Self::Acknowledge { .. } | Self::Reset => true,
            Self::AskTable { .. }
            | Self::Table(_)
            | Self::AskNearer { .. }
            | Self::Nearer { .. }
            | Self::Poll(_)
            | Self::PollAnswer { .. } => false,
        }
    }

    /// The content of the message, without its number. Lists are cut at 65,535 entries, which no
    /// message holds.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Hello { radius, received } => {
                out.u8(*radius);
                out.u64(*received);
            }
            Self::Update(update) => out.update(update),
            Self::Acknowledge { sequence } => out.u64(*sequence),
            Self::Reset => {}
            Self::AskTable { id } => out.u64(*id),
            Self::Table(part) => out.table(part),
            Self::AskNearer { id, target, count } => {
                out.u64(*id);
                out.bytes(&target.0);
                out.u8(*count);
            }
            Self::Nearer { id, candidates } => out.nearer(*id, candidates),
            Self::Poll(poll) => {
                out.u64(poll.id);
                out.u64(poll.channel.0);
                out.u64(poll.amount.0);
            }
            Self::PollAnswer { id, answer } => {
                out.u64(*id);
                out.answer(answer);
            }
        }
        out.0
    }

    /// Reads the content of a message with this number.
    ///
    /// # Errors
    /// The bytes are not exactly one such message.
    pub fn decode(number: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MOST_BYTES {
            return Err(DecodeError::TooLong { length: bytes.len() });
        }
        let mut from = Reader(bytes);
        let message = match number {
            HELLO => Self::Hello { radius: from.u8()?, received: from.u64()? },
            UPDATE => Self::Update(from.update()?),
            ACKNOWLEDGE => Self::Acknowledge { sequence: from.u64()? },
            RESET => Self::Reset,
            ASK_TABLE => Self::AskTable { id: from.u64()? },
            TABLE => Self::Table(from.table()?),
            ASK_NEARER => {
                let (id, target) = (from.u64()?, Address(from.array()?));
                Self::AskNearer { id, target, count: from.u8()? }
            }
            NEARER => from.nearer()?,
            POLL => {
                let (id, channel) = (from.u64()?, ShortChannelId(from.u64()?));
                Self::Poll(Poll { id, channel, amount: Msat(from.u64()?) })
            }
            POLL_ANSWER => Self::PollAnswer { id: from.u64()?, answer: from.answer()? },
            number => return Err(DecodeError::UnknownMessage { number }),
        };
        match from.0.len() {
            0 => Ok(message),
            bytes => Err(DecodeError::Trailing { bytes }),
        }
    }
}

#[derive(Default)]
struct Writer(Vec<u8>);

/// Where each name stands in a message.
type Names<N> = BTreeMap<N, u16>;

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    fn length(&mut self, length: usize) {
        self.u16(u16::try_from(length).unwrap_or(u16::MAX));
    }

    /// Writes all names, in their order, and returns where each stands.
    fn names<'a, N: Name + 'a>(&mut self, links: impl Iterator<Item = &'a Link<N>>) -> Names<N> {
        let mut names: Names<N> = links.flat_map(|link| link.ends).map(|name| (name, 0)).collect();
        self.length(names.len());
        for ((name, place), at) in names.iter_mut().zip(0_u16..) {
            *place = at;
            self.0.extend_from_slice(&name.bytes());
        }
        names
    }

    fn link<N: Name>(&mut self, link: &Link<N>, names: &Names<N>) {
        self.u64(link.channel.0);
        for end in &link.ends {
            self.u16(names.get(end).copied().unwrap_or(u16::MAX));
        }
        self.u64(link.capacity.to_sat());
        let has = [HAS_FIRST, HAS_SECOND];
        let enabled = [FIRST_ENABLED, SECOND_ENABLED];
        let mut flags = 0;
        for ((policy, has), enabled) in link.policies.iter().zip(has).zip(enabled) {
            if let Some(policy) = policy {
                flags |= has | if policy.enabled { enabled } else { 0 };
            }
        }
        self.u8(flags);
        for policy in link.policies.iter().flatten() {
            self.u32(policy.timestamp);
            self.u32(policy.fee_base_msat);
            self.u32(policy.fee_proportional_millionths);
            self.u16(policy.cltv_expiry_delta.0);
        }
    }

    fn update<N: Name>(&mut self, update: &Update<N>) {
        self.u64(update.sequence);
        self.u8(update.from_start.into());
        let names = self.names(update.told.iter().map(|told| &told.link));
        self.length(update.told.len());
        for told in &update.told {
            self.u8(told.distance);
            self.link(&told.link, &names);
        }
        self.length(update.gone.len());
        for channel in &update.gone {
            self.u64(channel.0);
        }
    }

    fn table<N: Name>(&mut self, part: &TablePart<N>) {
        self.u64(part.id);
        self.u16(part.part);
        self.u8(part.last.into());
        let names = self.names(part.links.iter());
        self.length(part.links.len());
        for link in &part.links {
            self.link(link, &names);
        }
    }

    fn nearer<N: Name>(&mut self, id: u64, candidates: &[Candidate<N>]) {
        self.u64(id);
        let names = self.names(candidates.iter().flat_map(|candidate| &candidate.path));
        self.length(candidates.len());
        for Candidate { node, path } in candidates {
            self.u16(names.get(node).copied().unwrap_or(u16::MAX));
            self.u8(u8::try_from(path.len()).unwrap_or(u8::MAX));
            for link in path {
                self.link(link, &names);
            }
        }
    }

    fn answer(&mut self, answer: &PollAnswer) {
        match answer {
            PollAnswer::Carries(terms) => {
                self.u8(0);
                self.u32(terms.fee_base_msat);
                self.u32(terms.fee_proportional_millionths);
                self.u16(terms.cltv_expiry_delta.0);
            }
            PollAnswer::CannotNow => self.u8(1),
            PollAnswer::NotMine => self.u8(2),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], DecodeError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(DecodeError::TooShort)?;
        self.0 = rest;
        Ok(*head)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    fn yes_or_no(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(DecodeError::Choice { value }),
        }
    }

    /// A list with its length before it, entry by entry.
    fn list<T>(
        &mut self,
        mut entry: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let length = self.u16()?;
        let mut list = Vec::new();
        for _ in 0..length {
            list.push(entry(self)?);
        }
        Ok(list)
    }

    fn names<N: Name>(&mut self) -> Result<Vec<N>, DecodeError> {
        self.list(|from| N::from_bytes(from.array()?).ok_or(DecodeError::Name))
    }

    fn name<N: Name>(&mut self, names: &[N]) -> Result<N, DecodeError> {
        let at = self.u16()?;
        names.get(usize::from(at)).copied().ok_or(DecodeError::Ends)
    }

    fn link<N: Name>(&mut self, names: &[N]) -> Result<Link<N>, DecodeError> {
        let channel = ShortChannelId(self.u64()?);
        let ends = [self.name(names)?, self.name(names)?];
        let [low, high] = &ends;
        if low >= high {
            return Err(DecodeError::Ends);
        }
        let capacity = Amount::from_sat(self.u64()?);
        let flags = self.u8()?;
        if flags > HAS_FIRST | HAS_SECOND | FIRST_ENABLED | SECOND_ENABLED {
            return Err(DecodeError::Choice { value: flags });
        }
        let first = self.policy(flags, HAS_FIRST, FIRST_ENABLED)?;
        let second = self.policy(flags, HAS_SECOND, SECOND_ENABLED)?;
        Ok(Link { channel, ends, capacity, policies: [first, second] })
    }

    fn policy(&mut self, flags: u8, has: u8, enabled: u8) -> Result<Option<Policy>, DecodeError> {
        let enabled = flags & enabled != 0;
        if flags & has == 0 {
            return if enabled { Err(DecodeError::Choice { value: flags }) } else { Ok(None) };
        }
        Ok(Some(Policy {
            timestamp: self.u32()?,
            enabled,
            fee_base_msat: self.u32()?,
            fee_proportional_millionths: self.u32()?,
            cltv_expiry_delta: CltvExpiryDelta(self.u16()?),
        }))
    }

    fn update<N: Name>(&mut self) -> Result<Update<N>, DecodeError> {
        let (sequence, from_start) = (self.u64()?, self.yes_or_no()?);
        let names = self.names()?;
        let told = self.list(|from| {
            let distance = from.u8()?;
            Ok(Told { link: from.link(&names)?, distance })
        })?;
        let gone = self.list(|from| from.u64().map(ShortChannelId))?;
        Ok(Update { sequence, from_start, told, gone })
    }

    fn table<N: Name>(&mut self) -> Result<TablePart<N>, DecodeError> {
        let (id, part, last) = (self.u64()?, self.u16()?, self.yes_or_no()?);
        let names = self.names()?;
        let links = self.list(|from| from.link(&names))?;
        Ok(TablePart { id, part, last, links })
    }

    fn nearer<N: Name>(&mut self) -> Result<Message<N>, DecodeError> {
        let id = self.u64()?;
        let names = self.names()?;
        let candidates = self.list(|from| {
            let (node, hops) = (from.name(&names)?, from.u8()?);
            if usize::from(hops) > MAX_HOPS {
                return Err(DecodeError::Path { hops });
            }
            let mut path = Vec::new();
            for _ in 0..hops {
                path.push(from.link(&names)?);
            }
            Ok(Candidate { node, path })
        })?;
        Ok(Message::Nearer { id, candidates })
    }

    fn answer(&mut self) -> Result<PollAnswer, DecodeError> {
        match self.u8()? {
            0 => Ok(PollAnswer::Carries(Terms {
                fee_base_msat: self.u32()?,
                fee_proportional_millionths: self.u32()?,
                cltv_expiry_delta: CltvExpiryDelta(self.u16()?),
            })),
            1 => Ok(PollAnswer::CannotNow),
            2 => Ok(PollAnswer::NotMine),
            value => Err(DecodeError::Choice { value }),
        }
    }
}

//! Scripted conversations: what is sent message by message, and what must come.

use std::fmt;

use serde_json::Value;

use super::model::{At, ChannelName, RoleName};
use super::step::Step;
use super::words::words;
use crate::bolt::units::ShortChannelId;
use crate::bolt::wire::{Bytes, Message};

/// What a role sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendStep {
    /// The probe.
    pub from: At<RoleName>,
    /// To whom; the only one that it is connected to, if the file does not say.
    pub to: Option<At<RoleName>>,
    /// The channel that it is about; the only one of the two, if the file does not say.
    pub channel: Option<At<ChannelName>>,
    /// Whose gossip it is: one node's, or that of the two of a channel.
    pub of: Vec<At<RoleName>>,
    /// What.
    pub what: Sent,
    /// How its frame breaks BOLT 8, if it does.
    pub frame: Option<At<FrameFault>>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A message, as the reference would send it but for these fields.
    Message(MessageFields),
    /// These bytes, whatever they are.
    Raw(Bytes),
}

/// A message by its name, and some of its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFields {
    /// The name that the specification gives it.
    pub name: &'static str,
    /// The fields and TLV records that the file names, in its order.
    pub fields: Vec<NamedField>,
}

impl MessageFields {
    /// Whether it is a message of BOLT 7, which comes in no certain order.
    pub fn is_gossip(&self) -> bool {
        let rule = Message::RULES.iter().find(|rule| rule.name == self.name);
        rule.is_some_and(|rule| (256..=265).contains(&rule.number))
    }

    /// Whether it is a message that anybody may pass on: who sends it need not be who it is of.
    pub fn is_relayed(&self) -> bool {
        /// `channel_announcement`, `node_announcement` and `channel_update`.
        const RELAYED: std::ops::RangeInclusive<u16> = 256..=258;
        let rule = Message::RULES.iter().find(|rule| rule.name == self.name);
        rule.is_some_and(|rule| RELAYED.contains(&rule.number))
    }
}

/// A field of a message, or a TLV record, and what the file says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedField {
    /// The name that the specification gives it.
    pub name: &'static str,
    /// What it holds.
    pub value: FieldValue,
    /// The same in the file's own words.
    pub words: String,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// This, as it stands in the message's JSON.
    Is(Value),
    /// Something of its form that does not fit.
    Wrong,
    /// The signature that is due, in its other form: with the high one of the two values of s.
    HighS,
    /// Nothing: the TLV record is not there.
    Absent,
    /// What this is when the message is sent, or has come.
    Named(Referent),
}

/// Something of a lab that has no value before the scenario is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Referent {
    /// The timestamp so many seconds from now.
    Ahead(u32),
    /// The timestamp so many seconds ago.
    Ago(u32),
    /// The `short_channel_id` of a channel.
    Channel(ChannelName),
    /// An array of `short_channel_id`s, in this order.
    Channels(Vec<ChannelItem>),
    /// The node id of a role; where a funding key is due, its key of the channel.
    Key(RoleName),
}

/// One `short_channel_id` of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelItem {
    /// That of a channel of the file.
    Named(ChannelName),
    /// This one, whatever there is.
    Is(ShortChannelId),
}

/// What must come from a role next, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectMessage {
    /// The sender.
    pub from: At<RoleName>,
    /// The probe that it sends to; the only probe, if the file does not say.
    pub to: Option<At<RoleName>>,
    /// What.
    pub what: Expected,
}

/// What must come, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Next is a message of one of these names.
    OneOf(Vec<&'static str>),
    /// Next is a message with these fields.
    Like(MessageFields),
    /// None of these has come; nothing at all has come, if there are none.
    NoneOf(Vec<&'static str>),
}

/// One way on from a `try`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// What happens on it, before the steps that follow the `try`.
    pub steps: Vec<Step>,
}

words! {
    /// How far a `connect` goes.
    pub enum ConnectedUntil {
        /// Until the two can send bytes to each other: a probe sends no `init` by itself.
        Connected = "connected",
        /// Until both have sent `init`, and what follows of itself.
        Ready = "ready",
    }
}

words! {
    /// How a frame breaks BOLT 8. Whoever reads it ends the connection.
    pub enum FrameFault {
        /// Its first half, and then the sender closes.
        Half = "half",
        /// A bit of the MAC of its length is flipped.
        WrongLengthMac = "wrong_length_mac",
        /// A bit of the MAC of its message is flipped.
        WrongMac = "wrong_mac",
        /// More bytes than its length says: the message is taken, and what follows is no frame.
        TooLong = "too_long",
        /// The same bytes again: the message is taken once, for the next frame has another nonce.
        Twice = "twice",
        /// No frame: the message as it is, unencrypted, and then the sender closes.
        Unsealed = "unsealed",
    }
}

words! {
    /// How an act of the handshake breaks BOLT 8. Whoever reads it ends the connection.
    pub enum ActFault {
        /// Its first half, and then the sender closes.
        Half = "half",
        /// It begins with version 1.
        WrongVersion = "wrong_version",
        /// Its key is changed: no point in acts one and two, and not what its MAC says in act three.
        WrongKey = "wrong_key",
        /// A bit of its last MAC is flipped.
        WrongMac = "wrong_mac",
    }
}

words! {
    /// An act of the handshake.
    pub enum Act {
        /// The initiator's ephemeral key.
        One = "act_one",
        /// The responder's ephemeral key.
        Two = "act_two",
        /// The initiator's static key.
        Three = "act_three",
    }
}

/// An act that a probe breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenAct {
    /// Which.
    pub act: At<Act>,
    /// How.
    pub fault: ActFault,
}

/// The end of a connection, where a message is expected.
pub const HANG_UP: &str = "hang_up";
/// A message of a type that no table has.
pub(super) const UNKNOWN: &str = "unknown";

impl fmt::Display for SendStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sends", self.from)?;
        if let Some(to) = &self.to {
            write!(f, " {to}")?;
        }
        match &self.what {
            Sent::Message(message) => write!(f, " {message}")?,
            Sent::Raw(bytes) => write!(f, " {} bytes", bytes.0.len())?,
        }
        if let Some(channel) = &self.channel {
            write!(f, " about {channel}")?;
        }
        for (index, of) in self.of.iter().enumerate() {
            write!(f, " {} {of}", if index == 0 { "of" } else { "and" })?;
        }
        match &self.frame {
            None => Ok(()),
            Some(fault) => write!(f, ", its frame {}", fault.value.in_words()),
        }
    }
}

impl FrameFault {
    /// What the frame is then, behind a subject.
    const fn in_words(self) -> &'static str {
        match self {
            Self::Half => "cut in half",
            Self::WrongLengthMac => "with a wrong MAC of the length",
            Self::WrongMac => "with a wrong MAC of the message",
            Self::TooLong => "longer than it says",
            Self::Twice => "twice",
            Self::Unsealed => "left out",
        }
    }
}

impl fmt::Display for BrokenAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let act = match self.act.value {
            Act::One => "act one",
            Act::Two => "act two",
            Act::Three => "act three",
        };
        let fault = match self.fault {
            ActFault::Half => "cut in half",
            ActFault::WrongVersion => "of a wrong version",
            ActFault::WrongKey => "with a wrong key",
            ActFault::WrongMac => "with a wrong MAC",
        };
        write!(f, "{act} {fault}")
    }
}

impl fmt::Display for MessageFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        for (index, field) in self.fields.iter().enumerate() {
            write!(f, "{}{field}", if index == 0 { " with " } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Display for NamedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, words) = (self.name, &self.words);
        match &self.value {
            FieldValue::Is(_) if words.is_empty() => write!(f, "an empty {name}"),
            FieldValue::Is(_) if words.chars().count() > 40 => {
                write!(f, "{name} {}…", words.chars().take(16).collect::<String>())
            }
            FieldValue::Is(_) | FieldValue::Named(_) => write!(f, "{name} {words}"),
            FieldValue::Wrong => write!(f, "a wrong {name}"),
            FieldValue::HighS => write!(f, "a {name} with a high s"),
            FieldValue::Absent => write!(f, "no {name}"),
        }
    }
}

impl fmt::Display for ExpectMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = &self.from;
        match &self.what {
            Expected::OneOf(names) => write!(f, "expect {} from {from}", names.join(" or "))?,
            Expected::Like(message) => write!(f, "expect {message} from {from}")?,
            Expected::NoneOf(names) if names.is_empty() => write!(f, "expect nothing from {from}")?,
            Expected::NoneOf(names) => write!(f, "expect no {} from {from}", names.join(", no "))?,
        }
        match &self.to {
            None => Ok(()),
            Some(to) => write!(f, " to {to}"),
        }
    }
}

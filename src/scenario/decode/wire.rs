//! Scripted conversations.

use bitcoin::constants::ChainHash;
use bitcoin::hex::FromHex;
use secp256k1::ecdsa::Signature;
use serde_json::{Map, Value, json};

use super::reader::{Fields, Reader};
use crate::bolt::features::{Feature, Features};
use crate::bolt::wire::kind::Kind;
use crate::bolt::wire::table::MessageRule;
use crate::bolt::wire::{Bytes, Message, ShortChannelId};
use crate::scenario::{
    error::Mistake,
    language,
    model::{At, Channel, RoleName},
    step::{Expectation, Verb},
    units::{self, Quantity},
    wire::{
        Act, ActFault, Branch, BrokenAct, ChannelItem, ConnectedUntil, ExpectMessage, Expected,
        FieldValue, FrameFault, HANG_UP, MessageFields, NamedField, Referent, SendStep, Sent,
        UNKNOWN,
    },
    yaml::{Content, Node},
};

/// A field that stands in every message: TLV records that it does not declare.
const RECORDS: &str = "records";

/// What a message can hold behind its type.
const PAYLOAD_LIMIT: usize = 65_533;

/// A message, a field or a record of the table, by its name.
fn rule_of(name: &str) -> Option<&'static MessageRule> {
    Message::RULES.iter().find(|rule| rule.name == name)
}

/// The names that a message can be expected by.
fn expectable() -> impl Iterator<Item = &'static str> {
    Message::RULES.iter().map(|rule| rule.name).chain([UNKNOWN, HANG_UP])
}

impl Reader {
    pub(super) fn connect(&mut self, fields: &Fields<'_>) -> Option<Verb> {
        let from = fields.get("from").and_then(|node| self.role(node));
        let to = fields.get("to").and_then(|node| self.role(node));
        let until = self.optional(fields.get("until"), |reader, node| {
            let (words, from_word) = (ConnectedUntil::WORDS, ConnectedUntil::from_word);
            reader.word(node, "end of a connection's beginning", words, from_word)
        });
        let broken = self.broken_act(fields);
        let until = until?.map_or(ConnectedUntil::Ready, |word| word.value);
        Some(Verb::Connect { from: from?, to: to?, until, broken: broken? })
    }

    /// The act that a probe breaks: `Some(None)` if none is.
    #[expect(clippy::option_option, reason = "absent and wrong are two things here")]
    fn broken_act(&mut self, fields: &Fields<'_>) -> Option<Option<BrokenAct>> {
        let act = |(key, node): &(At<&str>, _)| {
            Some((At::new(Act::from_word(key.value)?, key.at), *node))
        };
        let mut acts = fields.entries().iter().filter_map(act);
        let Some((act, node)) = acts.next() else { return Some(None) };
        if let Some((second, _)) = acts.next() {
            let what = "a handshake ends at its first broken act";
            self.report(second.at, Mistake::Nothing { what });
            return None;
        }
        let fault = self.word(node, "fault of an act", ActFault::WORDS, ActFault::from_word)?;
        Some(Some(BrokenAct { act, fault: fault.value }))
    }

    pub(super) fn disconnect(&mut self, fields: &Fields<'_>) -> Option<Verb> {
        let from = fields.get("from").and_then(|node| self.role(node));
        let to = fields.get("to").and_then(|node| self.role(node));
        Some(Verb::Disconnect { from: from?, to: Some(to?) })
    }

    pub(super) fn send(&mut self, fields: &Fields<'_>) -> Option<Verb> {
        let from = fields.get("from").and_then(|node| self.role(node));
        let to = self.optional(fields.get("to"), Self::role);
        let channel = self.optional(fields.get("channel"), Self::channel);
        let of = self.optional(fields.get("of"), Self::owners);
        let raw = self.optional(fields.get("raw"), Self::hex);
        let what = match self.message(fields) {
            Some(message) => Some(Sent::Message(message?)),
            None => raw?.map(|bytes| Sent::Raw(Bytes(bytes.value))),
        };
        let frame = self.optional(fields.get("frame"), |reader, node| {
            reader.word(node, "fault of a frame", FrameFault::WORDS, FrameFault::from_word)
        });
        let (from, to, channel, what, frame) = (from?, to?, channel?, what?, frame?);
        let of = of?.unwrap_or_default();
        Some(Verb::Send(Box::new(SendStep { from, to, channel, of, what, frame })))
    }

    /// Whose gossip it is: a role, or a list of two.
    fn owners(&mut self, node: &Node) -> Option<Vec<At<RoleName>>> {
        let one = std::slice::from_ref(node);
        let items = if let Content::List(items) = &node.content { items } else { one };
        if items.len() > 2 {
            self.report(node.at, Mistake::Nothing { what: "gossip is of one role, or of two" });
            return None;
        }
        items.iter().map(|item| self.role(item)).collect()
    }

    /// The message among the keys of a step, if there is one: `Some(None)` if it is wrong.
    #[expect(clippy::option_option, reason = "absent and wrong are two things here")]
    fn message(&mut self, fields: &Fields<'_>) -> Option<Option<MessageFields>> {
        let is_message =
            |(key, _): &&(At<&str>, &Node)| rule_of(key.value).is_some() || key.value == UNKNOWN;
        let (key, node) = *fields.entries().iter().find(is_message)?;
        Some(match rule_of(key.value) {
            Some(rule) => self.message_fields(rule, node),
            None => self.unknown_message(node),
        })
    }

    /// A message of an unknown type.
    fn unknown_message(&mut self, node: &Node) -> Option<MessageFields> {
        let fields = self.fields(node, &language::UNKNOWN_MESSAGE)?;
        let number = fields.get("message_type").and_then(|node| {
            self.parsed(node, below(16), |text| text.replace('_', "").parse::<u16>().ok())
        });
        let payload = self.optional(fields.get("payload"), Self::hex);
        let mut payload = payload?.map_or(Vec::new(), |bytes| bytes.value);
        let room = PAYLOAD_LIMIT.saturating_sub(payload.len());
        let zeros = self.optional(fields.get("zeros"), |reader, node| reader.zeros(node, room));
        let (hex, zeros) = (Bytes(payload.clone()).to_string(), zeros?.unwrap_or(0));
        let words = match (hex.as_str(), zeros) {
            (_, 0) => hex,
            ("", zeros) => format!("{zeros} zeros"),
            (hex, zeros) => format!("{hex} and {zeros} zeros"),
        };
        payload.resize(payload.len().saturating_add(zeros), 0);
        let (number, payload) = (number?, Bytes(payload).to_string());
        let is = |name, value, words| NamedField { name, value: FieldValue::Is(value), words };
        let fields = vec![
            is("message_type", json!(number), number.to_string()),
            is("payload", json!(payload), words),
        ];
        Some(MessageFields { name: UNKNOWN, fields })
    }

    /// The fields of a message that the file names.
    fn message_fields(&mut self, rule: &'static MessageRule, node: &Node) -> Option<MessageFields> {
        let nothing = matches!(&node.content, Content::Nothing);
        let entries = if nothing {
            Vec::new()
        } else {
            self.entries(node, "the fields of a message, as in `{to_self_delay: 2017 blocks}`")?
        };
        let mut fields = Vec::new();
        let mut sound = true;
        for (key, node) in entries {
            match self.field(rule, key, node) {
                Some(field) => fields.push(field),
                None => sound = false,
            }
        }
        sound.then_some(MessageFields { name: rule.name, fields })
    }

    fn field(
        &mut self,
        rule: &'static MessageRule,
        key: At<&str>,
        node: &Node,
    ) -> Option<NamedField> {
        let words = node.content.to_string();
        if key.value == RECORDS {
            let records = self.records(node)?;
            let record = |(number, value): (u64, Vec<u8>)| json!({"type": number, "value": Bytes(value).to_string()});
            let records: Vec<Value> = records.into_iter().map(record).collect();
            let value = FieldValue::Is(records.into());
            return Some(NamedField { name: "unknown", value, words });
        }
        let declared = rule.fields.iter().map(|field| (field.name, field.kind, false));
        let records = rule.records.iter().map(|record| (record.name, record.kind, true));
        let known: Vec<_> = declared.chain(records).collect();
        let Some((name, kind, may_be_absent)) =
            known.iter().copied().find(|(name, ..)| *name == key.value)
        else {
            let names = known.iter().map(|(name, ..)| *name).chain([RECORDS]).collect();
            let mistake =
                Mistake::UnknownKey { key: key.value.to_owned(), of: rule.name, known: names };
            self.report(key.at, mistake);
            return None;
        };
        if let Content::Text(word) = &node.content {
            match word.trim() {
                "absent" if may_be_absent => {
                    return Some(NamedField { name, value: FieldValue::Absent, words });
                }
                "wrong" if can_be_wrong(kind) => {
                    return Some(NamedField { name, value: FieldValue::Wrong, words });
                }
                "high_s" if *kind == Kind::Signature => {
                    return Some(NamedField { name, value: FieldValue::HighS, words });
                }
                _ => {}
            }
        }
        if let Some(referent) = self.referent(name, kind, node) {
            return Some(NamedField { name, value: FieldValue::Named(referent?), words });
        }
        let value = self.value(kind, node)?;
        Some(NamedField { name, value: FieldValue::Is(value), words })
    }

    /// Something that has its value only when the scenario is played: `Some(None)` if it is wrong.
    #[expect(clippy::option_option, reason = "absent and wrong are two things here")]
    fn referent(
        &mut self,
        name: &str,
        kind: &'static Kind,
        node: &Node,
    ) -> Option<Option<Referent>> {
        if let (Kind::Bytes, "encoded_short_ids", Content::List(items)) =
            (kind, name, &node.content)
        {
            let items: Option<Vec<_>> = items.iter().map(|item| self.channel_item(item)).collect();
            return Some(items.map(Referent::Channels));
        }
        let Content::Text(text) = &node.content else { return None };
        let text = text.trim();
        let known_channel = || self.channels.iter().find(|name| name.as_str() == text).cloned();
        let known_role = || self.roles.iter().find(|name| name.as_str() == text).cloned();
        match kind {
            Kind::Number(32) if name.ends_with("timestamp") => {
                let since = |end| text.strip_suffix(end).map(str::trim_end);
                let (seconds, make): (_, fn(u32) -> Referent) = match (since("ahead"), since("ago"))
                {
                    (Some(seconds), _) => (seconds, Referent::Ahead),
                    (None, Some(seconds)) => (seconds, Referent::Ago),
                    (None, None) => return None,
                };
                Some(match units::seconds(seconds) {
                    Ok(seconds) => Some(make(seconds)),
                    Err(mistake) => {
                        self.report(node.at, mistake);
                        None
                    }
                })
            }
            Kind::ShortChannelId => known_channel().map(|name| Some(Referent::Channel(name))),
            Kind::Point => known_role().map(|name| Some(Referent::Key(name))),
            _ => None,
        }
    }

    /// A channel of the file, or a `short_channel_id`.
    fn channel_item(&mut self, node: &Node) -> Option<ChannelItem> {
        if let Content::Text(text) = &node.content
            && let Ok(id) = text.trim().parse()
        {
            return Some(ChannelItem::Is(id));
        }
        self.channel(node).map(|name| ChannelItem::Named(name.value))
    }

    /// A value of a field, as it stands in the message's JSON.
    fn value(&mut self, kind: &'static Kind, node: &Node) -> Option<Value> {
        match *kind {
            Kind::Number(bits) => self.whole_number(node, bits),
            Kind::Height => self.whole_number(node, 32),
            Kind::Satoshis
            | Kind::SignedSatoshis
            | Kind::Millisatoshis
            | Kind::Feerate
            | Kind::Blocks(_) => self.measure(kind, node),
            Kind::ShortChannelId => {
                let wanted = "a short_channel_id, as in `1x2x3`";
                let id = self.parsed(node, wanted, |text| text.parse::<ShortChannelId>().ok())?;
                serde_json::to_value(id).ok()
            }
            Kind::Fixed(length) => self.bytes_of(node, Some(length)),
            Kind::Point => self.bytes_of(node, Some(33)),
            Kind::Txid => {
                let wanted = "the id of a transaction in hex";
                let id = self.parsed(node, wanted, |text| text.parse::<bitcoin::Txid>().ok())?;
                serde_json::to_value(id).ok()
            }
            Kind::Chain => self.chain(node),
            Kind::Signature => {
                let signature = self.parsed(node, "64 bytes of a signature in hex", |text| {
                    Signature::from_compact(&Vec::from_hex(text).ok()?).ok()
                })?;
                serde_json::to_value(signature).ok()
            }
            Kind::Bytes | Kind::Script => self.bytes_of(node, None),
            Kind::Text => Some(self.text(node, "a text")?.value.into()),
            Kind::Features | Kind::ChannelType => self.features(node),
            Kind::Present => self.flag(node).map(|flag| json!(flag.value)),
            Kind::List(item) => {
                let items = self.list(node, "a list");
                items.iter().map(|node| self.value(item, node)).collect::<Option<_>>()
            }
            Kind::Address => {
                let wanted = "an IP address and a port, as in `127.0.0.1:9735`";
                Some(match self.parsed(node, wanted, |text| text.parse().ok())? {
                    core::net::SocketAddr::V4(v4) => {
                        json!({"type": "ipv4", "ipv4_addr": v4.ip(), "port": v4.port()})
                    }
                    core::net::SocketAddr::V6(v6) => {
                        json!({"type": "ipv6", "ipv6_addr": v6.ip(), "port": v6.port()})
                    }
                })
            }
            Kind::Compound(parts) => {
                let entries = self.entries(node, "the parts of a record")?;
                let mut value = Map::new();
                for (name, kind) in parts {
                    let part = entries.iter().find(|(key, _)| key.value == *name);
                    let Some((_, node)) = part else {
                        self.report(node.at, Mistake::MissingKey { key: name, of: "the record" });
                        return None;
                    };
                    value.insert((*name).to_owned(), self.value(kind, node)?);
                }
                Some(value.into())
            }
        }
    }

    /// A value with a unit.
    fn measure(&mut self, kind: &'static Kind, node: &Node) -> Option<Value> {
        match *kind {
            Kind::Satoshis => Some(json!(self.sat(node)?.value.to_sat())),
            Kind::SignedSatoshis => {
                let wanted = "a number of satoshis, as in `-5`";
                self.parsed(node, wanted, |text| text.parse::<i64>().ok()).map(Value::from)
            }
            Kind::Millisatoshis => Some(json!(self.msat(node)?.value.0)),
            Kind::Feerate => {
                let rate = self.quantity(node, Quantity::Feerate, units::feerate)?;
                Some(json!(rate.value.0))
            }
            Kind::Blocks(bits) => {
                let blocks = self.blocks(node)?;
                let fits = bits >= 32 || blocks.value.0 >> bits == 0;
                if !fits {
                    let (text, of) = (blocks.to_string(), Quantity::Blocks);
                    self.report(blocks.at, Mistake::TooMuch { text, of });
                }
                fits.then(|| json!(blocks.value.0))
            }
            _ => None,
        }
    }

    fn whole_number(&mut self, node: &Node, bits: u8) -> Option<Value> {
        let fits = |number: &u64| bits >= 64 || number >> bits == 0;
        let number = self.parsed(node, below(bits), |text| {
            text.replace('_', "").parse::<u64>().ok().filter(fits)
        });
        number.map(Value::from)
    }

    /// Bytes in hex, all of them or so many.
    fn bytes_of(&mut self, node: &Node, length: Option<usize>) -> Option<Value> {
        let bytes = self.hex(node)?;
        if let Some(length) = length.filter(|length| *length != bytes.value.len()) {
            self.report(bytes.at, Mistake::WrongLength { bytes: bytes.value.len(), length });
            return None;
        }
        Some(Bytes(bytes.value).to_string().into())
    }

    /// How many zeros there are: no more than there is room for.
    fn zeros(&mut self, node: &Node, room: usize) -> Option<usize> {
        self.parsed(node, "so many bytes that the payload has 65533 at most", |text| {
            text.replace('_', "").parse().ok().filter(|zeros| *zeros <= room)
        })
    }

    /// Bytes in hex; `""` is none.
    fn hex(&mut self, node: &Node) -> Option<At<Vec<u8>>> {
        if matches!(&node.content, Content::Text(text) if text.is_empty()) {
            return Some(At::new(Vec::new(), node.at));
        }
        let bytes =
            self.parsed(node, "bytes in hex, as in `00ff`", |text| Vec::from_hex(text).ok());
        bytes.map(|bytes| At::new(bytes, node.at))
    }

    /// A chain by its name, or the hash of its first block.
    fn chain(&mut self, node: &Node) -> Option<Value> {
        let wanted = "a chain (`regtest`, `bitcoin`, `testnet`, `signet`), or its hash in hex";
        let chain = self.parsed(node, wanted, |text| match text {
            "regtest" => Some(ChainHash::REGTEST),
            "bitcoin" => Some(ChainHash::BITCOIN),
            "testnet" => Some(ChainHash::TESTNET3),
            "signet" => Some(ChainHash::SIGNET),
            hex => <[u8; 32]>::from_hex(hex).ok().map(ChainHash::from),
        });
        serde_json::to_value(chain?).ok()
    }

    /// Features by name or bit, or their bytes in hex.
    fn features(&mut self, node: &Node) -> Option<Value> {
        if !matches!(node.content, Content::List(_)) {
            return self.bytes_of(node, None);
        }
        let features: Features = self.feature_bits(node)?.into_iter().collect();
        serde_json::to_value(features).ok()
    }

    /// Several feature bits.
    pub(super) fn feature_bits(&mut self, node: &Node) -> Option<Vec<u32>> {
        let items = self.list(node, "a list of features, as in `[option_anchors]`");
        items.iter().map(|item| self.feature_bit(item)).collect()
    }

    /// A feature bit: its number, or a name; the name alone demands the feature, `NAME/odd` offers
    /// it.
    fn feature_bit(&mut self, node: &Node) -> Option<u32> {
        let wanted = "a feature, as in `option_anchors`, `option_anchors/odd` or `23`";
        self.parsed(node, wanted, |text| {
            let (name, odd) = match text.split_once('/') {
                Some((name, "odd")) => (name, 1),
                _ => (text, 0),
            };
            let named = Feature::named(name).map(|feature| feature.bit | odd);
            named.or_else(|| text.parse().ok().filter(|bit| *bit < 4_000))
        })
    }

    /// A message that must come next, or must not.
    pub(super) fn expected_message(&mut self, fields: &Fields<'_>) -> Option<Expectation> {
        let from = fields.get("from").and_then(|node| self.role(node));
        let to = self.optional(fields.get("to"), Self::role);
        let what = if let Some(node) = fields.get("message") {
            self.message_names(node).map(Expected::OneOf)
        } else if let Some(node) = fields.get("no_message") {
            match &node.content {
                Content::Text(word) if word.trim() == "any" => Some(Expected::NoneOf(Vec::new())),
                _ => self.message_names(node).map(Expected::NoneOf),
            }
        } else {
            self.message(fields)?.map(Expected::Like)
        };
        let (from, to, what) = (from?, to?, what?);
        Some(Expectation::Message(Box::new(ExpectMessage { from, to, what })))
    }

    /// One name of a message, or a list of them.
    fn message_names(&mut self, node: &Node) -> Option<Vec<&'static str>> {
        let one = std::slice::from_ref(node);
        let items = if let Content::List(items) = &node.content { items } else { one };
        items.iter().map(|item| self.message_name(item)).collect()
    }

    fn message_name(&mut self, node: &Node) -> Option<&'static str> {
        let text = self.text(node, "the name of a message")?;
        let known = expectable().find(|name| *name == text.value);
        if known.is_none() {
            let names = expectable().map(str::to_owned).collect();
            self.unknown_name(text, "message", names);
        }
        known
    }

    /// The ways on from here, each with a name.
    pub(super) fn branches(&mut self, node: &Node, channels: &[Channel]) -> Option<Verb> {
        let entries = self.entries(node, "the branches by name, each a list of steps")?;
        if entries.is_empty() {
            self.report(node.at, Mistake::Nothing { what: "a `try` has at least one branch" });
        }
        let mut branches = Vec::new();
        let mut sound = true;
        for (key, node) in entries {
            // What a branch names, the others know nothing of.
            let before = self.named();
            let (steps, missing) = self.steps(node, channels);
            self.forget(before);
            sound &= !missing && self.is_branch_name(key);
            branches.push(Branch { name: key.value.to_owned(), steps });
        }
        sound.then_some(Verb::Try(branches))
    }

    fn is_branch_name(&mut self, key: At<&str>) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let sound = key.value.chars().all(plain) && key.value.len() <= 48;
        if !sound {
            let name = key.value.to_owned();
            self.report(key.at, Mistake::BadName { name, of: "a branch" });
        }
        sound
    }
}

/// What a number of so many bits must be.
fn below(bits: u8) -> &'static str {
    match bits {
        8 => "a whole number below 2^8",
        16 => "a whole number below 2^16",
        32 => "a whole number below 2^32",
        _ => "a whole number below 2^64",
    }
}

/// Whether something of a field's form may not fit.
fn can_be_wrong(kind: &Kind) -> bool {
    match kind {
        Kind::Signature | Kind::Point | Kind::Txid | Kind::Chain | Kind::Fixed(_) => true,
        Kind::List(item) => can_be_wrong(item),
        Kind::Number(_)
        | Kind::Satoshis
        | Kind::SignedSatoshis
        | Kind::Millisatoshis
        | Kind::Feerate
        | Kind::Blocks(_)
        | Kind::Height
        | Kind::ShortChannelId
        | Kind::Bytes
        | Kind::Text
        | Kind::Script
        | Kind::Features
        | Kind::ChannelType
        | Kind::Address
        | Kind::Present
        | Kind::Compound(_) => false,
    }
}

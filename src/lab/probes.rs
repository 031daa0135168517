//! Scripted conversations: probes say what the file has them say, and what comes to them waits to be
//! expected.
//!
//! ```text
//! probe's node -- message --> held back --\
//!                 (or made) --------------+-- fields of the file --> on the way --> peer
//! peer -- message --> probe's node, and what has come --> expect
//! ```

use std::collections::VecDeque;

use bitcoin::hashes::{Hash, sha256};
use serde_json::{Map, Value, json};

use super::network::Player;
use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::channel::{HtlcOffer, Pace};
use crate::bolt::connection;
use crate::bolt::units::{CltvExpiry, Msat};
use crate::bolt::wire::kind::Kind;
use crate::bolt::wire::table::MessageRule;
use crate::bolt::wire::{ChannelId, Message, OnionPacket};
use crate::node::{ChannelHandle, Node, NodeCommand, NodeError, NodeInput, NodeOutput, cheat};
use crate::scenario::{
    At, BrokenAct, Channel, ChannelName, ConnectedUntil, ExpectMessage, Expected, FieldValue,
    FundedWith, HANG_UP, MessageFields, NamedField, RoleKind, RoleName, SendStep, Sent,
};
use crate::trace::Event;

/// Whether what a role sends goes out at once.
#[derive(Default)]
pub(super) enum Flow {
    /// It does.
    #[default]
    Free,
    /// It waits: to whom, and what.
    Held(VecDeque<(RoleName, Message)>),
}

/// Something that came to a probe.
pub(super) struct Arrival {
    pub(super) from: RoleName,
    pub(super) what: Arrived,
}

pub(super) enum Arrived {
    Message(Box<Message>),
    /// Bytes that are no message.
    Garbage,
    /// The end of the connection.
    HangUp,
}

impl Arrived {
    fn name(&self) -> &'static str {
        match self {
            Self::Message(message) => message.name(),
            Self::Garbage => "garbage",
            Self::HangUp => HANG_UP,
        }
    }

    /// What may come at any time, and says nothing about the conversation.
    fn is_chatter(&self) -> bool {
        match self {
            Self::Message(message) => {
                (256..=265).contains(&message.message_type())
                    || matches!(**message, Message::Ping(_) | Message::Pong(_))
            }
            Self::Garbage | Self::HangUp => false,
        }
    }
}

impl Lab<'_> {
    /// The roles that only say what they are told.
    fn probes(&self) -> Vec<RoleName> {
        let probes = self.cast.iter().filter(|(_, player)| player.kind == RoleKind::Probe);
        probes.map(|(name, _)| name.clone()).collect()
    }

    /// Whether a role is a probe that waits for the file's word.
    pub(super) fn is_scripted(&self, role: &RoleName) -> bool {
        let waits = |player: &Player| {
            player.kind == RoleKind::Probe && matches!(player.flow, Flow::Held(_))
        };
        self.cast.get(role).is_some_and(waits)
    }

    /// Has every probe wait for the file's word, or act as anybody else would.
    pub(super) fn script_probes(&mut self, scripted: bool) -> Result<(), Stop> {
        for probe in self.probes() {
            if scripted {
                self.hold(&probe);
            } else {
                self.release(&probe)?;
            }
            let Some(player) = self.cast.get_mut(&probe) else { continue };
            let pace = if scripted { Pace::Patient } else { Pace::Prompt };
            cheat::set_pace(&mut player.node, pace);
            player.arrived.clear();
        }
        Ok(())
    }

    /// Has probes act as anybody else would during a step that goes through a whole protocol.
    pub(super) fn freely(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.script_probes(false)?;
        let done = step(self);
        self.script_probes(true)?;
        done
    }

    /// What this role sends waits from now on.
    pub(super) fn hold(&mut self, role: &RoleName) {
        if let Some(player) = self.cast.get_mut(role)
            && matches!(player.flow, Flow::Free)
        {
            player.flow = Flow::Held(VecDeque::new());
        }
    }

    /// What waits goes out, and what comes after it.
    pub(super) fn release(&mut self, role: &RoleName) -> Result<(), Stop> {
        let Some(player) = self.cast.get_mut(role) else { return Ok(()) };
        if let Flow::Held(waiting) = std::mem::take(&mut player.flow) {
            for (to, message) in waiting {
                self.put_on_the_way(role, &to, &message.encode());
            }
        }
        self.deliver()
    }

    pub(super) fn connect(
        &mut self,
        from: &At<RoleName>,
        to: &At<RoleName>,
        until: ConnectedUntil,
        broken: Option<BrokenAct>,
    ) -> Result<(), Stop> {
        if self.is_linked(&from.value, &to.value) {
            return Err(failed(Some(from.at), format!("{from} and {to} are connected")));
        }
        if let Some(broken) = broken {
            return self.connect_broken(from, to, broken);
        }
        match until {
            ConnectedUntil::Connected => self.link(&from.value, &to.value),
            ConnectedUntil::Ready => self.freely(|lab| lab.link(&from.value, &to.value)),
        }
    }

    pub(super) fn disconnect(
        &mut self,
        from: &At<RoleName>,
        to: Option<&At<RoleName>>,
    ) -> Result<(), Stop> {
        let peers: Vec<RoleName> = match to {
            Some(to) => vec![to.value.clone()],
            None => self.cast.keys().filter(|name| **name != from.value).cloned().collect(),
        };
        let linked: Vec<RoleName> =
            peers.into_iter().filter(|peer| self.is_linked(&from.value, peer)).collect();
        if linked.is_empty() {
            return Err(failed(Some(from.at), format!("{from} is not connected")));
        }
        for peer in linked {
            self.unlink(&from.value, &peer)?;
            // The file knows of this end; what others said is still to be heard.
            for (to, said_by) in [(&from.value, &peer), (&peer, &from.value)] {
                let Some(player) = self.cast.get_mut(to) else { continue };
                player.arrived.retain(|arrival| arrival.from != *said_by);
            }
        }
        Ok(())
    }

    pub(super) fn send_scripted(&mut self, send: &SendStep) -> Result<(), Stop> {
        let from = &send.from.value;
        self.must_be_online(from)?;
        let to = self.receiver(send)?;
        let bytes = match &send.what {
            Sent::Raw(bytes) => bytes.0.clone(),
            Sent::Message(fields) => {
                let channel = self.channel_between(send, &to);
                self.scripted(send, &to, channel.as_ref(), fields)?.encode()
            }
        };
        if let Some(fault) = send.frame {
            return self.send_broken(&send.from, &to, &bytes, fault.value);
        }
        self.put_on_the_way(from, &to, &bytes);
        self.deliver()
    }

    /// Whom a probe speaks to: the role that the file names, or the only one.
    fn receiver(&self, send: &SendStep) -> Result<RoleName, Stop> {
        let from = &send.from;
        let linked = |name: &&RoleName| **name != from.value && self.is_linked(&from.value, name);
        let mut peers = self.cast.keys().filter(linked);
        let found = match &send.to {
            Some(to) => peers.find(|name| **name == to.value),
            None => peers.next().filter(|_| peers.next().is_none()),
        };
        let missing = || match &send.to {
            Some(to) => format!("{from} is not connected to {to}"),
            None => format!("say `to` whom: {from} is not connected to one role alone"),
        };
        found.cloned().ok_or_else(|| failed(Some(from.at), missing()))
    }

    /// The channel that a message is about: the one that the file names, or the only one.
    fn channel_between(&self, send: &SendStep, to: &RoleName) -> Option<ChannelName> {
        if let Some(channel) = &send.channel {
            return Some(channel.value.clone());
        }
        let mut between = self
            .scenario
            .channels
            .iter()
            .filter(|channel| channel.joins(&send.from.value) && channel.joins(to));
        let only = between.next().filter(|_| between.next().is_none());
        only.map(|channel| channel.name.value.clone())
    }

    /// The message that a probe sends: the one that its node holds back, or one that is made for
    /// the occasion, with the fields that the file names.
    fn scripted(
        &mut self,
        send: &SendStep,
        to: &RoleName,
        channel: Option<&ChannelName>,
        fields: &MessageFields,
    ) -> Result<Message, Stop> {
        let from = &send.from.value;
        let held = self.take_held(from, to, fields.name);
        let made = match held {
            Some(message) => Some(message),
            None => self.make(send, to, channel, fields.name)?,
        };
        let handle = channel.and_then(|name| self.channels.get(name)).copied();
        let made = match made.or_else(|| self.gossip(send, channel, fields.name)) {
            Some(message) => message,
            None => self.filled(from, handle, fields.name)?,
        };
        let fields = &self.resolved(fields, channel).map_err(|stop| stop.at(send.from.at))?;
        let wrong =
            |error: serde_json::Error| failed(Some(send.from.at), format!("{fields}: {error}"));
        if let Some(message) = self.scripted_gossip(&made, fields, channel).map_err(wrong)? {
            return Ok(message);
        }
        let mut message = with_fields(&made, fields).map_err(wrong)?;
        if let (Some(handle), Some(player)) = (handle, self.cast.get_mut(from)) {
            let node = &mut player.node;
            if !fields.fields.iter().any(|field| field.name == "signature") {
                message = cheat::sign(node, &handle, message)
                    .map_err(|error| failed(Some(send.from.at), error.to_string()))?;
            }
            let known = cheat::having_sent(node, &handle, &message);
            let name = channel.filter(|_| known != handle).cloned();
            self.channels.extend(name.map(|name| (name, known)));
        }
        Ok(message)
    }

    /// Has a probe fund a channel otherwise than was agreed on: another `funding_created` waits for
    /// the file's word.
    pub(super) fn fund_otherwise(
        &mut self,
        name: &At<ChannelName>,
        with: FundedWith,
    ) -> Result<(), Stop> {
        let handle = self.handle(name)?;
        let Channel { from, to, .. } = self.declared(&name.value)?;
        let agreed = cheat::agreed_funding(self.node(&from.value)?, &handle);
        let Some(agreed) = agreed else {
            let message = format!("{name} waits for no funding_created of {from}");
            return Err(failed(Some(name.at), message));
        };
        let funding = match with {
            FundedWith::Less => cheat::Funding::Less,
            FundedWith::AnotherScript => cheat::Funding::AnotherScript,
            FundedWith::NoOutput => cheat::Funding::NoOutput,
            FundedWith::Coinbase => {
                let mut block = self.sides.main().next_with_coinbase(&agreed);
                self.coinbase = Some(agreed);
                cheat::Funding::Given(block.txdata.remove(0))
            }
        };
        self.take_held(&from.value, &to.value, "funding_created");
        self.act(&from.value, "fund a channel", |node| cheat::fund(node, handle, funding))?;
        Ok(())
    }

    /// The first message of this name that a role holds back for another.
    fn take_held(&mut self, role: &RoleName, to: &RoleName, name: &str) -> Option<Message> {
        let Flow::Held(waiting) = &mut self.cast.get_mut(role)?.flow else { return None };
        let fits =
            |(receiver, message): &(RoleName, Message)| receiver == to && message.name() == name;
        let position = waiting.iter().position(fits)?;
        waiting.remove(position).map(|(_, message)| message)
    }

    /// Has the probe's node make a message, if it is one that follows a command.
    fn make(
        &mut self,
        send: &SendStep,
        to: &RoleName,
        channel: Option<&ChannelName>,
        name: &str,
    ) -> Result<Option<Message>, Stop> {
        let from = &send.from.value;
        let Some(channel) = channel else { return Ok(None) };
        if name == "open_channel" {
            let handle = self.node(from)?.next_channel();
            let declared = self.declared(channel)?;
            self.set_terms(&declared)?;
            let request = self.open_request(&declared, to)?;
            self.channels.insert(channel.clone(), handle);
            self.input(from, "propose a channel", NodeInput::Command(NodeCommand::Open(request)))?;
            return Ok(self.take_held(from, to, name));
        }
        let Some(handle) = self.channels.get(channel).copied() else { return Ok(None) };
        if name == "channel_ready" {
            return Ok(cheat::channel_ready(self.node(from)?, &handle));
        }
        let height = self.sides.chain(self.sides.of(from)).height().0;
        let action: Option<Action> = match name {
            "commitment_signed" => Some(Box::new(move |node| cheat::commit(node, handle))),
            "shutdown" => Some(command(NodeCommand::Close(handle))),
            "update_fee" => {
                let feerate = self.declared(channel)?.feerate.value;
                Some(command(NodeCommand::UpdateFee(handle, feerate)))
            }
            "update_add_htlc" => {
                let offer = unpayable(height);
                Some(Box::new(move |node| cheat::offer(node, handle, offer)))
            }
            _ => None,
        };
        let Some(action) = action else { return Ok(None) };
        // What the reference would not send can be filled in all the same.
        let done = self.cast.get_mut(from).map(|player| action(&mut player.node));
        let Some(Ok(outputs)) = done else { return Ok(None) };
        self.carry_out(from, outputs)?;
        Ok(self.take_held(from, to, name))
    }

    /// A message of this name whose every field is filled in somehow.
    fn filled(
        &self,
        from: &RoleName,
        handle: Option<ChannelHandle>,
        name: &str,
    ) -> Result<Message, Stop> {
        let node = self.node(from)?;
        if name == "init" {
            return Ok(connection::init(node.features()).into());
        }
        let Some(rule) = Message::RULES.iter().find(|rule| rule.name == name) else {
            let unknown = json!({"unknown": {"message_type": 0, "payload": ""}});
            return serde_json::from_value(unknown).map_err(|_| failed(None, name.to_owned()));
        };
        let filled = json!({ rule.name: filling(rule, handle, node) });
        serde_json::from_value(filled)
            .map_err(|error| failed(None, format!("{name} cannot be filled in: {error}")))
    }

    /// What has come to a probe next, compared with what must have.
    pub(super) fn look_at_messages(&mut self, expected: &ExpectMessage) -> Option<String> {
        let probe = match &expected.to {
            Some(to) => to.value.clone(),
            None => self.probes().into_iter().next().unwrap_or(expected.from.value.clone()),
        };
        let from = &expected.from.value;
        let resolved;
        let expected = match &expected.what {
            Expected::Like(fields) => match self.resolved(fields, None) {
                Ok(fields) => {
                    resolved = ExpectMessage { what: Expected::Like(fields), ..expected.clone() };
                    &resolved
                }
                Err(Stop::Failed { message, .. }) => return Some(message),
                Err(Stop::Lab(error)) => return Some(error.to_string()),
            },
            Expected::OneOf(_) | Expected::NoneOf(_) => expected,
        };
        let player = self.cast.get_mut(&probe)?;
        let arrived = &mut player.arrived;
        if let Expected::Like(fields) = &expected.what
            && fields.is_gossip()
        {
            return look_for_gossip(arrived, from, fields);
        }
        let wanted = |arrival: &Arrival, names: &[&str]| {
            let is_named = names.contains(&arrival.what.name());
            arrival.from == *from && (is_named || !arrival.what.is_chatter())
        };
        let names: Vec<&str> = match &expected.what {
            Expected::OneOf(names) => names.clone(),
            Expected::Like(message) => vec![message.name],
            Expected::NoneOf(names) => {
                let is_forbidden = |arrival: &&Arrival| {
                    let listed = names.contains(&arrival.what.name());
                    wanted(arrival, names) && (names.is_empty() || listed)
                };
                let found = arrived.iter().find(is_forbidden);
                return found.map(|arrival| in_words(&arrival.what));
            }
        };
        let position = arrived.iter().position(|arrival| wanted(arrival, &names));
        let next = position.and_then(|position| Some((position, arrived.get(position)?)));
        let Some((position, Arrival { what, .. })) = next else {
            return Some(format!("nothing came from {from}"));
        };
        if !names.contains(&what.name()) {
            return Some(in_words(what));
        }
        let differing = match (&expected.what, what) {
            (Expected::Like(fields), Arrived::Message(message)) => differences(message, fields),
            _ => None,
        };
        // What is not as expected stays the next: looking again, some blocks later, finds it too.
        if differing.is_none() {
            arrived.remove(position);
        }
        differing
    }

    /// Whether a role says what the file has it say.
    pub(super) fn is_probe(&self, role: &RoleName) -> bool {
        self.cast.get(role).is_some_and(|player| player.kind == RoleKind::Probe)
    }

    /// Notes what came to a probe.
    pub(super) fn note_arrival(&mut self, from: &RoleName, to: &RoleName, what: Arrived) {
        if let Some(player) = self.cast.get_mut(to)
            && player.kind == RoleKind::Probe
        {
            player.arrived.push_back(Arrival { from: from.clone(), what });
        }
    }

    pub(super) fn hold_step(&mut self, role: &At<RoleName>) {
        self.hold(&role.value);
        self.tell(Event::Held { role: role.value.clone() });
    }
}

/// Looks for a piece of gossip, which comes in no certain order, among what has come.
fn look_for_gossip(
    arrived: &mut VecDeque<Arrival>,
    from: &RoleName,
    fields: &MessageFields,
) -> Option<String> {
    let mut nearest = format!("no {} came from {from}", fields.name);
    for (position, arrival) in arrived.iter().enumerate() {
        let Arrived::Message(message) = &arrival.what else { continue };
        if arrival.from != *from || message.name() != fields.name {
            continue;
        }
        let Some(differing) = differences(message, fields) else {
            arrived.remove(position);
            return None;
        };
        nearest = differing;
    }
    Some(nearest)
}

type Action = Box<dyn FnOnce(&mut Node) -> Result<Vec<NodeOutput>, NodeError>>;

fn command(command: NodeCommand) -> Action {
    Box::new(move |node| node.step(NodeInput::Command(command)))
}

/// An HTLC that nobody can take, and whose onion nobody can read.
fn unpayable(height: u32) -> HtlcOffer {
    HtlcOffer {
        amount: Msat(1_000_000),
        payment_hash: sha256::Hash::hash(b"nobody knows the preimage"),
        cltv_expiry: CltvExpiry(height.saturating_add(100)),
        onion: OnionPacket(Box::new([0; OnionPacket::LENGTH])),
        path_key: None,
        upstream_expiry: None,
    }
}

/// The id that a message about a channel would have now.
fn channel_id(node: &Node, handle: Option<ChannelHandle>) -> ChannelId {
    let Some(handle) = handle else { return ChannelId::ALL };
    let known = node.channel(&handle).map(|channel| channel.phase.channel_id());
    known.filter(|id| *id != ChannelId::ALL).unwrap_or(handle)
}

/// A value for every field of a message.
fn filling(rule: &MessageRule, handle: Option<ChannelHandle>, node: &Node) -> Value {
    let fields = rule.fields.iter().map(|field| {
        let value = match (field.name, field.kind) {
            ("channel_id", _) => json!(channel_id(node, handle).to_string()),
            ("temporary_channel_id", _) => json!(handle.unwrap_or(ChannelId::ALL).to_string()),
            (_, kind) => plain(kind, node),
        };
        (field.name.to_owned(), value)
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

/// The plainest value of a field.
fn plain(kind: &Kind, node: &Node) -> Value {
    match *kind {
        Kind::Number(_)
        | Kind::Satoshis
        | Kind::SignedSatoshis
        | Kind::Millisatoshis
        | Kind::Feerate
        | Kind::Blocks(_)
        | Kind::Height
        | Kind::ShortChannelId => json!(0),
        Kind::Fixed(length) => json!("00".repeat(length)),
        Kind::Txid => json!("00".repeat(32)),
        Kind::Chain => json!(bitcoin::constants::ChainHash::REGTEST),
        Kind::Point => json!(node.id().to_string()),
        Kind::Signature => serde_json::to_value(signature(1)).unwrap_or_default(),
        Kind::Bytes | Kind::Script | Kind::Features | Kind::ChannelType | Kind::Text => json!(""),
        Kind::Address => json!({"type": "ipv4", "ipv4_addr": "127.0.0.1", "port": 9735}),
        Kind::Present => json!(true),
        Kind::List(_) => json!([]),
        Kind::Compound(parts) => {
            let parts = parts.iter().map(|(name, kind)| ((*name).to_owned(), plain(kind, node)));
            Value::Object(parts.collect())
        }
    }
}

/// A signature in its form that signs nothing here.
fn signature(byte: u8) -> Option<secp256k1::ecdsa::Signature> {
    secp256k1::ecdsa::Signature::from_compact(&[byte; 64]).ok()
}

/// A message with the fields that the file names.
pub(super) fn with_fields(
    message: &Message,
    fields: &MessageFields,
) -> Result<Message, serde_json::Error> {
    let mut whole = serde_json::to_value(message)?;
    if let Some(body) = whole.get_mut(fields.name).and_then(Value::as_object_mut) {
        for NamedField { name, value, .. } in &fields.fields {
            match value {
                FieldValue::Is(value) => drop(body.insert((*name).to_owned(), value.clone())),
                FieldValue::Named(_) => {}
                FieldValue::Absent => drop(body.remove(*name)),
                FieldValue::HighS => {
                    if let Some(value) = body.get_mut(*name) {
                        raise(value);
                    }
                }
                FieldValue::Wrong => {
                    if let Some(value) = body.get_mut(*name) {
                        spoil(value);
                    }
                }
            }
        }
    }
    serde_json::from_value(whole)
}

/// Makes something of a value that has its form and does not fit.
fn spoil(value: &mut Value) {
    match value {
        Value::Array(items) => {
            if let Some(first) = items.first_mut() {
                spoil(first);
            }
        }
        Value::String(text) => {
            let signature_is: Result<secp256k1::ecdsa::Signature, _> =
                serde_json::from_value(json!(text));
            let point_is: Result<secp256k1::PublicKey, _> = text.parse();
            if point_is.is_ok() {
                let other = secp256k1::SecretKey::from_slice(&[7; 32]);
                let other = other.map(|key| key.public_key(secp256k1::SECP256K1));
                *text = other.map_or_else(|_| text.clone(), |point| point.to_string());
            } else if signature_is.is_ok() {
                *value = serde_json::to_value(signature(2)).unwrap_or_default();
            } else if let Some(last) = text.pop() {
                text.push(if last == '0' { '1' } else { '0' });
            }
        }
        _ => {}
    }
}

/// Gives a signature the high one of the two values of s that satisfy the same equation.
fn raise(value: &mut Value) {
    let signature: Result<secp256k1::ecdsa::Signature, _> = serde_json::from_value(value.clone());
    let Ok(signature) = signature else { return };
    let mut compact = signature.serialize_compact();
    let (_, s) = compact.split_at_mut(32);
    let Ok(scalar) = secp256k1::SecretKey::from_slice(s) else { return };
    s.copy_from_slice(&scalar.negate().secret_bytes());
    if let Ok(high) = secp256k1::ecdsa::Signature::from_compact(&compact) {
        *value = serde_json::to_value(high).unwrap_or_default();
    }
}

/// Which of these fields a message has otherwise, in words.
fn differences(message: &Message, fields: &MessageFields) -> Option<String> {
    let whole = serde_json::to_value(message).unwrap_or_default();
    let body = whole.get(fields.name);
    let differing = fields.fields.iter().filter_map(|NamedField { name, value, .. }| {
        let found = body.and_then(|body| body.get(name));
        let fits = match value {
            FieldValue::Is(value) => found == Some(value),
            FieldValue::Absent => found.is_none(),
            FieldValue::Wrong | FieldValue::HighS | FieldValue::Named(_) => false,
        };
        let found = found.map_or_else(|| "absent".to_owned(), Value::to_string);
        (!fits).then(|| format!("{name}: {found}"))
    });
    let differing: Vec<String> = differing.collect();
    (!differing.is_empty()).then(|| format!("{} with {}", fields.name, differing.join(", ")))
}

/// What came, in words.
fn in_words(what: &Arrived) -> String {
    match what {
        Arrived::Message(message) => {
            let details = crate::trace::words::details(message);
            let details = details.map_or(String::new(), |details| format!(" ({details})"));
            format!("{}{details}", message.name())
        }
        Arrived::Garbage => "bytes that are no message".to_owned(),
        Arrived::HangUp => "the end of the connection".to_owned(),
    }
}

//! The node's peers: connections, `init`, and who each message is for. BOLT 1.
//!
//! ```text
//! Connected ------> init ----------------------> peer
//! peer -----------> init ------> peer_storage_retrieval, a channel_reestablish a channel
//! peer -----------> message ---> the connection itself, a channel, the onion
//! Disconnected ---> every channel forgets what was not committed
//! ```

use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use super::{ChannelHandle, Node, NodeError, NodeEvent, NodeOutput, Outputs};
use crate::bolt::channel::{Fault, Input, Phase};
use crate::bolt::connection::{self, Connection, ConnectionViolation, Received};
use crate::bolt::features::{Feature, Features};
use crate::bolt::gossip::Said;
use crate::bolt::wire::messages::{Error, PeerStorageRetrieval, Warning};
use crate::bolt::wire::{Bytes, ChannelId, DecodeError, Message};

/// Somebody that this node is connected to, or was.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    /// The connection, if there is one.
    connection: Option<Connection>,
    /// What both this node and the peer support, by their last `init`.
    negotiated: Features,
    /// What the peer gave us to keep.
    stored: Option<Bytes>,
}

/// Whether messages about a channel may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// There is no connection.
    Down,
    /// We have sent `channel_reestablish`; the peer's is due.
    Reestablishing,
    /// They may.
    Up,
}

/// Something worth telling about a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerEvent {
    /// It broke the protocol, and the connection is closed for it.
    Violation {
        /// The id of the requirement.
        requirement: String,
        /// What was wrong.
        message: String,
    },
}

/// The types of messages that are about a channel: those whose channel is unknown are answered with
/// an `error`. BOLT 1, "The `error` and `warning` Messages".
const ABOUT_CHANNELS: std::ops::RangeInclusive<u16> = 32..=255;

/// What every node offers, unless it is told otherwise: what is built here.
pub fn default_features() -> Features {
    let required = [
        Feature::DATA_LOSS_PROTECT,
        Feature::VAR_ONION_OPTIN,
        Feature::STATIC_REMOTEKEY,
        Feature::PAYMENT_SECRET,
        Feature::CHANNEL_TYPE,
    ];
    let offered = [
        Feature::BASIC_MPP,
        Feature::UPFRONT_SHUTDOWN_SCRIPT,
        Feature::ANCHORS,
        Feature::ROUTE_BLINDING,
        Feature::SHUTDOWN_ANYSEGWIT,
        Feature::ATTRIBUTION_DATA,
        Feature::ONION_MESSAGES,
        Feature::PROVIDE_STORAGE,
    ];
    let demanded = required.into_iter().fold(Features::default(), Features::requiring);
    offered.into_iter().fold(demanded, Features::offering)
}

impl Node {
    /// The secret of the node's id, for the transport that speaks for it. BOLT 8.
    pub fn secret(&self) -> secp256k1::SecretKey {
        self.seed.node_secret()
    }

    /// The features that this node tells its peers of.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// What both this node and a peer support, while they are connected.
    pub fn negotiated(&self, peer: &PublicKey) -> Option<Features> {
        let known = self.peers.get(peer)?;
        known.connection.as_ref()?.features()?;
        Some(known.negotiated.clone())
    }

    /// Whether both sides have sent `init`.
    pub fn is_connected(&self, peer: &PublicKey) -> bool {
        self.negotiated(peer).is_some()
    }

    /// A connection was made, by either side.
    pub(super) fn connect(&mut self, peer: PublicKey) -> Vec<NodeOutput> {
        self.disconnect(&peer);
        self.peers.entry(peer).or_default().connection = Some(Connection::AwaitingInit);
        let message = connection::init(&self.features).into();
        vec![NodeOutput::Send { to: peer, message }]
    }

    /// A connection was lost, or closed by either side.
    pub(super) fn disconnect(&mut self, peer: &PublicKey) {
        let known = self.peers.get_mut(peer);
        if known.and_then(|known| known.connection.take()).is_none() {
            return;
        }
        self.lose_gossip_peer(peer);
        self.lose_flare_peer(peer);
        for channel in self.channels.values_mut().filter(|channel| channel.peer == *peer) {
            // An opening that has published nothing ends with the connection.
            if let Some(funding) = channel.phase.unpublished_funding() {
                self.wallet.release(funding);
            }
            channel.phase = channel.phase.disconnected();
            channel.link = Link::Down;
        }
    }

    /// The peer's `init` has come: what we have kept for it, and what we have of each channel.
    fn greet(&mut self, peer: PublicKey) -> Outputs {
        let mut outputs = Vec::new();
        if let Some(blob) = self.peers.get(&peer).and_then(|known| known.stored.clone()) {
            let message = PeerStorageRetrieval { blob, unknown: Vec::new() }.into();
            outputs.push(NodeOutput::Send { to: peer, message });
        }
        let negotiated = self.negotiated(&peer).unwrap_or_default();
        for channel in self.channels.values_mut().filter(|channel| channel.peer == peer) {
            channel.features = negotiated.clone();
        }
        for handle in self.channels_with(&peer) {
            let Some(channel) = self.channels.get(&handle) else { continue };
            let ours =
                channel.phase.reestablish(&self.context(&channel.secrets, &channel.features))?;
            let Some(channel) = self.channels.get_mut(&handle) else { continue };
            channel.link = if ours.is_some() { Link::Reestablishing } else { Link::Up };
            let message = ours.map(Message::from);
            outputs.extend(message.map(|message| NodeOutput::Send { to: peer, message }));
        }
        outputs.extend(self.greet_gossip(peer));
        outputs.extend(self.greet_flare(peer));
        Ok(outputs)
    }

    pub(super) fn channels_with(&self, peer: &PublicKey) -> Vec<ChannelHandle> {
        let ours = self.channels.iter().filter(|(_, channel)| channel.peer == *peer);
        ours.map(|(handle, _)| *handle).collect()
    }

    /// Takes a message of a peer.
    pub(super) fn receive(&mut self, from: PublicKey, message: &Message) -> Outputs {
        if let Message::Unknown(unknown) = message
            && self.is_connected(&from)
            && let Some(outputs) = self.receive_flare(from, unknown)
        {
            return Ok(outputs);
        }
        let Some(known) = self.peers.get_mut(&from) else { return Ok(Vec::new()) };
        let Some(connection) = &mut known.connection else { return Ok(Vec::new()) };
        match connection.receive(&self.features, message) {
            Ok(Received::Ready(ready)) => {
                let theirs = ready.features().unwrap_or_default();
                *connection = ready;
                known.negotiated = self.features.negotiated(&theirs);
                self.greet(from)
            }
            Ok(Received::Answer(answer)) => {
                let answer = answer.map(|message| NodeOutput::Send { to: from, message });
                Ok(answer.into_iter().collect())
            }
            Ok(Received::Other) => self.receive_other(from, message),
            Err(violation) => Ok(self.hang_up(from, &violation)),
        }
    }

    /// Takes bytes of a peer that are no message of their type.
    pub(super) fn receive_garbage(
        &mut self,
        from: PublicKey,
        message_type: u16,
        error: DecodeError,
    ) -> Vec<NodeOutput> {
        self.hang_up(from, &ConnectionViolation::Undecodable { message_type, error })
    }

    /// Closes a connection, and says why.
    fn hang_up(&mut self, peer: PublicKey, violation: &ConnectionViolation) -> Vec<NodeOutput> {
        let event = PeerEvent::Violation {
            requirement: violation.requirement().to_owned(),
            message: violation.to_string(),
        };
        let warning = Warning::about(ChannelId::ALL, violation.to_string());
        self.disconnect(&peer);
        vec![
            NodeOutput::Event(NodeEvent::Peer { peer, event }),
            NodeOutput::Send { to: peer, message: warning.into() },
            NodeOutput::Disconnect { peer },
        ]
    }

    /// Takes a message that is not about the connection itself.
    fn receive_other(&mut self, from: PublicKey, message: &Message) -> Outputs {
        if let Some(feature) = connection::takes(message)
            && !self.negotiated(&from).is_some_and(|both| both.supports(feature))
        {
            let (message, feature) = (message.name(), feature.name);
            let violation = ConnectionViolation::NotNegotiated { message, feature };
            return Ok(self.hang_up(from, &violation));
        }
        if let Message::OpenChannel(open) = message {
            return self.accept(from, open);
        }
        if let Message::OnionMessage(onion) = message {
            return self.receive_onion(onion);
        }
        if let Message::PeerStorage(storage) = message {
            if let Some(known) = self.peers.get_mut(&from) {
                known.stored = Some(storage.blob.clone());
            }
            return Ok(Vec::new());
        }
        if let Some(said) = Said::of(message) {
            return Ok(self.receive_gossip(from, said));
        }
        let handles = self.handles_of(&from, message);
        let is_about_channel = ABOUT_CHANNELS.contains(&message.message_type());
        if handles.is_empty()
            && is_about_channel
            && let Some(channel_id) = message.channel_id()
        {
            let message = Error::about(channel_id, "there is no such channel").into();
            return Ok(vec![NodeOutput::Send { to: from, message }]);
        }
        let mut outputs = Vec::new();
        for handle in handles {
            outputs.extend(self.receive_about(handle, message)?);
        }
        Ok(outputs)
    }

    /// Takes a message about a channel.
    fn receive_about(&mut self, handle: ChannelHandle, message: &Message) -> Outputs {
        let channel = self.channels.get(&handle).ok_or(NodeError::NoSuchChannel(handle))?;
        let is_closing = matches!(channel.phase, Phase::Closing(_) | Phase::Closed(_));
        let due = channel.link == Link::Reestablishing || is_closing;
        if let Message::ChannelReestablish(theirs) = message
            && due
        {
            let context = self.context(&channel.secrets, &channel.features);
            let step = match channel.phase.receive_reestablish(&context, theirs) {
                Err(Fault::Peer(violation)) => channel.phase.fail(&context, &violation),
                step => step?,
            };
            return self.take_step(handle, step, Link::Up);
        }
        let gives_up = matches!(message, Message::Error(_) | Message::Warning(_));
        let is_reestablish = matches!(message, Message::ChannelReestablish(_));
        if gives_up || channel.link == Link::Up && !is_reestablish {
            return self.step_channel(handle, &Input::Received(message.clone()));
        }
        let violation = ConnectionViolation::NotReestablished { message: message.name() };
        let peer = channel.peer;
        Ok(self.hang_up(peer, &violation))
    }

    /// The channels that a message of this peer is about: one, or with an `error` that names none
    /// all that are still there to be failed. BOLT 1, "The `error` and `warning` Messages".
    fn handles_of(&self, from: &PublicKey, message: &Message) -> Vec<ChannelHandle> {
        if !matches!(message, Message::Error(_)) || message.channel_id() != Some(ChannelId::ALL) {
            return self.handle_of(from, message).into_iter().collect();
        }
        self.channels
            .iter()
            .filter(|(_, channel)| channel.peer == *from)
            .filter(|(_, channel)| !matches!(channel.phase, Phase::Closing(_) | Phase::Closed(_)))
            .map(|(handle, _)| *handle)
            .collect()
    }

    /// The channel that a message of this peer is about.
    fn handle_of(&self, from: &PublicKey, message: &Message) -> Option<ChannelHandle> {
        let id = message.channel_id()?;
        self.channels
            .iter()
            // A closed channel is unknown again.
            .filter(|(_, channel)| {
                channel.peer == *from && !matches!(channel.phase, Phase::Closed(_))
            })
            .find(|(handle, channel)| match channel.phase.commitments() {
                // Nothing is called by its temporary id any more.
                Some(commitments) => commitments.channel_id == id,
                // `funding_signed` brings the id before the opener has commitments.
                None => {
                    **handle == id
                        || matches!(message, Message::FundingSigned(_))
                            && channel.phase.awaits_funding_signed(id)
                }
            })
            .map(|(handle, _)| *handle)
    }
}

//! Onion messages: passed on, read, answered. BOLT 4, "Onion Messages".

use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use super::blinded::for_message;
use super::{Node, NodeEvent, NodeOutput, Outputs};
use crate::bolt::onion::message::{self, NextPeer, OnionMessagePayload, Received};
use crate::bolt::onion::{
    BlindedHop, BlindedPath, EncryptedData, Joined, NodeOrChannel, Packet, blind,
    blinded_node_secret,
};
use crate::bolt::units::Msat;
use crate::bolt::wire::Bytes;
use crate::bolt::wire::messages::OnionMessage;

/// Something worth telling about an onion message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEvent {
    /// It was passed on.
    PassedOn {
        /// To this peer.
        to: PublicKey,
    },
    /// Nothing was done with it.
    Ignored {
        /// Why.
        reason: String,
    },
    /// Somebody asks for an invoice.
    Requested {
        /// Over how much.
        amount: Msat,
    },
    /// The invoice that was asked for has come.
    Invoiced {
        /// Over how much.
        amount: Msat,
    },
    /// There is no invoice: the issuer says why.
    NoInvoice {
        /// In its words.
        error: String,
    },
}

/// An onion message that is for this node.
pub(super) struct Letter {
    pub(super) payload: OnionMessagePayload,
    /// What this node wrote into the path over which it came.
    pub(super) path_id: Option<Bytes>,
    /// The key that came with it.
    pub(super) path_key: PublicKey,
}

impl Node {
    /// Passes an onion message on, or reads it.
    pub(super) fn receive_onion(&mut self, message: &OnionMessage) -> Outputs {
        let secret = self.seed.node_secret();
        let Ok(packet) = Packet::from_bytes(&message.onion_message_packet.0) else {
            return Ok(ignored("too short for a packet"));
        };
        match message::peel(&packet, &message.path_key, &secret) {
            Received::Forward { next, packet, path_key } => {
                Ok(self.pass_on(next, &packet, path_key))
            }
            Received::Final { payload, path_id } => {
                let path_key = message.path_key;
                self.read(&Letter { payload: *payload, path_id, path_key })
            }
            Received::Ignored(reason) => Ok(ignored(&reason.to_string())),
        }
    }

    fn pass_on(&self, next: NextPeer, packet: &Packet, path_key: PublicKey) -> Vec<NodeOutput> {
        let peer = match next {
            NextPeer::Node(id) => self.is_peer(&id).then_some(id),
            NextPeer::Channel(id) => {
                let mut channels = self.channels.values();
                let found = channels.find(|c| c.phase.goes_by(id));
                found.map(|channel| channel.peer)
            }
        };
        let Some(to) = peer else { return ignored("the next hop is no peer") };
        let onion_message_packet = Bytes(packet.to_bytes());
        let message = OnionMessage { path_key, onion_message_packet, unknown: Vec::new() };
        vec![tell(MessageEvent::PassedOn { to }), NodeOutput::Send { to, message: message.into() }]
    }

    pub(super) fn is_peer(&self, id: &PublicKey) -> bool {
        self.channels.values().any(|channel| channel.peer == *id)
    }

    /// Sends a letter over these nodes to the introduction of a blinded path, and along it. The last
    /// of the nodes is the introduction; the first is a peer. Nothing is sent if that cannot be.
    pub(super) fn post(
        &mut self,
        over: &[PublicKey],
        path: &BlindedPath,
        payload: &OnionMessagePayload,
    ) -> Vec<NodeOutput> {
        let Some((to, _)) = over.split_first() else { return ignored("there is no way to it") };
        if !self.is_peer(to) {
            return ignored("the first hop is no peer");
        }
        let joined = self.joined(over, path);
        let key = self.fresh_key();
        let sent = joined.and_then(|(path_key, hops)| {
            let packet = message::construct(&key, &hops, payload).ok()?.packet;
            let onion_message_packet = Bytes(packet.to_bytes());
            Some(OnionMessage { path_key, onion_message_packet, unknown: Vec::new() })
        });
        match sent {
            Some(message) => vec![NodeOutput::Send { to: *to, message: message.into() }],
            None => ignored("it does not fit"),
        }
    }

    /// The hops over these nodes, and then along the path: this node blinds those before the path,
    /// and the last of them learns the path's key.
    fn joined(
        &mut self,
        over: &[PublicKey],
        path: &BlindedPath,
    ) -> Option<(PublicKey, Vec<BlindedHop>)> {
        let (introduction, before) = over.split_last()?;
        let count = before.len();
        if count == 0 {
            return Some((path.first_path_key, path.path.clone()));
        }
        let hops: Vec<(PublicKey, Joined<EncryptedData>)> = (1..)
            .zip(before.iter().zip(over.iter().skip(1)))
            .map(|(number, (node, next))| {
                let last = number == count;
                let data = EncryptedData {
                    next_node_id: Some(if last { *introduction } else { *next }),
                    next_path_key_override: last.then_some(path.first_path_key),
                    ..EncryptedData::default()
                };
                (*node, Joined { data, next_path_secret: None })
            })
            .collect();
        let first = blind(&self.fresh_key(), &hops).ok()?;
        Some((first.first_path_key, first.path.into_iter().chain(path.path.clone()).collect()))
    }

    /// A letter to a node that has no blinded path: this node blinds all of the way.
    pub(super) fn post_to(
        &mut self,
        over: &[PublicKey],
        payload: &OnionMessagePayload,
    ) -> Vec<NodeOutput> {
        match for_message(&self.fresh_key(), over, None) {
            Ok(path) => {
                let first: Vec<PublicKey> = over.first().copied().into_iter().collect();
                self.post(&first, &path, payload)
            }
            Err(_) => ignored("there is no way to it"),
        }
    }

    /// The id that this node has at the end of a path over which a letter came.
    pub(super) fn id_on_path(&self, path_key: &PublicKey) -> Option<PublicKey> {
        let secret = blinded_node_secret(&self.seed.node_secret(), path_key).ok()?;
        Some(secret.public_key(secp256k1::SECP256K1))
    }
}

/// The node at which a path begins, if it is named by its id.
pub(super) fn introduction(path: &BlindedPath) -> Option<PublicKey> {
    match path.first_node_id {
        NodeOrChannel::Node(id) => Some(id),
        NodeOrChannel::FirstOf(_) | NodeOrChannel::SecondOf(_) => None,
    }
}

pub(super) fn tell(event: MessageEvent) -> NodeOutput {
    NodeOutput::Event(NodeEvent::Message(event))
}

pub(super) fn ignored(reason: &str) -> Vec<NodeOutput> {
    vec![tell(MessageEvent::Ignored { reason: reason.to_owned() })]
}

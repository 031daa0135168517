//! An onion, explained.

use secp256k1::{PublicKey, SECP256K1, SecretKey};
use serde::Serialize;

use super::parse::Given;
use crate::bolt::onion::{
    Blinding, EncryptedData, OnionMessagePayload, Packet, Payload, PeelError, Peeled, SharedSecret,
    peel,
};
use crate::bolt::wire::{Bytes, OnionPacket};

/// All that can be told about an onion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What it is for.
    pub kind: Kind,
    /// How many bytes it has.
    pub length: usize,
    /// What anybody sees of it.
    pub header: Header,
    /// What was peeled off, the outermost layer first.
    pub layers: Vec<Layer>,
    /// Why it ends there.
    pub end: End,
}

/// What an onion is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A payment.
    Payment,
    /// A message.
    Message,
    /// One or the other: both can have this length.
    Unknown,
}

/// What anybody sees of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Header {
    /// Its version.
    pub version: u8,
    /// The sender's key for whoever reads it next.
    pub public_key: Bytes,
    /// How many bytes of payloads it has.
    pub hop_payloads_length: usize,
    /// What authenticates them.
    pub hmac: Bytes,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// Which of the given keys fits; they count from 1.
    pub key: usize,
    /// The id of its node.
    pub node_id: PublicKey,
    /// The path key that blinds the id, on a blinded path.
    pub path_key: Option<PublicKey>,
    /// What the node shares with the sender.
    pub shared_secret: SharedSecret,
    /// What it is told, in bytes.
    pub payload: Bytes,
    /// What it is told.
    pub content: Content,
    /// What it sends on; nothing from the last hop.
    pub next: Option<Header>,
}

/// What a hop is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Of a payment.
    Payment {
        /// By the payer.
        fields: Box<Payload>,
        /// By the creator of a blinded path.
        recipient: Recipient,
    },
    /// Of a message.
    Message {
        /// By the sender.
        fields: Box<OnionMessagePayload>,
        /// By the creator of the path.
        recipient: Recipient,
    },
    /// Nothing that can be read.
    Malformed(String),
}

/// What the creator of a blinded path tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// Nothing: this is no hop of a blinded path.
    Nothing,
    /// This.
    Told {
        /// The fields.
        fields: Box<EncryptedData>,
        /// What the hop gives to the next beside the onion.
        next_path_key: PublicKey,
    },
    /// It cannot be decrypted without the path key.
    PathKeyMissing,
    /// It cannot be read.
    Unreadable(String),
}

/// Why nothing more was peeled off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It was the last layer.
    Last,
    /// No key was given.
    NoKeys,
    /// None of the keys fits, or the associated data or the path key is another one.
    NoKeyFits {
        /// Whether a payment hash was given.
        with_payment_hash: bool,
        /// Whether a path key was known.
        with_path_key: bool,
    },
    /// A version that is not known.
    Version(u8),
    /// The public key is none.
    PublicKey,
    /// The HMAC fits this key, but the payload is broken: whoever made the onion did it wrong.
    Broken {
        /// Which of the keys.
        key: usize,
        /// Why, in words.
        reason: String,
    },
}

/// Explains an onion with what is given.
pub fn explain(given: &Given) -> Explanation {
    let mut packet = given.packet.clone();
    let mut path_key = given.path_key;
    let length = packet.to_bytes().len();
    let mut kind = match length {
        _ if given.is_message => Kind::Message,
        OnionPacket::LENGTH if given.payment_hash.is_some() => Kind::Payment,
        OnionPacket::LENGTH => Kind::Unknown,
        _ => Kind::Message,
    };
    let header = header(&packet);
    let mut layers = Vec::new();
    let end = loop {
        let Opened { key, node_secret, blinding, peeled } = match open(given, &packet, path_key) {
            Ok(opened) => opened,
            Err(end) => break end,
        };
        let content = content(&peeled.payload, &node_secret, blinding.as_ref(), &mut kind);
        let blinded = blinding.and(path_key);
        path_key = match &content {
            Content::Payment { recipient: Recipient::Told { next_path_key, .. }, .. }
            | Content::Message { recipient: Recipient::Told { next_path_key, .. }, .. } => {
                Some(*next_path_key)
            }
            Content::Payment { .. } | Content::Message { .. } | Content::Malformed(_) => None,
        };
        layers.push(Layer {
            key,
            node_id: node_secret.public_key(SECP256K1),
            path_key: blinded,
            shared_secret: peeled.shared_secret,
            payload: Bytes(peeled.payload),
            content,
            next: peeled.next.as_ref().map(self::header),
        });
        match peeled.next {
            Some(next) => packet = next,
            None => break End::Last,
        }
    };
    Explanation { kind, length, header, layers, end }
}

fn header(packet: &Packet) -> Header {
    Header {
        version: packet.version,
        public_key: Bytes(packet.public_key.to_vec()),
        hop_payloads_length: packet.hop_payloads.len(),
        hmac: Bytes(packet.hmac.to_vec()),
    }
}

/// A key that fits, and what it opens.
struct Opened {
    key: usize,
    node_secret: SecretKey,
    /// If it fits only blinded.
    blinding: Option<Blinding>,
    peeled: Peeled,
}

/// Tries each key, as it is and blinded, with the payment hash and without.
fn open(given: &Given, packet: &Packet, path_key: Option<PublicKey>) -> Result<Opened, End> {
    let hash = given.payment_hash.as_ref().map(AsRef::<[u8]>::as_ref);
    let mut end = match given.keys.as_slice() {
        [] => End::NoKeys,
        _ => {
            End::NoKeyFits { with_payment_hash: hash.is_some(), with_path_key: path_key.is_some() }
        }
    };
    if packet.version != 0 {
        return Err(End::Version(packet.version));
    }
    if PublicKey::from_slice(&packet.public_key).is_err() {
        return Err(End::PublicKey);
    }
    for (key, node_secret) in (1..).zip(&given.keys) {
        let blinding = path_key.and_then(|path_key| Blinding::new(node_secret, &path_key).ok());
        let blinded = blinding.map(|blinding| (blinding.node_secret, Some(blinding)));
        for (secret, blinding) in [Some((*node_secret, None)), blinded].into_iter().flatten() {
            for data in hash.into_iter().chain([&[][..]]) {
                match peel(packet, &secret, data) {
                    Ok(peeled) => {
                        return Ok(Opened { key, node_secret: *node_secret, blinding, peeled });
                    }
                    Err(PeelError::Hmac) => {}
                    Err(error) => end = End::Broken { key, reason: error.to_string() },
                }
            }
        }
    }
    Err(end)
}

/// What a hop is told. The first payload that can be read settles what the onion is for.
fn content(
    payload: &[u8],
    node_secret: &SecretKey,
    blinding: Option<&Blinding>,
    kind: &mut Kind,
) -> Content {
    let payment = Payload::decode(payload);
    let message = OnionMessagePayload::decode(payload);
    if *kind == Kind::Unknown {
        // Each hop of a message is blinded; a payment's payload has no such record at that place.
        let is_message = blinding.is_some()
            && message.as_ref().is_ok_and(|fields| fields.encrypted_recipient_data.is_some())
            && payment.as_ref().map_or(true, |fields| fields.encrypted_recipient_data.is_none());
        *kind = if is_message { Kind::Message } else { Kind::Payment };
    }
    match (*kind, payment, message) {
        (Kind::Message, _, Ok(fields)) => {
            let encrypted = fields.encrypted_recipient_data.as_ref();
            let recipient = recipient(encrypted, blinding.copied());
            Content::Message { fields: Box::new(fields), recipient }
        }
        (Kind::Payment | Kind::Unknown, Ok(fields), _) => {
            let current = || Blinding::new(node_secret, &fields.current_path_key?).ok();
            let blinding = blinding.copied().or_else(current);
            let recipient = recipient(fields.encrypted_recipient_data.as_ref(), blinding);
            Content::Payment { fields: Box::new(fields), recipient }
        }
        (Kind::Message, _, Err(error)) | (Kind::Payment | Kind::Unknown, Err(error), _) => {
            Content::Malformed(error.to_string())
        }
    }
}

fn recipient(encrypted: Option<&Bytes>, blinding: Option<Blinding>) -> Recipient {
    let Some(encrypted) = encrypted else { return Recipient::Nothing };
    let Some(blinding) = blinding else { return Recipient::PathKeyMissing };
    match blinding.open(&encrypted.0) {
        Ok(opened) => {
            Recipient::Told { fields: Box::new(opened.data), next_path_key: opened.next_path_key }
        }
        Err(error) => Recipient::Unreadable(error.to_string()),
    }
}

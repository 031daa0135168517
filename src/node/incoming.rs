//! Reads what the onion of an incoming HTLC says. BOLT 4, "Onion Decryption", "`payload` format"
//! and "Route Blinding".
//!
//! ```text
//! update_add_htlc -> peel -> payload -> (blinded) encrypted data -> Instruction: forward, or receive
//!                      |        |              |
//!                      +--------+--------------+--> Refusal
//! ```
//!
//! Whether the node can do what it is told is not looked at here; see `forwarding` and `invoices`.

use bitcoin::hashes::{Hash, sha256};
use secp256k1::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};

use crate::bolt::features::Features;
use crate::bolt::onion::blinding::{self, Unblinded};
use crate::bolt::onion::failure::{Failure, RecordType};
use crate::bolt::onion::keys::SharedSecret;
use crate::bolt::onion::sphinx::{self, Packet, PeelError};
use crate::bolt::onion::{EncryptedData, Payload, PaymentRelay};
use crate::bolt::units::{CltvExpiry, Msat};
use crate::bolt::wire::tlv::{TlvError, records};
use crate::bolt::wire::{Bytes, OnionPacket, PaymentPreimage, PaymentSecret, ShortChannelId};

/// An HTLC that a peer offered, as far as reading its onion goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offered<'a> {
    /// Its amount.
    pub amount: Msat,
    /// When it times out.
    pub cltv_expiry: CltvExpiry,
    /// Its hash, which the onion commits to.
    pub payment_hash: sha256::Hash,
    /// The onion.
    pub onion: &'a OnionPacket,
    /// The `path_key` that came with it, inside a blinded path.
    pub path_key: Option<PublicKey>,
}

/// What a node is told to do with an HTLC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    /// Pass it on.
    Forward(Forward),
    /// It is for this node.
    Receive(Receive),
}

/// Where an HTLC is to go, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forward {
    /// The next hop.
    pub next: NextHop,
    /// The amount of the outgoing HTLC.
    pub amount: Msat,
    /// When the outgoing HTLC times out.
    pub cltv_expiry: CltvExpiry,
    /// The packet for the next hop.
    pub packet: OnionPacket,
    /// What unblinds it there, inside a blinded path.
    pub path_key: Option<PublicKey>,
    /// What the creator of the blinded path lets this node charge.
    pub relay: Option<PaymentRelay>,
}

/// By what a hop knows the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextHop {
    /// One of its channels.
    Channel(ShortChannelId),
    /// A node, inside a blinded path.
    Node(PublicKey),
}

/// What the last node is told of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Receive {
    /// What this HTLC should bring at least.
    pub amt_to_forward: Msat,
    /// When it should time out at the earliest.
    pub outgoing_cltv_value: CltvExpiry,
    /// The whole payment, of which this HTLC may be a part.
    pub total: Msat,
    /// What proves that the payer has the invoice.
    pub proof: Proof,
    /// What the invoice asked to send along.
    pub payment_metadata: Option<Bytes>,
}

/// What entitles a payer to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing.
    None,
    /// The invoice's `payment_secret`.
    Secret(PaymentSecret),
    /// The `path_id` of a blinded path of this node's own.
    Path(Option<Bytes>),
    /// The preimage itself. bLIP 3.
    Keysend(PaymentPreimage),
}

/// Where this node is seen from a blinded path: it decides how failures are told. BOLT 4, "Failure
/// Messages".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BlindedRole {
    /// Not on one, or at the end of one that begins here too.
    Outside,
    /// It is the first node of one.
    Introduction,
    /// It is on one, and not the first.
    Inside,
}

/// One layer of an onion, as the node that it is for sees it. This is all that the node learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// What the payer says.
    pub payload: Box<Payload>,
    /// What the creator of a blinded path says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<Box<EncryptedData>>,
    /// Whether there is no further layer.
    pub last: bool,
}

/// What reading an onion gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// With which this node and the payer encrypt failures; `None` if the packet could not be
    /// opened at all.
    pub shared_secret: Option<SharedSecret>,
    /// How failures are told.
    pub blinded: BlindedRole,
    /// The layers that this node could read: one, and dummy ones of a blinded path.
    pub layers: Vec<Layer>,
    /// What to do, or why that cannot be known.
    pub instruction: Result<Instruction, Failure>,
}

/// Reads the onion of an HTLC.
pub(super) fn read(node_secret: &SecretKey, offered: &Offered<'_>) -> Reading {
    let inside = offered.path_key.is_some();
    let mut reading = Reading {
        shared_secret: None,
        blinded: if inside { BlindedRole::Inside } else { BlindedRole::Outside },
        layers: Vec::new(),
        instruction: Err(Failure::TemporaryNodeFailure {}),
    };
    reading.instruction = reading.follow(node_secret, offered);
    reading
}

impl Reading {
    fn follow(
        &mut self,
        node_secret: &SecretKey,
        offered: &Offered<'_>,
    ) -> Result<Instruction, Failure> {
        let sha256_of_onion = sha256::Hash::hash(&offered.onion.0[..]);
        let mut packet = Packet::from(offered.onion);
        let mut hop =
            Hop { amount: offered.amount, expiry: offered.cltv_expiry, path_key: offered.path_key };
        let own_id = node_secret.public_key(secp256k1::SECP256K1);
        loop {
            let secret = match &hop.path_key {
                Some(path_key) => blinding::blinded_node_secret(node_secret, path_key)
                    .map_err(|_| Failure::InvalidOnionBlinding { sha256_of_onion })?,
                None => *node_secret,
            };
            let peeled = sphinx::peel(&packet, &secret, offered.payment_hash.as_ref());
            let peeled = peeled.map_err(|error| {
                self.shared_secret =
                    self.shared_secret.or_else(|| opened(&packet, &secret, &error));
                error.failure(sha256_of_onion)
            })?;
            self.shared_secret.get_or_insert(peeled.shared_secret);
            let last = peeled.next.is_none();
            if self.blinded == BlindedRole::Outside && !last && begins_path(&peeled.payload) {
                self.blinded = BlindedRole::Introduction;
            }
            let payload = Payload::decode(&peeled.payload).map_err(|error| invalid(&error))?;
            let unblinded = unblind(node_secret, &payload, &hop)?;
            self.layers.push(Layer {
                payload: Box::new(payload.clone()),
                encrypted: unblinded.as_ref().map(|unblinded| Box::new(unblinded.data.clone())),
                last,
            });
            let Some(next) = peeled.next else {
                let data = unblinded.as_ref().map(|unblinded| &unblinded.data);
                return receive(payload, data, &hop).map(Instruction::Receive);
            };
            let forward = match unblinded {
                None => plain_forward(&payload, &next)?,
                Some(unblinded) => blinded_forward(&payload, &unblinded, &hop, &next)?,
            };
            // A dummy hop: the next layer is for this node too.
            if forward.next != NextHop::Node(own_id) {
                return Ok(Instruction::Forward(forward));
            }
            hop = Hop {
                amount: forward.amount,
                expiry: forward.cltv_expiry,
                path_key: forward.path_key,
            };
            packet = next;
        }
    }
}

/// An HTLC as one layer has it; behind a dummy hop, as if it had been forwarded.
struct Hop {
    amount: Msat,
    expiry: CltvExpiry,
    path_key: Option<PublicKey>,
}

/// Whether a payload has a `current_path_key`, readable or not, as far as it is a stream of records.
fn begins_path(payload: &[u8]) -> bool {
    let mut known = records(payload).map_while(Result::ok);
    known.any(|record| record.number == CURRENT_PATH_KEY)
}

/// The shared secret, if the packet was the payer's and only its payload is wrong: then the payer
/// can be told.
fn opened(packet: &Packet, secret: &SecretKey, error: &PeelError) -> Option<SharedSecret> {
    let public_key = PublicKey::from_slice(&packet.public_key).ok()?;
    let readable = !error.failure(sha256::Hash::all_zeros()).is_bad_onion();
    readable.then(|| SharedSecret::new(&public_key, secret))
}

fn invalid(error: &TlvError) -> Failure {
    let offset = u16::try_from(error.offset).unwrap_or(u16::MAX);
    Failure::InvalidOnionPayload { tlv_type: RecordType(error.record.unwrap_or_default()), offset }
}

/// A record that must be there, or must not.
fn at(record: u64) -> Failure {
    Failure::InvalidOnionPayload { tlv_type: RecordType(record), offset: 0 }
}

const AMT_TO_FORWARD: u64 = 2;
const OUTGOING_CLTV_VALUE: u64 = 4;
const SHORT_CHANNEL_ID: u64 = 6;
const ENCRYPTED_RECIPIENT_DATA: u64 = 10;
const CURRENT_PATH_KEY: u64 = 12;
const TOTAL_AMOUNT_MSAT: u64 = 18;

/// Decrypts what the creator of a blinded path says, if the layer is on one, and checks what holds
/// for all of its nodes.
fn unblind(
    node_secret: &SecretKey,
    payload: &Payload,
    hop: &Hop,
) -> Result<Option<Unblinded>, Failure> {
    let Some(encrypted) = &payload.encrypted_recipient_data else {
        // Outside of a blinded path there is no key for one.
        let key = hop.path_key.is_some() || payload.current_path_key.is_some();
        return if key { Err(at(ENCRYPTED_RECIPIENT_DATA)) } else { Ok(None) };
    };
    // One of the two, and not both.
    let ((Some(path_key), None) | (None, Some(path_key))) =
        (hop.path_key, payload.current_path_key)
    else {
        return Err(at(CURRENT_PATH_KEY));
    };
    let unblinded = blinding::unblind(node_secret, &path_key, &encrypted.0)
        .map_err(|_| at(ENCRYPTED_RECIPIENT_DATA))?;
    let data = &unblinded.data;
    let constrained = data.payment_constraints.is_none_or(|constraints| {
        hop.expiry <= constraints.max_cltv_expiry && hop.amount >= constraints.htlc_minimum_msat
    });
    // No feature is known that a payment could use.
    let featured = data.allowed_features.as_ref().is_none_or(Features::is_empty);
    let ambiguous = data.short_channel_id.is_some() && data.next_node_id.is_some();
    if constrained && featured && !ambiguous {
        Ok(Some(unblinded))
    } else {
        Err(at(ENCRYPTED_RECIPIENT_DATA))
    }
}

fn plain_forward(payload: &Payload, next: &Packet) -> Result<Forward, Failure> {
    let amount = payload.amt_to_forward.ok_or(at(AMT_TO_FORWARD))?;
    let cltv_expiry = payload.outgoing_cltv_value.ok_or(at(OUTGOING_CLTV_VALUE))?;
    let channel = payload.short_channel_id.ok_or(at(SHORT_CHANNEL_ID))?;
    Ok(Forward {
        next: NextHop::Channel(channel),
        amount,
        cltv_expiry,
        packet: onion(next)?,
        path_key: None,
        relay: None,
    })
}

fn blinded_forward(
    payload: &Payload,
    unblinded: &Unblinded,
    hop: &Hop,
    next: &Packet,
) -> Result<Forward, Failure> {
    let allowed = Payload {
        encrypted_recipient_data: payload.encrypted_recipient_data.clone(),
        current_path_key: payload.current_path_key,
        ..Payload::default()
    };
    let wrong = at(ENCRYPTED_RECIPIENT_DATA);
    if *payload != allowed {
        return Err(wrong);
    }
    let EncryptedData { short_channel_id, next_node_id, payment_relay, .. } =
        unblinded.data.clone();
    let channel = short_channel_id.map(NextHop::Channel);
    let next_hop = channel.or(next_node_id.map(NextHop::Node)).ok_or(wrong.clone())?;
    let relay = payment_relay.ok_or(wrong.clone())?;
    let amount = blinding::amt_to_forward(&relay, hop.amount).ok_or(wrong.clone())?;
    let cltv_expiry = hop.expiry.checked_sub(relay.cltv_expiry_delta).ok_or(wrong)?;
    Ok(Forward {
        next: next_hop,
        amount,
        cltv_expiry,
        packet: onion(next)?,
        path_key: Some(unblinded.next_path_key),
        relay: Some(relay),
    })
}

/// A packet of the size that a payment's has: the incoming one was.
fn onion(packet: &Packet) -> Result<OnionPacket, Failure> {
    OnionPacket::try_from(packet).map_err(|_| Failure::TemporaryNodeFailure {})
}

fn receive(
    payload: Payload,
    blinded: Option<&EncryptedData>,
    hop: &Hop,
) -> Result<Receive, Failure> {
    let amt_to_forward = payload.amt_to_forward.ok_or(at(AMT_TO_FORWARD))?;
    let outgoing_cltv_value = payload.outgoing_cltv_value.ok_or(at(OUTGOING_CLTV_VALUE))?;
    let (total, proof) = match blinded {
        Some(data) => {
            let total = payload.total_amount_msat.ok_or(at(TOTAL_AMOUNT_MSAT))?;
            let allowed = Payload {
                encrypted_recipient_data: payload.encrypted_recipient_data.clone(),
                current_path_key: payload.current_path_key,
                amt_to_forward: payload.amt_to_forward,
                outgoing_cltv_value: payload.outgoing_cltv_value,
                total_amount_msat: payload.total_amount_msat,
                ..Payload::default()
            };
            if payload != allowed {
                return Err(at(ENCRYPTED_RECIPIENT_DATA));
            }
            (total, Proof::Path(data.path_id.clone()))
        }
        None => match (payload.payment_data, payload.keysend_preimage) {
            (Some(data), _) => (data.total_msat, Proof::Secret(data.payment_secret)),
            (None, Some(preimage)) => (amt_to_forward, Proof::Keysend(preimage)),
            (None, None) => (amt_to_forward, Proof::None),
        },
    };
    if hop.expiry < outgoing_cltv_value {
        return Err(Failure::FinalIncorrectCltvExpiry { cltv_expiry: hop.expiry });
    }
    if hop.amount < amt_to_forward {
        return Err(Failure::FinalIncorrectHtlcAmount { incoming_htlc_amt: hop.amount });
    }
    let payment_metadata = payload.payment_metadata;
    Ok(Receive { amt_to_forward, outgoing_cltv_value, total, proof, payment_metadata })
}

//! What is signed of an announcement, and by whom.

use bitcoin::hashes::{Hash, sha256d};
use secp256k1::ecdsa::Signature;
use secp256k1::{Message as Digest, PublicKey, SECP256K1, SecretKey};
use serde::Deserialize;

use super::{Refused, Test};
use crate::bolt::wire::messages::ChannelAnnouncement;
use crate::bolt::wire::{Message, UncheckedPoint};
use crate::vector::{check::Checks, hex::Hex};

/// The secrets of both ends of a channel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    node_secret_1: SecretKey,
    node_secret_2: SecretKey,
    bitcoin_secret_1: SecretKey,
    bitcoin_secret_2: SecretKey,
}

/// Which end of the channel sent `announcement_signatures`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum From {
    #[serde(rename = "node_1")]
    First,
    #[serde(rename = "node_2")]
    Second,
}

/// A signature of a message: its field, whose it must be, and who makes it here.
struct Signed<'a> {
    field: &'static str,
    signature: Signature,
    key: PublicKey,
    secret: &'a SecretKey,
}

/// The bytes of a signature.
const SIGNATURE: usize = 64;

/// Compares what is signed, verifies each signature, and makes it anew.
pub(super) fn check(
    keys: Option<&Keys>,
    test: &Test,
    message: &Message,
    checks: &mut Checks,
) -> Option<Refused> {
    let bytes = &test.message.0;
    let signed = match message {
        Message::ChannelAnnouncement(_) => Some(&bytes[2 + 4 * SIGNATURE..]),
        Message::NodeAnnouncement(_) | Message::ChannelUpdate(_) => Some(&bytes[2 + SIGNATURE..]),
        Message::AnnouncementSignatures(_) => test.signed.as_ref().map(|signed| &signed.0[..]),
        _ => None,
    };
    let hash = signed.map(|signed| sha256d::Hash::hash(signed).to_byte_array());
    let nothing = Hex(Vec::new());
    let wanted = test.expected.sha256d.as_ref().unwrap_or(&nothing);
    checks.bytes("expected.sha256d", wanted, hash.as_ref().map_or(&[], |hash| &hash[..]));
    let (Some(hash), Some(keys)) = (hash, keys) else { return None };
    let digest = Digest::from_digest(hash);
    if let Some(refused) = wrong_key(message) {
        return Some(refused);
    }
    let wrong = name_of_wrong_signature(message);
    for Signed { field, signature, key, secret } in signatures(keys, test.from, message) {
        if SECP256K1.verify_ecdsa(&digest, &signature, &key).is_err() {
            return Some(Refused { name: wrong, field });
        }
        let ours = SECP256K1.sign_ecdsa(&digest, secret).serialize_compact();
        checks.bytes(field, &Hex(signature.serialize_compact().to_vec()), &ours);
    }
    None
}

fn name_of_wrong_signature(message: &Message) -> &'static str {
    match message {
        Message::NodeAnnouncement(_) => "Refusal::WrongNodeSignature",
        Message::ChannelUpdate(_) => "Refusal::WrongUpdateSignature",
        _ => "Refusal::WrongSignature",
    }
}

/// The signatures, in the order that they are looked at. A message that names its keys is verified
/// by them.
fn signatures<'a>(keys: &'a Keys, from: Option<From>, message: &Message) -> Vec<Signed<'a>> {
    let by = |field, signature, secret: &'a SecretKey| {
        let key = secret.public_key(SECP256K1);
        Signed { field, signature, key, secret }
    };
    let named = |field, signature, point: UncheckedPoint, secret: &'a SecretKey| {
        let key = PublicKey::from_slice(&point.0);
        Signed { field, signature, key: key.unwrap_or(secret.public_key(SECP256K1)), secret }
    };
    let [node_1, node_2] = [&keys.node_secret_1, &keys.node_secret_2];
    let [bitcoin_1, bitcoin_2] = [&keys.bitcoin_secret_1, &keys.bitcoin_secret_2];
    match message {
        Message::ChannelAnnouncement(all) => vec![
            named("node_signature_1", all.node_signature_1, all.node_id_1, node_1),
            named("node_signature_2", all.node_signature_2, all.node_id_2, node_2),
            named("bitcoin_signature_1", all.bitcoin_signature_1, all.bitcoin_key_1, bitcoin_1),
            named("bitcoin_signature_2", all.bitcoin_signature_2, all.bitcoin_key_2, bitcoin_2),
        ],
        Message::NodeAnnouncement(node) => {
            vec![named("signature", node.signature, node.node_id, node_1)]
        }
        // The lowest bit of the flags is the direction.
        Message::ChannelUpdate(update) => {
            let node = if update.channel_flags & 1 == 0 { node_1 } else { node_2 };
            vec![by("signature", update.signature, node)]
        }
        Message::AnnouncementSignatures(half) => {
            let (node, bitcoin) = match from {
                Some(From::Second) => (node_2, bitcoin_2),
                Some(From::First) | None => (node_1, bitcoin_1),
            };
            vec![
                by("node_signature", half.node_signature, node),
                by("bitcoin_signature", half.bitcoin_signature, bitcoin),
            ]
        }
        _ => Vec::new(),
    }
}

/// The first key that is no point, or ids in the wrong order.
fn wrong_key(message: &Message) -> Option<Refused> {
    let is_wrong = |point: &UncheckedPoint| PublicKey::from_slice(&point.0).is_err();
    match message {
        Message::NodeAnnouncement(node) => is_wrong(&node.node_id)
            .then_some(Refused { name: "Refusal::InvalidNodeId", field: "node_id" }),
        Message::ChannelAnnouncement(all) => {
            let field = points(all).into_iter().find(|(_, point)| is_wrong(point));
            let invalid = field.map(|(field, _)| Refused { name: "Refusal::InvalidKey", field });
            let descending = all.node_id_1 >= all.node_id_2;
            let order = Refused { name: "Refusal::NodeIdOrder", field: "node_id_2" };
            invalid.or(descending.then_some(order))
        }
        _ => None,
    }
}

fn points(all: &ChannelAnnouncement) -> [(&'static str, UncheckedPoint); 4] {
    [
        ("node_id_1", all.node_id_1),
        ("node_id_2", all.node_id_2),
        ("bitcoin_key_1", all.bitcoin_key_1),
        ("bitcoin_key_2", all.bitcoin_key_2),
    ]
}

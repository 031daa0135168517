//! Onion messages, as they go from node to node.

use secp256k1::{PublicKey, SecretKey};
use serde::Deserialize;

use super::check::Checks;
use super::hex::Hex;
use super::{line, load};
use crate::bolt::onion::message::{construct, peel};
use crate::bolt::onion::{BlindedHop, NextPeer, OnionMessagePayload, Packet, Received};
use crate::bolt::wire::Bytes;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    tests: Vec<Test>,
}

load::topic! {
    session_key: SecretKey,
    first_path_key: PublicKey,
    path: Vec<BlindedHop>,
    /// What the last hop is told, but for the path's data.
    payload: OnionMessagePayload,
    node_secrets: Vec<SecretKey>,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// What comes to each node, as it is sent.
    onion_messages: Vec<Hex>,
    /// Where each node but the last sends it.
    next_node_ids: Vec<Hex>,
    path_id: Hex,
}

/// `onion_message` as it is sent.
fn wire(path_key: &PublicKey, packet: &Packet) -> Vec<u8> {
    let packet = packet.to_bytes();
    let length = u16::try_from(packet.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&513_u16.to_be_bytes()[..], &path_key.serialize(), &length, &packet].concat()
}

fn replay(_: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let made = checks.made("path", construct(&test.session_key, &test.path, &test.payload))?;
    let expected = &test.expected;
    checks.equal("expected.onion_messages", &expected.onion_messages.len(), &test.path.len());
    checks.equal("path", &test.path.len(), &test.node_secrets.len());
    let (mut packet, mut path_key) = (made.packet, test.first_path_key);
    let mut next_ids = Vec::new();
    for (position, (secret, message)) in
        test.node_secrets.iter().zip(&expected.onion_messages).enumerate()
    {
        let field = format!("expected.onion_messages[{position}]");
        checks.bytes(&field, message, &wire(&path_key, &packet));
        match peel(&packet, &path_key, secret) {
            Received::Forward { next, packet: inner, path_key: key } => {
                (packet, path_key) = (inner, key);
                if let NextPeer::Node(id) = next {
                    next_ids.push(id);
                }
            }
            Received::Final { payload, path_id } => {
                let data = test.path.last().map(|hop| hop.encrypted_recipient_data.clone());
                let sent =
                    OnionMessagePayload { encrypted_recipient_data: data, ..test.payload.clone() };
                checks.equal("payload", &line(&sent), &line(&payload));
                let path_id = path_id.unwrap_or(Bytes(Vec::new())).0;
                checks.bytes("expected.path_id", &expected.path_id, &path_id);
            }
            Received::Ignored(reason) => {
                checks.made::<(), _>(&field, Err(reason));
                return None;
            }
        }
    }
    checks.equal("expected.next_node_ids", &expected.next_node_ids.len(), &next_ids.len());
    for (position, (expected, actual)) in expected.next_node_ids.iter().zip(&next_ids).enumerate() {
        let field = format!("expected.next_node_ids[{position}]");
        checks.bytes(&field, expected, &actual.serialize());
    }
    None
}

//! Packets for a whole route: built from the session key, then peeled by each hop.

use secp256k1::{PublicKey, SECP256K1, SecretKey};
use serde::Deserialize;

use super::check::Checks;
use super::hex::{Hex, Hex32};
use super::{line, load, name, point, secret};
use crate::bolt::onion::{EncryptedData, Hop, Packet, Payload, Purpose, construct, peel, unblind};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    tests: Vec<Test>,
}

load::topic! {
    session_key: SecretKey,
    associated_data: Option<Hex>,
    hop_payloads_length: usize,
    hops: Vec<Told>,
    expected: Expected,
}

/// A hop, and what it is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    node_secret: SecretKey,
    /// What comes beside the onion, on a blinded path.
    path_key: Option<PublicKey>,
    payload: Hex,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    packet: Hex,
    hops: Vec<Found>,
}

/// What a hop finds, as far as the vector shows it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    node_id: Hex,
    shared_secret: Option<Hex32>,
    rho_key: Option<Hex32>,
    mu_key: Option<Hex32>,
    packet: Option<Hex>,
    payload: Option<Payload>,
    encrypted_data: Option<EncryptedData>,
    next_path_key: Option<Hex>,
}

fn replay(_: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let associated_data = test.associated_data.as_ref().map_or(&[][..], |data| &data.0);
    let secrets = test.hops.iter().map(|hop| secret(&hop.node_secret, hop.path_key.as_ref()));
    let secrets: Vec<_> = checks.made("hops", secrets.collect::<Option<_>>().ok_or("no key"))?;
    let hops: Vec<_> = secrets
        .iter()
        .zip(&test.hops)
        .map(|(secret, hop)| Hop {
            node_id: secret.public_key(SECP256K1),
            payload: hop.payload.0.clone(),
        })
        .collect();
    let length = test.hop_payloads_length;
    let made = construct(&test.session_key, &hops, associated_data, length.min(1 << 16));
    let made = checks.made("expected.packet", made)?;
    checks.bytes("expected.packet", &test.expected.packet, &made.packet.to_bytes());
    checks.equal("hop_payloads_length", &length, &made.packet.hop_payloads.len());
    checks.equal("expected.hops", &test.expected.hops.len(), &hops.len());
    let mut packet = Packet::from_bytes(&test.expected.packet.0).ok();
    for (position, ((told, found), secret)) in
        test.hops.iter().zip(&test.expected.hops).zip(&secrets).enumerate()
    {
        let field = |name| format!("expected.hops[{position}].{name}");
        let current = checks.made(&field("packet"), packet.ok_or("there is none"))?;
        checks.bytes(&field("node_id"), &found.node_id, &point(secret));
        if let Some(expected) = &found.packet {
            checks.bytes(&field("packet"), expected, &current.to_bytes());
        }
        let peeled = match peel(&current, secret, associated_data) {
            Ok(peeled) => peeled,
            Err(error) => return Some(name(&error)),
        };
        let ours = made.shared_secrets.get(position);
        checks.holds(
            "session_key",
            "both sides share a secret",
            ours == Some(&peeled.shared_secret),
        );
        let shared = peeled.shared_secret;
        let rho = (&found.rho_key, shared.key(Purpose::Rho));
        let mu = (&found.mu_key, shared.key(Purpose::Mu));
        for (name, (expected, actual)) in
            [("shared_secret", (&found.shared_secret, shared.0)), ("rho_key", rho), ("mu_key", mu)]
        {
            if let Some(expected) = expected {
                checks.bytes(&field(name), &Hex(expected.0.to_vec()), &actual);
            }
        }
        checks.bytes(&format!("hops[{position}].payload"), &told.payload, &peeled.payload);
        fields(told, found, &peeled.payload, position, checks);
        packet = peeled.next;
    }
    checks.holds("expected.hops", "the last hop has no packet to send on", packet.is_none());
    None
}

/// The payload field by field, with what the creator of a blinded path says in it.
fn fields(told: &Told, found: &Found, payload: &[u8], position: usize, checks: &mut Checks) {
    let field = |name| format!("expected.hops[{position}].{name}");
    let Some(expected) = &found.payload else { return };
    let Some(decoded) = checks.made(&field("payload"), Payload::decode(payload)) else { return };
    checks.equal(&field("payload"), &line(expected), &line(&decoded));
    checks.bytes(&field("payload"), &told.payload, &expected.encode());
    let path_key = told.path_key.or(decoded.current_path_key);
    let encrypted = decoded.encrypted_recipient_data.as_ref();
    let (Some(path_key), Some(encrypted)) = (path_key, encrypted) else { return };
    let unblinded = unblind(&told.node_secret, &path_key, &encrypted.0);
    let Some(unblinded) = checks.made(&field("encrypted_data"), unblinded) else { return };
    if let Some(expected) = &found.encrypted_data {
        checks.equal(&field("encrypted_data"), &line(expected), &line(&unblinded.data));
    }
    if let Some(expected) = &found.next_path_key {
        let actual = unblinded.next_path_key.serialize();
        checks.bytes(&field("next_path_key"), expected, &actual);
    }
}

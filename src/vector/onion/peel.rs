//! One packet as it comes to one node: taken apart, or refused with the failure that says why.

use bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
use secp256k1::{PublicKey, SecretKey};
use serde::Deserialize;

use super::check::Checks;
use super::hex::Hex;
use super::{load, name, point};
use crate::bolt::onion::{Packet, Purpose, SharedSecret, peel};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    node_secret: SecretKey,
    node_id: Hex,
    associated_data: Hex,
    tests: Vec<Test>,
}

load::topic! { packet: Hex, expected: Expected }

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    shared_secret: Option<Hex>,
    /// What the packet's HMAC is or should be.
    hmac: Option<Hex>,
    payload: Option<Hex>,
    next_packet: Option<Hex>,
    /// `failuremsg` of whoever refuses the packet.
    failure: Option<Hex>,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let (secret, data, expected) = (&group.node_secret, &group.associated_data.0, &test.expected);
    checks.bytes("node_id", &group.node_id, &point(secret));
    let packet = checks.made("packet", Packet::from_bytes(&test.packet.0))?;
    let mut optional = |name: &str, expected: &Option<Hex>, actual: Option<Vec<u8>>| {
        let field = format!("expected.{name}");
        match (expected, actual) {
            (Some(expected), Some(actual)) => checks.bytes(&field, expected, &actual),
            (None, None) => {}
            (expected, _) => checks.holds(&field, "it is there", expected.is_none()),
        }
    };
    let shared = PublicKey::from_slice(&packet.public_key).ok();
    let shared = shared.map(|key| SharedSecret::new(&key, secret));
    optional("shared_secret", &expected.shared_secret, shared.map(|shared| shared.0.to_vec()));
    let hmac = shared.map(|shared| {
        let mut engine = HmacEngine::<sha256::Hash>::new(&shared.key(Purpose::Mu));
        engine.input(&packet.hop_payloads);
        engine.input(data);
        Hmac::from_engine(engine).to_byte_array().to_vec()
    });
    optional("hmac", &expected.hmac, hmac);
    match peel(&packet, secret, data) {
        Ok(peeled) => {
            optional("payload", &expected.payload, Some(peeled.payload));
            let next = peeled.next.map(|next| next.to_bytes());
            optional("next_packet", &expected.next_packet, next);
            optional("failure", &expected.failure, None);
            None
        }
        Err(error) => {
            let failure = error.failure(sha256::Hash::hash(&test.packet.0)).encode();
            optional("failure", &expected.failure, Some(failure));
            optional("payload", &expected.payload, None);
            optional("next_packet", &expected.next_packet, None);
            Some(name(&error))
        }
    }
}

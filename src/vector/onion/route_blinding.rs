//! Blinded paths: made by their creator, then read by each hop.

use secp256k1::{SECP256K1, SecretKey};
use serde::Deserialize;

use super::check::Checks;
use super::hex::{Hex, Hex32};
use super::{line, load, point};
use crate::bolt::onion::{
    BlindedHop, Blinding, EncryptedData, Joined, NodeOrChannel, PathFees, Purpose, SharedSecret,
    aggregate, blind,
};
use crate::bolt::units::CltvExpiryDelta;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    tests: Vec<Test>,
}

load::topic! {
    path_secret: SecretKey,
    hops: Vec<Told>,
    min_final_cltv_expiry_delta: Option<u16>,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    node_secret: SecretKey,
    encrypted_data_tlv: EncryptedData,
    /// Where another path is joined: the secret of the next hop's path key.
    next_path_secret: Option<SecretKey>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    first_node_id: Hex,
    first_path_key: Hex,
    hops: Vec<Found>,
    /// What using the path costs.
    fees: Option<Fees>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fees {
    fee_base_msat: u32,
    fee_proportional_millionths: u32,
    cltv_expiry_delta: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    node_id: Hex,
    path_key: Option<Hex>,
    path_privkey: Option<Hex32>,
    shared_secret: Option<Hex>,
    rho_key: Option<Hex>,
    blinded_node_id: Hex,
    blinded_privkey: Option<Hex>,
    encrypted_data_tlv: Option<Hex>,
    encrypted_recipient_data: Hex,
    /// As it follows from this hop's, whatever the data says.
    next_path_key: Option<Hex>,
    /// As the data says.
    next_path_key_override: Option<Hex>,
}

fn replay(_: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let joined = |told: &Told| Joined {
        data: told.encrypted_data_tlv.clone(),
        next_path_secret: told.next_path_secret,
    };
    let hops: Vec<_> = test
        .hops
        .iter()
        .map(|told| (told.node_secret.public_key(SECP256K1), joined(told)))
        .collect();
    let path = checks.made("hops", blind(&test.path_secret, &hops))?;
    let expected = &test.expected;
    if let NodeOrChannel::Node(first) = path.first_node_id {
        checks.bytes("expected.first_node_id", &expected.first_node_id, &first.serialize());
    }
    checks.bytes(
        "expected.first_path_key",
        &expected.first_path_key,
        &path.first_path_key.serialize(),
    );
    checks.equal("expected.hops", &expected.hops.len(), &path.path.len());
    let mut path_key = path.first_path_key;
    for (position, ((told, found), hop)) in
        test.hops.iter().zip(&expected.hops).zip(&path.path).enumerate()
    {
        let Some(blinding) = checks.made("hops", Blinding::new(&told.node_secret, &path_key))
        else {
            continue;
        };
        made(position, told, found, hop, checks);
        read(position, found, &blinding, &path_key.serialize(), checks);
        let opened = blinding.open(&hop.encrypted_recipient_data.0);
        let Some(opened) = checks.made("hops", opened) else { continue };
        let field = format!("hops[{position}].encrypted_data_tlv");
        checks.equal(&field, &line(&told.encrypted_data_tlv), &line(&opened.data));
        path_key = opened.next_path_key;
        if let Some(next) = &found.next_path_key_override {
            let field = format!("expected.hops[{position}].next_path_key_override");
            checks.bytes(&field, next, &path_key.serialize());
        }
        if let Some(secret) = &told.next_path_secret {
            let field = format!("hops[{position}].next_path_secret");
            checks.bytes(&field, &Hex(point(secret).to_vec()), &path_key.serialize());
        }
    }
    fees(test, checks);
    None
}

/// What the creator makes for a hop.
fn made(position: usize, told: &Told, found: &Found, hop: &BlindedHop, checks: &mut Checks) {
    let field = |name| format!("expected.hops[{position}].{name}");
    checks.bytes(&field("node_id"), &found.node_id, &point(&told.node_secret));
    let id = hop.blinded_node_id.serialize();
    checks.bytes(&field("blinded_node_id"), &found.blinded_node_id, &id);
    let encrypted = &hop.encrypted_recipient_data.0;
    checks.bytes(&field("encrypted_recipient_data"), &found.encrypted_recipient_data, encrypted);
    if let Some(encoded) = &found.encrypted_data_tlv {
        checks.bytes(&field("encrypted_data_tlv"), encoded, &told.encrypted_data_tlv.encode());
    }
}

/// What a hop makes of its path key.
fn read(position: usize, found: &Found, blinding: &Blinding, path_key: &[u8], checks: &mut Checks) {
    let field = |name| format!("expected.hops[{position}].{name}");
    let shared: &SharedSecret = &blinding.shared_secret;
    let mut optional = |name, expected: &Option<Hex>, actual: &[u8]| {
        if let Some(expected) = expected {
            checks.bytes(&field(name), expected, actual);
        }
    };
    optional("path_key", &found.path_key, path_key);
    if let Some(secret) = found.path_privkey {
        let point = SecretKey::from_slice(&secret.0).map(|secret| point(&secret).to_vec());
        optional("path_privkey", &Some(Hex(path_key.to_vec())), &point.unwrap_or_default());
    }
    optional("shared_secret", &found.shared_secret, &shared.0);
    optional("rho_key", &found.rho_key, &shared.key(Purpose::Rho));
    optional("blinded_privkey", &found.blinded_privkey, &blinding.node_secret.secret_bytes());
    let next = blinding.next_path_key().map(|key| key.serialize().to_vec()).unwrap_or_default();
    optional("next_path_key", &found.next_path_key, &next);
    optional(
        "blinded_node_id",
        &Some(found.blinded_node_id.clone()),
        &point(&blinding.node_secret),
    );
}

fn fees(test: &Test, checks: &mut Checks) {
    let Some(expected) = &test.expected.fees else { return };
    let relays: Vec<_> =
        test.hops.iter().filter_map(|told| told.encrypted_data_tlv.payment_relay).collect();
    let min_final = CltvExpiryDelta(test.min_final_cltv_expiry_delta.unwrap_or_default());
    let made = checks.made("expected.fees", aggregate(&relays, min_final).ok_or("they overflow"));
    let Some(PathFees { fee_base_msat, fee_proportional_millionths, cltv_expiry_delta }) = made
    else {
        return;
    };
    checks.equal("expected.fees.fee_base_msat", &expected.fee_base_msat, &fee_base_msat);
    let field = "expected.fees.fee_proportional_millionths";
    checks.equal(field, &expected.fee_proportional_millionths, &fee_proportional_millionths);
    let field = "expected.fees.cltv_expiry_delta";
    checks.equal(field, &expected.cltv_expiry_delta, &cltv_expiry_delta.0);
}

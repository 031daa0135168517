//! BOLT 8, Appendix A: a handshake as each side plays it, and the acts that it refuses.

use secp256k1::{PublicKey, SECP256K1, SecretKey};
use serde::Deserialize;

use super::{check::Checks, hex::Hex};
use crate::bolt::transport::{
    ActSecrets, Derived, HandshakeError, Initiator, Responder, whole_act,
};

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Initiator,
    Responder,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    role: Role,
    /// The initiator's alone.
    rs_pub: Option<PublicKey>,
    ls_priv: SecretKey,
    ls_pub: Hex,
    e_priv: SecretKey,
    e_pub: Hex,
    tests: Vec<Test>,
}

super::load::topic! {
    act_one: Option<Hex>,
    act_two: Option<Hex>,
    act_three: Option<Hex>,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    act_one: Option<Hex>,
    act_two: Option<Hex>,
    act_three: Option<Hex>,
    /// The initiator's key, as the responder learns it.
    rs: Option<Hex>,
    acts: Option<Vec<ExpectedAct>>,
    sk: Option<Hex>,
    rk: Option<Hex>,
    /// The act that is refused, and what is wrong with it.
    act: Option<u8>,
    version: Option<u8>,
    length: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAct {
    ad: Hex,
    salt: Hex,
    ss: Hex,
    ck: Hex,
    temp_k: Hex,
    /// The BOLT does not say the last one.
    h: Option<Hex>,
}

/// What one side made of the acts that came to it.
#[derive(Default)]
struct Played {
    act_one: Option<Vec<u8>>,
    act_two: Option<Vec<u8>>,
    act_three: Option<Vec<u8>>,
    rs: Option<PublicKey>,
    derived: Option<Derived>,
    error: Option<HandshakeError>,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let public = |secret: &SecretKey| secret.public_key(SECP256K1).serialize();
    checks.bytes("ls_pub", &group.ls_pub, &public(&group.ls_priv));
    checks.bytes("e_pub", &group.e_pub, &public(&group.e_priv));
    let mut played = Played::default();
    let ended = match group.role {
        Role::Initiator => initiate(group, test, &mut played),
        Role::Responder => respond(group, test, &mut played),
    };
    played.error = ended.err();
    compare(&test.expected, &played, checks);
    played.error.as_ref().map(name)
}

fn initiate(group: &Group, test: &Test, played: &mut Played) -> Result<(), HandshakeError> {
    let Some(remote) = &group.rs_pub else { return Ok(()) };
    let (initiator, act) =
        Initiator::start(&group.ls_priv.keypair(SECP256K1), &group.e_priv, remote);
    played.act_one = Some(act.to_vec());
    let Some(act) = &test.act_two else { return Ok(()) };
    let (derived, act) = initiator.derive(whole_act(2, &act.0)?)?;
    (played.derived, played.act_three) = (Some(derived), Some(act.to_vec()));
    Ok(())
}

fn respond(group: &Group, test: &Test, played: &mut Played) -> Result<(), HandshakeError> {
    let responder = Responder::new(&group.ls_priv.keypair(SECP256K1), &group.e_priv);
    let Some(act) = &test.act_one else { return Ok(()) };
    let (responder, act) = responder.receive_act_one(whole_act(1, &act.0)?)?;
    played.act_two = Some(act.to_vec());
    let Some(act) = &test.act_three else { return Ok(()) };
    let (derived, remote) = responder.derive(whole_act(3, &act.0)?)?;
    (played.derived, played.rs) = (Some(derived), Some(remote));
    Ok(())
}

fn compare(expected: &Expected, played: &Played, checks: &mut Checks) {
    let rs = played.rs.map(|key| key.serialize().to_vec());
    let keys = played.derived.as_ref().map(|derived| derived.keys);
    let key = |key: [u8; 32]| key.to_vec();
    for (field, expected, actual) in [
        ("act_one", &expected.act_one, &played.act_one),
        ("act_two", &expected.act_two, &played.act_two),
        ("act_three", &expected.act_three, &played.act_three),
        ("rs", &expected.rs, &rs),
        ("sk", &expected.sk, &keys.map(|keys| key(keys.sending.0))),
        ("rk", &expected.rk, &keys.map(|keys| key(keys.receiving.0))),
    ] {
        let field = format!("expected.{field}");
        match (expected, actual) {
            (Some(expected), Some(actual)) => checks.bytes(&field, expected, actual),
            (None, None) => {}
            (expected, _) => checks.holds(&field, "it is there", expected.is_none()),
        }
    }
    let acts = played.derived.as_ref().map_or(&[][..], |derived| &derived.acts);
    let wanted = expected.acts.as_deref().unwrap_or_default();
    checks.equal("expected.acts", &wanted.len(), &acts.len());
    for (number, (wanted, act)) in wanted.iter().zip(acts).enumerate() {
        compare_act(&format!("expected.acts[{number}]"), wanted, act, checks);
    }
    let (mut version, mut length) = (None, None);
    match played.error {
        Some(HandshakeError::Length { actual, .. }) => length = Some(actual),
        Some(HandshakeError::Version { version: other, .. }) => version = Some(other),
        Some(HandshakeError::InvalidPoint { .. } | HandshakeError::Mac { .. }) | None => {}
    }
    let act = played.error.map(HandshakeError::act);
    checks.holds("expected.act", "it is the act refused", expected.act == act);
    checks.holds("expected.version", "it is the act's", expected.version == version);
    checks.holds("expected.length", "it is the act's", expected.length == length);
}

fn compare_act(place: &str, wanted: &ExpectedAct, act: &ActSecrets, checks: &mut Checks) {
    for (field, wanted, actual) in [
        ("ad", Some(&wanted.ad), &act.authenticated),
        ("salt", Some(&wanted.salt), &act.salt.0),
        ("ss", Some(&wanted.ss), &act.shared_secret.0),
        ("ck", Some(&wanted.ck), &act.chaining_key.0),
        ("temp_k", Some(&wanted.temp_k), &act.temporary_key.0),
        ("h", wanted.h.as_ref(), &act.hash),
    ] {
        if let Some(wanted) = wanted {
            checks.bytes(&format!("{place}.{field}"), wanted, actual);
        }
    }
}

fn name(error: &HandshakeError) -> &'static str {
    match error {
        HandshakeError::Length { .. } => "HandshakeError::Length",
        HandshakeError::Version { .. } => "HandshakeError::Version",
        HandshakeError::InvalidPoint { .. } => "HandshakeError::InvalidPoint",
        HandshakeError::Mac { .. } => "HandshakeError::Mac",
    }
}

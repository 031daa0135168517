//! What comes back: failures, and attribution data with them or with the preimage.

use secp256k1::{PublicKey, SecretKey};
use serde::Deserialize;

use super::check::Checks;
use super::hex::Hex;
use super::load;
use crate::bolt::onion::{
    AttributionData, Blame, Failure, FailureMessage, FailurePacket, Hop, Purpose, SharedSecret,
    attribute_fulfill, construct, fail_with, fulfill_hold_times, relay_failure, unwrap_failure,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    session_key: SecretKey,
    hops: Vec<Keys>,
    tests: Vec<Test>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    node_id: PublicKey,
    shared_secret: Hex,
    ammag_key: Option<Hex>,
    um_key: Option<Hex>,
}

load::topic! {
    /// The hop at which it begins.
    from_hop: usize,
    /// `failuremsg`; none comes with a preimage.
    failure: Option<Hex>,
    padded_to: Option<usize>,
    /// In units of 100 ms, the first hop's first; none from a route that does not attribute.
    htlc_hold_times: Option<Vec<u32>>,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    failure_code: Option<u16>,
    failure_name: Option<String>,
    /// The packet before it is encrypted.
    return_packet: Option<Hex>,
    /// What each hop sends, the one where it begins first.
    sent: Vec<Sent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    stream: Option<Hex>,
    reason: Option<Hex>,
    attribution_data: Option<Hex>,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let secrets = shared_secrets(group, checks)?;
    let erring = secrets.get(test.from_hop).ok_or("there is no such hop");
    checks.made("from_hop", erring)?;
    checks.equal("expected.sent", &test.expected.sent.len(), &test.from_hop.saturating_add(1));
    let times = test.htlc_hold_times.as_ref();
    if let Some(times) = times {
        checks.equal("htlc_hold_times", &times.len(), &test.from_hop.saturating_add(1));
    }
    let backwards = secrets.iter().enumerate().take(test.from_hop.saturating_add(1)).rev();
    let mut packet = None;
    let mut fulfilled = None;
    for ((hop, shared), sent) in backwards.zip(&test.expected.sent) {
        let time = times.and_then(|times| times.get(hop).copied());
        match &test.failure {
            Some(message) => {
                packet = Some(match packet {
                    None => fail_with(
                        shared,
                        &message.0,
                        test.padded_to.unwrap_or(256).min(1 << 16),
                        time,
                    ),
                    Some(packet) => relay_failure(shared, packet, time),
                });
            }
            None => fulfilled = Some(attribute_fulfill(shared, fulfilled, time.unwrap_or(0))),
        }
        let attribution = packet.as_ref().and_then(|packet| packet.attribution.as_deref());
        compare(hop, sent, shared, packet.as_ref(), attribution.or(fulfilled.as_ref()), checks);
        if let (Some(expected), Some(packet), true) =
            (&test.expected.return_packet, &packet, hop == test.from_hop)
        {
            let stream = stream(shared, packet.reason.len());
            let plain: Vec<_> = packet.reason.iter().zip(stream).map(|(a, b)| a ^ b).collect();
            checks.bytes("expected.return_packet", expected, &plain);
        }
    }
    if let Some(packet) = packet {
        unwrapped(test, &secrets, packet, checks);
    }
    if let Some(data) = fulfilled {
        let read = fulfill_hold_times(&secrets, data);
        let same = Some(&read.hold_times) == times && read.broken_at.is_none();
        checks.holds("htlc_hold_times", "the payer reads them", same);
    }
    None
}

fn shared_secrets(group: &Group, checks: &mut Checks) -> Option<Vec<SharedSecret>> {
    let payload = vec![0; 2];
    let hops: Vec<_> = group
        .hops
        .iter()
        .map(|hop| Hop { node_id: hop.node_id, payload: payload.clone() })
        .collect();
    let secrets =
        checks.made("session_key", construct(&group.session_key, &hops, &[], 1300))?.shared_secrets;
    for (hop, (keys, shared)) in group.hops.iter().zip(&secrets).enumerate() {
        let field = |name| format!("hops[{hop}].{name}");
        checks.bytes(&field("shared_secret"), &keys.shared_secret, &shared.0);
        if let Some(key) = &keys.ammag_key {
            checks.bytes(&field("ammag_key"), key, &shared.key(Purpose::Ammag));
        }
        if let Some(key) = &keys.um_key {
            checks.bytes(&field("um_key"), key, &shared.key(Purpose::Um));
        }
    }
    Some(secrets)
}

/// What a node hides a packet with: what relaying zeros makes of them.
fn stream(shared: &SharedSecret, length: usize) -> Vec<u8> {
    let zeros = FailurePacket { reason: vec![0; length], attribution: None };
    relay_failure(shared, zeros, None).reason
}

fn compare(
    hop: usize,
    sent: &Sent,
    shared: &SharedSecret,
    packet: Option<&FailurePacket>,
    attribution: Option<&AttributionData>,
    checks: &mut Checks,
) {
    let field = |name| format!("expected.sent (by hop {hop}).{name}");
    if let Some(expected) = &sent.stream {
        checks.bytes(&field("stream"), expected, &stream(shared, expected.0.len()));
    }
    if let Some(expected) = &sent.reason {
        let actual = packet.map_or(&[][..], |packet| &packet.reason);
        checks.bytes(&field("reason"), expected, actual);
    }
    let actual = attribution.map(|data| data.to_bytes().to_vec()).unwrap_or_default();
    match &sent.attribution_data {
        Some(expected) => checks.bytes(&field("attribution_data"), expected, &actual),
        None => checks.holds(&field("attribution_data"), "there is none", actual.is_empty()),
    }
}

/// What the payer makes of the packet.
fn unwrapped(test: &Test, secrets: &[SharedSecret], packet: FailurePacket, checks: &mut Checks) {
    let Blame::Failure { hop, failure, message, hold_times } = unwrap_failure(secrets, packet)
    else {
        checks.holds("failure", "the payer reads it", false);
        return;
    };
    checks.equal("from_hop", &test.from_hop, &hop);
    if let Some(expected) = &test.failure {
        checks.bytes("failure", expected, &message.0);
        let again = FailureMessage::decode(&message.0).map(|message| message.encode());
        checks.bytes("failure", expected, &again.unwrap_or_default());
    }
    let times = test.htlc_hold_times.clone().unwrap_or_default();
    checks.holds("htlc_hold_times", "the payer reads them", times == hold_times);
    if let Some(failure) = checks.made("failure", failure) {
        let code = test.expected.failure_code.unwrap_or_default();
        checks.equal("expected.failure_code", &code, &Failure::code(&failure));
        let name = test.expected.failure_name.as_deref().unwrap_or_default();
        checks.equal("expected.failure_name", &name, &failure.name());
    }
}

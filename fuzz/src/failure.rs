//! Failures on their way back.

use boltlab::bolt::onion::failure_packet::LEAST_LENGTH;
use boltlab::bolt::onion::{
    AttributionData, Blame, Failure, FailureMessage, FailurePacket, SharedSecret, fail_with,
    fulfill_hold_times, relay_failure, unwrap_failure,
};

use super::input::Input;

const SECRETS: [SharedSecret; 3] =
    [SharedSecret([1; 32]), SharedSecret([2; 32]), SharedSecret([3; 32])];

/// A `failuremsg`, a packet that nobody wrote, and one that passes some hops.
pub fn failure(data: &[u8]) {
    message(data);
    foreign(data);
    returned(&mut Input(data));
}

/// What is read is a beginning of what was there.
fn message(data: &[u8]) {
    if let Ok(failure) = Failure::decode(data) {
        assert!(data.starts_with(&failure.encode()));
    }
    if let Ok(message) = FailureMessage::decode(data) {
        assert!(data.starts_with(&message.encode()));
        assert_eq!(FailureMessage::decode(&message.encode()), Ok(message));
    }
}

/// Whoever does not know the secrets writes nothing that is believed.
fn foreign(data: &[u8]) {
    let attribution = data.first_chunk().map(AttributionData::from_bytes);
    if let Some(data) = &attribution {
        let times = fulfill_hold_times(&SECRETS, data.clone());
        assert!(times.hold_times.len() <= SECRETS.len());
    }
    let packet = FailurePacket { reason: data.to_vec(), attribution: attribution.map(Box::new) };
    let blame = unwrap_failure(&SECRETS, packet);
    assert!(matches!(blame, Blame::Corrupted { .. }), "{blame:?}");
}

/// A failure reaches the payer as it was written; with a bit of it changed it is none, and with one
/// of the attribution data changed it is the same without the hold times.
fn returned(input: &mut Input<'_>) {
    let at = usize::from(input.byte()) % SECRETS.len();
    let times: Vec<_> = SECRETS.iter().map(|_| u32::from(input.byte())).collect();
    let change = [input.byte(), input.byte(), input.byte()];
    let message = input.0;
    if message.len() > usize::from(u16::MAX) - LEAST_LENGTH {
        return;
    }
    let mut packet = fail_with(&SECRETS[at], message, LEAST_LENGTH, Some(times[at]));
    for hop in (0..at).rev() {
        packet = relay_failure(&SECRETS[hop], packet, Some(times[hop]));
    }
    let said = |blame| match blame {
        Blame::Failure { hop, message, hold_times, .. } => Some((hop, message.0, hold_times)),
        Blame::Corrupted { .. } => None,
    };
    let expected = (at, message.to_vec(), times[..=at].to_vec());
    assert_eq!(said(unwrap_failure(&SECRETS, packet.clone())), Some(expected));

    let mut changed = packet.clone();
    Input(&change).flip_one(&mut changed.reason);
    assert_eq!(said(unwrap_failure(&SECRETS, changed)), None);

    let mut bytes = packet.attribution.map(|data| data.to_bytes()).expect("it is attributed");
    Input(&change).flip_one(&mut bytes);
    let attribution = Some(Box::new(AttributionData::from_bytes(&bytes)));
    let changed = FailurePacket { reason: packet.reason, attribution };
    let (hop, found, hold_times) = said(unwrap_failure(&SECRETS, changed)).expect("it is the same");
    assert_eq!((hop, found.as_slice()), (at, message));
    assert!(times.starts_with(&hold_times));
}

//! A failure on its way back to the payer. BOLT 4, "Returning Errors".
//!
//! ```text
//!   payer            hop 0             hop 1             hop 2: at fault
//!                      |                 |   <-- fail ------|
//!                      |  <-- relay -----|
//!     |  <-- relay ----|
//!   unwrap
//! ```
//! Each hop hides the packet under one more stream. Whoever shares the secrets takes them off and
//! finds the hop whose HMAC fits.

use bitcoin::hashes::HashEngine;
use bitcoin::hashes::cmp::fixed_time_eq;
use chacha20::cipher::StreamCipher;

use super::attribution::{AttributionData, Keys, MAX_HOPS, from_end};
use super::failure::{Failure, FailureError};
use super::keys::{Purpose, SharedSecret, finish};
use crate::bolt::wire::Bytes;
use crate::bolt::wire::codec::Field;

/// Shorter failures are padded to this, so that their length says little.
pub const LEAST_LENGTH: usize = 256;
const HMAC_LENGTH: usize = 32;

/// What `update_fail_htlc` carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailurePacket {
    /// The failure, encrypted.
    pub reason: Vec<u8>,
    /// Who held the HTLC for how long, encrypted; not every node tells.
    pub attribution: Option<Box<AttributionData>>,
}

/// Says a failure, as the node where it happened. With a hold time (in units of 100 ms) it is
/// attributed.
pub fn fail(
    shared_secret: &SharedSecret,
    failure: &Failure,
    hold_time: Option<u32>,
) -> FailurePacket {
    fail_with(shared_secret, &failure.encode(), LEAST_LENGTH, hold_time)
}

/// [`fail`] with the bytes of a `failuremsg`, padded to `least` bytes: with a TLV stream, or to try
/// a reader.
pub fn fail_with(
    shared_secret: &SharedSecret,
    message: &[u8],
    least: usize,
    hold_time: Option<u32>,
) -> FailurePacket {
    let padding = least.saturating_sub(message.len());
    let length = HMAC_LENGTH.saturating_add(4).saturating_add(message.len().max(least));
    let mut reason = Vec::with_capacity(length);
    reason.extend_from_slice(&[0; HMAC_LENGTH]);
    u16::try_from(message.len()).unwrap_or(u16::MAX).write(&mut reason);
    reason.extend_from_slice(message);
    u16::try_from(padding).unwrap_or(u16::MAX).write(&mut reason);
    reason.resize(reason.len().saturating_add(padding), 0);
    let keys = Keys::new(shared_secret);
    if let Some((hmac, content)) = reason.split_first_chunk_mut::<HMAC_LENGTH>() {
        let mut engine = keys.um.clone();
        engine.input(content);
        *hmac = finish(engine);
    }
    send_back(&keys, FailurePacket { reason, attribution: None }, hold_time)
}

/// Passes a failure on, as a node between. Without a hold time the attribution ends here: the node
/// does not attribute.
pub fn relay_failure(
    shared_secret: &SharedSecret,
    packet: FailurePacket,
    hold_time: Option<u32>,
) -> FailurePacket {
    send_back(&Keys::new(shared_secret), packet, hold_time)
}

/// The step that all nodes have in common.
fn send_back(keys: &Keys, mut packet: FailurePacket, hold_time: Option<u32>) -> FailurePacket {
    packet.attribution = hold_time.map(|hold_time| {
        let mut attribution = packet.attribution.unwrap_or_else(|| Box::new(AttributionData::ZERO));
        attribution.add(keys, &packet.reason, hold_time);
        attribution
    });
    keys.shared_secret.stream(Purpose::Ammag).apply_keystream(&mut packet.reason);
    packet
}

/// What the payer finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blame {
    /// A hop says why it did not take the HTLC on.
    Failure {
        /// The hop, from 0.
        hop: usize,
        /// What it says.
        failure: Result<Failure, FailureError>,
        /// All of `failuremsg`.
        message: Bytes,
        /// For how long each hop up to it held the HTLC, as far as they tell.
        hold_times: Vec<u32>,
    },
    /// The packet was changed, or is none.
    Corrupted {
        /// The first hop whose word in the attribution data does not hold: either it sent this,
        /// or the hop before it (for hop 0 nobody) changed it. `None` without attribution data,
        /// or if all words hold.
        hop: Option<usize>,
        /// For how long each hop before it held the HTLC.
        hold_times: Vec<u32>,
    },
}

/// Reads a failure, as the payer. It stops where it knows enough: how long it took tells those who
/// watch how far away the failure was, which this lab does not hide.
pub fn unwrap_failure(shared_secrets: &[SharedSecret], packet: FailurePacket) -> Blame {
    let FailurePacket { mut reason, mut attribution } = packet;
    let mut hold_times = Vec::with_capacity(shared_secrets.len());
    let mut broken_at = None;
    for (hop, shared_secret) in shared_secrets.iter().enumerate() {
        let keys = Keys::new(shared_secret);
        shared_secret.stream(Purpose::Ammag).apply_keystream(&mut reason);
        if let Some(data) = attribution.as_mut().filter(|_| hop < MAX_HOPS) {
            let from_end = from_end(shared_secrets.len(), hop);
            if let Some(hold_time) = data.remove(&keys, &reason, from_end) {
                hold_times.push(hold_time);
            } else {
                attribution = None;
                broken_at = Some(hop);
            }
        }
        if let Some(message) = authentic(&keys, &reason) {
            let failure = Failure::decode(message);
            let message = Bytes(message.to_vec());
            return Blame::Failure { hop, failure, message, hold_times };
        }
    }
    Blame::Corrupted { hop: broken_at, hold_times }
}

/// The message in a decrypted packet, if this node wrote it. A length that lies gives what is
/// there: the node is to blame, nobody else.
fn authentic<'a>(keys: &Keys, reason: &'a [u8]) -> Option<&'a [u8]> {
    let (hmac, mut content) = reason.split_first_chunk::<HMAC_LENGTH>()?;
    let mut engine = keys.um.clone();
    engine.input(content);
    if !fixed_time_eq(&finish(engine), hmac) {
        return None;
    }
    let length = u16::read(&mut content).unwrap_or_default().into();
    Some(content.get(..length).unwrap_or(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(hops: u8) -> Vec<SharedSecret> {
        (1..=hops).map(|byte| SharedSecret([byte; 32])).collect()
    }

    #[test]
    fn the_payer_learns_who_failed_and_why() {
        let said = Failure::MppTimeout {};
        for hops in [1, 2, 5, 20, 27] {
            let secrets = secrets(hops);
            for at in 0..secrets.len() {
                for attributed in [true, false] {
                    let time = |hop: usize| attributed.then(|| u32::try_from(hop).unwrap() + 7);
                    let mut packet = fail(&secrets[at], &said, time(at));
                    assert_eq!(packet.reason.len(), 292);
                    for hop in (0..at).rev() {
                        packet = relay_failure(&secrets[hop], packet, time(hop));
                    }
                    let blame = Blame::Failure {
                        hop: at,
                        failure: Ok(said.clone()),
                        message: Bytes(said.encode()),
                        hold_times: (0..=at).filter_map(time).take(20).collect(),
                    };
                    assert_eq!(unwrap_failure(&secrets, packet), blame, "{at} of {hops}");
                }
            }
        }
    }
}

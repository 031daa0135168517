//! A failure on its way back, as each of the two writes and reads it.

use boltlab::bolt::onion::{
    AttributionData, Blame, Failure, FailurePacket, SharedSecret, fail, relay_failure,
    unwrap_failure,
};
use lightning::ln::onion_utils::{LocalHTLCFailureReason, opened};
use lightning::util::ser::{Readable, Writeable};
use secp256k1::SECP256K1;

use crate::route::{Quiet, Route};

/// For how long each hop says that it held the HTLC.
pub const HOLD_TIME: u32 = 7;

/// What both made: `reason` and the attribution data.
pub type Bytes = (Vec<u8>, Vec<u8>);

/// A payment that fails.
pub struct Failing<'a> {
    route: &'a Route,
    /// What the payer shares with each hop.
    pub shared_secrets: Vec<SharedSecret>,
    /// The hop that does not take it on.
    pub at: usize,
}

impl<'a> Failing<'a> {
    /// It fails at this hop.
    pub fn new(route: &'a Route, at: usize) -> Self {
        Self { route, shared_secrets: route.construct().shared_secrets, at }
    }

    /// boltlab's packet as it reaches the payer.
    pub fn wrap(&self) -> FailurePacket {
        let (last, between) = self.shared_secrets[..=self.at].split_last().expect("a hop");
        let failed = fail(last, &Failure::TemporaryNodeFailure {}, Some(HOLD_TIME));
        between.iter().rev().fold(failed, |packet, hop| relay_failure(hop, packet, Some(HOLD_TIME)))
    }

    /// The bytes of it.
    pub fn bytes(packet: &FailurePacket) -> Bytes {
        let data = packet.attribution.as_ref().expect("it is attributed").to_bytes();
        (packet.reason.clone(), data.to_vec())
    }

    /// LDK's packet as it reaches the payer.
    pub fn ldk_wrap(&self) -> opened::Packet {
        let (last, between) = self.shared_secrets[..=self.at].split_last().expect("a hop");
        let reason = LocalHTLCFailureReason::TemporaryNodeFailure;
        let mut packet = opened::Packet::fail(&last.0, reason, &[], HOLD_TIME);
        for hop in between.iter().rev() {
            packet.relay(&hop.0, HOLD_TIME);
        }
        packet
    }

    /// The bytes of it.
    pub fn ldk_bytes(packet: &opened::Packet) -> Bytes {
        let (reason, data) = packet.parts();
        (reason.to_vec(), data.expect("it is attributed").encode())
    }

    /// LDK's packet of boltlab's.
    pub fn to_ldk(packet: &FailurePacket) -> opened::Packet {
        let (reason, data) = Self::bytes(packet);
        let data = Readable::read(&mut data.as_slice()).expect("attribution data");
        opened::Packet::new(reason, data)
    }

    /// boltlab's packet of LDK's.
    pub fn from_ldk(packet: &opened::Packet) -> FailurePacket {
        let (reason, data) = Self::ldk_bytes(packet);
        let data = data.as_slice().try_into().expect("it has one length");
        FailurePacket { reason, attribution: Some(Box::new(AttributionData::from_bytes(data))) }
    }

    /// boltlab's payer, who kept the secrets.
    pub fn unwrap(&self, packet: FailurePacket) -> Blame {
        unwrap_failure(&self.shared_secrets, packet)
    }

    /// boltlab's payer, who kept no more than LDK's: the session key and the route.
    pub fn derive_and_unwrap(&self, packet: FailurePacket) -> Blame {
        let node_ids = self.route.ldk_path().hops.iter().map(|hop| &hop.pubkey);
        let shared_secrets =
            boltlab::bolt::onion::shared_secrets(&self.route.session_key, node_ids);
        unwrap_failure(&shared_secrets.expect("the keys exist"), packet)
    }

    /// LDK's payer: the channel to blame, and the hold times.
    pub fn ldk_unwrap(&self, packet: opened::Packet) -> (Option<u64>, Vec<u32>) {
        let Route { session_key, .. } = self.route;
        opened::unwrap(SECP256K1, &Quiet, self.route.ldk_path(), session_key, packet)
    }
}

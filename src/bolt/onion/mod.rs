//! Onions: Sphinx packets, their payloads, failures on the way back, blinded paths and onion
//! messages. BOLT 4.

pub mod attribution;
pub mod blinded_path;
pub mod blinding;
pub mod failure;
pub mod failure_packet;
pub mod keys;
pub mod message;
pub mod payload;
pub mod sphinx;
#[cfg(test)]
mod tests;

pub use attribution::{AttributionData, FulfillTimes, attribute_fulfill, fulfill_hold_times};
pub use blinded_path::{BlindedHop, BlindedPath, NodeOrChannel};
pub use blinding::{
    BlindError, Blinding, Joined, PathFees, RecipientData, UnblindError, Unblinded, aggregate,
    amt_to_forward, blind, blinded_node_secret, unblind,
};
pub use failure::{Failure, FailureError, FailureMessage};
pub use failure_packet::{Blame, FailurePacket, fail, fail_with, relay_failure, unwrap_failure};
pub use keys::{Purpose, SharedSecret};
pub use message::{NextPeer, OnionMessagePayload, Received};
pub use payload::{EncryptedData, Payload, PaymentConstraints, PaymentData, PaymentRelay};
pub use sphinx::{
    ConstructError, Constructed, Hop, Packet, PeelError, Peeled, construct, construct_unchecked,
    peel, shared_secrets,
};

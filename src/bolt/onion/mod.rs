//! Onions: Sphinx packets, their payloads, failures on the way back, blinded paths and onion
//! messages. BOLT 4.

pub mod blinded_path;
pub mod payload;

pub use blinded_path::{BlindedHop, BlindedPath, NodeOrChannel};
pub use payload::{EncryptedData, Payload, PaymentConstraints, PaymentData, PaymentRelay};

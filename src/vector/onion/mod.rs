//! BOLT 4: onions. A packet is built anew and peeled hop by hop; each topic has a file.

pub(super) mod message;
pub(super) mod packet;
pub(super) mod peel;
pub(super) mod returned;
pub(super) mod route_blinding;

use secp256k1::{PublicKey, SECP256K1, SecretKey};
use serde::Serialize;

use super::{check, hex, load};
use crate::bolt::onion::{PeelError, blinded_node_secret};

/// The secret that a node peels with, given the path key that came with the onion.
fn secret(node_secret: &SecretKey, path_key: Option<&PublicKey>) -> Option<SecretKey> {
    match path_key {
        Some(path_key) => blinded_node_secret(node_secret, path_key).ok(),
        None => Some(*node_secret),
    }
}

fn point(secret: &SecretKey) -> [u8; 33] {
    secret.public_key(SECP256K1).serialize()
}

/// A structure as one comparable line.
fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn name(error: &PeelError) -> &'static str {
    match error {
        PeelError::Version(_) => "PeelError::Version",
        PeelError::Key => "PeelError::Key",
        PeelError::Hmac => "PeelError::Hmac",
        PeelError::MalformedLength(_) => "PeelError::MalformedLength",
        PeelError::PayloadTooShort(_) => "PeelError::PayloadTooShort",
        PeelError::PayloadLength { .. } => "PeelError::PayloadLength",
    }
}

//! The reference protocol, written from the BOLTs. Pure: no I/O, no clock, no randomness.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::wildcard_enum_match_arm
    )
)]

mod aead;
pub mod channel;
pub mod connection;
pub mod features;
pub mod gossip;
mod hex_bytes;
pub mod invoice;
pub mod keys;
pub mod offer;
pub mod onchain;
pub mod onion;
pub mod routing;
pub mod transport;
pub mod tx;
pub mod units;
pub mod wire;

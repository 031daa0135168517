//! The reference protocol, written from the BOLTs. Pure: no I/O, no clock, no randomness.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::as_conversions,
    clippy::panic
)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::expect_used)
)]

pub mod channel;
mod hex_bytes;
pub mod keys;
pub mod onchain;
pub mod tx;
pub mod units;
pub mod wire;

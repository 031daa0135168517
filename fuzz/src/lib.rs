//! What boltlab reads from others, given anything at all. A target is a function of bytes that
//! panics if a promise is broken; libFuzzer runs them for long (`fuzz/run`), and
//! `cargo test --test fuzz` runs each over its seeds and mutations of those.

mod bench;
mod blinded_data;
mod channel;
mod failure;
mod gossip;
mod input;
mod invoice;
mod message;
mod offer;
mod onion;
mod onion_message;
mod seeds;
mod transport;

pub use blinded_data::blinded_data;
pub use channel::channel;
pub use failure::failure;
pub use gossip::gossip;
pub use invoice::invoice;
pub use message::message;
pub use offer::offer;
pub use onion::onion;
pub use onion_message::onion_message;
pub use seeds::{mutations, seeds};
pub use transport::transport;

/// A function that takes anything and panics if a promise is broken.
pub type Target = fn(&[u8]);

/// All targets with their names.
pub const TARGETS: [(&str, Target); 10] = [
    ("onion", onion),
    ("onion_message", onion_message),
    ("failure", failure),
    ("blinded_data", blinded_data),
    ("invoice", invoice),
    ("offer", offer),
    ("transport", transport),
    ("message", message),
    ("channel", channel),
    ("gossip", gossip),
];

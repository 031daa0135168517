//! Takes things apart for a person: what they are, field by field, and why a bad one is bad, at the
//! very character.

mod chain;
mod date;
pub mod hex;
pub mod invoice;
pub mod message;
pub mod offer;
pub mod onion;
pub mod snippet;
pub mod tx;

//! Takes things apart for a person: what they are, field by field, and why a bad one is bad, at the
//! very character.

pub mod invoice;
pub mod snippet;
pub mod tx;

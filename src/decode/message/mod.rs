//! Explains a message as it goes over the wire: each field and TLV record, where it stands and what
//! it says; of a wrong one, what can be read of it and at which byte it goes wrong.

mod explain;
mod gossip;
mod notes;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub use explain::{Explanation, InputError, PartNote, Verdict, explain, parse};

//! What nodes tell each other of channels and nodes. BOLT 7.
//!
//! ```text
//! peer -- announcement, update --> network --> believed, or a Refusal
//!                                     |
//!         relay: the next flush <-----+-----> answer: queries of others
//!                                     ^
//!         sync: what a peer knows and we do not
//! ```
//!
//! [`network`] is what a node believes. [`relay`] passes it on through each peer's [`filter`],
//! [`answer`] answers queries, [`sync`] asks them. [`own`] makes what a node says of itself.
//! [`signed`] says what is signed; [`encoded`] has the arrays of the query messages, [`checksum`] what
//! stands for a `channel_update` in them, [`addresses`] where a node can be reached.

pub mod addresses;
mod allowance;
pub mod answer;
pub mod checksum;
pub mod encoded;
pub mod filter;
pub mod network;
pub mod own;
pub mod refusal;
pub mod relay;
mod said;
pub mod signed;
pub mod sync;
#[cfg(test)]
mod tests;
pub mod update;

pub use answer::BadQuery;
pub use filter::Filter;
pub use network::{
    Forgotten, FundingOutput, GossipId, Heard, KnownChannel, KnownNode, Network, Now,
};
pub use own::OwnChannel;
pub use refusal::{Answer, Refusal};
pub use relay::Relay;
pub use said::Said;
pub use sync::{BadAnswer, Sync};
pub use update::Direction;

//! The same routes, failures, invoices, offers, connections, commitments and gossip for boltlab and for
//! LDK: the benchmark times both, and the tests hold what one makes against what the other reads.
//!
//! Whatever fails here panics: there is nothing to go on with.

mod commitment;
mod failure;
mod gossip;
mod message;
mod random;
mod route;
mod routing;
mod text;
mod transport;

pub use commitment::{Round, Signatures};
pub use failure::{Failing, HOLD_TIME};
pub use gossip::{Believed, Gossip};
pub use message::{add_htlc, announcement, ldk_decode};
pub use random::Random;
pub use route::{Quiet, Route};
pub use routing::{Network, Pair};
pub use text::{blinded_offer, draft, ldk_invoice, plain_offer};
pub use transport::{Acts, OneWay, Peers, ldk_open, ldk_seal, open};

//! The same routes, failures, invoices and offers for boltlab and for LDK: the benchmark times
//! both, and the tests hold what one makes against what the other reads.
//!
//! Whatever fails here panics: there is nothing to go on with.

mod failure;
mod random;
mod route;
mod text;

pub use failure::{Failing, HOLD_TIME};
pub use random::Random;
pub use route::{Quiet, Route};
pub use text::{blinded_offer, draft, ldk_invoice, plain_offer};

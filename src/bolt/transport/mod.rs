//! The encrypted and authenticated transport between two nodes. BOLT 8.
//!
//! ```text
//!   Initiator                              Responder
//!       |------ act one    e, es ------------->|   50 bytes
//!       |<----- act two    e, ee --------------|   50 bytes
//!       |------ act three  s, se ------------->|   66 bytes
//!    Session                                Session
//!       |<===== frames, a key each way =======>|
//! ```
//! Three acts agree on keys and tell the responder who the initiator is (`Noise_XK`); then every
//! message travels in a frame. Ephemeral secrets are arguments: whoever calls has the randomness.

mod cipher;
mod frame;
mod handshake;
mod noise;
#[cfg(test)]
mod tests;

pub use cipher::{CipherKey, Secret};
pub use frame::{FrameError, MAX_FRAME_LENGTH, Receiver, Sender, Session};
pub use handshake::{
    ACT_ONE_LENGTH, ACT_THREE_LENGTH, ACT_TWO_LENGTH, AwaitingActThree, Derived, HandshakeError,
    Initiator, Responder, whole_act,
};
pub use noise::{ActSecrets, SessionKeys};

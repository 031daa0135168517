//! Messages on the wire. BOLT 1, "Lightning Message Format"; BOLT 2; BOLT 7; `onion_message` of
//! BOLT 4.
//!
//! [`messages`] declares them in one table; [`codec`] says how each field's type is written, and
//! [`kind`] what it holds. What is decoded encodes to the same bytes again, so a message needs no
//! copy of its bytes beside it.

mod address;
pub mod codec;
pub mod kind;
pub mod messages;
mod records;
pub mod table;
#[cfg(test)]
mod tests;
pub mod tlv;
mod types;
pub mod walk;

pub use super::units::{NotAShortChannelId, ShortChannelId};
pub use address::Address;
pub use codec::DecodeError;
pub use messages::Message;
pub use records::{ChannelUpdateChecksums, FeeRange, FundingRetransmit};
pub use types::{
    Alias, BigSize, Bytes, ChannelId, ChannelTypeBits, Data, MessageType, OnionPacket,
    PaymentPreimage, PaymentSecret, Present, Repeated, RgbColor, SignedSatoshis, UncheckedPoint,
    Variations, features_of,
};

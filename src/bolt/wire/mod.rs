//! Messages on the wire. BOLT 1, "Lightning Message Format", and BOLT 2.
//!
//! [`messages`] declares them in one table; [`codec`] says how each field's type is written.

pub mod codec;
pub mod messages;
pub mod tlv;
mod types;

pub use super::units::{NotAShortChannelId, ShortChannelId};
pub use codec::DecodeError;
pub use messages::Message;
pub use types::{
    Bytes, ChannelId, ChannelTypeBits, Data, FeeRange, OnionPacket, PaymentPreimage, PaymentSecret,
    Repeated,
};

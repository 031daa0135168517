//! What the fields of messages hold, for those who write and show them by name: scenarios,
//! `boltlab decode message`.

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use bitcoin::{Amount, ScriptBuf, Txid};
use secp256k1::PublicKey;
use secp256k1::ecdsa::Signature;

use super::address::Address;
use super::records::{ChannelUpdateChecksums, FeeRange, FundingRetransmit};
use super::types::{
    Alias, BigSize, Bytes, ChannelId, ChannelTypeBits, Data, MessageType, OnionPacket,
    PaymentPreimage, Present, Repeated, RgbColor, SignedSatoshis, UncheckedPoint,
};
use crate::bolt::features::Features;
use crate::bolt::keys::PerCommitmentSecret;
use crate::bolt::onion::attribution::AttributionData;
use crate::bolt::units::{
    BlockHeight, CltvExpiry, CltvExpiryDelta, CommitmentNumber, CsvDelay, FeeratePerKw, HtlcId,
    Msat, ShortChannelId,
};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number of at most so many bits.
    Number(u8),
    /// An amount in satoshis.
    Satoshis,
    /// An amount in satoshis that may be negative.
    SignedSatoshis,
    /// An amount in millisatoshis.
    Millisatoshis,
    /// A fee rate in satoshis per 1000 weight units.
    Feerate,
    /// A number of blocks, with so many bits.
    Blocks(u8),
    /// The height of a block.
    Height,
    /// Where a channel's funding output stands in the chain.
    ShortChannelId,
    /// So many bytes.
    Fixed(usize),
    /// A point on the curve.
    Point,
    /// A signature.
    Signature,
    /// The id of a transaction.
    Txid,
    /// The hash of a chain's first block.
    Chain,
    /// Any number of bytes.
    Bytes,
    /// What an `error` or `warning` says.
    Text,
    /// A script of an output.
    Script,
    /// Feature bits.
    Features,
    /// Feature bits that stand for a channel's format.
    ChannelType,
    /// An address of a node.
    Address,
    /// Nothing: it is there or it is not.
    Present,
    /// Several of these.
    List(&'static Kind),
    /// Several fields in one.
    Compound(&'static [(&'static str, &'static Kind)]),
}

impl Kind {
    /// What it is, in a few words and with its unit.
    pub fn about(&self) -> &'static str {
        match self {
            Self::Number(8) => "A number below 2^8.",
            Self::Number(16) => "A number below 2^16.",
            Self::Number(32) => "A number below 2^32.",
            Self::Number(_) => "A number below 2^64.",
            Self::Satoshis => "An amount in satoshis.",
            Self::SignedSatoshis => "An amount in satoshis, which may be negative.",
            Self::Millisatoshis => "An amount in millisatoshis.",
            Self::Feerate => "A fee rate in satoshis per 1000 weight units.",
            Self::Blocks(_) => "A number of blocks.",
            Self::Height => "The height of a block.",
            Self::ShortChannelId => "A short_channel_id: block x transaction x output.",
            Self::Fixed(_) => "Bytes of a fixed number, in hex.",
            Self::Point => "A point on the curve, 33 bytes in hex.",
            Self::Signature => "A signature, 64 bytes in hex.",
            Self::Txid => "The id of a transaction.",
            Self::Chain => "A chain, by name or by the hash of its first block.",
            Self::Bytes => "Bytes in hex.",
            Self::Text => "A text.",
            Self::Script => "A script of an output, in hex.",
            Self::Features => "Feature bits, by name or in hex.",
            Self::ChannelType => "Feature bits that stand for a channel's format.",
            Self::Address => "An address and a port.",
            Self::Present => "Whether it is there.",
            Self::List(_) => "A list.",
            Self::Compound(_) => "Several fields in one.",
        }
    }
}

/// A type that can say what it holds.
pub trait Typed {
    /// What it holds.
    const KIND: &'static Kind;
}

macro_rules! kinds {
    ($($type:ty: $kind:expr;)*) => {
        $(impl Typed for $type {
            const KIND: &'static Kind = &$kind;
        })*
    };
}

kinds! {
    u8: Kind::Number(8);
    u16: Kind::Number(16);
    u32: Kind::Number(32);
    u64: Kind::Number(64);
    HtlcId: Kind::Number(64);
    CommitmentNumber: Kind::Number(64);
    MessageType: Kind::Number(16);
    BigSize: Kind::Number(64);
    Amount: Kind::Satoshis;
    SignedSatoshis: Kind::SignedSatoshis;
    Msat: Kind::Millisatoshis;
    FeeratePerKw: Kind::Feerate;
    CsvDelay: Kind::Blocks(16);
    CltvExpiryDelta: Kind::Blocks(16);
    CltvExpiry: Kind::Height;
    BlockHeight: Kind::Height;
    ShortChannelId: Kind::ShortChannelId;
    ChannelId: Kind::Fixed(32);
    PaymentPreimage: Kind::Fixed(32);
    PerCommitmentSecret: Kind::Fixed(32);
    sha256::Hash: Kind::Fixed(32);
    RgbColor: Kind::Fixed(3);
    Alias: Kind::Fixed(32);
    OnionPacket: Kind::Fixed(OnionPacket::LENGTH);
    Box<AttributionData>: Kind::Fixed(AttributionData::LENGTH);
    PublicKey: Kind::Point;
    UncheckedPoint: Kind::Point;
    Signature: Kind::Signature;
    Txid: Kind::Txid;
    ChainHash: Kind::Chain;
    Bytes: Kind::Bytes;
    Data: Kind::Text;
    ScriptBuf: Kind::Script;
    Features: Kind::Features;
    ChannelTypeBits: Kind::ChannelType;
    Address: Kind::Address;
    Present: Kind::Present;
    FeeRange: Kind::Compound(&[
        ("min_fee_satoshis", Amount::KIND),
        ("max_fee_satoshis", Amount::KIND),
    ]);
    FundingRetransmit: Kind::Compound(&[
        ("txid", Txid::KIND),
        ("retransmit_flags", u8::KIND),
    ]);
    ChannelUpdateChecksums: Kind::Compound(&[
        ("checksum_node_id_1", u32::KIND),
        ("checksum_node_id_2", u32::KIND),
    ]);
}

impl<T: Typed> Typed for Vec<T> {
    const KIND: &'static Kind = &Kind::List(T::KIND);
}

impl<T: Typed> Typed for Repeated<T> {
    const KIND: &'static Kind = &Kind::List(T::KIND);
}

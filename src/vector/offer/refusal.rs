//! The names of what BOLT 12 strings, and the TLV streams in them, are refused for.

use crate::bolt::gossip::encoded::EncodingError;
use crate::bolt::offer::string::StringError;
use crate::bolt::offer::{Bolt12InvoiceError, InvoiceRequestError, OfferError, ParseError};
use crate::bolt::wire::DecodeError;

/// An error that vectors name.
pub(in crate::vector) trait Named {
    fn name(&self) -> &'static str;
}

/// Names the variants of an error; a variant in brackets is named by what it holds.
macro_rules! names {
    ($type:ident $([$inner:ident($held:ident) => $by:expr])* { $($variant:ident),* $(,)? }) => {
        impl Named for $type {
            fn name(&self) -> &'static str {
                match self {
                    $(Self::$inner($held) => $by.name(),)*
                    $(Self::$variant { .. } => {
                        concat!(stringify!($type), "::", stringify!($variant))
                    })*
                }
            }
        }
    };
}

names! {
    DecodeError {
        Truncated, InvalidPoint, InvalidSignature, UnknownEvenTlv,
        TlvOrder, NotMinimal, TrailingBytes, NotUtf8, UnknownSelector,
    }
}

names! {
    EncodingError {
        NoEncodingType, Compressed, UnknownEncodingType, NotWhole, OutOfOrder, Duplicate, QueryFlag,
        Count,
    }
}

names! {
    StringError { Empty, Character, MixedCase, Join, NoSeparator, Prefix, Padding }
}

names! {
    OfferError [Stream(held) => held.error] {
        OutOfRange, UnknownFeature, NoChains, AmountWithoutDescription, AmountZero,
        CurrencyWithoutAmount, CurrencyNotIso4217, NobodyToAsk, NoPaths, PathWithoutHops,
        UnsupportedChain, Expired,
    }
}

names! {
    InvoiceRequestError [Stream(held) => held.error] [Offer(held) => held] {
        OutOfRange, NoMetadata, NoPayerId, UnknownFeature, NoPaths, PathWithoutHops, InvalidName,
        QuantityMissing, QuantityUnexpected, QuantityZero, QuantityTooLarge, AmountMissing,
        AmountTooLow, AmountOverflow, WithoutOffer, NoDescription, NoSignature, InvalidSignature,
        UnsupportedChain, OtherOffer, Arrival,
    }
}

names! {
    Bolt12InvoiceError [Stream(held) => held.error] {
        NoAmount, NoCreatedAt, NoPaymentHash, NoNodeId, NoPaths, PathWithoutHops, NoPayinfo,
        PayinfoCount, NoUsablePath, UnknownFeature, OtherAmount, OtherNodeId, NoSignature,
        InvalidSignature, UnsupportedChain, Expired, OtherRequest, Arrival, Fallback, NoPrice,
        AmountOverflow,
    }
}

impl<E: Named> Named for ParseError<E> {
    fn name(&self) -> &'static str {
        match self {
            Self::String(error) => error.name(),
            Self::Kind { .. } => "ParseError::Kind",
            Self::Content(error) => error.name(),
        }
    }
}

//! Why a string is no invoice, to the very characters.

use std::ops::Range;

use thiserror::Error;

use crate::bolt::features::Feature;

/// Why a string is no invoice that may be paid. Characters count from 0.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "`characters` and `position` are where in the string it is wrong")]
pub enum InvoiceError {
    /// There is nothing.
    #[error("read an invoice: there is no text")]
    Empty,
    /// A character that no invoice has at this place.
    #[error("read an invoice: no invoice has {found:?} here")]
    InvalidCharacter { position: usize, found: char },
    /// A letter in another case than the first one.
    #[error("read an invoice: upper and lower case are mixed")]
    MixedCase { position: usize },
    /// No `1`, behind which the data part begins.
    #[error("read an invoice: there is no 1 between prefix and data")]
    MissingSeparator,
    /// The data part is too short for what every invoice has.
    #[error(
        "read an invoice: the data part has {words} characters, and at least {least} are needed"
    )]
    TooShort {
        position: usize,
        /// How many characters the data part has.
        words: usize,
        /// How many the timestamp, the signature and the checksum take.
        least: usize,
    },
    /// The checksum is another one: a character is wrong somewhere.
    #[error("read an invoice: the checksum does not fit")]
    Checksum { characters: Range<usize> },
    /// Not the prefix of a network.
    #[error("read the prefix: not that of a known network")]
    UnknownPrefix { characters: Range<usize> },
    /// Something follows the amount's digits that is no multiplier.
    #[error("read the amount: only one of m, u, n and p may follow its digits")]
    UnknownMultiplier { characters: Range<usize> },
    /// Zero, or a zero before other digits.
    #[error("read the amount: it begins with a 0")]
    LeadingZeroAmount { position: usize },
    /// A part of a millisatoshi.
    #[error(
        "read the amount: pico-bitcoin must end in 0, as there is nothing below a millisatoshi"
    )]
    SubMillisatoshi { position: usize },
    /// More than 2^64 - 1 millisatoshis.
    #[error("read the amount: more than 2^64 - 1 millisatoshis")]
    AmountTooLarge { characters: Range<usize> },
    /// A type without a length before the signature begins.
    #[error("read a field: the signature begins before its length ends")]
    FieldTruncated { characters: Range<usize> },
    /// A field that reaches into the signature.
    #[error("read a field: it has {length} characters, and {left} are left before the signature")]
    FieldTooLong {
        characters: Range<usize>,
        /// What the field says.
        length: usize,
        /// How many there are.
        left: usize,
    },
    /// `x`, `c` or `9` begins with zeros.
    #[error("read a number: it begins with zeros")]
    NotMinimal { characters: Range<usize> },
    /// `x` or `c` is beyond 2^64 - 1.
    #[error("read a number: more than 2^64 - 1")]
    NumberTooLarge { characters: Range<usize> },
    /// `d` is no text.
    #[error("read the description: not UTF-8")]
    DescriptionNotUtf8 { characters: Range<usize> },
    /// `n`, or a `pubkey` in `r`, is no point on the curve.
    #[error("read a public key: not a point in compressed format")]
    InvalidPoint { characters: Range<usize> },
    /// `r` is empty, or its last hop is cut off.
    #[error("read a route: {bytes} bytes, and every hop has {hop}")]
    RouteLength {
        characters: Range<usize>,
        /// How many bytes there are.
        bytes: usize,
        /// How many each hop has.
        hop: usize,
    },
    /// `f` has a known version, and not as many bytes as that has.
    #[error("read a fallback address: version {version} does not have {bytes} bytes")]
    FallbackLength {
        characters: Range<usize>,
        /// Its version.
        version: u8,
        /// How many bytes follow.
        bytes: usize,
    },
    /// No `p` field of the right length.
    #[error("find the payment_hash: there is no p field of the right length")]
    MissingPaymentHash,
    /// No `s` field of the right length.
    #[error("find the payment_secret: there is no s field of the right length")]
    MissingPaymentSecret,
    /// Neither `d` nor `h`.
    #[error("find the description: there is neither a d nor an h field")]
    MissingDescription,
    /// Both `d` and `h`; the second of them is to blame.
    #[error("find the description: there are both a d and an h field")]
    TwoDescriptions { characters: Range<usize> },
    /// An even feature bit that is not known in invoices.
    #[error("support the feature bit {bit}: even, and unknown in an invoice")]
    UnknownFeature {
        position: usize,
        /// The bit.
        bit: u32,
    },
    /// A feature without another one that it depends on.
    #[error("support {}: it depends on {}, which is not set", .feature.name, .needs.name)]
    MissingDependency {
        characters: Range<usize>,
        /// The feature.
        feature: Feature,
        /// What it depends on.
        needs: Feature,
    },
    /// The recovery id is beyond 3.
    #[error("read the signature: the recovery id is {found}, and 3 is the greatest")]
    RecoveryId {
        characters: Range<usize>,
        /// The id.
        found: u8,
    },
    /// Not two numbers below the curve's order.
    #[error("read the signature: out of range")]
    SignatureOutOfRange { characters: Range<usize> },
    /// No public key can have made the signature.
    #[error("recover the payee from the signature: no key can have made it")]
    NotRecoverable { characters: Range<usize> },
    /// S is in the upper half, which a stated payee must not use.
    #[error("verify the signature: its S is high, which is not allowed beside an n field")]
    HighS { characters: Range<usize> },
    /// The stated payee did not sign this.
    #[error("verify the signature: not made by the key of the n field over this invoice")]
    WrongSignature { characters: Range<usize> },
}

impl InvoiceError {
    /// The characters of the string that are to blame, counted from 0; `None` if something is
    /// missing and no place is better than another. An empty range is the place where the string
    /// ends too early.
    pub fn position(&self) -> Option<Range<usize>> {
        match self {
            Self::Empty
            | Self::MissingSeparator
            | Self::MissingPaymentHash
            | Self::MissingPaymentSecret
            | Self::MissingDescription => None,
            Self::TooShort { position, .. } => Some(*position..*position),
            Self::InvalidCharacter { position, .. }
            | Self::MixedCase { position }
            | Self::LeadingZeroAmount { position }
            | Self::SubMillisatoshi { position }
            | Self::UnknownFeature { position, .. } => Some(*position..position.saturating_add(1)),
            Self::Checksum { characters }
            | Self::UnknownPrefix { characters }
            | Self::UnknownMultiplier { characters }
            | Self::AmountTooLarge { characters }
            | Self::FieldTruncated { characters }
            | Self::FieldTooLong { characters, .. }
            | Self::NotMinimal { characters }
            | Self::NumberTooLarge { characters }
            | Self::DescriptionNotUtf8 { characters }
            | Self::InvalidPoint { characters }
            | Self::RouteLength { characters, .. }
            | Self::FallbackLength { characters, .. }
            | Self::TwoDescriptions { characters }
            | Self::MissingDependency { characters, .. }
            | Self::RecoveryId { characters, .. }
            | Self::SignatureOutOfRange { characters }
            | Self::NotRecoverable { characters }
            | Self::HighS { characters }
            | Self::WrongSignature { characters } => Some(characters.clone()),
        }
    }
}

/// Why a draft cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DraftError {
    /// The timestamp has more than 35 bits.
    #[error("write the timestamp: {0} has more than 35 bits")]
    Timestamp(u64),
    /// A field has more words than its length can say.
    #[error("write a field: {words} words, and {most} are the most")]
    FieldTooLong {
        /// How many it has.
        words: usize,
        /// How many it may have.
        most: usize,
    },
    /// It can be written, but no reader may take it.
    #[error("write an invoice that can be paid: a reader fails to {0}")]
    Refused(InvoiceError),
}

//! The tagged fields. BOLT 11, "Tagged Fields".

use std::ops::Range;

use bech32::Fe32;
use bitcoin::hashes::{Hash, sha256};
use secp256k1::PublicKey;

use super::error::InvoiceError;
use super::fallback::{Fallback, WrongLength};
use super::words;
use crate::bolt::features::Features;
use crate::bolt::units::CltvExpiryDelta;
use crate::bolt::wire::codec::{Field as Codec, whole};
use crate::bolt::wire::{Bytes, DecodeError, PaymentSecret, ShortChannelId};

/// The types of fields that have a meaning, as bech32 writes them.
pub(super) mod tags {
    use bech32::Fe32;

    pub(in super::super) const PAYMENT_HASH: Fe32 = Fe32::P;
    pub(in super::super) const PAYMENT_SECRET: Fe32 = Fe32::S;
    pub(in super::super) const DESCRIPTION: Fe32 = Fe32::D;
    pub(in super::super) const METADATA: Fe32 = Fe32::M;
    pub(in super::super) const PAYEE: Fe32 = Fe32::N;
    pub(in super::super) const DESCRIPTION_HASH: Fe32 = Fe32::H;
    pub(in super::super) const EXPIRY: Fe32 = Fe32::X;
    pub(in super::super) const MIN_FINAL_CLTV_EXPIRY_DELTA: Fe32 = Fe32::C;
    pub(in super::super) const FALLBACK: Fe32 = Fe32::F;
    pub(in super::super) const ROUTE: Fe32 = Fe32::R;
    pub(in super::super) const FEATURES: Fe32 = Fe32::_9;
}

/// How many words a field of 32 bytes has, and one with a public key.
const HASH_WORDS: usize = 52;
const POINT_WORDS: usize = 53;

/// What a tagged field says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvoiceField {
    /// `p`: what the payment is locked to.
    PaymentHash(sha256::Hash),
    /// `s`: keeps forwarding nodes from probing the payee.
    PaymentSecret(PaymentSecret),
    /// `d`: what the payment is for.
    Description(String),
    /// `m`: what the payer hands to the payee with the payment.
    Metadata(Bytes),
    /// `n`: the payee's node id.
    Payee(PublicKey),
    /// `h`: the hash of a description that is elsewhere.
    DescriptionHash(sha256::Hash),
    /// `x`: for how many seconds from the timestamp on it can be paid.
    Expiry(u64),
    /// `c`: how many blocks the last HTLC must have left, at the least. The field has no limit of
    /// its own, so this can be more than an onion could carry.
    MinFinalCltvExpiryDelta(u64),
    /// `f`: where to pay on chain if Lightning fails.
    Fallback(Fallback),
    /// `r`: the way from a public node to the payee.
    Route(Vec<RouteHop>),
    /// `9`: what the payer may or must know of.
    Features(Features),
    /// A field to pass over: of an unknown type, of a fallback address of an unknown version, or a
    /// `p`, `h`, `s` or `n` whose length is not that of its type.
    Other {
        /// Its type.
        tag: Fe32,
        /// Its data.
        words: Vec<Fe32>,
    },
}

/// One hop of a route to the payee: a channel, seen from the node where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteHop {
    /// The node at the start of the channel.
    pub pubkey: PublicKey,
    /// The channel.
    pub short_channel_id: ShortChannelId,
    /// The part of its fee that every payment pays.
    pub fee_base_msat: u32,
    /// The part that grows with the amount.
    pub fee_proportional_millionths: u32,
    /// How many blocks it wants for itself.
    pub cltv_expiry_delta: CltvExpiryDelta,
}

impl RouteHop {
    /// How many bytes a hop has.
    pub const LENGTH: usize = 51;
}

impl Codec for RouteHop {
    fn write(&self, out: &mut Vec<u8>) {
        self.pubkey.write(out);
        self.short_channel_id.write(out);
        self.fee_base_msat.write(out);
        self.fee_proportional_millionths.write(out);
        self.cltv_expiry_delta.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Ok(Self {
            pubkey: Codec::read(input)?,
            short_channel_id: Codec::read(input)?,
            fee_base_msat: Codec::read(input)?,
            fee_proportional_millionths: Codec::read(input)?,
            cltv_expiry_delta: Codec::read(input)?,
        })
    }
}

impl InvoiceField {
    /// Its type.
    pub fn tag(&self) -> Fe32 {
        match self {
            Self::PaymentHash(_) => tags::PAYMENT_HASH,
            Self::PaymentSecret(_) => tags::PAYMENT_SECRET,
            Self::Description(_) => tags::DESCRIPTION,
            Self::Metadata(_) => tags::METADATA,
            Self::Payee(_) => tags::PAYEE,
            Self::DescriptionHash(_) => tags::DESCRIPTION_HASH,
            Self::Expiry(_) => tags::EXPIRY,
            Self::MinFinalCltvExpiryDelta(_) => tags::MIN_FINAL_CLTV_EXPIRY_DELTA,
            Self::Fallback(_) => tags::FALLBACK,
            Self::Route(_) => tags::ROUTE,
            Self::Features(_) => tags::FEATURES,
            Self::Other { tag, .. } => *tag,
        }
    }

    /// Reads the data of a field; `start` is the position of its first character.
    ///
    /// # Errors
    /// What is wrong with it, if it may not just be passed over.
    pub(super) fn read(tag: Fe32, words: &[Fe32], start: usize) -> Result<Self, InvoiceError> {
        let all = || start..start.saturating_add(words.len());
        let other = || Self::Other { tag, words: words.to_vec() };
        let fixed = |length: usize| (words.len() == length).then(|| words::to_bytes(words));
        let hash = || fixed(HASH_WORDS).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let field = match tag {
            tags::PAYMENT_HASH => {
                hash().map_or_else(other, |h| Self::PaymentHash(sha256::Hash::from_byte_array(h)))
            }
            tags::PAYMENT_SECRET => {
                hash().map_or_else(other, |secret| Self::PaymentSecret(PaymentSecret(secret)))
            }
            tags::DESCRIPTION_HASH => hash()
                .map_or_else(other, |h| Self::DescriptionHash(sha256::Hash::from_byte_array(h))),
            tags::PAYEE => match fixed(POINT_WORDS) {
                Some(bytes) => Self::Payee(
                    PublicKey::from_slice(&bytes)
                        .map_err(|_| InvoiceError::InvalidPoint { characters: all() })?,
                ),
                None => other(),
            },
            tags::DESCRIPTION => read_description(words, start)?,
            tags::METADATA => Self::Metadata(Bytes(words::to_bytes(words))),
            tags::EXPIRY => Self::Expiry(read_number(words, start)?),
            tags::MIN_FINAL_CLTV_EXPIRY_DELTA => {
                Self::MinFinalCltvExpiryDelta(read_number(words, start)?)
            }
            tags::FALLBACK => read_fallback(words, start)?.map_or_else(other, Self::Fallback),
            tags::ROUTE => read_route(words, all())?,
            tags::FEATURES => {
                check_minimal(words, start)?;
                Self::Features(Features::from_bytes(&words::to_bit_string(words)))
            }
            _ => other(),
        };
        Ok(field)
    }

    /// Its data.
    pub(super) fn to_words(&self) -> Vec<Fe32> {
        let mut words = Vec::new();
        match self {
            Self::PaymentHash(hash) | Self::DescriptionHash(hash) => {
                words::append_bytes(hash.as_byte_array(), &mut words);
            }
            Self::PaymentSecret(secret) => words::append_bytes(&secret.0, &mut words),
            Self::Description(text) => words::append_bytes(text.as_bytes(), &mut words),
            Self::Metadata(bytes) => words::append_bytes(&bytes.0, &mut words),
            Self::Payee(key) => words::append_bytes(&key.serialize(), &mut words),
            Self::Expiry(number) | Self::MinFinalCltvExpiryDelta(number) => {
                words = words::from_number(*number);
            }
            Self::Fallback(fallback) => {
                words.push(Fe32::try_from(fallback.version()).unwrap_or(Fe32::Q));
                words::append_bytes(fallback.program(), &mut words);
            }
            Self::Route(hops) => {
                let mut bytes = Vec::new();
                for hop in hops {
                    hop.write(&mut bytes);
                }
                words::append_bytes(&bytes, &mut words);
            }
            Self::Features(features) => words = words::from_bit_string(features.as_bytes()),
            Self::Other { words: raw, .. } => words.clone_from(raw),
        }
        words
    }
}

/// A number begins with no zero, or is empty.
fn check_minimal(words: &[Fe32], start: usize) -> Result<(), InvoiceError> {
    match words.iter().take_while(|word| **word == Fe32::Q).count() {
        0 => Ok(()),
        zeros => Err(InvoiceError::NotMinimal { characters: start..start.saturating_add(zeros) }),
    }
}

fn read_number(words: &[Fe32], start: usize) -> Result<u64, InvoiceError> {
    check_minimal(words, start)?;
    let characters = start..start.saturating_add(words.len());
    words::to_number(words).ok_or(InvoiceError::NumberTooLarge { characters })
}

fn read_description(words: &[Fe32], start: usize) -> Result<InvoiceField, InvoiceError> {
    String::from_utf8(words::to_bytes(words)).map(InvoiceField::Description).map_err(|error| {
        let error = error.utf8_error();
        let valid = error.valid_up_to();
        let end = error
            .error_len()
            .map_or(words::whole_bytes(words.len()), |length| valid.saturating_add(length));
        let first = start.saturating_add(words::whole_words(valid));
        let characters = first..start.saturating_add(words::words_of(end));
        InvoiceError::DescriptionNotUtf8 { characters }
    })
}

fn read_fallback(words: &[Fe32], start: usize) -> Result<Option<Fallback>, InvoiceError> {
    let Some((version, program)) = words.split_first() else { return Ok(None) };
    let (version, bytes) = (version.to_u8(), words::to_bytes(program));
    let characters = start..start.saturating_add(words.len());
    let wrong =
        |WrongLength| InvoiceError::FallbackLength { characters, version, bytes: bytes.len() };
    Fallback::read(version, &bytes).transpose().map_err(wrong)
}

fn read_route(words: &[Fe32], characters: Range<usize>) -> Result<InvoiceField, InvoiceError> {
    let bytes = words::to_bytes(words);
    let (length, hop) = (bytes.len(), RouteHop::LENGTH);
    if length == 0 || !length.is_multiple_of(hop) {
        return Err(InvoiceError::RouteLength { characters, bytes: length, hop });
    }
    let hops = bytes.chunks_exact(hop).zip(0_usize..).map(|(bytes, index)| {
        whole(bytes).map_err(|_| {
            let first = words::whole_words(index.saturating_mul(hop));
            let key = index.saturating_mul(hop).saturating_add(33);
            let at = |words: usize| characters.start.saturating_add(words);
            InvoiceError::InvalidPoint { characters: at(first)..at(words::words_of(key)) }
        })
    });
    hops.collect::<Result<_, _>>().map(InvoiceField::Route)
}

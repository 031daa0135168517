//! `offer`: what someone can pay for, and how to ask for an invoice. BOLT 12, "Offers".

use std::fmt;
use std::str::FromStr;

use bitcoin::constants::ChainHash;
use bitcoin::hex::DisplayHex;
use secp256k1::PublicKey;
use serde::Serialize;
use thiserror::Error;

use super::error::{Blame, Blamed, ParseError, parse};
use super::fields::{
    BadPaths, OFFER, OfferFields, check_paths, final_ids, first_outside, unknown_even_bit, within,
};
use super::merkle;
use super::string::{self, Kind};
use crate::bolt::hex_bytes;
use crate::bolt::units::Msat;
use crate::bolt::wire::tlv::TlvError;

/// An offer that breaks no requirement that it could break by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    raw: Vec<u8>,
    fields: OfferFields,
}

/// What names an offer: the root of its Merkle tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct OfferId(#[serde(serialize_with = "hex_bytes::serialize")] pub [u8; 32]);

impl fmt::Display for OfferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hex(), f)
    }
}

impl fmt::Debug for OfferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OfferId({self})")
    }
}

/// What an item costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferAmount {
    /// In the unit of the chain.
    Msat(Msat),
    /// In another currency; the issuer converts it when it makes an invoice.
    Currency {
        /// The code of ISO 4217.
        iso4217: String,
        /// How many of the currency's smallest units.
        minor_units: u64,
    },
}

/// How many items one invoice can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// A request names no number.
    One,
    /// A request names one up to this.
    UpTo(u64),
    /// A request names any but zero.
    Unlimited,
}

/// What a reader knows that a stream does not say.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// The chains on which it pays or is paid.
    pub chains: &'a [ChainHash],
    /// Seconds since 1970.
    pub now: u64,
}

/// How an onion message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// To the node's own id.
    Direct,
    /// Over the blinded path that ends in this id.
    Path(PublicKey),
}

/// Which requirement an offer breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OfferError {
    /// It is no such stream.
    #[error(transparent)]
    Stream(#[from] TlvError),
    /// A record that no offer has.
    #[error(
        "record {0} does not belong into an offer: those are 1 to 79 and 1000000000 to 1999999999"
    )]
    OutOfRange(u64),
    /// An unknown feature that whoever answers must know.
    #[error("offer_features has the unknown even bit {0}")]
    UnknownFeature(u32),
    /// `offer_chains` without a chain.
    #[error("offer_chains is there and lists no chain")]
    NoChains,
    /// A price without what it is for.
    #[error("offer_amount is set, and offer_description is not")]
    AmountWithoutDescription,
    /// A price of nothing.
    #[error("offer_amount is zero")]
    AmountZero,
    /// A currency, but no price in it.
    #[error("offer_currency is set, and offer_amount is not")]
    CurrencyWithoutAmount,
    /// Not the shape of a code of ISO 4217.
    #[error("offer_currency is not three upper-case letters")]
    CurrencyNotIso4217,
    /// Nobody to ask for an invoice.
    #[error("neither offer_issuer_id nor offer_paths is set")]
    NobodyToAsk,
    /// `offer_paths` without a path.
    #[error("offer_paths is there and lists no path")]
    NoPaths,
    /// A path that leads nowhere.
    #[error("path {0} of offer_paths has no hops")]
    PathWithoutHops(usize),
    /// None of the chains is the reader's.
    #[error("none of the offer's chains is supported")]
    UnsupportedChain,
    /// Its time is over.
    #[error("the offer has expired: offer_absolute_expiry is {expiry}, and it is {now}")]
    Expired {
        /// When it ended.
        expiry: u64,
        /// The time now.
        now: u64,
    },
}

impl Blamed for OfferError {
    fn blame(&self) -> Blame {
        match self {
            Self::Stream(error) => error.blame(),
            Self::OutOfRange(number) => Blame::Record(*number),
            Self::UnknownFeature(_) => Blame::Record(12),
            Self::NoChains | Self::UnsupportedChain => Blame::Record(2),
            Self::AmountWithoutDescription | Self::AmountZero => Blame::Record(8),
            Self::CurrencyWithoutAmount | Self::CurrencyNotIso4217 => Blame::Record(6),
            Self::NobodyToAsk => Blame::Missing,
            Self::NoPaths | Self::PathWithoutHops(_) => Blame::Record(16),
            Self::Expired { .. } => Blame::Record(14),
        }
    }
}

impl Offer {
    /// Reads an offer from the bytes of its records.
    ///
    /// # Errors
    /// The first requirement that it breaks.
    pub fn from_bytes(raw: Vec<u8>) -> Result<Self, OfferError> {
        if let Some(number) = first_outside(&raw, |number| within(OFFER, number))? {
            return Err(OfferError::OutOfRange(number));
        }
        let fields = OfferFields::decode(&raw)?;
        check(&fields)?;
        Ok(Self { raw, fields })
    }

    /// Makes an offer of these fields.
    ///
    /// # Errors
    /// The first requirement that it would break.
    pub fn new(fields: &OfferFields) -> Result<Self, OfferError> {
        Self::from_bytes(fields.encode())
    }

    /// Its records' bytes, as they came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// Its fields, as the BOLT names them.
    pub fn fields(&self) -> &OfferFields {
        &self.fields
    }

    /// What names it.
    pub fn id(&self) -> OfferId {
        OfferId(merkle::root(&self.raw).unwrap_or_default())
    }

    /// The text for a QR code, which takes less room in upper case.
    pub fn to_qr_text(&self) -> String {
        self.to_string().to_uppercase()
    }

    /// Whether it can be paid on this chain; Bitcoin's is meant if none is named.
    pub fn supports(&self, chain: ChainHash) -> bool {
        match &self.fields.offer_chains {
            Some(chains) => chains.0.contains(&chain),
            None => chain == ChainHash::BITCOIN,
        }
    }

    /// What an item costs, if that is fixed.
    pub fn amount(&self) -> Option<OfferAmount> {
        let amount = self.fields.offer_amount?;
        Some(match &self.fields.offer_currency {
            None => OfferAmount::Msat(Msat(amount)),
            Some(code) => OfferAmount::Currency { iso4217: code.clone(), minor_units: amount },
        })
    }

    /// How many items one invoice can be for.
    pub fn quantity(&self) -> Quantity {
        match self.fields.offer_quantity_max {
            None => Quantity::One,
            Some(0) => Quantity::Unlimited,
            Some(most) => Quantity::UpTo(most),
        }
    }

    /// The keys that may sign an invoice for it: the issuer's, or those at the paths' ends.
    pub fn invoice_node_ids(&self) -> Vec<PublicKey> {
        match self.fields.offer_issuer_id {
            Some(id) => vec![id],
            None => final_ids(self.fields.offer_paths.as_ref()).collect(),
        }
    }

    /// Whether it can be answered here and now.
    ///
    /// # Errors
    /// [`OfferError::UnsupportedChain`] and [`OfferError::Expired`].
    pub fn check(&self, here: Here<'_>) -> Result<(), OfferError> {
        if !here.chains.iter().any(|chain| self.supports(*chain)) {
            return Err(OfferError::UnsupportedChain);
        }
        match self.fields.offer_absolute_expiry {
            Some(expiry) if here.now > expiry => Err(OfferError::Expired { expiry, now: here.now }),
            _ => Ok(()),
        }
    }
}

/// What an offer demands of its fields.
fn check(fields: &OfferFields) -> Result<(), OfferError> {
    let require = |holds: bool, error| if holds { Ok(()) } else { Err(error) };
    if let Some(bit) = unknown_even_bit(fields.offer_features.as_ref(), &[]) {
        return Err(OfferError::UnknownFeature(bit));
    }
    require(fields.offer_chains.as_ref().is_none_or(|c| !c.0.is_empty()), OfferError::NoChains)?;
    check_amount(
        fields.offer_amount,
        fields.offer_currency.as_deref(),
        fields.offer_description.is_some(),
    )?;
    let somebody = fields.offer_issuer_id.is_some() || fields.offer_paths.is_some();
    require(somebody, OfferError::NobodyToAsk)?;
    fields.offer_paths.as_ref().map_or(Ok(()), check_paths).map_err(|bad| match bad {
        BadPaths::None => OfferError::NoPaths,
        BadPaths::WithoutHops(path) => OfferError::PathWithoutHops(path),
    })
}

/// What ties amount, currency and description together.
fn check_amount(
    amount: Option<u64>,
    currency: Option<&str>,
    described: bool,
) -> Result<(), OfferError> {
    if amount.is_some() && !described {
        return Err(OfferError::AmountWithoutDescription);
    }
    if amount == Some(0) {
        return Err(OfferError::AmountZero);
    }
    let Some(currency) = currency else { return Ok(()) };
    if amount.is_none() {
        return Err(OfferError::CurrencyWithoutAmount);
    }
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_code { Ok(()) } else { Err(OfferError::CurrencyNotIso4217) }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&string::encode(Kind::Offer, &self.raw))
    }
}

impl FromStr for Offer {
    type Err = ParseError<OfferError>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, Kind::Offer, Self::from_bytes)
    }
}

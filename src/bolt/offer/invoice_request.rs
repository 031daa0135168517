//! `invoice_request`: asks for an invoice, for an offer or out of nothing. BOLT 12, "Invoice
//! Requests".

use std::fmt;
use std::str::FromStr;

use bitcoin::constants::ChainHash;
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::error::{ParseError, parse};
use super::fields::{
    BadPaths, Bip353Name, InvoiceRequestFields, OFFER, REQUEST, check_paths, final_ids,
    first_outside, merge, subset, unknown_even_bit, within,
};
use super::merkle::SIGNATURES;
use super::offer::{Arrival, Here, Offer, OfferError};
use super::request_refusal::{InvoiceRequestError, InvoiceRequestError as E};
use super::signature::{Signed, sign, verifies};
use super::string::{self, Kind};
use crate::bolt::features::Features;
use crate::bolt::units::Msat;
use crate::bolt::wire::Bytes;

/// A request that breaks no requirement that it could break by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceRequest {
    raw: Vec<u8>,
    fields: InvoiceRequestFields,
}

/// What a payer adds to an offer's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestTerms {
    /// Bytes that nobody can guess; also how the payer knows its key again.
    pub invreq_metadata: Bytes,
    /// On which of the offer's chains; Bitcoin if there is none.
    pub invreq_chain: Option<ChainHash>,
    /// What is to be paid; may be left out if the offer names a price.
    pub invreq_amount: Option<Msat>,
    /// What the payer supports.
    pub invreq_features: Option<Features>,
    /// How many items.
    pub invreq_quantity: Option<u64>,
    /// A note to the issuer.
    pub invreq_payer_note: Option<String>,
    /// The name by which the offer was found.
    pub invreq_bip_353_name: Option<Bip353Name>,
}

/// How an issuer sees a request that it got.
#[derive(Clone, Copy, Debug)]
pub struct Accepted<'a> {
    /// Its chains and time.
    pub here: Here<'a>,
    /// How the request came.
    pub arrival: Arrival,
    /// What an item costs now, if the offer's price is in another currency.
    pub item_price: Option<Msat>,
}

impl InvoiceRequest {
    /// Reads a request from the bytes of its records.
    ///
    /// # Errors
    /// The first requirement that it breaks.
    pub fn from_bytes(raw: Vec<u8>) -> Result<Self, InvoiceRequestError> {
        let allowed = |number: u64| within(REQUEST, number) || SIGNATURES.contains(&number);
        if let Some(number) = first_outside(&raw, allowed)? {
            return Err(E::OutOfRange(number));
        }
        let fields = InvoiceRequestFields::decode(&raw)?;
        let request = Self { raw, fields };
        request.check_fields()?;
        if request.is_for_offer() {
            request.offer().map_err(E::Offer)?;
            request.check_quantity()?;
            request.check_amount(None)?;
        } else {
            request.check_without_offer()?;
        }
        request.check_signature()?;
        Ok(request)
    }

    /// Asks for an invoice for the offer, in the name of this key, which should be used once only.
    ///
    /// # Errors
    /// The first requirement that the request would break.
    pub fn for_offer(
        offer: &Offer,
        terms: RequestTerms,
        payer_key: &SecretKey,
    ) -> Result<Self, InvoiceRequestError> {
        let added = InvoiceRequestFields {
            invreq_metadata: Some(terms.invreq_metadata),
            invreq_chain: terms.invreq_chain,
            invreq_amount: terms.invreq_amount,
            invreq_features: terms.invreq_features,
            invreq_quantity: terms.invreq_quantity,
            invreq_payer_id: Some(payer_key.public_key(SECP256K1)),
            invreq_payer_note: terms.invreq_payer_note,
            invreq_bip_353_name: terms.invreq_bip_353_name,
            ..InvoiceRequestFields::default()
        };
        let unsigned = merge(&[offer.as_bytes(), &added.encode()])?;
        let signature = Some(sign(Signed::InvoiceRequest, &unsigned, payer_key)?);
        let signature = InvoiceRequestFields { signature, ..InvoiceRequestFields::default() };
        let request = Self::from_bytes(merge(&[&unsigned, &signature.encode()])?)?;
        if offer.supports(request.chain()) { Ok(request) } else { Err(E::UnsupportedChain) }
    }

    /// Offers to pay whoever sends an invoice: a request that is published by itself.
    ///
    /// # Errors
    /// The first requirement that it would break.
    pub fn without_offer(fields: &InvoiceRequestFields) -> Result<Self, InvoiceRequestError> {
        let raw = fields.encode();
        let forbidden =
            |number| SIGNATURES.contains(&number) || [4, 6, 8, 16, 22].contains(&number);
        if let Some(number) = first_outside(&raw, |number| !forbidden(number))? {
            return Err(E::WithoutOffer(number));
        }
        if fields.offer_description.is_none() {
            return Err(E::NoDescription);
        }
        Self::from_bytes(raw)
    }

    /// Its records' bytes, as they came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// Its fields, as the BOLT names them.
    pub fn fields(&self) -> &InvoiceRequestFields {
        &self.fields
    }

    /// Whether it answers an offer.
    pub fn is_for_offer(&self) -> bool {
        self.fields.offer_issuer_id.is_some() || self.fields.offer_paths.is_some()
    }

    /// The chain on which it is to be paid.
    pub fn chain(&self) -> ChainHash {
        self.fields.invreq_chain.unwrap_or(ChainHash::BITCOIN)
    }

    /// The offer that it repeats.
    ///
    /// # Errors
    /// Why what it repeats is no offer.
    pub fn offer(&self) -> Result<Offer, OfferError> {
        Offer::from_bytes(subset(&self.raw, |number| within(OFFER, number))?)
    }

    /// What the offer asks for: its price times the quantity. `None` if it names no price, or one
    /// in another currency and what an item costs (`item_price`) is not given.
    ///
    /// # Errors
    /// [`InvoiceRequestError::AmountOverflow`].
    pub fn expected_amount(
        &self,
        item_price: Option<Msat>,
    ) -> Result<Option<Msat>, InvoiceRequestError> {
        let price = match (self.fields.offer_amount, &self.fields.offer_currency) {
            (Some(amount), None) => amount,
            (Some(_), Some(_)) => match item_price {
                Some(price) => price.0,
                None => return Ok(None),
            },
            (None, _) => return Ok(None),
        };
        let quantity = self.fields.invreq_quantity.unwrap_or(1);
        price.checked_mul(quantity).map(Msat).map(Some).ok_or(E::AmountOverflow)
    }

    /// Checks it as the issuer of the offer that it should be for.
    ///
    /// # Errors
    /// The first requirement that it breaks.
    pub fn check_for(
        &self,
        offer: &Offer,
        accepted: Accepted<'_>,
    ) -> Result<(), InvoiceRequestError> {
        if subset(&self.raw, |number| within(OFFER, number))? != offer.as_bytes() {
            return Err(E::OtherOffer);
        }
        offer.check(accepted.here).map_err(E::Offer)?;
        self.check_chain(accepted.here)?;
        if !offer.supports(self.chain()) {
            return Err(E::UnsupportedChain);
        }
        let arrived = match (&offer.fields().offer_paths, accepted.arrival) {
            (Some(paths), Arrival::Path(id)) => final_ids(Some(paths)).any(|end| end == id),
            (None, Arrival::Direct) => true,
            (Some(_), Arrival::Direct) | (None, Arrival::Path(_)) => false,
        };
        if !arrived {
            return Err(E::Arrival);
        }
        self.check_amount(accepted.item_price)
    }

    /// Checks that its chain is one of the reader's.
    ///
    /// # Errors
    /// [`InvoiceRequestError::UnsupportedChain`].
    pub fn check_chain(&self, here: Here<'_>) -> Result<(), InvoiceRequestError> {
        if here.chains.contains(&self.chain()) { Ok(()) } else { Err(E::UnsupportedChain) }
    }

    fn check_fields(&self) -> Result<(), InvoiceRequestError> {
        let fields = &self.fields;
        fields.invreq_metadata.as_ref().ok_or(E::NoMetadata)?;
        fields.invreq_payer_id.ok_or(E::NoPayerId)?;
        if let Some(bit) = unknown_even_bit(fields.invreq_features.as_ref(), &[]) {
            return Err(E::UnknownFeature(bit));
        }
        fields.invreq_paths.as_ref().map_or(Ok(()), check_paths).map_err(|bad| match bad {
            BadPaths::None => E::NoPaths,
            BadPaths::WithoutHops(path) => E::PathWithoutHops(path),
        })?;
        match &fields.invreq_bip_353_name {
            Some(name) if !name.is_valid() => Err(E::InvalidName),
            _ => Ok(()),
        }
    }

    fn check_quantity(&self) -> Result<(), InvoiceRequestError> {
        match (self.fields.invreq_quantity, self.fields.offer_quantity_max) {
            (None, Some(_)) => Err(E::QuantityMissing),
            (Some(_), None) => Err(E::QuantityUnexpected),
            (Some(0), Some(_)) => Err(E::QuantityZero),
            (Some(quantity), Some(most)) if most > 0 && quantity > most => {
                Err(E::QuantityTooLarge { quantity, most })
            }
            (None, None) | (Some(_), Some(_)) => Ok(()),
        }
    }

    fn check_amount(&self, item_price: Option<Msat>) -> Result<(), InvoiceRequestError> {
        let expected = self.expected_amount(item_price)?;
        match (self.fields.invreq_amount, expected) {
            (None, _) if self.fields.offer_amount.is_none() => Err(E::AmountMissing),
            (Some(amount), Some(expected)) if amount < expected => {
                Err(E::AmountTooLow { amount, expected })
            }
            _ => Ok(()),
        }
    }

    fn check_without_offer(&self) -> Result<(), InvoiceRequestError> {
        let forbidden = |number: u64| [2, 12, 20].contains(&number);
        if let Some(number) = first_outside(&self.raw, |number| !forbidden(number))? {
            return Err(E::WithoutOffer(number));
        }
        self.fields.invreq_amount.map(drop).ok_or(E::AmountMissing)
    }

    fn check_signature(&self) -> Result<(), InvoiceRequestError> {
        let Some(signature) = &self.fields.signature else {
            return if self.is_for_offer() { Err(E::NoSignature) } else { Ok(()) };
        };
        let by = self.fields.invreq_payer_id.ok_or(E::NoPayerId)?;
        let valid = verifies(Signed::InvoiceRequest, &self.raw, signature, &by);
        if valid { Ok(()) } else { Err(E::InvalidSignature) }
    }

    /// The key that asked.
    pub fn payer_id(&self) -> Option<PublicKey> {
        self.fields.invreq_payer_id
    }
}

impl fmt::Display for InvoiceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&string::encode(Kind::InvoiceRequest, &self.raw))
    }
}

impl FromStr for InvoiceRequest {
    type Err = ParseError<InvoiceRequestError>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, Kind::InvoiceRequest, Self::from_bytes)
    }
}

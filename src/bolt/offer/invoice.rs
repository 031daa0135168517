//! `invoice`: what to pay, over which paths and until when. BOLT 12, "Invoices".

use std::fmt;
use std::str::FromStr;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::error::{ParseError, parse};
use super::fields::{
    BadPaths, BlindedPayinfo, FallbackAddress, InvoiceFields, REQUEST, check_paths, final_ids,
    merge, subset, unknown_even_bit, within,
};
use super::invoice_refusal::{Bolt12InvoiceError, Bolt12InvoiceError as E};
use super::invoice_request::InvoiceRequest;
use super::offer::{Arrival, Here};
use super::signature::{Signed, sign, verifies};
use super::string::{self, Kind};
use crate::bolt::features::{Feature, Features};
use crate::bolt::onion::BlindedPath;
use crate::bolt::units::Msat;
use crate::bolt::wire::Repeated;

/// `invoice_relative_expiry` where it is not set.
const DEFAULT_EXPIRY: u32 = 7200;

/// An invoice that breaks no requirement that it could break by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bolt12Invoice {
    raw: Vec<u8>,
    fields: InvoiceFields,
}

/// What an issuer adds to a request's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceTerms {
    /// The ways to pay it, the preferred one first, and what each costs.
    pub paths: Vec<(BlindedPath, BlindedPayinfo)>,
    /// Seconds since 1970.
    pub invoice_created_at: u64,
    /// For how many seconds it can be paid; 7200 if that is not said.
    pub invoice_relative_expiry: Option<u32>,
    /// The hash of the preimage that the payment buys.
    pub invoice_payment_hash: sha256::Hash,
    /// What an item costs now, if the offer's price is in another currency.
    pub item_price: Option<Msat>,
    /// Where else to pay.
    pub invoice_fallbacks: Option<Repeated<FallbackAddress>>,
    /// Whether it can or must be paid in parts.
    pub invoice_features: Option<Features>,
}

/// How a payer sees an invoice that it got.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Its chains and time.
    pub here: Here<'a>,
    /// To whom it sent the request: the issuer, or the end of a path.
    pub sent_to: Option<PublicKey>,
    /// The end of the path that it gave for the reply.
    pub reply_path: Option<PublicKey>,
    /// How the invoice came.
    pub arrival: Arrival,
}

impl Bolt12Invoice {
    /// Reads an invoice from the bytes of its records.
    ///
    /// # Errors
    /// The first requirement that it breaks.
    pub fn from_bytes(raw: Vec<u8>) -> Result<Self, Bolt12InvoiceError> {
        let fields = InvoiceFields::decode(&raw)?;
        let invoice = Self { raw, fields };
        invoice.check_fields()?;
        invoice.check_paths()?;
        invoice.check_issuer()?;
        let fields = &invoice.fields;
        let signature = fields.signature.as_ref().ok_or(E::NoSignature)?;
        let by = fields.invoice_node_id.ok_or(E::NoNodeId)?;
        if !verifies(Signed::Invoice, &invoice.raw, signature, &by) {
            return Err(E::InvalidSignature);
        }
        Ok(invoice)
    }

    /// Answers a request, signed with the issuer's key or that of the path's end.
    ///
    /// # Errors
    /// The first requirement that the invoice would break.
    pub fn answer(
        request: &InvoiceRequest,
        terms: InvoiceTerms,
        key: &SecretKey,
    ) -> Result<Self, Bolt12InvoiceError> {
        let expected = request.expected_amount(terms.item_price).map_err(|_| E::AmountOverflow)?;
        let amount = request.fields().invreq_amount.or(expected).ok_or(E::NoPrice)?;
        if let Some(fallbacks) = &terms.invoice_fallbacks {
            let unusable = fallbacks.0.iter().position(|fallback| !fallback.is_usable());
            unusable.map_or(Ok(()), |at| Err(E::Fallback(at)))?;
        }
        let (paths, payinfos) = terms.paths.into_iter().unzip();
        let added = InvoiceFields {
            invoice_paths: Some(Repeated(paths)),
            invoice_blindedpay: Some(Repeated(payinfos)),
            invoice_created_at: Some(terms.invoice_created_at),
            invoice_relative_expiry: terms.invoice_relative_expiry,
            invoice_payment_hash: Some(terms.invoice_payment_hash),
            invoice_amount: Some(amount),
            invoice_fallbacks: terms.invoice_fallbacks,
            invoice_features: terms.invoice_features,
            invoice_node_id: Some(key.public_key(SECP256K1)),
            ..InvoiceFields::default()
        };
        let repeated = subset(request.as_bytes(), |number| within(REQUEST, number))?;
        let unsigned = merge(&[&repeated, &added.encode()])?;
        let signature = Some(sign(Signed::Invoice, &unsigned, key)?);
        let signature = InvoiceFields { signature, ..InvoiceFields::default() };
        Self::from_bytes(merge(&[&unsigned, &signature.encode()])?)
    }

    /// Its records' bytes, as they came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// Its fields, as the BOLT names them.
    pub fn fields(&self) -> &InvoiceFields {
        &self.fields
    }

    /// The chain on which it is to be paid.
    pub fn chain(&self) -> ChainHash {
        self.fields.invreq_chain.unwrap_or(ChainHash::BITCOIN)
    }

    /// What is to be paid.
    pub fn amount(&self) -> Msat {
        self.fields.invoice_amount.unwrap_or_default()
    }

    /// The second after which it is not to be paid any more, counted from 1970.
    pub fn expiry(&self) -> u64 {
        let created_at = self.fields.invoice_created_at.unwrap_or_default();
        let seconds = self.fields.invoice_relative_expiry.unwrap_or(DEFAULT_EXPIRY);
        created_at.saturating_add(seconds.into())
    }

    /// The paths that a payer can use, those preferred first: without those that demand a feature
    /// that is not known.
    pub fn usable_paths(&self) -> impl Iterator<Item = (&BlindedPath, &BlindedPayinfo)> {
        let paths = self.fields.invoice_paths.iter().flat_map(|paths| &paths.0);
        let payinfos = self.fields.invoice_blindedpay.iter().flat_map(|payinfos| &payinfos.0);
        let known = |payinfo: &BlindedPayinfo| unknown_even_bit(Some(&payinfo.features), &[]);
        paths.zip(payinfos).filter(move |(_, payinfo)| known(payinfo).is_none())
    }

    /// The fallbacks that are witness programs; others are ignored.
    pub fn usable_fallbacks(&self) -> impl Iterator<Item = &FallbackAddress> {
        let all = self.fields.invoice_fallbacks.iter().flat_map(|fallbacks| &fallbacks.0);
        all.filter(|fallback| fallback.is_usable())
    }

    /// Checks it against the request that it should answer.
    ///
    /// # Errors
    /// The first requirement that it breaks.
    pub fn check_for(
        &self,
        request: &InvoiceRequest,
        received: Received<'_>,
    ) -> Result<(), Bolt12InvoiceError> {
        let repeated = |stream: &[u8]| subset(stream, |number| within(REQUEST, number));
        if repeated(&self.raw)? != repeated(request.as_bytes())? {
            return Err(E::OtherRequest);
        }
        if self.fields.offer_issuer_id.is_none()
            && request.is_for_offer()
            && self.fields.invoice_node_id != received.sent_to
        {
            return Err(E::OtherNodeId);
        }
        self.check_here(received.here)?;
        let arrived = match (&self.fields.invreq_paths, received.arrival) {
            (Some(paths), Arrival::Path(id)) => final_ids(Some(paths)).any(|end| end == id),
            (None, Arrival::Path(id)) if request.is_for_offer() => received.reply_path == Some(id),
            (None, Arrival::Direct) => !request.is_for_offer(),
            (Some(_), Arrival::Direct) | (None, Arrival::Path(_)) => false,
        };
        if arrived { Ok(()) } else { Err(E::Arrival) }
    }

    /// Checks that it can be paid here and now.
    ///
    /// # Errors
    /// [`Bolt12InvoiceError::UnsupportedChain`] and [`Bolt12InvoiceError::Expired`].
    pub fn check_here(&self, here: Here<'_>) -> Result<(), Bolt12InvoiceError> {
        if !here.chains.contains(&self.chain()) {
            return Err(E::UnsupportedChain);
        }
        let expiry = self.expiry();
        if here.now > expiry { Err(E::Expired { expiry, now: here.now }) } else { Ok(()) }
    }

    fn check_fields(&self) -> Result<(), Bolt12InvoiceError> {
        let fields = &self.fields;
        let amount = fields.invoice_amount.ok_or(E::NoAmount)?;
        fields.invoice_created_at.ok_or(E::NoCreatedAt)?;
        fields.invoice_payment_hash.ok_or(E::NoPaymentHash)?;
        fields.invoice_node_id.ok_or(E::NoNodeId)?;
        let mpp = Feature::BASIC_MPP.bit;
        if let Some(bit) = unknown_even_bit(fields.invoice_features.as_ref(), &[mpp]) {
            return Err(E::UnknownFeature(bit));
        }
        match fields.invreq_amount {
            Some(requested) if requested != amount => Err(E::OtherAmount { amount, requested }),
            _ => Ok(()),
        }
    }

    fn check_paths(&self) -> Result<(), Bolt12InvoiceError> {
        let paths = self.fields.invoice_paths.as_ref().ok_or(E::NoPaths)?;
        check_paths(paths).map_err(|bad| match bad {
            BadPaths::None => E::NoPaths,
            BadPaths::WithoutHops(path) => E::PathWithoutHops(path),
        })?;
        let payinfos = self.fields.invoice_blindedpay.as_ref().ok_or(E::NoPayinfo)?;
        let (payinfos, paths) = (payinfos.0.len(), paths.0.len());
        if payinfos != paths {
            return Err(E::PayinfoCount { payinfos, paths });
        }
        self.usable_paths().next().map(drop).ok_or(E::NoUsablePath)
    }

    /// Whoever signs must be named by the offer, if there is one.
    fn check_issuer(&self) -> Result<(), Bolt12InvoiceError> {
        let fields = &self.fields;
        let named = match (fields.offer_issuer_id, &fields.offer_paths) {
            (Some(issuer), _) => fields.invoice_node_id == Some(issuer),
            (None, Some(paths)) => {
                final_ids(Some(paths)).any(|id| fields.invoice_node_id == Some(id))
            }
            (None, None) => true,
        };
        if named { Ok(()) } else { Err(E::OtherNodeId) }
    }
}

impl fmt::Display for Bolt12Invoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&string::encode(Kind::Invoice, &self.raw))
    }
}

impl FromStr for Bolt12Invoice {
    type Err = ParseError<Bolt12InvoiceError>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, Kind::Invoice, Self::from_bytes)
    }
}

//! The records of the streams, as BOLT 12 numbers them. Offer fields come back in requests, and
//! those of both in invoices.

use std::ops::RangeInclusive;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use secp256k1::PublicKey;
use secp256k1::schnorr::Signature;
use serde::{Deserialize, Serialize};

use crate::bolt::features::Features;
use crate::bolt::onion::BlindedPath;
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::bolt::wire::codec::{DecodeError, Field, TlvValue, take};
use crate::bolt::wire::tlv::{RawRecord, TlvError, records, tlv_stream};
use crate::bolt::wire::{Bytes, Repeated};

/// Declares a stream with an offer's records between those before and those after.
macro_rules! stream_with_offer {
    ($(#[$doc:meta])* $name:ident { $($before:tt)* } { $($after:tt)* }) => {
        tlv_stream! {
            $(#[$doc])*
            $name {
                $($before)*
                2 offer_chains: Repeated<ChainHash>,
                4 offer_metadata: Bytes,
                6 offer_currency: String,
                8 offer_amount: u64,
                10 offer_description: String,
                12 offer_features: Features,
                14 offer_absolute_expiry: u64,
                16 offer_paths: Repeated<BlindedPath>,
                18 offer_issuer: String,
                20 offer_quantity_max: u64,
                22 offer_issuer_id: PublicKey,
                $($after)*
            }
        }
    };
}

/// Declares a stream with an invoice request's records, and those after.
macro_rules! stream_with_request {
    ($(#[$doc:meta])* $name:ident { $($after:tt)* }) => {
        stream_with_offer! {
            $(#[$doc])*
            $name { 0 invreq_metadata: Bytes, } {
                80 invreq_chain: ChainHash,
                82 invreq_amount: Msat,
                84 invreq_features: Features,
                86 invreq_quantity: u64,
                88 invreq_payer_id: PublicKey,
                89 invreq_payer_note: String,
                90 invreq_paths: Repeated<BlindedPath>,
                91 invreq_bip_353_name: Bip353Name,
                $($after)*
                240 signature: Signature,
            }
        }
    };
}

stream_with_offer! {
    /// `offer`.
    OfferFields {} {}
}

stream_with_request! {
    /// `invoice_request`.
    InvoiceRequestFields {}
}

stream_with_request! {
    /// `invoice`.
    InvoiceFields {
        160 invoice_paths: Repeated<BlindedPath>,
        162 invoice_blindedpay: Repeated<BlindedPayinfo>,
        164 invoice_created_at: u64,
        166 invoice_relative_expiry: u32,
        168 invoice_payment_hash: sha256::Hash,
        170 invoice_amount: Msat,
        172 invoice_fallbacks: Repeated<FallbackAddress>,
        174 invoice_features: Features,
        176 invoice_node_id: PublicKey,
    }
}

tlv_stream! {
    /// `invoice_error`.
    InvoiceErrorFields {
        1 erroneous_field: u64,
        3 suggested_value: Bytes,
        5 error: String,
    }
}

/// `invreq_bip_353_name`: the name by which the payer found the offer, `name`@`domain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bip353Name {
    /// Before the `@`.
    pub name: Bytes,
    /// After it.
    pub domain: Bytes,
}

impl Bip353Name {
    /// Whether there are only letters, digits, `-`, `_` and `.` in it.
    pub fn is_valid(&self) -> bool {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        self.name.0.iter().chain(&self.domain.0).all(allowed)
    }
}

fn write_short(bytes: &Bytes, out: &mut Vec<u8>) {
    let length = u8::try_from(bytes.0.len()).unwrap_or(u8::MAX);
    length.write(out);
    out.extend(bytes.0.iter().take(length.into()));
}

fn read_short(input: &mut &[u8]) -> Result<Bytes, DecodeError> {
    let length = u8::read(input)?;
    take(input, length.into()).map(|bytes| Bytes(bytes.to_vec()))
}

impl TlvValue for Bip353Name {
    fn to_value(&self) -> Vec<u8> {
        let mut value = Vec::new();
        write_short(&self.name, &mut value);
        write_short(&self.domain, &mut value);
        value
    }
    fn from_value(mut value: &[u8]) -> Result<Self, DecodeError> {
        let name = read_short(&mut value)?;
        let domain = read_short(&mut value)?;
        let whole = Self { name, domain };
        if value.is_empty() { Ok(whole) } else { Err(DecodeError::TrailingBytes(value.len())) }
    }
}

/// `blinded_payinfo`: what a payment over one blinded path costs, and what it must keep to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindedPayinfo {
    /// What the hops together charge whatever the amount.
    pub fee_base_msat: u32,
    /// The part of the amount that they charge, in millionths.
    pub fee_proportional_millionths: u32,
    /// How many blocks they take together.
    pub cltv_expiry_delta: CltvExpiryDelta,
    /// No HTLC may be smaller.
    pub htlc_minimum_msat: Msat,
    /// No HTLC may be larger.
    pub htlc_maximum_msat: Msat,
    /// What the path demands of a payment.
    pub features: Features,
}

impl Field for BlindedPayinfo {
    fn write(&self, out: &mut Vec<u8>) {
        self.fee_base_msat.write(out);
        self.fee_proportional_millionths.write(out);
        self.cltv_expiry_delta.write(out);
        self.htlc_minimum_msat.write(out);
        self.htlc_maximum_msat.write(out);
        self.features.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Ok(Self {
            fee_base_msat: Field::read(input)?,
            fee_proportional_millionths: Field::read(input)?,
            cltv_expiry_delta: Field::read(input)?,
            htlc_minimum_msat: Field::read(input)?,
            htlc_maximum_msat: Field::read(input)?,
            features: Field::read(input)?,
        })
    }
}

/// `fallback_address`: where to pay on the chain instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallbackAddress {
    /// The witness version.
    pub version: u8,
    /// The witness program.
    pub address: Bytes,
}

impl FallbackAddress {
    /// Whether it is a witness program that someone could spend from: others are ignored.
    pub fn is_usable(&self) -> bool {
        let length = self.address.0.len();
        match self.version {
            0 => length == 20 || length == 32,
            1 => length == 32,
            2..=16 => (2..=40).contains(&length),
            _ => false,
        }
    }
}

impl Field for FallbackAddress {
    fn write(&self, out: &mut Vec<u8>) {
        self.version.write(out);
        self.address.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Ok(Self { version: Field::read(input)?, address: Field::read(input)? })
    }
}

/// Ranges of record types, with both ends.
pub(super) type Ranges = [RangeInclusive<u64>];

/// The fields of an offer.
pub(super) const OFFER: &Ranges = &[1..=79, 1_000_000_000..=1_999_999_999];
/// The fields of an offer and of a request, without signatures: those that an invoice repeats.
pub(super) const REQUEST: &Ranges = &[0..=159, 1_000_000_000..=2_999_999_999];

/// Whether the type lies in one of the ranges.
pub(super) fn within(ranges: &Ranges, number: u64) -> bool {
    ranges.iter().any(|range| range.contains(&number))
}

/// The records of a stream whose types pass, as they stand in it.
///
/// # Errors
/// [`TlvError`] if it is no stream.
pub(super) fn subset(stream: &[u8], pass: impl Fn(u64) -> bool) -> Result<Vec<u8>, TlvError> {
    let mut kept = Vec::new();
    for record in records(stream) {
        let record = record?;
        if pass(record.number) {
            kept.extend_from_slice(record.whole);
        }
    }
    Ok(kept)
}

/// One stream of the records of several.
///
/// # Errors
/// [`TlvError`] if one is no stream.
pub(super) fn merge(streams: &[&[u8]]) -> Result<Vec<u8>, TlvError> {
    let all = streams.iter().flat_map(|stream| records(stream));
    let mut all = all.collect::<Result<Vec<RawRecord>, _>>()?;
    all.sort_by_key(|record| record.number);
    Ok(all.iter().flat_map(|record| record.whole.iter().copied()).collect())
}

/// The first record whose type does not pass.
///
/// # Errors
/// [`TlvError`] if the stream breaks before.
pub(super) fn first_outside(
    stream: &[u8],
    pass: impl Fn(u64) -> bool,
) -> Result<Option<u64>, TlvError> {
    for record in records(stream) {
        let number = record?.number;
        if !pass(number) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// The first even bit that is set and not among those known.
pub(super) fn unknown_even_bit(features: Option<&Features>, known: &[u32]) -> Option<u32> {
    features?.bits().find(|bit| bit % 2 == 0 && !known.contains(bit))
}

/// The ids at the end of these paths.
pub(super) fn final_ids(paths: Option<&Repeated<BlindedPath>>) -> impl Iterator<Item = PublicKey> {
    let paths = paths.into_iter().flat_map(|paths| &paths.0);
    paths.filter_map(|path| path.path.last()).map(|hop| hop.blinded_node_id)
}

/// What is wrong with a list of blinded paths, whatever they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadPaths {
    /// There is none.
    None,
    /// This one has no hops.
    WithoutHops(usize),
}

/// Checks that there are paths, and that each has hops.
pub(super) fn check_paths(paths: &Repeated<BlindedPath>) -> Result<(), BadPaths> {
    if paths.0.is_empty() {
        return Err(BadPaths::None);
    }
    match paths.0.iter().position(|path| path.path.is_empty()) {
        Some(path) => Err(BadPaths::WithoutHops(path)),
        None => Ok(()),
    }
}

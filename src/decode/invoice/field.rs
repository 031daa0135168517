//! A tagged field, explained.

use std::collections::BTreeSet;
use std::ops::Range;

use bitcoin::hashes::sha256;
use secp256k1::PublicKey;
use serde::Serialize;

use crate::bolt::features::{Feature, Features};
use crate::bolt::invoice::{Fallback, InvoiceField, InvoiceNetwork, RouteHop, TaggedField};
use crate::bolt::wire::{Bytes, PaymentSecret};

/// A field: where it stands and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldNote {
    /// Its type, as bech32 writes it.
    pub r#type: char,
    /// Its characters, counted from 0.
    pub characters: Range<usize>,
    /// Whether an earlier field of the type counts in its place.
    pub is_second: bool,
    /// What it says.
    pub says: Says,
}

/// What a field says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Says {
    PaymentHash(sha256::Hash),
    PaymentSecret(PaymentSecret),
    Description(String),
    Metadata(Bytes),
    Payee(PublicKey),
    DescriptionHash(sha256::Hash),
    ExpirySeconds(u64),
    MinFinalCltvExpiryDelta(u64),
    Fallback(Address),
    Route(Vec<Hop>),
    Features(Vec<FeatureNote>),
    Ignored { reason: Ignored, data: String },
}

/// A fallback address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Address {
    /// Its version in the field.
    pub version: u8,
    /// As people write it.
    pub address: String,
    /// Its kind.
    pub kind: &'static str,
}

/// One hop of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Hop {
    pub pubkey: PublicKey,
    pub short_channel_id: String,
    pub fee_base_msat: u32,
    pub fee_proportional_millionths: u32,
    pub cltv_expiry_delta: u16,
}

/// One feature bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FeatureNote {
    /// The bit.
    pub bit: u32,
    /// BOLT 9's name for it.
    pub name: Option<&'static str>,
    /// Whether a payer must know it: the bit is even.
    pub is_required: bool,
    /// Whether it has a meaning in an invoice.
    pub is_in_invoices: bool,
}

/// Why a field is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ignored {
    /// Nobody has defined its type.
    UnknownType,
    /// A fallback address of a version that nobody has defined, or without one.
    UnknownVersion,
    /// Another length than its type's.
    WrongLength {
        /// How many characters of data there are.
        length: usize,
        /// How many there should be.
        expected: usize,
    },
}

/// The fields of an invoice.
pub(super) fn notes(fields: &[TaggedField], network: InvoiceNetwork) -> Vec<FieldNote> {
    let mut counted = BTreeSet::new();
    let note = |TaggedField { field, characters }: &TaggedField| {
        let r#type = field.tag().to_char();
        let says = says(field, network);
        let counts = !matches!(says, Says::Ignored { .. });
        let is_alternative = matches!(says, Says::Fallback(_) | Says::Route(_));
        let is_second = counts && !counted.insert(r#type) && !is_alternative;
        FieldNote { r#type, characters: characters.clone(), is_second, says }
    };
    fields.iter().map(note).collect()
}

fn says(field: &InvoiceField, network: InvoiceNetwork) -> Says {
    match field {
        InvoiceField::PaymentHash(hash) => Says::PaymentHash(*hash),
        InvoiceField::PaymentSecret(secret) => Says::PaymentSecret(*secret),
        InvoiceField::Description(text) => Says::Description(text.clone()),
        InvoiceField::Metadata(bytes) => Says::Metadata(bytes.clone()),
        InvoiceField::Payee(key) => Says::Payee(*key),
        InvoiceField::DescriptionHash(hash) => Says::DescriptionHash(*hash),
        InvoiceField::Expiry(seconds) => Says::ExpirySeconds(*seconds),
        InvoiceField::MinFinalCltvExpiryDelta(delta) => Says::MinFinalCltvExpiryDelta(*delta),
        InvoiceField::Fallback(fallback) => Says::Fallback(Address {
            version: fallback.version(),
            address: fallback.address(network).to_string(),
            kind: kind(fallback),
        }),
        InvoiceField::Route(hops) => Says::Route(hops.iter().map(hop).collect()),
        InvoiceField::Features(features) => Says::Features(feature_notes(features)),
        InvoiceField::Other { tag, words } => {
            let expected = match tag.to_char() {
                'p' | 's' | 'h' => Some(52),
                'n' => Some(53),
                _ => None,
            };
            let reason = match (expected, tag.to_char()) {
                (Some(expected), _) => Ignored::WrongLength { length: words.len(), expected },
                (None, 'f') => Ignored::UnknownVersion,
                (None, _) => Ignored::UnknownType,
            };
            Says::Ignored { reason, data: words.iter().map(|word| word.to_char()).collect() }
        }
    }
}

fn kind(fallback: &Fallback) -> &'static str {
    match fallback {
        Fallback::P2pkh(_) => "P2PKH",
        Fallback::P2sh(_) => "P2SH",
        Fallback::Witness(program) if program.is_p2wpkh() => "P2WPKH",
        Fallback::Witness(program) if program.is_p2wsh() => "P2WSH",
        Fallback::Witness(program) if program.is_p2tr() => "Taproot",
        Fallback::Witness(_) => "a witness program that has no meaning yet",
    }
}

fn hop(hop: &RouteHop) -> Hop {
    Hop {
        pubkey: hop.pubkey,
        short_channel_id: hop.short_channel_id.to_string(),
        fee_base_msat: hop.fee_base_msat,
        fee_proportional_millionths: hop.fee_proportional_millionths,
        cltv_expiry_delta: hop.cltv_expiry_delta.0,
    }
}

fn feature_notes(features: &Features) -> Vec<FeatureNote> {
    let note = |bit: u32| {
        let feature = Feature::of_bit(bit);
        FeatureNote {
            bit,
            name: feature.map(|feature| feature.name),
            is_required: bit.is_multiple_of(2),
            is_in_invoices: feature.is_some_and(Feature::is_in_invoices),
        }
    };
    features.bits().map(note).collect()
}

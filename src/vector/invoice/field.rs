//! A tagged field as a vector spells it.

use bech32::Fe32;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{PubkeyHash, ScriptHash, WitnessProgram, WitnessVersion};
use secp256k1::PublicKey;
use serde::Deserialize;

use crate::bolt::features::Features;
use crate::bolt::invoice::{Fallback, InvoiceField, RouteHop};
use crate::bolt::units::CltvExpiryDelta;
use crate::bolt::wire::{Bytes, PaymentSecret};
use crate::vector::hex::{Hex, Hex32};

/// Keys are points only when they are made, so that a wrong one is a mismatch.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Field {
    PaymentHash(Hex32),
    PaymentSecret(Hex32),
    Description(String),
    Metadata(Hex),
    Payee(Hex),
    DescriptionHash(Hex32),
    ExpirySeconds(u64),
    MinFinalCltvExpiryDelta(u64),
    Fallback { version: u8, program: Hex, address: String },
    Route(Vec<Hop>),
    Features(Vec<u32>),
    Other { r#type: u8, data: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hop {
    pubkey: Hex,
    short_channel_id: String,
    fee_base_msat: u32,
    fee_proportional_millionths: u32,
    cltv_expiry_delta: u16,
}

impl Field {
    /// The field that our code knows.
    pub(super) fn make(&self) -> Result<InvoiceField, String> {
        Ok(match self {
            Self::PaymentHash(hash) => {
                InvoiceField::PaymentHash(sha256::Hash::from_byte_array(hash.0))
            }
            Self::PaymentSecret(secret) => InvoiceField::PaymentSecret(PaymentSecret(secret.0)),
            Self::Description(text) => InvoiceField::Description(text.clone()),
            Self::Metadata(bytes) => InvoiceField::Metadata(Bytes(bytes.0.clone())),
            Self::Payee(key) => InvoiceField::Payee(point(key)?),
            Self::DescriptionHash(hash) => {
                InvoiceField::DescriptionHash(sha256::Hash::from_byte_array(hash.0))
            }
            Self::ExpirySeconds(seconds) => InvoiceField::Expiry(*seconds),
            Self::MinFinalCltvExpiryDelta(delta) => InvoiceField::MinFinalCltvExpiryDelta(*delta),
            Self::Fallback { version, program, .. } => {
                InvoiceField::Fallback(fallback(*version, &program.0)?)
            }
            Self::Route(hops) => {
                InvoiceField::Route(hops.iter().map(Hop::make).collect::<Result<_, _>>()?)
            }
            Self::Features(bits) => InvoiceField::Features(
                bits.iter().fold(Features::default(), |features, bit| features.with_bit(*bit)),
            ),
            Self::Other { r#type, data } => InvoiceField::Other {
                tag: Fe32::try_from(*r#type).map_err(text)?,
                words: data.chars().map(Fe32::from_char).collect::<Result<_, _>>().map_err(text)?,
            },
        })
    }

    /// What people call the fallback address.
    pub(super) fn address(&self) -> Option<&str> {
        match self {
            Self::Fallback { address, .. } => Some(address),
            _ => None,
        }
    }
}

impl Hop {
    fn make(&self) -> Result<RouteHop, String> {
        Ok(RouteHop {
            pubkey: point(&self.pubkey)?,
            short_channel_id: self.short_channel_id.parse().map_err(text)?,
            fee_base_msat: self.fee_base_msat,
            fee_proportional_millionths: self.fee_proportional_millionths,
            cltv_expiry_delta: CltvExpiryDelta(self.cltv_expiry_delta),
        })
    }
}

fn fallback(version: u8, program: &[u8]) -> Result<Fallback, String> {
    match version {
        17 => PubkeyHash::from_slice(program).map(Fallback::P2pkh).map_err(text),
        18 => ScriptHash::from_slice(program).map(Fallback::P2sh).map_err(text),
        _ => {
            let version = WitnessVersion::try_from(version).map_err(text)?;
            WitnessProgram::new(version, program).map(Fallback::Witness).map_err(text)
        }
    }
}

fn point(bytes: &Hex) -> Result<PublicKey, String> {
    PublicKey::from_slice(&bytes.0).map_err(text)
}

#[allow(clippy::needless_pass_by_value, reason = "it is what map_err takes")]
fn text(error: impl ToString) -> String {
    error.to_string()
}

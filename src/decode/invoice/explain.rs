//! An invoice, explained.

use std::fmt;
use std::ops::Range;

use bitcoin::hex::DisplayHex;
use secp256k1::PublicKey;
use serde::{Serialize, Serializer};

use super::field::{FieldNote, notes};
use crate::bolt::invoice::{
    Correction, DEFAULT_EXPIRY, DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA, Invoice, InvoiceError,
    InvoiceField, InvoiceNetwork, Partial, TaggedField, correction, decode_partly,
};
use crate::bolt::units::Msat;
use crate::decode::snippet::snippet;

/// All that can be told about a text that is an invoice or should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Whether it is one.
    pub verdict: Verdict,
    /// What it says; of a bad one, what could be read before the mistake.
    pub reading: Option<Reading>,
}

/// Whether a text is an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It meets BOLT 11's requirements, and its signature is valid.
    Valid,
    /// It must not be paid.
    Invalid {
        /// Why.
        #[serde(serialize_with = "as_text")]
        error: InvoiceError,
        /// The characters to blame, counted from 0, if there are some.
        characters: Option<Range<usize>>,
        /// If the checksum does not fit: the one character that would repair it.
        #[serde(skip)]
        correction: Option<Correction>,
        /// The text around the characters to blame, and carets below them.
        #[serde(skip)]
        snippet: Option<String>,
    },
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// What an invoice says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The chain.
    pub network: InvoiceNetwork,
    /// What is to be paid.
    pub amount: Amount,
    /// When it was made, in seconds since 1970.
    pub timestamp: Option<u64>,
    /// For how many seconds it can be paid.
    pub expiry_seconds: Known,
    /// How many blocks the last HTLC must have left.
    pub min_final_cltv_expiry_delta: Known,
    /// Who is paid; unknown if the signature is not valid.
    pub payee: Option<Payee>,
    /// The signature, if it is valid.
    pub signature: Option<Signature>,
    /// The tagged fields in their order.
    pub fields: Vec<FieldNote>,
}

/// What is to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// Whatever the payer likes.
    Any,
    /// At least this much.
    Msat(Msat),
}

/// A number, and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// A field states it.
    Stated(u64),
    /// No field does, so it is this one.
    Default(u64),
    /// No field did before the mistake.
    Unknown,
}

/// Who is paid, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Payee {
    /// An `n` field names the key, which has signed.
    Stated(PublicKey),
    /// The key that follows from the signature.
    Recovered(PublicKey),
}

/// A signature that is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// R and S in hex.
    pub compact: String,
    /// Which of the keys that fit it is meant.
    pub recovery_id: u8,
}

/// Explains the text of an invoice, in upper or lower case; see [`super::strip`] for what may stand
/// around it.
pub fn explain(text: &str) -> Explanation {
    match decode_partly(text) {
        Ok(invoice) => valid(&invoice),
        Err(partial) => invalid(text, *partial),
    }
}

fn valid(invoice: &Invoice) -> Explanation {
    let payee = invoice.payee();
    let stated = invoice.states_payee();
    let mut reading =
        reading(invoice.network(), invoice.amount(), Some(invoice.timestamp()), invoice.fields());
    reading.expiry_seconds = reading.expiry_seconds.or_default(DEFAULT_EXPIRY);
    let delta = &mut reading.min_final_cltv_expiry_delta;
    *delta = delta.or_default(DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA);
    reading.payee = Some(if stated { Payee::Stated(payee) } else { Payee::Recovered(payee) });
    let compact = invoice.signature().to_lower_hex_string();
    reading.signature = Some(Signature { compact, recovery_id: invoice.recovery_id() });
    Explanation { verdict: Verdict::Valid, reading: Some(reading) }
}

fn invalid(text: &str, partial: Partial) -> Explanation {
    let Partial { error, network, amount, timestamp, fields } = partial;
    let correction = match error {
        InvoiceError::Checksum { .. } => correction(text),
        _ => None,
    };
    let characters = match correction {
        Some(Correction { position, .. }) => Some(position..position + 1),
        None => error.position(),
    };
    let snippet = characters.clone().map(|characters| snippet(text, characters));
    let reading = network.map(|network| reading(network, amount, timestamp, &fields));
    Explanation { verdict: Verdict::Invalid { error, characters, correction, snippet }, reading }
}

fn reading(
    network: InvoiceNetwork,
    amount: Option<Msat>,
    timestamp: Option<u64>,
    fields: &[TaggedField],
) -> Reading {
    let expiry = fields.iter().find_map(|tagged| match tagged.field {
        InvoiceField::Expiry(seconds) => Some(seconds),
        _ => None,
    });
    let delta = fields.iter().find_map(|tagged| match tagged.field {
        InvoiceField::MinFinalCltvExpiryDelta(delta) => Some(delta),
        _ => None,
    });
    Reading {
        network,
        amount: amount.map_or(Amount::Any, Amount::Msat),
        timestamp,
        expiry_seconds: expiry.map_or(Known::Unknown, Known::Stated),
        min_final_cltv_expiry_delta: delta.map_or(Known::Unknown, Known::Stated),
        payee: None,
        signature: None,
        fields: notes(fields, network),
    }
}

impl Known {
    /// What holds if no field says anything else, once all fields have been read.
    fn or_default(self, default: u64) -> Self {
        match self {
            Self::Stated(_) => self,
            Self::Default(_) | Self::Unknown => Self::Default(default),
        }
    }
}

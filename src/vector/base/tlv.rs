//! BOLT 1, Appendix B: TLV streams, right and wrong ones. The namespaces `n1` and `n2` are only
//! there for these.

#![allow(unreachable_pub, dead_code, reason = "streams are declared for others to use")]

use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use super::{apart, check::Checks, hex::Hex, load, offer::Named, text};
use crate::bolt::units::{CltvExpiry, CltvExpiryDelta, Msat, ShortChannelId};
use crate::bolt::wire::DecodeError;
use crate::bolt::wire::codec::{Field, TlvValue, whole_values};
use crate::bolt::wire::tlv::{TlvError, tlv_stream};

/// Declares records by their fields. One with `truncated` has but one field, a truncated integer.
macro_rules! records {
    ($($(#[$doc:meta])* $name:ident { $($fields:tt)* })*) => {$(
        records!(@one $(#[$doc])* $name { $($fields)* });
    )*};
    (@one $(#[$doc:meta])* $name:ident { truncated $field:ident: $type:ty }) => {
        records!(@declare $(#[$doc])* $name { $field: $type });

        impl TlvValue for $name {
            fn to_value(&self) -> Vec<u8> {
                self.$field.to_value()
            }
            fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
                TlvValue::from_value(value).map(|$field| Self { $field })
            }
        }
    };
    (@one $(#[$doc:meta])* $name:ident { $($(#[$text:meta])* $field:ident: $type:ty),* $(,)? }) => {
        records!(@declare $(#[$doc])* $name { $($(#[$text])* $field: $type),* });

        impl Field for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
            }
            fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
                Ok(Self { $($field: Field::read(input)?),* })
            }
        }
        whole_values!($name);
    };
    (@declare $(#[$doc:meta])* $name:ident { $($(#[$text:meta])* $field:ident: $type:ty),* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(in crate::vector) struct $name {
            $($(#[$text])* $field: $type,)*
        }
    };
}

records! {
    /// `tlv1` of both namespaces.
    Amount { truncated amount_msat: Msat }
    /// `tlv2` of `n1`.
    Scid {
        #[serde(with = "text")]
        scid: ShortChannelId,
    }
    /// `tlv3` of `n1`.
    NodeAndAmounts { node_id: PublicKey, amount_msat_1: Msat, amount_msat_2: Msat }
    /// `tlv4` of `n1`.
    Delta { cltv_delta: CltvExpiryDelta }
    /// `tlv2` of `n2`.
    Expiry { truncated cltv_expiry: CltvExpiry }
}

tlv_stream! {
    /// The namespace `n1`.
    N1 {
        1 tlv1: Amount,
        2 tlv2: Scid,
        3 tlv3: NodeAndAmounts,
        254 tlv4: Delta,
    }
}

tlv_stream! {
    /// The namespace `n2`.
    N2 {
        0 tlv1: Amount,
        11 tlv2: Expiry,
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    namespaces: Vec<Namespace>,
    tests: Vec<Test>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Namespace {
    N1,
    N2,
}

load::topic! { stream: Hex, expected: Expected }

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// All records, or those before the one to blame.
    records: Vec<Hex>,
    /// The record to blame, and all behind it.
    blamed: Option<Hex>,
    /// What the records say that `n1` knows.
    n1: Option<N1>,
    /// What the records say that `n2` knows.
    n2: Option<N2>,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let read = |namespace: &Namespace| match namespace {
        Namespace::N1 => replay_as(test, n1, test.expected.n1.as_ref(), checks),
        Namespace::N2 => replay_as(test, n2, test.expected.n2.as_ref(), checks),
    };
    let refused: Vec<_> = group.namespaces.iter().map(read).collect();
    let agree = refused.windows(2).all(|pair| pair[0] == pair[1]);
    checks.holds("result", "it is the same in all namespaces", agree);
    refused.first().copied().flatten()
}

/// The records that are known, and how all of them are written again.
fn n1(stream: &[u8]) -> Result<(N1, Vec<u8>), TlvError> {
    let all = N1::decode(stream)?;
    let written = all.encode();
    Ok((N1 { unknown: Vec::new(), ..all }, written))
}

fn n2(stream: &[u8]) -> Result<(N2, Vec<u8>), TlvError> {
    let all = N2::decode(stream)?;
    let written = all.encode();
    Ok((N2 { unknown: Vec::new(), ..all }, written))
}

fn replay_as<T: Default + Serialize>(
    test: &Test,
    read: impl Fn(&[u8]) -> Result<(T, Vec<u8>), TlvError>,
    wanted: Option<&T>,
    checks: &mut Checks,
) -> Option<&'static str> {
    let (stream, expected) = (&test.stream.0, &test.expected);
    let read = read(stream);
    apart(stream, read.as_ref().err(), &expected.records, expected.blamed.as_ref(), checks);
    match read {
        Ok((known, written)) => {
            let none = T::default();
            checks.equal("expected", &line(wanted.unwrap_or(&none)), &line(&known));
            checks.bytes("stream", &test.stream, &written);
            None
        }
        Err(error) => {
            let nothing = expected.n1.is_none() && expected.n2.is_none();
            checks.holds("expected", "nothing is read of a refused stream", nothing);
            Some(error.error.name())
        }
    }
}

/// What was read as one comparable line.
fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

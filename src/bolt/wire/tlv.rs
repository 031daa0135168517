//! TLV streams that stand by themselves: the payload of an onion, an offer. BOLT 1,
//! "Type-Length-Value Format".
//!
//! [`tlv_stream!`] declares one as the specification does, record by record. What a stream means
//! (which records must be there, which may not) is for those who read it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::codec::{DecodeError, TlvValue, read_big_size, take, write_big_size};
use super::types::Bytes;

/// One record of a stream: its type and its value, whatever they mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlvRecord {
    /// The record's type.
    #[serde(rename = "type")]
    pub number: u64,
    /// The record's value.
    pub value: Bytes,
}

/// Why bytes are no such TLV stream, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{error} (at byte {offset}{})", record.map_or_else(String::new, |n| format!(", record {n}")))]
pub struct TlvError {
    /// The type of the record that is wrong, as far as it could be read.
    pub record: Option<u64>,
    /// Where that record begins, in bytes from the stream's beginning.
    pub offset: usize,
    /// What is wrong with it.
    pub error: DecodeError,
}

/// A record as it stands in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// The record's type.
    pub number: u64,
    /// Where it begins, in bytes from the stream's beginning.
    pub offset: usize,
    /// All of it: type, length and value.
    pub whole: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

/// Takes a stream apart. Types must ascend strictly, and numbers be in their shortest form.
///
/// # Errors
/// [`TlvError`] at the first record that breaks this; an error is the last item.
pub fn records(stream: &[u8]) -> impl Iterator<Item = Result<RawRecord<'_>, TlvError>> {
    let mut rest = stream;
    let mut previous = None;
    std::iter::from_fn(move || {
        (!rest.is_empty()).then(|| {
            let offset = stream.len().saturating_sub(rest.len());
            let record = next(&mut rest, offset, previous);
            match &record {
                Ok(record) => previous = Some(record.number),
                Err(_) => rest = &[],
            }
            record
        })
    })
}

fn next<'a>(
    rest: &mut &'a [u8],
    offset: usize,
    previous: Option<u64>,
) -> Result<RawRecord<'a>, TlvError> {
    let from = *rest;
    let number = read_big_size(rest).map_err(|error| TlvError { record: None, offset, error })?;
    let failed = |error| TlvError { record: Some(number), offset, error };
    if let Some(previous) = previous.filter(|previous| *previous >= number) {
        return Err(failed(DecodeError::TlvOrder { previous, next: number }));
    }
    let length = read_big_size(rest).map_err(failed)?;
    let value = take(rest, usize::try_from(length).unwrap_or(usize::MAX)).map_err(failed)?;
    let length = from.len().saturating_sub(rest.len());
    let whole = from.get(..length).unwrap_or_default();
    Ok(RawRecord { number, offset, whole, value })
}

impl From<RawRecord<'_>> for TlvRecord {
    fn from(record: RawRecord<'_>) -> Self {
        Self { number: record.number, value: Bytes(record.value.to_vec()) }
    }
}

/// Appends declared records one after the other, each behind the undeclared ones below it.
pub(super) struct RecordWriter<'a> {
    unknown: &'a [TlvRecord],
    out: &'a mut Vec<u8>,
}

impl<'a> RecordWriter<'a> {
    /// A writer that has these undeclared records, in ascending order, to put in between.
    pub(super) fn new(unknown: &'a [TlvRecord], out: &'a mut Vec<u8>) -> Self {
        Self { unknown, out }
    }

    /// Appends the record, if there is a value.
    pub(super) fn write<T: TlvValue>(mut self, number: u64, value: Option<&T>) -> Self {
        if let Some(value) = value {
            self.write_unknown(|record| record.number < number);
            write_record(number, &value.to_value(), self.out);
        }
        self
    }

    /// Appends what is left of the undeclared ones.
    pub(super) fn finish(mut self) {
        self.write_unknown(|_| true);
    }

    fn write_unknown(&mut self, comes_next: impl Fn(&TlvRecord) -> bool) {
        while let Some((record, rest)) = self.unknown.split_first()
            && comes_next(record)
        {
            write_record(record.number, &record.value.0, self.out);
            self.unknown = rest;
        }
    }
}

/// Appends one record.
pub fn write_record(number: u64, value: &[u8], out: &mut Vec<u8>) {
    write_big_size(number, out);
    write_big_size(u64::try_from(value.len()).unwrap_or(u64::MAX), out);
    out.extend_from_slice(value);
}

/// Declares a TLV stream: a struct with an optional field for each record, and both directions of
/// its codec. Records that are not declared are kept in `unknown`; reading refuses even ones.
macro_rules! tlv_stream {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $record:literal $field:ident: $value:ty),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "the fields are the specification's")]
        pub struct $name {
            $(
                $(#[$field_doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$value>,
            )*
            /// Records of other types, in ascending order.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub unknown: Vec<$crate::bolt::wire::tlv::TlvRecord>,
        }

        impl $name {
            /// The types that are declared, with their names.
            pub const RECORDS: &'static [(u64, &'static str)] =
                &[$(($record, stringify!($field)),)*];

            /// The stream's bytes, records in ascending order.
            pub fn encode(&self) -> Vec<u8> {
                let mut out = Vec::new();
                let mut records: Vec<(u64, Vec<u8>)> = Vec::new();
                $(
                    if let Some(value) = &self.$field {
                        let value = $crate::bolt::wire::codec::TlvValue::to_value(value);
                        records.push(($record, value));
                    }
                )*
                records.extend(self.unknown.iter().map(|r| (r.number, r.value.0.clone())));
                records.sort_by_key(|(number, _)| *number);
                for (number, value) in &records {
                    $crate::bolt::wire::tlv::write_record(*number, value, &mut out);
                }
                out
            }

            /// Reads a stream that takes all of the bytes.
            ///
            /// # Errors
            /// [`TlvError`](crate::bolt::wire::tlv::TlvError): records that do not ascend, values
            /// that are not of their type, unknown even types.
            pub fn decode(stream: &[u8]) -> Result<Self, $crate::bolt::wire::tlv::TlvError> {
                let mut decoded = Self::default();
                for record in $crate::bolt::wire::tlv::records(stream) {
                    let record = record?;
                    let failed = |error| $crate::bolt::wire::tlv::TlvError {
                        record: Some(record.number),
                        offset: record.offset,
                        error,
                    };
                    match record.number {
                        $($record => {
                            let value = <$value as $crate::bolt::wire::codec::TlvValue>
                                ::from_value(record.value);
                            decoded.$field = Some(value.map_err(failed)?);
                        })*
                        even if even % 2 == 0 => {
                            return Err(failed($crate::bolt::wire::DecodeError::UnknownEvenTlv(even)));
                        }
                        _odd => decoded.unknown.push(record.into()),
                    }
                }
                Ok(decoded)
            }
        }
    };
}
pub(crate) use tlv_stream;

#[cfg(test)]
#[allow(unreachable_pub, dead_code, reason = "streams are declared for others to use")]
mod tests {
    use super::*;
    use crate::bolt::units::{CltvExpiry, Msat};

    tlv_stream! {
        /// A stream.
        Sample {
            2 amount: Msat,
            4 expiry: CltvExpiry,
        }
    }

    #[test]
    fn a_stream_comes_back_as_it_was() {
        let unknown = vec![
            TlvRecord { number: 1, value: Bytes(vec![7]) },
            TlvRecord { number: 0x1_0001, value: Bytes(vec![]) },
        ];
        let sample = Sample { amount: Some(Msat(0)), expiry: Some(CltvExpiry(0x0102)), unknown };
        let bytes = [1, 1, 7, 2, 0, 4, 2, 1, 2, 0xfe, 0, 1, 0, 1, 0];
        assert_eq!(sample.encode(), bytes);
        assert_eq!(Sample::decode(&bytes), Ok(sample));
        assert_eq!(Sample::decode(&[]), Ok(Sample::default()));
    }

    #[test]
    fn errors_say_which_record_and_where() {
        let cases: [(&[u8], Option<u64>, usize, DecodeError); 6] = [
            (&[1, 0, 6, 0], Some(6), 2, DecodeError::UnknownEvenTlv(6)),
            (&[2, 1, 5, 2, 1, 5], Some(2), 3, DecodeError::TlvOrder { previous: 2, next: 2 }),
            (&[2, 1, 0], Some(2), 0, DecodeError::NotMinimal(0)),
            (&[4, 5, 1, 0, 0, 0, 0], Some(4), 0, DecodeError::TrailingBytes(1)),
            (&[1, 0, 2, 3, 1], Some(2), 2, DecodeError::Truncated { wanted: 3, left: 1 }),
            (&[1, 0, 0xfd, 0], None, 2, DecodeError::Truncated { wanted: 2, left: 1 }),
        ];
        for (bytes, record, offset, error) in cases {
            assert_eq!(Sample::decode(bytes), Err(TlvError { record, offset, error }), "{bytes:?}");
        }
    }
}

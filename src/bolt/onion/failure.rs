//! What a node says of an HTLC that it does not take on. BOLT 4, "Failure Messages".
#![allow(clippy::decimal_bitwise_operands, reason = "BOLT 4 writes its codes like this")]

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bolt::units::{BlockHeight, CltvExpiry, Msat};
use crate::bolt::wire::Bytes;
use crate::bolt::wire::codec::{DecodeError, Field, read_big_size, write_big_size};
use crate::bolt::wire::tlv::{TlvRecord, records, write_record};

/// The onion could not be read; the peer that sent it says so.
pub const BADONION: u16 = 0x8000;
/// Trying again does not help.
pub const PERM: u16 = 0x4000;
/// The node itself is at fault, not one of its channels.
pub const NODE: u16 = 0x2000;
/// The sender went by outdated parameters of the channel.
pub const UPDATE: u16 = 0x1000;

/// The type of a TLV record, as a failure names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordType(pub u64);

impl Field for RecordType {
    fn write(&self, out: &mut Vec<u8>) {
        write_big_size(self.0, out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        read_big_size(input).map(Self)
    }
}

/// Why bytes are no failure of this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("read a failure{}: {error}", code.map_or_else(String::new, |code| format!(" 0x{code:04x}")))]
pub struct FailureError {
    /// The code, as far as it is there.
    pub code: Option<u16>,
    /// What is wrong with its data.
    pub error: DecodeError,
}

macro_rules! failures {
    ($(
        $(#[$doc:meta])*
        ($code:expr) $text:literal $name:ident { $($field:ident: $type:ty),* $(,)? }
    )*) => {
        /// The reason why an HTLC was not taken on.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        #[allow(missing_docs, reason = "the fields are the specification's")]
        pub enum Failure {
            $($(#[$doc])* $name { $($field: $type),* },)*
            /// A code that nobody has defined, with whatever follows it.
            Unknown { code: u16, data: Bytes },
        }

        impl Failure {
            /// The codes that are defined, with their names.
            pub const CODES: &'static [(u16, &'static str)] = &[$(($code, $text),)*];

            /// `failure_code`.
            pub fn code(&self) -> u16 {
                match self {
                    $(Self::$name { .. } => $code,)*
                    Self::Unknown { code, .. } => *code,
                }
            }

            /// The name that BOLT 4 gives the code.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $text,)*
                    Self::Unknown { .. } => "unknown",
                }
            }

            fn write_data(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$name { $($field),* } => { $($field.write(out);)* })*
                    Self::Unknown { data, .. } => out.extend_from_slice(&data.0),
                }
            }

            fn read_data(code: u16, data: &mut &[u8]) -> Result<Self, DecodeError> {
                $(
                    if code == $code {
                        return Ok(Self::$name { $($field: Field::read(data)?),* });
                    }
                )*
                Ok(Self::Unknown { code, data: Bytes(std::mem::take(data).to_vec()) })
            }
        }
    };
}

type OnionHash = bitcoin::hashes::sha256::Hash;

failures! {
    /// The node cannot just now.
    (NODE | 2) "temporary_node_failure" TemporaryNodeFailure {}
    /// The node cannot at all.
    (PERM | NODE | 2) "permanent_node_failure" PermanentNodeFailure {}
    /// The node demands a feature that the onion does not have.
    (PERM | NODE | 3) "required_node_feature_missing" RequiredNodeFeatureMissing {}
    /// The onion's version is not known.
    (BADONION | PERM | 4) "invalid_onion_version" InvalidOnionVersion {
        sha256_of_onion: OnionHash,
    }
    /// The onion's HMAC is not that of its content.
    (BADONION | PERM | 5) "invalid_onion_hmac" InvalidOnionHmac { sha256_of_onion: OnionHash }
    /// The onion's key is not on the curve.
    (BADONION | PERM | 6) "invalid_onion_key" InvalidOnionKey { sha256_of_onion: OnionHash }
    /// The outgoing channel cannot just now.
    (UPDATE | 7) "temporary_channel_failure" TemporaryChannelFailure { channel_update: Bytes }
    /// The outgoing channel cannot at all.
    (PERM | 8) "permanent_channel_failure" PermanentChannelFailure {}
    /// The outgoing channel demands a feature that the onion does not have.
    (PERM | 9) "required_channel_feature_missing" RequiredChannelFeatureMissing {}
    /// There is no such outgoing channel.
    (PERM | 10) "unknown_next_peer" UnknownNextPeer {}
    /// The outgoing channel takes larger HTLCs only.
    (UPDATE | 11) "amount_below_minimum" AmountBelowMinimum {
        htlc_msat: Msat,
        channel_update: Bytes,
    }
    /// The outgoing channel costs more.
    (UPDATE | 12) "fee_insufficient" FeeInsufficient { htlc_msat: Msat, channel_update: Bytes }
    /// The outgoing HTLC would expire too close before the incoming one.
    (UPDATE | 13) "incorrect_cltv_expiry" IncorrectCltvExpiry {
        cltv_expiry: CltvExpiry,
        channel_update: Bytes,
    }
    /// The HTLC expires too soon to be relayed.
    (UPDATE | 14) "expiry_too_soon" ExpiryTooSoon { channel_update: Bytes }
    /// The recipient does not expect such a payment; it does not say which part is wrong.
    (PERM | 15) "incorrect_or_unknown_payment_details" IncorrectOrUnknownPaymentDetails {
        htlc_msat: Msat,
        height: BlockHeight,
    }
    /// The HTLC expires before the onion says so.
    (18) "final_incorrect_cltv_expiry" FinalIncorrectCltvExpiry { cltv_expiry: CltvExpiry }
    /// The HTLC carries less than the onion says.
    (19) "final_incorrect_htlc_amount" FinalIncorrectHtlcAmount { incoming_htlc_amt: Msat }
    /// The outgoing channel is disabled.
    (UPDATE | 20) "channel_disabled" ChannelDisabled {
        disabled_flags: u16,
        channel_update: Bytes,
    }
    /// The HTLC expires too late.
    (21) "expiry_too_far" ExpiryTooFar {}
    /// The payload makes no sense, from this record on.
    (PERM | 22) "invalid_onion_payload" InvalidOnionPayload {
        tlv_type: RecordType,
        offset: u16,
    }
    /// The other parts of the payment did not come in time.
    (23) "mpp_timeout" MppTimeout {}
    /// Something is wrong on a blinded path; where and what is nobody's business.
    (BADONION | PERM | 24) "invalid_onion_blinding" InvalidOnionBlinding {
        sha256_of_onion: OnionHash,
    }
}

impl Failure {
    /// Whether the peer could not read the onion: told by `update_fail_malformed_htlc`.
    pub fn is_bad_onion(&self) -> bool {
        self.code() & BADONION != 0
    }

    /// Whether trying again does not help.
    pub fn is_permanent(&self) -> bool {
        self.code() & PERM != 0
    }

    /// Whether the node is at fault and not a channel.
    pub fn is_node(&self) -> bool {
        self.code() & NODE != 0
    }

    /// Whether the sender went by outdated parameters of a channel.
    pub fn is_update(&self) -> bool {
        self.code() & UPDATE != 0
    }

    /// `failuremsg`: the code and its data.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.code().write(&mut out);
        self.write_data(&mut out);
        out
    }

    /// Reads a `failuremsg`. What follows the data is ignored; [`FailureMessage`] keeps it.
    ///
    /// # Errors
    /// [`FailureError`] if the data of a known code is cut short.
    pub fn decode(mut message: &[u8]) -> Result<Self, FailureError> {
        Self::read(&mut message)
    }

    fn read(message: &mut &[u8]) -> Result<Self, FailureError> {
        let code = u16::read(message).map_err(|error| FailureError { code: None, error })?;
        Self::read_data(code, message).map_err(|error| FailureError { code: Some(code), error })
    }
}

/// `failuremsg` with the TLV stream that may follow the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureMessage {
    /// The reason.
    pub failure: Failure,
    /// The records behind it, none of which has a meaning yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tlvs: Vec<TlvRecord>,
}

impl FailureMessage {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.failure.encode();
        for record in &self.tlvs {
            write_record(record.number, &record.value.0, &mut out);
        }
        out
    }

    /// Reads a `failuremsg`. Bytes behind the data that are no TLV stream are ignored.
    ///
    /// # Errors
    /// [`FailureError`] if the data of a known code is cut short.
    pub fn decode(mut message: &[u8]) -> Result<Self, FailureError> {
        let failure = Failure::read(&mut message)?;
        let tlvs = records(message).map(|record| {
            record.map(|r| TlvRecord { number: r.number, value: Bytes(r.value.to_vec()) })
        });
        let tlvs = tlvs.collect::<Result<_, _>>().unwrap_or_default();
        Ok(Self { failure, tlvs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each() -> Vec<Failure> {
        Failure::CODES
            .iter()
            .map(|(code, name)| {
                let message = [&code.to_be_bytes()[..], &[0; 40]].concat();
                let failure = Failure::decode(&message).unwrap();
                assert_eq!((failure.code(), failure.name()), (*code, *name));
                failure
            })
            .collect()
    }

    #[test]
    fn every_failure_comes_back_as_it_was() {
        assert_eq!(each().len(), 22);
        for failure in each() {
            let bytes = failure.encode();
            assert_eq!(Failure::decode(&bytes), Ok(failure.clone()));
            let json = serde_json::to_string(&failure).unwrap();
            assert_eq!(serde_json::from_str::<Failure>(&json).unwrap(), failure, "{json}");
            for length in 2..bytes.len() {
                let error = Failure::decode(&bytes[..length]).unwrap_err();
                assert_eq!(error.code, Some(failure.code()));
            }
        }
        assert_eq!(Failure::decode(&[1]).unwrap_err().code, None);
    }

    #[test]
    fn codes_are_the_specifications() {
        let codes = [
            (0x2002, "temporary_node_failure"),
            (0x6002, "permanent_node_failure"),
            (0x6003, "required_node_feature_missing"),
            (0xc004, "invalid_onion_version"),
            (0xc005, "invalid_onion_hmac"),
            (0xc006, "invalid_onion_key"),
            (0x1007, "temporary_channel_failure"),
            (0x4008, "permanent_channel_failure"),
            (0x4009, "required_channel_feature_missing"),
            (0x400a, "unknown_next_peer"),
            (0x100b, "amount_below_minimum"),
            (0x100c, "fee_insufficient"),
            (0x100d, "incorrect_cltv_expiry"),
            (0x100e, "expiry_too_soon"),
            (0x400f, "incorrect_or_unknown_payment_details"),
            (0x0012, "final_incorrect_cltv_expiry"),
            (0x0013, "final_incorrect_htlc_amount"),
            (0x1014, "channel_disabled"),
            (0x0015, "expiry_too_far"),
            (0x4016, "invalid_onion_payload"),
            (0x0017, "mpp_timeout"),
            (0xc018, "invalid_onion_blinding"),
        ];
        assert_eq!(Failure::CODES, codes);
    }

    #[test]
    fn data_lies_where_the_specification_says() {
        let channel_update = Bytes(vec![7, 8]);
        let cltv_expiry = CltvExpiry(0x0102_0304);
        let cases = [
            (
                Failure::FeeInsufficient {
                    htlc_msat: Msat(5),
                    channel_update: channel_update.clone(),
                },
                "100c000000000000000500020708",
            ),
            (
                Failure::IncorrectCltvExpiry {
                    cltv_expiry,
                    channel_update: channel_update.clone(),
                },
                "100d0102030400020708",
            ),
            (Failure::ChannelDisabled { disabled_flags: 9, channel_update }, "1014000900020708"),
            (
                Failure::IncorrectOrUnknownPaymentDetails {
                    htlc_msat: Msat(5),
                    height: BlockHeight(6),
                },
                "400f000000000000000500000006",
            ),
            (
                Failure::InvalidOnionPayload { tlv_type: RecordType(0x1234), offset: 5 },
                "4016fd12340005",
            ),
        ];
        for (failure, hex) in cases {
            assert_eq!(Bytes(failure.encode()).to_string(), hex);
            assert_eq!(Failure::decode(&failure.encode()), Ok(failure));
        }
    }

    #[test]
    fn flags_are_those_of_the_code() {
        let flags = |code: u16| {
            let failure = Failure::Unknown { code, data: Bytes::default() };
            [failure.is_bad_onion(), failure.is_permanent(), failure.is_node(), failure.is_update()]
        };
        assert_eq!(flags(0x8001), [true, false, false, false]);
        assert_eq!(flags(0x4001), [false, true, false, false]);
        assert_eq!(flags(0x2001), [false, false, true, false]);
        assert_eq!(flags(0x1001), [false, false, false, true]);
        for failure in each() {
            assert_eq!(
                failure.is_bad_onion(),
                failure.name().starts_with("invalid_onion_")
                    && failure.name() != "invalid_onion_payload"
            );
            let update = failure.encode().len() > 3 && failure.is_update();
            assert_eq!(update, format!("{failure:?}").contains("channel_update"));
        }
    }

    #[test]
    fn unknown_codes_and_what_follows_the_data_are_kept_or_ignored() {
        let unknown = Failure::decode(&[0x12, 0x34, 5, 6]).unwrap();
        assert_eq!(unknown, Failure::Unknown { code: 0x1234, data: Bytes(vec![5, 6]) });
        assert_eq!(unknown.encode(), [0x12, 0x34, 5, 6]);
        let stream = [0, 23, 1, 1, 9, 3, 0];
        let message = FailureMessage::decode(&stream).unwrap();
        assert_eq!((message.failure.name(), message.tlvs.len()), ("mpp_timeout", 2));
        assert_eq!(message.encode(), stream);
        assert_eq!(Failure::decode(&stream), Ok(Failure::MppTimeout {}));
        let junk = FailureMessage::decode(&[0, 23, 1, 9, 9]).unwrap();
        assert_eq!(junk, FailureMessage { failure: Failure::MppTimeout {}, tlvs: vec![] });
    }
}

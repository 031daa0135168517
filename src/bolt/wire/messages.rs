//! The messages, in one table: number, name, fields in their order, TLV records in theirs.

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use bitcoin::{Amount, ScriptBuf, Txid};
use secp256k1::PublicKey;
use secp256k1::ecdsa::Signature;
use serde::{Deserialize, Serialize};

use super::codec::{DecodeError, Field, TlvValue, read_tlvs, write_tlv};
use super::types::{
    Bytes, ChannelId, ChannelTypeBits, Data, FeeRange, OnionPacket, PaymentPreimage,
};
use crate::bolt::keys::PerCommitmentSecret;
use crate::bolt::onion::attribution::AttributionData;
use crate::bolt::units::{CltvExpiry, CsvDelay, FeeratePerKw, HtlcId, Msat, ShortChannelId};

/// Declares messages: a struct for each, the enum of all, and both directions of the codec.
macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $number:literal $snake:literal $name:ident { $($field:ident: $type:ty),* $(,)? }
        $(tlvs { $($record:literal $tlv:ident: $value:ty),* $(,)? })?
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[allow(missing_docs, reason = "the fields are the specification's")]
            pub struct $name {
                $(pub $field: $type,)*
                $($(
                    #[serde(default, skip_serializing_if = "Option::is_none")]
                    pub $tlv: Option<$value>,
                )*)?
            }

            impl $name {
                fn write(&self, out: &mut Vec<u8>) {
                    $(self.$field.write(out);)*
                    $($(write_tlv($record, self.$tlv.as_ref(), out);)*)?
                }

                fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
                    $(let $field = <$type as Field>::read(input)?;)*
                    $($(let mut $tlv = None;)*)?
                    for (record, value) in read_tlvs(input)? {
                        match record {
                            $($($record => $tlv = Some(<$value as TlvValue>::from_value(value)?),)*)?
                            even if even % 2 == 0 => return Err(DecodeError::UnknownEvenTlv(even)),
                            _odd => { let _ignored: &[u8] = value; }
                        }
                    }
                    Ok(Self { $($field,)* $($($tlv,)*)? })
                }
            }

            impl From<$name> for Message {
                fn from(message: $name) -> Self {
                    Self::$name(message)
                }
            }
        )*

        /// Any message.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Message {
            $(
                $(#[$doc])*
                #[serde(rename = $snake)]
                $name($name),
            )*
        }

        impl Message {
            /// The name that the specification gives it.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $snake,)*
                }
            }

            /// The message as it goes over the wire: its type and its fields.
            pub fn encode(&self) -> Vec<u8> {
                let mut out = Vec::new();
                match self {
                    $(Self::$name(message) => {
                        let number: u16 = $number;
                        number.write(&mut out);
                        message.write(&mut out);
                    })*
                }
                out
            }

            /// Reads a whole message.
            ///
            /// # Errors
            /// [`DecodeError`] if the bytes are no message that is known here; an unknown odd type
            /// ([`DecodeError::UnknownOddType`]) is for the receiver to ignore.
            pub fn decode(mut bytes: &[u8]) -> Result<Self, DecodeError> {
                let input = &mut bytes;
                match u16::read(input)? {
                    $($number => $name::read(input).map(Self::$name),)*
                    even if even % 2 == 0 => Err(DecodeError::UnknownEvenType(even)),
                    odd => Err(DecodeError::UnknownOddType(odd)),
                }
            }
        }
    };
}

messages! {
    /// Something is wrong, but the channel goes on. BOLT 1.
    1 "warning" Warning { channel_id: ChannelId, data: Data }
    /// The channel has failed. BOLT 1.
    17 "error" Error { channel_id: ChannelId, data: Data }
    /// Proposes a channel. BOLT 2.
    32 "open_channel" OpenChannel {
        chain_hash: ChainHash,
        temporary_channel_id: ChannelId,
        funding_satoshis: Amount,
        push_msat: Msat,
        dust_limit_satoshis: Amount,
        max_htlc_value_in_flight_msat: Msat,
        channel_reserve_satoshis: Amount,
        htlc_minimum_msat: Msat,
        feerate_per_kw: FeeratePerKw,
        to_self_delay: CsvDelay,
        max_accepted_htlcs: u16,
        funding_pubkey: PublicKey,
        revocation_basepoint: PublicKey,
        payment_basepoint: PublicKey,
        delayed_payment_basepoint: PublicKey,
        htlc_basepoint: PublicKey,
        first_per_commitment_point: PublicKey,
        channel_flags: u8,
    } tlvs {
        0 upfront_shutdown_script: ScriptBuf,
        1 channel_type: ChannelTypeBits,
    }
    /// Accepts it. BOLT 2.
    33 "accept_channel" AcceptChannel {
        temporary_channel_id: ChannelId,
        dust_limit_satoshis: Amount,
        max_htlc_value_in_flight_msat: Msat,
        channel_reserve_satoshis: Amount,
        htlc_minimum_msat: Msat,
        minimum_depth: u32,
        to_self_delay: CsvDelay,
        max_accepted_htlcs: u16,
        funding_pubkey: PublicKey,
        revocation_basepoint: PublicKey,
        payment_basepoint: PublicKey,
        delayed_payment_basepoint: PublicKey,
        htlc_basepoint: PublicKey,
        first_per_commitment_point: PublicKey,
    } tlvs {
        0 upfront_shutdown_script: ScriptBuf,
        1 channel_type: ChannelTypeBits,
    }
    /// Names the funding output and signs the acceptor's first commitment. BOLT 2.
    34 "funding_created" FundingCreated {
        temporary_channel_id: ChannelId,
        funding_txid: Txid,
        funding_output_index: u16,
        signature: Signature,
    }
    /// Signs the opener's first commitment. BOLT 2.
    35 "funding_signed" FundingSigned { channel_id: ChannelId, signature: Signature }
    /// The funding transaction is deep enough. BOLT 2.
    36 "channel_ready" ChannelReady {
        channel_id: ChannelId,
        second_per_commitment_point: PublicKey,
    } tlvs {
        1 short_channel_id: ShortChannelId,
    }
    /// No more HTLCs: the channel is to be closed. BOLT 2.
    38 "shutdown" Shutdown { channel_id: ChannelId, scriptpubkey: ScriptBuf }
    /// Proposes a fee for the closing transaction and signs it. BOLT 2.
    39 "closing_signed" ClosingSigned {
        channel_id: ChannelId,
        fee_satoshis: Amount,
        signature: Signature,
    } tlvs {
        1 fee_range: FeeRange,
    }
    /// Offers an HTLC. BOLT 2.
    128 "update_add_htlc" UpdateAddHtlc {
        channel_id: ChannelId,
        id: HtlcId,
        amount_msat: Msat,
        payment_hash: sha256::Hash,
        cltv_expiry: CltvExpiry,
        onion_routing_packet: OnionPacket,
    } tlvs {
        0 blinded_path: PublicKey,
    }
    /// Takes an offered HTLC with its preimage. BOLT 2.
    130 "update_fulfill_htlc" UpdateFulfillHtlc {
        channel_id: ChannelId,
        id: HtlcId,
        payment_preimage: PaymentPreimage,
    } tlvs {
        1 attribution_data: Box<AttributionData>,
    }
    /// Gives an offered HTLC back; only the payer can read why. BOLT 2.
    131 "update_fail_htlc" UpdateFailHtlc {
        channel_id: ChannelId,
        id: HtlcId,
        reason: Bytes,
    } tlvs {
        1 attribution_data: Box<AttributionData>,
    }
    /// Signs the peer's next commitment. BOLT 2.
    132 "commitment_signed" CommitmentSigned {
        channel_id: ChannelId,
        signature: Signature,
        htlc_signature: Vec<Signature>,
    }
    /// Revokes the sender's previous commitment. BOLT 2.
    133 "revoke_and_ack" RevokeAndAck {
        channel_id: ChannelId,
        per_commitment_secret: PerCommitmentSecret,
        next_per_commitment_point: PublicKey,
    }
    /// Gives an offered HTLC back whose onion cannot be read. BOLT 2.
    135 "update_fail_malformed_htlc" UpdateFailMalformedHtlc {
        channel_id: ChannelId,
        id: HtlcId,
        sha256_of_onion: sha256::Hash,
        failure_code: u16,
    }
    /// An onion for a node, with or without a channel. BOLT 4.
    513 "onion_message" OnionMessage { path_key: PublicKey, onion_message_packet: Bytes }
}

impl Message {
    /// The channel that it is about, if it is about one; temporary until the channel is funded.
    pub fn channel_id(&self) -> Option<ChannelId> {
        match self {
            Self::OnionMessage(_) => None,
            Self::Warning(Warning { channel_id, .. })
            | Self::Error(Error { channel_id, .. })
            | Self::FundingSigned(FundingSigned { channel_id, .. })
            | Self::ChannelReady(ChannelReady { channel_id, .. })
            | Self::Shutdown(Shutdown { channel_id, .. })
            | Self::ClosingSigned(ClosingSigned { channel_id, .. })
            | Self::UpdateAddHtlc(UpdateAddHtlc { channel_id, .. })
            | Self::UpdateFulfillHtlc(UpdateFulfillHtlc { channel_id, .. })
            | Self::UpdateFailHtlc(UpdateFailHtlc { channel_id, .. })
            | Self::UpdateFailMalformedHtlc(UpdateFailMalformedHtlc { channel_id, .. })
            | Self::CommitmentSigned(CommitmentSigned { channel_id, .. })
            | Self::RevokeAndAck(RevokeAndAck { channel_id, .. }) => Some(*channel_id),
            Self::OpenChannel(OpenChannel { temporary_channel_id, .. })
            | Self::AcceptChannel(AcceptChannel { temporary_channel_id, .. })
            | Self::FundingCreated(FundingCreated { temporary_channel_id, .. }) => {
                Some(*temporary_channel_id)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secp256k1::{SECP256K1, SecretKey};

    use super::*;

    fn point(byte: u8) -> PublicKey {
        SecretKey::from_slice(&[byte; 32]).unwrap().public_key(SECP256K1)
    }

    fn signature(byte: u8) -> Signature {
        let message = secp256k1::Message::from_digest([byte; 32]);
        SECP256K1.sign_ecdsa(&message, &SecretKey::from_slice(&[byte; 32]).unwrap())
    }

    fn attribution_data() -> Box<AttributionData> {
        Box::new(AttributionData::from_bytes(&[5; AttributionData::LENGTH]))
    }

    fn open_channel() -> OpenChannel {
        OpenChannel {
            chain_hash: ChainHash::REGTEST,
            temporary_channel_id: ChannelId([1; 32]),
            funding_satoshis: Amount::from_sat(1_000_000),
            push_msat: Msat(5),
            dust_limit_satoshis: Amount::from_sat(546),
            max_htlc_value_in_flight_msat: Msat(1_000_000_000),
            channel_reserve_satoshis: Amount::from_sat(10_000),
            htlc_minimum_msat: Msat(1),
            feerate_per_kw: FeeratePerKw(1_000),
            to_self_delay: CsvDelay(144),
            max_accepted_htlcs: 483,
            funding_pubkey: point(1),
            revocation_basepoint: point(2),
            payment_basepoint: point(3),
            delayed_payment_basepoint: point(4),
            htlc_basepoint: point(5),
            first_per_commitment_point: point(6),
            channel_flags: 0,
            upfront_shutdown_script: Some(ScriptBuf::new()),
            channel_type: Some(crate::bolt::tx::ChannelType::Anchors.into()),
        }
    }

    /// One of each message, with all of its TLV records.
    #[allow(clippy::too_many_lines, reason = "a list")]
    fn one_of_each() -> Vec<Message> {
        let channel_id = ChannelId([7; 32]);
        let OpenChannel { upfront_shutdown_script, channel_type, .. } = open_channel();
        vec![
            Warning { channel_id, data: Data("careful".to_owned()) }.into(),
            Error { channel_id, data: Data("over".to_owned()) }.into(),
            open_channel().into(),
            AcceptChannel {
                temporary_channel_id: channel_id,
                dust_limit_satoshis: Amount::from_sat(354),
                max_htlc_value_in_flight_msat: Msat(9),
                channel_reserve_satoshis: Amount::from_sat(10_000),
                htlc_minimum_msat: Msat(0),
                minimum_depth: 3,
                to_self_delay: CsvDelay(6),
                max_accepted_htlcs: 30,
                funding_pubkey: point(1),
                revocation_basepoint: point(2),
                payment_basepoint: point(3),
                delayed_payment_basepoint: point(4),
                htlc_basepoint: point(5),
                first_per_commitment_point: point(6),
                upfront_shutdown_script,
                channel_type,
            }
            .into(),
            FundingCreated {
                temporary_channel_id: channel_id,
                funding_txid: bitcoin::hashes::Hash::all_zeros(),
                funding_output_index: 1,
                signature: signature(1),
            }
            .into(),
            FundingSigned { channel_id, signature: signature(2) }.into(),
            ChannelReady {
                channel_id,
                second_per_commitment_point: point(7),
                short_channel_id: Some(ShortChannelId(42)),
            }
            .into(),
            Shutdown { channel_id, scriptpubkey: ScriptBuf::from_bytes(vec![0, 1, 2]) }.into(),
            ClosingSigned {
                channel_id,
                fee_satoshis: Amount::from_sat(300),
                signature: signature(3),
                fee_range: Some(FeeRange {
                    min_fee_satoshis: Amount::from_sat(200),
                    max_fee_satoshis: Amount::from_sat(400),
                }),
            }
            .into(),
            UpdateAddHtlc {
                channel_id,
                id: HtlcId(3),
                amount_msat: Msat(1_000),
                payment_hash: bitcoin::hashes::Hash::hash(&[1]),
                cltv_expiry: CltvExpiry(500),
                onion_routing_packet: OnionPacket(Box::new([9; OnionPacket::LENGTH])),
                blinded_path: Some(point(9)),
            }
            .into(),
            UpdateFulfillHtlc {
                channel_id,
                id: HtlcId(3),
                payment_preimage: PaymentPreimage([4; 32]),
                attribution_data: Some(attribution_data()),
            }
            .into(),
            UpdateFailHtlc {
                channel_id,
                id: HtlcId(3),
                reason: Bytes(vec![6; 292]),
                attribution_data: Some(attribution_data()),
            }
            .into(),
            CommitmentSigned {
                channel_id,
                signature: signature(4),
                htlc_signature: vec![signature(5), signature(6)],
            }
            .into(),
            RevokeAndAck {
                channel_id,
                per_commitment_secret: PerCommitmentSecret([8; 32]),
                next_per_commitment_point: point(8),
            }
            .into(),
            UpdateFailMalformedHtlc {
                channel_id,
                id: HtlcId(4),
                sha256_of_onion: bitcoin::hashes::Hash::hash(&[2]),
                failure_code: 0xc005,
            }
            .into(),
            OnionMessage { path_key: point(10), onion_message_packet: Bytes(vec![7; 1366]) }.into(),
        ]
    }

    #[test]
    fn every_message_comes_back_as_it_was() {
        for message in one_of_each() {
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes), Ok(message.clone()), "{}", message.name());
            let json = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<Message>(&json).unwrap(), message);
        }
    }

    /// BOLT 1: TLV records may be missing at the end, fields may not.
    #[test]
    fn a_message_that_is_cut_short_is_refused() {
        for message in one_of_each() {
            let without_tlvs = match message.clone() {
                Message::OpenChannel(m) => {
                    OpenChannel { upfront_shutdown_script: None, channel_type: None, ..m }.into()
                }
                Message::AcceptChannel(m) => {
                    AcceptChannel { upfront_shutdown_script: None, channel_type: None, ..m }.into()
                }
                Message::ChannelReady(m) => ChannelReady { short_channel_id: None, ..m }.into(),
                Message::ClosingSigned(m) => ClosingSigned { fee_range: None, ..m }.into(),
                Message::UpdateAddHtlc(m) => UpdateAddHtlc { blinded_path: None, ..m }.into(),
                Message::UpdateFulfillHtlc(m) => {
                    UpdateFulfillHtlc { attribution_data: None, ..m }.into()
                }
                Message::UpdateFailHtlc(m) => UpdateFailHtlc { attribution_data: None, ..m }.into(),
                other => other,
            };
            let fixed = without_tlvs.encode();
            assert_eq!(Message::decode(&fixed), Ok(without_tlvs));
            for length in 0..fixed.len() {
                let cut = Message::decode(&fixed[..length]);
                assert!(matches!(cut, Err(DecodeError::Truncated { .. })), "{length}: {cut:?}");
            }
        }
    }

    #[test]
    fn unknown_odd_records_are_ignored_and_even_ones_are_not() {
        let mut bytes = Message::from(open_channel()).encode();
        bytes.extend([0xc9, 1, 0xff]);
        assert_eq!(Message::decode(&bytes), Ok(open_channel().into()));
        let length = bytes.len();
        bytes[length - 3] = 0xc8;
        assert_eq!(Message::decode(&bytes), Err(DecodeError::UnknownEvenTlv(0xc8)));
    }

    #[test]
    fn unknown_types_are_odd_or_an_error() {
        assert_eq!(Message::decode(&[0x7f, 0xff]), Err(DecodeError::UnknownOddType(0x7fff)));
        assert_eq!(Message::decode(&[0x7f, 0xfe]), Err(DecodeError::UnknownEvenType(0x7ffe)));
    }

    proptest! {
        /// Whatever the bytes, decoding them is no panic, and what is decoded encodes to something
        /// that decodes to the same.
        #[test]
        fn arbitrary_bytes_never_panic(
            number in prop::sample::select(vec![1_u16, 17, 32, 33, 34, 35, 36, 38, 39, 128, 130, 131, 132, 133, 135, 513]),
            body in prop::collection::vec(any::<u8>(), 0..2_000),
        ) {
            let bytes = [number.to_be_bytes().to_vec(), body].concat();
            if let Ok(message) = Message::decode(&bytes) {
                prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
            }
        }

        /// A message with one byte changed is refused, or is another message, but never the same.
        #[test]
        fn a_changed_byte_is_noticed(index in any::<prop::sample::Index>(), change in 1_u8..) {
            for message in one_of_each() {
                let mut bytes = message.encode();
                let position = index.index(bytes.len());
                bytes[position] ^= change;
                prop_assert_ne!(Message::decode(&bytes), Ok(message));
            }
        }
    }
}

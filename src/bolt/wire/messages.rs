//! The messages, in one table: number, name, fields in their order, TLV records in theirs.

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use bitcoin::{Amount, ScriptBuf, Txid};
use secp256k1::PublicKey;
use secp256k1::ecdsa::Signature;
use serde::{Deserialize, Serialize};

use super::codec::{DecodeError, Field, TlvValue, read_tlvs, write_tlv};
use super::types::{
    ChannelId, ChannelTypeBits, Data, FeeRange, OnionPacket, PaymentPreimage, ShortChannelId,
};
use crate::bolt::keys::PerCommitmentSecret;
use crate::bolt::units::{CltvExpiry, CsvDelay, FeeratePerKw, HtlcId, Msat};

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
    }
    /// Takes an offered HTLC with its preimage. BOLT 2.
    130 "update_fulfill_htlc" UpdateFulfillHtlc {
        channel_id: ChannelId,
        id: HtlcId,
        payment_preimage: PaymentPreimage,
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
}

impl Message {
    /// The channel that it is about; temporary until the channel is funded.
    pub fn channel_id(&self) -> ChannelId {
        match self {
            Self::Warning(Warning { channel_id, .. })
            | Self::Error(Error { channel_id, .. })
            | Self::FundingSigned(FundingSigned { channel_id, .. })
            | Self::ChannelReady(ChannelReady { channel_id, .. })
            | Self::Shutdown(Shutdown { channel_id, .. })
            | Self::ClosingSigned(ClosingSigned { channel_id, .. })
            | Self::UpdateAddHtlc(UpdateAddHtlc { channel_id, .. })
            | Self::UpdateFulfillHtlc(UpdateFulfillHtlc { channel_id, .. })
            | Self::CommitmentSigned(CommitmentSigned { channel_id, .. })
            | Self::RevokeAndAck(RevokeAndAck { channel_id, .. }) => *channel_id,
            Self::OpenChannel(OpenChannel { temporary_channel_id, .. })
            | Self::AcceptChannel(AcceptChannel { temporary_channel_id, .. })
            | Self::FundingCreated(FundingCreated { temporary_channel_id, .. }) => {
                *temporary_channel_id
            }
        }
    }
}

//! The messages, in one table: number, name, fields in their order, TLV records in theirs.

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use bitcoin::{Amount, ScriptBuf, Txid};
use secp256k1::PublicKey;
use secp256k1::ecdsa::Signature;
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::codec::{DecodeError, Field, TlvValue};
use super::records::{ChannelUpdateChecksums, FeeRange, FundingRetransmit};
use super::table::{FieldRule, MessageRule, RecordRule, channel_named_by, messages};
use super::tlv::{self, RecordWriter, TlvRecord};
use super::types::{
    Alias, BigSize, Bytes, ChannelId, ChannelTypeBits, Data, MessageType, OnionPacket,
    PaymentPreimage, Present, Repeated, RgbColor, SignedSatoshis, UncheckedPoint,
};
use crate::bolt::features::Features;
use crate::bolt::keys::PerCommitmentSecret;
use crate::bolt::onion::attribution::AttributionData;
use crate::bolt::units::{
    BlockHeight, CltvExpiry, CltvExpiryDelta, CommitmentNumber, CsvDelay, FeeratePerKw, HtlcId,
    Msat, ShortChannelId,
};

/// A message of a type that is not in the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unknown {
    /// Its type. Odd ones may be ignored. BOLT 1, "Lightning Message Format".
    pub message_type: u16,
    /// All that follows the type.
    pub payload: Bytes,
}

messages! {
    /// Something is wrong, but the channel goes on. BOLT 1.
    1 "warning" Warning of channel_id { channel_id: ChannelId, data: Data }
    /// Asks for quiescence. BOLT 2.
    2 "stfu" Stfu of channel_id { channel_id: ChannelId, initiator: u8 }
    /// Gives the peer something to keep. BOLT 1.
    7 "peer_storage" PeerStorage { blob: Bytes }
    /// Gives back what the peer had kept. BOLT 1.
    9 "peer_storage_retrieval" PeerStorageRetrieval { blob: Bytes }
    /// The first message of a connection. BOLT 1.
    16 "init" Init { globalfeatures: Features, features: Features } tlvs {
        1 networks: Repeated<ChainHash>,
        3 remote_addr: Address,
    }
    /// The channel has failed. BOLT 1.
    17 "error" Error of channel_id { channel_id: ChannelId, data: Data }
    /// Asks for a `pong`. BOLT 1.
    18 "ping" Ping { num_pong_bytes: u16, ignored: Bytes }
    /// Answers a `ping`. BOLT 1.
    19 "pong" Pong { ignored: Bytes }
    /// Proposes a channel. BOLT 2.
    32 "open_channel" OpenChannel of temporary_channel_id {
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
    33 "accept_channel" AcceptChannel of temporary_channel_id {
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
    34 "funding_created" FundingCreated of temporary_channel_id {
        temporary_channel_id: ChannelId,
        funding_txid: Txid,
        funding_output_index: u16,
        signature: Signature,
    }
    /// Signs the opener's first commitment. BOLT 2.
    35 "funding_signed" FundingSigned of channel_id { channel_id: ChannelId, signature: Signature }
    /// The funding transaction is deep enough. BOLT 2.
    36 "channel_ready" ChannelReady of channel_id {
        channel_id: ChannelId,
        second_per_commitment_point: PublicKey,
    } tlvs {
        1 short_channel_id: ShortChannelId,
    }
    /// No more HTLCs: the channel is to be closed. BOLT 2.
    38 "shutdown" Shutdown of channel_id { channel_id: ChannelId, scriptpubkey: ScriptBuf }
    /// Proposes a fee for the closing transaction and signs it. BOLT 2.
    39 "closing_signed" ClosingSigned of channel_id {
        channel_id: ChannelId,
        fee_satoshis: Amount,
        signature: Signature,
    } tlvs {
        1 fee_range: FeeRange,
    }
    /// Signs closing transactions whose fee the sender pays. BOLT 2.
    40 "closing_complete" ClosingComplete of channel_id {
        channel_id: ChannelId,
        closer_scriptpubkey: ScriptBuf,
        closee_scriptpubkey: ScriptBuf,
        fee_satoshis: Amount,
        locktime: u32,
    } tlvs {
        1 closer_output_only: Signature,
        2 closee_output_only: Signature,
        3 closer_and_closee_outputs: Signature,
    }
    /// Signs one of them. BOLT 2.
    41 "closing_sig" ClosingSig of channel_id {
        channel_id: ChannelId,
        closer_scriptpubkey: ScriptBuf,
        closee_scriptpubkey: ScriptBuf,
        fee_satoshis: Amount,
        locktime: u32,
    } tlvs {
        1 closer_output_only: Signature,
        2 closee_output_only: Signature,
        3 closer_and_closee_outputs: Signature,
    }
    /// Proposes a channel that both may fund. BOLT 2.
    64 "open_channel2" OpenChannel2 of temporary_channel_id {
        chain_hash: ChainHash,
        temporary_channel_id: ChannelId,
        funding_feerate_perkw: FeeratePerKw,
        commitment_feerate_perkw: FeeratePerKw,
        funding_satoshis: Amount,
        dust_limit_satoshis: Amount,
        max_htlc_value_in_flight_msat: Msat,
        htlc_minimum_msat: Msat,
        to_self_delay: CsvDelay,
        max_accepted_htlcs: u16,
        locktime: u32,
        funding_pubkey: PublicKey,
        revocation_basepoint: PublicKey,
        payment_basepoint: PublicKey,
        delayed_payment_basepoint: PublicKey,
        htlc_basepoint: PublicKey,
        first_per_commitment_point: PublicKey,
        second_per_commitment_point: PublicKey,
        channel_flags: u8,
    } tlvs {
        0 upfront_shutdown_script: ScriptBuf,
        1 channel_type: ChannelTypeBits,
        2 require_confirmed_inputs: Present,
    }
    /// Accepts it. BOLT 2.
    65 "accept_channel2" AcceptChannel2 of temporary_channel_id {
        temporary_channel_id: ChannelId,
        funding_satoshis: Amount,
        dust_limit_satoshis: Amount,
        max_htlc_value_in_flight_msat: Msat,
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
        second_per_commitment_point: PublicKey,
    } tlvs {
        0 upfront_shutdown_script: ScriptBuf,
        1 channel_type: ChannelTypeBits,
        2 require_confirmed_inputs: Present,
    }
    /// Adds an input to the transaction that both build. BOLT 2.
    66 "tx_add_input" TxAddInput of channel_id {
        channel_id: ChannelId,
        serial_id: u64,
        prevtx: Bytes,
        prevtx_vout: u32,
        sequence: u32,
    } tlvs {
        0 shared_input_txid: Txid,
    }
    /// Adds an output to it. BOLT 2.
    67 "tx_add_output" TxAddOutput of channel_id {
        channel_id: ChannelId,
        serial_id: u64,
        sats: Amount,
        script: ScriptBuf,
    }
    /// Takes an input out of it. BOLT 2.
    68 "tx_remove_input" TxRemoveInput of channel_id { channel_id: ChannelId, serial_id: u64 }
    /// Takes an output out of it. BOLT 2.
    69 "tx_remove_output" TxRemoveOutput of channel_id { channel_id: ChannelId, serial_id: u64 }
    /// The sender has nothing to add to it. BOLT 2.
    70 "tx_complete" TxComplete of channel_id { channel_id: ChannelId }
    /// Signs the sender's inputs of it. BOLT 2.
    71 "tx_signatures" TxSignatures of channel_id {
        channel_id: ChannelId,
        txid: Txid,
        witnesses: Vec<Bytes>,
    } tlvs {
        0 shared_input_signature: Signature,
    }
    /// Proposes to build it anew with a higher fee. BOLT 2.
    72 "tx_init_rbf" TxInitRbf of channel_id {
        channel_id: ChannelId,
        locktime: u32,
        feerate: FeeratePerKw,
    } tlvs {
        0 funding_output_contribution: SignedSatoshis,
        2 require_confirmed_inputs: Present,
    }
    /// Accepts that. BOLT 2.
    73 "tx_ack_rbf" TxAckRbf of channel_id { channel_id: ChannelId } tlvs {
        0 funding_output_contribution: SignedSatoshis,
        2 require_confirmed_inputs: Present,
    }
    /// Gives it up. BOLT 2.
    74 "tx_abort" TxAbort of channel_id { channel_id: ChannelId, data: Data }
    /// A splice is deep enough. BOLT 2.
    77 "splice_locked" SpliceLocked of channel_id { channel_id: ChannelId, splice_txid: Txid }
    /// Proposes another funding output. BOLT 2.
    80 "splice_init" SpliceInit of channel_id {
        channel_id: ChannelId,
        funding_contribution_satoshis: SignedSatoshis,
        funding_feerate_perkw: FeeratePerKw,
        locktime: u32,
        funding_pubkey: PublicKey,
    } tlvs {
        2 require_confirmed_inputs: Present,
    }
    /// Accepts it. BOLT 2.
    81 "splice_ack" SpliceAck of channel_id {
        channel_id: ChannelId,
        funding_contribution_satoshis: SignedSatoshis,
        funding_pubkey: PublicKey,
    } tlvs {
        2 require_confirmed_inputs: Present,
    }
    /// Says how many of the next messages belong together. BOLT 2.
    127 "start_batch" StartBatch of channel_id { channel_id: ChannelId, batch_size: u16 } tlvs {
        1 message_type: MessageType,
    }
    /// Offers an HTLC. BOLT 2.
    128 "update_add_htlc" UpdateAddHtlc of channel_id {
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
    130 "update_fulfill_htlc" UpdateFulfillHtlc of channel_id {
        channel_id: ChannelId,
        id: HtlcId,
        payment_preimage: PaymentPreimage,
    } tlvs {
        1 attribution_data: Box<AttributionData>,
    }
    /// Gives an offered HTLC back; only the payer can read why. BOLT 2.
    131 "update_fail_htlc" UpdateFailHtlc of channel_id {
        channel_id: ChannelId,
        id: HtlcId,
        reason: Bytes,
    } tlvs {
        1 attribution_data: Box<AttributionData>,
    }
    /// Signs the peer's next commitment. BOLT 2.
    132 "commitment_signed" CommitmentSigned of channel_id {
        channel_id: ChannelId,
        signature: Signature,
        htlc_signature: Vec<Signature>,
    } tlvs {
        1 funding_txid: Txid,
    }
    /// Revokes the sender's previous commitment. BOLT 2.
    133 "revoke_and_ack" RevokeAndAck of channel_id {
        channel_id: ChannelId,
        per_commitment_secret: PerCommitmentSecret,
        next_per_commitment_point: PublicKey,
    }
    /// Changes the fee rate of the commitments. BOLT 2.
    134 "update_fee" UpdateFee of channel_id {
        channel_id: ChannelId,
        feerate_per_kw: FeeratePerKw,
    }
    /// Gives an offered HTLC back whose onion cannot be read. BOLT 2.
    135 "update_fail_malformed_htlc" UpdateFailMalformedHtlc of channel_id {
        channel_id: ChannelId,
        id: HtlcId,
        sha256_of_onion: sha256::Hash,
        failure_code: u16,
    }
    /// Says what the sender has of a channel after a reconnection. BOLT 2.
    136 "channel_reestablish" ChannelReestablish of channel_id {
        channel_id: ChannelId,
        next_commitment_number: CommitmentNumber,
        next_revocation_number: CommitmentNumber,
        your_last_per_commitment_secret: PerCommitmentSecret,
        my_current_per_commitment_point: PublicKey,
    } tlvs {
        1 next_funding: FundingRetransmit,
        5 my_current_funding_locked: FundingRetransmit,
    }
    /// Proves a channel to everybody. BOLT 7.
    256 "channel_announcement" ChannelAnnouncement {
        node_signature_1: Signature,
        node_signature_2: Signature,
        bitcoin_signature_1: Signature,
        bitcoin_signature_2: Signature,
        features: Features,
        chain_hash: ChainHash,
        short_channel_id: ShortChannelId,
        node_id_1: UncheckedPoint,
        node_id_2: UncheckedPoint,
        bitcoin_key_1: UncheckedPoint,
        bitcoin_key_2: UncheckedPoint,
    }
    /// Says who a node is and where. BOLT 7.
    257 "node_announcement" NodeAnnouncement {
        signature: Signature,
        features: Features,
        timestamp: u32,
        node_id: UncheckedPoint,
        rgb_color: RgbColor,
        alias: Alias,
        addresses: Bytes,
    }
    /// Says what one side of a channel asks for forwarding. BOLT 7.
    258 "channel_update" ChannelUpdate {
        signature: Signature,
        chain_hash: ChainHash,
        short_channel_id: ShortChannelId,
        timestamp: u32,
        message_flags: u8,
        channel_flags: u8,
        cltv_expiry_delta: CltvExpiryDelta,
        htlc_minimum_msat: Msat,
        fee_base_msat: u32,
        fee_proportional_millionths: u32,
        htlc_maximum_msat: Msat,
    }
    /// The sender's half of a `channel_announcement`. BOLT 7.
    259 "announcement_signatures" AnnouncementSignatures of channel_id {
        channel_id: ChannelId,
        short_channel_id: ShortChannelId,
        node_signature: Signature,
        bitcoin_signature: Signature,
    }
    /// Asks for what is known of some channels. BOLT 7.
    261 "query_short_channel_ids" QueryShortChannelIds {
        chain_hash: ChainHash,
        encoded_short_ids: Bytes,
    } tlvs {
        1 query_flags: Bytes,
    }
    /// Says that all of it was sent. BOLT 7.
    262 "reply_short_channel_ids_end" ReplyShortChannelIdsEnd {
        chain_hash: ChainHash,
        full_information: u8,
    }
    /// Asks which channels some blocks have. BOLT 7.
    263 "query_channel_range" QueryChannelRange {
        chain_hash: ChainHash,
        first_blocknum: BlockHeight,
        number_of_blocks: u32,
    } tlvs {
        1 query_option: BigSize,
    }
    /// Answers that. BOLT 7.
    264 "reply_channel_range" ReplyChannelRange {
        chain_hash: ChainHash,
        first_blocknum: BlockHeight,
        number_of_blocks: u32,
        sync_complete: u8,
        encoded_short_ids: Bytes,
    } tlvs {
        1 timestamps_tlv: Bytes,
        3 checksums_tlv: Repeated<ChannelUpdateChecksums>,
    }
    /// Asks for the gossip of a span of time. BOLT 7.
    265 "gossip_timestamp_filter" GossipTimestampFilter {
        chain_hash: ChainHash,
        first_timestamp: u32,
        timestamp_range: u32,
    }
    /// An onion for a node, with or without a channel. BOLT 4.
    513 "onion_message" OnionMessage { path_key: PublicKey, onion_message_packet: Bytes }
}

impl Error {
    /// An `error` that says this of a channel.
    pub fn about(channel_id: ChannelId, what: impl Into<Data>) -> Self {
        Self { channel_id, data: what.into(), unknown: Vec::new() }
    }
}

impl Warning {
    /// A `warning` that says this of a channel; of all, if its id is all zero.
    pub fn about(channel_id: ChannelId, what: impl Into<Data>) -> Self {
        Self { channel_id, data: what.into(), unknown: Vec::new() }
    }
}

//! BOLT 3, Appendices C and F: commitment transactions and the second stages of their HTLCs.

mod channel;
mod replay;

use bitcoin::Txid;
use secp256k1::SecretKey;
use serde::Deserialize;

use super::{hex::Hex, hex::Hex32};
use crate::bolt::keys::PerCommitmentSecret;
use crate::bolt::tx::htlc::Direction;
use crate::bolt::tx::{ChannelType, Side};
use crate::bolt::units::{CltvExpiry, CommitmentNumber, CsvDelay, FeeratePerKw, Msat};
use replay::replay;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    channel_type: ChannelType,
    funding_tx_id: Txid,
    funding_output_index: u32,
    funding_amount_satoshi: u64,
    commitment_number: CommitmentNumber,
    opener: Side,
    local_delay: CsvDelay,
    htlcs: Vec<SharedHtlc>,
    secrets: Secrets,
    expected_keys: ExpectedKeys,
    tests: Vec<Test>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedHtlc {
    htlc: u64,
    direction: Offer,
    amount_msat: Msat,
    cltv_expiry: CltvExpiry,
    payment_preimage: Hex32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Offer {
    #[serde(rename = "local->remote")]
    LocalToRemote,
    #[serde(rename = "remote->local")]
    RemoteToLocal,
}

/// What the transactions are made from. The HTLC basepoints are the payment basepoints.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    local_funding_privkey: SecretKey,
    remote_funding_privkey: SecretKey,
    local_payment_basepoint_secret: SecretKey,
    remote_payment_basepoint_secret: SecretKey,
    local_delayed_payment_basepoint_secret: SecretKey,
    remote_revocation_basepoint_secret: SecretKey,
    local_per_commitment_secret: PerCommitmentSecret,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedKeys {
    local_funding_pubkey: Hex,
    remote_funding_pubkey: Hex,
    local_payment_basepoint: Hex,
    remote_payment_basepoint: Hex,
    local_htlc_basepoint: Hex,
    remote_htlc_basepoint: Hex,
    local_delayed_payment_basepoint: Hex,
    remote_revocation_basepoint: Hex,
    local_per_commitment_point: Hex,
    local_htlcpubkey: Hex,
    remote_htlcpubkey: Hex,
    local_delayedpubkey: Hex,
    local_revocation_pubkey: Hex,
    local_privkey: Hex,
    remote_privkey: Hex,
    local_delayed_privkey: Hex,
    obscuring_factor: Hex,
    funding_witness_script: Hex,
}

super::load::topic! {
    to_local_msat: Msat,
    to_remote_msat: Msat,
    local_feerate_per_kw: FeeratePerKw,
    local_dust_limit_satoshi: u64,
    htlcs: Vec<u64>,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    fees: Option<Fees>,
    htlc_outputs: Option<Vec<HtlcOutput>>,
    balance_outputs: Option<BalanceOutputs>,
    local_signature: Option<Hex>,
    remote_signature: Hex,
    commit_tx: Hex,
    num_htlcs: Option<usize>,
    htlc_transactions: Vec<ExpectedHtlcTransaction>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fees {
    base_fee_satoshi: u64,
    actual_fee_satoshi: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BalanceOutputs {
    to_local: Option<ToLocal>,
    to_remote: Option<ToRemote>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HtlcOutput {
    htlc: u64,
    r#type: Direction,
    amount_satoshi: u64,
    witness_script: Hex,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToLocal {
    amount_satoshi: u64,
    witness_script: Hex,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToRemote {
    amount_satoshi: u64,
    p2wpkh_pubkey: Hex,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedHtlcTransaction {
    output_index: Option<u32>,
    r#type: Option<Stage>,
    htlc: Option<u64>,
    remote_htlc_signature: Hex,
    local_htlc_signature: Option<Hex>,
    tx: Hex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    HtlcTimeout,
    HtlcSuccess,
}

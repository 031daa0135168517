//! BOLT 5, "Revoked Transaction Close Handling", by BOLT 3's scripts: the transactions that spend
//! the outputs of a commitment transaction.

mod outputs;
mod replay;

use bitcoin::ScriptBuf;
use bitcoin::hashes::sha256;
use secp256k1::{PublicKey, SecretKey};
use serde::Deserialize;

use super::hex::Hex;
use crate::bolt::keys::PerCommitmentSecret;
use crate::bolt::tx::ChannelType;
use crate::bolt::units::{CltvExpiry, CsvDelay, FeeratePerKw, Msat};
use replay::replay;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    channel_type: ChannelType,
    commit_tx: Hex,
    local_delay: CsvDelay,
    htlcs: Vec<SharedHtlc>,
    basepoints: HtlcBasepoints,
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
    payment_hash: sha256::Hash,
    cltv_expiry: Option<CltvExpiry>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Offer {
    #[serde(rename = "local->remote")]
    LocalToRemote,
    #[serde(rename = "remote->local")]
    RemoteToLocal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HtlcBasepoints {
    local_htlc_basepoint: PublicKey,
    remote_htlc_basepoint: PublicKey,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the names are the BOLT's")]
struct Secrets {
    local_delayed_payment_basepoint_secret: SecretKey,
    remote_payment_basepoint_secret: SecretKey,
    remote_revocation_basepoint_secret: SecretKey,
    local_per_commitment_secret: PerCommitmentSecret,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedKeys {
    local_htlcpubkey: Hex,
    remote_htlcpubkey: Hex,
    local_delayedpubkey: Hex,
    local_revocation_pubkey: Hex,
    remotepubkey: Hex,
    local_delayed_privkey: Hex,
    local_revocation_privkey: Hex,
}

super::load::topic! {
    claims: Vec<Claimed>,
    destination_scriptpubkey: ScriptBuf,
    feerate_per_kw: FeeratePerKw,
    missing_satoshis: Option<u64>,
    expected: Option<Expected>,
}

/// An output to spend.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claimed {
    claim: Branch,
    htlc: Option<u64>,
}

/// The output, and the branch of its script.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Branch {
    ToLocalRevocation,
    ToLocalDelayed,
    ToRemote,
    HtlcRevocation,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    inputs: Vec<ExpectedInput>,
    weight: u64,
    fee_satoshi: u64,
    tx: Hex,
    txid: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedInput {
    output_index: u32,
    amount_satoshi: u64,
    script_code: Hex,
    sequence: u32,
    signature: Hex,
}

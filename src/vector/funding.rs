//! BOLT 3, Appendix B: a funding transaction, from the coinbase of regtest's block 1.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::{
    Address, Amount, Block, Network, NetworkKind, OutPoint, PrivateKey, ScriptBuf, Sequence,
    Transaction, TxIn, TxOut, Txid, consensus, constants::genesis_block, script, transaction,
};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};
use serde::Deserialize;

use super::{check::Checks, hex::Hex};
use crate::bolt::tx::funding::Funding;
use crate::bolt::tx::script::{p2wpkh, p2wpkh_script_code};
use crate::bolt::units::FeeratePerKw;

/// The length of a P2PKH's script with a signature of 71 bytes and its sighash byte; the fee
/// counts on it.
const SCRIPT_SIG_LENGTH: usize = 1 + 72 + 1 + 33;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    genesis_block: Hex,
    block_1: Hex,
    block_1_coinbase_tx: Hex,
    block_1_coinbase_privkey: SecretKey,
    block_1_coinbase_privkey_base58: String,
    block_1_coinbase_address: String,
    tests: Vec<Test>,
}

super::load::topic! {
    local_funding_pubkey: PublicKey,
    remote_funding_pubkey: PublicKey,
    input_txid: Txid,
    input_index: u32,
    input_satoshis: u64,
    funding_satoshis: u64,
    feerate_per_kw: FeeratePerKw,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    funding_witness_script: Hex,
    change_satoshis: u64,
    funding_output_index: usize,
    funding_tx: Hex,
    funding_txid: String,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    check_chain(group, test, checks);
    let funding = Funding {
        outpoint: OutPoint::null(),
        amount: Amount::from_sat(test.funding_satoshis),
        local_pubkey: test.local_funding_pubkey,
        remote_pubkey: test.remote_funding_pubkey,
    };
    let expected = &test.expected;
    let script = funding.script();
    let field = "expected.funding_witness_script";
    checks.bytes(field, &expected.funding_witness_script, script.as_bytes());

    let unsigned = unsigned(test, &funding.output(), &group.block_1_coinbase_privkey);
    let change = unsigned.output.iter().find(|output| **output != funding.output());
    let change = change.map_or(0, |output| output.value.to_sat());
    checks.equal("expected.change_satoshis", &expected.change_satoshis, &change);
    let position = unsigned.output.iter().position(|output| *output == funding.output());
    let position = position.unwrap_or(usize::MAX);
    checks.equal("expected.funding_output_index", &expected.funding_output_index, &position);

    let signed =
        checks.made("expected.funding_tx", sign(unsigned, &group.block_1_coinbase_privkey))?;
    checks.transaction("expected.funding_tx", &expected.funding_tx, &signed);
    let txid = signed.compute_txid().to_string();
    checks.equal("expected.funding_txid", &expected.funding_txid, &txid);
    None
}

/// The first blocks belong together, and the funding transaction's input is among them.
fn check_chain(group: &Group, test: &Test, checks: &mut Checks) {
    let genesis = genesis_block(Network::Regtest);
    checks.bytes("genesis_block", &group.genesis_block, &consensus::serialize(&genesis));
    let key = PrivateKey::new(group.block_1_coinbase_privkey, NetworkKind::Test);
    let base58 = &group.block_1_coinbase_privkey_base58;
    checks.equal("block_1_coinbase_privkey_base58", base58, &key.to_wif());
    let public_key = key.public_key(SECP256K1);
    let address = Address::p2pkh(public_key, NetworkKind::Test);
    let expected = &group.block_1_coinbase_address;
    checks.equal("block_1_coinbase_address", expected, &address.to_string());

    let decoded = consensus::deserialize::<Block>(&group.block_1.0);
    let Some(block) = checks.made("block_1", decoded) else { return };
    let follows = block.header.prev_blockhash == genesis.block_hash();
    checks.holds("block_1", "it follows the genesis block", follows);
    let worked = block.header.validate_pow(block.header.target()).is_ok();
    checks.holds("block_1", "its header has the work", worked);
    checks.holds("block_1", "its header has its transactions", block.check_merkle_root());
    let Some(coinbase) = block.coinbase() else {
        return checks.holds("block_1", "it has a coinbase", false);
    };
    checks.transaction("block_1_coinbase_tx", &group.block_1_coinbase_tx, coinbase);
    let txid = coinbase.compute_txid();
    checks.equal("input_txid", &test.input_txid, &txid);
    let index = usize::try_from(test.input_index).unwrap_or(usize::MAX);
    let output = coinbase.output.get(index).ok_or("block 1's coinbase has no such output");
    let Some(output) = checks.made("input_index", output) else { return };
    checks.equal("input_satoshis", &test.input_satoshis, &output.value.to_sat());
    let pays = output.script_pubkey == address.script_pubkey();
    checks.holds("block_1_coinbase_privkey", "block 1's coinbase pays to it", pays);
}

/// The change goes to a P2WPKH of the key that the input has.
fn unsigned(test: &Test, funding: &TxOut, key: &SecretKey) -> Transaction {
    let change = p2wpkh(&key.public_key(SECP256K1));
    let previous_output = OutPoint { txid: test.input_txid, vout: test.input_index };
    let mut built = Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output,
            script_sig: ScriptBuf::from_bytes(vec![0; SCRIPT_SIG_LENGTH]),
            sequence: Sequence::MAX,
            ..TxIn::default()
        }],
        output: vec![funding.clone(), TxOut { value: Amount::ZERO, script_pubkey: change }],
    };
    let fee = test.feerate_per_kw.fee(built.weight().to_wu()).to_sat();
    let spent = funding.value.to_sat().saturating_add(fee);
    built.output[1].value = Amount::from_sat(test.input_satoshis.saturating_sub(spent));
    built.output.sort_by(|a, b| (a.value, &a.script_pubkey).cmp(&(b.value, &b.script_pubkey)));
    built
}

/// Signs a P2PKH input, as no other transaction of a channel has one.
fn sign(mut built: Transaction, key: &SecretKey) -> Result<Transaction, String> {
    let public_key = key.public_key(SECP256K1);
    let all = EcdsaSighashType::All;
    let hash = SighashCache::new(&built)
        .legacy_signature_hash(0, &p2wpkh_script_code(&public_key), all.to_u32())
        .map_err(|error| error.to_string())?;
    let message = Message::from_digest(hash.to_byte_array());
    let signature = SECP256K1.sign_ecdsa(&message, key);
    let signature = bitcoin::ecdsa::Signature { signature, sighash_type: all };
    built.input[0].script_sig = script::Builder::new()
        .push_slice(signature.serialize())
        .push_slice(public_key.serialize())
        .into_script();
    Ok(built)
}

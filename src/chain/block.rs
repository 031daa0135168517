//! The lab's own blocks: a pure function of parent, height, branch and transactions, so that every
//! run, on every bitcoind, has the same hashes.

use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Target, Transaction,
    TxIn, TxMerkleNode, TxOut, Witness, absolute,
    block::{Header, Version},
    hashes::Hash,
    script, transaction,
};

use crate::bolt::units::BlockHeight;

/// The time of the genesis block that the others count from, in seconds since 1970.
const FIRST_TIME: u32 = 1_600_000_000;

/// Seconds from one block to the next.
const SPACING: u32 = 600;

/// Regtest's target, the easiest of all: every other nonce will do.
const BITS: u32 = 0x207f_ffff;

/// Regtest halves the subsidy after so many blocks.
const HALVING: u32 = 150;

/// The block subsidy at a height.
pub(super) fn subsidy(height: BlockHeight) -> Amount {
    let whole = Amount::ONE_BTC.to_sat() * 50;
    Amount::from_sat(whole.checked_shr(height.0 / HALVING).unwrap_or(0))
}

/// The time of the block at a height, in seconds since 1970: ten minutes a block.
pub(super) fn time(height: BlockHeight) -> u32 {
    FIRST_TIME.saturating_add(SPACING.saturating_mul(height.0))
}

/// A block with these transactions behind a coinbase with this output, which may claim the subsidy.
/// `branch` tells apart the blocks of rival branches.
pub(super) fn build(
    parent: BlockHash,
    height: BlockHeight,
    branch: u32,
    reward: TxOut,
    transactions: Vec<Transaction>,
) -> Block {
    let mut txdata = vec![coinbase(height, branch, reward)];
    txdata.extend(transactions);
    let header = Header {
        version: Version::from_consensus(0x2000_0000),
        prev_blockhash: parent,
        merkle_root: TxMerkleNode::all_zeros(),
        time: time(height),
        bits: CompactTarget::from_consensus(BITS),
        nonce: 0,
    };
    let mut block = Block { header, txdata };
    commit_to_witnesses(&mut block);
    block.header.merkle_root = block.compute_merkle_root().expect("a block has a coinbase");
    let target = Target::from_compact(block.header.bits);
    while !target.is_met_by(block.block_hash()) {
        block.header.nonce += 1;
    }
    block
}

/// BIP 34's height, then the branch, which also lifts the lowest heights over the two bytes that
/// a coinbase's script must have.
fn coinbase(height: BlockHeight, branch: u32, reward: TxOut) -> Transaction {
    let script_sig = script::Builder::new()
        .push_int(i64::from(height.0))
        .push_slice(branch.to_le_bytes())
        .into_script();
    Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig,
            sequence: Sequence::ENABLE_LOCKTIME_NO_RBF,
            witness: Witness::from_slice(&[[0; 32]]),
        }],
        output: vec![reward],
    }
}

/// BIP 141's commitment, in every block: one without witnesses may have it too.
fn commit_to_witnesses(block: &mut Block) {
    let root = block.witness_root().expect("a block has a coinbase");
    let commitment = Block::compute_witness_commitment(&root, &[0; 32]);
    let mut data = [0; 36];
    data[..4].copy_from_slice(&[0xaa, 0x21, 0xa9, 0xed]);
    data[4..].copy_from_slice(commitment.as_byte_array());
    let script_pubkey = ScriptBuf::new_op_return(data);
    block.txdata[0].output.push(TxOut { value: Amount::ZERO, script_pubkey });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(height: u32, branch: u32) -> Block {
        let reward = TxOut { value: Amount::ONE_BTC, script_pubkey: ScriptBuf::new() };
        build(BlockHash::all_zeros(), BlockHeight(height), branch, reward, Vec::new())
    }

    #[test]
    fn blocks_are_valid_and_reproducible() {
        for height in [1, 16, 17, 127, 128, 70_000] {
            let block = empty(height, 0);
            assert_eq!(block, empty(height, 0));
            assert!(block.check_merkle_root());
            assert!(block.check_witness_commitment());
            // The library reads BIP 34's heights from 17 on only; `tests/chain` has them all.
            let read = block.bip34_block_height();
            assert_eq!(read.ok(), (height > 16).then_some(u64::from(height)));
            assert!(block.header.validate_pow(block.header.target()).is_ok());
        }
    }

    #[test]
    fn branches_differ_in_block_and_coinbase() {
        let (one, other) = (empty(5, 0), empty(5, 1));
        assert_ne!(one.block_hash(), other.block_hash());
        assert_ne!(one.txdata[0].compute_txid(), other.txdata[0].compute_txid());
    }

    #[test]
    fn subsidy_halves_every_150_blocks() {
        assert_eq!(subsidy(BlockHeight(149)), Amount::from_int_btc(50));
        assert_eq!(subsidy(BlockHeight(150)), Amount::from_int_btc(25));
        assert_eq!(subsidy(BlockHeight(150 * 64)), Amount::ZERO);
    }
}

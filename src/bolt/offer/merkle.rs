//! The Merkle tree over a stream's records, whose root names an offer and is what is signed.
//! BOLT 12, "Signature Calculation".

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use bitcoin::hashes::{Hash, HashEngine, sha256};

use crate::bolt::wire::codec::write_big_size;
use crate::bolt::wire::tlv::{RawRecord, TlvError, records};

/// The types of records that hold signatures, and are left out of what is signed.
pub const SIGNATURES: RangeInclusive<u64> = 240..=1000;

/// A record's leaf, the nonce beside it and the node above both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The hash of the record.
    pub leaf: [u8; 32],
    /// What keeps others from guessing the record.
    pub nonce: [u8; 32],
    /// The hash of the two.
    pub branch: [u8; 32],
}

/// H(`tag`, …) of the BOLT, with the tag taken in already.
#[derive(Clone)]
struct Tagged(sha256::HashEngine);

impl Tagged {
    fn new(tag: &[&[u8]]) -> Self {
        let mut engine = sha256::Hash::engine();
        for part in tag {
            engine.input(part);
        }
        let tag = sha256::Hash::from_engine(engine).to_byte_array();
        let mut engine = sha256::Hash::engine();
        engine.input(&tag);
        engine.input(&tag);
        Self(engine)
    }

    fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut engine = self.0.clone();
        for part in parts {
            engine.input(part);
        }
        sha256::Hash::from_engine(engine).to_byte_array()
    }
}

/// The tags that are the same for every stream.
static LEAF: LazyLock<Tagged> = LazyLock::new(|| Tagged::new(&[b"LnLeaf"]));
static BRANCH: LazyLock<Tagged> = LazyLock::new(|| Tagged::new(&[b"LnBranch"]));

/// SHA256 of the tag's hash twice and the message.
pub fn tagged_hash(tag: &[&[u8]], message: &[u8]) -> [u8; 32] {
    Tagged::new(tag).hash(&[message])
}

fn branch(one: &[u8; 32], other: &[u8; 32]) -> [u8; 32] {
    BRANCH.hash(&[one.min(other), one.max(other)])
}

/// The leaves of these records, which are not signatures, in ascending order.
fn leaves_of<'a>(records: impl IntoIterator<Item = RawRecord<'a>>) -> Vec<Leaf> {
    let mut records = records.into_iter().peekable();
    let Some(first) = records.peek() else { return Vec::new() };
    let nonces = Tagged::new(&[b"LnNonce", first.whole]);
    let leaf = |record: RawRecord| {
        let mut number = Vec::new();
        write_big_size(record.number, &mut number);
        let (leaf, nonce) = (LEAF.hash(&[record.whole]), nonces.hash(&[&number]));
        Leaf { leaf, nonce, branch: branch(&leaf, &nonce) }
    };
    records.map(leaf).collect()
}

/// The leaves of a stream, signatures left out.
///
/// # Errors
/// [`TlvError`] if it is no stream.
pub fn leaves(stream: &[u8]) -> Result<Vec<Leaf>, TlvError> {
    let records = records(stream).collect::<Result<Vec<_>, _>>()?;
    Ok(leaves_of(records.into_iter().filter(|record| !SIGNATURES.contains(&record.number))))
}

/// The nodes above the leaves' branches: each after those below it, those on the left first. The
/// last is the root, unless there is but one leaf.
pub fn branches(leaves: &[Leaf]) -> Vec<[u8; 32]> {
    let mut found = Vec::new();
    walk(leaves, &mut |node| found.push(node));
    found
}

/// The whole of a tree that is not full lies on the left.
fn walk(leaves: &[Leaf], seen: &mut impl FnMut([u8; 32])) -> Option<[u8; 32]> {
    match leaves {
        [] => return None,
        [leaf] => return Some(leaf.branch),
        _ => {}
    }
    let (left, right) = leaves.split_at_checked(leaves.len().next_power_of_two() / 2)?;
    let (left, right) = (walk(left, seen)?, walk(right, seen)?);
    let node = branch(&left, &right);
    seen(node);
    Some(node)
}

/// The root of a stream's tree; that of a stream without records is all zeros.
///
/// # Errors
/// [`TlvError`] if it is no stream.
pub fn root(stream: &[u8]) -> Result<[u8; 32], TlvError> {
    let leaves = leaves(stream)?;
    Ok(walk(&leaves, &mut |_| ()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_a_node_less_than_leaves() {
        let stream: Vec<u8> = (0..40).flat_map(|number| [number, 1, number]).collect();
        for count in 1..40 {
            let leaves = leaves(&stream[..3 * count]).unwrap();
            let branches = branches(&leaves);
            assert_eq!(branches.len(), count - 1);
            let root = root(&stream[..3 * count]).unwrap();
            assert_eq!(branches.last().unwrap_or(&leaves[0].branch), &root);
        }
        assert_eq!(root(&[]), Ok([0; 32]));
    }

    #[test]
    fn signatures_are_left_out() {
        let signed = [0, 0, 2, 1, 7, 0xf0, 1, 9, 0xfd, 0x03, 0xe8, 0, 0xfd, 0x03, 0xe9, 0];
        let bare = [0, 0, 2, 1, 7, 0xfd, 0x03, 0xe9, 0];
        assert_eq!(root(&signed), root(&bare));
        assert_eq!(leaves(&signed).unwrap().len(), 3);
    }
}

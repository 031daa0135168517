//! The scripts of BOLT 3, one function each; the arguments are named as the specification names
//! them.

use bitcoin::hashes::{Hash, hash160, ripemd160, sha256};
use bitcoin::opcodes::{Opcode, all as op};
use bitcoin::script::Builder;
use bitcoin::{PubkeyHash, ScriptBuf, WPubkeyHash};
use secp256k1::PublicKey;

use super::ChannelType;
use crate::bolt::units::{CltvExpiry, CsvDelay};

/// What stands in angle brackets in a script of BOLT 3.
trait Push {
    fn push(self, builder: Builder) -> Builder;
}

impl Push for &PublicKey {
    fn push(self, builder: Builder) -> Builder {
        builder.push_slice(self.serialize())
    }
}

impl Push for [u8; 20] {
    fn push(self, builder: Builder) -> Builder {
        builder.push_slice(self)
    }
}

impl Push for CsvDelay {
    fn push(self, builder: Builder) -> Builder {
        builder.push_int(i64::from(self.0))
    }
}

impl Push for CltvExpiry {
    fn push(self, builder: Builder) -> Builder {
        builder.push_int(i64::from(self.0))
    }
}

const OP_CSV: Opcode = op::OP_CSV;
const OP_CLTV: Opcode = op::OP_CLTV;

/// A script written as BOLT 3 writes it: opcodes, small numbers, and `<names>` to push.
macro_rules! script {
    (@ $builder:expr; ) => { $builder.into_script() };
    (@ $builder:expr; < $name:ident > $($rest:tt)*) => {
        script!(@ Push::push($name, $builder); $($rest)*)
    };
    (@ $builder:expr; OP_CSV $($rest:tt)*) => { script!(@ $builder.push_opcode(OP_CSV); $($rest)*) };
    (@ $builder:expr; OP_CLTV $($rest:tt)*) => { script!(@ $builder.push_opcode(OP_CLTV); $($rest)*) };
    (@ $builder:expr; $number:literal $($rest:tt)*) => {
        script!(@ $builder.push_int($number); $($rest)*)
    };
    (@ $builder:expr; $opcode:ident $($rest:tt)*) => {
        script!(@ $builder.push_opcode(op::$opcode); $($rest)*)
    };
    ($($script:tt)*) => { script!(@ Builder::new(); $($script)*) };
}

/// The hash of a public key as `OP_HASH160` computes it.
fn hash160(key: &PublicKey) -> [u8; 20] {
    hash160::Hash::hash(&key.serialize()).to_byte_array()
}

/// `RIPEMD160(payment_hash)`, which is `HASH160` of the preimage.
fn ripemd160(payment_hash: &sha256::Hash) -> [u8; 20] {
    ripemd160::Hash::hash(payment_hash.as_byte_array()).to_byte_array()
}

/// The 2-of-2 of the funding output; the keys in lexicographical order, whatever order they are
/// given in. BOLT 3, "Funding Transaction Output".
pub fn funding(key: &PublicKey, other: &PublicKey) -> ScriptBuf {
    let (pubkey1, pubkey2) =
        if key.serialize() <= other.serialize() { (key, other) } else { (other, key) };
    script! { 2 <pubkey1> <pubkey2> 2 OP_CHECKMULTISIG }
}

/// `to_local`, and the output of HTLC transactions. BOLT 3, "`to_local` Output".
pub fn to_local(
    revocationpubkey: &PublicKey,
    to_self_delay: CsvDelay,
    local_delayedpubkey: &PublicKey,
) -> ScriptBuf {
    script! {
        OP_IF
            <revocationpubkey>
        OP_ELSE
            <to_self_delay> OP_CSV OP_DROP
            <local_delayedpubkey>
        OP_ENDIF
        OP_CHECKSIG
    }
}

/// `to_remote` with `option_anchors`. BOLT 3, "`to_remote` Output".
pub fn to_remote_anchors(remotepubkey: &PublicKey) -> ScriptBuf {
    script! { <remotepubkey> OP_CHECKSIGVERIFY 1 OP_CSV }
}

/// The output script of `to_remote`: P2WPKH, or P2WSH with `option_anchors`.
pub fn to_remote_output(channel_type: ChannelType, remotepubkey: &PublicKey) -> ScriptBuf {
    match channel_type {
        ChannelType::StaticRemotekey => p2wpkh(remotepubkey),
        ChannelType::Anchors => to_remote_anchors(remotepubkey).to_p2wsh(),
    }
}

/// An anchor. BOLT 3, "`to_local_anchor` and `to_remote_anchor` Output".
pub fn anchor(funding_pubkey: &PublicKey) -> ScriptBuf {
    script! { <funding_pubkey> OP_CHECKSIG OP_IFDUP OP_NOTIF 16 OP_CSV OP_ENDIF }
}

/// An HTLC that the owner of the commitment offered. BOLT 3, "Offered HTLC Outputs".
pub fn offered_htlc(
    channel_type: ChannelType,
    revocationpubkey: &PublicKey,
    remote_htlcpubkey: &PublicKey,
    local_htlcpubkey: &PublicKey,
    payment_hash: &sha256::Hash,
) -> ScriptBuf {
    let revocationpubkey_hash = hash160(revocationpubkey);
    let payment_hash_hash = ripemd160(payment_hash);
    match channel_type {
        ChannelType::StaticRemotekey => script! {
            OP_DUP OP_HASH160 <revocationpubkey_hash> OP_EQUAL
            OP_IF
                OP_CHECKSIG
            OP_ELSE
                <remote_htlcpubkey> OP_SWAP OP_SIZE 32 OP_EQUAL
                OP_NOTIF
                    OP_DROP 2 OP_SWAP <local_htlcpubkey> 2 OP_CHECKMULTISIG
                OP_ELSE
                    OP_HASH160 <payment_hash_hash> OP_EQUALVERIFY
                    OP_CHECKSIG
                OP_ENDIF
            OP_ENDIF
        },
        ChannelType::Anchors => script! {
            OP_DUP OP_HASH160 <revocationpubkey_hash> OP_EQUAL
            OP_IF
                OP_CHECKSIG
            OP_ELSE
                <remote_htlcpubkey> OP_SWAP OP_SIZE 32 OP_EQUAL
                OP_NOTIF
                    OP_DROP 2 OP_SWAP <local_htlcpubkey> 2 OP_CHECKMULTISIG
                OP_ELSE
                    OP_HASH160 <payment_hash_hash> OP_EQUALVERIFY
                    OP_CHECKSIG
                OP_ENDIF
                1 OP_CSV OP_DROP
            OP_ENDIF
        },
    }
}

/// An HTLC that the owner of the commitment received. BOLT 3, "Received HTLC Outputs".
pub fn received_htlc(
    channel_type: ChannelType,
    revocationpubkey: &PublicKey,
    remote_htlcpubkey: &PublicKey,
    local_htlcpubkey: &PublicKey,
    payment_hash: &sha256::Hash,
    cltv_expiry: CltvExpiry,
) -> ScriptBuf {
    let revocationpubkey_hash = hash160(revocationpubkey);
    let payment_hash_hash = ripemd160(payment_hash);
    match channel_type {
        ChannelType::StaticRemotekey => script! {
            OP_DUP OP_HASH160 <revocationpubkey_hash> OP_EQUAL
            OP_IF
                OP_CHECKSIG
            OP_ELSE
                <remote_htlcpubkey> OP_SWAP OP_SIZE 32 OP_EQUAL
                OP_IF
                    OP_HASH160 <payment_hash_hash> OP_EQUALVERIFY
                    2 OP_SWAP <local_htlcpubkey> 2 OP_CHECKMULTISIG
                OP_ELSE
                    OP_DROP <cltv_expiry> OP_CLTV OP_DROP
                    OP_CHECKSIG
                OP_ENDIF
            OP_ENDIF
        },
        ChannelType::Anchors => script! {
            OP_DUP OP_HASH160 <revocationpubkey_hash> OP_EQUAL
            OP_IF
                OP_CHECKSIG
            OP_ELSE
                <remote_htlcpubkey> OP_SWAP OP_SIZE 32 OP_EQUAL
                OP_IF
                    OP_HASH160 <payment_hash_hash> OP_EQUALVERIFY
                    2 OP_SWAP <local_htlcpubkey> 2 OP_CHECKMULTISIG
                OP_ELSE
                    OP_DROP <cltv_expiry> OP_CLTV OP_DROP
                    OP_CHECKSIG
                OP_ENDIF
                1 OP_CSV OP_DROP
            OP_ENDIF
        },
    }
}

/// The output script of a P2WPKH.
pub fn p2wpkh(key: &PublicKey) -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array(hash160(key)))
}

/// The script code of a P2WPKH, which its signature commits to in place of a witness script.
pub fn p2wpkh_script_code(key: &PublicKey) -> ScriptBuf {
    ScriptBuf::new_p2pkh(&PubkeyHash::from_byte_array(hash160(key)))
}

//! The signatures of a witness: whose they are, what they sign, and whether they are valid.

use bitcoin::ecdsa::Signature;
use bitcoin::hashes::Hash;
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::{Amount, Script, Transaction};
use secp256k1::{Message, PublicKey, SECP256K1};
use serde::Serialize;

/// What a signature commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sighash {
    /// All inputs and outputs.
    All,
    /// All inputs, no output.
    None,
    /// All inputs, and the output of the same index.
    Single,
    /// This input and all outputs.
    AllAnyoneCanPay,
    /// This input alone.
    NoneAnyoneCanPay,
    /// This input, and the output of the same index: others can be added later, for the fee.
    SingleAnyoneCanPay,
    /// The item is no signature, or has a sighash byte that no node relays.
    Malformed,
}

/// Whether a signature is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// It is.
    Valid,
    /// It is not.
    Invalid,
    /// That takes the amount of the output, which the parent transaction has.
    NotChecked,
}

/// One signature of a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SignatureNote {
    /// The key that it must be by.
    pub key: PublicKey,
    /// What it commits to.
    pub sighash: Sighash,
    /// Whether it is valid.
    pub validity: Validity,
}

/// What a signature is checked against.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    pub(super) transaction: &'a Transaction,
    pub(super) input: usize,
    pub(super) amount: Option<Amount>,
    /// The witness script, or the script code of a P2WPKH.
    pub(super) script: &'a Script,
}

impl Signed<'_> {
    /// Reads the signature of this key.
    pub(super) fn note(&self, key: PublicKey, item: &[u8]) -> SignatureNote {
        match Signature::from_slice(item) {
            Ok(signature) => SignatureNote {
                key,
                sighash: sighash(signature.sighash_type),
                validity: self.validity(&key, &signature),
            },
            Err(_) => {
                SignatureNote { key, sighash: Sighash::Malformed, validity: Validity::Invalid }
            }
        }
    }

    fn validity(&self, key: &PublicKey, signature: &Signature) -> Validity {
        let Some(amount) = self.amount else { return Validity::NotChecked };
        let hash = SighashCache::new(self.transaction).p2wsh_signature_hash(
            self.input,
            self.script,
            amount,
            signature.sighash_type,
        );
        let Ok(hash) = hash else { return Validity::NotChecked };
        let message = Message::from_digest(hash.to_byte_array());
        // Consensus takes a high S as well.
        let mut low = signature.signature;
        low.normalize_s();
        match SECP256K1.verify_ecdsa(&message, &low, key) {
            Ok(()) => Validity::Valid,
            Err(_) => Validity::Invalid,
        }
    }
}

fn sighash(sighash: EcdsaSighashType) -> Sighash {
    match sighash {
        EcdsaSighashType::All => Sighash::All,
        EcdsaSighashType::None => Sighash::None,
        EcdsaSighashType::Single => Sighash::Single,
        EcdsaSighashType::AllPlusAnyoneCanPay => Sighash::AllAnyoneCanPay,
        EcdsaSighashType::NonePlusAnyoneCanPay => Sighash::NoneAnyoneCanPay,
        EcdsaSighashType::SinglePlusAnyoneCanPay => Sighash::SingleAnyoneCanPay,
    }
}

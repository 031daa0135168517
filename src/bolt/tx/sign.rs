//! Signatures over the inputs of a transaction. Signing is deterministic (RFC 6979), so the same
//! transaction has the same signatures on every machine.

use std::borrow::Borrow;

use bitcoin::ecdsa::Signature as WitnessSignature;
use bitcoin::hashes::Hash;
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::{Amount, Script, Transaction};
use secp256k1::ecdsa::Signature;
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};

use super::TxError;

/// What a SegWit signature of one input commits to besides the transaction.
#[derive(Clone, Copy, Debug)]
pub struct Spend<'a> {
    /// Which input of the transaction.
    pub input: usize,
    /// The witness script, or for a P2WPKH its script code.
    pub script: &'a Script,
    /// The amount of the output that is spent.
    pub amount: Amount,
    /// What is signed of the transaction.
    pub sighash: EcdsaSighashType,
}

impl<'a> Spend<'a> {
    /// A spend by the first input with `SIGHASH_ALL`.
    pub fn all(script: &'a Script, amount: Amount) -> Self {
        Self { input: 0, script, amount, sighash: EcdsaSighashType::All }
    }

    fn message(&self, transaction: &Transaction) -> Result<Message, TxError> {
        self.message_by(&mut SighashCache::new(transaction), transaction.input.len())
    }

    /// The cache holds what the inputs of one transaction share.
    fn message_by<T: Borrow<Transaction>>(
        &self,
        cache: &mut SighashCache<T>,
        count: usize,
    ) -> Result<Message, TxError> {
        cache
            .p2wsh_signature_hash(self.input, self.script, self.amount, self.sighash)
            .map(|hash| Message::from_digest(hash.to_byte_array()))
            .map_err(|_| TxError::NoSuchInput { index: self.input, count })
    }

    /// Signs the input.
    ///
    /// # Errors
    /// [`TxError::NoSuchInput`].
    pub fn sign(&self, transaction: &Transaction, key: &SecretKey) -> Result<Signature, TxError> {
        Ok(SECP256K1.sign_ecdsa(&self.message(transaction)?, key))
    }

    /// Signs one of many inputs: hashing all of them anew for each would take quadratic time.
    ///
    /// # Errors
    /// [`TxError::NoSuchInput`].
    pub(super) fn sign_by(
        &self,
        cache: &mut SighashCache<&Transaction>,
        count: usize,
        key: &SecretKey,
    ) -> Result<Signature, TxError> {
        Ok(SECP256K1.sign_ecdsa(&self.message_by(cache, count)?, key))
    }

    /// Whether this signature of the input fits the key.
    pub fn verify(
        &self,
        transaction: &Transaction,
        key: &PublicKey,
        signature: &Signature,
    ) -> bool {
        self.message(transaction)
            .is_ok_and(|message| SECP256K1.verify_ecdsa(&message, signature, key).is_ok())
    }

    /// The signature as it stands in a witness: DER and the sighash byte.
    pub fn witness(&self, signature: &Signature) -> Vec<u8> {
        WitnessSignature { signature: *signature, sighash_type: self.sighash }.to_vec()
    }
}

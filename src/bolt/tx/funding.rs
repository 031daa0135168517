//! The funding output and the witness that spends it. BOLT 3, "Funding Transaction Output".

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Witness};
use secp256k1::ecdsa::Signature;
use secp256k1::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};

use super::TxError;
use super::script;
use super::sign::Spend;

/// A funding output, from the view of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funding {
    /// Where it is.
    pub outpoint: OutPoint,
    /// The channel's capacity.
    pub amount: Amount,
    /// Our `funding_pubkey`.
    pub local_pubkey: PublicKey,
    /// The peer's `funding_pubkey`.
    pub remote_pubkey: PublicKey,
}

impl Funding {
    /// The 2-of-2 witness script.
    pub fn script(&self) -> ScriptBuf {
        script::funding(&self.local_pubkey, &self.remote_pubkey)
    }

    /// The output as the funding transaction carries it.
    pub fn output(&self) -> TxOut {
        TxOut { value: self.amount, script_pubkey: self.script().to_p2wsh() }
    }

    /// Signs a transaction whose only input spends the funding output.
    ///
    /// # Errors
    /// [`TxError::NoSuchInput`] if it has no input.
    pub fn sign(&self, transaction: &Transaction, key: &SecretKey) -> Result<Signature, TxError> {
        Spend::all(&self.script(), self.amount).sign(transaction, key)
    }

    /// Whether `signature` is this key's signature of a transaction whose only input spends the
    /// funding output.
    pub fn verify(
        &self,
        transaction: &Transaction,
        key: &PublicKey,
        signature: &Signature,
    ) -> bool {
        Spend::all(&self.script(), self.amount).verify(transaction, key, signature)
    }

    /// The same funding output, seen by the peer.
    #[must_use]
    pub fn flip(&self) -> Self {
        Self { local_pubkey: self.remote_pubkey, remote_pubkey: self.local_pubkey, ..self.clone() }
    }

    /// The witness `0 <signature_for_pubkey1> <signature_for_pubkey2> <script>`.
    pub fn witness(&self, local: &Signature, remote: &Signature) -> Witness {
        let script = self.script();
        let spend = Spend::all(&script, self.amount);
        let (local, remote) = (spend.witness(local), spend.witness(remote));
        let local_is_first = self.local_pubkey.serialize() <= self.remote_pubkey.serialize();
        let (first, second) = if local_is_first { (local, remote) } else { (remote, local) };
        Witness::from_slice(&[Vec::new(), first, second, script.to_bytes()])
    }
}

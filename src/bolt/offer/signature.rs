//! Signatures over a stream's Merkle root. BOLT 12, "Signature Calculation", and BIP 340.

use secp256k1::schnorr::Signature;
use secp256k1::{Keypair, Message, PublicKey, SECP256K1, SecretKey};

use super::merkle::{root, tagged_hash};
use crate::bolt::wire::codec::{DecodeError, Field, TlvValue, whole_values};
use crate::bolt::wire::tlv::TlvError;

/// The stream that is signed; its name is part of what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// `invoice_request`.
    InvoiceRequest,
    /// `invoice`.
    Invoice,
}

impl Signed {
    fn name(self) -> &'static str {
        match self {
            Self::InvoiceRequest => "invoice_request",
            Self::Invoice => "invoice",
        }
    }
}

/// What the field `signature` signs: the Merkle root with its tag.
pub fn signature_hash(signed: Signed, root: &[u8; 32]) -> [u8; 32] {
    tagged_hash(&[b"lightning", signed.name().as_bytes(), b"signature"], root)
}

/// Signs a stream, always with the same result: no randomness goes in.
///
/// # Errors
/// [`TlvError`] if it is no stream.
pub fn sign(signed: Signed, stream: &[u8], key: &SecretKey) -> Result<Signature, TlvError> {
    let message = Message::from_digest(signature_hash(signed, &root(stream)?));
    let pair = Keypair::from_secret_key(SECP256K1, key);
    Ok(SECP256K1.sign_schnorr_no_aux_rand(&message, &pair))
}

/// Whether this is the key's signature of the stream.
pub fn verifies(signed: Signed, stream: &[u8], signature: &Signature, key: &PublicKey) -> bool {
    root(stream).is_ok_and(|root| {
        let message = Message::from_digest(signature_hash(signed, &root));
        let (key, _) = key.x_only_public_key();
        SECP256K1.verify_schnorr(signature, &message, &key).is_ok()
    })
}

impl Field for Signature {
    fn write(&self, out: &mut Vec<u8>) {
        self.serialize().write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let bytes: [u8; 64] = Field::read(input)?;
        Self::from_slice(&bytes).map_err(|_| DecodeError::InvalidSignature)
    }
}

whole_values!(Signature);

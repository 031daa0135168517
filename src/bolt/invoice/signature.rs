//! The signature, and whose it is. BOLT 11, "Data Part".

use std::ops::Range;

use bech32::Fe32;
use bitcoin::hashes::{Hash, sha256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId, Signature};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};

use super::error::InvoiceError;
use super::words;

/// How many words at the end of the signature the recovery id lies in.
const RECOVERY_WORDS: usize = 2;

/// A signature that is valid, and its key.
pub(super) struct Signed {
    pub(super) payee: PublicKey,
    pub(super) signature: [u8; 64],
    pub(super) recovery_id: u8,
}

/// The bytes whose SHA-256 is signed. The words of the data come without the signature.
pub(super) fn signed_data(prefix: &str, data: &[Fe32]) -> Vec<u8> {
    let capacity = prefix.len().saturating_add(data.len());
    let mut bytes = Vec::with_capacity(capacity);
    bytes.extend_from_slice(prefix.as_bytes());
    words::append_padded(data, &mut bytes);
    bytes
}

fn message(prefix: &str, data: &[Fe32]) -> Message {
    Message::from_digest(sha256::Hash::hash(&signed_data(prefix, data)).to_byte_array())
}

/// Checks a signature by the stated key; recovers the key if none is stated. Either is one
/// operation on the curve.
///
/// # Errors
/// Those about signatures; `characters` is where it stands.
pub(super) fn check(
    prefix: &str,
    data: &[Fe32],
    signature: &[Fe32],
    stated: Option<&PublicKey>,
    characters: &Range<usize>,
) -> Result<Signed, InvoiceError> {
    let characters = || characters.clone();
    let out_of_range = || InvoiceError::SignatureOutOfRange { characters: characters() };
    let bytes = words::to_bytes(signature);
    let (compact, id) = bytes.split_last_chunk::<1>().ok_or_else(out_of_range)?;
    let [found] = *id;
    let compact: [u8; 64] = compact.try_into().map_err(|_| out_of_range())?;
    let recovery_id = RecoveryId::from_i32(found.into()).map_err(|_| {
        let end = characters().end;
        InvoiceError::RecoveryId { characters: end.saturating_sub(RECOVERY_WORDS)..end, found }
    })?;
    let message = message(prefix, data);
    let payee = match stated {
        Some(payee) => {
            let signature = Signature::from_compact(&compact).map_err(|_| out_of_range())?;
            if is_high(&signature) {
                return Err(InvoiceError::HighS { characters: characters() });
            }
            SECP256K1
                .verify_ecdsa(&message, &signature, payee)
                .map_err(|_| InvoiceError::WrongSignature { characters: characters() })?;
            *payee
        }
        None => RecoverableSignature::from_compact(&compact, recovery_id)
            .map_err(|_| out_of_range())?
            .recover(&message)
            .map_err(|_| InvoiceError::NotRecoverable { characters: characters() })?,
    };
    Ok(Signed { payee, signature: compact, recovery_id: found })
}

fn is_high(signature: &Signature) -> bool {
    let mut normal = *signature;
    normal.normalize_s();
    normal != *signature
}

/// Signs (RFC 6979, low S) and appends the signature and its recovery id.
pub(super) fn append(prefix: &str, data: &mut Vec<Fe32>, key: &SecretKey) {
    let signature = SECP256K1.sign_ecdsa_recoverable(&message(prefix, data), key);
    let (recovery_id, compact) = signature.serialize_compact();
    let id = u8::try_from(recovery_id.to_i32()).unwrap_or_default();
    let mut bytes = compact.to_vec();
    bytes.push(id);
    words::append_bytes(&bytes, data);
}

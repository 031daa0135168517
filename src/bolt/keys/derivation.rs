//! Keys that change with every commitment transaction. BOLT 3, "Key Derivation".

use bitcoin::hashes::{Hash, HashEngine, sha256};
use secp256k1::{PublicKey, SECP256K1, Scalar, SecretKey};

use super::KeyError;

/// `SHA256(first || second)`, as a scalar to tweak a key with.
fn tweak(first: &PublicKey, second: &PublicKey) -> Result<Scalar, KeyError> {
    let mut engine = sha256::Hash::engine();
    engine.input(&first.serialize());
    engine.input(&second.serialize());
    // A hash at or above the curve's order is no scalar; libsecp256k1 would refuse it as a tweak.
    Scalar::from_be_bytes(sha256::Hash::from_engine(engine).to_byte_array())
        .map_err(|_| KeyError(secp256k1::Error::InvalidTweak))
}

/// `basepoint + SHA256(per_commitment_point || basepoint) * G`: the `localpubkey`, the
/// `*_htlcpubkey` and the `*_delayedpubkey` of one commitment transaction.
///
/// # Errors
/// [`KeyError`] if the sum is the point at infinity.
pub fn derive_public_key(
    basepoint: &PublicKey,
    per_commitment_point: &PublicKey,
) -> Result<PublicKey, KeyError> {
    Ok(basepoint.add_exp_tweak(SECP256K1, &tweak(per_commitment_point, basepoint)?)?)
}

/// The private key behind [`derive_public_key`].
///
/// # Errors
/// [`KeyError`] if the sum is zero.
pub fn derive_private_key(
    basepoint_secret: &SecretKey,
    per_commitment_point: &PublicKey,
) -> Result<SecretKey, KeyError> {
    let basepoint = basepoint_secret.public_key(SECP256K1);
    Ok(basepoint_secret.add_tweak(&tweak(per_commitment_point, &basepoint)?)?)
}

/// The `revocationpubkey`: a blinded key of which neither side knows the private key until the
/// owner of the commitment reveals its per-commitment secret. BOLT 3, "`revocationpubkey`
/// Derivation".
///
/// # Errors
/// [`KeyError`] if the sum is the point at infinity.
pub fn derive_revocation_public_key(
    revocation_basepoint: &PublicKey,
    per_commitment_point: &PublicKey,
) -> Result<PublicKey, KeyError> {
    let blinded_base = revocation_basepoint
        .mul_tweak(SECP256K1, &tweak(revocation_basepoint, per_commitment_point)?)?;
    let blinded_point = per_commitment_point
        .mul_tweak(SECP256K1, &tweak(per_commitment_point, revocation_basepoint)?)?;
    Ok(blinded_base.combine(&blinded_point)?)
}

/// The private key behind [`derive_revocation_public_key`], for whoever holds both secrets.
///
/// # Errors
/// [`KeyError`] if the sum is zero.
pub fn derive_revocation_private_key(
    revocation_basepoint_secret: &SecretKey,
    per_commitment_secret: &SecretKey,
) -> Result<SecretKey, KeyError> {
    let basepoint = revocation_basepoint_secret.public_key(SECP256K1);
    let point = per_commitment_secret.public_key(SECP256K1);
    let blinded_base = revocation_basepoint_secret.mul_tweak(&tweak(&basepoint, &point)?)?;
    let blinded_secret = per_commitment_secret.mul_tweak(&tweak(&point, &basepoint)?)?;
    Ok(blinded_base.add_tweak(&Scalar::from(blinded_secret))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> SecretKey {
        SecretKey::from_slice(&[byte; 32]).unwrap()
    }

    #[test]
    fn public_and_private_derivations_agree() {
        let (base, commitment) = (secret(1), secret(2));
        let (base_point, point) = (base.public_key(SECP256K1), commitment.public_key(SECP256K1));
        let private = derive_private_key(&base, &point).unwrap();
        assert_eq!(private.public_key(SECP256K1), derive_public_key(&base_point, &point).unwrap());
        let revocation = derive_revocation_private_key(&base, &commitment).unwrap();
        assert_eq!(
            revocation.public_key(SECP256K1),
            derive_revocation_public_key(&base_point, &point).unwrap()
        );
        assert_ne!(private, revocation);
    }
}

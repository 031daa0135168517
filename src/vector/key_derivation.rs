//! BOLT 3, Appendix E: the keys of one commitment transaction, with the steps to them.

use bitcoin::hashes::{Hash, HashEngine, sha256};
use secp256k1::{PublicKey, SECP256K1, Scalar, SecretKey};
use serde::Deserialize;

use super::{check::Checks, hex::Hex};
use crate::bolt::keys::{
    derive_private_key, derive_public_key, derive_revocation_private_key,
    derive_revocation_public_key,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    base_secret: SecretKey,
    per_commitment_secret: SecretKey,
    base_point: Hex,
    per_commitment_point: Hex,
    tests: Vec<Test>,
}

super::load::topic! { derives: Derived, expected: Expected }

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Derived {
    LocalPubkey,
    LocalPrivkey,
    RevocationPubkey,
    RevocationPrivkey,
}

/// The key that the vector derives, and the steps that the BOLT shows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    sha256_per_commitment_point_basepoint: Hex,
    sha256_basepoint_per_commitment_point: Option<Hex>,
    blinded_basepoint: Option<Hex>,
    blinded_per_commitment_point: Option<Hex>,
    blinded_basepoint_secret: Option<Hex>,
    blinded_per_commitment_secret: Option<Hex>,
    localpubkey: Option<Hex>,
    localprivkey: Option<Hex>,
    revocationpubkey: Option<Hex>,
    revocationprivkey: Option<Hex>,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let (base_secret, secret) = (&group.base_secret, &group.per_commitment_secret);
    let (base_point, point) = (base_secret.public_key(SECP256K1), secret.public_key(SECP256K1));
    checks.bytes("base_point", &group.base_point, &base_point.serialize());
    checks.bytes("per_commitment_point", &group.per_commitment_point, &point.serialize());

    let (point_first, point_last) = (hash(&point, &base_point), hash(&base_point, &point));
    let expected = &test.expected;
    let field = "expected.sha256_per_commitment_point_basepoint";
    checks.bytes(field, &expected.sha256_per_commitment_point_basepoint, &point_first);
    let mut step = |name: &str, expected: &Option<Hex>, actual: &[u8]| {
        if let Some(expected) = expected {
            checks.bytes(&format!("expected.{name}"), expected, actual);
        }
    };
    let hashed = &expected.sha256_basepoint_per_commitment_point;
    step("sha256_basepoint_per_commitment_point", hashed, &point_last);
    if let (Ok(first), Ok(last)) =
        (Scalar::from_be_bytes(point_first), Scalar::from_be_bytes(point_last))
    {
        let blinded = |point: &PublicKey, by: &Scalar| {
            point.mul_tweak(SECP256K1, by).map_or(Vec::new(), |point| point.serialize().to_vec())
        };
        let blinded_secret = |secret: &SecretKey, by: &Scalar| {
            secret.mul_tweak(by).map_or(Vec::new(), |secret| secret.secret_bytes().to_vec())
        };
        step("blinded_basepoint", &expected.blinded_basepoint, &blinded(&base_point, &last));
        let blinded_point = &expected.blinded_per_commitment_point;
        step("blinded_per_commitment_point", blinded_point, &blinded(&point, &first));
        let base = &expected.blinded_basepoint_secret;
        step("blinded_basepoint_secret", base, &blinded_secret(base_secret, &last));
        let commitment = &expected.blinded_per_commitment_secret;
        step("blinded_per_commitment_secret", commitment, &blinded_secret(secret, &first));
    }
    let (name, key, derived) = match test.derives {
        Derived::LocalPubkey => {
            ("localpubkey", &expected.localpubkey, public(derive_public_key(&base_point, &point)))
        }
        Derived::LocalPrivkey => {
            let derived = derive_private_key(base_secret, &point);
            ("localprivkey", &expected.localprivkey, private(derived))
        }
        Derived::RevocationPubkey => {
            let derived = derive_revocation_public_key(&base_point, &point);
            ("revocationpubkey", &expected.revocationpubkey, public(derived))
        }
        Derived::RevocationPrivkey => {
            let derived = derive_revocation_private_key(base_secret, secret);
            ("revocationprivkey", &expected.revocationprivkey, private(derived))
        }
    };
    let field = format!("expected.{name}");
    if let Some(derived) = checks.made(&field, derived) {
        let key = checks.made(&field, key.as_ref().ok_or("the key is missing"));
        key.inspect(|key| checks.bytes(&field, key, &derived));
    }
    None
}

fn hash(first: &PublicKey, second: &PublicKey) -> [u8; 32] {
    let mut engine = sha256::Hash::engine();
    engine.input(&first.serialize());
    engine.input(&second.serialize());
    sha256::Hash::from_engine(engine).to_byte_array()
}

fn public<E>(key: Result<PublicKey, E>) -> Result<Vec<u8>, E> {
    key.map(|key| key.serialize().to_vec())
}

fn private<E>(key: Result<SecretKey, E>) -> Result<Vec<u8>, E> {
    key.map(|key| key.secret_bytes().to_vec())
}

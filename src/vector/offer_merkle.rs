//! BOLT 12, "Signature Calculation": the tree over a stream, and the signature of its root.

use secp256k1::schnorr::Signature;
use secp256k1::{SECP256K1, SecretKey};
use serde::Deserialize;

use super::{check::Checks, hex::Hex};
use crate::bolt::offer::InvoiceRequest;
use crate::bolt::offer::merkle::{branches, leaves, root};
use crate::bolt::offer::signature::{Signed, sign, signature_hash, verifies};
use crate::bolt::wire::tlv::records;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    tests: Vec<Test>,
}

super::load::topic! { stream: Hex, signed: Option<SignedBy>, expected: Expected }

/// A stream that is signed as an `invoice_request`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedBy {
    payer_privkey: SecretKey,
    bolt12: String,
    payer_id: Hex,
    signature_hash: Hex,
    signature: Hex,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    first_tlv: Hex,
    leaves: Vec<Hashed>,
    branches: Vec<Hex>,
    merkle: Hex,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hashed {
    tlv: Hex,
    leaf: Hex,
    nonce: Hex,
    branch: Hex,
}

fn replay(_: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let (stream, expected) = (&test.stream.0, &test.expected);
    let records: Vec<_> = records(stream).filter_map(Result::ok).collect();
    let first = records.first().map_or(&[][..], |record| record.whole);
    checks.bytes("expected.first_tlv", &expected.first_tlv, first);
    let found = checks.made("stream", leaves(stream))?;
    checks.equal("expected.leaves", &expected.leaves.len(), &found.len());
    for (at, ((wanted, found), record)) in
        expected.leaves.iter().zip(&found).zip(&records).enumerate()
    {
        let field = |name| format!("expected.leaves[{at}].{name}");
        checks.bytes(&field("tlv"), &wanted.tlv, record.whole);
        checks.bytes(&field("leaf"), &wanted.leaf, &found.leaf);
        checks.bytes(&field("nonce"), &wanted.nonce, &found.nonce);
        checks.bytes(&field("branch"), &wanted.branch, &found.branch);
    }
    let nodes = branches(&found);
    checks.equal("expected.branches", &expected.branches.len(), &nodes.len());
    for (at, (wanted, found)) in expected.branches.iter().zip(&nodes).enumerate() {
        checks.bytes(&format!("expected.branches[{at}]"), wanted, found);
    }
    let root = checks.made("stream", root(stream))?;
    checks.bytes("expected.merkle", &expected.merkle, &root);
    if let Some(signed) = &test.signed {
        signature(stream, &root, signed, checks);
    }
    None
}

/// Makes the signature, and verifies the one that is given.
fn signature(stream: &[u8], root: &[u8; 32], signed: &SignedBy, checks: &mut Checks) {
    let kind = Signed::InvoiceRequest;
    let payer_id = signed.payer_privkey.public_key(SECP256K1);
    checks.bytes("signed.payer_id", &signed.payer_id, &payer_id.serialize());
    let hash = signature_hash(kind, root);
    checks.bytes("signed.signature_hash", &signed.signature_hash, &hash);
    if let Some(made) = checks.made("signed.signature", sign(kind, stream, &signed.payer_privkey)) {
        checks.bytes("signed.signature", &signed.signature, &made.serialize());
    }
    if let Some(given) = checks.made("signed.signature", Signature::from_slice(&signed.signature.0))
    {
        let valid = verifies(kind, stream, &given, &payer_id);
        checks.holds("signed.signature", "it is valid", valid);
    }
    let request = signed.bolt12.parse::<InvoiceRequest>();
    if let Some(request) = checks.made("signed.bolt12", request) {
        let signature = request.fields().signature.map(|signature| signature.serialize());
        checks.bytes("signed.bolt12", &signed.signature, &signature.map_or(vec![], Vec::from));
        checks.equal("signed.bolt12", &signed.bolt12, &request.to_string());
    }
}

//! What the parameters that all vectors of a group share give: funding output and keys.

use bitcoin::{Amount, OutPoint};
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::super::check::Checks;
use super::Group;
use crate::bolt::keys::{BasepointSecrets, Basepoints, derive_private_key};
use crate::bolt::tx::funding::Funding;
use crate::bolt::tx::{CommitmentKeys, ObscuringFactor, Side, TxError};
use crate::bolt::units::CommitmentNumber;

/// The channel of a group, as local sees it.
pub(super) struct Channel {
    pub(super) funding: Funding,
    pub(super) keys: CommitmentKeys,
    pub(super) obscuring_factor: ObscuringFactor,
    pub(super) local_htlc_key: SecretKey,
    pub(super) remote_htlc_key: SecretKey,
    local_delayed_key: SecretKey,
    per_commitment_point: PublicKey,
    local: Basepoints,
    remote: Basepoints,
}

impl Channel {
    pub(super) fn new(group: &Group) -> Result<Self, TxError> {
        let secrets = &group.secrets;
        // The HTLC basepoints are the payment basepoints. The two basepoints that local's
        // commitment has no use for are not given; any others will do.
        let local = BasepointSecrets {
            revocation: secrets.local_payment_basepoint_secret,
            payment: secrets.local_payment_basepoint_secret,
            delayed_payment: secrets.local_delayed_payment_basepoint_secret,
            htlc: secrets.local_payment_basepoint_secret,
        };
        let remote = BasepointSecrets {
            revocation: secrets.remote_revocation_basepoint_secret,
            payment: secrets.remote_payment_basepoint_secret,
            delayed_payment: secrets.remote_payment_basepoint_secret,
            htlc: secrets.remote_payment_basepoint_secret,
        };
        let point = secrets.local_per_commitment_secret.point()?;
        let (opener, acceptor) = match group.opener {
            Side::Local => (&local, &remote),
            Side::Remote => (&remote, &local),
        };
        Ok(Self {
            funding: Funding {
                outpoint: OutPoint { txid: group.funding_tx_id, vout: group.funding_output_index },
                amount: Amount::from_sat(group.funding_amount_satoshi),
                local_pubkey: secrets.local_funding_privkey.public_key(SECP256K1),
                remote_pubkey: secrets.remote_funding_privkey.public_key(SECP256K1),
            },
            keys: CommitmentKeys::derive(&local.public(), &remote.public(), &point)?,
            obscuring_factor: ObscuringFactor::new(
                &opener.payment.public_key(SECP256K1),
                &acceptor.payment.public_key(SECP256K1),
            ),
            local_htlc_key: derive_private_key(&local.htlc, &point)?,
            remote_htlc_key: derive_private_key(&remote.htlc, &point)?,
            local_delayed_key: derive_private_key(&local.delayed_payment, &point)?,
            per_commitment_point: point,
            local: local.public(),
            remote: remote.public(),
        })
    }

    pub(super) fn check(&self, group: &Group, checks: &mut Checks) {
        let expected = &group.expected_keys;
        let points = [
            ("local_funding_pubkey", &expected.local_funding_pubkey, self.funding.local_pubkey),
            ("remote_funding_pubkey", &expected.remote_funding_pubkey, self.funding.remote_pubkey),
            ("local_payment_basepoint", &expected.local_payment_basepoint, self.local.payment),
            ("remote_payment_basepoint", &expected.remote_payment_basepoint, self.remote.payment),
            ("local_htlc_basepoint", &expected.local_htlc_basepoint, self.local.htlc),
            ("remote_htlc_basepoint", &expected.remote_htlc_basepoint, self.remote.htlc),
            (
                "local_delayed_payment_basepoint",
                &expected.local_delayed_payment_basepoint,
                self.local.delayed_payment,
            ),
            (
                "remote_revocation_basepoint",
                &expected.remote_revocation_basepoint,
                self.remote.revocation,
            ),
            (
                "local_per_commitment_point",
                &expected.local_per_commitment_point,
                self.per_commitment_point,
            ),
            ("local_htlcpubkey", &expected.local_htlcpubkey, self.keys.local_htlc),
            ("remote_htlcpubkey", &expected.remote_htlcpubkey, self.keys.remote_htlc),
            ("local_delayedpubkey", &expected.local_delayedpubkey, self.keys.local_delayed),
            ("local_revocation_pubkey", &expected.local_revocation_pubkey, self.keys.revocation),
        ];
        for (name, expected, actual) in points {
            checks.bytes(&format!("expected_keys.{name}"), expected, &actual.serialize());
        }
        let secrets = [
            ("local_privkey", &expected.local_privkey, self.local_htlc_key),
            ("remote_privkey", &expected.remote_privkey, self.remote_htlc_key),
            ("local_delayed_privkey", &expected.local_delayed_privkey, self.local_delayed_key),
        ];
        for (name, expected, actual) in secrets {
            checks.bytes(&format!("expected_keys.{name}"), expected, &actual.secret_bytes());
        }
        let factor = self.obscuring_factor.obscure(CommitmentNumber(0)).to_be_bytes();
        checks.bytes("expected_keys.obscuring_factor", &expected.obscuring_factor, &factor[2..]);
        let script = self.funding.script();
        let field = "expected_keys.funding_witness_script";
        checks.bytes(field, &expected.funding_witness_script, script.as_bytes());
    }
}

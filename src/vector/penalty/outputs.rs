//! The keys of a commitment transaction, and its outputs as what can be claimed.

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction};
use secp256k1::{SECP256K1, SecretKey};

use super::super::check::Checks;
use super::{Branch, Claimed, Group, Offer, SharedHtlc};
use crate::bolt::keys::{
    derive_private_key, derive_public_key, derive_revocation_private_key,
    derive_revocation_public_key,
};
use crate::bolt::tx::claim::{Claim, ClaimPath, to_remote_script};
use crate::bolt::tx::htlc::{Direction, Htlc};
use crate::bolt::tx::{CommitmentKeys, TxError, script};
use crate::bolt::units::CltvExpiry;

/// All keys that claims need.
pub(super) struct Keys {
    public: CommitmentKeys,
    delayed: SecretKey,
    revocation: SecretKey,
    remote: SecretKey,
}

impl Keys {
    pub(super) fn new(group: &Group) -> Result<Self, TxError> {
        let (secrets, basepoints) = (&group.secrets, &group.basepoints);
        let secret = &secrets.local_per_commitment_secret;
        let point = secret.point()?;
        let delayed = &secrets.local_delayed_payment_basepoint_secret;
        let revocation = &secrets.remote_revocation_basepoint_secret;
        let remote = secrets.remote_payment_basepoint_secret;
        let public = |key: &SecretKey| key.public_key(SECP256K1);
        Ok(Self {
            public: CommitmentKeys {
                revocation: derive_revocation_public_key(&public(revocation), &point)?,
                local_delayed: derive_public_key(&public(delayed), &point)?,
                local_htlc: derive_public_key(&basepoints.local_htlc_basepoint, &point)?,
                remote_htlc: derive_public_key(&basepoints.remote_htlc_basepoint, &point)?,
                remote: public(&remote),
            },
            delayed: derive_private_key(delayed, &point)?,
            revocation: derive_revocation_private_key(revocation, &secret.key()?)?,
            remote,
        })
    }

    pub(super) fn check(&self, group: &Group, checks: &mut Checks) {
        let (expected, keys) = (&group.expected_keys, &self.public);
        let points = [
            ("local_htlcpubkey", &expected.local_htlcpubkey, keys.local_htlc),
            ("remote_htlcpubkey", &expected.remote_htlcpubkey, keys.remote_htlc),
            ("local_delayedpubkey", &expected.local_delayedpubkey, keys.local_delayed),
            ("local_revocation_pubkey", &expected.local_revocation_pubkey, keys.revocation),
            ("remotepubkey", &expected.remotepubkey, keys.remote),
        ];
        for (name, expected, actual) in points {
            checks.bytes(&format!("expected_keys.{name}"), expected, &actual.serialize());
        }
        let secrets = [
            ("local_delayed_privkey", &expected.local_delayed_privkey, self.delayed),
            ("local_revocation_privkey", &expected.local_revocation_privkey, self.revocation),
        ];
        for (name, expected, actual) in secrets {
            checks.bytes(&format!("expected_keys.{name}"), expected, &actual.secret_bytes());
        }
    }

    /// How to spend an output of the commitment.
    pub(super) fn claim(
        &self,
        group: &Group,
        commitment: &Transaction,
        claimed: &Claimed,
    ) -> Result<Claim, &'static str> {
        let keys = &self.public;
        let to_local =
            || script::to_local(&keys.revocation, group.local_delay, &keys.local_delayed);
        let (path, script, key) = match (claimed.claim, claimed.htlc) {
            (Branch::ToLocalRevocation, None) => {
                (ClaimPath::Revocation, to_local(), self.revocation)
            }
            (Branch::ToLocalDelayed, None) => {
                (ClaimPath::Delayed(group.local_delay), to_local(), self.delayed)
            }
            (Branch::ToRemote, None) => {
                let (channel_type, remotepubkey) = (group.channel_type, keys.remote);
                let script = to_remote_script(channel_type, &remotepubkey);
                (ClaimPath::ToRemote { channel_type, remotepubkey }, script, self.remote)
            }
            (Branch::HtlcRevocation, Some(number)) => {
                let shared = group.htlcs.iter().find(|htlc| htlc.htlc == number);
                let htlc = htlc(shared.ok_or("the group has no such HTLC")?)?;
                let script = htlc.script(group.channel_type, keys);
                let path = ClaimPath::HtlcRevocation { revocationpubkey: keys.revocation };
                let output = Some(htlc.amount.to_sat_floor());
                let pays = script.to_p2wsh();
                let (outpoint, amount) = find(commitment, &pays, output)?;
                return Ok(Claim { outpoint, amount, path, script, key: self.revocation });
            }
            _ => return Err("only htlc_revocation is of an HTLC"),
        };
        let pays = match claimed.claim {
            Branch::ToRemote => script::to_remote_output(group.channel_type, &keys.remote),
            _ => script.to_p2wsh(),
        };
        let (outpoint, amount) = find(commitment, &pays, None)?;
        Ok(Claim { outpoint, amount, path, script, key })
    }
}

/// The output that pays to this script, and this amount if it is known.
fn find(
    commitment: &Transaction,
    pays: &ScriptBuf,
    amount: Option<Amount>,
) -> Result<(OutPoint, Amount), &'static str> {
    let found = (0..).zip(&commitment.output).find(|(_, output)| {
        output.script_pubkey == *pays && amount.is_none_or(|amount| output.value == amount)
    });
    let (vout, output) = found.ok_or("the commitment has no such output")?;
    Ok((OutPoint { txid: commitment.compute_txid(), vout }, output.value))
}

fn htlc(shared: &SharedHtlc) -> Result<Htlc, &'static str> {
    let (direction, cltv_expiry) = match (shared.direction, shared.cltv_expiry) {
        // It is not in the script.
        (Offer::LocalToRemote, None) => (Direction::Offered, CltvExpiry(0)),
        (Offer::RemoteToLocal, Some(height)) => (Direction::Received, height),
        _ => return Err("an HTLC that remote offered has a cltv_expiry, and no other"),
    };
    let (amount, payment_hash) = (shared.amount_msat, shared.payment_hash);
    Ok(Htlc { direction, amount, payment_hash, cltv_expiry })
}

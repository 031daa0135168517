//! What an input spends, and which branch of the script its witness takes.

use bitcoin::hashes::{Hash, hash160};
use bitcoin::hex::DisplayHex;
use bitcoin::script::ScriptBuf;
use bitcoin::{PubkeyHash, Script, TxIn};
use secp256k1::PublicKey;
use serde::{Serialize, Serializer};

use super::script::{HtlcScript, WitnessScript};
use super::signature::{SignatureNote, Signed};
use crate::bolt::units::CsvDelay;

/// A payment preimage, as a witness shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preimage(pub [u8; 32]);

impl Serialize for Preimage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.as_hex())
    }
}

/// What an input spends, as far as its witness shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spent {
    /// Nothing: it makes new coins.
    Coinbase,
    /// Unknown: there is neither a witness nor a script.
    Unsigned,
    /// An output with one of BOLT 3's scripts.
    Lightning {
        /// The script.
        script: WitnessScript,
        /// How the witness satisfies it.
        branch: Branch,
        /// Its signatures, in the witness's order.
        signatures: Vec<SignatureNote>,
    },
    /// A P2WPKH: some wallet's, or `to_remote` with `option_static_remotekey`.
    P2wpkh {
        /// Its signature.
        signature: SignatureNote,
    },
    /// A Taproot output by its key, to judge by a single witness item of a Schnorr signature's
    /// length.
    TaprootKey,
    /// An output from before `SegWit`, or one nested in a P2SH.
    ScriptSig,
    /// Something else.
    Other,
}

/// The branch of one of BOLT 3's scripts that a witness takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Branch {
    /// The funding output, by both sides.
    BothSides,
    /// By the peer of an owner who cheated.
    Revocation,
    /// By the owner, after the delay.
    Delay(CsvDelay),
    /// `to_remote`, by the peer, a block after the commitment.
    PeersKey,
    /// An anchor, by the side whose it is.
    AnchorByKey,
    /// An anchor, by anyone, 16 blocks after the commitment.
    AnchorByAnyone,
    /// A received HTLC, by the HTLC-success transaction of the commitment's owner.
    HtlcSuccess {
        /// The preimage.
        preimage: Preimage,
        /// Whether it has the hash that the script demands.
        fits: bool,
    },
    /// An offered HTLC, by the HTLC-timeout transaction of the commitment's owner.
    HtlcTimeout,
    /// An offered HTLC, by the peer, who knows the preimage.
    PeersPreimage {
        /// The preimage.
        preimage: Preimage,
        /// Whether it has the hash that the script demands.
        fits: bool,
    },
    /// A received HTLC, back to the peer, once it has expired.
    PeersTimeout,
    /// No branch: the witness is not of a shape that can satisfy the script.
    Unsatisfied,
}

/// Reads an input. `signed` lacks its script yet.
pub(super) fn read(input: &TxIn, signed: Signed<'_>) -> Spent {
    if input.previous_output.is_null() {
        return Spent::Coinbase;
    }
    let items: Vec<&[u8]> = input.witness.iter().collect();
    match items.as_slice() {
        [] if input.script_sig.is_empty() => Spent::Unsigned,
        _ if !input.script_sig.is_empty() => Spent::ScriptSig,
        [stack @ .., script] => by_script(stack, Script::from_bytes(script), signed)
            .or_else(|| p2wpkh(&items, signed))
            .unwrap_or(match items.as_slice() {
                [signature] if matches!(signature.len(), 64 | 65) => Spent::TaprootKey,
                _ => Spent::Other,
            }),
        [] => Spent::Unsigned,
    }
}

fn p2wpkh(items: &[&[u8]], signed: Signed<'_>) -> Option<Spent> {
    let [signature, key] = items else { return None };
    let public = PublicKey::from_slice(key).ok().filter(|_| key.len() == 33)?;
    let code = ScriptBuf::new_p2pkh(&PubkeyHash::hash(key));
    let signature = Signed { script: &code, ..signed }.note(public, signature);
    Some(Spent::P2wpkh { signature })
}

fn by_script(stack: &[&[u8]], revealed: &Script, signed: Signed<'_>) -> Option<Spent> {
    let script = WitnessScript::recognise(revealed)?;
    let (branch, signers) = branch(&script, stack);
    let signed = Signed { script: revealed, ..signed };
    let signatures = signers.iter().map(|(key, item)| signed.note(*key, item)).collect();
    Some(Spent::Lightning { script, branch, signatures })
}

/// Which key each signature must be by.
type Signers<'a> = Vec<(PublicKey, &'a [u8])>;

fn branch<'a>(script: &WitnessScript, stack: &[&'a [u8]]) -> (Branch, Signers<'a>) {
    match (script, stack) {
        (WitnessScript::Funding { funding_pubkeys: [a, b] }, [[], first, second]) => {
            (Branch::BothSides, vec![(*a, first), (*b, second)])
        }
        (
            WitnessScript::Delayed { revocationpubkey, to_self_delay, local_delayedpubkey },
            stack,
        ) => match stack {
            [signature, choice] if is_true(choice) => {
                (Branch::Revocation, vec![(*revocationpubkey, signature)])
            }
            [signature, _] => {
                (Branch::Delay(*to_self_delay), vec![(*local_delayedpubkey, signature)])
            }
            _ => (Branch::Unsatisfied, Vec::new()),
        },
        (WitnessScript::ToRemote { remotepubkey }, [signature]) => {
            (Branch::PeersKey, vec![(*remotepubkey, signature)])
        }
        (WitnessScript::Anchor { .. }, [[]]) => (Branch::AnchorByAnyone, Vec::new()),
        (WitnessScript::Anchor { funding_pubkey }, [signature]) => {
            (Branch::AnchorByKey, vec![(*funding_pubkey, signature)])
        }
        (WitnessScript::OfferedHtlc(htlc), stack) => offered(htlc, stack),
        (WitnessScript::ReceivedHtlc { htlc, .. }, stack) => received(htlc, stack),
        (
            WitnessScript::Funding { .. }
            | WitnessScript::ToRemote { .. }
            | WitnessScript::Anchor { .. },
            _,
        ) => (Branch::Unsatisfied, Vec::new()),
    }
}

fn offered<'a>(htlc: &HtlcScript, stack: &[&'a [u8]]) -> (Branch, Signers<'a>) {
    match stack {
        [[], remote, local, []] => {
            let signers = vec![(htlc.remote_htlcpubkey, *remote), (htlc.local_htlcpubkey, *local)];
            (Branch::HtlcTimeout, signers)
        }
        [signature, top] => {
            revocation(htlc, signature, top).unwrap_or_else(|| match preimage(top) {
                Some(preimage) => {
                    let fits = htlc.fits(preimage);
                    let branch = Branch::PeersPreimage { preimage, fits };
                    (branch, vec![(htlc.remote_htlcpubkey, *signature)])
                }
                None => (Branch::Unsatisfied, Vec::new()),
            })
        }
        _ => (Branch::Unsatisfied, Vec::new()),
    }
}

fn received<'a>(htlc: &HtlcScript, stack: &[&'a [u8]]) -> (Branch, Signers<'a>) {
    match stack {
        [[], remote, local, top] => match preimage(top) {
            Some(preimage) => {
                let branch = Branch::HtlcSuccess { preimage, fits: htlc.fits(preimage) };
                let signers =
                    vec![(htlc.remote_htlcpubkey, *remote), (htlc.local_htlcpubkey, *local)];
                (branch, signers)
            }
            None => (Branch::Unsatisfied, Vec::new()),
        },
        [signature, []] => (Branch::PeersTimeout, vec![(htlc.remote_htlcpubkey, *signature)]),
        [signature, top] => {
            revocation(htlc, signature, top).unwrap_or((Branch::Unsatisfied, Vec::new()))
        }
        _ => (Branch::Unsatisfied, Vec::new()),
    }
}

/// The revocation of an HTLC output: its witness shows the key that the script has the hash of.
fn revocation<'a>(
    htlc: &HtlcScript,
    signature: &'a [u8],
    key: &[u8],
) -> Option<(Branch, Signers<'a>)> {
    let fits = hash160::Hash::hash(key) == htlc.revocationpubkey_hash;
    let key = PublicKey::from_slice(key).ok().filter(|_| fits)?;
    Some((Branch::Revocation, vec![(key, signature)]))
}

fn preimage(item: &[u8]) -> Option<Preimage> {
    item.try_into().ok().map(Preimage)
}

impl HtlcScript {
    /// Whether a preimage has the hash that the script demands.
    fn fits(&self, preimage: Preimage) -> bool {
        hash160::Hash::hash(&preimage.0) == self.payment_hash160
    }
}

/// Whether the script interpreter takes an item for true: any byte that is not zero, except that
/// the sign of a zero does not count.
fn is_true(item: &[u8]) -> bool {
    match item.split_last() {
        Some((last, rest)) => last & 0x7f != 0 || rest.iter().any(|byte| *byte != 0),
        None => false,
    }
}

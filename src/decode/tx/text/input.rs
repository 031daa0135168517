//! An input in words.

use std::fmt::{self, Display, Formatter};

use bitcoin::hex::DisplayHex;

use super::output::{naming, write_script};
use super::row;
use crate::decode::tx::explain::{Input, SequenceNote};
use crate::decode::tx::script::WitnessScript;
use crate::decode::tx::signature::{Sighash, SignatureNote};
use crate::decode::tx::witness::{Branch, Preimage, Spent};

pub(super) fn write(f: &mut Formatter<'_>, input: &Input) -> fmt::Result {
    if let Some(amount) = input.amount {
        row(f, "amount", format_args!("{} sat", amount.to_sat()))?;
    }
    row(f, "sequence", input.sequence_note)?;
    if let Some(name) = &input.name {
        row(f, "was", naming(name))?;
    }
    spent(f, &input.spent)?;
    match (input.fits_output, input.amount) {
        (Some(false), None) => row(f, "INVALID", "the transaction given has no such output"),
        (Some(false), Some(_)) => {
            row(f, "INVALID", "the output that it spends asks for another script or key")
        }
        (Some(true) | None, _) => Ok(()),
    }
}

fn spent(f: &mut Formatter<'_>, spent: &Spent) -> fmt::Result {
    match spent {
        Spent::Coinbase => row(f, "spends", "nothing: it makes new coins (coinbase)"),
        Spent::Unsigned => row(f, "spends", "unknown: it is not signed"),
        Spent::Lightning { script, branch, signatures } => {
            row(f, "spends", kind_of(script))?;
            write_script(f, script)?;
            row(f, "by", branch)?;
            if let Branch::HtlcSuccess { preimage, fits }
            | Branch::PeersPreimage { preimage, fits } = branch
            {
                write_preimage(f, *preimage, *fits)?;
            }
            signatures.iter().try_for_each(|signature| write_signature(f, signature))
        }
        Spent::P2wpkh { signature } => {
            row(f, "spends", "P2WPKH: of a wallet, or to_remote with static_remotekey")?;
            write_signature(f, signature)
        }
        Spent::TaprootKey => row(f, "spends", "Taproot output by its key, it seems"),
        Spent::ScriptSig => {
            row(f, "spends", "output from before SegWit, or one nested in a P2SH: not Lightning's")
        }
        Spent::Other => row(f, "spends", "something that is not one of BOLT 3's scripts"),
    }
}

fn kind_of(script: &WitnessScript) -> &'static str {
    match script {
        WitnessScript::Funding { .. } => "funding output: 2-of-2 of both sides",
        WitnessScript::Delayed { .. } => "to_local, or a second stage: they have the same script",
        WitnessScript::ToRemote { .. } => "to_remote of a commitment with anchors",
        WitnessScript::Anchor { .. } => "anchor",
        WitnessScript::OfferedHtlc(_) => "HTLC that the owner of the commitment offered",
        WitnessScript::ReceivedHtlc { .. } => "HTLC that the owner of the commitment received",
    }
}

fn write_preimage(f: &mut Formatter<'_>, preimage: Preimage, fits: bool) -> fmt::Result {
    let verdict = if fits { "it has the hash" } else { "INVALID: it has another hash" };
    row(f, "preimage", format_args!("{} ({verdict})", preimage.0.as_hex()))
}

fn write_signature(f: &mut Formatter<'_>, signature: &SignatureNote) -> fmt::Result {
    let SignatureNote { key, sighash, validity } = signature;
    row(f, "signature", format_args!("by {key}"))?;
    match sighash {
        Sighash::Malformed => row(f, "", "INVALID: it is no signature"),
        _ => row(f, "", format_args!("signs {sighash}; {validity}")),
    }
}

impl Display for Sighash {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all inputs and outputs (ALL)",
            Self::None => "all inputs and no output (NONE)",
            Self::Single => "all inputs and the output of the same index (SINGLE)",
            Self::AllAnyoneCanPay => "this input and all outputs (ALL|ANYONECANPAY)",
            Self::NoneAnyoneCanPay => "this input alone (NONE|ANYONECANPAY)",
            Self::SingleAnyoneCanPay => {
                "this input and its output (SINGLE|ANYONECANPAY), so that others can pay a fee"
            }
            Self::Malformed => "nothing",
        })
    }
}

impl Display for SequenceNote {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Final => f.write_str("0xffffffff: final"),
            Self::EnablesLocktime => f.write_str("0xfffffffe: no delay; lets the locktime count"),
            Self::Replaceable(value) => {
                write!(f, "{value:#010x}: no delay; may be replaced by a higher fee")
            }
            Self::Blocks(0) => f.write_str("0x00000000: no delay"),
            Self::Blocks(1) => f.write_str("1: at the earliest in the block after the output's"),
            Self::Blocks(blocks) => {
                write!(f, "{blocks}: at the earliest {blocks} blocks after the output's")
            }
            Self::Seconds(seconds) => {
                write!(f, "at the earliest {seconds} seconds after the output's block")
            }
            Self::ObscuredNumber(value) => write!(
                f,
                "{value:#010x}: 0x80 marks a commitment, the rest is half of its obscured number"
            ),
        }
    }
}

impl Display for Branch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::BothSides => f.write_str("both sides"),
            Self::Revocation => {
                f.write_str("revocation: the owner published a revoked state, its peer takes this")
            }
            Self::Delay(delay) => write!(f, "delay: the owner, who waited {delay} blocks"),
            Self::PeersKey => f.write_str("the peer's key, after one block"),
            Self::AnchorByKey => f.write_str("the side whose anchor it is"),
            Self::AnchorByAnyone => f.write_str("anyone, after 16 blocks"),
            Self::HtlcSuccess { .. } => f.write_str("success: both signatures and the preimage"),
            Self::HtlcTimeout => f.write_str("timeout: both signatures, no preimage"),
            Self::PeersPreimage { .. } => f.write_str("success: the peer's key and the preimage"),
            Self::PeersTimeout => f.write_str("timeout: the peer's key, after the expiry"),
            Self::Unsatisfied => f.write_str("INVALID: no branch of the script takes this witness"),
        }
    }
}

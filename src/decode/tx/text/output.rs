//! An output in words, and the scripts behind outputs.

use std::fmt::{self, Display, Formatter};

use super::row;
use crate::bolt::tx::ChannelType;
use crate::decode::tx::output::{Evidence, Naming, Output, Role};
use crate::decode::tx::script::{HtlcScript, OutputScript, WitnessScript};

pub(super) fn write(f: &mut Formatter<'_>, output: &Output) -> fmt::Result {
    row(f, "pays to", output.script)?;
    let Some(name) = &output.name else { return Ok(()) };
    row(f, "is", naming(name))?;
    if let Some(reason) = reason(name) {
        row(f, "", reason)?;
    }
    if let Some(hash) = name.revocationpubkey_hash {
        row(f, "", format_args!("its revocationpubkey has the HASH160 {hash}"))?;
    }
    match &name.witness_script {
        Some(script) => write_script(f, script),
        None => Ok(()),
    }
}

/// What an output is, or can be.
pub(super) fn naming(name: &Naming) -> String {
    let is_guess = name.evidence == Evidence::Guess;
    let word = |role: &Role| if is_guess { short(*role) } else { words(*role) };
    let roles: Vec<&str> = name.roles.iter().map(word).collect();
    let list = match roles.as_slice() {
        [] => String::from("nothing of BOLT 3"),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    };
    if is_guess { format!("unknown: perhaps {list}") } else { list }
}

fn short(role: Role) -> &'static str {
    match role {
        Role::Funding => "a funding output",
        Role::ToLocal => "to_local",
        Role::ToRemote => "to_remote",
        Role::Anchor => "an anchor",
        Role::OfferedHtlc => "an offered HTLC",
        Role::ReceivedHtlc => "a received HTLC",
        Role::SecondStage => "a second stage",
        Role::Closing => "a closing output",
    }
}

fn words(role: Role) -> &'static str {
    match role {
        Role::Funding => "a funding output",
        Role::ToLocal => "to_local (the owner's balance, delayed)",
        Role::ToRemote => "to_remote (the peer's balance)",
        Role::Anchor => "an anchor",
        Role::OfferedHtlc => "an HTLC that the owner offered",
        Role::ReceivedHtlc => "an HTLC that the owner received",
        Role::SecondStage => "a second stage of an HTLC (the owner's, delayed)",
        Role::Closing => "a closing output (the balance of one side)",
    }
}

fn reason(name: &Naming) -> Option<&'static str> {
    match name.evidence {
        Evidence::ScriptShown => Some("a witness given shows its script:"),
        Evidence::FundingKeys => Some("330 sat, and the script made from this funding key:"),
        Evidence::SameScript => Some("it has the script of an HTLC transaction's output"),
        Evidence::Guess => Some("only the hash of its script is there until it is spent"),
        Evidence::Structure => None,
    }
}

/// The parts of a script, a line each.
pub(super) fn write_script(f: &mut Formatter<'_>, script: &WitnessScript) -> fmt::Result {
    match script {
        WitnessScript::Funding { funding_pubkeys: [first, second] } => {
            part(f, "funding_pubkey", first)?;
            part(f, "funding_pubkey", second)
        }
        WitnessScript::Delayed { revocationpubkey, to_self_delay, local_delayedpubkey } => {
            part(f, "revocationpubkey", revocationpubkey)?;
            part(f, "local_delayedpubkey", local_delayedpubkey)?;
            part(f, "to_self_delay", format_args!("{to_self_delay} blocks"))
        }
        WitnessScript::ToRemote { remotepubkey } => part(f, "remotepubkey", remotepubkey),
        WitnessScript::Anchor { funding_pubkey } => part(f, "funding_pubkey", funding_pubkey),
        WitnessScript::OfferedHtlc(htlc) => write_htlc(f, htlc),
        WitnessScript::ReceivedHtlc { htlc, cltv_expiry } => {
            write_htlc(f, htlc)?;
            part(f, "cltv_expiry", format_args!("height {cltv_expiry}"))
        }
    }
}

fn write_htlc(f: &mut Formatter<'_>, htlc: &HtlcScript) -> fmt::Result {
    part(f, "local_htlcpubkey", htlc.local_htlcpubkey)?;
    part(f, "remote_htlcpubkey", htlc.remote_htlcpubkey)?;
    part(f, "revocationpubkey", format_args!("with the HASH160 {}", htlc.revocationpubkey_hash))?;
    part(f, "preimage", format_args!("with the HASH160 {}", htlc.payment_hash160))?;
    let format = match htlc.channel_type {
        ChannelType::StaticRemotekey => "static_remotekey",
        ChannelType::Anchors => "anchors (every branch but revocation waits for one block)",
    };
    part(f, "format", format)
}

fn part(f: &mut Formatter<'_>, name: &str, text: impl Display) -> fmt::Result {
    row(f, "", format_args!("  {name:20}{text}"))
}

impl Display for OutputScript {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::P2pk => f.write_str("P2PK"),
            Self::P2pkh(hash) => write!(f, "P2PKH {hash}"),
            Self::P2sh(hash) => write!(f, "P2SH {hash}"),
            Self::P2wpkh(hash) => write!(f, "P2WPKH {hash}"),
            Self::P2wsh(hash) => write!(f, "P2WSH {hash}"),
            Self::P2tr(key) => write!(f, "Taproot {key}"),
            Self::P2a => f.write_str("P2A (pay to anchor: anyone can spend it)"),
            Self::OpReturn => f.write_str("OP_RETURN (data; nobody can spend it)"),
            Self::Other => f.write_str("a script of no standard type"),
        }
    }
}

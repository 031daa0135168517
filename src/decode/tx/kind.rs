//! What a transaction is as a whole.

use std::collections::BTreeSet;

use bitcoin::{Script, Transaction};
use serde::Serialize;

use super::output::{Role, World};
use super::script::WitnessScript;
use super::signature::Signed;
use super::witness::{self, Branch, Spent};
use crate::bolt::tx::ChannelType;

/// What a transaction is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A commitment transaction.
    Commitment {
        /// The commitment's number, combined by XOR with a hash of both payment basepoints.
        obscured_number: u64,
        /// Its format, where its outputs give it away.
        channel_type: Option<ChannelType>,
        /// Whether its witness shows the funding output's script. If not, only locktime and
        /// sequence tell what it is.
        has_witness: bool,
    },
    /// A mutual close.
    MutualClose(Close),
    /// It spends a funding output in a way that is neither; a splice does.
    FundingSpend,
    /// It claims outputs of commitment or HTLC transactions.
    Claims(BTreeSet<Action>),
    /// A funding transaction: a transaction that was given spends these outputs as such.
    Funding {
        /// Their indices.
        outputs: Vec<u32>,
    },
    /// Nothing of Lightning shows, but each of these outputs could be a funding output.
    MaybeFunding {
        /// Their indices.
        outputs: Vec<u32>,
    },
    /// Nothing of Lightning shows.
    Unrelated,
}

/// The two protocols of a mutual close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Close {
    /// By `closing_signed`.
    Legacy,
    /// By `closing_complete` and `closing_sig` (`option_simple_close`).
    Simple,
}

/// What one input of a claim does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The owner of a commitment takes a received HTLC to its second stage.
    HtlcSuccess,
    /// The owner of a commitment takes an offered HTLC to its second stage.
    HtlcTimeout,
    /// The peer takes an HTLC that was offered to it.
    PreimageClaim,
    /// The peer takes back an HTLC that it had offered.
    TimeoutClaim,
    /// The peer takes an output of a revoked commitment, or of its second stages.
    Penalty,
    /// The owner takes an output after the delay.
    DelayedSweep,
    /// The peer takes its `to_remote`.
    ToRemoteSweep,
    /// A side spends its anchor, most likely to add a fee to the commitment.
    AnchorSpend,
    /// Anyone spends an anchor that its owner left.
    AnchorCleanup,
    /// The witness does not satisfy the script that it shows.
    Unsatisfied,
}

/// What a transaction says by itself.
pub(super) struct Outline {
    pub(super) spent: Vec<Spent>,
    pub(super) kind: Kind,
}

impl Outline {
    /// Reads the transaction; its parents in `world` give amounts and the roles of what it spends.
    pub(super) fn of(transaction: &Transaction, world: &World<'_>) -> Self {
        let inputs = transaction.input.iter().enumerate();
        let spent: Vec<Spent> = inputs
            .map(|(index, input)| {
                let amount = world.spent_output(input.previous_output).map(|output| output.value);
                let script = &input.script_sig;
                witness::read(input, Signed { transaction, input: index, amount, script })
            })
            .collect();
        let kind = kind(transaction, &spent, world);
        Self { spent, kind }
    }

    /// Whether it is a commitment transaction.
    pub(super) fn is_commitment(&self) -> bool {
        matches!(self.kind, Kind::Commitment { .. })
    }

    /// The HTLC that the input of this index takes to its second stage.
    pub(super) fn second_stage_of(&self, index: usize) -> Option<&WitnessScript> {
        match self.spent.get(index)? {
            Spent::Lightning { script, branch, .. } => {
                matches!(branch, Branch::HtlcSuccess { .. } | Branch::HtlcTimeout).then_some(script)
            }
            Spent::Coinbase
            | Spent::Unsigned
            | Spent::P2wpkh { .. }
            | Spent::TaprootKey
            | Spent::ScriptSig
            | Spent::Other => None,
        }
    }
}

/// The 48 bits of a commitment transaction's locktime and sequence, if both are marked as such.
pub(super) fn obscured_number(transaction: &Transaction) -> Option<u64> {
    let [input] = transaction.input.as_slice() else { return None };
    let (locktime, sequence) = (transaction.lock_time.to_consensus_u32(), input.sequence.0);
    let low_24_bits = |value: u32| u64::from(value & 0x00ff_ffff);
    (locktime >> 24 == 0x20 && sequence >> 24 == 0x80)
        .then(|| (low_24_bits(sequence) << 24) | low_24_bits(locktime))
}

/// Whether a transaction is a commitment, to judge by it alone.
pub(super) fn is_commitment(transaction: &Transaction) -> bool {
    let Some(witness) = transaction.input.first().map(|input| &input.witness) else { return false };
    let shows_funding = |script: &[u8]| {
        let script = WitnessScript::recognise(Script::from_bytes(script));
        matches!(script, Some(WitnessScript::Funding { .. }))
    };
    obscured_number(transaction).is_some() && witness.last().is_none_or(shows_funding)
}

fn kind(transaction: &Transaction, spent: &[Spent], world: &World<'_>) -> Kind {
    let is_funding = |spent: &Spent| {
        matches!(spent, Spent::Lightning { script: WitnessScript::Funding { .. }, .. })
    };
    let obscured = obscured_number(transaction);
    match (spent, obscured) {
        ([only], Some(obscured_number)) if is_funding(only) || *only == Spent::Unsigned => {
            let channel_type = world.channel_type(transaction, only);
            let has_witness = is_funding(only);
            return Kind::Commitment { obscured_number, channel_type, has_witness };
        }
        ([only], _) if is_funding(only) => return funding_spend(transaction),
        (inputs, _) if inputs.iter().any(is_funding) => return Kind::FundingSpend,
        _ => {}
    }
    let pairs = transaction.input.iter().zip(spent);
    let actions: BTreeSet<Action> = pairs
        .filter_map(|(input, spent)| match spent {
            Spent::Lightning { branch, .. } => action(*branch),
            Spent::P2wpkh { .. } if world.is_from_commitment(input.previous_output) => {
                Some(Action::ToRemoteSweep)
            }
            _ => None,
        })
        .collect();
    if actions.is_empty() { source(transaction, world) } else { Kind::Claims(actions) }
}

/// What spends a funding output as its only input, and is no commitment.
fn funding_spend(transaction: &Transaction) -> Kind {
    let locktime = transaction.lock_time.to_consensus_u32();
    let sequences = transaction.input.iter().map(|input| input.sequence.0);
    let sequence = sequences.max().unwrap_or_default();
    let outputs = transaction.output.len();
    match (sequence, locktime) {
        (0xffff_ffff, 0) if outputs <= 2 => Kind::MutualClose(Close::Legacy),
        (0xffff_fffd, _) if outputs <= 2 => Kind::MutualClose(Close::Simple),
        _ => Kind::FundingSpend,
    }
}

/// `None` for the funding output, which [`kind`] has dealt with.
fn action(branch: Branch) -> Option<Action> {
    Some(match branch {
        Branch::BothSides => return None,
        Branch::Revocation => Action::Penalty,
        Branch::Delay(_) => Action::DelayedSweep,
        Branch::PeersKey => Action::ToRemoteSweep,
        Branch::AnchorByKey => Action::AnchorSpend,
        Branch::AnchorByAnyone => Action::AnchorCleanup,
        Branch::HtlcSuccess { .. } => Action::HtlcSuccess,
        Branch::HtlcTimeout => Action::HtlcTimeout,
        Branch::PeersPreimage { .. } => Action::PreimageClaim,
        Branch::PeersTimeout => Action::TimeoutClaim,
        Branch::Unsatisfied => Action::Unsatisfied,
    })
}

/// What spends nothing of Lightning can still begin a channel.
fn source(transaction: &Transaction, world: &World<'_>) -> Kind {
    let indices = |role: fn(Option<Role>) -> bool| -> Vec<u32> {
        (0..)
            .zip(&transaction.output)
            .filter(|(_, output)| output.script_pubkey.is_p2wsh())
            .filter(|(_, output)| role(world.shown_role(&output.script_pubkey)))
            .map(|(index, _)| index)
            .collect()
    };
    let (known, maybe) =
        (indices(|role| role == Some(Role::Funding)), indices(|role| role.is_none()));
    match (known.is_empty(), maybe.is_empty()) {
        (false, _) => Kind::Funding { outputs: known },
        (true, false) => Kind::MaybeFunding { outputs: maybe },
        (true, true) => Kind::Unrelated,
    }
}

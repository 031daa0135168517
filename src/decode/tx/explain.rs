//! A transaction, explained.

use std::collections::BTreeMap;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, OutPoint, Transaction, TxIn, Txid, WPubkeyHash, WScriptHash, Wtxid};
use serde::Serialize;

use super::kind::{Kind, Outline, obscured_number};
use super::output::{Naming, Output, World};
use super::script::OutputScript;
use super::witness::Spent;
use crate::bolt::units::{BlockHeight, FeeratePerKw};

/// All that can be told about a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Its id.
    pub txid: Txid,
    /// The hash of it and its witnesses.
    pub wtxid: Wtxid,
    /// What it is.
    pub kind: Kind,
    /// Its version.
    pub version: i32,
    /// Its locktime.
    pub locktime: Locktime,
    /// Its weight.
    pub weight: u64,
    /// Its fee.
    pub fee: Fee,
    /// What it spends.
    pub inputs: Vec<Input>,
    /// What it pays.
    pub outputs: Vec<Output>,
}

/// What a locktime means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Locktime {
    /// Zero: none.
    None,
    /// It can be mined above this height.
    Height(BlockHeight),
    /// It can be mined after this time, in seconds since 1970.
    Time(u32),
    /// The lower half of an obscured commitment number, marked by 0x20.
    ObscuredNumber(u32),
    /// All sequences are final, which switches it off.
    Ignored(u32),
}

/// What a sequence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SequenceNote {
    /// Final: no delay, no locktime, no announced replacement.
    Final,
    /// No delay; it only lets the locktime count.
    EnablesLocktime,
    /// No delay; it announces that the transaction may be replaced.
    Replaceable(u32),
    /// The output must be so many blocks deep.
    Blocks(u16),
    /// The output must be so many seconds old.
    Seconds(u32),
    /// The upper half of an obscured commitment number, marked by 0x80.
    ObscuredNumber(u32),
}

/// What a transaction pays to the miner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fee {
    /// This much.
    Known {
        /// In all.
        amount: Amount,
        /// For its weight, rounded down.
        feerate: FeeratePerKw,
    },
    /// Unknown: the amounts of so many inputs are in parents that were not given.
    ParentsMissing(usize),
    /// It makes coins.
    Coinbase,
    /// The outputs are worth more than the inputs, or an amount is beyond all coins.
    Impossible,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    /// The output that it spends.
    pub outpoint: OutPoint,
    /// What its sequence is, as it stands.
    pub sequence: u32,
    /// What that means.
    pub sequence_note: SequenceNote,
    /// What its witness shows.
    pub spent: Spent,
    /// The output's amount, if its transaction is given.
    pub amount: Option<Amount>,
    /// What the output is, if its transaction is given.
    pub name: Option<Naming>,
    /// Whether the output asks for what the witness shows, if that can be told: `false` if it asks
    /// for another script or key, or does not exist.
    pub fits_output: Option<bool>,
}

/// Explains a transaction. What else is given is context: a parent gives the amount of what is
/// spent, a child shows the script of an output.
pub fn explain(transaction: &Transaction, context: &[Transaction]) -> Explanation {
    let world = World::new(transaction, context);
    let outline = Outline::of(transaction, &world);
    let outputs = world.outputs(transaction, &outline);
    let is_commitment = outline.is_commitment();
    let inputs = inputs(transaction, &world, outline.spent, is_commitment);
    Explanation {
        txid: transaction.compute_txid(),
        wtxid: transaction.compute_wtxid(),
        kind: outline.kind,
        version: transaction.version.0,
        locktime: locktime(transaction, is_commitment),
        weight: transaction.weight().to_wu(),
        fee: fee(transaction, &inputs),
        inputs,
        outputs,
    }
}

fn inputs(
    transaction: &Transaction,
    world: &World<'_>,
    spent: Vec<Spent>,
    is_commitment: bool,
) -> Vec<Input> {
    let mut parents: BTreeMap<Txid, Option<Vec<Output>>> = BTreeMap::new();
    let pairs = transaction.input.iter().zip(spent);
    let explained = pairs.map(|(input, spent)| {
        let outpoint = input.previous_output;
        let parent =
            parents.entry(outpoint.txid).or_insert_with(|| world.outputs_of(outpoint.txid));
        let position = usize::try_from(outpoint.vout).unwrap_or(usize::MAX);
        let output = parent.as_ref().and_then(|outputs| outputs.get(position));
        Input {
            outpoint,
            sequence: input.sequence.0,
            sequence_note: sequence(transaction, input, is_commitment),
            amount: output.map(|output| output.amount),
            name: output.and_then(|output| output.name.clone()),
            fits_output: match output {
                Some(output) => fits(&spent, input, &output.script),
                None => parent.is_some().then_some(false),
            },
            spent,
        }
    });
    explained.collect()
}

/// Whether an output of this type asks for what the witness shows.
fn fits(spent: &Spent, input: &TxIn, output: &OutputScript) -> Option<bool> {
    let script = input.witness.last().unwrap_or_default();
    match spent {
        Spent::Lightning { .. } => {
            let hash = WScriptHash::from_byte_array(sha256::Hash::hash(script).to_byte_array());
            Some(*output == OutputScript::P2wsh(hash))
        }
        Spent::P2wpkh { signature } => {
            let hash = WPubkeyHash::hash(&signature.key.serialize());
            Some(*output == OutputScript::P2wpkh(hash))
        }
        Spent::TaprootKey => Some(matches!(output, OutputScript::P2tr(_))),
        Spent::Coinbase | Spent::Unsigned | Spent::ScriptSig | Spent::Other => None,
    }
}

fn locktime(transaction: &Transaction, is_commitment: bool) -> Locktime {
    /// From here on a locktime is a time.
    const THRESHOLD: u32 = 500_000_000;
    let value = transaction.lock_time.to_consensus_u32();
    if is_commitment && obscured_number(transaction).is_some() {
        Locktime::ObscuredNumber(value)
    } else if value == 0 {
        Locktime::None
    } else if !transaction.is_lock_time_enabled() {
        Locktime::Ignored(value)
    } else if value < THRESHOLD {
        Locktime::Height(BlockHeight(value))
    } else {
        Locktime::Time(value)
    }
}

fn sequence(transaction: &Transaction, input: &TxIn, is_commitment: bool) -> SequenceNote {
    const OFF: u32 = 1 << 31;
    const BY_TIME: u32 = 1 << 22;
    let value = input.sequence.0;
    let units = u16::try_from(value & 0xffff).unwrap_or(u16::MAX);
    match value {
        _ if is_commitment => SequenceNote::ObscuredNumber(value),
        0xffff_ffff => SequenceNote::Final,
        0xffff_fffe => SequenceNote::EnablesLocktime,
        _ if value & OFF != 0 || matches!(transaction.version.0, 0 | 1) => {
            SequenceNote::Replaceable(value)
        }
        _ if value & BY_TIME != 0 => SequenceNote::Seconds(u32::from(units) * 512),
        _ => SequenceNote::Blocks(units),
    }
}

fn fee(transaction: &Transaction, inputs: &[Input]) -> Fee {
    if transaction.is_coinbase() {
        return Fee::Coinbase;
    }
    let missing = inputs.iter().filter(|input| input.amount.is_none()).count();
    if missing > 0 {
        return Fee::ParentsMissing(missing);
    }
    let paid_in = sum(inputs.iter().filter_map(|input| input.amount));
    let paid_out = sum(transaction.output.iter().map(|output| output.value));
    let difference = paid_in.zip(paid_out).and_then(|(paid_in, out)| paid_in.checked_sub(out));
    let Some(amount) = difference else { return Fee::Impossible };
    let weight = u128::from(transaction.weight().to_wu().max(1));
    let feerate = u128::from(amount.to_sat()) * 1000 / weight;
    Fee::Known { amount, feerate: FeeratePerKw(u32::try_from(feerate).unwrap_or(u32::MAX)) }
}

fn sum(mut amounts: impl Iterator<Item = Amount>) -> Option<Amount> {
    amounts.try_fold(Amount::ZERO, Amount::checked_add)
}

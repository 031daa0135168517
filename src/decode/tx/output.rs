//! What the outputs of a transaction are, as far as it and its surroundings show.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::opcodes::all as op;
use bitcoin::script::Builder;
use bitcoin::{Amount, OutPoint, Script, ScriptBuf, Transaction, TxOut, Txid, WScriptHash};
use secp256k1::PublicKey;
use serde::Serialize;

use super::kind::{Kind, Outline};
use super::script::{OutputScript, WitnessScript};
use super::witness::Spent;
use crate::bolt::tx::ChannelType;

/// The amount of an anchor.
const ANCHOR: Amount = Amount::from_sat(330);

/// What an output is in a channel's life. "Local" is the owner of the commitment transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The channel's funding output.
    Funding,
    /// The owner's balance in a commitment.
    ToLocal,
    /// The peer's balance in a commitment.
    ToRemote,
    /// An anchor.
    Anchor,
    /// An HTLC that the owner offered.
    OfferedHtlc,
    /// An HTLC that the owner received.
    ReceivedHtlc,
    /// The output of an HTLC transaction.
    SecondStage,
    /// What a mutual close pays to a side.
    Closing,
}

/// How a role is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A witness among the transactions shows its script.
    ScriptShown,
    /// Its script follows from the two funding keys in the commitment's own witness.
    FundingKeys,
    /// It has the script of a second-stage output of the same channel.
    SameScript,
    /// BOLT 3 has nothing else at this place.
    Structure,
    /// It is not: these are the roles that its type and its place allow.
    Guess,
}

/// What is known about an output's place in Lightning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Naming {
    /// What it is; more than one if that cannot be decided.
    pub roles: Vec<Role>,
    /// How that is known.
    pub evidence: Evidence,
    /// Its witness script, if it is known.
    pub witness_script: Option<WitnessScript>,
    /// `HASH160` of its `revocationpubkey`, if only that is known.
    pub revocationpubkey_hash: Option<hash160::Hash>,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Its index.
    pub index: u32,
    /// Its amount.
    pub amount: Amount,
    /// The type of its script.
    pub script: OutputScript,
    /// What it is in Lightning, if anything.
    pub name: Option<Naming>,
}

impl Naming {
    fn one(role: Role, evidence: Evidence) -> Self {
        Self::of(vec![role], evidence)
    }

    fn of(roles: Vec<Role>, evidence: Evidence) -> Self {
        Self { roles, evidence, witness_script: None, revocationpubkey_hash: None }
    }

    /// The role, if there is just one and it is no guess.
    pub fn known(&self) -> Option<Role> {
        match (self.roles.as_slice(), self.evidence) {
            (_, Evidence::Guess) => None,
            ([role], _) => Some(*role),
            _ => None,
        }
    }
}

/// The transaction and those given beside it: what they show of one another.
pub(super) struct World<'a> {
    transactions: BTreeMap<Txid, &'a Transaction>,
    scripts: BTreeMap<WScriptHash, WitnessScript>,
    /// The scripts of the outputs of HTLC transactions.
    second_stages: BTreeSet<ScriptBuf>,
}

impl<'a> World<'a> {
    pub(super) fn new(transaction: &'a Transaction, context: &'a [Transaction]) -> Self {
        let mut world = Self {
            transactions: context.iter().map(|tx| (tx.compute_txid(), tx)).collect(),
            scripts: BTreeMap::new(),
            second_stages: BTreeSet::new(),
        };
        for known in context.iter().chain([transaction]) {
            let revealed = known.input.iter().filter_map(|input| input.witness.last());
            let scripts = revealed.filter_map(|bytes| {
                let hash = WScriptHash::from_byte_array(sha256::Hash::hash(bytes).to_byte_array());
                Some((hash, WitnessScript::recognise(Script::from_bytes(bytes))?))
            });
            world.scripts.extend(scripts);
        }
        for known in context.iter().chain([transaction]) {
            let outline = Outline::of(known, &world);
            let outputs = known.output.iter().enumerate();
            let second = outputs.filter(|(index, _)| outline.second_stage_of(*index).is_some());
            let scripts: Vec<_> = second.map(|(_, output)| output.script_pubkey.clone()).collect();
            world.second_stages.extend(scripts);
        }
        world
    }

    fn parent(&self, outpoint: OutPoint) -> Option<&'a Transaction> {
        self.transactions.get(&outpoint.txid).copied()
    }

    /// The output that an outpoint names, if its transaction is given.
    pub(super) fn spent_output(&self, outpoint: OutPoint) -> Option<&'a TxOut> {
        self.parent(outpoint)?.output.get(usize::try_from(outpoint.vout).ok()?)
    }

    /// What the outputs of a transaction are, if it is given.
    pub(super) fn outputs_of(&self, txid: Txid) -> Option<Vec<Output>> {
        let transaction = self.transactions.get(&txid)?;
        Some(self.outputs(transaction, &Outline::of(transaction, self)))
    }

    /// Whether an outpoint is of a commitment transaction.
    pub(super) fn is_from_commitment(&self, outpoint: OutPoint) -> bool {
        let is_commitment = |parent| super::kind::is_commitment(parent);
        self.parent(outpoint).is_some_and(is_commitment)
    }

    fn shown(&self, script: &Script) -> Option<&WitnessScript> {
        match OutputScript::recognise(script) {
            OutputScript::P2wsh(hash) => self.scripts.get(&hash),
            _ => None,
        }
    }

    /// The role of an output of this script, if the script behind it is shown somewhere.
    pub(super) fn shown_role(&self, script: &Script) -> Option<Role> {
        self.shown(script).map(role_of)
    }

    /// The format of a commitment transaction, where its outputs give it away.
    pub(super) fn channel_type(
        &self,
        commitment: &Transaction,
        spent: &Spent,
    ) -> Option<ChannelType> {
        let outputs = || commitment.output.iter();
        let keys = funding_keys(spent);
        let has_anchor = keys.is_some_and(|keys| outputs().any(|o| anchor_of(&keys, o).is_some()));
        let shown =
            outputs().filter_map(|o| self.shown(&o.script_pubkey)).find_map(
                |script| match script {
                    WitnessScript::Anchor { .. } | WitnessScript::ToRemote { .. } => {
                        Some(ChannelType::Anchors)
                    }
                    other => other.htlc().map(|htlc| htlc.channel_type),
                },
            );
        let has = |script: fn(&OutputScript) -> bool| {
            outputs().any(|o| script(&OutputScript::recognise(&o.script_pubkey)))
        };
        if has_anchor {
            Some(ChannelType::Anchors)
        } else if shown.is_some() {
            shown
        } else if has(|script| matches!(script, OutputScript::P2a)) {
            None
        } else if keys.is_some() || has(|script| matches!(script, OutputScript::P2wpkh(_))) {
            Some(ChannelType::StaticRemotekey)
        } else {
            None
        }
    }

    /// Names all outputs of a transaction.
    pub(super) fn outputs(&self, transaction: &Transaction, outline: &Outline) -> Vec<Output> {
        let mut outputs: Vec<Output> = (0..)
            .zip(transaction.output.iter().enumerate())
            .map(|(index, (position, output))| Output {
                index,
                amount: output.value,
                script: OutputScript::recognise(&output.script_pubkey),
                name: self.name(output, position, outline),
            })
            .collect();
        if outline.is_commitment() {
            exclude_what_is_taken(&mut outputs);
        }
        outputs
    }

    fn name(&self, output: &TxOut, position: usize, outline: &Outline) -> Option<Naming> {
        if let Some(script) = self.shown(&output.script_pubkey) {
            let roles = match (role_of(script), &outline.kind) {
                (Role::ToLocal, Kind::Commitment { .. }) => vec![Role::ToLocal],
                (Role::ToLocal, _) if outline.second_stage_of(position).is_some() => {
                    vec![Role::SecondStage]
                }
                (Role::ToLocal, _) => vec![Role::ToLocal, Role::SecondStage],
                (role, _) => vec![role],
            };
            let naming = Naming::of(roles, Evidence::ScriptShown);
            return Some(Naming { witness_script: Some(*script), ..naming });
        }
        match &outline.kind {
            Kind::Commitment { channel_type, .. } => {
                self.commitment_output(output, *channel_type, outline)
            }
            Kind::MutualClose(_) => Some(Naming::one(Role::Closing, Evidence::Structure)),
            Kind::Claims(_) => {
                let htlc = outline.second_stage_of(position)?.htlc()?;
                let naming = Naming::one(Role::SecondStage, Evidence::Structure);
                let revocationpubkey_hash = Some(htlc.revocationpubkey_hash);
                Some(Naming { revocationpubkey_hash, ..naming })
            }
            Kind::MaybeFunding { .. } => {
                output.script_pubkey.is_p2wsh().then(|| Naming::one(Role::Funding, Evidence::Guess))
            }
            Kind::FundingSpend | Kind::Funding { .. } | Kind::Unrelated => None,
        }
    }

    fn commitment_output(
        &self,
        output: &TxOut,
        channel_type: Option<ChannelType>,
        outline: &Outline,
    ) -> Option<Naming> {
        match OutputScript::recognise(&output.script_pubkey) {
            OutputScript::P2wpkh(_) => Some(Naming::one(Role::ToRemote, Evidence::Structure)),
            OutputScript::P2wsh(_) => {
                let keys = outline.spent.first().and_then(funding_keys);
                if let Some(funding_pubkey) = keys.and_then(|keys| anchor_of(&keys, output)) {
                    let witness_script = Some(WitnessScript::Anchor { funding_pubkey });
                    let naming = Naming::one(Role::Anchor, Evidence::FundingKeys);
                    return Some(Naming { witness_script, ..naming });
                }
                if self.second_stages.contains(&output.script_pubkey) {
                    return Some(Naming::one(Role::ToLocal, Evidence::SameScript));
                }
                Some(Naming::of(candidates(channel_type, output.value), Evidence::Guess))
            }
            _ => None,
        }
    }
}

/// What a P2WSH output of a commitment can be that is no anchor of its funding keys.
fn candidates(channel_type: Option<ChannelType>, amount: Amount) -> Vec<Role> {
    let mut roles = vec![Role::ToLocal, Role::OfferedHtlc, Role::ReceivedHtlc];
    if channel_type != Some(ChannelType::StaticRemotekey) {
        roles.insert(1, Role::ToRemote);
    }
    if channel_type.is_none() && amount == ANCHOR {
        roles.push(Role::Anchor);
    }
    roles
}

/// A commitment has at most one `to_local` and one `to_remote`.
fn exclude_what_is_taken(outputs: &mut [Output]) {
    let known = outputs.iter().filter_map(|output| output.name.as_ref()?.known());
    let taken: Vec<Role> =
        known.filter(|role| matches!(role, Role::ToLocal | Role::ToRemote)).collect();
    let names = outputs.iter_mut().filter_map(|output| output.name.as_mut());
    for name in names.filter(|name| name.evidence == Evidence::Guess) {
        name.roles.retain(|role| !taken.contains(role));
    }
}

fn role_of(script: &WitnessScript) -> Role {
    match script {
        WitnessScript::Funding { .. } => Role::Funding,
        WitnessScript::Delayed { .. } => Role::ToLocal,
        WitnessScript::ToRemote { .. } => Role::ToRemote,
        WitnessScript::Anchor { .. } => Role::Anchor,
        WitnessScript::OfferedHtlc(_) => Role::OfferedHtlc,
        WitnessScript::ReceivedHtlc { .. } => Role::ReceivedHtlc,
    }
}

fn funding_keys(spent: &Spent) -> Option<[PublicKey; 2]> {
    match spent {
        Spent::Lightning { script: WitnessScript::Funding { funding_pubkeys }, .. } => {
            Some(*funding_pubkeys)
        }
        _ => None,
    }
}

/// The funding key whose anchor an output is.
fn anchor_of(keys: &[PublicKey; 2], output: &TxOut) -> Option<PublicKey> {
    let script = |key: &PublicKey| {
        Builder::new()
            .push_slice(key.serialize())
            .push_opcode(op::OP_CHECKSIG)
            .push_opcode(op::OP_IFDUP)
            .push_opcode(op::OP_NOTIF)
            .push_int(16)
            .push_opcode(op::OP_CSV)
            .push_opcode(op::OP_ENDIF)
            .into_script()
    };
    let is_anchor = |key: &&PublicKey| script(key).to_p2wsh() == output.script_pubkey;
    keys.iter().find(is_anchor).filter(|_| output.value == ANCHOR).copied()
}

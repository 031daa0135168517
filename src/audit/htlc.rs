//! HTLC outputs and their second stages: which outputs of a commitment they are, and what the
//! witnesses that spend them say. BOLT 3, "HTLC Outputs" and "HTLC-Timeout and HTLC-Success
//! Transactions".

use std::collections::BTreeMap;

use bitcoin::{ScriptBuf, TxOut, Witness};
use secp256k1::PublicKey;

use super::account::{NamedHtlc, OutputName, Spend};
use super::facts::{CommitmentScripts, Facts, HtlcOutput};
use super::ledger::End;
use crate::scenario::{Path, RoleName};

/// The branch that a witness takes, by the shape that BOLT 3 gives it.
pub(super) fn path(
    owner: End,
    offerer: End,
    revocation: &PublicKey,
    items: &[&[u8]],
) -> Option<Path> {
    let key = revocation.serialize();
    match items {
        [_, shown, _] if *shown == key => Some(Path::Revocation),
        // By the other side, directly: what the owner offered by the preimage, what it was offered
        // by the timeout.
        [_, preimage, _] if preimage.len() == 32 && owner == offerer => Some(Path::Preimage),
        [_, [], _] if owner != offerer => Some(Path::Timeout),
        // By the owner, to the second stage.
        [[], _, _, [], _] if owner == offerer => Some(Path::Timeout),
        [[], _, _, preimage, _] if preimage.len() == 32 && owner != offerer => Some(Path::Preimage),
        _ => None,
    }
}

/// The preimage in a witness that takes an HTLC by it: the last item before the script.
pub(super) fn preimage(witness: &Witness) -> Option<&[u8]> {
    witness.len().checked_sub(2).and_then(|position| witness.nth(position))
}

/// Who takes an HTLC by this branch, whoever owns the commitment.
pub(super) fn taker(facts: &Facts, owner: End, htlc: &NamedHtlc, path: Path) -> Option<RoleName> {
    let offerer = facts.end_of(&htlc.offerer)?;
    let end = match path {
        Path::Preimage => offerer.other(),
        Path::Timeout => offerer,
        Path::Revocation => owner.other(),
        Path::Delay | Path::Direct | Path::Anchor | Path::Anyone => return None,
    };
    Some(facts.end(end).role.clone())
}

/// The HTLC that a spend takes to its second stage, if it does: the owner of the commitment has no
/// other way.
pub(super) fn second_stage<'a>(
    facts: &Facts,
    owner: End,
    spend: &'a Spend,
) -> Option<&'a NamedHtlc> {
    let OutputName::Htlc(htlc) = &spend.output else { return None };
    let taker = taker(facts, owner, htlc, spend.path?)?;
    (facts.end(owner).role == taker).then_some(htlc)
}

/// The HTLCs of a commitment, while its outputs are gone through.
pub(super) struct Expected<'a> {
    /// Those that found no output yet, in their order.
    waiting: BTreeMap<usize, &'a HtlcOutput>,
    /// The same by their scripts.
    by_script: BTreeMap<&'a ScriptBuf, Vec<usize>>,
}

impl<'a> Expected<'a> {
    pub(super) fn new(scripts: &'a CommitmentScripts) -> Self {
        let mut by_script: BTreeMap<&ScriptBuf, Vec<usize>> = BTreeMap::new();
        for (position, htlc) in scripts.htlcs.iter().enumerate() {
            by_script.entry(&htlc.script).or_default().push(position);
        }
        Self { waiting: scripts.htlcs.iter().enumerate().collect(), by_script }
    }

    /// The HTLC of an output, by script and amount; by the script alone where none has the amount.
    pub(super) fn take(&mut self, output: &TxOut) -> Option<NamedHtlc> {
        let alike = self.by_script.get_mut(&output.script_pubkey)?;
        let has_amount = |position: &usize| {
            self.waiting.get(position).is_some_and(|htlc| htlc.amount == output.value)
        };
        let exact = alike.iter().position(has_amount).unwrap_or(0);
        let position = (exact < alike.len()).then(|| alike.remove(exact))?;
        Some(self.waiting.remove(&position)?.name.clone())
    }

    /// Those that have no output.
    pub(super) fn missing(self) -> Vec<NamedHtlc> {
        self.waiting.into_values().map(|htlc| htlc.name.clone()).collect()
    }
}

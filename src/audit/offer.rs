//! Closing transactions that one side pays for. BOLT 2, "Closing Negotiation: `closing_complete`
//! and `closing_sig`"; BOLT 3, "Closing Transaction".

use bitcoin::{Amount, ScriptBuf, Transaction};

use super::ledger::{End, State};
use crate::bolt::wire::messages::{ClosingComplete, ClosingSig};

/// What a `closing_complete` offers.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// Who sent it, and pays the fee.
    pub(super) closer: End,
    pub(super) fee: Amount,
    closer_script: ScriptBuf,
    closee_script: ScriptBuf,
    locktime: u32,
    /// The sides whose outputs there are, of each transaction that it signs.
    signed: Vec<Vec<End>>,
    /// Whether `closing_sig` answered it.
    pub(super) is_answered: bool,
}

impl Offer {
    pub(super) fn new(closer: End, message: &ClosingComplete) -> Self {
        let closee = closer.other();
        let variants = [
            (message.closer_output_only, vec![closer]),
            (message.closee_output_only, vec![closee]),
            (message.closer_and_closee_outputs, vec![closer, closee]),
        ];
        Self {
            closer,
            fee: message.fee_satoshis,
            closer_script: message.closer_scriptpubkey.clone(),
            closee_script: message.closee_scriptpubkey.clone(),
            locktime: message.locktime,
            signed: variants.into_iter().filter_map(|(by, ends)| by.map(|_| ends)).collect(),
            is_answered: false,
        }
    }

    /// Whether this is the answer to it.
    pub(super) fn is_answer(&self, closee: End, message: &ClosingSig) -> bool {
        self.closer == closee.other()
            && self.fee == message.fee_satoshis
            && self.closer_script == message.closer_scriptpubkey
            && self.closee_script == message.closee_scriptpubkey
            && self.locktime == message.locktime
    }

    /// Where this side's part goes.
    pub(super) fn script(&self, end: End) -> &ScriptBuf {
        if end == self.closer { &self.closer_script } else { &self.closee_script }
    }

    /// Whether a transaction has the outputs of one that this signs, whatever their amounts.
    pub(super) fn has_form_of(&self, transaction: &Transaction) -> bool {
        const SEQUENCE: u32 = 0xffff_fffd;
        let sequences = transaction.input.iter().map(|input| input.sequence.0);
        let mut found: Vec<&ScriptBuf> =
            transaction.output.iter().map(|output| &output.script_pubkey).collect();
        found.sort();
        let fits = |ends: &Vec<End>| {
            let mut scripts: Vec<&ScriptBuf> = ends.iter().map(|end| self.script(*end)).collect();
            scripts.sort();
            scripts == found
        };
        sequences.eq([SEQUENCE])
            && transaction.lock_time.to_consensus_u32() == self.locktime
            && self.signed.iter().any(fits)
    }

    /// What a side is due: its balance, of the closer's less the fee; nothing by `OP_RETURN`. `None`
    /// if the closer cannot pay.
    pub(super) fn due(&self, end: End, state: &State) -> Option<Amount> {
        let balance = state.of(end).to_sat_floor();
        if self.script(end).is_op_return() {
            Some(Amount::ZERO)
        } else if end == self.closer {
            balance.checked_sub(self.fee)
        } else {
            Some(balance)
        }
    }

    /// What a transaction pays a side; `None` if it has no output for it.
    pub(super) fn paid(&self, end: End, transaction: &Transaction) -> Option<Amount> {
        let mut outputs = transaction.output.iter();
        let found = outputs.find(|output| output.script_pubkey == *self.script(end));
        found.map(|output| output.value)
    }

    /// Whether a transaction pays this side what it is due. Who has less may go without an output;
    /// if both have the same, the closer may not.
    pub(super) fn satisfies(&self, end: End, state: &State, transaction: &Transaction) -> bool {
        let (own, others) = (state.of(end), state.of(end.other()));
        match self.paid(end, transaction) {
            Some(paid) => self.due(end, state) == Some(paid),
            None => own < others || own == others && end != self.closer,
        }
    }
}

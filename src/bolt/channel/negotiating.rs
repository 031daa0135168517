//! The fee of the mutual close. BOLT 2, "Legacy Closing Negotiation: `closing_signed`".
//!
//! ```text
//! funder                                fundee
//!   |------ closing_signed ------------->|   a fee and a range
//!   |<----- closing_signed --------------|   the same fee, if the fundee takes it
//! ```

use bitcoin::{Amount, ScriptBuf, Transaction};
use secp256k1::ecdsa::Signature;

use super::error::ensure;
use super::{
    ChainEvent, Closing, Commitments, Confirmation, Context, Fault, Input, Output, PeerViolation,
    Phase, Purpose, Step, normal, unexpected,
};
use crate::bolt::tx::{Side, closing};
use crate::bolt::units::FeeratePerKw;
use crate::bolt::wire::messages::ClosingSigned;
use crate::bolt::wire::{FeeRange, Message};

/// A channel whose closing fee is negotiated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiating {
    /// Both sides' commitments.
    pub commitments: Commitments,
    confirmation: Confirmation,
    closing: closing::Closing,
    /// The fee that we proposed last.
    proposed: Option<Amount>,
}

impl Negotiating {
    /// The funder begins with a proposal.
    pub(super) fn begin(
        context: &Context<'_>,
        commitments: Commitments,
        confirmation: Confirmation,
        (local_script, remote_script): (ScriptBuf, ScriptBuf),
        mut outputs: Vec<Output>,
    ) -> Step {
        let (to_local, to_remote) = commitments.settled();
        let closing = closing::Closing {
            outpoint: commitments.funding.outpoint,
            to_local,
            to_remote,
            local_script,
            remote_script,
        };
        let mut next = Self { commitments, confirmation, closing, proposed: None };
        if next.commitments.terms.opener == Side::Local {
            let fee = next.fee_at(context.feerate);
            outputs.push(next.propose(context, fee)?);
        }
        Ok((Phase::Negotiating(next), outputs))
    }

    fn fee_at(&self, feerate: FeeratePerKw) -> Amount {
        let closing = &self.closing;
        feerate.fee(closing::closing_weight(&[&closing.local_script, &closing.remote_script]))
    }

    /// What we take: from the least that is relayed to twice what we would propose, and as the
    /// fundee, who does not pay it, anything that the funder can afford.
    fn range(&self, context: &Context<'_>) -> FeeRange {
        let min_fee_satoshis = self.fee_at(FeeratePerKw(253));
        let max_fee_satoshis = match self.commitments.terms.opener {
            Side::Local => self.fee_at(context.feerate).checked_mul(2).unwrap_or(Amount::MAX),
            Side::Remote => self.commitments.settled().1.to_sat_floor(),
        };
        FeeRange { min_fee_satoshis, max_fee_satoshis: max_fee_satoshis.max(min_fee_satoshis) }
    }

    fn transaction(&self, fee: Amount) -> Result<Transaction, Fault> {
        let terms = &self.commitments.terms;
        Ok(self.closing.legacy(terms.opener, fee, terms.local.dust_limit)?)
    }

    fn propose(&mut self, context: &Context<'_>, fee: Amount) -> Result<Output, Fault> {
        let transaction = self.transaction(fee)?;
        let message = ClosingSigned {
            channel_id: self.commitments.channel_id,
            fee_satoshis: fee,
            signature: self.commitments.funding.sign(&transaction, &context.secrets.funding)?,
            fee_range: Some(self.range(context)),
        };
        self.proposed = Some(fee);
        Ok(Output::Send(message.into()))
    }

    fn receive(&self, context: &Context<'_>, message: &ClosingSigned) -> Step {
        let fee = message.fee_satoshis;
        let unacceptable = PeerViolation::ClosingFee { fee };
        let transaction = self.transaction(fee).map_err(|_| unacceptable.clone())?;
        let funding = &self.commitments.funding;
        let fits = funding.verify(&transaction, &funding.remote_pubkey, &message.signature);
        let wrong = PeerViolation::WrongSignature { message: "closing_signed" };
        ensure(fits, wrong)?;
        if self.proposed == Some(fee) {
            return self.publish(context, transaction, message.signature, Vec::new());
        }
        let mut next = self.clone();
        let range = self.range(context);
        if range.contains(fee) {
            let agree = next.propose(context, fee)?;
            return next.publish(context, transaction, message.signature, vec![agree]);
        }
        let theirs = message.fee_range.ok_or_else(|| unacceptable.clone())?;
        let overlap = FeeRange {
            min_fee_satoshis: range.min_fee_satoshis.max(theirs.min_fee_satoshis),
            max_fee_satoshis: range.max_fee_satoshis.min(theirs.max_fee_satoshis),
        };
        // The fundee may answer once with a fee in the overlap; the funder must take that.
        let may_counter = self.commitments.terms.opener == Side::Remote && self.proposed.is_none();
        let fits = overlap.min_fee_satoshis <= overlap.max_fee_satoshis;
        ensure(fits && may_counter, unacceptable)?;
        let counter = next.propose(context, overlap.min_fee_satoshis)?;
        Ok((Phase::Negotiating(next), vec![counter]))
    }

    fn publish(
        &self,
        context: &Context<'_>,
        mut transaction: Transaction,
        theirs: Signature,
        mut outputs: Vec<Output>,
    ) -> Step {
        let funding = &self.commitments.funding;
        let ours = funding.sign(&transaction, &context.secrets.funding)?;
        if let Some(input) = transaction.input.first_mut() {
            input.witness = funding.witness(&ours, &theirs);
        }
        outputs.push(Output::Broadcast { transaction, purpose: Purpose::Closing });
        let before = Phase::Negotiating(self.clone());
        Ok((Phase::Closing(Closing::unconfirmed(before)), outputs))
    }

    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            Input::Received(Message::ClosingSigned(message)) => self.receive(context, message),
            Input::Received(_) | Input::Command(_) => Err(unexpected("negotiating", input)),
            Input::Chain(event) => self.follow(context, event),
        }
    }

    fn follow(&self, context: &Context<'_>, event: &ChainEvent) -> Step {
        let (confirmation, outputs) = normal::follow(&self.commitments, self.confirmation, event);
        let next = Self { confirmation, ..self.clone() };
        let phase = Phase::Negotiating(next);
        normal::close_if_spent(phase, &self.commitments, context, event, outputs)
    }
}

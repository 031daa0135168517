//! The fee of the mutual close. BOLT 2, "Legacy Closing Negotiation: `closing_signed`".
//!
//! ```text
//! funder                                fundee
//!   |------ closing_signed ------------->|   a fee and a range
//!   |<----- closing_signed --------------|   the same fee, if the fundee takes it, or another
//!   |------ closing_signed ------------->|   the fundee's fee, if it lies in both ranges
//! ```

use bitcoin::{Amount, ScriptBuf, Transaction};
use secp256k1::ecdsa::Signature;

use super::{
    ChainEvent, ChannelSecrets, Closing, Commitments, Confirmation, Context, Fault, Input, Output,
    PeerViolation, Phase, Shutdown, Step, funding, unexpected,
};
use crate::bolt::tx::{Side, TxError, closing};
use crate::bolt::units::{BlockHeight, FeeratePerKw};
use crate::bolt::wire::messages::{ClosingSigned, Warning};
use crate::bolt::wire::{FeeRange, Message};

/// A channel whose closing fee is negotiated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiating {
    /// Both sides' commitments.
    pub commitments: Commitments,
    pub(super) confirmation: Confirmation,
    closing: closing::Closing,
    /// The fee that we proposed last.
    proposed: Option<Amount>,
    /// The fee that the peer proposed last.
    received: Option<Amount>,
    /// The height at which we began to wait for the peer.
    since: BlockHeight,
}

/// So many blocks are a reasonable time to wait for the peer: an hour.
pub(super) const PATIENCE: u32 = 6;

/// Just what is relayed: 1 sat per vbyte.
const LEAST_FEERATE: FeeratePerKw = FeeratePerKw(250);

/// Where we stand when a `closing_signed` arrives.
#[derive(Clone, Copy, Debug)]
struct Position {
    /// Who pays the fee.
    funder: Side,
    /// What we take.
    range: FeeRange,
    /// The fee that we proposed last.
    proposed: Option<Amount>,
    /// The fee that the peer proposed last.
    received: Option<Amount>,
}

/// What a `closing_signed` leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The fee is agreed on.
    Agree,
    /// We propose this one.
    Counter(Amount),
    /// No fee is in both ranges: the peer may send another.
    Warn,
    /// There is no fee for both.
    Fail,
}

impl Position {
    /// The requirements for the receiver of a fee, and of a range if the peer has one.
    fn answer(&self, fee: Amount, theirs: Option<FeeRange>) -> Answer {
        if self.proposed == Some(fee) {
            return Answer::Agree;
        }
        match (theirs, self.proposed) {
            (Some(theirs), proposed) => {
                let Some(both) = overlap(self.range, theirs) else { return Answer::Warn };
                match (self.funder, proposed) {
                    (Side::Local, _) if both.contains(fee) => Answer::Agree,
                    // The funder has no second proposal, and the fundee's first one stands.
                    (Side::Local, _) | (Side::Remote, Some(_)) => Answer::Fail,
                    (Side::Remote, None) => counter(fee, clamp(fee, both)),
                }
            }
            (None, _) if self.range.contains(fee) => Answer::Agree,
            (None, None) => counter(fee, clamp(fee, self.range)),
            // Every fee lies between the two before it, or there would be no end.
            (None, Some(ours)) if self.received.is_some_and(|last| !between(last, fee, ours)) => {
                Answer::Fail
            }
            (None, Some(ours)) => {
                // The range bounds how far we let the peer draw us: either side may give up.
                let wanted = clamp(middle(fee, ours), self.range);
                if between(fee, wanted, ours) { Answer::Counter(wanted) } else { Answer::Fail }
            }
        }
    }
}

/// Whether `fee` is strictly between the two others.
fn between(one: Amount, fee: Amount, other: Amount) -> bool {
    one.min(other) < fee && fee < one.max(other)
}

fn counter(fee: Amount, wanted: Amount) -> Answer {
    if wanted == fee { Answer::Agree } else { Answer::Counter(wanted) }
}

fn clamp(fee: Amount, range: FeeRange) -> Amount {
    fee.max(range.min_fee_satoshis).min(range.max_fee_satoshis)
}

fn middle(one: Amount, other: Amount) -> Amount {
    Amount::from_sat(one.to_sat().midpoint(other.to_sat()))
}

fn overlap(ours: FeeRange, theirs: FeeRange) -> Option<FeeRange> {
    let min_fee_satoshis = ours.min_fee_satoshis.max(theirs.min_fee_satoshis);
    let max_fee_satoshis = ours.max_fee_satoshis.min(theirs.max_fee_satoshis);
    (min_fee_satoshis <= max_fee_satoshis)
        .then_some(FeeRange { min_fee_satoshis, max_fee_satoshis })
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
        let mut next = Self {
            commitments,
            confirmation,
            closing,
            proposed: None,
            received: None,
            since: context.height,
        };
        if next.commitments.terms.opener == Side::Local {
            let fee = next.fee_at(context.feerate).min(next.funder_balance());
            outputs.push(next.propose(context, fee, None)?);
        }
        Ok((Phase::Negotiating(next), outputs))
    }

    fn fee_at(&self, feerate: FeeratePerKw) -> Amount {
        let closing = &self.closing;
        feerate.fee(closing::closing_weight(&[&closing.local_script, &closing.remote_script]))
    }

    /// The most that the fee can be.
    fn funder_balance(&self) -> Amount {
        let (to_local, to_remote) = self.commitments.settled();
        match self.commitments.terms.opener {
            Side::Local => to_local.to_sat_floor(),
            Side::Remote => to_remote.to_sat_floor(),
        }
    }

    /// What we take: from the least that is relayed to twice what we would propose, and as the
    /// fundee, who does not pay it, anything that the funder can afford or says that it takes.
    fn range(&self, context: &Context<'_>, theirs: Option<FeeRange>) -> FeeRange {
        let affordable = self.funder_balance();
        let min_fee_satoshis = self.fee_at(LEAST_FEERATE).min(affordable);
        let max_fee_satoshis = match self.commitments.terms.opener {
            Side::Local => {
                let twice = self.fee_at(context.feerate).checked_mul(2).unwrap_or(Amount::MAX);
                twice.min(affordable)
            }
            Side::Remote => {
                theirs.map_or(affordable, |theirs| theirs.max_fee_satoshis.max(affordable))
            }
        };
        FeeRange { min_fee_satoshis, max_fee_satoshis: max_fee_satoshis.max(min_fee_satoshis) }
    }

    fn transaction(&self, fee: Amount) -> Result<Transaction, Fault> {
        let terms = &self.commitments.terms;
        Ok(self.closing.legacy(terms.opener, fee, terms.local.dust_limit)?)
    }

    /// The same, having signed for the fee of this message. What nobody can pay nobody can sign for.
    pub(super) fn signing(
        &self,
        secrets: &ChannelSecrets,
        message: &mut ClosingSigned,
    ) -> Result<Self, TxError> {
        let mut next = self.clone();
        if let Ok(transaction) = self.transaction(message.fee_satoshis) {
            message.signature = next.commitments.sign_closing(secrets, &transaction)?;
        }
        Ok(next)
    }

    fn propose(
        &mut self,
        context: &Context<'_>,
        fee: Amount,
        theirs: Option<FeeRange>,
    ) -> Result<Output, Fault> {
        let transaction = self.transaction(fee)?;
        let message = ClosingSigned {
            channel_id: self.commitments.channel_id,
            fee_satoshis: fee,
            signature: self.commitments.sign_closing(context.secrets, &transaction)?,
            fee_range: Some(self.range(context, theirs)),
            unknown: Vec::new(),
        };
        self.proposed = Some(fee);
        self.since = context.height;
        Ok(Output::Send(message.into()))
    }

    /// The variant of the closing transaction that the peer signed. It leaves out what is dust by
    /// its own limit, and may leave out its own output. BOLT 3, "Legacy Closing Transaction".
    fn signed_by_peer(
        &self,
        fee: Amount,
        signature: &Signature,
    ) -> Result<Transaction, PeerViolation> {
        let terms = &self.commitments.terms;
        let all = self
            .closing
            .legacy(terms.opener, fee, terms.remote.dust_limit)
            .map_err(|_| PeerViolation::ClosingFee { fee })?;
        let mut without_theirs = all.clone();
        without_theirs.output.retain(|output| output.script_pubkey != self.closing.remote_script);
        let funding = &self.commitments.funding;
        [all, without_theirs]
            .into_iter()
            .filter(|variant| !variant.output.is_empty())
            .find(|variant| funding.verify(variant, &funding.remote_pubkey, signature))
            .ok_or(PeerViolation::WrongSignature { message: "closing_signed" })
    }

    fn receive(&self, context: &Context<'_>, message: &ClosingSigned) -> Step {
        let fee = message.fee_satoshis;
        let transaction = self.signed_by_peer(fee, &message.signature)?;
        let position = Position {
            funder: self.commitments.terms.opener,
            range: self.range(context, message.fee_range),
            proposed: self.proposed,
            received: self.received,
        };
        let mut next = Self { received: Some(fee), ..self.clone() };
        match position.answer(fee, message.fee_range) {
            Answer::Agree => {
                let reply = (self.proposed != Some(fee))
                    .then(|| next.propose(context, fee, message.fee_range));
                let outputs = reply.transpose()?.into_iter().collect();
                next.publish(context, transaction, message.signature, outputs)
            }
            Answer::Counter(fee) => {
                let counter = next.propose(context, fee, message.fee_range)?;
                Ok((Phase::Negotiating(next), vec![counter]))
            }
            Answer::Warn => {
                let text = PeerViolation::ClosingFee { fee }.to_string();
                let warning = Warning::about(self.commitments.channel_id, text);
                Ok((Phase::Negotiating(next), vec![Output::Send(warning.into())]))
            }
            Answer::Fail => Err(PeerViolation::ClosingFee { fee }.into()),
        }
    }

    fn publish(
        mut self,
        context: &Context<'_>,
        mut transaction: Transaction,
        theirs: Signature,
        mut outputs: Vec<Output>,
    ) -> Step {
        let ours = self.commitments.sign_closing(context.secrets, &transaction)?;
        if let Some(input) = transaction.input.first_mut() {
            input.witness = self.commitments.funding.witness(&ours, &theirs);
        }
        // A new connection may begin the negotiation anew.
        self.commitments = self.commitments.having_published(transaction.clone());
        let (next, published) = Closing::agreed_on(Phase::Negotiating(self), context, transaction);
        outputs.extend(published);
        Ok((next, outputs))
    }

    /// Whether both sides have signed for one fee.
    pub(super) fn is_agreed(&self) -> bool {
        self.proposed.is_some() && self.proposed == self.received
    }

    /// The connection is lost: both sides send `shutdown` again, and the negotiation begins anew.
    pub(super) fn disconnected(&self) -> Shutdown {
        let closing::Closing { local_script, remote_script, .. } = self.closing.clone();
        let commitments = self.commitments.clone();
        Shutdown::again(commitments, self.confirmation, local_script, remote_script)
    }

    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            Input::Received(Message::ClosingSigned(message)) => self.receive(context, message),
            Input::Received(Message::UpdateAddHtlc(_)) => {
                Err(PeerViolation::AddAfterShutdown.into())
            }
            // The funding got its depth after all.
            Input::Received(Message::ChannelReady(_)) => {
                Ok((Phase::Negotiating(self.clone()), Vec::new()))
            }
            Input::Received(_) | Input::Command(_) => Err(unexpected("negotiating", input)),
            Input::Chain(event) => self.follow(context, event),
        }
    }

    fn follow(&self, context: &Context<'_>, event: &ChainEvent) -> Step {
        let (next, mut outputs) = funding::watch(Phase::Negotiating(self.clone()), context, event)?;
        // The fundee has nothing to wait for before the funder has begun.
        let waits = self.proposed.or(self.received).is_some();
        let waited = context.height.blocks_since(self.since).unwrap_or(0);
        if !waits || waited < PATIENCE || !matches!(next, Phase::Negotiating(_)) {
            return Ok((next, outputs));
        }
        let (next, more) = next.fail(context, &PeerViolation::NoClosingFee { blocks: PATIENCE });
        outputs.extend(more);
        Ok((next, outputs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: u64, max: u64) -> FeeRange {
        let [min_fee_satoshis, max_fee_satoshis] = [min, max].map(Amount::from_sat);
        FeeRange { min_fee_satoshis, max_fee_satoshis }
    }

    #[test]
    fn answers_follow_the_table() {
        use Answer::{Agree, Counter, Fail, Warn};
        use Side::{Local, Remote};
        let sat = Amount::from_sat;
        // We take 100 to 400. Who pays, what we proposed; the fee and the range that arrive.
        let table = [
            // What we proposed, with a range or without.
            ((Local, Some(200)), (200, Some((500, 600))), Agree),
            ((Remote, Some(200)), (200, None), Agree),
            // The funder: in both ranges, in one of them, without overlap.
            ((Local, Some(200)), (300, Some((250, 600))), Agree),
            ((Local, Some(200)), (400, Some((400, 600))), Agree),
            ((Local, Some(200)), (300, Some((350, 600))), Fail),
            ((Local, Some(200)), (401, Some((350, 600))), Fail),
            ((Local, Some(200)), (401, Some((401, 600))), Warn),
            // The fundee: its first answer is in the overlap, and stands.
            ((Remote, None), (300, Some((250, 600))), Agree),
            ((Remote, None), (99, Some((50, 100))), Counter(sat(100))),
            ((Remote, None), (500, Some((50, 600))), Counter(sat(400))),
            ((Remote, None), (99, Some((50, 99))), Warn),
            ((Remote, None), (300, Some((350, 250))), Warn),
            ((Remote, Some(200)), (99, Some((50, 99))), Warn),
            ((Remote, Some(200)), (300, Some((250, 600))), Fail),
            // Without a range: what we take, else strictly between the fees.
            ((Local, Some(200)), (400, None), Agree),
            ((Local, Some(200)), (401, None), Counter(sat(300))),
            ((Local, Some(200)), (4_000, None), Counter(sat(400))),
            ((Local, Some(400)), (4_000, None), Fail),
            ((Remote, None), (99, None), Counter(sat(100))),
            ((Remote, Some(200)), (50, None), Counter(sat(125))),
            ((Remote, Some(100)), (99, None), Fail),
        ];
        for ((funder, proposed), (fee, theirs), expected) in table {
            let (range_of_ours, proposed) = (range(100, 400), proposed.map(sat));
            let position = Position { funder, range: range_of_ours, proposed, received: None };
            let theirs = theirs.map(|(min, max)| range(min, max));
            let answer = position.answer(sat(fee), theirs);
            assert_eq!(answer, expected, "{position:?} {fee} {theirs:?}");
        }
    }

    #[test]
    fn a_fee_without_a_range_must_come_closer() {
        let sat = Amount::from_sat;
        let [proposed, received] = [200, 50].map(|fee| Some(sat(fee)));
        let position =
            Position { funder: Side::Remote, range: range(100, 400), proposed, received };
        assert_eq!(position.answer(sat(51), None), Answer::Counter(sat(125)));
        for fee in [49, 50, 401] {
            assert_eq!(position.answer(sat(fee), None), Answer::Fail, "{fee}");
        }
    }
}

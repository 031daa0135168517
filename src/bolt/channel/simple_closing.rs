//! A closing transaction of each side's own. BOLT 2, "Closing Negotiation: `closing_complete` and
//! `closing_sig`".
//!
//! ```text
//! closer                                closee
//!   |------ closing_complete ----------->|   a fee that the closer pays, signed for
//!   |<----- closing_sig -----------------|   signed as well: both publish it
//!   |   (again, with a greater fee or to another script)
//! ```
//!
//! Either side is the closer of its own transactions and the closee of the other's. They all spend
//! the funding output: the chain takes one of them, and until then there can be another.

use bitcoin::absolute::LockTime;
use bitcoin::{Amount, ScriptBuf, Transaction};
use secp256k1::ecdsa::Signature;

use super::closing_offer::{Deal, Signatures, Stake, Variant, signatures};
use super::error::ensure;
use super::negotiating::PATIENCE;
use super::shutdown::{is_allowed, is_committed};
use super::{
    ChainEvent, Command, Commitments, Confirmation, Context, Fault, Input, Output, PeerViolation,
    Phase, Purpose, Refused, Shutdown, Step, funding, unexpected,
};
use crate::bolt::tx::{Side, TxError, closing};
use crate::bolt::units::{BlockHeight, FeeratePerKw};
use crate::bolt::wire::Message;
use crate::bolt::wire::messages::{ClosingComplete, ClosingSig};

/// A channel that either side may close by a transaction that it pays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleClosing {
    /// Both sides' commitments.
    pub commitments: Commitments,
    pub(super) confirmation: Confirmation,
    /// The last script that we named.
    local_script: ScriptBuf,
    /// The last script that the peer named.
    remote_script: ScriptBuf,
    /// What we offered last.
    offered: Option<Price>,
    /// Our `closing_complete` that no `closing_sig` has answered, and the height at which it went.
    outstanding: Option<(ClosingComplete, BlockHeight)>,
}

/// What a closing transaction costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Price {
    feerate: FeeratePerKw,
    fee: Amount,
}

impl SimpleClosing {
    /// Both sides have sent `shutdown`. We offer a closing transaction, if we can pay for one.
    pub(super) fn begin(
        context: &Context<'_>,
        shutdown: Shutdown,
        (local_script, remote_script): (ScriptBuf, ScriptBuf),
        mut outputs: Vec<Output>,
    ) -> Step {
        let Shutdown { commitments, confirmation, offered, .. } = shutdown;
        let mut next = Self {
            commitments,
            confirmation,
            local_script,
            remote_script,
            offered: None,
            outstanding: None,
        };
        // What another connection has seen is not taken back.
        let feerate = offered.unwrap_or(context.feerate);
        let deal = next.deal(Side::Local, &next.local_script, &next.remote_script);
        if let Some((fee, variants)) = deal.offer(feerate) {
            outputs.push(next.send(context, Price { feerate, fee }, &variants)?);
        }
        Ok((Phase::SimpleClosing(next), outputs))
    }

    /// The connection is lost: both sides send `shutdown` again, with the last script that they
    /// named, and `closing_complete` anew.
    pub(super) fn disconnected(&self) -> Shutdown {
        let Self { commitments, confirmation, local_script, remote_script, .. } = self.clone();
        Shutdown::again(commitments, confirmation, local_script, remote_script)
            .having_offered(self.offered.map(|price| price.feerate))
    }

    fn deal(&self, closer: Side, closer_script: &ScriptBuf, closee_script: &ScriptBuf) -> Deal {
        let (to_local, to_remote) = self.commitments.settled();
        let (closer, closee) = match closer {
            Side::Local => (to_local, to_remote),
            Side::Remote => (to_remote, to_local),
        };
        Deal {
            closer: Stake { balance: closer, script: closer_script.clone() },
            closee: Stake { balance: closee, script: closee_script.clone() },
        }
    }

    /// The transaction that a `closing_complete` of this side describes.
    fn transaction(
        &self,
        closer: Side,
        message: &ClosingComplete,
        variant: Variant,
    ) -> Result<Transaction, TxError> {
        let (to_local, to_remote) = self.commitments.settled();
        let ClosingComplete { closer_scriptpubkey, closee_scriptpubkey, .. } = message.clone();
        let (local_script, remote_script) = match closer {
            Side::Local => (closer_scriptpubkey, closee_scriptpubkey),
            Side::Remote => (closee_scriptpubkey, closer_scriptpubkey),
        };
        let outpoint = self.commitments.funding.outpoint;
        let closing =
            closing::Closing { outpoint, to_local, to_remote, local_script, remote_script };
        let lock_time = LockTime::from_consensus(message.locktime);
        closing.simple(closer, message.fee_satoshis, lock_time, &variant.outputs(closer))
    }

    fn send(
        &mut self,
        context: &Context<'_>,
        price: Price,
        variants: &[Variant],
    ) -> Result<Output, Fault> {
        let mut message = ClosingComplete {
            channel_id: self.commitments.channel_id,
            closer_scriptpubkey: self.local_script.clone(),
            closee_scriptpubkey: self.remote_script.clone(),
            fee_satoshis: price.fee,
            locktime: 0,
            closer_output_only: None,
            closee_output_only: None,
            closer_and_closee_outputs: None,
            unknown: Vec::new(),
        };
        for variant in variants {
            let transaction = self.transaction(Side::Local, &message, *variant)?;
            let signature = self.commitments.sign_closing(context.secrets, &transaction)?;
            match variant {
                Variant::CloserOnly => message.closer_output_only = Some(signature),
                Variant::CloseeOnly => message.closee_output_only = Some(signature),
                Variant::Both => message.closer_and_closee_outputs = Some(signature),
            }
        }
        self.offered = Some(price);
        self.outstanding = Some((message.clone(), context.height));
        Ok(Output::Send(message.into()))
    }

    /// We want to pay more than with our last `closing_complete`, or to be paid elsewhere.
    fn bump(
        &self,
        context: &Context<'_>,
        feerate: FeeratePerKw,
        script: Option<&ScriptBuf>,
    ) -> Step {
        if self.outstanding.is_some() {
            return Err(Refused::AwaitsClosingSig.into());
        }
        let script = script.unwrap_or(&self.local_script);
        let committed = self.commitments.terms.local.upfront_shutdown_script.as_ref();
        if !is_allowed(script, context.features) || is_committed(script, committed).is_err() {
            return Err(Refused::ClosingScript.into());
        }
        let deal = self.deal(Side::Local, script, &self.remote_script);
        let offer = deal.offer(feerate).ok_or(Refused::ClosingFeeTooHigh(feerate));
        let (fee, variants) = offer?;
        if let Some(Price { fee: last, .. }) = self.offered
            && fee <= last
        {
            return Err(Refused::ClosingFeeTooLow { fee, last }.into());
        }
        let mut next = Self { local_script: script.clone(), ..self.clone() };
        let message = next.send(context, Price { feerate, fee }, &variants)?;
        Ok((Phase::SimpleClosing(next), vec![message]))
    }

    /// The peer closes, and we sign.
    fn receive_complete(&self, context: &Context<'_>, message: &ClosingComplete) -> Step {
        let script = &message.closer_scriptpubkey;
        let deal = self.deal(Side::Remote, script, &message.closee_scriptpubkey);
        let (fee, balance) = (message.fee_satoshis, deal.closer.sats());
        ensure(fee <= balance, PeerViolation::CloserCannotPay { fee, balance })?;
        ensure(message.closee_scriptpubkey == self.local_script, PeerViolation::CloseeScript)?;
        ensure(is_allowed(script, context.features), PeerViolation::CloserScript)?;
        is_committed(script, self.commitments.terms.remote.upfront_shutdown_script.as_ref())?;
        let signed = signatures!(message);
        let variant = deal.selected(&signed);
        let field = variant.field();
        let missing = PeerViolation::NoCloserSignature { missing: field };
        let theirs = signed.get(&variant).ok_or(missing)?;
        let transaction = self.transaction(Side::Remote, message, variant)?;
        let wrong = PeerViolation::WrongCloserSignature { field };
        ensure(self.is_signed_by_peer(&transaction, theirs), wrong)?;
        let mut next = Self { remote_script: script.clone(), ..self.clone() };
        let ours = next.commitments.sign_closing(context.secrets, &transaction)?;
        let only = |of: Variant| (of == variant).then_some(ours);
        let reply = ClosingSig {
            channel_id: message.channel_id,
            closer_scriptpubkey: script.clone(),
            closee_scriptpubkey: message.closee_scriptpubkey.clone(),
            fee_satoshis: fee,
            locktime: message.locktime,
            closer_output_only: only(Variant::CloserOnly),
            closee_output_only: only(Variant::CloseeOnly),
            closer_and_closee_outputs: only(Variant::Both),
            unknown: Vec::new(),
        };
        let told = deal.misplaced(fee, &signed);
        let mut outputs: Vec<Output> = told.iter().map(PeerViolation::told).collect();
        outputs.push(Output::Send(reply.into()));
        outputs.push(next.publish(transaction, &ours, theirs));
        Ok((Phase::SimpleClosing(next), outputs))
    }

    /// The peer signs what we offered.
    fn receive_sig(&self, message: &ClosingSig) -> Step {
        let Some((offer, _)) = &self.outstanding else {
            return Err(PeerViolation::NothingToClose.into());
        };
        let repeated = [
            ("closer_scriptpubkey", message.closer_scriptpubkey == offer.closer_scriptpubkey),
            ("closee_scriptpubkey", message.closee_scriptpubkey == offer.closee_scriptpubkey),
            ("fee_satoshis", message.fee_satoshis == offer.fee_satoshis),
            ("locktime", message.locktime == offer.locktime),
        ];
        for (field, same) in repeated {
            ensure(same, PeerViolation::ClosingSigDiffers { field })?;
        }
        let signed = signatures!(message);
        let count = signed.len();
        let (Some((variant, theirs)), 1) = (signed.first_key_value(), count) else {
            return Err(PeerViolation::ClosingSigCount { count }.into());
        };
        let field = variant.field();
        let offered = signatures!(offer);
        let ours = offered.get(variant).ok_or(PeerViolation::ClosingSigNotOffered { field })?;
        let transaction = self.transaction(Side::Local, offer, *variant)?;
        let wrong = PeerViolation::WrongCloseeSignature { field };
        ensure(self.is_signed_by_peer(&transaction, theirs), wrong)?;
        let mut next = Self { outstanding: None, ..self.clone() };
        let published = next.publish(transaction, ours, theirs);
        Ok((Phase::SimpleClosing(next), vec![published]))
    }

    fn is_signed_by_peer(&self, transaction: &Transaction, signature: &Signature) -> bool {
        let funding = &self.commitments.funding;
        funding.verify(transaction, &funding.remote_pubkey, signature)
    }

    fn publish(
        &mut self,
        mut transaction: Transaction,
        ours: &Signature,
        theirs: &Signature,
    ) -> Output {
        if let Some(input) = transaction.input.first_mut() {
            input.witness = self.commitments.funding.witness(ours, theirs);
        }
        self.commitments = self.commitments.having_published(transaction.clone());
        Output::Broadcast { transaction, purpose: Purpose::Closing }
    }

    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            Input::Received(Message::ClosingComplete(message)) => {
                self.receive_complete(context, message)
            }
            Input::Received(Message::ClosingSig(message)) => self.receive_sig(message),
            Input::Received(Message::ClosingSigned(_)) => Err(PeerViolation::LegacyClosing.into()),
            Input::Received(Message::UpdateAddHtlc(_)) => {
                Err(PeerViolation::AddAfterShutdown.into())
            }
            Input::Command(Command::BumpClose { feerate, script }) => {
                self.bump(context, *feerate, script.as_ref())
            }
            // The funding got its depth after all.
            Input::Received(Message::ChannelReady(_)) => {
                Ok((Phase::SimpleClosing(self.clone()), Vec::new()))
            }
            Input::Received(_) | Input::Command(_) => Err(unexpected("negotiating", input)),
            Input::Chain(event) => self.follow(context, event),
        }
    }

    fn follow(&self, context: &Context<'_>, event: &ChainEvent) -> Step {
        let (next, mut outputs) =
            funding::watch(Phase::SimpleClosing(self.clone()), context, event)?;
        let waits = self.outstanding.as_ref().is_some_and(|(_, since)| {
            context.height.blocks_since(*since).is_some_and(|blocks| blocks >= PATIENCE)
        });
        if !waits || !matches!(next, Phase::SimpleClosing(_)) {
            return Ok((next, outputs));
        }
        let (next, more) = next.fail(context, &PeerViolation::NoClosingSig { blocks: PATIENCE });
        outputs.extend(more);
        Ok((next, outputs))
    }
}

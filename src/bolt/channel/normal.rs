//! Payments. BOLT 2, "Normal Operation".
//!
//! ```text
//! offerer                               recipient
//!   |------ update_add_htlc ------------>|
//!   |------ commitment_signed ---------->|
//!   |<----- revoke_and_ack --------------|
//!   |<----- commitment_signed -----------|
//!   |------ revoke_and_ack ------------->|   the HTLC is irrevocably committed
//!   |<----- update_fulfill_htlc ---------|   and removed the same way, begun by the recipient
//! ```

use super::error::ensure;
use super::shutdown::Shutdown;
use super::{
    ChainEvent, ChannelEvent, Closed, Closing, Command, Commitments, Confirmation, Context, Fault,
    Input, Output, PeerViolation, Phase, Refused, Stage, Step, spender, unexpected,
};
use crate::bolt::tx::Side;
use crate::bolt::wire::Message;
use crate::bolt::wire::messages::UpdateFulfillHtlc;

/// A channel in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normal {
    /// Both sides' commitments.
    pub commitments: Commitments,
    /// Where the funding transaction is.
    pub confirmation: Confirmation,
}

impl From<Normal> for Phase {
    fn from(normal: Normal) -> Self {
        Self::Normal(normal)
    }
}

impl Normal {
    fn with(&self, commitments: Commitments) -> Self {
        Self { commitments, ..self.clone() }
    }

    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            Input::Received(Message::UpdateAddHtlc(add)) => {
                Ok((self.with(self.commitments.receive_offer(add)?).into(), Vec::new()))
            }
            Input::Received(Message::Shutdown(shutdown)) => {
                Shutdown::begin(self).receive(context, shutdown)
            }
            // A second one may bring another alias, which nothing here uses yet.
            Input::Received(Message::ChannelReady(_)) => Ok((self.clone().into(), Vec::new())),
            Input::Received(message) => {
                let (commitments, outputs) =
                    receive_update(&self.commitments, context, message, "normal")?;
                Ok((self.with(commitments).into(), outputs))
            }
            Input::Command(command) => self.command(context, command),
            Input::Chain(event) => self.follow(context, event),
        }
    }

    fn command(&self, context: &Context<'_>, command: &Command) -> Step {
        match command {
            Command::Offer { amount, payment_hash, cltv_expiry, onion } => {
                if self.confirmation == Confirmation::Unconfirmed {
                    return Err(Refused::Unconfirmed.into());
                }
                let onion = onion.clone();
                let (commitments, add) =
                    self.commitments.offer(*amount, *payment_hash, *cltv_expiry, onion)?;
                let mut outputs = vec![Output::Send(add.into())];
                let commitments = sign(commitments, context, &mut outputs)?;
                Ok((self.with(commitments).into(), outputs))
            }
            Command::Fulfill { .. } => {
                let (commitments, outputs) = fulfill(&self.commitments, context, command)?;
                Ok((self.with(commitments).into(), outputs))
            }
            Command::Close => Shutdown::begin(self).settle(context, Vec::new()),
            Command::Fund { .. } | Command::ForceClose => {
                Err(unexpected("normal", &Input::Command(command.clone())))
            }
        }
    }

    fn follow(&self, context: &Context<'_>, event: &ChainEvent) -> Step {
        let (confirmation, outputs) = follow(&self.commitments, self.confirmation, event);
        let next = Self { confirmation, ..self.clone() };
        close_if_spent(next.into(), &self.commitments, context, event, outputs)
    }
}

/// Follows the funding transaction through a change of the chain.
pub(super) fn follow(
    commitments: &Commitments,
    confirmation: Confirmation,
    event: &ChainEvent,
) -> (Confirmation, Vec<Output>) {
    let (next, told) = confirmation.follow(commitments.funding.outpoint.txid, event);
    (next, told.into_iter().map(Output::Event).collect())
}

/// Turns to the chain if a block spends the funding output.
pub(super) fn close_if_spent(
    phase: Phase,
    commitments: &Commitments,
    context: &Context<'_>,
    event: &ChainEvent,
    outputs: Vec<Output>,
) -> Step {
    match event {
        ChainEvent::Connected { transactions, .. } => {
            if let Some(by) = commitments.double_spend(transactions) {
                let mut outputs = outputs;
                outputs.push(Output::Event(ChannelEvent::FundingDoubleSpent { by }));
                return Ok((Phase::Closed(Closed::FundingLost), outputs));
            }
            match spender(transactions, commitments.funding.outpoint) {
                Some(spend) => Closing::confirmed(phase, context, spend, outputs),
                None => Ok((phase, outputs)),
            }
        }
        ChainEvent::Disconnected { .. } => Ok((phase, outputs)),
    }
}

/// Takes an HTLC of the peer's.
pub(super) fn fulfill(
    commitments: &Commitments,
    context: &Context<'_>,
    command: &Command,
) -> Result<(Commitments, Vec<Output>), Fault> {
    let Command::Fulfill { id, preimage } = command else {
        return Err(unexpected("normal", &Input::Command(command.clone())));
    };
    let commitments = commitments.fulfill(*id, *preimage)?;
    let message = UpdateFulfillHtlc {
        channel_id: commitments.channel_id,
        id: *id,
        payment_preimage: *preimage,
    };
    let mut outputs = vec![Output::Send(message.into())];
    let commitments = sign(commitments, context, &mut outputs)?;
    Ok((commitments, outputs))
}

/// The messages that move HTLCs on, which `shutdown` does not stop.
pub(super) fn receive_update(
    commitments: &Commitments,
    context: &Context<'_>,
    message: &Message,
    phase: &'static str,
) -> Result<(Commitments, Vec<Output>), Fault> {
    let mut outputs = Vec::new();
    let next = match message {
        Message::UpdateFulfillHtlc(UpdateFulfillHtlc { id, payment_preimage, .. }) => {
            let next = commitments.receive_fulfill(*id, *payment_preimage)?;
            let (id, payment_preimage) = (*id, *payment_preimage);
            let event = ChannelEvent::HtlcFulfilled { id, payment_preimage };
            outputs.push(Output::Event(event));
            next
        }
        Message::CommitmentSigned(signed) => {
            let (next, revoke) = commitments.receive_signatures(context.secrets, signed)??;
            outputs.push(Output::Send(revoke.into()));
            sign(next, context, &mut outputs)?
        }
        Message::RevokeAndAck(revoke) => {
            let next = commitments.receive_revocation(revoke)?;
            outputs.extend(newly_committed(commitments, &next));
            sign(next, context, &mut outputs)?
        }
        Message::Warning(_)
        | Message::Error(_)
        | Message::OpenChannel(_)
        | Message::AcceptChannel(_)
        | Message::FundingCreated(_)
        | Message::FundingSigned(_)
        | Message::ChannelReady(_)
        | Message::Shutdown(_)
        | Message::ClosingSigned(_)
        | Message::UpdateAddHtlc(_) => {
            let message = message.name();
            return Err(PeerViolation::UnexpectedMessage { message, phase }.into());
        }
    };
    Ok((next, outputs))
}

/// Signs the peer's next commitment if an update waits for it and the peer has revoked the one
/// before.
fn sign(
    commitments: Commitments,
    context: &Context<'_>,
    outputs: &mut Vec<Output>,
) -> Result<Commitments, Fault> {
    let Some((next, message)) = commitments.sign(context.secrets)? else {
        return Ok(commitments);
    };
    outputs.push(Output::Send(message.into()));
    Ok(next)
}

/// Tells of the peer's HTLCs that a revocation has committed for good.
fn newly_committed<'a>(
    before: &'a Commitments,
    after: &'a Commitments,
) -> impl Iterator<Item = Output> + 'a {
    let was_committed = |id| {
        before
            .htlcs()
            .any(|(side, old, h)| (side, old, h.stage) == (Side::Remote, id, Stage::Committed))
    };
    after.takeable().filter(move |(id, _)| !was_committed(*id)).map(|(id, htlc)| {
        Output::Event(ChannelEvent::HtlcCommitted {
            id,
            amount: htlc.amount,
            payment_hash: htlc.payment_hash,
        })
    })
}

/// A second `shutdown` must repeat the script of the first.
pub(super) fn same_script(
    known: Option<&bitcoin::ScriptBuf>,
    script: &bitcoin::ScriptBuf,
) -> Result<(), PeerViolation> {
    ensure(known.is_none_or(|known| known == script), PeerViolation::ShutdownScriptChanged)
}

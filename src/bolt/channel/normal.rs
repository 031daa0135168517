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
    ChannelEvent, Command, Commitments, Confirmation, Context, DustExposure, Fault, HtlcNews,
    Input, Output, Pace, PeerViolation, Phase, Refused, Removal, Stage, Step, funding, unexpected,
};
use crate::bolt::tx::Side;
use crate::bolt::units::HtlcId;
use crate::bolt::wire::Message;
use crate::bolt::wire::messages::UpdateAddHtlc;

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
    pub(super) fn with(&self, commitments: Commitments) -> Self {
        Self { commitments, confirmation: self.confirmation }
    }

    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            Input::Received(Message::UpdateAddHtlc(add)) => {
                let (commitments, outputs) = receive_offer(&self.commitments, add)?;
                Ok((self.with(commitments).into(), outputs))
            }
            Input::Received(Message::Shutdown(shutdown)) => {
                Shutdown::begin(self.commitments.clone(), self.confirmation)
                    .receive(context, shutdown)
            }
            // A second one may bring another alias, which nothing here uses yet.
            Input::Received(Message::ChannelReady(_)) => Ok((self.clone().into(), Vec::new())),
            Input::Received(message) => {
                let (commitments, outputs) =
                    receive_update(&self.commitments, context, message, "normal")?;
                Ok((self.with(commitments).into(), outputs))
            }
            Input::Command(command) => self.command(context, command),
            Input::Chain(event) => funding::watch(self.clone().into(), context, event),
        }
    }

    fn command(&self, context: &Context<'_>, command: &Command) -> Step {
        match command {
            Command::Offer(offer) => {
                let is_confirmed = matches!(self.confirmation, Confirmation::At { .. });
                if !is_confirmed && self.commitments.terms.minimum_depth > 0 {
                    return Err(Refused::Unconfirmed.into());
                }
                let (commitments, add) = self.commitments.offer(offer)?;
                let mut outputs = vec![Output::Send(add.into())];
                let commitments = sign(commitments, context, &mut outputs)?;
                Ok((self.with(commitments).into(), outputs))
            }
            Command::Remove { id, removal } => {
                let (commitments, outputs) =
                    remove(&self.commitments, context, *id, removal.clone())?;
                Ok((self.with(commitments).into(), outputs))
            }
            Command::UpdateFee(feerate) => {
                let (commitments, update) =
                    self.commitments.update_fee(*feerate, context.habits)?;
                let mut outputs = vec![Output::Send(update.into())];
                let commitments = sign(commitments, context, &mut outputs)?;
                Ok((self.with(commitments).into(), outputs))
            }
            Command::Commit => {
                let (commitments, output) = commit(&self.commitments, context)?;
                Ok((self.with(commitments).into(), vec![output]))
            }
            Command::Close => Shutdown::begin(self.commitments.clone(), self.confirmation)
                .settle(context, Vec::new()),
            Command::Fund { .. }
            | Command::BumpClose { .. }
            | Command::ForceClose
            | Command::Sponsored { .. }
            | Command::Unsponsored(_)
            | Command::CoinsMissing(_) => {
                Err(unexpected("normal", &Input::Command(command.clone())))
            }
        }
    }
}

/// Removes an HTLC of the peer's.
pub(super) fn remove(
    commitments: &Commitments,
    context: &Context<'_>,
    id: HtlcId,
    removal: Removal,
) -> Result<(Commitments, Vec<Output>), Fault> {
    let commitments = commitments.remove(id, removal.clone(), context.height)?;
    let mut outputs = vec![Output::Send(removal.message(commitments.channel_id, id))];
    let commitments = sign(commitments, context, &mut outputs)?;
    Ok((commitments, outputs))
}

/// Takes note of an HTLC that the peer offers.
pub(super) fn receive_offer(
    commitments: &Commitments,
    add: &UpdateAddHtlc,
) -> Result<(Commitments, Vec<Output>), PeerViolation> {
    let next = commitments.receive_offer(add)?;
    let id = add.id;
    let overexposes = next.htlc(Side::Remote, id).and_then(|htlc| htlc.overexposes);
    let told = overexposes.map(|DustExposure { exposure, limit }| {
        Output::Event(ChannelEvent::DustOverexposed { id, exposure, limit })
    });
    Ok((next, told.into_iter().collect()))
}

/// The messages that move HTLCs on, which `shutdown` does not stop.
pub(super) fn receive_update(
    commitments: &Commitments,
    context: &Context<'_>,
    message: &Message,
    phase: &'static str,
) -> Result<(Commitments, Vec<Output>), Fault> {
    let mut outputs = Vec::new();
    if let Some((id, removal)) = Removal::read(message) {
        let next = commitments.receive_removal(id, removal.clone())?;
        outputs.extend(taken(id, removal));
        return Ok((next, outputs));
    }
    if let Message::UpdateFee(update) = message {
        return Ok((commitments.receive_update_fee(update, context.habits)?, outputs));
    }
    if let Message::CommitmentSigned(signed) = message {
        let (next, revoke) = commitments.receive_signatures(context.secrets, signed)??;
        outputs.push(Output::Send(revoke.into()));
        return Ok((sign(next, context, &mut outputs)?, outputs));
    }
    if let Message::RevokeAndAck(revoke) = message {
        let next = commitments.receive_revocation(revoke)?;
        outputs.extend(newly_committed(commitments, &next));
        outputs.extend(newly_failed(commitments, &next));
        return Ok((sign(next, context, &mut outputs)?, outputs));
    }
    Err(PeerViolation::UnexpectedMessage { message: message.name(), phase }.into())
}

/// Tells of an HTLC of ours that the peer takes. That it gives one back counts only once that
/// cannot be undone.
fn taken(id: HtlcId, removal: Removal) -> Vec<Output> {
    match removal {
        Removal::Fulfilled { payment_preimage, attribution_data } => vec![
            Output::Event(ChannelEvent::HtlcFulfilled { id, payment_preimage }),
            Output::Htlc(HtlcNews::Fulfilled { id, payment_preimage, attribution_data }),
        ],
        Removal::Failed { .. } | Removal::Malformed { .. } => Vec::new(),
    }
}

/// Signs the peer's next commitment if an update waits for it and the peer has revoked the one
/// before.
pub(super) fn sign(
    commitments: Commitments,
    context: &Context<'_>,
    outputs: &mut Vec<Output>,
) -> Result<Commitments, Fault> {
    if context.pace == Pace::Patient {
        return Ok(commitments);
    }
    let Some((next, message)) = commitments.sign(context.secrets)? else {
        return Ok(commitments);
    };
    outputs.push(Output::Send(message.into()));
    Ok(next)
}

/// Signs the peer's next commitment, whether an update waits for it or not.
pub(super) fn commit(
    commitments: &Commitments,
    context: &Context<'_>,
) -> Result<(Commitments, Output), Fault> {
    let signed = commitments.sign_anyway(context.secrets)?;
    let (next, message) = signed.ok_or(Refused::AwaitsRevocation)?;
    Ok((next, Output::Send(message.into())))
}

/// The phase with these commitments, if it has any that can change.
pub(super) fn with_commitments(phase: &Phase, commitments: Commitments) -> Phase {
    match phase {
        Phase::Normal(normal) => normal.with(commitments).into(),
        Phase::Shutdown(shutdown) => Phase::Shutdown(shutdown.with(commitments)),
        Phase::Opening(_)
        | Phase::Negotiating(_)
        | Phase::SimpleClosing(_)
        | Phase::Closing(_)
        | Phase::Closed(_) => phase.clone(),
    }
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
    let new = after.takeable().filter(move |(id, _)| !was_committed(*id));
    new.flat_map(|(id, htlc)| {
        let (amount, payment_hash) = (htlc.amount, htlc.payment_hash);
        [
            Output::Event(ChannelEvent::HtlcCommitted { id, amount, payment_hash }),
            Output::Htlc(HtlcNews::Committed(id)),
        ]
    })
}

/// Tells of our HTLCs that a revocation has removed for good and that nobody took.
fn newly_failed<'a>(
    before: &'a Commitments,
    after: &'a Commitments,
) -> impl Iterator<Item = Output> + 'a {
    let gone = |id| after.htlc(Side::Local, id).is_none();
    let failed = before
        .htlcs()
        .filter(move |(side, id, htlc)| *side == Side::Local && !htlc.is_paid() && gone(*id));
    failed.filter_map(|(_, id, htlc)| Some((id, htlc.removal.as_deref()?.clone()))).flat_map(
        |(id, removal)| {
            let news = HtlcNews::Failed { id, removal };
            [Output::Event(ChannelEvent::HtlcFailed { id }), Output::Htlc(news)]
        },
    )
}

/// A second `shutdown` must repeat the script of the first.
pub(super) fn same_script(
    known: Option<&bitcoin::ScriptBuf>,
    script: &bitcoin::ScriptBuf,
) -> Result<(), PeerViolation> {
    ensure(known.is_none_or(|known| known == script), PeerViolation::ShutdownScriptChanged)
}

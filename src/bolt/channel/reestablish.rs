//! A channel across connections. BOLT 2, "Message Retransmission".
//!
//! ```text
//!   |------ channel_reestablish -------->|   what each side has
//!   |<----- channel_reestablish ---------|
//!   |------ what the peer lacks -------->|   channel_ready, revoke_and_ack, updates and
//!   |<----- what we lack ----------------|   commitment_signed, shutdown
//! ```

use std::sync::Arc;

use super::normal::{sign, with_commitments};
use super::opening::Opening;
use super::{
    ChannelEvent, Closed, Closing, Commitments, Comparison, Context, Fault, Output, Phase, Step,
};
use crate::bolt::units::CommitmentNumber;
use crate::bolt::wire::messages::{ChannelReestablish, Error, TxAbort};

impl Phase {
    /// The connection is lost. What was not committed is forgotten, on the peer's side as well.
    #[must_use]
    pub fn disconnected(&self) -> Self {
        match self {
            Self::Opening(Opening::AwaitingDepth(waiting)) => {
                let commitments = waiting.commitments.disconnected();
                Self::Opening(Opening::AwaitingDepth(waiting.with(commitments)))
            }
            // Nothing was published: the opening begins anew, or not at all.
            Self::Opening(_) => Self::Closed(Closed::NeverOpened),
            Self::Normal(normal) => normal.with(normal.commitments.disconnected()).into(),
            Self::Shutdown(shutdown) => {
                Self::Shutdown(shutdown.disconnected(shutdown.commitments.disconnected()))
            }
            // BOLT 2: the negotiation begins anew.
            Self::Negotiating(negotiating) => Self::Shutdown(negotiating.disconnected()),
            Self::SimpleClosing(closing) => Self::Shutdown(closing.disconnected()),
            Self::Closed(Closed::DoubleSpent { before, height, told }) => {
                let (before, height, told) = (Arc::new(before.disconnected()), *height, *told);
                Self::Closed(Closed::DoubleSpent { before, height, told })
            }
            Self::Closing(_) | Self::Closed(_) => self.clone(),
        }
    }

    /// What to say of the channel on a new connection, if anything.
    ///
    /// # Errors
    /// [`Fault::Transaction`] if our per-commitment point does not exist.
    pub fn reestablish(&self, context: &Context<'_>) -> Result<Option<ChannelReestablish>, Fault> {
        match self {
            // The peer need not know yet that the fee is agreed on.
            Self::Closing(closing) => match closing.agreed() {
                Some(negotiating) => {
                    Ok(Some(negotiating.commitments.reestablish(context.secrets)?))
                }
                None => Ok(None),
            },
            Self::Closed(_) => Ok(None),
            Self::Opening(_)
            | Self::Normal(_)
            | Self::Shutdown(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_) => {
                let ours = self.commitments().map(|known| known.reestablish(context.secrets));
                Ok(ours.transpose()?)
            }
        }
    }

    /// What the peer says of the channel on a new connection: sends what it lacks.
    ///
    /// # Errors
    /// [`Fault::Peer`] if it has lost data, or is wrong.
    pub fn receive_reestablish(&self, context: &Context<'_>, theirs: &ChannelReestablish) -> Step {
        let commitments = match self {
            Self::Closing(closing) => return Ok(self.negotiate_again(context, closing, theirs)),
            Self::Closed(_) => None,
            Self::Opening(_)
            | Self::Normal(_)
            | Self::Shutdown(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_) => self.commitments(),
        };
        let Some(commitments) = commitments else {
            return Ok((self.clone(), self.remind(theirs)));
        };
        let missing = match commitments.compare(context.secrets, theirs)? {
            Comparison::Lacks(missing) => missing,
            Comparison::IsAhead => return Ok(self.data_lost(theirs)),
        };
        let mut outputs = Vec::new();
        // No funding transaction here is made by both sides: there is none to go on with.
        if theirs.next_funding.is_some() {
            let data = "there is no such funding transaction".into();
            let (channel_id, unknown) = (theirs.channel_id, Vec::new());
            outputs.push(Output::Send(TxAbort { channel_id, data, unknown }.into()));
        }
        outputs.extend(self.channel_ready(context, commitments, theirs)?);
        let again = commitments.resend(context.secrets, missing)?;
        outputs.extend(again.into_iter().map(Output::Send));
        let shutdown = match self {
            Self::Shutdown(shutdown) => shutdown.message(),
            Self::Opening(_)
            | Self::Normal(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_)
            | Self::Closing(_)
            | Self::Closed(_) => None,
        };
        let commitments = sign(commitments.clone(), context, &mut outputs)?;
        outputs.extend(shutdown);
        with_commitments(self, commitments).settle(context, outputs)
    }

    /// The peer still speaks of a channel whose closing transaction is published, or our commitment.
    fn negotiate_again(
        &self,
        context: &Context<'_>,
        closing: &Closing,
        theirs: &ChannelReestablish,
    ) -> (Self, Vec<Output>) {
        let Some(negotiating) = closing.agreed() else {
            return (self.clone(), self.remind(theirs));
        };
        // A peer that knows nothing of the channel any more has nothing to say about it.
        if negotiating.commitments.compare(context.secrets, theirs).is_err() {
            return (self.clone(), Vec::new());
        }
        let shutdown = negotiating.disconnected();
        let outputs = shutdown.message().into_iter().collect();
        (Self::Shutdown(shutdown), outputs)
    }

    /// `channel_ready` again, as long as neither side knows that the other has it.
    fn channel_ready(
        &self,
        context: &Context<'_>,
        commitments: &Commitments,
        theirs: &ChannelReestablish,
    ) -> Result<Option<Output>, Fault> {
        let first = CommitmentNumber(1);
        let ours = commitments.reestablish(context.secrets)?.next_commitment_number;
        let was_sent = match self {
            Self::Opening(Opening::AwaitingDepth(waiting)) => waiting.sent_ready(),
            Self::Normal(_) => true,
            // It may have begun before the depth was reached.
            Self::Shutdown(shutdown) => {
                shutdown.confirmation.is_deep(commitments.terms.minimum_depth, context.height)
            }
            Self::Opening(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_)
            | Self::Closing(_)
            | Self::Closed(_) => false,
        };
        if !was_sent || ours != first || theirs.next_commitment_number != first {
            return Ok(None);
        }
        Ok(Some(Output::Send(commitments.channel_ready(context.secrets)?.into())))
    }

    /// We have lost data, as the peer proved: whatever we could publish is revoked. Only the peer
    /// can close the channel, and is asked to.
    fn data_lost(&self, theirs: &ChannelReestablish) -> (Self, Vec<Output>) {
        let next = Closing::left_to_peer(self.clone());
        let error = Error::about(theirs.channel_id, "we have lost data: please close the channel");
        let outputs = vec![Output::Event(ChannelEvent::DataLost), Output::Send(error.into())];
        (Self::Closing(next), outputs)
    }

    /// Tells a peer that still speaks of a channel that it is closing.
    fn remind(&self, theirs: &ChannelReestablish) -> Vec<Output> {
        let error = Error::about(theirs.channel_id, format!("the channel is {}", self.name()));
        vec![Output::Send(error.into())]
    }

    /// Goes on with what waited for the connection.
    fn settle(self, context: &Context<'_>, outputs: Vec<Output>) -> Step {
        match self {
            Self::Opening(Opening::AwaitingDepth(waiting)) => waiting.settle(context, outputs),
            Self::Shutdown(shutdown) => shutdown.settle(context, outputs),
            Self::Opening(_)
            | Self::Normal(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_)
            | Self::Closing(_)
            | Self::Closed(_) => Ok((self, outputs)),
        }
    }
}

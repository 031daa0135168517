//! From `shutdown` until no HTLC is left. BOLT 2, "Closing Initiation: `shutdown`".
//!
//! ```text
//!   |------ shutdown ------------------->|
//!   |<----- shutdown --------------------|
//!   |   (HTLCs are taken or failed; none is added)
//! ```

use bitcoin::ScriptBuf;

use super::error::ensure;
use super::negotiating::Negotiating;
use super::normal::{self, Normal, same_script};
use super::{
    Command, Commitments, Confirmation, Context, Input, Output, PeerViolation, Phase, Step,
    unexpected,
};
use crate::bolt::wire::Message;
use crate::bolt::wire::messages;

/// A channel that takes no more HTLCs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Both sides' commitments.
    pub commitments: Commitments,
    pub(super) confirmation: Confirmation,
    /// The script that we sent; `None` while our `shutdown` waits for a signature of ours.
    local_script: Option<ScriptBuf>,
    /// The script that the peer sent.
    remote_script: Option<ScriptBuf>,
    /// Whether it sent it over this connection: both sides send it again over a new one.
    heard: bool,
}

impl Shutdown {
    /// Neither side has sent `shutdown` yet; ours is due from here on.
    pub(super) fn begin(normal: &Normal) -> Self {
        Self {
            commitments: normal.commitments.clone(),
            confirmation: normal.confirmation,
            local_script: None,
            remote_script: None,
            heard: false,
        }
    }

    /// Both sides have sent `shutdown`, over a connection that is lost.
    pub(super) fn again(
        commitments: Commitments,
        confirmation: Confirmation,
        local_script: ScriptBuf,
        remote_script: ScriptBuf,
    ) -> Self {
        let (local_script, remote_script) = (Some(local_script), Some(remote_script));
        Self { commitments, confirmation, local_script, remote_script, heard: false }
    }

    /// The connection is lost, and of the commitments these are left.
    pub(super) fn disconnected(&self, commitments: Commitments) -> Self {
        Self { heard: false, ..self.with(commitments) }
    }

    /// The same with other commitments.
    pub(super) fn with(&self, commitments: Commitments) -> Self {
        Self { commitments, ..self.clone() }
    }

    /// Our `shutdown`, if it was sent.
    pub(super) fn message(&self) -> Option<Output> {
        let scriptpubkey = self.local_script.clone()?;
        let channel_id = self.commitments.channel_id;
        let unknown = Vec::new();
        Some(Output::Send(messages::Shutdown { channel_id, scriptpubkey, unknown }.into()))
    }

    /// Takes the peer's, and answers it.
    pub(super) fn receive(mut self, context: &Context<'_>, message: &messages::Shutdown) -> Step {
        let script = &message.scriptpubkey;
        same_script(self.remote_script.as_ref(), script)?;
        ensure(is_allowed(script), PeerViolation::ShutdownScript)?;
        self.remote_script = Some(script.clone());
        self.heard = true;
        self.settle(context, Vec::new())
    }

    /// Sends ours as soon as it may, and goes on to the fee once both sides have sent `shutdown`
    /// and no HTLC is left.
    pub(super) fn settle(mut self, context: &Context<'_>, mut outputs: Vec<Output>) -> Step {
        outputs.extend(self.shutdown(context));
        match (&self.local_script, &self.remote_script) {
            (Some(local), Some(remote)) if self.heard && self.commitments.pending() == 0 => {
                let scripts = (local.clone(), remote.clone());
                Negotiating::begin(context, self.commitments, self.confirmation, scripts, outputs)
            }
            _ => Ok((Phase::Shutdown(self), outputs)),
        }
    }

    /// The message, unless it was sent or has to wait: it must not be sent while an update is
    /// pending on the peer's commitment. Our signature for that one may wait for a revocation.
    fn shutdown(&mut self, context: &Context<'_>) -> Option<Output> {
        if self.local_script.is_some() || self.commitments.owes_signature() {
            return None;
        }
        self.local_script = Some(context.destination.clone());
        self.message()
    }

    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            Input::Received(Message::UpdateAddHtlc(_)) if self.remote_script.is_some() => {
                Err(PeerViolation::AddAfterShutdown.into())
            }
            Input::Received(Message::UpdateAddHtlc(add)) => {
                let commitments = self.commitments.receive_offer(add)?;
                Ok((Phase::Shutdown(self.with(commitments)), Vec::new()))
            }
            // Over a new connection an unused channel begins with it.
            Input::Received(Message::ChannelReady(_)) => {
                Ok((Phase::Shutdown(self.clone()), Vec::new()))
            }
            Input::Received(Message::Shutdown(message)) => self.clone().receive(context, message),
            Input::Received(message) => {
                let (commitments, outputs) =
                    normal::receive_update(&self.commitments, context, message, "shutdown")?;
                self.with(commitments).settle(context, outputs)
            }
            Input::Command(Command::Remove { id, removal }) => {
                let (commitments, outputs) =
                    normal::remove(&self.commitments, context, *id, removal.clone())?;
                self.with(commitments).settle(context, outputs)
            }
            Input::Command(_) => Err(unexpected("shutdown", input)),
            Input::Chain(event) => {
                let (confirmation, outputs) =
                    normal::follow(&self.commitments, self.confirmation, event);
                let next = Self { confirmation, ..self.clone() };
                let phase = Phase::Shutdown(next);
                normal::close_if_spent(phase, &self.commitments, context, event, outputs)
            }
        }
    }
}

/// The forms that a closing transaction may pay to; those that depend on features
/// (`option_shutdown_anysegwit`, `option_simple_close`) are not negotiated here.
fn is_allowed(script: &ScriptBuf) -> bool {
    script.is_p2wpkh() || script.is_p2wsh()
}

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
use super::normal::{self, same_script};
use super::simple_closing::SimpleClosing;
use super::{
    Command, Commitments, Confirmation, Context, Input, Output, PeerViolation, Phase, Step,
    funding, unexpected,
};
use crate::bolt::features::{Feature, Features};
use crate::bolt::units::FeeratePerKw;
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
    /// The fee rate of the closing transaction that we offered last, over another connection.
    pub(super) offered: Option<FeeratePerKw>,
}

impl Shutdown {
    /// Neither side has sent `shutdown` yet; ours is due from here on.
    pub(super) fn begin(commitments: Commitments, confirmation: Confirmation) -> Self {
        Self {
            commitments,
            confirmation,
            local_script: None,
            remote_script: None,
            heard: false,
            offered: None,
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
        Self { commitments, confirmation, local_script, remote_script, heard: false, offered: None }
    }

    /// The same, where we offered a closing transaction at this fee rate.
    pub(super) fn having_offered(self, feerate: Option<FeeratePerKw>) -> Self {
        Self { offered: feerate, ..self }
    }

    /// The connection is lost, and of the commitments these are left.
    pub(super) fn disconnected(&self, commitments: Commitments) -> Self {
        Self { heard: false, ..self.with(commitments) }
    }

    /// The same, with the script that we sent.
    pub(super) fn having_sent(&self, sent: &messages::Shutdown) -> Self {
        Self { local_script: Some(sent.scriptpubkey.clone()), ..self.clone() }
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
        is_committed(script, self.commitments.terms.remote.upfront_shutdown_script.as_ref())?;
        // A `closing_complete` that is lost with a connection may have named another one.
        let renews = !self.heard && context.features.supports(Feature::SIMPLE_CLOSE);
        if !renews {
            same_script(self.remote_script.as_ref(), script)?;
        }
        ensure(is_allowed(script, context.features), PeerViolation::ShutdownScript)?;
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
                if context.features.supports(Feature::SIMPLE_CLOSE) {
                    return SimpleClosing::begin(context, self, scripts, outputs);
                }
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
        let committed = self.commitments.terms.local.upfront_shutdown_script.as_ref();
        self.local_script = Some(committed.unwrap_or(context.destination).clone());
        self.message()
    }

    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            Input::Received(Message::UpdateAddHtlc(_)) if self.remote_script.is_some() => {
                Err(PeerViolation::AddAfterShutdown.into())
            }
            Input::Received(Message::UpdateAddHtlc(add)) => {
                let (commitments, outputs) = normal::receive_offer(&self.commitments, add)?;
                Ok((Phase::Shutdown(self.with(commitments)), outputs))
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
            Input::Command(Command::Commit) => {
                let (commitments, output) = normal::commit(&self.commitments, context)?;
                self.with(commitments).settle(context, vec![output])
            }
            Input::Command(_) => Err(unexpected("shutdown", input)),
            Input::Chain(event) => funding::watch(Phase::Shutdown(self.clone()), context, event),
        }
    }
}

/// A script that a side committed to at the opening is the only one that it can close to.
pub(super) fn is_committed(
    script: &ScriptBuf,
    committed: Option<&ScriptBuf>,
) -> Result<(), PeerViolation> {
    let fits = committed.is_none_or(|committed| committed == script);
    ensure(fits, PeerViolation::UpfrontScriptChanged)
}

/// The forms that a closing transaction may pay to. P2PKH and P2SH are not among them.
pub(super) fn is_allowed(script: &ScriptBuf, features: &Features) -> bool {
    const OP_0: u8 = 0x00;
    const OP_1: u8 = 0x51;
    const OP_16: u8 = 0x60;
    const OP_RETURN: u8 = 0x6a;
    const OP_PUSHDATA1: u8 = 0x4c;
    let fits = |length: u8, pushed: &[u8]| usize::from(length) == pushed.len();
    match script.as_bytes() {
        [OP_0, length @ (20 | 32), program @ ..] => fits(*length, program),
        [OP_1..=OP_16, length @ 2..=40, program @ ..] => {
            features.supports(Feature::SHUTDOWN_ANYSEGWIT) && fits(*length, program)
        }
        [OP_RETURN, length @ 6..=75, data @ ..]
        | [OP_RETURN, OP_PUSHDATA1, length @ 76..=80, data @ ..] => {
            features.supports(Feature::SIMPLE_CLOSE) && fits(*length, data)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script of these bytes and so many more.
    fn script(first: &[u8], more: usize) -> ScriptBuf {
        ScriptBuf::from_bytes([first, &vec![7; more]].concat())
    }

    #[test]
    fn a_script_is_allowed_by_its_form_and_by_what_is_negotiated() {
        let plain = Features::default();
        let any = plain.clone().offering(Feature::SHUTDOWN_ANYSEGWIT);
        let simple = any.clone().offering(Feature::SIMPLE_CLOSE);
        // The script, and whether it is allowed with neither feature, with one, with both.
        let table = [
            (script(&[0, 20], 20), [true; 3]),
            (script(&[0, 20], 19), [false; 3]),
            (script(&[0, 20], 21), [false; 3]),
            (script(&[0, 32], 32), [true; 3]),
            (script(&[0, 32], 31), [false; 3]),
            (script(&[0, 32], 33), [false; 3]),
            (script(&[0, 21], 21), [false; 3]),
            (script(&[0, 2], 2), [false; 3]),
            (script(&[0, 40], 40), [false; 3]),
            (script(&[], 0), [false; 3]),
            (script(&[0], 0), [false; 3]),
            // Later witness versions, P2TR among them.
            (script(&[0x51, 32], 32), [false, true, true]),
            (script(&[0x51, 2], 2), [false, true, true]),
            (script(&[0x51, 1], 1), [false; 3]),
            (script(&[0x51, 40], 40), [false, true, true]),
            (script(&[0x51, 41], 41), [false; 3]),
            (script(&[0x51, 40], 39), [false; 3]),
            (script(&[0x51, 40], 41), [false; 3]),
            (script(&[0x60, 2], 2), [false, true, true]),
            (script(&[0x60, 40], 40), [false, true, true]),
            (script(&[0x61, 32], 32), [false; 3]),
            (script(&[0x50, 32], 32), [false; 3]),
            (script(&[0x4f, 32], 32), [false; 3]),
            (script(&[0x51, 0x4c, 32], 32), [false; 3]),
            // OP_RETURN.
            (script(&[0x6a, 5], 5), [false; 3]),
            (script(&[0x6a, 6], 6), [false, false, true]),
            (script(&[0x6a, 75], 75), [false, false, true]),
            (script(&[0x6a, 6], 5), [false; 3]),
            (script(&[0x6a, 6], 7), [false; 3]),
            (script(&[0x6a, 75], 76), [false; 3]),
            (script(&[0x6a, 76], 76), [false; 3]),
            (script(&[0x6a, 0x4c, 75], 75), [false; 3]),
            (script(&[0x6a, 0x4c, 76], 76), [false, false, true]),
            (script(&[0x6a, 0x4c, 80], 80), [false, false, true]),
            (script(&[0x6a, 0x4c, 80], 79), [false; 3]),
            (script(&[0x6a, 0x4c, 80], 81), [false; 3]),
            (script(&[0x6a, 0x4c, 81], 81), [false; 3]),
            (script(&[0x6a], 0), [false; 3]),
            (script(&[0x6a, 0x4d, 76, 0], 76), [false; 3]),
            // P2PKH and P2SH.
            (
                ScriptBuf::from_bytes([&[0x76, 0xa9, 20][..], &[7; 20], &[0x88, 0xac]].concat()),
                [false; 3],
            ),
            (ScriptBuf::from_bytes([&[0xa9, 20][..], &[7; 20], &[0x87]].concat()), [false; 3]),
        ];
        for (script, expected) in table {
            let found = [&plain, &any, &simple].map(|features| is_allowed(&script, features));
            assert_eq!(found, expected, "{script:?}");
        }
    }
}

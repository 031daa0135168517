//! The channel as a pure state machine. BOLT 2.
//!
//! A [`Phase`] takes an [`Input`] by reference and returns the next phase with what it wants done.
//! Nothing is changed in place, so an old phase can be kept, replayed and compared.
//!
//! ```text
//! Opening -> Normal -> Shutdown -> Negotiating --> Closing -> Closed
//!    |         |          | | or     |             ^
//!    |         |          | +-> SimpleClosing      |
//!    |         |          |          |             |
//!    +---------+----------+----------+-------------+   the funding output is spent, or we fail
//! ```

mod closing;
mod closing_offer;
mod commitments;
mod deadlines;
mod dust_exposure;
mod error;
mod fee_share;
mod funding;
mod habits;
mod htlc_state;
mod negotiating;
mod normal;
mod opening;
mod reestablish;
mod scripted;
mod shutdown;
mod simple_closing;
mod sponsorship;
mod terms;
mod updates;

pub use closing::{Closing, Confirmed, FundingSpend, Intent, Published, Tracked, TrackedStatus};
pub use commitments::{
    ChannelHtlc, Commitments, Comparison, Guess, LocalState, Missing, RemoteState, Removal,
};
pub use deadlines::Deadlines;
pub use dust_exposure::DustExposure;
pub use error::{Fault, PeerViolation, Refused};
pub use funding::Confirmation;
pub use habits::{Habit, Habits};
pub use htlc_state::{Milestone, Stage};
pub use negotiating::Negotiating;
pub use normal::Normal;
pub use opening::{Acceptance, AwaitingDepth, Opening, Proposal};
pub use shutdown::Shutdown;
pub use simple_closing::SimpleClosing;
pub use sponsorship::Sponsorship;
pub use terms::{ChannelSecrets, PartyTerms, Terms};
pub use updates::HtlcOffer;

use std::sync::Arc;

use bitcoin::hashes::sha256;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Txid};
use serde::{Deserialize, Serialize};

use super::features::Features;
use super::onion::attribution::AttributionData;
use super::tx::TxError;
use super::units::{BlockHeight, CommitmentNumber, FeeratePerKw, HtlcId, Msat};
use super::wire::messages::{Error, Warning};
use super::wire::{ChannelId, Message, PaymentPreimage, ShortChannelId};
use commitments::Beginning;

/// Everything that can reach a channel.
#[derive(Clone, Debug)]
pub enum Input {
    /// A message of the peer.
    Received(Message),
    /// Something that our side wants.
    Command(Command),
    /// A block was connected to the chain, or disconnected from it.
    Chain(ChainEvent),
}

/// What our side can want of a channel.
#[derive(Clone, Debug)]
pub enum Command {
    /// The wallet's funding transaction, with the output that funds the channel.
    Fund {
        /// The signed transaction.
        transaction: Transaction,
        /// Which of its outputs.
        output_index: u16,
    },
    /// Offer an HTLC.
    Offer(HtlcOffer),
    /// Remove a committed HTLC.
    Remove {
        /// Which one.
        id: HtlcId,
        /// How.
        removal: Removal,
    },
    /// Change the fee rate.
    UpdateFee(FeeratePerKw),
    /// Sign the peer's next commitment now, whether an update waits for it or not.
    Commit,
    /// Close in mutual agreement.
    Close,
    /// Offer another closing transaction (`option_simple_close`), which replaces the last one.
    BumpClose {
        /// The fee rate that we pay for it.
        feerate: FeeratePerKw,
        /// The script that it pays us to; `None` leaves it as it is.
        script: Option<ScriptBuf>,
    },
    /// Publish the newest commitment.
    ForceClose,
    /// The transaction that [`Output::Sponsor`] asked for.
    Sponsored {
        /// The transaction, complete.
        transaction: Transaction,
        /// What it is for.
        purpose: Purpose,
        /// The fee rate that was asked for.
        feerate: FeeratePerKw,
    },
    /// The wallet cannot pay for a transaction that [`Output::Sponsor`] asked for.
    Unsponsored(Purpose),
    /// A reorg took coins out of the chain that transactions of ours spend, or another transaction
    /// spends them.
    CoinsMissing(Vec<OutPoint>),
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Fund { .. } => "fund",
            Self::Offer { .. } => "offer an HTLC",
            Self::Remove { .. } => "remove an HTLC",
            Self::UpdateFee(_) => "change the fee rate",
            Self::Commit => "sign a commitment",
            Self::Close => "close",
            Self::BumpClose { .. } => "offer another closing transaction",
            Self::ForceClose => "force-close",
            Self::Sponsored { .. } | Self::Unsponsored(_) | Self::CoinsMissing(_) => {
                "publish a claim"
            }
        }
    }
}

/// A change of the chain.
#[derive(Clone, Debug)]
pub enum ChainEvent {
    /// A block at this height, with its transactions.
    Connected {
        /// The block's height.
        height: BlockHeight,
        /// Its transactions; the first is the coinbase.
        transactions: Vec<Transaction>,
    },
    /// The block at this height is no longer part of the chain.
    Disconnected {
        /// The block's height.
        height: BlockHeight,
    },
}

/// Everything that a channel can want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this message to the peer.
    Send(Message),
    /// Publish this transaction.
    Broadcast {
        /// The transaction, complete.
        transaction: Transaction,
        /// What it is for.
        purpose: Purpose,
    },
    /// Publish these transactions together, the parent first: it does not pay enough by itself.
    BroadcastPackage(Vec<(Transaction, Purpose)>),
    /// Have the wallet fund this output, then give [`Command::Fund`].
    Fund(TxOut),
    /// Have the wallet pay for a transaction, then give [`Command::Sponsored`].
    Sponsor(Sponsorship),
    /// This transaction will never be mined: the wallet may spend its coins otherwise.
    Release(Transaction),
    /// Something about an HTLC that the node must act on.
    Htlc(HtlcNews),
    /// Something happened that is worth telling.
    Event(ChannelEvent),
    /// Close the connection with the peer, once what was sent has gone out.
    Disconnect,
}

/// What a node must know of an HTLC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HtlcNews {
    /// The peer's HTLC is irrevocably committed: it is ours to forward or to remove.
    Committed(HtlcId),
    /// The peer takes an HTLC that we offered. It has yet to be signed out, but the preimage is
    /// known and worth as much.
    Fulfilled {
        /// Which one.
        id: HtlcId,
        /// Its preimage.
        payment_preimage: PaymentPreimage,
        /// How long the nodes beyond the peer held it.
        attribution_data: Option<Box<AttributionData>>,
    },
    /// An HTLC that we offered is irrevocably removed, and nobody took it.
    Failed {
        /// Which one.
        id: HtlcId,
        /// How.
        removal: Removal,
    },
    /// An HTLC that we offered came back to us on chain, or the chain has no place for it: nobody can
    /// take it any more.
    TimedOut(HtlcId),
}

/// What a transaction of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Funds a channel.
    Funding,
    /// A commitment transaction of our own.
    Commitment(CommitmentNumber),
    /// The mutual close.
    Closing,
    /// Takes our own delayed output.
    DelayedSweep,
    /// Takes what the peer's commitment pays us.
    RemoteSweep,
    /// Takes an HTLC of the peer's to its second stage.
    HtlcSuccess,
    /// Takes an HTLC of our own to its second stage, after it has timed out.
    HtlcTimeout,
    /// Spends an anchor of ours, to pay for the commitment that has it.
    AnchorBump,
    /// Takes the balance of a peer that published a revoked commitment.
    Penalty,
    /// Replaces another transaction of our own.
    DoubleSpend,
}

/// Something worth telling about a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelEvent {
    /// Both sides have sent `channel_ready`.
    Ready,
    /// The funding transaction has its first confirmation.
    FundingConfirmed {
        /// At this height.
        height: BlockHeight,
    },
    /// The block with the funding transaction is no longer part of the chain.
    FundingUnconfirmed,
    /// The funding transaction can no longer confirm: another one spent its input.
    FundingDoubleSpent {
        /// By this one.
        by: Txid,
    },
    /// The block with the transaction that took its input is no longer part of the chain.
    DoubleSpendUndone,
    /// The funding transaction did not confirm within 2016 blocks.
    FundingForgotten,
    /// An HTLC is irrevocably committed, and we are its recipient.
    HtlcCommitted {
        /// Its id.
        id: HtlcId,
        /// Its amount.
        amount: Msat,
        /// Its hash.
        payment_hash: sha256::Hash,
    },
    /// The peer took an HTLC that we offered.
    HtlcFulfilled {
        /// Its id.
        id: HtlcId,
        /// Its preimage: the proof of payment.
        payment_preimage: PaymentPreimage,
    },
    /// An HTLC that we offered is irrevocably removed, and nobody took it.
    HtlcFailed {
        /// Its id.
        id: HtlcId,
    },
    /// An HTLC of the peer's that has no output puts too much at risk: it is given back. BOLT 2,
    /// "Bounding exposure to trimmed in-flight HTLCs".
    DustOverexposed {
        /// Its id.
        id: HtlcId,
        /// What would be at risk.
        exposure: Msat,
        /// What may be.
        limit: Msat,
    },
    /// The funding output was spent.
    FundingSpent(FundingSpend),
    /// The block with the spend of the funding output is no longer part of the chain.
    CloseUndone,
    /// An output is not worth its fee.
    NotEconomical(OutPoint),
    /// The wallet has no free coin to pay for a transaction that cannot pay for itself.
    NoCoin {
        /// What the transaction is for.
        purpose: Purpose,
        /// What it takes.
        needed: Amount,
    },
    /// Every output is settled 100 blocks deep.
    Resolved,
    /// The peer proved that we have lost data: what we could publish is revoked.
    DataLost,
    /// The peer broke the protocol.
    Violation {
        /// The id of the requirement.
        requirement: String,
        /// What was wrong.
        message: String,
    },
}

/// What a step may know besides the phase and the input.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The secrets of this channel.
    pub secrets: &'a ChannelSecrets,
    /// The height of the newest block.
    pub height: BlockHeight,
    /// The fee rate for closing transactions and claims.
    pub feerate: FeeratePerKw,
    /// Where our funds go.
    pub destination: &'a ScriptBuf,
    /// What both sides support, by the last `init`.
    pub features: &'a Features,
    /// When updates are signed.
    pub pace: Pace,
    /// How long our side waits for the peer before it goes on chain.
    pub deadlines: Deadlines,
    /// What our side does otherwise than most.
    pub habits: Habits,
}

/// When updates are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As soon as they can be.
    #[default]
    Prompt,
    /// On [`Command::Commit`] alone.
    Patient,
}

/// Where a channel stands in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// From `open_channel` to `channel_ready`.
    Opening(Opening),
    /// Payments.
    Normal(Normal),
    /// From `shutdown` until both sides have sent it and no HTLC is left.
    Shutdown(Shutdown),
    /// `closing_signed`.
    Negotiating(Negotiating),
    /// `closing_complete` and `closing_sig`, until a block holds a closing transaction.
    SimpleClosing(SimpleClosing),
    /// The funding output is spent, or is about to be.
    Closing(Closing),
    /// Nothing is left to do.
    Closed(Closed),
}

/// Why nothing is left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The opening failed before there was anything to lose.
    NeverOpened,
    /// The funding transaction never confirmed, or never can.
    FundingLost,
    /// Another transaction took an input of the funding transaction. As long as a reorg could undo
    /// that, the channel could come back.
    DoubleSpent {
        /// The phase without that.
        before: Arc<Phase>,
        /// The height of the block that has the other transaction.
        height: BlockHeight,
        /// Whether HTLCs were told to be lost: then the channel comes back only to be closed.
        told: bool,
    },
    /// All outputs are settled.
    Resolved,
}

/// The next phase and what it wants.
type Step = Result<(Phase, Vec<Output>), Fault>;

/// How deep a transaction must be to count as irrevocable, in blocks. BOLT 5, "General
/// Requirements".
pub const IRREVOCABLE_DEPTH: u32 = 100;

impl Phase {
    /// One step. A violation of the peer's and a refused command are errors, and the phase stands;
    /// see [`Phase::fail`] for what a violation leads to.
    ///
    /// # Errors
    /// [`Fault`], by whose fault it is.
    pub fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            // A `tx_abort` answers ours: nothing else here could be aborted.
            Input::Received(Message::Warning(_) | Message::TxAbort(_)) => {
                Ok((self.clone(), Vec::new()))
            }
            Input::Received(Message::Error(_)) => Err(PeerViolation::Error.into()),
            Input::Command(Command::ForceClose) => self.force_close(context),
            Input::Received(_) | Input::Command(_) | Input::Chain(_) => match self {
                Self::Opening(opening) => opening.step(context, input),
                Self::Normal(normal) => normal.step(context, input),
                Self::Shutdown(shutdown) => shutdown.step(context, input),
                Self::Negotiating(negotiating) => negotiating.step(context, input),
                Self::SimpleClosing(closing) => closing.step(context, input),
                Self::Closing(closing) => closing.step(context, input),
                Self::Closed(closed) => match input {
                    Input::Chain(event) => Ok(closed.follow(context, event)),
                    Input::Received(_) | Input::Command(_) => Err(self.unexpected(input)),
                },
            },
        }
    }

    /// What this phase is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opening(_) => "opening",
            Self::Normal(_) => "normal",
            Self::Shutdown(_) => "shutdown",
            Self::Negotiating(_) | Self::SimpleClosing(_) => "negotiating",
            Self::Closing(_) => "closing",
            Self::Closed(Closed::NeverOpened | Closed::Resolved) => "closed",
            Self::Closed(Closed::FundingLost | Closed::DoubleSpent { .. }) => "funding_lost",
        }
    }

    /// The commitments, once the first ones are signed and as long as they matter.
    pub fn commitments(&self) -> Option<&Commitments> {
        match self {
            Self::Opening(Opening::AwaitingDepth(waiting)) => Some(&waiting.commitments),
            Self::Opening(_) | Self::Closed(_) => None,
            Self::Normal(normal) => Some(&normal.commitments),
            Self::Shutdown(shutdown) => Some(&shutdown.commitments),
            Self::Negotiating(negotiating) => Some(&negotiating.commitments),
            Self::SimpleClosing(closing) => Some(&closing.commitments),
            Self::Closing(closing) => closing.before.commitments(),
        }
    }

    /// Whether a node that forwards over this channel is asked to by this name. BOLT 2, "The
    /// `channel_ready` Message".
    pub fn goes_by(&self, name: ShortChannelId) -> bool {
        self.in_use().is_some_and(|(commitments, _)| commitments.terms.alias == Some(name))
            || !self.is_hidden() && self.short_channel_id() == Some(name)
    }

    /// How a sender names this channel to the node that forwards over it: where it is in the chain,
    /// or by the alias if it is not there yet, or is not to be known.
    pub fn name_for_senders(&self) -> Option<ShortChannelId> {
        let (commitments, _) = self.in_use()?;
        let known = self.short_channel_id().filter(|_| !self.is_hidden());
        known.or(commitments.terms.alias)
    }

    fn is_hidden(&self) -> bool {
        self.commitments().is_some_and(|commitments| commitments.terms.variations.scid_alias)
    }

    /// The commitments of a channel in use, and where its funding is.
    fn in_use(&self) -> Option<(&Commitments, Confirmation)> {
        match self {
            Self::Normal(normal) => Some((&normal.commitments, normal.confirmation)),
            Self::Shutdown(shutdown) => Some((&shutdown.commitments, shutdown.confirmation)),
            Self::Opening(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_)
            | Self::Closing(_)
            | Self::Closed(_) => None,
        }
    }

    /// Where the funding output is in the chain, while the channel is in use.
    pub fn short_channel_id(&self) -> Option<ShortChannelId> {
        let (commitments, confirmation) = self.in_use()?;
        confirmation.short_channel_id(commitments.funding.outpoint.vout)
    }

    /// What a violation of the peer's leads to: an `error`, and our commitment on chain if there
    /// is one (BOLT 5, "Failing a Channel"); or a `warning`, and the end of the connection.
    pub fn fail(&self, context: &Context<'_>, violation: &PeerViolation) -> (Self, Vec<Output>) {
        let mut outputs = vec![violation.told()];
        let warning = || Warning::about(self.channel_id(), violation.to_string());
        if violation.spares_channel() {
            outputs.extend([Output::Send(warning().into()), Output::Disconnect]);
            return (self.clone(), outputs);
        }
        // All zeros may be the temporary id of an opening, and mean every channel in an `error`.
        if matches!(self, Self::Opening(_)) && self.channel_id() == ChannelId::ALL {
            outputs.extend([Output::Send(warning().into()), Output::Disconnect]);
            return (Self::Closed(Closed::NeverOpened), outputs);
        }
        if *violation != PeerViolation::Error {
            let error = Error::about(self.channel_id(), violation.to_string());
            outputs.push(Output::Send(error.into()));
        }
        // No commitment spends an output that is not there.
        if matches!(violation, PeerViolation::WrongFundingOutput { .. }) {
            return (Self::Closed(Closed::FundingLost), outputs);
        }
        match self.force_close(context) {
            Ok((next, more)) => {
                outputs.extend(more);
                (next, outputs)
            }
            Err(_) => match self {
                Self::Opening(_) => (Self::Closed(Closed::NeverOpened), outputs),
                Self::Normal(_)
                | Self::Shutdown(_)
                | Self::Negotiating(_)
                | Self::SimpleClosing(_)
                | Self::Closing(_)
                | Self::Closed(_) => (self.clone(), outputs),
            },
        }
    }

    /// The id that messages name the channel by; all zero once nothing names it any more.
    pub fn channel_id(&self) -> ChannelId {
        match self {
            Self::Opening(opening) => opening.channel_id(),
            Self::Normal(_)
            | Self::Shutdown(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_)
            | Self::Closing(_)
            | Self::Closed(_) => {
                self.commitments().map_or(ChannelId([0; 32]), |commitments| commitments.channel_id)
            }
        }
    }

    /// Publishes our newest commitment.
    fn force_close(&self, context: &Context<'_>) -> Step {
        let refused = Refused::WrongPhase { command: "force-close", phase: self.name() };
        let state = match self {
            Self::Closing(_) | Self::Closed(_) => None,
            Self::Opening(_)
            | Self::Normal(_)
            | Self::Shutdown(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_) => self.commitments().and_then(Commitments::local),
        };
        let state = Arc::clone(state.ok_or(refused)?);
        Closing::alone(self.clone(), context, state)
    }

    /// A transaction is in the mempool: it may show a preimage.
    pub fn seen(&self, transaction: &Transaction) -> Option<(Self, Vec<Output>)> {
        match self {
            Self::Closing(closing) => closing.seen(transaction),
            Self::Opening(_)
            | Self::Normal(_)
            | Self::Shutdown(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_)
            | Self::Closed(_) => None,
        }
    }

    /// The fault of an input that this phase does not take.
    fn unexpected(&self, input: &Input) -> Fault {
        unexpected(self.name(), input)
    }
}

fn unexpected(phase: &'static str, input: &Input) -> Fault {
    match input {
        Input::Received(message) => {
            PeerViolation::UnexpectedMessage { message: message.name(), phase }.into()
        }
        Input::Command(command) => Refused::WrongPhase { command: command.name(), phase }.into(),
        // Every phase takes chain events.
        Input::Chain(_) => Refused::WrongPhase { command: "see a block", phase }.into(),
    }
}

impl PeerViolation {
    /// The event that tells of it.
    fn told(&self) -> Output {
        Output::Event(ChannelEvent::Violation {
            requirement: self.requirement().to_owned(),
            message: self.to_string(),
        })
    }
}

/// The transaction among `transactions` that spends `outpoint`.
fn spender(transactions: &[Transaction], outpoint: OutPoint) -> Option<&Transaction> {
    transactions.iter().find(|tx| tx.input.iter().any(|input| input.previous_output == outpoint))
}

/// A commitment or a claim that cannot be built is a fault of our own.
impl From<super::keys::KeyError> for Fault {
    fn from(error: super::keys::KeyError) -> Self {
        Self::Transaction(TxError::Key(error))
    }
}

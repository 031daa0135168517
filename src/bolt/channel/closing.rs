//! The funding output is spent, or is about to be. BOLT 5.
//!
//! ```text
//! unconfirmed: our commitment or the mutual close is published, and again by every block without it
//!   -> confirmed: some transaction spends the funding output; its outputs are claimed when they
//!      can be, and watched until they are settled 100 blocks deep
//!   -> back, if a reorg takes the spend out of the chain
//! ```

use std::sync::Arc;

use bitcoin::{OutPoint, Transaction, Txid};

use super::{
    ChainEvent, ChannelEvent, Closed, Confirmation, Context, IRREVOCABLE_DEPTH, Input, Negotiating,
    Output, Phase, Purpose, Step, funding, spender, unexpected,
};
use crate::bolt::onchain::{self, Claimable, Rest};
use crate::bolt::tx::claim::{ClaimPath, claim_transaction};
use crate::bolt::units::BlockHeight;

pub use crate::bolt::onchain::FundingSpend;

/// A channel whose funding output is spent, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The phase before: what a reorg brings back.
    pub before: Box<Phase>,
    /// The spend of the funding output, once it is in a block.
    pub spend: Option<Confirmed>,
    /// Whether there is a way back.
    pub intent: Intent,
    /// What we published ourselves.
    published: Option<Arc<Published>>,
}

/// A spend of the funding output that we published ourselves.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Published {
    transaction: Transaction,
    purpose: Purpose,
}

/// Whether we want the channel closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// We published a spend ourselves: there is no way back.
    Ours,
    /// We only saw one in the chain: without it, the channel goes on.
    Seen,
    /// We have lost data: only the peer can close the channel.
    Theirs,
}

/// The spend of the funding output, in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The transaction.
    pub txid: Txid,
    /// What it is.
    pub kind: FundingSpend,
    /// The height of its block.
    pub height: BlockHeight,
    /// The outputs that are ours to claim.
    pub tracked: Vec<Tracked>,
}

/// An output that is ours to claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// How and when it can be claimed.
    pub claimable: Claimable,
    /// How far that has come.
    pub status: TrackedStatus,
}

/// How far a claim has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackedStatus {
    /// Its time has not come.
    Waiting,
    /// We published our claim.
    Published,
    /// A transaction spends it, ours or another.
    Spent {
        /// In the block at this height.
        height: BlockHeight,
    },
    /// It is not worth its fee.
    Abandoned,
    /// It is ours where it is.
    Resting,
}

impl TrackedStatus {
    /// Before anything is done about the output.
    fn initial(rest: Rest) -> Self {
        match rest {
            Rest::Restless => Self::Waiting,
            Rest::Resolved => Self::Resting,
        }
    }
}

impl Closing {
    /// We publish a spend of the funding output.
    pub(super) fn unconfirmed(before: Phase, transaction: Transaction, purpose: Purpose) -> Self {
        let published = Some(Arc::new(Published { transaction, purpose }));
        Self { before: Box::new(before), spend: None, intent: Intent::Ours, published }
    }

    /// We have lost data: only the peer can publish a spend.
    pub(super) fn left_to_peer(before: Phase) -> Self {
        Self { before: Box::new(before), spend: None, intent: Intent::Theirs, published: None }
    }

    /// The same after another phase.
    pub(super) fn with(&self, before: Phase) -> Self {
        Self { before: Box::new(before), ..self.clone() }
    }

    /// The negotiation that led here, if the mutual close is published and not in a block yet.
    pub(super) fn agreed(&self) -> Option<&Negotiating> {
        match (self.before.as_ref(), &self.spend, self.intent) {
            (Phase::Negotiating(negotiating), None, Intent::Ours) if negotiating.is_agreed() => {
                Some(negotiating)
            }
            _ => None,
        }
    }

    /// A block holds a spend of the funding output.
    pub(super) fn confirmed(
        before: Phase,
        context: &Context<'_>,
        spend: &Transaction,
        outputs: Vec<Output>,
    ) -> Step {
        let before = Box::new(before);
        let seen = Self { before, spend: None, intent: Intent::Seen, published: None };
        seen.spent(context, spend, outputs)
    }

    fn spent(&self, context: &Context<'_>, spend: &Transaction, mut outputs: Vec<Output>) -> Step {
        let mut tracked = Vec::new();
        let mut kind = FundingSpend::Unknown;
        if let Some(commitments) = self.before.commitments() {
            kind = onchain::classify(commitments, spend);
            tracked = onchain::claimable(commitments, context.secrets, kind)?
                .into_iter()
                .map(|claimable| Tracked {
                    status: TrackedStatus::initial(claimable.rest),
                    claimable,
                })
                .collect();
        }
        outputs.push(Output::Event(ChannelEvent::FundingSpent(kind)));
        let txid = spend.compute_txid();
        let mut confirmed = Confirmed { txid, kind, height: context.height, tracked };
        confirmed.publish(context, &mut outputs);
        let next = Self { spend: Some(confirmed), ..self.clone() };
        Ok((Phase::Closing(next), outputs))
    }

    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            Input::Chain(event) => self.follow(context, event),
            // What the peer says no longer matters: the chain decides.
            Input::Received(_) => Ok((Phase::Closing(self.clone()), Vec::new())),
            Input::Command(_) => Err(unexpected("closing", input)),
        }
    }

    /// The same, where a block has the funding transaction here.
    fn located(&self, found: Option<Confirmation>) -> Self {
        found.map_or_else(|| self.clone(), |found| self.with(self.before.located(found)))
    }

    /// The same without the block at this height, which may have had the funding transaction.
    fn without(&self, height: BlockHeight) -> Self {
        let before = self.before.confirmation();
        self.located(before.map(|confirmation| confirmation.without(height)))
    }

    /// What we published once more, as long as the funding is in the chain and its output unspent: a
    /// mempool may have refused it, for its funding was not there or not mature, or forgotten it.
    fn publish_again(&self) -> Option<Output> {
        let Published { transaction, purpose } = self.published.as_deref()?.clone();
        let is_funded = matches!(self.before.confirmation(), Some(Confirmation::At { .. }));
        is_funded.then_some(Output::Broadcast { transaction, purpose })
    }

    fn follow(&self, context: &Context<'_>, event: &ChainEvent) -> Step {
        match (&self.spend, event) {
            (None, ChainEvent::Connected { height, transactions }) => {
                let Some(commitments) = self.before.commitments() else {
                    return Ok((Phase::Closing(self.clone()), Vec::new()));
                };
                let found = funding::find(commitments, *height, transactions)?;
                let next = self.located(found);
                if let Some(by) = commitments.double_spend(transactions) {
                    let lost = Output::Event(ChannelEvent::FundingDoubleSpent { by });
                    return Ok((Phase::Closing(next).double_spent(*height), vec![lost]));
                }
                if let Some(spend) = spender(transactions, commitments.funding.outpoint) {
                    return next.spent(context, spend, Vec::new());
                }
                let again = next.publish_again();
                Ok((Phase::Closing(next), again.into_iter().collect()))
            }
            (None, ChainEvent::Disconnected { height }) => {
                Ok((Phase::Closing(self.without(*height)), Vec::new()))
            }
            (Some(confirmed), ChainEvent::Disconnected { height })
                if *height == confirmed.height =>
            {
                let undone = vec![Output::Event(ChannelEvent::CloseUndone)];
                // The block may have had the funding transaction as well.
                let next = Self { spend: None, ..self.without(*height) };
                let next = match self.intent {
                    Intent::Ours | Intent::Theirs => Phase::Closing(next),
                    Intent::Seen => *next.before,
                };
                Ok((next, undone))
            }
            (Some(confirmed), _) => {
                let mut confirmed = confirmed.clone();
                let mut outputs = Vec::new();
                confirmed.follow(event);
                // Amid a reorg there is no telling yet what the chain will be.
                if matches!(event, ChainEvent::Connected { .. }) {
                    confirmed.publish(context, &mut outputs);
                }
                if confirmed.is_resolved(context.height) {
                    outputs.push(Output::Event(ChannelEvent::Resolved));
                    return Ok((Phase::Closed(Closed::Resolved), outputs));
                }
                let next = Self { spend: Some(confirmed), ..self.clone() };
                Ok((Phase::Closing(next), outputs))
            }
        }
    }
}

impl Confirmed {
    /// Takes note of spends, and of spends undone.
    fn follow(&mut self, event: &ChainEvent) {
        for tracked in &mut self.tracked {
            let outpoint = tracked.claimable.claim.outpoint;
            match (event, tracked.status) {
                (ChainEvent::Connected { height, transactions }, _)
                    if spender(transactions, outpoint).is_some() =>
                {
                    tracked.status = TrackedStatus::Spent { height: *height };
                }
                // What was in the lost block is published again.
                (ChainEvent::Disconnected { height }, TrackedStatus::Spent { height: at })
                    if *height == at =>
                {
                    tracked.status = TrackedStatus::initial(tracked.claimable.rest);
                }
                (ChainEvent::Connected { .. } | ChainEvent::Disconnected { .. }, _) => {}
            }
        }
    }

    /// Publishes the claims whose time has come: the next block could hold them.
    fn publish(&mut self, context: &Context<'_>, outputs: &mut Vec<Output>) {
        let next_block = context.height.checked_add(1);
        let age = next_block.and_then(|height| height.blocks_since(self.height)).unwrap_or(0);
        for tracked in &mut self.tracked {
            let Claimable { claim, delay, .. } = &tracked.claimable;
            // What was published and is not in the chain yet is published again: a mempool may have
            // refused it, or forgotten it.
            let open = matches!(tracked.status, TrackedStatus::Waiting | TrackedStatus::Published);
            if !open || age < u32::from(delay.0) {
                continue;
            }
            let destination = context.destination.clone();
            if let Ok(transaction) =
                claim_transaction(std::slice::from_ref(claim), destination, context.feerate)
            {
                let purpose = purpose(&claim.path);
                outputs.push(Output::Broadcast { transaction, purpose });
                tracked.status = TrackedStatus::Published;
            } else {
                let event = ChannelEvent::NotEconomical(claim.outpoint);
                outputs.push(Output::Event(event));
                tracked.status = TrackedStatus::Abandoned;
            }
        }
    }

    /// Whether everything is settled for good. BOLT 5, "General Nomenclature": irrevocably
    /// resolved.
    fn is_resolved(&self, height: BlockHeight) -> bool {
        let deep = |at: BlockHeight| {
            height
                .blocks_since(at)
                .is_some_and(|above| above.saturating_add(1) >= IRREVOCABLE_DEPTH)
        };
        deep(self.height)
            && self.tracked.iter().all(|tracked| match tracked.status {
                TrackedStatus::Waiting | TrackedStatus::Published => false,
                TrackedStatus::Spent { height } => deep(height),
                TrackedStatus::Abandoned | TrackedStatus::Resting => true,
            })
    }

    /// The output of this outpoint, if it is ours to claim.
    pub fn tracked(&self, outpoint: OutPoint) -> Option<&Tracked> {
        self.tracked.iter().find(|tracked| tracked.claimable.claim.outpoint == outpoint)
    }
}

fn purpose(path: &ClaimPath) -> Purpose {
    match path {
        ClaimPath::Delayed(_) => Purpose::DelayedSweep,
        ClaimPath::Revocation | ClaimPath::HtlcRevocation { .. } => Purpose::Penalty,
        ClaimPath::ToRemote { .. }
        | ClaimPath::Anchor
        | ClaimPath::HtlcPreimage { .. }
        | ClaimPath::HtlcTimeout { .. } => Purpose::RemoteSweep,
    }
}

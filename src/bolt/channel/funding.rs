//! The funding transaction in the chain. BOLT 2, "The `channel_ready` Message".
//!
//! ```text
//! Awaited --> At --> Undone --> At …    it is in a block, and no longer, and again
//!    |         |
//!    |         +--> its output is spent: the chain decides
//!    +------------> another output than was agreed on, spent by another, or too late: lost
//! ```

use std::sync::Arc;

use bitcoin::Transaction;

use super::error::ensure;
use super::opening::Opening;
use super::{
    ChainEvent, ChannelEvent, Closed, Closing, Commitments, Context, Habit, IRREVOCABLE_DEPTH,
    Output, PeerViolation, Phase, Purpose, Step, closing, spender,
};
use crate::bolt::tx::Side;
use crate::bolt::units::{BlockHeight, ShortChannelId};

/// After so many blocks without the funding transaction the acceptor forgets the channel.
const FORGET_AFTER: u32 = 2016;

/// Confirmations that a coinbase needs before the next block may spend it: a rule of consensus.
const COINBASE_MATURITY: u32 = 100;

/// Where the funding transaction is, as a channel sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// Not in a block yet.
    Awaited {
        /// The height at which the wait began.
        since: BlockHeight,
    },
    /// In a block.
    At {
        /// The block's height.
        height: BlockHeight,
        /// Which of the block's transactions it is; the coinbase is the first, 0.
        index: u32,
    },
    /// In no block any more.
    Undone,
}

impl Confirmation {
    /// How many blocks deep it is at this height; the block itself counts.
    pub fn depth(self, height: BlockHeight) -> u32 {
        match self {
            Self::Awaited { .. } | Self::Undone => 0,
            Self::At { height: confirmed, .. } => {
                height.blocks_since(confirmed).and_then(|n| n.checked_add(1)).unwrap_or(0)
            }
        }
    }

    /// Whether it is deep enough at this height for a channel that takes `minimum_depth` blocks. A
    /// coinbase must besides be mature: before, no commitment could spend it.
    pub(super) fn is_deep(self, minimum_depth: u32, height: BlockHeight) -> bool {
        let needed = match self {
            Self::At { index: 0, .. } => minimum_depth.max(COINBASE_MATURITY),
            Self::At { .. } | Self::Awaited { .. } | Self::Undone => minimum_depth,
        };
        self.depth(height) >= needed
    }

    /// Whether the transaction is missing for so long that the acceptor forgets the channel.
    fn is_late(self, height: BlockHeight) -> bool {
        match self {
            Self::Awaited { since } => {
                height.blocks_since(since).is_some_and(|waited| waited >= FORGET_AFTER)
            }
            Self::At { .. } | Self::Undone => false,
        }
    }

    /// Where the transaction is without the block at this height.
    pub(super) fn without(self, undone: BlockHeight) -> Self {
        match self {
            Self::At { height, .. } if height == undone => Self::Undone,
            Self::At { .. } | Self::Awaited { .. } | Self::Undone => self,
        }
    }

    /// The id of the channel that is funded by this output of the transaction.
    pub fn short_channel_id(self, output: u32) -> Option<ShortChannelId> {
        match self {
            Self::Awaited { .. } | Self::Undone => None,
            Self::At { height, index } => {
                ShortChannelId::new(height.0, index, u16::try_from(output).ok()?)
            }
        }
    }
}

impl Phase {
    /// Where the funding transaction is, as long as that matters.
    pub(super) fn confirmation(&self) -> Option<Confirmation> {
        match self {
            Self::Opening(Opening::AwaitingDepth(waiting)) => Some(waiting.confirmation),
            Self::Opening(_) | Self::Closed(_) => None,
            Self::Normal(normal) => Some(normal.confirmation),
            Self::Shutdown(shutdown) => Some(shutdown.confirmation),
            Self::Negotiating(negotiating) => Some(negotiating.confirmation),
            Self::SimpleClosing(closing) => Some(closing.confirmation),
            Self::Closing(closing) => closing.before.confirmation(),
        }
    }

    /// The same, where the funding transaction is here. Nothing else changes.
    pub(super) fn located(&self, confirmation: Confirmation) -> Self {
        let mut next = self.clone();
        if let Some((_, known)) = next.funded_mut() {
            *known = confirmation;
        }
        next
    }

    /// The commitments, and where their funding transaction is, as long as that matters.
    fn funded_mut(&mut self) -> Option<(&mut Commitments, &mut Confirmation)> {
        match self {
            Self::Opening(Opening::AwaitingDepth(waiting)) => {
                Some((&mut waiting.commitments, &mut waiting.confirmation))
            }
            Self::Opening(_) | Self::Closed(_) => None,
            Self::Normal(normal) => Some((&mut normal.commitments, &mut normal.confirmation)),
            Self::Shutdown(shutdown) => {
                Some((&mut shutdown.commitments, &mut shutdown.confirmation))
            }
            Self::Negotiating(negotiating) => {
                Some((&mut negotiating.commitments, &mut negotiating.confirmation))
            }
            Self::SimpleClosing(closing) => {
                Some((&mut closing.commitments, &mut closing.confirmation))
            }
            Self::Closing(closing) => Arc::make_mut(&mut closing.before).funded_mut(),
        }
    }
}

impl Phase {
    /// The funding can no longer be, unless a reorg takes the block at this height away.
    pub(super) fn double_spent(self, height: BlockHeight) -> Self {
        Self::Closed(Closed::DoubleSpent { before: Arc::new(self), height, told: false })
    }
}

impl Closed {
    /// Only a double-spend can be undone, until it is so deep that it cannot. HTLCs that were offered
    /// over a channel without a confirmed funding are lost before: those upstream need not wait.
    pub(super) fn follow(&self, context: &Context<'_>, event: &ChainEvent) -> (Phase, Vec<Output>) {
        let Self::DoubleSpent { before, height, told } = self else {
            return (Phase::Closed(self.clone()), Vec::new());
        };
        match event {
            ChainEvent::Disconnected { height: undone } if undone == height => {
                let undone = Output::Event(ChannelEvent::DoubleSpendUndone);
                let closed = before.force_close(context).ok().filter(|_| *told);
                let (next, more) = closed.unwrap_or_else(|| ((**before).clone(), Vec::new()));
                (next, [undone].into_iter().chain(more).collect())
            }
            ChainEvent::Connected { height: tip, .. }
                if tip.blocks_since(*height).is_some_and(|above| above >= IRREVOCABLE_DEPTH) =>
            {
                (Phase::Closed(Self::FundingLost), Vec::new())
            }
            ChainEvent::Connected { height: tip, .. } => {
                let reasonable = context.deadlines.reasonable_depth;
                let depth = tip.blocks_since(*height).and_then(|above| above.checked_add(1));
                if *told || depth < Some(reasonable) {
                    return (Phase::Closed(self.clone()), Vec::new());
                }
                let lost =
                    before.commitments().map_or_else(Vec::new, closing::lost_with_the_funding);
                let (before, height, told) = (Arc::clone(before), *height, !lost.is_empty());
                (Phase::Closed(Self::DoubleSpent { before, height, told }), lost)
            }
            ChainEvent::Disconnected { .. } => (Phase::Closed(self.clone()), Vec::new()),
        }
    }
}

/// Follows the funding transaction through a change of the chain: the same phase with where it is
/// now, or another one if the block spends its output, or if it can no longer be what both sides
/// agreed on.
///
/// # Errors
/// [`PeerViolation::WrongFundingOutput`] if a block has the transaction with another output.
pub(super) fn watch(mut phase: Phase, context: &Context<'_>, event: &ChainEvent) -> Step {
    let mut outputs = Vec::new();
    let Some((commitments, confirmation)) = phase.funded_mut() else { return Ok((phase, outputs)) };
    let (height, transactions) = match event {
        ChainEvent::Connected { height, transactions } => (*height, transactions),
        ChainEvent::Disconnected { height } => {
            let without = confirmation.without(*height);
            if without != *confirmation {
                *confirmation = without;
                outputs.push(Output::Event(ChannelEvent::FundingUnconfirmed));
            }
            return Ok((phase, outputs));
        }
    };
    let found = transaction_of(commitments, transactions);
    if let Some((index, transaction)) = found {
        if !context.habits.has(Habit::TrustsFunding) {
            check_output(commitments, transaction)?;
        }
        commitments.set_funding_transaction(transaction.clone());
        *confirmation = Confirmation::At { height, index };
        outputs.push(Output::Event(ChannelEvent::FundingConfirmed { height }));
    }
    let (confirmation, was_used) = (*confirmation, commitments.was_used());
    let double_spend = commitments.double_spend(transactions);
    let (outpoint, opener) = (commitments.funding.outpoint, commitments.terms.opener);
    // A mempool may have refused it, for the funding was not there or not mature, or forgotten it.
    let again = commitments.published().map(|closing| Output::Broadcast {
        transaction: closing.clone(),
        purpose: Purpose::Closing,
    });
    if let Some(by) = double_spend {
        outputs.push(Output::Event(ChannelEvent::FundingDoubleSpent { by }));
        return Ok((phase.double_spent(height), outputs));
    }
    if spender(transactions, outpoint).is_some() {
        return Closing::confirmed(phase, context, transactions, outputs);
    }
    if let Some(violation) = phase.commitments().and_then(|c| c.overdue(context.deadlines, height))
    {
        let (next, more) = phase.fail(context, &violation);
        outputs.extend(more);
        return Ok((next, outputs));
    }
    // Who has used a channel that was never confirmed still has its balance to lose, also while it
    // closes.
    let in_use = matches!(phase, Phase::Normal(_)) || was_used;
    if opener == Side::Remote && !in_use && confirmation.is_late(context.height) {
        outputs.push(Output::Event(ChannelEvent::FundingForgotten));
        return Ok((Phase::Closed(Closed::FundingLost), outputs));
    }
    if matches!(confirmation, Confirmation::At { .. }) {
        outputs.extend(again);
    }
    Ok((phase, outputs))
}

/// Where the block at this height has the funding transaction, if it does.
///
/// # Errors
/// [`PeerViolation::WrongFundingOutput`] if it has it with another output.
pub(super) fn find(
    commitments: &Commitments,
    height: BlockHeight,
    transactions: &[Transaction],
) -> Result<Option<Confirmation>, PeerViolation> {
    let Some((index, transaction)) = transaction_of(commitments, transactions) else {
        return Ok(None);
    };
    check_output(commitments, transaction)?;
    Ok(Some(Confirmation::At { height, index }))
}

/// The funding transaction, and which of the block's it is.
fn transaction_of<'a>(
    commitments: &Commitments,
    transactions: &'a [Transaction],
) -> Option<(u32, &'a Transaction)> {
    let txid = commitments.funding.outpoint.txid;
    (0_u32..).zip(transactions).find(|(_, known)| known.compute_txid() == txid)
}

fn check_output(commitments: &Commitments, transaction: &Transaction) -> Result<(), PeerViolation> {
    let funding = &commitments.funding;
    let position = usize::try_from(funding.outpoint.vout).unwrap_or(usize::MAX);
    let fits = transaction.output.get(position) == Some(&funding.output());
    ensure(fits, PeerViolation::WrongFundingOutput { outpoint: funding.outpoint })
}

//! The funding output is spent, or is about to be. BOLT 5.
//!
//! ```text
//! unconfirmed: our commitment or the mutual close is published, and again by every block without it
//!   -> confirmed: some transaction spends the funding output; its outputs are claimed when they
//!      can be, and watched until they are settled 100 blocks deep
//!   -> back, if a reorg takes the spend out of the chain
//! ```

mod confirmed;
mod offered;
mod publication;

use std::sync::Arc;

use bitcoin::{OutPoint, Transaction};

use super::normal::with_commitments;
use super::{
    ChainEvent, ChannelEvent, Closed, Command, Commitments, Confirmation, Context, Habit, HtlcNews,
    Input, LocalState, Negotiating, Output, Phase, Purpose, Refused, Removal, Step, funding,
    spender, unexpected,
};
use crate::bolt::tx::Side;
use crate::bolt::units::{BlockHeight, HtlcId};
use crate::bolt::wire::{Message, PaymentPreimage};

pub use crate::bolt::onchain::FundingSpend;
pub use confirmed::{Confirmed, Published, Tracked, TrackedStatus};
use publication::Publication;

/// A channel whose funding output is spent, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The phase before: what a reorg brings back.
    pub before: Arc<Phase>,
    /// The spend of the funding output, once it is in a block.
    pub spend: Option<Confirmed>,
    /// Whether there is a way back.
    pub intent: Intent,
    /// What we published ourselves.
    published: Option<Arc<Publication>>,
    /// The HTLCs whose fate was told before a block had a spend: those without an output anywhere, and
    /// those that the peer took by a message.
    told: Vec<HtlcId>,
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

impl Closing {
    /// We publish a spend of the funding output.
    fn unconfirmed(before: Phase, publication: Publication) -> Self {
        let published = Some(Arc::new(publication));
        Self {
            before: Arc::new(before),
            spend: None,
            intent: Intent::Ours,
            published,
            told: Vec::new(),
        }
    }

    /// We publish the mutual close.
    pub(super) fn agreed_on(
        before: Phase,
        context: &Context<'_>,
        transaction: Transaction,
    ) -> (Phase, Vec<Output>) {
        let mut publication = Publication::closing(transaction, context.feerate);
        let outputs = publication.publish(context, None);
        (Phase::Closing(Self::unconfirmed(before, publication)), outputs)
    }

    /// We publish our newest commitment.
    ///
    /// # Errors
    /// [`Fault::Transaction`] if it cannot be signed.
    pub(super) fn alone(before: Phase, context: &Context<'_>, state: Arc<LocalState>) -> Step {
        Self::publishing(before, context, state, &[])
    }

    /// We publish our newest commitment, after some HTLCs were told to be lost.
    fn publishing(
        before: Phase,
        context: &Context<'_>,
        state: Arc<LocalState>,
        told: &[HtlcId],
    ) -> Step {
        let transaction = state.signed(context.secrets)?;
        let mut publication = Publication::commitment(state, transaction);
        // It is in a hurry only if the next block does not have it.
        let mut outputs = publication.publish(context, None);
        // No commitment can bring them back, whichever is mined.
        let forgets = context.habits.has(Habit::ForgetsDust);
        let known = before.commitments().filter(|_| !forgets);
        let mut more = known.map_or_else(Vec::new, offered::without_output);
        more.retain(|id| !told.contains(id));
        outputs.extend(more.iter().flat_map(|id| lost(*id)));
        let next = Self::unconfirmed(before, publication);
        let next = Self { told: [told, &more].concat(), ..next };
        Ok((Phase::Closing(next), outputs))
    }

    /// We have lost data: only the peer can publish a spend.
    pub(super) fn left_to_peer(before: Phase) -> Self {
        let (before, told) = (Arc::new(before), Vec::new());
        Self { before, spend: None, intent: Intent::Theirs, published: None, told }
    }

    /// The same after another phase.
    pub(super) fn with(&self, before: Phase) -> Self {
        self.having(Arc::new(before), self.spend.clone())
    }

    /// The same with this spend of the funding output, after this phase.
    fn having(&self, before: Arc<Phase>, spend: Option<Confirmed>) -> Self {
        let (published, told) = (self.published.clone(), self.told.clone());
        Self { before, spend, intent: self.intent, published, told }
    }

    /// The same with this spend of the funding output.
    fn spent_by(&self, spend: Confirmed) -> Self {
        self.having(Arc::clone(&self.before), Some(spend))
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
        transactions: &[Transaction],
        outputs: Vec<Output>,
    ) -> Step {
        let (before, told) = (Arc::new(before), Vec::new());
        let seen = Self { before, spend: None, intent: Intent::Seen, published: None, told };
        seen.spent(context, transactions, outputs)
    }

    /// A block holds a spend of the funding output, and perhaps of its outputs.
    fn spent(
        &self,
        context: &Context<'_>,
        transactions: &[Transaction],
        mut outputs: Vec<Output>,
    ) -> Step {
        let commitments = self.before.commitments();
        let spend = commitments
            .and_then(|known| Some((known, spender(transactions, known.funding.outpoint)?)));
        let Some((commitments, spend)) = spend else {
            return Ok((Phase::Closing(self.clone()), outputs));
        };
        let confirmed = Confirmed::new(commitments, context, spend, &self.told)?;
        outputs.push(Output::Event(ChannelEvent::FundingSpent(confirmed.kind)));
        let mut next = self.clone();
        let ours = next.published.as_mut();
        outputs.extend(ours.and_then(|ours| Arc::make_mut(ours).give_up()));
        next.connect(&confirmed, context, transactions, outputs)
    }

    /// A block has joined the chain above the spend, or the one with it.
    fn connect(
        &self,
        confirmed: &Confirmed,
        context: &Context<'_>,
        transactions: &[Transaction],
        mut outputs: Vec<Output>,
    ) -> Step {
        let mut confirmed = confirmed.clone();
        let commitments = self.before.commitments();
        if let Some(commitments) = commitments {
            confirmed.connect(commitments, context, transactions, &mut outputs)?;
            confirmed.publish(commitments, context, &mut outputs);
            confirmed.fail_offered(commitments, context, &mut outputs);
            if confirmed.is_resolved(commitments, context) {
                outputs.push(Output::Event(ChannelEvent::Resolved));
                return Ok((Phase::Closed(Closed::Resolved), outputs));
            }
        }
        Ok((Phase::Closing(self.spent_by(confirmed)), outputs))
    }

    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            Input::Chain(event) => self.follow(context, event),
            Input::Received(message) => Ok(self.receive(message)),
            Input::Command(Command::Remove { id, removal }) => self.remove(context, *id, removal),
            Input::Command(Command::Sponsored { transaction, purpose, feerate }) => {
                let (transaction, purpose, feerate) = (transaction.clone(), *purpose, *feerate);
                Ok(self.sponsored(Published { transaction, purpose, feerate }))
            }
            Input::Command(Command::Unsponsored(purpose)) => Ok(self.unsponsored(*purpose)),
            Input::Command(Command::CoinsMissing(coins)) => {
                let outputs = self.replace_coins(context, coins);
                Ok((Phase::Closing(self.clone()), outputs))
            }
            Input::Command(_) => Err(unexpected("closing", input)),
        }
    }

    /// What the peer says no longer matters: the chain decides. Only a preimage is worth as much as
    /// ever.
    fn receive(&self, message: &Message) -> (Phase, Vec<Output>) {
        let mut next = self.clone();
        let mut outputs = Vec::new();
        let read = Removal::read(message);
        let offered = |id| self.before.commitments()?.htlc(Side::Local, id);
        if let Some((id, Removal::Fulfilled { payment_preimage, .. })) = read
            && offered(id).is_some_and(|htlc| htlc.payment_hash == payment_preimage.hash())
        {
            match &mut next.spend {
                Some(spend) => spend.fulfilled(id, payment_preimage, &mut outputs),
                None if self.told.contains(&id) => {}
                None => {
                    next.told.push(id);
                    outputs.extend(taken(id, payment_preimage));
                }
            }
        }
        (Phase::Closing(next), outputs)
    }

    /// A transaction of the mempool may show the preimage of an HTLC that we offered.
    pub(super) fn seen(&self, transaction: &Transaction) -> Option<(Phase, Vec<Output>)> {
        let mut next = self.clone();
        let mut outputs = Vec::new();
        next.spend.as_mut()?.see(transaction, &mut outputs);
        (!outputs.is_empty()).then_some((Phase::Closing(next), outputs))
    }

    /// The peer's HTLC is taken on chain: nobody needs to be told. It cannot be given back there.
    fn remove(&self, context: &Context<'_>, id: HtlcId, removal: &Removal) -> Step {
        let takes = removal.pays() && !context.habits.has(Habit::SettlesOffChain);
        let commitments = self.before.commitments().filter(|_| takes);
        let refused = Refused::WrongPhase { command: "give back an HTLC", phase: "closing" };
        let commitments = commitments.ok_or(refused)?;
        let commitments = commitments.remove(id, removal.clone(), context.height)?;
        let mut outputs = Vec::new();
        let mut spend = self.spend.clone();
        if let Some(spend) = &mut spend {
            spend.publish_new(&commitments, context, &mut outputs);
        }
        let before = with_commitments(&self.before, commitments);
        let next = self.having(Arc::new(before), spend);
        Ok((Phase::Closing(next), outputs))
    }

    /// The wallet has paid for a transaction.
    fn sponsored(&self, published: Published) -> (Phase, Vec<Output>) {
        let mut next = self.clone();
        let outputs = match (&mut next.spend, &mut next.published) {
            (Some(spend), _) if published.purpose != Purpose::AnchorBump => {
                spend.sponsored(published)
            }
            (None, Some(ours)) => Arc::make_mut(ours).sponsored(published),
            (Some(_), _) | (None, None) => vec![published.release()],
        };
        (Phase::Closing(next), outputs)
    }

    /// The wallet cannot pay for a transaction now.
    fn unsponsored(&self, purpose: Purpose) -> (Phase, Vec<Output>) {
        let bump = purpose == Purpose::AnchorBump && self.spend.is_none();
        let ours = self.published.as_ref().filter(|_| bump);
        (Phase::Closing(self.clone()), ours.map(|ours| ours.alone()).into_iter().collect())
    }

    /// Coins that our transactions spend are gone. Perhaps these are mined all the same, where the coins
    /// are still; if the wallet has others, it pays with those.
    fn replace_coins(&self, context: &Context<'_>, missing: &[OutPoint]) -> Vec<Output> {
        match (&self.spend, &self.published, self.before.commitments()) {
            (Some(spend), _, Some(commitments)) => {
                spend.replace_coins(commitments, context, missing)
            }
            (None, Some(ours), _) => ours.replace_coins(context, missing).into_iter().collect(),
            (Some(_), _, None) | (None, None, _) => Vec::new(),
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
    fn publish_again(&mut self, context: &Context<'_>) -> Vec<Output> {
        let is_funded = matches!(self.before.confirmation(), Some(Confirmation::At { .. }));
        let deadline = self.before.commitments().and_then(Commitments::deadline);
        let ours = self.published.as_mut().filter(|_| is_funded);
        ours.map_or_else(Vec::new, |ours| Arc::make_mut(ours).publish(context, deadline))
    }

    /// The spend that was confirmed is in no block any more. Was it the peer's, the channel goes on,
    /// unless others act by now as if it had not: those upstream of an HTLC that is lost, or who took
    /// one. Then we publish our own commitment.
    fn undone(self, context: &Context<'_>, spend: &Confirmed, mut outputs: Vec<Output>) -> Step {
        if self.intent != Intent::Seen {
            let told = [self.told.as_slice(), spend.lost()].concat();
            return Ok((Phase::Closing(Self { told, ..self }), outputs));
        }
        let commitments = self.before.commitments();
        let took_one = commitments.is_some_and(|known| known.took_since(spend.height));
        let ours = commitments.and_then(Commitments::local).cloned();
        match ours.filter(|_| took_one || !spend.lost().is_empty()) {
            None => Ok((Arc::unwrap_or_clone(self.before), outputs)),
            Some(state) => {
                let before = Arc::unwrap_or_clone(self.before);
                let (next, more) = Self::publishing(before, context, state, spend.lost())?;
                outputs.extend(more);
                Ok((next, outputs))
            }
        }
    }

    fn follow(&self, context: &Context<'_>, event: &ChainEvent) -> Step {
        match (&self.spend, event) {
            (None, ChainEvent::Connected { height, transactions }) => {
                let Some(commitments) = self.before.commitments() else {
                    return Ok((Phase::Closing(self.clone()), Vec::new()));
                };
                let found = funding::find(commitments, *height, transactions)?;
                let mut next = self.located(found);
                if let Some(by) = commitments.double_spend(transactions) {
                    let lost = Output::Event(ChannelEvent::FundingDoubleSpent { by });
                    return Ok((Phase::Closing(next).double_spent(*height), vec![lost]));
                }
                if spender(transactions, commitments.funding.outpoint).is_some() {
                    return next.spent(context, transactions, Vec::new());
                }
                let again = next.publish_again(context);
                Ok((Phase::Closing(next), again))
            }
            (None, ChainEvent::Disconnected { height }) => {
                Ok((Phase::Closing(self.without(*height)), Vec::new()))
            }
            (Some(confirmed), ChainEvent::Disconnected { height })
                if *height == confirmed.height =>
            {
                let mut undone = vec![Output::Event(ChannelEvent::CloseUndone)];
                undone.extend(confirmed.release());
                // The block may have had the funding transaction as well.
                let next = Self { spend: None, ..self.without(*height) };
                next.undone(context, confirmed, undone)
            }
            (Some(confirmed), ChainEvent::Connected { transactions, .. }) => {
                self.connect(confirmed, context, transactions, Vec::new())
            }
            // Amid a reorg there is no telling yet what the chain will be.
            (Some(confirmed), ChainEvent::Disconnected { height }) => {
                let mut confirmed = confirmed.clone();
                confirmed.disconnect(*height);
                Ok((Phase::Closing(self.spent_by(confirmed)), Vec::new()))
            }
        }
    }
}

/// Tells that the peer has taken an HTLC that we offered.
fn taken(id: HtlcId, payment_preimage: PaymentPreimage) -> [Output; 2] {
    let news = HtlcNews::Fulfilled { id, payment_preimage, attribution_data: None };
    [Output::Event(ChannelEvent::HtlcFulfilled { id, payment_preimage }), Output::Htlc(news)]
}

/// What becomes of the HTLCs that we offered over a channel that was never funded.
pub(super) fn lost_with_the_funding(commitments: &Commitments) -> Vec<Output> {
    offered::unpaid(commitments).flat_map(lost).collect()
}

/// Tells that an HTLC that we offered is lost to everybody.
fn lost(id: HtlcId) -> [Output; 2] {
    [Output::Event(ChannelEvent::HtlcFailed { id }), Output::Htlc(HtlcNews::TimedOut(id))]
}

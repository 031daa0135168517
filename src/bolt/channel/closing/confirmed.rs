//! A spend of the funding output in the chain, and everything of it that may become ours.
//!
//! ```text
//! a block -> spends of what is tracked: second stages are tracked in their turn, preimages are
//!            told upstream, claims of ours that were overtaken are given up
//!         -> what can be claimed now is claimed; what was published is published again
//!         -> HTLCs that cannot be taken from us any more are failed upstream
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::{Amount, OutPoint, Transaction, Txid};

use super::offered::Offered;
use super::{lost, taken};
use crate::bolt::channel::{
    ChannelEvent, Commitments, Context, Fault, Habit, IRREVOCABLE_DEPTH, Output, Purpose,
    Sponsorship,
};
use crate::bolt::onchain::urgency::{self, FeeOffer};
use crate::bolt::onchain::{self, FundingSpend, Rest, Right, Stake, StakedHtlc};
use crate::bolt::tx::claim::{Claim, ClaimPath, claim_for_fee, claim_transaction, weight};
use crate::bolt::tx::{Side, TxError};
use crate::bolt::units::{BlockHeight, FeeratePerKw, HtlcId};
use crate::bolt::wire::PaymentPreimage;

/// The most second stages that one transaction takes: it stays well below the standard weight.
const MOST_TOGETHER: usize = 200;

/// Claims that are not published yet, with the fee rates that they take.
#[derive(Default)]
struct Unpaid {
    /// Those for which the wallet has to pay, by what they are for and by their locktimes.
    poor: BTreeMap<(Purpose, u32), Vec<Pending>>,
    /// Those that are to be one penalty.
    penalties: Vec<Pending>,
}

/// A claim that is not published yet.
struct Pending {
    claim: Claim,
    feerate: FeeratePerKw,
    deadline: Option<BlockHeight>,
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
    /// The outputs in which we have a stake.
    tracked: BTreeMap<OutPoint, Tracked>,
    /// The HTLCs that we offered and whose fate nobody was told of.
    offered: Offered,
}

/// An output in which we have a stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// What gives us a right to it.
    pub stake: Arc<Stake>,
    /// The height of the block that has it.
    pub since: BlockHeight,
    /// What became of it.
    pub status: TrackedStatus,
    /// When it was first claimed together with the others with which it is claimed now.
    grouped: Option<BlockHeight>,
}

/// What became of an output in which we have a stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackedStatus {
    /// The time to claim it has not come, or a preimage is missing.
    Waiting,
    /// We published this claim.
    Published(Arc<Published>),
    /// A transaction spends it.
    Spent {
        /// In the block at this height.
        height: BlockHeight,
        /// Our claim, if it is that.
        claim: Option<Arc<Published>>,
    },
    /// It is not worth its fee.
    Abandoned,
    /// It is ours where it is.
    Resting,
}

impl TrackedStatus {
    /// The claim that we published, if it is not in a block yet.
    fn published(&self) -> Option<&Arc<Published>> {
        match self {
            Self::Published(published) => Some(published),
            Self::Waiting | Self::Spent { .. } | Self::Abandoned | Self::Resting => None,
        }
    }
}

/// A transaction of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The transaction.
    pub transaction: Transaction,
    /// What it is for.
    pub purpose: Purpose,
    /// The fee rate that was wanted for it.
    pub feerate: FeeratePerKw,
}

/// More than any transaction pays: what pays a fixed fee is never replaced.
const FIXED: FeeratePerKw = FeeratePerKw(u32::MAX);

impl Published {
    pub(super) fn broadcast(&self) -> Output {
        let Self { transaction, purpose, .. } = self.clone();
        Output::Broadcast { transaction, purpose }
    }

    /// Whether it spends one of these.
    pub(super) fn spends(&self, outputs: &[OutPoint]) -> bool {
        self.transaction.input.iter().any(|input| outputs.contains(&input.previous_output))
    }

    /// What gives the coins of a wallet back that it would have spent.
    pub(super) fn release(&self) -> Output {
        Output::Release(self.transaction.clone())
    }
}

impl Tracked {
    fn new(stake: Stake, since: BlockHeight) -> Self {
        let status = initial(&stake);
        Self { stake: Arc::new(stake), since, status, grouped: None }
    }
}

/// Before anything is done about an output.
fn initial(stake: &Stake) -> TrackedStatus {
    match stake.rest() {
        Rest::Restless => TrackedStatus::Waiting,
        Rest::Resolved => TrackedStatus::Resting,
    }
}

impl Confirmed {
    /// The block at this height has the spend, and what follows it there.
    ///
    /// # Errors
    /// [`Fault::Transaction`] if a key cannot be derived.
    pub(super) fn new(
        commitments: &Commitments,
        context: &Context<'_>,
        spend: &Transaction,
        told: &[HtlcId],
    ) -> Result<Self, Fault> {
        let kind = onchain::classify(commitments, spend);
        let stakes = onchain::stakes(commitments, context.secrets, kind, spend)?;
        let mut offered = Offered::new(commitments, kind, &stakes);
        for id in told {
            offered.settle(*id);
        }
        let tracked = stakes
            .into_iter()
            .map(|stake| (stake.outpoint, Tracked::new(stake, context.height)))
            .collect();
        let txid = spend.compute_txid();
        Ok(Self { txid, kind, height: context.height, tracked, offered })
    }

    /// The output of this outpoint, if we have a stake in it.
    pub fn tracked(&self, outpoint: OutPoint) -> Option<&Tracked> {
        self.tracked.get(&outpoint)
    }

    /// All outputs in which we have a stake.
    pub fn all_tracked(&self) -> impl Iterator<Item = &Tracked> {
        self.tracked.values()
    }

    /// The HTLCs that we offered and that were told to be lost.
    pub(super) fn lost(&self) -> &[HtlcId] {
        self.offered.lost()
    }

    /// Takes note of the spends in a block.
    ///
    /// # Errors
    /// [`Fault::Transaction`] if a key cannot be derived.
    pub(super) fn connect(
        &mut self,
        commitments: &Commitments,
        context: &Context<'_>,
        transactions: &[Transaction],
        outputs: &mut Vec<Output>,
    ) -> Result<(), Fault> {
        for transaction in transactions {
            for (index, input) in transaction.input.iter().enumerate() {
                let Some(tracked) = self.tracked.get_mut(&input.previous_output) else { continue };
                let overtaken = tracked.spent_by(transaction, context.height);
                let htlc = tracked.stake.htlc;
                if let Some(published) =
                    overtaken.filter(|_| !context.habits.has(Habit::NeverRegroups))
                {
                    self.regroup(&published, outputs);
                }
                let Some(htlc) = htlc else { continue };
                let is_ours = matches!(self.kind, FundingSpend::Local(_));
                if is_ours || !context.habits.has(Habit::OwnCommitmentOnly) {
                    self.read(htlc, (transaction, index), outputs);
                }
                let next = onchain::second_stage(
                    commitments,
                    context.secrets,
                    self.kind,
                    htlc,
                    (transaction, index),
                )?;
                if let Some(stake) = next {
                    self.tracked.insert(stake.outpoint, Tracked::new(stake, context.height));
                }
            }
        }
        Ok(())
    }

    /// Another transaction has taken a part of what one of ours claims.
    fn regroup(&mut self, overtaken: &Arc<Published>, outputs: &mut Vec<Output>) {
        self.give_up(overtaken, outputs);
        for input in &overtaken.transaction.input {
            if let Some(tracked) = self.tracked.get_mut(&input.previous_output) {
                tracked.grouped = None;
            }
        }
    }

    /// A transaction of ours cannot be mined any more: what else it claimed is to be claimed anew.
    fn give_up(&mut self, overtaken: &Arc<Published>, outputs: &mut Vec<Output>) {
        for input in &overtaken.transaction.input {
            if let Some(tracked) = self.tracked.get_mut(&input.previous_output)
                && tracked.status.published().is_some_and(|known| Arc::ptr_eq(known, overtaken))
            {
                tracked.status = TrackedStatus::Waiting;
            }
        }
        outputs.push(overtaken.release());
    }

    /// Asks for other coins in place of those that are missing.
    pub(super) fn replace_coins(
        &self,
        commitments: &Commitments,
        context: &Context<'_>,
        missing: &[OutPoint],
    ) -> Vec<Output> {
        let mut stale: BTreeMap<Txid, (&Published, Vec<Claim>)> = BTreeMap::new();
        for tracked in self.tracked.values() {
            if let Some(published) = tracked.status.published().filter(|p| p.spends(missing)) {
                let claim = tracked.stake.claim(preimage(commitments, &tracked.stake));
                let txid = published.transaction.compute_txid();
                let (_, claims) = stale.entry(txid).or_insert((published, Vec::new()));
                claims.extend(claim);
            }
        }
        let instead = stale.into_values().map(|(published, claims)| {
            let offer = offer(&claims, published.feerate, context);
            let (purpose, deadline) = (published.purpose, None);
            Output::Sponsor(Sponsorship { claims, purpose, offer, deadline, is_instead: true })
        });
        instead.collect()
    }

    /// The claims that are not in a block yet, one for each output that they take.
    fn published(&self) -> impl Iterator<Item = &Arc<Published>> {
        self.tracked.values().filter_map(|tracked| tracked.status.published())
    }

    /// Learns the preimage of an HTLC that we offered, if a spend shows it. Then its own fate does
    /// not matter any more. BOLT 5, "HTLC Output Handling: Local Commitment, Local Offers".
    fn read(
        &mut self,
        htlc: StakedHtlc,
        (spend, input): (&Transaction, usize),
        outputs: &mut Vec<Output>,
    ) {
        if htlc.offerer == Side::Local
            && let Some(payment_preimage) = htlc.preimage_in(spend, input)
        {
            self.fulfilled(htlc.id, payment_preimage, outputs);
        }
    }

    /// Reads the preimages that a transaction of the mempool shows.
    pub(super) fn see(&mut self, transaction: &Transaction, outputs: &mut Vec<Output>) {
        for (index, input) in transaction.input.iter().enumerate() {
            let tracked = self.tracked.get(&input.previous_output);
            if let Some(htlc) = tracked.and_then(|tracked| tracked.stake.htlc) {
                self.read(htlc, (transaction, index), outputs);
            }
        }
    }

    /// The peer has taken an HTLC that we offered.
    pub(super) fn fulfilled(
        &mut self,
        id: HtlcId,
        payment_preimage: PaymentPreimage,
        outputs: &mut Vec<Output>,
    ) {
        if self.offered.settle(id) {
            outputs.extend(taken(id, payment_preimage));
        }
    }

    /// The block at this height is no longer part of the chain, nor is what it had.
    pub(super) fn disconnect(&mut self, undone: BlockHeight) {
        self.tracked.retain(|_, tracked| tracked.since < undone);
        for tracked in self.tracked.values_mut() {
            if let TrackedStatus::Spent { height, claim } = &tracked.status
                && *height >= undone
            {
                let claim = claim.clone();
                tracked.status =
                    claim.map_or_else(|| initial(&tracked.stake), TrackedStatus::Published);
            }
        }
    }

    /// Publishes the claims whose time has come: the next block could hold them. What was published
    /// and is not in the chain yet is published again: a mempool may have refused it, or forgotten
    /// it. What pays too little by now is replaced.
    pub(super) fn publish(
        &mut self,
        commitments: &Commitments,
        context: &Context<'_>,
        outputs: &mut Vec<Output>,
    ) {
        self.withdraw_cheap(commitments, context, outputs);
        let published = self.published();
        let again: BTreeMap<Txid, Output> =
            published.map(|p| (p.transaction.compute_txid(), p.broadcast())).collect();
        let unpaid = self.claim_open(commitments, context, outputs);
        outputs.extend(again.into_values());
        self.have_paid(unpaid, context, outputs);
    }

    /// The same between two blocks, when the mempool is as it was: nothing is published again.
    pub(super) fn publish_new(
        &mut self,
        commitments: &Commitments,
        context: &Context<'_>,
        outputs: &mut Vec<Output>,
    ) {
        self.withdraw_cheap(commitments, context, outputs);
        let unpaid = self.claim_open(commitments, context, outputs);
        self.have_paid(unpaid, context, outputs);
    }

    /// Claims what can be claimed, as far as it pays for that by itself; the others are returned.
    fn claim_open(
        &mut self,
        commitments: &Commitments,
        context: &Context<'_>,
        outputs: &mut Vec<Output>,
    ) -> Unpaid {
        let Unpaid { mut poor, mut penalties } = Unpaid::default();
        for tracked in self.tracked.values_mut() {
            // What is not worth its fee now may be worth it when others pay less.
            let was_abandoned = tracked.status == TrackedStatus::Abandoned;
            let open = (was_abandoned || tracked.status == TrackedStatus::Waiting)
                && tracked.stake.is_open(tracked.since, context.height);
            if !open {
                continue;
            }
            let claim = tracked.stake.claim(preimage(commitments, &tracked.stake));
            let Some(claim) = claim else { continue };
            tracked.grouped.get_or_insert(context.height);
            let feerate = tracked.feerate(commitments, context);
            let deadline = tracked.deadline(commitments);
            let purpose = purpose(&claim.path);
            if claim.path.needs_coin() && is_worth_a_coin(&claim, context) {
                // The peer signed second stages for their locktime: others cannot join them.
                let lock_time = claim.path.lock_time().to_consensus_u32();
                let pending = Pending { claim, feerate, deadline };
                poor.entry((purpose, lock_time)).or_default().push(pending);
                continue;
            }
            if purpose == Purpose::Penalty && context.habits.has(Habit::OnePenalty) {
                penalties.push(Pending { claim, feerate, deadline });
                continue;
            }
            let outpoint = claim.outpoint;
            let pays = !claim.path.needs_coin();
            if let Some(Ok(published)) = pays.then(|| pay_itself(claim, feerate, context)) {
                outputs.push(published.broadcast());
                tracked.status = TrackedStatus::Published(Arc::new(published));
            } else if !was_abandoned {
                outputs.push(Output::Event(ChannelEvent::NotEconomical(outpoint)));
                tracked.status = TrackedStatus::Abandoned;
            }
        }
        Unpaid { poor, penalties }
    }

    /// Has claims published that do not pay for a transaction each by itself.
    fn have_paid(
        &mut self,
        Unpaid { poor, penalties }: Unpaid,
        context: &Context<'_>,
        outputs: &mut Vec<Output>,
    ) {
        outputs.extend(self.one_penalty(&penalties, context));
        for ((purpose, _), claims) in poor {
            outputs.extend(sponsors(purpose, claims, context));
        }
    }

    /// Takes all of these in one transaction.
    fn one_penalty(&mut self, claims: &[Pending], context: &Context<'_>) -> Vec<Output> {
        let feerate = claims.iter().map(|pending| pending.feerate).max().unwrap_or_default();
        let claims: Vec<Claim> = claims.iter().map(|pending| pending.claim.clone()).collect();
        let transaction = claim_transaction(&claims, context.destination.clone(), feerate);
        let purpose = Purpose::Penalty;
        transaction.map_or_else(
            |_| Vec::new(),
            |transaction| self.sponsored(Published { transaction, purpose, feerate }),
        )
    }

    /// Takes back what was published at a fee rate that is too low by now.
    fn withdraw_cheap(
        &mut self,
        commitments: &Commitments,
        context: &Context<'_>,
        outputs: &mut Vec<Output>,
    ) {
        if context.habits.has(Habit::FixedFees) || context.habits.has(Habit::NeverRegroups) {
            return;
        }
        let cheap = self.tracked.values().filter_map(|tracked| {
            let published = tracked.status.published()?;
            let wanted = tracked.feerate(commitments, context);
            let is_cheap = urgency::replaces(published.feerate, wanted)
                && tracked.can_pay(commitments, context, wanted);
            is_cheap.then(|| (published.transaction.compute_txid(), Arc::clone(published)))
        });
        let cheap: BTreeMap<Txid, Arc<Published>> = cheap.collect();
        for cheap in cheap.values() {
            self.give_up(cheap, outputs);
        }
    }

    /// The wallet has added what claims could not pay: this transaction makes them, and not those
    /// that did.
    pub(super) fn sponsored(&mut self, published: Published) -> Vec<Output> {
        let published = Arc::new(published);
        let mut before: BTreeMap<Txid, Arc<Published>> = BTreeMap::new();
        for input in &published.transaction.input {
            if let Some(tracked) = self.tracked.get_mut(&input.previous_output) {
                let known = tracked.status.published().cloned();
                before.extend(known.map(|known| (known.transaction.compute_txid(), known)));
                tracked.status = TrackedStatus::Published(Arc::clone(&published));
            }
        }
        let mut outputs = Vec::new();
        for before in before.values() {
            self.give_up(before, &mut outputs);
        }
        outputs.push(published.broadcast());
        outputs
    }

    /// The spend itself is undone: what its claims would have spent is free again.
    pub(super) fn release(&self) -> impl Iterator<Item = Output> {
        self.published().map(|published| published.release())
    }

    /// Tells of the HTLCs that we offered and that nobody can take any more.
    pub(super) fn fail_offered(
        &mut self,
        commitments: &Commitments,
        context: &Context<'_>,
        outputs: &mut Vec<Output>,
    ) {
        let depth = context.deadlines.reasonable_depth;
        let is_deep = |at: BlockHeight| is_deep(at, context.height, depth);
        let tracked = &self.tracked;
        let came_back = |outpoint: &OutPoint| {
            tracked.get(outpoint).is_some_and(|tracked| match &tracked.status {
                TrackedStatus::Spent { height, .. } => is_deep(*height),
                // Nobody would ever pay to take it.
                TrackedStatus::Abandoned => {
                    is_deep(self.height) && tracked.is_hopeless(commitments, context)
                }
                TrackedStatus::Waiting | TrackedStatus::Published(_) | TrackedStatus::Resting => {
                    false
                }
            })
        };
        let forgets = context.habits.has(Habit::ForgetsDust);
        let gone = self.offered.take_gone(is_deep(self.height), forgets, came_back);
        outputs.extend(gone.into_iter().flat_map(lost));
    }

    /// Whether everything is settled for good. BOLT 5, "General Nomenclature": irrevocably
    /// resolved.
    pub(super) fn is_resolved(&self, commitments: &Commitments, context: &Context<'_>) -> bool {
        let now = context.height;
        let is_deep = |at: BlockHeight| is_deep(at, now, IRREVOCABLE_DEPTH);
        let is_lost = |stake: &Stake| match &stake.right {
            // Without its preimage an HTLC of the peer's is resolved once it has timed out.
            Right::Preimage { cltv_expiry, .. } => {
                preimage(commitments, stake).is_none() && now.0 >= cltv_expiry.0
            }
            Right::Keys { .. } | Right::Timeout { .. } => false,
        };
        is_deep(self.height)
            && self.offered.is_empty()
            && self.tracked.values().all(|tracked| match &tracked.status {
                TrackedStatus::Waiting => is_lost(&tracked.stake),
                TrackedStatus::Published(_) => false,
                TrackedStatus::Spent { height, .. } => is_deep(*height),
                // Others may pay less one day.
                TrackedStatus::Abandoned => tracked.is_hopeless(commitments, context),
                TrackedStatus::Resting => true,
            })
    }
}

/// What a transaction with these claims pays: of what it takes half is given away at the most, to be
/// in time.
fn offer(claims: &[Claim], wanted: FeeratePerKw, context: &Context<'_>) -> FeeOffer {
    let amounts = claims.iter().map(|claim| claim.amount.to_sat());
    let limit = Amount::from_sat(amounts.fold(0, u64::saturating_add) / 2);
    FeeOffer { least: context.feerate, wanted, limit, parent: None }
}

/// A claim that pays its fee from what it takes.
fn pay_itself(
    claim: Claim,
    feerate: FeeratePerKw,
    context: &Context<'_>,
) -> Result<Published, TxError> {
    let feerate = if claim.path.combines() { feerate } else { FIXED };
    let purpose = purpose(&claim.path);
    let claims = [claim];
    let fee = offer(&claims, feerate, context).fee(weight(&claims, context.destination));
    let transaction = claim_for_fee(&claims, &[], context.destination.clone(), fee)?;
    Ok(Published { transaction, purpose, feerate })
}

/// Whether what a claim takes is more than what others pay for its part of a transaction.
fn is_worth_a_coin(claim: &Claim, context: &Context<'_>) -> bool {
    let weight = weight(std::slice::from_ref(claim), context.destination);
    context.feerate.fee(weight) < claim.amount
}

/// Has the wallet pay for claims, several in one transaction.
fn sponsors(purpose: Purpose, mut claims: Vec<Pending>, context: &Context<'_>) -> Vec<Output> {
    claims.sort_by_key(|pending| urgency::rank(pending.deadline, pending.claim.amount));
    let batches = claims.chunks(MOST_TOGETHER).map(|batch| {
        let wanted = batch.iter().map(|pending| pending.feerate).max().unwrap_or_default();
        let deadline = batch.first().and_then(|pending| pending.deadline);
        let claims: Vec<Claim> = batch.iter().map(|pending| pending.claim.clone()).collect();
        let offer = offer(&claims, wanted, context);
        Output::Sponsor(Sponsorship { claims, purpose, offer, deadline, is_instead: false })
    });
    batches.collect()
}

impl Tracked {
    /// Whether a claim at this fee rate can be made at all: if not, a cheaper one is better.
    fn can_pay(
        &self,
        commitments: &Commitments,
        context: &Context<'_>,
        feerate: FeeratePerKw,
    ) -> bool {
        let claim = self.stake.claim(preimage(commitments, &self.stake));
        claim.is_some_and(|claim| {
            if claim.path.needs_coin() {
                is_worth_a_coin(&claim, context)
            } else {
                pay_itself(claim, feerate, context).is_ok()
            }
        })
    }

    /// Whether a claim of it will never be worth its fee, however little others pay.
    fn is_hopeless(&self, commitments: &Commitments, context: &Context<'_>) -> bool {
        let least = Context { feerate: urgency::LEAST_RELAYED, ..*context };
        !self.can_pay(commitments, &least, urgency::LEAST_RELAYED)
    }

    /// The height by which a claim of it has to be mined, if somebody else could be faster.
    fn deadline(&self, commitments: &Commitments) -> Option<BlockHeight> {
        let htlc = self.stake.htlc.and_then(|htlc| commitments.htlc(htlc.offerer, htlc.id));
        self.stake.deadline(self.since, htlc.and_then(|htlc| htlc.upstream_expiry))
    }

    /// The fee rate that a claim of it takes now.
    fn feerate(&self, commitments: &Commitments, context: &Context<'_>) -> FeeratePerKw {
        let raises = !context.habits.has(Habit::FixedFees);
        let deadline = if context.habits.has(Habit::RestartsFees) {
            urgency::beginning(self.grouped.unwrap_or(context.height))
        } else {
            self.deadline(commitments)
        };
        let deadline = deadline.filter(|_| raises);
        urgency::feerate(context.feerate, context.height, deadline)
    }

    /// A block has a spend of it. Returns the claim of ours that this overtakes.
    fn spent_by(&mut self, spend: &Transaction, height: BlockHeight) -> Option<Arc<Published>> {
        let published = self.status.published().cloned();
        let txid = spend.compute_txid();
        let (claim, overtaken) = match published {
            Some(ours) if ours.transaction.compute_txid() == txid => (Some(ours), None),
            other => (None, other),
        };
        self.status = TrackedStatus::Spent { height, claim };
        overtaken
    }
}

/// The preimage of an output's HTLC, if we have said that we take it.
fn preimage(commitments: &Commitments, stake: &Stake) -> Option<PaymentPreimage> {
    let htlc = stake.htlc?;
    commitments.htlc(htlc.offerer, htlc.id)?.preimage()
}

fn is_deep(at: BlockHeight, now: BlockHeight, depth: u32) -> bool {
    now.blocks_since(at).is_some_and(|above| above.saturating_add(1) >= depth)
}

fn purpose(path: &ClaimPath) -> Purpose {
    match path {
        ClaimPath::Delayed(_) => Purpose::DelayedSweep,
        ClaimPath::Revocation | ClaimPath::HtlcRevocation { .. } => Purpose::Penalty,
        ClaimPath::SecondStage(second) if second.preimage.is_some() => Purpose::HtlcSuccess,
        ClaimPath::SecondStage(_) => Purpose::HtlcTimeout,
        ClaimPath::ToRemote { .. }
        | ClaimPath::Coin(_)
        | ClaimPath::HtlcPreimage { .. }
        | ClaimPath::HtlcTimeout { .. } => Purpose::RemoteSweep,
        ClaimPath::Anchor => Purpose::AnchorBump,
    }
}

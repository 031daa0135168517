//! A spend of the funding output that we publish ourselves, and the child that pays for it if it
//! does not pay enough. BOLT 5, "Failing a Channel".

use std::sync::Arc;

use bitcoin::{Amount, OutPoint, Transaction};

use super::Published;
use crate::bolt::channel::{Context, Habit, LocalState, Output, Purpose, Sponsorship};
use crate::bolt::onchain::urgency::{self, FeeOffer, Parent};
use crate::bolt::tx::claim::{Claim, ClaimPath};
use crate::bolt::tx::{ChannelType, CommitmentTransaction, OutputRole, Side, fee, script};
use crate::bolt::units::{BlockHeight, FeeratePerKw};

/// A spend of the funding output, as we publish it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Publication {
    spend: Published,
    /// What spends our anchor, if that was needed.
    child: Option<Published>,
    /// The newest commitment that it is, if it is one.
    state: Option<Arc<LocalState>>,
}

impl Publication {
    /// The mutual close: both sides agreed on its fee.
    pub(super) fn closing(transaction: Transaction, feerate: FeeratePerKw) -> Self {
        let spend = Published { transaction, purpose: Purpose::Closing, feerate };
        Self { spend, child: None, state: None }
    }

    /// Our newest commitment, signed.
    pub(super) fn commitment(state: Arc<LocalState>, transaction: Transaction) -> Self {
        let purpose = Purpose::Commitment(state.commitment.number);
        let spend = Published { transaction, purpose, feerate: state.commitment.feerate };
        Self { spend, child: None, state: Some(state) }
    }

    /// Publishes it: at first, and once more, with every block that does not have it. What pays too
    /// little for that is not published alone. The closer the height comes by which it has to be
    /// mined, the more its child pays.
    pub(super) fn publish(
        &mut self,
        context: &Context<'_>,
        deadline: Option<BlockHeight>,
    ) -> Vec<Output> {
        let raises = !context.habits.has(Habit::FixedFees);
        let wanted = urgency::feerate(context.feerate, context.height, deadline.filter(|_| raises));
        let state = self.state.as_ref();
        let sponsorship = state.and_then(|state| sponsorship(state, context, wanted, deadline));
        let is_cheap = |child: &mut Published| raises && urgency::replaces(child.feerate, wanted);
        let Some(sponsorship) = sponsorship else { return self.publish_as_it_is() };
        if let Some(cheap) = self.child.take_if(is_cheap) {
            return vec![cheap.release(), Output::Sponsor(sponsorship)];
        }
        if self.child.is_some() {
            return self.publish_as_it_is();
        }
        vec![Output::Sponsor(sponsorship)]
    }

    /// The commitment, and the child that it has, if it has one.
    fn publish_as_it_is(&self) -> Vec<Output> {
        vec![
            self.child.as_ref().map_or_else(|| self.spend.broadcast(), |child| self.package(child)),
        ]
    }

    /// The wallet has paid for the child.
    pub(super) fn sponsored(&mut self, child: Published) -> Vec<Output> {
        let package = self.package(&child);
        let before = self.child.replace(child);
        before.iter().map(Published::release).chain([package]).collect()
    }

    /// The wallet cannot pay for a child: perhaps it is mined as it is.
    pub(super) fn alone(&self) -> Output {
        self.spend.broadcast()
    }

    /// Asks for another child in place of one that spends coins which are missing.
    pub(super) fn replace_coins(
        &self,
        context: &Context<'_>,
        missing: &[OutPoint],
    ) -> Option<Output> {
        let stale = self.child.as_ref().filter(|child| child.spends(missing))?;
        let sponsorship = sponsorship(self.state.as_ref()?, context, stale.feerate, None)?;
        Some(Output::Sponsor(Sponsorship { is_instead: true, ..sponsorship }))
    }

    /// The funding output is spent: the child is of no more use, whether its parent was mined without
    /// it or not at all. Should a reorg undo that, it will have another one.
    pub(super) fn give_up(&mut self) -> Option<Output> {
        self.child.take().map(|child| child.release())
    }

    fn package(&self, child: &Published) -> Output {
        let pair = |published: &Published| (published.transaction.clone(), published.purpose);
        Output::BroadcastPackage(vec![pair(&self.spend), pair(child)])
    }
}

/// What a commitment pays in outputs of some kinds.
fn paid(commitment: &CommitmentTransaction, of: impl Fn(OutputRole) -> bool) -> Amount {
    let outputs = commitment.roles.iter().zip(&commitment.unsigned.output);
    let amounts = outputs.filter(|(role, _)| of(**role)).map(|(_, output)| output.value);
    amounts.fold(Amount::ZERO, |sum, value| sum.checked_add(value).unwrap_or(sum))
}

/// Has the wallet pay by our anchor for what a commitment pays less than this rate. To be in time, half
/// of what its HTLCs hold is given away at the most.
fn sponsorship(
    state: &LocalState,
    context: &Context<'_>,
    wanted: FeeratePerKw,
    deadline: Option<BlockHeight>,
) -> Option<Sponsorship> {
    let LocalState { commitment, transaction, .. } = state;
    if commitment.channel_type != ChannelType::Anchors {
        return None;
    }
    let (outpoint, output) = transaction.output(OutputRole::Anchor(Side::Local))?;
    let htlcs = paid(transaction, |role| matches!(role, OutputRole::Htlc(_)));
    let balance = paid(transaction, |role| role == OutputRole::ToLocal);
    let fee = commitment.funding.amount.checked_sub(paid(transaction, |_| true))?;
    let weight = fee::commitment_weight(commitment.channel_type, commitment.untrimmed().count());
    // Nothing is in a hurry that costs more than it is worth.
    let (least, limit) = (context.feerate, Amount::from_sat(htlcs.to_sat() / 2));
    let is_worth_it = least.fee(weight) < fee.checked_add(htlcs)?.checked_add(balance)?;
    if wanted.fee(weight) <= fee || !is_worth_it {
        return None;
    }
    let claim = Claim {
        outpoint,
        amount: output.value,
        path: ClaimPath::Anchor,
        script: script::anchor(&commitment.funding.local_pubkey),
        key: context.secrets.funding,
    };
    let offer = FeeOffer { least, wanted, limit, parent: Some(Parent { weight, fee }) };
    let (claims, purpose) = (vec![claim], Purpose::AnchorBump);
    Some(Sponsorship { claims, purpose, offer, deadline, is_instead: false })
}

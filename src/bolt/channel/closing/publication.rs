//! A spend of the funding output that we publish ourselves, and the child that pays for it if it
//! does not pay enough. BOLT 5, "Failing a Channel".

use std::sync::Arc;

use bitcoin::{Amount, OutPoint, Transaction};

use super::Published;
use crate::bolt::channel::{Context, Habit, LocalState, Output, Purpose, Sponsorship};
use crate::bolt::onchain::urgency::{self, FeeOffer};
use crate::bolt::tx::claim::{Claim, ClaimPath};
use crate::bolt::tx::{ChannelType, CommitmentTransaction, OutputRole, Side, fee, script};
use crate::bolt::units::FeeratePerKw;

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
    /// little for that is not published alone.
    pub(super) fn publish(&self, context: &Context<'_>) -> Vec<Output> {
        let target = context.feerate;
        let raises = !context.habits.has(Habit::FixedFees);
        let wanted = self.state.as_ref().and_then(|state| sponsorship(state, context, target));
        let wanted = wanted.map(Output::Sponsor);
        match (&self.child, wanted) {
            (None, None) => vec![self.spend.broadcast()],
            (None, Some(sponsor)) => vec![sponsor],
            (Some(child), Some(sponsor)) if raises && urgency::replaces(child.feerate, target) => {
                vec![child.release(), sponsor]
            }
            (Some(child), _) => vec![self.package(child)],
        }
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
        let sponsorship = sponsorship(self.state.as_ref()?, context, stale.feerate)?;
        Some(Output::Sponsor(Sponsorship { is_instead: true, ..sponsorship }))
    }

    /// It will never be mined: what the wallet paid for the child is free again.
    pub(super) fn give_up(&self) -> Option<Output> {
        self.child.as_ref().map(Published::release)
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

/// Has the wallet pay by our anchor for what a commitment pays less than this rate.
fn sponsorship(
    state: &LocalState,
    context: &Context<'_>,
    feerate: FeeratePerKw,
) -> Option<Sponsorship> {
    let LocalState { commitment, transaction, .. } = state;
    if commitment.channel_type != ChannelType::Anchors {
        return None;
    }
    let (outpoint, output) = transaction.output(OutputRole::Anchor(Side::Local))?;
    let is_ours = |role| matches!(role, OutputRole::ToLocal | OutputRole::Htlc(_));
    let at_stake = paid(transaction, is_ours);
    let fee = commitment.funding.amount.checked_sub(paid(transaction, |_| true))?;
    let weight = fee::commitment_weight(commitment.channel_type, commitment.untrimmed().count());
    // Nothing is in a hurry that costs more than it is worth.
    let is_worth_it = |short: &Amount| *short > Amount::ZERO && *short < at_stake;
    let short = feerate.fee(weight).checked_sub(fee).filter(is_worth_it)?;
    let claim = Claim {
        outpoint,
        amount: output.value,
        path: ClaimPath::Anchor,
        script: script::anchor(&commitment.funding.local_pubkey),
        key: context.secrets.funding,
    };
    let offer = FeeOffer { besides: short, ..FeeOffer::exactly(feerate) };
    let (claims, purpose) = (vec![claim], Purpose::AnchorBump);
    Some(Sponsorship { claims, purpose, offer, is_instead: false })
}

//! The choice among routes: first by what is known of them, then by what their hops say now.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::message::{PollAnswer, Terms};
use super::{Hop, Name, Route};
use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};

/// Routes by what does not change from one payment to the next: the fewest hops first, among these
/// the one whose smallest channel is largest, among these the cheapest by what is known of fees.
pub fn ranked<N: Name>(mut routes: Vec<Route<N>>, amount: Msat) -> Vec<Route<N>> {
    routes.sort_by_key(|route| {
        let smallest = route.iter().map(|hop| hop.capacity).min();
        let fee = amounts(route, amount, |hop| hop.policy.map(Terms::from));
        let cost = fee.and_then(|amounts| amounts.first().copied()).unwrap_or(Msat(u64::MAX));
        (route.len(), Reverse(smallest), cost)
    });
    routes
}

/// Somebody to ask whether a channel can carry an amount now, and the hops that lead there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollQuestion<N> {
    /// Which of the routes, counted from 0.
    pub route: usize,
    /// Whom to ask: the node that would forward.
    pub whom: N,
    /// Over which channel it would forward.
    pub channel: ShortChannelId,
    /// What it would forward.
    pub amount: Msat,
    /// The hops from the sender to it.
    pub path: Vec<Hop<N>>,
}

/// A route whose every hop says that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payable<N> {
    /// Which of the routes, counted from 0.
    pub index: usize,
    /// The hops, with the terms that they have just named.
    pub route: Route<N>,
    /// What each hop carries, the sender's first.
    pub amounts: Vec<Msat>,
    /// What the sender pays beyond the amount.
    pub fee: Msat,
    /// The sum of the delays that the forwarding nodes ask for, in blocks.
    pub delay: u32,
}

/// The poll of the best routes. The sender's own channel is asked like any other's, without a path,
/// so that its caller knows one way only.
#[derive(Clone, Debug)]
pub struct Polling<N> {
    amount: Msat,
    routes: Vec<Polled<N>>,
}

#[derive(Clone, Debug)]
struct Polled<N> {
    route: Route<N>,
    /// What each hop has said.
    said: Vec<Said>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Carries { amount: Msat, terms: Terms },
    No,
}

impl<N: Name> Polling<N> {
    /// Polls the first few of these routes; [`ranked`] puts them in order.
    pub fn new(routes: Vec<Route<N>>, amount: Msat, few: usize) -> Self {
        let routes = routes.into_iter().take(few).map(|route| {
            let said = vec![Said::Nothing; route.len()];
            Polled { route, said }
        });
        Self { amount, routes: routes.collect() }
    }

    /// All that may be asked now, at once: every hop that has not said that it carries the amount
    /// which it would have to. As answers change what earlier hops carry, there may be a second
    /// round; a route of which a hop has refused is asked no more.
    pub fn questions(&self) -> Vec<PollQuestion<N>> {
        let routes = self.routes.iter().enumerate();
        routes.flat_map(|(index, polled)| polled.questions(index, self.amount)).collect()
    }

    /// What a node has said to a question. What was not asked is passed over.
    pub fn answered(&mut self, question: &PollQuestion<N>, answer: PollAnswer) {
        let said = match answer {
            PollAnswer::Carries(terms) => Said::Carries { amount: question.amount, terms },
            PollAnswer::CannotNow | PollAnswer::NotMine => Said::No,
        };
        let Some(polled) = self.routes.get_mut(question.route) else { return };
        for (hop, place) in polled.route.iter().zip(&mut polled.said) {
            if hop.channel == question.channel && hop.from == question.whom {
                *place = said;
            }
        }
    }

    /// A node has not answered: a route over it does not hold.
    pub fn silent(&mut self, question: &PollQuestion<N>) {
        self.answered(question, PollAnswer::CannotNow);
    }

    /// The channels that do not carry what they would have to, or whose node did not answer.
    pub fn refused(&self) -> BTreeSet<ShortChannelId> {
        let said = self.routes.iter().flat_map(|polled| polled.route.iter().zip(&polled.said));
        said.filter(|(_, said)| **said == Said::No).map(|(hop, _)| hop.channel).collect()
    }

    /// The routes that hold, the cheapest first; of equal fees the one with the lesser delay, then
    /// the one that was ranked higher. The payment takes the first, and the next if that fails.
    pub fn payable(&self) -> Vec<Payable<N>> {
        let routes = self.routes.iter().enumerate();
        let held = routes.filter_map(|(index, polled)| polled.payable(index, self.amount));
        let mut held: Vec<_> = held.collect();
        held.sort_by_key(|payable| (payable.fee, payable.delay, payable.index));
        held
    }
}

impl<N: Name> Polled<N> {
    /// What each hop would carry, by what the hops have said and, before, by what is known.
    fn amounts(&self, amount: Msat) -> Option<Vec<Msat>> {
        let said: Vec<(ShortChannelId, &Said)> =
            self.route.iter().map(|hop| hop.channel).zip(&self.said).collect();
        amounts(&self.route, amount, |hop| {
            let said = said.iter().find(|(channel, _)| *channel == hop.channel);
            match said.map(|(_, said)| *said) {
                Some(Said::Carries { terms, .. }) => Some(*terms),
                Some(Said::Nothing | Said::No) | None => hop.policy.map(Terms::from),
            }
        })
    }

    fn questions(&self, index: usize, amount: Msat) -> Vec<PollQuestion<N>> {
        if self.said.contains(&Said::No) {
            return Vec::new();
        }
        let Some(amounts) = self.amounts(amount) else { return Vec::new() };
        let hops = self.route.iter().zip(&self.said).zip(amounts).enumerate();
        let open = hops.filter(|(_, ((_, said), needed))| match said {
            Said::Carries { amount, .. } => amount < needed,
            Said::Nothing => true,
            Said::No => false,
        });
        let questions = open.map(|(at, ((hop, _), amount))| PollQuestion {
            route: index,
            whom: hop.from,
            channel: hop.channel,
            amount,
            path: self.route.iter().take(at).copied().collect(),
        });
        questions.collect()
    }

    fn payable(&self, index: usize, amount: Msat) -> Option<Payable<N>> {
        if self.said.contains(&Said::No) || !self.questions(index, amount).is_empty() {
            return None;
        }
        let amounts = self.amounts(amount)?;
        let fee = amounts.first()?.checked_sub(amount)?;
        let mut route = self.route.clone();
        let mut delay = 0_u32;
        for (at, (hop, said)) in route.iter_mut().zip(&self.said).enumerate() {
            if let Said::Carries { terms, .. } = said {
                if let Some(policy) = &mut hop.policy {
                    policy.fee_base_msat = terms.fee_base_msat;
                    policy.fee_proportional_millionths = terms.fee_proportional_millionths;
                    policy.cltv_expiry_delta = terms.cltv_expiry_delta;
                }
                if at > 0 {
                    let CltvExpiryDelta(blocks) = terms.cltv_expiry_delta;
                    delay = delay.saturating_add(u32::from(blocks));
                }
            }
        }
        Some(Payable { index, route, amounts, fee, delay })
    }
}

/// What each hop carries so that the last carries the amount: every node but the sender takes its
/// fee out of what it gets. `None` if it does not fit into 64 bits.
fn amounts<N: Name>(
    route: &[Hop<N>],
    amount: Msat,
    terms: impl Fn(&Hop<N>) -> Option<Terms>,
) -> Option<Vec<Msat>> {
    let mut amounts = Vec::with_capacity(route.len());
    let mut carried = amount;
    for (left, hop) in (0..route.len()).rev().zip(route.iter().rev()) {
        amounts.push(carried);
        if left > 0 {
            let fee = terms(hop).map_or(Some(Msat::ZERO), |terms| terms.fee(carried))?;
            carried = carried.checked_add(fee)?;
        }
    }
    amounts.reverse();
    Some(amounts)
}

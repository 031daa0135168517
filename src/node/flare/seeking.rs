//! A way that is sought with Flare: tables are asked for until a route appears, then the best routes are
//! asked hop by hop whether they hold.

use secp256k1::PublicKey;

use super::super::route::{PathHop, RelayPolicy};
use super::{About, FlareEvent, MOST_LINKS, MOST_PARTS, Node, NodeOutput, told};
use crate::bolt::routing::flare::{
    Hop, Link, Message as Flare, NodeId, Payable, Poll, PollAnswer, PollQuestion, Polling, Search,
    SearchLimits, Step, TableParts, Terms, ranked,
};
use crate::bolt::units::Msat;

/// So many of the best routes are polled.
const FEW: usize = 3;
/// So many times other routes are sought when none of the best holds.
const MOST_ROUNDS: u32 = 10;
/// So many routes are looked for.
const ROUTES: usize = 5;

/// A way to seek.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlareSought {
    /// To whom.
    pub payee: PublicKey,
    /// What is to arrive there.
    pub amount: Msat,
    /// The payee's routing table, which it hands over with its invoice.
    pub table: Vec<Link<NodeId>>,
}

/// A way that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlareFound {
    /// Its hops.
    pub path: Vec<PathHop>,
    /// What all nodes on it keep together.
    pub fee: Msat,
    /// How many tables were asked for.
    pub queries: u32,
    /// How many channels were asked whether they carry the amount.
    pub polls: u32,
}

/// A channel that is asked about.
pub(super) type Polled = PollQuestion<NodeId>;

/// How far the seeking has come.
#[derive(Clone, Debug)]
pub(super) struct Seeking {
    amount: Msat,
    search: Search<NodeId>,
    polling: Option<Polling<NodeId>>,
    polls: u32,
    /// How often none of the best routes held.
    rounds: u32,
    /// What was asked and is not answered.
    open: u32,
}

impl Node {
    /// The way that was sought last, once the seeking is over; or why there is none.
    pub fn flare_found(&self) -> Option<&Result<FlareFound, String>> {
        self.flare.as_ref()?.found.as_ref()
    }

    /// Begins to seek a way. [`Node::flare_found`] has what came of it.
    pub(in super::super) fn seek_by_flare(&mut self, sought: &FlareSought) -> Vec<NodeOutput> {
        let own = NodeId::from(self.id);
        let Some(flare) = &mut self.flare else { return Vec::new() };
        let limits =
            SearchLimits { queries: flare.policy.queries, routes: ROUTES, links: MOST_LINKS };
        let links = flare.links();
        let known = links.iter().chain(&sought.table);
        let search = Search::new(own, sought.payee.into(), sought.amount, limits, known);
        let seeking =
            Seeking { amount: sought.amount, search, polling: None, polls: 0, rounds: 0, open: 0 };
        (flare.seeking, flare.found) = (Some(seeking), None);
        self.go_on_seeking()
    }

    fn go_on_seeking(&mut self) -> Vec<NodeOutput> {
        let Some(flare) = &mut self.flare else { return Vec::new() };
        let Some(seeking) = &mut flare.seeking else { return Vec::new() };
        if seeking.open > 0 {
            return Vec::new();
        }
        if seeking.polling.is_some() {
            return self.go_on_polling();
        }
        match seeking.search.step() {
            Step::Ask { whom, path } => {
                seeking.open = 1;
                let id = flare.fresh_id();
                let about = About::Table(TableParts::new(MOST_PARTS));
                self.ask(whom, &path, about, &Flare::AskTable { id })
            }
            Step::Routes(routes) => {
                let amount = seeking.amount;
                seeking.polling = Some(Polling::new(ranked(routes, amount), amount, FEW));
                self.go_on_polling()
            }
            Step::NoRoute => self.end_seeking(Err("no way appears in all tables asked for")),
        }
    }

    /// Asks every hop that has not said that it holds. Own channels answer themselves.
    fn go_on_polling(&mut self) -> Vec<NodeOutput> {
        let own = NodeId::from(self.id);
        let mut outputs = Vec::new();
        loop {
            let seeking = self.flare.as_mut().and_then(|flare| flare.seeking.as_mut());
            let Some(polling) = seeking.and_then(|seeking| seeking.polling.as_ref()) else {
                return outputs;
            };
            let questions = polling.questions();
            let (ours, others): (Vec<Polled>, Vec<Polled>) =
                questions.into_iter().partition(|question| question.whom == own);
            if ours.is_empty() && others.is_empty() {
                let payable = polling.payable().into_iter().next();
                outputs.extend(match payable {
                    Some(payable) => self.end_seeking(Ok(payable)),
                    None => self.seek_another(),
                });
                return outputs;
            }
            for question in &ours {
                let answer = self.poll_answer(question.channel, question.amount);
                self.note_poll(question, Some(answer));
            }
            // What is asked first decides whether the rest needs asking.
            if ours.is_empty() {
                outputs.extend(self.poll_all(&others));
                return outputs;
            }
        }
    }

    /// Of all ways that were asked, none holds: goes on without the channels that were in the way.
    fn seek_another(&mut self) -> Vec<NodeOutput> {
        let seeking = self.flare.as_mut().and_then(|flare| flare.seeking.as_mut());
        let Some(seeking) = seeking else { return Vec::new() };
        let refused = seeking.polling.take().map(|polling| polling.refused()).unwrap_or_default();
        seeking.rounds = seeking.rounds.saturating_add(1);
        if refused.is_empty() || seeking.rounds >= MOST_ROUNDS {
            return self.end_seeking(Err("no way holds that was asked"));
        }
        seeking.search.avoid(&refused);
        self.go_on_seeking()
    }

    /// Asks each channel once, whatever number of routes go over it.
    fn poll_all(&mut self, questions: &[Polled]) -> Vec<NodeOutput> {
        let mut outputs = Vec::new();
        for question in questions {
            let Some(flare) = &mut self.flare else { return outputs };
            let id = flare.fresh_id();
            if let Some(seeking) = &mut flare.seeking {
                seeking.open = seeking.open.saturating_add(1);
                seeking.polls = seeking.polls.saturating_add(1);
            }
            let poll = Flare::Poll(Poll { id, channel: question.channel, amount: question.amount });
            let path: Vec<Link<NodeId>> = question.path.iter().map(link).collect();
            let about = About::Poll(Box::new(question.clone()));
            outputs.extend(self.ask(question.whom, &path, about, &poll));
        }
        outputs
    }

    fn note_poll(&mut self, question: &Polled, answer: Option<PollAnswer>) {
        let seeking = self.flare.as_mut().and_then(|flare| flare.seeking.as_mut());
        let Some(polling) = seeking.and_then(|seeking| seeking.polling.as_mut()) else { return };
        match answer {
            Some(answer) => polling.answered(question, answer),
            None => polling.silent(question),
        }
    }

    /// A node has said what its channel does, or nothing.
    pub(super) fn take_poll(
        &mut self,
        question: &Polled,
        answer: Option<PollAnswer>,
    ) -> Vec<NodeOutput> {
        self.note_poll(question, answer);
        self.close_question();
        self.go_on_seeking()
    }

    /// A node has handed over its table, or nothing.
    pub(super) fn take_table(&mut self, whom: NodeId, links: &[Link<NodeId>]) -> Vec<NodeOutput> {
        let seeking = self.flare.as_mut().and_then(|flare| flare.seeking.as_mut());
        if let Some(seeking) = seeking {
            seeking.search.answered(whom, links);
        }
        self.close_question();
        self.go_on_seeking()
    }

    fn close_question(&mut self) {
        if let Some(seeking) = self.flare.as_mut().and_then(|flare| flare.seeking.as_mut()) {
            seeking.open = seeking.open.saturating_sub(1);
        }
    }

    fn end_seeking(&mut self, end: Result<Payable<NodeId>, &str>) -> Vec<NodeOutput> {
        let Some(flare) = &mut self.flare else { return Vec::new() };
        let Some(seeking) = flare.seeking.take() else { return Vec::new() };
        let (queries, polls) = (seeking.search.queries(), seeking.polls);
        let event = FlareEvent::Sought { found: end.is_ok(), queries, polls };
        flare.found = Some(match end {
            Ok(payable) => {
                let path = payable.route.iter().filter_map(path_hop).collect();
                Ok(FlareFound { path, fee: payable.fee, queries, polls })
            }
            Err(why) => Err(format!("{why} ({queries} tables, {polls} channels asked)")),
        });
        vec![told(None, event)]
    }
}

fn link(hop: &Hop<NodeId>) -> Link<NodeId> {
    Link::new(hop.channel, hop.from, hop.to, hop.capacity)
}

/// A hop as a payment takes it, on the terms that its node has just named.
fn path_hop(hop: &Hop<NodeId>) -> Option<PathHop> {
    let terms = hop.policy.map(Terms::from)?;
    Some(PathHop {
        node_id: hop.to.public_key()?,
        channel: hop.channel,
        relay: RelayPolicy {
            fee_base: Msat(terms.fee_base_msat.into()),
            fee_proportional_millionths: terms.fee_proportional_millionths,
            cltv_expiry_delta: terms.cltv_expiry_delta,
            htlc_minimum: Msat::ZERO,
        },
    })
}

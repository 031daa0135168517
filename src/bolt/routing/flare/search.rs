//! The search for routes when there is something to pay.
//!
//! The sender merges its own table with the receiver's. While that has no route, it asks for the
//! table of the node that is nearest to the receiver in address space, among those that it can
//! reach; what it learns brings others within reach that are nearer still.

use std::collections::BTreeSet;

use super::{Link, Name, Route, Table};
use crate::bolt::units::{Msat, ShortChannelId};

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchLimits {
    /// How many further tables it may ask for.
    pub queries: u32,
    /// How many routes it looks for.
    pub routes: usize,
    /// How many links the merged table may have.
    pub links: usize,
}

impl Default for SearchLimits {
    /// Ten tables, five routes, 200,000 links.
    fn default() -> Self {
        Self { queries: 10, routes: 5, links: 200_000 }
    }
}

/// What a search wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<N> {
    /// Ask this node for its table.
    Ask {
        /// Whom to ask.
        whom: N,
        /// The links that lead there, from the sender.
        path: Vec<Link<N>>,
    },
    /// These are the shortest routes, the shortest first.
    Routes(Vec<Route<N>>),
    /// There is no route in what is known, and nobody is left to ask.
    NoRoute,
}

/// A search for routes from a sender to a receiver, from the first question to the last.
#[derive(Clone, Debug)]
pub struct Search<N> {
    from: N,
    to: N,
    amount: Msat,
    limits: SearchLimits,
    table: Table<N>,
    asked: BTreeSet<N>,
    /// Channels that a poll has ruled out.
    avoided: BTreeSet<ShortChannelId>,
    queries: u32,
}

impl<N: Name> Search<N> {
    /// A search that begins with the sender's own links and those that the receiver handed over.
    pub fn new<'a>(
        from: N,
        to: N,
        amount: Msat,
        limits: SearchLimits,
        links: impl IntoIterator<Item = &'a Link<N>>,
    ) -> Self
    where
        N: 'a,
    {
        let mut table = Table::new(limits.links);
        table.merge(links);
        let (asked, avoided) = (BTreeSet::from([from, to]), BTreeSet::new());
        Self { from, to, amount, limits, table, asked, avoided, queries: 0 }
    }

    /// What to do next; the same until there is an answer.
    pub fn step(&self) -> Step<N> {
        // One route is looked for first: as a rule there is none, and then the rest is not there, too.
        if !self.table.routes(self.from, self.to, self.amount, 1).is_empty() {
            let count = self.limits.routes;
            return Step::Routes(self.table.routes(self.from, self.to, self.amount, count));
        }
        let left = self.queries < self.limits.queries;
        match self.next_to_ask().filter(|_| left) {
            Some((whom, path)) => Step::Ask { whom, path },
            None => Step::NoRoute,
        }
    }

    /// The links that a node handed over. Nothing but room limits them, so the caller holds that
    /// they came in a bounded number of parts ([`TableParts`](super::TableParts)).
    pub fn answered<'a>(&mut self, whom: N, links: impl IntoIterator<Item = &'a Link<N>>)
    where
        N: 'a,
    {
        self.silent(whom);
        self.table.merge(links.into_iter().filter(|link| !self.avoided.contains(&link.channel)));
    }

    /// These channels do not carry the amount now: the search goes on without them.
    pub fn avoid(&mut self, channels: &BTreeSet<ShortChannelId>) {
        self.avoided.extend(channels);
        let mut table = Table::new(self.limits.links);
        table.merge(self.table.links().filter(|link| !self.avoided.contains(&link.channel)));
        self.table = table;
    }

    /// A node did not answer; it is not asked again.
    pub fn silent(&mut self, whom: N) {
        if self.asked.insert(whom) {
            self.queries = self.queries.saturating_add(1);
        }
    }

    /// How many nodes were asked.
    pub fn queries(&self) -> u32 {
        self.queries
    }

    /// All that is known by now.
    pub fn table(&self) -> &Table<N> {
        &self.table
    }

    /// The node nearest to the receiver of those within reach that were not asked, and the way there.
    fn next_to_ask(&self) -> Option<(N, Vec<Link<N>>)> {
        let start = self.table.position(self.from)?;
        let reach = self.table.reach(start);
        let target = self.to.address();
        let places = self.table.places();
        let free = reach.order().filter_map(|at| places.get(at).map(|place| (at, place)));
        let free = free.filter(|(_, place)| !self.asked.contains(&place.name));
        let (at, place) = free.min_by_key(|(_, place)| place.address.distance(&target))?;
        Some((place.name, self.table.path(&reach, at)))
    }
}

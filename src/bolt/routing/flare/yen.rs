//! The shortest routes without loops, after Yen, "Finding the K Shortest Loopless Paths in a
//! Network" (1971).
//!
//! A route is a list of channels: two that differ in nothing but the channel between the same two
//! nodes are two routes. All hops are equally long. Since the shortest way from anywhere to the
//! receiver is known before the first spur begins, each spur's walk goes nearly straight there.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use bitcoin::Amount;

use super::table::{Entry, Table};
use super::{MAX_HOPS, Name, Policy};
use crate::bolt::units::{Msat, ShortChannelId};

/// One hop of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop<N> {
    /// Over which channel.
    pub channel: ShortChannelId,
    /// Who forwards.
    pub from: N,
    /// Who receives.
    pub to: N,
    /// What the channel holds.
    pub capacity: Amount,
    /// What the forwarding node asks for, as far as it is known.
    pub policy: Option<Policy>,
}

/// The hops from the sender to the receiver.
pub type Route<N> = Vec<Hop<N>>;

impl<N: Name> Table<N> {
    /// The shortest routes for an amount, at most `count`, the shortest first. A channel is used if
    /// its capacity holds the amount and its node forwards over it; the sender's own need no policy.
    pub fn routes(&self, from: N, to: N, amount: Msat, count: usize) -> Vec<Route<N>> {
        let (Some(start), Some(end)) = (self.position(from), self.position(to)) else {
            return Vec::new();
        };
        if start == end {
            return Vec::new();
        }
        let walk = Walk { table: self, start, end, amount, left: self.hops_left(end, amount) };
        let found = yen(&walk, count);
        found.iter().map(|links| walk.route(links)).collect()
    }

    /// How many hops each place is away from the receiver at least.
    fn hops_left(&self, end: usize, amount: Msat) -> Vec<Option<usize>> {
        let mut left = vec![None; self.places().len()];
        let mut ring = vec![end];
        if let Some(place) = left.get_mut(end) {
            *place = Some(0);
        }
        for hops in 1..=MAX_HOPS {
            let mut next = Vec::new();
            for at in ring {
                for (_, entry, other) in self.beside(at) {
                    if let Some(place @ None) = left.get_mut(other)
                        && fits(entry, amount)
                    {
                        *place = Some(hops);
                        next.push(other);
                    }
                }
            }
            ring = next;
        }
        left
    }
}

/// Whether the channel can ever hold the amount.
fn fits<N>(entry: &Entry<N>, amount: Msat) -> bool {
    Msat::from_amount(entry.link.capacity).is_some_and(|capacity| amount <= capacity)
}

/// Where the spurs walk.
struct Walk<'a, N> {
    table: &'a Table<N>,
    start: usize,
    end: usize,
    amount: Msat,
    left: Vec<Option<usize>>,
}

impl<N: Name> Walk<'_, N> {
    /// Whether a payment may go over this link from this place.
    fn usable(&self, entry: &Entry<N>, from: usize) -> bool {
        let name = self.table.places().get(from).map(|place| place.name);
        let policy = name.and_then(|name| entry.link.policy(name));
        let forwards = match policy {
            Some(policy) => policy.enabled,
            None => from == self.start,
        };
        forwards && fits(entry, self.amount)
    }

    /// The shortest way from a place to the end that avoids these places and links, as links, in at
    /// most `most` hops.
    fn spur(
        &self,
        from: usize,
        most: usize,
        places: &BTreeSet<usize>,
        links: &BTreeSet<usize>,
    ) -> Option<Vec<usize>> {
        let left = |at: usize| self.left.get(at).copied().flatten();
        // What was reached, over which link and in how many hops.
        let mut by = std::collections::BTreeMap::new();
        let mut open = BinaryHeap::from([Reverse((left(from)?, left(from)?, from, 0_usize))]);
        by.insert(from, (None, 0));
        while let Some(Reverse((_, _, at, hops))) = open.pop() {
            if at == self.end {
                return Some(self.back(at, &by));
            }
            if by.get(&at).is_some_and(|(_, best)| hops > *best) {
                continue;
            }
            let hops = hops.saturating_add(1);
            for (link, entry, other) in self.table.beside(at) {
                let Some(rest) = left(other) else { continue };
                let total = hops.saturating_add(rest);
                let banned = places.contains(&other) || (at == from && links.contains(&link));
                let known = by.get(&other).is_some_and(|(_, best)| *best <= hops);
                if total > most || banned || known || !self.usable(entry, at) {
                    continue;
                }
                by.insert(other, (Some(link), hops));
                open.push(Reverse((total, rest, other, hops)));
            }
        }
        None
    }

    fn back(
        &self,
        mut at: usize,
        by: &std::collections::BTreeMap<usize, (Option<usize>, usize)>,
    ) -> Vec<usize> {
        let mut links = Vec::new();
        while let Some((Some(link), _)) = by.get(&at)
            && let Some(entry) = self.table.entry(*link)
        {
            links.push(*link);
            at = entry.other(at);
        }
        links.reverse();
        links
    }

    /// The places that a way touches, from the first to the last.
    fn places(&self, links: &[usize]) -> Vec<usize> {
        let mut places = vec![self.start];
        let mut at = self.start;
        for link in links {
            at = self.table.entry(*link).map_or(at, |entry| entry.other(at));
            places.push(at);
        }
        places
    }

    fn route(&self, links: &[usize]) -> Route<N> {
        let places = self.places(links);
        let ends = places.iter().zip(places.iter().skip(1));
        let hops = ends.zip(links).filter_map(|((from, to), link)| {
            let link = &self.table.entry(*link)?.link;
            let from = self.table.places().get(*from)?.name;
            let to = self.table.places().get(*to)?.name;
            let policy = link.policy(from).copied();
            Some(Hop { channel: link.channel, from, to, capacity: link.capacity, policy })
        });
        hops.collect()
    }
}

/// The shortest ways, as links. Each further one leaves an earlier one at some place, its spur, by a
/// link that none of the earlier ones with the same beginning took.
fn yen<N: Name>(walk: &Walk<'_, N>, count: usize) -> Vec<Vec<usize>> {
    let none = BTreeSet::new();
    let mut found: Vec<Vec<usize>> = Vec::new();
    let mut candidates: BTreeSet<(usize, Vec<usize>)> = BTreeSet::new();
    let first = walk.spur(walk.start, MAX_HOPS, &none, &none);
    candidates.extend(first.map(|links| (links.len(), links)));
    while found.len() < count
        && let Some((_, best)) = candidates.pop_first()
    {
        let places = walk.places(&best);
        for (at, spur) in places.iter().take(best.len()).enumerate() {
            let root = best.get(..at).unwrap_or_default();
            let taken: BTreeSet<usize> = found
                .iter()
                .chain([&best])
                .filter(|links| links.starts_with(root))
                .filter_map(|links| links.get(at).copied())
                .collect();
            let behind = places.iter().take(at).copied().collect();
            let most = MAX_HOPS.saturating_sub(at);
            if let Some(rest) = walk.spur(*spur, most, &behind, &taken) {
                let whole = [root, &rest].concat();
                candidates.insert((whole.len(), whole));
            }
        }
        found.push(best);
    }
    found
}

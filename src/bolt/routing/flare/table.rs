//! What a node knows of the network: links, and who lies where.

use std::collections::{BTreeMap, VecDeque};

use thiserror::Error;

use super::{Address, Link, Name};
use crate::bolt::units::ShortChannelId;

/// A routing table: the map of a neighbourhood, the paths to beacons, and, for the time of a search,
/// what others handed over. It has a greatest size, and links are only ever added to it.
#[derive(Clone, Debug)]
pub struct Table<N> {
    most_links: usize,
    places: Vec<Place<N>>,
    by_name: BTreeMap<N, usize>,
    links: Vec<Entry<N>>,
    by_channel: BTreeMap<ShortChannelId, usize>,
}

/// A node and where its links stand.
#[derive(Clone, Debug)]
pub(super) struct Place<N> {
    pub(super) name: N,
    pub(super) address: Address,
    pub(super) links: Vec<usize>,
}

/// A link and where its ends stand.
#[derive(Clone, Debug)]
pub(super) struct Entry<N> {
    pub(super) link: Link<N>,
    pub(super) ends: [usize; 2],
}

impl<N> Entry<N> {
    /// Where the other end stands.
    pub(super) fn other(&self, end: usize) -> usize {
        let [low, high] = self.ends;
        if end == low { high } else { low }
    }
}

/// A table has as many links as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("add a link: the table has {most} already")]
pub struct TableFull {
    /// The most that it may have.
    pub most: usize,
}

impl<N: Name> Table<N> {
    /// An empty table that holds no more links than this.
    pub fn new(most_links: usize) -> Self {
        Self {
            most_links,
            places: Vec::new(),
            by_name: BTreeMap::new(),
            links: Vec::new(),
            by_channel: BTreeMap::new(),
        }
    }

    /// Adds a link, or takes over what is newer of one that is there. A link from a node to itself,
    /// and another link under a known channel's name, is passed over.
    ///
    /// # Errors
    /// The table is full.
    pub fn insert(&mut self, link: &Link<N>) -> Result<(), TableFull> {
        if let Some(known) = self.by_channel.get(&link.channel) {
            let known = self.links.get_mut(*known);
            if let Some(known) = known.filter(|known| known.link.ends == link.ends) {
                known.link.take_newer(link);
            }
            return Ok(());
        }
        let [low, high] = link.ends;
        if low == high {
            return Ok(());
        }
        if self.links.len() >= self.most_links {
            return Err(TableFull { most: self.most_links });
        }
        let ends = [self.place_of(low), self.place_of(high)];
        let at = self.links.len();
        self.links.push(Entry { link: *link, ends });
        self.by_channel.insert(link.channel, at);
        for end in ends {
            if let Some(place) = self.places.get_mut(end) {
                place.links.push(at);
            }
        }
        Ok(())
    }

    /// Adds links until the table is full; returns how many found no room.
    pub fn merge<'a>(&mut self, links: impl IntoIterator<Item = &'a Link<N>>) -> usize
    where
        N: 'a,
    {
        links.into_iter().filter(|link| self.insert(link).is_err()).count()
    }

    /// How many links it has.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether it has no link.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// How many nodes it has.
    pub fn nodes(&self) -> usize {
        self.places.len()
    }

    /// Whether it has this node.
    pub fn knows(&self, node: N) -> bool {
        self.by_name.contains_key(&node)
    }

    /// The links, in the order in which they came.
    pub fn links(&self) -> impl Iterator<Item = &Link<N>> {
        self.links.iter().map(|entry| &entry.link)
    }

    /// The link of this channel.
    pub fn link(&self, channel: ShortChannelId) -> Option<&Link<N>> {
        self.by_channel.get(&channel).and_then(|at| self.links.get(*at)).map(|entry| &entry.link)
    }

    /// The nodes that are nearest to an address among those that can be reached, the nearest first,
    /// each with a shortest path to it. The node that is asked, and one at the very address, do not
    /// count.
    pub fn nearest(&self, from: N, to: Address, count: usize) -> Vec<(N, Vec<Link<N>>)> {
        let Some(start) = self.position(from) else { return Vec::new() };
        let reach = self.reach(start);
        let mut found: Vec<_> = reach
            .order()
            .filter_map(|at| self.places.get(at).map(|place| (at, place)))
            .filter(|(at, place)| *at != start && place.address != to)
            .map(|(at, place)| (place.address.distance(&to), at, place.name))
            .collect();
        if found.len() > count {
            found.select_nth_unstable(count);
            found.truncate(count);
        }
        found.sort_unstable();
        let with_path = found.into_iter().map(|(_, at, name)| (name, self.path(&reach, at)));
        with_path.collect()
    }

    /// What a node answers that is asked for somebody nearer to an address: those of
    /// [`Table::nearest`] that are nearer than itself; nobody, if there is none.
    pub fn nearer(&self, own: N, to: Address, count: usize) -> Vec<(N, Vec<Link<N>>)> {
        let limit = own.address().distance(&to);
        let mut nearest = self.nearest(own, to, count);
        nearest.retain(|(name, _)| name.address().distance(&to) < limit);
        nearest
    }

    pub(super) fn position(&self, node: N) -> Option<usize> {
        self.by_name.get(&node).copied()
    }

    pub(super) fn places(&self) -> &[Place<N>] {
        &self.places
    }

    pub(super) fn entry(&self, at: usize) -> Option<&Entry<N>> {
        self.links.get(at)
    }

    /// The nodes behind each link of a place, with the link.
    pub(super) fn beside(&self, at: usize) -> impl Iterator<Item = (usize, &Entry<N>, usize)> {
        let links = self.places.get(at).map(|place| place.links.as_slice()).unwrap_or_default();
        links.iter().filter_map(move |link| {
            self.links.get(*link).map(|entry| (*link, entry, entry.other(at)))
        })
    }

    /// Everybody who can be reached from here, the fewest hops first.
    pub(super) fn reach(&self, start: usize) -> Reach {
        let mut reach = Reach { by: vec![None; self.places.len()], order: Vec::new() };
        let mut waiting = VecDeque::from([start]);
        if let Some(by) = reach.by.get_mut(start) {
            *by = Some(usize::MAX);
        }
        while let Some(at) = waiting.pop_front() {
            reach.order.push(at);
            for (link, _, other) in self.beside(at) {
                if let Some(by @ None) = reach.by.get_mut(other) {
                    *by = Some(link);
                    waiting.push_back(other);
                }
            }
        }
        reach
    }

    /// The links from where the walk began to this place.
    pub(super) fn path(&self, reach: &Reach, to: usize) -> Vec<Link<N>> {
        let mut path = Vec::new();
        let mut at = to;
        while let Some(entry) = reach.by.get(at).copied().flatten().and_then(|by| self.entry(by)) {
            path.push(entry.link);
            at = entry.other(at);
        }
        path.reverse();
        path
    }

    fn place_of(&mut self, name: N) -> usize {
        let next = self.places.len();
        let at = *self.by_name.entry(name).or_insert(next);
        if at == next {
            self.places.push(Place { name, address: name.address(), links: Vec::new() });
        }
        at
    }
}

/// Who can be reached, and over which link each was reached first; where the walk began, no link.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    by: Vec<Option<usize>>,
    order: Vec<usize>,
}

impl Reach {
    /// Everybody who was reached, the fewest hops first.
    pub(super) fn order(&self) -> impl Iterator<Item = usize> {
        self.order.iter().copied()
    }
}

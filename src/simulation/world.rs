//! A network as a whole, and what each of its nodes would know.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bitcoin::Amount;

use crate::bolt::routing::flare::{Address, BeaconSearch, Link, Name, Policy};
use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};
use crate::topology::{Dice, Network, Terms, terms};

/// How many questions a search for beacons may ask.
const BEACON_QUESTIONS: u32 = 40;
/// How many channels of tables are kept for those who are asked again, all tables together.
const REMEMBERED: usize = 30_000_000;

/// A simulated node. It has no key: its address is drawn from its number, which is as good a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Numbered(pub u32);

impl Name for Numbered {
    fn address(&self) -> Address {
        let mut dice = Dice::new(u64::from(self.0), 5);
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&dice.any().to_be_bytes());
        }
        Address(bytes)
    }

    fn bytes(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        bytes[0] = 2;
        bytes[29..].copy_from_slice(&self.0.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: [u8; 33]) -> Option<Self> {
        let number = bytes.last_chunk()?;
        Some(Self(u32::from_be_bytes(*number)))
    }
}

/// A network with terms, balances and, for every node, a map of the same radius.
#[derive(Debug)]
pub struct World {
    network: Network,
    terms: Vec<Terms>,
    /// What the first end of each channel could send, in millisatoshis.
    balances: Vec<u64>,
    /// Where each node's channels begin in `beside`.
    starts: Vec<usize>,
    /// The other end and the channel.
    beside: Vec<(u32, u32)>,
    /// The first 64 bits of each address.
    prefixes: Vec<u64>,
    radius: u8,
    beacons: u8,
    most_links: usize,
    walk: Walk,
    tables: BTreeMap<u32, Rc<[u32]>>,
    remembered: usize,
}

/// A breadth-first walk, with marks that need no cleaning.
#[derive(Debug, Default)]
struct Walk {
    round: u32,
    /// In which round a node was met, and over which channel.
    met: Vec<(u32, u32)>,
    /// In which round a channel was noted.
    noted: Vec<u32>,
    nodes: Vec<u32>,
    channels: Vec<u32>,
}

/// How far a search from one end has come.
struct Side {
    met: BTreeMap<u32, usize>,
    ring: Vec<u32>,
    depth: usize,
}

impl Side {
    fn at(node: u32) -> Self {
        Self { met: BTreeMap::from([(node, 0)]), ring: vec![node], depth: 0 }
    }
}

impl World {
    /// A network whose nodes have maps of a radius, in hops, with no more links than this, and look
    /// for this many beacons. Terms and balances are drawn by the seed: each end of a channel can
    /// send any share of its capacity, all equally likely.
    pub fn new(network: Network, radius: u8, beacons: u8, most_links: usize, seed: u64) -> Self {
        let terms = terms(&network, seed);
        let mut dice = Dice::new(seed, 6);
        let balances =
            terms.iter().map(|terms| dice.below(terms.capacity_sat * 1000 + 1)).collect();
        let mut starts = vec![0_usize];
        for degree in network.degrees() {
            starts.push(starts.last().copied().unwrap_or_default() + index(degree));
        }
        let mut free = starts.clone();
        let mut beside = vec![(0, 0); network.channels.len() * 2];
        for (channel, (a, b)) in (0..).zip(&network.channels) {
            for (end, other) in [(*a, *b), (*b, *a)] {
                beside[free[index(end)]] = (other, channel);
                free[index(end)] += 1;
            }
        }
        let prefix = |node| {
            let Address(bytes) = Numbered(node).address();
            bytes.first_chunk().copied().map(u64::from_be_bytes).unwrap_or_default()
        };
        let prefixes = (0..network.nodes).map(prefix).collect();
        let walk = Walk {
            met: vec![(0, 0); index(network.nodes)],
            noted: vec![0; network.channels.len()],
            ..Walk::default()
        };
        let tables = BTreeMap::new();
        Self {
            network,
            terms,
            balances,
            starts,
            beside,
            prefixes,
            radius,
            beacons,
            most_links,
            walk,
            tables,
            remembered: 0,
        }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// A channel as nodes tell of it.
    pub fn link(&self, channel: u32) -> Link<Numbered> {
        let at = index(channel);
        let ((a, b), terms) = (self.network.channels[at], self.terms[at]);
        let capacity = Amount::from_sat(terms.capacity_sat);
        let number = ShortChannelId(u64::from(channel));
        let mut link = Link::new(number, Numbered(a), Numbered(b), capacity);
        for (end, direction) in [a, b].into_iter().zip(terms.directions) {
            let policy = Policy {
                timestamp: 1,
                enabled: true,
                fee_base_msat: direction.fee_base_msat,
                fee_proportional_millionths: direction.fee_proportional_millionths,
                cltv_expiry_delta: CltvExpiryDelta(direction.cltv_expiry_delta),
            };
            link.set_policy(Numbered(end), Some(policy));
        }
        link
    }

    /// Whether a node can send this amount over a channel of its own now.
    pub fn can_send(&self, from: u32, channel: u32, amount: Msat) -> bool {
        let at = index(channel);
        let whole = self.terms[at].capacity_sat * 1000;
        let first = self.network.channels[at].0 == from;
        let balance = if first { self.balances[at] } else { whole - self.balances[at] };
        amount.0 <= balance
    }

    /// The channels of a node's table: its map and the paths to its beacons.
    pub fn table(&mut self, node: u32) -> Rc<[u32]> {
        if let Some(table) = self.tables.get(&node) {
            return Rc::clone(table);
        }
        self.wander(node);
        let mut channels = self.walk.channels.clone();
        channels.extend(self.beacon_paths(node));
        channels.sort_unstable();
        channels.dedup();
        if self.remembered > REMEMBERED {
            self.tables.clear();
            self.remembered = 0;
        }
        self.remembered += channels.len();
        let table: Rc<[u32]> = channels.into();
        self.tables.insert(node, Rc::clone(&table));
        table
    }

    /// The channels on the paths to a node's beacons, found by asking: every node answers from
    /// its map, as at the first search after a start, when nobody has beacons yet.
    fn beacon_paths(&mut self, node: u32) -> BTreeSet<u32> {
        if self.beacons == 0 {
            return BTreeSet::new();
        }
        let own = Numbered(node);
        let known = self.nearest(node, own, self.beacons, false);
        let mut search = BeaconSearch::new(own, self.beacons, BEACON_QUESTIONS, known);
        while let Some(question) = search.question() {
            let answer = self.nearest(question.whom.0, own, question.count, true);
            if search.answered(question.whom, &answer).is_err() {
                search.silent(question.whom);
            }
        }
        let beacons = search.beacons();
        let links = beacons.iter().flat_map(|beacon| &beacon.path);
        links.filter_map(|link| u32::try_from(link.channel.0).ok()).collect()
    }

    /// The nodes of a map that are nearest to another node's address, and paths to them: what
    /// [`Table::nearest`](crate::bolt::routing::flare::Table::nearest) and `nearer` say of the same
    /// map, without building it.
    pub fn nearest(
        &mut self,
        centre: u32,
        target: Numbered,
        count: u8,
        nearer: bool,
    ) -> Vec<(Numbered, Vec<Link<Numbered>>)> {
        self.wander(centre);
        let to = self.prefixes[index(target.0)];
        let limit = if nearer { self.prefixes[index(centre)] ^ to } else { u64::MAX };
        let inside = self.walk.nodes.iter().copied();
        let others = inside.filter(|node| *node != centre && *node != target.0);
        let mut found: Vec<(u64, u32)> =
            others.map(|node| (self.prefixes[index(node)] ^ to, node)).collect();
        found.retain(|(distance, _)| *distance < limit);
        let count = usize::from(count);
        if found.len() > count {
            found.select_nth_unstable(count);
            found.truncate(count);
        }
        found.sort_unstable();
        found.into_iter().map(|(_, node)| (Numbered(node), self.path(centre, node))).collect()
    }

    /// The links from the centre of the last walk to a node that it met.
    fn path(&self, centre: u32, node: u32) -> Vec<Link<Numbered>> {
        let (mut path, mut at) = (Vec::new(), node);
        while at != centre {
            let (_, channel) = self.walk.met[index(at)];
            path.push(self.link(channel));
            let (a, b) = self.network.channels[index(channel)];
            at = if at == a { b } else { a };
        }
        path.reverse();
        path
    }

    /// Walks from a node as far as its map reaches: the radius, or less if there is no room.
    fn wander(&mut self, centre: u32) {
        let walk = &mut self.walk;
        walk.round += 1;
        walk.nodes.clear();
        walk.channels.clear();
        walk.nodes.push(centre);
        walk.met[index(centre)] = (walk.round, 0);
        let mut ring = 0;
        for hop in 0..self.radius {
            let (nodes, channels) = (walk.nodes.len(), walk.channels.len());
            for at in ring..nodes {
                let node = index(walk.nodes[at]);
                for (other, channel) in &self.beside[self.starts[node]..self.starts[node + 1]] {
                    if walk.noted[index(*channel)] != walk.round {
                        walk.noted[index(*channel)] = walk.round;
                        walk.channels.push(*channel);
                    }
                    if walk.met[index(*other)].0 != walk.round {
                        walk.met[index(*other)] = (walk.round, *channel);
                        walk.nodes.push(*other);
                    }
                }
                // A map of radius 1 is kept in any case: it is the node's own channels.
                if hop > 0 && walk.channels.len() > self.most_links {
                    walk.nodes.truncate(nodes);
                    walk.channels.truncate(channels);
                    return;
                }
            }
            ring = nodes;
        }
    }

    /// How many hops the shortest route has that the whole graph offers, if each hop, by who
    /// forwards and over which channel, passes the test; `None` if there is none. It is looked for
    /// from both ends, on the side where there is less to do.
    pub fn shortest(&self, from: u32, to: u32, test: impl Fn(u32, u32) -> bool) -> Option<usize> {
        let mut sides = [Side::at(from), Side::at(to)];
        if from == to {
            return Some(0);
        }
        loop {
            let [there, back] = &mut sides;
            let forth = there.ring.len() <= back.ring.len();
            let (near, far) = if forth { (there, back) } else { (back, there) };
            if near.ring.is_empty() {
                return None;
            }
            near.depth += 1;
            let mut best: Option<usize> = None;
            for at in std::mem::take(&mut near.ring) {
                for (other, channel) in self.beside(at) {
                    let sender = if forth { at } else { *other };
                    if near.met.contains_key(other) || !test(sender, *channel) {
                        continue;
                    }
                    near.met.insert(*other, near.depth);
                    near.ring.push(*other);
                    let whole = far.met.get(other).map(|depth| near.depth + depth);
                    best = whole.into_iter().chain(best).min();
                }
            }
            if best.is_some() {
                return best;
            }
        }
    }

    /// The other ends and the channels of a node.
    fn beside(&self, node: u32) -> &[(u32, u32)] {
        &self.beside[self.starts[index(node)]..self.starts[index(node) + 1]]
    }

    /// What a channel holds.
    pub fn capacity(&self, channel: u32) -> Amount {
        Amount::from_sat(self.terms[index(channel)].capacity_sat)
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

//! The search for beacons: the nodes nearest to one's own address, found by asking.
//!
//! ```text
//! own map ──► nearest known ──ask_nearer──► knows somebody nearer ──► candidates and paths to them
//!                  ▲                                                          │
//!                  └──────────────────────────────────────────────────────────┘
//!                                           "none nearer than I" ──► a beacon
//! ```
//! It ends when as many nodes as there shall be beacons are known and asked, and nobody nearer is
//! known; or with the last question that it may ask.

use std::collections::BTreeMap;

use super::{Address, Distance, Link, MAX_HOPS, Name, Offence};

/// A node near one's own address, and a path to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon<N> {
    /// Who it is.
    pub node: N,
    /// The links that lead to it, from the own end.
    pub path: Vec<Link<N>>,
}

/// Somebody to ask, and the way there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeaconQuestion<N> {
    /// Whom to ask for nodes that are nearer to `target` than itself.
    pub whom: N,
    /// The links that lead there, from the own end.
    pub path: Vec<Link<N>>,
    /// The address to be near to: the own.
    pub target: Address,
    /// How many candidates to ask for.
    pub count: u8,
}

/// A search for beacons, from the first question to the last.
#[derive(Clone, Debug)]
pub struct BeaconSearch<N> {
    own: N,
    address: Address,
    count: u8,
    questions_left: u32,
    candidates: BTreeMap<Distance, Known<N>>,
}

#[derive(Clone, Debug)]
struct Known<N> {
    node: N,
    path: Vec<Link<N>>,
    state: Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    NotYet,
    Answered,
    Silent,
}

impl<N: Name> BeaconSearch<N> {
    /// A search for this many beacons with no more than this many questions. It begins with the
    /// known nodes that are nearest and the paths to them ([`Table::nearest`](super::Table::nearest)).
    pub fn new(
        own: N,
        count: u8,
        questions: u32,
        known: impl IntoIterator<Item = (N, Vec<Link<N>>)>,
    ) -> Self {
        let address = own.address();
        let mut search =
            Self { own, address, count, questions_left: questions, candidates: BTreeMap::new() };
        for (node, path) in known {
            search.learn(node, path);
        }
        search
    }

    /// The next question, or `None` when the search is over. It stays the same until the node is
    /// known to have answered or to be silent.
    pub fn question(&self) -> Option<BeaconQuestion<N>> {
        if self.questions_left == 0 {
            return None;
        }
        let next = self.nearest().find(|known| known.state == Asked::NotYet)?;
        let path = next.path.clone();
        Some(BeaconQuestion { whom: next.node, path, target: self.address, count: self.count })
    }

    /// What a node answered: paths that begin with itself, each to somebody nearer; none, if it
    /// knows nobody nearer. What was not asked is passed over.
    ///
    /// # Errors
    /// The answer is none that the question allows; the node counts as silent.
    pub fn answered(&mut self, whom: N, paths: &[(N, Vec<Link<N>>)]) -> Result<(), Offence> {
        let limit = whom.address().distance(&self.address);
        let Some(way) = self.ask(whom, Asked::Silent) else { return Ok(()) };
        if paths.len() > usize::from(self.count) {
            return Err(Offence::TooManyCandidates { most: self.count.into() });
        }
        for (node, path) in paths {
            let nearer = node.address().distance(&self.address) < limit;
            if !nearer || end_of(whom, path) != Some(*node) {
                return Err(Offence::BrokenPath);
            }
        }
        self.mark(whom, Asked::Answered);
        for (node, path) in paths {
            let whole = without_loops(self.own, way.iter().chain(path));
            self.learn(*node, whole);
        }
        Ok(())
    }

    /// A node did not answer: it will be no beacon, and is not asked again.
    pub fn silent(&mut self, whom: N) {
        self.ask(whom, Asked::Silent);
    }

    /// The beacons so far: those of the nearest that have answered, the nearest first.
    pub fn beacons(&self) -> Vec<Beacon<N>> {
        let answered = self.nearest().filter(|known| known.state == Asked::Answered);
        answered.map(|known| Beacon { node: known.node, path: known.path.clone() }).collect()
    }

    /// As many as there shall be beacons, of those that are not silent, the nearest first.
    fn nearest(&self) -> impl Iterator<Item = &Known<N>> {
        let awake = self.candidates.values().filter(|known| known.state != Asked::Silent);
        awake.take(self.count.into())
    }

    fn learn(&mut self, node: N, path: Vec<Link<N>>) {
        if node == self.own || path.len() > MAX_HOPS {
            return;
        }
        let distance = node.address().distance(&self.address);
        match self.candidates.get_mut(&distance) {
            Some(known) if known.path.len() > path.len() => known.path = path,
            Some(_) => {}
            None => {
                self.candidates.insert(distance, Known { node, path, state: Asked::NotYet });
            }
        }
    }

    /// Counts the question that this node has not answered yet; returns the path to it.
    fn ask(&mut self, whom: N, state: Asked) -> Option<Vec<Link<N>>> {
        let known = self.candidates.get_mut(&whom.address().distance(&self.address))?;
        if known.state != Asked::NotYet || known.node != whom {
            return None;
        }
        known.state = state;
        self.questions_left = self.questions_left.saturating_sub(1);
        Some(known.path.clone())
    }

    fn mark(&mut self, whom: N, state: Asked) {
        if let Some(known) = self.candidates.get_mut(&whom.address().distance(&self.address)) {
            known.state = state;
        }
    }
}

/// Where a path leads, or `None` if its links do not join, or are too many.
pub(super) fn end_of<N: Name>(from: N, path: &[Link<N>]) -> Option<N> {
    if path.len() > MAX_HOPS {
        return None;
    }
    path.iter().try_fold(from, |at, link| link.other(at))
}

/// The path without the detours that lead back to a node that it has passed.
fn without_loops<'a, N: Name + 'a>(
    from: N,
    links: impl Iterator<Item = &'a Link<N>>,
) -> Vec<Link<N>> {
    let mut path: Vec<(N, Link<N>)> = Vec::new();
    let mut at = from;
    for link in links {
        let Some(next) = link.other(at) else { break };
        match path.iter().position(|(passed, _)| *passed == next) {
            Some(passed) => path.truncate(passed),
            None => path.push((at, *link)),
        }
        at = next;
    }
    path.into_iter().map(|(_, link)| link).collect()
}

//! Numbers in the order of what they stand for.

use std::cmp::Ordering;

/// Below this many, what is recent is not worth settling.
const FEW: usize = 64;

/// Numbers in the order of their keys, which are elsewhere: four bytes for each. A few recent ones
/// are kept apart, so that an insertion moves about as many as the square root of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted {
    settled: Vec<u32>,
    recent: Vec<u32>,
}

impl Sorted {
    /// The number whose key this is.
    pub(super) fn find<K: Ord>(&self, wanted: &K, key: impl Fn(u32) -> K) -> Option<u32> {
        let look = |list: &[u32]| {
            let place = list.binary_search_by(|item| key(*item).cmp(wanted)).ok()?;
            list.get(place).copied()
        };
        look(&self.recent).or_else(|| look(&self.settled))
    }

    /// Adds a number; its key is not there yet.
    pub(super) fn insert<K: Ord>(&mut self, item: u32, key: impl Fn(u32) -> K) {
        let wanted = key(item);
        let place = self.recent.binary_search_by(|other| key(*other).cmp(&wanted));
        self.recent.insert(place.unwrap_or_else(|place| place), item);
        let recent = self.recent.len();
        if recent > FEW && recent.saturating_mul(recent) > self.settled.len().saturating_mul(4) {
            self.settled.append(&mut self.recent);
            // Two runs in order: this merges them.
            self.settled.sort_by_key(|item| key(*item));
        }
    }

    /// Forgets the number whose key this is.
    pub(super) fn remove<K: Ord>(&mut self, wanted: &K, key: impl Fn(u32) -> K) {
        for list in [&mut self.recent, &mut self.settled] {
            if let Ok(place) = list.binary_search_by(|item| key(*item).cmp(wanted)) {
                list.remove(place);
            }
        }
    }

    /// All of them, in the order of their keys.
    pub(super) fn iter<K: Ord>(&self, key: impl Fn(u32) -> K) -> impl Iterator<Item = u32> {
        let (mut settled, mut recent) = (self.settled.as_slice(), self.recent.as_slice());
        std::iter::from_fn(move || {
            let first = match (settled.first(), recent.first()) {
                (Some(one), Some(other)) => key(*one).cmp(&key(*other)),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            let list = if first == Ordering::Less { &mut settled } else { &mut recent };
            let (item, rest) = list.split_first()?;
            *list = rest;
            Some(*item)
        })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.settled.len().saturating_add(self.recent.len())
    }

    /// The bytes that it holds on the heap.
    pub(super) fn heap(&self) -> usize {
        let places = self.settled.capacity().saturating_add(self.recent.capacity());
        places.saturating_mul(size_of::<u32>())
    }

    /// Gives back what it does not need.
    pub(super) fn shrink(&mut self) {
        self.settled.shrink_to_fit();
        self.recent.shrink_to_fit();
    }
}

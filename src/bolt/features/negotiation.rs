//! What two nodes make of each other's features.

use thiserror::Error;

use super::{Bit, Feature, Features};
use crate::bolt::tx::Side;

/// A feature that one node demands and the other one does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("go on: only {} side supports {}", side(*asks), Bit(*bit))]
pub struct Incompatible {
    /// The even bit of the feature.
    pub bit: u32,
    /// Who demands it.
    pub asks: Side,
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Local => "the local",
        Side::Remote => "the remote",
    }
}

impl Features {
    /// What is negotiated between a node with these features and a peer with those: what both
    /// offer, and what this node demands, as the peer did not leave. It is demanded if either of
    /// them demands it. BOLT 1, "The `init` Message".
    #[must_use]
    pub fn negotiated(&self, theirs: &Self) -> Self {
        let pairs = self.bits().map(|bit| bit & !1);
        let agreed = pairs.filter(|even| self.has_bit(*even) || theirs.has_pair(*even));
        let demanded = |even: u32| self.has_bit(even) || theirs.has_bit(even);
        agreed.map(|even| if demanded(even) { even } else { even | 1 }).collect()
    }

    /// Whether a node with these features and a peer with those support what the other one
    /// demands. All nodes support what is assumed.
    ///
    /// # Errors
    /// [`Incompatible`]: this node's demands first, lowest bit first.
    pub fn compatible(&self, theirs: &Self) -> Result<(), Incompatible> {
        let unmet = |asked: &Self, of: &Self| {
            let assumed = |bit| Feature::of_bit(bit).is_some_and(Feature::is_assumed);
            asked.bits().find(|bit| bit.is_multiple_of(2) && !of.has_pair(*bit) && !assumed(*bit))
        };
        let sides = [(Side::Local, self, theirs), (Side::Remote, theirs, self)];
        let first = sides
            .into_iter()
            .find_map(|(asks, asked, of)| unmet(asked, of).map(|bit| Incompatible { bit, asks }));
        first.map_or(Ok(()), Err)
    }
}

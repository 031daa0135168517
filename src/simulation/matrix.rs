//! Which networks and settings are simulated.

use super::Setting;
use crate::topology::{
    Network, SNAPSHOT_CHANNELS, SNAPSHOT_NODES, ShapeError, scale_free, small_world, snapshot_like,
};

/// The shape of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Watts and Strogatz: six neighbours each, two in ten of the longer channels are shortcuts.
    SmallWorld,
    /// Barabási and Albert: three channels a newcomer.
    ScaleFree,
    /// The degrees of today's network.
    SnapshotLike,
}

impl Shape {
    /// The shape in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::SmallWorld => "small-world",
            Self::ScaleFree => "scale-free",
            Self::SnapshotLike => "snapshot-like",
        }
    }

    /// A network of this shape and size.
    ///
    /// # Errors
    /// There are too few nodes for the shape.
    pub fn network(self, nodes: u32, seed: u64) -> Result<Network, ShapeError> {
        match self {
            Self::SmallWorld => small_world(nodes, 6, 200, seed),
            Self::ScaleFree => scale_free(nodes, nodes.saturating_mul(3), seed),
            Self::SnapshotLike if nodes == SNAPSHOT_NODES => {
                snapshot_like(nodes, SNAPSHOT_CHANNELS, seed)
            }
            Self::SnapshotLike => snapshot_like(nodes, nodes.saturating_mul(10) / 3, seed),
        }
    }
}

/// One row to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The network's shape.
    pub shape: Shape,
    /// How many nodes it has.
    pub nodes: u32,
    /// How its nodes behave.
    pub setting: Setting,
}

/// A set of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// Two sizes, few pairs: seconds, and a golden file.
    Short,
    /// All sizes and shapes: minutes.
    Full,
    /// One network, one parameter changed at a time: how much depends on each.
    Sensitivity,
}

impl Matrix {
    /// The rows in their order.
    pub fn cases(self, seed: u64) -> Vec<Case> {
        match self {
            Self::Short => short(seed),
            Self::Full => full(seed),
            Self::Sensitivity => sensitivity(seed),
        }
    }
}

fn case(shape: Shape, nodes: u32, radius: u8, beacons: u8, pairs: u32, seed: u64) -> Case {
    let setting = Setting { radius, beacons, pairs, seed, ..Setting::default() };
    Case { shape, nodes, setting }
}

fn short(seed: u64) -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, radius) in [(Shape::SmallWorld, 3), (Shape::ScaleFree, 2), (Shape::SnapshotLike, 1)]
    {
        for nodes in [2_500, 10_000] {
            cases.push(case(shape, nodes, radius, 10, 20, seed));
        }
    }
    cases
}

/// A thousand pairs where the published test had as many; fewer where a search of the whole graph,
/// to compare with, takes its time.
fn pairs(nodes: u32) -> u32 {
    match nodes {
        0..=20_000 => 1_000,
        20_001..=200_000 => 400,
        _ => 100,
    }
}

fn full(seed: u64) -> Vec<Case> {
    let small_world: [(u8, u8); 9] =
        [(2, 5), (2, 10), (2, 20), (3, 5), (3, 10), (3, 20), (4, 20), (5, 20), (6, 20)];
    let scale_free: [(u8, u8); 5] = [(1, 10), (2, 5), (2, 10), (2, 20), (3, 10)];
    let snapshot_like: [(u8, u8); 7] =
        [(1, 5), (1, 10), (1, 20), (1, 40), (2, 5), (2, 10), (3, 10)];
    let mut cases = Vec::new();
    let mut add = |shape, nodes, settings: &[(u8, u8)]| {
        let of = settings.iter();
        cases.extend(
            of.map(|(radius, beacons)| case(shape, nodes, *radius, *beacons, pairs(nodes), seed)),
        );
    };
    for nodes in [2_500, 10_000, 100_000, 1_000_000] {
        add(Shape::SmallWorld, nodes, &small_world);
        add(Shape::ScaleFree, nodes, &scale_free);
    }
    add(Shape::SnapshotLike, SNAPSHOT_NODES, &snapshot_like);
    cases
}

fn sensitivity(seed: u64) -> Vec<Case> {
    let base = case(Shape::SmallWorld, 2_500, 3, 10, 1_000, seed);
    let with = |change: &dyn Fn(&mut Setting)| {
        let mut case = base;
        change(&mut case.setting);
        case
    };
    let mut cases = Vec::new();
    cases.extend([1, 2, 3, 4].map(|radius| with(&|setting| setting.radius = radius)));
    cases.extend([0, 3, 5, 10, 20, 40].map(|beacons| with(&|setting| setting.beacons = beacons)));
    cases.extend([0, 2, 5, 10, 20].map(|queries| with(&|setting| setting.queries = queries)));
    cases.extend([100, 200, 500].map(|links| with(&|setting| setting.most_links = links)));
    cases.extend([2, 3].map(|more| with(&|setting| setting.seed = seed.wrapping_add(more))));
    cases.push(with(&|setting| (setting.radius, setting.beacons, setting.queries) = (2, 3, 0)));
    cases
}

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Holds what is true of every shape.
#[track_caller]
fn is_sound(network: &Network, nodes: u32, channels: usize) {
    assert_eq!((network.nodes, network.channels.len()), (nodes, channels));
    assert!(network.is_connected());
    let mut pairs = BTreeSet::new();
    for (a, b) in &network.channels {
        assert!(a != b && *a < nodes && *b < nodes, "{a}-{b}");
        assert!(pairs.insert((a.min(b), a.max(b))), "{a}-{b} twice");
    }
}

#[test]
fn shapes_without_chance() {
    for nodes in 1..9 {
        let channels = usize::try_from(nodes).unwrap();
        is_sound(&line(nodes), nodes, channels - 1);
        is_sound(&star(nodes), nodes, channels - 1);
        is_sound(&ring(nodes), nodes, if nodes > 2 { channels } else { channels - 1 });
    }
    assert_eq!(line(0), Network::default());
    assert_eq!(star(5).degrees(), [4, 1, 1, 1, 1]);
    assert_eq!(ring(4).degrees(), [2; 4]);
}

#[test]
fn a_network_in_two_parts_is_not_connected() {
    assert!(!Network { nodes: 4, channels: vec![(0, 1), (2, 3)] }.is_connected());
}

#[test]
fn impossible_numbers_are_refused() {
    let few = ShapeError::TooFewChannels { nodes: 10, channels: 8, least: 9 };
    assert_eq!(scale_free(10, 8, 0), Err(few));
    assert_eq!(snapshot_like(10, 8, 0), Err(few));
    let many = ShapeError::TooManyChannels { nodes: 10, channels: 46, most: 45 };
    assert_eq!(scale_free(10, 46, 0), Err(many));
    assert_eq!(snapshot_like(10, 46, 0), Err(many));
    for (nodes, neighbours) in [(10, 3), (10, 0), (10, 10), (0, 0)] {
        let refused = ShapeError::Neighbours { nodes, neighbours };
        assert_eq!(small_world(nodes, neighbours, 0, 0), Err(refused));
    }
}

#[test]
fn a_small_world_is_a_ring_with_shortcuts() {
    let ring = small_world(1000, 6, 0, 1).unwrap();
    assert!(ring.degrees().iter().all(|degree| *degree == 6));
    let moved = |rewiring| {
        let world = small_world(1000, 6, rewiring, 1).unwrap();
        world.channels.iter().zip(&ring.channels).filter(|(new, old)| new != old).count()
    };
    // Two of three channels may move.
    assert!((170..230).contains(&moved(100)), "{}", moved(100));
    assert!(moved(1000) > 1950, "{}", moved(1000));
}

#[test]
fn a_scale_free_network_has_hubs() {
    let network = scale_free(10_000, 30_000, 1).unwrap();
    let mut degrees = network.degrees();
    degrees.sort_unstable();
    assert_eq!(degrees.first(), Some(&3));
    // The hundredth part of the nodes holds far more than that of the channels.
    let top: u32 = degrees.iter().rev().take(100).sum();
    assert!((5_000..15_000).contains(&top), "{top}");
}

#[test]
fn a_snapshot_like_network_has_a_core_and_many_small_nodes() {
    let network = snapshot_like(SNAPSHOT_NODES, SNAPSHOT_CHANNELS, 1).unwrap();
    let mut degrees = network.degrees();
    degrees.sort_unstable();
    let small = degrees.iter().filter(|degree| **degree <= 2).count();
    let hubs = degrees.iter().filter(|degree| **degree >= 1000).count();
    assert!((6_000..9_000).contains(&small), "{small}");
    assert!((2..20).contains(&hubs), "{hubs}");
    assert!(degrees.last().is_some_and(|most| (1_500..4_500).contains(most)));
}

#[test]
fn terms_are_those_of_the_distribution() {
    let network = scale_free(5_000, 15_000, 1).unwrap();
    let terms = terms(&network, 1);
    let mut capacities: Vec<u64> = terms.iter().map(|terms| terms.capacity_sat).collect();
    capacities.sort_unstable();
    let median = capacities[capacities.len() / 2];
    assert!((2_200_000..2_900_000).contains(&median), "{median}");
    let mean = capacities.iter().sum::<u64>() / 15_000;
    assert!((9_000_000..12_000_000).contains(&mean), "{mean}");
    let free = terms.iter().filter(|terms| terms.directions[0].fee_base_msat == 0).count();
    assert!((5_700..6_300).contains(&free), "{free}");
}

#[test]
fn a_seed_is_a_network_for_ever() {
    // A change of these numbers changes every table in docs/flare.md.
    let mark = |network: &Network| {
        let step = |mark: u64, (a, b): &(u32, u32)| {
            (mark ^ (u64::from(*a) << 32 | u64::from(*b))).wrapping_mul(0x0100_0000_01b3)
        };
        network.channels.iter().fold(0xcbf2_9ce4_8422_2325, step)
    };
    let marks = [
        mark(&small_world(1000, 6, 100, 1).unwrap()),
        mark(&scale_free(1000, 3000, 1).unwrap()),
        mark(&snapshot_like(1000, 3000, 1).unwrap()),
    ];
    assert_eq!(
        marks,
        [10_891_057_747_723_327_718, 7_888_924_659_792_446_781, 14_713_475_120_622_104_189]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_shapes_are_sound(nodes in 1_u32..60, extra in 0_u64..2000, seed: u64) {
        let most = u64::from(nodes) * u64::from(nodes - 1) / 2;
        let spare = most - u64::from(nodes - 1);
        let channels = nodes - 1 + u32::try_from(extra.min(spare)).unwrap();
        let count = usize::try_from(channels).unwrap();
        for shape in [scale_free, snapshot_like] {
            let network = shape(nodes, channels, seed).unwrap();
            is_sound(&network, nodes, count);
            prop_assert_eq!(&shape(nodes, channels, seed).unwrap(), &network);
        }
    }

    #[test]
    fn random_small_worlds_are_sound(
        half in 1_u32..5,
        more in 1_u32..50,
        rewiring in 0_u32..=1000,
        seed: u64,
    ) {
        let nodes = 2 * half + more;
        let network = small_world(nodes, 2 * half, rewiring, seed).unwrap();
        is_sound(&network, nodes, usize::try_from(nodes * half).unwrap());
        prop_assert_eq!(small_world(nodes, 2 * half, rewiring, seed).unwrap(), network);
    }

    #[test]
    fn another_seed_is_another_network(seed: u64) {
        prop_assert_ne!(scale_free(100, 300, seed), scale_free(100, 300, seed ^ 1));
        prop_assert_ne!(snapshot_like(100, 300, seed), snapshot_like(100, 300, seed ^ 1));
        prop_assert_ne!(small_world(100, 6, 500, seed), small_world(100, 6, 500, seed ^ 1));
    }
}

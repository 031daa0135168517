//! The graph against a plain model of itself.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn id(number: u8) -> UncheckedPoint {
    let mut bytes = [number; 33];
    bytes[0] = 2;
    UncheckedPoint(bytes)
}

fn policy(number: u32) -> Policy {
    Policy {
        cltv_expiry_delta: CltvExpiryDelta(u16::try_from(number % 1000).unwrap()),
        htlc_minimum_msat: Msat(number.into()),
        htlc_maximum_msat: Msat(u64::from(number) + 7),
        fee_base_msat: number,
        fee_proportional_millionths: number / 2,
        inbound: InboundFee {
            base_msat: 3 - i32::try_from(number % 7).unwrap(),
            proportional_millionths: 0,
        },
        disabled: number.is_multiple_of(5),
    }
}

#[derive(Clone, Debug)]
enum Change {
    Insert(u64, u8, u8),
    Policy(u64, Direction, u32),
    Remove(u64),
    Compact,
}

fn change() -> impl Strategy<Value = Change> {
    let direction = prop::sample::select(Direction::BOTH.to_vec());
    prop_oneof![
        8 => (0..40_u64, 0..12_u8, 0..12_u8).prop_map(|(id, a, b)| Change::Insert(id, a, b)),
        8 => (0..40_u64, direction, 1..10_000_u32).prop_map(|(id, d, p)| Change::Policy(id, d, p)),
        4 => (0..40_u64).prop_map(Change::Remove),
        1 => Just(Change::Compact),
    ]
}

type Model = BTreeMap<u64, ([u8; 2], [Option<u32>; 2])>;

fn apply(graph: &mut Graph, model: &mut Model, change: &Change) {
    match *change {
        Change::Insert(channel, a, b) => {
            let scid = ShortChannelId(channel);
            let expected = match a.cmp(&b) {
                std::cmp::Ordering::Equal => Some(GraphError::SelfChannel(scid)),
                std::cmp::Ordering::Greater => Some(GraphError::NodesOutOfOrder(scid)),
                std::cmp::Ordering::Less if model.contains_key(&channel) => {
                    Some(GraphError::KnownChannel(scid))
                }
                std::cmp::Ordering::Less => None,
            };
            let capacity = (channel % 3 > 0).then_some(Amount::from_sat(channel));
            assert_eq!(graph.insert(scid, [id(a), id(b)], capacity).err(), expected);
            if expected.is_none() {
                model.insert(channel, ([a, b], [None; 2]));
            }
        }
        Change::Policy(channel, direction, number) => {
            let index = graph.find(ShortChannelId(channel));
            assert_eq!(index.is_some(), model.contains_key(&channel));
            let Some(index) = index else { return };
            graph.set_policy(index, direction, policy(number)).unwrap();
            let policies = &mut model.get_mut(&channel).unwrap().1;
            policies[usize::from(direction == Direction::FromNode2)] = Some(number);
        }
        Change::Remove(channel) => {
            let index = graph.find(ShortChannelId(channel));
            assert_eq!(index.is_some(), model.remove(&channel).is_some());
            let Some(index) = index else { return };
            graph.remove(index).unwrap();
            assert_eq!(graph.remove(index), Err(GraphError::UnknownChannel(index)));
        }
        Change::Compact => graph.compact(),
    }
}

fn assert_same(graph: &Graph, model: &Model) {
    let channels: Vec<u64> = graph.channels().map(|(_, it)| it.short_channel_id.0).collect();
    assert_eq!(channels, model.keys().copied().collect::<Vec<_>>());
    let mut neighbours: BTreeMap<u8, BTreeSet<(u8, u64, Direction)>> = BTreeMap::new();
    let mut discounts = BTreeSet::new();
    for (channel, (ends, policies)) in model {
        let index = graph.find(ShortChannelId(*channel)).unwrap();
        let held = graph.channel(index).unwrap();
        assert_eq!(held.nodes.map(|node| graph.node_id(node).unwrap()), ends.map(id));
        assert_eq!(held.capacity, (channel % 3 > 0).then_some(Amount::from_sat(*channel)));
        for (direction, number) in Direction::BOTH.into_iter().zip(policies) {
            assert_eq!(graph.policy(index, direction), number.map(policy));
            if number.is_some_and(|number| policy(number).inbound.is_discount()) {
                discounts.insert(direction.start(*ends));
            }
            let other = (direction.end(*ends), *channel, direction);
            assert!(neighbours.entry(direction.start(*ends)).or_default().insert(other));
        }
    }
    assert_eq!(graph.has_discounts(), !discounts.is_empty());
    let nodes: Vec<_> = graph.nodes().map(|(_, id)| id).collect();
    assert_eq!(nodes, neighbours.keys().map(|number| id(*number)).collect::<Vec<_>>());
    for (number, expected) in neighbours {
        let node = graph.node(&id(number)).unwrap();
        assert_eq!(graph.gives_discounts(node), discounts.contains(&number));
        let found = graph.neighbours(node).map(|it| {
            let id = graph.node_id(it.node).unwrap();
            (id.0[1], graph.channel(it.channel).unwrap().short_channel_id.0, it.direction)
        });
        assert_eq!(found.collect::<BTreeSet<_>>(), expected);
    }
    assert_eq!((graph.node_count(), graph.channel_count()), (nodes.len(), model.len()));
}

proptest! {
    #[test]
    fn holds_what_was_put_into_it(changes in prop::collection::vec(change(), 0..120)) {
        let (mut graph, mut model) = (Graph::new(), Model::new());
        for change in &changes {
            apply(&mut graph, &mut model, change);
        }
        assert_same(&graph, &model);
    }
}

/// A star with as many channels, whose ids come in this order.
fn star(ids: impl Iterator<Item = u64>) -> Graph {
    let mut graph = Graph::new();
    for number in ids {
        let mut leaf = [3; 33];
        leaf[1..9].copy_from_slice(&number.to_be_bytes());
        graph.insert(ShortChannelId(number), [id(0), UncheckedPoint(leaf)], None).unwrap();
    }
    graph
}

#[test]
fn thousands_come_and_go_in_any_order() {
    let shuffled = (0..5_000_u64).map(|number| number * 3_571 % 5_003);
    let mut graph = star(shuffled.clone());
    for number in shuffled.clone().skip(1).step_by(2) {
        let index = graph.find(ShortChannelId(number)).unwrap();
        graph.remove(index).unwrap();
    }
    let left: BTreeSet<u64> = shuffled.step_by(2).collect();
    let channels = graph.channels().map(|(_, it)| it.short_channel_id.0);
    assert!(channels.eq(left.iter().copied()), "in order, and all of them");
    assert_eq!(graph.neighbours(graph.node(&id(0)).unwrap()).count(), left.len());
    assert_eq!(graph.node_count(), left.len() + 1);
}

#[test]
fn places_of_what_is_gone_are_used_again() {
    let mut graph = star(0..100);
    let before = graph.memory();
    for _ in 0..20_000 {
        let (index, channel) = graph.channels().next().unwrap();
        let ends = channel.nodes.map(|node| graph.node_id(node).unwrap());
        graph.remove(index).unwrap();
        graph.insert(channel.short_channel_id, ends, None).unwrap();
    }
    assert!(graph.memory() <= 2 * before + 2 * 48 * 1_024, "{} of {before}", graph.memory());
}

#[test]
fn a_compact_graph_holds_what_its_tables_need() {
    let mut graph = star(0..1_000);
    let before = graph.memory();
    graph.compact();
    let arcs = 2_000 * size_of::<Arc>();
    let nodes = 1_001 * (size_of::<Node>() + size_of::<u32>());
    let channels = 1_000 * (size_of::<Slot>() + size_of::<u32>());
    assert_eq!(graph.memory(), size_of::<Graph>() + arcs + nodes + channels);
    assert_eq!((size_of::<Arc>(), size_of::<Slot>(), size_of::<Node>()), (48, 32, 52));
    assert!(graph.memory() < before);
}

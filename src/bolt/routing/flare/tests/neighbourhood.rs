use proptest::prelude::*;

use super::world::World;
use super::*;

fn line(count: u32, radius: u8) -> World {
    let mut world = World::new(count, radius, Limits::default());
    for at in 1..count {
        world.open(at - 1, at);
    }
    world
}

#[test]
fn a_map_reaches_as_far_as_its_radius() {
    for radius in 2..5 {
        let mut world = line(9, radius);
        world.settle();
        world.maps_are_true(radius);
        assert_eq!(world.map(4).len(), 2 * usize::from(radius).min(4));
    }
}

#[test]
fn of_radius_one_a_node_knows_its_own_channels_alone() {
    let mut world = line(4, 1);
    world.settle();
    assert_eq!(world.map(1).len(), 2);
    assert!(world.nodes[1].links().all(|(link, distance)| link.touches(node(1)) && distance == 1));
}

#[test]
fn a_closed_channel_is_forgotten_by_all() {
    let mut world = line(6, 3);
    world.open(0, 5);
    world.settle();
    world.close(2);
    world.settle();
    world.maps_are_true(3);
}

#[test]
fn with_the_last_channel_all_that_the_peer_told_goes() {
    let mut world = line(3, 3);
    world.settle();
    assert_eq!(world.map(0).len(), 2);
    world.close(0);
    world.settle();
    assert_eq!(world.map(0).len(), 0);
    world.maps_are_true(3);
}

#[test]
fn changes_are_batched() {
    let mut world = line(3, 3);
    world.settle();
    world.messages = 0;
    for _ in 0..40 {
        world.change(0);
    }
    world.settle();
    world.maps_are_true(3);
    // Each end tells its one peer or two, and each of these acknowledges.
    assert!(world.messages <= 10, "{}", world.messages);
}

#[test]
fn nothing_is_said_when_nothing_changes() {
    let mut world = line(5, 3);
    world.settle();
    world.messages = 0;
    world.settle();
    assert_eq!(world.messages, 0);
}

#[test]
fn a_connection_that_comes_back_goes_on_where_it_was_lost() {
    let mut world = line(5, 3);
    world.settle();
    world.messages = 0;
    world.disconnect(1, 2);
    world.connect(1, 2);
    world.settle();
    world.maps_are_true(3);
    assert_eq!(world.messages, 2, "one hello each");
}

#[test]
fn a_node_that_has_forgotten_everything_is_told_from_the_start() {
    let mut world = line(5, 3);
    world.settle();
    world.disconnect(1, 2);
    world.disconnect(2, 3);
    let mut own: Vec<_> =
        world.nodes[2].links().filter(|(_, far)| *far == 1).map(|(l, _)| *l).collect();
    world.nodes[2] = Neighbourhood::new(node(2), 3, Limits::default());
    for link in &mut own {
        world.nodes[2].opened(*link);
    }
    world.settle();
    world.maps_are_true(3);
}

#[test]
fn a_node_that_has_forgotten_on_a_living_connection_is_told_again() {
    let mut world = line(4, 3);
    world.settle();
    let own: Vec<_> =
        world.nodes[1].links().filter(|(_, far)| *far == 1).map(|(l, _)| *l).collect();
    world.nodes[1] = Neighbourhood::new(node(1), 3, Limits::default());
    for link in own {
        world.nodes[1].opened(link);
    }
    for peer in [0, 2] {
        let hello = world.nodes[1].connected(node(peer));
        world.post(1, hello);
    }
    world.settle();
    world.maps_are_true(3);
}

#[test]
fn a_map_that_grows_too_large_takes_a_smaller_radius() {
    let mut world = World::new(40, 3, Limits::default());
    world.nodes[0] = Neighbourhood::new(node(0), 3, Limits { links: 12, updates: 100 });
    // A chain of three nodes, the last of which has many channels.
    world.open(0, 1);
    world.open(1, 2);
    for leaf in 3..40 {
        world.open(2, leaf);
    }
    world.settle();
    assert_eq!(world.nodes[0].radius(), 2);
    assert_eq!(world.map(0), world.ball(0, 2));
    // The others have not noticed.
    assert_eq!(world.map(1), world.ball(1, 3));
}

#[test]
fn a_table_of_many_links_comes_in_many_updates() {
    let mut world = World::new(3, 3, Limits::default());
    for _ in 0..1_200 {
        world.open(1, 2);
    }
    world.open(0, 1);
    world.settle();
    world.maps_are_true(3);
}

/// A node with one honest channel to node 1.
fn with_a_peer(limits: Limits) -> Neighbourhood<NodeId> {
    let mut own = Neighbourhood::new(node(0), 3, limits);
    own.opened(link(1, 0, 1));
    own.connected(node(1));
    own.receive(node(1), Message::Hello { radius: 3, received: 0 }).unwrap();
    own
}

fn update(sequence: u64, told: Vec<Told<NodeId>>) -> Message<NodeId> {
    let from_start = sequence == 1;
    Message::Update(Update { sequence, from_start, told, gone: Vec::new() })
}

/// The offence is found, and nothing that the peer told is left.
#[track_caller]
fn is_cut_off(mut own: Neighbourhood<NodeId>, message: Message<NodeId>, offence: Offence) {
    assert_eq!(own.receive(node(1), message), Err(offence));
    assert!(own.is_cut_off(node(1)));
    assert_eq!(own.links().count(), 1, "the own channel is left");
    assert_eq!(own.receive(node(1), update(9, Vec::new())), Ok(Vec::new()));
    own.disconnected(node(1));
    assert_eq!(own.connected(node(1)), Vec::new());
    assert_eq!(own.tick(), Vec::new());
}

#[test]
fn a_peer_that_tells_of_too_many_channels_is_cut_off() {
    let mut own = with_a_peer(Limits { links: 10, updates: 100 });
    let told = |range: std::ops::Range<u32>| {
        range.map(|at| Told { link: link(at.into(), 1, at), distance: 1 }).collect::<Vec<_>>()
    };
    own.receive(node(1), update(1, told(10..300))).unwrap();
    assert_eq!(own.radius(), 1);
    is_cut_off(own, update(2, told(300..600)), Offence::TooManyLinks { most: 510 });
}

#[test]
fn a_peer_that_sends_too_many_updates_is_cut_off() {
    let mut own = with_a_peer(Limits { links: 10, updates: 3 });
    for sequence in 1..4 {
        own.receive(node(1), update(sequence, Vec::new())).unwrap();
    }
    let mut rested = own.clone();
    rested.tick();
    assert!(rested.receive(node(1), update(4, Vec::new())).is_ok());
    is_cut_off(own, update(4, Vec::new()), Offence::TooManyUpdates { most: 3 });
}

#[test]
fn a_peer_that_speaks_of_impossible_distances_is_cut_off() {
    for radius in [0, MAX_RADIUS + 1] {
        let hello = Message::Hello { radius, received: 0 };
        is_cut_off(with_a_peer(Limits::default()), hello, Offence::Distance { distance: radius });
    }
    for distance in [0, MAX_RADIUS] {
        let told = update(1, vec![Told { link: link(2, 1, 2), distance }]);
        is_cut_off(with_a_peer(Limits::default()), told, Offence::Distance { distance });
    }
}

#[test]
fn a_peer_that_claims_the_channel_of_others_is_cut_off() {
    let told = update(1, vec![Told { link: link(2, 2, 3), distance: 1 }]);
    let offence = Offence::NotItsOwn { channel: ShortChannelId(2) };
    is_cut_off(with_a_peer(Limits::default()), told, offence);
}

#[test]
fn nobody_adds_to_the_channels_of_a_node_but_itself() {
    let mut own = with_a_peer(Limits::default());
    let mut false_link = link(1, 0, 1);
    false_link.set_policy(node(0), Some(Policy { fee_base_msat: 1, ..free(9) }));
    false_link.set_policy(node(1), Some(Policy { fee_base_msat: 2, ..free(9) }));
    let told = vec![
        Told { link: link(7, 0, 5), distance: 2 },
        Told { link: link(8, 0, 1), distance: 1 },
        Told { link: false_link, distance: 1 },
    ];
    own.receive(node(1), update(1, told)).unwrap();
    let links: Vec<_> = own.links().map(|(link, _)| *link).collect();
    let mut expected = link(1, 0, 1);
    expected.set_policy(node(1), Some(Policy { fee_base_msat: 2, ..free(9) }));
    assert_eq!(links, [expected]);
}

#[test]
fn a_stranger_is_not_heard() {
    let mut own = with_a_peer(Limits::default());
    let told = update(1, vec![Told { link: link(2, 2, 3), distance: 1 }]);
    assert_eq!(own.receive(node(2), told), Ok(Vec::new()));
    assert_eq!(own.links().count(), 1);
}

#[derive(Clone, Debug)]
enum Event {
    Open(u32, u32),
    Close(usize),
    Change(usize),
    Disconnect(usize),
    Tick,
    Deliver(usize),
}

const NODES: u32 = 9;

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0..NODES, 1..NODES).prop_map(|(a, by)| Event::Open(a, (a + by) % NODES)),
        2 => (0_usize..12).prop_map(Event::Close),
        2 => (0_usize..12).prop_map(Event::Change),
        2 => (0_usize..12).prop_map(Event::Disconnect),
        4 => Just(Event::Tick),
        12 => (0_usize..30).prop_map(Event::Deliver),
    ];
    proptest::collection::vec(event, 10..150)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_maps_become_true(events in events(), radius in 2_u8..5) {
        let mut world = World::new(NODES, radius, Limits { links: 1_000, updates: 1_000 });
        for event in events {
            match event {
                Event::Open(a, b) => { world.open(a, b); }
                Event::Close(nth) => world.close(nth),
                Event::Change(nth) => world.change(nth),
                Event::Disconnect(nth) => {
                    let ends = world.links.values().nth(nth).map(|link| link.ends.map(World::number));
                    if let Some([a, b]) = ends {
                        world.disconnect(a, b);
                        if nth % 2 == 0 {
                            world.connect(a, b);
                        }
                    }
                }
                Event::Tick => world.tick(),
                Event::Deliver(nth) => { world.deliver(nth); }
            }
        }
        world.settle();
        world.maps_are_true(radius);
    }
}

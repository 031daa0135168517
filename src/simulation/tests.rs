use super::*;
use crate::bolt::routing::flare::{Name, Table};
use crate::bolt::units::Msat;
use crate::topology::{line as line_of, snapshot_like};

#[test]
fn the_short_form_is_what_it_was() {
    let mut text = heading() + "\n";
    for Case { shape, nodes, setting } in Matrix::Short.cases(1) {
        let network = shape.network(nodes, setting.seed).unwrap();
        text += &(line(&run(shape.name(), network, &setting)) + "\n");
    }
    // `boltlab simulate flare --matrix short > src/simulation/short.txt` writes it anew.
    assert_eq!(text, include_str!("short.txt"));
}

/// The map of a node as the core has it.
fn built(world: &mut World, node: u32) -> Table<Numbered> {
    let channels = world.table(node);
    let links: Vec<_> = channels.iter().map(|channel| world.link(*channel)).collect();
    let mut table = Table::new(usize::MAX);
    table.merge(&links);
    table
}

#[test]
fn who_is_nearest_is_what_the_core_says_of_the_same_map() {
    let network = snapshot_like(300, 900, 1).unwrap();
    let mut world = World::new(network, 2, 0, 400, 1);
    for node in 0..300 {
        let (target, own) = (Numbered((node * 7 + 1) % 300), Numbered(node));
        let table = built(&mut world, node);
        for nearer in [false, true] {
            let quick = world.nearest(node, target, 5, nearer);
            let core = if nearer {
                table.nearer(own, target.address(), 5)
            } else {
                table.nearest(own, target.address(), 5)
            };
            let names = |found: &[(Numbered, Vec<_>)]| {
                found.iter().map(|(name, path)| (*name, path.len())).collect::<Vec<_>>()
            };
            assert_eq!(names(&quick), names(&core), "node {node}");
        }
    }
}

#[test]
fn a_map_without_room_has_a_smaller_radius() {
    let at = |most_links| World::new(line_of(9), 3, 0, most_links, 1).table(4).len();
    assert_eq!((at(6), at(5), at(3), at(0)), (6, 4, 2, 2));
}

#[test]
fn balances_are_both_ends_and_no_more() {
    let world = World::new(line_of(2), 1, 0, 9, 1);
    let whole = Msat::from_amount(world.capacity(0)).unwrap();
    let most = |from| {
        let fits = |amount: &u64| world.can_send(from, 0, Msat(*amount));
        let (mut low, mut high) = (0, whole.0 + 1);
        while high - low > 1 {
            let middle = u64::midpoint(low, high);
            if fits(&middle) { low = middle } else { high = middle }
        }
        low
    };
    assert_eq!(most(0) + most(1), whole.0);
}

#[test]
fn who_knows_the_whole_line_finds_every_route_at_once() {
    let setting =
        Setting { radius: 8, beacons: 0, pairs: 30, amount: Msat(1), ..Setting::default() };
    let row = run("line", line_of(9), &setting);
    assert_eq!((row.found, row.found_at_once, row.possible), (30, 30, 30));
    assert_eq!((row.hops, row.asked), (row.shortest, Spread::default()));
    // Nobody who knows only the own channels finds much without asking.
    let alone = run("line", line_of(9), &Setting { radius: 1, queries: 0, ..setting });
    assert!(alone.found < 20, "{}", alone.found);
}

#[test]
fn the_shortest_way_is_found_from_both_ends() {
    let network = snapshot_like(60, 90, 3).unwrap();
    let world = World::new(network, 1, 0, 9, 1);
    let test = |at: u32, channel: u32| !(at + channel).is_multiple_of(4);
    // From every node, ring by ring.
    for from in 0..60 {
        let mut hops = vec![None; 60];
        let mut ring = vec![from];
        for depth in 0.. {
            if ring.is_empty() {
                break;
            }
            let mut next = Vec::new();
            for at in ring {
                hops[usize::try_from(at).unwrap()].get_or_insert(depth);
                for (channel, (a, b)) in (0..).zip(&world.network().channels) {
                    let other = if *a == at { *b } else { *a };
                    let touches = *a == at || *b == at;
                    if touches
                        && test(at, channel)
                        && hops[usize::try_from(other).unwrap()].is_none()
                    {
                        next.push(other);
                    }
                }
            }
            ring = next;
        }
        for to in 0..60 {
            let found = world.shortest(from, to, test);
            assert_eq!(found, hops[usize::try_from(to).unwrap()], "{from} to {to}");
        }
    }
}

#[test]
fn the_spread_of_numbers() {
    assert_eq!(Spread::of(Vec::new()), Spread::default());
    assert_eq!(Spread::of((1..=100).collect()), Spread { mean_tenths: 505, p95: 95 });
    assert_eq!(Spread::of(vec![7]), Spread { mean_tenths: 70, p95: 7 });
}

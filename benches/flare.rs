//! Flare: the processor's time for a search, and the memory for a table.

#![allow(missing_docs, reason = "criterion's macros make functions without any")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on says so by a panic")]
#![allow(clippy::print_stdout, reason = "memory is no figure of criterion's")]

use std::hint::black_box;

use boltlab::bolt::routing::flare::{
    Limits, Link, Message, Name, Neighbourhood, NodeId, Search, SearchLimits, Step, Table, Told,
    Update, ranked,
};
use boltlab::bolt::units::Msat;
use boltlab::simulation::{Numbered, Shape, World};
use boltlab::topology::SNAPSHOT_NODES;
use criterion::{BenchmarkId, Criterion, criterion_group};

const AMOUNT: Msat = Msat(50_000_000);

fn world(shape: Shape, nodes: u32, radius: u8) -> World {
    World::new(shape.network(nodes, 1).unwrap(), radius, 10, 20_000, 1)
}

fn links(world: &mut World, node: u32) -> Vec<Link<Numbered>> {
    world.table(node).iter().map(|channel| world.link(*channel)).collect()
}

/// A whole search: two tables merged, others asked for, routes found and ranked. The world
/// remembers all tables from the first time on.
fn search(world: &mut World, from: u32, to: u32) -> usize {
    let both = [links(world, from), links(world, to)].concat();
    let limits = SearchLimits::default();
    let mut search = Search::new(Numbered(from), Numbered(to), AMOUNT, limits, &both);
    loop {
        match search.step() {
            Step::Ask { whom, .. } => search.answered(whom, &links(world, whom.0)),
            Step::Routes(routes) => return ranked(routes, AMOUNT).len(),
            Step::NoRoute => return 0,
        }
    }
}

fn searches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flare/search");
    let cases = [
        (Shape::SmallWorld, 2_500, 3),
        (Shape::SmallWorld, 10_000, 3),
        (Shape::SmallWorld, 100_000, 5),
        (Shape::ScaleFree, 10_000, 2),
        (Shape::ScaleFree, 100_000, 2),
        (Shape::SnapshotLike, SNAPSHOT_NODES, 1),
        (Shape::SnapshotLike, SNAPSHOT_NODES, 2),
    ];
    for (shape, nodes, radius) in cases {
        let mut world = world(shape, nodes, radius);
        let name = format!("{} r={radius}", shape.name());
        let mut pair = 0;
        group.bench_function(BenchmarkId::new(name, nodes), |bencher| {
            bencher.iter(|| {
                pair = (pair + 1) % 20;
                black_box(search(&mut world, pair * 97 % nodes, (pair * 131 + 1_009) % nodes))
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = searches
}

/// The memory of this process that is in use, in bytes, as Linux counts it in pages.
fn in_use() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// A link between nodes with names as long as real ones.
fn real(link: &Link<Numbered>) -> Link<NodeId> {
    let [low, high] = link.ends;
    let (low, high) = (NodeId(low.bytes()), NodeId(high.bytes()));
    Link {
        channel: link.channel,
        ends: [low, high],
        capacity: link.capacity,
        policies: link.policies,
    }
}

fn memory_of<T>(what: &str, links: usize, make: impl Fn() -> T) {
    const COPIES: usize = 4;
    let before = in_use();
    let kept: Vec<T> = (0..COPIES).map(|_| make()).collect();
    let bytes = (in_use() - before) / COPIES;
    // What is given back would be taken by the next one, and not be seen.
    std::mem::forget(black_box(kept));
    println!("memory: {what}: {links} channels, {bytes} bytes, {} a channel", bytes / links);
}

/// A map whose every link two peers have told of.
fn neighbourhood(links: &[Link<NodeId>]) -> Neighbourhood<NodeId> {
    let own = NodeId([3; 33]);
    let mut map = Neighbourhood::new(own, 3, Limits::default());
    for (nth, chunk) in links.chunks(400).enumerate() {
        let peer = NodeId([u8::try_from(nth % 20).unwrap() + 4; 33]);
        map.opened(Link::new(links[nth].channel, own, peer, links[nth].capacity));
        map.connected(peer);
        map.receive(peer, Message::Hello { radius: 3, received: 0 }).unwrap();
        let told = chunk.iter().map(|link| Told { link: *link, distance: 2 }).collect();
        let update = Update { sequence: 1, from_start: true, told, gone: Vec::new() };
        map.receive(peer, Message::Update(update)).unwrap();
    }
    map
}

fn memory() {
    let cases = [(Shape::SnapshotLike, SNAPSHOT_NODES, 2), (Shape::SmallWorld, 100_000, 5)];
    for (shape, nodes, radius) in cases {
        let mut world = world(shape, nodes, radius);
        let all: Vec<_> = (0..).zip(&world.network().channels).map(|(at, _)| at).collect();
        let all: Vec<_> = all.into_iter().map(|at| real(&world.link(at))).collect();
        let table = |links: &[Link<NodeId>]| {
            let mut table = Table::new(usize::MAX);
            table.merge(links);
            table
        };
        let name = format!("{} of {nodes}, the whole graph as a table", shape.name());
        memory_of(&name, all.len(), || table(&all));
        // The same count of nodes as the copies, together: one node's table is too small to see.
        let own: Vec<Vec<_>> =
            (0..200).map(|at| links(&mut world, at * 61).iter().map(real).collect()).collect();
        let count = own.iter().map(Vec::len).sum();
        let name = format!("{} of {nodes}, 200 nodes' tables, r={radius}", shape.name());
        memory_of(&name, count, || own.iter().map(|links| table(links)).collect::<Vec<_>>());
        let name = format!("{} of {nodes}, 200 nodes' maps with what peers told", shape.name());
        memory_of(&name, count, || {
            own.iter().map(|links| neighbourhood(links)).collect::<Vec<_>>()
        });
    }
}

fn main() {
    memory();
    benches();
    Criterion::default().configure_from_args().final_summary();
}

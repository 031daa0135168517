//! Random pairs of nodes look for routes as Flare does.

use std::collections::BTreeSet;

use super::stats::{Row, Spread};
use super::world::{Numbered, World};
use crate::bolt::routing::flare::{
    Link, Message, PollAnswer, PollQuestion, Polling, Route, Search, SearchLimits, Step, Terms,
    in_parts, ranked,
};
use crate::bolt::units::Msat;
use crate::topology::{Dice, Network};

/// How long a question and its answer take, a hop, in milliseconds: chosen, about what two nodes on
/// different continents need for a message and its answer.
pub const LATENCY_MS: u64 = 100;
/// Within what time the published test found its routes, in milliseconds.
const IN_TIME_MS: u64 = 500;
/// How many routes are polled.
const POLLED: usize = 5;
/// How often answers may change what is asked for.
const POLL_ROUNDS: u32 = 4;
/// How long a part of a table is at most, in bytes: what an onion message of 32 KiB has room for.
const PART_BYTES: usize = 30_000;

/// How nodes behave, and who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The radius of the maps, in hops.
    pub radius: u8,
    /// How many beacons a node looks for.
    pub beacons: u8,
    /// How many tables a sender may ask for.
    pub queries: u32,
    /// How many links a map may have.
    pub most_links: usize,
    /// How many pairs try to pay.
    pub pairs: u32,
    /// What they pay.
    pub amount: Msat,
    /// Draws terms, balances and pairs.
    pub seed: u64,
}

impl Default for Setting {
    /// Radius 2, ten beacons, ten queries, maps of 20,000 links, 200 pairs, 50,000 sat.
    fn default() -> Self {
        Self {
            radius: 2,
            beacons: 10,
            queries: 10,
            most_links: 20_000,
            pairs: 200,
            amount: Msat(50_000_000),
            seed: 1,
        }
    }
}

/// What is noted of each pair.
#[derive(Default)]
struct Notes {
    row: Counts,
    asked: Vec<u64>,
    hops: Vec<u64>,
    shortest: Vec<u64>,
    entries: Vec<u64>,
    bytes: Vec<u64>,
    messages: Vec<u64>,
    moved: Vec<u64>,
    time_ms: Vec<u64>,
    cpu_us: Vec<u64>,
}

#[derive(Default)]
struct Counts {
    possible: u64,
    found: u64,
    found_at_once: u64,
    found_in_time: u64,
    could_pay: u64,
    paid: u64,
}

/// What went over channels for one payment.
#[derive(Default)]
struct Traffic {
    messages: u64,
    bytes: u64,
}

impl Traffic {
    /// A message that goes over this many channels.
    fn send(&mut self, message: &Message<Numbered>, hops: usize) {
        let hops = number(hops);
        self.messages += hops;
        self.bytes += hops * number(message.encode().len());
    }

    /// A table that goes over this many channels, in parts.
    fn send_table(&mut self, links: &[Link<Numbered>], hops: usize) {
        for part in in_parts(1, links, PART_BYTES) {
            self.send(&Message::Table(part), hops);
        }
    }
}

/// Tells the time in microseconds since any moment.
pub type Clock<'a> = &'a dyn Fn() -> u64;

/// Has random pairs of a network look for a route and poll it, and counts what came of it.
pub fn run(shape: &str, network: Network, setting: &Setting) -> Row {
    run_timed(shape, network, setting, &|| 0)
}

/// Like [`run`], and measures how long the sender's processor searches: tables merged, further ones
/// chosen, routes found and ranked; not what the simulation computes in place of other nodes.
pub fn run_timed(shape: &str, network: Network, setting: &Setting, clock: Clock<'_>) -> Row {
    let Setting { radius, beacons, most_links, seed, .. } = *setting;
    let mut world = World::new(network, radius, beacons, most_links, seed);
    let nodes = world.network().nodes;
    let mut dice = Dice::new(seed, 7);
    let mut notes = Notes::default();
    for _ in 0..setting.pairs {
        let from = dice.node(nodes);
        let to = (from + 1 + dice.node(nodes.saturating_sub(1))) % nodes.max(1);
        pay(&mut world, setting, [from, to], &mut notes, clock);
    }
    let Notes { row, asked, hops, shortest, entries, bytes, messages, moved, time_ms, cpu_us } =
        notes;
    Row {
        shape: shape.to_owned(),
        nodes,
        channels: world.network().channels.len(),
        radius,
        beacons,
        queries: setting.queries,
        most_links,
        pairs: setting.pairs.into(),
        possible: row.possible,
        found: row.found,
        found_at_once: row.found_at_once,
        found_in_time: row.found_in_time,
        could_pay: row.could_pay,
        paid: row.paid,
        asked: Spread::of(asked),
        hops: Spread::of(hops),
        shortest: Spread::of(shortest),
        entries: Spread::of(entries),
        bytes: Spread::of(bytes),
        messages: Spread::of(messages),
        moved: Spread::of(moved),
        time_ms: Spread::of(time_ms),
        cpu_us: Spread::of(cpu_us),
    }
}

/// One pair.
fn pay(
    world: &mut World,
    setting: &Setting,
    [from, to]: [u32; 2],
    notes: &mut Notes,
    clock: Clock<'_>,
) {
    let amount = setting.amount;
    let fits =
        |channel| Msat::from_amount(world.capacity(channel)).is_some_and(|all| amount <= all);
    let shortest = world.shortest(from, to, |_, channel| fits(channel));
    let could = world.shortest(from, to, |at, channel| world.can_send(at, channel, amount));
    notes.row.possible += u64::from(shortest.is_some());
    notes.row.could_pay += u64::from(could.is_some());
    let mut traffic = Traffic::default();
    let mut links = table(world, from, notes);
    let theirs = table(world, to, notes);
    // The receiver's table comes with the request to pay: it goes where that goes, one way.
    traffic.send_table(&theirs, 1);
    links.extend(theirs);
    let begun = clock();
    let limits = SearchLimits { queries: setting.queries, ..SearchLimits::default() };
    let search = Search::new(Numbered(from), Numbered(to), amount, limits, &links);
    let mut busy = Busy { clock, since: begun, spent: 0 };
    let Found { routes, queries, time_ms } = find(world, search, &mut traffic, &mut busy);
    if let Some(first) = routes.first() {
        notes.row.found += 1;
        notes.row.found_at_once += u64::from(queries == 0);
        notes.row.found_in_time += u64::from(time_ms <= IN_TIME_MS);
        notes.asked.push(queries.into());
        notes.hops.push(number(first.len()));
        notes.shortest.extend(shortest.map(number));
        notes.time_ms.push(time_ms);
    }
    let best = ranked(routes, amount);
    busy.pause();
    notes.cpu_us.push(busy.spent);
    notes.row.paid += u64::from(poll(world, best, amount, &mut traffic));
    notes.messages.push(traffic.messages);
    notes.moved.push(traffic.bytes);
}

/// How long the sender's processor was busy.
struct Busy<'a> {
    clock: Clock<'a>,
    since: u64,
    spent: u64,
}

impl Busy<'_> {
    fn pause(&mut self) {
        self.spent += (self.clock)().saturating_sub(self.since);
    }

    fn go_on(&mut self) {
        self.since = (self.clock)();
    }
}

/// What a search ended in, how many it asked, and how long their answers would have taken.
struct Found {
    routes: Vec<Route<Numbered>>,
    queries: u32,
    time_ms: u64,
}

/// A search, with every question answered by the world.
fn find(
    world: &mut World,
    mut search: Search<Numbered>,
    traffic: &mut Traffic,
    busy: &mut Busy<'_>,
) -> Found {
    let mut time_ms = 0;
    let routes = loop {
        match search.step() {
            Step::Ask { whom, path } => {
                busy.pause();
                time_ms += number(path.len()) * LATENCY_MS;
                let channels = world.table(whom.0);
                let links: Vec<_> = channels.iter().map(|channel| world.link(*channel)).collect();
                traffic.send(&Message::AskTable { id: 1 }, path.len());
                traffic.send_table(&links, path.len());
                busy.go_on();
                search.answered(whom, &links);
            }
            Step::Routes(routes) => break routes,
            Step::NoRoute => break Vec::new(),
        }
    };
    Found { routes, queries: search.queries(), time_ms }
}

/// A node's table, which is noted with its size.
fn table(world: &mut World, node: u32, notes: &mut Notes) -> Vec<Link<Numbered>> {
    let channels = world.table(node);
    let links: Vec<_> = channels.iter().map(|channel| world.link(*channel)).collect();
    let mut whole = Traffic::default();
    whole.send_table(&links, 1);
    notes.entries.push(number(links.len()));
    notes.bytes.push(whole.bytes);
    links
}

/// Polls the first few routes; whether one of them holds.
fn poll(world: &World, routes: Vec<Route<Numbered>>, amount: Msat, traffic: &mut Traffic) -> bool {
    let mut polling = Polling::new(ranked(routes, amount), amount, POLLED);
    let mut asked = BTreeSet::new();
    for _ in 0..POLL_ROUNDS {
        for question in polling.questions() {
            let answer = answer(world, &question);
            // The same hop of two routes is asked once.
            if asked.insert((question.whom, question.channel, question.amount)) {
                let hops = question.path.len();
                traffic.send(&poll_message(&question), hops);
                traffic.send(&Message::PollAnswer { id: 1, answer }, hops);
            }
            polling.answered(&question, answer);
        }
    }
    !polling.payable().is_empty()
}

fn poll_message(question: &PollQuestion<Numbered>) -> Message<Numbered> {
    let PollQuestion { channel, amount, .. } = *question;
    Message::Poll(crate::bolt::routing::flare::Poll { id: 1, channel, amount })
}

/// What the polled node says: its balance decides, which nobody else knows.
fn answer(world: &World, question: &PollQuestion<Numbered>) -> PollAnswer {
    let Ok(channel) = u32::try_from(question.channel.0) else { return PollAnswer::NotMine };
    match world.link(channel).policy(question.whom) {
        None => PollAnswer::NotMine,
        Some(policy) if world.can_send(question.whom.0, channel, question.amount) => {
            PollAnswer::Carries(Terms::from(*policy))
        }
        Some(_) => PollAnswer::CannotNow,
    }
}

fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// How many bytes all channels of a network have as messages.
pub(super) fn whole_graph_bytes(world: &World) -> u64 {
    let links: Vec<_> =
        (0..).zip(&world.network().channels).map(|(at, _)| world.link(at)).collect();
    let mut whole = Traffic::default();
    whole.send_table(&links, 1);
    whole.bytes
}

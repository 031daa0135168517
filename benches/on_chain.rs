//! What HTLCs on chain cost as they become many: a channel with so many in each direction that is
//! force-closed, a row of nodes in which the last one falls silent, a node that closes all of its
//! channels in one block. Every output is resolved on a real bitcoind, and audited.
//!
//! `cargo bench --bench on_chain` takes a minute; `cargo bench --bench on_chain -- 10 50` measures
//! the first with these numbers of HTLCs only, `-- row` and `-- hub` the others, and `-- 483 one-by-one` also
//! fills one by one however many there are.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use boltlab::audit;
use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::lab::{self, Ending};
use boltlab::scenario::{ParseOptions, parse};

/// The most HTLCs that BOLT 2 lets a side have in flight.
const MOST: u32 = 483;

/// More than these are filled one by one only if that is asked for: it takes minutes.
const MOST_ONE_BY_ONE: u32 = 200;

/// A scenario that was played, and how long that took.
struct Played {
    run: lab::Run,
    whole: Duration,
    /// What of it was spent waiting for bitcoind.
    bitcoind: Duration,
    /// How long the audit takes at the end.
    audit: Duration,
}

/// Runs something, and tells how long that takes.
#[allow(clippy::disallowed_methods, reason = "this measures wall time")]
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let since = Instant::now();
    let done = work();
    (since.elapsed(), done)
}

/// Plays a scenario. One that does not pass makes the figures worthless.
fn play(text: &str, options: &lab::Options) -> Played {
    let lenient = ParseOptions { allow_missing_outcome: true };
    let scenario = parse(Path::new("bench.yaml"), text, lenient).expect("a sound scenario");
    let (whole, run) = timed(|| lab::run(&scenario, options));
    assert!(matches!(run.ending, Ending::Passed), "{:?}", run.ending);
    assert_eq!(run.account.problems, Vec::<String>::new());
    let (audit, _) = timed(|| audit::account(&run.trace));
    Played { whole, bitcoind: run.waited, audit, run }
}

/// The quickest of several times.
fn best(rounds: u32, text: &str, options: &lab::Options) -> Played {
    let all = (0..rounds).map(|_| play(text, options));
    all.min_by_key(|played| played.whole).expect("at least one")
}

/// How many HTLCs a commitment takes in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filling {
    /// One: the next is offered when it is committed.
    OneByOne,
    /// All: both sides offer before they hear of each other.
    AtOnce,
}

/// A channel without HTLCs.
fn empty(count: u32) -> String {
    format!(
        "title: {count} HTLCs each way\n\
         cast:\n  \
           alice: {{role: honest, funds: 10 BTC, min_final_cltv_expiry_delta: 40 blocks}}\n  \
           bob: {{role: honest, funds: 10 BTC, min_final_cltv_expiry_delta: 40 blocks}}\n\
         channels:\n  \
           ab: {{from: alice, to: bob, capacity: 16_000_000 sat, push: 8_000_000 sat}}\n\
         steps:\n  - open: ab\n"
    )
}

/// A channel with so many HTLCs in each direction, up to the moment before it is closed.
fn filled(count: u32, filling: Filling) -> String {
    let mut text = empty(count);
    let is_held = filling == Filling::AtOnce;
    text += if is_held { "  - hold: alice\n  - hold: bob\n" } else { "" };
    for number in 0..count {
        for (payer, payee) in [("alice", "bob"), ("bob", "alice")] {
            let _ = write!(
                text,
                "  - invoice: {{by: {payee}, amount: 5_000 sat, as: {payee}{number}, hold: true}}\n  \
                   - pay: {{from: {payer}, invoice: {payee}{number}, until: sent}}\n"
            );
        }
    }
    text += if is_held { "  - release: alice\n  - release: bob\n" } else { "" };
    text + "  - disconnect: {from: alice, to: bob}\n"
}

/// The same, closed; half of the HTLCs are settled on chain, the others time out.
fn closed(count: u32) -> String {
    let mut text = filled(count, Filling::AtOnce);
    text += "  - force_close: {channel: ab, by: alice}\n  - mine: 1 block\n";
    for number in (0..count).step_by(2) {
        for payee in ["alice", "bob"] {
            let _ = writeln!(text, "  - settle: {payee}{number}");
        }
    }
    // So many that both nodes have nothing left to do.
    text + "  - mine: 300 blocks\n  \
              - expect: {state: {channel: ab, of: alice, is: closed}}\n  \
              - expect: {state: {channel: ab, of: bob, is: closed}}\n"
}

/// So many nodes in a row; the last one falls silent with a payment in flight.
fn row(nodes: u32) -> String {
    let mut text = format!("title: A row of {nodes}\ncast:\n");
    for node in 0..nodes {
        let _ = writeln!(
            text,
            "  n{node}: {{role: honest, funds: 1 BTC, cltv_expiry_delta: 40 blocks, \
             min_final_cltv_expiry_delta: 40 blocks}}"
        );
    }
    text += "channels:\n";
    for node in 1..nodes {
        let before = node - 1;
        let _ =
            writeln!(text, "  c{node}: {{from: n{before}, to: n{node}, capacity: 1_000_000 sat}}");
    }
    text += "steps:\n";
    for node in 1..nodes {
        let _ = writeln!(text, "  - open: c{node}");
    }
    let (before, last) = (nodes - 2, nodes - 1);
    text + &format!(
        "  - invoice: {{by: n{last}, amount: 100_000 sat, as: far, hold: true}}\n  \
           - pay: {{from: n0, invoice: far, until: sent}}\n  \
           - disconnect: {{from: n{before}, to: n{last}}}\n  \
           - mine: 52 blocks\n  \
           - expect: {{payment: {{of: n0, invoice: far, is: failed}}}}\n  \
           - mine: 145 blocks\n"
    )
}

/// A node with so many channels, each with an HTLC of either side, that closes all of them at once.
fn hub(channels: u32) -> String {
    let mut text = "title: A hub\ncast:\n  hub: {role: honest, funds: 20 BTC}\n".to_owned();
    for peer in 0..channels {
        let _ = writeln!(
            text,
            "  p{peer}: {{role: honest, funds: 1 BTC, min_final_cltv_expiry_delta: 40 blocks}}"
        );
    }
    text += "channels:\n";
    for peer in 0..channels {
        let _ = writeln!(
            text,
            "  c{peer}: {{from: p{peer}, to: hub, capacity: 1_000_000 sat, push: 400_000 sat}}"
        );
    }
    text += "steps:\n";
    for peer in 0..channels {
        let _ = write!(
            text,
            "  - open: c{peer}\n  \
               - invoice: {{by: p{peer}, amount: 50_000 sat, as: i{peer}, hold: true}}\n  \
               - pay: {{from: hub, invoice: i{peer}, until: sent}}\n"
        );
    }
    for peer in 0..channels {
        let _ = writeln!(text, "  - force_close: {{channel: c{peer}, by: hub}}");
    }
    text + "  - mine: 260 blocks\n"
}

/// In milliseconds, each of so many.
fn each(time: Duration, count: u32) -> f64 {
    time.as_secs_f64() * 1000.0 / f64::from(count)
}

/// A row of the table of a channel with so many HTLCs in each direction.
#[allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn channel(count: u32, one_by_one: bool, options: &lab::Options) {
    // What is quick is disturbed by everything.
    let rounds = (200 / count).clamp(1, 5);
    let open = best(rounds, &empty(count), options);
    let one_by_one = (one_by_one || count <= MOST_ONE_BY_ONE)
        .then(|| best(rounds.min(2), &filled(count, Filling::OneByOne), options));
    let at_once = best(rounds, &filled(count, Filling::AtOnce), options);
    let whole = best(rounds, &closed(count), options);
    let htlcs = 2 * count;
    let close = whole.whole.saturating_sub(at_once.whole);
    let bitcoind = whole.bitcoind.saturating_sub(at_once.bitcoind);
    println!(
        "{count:8}  {:>10}  {:7.2}  {:8.2}  {:8.2}  {:5.2}  {:7}  {:9.1}",
        one_by_one.map_or_else(
            || "-".to_owned(),
            |filled| format!("{:.2}", each(filled.whole.saturating_sub(open.whole), htlcs))
        ),
        each(at_once.whole.saturating_sub(open.whole), htlcs),
        each(close, htlcs),
        each(bitcoind, htlcs),
        each(whole.audit, htlcs),
        whole.run.account.outputs(),
        whole.whole.as_secs_f64(),
    );
}

/// What is told of a scenario that is no row of the table.
#[allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn tell(title: &str, Played { run, whole, bitcoind, audit }: &Played) {
    println!(
        "{title}: {:.2} s, {:.2} s of it bitcoind's, {:.2} s the audit's; {} outputs",
        whole.as_secs_f64(),
        bitcoind.as_secs_f64(),
        audit.as_secs_f64(),
        run.account.outputs()
    );
}

#[allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|text| text != "--bench").collect();
    let wants = |name: &str| asked.is_empty() || asked.iter().any(|text| text == name);
    let counts: Vec<u32> = asked.iter().filter_map(|text| text.parse().ok()).collect();
    let wants_all = asked.iter().any(|text| text == "one-by-one");
    let counts = if asked.is_empty() { vec![10, 50, 100, 200, MOST] } else { counts };
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let options = lab::Options { chain: (&bitcoind).into(), ..lab::Options::default() };
    if !counts.is_empty() {
        println!("ms per HTLC; the last column is all, from an empty chain on, in s");
        println!("each way  one by one  at once  resolved  bitcoind  audit  outputs        all");
    }
    for count in counts {
        channel(count, wants_all, &options);
    }
    if wants("row") {
        for nodes in [5, 10, 20] {
            tell(&format!("a row of {nodes} nodes"), &best(2, &row(nodes), &options));
        }
    }
    if wants("hub") {
        for channels in [10, 20, 50] {
            let title = format!("{channels} channels of one node");
            tell(&title, &best(2, &hub(channels), &options));
        }
    }
}

//! What HTLCs on chain cost as they become many: a channel with so many in each direction that is
//! force-closed, a row of nodes in which the last one falls silent, a node that closes all of its
//! channels in one block. Every output is resolved on a real bitcoind, and audited.
//!
//! `cargo bench --bench on_chain` takes a few minutes; `cargo bench --bench on_chain -- 10 50` measures
//! the first with these numbers of HTLCs only.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::lab::{self, Ending};
use boltlab::scenario::{ParseOptions, parse};

/// The most HTLCs that BOLT 2 lets a side have in flight.
const MOST: u32 = 483;

/// Plays a scenario, and how long that takes. One that does not pass makes the figure worthless.
#[allow(clippy::disallowed_methods, reason = "this measures wall time")]
fn play(text: &str, options: &lab::Options) -> (Duration, lab::Run) {
    let lenient = ParseOptions { allow_missing_outcome: true };
    let scenario = parse(Path::new("bench.yaml"), text, lenient).expect("a sound scenario");
    let since = Instant::now();
    let run = lab::run(&scenario, options);
    let elapsed = since.elapsed();
    assert!(matches!(run.ending, Ending::Passed), "{:?}", run.ending);
    assert_eq!(run.account.problems, Vec::<String>::new());
    (elapsed, run)
}

/// A channel with so many HTLCs in each direction, up to the moment before it is closed.
fn filled(count: u32) -> String {
    let mut text = format!(
        "title: {count} HTLCs each way\n\
         cast:\n  \
           alice: {{role: honest, funds: 10 BTC, min_final_cltv_expiry_delta: 40 blocks}}\n  \
           bob: {{role: honest, funds: 10 BTC, min_final_cltv_expiry_delta: 40 blocks}}\n\
         channels:\n  \
           ab: {{from: alice, to: bob, capacity: 16_000_000 sat, push: 8_000_000 sat}}\n\
         steps:\n  - open: ab\n"
    );
    for number in 0..count {
        for (payer, payee) in [("alice", "bob"), ("bob", "alice")] {
            let _ = write!(
                text,
                "  - invoice: {{by: {payee}, amount: 5_000 sat, as: {payee}{number}, hold: true}}\n  \
                   - pay: {{from: {payer}, invoice: {payee}{number}, until: sent}}\n"
            );
        }
    }
    text + "  - disconnect: {from: alice, to: bob}\n"
}

/// The same, closed; half of the HTLCs are settled on chain, the others time out.
fn closed(count: u32) -> String {
    let mut text = filled(count) + "  - force_close: {channel: ab, by: alice}\n  - mine: 1 block\n";
    for number in (0..count).step_by(2) {
        for payee in ["alice", "bob"] {
            let _ = writeln!(text, "  - settle: {payee}{number}");
        }
    }
    text + "  - mine: 250 blocks\n"
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

#[allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let asked: Vec<u32> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let options = lab::Options { chain: (&bitcoind).into(), ..lab::Options::default() };
    println!("HTLCs  filled (s)  closed to resolved (s)  each (ms)  outputs");
    let counts = if asked.is_empty() { vec![10, 50, 100, 200, MOST] } else { asked.clone() };
    for count in counts {
        let (before, _) = play(&filled(count), &options);
        let (whole, run) = play(&closed(count), &options);
        let close = whole.saturating_sub(before);
        let htlcs = 2 * count;
        println!(
            "{htlcs:5}  {:10.1}  {:22.2}  {:9.2}  {:7}",
            before.as_secs_f64(),
            close.as_secs_f64(),
            each(close, htlcs),
            run.account.outputs()
        );
    }
    if asked.is_empty() {
        let (time, run) = play(&row(20), &options);
        let outputs = run.account.outputs();
        println!(
            "a row of 20 nodes fails from the far end: {:.1} s, {outputs} outputs",
            time.as_secs_f64()
        );
        let (time, run) = play(&hub(50), &options);
        let outputs = run.account.outputs();
        println!(
            "50 channels of one node close at once: {:.1} s, {outputs} outputs",
            time.as_secs_f64()
        );
    }
}

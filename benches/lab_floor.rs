//! The least that a lab costs: start bitcoind, mine 120 blocks, end it; alone, and eight at once.

use std::{thread, time::Instant};

use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::chain::{Chain, Options};

fn options() -> Options {
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let arguments = bitcoind.policy_arguments().iter().map(ToString::to_string).collect();
    Options { command: bitcoind.command, arguments, ..Options::default() }
}

fn lab(options: &Options) {
    let mut chain = Chain::start(options).expect("bitcoind starts");
    chain.mine(120).expect("bitcoind takes the blocks");
    chain.stop().expect("bitcoind ends");
}

/// Labs a second, with so many workers that run so many labs each.
#[allow(clippy::disallowed_methods, reason = "this measures wall time")]
fn rate(options: &Options, workers: u32, labs: u32) -> f64 {
    let since = Instant::now();
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| (0..labs).for_each(|_| lab(options)));
        }
    });
    f64::from(workers * labs) / since.elapsed().as_secs_f64()
}

#[allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let options = options();
    rate(&options, 1, 2);
    println!("alone: {:.1} labs a second (floor 5)", rate(&options, 1, 20));
    println!("eight at once: {:.1} labs a second (floor 12 on two cores)", rate(&options, 8, 8));
}

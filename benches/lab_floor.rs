//! The least that a lab costs (start bitcoind, mine 120 blocks, end it), alone and eight at once,
//! and beside it what the scenarios that ship cost, in the same run.

use std::path::Path;
use std::{thread, time::Instant};

use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::chain::{Chain, Options};
use boltlab::report::Case;
use boltlab::report::results::Verdict;
use boltlab::runner::{self, Observer, Plan, Selection};
use boltlab::scenario::ParseOptions;

fn lab(options: &Options) {
    let mut chain = Chain::start(options).expect("bitcoind starts");
    chain.mine(120).expect("bitcoind takes the blocks");
    chain.stop().expect("bitcoind ends");
}

/// Labs a second, with so many workers that run so many labs each.
#[allow(clippy::disallowed_methods, reason = "this measures wall time")]
fn floor(options: &Options, workers: u32, labs: u32) -> f64 {
    let since = Instant::now();
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| (0..labs).for_each(|_| lab(options)));
        }
    });
    f64::from(workers * labs) / since.elapsed().as_secs_f64()
}

/// Counts scenarios; one that does not pass makes the figure worthless.
#[derive(Default)]
struct Count(u32);

impl Observer for Count {
    fn started(&mut self, _id: &str) {}
    fn finished(&mut self, case: &Case) {
        assert_eq!(case.entry.verdict, Verdict::Pass, "{}", case.entry.id);
        self.0 += 1;
    }
    fn progress(&mut self, _ended: usize, _running: &[&str]) {}
}

/// Scenarios a second, eight at once.
#[allow(clippy::disallowed_methods, reason = "this measures wall time")]
fn suite(chain: &Options) -> f64 {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let plan = Plan::make(&[specs], &Selection::default(), ParseOptions::default());
    let options = runner::Options { chain: chain.clone(), jobs: 8, ..runner::Options::default() };
    let mut count = Count::default();
    let since = Instant::now();
    let not_run = runner::run(&plan, &options, &mut count);
    assert_eq!(not_run, 0);
    f64::from(count.0) / since.elapsed().as_secs_f64()
}

#[allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let options = Options::from(&bitcoind);
    floor(&options, 1, 2);
    println!("alone: {:.1} labs a second (floor 5)", floor(&options, 1, 20));
    let eight = floor(&options, 8, 8);
    println!("eight at once: {eight:.1} labs a second (floor 12 on two cores)");
    let suite = suite(&options);
    let share = 100.0 * suite / eight;
    println!(
        "the suite, eight at once: {suite:.1} scenarios a second (floor 8), {share:.0} % of that"
    );
}

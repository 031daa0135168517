//! The short form of the fuzzing: every target over its seeds and some hundred mutations of them.
//! `BOLTLAB_FUZZ` is how many; `fuzz/run` is the long form, and has the seeds written to the folder
//! `BOLTLAB_FUZZ_SEEDS`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

use std::path::Path;
use std::process::ExitCode;

use bitcoin::hex::DisplayHex;
use libtest_mimic::{Arguments, Trial};

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, clippy::missing_panics_doc, reason = "it is a crate of its own too")]
mod targets;

/// How many mutations CI tries for each target.
const MUTATIONS: usize = 500;

/// What a target was given when it panicked.
struct Given<'a>(&'a [u8]);

impl Drop for Given<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was given {}", self.0.as_hex());
        }
    }
}

fn run(name: &str, target: targets::Target, count: usize) {
    let seeds = targets::seeds(Path::new(env!("CARGO_MANIFEST_DIR")), name);
    assert!(seeds.len() > 10, "the vectors are the seeds");
    if let Some(folder) = std::env::var_os("BOLTLAB_FUZZ_SEEDS") {
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(Path::new(&folder).join(format!("seed-{number}")), seed).unwrap();
        }
        return;
    }
    for bytes in seeds.iter().cloned().chain(targets::mutations(&seeds, count)) {
        let given = Given(&bytes);
        target(given.0);
    }
}

fn main() -> ExitCode {
    let count = std::env::var("BOLTLAB_FUZZ").map_or(MUTATIONS, |count| count.parse().unwrap());
    let trials = targets::TARGETS.map(|(name, target)| {
        Trial::test(name, move || {
            run(name, target, count);
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

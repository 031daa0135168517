//! Runs many scenarios: finds and loads them, plays several at once, keeps their order.
//!
//! ```text
//! paths -> plan (discover, load, filter, shard) -> workers (a lab each) -> cases, in order
//! ```

mod files;
mod job;
mod plan;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use crate::chain;
use crate::report::Case;

pub use plan::{Plan, Planned, Selection, Shard};

/// How to run scenarios.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The bitcoind of each lab.
    pub chain: chain::Options,
    /// How many labs run at once.
    pub jobs: usize,
    /// Whether observed outcomes and transcripts are written into the files.
    pub bless: bool,
    /// The folder for traces.
    pub trace: Option<PathBuf>,
    /// Set from outside to end all labs.
    pub interrupted: Arc<AtomicBool>,
}

/// Hears how a suite goes, on the thread that runs it.
pub trait Observer {
    /// A scenario begins.
    fn started(&mut self, id: &str);
    /// A scenario has ended. They come in the order of the plan.
    fn finished(&mut self, case: &Case);
    /// The next scenario in order is still running, but so many have ended.
    fn progress(&mut self, ended: usize, running: &[&str]);
}

enum Word {
    Started(usize),
    Ended(usize, Box<Case>),
}

/// Plays the scenarios of a plan. Gives how many did not run, since the user ended the suite.
pub fn run(plan: &Plan, options: &Options, observer: &mut dyn Observer) -> usize {
    let next = AtomicUsize::new(0);
    let mut told = 0;
    thread::scope(|scope| {
        let (sender, words) = mpsc::channel();
        for _ in 0..options.jobs.clamp(1, plan.cases.len().max(1)) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || work(plan, options, next, &sender));
        }
        drop(sender);
        let mut waiting: BTreeMap<usize, Case> = BTreeMap::new();
        let mut running: Vec<usize> = Vec::new();
        for word in words {
            match word {
                Word::Started(index) => {
                    running.push(index);
                    observer.started(&plan.cases[index].id);
                }
                Word::Ended(index, case) => {
                    running.retain(|other| *other != index);
                    waiting.insert(index, *case);
                }
            }
            while let Some(case) = waiting.remove(&told) {
                observer.finished(&case);
                told += 1;
            }
            let ids: Vec<&str> = running.iter().map(|&index| &*plan.cases[index].id).collect();
            observer.progress(told + waiting.len(), &ids);
        }
        // After an interruption, some in between may never have begun.
        for case in waiting.into_values() {
            observer.finished(&case);
            told += 1;
        }
    });
    plan.cases.len() - told
}

/// A worker: takes the next scenario until none is left.
fn work(plan: &Plan, options: &Options, next: &AtomicUsize, words: &Sender<Word>) {
    while !options.interrupted.load(Ordering::Relaxed) {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(planned) = plan.cases.get(index) else { return };
        // Nobody listens any more only if the suite's own thread is gone.
        let _ = words.send(Word::Started(index));
        let case = job::run(planned, options);
        let _ = words.send(Word::Ended(index, Box::new(case)));
    }
}

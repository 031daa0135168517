//! `boltlab run`: scenarios against a real regtest bitcoind.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::results::{ResultFiles, exit_code};
use super::{INTERRUPTED, complain};
use crate::chain;
use crate::chain::obtain::{Bitcoind, Request, at_terminal, find_or_obtain};
use crate::report::Case;
use crate::report::results::{ResultEntry, Summary};
use crate::report::terminal::{Terminal, Totals};
use crate::runner::{self, Observer, Plan, Selection, Shard};
use crate::scenario::ParseOptions;

/// Labs mostly wait for bitcoind, so a core carries several.
const JOBS_PER_CORE: usize = 4;

/// Runs scenarios.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  boltlab run                                    every scenario that ships
  boltlab run specs/penalty -v                   one subject, step by step
  boltlab run --filter revoked --trace traces    by name, with the traces to read
  boltlab run my.yaml --bless                    write what happened into my.yaml
  boltlab run --shard 2/5 --junit results.xml    a part of the suite, for a CI

Exit status: 0 all passed, 1 something failed, 2 the input or the environment is wrong.")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct RunArgs {
    /// Scenarios, or folders with scenarios [default: specs/]
    pub paths: Vec<PathBuf>,
    /// How many labs run at once [default: four a core]
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Only scenarios with this in their id or title; may be given several times
    #[arg(long, short, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// Only the I-th of N parts, as in 2/5
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    #[command(flatten)]
    results: ResultFiles,
    /// Save each trace (JSON Lines) and its transcript in this folder
    #[arg(long, value_name = "DIR")]
    pub trace: Option<PathBuf>,
    /// Write observed outcomes and transcripts into the files
    #[arg(long)]
    pub bless: bool,
    /// Which bitcoind: any, knots, core, or a path
    #[arg(long, value_name = "WHICH", default_value = "any")]
    pub bitcoind: Request,
    /// Keep bitcoind's folders, and say where they are
    #[arg(long)]
    pub keep: bool,
    /// Tell every step of every scenario
    #[arg(long, short)]
    pub verbose: bool,
}

/// Runs the scenarios and reports them.
#[allow(clippy::disallowed_methods, reason = "the harness tells how long the suite took")]
pub fn run(args: &RunArgs) -> ExitCode {
    let paths = if args.paths.is_empty() { vec![default_path()] } else { args.paths.clone() };
    let selection = Selection { filters: args.filter.clone(), shard: args.shard };
    let options = ParseOptions { allow_missing_outcome: args.bless };
    let plan = Plan::make(&paths, &selection, options);
    if plan.cases.is_empty() && args.shard.is_none() {
        let filters = args.filter.join("` or `");
        return complain(&format!("no scenario has `{filters}` in its id or title"));
    }
    let bitcoind = match plan.needs_bitcoind().then(|| obtain(args)).transpose() {
        Ok(bitcoind) => bitcoind,
        Err(error) => return complain(&error),
    };
    let interrupted = Arc::new(AtomicBool::new(false));
    if let Err(error) = listen(&interrupted) {
        return complain(&format!("cannot listen for Ctrl-C: {error}"));
    }
    let options = options_of(args, bitcoind.as_ref(), &interrupted);
    let mut screen = Screen::new(args.verbose, plan.cases.len());
    let since = Instant::now();
    let not_run = runner::run(&plan, &options, &mut screen);
    let ended = interrupted.load(Ordering::Relaxed);
    screen.end(since.elapsed(), not_run, bitcoind.as_ref());
    match args.results.write(&screen.results) {
        Err(error) => complain(&error),
        Ok(()) if ended => ExitCode::from(INTERRUPTED),
        Ok(()) => screen.exit_code(),
    }
}

fn default_path() -> PathBuf {
    let here = PathBuf::from("specs");
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    if !here.exists() && beside.exists() { beside } else { here }
}

fn obtain(args: &RunArgs) -> Result<Bitcoind, String> {
    find_or_obtain(&args.bitcoind, &*at_terminal()).map_err(|error| error.to_string())
}

/// The first Ctrl-C ends all labs in order, the second at once; the guards clean up either way.
fn listen(interrupted: &Arc<AtomicBool>) -> Result<(), ctrlc::Error> {
    let interrupted = Arc::clone(interrupted);
    ctrlc::set_handler(move || {
        if interrupted.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    })
}

fn options_of(
    args: &RunArgs,
    bitcoind: Option<&Bitcoind>,
    interrupted: &Arc<AtomicBool>,
) -> runner::Options {
    let cores = available_parallelism().map_or(1, usize::from);
    let chain = bitcoind.map(chain::Options::from).unwrap_or_default();
    runner::Options {
        chain: chain::Options { keep: args.keep, ..chain },
        jobs: args.jobs.map_or(cores * JOBS_PER_CORE, usize::from),
        bless: args.bless,
        trace: args.trace.clone(),
        interrupted: Arc::clone(interrupted),
    }
}

/// What the user sees while the suite runs and when it has ended.
struct Screen {
    terminal: Terminal,
    bar: ProgressBar,
    results: Vec<ResultEntry>,
    labs: Duration,
    waited: Duration,
    failed: io::Result<()>,
}

impl Screen {
    fn new(verbose: bool, count: usize) -> Self {
        let bar = if io::stderr().is_terminal() {
            ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX))
        } else {
            ProgressBar::hidden()
        };
        // A template that does not parse leaves indicatif's own style.
        if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos}/{len} {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let (labs, waited) = (Duration::ZERO, Duration::ZERO);
        Self {
            terminal: Terminal::new(verbose),
            bar,
            results: Vec::new(),
            labs,
            waited,
            failed: Ok(()),
        }
    }

    /// Prints, until that fails once.
    fn print(&mut self, write: impl FnOnce(&mut Terminal, &mut dyn Write) -> io::Result<()>) {
        if self.failed.is_ok() {
            let terminal = &mut self.terminal;
            self.failed = self.bar.suspend(|| {
                let mut out = anstream::stdout().lock();
                write(terminal, &mut out).and_then(|()| out.flush())
            });
        }
    }

    fn end(&mut self, wall: Duration, not_run: usize, bitcoind: Option<&Bitcoind>) {
        self.bar.finish_and_clear();
        let totals = Totals {
            summary: Summary::of(&self.results),
            wall,
            labs: self.labs,
            waited: self.waited,
            bitcoind: bitcoind.map(Bitcoind::description),
            not_run,
        };
        self.print(|terminal, out| terminal.totals(out, &totals));
    }

    fn exit_code(&self) -> ExitCode {
        match &self.failed {
            // Whoever closed the pipe has read enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                complain(&format!("cannot print the report: {error}"))
            }
            _ => exit_code(&self.results),
        }
    }
}

impl Observer for Screen {
    fn started(&mut self, _id: &str) {}

    fn finished(&mut self, case: &Case) {
        self.print(|terminal, out| terminal.case(out, case));
        self.labs += case.duration;
        self.waited += case.waited;
        self.results.push(case.entry.clone());
    }

    fn progress(&mut self, ended: usize, running: &[&str]) {
        self.bar.set_position(u64::try_from(ended).unwrap_or(u64::MAX));
        self.bar.set_message(running.join(", "));
    }
}

//! Every scenario that ships is a test of its own: it passes, it reads as its golden transcript
//! says, and it is the same, byte by byte, in a second run.

use std::path::{Path, PathBuf};

use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::lab::{self, Ending};
use boltlab::scenario::{self, Scenario};
use boltlab::trace::transcript;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let specs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("specs");
    let files = scenario::discover(std::slice::from_ref(&specs)).expect("the scenarios that ship");
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let mut options = lab::Options::default();
    options.chain.command.clone_from(&bitcoind.command);
    options.chain.arguments = bitcoind.policy_arguments().iter().map(ToString::to_string).collect();
    let trials = files.into_iter().map(|file| {
        let name = scenario::scenario_id(&specs, &file);
        let options = options.clone();
        Trial::test(name, move || play(&file, &options))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn play(file: &Path, options: &lab::Options) -> Result<(), Failed> {
    let scenario = scenario::load(file).map_err(|error| error.to_string())?;
    let first = run(&scenario, options)?;
    let second = run(&scenario, options)?;
    if first != second {
        let differing = first.lines().zip(second.lines()).find(|(a, b)| a != b);
        return Err(format!("two runs differ: {differing:?}").into());
    }
    Ok(())
}

/// Plays a scenario and returns its trace.
fn run(scenario: &Scenario, options: &lab::Options) -> Result<String, Failed> {
    let run = lab::run(scenario, options);
    match run.ending {
        Ending::Passed => {}
        Ending::Failed(problems) => {
            let listed: Vec<String> = problems
                .iter()
                .map(|p| {
                    format!("{}:{}: {}", scenario.file.display(), p.line.unwrap_or(0), p.message)
                })
                .collect();
            return Err(listed.join("\n").into());
        }
        Ending::Inconclusive(error) => return Err(format!("inconclusive: {error}").into()),
    }
    let mut trace = Vec::new();
    run.trace.write(&mut trace).map_err(|error| error.to_string())?;
    let golden = scenario.file.with_extension("golden");
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    let found = transcript(&run.trace);
    if expected != found {
        let diff = similar::TextDiff::from_lines(&expected, &found);
        let diff = diff.unified_diff().to_string();
        return Err(format!("{} differs:\n{diff}", golden.display()).into());
    }
    Ok(String::from_utf8(trace).map_err(|error| error.to_string())?)
}

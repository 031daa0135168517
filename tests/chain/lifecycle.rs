//! Starting and ending, in order and not.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use boltlab::chain::{Chain, ChainError, Options};

use crate::{options, start};

/// Set in a copy of this test program that is to be killed.
const VICTIM: &str = "BOLTLAB_TEST_VICTIM";

#[allow(clippy::disallowed_methods, reason = "the test is about wall time")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "another process gives no event to wait for")]
fn comes_true_within(limit: Duration, condition: impl Fn() -> bool) -> bool {
    let since = now();
    while !condition() {
        if since.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

/// Whether a process runs; one that nobody has waited for does not.
fn runs(pid: u32) -> bool {
    let ps = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&ps.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

fn end_of_start(command: &[&str]) -> ChainError {
    let command = command.iter().map(Into::into).collect();
    Chain::start(&Options { command, ..Options::default() }).expect_err("this is no bitcoind")
}

#[test]
fn stop_ends_bitcoind_and_removes_its_folder() {
    let chain = start();
    let (pid, folder) = (chain.pid().unwrap(), chain.datadir().to_owned());
    assert!(runs(pid) && chain.cookie_file().exists());
    assert!(chain.waited() > Duration::from_millis(20));
    assert_eq!(chain.stop().unwrap(), None);
    assert!(!runs(pid) && !folder.exists());
}

#[test]
fn drop_ends_bitcoind_and_removes_its_folder() {
    let chain = start();
    let (pid, folder) = (chain.pid().unwrap(), chain.datadir().to_owned());
    drop(chain);
    assert!(!runs(pid) && !folder.exists());
}

#[test]
fn kept_folder_stays_and_holds_the_chain() {
    let mut chain = Chain::start(&Options { keep: true, ..options() }).unwrap();
    let pid = chain.pid().unwrap();
    chain.mine(3).unwrap();
    let folder = chain.stop().unwrap().expect("the folder is kept");
    assert!(!runs(pid));
    let log = std::fs::read_to_string(folder.join("regtest/debug.log")).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    assert!(log.trim_end().ends_with("Shutdown done") || log.contains("Shutdown: done"));
}

#[test]
fn arguments_reach_bitcoind_and_override() {
    let mut options = options();
    options.arguments.push("-minrelaytxfee=0.00005".into());
    let mut chain = Chain::start(&options).unwrap();
    let info: serde_json::Value = chain.call("getmempoolinfo", &[]).unwrap();
    assert_eq!(info["minrelaytxfee"].as_f64(), Some(0.00005));
}

#[test]
fn killed_bitcoind_is_noticed_at_once() {
    let mut chain = start();
    chain.mine(1).unwrap();
    let pid = chain.pid().unwrap();
    kill(pid);
    let since = now();
    // An empty block may still be mined unseen; the first question finds out.
    let result = chain.mine(1).and_then(|_| chain.mempool());
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    let Err(ChainError::Died { output }) = result else { panic!("{result:?}") };
    assert!(!output.is_empty(), "the log's last lines are shown");
    let folder = chain.datadir().to_owned();
    chain.stop().unwrap();
    assert!(!folder.exists());
}

#[test]
fn bitcoind_killed_during_a_call_is_noticed_at_once() {
    let mut chain = start();
    let pid = chain.pid().unwrap();
    let killer = std::thread::spawn(move || {
        comes_true_within(Duration::from_millis(200), || false);
        kill(pid);
        now()
    });
    let result = chain.call::<serde_json::Value>("waitfornewblock", &[20_000.into()]);
    let since = killer.join().unwrap();
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert!(matches!(result, Err(ChainError::Died { .. })), "{result:?}");
}

#[test]
fn error_answer_names_call_code_and_words() {
    let mut chain = start();
    let result = chain.call::<String>("getblockhash", &[serde_json::json!(7)]);
    let error = result.expect_err("there is no block 7").to_string();
    assert_eq!(error, "call getblockhash: bitcoind answered -8: Block height out of range");
}

#[test]
fn taken_port_is_recognised() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut options = options();
    options.arguments.push(format!("-rpcport={}", listener.local_addr().unwrap().port()));
    let error = Chain::start(&options).expect_err("the port is taken").to_string();
    assert!(error.contains("Unable to start HTTP server"), "{error}");
}

#[test]
fn chain_moves_between_threads() {
    let mut chain = start();
    let chain = std::thread::spawn(move || chain.mine(1).map(|_| chain)).join().unwrap().unwrap();
    assert!(chain.waited() > Duration::ZERO);
}

#[test]
fn missing_command_is_shown() {
    let error = end_of_start(&["/nonexistent/bitcoind"]);
    assert!(matches!(error, ChainError::CouldNotStart { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("start bitcoind: /nonexistent/bitcoind ended"), "{text}");
    assert!(text.contains("not found"), "{text}");
}

#[test]
fn last_words_of_a_command_that_ends_are_shown() {
    let error = end_of_start(&["/bin/sh", "-c", "echo no can do >&2; exit 1"]);
    let ChainError::CouldNotStart { output, .. } = error else { panic!("{error:?}") };
    assert_eq!(output, ["no can do"]);
}

#[test]
fn bitcoinds_own_complaint_is_shown() {
    let arguments = vec!["-nosuchoption".into()];
    let result = Chain::start(&Options { arguments, ..options() });
    let error = result.expect_err("an unknown option is fatal").to_string();
    assert!(error.contains("nosuchoption"), "{error}");
}

#[test]
fn folder_that_cannot_be_made_is_named() {
    let parent = Some(PathBuf::from("/proc/1"));
    let error = Chain::start(&Options { parent, ..options() }).expect_err("it is no place");
    assert!(matches!(error, ChainError::Io { .. }), "{error:?}");
    assert_eq!(error.to_string(), "create a folder in /proc/1");
}

#[test]
fn failed_start_leaves_no_folder() {
    let parent = tempfile::tempdir().unwrap();
    let command = vec!["/bin/false".into()];
    let options = Options { command, parent: Some(parent.path().to_owned()), ..Options::default() };
    assert!(Chain::start(&options).is_err());
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn wrapper_that_does_not_exec_is_ended_too() {
    let mut options = options();
    let mut command = vec!["/bin/sh".into(), "-c".into(), r#""$@"; true"#.into(), "sh".into()];
    command.append(&mut options.command);
    let chain = Chain::start(&Options { command, ..options }).unwrap();
    let (pid, folder) = (chain.pid().unwrap(), chain.datadir().to_owned());
    chain.stop().unwrap();
    assert!(comes_true_within(Duration::from_secs(1), || !runs(pid)));
    assert!(!folder.exists());
}

#[test]
fn eight_labs_at_once() {
    let labs = (0..8).map(|_| {
        std::thread::spawn(|| {
            let mut chain = start();
            chain.mine(120).unwrap();
            chain.tip()
        })
    });
    let labs: Vec<_> = labs.collect();
    let tips: Vec<_> = labs.into_iter().map(|lab| lab.join().unwrap()).collect();
    assert!(tips.iter().all(|tip| *tip == tips[0]));
}

#[test]
fn killed_harness_leaves_nothing() {
    if std::env::var_os(VICTIM).is_some() {
        let chain = start();
        eprintln!("victim {} {}", chain.pid().unwrap(), chain.datadir().display());
        loop {
            std::thread::park();
        }
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lifecycle::killed_harness_leaves_nothing", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(victim.stderr.take().unwrap());
    let line = stderr.lines().map(Result::unwrap).find(|line| line.starts_with("victim "));
    let line = line.expect("the victim started its chain");
    let mut words = line.split(' ').skip(1);
    let pid: u32 = words.next().unwrap().parse().unwrap();
    let folder = Path::new(words.next().unwrap());
    assert!(runs(pid) && folder.exists());

    kill(victim.id());
    victim.wait().unwrap();
    let gone = || !runs(pid) && !folder.exists();
    assert!(comes_true_within(Duration::from_secs(1), gone), "{line}");
}

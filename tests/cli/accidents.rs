//! What can go wrong while labs run: a clear cause, the right exit status, nothing left behind.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::support::{Place, Ran, endless, good, signal, wait_for};

#[test]
fn bitcoind_that_dies_mid_scenario_leaves_the_others_alone() {
    let place = Place::with(&[("endless.yaml", &endless()), ("good.yaml", &good())]);
    let (child, lab) = place.start_until_mining(&["run", ".", "--jobs", "2"]);
    let pid = fs::read_to_string(lab.join("regtest/bitcoind.pid")).expect("bitcoind's pid");
    signal("KILL", pid.trim().parse().expect("a pid"));
    let ran = Ran::of(child.wait_with_output().expect("the program's end"));
    ran.assert(2, &["? endless", "it ended while the lab was running", "✓ good"]);
    place.assert_nothing_left();
}

#[test]
fn interrupted_run_ends_its_labs() {
    for name in ["INT", "TERM"] {
        let files = [("a.yaml", endless()), ("b.yaml", endless()), ("c.yaml", good())];
        let place = Place::with(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
        let arguments = ["run", ".", "--jobs", "2", "--json", "results.json"];
        let (child, _) = place.start_until_mining(&arguments);
        signal(name, child.id());
        let ran = Ran::of(child.wait_with_output().expect("the program's end"));
        ran.assert(130, &["? a", "interrupted", "1 not run"]);
        assert!(place.read("results.json").contains("\"inconclusive\": 2"));
        place.assert_nothing_left();
    }
}

#[test]
fn killed_run_leaves_nothing_either() {
    let place = Place::with(&[("endless.yaml", &endless())]);
    let (mut child, _) = place.start_until_mining(&["run", "."]);
    signal("KILL", child.id());
    child.wait().expect("the program's end");
    wait_for("the end of the lab", || place.labs().is_empty().then_some(()));
}

/// Runs the program with its labs on a small disk; `None` where this user may not mount one.
fn on_a_disk_of(size: &str, place: &Place) -> Option<Ran> {
    let script = format!(
        "mount -t tmpfs -o size={size} none tmp && exec {} run . --jobs 1",
        env!("CARGO_BIN_EXE_boltlab")
    );
    let mut command = Command::new("unshare");
    place.prepare(&mut command);
    let mut probe = Command::new("unshare");
    probe.args(["--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"]);
    let may = probe.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this user may not mount a disk of their own");
        return None;
    }
    command.args(["--map-root-user", "--mount", "sh", "-c", &script]);
    Some(Ran::of(command.output().expect("the program")))
}

#[test]
fn full_disk_at_the_start() {
    let place = Place::with(&[("good.yaml", &good())]);
    let Some(ran) = on_a_disk_of("20m", &place) else { return };
    ran.assert(2, &["? good", "start bitcoind", "Disk space is too low"]);
}

#[test]
fn full_disk_in_the_middle() {
    let place = Place::with(&[("endless.yaml", &endless()), ("good.yaml", &good())]);
    let Some(ran) = on_a_disk_of("56m", &place) else { return };
    ran.assert(2, &["? endless", "isk space", "✓ good"]);
}

#[test]
fn full_disk_under_the_results() {
    let place = Place::with(&[("good.yaml", &good())]);
    for option in ["--json", "--junit"] {
        let ran = place.boltlab(&["run", ".", option, "/dev/full"]);
        ran.assert(2, &["cannot write /dev/full: No space left on device", "1 passed"]);
    }
    fs::create_dir(place.path("traces")).expect("a folder");
    symlink("/dev/full", place.path("traces/good.jsonl")).expect("a link");
    let ran = place.boltlab(&["run", ".", "--trace", "traces"]);
    ran.assert(2, &["? good", "failed to save the trace in traces: No space left on device"]);
}

#[test]
fn full_disk_under_the_report() {
    let place = Place::with(&[("good.yaml", &good())]);
    let full = fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let output = place.program(&["run", "."]).stdout(full).output().expect("the program");
    Ran::of(output).assert(2, &["cannot print the report: No space left on device"]);
}

#[test]
fn reader_that_leaves_early_changes_nothing() {
    let place = Place::with(&[("a.yaml", &good()), ("b.yaml", &good())]);
    let mut child = place.program(&["run", ".", "-v"]).stdout(Stdio::piped()).spawn();
    let child = child.as_mut().expect("the program");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("the program's end").code(), Some(0));
    place.assert_nothing_left();
}

#[test]
fn kept_folder_is_named() {
    let place = Place::with(&[("good.yaml", &good())]);
    place.boltlab(&["run", ".", "--keep"]).assert(0, &["bitcoind's folder: ", "/tmp/boltlab-"]);
    assert_eq!(place.labs().len(), 1);
    assert!(place.labs()[0].join("regtest/debug.log").exists());
}

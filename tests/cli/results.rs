//! What a run says and writes when the input is sound.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Place, Ran, good, good_but};

#[track_caller]
fn json(place: &Place, name: &str) -> Value {
    serde_json::from_str(&place.read(name)).expect("JSON")
}

fn ids(results: &Value) -> Vec<&str> {
    let entries = results["results"].as_array().expect("results");
    entries.iter().map(|entry| entry["id"].as_str().expect("an id")).collect()
}

/// A scenario whose outcome is wrong in one place.
fn wrong() -> String {
    good_but("unspent", "unconfirmed")
}

#[test]
fn failure_shows_step_line_and_caret() {
    let place = Place::with(&[("good.yaml", &good()), ("wrong.yaml", &wrong())]);
    let ran = place.boltlab(&["run", "."]);
    ran.assert(1, &["✓ good", "✗ wrong", "step 1  open ab", "1 passed, 1 failed in "]);
    ran.assert(1, &["./wrong.yaml:11:15: ", "11 |   ab.funding: unconfirmed", "  ^^^^^^^^^^^\n"]);
    assert!(ran.stdout.contains("Bitcoin "), "which bitcoind ran:\n{}", ran.stdout);
}

#[test]
fn verbose_run_tells_every_step() {
    let place = Place::with(&[("good.yaml", &good())]);
    let quiet = place.boltlab(&["run", "."]);
    quiet.assert(0, &["✓ good  A channel is opened  ("]);
    assert!(!quiet.stdout.contains("open_channel"), "{}", quiet.stdout);
    let told = place.boltlab(&["run", ".", "-v"]);
    told.assert(0, &["step 1  open ab", "The two of them meet.", "alice → bob  open_channel"]);
    told.assert(0, &["alice publishes the funding of ab", ": accepted", "1 output on chain"]);
}

#[test]
fn json_has_every_field_of_its_type() {
    let place = Place::with(&[("a.yaml", &good()), ("b.yaml", &wrong()), ("c.yaml", "title: 1\n")]);
    place.boltlab(&["run", ".", "--json", "out.json", "--trace", "t"]).assert(1, &[]);
    let out = json(&place, "out.json");
    assert_eq!(out["version"], 1);
    let summary = r#"{"pass":1,"warn":0,"fail":1,"skip":0,"inconclusive":1}"#;
    assert_eq!(out["summary"], serde_json::from_str::<Value>(summary).expect("JSON"));
    assert_eq!(ids(&out), ["a", "b", "c"]);
    for (entry, verdict) in
        out["results"].as_array().expect("results").iter().zip(["pass", "fail", "inconclusive"])
    {
        assert_eq!(entry["verdict"], verdict);
        assert_eq!(entry["reason"].is_string(), verdict != "pass", "{entry}");
        assert!(entry["file"].is_string() && entry["title"].is_string(), "{entry}");
        assert!(entry["roles"].is_object() && entry["duration_ms"].is_u64(), "{entry}");
        assert!(entry["checks"].is_u64() && entry["outputs"].is_u64(), "{entry}");
        assert_eq!(entry.as_object().expect("an object").len(), 10, "{entry}");
    }
    let first = &out["results"][0];
    assert_eq!(first["roles"]["alice"], "reference");
    assert_eq!((&first["outputs"], &first["trace"]), (&1.into(), &"t/a.jsonl".into()));
}

#[test]
fn junit_counts_failures_and_errors() {
    let place = Place::with(&[("a.yaml", &good()), ("b.yaml", &wrong()), ("c.yaml", "title: 1\n")]);
    place.boltlab(&["run", ".", "--junit", "out.xml"]).assert(1, &[]);
    let read = quick_junit::Report::deserialize_from_str(&place.read("out.xml"));
    let report = read.expect("JUnit's XML");
    assert_eq!((report.tests, report.failures, report.errors), (3, 1, 1));
}

#[test]
fn shards_are_the_suite_and_merge_into_it() {
    let names = ["a", "b", "c", "d", "e"];
    let place = Place::new();
    for name in names {
        place.write(&format!("specs/{name}.yaml"), &good());
    }
    let mut seen = BTreeSet::new();
    for shard in 1..=3 {
        let (part, file) = (format!("{shard}/3"), format!("{shard}.json"));
        place.boltlab(&["run", "--shard", &part, "--json", &file]).assert(0, &[]);
        for id in ids(&json(&place, &file)) {
            assert!(seen.insert(id.to_owned()), "{id} is in two shards");
        }
    }
    assert_eq!(seen, names.map(str::to_owned).into());
    let merge = ["report", "3.json", "1.json", "2.json", "--json", "all.json"];
    place.boltlab(&merge).assert(0, &["5 passed"]);
    assert_eq!(ids(&json(&place, "all.json")), names);
    let twice = place.boltlab(&["report", "1.json", "1.json"]);
    twice.assert(2, &["a is in 1.json and in 1.json"]);
}

#[test]
fn bless_writes_outcome_and_transcript_and_the_next_run_holds_them() {
    let without = good_but("outcome:\n  ab.funding: unspent\n", "");
    let place = Place::with(&[("new.yaml", &without)]);
    place.boltlab(&["run", "."]).assert(2, &["./new.yaml", "outcome"]);
    let blessed = place.boltlab(&["run", ".", "--bless"]);
    blessed.assert(0, &["outcome written into ./new.yaml", "+  ab.funding: unspent"]);
    assert_eq!(place.read("new.yaml"), good());
    place.boltlab(&["run", "."]).assert(0, &["1 passed"]);

    let golden = place.read("new.golden");
    assert!(golden.contains("  alice -> bob: open_channel"), "{golden}");
    place.write("new.golden", &golden.replace("accept_channel", "accept_anything"));
    let ran = place.boltlab(&["run", "."]);
    ran.assert(1, &["✗ new", "the transcript differs from ./new.golden", "--bless"]);
    ran.assert(1, &["-  bob -> alice: accept_anything", "+  bob -> alice: accept_channel"]);
    place.boltlab(&["run", ".", "--bless"]).assert(0, &["transcript written to ./new.golden"]);
    assert_eq!(place.read("new.golden"), golden);
}

#[test]
fn bless_writes_no_outcome_that_branches_share() {
    let without = good_but("outcome:\n  ab.funding: unspent\n", "")
        .replace("  - open: ab", "  - try:\n      once: [{open: ab}]");
    let place = Place::with(&[("new.yaml", &without)]);
    let blessed = place.boltlab(&["run", ".", "--bless"]);
    blessed.assert(1, &["✗ new/once", "write it by hand", "ab.funding: unspent"]);
    assert_eq!(place.read("new.yaml"), without);
    assert!(!place.path("new.golden").exists());
}

/// The scenario that passes, once for each type of channel.
fn of_both_types() -> String {
    good_but("cast:", "for:\n  type: [anchors, static_remotekey]\ncast:")
        .replace("1_000_000 sat}", "1_000_000 sat, type: <type>}")
}

#[test]
fn each_instance_of_a_file_is_a_run_with_its_own_transcript() {
    let place = Place::with(&[("new.yaml", &of_both_types())]);
    let blessed = place.boltlab(&["run", ".", "--bless", "--filter", "anchors"]);
    blessed.assert(0, &["✓ new/anchors", "1 passed"]);
    place.boltlab(&["run", ".", "--bless"]).assert(0, &["✓ new/static_remotekey", "2 passed"]);
    let golden = place.read("new.golden");
    let second = golden.find("=== static_remotekey\n").expect("a section");
    assert!(golden.starts_with("=== anchors\n") && second > 0, "{golden}");
    place.write("new.golden", &golden.replace("=== anchors\n", "=== anchors\nsomething else\n"));
    let ran = place.boltlab(&["run", ".", "--json", "all.json"]);
    ran.assert(1, &["✗ new/anchors", "-something else", "1 passed", "1 failed"]);
    assert_eq!(ids(&json(&place, "all.json")), ["new/anchors", "new/static_remotekey"]);
}

#[test]
fn bless_writes_no_outcome_that_instances_share() {
    let without = of_both_types().replace("outcome:\n  ab.funding: unspent\n", "");
    let place = Place::with(&[("new.yaml", &without)]);
    let blessed = place.boltlab(&["run", ".", "--bless"]);
    blessed.assert(1, &["✗ new/anchors", "of `for`", "write it by hand", "ab.funding: unspent"]);
    assert_eq!(place.read("new.yaml"), without);
    assert!(!place.path("new.golden").exists());
}

#[test]
fn bless_leaves_a_scenario_alone_that_fails_before_its_end() {
    let text = good_but("  - open: ab", "  - expect: {state: {channel: ab, of: bob, is: closed}}")
        .replace("  - expect", "  - open: ab\n  - expect");
    let place = Place::with(&[("a.yaml", &text)]);
    place.boltlab(&["run", ".", "--bless"]).assert(1, &["✗ a", "✗ it is not so"]);
    assert_eq!(place.read("a.yaml"), text);
    assert!(!place.path("a.golden").exists());
}

#[test]
fn saved_trace_is_told_like_the_run() {
    let place = Place::with(&[("sub/good.yaml", &good())]);
    place.boltlab(&["run", ".", "--trace", "traces"]).assert(0, &[]);
    assert!(place.read("traces/sub/good.txt").contains("alice -> bob: open_channel"));
    let told = place.boltlab(&["report", "traces/sub/good.jsonl"]);
    told.assert(0, &["A channel is opened", "step 1  open ab", "alice → bob  open_channel"]);

    let trace = place.read("traces/sub/good.jsonl");
    place.write("cut.jsonl", &trace[..trace.len() - 30]);
    let lines = trace.lines().count();
    let place_of_the_cut = format!("cut.jsonl:{lines}: no entry of a trace");
    place.boltlab(&["report", "cut.jsonl"]).assert(2, &[&place_of_the_cut]);
    place.boltlab(&["report", "sub/good.yaml"]).assert(2, &["no results of boltlab"]);
}

#[test]
fn results_come_in_order_and_only_those_asked_for() {
    let place = Place::new();
    for name in ["b/two", "a/one", "c"] {
        place.write(&format!("{name}.yaml"), &good().replace("channel is", &format!("{name} is")));
    }
    let run = |arguments: &[&str]| {
        let ran = place.boltlab(&[&["run", "--jobs", "3"], arguments].concat());
        ran.assert(0, &[]);
        let lines = ran.stdout.lines().filter_map(|line| line.strip_prefix("✓ "));
        lines.filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(run(&["."]), ["a/one", "b/two", "c"]);
    assert_eq!(run(&[".", "--filter", "one", "--filter", "A c is"]), ["a/one", "c"]);
    assert_eq!(run(&["c.yaml", "b"]), ["two", "c"]);
}

#[test]
fn schema_help_and_version_are_printed() {
    let place = Place::new();
    let schema = place.boltlab(&["schema"]);
    schema.assert(0, &[]);
    let schema: Value = serde_json::from_str(&schema.stdout).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    place.boltlab(&["run", "--help"]).assert(0, &["Examples:", "Exit status:", "--bless"]);
    place.boltlab(&["--version"]).assert(0, &["boltlab 0."]);
    place.boltlab(&["--help"]).assert(0, &["run", "report", "schema", "doctor"]);
    place.boltlab(&["nonesuch"]).assert(2, &["nonesuch"]);
}

#[test]
fn doctor_tells_what_runs() {
    let ran: Ran = Place::new().boltlab(&["doctor"]);
    ran.assert(0, &["bitcoind is looked for in this order", "boltlab run "]);
}

//! Holds the arrows of dependency that `docs/architecture.md` draws: a module knows only what
//! stands above it, and the protocol core does no I/O.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file below a folder of `src/`, tests left out.
fn files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {}", root.display());
    found
}

/// The lines of code of a file, without comments.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.map(|(index, line)| (index + 1, line.to_owned())).collect()
}

/// No line of this folder may hold one of these words.
#[track_caller]
fn never_mentions(folder: &str, words: &[&str]) {
    for path in files(folder) {
        for (number, line) in code(&path) {
            for word in words {
                assert!(!line.contains(word), "{}:{number}: {word}", path.display());
            }
        }
    }
}

/// Every `crate::` path of this folder begins with one of these.
#[track_caller]
fn knows_only(folder: &str, allowed: &[&str]) {
    for path in files(folder) {
        for (number, line) in code(&path) {
            for (start, _) in line.match_indices("crate::") {
                let rest = &line[start + "crate::".len()..];
                let fits = allowed.iter().any(|module| rest.starts_with(module));
                assert!(fits, "{}:{number}: {line}", path.display());
            }
        }
    }
}

const OUTSIDE: &[&str] = &[
    "tokio",
    "std::net",
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "SystemTime",
    "Instant",
    "HashMap",
    "HashSet",
    "rand::",
    "thread_rng",
];

#[test]
fn the_protocol_core_is_pure() {
    never_mentions("bolt", OUTSIDE);
    never_mentions("node", OUTSIDE);
}

#[test]
fn bolt_knows_nobody() {
    knows_only("bolt", &["bolt::"]);
}

#[test]
fn the_link_knows_the_transport() {
    knows_only("link", &["bolt::transport", "link::"]);
}

#[test]
fn the_link_alone_opens_sockets_to_nodes() {
    for folder in ["audit", "chain", "cli", "decode", "lab", "report", "runner", "scenario"] {
        never_mentions(folder, &["TcpStream"]);
    }
}

#[test]
fn the_node_knows_the_bolts() {
    knows_only("node", &["bolt::", "node::"]);
}

#[test]
fn chain_and_scenario_know_plain_types_only() {
    knows_only("chain", &["bolt::units", "chain::"]);
    // The names of messages, their fields and what these hold are words of the language.
    knows_only(
        "scenario",
        &["bolt::units", "bolt::features", "bolt::wire", "scenario::", "topology"],
    );
}

#[test]
fn shapes_of_networks_know_nobody() {
    knows_only("topology", &["topology::"]);
    never_mentions("topology", OUTSIDE);
}

#[test]
fn graph_files_know_the_graph() {
    let allowed = ["bolt::routing", "bolt::units", "bolt::wire", "graph_file::"];
    knows_only("graph_file", &allowed);
}

#[test]
fn the_simulation_knows_routing_and_shapes() {
    let allowed = ["bolt::routing", "bolt::units", "bolt::wire", "topology::", "simulation::"];
    knows_only("simulation", &allowed);
    never_mentions("simulation", OUTSIDE);
}

#[test]
fn the_audit_knows_no_builder_of_transactions() {
    let allowed = [
        "bolt::units",
        "bolt::wire",
        "bolt::keys",
        "bolt::tx::{ChannelType, script}",
        "scenario",
        "trace",
    ];
    knows_only("audit", &allowed);
}

#[test]
fn the_test_can_fail() {
    let caught = std::panic::catch_unwind(|| knows_only("lab", &["bolt::"]));
    assert!(caught.is_err());
    let caught = std::panic::catch_unwind(|| never_mentions("link", &["TcpStream"]));
    assert!(caught.is_err());
    let caught = std::panic::catch_unwind(|| never_mentions("chain", OUTSIDE));
    assert!(caught.is_err());
}

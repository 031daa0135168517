//! The requirements: every id that a scenario or a check names is described, and every one that is
//! described is named by a scenario. With `BOLTLAB_BOLTS`, the folder of the BOLTs, each fingerprint
//! is compared with the sentence that it stands for.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bitcoin::hashes::{Hash, sha256};
use boltlab::bolt::channel::PeerViolation;
use boltlab::bolt::connection::ConnectionViolation;
use boltlab::bolt::gossip::addresses::AddressBreach;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement {
    id: String,
    level: Level,
    binds: Party,
    /// The BOLT and the section; none if the requirement stands for more than one sentence.
    section: Option<String>,
    /// The first 8 bytes of the SHA256 of the sentence, its spaces made one.
    fingerprint: Option<String>,
    /// Why there is no one sentence.
    derived: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Level {
    Must,
    Should,
    May,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Party {
    /// Who sends the message.
    Sender,
    /// Who receives it.
    Receiver,
    /// Any node, without a message.
    Node,
}

fn specs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("specs")
}

fn requirements() -> Vec<Requirement> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(specs().join("requirements"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |file: &PathBuf| -> Vec<Requirement> {
        serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    files.iter().flat_map(read).collect()
}

/// What the scenarios that ship say that they cover, with one that does.
fn covered() -> BTreeMap<String, PathBuf> {
    let files = boltlab::scenario::discover(&[specs()]).unwrap();
    let mut covered = BTreeMap::new();
    for file in files {
        let scenario = boltlab::scenario::load(&file).unwrap_or_else(|error| panic!("{error}"));
        for id in scenario.runs().into_iter().flat_map(|run| run.covers) {
            covered.insert(id.value, file.clone());
        }
    }
    covered
}

#[test]
fn each_is_described_once_in_order_and_whole() {
    let all = requirements();
    for pair in all.windows(2) {
        assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].id, pair[1].id);
    }
    for Requirement { id, section, fingerprint, derived, level, binds } in &all {
        let parts: Vec<&str> = id.split('/').collect();
        assert_eq!(parts.len(), 3, "{id}");
        assert_eq!(section.is_some(), fingerprint.is_some(), "{id} ({level:?}, {binds:?})");
        assert_ne!(fingerprint.is_some(), derived.is_some(), "{id} has a sentence or a reason");
        assert!(fingerprint.as_ref().is_none_or(|f| f.len() == 16), "{id}");
    }
}

#[test]
fn whatever_is_checked_or_covered_is_described() {
    let known: BTreeSet<String> = requirements().into_iter().map(|one| one.id).collect();
    let checked = PeerViolation::REQUIREMENTS.iter().chain(ConnectionViolation::REQUIREMENTS);
    let checked = checked.chain(AddressBreach::REQUIREMENTS);
    let checked = checked.map(|id| ((*id).to_owned(), PathBuf::from("src")));
    for (id, by) in checked.chain(covered()) {
        assert!(known.contains(&id), "{id}, of {}, is not described", by.display());
    }
}

/// The section with this heading, up to the next one that is not below it.
fn section_of<'a>(text: &'a str, anchor: &str) -> Option<&'a str> {
    let slug = |heading: &str| {
        let plain = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = plain.chars().filter(|c| c.is_alphanumeric() || " _-".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    let level = |line: &str| line.chars().take_while(|c| *c == '#').count();
    let mut offset = 0;
    let mut found: Option<(usize, usize)> = None;
    for line in text.split_inclusive('\n') {
        match found {
            // The sections below it, which go by the same names everywhere, belong to it.
            Some((start, above)) if (1..=above).contains(&level(line)) => {
                return Some(&text[start..offset]);
            }
            None if level(line) > 0 && slug(line) == anchor => found = Some((offset, level(line))),
            Some(_) | None => {}
        }
        offset += line.len();
    }
    found.map(|(start, _)| &text[start..])
}

/// The sentences of a list, each without its bullet and with its spaces made one.
fn sentences(text: &str) -> impl Iterator<Item = String> {
    let begins = |line: &str| {
        let line = line.trim_start();
        line.starts_with("- ") || line.starts_with("* ")
    };
    let mut sentences: Vec<String> = Vec::new();
    for line in text.lines() {
        if begins(line) {
            sentences.push(line.trim_start()[2..].to_owned());
        } else if line.trim().is_empty() || line.starts_with('#') {
            sentences.push(String::new());
        } else if let Some(last) = sentences.last_mut().filter(|last| !last.is_empty()) {
            *last = format!("{last} {line}");
        }
    }
    sentences.into_iter().map(|s| s.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn fingerprint(sentence: &str) -> String {
    sha256::Hash::hash(sentence.as_bytes()).to_string()[..16].to_owned()
}

#[test]
fn the_fingerprints_are_those_of_the_bolts() {
    let Some(folder) = std::env::var_os("BOLTLAB_BOLTS").map(PathBuf::from) else {
        eprintln!("not compared: BOLTLAB_BOLTS names no folder with the BOLTs");
        return;
    };
    let text = |bolt: u8| {
        let mut files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let is_it = |path: &PathBuf| {
            path.file_name().unwrap().to_string_lossy().starts_with(&format!("{bolt:02}-"))
        };
        std::fs::read_to_string(files.find(is_it).unwrap()).unwrap()
    };
    for one in requirements() {
        let (Some(section), Some(expected)) = (one.section, one.fingerprint) else { continue };
        let (bolt, anchor) = section.split_once('#').unwrap();
        let text = text(bolt.parse().unwrap());
        let section = section_of(&text, anchor).unwrap_or_else(|| panic!("{}: {anchor}", one.id));
        let found = sentences(section).any(|sentence| fingerprint(&sentence) == expected);
        assert!(found, "{}: no sentence of {anchor} has the fingerprint {expected}", one.id);
    }
}

#[test]
fn a_changed_sentence_has_another_fingerprint() {
    let text = "# One\n\n## Two of `it`\n  - MUST do\n    this.\n### More\n  - MUST NOT.\n## Else\n - MAY.\n";
    let section = section_of(text, "two-of-it").unwrap();
    let found: Vec<String> = sentences(section).filter(|sentence| !sentence.is_empty()).collect();
    assert_eq!(found, ["MUST do this.", "MUST NOT."]);
    assert_ne!(fingerprint("MUST do this."), fingerprint("MUST do that."));
    assert!(section_of(text, "three").is_none());
}

/// The transcripts of all scenarios.
fn transcripts() -> String {
    let files = boltlab::scenario::discover(&[specs()]).unwrap();
    let read = |file: &PathBuf| std::fs::read_to_string(file.with_extension("golden")).unwrap();
    files.iter().map(read).collect()
}

#[test]
fn every_check_is_seen_to_fire_in_a_scenario() {
    let transcripts = transcripts();
    let checks = PeerViolation::REQUIREMENTS.iter().chain(ConnectionViolation::REQUIREMENTS);
    for id in checks {
        assert!(transcripts.contains(&format!("({id})")), "no scenario sets off {id}");
    }
}

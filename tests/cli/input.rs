//! Bad input: each case has its place and its cause, and the scenario beside it still runs.

use crate::support::{Place, good, good_but};

/// Runs a wrong scenario beside a good one, and fails unless the program says this of it.
#[track_caller]
fn assert_refused(text: &str, said: &[&str]) {
    let place = Place::with(&[("bad.yaml", text), ("good.yaml", &good())]);
    let ran = place.boltlab(&["run", "."]);
    ran.assert(2, said);
    ran.assert(2, &["? bad", "✓ good", "1 passed, 1 inconclusive"]);
    place.assert_nothing_left();
}

#[test]
fn malformed_yaml() {
    let text = good_but("cast:", "cast: [");
    assert_refused(&text, &["./bad.yaml:", " | "]);
}

#[test]
fn unknown_word_is_answered_with_the_nearest_one() {
    let text = good_but("  - open: ab", "  - mien: 1 block");
    assert_refused(&text, &["./bad.yaml:8:5: ", "8 |   - mien: 1 block", "did you mean `mine`?"]);
}

#[test]
fn unknown_role() {
    let text = good_but("  - open: ab", "  - offline: carol\n  - open: ab");
    assert_refused(&text, &["./bad.yaml:8:14: ", "carol"]);
}

#[test]
fn impossible_amount() {
    let text = good_but("1_000_000 sat", "22_000_000 BTC");
    assert_refused(&text, &["./bad.yaml:6:", "22_000_000 BTC", "^^^^^"]);
    let text = good_but("1_000_000 sat", "1_000_000");
    assert_refused(&text, &["./bad.yaml:6:", "needs its unit"]);
    let text = good_but("1_000_000 sat", "2 BTC");
    assert_refused(&text, &["./bad.yaml:6:", "2 BTC"]);
}

#[test]
fn two_roles_of_one_name() {
    let text = good_but("  bob: {role: honest}", "  bob: {role: honest}\n  bob: {role: cheat}");
    assert_refused(&text, &["./bad.yaml:5:3: ", "bob"]);
}

#[test]
fn huge_file() {
    let text = format!("{}# {}\n", good(), "x".repeat(2_000_000));
    assert_refused(&text, &["./bad.yaml: ", "2000242 bytes", "at most 1048576"]);
}

#[test]
fn alias_bomb() {
    let mut text = String::from("a0: &a0 [x, x]\n");
    for level in 1..40 {
        let (this, last) = (level, level - 1);
        let line = format!("a{this}: &a{this} [*a{last}, *a{last}, *a{last}, *a{last}]\n");
        text.push_str(&line);
    }
    text.push_str(&good());
    assert_refused(&text, &["./bad.yaml"]);
}

#[test]
fn missing_file() {
    let place = Place::with(&[("good.yaml", &good())]);
    let ran = place.boltlab(&["run", "good.yaml", "gone.yaml"]);
    ran.assert(2, &["? gone.yaml", "gone.yaml: there is no such file", "✓ good"]);
}

#[test]
fn folder_with_nothing_in_it() {
    let place = Place::with(&[("full/good.yaml", &good()), ("empty/note.txt", "")]);
    let ran = place.boltlab(&["run", "full", "empty"]);
    ran.assert(2, &["empty: no scenarios (`*.yaml`)", "✓ good"]);
    let ran = place.boltlab(&["run", "empty"]);
    ran.assert(2, &["empty: no scenarios (`*.yaml`)"]);
}

#[test]
fn file_that_is_no_text() {
    let place = Place::with(&[("good.yaml", &good())]);
    std::fs::write(place.path("bad.yaml"), b"title: \xff\n").expect("a file");
    place.boltlab(&["run", "."]).assert(2, &["./bad.yaml:1:8: ", "✓ good"]);
}

#[test]
fn filter_that_fits_nothing() {
    let place = Place::with(&[("good.yaml", &good())]);
    let ran = place.boltlab(&["run", ".", "--filter", "nonesuch"]);
    ran.assert(2, &["no scenario has `nonesuch` in its id or title"]);
}

#[test]
fn shard_that_is_none() {
    let place = Place::with(&[("good.yaml", &good())]);
    for shard in ["0/2", "3/2", "1", "a/b", "1/0"] {
        place.boltlab(&["run", ".", "--shard", shard]).assert(2, &["as in 2/5"]);
    }
}

#[test]
fn bitcoind_that_is_none() {
    let place = Place::with(&[("good.yaml", &good()), ("hello", "")]);
    place
        .boltlab(&["run", ".", "--bitcoind", "./gone"])
        .assert(2, &["/gone", "there is no such file"]);
    place
        .boltlab(&["run", ".", "--bitcoind", "./hello"])
        .assert(2, &["hello", "not an executable file"]);
}

#[test]
fn no_bitcoind_is_wanted_where_nothing_can_be_played() {
    let place = Place::with(&[("bad.yaml", "title: [")]);
    let ran = place.boltlab(&["run", ".", "--bitcoind", "./gone"]);
    ran.assert(2, &["./bad.yaml:1:", "1 inconclusive"]);
}

use super::testing::{CORE, KNOTS, Machine, write_script};
use super::*;
use std::path::Path;

fn core_in_cache(machine: &Machine) {
    let folder = machine.cache().join(Way::CoreSources.folder());
    write_script(&folder.join("bin/bitcoind"), &format!("echo '{CORE}'"));
}

fn find(places: &Places, wanted: Wanted) -> Result<Bitcoind, ObtainError> {
    find_or_obtain_in(places, &wanted.into(), &Silent)
}

#[test]
fn variable_comes_before_path_and_path_before_cache() {
    let machine = Machine::new();
    core_in_cache(&machine);
    let places = machine.places();
    assert_eq!(find(&places, Wanted::Any).unwrap().origin, Origin::Cache(Way::CoreSources));
    machine.bitcoind("bin", CORE);
    assert_eq!(find(&places, Wanted::Any).unwrap().origin, Origin::Path);
    let named = machine.bitcoind("named", CORE);
    let places = Places { bitcoind_exe: Some(named.clone().into()), ..places };
    let found = find(&places, Wanted::Any).unwrap();
    assert_eq!((found.origin, found.program()), (Origin::Environment, named.as_path()));
}

#[test]
fn option_comes_before_all() {
    let machine = Machine::new();
    machine.bitcoind("bin", CORE);
    let named = machine.bitcoind("named", KNOTS);
    let request = named.to_str().unwrap().parse().unwrap();
    let found = find_or_obtain_in(&machine.places(), &request, &Silent).unwrap();
    assert_eq!((found.origin, found.kind), (Origin::Option, Kind::Knots));
}

#[test]
fn kind_that_is_not_wanted_is_passed_over() {
    let machine = Machine::new();
    core_in_cache(&machine);
    machine.bitcoind("bin", KNOTS);
    let found = find(&machine.places(), Wanted::Core).unwrap();
    assert_eq!(found.origin, Origin::Cache(Way::CoreSources));
    assert_eq!(find(&machine.places(), Wanted::Knots).unwrap().origin, Origin::Path);
}

#[test]
fn broken_variable_is_an_error_and_not_passed_over() {
    let machine = Machine::new();
    machine.bitcoind("bin", CORE);
    let places = Places { bitcoind_exe: Some("/nowhere/bitcoind".into()), ..machine.places() };
    let error = find(&places, Wanted::Any).unwrap_err();
    assert_eq!(
        error.to_string(),
        "BITCOIND_EXE names /nowhere/bitcoind, which cannot be used: there is no such file"
    );
}

#[test]
fn broken_path_is_passed_over() {
    let machine = Machine::new();
    core_in_cache(&machine);
    machine.script("bin/bitcoind", "exit 1");
    let found = find(&machine.places(), Wanted::Any).unwrap();
    assert_eq!(found.origin, Origin::Cache(Way::CoreSources));
}

#[test]
fn bare_name_in_the_variable_is_found_on_path() {
    let machine = Machine::new();
    let program = machine.script("bin/my-bitcoind", &format!("echo '{CORE}'"));
    let places = Places { bitcoind_exe: Some("my-bitcoind".into()), ..machine.places() };
    let found = find(&places, Wanted::Any).unwrap();
    assert_eq!((found.origin, found.program()), (Origin::Environment, program.as_path()));
}

#[test]
fn error_lists_what_was_tried_and_what_would_help() {
    let machine = Machine::new();
    machine.script("bin/apt-get", "");
    machine.script("bin/bitcoind", "echo it is broken >&2; exit 1");
    let error = find(&machine.places(), Wanted::Any).unwrap_err().to_string();
    let expected = format!(
        "no bitcoind was found, and none could be obtained\n  \
         BITCOIND_EXE: not set\n  \
         PATH: {}: `-version` failed (exit status 1): it is broken\n  \
         cache, Knots: not obtained yet\n  \
         cache, Core: not obtained yet\n  \
         Debian's package bitcoin-knots: not for this machine: it takes apt-get, apt-cache and \
         dpkg\n  \
         Bitcoin Core from its sources: no cmake, no ninja or make, no C++ compiler, no Boost \
         headers, no cargo\n\
         to go on: apt-get install cmake ninja-build g++ libboost-dev, and install Rust \
         (rustup.rs), or set BITCOIND_EXE to a bitcoind of version 29 or later",
        machine.root().join("bin/bitcoind").display()
    );
    assert_eq!(error, expected);
}

#[test]
fn without_a_home_the_cache_has_no_place() {
    let places = Places { cache: None, ..Machine::new().places() };
    assert!(matches!(find(&places, Wanted::Any), Err(ObtainError::NoCacheFolder)));
}

#[test]
fn program_on_path_must_be_executable() {
    let machine = Machine::new();
    machine.file("bin/bitcoind", "#!/bin/sh\n");
    assert_eq!(machine.places().program("bitcoind"), None);
    assert_eq!(machine.places().program("no-such-program").as_deref(), None::<&Path>);
}

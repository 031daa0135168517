use super::*;
use crate::chain::obtain::progress::Silent;
use crate::chain::obtain::testing::{CORE, Machine};

/// A machine with every tool, all of them shell scripts. cargo "fetches" a tree of one file, and
/// cmake "builds" a bitcoind that knows its version.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.script("bin/apt-get", "");
    machine.script("bin/ninja", "");
    machine.script(
        "bin/c++",
        "echo 'c++ (Debian 12.2.0-14) 12.2.0'; echo '#define BOOST_VERSION 107400'",
    );
    machine.script("bin/cargo", &cargo_script(CRATE_CHECKSUM));
    machine.script(
        "bin/cmake",
        &format!(
            "case \"$1\" in
             --version) echo 'cmake version 3.25.1' ;;
             --build) echo '[1/2] one'; mkdir -p \"$2/bin\"
               printf '#!/bin/sh\\necho \"{CORE}\"\\n' > \"$2/bin/bitcoind\"
               cp \"$2/bin/bitcoind\" \"$2/bin/bitcoin-cli\"; chmod 755 \"$2\"/bin/* ;;
             esac"
        ),
    );
    machine
}

fn cargo_script(checksum: &str) -> String {
    format!(
        "for vendor in \"$@\"; do :; done
         crate=\"$vendor/{CRATE}-{CRATE_VERSION}\"
         mkdir -p \"$crate/bitcoin\"; : > \"$crate/bitcoin/CMakeLists.txt\"
         echo '{{\"files\":{{}},\"package\":\"{checksum}\"}}' > \"$crate/.cargo-checksum.json\""
    )
}

#[test]
fn built_programs_are_kept_and_nothing_else() {
    let machine = machine();
    let found = obtain(&machine.places(), &machine.cache(), &Silent).unwrap();
    assert_eq!(found.version, CORE);
    assert_eq!(found.cli().map(|command| command.len()), Some(1));
    assert_eq!(fs::read_dir(machine.cache().join(FOLDER)).unwrap().count(), 1);
}

#[test]
fn missing_tools_are_named_with_one_command() {
    let machine = machine();
    fs::remove_file(machine.root().join("bin/cmake")).unwrap();
    fs::remove_file(machine.root().join("bin/ninja")).unwrap();
    machine.script("bin/c++", "[ \"$1\" = --version ] && echo 'c++ (Debian 12.2.0-14) 12.2.0'");
    let error = obtain(&machine.places(), &machine.cache(), &Silent).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no cmake, no ninja or make, no Boost headers; \
         apt-get install cmake ninja-build libboost-dev"
    );
    assert!(!machine.cache().exists());
}

#[test]
fn old_compiler_is_told_what_would_do() {
    let machine = machine();
    machine
        .script("bin/c++", "echo 'c++ (GCC) 10.2.1 20210110'; echo '#define BOOST_VERSION 107100'");
    let error = obtain(&machine.places(), &machine.cache(), &Silent).unwrap_err().to_string();
    assert!(error.contains("c++ 10.2, and GCC 12.1 or later is needed"), "{error}");
    assert!(error.contains("1.71, and 1.74 or later is needed"), "{error}");
}

#[test]
fn make_will_do_where_ninja_is_missing() {
    let machine = machine();
    fs::remove_file(machine.root().join("bin/ninja")).unwrap();
    machine.script("bin/make", "");
    assert!(obtain(&machine.places(), &machine.cache(), &Silent).is_ok());
}

#[test]
fn other_sources_than_the_known_ones_are_refused() {
    let machine = machine();
    machine.script("bin/cargo", &cargo_script("0000"));
    let error = obtain(&machine.places(), &machine.cache(), &Silent).unwrap_err();
    assert!(matches!(error, WayError::Checksum { .. }), "{error}");
    assert!(!machine.cache().join(FOLDER).exists());
}

#[test]
fn failing_build_shows_the_compilers_complaint() {
    let machine = machine();
    machine.script(
        "bin/cmake",
        "case \"$1\" in
         --version) echo 'cmake version 3.25.1' ;;
         --build) echo 'x.cpp:1:2: error: no such thing'; echo 'ninja: build stopped'; exit 1 ;;
         esac",
    );
    let error = obtain(&machine.places(), &machine.cache(), &Silent).unwrap_err().to_string();
    assert!(error.contains("cmake --build failed (exit status 1)"), "{error}");
    assert!(error.contains("x.cpp:1:2: error: no such thing"), "{error}");
}

#[test]
fn percent_is_read_from_ninja_and_make() {
    assert_eq!(percent("[74/297] Building CXX object"), Some(24));
    assert_eq!(percent("[ 25%] Building CXX object"), Some(25));
    assert_eq!(percent("[no] such thing"), None);
    assert_eq!(percent("[1/0] nothing to do"), None);
}

#[test]
fn version_is_the_tools_own_and_not_the_distributions() {
    for (text, expected) in [
        ("c++ (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright", Some((12, 2))),
        ("g++ (crosstool-NG 1.26.0) 13.2.0", Some((13, 2))),
        ("cmake version 3.25.1\n", Some((3, 25))),
        ("Debian clang version 19.1.7 (3+b1)\n", Some((19, 1))),
        ("Apple clang version 17.0.0 (clang-1700.0.13.3)", Some((17, 0))),
        ("no version", None),
    ] {
        assert_eq!(version_in(text), expected, "{text}");
    }
}

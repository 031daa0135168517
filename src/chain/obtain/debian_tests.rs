use super::*;
use crate::chain::obtain::progress::Silent;
use crate::chain::obtain::testing::{KNOTS, Machine};

/// A Debian of shell scripts: `apt-get download` makes empty packages, and `dpkg -x` makes the
/// files that the package would have. Its loader is a script as well.
fn debian() -> Machine {
    let machine = Machine::new();
    machine.file("keyrings/debian-archive-keyring.gpg", "");
    machine.script(
        "bin/apt-get",
        "shift 3
         if [ \"$1\" = update ]; then echo 'dlstatus:1:50.0000:Retrieving'; exit 0; fi
         shift; for package in \"$@\"; do : > \"${package}_1_amd64.deb\"; done",
    );
    machine.script(
        "bin/apt-cache",
        "case \"$*\" in
           *bitcoin-knots) printf 'bitcoin-knots\\n |Depends: debconf\\n  Depends: <x>\\n  Depends: libevent\\n' ;;
           *) printf 'libevent\\n  Depends: libc6\\n  Recommends: libx\\n' ;;
         esac",
    );
    machine.script(
        "bin/dpkg",
        &format!(
            "mkdir -p \"$3/usr/bin\" \"$3/usr/lib/x86_64-linux-gnu\" \"$3/usr/share/doc\"
             cd \"$3/usr/lib/x86_64-linux-gnu\"
             cat > ld-linux-x86-64.so.2 <<'END'
#!/bin/sh
if [ \"$3\" = --list ]; then echo \"libevent.so => $2/libevent.so (0x1)\"; exit; fi
shift 2; exec \"$@\"
END
             printf '#!/bin/sh\\necho \"{KNOTS}\"\\n' > ../../bin/bitcoind
             cp ../../bin/bitcoind ../../bin/bitcoin-cli
             : > libevent.so; : > libunused.so; chmod 755 ../../bin/* *"
        ),
    );
    machine
}

#[test]
fn only_what_the_loader_names_is_kept() {
    let machine = debian();
    let found = obtain(&machine.places(), &machine.cache(), &Silent).unwrap();
    assert_eq!(found.version, KNOTS);
    assert_eq!(found.command.len(), 4);
    let folder = machine.cache().join(FOLDER);
    assert!(folder.join("lib/libevent.so").is_file());
    assert!(!folder.join("lib/libunused.so").exists());
    let packages = fs::read_to_string(folder.join("packages.txt")).unwrap();
    assert!(packages.contains("libc6_1_amd64.deb"), "{packages}");
    assert!(!packages.contains("debconf") && !packages.contains("libx"), "{packages}");
}

#[test]
fn failing_update_names_the_reason_and_leaves_nothing() {
    let machine = debian();
    machine.script("bin/apt-get", "echo \"E: Could not resolve 'mirror.example'\" >&2; exit 100");
    let error = obtain(&machine.places(), &machine.cache(), &Silent).unwrap_err().to_string();
    assert!(error.contains("apt-get update failed (exit status 100)"), "{error}");
    assert!(error.contains("Could not resolve 'mirror.example'"), "{error}");
    assert!(error.contains("bitcoin-knots.log"), "{error}");
    assert!(!machine.cache().join(FOLDER).exists());
}

#[test]
fn next_mirror_is_tried_when_one_fails() {
    let machine = debian();
    machine.file("etc/apt/sources.list", "deb http://old.example/debian bookworm main\n");
    machine.script(
        "bin/apt-get",
        "shift 3
         if [ \"$1\" = update ]; then ! grep -q old.example ../sources.list; exit; fi
         shift; for package in \"$@\"; do : > \"${package}_1_amd64.deb\"; done",
    );
    obtain(&machine.places(), &machine.cache(), &Silent).unwrap();
    let packages = fs::read_to_string(machine.cache().join(FOLDER).join("packages.txt")).unwrap();
    assert!(packages.starts_with(&format!("from {}", mirror::DEFAULT)), "{packages}");
}

#[test]
fn missing_keyring_is_named_with_its_package() {
    let machine = debian();
    fs::remove_file(machine.root().join("keyrings/debian-archive-keyring.gpg")).unwrap();
    let error = obtain(&machine.places(), &machine.cache(), &Silent).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no debian-archive-keyring; apt-get install debian-archive-keyring"
    );
}

#[test]
fn other_systems_and_processors_are_told() {
    let machine = Machine::new();
    assert_eq!(obstacle(&machine.places()), Some("it takes apt-get, apt-cache and dpkg"));
    let machine = debian();
    let places = Places { architecture: "riscv64".into(), ..machine.places() };
    assert_eq!(obstacle(&places), Some("it is for Linux on x86_64 and aarch64"));
}

#[test]
fn libraries_are_the_first_alternatives_of_real_dependencies() {
    let output = "libgcc-s1\n  Depends: gcc-16-base\n  Depends: libc6\n |Depends: libone\n \
        |Depends: libtwo\n  Depends: libthree\n  Suggests: libfour\n  PreDepends: zlib1g\n  \
        Depends: <libvirtual>\n    libreal\n  Depends: libc-gconv-modules-extra\n";
    let lines: Vec<String> = output.lines().map(str::to_owned).collect();
    let expected = ["libc6", "libone", "zlib1g"].map(str::to_owned);
    assert_eq!(libraries(&lines), BTreeSet::from(expected));
}

#[test]
fn percent_is_read_from_apts_status() {
    assert_eq!(percent("dlstatus:3:93.3333:Retrieving file 3 of 3"), Some(93));
    assert_eq!(percent("Get:1 http://mirror.example unstable InRelease"), None);
}

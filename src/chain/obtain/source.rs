//! The long way: Bitcoin Core, built from the sources that the crate `libbitcoinkernel-sys` packages.
//!
//! cargo fetches the crate from wherever it fetches all crates, so a machine that could build
//! boltlab can have these sources too. They are Bitcoin Core's own tree without its tests, its
//! wallet, its GUI and ZMQ; what is not there is turned off.

use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use super::bitcoind::{Bitcoind, Way};
use super::cache::{Workshop, install};
use super::error::WayError;
use super::places::Places;
use super::progress::Progress;
use super::tool::{Need, NeedState};

/// Its folder in the cache: another version is another folder.
pub(super) const FOLDER: &str = "bitcoin-core-31.99";

const CRATE: &str = "libbitcoinkernel-sys";
const CRATE_VERSION: &str = "0.4.1";
/// The SHA-256 of the crate's file, so that a build is of these sources and no others.
const CRATE_CHECKSUM: &str = "345d18a1ce19a1becfcaaa066e3a60e9c7813ef5c23ea8c20704ca4ba1a46339";

const CMAKE_OPTIONS: &[&str] = &[
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_DAEMON=ON",
    "-DBUILD_CLI=ON",
    "-DBUILD_BITCOIN_BIN=OFF",
    "-DBUILD_GUI=OFF",
    "-DBUILD_TX=OFF",
    "-DBUILD_UTIL=OFF",
    "-DBUILD_KERNEL_LIB=OFF",
    "-DBUILD_TESTS=OFF",
    "-DBUILD_BENCH=OFF",
    "-DBUILD_FUZZ_BINARY=OFF",
    "-DENABLE_WALLET=OFF",
    "-DENABLE_EXTERNAL_SIGNER=OFF",
    "-DENABLE_IPC=OFF",
    "-DWITH_ZMQ=OFF",
    "-DWITH_EMBEDDED_ASMAP=OFF",
    "-DINSTALL_MAN=OFF",
];
const PROGRAMS: [&str; 2] = ["bitcoind", "bitcoin-cli"];

/// The oldest that Bitcoin Core 31 builds with.
const CMAKE: ((u32, u32), &str) = ((3, 22), "3.22");
const GCC: ((u32, u32), &str) = ((12, 1), "GCC 12.1");
const CLANG: ((u32, u32), &str) = ((17, 0), "Clang 17");
const BOOST: (u32, &str) = (107_400, "1.74");

/// The programs and headers that this way needs, and whether they are here.
pub(super) fn needs(places: &Places) -> Vec<Need> {
    let compiler = compiler(places);
    let make = places.first_program(&["ninja", "make"]);
    let make = make.map_or(NeedState::Absent, |path| present(&path));
    vec![
        need("cmake", cmake_state(places), Some("cmake"), "install CMake"),
        need("ninja or make", make, Some("ninja-build"), "install ninja"),
        need("C++ compiler", compiler_state(compiler.as_deref()), Some("g++"), "install g++"),
        need(
            "Boost headers",
            boost_state(compiler.as_deref()),
            Some("libboost-dev"),
            "install Boost",
        ),
        need(
            "cargo",
            cargo(places).map_or(NeedState::Absent, |path| present(&path)),
            None,
            "install Rust (rustup.rs)",
        ),
    ]
    .into_iter()
    .map(|need| if places.program("apt-get").is_some() { need } else { need.without_package() })
    .collect()
}

/// Obtains it into the cache.
pub(super) fn obtain(
    places: &Places,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Bitcoind, WayError> {
    let unmet: Vec<Need> = needs(places).into_iter().filter(|need| !need.is_met()).collect();
    let Some(cargo) = cargo(places).filter(|_| unmet.is_empty()) else {
        return Err(WayError::Missing(unmet));
    };
    install(cache, Way::CoreSources, progress, |workshop| {
        let sources = fetch(&cargo, workshop)?;
        let build = build(places, workshop, &sources)?;
        let bin = workshop.product.join("bin");
        fs::create_dir_all(&bin).map_err(WayError::io(&bin))?;
        for name in PROGRAMS {
            let program = build.join("bin").join(name);
            fs::copy(&program, bin.join(name)).map_err(WayError::io(program))?;
        }
        Ok(())
    })
}

/// Has cargo put the crate into a folder and returns Bitcoin Core's tree in it.
///
/// cargo runs where the user is, so that whatever configuration it reads there (a mirror, a
/// proxy) holds for this crate as well.
fn fetch(cargo: &Path, workshop: &Workshop<'_>) -> Result<PathBuf, WayError> {
    workshop.progress.stage("Fetching the sources of Bitcoin Core", None);
    let project = workshop.scratch.join("project");
    let vendor = workshop.scratch.join("vendor");
    let write = |path: PathBuf, text: &str| fs::write(&path, text).map_err(WayError::io(path));
    fs::create_dir_all(project.join("src")).map_err(WayError::io(&project))?;
    write(project.join("src/lib.rs"), "")?;
    write(
        project.join("Cargo.toml"),
        &format!(
            "[package]\nname = \"sources\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
             [dependencies]\n{CRATE} = \"={CRATE_VERSION}\"\n\n[workspace]\n"
        ),
    )?;
    let run = |offline: &[&str]| {
        let mut command = Command::new(cargo);
        command.arg("vendor").args(offline).arg("--versioned-dirs");
        command.arg("--manifest-path").arg(project.join("Cargo.toml")).arg(&vendor);
        workshop.log.run("cargo vendor", &mut command, &mut |_| ())
    };
    // What cargo has already needs no network.
    run(&["--offline"]).or_else(|_| run(&[]))?;

    let unpacked = vendor.join(format!("{CRATE}-{CRATE_VERSION}"));
    let checksums = unpacked.join(".cargo-checksum.json");
    let text = fs::read_to_string(&checksums).map_err(WayError::io(checksums))?;
    let actual = package_checksum(&text).unwrap_or_default();
    if actual != CRATE_CHECKSUM {
        return Err(WayError::Checksum { package: CRATE, expected: CRATE_CHECKSUM, actual });
    }
    let tree = unpacked.join("bitcoin");
    if tree.join("CMakeLists.txt").is_file() {
        Ok(tree)
    } else {
        let file = String::from("bitcoin/CMakeLists.txt");
        Err(WayError::Incomplete { file, log: workshop.log.path().to_owned() })
    }
}

/// The checksum of the whole package, as cargo notes it beside a vendored crate.
fn package_checksum(text: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    json.get("package")?.as_str().map(str::to_owned)
}

/// Configures and builds; returns the build's folder.
fn build(places: &Places, workshop: &Workshop<'_>, sources: &Path) -> Result<PathBuf, WayError> {
    let cmake = places.program("cmake").unwrap_or_else(|| PathBuf::from("cmake"));
    let build = workshop.scratch.join("build");
    let progress = workshop.progress;
    progress.stage("Configuring Bitcoin Core", None);
    let generator = if places.program("ninja").is_some() { "Ninja" } else { "Unix Makefiles" };
    let mut command = Command::new(&cmake);
    command.args(["-G", generator, "-S"]).arg(sources).arg("-B").arg(&build).args(CMAKE_OPTIONS);
    workshop.log.run("cmake", &mut command, &mut |_| ())?;

    progress.stage("Building Bitcoin Core (once; minutes)", Some(100));
    let jobs = thread::available_parallelism().map_or(1, NonZero::get);
    let mut command = Command::new(&cmake);
    command.arg("--build").arg(&build).args(["--parallel", &jobs.to_string(), "--target"]);
    command.args(PROGRAMS);
    workshop.log.run("cmake --build", &mut command, &mut |line| {
        if let Some(percent) = percent(line) {
            progress.advance(percent);
        }
    })?;
    Ok(build)
}

/// How far a build is: ninja's `[74/297] …` or make's `[ 25%] …`.
fn percent(line: &str) -> Option<u64> {
    let inside = line.strip_prefix('[')?.split(']').next()?.trim();
    if let Some(percent) = inside.strip_suffix('%') {
        return percent.parse().ok();
    }
    let (done, total) = inside.split_once('/')?;
    let (done, total): (u64, u64) = (done.parse().ok()?, total.parse().ok()?);
    done.checked_mul(100)?.checked_div(total)
}

fn cargo(places: &Places) -> Option<PathBuf> {
    let named = places.cargo.as_ref().map(PathBuf::from).filter(|path| path.is_file());
    named.or_else(|| places.program("cargo"))
}

/// The compiler that `cmake` would take.
fn compiler(places: &Places) -> Option<PathBuf> {
    let named = places.compiler.as_ref().map(PathBuf::from);
    let named = named.and_then(|name| places.program(name.to_str()?).or(Some(name)));
    named.or_else(|| places.first_program(&["c++", "g++", "clang++"]))
}

fn need(
    name: &'static str,
    state: NeedState,
    package: Option<&'static str>,
    otherwise: &'static str,
) -> Need {
    Need { name, state, package, otherwise }
}

fn present(path: &Path) -> NeedState {
    NeedState::Present(path.display().to_string())
}

fn cmake_state(places: &Places) -> NeedState {
    let Some(cmake) = places.program("cmake") else { return NeedState::Absent };
    match output(Command::new(&cmake).arg("--version")) {
        Ok(text) => judge(&text, CMAKE, &cmake),
        Err(_) => NeedState::Absent,
    }
}

fn compiler_state(compiler: Option<&Path>) -> NeedState {
    let Some(compiler) = compiler else { return NeedState::Absent };
    match output(Command::new(compiler).arg("--version")) {
        Ok(text) if text.contains("clang") => judge(&text, CLANG, compiler),
        Ok(text) => judge(&text, GCC, compiler),
        Err(_) => NeedState::Absent,
    }
}

/// Asks the compiler itself where Boost is, for only it knows all the folders that it searches.
fn boost_state(compiler: Option<&Path>) -> NeedState {
    let Some(compiler) = compiler else { return NeedState::Absent };
    let arguments = ["-E", "-P", "-x", "c++", "-include", "boost/version.hpp", "-dM", "/dev/null"];
    let Ok(text) = output(Command::new(compiler).args(arguments)) else {
        return NeedState::Absent;
    };
    let version = text.lines().find_map(|line| line.strip_prefix("#define BOOST_VERSION "));
    let Some(version) = version.and_then(|version| version.trim().parse::<u32>().ok()) else {
        return NeedState::Absent;
    };
    let found = format!("{}.{}", version / 100_000, version / 100 % 1000);
    if version >= BOOST.0 {
        NeedState::Present(found)
    } else {
        NeedState::TooOld { found, wanted: BOOST.1 }
    }
}

/// Holds the first version number of a text against the least that will do.
fn judge(text: &str, (least, wanted): ((u32, u32), &'static str), path: &Path) -> NeedState {
    let Some((major, minor)) = version_in(text) else { return present(path) };
    let found = format!("{} {major}.{minor}", path.display());
    if (major, minor) >= least {
        NeedState::Present(found)
    } else {
        NeedState::TooOld { found, wanted }
    }
}

/// The first version number of the first line, outside parentheses: inside, distributions put
/// theirs.
fn version_in(text: &str) -> Option<(u32, u32)> {
    let outside = text.lines().next()?.split('(').flat_map(|part| part.rsplit(')').take(1));
    let words: Vec<&str> = outside.flat_map(str::split_whitespace).collect();
    words.into_iter().find_map(|word| {
        let mut numbers = word.split(['.', '-', '+', '~']);
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    })
}

fn output(command: &mut Command) -> io::Result<String> {
    let output = command.env("LC_ALL", "C").stdin(Stdio::null()).output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(io::Error::other("it failed"))
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;

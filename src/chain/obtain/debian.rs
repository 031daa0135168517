//! The quick way: Debian unstable's package `bitcoin-knots`, unpacked and not installed.
//!
//! apt downloads it and the libraries that it wants into folders of ours, with a configuration
//! and an empty package database of ours, so no root is needed and nothing of the system changes.
//! unstable's libc is newer than the system's; bitcoind is therefore started by the loader that
//! came with it. Only the files that the loader names are kept.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::bitcoind::{Bitcoind, Way};
use super::cache::{Workshop, install};
use super::error::WayError;
use super::mirror;
use super::places::Places;
use super::progress::Progress;
use super::tool::{Need, NeedState};

/// Its folder in the cache.
pub(super) const FOLDER: &str = "bitcoin-knots";

const PACKAGE: &str = "bitcoin-knots";
const KEYRINGS: [&str; 2] = ["debian-archive-keyring.gpg", "debian-archive-keyring.pgp"];
const PROGRAMS: [&str; 2] = ["bitcoind", "bitcoin-cli"];

/// Libraries that libc opens by itself: no program names them.
const OPENED_BY_LIBC: [&str; 4] =
    ["libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/// The programs and keys that this way needs, and whether they are here.
pub(super) fn needs(places: &Places) -> Vec<Need> {
    let state = |path: Option<PathBuf>| match path {
        Some(path) => NeedState::Present(path.display().to_string()),
        None => NeedState::Absent,
    };
    let program = |name| Need {
        name,
        state: state(places.program(name)),
        package: None,
        otherwise: "use a Debian system",
    };
    let keyring = Need {
        name: "debian-archive-keyring",
        state: state(keyring(places)),
        package: Some("debian-archive-keyring"),
        otherwise: "",
    };
    vec![program("apt-get"), program("apt-cache"), program("dpkg"), keyring]
}

/// Why this machine cannot run Debian's package at all, if it cannot.
pub(super) fn obstacle(places: &Places) -> Option<&'static str> {
    if architecture(places).is_none() {
        Some("it is for Linux on x86_64 and aarch64")
    } else if ["apt-get", "apt-cache", "dpkg"].iter().any(|name| places.program(name).is_none()) {
        Some("it takes apt-get, apt-cache and dpkg")
    } else {
        None
    }
}

/// The start of the bitcoind that lies in this folder, through the loader that lies beside it.
pub(super) fn command(folder: &Path, program: PathBuf) -> Vec<OsString> {
    let libraries = folder.join("lib");
    let loader = loader(&libraries).unwrap_or_else(|| libraries.join("ld-linux"));
    vec![loader.into(), "--library-path".into(), libraries.into(), program.into()]
}

/// Obtains it into the cache.
pub(super) fn obtain(
    places: &Places,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Bitcoind, WayError> {
    let Some(architecture) = architecture(places).filter(|_| obstacle(places).is_none()) else {
        let reason = obstacle(places).unwrap_or_default();
        return Err(WayError::NotForThisMachine { reason });
    };
    let unmet: Vec<Need> = needs(places).into_iter().filter(|need| !need.is_met()).collect();
    let Some(keyring) = keyring(places).filter(|_| unmet.is_empty()) else {
        return Err(WayError::Missing(unmet));
    };
    install(cache, Way::DebianPackage, progress, |workshop| {
        let apt = Apt::prepare(places, workshop, architecture, &keyring)?;
        let mirrors = mirror::mirrors(&places.apt);
        let mirror = apt.update(&mirrors)?;
        let packages = apt.closure()?;
        let root = apt.unpack(&packages)?;
        keep(&root, workshop)?;
        let note = format!("from {mirror}, unstable\n{}\n", apt.files()?.join("\n"));
        let path = workshop.product.join("packages.txt");
        fs::write(&path, note).map_err(WayError::io(path))
    })
}

/// Debian's name of the processor.
fn architecture(places: &Places) -> Option<&'static str> {
    match places.architecture.as_str() {
        _ if !cfg!(target_os = "linux") => None,
        "x86_64" => Some("amd64"),
        "aarch64" => Some("arm64"),
        _ => None,
    }
}

fn keyring(places: &Places) -> Option<PathBuf> {
    KEYRINGS.iter().map(|name| places.keyrings.join(name)).find(|path| path.is_file())
}

/// apt, working in folders of ours.
struct Apt<'a> {
    places: &'a Places,
    workshop: &'a Workshop<'a>,
    architecture: &'static str,
    keyring: &'a Path,
    configuration: PathBuf,
}

impl<'a> Apt<'a> {
    fn prepare(
        places: &'a Places,
        workshop: &'a Workshop<'a>,
        architecture: &'static str,
        keyring: &'a Path,
    ) -> Result<Self, WayError> {
        let home = workshop.scratch;
        for folder in ["state", "lists/partial", "cache/archives/partial", "debs", "root"] {
            let folder = home.join(folder);
            fs::create_dir_all(&folder).map_err(WayError::io(folder))?;
        }
        let write = |path: PathBuf, text: &str| {
            fs::write(&path, text).map_err(WayError::io(&path)).map(|()| path)
        };
        write(home.join("status"), "")?;
        let configuration = write(home.join("apt.conf"), &configuration(home))?;
        Ok(Self { places, workshop, architecture, keyring, configuration })
    }

    fn command(&self, program: &str) -> Command {
        let program = self.places.program(program).unwrap_or_else(|| PathBuf::from(program));
        let mut command = Command::new(program);
        command.arg("-c").arg(&self.configuration).current_dir(self.workshop.scratch.join("debs"));
        command
    }

    /// Runs apt-get with its progress, which it reports in percent.
    fn get(&self, what: &str, arguments: &[&str]) -> Result<(), WayError> {
        let mut command = self.command("apt-get");
        command.arg("-q").args(arguments);
        let progress = self.workshop.progress;
        self.workshop.log.run(what, &mut command, &mut |line| {
            if let Some(percent) = percent(line) {
                progress.advance(percent);
            }
        })?;
        Ok(())
    }

    /// Fetches the list of unstable's packages from the first mirror that has it.
    fn update<'m>(&self, mirrors: &'m [String]) -> Result<&'m str, WayError> {
        let mut outcome = Ok("");
        for mirror in mirrors {
            let what = format!("Fetching the list of Debian's packages from {mirror}");
            self.workshop.progress.stage(&what, Some(100));
            let source = format!(
                "deb [signed-by={} arch={} target=Packages] {mirror} unstable main\n",
                self.keyring.display(),
                self.architecture
            );
            let path = self.workshop.scratch.join("sources.list");
            fs::write(&path, source).map_err(WayError::io(path))?;
            outcome = self.get("apt-get update", &["update"]).map(|()| mirror.as_str());
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// The package and every library that it depends on, directly or not. What the package needs
    /// to be installed as a service (debconf, systemd) is no library and is left out.
    fn closure(&self) -> Result<BTreeSet<String>, WayError> {
        self.workshop.progress.stage("Finding the libraries that bitcoind wants", None);
        let mut known = BTreeSet::from([PACKAGE.to_owned()]);
        let mut new = known.clone();
        while !new.is_empty() {
            let mut command = self.command("apt-cache");
            command.arg("depends").args(&new);
            let what = "apt-cache depends";
            let output = self.workshop.log.run(what, &mut command, &mut |_| ())?;
            new = &libraries(&output) - &known;
            known.extend(new.iter().cloned());
        }
        Ok(known)
    }

    /// Downloads the packages and unpacks them into one root folder.
    fn unpack(&self, packages: &BTreeSet<String>) -> Result<PathBuf, WayError> {
        let what = format!("Downloading {PACKAGE} and {} libraries", packages.len() - 1);
        self.workshop.progress.stage(&what, Some(100));
        let mut arguments = vec!["download"];
        arguments.extend(packages.iter().map(String::as_str));
        self.get("apt-get download", &arguments)?;

        let files = self.files()?;
        self.workshop.progress.stage("Unpacking", None);
        let root = self.workshop.scratch.join("root");
        let dpkg = self.places.program("dpkg").unwrap_or_else(|| PathBuf::from("dpkg"));
        for file in &files {
            let mut command = Command::new(&dpkg);
            command.arg("-x").arg(self.workshop.scratch.join("debs").join(file)).arg(&root);
            self.workshop.log.run("dpkg -x", &mut command, &mut |_| ())?;
        }
        Ok(root)
    }

    /// The names of the packages' files; version and architecture stand in them.
    fn files(&self) -> Result<Vec<String>, WayError> {
        let folder = self.workshop.scratch.join("debs");
        let entries = fs::read_dir(&folder).map_err(WayError::io(folder))?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
    }
}

/// apt's configuration: the system's own (it may hold a proxy), with every folder replaced.
fn configuration(home: &Path) -> String {
    let home = home.display();
    format!(
        r#"Dir::Etc::SourceList "{home}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "{home}/state";
Dir::State::Lists "{home}/lists";
Dir::State::status "{home}/status";
Dir::Cache "{home}/cache";
Dir::Cache::archives "{home}/cache/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Sandbox::User "root";
APT::Status-Fd "1";
APT::Update::Error-Mode "any";
APT::Cache::ShowRecommends "false";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"#
    )
}

/// How far a download is: `dlstatus:3:93.3333:Retrieving file 3 of 3`.
fn percent(line: &str) -> Option<u64> {
    line.strip_prefix("dlstatus:")?.split(':').nth(1)?.split('.').next()?.parse().ok()
}

/// The libraries among what `apt-cache depends` prints: of alternatives (marked by a bar) the
/// first, and of those only packages named as libraries are.
fn libraries(output: &[String]) -> BTreeSet<String> {
    let mut libraries = BTreeSet::new();
    let mut is_alternative = false;
    for line in output {
        let Some((relation, package)) = line.split_once(": ") else { continue };
        let (relation, has_alternative) = match relation.strip_prefix(" |") {
            Some(relation) => (relation, true),
            None => (relation.trim(), false),
        };
        let is_library = package.starts_with("lib") || package.starts_with("zlib");
        let is_needed = matches!(relation, "Depends" | "PreDepends") && !is_alternative;
        if is_needed && is_library && !package.starts_with("libc-gconv") {
            libraries.insert(package.to_owned());
        }
        is_alternative = has_alternative;
    }
    libraries
}

/// The loader of the libc in this folder.
fn loader(libraries: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(libraries).ok()?.flatten();
    let mut loaders: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("ld-linux-"))
        .map(|entry| entry.path())
        .collect();
    loaders.sort();
    loaders.into_iter().next()
}

/// Copies the programs, and the libraries that their loader asks for, out of the unpacked root.
fn keep(root: &Path, workshop: &Workshop<'_>) -> Result<(), WayError> {
    workshop.progress.stage("Keeping what bitcoind needs", None);
    let incomplete = |file: &str| WayError::Incomplete {
        file: file.to_owned(),
        log: workshop.log.path().into(),
    };
    let libraries = library_folder(root).ok_or_else(|| incomplete("libc's loader"))?;
    let loader = loader(&libraries).ok_or_else(|| incomplete("libc's loader"))?;
    let (bin, lib) = (workshop.product.join("bin"), workshop.product.join("lib"));
    for folder in [&bin, &lib] {
        fs::create_dir_all(folder).map_err(WayError::io(folder))?;
    }
    let mut wanted = BTreeSet::from([loader.clone()]);
    wanted.extend(OPENED_BY_LIBC.iter().map(|name| libraries.join(name)).filter(|it| it.exists()));
    for name in PROGRAMS {
        let program = root.join("usr/bin").join(name);
        if !program.is_file() {
            return Err(incomplete(&format!("usr/bin/{name}")));
        }
        let mut command = Command::new(&loader);
        command.arg("--library-path").arg(&libraries).arg("--list").arg(&program);
        let listed = workshop.log.run("the loader of libc", &mut command, &mut |_| ())?;
        for library in listed.iter().filter_map(|line| line.split_once(" => ")) {
            let path = library.1.split(" (").next().map_or(Path::new(""), Path::new);
            // One that is taken from the system would not fit the libc that is taken from here.
            if !path.starts_with(root) {
                return Err(incomplete(library.0.trim()));
            }
            wanted.insert(path.to_owned());
        }
        copy(&program, &bin)?;
    }
    wanted.iter().try_for_each(|file| copy(file, &lib))
}

/// Where the packages put their libraries: `usr/lib/x86_64-linux-gnu` and the like.
fn library_folder(root: &Path) -> Option<PathBuf> {
    let parents = [root.join("usr/lib"), root.join("lib")];
    let folders = parents.iter().filter_map(|parent| fs::read_dir(parent).ok()).flatten().flatten();
    let mut folders = folders.map(|entry| entry.path());
    folders.find(|path| path.is_dir() && loader(path).is_some())
}

fn copy(file: &Path, folder: &Path) -> Result<(), WayError> {
    let target = folder.join(file.file_name().unwrap_or_default());
    fs::copy(file, &target).map_err(WayError::io(file)).map(|_| ())
}

#[cfg(test)]
#[path = "debian_tests.rs"]
mod tests;

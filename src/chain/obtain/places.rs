//! The environment in which a bitcoind is looked for, as values.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Where to look: what the process's environment says, as values that a test can replace.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// `BITCOIND_EXE`, if it is set and not empty.
    pub bitcoind_exe: Option<OsString>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// boltlab's cache folder; none if the user has no home.
    pub cache: Option<PathBuf>,
    /// apt's configuration, where the mirror is read from.
    pub apt: PathBuf,
    /// The folder of Debian's archive keys.
    pub keyrings: PathBuf,
    /// `CARGO`, which cargo sets for what it runs.
    pub cargo: Option<OsString>,
    /// `CXX`, the C++ compiler that the user prefers.
    pub compiler: Option<OsString>,
    /// The processor, in Rust's word for it.
    pub architecture: String,
    /// Where labs put their data.
    pub temporary: PathBuf,
}

impl Places {
    /// Reads them from the process's environment.
    pub fn of_this_process() -> Self {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let path = set("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
        // The XDG specification: a relative path is invalid and is to be ignored.
        let cache = set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(env::home_dir().filter(|home| home.is_absolute())?.join(".cache")))
            .map(|caches| caches.join("boltlab"));
        Self {
            bitcoind_exe: set("BITCOIND_EXE"),
            path,
            cache,
            apt: "/etc/apt".into(),
            keyrings: "/usr/share/keyrings".into(),
            cargo: set("CARGO"),
            compiler: set("CXX"),
            architecture: env::consts::ARCH.to_owned(),
            temporary: env::temp_dir(),
        }
    }

    /// The first executable file of this name on `PATH`, as a shell would find it.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|folder| folder.join(name)).find(|path| is_executable(path))
    }

    /// The first of these names that is on `PATH`.
    pub(super) fn first_program(&self, names: &[&str]) -> Option<PathBuf> {
        names.iter().find_map(|name| self.program(name))
    }
}

#[cfg(unix)]
pub(super) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
pub(super) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file())
}

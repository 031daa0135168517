//! What a bitcoind is: its command, its kind, where it comes from.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::Fault;

/// The oldest major version whose mempool the scenarios are written for: TRUC packages with
/// ephemeral dust came with 29.
pub const MINIMUM_MAJOR: u32 = 29;

/// Knots' defaults refuse what Core's accept; these make its policy Core's.
const KNOTS_POLICY: &[&str] =
    &["-mempooltruc=enforce", "-permitephemeral=anchor,send,dust", "-permitbaremultisig=1"];

/// A bitcoind that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitcoind {
    /// The program and its leading arguments. An unpacked package is started by the loader of the
    /// libc that it wants, so this can be more than one word.
    pub command: Vec<OsString>,
    /// The first line of what it prints at `-version`.
    pub version: String,
    /// Which implementation it is.
    pub kind: Kind,
    /// Where it was found.
    pub origin: Origin,
}

impl Bitcoind {
    /// The arguments that make its mempool's policy Bitcoin Core's.
    pub const fn policy_arguments(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Core => &[],
            Kind::Knots => KNOTS_POLICY,
        }
    }

    /// The program file of bitcoind itself, behind a loader or not.
    pub fn program(&self) -> &Path {
        self.command.last().map_or(Path::new("bitcoind"), Path::new)
    }

    /// The command of the `bitcoin-cli` that lies beside this bitcoind, if one does.
    pub fn cli(&self) -> Option<Vec<OsString>> {
        let program = self.program().with_file_name("bitcoin-cli");
        program.is_file().then(|| {
            let mut command = self.command.clone();
            command.pop();
            command.push(program.into());
            command
        })
    }

    /// One line for people: which one runs, its version, and where it is from.
    pub fn description(&self) -> String {
        format!("{} ({}, {})", self.version, self.origin, self.program().display())
    }
}

/// Which implementation a bitcoind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Bitcoin Core.
    Core,
    /// Bitcoin Knots.
    Knots,
}

impl Kind {
    /// Reads the kind and the major version out of the first line of `-version`.
    pub(super) fn of_version_line(line: &str) -> Result<(Self, u32), Fault> {
        let kind = match line {
            line if line.contains("Bitcoin Knots") => Self::Knots,
            line if line.contains("Bitcoin Core") => Self::Core,
            _ => return Err(Fault::Stranger { line: line.to_owned() }),
        };
        let digits = line.split("version v").nth(1).unwrap_or_default();
        let digits = digits.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let major = digits.parse().map_err(|_| Fault::Stranger { line: line.to_owned() })?;
        Ok((kind, major))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Core => "Bitcoin Core",
            Self::Knots => "Bitcoin Knots",
        })
    }
}

/// Where a bitcoind was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Named by `--bitcoind`.
    Option,
    /// Named by the variable `BITCOIND_EXE`.
    Environment,
    /// The first `bitcoind` on `PATH`.
    Path,
    /// boltlab's cache, obtained this way.
    Cache(Way),
}

impl Origin {
    /// The places that are searched when no path is given, in this order.
    pub const SEARCHED: [Self; 4] = [
        Self::Environment,
        Self::Path,
        Self::Cache(Way::DebianPackage),
        Self::Cache(Way::CoreSources),
    ];

    /// Whether a person asked for exactly this one: then it is never passed over in silence.
    pub const fn is_named_by_the_user(self) -> bool {
        matches!(self, Self::Option | Self::Environment)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option => "--bitcoind",
            Self::Environment => "BITCOIND_EXE",
            Self::Path => "PATH",
            Self::Cache(Way::DebianPackage) => "cache, Knots",
            Self::Cache(Way::CoreSources) => "cache, Core",
        })
    }
}

/// How a bitcoind is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Debian unstable's package `bitcoin-knots`, unpacked beside the libraries that it wants.
    DebianPackage,
    /// Bitcoin Core, built from the sources that the crate `libbitcoinkernel-sys` packages.
    CoreSources,
}

impl Way {
    /// Both ways, the quickest first.
    pub const ALL: [Self; 2] = [Self::DebianPackage, Self::CoreSources];

    /// What comes out of it.
    pub const fn kind(self) -> Kind {
        match self {
            Self::DebianPackage => Kind::Knots,
            Self::CoreSources => Kind::Core,
        }
    }

    /// The name of its folder in the cache, and of its lock, its log and its temporary folders.
    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::DebianPackage => super::debian::FOLDER,
            Self::CoreSources => super::source::FOLDER,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DebianPackage => "Debian's package bitcoin-knots",
            Self::CoreSources => "Bitcoin Core from its sources",
        })
    }
}

/// Which implementation is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Either one.
    #[default]
    Any,
    /// Bitcoin Knots.
    Knots,
    /// Bitcoin Core.
    Core,
}

impl Wanted {
    /// Whether a bitcoind of this kind will do.
    pub const fn accepts(self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Any, _) | (Self::Knots, Kind::Knots) | (Self::Core, Kind::Core)
        )
    }

    /// The ways that yield it.
    pub(super) const fn ways(self) -> &'static [Way] {
        match self {
            Self::Any => &Way::ALL,
            Self::Knots => &[Way::DebianPackage],
            Self::Core => &[Way::CoreSources],
        }
    }
}

/// What `--bitcoind knots|core|PATH` asks for; the default is any bitcoind, from anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Which implementation.
    pub wanted: Wanted,
    /// This very program. Nothing else is searched then.
    pub path: Option<PathBuf>,
}

impl From<Wanted> for Request {
    fn from(wanted: Wanted) -> Self {
        Self { wanted, path: None }
    }
}

impl FromStr for Request {
    type Err = Infallible;

    /// `knots` and `core` are kinds; whatever else is a path (`./core` is the file of that name).
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "any" => Wanted::Any.into(),
            "knots" => Wanted::Knots.into(),
            "core" => Wanted::Core.into(),
            path => Self { wanted: Wanted::Any, path: Some(PathBuf::from(path)) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_line_tells_kind_and_major() {
        for (line, expected) in [
            ("Bitcoin Core daemon version v31.99.0-unk bitcoind", (Kind::Core, 31)),
            ("Bitcoin Core version v27.1.0", (Kind::Core, 27)),
            ("Bitcoin Knots daemon version v29.4.knots20260508", (Kind::Knots, 29)),
        ] {
            assert_eq!(Kind::of_version_line(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn version_line_of_another_program_is_a_stranger() {
        for line in ["", "hello", "Bitcoin Core daemon version", "Dogecoin daemon version v29.0"] {
            assert_eq!(
                Kind::of_version_line(line),
                Err(Fault::Stranger { line: line.to_owned() }),
                "{line}"
            );
        }
    }

    #[test]
    fn option_names_a_kind_or_a_path() {
        assert_eq!("core".parse(), Ok(Request::from(Wanted::Core)));
        assert_eq!("knots".parse(), Ok(Request::from(Wanted::Knots)));
        assert_eq!(
            "./core".parse(),
            Ok(Request { wanted: Wanted::Any, path: Some(PathBuf::from("./core")) })
        );
    }

    #[test]
    fn only_knots_needs_policy_arguments() {
        let bitcoind = |kind| Bitcoind {
            command: vec!["bitcoind".into()],
            version: String::new(),
            kind,
            origin: Origin::Path,
        };
        assert!(bitcoind(Kind::Core).policy_arguments().is_empty());
        assert_eq!(bitcoind(Kind::Knots).policy_arguments().len(), 3);
    }
}

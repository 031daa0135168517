//! Looking for a bitcoind in one place, and asking it what it is.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{self, MAIN_SEPARATOR, Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::bitcoind::{Bitcoind, Kind, MINIMUM_MAJOR, Origin, Request, Way};
use super::debian;
use super::error::Fault;
use super::places::{Places, is_executable};

/// `-version` answers in milliseconds; a machine that compiles on every core may need longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// One place, and what is there.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The place.
    pub origin: Origin,
    /// The program that it names, if it names one.
    pub path: Option<PathBuf>,
    /// What is there.
    pub state: State,
}

/// What a place holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The place names no program: the variable is not set, the folder is empty.
    Nothing,
    /// A bitcoind that can be used.
    Found(Bitcoind),
    /// A program that cannot.
    Faulty(Fault),
}

impl Finding {
    /// A line for people: what is there.
    pub fn summary(&self) -> String {
        match (&self.state, &self.path) {
            (State::Found(found), _) => {
                format!("{} ({})", found.version, found.program().display())
            }
            (State::Faulty(fault), Some(path)) => format!("{}: {fault}", path.display()),
            (State::Faulty(fault), None) => fault.to_string(),
            (State::Nothing, _) => String::from(match self.origin {
                Origin::Option | Origin::Environment => "not set",
                Origin::Path => "no bitcoind",
                Origin::Cache(_) => "not obtained yet",
            }),
        }
    }
}

/// Looks at one place. Never downloads.
pub(super) fn look(places: &Places, request: &Request, origin: Origin) -> Finding {
    let command = match origin {
        Origin::Option => request.path.clone().map(|path| vec![path.into_os_string()]),
        Origin::Environment => places.bitcoind_exe.clone().map(|exe| vec![exe]),
        Origin::Path => places.program("bitcoind").map(|path| vec![path.into_os_string()]),
        Origin::Cache(way) => {
            places.cache.as_deref().and_then(|cache| cached(&cache.join(way.folder()), way))
        }
    };
    let Some(mut command) = command else {
        return Finding { origin, path: None, state: State::Nothing };
    };
    if let Some(program) = command.last_mut() {
        *program = resolve(places, program);
    }
    let path = command.last().map(PathBuf::from);
    let state = match examine(command, origin) {
        Ok(found) => State::Found(found),
        Err(fault) => State::Faulty(fault),
    };
    Finding { origin, path, state }
}

/// Finds a bare name on `PATH`, as a shell would, and makes any other path absolute: a lab may
/// start it from another folder.
fn resolve(places: &Places, program: &OsStr) -> OsString {
    let is_bare = Path::new(program).components().count() == 1
        && !program.to_string_lossy().contains(MAIN_SEPARATOR);
    let on_path = program.to_str().filter(|_| is_bare).and_then(|name| places.program(name));
    let path = on_path.map_or_else(|| path::absolute(program), Ok);
    path.map_or_else(|_| program.to_owned(), PathBuf::into_os_string)
}

/// The command of the bitcoind in a cache folder, if that folder exists.
pub(super) fn cached(folder: &Path, way: Way) -> Option<Vec<OsString>> {
    let program = folder.join("bin").join("bitcoind");
    if !folder.is_dir() {
        return None;
    }
    Some(match way {
        Way::DebianPackage => debian::command(folder, program),
        Way::CoreSources => vec![program.into_os_string()],
    })
}

/// Asks a program whether it is a bitcoind, and which.
pub(super) fn examine(command: Vec<OsString>, origin: Origin) -> Result<Bitcoind, Fault> {
    let first = command.first().map_or(Path::new(""), Path::new);
    let last = command.last().map_or(first, Path::new);
    if !first.exists() || !last.exists() {
        return Err(Fault::Absent);
    }
    if !is_executable(first) {
        return Err(Fault::NotExecutable);
    }
    let version = version_line(&command, PATIENCE)?;
    let (kind, major) = Kind::of_version_line(&version)?;
    // An old one that the user names may be what they want to look at.
    if major < MINIMUM_MAJOR && !origin.is_named_by_the_user() {
        return Err(Fault::TooOld { major });
    }
    Ok(Bitcoind { command, version, kind, origin })
}

fn version_line(command: &[OsString], patience: Duration) -> Result<String, Fault> {
    let mut child =
        start(command).map_err(|error| Fault::DoesNotStart { reason: error.to_string() })?;
    let (sender, receiver) = mpsc::channel();
    let mut stdout = child.stdout.take();
    let mut stderr = child.stderr.take();
    thread::spawn(move || {
        let mut text = Vec::new();
        // What cannot be read counts as silence.
        let _ = stdout.as_mut().map(|pipe| pipe.read_to_end(&mut text));
        let first = String::from_utf8_lossy(&text).lines().next().unwrap_or("").to_owned();
        let mut text = Vec::new();
        let _ = stderr.as_mut().map(|pipe| pipe.read_to_end(&mut text));
        let last = String::from_utf8_lossy(&text).lines().last().unwrap_or("").to_owned();
        let _ = sender.send((first, last));
    });
    let Ok((first, complaint)) = receiver.recv_timeout(patience) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(Fault::Hangs { seconds: patience.as_secs() });
    };
    match child.wait() {
        Ok(status) if status.success() => Ok(first),
        Ok(status) => Err(Fault::Fails {
            status: describe(status),
            line: [complaint, first, String::from("it printed nothing")]
                .into_iter()
                .find(|line| !line.is_empty())
                .unwrap_or_default(),
        }),
        Err(error) => Err(Fault::DoesNotStart { reason: error.to_string() }),
    }
}

/// Starts `-version`. A program that was written a moment ago can still be open for writing in a
/// child that another thread is just forking; that passes by itself.
fn start(command: &[OsString]) -> io::Result<Child> {
    let mut tries = 0;
    loop {
        let started = Command::new(command.first().map_or("".as_ref(), OsString::as_os_str))
            .args(command.iter().skip(1))
            .arg("-version")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        match started {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < 1000 => {
                tries += 1;
                thread::yield_now();
            }
            outcome => return outcome,
        }
    }
}

/// `exit status 1` or the signal, in words.
pub(super) fn describe(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit status {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::obtain::testing::Machine;

    fn fault(machine: &Machine, script: &str) -> Fault {
        let path = machine.script("some/bitcoind", script);
        examine(vec![path.into()], Origin::Path).unwrap_err()
    }

    #[test]
    fn a_failing_program_is_reported_with_its_status_and_complaint() {
        let machine = Machine::new();
        assert_eq!(
            fault(&machine, "echo libevent is missing >&2; exit 127"),
            Fault::Fails {
                status: String::from("exit status 127"),
                line: String::from("libevent is missing")
            }
        );
    }

    #[test]
    fn another_program_is_a_stranger() {
        let machine = Machine::new();
        assert_eq!(fault(&machine, "echo hello"), Fault::Stranger { line: String::from("hello") });
    }

    #[test]
    fn a_silent_program_is_given_up() {
        let machine = Machine::new();
        let path = machine.script("some/bitcoind", "exec sleep 60");
        assert_eq!(
            version_line(&[path.into()], Duration::from_millis(50)),
            Err(Fault::Hangs { seconds: 0 })
        );
    }

    #[test]
    fn an_old_one_is_passed_over_unless_it_is_named() {
        let machine = Machine::new();
        let path = machine.bitcoind("some", "Bitcoin Core version v25.0.0");
        let examined = |origin| examine(vec![path.clone().into()], origin);
        assert_eq!(examined(Origin::Path), Err(Fault::TooOld { major: 25 }));
        assert!(examined(Origin::Environment).is_ok());
    }

    #[test]
    fn a_file_that_cannot_run_is_not_executable() {
        let machine = Machine::new();
        let path = machine.file("some/bitcoind", "#!/bin/sh\n");
        assert_eq!(examine(vec![path.into()], Origin::Path), Err(Fault::NotExecutable));
    }
}

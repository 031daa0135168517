//! The programs that obtaining calls: whether they are there, and running them with a log.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;

use super::error::WayError;
use super::search::describe;

/// How many of a failed tool's lines an error shows; the log has them all.
const LINES_SHOWN: usize = 3;

/// Something that a way needs: a program, or a library's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name.
    pub name: &'static str,
    /// Whether it is there.
    pub state: NeedState,
    /// Debian's package of it.
    pub package: Option<&'static str>,
    /// What to do where there is no such package.
    pub otherwise: &'static str,
}

/// Whether something that a way needs is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeedState {
    /// It is, here or in this version.
    Present(String),
    /// It is not.
    Absent,
    /// It is, and will not do.
    TooOld {
        /// What is there.
        found: String,
        /// What would do.
        wanted: &'static str,
    },
}

impl Need {
    /// Whether it is there.
    pub fn is_met(&self) -> bool {
        matches!(self.state, NeedState::Present(_))
    }

    /// The same on a system that has none of Debian's packages.
    #[must_use]
    pub(super) fn without_package(self) -> Self {
        Self { package: None, ..self }
    }

    /// What is wrong with it, in a few words.
    pub fn complaint(&self) -> String {
        match &self.state {
            NeedState::Present(_) => format!("{} is there", self.name),
            NeedState::Absent => format!("no {}", self.name),
            NeedState::TooOld { found, wanted } => {
                format!("{} too old ({found}, and {wanted} or later is needed)", self.name)
            }
        }
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        remedy(std::slice::from_ref(self))
    }
}

/// What a person can do about these, in one command as far as possible.
pub(super) fn remedy(needs: &[Need]) -> String {
    let unmet = || needs.iter().filter(|need| !need.is_met());
    let packages: Vec<&str> = unmet().filter_map(|need| need.package).collect();
    let mut parts = Vec::new();
    if !packages.is_empty() {
        parts.push(format!("apt-get install {}", packages.join(" ")));
    }
    let others = unmet().filter(|need| need.package.is_none());
    parts.extend(others.map(|need| need.otherwise.to_owned()));
    parts.join(", and ")
}

/// A program that failed, what it last said, and where the rest of it stands.
#[derive(Debug)]
pub struct ToolFailure {
    /// The program and its subcommand.
    pub what: String,
    /// Its exit status, or why it did not start.
    pub status: String,
    /// The lines that say why.
    pub lines: Vec<String>,
    /// All that it printed.
    pub log: PathBuf,
}

impl std::error::Error for ToolFailure {}

impl fmt::Display for ToolFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed ({}), log: {}", self.what, self.status, self.log.display())?;
        self.lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// The file that keeps what the tools of one attempt print.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    pub(super) fn create(path: PathBuf) -> Result<Self, WayError> {
        let file = File::create(&path).map_err(WayError::io(&path))?;
        Ok(Self { path, file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a program to its end and returns what it wrote to its standard output.
    ///
    /// Its messages are wanted in English and one to a line: some of them are read by boltlab.
    pub(super) fn run(
        &self,
        what: &str,
        command: &mut Command,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Vec<String>, WayError> {
        let fail = |status: String, lines: Vec<String>| {
            WayError::Tool(ToolFailure {
                what: what.to_owned(),
                status,
                lines,
                log: self.path.clone(),
            })
        };
        self.write(&format!("$ {command:?}"))?;
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| fail(format!("not started: {error}"), Vec::new()))?;
        let (sender, receiver) = mpsc::channel();
        if let Some(pipe) = child.stdout.take() {
            forward(pipe, true, sender.clone());
        }
        if let Some(pipe) = child.stderr.take() {
            forward(pipe, false, sender);
        }
        let (mut all, mut output) = (Vec::new(), Vec::new());
        for (is_stdout, line) in receiver {
            on_line(&line);
            // apt's progress for machines comes several times a second.
            if !line.starts_with("dlstatus:") {
                self.write(&line)?;
                all.push(line.clone());
            }
            if is_stdout {
                output.push(line);
            }
        }
        let status = child.wait().map_err(WayError::io(&self.path))?;
        if status.success() { Ok(output) } else { Err(fail(describe(status), telling(all))) }
    }

    fn write(&self, line: &str) -> Result<(), WayError> {
        writeln!(&self.file, "{line}").map_err(WayError::io(&self.path))
    }
}

fn forward(pipe: impl Read + Send + 'static, is_stdout: bool, sender: Sender<(bool, String)>) {
    thread::spawn(move || -> io::Result<()> {
        for line in BufReader::new(pipe).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).trim_end().to_owned();
            if sender.send((is_stdout, line)).is_err() {
                break;
            }
        }
        Ok(())
    });
}

/// The lines that tell why a tool failed: its complaints, or else its last words.
fn telling(lines: Vec<String>) -> Vec<String> {
    let is_complaint = |line: &&String| {
        let line = line.to_lowercase();
        line.starts_with("e: ") || line.contains("error") || line.contains("could not")
    };
    let complaints: Vec<String> = lines.iter().filter(is_complaint).cloned().collect();
    let mut chosen = if complaints.is_empty() { lines } else { complaints };
    chosen.retain(|line| !line.is_empty());
    chosen.split_off(chosen.len().saturating_sub(LINES_SHOWN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::obtain::testing::Machine;

    fn need(name: &'static str, package: Option<&'static str>, state: NeedState) -> Need {
        Need { name, state, package, otherwise: "install Rust" }
    }

    #[test]
    fn remedy_names_only_what_is_missing() {
        let needs = [
            need("cmake", Some("cmake"), NeedState::Absent),
            need("ninja", Some("ninja-build"), NeedState::Present("1.11".into())),
            need("Boost", Some("libboost-dev"), NeedState::Absent),
            need("cargo", None, NeedState::Absent),
        ];
        assert_eq!(remedy(&needs), "apt-get install cmake libboost-dev, and install Rust");
    }

    #[test]
    fn failure_shows_the_complaint_and_names_the_log() {
        let machine = Machine::new();
        let log = Log::create(machine.root().join("some.log")).unwrap();
        let tool = machine.script(
            "bin/tool",
            "echo fine; echo 'E: no such host' >&2; sleep 0.05; echo after; exit 7",
        );
        let error = log.run("the tool", &mut Command::new(tool), &mut |_| ()).unwrap_err();
        let path = machine.root().join("some.log");
        assert_eq!(
            error.to_string(),
            format!("the tool failed (exit status 7), log: {}\n  E: no such host", path.display())
        );
        let logged = std::fs::read_to_string(path).unwrap();
        assert!(logged.contains("fine") && logged.contains("after"), "{logged}");
    }

    #[test]
    fn output_is_returned_without_the_complaints() {
        let machine = Machine::new();
        let log = Log::create(machine.root().join("some.log")).unwrap();
        let tool = machine.script("bin/tool", "echo one; echo two >&2; echo three");
        let output = log.run("the tool", &mut Command::new(tool), &mut |_| ()).unwrap();
        assert_eq!(output, ["one", "three"]);
    }
}

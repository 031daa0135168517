//! A folder with scenarios of its own, and the program run in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A scenario that passes.
pub(crate) const GOOD: &str = r"title: A channel is opened
cast:
  alice: {role: honest, funds: 1 BTC}
  bob: {role: honest}
channels:
  ab: {from: alice, to: bob, capacity: 1_000_000 sat}
steps:
  - open: ab
    say: The two of them meet.
outcome:
  ab.funding: unspent
";

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The scenario that passes, with a change.
#[track_caller]
pub(crate) fn good_but(from: &str, to: &str) -> String {
    let good = good();
    assert!(good.contains(from), "`{from}` is not there");
    good.replacen(from, to, 1)
}

pub(crate) fn good() -> String {
    GOOD.to_owned()
}

/// A scenario that mines until someone ends it.
pub(crate) fn endless() -> String {
    let steps = "  - mine: 10_000 blocks\n".repeat(50);
    good_but("  - open: ab\n    say: The two of them meet.\n", &steps)
        .replace("ab.funding: unspent", "ab.funding: unconfirmed")
}

/// A temporary folder in which the program runs.
pub(crate) struct Place {
    folder: TempDir,
}

/// What a run of the program left.
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("tmp")).expect("a folder for labs");
        Self { folder }
    }

    /// A place with these scenarios.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        for (name, text) in files {
            place.write(name, text);
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        match fs::read_to_string(self.path(name)) {
            Ok(text) => text,
            Err(error) => panic!("{name}: {error}"),
        }
    }

    /// The program, not started yet. Its labs' folders lie in `tmp`.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boltlab"));
        self.prepare(&mut command);
        command.args(arguments);
        command
    }

    /// Has a command run here, and its labs' folders lie in `tmp`.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).env("TMPDIR", self.path("tmp"));
        command.stdin(Stdio::null());
    }

    pub(crate) fn boltlab(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.program(arguments).output().expect("the program"))
    }

    /// Starts the program, and returns when a lab's chain is higher than any but an endless one.
    pub(crate) fn start_until_mining(&self, arguments: &[&str]) -> (Child, PathBuf) {
        let mut command = self.program(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let lab = wait_for("an endless lab", || self.labs().into_iter().find(is_far_ahead));
        (child.expect("the program"), lab)
    }

    /// The folders of labs that are there.
    pub(crate) fn labs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("tmp")).expect("the labs' folder");
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    }

    /// Fails if a lab's folder or a process that knows of this place is left.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        assert_eq!(self.labs(), Vec::<PathBuf>::new(), "a lab's folder is left");
        assert_eq!(self.processes(), Vec::<String>::new(), "a process is left");
    }

    fn processes(&self) -> Vec<String> {
        let mine = self.folder.path().to_string_lossy().into_owned();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let lines = entries.filter_map(|entry| {
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            Some(String::from_utf8_lossy(&line).replace('\0', " "))
        });
        lines.filter(|line| line.contains(&mine)).collect()
    }
}

#[allow(clippy::ptr_arg, reason = "what `find` wants")]
fn is_far_ahead(lab: &PathBuf) -> bool {
    let log = fs::read_to_string(lab.join("regtest/debug.log")).unwrap_or_default();
    log.contains("height=200 ")
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let Output { status, stdout, stderr } = output;
        Self { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Fails unless the program ended so, without a panic, and said all of this.
    #[track_caller]
    pub(crate) fn assert(&self, status: i32, said: &[&str]) {
        let Self { status: found, stdout, stderr } = self;
        let all = format!("--- status {found:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        assert_eq!(*found, Some(status), "{all}");
        assert!(!all.contains("panicked"), "{all}");
        assert!(!all.contains('\x1b'), "colours in a pipe: {all}");
        for words in said {
            assert!(all.contains(words), "`{words}` is missing:\n{all}");
        }
    }
}

/// Waits until something is there.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "another process gives no event to wait for")]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(status.expect("kill").success());
}

//! bitcoind as a process: started under a guard that ends it with the harness, however that ends.
//!
//! The guard is a shell, bitcoind's parent, in a process group of its own (Ctrl-C reaches the
//! harness alone). It waits for the end of its standard input, which the harness holds open and
//! the kernel closes even for a harness that is killed. Only bitcoind keeps the output pipe, so
//! that pipe's end is bitcoind's.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs,
    io::{self, BufRead, BufReader, PipeReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// `$1` is the folder to remove, or empty; the rest is bitcoind's command. The signals are
/// ignored only once bitcoind runs, which would inherit that. The last line ends what a wrapper
/// script may have left of bitcoind in the guard's group, and the guard.
const GUARD: &str = r#"
folder=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
pid=$!
exec </dev/null >/dev/null 2>&1
trap '' HUP INT QUIT TERM
read -r _ <&3
kill -KILL $pid
wait $pid
[ -n "$folder" ] && rm -rf "$folder"
kill -KILL 0
"#;

/// How many lines of output are kept.
const KEPT_LINES: usize = 20;

/// How many lines of bitcoind's log stand in an error: the last ones say why it ended.
const LOG_LINES: usize = 5;

/// How long the output pipe may outlive the guard.
const LAST_GASP: Duration = Duration::from_secs(1);

/// A running bitcoind and its guard. Dropping it kills bitcoind and waits for the guard.
#[derive(Debug)]
pub(super) struct Process {
    guard: Child,
    output: Arc<Output>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Output {
    state: Mutex<OutputState>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct OutputState {
    lines: VecDeque<String>,
    ended: bool,
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drains the pipe, so that bitcoind never blocks on it, until bitcoind ends.
    fn drain(&self, pipe: PipeReader) {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            let mut state = self.lock();
            if state.lines.len() == KEPT_LINES {
                state.lines.pop_front();
            }
            if !text.is_empty() {
                state.lines.push_back(text);
            }
        }
        self.lock().ended = true;
        self.ended.notify_all();
    }
}

impl Process {
    /// Starts a command that ends with the harness; `remove` goes when it has ended.
    ///
    /// # Errors
    ///
    /// When the operating system gives no pipe, process or thread. A command that does not exist
    /// is no error here: it ends at once, and its output says why.
    pub(super) fn spawn(
        command: &[OsString],
        arguments: &[OsString],
        remove: Option<&Path>,
    ) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "boltlab-guard"])
            .arg(remove.unwrap_or(Path::new("")))
            .args(command)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .spawn()?;
        let output = Arc::new(Output::default());
        let mut process = Self { guard, output: Arc::clone(&output), reader: None };
        let thread = thread::Builder::new().name("bitcoind output".into());
        process.reader = Some(thread.spawn(move || output.drain(reader))?);
        Ok(process)
    }

    /// Whether bitcoind has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.output.lock().ended
    }

    /// Waits for bitcoind's end, and tells whether it came in time.
    pub(super) fn ends_within(&self, limit: Duration) -> bool {
        let state = self.output.lock();
        let waited = self.output.ended.wait_timeout_while(state, limit, |state| !state.ended);
        waited.map_or_else(|poisoned| poisoned.into_inner().0.ended, |(state, _)| state.ended)
    }

    /// The last lines that bitcoind printed, the oldest first.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.output.lock().lines.iter().cloned().collect()
    }

    /// Kills bitcoind, and returns when the guard has ended and with it all that it guards.
    pub(super) fn kill(&mut self) {
        drop(self.guard.stdin.take());
        // Nothing is left to be done about a guard that cannot be waited for.
        drop(self.guard.wait());
        // The pipe stays open only if someone killed the guard alone, and left bitcoind running.
        if self.ends_within(LAST_GASP)
            && let Some(reader) = self.reader.take()
        {
            drop(reader.join());
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last lines of a log file; none if it cannot be read.
pub(super) fn last_lines_of(log: &Path) -> Vec<String> {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(|&line| line.to_owned()).collect()
}

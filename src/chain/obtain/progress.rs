//! Telling a person what is going on while a bitcoind is obtained.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the bar moves by itself.
const TICK: Duration = Duration::from_millis(120);

/// Hears how far obtaining has come.
pub trait Progress: Send + Sync {
    /// A new stage begins; `total` is what [`Progress::advance`] counts up to, if that is known.
    fn stage(&self, what: &str, total: Option<u64>);
    /// So much of the stage is done.
    fn advance(&self, done: u64);
    /// It is over, well or not.
    fn finish(&self);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64) {}
    fn finish(&self) {}
}

/// A bar on standard error.
#[derive(Debug, Default)]
pub struct Bar {
    bar: Mutex<Option<ProgressBar>>,
}

impl Bar {
    fn replace(&self, next: Option<ProgressBar>) {
        if let Ok(mut bar) = self.bar.lock()
            && let Some(last) = std::mem::replace(&mut *bar, next)
        {
            last.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn stage(&self, what: &str, total: Option<u64>) {
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{msg} [{bar:30}] {percent}% {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
        };
        // A template that does not parse leaves indicatif's own style.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(TICK);
        self.replace(Some(bar));
    }

    fn advance(&self, done: u64) {
        if let Ok(bar) = self.bar.lock()
            && let Some(bar) = bar.as_ref()
        {
            bar.set_position(done);
        }
    }

    fn finish(&self) {
        self.replace(None);
    }
}

/// Plain lines, for logs: one a stage, and one for each tenth of a long one.
pub struct Lines<F> {
    say: F,
    stage: Mutex<Stage>,
}

#[derive(Default)]
struct Stage {
    what: String,
    total: Option<u64>,
    tenths: u64,
}

impl<F: Fn(&str) + Send + Sync> Lines<F> {
    /// Hands each line to `say`.
    pub fn new(say: F) -> Self {
        Self { say, stage: Mutex::default() }
    }
}

impl<F: Fn(&str) + Send + Sync> Progress for Lines<F> {
    fn stage(&self, what: &str, total: Option<u64>) {
        (self.say)(what);
        if let Ok(mut stage) = self.stage.lock() {
            *stage = Stage { what: what.to_owned(), total, tenths: 0 };
        }
    }

    fn advance(&self, done: u64) {
        let Ok(mut stage) = self.stage.lock() else { return };
        let Some(total) = stage.total.filter(|&total| total >= 10) else { return };
        let tenths = done.saturating_mul(10) / total;
        if tenths > stage.tenths {
            stage.tenths = tenths;
            (self.say)(&format!("{}: {}%", stage.what, tenths * 10));
        }
    }

    fn finish(&self) {}
}

/// A bar if standard error is a terminal, plain lines on it if not.
pub fn at_terminal() -> Box<dyn Progress> {
    if io::stderr().is_terminal() {
        Box::new(Bar::default())
    } else {
        Box::new(Lines::new(|line: &str| eprintln!("boltlab: {line}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn lines_are_one_a_stage_and_one_a_tenth() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let lines = Lines::new({
            let said = Arc::clone(&said);
            move |line: &str| said.lock().unwrap().push(line.to_owned())
        });
        lines.stage("building", Some(200));
        for done in 0..=60 {
            lines.advance(done);
        }
        lines.stage("copying", None);
        lines.advance(9);
        assert_eq!(
            *said.lock().unwrap(),
            ["building", "building: 10%", "building: 20%", "building: 30%", "copying"]
        );
    }
}

//! The report at the terminal: a line a scenario, the story of what failed, a summary.

use std::io::{self, Write};
use std::time::Duration;

use super::results::{Summary, Verdict};
use super::style::{BAD, FAINT, GOOD, STRONG, UNSURE, styled};
use super::{Case, excerpt, story};
use crate::trace::Problem;

/// The report at the terminal.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Whether the story of every scenario is told, not only of those that failed.
    verbose: bool,
    /// Whether an empty line, or nothing at all, was written last.
    apart: bool,
}

impl Terminal {
    /// A report that has not begun.
    pub const fn new(verbose: bool) -> Self {
        Self { verbose, apart: true }
    }

    /// Writes one scenario: a line if it passed, its story too if it did not.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn case(&mut self, out: &mut dyn Write, case: &Case) -> io::Result<()> {
        let passed = matches!(case.entry.verdict, Verdict::Pass | Verdict::Warn | Verdict::Skip);
        let has_story = !case.trace.entries.is_empty();
        let tells = has_story && (self.verbose || case.entry.verdict == Verdict::Fail);
        if (tells || !passed) && !self.apart {
            writeln!(out)?;
        }
        line(out, case)?;
        for text in case.notes.iter().flat_map(|note| note.lines()) {
            writeln!(out, "    {text}")?;
        }
        if tells {
            story::write(out, &case.trace, story::Problems::Below)?;
        }
        if self.verbose && passed {
            for taking in &case.takings {
                writeln!(out, "        {taking}")?;
            }
        }
        if !passed {
            if tells {
                writeln!(out)?;
            }
            problems(out, case)?;
        }
        self.apart = tells || !passed;
        if self.apart { writeln!(out) } else { Ok(()) }
    }

    /// Writes the summary.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn totals(&mut self, out: &mut dyn Write, totals: &Totals) -> io::Result<()> {
        if !self.apart {
            writeln!(out)?;
        }
        write_totals(out, totals)
    }
}

fn line(out: &mut dyn Write, case: &Case) -> io::Result<()> {
    let entry = &case.entry;
    let (style, mark) = match entry.verdict {
        Verdict::Pass => (GOOD, "✓"),
        Verdict::Warn => (UNSURE, "!"),
        Verdict::Fail => (BAD, "✗"),
        Verdict::Skip => (FAINT, "-"),
        Verdict::Inconclusive => (UNSURE, "?"),
    };
    write!(out, "{} {}", styled(style, mark), styled(STRONG, &entry.id))?;
    if !entry.title.is_empty() {
        write!(out, "  {}", entry.title)?;
    }
    let mut facts = Vec::new();
    if !case.duration.is_zero() {
        facts.push(seconds(case.duration));
    }
    if entry.outputs > 0 {
        facts.push(story::counted(u64::try_from(entry.outputs).unwrap_or(u64::MAX), "output"));
    }
    if facts.is_empty() {
        return writeln!(out);
    }
    writeln!(out, "  {}", styled(FAINT, format!("({})", facts.join(", "))))
}

fn problems(out: &mut dyn Write, case: &Case) -> io::Result<()> {
    for problem in &case.problems {
        excerpt::write(out, "    ", &case.entry.file, &case.source, problem)?;
    }
    if case.problems.is_empty()
        && let Some(reason) = &case.entry.reason
    {
        for text in reason.lines() {
            writeln!(out, "    {text}")?;
        }
    }
    Ok(())
}

/// What the last lines tell.
#[derive(Clone, Debug)]
pub struct Totals {
    /// How many came out how.
    pub summary: Summary,
    /// The suite's wall time.
    pub wall: Duration,
    /// The sum of the labs' durations.
    pub labs: Duration,
    /// How much of that was spent waiting for bitcoind.
    pub waited: Duration,
    /// Which bitcoind ran; `None` if none was needed.
    pub bitcoind: Option<String>,
    /// How many did not run, since the user ended the suite.
    pub not_run: usize,
}

fn write_totals(out: &mut dyn Write, totals: &Totals) -> io::Result<()> {
    let Summary { pass, warn, fail, skip, inconclusive } = totals.summary;
    let mut parts = Vec::new();
    let mut part = |count: usize, style, word: &str| {
        if count > 0 {
            parts.push(styled(style, format!("{count} {word}")).to_string());
        }
    };
    part(pass, GOOD, "passed");
    part(warn, UNSURE, "passed with warnings");
    part(fail, BAD, "failed");
    part(skip, FAINT, "skipped");
    part(inconclusive, UNSURE, "inconclusive");
    part(totals.not_run, UNSURE, "not run");
    if parts.is_empty() {
        parts.push("nothing to run".to_owned());
    }
    write!(out, "{} in {}", parts.join(", "), seconds(totals.wall))?;
    if !totals.labs.is_zero() {
        let percent = totals.waited.as_millis() * 100 / totals.labs.as_millis().max(1);
        write!(out, "; of the labs' time, {percent}% was waiting for bitcoind")?;
    }
    writeln!(out)?;
    match &totals.bitcoind {
        Some(bitcoind) => writeln!(out, "{}", styled(FAINT, bitcoind)),
        None => Ok(()),
    }
}

/// A duration for people.
fn seconds(duration: Duration) -> String {
    let hundredths = duration.as_millis() / 10;
    if hundredths < 1000 {
        format!("{}.{:02} s", hundredths / 100, hundredths % 100)
    } else {
        format!("{}.{} s", hundredths / 100, hundredths % 100 / 10)
    }
}

/// The first problem in one line, for `reason`.
pub fn reason(problems: &[Problem]) -> Option<String> {
    problems.first().map(|problem| match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("{line}:{column}: {}", problem.message),
        _ => problem.message.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::results::ResultEntry;
    use crate::trace::Trace;

    fn case(id: &str, verdict: Verdict, reason: Option<&str>) -> Case {
        let passed = verdict == Verdict::Pass;
        let entry = ResultEntry {
            id: id.to_owned(),
            file: format!("specs/{id}.yaml"),
            title: format!("What {id} shows"),
            roles: std::collections::BTreeMap::new(),
            verdict,
            reason: reason.map(str::to_owned),
            duration_ms: 240,
            checks: 3,
            outputs: usize::from(passed),
            trace: None,
        };
        let problem =
            Problem { line: Some(2), column: Some(7), message: "there is no b".to_owned() };
        Case {
            entry,
            trace: Trace::default(),
            source: "title: x\nsteps: [a, b]\n".into(),
            problems: if verdict == Verdict::Fail { vec![problem] } else { Vec::new() },
            takings: vec!["bob took 5 sat out of ab".to_owned()],
            notes: if passed { vec!["bitcoind's folder: /tmp/x".to_owned()] } else { Vec::new() },
            duration: Duration::from_millis(240),
            waited: Duration::from_millis(200),
        }
    }

    fn report(verbose: bool) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        let mut terminal = Terminal::new(verbose);
        terminal.case(&mut out, &case("a/one", Verdict::Pass, None)).unwrap();
        terminal.case(&mut out, &case("a/two", Verdict::Fail, Some("2:7: there is no b"))).unwrap();
        terminal.case(&mut out, &case("b", Verdict::Inconclusive, Some("ill\nvery"))).unwrap();
        let summary = Summary { pass: 1, fail: 1, inconclusive: 1, ..Summary::default() };
        let totals = Totals {
            summary,
            wall: Duration::from_millis(12_340),
            labs: Duration::from_millis(720),
            waited: Duration::from_millis(600),
            bitcoind: Some("Bitcoin Core v31".to_owned()),
            not_run: 2,
        };
        terminal.totals(&mut out, &totals).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn quiet_report_is_a_line_for_what_passed() {
        insta::assert_snapshot!(report(false));
    }

    #[test]
    fn verbose_report_tells_who_took_what() {
        assert!(report(true).contains("bob took 5 sat out of ab"));
    }

    #[test]
    fn nothing_at_all_is_said_so() {
        let mut out = anstream::StripStream::new(Vec::new());
        let totals = Totals {
            summary: Summary::default(),
            wall: Duration::from_millis(5),
            labs: Duration::ZERO,
            waited: Duration::ZERO,
            bitcoind: None,
            not_run: 0,
        };
        Terminal::new(false).totals(&mut out, &totals).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        assert_eq!(text, "nothing to run in 0.00 s\n");
    }
}

//! Results in the formats that programs read: boltlab's own JSON (versioned and stable), and
//! JUnit's XML.

use std::{collections::BTreeMap, io, time::Duration};

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

/// The version of the JSON format; a field that is added does not change it.
const VERSION: u32 = 1;

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything held.
    Pass,
    /// A SHOULD was broken.
    Warn,
    /// Something that must hold did not.
    Fail,
    /// A feature is missing.
    Skip,
    /// The lab itself failed; never a target's fault.
    Inconclusive,
}

/// The result of one scenario or vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResultEntry {
    /// The stable id.
    pub id: String,
    /// The file that it stands in.
    pub file: String,
    /// What it is about, in a line.
    pub title: String,
    /// Who played each role.
    pub roles: BTreeMap<String, String>,
    /// What became of it.
    pub verdict: Verdict,
    /// Why it did not pass.
    pub reason: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How many facts were checked.
    pub checks: usize,
    /// How many outputs on chain were accounted for.
    pub outputs: usize,
    /// The file with its trace.
    pub trace: Option<String>,
}

/// How many results there are of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// [`Verdict::Pass`].
    pub pass: usize,
    /// [`Verdict::Warn`].
    pub warn: usize,
    /// [`Verdict::Fail`].
    pub fail: usize,
    /// [`Verdict::Skip`].
    pub skip: usize,
    /// [`Verdict::Inconclusive`].
    pub inconclusive: usize,
}

impl Summary {
    /// Counts verdicts.
    pub fn of(results: &[ResultEntry]) -> Self {
        let mut summary = Self::default();
        for result in results {
            *match result.verdict {
                Verdict::Pass => &mut summary.pass,
                Verdict::Warn => &mut summary.warn,
                Verdict::Fail => &mut summary.fail,
                Verdict::Skip => &mut summary.skip,
                Verdict::Inconclusive => &mut summary.inconclusive,
            } += 1;
        }
        summary
    }
}

/// Writes the results as JSON, with a line's end.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_json(results: &[ResultEntry], mut out: impl io::Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        version: u32,
        results: &'a [ResultEntry],
        summary: Summary,
    }
    let document = Document { version: VERSION, results, summary: Summary::of(results) };
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)?;
    out.flush()
}

/// The results as JUnit has them: a suite for each file. A warning passes, with its reason as
/// output; what is inconclusive is an error.
pub fn junit(results: &[ResultEntry]) -> quick_junit::Report {
    let mut files: Vec<&str> = Vec::new();
    for result in results {
        if !files.contains(&result.file.as_str()) {
            files.push(&result.file);
        }
    }
    let mut report = quick_junit::Report::new("boltlab");
    let total = results.iter().map(|result| result.duration_ms).sum();
    report.set_time(Duration::from_millis(total));
    for file in files {
        let mut suite = TestSuite::new(file);
        let of_file = || results.iter().filter(|result| result.file == file);
        let total = of_file().map(|result| result.duration_ms).sum();
        suite.set_time(Duration::from_millis(total));
        suite.add_test_cases(of_file().map(test_case));
        report.add_test_suite(suite);
    }
    report
}

fn test_case(result: &ResultEntry) -> TestCase {
    let mut status = match result.verdict {
        Verdict::Pass | Verdict::Warn => TestCaseStatus::success(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Skip => TestCaseStatus::skipped(),
        Verdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let reason = result.reason.as_deref().unwrap_or_default();
    // A message is an attribute, which keeps no line ends.
    status.set_message(reason.lines().next().unwrap_or_default());
    status.set_description(reason);
    let mut case = TestCase::new(result.id.as_str(), status);
    case.set_classname(result.file.as_str());
    case.set_assertions(result.checks);
    case.set_time(Duration::from_millis(result.duration_ms));
    if result.verdict == Verdict::Warn {
        case.set_system_out(reason);
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(id: &str, file: &str, verdict: Verdict, reason: Option<&str>) -> ResultEntry {
        ResultEntry {
            id: id.into(),
            file: file.into(),
            title: "a title".into(),
            roles: BTreeMap::from([("alice".into(), "reference".into())]),
            verdict,
            reason: reason.map(Into::into),
            duration_ms: 7,
            checks: 3,
            outputs: 2,
            trace: None,
        }
    }

    fn results() -> Vec<ResultEntry> {
        vec![
            result("a/one", "a.json", Verdict::Pass, None),
            result("b/two", "b.json", Verdict::Fail, Some("first line\nsecond < line")),
            result("a/three", "a.json", Verdict::Warn, Some("a SHOULD")),
            result("b/four", "b.json", Verdict::Skip, Some("no feature")),
            result("b/five", "b.json", Verdict::Inconclusive, Some("bitcoind died")),
        ]
    }

    #[test]
    fn json_is_stable() {
        let mut out = Vec::new();
        write_json(&results()[1..2], &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn every_verdict_is_counted() {
        let summary = Summary { pass: 1, warn: 1, fail: 1, skip: 1, inconclusive: 1 };
        assert_eq!(Summary::of(&results()), summary);
    }

    #[test]
    fn junit_has_a_suite_for_each_file() {
        insta::assert_snapshot!(junit(&results()).to_string().unwrap());
    }
}

//! Results as programs read them: the JSON of `--json` and the JUnit XML of `--junit`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::{Deserialize, Serialize};

/// The version of the JSON format; it grows only when a reader would notice.
const VERSION: u32 = 1;

/// How a scenario or a vector came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All held.
    Pass,
    /// A SHOULD was broken.
    Warn,
    /// Something did not hold.
    Fail,
    /// A feature is missing.
    Skip,
    /// The lab itself failed, or its input is wrong.
    Inconclusive,
}

/// One scenario or vector and how it came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultEntry {
    /// Names it within the suite.
    pub id: String,
    /// The file it stands in.
    pub file: String,
    /// What it shows, in one sentence.
    pub title: String,
    /// Who played each role.
    pub roles: BTreeMap<String, String>,
    /// How it came out.
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub reason: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
    /// How many expectations were checked.
    pub checks: usize,
    /// How many outputs on chain were accounted for.
    pub outputs: usize,
    /// The file with its trace, if one was written.
    pub trace: Option<String>,
}

/// How many came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How many passed.
    pub pass: usize,
    /// How many broke a SHOULD.
    pub warn: usize,
    /// How many failed.
    pub fail: usize,
    /// How many were skipped.
    pub skip: usize,
    /// How many said nothing, since the lab failed.
    pub inconclusive: usize,
}

impl Summary {
    /// Counts the verdicts.
    pub fn of(results: &[ResultEntry]) -> Self {
        let count = |verdict| results.iter().filter(|entry| entry.verdict == verdict).count();
        Self {
            pass: count(Verdict::Pass),
            warn: count(Verdict::Warn),
            fail: count(Verdict::Fail),
            skip: count(Verdict::Skip),
            inconclusive: count(Verdict::Inconclusive),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    results: &'a [ResultEntry],
    summary: Summary,
}

/// Writes results as one JSON document.
///
/// # Errors
/// Those of `out`.
pub fn write_json(results: &[ResultEntry], mut out: impl Write) -> io::Result<()> {
    let document = Document { version: VERSION, results, summary: Summary::of(results) };
    serde_json::to_writer_pretty(&mut out, &document)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The results as JUnit XML.
pub fn junit(results: &[ResultEntry]) -> quick_junit::Report {
    let mut suite = TestSuite::new("boltlab");
    for entry in results {
        suite.add_test_case(test_case(entry));
    }
    let time = results.iter().map(|entry| Duration::from_millis(entry.duration_ms)).sum();
    suite.set_time(time);
    let mut report = quick_junit::Report::new("boltlab");
    report.set_time(time);
    report.add_test_suite(suite);
    report
}

fn test_case(entry: &ResultEntry) -> TestCase {
    let mut status = match entry.verdict {
        Verdict::Pass | Verdict::Warn => TestCaseStatus::success(),
        Verdict::Skip => TestCaseStatus::skipped(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if let Some(reason) = &entry.reason {
        status.set_message(reason.lines().next().unwrap_or_default());
        status.set_description(reason.as_str());
    }
    let mut case = TestCase::new(entry.id.as_str(), status);
    case.set_classname("boltlab").set_time(Duration::from_millis(entry.duration_ms));
    case.set_assertions(entry.checks);
    case.extra.insert("file".into(), entry.file.as_str().into());
    case
}

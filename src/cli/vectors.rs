//! `boltlab vectors`: replays test vectors.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use crate::report::results::{ResultEntry, Verdict, junit, write_json};
use crate::vector::{self, Vector};

/// Something failed.
const FAILED: u8 = 1;

/// The input or the environment is wrong.
const UNUSABLE: u8 = 2;

/// Replays the vectors of these files and folders (`vectors/` if there is none), reports to
/// standard output, and writes the results to the given files. The status is 0 if all vectors
/// hold, 1 if one does not, 2 if the input cannot be read or the results cannot be written.
pub fn vectors(paths: &[PathBuf], json: Option<&Path>, junit: Option<&Path>) -> ExitCode {
    match run(paths, json, junit, &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) => {
            // Nobody is left to tell if standard error is gone as well.
            drop(writeln!(io::stderr(), "boltlab: {error}"));
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Whether all vectors hold.
fn run(
    paths: &[PathBuf],
    json: Option<&Path>,
    junit_file: Option<&Path>,
    out: &mut impl Write,
) -> Result<bool, String> {
    let vectors = vector::discover(paths).map_err(|error| error.to_string())?;
    let results: Vec<ResultEntry> = vectors.iter().map(replay).collect();
    match print(&results, out) {
        // Whoever read the output has seen enough (`boltlab vectors | head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        printed => printed.map_err(|error| format!("write to standard output: {error}"))?,
    }
    let io =
        |path: &Path, error: &dyn std::fmt::Display| format!("write {}: {error}", path.display());
    if let Some(path) = json {
        let file = File::create(path).map(BufWriter::new).map_err(|error| io(path, &error))?;
        write_json(&results, file).map_err(|error| io(path, &error))?;
    }
    if let Some(path) = junit_file {
        let file = File::create(path).map(BufWriter::new).map_err(|error| io(path, &error))?;
        junit(&results).serialize(file).map_err(|error| io(path, &error))?;
    }
    Ok(results.iter().all(|result| result.verdict == Verdict::Pass))
}

#[allow(clippy::disallowed_methods, reason = "the report says how long a replay took")]
fn replay(vector: &Vector) -> ResultEntry {
    let since = Instant::now();
    let (verdict, checks, reason) = match vector::replay(vector) {
        Ok(report) => (Verdict::Pass, report.checks, None),
        Err(failure) => (Verdict::Fail, failure.checks, Some(failure.to_string())),
    };
    ResultEntry {
        id: vector.id.clone(),
        file: vector.file.display().to_string(),
        title: vector.comment.clone(),
        roles: BTreeMap::new(),
        verdict,
        reason,
        duration_ms: since.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
        checks,
        outputs: 0,
        trace: None,
    }
}

/// A line for each file, the failures in full, and a summary.
fn print(results: &[ResultEntry], out: &mut impl Write) -> io::Result<()> {
    for of_file in results.chunk_by(|one, other| one.file == other.file) {
        let passed = of_file.iter().filter(|result| result.verdict == Verdict::Pass).count();
        let checks: usize = of_file.iter().map(|result| result.checks).sum();
        let (mark, total) = (if passed == of_file.len() { "ok  " } else { "FAIL" }, of_file.len());
        let file = &of_file[0].file;
        writeln!(out, "{mark} {file}: {passed} of {total} vectors, {checks} checks")?;
    }
    let failed = results.iter().filter(|result| result.verdict != Verdict::Pass);
    for result in failed.clone() {
        writeln!(out, "\n{}: {}", result.id, result.title)?;
        for line in result.reason.iter().flat_map(|reason| reason.lines()) {
            writeln!(out, "  {line}")?;
        }
    }
    let (total, failed) = (results.len(), failed.count());
    let checks: usize = results.iter().map(|result| result.checks).sum();
    writeln!(
        out,
        "\n{total} vectors: {} passed, {failed} failed; {checks} checks",
        total - failed
    )?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const WEIGHTS: &str = include_str!("../../vectors/bolt03/weights.json");

    /// A folder with one file, right or wrong.
    fn folder(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("weights.json"), text).unwrap();
        folder
    }

    fn run_in(folder: &Path) -> (Result<bool, String>, String) {
        let mut out = Vec::new();
        let (json, junit) = (folder.join("results"), folder.join("junit.xml"));
        let result = run(&[folder.into()], Some(&json), Some(&junit), &mut out);
        let text = String::from_utf8(out).unwrap().replace(&*folder.to_string_lossy(), "FOLDER");
        (result, text)
    }

    #[test]
    fn all_hold() {
        let folder = folder(WEIGHTS);
        let (result, text) = run_in(folder.path());
        assert_eq!(result, Ok(true));
        insta::assert_snapshot!(text, @r#"
        ok   FOLDER/weights.json: 14 of 14 vectors, 56 checks

        14 vectors: 14 passed, 0 failed; 56 checks
        "#);
        let json = fs::read_to_string(folder.path().join("results")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["summary"]["pass"], 14);
        assert_eq!(json["results"][0]["id"], "bolt03/weights/commitment-static-remotekey-0-htlcs");
        assert_eq!(json["results"][0]["verdict"], "pass");
        let junit = fs::read_to_string(folder.path().join("junit.xml")).unwrap();
        assert!(junit.contains(r#"tests="14" skipped="0" failures="0" errors="0""#), "{junit}");
    }

    #[test]
    fn one_does_not_hold() {
        let folder = folder(&WEIGHTS.replacen("666", "667", 1));
        let (result, text) = run_in(folder.path());
        assert_eq!(result, Ok(false));
        insta::assert_snapshot!(text, @r#"
        FAIL FOLDER/weights.json: 13 of 14 vectors, 56 checks

        bolt03/weights/htlc-timeout-anchors: An HTLC-timeout transaction
          1 of 4 values differ
          expected.weight
            expected 667
            actual   666

        14 vectors: 13 passed, 1 failed; 56 checks
        "#);
        let junit = fs::read_to_string(folder.path().join("junit.xml")).unwrap();
        assert!(junit.contains(r#"tests="14" skipped="0" failures="1" errors="0""#), "{junit}");
    }

    #[test]
    fn input_or_output_that_cannot_be_used() {
        let folder = folder("{");
        let (result, text) = run_in(folder.path());
        assert!(result.unwrap_err().contains("weights.json:1:1"));
        assert_eq!(text, "");
        let nowhere = folder.path().join("missing/results");
        fs::write(folder.path().join("weights.json"), WEIGHTS).unwrap();
        let result = run(&[folder.path().into()], Some(&nowhere), None, &mut Vec::new());
        assert!(result.unwrap_err().starts_with("write "));
    }
}

//! From a file, or its text, to a scenario.

use std::{fs::File, io::Read as _, path::Path};

use super::{
    decode,
    error::{Mistake, Problem, ScenarioError},
    model::{Position, Scenario},
    validate, yaml,
};

/// The greatest size of a file, in bytes.
pub const SIZE_LIMIT: u64 = 1024 * 1024;

/// How a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// Whether a scenario may have no outcome, since one will be written into it (`--bless`).
    pub allow_missing_outcome: bool,
}

/// Reads a scenario that must be whole.
///
/// # Errors
///
/// All that is wrong with the file, from its encoding to the sense of its steps.
pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
    load_with(path, ParseOptions::default())
}

/// Reads a scenario.
///
/// # Errors
///
/// All that is wrong with the file, from its encoding to the sense of its steps.
pub fn load_with(path: &Path, options: ParseOptions) -> Result<Scenario, ScenarioError> {
    let bytes = read(path)?;
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
    parse(path, &text, options)
}

/// Reads a scenario from the text of its file.
///
/// # Errors
///
/// All that is wrong with the text.
pub fn parse(file: &Path, text: &str, options: ParseOptions) -> Result<Scenario, ScenarioError> {
    let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
    if size > SIZE_LIMIT {
        let mistake = Mistake::TooLarge { size, limit: SIZE_LIMIT };
        return Err(ScenarioError::whole_file(file, mistake));
    }
    let tree = match yaml::read(text) {
        Ok(tree) => tree,
        Err(problem) => return Err(ScenarioError::new(file, text, vec![*problem])),
    };
    let mut draft = decode::decode(file, text, &tree);
    validate::validate(&mut draft);
    if options.allow_missing_outcome {
        draft.problems.retain(|problem| problem.mistake != Mistake::MissingOutcome);
    }
    if draft.problems.is_empty() {
        Ok(draft.scenario)
    } else {
        Err(ScenarioError::new(file, text, draft.problems))
    }
}

/// Reads a file, but never more than the limit, whatever it says of its size.
fn read(path: &Path) -> Result<Vec<u8>, ScenarioError> {
    let unreadable = |error: std::io::Error| {
        ScenarioError::whole_file(path, Mistake::Unreadable { reason: reason(&error) })
    };
    // Opening a named pipe or a device could wait for ever.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        let reason = if metadata.is_dir() { "it is a folder" } else { "it is no ordinary file" };
        let mistake = Mistake::Unreadable { reason: reason.to_owned() };
        return Err(ScenarioError::whole_file(path, mistake));
    }
    let mut bytes = Vec::new();
    let mut limited = File::open(path).map_err(unreadable)?.take(SIZE_LIMIT + 1);
    limited.read_to_end(&mut bytes).map_err(unreadable)?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > SIZE_LIMIT {
        let mistake = Mistake::TooLarge { size: metadata.len().max(size), limit: SIZE_LIMIT };
        return Err(ScenarioError::whole_file(path, mistake));
    }
    Ok(bytes)
}

/// What the operating system says, without its error number.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// Points to the first byte that is no text.
fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> ScenarioError {
    let valid = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes());
    let before = text.get(..valid).unwrap_or_default();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let position = Position { line: number(line), column: number(column), width: 1 };
    let problem = Problem { position: Some(position), mistake: Mistake::NotUtf8, line: None };
    ScenarioError::new(path, &text, vec![problem])
}

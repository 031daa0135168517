//! What a person reads when a file is wrong: place, line, caret, reason, remedy.

use std::{
    fmt,
    path::{Path, PathBuf},
};

pub use super::mistake::{Mistake, NetworkMistake};
use super::model::Position;

/// The longest part of a line that is shown, in characters.
const SHOWN_WIDTH: usize = 96;
/// The longest message that is shown, in characters.
const MESSAGE_WIDTH: usize = 240;
/// How many problems of one file are shown; the rest are counted.
const SHOWN_PROBLEMS: usize = 20;

/// One file and all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The problems, in the order of their positions. There is at least one.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where; `None` if it concerns the file as a whole.
    pub position: Option<Position>,
    /// What.
    pub mistake: Mistake,
    /// The line that it stands in, without its end, if it is one of the first problems.
    pub line: Option<String>,
    /// In which instances of the file it is wrong, if it is not in all: the first one, as in
    /// `anchors/alice`, and how many more.
    pub only_in: Option<String>,
}

impl ScenarioError {
    /// Sorts the problems, and gives those their lines that will be shown: a copy for each of
    /// thousands in one long line would be as many times the file.
    pub(super) fn new(file: &Path, source: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.position);
        problems.dedup();
        for problem in problems.iter_mut().take(SHOWN_PROBLEMS) {
            problem.line = problem.position.and_then(|position| {
                let index = usize::try_from(position.line).ok()?.checked_sub(1)?;
                source.lines().nth(index).map(str::to_owned)
            });
        }
        Self { file: file.to_owned(), problems }
    }

    /// An error that concerns the file as a whole.
    pub(super) fn whole_file(file: &Path, mistake: Mistake) -> Self {
        let problem = Problem { position: None, mistake, line: None, only_in: None };
        Self { file: file.to_owned(), problems: vec![problem] }
    }
}

impl std::error::Error for ScenarioError {}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().take(SHOWN_PROBLEMS).enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            problem.show(f, &self.file)?;
        }
        match self.problems.len().saturating_sub(SHOWN_PROBLEMS) {
            0 => Ok(()),
            rest => write!(f, "\n\n{}: and {rest} more", self.file.display()),
        }
    }
}

impl Problem {
    /// What is wrong at a position.
    pub(super) const fn new(position: Position, mistake: Mistake) -> Self {
        Self { position: Some(position), mistake, line: None, only_in: None }
    }

    fn show(&self, f: &mut fmt::Formatter<'_>, file: &Path) -> fmt::Result {
        let mut message = clipped(&self.mistake.to_string());
        if let Some(instances) = &self.only_in {
            message = format!("{message} (in {instances})");
        }
        let help = self.mistake.help().map(|help| clipped(&help));
        let Some(position) = self.position else {
            write!(f, "{}: {message}", file.display())?;
            return match help {
                Some(help) => write!(f, "\n  = {help}"),
                None => Ok(()),
            };
        };
        write!(f, "{}:{position}: {message}", file.display())?;
        let help = help.unwrap_or_default();
        let Some(line) = &self.line else { return Ok(()) };
        let (shown, before, width) = window(line, position);
        let number = position.line.to_string();
        let gutter = " ".repeat(number.len());
        let carets = format!("{}{}", " ".repeat(before), "^".repeat(width));
        write!(f, "\n  {number} | {shown}")?;
        write!(f, "\n  {gutter} | {}", format!("{carets} {help}").trim_end())
    }
}

/// A text that may quote the file, not longer than a person reads, and harmless to a terminal.
fn clipped(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut chars = text.chars().map(printable);
    let mut shown: String = chars.by_ref().take(MESSAGE_WIDTH).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// The part of the line around the position, how many characters stand before the caret, and how
/// many carets there are.
fn window(line: &str, position: Position) -> (String, usize, usize) {
    // A tab or an escape sequence would move the caret, or the reader's terminal.
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let chars: Vec<char> = line.trim_end().chars().map(printable).collect();
    let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let column = number(position.column).saturating_sub(1).min(chars.len());
    let width = number(position.width).min(chars.len().saturating_sub(column)).max(1);
    if chars.len() <= SHOWN_WIDTH {
        return (chars.into_iter().collect(), column, width);
    }
    let start = column.saturating_sub(SHOWN_WIDTH / 2).min(chars.len() - SHOWN_WIDTH);
    let end = start + SHOWN_WIDTH;
    let mut shown = String::from(if start > 0 { "…" } else { "" });
    shown.extend(chars.get(start..end).unwrap_or_default());
    shown.push_str(if end < chars.len() { "…" } else { "" });
    let before = column - start + usize::from(start > 0);
    (shown, before, width.min(end - column).max(1))
}

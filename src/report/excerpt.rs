//! A problem as a compiler shows it: place, line, caret, what was expected, what was there.

use std::io::{self, Write};

use super::style::{BAD, FAINT, STRONG, styled};
use crate::trace::Problem;

/// The longest part of a line that is shown, in characters.
const SHOWN_WIDTH: usize = 100;

/// Writes a problem, each line of it indented.
///
/// # Errors
/// Those of `out`.
pub fn write(
    out: &mut dyn Write,
    indent: &str,
    file: &str,
    source: &str,
    problem: &Problem,
) -> io::Result<()> {
    let mut message = problem.message.lines();
    let first = message.next().unwrap_or_default();
    let place = match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        (Some(line), None) => format!("{file}:{line}"),
        (None, _) => file.to_owned(),
    };
    writeln!(out, "{indent}{}: {}", styled(STRONG, place), styled(BAD, first))?;
    let number = problem.line.map(|line| line.to_string()).unwrap_or_default();
    let gutter = " ".repeat(number.len());
    if let Some(line) = problem.line.and_then(|line| line_of(source, line)) {
        let (shown, before, width) = window(line, problem.column);
        let bar = styled(FAINT, "|");
        writeln!(out, "{indent}  {} {bar} {shown}", styled(FAINT, &number))?;
        if let Some(width) = width {
            let carets = format!("{}{}", " ".repeat(before), styled(BAD, "^".repeat(width)));
            writeln!(out, "{indent}  {gutter} {bar} {carets}")?;
        }
    }
    for (index, line) in message.enumerate() {
        let lead = if index == 0 { "=" } else { " " };
        writeln!(out, "{indent}  {gutter} {} {line}", styled(FAINT, lead))?;
    }
    Ok(())
}

fn line_of(source: &str, number: u32) -> Option<&str> {
    source.lines().nth(usize::try_from(number).ok()?.checked_sub(1)?)
}

/// The part of the line around the column, how many characters stand before the caret, and how
/// many carets there are; no carets without a column.
fn window(line: &str, column: Option<u32>) -> (String, usize, Option<usize>) {
    // A tab or an escape sequence would move the caret, or the reader's terminal.
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let chars: Vec<char> = line.trim_end().chars().map(printable).collect();
    let column = column.and_then(|column| usize::try_from(column).ok());
    let at = column.unwrap_or(1).saturating_sub(1).min(chars.len());
    let width = value_width(chars.get(at..).unwrap_or_default());
    let start = if chars.len() <= SHOWN_WIDTH {
        0
    } else {
        at.saturating_sub(SHOWN_WIDTH / 2).min(chars.len() - SHOWN_WIDTH)
    };
    let end = chars.len().min(start + SHOWN_WIDTH);
    let mut shown = String::from(if start > 0 { "…" } else { "" });
    shown.extend(chars.get(start..end).unwrap_or_default());
    shown.push_str(if end < chars.len() { "…" } else { "" });
    let before = at - start + usize::from(start > 0);
    (shown, before, column.map(|_| width.min(end.saturating_sub(at)).max(1)))
}

/// How many characters the YAML value has that starts here: a whole `{…}` or `[…]`, else up to
/// what ends a plain value.
fn value_width(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    for (index, c) in rest.iter().enumerate() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' if depth == 0 => return index,
            '}' | ']' if depth == 1 => return index + 1,
            '}' | ']' => depth -= 1,
            ',' | ':' | '#' if depth == 0 => {
                let before: String = rest.iter().take(index).collect();
                return before.trim_end().chars().count();
            }
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str, line: u32, column: u32, message: &str) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        let (line, column) = (Some(line), Some(column));
        let problem = Problem { line, column, message: message.to_owned() };
        write(&mut out, "  ", "specs/x.yaml", source, &problem).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn caret_stands_below_the_value() {
        let source = "steps:\n  - mine: 1 block # so\noutcome:\n  balances: {alice: 1 sat, bob: 2_000 sat}\n";
        let texts = [
            shown(source, 4, 33, "bob has 1,999 sat"),
            shown(source, 2, 11, "expected: a\nfound: b\nc"),
            shown(source, 4, 13, "all of it"),
            shown("a: 1\n", 7, 1, "a line that is not there"),
        ];
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn long_line_is_clipped_around_the_caret() {
        let source = format!("{}here, {}", "x".repeat(300), "y".repeat(300));
        insta::assert_snapshot!(shown(&source, 1, 301, "there"));
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let (line, column) = (Some(1), Some(1));
        let problem = Problem { line, column, message: "harmless".to_owned() };
        let mut out = Vec::new();
        write(&mut out, "", "x.yaml", "a: \x1b[2J\n", &problem).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains("\x1b[2J"));
    }
}

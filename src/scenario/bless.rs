//! Writing an observed outcome into a scenario's file.

use std::ops::Range;

/// The text of a scenario's file with this outcome instead of its own, or with this outcome at its
/// end if it has none. All else stays byte for byte.
///
/// `outcome_yaml` is the block below the key, as [`super::Outcome::to_yaml`] writes it. What
/// stands within the old block goes with it, comments included; comments and blank lines after its
/// last line stay.
pub fn with_outcome(source: &str, outcome_yaml: &str) -> String {
    let end = if source.contains("\r\n") { "\r\n" } else { "\n" };
    let mut block = format!("outcome:{end}");
    for line in outcome_yaml.lines() {
        block.push_str(line);
        block.push_str(end);
    }
    if let Some(Range { start, end }) = outcome_block(source) {
        return [source.get(..start), Some(block.as_str()), source.get(end..)]
            .into_iter()
            .flatten()
            .collect();
    }
    let (body, tail) = source.split_at(document_end(source));
    let newline = if body.is_empty() || body.ends_with('\n') { "" } else { end };
    format!("{body}{newline}{block}{tail}")
}

/// A line of a text: where it starts and what it says.
fn lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    source.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line)
    })
}

/// From the key `outcome` to the end of the last line that belongs to its value.
fn outcome_block(source: &str) -> Option<Range<usize>> {
    let mut lines = lines(source).skip_while(|(_, line)| !is_outcome_key(line));
    let (start, key) = lines.next()?;
    let mut end = start + key.len();
    // A brace that opens beside the key may close in the first column.
    for (at, line) in lines {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if !line.starts_with([' ', '\t', '}']) {
            break;
        }
        end = at + line.len();
    }
    Some(start..end)
}

fn is_outcome_key(line: &str) -> bool {
    ["outcome", "\"outcome\"", "'outcome'"].iter().any(|key| {
        line.strip_prefix(key).is_some_and(|rest| {
            rest.trim_start_matches([' ', '\t'])
                .strip_prefix(':')
                .is_some_and(|value| value.is_empty() || value.starts_with(char::is_whitespace))
        })
    })
}

/// Where the document ends: before `...`, or at the end of the text.
fn document_end(source: &str) -> usize {
    lines(source)
        .find(|(_, line)| line.trim_end() == "...")
        .map_or(source.len(), |(start, _)| start)
}

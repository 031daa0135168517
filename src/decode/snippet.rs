//! The part of a text that is wrong, with carets below it.

use std::ops::Range;

/// How many characters are shown on either side.
const AROUND: usize = 30;

/// The text around these characters (counted from 0), and in a second line a caret below each of
/// them; one below the first if the range is empty, also where the text has ended. A long range is
/// cut.
pub fn snippet(text: &str, wrong: Range<usize>) -> String {
    let start = wrong.start.saturating_sub(AROUND);
    let before = wrong.start - start;
    let carets = wrong.len().clamp(1, AROUND);
    let end = wrong.start + carets - 1 + AROUND;
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let shown: String = text.chars().skip(start).take(end - start).map(printable).collect();
    let (lead, indent) = if start > 0 { ("…", before + 1) } else { ("", before) };
    let trail = if text.chars().nth(end).is_some() { "…" } else { "" };
    format!("{lead}{shown}{trail}\n{:indent$}{}", "", "^".repeat(carets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_below_what_is_wrong() {
        assert_eq!(snippet("abcdef", 2..4), "abcdef\n  ^^");
        assert_eq!(snippet("abc", 3..3), "abc\n   ^");
        assert_eq!(snippet("a\tc", 1..2), "a\u{fffd}c\n ^");
    }

    #[test]
    fn a_long_text_is_cut_on_both_sides() {
        let text = "0123456789".repeat(20);
        let (shown, carets) = {
            let snippet = snippet(&text, 100..101);
            let (shown, carets) = snippet.split_once('\n').unwrap();
            (shown.to_owned(), carets.to_owned())
        };
        assert_eq!(shown.chars().count(), 2 + 30 + 30);
        assert!(shown.starts_with('…') && shown.ends_with('…'));
        assert_eq!(carets.find('^'), Some(31));
        assert_eq!(snippet(&text, 0..150).lines().last().unwrap().len(), 30);
    }
}

//! The colours of the terminal report. Whether they are shown is the stream's business.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

/// What went well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What went wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What could not be told.
pub const UNSURE: Style = AnsiColor::Yellow.on_default().bold();
/// Headings.
pub const STRONG: Style = Style::new().bold();
/// What may be skipped.
pub const FAINT: Style = Style::new().dimmed();
/// What the author of a scenario tells the reader.
pub const NARRATIVE: Style = AnsiColor::Yellow.on_default().italic();
/// Names of messages and transactions.
pub const NAME: Style = AnsiColor::Cyan.on_default();

/// A text in a style.
pub fn styled(style: Style, text: impl Display) -> impl Display {
    Styled { style, text }
}

struct Styled<T> {
    style: Style,
    text: T,
}

impl<T: Display> Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { style, text } = self;
        write!(f, "{style}{text}{style:#}")
    }
}

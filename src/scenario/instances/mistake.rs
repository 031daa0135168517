//! What can be wrong with `for` and its variables.

use std::sync::Arc;

use crate::scenario::{model::NAME_LIMIT, suggest};

/// What is wrong with `for` or with a variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForMistake {
    /// A text that cannot be the name of a variable.
    #[error("`{name}` cannot be the name of a variable")]
    BadVariable {
        /// The text.
        name: String,
    },
    /// A value whose text cannot name a run.
    #[error("`{text}` cannot name a run")]
    BadValueName {
        /// The text.
        text: String,
    },
    /// Two values of a parameter that name the same run.
    #[error("two values of `{parameter}` name their runs `{name}`")]
    ValueTwice {
        /// The parameter.
        parameter: String,
        /// The name.
        name: String,
        /// The line of the first one.
        first: u32,
    },
    /// Two parameters that set the same variable.
    #[error("`<{name}>` is set twice")]
    VariableTwice {
        /// The variable.
        name: String,
        /// The line of the first one.
        first: u32,
    },
    /// A row that does not set what the first one sets.
    #[error("`{row}` does not set `{}`, and `{first}` does", .variables.join("`, `"))]
    RowLacks {
        /// The row.
        row: String,
        /// The variables, or the first of them.
        variables: Vec<String>,
        /// The first row.
        first: String,
    },
    /// A row that sets what the first one does not set.
    #[error("`{row}` sets `{variable}`, and `{first}` does not")]
    RowAdds {
        /// The row.
        row: String,
        /// The variable.
        variable: String,
        /// The first row.
        first: String,
        /// What the first row sets.
        known: Arc<[String]>,
    },
    /// More instances than anybody wants to wait for.
    #[error("`for` makes {count} instances of this file, and at most {limit} are allowed")]
    TooManyInstances {
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },

    /// A variable that nothing sets.
    #[error("unknown variable `<{name}>`")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The variables that are set.
        known: Arc<[String]>,
    },
    /// A variable in a value of its own parameter, or of one above it.
    #[error("`<{name}>` is not set yet here: {}", order(.name, .parameter, .user))]
    NotSetYet {
        /// The variable.
        name: String,
        /// The parameter that sets it.
        parameter: String,
        /// The parameter whose value uses it.
        user: String,
    },
    /// A variable that nothing uses.
    #[error("nothing uses `<{name}>`")]
    Unused {
        /// The variable.
        name: String,
    },
    /// A collection within a text or a key.
    #[error("`<{name}>` stands for {found} here, and only a single value can be part of a text")]
    NotInText {
        /// The variable.
        name: String,
        /// What it stands for.
        found: &'static str,
    },
    /// The texts of one instance are longer than any file's.
    #[error("with its variables replaced, the file has more than {limit} bytes of text")]
    TooMuchText {
        /// The limit in bytes.
        limit: usize,
    },
    /// All instances together are more than the loader wants to keep.
    #[error("the instances of this file have more than {limit} {what} in all")]
    TooMuchInAll {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

fn order(name: &str, parameter: &str, user: &str) -> String {
    match (name == parameter, parameter == user) {
        (_, true) => "a value is made without the variables of its own parameter".to_owned(),
        (true, false) => format!("`{parameter}` comes after `{user}`"),
        (false, false) => format!("`{parameter}`, which sets it, comes after `{user}`"),
    }
}

impl ForMistake {
    /// What to do about it, where that can be said.
    pub(in super::super) fn help(&self) -> Option<String> {
        match self {
            Self::BadVariable { .. } => Some(format!(
                "a letter, then letters, digits and `_`, all lower case, at most {NAME_LIMIT}"
            )),
            Self::BadValueName { .. } => Some(
                "a letter or digit, then letters, digits, `_`, `-`, `.`; else name it: `{name: {variable: value}}`"
                    .to_owned(),
            ),
            Self::ValueTwice { first, .. } | Self::VariableTwice { first, .. } => {
                Some(format!("the first one is in line {first}"))
            }
            Self::RowLacks { .. } => Some("all rows set the same variables".to_owned()),
            Self::RowAdds { variable, known, .. } => {
                Some(suggest::nearest(variable, known.iter().map(String::as_str)).map_or_else(
                    || "all rows set the same variables".to_owned(),
                    |nearest| format!("did you mean `{nearest}`?"),
                ))
            }
            Self::UnknownVariable { name, known } => {
                Some(match suggest::nearest(name, known.iter().map(String::as_str)) {
                    Some(nearest) => format!("did you mean `<{nearest}>`?"),
                    None => format!("known here: <{}>", known.join(">, <")),
                })
            }
            Self::NotSetYet { .. } => {
                Some("a value may use the variables of the parameters above its own".to_owned())
            }
            Self::Unused { name } => Some(format!("write `<{name}>` where its value belongs")),
            Self::TooManyInstances { .. }
            | Self::NotInText { .. }
            | Self::TooMuchText { .. }
            | Self::TooMuchInAll { .. } => None,
        }
    }
}

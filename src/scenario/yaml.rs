//! YAML text to a tree of nodes with positions. Nothing outside this file knows which library
//! reads the YAML.
//!
//! The tree is decoded by hand (`decode`), not by serde's derive, so that one reading of a file
//! finds all of its mistakes and not only the first.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{
    DuplicateKeyPolicy, Error, Location, MergeKeyPolicy, NonFiniteFloatPolicy, Options, Spanned,
    budget::BudgetBreach, granit_parser::ErrorKind,
};

use super::{
    error::{Mistake, Problem},
    model::Position,
};

/// How deep collections may nest. The language needs six levels.
pub(super) const DEPTH_LIMIT: usize = 16;
/// How many values a file may have, those that aliases repeat included.
pub(super) const NODE_LIMIT: usize = 50_000;

/// A YAML node and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where it starts, and how wide it is on that line.
    pub(super) at: Position,
    /// What it holds.
    pub(super) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Nothing, as in `key:`, or `null`.
    Nothing,
    /// A scalar. Numbers and booleans are as the file writes them.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file, with its duplicate keys.
    Map(Vec<(Node, Node)>),
}

/// On one line, as a file could write it.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Text(text) => f.write_str(text.trim()),
            Self::List(items) => {
                let items: Vec<String> =
                    items.iter().map(|item| item.content.to_string()).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Map(entries) => {
                let entry =
                    |(key, value): &(Node, Node)| format!("{}: {}", key.content, value.content);
                let entries: Vec<String> = entries.iter().map(entry).collect();
                write!(f, "{{{}}}", entries.join(", "))
            }
        }
    }
}

/// Reads one YAML document. Empty files give a node that holds nothing.
pub(super) fn read(text: &str) -> Result<Node, Box<Problem>> {
    // A byte order mark would shift the columns of the first line.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options()) {
        Ok(raw) => Ok(Source::new(text).node(raw)),
        Err(error) => Err(Box::new(problem(error.without_snippet()))),
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_LIMIT,
            flow_nesting_limit: DEPTH_LIMIT,
            max_nodes: NODE_LIMIT,
            max_events: 3 * NODE_LIMIT,
            max_anchors: 100,
            max_aliases: 1_000,
            max_recorded_anchor_events: NODE_LIMIT,
            max_documents: 1,
        },
    }
}

/// A node as the library gives it, before numbers get their text back.
enum Raw {
    Nothing,
    Text(String),
    /// A number or a boolean: its text is in the source.
    Typed,
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

/// The text that a tree was read from.
struct Source<'a> {
    text: &'a str,
}

impl<'a> Source<'a> {
    fn new(text: &'a str) -> Self {
        Self { text }
    }

    fn node(&self, raw: Spanned<Raw>) -> Node {
        let Spanned { value, referenced, defined } = raw;
        let at = self.position(referenced);
        let content = match value {
            Raw::Nothing => Content::Nothing,
            Raw::Text(text) => Content::Text(text),
            Raw::Typed => Content::Text(self.slice(defined).trim().to_owned()),
            Raw::List(items) => {
                Content::List(items.into_iter().map(|item| self.node(item)).collect())
            }
            Raw::Map(entries) => Content::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (self.node(key), self.node(value)))
                    .collect(),
            ),
        };
        Node { at, content }
    }

    fn slice(&self, location: Location) -> &'a str {
        let range = || {
            let start = usize::try_from(location.span().byte_offset()?).ok()?;
            let length = usize::try_from(location.span().byte_len()?).ok()?;
            self.text.get(start..start.checked_add(length)?)
        };
        range().unwrap_or_default()
    }

    fn position(&self, location: Location) -> Position {
        let first_line = self.slice(location).lines().next().unwrap_or_default();
        let width = first_line.trim_end().chars().count().max(1);
        Position { width: u32::try_from(width).unwrap_or(u32::MAX), ..start(location) }
    }
}

fn start(location: Location) -> Position {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    Position { line: number(location.line()), column: number(location.column()), width: 1 }
}

/// Says in plain words what the library found wrong.
fn problem(error: &Error) -> Problem {
    let mistake = match error {
        Error::Budget { breach, .. } => breached(breach),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => Mistake::AliasBomb,
        Error::RecursiveReferencesRequireWeakTypes { .. } => Mistake::AliasOfItself,
        Error::AliasError { error, .. } => return problem(error),
        Error::UnknownAnchor { .. } => Mistake::UnknownAnchor,
        Error::MultipleDocuments { .. } => Mistake::SeveralDocuments,
        Error::MergeKeyNotAllowed { .. } => Mistake::MergeKey,
        Error::ExternalMessage { source, msg, .. } => match source.as_ref() {
            serde_saphyr::localizer::ExternalMessageSource::Parser(scan) => {
                scanned(scan.kind(), msg)
            }
            _ => Mistake::Syntax { reason: msg.clone() },
        },
        Error::InvalidScalar { .. } | Error::TaggedScalarCannotDeserializeIntoString { .. } => {
            Mistake::Syntax { reason: "the value is not what its tag (`!!…`) says".to_owned() }
        }
        other => {
            // The library says the place again, and ours stands before the message already.
            let text = other.to_string();
            let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
            Mistake::Syntax { reason }
        }
    };
    let position = error.location().filter(|at| *at != Location::UNKNOWN).map(start);
    Problem { position, mistake, line: None, only_in: None }
}

fn breached(breach: &BudgetBreach) -> Mistake {
    match breach {
        BudgetBreach::Depth { .. } => Mistake::TooDeep { limit: DEPTH_LIMIT },
        BudgetBreach::Documents { .. } => Mistake::SeveralDocuments,
        BudgetBreach::Aliases { .. }
        | BudgetBreach::Anchors { .. }
        | BudgetBreach::AliasAnchorRatio { .. }
        | BudgetBreach::RecordedAnchorEvents { .. }
        | BudgetBreach::RecordedAnchorBytes { .. } => Mistake::AliasBomb,
        // Events and nodes; the other budgets are looser than these.
        _ => Mistake::TooManyValues { limit: NODE_LIMIT },
    }
}

/// The parser's errors, for the slips that people make.
fn scanned(kind: &ErrorKind, text: &str) -> Mistake {
    let reason = match kind {
        ErrorKind::RecursionLimitExceeded => return Mistake::TooDeep { limit: DEPTH_LIMIT },
        ErrorKind::UnknownAnchor => return Mistake::UnknownAnchor,
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation => "a tab; indent with spaces",
        ErrorKind::InvalidIndentation => "this line is indented otherwise than its neighbours",
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            "a `:` is missing after the key"
        }
        ErrorKind::ExpectedBlockMappingKey => "a key was expected here",
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::UnexpectedEofFlowMapping => {
            "a `,` or `}` was expected here"
        }
        ErrorKind::ExpectedFlowSequenceSeparator | ErrorKind::UnexpectedEofFlowSequence => {
            "a `,` or `]` was expected here"
        }
        ErrorKind::ExpectedBlockSequenceEntry => "a `-` was expected here",
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            "the quotation mark before this line is never closed"
        }
        ErrorKind::MisplacedFlowCollectionEnd => "this bracket closes nothing",
        ErrorKind::InvalidColonPlacement => {
            "this `:` is out of place; a bracket or a quotation mark may be open before it"
        }
        ErrorKind::MappingValueNotAllowed => "a text with `: ` in it stands in quotes",
        ErrorKind::UnexpectedCharacter { .. } => "a character that no text may have",
        ErrorKind::UnclosedFlowCollection { open: '{' } => "a `{` is never closed",
        ErrorKind::UnclosedFlowCollection { open: '[' } => "a `[` is never closed",
        _ => text,
    };
    Mistake::Syntax { reason: reason.to_owned() }
}

//! Variables in texts, and whether each is known where it stands and stands somewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{ForMistake, parameters::Parameter};
use crate::scenario::{
    error::Problem,
    model::{NAME_LIMIT, Position},
    yaml::{Content, Node},
};

/// Whether a variable may have this name.
pub(super) fn is_variable(name: &str) -> bool {
    name.len() <= NAME_LIMIT
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The first variable of a text: what stands before it, its name, and what stands behind it. What
/// only looks like one, as `<Closer>` does, is one that is not known: it is a slip.
pub(super) fn first_variable(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('<').find_map(|(start, bracket)| {
        let (before, rest) = text.split_at(start);
        let rest = rest.strip_prefix(bracket)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')?;
        let (name, after) = rest.split_at(end);
        let after = after.strip_prefix('>')?;
        name.starts_with(|c: char| c.is_ascii_alphabetic()).then_some((before, name, after))
    })
}

/// The variable that is all of a text.
pub(super) fn only_variable(text: &str) -> Option<&str> {
    match first_variable(text.trim()) {
        Some(("", name, "")) => Some(name),
        Some(_) | None => None,
    }
}

/// What a node is, for people.
pub(super) fn kind(node: &Node) -> &'static str {
    match &node.content {
        Content::Nothing => "nothing",
        Content::Text(_) => "a single value",
        Content::List(_) => "a list",
        Content::Map(_) => "a mapping",
    }
}

/// A variable, where it is set, and by which parameter.
struct Set<'p> {
    at: Position,
    /// The parameter's place in the file.
    by: usize,
    parameter: &'p str,
    /// Whether it must be used: the name of a parameter with rows names the runs, if nothing else.
    wanted: bool,
}

/// Holds that every variable in the file is known where it stands, and that every one is used.
///
/// A value may use the variables of the parameters above its own. So no variable can come to stand
/// for itself, whatever the way.
pub(super) fn check<'p>(
    parameters: &'p [Parameter<'p>],
    body: &'p Node,
) -> Result<(), Vec<Problem>> {
    let mut set = BTreeMap::new();
    for (by, parameter) in parameters.iter().enumerate() {
        let Some(value) = parameter.values.first() else { continue };
        let name = parameter.name;
        let is_set = |at, wanted| Set { at, by, parameter: name.value, wanted };
        set.insert(name.value, is_set(name.at, value.row.is_empty()));
        set.extend(value.row.iter().map(|(name, _)| (name.value, is_set(name.at, true))));
    }
    let known = set.keys().map(|&name| name.to_owned()).collect();
    let mut check = Check { set, known, used: BTreeSet::new(), problems: Vec::new() };
    for (by, parameter) in parameters.iter().enumerate() {
        for (_, node) in parameter.values.iter().flat_map(|value| &value.row) {
            check.node(node, Some((by, parameter.name.value)));
        }
    }
    check.node(body, None);
    // Who misspelt a variable has not left it out as well.
    if check.problems.is_empty() {
        for (name, set) in &check.set {
            if set.wanted && !check.used.contains(name) {
                let mistake = ForMistake::Unused { name: (*name).to_owned() };
                check.problems.push(Problem::new(set.at, mistake.into()));
            }
        }
    }
    if check.problems.is_empty() { Ok(()) } else { Err(check.problems) }
}

struct Check<'p> {
    set: BTreeMap<&'p str, Set<'p>>,
    /// The names of those that are set.
    known: Arc<[String]>,
    used: BTreeSet<&'p str>,
    problems: Vec<Problem>,
}

impl<'p> Check<'p> {
    /// Looks through a value of this parameter, or through the rest of the file.
    fn node(&mut self, node: &'p Node, user: Option<(usize, &str)>) {
        match &node.content {
            Content::Nothing => {}
            Content::Text(text) => self.text(text, node.at, user),
            Content::List(items) => items.iter().for_each(|item| self.node(item, user)),
            Content::Map(entries) => entries.iter().for_each(|(key, value)| {
                self.node(key, user);
                self.node(value, user);
            }),
        }
    }

    fn text(&mut self, text: &'p str, at: Position, user: Option<(usize, &str)>) {
        let mut rest = text;
        while let Some((_, name, after)) = first_variable(rest) {
            rest = after;
            self.used.insert(name);
            let owned = name.to_owned();
            let mistake = match (self.set.get(name), user) {
                (None, _) => {
                    ForMistake::UnknownVariable { name: owned, known: Arc::clone(&self.known) }
                }
                (Some(set), Some((by, user))) if set.by >= by => {
                    let (parameter, user) = (set.parameter.to_owned(), user.to_owned());
                    ForMistake::NotSetYet { name: owned, parameter, user }
                }
                (Some(_), _) => continue,
            };
            self.problems.push(Problem::new(at, mistake.into()));
        }
    }
}

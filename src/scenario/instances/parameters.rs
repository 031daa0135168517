//! The block below `for`: which parameters there are, their values, and the variables that each
//! value sets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    ForMistake,
    variables::{is_variable, kind},
};
use crate::scenario::{
    error::{Mistake, Problem},
    model::{At, NAME_LIMIT, Position},
    yaml::{Content, Node},
};

/// How many variables are named that a row lacks.
const SHOWN: usize = 5;

/// One parameter.
pub(super) struct Parameter<'n> {
    pub(super) name: At<&'n str>,
    /// Its values, of which there is at least one.
    pub(super) values: Vec<Value<'n>>,
}

/// One value of a parameter.
pub(super) struct Value<'n> {
    /// Its name in the ids of runs.
    pub(super) name: String,
    /// What stands for the name of the parameter.
    pub(super) own: &'n Node,
    /// The variables that its row sets. All values of a parameter set the same ones.
    pub(super) row: Vec<(At<&'n str>, &'n Node)>,
}

/// Reads the block, with all that is wrong in it.
pub(super) fn read(block: &Node) -> Result<Vec<Parameter<'_>>, Vec<Problem>> {
    let mut reader = Reader::default();
    let parameters = reader.parameters(block);
    if reader.problems.is_empty() { Ok(parameters) } else { Err(reader.problems) }
}

/// An entry of a mapping.
struct Entry<'n> {
    name: At<&'n str>,
    key: &'n Node,
    value: &'n Node,
}

/// The row that the others of its parameter are measured by.
struct First {
    row: String,
    variables: Arc<[String]>,
}

#[derive(Default)]
struct Reader {
    /// The variables that are set so far, and where.
    set: BTreeMap<String, Position>,
    problems: Vec<Problem>,
}

impl Reader {
    fn report(&mut self, at: Position, mistake: impl Into<Mistake>) {
        self.problems.push(Problem::new(at, mistake.into()));
    }

    fn parameters<'n>(&mut self, block: &'n Node) -> Vec<Parameter<'n>> {
        let wanted = "the parameters by name, as in `{closer: [alice, bob]}`";
        let entries = self.entries(block, wanted, "`for` has at least one parameter");
        entries.into_iter().map(|entry| self.parameter(entry.name, entry.value)).collect()
    }

    fn parameter<'n>(&mut self, name: At<&'n str>, node: &'n Node) -> Parameter<'n> {
        self.sets(name);
        let values = match &node.content {
            Content::List(items) => self.list(name.value, node, items),
            Content::Nothing | Content::Text(_) | Content::Map(_) => self.rows(name.value, node),
        };
        Parameter { name, values }
    }

    /// Values that name themselves.
    fn list<'n>(&mut self, parameter: &str, node: &Node, items: &'n [Node]) -> Vec<Value<'n>> {
        if items.is_empty() {
            self.report(node.at, Mistake::Nothing { what: "a parameter has at least one value" });
        }
        let mut named = BTreeMap::new();
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            let Content::Text(text) = &item.content else {
                let wanted =
                    "a single value; others have a name each, as in `{name: {variable: value}}`";
                self.report(item.at, Mistake::WrongShape { wanted, found: kind(item) });
                continue;
            };
            let name = self.value_name(parameter, At::new(text.trim(), item.at), &mut named);
            values.extend(name.map(|name| Value { name, own: item, row: Vec::new() }));
        }
        values
    }

    /// Values with names, each of which sets some variables.
    fn rows<'n>(&mut self, parameter: &str, node: &'n Node) -> Vec<Value<'n>> {
        let wanted = "a list of values, or a mapping of rows, each with its name";
        let mut named = BTreeMap::new();
        let mut first: Option<First> = None;
        let mut values = Vec::new();
        for entry in self.entries(node, wanted, "a parameter has at least one value") {
            let wanted = "the variables that the row sets, as in `{taker: bob}`";
            let empty = "a row sets at least one variable; values that set none stand in a list";
            let row = self.entries(entry.value, wanted, empty);
            let row: Vec<_> = row.into_iter().map(|entry| (entry.name, entry.value)).collect();
            if let Some(first) = &first {
                self.same(entry.name, &row, first);
            } else {
                for (variable, _) in &row {
                    self.sets(*variable);
                }
                let variables = row.iter().map(|(variable, _)| variable.value.to_owned()).collect();
                first = Some(First { row: entry.name.value.to_owned(), variables });
            }
            let name = self.value_name(parameter, entry.name, &mut named);
            values.extend(name.map(|name| Value { name, own: entry.key, row }));
        }
        values
    }

    /// The rows of a parameter set the same variables.
    fn same(&mut self, name: At<&str>, row: &[(At<&str>, &Node)], first: &First) {
        let known: BTreeSet<&str> = first.variables.iter().map(String::as_str).collect();
        let set: BTreeSet<&str> = row.iter().map(|(variable, _)| variable.value).collect();
        let (row_name, first_name) = (name.value.to_owned(), first.row.clone());
        for (variable, _) in row.iter().filter(|(variable, _)| !known.contains(variable.value)) {
            let mistake = ForMistake::RowAdds {
                row: row_name.clone(),
                variable: variable.value.to_owned(),
                first: first_name.clone(),
                known: Arc::clone(&first.variables),
            };
            self.report(variable.at, mistake);
        }
        let lacking = first.variables.iter().filter(|variable| !set.contains(variable.as_str()));
        let variables: Vec<String> = lacking.take(SHOWN).cloned().collect();
        if !variables.is_empty() {
            let mistake = ForMistake::RowLacks { row: row_name, variables, first: first_name };
            self.report(name.at, mistake);
        }
    }

    /// The entries of a mapping that says something, each key once.
    fn entries<'n>(
        &mut self,
        node: &'n Node,
        wanted: &'static str,
        empty: &'static str,
    ) -> Vec<Entry<'n>> {
        let Content::Map(pairs) = &node.content else {
            self.report(node.at, Mistake::WrongShape { wanted, found: kind(node) });
            return Vec::new();
        };
        if pairs.is_empty() {
            self.report(node.at, Mistake::Nothing { what: empty });
        }
        let mut seen = BTreeMap::new();
        let mut entries = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let Content::Text(text) = &key.content else {
                let wanted = "a word as key";
                self.report(key.at, Mistake::WrongShape { wanted, found: kind(key) });
                continue;
            };
            let text = text.trim();
            if let Some(&first) = seen.get(text) {
                self.report(key.at, Mistake::DuplicateKey { key: text.to_owned(), first });
            } else {
                seen.insert(text, key.at.line);
                entries.push(Entry { name: At::new(text, key.at), key, value });
            }
        }
        entries
    }

    /// A variable is set by one parameter, and by that once.
    fn sets(&mut self, name: At<&str>) {
        let owned = name.value.to_owned();
        if !is_variable(name.value) {
            self.report(name.at, ForMistake::BadVariable { name: owned });
        } else if let Some(first) = self.set.get(name.value) {
            let first = first.line;
            self.report(name.at, ForMistake::VariableTwice { name: owned, first });
        } else {
            self.set.insert(owned, name.at);
        }
    }

    /// The name of a value in ids.
    fn value_name(
        &mut self,
        parameter: &str,
        text: At<&str>,
        named: &mut BTreeMap<String, u32>,
    ) -> Option<String> {
        let Some(name) = slug(text.value) else {
            self.report(text.at, ForMistake::BadValueName { text: text.value.to_owned() });
            return None;
        };
        if let Some(&first) = named.get(&name) {
            let parameter = parameter.to_owned();
            self.report(text.at, ForMistake::ValueTwice { parameter, name, first });
            return None;
        }
        named.insert(name.clone(), text.at.line);
        Some(name)
    }
}

/// A value as a part of an id, which is also part of a path: `6 blocks` is `6_blocks`, and
/// `1000 sat/kw` is `1000_sat_kw`.
fn slug(text: &str) -> Option<String> {
    let name = text.replace([' ', '/'], "_");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let sound = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(plain)
        && name.len() <= NAME_LIMIT;
    sound.then_some(name)
}

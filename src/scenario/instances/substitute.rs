//! Values in the place of variables.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    ForMistake,
    parameters::{Parameter, Value},
    variables::{first_variable, kind, only_variable},
};
use crate::scenario::{
    error::{Mistake, Problem},
    model::Position,
    yaml::{Content, DEPTH_LIMIT, NODE_LIMIT, Node},
};

/// How many bytes of text one instance may have: as many as a file.
const TEXT_LIMIT: usize = 1024 * 1024;
/// How many values all instances of a file may have together.
const NODES_IN_ALL: usize = 20 * NODE_LIMIT;
/// How many bytes of text all instances of a file may have together.
const TEXT_IN_ALL: usize = 20 * TEXT_LIMIT;

/// How much may still be made.
pub(super) struct Room {
    nodes: usize,
    text: usize,
}

/// What there is too little room for.
enum Exceeded {
    Nodes,
    Text,
}

impl Room {
    /// For all instances of a file.
    pub(super) const fn for_all() -> Self {
        Self { nodes: NODES_IN_ALL, text: TEXT_IN_ALL }
    }

    const fn for_one() -> Self {
        Self { nodes: NODE_LIMIT, text: TEXT_LIMIT }
    }

    /// Makes a node of so many bytes of text.
    fn take(&mut self, text: usize) -> Result<(), Exceeded> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Exceeded::Nodes)?;
        self.text = self.text.checked_sub(text).ok_or(Exceeded::Text)?;
        Ok(())
    }
}

/// Why an instance cannot be made.
pub(super) enum Full {
    /// It is too much itself, at this position.
    Instance(Position, Mistake),
    /// All instances together are too much.
    All(ForMistake),
}

/// Makes one instance.
pub(super) struct Substitution<'a> {
    bound: BTreeMap<&'a str, Rc<Node>>,
    here: Room,
    in_all: &'a mut Room,
    /// What is wrong, but does not keep the rest from being made.
    pub(super) problems: Vec<Problem>,
}

impl<'a> Substitution<'a> {
    pub(super) fn new(in_all: &'a mut Room) -> Self {
        Self { bound: BTreeMap::new(), here: Room::for_one(), in_all, problems: Vec::new() }
    }

    /// Lets the variables stand for these values, the first parameter's first: the values of those
    /// below it may use them.
    pub(super) fn bind(
        &mut self,
        parameters: &[Parameter<'a>],
        chosen: &[&Value<'a>],
    ) -> Result<(), Full> {
        for (parameter, value) in parameters.iter().zip(chosen) {
            let own = self.node(value.own, 0)?;
            let mut row = Vec::with_capacity(value.row.len());
            for (name, node) in &value.row {
                row.push((name.value, Rc::new(self.node(node, 0)?)));
            }
            self.bound.insert(parameter.name.value, Rc::new(own));
            self.bound.extend(row);
        }
        Ok(())
    }

    /// A node with values for its variables; so many collections are around it.
    pub(super) fn node(&mut self, node: &Node, depth: usize) -> Result<Node, Full> {
        match &node.content {
            Content::Text(text) => match self.bound_to(text) {
                // What a variable stands for stands where the variable does.
                Some(bound) => Ok(Node { at: node.at, ..self.copy(&bound, depth, node.at)? }),
                None => self.text(node),
            },
            Content::Nothing => self.copy(node, depth, node.at),
            Content::List(items) => {
                self.take_collection(depth, node.at)?;
                let items = self.items(items, depth + 1)?;
                Ok(Node { at: node.at, content: Content::List(items) })
            }
            Content::Map(entries) => {
                self.take_collection(depth, node.at)?;
                let mut made = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let key = match &key.content {
                        // A key is a text even where the variable is all of it.
                        Content::Text(_) => self.text(key)?,
                        Content::Nothing | Content::List(_) | Content::Map(_) => {
                            self.node(key, depth + 1)?
                        }
                    };
                    made.push((key, self.node(value, depth + 1)?));
                }
                Ok(Node { at: node.at, content: Content::Map(made) })
            }
        }
    }

    /// The items of a list, and those of the lists that items stand for.
    fn items(&mut self, items: &[Node], depth: usize) -> Result<Vec<Node>, Full> {
        let mut made = Vec::with_capacity(items.len());
        for item in items {
            let bound = match &item.content {
                Content::Text(text) => self.bound_to(text),
                Content::Nothing | Content::List(_) | Content::Map(_) => None,
            };
            if let Some(Content::List(spliced)) = bound.as_deref().map(|bound| &bound.content) {
                for inner in spliced {
                    made.push(self.copy(inner, depth, item.at)?);
                }
            } else {
                made.push(self.node(item, depth)?);
            }
        }
        Ok(made)
    }

    /// What the variable stands for that is all of a text.
    fn bound_to(&self, text: &str) -> Option<Rc<Node>> {
        self.bound.get(only_variable(text)?).map(Rc::clone)
    }

    /// A text with values for the variables in it.
    fn text(&mut self, node: &Node) -> Result<Node, Full> {
        let Content::Text(text) = &node.content else { return self.copy(node, 0, node.at) };
        let mut made = String::new();
        let mut rest = text.as_str();
        while let Some((before, name, after)) = first_variable(rest) {
            rest = after;
            made.push_str(before);
            let Some(bound) = self.bound.get(name) else { continue };
            if let Content::Text(value) = &bound.content {
                made.push_str(value.trim());
            } else {
                let (name, found) = (name.to_owned(), kind(bound));
                let mistake = ForMistake::NotInText { name, found };
                self.problems.push(Problem::new(node.at, mistake.into()));
            }
            // Before it has grown to more than there is room for.
            if made.len() > TEXT_LIMIT {
                break;
            }
        }
        made.push_str(rest);
        self.take(made.len(), node.at)?;
        Ok(Node { at: node.at, content: Content::Text(made) })
    }

    /// What a variable stands for, whose own variables have their values already. What is too much
    /// is so where the variable stands.
    fn copy(&mut self, node: &Node, depth: usize, used: Position) -> Result<Node, Full> {
        let content = match &node.content {
            Content::Nothing => {
                self.take(0, used)?;
                Content::Nothing
            }
            Content::Text(text) => {
                self.take(text.len(), used)?;
                Content::Text(text.clone())
            }
            Content::List(items) => {
                self.take_collection(depth, used)?;
                let items = items.iter().map(|item| self.copy(item, depth + 1, used));
                Content::List(items.collect::<Result<_, _>>()?)
            }
            Content::Map(entries) => {
                self.take_collection(depth, used)?;
                let entries = entries.iter().map(|(key, value)| {
                    Ok((self.copy(key, depth + 1, used)?, self.copy(value, depth + 1, used)?))
                });
                Content::Map(entries.collect::<Result<_, _>>()?)
            }
        };
        Ok(Node { at: node.at, content })
    }

    fn take_collection(&mut self, depth: usize, at: Position) -> Result<(), Full> {
        if depth < DEPTH_LIMIT {
            self.take(0, at)
        } else {
            Err(Full::Instance(at, Mistake::TooDeep { limit: DEPTH_LIMIT }))
        }
    }

    fn take(&mut self, text: usize, at: Position) -> Result<(), Full> {
        let here = self.here.take(text).map_err(|exceeded| match exceeded {
            Exceeded::Nodes => Mistake::TooManyValues { limit: NODE_LIMIT },
            Exceeded::Text => ForMistake::TooMuchText { limit: TEXT_LIMIT }.into(),
        });
        here.map_err(|mistake| Full::Instance(at, mistake))?;
        let in_all = self.in_all.take(text).map_err(|exceeded| match exceeded {
            Exceeded::Nodes => ForMistake::TooMuchInAll { what: "values", limit: NODES_IN_ALL },
            Exceeded::Text => {
                ForMistake::TooMuchInAll { what: "bytes of text", limit: TEXT_IN_ALL }
            }
        });
        in_all.map_err(Full::All)
    }
}

//! The key `for`: one file, a product of named parameters, each instance a scenario of its own.
//!
//! ```text
//! tree --parameters--> Product --one choice a parameter--> variables --substitute--> tree, as if
//!                                                                     written without `for`
//! ```
//!
//! Substitution is all that happens here. What a value means, and whether it makes sense where a
//! variable puts it, is for the decoder of each instance.

mod mistake;
mod parameters;
mod substitute;
mod variables;

use super::{
    error::{Mistake, Problem},
    model::Position,
    yaml::{Content, Node},
};
pub use mistake::ForMistake;
use parameters::{Parameter, Value};
use substitute::{Full, Room, Substitution};

/// How many instances a file may have.
pub(super) const INSTANCES_LIMIT: usize = 1_000;

/// A file with `for`, and what may stand in it for its variables.
pub(super) struct Product<'n> {
    /// Where `for` stands.
    at: Position,
    /// The file without it.
    body: Node,
    parameters: Vec<Parameter<'n>>,
}

/// One choice of values.
pub(super) struct Instance {
    /// The names of the values, in the order of their parameters.
    pub(super) names: Vec<String>,
    /// The file with these values in it, or why they cannot be put there.
    pub(super) tree: Result<Node, Vec<Problem>>,
}

impl<'n> Product<'n> {
    /// Reads the `for` of a file, if it has one, and holds that the variables are sound: each is
    /// set once, known where it is used, and used.
    pub(super) fn of(tree: &'n Node) -> Result<Option<Self>, Vec<Problem>> {
        let Content::Map(entries) = &tree.content else { return Ok(None) };
        let (keys, rest): (Vec<_>, Vec<_>) = entries.iter().partition(|(key, _)| is_for(key));
        let Some(((key, block), more)) = keys.split_first() else { return Ok(None) };
        if let Some((second, _)) = more.first() {
            let mistake = Mistake::DuplicateKey { key: "for".to_owned(), first: key.at.line };
            return Err(vec![Problem::new(second.at, mistake)]);
        }
        let parameters = parameters::read(block)?;
        let count = parameters.iter().map(|parameter| parameter.values.len());
        let count = count.fold(1, usize::saturating_mul);
        if count > INSTANCES_LIMIT {
            let mistake = ForMistake::TooManyInstances { count, limit: INSTANCES_LIMIT };
            return Err(vec![Problem::new(key.at, mistake.into())]);
        }
        let body = Node { at: tree.at, content: Content::Map(rest.into_iter().cloned().collect()) };
        variables::check(&parameters, &body)?;
        Ok(Some(Self { at: key.at, body, parameters }))
    }

    /// The instances, the first parameter outermost. They are made one by one, since a thousand
    /// trees need not be there at once; an error is the last that comes.
    pub(super) fn instances(&self) -> impl Iterator<Item = Result<Instance, Problem>> {
        let count: usize = self.parameters.iter().map(|parameter| parameter.values.len()).product();
        let mut room = Room::for_all();
        let mut is_full = false;
        (0..count).map_while(move |number| {
            if is_full {
                return None;
            }
            let instance = self.instance(number, &mut room);
            is_full = instance.is_err();
            Some(instance.map_err(|mistake| Problem::new(self.at, mistake.into())))
        })
    }

    fn instance(&self, number: usize, room: &mut Room) -> Result<Instance, ForMistake> {
        let chosen = self.chosen(number);
        let mut substitution = Substitution::new(room);
        let bound = substitution.bind(&self.parameters, &chosen);
        let tree = bound.and_then(|()| substitution.node(&self.body, 0));
        let mut problems = substitution.problems;
        let tree = match tree {
            Ok(tree) if problems.is_empty() => Ok(tree),
            Ok(_) => Err(problems),
            Err(Full::Instance(at, mistake)) => {
                problems.push(Problem::new(at, mistake));
                Err(problems)
            }
            Err(Full::All(mistake)) => return Err(mistake),
        };
        Ok(Instance { names: chosen.iter().map(|value| value.name.clone()).collect(), tree })
    }

    /// One value of each parameter.
    fn chosen(&self, number: usize) -> Vec<&Value<'n>> {
        let mut rest = number;
        let backwards = self.parameters.iter().rev().filter_map(|parameter| {
            let count = parameter.values.len();
            let value = parameter.values.get(rest % count);
            rest /= count;
            value
        });
        let mut chosen: Vec<_> = backwards.collect();
        chosen.reverse();
        chosen
    }
}

fn is_for(key: &Node) -> bool {
    matches!(&key.content, Content::Text(text) if text.trim() == "for")
}

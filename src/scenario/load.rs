//! From a file, or its text, to a scenario.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path, sync::Arc};

use super::{
    decode,
    error::{Mistake, Problem, ScenarioError},
    instances::{Instance, Product},
    model::{Position, Scenario},
    validate,
    yaml::{self, Node},
};

/// The greatest size of a file, in bytes.
pub const SIZE_LIMIT: u64 = 1024 * 1024;

/// How many mistakes are told of one place in a file, which another value in each of its instances
/// may make another mistake.
const VARIANTS: usize = 20;

/// How a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// Whether a scenario may have no outcome, since one will be written into it (`--bless`).
    pub allow_missing_outcome: bool,
}

/// Reads a scenario that must be whole.
///
/// # Errors
///
/// All that is wrong with the file, from its encoding to the sense of its steps.
pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
    load_with(path, ParseOptions::default())
}

/// Reads a scenario.
///
/// # Errors
///
/// All that is wrong with the file, from its encoding to the sense of its steps.
pub fn load_with(path: &Path, options: ParseOptions) -> Result<Scenario, ScenarioError> {
    let bytes = read(path)?;
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
    parse(path, &text, options)
}

/// Reads a scenario from the text of its file.
///
/// # Errors
///
/// All that is wrong with the text.
pub fn parse(file: &Path, text: &str, options: ParseOptions) -> Result<Scenario, ScenarioError> {
    let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
    if size > SIZE_LIMIT {
        let mistake = Mistake::TooLarge { size, limit: SIZE_LIMIT };
        return Err(ScenarioError::whole_file(file, mistake));
    }
    let tree = match yaml::read(text) {
        Ok(tree) => tree,
        Err(problem) => return Err(ScenarioError::new(file, text, vec![*problem])),
    };
    let source = Arc::from(text);
    let read = match Product::of(&tree) {
        Ok(None) => sound(file, &source, &tree, options),
        Ok(Some(product)) => all(file, &source, &product, options),
        Err(problems) => Err(problems),
    };
    read.map_err(|problems| ScenarioError::new(file, text, problems))
}

/// Reads a scenario from a tree without variables.
fn sound(
    file: &Path,
    source: &Arc<str>,
    tree: &Node,
    options: ParseOptions,
) -> Result<Scenario, Vec<Problem>> {
    let mut draft = decode::decode(file, source, tree);
    validate::validate(&mut draft);
    if options.allow_missing_outcome {
        draft.problems.retain(|problem| problem.mistake != Mistake::MissingOutcome);
    }
    if draft.problems.is_empty() { Ok(draft.scenario) } else { Err(draft.problems) }
}

/// Reads every instance of a file, and gives the first one with the others.
fn all(
    file: &Path,
    source: &Arc<str>,
    product: &Product<'_>,
    options: ParseOptions,
) -> Result<Scenario, Vec<Problem>> {
    let mut scenarios = Vec::new();
    let mut found = Found::default();
    for instance in product.instances() {
        // What is read of the first ones is no reading of the file.
        let Instance { names, tree } = instance.map_err(|problem| vec![problem])?;
        let name = names.join("/");
        match tree.and_then(|tree| sound(file, source, &tree, options)) {
            Ok(scenario) => {
                found.add(&name, Vec::new());
                scenarios.push(Scenario { branch: names, ..scenario });
            }
            Err(problems) => found.add(&name, problems),
        }
    }
    let problems = found.into_problems();
    let mut scenarios = scenarios.into_iter();
    match scenarios.next().filter(|_| problems.is_empty()) {
        Some(first) => Ok(Scenario { others: scenarios.collect(), ..first }),
        None => Err(problems),
    }
}

/// What is wrong in instances, each once, and where.
#[derive(Default)]
struct Found {
    /// How many instances there are.
    instances: usize,
    problems: BTreeMap<Option<Position>, Vec<InInstances>>,
}

/// One problem and the instances that have it.
struct InInstances {
    problem: Problem,
    /// The name of the first one.
    first: String,
    /// The number of the last one.
    last: usize,
    count: usize,
}

impl Found {
    /// Adds what is wrong with the next instance.
    fn add(&mut self, instance: &str, problems: Vec<Problem>) {
        self.instances += 1;
        let last = self.instances;
        for problem in problems {
            let here = self.problems.entry(problem.position).or_default();
            let known = here.iter().position(|known| known.problem.mistake == problem.mistake);
            if let Some(known) = known.and_then(|index| here.get_mut(index)) {
                // A value that is used twice is wrong twice in the same place.
                known.count += usize::from(known.last != last);
                known.last = last;
            } else if here.len() < VARIANTS {
                let first = instance.to_owned();
                here.push(InInstances { problem, first, last, count: 1 });
            }
        }
    }

    fn into_problems(self) -> Vec<Problem> {
        let all = self.instances;
        let placed = |InInstances { problem, first, count, .. }| {
            let only_in = match count {
                count if count == all => None,
                1 => Some(first),
                count => Some(format!("{first} and {} more", count - 1)),
            };
            Problem { only_in, ..problem }
        };
        self.problems.into_values().flatten().map(placed).collect()
    }
}

/// Reads a file, but never more than the limit, whatever it says of its size.
fn read(path: &Path) -> Result<Vec<u8>, ScenarioError> {
    let unreadable = |error: std::io::Error| {
        ScenarioError::whole_file(path, Mistake::Unreadable { reason: reason(&error) })
    };
    // Opening a named pipe or a device could wait for ever.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        let reason = if metadata.is_dir() { "it is a folder" } else { "it is no ordinary file" };
        let mistake = Mistake::Unreadable { reason: reason.to_owned() };
        return Err(ScenarioError::whole_file(path, mistake));
    }
    let mut bytes = Vec::new();
    let mut limited = File::open(path).map_err(unreadable)?.take(SIZE_LIMIT + 1);
    limited.read_to_end(&mut bytes).map_err(unreadable)?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > SIZE_LIMIT {
        let mistake = Mistake::TooLarge { size: metadata.len().max(size), limit: SIZE_LIMIT };
        return Err(ScenarioError::whole_file(path, mistake));
    }
    Ok(bytes)
}

/// What the operating system says, without its error number.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// Points to the first byte that is no text.
fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> ScenarioError {
    let valid = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes());
    let before = text.get(..valid).unwrap_or_default();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let position = Position { line: number(line), column: number(column), width: 1 };
    let problem = Problem::new(position, Mistake::NotUtf8);
    ScenarioError::new(path, &text, vec![problem])
}

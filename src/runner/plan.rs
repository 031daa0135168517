//! What is to be run: found, loaded, chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::scenario::{ParseOptions, Scenario, discover, load_with, run_id, scenario_id};

/// The name of the folder that a suite lies in; ids count from there.
const SUITE: &str = "specs";

/// The scenarios to run, in order.
#[derive(Debug, Default)]
pub struct Plan {
    /// The scenarios.
    pub cases: Vec<Planned>,
}

/// One scenario to run.
#[derive(Debug)]
pub struct Planned {
    /// Names it within the suite.
    pub id: String,
    /// Its file, as it was found.
    pub file: PathBuf,
    /// What its file says, or what is wrong with it.
    pub scenario: Result<Box<Scenario>, String>,
}

/// Which of the scenarios run.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Parts of ids or titles, one of which must be there; none for all.
    pub filters: Vec<String>,
    /// The part of the suite, if it is split.
    pub shard: Option<Shard>,
}

/// One of several parts of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 1.
    pub index: usize,
    /// How many there are.
    pub count: usize,
}

/// A text that names no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shard is I/N with 1 <= I <= N, as in 2/5")]
pub struct InvalidShard;

impl FromStr for Shard {
    type Err = InvalidShard;

    fn from_str(text: &str) -> Result<Self, InvalidShard> {
        let (index, count) = text.split_once('/').ok_or(InvalidShard)?;
        let number = |text: &str| text.parse::<usize>().map_err(|_| InvalidShard);
        let shard = Self { index: number(index)?, count: number(count)? };
        let sound = (1..=shard.count).contains(&shard.index);
        if sound { Ok(shard) } else { Err(InvalidShard) }
    }
}

impl Plan {
    /// Finds, loads and chooses scenarios. What is wrong with a path or a file is a case of its
    /// own, so that the others still run.
    pub fn make(paths: &[PathBuf], selection: &Selection, options: ParseOptions) -> Self {
        let mut files: BTreeMap<PathBuf, Found> = BTreeMap::new();
        let mut real = BTreeSet::new();
        for path in paths {
            match discover(std::slice::from_ref(path)) {
                Ok(found) => {
                    for file in found {
                        if real.insert(file.canonicalize().unwrap_or_else(|_| file.clone())) {
                            files.insert(file, Found::In(path.clone()));
                        }
                    }
                }
                Err(error) => {
                    files.insert(path.clone(), Found::Error(error.to_string()));
                }
            }
        }
        let mut cases: Vec<Planned> =
            files.into_iter().flat_map(|(file, found)| planned(&file, found, options)).collect();
        tell_apart(&mut cases);
        cases.retain(|case| selection.wants(case));
        if let Some(Shard { index, count }) = selection.shard {
            let mut number = 0;
            cases.retain(|_| {
                number += 1;
                (number - 1) % count == index - 1
            });
        }
        Self { cases }
    }

    /// Whether any scenario can be played, so that a bitcoind is needed.
    pub fn needs_bitcoind(&self) -> bool {
        self.cases.iter().any(|case| case.scenario.is_ok())
    }
}

impl Selection {
    fn wants(&self, case: &Planned) -> bool {
        let title = case.scenario.as_ref().map_or("", |scenario| &*scenario.title);
        self.filters.is_empty()
            || self.filters.iter().any(|part| case.id.contains(part) || title.contains(part))
    }
}

enum Found {
    /// Under this path.
    In(PathBuf),
    /// Not at all.
    Error(String),
}

/// The runs of a file: one, or one for each way through its branches.
fn planned(file: &Path, found: Found, options: ParseOptions) -> Vec<Planned> {
    let case = |id: String, scenario: Result<Box<Scenario>, String>| Planned {
        id,
        file: file.to_owned(),
        scenario,
    };
    let root = match found {
        Found::In(root) => root,
        Found::Error(error) => return vec![case(plain(file), Err(error))],
    };
    let id = id(&root, file);
    match load_with(file, options) {
        Err(error) => vec![case(id, Err(error.to_string()))],
        Ok(scenario) => scenario
            .runs()
            .into_iter()
            .map(|run| case(run_id(&id, &run.branch), Ok(Box::new(run))))
            .collect(),
    }
}

/// A scenario of a suite has the same id however it is named on the command line.
fn id(root: &Path, file: &Path) -> String {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let suite = absolute.ancestors().skip(1).find(|folder| folder.ends_with(SUITE));
    match suite {
        Some(suite) => scenario_id(suite, &absolute),
        None if root == file => scenario_id(file.parent().unwrap_or(root), file),
        None => scenario_id(root, file),
    }
}

/// The path's names alone, without what leads out of a folder.
fn plain(path: &Path) -> String {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    });
    names.collect::<Vec<_>>().join("/")
}

/// Two scenarios of one id get their whole paths for ids.
fn tell_apart(cases: &mut [Planned]) {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases.iter() {
        *count.entry(case.id.clone()).or_default() += 1;
    }
    for case in cases {
        if count.get(&case.id).is_some_and(|&count| count > 1) {
            case.id = plain(&std::path::absolute(&case.file).unwrap_or_else(|_| case.file.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_from_the_suite_however_it_is_named() {
        for (root, file, expected) in [
            ("specs", "specs/penalty/a.yaml", "penalty/a"),
            ("specs/penalty", "specs/penalty/a.yaml", "penalty/a"),
            ("specs/penalty/a.yaml", "specs/penalty/a.yaml", "penalty/a"),
            ("./mine", "./mine/sub/a.yaml", "sub/a"),
            ("mine/a.yaml", "mine/a.yaml", "a"),
        ] {
            assert_eq!(id(Path::new(root), Path::new(file)), expected, "{file} of {root}");
        }
    }

    #[test]
    fn scenarios_of_one_id_are_told_apart_without_leaving_the_folder_of_traces() {
        let case = |file: &str| Planned {
            id: "a".to_owned(),
            file: file.into(),
            scenario: Err(String::new()),
        };
        let mut cases = [case("/x/a.yaml"), case("/x/../y/a.yml")];
        tell_apart(&mut cases);
        assert_eq!(cases.map(|case| case.id), ["x/a.yaml", "x/y/a.yml"]);
    }

    #[test]
    fn shard_is_a_part_of_a_whole() {
        assert_eq!("2/5".parse(), Ok(Shard { index: 2, count: 5 }));
        for text in ["", "2", "0/5", "6/5", "-1/5", "1/0", "a/b"] {
            assert_eq!(text.parse::<Shard>(), Err(InvalidShard), "{text}");
        }
    }
}

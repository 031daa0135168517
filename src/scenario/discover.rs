//! Finding the scenarios under the paths that a user names.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::load::reason;

/// How deep folders may nest; a loop of links ends here at the latest.
const DEPTH_LIMIT: usize = 32;

/// Why no scenarios were found.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// A path cannot be read.
    #[error("{}: {}", .path.display(), reason(.source))]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A folder without scenarios.
    #[error("{}: no scenarios (`*.yaml`) in this folder or below it", .path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// No path was named.
    #[error("no path to look for scenarios in")]
    NoPath,
}

/// The files under these paths, sorted, each once. A folder gives all `*.yaml` and `*.yml` files
/// below it, except those in a folder `requirements`, which are no scenarios; a file gives itself,
/// whatever its name.
///
/// # Errors
///
/// A path that is not there or cannot be read, and a folder without any scenario.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, DiscoverError> {
    if paths.is_empty() {
        return Err(DiscoverError::NoPath);
    }
    let mut files = BTreeSet::new();
    for path in paths {
        if metadata(path)?.is_dir() {
            let mut walk = Walk { files: BTreeSet::new(), folders: BTreeSet::new() };
            walk.folder(path, DEPTH_LIMIT)?;
            if walk.files.is_empty() {
                return Err(DiscoverError::Empty { path: path.clone() });
            }
            files.append(&mut walk.files);
        } else {
            files.insert(path.clone());
        }
    }
    let mut seen = BTreeSet::new();
    let same = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    Ok(files.into_iter().filter(|path| seen.insert(same(path))).collect())
}

/// The id of a scenario: its path below the root, without extension, with `/`. A file that does
/// not lie below the root keeps its whole path.
pub fn scenario_id(root: &Path, file: &Path) -> String {
    let below = file.strip_prefix(root).ok().filter(|below| below.components().next().is_some());
    let relative = match below {
        Some(below) => below.with_extension(""),
        None => file.with_extension(""),
    };
    let parts: Vec<_> = relative
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

struct Walk {
    files: BTreeSet<PathBuf>,
    /// The folders that were visited, by their real path, so that a loop of links ends.
    folders: BTreeSet<PathBuf>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), DiscoverError> {
        let unreadable = |source| DiscoverError::Unreadable { path: folder.to_owned(), source };
        let real = fs::canonicalize(folder).map_err(unreadable)?;
        if depth == 0 || !self.folders.insert(real) {
            return Ok(());
        }
        let entries = fs::read_dir(folder).map_err(unreadable)?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(unreadable)?;
        // Which of two names of a folder is taken must not depend on the file system.
        paths.sort();
        for path in paths {
            // A link that leads nowhere is no scenario.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_dir() && !is_skipped(&path) {
                self.folder(&path, depth - 1)?;
            } else if metadata.is_file() && is_yaml(&path) {
                self.files.insert(path);
            }
        }
        Ok(())
    }
}

fn metadata(path: &Path) -> Result<fs::Metadata, DiscoverError> {
    fs::metadata(path).map_err(|source| DiscoverError::Unreadable { path: path.to_owned(), source })
}

fn is_skipped(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name == "requirements" || name.starts_with('.')
}

fn is_yaml(file: &Path) -> bool {
    let hidden = file.file_name().unwrap_or_default().to_string_lossy().starts_with('.');
    !hidden && file.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// Names a run of a scenario: the scenario's id, and the branches that the run takes.
pub fn run_id(scenario: &str, branch: &[String]) -> String {
    branch.iter().fold(scenario.to_owned(), |id, name| format!("{id}/{name}"))
}

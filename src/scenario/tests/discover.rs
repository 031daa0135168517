//! Finding files.

use std::{fs, path::PathBuf};

use super::*;

fn tree(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, "").expect("a file");
    }
    root
}

fn ids(root: &tempfile::TempDir, paths: &[PathBuf]) -> Vec<String> {
    let files = discover(paths).expect("scenarios");
    files.iter().map(|file| scenario_id(root.path(), file)).collect()
}

#[test]
fn a_folder_gives_its_files_sorted() {
    let root = tree(&[
        "penalty/b.yaml",
        "penalty/a.yml",
        "funding/z.yaml",
        "notes.md",
        "requirements/bolt02.yaml",
        ".hidden/x.yaml",
        "funding/.draft.yaml",
    ]);
    let paths = [root.path().to_owned()];
    assert_eq!(ids(&root, &paths), ["funding/z", "penalty/a", "penalty/b"]);
}

#[test]
fn a_file_that_is_named_is_taken_whatever_its_name() {
    let root = tree(&["x.txt", "a.yaml"]);
    let paths = [root.path().join("x.txt"), root.path().to_owned(), root.path().join("a.yaml")];
    assert_eq!(ids(&root, &paths), ["a", "x"]);
}

#[test]
fn the_same_file_by_two_names_runs_once() {
    let root = tree(&["a.yaml"]);
    let paths = [
        root.path().join("a.yaml"),
        root.path().join("./a.yaml"),
        root.path().join("../").join(root.path().file_name().expect("a name")).join("a.yaml"),
    ];
    assert_eq!(discover(&paths).expect("scenarios").len(), 1);
}

#[test]
fn a_folder_without_scenarios_is_an_error() {
    let root = tree(&["notes.md", "requirements/bolt02.yaml"]);
    let error = discover(&[root.path().to_owned()]).expect_err("no scenarios");
    assert!(matches!(error, DiscoverError::Empty { .. }), "{error}");
    assert!(matches!(discover(&[]), Err(DiscoverError::NoPath)));
}

#[test]
fn a_missing_path_is_an_error() {
    let error = discover(&[PathBuf::from("nowhere/at/all")]).expect_err("no such path");
    assert_eq!(error.to_string(), "nowhere/at/all: there is no such file");
}

#[cfg(unix)]
#[test]
fn a_loop_of_links_ends() {
    let root = tree(&["a/b/x.yaml"]);
    std::os::unix::fs::symlink(root.path(), root.path().join("a/b/loop")).expect("a link");
    std::os::unix::fs::symlink("nowhere", root.path().join("a/b/broken.yaml")).expect("a link");
    assert_eq!(ids(&root, &[root.path().to_owned()]), ["a/b/x"]);
}

#[test]
fn an_id_is_the_path_below_the_root() {
    let id = |root: &str, file: &str| scenario_id(FilePath::new(root), FilePath::new(file));
    assert_eq!(id("specs", "specs/penalty/revoked_by_funder.yaml"), "penalty/revoked_by_funder");
    assert_eq!(id("specs/", "specs/a.b.yaml"), "a.b");
    assert_eq!(id("specs", "other/x.yaml"), "other/x");
    assert_eq!(id("x.yaml", "x.yaml"), "x");
    assert_eq!(id(".", "./x.yaml"), "x");
}

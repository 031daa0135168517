//! `seeds TARGET FOLDER`: writes a target's seeds as files.
#![allow(clippy::unwrap_used, reason = "a tool that cannot go on says so by a panic")]

use std::path::Path;
use std::{env, fs};

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [target, folder] = arguments.as_slice() else { panic!("seeds TARGET FOLDER") };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (number, seed) in boltlab_fuzz::seeds(&root, target).iter().enumerate() {
        fs::write(Path::new(folder).join(format!("seed-{number}")), seed).unwrap();
    }
}

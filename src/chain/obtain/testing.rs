//! A machine made of a temporary folder and shell scripts, for tests.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::places::Places;

pub(super) const CORE: &str = "Bitcoin Core daemon version v31.99.0-unk bitcoind";
pub(super) const KNOTS: &str = "Bitcoin Knots daemon version v29.4.knots20260508";

pub(super) struct Machine {
    root: TempDir,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.root().join("cache/boltlab")
    }

    /// An environment that sees nothing but this machine's folders.
    pub(super) fn places(&self) -> Places {
        Places {
            path: vec![self.root().join("bin")],
            cache: Some(self.cache()),
            apt: self.root().join("etc/apt"),
            keyrings: self.root().join("keyrings"),
            architecture: String::from("x86_64"),
            temporary: self.root().to_owned(),
            ..Places::default()
        }
    }

    pub(super) fn file(&self, path: &str, text: &str) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn script(&self, path: &str, body: &str) -> PathBuf {
        let path = self.root().join(path);
        write_script(&path, body);
        path
    }

    /// A bitcoind that knows its version and nothing else.
    pub(super) fn bitcoind(&self, folder: &str, version: &str) -> PathBuf {
        self.script(&format!("{folder}/bitcoind"), &format!("echo '{version}'"))
    }
}

/// Writes an executable script. A shell writes it, not this process: a file that is open for
/// writing here could be inherited by a child that another test forks, and would not start.
pub(super) fn write_script(path: &Path, body: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut shell = Command::new("sh")
        .args(["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    write!(shell.stdin.take().unwrap(), "#!/bin/sh\n{body}\n").unwrap();
    assert!(shell.wait().unwrap().success());
}

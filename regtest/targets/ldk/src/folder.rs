//! A node's folder, which goes with the process that made it, however that ends.

use std::{
    env,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use boltlab::chain::Chain;
use tempfile::Builder;

use super::LdkError;

/// Who sets it keeps the folders of nodes, for their logs.
const KEEP: &str = "BOLTLAB_KEEP_LDK";

/// It waits for the end of its input, which comes even if this process is killed.
const GUARD: &str = r#"trap '' HUP INT QUIT TERM; read -r _; rm -rf "$1""#;

/// A folder. Dropping it removes it, and returns when it is gone.
pub(crate) struct Folder {
    path: PathBuf,
    guard: Option<Child>,
}

impl Folder {
    /// A folder where the lab's bitcoind has its own, mostly in memory: a node writes a lot, and
    /// waits for each write. One that is kept is on disk.
    pub(crate) fn beside(chain: &Chain) -> Result<Self, LdkError> {
        let keep = env::var_os(KEEP).is_some();
        let parent = match chain.datadir().parent() {
            Some(parent) if !keep => parent.to_path_buf(),
            _ => env::temp_dir(),
        };
        let folder = Builder::new().prefix("boltlab-ldk-").tempdir_in(&parent);
        let folder = folder.map_err(|source| LdkError::Io {
            action: "create a folder in",
            path: parent,
            source,
        })?;
        if keep {
            return Ok(Self { path: folder.keep(), guard: None });
        }
        let guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "boltlab-guard"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C reaches the tests alone.
            .process_group(0)
            .spawn();
        let guard = guard.map_err(|source| LdkError::Io {
            action: "run",
            path: "/bin/sh".into(),
            source,
        })?;
        Ok(Self { path: folder.keep(), guard: Some(guard) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(guard) = &mut self.guard {
            drop(guard.stdin.take());
            // Nothing is left to be done about a guard that cannot be waited for.
            drop(guard.wait());
        }
    }
}

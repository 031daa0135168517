//! Files that a run writes, and how their changes are shown.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::trace::{Trace, transcript};

/// Writes a trace and its transcript below a folder, and gives the trace's path.
///
/// # Errors
/// Those of the file system.
pub(super) fn write_trace(folder: &Path, id: &str, trace: &Trace) -> io::Result<PathBuf> {
    let path = folder.join(format!("{id}.jsonl"));
    fs::create_dir_all(path.parent().unwrap_or(folder))?;
    let mut out = BufWriter::new(File::create(&path)?);
    trace.write(&mut out)?;
    fs::write(folder.join(format!("{id}.txt")), transcript(trace))?;
    Ok(path)
}

/// Replaces a file at once, so that a full disk or a crash leaves the old one whole.
///
/// # Errors
/// Those of the file system.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    // As any new file, not as a secret one.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut new = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    new.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(path) {
        new.as_file().set_permissions(old.permissions())?;
    }
    new.persist(path)?;
    Ok(())
}

/// The lines that differ, with a few around them.
pub(super) fn difference(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff().context_radius(2).header(old_name, new_name).to_string()
}

/// Where the golden transcript of a scenario lies.
pub(super) fn golden(file: &Path) -> PathBuf {
    file.with_extension("golden")
}

//! The cache: one folder a way, complete or not there at all.
//!
//! An attempt works in a temporary folder beside, and renames what is complete. A lock file a way
//! lets one process work and the others wait; whoever holds it knows that every temporary folder
//! of that way is of a dead attempt.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::bitcoind::{Bitcoind, Origin, Way};
use super::error::WayError;
use super::progress::Progress;
use super::search::{cached, examine};
use super::tool::Log;

/// Where one attempt works.
pub(super) struct Workshop<'a> {
    /// A folder for whatever comes up; it goes away with the attempt.
    pub(super) scratch: &'a Path,
    /// The folder that becomes the cache's: `bin/bitcoind` must be in it in the end.
    pub(super) product: &'a Path,
    /// What the tools print.
    pub(super) log: &'a Log,
    /// Who hears how far it has come.
    pub(super) progress: &'a dyn Progress,
}

/// Has `make` fill a folder with a bitcoind and puts it into the cache, unless another process
/// does so first.
pub(super) fn install(
    cache: &Path,
    way: Way,
    progress: &dyn Progress,
    make: impl FnOnce(&Workshop<'_>) -> Result<(), WayError>,
) -> Result<Bitcoind, WayError> {
    fs::create_dir_all(cache).map_err(WayError::io(cache))?;
    let _lock = lock(cache, way, progress)?;
    let target = cache.join(way.folder());
    let examine_in =
        |folder: &Path| cached(folder, way).map(|command| examine(command, Origin::Cache(way)));
    // Another process may have put it there while this one waited for the lock.
    if let Some(Ok(found)) = examine_in(&target) {
        return Ok(found);
    }
    clear_dead_attempts(cache, way);
    let attempt = tempfile::Builder::new()
        .prefix(&temporary_prefix(way))
        .tempdir_in(cache)
        .map_err(WayError::io(cache))?;
    let log = Log::create(log_path(cache, way))?;
    let (scratch, product) = (attempt.path().join("scratch"), attempt.path().join("product"));
    fs::create_dir(&scratch).map_err(WayError::io(&scratch))?;
    fs::create_dir(&product).map_err(WayError::io(&product))?;
    make(&Workshop { scratch: &scratch, product: &product, log: &log, progress })?;

    let unusable = |fault| WayError::Unusable { fault, log: log.path().to_owned() };
    if let Some(Err(fault)) = examine_in(&product) {
        return Err(unusable(fault));
    }
    if target.exists() {
        let broken = attempt.path().join("broken");
        fs::rename(&target, broken).map_err(WayError::io(&target))?;
    }
    fs::rename(&product, &target).map_err(WayError::io(&target))?;
    match examine_in(&target) {
        Some(Ok(found)) => Ok(found),
        Some(Err(fault)) => Err(unusable(fault)),
        None => Err(unusable(super::error::Fault::Absent)),
    }
}

/// The log of the last attempt this way.
pub(super) fn log_path(cache: &Path, way: Way) -> PathBuf {
    cache.join(format!("{}.log", way.folder()))
}

fn temporary_prefix(way: Way) -> String {
    format!("{}.part-", way.folder())
}

fn lock(cache: &Path, way: Way, progress: &dyn Progress) -> Result<File, WayError> {
    let path = cache.join(format!("{}.lock", way.folder()));
    let open = File::options().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(WayError::io(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress.stage(&format!("Waiting for another boltlab, which obtains {way}"), None);
            file.lock().map_err(WayError::io(&path))?;
        }
        Err(TryLockError::Error(error)) => return Err(WayError::Io { path, source: error }),
    }
    Ok(file)
}

/// Removes the temporary folders of attempts that were killed. A compiler that outlived one may
/// still write into it; what cannot be removed now is removed by the next attempt.
fn clear_dead_attempts(cache: &Path, way: Way) {
    let prefix = temporary_prefix(way);
    let entries = fs::read_dir(cache).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::obtain::error::Fault;
    use crate::chain::obtain::progress::Silent;
    use crate::chain::obtain::testing::{CORE, Machine, write_script};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[allow(clippy::unnecessary_wraps, reason = "it is passed as what makes a bitcoind")]
    fn make(workshop: &Workshop<'_>) -> Result<(), WayError> {
        write_script(&workshop.product.join("bin/bitcoind"), &format!("echo '{CORE}'"));
        Ok(())
    }

    fn entries(cache: &Path) -> Vec<String> {
        let entries = fs::read_dir(cache).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_complete_appears_and_nothing_else_stays() {
        let machine = Machine::new();
        let found = install(&machine.cache(), Way::CoreSources, &Silent, make).unwrap();
        assert_eq!(found.version, CORE);
        let name = Way::CoreSources.folder();
        assert_eq!(
            entries(&machine.cache()),
            [name.to_owned(), format!("{name}.lock"), format!("{name}.log")]
        );
    }

    #[test]
    fn a_failed_attempt_leaves_no_product() {
        let machine = Machine::new();
        let error = install(&machine.cache(), Way::CoreSources, &Silent, |workshop| {
            make(workshop)?;
            Err(WayError::NotForThisMachine { reason: "a test" })
        });
        assert!(error.is_err());
        assert!(!machine.cache().join(Way::CoreSources.folder()).exists());
    }

    #[test]
    fn a_product_that_does_not_run_is_not_kept() {
        let machine = Machine::new();
        let error = install(&machine.cache(), Way::CoreSources, &Silent, |workshop| {
            write_script(&workshop.product.join("bin/bitcoind"), "exit 1");
            Ok(())
        });
        assert!(
            matches!(error, Err(WayError::Unusable { fault: Fault::Fails { .. }, .. })),
            "{error:?}"
        );
        assert!(!machine.cache().join(Way::CoreSources.folder()).exists());
    }

    #[test]
    fn a_killed_attempt_is_cleared_and_another_ways_is_left_alone() {
        let machine = Machine::new();
        let dead = format!("{}.part-dead", Way::CoreSources.folder());
        let other = format!("{}.part-alive", Way::DebianPackage.folder());
        machine.file(&format!("cache/boltlab/{dead}/scratch/half"), "half");
        machine.file(&format!("cache/boltlab/{other}/scratch/half"), "half");
        install(&machine.cache(), Way::CoreSources, &Silent, make).unwrap();
        assert!(!machine.cache().join(dead).exists());
        assert!(machine.cache().join(other).exists());
    }

    #[test]
    fn a_broken_one_is_replaced() {
        let machine = Machine::new();
        let folder = machine.cache().join(Way::CoreSources.folder());
        write_script(&folder.join("bin/bitcoind"), "exit 1");
        machine.file(&format!("cache/boltlab/{}/old", Way::CoreSources.folder()), "");
        assert!(install(&machine.cache(), Way::CoreSources, &Silent, make).is_ok());
        assert!(!folder.join("old").exists());
    }

    #[test]
    fn of_many_at_once_one_works_and_the_others_wait() {
        let machine = Machine::new();
        let made = AtomicUsize::new(0);
        thread::scope(|scope| {
            let attempts: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        install(&machine.cache(), Way::CoreSources, &Silent, |workshop| {
                            made.fetch_add(1, Ordering::SeqCst);
                            make(workshop)
                        })
                    })
                })
                .collect();
            for attempt in attempts {
                assert_eq!(attempt.join().unwrap().unwrap().version, CORE);
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }
}

//! What is here and what is missing, for `boltlab doctor`. Looks, and changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::bitcoind::{Bitcoind, Origin, Request, Way};
use super::places::Places;
use super::search::{Finding, State, look};
use super::tool::Need;
use super::{debian, source};

/// Every place that was looked at, and what each way to obtain a bitcoind needs.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The places in the order in which they are searched.
    pub findings: Vec<Finding>,
    /// The ways in the order in which they are tried.
    pub ways: Vec<WaySurvey>,
    /// boltlab's cache; none if the user has no home folder.
    pub cache: Option<CacheFolder>,
    /// The folder for labs' data, and how many KiB are free there, if `df` says so.
    pub temporary: (PathBuf, Option<u64>),
}

/// What one way needs.
#[derive(Clone, Debug)]
pub struct WaySurvey {
    /// The way.
    pub way: Way,
    /// Why it cannot be gone on this kind of machine at all.
    pub obstacle: Option<&'static str>,
    /// What it needs, there or not.
    pub needs: Vec<Need>,
}

/// boltlab's cache folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheFolder {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// The bytes of its files; none if it does not exist yet.
    pub size: Option<u64>,
}

impl Survey {
    /// The bitcoind that a run would use, if it need not be obtained first. A named one that is
    /// broken stops a run, whatever else is found.
    pub fn chosen(&self) -> Option<&Bitcoind> {
        for finding in &self.findings {
            match &finding.state {
                State::Found(found) => return Some(found),
                State::Faulty(_) if finding.origin.is_named_by_the_user() => return None,
                State::Faulty(_) | State::Nothing => {}
            }
        }
        None
    }

    /// The named bitcoind that is broken, if one is.
    pub fn broken(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| {
            finding.origin.is_named_by_the_user() && matches!(finding.state, State::Faulty(_))
        })
    }

    /// The way by which a run would obtain a bitcoind, if it finds none.
    pub fn open_way(&self) -> Option<Way> {
        self.cache.as_ref()?;
        self.ways.iter().find(|survey| survey.is_open()).map(|survey| survey.way)
    }
}

impl WaySurvey {
    /// Whether nothing is missing. The network is not tried.
    pub fn is_open(&self) -> bool {
        self.obstacle.is_none() && self.needs.iter().all(Need::is_met)
    }
}

/// Looks at every place of this machine.
pub fn survey() -> Survey {
    survey_of(&Places::of_this_process())
}

/// Looks at every place of an environment given by value.
pub fn survey_of(places: &Places) -> Survey {
    let request = Request::default();
    let findings = Origin::SEARCHED.map(|origin| look(places, &request, origin)).to_vec();
    let ways = Way::ALL
        .map(|way| match way {
            Way::DebianPackage => {
                let obstacle = debian::obstacle(places);
                WaySurvey { way, obstacle, needs: debian::needs(places) }
            }
            Way::CoreSources => WaySurvey { way, obstacle: None, needs: source::needs(places) },
        })
        .to_vec();
    let cache = places
        .cache
        .clone()
        .map(|path| CacheFolder { size: path.is_dir().then(|| size(&path)), path });
    let temporary = (places.temporary.clone(), free_kib(places));
    Survey { findings, ways, cache, temporary }
}

/// The bytes of all files in a folder; symbolic links are not followed.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// What POSIX's `df -Pk` says is free.
fn free_kib(places: &Places) -> Option<u64> {
    let df = places.program("df")?;
    let mut command = Command::new(df);
    command.arg("-Pk").arg(&places.temporary).env("LC_ALL", "C").stdin(Stdio::null());
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::obtain::testing::{CORE, KNOTS, Machine, write_script};

    #[test]
    fn first_usable_place_is_chosen() {
        let machine = Machine::new();
        machine.bitcoind("bin", KNOTS);
        write_script(
            &machine.cache().join(Way::CoreSources.folder()).join("bin/bitcoind"),
            &format!("echo '{CORE}'"),
        );
        let survey = survey_of(&machine.places());
        assert_eq!(survey.chosen().map(|found| found.origin), Some(Origin::Path));
        let found = survey.findings.iter().filter(|it| matches!(it.state, State::Found(_)));
        assert_eq!(found.count(), 2);
    }

    #[test]
    fn broken_named_one_leaves_nothing_chosen() {
        let machine = Machine::new();
        machine.bitcoind("bin", KNOTS);
        let places = Places { bitcoind_exe: Some("/nowhere/bitcoind".into()), ..machine.places() };
        let survey = survey_of(&places);
        assert_eq!(survey.chosen(), None);
        assert_eq!(survey.broken().map(|finding| finding.origin), Some(Origin::Environment));
    }

    #[test]
    fn bare_machine_has_no_open_way() {
        let machine = Machine::new();
        let survey = survey_of(&machine.places());
        assert_eq!(survey.open_way(), None);
        assert_eq!(survey.cache.unwrap().size, None);
    }

    #[test]
    fn size_is_that_of_all_files() {
        let machine = Machine::new();
        machine.file("cache/boltlab/a/one", "12345");
        machine.file("cache/boltlab/two", "123");
        assert_eq!(size(&machine.cache()), 8);
    }
}

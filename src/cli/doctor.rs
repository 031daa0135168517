//! `boltlab doctor`: what is installed, what is missing, and what to do about it.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::chain::obtain::{MINIMUM_MAJOR, NeedState, Survey, Way, WaySurvey, survey};

/// The environment is wrong: no bitcoind is here, and none can be obtained.
const ENVIRONMENT_IS_WRONG: u8 = 2;

/// The width of the first column.
const NAME_WIDTH: usize = 24;

/// Prints what was found and what is missing; fails if no bitcoind is here and none can be
/// obtained.
pub fn doctor() -> ExitCode {
    let survey = survey();
    // Whoever closed the pipe has read enough; the exit status still tells the verdict.
    let _ = write_report(&survey, &mut anstream::stdout().lock());
    if is_well(&survey) { ExitCode::SUCCESS } else { ExitCode::from(ENVIRONMENT_IS_WRONG) }
}

/// Whether `boltlab run` would have a bitcoind.
pub fn is_well(survey: &Survey) -> bool {
    survey.broken().is_none() && (survey.chosen().is_some() || survey.open_way().is_some())
}

/// Writes the report.
///
/// # Errors
/// What `out` answers.
pub fn write_report(survey: &Survey, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "bitcoind is looked for in this order:")?;
    for finding in &survey.findings {
        row(out, &finding.origin.to_string(), &finding.summary())?;
    }
    writeln!(out)?;
    verdict(survey, out)?;
    survey.ways.iter().try_for_each(|way| write_way(way, out))?;

    writeln!(out, "\nFolders:")?;
    let cache = survey.cache.as_ref().map(|cache| match cache.size {
        Some(size) => format!("{} ({})", cache.path.display(), in_words(size)),
        None => format!("{} (not there yet)", cache.path.display()),
    });
    row(out, "cache", &cache.unwrap_or_else(|| "none: set HOME or XDG_CACHE_HOME".to_owned()))?;
    let (temporary, free) = &survey.temporary;
    let free = free.map(|kib| format!(" ({} free)", in_words(kib.saturating_mul(1024))));
    row(out, "labs' data", &format!("{}{}", temporary.display(), free.unwrap_or_default()))
}

fn verdict(survey: &Survey, out: &mut impl Write) -> io::Result<()> {
    let hint = format!("set BITCOIND_EXE to a bitcoind of version {MINIMUM_MAJOR} or later");
    if let Some(broken) = survey.broken() {
        let origin = broken.origin;
        writeln!(out, "boltlab run fails: what {origin} names cannot be used. Unset it, or {hint}.")
    } else if let Some(chosen) = survey.chosen() {
        writeln!(out, "boltlab run uses {}.", chosen.description())
    } else if let Some(way) = survey.open_way() {
        writeln!(out, "boltlab run will first obtain {way} into the cache, once.")
    } else {
        writeln!(out, "boltlab run fails: no bitcoind is here, and none can be obtained.")?;
        writeln!(out, "Install what is missing below, or {hint}.")
    }
}

fn write_way(survey: &WaySurvey, out: &mut impl Write) -> io::Result<()> {
    let cost = match survey.way {
        Way::DebianPackage => "unpacked, no root; seconds",
        Way::CoreSources => "about 8 minutes on two cores",
    };
    writeln!(out, "\nTo obtain {} ({cost}):", survey.way)?;
    if let Some(obstacle) = survey.obstacle {
        row(out, "not on this machine", obstacle)?;
    }
    for need in &survey.needs {
        let text = match &need.state {
            NeedState::Present(found) => found.clone(),
            NeedState::Absent if survey.obstacle.is_some() => String::from("missing"),
            NeedState::Absent => format!("missing: {}", need.remedy()),
            NeedState::TooOld { found, wanted } => {
                format!("{found} is too old, {wanted} is needed: {}", need.remedy())
            }
        };
        row(out, need.name, &text)?;
    }
    Ok(())
}

fn row(out: &mut impl Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {name:NAME_WIDTH$}{text}")
}

/// A number of bytes for people.
fn in_words(bytes: u64) -> String {
    const MEGABYTE: u64 = 1_000_000;
    const GIGABYTE: u64 = 1000 * MEGABYTE;
    if bytes >= 10 * GIGABYTE {
        format!("{} GB", bytes / GIGABYTE)
    } else {
        format!("{} MB", bytes.div_ceil(MEGABYTE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::obtain::{Bitcoind, CacheFolder, Fault, Finding, Kind, Need, Origin, State};

    fn need(name: &'static str, package: &'static str, state: NeedState) -> Need {
        Need { name, state, package: Some(package), otherwise: "" }
    }

    fn bare() -> Survey {
        let nothing = |origin| Finding { origin, path: None, state: State::Nothing };
        Survey {
            findings: Origin::SEARCHED.map(nothing).to_vec(),
            ways: vec![
                WaySurvey {
                    way: Way::DebianPackage,
                    obstacle: Some("it takes apt-get, apt-cache and dpkg"),
                    needs: vec![need("apt-get", "apt", NeedState::Absent)],
                },
                WaySurvey {
                    way: Way::CoreSources,
                    obstacle: None,
                    needs: vec![
                        need("cmake", "cmake", NeedState::Absent),
                        need("C++ compiler", "g++", NeedState::Present("/bin/c++ 12.2".into())),
                    ],
                },
            ],
            cache: Some(CacheFolder { path: "/home/u/.cache/boltlab".into(), size: None }),
            temporary: ("/tmp".into(), Some(78_000_000)),
        }
    }

    fn report(survey: &Survey) -> String {
        let mut out = Vec::new();
        write_report(survey, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bare_machine_is_told_what_to_install() {
        let survey = bare();
        assert!(!is_well(&survey));
        insta::assert_snapshot!(report(&survey), @r"
        bitcoind is looked for in this order:
          BITCOIND_EXE            not set
          PATH                    no bitcoind
          cache, Knots            not obtained yet
          cache, Core             not obtained yet

        boltlab run fails: no bitcoind is here, and none can be obtained.
        Install what is missing below, or set BITCOIND_EXE to a bitcoind of version 29 or later.

        To obtain Debian's package bitcoin-knots (unpacked, no root; seconds):
          not on this machine     it takes apt-get, apt-cache and dpkg
          apt-get                 missing

        To obtain Bitcoin Core from its sources (about 8 minutes on two cores):
          cmake                   missing: apt-get install cmake
          C++ compiler            /bin/c++ 12.2

        Folders:
          cache                   /home/u/.cache/boltlab (not there yet)
          labs' data              /tmp (79 GB free)
        ");
    }

    #[test]
    fn found_bitcoind_is_named_and_all_is_well() {
        let mut survey = bare();
        let found = Bitcoind {
            command: vec!["/bin/bitcoind".into()],
            version: String::from("Bitcoin Core daemon version v31.0.0"),
            kind: Kind::Core,
            origin: Origin::Path,
        };
        survey.findings[1].state = State::Found(found);
        assert!(is_well(&survey));
        let report = report(&survey);
        let line = "boltlab run uses Bitcoin Core daemon version v31.0.0 (PATH, /bin/bitcoind).\n";
        assert!(report.contains(line), "{report}");
    }

    #[test]
    fn open_way_is_announced_and_all_is_well() {
        let mut survey = bare();
        survey.ways[1].needs.remove(0);
        assert!(is_well(&survey));
        let report = report(&survey);
        assert!(report.contains("will first obtain Bitcoin Core from its sources"), "{report}");
    }

    #[test]
    fn broken_variable_is_an_illness_whatever_else_is_there() {
        let mut survey = bare();
        survey.ways[1].needs.remove(0);
        survey.findings[0].path = Some("/nowhere".into());
        survey.findings[0].state = State::Faulty(Fault::Absent);
        assert!(!is_well(&survey));
        let report = report(&survey);
        assert!(report.contains("/nowhere: there is no such file"), "{report}");
        assert!(report.contains("what BITCOIND_EXE names cannot be used"), "{report}");
    }

    #[test]
    fn sizes_are_rounded_for_people() {
        assert_eq!(in_words(0), "0 MB");
        assert_eq!(in_words(1), "1 MB");
        assert_eq!(in_words(27_400_000), "28 MB");
        assert_eq!(in_words(78_300_000_000), "78 GB");
    }
}

//! Finding a bitcoind, and obtaining one if there is none.
//!
//! It is looked for in `BITCOIND_EXE`, on `PATH` and in the cache, in this order. If none of them
//! has one, it is obtained once into the cache: Debian's package `bitcoin-knots`, unpacked and not
//! installed (seconds), or Bitcoin Core from its sources (minutes). Nothing here needs root.

mod bitcoind;
mod cache;
mod debian;
mod error;
mod mirror;
mod places;
mod progress;
mod search;
mod source;
mod survey;
#[cfg(test)]
mod testing;
mod tool;

pub use bitcoind::{Bitcoind, Kind, MINIMUM_MAJOR, Origin, Request, Wanted, Way};
pub use error::{Fault, ObtainError, WayError};
pub use places::Places;
pub use progress::{Bar, Lines, Progress, Silent, at_terminal};
pub use search::{Finding, State};
pub use survey::{CacheFolder, Survey, WaySurvey, survey, survey_of};
pub use tool::{Need, NeedState, ToolFailure};

/// Returns the bitcoind that is asked for, and obtains it into the cache if this machine has none.
///
/// # Errors
/// A bitcoind that was named (by `--bitcoind` or `BITCOIND_EXE`) and cannot be used is an error,
/// never passed over. Otherwise the error lists every place and every way that was tried, with the
/// reason of each.
pub fn find_or_obtain(request: &Request, progress: &dyn Progress) -> Result<Bitcoind, ObtainError> {
    find_or_obtain_in(&Places::of_this_process(), request, progress)
}

/// The same as [`find_or_obtain`], in an environment given by value.
///
/// # Errors
/// As [`find_or_obtain`].
pub fn find_or_obtain_in(
    places: &Places,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Bitcoind, ObtainError> {
    let origins = match &request.path {
        Some(_) => vec![Origin::Option],
        None => Origin::SEARCHED.to_vec(),
    };
    let mut looked = Vec::new();
    for origin in origins {
        let finding = search::look(places, request, origin);
        match (&finding.state, &finding.path) {
            (State::Found(found), _) if request.wanted.accepts(found.kind) => {
                return Ok(found.clone());
            }
            (State::Faulty(fault), Some(path)) if origin.is_named_by_the_user() => {
                return Err(ObtainError::Unusable {
                    origin,
                    path: path.clone(),
                    fault: fault.clone(),
                });
            }
            _ => looked.push(finding),
        }
    }
    obtain(places, request.wanted, looked, progress)
}

/// Tries the ways that yield what is wanted, the quickest first.
fn obtain(
    places: &Places,
    wanted: Wanted,
    looked: Vec<Finding>,
    progress: &dyn Progress,
) -> Result<Bitcoind, ObtainError> {
    let Some(cache) = places.cache.as_deref() else {
        return Err(ObtainError::NoCacheFolder);
    };
    let mut failures = Vec::new();
    for &way in wanted.ways() {
        let outcome = match way {
            Way::DebianPackage => debian::obtain(places, cache, progress),
            Way::CoreSources => source::obtain(places, cache, progress),
        };
        progress.finish();
        match outcome {
            Ok(bitcoind) => return Ok(bitcoind),
            Err(error) => failures.push((way, error)),
        }
    }
    Err(ObtainError::NotObtained { looked, failures })
}

#[cfg(test)]
mod tests;

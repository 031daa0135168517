//! Waiting for what a node reports.

use std::{
    collections::VecDeque,
    thread,
    time::{Duration, Instant, SystemTime},
};

use ldk_node::{Event, Node};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use super::{Ldk, LdkError, refused};

/// The events of a node that nobody has asked for yet, and the means to wait for more.
pub(crate) struct Events {
    aside: VecDeque<Event>,
    runtime: Runtime,
}

impl Events {
    pub(crate) fn new() -> Result<Self, LdkError> {
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|source| LdkError::Io {
            action: "wait for events of",
            path: "LDK".into(),
            source,
        })?;
        Ok(Self { aside: VecDeque::new(), runtime })
    }

    /// The next event that the node has not reported before.
    fn next(&self, node: &Node, patience: Duration) -> Result<Option<Event>, LdkError> {
        // The timer is made inside of the runtime, for it needs one.
        let next =
            self.runtime.block_on(async { timeout(patience, node.next_event_async()).await });
        let Ok(event) = next else { return Ok(None) };
        node.event_handled().map_err(refused("mark an event as handled"))?;
        Ok(Some(event))
    }
}

impl Ldk {
    /// The oldest event that nobody has got yet, as soon as there is one.
    ///
    /// # Errors
    ///
    /// When the node cannot store that it is handled.
    pub fn next_event(&self, patience: Duration) -> Result<Option<Event>, LdkError> {
        let mut events = self.events();
        match events.aside.pop_front() {
            Some(event) => Ok(Some(event)),
            None => events.next(&self.node, patience),
        }
    }

    /// The oldest event of this kind that nobody has got yet, as soon as there is one. Others stay
    /// for whoever asks for them.
    ///
    /// # Errors
    ///
    /// When none comes in time; the error has the others.
    pub fn wait_for(
        &self,
        what: &str,
        patience: Duration,
        mut is_it: impl FnMut(&Event) -> bool,
    ) -> Result<Event, LdkError> {
        let mut events = self.events();
        if let Some(place) = events.aside.iter().position(&mut is_it)
            && let Some(event) = events.aside.remove(place)
        {
            return Ok(event);
        }
        let since = now();
        loop {
            match events.next(&self.node, patience.saturating_sub(since.elapsed()))? {
                Some(event) if is_it(&event) => return Ok(event),
                Some(event) => events.aside.push_back(event),
                None => {
                    let seen = events.aside.iter().cloned().collect();
                    let log = self.log.clone();
                    return Err(LdkError::NoEvent {
                        what: what.into(),
                        after: patience,
                        seen,
                        log,
                    });
                }
            }
        }
    }

    /// Returns when something is so that no event tells of.
    ///
    /// # Errors
    ///
    /// When it is not so in time.
    pub fn wait_until(
        &self,
        what: &str,
        patience: Duration,
        mut is_so: impl FnMut(&Self) -> bool,
    ) -> Result<(), LdkError> {
        let since = now();
        while !is_so(self) {
            if since.elapsed() >= patience {
                let (what, log) = (what.into(), self.log.clone());
                return Err(LdkError::NotSo { what, after: patience, log });
            }
            pause();
        }
        Ok(())
    }
}

/// How often is looked for what nobody tells of.
const STEP: Duration = Duration::from_millis(5);

#[allow(clippy::disallowed_methods, reason = "nobody tells of it")]
pub(crate) fn pause() {
    thread::sleep(STEP);
}

/// LDK runs by the clock, and so does who waits for it.
#[allow(clippy::disallowed_methods, reason = "a node that is not boltlab's runs by the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The machine's clock, in seconds since 1970: LDK's.
#[allow(clippy::disallowed_methods, reason = "a node that is not boltlab's runs by the clock")]
pub(crate) fn unix_time() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

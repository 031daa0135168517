//! What those see of a lab whom a partition cut off.

use super::{Entry, Event, Trace};

impl Trace {
    /// The trace as it is for those who are cut off now: with what happened apart, and without what
    /// the chain and the mempool of the others did since the partition. If nobody is cut off, there
    /// is one view only, and this is it.
    #[must_use]
    pub fn as_seen_apart(&self) -> Self {
        let is_partition = |entry: &Entry| matches!(entry.event, Event::Partitioned { .. });
        let is_end = |entry: &Entry| matches!(entry.event, Event::Healed { .. });
        let since = self.entries.iter().rposition(is_partition).unwrap_or(self.entries.len());
        let (before, after) = self.entries.split_at(since);
        if after.iter().any(is_end) {
            return self.clone();
        }
        let seen = after
            .iter()
            .filter(|entry| !is_of_the_chain(&entry.event))
            .map(|entry| Entry { step: entry.step, event: entry.event.plain().clone() });
        Self { entries: before.iter().cloned().chain(seen).collect() }
    }
}

/// Whether an event is about a chain or a mempool, and so about one of two while there are two.
fn is_of_the_chain(event: &Event) -> bool {
    matches!(
        event,
        Event::Published { .. }
            | Event::Mined { .. }
            | Event::Disconnected { .. }
            | Event::Mempool { .. }
            | Event::Fees { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::testing::{apart, sample};

    fn events(trace: &Trace) -> Vec<Event> {
        trace.entries.iter().map(|entry| entry.event.clone()).collect()
    }

    #[test]
    fn those_who_are_cut_off_see_their_own_chain_and_all_messages() {
        let whole = apart();
        let seen = whole.as_seen_apart();
        let is_offline = |event: &Event| matches!(event, Event::Offline { .. });
        assert!(events(&whole).iter().any(is_offline) && events(&seen).iter().any(is_offline));
        let mined = |trace: &Trace| {
            let mined = events(trace).into_iter().filter_map(|event| match event {
                Event::Mined { to, .. } => Some(to.0),
                _ => None,
            });
            mined.collect::<Vec<_>>()
        };
        assert_eq!((mined(&whole), mined(&seen)), (vec![111, 112], vec![111, 113]));
        assert!(!events(&seen).iter().any(|event| matches!(event, Event::Apart { .. })));
    }

    #[test]
    fn what_is_wrapped_is_written_and_read() {
        for trace in [apart(), sample()] {
            let mut written = Vec::new();
            trace.write(&mut written).unwrap();
            assert_eq!(Trace::read(written.as_slice()).unwrap(), trace);
        }
    }

    #[test]
    fn with_one_chain_there_is_one_view() {
        assert_eq!(sample().as_seen_apart(), sample());
        let mut whole = apart();
        whole.entries.push(Entry { step: None, event: Event::Healed { roles: Vec::new() } });
        assert_eq!(whole.as_seen_apart(), whole);
    }
}

//! A table that is too long for one message, in parts.

use std::collections::BTreeMap;

use super::codec::{LINK_LENGTH, NAME_LENGTH, TABLE_HEAD};
use super::message::TablePart;
use super::{Link, Name, Offence};

/// Cuts a table into parts, none of which is longer than this many bytes when it is written, as
/// long as one link with its names fits.
pub fn in_parts<N: Name>(id: u64, links: &[Link<N>], most_bytes: usize) -> Vec<TablePart<N>> {
    let mut parts: Vec<Vec<Link<N>>> = vec![Vec::new()];
    let mut names = std::collections::BTreeSet::new();
    let mut bytes = TABLE_HEAD;
    for link in links {
        let new = link.ends.iter().filter(|name| !names.contains(*name)).count();
        let more = LINK_LENGTH.saturating_add(new.saturating_mul(NAME_LENGTH));
        if bytes.saturating_add(more) > most_bytes && bytes > TABLE_HEAD {
            parts.push(Vec::new());
            names.clear();
            bytes = TABLE_HEAD;
        }
        let new = link.ends.iter().filter(|name| names.insert(**name)).count();
        let more = LINK_LENGTH.saturating_add(new.saturating_mul(NAME_LENGTH));
        bytes = bytes.saturating_add(more);
        if let Some(part) = parts.last_mut() {
            part.push(*link);
        }
    }
    let count = parts.len();
    let numbered = (1..=count).zip(0_u16..).zip(parts);
    numbered.map(|((nth, part), links)| TablePart { id, part, last: nth == count, links }).collect()
}

/// Puts the parts of a table together, in whatever order they come.
#[derive(Clone, Debug)]
pub struct TableParts<N> {
    most_parts: u16,
    last: Option<u16>,
    parts: BTreeMap<u16, Vec<Link<N>>>,
}

impl<N: Name> TableParts<N> {
    /// Waits for no more than this many parts.
    pub fn new(most_parts: u16) -> Self {
        Self { most_parts, last: None, parts: BTreeMap::new() }
    }

    /// Takes a part; returns the links when it was the last that was missing.
    ///
    /// # Errors
    /// The part is there already, or stands behind the last one or the last that there may be.
    pub fn add(&mut self, part: TablePart<N>) -> Result<Option<Vec<Link<N>>>, Offence> {
        let TablePart { part: number, last, links, .. } = part;
        let offence = Offence::Part { part: number };
        let behind = self.last.is_some_and(|end| number > end || last);
        let cuts = last && self.parts.keys().any(|known| *known > number);
        if number >= self.most_parts || behind || cuts || self.parts.contains_key(&number) {
            return Err(offence);
        }
        self.parts.insert(number, links);
        if last {
            self.last = Some(number);
        }
        let whole = self.last.is_some_and(|end| self.parts.len() > usize::from(end));
        Ok(whole.then(|| self.parts.values().flatten().copied().collect()))
    }
}

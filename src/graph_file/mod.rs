//! Files that hold a graph: what `lncli describegraph` and `lightning-cli listchannels` print.
//!
//! ```text
//! file -> serde_json, as a stream -> lnd | cln (one record at a time) -> Loader -> Graph, aliases
//!                                                                             └──► what is skipped
//! ```
//!
//! What is no JSON, breaks off, lacks a field or has one of another kind is an error with its line
//! and column, and nothing is read. What is well written but cannot be a channel of BOLT 7 is left
//! out and counted ([`Skipped`]): a snapshot of a living network may have such a thing, and one
//! must not keep a person from using the rest.

mod cln;
mod error;
mod lnd;
mod loader;
mod number;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::Deserializer;
use serde::de::{self, IgnoredAny, MapAccess, Visitor};

use crate::bolt::routing::Graph;
use crate::bolt::wire::UncheckedPoint;
pub use error::GraphFileError;
use loader::Loader;
pub use loader::{SkipReason, Skipped};

/// More than this is not read: several times what the public network's graph takes.
const MOST_BYTES: u64 = 1 << 30;
/// How much is read at a time.
const BUFFER: usize = 1 << 16;

/// Who wrote the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `lncli describegraph`: `nodes` with aliases, `edges` with both policies.
    Lnd,
    /// `lightning-cli listchannels`: `channels`, one record for each direction.
    Cln,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lnd => "lncli describegraph",
            Self::Cln => "lightning-cli listchannels",
        })
    }
}

/// What a file holds.
#[derive(Clone, Debug)]
pub struct GraphFile {
    /// Who wrote it.
    pub format: Format,
    /// Nodes and channels.
    pub graph: Graph,
    /// What nodes call themselves, where the file says so; anybody may take any name.
    pub aliases: BTreeMap<UncheckedPoint, String>,
    /// What was left out, and why.
    pub skipped: Skipped,
}

/// Reads a file.
///
/// # Errors
/// [`GraphFileError`]: it cannot be read, or is no graph of a known format.
pub fn open(path: &Path) -> Result<GraphFile, GraphFileError> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read(&name, file),
        Err(error) => Err(GraphFileError::Io { name, error }),
    }
}

/// Reads a graph from its text, whose name is for messages.
///
/// # Errors
/// [`GraphFileError`]: it cannot be read, or is no graph of a known format.
pub fn read(name: &str, text: impl Read) -> Result<GraphFile, GraphFileError> {
    read_at_most(name, text, MOST_BYTES)
}

fn read_at_most(name: &str, text: impl Read, most: u64) -> Result<GraphFile, GraphFileError> {
    let mut bounded = BufReader::with_capacity(BUFFER, text.take(most));
    let mut deserializer = serde_json::Deserializer::from_reader(&mut bounded);
    let read = deserializer
        .deserialize_map(Document::default())
        .and_then(|read| deserializer.end().map(|()| read));
    drop(deserializer);
    match read {
        Ok((format, loader)) => Ok(loader.finish(format)),
        Err(_) if bounded.get_ref().limit() == 0 => {
            Err(GraphFileError::TooLarge { name: name.to_owned(), most })
        }
        Err(error) => Err(GraphFileError::new(name, error)),
    }
}

/// The whole document: an object, whose keys say who wrote it.
#[derive(Default)]
struct Document {
    loader: Loader,
    keys: Vec<&'static str>,
}

/// The keys that are read.
const NODES: &str = "nodes";
const EDGES: &str = "edges";
const CHANNELS: &str = "channels";

impl Document {
    /// Notes a key that is read.
    fn meet<E: de::Error>(&mut self, key: &'static str) -> Result<(), E> {
        if self.keys.contains(&key) {
            return Err(E::custom(format!("`{key}` stands there twice")));
        }
        self.keys.push(key);
        Ok(())
    }

    /// Whose keys these are.
    fn format<E: de::Error>(&self) -> Result<Format, E> {
        let has = |key| self.keys.contains(&key);
        match (has(NODES), has(EDGES), has(CHANNELS)) {
            (true, true, false) => Ok(Format::Lnd),
            (false, false, true) => Ok(Format::Cln),
            _ => Err(E::custom(
                "expected `nodes` and `edges` (lncli describegraph) or `channels` \
                 (lightning-cli listchannels)",
            )),
        }
    }
}

impl<'de> Visitor<'de> for Document {
    type Value = (Format, Loader);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a graph: an object with `nodes` and `edges`, or with `channels`")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                NODES => {
                    self.meet(NODES)?;
                    map.next_value_seed(lnd::Nodes(&mut self.loader))?;
                }
                EDGES => {
                    self.meet(EDGES)?;
                    map.next_value_seed(lnd::Edges(&mut self.loader))?;
                }
                CHANNELS => {
                    self.meet(CHANNELS)?;
                    map.next_value_seed(cln::Channels(&mut self.loader))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok((self.format()?, self.loader))
    }
}

/// Declares what reads an array one element at a time, into the loader.
macro_rules! array {
    ($(#[$doc:meta])* $name:ident of $element:ty, $expecting:literal, $add:path) => {
        $(#[$doc])*
        pub(super) struct $name<'a>(pub(super) &'a mut $crate::graph_file::loader::Loader);

        impl<'de> serde::de::DeserializeSeed<'de> for $name<'_> {
            type Value = ();

            fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
                from.deserialize_seq(self)
            }
        }

        impl<'de> serde::de::Visitor<'de> for $name<'_> {
            type Value = ();

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($expecting)
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
                while let Some(element) = all.next_element::<$element>()? {
                    $add(self.0, &element).map_err(serde::de::Error::custom)?;
                }
                Ok(())
            }
        }
    };
}
use array;

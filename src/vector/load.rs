//! Finds and reads the files of vectors.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Case, Vector, VectorError, base, check::Checks, closing, commitment, fees, funding, gossip,
    handshake, invoice, key_derivation, offer, offer_merkle, onion, penalty, secret_generation,
    secret_storage, transport, weights,
};

/// The greatest size of a file; the BOLTs' vectors have some 100 kB.
const MAX_BYTES: u64 = 16 << 20;

/// The file that describes the others.
const SCHEMA: &str = "schema.json";

/// What a vector demands of an implementation: to take its inputs or to refuse them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Valid,
    Invalid,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
        })
    }
}

/// What every vector has, whatever its topic.
pub(super) struct Header<'a> {
    pub(super) id: &'a str,
    pub(super) comment: &'a str,
    pub(super) flags: &'a [String],
    pub(super) result: Outcome,
    pub(super) error: Option<&'a str>,
}

/// The vectors that share some parameters, as one topic reads them.
pub(super) trait Group: fmt::Debug + DeserializeOwned + Send + Sync + 'static {
    /// What the topic's vectors have.
    type Test;

    fn tests(&self) -> &[Self::Test];

    fn header(test: &Self::Test) -> Header<'_>;

    /// See [`Case::replay`].
    fn replay(&self, test: &Self::Test, checks: &mut Checks) -> Option<&'static str>;
}

/// Declares a topic's `Test` (what every vector has, and these fields), and makes its `Group` one.
macro_rules! topic {
    ($($(#[$attribute:meta])* $field:ident: $kind:ty),* $(,)?) => {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(in crate::vector) struct Test {
            id: String,
            comment: String,
            flags: Vec<String>,
            result: $crate::vector::load::Outcome,
            error: Option<String>,
            $($(#[$attribute])* $field: $kind,)*
        }

        impl $crate::vector::load::Group for Group {
            type Test = Test;

            fn tests(&self) -> &[Test] {
                &self.tests
            }

            fn header(test: &Test) -> $crate::vector::load::Header<'_> {
                $crate::vector::load::Header {
                    id: &test.id,
                    comment: &test.comment,
                    flags: &test.flags,
                    result: test.result,
                    error: test.error.as_deref(),
                }
            }

            fn replay(
                &self,
                test: &Test,
                checks: &mut $crate::vector::check::Checks,
            ) -> Option<&'static str> {
                replay(self, test, checks)
            }
        }
    };
}
pub(super) use topic;

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Topic {
    BigSize,
    SignedInteger,
    Tlv,
    MessageExtension,
    Funding,
    Commitment,
    PerCommitmentSecretGeneration,
    PerCommitmentSecretStorage,
    KeyDerivation,
    Weights,
    Fees,
    Closing,
    Penalty,
    Invoice,
    Onion,
    OnionPeel,
    OnionReturn,
    RouteBlinding,
    OnionMessage,
    Bolt12String,
    Bolt12Merkle,
    Handshake,
    Transport,
    Gossip,
}

/// The first look at a file, to learn its topic.
#[derive(Deserialize)]
struct Label {
    topic: Topic,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "what is not read is for people, but must be there")]
struct File<G> {
    schema: String,
    topic: Topic,
    source: Source,
    notes: BTreeMap<String, Note>,
    groups: Vec<G>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "for people, but must be there")]
struct Source {
    bolt: u8,
    section: String,
    commit: String,
    origin: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "for people, but must be there")]
struct Note {
    description: String,
}

/// One vector of a group.
#[derive(Debug)]
struct Member<G> {
    group: Arc<G>,
    position: usize,
}

impl<G: Group> Case for Member<G>
where
    Self: fmt::Debug + Send + Sync,
{
    fn replay(&self, checks: &mut Checks) -> Option<&'static str> {
        self.group.replay(&self.group.tests()[self.position], checks)
    }
}

/// Where vectors are looked for when no path is given: `vectors/` in the current folder, else in
/// boltlab's own.
pub fn default_path() -> PathBuf {
    let here = PathBuf::from("vectors");
    if here.is_dir() { here } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors") }
}

/// Reads the vectors of these files, and of all `.json` files below these folders (by name); of
/// [`default_path`] if there is none. A file that is named twice is read once.
///
/// # Errors
/// The first file that cannot be used.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<Vector>, VectorError> {
    let default = [default_path()];
    let paths = if paths.is_empty() { &default } else { paths };
    let mut files = Vec::new();
    for path in paths {
        let found = files.len();
        walk(path, true, &mut files)?;
        if files.len() == found {
            return Err(VectorError::NoVectors { path: path.clone() });
        }
    }
    let mut read = BTreeSet::new();
    let mut taken: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut vectors = Vec::new();
    for file in files {
        let io = |source| VectorError::Io { path: file.clone(), source };
        if !read.insert(file.canonicalize().map_err(io)?) {
            continue;
        }
        for vector in parse(&file, &text(&file)?)? {
            if let Some(first) = taken.insert(vector.id.clone(), file.clone()) {
                return Err(VectorError::DuplicateId { path: file, id: vector.id, first });
            }
            vectors.push(vector);
        }
    }
    Ok(vectors)
}

/// The files of a path. What was named by the user is read whatever its name; links to folders
/// are not followed further down.
fn walk(path: &Path, named: bool, files: &mut Vec<PathBuf>) -> Result<(), VectorError> {
    let io = |source| VectorError::Io { path: path.to_owned(), source };
    let metadata = if named { fs::metadata(path) } else { fs::symlink_metadata(path) };
    let kind = metadata.map_err(io)?.file_type();
    if kind.is_dir() {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries: Vec<_> = entries.map_err(io)?.iter().map(fs::DirEntry::path).collect();
        entries.sort();
        return entries.iter().try_for_each(|entry| walk(entry, false, files));
    }
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let is_schema = path.file_name().is_some_and(|name| name == SCHEMA);
    if named || (is_json && !is_schema) {
        files.push(path.to_owned());
    }
    Ok(())
}

fn text(path: &Path) -> Result<String, VectorError> {
    let io = |source| VectorError::Io { path: path.to_owned(), source };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(io)?;
    // A size that is looked up could be that of a pipe; what is read cannot be.
    let mut limited = file.take(MAX_BYTES + 1);
    let read = limited.read_to_string(&mut text);
    if limited.limit() == 0 {
        return Err(VectorError::TooLarge { path: path.to_owned(), limit: MAX_BYTES });
    }
    read.map_err(io)?;
    Ok(text)
}

/// Reads the vectors of one file's text.
///
/// # Errors
/// [`VectorError::Malformed`], [`VectorError::UnknownFlag`] and [`VectorError::DuplicateId`].
pub fn parse(path: &Path, text: &str) -> Result<Vec<Vector>, VectorError> {
    let malformed = |source| VectorError::Malformed { path: path.to_owned(), source };
    let label: Label = serde_json::from_str(text).map_err(malformed)?;
    match label.topic {
        Topic::BigSize => parse_topic::<base::big_size::Group>(path, text),
        Topic::SignedInteger => parse_topic::<base::signed_integer::Group>(path, text),
        Topic::Tlv => parse_topic::<base::tlv::Group>(path, text),
        Topic::MessageExtension => parse_topic::<base::message_extension::Group>(path, text),
        Topic::Funding => parse_topic::<funding::Group>(path, text),
        Topic::Commitment => parse_topic::<commitment::Group>(path, text),
        Topic::PerCommitmentSecretGeneration => parse_topic::<secret_generation::Group>(path, text),
        Topic::PerCommitmentSecretStorage => parse_topic::<secret_storage::Group>(path, text),
        Topic::KeyDerivation => parse_topic::<key_derivation::Group>(path, text),
        Topic::Weights => parse_topic::<weights::Group>(path, text),
        Topic::Fees => parse_topic::<fees::Group>(path, text),
        Topic::Closing => parse_topic::<closing::Group>(path, text),
        Topic::Penalty => parse_topic::<penalty::Group>(path, text),
        Topic::Invoice => parse_topic::<invoice::Group>(path, text),
        Topic::Onion => parse_topic::<onion::packet::Group>(path, text),
        Topic::OnionPeel => parse_topic::<onion::peel::Group>(path, text),
        Topic::OnionReturn => parse_topic::<onion::returned::Group>(path, text),
        Topic::RouteBlinding => parse_topic::<onion::route_blinding::Group>(path, text),
        Topic::OnionMessage => parse_topic::<onion::message::Group>(path, text),
        Topic::Bolt12String => parse_topic::<offer::Group>(path, text),
        Topic::Bolt12Merkle => parse_topic::<offer_merkle::Group>(path, text),
        Topic::Handshake => parse_topic::<handshake::Group>(path, text),
        Topic::Transport => parse_topic::<transport::Group>(path, text),
        Topic::Gossip => parse_topic::<gossip::Group>(path, text),
    }
}

fn parse_topic<G: Group>(path: &Path, text: &str) -> Result<Vec<Vector>, VectorError> {
    let malformed = |source| VectorError::Malformed { path: path.to_owned(), source };
    let file: File<G> = serde_json::from_str(text).map_err(malformed)?;
    let mut vectors: Vec<Vector> = Vec::new();
    for group in file.groups.into_iter().map(Arc::new) {
        for (position, test) in group.tests().iter().enumerate() {
            let header = G::header(test);
            let (path, id) = (path.to_owned(), header.id.to_owned());
            if let Some(flag) = header.flags.iter().find(|flag| !file.notes.contains_key(*flag)) {
                return Err(VectorError::UnknownFlag { path, id, flag: flag.clone() });
            }
            if vectors.iter().any(|vector| vector.id == id) {
                return Err(VectorError::DuplicateId { first: path.clone(), path, id });
            }
            vectors.push(Vector {
                id,
                file: path,
                comment: header.comment.to_owned(),
                result: header.result,
                error: header.error.map(ToOwned::to_owned),
                case: Arc::new(Member { group: Arc::clone(&group), position }),
            });
        }
    }
    Ok(vectors)
}

//! Where a target starts from: the vectors, what a target makes itself, and whatever once broke a promise.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{channel, gossip, message};

/// Longer seeds would make the mutations rare where it matters.
const LONGEST: usize = 4096;

/// All values of the vectors, as text and as the bytes that hex stands for, what the target makes
/// itself, and the files below `fuzz/found/` for it. `root` is where boltlab's `Cargo.toml` is.
pub fn seeds(root: &Path, target: &str) -> Vec<Vec<u8>> {
    let mut found = BTreeSet::from([Vec::new()]);
    let folders = match target {
        "invoice" => ["bolt11"],
        "offer" => ["bolt12"],
        "transport" => ["bolt08"],
        "message" | "channel" => ["bolt01"],
        "gossip" => ["bolt07"],
        _ => ["bolt04"],
    };
    for folder in folders {
        for file in files(&root.join("vectors").join(folder)) {
            let value = serde_json::from_slice(&file).expect("a file of vectors");
            collect(&value, target, &mut found);
        }
    }
    match target {
        "message" => found.extend(message::samples()),
        "channel" => found.extend(channel::seeds()),
        "gossip" => found.extend(gossip::seeds()),
        _ => {}
    }
    found.extend(files(&root.join("fuzz/found").join(target)));
    found.into_iter().collect()
}

/// The files of a folder, or none without it.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten().map_while(Result::ok);
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file that is there")).collect()
}

fn collect(value: &Value, target: &str, found: &mut BTreeSet<Vec<u8>>) {
    match value {
        Value::String(text) if text.len() <= LONGEST => match bytes(text) {
            Some(bytes) => drop(found.insert(bytes)),
            None if matches!(target, "invoice" | "offer") => {
                found.insert(text.clone().into_bytes());
            }
            None => {}
        },
        Value::Array(values) => values.iter().for_each(|value| collect(value, target, found)),
        Value::Object(values) => values.values().for_each(|value| collect(value, target, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What hex stands for.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let even = text.len().is_multiple_of(2) && text.len() > 2;
    even.then(|| text.as_bytes().chunks(2).map(pair).collect())?
}

/// So many mutations of the seeds, the same in each run.
pub fn mutations(seeds: &[Vec<u8>], count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    (0..count).map(move |_| {
        let mut bytes = random.one_of(seeds).clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, seeds, &mut random);
        }
        bytes
    })
}

/// One step away: a bit or a byte, some bytes less or more, or the end of another seed.
fn mutate(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = at + random.below((bytes.len() - at).min(32) + 1);
    match random.below(7) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        2 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0xfd, 0xfe, 0xff][random.below(6)],
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copied = bytes[at..end].to_vec();
            bytes.splice(at..at, copied);
        }
        5 => {
            let other = random.one_of(seeds);
            let from = random.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => bytes.insert(at, random.next().to_be_bytes()[0]),
    }
}

/// Numbers that look random: Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 32).unwrap_or_default() % end
    }

    fn one_of<'a>(&mut self, seeds: &'a [Vec<u8>]) -> &'a Vec<u8> {
        &seeds[self.below(seeds.len())]
    }
}

//! Every vector is a test of its own, and so is that it can fail: each of its values is changed in
//! turn, and each change must be noticed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use boltlab::vector::{self, Vector};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

/// What describes a vector, or chooses what it is about.
const DESCRIPTIVE: [&str; 3] = ["id", "comment", "flags"];

/// Inputs that some vectors are too far from a limit to notice (a dust limit without HTLCs, an HTLC
/// that is trimmed anyhow, the script of an output that is left out, or any script if the fee cannot
/// be paid; a string that is wrong at another character; a time long past, an offer that the
/// request is not for; an act of a handshake that is refused). One vector of each group must.
const LOOSE: [&str; 17] = [
    "invoice",
    "htlcs",
    "local_dust_limit_satoshi",
    "local_feerate_per_kw",
    "to_local_msat",
    "dust_limit_satoshis",
    "local_scriptpubkey",
    "remote_scriptpubkey",
    "destination_scriptpubkey",
    "locktime",
    "string",
    "here",
    "offer",
    "invoice_request",
    "act_one",
    "act_two",
    "act_three",
];

/// Values that are one of a few words, each with another one of them.
const WORDS: [(&str, &str); 37] = [
    ("valid", "invalid"),
    ("invalid", "valid"),
    ("SecretError::Inconsistent", "SecretError::OutOfOrder"),
    ("OK", "ERROR"),
    ("ERROR", "OK"),
    ("seed", "incorrect_seed"),
    ("incorrect_seed", "seed"),
    ("offered", "received"),
    ("received", "offered"),
    ("htlc-success", "htlc-timeout"),
    ("htlc-timeout", "htlc-success"),
    ("commitment", "htlc-timeout"),
    ("closing_signed", "closing_complete"),
    ("closing_complete", "closing_signed"),
    ("TxError::Insufficient", "TxError::Dust"),
    ("TxError::Dust", "TxError::Insufficient"),
    ("to_local_revocation", "to_local_delayed"),
    ("to_local_delayed", "to_local_revocation"),
    ("htlc_revocation", "to_remote"),
    ("to_remote", "htlc_revocation"),
    ("static_remotekey", "anchors"),
    ("anchors", "static_remotekey"),
    ("local", "remote"),
    ("remote->local", "local->remote"),
    ("local->remote", "remote->local"),
    ("PeelError::Version", "PeelError::Key"),
    ("PeelError::Key", "PeelError::Hmac"),
    ("PeelError::Hmac", "PeelError::Version"),
    ("PeelError::MalformedLength", "PeelError::PayloadLength"),
    ("PeelError::PayloadLength", "PeelError::PayloadTooShort"),
    ("PeelError::PayloadTooShort", "PeelError::MalformedLength"),
    ("HandshakeError::Length", "HandshakeError::Version"),
    ("HandshakeError::Version", "HandshakeError::InvalidPoint"),
    ("HandshakeError::InvalidPoint", "HandshakeError::Mac"),
    ("HandshakeError::Mac", "HandshakeError::Length"),
    ("initiator", "responder"),
    ("responder", "initiator"),
];

/// The key that a vector derives, and a neighbour of it.
const KEYS: [&str; 4] = ["localpubkey", "localprivkey", "revocationpubkey", "revocationprivkey"];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let mut trials = Vec::new();
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        for vector in vector::parse(&path, &text).unwrap() {
            trials.push(Trial::test(vector.id.clone(), move || replay(&vector)));
        }
        let file: Value = serde_json::from_str(&text).unwrap();
        let name = path.strip_prefix(folder()).unwrap().display().to_string();
        for group in 0..file["groups"].as_array().unwrap().len() {
            let tests = file["groups"][group]["tests"].as_array().unwrap().len();
            for test in 0..tests {
                let alone = Alone::new(&path, &file, group, Some(test));
                let id = file["groups"][group]["tests"][test]["id"].as_str().unwrap();
                trials.push(Trial::test(format!("mutated/{id}"), move || alone.mutate_test()));
            }
            let whole = Alone::new(&path, &file, group, None);
            let id = format!("mutated/shared/{name}#{group}");
            trials.push(Trial::test(id, move || whole.mutate_shared()));
        }
        trials.push(Trial::test(format!("schema/{name}"), move || schema(&file)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// The files that `boltlab vectors` reads.
fn files() -> Vec<PathBuf> {
    let mut files: Vec<_> =
        vector::discover(&[folder()]).unwrap().into_iter().map(|vector| vector.file).collect();
    files.dedup();
    files
}

fn replay(vector: &Vector) -> Result<(), Failed> {
    let report = vector::replay(vector).map_err(|failure| failure.to_string())?;
    if report.checks > 2 { Ok(()) } else { Err("it compares nothing but its result".into()) }
}

/// A file with one group only, and perhaps one test only.
struct Alone {
    path: PathBuf,
    file: Value,
}

impl Alone {
    fn new(path: &Path, file: &Value, group: usize, test: Option<usize>) -> Self {
        let mut file = file.clone();
        let group = file["groups"][group].take();
        file["groups"] = json!([group]);
        if let Some(test) = test {
            let test = file["groups"][0]["tests"][test].take();
            file["groups"][0]["tests"] = json!([test]);
        }
        Self { path: path.to_owned(), file }
    }

    /// Whether a vector of the file with this change fails, or cannot even be read.
    fn notices(&self, pointer: &str, changed: Value) -> bool {
        let mut file = self.file.clone();
        *file.pointer_mut(pointer).unwrap() = changed;
        Self::fails(&self.path, &file)
    }

    fn fails(path: &Path, file: &Value) -> bool {
        match vector::parse(path, &file.to_string()) {
            Ok(vectors) => vectors.iter().any(|vector| vector::replay(vector).is_err()),
            Err(_) => true,
        }
    }

    fn mutate_test(&self) -> Result<(), Failed> {
        let test = &self.file["groups"][0]["tests"][0];
        let expected = test["expected"].to_string();
        // A script that the expected transaction has is not loose.
        let shown = |key: &&str| test[*key].as_str().is_some_and(|text| expected.contains(text));
        // Nor is an act of a handshake in which all are taken.
        let taken = |key: &&str| key.starts_with("act_") && test["error"].is_null();
        let loose = LOOSE.into_iter().filter(|key| !shown(key) && !taken(key));
        let except: Vec<&str> = DESCRIPTIVE.into_iter().chain(loose).collect();
        self.mutate("/groups/0/tests/0", &except)
    }

    /// What the vectors of a group share must be noticed by one of them, and so must the loose
    /// inputs.
    fn mutate_shared(&self) -> Result<(), Failed> {
        self.mutate("/groups/0", &["tests"])?;
        let tests = self.file["groups"][0]["tests"].as_array().unwrap();
        for key in LOOSE {
            let mut places = Vec::new();
            for (test, value) in
                tests.iter().enumerate().filter_map(|(n, t)| Some((n, t.get(key)?)))
            {
                collect(&format!("/groups/0/tests/{test}/{key}"), value, &mut places);
            }
            let noticed = |(pointer, value): &(String, Value)| {
                let changes = changes(pointer, value);
                changes.into_iter().any(|changed| self.notices(pointer, changed))
            };
            if !places.is_empty() && !places.iter().any(noticed) {
                return Err(format!("no vector notices another {key}").into());
            }
        }
        Ok(())
    }

    fn mutate(&self, below: &str, except: &[&str]) -> Result<(), Failed> {
        if Self::fails(&self.path, &self.file) {
            return Err("it fails without a change".into());
        }
        let mut places = Vec::new();
        for (key, value) in self.file.pointer(below).unwrap().as_object().unwrap() {
            if !except.contains(&key.as_str()) {
                collect(&format!("{below}/{key}"), value, &mut places);
            }
        }
        let mut unnoticed = Vec::new();
        for (pointer, value) in places {
            for changed in changes(&pointer, &value) {
                if !self.notices(&pointer, changed.clone()) {
                    unnoticed.push(format!("{pointer}: {value} changed to {changed}"));
                }
            }
        }
        if unnoticed.is_empty() { Ok(()) } else { Err(unnoticed.join("\n").into()) }
    }
}

/// All values of a tree but objects, with where they are.
fn collect(pointer: &str, value: &Value, places: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(object) => {
            object
                .iter()
                .for_each(|(key, value)| collect(&format!("{pointer}/{key}"), value, places));
        }
        Value::Array(array) => {
            places.push((pointer.to_owned(), value.clone()));
            for (at, value) in array.iter().enumerate() {
                collect(&format!("{pointer}/{at}"), value, places);
            }
        }
        leaf => places.push((pointer.to_owned(), leaf.clone())),
    }
}

/// Wrong values in place of a right one.
fn changes(pointer: &str, value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(value) => vec![json!(!value)],
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            // One millisatoshi of an input is lost in rounding.
            let step = if pointer.contains("/expected/") { 1 } else { 1_000_000 };
            vec![json!(number + step)]
        }
        // A list of inputs may well be shorter.
        Value::Array(_) if !pointer.contains("/expected/") => Vec::new(),
        Value::Array(array) => {
            array.split_last().map(|(_, rest)| json!(rest)).into_iter().collect()
        }
        Value::String(text) if KEYS.contains(&text.as_str()) => {
            KEYS.iter().filter(|key| *key != text).map(|key| json!(key)).collect()
        }
        Value::String(text) if text.is_empty() => vec![json!("00")],
        Value::String(text) => match WORDS.iter().find(|(word, _)| word == text) {
            Some((_, other)) => vec![json!(other)],
            None => flips(text),
        },
        Value::Object(_) => unreachable!("an object is not a leaf"),
    }
}

/// The text with its first, a middle and its last character changed.
fn flips(text: &str) -> Vec<Value> {
    let length = text.chars().count();
    [0, length / 2, length - 1].map(|at| flip(text, at)).to_vec()
}

/// Another digit or letter in one place.
fn flip(text: &str, at: usize) -> Value {
    let other = |c| if c == '0' { '1' } else { '0' };
    let flipped = text.chars().enumerate().map(|(n, c)| if n == at { other(c) } else { c });
    json!(flipped.collect::<String>())
}

/// The file fits the schema, and does not with a value too many or one of another type.
fn schema(file: &Value) -> Result<(), Failed> {
    let schema = fs::read_to_string(folder().join("schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    if let Some(error) = validator.iter_errors(file).next() {
        return Err(format!("{}: {error}", error.instance_path()).into());
    }
    for place in ["", "/source", "/groups/0", "/groups/0/tests/0"] {
        let mut more = file.clone();
        more.pointer_mut(place).unwrap()["unknown"] = json!(1);
        if validator.is_valid(&more) {
            return Err(format!("an unknown key in {place:?} is valid").into());
        }
    }
    let mut places = Vec::new();
    collect("/groups/0/tests/0", &file["groups"][0]["tests"][0], &mut places);
    for (pointer, _) in places {
        let mut other = file.clone();
        *other.pointer_mut(&pointer).unwrap() = json!(1.5);
        if validator.is_valid(&other) {
            return Err(format!("1.5 at {pointer} is valid").into());
        }
    }
    Ok(())
}

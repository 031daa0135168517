//! What to do about a mistake.

use super::Mistake;
use crate::scenario::{
    model::NAME_LIMIT,
    reference::{InvalidReference, OutputRef},
    suggest,
    units::Quantity,
};

impl Mistake {
    /// What to do about it, where that can be said.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownKey { key, known, .. } => Some(nearest_or_list(key, known)),
            Self::UnknownVerb { verb, known } => Some(nearest_or_list(verb, known)),
            Self::UnknownWord { word, known, .. } => Some(nearest_or_list(word, known)),
            Self::UnknownName { name, known, .. } => name_help(name, known),
            Self::DuplicateKey { first, .. } => Some(format!("the first one is in line {first}")),
            Self::OpenedTwice { first, .. } => Some(format!("it was opened in line {first}")),
            Self::AlreadyOffline { since, .. } => Some(format!("it is since line {since}")),
            Self::UnknownUnit { unit, of } => Some(unit_help(unit, *of)),
            Self::NoQuantity { of, .. } => Some(format!("write it as in {}", of.example())),
            Self::BareNumber { number, of } => {
                Some(format!("write `{number} {}`?", of.units().first().unwrap_or(&"")))
            }
            Self::Percentage { .. } => Some("write it as in `400_000 sat`".to_owned()),
            Self::BadName { .. } => Some(format!(
                "a name is a letter, then letters, digits, `_` and `-`, at most {NAME_LIMIT}"
            )),
            Self::For(mistake) => mistake.help(),
            Self::BadReference(reference) => Some(reference_help(reference)),
            Self::BadSection { .. } => {
                Some("write the BOLT's number and the anchor, as in `3#to_local-output`".to_owned())
            }
            Self::NotItsChannel { sides: [from, to], .. } => {
                Some(format!("it joins `{from}` and `{to}`"))
            }
            Self::NotOpenYet { channel } => Some(format!("put `- open: {channel}` before it")),
            Self::SeveralWays { ways, .. } => {
                ways.first().map(|way| format!("say which, as in `via: [{way}]`"))
            }
            Self::OnlyACheat { .. } => Some("give it `role: cheat` in the cast".to_owned()),
            Self::ImpossiblePath { output, .. } => Some(paths_help(output)),
            Self::ImpossibleFate { possible, .. } => Some(format!("it can be {possible}")),
            Self::MissingOutcome => {
                Some("`boltlab run --bless` writes the outcome that it observes".to_owned())
            }
            Self::NotCovered { .. } => Some("give it `funds` in the cast".to_owned()),
            Self::TooSmallCapacity { .. } => Some(
                "that is the commitment's fee, its anchors, and an output above the dust limit"
                    .to_owned(),
            ),
            Self::BadSpender { .. } => {
                Some("write `closing`, or whose commitment, as in `alice.commitment`".to_owned())
            }
            Self::SecondVerb { .. } => Some("make it a step of its own, with `- `".to_owned()),
            _ => None,
        }
    }
}

fn nearest_or_list(word: &str, known: &[&'static str]) -> String {
    match suggest::nearest(word, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

fn name_help(name: &str, known: &[String]) -> Option<String> {
    match suggest::nearest(name, known.iter().map(String::as_str)) {
        Some(nearest) => Some(format!("did you mean `{nearest}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", known.join(", "))),
    }
}

fn unit_help(unit: &str, of: Quantity) -> String {
    match unit.to_ascii_lowercase().as_str() {
        "sats" | "satoshi" | "satoshis" if of.units().contains(&"sat") => {
            "did you mean `sat`?".to_owned()
        }
        _ => nearest_or_list(unit, of.units()),
    }
}

fn reference_help(reference: &InvalidReference) -> String {
    match reference {
        InvalidReference::Word { word, known, .. } => nearest_or_list(word, known),
        InvalidReference::Shape { wanted: "an output", .. } => {
            "write it as in `ab.funding`, `ab.commitment.to_local`, `ab.commitment.htlc.alice.0` or \
             `ab.closing.alice`"
                .to_owned()
        }
        InvalidReference::Shape { .. } => "write it as in `ab.funding`".to_owned(),
    }
}

fn paths_help(output: &OutputRef) -> String {
    let paths: Vec<&str> = output.paths().iter().map(|path| path.as_str()).collect();
    if paths.is_empty() {
        "both sides spend it together, in a commitment or a mutual close".to_owned()
    } else {
        format!("it goes by {}", paths.join(" or "))
    }
}

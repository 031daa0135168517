//! From the tree to the model. Every mistake on the way is kept, and the reading goes on: what
//! cannot be read is left out of the model, and what depends on it is not complained about again.

mod cast;
mod network;
mod outcome;
mod payment;
mod reader;
mod step;
mod wire;

use std::{path::Path, sync::Arc};

use super::{
    error::{Mistake, Problem},
    language,
    model::{At, BoltSection, Links, Scenario},
    yaml::{Content, Node},
};
use reader::Reader;

/// What could be read of a file, and what could not.
pub(super) struct Draft {
    /// The scenario, with gaps where there are problems.
    pub(super) scenario: Scenario,
    /// Whether a step is missing, so that nothing can be said about the steps' order.
    pub(super) steps_missing: bool,
    /// What is wrong so far.
    pub(super) problems: Vec<Problem>,
}

/// Reads a scenario from the tree of its file.
pub(super) fn decode(file: &Path, source: &Arc<str>, tree: &Node) -> Draft {
    let mut reader = Reader::default();
    let mut scenario = Scenario {
        file: file.to_owned(),
        source: Arc::clone(source),
        title: String::new(),
        about: None,
        bolt: Vec::new(),
        covers: Vec::new(),
        cast: Vec::new(),
        links: Links::Memory,
        gossip: false,
        flare: None,
        channels: Vec::new(),
        network: Vec::new(),
        steps: Vec::new(),
        outcome: None,
        branch: Vec::new(),
        others: Arc::default(),
    };
    let mut steps_missing = true;
    if matches!(tree.content, Content::Nothing) {
        reader.report(tree.at, Mistake::Empty);
    } else if let Some(fields) = reader.fields(tree, &language::SCENARIO) {
        let text = |reader: &mut Reader, name| {
            let node = fields.get(name)?;
            reader.text(node, "a text").map(|text| text.value.to_owned())
        };
        scenario.title = text(&mut reader, "title").unwrap_or_default();
        scenario.about = text(&mut reader, "about");
        scenario.bolt =
            fields.get("bolt").map(|node| sections(&mut reader, node)).unwrap_or_default();
        scenario.covers =
            fields.get("covers").map(|node| ids(&mut reader, node)).unwrap_or_default();
        if let Some(node) = fields.get("links") {
            let links = reader.word(node, "kind of link", Links::WORDS, Links::from_word);
            scenario.links = links.map_or(Links::Memory, |links| links.value);
        }
        if let Some(node) = fields.get("gossip") {
            scenario.gossip = reader.flag(node).is_some_and(|flag| flag.value);
            reader.gossip = scenario.gossip;
        }
        if let Some(node) = fields.get("cast") {
            scenario.cast = reader.cast(node);
        } else if fields.get("network").is_none() {
            reader.report(tree.at, Mistake::MissingKey { key: "cast", of: "a scenario" });
        }
        if let Some(node) = fields.get("flare") {
            scenario.flare = reader.flare(node);
        }
        if let Some(node) = fields.get("network") {
            network(&mut reader, &mut scenario, node);
        }
        if let Some(node) = fields.get("channels") {
            scenario.channels.extend(reader.channels(node));
        }
        if let Some(node) = fields.get("steps") {
            (scenario.steps, steps_missing) = reader.steps(node, &scenario.channels);
        }
        scenario.outcome = fields.get("outcome").and_then(|node| reader.outcome(node));
        if fields.get("outcome").is_none() {
            reader.outcome_is_missing(tree.at);
        }
    }
    Draft { scenario, steps_missing, problems: reader.into_problems() }
}

/// The roles and channels of a network, beside those that the file names one by one.
fn network(reader: &mut Reader, scenario: &mut Scenario, node: &Node) {
    // Who uses Flare alone does without gossip.
    let gossips = scenario.gossip || scenario.flare.is_none();
    (scenario.gossip, reader.gossip) = (gossips, gossips);
    reader.network = Some(Vec::new());
    if let Some((roles, channels)) = reader.network(node) {
        scenario.cast.extend(roles);
        scenario.channels = channels;
        scenario.network = reader.network.clone().unwrap_or_default();
    }
}

fn sections(reader: &mut Reader, node: &Node) -> Vec<At<BoltSection>> {
    let items = reader.list(node, "a list of sections, as in `[3#to_local-output]`");
    items.iter().filter_map(|item| section(reader, item)).collect()
}

fn section(reader: &mut Reader, node: &Node) -> Option<At<BoltSection>> {
    let text = reader.text(node, "a section of a BOLT, as in `3#to_local-output`")?;
    let parsed = text.value.split_once('#').and_then(|(number, section)| {
        let bolt = number.parse().ok().filter(|number| *number <= 12 && *number != 6)?;
        let anchor = !section.is_empty()
            && section.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
        anchor.then(|| BoltSection { bolt, section: section.to_owned() })
    });
    if parsed.is_none() {
        reader.report(text.at, Mistake::BadSection { text: text.value.to_owned() });
    }
    parsed.map(|section| At::new(section, text.at))
}

fn ids(reader: &mut Reader, node: &Node) -> Vec<At<String>> {
    let wanted = "the id of a requirement, as in `bolt02/open_channel/to-self-delay-bound`";
    let items = reader.list(node, "a list of the ids of requirements");
    items
        .iter()
        .filter_map(|item| reader.text(item, wanted))
        .map(|text| At::new(text.value.to_owned(), text.at))
        .collect()
}

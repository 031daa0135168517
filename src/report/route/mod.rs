//! What a search for a route found: in words, as JSON and as a picture.
//!
//! ```text
//! GraphFile, Request, Search -> RouteReport -> Display (words) | Serialize (JSON) | svg (a picture)
//! ```

mod svg;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use crate::bolt::routing::flare::known;
use crate::bolt::routing::{Algorithm, Explored, NoRoute, NodeIndex, Request, Route, Search};
use crate::bolt::units::Msat;
use crate::bolt::wire::UncheckedPoint;
use crate::graph_file::{GraphFile, Skipped};

/// How a route was sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoughtBy {
    /// In the whole graph.
    Algorithm(Algorithm),
    /// By nodes that each know a part of it.
    Flare,
}

/// A search that has ended: how far it went, and what it found.
#[derive(Clone, Debug)]
pub struct Sought {
    by: SoughtBy,
    explored: Explored,
    reached: BTreeSet<NodeIndex>,
    found: Result<Route, NoRoute>,
}

impl Sought {
    /// A search of the whole graph that has just ended with this.
    pub fn by(algorithm: Algorithm, search: &Search, found: Result<Route, NoRoute>) -> Self {
        let (explored, reached) = (search.explored(), search.reached().collect());
        Self { by: SoughtBy::Algorithm(algorithm), explored, reached, found }
    }

    /// What Flare found.
    pub fn by_flare(found: known::Found) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let explored = Explored {
            // The payer itself is no other node.
            nodes: count(found.nodes.len()).saturating_sub(1),
            channels: u64::from(count(found.channels)),
            rounds: found.queries,
        };
        let reached = found.nodes.into_iter().collect();
        Self { by: SoughtBy::Flare, explored, reached, found: found.route }
    }
}

/// The version of the JSON.
const VERSION: u32 = 1;

/// A node as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Party {
    node_id: UncheckedPoint,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
}

/// One channel of the route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct HopReport {
    short_channel_id: String,
    from: Party,
    to: Party,
    amount_msat: Msat,
    /// What `to` keeps of it.
    fee_msat: i64,
    /// In how many blocks the HTLC over it expires.
    delay: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Found {
    amount_msat: Msat,
    fee_msat: i64,
    cost_msat: i64,
    delay: u32,
    hops: Vec<HopReport>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct FileReport {
    format: String,
    nodes: usize,
    channels: usize,
    skipped: Skipped,
}

/// What a search for a route found, or why it found none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteReport {
    version: u32,
    #[serde(serialize_with = "serialize_name")]
    algorithm: SoughtBy,
    from: Party,
    to: Party,
    amount_msat: Msat,
    route: Option<Found>,
    /// Why there is none.
    reason: Option<String>,
    explored: Explored,
    graph: FileReport,
    #[serde(skip)]
    surroundings: Vec<Surroundings>,
}

/// What was explored beside a node of the route.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Surroundings {
    node: Party,
    neighbours: Vec<Party>,
    /// How many more there are than shown.
    more: usize,
}

impl RouteReport {
    /// The report of a search that has just ended.
    pub fn new(file: &GraphFile, request: &Request, sought: &Sought) -> Self {
        let Sought { by, explored, reached, found } = sought;
        let party = |node| party(file, node);
        let route = found.as_ref().ok().map(|route| found_route(file, request.from, route));
        Self {
            version: VERSION,
            algorithm: *by,
            from: party(request.from),
            to: party(request.to),
            amount_msat: request.amount,
            route,
            reason: found.as_ref().err().map(ToString::to_string),
            explored: *explored,
            graph: FileReport {
                format: file.format.to_string(),
                nodes: file.graph.node_count(),
                channels: file.graph.channel_count(),
                skipped: file.skipped.clone(),
            },
            surroundings: surroundings(file, request, reached, found),
        }
    }

    /// Whether there is a route.
    pub fn has_route(&self) -> bool {
        self.route.is_some()
    }
}

/// What an algorithm is called.
fn name(by: SoughtBy) -> &'static str {
    match by {
        SoughtBy::Algorithm(Algorithm::BellmanFordGibson) => "Bellman-Ford-Gibson",
        SoughtBy::Algorithm(Algorithm::Dijkstra) => "Dijkstra",
        SoughtBy::Flare => "Flare",
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn serialize_name<S: Serializer>(algorithm: &SoughtBy, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(name(*algorithm))
}

/// A node's id and name.
fn party(file: &GraphFile, node: NodeIndex) -> Party {
    // Every node that a search names is in its graph.
    let node_id = file.graph.node_id(node).unwrap_or(UncheckedPoint([0; 33]));
    let alias = file.aliases.get(&node_id).map(|alias| printable(alias));
    Party { node_id, alias }
}

/// An alias without what could steer a terminal or turn text around: anybody may take any name.
fn printable(alias: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    alias.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn found_route(file: &GraphFile, from: NodeIndex, route: &Route) -> Found {
    let mut start = from;
    let hops = route.hops.iter().map(|hop| {
        let channel = file.graph.channel(hop.channel);
        let id = channel.map(|channel| channel.short_channel_id.to_string());
        let from = party(file, std::mem::replace(&mut start, hop.node));
        HopReport {
            short_channel_id: id.unwrap_or_default(),
            from,
            to: party(file, hop.node),
            amount_msat: hop.amount_in,
            fee_msat: hop.fee_msat,
            delay: hop.delay,
        }
    });
    let hops = hops.collect();
    let (fee_msat, cost_msat, delay) = (route.fee_msat, route.cost_msat, route.delay());
    Found { amount_msat: route.amount(), fee_msat, cost_msat, delay, hops }
}

/// How many neighbours of a node are drawn.
const DRAWN: usize = 6;

/// For each node of the route, or for both ends if there is none, what was explored beside it.
/// Each neighbour stands beside the first of these.
fn surroundings(
    file: &GraphFile,
    request: &Request,
    reached: &BTreeSet<NodeIndex>,
    found: &Result<Route, NoRoute>,
) -> Vec<Surroundings> {
    let line: Vec<NodeIndex> = match found {
        Ok(route) => {
            let nodes = route.hops.iter().map(|hop| hop.node);
            std::iter::once(request.from).chain(nodes).collect()
        }
        Err(_) => vec![request.from, request.to],
    };
    let mut shown: BTreeSet<NodeIndex> = line.iter().copied().collect();
    line.iter()
        .map(|node| {
            let mut neighbours: Vec<Party> = Vec::new();
            for next in file.graph.neighbours(*node) {
                if reached.contains(&next.node) && shown.insert(next.node) {
                    neighbours.push(party(file, next.node));
                }
            }
            neighbours.sort_by_key(|neighbour| neighbour.node_id);
            let more = neighbours.len().saturating_sub(DRAWN);
            neighbours.truncate(DRAWN);
            Surroundings { node: party(file, *node), neighbours, more }
        })
        .collect()
}

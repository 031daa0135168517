//! The same search in words, as JSON and as a picture.

use super::*;
use crate::bolt::routing::Fees;
use crate::graph_file;

const LND: &str = include_str!("../../../tests/graphs/describegraph.json");

fn report(from: &str, to: &str, amount: u64, change: impl Fn(&mut Request)) -> RouteReport {
    let file = graph_file::read("graph.json", LND.as_bytes()).unwrap();
    let node = |name: &str| {
        let id = file.aliases.iter().find(|(_, alias)| *alias == name).unwrap().0;
        file.graph.node(id).unwrap()
    };
    let mut request = Request::new(node(from), node(to), Msat(amount));
    change(&mut request);
    let (mut search, algorithm) = (Search::new(), Algorithm::BellmanFordGibson);
    let found = search.find(&file.graph, &request, algorithm);
    RouteReport::new(&file, &request, &Sought::by(algorithm, &search, found))
}

#[test]
fn a_route_in_words() {
    let cheap = report("alice", "grace", 50_000_000, |_| ());
    let short = report("alice", "grace", 50_000_000, |request| request.max_hops = 4);
    let risky = report("alice", "dave", 50_000_000, |request| {
        request.risk_factor = crate::bolt::routing::RiskFactor::percent_per_year(10).unwrap();
    });
    let discount = report("dave", "alice", 50_000_000, |request| {
        request.fees = Fees::Signed;
    });
    let next = report("frank", "grace", 1, |_| ());
    let all = [cheap, short, risky, discount, next].map(|report| report.to_string());
    insta::assert_snapshot!(all.join("\n=====\n\n"));
}

#[test]
fn no_route_in_words() {
    let all = [
        report("alice", "grace", 300_000_000, |_| ()),
        report("alice", "grace", 1_000, |request| request.max_hops = 3),
        report("alice", "dave", 50_000_000, |request| request.max_fee = Some(Msat(10))),
        report("grace", "frank", 50_000, |_| ()),
    ];
    insta::assert_snapshot!(all.map(|report| report.to_string()).join("\n=====\n\n"));
}

#[test]
fn json_has_every_figure() {
    let found = report("alice", "dave", 50_000_000, |_| ());
    let none = report("alice", "dave", 50_000_000, |request| request.max_hops = 1);
    insta::assert_snapshot!(serde_json::to_string_pretty(&[found, none]).unwrap());
}

#[test]
fn a_picture_of_a_route_and_of_none() {
    insta::assert_snapshot!("picture", report("alice", "grace", 50_000_000, |_| ()).svg());
    let none = report("alice", "grace", 300_000_000, |_| ()).svg();
    assert!(none.contains("no route") && !none.contains("marker-end"), "{none}");
}

#[test]
fn an_alias_cannot_steer_a_terminal_or_a_picture() {
    let wicked = LND.replacen("\"alice\"", "\"\\u001b[2J<b>&\\u202e\"", 1);
    let file = graph_file::read("graph.json", wicked.as_bytes()).unwrap();
    let (node, _) = file.graph.nodes().find(|(_, id)| file.aliases[id].contains('<')).unwrap();
    let other = file.graph.neighbours(node).next().unwrap().node;
    let (mut search, algorithm) = (Search::new(), Algorithm::Dijkstra);
    let request = Request::new(node, other, Msat(1_000));
    let found = search.find(&file.graph, &request, algorithm);
    let report = RouteReport::new(&file, &request, &Sought::by(algorithm, &search, found));
    let all = [report.to_string(), report.svg(), serde_json::to_string(&report).unwrap()].concat();
    assert!(all.contains("\u{fffd}[2J<b>&\u{fffd}") && all.contains("&lt;b&gt;&amp;"), "{all}");
    assert!(!all.contains('\u{1b}') && !all.contains('\u{202e}'));
}

#[test]
fn flare_says_how_little_it_knew() {
    use crate::bolt::routing::flare::SearchLimits;
    let file = graph_file::read("graph.json", LND.as_bytes()).unwrap();
    let node = |name: &str| {
        let id = file.aliases.iter().find(|(_, alias)| *alias == name).unwrap().0;
        file.graph.node(id).unwrap()
    };
    let request = Request::new(node("alice"), node("grace"), Msat(50_000_000));
    let habit = known::Habit { radius: 1, beacons: 1, limits: SearchLimits::default() };
    let found = known::seek(&file.graph, &request, habit);
    let report = RouteReport::new(&file, &request, &Sought::by_flare(found));
    insta::assert_snapshot!(report.to_string());
}

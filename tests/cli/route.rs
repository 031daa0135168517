//! `boltlab route` on graph files of both formats.

use serde_json::Value;

use crate::support::{Place, Ran};

const LND: &str = include_str!("../graphs/describegraph.json");
const CLN: &str = include_str!("../graphs/listchannels.json");
const ALICE: &str = "034f355bdcb7cc0af728ef3cceb9615d90684bb5b2ca5f859ab0f0b704075871aa";
const DAVE: &str = "032c0b7cf95324a07d05398b240174dc0c2be444d96b159aa6c7f7b1e668680991";

fn place() -> Place {
    Place::with(&[("lnd.json", LND), ("cln.json", CLN)])
}

fn route(place: &Place, graph: &str, [from, to]: [&str; 2], more: &[&str]) -> Ran {
    let mut arguments = vec!["route", "--graph", graph, "--from", from, "--to", to];
    arguments.extend(more);
    place.boltlab(&arguments)
}

#[test]
fn it_tells_the_route_hop_by_hop() {
    let place = place();
    let ends = ["alice", "dave"];
    let ran = route(&place, "lnd.json", ends, &["--amount", "50_000sat"]);
    ran.assert(0, &["alice → carol", "carol → erin", "erin → dave", "fee ", "rounds"]);
    let by_dijkstra = ["--amount", "50_000 sat", "--algorithm", "dijkstra"];
    let other = route(&place, "lnd.json", ends, &by_dijkstra);
    other.assert(0, &["erin → dave", "Dijkstra"]);
    let by_id = [ALICE, &DAVE.to_uppercase()];
    let same = route(&place, "cln.json", by_id, &["--amount", "50_000sat"]);
    same.assert(0, &["700005x1x0", "700006x1x0"]);
}

#[test]
fn json_and_picture_are_written() {
    let place = place();
    let more = ["--amount", "0.0005 BTC", "--json", "--svg", "route.svg", "--max-hops", "2"];
    let ran = route(&place, "lnd.json", ["alice", "dave"], &more);
    ran.assert(0, &[]);
    let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&json["version"], &json["amount_msat"]), (&1.into(), &50_000_000.into()));
    assert_eq!(json["route"]["hops"].as_array().expect("hops").len(), 2);
    assert!(place.read("route.svg").starts_with("<svg "));
}

#[test]
fn no_route_has_its_reason_and_its_status() {
    let place = place();
    for (more, said) in [
        (["--max-hops", "1"], "too many hops"),
        (["--max-fee", "1sat"], "too high a fee"),
        (["--max-cltv", "19"], "too long a delay"),
    ] {
        let more = [&["--amount", "50_000sat"], more.as_slice()].concat();
        route(&place, "lnd.json", ["alice", "dave"], &more).assert(1, &["No route: ", said]);
    }
    let json = ["--amount", "50_000sat", "--max-hops", "1", "--json"];
    route(&place, "lnd.json", ["alice", "dave"], &json).assert(1, &["\"route\": null", "too many"]);
}

#[test]
fn wrong_input_is_said() {
    let place = place();
    place.write("broken.json", &LND[..5_000]);
    place.write("other.json", "{\"peers\": []}");
    let amount = ["--amount", "1sat"];
    let cases: [(&str, [&str; 2], &[&str], &str); 10] = [
        ("lnd.json", ["alice", "twin"], &amount, "2 nodes are called `twin`; say which by its id:"),
        ("lnd.json", ["alise", "dave"], &amount, "--from: no node with channels has the id"),
        ("lnd.json", ["alise", "dave"], &amount, "did you mean `alice`?"),
        ("cln.json", ["alice", "dave"], &amount, "the file has no aliases, so say its id"),
        ("lnd.json", ["alice", "alice"], &amount, "--from and --to are the same node"),
        ("lnd.json", ["alice", "dave"], &["--amount", "0sat"], "nothing is paid"),
        ("lnd.json", ["alice", "dave"], &["--amount", "5"], "needs its unit"),
        ("broken.json", ["alice", "dave"], &amount, "broken.json:"),
        ("other.json", ["alice", "dave"], &amount, "other.json:1:13: expected `nodes` and `edges`"),
        ("none.json", ["alice", "dave"], &amount, "none.json: No such file"),
    ];
    for (graph, ends, more, said) in cases {
        route(&place, graph, ends, more).assert(2, &[said]);
    }
}

#[test]
fn flare_says_how_little_it_knew() {
    let place = place();
    let more = ["--amount", "50_000sat", "--algorithm", "flare", "--radius", "1", "--beacons", "1"];
    let ran = route(&place, "lnd.json", ["alice", "grace"], &more);
    ran.assert(0, &["frank → grace", "Flare: knew ", "after asking for 1 table"]);
    let alone = [&more[..], &["--queries", "0"]].concat();
    route(&place, "lnd.json", ["alice", "grace"], &alone).assert(1, &["No route", "0 tables"]);
}

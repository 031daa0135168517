//! `boltlab simulate`: Flare in networks of any size.

use crate::support::Place;

#[test]
fn the_short_form_has_a_row_for_each_network() {
    let ran = Place::with(&[]).boltlab(&["simulate", "flare"]);
    ran.assert(0, &["small-world", "scale-free", "snapshot-like", "found"]);
}

#[test]
fn a_network_that_cannot_be_is_refused_with_its_reason() {
    let place = Place::with(&[]);
    let flare = |shape: &str, nodes: &str| {
        place.boltlab(&["simulate", "flare", "--shape", shape, "--nodes", nodes])
    };
    flare("scale-free", "0").assert(2, &["--nodes", "not in 2..=10000000"]);
    flare("small-world", "3").assert(2, &["give 3 nodes 6 neighbours each"]);
    flare("scale-free", "2").assert(2, &["place 6 channels between 2 nodes"]);
    flare("scale-free", "20").assert(0, &["scale-free"]);
}

#[test]
fn the_picture_has_both_algorithms() {
    let place = Place::with(&[]);
    let drawn = ["simulate", "plot", "--svg", "cost.svg", "--most-nodes", "1000"];
    place.boltlab(&drawn).assert(0, &[]);
    let picture = place.read("cost.svg");
    assert!(picture.contains("Flare, r = 3") && picture.contains("Bellman-Ford-Gibson"));
    let nowhere = ["simulate", "plot", "--svg", "no/such/folder.svg", "--most-nodes", "1000"];
    place.boltlab(&nowhere).assert(2, &["no/such/folder.svg"]);
}

//! Two nodes and their features.

use super::*;
use crate::bolt::tx::Side;

#[test]
fn what_both_offer_is_negotiated() {
    let (ours, theirs) = (set(&[16, 23, 25, 101]), set(&[17, 22, 27, 101]));
    assert_eq!(ours.negotiated(&theirs), set(&[16, 22, 101]));
    assert_eq!(set(&[23]).negotiated(&set(&[25])), Features::default());
    assert_eq!(set(&[23]).negotiated(&set(&[23])), set(&[23]));
}

#[test]
fn what_the_local_node_demands_is_negotiated() {
    assert_eq!(set(&[22]).negotiated(&Features::default()), set(&[22]));
    assert_eq!(Features::default().negotiated(&set(&[22])), Features::default());
}

#[test]
fn demands_must_be_met_on_both_sides() {
    let (anchors, none) = (set(&[22]), Features::default());
    assert_eq!(anchors.compatible(&set(&[23])), Ok(()));
    assert_eq!(set(&[23]).compatible(&none), Ok(()));
    let local = Incompatible { bit: 22, asks: Side::Local };
    assert_eq!(anchors.compatible(&none), Err(local));
    let remote = Incompatible { bit: 22, asks: Side::Remote };
    assert_eq!(none.compatible(&anchors), Err(remote));
    let shown = "go on: only the remote side supports option_anchors (required)";
    assert_eq!(remote.to_string(), shown);
    let unknown = set(&[100]).compatible(&set(&[22])).unwrap_err();
    assert_eq!(unknown, Incompatible { bit: 100, asks: Side::Local });
}

#[test]
fn what_is_assumed_needs_no_bit() {
    assert_eq!(set(&[0, 8, 12, 14, 44]).compatible(&Features::default()), Ok(()));
}

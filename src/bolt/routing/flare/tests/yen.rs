use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::bolt::units::Msat;

const AMOUNT: Msat = Msat(1_000);

/// Every route without loops, by its channels, by trying all.
fn all(links: &[Link<NodeId>], from: NodeId, to: NodeId) -> Vec<Vec<ShortChannelId>> {
    fn go(
        links: &[Link<NodeId>],
        to: NodeId,
        first: NodeId,
        passed: &mut Vec<NodeId>,
        route: &mut Vec<ShortChannelId>,
        found: &mut Vec<Vec<ShortChannelId>>,
    ) {
        let at = *passed.last().unwrap();
        if at == to {
            found.push(route.clone());
            return;
        }
        for link in links {
            let Some(next) = link.other(at).filter(|next| !passed.contains(next)) else { continue };
            let forwards = link.policy(at).map_or(at == first, |policy| policy.enabled);
            if !forwards || link.capacity < AMOUNT.to_sat_floor() {
                continue;
            }
            passed.push(next);
            route.push(link.channel);
            go(links, to, first, passed, route, found);
            route.pop();
            passed.pop();
        }
    }
    let mut found = Vec::new();
    if from != to {
        go(links, to, from, &mut vec![from], &mut Vec::new(), &mut found);
    }
    found.sort_by_key(Vec::len);
    found
}

#[test]
fn a_square_has_two_routes_and_its_diagonal_three() {
    let square = table(&[(0, 1), (1, 2), (2, 3), (3, 0)]);
    let lengths = |table: &Table<NodeId>| {
        table.routes(node(0), node(2), AMOUNT, 9).iter().map(Vec::len).collect::<Vec<_>>()
    };
    assert_eq!(lengths(&square), [2, 2]);
    let crossed = table(&[(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]);
    assert_eq!(lengths(&crossed), [1, 2, 2]);
}

#[test]
fn two_channels_between_the_same_nodes_are_two_routes() {
    assert_eq!(table(&[(0, 1), (0, 1), (1, 2)]).routes(node(0), node(2), AMOUNT, 9).len(), 2);
}

#[test]
fn there_is_no_route_to_oneself_to_nowhere_or_beyond_twenty_hops() {
    let pairs: Vec<(u32, u32)> = (0..21).map(|at| (at, at + 1)).collect();
    let line = table(&pairs);
    for (to, count) in [(0, 0), (20, 1), (21, 0), (99, 0)] {
        assert_eq!(line.routes(node(0), node(to), AMOUNT, 9).len(), count, "{to}");
    }
}

#[test]
fn a_hop_says_whose_terms_hold() {
    let mut there = link(0, 1, 0);
    there.set_policy(node(1), Some(Policy { fee_base_msat: 7, ..free(0) }));
    let mut table = Table::new(9);
    table.merge([&there, &link(1, 1, 2)]);
    let back = &table.routes(node(2), node(0), AMOUNT, 1)[0];
    assert_eq!((back[1].from, back[1].to), (node(1), node(0)));
    assert_eq!(back[1].policy.unwrap().fee_base_msat, 7);
}

/// Few nodes with many channels between them, some of which are too small or lead one way only.
fn links() -> impl Strategy<Value = Vec<Link<NodeId>>> {
    let one = (0_u32..6, 1_u32..6, 0_u64..4, 0_u32..9);
    proptest::collection::vec(one, 0..13).prop_map(|drawn| {
        let links = (0..).zip(drawn).map(|(at, (a, by, capacity, terms))| {
            let mut link = link(at, a, (a + by) % 6);
            link.capacity = Amount::from_sat(capacity);
            match terms {
                0 => link.policies[0] = None,
                1 => link.policies[1] = Some(Policy { enabled: false, ..free(0) }),
                _ => {}
            }
            link
        });
        links.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_shortest_are_found_each_once(links in links(), count in 1_usize..40) {
        let mut table = Table::new(99);
        table.merge(&links);
        let truth = all(&links, node(0), node(5));
        let found = table.routes(node(0), node(5), AMOUNT, count);
        let lengths: Vec<usize> = found.iter().map(Vec::len).collect();
        let shortest: Vec<usize> = truth.iter().take(count).map(Vec::len).collect();
        prop_assert_eq!(lengths, shortest);
        let channels = |route: &Route<NodeId>| route.iter().map(|hop| hop.channel).collect::<Vec<_>>();
        let distinct: BTreeSet<_> = found.iter().map(channels).collect();
        prop_assert_eq!(distinct.len(), found.len());
        prop_assert!(distinct.iter().all(|route| truth.contains(route)));
    }
}

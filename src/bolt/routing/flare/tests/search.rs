use super::*;
use crate::bolt::units::Msat;

/// A line of nodes whose tables reach one hop; the sender at one end, the receiver at the other.
fn neighbours(at: u32, last: u32) -> Vec<Link<NodeId>> {
    let before = at.checked_sub(1).map(|before| link(before.into(), before, at));
    let behind = (at < last).then(|| link(at.into(), at, at + 1));
    before.into_iter().chain(behind).collect()
}

fn search(last: u32, limits: SearchLimits) -> Search<NodeId> {
    let links = [neighbours(0, last), neighbours(last, last)].concat();
    Search::new(node(0), node(last), Msat(1_000), limits, &links)
}

/// Answers all questions; returns who was asked, and the end.
fn play(search: &mut Search<NodeId>, last: u32) -> (Vec<NodeId>, Step<NodeId>) {
    let mut asked = Vec::new();
    loop {
        match search.step() {
            Step::Ask { whom, path } => {
                assert_eq!(search.step(), Step::Ask { whom, path: path.clone() });
                let end = path.iter().try_fold(node(0), |at, link| link.other(at));
                assert_eq!(end, Some(whom), "the path leads there");
                asked.push(whom);
                let at = u32::from_be_bytes(whom.0[29..].try_into().unwrap());
                search.answered(whom, &neighbours(at, last));
            }
            end @ (Step::Routes(_) | Step::NoRoute) => return (asked, end),
        }
    }
}

#[test]
fn tables_that_meet_need_no_question() {
    let mut search = search(2, SearchLimits::default());
    let (asked, end) = play(&mut search, 2);
    assert_eq!((asked.len(), search.queries()), (0, 0));
    assert!(matches!(end, Step::Routes(routes) if routes.len() == 1 && routes[0].len() == 2));
}

#[test]
fn tables_are_asked_for_until_they_meet() {
    let mut search = search(6, SearchLimits::default());
    let (asked, end) = play(&mut search, 6);
    // Of a line, only the next one is within reach each time.
    assert_eq!(asked, [node(1), node(2), node(3), node(4)][..asked.len()]);
    assert!((3..=4).contains(&asked.len()), "{asked:?}");
    assert!(matches!(end, Step::Routes(routes) if routes[0].len() == 6));
}

#[test]
fn a_search_ends_with_its_last_question() {
    let limits = SearchLimits { queries: 2, ..SearchLimits::default() };
    let mut search = search(9, limits);
    let (asked, end) = play(&mut search, 9);
    assert_eq!((asked.len(), end), (2, Step::NoRoute));
}

#[test]
fn the_one_nearest_to_the_receiver_is_asked_first_of_those_within_reach() {
    // A star around the sender, and a receiver that nobody knows of.
    let star: Vec<_> = (1..20).map(|leaf| link(leaf.into(), 0, leaf)).collect();
    let links = [star, vec![link(99, 98, 99)]].concat();
    let mut search = Search::new(node(0), node(99), Msat(1), SearchLimits::default(), &links);
    let mut order: Vec<_> = (1..20).map(node).collect();
    order.sort_by_key(|leaf| leaf.address().distance(&node(99).address()));
    for expected in order.into_iter().take(10) {
        let Step::Ask { whom, .. } = search.step() else { panic!("it asks") };
        assert_eq!(whom, expected);
        search.silent(whom);
    }
    assert_eq!(search.step(), Step::NoRoute);
}

#[test]
fn a_table_takes_no_more_than_it_may() {
    let limits = SearchLimits { links: 3, ..SearchLimits::default() };
    let mut search = search(9, limits);
    play(&mut search, 9);
    assert_eq!(search.table().len(), 3);
    let mut table = Table::new(1);
    assert_eq!(table.insert(&link(1, 0, 1)), Ok(()));
    assert_eq!(table.insert(&link(1, 0, 1)), Ok(()), "it is there already");
    assert_eq!(table.insert(&link(2, 0, 1)), Err(TableFull { most: 1 }));
}

#[test]
fn of_two_accounts_of_a_channel_the_newer_holds() {
    let mut newer = link(1, 0, 1);
    newer.set_policy(node(0), Some(Policy { fee_base_msat: 9, ..free(5) }));
    for order in [[link(1, 0, 1), newer], [newer, link(1, 0, 1)]] {
        let mut table = Table::new(9);
        table.merge(&order);
        assert_eq!(table.link(ShortChannelId(1)), Some(&newer));
    }
    // Another channel under the same name changes nothing.
    let mut table = Table::new(9);
    table.merge([&link(1, 0, 1), &link(1, 0, 2)]);
    assert_eq!((table.len(), table.knows(node(2))), (1, false));
}

#[test]
fn a_channel_that_is_avoided_is_not_used_again_whoever_tells_of_it() {
    use std::collections::BTreeSet;
    let mut search = search(2, SearchLimits::default());
    assert!(matches!(search.step(), Step::Routes(_)));
    search.avoid(&BTreeSet::from([link(1, 1, 2).channel]));
    assert!(!matches!(search.step(), Step::Routes(_)));
    search.answered(node(1), &neighbours(1, 2));
    assert_eq!(search.step(), Step::NoRoute);
    // Another channel between the same two is another matter.
    search.answered(node(1), &[link(9, 1, 2)]);
    assert!(matches!(search.step(), Step::Routes(_)));
}

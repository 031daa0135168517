use proptest::prelude::*;

use super::*;

/// Asks until the search is over; everybody knows a map of their own. Returns the search and
/// how many questions it took.
fn search(
    maps: &[Table<NodeId>],
    own: u32,
    count: u8,
    questions: u32,
) -> (BeaconSearch<NodeId>, u32) {
    let at = |name: NodeId| u32::from_be_bytes(name.0[29..].try_into().unwrap());
    let map = |node: u32| &maps[usize::try_from(node).unwrap()];
    let known = map(own).nearest(node(own), node(own).address(), count.into());
    let mut search = BeaconSearch::new(node(own), count, questions, known);
    let mut asked = 0;
    while let Some(question) = search.question() {
        leads(node(own), &question.path, question.whom);
        asked += 1;
        let whom = question.whom;
        let answer = map(at(whom)).nearer(whom, question.target, question.count.into());
        search.answered(whom, &answer).unwrap();
        assert_ne!(search.question().map(|next| next.whom), Some(whom));
    }
    (search, asked)
}

#[track_caller]
fn leads(from: NodeId, path: &[Link<NodeId>], to: NodeId) {
    let mut passed = vec![from];
    for link in path {
        let next = link.other(*passed.last().unwrap()).expect("the links join");
        assert!(!passed.contains(&next), "no loops");
        passed.push(next);
    }
    assert_eq!(passed.last(), Some(&to));
}

/// The nearest to a node of some others, by looking at all.
fn nearest(own: u32, others: impl Iterator<Item = u32>, count: usize) -> Vec<NodeId> {
    let address = node(own).address();
    let mut all: Vec<_> = others.filter(|other| *other != own).map(node).collect();
    all.sort_by_key(|other| other.address().distance(&address));
    all.truncate(count);
    all
}

/// A ring with shortcuts: connected, and not everybody is near to everybody.
fn pairs(nodes: u32, shortcuts: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let ring = (0..nodes).map(|at| (at, (at + 1) % nodes));
    let more = shortcuts.iter().map(|(a, b)| (a % nodes, b % nodes));
    ring.chain(more.filter(|(a, b)| a != b)).collect()
}

/// What lies within a radius of a node.
fn ball(pairs: &[(u32, u32)], centre: u32, radius: u8) -> Vec<(u32, u32)> {
    let mut inside = std::collections::BTreeSet::from([centre]);
    let mut found = Vec::new();
    for _ in 0..radius {
        found = pairs
            .iter()
            .copied()
            .filter(|(a, b)| inside.contains(a) || inside.contains(b))
            .collect();
        inside.extend(found.iter().flat_map(|(a, b)| [*a, *b]));
    }
    found
}

/// A table of these pairs, with the channels' numbers in the whole list.
fn map(pairs: &[(u32, u32)], centre: u32, radius: u8) -> Table<NodeId> {
    let inside = ball(pairs, centre, radius);
    let links: Vec<_> = (0..)
        .zip(pairs)
        .filter(|(_, pair)| inside.contains(pair))
        .map(|(at, (a, b))| link(at, *a, *b))
        .collect();
    let mut table = Table::new(usize::MAX);
    table.merge(&links);
    table
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn if_everybody_knows_everything_the_beacons_are_the_nearest_of_all(
        nodes in 4_u32..40,
        shortcuts: Vec<(u32, u32)>,
        count in 1_u8..6,
    ) {
        let pairs = pairs(nodes, &shortcuts);
        let maps = vec![table(&pairs); usize::try_from(nodes).unwrap()];
        let (search, _) = search(&maps, 0, count, 1_000);
        let found: Vec<_> = search.beacons().iter().map(|beacon| beacon.node).collect();
        prop_assert_eq!(found, nearest(0, 0..nodes, count.into()));
    }

    #[test]
    fn of_small_maps_every_beacon_knows_nobody_nearer_that_was_not_asked(
        nodes in 10_u32..60,
        shortcuts: Vec<(u32, u32)>,
        count in 1_u8..6,
        radius in 1_u8..4,
    ) {
        let pairs = pairs(nodes, &shortcuts);
        let maps: Vec<_> = (0..nodes).map(|centre| map(&pairs, centre, radius)).collect();
        let (search, asked) = search(&maps, 0, count, 1_000);
        let beacons = search.beacons();
        for beacon in &beacons {
            leads(node(0), &beacon.path, beacon.node);
        }
        let found: Vec<_> = beacons.iter().map(|beacon| beacon.node).collect();
        // By a look at the whole graph: whom a beacon knows that is nearer is a beacon, too.
        for centre in (0..nodes).filter(|at| found.contains(&node(*at))) {
            let own = node(centre).address().distance(&node(0).address());
            let known = ball(&pairs, centre, radius).into_iter().flat_map(|(a, b)| [a, b]);
            let nearer = known.filter(|at| node(*at).address().distance(&node(0).address()) < own);
            let nearer: std::collections::BTreeSet<u32> = nearer.collect();
            for at in nearest(0, nearer.into_iter(), count.into()) {
                prop_assert!(found.contains(&at));
            }
        }
        prop_assert_eq!(&found, &{
            let mut sorted = found.clone();
            sorted.sort_by_key(|at| at.address().distance(&node(0).address()));
            sorted
        });
        prop_assert!(asked >= u32::try_from(found.len()).unwrap());
    }

    #[test]
    fn a_search_asks_no_more_than_it_may(shortcuts: Vec<(u32, u32)>, questions in 0_u32..6) {
        let pairs = pairs(60, &shortcuts);
        let maps: Vec<_> = (0..60).map(|centre| map(&pairs, centre, 1)).collect();
        let (search, asked) = search(&maps, 0, 4, questions);
        prop_assert!(asked <= questions);
        prop_assert!(search.beacons().len() <= usize::try_from(asked).unwrap());
    }
}

/// A search of node 0, which knows node 1, and 1's link to a node that is nearer to 0.
fn begun() -> (BeaconSearch<NodeId>, Vec<u32>) {
    let mut others: Vec<u32> = (1..20).collect();
    others.sort_by_key(|other| node(*other).address().distance(&node(0).address()));
    let far = others[10];
    let search = BeaconSearch::new(node(0), 2, 9, [(node(far), vec![link(0, 0, far)])]);
    (search, others)
}

#[test]
fn one_who_is_silent_is_no_beacon() {
    let (mut search, others) = begun();
    search.silent(node(others[10]));
    assert_eq!((search.question(), search.beacons()), (None, vec![]));
}

#[test]
fn answers_that_the_question_does_not_allow_are_refused() {
    let (search, others) = begun();
    let (asked, near, further) = (others[10], others[3], others[15]);
    let good = (node(near), vec![link(1, asked, near)]);
    let broken = [
        // Not nearer; does not begin with the asked; does not end with the candidate.
        (vec![(node(further), vec![link(1, asked, further)])], Offence::BrokenPath),
        (vec![(node(near), vec![link(1, 7, near)])], Offence::BrokenPath),
        (vec![(node(near), vec![link(1, asked, 7)])], Offence::BrokenPath),
        (vec![(node(near), vec![])], Offence::BrokenPath),
        (vec![good.clone(); 3], Offence::TooManyCandidates { most: 2 }),
    ];
    for (answer, offence) in broken {
        let mut search = search.clone();
        assert_eq!(search.answered(node(asked), &answer), Err(offence));
        assert_eq!((search.question(), search.beacons()), (None, vec![]), "it counts as silent");
    }
    let mut search = search.clone();
    search.answered(node(asked), &[good]).unwrap();
    assert_eq!(search.question().map(|next| next.whom), Some(node(near)));
}

#[test]
fn an_answer_that_was_not_asked_for_is_passed_over() {
    let (mut search, others) = begun();
    let near = (node(others[3]), vec![link(1, others[5], others[3])]);
    search.answered(node(others[5]), &[near]).unwrap();
    assert_eq!(search.question().map(|next| next.whom), Some(node(others[10])));
}

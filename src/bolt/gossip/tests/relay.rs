//! What is passed on, to whom, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::relay::FLUSH_INTERVAL;
use super::super::{Filter, Relay};
use super::*;

fn ends() -> Ends {
    Ends::of(400, 1, [1, 2])
}

fn all() -> Filter {
    Filter::asked(&Filter::since(0)).unwrap()
}

fn peers(numbers: &[u8]) -> BTreeMap<PublicKey, Filter> {
    numbers.iter().map(|number| (peer(*number), all())).collect()
}

/// A network of one channel, with what both its ends say.
fn told() -> (Network, Vec<GossipId>) {
    let mut network = knowing(&[ends()]);
    for end in [0, 1] {
        network.receive_update(NOW, peer(1), &ends().update(end, TIME, 1)).unwrap();
        network.receive_node(peer(1), &introduction(ends().nodes[end], TIME)).unwrap();
    }
    let ids = network.all().collect();
    (network, ids)
}

fn names(sent: &[(PublicKey, Message)], to: u8) -> Vec<&'static str> {
    sent.iter().filter(|(peer_id, _)| *peer_id == peer(to)).map(|(_, m)| m.name()).collect()
}

const WHOLE: [&str; 5] = [
    "channel_announcement",
    "channel_update",
    "channel_update",
    "node_announcement",
    "node_announcement",
];

#[test]
fn all_news_goes_once_to_all_but_its_source_and_the_channel_goes_first() {
    let (network, ids) = told();
    let mut relay = Relay::default();
    for id in ids.into_iter().rev() {
        relay.queue(id, peer(1));
    }
    let sent = relay.flush(&network, NOW.time, &peers(&[1, 2]));
    assert_eq!(names(&sent, 1), [""; 0]);
    assert_eq!(names(&sent, 2), WHOLE);
    assert!(relay.is_quiet());
    let again = relay.flush(&network, NOW.time + FLUSH_INTERVAL, &peers(&[1, 2]));
    assert_eq!(again, []);
}

#[test]
fn a_flush_comes_once_a_minute() {
    let (network, ids) = told();
    let mut relay = Relay::default();
    relay.flush(&network, NOW.time, &peers(&[2]));
    for id in ids {
        relay.queue(id, peer(1));
    }
    assert_eq!(relay.flush(&network, NOW.time + FLUSH_INTERVAL - 1, &peers(&[2])), []);
    let sent = relay.flush(&network, NOW.time + FLUSH_INTERVAL, &peers(&[2]));
    assert_eq!(names(&sent, 2), WHOLE);
}

#[test]
fn an_announcement_waits_for_an_update() {
    let mut network = knowing(&[ends()]);
    let mut relay = Relay::default();
    relay.queue(GossipId::Channel(ends().id), peer(1));
    assert_eq!(relay.flush(&network, NOW.time, &peers(&[2])), []);
    assert!(!relay.is_quiet());
    let update = ends().update(0, TIME, 1);
    network.receive_update(NOW, peer(1), &update).unwrap();
    relay.queue(GossipId::Update(ends().id, update.direction()), peer(1));
    let sent = relay.flush(&network, NOW.time + FLUSH_INTERVAL, &peers(&[2]));
    assert_eq!(names(&sent, 2), WHOLE[..2]);
    assert!(relay.is_quiet());
}

#[test]
fn what_is_forgotten_waits_no_longer() {
    let mut relay = Relay::default();
    relay.queue(GossipId::Channel(ends().id), peer(1));
    assert_eq!(relay.flush(&Network::default(), NOW.time, &peers(&[2])), []);
    assert!(relay.is_quiet());
}

#[test]
fn who_asks_late_gets_all_once() {
    let (network, ids) = told();
    let mut relay = Relay::default();
    relay.queue(ids[0], peer(1));
    relay.catch_up(peer(3));
    let sent = relay.flush(&network, NOW.time, &peers(&[2, 3]));
    assert_eq!(names(&sent, 2), WHOLE[..1]);
    assert_eq!(names(&sent, 3), WHOLE);
    relay.catch_up(peer(3));
    relay.lose(&peer(3));
    assert_eq!(relay.flush(&network, NOW.time + FLUSH_INTERVAL, &peers(&[3])), []);
}

proptest! {
    // Each case signs and checks a lot.
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever says what, whenever somebody asks: everybody gets all that it has not said, once.
    #[test]
    fn everybody_gets_everything_once(
        said in prop::collection::vec((0..5_usize, 1..4_u8, any::<bool>()), 0..20),
        late in 0..20_usize,
    ) {
        let (network, ids) = told();
        let mut relay = Relay::default();
        let (mut time, mut got) = (NOW.time, Vec::new());
        let mut known: BTreeMap<GossipId, BTreeSet<PublicKey>> = BTreeMap::new();
        for (at, (id, from, flushes)) in said.into_iter().enumerate() {
            let (id, from) = (ids[id], peer(from));
            // It is news the first time alone.
            if let Some(by) = known.get_mut(&id) {
                by.insert(from);
                relay.is_known_to(id, from);
            } else {
                known.insert(id, BTreeSet::from([from]));
                relay.queue(id, from);
            }
            if flushes || at == late {
                let sent = relay.flush(&network, time, &peers(&[1, 2, 3]));
                for (to, message) in &sent {
                    let has_said = known.iter().any(|(id, by)| {
                        by.contains(to) && network.told(id).is_some_and(|(told, _)| told == *message)
                    });
                    prop_assert!(!has_said, "{} goes back to who said it", message.name());
                }
                got.extend(sent);
                time += FLUSH_INTERVAL;
            }
        }
        got.extend(relay.flush(&network, time, &peers(&[1, 2, 3])));
        for (to, message) in &got {
            let count = got.iter().filter(|(peer, other)| (peer, other) == (to, message)).count();
            prop_assert_eq!(count, 1, "{} comes twice", message.name());
        }
        for (id, by) in known {
            let (message, _) = network.told(&id).unwrap();
            for to in [1, 2, 3].map(peer) {
                let came = got.contains(&(to, message.clone()));
                prop_assert!(came || by.contains(&to), "{} is missing", message.name());
            }
        }
    }
}

use super::*;
use crate::bolt::units::Msat;

const AMOUNT: Msat = Msat(1_000_000);

/// A route over these channels, from node 0 on, each with a base fee.
fn route(channels: &[(u64, u32, u32)]) -> Route<NodeId> {
    let hops = channels.iter().enumerate().map(|(at, (channel, to, base))| {
        let from = if at == 0 { 0 } else { channels[at - 1].1 };
        Hop {
            channel: ShortChannelId(*channel),
            from: node(from),
            to: node(*to),
            capacity: Amount::from_sat(5_000),
            policy: Some(Policy { fee_base_msat: *base, ..free(0) }),
        }
    });
    hops.collect()
}

fn terms(base: u32) -> Terms {
    Terms {
        fee_base_msat: base,
        fee_proportional_millionths: 0,
        cltv_expiry_delta: CltvExpiryDelta(40),
    }
}

#[test]
fn routes_are_ranked_by_hops_then_by_their_smallest_channel_then_by_fee() {
    let long = route(&[(1, 1, 0), (2, 2, 0), (3, 9, 0)]);
    let mut narrow = route(&[(4, 3, 0), (5, 9, 0)]);
    narrow[1].capacity = Amount::from_sat(2_000);
    let dear = route(&[(6, 4, 0), (7, 9, 500)]);
    let cheap = route(&[(8, 5, 0), (9, 9, 100)]);
    let all = vec![long.clone(), narrow.clone(), dear.clone(), cheap.clone()];
    assert_eq!(ranked(all, AMOUNT), [cheap, dear, narrow, long]);
}

#[test]
fn every_hop_is_asked_for_what_it_would_carry() {
    let polling = Polling::new(vec![route(&[(1, 1, 0), (2, 2, 10), (3, 9, 5)])], AMOUNT, 3);
    let questions = polling.questions();
    let asked: Vec<_> =
        questions.iter().map(|asked| (asked.whom, asked.amount.0, asked.path.len())).collect();
    assert_eq!(asked, [(node(0), 1_000_015, 0), (node(1), 1_000_005, 1), (node(2), 1_000_000, 2)]);
}

#[test]
fn the_cheapest_that_holds_is_taken_and_the_next_follows() {
    let routes = vec![
        route(&[(1, 1, 0), (2, 9, 30)]),
        route(&[(3, 2, 0), (4, 9, 20)]),
        route(&[(5, 3, 0), (6, 9, 10)]),
        route(&[(7, 4, 0), (8, 9, 1)]),
    ];
    let mut polling = Polling::new(routes, AMOUNT, 3);
    for question in polling.questions() {
        let answer = match question.channel.0 {
            6 => PollAnswer::CannotNow,
            2 => PollAnswer::Carries(terms(30)),
            4 => PollAnswer::Carries(terms(20)),
            8 => panic!("only the first few are polled"),
            _ => PollAnswer::Carries(terms(0)),
        };
        polling.answered(&question, answer);
    }
    assert_eq!(polling.questions(), []);
    let held: Vec<_> = polling.payable().iter().map(|held| (held.index, held.fee.0)).collect();
    assert_eq!(held, [(1, 20), (0, 30)]);
    let best = &polling.payable()[0];
    assert_eq!(best.amounts, [Msat(1_000_020), AMOUNT]);
    // The sender's own channel has no delay.
    assert_eq!(best.delay, 40);
}

#[test]
fn who_asks_for_more_than_was_known_has_the_hops_before_asked_again() {
    let mut polling = Polling::new(vec![route(&[(1, 1, 0), (2, 2, 10), (3, 9, 5)])], AMOUNT, 3);
    for question in polling.questions() {
        let base = if question.channel.0 == 3 { 500 } else { 10 };
        polling.answered(&question, PollAnswer::Carries(terms(base)));
    }
    assert_eq!(polling.payable(), []);
    let again = polling.questions();
    let asked: Vec<_> = again.iter().map(|asked| (asked.whom, asked.amount.0)).collect();
    assert_eq!(asked, [(node(0), 1_000_510), (node(1), 1_000_500)]);
    for question in again {
        polling.answered(&question, PollAnswer::Carries(terms(10)));
    }
    let held = polling.payable();
    assert_eq!((held.len(), held[0].fee), (1, Msat(510)));
    assert_eq!(held[0].route[2].policy.unwrap().fee_base_msat, 500, "with the terms just named");
}

#[test]
fn one_who_is_silent_or_has_no_such_channel_takes_its_route_out() {
    for silent in [true, false] {
        let mut polling = Polling::new(vec![route(&[(1, 1, 0), (2, 9, 0)])], AMOUNT, 3);
        let questions = polling.questions();
        if silent {
            polling.silent(&questions[1]);
        } else {
            polling.answered(&questions[1], PollAnswer::NotMine);
        }
        assert_eq!((polling.questions(), polling.payable()), (vec![], vec![]));
    }
}

#[test]
fn an_amount_that_does_not_fit_is_not_polled() {
    let polling = Polling::new(vec![route(&[(1, 1, 0), (2, 9, 1)])], Msat(u64::MAX), 3);
    assert_eq!((polling.questions(), polling.payable()), (vec![], vec![]));
}

//! Messages that cross at random.

use proptest::prelude::*;

use super::*;

/// Something that happens next.
#[derive(Clone, Debug)]
enum Action {
    /// This side offers an HTLC of so many msat.
    Offer(usize, u64),
    /// The oldest message to this side arrives.
    Deliver(usize),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let side = prop_oneof![Just(ALICE), Just(BOB)];
    let offer = (side.clone(), 1_u64..40_000_000).prop_map(|(s, a)| Action::Offer(s, a));
    let deliver = side.prop_map(Action::Deliver);
    proptest::collection::vec(prop_oneof![1 => offer, 3 => deliver], 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the order in which messages cross, nothing fails, nothing is lost, both sides
    /// agree, and each holds the secret of every state that the other has left.
    #[test]
    fn of_two_sides_that_pay_at_once_end_in_agreement(actions in actions()) {
        let mut pair = Pair::normal(Anchors);
        pair.pay(ALICE, Msat(400_000_000));
        for action in actions {
            match action {
                // What the balance does not allow is refused, and changes nothing.
                Action::Offer(side, amount) => drop(pair.offer(side, Msat(amount))),
                Action::Deliver(side) => pair.deliver_to(side),
            }
        }
        pair.drive();
        prop_assert_eq!(pair.phases(), ["normal", "normal"], "{:?}", pair.events);
        let (alice, bob) = (pair.commitments(ALICE), pair.commitments(BOB));
        prop_assert_eq!(alice.pending() + bob.pending(), 0);
        let (ours, theirs) = alice.settled();
        prop_assert_eq!(bob.settled(), (theirs, ours));
        prop_assert_eq!(ours.0 + theirs.0, 1_000_000_000);
        for (owner, other) in [(alice, bob), (bob, alice)] {
            let newest = owner.local().unwrap().commitment.number;
            for number in (0..newest.0).map(CommitmentNumber) {
                prop_assert!(other.revocation_secret(number).is_some(), "{}", number);
            }
            prop_assert!(other.revocation_secret(newest).is_none());
        }
    }
}

//! Payments over several hops: what each hop gets, and messages that cross at random.

use proptest::prelude::*;

use super::*;
use crate::bolt::onion::Failure;
use crate::node::line::{HALF, Line};
use crate::node::{PayRequest, Payee, PaymentEvent, RelayPolicy, Setback};

/// Twice half a channel for those within, half a channel for those at the ends.
fn at_the_start(node: usize, count: usize) -> u64 {
    if node == 0 || node == count - 1 { HALF.0 } else { 2 * HALF.0 }
}

#[test]
fn every_hop_earns_its_fee() {
    for count in [3, 4, 6] {
        let mut line = Line::new(count);
        let hash = line.pay(0, count - 1, Msat(10_000_000), Msat(10_000_000)).unwrap();
        line.drive();
        assert!(matches!(line.ending(&hash), Some(PaymentEvent::Paid { .. })));
        let mut amount = Msat(10_000_000);
        let last = count - 1;
        assert_eq!(line.wealth(last).0, at_the_start(last, count) + amount.0);
        for hop in (1..last).rev() {
            let fee = RelayPolicy::default().fee(amount).unwrap();
            assert_eq!(line.wealth(hop).0, at_the_start(hop, count) + fee.0, "hop {hop}");
            amount = amount.checked_add(fee).unwrap();
        }
        assert_eq!(line.wealth(0).0, at_the_start(0, count) - amount.0);
    }
}

#[test]
fn a_payment_that_fails_at_the_end_costs_nobody_anything() {
    let mut line = Line::new(4);
    let hash = line.pay(0, 3, Msat(10_000_000), Msat(10_000_000)).unwrap();
    line.command(3, NodeCommand::Cancel(hash)).unwrap();
    line.drive();
    let Setback::Failure { node, failure, .. } = line.setback(&hash) else { panic!("no failure") };
    assert_eq!(*node, line.nodes[3].id());
    let name = failure.as_ref().map(Failure::name);
    assert_eq!(name, Some("incorrect_or_unknown_payment_details"));
    for node in 0..4 {
        assert_eq!(line.wealth(node).0, at_the_start(node, 4), "node {node}");
    }
}

/// BOLT 2, "Forwarding HTLCs": an HTLC is given back upstream only once the one downstream is
/// irrevocably gone, but taken as soon as the preimage is known.
#[test]
fn an_htlc_is_given_back_upstream_only_when_it_is_gone_downstream() {
    let mut line = Line::new(3);
    let hash = line.pay(0, 2, Msat(10_000_000), Msat(10_000_000)).unwrap();
    line.command(2, NodeCommand::Cancel(hash)).unwrap();
    let mut given_back = false;
    for _ in 0..200 {
        line.deliver(usize::MAX);
        let downstream = line.commitments(1, 1).pending();
        let offered = line.commitments(1, 0).htlcs().next();
        let upstream = offered.is_some_and(|(_, _, htlc)| htlc.removal.is_some());
        if upstream {
            given_back = true;
            assert_eq!(downstream, 0, "given back while it could still be taken");
        }
    }
    assert!(given_back);
}

/// The first part is not sent either, so the channel goes on as if nothing had been.
#[test]
fn a_part_that_is_refused_undoes_the_parts_before_it() {
    let mut line = Line::new(2);
    let asked = Msat(HALF.0 + 100_000_000);
    line.command(1, NodeCommand::Invoice(InvoiceRequest::of(asked))).unwrap();
    let (_, invoice) = line.invoices.last().unwrap().clone();
    let path = line.path(0, 1);
    let parts = vec![(Msat(100_000_000), path.clone()), (HALF, path)];
    let payee = Payee::Invoice(invoice);
    let refused = line.command(0, NodeCommand::Pay(PayRequest { payee, parts }));
    assert!(matches!(refused, Err(NodeError::Refused(_))), "{refused:?}");
    assert_eq!(line.commitments(0, 0).pending(), 0);
    let hash = line.pay(0, 1, Msat(10_000_000), Msat(10_000_000)).unwrap();
    line.drive();
    assert_eq!(line.violations, []);
    assert!(matches!(line.ending(&hash), Some(PaymentEvent::Paid { .. })));
}

/// Something that happens next.
#[derive(Clone, Debug)]
enum Action {
    /// This node pays that one so many msat; it asked for the same, or for more than twice less.
    Pay { from: usize, to: usize, amount: u64, honest: bool },
    /// The oldest message of some direction arrives.
    Deliver(usize),
}

fn actions(nodes: usize) -> impl Strategy<Value = Vec<Action>> {
    let pay = (0..nodes, 1..nodes, 1_u64..60_000_000, prop::bool::weighted(0.7)).prop_map(
        move |(from, step, amount, honest)| {
            let to = (from + step) % nodes;
            Action::Pay { from, to, amount, honest }
        },
    );
    let deliver = (0_usize..12).prop_map(Action::Deliver);
    prop::collection::vec(prop_oneof![1 => pay, 4 => deliver], 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However payments and messages cross, each payment arrives or comes back, no channel breaks,
    /// both ends of each agree, and all that anybody lost somebody has.
    #[test]
    fn payments_that_cross_at_random_end_well(actions in actions(4)) {
        let mut line = Line::new(4);
        let mut sent = Vec::new();
        for action in actions {
            match action {
                Action::Pay { from, to, amount, honest } => {
                    let asked = Msat(if honest { amount } else { amount / 3 + 1 });
                    // What the first channel does not allow is refused, and changes nothing.
                    sent.extend(line.pay(from, to, asked, Msat(amount)).ok());
                }
                Action::Deliver(choice) => line.deliver(choice),
            }
        }
        line.drive();
        prop_assert_eq!(&line.violations, &Vec::new());
        for hash in &sent {
            prop_assert!(line.ending(hash).is_some(), "{} never ended", hash);
        }
        for channel in 0..3 {
            let (one, other) =
                (line.commitments(channel, channel), line.commitments(channel + 1, channel));
            prop_assert_eq!(one.pending() + other.pending(), 0);
            let (ours, theirs) = one.settled();
            prop_assert_eq!(other.settled(), (theirs, ours));
            prop_assert_eq!(ours.0 + theirs.0, 2 * HALF.0);
        }
        let wealth: u64 = (0..4).map(|node| line.wealth(node).0).sum();
        prop_assert_eq!(wealth, 6 * HALF.0);
    }
}

/// Something that happens next, where connections are lost and made again.
#[derive(Clone, Debug)]
enum Mishap {
    /// What happens otherwise.
    Plain(Action),
    /// This node and the next one lose their connection.
    Lose(usize),
    /// They get a new one, if they have none.
    Connect(usize),
    /// The opener of this channel changes its fee rate.
    Fee(usize, u32),
}

fn mishaps() -> impl Strategy<Value = Vec<Mishap>> {
    let pay = (0..3_usize, 1..3_usize, 1_u64..60_000_000, prop::bool::weighted(0.7)).prop_map(
        |(from, step, amount, honest)| Action::Pay { from, to: (from + step) % 3, amount, honest },
    );
    let deliver = (0_usize..8).prop_map(Action::Deliver);
    let mishap = prop_oneof![
        4 => pay.prop_map(Mishap::Plain),
        20 => deliver.prop_map(Mishap::Plain),
        1 => (0..2_usize).prop_map(Mishap::Lose),
        2 => (0..2_usize).prop_map(Mishap::Connect),
        1 => (0..2_usize, 500..2_000_u32).prop_map(|(channel, rate)| Mishap::Fee(channel, rate)),
    ];
    prop::collection::vec(mishap, 1..250)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The same, while connections are lost: a payment may come back for that, and none is stuck.
    #[test]
    fn payments_end_well_wherever_connections_are_lost(mishaps in mishaps()) {
        let mut line = Line::new(3);
        let mut sent = Vec::new();
        for mishap in mishaps {
            match mishap {
                Mishap::Plain(Action::Pay { from, to, amount, honest }) => {
                    let asked = Msat(if honest { amount } else { amount / 3 + 1 });
                    sent.extend(line.pay(from, to, asked, Msat(amount)).ok());
                }
                Mishap::Plain(Action::Deliver(choice)) => line.deliver(choice),
                Mishap::Lose(first) => line.lose_connection(first),
                Mishap::Connect(first) => line.connect(first),
                Mishap::Fee(channel, feerate) => {
                    let handle = line.channels[channel];
                    let update = NodeCommand::UpdateFee(handle, FeeratePerKw(feerate));
                    // What the channel does not allow is refused, and changes nothing.
                    let _ = line.command(channel, update);
                }
            }
        }
        for first in 0..2 {
            line.connect(first);
        }
        line.drive();
        prop_assert_eq!(&line.violations, &Vec::new());
        for hash in &sent {
            let endings = line.payments.iter().filter(|(_, event)| event.ends(hash)).count();
            prop_assert_eq!(endings, 1, "{}", hash);
        }
        for channel in 0..2 {
            let (one, other) =
                (line.commitments(channel, channel), line.commitments(channel + 1, channel));
            prop_assert_eq!(one.pending() + other.pending(), 0);
            let (ours, theirs) = one.settled();
            prop_assert_eq!(other.settled(), (theirs, ours));
            prop_assert_eq!(ours.0 + theirs.0, 2 * HALF.0);
        }
    }
}

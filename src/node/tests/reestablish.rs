//! A channel across connections. BOLT 2, "Message Retransmission".

use proptest::prelude::*;

use super::*;
use crate::bolt::keys::PerCommitmentSecret;
use crate::bolt::units::CommitmentNumber;
use crate::bolt::wire::messages::{ChannelReady, ChannelReestablish};

const AMOUNT: Msat = Msat(100_000_000);

/// Nobody broke the protocol, and both sides agree on what each has.
#[track_caller]
fn agreed(pair: &Pair) {
    let violations = pair.events.iter().filter(|(_, event)| {
        matches!(event, ChannelEvent::Violation { .. } | ChannelEvent::DataLost)
    });
    assert_eq!(violations.collect::<Vec<_>>(), Vec::<&(usize, ChannelEvent)>::new());
    assert_eq!(pair.told, []);
    let [alice, bob] = [ALICE, BOB].map(|node| pair.commitments(node));
    assert_eq!((alice.pending(), bob.pending()), (0, 0));
    let (to_local, to_remote) = bob.settled();
    assert_eq!(alice.settled(), (to_remote, to_local));
    assert_eq!(alice.next_feerate(), bob.next_feerate());
}

#[test]
fn a_payment_survives_the_loss_of_the_connection_at_every_message() {
    for cut in 0.. {
        let mut pair = Pair::normal(Anchors);
        pair.offer(ALICE, AMOUNT).unwrap();
        let delivered = pair.deliver_some(cut);
        pair.reconnect();
        agreed(&pair);
        assert_eq!(pair.commitments(BOB).settled().0, AMOUNT, "cut after {cut} messages");
        pair.pay(BOB, Msat(1_000_000));
        agreed(&pair);
        if delivered < cut {
            return;
        }
    }
}

/// Two cuts, the second one while messages are sent again.
#[test]
fn a_payment_survives_a_second_loss() {
    for first in 0..=8 {
        for second in 0..=10 {
            let mut pair = Pair::normal(Anchors);
            pair.offer(ALICE, AMOUNT).unwrap();
            pair.deliver_some(first);
            pair.lose_connection();
            pair.connect();
            pair.deliver_some(second);
            pair.reconnect();
            agreed(&pair);
            assert_eq!(pair.commitments(BOB).settled().0, AMOUNT, "cuts at {first}, {second}");
        }
    }
}

#[test]
fn a_change_of_the_fee_rate_survives_the_loss_at_every_message() {
    for cut in 0..=5 {
        let mut pair = Pair::normal(Anchors);
        let handle = pair.handle();
        pair.command(ALICE, NodeCommand::UpdateFee(handle, FeeratePerKw(3_000))).unwrap();
        pair.deliver_some(cut);
        pair.reconnect();
        agreed(&pair);
        assert_eq!(pair.commitments(BOB).next_feerate(), FeeratePerKw(3_000));
    }
}

/// The opener can pay for the HTLC at the lower fee rate alone.
#[test]
fn an_htlc_behind_a_lower_fee_rate_survives_the_loss_at_every_message() {
    for cut in 0..=16 {
        let mut pair = Pair::normal(Anchors);
        let handle = pair.handle();
        pair.pay(ALICE, Msat(980_000_000));
        // Both wait for what Bob answers to the first HTLC.
        pair.offer(ALICE, Msat(1_000_000)).unwrap();
        pair.command(ALICE, NodeCommand::UpdateFee(handle, FeeratePerKw(500))).unwrap();
        pair.offer(ALICE, Msat(7_300_000)).unwrap();
        pair.deliver_some(cut);
        pair.reconnect();
        agreed(&pair);
        assert_eq!(pair.commitments(ALICE).settled().0, Msat(11_700_000), "cut after {cut}");
    }
}

#[test]
fn a_close_survives_the_loss_at_every_message() {
    for cut in 0..=4 {
        let mut pair = Pair::normal(Anchors);
        pair.pay(ALICE, AMOUNT);
        let handle = pair.handle();
        pair.command(ALICE, NodeCommand::Close(handle)).unwrap();
        pair.deliver_some(cut);
        pair.reconnect();
        assert_eq!(pair.phases(), ["closing", "closing"], "cut after {cut} messages");
        assert!(pair.published(Purpose::Closing).is_some());
        assert!(pair.published(Purpose::Commitment(CommitmentNumber(2))).is_none());
    }
}

/// Both sides send `channel_ready` again, as nothing was committed yet.
#[test]
fn a_close_of_an_unused_channel_survives_the_loss_at_every_message() {
    for cut in 0..=4 {
        let mut pair = Pair::normal(Anchors);
        let handle = pair.handle();
        pair.command(ALICE, NodeCommand::Close(handle)).unwrap();
        pair.deliver_some(cut);
        pair.reconnect();
        let violated =
            pair.events.iter().any(|(_, event)| matches!(event, ChannelEvent::Violation { .. }));
        assert!(!violated, "cut after {cut} messages: {:?}", pair.events);
        assert_eq!(pair.phases(), ["closing", "closing"], "cut after {cut} messages");
        assert!(pair.published(Purpose::Closing).is_some());
    }
}

#[test]
fn a_fee_rate_that_the_peer_must_not_take_is_refused() {
    let mut pair = Pair::normal(Anchors);
    let handle = pair.handle();
    let too_low = pair.command(ALICE, NodeCommand::UpdateFee(handle, FeeratePerKw(252)));
    assert!(matches!(too_low, Err(NodeError::Refused(_))), "{too_low:?}");
    assert!(pair.wire.is_empty());
    pair.command(ALICE, NodeCommand::UpdateFee(handle, FeeratePerKw(253))).unwrap();
}

#[test]
fn an_opening_is_forgotten_before_its_funding_is_signed_and_remembered_after() {
    for cut in 0..=4 {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        pair.deliver_some(cut);
        pair.reconnect();
        pair.mine(6);
        let expected = match cut {
            // Bob has sent `funding_signed`, which is lost: he alone remembers, until Alice says
            // that she knows of no such channel.
            3 => ["closed", "closing"],
            0..3 => ["closed", if cut == 0 { "" } else { "closed" }],
            _ => ["normal", "normal"],
        };
        let phases = [ALICE, BOB].map(|node| {
            pair.nodes[node].channels().next().map_or("", |(_, channel)| channel.phase.name())
        });
        assert_eq!(phases, expected, "cut after {cut} messages");
    }
}

#[test]
fn channel_ready_is_sent_again_as_long_as_nobody_has_signed_an_update() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.drive();
    let mempool = std::mem::take(&mut pair.mempool);
    pair.mine_these(mempool.into_iter().map(|(_, transaction)| transaction).collect());
    pair.mine_these(Vec::new());
    pair.mine_these(Vec::new());
    assert_eq!(pair.wire.iter().filter(|(_, m)| m.name() == "channel_ready").count(), 2);
    pair.reconnect();
    assert_eq!(pair.phases(), ["normal", "normal"]);
    pair.lose_connection();
    pair.connect();
    pair.until("channel_ready");
    pair.drive();
    pair.pay(ALICE, AMOUNT);
    pair.lose_connection();
    pair.connect();
    while let Some((_, message)) = pair.wire.front() {
        assert_ne!(message.name(), "channel_ready");
        pair.deliver(|_| {});
    }
    agreed(&pair);
}

#[test]
fn channel_ready_that_comes_again_does_not_stand_in_the_way_of_a_close() {
    let ready = |pair: &Pair, node: usize| -> Message {
        let point = pair.id(node);
        let channel_id = pair.commitments(node).channel_id;
        ChannelReady {
            channel_id,
            second_per_commitment_point: point,
            short_channel_id: None,
            unknown: Vec::new(),
        }
        .into()
    };
    for cut in 0..=3 {
        let mut pair = Pair::normal(Anchors);
        let handle = pair.handle();
        pair.command(ALICE, NodeCommand::Close(handle)).unwrap();
        pair.deliver_some(cut);
        for node in [ALICE, BOB] {
            let (from, message) = (pair.id(1 - node), ready(&pair, 1 - node));
            pair.input(node, NodeInput::Message { from, message }).unwrap();
        }
        pair.drive();
        agreed(&pair);
        assert_eq!(pair.phases(), ["closing", "closing"], "after {cut} messages");
    }
}

#[test]
fn an_htlc_is_not_offered_without_a_connection_but_can_be_taken() {
    let mut pair = Pair::normal(Anchors);
    let mut request = InvoiceRequest::of(AMOUNT);
    request.hold = true;
    pair.hold(ALICE, &request);
    pair.drive();
    let hash = pair.held();
    pair.lose_connection();
    assert_eq!(
        pair.offer(ALICE, AMOUNT),
        Err(NodeError::Refused(crate::bolt::channel::Refused::NotConnected))
    );
    pair.command(BOB, NodeCommand::Settle(hash)).unwrap();
    assert!(pair.wire.is_empty());
    pair.connect();
    pair.drive();
    agreed(&pair);
    assert_eq!(pair.commitments(BOB).settled().0, AMOUNT);
}

/// `channel_reestablish` of Alice with one field changed fails the channel on Bob's side.
#[track_caller]
fn refused(requirement: &str, change: impl FnOnce(&mut ChannelReestablish)) {
    let mut pair = Pair::normal(Anchors);
    pair.pay(ALICE, AMOUNT);
    pair.lose_connection();
    pair.connect();
    let is_alices =
        |(to, message): &(usize, Message)| *to == BOB && message.name() == "channel_reestablish";
    while !pair.wire.front().is_some_and(is_alices) {
        pair.deliver(|_| {});
    }
    pair.deliver(|message| {
        let Message::ChannelReestablish(m) = message else { panic!("{}", message.name()) };
        change(m);
    });
    pair.drive();
    assert_eq!(pair.violation(BOB), requirement);
    assert_eq!(pair.phases(), ["closing", "closing"]);
    assert!(pair.published(Purpose::Commitment(CommitmentNumber(2))).is_some());
}

#[test]
fn wrong_numbers_and_secrets_fail_the_channel() {
    let zero = PerCommitmentSecret([0; 32]);
    refused("bolt02/channel_reestablish/next-commitment-number-not-zero", |m| {
        m.next_commitment_number = CommitmentNumber(0);
    });
    for wrong in [1, 2, 4, 5, u64::MAX] {
        refused("bolt02/channel_reestablish/next-commitment-number", |m| {
            m.next_commitment_number = CommitmentNumber(wrong);
        });
    }
    refused("bolt02/channel_reestablish/next-revocation-number", |m| {
        m.next_revocation_number = CommitmentNumber(0);
        m.your_last_per_commitment_secret = zero;
    });
    for number in [1, 2, 3, 100, 1 << 47] {
        refused("bolt02/channel_reestablish/last-secret", |m| {
            m.next_revocation_number = CommitmentNumber(number);
            m.your_last_per_commitment_secret = zero;
        });
    }
    refused("bolt02/channel_reestablish/next-revocation-number", |m| {
        m.next_revocation_number = CommitmentNumber(u64::MAX);
    });
}

#[test]
fn who_has_lost_data_publishes_nothing_and_asks_the_peer_to_close() {
    let mut pair = Pair::normal(Anchors);
    pair.pay(ALICE, AMOUNT);
    let backup = pair.nodes[BOB].clone();
    pair.pay(ALICE, AMOUNT);
    pair.pay(ALICE, AMOUNT);
    pair.lose_connection();
    pair.nodes[BOB] = backup;
    pair.lose_connection();
    pair.connect();
    pair.drive();
    assert!(pair.events.contains(&(BOB, ChannelEvent::DataLost)));
    let published: Vec<Purpose> = pair.mempool.iter().map(|(purpose, _)| *purpose).collect();
    assert_eq!(published, [Purpose::Commitment(CommitmentNumber(6))]);
    assert_eq!(pair.phases(), ["closing", "closing"]);
}

#[test]
fn a_message_before_channel_reestablish_closes_the_connection_alone() {
    let mut pair = Pair::normal(Anchors);
    pair.lose_connection();
    pair.connect();
    pair.deliver_some(2);
    assert_eq!(pair.wire.front().map(|(_, m)| m.name()), Some("channel_reestablish"));
    let channel_id = pair.commitments(ALICE).channel_id;
    let fee = messages::UpdateFee {
        channel_id,
        feerate_per_kw: FeeratePerKw(2_000),
        unknown: Vec::new(),
    };
    pair.wire.push_front((BOB, fee.into()));
    pair.deliver(|_| {});
    assert!(!pair.is_connected);
    let Some((BOB, PeerEvent::Violation { requirement, .. })) = pair.told.last() else {
        panic!("{:?}", pair.told)
    };
    assert_eq!(requirement, "bolt02/channel_reestablish/first-message");
    pair.told.clear();
    pair.reconnect();
    agreed(&pair);
}

/// What happens to a pair of nodes.
#[derive(Clone, Copy, Debug)]
enum Act {
    Deliver(usize),
    Pay(usize, u64),
    Fee(u32),
    Reconnect,
    /// The connection is lost, and the next one before all was said.
    Falter(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let side = prop::sample::select(vec![ALICE, BOB]);
    let act = prop_oneof![
        12 => side.clone().prop_map(Act::Deliver),
        3 => (side, prop_oneof![1_000..20_000_000_u64, 300_000..2_000_000_u64])
            .prop_map(|(side, amount)| Act::Pay(side, amount)),
        1 => (500..2_000_u32).prop_map(Act::Fee),
        1 => Just(Act::Reconnect),
        1 => (0..6_usize).prop_map(Act::Falter),
    ];
    prop::collection::vec(act, 1..120)
}

proptest! {
    /// Whatever happens in whatever order, with the connection lost wherever: nobody breaks the
    /// protocol, and in the end both sides agree.
    #[test]
    fn nothing_that_was_committed_is_lost(
        acts in acts(),
        // Alice, who pays the fees, has plenty left, or little more than her reserve.
        paid in prop_oneof![Just(400_000_000), 980_000_000..988_000_000_u64],
    ) {
        let mut pair = Pair::normal(Anchors);
        pair.pay(ALICE, Msat(paid));
        let handle = pair.handle();
        for act in acts {
            match act {
                Act::Deliver(side) => pair.deliver_to(side),
                Act::Pay(side, amount) => {
                    // A limit may forbid it.
                    let _ = pair.offer(side, Msat(amount));
                }
                Act::Fee(feerate) => {
                    let fee = NodeCommand::UpdateFee(handle, FeeratePerKw(feerate));
                    let _ = pair.command(ALICE, fee);
                }
                Act::Reconnect => pair.reconnect(),
                Act::Falter(delivered) => {
                    pair.lose_connection();
                    pair.connect();
                    pair.deliver_some(delivered);
                    pair.lose_connection();
                    pair.connect();
                }
            }
        }
        pair.drive();
        pair.reconnect();
        agreed(&pair);
        let (alice, bob) = pair.commitments(ALICE).settled();
        prop_assert_eq!(alice.0 + bob.0, 1_000_000_000);
    }
}

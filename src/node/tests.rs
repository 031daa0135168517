//! The state machines, two against each other; each condition beside what breaks it.

use bitcoin::{Amount, OutPoint};
use secp256k1::ecdsa::Signature;

use super::pair::{ALICE, BOB, Pair};
use super::{NodeCommand, NodeError, NodeInput, NodeOutput, Seed, cheat};
use crate::bolt::channel::{ChannelEvent, Phase, Purpose, Refused, TrackedStatus};
use crate::bolt::onchain::FundingSpend;
use crate::bolt::tx::ChannelType::{self, Anchors, StaticRemotekey};
use crate::bolt::units::{CltvExpiry, CommitmentNumber, CsvDelay, FeeratePerKw, HtlcId, Msat};
use crate::bolt::wire::messages::CommitmentSigned;
use crate::bolt::wire::{ChannelTypeBits, Message, PaymentPreimage};

const BOTH: [ChannelType; 2] = [StaticRemotekey, Anchors];

/// A valid encoding of a signature that signs nothing here.
fn other(signature: Signature) -> Signature {
    let mut bytes = signature.serialize_compact();
    bytes[10] ^= 1;
    Signature::from_compact(&bytes).unwrap()
}

macro_rules! change {
    ($variant:ident, $message:ident => $change:expr) => {
        |message: &mut Message| match message {
            Message::$variant($message) => $change,
            other => panic!("{} instead of {}", other.name(), stringify!($variant)),
        }
    };
}

mod opening {
    use super::*;

    #[test]
    fn both_sides_are_ready_at_the_depth_and_not_before() {
        for channel_type in BOTH {
            let mut pair = Pair::new();
            pair.open(channel_type, Msat(100_000_000));
            pair.drive();
            assert_eq!(pair.mempool.len(), 1);
            pair.mine(2);
            assert_eq!(pair.phases(), ["opening", "opening"]);
            pair.mine(1);
            assert_eq!(pair.phases(), ["normal", "normal"]);
            let balances = (Msat(900_000_000), Msat(100_000_000));
            assert_eq!(pair.commitments(ALICE).settled(), balances);
        }
    }

    /// `open_channel` with one field changed is refused for that field's requirement.
    #[track_caller]
    fn open_refused(requirement: &str, change: impl FnOnce(&mut Message)) {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        pair.deliver(change);
        assert_eq!(pair.violation(BOB), requirement);
        pair.drive();
        assert_eq!(pair.phase(ALICE).name(), "closed");
        assert!(pair.mempool.is_empty());
    }

    #[test]
    fn open_channel_outside_its_bounds_is_refused() {
        open_refused(
            "bolt02/open_channel/chain-hash-known",
            change!(OpenChannel, m =>
            m.chain_hash = bitcoin::constants::ChainHash::BITCOIN),
        );
        open_refused(
            "bolt02/open_channel/push-within-funding",
            change!(OpenChannel, m =>
            m.push_msat = Msat(1_000_000_001)),
        );
        open_refused(
            "bolt02/open_channel/to-self-delay-bound",
            change!(OpenChannel, m =>
            m.to_self_delay = CsvDelay(2017)),
        );
        open_refused(
            "bolt02/open_channel/max-accepted-htlcs-bound",
            change!(OpenChannel, m =>
            m.max_accepted_htlcs = 484),
        );
        open_refused(
            "bolt02/open_channel/feerate-reasonable",
            change!(OpenChannel, m =>
            m.feerate_per_kw.0 = 252),
        );
        open_refused(
            "bolt02/open_channel/dust-limit-within-reserve",
            change!(OpenChannel, m =>
            m.dust_limit_satoshis = Amount::from_sat(10_001)),
        );
        open_refused(
            "bolt02/open_channel/dust-limit-least",
            change!(OpenChannel, m =>
            m.dust_limit_satoshis = Amount::from_sat(353)),
        );
        open_refused(
            "bolt02/open_channel/funder-affords-fee",
            change!(OpenChannel, m =>
            m.push_msat = Msat(999_000_000)),
        );
        open_refused(
            "bolt02/open_channel/somebody-above-reserve",
            change!(OpenChannel, m =>
            m.channel_reserve_satoshis = Amount::from_sat(1_000_000)),
        );
        open_refused(
            "bolt02/open_channel/channel-type-present",
            change!(OpenChannel, m =>
            m.channel_type = None),
        );
    }

    #[test]
    fn a_funding_of_2_24_is_refused_on_both_sides() {
        let [greatest, too_much] = [16_777_215, 16_777_216].map(Amount::from_sat);
        open_refused(
            "bolt02/open_channel/funding-below-2-24",
            change!(OpenChannel, m => m.funding_satoshis = too_much),
        );
        let mut pair = Pair::new();
        let mut request = pair.request(Anchors, Msat::ZERO);
        request.capacity = too_much;
        let refused = pair.command(ALICE, NodeCommand::Open(request.clone()));
        let large = Refused::FundingTooLarge { capacity: too_much, limit: greatest };
        assert_eq!(refused, Err(NodeError::Refused(large)));
        assert!(pair.wire.is_empty() && pair.nodes[ALICE].channels().next().is_none());

        request.capacity = greatest;
        pair.command(ALICE, NodeCommand::Open(request)).unwrap();
        pair.drive();
        pair.mine(3);
        assert_eq!(pair.phases(), ["normal", "normal"]);
    }

    #[test]
    fn a_reused_temporary_id_replaces_a_proposal_but_no_channel() {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        let (_, open) = pair.wire[0].clone();
        pair.deliver(change!(OpenChannel, m => m.push_msat = Msat(100_000_000)));
        pair.wire.clear();
        pair.wire.push_back((BOB, open.clone()));
        pair.drive();
        pair.mine(3);
        // Signatures fit: the second proposal counts, which pushes nothing.
        assert_eq!(pair.phases(), ["normal", "normal"]);

        let before = pair.phase(BOB).clone();
        pair.wire.push_back((BOB, open));
        pair.deliver(|_| {});
        assert_eq!(pair.violation(BOB), "bolt02/open_channel/temporary-channel-id-unique");
        assert_eq!(pair.wire.pop_front().map(|(to, m)| (to, m.name())), Some((ALICE, "error")));
        assert_eq!(*pair.phase(BOB), before);
    }

    #[test]
    fn a_failed_opening_answers_nothing_and_leaves_its_id() {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        let (_, open) = pair.wire[0].clone();
        pair.until("accept_channel");
        let (_, accept) = pair.wire[0].clone();
        pair.deliver(change!(AcceptChannel, m => m.max_accepted_htlcs = 484));
        pair.drive();
        assert_eq!(pair.phases(), ["closed", "closed"]);
        pair.wire.push_back((ALICE, accept));
        pair.deliver(|_| {});
        assert!(pair.wire.is_empty());
        pair.wire.push_back((BOB, open));
        pair.deliver(|_| {});
        assert_eq!(pair.wire[0].1.name(), "accept_channel");
    }

    #[test]
    fn a_temporary_id_of_another_peers_channel_is_refused_without_blame() {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        let (_, message) = pair.wire[0].clone();
        pair.drive();
        let before = pair.phase(BOB).clone();
        let from = Seed::derive("pair", "carol").key("node", 0).public_key(secp256k1::SECP256K1);
        let outputs = pair.nodes[BOB].step(NodeInput::Message { from, message }).unwrap();
        match outputs.as_slice() {
            [NodeOutput::Send { to, message: Message::Error(error) }] => {
                assert_eq!((*to, error.channel_id), (from, pair.handle()));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(*pair.phase(BOB), before);
        pair.mine(3);
        assert_eq!(pair.phases(), ["normal", "normal"]);
    }

    #[test]
    fn open_channel_on_its_bounds_is_accepted() {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        pair.deliver(change!(OpenChannel, m => {
            m.max_accepted_htlcs = 483;
            m.to_self_delay = CsvDelay(2016);
            m.dust_limit_satoshis = Amount::from_sat(354);
        }));
        assert_eq!(pair.wire.front().map(|(_, message)| message.name()), Some("accept_channel"));
    }

    #[test]
    fn accept_channel_with_another_type_is_refused() {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        pair.until("accept_channel");
        pair.deliver(change!(AcceptChannel, m =>
            m.channel_type = Some(ChannelTypeBits::from(StaticRemotekey))));
        assert_eq!(pair.violation(ALICE), "bolt02/open_channel/channel-type-suitable");
    }

    #[test]
    fn a_wrong_signature_of_the_first_commitment_is_refused() {
        for (message, victim) in [("funding_created", BOB), ("funding_signed", ALICE)] {
            let mut pair = Pair::new();
            pair.open(Anchors, Msat::ZERO);
            pair.until(message);
            pair.deliver(|message| match message {
                Message::FundingCreated(m) => m.signature = other(m.signature),
                Message::FundingSigned(m) => m.signature = other(m.signature),
                _ => unreachable!(),
            });
            assert_eq!(pair.violation(victim), "bolt02/any/signature-valid");
            assert!(pair.mempool.is_empty(), "the funding transaction must not be published");
        }
    }

    #[test]
    fn a_funding_output_of_another_amount_is_refused() {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        pair.drive();
        let (_, mut funding) = pair.mempool.pop().unwrap();
        let outpoint = pair.commitments(BOB).funding.outpoint;
        funding.output[outpoint.vout as usize].value -= Amount::from_sat(1);
        // The changed transaction has another txid; tell Bob that it is the one.
        let event = crate::bolt::channel::ChainEvent::Connected {
            height: crate::bolt::units::BlockHeight(pair.height.0 + 1),
            transactions: vec![funding.clone()],
        };
        let handle = pair.handle();
        let mut channel = pair.nodes[BOB].channel(&handle).unwrap().clone();
        let Phase::Opening(crate::bolt::channel::Opening::AwaitingDepth(waiting)) =
            &mut channel.phase
        else {
            panic!("{}", channel.phase.name())
        };
        waiting.commitments.funding.outpoint =
            OutPoint { txid: funding.compute_txid(), ..outpoint };
        pair.nodes[BOB].channels.insert(handle, channel);
        pair.input(BOB, super::super::NodeInput::Chain(event)).unwrap();
        assert_eq!(pair.violation(BOB), "bolt02/channel_ready/funding-output-fits");
    }

    #[test]
    fn a_double_spent_funding_ends_the_opening() {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        pair.drive();
        let (_, funding) = pair.mempool.pop().unwrap();
        let replacement = cheat::double_spend(&pair.nodes[ALICE], &funding).unwrap();
        pair.mine_these(vec![replacement]);
        assert_eq!(pair.phases(), ["funding_lost", "opening"]);
        pair.mine(2015);
        assert_eq!(pair.phase(BOB).name(), "funding_lost");
    }
}

mod normal {
    use super::*;

    #[test]
    fn payments_move_balances_both_ways() {
        for channel_type in BOTH {
            let mut pair = Pair::normal(channel_type);
            pair.pay(ALICE, Msat(400_000_000));
            pair.pay(BOB, Msat(150_000_500));
            let (alice, bob) = (Msat(750_000_500), Msat(249_999_500));
            assert_eq!(pair.commitments(ALICE).settled(), (alice, bob));
            assert_eq!(pair.commitments(BOB).settled(), (bob, alice));
            assert_eq!(pair.commitments(ALICE).pending(), 0);
        }
    }

    #[test]
    fn payments_of_both_sides_may_cross() {
        let mut pair = Pair::normal(Anchors);
        pair.pay(ALICE, Msat(400_000_000));
        pair.offer(ALICE, Msat(10_000_000)).unwrap();
        pair.offer(BOB, Msat(20_000_000)).unwrap();
        pair.offer(ALICE, Msat(30_000_000)).unwrap();
        pair.drive();
        assert_eq!(pair.phases(), ["normal", "normal"], "{:?}", pair.events);
        assert_eq!(pair.commitments(ALICE).settled(), (Msat(580_000_000), Msat(420_000_000)));
        assert_eq!(pair.commitments(BOB).settled(), (Msat(420_000_000), Msat(580_000_000)));
    }

    #[test]
    fn every_signed_state_is_kept() {
        let mut pair = Pair::normal(Anchors);
        for _ in 0..3 {
            pair.pay(ALICE, Msat(1_000_000));
        }
        let states = pair.commitments(ALICE).local_states();
        assert_eq!(states.len(), 7, "one at the start, two a payment");
        for (number, state) in (0..).zip(states) {
            assert_eq!(state.commitment.number, CommitmentNumber(number));
            assert!(
                cheat::commitment(&pair.nodes[ALICE], &pair.handle(), CommitmentNumber(number))
                    .is_ok()
            );
        }
    }

    #[test]
    fn an_offer_beyond_balance_and_reserve_is_refused_here() {
        let mut pair = Pair::normal(Anchors);
        // Capacity less reserve, less the fee of a commitment with one HTLC, less two anchors.
        let most = 1_000_000 - 10_000 - (1124 + 172) - 660;
        let refused = pair.offer(ALICE, Msat((most + 1) * 1000));
        assert!(matches!(refused, Err(NodeError::Refused(Refused::BreaksLimit(_)))));
        pair.pay(ALICE, Msat(most * 1000));
    }

    /// `update_add_htlc` with one field changed fails the channel for that field's requirement.
    #[track_caller]
    fn add_fails(requirement: &str, change: impl FnOnce(&mut Message)) {
        let mut pair = Pair::normal(Anchors);
        pair.offer(ALICE, Msat(5_000_000)).unwrap();
        pair.deliver(change);
        assert_eq!(pair.violation(BOB), requirement);
        assert_eq!(pair.phase(BOB).name(), "closing");
        assert!(pair.published(Purpose::Commitment(CommitmentNumber(0))).is_some());
    }

    #[test]
    fn update_add_htlc_outside_its_bounds_fails_the_channel() {
        add_fails(
            "bolt02/update_add_htlc/ids-ascend",
            change!(UpdateAddHtlc, m => m.id = HtlcId(1)),
        );
        add_fails(
            "bolt02/update_add_htlc/amount-at-least-minimum",
            change!(UpdateAddHtlc, m =>
            m.amount_msat = Msat(0)),
        );
        add_fails(
            "bolt02/update_add_htlc/cltv-expiry-is-height",
            change!(UpdateAddHtlc, m =>
            m.cltv_expiry = CltvExpiry(500_000_000)),
        );
        add_fails(
            "bolt02/update_add_htlc/max-in-flight",
            change!(UpdateAddHtlc, m =>
            m.amount_msat = Msat(1_000_000_001)),
        );
        add_fails(
            "bolt02/update_add_htlc/sender-affords",
            change!(UpdateAddHtlc, m =>
            m.amount_msat = Msat(995_000_000)),
        );
    }

    /// The next message of this name, changed, fails the channel for this requirement.
    #[track_caller]
    fn round_fails(name: &str, requirement: &str, change: impl FnOnce(&mut Message)) {
        let mut pair = Pair::normal(Anchors);
        pair.offer(ALICE, Msat(5_000_000)).unwrap();
        pair.until(name);
        let victim = pair.wire.front().unwrap().0;
        pair.deliver(change);
        assert_eq!(pair.violation(victim), requirement);
        assert_eq!(pair.phase(victim).name(), "closing");
    }

    #[test]
    fn signatures_that_do_not_fit_fail_the_channel() {
        round_fails(
            "commitment_signed",
            "bolt02/any/signature-valid",
            change!(CommitmentSigned, m => m.signature = other(m.signature)),
        );
        round_fails(
            "commitment_signed",
            "bolt02/commitment_signed/htlc-signature-valid",
            change!(CommitmentSigned, m => m.htlc_signature[0] = other(m.htlc_signature[0])),
        );
        round_fails(
            "commitment_signed",
            "bolt02/commitment_signed/htlc-signature-count",
            change!(CommitmentSigned, m => m.htlc_signature.clear()),
        );
    }

    #[test]
    fn a_secret_that_does_not_fit_fails_the_channel() {
        round_fails(
            "revoke_and_ack",
            "bolt02/revoke_and_ack/secret-generates-point",
            change!(RevokeAndAck, m => m.per_commitment_secret.0[0] ^= 1),
        );
    }

    #[test]
    fn a_wrong_preimage_fails_the_channel() {
        round_fails(
            "update_fulfill_htlc",
            "bolt02/update_fulfill_htlc/preimage-fits",
            change!(UpdateFulfillHtlc, m => m.payment_preimage = PaymentPreimage([9; 32])),
        );
        round_fails(
            "update_fulfill_htlc",
            "bolt02/update_fulfill_htlc/id-committed",
            change!(UpdateFulfillHtlc, m => m.id = HtlcId(1)),
        );
    }

    #[test]
    fn a_message_that_is_not_due_fails_the_channel() {
        let mut pair = Pair::normal(Anchors);
        let commitments = pair.commitments(ALICE);
        let message = CommitmentSigned {
            channel_id: commitments.channel_id,
            signature: commitments.local().unwrap().signature,
            htlc_signature: Vec::new(),
        };
        pair.wire.push_back((BOB, message.into()));
        pair.drive();
        assert_eq!(pair.violation(BOB), "bolt02/commitment_signed/has-updates");
    }

    #[test]
    fn nothing_is_offered_while_the_funding_is_unconfirmed() {
        let mut pair = Pair::normal(Anchors);
        for _ in 0..3 {
            pair.disconnect();
        }
        let lost = (ALICE, ChannelEvent::FundingUnconfirmed);
        assert!(pair.events.contains(&lost));
        let refused = pair.offer(ALICE, Msat(1_000));
        assert_eq!(refused, Err(NodeError::Refused(Refused::Unconfirmed)));
    }
}

mod an_error {
    use super::*;
    use crate::bolt::wire::{ChannelId, Data, messages};

    /// The phases of Bob's two channels after an `error` from Alice with this id.
    fn phases_after(channel_id: ChannelId) -> Vec<&'static str> {
        let mut pair = Pair::normal(Anchors);
        pair.open(Anchors, Msat::ZERO);
        pair.drive();
        let error = messages::Error { channel_id, data: Data(String::new()) };
        pair.wire.push_back((BOB, error.into()));
        pair.deliver(|_| {});
        pair.nodes[BOB].channels().map(|(_, channel)| channel.phase.name()).collect()
    }

    #[test]
    fn without_a_channel_fails_all_of_the_peer() {
        assert_eq!(phases_after(ChannelId([0; 32])), ["closing", "closing"]);
    }

    #[test]
    fn for_an_unknown_channel_fails_none() {
        let mut phases = phases_after(ChannelId([1; 32]));
        phases.sort_unstable();
        assert_eq!(phases, ["normal", "opening"]);
    }

    #[test]
    fn of_ours_names_its_channel_from_the_first_message_on() {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        pair.until("funding_signed");
        pair.deliver(change!(FundingSigned, m => m.signature = other(m.signature)));
        let (_, answer) = pair.wire.pop_front().expect("an answer");
        let expected = pair.commitments(BOB).channel_id;
        assert_eq!((answer.name(), answer.channel_id()), ("error", expected));
    }
}

mod mutual_close {
    use super::*;
    use crate::bolt::tx::Side;
    use crate::bolt::tx::closing::Closing;
    use crate::bolt::wire::FeeRange;

    #[test]
    fn pays_out_both_balances_less_the_funders_fee() {
        let mut pair = Pair::normal(Anchors);
        pair.pay(ALICE, Msat(400_000_000));
        pair.command(BOB, NodeCommand::Close(pair.handle())).unwrap();
        pair.drive();
        let closing = pair.published(Purpose::Closing).unwrap();
        let values: Vec<u64> = closing.output.iter().map(|o| o.value.to_sat()).collect();
        assert_eq!(values[0], 400_000);
        assert!(values[1] < 600_000 && values[1] > 598_000, "{values:?}");
        pair.mine(1);
        let spent = ChannelEvent::FundingSpent(FundingSpend::MutualClose);
        assert!(
            pair.events.contains(&(ALICE, spent.clone())) && pair.events.contains(&(BOB, spent))
        );
        pair.mine(99);
        assert_eq!(pair.phases(), ["closed", "closed"]);
    }

    #[test]
    fn waits_for_pending_htlcs() {
        let mut pair = Pair::normal(Anchors);
        pair.offer(ALICE, Msat(400_000_000)).unwrap();
        pair.command(BOB, NodeCommand::Close(pair.handle())).unwrap();
        pair.drive();
        let closing = pair.published(Purpose::Closing).unwrap();
        assert!(closing.output.iter().any(|o| o.value == Amount::from_sat(400_000)));
    }

    /// What reaches Bob until the wire is empty.
    #[track_caller]
    fn drive_recording(pair: &mut Pair) -> Vec<&'static str> {
        let mut names = Vec::new();
        while let Some((to, message)) = pair.wire.front() {
            if *to == BOB {
                names.push(message.name());
            }
            pair.deliver(|_| {});
        }
        names
    }

    #[test]
    fn shutdown_follows_the_signature_of_every_update_before_it() {
        for (by, peer_asks) in [(ALICE, false), (BOB, true)] {
            let mut pair = Pair::normal(Anchors);
            pair.offer(ALICE, Msat(100_000_000)).unwrap();
            // This one waits for the revocation of the commitment before.
            pair.offer(ALICE, Msat(200_000_000)).unwrap();
            pair.command(by, NodeCommand::Close(pair.handle())).unwrap();
            if peer_asks {
                pair.deliver_to(ALICE);
            }
            let names = drive_recording(&mut pair);
            let expected = [
                "update_add_htlc",
                "commitment_signed",
                "update_add_htlc",
                "commitment_signed",
                "shutdown",
            ];
            assert_eq!(names[..5], expected, "{names:?}");
            assert!(pair.published(Purpose::Closing).is_some());
            assert_eq!(pair.phases(), ["closing", "closing"]);
        }
    }

    #[test]
    fn a_fee_below_the_fundees_range_is_raised_into_it() {
        let mut pair = Pair::with_feerates(FeeratePerKw(100), FeeratePerKw(1_000)).opened(Anchors);
        pair.pay(ALICE, Msat(400_000_000));
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        pair.drive();
        let closing = pair.published(Purpose::Closing).unwrap();
        let paid: u64 = closing.output.iter().map(|o| o.value.to_sat()).sum();
        // 253 sat/kw over the expected weight, the least that Bob takes.
        assert_eq!(1_000_000 - paid, 253 * 676 / 1000);
        assert_eq!(pair.mempool.len(), 2, "both publish the same transaction");
        assert_eq!(pair.mempool[0], pair.mempool[1]);
    }

    #[test]
    fn a_fee_without_a_range_is_answered_with_another() {
        let mut pair = Pair::with_feerates(FeeratePerKw(100), FeeratePerKw(1_000)).opened(Anchors);
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        pair.until("closing_signed");
        pair.deliver(change!(ClosingSigned, m => m.fee_range = None));
        pair.drive();
        assert_eq!(pair.mempool.len(), 2, "both publish the same transaction");
        assert_eq!(pair.mempool[0], pair.mempool[1]);
    }

    #[test]
    fn a_fee_that_nobody_can_agree_on_fails_the_channel() {
        let mut pair = Pair::with_feerates(FeeratePerKw(100), FeeratePerKw(1_000)).opened(Anchors);
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        pair.until("closing_signed");
        let one = Amount::from_sat(1);
        let range = FeeRange { min_fee_satoshis: one, max_fee_satoshis: one };
        pair.deliver(change!(ClosingSigned, m => m.fee_range = Some(range)));
        assert_eq!(pair.violation(BOB), "bolt02/closing_signed/fee-in-range");
        assert!(pair.published(Purpose::Commitment(CommitmentNumber(0))).is_some());
    }

    #[test]
    fn an_output_between_the_dust_limits_does_not_stand_in_the_way() {
        let [low, high] = [546, 9_000].map(Amount::from_sat);
        for dust_limits in [[low, high], [high, low]] {
            for push in [Msat(5_000_000), Msat(995_000_000)] {
                let mut pair = Pair::new();
                pair.open_with_dust(dust_limits, Anchors, push);
                pair.drive();
                pair.mine(3);
                pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
                pair.drive();
                let published: Vec<Purpose> = pair.mempool.iter().map(|(of, _)| *of).collect();
                assert_eq!(published, [Purpose::Closing; 2], "{dust_limits:?} {push}");
                // Each publishes what the other signed: with the small output, and without.
                let mut counts: Vec<usize> =
                    pair.mempool.iter().map(|(_, tx)| tx.output.len()).collect();
                counts.sort_unstable();
                assert_eq!(counts, [1, 2]);
            }
        }
    }

    /// Alice signs a closing transaction without the output of `side`; the pair after that.
    fn closed_without(side: usize) -> Pair {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat(400_000_000));
        pair.drive();
        pair.mine(3);
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        pair.until("closing_signed");
        let (to_local, to_remote) = pair.commitments(ALICE).settled();
        let funding = pair.commitments(ALICE).funding.clone();
        let closing = Closing {
            outpoint: funding.outpoint,
            to_local,
            to_remote,
            local_script: pair.nodes[ALICE].wallet().script().clone(),
            remote_script: pair.nodes[BOB].wallet().script().clone(),
        };
        let key = pair.nodes[ALICE].channel(&pair.handle()).unwrap().secrets.funding;
        let left_out = pair.nodes[side].wallet().script().clone();
        pair.deliver(change!(ClosingSigned, m => {
            let mut signed = closing.legacy(Side::Local, m.fee_satoshis, Amount::ZERO).unwrap();
            signed.output.retain(|output| output.script_pubkey != left_out);
            m.signature = funding.sign(&signed, &key).unwrap();
        }));
        pair
    }

    #[test]
    fn the_sender_may_leave_out_its_own_output_but_not_the_receivers() {
        let pair = closed_without(ALICE);
        let published = pair.published(Purpose::Closing).unwrap();
        let values: Vec<u64> = published.output.iter().map(|o| o.value.to_sat()).collect();
        assert_eq!(values, [400_000]);
        assert_eq!(closed_without(BOB).violation(BOB), "bolt02/any/signature-valid");
    }

    #[test]
    fn a_second_shutdown_may_not_change_its_script() {
        let mut pair = Pair::normal(Anchors);
        pair.offer(ALICE, Msat(400_000_000)).unwrap();
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        let position = pair.wire.iter().position(|(_, m)| m.name() == "shutdown").unwrap();
        let (to, mut again) = pair.wire[position].clone();
        pair.wire.insert(position + 1, (to, again.clone()));
        pair.until("shutdown");
        pair.deliver(|_| {});
        let other = crate::bolt::tx::script::p2wpkh(&pair.id(ALICE));
        change!(Shutdown, m => m.scriptpubkey = other)(&mut again);
        pair.wire.push_front((to, again));
        pair.deliver(|_| {});
        assert_eq!(pair.violation(BOB), "bolt02/shutdown/same-script");
    }

    #[test]
    fn an_offer_after_shutdown_fails_the_channel() {
        let mut pair = Pair::normal(Anchors);
        pair.offer(ALICE, Msat(400_000_000)).unwrap();
        let (to, offer) = pair.wire[0].clone();
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        pair.until("shutdown");
        pair.deliver(|_| {});
        pair.wire.push_front((to, offer));
        pair.deliver(change!(UpdateAddHtlc, m => m.id = HtlcId(1)));
        assert_eq!(pair.violation(BOB), "bolt02/shutdown/no-add-after");
    }

    #[test]
    fn a_wrong_closing_signature_fails_the_channel() {
        let mut pair = Pair::normal(Anchors);
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        pair.until("closing_signed");
        pair.deliver(change!(ClosingSigned, m => m.signature = other(m.signature)));
        assert_eq!(pair.violation(BOB), "bolt02/any/signature-valid");
    }

    #[test]
    fn shutdown_to_a_script_that_is_no_standard_form_fails_the_channel() {
        let mut pair = Pair::normal(Anchors);
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        pair.deliver(
            change!(Shutdown, m => m.scriptpubkey = bitcoin::ScriptBuf::from_bytes(vec![0x51])),
        );
        assert_eq!(pair.violation(BOB), "bolt02/shutdown/script-form");
    }
}

mod unilateral_close {
    use super::*;

    #[test]
    fn the_owner_waits_out_the_delay_and_the_peer_one_block() {
        let mut pair = Pair::normal(Anchors);
        pair.pay(ALICE, Msat(400_000_000));
        pair.command(ALICE, NodeCommand::ForceClose(pair.handle())).unwrap();
        pair.mine(1);
        assert!(pair.published(Purpose::RemoteSweep).is_some());
        assert!(pair.published(Purpose::DelayedSweep).is_none());
        pair.mine(142);
        assert!(pair.published(Purpose::DelayedSweep).is_none());
        pair.mine(1);
        assert!(pair.published(Purpose::DelayedSweep).is_some());
        pair.mine(100);
        assert_eq!(pair.phases(), ["closed", "closed"]);
    }

    #[test]
    fn a_reorg_of_the_commitment_brings_the_channel_back_and_the_close_again() {
        let mut pair = Pair::normal(StaticRemotekey);
        pair.command(ALICE, NodeCommand::ForceClose(pair.handle())).unwrap();
        let (_, commitment) = pair.mempool[0].clone();
        pair.mine(1);
        pair.disconnect();
        assert!(pair.events.contains(&(BOB, ChannelEvent::CloseUndone)));
        pair.mine_these(vec![commitment]);
        let Phase::Closing(closing) = pair.phase(BOB) else { panic!("{:?}", pair.phases()) };
        assert_eq!(closing.spend.as_ref().unwrap().kind, FundingSpend::Remote(CommitmentNumber(0)));
    }
}

mod reorgs {
    use super::*;

    /// Who only saw the close goes on when it is gone; who published it does not.
    #[test]
    fn a_close_that_is_gone_leaves_the_peer_in_normal_operation() {
        let mut pair = Pair::normal(Anchors);
        pair.command(ALICE, NodeCommand::ForceClose(pair.handle())).unwrap();
        pair.mine(1);
        assert_eq!(pair.phases(), ["closing", "closing"]);
        pair.disconnect();
        assert_eq!(pair.phases(), ["closing", "normal"]);
        pair.command(BOB, NodeCommand::ForceClose(pair.handle())).unwrap();
        assert!(pair.published(Purpose::Commitment(CommitmentNumber(0))).is_some());
    }

    #[test]
    fn a_funding_that_is_double_spent_after_a_reorg_ends_the_channel_on_both_sides() {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat::ZERO);
        pair.drive();
        let funding = pair.published(Purpose::Funding).unwrap().clone();
        pair.mine(3);
        assert_eq!(pair.phases(), ["normal", "normal"]);
        for _ in 0..3 {
            pair.disconnect();
        }
        let replacement = cheat::double_spend(&pair.nodes[ALICE], &funding).unwrap();
        pair.mine_these(vec![replacement]);
        assert_eq!(pair.phases(), ["funding_lost", "funding_lost"]);
    }
}

mod revoked_close {
    use super::*;

    /// Alice publishes the state before her payments; Bob has all of it at once.
    #[test]
    fn every_revoked_state_is_punished() {
        for channel_type in BOTH {
            let mut pair = Pair::normal(channel_type);
            for _ in 0..3 {
                pair.pay(ALICE, Msat(100_000_000));
            }
            let newest = cheat::newest(&pair.nodes[ALICE], &pair.handle()).unwrap();
            for number in (0..newest.0).map(CommitmentNumber) {
                let mut fork = Pair { nodes: pair.nodes.clone(), ..Pair::new() };
                let revoked =
                    cheat::commitment(&fork.nodes[ALICE], &fork.handle(), number).unwrap();
                fork.height = pair.height;
                fork.mine_these(vec![revoked]);
                assert!(
                    fork.events.contains(&(
                        BOB,
                        ChannelEvent::FundingSpent(FundingSpend::Revoked(number))
                    ))
                );
                assert!(fork.published(Purpose::Penalty).is_some(), "{number}");
            }
        }
    }

    #[test]
    fn a_penalty_that_is_reorged_out_is_published_again() {
        let mut pair = Pair::normal(StaticRemotekey);
        pair.pay(ALICE, Msat(100_000_000));
        let revoked =
            cheat::commitment(&pair.nodes[ALICE], &pair.handle(), CommitmentNumber(0)).unwrap();
        pair.mine_these(vec![revoked]);
        pair.mine(1);
        let Phase::Closing(closing) = pair.phase(BOB) else { panic!() };
        let status = closing.spend.as_ref().unwrap().tracked[0].status;
        assert!(matches!(status, TrackedStatus::Spent { .. }));
        assert!(pair.published(Purpose::Penalty).is_none());
        pair.disconnect();
        pair.mine_these(Vec::new());
        assert!(pair.published(Purpose::Penalty).is_some());
    }
}

mod interleavings {
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
}

//! Scenarios that must fail, and the words in which they do: a step never passes on what another
//! step did, and a mistake of the file's author is never a fault of the lab.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod partition;

use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::lab::{self, Ending, Run};
use boltlab::scenario::{self, ParseOptions, Scenario};

/// A cast of three, and a channel between each two of them that are neighbours.
const HEAD: &str = "title: x
cast:
  alice: {role: cheat, funds: 1 BTC}
  bob: {role: honest, funds: 1 BTC}
  carol: {role: honest}
channels:
  ab: {from: alice, to: bob, capacity: 1_000_000 sat, push: 400_000 sat}
  bc: {from: bob, to: carol, capacity: 1_000_000 sat}
  cheap: {from: alice, to: bob, capacity: 1_000_000 sat, feerate: 1 sat/kw}
steps:
";

fn parse(steps: &[&str]) -> Scenario {
    let text = format!("{HEAD}  - {}\n", steps.join("\n  - "));
    let options = ParseOptions { allow_missing_outcome: true };
    let scenario = scenario::parse("x.yaml".as_ref(), &text, options);
    scenario.expect("a scenario")
}

fn run(scenario: &Scenario) -> Run {
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let options = lab::Options { chain: (&bitcoind).into(), ..lab::Options::default() };
    lab::run(scenario, &options)
}

/// The steps before the last one hold, and the last one fails with this message.
#[track_caller]
fn last_fails(steps: &[&str], message: &str) {
    let ending = run(&parse(steps)).ending;
    let Ending::Failed(problems) = ending else { panic!("no failure: {ending:?}") };
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    let line = HEAD.lines().count() + steps.len();
    assert_eq!((problem.line, problem.message.as_str()), (u32::try_from(line).ok(), message));
}

mod open {
    use super::*;

    const REFUSED: &str = "bob: feerate_per_kw 1 is not within 253 to 88968 \
                           (bolt02/open_channel/feerate-reasonable)";

    #[test]
    fn an_earlier_channels_funding_is_not_its_own() {
        let second = "open: {channel: cheap, until: broadcast}";
        last_fails(&["open: ab", second], REFUSED);
        last_fails(&["open: {channel: ab, until: broadcast}", second], REFUSED);
    }
}

mod close {
    use super::*;

    #[test]
    fn an_earlier_channels_close_is_not_its_own() {
        last_fails(
            &[
                "open: ab",
                "open: bc",
                "close: {channel: ab, by: alice}",
                "offline: carol",
                "close: {channel: bc, by: bob}",
            ],
            "nothing was published",
        );
    }
}

mod reorg {
    use super::*;

    #[test]
    fn what_spends_a_transaction_left_out_is_left_out() {
        let scenario = parse(&[
            "open: ab",
            "close: {channel: ab, by: alice}",
            "mine: 1 block",
            "reorg: {depth: 4 blocks, without: [ab.funding]}",
            "expect: {no_transaction: {is: ab.closing, confirmed: true}}",
        ]);
        let ending = run(&scenario).ending;
        assert!(matches!(ending, Ending::Passed), "{ending:?}");
    }
}

mod double_spend {
    use super::*;

    #[test]
    fn a_confirmed_transaction_is_named_as_such() {
        last_fails(
            &["open: ab", "double_spend: {by: alice, transaction: ab.funding}"],
            "ab.funding is confirmed in block 112",
        );
    }
}

mod mine {
    use super::*;

    #[test]
    fn what_is_left_out_was_there() {
        let force_close = "force_close: {channel: ab, by: alice}";
        let left_out = "mine: {blocks: 2 blocks, without: [ab.htlc_timeout, ab.penalty]}";
        last_fails(
            &["open: ab", force_close, left_out],
            "no ab.htlc_timeout was there to be left out",
        );
    }

    #[test]
    fn what_miners_were_handed_is_mined_beside_what_is_left_out() {
        let scenario = parse(&[
            "open: ab",
            "open: bc",
            "force_close: {channel: ab, by: alice, via: miner}",
            "force_close: {channel: bc, by: bob}",
            "mine: {blocks: 1 block, without: [bc.commitment]}",
            "expect: {transaction: {is: ab.commitment, confirmed: true}}",
            "expect: {transaction: {is: bc.commitment, confirmed: false}}",
        ]);
        let ending = run(&scenario).ending;
        assert!(matches!(ending, Ending::Passed), "{ending:?}");
    }
}

mod offline {
    use super::*;

    #[test]
    fn a_second_offline_loses_no_block() {
        let mut scenario = parse(&[
            "open: ab",
            "remember: {channel: ab, by: alice, as: old}",
            "pay: {from: alice, to: bob, amount: 1_000 sat, channel: ab}",
            "offline: bob",
            "publish: {by: alice, commitment: old}",
            "mine: 2 blocks",
            "online: bob",
            "expect: {transaction: {by: bob, spends: ab.commitment.to_local}}",
        ]);
        // No file can say so.
        scenario.steps.insert(6, scenario.steps[3].clone());
        let ending = run(&scenario).ending;
        assert!(matches!(ending, Ending::Passed), "{ending:?}");
    }
}

mod offline_for {
    use super::*;

    #[test]
    fn who_was_to_be_back_is_back() {
        let step = "offline: {role: bob, for: 3 blocks}";
        let ending = run(&parse(&["open: ab", step, "mine: 2 blocks"])).ending;
        let Ending::Failed(problems) = ending else { panic!("no failure: {ending:?}") };
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!(problem.message, "bob was to be offline until block 117, and the last is 116");
    }
}

mod fees {
    use super::*;

    const SPIKE: &str = "spike_fees: 30 sat/vB";

    #[test]
    fn a_reorg_does_not_reach_below_a_spike() {
        last_fails(
            &["open: ab", SPIKE, "mine: 1 block", "reorg: 2 blocks"],
            "a reorg of 2 blocks reaches below the block with which fees changed: 1 were mined since",
        );
        last_fails(
            &[SPIKE, "mine: 1 block", "calm_fees: 4 sat/vB", "mine: 2 blocks", "reorg: 2 blocks"],
            "a reorg of 2 blocks reaches below the block with which fees changed: 1 were mined since",
        );
    }

    #[test]
    fn a_spike_ends_before_there_is_another_one() {
        last_fails(
            &[SPIKE, "calm_fees: 4 sat/vB", SPIKE],
            "the last fee spike ends with a block, and none was mined yet",
        );
    }

    #[test]
    fn who_was_offline_knows_what_others_pay() {
        let close = "force_close: {channel: ab, by: bob}";
        let scenario = parse(&["open: ab", "offline: bob", SPIKE, "online: bob", close]);
        let ending = run(&scenario).ending;
        assert!(matches!(ending, Ending::Passed), "{ending:?}");
    }

    #[test]
    fn a_close_that_must_be_refused_is() {
        last_fails(
            &["open: ab", "force_close: {channel: ab, by: bob, refused: mempool min fee not met}"],
            "expected: the mempool refuses it with mempool min fee not met\nfound: the mempool took it",
        );
    }
}

mod withheld {
    use super::*;

    #[test]
    fn who_sees_no_blocks_sees_no_funding_deep_enough() {
        last_fails(
            &["withhold_blocks: bob", "open: ab"],
            "alice sees ab as opening, not as normal",
        );
    }

    #[test]
    fn who_goes_offline_and_back_sees_no_block_before_the_release() {
        let scenario = parse(&[
            "open: ab",
            "remember: {channel: ab, by: alice, as: old}",
            "pay: {from: alice, to: bob, amount: 1_000 sat, channel: ab}",
            "withhold_blocks: bob",
            "publish: {by: alice, commitment: old}",
            "offline: bob",
            "mine: 2 blocks",
            "online: bob",
            "expect: {no_transaction: {by: bob, spends: ab.commitment.to_local}, within: 2 blocks}",
            "release_blocks: bob",
            "expect: {transaction: {by: bob, spends: ab.commitment.to_local}}",
        ]);
        let ending = run(&scenario).ending;
        assert!(matches!(ending, Ending::Passed), "{ending:?}");
    }
}

mod funds {
    use super::*;

    #[test]
    fn the_lab_has_what_a_cast_may_have() {
        let text = "title: x\ncast:\n  alice: {role: honest, funds: 549 BTC}\nsteps:\n  \
                    - mine: 1 block\n";
        let options = ParseOptions { allow_missing_outcome: true };
        let ending = run(&scenario::parse("x.yaml".as_ref(), text, options).unwrap()).ending;
        assert!(matches!(ending, Ending::Passed), "{ending:?}");
    }
}

mod settled {
    use super::*;

    const FORGOTTEN: &str = "ab is settled, and alice has forgotten its states";

    #[test]
    fn a_state_cannot_be_remembered() {
        let close = "close: {channel: ab, by: alice}";
        let late = "remember: {channel: ab, by: alice, as: late}";
        last_fails(&["open: ab", close, "mine: 110 blocks", late], FORGOTTEN);
    }

    #[test]
    fn data_is_not_lost_over_a_connection() {
        let backup = "remember: {channel: ab, by: bob, as: backup}";
        let lose = "lose_data: {by: bob, back_to: backup}";
        last_fails(&["open: ab", backup, lose], "bob is connected: data is lost in a restart");
    }

    #[test]
    fn a_state_cannot_be_published() {
        last_fails(
            &[
                "open: ab",
                "remember: {channel: ab, by: alice, as: old}",
                "close: {channel: ab, by: alice}",
                "mine: 110 blocks",
                "publish: {by: alice, commitment: old}",
            ],
            FORGOTTEN,
        );
    }
}

mod pay {
    use super::*;

    #[test]
    fn a_payer_that_would_pay_does_not_refuse() {
        last_fails(
            &[
                "open: ab",
                "pay: {from: alice, to: bob, amount: 1 sat, channel: ab, fails: {never_sent: \
                 unreadable_invoice}}",
            ],
            "expected: it is never sent: unreadable_invoice\nfound: alice would pay",
        );
    }

    #[test]
    fn a_payer_that_refuses_says_why() {
        last_fails(
            &[
                "open: ab",
                "pay: {from: alice, to: bob, amount: 1 sat, channel: ab, misread: {character: 9}, \
                 fails: {never_sent: expired_invoice}}",
            ],
            "expected: it is never sent: expired_invoice\nfound: alice cannot read an invoice: the \
             checksum does not fit",
        );
    }

    #[test]
    fn an_invoice_ends_somewhere() {
        last_fails(
            &[
                "open: ab",
                "pay: {from: alice, to: bob, amount: 1 sat, channel: ab, misread: {character: \
                 9_999}}",
            ],
            "the invoice has 257 characters",
        );
    }

    #[test]
    fn a_layer_without_a_total_keeps_it() {
        last_fails(
            &[
                "open: ab",
                "pay: {from: alice, to: bob, amount: 1 sat, channel: ab, how: keysend, onion: \
                 {bob: {total_msat: 2 sat}}}",
            ],
            "the layer of bob has no total_msat",
        );
    }

    #[test]
    fn a_failure_is_held_against_the_last_one() {
        last_fails(
            &[
                "open: ab",
                "invoice: {by: bob, amount: 1 sat, as: tea}",
                "cancel: tea",
                "pay: {from: alice, invoice: tea, channel: ab, fails: {with: \
                 incorrect_or_unknown_payment_details, by: bob}}",
                "expect: {payment: {of: alice, invoice: tea, fails: {with: mpp_timeout, by: bob}}}",
            ],
            "expected: expect the payment of tea by alice to be failed; bob fails it with \
             mpp_timeout\nfound: bob says incorrect_or_unknown_payment_details (1 sat, at height 114)",
        );
    }
}

mod pay_an_offer {
    use super::*;

    const DEAR: &str = "offer: {by: bob, as: boat, amount: 700_000 sat, description: A boat}";

    #[test]
    fn an_invoice_that_is_not_paid_is_an_answer() {
        let pay = "pay: {from: alice, offer: boat, channel: ab, fails: {no_answer: true}}";
        let message = "expected: nobody answers\nfound: an invoice came";
        last_fails(&["open: ab", DEAR, pay], message);
    }

    #[test]
    fn what_the_payer_lacks_is_told() {
        last_fails(
            &["open: ab", DEAR, "pay: {from: alice, offer: boat, channel: ab}"],
            "alice did not pay bob: alice ignored a message: failed to keep to the limits of the peer: 0 msat would be \
             left, where fee and reserve take 11956000 msat",
        );
    }
}

mod shutdown {
    use super::*;

    #[test]
    fn without_an_htlc_nothing_holds_up_the_close() {
        last_fails(
            &["open: ab", "close: {channel: ab, by: alice, until: shutdown}"],
            "alice sees ab as closing, not as shutdown",
        );
    }
}

mod links {
    use super::*;
    use boltlab::scenario::Links;
    use boltlab::trace::Event;

    /// What happened, with connections over TCP as if they were in memory.
    fn without_links(mut run: Run) -> boltlab::trace::Trace {
        for entry in &mut run.trace.entries {
            if let Event::LinkUp { over, .. } = &mut entry.event {
                *over = Links::Memory;
            }
        }
        assert!(matches!(run.ending, Ending::Passed), "{:?}", run.ending);
        run.trace
    }

    #[test]
    fn a_scenario_is_the_same_over_tcp_but_for_its_links() {
        let specs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
        let files = [
            "onion/textbook.yaml",
            "penalty/victim_sleeps_past_the_delay.yaml",
            "wire/messages/cut_short.yaml",
            "wire/ping/pong.yaml",
        ];
        for file in files {
            let scenario = scenario::load(&specs.join(file)).unwrap();
            for memory in scenario.runs() {
                let tcp = Scenario { links: Links::Tcp, ..memory.clone() };
                let over_tcp = run(&tcp);
                let connections =
                    over_tcp.trace.entries.iter().filter(|entry| {
                        matches!(entry.event, Event::LinkUp { over: Links::Tcp, .. })
                    });
                assert!(connections.count() > 0, "{file}");
                assert_eq!(without_links(run(&memory)), without_links(over_tcp), "{file}");
            }
        }
    }
}

mod conversations {
    use super::*;

    const HEAD: &str = "title: x
cast:
  probe: {role: probe, funds: 1 BTC}
  bob: {role: honest}
channels:
  pb: {from: probe, to: bob, capacity: 1_000_000 sat}
outcome: nothing
steps:
  - connect: {from: probe, to: bob}
";

    /// These steps after a connection fail at the last one, with this message.
    #[track_caller]
    fn fails(steps: &[&str], message: &str) {
        fails_after(HEAD, steps, message);
    }

    #[track_caller]
    fn fails_after(head: &str, steps: &[&str], message: &str) {
        let text = format!("{head}  - {}\n", steps.join("\n  - "));
        let options = ParseOptions::default();
        let scenario = scenario::parse("x.yaml".as_ref(), &text, options).expect("a scenario");
        let ending = run(&scenario).ending;
        let Ending::Failed(problems) = ending else { panic!("no failure: {ending:?}") };
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        let line = head.lines().count() + steps.len();
        assert_eq!((problem.line, problem.message.as_str()), (u32::try_from(line).ok(), message));
    }

    #[test]
    fn what_comes_is_compared_with_what_was_expected() {
        let ping = "send: {from: probe, ping: {num_pong_bytes: 2}}";
        fails(
            &["expect: {from: bob, message: error}"],
            "expected: expect error from bob\nfound: nothing came from bob",
        );
        fails(
            &[ping, "expect: {from: bob, pong: {ignored: \"00\"}}"],
            "expected: expect pong with ignored 00 from bob\nfound: pong with ignored: \"0000\"",
        );
        fails(
            &[ping, "expect: {from: bob, no_message: pong}"],
            "expected: expect no pong from bob\nfound: pong (2 bytes)",
        );
        fails(
            &[
                "send: {from: probe, open_channel: {max_accepted_htlcs: 484}}",
                "expect: {from: bob, message: accept_channel}",
            ],
            "expected: expect accept_channel from bob\n\
             found: error (\"max_accepted_htlcs 484 is above 483\")",
        );
        fails(
            &[
                "send: {from: probe, unknown: {message_type: 2000}}",
                "expect: {from: bob, message: hang_up}",
            ],
            "expected: expect hang_up from bob\n\
             found: warning (\"a message of the unknown even type 2000\")",
        );
    }

    /// Blocks do not make the next message another one.
    #[test]
    fn what_came_first_is_not_passed_over_for_what_came_later() {
        fails(
            &[
                "send: {from: probe, unknown: {message_type: 2000}}",
                "expect: {from: bob, message: hang_up, within: 1 block}",
            ],
            "expected: expect hang_up from bob within 1 block\n\
             found: warning (\"a message of the unknown even type 2000\")",
        );
    }

    #[test]
    fn what_is_held_back_does_not_outlive_its_connection() {
        fails(
            &[
                "hold: bob",
                "send: {from: probe, ping: {}}",
                "disconnect: probe",
                "connect: {from: probe, to: bob, until: connected}",
                "release: bob",
                "expect: {from: bob, message: init}",
                "expect: {from: bob, message: pong}",
            ],
            "expected: expect pong from bob\nfound: nothing came from bob",
        );
    }

    /// The probe's own node does not take bob's `init`, and bob never saw the probe's.
    #[test]
    fn who_hangs_up_hears_nobody_hang_up() {
        let picky = "probe: {role: probe, funds: 1 BTC, features: [option_quiesce]}";
        let head = HEAD
            .replace("probe: {role: probe, funds: 1 BTC}", picky)
            .replace("bob}\n", "bob, until: connected}\n");
        fails_after(
            &head,
            &["expect: {from: bob, message: init}", "expect: {from: bob, message: hang_up}"],
            "expected: expect hang_up from bob\nfound: nothing came from bob",
        );
    }

    #[test]
    fn a_connection_that_ends_takes_nothing_of_another() {
        let head = HEAD
            .replace("  bob: {role: honest}", "  bob: {role: honest}\n  carol: {role: honest}")
            .replace("to: bob}\n", "to: bob}\n  - connect: {from: probe, to: carol}\n");
        fails_after(
            &head,
            &[
                "send: {from: probe, to: carol, unknown: {message_type: 2000}}",
                "disconnect: {from: probe, to: bob}",
                "expect: {from: carol, no_message: any}",
            ],
            "expected: expect nothing from carol\n\
             found: warning (\"a message of the unknown even type 2000\")",
        );
    }

    #[test]
    fn a_probe_speaks_only_where_it_is_connected() {
        fails(
            &["disconnect: probe", "send: {from: probe, ping: {}}"],
            "say `to` whom: probe is not connected to one role alone",
        );
        fails(&["connect: {from: probe, to: bob}"], "probe and bob are connected");
    }
}

//! Each rule, broken once. That the unbroken example is read is `whole`'s concern.

use bitcoin::Amount;

use super::*;

pub(super) const CHANNEL: &str =
    "{from: alice, to: bob, capacity: 1_000_000 sat, type: anchors, to_self_delay: 144 blocks}";
pub(super) const PAY: &str = "{from: alice, to: bob, amount: 400_000 sat}";
const MINE: &str = "- mine: 1 block";

fn unknown(name: &str, of: &'static str, known: &[&str]) -> Mistake {
    let known = known.iter().map(|name| (*name).to_owned()).collect();
    Mistake::UnknownName { name: name.into(), of, known }
}

mod names {
    use super::*;

    #[test]
    fn an_unknown_role_is_refused() {
        let found = mistake(PAY, "{from: alice, to: bbo, amount: 400_000 sat}", "bbo");
        assert_eq!(found, unknown("bbo", "role", &["alice", "bob"]));
        assert_eq!(found.help().as_deref(), Some("did you mean `bob`?"));
        mistake("ab: {from: alice, to: bob", "ab: {from: alice, to: bo", "bo,");
        mistake("- open: ab", "- open: ab\n  - offline: carol", "carol");
        mistake("balances: {alice", "balances: {carol: 0 sat, alice", "carol");
        mistake("spent_by: alice", "spent_by: carol", "carol.commitment");
        mistake("ab.commitment.anchors: any", "ab.commitment.anchors.carol: any", "ab.commitment");
    }

    #[test]
    fn an_unknown_channel_is_refused() {
        let found = mistake(
            "path: revocation}, within",
            "path: revocation, is: ac.penalty}, within",
            "ac.penalty",
        );
        assert_eq!(found, unknown("ac", "channel", &["ab"]));
        mistake("  ab.funding", "  ac.funding", "ac.funding");
        mistake("- mine: 1 block", "- close: {channel: abc, by: bob}", "abc");
    }

    #[test]
    fn an_unknown_state_is_refused() {
        let found =
            mistake("commitment: before-paying", "commitment: befor-paying", "befor-paying");
        assert_eq!(found, unknown("befor-paying", "remembered state", &["before-paying"]));
    }

    #[test]
    fn a_state_is_published_only_after_it_was_remembered() {
        let found = mistake(
            "- open: ab",
            "- open: ab\n  - publish: {by: alice, commitment: before-paying}",
            "before-paying",
        );
        assert_eq!(found, unknown("before-paying", "remembered state", &[]));
    }

    #[test]
    fn a_name_is_a_plain_word() {
        for name in ["1st", "al.ice", "a b", "ålice", &"a".repeat(33)] {
            let found = mistake(
                "as: before-paying}",
                &format!(
                    "as: {name}}}\n  - remember: {{channel: ab, by: alice, as: before-paying}}"
                ),
                name,
            );
            assert_eq!(found, Mistake::BadName { name: name.into(), of: "a state" });
        }
    }

    #[test]
    fn nothing_is_named_twice() {
        let found = mistake(
            "  bob: {role: honest}",
            "  bob: {role: honest}\n  alice: {role: honest}",
            "alice",
        );
        assert_eq!(found, Mistake::DuplicateKey { key: "alice".into(), first: 4 });
        let found = mistake("\nsteps:", &format!("\n  ab: {CHANNEL}\nsteps:"), "ab");
        assert_eq!(found, Mistake::DuplicateKey { key: "ab".into(), first: 7 });
        let found = mistake(
            "- open: ab",
            "- open: ab\n  - remember: {channel: ab, by: alice, as: before-paying}",
            "before-paying",
        );
        assert_eq!(found, Mistake::StateTwice { name: "before-paying".into(), first: 10 });
        let found = mistake(
            "  ab.commitment.anchors",
            "  ab.funding: unspent\n  ab.commitment.anchors",
            "ab.funding",
        );
        assert_eq!(found, Mistake::DuplicateKey { key: "ab.funding".into(), first: 19 });
    }
}

mod channels {
    use super::*;

    fn channel(settings: &str, marker: &str) -> Mistake {
        mistake(CHANNEL, &format!("{{from: alice, to: bob, {settings}}}"), marker)
    }

    #[test]
    fn both_ends_differ() {
        let text =
            changed(BREACH, "from: alice, to: bob, capacity", "from: alice, to: alice, capacity");
        let expected = Mistake::OneRoleChannel { channel: "ab".into(), role: "alice".into() };
        assert_eq!(refuse(&text).problems[0].mistake, expected);
    }

    #[test]
    fn a_capacity_is_needed() {
        let text = changed(BREACH, ", capacity: 1_000_000 sat", "");
        let expected = Mistake::MissingKey { key: "capacity", of: "a channel" };
        assert_eq!(refuse(&text).problems[0].mistake, expected);
    }

    #[test]
    fn a_capacity_carries_the_first_commitment() {
        let text = changed(BREACH, "400_000 sat", "1 sat");
        let cost = Amount::from_sat(1124 + 660 + 354);
        let sound = changed(&text, "capacity: 1_000_000 sat", "capacity: 2138 sat");
        read(&sound);
        let small = refuse(&changed(&sound, "2138 sat", "2137 sat"));
        let capacity = Amount::from_sat(2137);
        assert_eq!(
            small.problems[0].mistake,
            Mistake::TooSmallCapacity { capacity, left: capacity, cost }
        );
        read(&changed(&sound, "2138 sat, type: anchors", "1078 sat, type: static_remotekey"));
        refuse(&changed(&sound, "2138 sat, type: anchors", "1077 sat, type: static_remotekey"));
        refuse(&changed(&sound, "capacity: 2138 sat", "capacity: 2138 sat, push: 1 sat"));
        refuse(&changed(&sound, "{role: honest}", "{role: honest, dust_limit: 355 sat}"));
        assert_eq!(refuse(&changed(&sound, "2138 sat", "0 sat")).problems.len(), 2);
    }

    #[test]
    fn the_opener_can_pay_for_it() {
        let found = channel("capacity: 1 BTC", "1 BTC");
        let role = "alice".into();
        assert_eq!(
            found,
            Mistake::NotCovered { role, funds: Amount::ONE_BTC, capacity: Amount::ONE_BTC }
        );
        read(&changed(BREACH, "capacity: 1_000_000 sat", "capacity: 0.99999999 BTC"));
        let found = mistake("{role: cheat, funds: 1 BTC}", "{role: cheat}", "1_000_000 sat");
        assert!(matches!(found, Mistake::NotCovered { .. }), "{found}");
    }

    #[test]
    fn there_are_21_million_bitcoin() {
        let found = channel("capacity: 21_000_001 BTC", "21_000_001 BTC");
        assert!(matches!(found, Mistake::MoreThanAllCoins { .. }), "{found}");
        let found = mistake("funds: 1 BTC", "funds: 21_000_001 BTC", "alice");
        assert!(matches!(found, Mistake::MoreThanAllCoins { .. }), "{found}");
    }

    #[test]
    fn a_push_fits_the_capacity() {
        let found = channel("capacity: 1_000_000 sat, push: 1_000_001 sat", "1_000_001 sat");
        assert!(matches!(found, Mistake::PushOverCapacity { .. }), "{found}");
        let found = channel("capacity: 1_000_000 sat, push: 1_000_000 sat", "1_000_000 sat");
        assert!(matches!(found, Mistake::TooSmallCapacity { .. }), "{found}");
    }

    #[test]
    fn a_delay_lasts_a_block_to_two_weeks() {
        for (delay, sound) in [(0, false), (1, true), (2016, true), (2017, false), (70_000, false)]
        {
            let text = changed(BREACH, "144 blocks", &format!("{delay} blocks"));
            if sound {
                read(&text);
            } else {
                let expected = Mistake::DelayOutOfRange { delay, limit: 2016 };
                assert_eq!(refuse(&text).problems[0].mistake, expected);
            }
        }
    }

    #[test]
    fn a_funding_needs_one_to_a_hundred_blocks() {
        for depth in [0, 101] {
            let setting = format!("capacity: 1_000_000 sat, minimum_depth: {depth} blocks");
            let expected = Mistake::DepthOutOfRange { depth, limit: 100 };
            assert_eq!(channel(&setting, &format!("{depth} blocks")), expected);
        }
    }

    #[test]
    fn the_cast_has_no_more_than_the_lab() {
        read(&changed(BREACH, "{role: honest}", "{role: honest, funds: 548 BTC}"));
        let found = mistake("bob: {role: honest}", "bob: {role: honest, funds: 549 BTC}", "bob:");
        let (funds, limit) = (Amount::from_int_btc(550), Amount::from_int_btc(549));
        assert_eq!(found, Mistake::FundsOverLimit { funds, limit });
    }

    #[test]
    fn a_dust_limit_is_at_least_bolt_2s() {
        read(&changed(BREACH, "{role: honest}", "{role: honest, dust_limit: 354 sat}"));
        let found = mistake("{role: honest}", "{role: honest, dust_limit: 353 sat}", "353 sat");
        assert!(matches!(found, Mistake::DustLimitTooLow { .. }), "{found}");
        // An honest role's bound is not a probe's.
        read(&changed(BREACH, "{role: honest}", "{role: probe, dust_limit: 353 sat}"));
    }

    #[test]
    fn a_reserve_is_no_dust() {
        read(&changed(BREACH, "{role: honest}", "{role: honest, channel_reserve: 546 sat}"));
        let found = mistake("{role: honest}", "{role: honest, channel_reserve: 545 sat}", "545");
        assert!(matches!(found, Mistake::ReserveBelowDust { .. }), "{found}");
        let terms = "{role: honest, dust_limit: 1_000 sat, channel_reserve: 999 sat}";
        let found = mistake("{role: honest}", terms, "999");
        assert!(matches!(found, Mistake::ReserveBelowDust { .. }), "{found}");
        read(&changed(BREACH, "{role: honest}", "{role: probe, channel_reserve: 0 sat}"));
    }

    #[test]
    fn no_more_htlcs_are_accepted_than_bolt_2_allows() {
        read(&changed(BREACH, "{role: honest}", "{role: honest, max_accepted_htlcs: 483}"));
        let found = mistake("{role: honest}", "{role: honest, max_accepted_htlcs: 484}", "484");
        assert!(matches!(found, Mistake::TooManyHtlcsAccepted { .. }), "{found}");
        read(&changed(BREACH, "{role: honest}", "{role: probe, max_accepted_htlcs: 484}"));
    }
}

mod steps {
    use super::*;

    /// The mistake of a step that takes the place of the first `mine`.
    #[track_caller]
    fn step(yaml: &str, marker: &str) -> Mistake {
        mistake(MINE, &format!("- {yaml}"), marker)
    }

    #[test]
    fn there_is_at_least_one() {
        let start = BREACH.find("steps:").expect("steps");
        let end = BREACH.find("outcome:").expect("an outcome");
        let text = format!("{}steps: []\n{}", &BREACH[..start], &BREACH[end..]);
        assert!(matches!(refuse(&text).problems[0].mistake, Mistake::Nothing { .. }));
    }

    #[test]
    fn each_has_one_verb() {
        let found = step("say: hello", "say");
        assert_eq!(found, Mistake::NoVerb);
        let found = step("mine: 1 block\n    online: bob", "online");
        assert_eq!(found, Mistake::SecondVerb { first: "mine".into(), second: "online".into() });
    }

    #[test]
    fn a_verb_is_a_known_one() {
        let found = step("force-close: {channel: ab, by: alice}", "force-close");
        assert_eq!(found.help().as_deref(), Some("did you mean `force_close`?"));
    }

    #[test]
    fn a_channel_is_opened_once_and_first() {
        let found = step("open: ab", "ab");
        assert_eq!(found, Mistake::OpenedTwice { channel: "ab".into(), first: 9 });
        let expected = Mistake::NotOpenYet { channel: "ab".into() };
        let found = mistakes("- open: ab", "- mine: 1 block");
        assert_eq!(
            found,
            [(10, 25, expected.clone()), (11, 5, expected.clone()), (16, 45, expected)]
        );
    }

    #[test]
    fn a_step_that_cannot_be_read_opens_no_doubts() {
        let found = mistakes("- open: ab", "- opne: ab");
        assert!(matches!(found.as_slice(), [(9, 5, Mistake::UnknownVerb { .. })]), "{found:?}");
    }

    #[test]
    fn only_a_cheat_cheats() {
        let found = mistakes("role: cheat", "role: honest");
        assert!(matches!(found.as_slice(), [(13, 19, Mistake::OnlyACheat { .. })]), "{found:?}");
        let found = step("double_spend: {by: bob, transaction: ab.funding}", "bob");
        assert!(matches!(found, Mistake::OnlyACheat { verb: "double-spend", .. }));
        read(&changed(BREACH, MINE, "- double_spend: {by: alice, transaction: ab.funding}"));
    }

    #[test]
    fn a_role_goes_on_from_its_own_backup() {
        let found = step("lose_data: {by: bob, back_to: before-paying}", "before-paying");
        assert!(matches!(found, Mistake::StateOfAnother { .. }), "{found}");
        read(&changed(BREACH, MINE, "- lose_data: {by: alice, back_to: before-paying}"));
    }

    #[test]
    fn a_cheat_publishes_its_own_state() {
        let found =
            mistake("channel: ab, by: alice, as", "channel: ab, by: bob, as", "before-paying");
        assert!(matches!(found, Mistake::StateOfAnother { .. }), "{found}");
    }

    #[test]
    fn a_role_acts_on_its_own_channel() {
        let text =
            changed(BREACH, "bob: {role: honest}", "bob: {role: honest}\n  carol: {role: honest}");
        for step in [
            "- force_close: {channel: ab, by: carol}",
            "- close: {channel: ab, by: carol}",
            "- expect: {state: {channel: ab, of: carol, is: normal}}",
            "- expect: {balance: {channel: ab, of: carol, is: 1 sat}}",
            "- expect: {transaction: {spends: ab.closing.carol}}",
            "- expect: {transaction: {spends: ab.commitment.htlc.carol.0}}",
            "- expect: {transaction: {spends: ab.second_stage.carol.0}}",
        ] {
            let found = refuse(&changed(&text, MINE, step));
            let [problem] = found.problems.as_slice() else { panic!("{found}") };
            assert!(matches!(problem.mistake, Mistake::NotItsChannel { .. }), "{step}: {found}");
            read(&changed(&text, MINE, &step.replace("carol", "bob")));
        }
    }

    #[test]
    fn blocks_are_at_least_one_and_not_too_many() {
        for (blocks, sound) in [(0, false), (1, true), (10_000, true), (10_001, false)] {
            for (verb, yaml) in [("mine", "mine"), ("reorg", "reorg")] {
                let text = changed(BREACH, MINE, &format!("- {yaml}: {blocks} blocks"));
                if sound {
                    read(&text);
                } else {
                    let expected = Mistake::BlocksOutOfRange { verb, blocks, limit: 10_000 };
                    assert_eq!(refuse(&text).problems[0].mistake, expected);
                }
            }
        }
        step("reorg: {depth: 0 blocks}", "0 blocks");
    }

    #[test]
    fn a_wait_has_an_end() {
        let found = mistake("within: 3 blocks", "within: 10_001 blocks", "10_001 blocks");
        let limit = Blocks(10_000);
        assert_eq!(found, Mistake::WithinTooLong { blocks: Blocks(10_001), limit });
        let found = step(
            "expect: {balance: {channel: ab, of: bob, is: 1 sat}, within: 1 block}",
            "1 block",
        );
        assert_eq!(found, Mistake::WithinForBalance);
    }

    #[test]
    fn who_is_offline_goes_online_next() {
        let twice = "- offline: bob\n  - mine: 1 block\n  - offline: bob # again";
        let found = mistake(MINE, twice, "bob # again");
        assert_eq!(found, Mistake::AlreadyOffline { role: "bob".into(), since: 15 });
        let found = mistake(MINE, "- offline: alice\n  - online: bob # again", "bob # again");
        assert_eq!(found, Mistake::AlreadyOnline { role: "bob".into() });
        read(&changed(BREACH, MINE, "- offline: bob\n  - online: bob\n  - offline: bob"));
    }

    #[test]
    fn a_path_fits_its_output() {
        for (output, paths) in [
            ("ab.funding", &[][..]),
            ("ab.commitment.to_local", &[Path::Delay, Path::Revocation]),
            ("ab.commitment.to_remote", &[Path::Direct]),
            ("ab.commitment.anchors", &[Path::Anchor, Path::Anyone]),
            ("ab.commitment.anchors.bob", &[Path::Anchor, Path::Anyone]),
            ("ab.commitment.htlcs", &[Path::Preimage, Path::Timeout, Path::Revocation]),
            ("ab.commitment.htlc.bob.0", &[Path::Preimage, Path::Timeout, Path::Revocation]),
            ("ab.second_stages", &[Path::Delay, Path::Revocation]),
            ("ab.second_stage.bob.0", &[Path::Delay, Path::Revocation]),
            ("ab.closing.bob", &[Path::Direct]),
        ] {
            for path in Path::ALL {
                let sound = paths.contains(path);
                let step =
                    format!("- expect: {{no_transaction: {{spends: {output}, path: {path}}}}}");
                let text = changed(BREACH, MINE, &step);
                let result = parse(FilePath::new("x"), &text, ParseOptions::default());
                assert_eq!(result.is_ok(), sound, "{step}");
                let claim = format!("- claim: {{by: bob, output: {output}, path: {path}}}");
                let text = changed(BREACH, MINE, &claim);
                let claimed = parse(FilePath::new("x"), &text, ParseOptions::default());
                let sound = sound && !matches!(path, Path::Anchor | Path::Anyone);
                assert_eq!(claimed.is_ok(), sound, "{claim}");
                for error in [result.err(), claimed.err()].into_iter().flatten() {
                    let found = &error.problems[0].mistake;
                    let unsupported = matches!(found, Mistake::NotSupported { .. });
                    let impossible = matches!(found, Mistake::ImpossiblePath { .. });
                    assert!(impossible || unsupported, "{found}");
                }
            }
        }
    }

    #[test]
    fn an_anchor_is_not_claimed_yet() {
        for path in ["anchor", "anyone"] {
            let claim = format!("claim: {{by: bob, output: ab.commitment.anchors, path: {path}}}");
            let found = step(&claim, path);
            assert_eq!(found, Mistake::NotSupported { what: "a claim of an anchor" });
            assert_eq!(found.to_string(), "not supported yet: a claim of an anchor");
        }
    }

    #[test]
    fn a_pattern_says_something() {
        let found = step("expect: {transaction: {}}", "{}");
        assert!(matches!(found, Mistake::NoneOf { of: "a pattern", .. }), "{found}");
        let found = step("expect: {within: 1 block}", "{within");
        assert!(matches!(found, Mistake::NoneOf { of: "`expect`", .. }), "{found}");
        let pattern = "transaction: {by: bob}, no_transaction: {by: bob}";
        let found = step(&format!("expect: {{{pattern}}}"), "no_transaction");
        assert!(matches!(found, Mistake::TwoOf { .. }), "{found}");
    }

    #[test]
    fn a_transaction_is_a_reference() {
        for reference in ["ab", "ab.funding.x", "ab.founding"] {
            let yaml = format!("double_spend: {{by: alice, transaction: {reference}}}");
            let found = step(&yaml, reference);
            assert!(matches!(found, Mistake::BadReference(_)), "{found}");
        }
    }

    #[test]
    fn a_narrative_says_something() {
        let found = step("mine: 1 block\n    say: ''", "''");
        assert_eq!(found, Mistake::WrongShape { wanted: "a text", found: "an empty text" });
    }

    #[test]
    fn a_confirmation_is_true_or_false() {
        let found = step("expect: {transaction: {confirmed: yes}}", "yes");
        assert!(matches!(found, Mistake::UnknownWord { .. }), "{found}");
    }
}

mod outcomes {
    use super::*;

    #[test]
    fn there_is_one() {
        let start = BREACH.find("outcome:").expect("an outcome");
        for outcome in ["", "outcome:\n", "outcome: {}\n"] {
            let text = format!("{}{outcome}", &BREACH[..start]);
            let error = refuse(&text);
            assert_eq!(error.problems.len(), 1);
            assert_eq!(error.problems[0].mistake, Mistake::MissingOutcome);
            assert!(error.to_string().contains("--bless"));
        }
    }

    #[test]
    fn a_fate_fits_its_output() {
        for (output, fate, sound) in [
            ("funding", "unspent", true),
            ("funding", "unconfirmed", true),
            ("funding", "any", false),
            ("funding", "absent", false),
            ("closing.bob", "absent", true),
            ("commitment.anchors", "absent", true),
            ("funding", "{to: bob}", false),
            ("funding", "{spent_by: closing}", true),
            ("funding", "{spent_by: bob.commitment}", true),
            ("funding", "{spent_by: bob.closing}", false),
            ("funding", "{spent_by: closing, state: revoked}", false),
            ("funding", "lost", false),
            ("funding", "[unspent]", false),
            ("commitment.to_local", "unspent", true),
            ("commitment.to_local", "any", false),
            ("commitment.to_local", "absent", true),
            ("commitment.to_local", "unconfirmed", false),
            ("commitment.to_local", "{spent_by: closing}", false),
            ("commitment.to_local", "{path: delay}", false),
            ("commitment.to_local", "{to: bob, path: direct}", false),
            ("commitment.to_local", "{to: bob, amount: 1 sat}", true),
            ("commitment.to_local", "{to: bob, amount: 1 msat}", false),
            ("commitment.to_remote", "{to: bob, path: revocation}", false),
            ("commitment.anchors", "unspent", true),
            ("commitment.anchors", "{to: bob, path: anyone}", true),
            ("commitment.anchors", "unconfirmed", false),
        ] {
            let start = BREACH.find("outcome:").expect("an outcome");
            let text = format!("{}outcome:\n  ab.{output}: {fate}\n", &BREACH[..start]);
            let result = parse(FilePath::new("x"), &text, ParseOptions::default());
            assert_eq!(result.is_ok(), sound, "ab.{output}: {fate}");
        }
    }

    #[test]
    fn a_stranger_takes_only_what_is_anyones() {
        let text =
            changed(BREACH, "bob: {role: honest}", "bob: {role: honest}\n  carol: {role: honest}");
        let found = refuse(&changed(&text, "to_remote: {to: bob}", "to_remote: {to: carol}"));
        assert!(matches!(found.problems[0].mistake, Mistake::NotItsChannel { .. }));
        read(&changed(&text, "anchors: any", "anchors: {to: carol, path: anyone}"));
    }

    #[test]
    fn a_reference_is_one() {
        for reference in [
            "ab",
            "ab.commitment",
            "ab.comitment.to_local",
            "ab.commitment.to_locl",
            "ab.closing",
            "ab.funding.x",
            "ab.commitment.htlc",
            "ab.commitment.htlc.alice.x",
            "ab.commitment.htlc.alice.+1",
            "ab.commitment.htlcs.tea",
            "ab.second_stage",
            "ab.second_stages.tea",
            "a b.funding",
        ] {
            let found = mistake("  ab.commitment.anchors:", &format!("  {reference}:"), reference);
            assert!(matches!(found, Mistake::BadReference(_)), "{found}");
        }
    }

    #[test]
    fn a_balance_is_an_amount() {
        let found = mistake("alice: 0 sat", "alice: 0", "0");
        assert!(matches!(found, Mistake::BareNumber { .. }), "{found}");
        let found = mistake("alice: 0 sat", "alice: 50%", "50%");
        assert!(matches!(found, Mistake::Percentage { .. }), "{found}");
    }
}

mod head {
    use super::*;

    #[test]
    fn unknown_keys_are_refused() {
        let found = mistake("title:", "author: me\ntitle:", "author");
        assert!(matches!(found, Mistake::UnknownKey { of: "a scenario", .. }), "{found}");
        mistake("{role: honest}", "{role: honest, fund: 1 BTC}", "fund");
        mistake("type: anchors", "typ: anchors", "typ");
        mistake("as: before-paying}", "as: before-paying, for: fun}", "for");
    }

    #[test]
    fn a_title_is_needed() {
        assert!(matches!(
            mistakes("title: A revoked commitment costs its publisher everything\n", "").as_slice(),
            [(1, 1, Mistake::MissingKey { key: "title", .. })]
        ));
        let found =
            mistakes("title: A revoked commitment costs its publisher everything", "title:");
        assert!(matches!(found.as_slice(), [(1, _, Mistake::WrongShape { .. })]), "{found:?}");
    }

    #[test]
    fn a_section_is_a_bolts() {
        for section in ["5", "x#y", "6#y", "13#y", "5#", "5#a b"] {
            let found = mistake("3#to_local-output", section, section);
            assert_eq!(found, Mistake::BadSection { text: section.into() });
        }
    }

    #[test]
    fn a_cast_has_a_role() {
        let text = "title: x\ncast: {}\nsteps:\n  - mine: 1 block\noutcome:\n  balances: {}\n";
        let found = refuse(text);
        assert!(matches!(found.problems[0].mistake, Mistake::Nothing { .. }), "{found}");
        read(&text.replace("{}\nsteps", "{bob: {role: honest}}\nsteps"));
    }
}

mod breaking_the_transport {
    use super::*;

    const SOUND: &str = "title: x
links: tcp
cast: {probe: {role: probe}, other: {role: probe}, bob: {role: honest}}
steps:
  - connect: {from: probe, to: bob, act_one: wrong_mac}
  - connect: {from: bob, to: probe, act_two: wrong_mac}
  - connect: {from: probe, to: other, act_three: half}
  - send: {from: probe, ping: , frame: wrong_mac}
outcome: nothing
";

    /// The one mistake after a replacement, and the column where it stands.
    #[track_caller]
    fn found(from: &str, to: &str) -> (u32, Mistake) {
        let error = refuse(&changed(SOUND, from, to));
        let [problem] = error.problems.as_slice() else { panic!("not one problem:\n{error}") };
        let (_, column, mistake) = placed(problem.clone());
        (column, mistake)
    }

    #[test]
    fn takes_links_over_tcp() {
        read(SOUND);
        let error = refuse(&changed(SOUND, "links: tcp\n", ""));
        let keys: Vec<(u32, &str)> = error
            .problems
            .iter()
            .map(|problem| match problem.mistake {
                Mistake::NeedsTcp { key } => (problem.position.expect("a position").column, key),
                ref other => panic!("{other}"),
            })
            .collect();
        assert_eq!(keys, [(37, "act_one"), (37, "act_two"), (39, "act_three"), (40, "frame")]);
    }

    #[test]
    fn is_for_the_probe_whose_act_it_is() {
        let bob = Mistake::NotAProbe { role: "bob".into() };
        let acts = [("act_one", "act_two", 32), ("act_two", "act_one", 21)];
        for (act, other, column) in acts {
            assert_eq!(found(&format!("{act}:"), &format!("{other}:")), (column, bob.clone()));
        }
        let third = "from: probe, to: other, act_three";
        assert_eq!(found(third, "from: bob, to: other, act_three"), (21, bob));
    }

    #[test]
    fn ends_with_the_first_broken_act() {
        let (column, found) = found("act_one: wrong_mac", "act_one: half, act_three: half");
        assert_eq!(column, 52);
        assert!(matches!(found, Mistake::Nothing { .. }), "{found}");
    }

    #[test]
    fn is_by_one_of_the_known_faults() {
        let (_, act) = found("act_three: half", "act_three: twice");
        assert!(matches!(act, Mistake::UnknownWord { .. }), "{act}");
        let (_, frame) = found("frame: wrong_mac", "frame: wrong_key");
        assert!(matches!(frame, Mistake::UnknownWord { .. }), "{frame}");
    }

    #[test]
    fn a_message_has_room_for_so_many_zeros() {
        for (payload, zeros, fits) in
            [("", 65_533, true), ("", 65_534, false), ("00", 65_533, false)]
        {
            let message =
                format!("unknown: {{message_type: 1, payload: \"{payload}\", zeros: {zeros}}}");
            let text = changed(SOUND, "ping: ", &message);
            assert_eq!(
                parse(FilePath::new("x.yaml"), &text, ParseOptions::default()).is_ok(),
                fits
            );
        }
    }
}

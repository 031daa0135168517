//! Simple closing across connections, reorgs and whatever else crosses it.

use super::*;

#[test]
fn a_close_survives_the_loss_of_the_connection_at_every_message() {
    for cut in 0.. {
        let mut pair = opened(nodes([1_000, 2_000]), BOBS);
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        let delivered = pair.deliver_some(cut);
        pair.reconnect();
        nobody_is_to_blame(&pair);
        assert_eq!(pair.phases(), ["negotiating", "negotiating"], "cut after {cut}");
        // What is negotiated anew is the same.
        let mut fees: Vec<u64> = published(&pair).iter().map(fee).collect();
        fees.sort_unstable();
        assert_eq!(fees, [676, 2 * 676], "cut after {cut}");
        if delivered < cut {
            return;
        }
    }
}

#[test]
fn a_changed_script_survives_the_loss_of_the_connection_at_every_message() {
    for (first, second) in (0..=4).flat_map(|first| (0..=14).map(move |second| (first, second))) {
        let mut pair = closed(BOBS);
        redirect(&mut pair, ALICE, 2_000, &taproot()).unwrap();
        bump(&mut pair, BOB, 3_000).unwrap();
        // The bump may name the old script.
        pair.deliver_some(first);
        pair.lose_connection();
        pair.connect();
        pair.deliver_some(second);
        pair.reconnect();
        assert_eq!(pair.phases(), ["negotiating", "negotiating"]);
        assert!(pair.is_connected);
        let all = published(&pair);
        // Each at its last rate, and to the last script of both.
        let weight = 676 + 4 * 12;
        for rate in [2, 3] {
            let last = all.iter().find(|tx| fee(tx) == rate * weight);
            assert!(last.is_some_and(|tx| paid(tx, &taproot()).is_some()), "{first}, {second}");
        }
    }
}

#[test]
fn scripts_that_change_at_once_are_sorted_out_over_a_new_connection() {
    let mut pair = closed(BOBS);
    let others = [taproot(), ScriptBuf::from_bytes([&[0x52, 40][..], &[9; 40]].concat())];
    redirect(&mut pair, ALICE, 2_000, &others[ALICE]).unwrap();
    redirect(&mut pair, BOB, 3_000, &others[BOB]).unwrap();
    pair.deliver_to(BOB);
    pair.deliver_to(ALICE);
    for node in [ALICE, BOB] {
        assert_eq!(pair.violation(node), "bolt02/closing_complete/closee-script-last-sent");
    }
    assert!(!pair.is_connected);
    assert_eq!(published(&pair).len(), 2);
    pair.reconnect();
    let all = published(&pair);
    assert_eq!(all.len(), 4);
    for transaction in &all[2..] {
        assert!(others.iter().all(|script| paid(transaction, script).is_some()));
    }
}

#[test]
fn without_a_closing_sig_the_connection_is_closed() {
    let mut pair = closing(opened(nodes([1_000; 2]), BOBS));
    pair.wire.clear();
    (0..5).for_each(|_| pair.mine_these(Vec::new()));
    nobody_is_to_blame(&pair);
    pair.mine_these(Vec::new());
    for node in [ALICE, BOB] {
        assert_eq!(pair.violation(node), "bolt02/closing_complete/answered-in-time");
    }
    assert!(!pair.is_connected);
    pair.reconnect();
    assert_eq!(published(&pair).len(), 2);
}

#[test]
fn a_reorg_brings_the_negotiation_back() {
    let mut pair = closed(BOBS);
    let [alices, bobs] = published(&pair).try_into().unwrap();
    pair.mempool.clear();
    pair.mine_these(vec![alices]);
    assert_eq!(pair.phases(), ["closing", "closing"]);
    pair.disconnect();
    assert_eq!(pair.phases(), ["negotiating", "negotiating"]);
    bump(&mut pair, ALICE, 2_000).unwrap();
    pair.drive();
    assert_eq!(published(&pair).len(), 1);
    pair.mine_these(vec![bobs]);
    let spent = ChannelEvent::FundingSpent(FundingSpend::MutualClose);
    assert_eq!(pair.events.last(), Some(&(BOB, spent)));
}

#[test]
fn a_spend_that_nobody_signed_here_is_no_mutual_close() {
    let mut pair = closed(BOBS);
    let mut strange = published(&pair)[0].clone();
    strange.output[0].value -= Amount::from_sat(1);
    pair.mine_these(vec![strange]);
    let spent = ChannelEvent::FundingSpent(FundingSpend::Unknown);
    assert_eq!(pair.events.last(), Some(&(BOB, spent)));
}

#[test]
fn a_new_connection_goes_by_its_own_features() {
    let mut pair = closed(BOBS);
    pair.command(BOB, NodeCommand::SetFeatures(default_features())).unwrap();
    pair.reconnect();
    assert_eq!(pair.phases(), ["closing", "closing"]);
    nobody_is_to_blame(&pair);
    let all = published(&pair);
    assert_eq!((all.len(), all[2].input[0].sequence.0), (3, 0xffff_ffff));
    // Each of the three is known.
    for transaction in all {
        let mut pair = pair.clone();
        pair.mine_these(vec![transaction]);
        let spent = ChannelEvent::FundingSpent(FundingSpend::MutualClose);
        assert_eq!(pair.events.last(), Some(&(BOB, spent)));
    }
    pair.command(BOB, NodeCommand::SetFeatures(with_simple_close())).unwrap();
    pair.reconnect();
    assert_eq!(pair.phases(), ["negotiating", "negotiating"]);
}

/// What happens to a pair of nodes that close.
#[derive(Clone, Debug)]
enum Act {
    Deliver(usize),
    Bump(usize, u32),
    Redirect(usize, u32, ScriptBuf),
    Reconnect(usize),
    Block,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let side = || prop::sample::select(vec![ALICE, BOB]);
    let rate = || 253..20_000_u32;
    let other = ScriptBuf::from_bytes([&[0x52, 40][..], &[9; 40]].concat());
    let script = prop::sample::select(vec![taproot(), other]);
    let act = prop_oneof![
        12 => side().prop_map(Act::Deliver),
        4 => (side(), rate()).prop_map(|(side, rate)| Act::Bump(side, rate)),
        1 => (side(), rate(), script).prop_map(|(side, rate, to)| Act::Redirect(side, rate, to)),
        1 => (0..8_usize).prop_map(Act::Reconnect),
        1 => Just(Act::Block),
    ];
    prop::collection::vec(act, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever crosses, and wherever connections are lost: nobody is to blame but for scripts that
    /// change at once, everything that is published is signed by both, and the channel closes.
    #[test]
    fn whatever_crosses_the_channel_closes(
        bobs in prop::sample::select(vec![0, 293, 294, 700, 970, 400_000, 500_000, 700_000_u64]),
        acts in acts(),
        chosen in any::<prop::sample::Index>(),
    ) {
        let mut pair = opened(nodes([1_000, 1_500]), Msat(bobs * 1000));
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        for act in acts {
            match act {
                Act::Deliver(side) => pair.deliver_to(side),
                // One may wait for an answer, or be too poor.
                Act::Bump(side, rate) => bump(&mut pair, side, rate).unwrap_or_default(),
                Act::Redirect(side, rate, script) => {
                    redirect(&mut pair, side, rate, &script).unwrap_or_default();
                }
                Act::Reconnect(delivered) => {
                    pair.lose_connection();
                    pair.connect();
                    pair.deliver_some(delivered);
                }
                Act::Block => pair.mine_these(Vec::new()),
            }
            if !pair.is_connected {
                pair.lose_connection();
                pair.connect();
            }
        }
        pair.drive();
        pair.reconnect();
        prop_assert_eq!(pair.phases(), ["negotiating", "negotiating"], "{:?}", pair.events);
        for (_, event) in &pair.events {
            let ChannelEvent::Violation { requirement, .. } = event else { continue };
            let race = "bolt02/closing_complete/closee-script-last-sent";
            let slow = "bolt02/closing_complete/answered-in-time";
            prop_assert!([race, slow].contains(&requirement.as_str()), "{requirement}");
        }
        prop_assert_eq!(&pair.told, &[]);
        let all = published(&pair);
        let confirmed = chosen.get(&all).clone();
        pair.mempool.clear();
        pair.mine_these(vec![confirmed]);
        (0..99).for_each(|_| pair.mine_these(Vec::new()));
        prop_assert_eq!(pair.phases(), ["closed", "closed"]);
        let spent = ChannelEvent::FundingSpent(FundingSpend::MutualClose);
        for node in [ALICE, BOB] {
            prop_assert!(pair.events.contains(&(node, spent.clone())));
        }
    }
}

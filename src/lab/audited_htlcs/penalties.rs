//! What is taken by revocation, and what wallets pay for.

use super::*;

/// Alice's commitment with everything in flight, which she revoked since.
fn breach(channel_type: ChannelType) -> (Recorded, OnChain) {
    let mut recorded = Recorded::pending(channel_type);
    let old = recorded.commitment(ALICE);
    recorded.cheats(ALICE);
    recorded.pay_out(BOB, TEA);
    recorded.confirm(std::slice::from_ref(&old.transaction));
    (recorded, old)
}

#[test]
fn what_is_taken_by_revocation_is_the_victims() {
    for channel_type in [Anchors, StaticRemotekey] {
        let (mut recorded, old) = breach(channel_type);
        let (to_local, amount) = old.output(OutputRole::ToLocal);
        let mut claims = vec![old.penalty(to_local, amount)];
        claims.extend(old.htlcs().iter().map(|(outpoint, htlc)| old.htlc_penalty(*outpoint, htlc)));
        recorded.confirm(&[sweep(&claims, &old.wallets[1]), old.sweep_to_remote()]);
        let channel = channel(&recorded);
        assert_eq!(entitled(&channel), [0, 1_000_000_000].map(Msat));
        assert_eq!((taken(&channel)[0], channel.lost[&role("alice")]), (0, Msat::ZERO));
        assert_eq!((kinds(&recorded, "ab.penalty"), channel.robbed.len()), (1, 0));
        let shown = outcome(&recorded);
        assert!(shown.contains("htlc.cake: {to: bob, path: revocation"), "{shown}");
    }
}

#[test]
fn a_cheat_gets_nothing_of_a_second_stage_that_is_taken_by_revocation() {
    for channel_type in [Anchors, StaticRemotekey] {
        let (mut recorded, old) = breach(channel_type);
        let (to_local, amount) = old.output(OutputRole::ToLocal);
        let mut claims = vec![old.penalty(to_local, amount)];
        for (outpoint, _) in old.htlcs() {
            let stage = old.second_stage(outpoint);
            let delayed = OutPoint { txid: stage.compute_txid(), vout: 0 };
            claims.push(old.penalty(delayed, stage.output[0].value));
            recorded.confirm(&[stage]);
        }
        // As long as nobody took them, they are nobody's: Bob has what was his all along.
        let waiting = account(&recorded.trace);
        assert_eq!(waiting.channels[0].taken[&role("alice")].to_sat(), 0);
        assert!(outcome(&recorded).contains("ab.second_stage.tea: unspent"));
        recorded.confirm(&[sweep(&claims, &old.wallets[1]), old.sweep_to_remote()]);
        let channel = channel(&recorded);
        assert_eq!(entitled(&channel), [0, 1_000_000_000].map(Msat));
        assert_eq!(channel.robbed.len(), 0);
        assert_eq!((kinds(&recorded, "ab.htlc_timeout"), kinds(&recorded, "ab.penalty")), (3, 1));
        assert_eq!(channel.second_stages.len(), 4);
        assert!(outcome(&recorded).contains("second_stage.tea: {to: bob, path: revocation"));
    }
}

#[test]
fn a_cheat_pays_for_its_second_stage_from_its_own_wallet() {
    let (mut recorded, old) = breach(Anchors);
    let (outpoint, htlc) = old.htlc(TEA);
    let stage = old.second_stage(outpoint);
    let coin = recorded.coin(ALICE);
    let stage = with_coin(stage, coin, &old.wallets[0], Amount::from_sat(700));
    let delayed = OutPoint { txid: stage.compute_txid(), vout: 0 };
    let (to_local, amount) = old.output(OutputRole::ToLocal);
    let mut claims =
        vec![old.penalty(to_local, amount), old.penalty(delayed, htlc.amount.to_sat_floor())];
    let others = old.htlcs().into_iter().filter(|(other, _)| *other != outpoint);
    claims.extend(others.map(|(outpoint, htlc)| old.htlc_penalty(outpoint, &htlc)));
    recorded.confirm(&[stage, sweep(&claims, &old.wallets[1]), old.sweep_to_remote()]);
    let channel = channel(&recorded);
    assert_eq!(entitled(&channel), [0, 1_000_000_000].map(Msat));
    assert_eq!((taken(&channel)[0], channel.lost[&role("alice")]), (-700, Msat(700_000)));
}

#[test]
fn merged_second_stages_are_named_by_their_indices_and_paid_by_the_wallet() {
    let pending = Recorded::pending(Anchors);
    let commitment = pending.commitment(ALICE);
    let parts: Vec<OutPoint> = [TEA, SLICE].map(|amount| commitment.htlc(amount).0).into();
    let stages: Vec<Transaction> =
        parts.iter().map(|outpoint| commitment.second_stage(*outpoint)).collect();
    let rest = |recorded: &mut Recorded, delayed: [OutPoint; 2]| {
        let amounts = [TEA, SLICE].map(Msat::to_sat_floor);
        let claims = [0, 1].map(|n| commitment.delayed(delayed[n], amounts[n]));
        let mut claims = vec![sweep(&claims, &commitment.wallets[0])];
        claims.extend([commitment.sweep_to_local(), commitment.sweep_to_remote()]);
        for (outpoint, htlc) in commitment.htlcs() {
            if !parts.contains(&outpoint) {
                claims.extend(commitment.resolve(outpoint, &htlc, Way::Timeout));
            }
        }
        recorded.confirm(&claims);
    };
    let mut apart = pending.clone();
    apart.confirm(std::slice::from_ref(&commitment.transaction));
    apart.confirm(&stages);
    rest(&mut apart, [0, 1].map(|n| OutPoint { txid: stages[n].compute_txid(), vout: 0 }));
    let apart = channel(&apart);

    let mut recorded = pending.clone();
    recorded.confirm(std::slice::from_ref(&commitment.transaction));
    let mut merged = stages[0].clone();
    merged.input.extend(stages[1].input.clone());
    merged.output.extend(stages[1].output.clone());
    let coin = recorded.coin(ALICE);
    let merged = with_coin(merged, coin, &commitment.wallets[0], Amount::from_sat(1_000));
    recorded.confirm(std::slice::from_ref(&merged));
    let txid = merged.compute_txid();
    rest(&mut recorded, [0, 1].map(|vout| OutPoint { txid, vout }));
    let merged = channel(&recorded);
    // The wallet paid 1,000 sat, and what it put in came back.
    assert_eq!(taken(&merged), [taken(&apart)[0] - 1_000, taken(&apart)[1]]);
    let lost = |channel: &ChannelAccount| channel.lost[&role("alice")].0;
    assert_eq!(lost(&merged), lost(&apart) + 1_000_000);
    assert_eq!((entitled(&merged), merged.second_stages.len()), (entitled(&apart), 3));
    assert_eq!(kinds(&recorded, "ab.htlc_timeout"), 2);
    let names: Vec<String> =
        merged.second_stages.iter().map(|output| output.name.to_string()).collect();
    assert_eq!(names, ["second_stage.tea", "second_stage.cake", "second_stage.cake"]);
}

#[test]
fn who_bumps_a_commitment_by_its_anchor_pays_for_it() {
    // Of this channel, Bob has nothing but an HTLC that he does not get.
    let mut pending = Recorded::with_features(&crate::node::default_features());
    pending.open(Anchors, Msat::ZERO);
    pending.hold(ALICE, "tea", &[TEA]);
    let commitment = pending.commitment(ALICE);
    let (anchor, amount) = commitment.output(OutputRole::Anchor(crate::bolt::tx::Side::Remote));
    assert_eq!(amount, Amount::from_sat(330));
    let mut recorded = pending.clone();
    recorded.confirm(std::slice::from_ref(&commitment.transaction));
    let (outpoint, htlc) = commitment.htlc(TEA);
    let mut claims = commitment.resolve(outpoint, &htlc, Way::Timeout);
    claims.push(commitment.sweep_to_local());
    recorded.confirm(&claims);
    let alone = channel(&recorded);
    let mut child = claims[0].clone();
    child.output.clear();
    child.input[0].previous_output = anchor;
    child.input[0].witness = bitcoin::Witness::from_slice(&[vec![1; 72], vec![2; 40]]);
    let coin = recorded.coin(BOB);
    let child = with_coin(child, coin, &commitment.wallets[1], Amount::from_sat(5_000));
    recorded.confirm(&[child]);
    let bumped = channel(&recorded);
    assert_eq!((taken(&alone)[1], taken(&bumped)), (0, [taken(&alone)[0], -5_000]));
    assert_eq!(bumped.lost[&role("bob")], Msat(5_330_000));
    assert_eq!(entitled(&bumped), [999_670_000, 330_000].map(Msat));
    assert_eq!(bumped.robbed.len(), 0);
    let account = audited(&recorded);
    let children = account.find(&"ab.anchor_spend".parse().unwrap());
    assert!(
        matches!(children.as_slice(), [child] if child.by == Some(role("bob"))),
        "{children:?}"
    );
}

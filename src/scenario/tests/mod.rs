//! Tests of the language as a whole: from the text of a file to a scenario, or to what a person
//! reads about its mistakes.

mod bless;
mod chain;
mod discover;
mod errors;
mod gossip;
mod instances;
mod partition;
mod payments;
mod properties;
mod rules;
mod schema;
mod whole;

use std::path::Path as FilePath;

use super::*;

/// The example of the design.
const BREACH: &str = r"title: A revoked commitment costs its publisher everything
bolt: [5#revoked-transaction-close-handling, 3#to_local-output]
cast:
  alice: {role: cheat, funds: 1 BTC}
  bob: {role: honest}
channels:
  ab: {from: alice, to: bob, capacity: 1_000_000 sat, type: anchors, to_self_delay: 144 blocks}
steps:
  - open: ab
  - remember: {channel: ab, by: alice, as: before-paying}
  - pay: {from: alice, to: bob, amount: 400_000 sat}
    say: Both sign a new state, and Alice hands Bob the secret that revokes the old one.
  - publish: {by: alice, commitment: before-paying}
    say: The old state still spends the funding output. The chain cannot tell that it is stale; Bob can.
  - mine: 1 block
  - expect: {transaction: {by: bob, spends: ab.commitment.to_local, path: revocation}, within: 3 blocks}
  - mine: 1 block
outcome:
  ab.funding: {spent_by: alice.commitment, state: revoked}
  ab.commitment.to_local: {to: bob, path: revocation}
  ab.commitment.to_remote: {to: bob}
  ab.commitment.anchors: any
  balances: {alice: 0 sat, bob: 1_000_000 sat less fees}
";

/// A scenario that uses all of the language.
const EVERYTHING: &str = r#"# A comment before all.
title: Everything
about: |
  Two paragraphs
  of text.
bolt: [2#channel-establishment]
covers: [bolt02/open_channel/to-self-delay-bound]
links: tcp
gossip: true
network: {shape: small_world, nodes: 6, neighbours: 2, seed: 7, capacity: 2_000_000 sat, push: 5 sat, type: static_remotekey}
cast:
  alice: {role: cheat, funds: 1 BTC, dust_limit: 546 sat, channel_reserve: 1_000 sat, max_htlc_value_in_flight: 1 BTC, max_accepted_htlcs: 30, max_dust_htlc_exposure: 1_000 sat, accepts_zeroconf: true}
  bob: {role: honest, funds: 0.5 BTC, fee_base: 1 sat, fee_proportional: 100 ppm, cltv_expiry_delta: 40 blocks, htlc_minimum: 1 msat, min_final_cltv_expiry_delta: 18 blocks}
  carol: {role: honest, funds: 1 BTC, sync: filter, short_ids_per_reply: 2}
  probe: {role: probe, funds: 1 BTC, sync: nothing, features: [option_simple_close/odd, 101], without: [option_anchors], habits: [watches_mempool]}
channels:
  ab:
    from: alice
    to: bob
    capacity: 1_000_000 sat
    push: 100_000 sat
    type: static_remotekey
    scid_alias: true
    zeroconf: false
    to_self_delay: 6 blocks
    feerate: 4 sat/vB
    minimum_depth: 1 block
  ba: {from: bob, to: alice, capacity: 0.1 BTC}
  ca: {from: carol, to: alice, capacity: 1_000_000 sat, announced: false}
  pb: {from: probe, to: bob, capacity: 1_000_000 sat}
steps:
  - open: ab
    say: "The first channel: with a push."
  - open: {channel: ba, until: broadcast}
  - open: ca
  - open: network
  - pay: {from: alice, to: bob, amount: 1500 msat, channel: ab}
  - remember: {channel: ab, by: alice, as: old}
  - close: {channel: ab, by: alice}
  - force_close: {channel: ba, by: bob, via: miner}
  - force_close: {channel: ba, by: bob, refused: mempool min fee not met}
  - publish: {by: alice, commitment: old}
  - claim: {by: alice, output: ab.commitment.to_local, path: delay, refused: non-BIP68-final}
  - claim: {by: bob, output: [ba.commitment.to_remote], path: direct, feerate: 4 sat/vB, coin: true, padding: 3}
  - double_spend: {by: alice, transaction: ab.funding, feerate: 40 sat/vB}
  - mine: 6 blocks
  - mine: {blocks: 2 blocks, without: [ab.sweep]}
  - reorg: {depth: 2 blocks, without: [ab.penalty, ba.funding]}
  - reorg: {depth: 1 block, without: []}
  - reorg: 2 blocks
  - offline: bob
  - online: bob
  - offline: {role: bob, for: 3 blocks}
  - spike_fees: 30 sat/vB
  - calm_fees: 4 sat/vB
  - withhold_blocks: carol
  - release_blocks: carol
  - partition: [bob, carol]
  - force_close: {channel: ba, by: alice, via: apart}
  - publish: {by: alice, commitment: old, via: miner}
  - claim: {by: alice, output: ab.commitment.to_local, path: delay, via: apart}
  - double_spend: {by: alice, transaction: ab.funding, via: apart}
  - mine: {blocks: 2 blocks, without: [ab.sweep], apart: true}
  - mine: {blocks: 2 blocks, apart: false}
  - expect: {transaction: {by: bob}, within: 3 blocks, apart: true}
  - expect: {no_transaction: {by: bob}, apart: true}
  - heal: [carol, bob]
  - close: {channel: ab, by: bob, until: shutdown}
  - invoice: {by: bob, amount: 10 sat, as: tea, description: Tea, metadata: m, expiry: 60 s, hold: true}
  - invoice: {by: bob, as: any}
  - pay: {from: alice, invoice: tea, parts: [{amount: 4 sat, via: [ab]}, {amount: 6 sat, via: [ba]}], until: sent}
  - settle: tea
  - cancel: any
  - refuse: {by: bob, with: temporary_node_failure}
  - accept: bob
  - tamper: {by: alice, field: onion_routing_packet, byte: 1365}
  - replay: {by: alice, channel: ab}
  - wait: 60 s
  - offer: {by: bob, amount: 1 sat, as: milk, description: Milk, via: [ab], dummy_hops: 2, expiry: 60 s}
  - offer: {by: bob, as: open}
  - pay: {from: alice, offer: open, amount: 1 sat, channel: ab}
  - pay: {from: alice, offer: milk, channel: ab, suspects: bob, fails: {no_answer: true}}
  - pay: {from: carol, offer: milk, via: [ca], fails: {no_invoice: true}}
  - withdraw: open
  - pay: {from: alice, to: bob, amount: 1 sat, how: keysend, via: [ba], fails: {corrupted_between: [alice, bob]}}
  - pay: {from: alice, invoice: any, amount: 2 sat, channel: ab, fails: {with: fee_insufficient, by: bob}, believes: {bob: {fee_base: 0 sat, fee_proportional: 0 ppm, cltv_expiry_delta: 9 blocks, htlc_minimum: 1 msat}}}
  - pay: {from: alice, to: bob, amount: 1 sat, channel: ab, fails: {corrupted: true}, onion: {bob: {amt_to_forward: 3 sat, outgoing_cltv_value: 500 blocks, short_channel_id: 1x2x3, total_msat: 4 sat, omit: [8], records: {100: 00ff}, length: 70_000}}}
  - pay: {from: alice, invoice: any, misread: {character: 20}, amount: 2 sat, channel: ab, fails: {never_sent: unreadable_invoice}}
  - expect: {payment: {of: alice, invoice: tea, is: pending}}
  - expect: {payment: {of: alice, invoice: tea, fails: {with: mpp_timeout, by: bob}}}
  - expect: {transaction: {is: ab.closing, by: alice, confirmed: true}, within: 3 blocks}
  - expect: {no_transaction: {spends: ba.commitment.to_remote, path: direct}, within: 3 blocks}
  - expect: {transaction: {is: ba.htlc_success, spends: ba.commitment.htlc.tea, path: preimage}}
  - expect: {transaction: {spends: ba.second_stage.alice.0, path: revocation}}
  - expect: {state: {channel: ab, of: bob, is: funding_lost}, within: 1 block}
  - expect: {balance: {channel: ab, of: alice, is: 600_000 sat}}
  - connect: {from: probe, to: bob, until: connected}
  - expect: {from: bob, to: probe, init: {features: [option_static_remotekey, basic_mpp/odd, 23], networks: [regtest]}}
  - send: {from: probe, init: {features: "0fff", remote_addr: "127.0.0.1:9735", records: {201: 00ff, 203: ""}}}
  - try:
      proposes:
        - send: {from: probe, to: bob, channel: pb, open_channel: {temporary_channel_id: wrong, funding_satoshis: 5 sat, push_msat: 1 msat, feerate_per_kw: 253 sat/kw, to_self_delay: 2017 blocks, max_accepted_htlcs: 484, funding_pubkey: wrong, channel_flags: 1, channel_type: absent, upfront_shutdown_script: ""}}
        - fund: {channel: pb, with: coinbase}
        - expect: {from: bob, message: [error, warning, hang_up]}
        - try:
            once: [{disconnect: {from: probe, to: bob}}]
            twice: [{disconnect: probe}, {connect: {from: probe, to: bob}}]
      speaks:
        - send: {from: probe, unknown: {message_type: 32769, payload: 00ff}}
        - send: {from: probe, unknown: {message_type: 32769, payload: 00ff, zeros: 65_531}}
        - send: {from: probe, unknown: {message_type: 32769, zeros: 65_533}}
        - send: {from: probe, raw: 0012}
        - send: {from: probe, raw: 0012, frame: unsealed}
        - send: {from: probe, stfu: , channel: pb, frame: wrong_mac}
        - connect: {from: probe, to: bob, act_one: wrong_version}
        - connect: {from: bob, to: probe, act_two: half}
        - connect: {from: probe, to: bob, until: connected, act_three: wrong_key}
        - send: {from: probe, channel_update: {short_channel_id: 1x2x3, timestamp: 4_000_000_000, signature: high_s}}
        - send: {from: probe, channel: ab, of: [bob, carol], channel_announcement: {short_channel_id: n1-n2, node_id_1: alice, bitcoin_key_1: bob, features: [100]}}
        - send: {from: probe, channel: ab, of: bob, channel_update: {timestamp: 90_000 s ahead, records: {101: 00ff}}}
        - send: {from: probe, of: carol, node_announcement: {timestamp: 60 s ago, node_id: wrong}}
        - send: {from: probe, query_short_channel_ids: {encoded_short_ids: [ab, 1x2x3]}}
        - expect: {from: bob, to: probe, reply_channel_range: {encoded_short_ids: []}}
        - expect: {from: bob, to: probe, channel_update: {short_channel_id: ab, timestamp: 0 s ago}}
        - expect: {from: bob, to: probe, no_message: [channel_announcement, channel_update]}
        - send: {from: probe, closing_signed: {fee_satoshis: 5 sat, fee_range: {min_fee_satoshis: 1 sat, max_fee_satoshis: 2 sat}}}
        - send: {from: probe, commitment_signed: {htlc_signature: wrong}}
        - send: {from: probe, error: {data: Over}}
        - send: {from: probe, stfu: }
        - expect: {from: bob, no_message: any}
        - expect: {from: bob, no_message: [error, warning]}
  - bump_close: {channel: ba, by: bob, feerate: 2000 sat/kw}
  - update_fee: {channel: ba, by: bob, feerate: 2000 sat/kw}
  - lose_data: {by: alice, back_to: old}
  - hold: bob
  - release: bob
outcome:
  network.funding: unspent
  ab.funding: {spent_by: closing, amount: 1_000_000 sat}
  ab.closing.alice: {to: alice, path: direct}
  ab.closing.bob: unspent
  ba.funding: {spent_by: bob.commitment, state: current}
  ba.commitment.to_local: {to: bob, path: delay, amount: 400_000 sat}
  ba.commitment.to_remote: unspent
  ba.commitment.htlcs: {to: bob, path: timeout, amount: 6 sat}
  ba.commitment.htlc.tea: {to: bob, path: revocation}
  ba.commitment.htlc.alice.0: unspent
  ba.second_stages: {to: bob, path: delay}
  ba.second_stage.tea: unspent
  ba.commitment.anchors.bob: any
  ba.commitment.anchors.alice: {to: carol, path: anyone}
  balances: {alice: 0 sat, bob: 1_500 msat, carol: 330 sat less fees}
"#;

#[track_caller]
fn read(text: &str) -> Scenario {
    match parse(FilePath::new("specs/x.yaml"), text, ParseOptions::default()) {
        Ok(scenario) => scenario,
        Err(error) => panic!("a sound scenario was refused:\n{error}"),
    }
}

#[track_caller]
fn refuse(text: &str) -> ScenarioError {
    parse(FilePath::new("specs/x.yaml"), text, ParseOptions::default())
        .expect_err("an unsound scenario was read")
}

/// The mistakes of the design's example after a replacement, each with its line and column.
#[track_caller]
fn mistakes(from: &str, to: &str) -> Vec<(u32, u32, Mistake)> {
    refuse(&changed(BREACH, from, to)).problems.into_iter().map(placed).collect()
}

fn placed(problem: Problem) -> (u32, u32, Mistake) {
    let (line, column) = problem.position.map_or((0, 0), |at| (at.line, at.column));
    (line, column, problem.mistake)
}

/// The one mistake of the design's example after a replacement; it must stand where the text
/// `marker` of the new file starts.
#[track_caller]
fn mistake(from: &str, to: &str, marker: &str) -> Mistake {
    let text = changed(BREACH, from, to);
    let error = refuse(&text);
    let [problem] = error.problems.as_slice() else { panic!("not one problem:\n{error}") };
    let position = problem.position.expect("a position");
    let line = problem.line.clone().expect("a line");
    let rest: String = line.chars().skip(position.column as usize - 1).collect();
    assert!(rest.starts_with(marker), "the caret is at `{rest}`:\n{error}");
    problem.mistake.clone()
}

#[track_caller]
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "`{from}` is not there");
    text.replacen(from, to, 1)
}

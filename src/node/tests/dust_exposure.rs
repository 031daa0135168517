//! HTLCs without outputs put no more at risk than a node lets them.

use super::*;

/// A channel whose sides let so much be at risk, in millisatoshis.
fn limited(channel_type: ChannelType, limits: [u64; 2]) -> Pair {
    let mut pair = Pair::new();
    for node in [ALICE, BOB] {
        let max_dust_htlc_exposure = Msat(limits[node]);
        let policy = ChannelPolicy { max_dust_htlc_exposure, ..ChannelPolicy::default() };
        pair.command(node, NodeCommand::SetPolicy(pair.id(1 - node), policy)).unwrap();
    }
    let request = pair.request(channel_type, Msat(500_000_000));
    pair.command(ALICE, NodeCommand::Open(request)).unwrap();
    pair.drive();
    pair.mine(3);
    pair
}

fn refused(result: &Result<(), NodeError>, exposure: u64, limit: u64) {
    let told = DustExposure { exposure: Msat(exposure), limit: Msat(limit) };
    assert_eq!(*result, Err(NodeError::Refused(Refused::DustExposure(told))));
}

#[test]
fn no_more_is_offered_than_the_limit() {
    let mut pair = limited(Anchors, [1_000_000, u64::MAX]);
    pair.offer(ALICE, Msat(500_000)).unwrap();
    pair.offer(ALICE, Msat(500_000)).unwrap();
    refused(&pair.offer(ALICE, Msat(1)), 1_000_001, 1_000_000);
    // What has an output is no dust.
    pair.offer(ALICE, Msat(546_000)).unwrap();
}

#[test]
fn what_the_peer_offers_counts_as_well() {
    let mut pair = limited(Anchors, [1_000_000, u64::MAX]);
    let held = InvoiceRequest { hold: true, ..InvoiceRequest::of(Msat(500_000)) };
    pair.hold(BOB, &held);
    pair.drive();
    pair.offer(ALICE, Msat(500_000)).unwrap();
    refused(&pair.offer(ALICE, Msat(1)), 1_000_001, 1_000_000);
}

#[test]
fn one_too_many_is_told_of_and_given_back() {
    let mut pair = limited(Anchors, [u64::MAX, 1_000_000]);
    let held = InvoiceRequest { hold: true, ..InvoiceRequest::of(Msat(500_000)) };
    for _ in 0..2 {
        pair.hold(ALICE, &held);
        pair.drive();
    }
    assert_eq!(pair.commitments(BOB).htlcs().count(), 2);
    pair.pay(ALICE, Msat(1_000));
    assert_eq!(pair.commitments(BOB).htlcs().count(), 2, "it was given back");
    let told = ChannelEvent::DustOverexposed {
        id: HtlcId(2),
        exposure: Msat(1_001_000),
        limit: Msat(1_000_000),
    };
    assert!(pair.events.contains(&(BOB, told)), "{:?}", pair.events);
}

/// 2,000 sat have an output at 1,000 sat/kw, and none at 3,000, where the fee of an HTLC
/// transaction is 1,989 or 2,109 sat.
#[test]
fn a_fee_rate_that_trims_too_much_is_neither_proposed_nor_taken() {
    let rate = FeeratePerKw(3_000);
    for (limits, taken) in [([1_999_999, u64::MAX], false), ([2_000_000, u64::MAX], true)] {
        let mut pair = limited(StaticRemotekey, limits);
        pair.offer(ALICE, Msat(2_000_000)).unwrap();
        let handle = pair.handle();
        let result = pair.command(ALICE, NodeCommand::UpdateFee(handle, rate));
        if taken {
            result.unwrap();
        } else {
            refused(&result, 2_000_000, 1_999_999);
        }
    }
    let mut pair = limited(StaticRemotekey, [u64::MAX, 1_999_999]);
    pair.offer(ALICE, Msat(2_000_000)).unwrap();
    let handle = pair.handle();
    pair.command(ALICE, NodeCommand::UpdateFee(handle, rate)).unwrap();
    pair.drive();
    assert_eq!(pair.violation(BOB), "bolt02/update_fee/dust-exposure");
}

#[test]
fn with_anchors_no_fee_rate_trims_anything() {
    let mut pair = limited(Anchors, [0, 0]);
    pair.offer(ALICE, Msat(2_000_000)).unwrap();
    let handle = pair.handle();
    pair.command(ALICE, NodeCommand::UpdateFee(handle, FeeratePerKw(3_000))).unwrap();
    pair.drive();
    assert_eq!(pair.phases(), ["normal", "normal"]);
}

#[test]
fn a_fee_rate_is_not_held_against_what_crosses_it() {
    let mut pair = limited(StaticRemotekey, [u64::MAX, 1_999_999]);
    // Alice changes the fee rate before she hears of Bob's HTLC.
    pair.offer(BOB, Msat(2_000_000)).unwrap();
    let handle = pair.handle();
    pair.command(ALICE, NodeCommand::UpdateFee(handle, FeeratePerKw(3_000))).unwrap();
    pair.drive();
    assert_eq!(pair.phases(), ["normal", "normal"]);
}

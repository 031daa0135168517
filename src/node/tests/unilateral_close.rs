//! Closing alone.

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

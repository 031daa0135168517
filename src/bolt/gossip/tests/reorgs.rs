//! Channels whose funding is spent, or lost, and what a reorg gives back.

use bitcoin::{ScriptBuf, Sequence, TxIn, Witness};
use proptest::prelude::*;

use super::super::Forgotten;
use super::super::network::Gone;
use super::*;

fn ends() -> Ends {
    Ends::of(495, 1, [1, 2])
}

/// A transaction that spends the funding output of a channel.
fn spend(channel: &Ends) -> Transaction {
    let previous_output = OutPoint { txid: channel.transaction().compute_txid(), vout: 0 };
    let input = TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    Transaction { input: vec![input], ..channel.transaction() }
}

/// The block that funds channels: each of their transactions in its place.
fn funding_block(channels: &[Ends]) -> Vec<Transaction> {
    let last = channels.iter().map(|channel| channel.id.transaction()).max().unwrap_or(0);
    let filler = Ends { keys: 120, ..ends() }.transaction();
    let at = |index| {
        let funded = channels.iter().find(|channel| channel.id.transaction() == index);
        funded.map_or_else(|| filler.clone(), Ends::transaction)
    };
    (0..=last).map(at).collect()
}

#[test]
fn a_spent_channel_is_kept_for_71_blocks() {
    let mut network = knowing(&[ends()]);
    let spent_at = HEIGHT.0 + 1;
    network.connect(BlockHeight(spent_at), &[spend(&ends())]);
    assert!(!network.channel(ends().id).unwrap().is_told());
    let mut forgotten = Vec::new();
    for depth in 2..=72 {
        assert_eq!(forgotten, [], "after {depth} blocks");
        forgotten = network.connect(BlockHeight(spent_at + depth - 1), &[]).1;
    }
    assert_eq!(forgotten, [(ends().id, Forgotten::Gone)]);
}

#[test]
fn a_channel_whose_block_is_gone_is_forgotten_after_72_and_back_in_its_place_alive() {
    let mut network = knowing(&[ends()]);
    for height in (495..=500).rev() {
        network.disconnect(BlockHeight(height));
    }
    let lost = Some(Gone::Unconfirmed(BlockHeight(495)));
    assert_eq!(network.channel(ends().id).unwrap().gone, lost);
    let mut elsewhere = network.clone();
    elsewhere.connect(BlockHeight(495), &[ends().transaction()]);
    assert_eq!(elsewhere.channel(ends().id).unwrap().gone, lost, "another place is another id");
    for height in 496..495 + 71 {
        assert_eq!(elsewhere.connect(BlockHeight(height), &[]).1, []);
    }
    let forgotten = elsewhere.connect(BlockHeight(495 + 71), &[]).1;
    assert_eq!(forgotten, [(ends().id, Forgotten::Gone)]);
    network.connect(BlockHeight(495), &funding_block(&[ends()]));
    assert_eq!(network.channel(ends().id).unwrap().gone, None);
}

#[test]
fn what_a_reorg_puts_in_the_place_of_a_channel_is_a_channel() {
    for other in [Ends { nodes: [3, 4], keys: 110, ..ends() }, Ends { keys: 110, ..ends() }] {
        let mut network = knowing(&[ends()]);
        for height in (495..=500).rev() {
            network.disconnect(BlockHeight(height));
        }
        for height in 495..=501 {
            network.connect(BlockHeight(height), &[]);
        }
        learn(&mut network, &other);
        let known = network.channel(other.id).unwrap();
        assert_eq!(known.outpoint.txid, other.transaction().compute_txid());
        assert_eq!(network.nodes().count(), 2);
    }
}

#[test]
fn keys_that_leaked_say_nothing_of_another_output_in_the_same_place() {
    let mut network = knowing(&[ends()]);
    let thief = Ends { nodes: [3, 4], ..ends() };
    network.receive_channel(peer(1), &thief.announcement()).unwrap_err();
    let other = Ends { nodes: [5, 6], keys: 110, ..ends() };
    let refused = network.receive_channel(peer(1), &other.announcement());
    assert_eq!(refused, Err(Refusal::Blacklisted));
    network.disconnect(BlockHeight(495));
    learn(&mut network, &other);
}

proptest! {
    #[test]
    fn a_reorg_and_back_restores_all(
        spent in 496..=500_u32, second in any::<bool>(), depth in 1..=8_u32,
    ) {
        let channels = [ends(), Ends::of(495, 3, [2, 3]), Ends::of(493, 0, [3, 4])];
        let block_at = |height: u32| {
            let here = channels.iter().filter(|channel| channel.id.block() == height);
            let mut block = funding_block(&here.copied().collect::<Vec<_>>());
            if height == spent {
                block.push(spend(&channels[usize::from(second)]));
            }
            block
        };
        let mut network = knowing(&channels);
        network.connect(BlockHeight(spent), &block_at(spent));
        let before = all_of(&network);
        for height in (501 - depth..=500).rev() {
            network.disconnect(BlockHeight(height));
        }
        let gone = network.channels().filter(|(_, channel)| channel.gone.is_some()).count();
        let lost = channels.iter().filter(|channel| channel.id.block() > 500 - depth).count();
        let is_spent = spent <= 500 - depth;
        prop_assert_eq!(gone, lost + usize::from(is_spent));
        for height in 501 - depth..=500 {
            network.connect(BlockHeight(height), &block_at(height));
        }
        prop_assert_eq!(all_of(&network), before);
    }
}

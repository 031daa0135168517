//! The two halves of an announcement, and what an update says.

use super::super::signed::{AnnouncedKeys, SignatureName};
use super::*;

fn ends() -> [Ends; 2] {
    // Whichever way round the keys of the nodes are.
    [Ends::of(400, 1, [1, 2]), Ends::of(400, 1, [2, 1])]
}

fn keys(announcement: &ChannelAnnouncement) -> AnnouncedKeys {
    AnnouncedKeys {
        nodes: announcement.node_ids().map(|id| id.check().unwrap()),
        bitcoin: [announcement.bitcoin_key_1, announcement.bitcoin_key_2]
            .map(|key| key.check().unwrap()),
    }
}

#[test]
fn both_ends_make_the_same_announcement_of_their_halves() {
    for channel in ends() {
        let half = |end: usize| {
            let (node, funding) = (node_secret(channel.nodes[end]), channel.funding_secret(end));
            channel.own(end).signatures(ChannelId::ALL, &node, &funding).unwrap()
        };
        let announcement = channel.announcement();
        assert_eq!(channel.own(1).announcement(&half(1), &half(0)), Some(announcement.clone()));
        assert_eq!(channel.own(0).flipped(), channel.own(1));
        assert!(announcement.node_id_1 < announcement.node_id_2);
        assert_eq!(announcement.wrong_signature(&keys(&announcement)), None);
    }
}

#[test]
fn each_of_the_four_signatures_is_checked() {
    let [channel, _] = ends();
    let right = channel.announcement();
    let names = [
        SignatureName::Node1,
        SignatureName::Node2,
        SignatureName::Bitcoin1,
        SignatureName::Bitcoin2,
    ];
    for (name, other) in names.into_iter().zip(names.into_iter().cycle().skip(1)) {
        let mut wrong = right.clone();
        let borrowed = *wrong.signature_mut(other);
        *wrong.signature_mut(name) = borrowed;
        assert_eq!(wrong.wrong_signature(&keys(&right)), Some(name));
    }
}

#[test]
fn a_half_is_of_this_channel_and_by_both_keys_of_the_peer() {
    let [channel, _] = ends();
    let half = |of: &Ends, end: usize| {
        let (node, funding) = (node_secret(of.nodes[end]), of.funding_secret(end));
        of.own(end).signatures(ChannelId::ALL, &node, &funding).unwrap()
    };
    let ours = channel.own(0);
    assert_eq!(ours.wrong_in(&half(&channel, 1)), None);
    let elsewhere = Ends { id: ShortChannelId(7), ..channel };
    assert_eq!(ours.wrong_in(&half(&elsewhere, 1)), Some("short_channel_id"));
    assert_eq!(ours.wrong_in(&half(&channel, 0)), Some("node_signature"));
    let mut half_wrong = half(&channel, 1);
    half_wrong.bitcoin_signature = half(&channel, 0).bitcoin_signature;
    assert_eq!(ours.wrong_in(&half_wrong), Some("bitcoin_signature"));
}

#[test]
fn an_update_has_the_direction_of_its_signer() {
    for channel in ends() {
        let first = channel.announcement().node_id_1;
        for end in [0, 1] {
            let update = channel.update(end, TIME, 1);
            assert!(update.is_signed_by(&node_key(channel.nodes[end])));
            assert!(!update.is_signed_by(&node_key(channel.nodes[1 - end])));
            let is_first = first == node_key(channel.nodes[end]).into();
            assert_eq!(update.direction() == Direction::FromNode1, is_first);
            assert_eq!(end_of(&channel, update.direction()), end);
            assert_eq!((update.message_flags, update.channel_flags >> 1), (1, 0));
        }
    }
}

#[test]
fn an_update_says_the_same_whoever_signs_it_and_when() {
    let [channel, _] = ends();
    let update = channel.update(0, TIME, 1);
    assert!(update.says_the_same(&channel.update(0, TIME + 1, 1)));
    assert!(!update.says_the_same(&channel.update(0, TIME, 2)));
    assert!(!update.says_the_same(&channel.update(1, TIME, 1)));
}

#[test]
fn a_route_needs_room_between_minimum_and_maximum_within_the_capacity() {
    let update = ends()[0].update(0, TIME, 1);
    let most = update.htlc_maximum_msat;
    assert!(update.is_usable(most));
    assert!(!update.is_usable(Msat(most.0 - 1)));
    let narrow = ChannelUpdate { htlc_minimum_msat: most, ..update.clone() };
    assert!(narrow.is_usable(most));
    assert!(!ChannelUpdate { htlc_minimum_msat: Msat(most.0 + 1), ..narrow }.is_usable(most));
    assert!(!ChannelUpdate { channel_flags: 2, ..update }.is_usable(most));
}

#[test]
fn a_node_signs_what_it_says_of_itself() {
    let said = introduction(1, TIME);
    assert!(said.is_signed_by(&node_key(1)));
    let renamed = NodeAnnouncement { alias: Alias([9; 32]), ..said };
    assert!(!renamed.is_signed_by(&node_key(1)));
    assert!(renamed.signed(&node_secret(1)).is_signed_by(&node_key(1)));
}

//! Answers to queries, and catching up by them.

use std::collections::VecDeque;

use bitcoin::constants::ChainHash;
use proptest::prelude::*;

use super::super::encoded::{QueryFlags, decode_short_ids, encode_query_flags, encode_short_ids};
use super::super::{BadAnswer, Sync};
use super::*;
use crate::bolt::wire::messages::{QueryChannelRange, QueryShortChannelIds, ReplyChannelRange};

fn query(first: u32, number_of_blocks: u32) -> QueryChannelRange {
    QueryChannelRange {
        chain_hash: ChainHash::REGTEST,
        first_blocknum: BlockHeight(first),
        number_of_blocks,
        query_option: None,
        unknown: Vec::new(),
    }
}

fn replies(messages: Vec<Message>) -> Vec<ReplyChannelRange> {
    let reply = |message| match message {
        Message::ReplyChannelRange(reply) => reply,
        other => panic!("{} is no reply", other.name()),
    };
    messages.into_iter().map(reply).collect()
}

/// A block, and a transaction in it.
type Place = (u32, u32);

/// Channels in few blocks, so that several are in one: by their places.
fn places() -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::btree_set((400..404_u32, 0..4_u32), 0..9)
        .prop_map(|places| places.into_iter().collect())
}

/// The channel in this place, of two nodes that depend on it.
fn channel_at((block, transaction): (u32, u32)) -> Ends {
    let one = u8::try_from(1 + transaction).unwrap();
    Ends::of(block, transaction, [one, one + 5])
}

/// A network with the channels in these places, and what their ends have said: nothing, or so much
/// later.
fn network(channels: &[(Place, [Option<u32>; 2])]) -> Network {
    let mut network = Network::default();
    for (place, said) in channels {
        let channel = channel_at(*place);
        learn(&mut network, &channel);
        for (end, later) in said.iter().enumerate() {
            let Some(later) = later else { continue };
            let update = channel.update(end, TIME - 100 + later, *later);
            network.receive_update(NOW, peer(1), &update).unwrap();
        }
    }
    network
}

/// One node asks another until it asks no more.
fn catch_up(asker: &mut Network, other: &Network, begun: (Sync, Option<Message>), most: usize) {
    let (mut sync, first) = begun;
    let mut questions: VecDeque<Message> = first.into_iter().collect();
    while let Some(question) = questions.pop_front() {
        let answers = match &question {
            Message::QueryChannelRange(query) => other.answer_range(query, Some(most)).unwrap(),
            Message::QueryShortChannelIds(query) => other.answer_ids(query).unwrap(),
            other => panic!("{} is no question", other.name()),
        };
        for answer in answers {
            let next = match &answer {
                Message::ReplyChannelRange(reply) => sync.receive_range(asker, reply).unwrap(),
                Message::ReplyShortChannelIdsEnd(end) => sync.receive_end(end).unwrap(),
                gossip => {
                    take(asker, gossip);
                    continue;
                }
            };
            sync = next.0;
            questions.extend(next.1);
        }
    }
    assert_eq!(sync, Sync::Idle);
}

/// Believes what is new.
fn take(network: &mut Network, gossip: &Message) {
    if let Ok(Heard::LookUp(id)) = hear(network, peer(1), gossip) {
        let channel = channel_at((id.block(), id.transaction()));
        network.looked_up(NOW, id, &channel.found(HEIGHT));
    }
}

/// The channels, and the timestamps of their updates.
fn timestamps(network: &Network) -> Vec<(ShortChannelId, [u32; 2])> {
    let of = |(id, channel): (&ShortChannelId, &KnownChannel)| {
        let both = channel.timestamps();
        (*id, [both.timestamp_node_id_1, both.timestamp_node_id_2])
    };
    network.channels().map(of).collect()
}

fn said() -> impl Strategy<Value = [Option<u32>; 2]> {
    // A channel of which nobody has said how to use it is told to nobody.
    (0..5_u32, prop::option::of(0..5_u32)).prop_map(|(one, two)| [Some(one), two])
}

proptest! {
    // Each case signs and checks a lot.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn replies_are_about_all_blocks_that_were_asked_about_and_no_others(
        places in places(), first in 398..405_u32, count in 1..9_u32, most in 1..5_usize,
    ) {
        let channels: Vec<_> = places.iter().map(|place| (*place, [Some(1), None])).collect();
        let replies =
            replies(network(&channels).answer_range(&query(first, count), Some(most)).unwrap());
        let mut ids = Vec::new();
        let mut next = first;
        for (index, reply) in replies.iter().enumerate() {
            let end = reply.first_blocknum.0 + reply.number_of_blocks;
            let told = decode_short_ids(&reply.encoded_short_ids.0).unwrap();
            prop_assert!(told.len() <= most);
            // Each begins where the one before ends, or with its last block.
            prop_assert!([next, next.saturating_sub(1)].contains(&reply.first_blocknum.0));
            prop_assert!(index > 0 || reply.first_blocknum.0 == first);
            let within = |id: &ShortChannelId| (reply.first_blocknum.0..end).contains(&id.block());
            prop_assert!(told.iter().all(within));
            prop_assert_eq!(reply.sync_complete == 1, index + 1 == replies.len());
            ids.extend(told);
            next = end;
        }
        prop_assert_eq!(next, first + count);
        let asked = places.iter().filter(|(block, _)| (first..first + count).contains(block));
        prop_assert_eq!(ids, asked.map(|place| channel_at(*place).id).collect::<Vec<_>>());
    }

    #[test]
    fn two_networks_are_the_same_once_each_has_asked_the_other(
        all in prop::collection::btree_map((400..403_u32, 0..3_u32), (0..3_u8, said(), said()), 0..7),
        most in 1..4_usize,
        exact in any::<bool>(),
    ) {
        let part = |left_out: u8, second: bool| -> Vec<_> {
            let known = all.iter().filter(|(_, (who, ..))| *who != left_out);
            known.map(|(place, (_, one, two))| (*place, if second { *two } else { *one })).collect()
        };
        let (mut one, mut two) = (network(&part(1, false)), network(&part(2, true)));
        // The blocks that there are to the block, or all that there can be.
        let (first, count) = if exact { (400, 3) } else { (0, u32::MAX) };
        let begin = || Sync::begin(BlockHeight(first), count, true);
        catch_up(&mut one, &two, begin(), most);
        catch_up(&mut two, &one, begin(), most);
        prop_assert_eq!(timestamps(&one), timestamps(&two));
        prop_assert_eq!(one.channels().count(), all.len());
        for (place, (who, first, second)) in &all {
            let channel = one.channel(channel_at(*place).id).unwrap();
            let latest = |end: usize| {
                let told = [(*who != 1).then_some(first[end]), (*who != 2).then_some(second[end])];
                told.into_iter().flatten().flatten().max()
            };
            let known = Direction::BOTH.map(|direction| {
                direction.of(&channel.updates).as_ref().map(|update| update.fee_base_msat)
            });
            let wanted =
                Direction::BOTH.map(|direction| latest(end_of(&channel_at(*place), direction)));
            prop_assert_eq!(known, wanted);
        }
    }

    #[test]
    fn without_the_extension_all_unknown_channels_come(places in places(), most in 1..4_usize) {
        let channels: Vec<_> = places.iter().map(|place| (*place, [Some(1), Some(2)])).collect();
        let other = network(&channels);
        let mut asker = Network::default();
        catch_up(&mut asker, &other, Sync::begin(BlockHeight(400), 4, false), most);
        prop_assert_eq!(timestamps(&asker), timestamps(&other));
    }
}

#[test]
fn a_channel_is_answered_with_what_the_flags_say_and_a_node_once() {
    let channels = [Ends::of(400, 0, [1, 2]), Ends::of(400, 1, [2, 3])];
    let mut network = knowing(&channels);
    for (end, number) in [(0, 1), (1, 2), (0, 3)] {
        network.receive_node(peer(1), &introduction(number, TIME)).unwrap();
        network.receive_update(NOW, peer(1), &channels[0].update(end, TIME, 1)).ok();
    }
    let ids = channels.map(|channel| channel.id);
    let asked = |flags: Option<QueryFlags>| {
        let query = QueryShortChannelIds {
            chain_hash: ChainHash::REGTEST,
            encoded_short_ids: encode_short_ids(&ids),
            query_flags: flags.map(|flags| encode_query_flags(&[flags; 2])),
            unknown: Vec::new(),
        };
        let answers = network.answer_ids(&query).unwrap();
        let (end, gossip) = answers.split_last().unwrap();
        assert_eq!(end.name(), "reply_short_channel_ids_end");
        ["channel_announcement", "channel_update", "node_announcement"]
            .map(|name| gossip.iter().filter(|message| message.name() == name).count())
    };
    assert_eq!(asked(None), [2, 2, 3]);
    assert_eq!(asked(Some(QueryFlags::ALL)), [2, 2, 3]);
    assert_eq!(asked(Some(QueryFlags::CHANNEL_ANNOUNCEMENT)), [2, 0, 0]);
    assert_eq!(asked(Some(QueryFlags::CHANNEL_UPDATE_1)), [0, 1, 0]);
    assert_eq!(asked(Some(QueryFlags::CHANNEL_UPDATE_2)), [0, 1, 0]);
    let nodes = QueryFlags::NODE_ANNOUNCEMENT_1.union(QueryFlags::NODE_ANNOUNCEMENT_2);
    assert_eq!(asked(Some(nodes)), [0, 0, 3]);
    assert_eq!(asked(Some(QueryFlags(0))), [0, 0, 0]);
}

fn reply(first: u32, count: u32, is_last: bool, channels: &[Ends]) -> ReplyChannelRange {
    let ids: Vec<ShortChannelId> = channels.iter().map(|channel| channel.id).collect();
    ReplyChannelRange {
        chain_hash: ChainHash::REGTEST,
        first_blocknum: BlockHeight(first),
        number_of_blocks: count,
        sync_complete: u8::from(is_last),
        encoded_short_ids: encode_short_ids(&ids),
        timestamps_tlv: None,
        checksums_tlv: None,
        unknown: Vec::new(),
    }
}

#[test]
fn what_replies_tell_twice_or_late_is_asked_for_once() {
    let [early, late] = [Ends::of(401, 0, [1, 2]), Ends::of(405, 0, [1, 2])];
    let network = Network::default();
    let (sync, _) = Sync::begin(BlockHeight(400), 10, false);
    let (sync, none) = sync.receive_range(&network, &reply(400, 8, false, &[late])).unwrap();
    assert_eq!(none, None);
    let second = reply(400, 10, true, &[early, late]);
    let (_, asked) = sync.receive_range(&network, &second).unwrap();
    let Some(Message::QueryShortChannelIds(query)) = asked else { panic!("no question") };
    assert_eq!(query.encoded_short_ids, encode_short_ids(&[early.id, late.id]));
}

#[test]
fn the_last_reply_says_so_and_ends_where_it_must() {
    let network = Network::default();
    let begin = || Sync::begin(BlockHeight(400), 10, false).0;
    let early = begin().receive_range(&network, &reply(400, 9, true, &[]));
    assert_eq!(early, Err(BadAnswer::EndsEarly { end: 409, asked: 410 }));
    let (more, _) = begin().receive_range(&network, &reply(400, 10, false, &[])).unwrap();
    assert_ne!(more, Sync::Idle);
    assert_eq!(begin().receive_range(&network, &reply(400, 10, true, &[])), Ok((Sync::Idle, None)));
    assert_eq!(
        Sync::Idle.receive_range(&network, &reply(400, 10, true, &[])),
        Err(BadAnswer::Unasked)
    );
}

#[test]
fn a_peer_that_tells_of_more_channels_than_there_are_is_asked_no_more() {
    let network = Network::default();
    let (mut sync, _) = Sync::begin(BlockHeight(0), u32::MAX, false);
    for block in 1..=125 {
        let ids = (0..8_000).filter_map(|index| ShortChannelId::new(block, index, 0));
        let told = ReplyChannelRange {
            encoded_short_ids: encode_short_ids(&ids.collect::<Vec<_>>()),
            ..reply(if block == 1 { 0 } else { block }, 2, false, &[])
        };
        sync = sync.receive_range(&network, &told).unwrap().0;
    }
    let one_more = reply(400, 2, false, &[Ends::of(400, 0, [1, 2])]);
    assert_eq!(sync.receive_range(&network, &one_more), Err(BadAnswer::TooMany));
}

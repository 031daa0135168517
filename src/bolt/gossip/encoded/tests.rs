//! What is read and refused, and what holds for all arrays.

use bitcoin::constants::ChainHash;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::bolt::units::BlockHeight;
use crate::bolt::wire::Message;
use crate::bolt::wire::Repeated;
use crate::bolt::wire::messages::{QueryShortChannelIds, ReplyChannelRange};

fn ids(numbers: &[u64]) -> Vec<ShortChannelId> {
    numbers.iter().copied().map(ShortChannelId).collect()
}

#[test]
fn ids_are_written_as_bolt_7_has_them() {
    let three = ["0x0x142", "0x0x15465", "0x69x42692"].map(|id| id.parse().unwrap());
    let encoded = "00000000000000008e0000000000003c69000000000045a6c4";
    assert_eq!(encode_short_ids(&three).to_string(), encoded);
    assert_eq!(decode_short_ids(&encode_short_ids(&three).0), Ok(three.to_vec()));
    assert_eq!(decode_short_ids(&[0]), Ok(vec![]));
}

#[test]
fn other_encodings_are_refused_unread() {
    let compressed = [1, 0x78, 0x9c, 0x63, 0x60, 0, 0x83, 0x3e];
    for (encoded, error) in [
        (&[][..], EncodingError::NoEncodingType),
        (&compressed[..], EncodingError::Compressed),
        (&[1], EncodingError::Compressed),
        (&[2, 0, 0], EncodingError::UnknownEncodingType(2)),
        (&[255], EncodingError::UnknownEncodingType(255)),
    ] {
        assert_eq!(decode_short_ids(encoded), Err(error));
        assert_eq!(decode_query_flags(encoded, 0), Err(error));
        assert_eq!(decode_timestamps(encoded, 0), Err(error));
    }
}

#[test]
fn ids_and_timestamps_are_whole() {
    for surplus in 1..WIDTH {
        let error = EncodingError::NotWhole { surplus };
        let encoded = vec![0; 1 + 2 * WIDTH + surplus];
        assert_eq!(decode_short_ids(&encoded), Err(error));
        assert_eq!(decode_timestamps(&encoded, 2), Err(error));
    }
}

#[test]
fn ids_ascend() {
    let read = |numbers: &[u64]| decode_short_ids(&encode_short_ids(&ids(numbers)).0);
    assert_eq!(read(&[1, 2, u64::MAX]), Ok(ids(&[1, 2, u64::MAX])));
    let [one, two] = [1, 2].map(ShortChannelId);
    let late = EncodingError::OutOfOrder { position: 2, previous: two, next: one };
    assert_eq!(read(&[0, 2, 1, 1]), Err(late));
    assert_eq!(read(&[1, 2, 2, 1]), Err(EncodingError::Duplicate { position: 2, id: two }));
    let unordered = encode_short_ids(&ids(&[2, 1, 1])).0;
    assert_eq!(read_short_ids(&unordered), Ok(ids(&[2, 1, 1])));
}

#[test]
fn flags_are_in_their_shortest_form() {
    let flags = [QueryFlags(0x1f), QueryFlags(0xfd), QueryFlags(u64::MAX)];
    let encoded = encode_query_flags(&flags).0;
    assert_eq!(encoded[..5], [0, 0x1f, 0xfd, 0, 0xfd]);
    assert_eq!(decode_query_flags(&encoded, 3), Ok(flags.to_vec()));
    let refused = |position, error| Err(EncodingError::QueryFlag { position, error });
    let long = DecodeError::NotMinimal(0xfc);
    assert_eq!(decode_query_flags(&[0, 1, 0xfd, 0, 0xfc], 2), refused(1, long));
    let cut = DecodeError::Truncated { wanted: 4, left: 1 };
    assert_eq!(decode_query_flags(&[0, 0xfe, 1], 1), refused(0, cut));
}

#[test]
fn there_is_one_item_an_id() {
    let flags = encode_query_flags(&[QueryFlags::ALL; 3]).0;
    let timestamps = encode_timestamps(&[ChannelUpdateTimestamps::default(); 3]).0;
    let checksums = [ChannelUpdateChecksums { checksum_node_id_1: 1, checksum_node_id_2: 2 }; 3];
    assert_eq!(check_checksums(&checksums, 3), Ok(()));
    for expected in [0, 2, 4, usize::MAX] {
        let error = EncodingError::Count { expected, actual: 3 };
        assert_eq!(decode_query_flags(&flags, expected), Err(error));
        assert_eq!(decode_timestamps(&timestamps, expected), Err(error));
        assert_eq!(check_checksums(&checksums, expected), Err(error));
    }
}

#[test]
fn bits_have_names() {
    assert_eq!((QueryFlags::ALL.0, QueryOption::ALL.0), (0b1_1111, 0b11));
    let names: Vec<_> = QueryFlags::NAMES.iter().map(|(bit, name)| (bit.0, *name)).collect();
    let updates = [(2, "CHANNEL_UPDATE_1"), (4, "CHANNEL_UPDATE_2")];
    let nodes = [(8, "NODE_ANNOUNCEMENT_1"), (16, "NODE_ANNOUNCEMENT_2")];
    assert_eq!(names, [&[(1, "CHANNEL_ANNOUNCEMENT")], &updates[..], &nodes[..]].concat());
    let both = QueryOption::TIMESTAMPS.union(QueryOption::CHECKSUMS);
    assert_eq!(both, QueryOption::ALL);
    assert!(both.contains(QueryOption::CHECKSUMS) && !QueryOption(2).contains(both));
    assert_eq!((QueryOption(7).unknown(), QueryFlags(0x1f).unknown()), (4, 0));
    assert_eq!(BigSize::from(QueryOption::from(BigSize(7))), BigSize(7));
}

/// The length of a query for so many ids, in bytes.
fn query(count: usize, with_flags: bool) -> usize {
    let query = QueryShortChannelIds {
        chain_hash: ChainHash::REGTEST,
        encoded_short_ids: encode_short_ids(&vec![ShortChannelId(0); count]),
        query_flags: with_flags.then(|| encode_query_flags(&vec![QueryFlags::ALL; count])),
        unknown: Vec::new(),
    };
    Message::from(query).encode().len()
}

/// The length of a reply with so many ids and these records, in bytes.
fn reply(count: usize, option: QueryOption) -> usize {
    let pair = ChannelUpdateChecksums { checksum_node_id_1: 1, checksum_node_id_2: 2 };
    let both = vec![ChannelUpdateTimestamps::default(); count];
    let has = |asked| option.contains(asked);
    let reply = ReplyChannelRange {
        chain_hash: ChainHash::REGTEST,
        first_blocknum: BlockHeight(0),
        number_of_blocks: u32::MAX,
        sync_complete: 1,
        encoded_short_ids: encode_short_ids(&vec![ShortChannelId(0); count]),
        timestamps_tlv: has(QueryOption::TIMESTAMPS).then(|| encode_timestamps(&both)),
        checksums_tlv: has(QueryOption::CHECKSUMS).then(|| Repeated(vec![pair; count])),
        unknown: Vec::new(),
    };
    Message::from(reply).encode().len()
}

#[test]
fn no_message_is_longer_than_the_longest() {
    let fits = |length: &dyn Fn(usize) -> usize, most: usize| {
        assert!(length(most) <= 65_535, "{most} ids: {} bytes", length(most));
        assert!(length(most + 1) > 65_535, "{most} ids, and one more fits");
    };
    assert_eq!((most_in_query(), most_in_query_with_flags()), (8187, 7277));
    fits(&|count| query(count, false), most_in_query());
    fits(&|count| query(count, true), most_in_query_with_flags());
    let most = [0, 1, 2, 3].map(|option| most_in_reply(QueryOption(option)));
    assert_eq!(most, [8186, 4092, 4092, 2728]);
    for option in (0..4).map(QueryOption) {
        fits(&|count| reply(count, option), most_in_reply(option));
    }
    assert_eq!(most_in_reply(QueryOption(u64::MAX)), most_in_reply(QueryOption::ALL));
}

fn any_timestamps() -> impl Strategy<Value = ChannelUpdateTimestamps> {
    any::<(u32, u32)>().prop_map(|(timestamp_node_id_1, timestamp_node_id_2)| {
        ChannelUpdateTimestamps { timestamp_node_id_1, timestamp_node_id_2 }
    })
}

fn any_flags() -> impl Strategy<Value = QueryFlags> {
    prop_oneof![0..0x20_u64, 0xf0..0x120_u64, any::<u64>()].prop_map(QueryFlags)
}

/// What a change of the bytes may do: an error, or another array that is written as it came.
fn read_or_refused(encoded: &[u8], count: usize) -> Result<(), TestCaseError> {
    if let Ok(ids) = decode_short_ids(encoded) {
        prop_assert_eq!(&encode_short_ids(&ids).0, encoded);
        prop_assert!(ids.is_sorted() && 1 + WIDTH * ids.len() == encoded.len());
    }
    if let Ok(flags) = decode_query_flags(encoded, count) {
        prop_assert_eq!(&encode_query_flags(&flags).0, encoded);
        prop_assert_eq!(flags.len(), count);
    }
    if let Ok(timestamps) = decode_timestamps(encoded, count) {
        prop_assert_eq!(&encode_timestamps(&timestamps).0, encoded);
        prop_assert_eq!(timestamps.len(), count);
    }
    Ok(())
}

proptest! {
    #[test]
    fn arrays_come_back(
        ids in btree_set(any::<u64>().prop_map(ShortChannelId), 0..50),
        flags in vec(any_flags(), 0..50),
        timestamps in vec(any_timestamps(), 0..50),
    ) {
        let ids: Vec<_> = ids.into_iter().collect();
        prop_assert_eq!(decode_short_ids(&encode_short_ids(&ids).0), Ok(ids));
        let encoded = encode_query_flags(&flags).0;
        prop_assert_eq!(decode_query_flags(&encoded, flags.len()), Ok(flags));
        let encoded = encode_timestamps(&timestamps).0;
        prop_assert_eq!(decode_timestamps(&encoded, timestamps.len()), Ok(timestamps));
    }

    #[test]
    fn a_changed_array_is_refused_or_another_one(
        ids in btree_set(any::<u64>().prop_map(ShortChannelId), 0..20),
        flags in vec(any_flags(), 0..20),
        timestamps in vec(any_timestamps(), 0..20),
        (which, at, change, cut) in (0..3, any::<Index>(), 1_u8.., any::<Option<Index>>()),
    ) {
        let ids: Vec<_> = ids.into_iter().collect();
        let (mut encoded, count) = match which {
            0 => (encode_short_ids(&ids).0, ids.len()),
            1 => (encode_query_flags(&flags).0, flags.len()),
            _ => (encode_timestamps(&timestamps).0, timestamps.len()),
        };
        let at = at.index(encoded.len());
        encoded[at] ^= change;
        encoded.truncate(cut.map_or(encoded.len(), |cut| cut.index(encoded.len())));
        read_or_refused(&encoded, count)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(encoded in vec(any::<u8>(), 0..200), count in 0..200_usize) {
        read_or_refused(&encoded, count)?;
        read_or_refused(&[vec![0], encoded].concat(), count)?;
    }
}

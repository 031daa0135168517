use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::bolt::units::Msat;

fn policies() -> impl Strategy<Value = Option<Policy>> {
    let policy = (any::<u32>(), any::<bool>(), any::<u32>(), any::<u32>(), any::<u16>()).prop_map(
        |(timestamp, enabled, fee_base_msat, fee_proportional_millionths, delta)| Policy {
            timestamp,
            enabled,
            fee_base_msat,
            fee_proportional_millionths,
            cltv_expiry_delta: CltvExpiryDelta(delta),
        },
    );
    proptest::option::of(policy)
}

fn links() -> impl Strategy<Value = Vec<Link<NodeId>>> {
    let one = (any::<u64>(), 0_u32..40, 1_u32..40, any::<u64>(), policies(), policies());
    let link = one.prop_map(|(channel, a, by, capacity, first, second)| {
        let mut link = link(channel, a, (a + by) % 40);
        link.capacity = Amount::from_sat(capacity);
        link.policies = [first, second];
        link
    });
    proptest::collection::vec(link, 0..60)
}

/// A walk of links that join.
fn paths() -> impl Strategy<Value = Vec<Candidate<NodeId>>> {
    let walk = proptest::collection::vec((any::<u64>(), 1_u32..9), 1..=MAX_HOPS);
    let path = (0_u32..40, walk).prop_map(|(from, steps)| {
        let mut at = from;
        let mut path = Vec::new();
        for (channel, by) in steps {
            let next = (at + by) % 40;
            path.push(link(channel, at, next));
            at = next;
        }
        Candidate { node: node(at), path }
    });
    proptest::collection::vec(path, 0..9)
}

fn messages() -> impl Strategy<Value = Message<NodeId>> {
    let gone = proptest::collection::vec(any::<u64>().prop_map(ShortChannelId), 0..30);
    let terms = any::<(u32, u32, u16)>().prop_map(|(base, rate, delta)| Terms {
        fee_base_msat: base,
        fee_proportional_millionths: rate,
        cltv_expiry_delta: CltvExpiryDelta(delta),
    });
    let answer = prop_oneof![
        terms.prop_map(PollAnswer::Carries),
        Just(PollAnswer::CannotNow),
        Just(PollAnswer::NotMine),
    ];
    prop_oneof![
        any::<(u8, u64)>().prop_map(|(radius, received)| Message::Hello { radius, received }),
        (any::<(u64, bool)>(), links(), gone).prop_map(|((sequence, from_start), links, gone)| {
            let told = links.into_iter().zip((1..=7).cycle());
            let told = told.map(|(link, distance)| Told { link, distance }).collect();
            Message::Update(Update { sequence, from_start, told, gone })
        }),
        any::<u64>().prop_map(|sequence| Message::Acknowledge { sequence }),
        Just(Message::Reset),
        any::<u64>().prop_map(|id| Message::AskTable { id }),
        (any::<(u64, u16, bool)>(), links()).prop_map(|((id, part, last), links)| {
            Message::Table(TablePart { id, part, last, links })
        }),
        any::<(u64, [u8; 32], u8)>().prop_map(|(id, target, count)| Message::AskNearer {
            id,
            target: Address(target),
            count,
        }),
        (any::<u64>(), paths()).prop_map(|(id, candidates)| Message::Nearer { id, candidates }),
        any::<(u64, u64, u64)>().prop_map(|(id, channel, amount)| {
            Message::Poll(Poll { id, channel: ShortChannelId(channel), amount: Msat(amount) })
        }),
        (any::<u64>(), answer).prop_map(|(id, answer)| Message::PollAnswer { id, answer }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(message in messages()) {
        let bytes = message.encode();
        prop_assert_eq!(Message::decode(message.number(), &bytes), Ok(message));
    }

    #[test]
    fn a_message_that_is_cut_or_has_a_tail_is_refused(message in messages(), cut in 1_usize..40) {
        let mut bytes = message.encode();
        let number = message.number();
        let short = &bytes[..bytes.len() - cut.min(bytes.len())];
        if short.len() < bytes.len() {
            prop_assert_eq!(Message::<NodeId>::decode(number, short), Err(DecodeError::TooShort));
        }
        bytes.push(0);
        let read = Message::<NodeId>::decode(number, &bytes);
        prop_assert_eq!(read, Err(DecodeError::Trailing { bytes: 1 }));
    }

    #[test]
    fn what_is_read_is_written_with_what_it_says(number in 32_769_u16..32_788, bytes: Vec<u8>) {
        if let Ok(message) = Message::<NodeId>::decode(number, &bytes) {
            prop_assert_eq!(Message::decode(number, &message.encode()), Ok(message));
        }
    }

    #[test]
    fn a_table_in_parts_is_the_table(links in links(), most in 400_usize..3_000, order: u64) {
        let mut parts = in_parts(7, &links, most);
        for part in &parts {
            prop_assert!(Message::Table(part.clone()).encode().len() <= most);
        }
        let count = parts.len();
        parts.rotate_left(usize::try_from(order).unwrap_or(0) % count);
        let mut whole = TableParts::new(100);
        for (nth, part) in parts.into_iter().enumerate() {
            let done = whole.add(part).unwrap();
            prop_assert_eq!(done.is_some(), nth + 1 == count);
            if let Some(done) = done {
                prop_assert_eq!(&done, &links);
            }
        }
    }
}

#[test]
fn numbers_are_odd_experimental_and_distinct() {
    let messages: [Message<NodeId>; 10] = [
        Message::Hello { radius: 1, received: 0 },
        Message::Update(Update { sequence: 1, from_start: true, told: vec![], gone: vec![] }),
        Message::Acknowledge { sequence: 1 },
        Message::Reset,
        Message::AskTable { id: 1 },
        Message::Table(TablePart { id: 1, part: 0, last: true, links: vec![] }),
        Message::AskNearer { id: 1, target: Address([0; 32]), count: 1 },
        Message::Nearer { id: 1, candidates: vec![] },
        Message::Poll(Poll { id: 1, channel: ShortChannelId(1), amount: Msat(1) }),
        Message::PollAnswer { id: 1, answer: PollAnswer::NotMine },
    ];
    let numbers: BTreeSet<u16> = messages.iter().map(Message::number).collect();
    assert_eq!(numbers.len(), messages.len());
    assert!(numbers.iter().all(|number| number % 2 == 1 && *number > 32_768));
    assert_eq!(messages.iter().filter(|message| message.is_for_peers()).count(), 4);
}

#[test]
fn a_promised_length_is_not_believed() {
    // A table that promises 65,535 names and has none.
    let bytes = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0xff, 0xff];
    assert_eq!(Message::<NodeId>::decode(32_779, &bytes), Err(DecodeError::TooShort));
    let long = vec![0; 65_534];
    let refused = Err(DecodeError::TooLong { length: 65_534 });
    assert_eq!(Message::<NodeId>::decode(32_779, &long), refused);
}

/// Each mistake has its name.
#[test]
fn mistakes_are_told_apart() {
    let part = TablePart { id: 1, part: 0, last: true, links: vec![link(1, 1, 2)] };
    let good = Message::Table(part).encode();
    let read = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        Message::<NodeId>::decode(32_779, &bytes)
    };
    assert!(Message::<NodeId>::decode(32_779, &good).is_ok());
    // id 8, part 2, last 1, count 2, two names of 33, count 2, channel 8, ends 2 and 2, capacity 8.
    assert_eq!(read(10, 2), Err(DecodeError::Choice { value: 2 }));
    assert_eq!(read(13, 9), Err(DecodeError::Name));
    assert_eq!(read(90, 2), Err(DecodeError::Ends), "no such name");
    assert_eq!(read(90, 1), Err(DecodeError::Ends), "twice the same");
    assert_eq!(read(101, 16), Err(DecodeError::Choice { value: 16 }));
    assert_eq!(read(101, 4), Err(DecodeError::Choice { value: 4 }), "enabled, but not there");
    let unknown = Message::<NodeId>::decode(32_770, &[]);
    assert_eq!(unknown, Err(DecodeError::UnknownMessage { number: 32_770 }));
    let long = Message::Nearer {
        id: 1,
        candidates: vec![Candidate { node: node(2), path: vec![link(1, 1, 2); 21] }],
    };
    let refused = Err(DecodeError::Path { hops: 21 });
    assert_eq!(Message::<NodeId>::decode(32_783, &long.encode()), refused);
    let answer = Message::<NodeId>::decode(32_787, &[0, 0, 0, 0, 0, 0, 0, 1, 3]);
    assert_eq!(answer, Err(DecodeError::Choice { value: 3 }));
}

#[test]
fn parts_that_do_not_fit_together_are_refused() {
    let part = |part, last| TablePart { id: 1, part, last, links: vec![] };
    let refused = |parts: &[(u16, bool)], number| {
        let mut whole: TableParts<NodeId> = TableParts::new(4);
        let (end, before) = parts.split_last().unwrap();
        for (number, last) in before {
            assert_eq!(whole.add(part(*number, *last)), Ok(None));
        }
        assert_eq!(whole.add(part(end.0, end.1)), Err(Offence::Part { part: number }));
    };
    refused(&[(4, false)], 4);
    refused(&[(1, false), (1, false)], 1);
    refused(&[(1, true), (2, false)], 2);
    refused(&[(2, false), (1, true)], 1);
    refused(&[(1, true), (0, true)], 0);
}

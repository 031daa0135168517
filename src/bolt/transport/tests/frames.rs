//! Messages as frames, whole and broken.

use super::*;

/// All messages that are there.
#[track_caller]
fn taken(receiver: &mut Receiver) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| receiver.next().unwrap()).collect()
}

#[test]
fn the_shortest_and_the_longest_message_pass() {
    let (mut ours, mut theirs, _) = connected();
    for length in [0, 1, 2, 65_534, 65_535] {
        let message = vec![0xa5; length];
        let frame = ours.sender.seal(&message).unwrap();
        assert_eq!(frame.len(), 18 + length + 16);
        theirs.receiver.feed(&frame);
        assert_eq!(theirs.receiver.next(), Ok(Some(message)));
        assert_eq!(theirs.receiver.next(), Ok(None));
    }
    assert_eq!(MAX_FRAME_LENGTH, 65_569);
}

#[test]
fn a_message_that_is_too_long_changes_nothing() {
    let (mut ours, mut theirs, _) = connected();
    let refused = ours.sender.seal(&vec![0; 65_536]);
    assert_eq!(refused, Err(FrameError::TooLong { length: 65_536 }));
    theirs.receiver.feed(&ours.sender.seal(b"next").unwrap());
    assert_eq!(theirs.receiver.next(), Ok(Some(b"next".to_vec())));
}

#[test]
fn keys_are_replaced_after_500_messages_each_way_on_its_own() {
    let (mut ours, mut theirs, _) = connected();
    let first = [ours.sender.key().key().0, theirs.sender.key().key().0];
    for number in 0..1501_u32 {
        let message = number.to_be_bytes();
        theirs.receiver.feed(&ours.sender.seal(&message).unwrap());
        assert_eq!(theirs.receiver.next(), Ok(Some(message.to_vec())));
        let replaced = ours.sender.key().key().0 != first[0];
        assert_eq!(replaced, number >= 499, "after message {number}");
        assert_eq!(ours.sender.key().key().0, theirs.receiver.key().key().0);
        assert_eq!(theirs.sender.key().key().0, first[1]);
    }
    ours.receiver.feed(&theirs.sender.seal(b"back").unwrap());
    assert_eq!(ours.receiver.next(), Ok(Some(b"back".to_vec())));
}

#[test]
fn a_stream_may_end_between_messages_only() {
    let (mut ours, mut theirs, _) = connected();
    let receiver = &mut theirs.receiver;
    assert!(receiver.is_between_messages());
    for byte in ours.sender.seal(b"hello").unwrap() {
        receiver.feed(&[byte]);
        assert!(!receiver.is_between_messages());
        if receiver.next().unwrap().is_some() {
            assert!(receiver.is_between_messages());
        }
    }
    assert!(receiver.is_between_messages());
}

#[test]
fn frames_that_come_at_once_are_taken_one_by_one() {
    let (mut ours, mut theirs, _) = connected();
    let messages: Vec<Vec<u8>> = (0..100).map(|length| vec![1; length * 37]).collect();
    let frames: Vec<u8> =
        messages.iter().flat_map(|message| ours.sender.seal(message).unwrap()).collect();
    theirs.receiver.feed(&frames);
    assert_eq!(taken(&mut theirs.receiver), messages);
    assert!(theirs.receiver.is_between_messages());
}

#[test]
fn an_error_stays_and_holds_nothing() {
    for (at, error) in [(0, FrameError::LengthMac), (18, FrameError::MessageMac)] {
        let (mut ours, mut theirs, _) = connected();
        let mut frame = ours.sender.seal(b"hello").unwrap();
        frame[at] ^= 1;
        let receiver = &mut theirs.receiver;
        receiver.feed(&frame);
        assert_eq!(receiver.next(), Err(error));
        receiver.feed(&ours.sender.seal(b"another").unwrap());
        assert_eq!(receiver.buffer.capacity(), 0);
        assert_eq!(receiver.next(), Err(error));
        assert!(!receiver.is_between_messages());
    }
}

#[test]
fn a_frame_that_comes_twice_or_out_of_order_is_refused() {
    let (mut ours, mut theirs, _) = connected();
    let [first, second] = [b"first", b"other"].map(|text| ours.sender.seal(text).unwrap());
    theirs.receiver.feed(&first);
    theirs.receiver.feed(&first);
    assert_eq!(theirs.receiver.next(), Ok(Some(b"first".to_vec())));
    assert_eq!(theirs.receiver.next(), Err(FrameError::LengthMac));
    let mut skips = connected().1.receiver;
    skips.feed(&second);
    assert_eq!(skips.next(), Err(FrameError::LengthMac));
}

#[test]
fn no_more_is_held_than_one_frame_and_what_was_fed() {
    let (mut ours, mut theirs, _) = connected();
    for _ in 0..50 {
        for piece in ours.sender.seal(&vec![7; 60_000]).unwrap().chunks(4096) {
            theirs.receiver.feed(piece);
            taken(&mut theirs.receiver);
            assert!(theirs.receiver.buffer.len() <= MAX_FRAME_LENGTH);
        }
    }
}

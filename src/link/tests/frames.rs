//! Messages over a socket, and what comes in their place.

use tokio::task::JoinHandle;

use super::*;

/// Sends these from one end while the other one takes as many.
async fn pass(from: LinkSender, to: LinkReceiver, messages: Vec<Vec<u8>>) {
    let sent = sending(from, messages.clone());
    let mut to = to;
    for (number, message) in messages.into_iter().enumerate() {
        assert_eq!(to.receive().await.unwrap(), Some(message), "message {number}");
    }
    sent.await.unwrap().close().await;
    assert_eq!(to.receive().await.unwrap(), None);
    assert_eq!(to.receive().await.unwrap(), None);
}

fn sending(mut from: LinkSender, messages: Vec<Vec<u8>>) -> JoinHandle<LinkSender> {
    tokio::spawn(async move {
        for message in messages {
            from.send(&message).await.unwrap();
        }
        from
    })
}

/// Sends these from both ends at once.
fn pass_both_ways(messages: Vec<Vec<u8>>) {
    run(async {
        let (ours, theirs) = links().await;
        let (our_sender, our_receiver) = ours.split();
        let (their_sender, their_receiver) = theirs.split();
        let there = tokio::spawn(pass(our_sender, their_receiver, messages.clone()));
        pass(their_sender, our_receiver, messages).await;
        there.await.unwrap();
    });
}

#[test]
fn the_longest_messages_pass_both_ways() {
    pass_both_ways((0..20).map(|byte| vec![byte; 65_535]).collect());
}

#[test]
fn two_rotations_of_each_key_pass_both_ways() {
    pass_both_ways((0..3000_u32).map(|number| number.to_be_bytes().to_vec()).collect());
}

#[test]
fn single_bytes_make_messages() {
    run(async {
        let (mut stream, mut session, mut link) = raw().await;
        stream.set_nodelay(true).unwrap();
        let dribble = tokio::spawn(async move {
            for message in [&b"a"[..], b"", b"quite a few more bytes"] {
                for byte in session.sender.seal(message).unwrap() {
                    stream.write_all(&[byte]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        for message in [&b"a"[..], b"", b"quite a few more bytes"] {
            assert_eq!(link.receive().await.unwrap(), Some(message.to_vec()));
        }
        dribble.await.unwrap();
        assert_eq!(link.receive().await.unwrap(), None);
    });
}

#[test]
fn frames_in_one_piece_are_taken_one_by_one() {
    run(async {
        let (mut stream, mut session, mut link) = raw().await;
        let messages: Vec<Vec<u8>> = (0..200).map(|length| vec![9; length]).collect();
        let frames: Vec<_> = messages.iter().map(|m| session.sender.seal(m).unwrap()).collect();
        stream.write_all(&frames.concat()).await.unwrap();
        drop(stream);
        for message in messages {
            assert_eq!(link.receive().await.unwrap(), Some(message));
        }
        assert_eq!(link.receive().await.unwrap(), None);
    });
}

#[test]
fn a_peer_that_leaves_during_a_frame_is_told_from_one_that_leaves_behind_it() {
    for length in [1, 17, 18, 19, 38] {
        run(async {
            let (mut stream, mut session, mut link) = raw().await;
            let frame = session.sender.seal(b"hello").unwrap();
            stream.write_all(&frame[..length]).await.unwrap();
            drop(stream);
            let error = link.receive().await.unwrap_err();
            assert!(matches!(error, LinkError::ClosedMidFrame), "{error}");
        });
    }
}

#[test]
fn a_changed_frame_is_refused_ever_after() {
    for (at, expected) in [(0, FrameError::LengthMac), (20, FrameError::MessageMac)] {
        run(async {
            let (mut stream, mut session, mut link) = raw().await;
            let mut frame = session.sender.seal(b"hello").unwrap();
            frame[at] ^= 0x80;
            stream.write_all(&frame).await.unwrap();
            stream.write_all(&session.sender.seal(b"hello").unwrap()).await.unwrap();
            for _ in 0..2 {
                let error = link.receive().await.unwrap_err();
                assert!(matches!(error, LinkError::Frame(error) if error == expected), "{error}");
            }
        });
    }
}

#[test]
fn garbage_for_a_frame_is_refused() {
    run(async {
        let (mut stream, _, mut link) = raw().await;
        stream.write_all(&[0; 4096]).await.unwrap();
        let error = link.receive().await.unwrap_err();
        assert_eq!(error.to_string(), "link: read a frame: the MAC of its length does not fit");
    });
}

#[test]
fn waiting_for_a_message_may_be_given_up_and_taken_up_again() {
    run(async {
        let (mut stream, mut session, mut link) = raw().await;
        let frame = session.sender.seal(&[3; 1000]).unwrap();
        for piece in frame.chunks(300) {
            let waited = tokio::time::timeout(IMPATIENCE, link.receive()).await;
            assert!(waited.is_err(), "a part is no message");
            stream.write_all(piece).await.unwrap();
        }
        assert_eq!(link.receive().await.unwrap(), Some(vec![3; 1000]));
    });
}

#[test]
fn sending_may_be_given_up_and_the_stream_stays_whole() {
    run(async {
        let (mut ours, theirs) = links().await;
        let (_kept, mut receiver) = theirs.split();
        let mut sent = 0_u8;
        // Nobody reads, so it stops somewhere within a frame.
        while tokio::time::timeout(IMPATIENCE, ours.send(&vec![sent; 65_535])).await.is_ok() {
            sent += 1;
        }
        let last = tokio::spawn(async move {
            ours.send(b"last").await.unwrap();
            ours.close().await;
        });
        for number in 0..=sent {
            assert_eq!(receiver.receive().await.unwrap(), Some(vec![number; 65_535]));
        }
        assert_eq!(receiver.receive().await.unwrap(), Some(b"last".to_vec()));
        assert_eq!(receiver.receive().await.unwrap(), None);
        last.await.unwrap();
    });
}

#[test]
fn a_message_that_is_too_long_leaves_the_link_as_it_was() {
    run(async {
        let (mut ours, mut theirs) = links().await;
        let error = ours.send(&vec![0; 65_536]).await.unwrap_err();
        let too_long = FrameError::TooLong { length: 65_536 };
        assert!(matches!(error, LinkError::Frame(error) if error == too_long), "{error}");
        ours.send(b"shorter").await.unwrap();
        assert_eq!(theirs.receive().await.unwrap(), Some(b"shorter".to_vec()));
        ours.close().await;
        assert_eq!(theirs.receive().await.unwrap(), None);
    });
}

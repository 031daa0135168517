//! Peers that break BOLT 8 on purpose, and the one whom they meet.

use super::*;

fn unchanged(bytes: &[u8]) -> Broken {
    Broken { bytes: bytes.to_vec(), is_the_last: false }
}

fn with_a_wrong_end(bytes: &[u8]) -> Broken {
    let mut broken = unchanged(bytes);
    *broken.bytes.last_mut().unwrap() ^= 1;
    broken
}

fn cut_short(bytes: &[u8]) -> Broken {
    Broken { bytes: bytes[..bytes.len() / 2].to_vec(), is_the_last: true }
}

type Fault = fn(&[u8]) -> Broken;

/// What was said, and how it was taken.
type Told = (Result<Vec<u8>, LinkError>, Result<(), LinkError>);

/// Act one or three broken.
fn connecting(act_three: bool, fault: Fault) -> Told {
    run(async {
        let (listener, address) = listener().await;
        let theirs = tokio::spawn(async move {
            accept(listener.accept().await.unwrap().0, PATIENCE).await.map(drop)
        });
        let keys = (&secret(0x11), &secret(0x12), &point(0x21));
        let said = connect_broken(address, keys, act_three, fault, PATIENCE).await;
        (said, theirs.await.unwrap())
    })
}

/// Act two broken.
fn accepting(fault: Fault) -> Told {
    run(async {
        let (listener, address) = listener().await;
        let ours = tokio::spawn(connect(address, PATIENCE));
        let stream = listener.accept().await.unwrap().0;
        let said = accept_broken(stream, &secret(0x21), &secret(0x22), fault, PATIENCE).await;
        (said, ours.await.unwrap().map(drop))
    })
}

#[test]
fn the_other_side_closes_at_a_broken_act() {
    for (number, length) in [(1, 50), (2, 50), (3, 66)] {
        for (fault, sent) in [(with_a_wrong_end as Fault, length), (cut_short, length / 2)] {
            let (said, taken) = match number {
                2 => accepting(fault),
                number => connecting(number == 3, fault),
            };
            assert_eq!(said.unwrap().len(), sent);
            let taken = taken.unwrap_err();
            let is_it = matches!(taken, LinkError::Handshake(error) if error.act() == number);
            assert!(is_it, "{taken}");
        }
    }
}

#[test]
fn a_side_that_goes_on_with_the_handshake_is_noticed() {
    for (said, _) in [connecting(false, unchanged), accepting(unchanged)] {
        assert!(matches!(said, Err(LinkError::NotClosed)), "{said:?}");
    }
}

/// A frame broken, and whether the other side answers all the same.
fn sending(fault: Fault, answers: bool) -> Result<Vec<u8>, LinkError> {
    run(async {
        let (ours, mut theirs) = links().await;
        let said = tokio::spawn(ours.send_broken(b"hello", fault, PATIENCE));
        let taken = theirs.receive().await;
        if answers {
            theirs.send(b"so what").await.unwrap();
        } else {
            assert!(taken.is_err());
        }
        drop(theirs);
        said.await.unwrap()
    })
}

#[test]
fn the_other_side_closes_at_a_broken_frame() {
    assert_eq!(sending(with_a_wrong_end, false).unwrap().len(), 39);
    assert_eq!(sending(cut_short, false).unwrap().len(), 19);
}

#[test]
fn a_side_that_answers_is_noticed() {
    assert!(matches!(sending(with_a_wrong_end, true), Err(LinkError::NotClosed)));
}

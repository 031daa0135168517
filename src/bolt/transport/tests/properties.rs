//! Whatever is sent comes out, and whatever was changed does not.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// One bit of the bytes is another one.
fn flip(bytes: &mut [u8], at: Index, bit: u8) -> usize {
    let at = at.index(bytes.len());
    bytes[at] ^= 1 << bit;
    at
}

/// The pieces that a stream is cut into by these lengths, over and over.
fn pieces<'a>(mut stream: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if stream.is_empty() {
            break;
        }
        let (piece, rest) = stream.split_at((*length).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

proptest! {
    #[test]
    fn any_messages_in_any_pieces_come_out(
        messages in vec(vec(any::<u8>(), 0..300), 0..20),
        lengths in vec(1..700_usize, 1..8),
        eager in any::<bool>(),
    ) {
        let (mut ours, mut theirs, _) = connected();
        let frames: Vec<_> = messages.iter().map(|m| ours.sender.seal(m).unwrap()).collect();
        let mut came = Vec::new();
        for piece in pieces(&frames.concat(), &lengths) {
            theirs.receiver.feed(piece);
            while eager && let Some(message) = theirs.receiver.next().unwrap() {
                came.push(message);
            }
        }
        while let Some(message) = theirs.receiver.next().unwrap() {
            came.push(message);
        }
        prop_assert_eq!(came, messages);
        prop_assert!(theirs.receiver.is_between_messages());
    }

    #[test]
    fn any_keys_agree(bytes in any::<[[u8; 32]; 4]>(), message in vec(any::<u8>(), 0..100)) {
        let keys: Option<Vec<_>> = bytes.iter().map(|b| SecretKey::from_slice(b).ok()).collect();
        prop_assume!(keys.is_some());
        let [local, ephemeral, remote, their_ephemeral] = keys.unwrap()[..] else { panic!() };
        let to = remote.public_key(SECP256K1);
        let (initiator, act) = Initiator::start(&local.keypair(SECP256K1), &ephemeral, &to);
        let (responder, act) =
            Responder::new(&remote.keypair(SECP256K1), &their_ephemeral).receive_act_one(&act).unwrap();
        let (mut ours, act) = initiator.receive_act_two(&act).unwrap();
        let (mut theirs, who) = responder.receive_act_three(&act).unwrap();
        prop_assert_eq!(who, local.public_key(SECP256K1));
        theirs.receiver.feed(&ours.sender.seal(&message).unwrap());
        prop_assert_eq!(theirs.receiver.next(), Ok(Some(message.clone())));
        ours.receiver.feed(&theirs.sender.seal(&message).unwrap());
        prop_assert_eq!(ours.receiver.next(), Ok(Some(message)));
    }

    #[test]
    fn a_flipped_bit_of_an_act_is_refused(at in any::<Index>(), bit in 0..8_u8) {
        let (_, _, Acts { mut one, mut two, mut three }) = connected();
        flip(&mut one, at, bit);
        flip(&mut two, at, bit);
        flip(&mut three, at, bit);
        prop_assert!(responder().receive_act_one(&one).is_err());
        prop_assert!(initiator().0.receive_act_two(&two).is_err());
        prop_assert!(awaiting_act_three().receive_act_three(&three).is_err());
    }

    #[test]
    fn a_flipped_bit_of_a_frame_is_refused_and_nothing_comes_behind(
        messages in vec(vec(any::<u8>(), 0..60), 1..6),
        at in any::<Index>(),
        bit in 0..8_u8,
    ) {
        let (mut ours, mut theirs, _) = connected();
        let frames: Vec<_> = messages.iter().map(|m| ours.sender.seal(m).unwrap()).collect();
        let mut stream = frames.concat();
        let at = flip(&mut stream, at, bit);
        theirs.receiver.feed(&stream);
        let mut end = 0;
        for (message, frame) in messages.iter().zip(&frames) {
            end += frame.len();
            if at < end {
                break;
            }
            prop_assert_eq!(theirs.receiver.next(), Ok(Some(message.clone())));
        }
        prop_assert!(theirs.receiver.next().is_err());
        prop_assert!(theirs.receiver.next().is_err());
    }
}

//! Acts of a handshake, and frames.

use boltlab::bolt::transport::{
    AwaitingActThree, Initiator, Receiver, Responder, Sender, Session, whole_act,
};
use secp256k1::SECP256K1;

use super::input::{Input, point, secret};

/// The keys of BOLT 8's vectors, so that its acts are good ones here.
const INITIATOR: [u8; 2] = [0x11, 0x12];
const RESPONDER: [u8; 2] = [0x21, 0x22];

/// Anything as each act, as a stream of frames, and as messages to be sent.
pub fn transport(data: &[u8]) {
    let good = Good::new();
    good.acts(data);
    stream(data);
    messages(&mut Input(data));
    good.changed(&mut Input(data));
}

/// A handshake as it should be.
struct Good {
    one: [u8; 50],
    two: [u8; 50],
    three: [u8; 66],
}

impl Good {
    fn new() -> Self {
        let (initiator, one) = initiator();
        let (_, two) = responder().receive_act_one(&one).expect("it is one");
        let (_, three) = initiator.receive_act_two(&two).expect("it is one");
        Self { one, two, three }
    }

    fn awaiting_act_three(&self) -> AwaitingActThree {
        responder().receive_act_one(&self.one).expect("it is one").0
    }

    /// Whoever does not know the secrets has no act but the good one to send.
    fn acts(&self, data: &[u8]) {
        let head = |length: usize| &data[..length.min(data.len())];
        match whole_act(1, head(50)).and_then(|act| responder().receive_act_one(act)) {
            Ok((_, two)) => assert_eq!((head(50), two), (&self.one[..], self.two)),
            Err(error) => drop(error.to_string()),
        }
        match whole_act(2, head(50)).and_then(|act| initiator().0.receive_act_two(act)) {
            Ok((_, three)) => assert_eq!((head(50), three), (&self.two[..], self.three)),
            Err(error) => drop(error.to_string()),
        }
        let awaiting = self.awaiting_act_three();
        match whole_act(3, head(66)).and_then(|act| awaiting.receive_act_three(act)) {
            Ok((_, who)) => assert_eq!((head(66), who), (&self.three[..], point(INITIATOR[0]))),
            Err(error) => drop(error.to_string()),
        }
    }

    /// None of its acts may be changed.
    fn changed(mut self, input: &mut Input<'_>) {
        let awaiting = self.awaiting_act_three();
        input.flip_one(&mut self.one);
        assert!(responder().receive_act_one(&self.one).is_err());
        input.flip_one(&mut self.two);
        assert!(initiator().0.receive_act_two(&self.two).is_err());
        input.flip_one(&mut self.three);
        assert!(awaiting.receive_act_three(&self.three).is_err());
    }
}

fn initiator() -> (Initiator, [u8; 50]) {
    let [identity, ephemeral] = INITIATOR.map(secret);
    Initiator::start(&identity.keypair(SECP256K1), &ephemeral, &point(RESPONDER[0]))
}

fn responder() -> Responder {
    let [identity, ephemeral] = RESPONDER.map(secret);
    Responder::new(&identity.keypair(SECP256K1), &ephemeral)
}

/// A direction of a session: messages go in and come out. The other direction has the keys that the
/// vectors' frames are sealed with.
fn direction() -> (Sender, Receiver) {
    let (initiator, one) = initiator();
    let (awaiting, two) = responder().receive_act_one(&one).expect("it is one");
    let (Session { receiver, .. }, three) = initiator.receive_act_two(&two).expect("it is one");
    let (Session { sender, .. }, _) = awaiting.receive_act_three(&three).expect("it is one");
    (sender, receiver)
}

/// Nothing comes out of what was never sealed.
fn stream(data: &[u8]) {
    let (_, mut receiver) = direction();
    for piece in data.chunks(7) {
        receiver.feed(piece);
        match receiver.next() {
            Ok(message) => assert_eq!(message, None),
            Err(error) => drop(error.to_string()),
        }
    }
    assert_eq!(receiver.next().is_err(), data.len() >= 18);
    assert_eq!(receiver.is_between_messages(), data.is_empty());
}

/// What was sealed comes out, in whatever pieces it travels, up to the byte that was changed.
fn messages(input: &mut Input<'_>) {
    let (mut sender, mut receiver) = direction();
    let (_, mut victim) = direction();
    let pieces: Vec<_> = (0..4).map(|_| usize::from(input.byte()) + 1).collect();
    let flip = [input.byte(), input.byte(), input.byte()];
    let (mut sealed, mut whole) = (Vec::new(), Vec::new());
    while !input.0.is_empty() && sealed.len() < 16 {
        let length = usize::from(input.byte());
        let message = input.bytes(length);
        whole.extend(sender.seal(message).expect("it is short"));
        sealed.push((message, whole.len()));
    }
    let mut came = sealed.iter();
    let mut rest = &whole[..];
    for length in pieces.iter().cycle() {
        let (piece, behind) = rest.split_at((*length).min(rest.len()));
        receiver.feed(piece);
        while let Some(message) = receiver.next().expect("all was sealed") {
            assert_eq!(came.next().map(|(message, _)| *message), Some(&message[..]));
        }
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    assert!(came.next().is_none() && receiver.is_between_messages());
    if whole.is_empty() {
        return;
    }
    let at = Input(&flip).flip_one(&mut whole);
    victim.feed(&whole);
    for (message, _) in sealed.iter().take_while(|(_, end)| *end <= at) {
        assert_eq!(victim.next(), Ok(Some(message.to_vec())));
    }
    assert!(victim.next().is_err() && victim.next().is_err());
}

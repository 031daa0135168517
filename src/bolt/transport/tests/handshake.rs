//! Acts, as they are and otherwise. BOLT 8's own are in `vectors/bolt08/`.

use bitcoin::hex::DisplayHex;

use super::*;

/// What each act is refused with if this changes it.
fn refusals(change: impl Fn(&mut [u8])) -> [HandshakeError; 3] {
    let (_, _, mut acts) = connected();
    change(&mut acts.one);
    change(&mut acts.two);
    change(&mut acts.three);
    refuse(&acts.one, &acts.two, &acts.three)
}

#[track_caller]
fn refuse(one: &[u8; 50], two: &[u8; 50], three: &[u8; 66]) -> [HandshakeError; 3] {
    [
        responder().receive_act_one(one).map(drop).unwrap_err(),
        initiator().0.receive_act_two(two).map(drop).unwrap_err(),
        awaiting_act_three().receive_act_three(three).map(drop).unwrap_err(),
    ]
}

#[test]
fn both_sides_come_to_the_same_keys() {
    let (initiator, one) = initiator();
    let (responder, two) = responder().receive_act_one(&one).unwrap();
    let (ours, three) = initiator.derive(&two).unwrap();
    let (theirs, _) = responder.derive(&three).unwrap();
    assert_eq!(ours.keys.sending.0, theirs.keys.receiving.0);
    assert_eq!(ours.keys.receiving.0, theirs.keys.sending.0);
    assert_ne!(ours.keys.sending.0, ours.keys.receiving.0);
    assert_eq!(ours.acts.len(), 3);
    for (ours, theirs) in ours.acts.iter().zip(&theirs.acts) {
        assert_eq!(ours.temporary_key.0, theirs.temporary_key.0);
        assert_eq!(ours.hash, theirs.hash);
    }
}

#[test]
fn another_version_is_refused_before_all_else() {
    let (_, _, acts) = connected();
    // No MAC covers it, so each is tried.
    for version in 1..=255 {
        let (mut one, mut two, mut three) = (acts.one, acts.two, acts.three);
        (one[0], two[0], three[0]) = (version, version, version);
        let refused = refuse(&one, &two, &three);
        assert_eq!(refused, [1, 2, 3].map(|act| HandshakeError::Version { act, version }));
    }
    let refused = refuse(&[7; 50], &[7; 50], &[7; 66]);
    assert_eq!(refused, [1, 2, 3].map(|act| HandshakeError::Version { act, version: 7 }));
    assert_eq!(refused[2].to_string(), "read act 3: version 7 is not known");
}

#[test]
fn another_mac_is_refused() {
    let refused = refusals(|act| *act.last_mut().unwrap() ^= 1);
    assert_eq!(refused, [1, 2, 3].map(|act| HandshakeError::Mac { act }));
}

#[test]
fn a_key_off_the_curve_is_refused() {
    let [one, two, three] = refusals(|act| act[1] = 4);
    assert_eq!([one, two], [1, 2].map(|act| HandshakeError::InvalidPoint { act }));
    // The third act's key is encrypted, with a MAC of its own.
    assert_eq!(three, HandshakeError::Mac { act: 3 });
}

#[test]
fn an_initiator_whose_key_is_off_the_curve_is_refused() {
    let mut noise = initiator().0.noise;
    let act = connected().2.two;
    let point = super::super::handshake::read_key_act(&mut noise, &secret(0x12), 2, &act).unwrap();
    let mut key = self::point(0x11).serialize();
    key[0] = 4;
    let sealed = noise.seal_key(key);
    let mac = noise.seal_act(&secret(0x11), &point);
    let act: Vec<u8> = [&[0], &sealed.0[..], &sealed.1, &mac].concat();
    let refused = awaiting_act_three().receive_act_three(act.first_chunk().unwrap());
    assert_eq!(refused.map(drop), Err(HandshakeError::InvalidPoint { act: 3 }));
}

#[test]
fn an_act_for_another_node_is_refused() {
    let (_, act) = Initiator::start(&secret(0x11).keypair(SECP256K1), &secret(0x12), &point(0x23));
    let refused = responder().receive_act_one(&act).map(drop);
    assert_eq!(refused, Err(HandshakeError::Mac { act: 1 }));
}

#[test]
fn an_act_of_another_length_is_none() {
    assert_eq!(whole_act::<50>(1, &[3; 50]), Ok(&[3; 50]));
    for actual in [0, 49, 51] {
        let bytes = vec![0; actual];
        assert_eq!(
            whole_act::<50>(2, &bytes),
            Err(HandshakeError::Length { act: 2, expected: 50, actual })
        );
    }
}

#[test]
fn no_secret_is_shown() {
    let (initiator, one) = initiator();
    let text = format!("{initiator:?}");
    let (responder, two) = responder().receive_act_one(&one).unwrap();
    let (derived, three) = initiator.derive(&two).unwrap();
    let text = format!("{text} {responder:?} {derived:?}");
    let (session, _) = responder.receive_act_three(&three).unwrap();
    let text = format!("{text} {session:?}");
    let acts = derived.acts.iter();
    let secrets = acts.flat_map(|act| [act.shared_secret, act.chaining_key, act.temporary_key]);
    let keys = [derived.keys.sending, derived.keys.receiving];
    let own = [0x11, 0x12, 0x22].map(|byte| Secret([byte; 32]));
    for secret in secrets.chain(keys).chain(own) {
        let hex = secret.0.to_lower_hex_string();
        assert!(!text.contains(&format!("{:?}", secret.0)) && !text.contains(&hex), "{text}");
    }
}

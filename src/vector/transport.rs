//! BOLT 8, Appendix A: messages as they travel, and the keys that are replaced on the way.

use serde::Deserialize;

use super::{check::Checks, hex::Hex, hex::Hex32};
use crate::bolt::transport::{Secret, Session, SessionKeys};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    ck: Hex32,
    expected_keys: ExpectedKeys,
    tests: Vec<Test>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedKeys {
    sk: Hex,
    rk: Hex,
}

super::load::topic! { message: Hex, index: u16, expected: Expected }

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The keys that the message finds.
    ck: Hex,
    sk: Hex,
    encrypted_length: Option<Hex>,
    encrypted_message: Option<Hex>,
    output: Hex,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let keys = SessionKeys::of_initiator(Secret(group.ck.0));
    checks.bytes("expected_keys.sk", &group.expected_keys.sk, &keys.sending.0);
    checks.bytes("expected_keys.rk", &group.expected_keys.rk, &keys.receiving.0);
    let (mut ours, mut theirs) = (Session::new(&keys), Session::new(&keys.reversed()));
    let message = &test.message.0;
    for _ in 0..test.index {
        let frame = checks.made("message", ours.sender.seal(message))?;
        theirs.receiver.feed(&frame);
        checks.made("message", theirs.receiver.next())?;
    }
    let expected = &test.expected;
    checks.bytes("expected.ck", &expected.ck, &ours.sender.key().chaining_key().0);
    checks.bytes("expected.sk", &expected.sk, &ours.sender.key().key().0);
    let frame = checks.made("message", ours.sender.seal(message))?;
    checks.bytes("expected.output", &expected.output, &frame);
    let (length, text) = frame.split_at_checked(18).unwrap_or_default();
    for (field, expected, actual) in [
        ("encrypted_length", &expected.encrypted_length, length),
        ("encrypted_message", &expected.encrypted_message, text),
    ] {
        if let Some(expected) = expected {
            checks.bytes(&format!("expected.{field}"), expected, actual);
        }
    }
    theirs.receiver.feed(&frame);
    let came = checks.made("message", theirs.receiver.next())?.unwrap_or_default();
    checks.bytes("message", &test.message, &came);
    None
}

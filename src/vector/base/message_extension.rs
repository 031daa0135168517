//! BOLT 1, Appendix C: what may follow the fields of `init`.

#![allow(unreachable_pub, dead_code, reason = "streams are declared for others to use")]

use bitcoin::constants::ChainHash;
use serde::Deserialize;

use super::{apart, check::Checks, hex::Hex, load, offer::Named};
use crate::bolt::features::Features;
use crate::bolt::wire::codec::Field;
use crate::bolt::wire::tlv::tlv_stream;
use crate::bolt::wire::{Bytes, DecodeError, Repeated};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    tests: Vec<Test>,
}

load::topic! { init: Hex, expected: Expected }

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    globalfeatures: Hex,
    features: Hex,
    /// All records of the extension, or those before the one to blame.
    records: Vec<Hex>,
    /// The record to blame, and all behind it.
    blamed: Option<Hex>,
}

tlv_stream! {
    /// The extension of `init`.
    InitTlvs {
        1 networks: Repeated<ChainHash>,
        3 remote_addr: Bytes,
    }
}

/// `init` up to its extension, which is not yet read.
struct Init<'a> {
    globalfeatures: Features,
    features: Features,
    extension: &'a [u8],
}

impl<'a> Init<'a> {
    const TYPE: u16 = 16;

    fn decode(mut message: &'a [u8]) -> Result<Self, DecodeError> {
        match u16::read(&mut message)? {
            Self::TYPE => {}
            odd if odd % 2 == 1 => return Err(DecodeError::UnknownOddType(odd)),
            even => return Err(DecodeError::UnknownEvenType(even)),
        }
        let globalfeatures = Field::read(&mut message)?;
        let features = Field::read(&mut message)?;
        Ok(Self { globalfeatures, features, extension: message })
    }

    /// The message with this extension.
    fn encode(&self, extension: &InitTlvs) -> Vec<u8> {
        let mut message = Vec::new();
        Self::TYPE.write(&mut message);
        self.globalfeatures.write(&mut message);
        self.features.write(&mut message);
        message.extend(extension.encode());
        message
    }
}

fn replay(_: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let expected = &test.expected;
    let init = checks.made("init", Init::decode(&test.init.0))?;
    checks.bytes(
        "expected.globalfeatures",
        &expected.globalfeatures,
        init.globalfeatures.as_bytes(),
    );
    checks.bytes("expected.features", &expected.features, init.features.as_bytes());
    let extension = InitTlvs::decode(init.extension);
    let (refused, blamed) = (extension.as_ref().err(), expected.blamed.as_ref());
    apart(init.extension, refused, &expected.records, blamed, checks);
    match extension {
        Ok(extension) => {
            checks.bytes("init", &test.init, &init.encode(&extension));
            None
        }
        Err(error) => Some(error.error.name()),
    }
}

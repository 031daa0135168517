//! Addresses of nodes. BOLT 7, "The `node_announcement` Message".

use core::net::{Ipv4Addr, Ipv6Addr};
use std::fmt;

use bitcoin::hex::DisplayHex;
use serde::{Deserialize, Serialize};

use super::codec::{DecodeError, Field, TlvValue, take};
use super::types::Bytes;

/// An `address descriptor`: where a node can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the specification's")]
pub enum Address {
    /// Type 1.
    Ipv4 { ipv4_addr: Ipv4Addr, port: u16 },
    /// Type 2.
    Ipv6 { ipv6_addr: Ipv6Addr, port: u16 },
    /// Type 3, which is no longer in use: a version 2 onion service.
    TorV2 { onion_addr: Bytes, port: u16 },
    /// Type 4: a version 3 onion service.
    TorV3 { onion_addr: Bytes, port: u16 },
    /// Type 5.
    Dns { hostname: Bytes, port: u16 },
    /// A type that is not known, and all that follows it: nobody knows its length.
    Unknown { descriptor: u8, rest: Bytes },
}

/// How many bytes the address of a version 2 onion service has.
const TOR_V2: usize = 10;
/// How many bytes the address of a version 3 onion service has.
const TOR_V3: usize = 35;

impl Address {
    /// The descriptor's type.
    pub fn descriptor(&self) -> u8 {
        match self {
            Self::Ipv4 { .. } => 1,
            Self::Ipv6 { .. } => 2,
            Self::TorV2 { .. } => 3,
            Self::TorV3 { .. } => 4,
            Self::Dns { .. } => 5,
            Self::Unknown { descriptor, .. } => *descriptor,
        }
    }
}

impl Field for Address {
    fn write(&self, out: &mut Vec<u8>) {
        self.descriptor().write(out);
        match self {
            Self::Ipv4 { ipv4_addr, port } => {
                ipv4_addr.octets().write(out);
                port.write(out);
            }
            Self::Ipv6 { ipv6_addr, port } => {
                ipv6_addr.octets().write(out);
                port.write(out);
            }
            Self::TorV2 { onion_addr, port } | Self::TorV3 { onion_addr, port } => {
                out.extend_from_slice(&onion_addr.0);
                port.write(out);
            }
            Self::Dns { hostname, port } => {
                u8::try_from(hostname.0.len()).unwrap_or(u8::MAX).write(out);
                out.extend(hostname.0.iter().take(usize::from(u8::MAX)));
                port.write(out);
            }
            Self::Unknown { rest, .. } => out.extend_from_slice(&rest.0),
        }
    }

    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut bytes = |count: usize| take(input, count).map(|bytes| Bytes(bytes.to_vec()));
        let [descriptor] = *bytes(1)?.0 else { return Err(DecodeError::UnknownSelector(0)) };
        Ok(match descriptor {
            1 => {
                Self::Ipv4 { ipv4_addr: <[u8; 4]>::read(input)?.into(), port: Field::read(input)? }
            }
            2 => {
                Self::Ipv6 { ipv6_addr: <[u8; 16]>::read(input)?.into(), port: Field::read(input)? }
            }
            3 => Self::TorV2 { onion_addr: bytes(TOR_V2)?, port: Field::read(input)? },
            4 => Self::TorV3 { onion_addr: bytes(TOR_V3)?, port: Field::read(input)? },
            5 => {
                let length = u8::read(input)?;
                let hostname = Bytes(take(input, usize::from(length))?.to_vec());
                Self::Dns { hostname, port: Field::read(input)? }
            }
            descriptor => Self::Unknown { descriptor, rest: Bytes(std::mem::take(input).to_vec()) },
        })
    }
}

impl TlvValue for Address {
    fn to_value(&self) -> Vec<u8> {
        let mut value = Vec::new();
        self.write(&mut value);
        value
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        super::codec::whole(value)
    }
}

/// The digits of RFC 4648's base 32, as onion services have them in their names.
const BASE_32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The name of an onion service, without its ending. The addresses of both versions are whole groups
/// of five bytes; what is not stands as if zeros followed it.
fn base_32(bytes: &[u8]) -> String {
    let digits = bytes.chunks(5).flat_map(|group| {
        let padded = group.iter().copied().chain(std::iter::repeat(0)).take(5);
        let word = padded.fold(0_u64, |word, byte| (word << 8) | u64::from(byte));
        [35_u32, 30, 25, 20, 15, 10, 5, 0].map(|shift| word.checked_shr(shift).unwrap_or(0) & 31)
    });
    let digit = |digit| BASE_32.get(usize::try_from(digit).unwrap_or_default()).copied();
    digits.filter_map(digit).map(char::from).collect()
}

/// As people write them: `127.0.0.1:9735`, `[::1]:9735`, `example.com:9735`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4 { ipv4_addr, port } => write!(f, "{ipv4_addr}:{port}"),
            Self::Ipv6 { ipv6_addr, port } => write!(f, "[{ipv6_addr}]:{port}"),
            Self::TorV2 { onion_addr, port } | Self::TorV3 { onion_addr, port } => {
                write!(f, "{}.onion:{port}", base_32(&onion_addr.0))
            }
            Self::Dns { hostname, port } => {
                write!(f, "{}:{port}", String::from_utf8_lossy(&hostname.0))
            }
            Self::Unknown { descriptor, rest } => {
                write!(f, "type {descriptor}: {}", rest.0.as_hex())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn onion_services_have_the_names_that_people_know() {
        // RFC 4648, section 10: "foobar" begins with these five bytes.
        assert_eq!(base_32(b"fooba"), "mzxw6ytb");
        assert_eq!(base_32(b"foobafooba"), "mzxw6ytbmzxw6ytb");
        assert_eq!(base_32(b""), "");
        let address = Address::TorV3 { onion_addr: Bytes(vec![0xff; TOR_V3]), port: 9735 };
        assert_eq!(address.to_string(), format!("{}.onion:9735", "7".repeat(56)));
    }
}

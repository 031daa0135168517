//! The addresses of a `node_announcement`. BOLT 7, "The `node_announcement` Message".
//!
//! ```text
//!   1 ipv4   6 | 2 ipv6   18 | 3 Tor v2   12 | 4 Tor v3   37 | 5 hostname   1 + length + 2 | ...
//! ```
//! Descriptors stand one after the other without a length, so the first of an unknown type ends what
//! can be read.

use thiserror::Error;

use crate::bolt::wire::codec::{DecodeError, Field};
use crate::bolt::wire::{Address, Bytes};

/// A descriptor of a known type that the bytes are too few for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "read an address of type {descriptor} at byte {offset}: {wanted} bytes where {left} are left"
)]
pub struct TooShort {
    /// Its type.
    pub descriptor: u8,
    /// Where it begins, in bytes from the first address on.
    pub offset: usize,
    /// How many bytes its next field takes.
    pub wanted: usize,
    /// How many there are.
    pub left: usize,
}

/// The addresses of a node, as they are announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Those of known types, in the order that they have.
    pub known: Vec<Address>,
    /// All from the first descriptor of an unknown type on. Padding of the type 0 is such.
    pub rest: Bytes,
}

/// What the origin node must not, or should not, announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressBreach {
    /// Types descend.
    #[error("an address of type {next} follows one of type {previous}")]
    NotAscending {
        /// The type before.
        previous: u8,
        /// The type that came too late.
        next: u8,
    },
    /// An address that nobody can connect to.
    #[error("an address of type {descriptor} has the port 0")]
    PortZero {
        /// Its type.
        descriptor: u8,
    },
    /// A version 2 onion service, which no longer exists.
    #[error("a Tor v2 onion service is announced")]
    TorV2,
    /// More than one DNS hostname.
    #[error("{count} DNS hostnames are announced")]
    Hostnames {
        /// How many.
        count: usize,
    },
    /// A DNS hostname that is not ASCII.
    #[error("a DNS hostname is not ASCII")]
    HostnameNotAscii,
    /// Padding before or behind the addresses.
    #[error("an address descriptor of the type 0 is announced")]
    ZeroType,
}

impl AddressBreach {
    /// The requirements that these break, in the order of the variants.
    pub const REQUIREMENTS: &'static [&'static str] = &[
        "bolt07/node_announcement/addresses-ascend",
        "bolt07/node_announcement/no-port-zero",
        "bolt07/node_announcement/no-tor-v2",
        "bolt07/node_announcement/one-hostname",
        "bolt07/node_announcement/hostname-ascii",
        "bolt07/node_announcement/no-zero-type",
    ];

    /// The id of the requirement that it breaks.
    pub fn requirement(&self) -> &'static str {
        match self {
            Self::NotAscending { .. } => "bolt07/node_announcement/addresses-ascend",
            Self::PortZero { .. } => "bolt07/node_announcement/no-port-zero",
            Self::TorV2 => "bolt07/node_announcement/no-tor-v2",
            Self::Hostnames { .. } => "bolt07/node_announcement/one-hostname",
            Self::HostnameNotAscii => "bolt07/node_announcement/hostname-ascii",
            Self::ZeroType => "bolt07/node_announcement/no-zero-type",
        }
    }
}

/// Writes addresses as they stand in a `node_announcement`, in the order that they have.
pub fn encode_addresses(addresses: &Addresses) -> Bytes {
    let mut bytes = Vec::new();
    for address in &addresses.known {
        address.write(&mut bytes);
    }
    bytes.extend_from_slice(&addresses.rest.0);
    Bytes(bytes)
}

/// Reads the addresses of a `node_announcement`. A type that is not known ends the list, and is no
/// error.
///
/// # Errors
/// [`TooShort`] if a descriptor of a known type does not end within the bytes.
pub fn decode_addresses(bytes: &[u8]) -> Result<Addresses, TooShort> {
    let mut rest = bytes;
    let mut addresses = Addresses::default();
    while let Some(descriptor) = rest.first().copied() {
        let offset = bytes.len().saturating_sub(rest.len());
        let from = rest;
        let address = Address::read(&mut rest);
        let address = address.map_err(|error| too_short(error, descriptor, offset))?;
        if matches!(address, Address::Unknown { .. }) {
            addresses.rest = Bytes(from.to_vec());
            break;
        }
        addresses.known.push(address);
    }
    Ok(addresses)
}

/// An address has no other way to be wrong than to be too short.
fn too_short(error: DecodeError, descriptor: u8, offset: usize) -> TooShort {
    match error {
        DecodeError::Truncated { wanted, left } => TooShort { descriptor, offset, wanted, left },
        DecodeError::InvalidPoint
        | DecodeError::InvalidSignature
        | DecodeError::UnknownEvenTlv(_)
        | DecodeError::TlvOrder { .. }
        | DecodeError::NotMinimal(_)
        | DecodeError::TrailingBytes(_)
        | DecodeError::NotUtf8
        | DecodeError::UnknownSelector(_) => TooShort { descriptor, offset, wanted: 0, left: 0 },
    }
}

/// The port of an address of a known type.
fn port(address: &Address) -> Option<u16> {
    match address {
        Address::Ipv4 { port, .. }
        | Address::Ipv6 { port, .. }
        | Address::TorV2 { port, .. }
        | Address::TorV3 { port, .. }
        | Address::Dns { port, .. } => Some(*port),
        Address::Unknown { .. } => None,
    }
}

/// Whether nobody can connect to it: its port is 0, where the specification says what that means.
fn has_port_zero(address: &Address) -> bool {
    let is_named = match address {
        Address::Ipv4 { .. } | Address::Ipv6 { .. } | Address::Dns { .. } => true,
        Address::TorV2 { .. } | Address::TorV3 { .. } | Address::Unknown { .. } => false,
    };
    is_named && port(address) == Some(0)
}

impl Addresses {
    /// Those that a receiver may connect to: none with the port 0 (but onion services), no version 2
    /// onion service, and no DNS hostname behind the first one.
    pub fn usable(&self) -> impl Iterator<Item = &Address> {
        let mut hostnames = 0_usize;
        self.known.iter().filter(move |address| match address {
            Address::TorV2 { .. } | Address::Unknown { .. } => false,
            Address::Dns { .. } => {
                hostnames = hostnames.saturating_add(1);
                hostnames == 1 && !has_port_zero(address)
            }
            Address::Ipv4 { .. } | Address::Ipv6 { .. } => !has_port_zero(address),
            Address::TorV3 { .. } => true,
        })
    }

    /// How many DNS hostnames there are.
    fn hostnames(&self) -> usize {
        self.known.iter().filter(|address| matches!(address, Address::Dns { .. })).count()
    }

    /// Whether the announcement may be forwarded: not with more than one DNS hostname.
    pub fn may_be_forwarded(&self) -> bool {
        self.hostnames() <= 1
    }

    /// What the origin node should have done otherwise, as far as the addresses tell.
    pub fn breaches(&self) -> Vec<AddressBreach> {
        let unknown = self.rest.0.first().copied();
        let types = || self.known.iter().map(Address::descriptor).chain(unknown);
        let late = types().zip(types().skip(1)).filter(|(previous, next)| next < previous);
        let late = late.map(|(previous, next)| AddressBreach::NotAscending { previous, next });
        let zero = self.known.iter().filter(|address| has_port_zero(address));
        let zero = zero.map(|address| AddressBreach::PortZero { descriptor: address.descriptor() });
        let tor = self.known.iter().filter(|address| matches!(address, Address::TorV2 { .. }));
        let tor = tor.map(|_| AddressBreach::TorV2);
        let names = Some(AddressBreach::Hostnames { count: self.hostnames() });
        let names = names.filter(|_| !self.may_be_forwarded());
        let foreign = self.known.iter().filter(|address| match address {
            Address::Dns { hostname, .. } => !hostname.0.is_ascii(),
            Address::Ipv4 { .. }
            | Address::Ipv6 { .. }
            | Address::TorV2 { .. }
            | Address::TorV3 { .. }
            | Address::Unknown { .. } => false,
        });
        let foreign = foreign.map(|_| AddressBreach::HostnameNotAscii);
        let padding = (unknown == Some(0)).then_some(AddressBreach::ZeroType);
        late.chain(zero).chain(tor).chain(names).chain(foreign).chain(padding).collect()
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::hex::FromHex;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn ipv4(port: u16) -> Address {
        Address::Ipv4 { ipv4_addr: [127, 0, 0, 1].into(), port }
    }

    fn ipv6(port: u16) -> Address {
        Address::Ipv6 { ipv6_addr: 1.into(), port }
    }

    fn tor_v2() -> Address {
        Address::TorV2 { onion_addr: Bytes(vec![0x2a; 10]), port: 9735 }
    }

    fn tor_v3(port: u16) -> Address {
        Address::TorV3 { onion_addr: Bytes(vec![0x2a; 35]), port }
    }

    fn dns(hostname: &str, port: u16) -> Address {
        Address::Dns { hostname: Bytes(hostname.into()), port }
    }

    fn known(known: Vec<Address>) -> Addresses {
        Addresses { known, rest: Bytes::default() }
    }

    #[test]
    fn every_type_is_read() {
        let long = "a".repeat(255);
        let all = vec![
            ipv4(1),
            ipv6(2),
            tor_v2(),
            tor_v3(3),
            dns("example.com", 4),
            dns("", 5),
            dns(&long, 6),
        ];
        let lengths = [7, 19, 13, 38, 15, 4, 259];
        for (address, length) in all.iter().zip(lengths) {
            let alone = encode_addresses(&known(vec![address.clone()])).0;
            assert_eq!(alone.len(), length, "{address:?}");
        }
        let all = known(all);
        assert_eq!(decode_addresses(&encode_addresses(&all).0), Ok(all));
        assert_eq!(decode_addresses(&[]), Ok(Addresses::default()));
    }

    #[test]
    fn an_unknown_type_ends_the_list() {
        for unknown in [0, 6, 255] {
            let mut bytes = encode_addresses(&known(vec![ipv4(1)])).0;
            bytes.extend([unknown, 1, 127, 0, 0, 1, 0, 1]);
            let read = decode_addresses(&bytes).unwrap();
            assert_eq!((&read.known, read.rest.0.len()), (&vec![ipv4(1)], 8));
            assert_eq!(encode_addresses(&read).0, bytes);
        }
    }

    #[test]
    fn a_known_type_that_is_cut_short_is_refused() {
        for address in [ipv4(1), ipv6(1), tor_v2(), tor_v3(1), dns("example.com", 1)] {
            let descriptor = address.descriptor();
            let bytes = encode_addresses(&known(vec![ipv4(9), address])).0;
            for length in 8..bytes.len() {
                let error = decode_addresses(&bytes[..length]).unwrap_err();
                assert_eq!((error.descriptor, error.offset), (descriptor, 7), "{length}");
                assert!(error.left < error.wanted && error.left <= length - 8, "{error}");
            }
        }
        let cut = Vec::from_hex("050b6578616d").unwrap();
        let error = TooShort { descriptor: 5, offset: 0, wanted: 11, left: 4 };
        assert_eq!(decode_addresses(&cut), Err(error));
    }

    #[test]
    fn some_are_not_to_be_connected_to() {
        let all = known(vec![
            ipv4(0),
            ipv4(1),
            ipv6(0),
            ipv6(1),
            tor_v2(),
            tor_v3(0),
            dns("a", 1),
            dns("b", 1),
        ]);
        let usable: Vec<_> = all.usable().cloned().collect();
        assert_eq!(usable, [ipv4(1), ipv6(1), tor_v3(0), dns("a", 1)]);
        // The first hostname is the one that counts, whatever its port.
        assert_eq!(known(vec![dns("a", 0), dns("b", 1)]).usable().count(), 0);
    }

    #[test]
    fn one_hostname_is_forwarded_and_two_are_not() {
        assert!(known(vec![]).may_be_forwarded());
        assert!(known(vec![ipv4(1), dns("a", 1)]).may_be_forwarded());
        assert!(!known(vec![dns("a", 1), dns("a", 1)]).may_be_forwarded());
    }

    #[test]
    fn breaches_have_names() {
        let rest = |first| Bytes(vec![first, 1, 2]);
        let fine = Addresses {
            known: vec![ipv4(1), ipv4(2), ipv6(1), tor_v3(0), dns("xn--bcher-kva.example", 1)],
            rest: rest(6),
        };
        assert_eq!(fine.breaches(), []);
        let cases = [
            (known(vec![ipv6(1), ipv4(1)]), AddressBreach::NotAscending { previous: 2, next: 1 }),
            (known(vec![ipv4(0)]), AddressBreach::PortZero { descriptor: 1 }),
            (known(vec![ipv6(0)]), AddressBreach::PortZero { descriptor: 2 }),
            (known(vec![dns("a", 0)]), AddressBreach::PortZero { descriptor: 5 }),
            (known(vec![tor_v2()]), AddressBreach::TorV2),
            (known(vec![dns("a", 1), dns("b", 1)]), AddressBreach::Hostnames { count: 2 }),
            (known(vec![dns("bücher", 1)]), AddressBreach::HostnameNotAscii),
            (Addresses { known: vec![], rest: rest(0) }, AddressBreach::ZeroType),
        ];
        let mut requirements: Vec<_> = Vec::new();
        for (addresses, breach) in cases {
            assert_eq!(addresses.breaches(), [breach]);
            requirements.push(breach.requirement());
        }
        requirements.dedup();
        assert_eq!(requirements, AddressBreach::REQUIREMENTS);
        let padded = Addresses { known: vec![ipv4(1)], rest: rest(0) };
        let late = AddressBreach::NotAscending { previous: 1, next: 0 };
        assert_eq!(padded.breaches(), [late, AddressBreach::ZeroType]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(prop_oneof![0..8_u8, any::<u8>()], 0..200)) {
            match decode_addresses(&bytes) {
                Ok(addresses) => {
                    prop_assert!(addresses.usable().count() <= addresses.known.len());
                    drop(addresses.breaches());
                    prop_assert_eq!(encode_addresses(&addresses).0, bytes);
                }
                Err(error) => prop_assert_eq!(Some(&error.descriptor), bytes.get(error.offset)),
            }
        }
    }
}

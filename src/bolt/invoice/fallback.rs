//! Fallback addresses, `f`. BOLT 11, "Tagged Fields".

use bitcoin::hashes::Hash;
use bitcoin::{
    Address, KnownHrp, Network, NetworkKind, PubkeyHash, ScriptHash, WitnessProgram, WitnessVersion,
};

use super::network::InvoiceNetwork;

/// The version of a fallback address that is a hash of a public key, and of one of a script.
const P2PKH_VERSION: u8 = 17;
const P2SH_VERSION: u8 = 18;

/// A fallback address on the chain, without its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Versions 0 to 16.
    Witness(WitnessProgram),
    /// Version 17.
    P2pkh(PubkeyHash),
    /// Version 18.
    P2sh(ScriptHash),
}

impl Fallback {
    /// The version that the field begins with.
    pub fn version(&self) -> u8 {
        match self {
            Self::Witness(program) => program.version().to_num(),
            Self::P2pkh(_) => P2PKH_VERSION,
            Self::P2sh(_) => P2SH_VERSION,
        }
    }

    /// The witness program or the hash.
    pub fn program(&self) -> &[u8] {
        match self {
            Self::Witness(program) => program.program().as_bytes(),
            Self::P2pkh(hash) => hash.as_ref(),
            Self::P2sh(hash) => hash.as_ref(),
        }
    }

    /// The address that people know it by.
    pub fn address(&self, network: InvoiceNetwork) -> Address {
        let network = Network::from(network);
        match self {
            Self::Witness(program) => {
                Address::from_witness_program(*program, KnownHrp::from(network))
            }
            Self::P2pkh(hash) => Address::p2pkh(*hash, NetworkKind::from(network)),
            Self::P2sh(hash) => Address::p2sh_from_hash(*hash, NetworkKind::from(network)),
        }
    }

    /// The address of this version and these bytes; `None` if the version is unknown.
    pub(super) fn read(version: u8, bytes: &[u8]) -> Option<Result<Self, WrongLength>> {
        let hash = |bytes: &[u8]| <[u8; 20]>::try_from(bytes).map_err(|_| WrongLength);
        match version {
            P2PKH_VERSION => {
                Some(hash(bytes).map(|hash| Self::P2pkh(PubkeyHash::from_byte_array(hash))))
            }
            P2SH_VERSION => {
                Some(hash(bytes).map(|hash| Self::P2sh(ScriptHash::from_byte_array(hash))))
            }
            _ => {
                let version = WitnessVersion::try_from(version).ok()?;
                let program = WitnessProgram::new(version, bytes).map_err(|_| WrongLength);
                Some(program.map(Self::Witness))
            }
        }
    }
}

/// The bytes of a fallback address are too many or too few for its version.
pub(super) struct WrongLength;

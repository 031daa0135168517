//! Recognises the scripts of BOLT 3 by their exact shape: every opcode in its place, every key on
//! the curve, every number in its shortest form. Two different scripts are never read as the same
//! thing.

use bitcoin::hashes::{Hash, hash160};
use bitcoin::opcodes::{Opcode, all as op};
use bitcoin::script::{Instruction, Instructions};
use bitcoin::{PubkeyHash, Script, ScriptHash, WPubkeyHash, WScriptHash};
use secp256k1::{PublicKey, XOnlyPublicKey};
use serde::Serialize;

use crate::bolt::tx::ChannelType;
use crate::bolt::units::{CltvExpiry, CsvDelay};

/// A witness script of BOLT 3, with all that stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WitnessScript {
    /// The 2-of-2 of a funding output.
    Funding {
        /// Both `funding_pubkey`s, in the script's order, which is lexicographical.
        funding_pubkeys: [PublicKey; 2],
    },
    /// `to_local`, or the output of an HTLC transaction: they have the same script.
    Delayed {
        /// Takes it at once if the owner cheats.
        revocationpubkey: PublicKey,
        /// How many blocks the owner waits.
        to_self_delay: CsvDelay,
        /// The owner's key.
        local_delayedpubkey: PublicKey,
    },
    /// `to_remote` with `option_anchors`.
    ToRemote {
        /// The peer's key.
        remotepubkey: PublicKey,
    },
    /// An anchor.
    Anchor {
        /// The funding key of the side whose anchor it is.
        funding_pubkey: PublicKey,
    },
    /// An HTLC that the commitment's owner offered.
    OfferedHtlc(HtlcScript),
    /// An HTLC that the commitment's owner received.
    ReceivedHtlc {
        /// What it shares with an offered one.
        htlc: HtlcScript,
        /// From this height on its sender may take it back.
        cltv_expiry: CltvExpiry,
    },
}

/// What both HTLC scripts hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HtlcScript {
    /// The format, which a one-block delay at the script's end gives away.
    pub channel_type: ChannelType,
    /// `HASH160` of the `revocationpubkey`.
    pub revocationpubkey_hash: hash160::Hash,
    /// The peer's key.
    pub remote_htlcpubkey: PublicKey,
    /// The owner's key.
    pub local_htlcpubkey: PublicKey,
    /// `HASH160` of the preimage, which is `RIPEMD160` of the payment hash.
    pub payment_hash160: hash160::Hash,
}

/// What an output's script is, by the standard types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputScript {
    /// To a public key, bare.
    P2pk,
    /// To the hash of a public key.
    P2pkh(PubkeyHash),
    /// To the hash of a script.
    P2sh(ScriptHash),
    /// To the hash of a public key, by witness.
    P2wpkh(WPubkeyHash),
    /// To the hash of a script, by witness.
    P2wsh(WScriptHash),
    /// Taproot.
    P2tr(XOnlyPublicKey),
    /// Pay to anchor: anyone can spend it.
    P2a,
    /// Carries data and can never be spent.
    OpReturn,
    /// No standard type.
    Other,
}

impl WitnessScript {
    /// What this script is, if it is one of BOLT 3's.
    pub fn recognise(script: &Script) -> Option<Self> {
        type Rule = fn(&mut Reader<'_>) -> Option<WitnessScript>;
        const RULES: [Rule; 6] = [funding, delayed, to_remote, anchor, offered_htlc, received_htlc];
        RULES.iter().find_map(|rule| {
            let mut reader = Reader(script.instructions_minimal());
            rule(&mut reader).filter(|_| reader.0.next().is_none())
        })
    }

    /// The HTLC's part, if it is an HTLC.
    pub fn htlc(&self) -> Option<&HtlcScript> {
        match self {
            Self::OfferedHtlc(htlc) | Self::ReceivedHtlc { htlc, .. } => Some(htlc),
            Self::Funding { .. }
            | Self::Delayed { .. }
            | Self::ToRemote { .. }
            | Self::Anchor { .. } => None,
        }
    }
}

impl OutputScript {
    /// The type of an output's script.
    pub fn recognise(script: &Script) -> Self {
        let bytes = script.as_bytes();
        match bytes {
            [0x51, 0x02, 0x4e, 0x73] => Self::P2a,
            [0x00, 0x14, hash @ ..] => {
                WPubkeyHash::from_slice(hash).map_or(Self::Other, Self::P2wpkh)
            }
            [0x00, 0x20, hash @ ..] => {
                WScriptHash::from_slice(hash).map_or(Self::Other, Self::P2wsh)
            }
            [0x51, 0x20, key @ ..] => {
                XOnlyPublicKey::from_slice(key).map_or(Self::Other, Self::P2tr)
            }
            [0x76, 0xa9, 0x14, hash @ .., 0x88, 0xac] => {
                PubkeyHash::from_slice(hash).map_or(Self::Other, Self::P2pkh)
            }
            [0xa9, 0x14, hash @ .., 0x87] => {
                ScriptHash::from_slice(hash).map_or(Self::Other, Self::P2sh)
            }
            [0x6a, ..] => Self::OpReturn,
            _ if script.is_p2pk() => Self::P2pk,
            _ => Self::Other,
        }
    }
}

/// Reads a script from its start; every step is `None` once something else stands there.
struct Reader<'a>(Instructions<'a>);

impl<'a> Reader<'a> {
    fn ops(&mut self, expected: &[Opcode]) -> Option<()> {
        expected.iter().try_for_each(|opcode| match self.0.next()?.ok()? {
            Instruction::Op(found) => (found == *opcode).then_some(()),
            Instruction::PushBytes(_) => None,
        })
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        match self.0.next()?.ok()? {
            Instruction::PushBytes(bytes) => Some(bytes.as_bytes()),
            Instruction::Op(_) => None,
        }
    }

    fn key(&mut self) -> Option<PublicKey> {
        let bytes = self.bytes().filter(|bytes| bytes.len() == 33)?;
        PublicKey::from_slice(bytes).ok()
    }

    fn hash160(&mut self) -> Option<hash160::Hash> {
        hash160::Hash::from_slice(self.bytes()?).ok()
    }

    fn number(&mut self) -> Option<u64> {
        match self.0.next()?.ok()? {
            Instruction::PushBytes(bytes) => script_number(bytes.as_bytes()),
            Instruction::Op(opcode) => opcode
                .to_u8()
                .checked_sub(op::OP_PUSHNUM_1.to_u8())
                .filter(|above_one| *above_one < 16)
                .map(|above_one| u64::from(above_one) + 1),
        }
    }

    fn exactly(&mut self, number: u64) -> Option<()> {
        (self.number()? == number).then_some(())
    }
}

/// A number that is not negative, in its shortest form and of at most five bytes, as
/// `OP_CHECKLOCKTIMEVERIFY` takes it.
fn script_number(bytes: &[u8]) -> Option<u64> {
    let Some((&last, rest)) = bytes.split_last() else { return Some(0) };
    let needs_last = last != 0 || rest.last().is_some_and(|byte| byte & 0x80 != 0);
    (bytes.len() <= 5 && last & 0x80 == 0 && needs_last)
        .then(|| bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

fn funding(script: &mut Reader<'_>) -> Option<WitnessScript> {
    script.exactly(2)?;
    let funding_pubkeys = [script.key()?, script.key()?];
    script.exactly(2)?;
    script.ops(&[op::OP_CHECKMULTISIG])?;
    let in_order = funding_pubkeys[0].serialize() <= funding_pubkeys[1].serialize();
    in_order.then_some(WitnessScript::Funding { funding_pubkeys })
}

fn delayed(script: &mut Reader<'_>) -> Option<WitnessScript> {
    script.ops(&[op::OP_IF])?;
    let revocationpubkey = script.key()?;
    script.ops(&[op::OP_ELSE])?;
    let to_self_delay = CsvDelay(u16::try_from(script.number()?).ok()?);
    script.ops(&[op::OP_CSV, op::OP_DROP])?;
    let local_delayedpubkey = script.key()?;
    script.ops(&[op::OP_ENDIF, op::OP_CHECKSIG])?;
    Some(WitnessScript::Delayed { revocationpubkey, to_self_delay, local_delayedpubkey })
}

fn to_remote(script: &mut Reader<'_>) -> Option<WitnessScript> {
    let remotepubkey = script.key()?;
    script.ops(&[op::OP_CHECKSIGVERIFY])?;
    script.exactly(1)?;
    script.ops(&[op::OP_CSV])?;
    Some(WitnessScript::ToRemote { remotepubkey })
}

fn anchor(script: &mut Reader<'_>) -> Option<WitnessScript> {
    let funding_pubkey = script.key()?;
    script.ops(&[op::OP_CHECKSIG, op::OP_IFDUP, op::OP_NOTIF])?;
    script.exactly(16)?;
    script.ops(&[op::OP_CSV, op::OP_ENDIF])?;
    Some(WitnessScript::Anchor { funding_pubkey })
}

fn offered_htlc(script: &mut Reader<'_>) -> Option<WitnessScript> {
    let (revocationpubkey_hash, remote_htlcpubkey) = htlc_head(script)?;
    script.ops(&[op::OP_NOTIF, op::OP_DROP])?;
    let local_htlcpubkey = two_of_two_with(script)?;
    script.ops(&[op::OP_ELSE, op::OP_HASH160])?;
    let payment_hash160 = script.hash160()?;
    script.ops(&[op::OP_EQUALVERIFY, op::OP_CHECKSIG, op::OP_ENDIF])?;
    let channel_type = htlc_tail(script)?;
    Some(WitnessScript::OfferedHtlc(HtlcScript {
        channel_type,
        revocationpubkey_hash,
        remote_htlcpubkey,
        local_htlcpubkey,
        payment_hash160,
    }))
}

fn received_htlc(script: &mut Reader<'_>) -> Option<WitnessScript> {
    let (revocationpubkey_hash, remote_htlcpubkey) = htlc_head(script)?;
    script.ops(&[op::OP_IF, op::OP_HASH160])?;
    let payment_hash160 = script.hash160()?;
    script.ops(&[op::OP_EQUALVERIFY])?;
    let local_htlcpubkey = two_of_two_with(script)?;
    script.ops(&[op::OP_ELSE, op::OP_DROP])?;
    let cltv_expiry = CltvExpiry(u32::try_from(script.number()?).ok()?);
    script.ops(&[op::OP_CLTV, op::OP_DROP, op::OP_CHECKSIG, op::OP_ENDIF])?;
    let channel_type = htlc_tail(script)?;
    let htlc = HtlcScript {
        channel_type,
        revocationpubkey_hash,
        remote_htlcpubkey,
        local_htlcpubkey,
        payment_hash160,
    };
    Some(WitnessScript::ReceivedHtlc { htlc, cltv_expiry })
}

/// The revocation branch, the peer's key, and the question whether a preimage was given.
fn htlc_head(script: &mut Reader<'_>) -> Option<(hash160::Hash, PublicKey)> {
    script.ops(&[op::OP_DUP, op::OP_HASH160])?;
    let revocationpubkey_hash = script.hash160()?;
    script.ops(&[op::OP_EQUAL, op::OP_IF, op::OP_CHECKSIG, op::OP_ELSE])?;
    let remote_htlcpubkey = script.key()?;
    script.ops(&[op::OP_SWAP, op::OP_SIZE])?;
    script.exactly(32)?;
    script.ops(&[op::OP_EQUAL])?;
    Some((revocationpubkey_hash, remote_htlcpubkey))
}

/// The branch of the HTLC transaction: both sides' signatures. Returns the owner's key.
fn two_of_two_with(script: &mut Reader<'_>) -> Option<PublicKey> {
    script.exactly(2)?;
    script.ops(&[op::OP_SWAP])?;
    let local_htlcpubkey = script.key()?;
    script.exactly(2)?;
    script.ops(&[op::OP_CHECKMULTISIG])?;
    Some(local_htlcpubkey)
}

/// The end, with or without the delay of one block.
fn htlc_tail(script: &mut Reader<'_>) -> Option<ChannelType> {
    let Instruction::Op(first) = script.0.next()?.ok()? else { return None };
    if first == op::OP_ENDIF {
        return Some(ChannelType::StaticRemotekey);
    }
    script.ops(&[op::OP_CSV, op::OP_DROP, op::OP_ENDIF])?;
    (first == op::OP_PUSHNUM_1).then_some(ChannelType::Anchors)
}

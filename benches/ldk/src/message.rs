//! Messages, as boltlab writes them and both read them.

use bitcoin::constants::ChainHash;
use bitcoin::hashes::{Hash, sha256};
use boltlab::bolt::features::Features;
use boltlab::bolt::units::{CltvExpiry, HtlcId, Msat};
use boltlab::bolt::wire::messages::{ChannelAnnouncement, UpdateAddHtlc};
use boltlab::bolt::wire::{ChannelId, Message, OnionPacket, ShortChannelId, UncheckedPoint};
use lightning::util::ser::LengthReadable;
use secp256k1::ecdsa::Signature;
use secp256k1::{Message as Digest, SECP256K1};

use crate::Random;

/// An `update_add_htlc`.
pub fn add_htlc(random: &mut Random) -> Message {
    let mut onion = Box::new([0; OnionPacket::LENGTH]);
    for piece in onion.chunks_mut(32) {
        piece.copy_from_slice(&random.bytes()[..piece.len()]);
    }
    onion[0] = 0;
    onion[1..34].copy_from_slice(&random.point().serialize());
    UpdateAddHtlc {
        channel_id: ChannelId(random.bytes()),
        id: HtlcId(random.below(1000)),
        amount_msat: Msat(random.below(1 << 31)),
        payment_hash: sha256::Hash::from_byte_array(random.bytes()),
        cltv_expiry: CltvExpiry(500_000),
        onion_routing_packet: OnionPacket(onion),
        blinded_path: None,
        unknown: Vec::new(),
    }
    .into()
}

/// A `channel_announcement`.
pub fn announcement(random: &mut Random) -> Message {
    let mut signature = || -> Signature {
        SECP256K1.sign_ecdsa(&Digest::from_digest(random.bytes()), &random.secret())
    };
    let signatures = [signature(), signature(), signature(), signature()];
    let mut point = || UncheckedPoint(random.point().serialize());
    ChannelAnnouncement {
        node_signature_1: signatures[0],
        node_signature_2: signatures[1],
        bitcoin_signature_1: signatures[2],
        bitcoin_signature_2: signatures[3],
        features: Features::default(),
        chain_hash: ChainHash::REGTEST,
        node_id_1: point(),
        node_id_2: point(),
        bitcoin_key_1: point(),
        bitcoin_key_2: point(),
        short_channel_id: ShortChannelId::new(539_268, 845, 1).expect("it fits"),
        unknown: Vec::new(),
    }
    .into()
}

/// A message of LDK from what follows the type.
pub fn ldk_decode<T: LengthReadable>(message: &[u8]) -> T {
    let read = T::read_from_fixed_length_buffer(&mut &message[2..]);
    read.map_err(|error| format!("{error:?}")).expect("LDK reads it")
}

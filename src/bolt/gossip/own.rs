//! What a node says of its own channels and of itself. BOLT 7.
//!
//! ```text
//! node                                  peer
//!   |------ announcement_signatures ---->|   both have sent channel_ready, and the funding
//!   |<----- announcement_signatures -----|   transaction has 6 confirmations
//!   |                                    |
//!   +-- channel_announcement, channel_update, node_announcement --> everybody
//! ```

use bitcoin::constants::ChainHash;
use secp256k1::ecdsa::Signature;
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::signed::unsigned;
use super::update::{Direction, MUST_BE_ONE};
use crate::bolt::features::Features;
use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};
use crate::bolt::wire::messages::{
    AnnouncementSignatures, ChannelAnnouncement, ChannelUpdate, NodeAnnouncement,
};
use crate::bolt::wire::{Alias, Bytes, ChannelId, RgbColor};

/// What a node asks of those whose payments it forwards over a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How much earlier the outgoing HTLC must expire.
    pub cltv_expiry_delta: CltvExpiryDelta,
    /// The least HTLC that the peer takes.
    pub htlc_minimum_msat: Msat,
    /// The largest HTLC that is offered to the peer.
    pub htlc_maximum_msat: Msat,
    /// The fee for every HTLC, in millisatoshis.
    pub fee_base_msat: u32,
    /// The part of the outgoing amount that is charged as well, in millionths.
    pub fee_proportional_millionths: u32,
}

/// A channel of two nodes, as one of them announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnChannel {
    /// Where its funding output is.
    pub short_channel_id: ShortChannelId,
    /// Our node id, and our key of the funding output.
    pub local: (PublicKey, PublicKey),
    /// The peer's.
    pub remote: (PublicKey, PublicKey),
}

impl OwnChannel {
    /// The channel as the peer announces it.
    #[must_use]
    pub fn flipped(&self) -> Self {
        Self { local: self.remote, remote: self.local, ..*self }
    }

    /// Which direction of it is ours.
    pub fn direction(&self) -> Direction {
        Direction::of_two(&self.local.0, &self.remote.0)
    }

    /// The `channel_announcement`, signed by nobody. `None` never happens.
    fn unsigned(&self) -> Option<ChannelAnnouncement> {
        let pair = match self.direction() {
            Direction::FromNode1 => [self.local, self.remote],
            Direction::FromNode2 => [self.remote, self.local],
        };
        let [(node_1, bitcoin_1), (node_2, bitcoin_2)] = pair;
        let nobody = unsigned()?;
        Some(ChannelAnnouncement {
            node_signature_1: nobody,
            node_signature_2: nobody,
            bitcoin_signature_1: nobody,
            bitcoin_signature_2: nobody,
            // No feature stands in a channel_announcement yet. BOLT 9.
            features: Features::default(),
            chain_hash: ChainHash::REGTEST,
            short_channel_id: self.short_channel_id,
            node_id_1: node_1.into(),
            node_id_2: node_2.into(),
            bitcoin_key_1: bitcoin_1.into(),
            bitcoin_key_2: bitcoin_2.into(),
            unknown: Vec::new(),
        })
    }

    /// Our half of the `channel_announcement`.
    pub fn signatures(
        &self,
        channel_id: ChannelId,
        node: &SecretKey,
        funding: &SecretKey,
    ) -> Option<AnnouncementSignatures> {
        let (node_signature, bitcoin_signature) = self.unsigned()?.sign(node, funding);
        Some(AnnouncementSignatures {
            channel_id,
            short_channel_id: self.short_channel_id,
            node_signature,
            bitcoin_signature,
            unknown: Vec::new(),
        })
    }

    /// The field of the peer's half that is wrong: which channel it is about, or a signature.
    pub fn wrong_in(&self, theirs: &AnnouncementSignatures) -> Option<&'static str> {
        if theirs.short_channel_id != self.short_channel_id {
            return Some("short_channel_id");
        }
        let digest = self.unsigned()?.digest();
        let is_by = |signature: &Signature, key: &PublicKey| {
            SECP256K1.verify_ecdsa(&digest, signature, key).is_ok()
        };
        if !is_by(&theirs.node_signature, &self.remote.0) {
            return Some("node_signature");
        }
        (!is_by(&theirs.bitcoin_signature, &self.remote.1)).then_some("bitcoin_signature")
    }

    /// The `channel_announcement`, from both halves.
    pub fn announcement(
        &self,
        ours: &AnnouncementSignatures,
        theirs: &AnnouncementSignatures,
    ) -> Option<ChannelAnnouncement> {
        let [first, second] = match self.direction() {
            Direction::FromNode1 => [ours, theirs],
            Direction::FromNode2 => [theirs, ours],
        };
        Some(ChannelAnnouncement {
            node_signature_1: first.node_signature,
            node_signature_2: second.node_signature,
            bitcoin_signature_1: first.bitcoin_signature,
            bitcoin_signature_2: second.bitcoin_signature,
            ..self.unsigned()?
        })
    }

    /// Our `channel_update`.
    pub fn update(
        &self,
        node: &SecretKey,
        timestamp: u32,
        is_disabled: bool,
        asked: Asked,
    ) -> Option<ChannelUpdate> {
        let update = ChannelUpdate {
            signature: unsigned()?,
            chain_hash: ChainHash::REGTEST,
            short_channel_id: self.short_channel_id,
            timestamp,
            message_flags: MUST_BE_ONE,
            channel_flags: self.direction().flags(is_disabled),
            cltv_expiry_delta: asked.cltv_expiry_delta,
            htlc_minimum_msat: asked.htlc_minimum_msat,
            fee_base_msat: asked.fee_base_msat,
            fee_proportional_millionths: asked.fee_proportional_millionths,
            htlc_maximum_msat: asked.htlc_maximum_msat,
            unknown: Vec::new(),
        };
        Some(update.signed(node))
    }
}

/// What a node says of itself: no addresses, for nobody connects to it by them.
pub fn node_announcement(
    node: &SecretKey,
    features: Features,
    timestamp: u32,
    alias: Alias,
) -> Option<NodeAnnouncement> {
    let id = node.public_key(SECP256K1).serialize();
    let [_, red, green, blue, ..] = id;
    let announcement = NodeAnnouncement {
        signature: unsigned()?,
        features,
        timestamp,
        node_id: id.into(),
        rgb_color: RgbColor([red, green, blue]),
        alias,
        addresses: Bytes::default(),
        unknown: Vec::new(),
    };
    Some(announcement.signed(node))
}

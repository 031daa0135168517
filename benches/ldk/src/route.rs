//! One route and one payment on it, as each of the two sees them.

use boltlab::bolt::onion::{
    Constructed, Hop, Packet, Payload, PaymentData, Purpose, SharedSecret, construct, peel, sphinx,
};
use boltlab::bolt::units::{CltvExpiry, Msat};
use boltlab::bolt::wire::{PaymentSecret, ShortChannelId};
use lightning::ln::channelmanager::{PendingHTLCInfo, PendingHTLCRouting};
use lightning::ln::msgs::{OnionPacket, UpdateAddHTLC};
use lightning::ln::onion_payment::{InboundHTLCErr, peel_payment_onion};
use lightning::ln::onion_utils::create_payment_onion;
use lightning::ln::outbound_payment::RecipientOnionFields;
use lightning::ln::types::ChannelId;
use lightning::routing::router::{Path, RouteHop};
use lightning::sign::KeysManager;
use lightning::types::features::{ChannelFeatures, NodeFeatures};
use lightning::types::payment::{PaymentHash, PaymentSecret as LdkPaymentSecret};
use lightning::util::logger::{Logger, Record};
use lightning::util::ser::{LengthReadable, Writeable};
use secp256k1::{SECP256K1, SecretKey};

use crate::Random;

/// Logs nothing.
pub struct Quiet;

impl Logger for Quiet {
    fn log(&self, _: Record) {}
}

/// One hop: its node, and the channel that leads to it.
struct Node {
    keys: KeysManager,
    short_channel_id: u64,
    /// What the hop keeps; the whole amount at the last one.
    keeps_msat: u64,
    cltv_expiry_delta: u32,
}

/// A payment and its route.
pub struct Route {
    nodes: Vec<Node>,
    height: u32,
    payment_hash: [u8; 32],
    payment_secret: [u8; 32],
    /// The sender's key for this payment.
    pub session_key: SecretKey,
    path: Path,
    recipient: RecipientOnionFields,
}

impl Route {
    /// A route of this many hops. The whole of it stays below what LDK lets an HTLC take.
    pub fn random(random: &mut Random, hops: usize) -> Self {
        let nodes: Vec<_> = (0..hops)
            .map(|hop| Node {
                keys: KeysManager::new(&random.bytes(), 0, 0, true),
                short_channel_id: random.below(1 << 32) << 24,
                keeps_msat: if hop + 1 == hops {
                    1 + random.below(1 << 31)
                } else {
                    random.below(2000)
                },
                cltv_expiry_delta: 48 + u32::try_from(random.below(20)).expect("below 20"),
            })
            .collect();
        let amount = nodes.last().map_or(0, |last| last.keeps_msat);
        let payment_secret = random.bytes();
        let path = Path { hops: nodes.iter().map(ldk_hop).collect(), blinded_tail: None };
        let recipient = RecipientOnionFields::secret_only(LdkPaymentSecret(payment_secret), amount);
        Self {
            nodes,
            height: 800_000,
            payment_hash: random.bytes(),
            payment_secret,
            session_key: random.secret(),
            path,
            recipient,
        }
    }

    /// How many hops it has.
    pub fn length(&self) -> usize {
        self.nodes.len()
    }

    /// The path as LDK has it.
    pub fn ldk_path(&self) -> &Path {
        &self.path
    }

    /// A hop's secret key.
    pub fn node_secret(&self, hop: usize) -> SecretKey {
        self.nodes[hop].keys.get_node_secret_key()
    }

    /// What leaves a hop: its amount, and when it expires. The last hop counts as one that passes
    /// on what is for it.
    fn outgoing(&self, hop: usize) -> (Msat, CltvExpiry) {
        let behind = match &self.nodes[hop + 1..] {
            [] => &self.nodes[hop..],
            behind => behind,
        };
        let amount = behind.iter().map(|node| node.keeps_msat).sum();
        let blocks: u32 = behind.iter().map(|node| node.cltv_expiry_delta).sum();
        (Msat(amount), CltvExpiry(self.height + blocks))
    }

    /// What each hop is told.
    pub fn hops(&self) -> Vec<Hop> {
        let hops = self.path.hops.iter().enumerate().map(|(hop, to)| {
            let (amount, expiry) = self.outgoing(hop);
            let mut payload = Payload {
                amt_to_forward: Some(amount),
                outgoing_cltv_value: Some(expiry),
                ..Payload::default()
            };
            if let Some(next) = self.nodes.get(hop + 1) {
                payload.short_channel_id = Some(ShortChannelId(next.short_channel_id));
            } else {
                let payment_secret = PaymentSecret(self.payment_secret);
                payload.payment_data = Some(PaymentData { payment_secret, total_msat: amount });
            }
            Hop { node_id: to.pubkey, payload: payload.encode() }
        });
        hops.collect()
    }

    /// boltlab's packet, payloads written and wrapped.
    pub fn construct(&self) -> Constructed {
        construct(&self.session_key, &self.hops(), &self.payment_hash, sphinx::PAYMENT_LENGTH)
            .expect("the route fits")
    }

    /// LDK's packet. Its filling is given from outside, so it gets the one that BOLT 4 derives.
    pub fn ldk_construct(&self) -> OnionPacket {
        let filling = SharedSecret(self.session_key.secret_bytes()).key(Purpose::Pad);
        let built = create_payment_onion(
            SECP256K1,
            &self.path,
            &self.session_key,
            &self.recipient,
            self.height,
            &PaymentHash(self.payment_hash),
            &None,
            None,
            filling,
        );
        built.expect("the route fits").0
    }

    /// boltlab at one hop: from the packet's bytes to what it is told and the next packet's bytes.
    pub fn peel(&self, packet: &[u8], node_secret: &SecretKey) -> Option<(Payload, Vec<u8>)> {
        let packet = Packet::from_bytes(packet).ok()?;
        let peeled = peel(&packet, node_secret, &self.payment_hash).ok()?;
        let payload = Payload::decode(&peeled.payload).ok()?;
        Some((payload, peeled.next.map_or_else(Vec::new, |next| next.to_bytes())))
    }

    /// LDK's `update_add_htlc` for a hop, from the packet's bytes.
    fn update_add_htlc(&self, hop: usize, packet: &mut &[u8]) -> UpdateAddHTLC {
        let (Msat(amount_msat), _) = self.outgoing(hop.saturating_sub(1));
        let blocks: u32 = self.nodes[hop..].iter().map(|node| node.cltv_expiry_delta).sum();
        let amount_msat =
            if hop == 0 { amount_msat + self.nodes[0].keeps_msat } else { amount_msat };
        UpdateAddHTLC {
            channel_id: ChannelId([0; 32]),
            htlc_id: 0,
            amount_msat,
            payment_hash: PaymentHash(self.payment_hash),
            cltv_expiry: self.height + blocks,
            skimmed_fee_msat: None,
            onion_routing_packet: LengthReadable::read_from_fixed_length_buffer(packet)
                .expect("a packet"),
            blinding_point: None,
            hold_htlc: None,
            accountable: None,
        }
    }

    /// LDK at one hop.
    ///
    /// # Errors
    /// Why it does not take the packet.
    pub fn ldk_peel(
        &self,
        hop: usize,
        mut packet: &[u8],
    ) -> Result<PendingHTLCInfo, InboundHTLCErr> {
        let message = self.update_add_htlc(hop, &mut packet);
        let keys = &self.nodes[hop].keys;
        peel_payment_onion(&message, keys, Quiet, SECP256K1, self.height, false)
    }

    /// The bytes of the next packet that LDK found; none at the last hop.
    pub fn ldk_next(found: &PendingHTLCInfo) -> Vec<u8> {
        match &found.routing {
            PendingHTLCRouting::Forward { onion_packet, .. } => onion_packet.encode(),
            _ => Vec::new(),
        }
    }
}

fn ldk_hop(node: &Node) -> RouteHop {
    RouteHop {
        pubkey: node.keys.get_node_secret_key().public_key(SECP256K1),
        node_features: NodeFeatures::empty(),
        short_channel_id: node.short_channel_id,
        channel_features: ChannelFeatures::empty(),
        fee_msat: node.keeps_msat,
        cltv_expiry_delta: node.cltv_expiry_delta,
        maybe_announced_channel: true,
    }
}

//! The same gossip for boltlab and for LDK: what proves channels, and what their ends ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, TxOut, Txid};
use boltlab::bolt::gossip::own::Asked;
use boltlab::bolt::gossip::signed::SignatureName;
use boltlab::bolt::gossip::{FundingOutput, GossipId, Heard, Network, Now, OwnChannel};
use boltlab::bolt::tx::script;
use boltlab::bolt::units::{BlockHeight, CltvExpiryDelta, Msat, ShortChannelId};
use boltlab::bolt::wire::messages::{ChannelAnnouncement, ChannelUpdate};
use boltlab::bolt::wire::{ChannelId, Message};
use lightning::ln::msgs;
use lightning::routing::gossip::NetworkGraph;
use lightning::routing::utxo::{UtxoLookup, UtxoLookupError, UtxoResult};
use lightning::util::wakers::Notifier;
use secp256k1::ecdsa::Signature;
use secp256k1::{Message as Digest, PublicKey, SECP256K1, SecretKey};

use crate::routing::now;
use crate::{Quiet, Random, ldk_decode};

/// One message in so many is broken.
const BROKEN: usize = 100;

/// The unspent outputs of the chain, as both look them up.
struct Chain(BTreeMap<u64, (OutPoint, TxOut)>);

impl UtxoLookup for &Chain {
    fn get_utxo(&self, _: &ChainHash, id: u64, _: Arc<Notifier>) -> UtxoResult {
        let output = self.0.get(&id).map(|(_, output)| output.clone());
        UtxoResult::Sync(output.ok_or(UtxoLookupError::UnknownTx))
    }
}

/// What is signed, and by whom.
struct Signed {
    digest: Digest,
    by: Vec<(Signature, PublicKey)>,
}

impl Signed {
    /// The verifications alone; whether the signatures are right.
    fn verify(&self) -> bool {
        let is_right =
            |(signature, key): &_| SECP256K1.verify_ecdsa(&self.digest, signature, key).is_ok();
        // All of them, for so long must a message take that is right.
        self.by.iter().map(is_right).fold(true, |all, one| all & one)
    }
}

/// Channels and updates of a network, signed and decoded, for each of the two.
pub struct Gossip {
    chain: Chain,
    /// Ours.
    pub announcements: Vec<ChannelAnnouncement>,
    /// Ours.
    pub updates: Vec<ChannelUpdate>,
    ldk_announcements: Vec<msgs::ChannelAnnouncement>,
    ldk_updates: Vec<msgs::ChannelUpdate>,
    signed_announcements: Vec<Signed>,
    signed_updates: Vec<Signed>,
    from: PublicKey,
    now: Now,
}

/// What both believe once they have heard gossip.
pub struct Believed {
    /// Ours.
    pub ours: Network,
    /// LDK's.
    pub ldk: NetworkGraph<Quiet>,
}

impl Gossip {
    /// A scale-free network: each node opens a channel to one that has many already, and so do those
    /// who open the rest. Before one channel in a hundred, and one update in a hundred, comes the same
    /// message with a signature of something else.
    pub fn random(random: &mut Random, nodes: usize, channels: usize) -> Self {
        let nodes: Vec<SecretKey> = (0..nodes).map(|_| random.secret()).collect();
        let time = now();
        let mut gossip = Self {
            chain: Chain(BTreeMap::new()),
            announcements: Vec::new(),
            updates: Vec::new(),
            ldk_announcements: Vec::new(),
            ldk_updates: Vec::new(),
            signed_announcements: Vec::new(),
            signed_updates: Vec::new(),
            from: random.point(),
            now: Now { height: BlockHeight(800_000), time: time.into() },
        };
        // Every end of every channel: drawn from it, a node comes as often as it has channels.
        let mut ends = vec![0];
        for number in 0..channels {
            let fresh = number + 1;
            let one = if fresh < nodes.len() { fresh } else { draw(random, &ends) };
            let other = loop {
                let other = draw(random, &ends);
                if other != one {
                    break other;
                }
            };
            ends.extend([one, other]);
            gossip.add(random, number, [&nodes[one], &nodes[other]], time);
        }
        let announcements = gossip.announcements.iter().cloned().map(Message::from);
        gossip.ldk_announcements = announcements.map(|of| ldk_decode(&of.encode())).collect();
        let updates = gossip.updates.iter().cloned().map(Message::from);
        gossip.ldk_updates = updates.map(|of| ldk_decode(&of.encode())).collect();
        gossip.signed_announcements = gossip.announcements.iter().map(four).collect();
        gossip.signed_updates = gossip.updates.iter().map(|of| gossip.one(of)).collect();
        gossip
    }

    /// What is signed of an update.
    fn one(&self, update: &ChannelUpdate) -> Signed {
        let channel = update.short_channel_id;
        let index = self.announcements.binary_search_by_key(&channel, |of| of.short_channel_id);
        let index = index.expect("it is announced");
        let node = *update.direction().of(&self.announcements[index].node_ids());
        let key = node.check().expect("a point");
        Signed { digest: update.digest(), by: vec![(update.signature, key)] }
    }

    fn add(&mut self, random: &mut Random, number: usize, nodes: [&SecretKey; 2], time: u32) {
        let [local, remote] = nodes.map(|node| (*node, random.secret()));
        let public = |(node, funding): &(SecretKey, SecretKey)| {
            (node.public_key(SECP256K1), funding.public_key(SECP256K1))
        };
        let block = 500_000 + u32::try_from(number).expect("it is small");
        let channel = OwnChannel {
            short_channel_id: ShortChannelId::new(block, 1, 0).expect("it fits"),
            local: public(&local),
            remote: public(&remote),
        };
        let sats = [200_000, 500_000, 1_000_000, 5_000_000][draw(random, &[0, 1, 2, 3])];
        let script = script::funding(&channel.local.1, &channel.remote.1).to_p2wsh();
        let output = TxOut { value: Amount::from_sat(sats), script_pubkey: script };
        let outpoint = OutPoint::new(Txid::from_byte_array(random.bytes()), 0);
        self.chain.0.insert(channel.short_channel_id.0, (outpoint, output));
        let id = ChannelId([0; 32]);
        let ours = channel.signatures(id, &local.0, &local.1).expect("it is signed");
        let theirs = channel.flipped().signatures(id, &remote.0, &remote.1).expect("it is signed");
        let announcement = channel.announcement(&ours, &theirs).expect("it is signed");
        let other = local.0.sign_ecdsa(Digest::from_digest(random.bytes()));
        if number.is_multiple_of(BROKEN) {
            let names = [
                SignatureName::Node1,
                SignatureName::Node2,
                SignatureName::Bitcoin1,
                SignatureName::Bitcoin2,
            ];
            let mut broken = announcement.clone();
            *broken.signature_mut(names[number / BROKEN % names.len()]) = other;
            self.announcements.push(broken);
        }
        self.announcements.push(announcement);
        for (channel, node) in [(channel, &local.0), (channel.flipped(), &remote.0)] {
            let asked = Asked {
                cltv_expiry_delta: CltvExpiryDelta(40),
                htlc_minimum_msat: Msat(1),
                htlc_maximum_msat: Msat(sats * 990),
                fee_base_msat: 1_000,
                fee_proportional_millionths: u32::try_from(random.below(500)).expect("small"),
            };
            let timestamp = time - u32::try_from(random.below(1_000_000)).expect("it is small");
            let update = channel.update(node, timestamp, false, asked).expect("it is signed");
            if number.is_multiple_of(BROKEN) {
                self.updates.push(ChannelUpdate { signature: other, ..update.clone() });
            }
            self.updates.push(update);
        }
    }

    /// Both know nothing yet.
    pub fn nothing() -> Believed {
        Believed {
            ours: Network::default(),
            ldk: NetworkGraph::new(bitcoin::Network::Regtest, Quiet),
        }
    }

    /// Whether we believe an announcement, by its number, once the chain has shown its output.
    pub fn announce(&self, network: &mut Network, number: usize) -> bool {
        let heard = network.receive_channel(self.from, &self.announcements[number]);
        let Ok(Heard::LookUp(id)) = heard else { return false };
        let found = match self.chain.0.get(&id.0) {
            Some((outpoint, output)) => FundingOutput::Unspent {
                outpoint: *outpoint,
                output: output.clone(),
                confirmations: 6,
            },
            None => FundingOutput::Missing,
        };
        let settled = network.looked_up(self.now, id, &found);
        matches!(settled.as_slice(), [(_, _, Ok(Heard::News(GossipId::Channel(_))))])
    }

    /// Whether LDK believes it.
    pub fn ldk_announce(&self, graph: &NetworkGraph<Quiet>, number: usize) -> bool {
        let announcement = &self.ldk_announcements[number];
        graph.update_channel_from_announcement(announcement, &Some(&self.chain)).is_ok()
    }

    /// The least for an announcement: four verifications of its signatures by keys that are points.
    pub fn verify_announcement(&self, number: usize) -> bool {
        self.signed_announcements[number].verify()
    }

    /// The least for an update: one verification.
    pub fn verify_update(&self, number: usize) -> bool {
        self.signed_updates[number].verify()
    }

    /// Whether we believe an update, by its number.
    pub fn update(&self, network: &mut Network, number: usize) -> bool {
        let heard = network.receive_update(self.now, self.from, &self.updates[number]);
        matches!(heard, Ok(Heard::News(_)))
    }

    /// Whether LDK believes it.
    pub fn ldk_update(&self, graph: &NetworkGraph<Quiet>, number: usize) -> bool {
        graph.update_channel(&self.ldk_updates[number]).is_ok()
    }
}

/// What is signed of an announcement.
fn four(announcement: &ChannelAnnouncement) -> Signed {
    let of = announcement;
    let by = [
        (of.node_signature_1, of.node_id_1),
        (of.node_signature_2, of.node_id_2),
        (of.bitcoin_signature_1, of.bitcoin_key_1),
        (of.bitcoin_signature_2, of.bitcoin_key_2),
    ];
    let by = by.map(|(signature, key)| (signature, key.check().expect("a point")));
    Signed { digest: of.digest(), by: by.to_vec() }
}

impl Believed {
    /// How many channels and updates both know; they must be the same.
    pub fn count(&self) -> (usize, usize) {
        let ldk = self.ldk.read_only();
        let mut updates = 0;
        for (id, ours) in self.ours.channels() {
            let theirs = ldk.channel(id.0).expect("LDK knows it, too");
            assert_eq!(theirs.capacity_sats, Some(ours.capacity.to_sat()));
            let times = ours.updates.each_ref().map(|of| of.as_ref().map(|of| of.timestamp));
            let ldk_times = [&theirs.one_to_two, &theirs.two_to_one]
                .map(|of| of.as_ref().map(|of| of.last_update));
            assert_eq!(times, ldk_times, "both believe the same updates");
            updates += times.iter().flatten().count();
        }
        let (channels, nodes) = (self.ours.channels().count(), self.ours.nodes().count());
        assert_eq!(channels, ldk.channels().len(), "both believe the same channels");
        assert_eq!(nodes, ldk.nodes().len(), "both know the same nodes");
        (channels, updates)
    }
}

fn draw(random: &mut Random, from: &[usize]) -> usize {
    let end = u64::try_from(from.len()).expect("it is small");
    from[usize::try_from(random.below(end)).expect("it is small")]
}

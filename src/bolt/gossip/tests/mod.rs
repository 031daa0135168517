//! Gossip that is signed and funded, made for the occasion, and what nodes make of it.

mod network;
mod own;
mod queries;
mod relay;
mod reorgs;

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Transaction, TxOut};
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::own::{Asked, node_announcement};
use super::{
    Direction, FundingOutput, GossipId, Heard, KnownChannel, Network, Now, OwnChannel, Refusal,
};
use crate::bolt::features::Features;
use crate::bolt::tx::script;
use crate::bolt::units::{BlockHeight, CltvExpiryDelta, Msat, ShortChannelId};
use crate::bolt::wire::messages::{ChannelAnnouncement, ChannelUpdate, NodeAnnouncement};
use crate::bolt::wire::{Alias, ChannelId, Message};

/// A time, in seconds since 1970.
const TIME: u32 = 1_600_000_000;
/// The height of the newest block.
const HEIGHT: BlockHeight = BlockHeight(500);
/// What it is now.
const NOW: Now = Now { height: HEIGHT, time: TIME as u64 };

fn node_secret(number: u8) -> SecretKey {
    SecretKey::from_slice(&[number; 32]).unwrap()
}

fn node_key(number: u8) -> PublicKey {
    node_secret(number).public_key(SECP256K1)
}

/// Somebody who tells of gossip that is not its own.
fn peer(number: u8) -> PublicKey {
    node_key(200 + number)
}

/// A channel of two nodes, which go by their numbers.
#[derive(Clone, Copy, Debug)]
struct Ends {
    id: ShortChannelId,
    nodes: [u8; 2],
    /// Makes its funding keys others.
    keys: u8,
}

impl Ends {
    fn of(block: u32, transaction: u32, nodes: [u8; 2]) -> Self {
        Self { id: ShortChannelId::new(block, transaction, 0).unwrap(), nodes, keys: 100 }
    }

    fn funding_secret(&self, end: usize) -> SecretKey {
        SecretKey::from_slice(&[self.keys + u8::try_from(end).unwrap(); 32]).unwrap()
    }

    /// The channel as one of its ends sees it.
    fn own(&self, end: usize) -> OwnChannel {
        let keys = |end: usize| {
            let funding = self.funding_secret(end).public_key(SECP256K1);
            (node_key(self.nodes[end]), funding)
        };
        OwnChannel { short_channel_id: self.id, local: keys(end), remote: keys(1 - end) }
    }

    fn announcement(&self) -> ChannelAnnouncement {
        let half = |end: usize| {
            let (node, funding) = (node_secret(self.nodes[end]), self.funding_secret(end));
            self.own(end).signatures(ChannelId::ALL, &node, &funding).unwrap()
        };
        self.own(0).announcement(&half(0), &half(1)).unwrap()
    }

    /// What one end asks, and since when.
    fn update(&self, end: usize, timestamp: u32, fee_base_msat: u32) -> ChannelUpdate {
        let asked = Asked {
            cltv_expiry_delta: CltvExpiryDelta(40),
            htlc_minimum_msat: Msat(1),
            htlc_maximum_msat: Msat(1_000_000_000),
            fee_base_msat,
            fee_proportional_millionths: 100,
        };
        let secret = node_secret(self.nodes[end]);
        self.own(end).update(&secret, timestamp, false, asked).unwrap()
    }

    /// The transaction that funds it.
    fn transaction(&self) -> Transaction {
        let [one, two] = [0, 1].map(|end| self.funding_secret(end).public_key(SECP256K1));
        let sat = 1_000 * u64::from(self.id.block()) + u64::from(self.id.transaction());
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: Vec::new(),
            output: vec![TxOut {
                value: Amount::from_sat(sat),
                script_pubkey: script::funding(&one, &two).to_p2wsh(),
            }],
        }
    }

    /// What the chain says of it at a height.
    fn found(&self, height: BlockHeight) -> FundingOutput {
        let transaction = self.transaction();
        FundingOutput::Unspent {
            outpoint: OutPoint { txid: transaction.compute_txid(), vout: 0 },
            output: transaction.output[0].clone(),
            confirmations: height.0 + 1 - self.id.block(),
        }
    }
}

/// What a node says of itself.
fn introduction(number: u8, timestamp: u32) -> NodeAnnouncement {
    let secret = node_secret(number);
    node_announcement(&secret, Features::default(), timestamp, Alias([number; 32])).unwrap()
}

/// Gives a message to a network.
fn hear(network: &mut Network, from: PublicKey, message: &Message) -> Result<Heard, Refusal> {
    match message {
        Message::ChannelAnnouncement(channel) => network.receive_channel(from, channel),
        Message::ChannelUpdate(update) => network.receive_update(NOW, from, update),
        Message::NodeAnnouncement(node) => network.receive_node(from, node),
        other => panic!("{} is no gossip", other.name()),
    }
}

/// A network that knows these channels, and nothing else of them.
fn knowing(channels: &[Ends]) -> Network {
    let mut network = Network::default();
    for channel in channels {
        learn(&mut network, channel);
    }
    network
}

#[track_caller]
fn learn(network: &mut Network, channel: &Ends) {
    let heard = network.receive_channel(peer(1), &channel.announcement());
    assert_eq!(heard, Ok(Heard::LookUp(channel.id)));
    let settled = network.looked_up(NOW, channel.id, &channel.found(HEIGHT));
    let news = Ok(Heard::News(GossipId::Channel(channel.id)));
    assert_eq!(settled, [(peer(1), "channel_announcement", news)]);
}

/// All that a network knows.
fn all_of(network: &Network) -> (Vec<KnownChannel>, Vec<Option<NodeAnnouncement>>) {
    let channels = network.channels().map(|(_, channel)| channel.clone()).collect();
    let said = network.nodes().map(|(_, node)| node.announcement.as_deref().cloned());
    (channels, said.collect())
}

/// The end of a channel whose direction this is.
fn end_of(channel: &Ends, direction: Direction) -> usize {
    usize::from(channel.own(0).direction() != direction)
}

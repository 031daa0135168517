//! What a node believes of the network, told anything.
//!
//! The bytes are an order of events: channels of a few nodes are announced, updated, spent and asked
//! about, each message whole or with a bit flipped, and whatever is left of the bytes is taken for a
//! message.

use std::collections::BTreeSet;

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use boltlab::bolt::features::Features;
use boltlab::bolt::gossip::own::{Asked, OwnChannel, node_announcement};
use boltlab::bolt::gossip::{
    Filter, FundingOutput, GossipId, Heard, Network, Now, Relay, Said, Sync,
};
use boltlab::bolt::tx::script;
use boltlab::bolt::units::{BlockHeight, CltvExpiryDelta, Msat, ShortChannelId};
use boltlab::bolt::wire::{Alias, ChannelId, Message};
use secp256k1::PublicKey;

use super::input::{Input, point, secret};

/// The funding keys are other ones than the nodes'.
const FUNDING: u8 = 0x40;
const CAPACITY: Amount = Amount::from_sat(1_000_000);

/// Any order of gossip, blocks and time.
pub fn gossip(data: &[u8]) {
    let mut store = Store::new();
    store.begin();
    let mut input = Input(data);
    for _ in 0..32 {
        if input.0.is_empty() {
            break;
        }
        store.step(&mut input);
        store.check();
    }
    if let Ok(message) = Message::decode(input.0) {
        store.hear(&message);
        store.check();
    }
}

/// A network, the chain that it is held against, and a peer who asks.
struct Store {
    network: Network,
    relay: Relay,
    sync: Sync,
    now: Now,
    /// What the chain has, and has spent.
    spent: BTreeSet<ShortChannelId>,
}

/// A channel of two of these nodes, number `number` of its kind.
fn channel(one: u8, other: u8, number: u8) -> Option<OwnChannel> {
    let (one, other) = (1 + one % 5, 1 + other % 5);
    (one != other).then(|| OwnChannel {
        short_channel_id: ShortChannelId::new(100, number.into(), 0).expect("small numbers"),
        local: (point(one), point(FUNDING + one)),
        remote: (point(other), point(FUNDING + other)),
    })
}

/// The whole announcement of a channel.
fn announcement(one: u8, other: u8, number: u8) -> Option<Message> {
    let own = channel(one, other, number)?;
    let half = |own: &OwnChannel| {
        let node = byte_of(&own.local.0);
        own.signatures(ChannelId::ALL, &secret(node), &secret(FUNDING + node))
    };
    let (ours, theirs) = (half(&own)?, half(&own.flipped())?);
    own.announcement(&ours, &theirs).map(Message::from)
}

fn byte_of(key: &PublicKey) -> u8 {
    (0..=u8::MAX).find(|byte| *byte > 0 && point(*byte) == *key).expect("one of a few")
}

fn outpoint(id: ShortChannelId) -> OutPoint {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&id.0.to_be_bytes());
    OutPoint { txid: Txid::from_byte_array(bytes), vout: 0 }
}

impl Store {
    fn new() -> Self {
        Self {
            network: Network::default(),
            relay: Relay::default(),
            sync: Sync::default(),
            now: Now { height: BlockHeight(200), time: 1_600_000_000 },
            spent: BTreeSet::new(),
        }
    }

    /// A channel is there already, and one of its nodes has said what it asks: what follows is more than
    /// refusals.
    fn begin(&mut self) {
        self.step(&mut Input(&[0, 0, 1, 0]));
        self.step(&mut Input(&[2, 0, 1, 0, 130]));
        assert_eq!(self.told().len(), 2);
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let (what, one, other, number) = (input.byte(), input.byte(), input.byte(), input.byte());
        let number = number % 4;
        match what % 8 {
            0 | 1 => {
                let message = announcement(one, other, number);
                self.say(message, what, input);
            }
            2 | 3 => {
                let message = self.update(one, other, number, input.byte());
                self.say(message, what, input);
            }
            4 => {
                let node = secret(1 + one % 5);
                let time = u32::try_from(self.now.time).expect("of this century");
                let timestamp = time + u32::from(other);
                let alias = Alias([other; 32]);
                let announced = node_announcement(&node, Features::default(), timestamp, alias);
                self.say(announced.map(Message::from), what, input);
            }
            5 => self.mine(ShortChannelId::new(100, number.into(), 0), one),
            6 => {
                self.now.time += u64::from(one) * 3_600 * u64::from(other);
                self.network.prune(self.now.time);
                let peers = [(point(9), Filter::asked(&Filter::since(0)).expect("of this chain"))];
                for (_, message) in self.relay.flush(&self.network, self.now.time, &peers.into()) {
                    assert_eq!(Message::decode(&message.encode()), Ok(message));
                }
            }
            _ => {
                let length = usize::from(other);
                if let Ok(message) = Message::decode(input.bytes(length)) {
                    self.hear(&message);
                }
            }
        }
    }

    fn update(&self, one: u8, other: u8, number: u8, change: u8) -> Option<Message> {
        let own = channel(one, other, number)?;
        let asked = Asked {
            cltv_expiry_delta: CltvExpiryDelta(change.into()),
            htlc_minimum_msat: Msat(1),
            htlc_maximum_msat: Msat(u64::from(change) << 24),
            fee_base_msat: change.into(),
            fee_proportional_millionths: 100,
        };
        let time = u32::try_from(self.now.time).expect("of this century");
        let timestamp = time.wrapping_add(u32::from(change)).wrapping_sub(128);
        let disabled = change.is_multiple_of(7);
        let signed = own.update(&secret(byte_of(&own.local.0)), timestamp, disabled, asked);
        signed.map(Message::from)
    }

    /// Says a message, whole or with a bit flipped. Nobody believes a flipped one, for all bits count.
    fn say(&mut self, message: Option<Message>, what: u8, input: &mut Input<'_>) {
        let Some(message) = message else { return };
        if what < 128 {
            self.hear(&message);
            return;
        }
        let mut bytes = message.encode();
        input.flip_one(&mut bytes[2..]);
        let Ok(flipped) = Message::decode(&bytes) else { return };
        // A flipped id may be that of another channel, which nobody can have signed for either.
        let known = self.told();
        self.hear(&flipped);
        assert!(self.told().is_subset(&known), "{flipped:?} is believed");
    }

    /// All that would be passed on.
    fn told(&self) -> BTreeSet<Vec<u8>> {
        let told = self.network.all().filter_map(|id| self.network.told(&id));
        told.map(|(message, _)| message.encode()).collect()
    }

    fn hear(&mut self, message: &Message) {
        let (from, now) = (point(9), self.now);
        let heard = match Said::of(message) {
            Some(Said::ChannelAnnouncement(of)) => self.network.receive_channel(from, of),
            Some(Said::ChannelUpdate(of)) => self.network.receive_update(now, from, of),
            Some(Said::NodeAnnouncement(of)) => self.network.receive_node(from, of),
            Some(Said::QueryChannelRange(query)) => {
                let replies = self.network.answer_range(query, Some(2)).unwrap_or_default();
                for reply in replies {
                    assert_eq!(Message::decode(&reply.encode()), Ok(reply));
                }
                return;
            }
            Some(Said::QueryShortChannelIds(query)) => {
                if let Ok(answers) = self.network.answer_ids(query) {
                    assert!(matches!(answers.last(), Some(Message::ReplyShortChannelIdsEnd(_))));
                }
                return;
            }
            Some(Said::ReplyChannelRange(reply)) => {
                if matches!(self.sync, Sync::Idle) {
                    self.sync = Sync::begin(BlockHeight(0), u32::MAX, true).0;
                }
                let next = std::mem::take(&mut self.sync).receive_range(&self.network, reply);
                self.sync = next.map_or(Sync::Idle, |(next, _)| next);
                return;
            }
            Some(Said::ReplyShortChannelIdsEnd(end)) => {
                let next = std::mem::take(&mut self.sync).receive_end(end);
                self.sync = next.map_or(Sync::Idle, |(next, _)| next);
                return;
            }
            Some(Said::AnnouncementSignatures(_) | Said::GossipTimestampFilter(_)) | None => return,
        };
        match heard {
            Ok(Heard::News(id)) => self.relay.queue(id, from),
            Ok(Heard::LookUp(id)) => self.look_up(id),
            Ok(Heard::Known | Heard::Waiting) => {}
            Err(refusal) => assert!(!refusal.to_string().is_empty()),
        }
    }

    /// What the chain has: channel number n is of nodes n + 1 and n + 2, and the last two are not deep.
    fn look_up(&mut self, id: ShortChannelId) {
        let number = u8::try_from(id.transaction()).unwrap_or(u8::MAX);
        let found =
            if id != ShortChannelId::new(100, number.into(), 0).expect("small") || number > 3 {
                FundingOutput::Missing
            } else if self.spent.contains(&id) {
                FundingOutput::Spent
            } else {
                let (one, other) = (point(FUNDING + number + 1), point(FUNDING + number + 2));
                let script_pubkey = script::funding(&one, &other).to_p2wsh();
                let output = TxOut { value: CAPACITY, script_pubkey };
                let depth = [6, 6, 5, 1][usize::from(number)];
                let confirmations = depth + self.now.height.0.saturating_sub(200);
                FundingOutput::Unspent { outpoint: outpoint(id), output, confirmations }
            };
        for (from, _, heard) in self.network.looked_up(self.now, id, &found) {
            if let Ok(Heard::News(id)) = heard {
                self.relay.queue(id, from);
            }
        }
    }

    /// A block that spends a funding output, or that goes again.
    fn mine(&mut self, id: Option<ShortChannelId>, change: u8) {
        let Some(id) = id else { return };
        if change.is_multiple_of(3) {
            self.network.disconnect(self.now.height);
            return;
        }
        let input = TxIn {
            previous_output: outpoint(id),
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        };
        let spend = Transaction {
            version: bitcoin::transaction::Version::TWO,
            lock_time: bitcoin::absolute::LockTime::ZERO,
            input: vec![input],
            output: Vec::new(),
        };
        self.spent.insert(id);
        self.now.height = BlockHeight(self.now.height.0 + 1);
        let (due, _) = self.network.connect(self.now.height, &[spend]);
        for id in due {
            self.look_up(id);
        }
        for _ in 0..change {
            self.now.height = BlockHeight(self.now.height.0 + 1);
            let (due, _) = self.network.connect(self.now.height, &[]);
            for id in due {
                self.look_up(id);
            }
        }
    }

    /// Channels and nodes know each other, and nothing is told that nobody could use.
    fn check(&self) {
        let mut named = BTreeSet::new();
        for (id, channel) in self.network.channels() {
            assert_eq!(channel.announcement.short_channel_id, *id);
            assert_eq!(channel.capacity, CAPACITY);
            for node in channel.announcement.node_ids() {
                let node = self.network.node(&node).expect("a node with a channel is known");
                assert!(node.channels.contains(id));
            }
            named.insert(*id);
        }
        for (_, node) in self.network.nodes() {
            assert!(!node.channels.is_empty() && node.channels.is_subset(&named));
        }
        for id in self.network.all() {
            if let (GossipId::Channel(channel), Some(_)) = (id, self.network.told(&id)) {
                let known = self.network.channel(channel).expect("it is told");
                assert!(known.gone.is_none() && known.updates.iter().any(Option::is_some));
            }
        }
    }
}

/// An order of events in which everything is believed at first.
pub(super) fn seeds() -> impl Iterator<Item = Vec<u8>> {
    let announced = [0, 0, 1, 0];
    let orders: [&[[u8; 5]]; 3] = [
        &[[2, 0, 1, 0, 130], [2, 1, 0, 0, 131]],
        &[[2, 0, 1, 0, 130], [5, 1, 0, 0, 0], [5, 80, 0, 0, 0]],
        &[[2, 0, 1, 0, 130], [6, 1, 1, 0, 0], [6, 255, 255, 0, 0]],
    ];
    let messages = super::message::samples().filter(|bytes| bytes[0] == 1);
    let queries = messages.map(|bytes| [&[7, 0, 255, 0][..], &bytes].concat());
    let orders = orders.into_iter().map(move |order| [&announced[..], &order.concat()].concat());
    let more = (0..4).map(|n| [0, n, n + 1, n, 2, n, n + 1, n, 130, 5, 1, 0, n].to_vec());
    // With a bit flipped, all over the message.
    let flipped_update = (0..40_u8).map(|n| [0, 0, 1, 0, 130, 0, 1, 0, 130, 0, 3 * n, n].to_vec());
    let flipped_channel =
        (0..40_u8).map(|n| [128, 0, 1, 0, n / 24, n.wrapping_mul(11), n].to_vec());
    orders.chain(queries).chain(more).chain(flipped_update).chain(flipped_channel)
}

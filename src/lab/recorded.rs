//! The bench for the tests of the audit: a pair of nodes, and the trace of all that happens between
//! them.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{Amount, BlockHash, ScriptBuf, Transaction, TxOut};

use crate::bolt::channel::Purpose;
use crate::bolt::features::Features;
use crate::bolt::tx::ChannelType;
use crate::bolt::units::{FeeratePerKw, Msat};
use crate::node::pair::{ALICE, BOB, Pair};
use crate::node::{Node, NodeCommand, Seed};
use crate::scenario::{ChannelName, RoleKind, RoleName};
use crate::trace::{Answer, CastEntry, ChannelEntry, Entry, Event, RawTransaction, Trace};

/// What the secrets of the nodes are derived from.
pub(super) const SEED: &str = "recorded";

/// The name of a role.
pub(super) fn role(name: &str) -> RoleName {
    name.parse().unwrap()
}

/// A pair of nodes and all that happens between them.
#[derive(Clone)]
pub(super) struct Recorded {
    pub(super) pair: Pair,
    pub(super) trace: Trace,
    /// Who the two are, and from what their secrets come.
    pub(super) roles: [RoleName; 2],
    pub(super) seeds: [&'static str; 2],
    pub(super) channel: ChannelName,
    /// Where the two are paid on chain.
    pub(super) wallets: [ScriptBuf; 2],
}

impl Recorded {
    /// Alice and Bob, who support this, and are connected.
    pub(super) fn with_features(features: &Features) -> Self {
        Self::between(["alice", "bob"], ["alice", "bob"], "ab", features)
    }

    /// Two roles with secrets from these seeds and a coin each: 1 BTC and 0.5 BTC.
    pub(super) fn between(
        roles: [&str; 2],
        seeds: [&'static str; 2],
        channel: &str,
        features: &Features,
    ) -> Self {
        let mut pair = Pair::new();
        pair.lose_connection();
        let node = |seed| Node::new(Seed::derive(SEED, seed), pair.height, FeeratePerKw(1_000));
        pair.nodes = seeds.map(node);
        let (roles, channel) = (roles.map(role), channel.parse().unwrap());
        let wallets = [ALICE, BOB].map(|node| pair.nodes[node].wallet().script().clone());
        let trace = Trace { entries: Vec::new() };
        let mut recorded = Self { pair, trace, roles, seeds, channel, wallets };
        let cast = [ALICE, BOB].map(|node| CastEntry {
            name: recorded.roles[node].clone(),
            kind: RoleKind::Honest,
            node_id: recorded.pair.id(node),
            wallet: recorded.wallets[node].clone(),
        });
        let [from, to] = recorded.roles.clone();
        recorded.tell(Event::Scenario {
            title: String::new(),
            cast: cast.into(),
            channels: vec![ChannelEntry { name: recorded.channel.clone(), from, to }],
            height: recorded.pair.height,
        });
        let coin = |(node, sat): (usize, u64)| TxOut {
            value: Amount::from_sat(sat),
            script_pubkey: recorded.wallets[node].clone(),
        };
        let coins = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: Vec::new(),
            output: [(ALICE, 100_000_000), (BOB, 50_000_000)].map(coin).into(),
        };
        recorded.mine(&[coins]);
        for node in [ALICE, BOB] {
            recorded.pair.command(node, NodeCommand::SetFeatures(features.clone())).unwrap();
        }
        recorded.pair.connect();
        recorded.pair.drive();
        recorded
    }

    /// Opens a channel of 1,000,000 sat, of which the second role has this much.
    pub(super) fn open(&mut self, channel_type: ChannelType, push: Msat) {
        self.pair.open(channel_type, push);
        self.drive();
        let funding = std::mem::take(&mut self.pair.mempool).remove(0).1;
        self.mine(&[funding]);
        (0..3).for_each(|_| self.pair.mine_these(Vec::new()));
        self.drive();
    }

    /// This side may cheat.
    pub(super) fn cheats(&mut self, node: usize) {
        for entry in &mut self.trace.entries {
            if let Event::Scenario { cast, .. } = &mut entry.event {
                cast[node].kind = RoleKind::Cheat;
            }
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.trace.entries.push(Entry { step: None, event });
    }

    /// Delivers all messages, and those that answer them.
    pub(super) fn drive(&mut self) {
        while !self.pair.wire.is_empty() {
            self.deliver();
        }
    }

    /// Delivers the next message.
    pub(super) fn deliver(&mut self) {
        let (to, message) = self.pair.wire.front().cloned().expect("a message on its way");
        let channel = message.channel_id().map(|_| self.channel.clone());
        let [from, to] = [1 - to, to].map(|node| self.roles[node].clone());
        self.tell(Event::Message { from, to, channel, message });
        self.pair.deliver(|_| {});
    }

    /// Mines these transactions, and shows them to the nodes.
    pub(super) fn mine(&mut self, transactions: &[Transaction]) {
        self.pair.mine_these(transactions.to_vec());
        self.confirm(transactions);
    }

    /// Mines these transactions, and the nodes have no part in it.
    pub(super) fn confirm(&mut self, transactions: &[Transaction]) {
        let height = self.pair.height;
        self.tell(Event::Mined {
            from: height,
            to: height,
            tip: BlockHash::all_zeros(),
            transactions: transactions.iter().cloned().map(RawTransaction).collect(),
            full: false,
        });
    }

    /// `by` publishes a transaction, as far as anybody sees.
    pub(super) fn publish(&mut self, by: usize, transaction: &Transaction) {
        self.tell(Event::Published {
            by: self.roles[by].clone(),
            purpose: Some(Purpose::Closing),
            txid: transaction.compute_txid(),
            transaction: RawTransaction(transaction.clone()),
            answer: Answer::Accepted,
        });
    }

    /// The same without the messages of this name.
    pub(super) fn without(&self, name: &str) -> Self {
        let mut recorded = self.clone();
        recorded.trace.entries.retain(
            |entry| !matches!(&entry.event, Event::Message { message, .. } if message.name() == name),
        );
        recorded
    }
}

//! Nodes in a row, each with a channel to the next: the bench for payments over several hops.
//! Messages wait in one queue for each direction of each channel, so that a test may have them
//! cross in any order that a network can bring about.

use std::collections::{BTreeMap, VecDeque};

use bitcoin::absolute::LockTime;
use bitcoin::hashes::sha256;
use bitcoin::transaction::Version;
use bitcoin::{Amount, Transaction, TxOut};

use super::pair::block;
use super::{
    ChannelHandle, InvoiceRequest, Node, NodeCommand, NodeError, NodeEvent, NodeInput, NodeOutput,
    OpenRequest, PathHop, PayRequest, Payee, PaymentEvent, RelayPolicy, Seed, Setback,
};
use crate::bolt::channel::{ChannelEvent, Commitments, Phase};
use crate::bolt::tx::ChannelType;
use crate::bolt::units::{BlockHeight, FeeratePerKw, Msat};
use crate::bolt::wire::{Message, Variations};

pub(super) struct Line {
    pub(super) nodes: Vec<Node>,
    /// Messages on their way, by sender and receiver.
    wires: BTreeMap<(usize, usize), VecDeque<Message>>,
    mempool: Vec<Transaction>,
    height: BlockHeight,
    pub(super) channels: Vec<ChannelHandle>,
    /// The invoices that were made, with their hashes.
    pub(super) invoices: Vec<(sha256::Hash, String)>,
    pub(super) payments: Vec<(usize, PaymentEvent)>,
    /// What was told of broken rules: nothing, if all goes well.
    pub(super) violations: Vec<(usize, String)>,
}

/// What each side of each channel owns at the start.
pub(super) const HALF: Msat = Msat(500_000_000);

impl Line {
    /// So many nodes with channels of 1,000,000 sat, half of it on each side.
    #[track_caller]
    pub(super) fn new(count: usize) -> Self {
        let height = BlockHeight(100);
        let node = |number: usize| {
            Node::new(Seed::derive("line", &number.to_string()), height, FeeratePerKw(1_000))
        };
        let mut line = Self {
            nodes: (0..count).map(node).collect(),
            wires: BTreeMap::new(),
            mempool: Vec::new(),
            height,
            channels: Vec::new(),
            invoices: Vec::new(),
            payments: Vec::new(),
            violations: Vec::new(),
        };
        let coin = |node: &Node| Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: Vec::new(),
            output: vec![TxOut {
                value: Amount::ONE_BTC,
                script_pubkey: node.wallet().script().clone(),
            }],
        };
        let coins = line.nodes.iter().map(coin).collect();
        line.mine(coins);
        for opener in 0..count - 1 {
            let (one, other) = (line.nodes[opener].id(), line.nodes[opener + 1].id());
            line.input(opener, NodeInput::Connected(other)).unwrap();
            line.input(opener + 1, NodeInput::Connected(one)).unwrap();
            line.drive();
            line.open(opener);
        }
        line
    }

    #[track_caller]
    fn open(&mut self, opener: usize) {
        self.channels.push(self.nodes[opener].next_channel());
        let request = OpenRequest {
            peer: self.nodes[opener + 1].id(),
            capacity: Amount::from_sat(1_000_000),
            push: HALF,
            channel_type: ChannelType::Anchors,
            variations: Variations::default(),
            announced: false,
            feerate: FeeratePerKw(1_000),
        };
        self.command(opener, NodeCommand::Open(request)).unwrap();
        self.drive();
        for _ in 0..3 {
            let mempool = std::mem::take(&mut self.mempool);
            self.mine(mempool);
            self.drive();
        }
    }

    /// Loses the connection of a node with the next one, and all that is on its way there.
    pub(super) fn lose_connection(&mut self, first: usize) {
        for (from, to) in [(first, first + 1), (first + 1, first)] {
            self.wires.remove(&(from, to));
            let peer = self.nodes[to].id();
            self.input(from, NodeInput::Disconnected(peer)).unwrap();
        }
    }

    /// Connects a node with the next one, unless they are connected.
    pub(super) fn connect(&mut self, first: usize) {
        let (one, other) = (self.nodes[first].id(), self.nodes[first + 1].id());
        if !self.nodes[first].is_connected(&other) {
            self.lose_connection(first);
            self.input(first, NodeInput::Connected(other)).unwrap();
            self.input(first + 1, NodeInput::Connected(one)).unwrap();
        }
    }

    fn mine(&mut self, transactions: Vec<Transaction>) {
        self.height = BlockHeight(self.height.0 + 1);
        let event = block(self.height, transactions);
        for node in 0..self.nodes.len() {
            self.input(node, NodeInput::Chain(event.clone())).unwrap();
        }
    }

    pub(super) fn command(&mut self, node: usize, command: NodeCommand) -> Result<(), NodeError> {
        self.input(node, NodeInput::Command(command))
    }

    pub(super) fn input(&mut self, node: usize, input: NodeInput) -> Result<(), NodeError> {
        for output in self.nodes[node].step(input)? {
            match output {
                NodeOutput::Send { to, message } => {
                    let message = Message::decode(&message.encode()).unwrap();
                    let to = self.nodes.iter().position(|node| node.id() == to).expect("a node");
                    self.wires.entry((node, to)).or_default().push_back(message);
                }
                NodeOutput::Broadcast { transaction, .. } => self.mempool.push(transaction),
                NodeOutput::BroadcastPackage { transactions, .. } => {
                    self.mempool
                        .extend(transactions.into_iter().map(|(transaction, _)| transaction));
                }
                NodeOutput::Disconnect { .. } => panic!("a node hung up"),
                NodeOutput::LookUp(_) => panic!("its channels are not announced"),
                NodeOutput::Event(event) => self.note(node, event),
            }
        }
        Ok(())
    }

    fn note(&mut self, node: usize, event: NodeEvent) {
        match event {
            NodeEvent::Invoice { payment_hash, invoice } => {
                self.invoices.push((payment_hash, invoice));
            }
            NodeEvent::Payment { event, .. } => self.payments.push((node, event)),
            NodeEvent::Channel { event: ChannelEvent::Violation { message, .. }, .. } => {
                self.violations.push((node, message));
            }
            NodeEvent::Channel { .. }
            | NodeEvent::Gossip { .. }
            | NodeEvent::Flare { .. }
            | NodeEvent::Offer { .. }
            | NodeEvent::Message(_)
            | NodeEvent::Peer { .. } => {}
        }
    }

    /// Delivers the oldest message of one direction, the `choice`-th of those that have any.
    #[track_caller]
    pub(super) fn deliver(&mut self, choice: usize) {
        let waiting: Vec<(usize, usize)> =
            self.wires.iter().filter(|(_, queue)| !queue.is_empty()).map(|(way, _)| *way).collect();
        let Some((from, to)) = waiting.get(choice % waiting.len().max(1)).copied() else { return };
        let message = self.wires.get_mut(&(from, to)).and_then(VecDeque::pop_front);
        let from = self.nodes[from].id();
        self.input(to, NodeInput::Message { from, message: message.expect("one") }).unwrap();
    }

    /// Delivers all messages, and those that answer them.
    #[track_caller]
    pub(super) fn drive(&mut self) {
        while self.wires.values().any(|queue| !queue.is_empty()) {
            self.deliver(0);
        }
    }

    /// The path from one node to another.
    pub(super) fn path(&self, from: usize, to: usize) -> Vec<PathHop> {
        let stations: Vec<usize> =
            if from < to { (from..=to).collect() } else { (to..=from).rev().collect() };
        stations
            .windows(2)
            .map(|pair| {
                let handle = self.channels[pair[0].min(pair[1])];
                let phase = &self.nodes[pair[0]].channel(&handle).expect("a channel").phase;
                PathHop {
                    node_id: self.nodes[pair[1]].id(),
                    channel: phase.short_channel_id().expect("a channel in use"),
                    relay: RelayPolicy::default(),
                }
            })
            .collect()
    }

    /// Has `to` make an invoice, and `from` pay so much of it; the hash.
    pub(super) fn pay(
        &mut self,
        from: usize,
        to: usize,
        asked: Msat,
        paid: Msat,
    ) -> Result<sha256::Hash, NodeError> {
        self.command(to, NodeCommand::Invoice(InvoiceRequest::of(asked)))?;
        let (hash, invoice) = self.invoices.last().expect("an invoice").clone();
        let parts = vec![(paid, self.path(from, to))];
        let payee = Payee::Invoice(invoice);
        self.command(from, NodeCommand::Pay(PayRequest { payee, parts })).map(|()| hash)
    }

    /// How a payment ended for its payer.
    pub(super) fn ending(&self, of: &sha256::Hash) -> Option<&PaymentEvent> {
        self.payments.iter().map(|(_, event)| event).find(|event| event.ends(of))
    }

    /// Why a payment came back.
    #[track_caller]
    pub(super) fn setback(&self, of: &sha256::Hash) -> &Setback {
        match self.ending(of) {
            Some(PaymentEvent::Failed { setback, .. }) => setback,
            other => panic!("not failed: {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn phase(&self, node: usize, channel: usize) -> &Phase {
        &self.nodes[node].channel(&self.channels[channel]).expect("a channel").phase
    }

    #[track_caller]
    pub(super) fn commitments(&self, node: usize, channel: usize) -> &Commitments {
        self.phase(node, channel).commitments().expect("commitments")
    }

    /// All that a node owns in its channels.
    pub(super) fn wealth(&self, node: usize) -> Msat {
        let channels = self.nodes[node].channels();
        let balances = channels.filter_map(|(_, c)| Some(c.phase.commitments()?.settled().0));
        balances.fold(Msat::ZERO, |sum, balance| sum.checked_add(balance).expect("no overflow"))
    }
}

//! Two nodes, the messages between them and a chain that takes what it is given: the bench on
//! which the tests of the state machines stand. The lab has the real chain.

use std::collections::VecDeque;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::sha256;
use bitcoin::transaction::Version;
use bitcoin::{Amount, Transaction, TxIn, TxOut};
use secp256k1::PublicKey;

use super::{
    ChannelHandle, ChannelPolicy, InvoiceRequest, Node, NodeCommand, NodeError, NodeEvent,
    NodeInput, NodeOutput, OpenRequest, PathHop, PayRequest, Payee, PaymentEvent, PeerEvent,
    RelayPolicy, Seed,
};
use crate::bolt::channel::{ChainEvent, ChannelEvent, Commitments, Phase, Purpose};
use crate::bolt::invoice;
use crate::bolt::tx::ChannelType;
use crate::bolt::units::{BlockHeight, FeeratePerKw, Msat};
use crate::bolt::wire::{Message, ShortChannelId, Variations};

pub(crate) const ALICE: usize = 0;
pub(crate) const BOB: usize = 1;

#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) nodes: [Node; 2],
    /// Messages on their way: the receiver, and what it receives.
    pub(crate) wire: VecDeque<(usize, Message)>,
    /// What was published and is not mined yet.
    pub(crate) mempool: Vec<(Purpose, Transaction)>,
    pub(crate) events: Vec<(usize, ChannelEvent)>,
    pub(crate) height: BlockHeight,
    pub(crate) invoices: Vec<String>,
    pub(crate) payments: Vec<(usize, PaymentEvent)>,
    /// What the nodes said of the connection.
    pub(crate) told: Vec<(usize, PeerEvent)>,
    /// Whether the nodes are connected.
    pub(crate) is_connected: bool,
}

impl Pair {
    /// Two nodes; Alice has 1 BTC.
    pub(crate) fn new() -> Self {
        Self::with_feerates(FeeratePerKw(1_000), FeeratePerKw(1_000))
    }

    /// The same, with the fee rates at which Alice and Bob close and claim.
    pub(crate) fn with_feerates(alice: FeeratePerKw, bob: FeeratePerKw) -> Self {
        let height = BlockHeight(100);
        let node = |role, feerate| Node::new(Seed::derive("pair", role), height, feerate);
        let mut pair = Self {
            nodes: [node("alice", alice), node("bob", bob)],
            wire: VecDeque::new(),
            mempool: Vec::new(),
            events: Vec::new(),
            height,
            invoices: Vec::new(),
            payments: Vec::new(),
            told: Vec::new(),
            is_connected: false,
        };
        let script_pubkey = pair.nodes[ALICE].wallet().script().clone();
        let coin = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: Vec::new(),
            output: vec![TxOut { value: Amount::ONE_BTC, script_pubkey }],
        };
        pair.mine_these(vec![coin]);
        pair.connect();
        pair.drive();
        pair
    }

    /// A channel of 1,000,000 sat from Alice, in use.
    #[track_caller]
    pub(crate) fn normal(channel_type: ChannelType) -> Self {
        Self::new().opened(channel_type)
    }

    /// Opens a channel of 1,000,000 sat from Alice and puts it in use.
    #[track_caller]
    pub(crate) fn opened(mut self, channel_type: ChannelType) -> Self {
        self.open(channel_type, Msat::ZERO);
        self.drive();
        self.mine(3);
        assert_eq!(self.phases(), ["normal", "normal"]);
        self
    }

    /// A channel of 1,000,000 sat from Alice, to ask for.
    pub(crate) fn request(&self, channel_type: ChannelType, push: Msat) -> OpenRequest {
        OpenRequest {
            peer: self.id(BOB),
            capacity: Amount::from_sat(1_000_000),
            push,
            channel_type,
            variations: Variations::default(),
            announced: false,
            feerate: FeeratePerKw(1_000),
        }
    }

    pub(crate) fn open(&mut self, channel_type: ChannelType, push: Msat) {
        let dust_limit = ChannelPolicy::default().dust_limit;
        self.open_with_dust([dust_limit; 2], channel_type, push);
    }

    /// The same, with the dust limits of Alice and Bob.
    pub(crate) fn open_with_dust(
        &mut self,
        dust_limits: [Amount; 2],
        channel_type: ChannelType,
        push: Msat,
    ) {
        let request = self.request(channel_type, push);
        for node in [ALICE, BOB] {
            let policy =
                ChannelPolicy { dust_limit: dust_limits[node], ..ChannelPolicy::default() };
            let set = NodeCommand::SetPolicy(self.id(1 - node), policy);
            self.command(node, set).unwrap();
        }
        self.command(ALICE, NodeCommand::Open(request)).unwrap();
    }

    pub(crate) fn id(&self, node: usize) -> PublicKey {
        self.nodes[node].id()
    }

    #[track_caller]
    pub(crate) fn handle(&self) -> ChannelHandle {
        *self.nodes[ALICE].channels().next().expect("a channel").0
    }

    #[track_caller]
    pub(crate) fn phase(&self, node: usize) -> &Phase {
        &self.nodes[node].channels().next().expect("a channel").1.phase
    }

    #[track_caller]
    pub(crate) fn phases(&self) -> [&'static str; 2] {
        [ALICE, BOB].map(|node| self.phase(node).name())
    }

    #[track_caller]
    pub(crate) fn commitments(&self, node: usize) -> &Commitments {
        self.phase(node).commitments().expect("commitments")
    }

    pub(crate) fn command(&mut self, node: usize, command: NodeCommand) -> Result<(), NodeError> {
        self.input(node, NodeInput::Command(command))
    }

    pub(crate) fn input(&mut self, node: usize, input: NodeInput) -> Result<(), NodeError> {
        let outputs = self.nodes[node].step(input)?;
        self.take(node, outputs);
        Ok(())
    }

    /// Does what a node wants.
    pub(crate) fn take(&mut self, node: usize, outputs: Vec<NodeOutput>) {
        for output in outputs {
            match output {
                NodeOutput::Send { message, .. } => {
                    // Through the codec, as over a wire.
                    let message = Message::decode(&message.encode()).unwrap();
                    self.wire.push_back((1 - node, message));
                }
                NodeOutput::Broadcast { transaction, purpose, .. } => {
                    self.mempool.push((purpose, transaction));
                }
                NodeOutput::BroadcastPackage { transactions, .. } => {
                    let pairs = transactions.into_iter().map(|(tx, purpose)| (purpose, tx));
                    self.mempool.extend(pairs);
                }
                NodeOutput::Disconnect { .. } => self.is_connected = false,
                NodeOutput::Event(NodeEvent::Peer { event, .. }) => self.told.push((node, event)),
                NodeOutput::Event(NodeEvent::Channel { event, .. }) => {
                    self.events.push((node, event));
                }
                NodeOutput::Event(NodeEvent::Invoice { invoice, .. }) => {
                    self.invoices.push(invoice);
                }
                NodeOutput::LookUp(_) => panic!("its channels are not announced"),
                NodeOutput::Event(
                    NodeEvent::Offer { .. }
                    | NodeEvent::Message(_)
                    | NodeEvent::Gossip { .. }
                    | NodeEvent::Flare { .. },
                ) => {}
                NodeOutput::Event(NodeEvent::Payment { event, .. }) => {
                    self.payments.push((node, event));
                }
            }
        }
    }

    /// Connects the nodes: each sends `init`.
    #[track_caller]
    pub(crate) fn connect(&mut self) {
        self.is_connected = true;
        for node in [ALICE, BOB] {
            self.input(node, NodeInput::Connected(self.id(1 - node))).unwrap();
        }
    }

    /// Loses the connection, and all that is on its way.
    #[track_caller]
    pub(crate) fn lose_connection(&mut self) {
        self.is_connected = false;
        self.wire.clear();
        for node in [ALICE, BOB] {
            self.input(node, NodeInput::Disconnected(self.id(1 - node))).unwrap();
        }
    }

    /// Loses the connection and makes a new one, over which the nodes say what they have.
    #[track_caller]
    pub(crate) fn reconnect(&mut self) {
        self.lose_connection();
        self.connect();
        self.drive();
    }

    /// Delivers the next message, after `change` has had its way with it.
    #[track_caller]
    pub(crate) fn deliver(&mut self, change: impl FnOnce(&mut Message)) {
        let (to, mut message) = self.wire.pop_front().expect("a message on its way");
        change(&mut message);
        let from = self.id(1 - to);
        self.input(to, NodeInput::Message { from, message }).unwrap();
    }

    /// Delivers so many messages, one by one, as long as there are any; how many it were.
    #[track_caller]
    pub(crate) fn deliver_some(&mut self, count: usize) -> usize {
        let mut delivered = 0;
        while delivered < count && !self.wire.is_empty() {
            self.deliver(|_| {});
            delivered += 1;
        }
        delivered
    }

    /// Delivers the oldest message to this side, if there is one. Each direction keeps its order;
    /// between the two there is none.
    #[track_caller]
    pub(crate) fn deliver_to(&mut self, side: usize) {
        if let Some(position) = self.wire.iter().position(|(to, _)| *to == side) {
            let (to, message) = self.wire.remove(position).expect("a message");
            let from = self.id(1 - to);
            self.input(to, NodeInput::Message { from, message }).unwrap();
        }
    }

    /// Delivers messages until one of this name is next.
    #[track_caller]
    pub(crate) fn until(&mut self, name: &str) {
        while self.wire.front().expect("a message on its way").1.name() != name {
            self.deliver(|_| {});
        }
    }

    /// Delivers all messages, and those that answer them.
    #[track_caller]
    pub(crate) fn drive(&mut self) {
        while !self.wire.is_empty() {
            self.deliver(|_| {});
        }
    }

    pub(crate) fn offer(&mut self, from: usize, amount: Msat) -> Result<(), NodeError> {
        self.command(1 - from, NodeCommand::Invoice(InvoiceRequest::of(amount)))?;
        self.pay_last_invoice(from, amount)
    }

    fn pay_last_invoice(&mut self, from: usize, amount: Msat) -> Result<(), NodeError> {
        let payee = Payee::Invoice(self.invoices.last().unwrap().clone());
        let hop = PathHop {
            node_id: self.id(1 - from),
            channel: self.phase(from).name_for_senders().unwrap_or(ShortChannelId(0)),
            relay: RelayPolicy::default(),
        };
        self.command(from, NodeCommand::Pay(PayRequest { payee, parts: vec![(amount, vec![hop])] }))
    }

    /// Has the other side make this invoice, and `from` offer an HTLC for it.
    #[track_caller]
    pub(crate) fn hold(&mut self, from: usize, request: &InvoiceRequest) {
        self.command(1 - from, NodeCommand::Invoice(request.clone())).unwrap();
        self.pay_last_invoice(from, request.amount.expect("an amount")).unwrap();
    }

    /// The hash of the last invoice.
    #[track_caller]
    pub(crate) fn held(&self) -> sha256::Hash {
        let text = self.invoices.last().expect("an invoice");
        invoice::decode(text).expect("readable").payment_hash()
    }

    #[track_caller]
    pub(crate) fn pay(&mut self, from: usize, amount: Msat) {
        self.offer(from, amount).unwrap();
        self.drive();
    }

    /// Mines all that was published, then empty blocks; `blocks` in all.
    #[track_caller]
    pub(crate) fn mine(&mut self, blocks: u32) {
        for _ in 0..blocks {
            let mempool = std::mem::take(&mut self.mempool);
            self.mine_these(mempool.into_iter().map(|(_, transaction)| transaction).collect());
            self.drive();
        }
    }

    pub(crate) fn mine_these(&mut self, transactions: Vec<Transaction>) {
        self.height = BlockHeight(self.height.0 + 1);
        let event = block(self.height, transactions);
        for node in [ALICE, BOB] {
            self.input(node, NodeInput::Chain(event.clone())).unwrap();
        }
    }

    /// Takes the newest block back.
    pub(crate) fn disconnect(&mut self) {
        let event = ChainEvent::Disconnected { height: self.height };
        self.height = BlockHeight(self.height.0 - 1);
        for node in [ALICE, BOB] {
            self.input(node, NodeInput::Chain(event.clone())).unwrap();
        }
    }

    /// The requirement whose violation this node told of.
    #[track_caller]
    pub(crate) fn violation(&self, node: usize) -> &str {
        let found = self.events.iter().find_map(|(at, event)| match event {
            ChannelEvent::Violation { requirement, .. } if *at == node => Some(requirement),
            _ => None,
        });
        found.expect("a violation")
    }

    pub(crate) fn published(&self, purpose: Purpose) -> Option<&Transaction> {
        self.mempool.iter().find(|(of, _)| *of == purpose).map(|(_, transaction)| transaction)
    }
}

/// A block with these transactions behind its coinbase.
pub(crate) fn block(height: BlockHeight, transactions: Vec<Transaction>) -> ChainEvent {
    let coinbase = Transaction {
        version: Version::TWO,
        lock_time: LockTime::from_consensus(height.0),
        input: vec![TxIn::default()],
        output: Vec::new(),
    };
    let transactions = [vec![coinbase], transactions].concat();
    ChainEvent::Connected { height, transactions }
}

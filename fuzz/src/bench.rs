//! Two nodes, the messages between them and a chain: every step of either is watched.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Transaction, TxIn, TxOut};
use boltlab::bolt::channel::{ChainEvent, ChannelEvent, Phase, Purpose};
use boltlab::bolt::features::{Feature, Features};
use boltlab::bolt::tx::ChannelType;
use boltlab::bolt::units::{BlockHeight, CommitmentNumber, FeeratePerKw, Msat};
use boltlab::bolt::wire::{Message, ShortChannelId, Variations};
use boltlab::node::{
    ChannelHandle, ChannelPolicy, InvoiceRequest, Node, NodeChannel, NodeCommand, NodeEvent,
    NodeInput, NodeOutput, OpenRequest, PathHop, PayRequest, Payee, RelayPolicy, Seed,
    default_features,
};
use secp256k1::PublicKey;

const SIDES: [usize; 2] = [0, 1];
const CAPACITY: Amount = Amount::from_sat(1_000_000);
/// What the opener gives the other side at first, so that both can pay.
const PUSH: Msat = Msat(300_000_000);
/// Messages that have been on their way are kept, to be repeated.
const MOST_KEPT: usize = 64;

#[derive(Clone)]
pub(super) struct Bench {
    nodes: [Node; 2],
    handle: ChannelHandle,
    /// Messages on their way to each side.
    wire: [VecDeque<Message>; 2],
    /// Messages that were on their way to each side.
    past: [Vec<Vec<u8>>; 2],
    is_connected: bool,
    height: BlockHeight,
    /// Outputs that can be spent, mined or not.
    unspent: BTreeMap<OutPoint, Amount>,
    mempool: Vec<Transaction>,
    invoices: Vec<String>,
    /// Hashes of invoices whose HTLCs wait for a decision, by who made them.
    held: Vec<(usize, bitcoin::hashes::sha256::Hash)>,
    /// The secrets with which each side has revoked its own commitments.
    revealed: [BTreeSet<[u8; 32]>; 2],
    /// Whether every message came as it was sent.
    is_faithful: bool,
}

impl Bench {
    /// Two nodes with a channel in use.
    pub(super) fn with_channel(channel_type: ChannelType) -> Self {
        let mut bench = Self::connected(&default_features());
        bench.open(channel_type, Variations::default());
        for _ in 0..3 {
            bench.mine(1);
            bench.deliver_all();
        }
        bench.checked()
    }

    /// Two nodes with a channel in use whose funding no block has.
    pub(super) fn with_unconfirmed_channel() -> Self {
        let known = [Feature::SCID_ALIAS, Feature::ZEROCONF, Feature::SIMPLE_CLOSE];
        let mut bench =
            Self::connected(&known.into_iter().fold(default_features(), Features::offering));
        for side in SIDES {
            let policy = ChannelPolicy {
                accepts_zeroconf: true,
                max_dust_htlc_exposure: Msat(1_000_000),
                ..ChannelPolicy::default()
            };
            bench.command(side, NodeCommand::SetPolicy(bench.id(1 - side), policy));
        }
        bench.open(ChannelType::Anchors, Variations { scid_alias: true, zeroconf: true });
        bench.checked()
    }

    /// Two nodes that are connected and have coins.
    fn connected(features: &Features) -> Self {
        let height = BlockHeight(100);
        let node = |role| Node::new(Seed::derive("fuzz", role), height, FeeratePerKw(1_000));
        let mut bench = Self {
            nodes: ["alice", "bob"].map(node),
            handle: ChannelHandle::ALL,
            wire: Default::default(),
            past: Default::default(),
            is_connected: false,
            height,
            unspent: BTreeMap::new(),
            mempool: Vec::new(),
            invoices: Vec::new(),
            held: Vec::new(),
            revealed: Default::default(),
            is_faithful: true,
        };
        let script_pubkey = bench.nodes[0].wallet().script().clone();
        let coin = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: Vec::new(),
            output: vec![TxOut { value: Amount::ONE_BTC, script_pubkey }],
        };
        bench.unspent.extend(outputs(&coin));
        bench.mempool.push(coin);
        bench.mine(1);
        for side in SIDES {
            bench.command(side, NodeCommand::SetFeatures(features.clone()));
        }
        bench.toggle_connection();
        bench.deliver_all();
        bench
    }

    fn open(&mut self, channel_type: ChannelType, variations: Variations) {
        self.handle = self.nodes[0].next_channel();
        let (peer, feerate) = (self.id(1), FeeratePerKw(1_000));
        let request = OpenRequest {
            peer,
            capacity: CAPACITY,
            push: PUSH,
            channel_type,
            variations,
            announced: false,
            feerate,
        };
        self.command(0, NodeCommand::Open(request));
        self.deliver_all();
    }

    /// The bench, if its channel is in use.
    fn checked(self) -> Self {
        assert!(SIDES.iter().all(|side| matches!(self.channel(*side).phase, Phase::Normal(_))));
        self
    }

    fn id(&self, side: usize) -> PublicKey {
        self.nodes[side].id()
    }

    pub(super) fn handle(&self) -> ChannelHandle {
        self.handle
    }

    fn channel(&self, side: usize) -> &NodeChannel {
        self.nodes[side].channel(&self.handle).expect("it was opened")
    }

    /// The bytes that name the channel in messages.
    pub(super) fn channel_id(&self) -> Vec<u8> {
        let known = SIDES.iter().find_map(|side| self.channel(*side).phase.commitments());
        known.map_or_else(Vec::new, |commitments| commitments.channel_id.0.to_vec())
    }

    /// What no message and no block may lead to is an error; a command may be refused.
    fn input(&mut self, side: usize, input: NodeInput) {
        let is_command = matches!(input, NodeInput::Command(_));
        match self.nodes[side].step(input) {
            Ok(outputs) => outputs.into_iter().for_each(|output| self.take(side, output)),
            Err(error) => assert!(is_command, "{error}"),
        }
    }

    fn take(&mut self, side: usize, output: NodeOutput) {
        match output {
            NodeOutput::Send { message, .. } => {
                self.watch(side, &message);
                assert_eq!(Message::decode(&message.encode()).as_ref(), Ok(&message));
                self.wire[1 - side].push_back(message);
            }
            NodeOutput::Broadcast { transaction, purpose, .. } => {
                self.publish(side, transaction, purpose);
            }
            NodeOutput::BroadcastPackage { transactions, .. } => {
                for (transaction, purpose) in transactions {
                    self.publish(side, transaction, purpose);
                }
            }
            NodeOutput::Disconnect { .. } => self.disconnect(),
            NodeOutput::Event(NodeEvent::Invoice { invoice, .. }) => self.invoices.push(invoice),
            NodeOutput::Event(NodeEvent::Channel { event, .. }) => {
                if let ChannelEvent::Violation { requirement, message } = event {
                    // Whoever publishes its commitment says so in an `error`. And blocks may come
                    // faster than messages.
                    let is_told = requirement == "bolt01/error/fails-channel";
                    let is_late = requirement.ends_with("/answered-in-time")
                        || requirement.starts_with("bolt02/cltv_expiry_delta/");
                    assert!(is_told || is_late || !self.is_faithful, "{requirement}: {message}");
                }
            }
            // Its channel is not announced.
            NodeOutput::LookUp(_) | NodeOutput::Event(_) => {}
        }
    }

    /// No signature for more than there is.
    fn watch(&mut self, side: usize, message: &Message) {
        match message {
            Message::RevokeAndAck(revoke) => {
                self.revealed[side].insert(revoke.per_commitment_secret.0);
            }
            Message::CommitmentSigned(_) => {
                let commitments = self.channel(side).phase.commitments().expect("it signs one");
                let numbers = (0..).map(CommitmentNumber);
                let signed = numbers.map_while(|number| commitments.remote_state(number)).last();
                let commitment = &signed.expect("it signs one").commitment;
                let paid: Amount = outputs(&commitment.build().unsigned).map(|(_, sat)| sat).sum();
                assert!(paid <= CAPACITY, "a signature for {paid}");
            }
            Message::ClosingSigned(closing) => assert!(closing.fee_satoshis < CAPACITY),
            _ => {}
        }
    }

    /// No transaction pays more than it spends, and no revoked commitment is published.
    fn publish(&mut self, side: usize, transaction: Transaction, purpose: Purpose) {
        let paid: Amount = outputs(&transaction).map(|(_, sat)| sat).sum();
        if let Purpose::Commitment(number) = purpose {
            let secret = self.channel(side).secrets.seed.secret(number);
            assert!(!self.revealed[side].contains(&secret.0), "{number} is revoked");
        }
        if matches!(purpose, Purpose::Commitment(_) | Purpose::Closing) {
            assert!(paid <= CAPACITY, "{purpose:?} pays {paid}");
        }
        let inputs = transaction.input.iter().map(|input| input.previous_output);
        let spent: Option<Vec<Amount>> =
            inputs.clone().map(|input| self.unspent.get(&input).copied()).collect();
        // What another transaction has spent already, the chain refuses.
        let Some(spent) = spent else { return };
        assert!(paid <= spent.into_iter().sum(), "{purpose:?} pays {paid}");
        self.unspent.retain(|outpoint, _| !inputs.clone().any(|input| input == *outpoint));
        self.unspent.extend(outputs(&transaction));
        self.mempool.push(transaction);
    }

    pub(super) fn command(&mut self, side: usize, command: NodeCommand) {
        self.input(side, NodeInput::Command(command));
    }

    /// Delivers the oldest message to this side.
    pub(super) fn deliver(&mut self, side: usize) {
        if let Some(message) = self.next(side) {
            self.receive(side, message);
        }
    }

    fn next(&mut self, side: usize) -> Option<Message> {
        let message = self.wire[side].pop_front()?;
        if self.past[side].len() < MOST_KEPT {
            self.past[side].push(message.encode());
        }
        Some(message)
    }

    fn receive(&mut self, side: usize, message: Message) {
        let from = self.id(1 - side);
        self.input(side, NodeInput::Message { from, message });
    }

    /// Delivers what is on its way, and the answers.
    pub(super) fn deliver_all(&mut self) {
        while let Some(side) = SIDES.into_iter().find(|side| !self.wire[*side].is_empty()) {
            self.deliver(side);
        }
    }

    /// Delivers the oldest message to this side with other bytes.
    pub(super) fn deliver_changed(&mut self, side: usize, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(message) = self.next(side) {
            let mut bytes = message.encode();
            change(&mut bytes);
            self.deliver_bytes(side, &bytes);
        }
    }

    /// Delivers bytes that the other side has not sent.
    pub(super) fn deliver_bytes(&mut self, side: usize, bytes: &[u8]) {
        if !self.is_connected {
            return;
        }
        self.is_faithful = false;
        match (Message::decode(bytes), bytes.first_chunk()) {
            (Ok(message), _) => self.receive(side, message),
            (Err(error), Some(number)) => {
                let (from, message_type) = (self.id(1 - side), u16::from_be_bytes(*number));
                self.input(side, NodeInput::Garbage { from, message_type, error });
            }
            (Err(_), None) => {}
        }
    }

    /// Delivers a message a second time.
    pub(super) fn repeat(&mut self, side: usize, which: usize) {
        if let Some(past) = self.past[side].get(which % MOST_KEPT).cloned() {
            self.deliver_bytes(side, &past);
        }
    }

    pub(super) fn toggle_connection(&mut self) {
        if self.is_connected {
            self.disconnect();
            return;
        }
        self.is_connected = true;
        for side in SIDES {
            self.input(side, NodeInput::Connected(self.id(1 - side)));
        }
    }

    /// What is on its way is lost.
    fn disconnect(&mut self) {
        self.is_connected = false;
        self.wire = Default::default();
        for side in SIDES {
            self.input(side, NodeInput::Disconnected(self.id(1 - side)));
        }
    }

    /// Has the other side make this invoice, and pays it.
    pub(super) fn pay(&mut self, side: usize, request: InvoiceRequest) {
        let (amount, hold) = (request.amount.unwrap_or_default(), request.hold);
        let before = self.invoices.len();
        self.command(1 - side, NodeCommand::Invoice(request));
        let Some(invoice) = self.invoices.get(before).cloned() else { return };
        let hash = boltlab::bolt::invoice::decode(&invoice).expect("it was made").payment_hash();
        if hold {
            self.held.push((1 - side, hash));
        }
        let id = self.channel(side).phase.name_for_senders();
        let hop = PathHop {
            node_id: self.id(1 - side),
            channel: id.unwrap_or(ShortChannelId(0)),
            relay: RelayPolicy::default(),
        };
        let parts = vec![(amount, vec![hop])];
        self.command(side, NodeCommand::Pay(PayRequest { payee: Payee::Invoice(invoice), parts }));
    }

    /// Takes what is held for an invoice, or gives it back.
    pub(super) fn decide(&mut self, how: u8) {
        if let Some((side, hash)) = self.held.pop() {
            let take = how & 1 == 1;
            let command = if take { NodeCommand::Settle(hash) } else { NodeCommand::Cancel(hash) };
            self.command(side, command);
        }
    }

    /// Mines what was published, and some blocks behind it.
    pub(super) fn mine(&mut self, blocks: u8) {
        for _ in 0..=blocks % 8 {
            self.height = BlockHeight(self.height.0 + 1);
            let mut transactions = vec![coinbase(self.height)];
            transactions.append(&mut self.mempool);
            let event = ChainEvent::Connected { height: self.height, transactions };
            for side in SIDES {
                self.input(side, NodeInput::Chain(event.clone()));
            }
        }
    }

    /// Lets the nodes come to an end with what they have.
    pub(super) fn settle(&mut self) {
        if !self.is_connected {
            self.toggle_connection();
        }
        self.deliver_all();
    }
}

fn outputs(transaction: &Transaction) -> impl Iterator<Item = (OutPoint, Amount)> {
    let txid = transaction.compute_txid();
    let numbered = (0..).zip(&transaction.output);
    numbered.map(move |(vout, output)| (OutPoint { txid, vout }, output.value))
}

/// The coinbase of the block at this height, which pays nobody.
fn coinbase(height: BlockHeight) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::from_consensus(height.0),
        input: vec![TxIn::default()],
        output: Vec::new(),
    }
}

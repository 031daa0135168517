//! The reference node: channels, a wallet, payments. Pure like `bolt`: inputs in, outputs out, all
//! randomness from a seed, time from the height of the chain.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::wildcard_enum_match_arm
    )
)]

mod announcing;
mod blinded;
pub mod cheat;
mod flare;
mod forwarding;
mod gossip;
mod incoming;
mod interface;
mod invoices;
#[cfg(test)]
mod line;
mod offers;
mod onion_messages;
mod opening;
#[cfg(test)]
pub(crate) mod pair;
mod payments;
mod peers;
mod route;
mod seed;
#[cfg(test)]
mod tests;
mod wallet;
mod wayfinding;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, Transaction};
use secp256k1::PublicKey;

use crate::bolt::channel::{
    ChainEvent, ChannelEvent, ChannelSecrets, Command, Context, Deadlines, Fault, Habit, Habits,
    Input, Output, Pace, Phase, Refused, Sponsorship,
};
use crate::bolt::connection;
use crate::bolt::features::Features;
use crate::bolt::onion::Failure;
use crate::bolt::units::{BlockHeight, FeeratePerKw};
use crate::bolt::wire::ChannelId;
use flare::FlareNode;
use forwarding::Circuits;
use gossip::Gossip;
use invoices::Invoices;
use offers::Offers;
use peers::Peer;

pub use blinded::BlindedWay;
pub use flare::{FlareEvent, FlareFound, FlarePolicy, FlareSought};
pub use forwarding::PaymentEvent;
pub use gossip::{GossipEvent, GossipPolicy, SyncBy};
pub use incoming::Layer;
pub use interface::{
    ChannelHandle, ChannelPolicy, InvoiceRequest, NodeCommand, NodeError, NodeEvent, NodeInput,
    NodeOutput, OpenRequest,
};
pub use offers::{NoDeal, OfferPayment, OfferRequest};
pub use onion_messages::MessageEvent;
pub use payments::{PayRequest, Payee, Plan, Setback, Unpayable};
pub use peers::{Link, PeerEvent, default_features};
pub use route::{PathHop, PlannedHop, RelayPolicy};
pub use seed::Seed;
pub use wallet::{Coin, Wallet, WalletError};
pub use wayfinding::{WayFound, WaySought};

/// A channel of a node.
#[derive(Clone, Debug)]
pub struct NodeChannel {
    /// The other side.
    pub peer: PublicKey,
    /// Our secrets.
    pub secrets: ChannelSecrets,
    /// Where it stands.
    pub phase: Phase,
    /// Whether messages about it may be sent.
    pub link: Link,
    /// What both sides support, by the last `init`.
    pub features: Features,
}

/// A reference node. A clone is the node as it was: nothing is shared.
#[derive(Clone, Debug)]
pub struct Node {
    seed: Seed,
    id: PublicKey,
    wallet: Wallet,
    height: BlockHeight,
    feerate: FeeratePerKw,
    /// What it tells its peers that it supports. BOLT 9.
    features: Features,
    peers: BTreeMap<PublicKey, Peer>,
    policies: BTreeMap<PublicKey, ChannelPolicy>,
    /// The peers with whom it commits to the script of its `shutdown` when a channel is opened.
    committing: BTreeSet<PublicKey>,
    channels: BTreeMap<ChannelHandle, NodeChannel>,
    /// What the clock shows, in seconds since 1970.
    time: u64,
    relay: RelayPolicy,
    /// Why every HTLC is given back, if it is.
    refusal: Option<Failure>,
    invoices: Invoices,
    circuits: Circuits,
    offers: Offers,
    gossip: Gossip,
    flare: Option<FlareNode>,
    /// How many onions this node has wrapped.
    sessions: u64,
    /// When it signs updates.
    pace: Pace,
    /// How long it waits for its peers before it goes on chain.
    deadlines: Deadlines,
    /// What it does otherwise than most.
    habits: Habits,
    /// Whether it reads blocks that others have on top of already.
    catching_up: bool,
    /// What the wallet is to pay for at the end of this step.
    poor: Vec<(ChannelHandle, Sponsorship)>,
}

type Outputs = Result<Vec<NodeOutput>, NodeError>;

impl Node {
    /// A node that has seen the chain up to `height` and pays `feerate` for its closing
    /// transactions and claims.
    pub fn new(seed: Seed, height: BlockHeight, feerate: FeeratePerKw) -> Self {
        Self {
            wallet: Wallet::new(seed.key("wallet", 0)),
            id: seed.node_secret().public_key(secp256k1::SECP256K1),
            seed,
            height,
            feerate,
            features: default_features(),
            peers: BTreeMap::new(),
            policies: BTreeMap::new(),
            committing: BTreeSet::new(),
            channels: BTreeMap::new(),
            time: 0,
            relay: RelayPolicy::default(),
            refusal: None,
            invoices: Invoices::default(),
            circuits: Circuits::default(),
            offers: Offers::default(),
            gossip: Gossip::default(),
            flare: None,
            sessions: 0,
            pace: Pace::Prompt,
            deadlines: Deadlines::default(),
            habits: Habits::default(),
            catching_up: false,
            poor: Vec::new(),
        }
    }

    /// The node's public key, by which its peers know it.
    pub fn id(&self) -> PublicKey {
        self.id
    }

    /// The height of the newest block that it has seen.
    pub fn height(&self) -> BlockHeight {
        self.height
    }

    /// Its coins.
    pub fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// A channel.
    pub fn channel(&self, handle: &ChannelHandle) -> Option<&NodeChannel> {
        self.channels.get(handle)
    }

    /// Its channels, in the order of their handles.
    pub fn channels(&self) -> impl Iterator<Item = (&ChannelHandle, &NodeChannel)> {
        self.channels.iter()
    }

    /// The handle that the next channel will have which this node opens.
    pub fn next_channel(&self) -> ChannelHandle {
        ChannelId(self.seed.bytes("temporary_channel_id", self.next_index()))
    }

    fn next_index(&self) -> u64 {
        u64::try_from(self.channels.len()).unwrap_or(u64::MAX)
    }

    /// One step.
    ///
    /// # Errors
    /// [`NodeError`] if a command makes no sense, or a transaction of our own cannot be built. A
    /// violation of the peer's is no error: the node fails the channel and tells of it.
    pub fn step(&mut self, input: NodeInput) -> Outputs {
        // What others say of the network changes nothing about our own channels.
        let is_gossip = input.is_relayed_gossip();
        let mut outputs = self.take(input)?;
        if !is_gossip {
            outputs.extend(self.sponsor_all()?);
            outputs.extend(self.announce_channels());
            outputs.extend(self.chart_channels());
        }
        Ok(outputs)
    }

    fn take(&mut self, input: NodeInput) -> Outputs {
        match input {
            NodeInput::Command(command) => self.command(command),
            NodeInput::Connected(peer) => Ok(self.connect(peer)),
            NodeInput::Disconnected(peer) => {
                self.disconnect(&peer);
                Ok(Vec::new())
            }
            NodeInput::Message { from, message } => self.receive(from, &message),
            NodeInput::Garbage { from, message_type, error } => {
                Ok(self.receive_garbage(from, message_type, error))
            }
            NodeInput::Chain(event) => self.follow(&event),
            NodeInput::Missed(events) => self.catch_up(&events),
            NodeInput::Seen(transaction) => self.see(&transaction),
            NodeInput::Time(time) => {
                self.time = self.time.max(time);
                let mut outputs = self.pass_time()?;
                outputs.extend(self.gossip_time());
                outputs.extend(self.flare_time());
                Ok(outputs)
            }
            NodeInput::LookedUp { short_channel_id, found } => {
                Ok(self.take_funding(short_channel_id, &found))
            }
        }
    }

    fn command(&mut self, command: NodeCommand) -> Outputs {
        match command {
            NodeCommand::SetPolicy(peer, policy) => {
                self.policies.insert(peer, policy);
                Ok(Vec::new())
            }
            NodeCommand::CommitToScript(peer, commits) => {
                if commits {
                    self.committing.insert(peer);
                } else {
                    self.committing.remove(&peer);
                }
                Ok(Vec::new())
            }
            NodeCommand::SetFeatures(features) => {
                self.features = features;
                Ok(Vec::new())
            }
            NodeCommand::Ping(peer, num_pong_bytes) => {
                let message = connection::ping(num_pong_bytes).into();
                Ok(vec![NodeOutput::Send { to: peer, message }])
            }
            NodeCommand::Open(request) => self.open(&request),
            NodeCommand::SetRelay(relay) => {
                self.relay = relay;
                Ok(self.update_channels())
            }
            NodeCommand::SetGossip(policy) => {
                self.gossip.policy = policy;
                Ok(Vec::new())
            }
            NodeCommand::SetFlare(policy) => {
                self.flare = Some(FlareNode::new(self.id, policy));
                Ok(Vec::new())
            }
            NodeCommand::SeekByFlare(sought) => Ok(self.seek_by_flare(&sought)),
            NodeCommand::SetFeerate(feerate) => {
                self.feerate = feerate;
                Ok(Vec::new())
            }
            NodeCommand::SetHabits(habits, deadlines) => {
                (self.habits, self.deadlines) = (habits, deadlines);
                Ok(Vec::new())
            }
            NodeCommand::Refuse(refusal) => {
                self.refusal = refusal;
                Ok(Vec::new())
            }
            NodeCommand::Invoice(request) => self.invoice(&request),
            NodeCommand::Settle(payment_hash) => self.settle(payment_hash),
            NodeCommand::Cancel(payment_hash) => self.cancel(payment_hash),
            NodeCommand::Offer(request) => self.make_offer(request),
            NodeCommand::Withdraw(offer) => self.withdraw(&offer),
            NodeCommand::PayOffer(payment) => self.pay_offer(payment),
            NodeCommand::Pay(request) => {
                let plans = self.plan(&request)?;
                self.send_all(&plans)
            }
            NodeCommand::Send(plan) => self.send(&plan),
            NodeCommand::UpdateFee(channel, feerate) => {
                self.tell_channel(channel, Command::UpdateFee(feerate))
            }
            NodeCommand::Close(channel) => self.tell_channel(channel, Command::Close),
            NodeCommand::BumpClose(channel, feerate) => {
                self.tell_channel(channel, Command::BumpClose { feerate, script: None })
            }
            NodeCommand::RedirectClose(channel, feerate, to) => {
                self.tell_channel(channel, Command::BumpClose { feerate, script: Some(to) })
            }
            NodeCommand::ForceClose(channel) => self.tell_channel(channel, Command::ForceClose),
        }
    }

    fn tell_channel(&mut self, channel: ChannelHandle, command: Command) -> Outputs {
        self.step_channel(channel, &Input::Command(command))
    }

    fn follow(&mut self, event: &ChainEvent) -> Outputs {
        self.wallet.follow(event);
        self.height = match event {
            ChainEvent::Connected { height, .. } => *height,
            ChainEvent::Disconnected { height } => BlockHeight(height.0.saturating_sub(1)),
        };
        let handles: Vec<ChannelHandle> = self.channels.keys().copied().collect();
        let input = Input::Chain(event.clone());
        let mut outputs = Vec::new();
        for handle in handles {
            outputs.extend(self.step_channel(handle, &input)?);
            outputs.extend(self.replace_coins(handle)?);
        }
        outputs.extend(self.follow_gossip(event));
        if !self.catching_up {
            outputs.extend(self.pass_time()?);
            outputs.extend(self.save_upstream()?);
        }
        Ok(outputs)
    }

    /// Follows changes of the chain of which all but the last are history: what would have been
    /// published before is as good as never made, and made anew with the last.
    fn catch_up(&mut self, events: &[ChainEvent]) -> Outputs {
        let Some((last, history)) = events.split_last() else { return Ok(Vec::new()) };
        let mut outputs = Vec::new();
        self.catching_up = true;
        for event in history {
            let mut wanted = self.follow(event)?;
            wanted.retain(|output| !output.is_published());
            outputs.extend(wanted);
        }
        self.catching_up = false;
        outputs.extend(self.follow(last)?);
        Ok(outputs)
    }

    /// A transaction is in the mempool.
    fn see(&mut self, transaction: &Transaction) -> Outputs {
        if !self.habits.has(Habit::WatchesMempool) {
            return Ok(Vec::new());
        }
        let read = |(handle, channel): (&ChannelHandle, &NodeChannel)| {
            Some((*handle, channel.phase.seen(transaction)?, channel.link))
        };
        let steps: Vec<(ChannelHandle, (Phase, Vec<Output>), Link)> =
            self.channels.iter().filter_map(read).collect();
        let mut outputs = Vec::new();
        for (handle, step, link) in steps {
            outputs.extend(self.take_step(handle, step, link)?);
        }
        Ok(outputs)
    }

    fn context<'a>(&'a self, secrets: &'a ChannelSecrets, features: &'a Features) -> Context<'a> {
        Context {
            secrets,
            features,
            height: self.height,
            feerate: self.feerate,
            destination: self.wallet.script(),
            pace: self.pace,
            deadlines: self.deadlines,
            habits: self.habits,
        }
    }

    fn step_channel(&mut self, handle: ChannelHandle, input: &Input) -> Outputs {
        let channel = self.channels.get(&handle).ok_or(NodeError::NoSuchChannel(handle))?;
        // An HTLC could not be taken back before the peer is there again.
        if matches!(input, Input::Command(Command::Offer(_))) && channel.link != Link::Up {
            return Err(NodeError::Refused(Refused::NotConnected));
        }
        let context = self.context(&channel.secrets, &channel.features);
        let step = match channel.phase.step(&context, input) {
            Ok(step) => step,
            Err(Fault::Peer(violation)) => channel.phase.fail(&context, &violation),
            Err(fault) => return Err(fault.into()),
        };
        let link = channel.link;
        self.take_step(handle, step, link)
    }

    /// Makes a channel's step.
    fn take_step(
        &mut self,
        handle: ChannelHandle,
        (phase, outputs): (Phase, Vec<Output>),
        link: Link,
    ) -> Outputs {
        if let Some(channel) = self.channels.get_mut(&handle) {
            if let Some(funding) = channel.phase.unpublished_funding()
                && matches!(phase, Phase::Closed(_))
            {
                self.wallet.release(funding);
            }
            channel.phase = phase;
            channel.link = link;
        }
        self.carry_out(handle, outputs)
    }

    /// Tells a closing channel of coins that a reorg took, and that its transactions spend.
    fn replace_coins(&mut self, handle: ChannelHandle) -> Outputs {
        let closing = |channel: &NodeChannel| matches!(channel.phase, Phase::Closing(_));
        let missing: Vec<OutPoint> = self.wallet.missing().collect();
        if missing.is_empty() || !self.channels.get(&handle).is_some_and(closing) {
            return Ok(Vec::new());
        }
        self.step_channel(handle, &Input::Command(Command::CoinsMissing(missing)))
    }

    /// Has the wallet pay for all that cannot pay for itself, of all channels, the most urgent first.
    fn sponsor_all(&mut self) -> Outputs {
        let mut outputs = Vec::new();
        while !self.poor.is_empty() {
            let mut poor = std::mem::take(&mut self.poor);
            poor.sort_by_key(|(_, sponsorship)| sponsorship.rank());
            for (handle, sponsorship) in poor {
                outputs.extend(self.sponsor(handle, sponsorship)?);
            }
        }
        Ok(outputs)
    }

    /// Has the wallet pay for a transaction that cannot pay for itself. If it has no coin for that now,
    /// the channel asks again with the next block.
    fn sponsor(&mut self, handle: ChannelHandle, sponsorship: Sponsorship) -> Outputs {
        let Sponsorship { claims, purpose, offer, deadline: _, is_instead } = sponsorship;
        match self.wallet.sponsor(claims, &[], &offer) {
            Ok(transaction) => {
                let feerate = offer.wanted;
                let sponsored = Command::Sponsored { transaction, purpose, feerate };
                self.step_channel(handle, &Input::Command(sponsored))
            }
            Err(WalletError::Insufficient { .. }) if is_instead => Ok(Vec::new()),
            Err(WalletError::Insufficient { needed, .. }) => {
                let event = ChannelEvent::NoCoin { purpose, needed };
                let told = NodeOutput::Event(NodeEvent::Channel { channel: handle, event });
                let without = Input::Command(Command::Unsponsored(purpose));
                let mut outputs = vec![told];
                outputs.extend(self.step_channel(handle, &without)?);
                Ok(outputs)
            }
            Err(error @ WalletError::Transaction(_)) => Err(error.into()),
        }
    }

    /// Passes on what a channel wants, and does itself what the node can do: fund it, take HTLCs
    /// whose preimage it knows.
    fn carry_out(&mut self, handle: ChannelHandle, wanted: Vec<Output>) -> Outputs {
        let channel = self.channels.get(&handle).ok_or(NodeError::NoSuchChannel(handle))?;
        let (peer, link) = (channel.peer, channel.link);
        let mut outputs = Vec::new();
        // What the node does of itself comes after all that this step wanted: the peer must get the
        // messages in the order in which the channel made them.
        let mut fund = None;
        let mut hangs_up = false;
        let mut news = Vec::new();
        for output in wanted {
            match output {
                Output::Send(message) => {
                    // What cannot be sent now is lost, as it could be on its way: a new connection
                    // begins with what the peer lacks.
                    if link == Link::Up {
                        outputs.push(NodeOutput::Send { to: peer, message });
                    }
                }
                Output::Broadcast { transaction, purpose } => {
                    outputs.push(NodeOutput::Broadcast { channel: handle, transaction, purpose });
                }
                Output::Fund(output) => {
                    let (transaction, output_index) = self.wallet.fund(&output, self.feerate)?;
                    fund = Some(Command::Fund { transaction, output_index });
                }
                Output::BroadcastPackage(transactions) => {
                    outputs.push(NodeOutput::BroadcastPackage { channel: handle, transactions });
                }
                // What happened long ago is not paid for.
                Output::Sponsor(_) if self.catching_up => {}
                Output::Sponsor(sponsorship) => self.poor.push((handle, sponsorship)),
                Output::Release(transaction) => self.wallet.release(&transaction),
                Output::Htlc(of) => news.push(of),
                Output::Disconnect => hangs_up = true,
                Output::Event(event) => {
                    let event = NodeEvent::Channel { channel: handle, event };
                    outputs.push(NodeOutput::Event(event));
                }
            }
        }
        if let Some(fund) = fund {
            outputs.extend(self.step_channel(handle, &Input::Command(fund))?);
        }
        for news in news {
            outputs.extend(self.take_note(handle, news)?);
        }
        if hangs_up && link != Link::Down {
            self.disconnect(&peer);
            outputs.push(NodeOutput::Disconnect { peer });
        }
        Ok(outputs)
    }
}

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

mod blinded;
pub mod cheat;
mod forwarding;
mod incoming;
mod interface;
mod invoices;
#[cfg(test)]
mod line;
mod offers;
mod onion_messages;
#[cfg(test)]
mod pair;
mod payments;
mod route;
mod seed;
#[cfg(test)]
mod tests;
mod wallet;

use std::collections::BTreeMap;

use bitcoin::Amount;
use secp256k1::PublicKey;

use crate::bolt::channel::{
    ChainEvent, ChannelEvent, ChannelSecrets, Command, Context, Fault, Input, Output, PartyTerms,
    PeerViolation, Phase, Terms,
};
use crate::bolt::onion::Failure;
use crate::bolt::tx::Side;
use crate::bolt::units::{BlockHeight, FeeratePerKw, Msat};
use crate::bolt::wire::messages::{self, OpenChannel};
use crate::bolt::wire::{ChannelId, Message};
use forwarding::Circuits;
use invoices::Invoices;
use offers::Offers;

pub use blinded::BlindedWay;
pub use forwarding::PaymentEvent;
pub use incoming::Layer;
pub use interface::{
    ChannelHandle, ChannelPolicy, InvoiceRequest, NodeCommand, NodeError, NodeEvent, NodeInput,
    NodeOutput, OpenRequest,
};
pub use offers::{NoDeal, OfferPayment, OfferRequest};
pub use onion_messages::MessageEvent;
pub use payments::{PayRequest, Payee, Plan, Setback, Unpayable};
pub use route::{PathHop, PlannedHop, RelayPolicy};
pub use seed::Seed;
pub use wallet::{Coin, Wallet, WalletError};

/// A channel of a node.
#[derive(Clone, Debug)]
pub struct NodeChannel {
    /// The other side.
    pub peer: PublicKey,
    /// Our secrets.
    pub secrets: ChannelSecrets,
    /// Where it stands.
    pub phase: Phase,
}

/// A reference node. A clone is the node as it was: nothing is shared.
#[derive(Clone, Debug)]
pub struct Node {
    seed: Seed,
    wallet: Wallet,
    height: BlockHeight,
    feerate: FeeratePerKw,
    policies: BTreeMap<PublicKey, ChannelPolicy>,
    channels: BTreeMap<ChannelHandle, NodeChannel>,
    /// What the clock shows, in seconds since 1970.
    time: u64,
    relay: RelayPolicy,
    /// Why every HTLC is given back, if it is.
    refusal: Option<Failure>,
    invoices: Invoices,
    circuits: Circuits,
    offers: Offers,
    /// How many onions this node has wrapped.
    sessions: u64,
}

type Outputs = Result<Vec<NodeOutput>, NodeError>;

impl Node {
    /// A node that has seen the chain up to `height` and pays `feerate` for its closing
    /// transactions and claims.
    pub fn new(seed: Seed, height: BlockHeight, feerate: FeeratePerKw) -> Self {
        Self {
            wallet: Wallet::new(seed.key("wallet", 0)),
            seed,
            height,
            feerate,
            policies: BTreeMap::new(),
            channels: BTreeMap::new(),
            time: 0,
            relay: RelayPolicy::default(),
            refusal: None,
            invoices: Invoices::default(),
            circuits: Circuits::default(),
            offers: Offers::default(),
            sessions: 0,
        }
    }

    /// The node's public key, by which its peers know it.
    pub fn id(&self) -> PublicKey {
        self.seed.node_secret().public_key(secp256k1::SECP256K1)
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
        match input {
            NodeInput::Command(command) => self.command(command),
            NodeInput::Message { from, message } => self.receive(from, &message),
            NodeInput::Chain(event) => self.follow(&event),
            NodeInput::Time(time) => {
                self.time = self.time.max(time);
                self.pass_time()
            }
        }
    }

    fn command(&mut self, command: NodeCommand) -> Outputs {
        match command {
            NodeCommand::SetPolicy(peer, policy) => {
                self.policies.insert(peer, policy);
                Ok(Vec::new())
            }
            NodeCommand::Open(request) => self.open(&request),
            NodeCommand::SetRelay(relay) => {
                self.relay = relay;
                Ok(Vec::new())
            }
            NodeCommand::Refuse(refusal) => {
                self.refusal = refusal;
                Ok(Vec::new())
            }
            NodeCommand::Invoice(request) => self.invoice(&request),
            NodeCommand::Settle(payment_hash) => {
                let decisions = self.invoices.settle(&payment_hash);
                let decisions = decisions.ok_or(NodeError::NoSuchInvoice(payment_hash))?;
                self.carry_out_decisions(decisions)
            }
            NodeCommand::Cancel(payment_hash) => {
                let decisions = self.invoices.cancel(self.now(), &payment_hash);
                let decisions = decisions.ok_or(NodeError::NoSuchInvoice(payment_hash))?;
                self.carry_out_decisions(decisions)
            }
            NodeCommand::Offer(request) => self.make_offer(request),
            NodeCommand::Withdraw(offer) => self.withdraw(&offer),
            NodeCommand::PayOffer(payment) => self.pay_offer(payment),
            NodeCommand::Pay(request) => {
                let mut outputs = Vec::new();
                for plan in self.plan(&request)? {
                    outputs.extend(self.send(&plan)?);
                }
                Ok(outputs)
            }
            NodeCommand::Send(plan) => self.send(&plan),
            NodeCommand::Close(channel) => {
                self.step_channel(channel, &Input::Command(Command::Close))
            }
            NodeCommand::ForceClose(channel) => {
                self.step_channel(channel, &Input::Command(Command::ForceClose))
            }
        }
    }

    /// The part of the terms that this node decides.
    fn party(&self, secrets: &ChannelSecrets, peer: &PublicKey, capacity: Amount) -> PartyTerms {
        let policy = self.policies.get(peer).cloned().unwrap_or_default();
        let one_percent = Amount::from_sat(capacity.to_sat() / 100);
        PartyTerms {
            dust_limit: policy.dust_limit,
            max_htlc_value_in_flight: Msat::from_amount(capacity).unwrap_or(Msat(u64::MAX)),
            // Never below a dust limit: BOLT 2, rationale of `open_channel`. The peer's may be as
            // large as ours at most.
            channel_reserve: one_percent.max(policy.dust_limit),
            htlc_minimum: Msat(1),
            to_self_delay: policy.to_self_delay,
            max_accepted_htlcs: 483,
            funding_pubkey: secrets.funding.public_key(secp256k1::SECP256K1),
            basepoints: secrets.basepoints.public(),
        }
    }

    fn open(&mut self, request: &OpenRequest) -> Outputs {
        let handle = self.next_channel();
        let secrets = self.seed.channel(self.next_index());
        let party = self.party(&secrets, &request.peer, request.capacity);
        let terms = Terms {
            opener: Side::Local,
            capacity: request.capacity,
            push: request.push,
            channel_type: request.channel_type,
            feerate: request.feerate,
            // `accept_channel` says the depth and the peer's terms.
            minimum_depth: 0,
            remote: party.clone(),
            local: party,
        };
        let context = self.context(&secrets);
        let (phase, outputs) = Phase::open(&context, terms, handle).map_err(NodeError::from)?;
        self.channels.insert(handle, NodeChannel { peer: request.peer, secrets, phase });
        self.carry_out(handle, outputs)
    }

    fn accept(&mut self, from: PublicKey, message: &OpenChannel) -> Outputs {
        let handle = message.temporary_channel_id;
        let secrets = match self.channels.get(&handle) {
            None => self.seed.channel(self.next_index()),
            // No funding was published for the keys of a channel that did not open, and the index
            // counts channels: the one in its place takes its keys.
            Some(old) if old.peer == from && old.phase.awaits_funding_created() => {
                old.secrets.clone()
            }
            Some(old) => {
                let violation = PeerViolation::TemporaryIdInUse;
                if old.peer == from {
                    return Ok(Self::refuse(from, handle, &violation));
                }
                // Two peers may choose one id, so this is no violation; but channels are kept by
                // their ids alone. The first stays, the second peer can choose again.
                return Ok(vec![Self::error(from, handle, &violation)]);
            }
        };
        let party = self.party(&secrets, &from, message.funding_satoshis);
        let depth = self.policies.get(&from).cloned().unwrap_or_default().minimum_depth;
        let context = self.context(&secrets);
        match Phase::accept(&context, message, party, depth) {
            Ok((phase, outputs)) => {
                self.channels.insert(handle, NodeChannel { peer: from, secrets, phase });
                self.carry_out(handle, outputs)
            }
            Err(Fault::Peer(violation)) => Ok(Self::refuse(from, handle, &violation)),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Tells of a violation in `open_channel`, and answers it.
    fn refuse(
        from: PublicKey,
        channel: ChannelHandle,
        violation: &PeerViolation,
    ) -> Vec<NodeOutput> {
        let event = ChannelEvent::Violation {
            requirement: violation.requirement().to_owned(),
            message: violation.to_string(),
        };
        let told = NodeOutput::Event(NodeEvent::Channel { channel, event });
        vec![told, Self::error(from, channel, violation)]
    }

    fn error(to: PublicKey, channel_id: ChannelId, violation: &PeerViolation) -> NodeOutput {
        NodeOutput::Send {
            to,
            message: messages::Error::about(channel_id, violation.to_string()).into(),
        }
    }

    fn receive(&mut self, from: PublicKey, message: &Message) -> Outputs {
        if let Message::OpenChannel(open) = message {
            return self.accept(from, open);
        }
        if let Message::OnionMessage(onion) = message {
            return self.receive_onion(onion);
        }
        let handles = self.handles_of(&from, message);
        // BOLT 2: a message for an unknown channel is ignored (an `error` would be allowed).
        let mut outputs = Vec::new();
        for handle in handles {
            outputs.extend(self.step_channel(handle, &Input::Received(message.clone()))?);
        }
        Ok(outputs)
    }

    /// The channels that a message of this peer is about: one, or with an `error` that names none
    /// all that are still there to be failed. BOLT 1, "The `error` and `warning` Messages".
    fn handles_of(&self, from: &PublicKey, message: &Message) -> Vec<ChannelHandle> {
        if !matches!(message, Message::Error(_)) || message.channel_id() != Some(ChannelId([0; 32]))
        {
            return self.handle_of(from, message).into_iter().collect();
        }
        self.channels
            .iter()
            .filter(|(_, channel)| channel.peer == *from)
            .filter(|(_, channel)| !matches!(channel.phase, Phase::Closing(_) | Phase::Closed(_)))
            .map(|(handle, _)| *handle)
            .collect()
    }

    /// The channel that a message of this peer is about.
    fn handle_of(&self, from: &PublicKey, message: &Message) -> Option<ChannelHandle> {
        let id = message.channel_id()?;
        self.channels
            .iter()
            // A closed channel is unknown again.
            .filter(|(_, channel)| channel.peer == *from && !matches!(channel.phase, Phase::Closed(_)))
            .find(|(handle, channel)| {
                **handle == id || channel.phase.commitments().is_some_and(|c| c.channel_id == id)
                    // `funding_signed` brings the id before the opener has commitments.
                    || matches!(message, Message::FundingSigned(_)) && channel.phase.awaits_funding_signed(id)
            })
            .map(|(handle, _)| *handle)
    }

    fn follow(&mut self, event: &ChainEvent) -> Outputs {
        self.wallet.follow(event);
        self.height = match event {
            ChainEvent::Connected { height, .. } => *height,
            ChainEvent::Disconnected { height } => BlockHeight(height.0.saturating_sub(1)),
        };
        let handles: Vec<ChannelHandle> = self.channels.keys().copied().collect();
        let mut outputs = self.pass_time()?;
        for handle in handles {
            outputs.extend(self.step_channel(handle, &Input::Chain(event.clone()))?);
        }
        Ok(outputs)
    }

    fn context<'a>(&'a self, secrets: &'a ChannelSecrets) -> Context<'a> {
        Context {
            secrets,
            height: self.height,
            feerate: self.feerate,
            destination: self.wallet.script(),
        }
    }

    fn step_channel(&mut self, handle: ChannelHandle, input: &Input) -> Outputs {
        let channel = self.channels.get(&handle).ok_or(NodeError::NoSuchChannel(handle))?;
        let context = self.context(&channel.secrets);
        let (phase, outputs) = match channel.phase.step(&context, input) {
            Ok(step) => step,
            Err(Fault::Peer(violation)) => channel.phase.fail(&context, &violation),
            Err(fault) => return Err(fault.into()),
        };
        if let Some(channel) = self.channels.get_mut(&handle) {
            channel.phase = phase;
        }
        self.carry_out(handle, outputs)
    }

    /// Passes on what a channel wants, and does itself what the node can do: fund it, take HTLCs
    /// whose preimage it knows.
    fn carry_out(&mut self, handle: ChannelHandle, wanted: Vec<Output>) -> Outputs {
        let peer = self.channels.get(&handle).ok_or(NodeError::NoSuchChannel(handle))?.peer;
        let mut outputs = Vec::new();
        // What the node does of itself comes after all that this step wanted: the peer must get the
        // messages in the order in which the channel made them.
        let mut fund = None;
        let mut news = Vec::new();
        for output in wanted {
            match output {
                Output::Send(message) => outputs.push(NodeOutput::Send { to: peer, message }),
                Output::Broadcast { transaction, purpose } => {
                    outputs.push(NodeOutput::Broadcast { channel: handle, transaction, purpose });
                }
                Output::Fund(output) => {
                    let (transaction, output_index) = self.wallet.fund(&output, self.feerate)?;
                    fund = Some(Command::Fund { transaction, output_index });
                }
                Output::Htlc(of) => news.push(of),
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
        Ok(outputs)
    }
}

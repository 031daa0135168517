//! What happens to HTLCs between channels: passed on, taken, given back. BOLT 2, "Forwarding
//! HTLCs"; BOLT 4, "Accepting and Forwarding a Payment" and "Returning Errors".
//!
//! ```text
//! committed -> read the onion -> forward: offer it over the next channel, remember where it came from
//!                             -> receive: `invoices` decides
//!                             -> give it back
//! taken downstream            -> take it upstream at once
//! given back downstream       -> give it back upstream, once that is irrevocable
//! ```

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::{Hash, sha256};
use serde::{Deserialize, Serialize};

use super::incoming::{self, BlindedRole, Forward, Instruction, Layer, NextHop, Offered};
use super::invoices::Decision;
use super::payments::{Plan, Prepared, SentRoute, Setback, Unpayable, malformed};
use super::{ChannelHandle, Link, Node, NodeChannel, NodeError, NodeEvent, NodeOutput, Outputs};
use crate::bolt::channel::{
    Closed, Command, Commitments, HtlcNews, HtlcOffer, Input, Phase, Removal,
};
use crate::bolt::gossip::Now;
use crate::bolt::onion::attribution::{AttributionData, attribute_fulfill};
use crate::bolt::onion::failure::Failure;
use crate::bolt::onion::failure_packet::{FailurePacket, fail, relay_failure};
use crate::bolt::onion::keys::SharedSecret;
use crate::bolt::tx::Side;
use crate::bolt::units::{CltvExpiry, HtlcId, Msat};
use crate::bolt::wire::{Bytes, PaymentPreimage};

/// An outgoing HTLC must have so many blocks left at least. BOLT 2, "`cltv_expiry_delta`
/// Selection": a node must be able to claim it in time.
const LEAST_BLOCKS_LEFT: u32 = 3;

/// No HTLC may expire later than so many blocks ahead. BOLT 4, "`max_htlc_cltv` Selection".
const MAX_HTLC_CLTV: u32 = 2016;

/// An HTLC that a peer has offered and that waits for what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incoming {
    /// The channel that it came over.
    pub channel: ChannelHandle,
    /// Its id there.
    pub id: HtlcId,
    /// Its amount.
    pub amount: Msat,
    /// When it times out.
    pub cltv_expiry: CltvExpiry,
    /// With which the payer can be told of a failure.
    pub shared_secret: Option<SharedSecret>,
    /// How it may be told.
    pub blinded: BlindedRole,
    /// Of the onion that came with it.
    pub sha256_of_onion: sha256::Hash,
    /// When it was committed, in seconds since 1970.
    pub since: u64,
}

/// Where an HTLC that this node offered comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// This node pays.
    Own(Box<(sha256::Hash, SentRoute)>),
    /// A peer's HTLC is passed on.
    Relayed(Box<Incoming>),
}

/// What a node remembers of the HTLCs that it passes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Circuits {
    sources: BTreeMap<(ChannelHandle, HtlcId), Source>,
    /// The shared secrets of all onions that were opened: none is opened twice.
    opened: BTreeSet<[u8; 32]>,
    /// The HTLC that was offered last.
    pub(super) last_offer: Option<HtlcOffer>,
    /// All preimages with which HTLCs were taken.
    pub(super) preimages: BTreeMap<sha256::Hash, PaymentPreimage>,
}

/// Something worth telling about a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentEvent {
    /// This node read a layer of an HTLC's onion: all that it learns of the payment.
    Read {
        /// The HTLC.
        id: HtlcId,
        /// What it read.
        layer: Layer,
    },
    /// This node gives an HTLC back.
    GivenBack {
        /// The HTLC.
        id: HtlcId,
        /// Why.
        failure: Failure,
    },
    /// All that was asked for is there.
    Received {
        /// The payment.
        payment_hash: sha256::Hash,
        /// How much.
        amount: Msat,
        /// In how many HTLCs.
        parts: usize,
        /// Whether they are kept for now.
        held: bool,
    },
    /// A payment of this node has arrived.
    Paid {
        /// The payment.
        payment_hash: sha256::Hash,
        /// The proof.
        payment_preimage: PaymentPreimage,
        /// How long each hop says that it held the HTLC, in units of 100 ms.
        hold_times: Vec<u32>,
    },
    /// A payment of this node, or a part of it, came back.
    Failed {
        /// The payment.
        payment_hash: sha256::Hash,
        /// Why.
        setback: Setback,
    },
}

impl PaymentEvent {
    /// Whether it tells a payer how its payment with this hash ended.
    pub fn ends(&self, hash: &sha256::Hash) -> bool {
        match self {
            Self::Paid { payment_hash, .. } | Self::Failed { payment_hash, .. } => {
                payment_hash == hash
            }
            Self::Read { .. } | Self::GivenBack { .. } | Self::Received { .. } => false,
        }
    }
}

impl Node {
    pub(super) fn now(&self) -> Now {
        Now { height: self.height, time: self.time }
    }

    /// How long ago, in the units of `htlc_hold_times`: 100 ms.
    fn held_since(&self, since: u64) -> u32 {
        u32::try_from(self.time.saturating_sub(since).saturating_mul(10)).unwrap_or(u32::MAX)
    }

    /// Acts on what a channel says of an HTLC.
    pub(super) fn take_note(&mut self, channel: ChannelHandle, news: HtlcNews) -> Outputs {
        match news {
            HtlcNews::Committed(id) => self.committed(channel, id),
            HtlcNews::Fulfilled { id, payment_preimage, attribution_data } => {
                self.fulfilled(channel, id, payment_preimage, attribution_data)
            }
            HtlcNews::Failed { id, removal } => self.failed(channel, id, &removal),
            HtlcNews::TimedOut(id) => self.timed_out(channel, id),
        }
    }

    /// A peer's HTLC is committed: reads its onion, and does what that says.
    fn committed(&mut self, channel: ChannelHandle, id: HtlcId) -> Outputs {
        let commitments = self.channel(&channel).and_then(|known| known.phase.commitments());
        let Some(htlc) = commitments.and_then(|known| known.htlc(Side::Remote, id)) else {
            return Ok(Vec::new());
        };
        let offered = Offered {
            amount: htlc.amount,
            cltv_expiry: htlc.cltv_expiry,
            payment_hash: htlc.payment_hash,
            onion: &htlc.onion,
            path_key: htlc.path_key,
        };
        let (payment_hash, overexposes) = (htlc.payment_hash, htlc.overexposes.is_some());
        let reading = incoming::read(&self.seed.node_secret(), &offered);
        let incoming = Incoming {
            channel,
            id,
            amount: htlc.amount,
            cltv_expiry: htlc.cltv_expiry,
            shared_secret: reading.shared_secret,
            blinded: reading.blinded,
            sha256_of_onion: sha256::Hash::hash(&htlc.onion.0[..]),
            since: self.time,
        };
        let told = reading.layers.into_iter().map(|layer| {
            let event = PaymentEvent::Read { id, layer };
            NodeOutput::Event(NodeEvent::Payment { channel: Some(channel), event })
        });
        let mut outputs: Vec<NodeOutput> = told.collect();
        let replayed =
            reading.shared_secret.is_some_and(|secret| !self.circuits.opened.insert(secret.0));
        let instruction = match (replayed, &self.refusal) {
            (true, _) => Err(Failure::TemporaryNodeFailure {}),
            // The channel is not the outgoing one, and a final node knows no other.
            (false, _) if overexposes && reading.instruction.is_ok() => {
                Err(Failure::TemporaryNodeFailure {})
            }
            (false, Some(failure)) if reading.instruction.is_ok() => Err(failure.clone()),
            (false, _) => reading.instruction,
        };
        outputs.extend(match instruction {
            Ok(Instruction::Forward(forward)) => self.forward(&incoming, payment_hash, forward)?,
            Ok(Instruction::Receive(receive)) => {
                let decisions = self.invoices.receive(self.now(), payment_hash, incoming, &receive);
                self.carry_out_decisions(decisions)?
            }
            Err(failure) => self.give_back(&incoming, failure)?,
        });
        Ok(outputs)
    }

    /// Offers the HTLC to the next hop.
    fn forward(
        &mut self,
        incoming: &Incoming,
        payment_hash: sha256::Hash,
        forward: Forward,
    ) -> Outputs {
        let Some(next) = self.next_channel_for(&forward) else {
            return self.give_back(incoming, Failure::UnknownNextPeer {});
        };
        if let Err(failure) = self.check_forward(incoming, &forward) {
            return self.give_back(incoming, failure);
        }
        let offer = HtlcOffer {
            amount: forward.amount,
            payment_hash,
            cltv_expiry: forward.cltv_expiry,
            onion: forward.packet,
            path_key: forward.path_key,
            upstream_expiry: Some(incoming.cltv_expiry),
        };
        let source = Source::Relayed(Box::new(incoming.clone()));
        match self.offer(next, offer, source) {
            Err(NodeError::Refused(_)) => {
                let closing = self
                    .channel(&next)
                    .is_some_and(|c| !matches!(c.phase, Phase::Normal(_) | Phase::Opening(_)));
                let failure = if closing {
                    Failure::PermanentChannelFailure {}
                } else {
                    Failure::TemporaryChannelFailure { channel_update: Bytes::default() }
                };
                self.give_back(incoming, failure)
            }
            offered => offered,
        }
    }

    /// The channel to the next hop. BOLT 4, "Non-strict Forwarding", is not made use of, except
    /// where a blinded path names the node.
    fn next_channel_for(&self, forward: &Forward) -> Option<ChannelHandle> {
        let found = self.channels.iter().find(|(_, channel)| match forward.next {
            NextHop::Channel(id) => channel.phase.goes_by(id),
            NextHop::Node(node) => {
                channel.peer == node && matches!(channel.phase, Phase::Normal(_))
            }
        });
        found.map(|(handle, _)| *handle)
    }

    /// What this node asks for forwarding, in the order of BOLT 4's list of failures.
    pub(super) fn check_forward(
        &self,
        incoming: &Incoming,
        forward: &Forward,
    ) -> Result<(), Failure> {
        // What the creator of a blinded path says binds the payer. The node asks for what it asks of
        // all: anybody can create a path.
        let relay = self.relay;
        let (amount, expiry) = (forward.amount, forward.cltv_expiry);
        let channel_update = Bytes::default();
        if amount < relay.htlc_minimum {
            return Err(Failure::AmountBelowMinimum { htlc_msat: amount, channel_update });
        }
        // BOLT 4 rounds up what a blinded path passes on: the last millisatoshi is the fee's.
        let rounding = Msat(forward.relay.is_some().into());
        let charged = amount.saturating_sub(rounding);
        let needed = relay.fee(charged).and_then(|fee| charged.checked_add(fee));
        if needed.is_none_or(|needed| incoming.amount < needed) {
            let htlc_msat = incoming.amount;
            return Err(Failure::FeeInsufficient { htlc_msat, channel_update });
        }
        let latest = incoming.cltv_expiry.checked_sub(relay.cltv_expiry_delta);
        if latest.is_none_or(|latest| latest < expiry) {
            let cltv_expiry = expiry;
            return Err(Failure::IncorrectCltvExpiry { cltv_expiry, channel_update });
        }
        let left = expiry.0.saturating_sub(self.height.0);
        if left < LEAST_BLOCKS_LEFT {
            return Err(Failure::ExpiryTooSoon { channel_update });
        }
        let ahead = incoming.cltv_expiry.0.saturating_sub(self.height.0);
        if ahead > MAX_HTLC_CLTV { Err(Failure::ExpiryTooFar {}) } else { Ok(()) }
    }

    /// Offers an HTLC, and remembers where it comes from.
    fn offer(&mut self, channel: ChannelHandle, offer: HtlcOffer, source: Source) -> Outputs {
        let known = self.channel(&channel).ok_or(NodeError::NoSuchChannel(channel))?;
        let id = known.phase.commitments().map(Commitments::next_offer);
        self.circuits.last_offer = Some(offer.clone());
        let outputs = self.step_channel(channel, &Input::Command(Command::Offer(offer)))?;
        if let Some(id) = id {
            self.circuits.sources.insert((channel, id), source);
        }
        Ok(outputs)
    }

    /// Sends a part of a payment of this node's own.
    pub(super) fn send(&mut self, plan: &Plan) -> Outputs {
        self.sessions = self.sessions.saturating_add(1);
        let Prepared { channel, offer, route } = plan.prepare().map_err(Unpayable::Onion)?;
        let source = Source::Own(Box::new((offer.payment_hash, route)));
        self.offer(channel, offer, source)
    }

    /// Sends all parts of a payment, or none: what a refused part left behind would be messages that
    /// were never sent.
    pub(super) fn send_all(&mut self, plans: &[Plan]) -> Outputs {
        let before = (plans.len() > 1).then(|| self.clone());
        let mut outputs = Vec::new();
        for plan in plans {
            match (self.send(plan), &before) {
                (Ok(more), _) => outputs.extend(more),
                (Err(error), None) => return Err(error),
                (Err(error), Some(before)) => {
                    *self = before.clone();
                    return Err(error);
                }
            }
        }
        Ok(outputs)
    }

    /// An HTLC that this node offered is taken.
    fn fulfilled(
        &mut self,
        channel: ChannelHandle,
        id: HtlcId,
        payment_preimage: PaymentPreimage,
        attribution_data: Option<Box<AttributionData>>,
    ) -> Outputs {
        match self.circuits.sources.remove(&(channel, id)) {
            None => Ok(Vec::new()),
            Some(Source::Own(own)) => {
                let (payment_hash, route) = *own;
                let hold_times = route.hold_times(attribution_data.as_deref());
                let event = PaymentEvent::Paid { payment_hash, payment_preimage, hold_times };
                Ok(vec![NodeOutput::Event(NodeEvent::Payment { channel: None, event })])
            }
            Some(Source::Relayed(incoming)) => {
                self.take_htlc(&incoming, payment_preimage, attribution_data)
            }
        }
    }

    /// An HTLC that this node offered is irrevocably gone, and nobody took it.
    fn failed(&mut self, channel: ChannelHandle, id: HtlcId, removal: &Removal) -> Outputs {
        match self.circuits.sources.remove(&(channel, id)) {
            None => Ok(Vec::new()),
            Some(Source::Own(own)) => {
                let (payment_hash, route) = *own;
                let event = PaymentEvent::Failed { payment_hash, setback: route.read(removal) };
                Ok(vec![NodeOutput::Event(NodeEvent::Payment { channel: None, event })])
            }
            Some(Source::Relayed(incoming)) => self.pass_back(&incoming, removal),
        }
    }

    /// An HTLC that this node offered came back on chain. BOLT 2, "Forwarding HTLCs".
    fn timed_out(&mut self, channel: ChannelHandle, id: HtlcId) -> Outputs {
        match self.circuits.sources.remove(&(channel, id)) {
            None => Ok(Vec::new()),
            Some(Source::Own(own)) => {
                let payment_hash = own.0;
                let event = PaymentEvent::Failed { payment_hash, setback: Setback::OnChain };
                Ok(vec![NodeOutput::Event(NodeEvent::Payment { channel: None, event })])
            }
            Some(Source::Relayed(incoming)) => {
                self.give_back(&incoming, Failure::PermanentChannelFailure {})
            }
        }
    }

    /// Whether an HTLC of this channel can be given back now: on chain nobody can, and what its peer is
    /// not told binds this node all the same.
    fn can_give_back(&self, channel: &ChannelHandle) -> bool {
        let known = self.channel(channel);
        known.is_some_and(|known| {
            known.link == Link::Up && !matches!(known.phase, Phase::Closing(_) | Phase::Closed(_))
        })
    }

    /// Gives HTLCs back that are about to time out upstream while the chain has yet to decide about
    /// them downstream: that channel would be closed for nothing.
    pub(super) fn save_upstream(&mut self) -> Outputs {
        let is_near = |expiry: CltvExpiry| {
            self.height.0.saturating_add(self.deadlines.upstream_margin) >= expiry.0
        };
        // One that is resolved has told of all that it had.
        let is_closing = |channel: &ChannelHandle| match self.channel(channel).map(|c| &c.phase) {
            Some(Phase::Closed(closed)) => *closed != Closed::Resolved,
            known => matches!(known, Some(Phase::Closing(_))),
        };
        let late = self.circuits.sources.iter().filter(|((channel, _), source)| match source {
            Source::Relayed(incoming) => {
                is_near(incoming.cltv_expiry)
                    && is_closing(channel)
                    && self.can_give_back(&incoming.channel)
            }
            Source::Own(_) => false,
        });
        let late: Vec<(ChannelHandle, HtlcId)> = late.map(|(key, _)| *key).collect();
        let mut outputs = Vec::new();
        for (channel, id) in late {
            outputs.extend(self.timed_out(channel, id)?);
        }
        Ok(outputs)
    }

    /// Gives an HTLC back for the reason that the next hop gave.
    fn pass_back(&mut self, incoming: &Incoming, removal: &Removal) -> Outputs {
        let hold_time = self.held_since(incoming.since);
        let passed_on = match (removal, incoming.blinded, incoming.shared_secret) {
            (Removal::Malformed { sha256_of_onion, failure_code }, BlindedRole::Outside, _) => {
                let failure = malformed(*failure_code, *sha256_of_onion);
                let failure = failure.unwrap_or(Failure::TemporaryNodeFailure {});
                return self.give_back(incoming, failure);
            }
            (Removal::Failed { reason, attribution_data }, BlindedRole::Outside, Some(secret)) => {
                let attribution = attribution_data.clone();
                let packet = FailurePacket { reason: reason.0.clone(), attribution };
                relay_failure(&secret, packet, Some(hold_time))
            }
            // What goes wrong on a blinded path is told by nobody on it.
            (
                Removal::Malformed { .. } | Removal::Failed { .. } | Removal::Fulfilled { .. },
                BlindedRole::Outside | BlindedRole::Introduction | BlindedRole::Inside,
                _,
            ) => return self.give_back(incoming, Failure::TemporaryNodeFailure {}),
        };
        let FailurePacket { reason, attribution } = passed_on;
        let removal = Removal::Failed { reason: Bytes(reason), attribution_data: attribution };
        self.remove(incoming, removal)
    }

    /// Does what `invoices` decided.
    pub(super) fn carry_out_decisions(&mut self, decisions: Vec<Decision>) -> Outputs {
        let mut outputs = Vec::new();
        for decision in decisions {
            outputs.extend(match decision {
                Decision::Take(incoming, preimage) => self.take_htlc(&incoming, preimage, None)?,
                Decision::GiveBack(incoming, failure) => self.give_back(&incoming, failure)?,
                Decision::Complete { payment_hash, amount, parts, held } => {
                    let event = PaymentEvent::Received { payment_hash, amount, parts, held };
                    vec![NodeOutput::Event(NodeEvent::Payment { channel: None, event })]
                }
            });
        }
        Ok(outputs)
    }

    /// Gives back what has waited too long.
    pub(super) fn pass_time(&mut self) -> Outputs {
        let is_closing =
            |channel: &NodeChannel| matches!(channel.phase, Phase::Closing(_) | Phase::Closed(_));
        let closing = self.channels.iter().filter(|(_, channel)| is_closing(channel));
        let on_chain = closing.map(|(handle, _)| *handle).collect();
        let decisions = self.invoices.pass_time(self.now(), &on_chain);
        self.carry_out_decisions(decisions)
    }

    /// Takes a peer's HTLC.
    fn take_htlc(
        &mut self,
        incoming: &Incoming,
        payment_preimage: PaymentPreimage,
        downstream: Option<Box<AttributionData>>,
    ) -> Outputs {
        self.circuits.preimages.insert(payment_preimage.hash(), payment_preimage);
        let hold_time = self.held_since(incoming.since);
        let attribution_data = match (incoming.blinded, incoming.shared_secret) {
            (BlindedRole::Outside | BlindedRole::Introduction, Some(secret)) => {
                let downstream = downstream.map(|data| *data);
                Some(Box::new(attribute_fulfill(&secret, downstream, hold_time)))
            }
            (BlindedRole::Inside, _) | (_, None) => None,
        };
        self.remove(incoming, Removal::Fulfilled { payment_preimage, attribution_data })
    }

    /// Gives a peer's HTLC back for a reason of this node's own. BOLT 2, "Removing an HTLC": on a
    /// blinded path the reason is not told.
    fn give_back(&mut self, incoming: &Incoming, failure: Failure) -> Outputs {
        let sha256_of_onion = incoming.sha256_of_onion;
        let told = match incoming.blinded {
            BlindedRole::Outside => failure.clone(),
            BlindedRole::Introduction | BlindedRole::Inside => {
                Failure::InvalidOnionBlinding { sha256_of_onion }
            }
        };
        let removal = match (incoming.blinded, incoming.shared_secret) {
            (BlindedRole::Outside | BlindedRole::Introduction, Some(secret)) => {
                let hold_time = self.held_since(incoming.since);
                let FailurePacket { reason, attribution } = fail(&secret, &told, Some(hold_time));
                Removal::Failed { reason: Bytes(reason), attribution_data: attribution }
            }
            (BlindedRole::Inside, _) | (_, None) => {
                let failure_code = told.code();
                Removal::Malformed { sha256_of_onion, failure_code }
            }
        };
        let event = PaymentEvent::GivenBack { id: incoming.id, failure };
        let channel = Some(incoming.channel);
        let mut outputs = vec![NodeOutput::Event(NodeEvent::Payment { channel, event })];
        outputs.extend(self.remove(incoming, removal)?);
        Ok(outputs)
    }

    /// Removes a peer's HTLC.
    fn remove(&mut self, incoming: &Incoming, removal: Removal) -> Outputs {
        let command = Command::Remove { id: incoming.id, removal };
        match self.step_channel(incoming.channel, &Input::Command(command)) {
            // The channel is closing: its HTLCs are settled on chain.
            Err(NodeError::Refused(_)) => Ok(Vec::new()),
            done => done,
        }
    }
}

//! Opening channels, and accepting those that peers propose.

use bitcoin::Amount;
use secp256k1::PublicKey;

use super::{
    ChannelHandle, ChannelPolicy, Link, Node, NodeChannel, NodeError, NodeEvent, NodeOutput,
    OpenRequest, Outputs,
};
use crate::bolt::channel::{
    Acceptance, ChannelEvent, ChannelSecrets, Fault, PartyTerms, PeerViolation, Phase, Refused,
    Terms,
};
use crate::bolt::features::{Feature, Features};
use crate::bolt::tx::Side;
use crate::bolt::units::Msat;
use crate::bolt::wire::messages::{Error, OpenChannel, Warning};
use crate::bolt::wire::{ChannelId, ShortChannelId};

impl Node {
    fn policy(&self, peer: &PublicKey) -> ChannelPolicy {
        self.policies.get(peer).cloned().unwrap_or_default()
    }

    /// Our alias for a channel, if both sides know aliases.
    fn alias(&self, channel: &ChannelHandle, features: &Features) -> Option<ShortChannelId> {
        features.supports(Feature::SCID_ALIAS).then(|| self.seed.alias(channel))
    }

    /// The part of the terms that this node decides.
    fn party(
        &self,
        secrets: &ChannelSecrets,
        peer: &PublicKey,
        features: &Features,
        capacity: Amount,
    ) -> PartyTerms {
        let commits =
            self.committing.contains(peer) && features.supports(Feature::UPFRONT_SHUTDOWN_SCRIPT);
        let policy = self.policy(peer);
        let one_percent = Amount::from_sat(capacity.to_sat() / 100);
        // Never below a dust limit: BOLT 2, rationale of `open_channel`. The peer's may be as large
        // as ours at most.
        let usual_reserve = one_percent.max(policy.dust_limit);
        let all = Msat::from_amount(capacity).unwrap_or(Msat(u64::MAX));
        PartyTerms {
            dust_limit: policy.dust_limit,
            max_htlc_value_in_flight: policy.max_htlc_value_in_flight.unwrap_or(all),
            channel_reserve: policy.channel_reserve.unwrap_or(usual_reserve),
            htlc_minimum: policy.htlc_minimum,
            to_self_delay: policy.to_self_delay,
            max_accepted_htlcs: policy.max_accepted_htlcs,
            funding_pubkey: secrets.funding.public_key(secp256k1::SECP256K1),
            basepoints: secrets.basepoints.public(),
            upfront_shutdown_script: commits.then(|| self.wallet.script().clone()),
        }
    }

    pub(super) fn open(&mut self, request: &OpenRequest) -> Outputs {
        let features = self.negotiated(&request.peer);
        let features = features.ok_or(NodeError::Refused(Refused::NotConnected))?;
        let handle = self.next_channel();
        let secrets = self.seed.channel(self.next_index());
        let party = self.party(&secrets, &request.peer, &features, request.capacity);
        let terms = Terms {
            opener: Side::Local,
            capacity: request.capacity,
            push: request.push,
            channel_type: request.channel_type,
            variations: request.variations,
            announced: request.announced,
            alias: self.alias(&handle, &features),
            feerate: request.feerate,
            // `accept_channel` says the depth and the peer's terms.
            minimum_depth: 0,
            max_dust_htlc_exposure: self.policy(&request.peer).max_dust_htlc_exposure,
            remote: party.clone(),
            local: party,
        };
        let context = self.context(&secrets, &features);
        let (phase, outputs) = Phase::open(&context, terms, handle).map_err(NodeError::from)?;
        self.channels.insert(
            handle,
            NodeChannel { peer: request.peer, secrets, phase, link: Link::Up, features },
        );
        self.carry_out(handle, outputs)
    }

    pub(super) fn accept(&mut self, from: PublicKey, message: &OpenChannel) -> Outputs {
        let handle = message.temporary_channel_id;
        let mut funded = self.channels.values().filter_map(|known| known.phase.commitments());
        if funded.any(|known| known.channel_id == handle) {
            return Ok(self.refuse(from, handle, &PeerViolation::TemporaryIdInUse));
        }
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
                    return Ok(self.refuse(from, handle, &violation));
                }
                // Two peers may choose one id, so this is no violation; but channels are kept by
                // their ids alone. The first stays, the second peer can choose again.
                return Ok(self.error(from, handle, &violation));
            }
        };
        let features = self.negotiated(&from).unwrap_or_default();
        let policy = self.policy(&from);
        let party = self.party(&secrets, &from, &features, message.funding_satoshis);
        let acceptance = Acceptance {
            local: party.fitting(message),
            minimum_depth: policy.minimum_depth,
            zeroconf: policy.accepts_zeroconf,
            alias: self.alias(&handle, &features),
            max_dust_htlc_exposure: policy.max_dust_htlc_exposure,
        };
        let context = self.context(&secrets, &features);
        match Phase::accept(&context, message, acceptance) {
            Ok((phase, outputs)) => {
                self.channels.insert(
                    handle,
                    NodeChannel { peer: from, secrets, phase, link: Link::Up, features },
                );
                self.carry_out(handle, outputs)
            }
            Err(Fault::Peer(violation)) => Ok(self.refuse(from, handle, &violation)),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Tells of a violation in `open_channel`, and answers it.
    fn refuse(
        &mut self,
        from: PublicKey,
        channel: ChannelHandle,
        violation: &PeerViolation,
    ) -> Vec<NodeOutput> {
        let event = ChannelEvent::Violation {
            requirement: violation.requirement().to_owned(),
            message: violation.to_string(),
        };
        let mut outputs = vec![NodeOutput::Event(NodeEvent::Channel { channel, event })];
        outputs.extend(self.error(from, channel, violation));
        outputs
    }

    /// An `error`; where it would fail another channel, or all of them, a `warning` and the end of
    /// the connection.
    fn error(
        &mut self,
        to: PublicKey,
        channel_id: ChannelId,
        violation: &PeerViolation,
    ) -> Vec<NodeOutput> {
        let text = violation.to_string();
        let mut funded = self.channels.values().filter_map(|known| known.phase.commitments());
        if channel_id != ChannelId::ALL && !funded.any(|known| known.channel_id == channel_id) {
            let message = Error::about(channel_id, text).into();
            return vec![NodeOutput::Send { to, message }];
        }
        let message = Warning::about(channel_id, text).into();
        self.disconnect(&to);
        vec![NodeOutput::Send { to, message }, NodeOutput::Disconnect { peer: to }]
    }
}

//! What the node says of its own channels, and of itself. BOLT 7, "The `announcement_signatures`
//! Message".

use secp256k1::PublicKey;

use super::{ChannelHandle, Link, Node, NodeChannel, NodeOutput};
use crate::bolt::channel::Phase;
use crate::bolt::features::{Context, Features};
use crate::bolt::gossip::network::{ANNOUNCED_DEPTH, STALE_AFTER};
use crate::bolt::gossip::own::{Asked, node_announcement};
use crate::bolt::gossip::{Answer, Direction, Forgotten, GossipId, Heard, OwnChannel, Said};
use crate::bolt::units::{Msat, ShortChannelId};
use crate::bolt::wire::Message;
use crate::bolt::wire::messages::AnnouncementSignatures;

/// The age at which a `channel_update` of ours is said again, in seconds: a day before others may
/// forget the channel.
const REFRESHED_AFTER: u64 = STALE_AFTER - 86_400;

/// How far a channel has come on its way to the public.
#[derive(Clone, Debug, Default)]
pub(super) struct Announcing {
    /// The funding that the signatures are of; another one begins anew.
    of: Option<ShortChannelId>,
    /// Whether ours went out on this connection.
    sent: bool,
    /// The peer's, not checked before ours can be made.
    received: Option<AnnouncementSignatures>,
    /// Whether the peer has asked for ours by sending its own again.
    asked: bool,
    stage: Stage,
}

/// What the network was told of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing: a half is missing.
    #[default]
    Signing,
    /// That it is there: the whole was given to our own network.
    Announced,
    /// That it is out of use.
    Disabled,
}

impl Announcing {
    /// The connection has ended.
    pub(super) fn disconnected(&mut self) {
        (self.sent, self.asked) = (false, false);
    }
}

impl NodeChannel {
    /// The channel as it is announced, if it is to be: both sides have sent `channel_ready`, neither
    /// `shutdown`, and the funding transaction is so deep that it stays.
    fn announced_by(&self, node: &Node) -> Option<OwnChannel> {
        let Phase::Normal(normal) = &self.phase else { return None };
        let terms = &normal.commitments.terms;
        let is_deep = normal.confirmation.depth(node.height) >= ANNOUNCED_DEPTH;
        if !terms.announced || !is_deep {
            return None;
        }
        Some(OwnChannel {
            short_channel_id: self.phase.short_channel_id()?,
            local: (node.id, terms.local.funding_pubkey),
            remote: (self.peer, terms.remote.funding_pubkey),
        })
    }
}

impl Node {
    /// Whether this update is the peer's word on a channel with us that nobody else knows of.
    pub(super) fn is_for_us_alone(&self, from: &PublicKey, said: Said<'_>) -> bool {
        let Said::ChannelUpdate(update) = said else { return false };
        let ours = self.channels.values().filter(|channel| channel.peer == *from);
        update.is_private()
            && ours.into_iter().any(|channel| channel.phase.goes_by(update.short_channel_id))
    }

    /// Takes the peer's half of an announcement.
    pub(super) fn receive_announcement_signatures(
        &mut self,
        from: PublicKey,
        theirs: &AnnouncementSignatures,
    ) -> Vec<NodeOutput> {
        let of = self.channels.iter().find(|(_, channel)| {
            let commitments = channel.phase.commitments();
            channel.peer == from
                && commitments.is_some_and(|known| known.channel_id == theirs.channel_id)
        });
        let Some((handle, channel)) = of else {
            return self.refuse_signatures(from, "channel_id");
        };
        let own = channel.announced_by(self);
        if let Some(field) = own.and_then(|own| own.wrong_in(theirs)) {
            return self.refuse_signatures(from, field);
        }
        let announcing = self.gossip.announcing.entry(*handle).or_default();
        announcing.asked = announcing.received.is_some();
        announcing.received = Some(theirs.clone());
        Vec::new()
    }

    /// Goes on with all announcements of channels that can go on.
    pub(super) fn announce_channels(&mut self) -> Vec<NodeOutput> {
        let ready = self.channels.iter().filter_map(|(handle, channel)| {
            let own = channel.announced_by(self)?;
            Some((*handle, own))
        });
        let ready: Vec<(ChannelHandle, OwnChannel)> = ready.collect();
        let mut outputs = Vec::new();
        for (handle, own) in ready {
            outputs.extend(self.announce(handle, &own));
        }
        outputs.extend(self.disable_channels());
        outputs
    }

    fn announce(&mut self, handle: ChannelHandle, own: &OwnChannel) -> Vec<NodeOutput> {
        let Some(channel) = self.channels.get(&handle) else { return Vec::new() };
        let announcing = self.gossip.announcing.entry(handle).or_default();
        if announcing.of != Some(own.short_channel_id) {
            // What the peer has signed for another place of the funding transaction was right then.
            let is_new = announcing.of.is_none();
            let fits = |theirs: &AnnouncementSignatures| {
                is_new || theirs.short_channel_id == own.short_channel_id
            };
            let received = announcing.received.take().filter(fits);
            let of = Some(own.short_channel_id);
            *announcing = Announcing { of, received, ..Announcing::default() };
        }
        let (peer, is_up) = (channel.peer, channel.link == Link::Up);
        // Ours are due until the peer's are there, and whenever the peer sends its own again.
        let is_complete = announcing.stage != Stage::Signing;
        let is_due = announcing.received.is_none() || !is_complete || announcing.asked;
        let sends = is_up && is_due && !announcing.sent;
        let completes = is_up && announcing.received.is_some() && !is_complete;
        if !sends && !completes {
            return Vec::new();
        }
        let channel_id = channel.phase.channel_id();
        let ours = own.signatures(channel_id, &self.seed.node_secret(), &channel.secrets.funding);
        let Some(ours) = ours else { return Vec::new() };
        let mut outputs = Vec::new();
        if sends {
            (announcing.sent, announcing.asked) = (true, false);
            outputs.push(NodeOutput::Send { to: peer, message: ours.clone().into() });
        }
        if let Some(theirs) = announcing.received.clone().filter(|_| completes) {
            outputs.extend(self.complete(handle, own, &ours, &theirs));
        }
        outputs
    }

    /// Both halves are there.
    fn complete(
        &mut self,
        handle: ChannelHandle,
        own: &OwnChannel,
        ours: &AnnouncementSignatures,
        theirs: &AnnouncementSignatures,
    ) -> Vec<NodeOutput> {
        let peer = own.remote.0;
        let Some(announcing) = self.gossip.announcing.get_mut(&handle) else { return Vec::new() };
        if let Some(field) = own.wrong_in(theirs) {
            announcing.received = None;
            return self.refuse_signatures(peer, field);
        }
        announcing.stage = Stage::Announced;
        let Some(announcement) = own.announcement(ours, theirs) else { return Vec::new() };
        let heard = self.gossip.network.receive_channel(self.id, &announcement);
        if heard == Ok(Heard::Known) {
            // Others have heard of it from the peer before us, but not what we ask for it.
            return self.say_of_ourselves(GossipId::Channel(own.short_channel_id));
        }
        self.take_heard(self.id, "channel_announcement", heard)
    }

    /// The peer's half of an announcement is wrong in this field.
    fn refuse_signatures(&mut self, peer: PublicKey, field: &str) -> Vec<NodeOutput> {
        let (requirement, answer) = match field {
            "short_channel_id" | "channel_id" => {
                ("bolt07/announcement_signatures/short-channel-id", Answer::Warning)
            }
            _ => ("bolt07/announcement_signatures/signatures", Answer::HangUp),
        };
        let why = format!("{field} is wrong");
        self.refuse_gossip(peer, "announcement_signatures", requirement, &why, answer)
    }

    /// Whether this is a channel of ours whose announcement both sides have signed.
    pub(super) fn has_announced(&self, id: ShortChannelId) -> bool {
        self.gossip
            .announcing
            .values()
            .any(|known| known.of == Some(id) && known.stage != Stage::Signing)
    }

    /// These channels are forgotten: those of ours that are alive are announced anew.
    pub(super) fn announce_again(&mut self, forgotten: &[(ShortChannelId, Forgotten)]) {
        for announcing in self.gossip.announcing.values_mut() {
            if forgotten.iter().any(|(id, _)| announcing.of == Some(*id)) {
                announcing.stage = Stage::Signing;
            }
        }
    }

    /// News of our own: a channel goes out with what we ask for it, and with who we are.
    pub(super) fn say_of_ourselves(&mut self, id: GossipId) -> Vec<NodeOutput> {
        let GossipId::Channel(channel) = id else { return self.say(&[id]) };
        let handle =
            self.channels.iter().find(|(_, known)| known.phase.short_channel_id() == Some(channel));
        let Some(handle) = handle.map(|(handle, _)| *handle) else { return Vec::new() };
        let mut said = vec![id];
        said.extend(self.make_update(handle, false));
        said.extend(self.make_node_announcement());
        self.say(&said)
    }

    /// Tells all peers of it now, whatever they have asked for. BOLT 7, "The
    /// `gossip_timestamp_filter` Message".
    fn say(&self, said: &[GossipId]) -> Vec<NodeOutput> {
        let messages: Vec<Message> = said
            .iter()
            .filter_map(|id| self.gossip.network.told(id))
            .map(|(message, _)| message)
            .collect();
        let peers = self.gossip_peers();
        let to_all = messages.iter().flat_map(|message| {
            peers.iter().map(|to| NodeOutput::Send { to: *to, message: message.clone() })
        });
        to_all.collect()
    }

    /// Makes a new `channel_update` for a channel that is announced.
    fn make_update(&mut self, handle: ChannelHandle, is_disabled: bool) -> Option<GossipId> {
        let channel = self.channels.get(&handle)?;
        let id = self.gossip.announcing.get(&handle)?.of?;
        let terms = &channel.phase.commitments()?.terms;
        let capacity = Msat::from_amount(terms.capacity)?;
        let own = OwnChannel {
            short_channel_id: id,
            local: (self.id, terms.local.funding_pubkey),
            remote: (channel.peer, terms.remote.funding_pubkey),
        };
        let htlc_minimum_msat = terms.remote.htlc_minimum.max(self.relay.htlc_minimum);
        let asked = Asked {
            cltv_expiry_delta: self.relay.cltv_expiry_delta,
            htlc_minimum_msat,
            htlc_maximum_msat: terms
                .remote
                .max_htlc_value_in_flight
                .min(capacity)
                .max(htlc_minimum_msat),
            fee_base_msat: u32::try_from(self.relay.fee_base.0).unwrap_or(u32::MAX),
            fee_proportional_millionths: self.relay.fee_proportional_millionths,
        };
        let known = self.gossip.network.channel(id)?;
        let last = own.direction().of(&known.updates).as_ref().map(|update| update.timestamp);
        let timestamp = self.timestamp_after(last);
        let update = own.update(&self.seed.node_secret(), timestamp, is_disabled, asked)?;
        let heard = self.gossip.network.receive_update(self.now(), self.id, &update);
        heard.is_ok().then_some(GossipId::Update(id, own.direction()))
    }

    /// Makes a `node_announcement`, unless there is one: nothing in it changes.
    fn make_node_announcement(&mut self) -> Option<GossipId> {
        let known = self.gossip.network.node(&self.id.into())?;
        if known.announcement.is_some() {
            return None;
        }
        let shown = |bit: &u32| {
            let of = crate::bolt::features::Feature::of_bit(*bit);
            of.is_some_and(|feature| feature.presence(Context::NodeAnnouncement).is_some())
        };
        let features: Features = self.features.bits().filter(shown).collect();
        let timestamp = self.timestamp_after(None);
        let secret = self.seed.node_secret();
        let announcement =
            node_announcement(&secret, features, timestamp, self.gossip.policy.alias)?;
        let heard = self.gossip.network.receive_node(self.id, &announcement);
        heard.is_ok().then_some(GossipId::Node(self.id.into()))
    }

    /// The time, or the second after the last announcement if that is later.
    fn timestamp_after(&self, last: Option<u32>) -> u32 {
        let now = u32::try_from(self.time).unwrap_or(u32::MAX).max(1);
        last.map_or(now, |last| now.max(last.saturating_add(1)))
    }

    /// Tells others what is asked for forwarding now.
    pub(super) fn update_channels(&mut self) -> Vec<NodeOutput> {
        let announced =
            self.gossip.announcing.iter().filter(|(_, of)| of.stage == Stage::Announced);
        let handles: Vec<ChannelHandle> = announced.map(|(handle, _)| *handle).collect();
        let made: Vec<GossipId> =
            handles.into_iter().filter_map(|handle| self.make_update(handle, false)).collect();
        self.say(&made)
    }

    /// Says again what is asked for forwarding before others forget it for its age.
    pub(super) fn refresh_updates(&mut self) -> Vec<NodeOutput> {
        let is_old = |(handle, of): &(&ChannelHandle, &Announcing)| {
            let peer = self.channels.get(handle).map(|channel| channel.peer);
            let known = of.of.and_then(|id| self.gossip.network.channel(id));
            let (Some(peer), Some(known)) = (peer, known) else { return false };
            let direction = Direction::of_two(&self.id, &peer);
            let last = direction.of(&known.updates).as_ref().map(|update| update.timestamp);
            let age = last.map(|last| self.time.saturating_sub(last.into()));
            of.stage == Stage::Announced && age >= Some(REFRESHED_AFTER)
        };
        let old = self.gossip.announcing.iter().filter(is_old);
        let old: Vec<ChannelHandle> = old.map(|(handle, _)| *handle).collect();
        let made: Vec<GossipId> =
            old.into_iter().filter_map(|handle| self.make_update(handle, false)).collect();
        self.say(&made)
    }

    /// Tells others of channels that will not carry payments any more.
    fn disable_channels(&mut self) -> Vec<NodeOutput> {
        let is_ending = |handle: &ChannelHandle| {
            let phase = self.channels.get(handle).map(|channel| &channel.phase);
            phase.is_some_and(|phase| {
                !matches!(phase, Phase::Opening(_) | Phase::Normal(_) | Phase::Closed(_))
            })
        };
        let announced =
            self.gossip.announcing.iter().filter(|(_, of)| of.stage == Stage::Announced);
        let ending: Vec<ChannelHandle> =
            announced.map(|(handle, _)| *handle).filter(is_ending).collect();
        let mut made = Vec::new();
        for handle in ending {
            made.extend(self.make_update(handle, true));
            if let Some(announcing) = self.gossip.announcing.get_mut(&handle) {
                announcing.stage = Stage::Disabled;
            }
        }
        self.say(&made)
    }
}

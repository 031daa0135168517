//! Gossip: what nodes are told to do about it, and what the chain says of the channels that they hear
//! of.

use std::collections::BTreeMap;

use bitcoin::{BlockHash, OutPoint};
use secp256k1::{PublicKey, SECP256K1, SecretKey};
use serde_json::{Value, json};

use super::probes::with_fields;
use super::sides::Side;
use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::features::Features;
use crate::bolt::gossip::encoded::encode_short_ids;
use crate::bolt::gossip::own::{Asked, OwnChannel, node_announcement};
use crate::bolt::gossip::signed::SignatureName;
use crate::bolt::gossip::{Filter, FundingOutput, Sync};
use crate::bolt::units::{BlockHeight, Msat, ShortChannelId};
use crate::bolt::wire::messages::{
    ChannelAnnouncement, QueryShortChannelIds, ReplyChannelRange, ReplyShortChannelIdsEnd,
};
use crate::bolt::wire::{Alias, ChannelId, Message};
use crate::node::{FlarePolicy, GossipPolicy, Node, NodeCommand, NodeEvent, NodeInput, SyncBy};
use crate::scenario::{
    Channel, ChannelItem, ChannelName, FieldValue, FlareTerms, MessageFields, NamedField, Referent,
    Role, RoleName, SendStep, SyncKind,
};

/// What bitcoind has said of funding outputs, as long as the chain is the same.
#[derive(Debug, Default)]
pub(super) struct LookedUp {
    tip: Option<BlockHash>,
    found: BTreeMap<ShortChannelId, FundingOutput>,
}

/// Tells a node how to go about gossip. It calls itself by the name of its role.
pub(super) fn command(role: &Role) -> NodeCommand {
    NodeCommand::SetGossip(GossipPolicy {
        sync: match role.gossip.sync {
            SyncKind::Ranges => SyncBy::Ranges,
            SyncKind::Filter => SyncBy::Filter,
            SyncKind::Nothing => SyncBy::Nothing,
        },
        most_ids: role.gossip.most_ids.map(usize::from),
        alias: alias(&role.name.value),
    })
}

/// Tells a node to use Flare.
pub(super) fn flare(terms: FlareTerms) -> NodeCommand {
    let FlareTerms { radius, beacons, queries } = terms;
    NodeCommand::SetFlare(FlarePolicy { radius, beacons, queries })
}

fn alias(role: &RoleName) -> Alias {
    let mut alias = [0; 32];
    for (to, from) in alias.iter_mut().zip(role.as_str().bytes()) {
        *to = from;
    }
    Alias(alias)
}

impl Lab<'_> {
    /// Looks up a funding output in the chain that a role sees, and tells the role.
    pub(super) fn look_up(
        &mut self,
        role: &RoleName,
        id: ShortChannelId,
    ) -> Result<Vec<NodeEvent>, Stop> {
        let height = self.node(role)?.height();
        let found = self.funding_output(self.sides.of(role), id, height)?;
        let input = NodeInput::LookedUp { short_channel_id: id, found };
        self.input(role, "look at the chain", input)
    }

    /// What a side's chain has there, seen from this height.
    fn funding_output(
        &mut self,
        side: Side,
        id: ShortChannelId,
        height: BlockHeight,
    ) -> Result<FundingOutput, Stop> {
        let depth = height.blocks_since(BlockHeight(id.block()));
        let Some(depth) = depth else { return Ok(FundingOutput::Missing) };
        let tip = self.sides.chain(side).tip();
        if self.looked_up.tip != Some(tip) {
            self.looked_up = LookedUp { tip: Some(tip), found: BTreeMap::new() };
        }
        let found = if let Some(found) = self.looked_up.found.get(&id) {
            found.clone()
        } else {
            let found = self.ask_bitcoind(side, id)?;
            self.looked_up.found.insert(id, found.clone());
            found
        };
        Ok(match found {
            FundingOutput::Unspent { outpoint, output, .. } => {
                let confirmations = depth.saturating_add(1);
                FundingOutput::Unspent { outpoint, output, confirmations }
            }
            other => other,
        })
    }

    /// The same, as bitcoind says it.
    fn ask_bitcoind(&mut self, side: Side, id: ShortChannelId) -> Result<FundingOutput, Stop> {
        let chain = self.sides.chain_mut(side);
        let index = usize::try_from(id.transaction()).unwrap_or(usize::MAX);
        let block = chain.block(BlockHeight(id.block()));
        let transaction = block.and_then(|block| block.txdata.get(index));
        let output = usize::from(id.output());
        let Some(transaction) = transaction.filter(|known| known.output.len() > output) else {
            return Ok(FundingOutput::Missing);
        };
        let outpoint = OutPoint { txid: transaction.compute_txid(), vout: id.output().into() };
        Ok(match chain.unspent_in_blocks(outpoint)? {
            None => FundingOutput::Spent,
            Some(output) => FundingOutput::Unspent { outpoint, output, confirmations: 0 },
        })
    }
}

/// The two ends of a channel: each node's secret, and its secret of the funding output.
struct Ends([(SecretKey, SecretKey); 2]);

/// Gossip that a probe is told to send.
impl Lab<'_> {
    /// Notes where channels are funded, while somebody knows.
    pub(super) fn note_places(&mut self) {
        let places = self.channels.iter().filter_map(|(name, handle)| {
            let mut known = self.cast.values().filter_map(|player| player.node.channel(handle));
            let id = known.find_map(|channel| channel.phase.short_channel_id())?;
            Some((name.clone(), id))
        });
        let places: Vec<_> = places.collect();
        self.places.extend(places);
    }

    /// The same fields with the values that names stand for now. `channel` says whose funding keys are
    /// meant.
    pub(super) fn resolved(
        &self,
        fields: &MessageFields,
        channel: Option<&ChannelName>,
    ) -> Result<MessageFields, Stop> {
        let mut resolved = fields.clone();
        for field in &mut resolved.fields {
            if let FieldValue::Named(referent) = &field.value {
                field.value = FieldValue::Is(self.value_of(field.name, referent, channel)?);
            }
        }
        Ok(resolved)
    }

    fn value_of(
        &self,
        field: &str,
        referent: &Referent,
        channel: Option<&ChannelName>,
    ) -> Result<Value, Stop> {
        let now = u32::try_from(self.now()).unwrap_or(u32::MAX);
        Ok(match referent {
            Referent::Ahead(seconds) => json!(now.saturating_add(*seconds)),
            Referent::Ago(seconds) => json!(now.saturating_sub(*seconds)),
            Referent::Channel(name) => json!(self.place(name)?),
            Referent::Channels(items) => {
                let id = |item: &ChannelItem| match item {
                    ChannelItem::Named(name) => self.place(name),
                    ChannelItem::Is(id) => Ok(*id),
                };
                let ids = items.iter().map(id).collect::<Result<Vec<_>, Stop>>()?;
                json!(encode_short_ids(&ids))
            }
            Referent::Key(role) if field.starts_with("bitcoin_key") => {
                let name =
                    channel.ok_or_else(|| failed(None, "say of which channel".to_owned()))?;
                let handle = self.channels.get(name);
                let known = handle.and_then(|handle| self.node(role).ok()?.channel(handle));
                let secret = known.map(|channel| channel.secrets.funding);
                let secret = secret.ok_or_else(|| failed(None, format!("{role} has no {name}")))?;
                json!(secret.public_key(SECP256K1).to_string())
            }
            Referent::Key(role) => json!(self.node(role)?.id().to_string()),
        })
    }

    fn place(&self, name: &ChannelName) -> Result<ShortChannelId, Stop> {
        let place = self.places.get(name).copied();
        place.ok_or_else(|| failed(None, format!("{name} is not in the chain yet")))
    }

    /// A message of BOLT 7 as the reference would send it, if it is one.
    pub(super) fn gossip(
        &self,
        send: &SendStep,
        channel: Option<&ChannelName>,
        name: &str,
    ) -> Option<Message> {
        let chain_hash = bitcoin::constants::ChainHash::REGTEST;
        match name {
            "channel_announcement" => {
                let (own, ends) = self.announced(send, channel?)?;
                whole(&own, &ends).map(Message::from)
            }
            "channel_update" => self.update_of(send, channel?),
            "node_announcement" => {
                let declared = channel.and_then(|name| self.scenario.channel(name));
                let opener = declared.map(|channel| &channel.from.value);
                let of = send.of.first().map(|of| &of.value).or(opener).unwrap_or(&send.from.value);
                let secret = self.node(of).ok()?.secret();
                let now = u32::try_from(self.now()).unwrap_or(u32::MAX);
                node_announcement(&secret, Features::default(), now, alias(of)).map(Message::from)
            }
            "announcement_signatures" => {
                let node = self.node(&send.from.value).ok()?;
                let known = node.channel(self.channels.get(channel?)?)?;
                let (own, _) = self.announced(send, channel?)?;
                let own = if own.local.0 == node.id() { own } else { own.flipped() };
                let (id, funding) = (known.phase.channel_id(), &known.secrets.funding);
                own.signatures(id, &node.secret(), funding).map(Message::from)
            }
            "gossip_timestamp_filter" => Some(Filter::since(0).into()),
            "query_channel_range" => Sync::begin(BlockHeight(0), u32::MAX, false).1,
            "query_short_channel_ids" => {
                let encoded_short_ids = encode_short_ids(&[]);
                let (query_flags, unknown) = (None, Vec::new());
                let query =
                    QueryShortChannelIds { chain_hash, encoded_short_ids, query_flags, unknown };
                Some(query.into())
            }
            "reply_channel_range" => {
                let reply = ReplyChannelRange {
                    chain_hash,
                    first_blocknum: BlockHeight(0),
                    number_of_blocks: u32::MAX,
                    sync_complete: 1,
                    encoded_short_ids: encode_short_ids(&[]),
                    timestamps_tlv: None,
                    checksums_tlv: None,
                    unknown: Vec::new(),
                };
                Some(reply.into())
            }
            "reply_short_channel_ids_end" => {
                let (full_information, unknown) = (1, Vec::new());
                Some(ReplyShortChannelIdsEnd { chain_hash, full_information, unknown }.into())
            }
            _ => None,
        }
    }

    /// A channel as its two ends announce it, or as two others would; its opener comes first.
    fn announced(&self, send: &SendStep, name: &ChannelName) -> Option<(OwnChannel, Ends)> {
        let Channel { from, to, .. } = self.scenario.channel(name)?;
        let handle = self.channels.get(name)?;
        let [one, two] = [self.node(&from.value).ok()?, self.node(&to.value).ok()?];
        let funding = |node: &Node| Some(node.channel(handle)?.secrets.funding);
        let (one_funding, two_funding) = (funding(one)?, funding(two)?);
        let nodes = match send.of.as_slice() {
            [first, second] => [self.node(&first.value).ok()?, self.node(&second.value).ok()?],
            _ => [one, two],
        };
        let [one, two] = nodes.map(Node::secret);
        let public = |secret: &SecretKey| secret.public_key(SECP256K1);
        let own = OwnChannel {
            short_channel_id: self.places.get(name).copied().unwrap_or(ShortChannelId(0)),
            local: (public(&one), public(&one_funding)),
            remote: (public(&two), public(&two_funding)),
        };
        Some((own, Ends([(one, one_funding), (two, two_funding)])))
    }

    /// The `channel_update` of one end of a channel.
    fn update_of(&self, send: &SendStep, name: &ChannelName) -> Option<Message> {
        let Channel { from, capacity, .. } = self.scenario.channel(name)?;
        let of = send.of.first().map_or(&from.value, |of| &of.value);
        let (own, Ends([(one, _), _])) =
            self.announced(&SendStep { of: Vec::new(), ..send.clone() }, name)?;
        let node = self.node(of).ok()?;
        let is_first = one.public_key(SECP256K1) == node.id();
        let own = if is_first { own } else { own.flipped() };
        let relay = super::payments::relay_policy(self.scenario.role(of)?.relay);
        let asked = Asked {
            cltv_expiry_delta: relay.cltv_expiry_delta,
            htlc_minimum_msat: relay.htlc_minimum,
            htlc_maximum_msat: Msat::from_amount(capacity.value)?,
            fee_base_msat: u32::try_from(relay.fee_base.0).unwrap_or(u32::MAX),
            fee_proportional_millionths: relay.fee_proportional_millionths,
        };
        let now = u32::try_from(self.now()).unwrap_or(u32::MAX);
        own.update(&node.secret(), now, false, asked).map(Message::from)
    }

    /// Changes what the file names in an announcement or an update, and signs it anew: a changed message
    /// is signed by those whose keys it names. Signatures that the file names come last.
    pub(super) fn scripted_gossip(
        &self,
        made: &Message,
        fields: &MessageFields,
        channel: Option<&ChannelName>,
    ) -> Result<Option<Message>, serde_json::Error> {
        if !fields.is_relayed() {
            return Ok(None);
        }
        let of = |is_signature: bool| {
            let names = |field: &&NamedField| field.name.contains("signature") == is_signature;
            let fields_of = fields.fields.iter().filter(names).cloned().collect();
            MessageFields { name: fields.name, fields: fields_of }
        };
        let changed = with_fields(made, &of(false))?;
        let signed = match changed {
            Message::ChannelAnnouncement(announcement) => {
                self.signed_by_all(announcement, channel).into()
            }
            Message::ChannelUpdate(update) => match self.signer_of(&update, channel) {
                Some(secret) => update.signed(&secret).into(),
                None => Message::from(update),
            },
            Message::NodeAnnouncement(announcement) => {
                let key = announcement.node_id.check();
                match key.and_then(|key| self.secret_of(&key, channel)) {
                    Some(secret) => announcement.signed(&secret).into(),
                    None => Message::from(announcement),
                }
            }
            other => other,
        };
        with_fields(&signed, &of(true)).map(Some)
    }

    /// The secret of a key that somebody of the cast has.
    fn secret_of(&self, key: &PublicKey, channel: Option<&ChannelName>) -> Option<SecretKey> {
        let handle = channel.and_then(|name| self.channels.get(name));
        let secrets = self.cast.values().flat_map(|player| {
            let known = handle.and_then(|handle| player.node.channel(handle));
            [Some(player.node.secret()), known.map(|channel| channel.secrets.funding)]
        });
        secrets.flatten().find(|secret| secret.public_key(SECP256K1) == *key)
    }

    fn signer_of(
        &self,
        update: &crate::bolt::wire::messages::ChannelUpdate,
        channel: Option<&ChannelName>,
    ) -> Option<SecretKey> {
        let Channel { from, to, .. } = self.scenario.channel(channel?)?;
        let mut ids = [self.node(&from.value).ok()?.id(), self.node(&to.value).ok()?.id()];
        ids.sort_by_key(PublicKey::serialize);
        self.secret_of(update.direction().of(&ids), channel)
    }

    /// The announcement with the signatures of the keys that it names; where nobody has a key, the
    /// signature stays what it was.
    fn signed_by_all(
        &self,
        mut announcement: ChannelAnnouncement,
        channel: Option<&ChannelName>,
    ) -> ChannelAnnouncement {
        let digest = announcement.digest();
        let keys = [
            (SignatureName::Node1, announcement.node_id_1),
            (SignatureName::Node2, announcement.node_id_2),
            (SignatureName::Bitcoin1, announcement.bitcoin_key_1),
            (SignatureName::Bitcoin2, announcement.bitcoin_key_2),
        ];
        for (name, key) in keys {
            let secret = key.check().and_then(|key| self.secret_of(&key, channel));
            let Some(secret) = secret else { continue };
            *announcement.signature_mut(name) = SECP256K1.sign_ecdsa(&digest, &secret);
        }
        announcement
    }
}

/// The `channel_announcement` that both ends have signed.
fn whole(own: &OwnChannel, Ends(ends): &Ends) -> Option<ChannelAnnouncement> {
    let channel_id = ChannelId::ALL;
    let [one, two] = ends;
    let first = own.signatures(channel_id, &one.0, &one.1)?;
    let second = own.flipped().signatures(channel_id, &two.0, &two.1)?;
    own.announcement(&first, &second)
}

//! The cast and the channels.

use bitcoin::Amount;

use super::reader::{Fields, Reader};
use crate::bolt::units::{CsvDelay, FeeratePerKw};
use crate::scenario::{
    error::Mistake,
    habit::Habit,
    language,
    model::{
        At, Blocks, Channel, ChannelName, ChannelTerms, ChannelType, FlareTerms, GossipTerms,
        Position, RelayTerms, Role, RoleKind, RoleName, SyncKind,
    },
    units::{self, Quantity},
    yaml::Node,
};

impl Reader {
    /// The roles. All of their names are known afterwards, also of those that have problems.
    pub(super) fn cast(&mut self, node: &Node) -> Vec<Role> {
        let entries = self.entries(node, "the roles by name, as in `alice: {role: honest}`");
        let Some(entries) = entries else { return Vec::new() };
        if entries.is_empty() {
            self.report(node.at, Mistake::Nothing { what: "a cast has at least one role" });
        }
        let mut roles = Vec::new();
        for (key, value) in entries {
            let Some(name) = self.new_name::<RoleName>(key, "a role") else { continue };
            self.roles.push(name.value.clone());
            roles.extend(self.one_role(name, value));
        }
        roles
    }

    fn one_role(&mut self, name: At<RoleName>, node: &Node) -> Option<Role> {
        let fields = self.fields(node, &language::ROLE)?;
        let kind = fields
            .get("role")
            .and_then(|node| self.word(node, "kind of role", RoleKind::WORDS, RoleKind::from_word));
        let funds = self.optional(fields.get("funds"), Self::sat);
        let features = self.optional(fields.get("features"), Self::feature_bits);
        let without = self.optional(fields.get("without"), Self::feature_bits);
        let habits = self.optional(fields.get("habits"), |reader, node| {
            let items = reader.list(node, "a list of habits, as in `[watches_mempool]`");
            let habit = |reader: &mut Self, item| {
                reader.word(item, "habit", Habit::WORDS, Habit::from_word)
            };
            let habits: Vec<Habit> =
                items.iter().filter_map(|item| Some(habit(reader, item)?.value)).collect();
            (habits.len() == items.len()).then_some(habits)
        });
        let asks = self.channel_terms(&fields);
        let relay = self.relay_terms(&fields);
        let delta = fields.get("min_final_cltv_expiry_delta");
        let delta = self.optional(delta, Self::cltv_delta);
        let gossip = self.gossip_terms(&fields);
        Some(Role {
            name,
            kind: kind?,
            funds: funds?.map_or(Amount::ZERO, |funds| funds.value),
            coins: 1,
            asks: asks?,
            features: features?.unwrap_or_default(),
            without: without?.unwrap_or_default(),
            habits: habits?.unwrap_or_default(),
            relay: relay?,
            gossip: gossip?,
            min_final_cltv_expiry_delta: delta?.map(|blocks| blocks.value),
        })
    }

    /// What somebody asks of its channels, as far as these fields say.
    fn channel_terms(&mut self, fields: &Fields<'_>) -> Option<ChannelTerms> {
        let dust_limit = self.optional(fields.get("dust_limit"), Self::sat);
        let reserve = self.optional(fields.get("channel_reserve"), Self::sat);
        let in_flight = self.optional(fields.get("max_htlc_value_in_flight"), Self::msat);
        let count = self.optional(fields.get("max_accepted_htlcs"), |reader, node| {
            Some(At::new(reader.number(node)?, node.at))
        });
        let exposure = self.optional(fields.get("max_dust_htlc_exposure"), Self::msat);
        let zeroconf = self.optional(fields.get("accepts_zeroconf"), Self::flag);
        Some(ChannelTerms {
            dust_limit: dust_limit?,
            channel_reserve: reserve?,
            max_htlc_value_in_flight: in_flight?.map(|amount| amount.value),
            max_accepted_htlcs: count?,
            max_dust_htlc_exposure: exposure?.map(|amount| amount.value),
            accepts_zeroconf: zeroconf?.is_some_and(|flag| flag.value),
        })
    }

    /// How the roles use Flare.
    pub(super) fn flare(&mut self, node: &Node) -> Option<FlareTerms> {
        let fields = self.fields(node, &language::FLARE)?;
        let radius = self.optional(fields.get("radius"), Self::number);
        let beacons = self.optional(fields.get("beacons"), Self::number);
        let queries = self.optional(fields.get("queries"), Self::number);
        Some(FlareTerms {
            radius: radius?.unwrap_or(2),
            beacons: beacons?.unwrap_or(4),
            queries: queries?.unwrap_or(10),
        })
    }

    /// How a role goes about gossip, as far as these fields say.
    fn gossip_terms(&mut self, fields: &Fields<'_>) -> Option<GossipTerms> {
        let sync = self.optional(fields.get("sync"), |reader, node| {
            reader.word(node, "way to catch up", SyncKind::WORDS, SyncKind::from_word)
        });
        let most_ids = self.optional(fields.get("short_ids_per_reply"), Self::number);
        let sync = sync?.map_or(SyncKind::Ranges, |word| word.value);
        Some(GossipTerms { sync, most_ids: most_ids? })
    }

    /// What somebody asks for forwarding, as far as these fields say.
    pub(super) fn relay_terms(&mut self, fields: &Fields<'_>) -> Option<RelayTerms> {
        let fee_base = self.optional(fields.get("fee_base"), Self::msat);
        let fee_proportional = self.optional(fields.get("fee_proportional"), |reader, node| {
            reader.quantity(node, Quantity::Proportion, units::millionths)
        });
        let delta = self.optional(fields.get("cltv_expiry_delta"), Self::cltv_delta);
        let htlc_minimum = self.optional(fields.get("htlc_minimum"), Self::msat);
        Some(RelayTerms {
            fee_base: fee_base?.map(|amount| amount.value),
            fee_proportional: fee_proportional?.map(|part| part.value),
            cltv_expiry_delta: delta?.map(|blocks| blocks.value),
            htlc_minimum: htlc_minimum?.map(|amount| amount.value),
        })
    }

    /// A `cltv_expiry_delta`, which has 16 bits.
    fn cltv_delta(&mut self, node: &Node) -> Option<At<Blocks>> {
        let blocks = self.blocks(node)?;
        if blocks.value.0 > u32::from(u16::MAX) {
            let (text, of) = (blocks.to_string(), Quantity::Blocks);
            self.report(blocks.at, Mistake::TooMuch { text, of });
            return None;
        }
        Some(blocks)
    }

    /// The channels. All of their names are known afterwards, also of those that have problems.
    pub(super) fn channels(&mut self, node: &Node) -> Vec<Channel> {
        let wanted = "the channels by name, as in `ab: {from: alice, to: bob, …}`";
        let Some(entries) = self.entries(node, wanted) else { return Vec::new() };
        let mut channels = Vec::new();
        for (key, value) in entries {
            let Some(name) = self.new_name::<ChannelName>(key, "a channel") else { continue };
            self.channels.push(name.value.clone());
            channels.extend(self.one_channel(name, value));
        }
        channels
    }

    fn one_channel(&mut self, name: At<ChannelName>, node: &Node) -> Option<Channel> {
        let fields = self.fields(node, &language::CHANNEL)?;
        let from = fields.get("from").and_then(|node| self.role(node));
        let to = fields.get("to").and_then(|node| self.role(node));
        let capacity = fields.get("capacity").and_then(|node| self.sat(node));
        let push = self.optional(fields.get("push"), Self::sat);
        let channel_type = self.optional(fields.get("type"), |reader, node| {
            reader.word(node, "channel type", ChannelType::WORDS, ChannelType::from_word)
        });
        let scid_alias = self.optional(fields.get("scid_alias"), Self::flag);
        let zeroconf = self.optional(fields.get("zeroconf"), Self::flag);
        let announced = self.optional(fields.get("announced"), Self::flag);
        let to_self_delay = self.optional(fields.get("to_self_delay"), Self::csv_delay);
        let feerate = self.optional(fields.get("feerate"), |reader, node| {
            reader.quantity(node, Quantity::Feerate, units::feerate)
        });
        let minimum_depth = self.optional(fields.get("minimum_depth"), Self::blocks);
        let at: Position = name.at;
        let scid_alias = scid_alias?.is_some_and(|flag| flag.value);
        Some(Channel {
            name,
            from: from?,
            to: to?,
            capacity: capacity?,
            push: push?.unwrap_or(At::new(Amount::ZERO, at)),
            channel_type: channel_type?.map_or(ChannelType::Anchors, |word| word.value),
            scid_alias,
            zeroconf: zeroconf?.is_some_and(|flag| flag.value),
            announced: announced?.map_or(self.gossip && !scid_alias, |flag| flag.value),
            to_self_delay: to_self_delay?.unwrap_or(At::new(CsvDelay(144), at)),
            feerate: feerate?.unwrap_or(At::new(FeeratePerKw(1000), at)),
            minimum_depth: minimum_depth?.unwrap_or(At::new(Blocks(3), at)),
        })
    }

    fn csv_delay(&mut self, node: &Node) -> Option<At<CsvDelay>> {
        self.quantity(node, Quantity::Blocks, |text| {
            let blocks = units::blocks(text)?;
            u16::try_from(blocks).map(CsvDelay).map_err(|_| Mistake::DelayOutOfRange {
                delay: blocks,
                limit: crate::scenario::validate::DELAY_LIMIT,
            })
        })
    }
}

//! A network comes up: all its channels at once, and then its gossip until everybody knows all of it.
//! The conversations of a few nodes are worth reading; those of hundreds are counted.

use std::collections::{BTreeMap, BTreeSet};

use super::sides::Side;
use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::gossip::network::ANNOUNCED_DEPTH;
use crate::bolt::gossip::relay::FLUSH_INTERVAL;
use crate::bolt::routing::flare::name_of;
use crate::bolt::wire::Message;
use crate::scenario::{At, ChannelName, Position, RoleName};
use crate::trace::Event;

/// After so many rounds of gossip everybody must know everything: no network of a lab is so wide.
const MOST_ROUNDS: u32 = 1_100;

/// What is counted while a network comes up.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// The gossip, by the names of its messages.
    messages: BTreeMap<String, u64>,
    /// How often the chain was asked for a funding output.
    lookups: u64,
}

impl Quiet {
    fn count(&mut self, message: &str) {
        let count = self.messages.entry(message.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    fn total(&self) -> u64 {
        self.messages.values().sum()
    }
}

impl Lab<'_> {
    /// Whether an event is counted, and not told.
    pub(super) fn is_counted(&mut self, event: &Event) -> bool {
        let Some(quiet) = &mut self.quiet else { return false };
        let counted = match event {
            Event::Message { message: Message::Unknown(unknown), .. } => {
                name_of(unknown.message_type)
            }
            Event::Message { message: message @ Message::OnionMessage(_), .. } => {
                Some(message.name())
            }
            _ => None,
        };
        if let Some(name) = counted {
            quiet.count(name);
            return true;
        }
        match event {
            Event::Message { message, .. } if (256..=265).contains(&message.message_type()) => {
                quiet.count(message.name());
                true
            }
            Event::Gossip { told: crate::node::GossipEvent::Learned { .. }, .. } => {
                quiet.lookups = quiet.lookups.saturating_add(1);
                true
            }
            Event::Flare { .. } | Event::OnionMessage { .. } => true,
            _ => false,
        }
    }

    /// Opens all channels of the network at once, and waits until every node knows every channel.
    pub(super) fn open_network(&mut self) -> Result<(), Stop> {
        let names = self.scenario.network.clone();
        self.quiet = Some(Quiet::default());
        self.tell(Event::NetworkOpens { channels: u32::try_from(names.len()).unwrap_or(u32::MAX) });
        let opened = self.open_all(&names);
        let opened = opened.and_then(|()| self.settle_gossip());
        let opened = opened.and_then(|rounds| Ok(rounds.saturating_add(self.settle_flare()?)));
        let Quiet { messages, lookups } = self.quiet.take().unwrap_or_default();
        let rounds = opened?;
        if self.scenario.gossip {
            self.everybody_knows(&names)?;
        }
        self.maps_are_true()?;
        self.tell(Event::NetworkOpen { messages, lookups, rounds });
        Ok(())
    }

    fn open_all(&mut self, names: &[ChannelName]) -> Result<(), Stop> {
        for name in names {
            self.check_interrupted()?;
            let at = self.declared(name)?.name.at;
            self.propose(&At::new(name.clone(), at))?;
        }
        let depth = names.iter().filter_map(|name| self.scenario.channel(name));
        let depth = depth.map(|channel| channel.minimum_depth.value.0).max().unwrap_or(0);
        self.mine(Side::Main, depth.max(ANNOUNCED_DEPTH))?;
        for name in names {
            let channel = self.declared(name)?;
            for role in [&channel.from.value, &channel.to.value] {
                self.must_be(&At::new(name.clone(), channel.name.at), role, "normal")?;
            }
        }
        Ok(())
    }

    /// Lets the nodes gossip until nobody has anything to pass on; how many rounds it took.
    fn settle_gossip(&mut self) -> Result<u32, Stop> {
        for round in 0..MOST_ROUNDS {
            self.check_interrupted()?;
            if self.cast.values().all(|player| player.node.is_quiet()) {
                return Ok(round);
            }
            self.wait(u32::try_from(FLUSH_INTERVAL).unwrap_or(u32::MAX))?;
        }
        Err(failed(None, "the network does not stop gossiping".to_owned()))
    }

    /// Lets the nodes talk about their neighbourhoods, and seek beacons, until two rounds bring nothing.
    fn settle_flare(&mut self) -> Result<u32, Stop> {
        if self.scenario.flare.is_none() {
            return Ok(0);
        }
        let mut silent = 0_u32;
        for round in 0..MOST_ROUNDS {
            self.check_interrupted()?;
            let before = self.quiet.as_ref().map_or(0, Quiet::total);
            self.wait(u32::try_from(FLUSH_INTERVAL).unwrap_or(u32::MAX))?;
            let after = self.quiet.as_ref().map_or(0, Quiet::total);
            silent = if after == before { silent.saturating_add(1) } else { 0 };
            if silent > 2 {
                return Ok(round);
            }
        }
        Err(failed(None, "the network does not stop asking".to_owned()))
    }

    /// Fails unless the map of every node that uses Flare has the channels within its radius, and no
    /// other.
    fn maps_are_true(&self) -> Result<(), Stop> {
        let Some(flare) = self.scenario.flare else { return Ok(()) };
        for role in self.cast.keys() {
            let mut reached = BTreeSet::from([role.clone()]);
            let mut channels = BTreeSet::new();
            for _ in 0..flare.radius {
                let near = self.scenario.channels.iter();
                let near = near
                    .filter(|c| reached.contains(&c.from.value) || reached.contains(&c.to.value));
                let near: Vec<_> =
                    near.filter(|c| self.places.contains_key(&c.name.value)).collect();
                channels.extend(near.iter().filter_map(|c| self.places.get(&c.name.value)));
                reached
                    .extend(near.iter().flat_map(|c| [c.from.value.clone(), c.to.value.clone()]));
            }
            let map = self.node(role)?.flare_map();
            let known: BTreeSet<_> = map.iter().map(|told| &told.link.channel).collect();
            if known != channels {
                let (known, channels) = (known.len(), channels.len());
                let message = format!("{role}'s map has {known} channels, and {channels} are near");
                return Err(failed(None::<Position>, message));
            }
        }
        Ok(())
    }

    /// Fails unless every node of the network knows all its channels, and what both ends of each ask.
    fn everybody_knows(&self, names: &[ChannelName]) -> Result<(), Stop> {
        let of = |name: &ChannelName| self.scenario.channel(name);
        let ends = names.iter().filter_map(of).flat_map(|c| [&c.from.value, &c.to.value]);
        let mut roles: Vec<&RoleName> = ends.collect();
        roles.sort();
        roles.dedup();
        for role in roles {
            let network = self.node(role)?.network();
            let is_known = |name: &&ChannelName| {
                let known = self.places.get(*name).and_then(|id| network.channel(*id));
                known.is_some_and(|channel| channel.updates.iter().all(Option::is_some))
            };
            let known = names.iter().filter(is_known).count();
            if known != names.len() {
                let message = format!("{role} knows {known} of {} channels", names.len());
                return Err(failed(None::<Position>, message));
            }
        }
        Ok(())
    }
}

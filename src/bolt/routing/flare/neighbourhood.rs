//! The map of all links within a radius, kept by talking to channel peers.
//!
//! A node's own channels are at distance 1. A link that a peer tells of from distance d is at
//! distance d + 1; a peer is told of a link that lies nearer than the radius it asks for. So a map
//! of radius r holds every channel that a walk of r hops can take. A link goes when nobody tells of
//! it any more. Two nodes never keep a closed channel alive by telling each other of it, since nobody is told what
//! it told itself; more than two can do so, one hop further each time, and so not beyond the
//! radius.
//!
//! The map has a greatest size. When it is reached, the node asks for a radius one smaller.

use std::collections::BTreeMap;

use super::message::{Told, Update};
use super::peer::{Line, MOST_ENTRIES, Peer};
use super::{Link, MAX_RADIUS, Message, Name, Offence, Policy, Table};
use crate::bolt::units::ShortChannelId;

/// How much a node keeps and bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many links the map may have before the radius is made smaller.
    pub links: usize,
    /// How many updates a peer may send between two ticks.
    pub updates: u32,
}

impl Default for Limits {
    /// 20,000 links, 100 updates.
    fn default() -> Self {
        Self { links: 20_000, updates: 100 }
    }
}

/// A node's map of its neighbourhood, and what it has told its peers of it.
#[derive(Clone, Debug)]
pub struct Neighbourhood<N> {
    own: N,
    radius: u8,
    limits: Limits,
    own_links: BTreeMap<ShortChannelId, Link<N>>,
    peers: BTreeMap<N, Peer<N>>,
    known: BTreeMap<ShortChannelId, Told<N>>,
}

/// Messages to peers, in the order in which they have to be sent.
type Messages<N> = Vec<(N, Message<N>)>;

impl<N: Name> Neighbourhood<N> {
    /// A node without channels that wants a map of this radius in hops, from 1 to [`MAX_RADIUS`].
    pub fn new(own: N, radius: u8, limits: Limits) -> Self {
        Self {
            own,
            radius: radius.clamp(1, MAX_RADIUS),
            limits,
            own_links: BTreeMap::new(),
            peers: BTreeMap::new(),
            known: BTreeMap::new(),
        }
    }

    /// The radius that the map has now, in hops.
    pub fn radius(&self) -> u8 {
        self.radius
    }

    /// The links of the map and their distances, by channel.
    pub fn links(&self) -> impl Iterator<Item = (&Link<N>, u8)> {
        self.known.values().map(|told| (&told.link, told.distance))
    }

    /// The map as a table that has room for this many links.
    pub fn table(&self, most_links: usize) -> Table<N> {
        let mut table = Table::new(most_links);
        table.merge(self.links().map(|(link, _)| link));
        table
    }

    /// A channel of this node was opened, or its terms have changed. A link that this node is no
    /// end of is passed over.
    pub fn opened(&mut self, link: Link<N>) -> Messages<N> {
        let Some(peer) = link.other(self.own) else { return Vec::new() };
        self.own_links.insert(link.channel, link);
        self.peers.entry(peer).or_insert_with(Peer::new);
        self.refresh([link.channel])
    }

    /// This node asks for something else over one of its channels.
    pub fn changed(&mut self, channel: ShortChannelId, policy: Policy) -> Messages<N> {
        let Some(link) = self.own_links.get_mut(&channel) else { return Vec::new() };
        link.set_policy(self.own, Some(policy));
        self.refresh([channel])
    }

    /// A channel of this node was closed. With the last channel to a peer, all that it told goes.
    pub fn closed(&mut self, channel: ShortChannelId) -> Messages<N> {
        let Some(link) = self.own_links.remove(&channel) else { return Vec::new() };
        let mut touched = vec![channel];
        if let Some(peer) = link.other(self.own)
            && !self.own_links.values().any(|other| other.touches(peer))
            && let Some(gone) = self.peers.remove(&peer)
        {
            touched.extend(gone.heard.into_keys());
        }
        self.refresh(touched)
    }

    /// There is a connection to a node. If it is a channel peer, it is greeted; a node greets again
    /// when the first channel to a connected node opens.
    pub fn connected(&mut self, peer: N) -> Messages<N> {
        let radius = self.radius;
        let state = self.peers.get_mut(&peer).filter(|state| state.line != Line::CutOff);
        let Some(state) = state else { return Vec::new() };
        state.line = Line::Silent;
        vec![(peer, state.hello(radius))]
    }

    /// The connection to a node is lost. What it told is kept, since its channels are still there.
    pub fn disconnected(&mut self, peer: N) {
        let state = self.peers.get_mut(&peer).filter(|state| state.line.is_up());
        if let Some(state) = state {
            state.line = Line::Lost;
        }
    }

    /// Time passes: what has changed since the last tick is told.
    pub fn tick(&mut self) -> Messages<N> {
        let mut messages = Vec::new();
        let names: Vec<N> = self.peers.keys().copied().collect();
        for name in names {
            let again = self.peers.get_mut(&name).and_then(Peer::wait);
            messages.extend(again.map(|message| (name, message)));
            messages.extend(self.tell(name));
        }
        messages
    }

    /// A message from a peer. One from a node without a channel is passed over, and so is one that
    /// does not go to peers.
    ///
    /// # Errors
    /// The peer did what no peer does; it is cut off until its last channel is closed.
    pub fn receive(&mut self, from: N, message: Message<N>) -> Result<Messages<N>, Offence> {
        let known = self.peers.get(&from).is_some_and(|peer| peer.line.is_up());
        if !known {
            return Ok(Vec::new());
        }
        let done = self.take(from, message);
        if done.is_err() {
            self.cut_off(from);
        }
        done
    }

    /// Whether a peer was cut off.
    pub fn is_cut_off(&self, peer: N) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.line == Line::CutOff)
    }

    fn take(&mut self, from: N, message: Message<N>) -> Result<Messages<N>, Offence> {
        match message {
            Message::Hello { radius, received } => {
                if radius == 0 || radius > MAX_RADIUS {
                    return Err(Offence::Distance { distance: radius });
                }
                let Some(peer) = self.peers.get_mut(&from) else { return Ok(Vec::new()) };
                let lost = peer.greeted(radius, received);
                peer.note(self.known.keys().copied());
                Ok(lost.map(|message| (from, message)).into_iter().collect())
            }
            Message::Update(update) => self.updated(from, update),
            Message::Acknowledge { sequence } => {
                let peer = self.peers.get_mut(&from);
                let more = peer.is_some_and(|peer| peer.acknowledged(sequence));
                Ok(if more { self.tell(from).into_iter().collect() } else { Vec::new() })
            }
            Message::Reset => {
                let Some(peer) = self.peers.get_mut(&from) else { return Ok(Vec::new()) };
                peer.start_again();
                Ok(vec![(from, peer.hello(self.radius))])
            }
            Message::AskTable { .. }
            | Message::Table(_)
            | Message::AskNearer { .. }
            | Message::Nearer { .. }
            | Message::Poll(_)
            | Message::PollAnswer { .. } => Ok(Vec::new()),
        }
    }

    fn updated(&mut self, from: N, update: Update<N>) -> Result<Messages<N>, Offence> {
        let limits = self.limits;
        let Some(peer) = self.peers.get_mut(&from) else { return Ok(Vec::new()) };
        peer.updates = peer.updates.saturating_add(1);
        if peer.updates > limits.updates {
            return Err(Offence::TooManyUpdates { most: limits.updates });
        }
        let sequence = update.sequence;
        let acknowledge = (from, Message::Acknowledge { sequence });
        if sequence == peer.received && !update.from_start {
            // It was sent again, since the acknowledgement was lost.
            return Ok(vec![acknowledge]);
        }
        let next = peer.received.checked_add(1) == Some(sequence);
        if peer.line.radius().is_none() || !(next || update.from_start) {
            return Ok(vec![(from, Message::Reset)]);
        }
        let mut touched: Vec<ShortChannelId> = Vec::new();
        if update.from_start {
            touched.extend(std::mem::take(&mut peer.heard).into_keys());
        }
        for told in update.told {
            hearsay(from, &told)?;
            touched.push(told.link.channel);
            peer.heard.insert(told.link.channel, told);
        }
        for channel in update.gone {
            peer.heard.remove(&channel);
            touched.push(channel);
        }
        // What is beyond the limit makes the radius smaller; who goes on after that does not listen.
        let most = limits.links.saturating_add(MOST_ENTRIES);
        if peer.heard.len() > most {
            return Err(Offence::TooManyLinks { most });
        }
        peer.received = sequence;
        // The same distance from this peer as from another changes what this peer has to be told.
        peer.note(touched.iter().copied());
        let mut messages = self.refresh(touched);
        messages.push(acknowledge);
        Ok(messages)
    }

    fn cut_off(&mut self, name: N) {
        let Some(peer) = self.peers.get_mut(&name) else { return };
        let gone = std::mem::replace(peer, Peer::new());
        peer.line = Line::CutOff;
        // A smaller radius never follows from less that is known.
        self.refresh(gone.heard.into_keys());
    }

    /// The next update for a peer.
    fn tell(&mut self, name: N) -> Option<(N, Message<N>)> {
        let known = &self.known;
        let peer = self.peers.get_mut(&name)?;
        let update = peer.update(known.keys().copied(), |peer, channel| {
            let told = known.get(&channel)?;
            let wanted = peer.line.radius().is_some_and(|radius| told.distance < radius);
            // Who is nearer to it than this node needs no telling.
            let heard = peer.heard.get(&channel);
            let nearer = heard.is_some_and(|heard| heard.distance < told.distance);
            let mut told = *told;
            // Nor does anybody need telling what it asks for itself.
            told.link.set_policy(name, None);
            (wanted && !nearer).then_some(told)
        });
        update.map(|message| (name, message))
    }

    /// Looks again at these channels; says hello with a smaller radius if the map is too large.
    fn refresh(&mut self, channels: impl IntoIterator<Item = ShortChannelId>) -> Messages<N> {
        for channel in channels {
            self.look_at(channel);
        }
        let before = self.radius;
        while self.known.len() > self.limits.links && self.radius > 1 {
            self.radius = self.radius.saturating_sub(1);
            let radius = self.radius;
            let far = self.known.values().filter(|told| told.distance > radius);
            let far: Vec<_> = far.map(|told| told.link.channel).collect();
            for channel in far {
                self.look_at(channel);
            }
        }
        if self.radius == before {
            return Vec::new();
        }
        let greeted = self.peers.iter().filter(|(_, peer)| peer.line.is_up());
        greeted.map(|(name, peer)| (*name, peer.hello(self.radius))).collect()
    }

    /// Works out anew what is known of a channel, and notes it for the peers if that has changed.
    fn look_at(&mut self, channel: ShortChannelId) {
        let seen = self.view(channel);
        let before = match seen {
            Some(told) => self.known.insert(channel, told),
            None => self.known.remove(&channel),
        };
        if before != seen {
            for peer in self.peers.values_mut() {
                peer.note([channel]);
            }
        }
    }

    /// What own knowledge and the peers' accounts say of a channel together.
    fn view(&self, channel: ShortChannelId) -> Option<Told<N>> {
        if let Some(own) = self.own_links.get(&channel) {
            return Some(Told { link: self.own_view(own), distance: 1 });
        }
        let heard = self.peers.values().filter_map(|peer| peer.heard.get(&channel));
        // Of its own channels a node knows best which there are.
        let heard = heard.filter(|told| !told.link.touches(self.own));
        let accounts: Vec<&Told<N>> = heard.collect();
        let nearest = accounts.iter().min_by_key(|told| (told.distance, told.link))?;
        let distance = nearest.distance.checked_add(1).filter(|hops| *hops <= self.radius)?;
        let mut link = nearest.link;
        for told in accounts.iter().filter(|told| told.link.ends == nearest.link.ends) {
            link.take_newer(&told.link);
        }
        Some(Told { link, distance })
    }

    /// An own channel, with what the peer has said of its direction.
    fn own_view(&self, own: &Link<N>) -> Link<N> {
        let mut link = *own;
        let heard = own.other(self.own).and_then(|peer| {
            let told = self.peers.get(&peer)?.heard.get(&own.channel)?;
            (told.link.ends == own.ends).then_some(told.link)
        });
        if let Some(heard) = heard {
            let mine = own.policy(self.own).copied();
            link.take_newer(&heard);
            link.set_policy(self.own, mine);
        }
        link
    }
}

/// What can be checked of hearsay.
fn hearsay<N: Name>(from: N, told: &Told<N>) -> Result<(), Offence> {
    match told.distance {
        distance if distance == 0 || distance >= MAX_RADIUS => Err(Offence::Distance { distance }),
        1 if !told.link.touches(from) => Err(Offence::NotItsOwn { channel: told.link.channel }),
        _ => Ok(()),
    }
}

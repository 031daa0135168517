//! A few nodes, their channels, and what is on its way between them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bitcoin::Amount;

use super::*;

pub(super) struct World {
    pub(super) nodes: Vec<Neighbourhood<NodeId>>,
    /// What is true: the channels that are open.
    pub(super) links: BTreeMap<ShortChannelId, Link<NodeId>>,
    wires: BTreeMap<(u32, u32), VecDeque<Message<NodeId>>>,
    connected: BTreeSet<(u32, u32)>,
    time: u32,
    pub(super) messages: usize,
}

impl World {
    pub(super) fn new(count: u32, radius: u8, limits: Limits) -> Self {
        Self {
            nodes: (0..count).map(|own| Neighbourhood::new(node(own), radius, limits)).collect(),
            links: BTreeMap::new(),
            wires: BTreeMap::new(),
            connected: BTreeSet::new(),
            time: 0,
            messages: 0,
        }
    }

    pub(super) fn at(&mut self, node: u32) -> &mut Neighbourhood<NodeId> {
        &mut self.nodes[usize::try_from(node).unwrap()]
    }

    pub(super) fn number(name: NodeId) -> u32 {
        u32::from_be_bytes(name.0[29..].try_into().unwrap())
    }

    /// Opens a channel: each end knows its own terms only.
    pub(super) fn open(&mut self, a: u32, b: u32) -> ShortChannelId {
        self.time += 1;
        let channel = ShortChannelId(self.time.into());
        let bare = Link::new(channel, node(a), node(b), Amount::from_sat(1_000));
        let mut whole = bare;
        for end in [a, b] {
            let mut own = bare;
            own.set_policy(node(end), Some(free(self.time)));
            whole.set_policy(node(end), Some(free(self.time)));
            let messages = self.at(end).opened(own);
            self.post(end, messages);
        }
        self.links.insert(channel, whole);
        self.disconnect(a, b);
        self.connect(a, b);
        channel
    }

    pub(super) fn change(&mut self, nth: usize) {
        self.time += 1;
        let policy = Policy { fee_base_msat: self.time, ..free(self.time) };
        let Some(link) = self.links.values_mut().nth(nth) else { return };
        let end = link.ends[usize::try_from(self.time % 2).unwrap()];
        link.set_policy(end, Some(policy));
        let channel = link.channel;
        let messages = self.at(Self::number(end)).changed(channel, policy);
        self.post(Self::number(end), messages);
    }

    pub(super) fn close(&mut self, nth: usize) {
        let Some(channel) = self.links.keys().nth(nth).copied() else { return };
        let link = self.links.remove(&channel).unwrap();
        for end in link.ends {
            let messages = self.at(Self::number(end)).closed(channel);
            self.post(Self::number(end), messages);
        }
    }

    pub(super) fn connect(&mut self, a: u32, b: u32) {
        if self.connected.insert((a.min(b), a.max(b))) {
            for (from, to) in [(a, b), (b, a)] {
                let messages = self.at(from).connected(node(to));
                self.post(from, messages);
            }
        }
    }

    /// Loses a connection and all that is on its way.
    pub(super) fn disconnect(&mut self, a: u32, b: u32) {
        if self.connected.remove(&(a.min(b), a.max(b))) {
            for (from, to) in [(a, b), (b, a)] {
                self.at(from).disconnected(node(to));
                self.wires.remove(&(from, to));
            }
        }
    }

    pub(super) fn post(&mut self, from: u32, messages: Vec<(NodeId, Message<NodeId>)>) {
        for (to, message) in messages {
            let to = Self::number(to);
            if self.connected.contains(&(from.min(to), from.max(to))) {
                self.wires.entry((from, to)).or_default().push_back(message);
            }
        }
    }

    pub(super) fn tick(&mut self) {
        for own in (0..).take(self.nodes.len()) {
            let messages = self.at(own).tick();
            self.post(own, messages);
        }
    }

    /// Delivers one message, as bytes; says whether there was one.
    pub(super) fn deliver(&mut self, nth: usize) -> bool {
        let waiting: Vec<_> =
            self.wires.iter().filter(|(_, wire)| !wire.is_empty()).map(|(ends, _)| *ends).collect();
        let Some((from, to)) = waiting.get(nth % waiting.len().max(1)).copied() else {
            return false;
        };
        let message = self.wires.get_mut(&(from, to)).unwrap().pop_front().unwrap();
        let bytes = message.encode();
        assert!(bytes.len() <= 65_533);
        let read = Message::decode(message.number(), &bytes).unwrap();
        assert_eq!(read, message);
        self.messages += 1;
        let answers = self.at(to).receive(node(from), read).expect("an honest node offends");
        self.post(to, answers);
        true
    }

    /// Until nobody has anything to say.
    pub(super) fn settle(&mut self) {
        for link in self.links.clone().values() {
            self.connect(Self::number(link.ends[0]), Self::number(link.ends[1]));
        }
        let mut quiet = 0;
        for _ in 0..1_000 {
            self.tick();
            let mut any = false;
            while self.deliver(0) {
                any = true;
            }
            // What is lost waits for a few ticks before it is sent again.
            quiet = if any { 0 } else { quiet + 1 };
            if quiet > 5 {
                return;
            }
        }
        panic!("they never stop talking");
    }

    /// Every channel that a walk of this many hops from a node can take, and after how many.
    pub(super) fn ball(
        &self,
        centre: u32,
        radius: u8,
    ) -> BTreeMap<ShortChannelId, (Link<NodeId>, u8)> {
        let mut found = BTreeMap::new();
        let mut inside = BTreeSet::from([node(centre)]);
        for distance in 1..=radius {
            let next =
                self.links.values().filter(|link| link.ends.iter().any(|end| inside.contains(end)));
            let ring: Vec<_> = next.copied().collect();
            for link in ring {
                found.entry(link.channel).or_insert((link, distance));
                inside.extend(link.ends);
            }
        }
        found
    }

    pub(super) fn map(&self, node: usize) -> BTreeMap<ShortChannelId, (Link<NodeId>, u8)> {
        self.nodes[node].links().map(|(link, far)| (link.channel, (*link, far))).collect()
    }

    #[track_caller]
    pub(super) fn maps_are_true(&self, radius: u8) {
        for (own, index) in (0..).zip(0..self.nodes.len()) {
            assert_eq!(self.map(index), self.ball(own, radius), "the map of node {own}");
        }
    }
}

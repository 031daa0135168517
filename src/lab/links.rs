//! What connects the cast: connections between roles, and the messages on their way.
//!
//! ```text
//! node -- message --> bytes -- on the way --> message --> trace, node
//!                              hang-up -----> both nodes see the connection end
//! ```

use std::collections::{BTreeSet, VecDeque};

use secp256k1::PublicKey;

use super::probes::{Arrived, Flow};
use super::sockets::{End, Sockets};
use super::{Lab, LabError, Stop};
use crate::bolt::wire::{Bytes, Message};
use crate::node::{NodeInput, Seed};
use crate::scenario::{Links as Kind, RoleKind, RoleName};
use crate::trace::Event;

/// The connections of a lab.
#[derive(Default)]
pub(super) struct Links {
    up: BTreeSet<Pair>,
    /// Those that come back as soon as both roles are online again.
    interrupted: BTreeSet<Pair>,
    on_the_way: VecDeque<Parcel>,
    /// What the messages go through, if they do not stay in memory.
    pub(super) sockets: Option<Sockets>,
    /// How many connections there were: each has its own ephemeral keys.
    count: u64,
}

/// Two roles, in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair(RoleName, RoleName);

impl Pair {
    fn new(one: &RoleName, other: &RoleName) -> Self {
        let (first, second) = if one < other { (one, other) } else { (other, one) };
        Self(first.clone(), second.clone())
    }

    fn has(&self, role: &RoleName) -> bool {
        self.0 == *role || self.1 == *role
    }
}

/// Something on its way from one role to another, behind all that was sent before.
struct Parcel {
    from: RoleName,
    to: RoleName,
    content: Content,
}

enum Content {
    /// A message, as it goes over the wire.
    Message(Vec<u8>),
    /// The end of the connection.
    HangUp,
}

impl Lab<'_> {
    /// Whether two roles are connected.
    pub(super) fn is_linked(&self, one: &RoleName, other: &RoleName) -> bool {
        self.links.up.contains(&Pair::new(one, other))
    }

    /// Connects two roles, unless they are connected. Both must be online.
    pub(super) fn link(&mut self, from: &RoleName, to: &RoleName) -> Result<(), Stop> {
        if self.is_linked(from, to) {
            return Ok(());
        }
        for role in [from, to] {
            self.must_be_online(role)?;
        }
        self.plug(from, to)?;
        self.links.up.insert(Pair::new(from, to));
        self.links.interrupted.remove(&Pair::new(from, to));
        let over = self.scenario.links;
        self.tell(Event::LinkUp { from: from.clone(), to: to.clone(), over });
        for (role, peer) in [(from, to), (to, from)] {
            let peer = self.node(peer)?.id();
            self.input(role, "take a connection", NodeInput::Connected(peer))?;
        }
        self.deliver()
    }

    /// Makes the sockets of a connection, if the scenario wants any.
    fn plug(&mut self, from: &RoleName, to: &RoleName) -> Result<(), Stop> {
        if self.scenario.links == Kind::Memory {
            return Ok(());
        }
        let ends = self.ends(from, to)?;
        self.sockets()?.connect(ends).map_err(|error| LabError::Link(error).into())
    }

    /// Two roles that are about to shake hands, the initiator first.
    pub(super) fn ends(&mut self, from: &RoleName, to: &RoleName) -> Result<(End, End), Stop> {
        let count = self.links.count;
        self.links.count = count.saturating_add(1);
        let end = |role: &RoleName| -> Result<End, Stop> {
            let identity = self.node(role)?.secret();
            let seed = Seed::derive(&self.scenario.title, role.as_str());
            let ephemeral = seed.key("ephemeral", count);
            Ok(End { role: role.clone(), identity, ephemeral })
        };
        Ok((end(from)?, end(to)?))
    }

    /// The sockets of the lab, made when they are needed first.
    pub(super) fn sockets(&mut self) -> Result<&mut Sockets, Stop> {
        let sockets = match self.links.sockets.take() {
            Some(sockets) => sockets,
            None => Sockets::new().map_err(LabError::Link)?,
        };
        Ok(self.links.sockets.insert(sockets))
    }

    /// Ends a connection, if there is one; what is on its way is lost.
    pub(super) fn unlink(&mut self, from: &RoleName, to: &RoleName) -> Result<(), Stop> {
        let pair = Pair::new(from, to);
        if !self.links.up.remove(&pair) {
            return Ok(());
        }
        if let Some(sockets) = &mut self.links.sockets {
            sockets.close(from, to);
        }
        let all = std::mem::take(&mut self.links.on_the_way);
        let (lost, kept): (VecDeque<Parcel>, VecDeque<Parcel>) =
            all.into_iter().partition(|parcel| Pair::new(&parcel.from, &parcel.to) == pair);
        self.links.on_the_way = kept;
        for parcel in lost {
            self.lose(parcel);
        }
        self.lose_held(from, to);
        self.lose_held(to, from);
        self.tell(Event::LinkDown { from: from.clone(), to: to.clone() });
        for (role, peer) in [(from, to), (to, from)] {
            let peer = self.node(peer)?.id();
            self.input(role, "lose a connection", NodeInput::Disconnected(peer))?;
        }
        Ok(())
    }

    /// Ends all connections of a role; they come back with it.
    pub(super) fn interrupt(&mut self, role: &RoleName) -> Result<(), Stop> {
        let pairs: Vec<Pair> =
            self.links.up.iter().filter(|pair| pair.has(role)).cloned().collect();
        for pair in pairs {
            let peer = if pair.0 == *role { &pair.1 } else { &pair.0 };
            self.note_arrival(role, peer, Arrived::HangUp);
            self.unlink(&pair.0, &pair.1)?;
            self.links.interrupted.insert(pair);
        }
        Ok(())
    }

    /// Brings back the connections of a role whose other end is online.
    pub(super) fn resume(&mut self, role: &RoleName) -> Result<(), Stop> {
        let pairs = self.links.interrupted.iter().filter(|pair| pair.has(role));
        for Pair(one, other) in pairs.cloned().collect::<Vec<_>>() {
            let peer = if one == *role { other } else { one };
            if self.must_be_online(&peer).is_ok() {
                self.link(role, &peer)?;
            }
        }
        Ok(())
    }

    /// Puts a message of a role on its way, if it has a connection for it.
    pub(super) fn send(&mut self, from: &RoleName, to: PublicKey, mut message: Message) {
        if let Some(event) = self.tamper(from, &mut message) {
            self.tell(event);
        }
        let Some(to) = self.role_of(&to) else { return };
        if let Some(Flow::Held(waiting)) = self.cast.get_mut(from).map(|player| &mut player.flow) {
            waiting.push_back((to, message));
            return;
        }
        self.put_on_the_way(from, &to, &message.encode());
    }

    /// Puts bytes on their way, if there is a connection for them.
    pub(super) fn put_on_the_way(&mut self, from: &RoleName, to: &RoleName, bytes: &[u8]) {
        let content = Content::Message(bytes.to_vec());
        let parcel = Parcel { from: from.clone(), to: to.clone(), content };
        if self.is_linked(from, to) {
            self.links.on_the_way.push_back(parcel);
        } else {
            self.lose(parcel);
        }
    }

    /// Ends a connection behind all that the role has sent.
    pub(super) fn hang_up(&mut self, from: &RoleName, to: &PublicKey) {
        let Some(to) = self.role_of(to) else { return };
        let parcel = Parcel { from: from.clone(), to, content: Content::HangUp };
        self.links.on_the_way.push_back(parcel);
    }

    pub(super) fn role_of(&self, id: &PublicKey) -> Option<RoleName> {
        self.by_id.get(id).cloned()
    }

    /// What one role holds back for another was meant for the connection that has ended. A probe has
    /// not said it.
    fn lose_held(&mut self, from: &RoleName, to: &RoleName) {
        let Some(player) = self.cast.get_mut(from) else { return };
        let Flow::Held(waiting) = &mut player.flow else { return };
        let (lost, kept) =
            std::mem::take(waiting).into_iter().partition(|(receiver, _)| receiver == to);
        *waiting = kept;
        if player.kind == RoleKind::Probe {
            return;
        }
        let lost: VecDeque<(RoleName, Message)> = lost;
        for (to, message) in lost {
            let message = message.name().to_owned();
            self.tell(Event::Lost { from: from.clone(), to, message });
        }
    }

    fn lose(&mut self, parcel: Parcel) {
        let Parcel { from, to, content } = parcel;
        if let Content::Message(bytes) = content {
            let message = Message::decode(&bytes);
            let message = message.map_or_else(|_| "garbage".to_owned(), |m| m.name().to_owned());
            self.tell(Event::Lost { from, to, message });
        }
    }

    /// Delivers what is on its way until nothing is.
    pub(super) fn deliver(&mut self) -> Result<(), Stop> {
        loop {
            while let Some(parcel) = self.links.on_the_way.pop_front() {
                self.hand_over(parcel)?;
            }
            let Some((side, transaction)) = self.joined.pop_front() else { return Ok(()) };
            self.show_joined(side, &transaction)?;
        }
    }

    fn hand_over(&mut self, Parcel { from, to, content }: Parcel) -> Result<(), Stop> {
        match content {
            Content::Message(bytes) => {
                let bytes = match &mut self.links.sockets {
                    Some(sockets) => sockets.carry(&from, &to, &bytes),
                    None => Ok(bytes),
                };
                self.receive(&from, &to, &bytes.map_err(LabError::Link)?)
            }
            Content::HangUp => {
                self.note_arrival(&from, &to, Arrived::HangUp);
                self.unlink(&from, &to)
            }
        }
    }

    /// Bytes have come: a message, or what its sender takes for one.
    pub(super) fn receive(
        &mut self,
        from: &RoleName,
        to: &RoleName,
        bytes: &[u8],
    ) -> Result<(), Stop> {
        let sender = self.node(from)?.id();
        let decoded = Message::decode(bytes);
        let (event, input) = match decoded {
            Ok(message) => {
                if self.is_probe(to) {
                    self.note_arrival(from, to, Arrived::Message(Box::new(message.clone())));
                }
                let channel =
                    self.channel_of(from, &message).or_else(|| self.channel_of(to, &message));
                let event = Event::Message {
                    from: from.clone(),
                    to: to.clone(),
                    channel,
                    message: message.clone(),
                };
                (event, NodeInput::Message { from: sender, message })
            }
            Err(error) => {
                self.note_arrival(from, to, Arrived::Garbage);
                let (from, to, bytes) = (from.clone(), to.clone(), bytes.to_vec());
                let message_type = match bytes.as_slice() {
                    [high, low, ..] => u16::from_be_bytes([*high, *low]),
                    _ => 0,
                };
                let bytes = Bytes(bytes);
                let event = Event::Garbage { from, to, bytes, error: error.to_string() };
                (event, NodeInput::Garbage { from: sender, message_type, error })
            }
        };
        if !self.is_counted(&event) {
            self.tell(event);
        }
        self.input(to, "take a message", input)?;
        Ok(())
    }
}

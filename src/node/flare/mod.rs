//! Flare at a node: its map is kept with the peers by messages of their own, whoever is further away is
//! asked by onion message, and the answer comes back along a path that the question brings.
//!
//! ```text
//! peer ---- hello, update, acknowledge, reset ---> neighbourhood
//! nodes --- ask_nearer, nearer ------------------> beacons         (onion messages)
//! nodes --- ask_table, table, poll, poll_answer -> seeking         (onion messages)
//! ```

mod seeking;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::Amount;
use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use super::onion_messages::{Letter, introduction};
use super::{Link as Line, Node, NodeEvent, NodeOutput};
use crate::bolt::channel::Phase;
use crate::bolt::onion::message::OnionMessagePayload;
use crate::bolt::routing::flare::{
    Beacon, BeaconQuestion, BeaconSearch, Candidate, Limits, Link, Message as Flare, Neighbourhood,
    NodeId, Policy, Poll, PollAnswer, Table, TableParts, Terms, Told, in_parts,
};
use crate::bolt::units::{Msat, ShortChannelId};
use crate::bolt::wire::messages::Unknown;
use crate::bolt::wire::tlv::TlvRecord;
use crate::bolt::wire::{Bytes, Message};
use seeking::Seeking;

pub use seeking::{FlareFound, FlareSought};

/// The bytes of a table that one onion message takes.
const PART_BYTES: usize = 30_000;
/// A table comes in no more parts than this.
const MOST_PARTS: u16 = 64;
/// The links that a table of this node may have.
const MOST_LINKS: usize = 100_000;
/// Who has not answered after so many seconds will not.
const PATIENCE: u64 = 60;
/// The most questions of a search for beacons.
const MOST_QUESTIONS: u32 = 64;

/// How much a node keeps, and how far it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlarePolicy {
    /// The radius of its map, in hops.
    pub radius: u8,
    /// How many beacons it seeks.
    pub beacons: u8,
    /// How many tables it asks for, for one payment.
    pub queries: u32,
}

/// Something worth telling about a node that uses Flare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlareEvent {
    /// The search for beacons is over.
    Beacons {
        /// Those that were found, the nearest first.
        nodes: Vec<PublicKey>,
    },
    /// A way was sought: how many tables and channels were asked for.
    Sought {
        /// Whether it was found.
        found: bool,
        /// Tables asked for.
        queries: u32,
        /// Channels asked whether they carry the amount.
        polls: u32,
    },
    /// A peer is no longer listened to.
    CutOff {
        /// Why.
        why: String,
    },
}

/// What a question that is under way is about.
#[derive(Clone, Debug)]
enum About {
    Nearer,
    Table(TableParts<NodeId>),
    Poll(Box<seeking::Polled>),
}

/// A question that is under way.
#[derive(Clone, Debug)]
struct Question {
    whom: NodeId,
    about: About,
    asked_at: u64,
}

/// Flare, as one node does it.
#[derive(Clone, Debug)]
pub(super) struct FlareNode {
    policy: FlarePolicy,
    map: Neighbourhood<NodeId>,
    own: BTreeSet<ShortChannelId>,
    beacons: Vec<Beacon<NodeId>>,
    search: Option<BeaconSearch<NodeId>>,
    /// Whether the map has changed since beacons were sought.
    is_search_due: bool,
    /// By what is written into the paths of their answers.
    questions: BTreeMap<Bytes, Question>,
    seeking: Option<Seeking>,
    found: Option<Result<FlareFound, String>>,
    next_id: u64,
    ticked: u64,
}

impl FlareNode {
    pub(super) fn new(own: PublicKey, policy: FlarePolicy) -> Self {
        Self {
            policy,
            map: Neighbourhood::new(own.into(), policy.radius, Limits::default()),
            own: BTreeSet::new(),
            beacons: Vec::new(),
            search: None,
            is_search_due: false,
            questions: BTreeMap::new(),
            seeking: None,
            found: None,
            next_id: 0,
            ticked: 0,
        }
    }

    /// All links that it knows: those of its map, and those on the ways to its beacons.
    fn links(&self) -> Vec<Link<NodeId>> {
        let mut links: BTreeMap<ShortChannelId, Link<NodeId>> = BTreeMap::new();
        let on_the_way = self.beacons.iter().flat_map(|beacon| &beacon.path);
        for link in on_the_way.chain(self.map.links().map(|(link, _)| link)) {
            links.insert(link.channel, *link);
        }
        links.into_values().collect()
    }

    fn table(&self) -> Table<NodeId> {
        let mut table = Table::new(MOST_LINKS);
        table.merge(&self.links());
        table
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id = self.next_id.saturating_add(1);
        self.next_id
    }
}

/// The map, the beacons and the questions.
impl Node {
    /// The routing table of this node, to hand over with an invoice: the links that it knows.
    pub fn flare_table(&self) -> Vec<Link<NodeId>> {
        self.flare.as_ref().map_or_else(Vec::new, FlareNode::links)
    }

    /// The links of the map, with their distances in hops.
    pub fn flare_map(&self) -> Vec<Told<NodeId>> {
        let map = self.flare.as_ref().map(|flare| &flare.map);
        let links = map.into_iter().flat_map(Neighbourhood::links);
        links.map(|(link, distance)| Told { link: *link, distance }).collect()
    }

    /// The beacons, the nearest in address space first.
    pub fn flare_beacons(&self) -> Vec<PublicKey> {
        let beacons = self.flare.iter().flat_map(|flare| &flare.beacons);
        beacons.filter_map(|beacon| beacon.node.public_key()).collect()
    }

    /// Tells the map of own channels that are new, or gone.
    pub(super) fn chart_channels(&mut self) -> Vec<NodeOutput> {
        if self.flare.is_none() {
            return Vec::new();
        }
        let usable = self.channels.values().filter(|channel| {
            matches!(channel.phase, Phase::Normal(_)) && channel.phase.short_channel_id().is_some()
        });
        let links: Vec<(PublicKey, bool, Link<NodeId>)> = usable
            .filter_map(|channel| {
                let id = channel.phase.short_channel_id()?;
                let capacity = channel.phase.commitments()?.terms.capacity;
                let link = self.own_link(id, channel.peer, capacity);
                Some((channel.peer, channel.link == Line::Up, link))
            })
            .collect();
        let Some(flare) = &mut self.flare else { return Vec::new() };
        let mut said = Vec::new();
        for (peer, is_up, link) in &links {
            if flare.own.insert(link.channel) {
                said.extend(flare.map.opened(*link));
                if *is_up {
                    said.extend(flare.map.connected((*peer).into()));
                }
                flare.is_search_due = true;
            }
        }
        let gone: Vec<ShortChannelId> = flare
            .own
            .iter()
            .filter(|id| !links.iter().any(|(.., link)| link.channel == **id))
            .copied()
            .collect();
        for id in gone {
            flare.own.remove(&id);
            said.extend(flare.map.closed(id));
        }
        self.sends(said)
    }

    fn own_link(&self, id: ShortChannelId, peer: PublicKey, capacity: Amount) -> Link<NodeId> {
        let own = NodeId::from(self.id);
        let mut link = Link::new(id, own, peer.into(), capacity);
        link.set_policy(own, Some(self.flare_policy()));
        link
    }

    fn flare_policy(&self) -> Policy {
        Policy {
            timestamp: 0,
            enabled: true,
            fee_base_msat: u32::try_from(self.relay.fee_base.0).unwrap_or(u32::MAX),
            fee_proportional_millionths: self.relay.fee_proportional_millionths,
            cltv_expiry_delta: self.relay.cltv_expiry_delta,
        }
    }

    /// Both sides have sent `init`.
    pub(super) fn greet_flare(&mut self, peer: PublicKey) -> Vec<NodeOutput> {
        let Some(flare) = &mut self.flare else { return Vec::new() };
        let said = flare.map.connected(peer.into());
        self.sends(said)
    }

    /// A connection has ended.
    pub(super) fn lose_flare_peer(&mut self, peer: &PublicKey) {
        if let Some(flare) = &mut self.flare {
            flare.map.disconnected((*peer).into());
        }
    }

    /// Takes a message of a type that BOLT 1 does not know, if it is one of Flare's: `None` if not.
    pub(super) fn receive_flare(
        &mut self,
        from: PublicKey,
        message: &Unknown,
    ) -> Option<Vec<NodeOutput>> {
        let flare = self.flare.as_mut()?;
        let decoded = Flare::decode(message.message_type, &message.payload.0).ok()?;
        if !decoded.is_for_peers() {
            return None;
        }
        let is_update = matches!(decoded, Flare::Update(_));
        flare.is_search_due |= is_update;
        let said = match flare.map.receive(from.into(), decoded) {
            Ok(said) => said,
            Err(offence) => {
                let event = FlareEvent::CutOff { why: offence.to_string() };
                return Some(vec![told(Some(from), event)]);
            }
        };
        Some(self.sends(said))
    }

    /// Messages to peers, as they go over the wire.
    fn sends(&self, said: Vec<(NodeId, Flare<NodeId>)>) -> Vec<NodeOutput> {
        let sends = said.into_iter().filter_map(|(to, message)| {
            let (message_type, payload) = (message.number(), Bytes(message.encode()));
            let message = Message::Unknown(Unknown { message_type, payload });
            let to = to.public_key().filter(|to| self.is_connected(to))?;
            Some(NodeOutput::Send { to, message })
        });
        sends.collect()
    }

    /// Time has passed: what is new is told, who is silent is given up, and beacons are sought when
    /// the map has changed.
    pub(super) fn flare_time(&mut self) -> Vec<NodeOutput> {
        let time = self.time;
        let Some(flare) = &mut self.flare else { return Vec::new() };
        if time < flare.ticked.saturating_add(PATIENCE) {
            return Vec::new();
        }
        flare.ticked = time;
        let said = flare.map.tick();
        let is_settled = said.is_empty();
        let late: Vec<Bytes> = flare
            .questions
            .iter()
            .filter(|(_, question)| time >= question.asked_at.saturating_add(PATIENCE))
            .map(|(path_id, _)| path_id.clone())
            .collect();
        let mut outputs = self.sends(said);
        for path_id in late {
            outputs.extend(self.give_up(&path_id));
        }
        outputs.extend(self.begin_search(is_settled));
        outputs
    }

    /// Seeks beacons anew, once the map has settled.
    fn begin_search(&mut self, is_settled: bool) -> Vec<NodeOutput> {
        let own = NodeId::from(self.id);
        let Some(flare) = &mut self.flare else { return Vec::new() };
        let is_due = is_settled && flare.is_search_due && flare.search.is_none();
        if !is_due || flare.policy.beacons == 0 {
            return Vec::new();
        }
        flare.is_search_due = false;
        let count = flare.policy.beacons;
        let known = flare.map.table(MOST_LINKS).nearest(own, address(own), count.into());
        flare.search = Some(BeaconSearch::new(own, count, MOST_QUESTIONS, known));
        self.go_on_searching()
    }

    /// The next question of a search for beacons, or its end.
    fn go_on_searching(&mut self) -> Vec<NodeOutput> {
        let Some(flare) = &mut self.flare else { return Vec::new() };
        let Some(search) = &flare.search else { return Vec::new() };
        let Some(BeaconQuestion { whom, path, target, count }) = search.question() else {
            flare.beacons = search.beacons();
            flare.search = None;
            let nodes = self.flare_beacons();
            return vec![told(None, FlareEvent::Beacons { nodes })];
        };
        let id = flare.fresh_id();
        let ask = Flare::AskNearer { id, target, count };
        self.ask(whom, &path, About::Nearer, &ask)
    }

    /// Asks a node at the end of these links, and gives it a way to answer.
    fn ask(
        &mut self,
        whom: NodeId,
        path: &[Link<NodeId>],
        about: About,
        ask: &Flare<NodeId>,
    ) -> Vec<NodeOutput> {
        let Some(over) = self.nodes_along(path) else { return Vec::new() };
        let back: Vec<PublicKey> = over.iter().rev().skip(1).copied().chain([self.id]).collect();
        let path_id = self.fresh_bytes();
        let key = self.fresh_key();
        let reply_path = super::blinded::for_message(&key, &back, Some(path_id.clone())).ok();
        let payload = OnionMessagePayload { reply_path, ..as_letter(ask) };
        let asked_at = self.time;
        if let Some(flare) = &mut self.flare {
            flare.questions.insert(path_id, Question { whom, about, asked_at });
        }
        let mut posted = self.post_to(&over, &payload);
        posted.retain(|output| matches!(output, NodeOutput::Send { .. }));
        posted
    }

    /// The nodes that links lead to from here, one after the other.
    fn nodes_along(&self, path: &[Link<NodeId>]) -> Option<Vec<PublicKey>> {
        let mut at = NodeId::from(self.id);
        let mut nodes = Vec::with_capacity(path.len());
        for link in path {
            at = link.other(at)?;
            nodes.push(at.public_key()?);
        }
        (!nodes.is_empty()).then_some(nodes)
    }

    /// Reads a letter of Flare, if it is one.
    pub(super) fn read_flare(&mut self, letter: &Letter) -> Option<Vec<NodeOutput>> {
        self.flare.as_ref()?;
        let [record] = letter.payload.unknown.as_slice() else { return None };
        let number = u16::try_from(record.number).ok()?;
        let message = Flare::decode(number, &record.value.0).ok()?;
        Some(match message {
            Flare::AskTable { .. } | Flare::AskNearer { .. } | Flare::Poll(_) => {
                self.answer_flare(letter, &message)
            }
            Flare::Table(_) | Flare::Nearer { .. } | Flare::PollAnswer { .. } => {
                let path_id = letter.path_id.clone()?;
                self.take_answer(&path_id, message)
            }
            Flare::Hello { .. } | Flare::Update(_) | Flare::Acknowledge { .. } | Flare::Reset => {
                Vec::new()
            }
        })
    }

    /// Answers a question, along the path that came with it.
    fn answer_flare(&mut self, letter: &Letter, asked: &Flare<NodeId>) -> Vec<NodeOutput> {
        let Some(path) = &letter.payload.reply_path else { return Vec::new() };
        let Some(first) = introduction(path) else { return Vec::new() };
        let Some(flare) = &self.flare else { return Vec::new() };
        let own = NodeId::from(self.id);
        let answers: Vec<Flare<NodeId>> = match asked {
            Flare::AskTable { id } => {
                in_parts(*id, &flare.links(), PART_BYTES).into_iter().map(Flare::Table).collect()
            }
            Flare::AskNearer { id, target, count } => {
                let found = flare.table().nearer(own, *target, (*count).into());
                let candidate = |(node, path)| Candidate { node, path };
                let candidates = found.into_iter().map(candidate).collect();
                vec![Flare::Nearer { id: *id, candidates }]
            }
            Flare::Poll(Poll { id, channel, amount }) => {
                let answer = self.poll_answer(*channel, *amount);
                vec![Flare::PollAnswer { id: *id, answer }]
            }
            Flare::Hello { .. }
            | Flare::Update(_)
            | Flare::Acknowledge { .. }
            | Flare::Reset
            | Flare::Table(_)
            | Flare::Nearer { .. }
            | Flare::PollAnswer { .. } => Vec::new(),
        };
        let mut outputs = Vec::new();
        for answer in answers {
            outputs.extend(self.post(&[first], path, &as_letter(&answer)));
        }
        outputs.retain(|output| matches!(output, NodeOutput::Send { .. }));
        outputs
    }

    /// What this node says of its channel just now.
    fn poll_answer(&self, channel: ShortChannelId, amount: Msat) -> PollAnswer {
        const SOON: u32 = 144;
        if !self.channels.values().any(|known| known.phase.goes_by(channel)) {
            return PollAnswer::NotMine;
        }
        if self.can_send(channel, amount, SOON) {
            PollAnswer::Carries(Terms::from(self.flare_policy()))
        } else {
            PollAnswer::CannotNow
        }
    }

    /// Takes an answer to a question that is under way.
    fn take_answer(&mut self, path_id: &Bytes, message: Flare<NodeId>) -> Vec<NodeOutput> {
        let Some(flare) = &mut self.flare else { return Vec::new() };
        let Some(mut question) = flare.questions.remove(path_id) else { return Vec::new() };
        match (&mut question.about, message) {
            (About::Nearer, Flare::Nearer { candidates, .. }) => {
                let paths: Vec<(NodeId, Vec<Link<NodeId>>)> =
                    candidates.into_iter().map(|of| (of.node, of.path)).collect();
                if let Some(search) = &mut flare.search {
                    // Who answers what cannot be counts as silent.
                    let _ = search.answered(question.whom, &paths);
                }
                self.go_on_searching()
            }
            (About::Table(parts), Flare::Table(part)) => match parts.add(part) {
                Ok(Some(links)) => self.take_table(question.whom, &links),
                Ok(None) => {
                    flare.questions.insert(path_id.clone(), question);
                    Vec::new()
                }
                Err(_) => self.take_table(question.whom, &[]),
            },
            (About::Poll(polled), Flare::PollAnswer { answer, .. }) => {
                self.take_poll(polled, Some(answer))
            }
            (About::Nearer | About::Table(_) | About::Poll(_), _) => Vec::new(),
        }
    }

    /// Nobody has answered.
    fn give_up(&mut self, path_id: &Bytes) -> Vec<NodeOutput> {
        let Some(flare) = &mut self.flare else { return Vec::new() };
        let Some(question) = flare.questions.remove(path_id) else { return Vec::new() };
        match &question.about {
            About::Nearer => {
                if let Some(search) = &mut flare.search {
                    search.silent(question.whom);
                }
                self.go_on_searching()
            }
            About::Table(_) => self.take_table(question.whom, &[]),
            About::Poll(polled) => self.take_poll(polled, None),
        }
    }
}

fn address(node: NodeId) -> crate::bolt::routing::flare::Address {
    use crate::bolt::routing::flare::Name as _;
    node.address()
}

/// A message as the content of an onion message: a record of its own number.
fn as_letter(message: &Flare<NodeId>) -> OnionMessagePayload {
    let record = TlvRecord { number: message.number().into(), value: Bytes(message.encode()) };
    OnionMessagePayload { unknown: vec![record], ..OnionMessagePayload::default() }
}

fn told(peer: Option<PublicKey>, event: FlareEvent) -> NodeOutput {
    NodeOutput::Event(NodeEvent::Flare { peer, event })
}

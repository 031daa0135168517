//! A network by its shape: roles and channels that the file need not name one by one.

use bitcoin::Amount;

use super::reader::Reader;
use crate::bolt::units::{CsvDelay, FeeratePerKw};
use crate::scenario::{
    error::NetworkMistake,
    language,
    model::{
        At, Blocks, Channel, ChannelName, ChannelTerms, ChannelType, GossipTerms, NetworkShape,
        Position, RelayTerms, Role, RoleKind, RoleName,
    },
    yaml::Node,
};
use crate::topology::{self, ShapeError};

/// A lab plays no more nodes than this.
const MOST_NODES: u32 = 1_000;
/// Nor more channels.
const MOST_CHANNELS: u32 = 5_000;
/// What opening a channel costs beside its capacity, at most.
const OPENING: Amount = Amount::from_sat(5_000);

/// What the file says of the channels of a network.
struct Each {
    at: Position,
    capacity: At<Amount>,
    push: At<Amount>,
    channel_type: ChannelType,
    announced: bool,
}

impl Reader {
    /// The roles and the channels of a network: `n1` to `nN`, and `n1-n2` for each channel.
    pub(super) fn network(&mut self, node: &Node) -> Option<(Vec<Role>, Vec<Channel>)> {
        let fields = self.fields(node, &language::NETWORK)?;
        let shape = fields.get("shape").and_then(|node| {
            self.word(node, "shape of a network", NetworkShape::WORDS, NetworkShape::from_word)
        });
        let nodes = fields.get("nodes").and_then(|node| self.bounded(node, MOST_NODES));
        let channels = self
            .optional(fields.get("channels"), |reader, node| reader.bounded(node, MOST_CHANNELS));
        let neighbours = self.optional(fields.get("neighbours"), Self::number);
        let seed = self.optional(fields.get("seed"), Self::number);
        let capacity = self.optional(fields.get("capacity"), Self::sat);
        let push = self.optional(fields.get("push"), Self::sat);
        let channel_type = self.optional(fields.get("type"), |reader, node| {
            reader.word(node, "channel type", ChannelType::WORDS, ChannelType::from_word)
        });
        let (shape, nodes, channels) = (shape?.value, nodes?, channels?);
        let seed = seed?.unwrap_or(0_u64);
        let network = drawn(shape, nodes, channels, neighbours?, seed);
        let network = match network {
            Ok(network) => network,
            Err(error) => {
                self.report(node.at, NetworkMistake::Shape(error).into());
                return None;
            }
        };
        let at = node.at;
        let capacity = capacity?.unwrap_or(At::new(Amount::from_sat(1_000_000), at));
        let push = push?.unwrap_or(At::new(capacity.value / 2, at));
        let channel_type = channel_type?.map_or(ChannelType::Anchors, |word| word.value);
        let each = Each { at, capacity, push, channel_type, announced: self.gossip };
        // Who came later in the growth of a network opens: those with many channels were there.
        let newcomer_opens = matches!(shape, NetworkShape::Star | NetworkShape::ScaleFree);
        let pairs = network.channels.iter();
        let pairs: Vec<(u32, u32)> =
            pairs.map(|(a, b)| if newcomer_opens { (*b, *a) } else { (*a, *b) }).collect();
        let roles: Vec<Role> = (0..nodes).filter_map(|number| each.role(number, &pairs)).collect();
        let channels: Vec<Channel> = pairs.iter().filter_map(|pair| each.channel(*pair)).collect();
        self.names(&roles, &channels);
        Some((roles, channels))
    }

    /// The names are known from here on.
    fn names(&mut self, roles: &[Role], channels: &[Channel]) {
        for role in roles {
            if self.roles.contains(&role.name.value) {
                let name = role.name.to_string();
                self.report(role.name.at, NetworkMistake::NameTaken { name }.into());
            }
            self.roles.push(role.name.value.clone());
        }
        self.channels.extend(channels.iter().map(|channel| channel.name.value.clone()));
        self.network = Some(channels.iter().map(|channel| channel.name.value.clone()).collect());
    }

    /// A number that is not above this.
    fn bounded(&mut self, node: &Node, most: u32) -> Option<u32> {
        let number: u32 = self.number(node)?;
        if number > most {
            self.report(node.at, NetworkMistake::TooLarge { number, limit: most }.into());
            return None;
        }
        Some(number)
    }
}

fn drawn(
    shape: NetworkShape,
    nodes: u32,
    channels: Option<u32>,
    neighbours: Option<u32>,
    seed: u64,
) -> Result<topology::Network, ShapeError> {
    let neighbours = neighbours.unwrap_or(4);
    Ok(match shape {
        NetworkShape::Line => topology::line(nodes),
        NetworkShape::Ring => topology::ring(nodes),
        NetworkShape::Star => topology::star(nodes),
        NetworkShape::ScaleFree => {
            let usual = nodes.saturating_mul(5) / 2;
            topology::scale_free(nodes, channels.unwrap_or(usual), seed)?
        }
        NetworkShape::SmallWorld => topology::small_world(nodes, neighbours, 100, seed)?,
    })
}

fn name(number: u32) -> String {
    format!("n{}", number + 1)
}

impl Each {
    /// A node, with a coin for each channel that it opens.
    fn role(&self, number: u32, pairs: &[(u32, u32)]) -> Option<Role> {
        let name: RoleName = name(number).parse().ok()?;
        let opened = pairs.iter().filter(|(opener, _)| *opener == number).count();
        let coins = u32::try_from(opened).ok()?;
        let coin = self.capacity.value.checked_add(OPENING)?;
        Some(Role {
            name: At::new(name, self.at),
            kind: At::new(RoleKind::Honest, self.at),
            funds: coin.checked_mul(coins.into())?,
            coins: coins.max(1),
            asks: ChannelTerms::default(),
            features: Vec::new(),
            without: Vec::new(),
            habits: Vec::new(),
            relay: RelayTerms::default(),
            gossip: GossipTerms::default(),
            min_final_cltv_expiry_delta: None,
        })
    }

    fn channel(&self, (from, to): (u32, u32)) -> Option<Channel> {
        let (at, name_of) = (self.at, name);
        let name: ChannelName = format!("{}-{}", name_of(from), name_of(to)).parse().ok()?;
        let role = |number| Some(At::new(name_of(number).parse::<RoleName>().ok()?, at));
        Some(Channel {
            name: At::new(name, at),
            from: role(from)?,
            to: role(to)?,
            capacity: self.capacity,
            push: self.push,
            channel_type: self.channel_type,
            scid_alias: false,
            zeroconf: false,
            announced: self.announced,
            to_self_delay: At::new(CsvDelay(144), at),
            feerate: At::new(FeeratePerKw(1000), at),
            minimum_depth: At::new(Blocks(3), at),
        })
    }
}

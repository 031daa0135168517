//! What a scenario is, once its file has been read: plain data.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use bitcoin::Amount;
use serde::{Deserialize, Serialize};

use super::{
    habit::Habit,
    outcome::Outcome,
    step::{Step, Verb},
    words::words,
};
use crate::bolt::units::{CsvDelay, FeeratePerKw, Msat};

/// Where something stands in a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column of the first character.
    pub column: u32,
    /// How many characters it has on this line, at least 1.
    pub width: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value and where it stands. Two of them are equal if their values are, wherever they stand.
#[derive(Clone, Copy, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where the file says it.
    pub at: Position,
}

impl<T> At<T> {
    /// Puts a value at a position.
    pub const fn new(value: T, at: Position) -> Self {
        Self { value, at }
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: fmt::Display> fmt::Display for At<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A text that cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be a name")]
pub struct InvalidName {
    /// The text.
    pub name: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as the scenario writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                if is_name(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName { name: text.to_owned() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name! {
    /// The name of a role: a letter, then letters, digits, `_` and `-`.
    RoleName
}
name! {
    /// The name of a channel: a letter, then letters, digits, `_` and `-`.
    ChannelName
}
name! {
    /// The name of a state that a role remembered, as in `before-paying`.
    StateName
}
name! {
    /// The name of an invoice, as in `coffee`.
    InvoiceName
}

/// The longest name that a role, a channel or a state may have, in characters.
pub(super) const NAME_LIMIT: usize = 32;

/// Names stand in references (`ab.commitment.to_local`) and in reports, so they are plain words.
fn is_name(text: &str) -> bool {
    text.len() <= NAME_LIMIT
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A number of blocks.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Blocks(pub u32);

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 block"),
            n => write!(f, "{n} blocks"),
        }
    }
}

words! {
    /// What a role is allowed to do.
    pub enum RoleKind {
        /// Keeps the rules of the BOLTs; a target may play it.
        Honest = "honest",
        /// The reference node, with old states at hand and the will to publish them.
        Cheat = "cheat",
        /// Sends hand-written messages.
        Probe = "probe",
    }
}

words! {
    /// How a channel's commitment transactions are built.
    pub enum ChannelType {
        /// `option_anchors`: no fee in second-stage transactions, two anchors for bumping.
        Anchors = "anchors",
        /// `option_static_remotekey`: the format before anchors.
        StaticRemotekey = "static_remotekey",
    }
}

words! {
    /// How a role catches up with the gossip of its peers.
    pub enum SyncKind {
        /// It asks which channels there are, and for those that it does not know.
        Ranges = "ranges",
        /// Its `gossip_timestamp_filter` lets through all that there ever was.
        Filter = "filter",
        /// It does not.
        Nothing = "nothing",
    }
}

/// How roles use Flare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlareTerms {
    /// The radius of each role's map, in hops.
    pub radius: u8,
    /// How many beacons each role seeks.
    pub beacons: u8,
    /// How many tables a payer asks for.
    pub queries: u32,
}

/// How a role goes about gossip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GossipTerms {
    /// How it catches up.
    pub sync: SyncKind,
    /// The most `short_channel_id`s of its `reply_channel_range`, if it puts in fewer than fit.
    pub most_ids: Option<u16>,
}

words! {
    /// The shape of a network.
    pub enum NetworkShape {
        /// Each node has a channel with the next.
        Line = "line",
        /// A line whose ends have a channel, too.
        Ring = "ring",
        /// The first node has a channel with every other.
        Star = "star",
        /// Who has many channels gets more of them.
        ScaleFree = "scale_free",
        /// A ring in which everybody knows some neighbours, and a tenth of the channels lead far away.
        SmallWorld = "small_world",
    }
}

words! {
    /// What connects the roles.
    pub enum Links {
        /// Messages go from node to node in memory.
        Memory = "memory",
        /// They go through sockets of this machine, with the transport of BOLT 8.
        Tcp = "tcp",
    }
}

/// A section of a BOLT, as in `5#revoked-transaction-close-handling`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BoltSection {
    /// The number of the BOLT.
    pub bolt: u8,
    /// The anchor of the section in its text.
    pub section: String,
}

impl fmt::Display for BoltSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.bolt, self.section)
    }
}

/// One member of the cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: At<RoleName>,
    /// What it is allowed to do.
    pub kind: At<RoleKind>,
    /// What its on-chain wallet starts with; nothing if the file does not say.
    pub funds: Amount,
    /// In how many coins of about the same amount it has that.
    pub coins: u32,
    /// What it asks of its channels, as far as the file says.
    pub asks: ChannelTerms,
    /// Feature bits beside those that every reference node has.
    pub features: Vec<u32>,
    /// Feature bits that it has not; either bit of a pair stands for both.
    pub without: Vec<u32>,
    /// What it does on chain otherwise than most.
    pub habits: Vec<Habit>,
    /// What it asks for forwarding, as far as the file says.
    pub relay: RelayTerms,
    /// How it goes about gossip.
    pub gossip: GossipTerms,
    /// How far ahead the expiry of a payment to it must lie, if the file says so.
    pub min_final_cltv_expiry_delta: Option<Blocks>,
}

/// What a role asks of its channels; `None` where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelTerms {
    /// Its `dust_limit_satoshis`.
    pub dust_limit: Option<At<Amount>>,
    /// Its `channel_reserve_satoshis`: what the other side must keep.
    pub channel_reserve: Option<At<Amount>>,
    /// Its `max_htlc_value_in_flight_msat`: what the other side may have in flight.
    pub max_htlc_value_in_flight: Option<Msat>,
    /// Its `max_accepted_htlcs`: how many HTLCs the other side may have in flight.
    pub max_accepted_htlcs: Option<At<u16>>,
    /// Its `max_dust_htlc_exposure_msat`.
    pub max_dust_htlc_exposure: Option<Msat>,
    /// Whether it accepts channels that are used before they are confirmed.
    pub accepts_zeroconf: bool,
}

/// What a role asks for forwarding, or is believed to ask; `None` where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayTerms {
    /// What it charges for every payment.
    pub fee_base: Option<Msat>,
    /// What it charges besides, in millionths of what it forwards.
    pub fee_proportional: Option<u32>,
    /// How much earlier the outgoing HTLC must expire.
    pub cltv_expiry_delta: Option<Blocks>,
    /// The least that it forwards.
    pub htlc_minimum: Option<Msat>,
}

impl RelayTerms {
    /// These terms, and the others where these say nothing.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            fee_base: self.fee_base.or(others.fee_base),
            fee_proportional: self.fee_proportional.or(others.fee_proportional),
            cltv_expiry_delta: self.cltv_expiry_delta.or(others.cltv_expiry_delta),
            htlc_minimum: self.htlc_minimum.or(others.htlc_minimum),
        }
    }
}

impl Default for GossipTerms {
    fn default() -> Self {
        Self { sync: SyncKind::Ranges, most_ids: None }
    }
}

/// One channel between two roles. It exists on chain only after an `open` step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of the file")]
pub struct Channel {
    /// Its name.
    pub name: At<ChannelName>,
    /// The opener, who funds it and pays the commitment's fee.
    pub from: At<RoleName>,
    /// The other side.
    pub to: At<RoleName>,
    /// What the funding output holds.
    pub capacity: At<Amount>,
    /// What the opener gives the other side at the start.
    pub push: At<Amount>,
    /// How its commitment transactions are built.
    pub channel_type: ChannelType,
    /// Whether its type has `option_scid_alias`.
    pub scid_alias: bool,
    /// Whether its type has `option_zeroconf`.
    pub zeroconf: bool,
    /// Whether the rest of the network is to know of it.
    pub announced: bool,
    /// The `to_self_delay` that each side asks of the other.
    pub to_self_delay: At<CsvDelay>,
    /// The fee rate of its commitment transactions.
    pub feerate: At<FeeratePerKw>,
    /// How many blocks the funding transaction needs before the channel is ready.
    pub minimum_depth: At<Blocks>,
}

impl Channel {
    /// Whether this role is one of the channel's two sides.
    pub fn joins(&self, role: &RoleName) -> bool {
        self.from.value == *role || self.to.value == *role
    }

    /// The other side of the channel, if this role is one of the two.
    pub fn peer_of(&self, role: &RoleName) -> Option<&RoleName> {
        if self.from.value == *role {
            Some(&self.to.value)
        } else if self.to.value == *role {
            Some(&self.from.value)
        } else {
            None
        }
    }
}

/// One file of the suite, read and found sound; of a file with `for`, its first instance and the
/// others beside it.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file it comes from, as it was named.
    pub file: PathBuf,
    /// The text of the file, to show the line that failed.
    pub source: Arc<str>,
    /// What it shows, in one sentence.
    pub title: String,
    /// A longer text, if there is one.
    pub about: Option<String>,
    /// The sections of the BOLTs it plays.
    pub bolt: Vec<At<BoltSection>>,
    /// The requirements it exercises, by id.
    pub covers: Vec<At<String>>,
    /// The parties, in the order of the file.
    pub cast: Vec<Role>,
    /// What connects them.
    pub links: Links,
    /// Whether the roles tell each other of channels and nodes.
    pub gossip: bool,
    /// How the roles use Flare, if they do.
    pub flare: Option<FlareTerms>,
    /// The channels, in the order of the file.
    pub channels: Vec<Channel>,
    /// Those of them that `network` has made.
    pub network: Vec<ChannelName>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// What must be on chain at the end. It is missing only if the options allow that.
    pub outcome: Option<At<Outcome>>,
    /// What tells this run from the others of its file: the names of the values that its `for`
    /// gives to this instance, and the branches that it takes, of the outermost `try` first.
    pub branch: Vec<String>,
    /// The further instances of the file, in order, if its `for` makes several: this is the first.
    pub others: Arc<[Self]>,
}

impl Scenario {
    /// The runs of the file: one for every way through the branches of every instance.
    pub fn runs(&self) -> Vec<Self> {
        let first = Self { others: Arc::default(), ..self.clone() };
        let mut runs = first.ways();
        runs.extend(self.others.iter().flat_map(Self::ways));
        runs
    }

    /// One run for every way through the branches.
    pub(super) fn ways(&self) -> Vec<Self> {
        let Some(at) = self.steps.iter().position(|step| matches!(step.verb, Verb::Try(_))) else {
            return vec![self.clone()];
        };
        let (before, rest) = self.steps.split_at(at);
        let Some((Step { verb: Verb::Try(branches), .. }, after)) = rest.split_first() else {
            return vec![self.clone()];
        };
        branches
            .iter()
            .flat_map(|branch| {
                let steps = [before, &branch.steps, after].concat();
                let mut names = self.branch.clone();
                names.push(branch.name.clone());
                Self { steps, branch: names, ..self.clone() }.ways()
            })
            .collect()
    }

    /// The role of this name.
    pub fn role(&self, name: &RoleName) -> Option<&Role> {
        self.cast.iter().find(|role| role.name.value == *name)
    }

    /// The channel of this name.
    pub fn channel(&self, name: &ChannelName) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name.value == *name)
    }

    /// A line of the file, counted from 1, without its end.
    pub fn line(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.source.lines().nth(index)
    }
}

//! The language as tables: which keys each mapping has, and what their values are.
//!
//! The loader refuses keys that do not stand here and asks for those that are required; the JSON
//! Schema is written from the same tables. So the two cannot disagree on a name.

use super::{
    habit::Habit,
    model::{ChannelType, Links, NetworkShape, RoleKind, SyncKind},
    outcome::FundingState,
    payment::FailureName,
    reference::Path,
    units::Quantity,
    wire::ActFault,
};

mod steps;

pub(super) use steps::{
    BALANCE, FAILS, LAYER, MISREAD, PART, PATTERN, PAYMENT, RELAY, STATE, UNKNOWN_MESSAGE, VERBS,
    is_message,
};

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A quantity with its unit.
    Quantity(Quantity),
    /// The name of a role, a channel or a state.
    Name,
    /// A name, or a list of names.
    NameOrNames,
    /// One of some words, each with its meaning.
    Words(&'static [&'static str], &'static [&'static str]),
    /// A reference to an output.
    Output,
    /// A reference to an output, or a list of them.
    Outputs,
    /// A reference to a transaction.
    Transaction,
    /// A list of references to transactions.
    Transactions,
    /// The commitment of a role, or `closing`.
    Spender,
    /// `true` or `false`.
    Flag,
    /// A mapping with known keys.
    Map(&'static Shape),
    /// A list.
    List(&'static Kind),
    /// A mapping from names of roles to mappings with known keys.
    ByRole(&'static Shape),
    /// A whole number without a unit.
    Number,
    /// A mapping from the types of TLV records to their values in hex.
    Records,
    /// A feature, by its name or its bit.
    Feature,
    /// Bytes in hex.
    Hex,
    /// The name of a message, or several.
    MessageNames,
    /// A mapping from names to lists of steps.
    Branches,
}

/// One key of a mapping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) kind: Kind,
    pub(super) about: &'static str,
}

/// How many of its keys a mapping must have, beyond those that are required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Any number.
    Any,
    /// At least one.
    AtLeastOne,
    /// Exactly one of these.
    OneOf(&'static [&'static str]),
}

/// A mapping with known keys.
#[derive(Debug)]
pub(super) struct Shape {
    /// What it describes, with its article.
    pub(super) of: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) count: Count,
    /// Whether the name of a message is a key too, with the message's fields.
    pub(super) messages: bool,
}

/// One verb.
#[derive(Debug)]
pub(super) struct VerbRule {
    pub(super) word: &'static str,
    pub(super) about: &'static str,
    /// The value of the short form, if it has one.
    pub(super) short: Option<Kind>,
    /// The mapping of the long form, if it has one.
    pub(super) long: Option<&'static Shape>,
}

const fn required(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, required: true, kind, about }
}

const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, required: false, kind, about }
}

const fn shape(of: &'static str, fields: &'static [Field]) -> Shape {
    Shape { of, fields, count: Count::Any, messages: false }
}

const PATH: Kind = Kind::Words(Path::WORDS, Path::MEANINGS);
const SAT: Kind = Kind::Quantity(Quantity::OnChainAmount);
const MSAT: Kind = Kind::Quantity(Quantity::Amount);
const BLOCKS: Kind = Kind::Quantity(Quantity::Blocks);
const FAILURE: Kind = Kind::Words(FailureName::WORDS, FailureName::MEANINGS);
const NAMES: Kind = Kind::List(&Kind::Name);

const ACT_FAULT: Kind = Kind::Words(ActFault::WORDS, ActFault::MEANINGS);

const FEATURES: Kind = Kind::List(&Kind::Feature);
const HABITS: Kind = Kind::List(&Kind::Words(Habit::WORDS, Habit::MEANINGS));

/// What somebody asks for forwarding: once said of a role, once of what a payer believes.
const FEE_BASE: Field =
    optional("fee_base", MSAT, "What it charges for every payment (default: 1 sat).");
const FEE_PROPORTIONAL: Field = optional(
    "fee_proportional",
    Kind::Quantity(Quantity::Proportion),
    "What it charges besides, as a part of what it forwards (default: 100 ppm).",
);
const CLTV_EXPIRY_DELTA: Field = optional(
    "cltv_expiry_delta",
    BLOCKS,
    "How much earlier the outgoing HTLC must expire (default: 40 blocks).",
);
const HTLC_MINIMUM: Field =
    optional("htlc_minimum", MSAT, "The least that it forwards (default: 1 msat).");

/// The keys of a file. The values of `for`, `bolt`, `covers`, `cast`, `channels`, `steps` and
/// `outcome` are collections, which `decode` and `schema` know by name; their kind is not used.
pub(super) static SCENARIO: Shape = shape(
    "a scenario",
    &[
        required("title", Kind::Text, "What the scenario shows, in one sentence."),
        optional("about", Kind::Text, "A longer text for the reader."),
        optional(
            "for",
            Kind::Text,
            "Parameters by name, each with its values: every choice of them is a scenario of its own.",
        ),
        optional(
            "bolt",
            Kind::Text,
            "The sections of the BOLTs that it plays, as in `3#to_local-output`.",
        ),
        optional("covers", Kind::Text, "The ids of the requirements that it exercises."),
        optional("cast", Kind::Text, "The roles, by name (required unless there is a `network`)."),
        optional(
            "links",
            Kind::Words(Links::WORDS, Links::MEANINGS),
            "What connects the roles (default: memory).",
        ),
        optional("network", Kind::Map(&NETWORK), "Nodes `n1`, `n2`, … and channels by a shape."),
        optional("flare", Kind::Map(&FLARE), "The roles keep maps and ask for the rest."),
        optional(
            "gossip",
            Kind::Flag,
            "Whether the roles tell each other of channels and nodes (default: false).",
        ),
        optional("channels", Kind::Text, "The channels between the roles, by name."),
        required("steps", Kind::Text, "What happens, in order: a verb a step, and a `say`."),
        optional("outcome", Kind::Text, "What must be on chain at the end, output by output."),
    ],
);

/// One member of the cast.
pub(super) static ROLE: Shape = shape(
    "a role",
    &[
        required(
            "role",
            Kind::Words(RoleKind::WORDS, RoleKind::MEANINGS),
            "What it is allowed to do.",
        ),
        optional("funds", SAT, "What its on-chain wallet starts with (default: nothing)."),
        optional("dust_limit", SAT, "Its `dust_limit_satoshis`."),
        optional(
            "channel_reserve",
            SAT,
            "Its `channel_reserve_satoshis` (default: a hundredth of the capacity).",
        ),
        optional(
            "max_htlc_value_in_flight",
            MSAT,
            "Its `max_htlc_value_in_flight_msat` (default: the capacity).",
        ),
        optional("max_accepted_htlcs", Kind::Number, "Its `max_accepted_htlcs` (default: 483)."),
        optional(
            "max_dust_htlc_exposure",
            MSAT,
            "Its `max_dust_htlc_exposure_msat` (default: 50_000 sat).",
        ),
        optional(
            "accepts_zeroconf",
            Kind::Flag,
            "Whether it accepts channels that are used unconfirmed (default: false).",
        ),
        optional("features", FEATURES, "Features beside those that every reference node has."),
        optional("without", FEATURES, "Features that it has not, though every reference node has."),
        optional("habits", HABITS, "What it does on chain otherwise than most."),
        optional(
            "sync",
            Kind::Words(SyncKind::WORDS, SyncKind::MEANINGS),
            "How it catches up with the gossip of its peers (default: ranges).",
        ),
        optional(
            "short_ids_per_reply",
            Kind::Number,
            "The most channels of its `reply_channel_range` (default: as many as fit).",
        ),
        FEE_BASE,
        FEE_PROPORTIONAL,
        CLTV_EXPIRY_DELTA,
        HTLC_MINIMUM,
        optional(
            "min_final_cltv_expiry_delta",
            BLOCKS,
            "How far ahead the expiry of a payment to it must lie (default: 18 blocks).",
        ),
    ],
);

/// How the roles use Flare.
pub(super) static FLARE: Shape = shape(
    "the use of Flare",
    &[
        optional("radius", Kind::Number, "The radius of each map, in hops (default: 2)."),
        optional("beacons", Kind::Number, "How many beacons each role seeks (default: 4)."),
        optional("queries", Kind::Number, "How many tables a payer asks for (default: 10)."),
    ],
);

/// A network by its shape.
pub(super) static NETWORK: Shape = shape(
    "a network",
    &[
        required(
            "shape",
            Kind::Words(NetworkShape::WORDS, NetworkShape::MEANINGS),
            "Which nodes have channels with which.",
        ),
        required("nodes", Kind::Number, "How many nodes there are: `n1`, `n2`, …"),
        optional(
            "channels",
            Kind::Number,
            "How many channels `scale_free` has (default: five for two nodes).",
        ),
        optional(
            "neighbours",
            Kind::Number,
            "How many neighbours each node of `small_world` begins with (default: 4).",
        ),
        optional("seed", Kind::Number, "Draws another network of the same shape (default: 0)."),
        optional("capacity", SAT, "What each funding output holds (default: 1_000_000 sat)."),
        optional("push", SAT, "What the opener gives the other side (default: half of that)."),
        optional(
            "type",
            Kind::Words(ChannelType::WORDS, ChannelType::MEANINGS),
            "How the commitment transactions are built (default: anchors).",
        ),
    ],
);

/// One channel.
pub(super) static CHANNEL: Shape = shape(
    "a channel",
    &[
        required("from", Kind::Name, "The opener, who funds it and pays the commitment's fee."),
        required("to", Kind::Name, "The other side."),
        required("capacity", SAT, "What the funding output holds."),
        optional("push", SAT, "What the opener gives the other side at the start (default: 0)."),
        optional(
            "type",
            Kind::Words(ChannelType::WORDS, ChannelType::MEANINGS),
            "How its commitment transactions are built (default: anchors).",
        ),
        optional("scid_alias", Kind::Flag, "Whether its type has `option_scid_alias`."),
        optional("zeroconf", Kind::Flag, "Whether its type has `option_zeroconf`."),
        optional(
            "announced",
            Kind::Flag,
            "Whether all are to know of it (default: yes with `gossip`, unless it has an alias).",
        ),
        optional(
            "to_self_delay",
            BLOCKS,
            "How long a publisher waits for its own output (default: 144 blocks).",
        ),
        optional(
            "feerate",
            Kind::Quantity(Quantity::Feerate),
            "The fee rate of its commitments (default: 1000 sat/kw).",
        ),
        optional(
            "minimum_depth",
            BLOCKS,
            "How deep the funding must be before the channel is ready (default: 3 blocks).",
        ),
    ],
);

/// The fate of a funding output that was spent.
pub(super) static SPENT: Shape = shape(
    "a spent funding output",
    &[
        required(
            "spent_by",
            Kind::Spender,
            "`closing`, or whose commitment, as in `alice.commitment`.",
        ),
        optional(
            "state",
            Kind::Words(FundingState::WORDS, FundingState::MEANINGS),
            "Whether that commitment was the latest (default: current).",
        ),
        optional("amount", SAT, "What the output held."),
    ],
);
/// The fate of an output that a role took.
pub(super) static TAKEN: Shape = shape(
    "a taken output",
    &[
        required("to", Kind::Name, "Who took it, or whose wallet it pays."),
        optional("path", PATH, "The way by which it was taken."),
        optional("amount", SAT, "What the output held."),
    ],
);

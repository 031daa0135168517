//! The language as tables: which keys each mapping has, and what their values are.
//!
//! The loader refuses keys that do not stand here and asks for those that are required; the JSON
//! Schema is written from the same tables. So the two cannot disagree on a name.

use super::{
    model::{ChannelType, RoleKind},
    outcome::FundingState,
    reference::Path,
    step::{ChannelState, Until},
    units::Quantity,
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
    /// One of some words, each with its meaning.
    Words(&'static [&'static str], &'static [&'static str]),
    /// A reference to an output.
    Output,
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
    Shape { of, fields, count: Count::Any }
}

const PATH: Kind = Kind::Words(Path::WORDS, Path::MEANINGS);
const SAT: Kind = Kind::Quantity(Quantity::OnChainAmount);
const MSAT: Kind = Kind::Quantity(Quantity::Amount);
const BLOCKS: Kind = Kind::Quantity(Quantity::Blocks);

/// The keys of a file. The values of `bolt`, `covers`, `cast`, `channels`, `steps` and `outcome`
/// are collections, which `decode` and `schema` know by name; their kind is not used.
pub(super) static SCENARIO: Shape = shape(
    "a scenario",
    &[
        required("title", Kind::Text, "What the scenario shows, in one sentence."),
        optional("about", Kind::Text, "A longer text for the reader."),
        optional(
            "bolt",
            Kind::Text,
            "The sections of the BOLTs that it plays, as in `3#to_local-output`.",
        ),
        optional("covers", Kind::Text, "The ids of the requirements that it exercises."),
        required("cast", Kind::Text, "The roles, by name."),
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

static OPEN: Shape = shape(
    "`open`",
    &[
        required("channel", Kind::Name, "The channel."),
        optional(
            "until",
            Kind::Words(Until::WORDS, Until::MEANINGS),
            "How far the opening goes (default: ready).",
        ),
    ],
);
static PAY: Shape = shape(
    "`pay`",
    &[
        required("from", Kind::Name, "The payer."),
        required("to", Kind::Name, "The payee."),
        required("amount", MSAT, "How much."),
        optional("channel", Kind::Name, "The channel, where several join the two."),
    ],
);
static CLOSE: Shape = shape(
    "`close`",
    &[
        required("channel", Kind::Name, "The channel."),
        required("by", Kind::Name, "The side that sends `shutdown` first."),
    ],
);
static FORCE_CLOSE: Shape = shape(
    "`force_close`",
    &[
        required("channel", Kind::Name, "The channel."),
        required("by", Kind::Name, "The side that publishes its latest commitment."),
    ],
);
static REMEMBER: Shape = shape(
    "`remember`",
    &[
        required("channel", Kind::Name, "The channel."),
        required("by", Kind::Name, "Whose state."),
        required("as", Kind::Name, "The name under which `publish` finds it."),
    ],
);
static PUBLISH: Shape = shape(
    "`publish`",
    &[
        required("by", Kind::Name, "The cheat."),
        required("commitment", Kind::Name, "The state that it remembered."),
    ],
);
static CLAIM: Shape = shape(
    "`claim`",
    &[
        required("by", Kind::Name, "The role that tries to spend."),
        required("output", Kind::Output, "The output."),
        required("path", PATH, "The way by which it tries."),
        optional("refused", Kind::Text, "The reason with which the mempool must refuse."),
    ],
);
static DOUBLE_SPEND: Shape = shape(
    "`double_spend`",
    &[
        required("by", Kind::Name, "The cheat."),
        required("transaction", Kind::Transaction, "Its own unconfirmed transaction."),
    ],
);
static REORG: Shape = shape(
    "`reorg`",
    &[
        required("depth", BLOCKS, "How many blocks are replaced."),
        optional(
            "without",
            Kind::Transactions,
            "What the new branch leaves in the mempool (default: everything).",
        ),
    ],
);
static EXPECT: Shape = Shape {
    of: "`expect`",
    fields: &[
        optional("transaction", Kind::Map(&PATTERN), "A transaction like this must be there."),
        optional("no_transaction", Kind::Map(&PATTERN), "No transaction like this may be there."),
        optional("state", Kind::Map(&STATE), "One side of a channel must be in this state."),
        optional("balance", Kind::Map(&BALANCE), "One side of a channel must own this much."),
        optional("within", BLOCKS, "How many blocks may be mined to get there (default: 0)."),
    ],
    count: Count::OneOf(&["transaction", "no_transaction", "state", "balance"]),
};

/// A pattern for transactions.
pub(super) static PATTERN: Shape = Shape {
    of: "a pattern",
    fields: &[
        optional("is", Kind::Transaction, "Which transaction it is."),
        optional("by", Kind::Name, "Who made it."),
        optional("spends", Kind::Output, "An output that it spends."),
        optional("path", PATH, "The path by which it spends it."),
        optional("confirmed", Kind::Flag, "Whether it is in a block."),
    ],
    count: Count::AtLeastOne,
};
/// An expectation of a channel's state.
pub(super) static STATE: Shape = shape(
    "`state`",
    &[
        required("channel", Kind::Name, "The channel."),
        required("of", Kind::Name, "The side that is asked."),
        required(
            "is",
            Kind::Words(ChannelState::WORDS, ChannelState::MEANINGS),
            "The state that it must see.",
        ),
    ],
);
/// An expectation of a balance in a channel.
pub(super) static BALANCE: Shape = shape(
    "`balance`",
    &[
        required("channel", Kind::Name, "The channel."),
        required("of", Kind::Name, "The side that is asked."),
        required("is", MSAT, "What it must own there."),
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

/// The verbs, in the order in which a channel lives.
pub(super) static VERBS: &[VerbRule] = &[
    VerbRule {
        word: "open",
        about: "Opens a channel: its messages, its funding mined to its depth, `channel_ready`.",
        short: Some(Kind::Name),
        long: Some(&OPEN),
    },
    long("pay", "Pays over one channel.", &PAY),
    long("close", "Closes a channel in mutual agreement.", &CLOSE),
    long("force_close", "Publishes the latest commitment.", &FORCE_CLOSE),
    long("remember", "Keeps the present state of a channel under a name.", &REMEMBER),
    long("publish", "A cheat publishes the commitment of a remembered state.", &PUBLISH),
    long("claim", "A role tries to spend an output now.", &CLAIM),
    long(
        "double_spend",
        "A cheat replaces its own unconfirmed transaction by a conflicting one.",
        &DOUBLE_SPEND,
    ),
    short("mine", "Mines blocks with what the mempool holds.", BLOCKS),
    VerbRule {
        word: "reorg",
        about: "Replaces the last blocks by a longer branch.",
        short: Some(BLOCKS),
        long: Some(&REORG),
    },
    short("offline", "A role sees neither blocks nor messages any more.", Kind::Name),
    short("online", "A role is back.", Kind::Name),
    long("expect", "Checks something, mining a while if need be.", &EXPECT),
];

const fn long(word: &'static str, about: &'static str, shape: &'static Shape) -> VerbRule {
    VerbRule { word, about, short: None, long: Some(shape) }
}

const fn short(word: &'static str, about: &'static str, kind: Kind) -> VerbRule {
    VerbRule { word, about, short: Some(kind), long: None }
}

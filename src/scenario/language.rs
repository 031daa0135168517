//! The language as tables: which keys each mapping has, and what their values are.
//!
//! The loader refuses keys that do not stand here and asks for those that are required; the JSON
//! Schema is written from the same tables. So the two cannot disagree on a name.

use super::{
    model::{ChannelType, Links, RoleKind},
    outcome::FundingState,
    payment::{FailureName, How, PaidUntil, PaymentState, TamperedField, Unsent},
    reference::Path,
    step::{ChannelState, ClosedUntil, FundedWith, Until},
    units::Quantity,
    wire::{Act, ActFault, ConnectedUntil, FrameFault, UNKNOWN},
};
use crate::bolt::wire::Message;

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
        optional(
            "links",
            Kind::Words(Links::WORDS, Links::MEANINGS),
            "What connects the roles (default: memory).",
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
static INVOICE: Shape = shape(
    "`invoice`",
    &[
        required("by", Kind::Name, "Who asks."),
        optional("amount", MSAT, "For how much (default: whatever the payer gives)."),
        required("as", Kind::Name, "The name under which `pay` finds it."),
        optional("description", Kind::Text, "What it is for."),
        optional("metadata", Kind::Text, "What the payer is asked to send along."),
        optional(
            "expiry",
            Kind::Quantity(Quantity::Time),
            "For how long it is valid (default: 3600 s).",
        ),
        optional("hold", Kind::Flag, "Whether the payment is held until `settle` or `cancel`."),
    ],
);
static OFFER: Shape = shape(
    "`offer`",
    &[
        required("by", Kind::Name, "Who offers."),
        optional("amount", MSAT, "What it costs (default: whatever the payer gives)."),
        required("as", Kind::Name, "The name under which `pay` finds it."),
        optional("description", Kind::Text, "What it is for."),
        optional(
            "via",
            NAMES,
            "The channels of the blinded path to who offers (default: the offer names its maker).",
        ),
        optional("dummy_hops", Kind::Number, "How many hops are made up behind the last one."),
        optional(
            "expiry",
            Kind::Quantity(Quantity::Time),
            "For how long it is valid (default: for ever).",
        ),
    ],
);
static PAY: Shape = shape(
    "`pay`",
    &[
        required("from", Kind::Name, "The payer."),
        optional("to", Kind::Name, "The payee; the maker of the invoice where one is named."),
        optional("amount", MSAT, "How much; what the invoice says where one is named."),
        optional("invoice", Kind::Name, "The invoice; without one, the payee makes it first."),
        optional("offer", Kind::Name, "The offer; the way is that to where it begins."),
        optional(
            "suspects",
            Kind::Name,
            "Whom a cheat takes for the offer's maker: it asks that node, not along the offer's path.",
        ),
        optional("misread", Kind::Map(&MISREAD), "Where the payer misreads the invoice."),
        optional(
            "how",
            Kind::Words(How::WORDS, How::MEANINGS),
            "How the payer comes by the hash (default: invoice).",
        ),
        optional("channel", Kind::Name, "The channel, where one is enough."),
        optional("via", NAMES, "The channels on the way (default: the only shortest way)."),
        optional("parts", Kind::List(&Kind::Map(&PART)), "The parts, where one is not enough."),
        optional(
            "until",
            Kind::Words(PaidUntil::WORDS, PaidUntil::MEANINGS),
            "How far it goes (default: paid).",
        ),
        optional("fails", Kind::Map(&FAILS), "How it must fail, as the payer learns it."),
        optional(
            "believes",
            Kind::ByRole(&RELAY),
            "Where the payer is wrong about what others ask for forwarding.",
        ),
        optional("onion", Kind::ByRole(&LAYER), "What a cheat writes into the onion's layers."),
    ],
);
/// How an invoice is misread.
pub(super) static MISREAD: Shape = shape(
    "a misread invoice",
    &[required("character", Kind::Number, "The character, from 0, of which one bit is another.")],
);
/// One part of a payment.
pub(super) static PART: Shape = shape(
    "a part of a payment",
    &[
        required("amount", MSAT, "What it brings."),
        optional("via", NAMES, "The channels on the way (default: the only shortest way)."),
    ],
);
/// How a payment fails.
pub(super) static FAILS: Shape = Shape {
    of: "a failure",
    fields: &[
        optional("with", FAILURE, "What a node says."),
        optional("by", Kind::Name, "The node that says it."),
        optional("no_invoice", Kind::Flag, "The maker of the offer says why it gives no invoice."),
        optional("no_answer", Kind::Flag, "Nobody answers."),
        optional(
            "corrupted",
            Kind::Flag,
            "What comes back cannot be read, and it cannot be told who changed it.",
        ),
        optional(
            "corrupted_between",
            NAMES,
            "What comes back cannot be read: one of these two changed it.",
        ),
        optional(
            "never_sent",
            Kind::Words(Unsent::WORDS, Unsent::MEANINGS),
            "The payer itself does not want to pay, and nothing is sent.",
        ),
    ],
    count: Count::OneOf(&[
        "with",
        "no_invoice",
        "no_answer",
        "corrupted",
        "corrupted_between",
        "never_sent",
    ]),
    messages: false,
};
/// What a payer believes of what somebody asks for forwarding.
pub(super) static RELAY: Shape = Shape {
    of: "what a role is believed to ask for",
    fields: &[FEE_BASE, FEE_PROPORTIONAL, CLTV_EXPIRY_DELTA, HTLC_MINIMUM],
    count: Count::AtLeastOne,
    messages: false,
};
/// What a cheat writes into one layer of an onion.
pub(super) static LAYER: Shape = Shape {
    of: "a layer of an onion",
    fields: &[
        optional("amt_to_forward", MSAT, "Another `amt_to_forward`."),
        optional("outgoing_cltv_value", BLOCKS, "Another `outgoing_cltv_value`, as a height."),
        optional("short_channel_id", Kind::Text, "Another `short_channel_id`, as in `1x2x3`."),
        optional("total_msat", MSAT, "Another `total_msat` beside the `payment_secret`."),
        optional("omit", Kind::List(&Kind::Number), "The types of records that are left out."),
        optional(
            "records",
            Kind::Records,
            "Records that are put in, or in the place of those that are there: type and value.",
        ),
        optional("length", Kind::Number, "Another length before the payload than it has."),
    ],
    count: Count::AtLeastOne,
    messages: false,
};
static REFUSE: Shape = shape(
    "`refuse`",
    &[required("by", Kind::Name, "The role."), required("with", FAILURE, "What it says.")],
);
static TAMPER: Shape = shape(
    "`tamper`",
    &[
        required("by", Kind::Name, "The cheat."),
        required(
            "field",
            Kind::Words(TamperedField::WORDS, TamperedField::MEANINGS),
            "The field of its next such message.",
        ),
        required("byte", Kind::Number, "Which of the field's bytes, from 0."),
    ],
);
static REPLAY: Shape = shape(
    "`replay`",
    &[
        required("by", Kind::Name, "The cheat."),
        required("channel", Kind::Name, "The channel over which it offers the onion again."),
    ],
);
static CLOSE: Shape = shape(
    "`close`",
    &[
        required("channel", Kind::Name, "The channel."),
        required("by", Kind::Name, "The side that sends `shutdown` first."),
        optional(
            "until",
            Kind::Words(ClosedUntil::WORDS, ClosedUntil::MEANINGS),
            "How far the close goes (default: broadcast).",
        ),
    ],
);
static BUMP_CLOSE: Shape = shape(
    "`bump_close`",
    &[
        required("channel", Kind::Name, "The channel."),
        required("by", Kind::Name, "The side that offers another closing transaction."),
        required("feerate", Kind::Quantity(Quantity::Feerate), "The fee rate that it pays."),
    ],
);
static UPDATE_FEE: Shape = shape(
    "`update_fee`",
    &[
        required("channel", Kind::Name, "The channel."),
        required("by", Kind::Name, "Its opener, who pays the fee."),
        required("feerate", Kind::Quantity(Quantity::Feerate), "The new fee rate."),
    ],
);
static FUND: Shape = shape(
    "`fund`",
    &[
        required("channel", Kind::Name, "The channel, whose opener is a probe."),
        required("with", Kind::Words(FundedWith::WORDS, FundedWith::MEANINGS), "With what."),
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
        optional("from", Kind::Name, "Who sends the message that is expected, or is not."),
        optional("to", Kind::Name, "The probe that it comes to (default: the only one)."),
        optional("message", Kind::MessageNames, "A message of one of these names must be next."),
        optional("no_message", Kind::MessageNames, "None of these may have come; or `any`."),
        optional("transaction", Kind::Map(&PATTERN), "A transaction like this must be there."),
        optional("no_transaction", Kind::Map(&PATTERN), "No transaction like this may be there."),
        optional("state", Kind::Map(&STATE), "One side of a channel must be in this state."),
        optional("balance", Kind::Map(&BALANCE), "One side of a channel must own this much."),
        optional("payment", Kind::Map(&PAYMENT), "A payment must stand like this."),
        optional("within", BLOCKS, "How many blocks may be mined to get there (default: 0)."),
    ],
    count: Count::OneOf(&[
        "transaction",
        "no_transaction",
        "state",
        "balance",
        "payment",
        "message",
        "no_message",
    ]),
    messages: true,
};

static CONNECT: Shape = shape(
    "`connect`",
    &[
        required("from", Kind::Name, "Who connects."),
        required("to", Kind::Name, "To whom."),
        optional(
            "until",
            Kind::Words(ConnectedUntil::WORDS, ConnectedUntil::MEANINGS),
            "How far it goes (default: ready).",
        ),
        optional(Act::One.as_str(), ACT_FAULT, "How the probe that connects breaks act one."),
        optional(
            Act::Two.as_str(),
            ACT_FAULT,
            "How the probe that is connected to breaks act two.",
        ),
        optional(Act::Three.as_str(), ACT_FAULT, "How the probe that connects breaks act three."),
    ],
);
static DISCONNECT: Shape = shape(
    "`disconnect`",
    &[required("from", Kind::Name, "One of the two."), required("to", Kind::Name, "The other.")],
);
static SEND: Shape = Shape {
    of: "`send`",
    fields: &[
        required("from", Kind::Name, "The probe."),
        optional("to", Kind::Name, "To whom (default: the only one that it is connected to)."),
        optional("channel", Kind::Name, "The channel (default: the only one of the two)."),
        optional("raw", Kind::Hex, "Bytes in hex, whatever they are: a type, and what follows."),
        optional(
            "frame",
            Kind::Words(FrameFault::WORDS, FrameFault::MEANINGS),
            "How its frame breaks BOLT 8 (needs `links: tcp`).",
        ),
    ],
    count: Count::OneOf(&["raw"]),
    messages: true,
};
/// A message of a type that the table does not have.
pub(super) static UNKNOWN_MESSAGE: Shape = shape(
    "an unknown message",
    &[
        required("message_type", Kind::Number, "Its type."),
        optional("payload", Kind::Hex, "What follows the type, in hex (default: nothing)."),
        optional("zeros", Kind::Number, "How many bytes of zeros follow (default: none)."),
    ],
);

/// Whether this is the name of a message.
pub(super) fn is_message(name: &str) -> bool {
    name == UNKNOWN || Message::RULES.iter().any(|rule| rule.name == name)
}

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
    messages: false,
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

/// An expectation of a payment.
pub(super) static PAYMENT: Shape = Shape {
    of: "`payment`",
    fields: &[
        required("of", Kind::Name, "The payer, who is asked."),
        required("invoice", Kind::Name, "The invoice."),
        optional(
            "is",
            Kind::Words(PaymentState::WORDS, PaymentState::MEANINGS),
            "How it must stand.",
        ),
        optional("fails", Kind::Map(&FAILS), "How it must have failed, as the payer learnt it."),
    ],
    count: Count::OneOf(&["is", "fails"]),
    messages: false,
};

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
    long("invoice", "Asks to be paid.", &INVOICE),
    long("offer", "Offers to be paid, as often as somebody wants.", &OFFER),
    short("withdraw", "Gives no more invoices for an offer.", Kind::Name),
    long("pay", "Pays over one channel, or over several.", &PAY),
    short("settle", "Takes a payment that is held for an invoice.", Kind::Name),
    short("cancel", "Gives back what is held for an invoice, and takes no more.", Kind::Name),
    long("refuse", "A role gives back every payment, until `accept`.", &REFUSE),
    short("accept", "A role that refused does so no longer.", Kind::Name),
    long("tamper", "A cheat flips a bit in its next message that has this field.", &TAMPER),
    long("replay", "A cheat offers an HTLC with the onion that it offered last.", &REPLAY),
    short("wait", "Lets time pass.", Kind::Quantity(Quantity::Time)),
    long("close", "Closes a channel in mutual agreement.", &CLOSE),
    long("bump_close", "Replaces one's closing transaction (`option_simple_close`).", &BUMP_CLOSE),
    long("update_fee", "Changes the fee rate of the commitments.", &UPDATE_FEE),
    long("fund", "Has a probe fund a channel otherwise than was agreed on.", &FUND),
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
    long("connect", "Connects two roles.", &CONNECT),
    VerbRule {
        word: "disconnect",
        about: "Ends a connection; what is on its way is lost.",
        short: Some(Kind::Name),
        long: Some(&DISCONNECT),
    },
    long(
        "send",
        "A probe sends a message: as the reference would, but for the fields that are named.",
        &SEND,
    ),
    short("hold", "What a role sends waits for a `release`.", Kind::Name),
    short("release", "What a role was to send goes out.", Kind::Name),
    VerbRule {
        word: "try",
        about: "Branches: each is a run of its own, with the steps that follow.",
        short: Some(Kind::Branches),
        long: None,
    },
    long("expect", "Checks something, mining a while if need be.", &EXPECT),
];

const fn long(word: &'static str, about: &'static str, shape: &'static Shape) -> VerbRule {
    VerbRule { word, about, short: None, long: Some(shape) }
}

const fn short(word: &'static str, about: &'static str, kind: Kind) -> VerbRule {
    VerbRule { word, about, short: Some(kind), long: None }
}

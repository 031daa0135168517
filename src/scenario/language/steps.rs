//! What each step is made of.

use super::{
    ACT_FAULT, BLOCKS, CLTV_EXPIRY_DELTA, Count, FAILURE, FEE_BASE, FEE_PROPORTIONAL, Field,
    HTLC_MINIMUM, Kind, MSAT, NAMES, PATH, Shape, VerbRule, optional, required, shape,
};
use crate::bolt::wire::Message;
use crate::scenario::{
    payment::{How, PaidUntil, PaymentState, RouteBy, TamperedField, Unsent},
    step::{ChannelState, ClosedUntil, FundedWith, Until, Via},
    units::Quantity,
    wire::{Act, ConnectedUntil, FrameFault, UNKNOWN},
};

/// To whom a role gives a transaction.
const VIA: Field = optional(
    "via",
    Kind::Words(Via::WORDS, Via::MEANINGS),
    "How it comes to the chain (default: mempool).",
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
            "route",
            Kind::Words(RouteBy::WORDS, RouteBy::MEANINGS),
            "How the payer seeks the way (default with `gossip`, if none is given: bfg).",
        ),
        optional(
            "max_hops",
            Kind::Number,
            "The most channels of a way that is sought (default: 20).",
        ),
        optional("max_fee", MSAT, "The most fees of a way that is sought (default: any)."),
        optional("takes", NAMES, "The way that the payer must find."),
        optional(
            "or_opens",
            Kind::Name,
            "The channel that it opens and pays over if it finds none.",
        ),
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
pub(in super::super) static MISREAD: Shape = shape(
    "a misread invoice",
    &[required("character", Kind::Number, "The character, from 0, of which one bit is another.")],
);
/// One part of a payment.
pub(in super::super) static PART: Shape = shape(
    "a part of a payment",
    &[
        required("amount", MSAT, "What it brings."),
        optional("via", NAMES, "The channels on the way (default: the only shortest way)."),
    ],
);
/// How a payment fails.
pub(in super::super) static FAILS: Shape = Shape {
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
pub(in super::super) static RELAY: Shape = Shape {
    of: "what a role is believed to ask for",
    fields: &[FEE_BASE, FEE_PROPORTIONAL, CLTV_EXPIRY_DELTA, HTLC_MINIMUM],
    count: Count::AtLeastOne,
    messages: false,
};
/// What a cheat writes into one layer of an onion.
pub(in super::super) static LAYER: Shape = Shape {
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
        VIA,
        optional("refused", Kind::Text, "The reason with which the mempool must refuse it."),
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
static LOSE_DATA: Shape = shape(
    "`lose_data`",
    &[
        required("by", Kind::Name, "The role."),
        required("back_to", Kind::Name, "The state that it remembered, and goes on from."),
    ],
);
static PUBLISH: Shape = shape(
    "`publish`",
    &[
        required("by", Kind::Name, "The cheat."),
        required("commitment", Kind::Name, "The state that it remembered."),
        VIA,
    ],
);
static CLAIM: Shape = shape(
    "`claim`",
    &[
        required("by", Kind::Name, "The role that tries to spend."),
        required("output", Kind::Outputs, "The output, or several to claim at once."),
        required("path", PATH, "The way by which it tries."),
        optional("feerate", Kind::Quantity(Quantity::Feerate), "The fee rate that it pays."),
        optional("coin", Kind::Flag, "Whether it adds a coin of its wallet."),
        optional("padding", Kind::Number, "How many outputs make it larger."),
        VIA,
        optional("refused", Kind::Text, "The reason with which the mempool must refuse."),
    ],
);
static DOUBLE_SPEND: Shape = shape(
    "`double_spend`",
    &[
        required("by", Kind::Name, "The cheat."),
        required("transaction", Kind::Transaction, "Its own unconfirmed transaction."),
        optional("feerate", Kind::Quantity(Quantity::Feerate), "The fee rate of the other one."),
        VIA,
    ],
);
static MINE: Shape = shape(
    "`mine`",
    &[
        required("blocks", BLOCKS, "How many blocks are mined."),
        optional(
            "without",
            Kind::Transactions,
            "What they have no room for, as if others paid more (default: nothing).",
        ),
        optional("apart", Kind::Flag, "Whether those see them whom a `partition` cut off."),
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
static OFFLINE: Shape = shape(
    "`offline`",
    &[
        required("role", Kind::Name, "The role."),
        required("for", BLOCKS, "How much higher the chain is when it is back by itself."),
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
        optional("apart", Kind::Flag, "Whether it is about those whom a `partition` cut off."),
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
        optional(
            "of",
            Kind::NameOrNames,
            "Whose gossip it is (default: that of the channel's opener).",
        ),
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
pub(in super::super) static UNKNOWN_MESSAGE: Shape = shape(
    "an unknown message",
    &[
        required("message_type", Kind::Number, "Its type."),
        optional("payload", Kind::Hex, "What follows the type, in hex (default: nothing)."),
        optional("zeros", Kind::Number, "How many bytes of zeros follow (default: none)."),
    ],
);

/// Whether this is the name of a message.
pub(in super::super) fn is_message(name: &str) -> bool {
    name == UNKNOWN || Message::RULES.iter().any(|rule| rule.name == name)
}

/// A pattern for transactions.
pub(in super::super) static PATTERN: Shape = Shape {
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
pub(in super::super) static STATE: Shape = shape(
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
pub(in super::super) static BALANCE: Shape = shape(
    "`balance`",
    &[
        required("channel", Kind::Name, "The channel."),
        required("of", Kind::Name, "The side that is asked."),
        required("is", MSAT, "What it must own there."),
    ],
);

/// An expectation of a payment.
pub(in super::super) static PAYMENT: Shape = Shape {
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

/// The verbs, in the order in which a channel lives.
pub(in super::super) static VERBS: &[VerbRule] = &[
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
    long("lose_data", "A role goes on from an old backup of a channel.", &LOSE_DATA),
    long("publish", "A cheat publishes the commitment of a remembered state.", &PUBLISH),
    long("claim", "A role tries to spend an output now.", &CLAIM),
    long(
        "double_spend",
        "A cheat replaces its own unconfirmed transaction by a conflicting one.",
        &DOUBLE_SPEND,
    ),
    VerbRule {
        word: "mine",
        about: "Mines blocks with what the mempool holds.",
        short: Some(BLOCKS),
        long: Some(&MINE),
    },
    VerbRule {
        word: "reorg",
        about: "Replaces the last blocks by a longer branch.",
        short: Some(BLOCKS),
        long: Some(&REORG),
    },
    short(
        "spike_fees",
        "Others pay this much: blocks are full, and the mempool takes nothing that pays less.",
        Kind::Quantity(Quantity::Feerate),
    ),
    short(
        "calm_fees",
        "Others pay no more than this: with the next block, everything is taken again.",
        Kind::Quantity(Quantity::Feerate),
    ),
    VerbRule {
        word: "offline",
        about: "A role sees neither blocks nor messages any more.",
        short: Some(Kind::Name),
        long: Some(&OFFLINE),
    },
    short("online", "A role is back.", Kind::Name),
    short(
        "withhold_blocks",
        "A role sees no new blocks any more, though it is online: an eclipse.",
        Kind::Name,
    ),
    short("release_blocks", "A role sees the blocks that were withheld.", Kind::Name),
    short(
        "partition",
        "Cuts off the bitcoind of these roles from that of the others: two mempools, two chains.",
        NAMES,
    ),
    short("heal", "The two bitcoinds exchange blocks and mempools: the longer chain wins.", NAMES),
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

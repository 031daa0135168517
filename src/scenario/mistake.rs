//! Everything that can be wrong with a scenario file, one variant a mistake.

mod help;
mod network;

pub use network::NetworkMistake;

use bitcoin::Amount;

use super::{
    instances::ForMistake,
    model::{Blocks, RoleKind},
    reference::{InvalidReference, OutputRef, Path},
    units::{self, Quantity},
};
use crate::bolt::units::Msat;

/// What is wrong. The display is one line, without a full stop; [`Mistake::help`] says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    // The file.
    /// The file cannot be read.
    #[error("the file cannot be read: {reason}")]
    Unreadable {
        /// What the operating system says.
        reason: String,
    },
    /// The file is larger than any scenario.
    #[error("the file has {size} bytes; a scenario has at most {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file holds bytes that are no text.
    #[error("the file is not UTF-8 text from here on")]
    NotUtf8,

    // YAML.
    /// Only a probe sends what the file says, and only to a probe can a message be expected.
    #[error("{role} is no probe")]
    NotAProbe {
        /// The role.
        role: String,
    },
    /// A frame or an act that is to be broken where there is none.
    #[error("`{key}` breaks BOLT 8, and in memory there is none; say `links: tcp` at the top")]
    NeedsTcp {
        /// The key that says so.
        key: &'static str,
    },
    /// Bytes of another length than the field has.
    #[error("{bytes} bytes where the field has {length}")]
    WrongLength {
        /// How many there are.
        bytes: usize,
        /// How many there must be.
        length: usize,
    },

    /// The file is no YAML.
    #[error("this is not valid YAML: {reason}")]
    Syntax {
        /// Why not.
        reason: String,
    },
    /// The file says nothing.
    #[error("the file is empty; a scenario has a title, a cast, channels, steps and an outcome")]
    Empty,
    /// There is a second document, after `---`.
    #[error("a file holds one scenario, and here a second document starts")]
    SeveralDocuments,
    /// Collections nest too deep.
    #[error("more than {limit} levels of nesting; no scenario is that deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// There are more values than any scenario has.
    #[error("more than {limit} values; no scenario is that long")]
    TooManyValues {
        /// The limit.
        limit: usize,
    },
    /// Anchors and aliases repeat values without end.
    #[error("the aliases (`*name`) repeat too much")]
    AliasBomb,
    /// An alias stands within its own anchor.
    #[error("this alias stands within the value that it repeats")]
    AliasOfItself,
    /// An alias without an anchor.
    #[error("this alias (`*name`) has no anchor (`&name`) before it")]
    UnknownAnchor,
    /// A merge key, `<<`.
    #[error("merge keys (`<<`) are no part of the language; values stay values")]
    MergeKey,
    /// A key stands twice in one mapping.
    #[error("the key `{key}` stands here twice")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The line of the first one.
        first: u32,
    },

    // Shapes.
    /// A value has not the shape that is wanted.
    #[error("expected {wanted}, found {found}")]
    WrongShape {
        /// What is wanted.
        wanted: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A mapping has a key that is not known.
    #[error("unknown key `{key}` in {of}")]
    UnknownKey {
        /// The key.
        key: String,
        /// What the mapping describes.
        of: &'static str,
        /// The keys that are known.
        known: Vec<&'static str>,
    },
    /// A mapping lacks a key.
    #[error("{of} lacks `{key}`")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// What the mapping describes.
        of: &'static str,
    },
    /// A word is none of those that are possible here.
    #[error("`{word}` is no {of}")]
    UnknownWord {
        /// The word.
        word: String,
        /// What the words stand for.
        of: &'static str,
        /// The words that are known.
        known: &'static [&'static str],
    },
    /// A step has a verb that is not known.
    #[error("unknown verb `{verb}`")]
    UnknownVerb {
        /// The verb.
        verb: String,
        /// The verbs that are known.
        known: Vec<&'static str>,
    },
    /// A step without a verb.
    #[error("a step is one verb and, if wanted, a `say`; here is no verb")]
    NoVerb,
    /// A step with more than one verb.
    #[error("a step has one verb, and `{second}` comes after `{first}`")]
    SecondVerb {
        /// The first verb.
        first: String,
        /// The second verb.
        second: String,
    },
    /// A mapping that has none of the keys of which it needs one.
    #[error("{of} needs one of {}", .known.join(", "))]
    NoneOf {
        /// What the mapping describes.
        of: &'static str,
        /// The keys.
        known: Vec<&'static str>,
    },
    /// A mapping that has two keys of which it may have one.
    #[error("{of} has either `{first}` or `{second}`")]
    TwoOf {
        /// What the mapping describes.
        of: &'static str,
        /// The first key.
        first: String,
        /// The second key.
        second: String,
    },
    /// A list or a mapping that says nothing.
    #[error("{what}")]
    Nothing {
        /// What is missing.
        what: &'static str,
    },

    // Values.
    /// A quantity without its unit.
    #[error("{} needs its unit, as in {}", .of.about(), .of.example())]
    BareNumber {
        /// The number.
        number: String,
        /// What is wanted.
        of: Quantity,
    },
    /// A quantity with a unit that is not known here.
    #[error("`{unit}` is no unit of {}", .of.about())]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// What is wanted.
        of: Quantity,
    },
    /// A quantity that is no number.
    #[error("`{text}` is not {}", .of.about())]
    NoQuantity {
        /// The text.
        text: String,
        /// What is wanted.
        of: Quantity,
    },
    /// A number finer than its unit allows.
    #[error("`{text}` is finer than the smallest unit, {smallest}")]
    TooFine {
        /// The text.
        text: String,
        /// The smallest unit.
        smallest: &'static str,
    },
    /// A number that no amount or delay can have.
    #[error("`{text}` is more than {} can be", .of.about())]
    TooMuch {
        /// The text.
        text: String,
        /// What is wanted.
        of: Quantity,
    },
    /// A text that cannot be a name.
    #[error("`{name}` cannot be the name of {of}")]
    BadName {
        /// The text.
        name: String,
        /// What it should name.
        of: &'static str,
    },
    /// A text that is no reference.
    #[error("{0}")]
    BadReference(InvalidReference),
    /// A text that names no section of a BOLT.
    #[error("`{text}` names no section of a BOLT")]
    BadSection {
        /// The text.
        text: String,
    },

    // Names.
    /// A name that is not declared.
    #[error("unknown {of} `{name}`")]
    UnknownName {
        /// The name.
        name: String,
        /// What it should name.
        of: &'static str,
        /// The names that are declared.
        known: Vec<String>,
    },
    /// A state is remembered under a name that is taken.
    #[error("a state is already remembered as `{name}`, in line {first}")]
    StateTwice {
        /// The name.
        name: String,
        /// The line of the first one.
        first: u32,
    },

    // Channels.
    /// The language has it, the lab not yet.
    #[error("not supported yet: {what}")]
    NotSupported {
        /// What.
        what: &'static str,
    },
    /// More funds than the lab can mine before a scenario begins.
    #[error(
        "the cast has {} together, and the lab can give it {}",
        units::read(*.funds), units::read(*.limit)
    )]
    FundsOverLimit {
        /// What the cast has, up to this role.
        funds: Amount,
        /// What the lab has to give.
        limit: Amount,
    },
    /// A channel from a role to itself.
    #[error("a channel joins two roles, and both ends of `{channel}` are `{role}`")]
    OneRoleChannel {
        /// The channel.
        channel: String,
        /// The role.
        role: String,
    },
    /// More than all coins there will ever be.
    #[error("{} is more than all the bitcoin there will ever be (21 million)", units::read(*.amount))]
    MoreThanAllCoins {
        /// The amount.
        amount: Amount,
    },
    /// The capacity cannot carry the opener's first commitment.
    #[error(
        "the capacity of {} leaves its opener {} after the push, and the first commitment costs {}",
        units::read(*.capacity), units::read(*.left), units::read(*.cost)
    )]
    TooSmallCapacity {
        /// The capacity.
        capacity: Amount,
        /// What the opener has left.
        left: Amount,
        /// The fee of the first commitment, with its anchors and a dust limit.
        cost: Amount,
    },
    /// A push of more than the capacity.
    #[error("the push of {} is more than the capacity, {}", units::read(*.push), units::read(*.capacity))]
    PushOverCapacity {
        /// The push.
        push: Amount,
        /// The capacity.
        capacity: Amount,
    },
    /// The opener cannot pay for the channel.
    #[error(
        "`{role}` has {} and cannot fund {} and the funding transaction's fee",
        units::read(*.funds), units::read(*.capacity)
    )]
    NotCovered {
        /// The opener.
        role: String,
        /// What it has.
        funds: Amount,
        /// The capacity.
        capacity: Amount,
    },
    /// A delay that BOLT 2 does not allow or that does nothing.
    #[error("`to_self_delay` is between 1 and {limit} blocks, not {delay}")]
    DelayOutOfRange {
        /// The delay.
        delay: u32,
        /// The greatest that is allowed.
        limit: u16,
    },
    /// A funding that is never deep enough, or that needs no block.
    #[error("`minimum_depth` is between 1 and {limit} blocks, not {depth}")]
    DepthOutOfRange {
        /// The depth.
        depth: u32,
        /// The greatest that is allowed.
        limit: u32,
    },
    /// A dust limit below the one that BOLT 2 allows.
    #[error("a dust limit of {} is below {}, the least that BOLT 2 allows", units::read(*.limit), units::read(*.minimum))]
    DustLimitTooLow {
        /// The dust limit.
        limit: Amount,
        /// The least that is allowed.
        minimum: Amount,
    },
    /// A reserve that could be dust.
    #[error("a reserve of {} is below the role's dust limit of {}", units::read(*.reserve), units::read(*.limit))]
    ReserveBelowDust {
        /// The reserve.
        reserve: Amount,
        /// The dust limit.
        limit: Amount,
    },
    /// More HTLCs than BOLT 2 allows.
    #[error("`max_accepted_htlcs` is at most {limit}, not {count}")]
    TooManyHtlcsAccepted {
        /// How many.
        count: u16,
        /// The most that are allowed.
        limit: u16,
    },

    // Steps.
    /// A channel is opened twice.
    #[error("`{channel}` is opened twice")]
    OpenedTwice {
        /// The channel.
        channel: String,
        /// The line of the first `open`.
        first: u32,
    },
    /// A channel is used before it is open.
    #[error("`{channel}` is not open at this step")]
    NotOpenYet {
        /// The channel.
        channel: String,
    },
    /// A role acts on a channel that is not its own.
    #[error("`{role}` has no part in `{channel}`")]
    NotItsChannel {
        /// The role.
        role: String,
        /// The channel.
        channel: String,
        /// The two that have.
        sides: [String; 2],
    },
    /// A payment of a role to itself.
    #[error("`{role}` cannot pay itself")]
    PaysItself {
        /// The role.
        role: String,
    },
    /// A payment between two roles that no channels join.
    #[error("no channels lead from `{from}` to `{to}`")]
    NoWay {
        /// The payer.
        from: String,
        /// The payee.
        to: String,
    },
    /// A payment between two roles that are joined in several ways.
    #[error("several ways lead from `{from}` to `{to}`: {}", .ways.join("; "))]
    SeveralWays {
        /// The payer.
        from: String,
        /// The payee.
        to: String,
        /// The ways, each with its channels.
        ways: Vec<String>,
    },
    /// A way whose next channel begins elsewhere.
    #[error("the way is at `{role}` here, who is no side of `{channel}`")]
    WayBreaksOff {
        /// Where the way is.
        role: String,
        /// The next channel.
        channel: String,
    },
    /// A way that does not lead to the payee.
    #[error("the way ends at `{at}`, not at `{to}`")]
    WayEndsElsewhere {
        /// Where it ends.
        at: String,
        /// The payee.
        to: String,
    },
    /// Two invoices of one name.
    #[error("`{name}` names the invoice of line {first} already")]
    InvoiceTwice {
        /// The name.
        name: String,
        /// The line of the first.
        first: u32,
    },
    /// Two offers of one name.
    #[error("`{name}` names the offer of line {first} already")]
    OfferTwice {
        /// The name.
        name: String,
        /// The line of the first.
        first: u32,
    },
    /// An offer whose blinded path the payer would have to enter at itself.
    #[error("the blinded path of the offer begins at `{role}`, who pays")]
    BeginsAtThePayer {
        /// The payer.
        role: String,
    },
    /// Layers whose readers the payer does not know.
    #[error("who pays `{offer}` does not know who reads which layer of its onion")]
    LayersOfAnOffer {
        /// The offer.
        offer: String,
    },
    /// A payee who did not make the invoice.
    #[error("invoice `{name}` is `{maker}`'s")]
    InvoiceOfAnother {
        /// The invoice.
        name: String,
        /// Who made it.
        maker: String,
    },
    /// A misread invoice where there is none.
    #[error("a payment by keysend has no invoice that could be misread")]
    NothingToMisread,
    /// A byte beyond a field's end.
    #[error("{field} has {length} bytes, from 0 on: there is no byte {byte}")]
    NoSuchByte {
        /// The field.
        field: &'static str,
        /// The byte.
        byte: u32,
        /// How many there are.
        length: u32,
    },
    /// Parts that do not have what is to be paid in all.
    #[error("the parts bring {}, not {}", units::grouped(*.given), units::grouped(*.amount))]
    PartsDiffer {
        /// What the parts bring.
        given: Msat,
        /// What is to be paid.
        amount: Msat,
    },
    /// A payment of nothing.
    #[error("a payment of nothing pays nobody")]
    PaysNothing,
    /// A payment of more than the channel holds.
    #[error("{} is more than the capacity of `{channel}`, {}", units::grouped(*.amount), units::read(*.capacity))]
    PaysTooMuch {
        /// The payment.
        amount: Msat,
        /// The channel.
        channel: String,
        /// Its capacity.
        capacity: Amount,
    },
    /// Only a cheat does that.
    #[error("`{role}` is {kind}, and only a cheat may {verb}")]
    OnlyACheat {
        /// The role.
        role: String,
        /// What it is.
        kind: RoleKind,
        /// What it wants to do.
        verb: &'static str,
    },
    /// A state is published that another role remembered.
    #[error("`{state}` is a state of `{owner}`, not of `{role}`")]
    StateOfAnother {
        /// The state.
        state: String,
        /// Who remembered it.
        owner: String,
        /// Who publishes it.
        role: String,
    },
    /// No block, or too many.
    #[error("`{verb}` takes between 1 and {limit} blocks, not {blocks}")]
    BlocksOutOfRange {
        /// The verb.
        verb: &'static str,
        /// The number.
        blocks: u32,
        /// The greatest that is allowed.
        limit: u32,
    },
    /// A role goes offline that is.
    #[error("`{role}` is offline already")]
    AlreadyOffline {
        /// The role.
        role: String,
        /// The line of the `offline` that holds.
        since: u32,
    },
    /// A role comes online that is.
    #[error("`{role}` is online already")]
    AlreadyOnline {
        /// The role.
        role: String,
    },
    /// A wait that is too long.
    #[error("`within` is at most {limit}, not {blocks}")]
    WithinTooLong {
        /// The number.
        blocks: Blocks,
        /// The greatest that is allowed.
        limit: Blocks,
    },
    /// `within` where nothing changes with blocks.
    #[error("a balance does not change with blocks; `within` has no meaning here")]
    WithinForBalance,
    /// An output cannot be taken by that path.
    #[error("`{output}` cannot be taken by `{path}`")]
    ImpossiblePath {
        /// The output.
        output: OutputRef,
        /// The path.
        path: Path,
    },

    /// `for` or one of its variables.
    #[error(transparent)]
    For(#[from] ForMistake),
    /// `network`.
    #[error(transparent)]
    Network(#[from] NetworkMistake),

    // Outcomes.
    /// No outcome.
    #[error("the scenario has no `outcome`; what it does not assert about the chain is not tested")]
    MissingOutcome,
    /// A fate that this output cannot have.
    #[error("`{output}` cannot be {fate}")]
    ImpossibleFate {
        /// The output.
        output: OutputRef,
        /// The fate.
        fate: &'static str,
        /// What it can be.
        possible: &'static str,
    },
    /// A text that names no transaction that spends a funding output.
    #[error("`{text}` does not spend a funding output")]
    BadSpender {
        /// The text.
        text: String,
    },
    /// A mutual close has no state.
    #[error("`state` goes with a commitment, not with a mutual close")]
    StateOfClosing,
    /// A percentage where an amount is wanted.
    #[error("`{text}` is a share, and an amount is wanted")]
    Percentage {
        /// The text.
        text: String,
    },
}

//! The verbs of the language.

use std::fmt;

use super::{
    claim::ClaimStep,
    model::{At, Blocks, ChannelName, InvoiceName, Position, RoleName, StateName},
    payment::{Ask, Fails, FailureName, OfferStep, Pay, PaymentState, TamperedField},
    reference::{OutputRef, Path, TransactionRef},
    units,
    wire::{Branch, BrokenAct, ConnectedUntil, ExpectMessage, SendStep},
    words::words,
};
use crate::bolt::units::{FeeratePerKw, Msat};

/// One step: a verb and, if wanted, a narrative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where the verb stands.
    pub at: Position,
    /// What a person should learn here.
    pub say: Option<String>,
    /// What happens.
    pub verb: Verb,
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Opens a channel: its messages, its funding, `channel_ready`.
    Open {
        /// The channel.
        channel: At<ChannelName>,
        /// How far the opening goes.
        until: Until,
    },
    /// Opens all channels of the network, and waits until everybody knows of them.
    OpenNetwork,
    /// Asks to be paid.
    Invoice(Box<Ask>),
    /// Offers to be paid.
    Offer(Box<OfferStep>),
    /// No more invoices are given for an offer.
    Withdraw(At<InvoiceName>),
    /// Pays.
    Pay(Box<Pay>),
    /// Takes a payment that is held.
    Settle(At<InvoiceName>),
    /// Gives back a payment that is held, and takes nothing more for the invoice.
    Cancel(At<InvoiceName>),
    /// A role gives back every payment.
    Refuse {
        /// The role.
        by: At<RoleName>,
        /// What it says.
        failure: FailureName,
    },
    /// A role that gave back every payment does so no longer.
    Accept(At<RoleName>),
    /// A cheat flips a bit in its next message that has this field.
    Tamper {
        /// The cheat.
        by: At<RoleName>,
        /// The field.
        field: TamperedField,
        /// Which of its bytes, from 0.
        byte: At<u32>,
    },
    /// A cheat offers an HTLC with the onion that it offered last.
    Replay {
        /// The cheat.
        by: At<RoleName>,
        /// The channel.
        channel: At<ChannelName>,
    },
    /// Lets so many seconds pass.
    Wait(At<u32>),
    /// Closes a channel in mutual agreement.
    Close {
        /// The channel.
        channel: At<ChannelName>,
        /// The side that sends `shutdown` first.
        by: At<RoleName>,
        /// How far the close goes.
        until: ClosedUntil,
    },
    /// Replaces one's closing transaction by one with a higher fee.
    BumpClose {
        /// The channel.
        channel: At<ChannelName>,
        /// The side that offers it.
        by: At<RoleName>,
        /// The fee rate that it pays.
        feerate: At<FeeratePerKw>,
    },
    /// Changes the fee rate of the commitments.
    UpdateFee {
        /// The channel.
        channel: At<ChannelName>,
        /// Its opener, who pays the fee.
        by: At<RoleName>,
        /// The new fee rate.
        feerate: At<FeeratePerKw>,
    },
    /// The opener, a probe, has its wallet fund the channel otherwise than was agreed on.
    Fund {
        /// The channel.
        channel: At<ChannelName>,
        /// How.
        with: FundedWith,
    },
    /// Publishes the latest commitment.
    ForceClose {
        /// The channel.
        channel: At<ChannelName>,
        /// The side that publishes its commitment.
        by: At<RoleName>,
        /// To whom it gives it.
        via: At<Via>,
        /// The reason with which the mempool must refuse it; without it the mempool must accept.
        refused: Option<At<String>>,
    },
    /// Keeps the present state of a channel under a name.
    Remember {
        /// The channel.
        channel: At<ChannelName>,
        /// Whose state.
        by: At<RoleName>,
        /// The name (`as`), unique in the scenario.
        state: At<StateName>,
    },
    /// A role goes on from a state that it remembered: all that came after it is lost.
    LoseData {
        /// The role.
        by: At<RoleName>,
        /// The remembered state (`back_to`).
        state: At<StateName>,
    },
    /// A cheat publishes the commitment of a state that it remembered.
    Publish {
        /// The cheat.
        by: At<RoleName>,
        /// The remembered state.
        commitment: At<StateName>,
        /// To whom it gives it.
        via: At<Via>,
    },
    /// A role tries to spend outputs now.
    Claim(Box<ClaimStep>),
    /// A cheat replaces its own unconfirmed transaction by a conflicting one.
    DoubleSpend {
        /// The cheat.
        by: At<RoleName>,
        /// The transaction that is replaced.
        transaction: At<TransactionRef>,
        /// The fee rate of what replaces it, if the file says so.
        feerate: Option<At<FeeratePerKw>>,
        /// To whom it gives that.
        via: At<Via>,
    },
    /// Mines blocks with what the mempool holds.
    Mine {
        /// How many.
        blocks: At<Blocks>,
        /// The transactions for which they have no room.
        without: Vec<At<TransactionRef>>,
        /// Whether they are mined on the side that a `partition` cut off.
        apart: At<bool>,
    },
    /// Replaces the last blocks by a longer branch.
    Reorg {
        /// How many blocks are replaced.
        depth: At<Blocks>,
        /// The transactions that the new branch leaves in the mempool; `None` for all of them.
        without: Option<Vec<At<TransactionRef>>>,
    },
    /// Blocks are full of what others pay this much for, until `calm_fees`.
    SpikeFees(At<FeeratePerKw>),
    /// Others pay no more than this.
    CalmFees(At<FeeratePerKw>),
    /// A role sees neither blocks nor messages any more.
    Offline {
        /// The role.
        role: At<RoleName>,
        /// How much higher the chain is when it is back by itself, if it comes back by itself.
        blocks: Option<At<Blocks>>,
    },
    /// A role is back.
    Online(At<RoleName>),
    /// A role sees no new blocks any more, though it is online.
    WithholdBlocks(At<RoleName>),
    /// A role sees the blocks that were withheld, and all that follow.
    ReleaseBlocks(At<RoleName>),
    /// The bitcoind of these roles is cut off from that of the others: two mempools, two chains.
    Partition(Vec<At<RoleName>>),
    /// The two bitcoinds exchange blocks and mempools.
    Heal(Vec<At<RoleName>>),
    /// Connects two roles.
    Connect {
        /// Who connects.
        from: At<RoleName>,
        /// To whom.
        to: At<RoleName>,
        /// How far it goes.
        until: ConnectedUntil,
        /// The act of the handshake that a probe breaks, if one does.
        broken: Option<BrokenAct>,
    },
    /// Ends a connection, or all of a role's.
    Disconnect {
        /// One of the two.
        from: At<RoleName>,
        /// The other one; all, if there is none.
        to: Option<At<RoleName>>,
    },
    /// A probe sends a message.
    Send(Box<SendStep>),
    /// What a role sends waits.
    Hold(At<RoleName>),
    /// What a role was to send goes out.
    Release(At<RoleName>),
    /// Branches. What is played has none any more: see `Scenario::runs`.
    Try(Vec<Branch>),
    /// Checks something, mining a while if need be.
    Expect(Expect),
}

words! {
    /// How a transaction comes to the chain.
    pub enum Via {
        /// By the mempool of one's own bitcoind.
        Mempool = "mempool",
        /// A miner puts it into the next block, whatever mempools hold.
        Miner = "miner",
        /// By the mempool of those whom a `partition` cut off, and by no other.
        Apart = "apart",
    }
}

words! {
    /// How far an `open` goes.
    pub enum Until {
        /// Until `open_channel` is sent: a probe at the other end answers by itself no more.
        Proposed = "proposed",
        /// Until the funding transaction is in the mempool.
        Broadcast = "broadcast",
        /// Until the funding is deep enough and both sides have sent `channel_ready`.
        Ready = "ready",
    }
}

words! {
    /// What a channel is funded with.
    pub enum FundedWith {
        /// An output of one satoshi less than was agreed on.
        Less = "less",
        /// An output of the right amount, to another script.
        AnotherScript = "another_script",
        /// An output that its transaction does not have.
        NoOutput = "no_output",
        /// The output that was agreed on, of the coinbase of the next block.
        Coinbase = "coinbase",
    }
}

words! {
    /// How far a `close` goes.
    pub enum ClosedUntil {
        /// Until one side has sent `shutdown`: a probe answers by itself no more.
        Asked = "asked",
        /// Until both sides have sent `shutdown`. HTLCs may hold up the rest.
        Shutdown = "shutdown",
        /// Until the closing transaction is in the mempool.
        Broadcast = "broadcast",
    }
}

words! {
    /// What one side thinks of a channel.
    pub enum ChannelState {
        /// The opening is not finished.
        Opening = "opening",
        /// Both sides have sent `channel_ready`.
        Normal = "normal",
        /// A side has sent `shutdown`.
        Shutdown = "shutdown",
        /// The fee of the mutual close is negotiated.
        Negotiating = "negotiating",
        /// The funding output is spent, or about to be, but not all outputs are settled.
        Closing = "closing",
        /// All is settled.
        Closed = "closed",
        /// The funding transaction can never confirm.
        FundingLost = "funding_lost",
    }
}

/// Something that must be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// What.
    pub what: Expectation,
    /// How many blocks may be mined to get there. `no_transaction` mines them all.
    pub within: Blocks,
    /// Whether the transaction is looked for, and the blocks are mined, on the side that a
    /// `partition` cut off.
    pub apart: At<bool>,
}

/// What an `expect` looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// A transaction like this is in the mempool or in the chain.
    Transaction(TransactionPattern),
    /// No transaction like this is there.
    NoTransaction(TransactionPattern),
    /// One side of a channel is in this state.
    State {
        /// The channel.
        channel: At<ChannelName>,
        /// The side.
        of: At<RoleName>,
        /// The state.
        is: ChannelState,
    },
    /// A payment stands like this, as its payer knows.
    Payment {
        /// The payer.
        of: At<RoleName>,
        /// The invoice.
        invoice: At<InvoiceName>,
        /// How it stands.
        is: PaymentState,
        /// Why it failed, if that matters.
        fails: Option<Fails>,
    },
    /// A message has come, or has not.
    Message(Box<ExpectMessage>),
    /// One side of a channel owns this much in its latest state.
    Balance {
        /// The channel.
        channel: At<ChannelName>,
        /// The side.
        of: At<RoleName>,
        /// How much, before fees and anchors are taken off the opener's part.
        is: At<Msat>,
    },
}

/// A pattern for transactions; a field that is not set fits all. At least one is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionPattern {
    /// Which transaction it is.
    pub is: Option<At<TransactionRef>>,
    /// Who made it.
    pub by: Option<At<RoleName>>,
    /// An output that it spends.
    pub spends: Option<At<OutputRef>>,
    /// The path by which it spends it (or any output, without `spends`).
    pub path: Option<At<Path>>,
    /// Whether it is in a block.
    pub confirmed: Option<bool>,
}

impl Via {
    /// The end of a sentence about who publishes what.
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Mempool => "",
            Self::Miner => " by a miner",
            Self::Apart => " apart",
        }
    }
}

impl Verb {
    pub(super) fn bump_close(
        channel: At<ChannelName>,
        by: At<RoleName>,
        feerate: At<FeeratePerKw>,
    ) -> Self {
        Self::BumpClose { channel, by, feerate }
    }

    pub(super) fn update_fee(
        channel: At<ChannelName>,
        by: At<RoleName>,
        feerate: At<FeeratePerKw>,
    ) -> Self {
        Self::UpdateFee { channel, by, feerate }
    }

    /// The word with which the language says it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open { .. } | Self::OpenNetwork => "open",
            Self::Invoice(_) => "invoice",
            Self::Offer(_) => "offer",
            Self::Withdraw(_) => "withdraw",
            Self::Pay(_) => "pay",
            Self::Settle(_) => "settle",
            Self::Cancel(_) => "cancel",
            Self::Refuse { .. } => "refuse",
            Self::Accept(_) => "accept",
            Self::Tamper { .. } => "tamper",
            Self::Replay { .. } => "replay",
            Self::Wait(_) => "wait",
            Self::Close { .. } => "close",
            Self::BumpClose { .. } => "bump_close",
            Self::UpdateFee { .. } => "update_fee",
            Self::Fund { .. } => "fund",
            Self::ForceClose { .. } => "force_close",
            Self::Remember { .. } => "remember",
            Self::LoseData { .. } => "lose_data",
            Self::Publish { .. } => "publish",
            Self::Claim(_) => "claim",
            Self::DoubleSpend { .. } => "double_spend",
            Self::Mine { .. } => "mine",
            Self::Reorg { .. } => "reorg",
            Self::SpikeFees(_) => "spike_fees",
            Self::CalmFees(_) => "calm_fees",
            Self::Offline { .. } => "offline",
            Self::Online(_) => "online",
            Self::WithholdBlocks(_) => "withhold_blocks",
            Self::ReleaseBlocks(_) => "release_blocks",
            Self::Partition(_) => "partition",
            Self::Heal(_) => "heal",
            Self::Connect { .. } => "connect",
            Self::Disconnect { .. } => "disconnect",
            Self::Send(_) => "send",
            Self::Hold(_) => "hold",
            Self::Release(_) => "release",
            Self::Try(_) => "try",
            Self::Expect(_) => "expect",
        }
    }
}

/// One plain line, as in "alice pays bob 400,000 sat over ab".
impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenNetwork => f.write_str("open the network"),
            Self::Open { channel, until: Until::Ready } => write!(f, "open {channel}"),
            Self::Open { channel, until: Until::Broadcast } => {
                write!(f, "open {channel} until its funding is broadcast")
            }
            Self::Open { channel, until: Until::Proposed } => write!(f, "{channel} is proposed"),
            Self::Invoice(ask) => ask.fmt(f),
            Self::Offer(offer) => offer.fmt(f),
            Self::Withdraw(offer) => write!(f, "offer {offer} is withdrawn"),
            Self::Pay(pay) => pay.fmt(f),
            Self::Settle(invoice) => write!(f, "invoice {invoice} is settled"),
            Self::Cancel(invoice) => write!(f, "invoice {invoice} is cancelled"),
            Self::Refuse { by, failure } => write!(f, "{by} refuses everything with {failure}"),
            Self::Accept(role) => write!(f, "{role} refuses nothing any more"),
            Self::Tamper { by, field, byte } => {
                write!(f, "{by} will flip a bit in byte {byte} of its next {field}")
            }
            Self::Replay { by, channel } => write!(f, "{by} replays its last onion over {channel}"),
            Self::Wait(seconds) => write!(f, "wait {seconds} s"),
            Self::Close { channel, by, until: ClosedUntil::Broadcast } => {
                write!(f, "{by} closes {channel}")
            }
            Self::Close { channel, by, until: ClosedUntil::Asked } => {
                write!(f, "{by} asks to close {channel}")
            }
            Self::Close { channel, by, until: ClosedUntil::Shutdown } => {
                write!(f, "{by} begins to close {channel}")
            }
            Self::BumpClose { channel, by, feerate } => {
                write!(f, "{by} closes {channel} at {feerate} sat/kw")
            }
            Self::UpdateFee { channel, by, feerate } => {
                write!(f, "{by} changes the fee rate of {channel} to {feerate} sat/kw")
            }
            Self::Fund { channel, with } => write!(f, "{channel} is funded with {with}"),
            Self::ForceClose { channel, by, via, refused } => {
                write!(f, "{by} force-closes {channel}{}", via.value.in_words())?;
                refused.iter().try_for_each(|reason| write!(f, ", refused with {reason}"))
            }
            Self::Remember { channel, by, state } => {
                write!(f, "{by} remembers {channel} as {state}")
            }
            Self::LoseData { by, state } => write!(f, "{by} has nothing newer than {state}"),
            Self::Publish { by, commitment, via } => {
                write!(f, "{by} publishes its commitment {commitment}{}", via.value.in_words())
            }
            Self::Claim(claim) => claim.fmt(f),
            Self::DoubleSpend { by, transaction, via, .. } => {
                write!(f, "{by} double-spends {transaction}{}", via.value.in_words())
            }
            Self::Mine { .. }
            | Self::Reorg { .. }
            | Self::SpikeFees(_)
            | Self::CalmFees(_)
            | Self::Offline { .. }
            | Self::Online(_)
            | Self::WithholdBlocks(_)
            | Self::ReleaseBlocks(_)
            | Self::Partition(_)
            | Self::Heal(_) => write_chain(f, self),
            Self::Connect { .. }
            | Self::Disconnect { .. }
            | Self::Send(_)
            | Self::Hold(_)
            | Self::Release(_)
            | Self::Try(_) => write_conversation(f, self),
            Self::Expect(expect) => expect.fmt(f),
        }
    }
}

/// The verbs about the chain, and about who sees what of it.
fn write_chain(f: &mut fmt::Formatter<'_>, verb: &Verb) -> fmt::Result {
    match verb {
        Verb::Mine { blocks, without, apart } => {
            write!(f, "mine {blocks}{}", if apart.value { " apart" } else { "" })?;
            if without.is_empty() { Ok(()) } else { write_list(f, " without ", without) }
        }
        Verb::Reorg { depth, without } => {
            write!(f, "reorg of {depth}")?;
            match without.as_deref() {
                None => {}
                Some([]) => f.write_str(" that keeps every transaction")?,
                Some(left_out) => write_list(f, " without ", left_out)?,
            }
            Ok(())
        }
        Verb::SpikeFees(feerate) => write!(f, "fees spike to {feerate} sat/kw"),
        Verb::CalmFees(feerate) => write!(f, "fees calm down to {feerate} sat/kw"),
        Verb::Offline { role, blocks: None } => write!(f, "{role} goes offline"),
        Verb::Offline { role, blocks: Some(blocks) } => {
            write!(f, "{role} goes offline for {blocks}")
        }
        Verb::Online(role) => write!(f, "{role} is back online"),
        Verb::WithholdBlocks(role) => write!(f, "blocks are withheld from {role}"),
        Verb::ReleaseBlocks(role) => write!(f, "{role} sees the blocks that were withheld"),
        Verb::Partition(roles) => write_list(f, "cut off the bitcoind of ", roles),
        Verb::Heal(roles) => write_list(f, "connect again the bitcoind of ", roles),
        _ => Ok(()),
    }
}

/// The verbs of scripted conversations.
fn write_conversation(f: &mut fmt::Formatter<'_>, verb: &Verb) -> fmt::Result {
    match verb {
        Verb::Connect { from, to, broken: Some(act), .. } => {
            write!(f, "{from} tries to connect to {to}, {act}")
        }
        Verb::Connect { from, to, until: ConnectedUntil::Ready, broken: None } => {
            write!(f, "{from} connects to {to}")
        }
        Verb::Connect { from, to, until: ConnectedUntil::Connected, broken: None } => {
            write!(f, "{from} connects to {to}, and says nothing yet")
        }
        Verb::Disconnect { from, to: Some(to) } => {
            write!(f, "{from} and {to} are disconnected")
        }
        Verb::Disconnect { from, to: None } => write!(f, "{from} is disconnected from all"),
        Verb::Send(send) => write!(f, "{send}"),
        Verb::Hold(role) => write!(f, "{role} holds its messages back"),
        Verb::Release(role) => write!(f, "{role} sends what it held back"),
        Verb::Try(branches) => {
            let names: Vec<&str> = branches.iter().map(|branch| &*branch.name).collect();
            write!(f, "try {}", names.join(", "))
        }
        _ => Ok(()),
    }
}

fn write_list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, lead: &str, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        let before = if index == 0 { lead } else { ", " };
        write!(f, "{before}{item}")?;
    }
    Ok(())
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Expectation::Transaction(pattern) => write!(f, "expect a transaction{pattern}")?,
            Expectation::NoTransaction(pattern) => write!(f, "expect no transaction{pattern}")?,
            Expectation::State { channel, of, is } => {
                write!(f, "expect {of} to see {channel} as {is}")?;
            }
            Expectation::Payment { of, invoice, is, fails } => {
                write!(f, "expect the payment of {invoice} by {of} to be {is}")?;
                if let Some(fails) = fails {
                    write!(f, "; {fails}")?;
                }
            }
            Expectation::Message(message) => message.fmt(f)?,
            Expectation::Balance { channel, of, is } => {
                write!(f, "expect {of} to own {} in {channel}", units::grouped(is.value))?;
            }
        }
        if self.apart.value {
            f.write_str(" apart")?;
        }
        if self.within > Blocks(0) { write!(f, " within {}", self.within) } else { Ok(()) }
    }
}

/// The attributes of the pattern, each with a space before it.
impl fmt::Display for TransactionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(is) = &self.is {
            write!(f, " {is}")?;
        }
        if let Some(by) = &self.by {
            write!(f, " by {by}")?;
        }
        if let Some(spends) = &self.spends {
            write!(f, " spending {spends}")?;
        }
        if let Some(path) = &self.path {
            write!(f, " by {path}")?;
        }
        match self.confirmed {
            None => Ok(()),
            Some(true) => f.write_str(", confirmed"),
            Some(false) => f.write_str(", unconfirmed"),
        }
    }
}

//! The trace: the ordered, typed record of all that happened in a lab. The audit and every report
//! are made from it alone.
//!
//! It holds no clock time, port, path or process id, so that a scenario has the same trace, byte by
//! byte, in every run, on every machine and on every bitcoind.

mod apart;
pub mod golden;
pub(crate) mod gossip;
mod payment;
#[cfg(test)]
pub(crate) mod testing;
mod transcript;
pub(crate) mod words;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use bitcoin::hashes::sha256;
use bitcoin::{BlockHash, ScriptBuf, Transaction, Txid};
use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use crate::bolt::channel::{ChannelEvent, Purpose};
use crate::bolt::units::{BlockHeight, FeeratePerKw, ShortChannelId};
use crate::bolt::wire::{Bytes, Message};
use crate::node::{FlareEvent, GossipEvent, MessageEvent, PaymentEvent, PeerEvent};
use crate::scenario::{ChannelName, InvoiceName, Links, RoleKind, RoleName, TamperedField};

pub use transcript::transcript;

/// One thing that happened, and during which step of the scenario; before the first step it is
/// `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The number of the step, from 1.
    pub step: Option<u32>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// A transaction as the trace keeps it: whole, in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawTransaction(
    /// The transaction.
    #[serde(with = "bitcoin::consensus::serde::With::<bitcoin::consensus::serde::Hex>")]
    pub Transaction,
);

/// A role of the scenario, as the lab set it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CastEntry {
    /// Its name.
    pub name: RoleName,
    /// What it may do.
    pub kind: RoleKind,
    /// By which its peers know it.
    pub node_id: PublicKey,
    /// Where its on-chain funds are.
    pub wallet: ScriptBuf,
}

/// A channel of the scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelEntry {
    /// Its name.
    pub name: ChannelName,
    /// Its opener.
    pub from: RoleName,
    /// The other side.
    pub to: RoleName,
}

/// What bitcoind said to a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    /// It is in the mempool now.
    Accepted,
    /// It was there before, or in the chain.
    Known,
    /// A miner has it, who puts it into the next block: no mempool was asked.
    Handed,
    /// The mempool did not take it.
    Refused {
        /// bitcoind's reason.
        reason: String,
    },
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// The lab is set up.
    Scenario {
        /// What the scenario shows.
        title: String,
        /// Its roles.
        cast: Vec<CastEntry>,
        /// Its channels.
        channels: Vec<ChannelEntry>,
        /// The height of the chain before the first step.
        height: BlockHeight,
    },
    /// A step begins.
    Step {
        /// Its line in the file.
        line: u32,
        /// What it does, in one plain line.
        text: String,
        /// What a person should learn here.
        #[serde(skip_serializing_if = "Option::is_none")]
        say: Option<String>,
    },
    /// A message was delivered.
    Message {
        /// The sender.
        from: RoleName,
        /// The receiver.
        to: RoleName,
        /// The channel that it is about.
        channel: Option<ChannelName>,
        /// The message.
        message: Message,
    },
    /// A message was lost with its connection.
    Lost {
        /// The sender.
        from: RoleName,
        /// The receiver.
        to: RoleName,
        /// The name of the message.
        message: String,
    },
    /// Bytes were delivered that are no message of their type.
    Garbage {
        /// The sender.
        from: RoleName,
        /// The receiver.
        to: RoleName,
        /// The bytes.
        bytes: Bytes,
        /// Why they are none.
        error: String,
    },
    /// Bytes came that break BOLT 8: an act of the handshake that is none, or no frame. The
    /// connection ends with them.
    Broken {
        /// Who sent them.
        from: RoleName,
        /// Who did not take them.
        to: RoleName,
        /// The bytes as they went over the wire.
        bytes: Bytes,
        /// Why they are neither.
        error: String,
    },
    /// Two roles are connected.
    LinkUp {
        /// Who connected.
        from: RoleName,
        /// To whom.
        to: RoleName,
        /// Over what.
        over: Links,
    },
    /// Two roles are no longer connected.
    LinkDown {
        /// Who ended it, if it was one of them.
        from: RoleName,
        /// The other one.
        to: RoleName,
    },
    /// What a role sends waits from now on.
    Held {
        /// The role.
        role: RoleName,
    },
    /// A node told of something about a peer.
    Peer {
        /// The node.
        role: RoleName,
        /// The peer.
        peer: RoleName,
        /// What it told.
        told: PeerEvent,
    },
    /// A node told of something about a channel.
    Channel {
        /// The node.
        role: RoleName,
        /// The channel.
        channel: ChannelName,
        /// What it told.
        told: ChannelEvent,
    },
    /// A node made an invoice.
    Invoice {
        /// The node.
        role: RoleName,
        /// What the scenario calls it, if it has a name there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<InvoiceName>,
        /// The payment.
        payment_hash: sha256::Hash,
        /// The invoice. BOLT 11.
        invoice: String,
    },
    /// A node made an offer.
    Offer {
        /// The node.
        role: RoleName,
        /// The offer. BOLT 12.
        offer: String,
    },
    /// A network begins to open its channels. What its nodes say of them is not told, but counted.
    NetworkOpens {
        /// How many channels it has.
        channels: u32,
    },
    /// All of its channels are open, and everybody knows of them.
    NetworkOpen {
        /// How many messages of gossip there were, by their names.
        messages: BTreeMap<String, u64>,
        /// How many channels were looked up in the chain and believed, by all nodes together.
        lookups: u64,
        /// How many rounds of gossip it took, a minute each.
        rounds: u32,
    },
    /// A node told of what it believes of the network.
    Gossip {
        /// The node.
        role: RoleName,
        /// The peer that it is about, if it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer: Option<RoleName>,
        /// What it told.
        told: GossipEvent,
    },
    /// A payer has found a way.
    WayFound {
        /// The payer.
        role: RoleName,
        /// The payee.
        to: RoleName,
        /// The channels, the payer's first.
        channels: Vec<ShortChannelId>,
        /// What all nodes on it keep together, in millisatoshis.
        fee_msat: i64,
        /// How many nodes the search reached.
        nodes: u32,
        /// How many times it looked at a channel.
        looked_at: u64,
    },
    /// A payer has found no way.
    NoWayFound {
        /// The payer.
        role: RoleName,
        /// The payee.
        to: RoleName,
        /// What stood in the way.
        reason: String,
    },
    /// A node told of what it knows and seeks with Flare.
    Flare {
        /// The node.
        role: RoleName,
        /// The peer that it is about, if it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer: Option<RoleName>,
        /// What it told.
        told: FlareEvent,
    },
    /// A node told of an onion message.
    OnionMessage {
        /// The node.
        role: RoleName,
        /// What it told.
        told: MessageEvent,
    },
    /// A node told of a payment.
    Payment {
        /// The node.
        role: RoleName,
        /// The channel of the HTLC that it is about, if it is about one.
        #[serde(skip_serializing_if = "Option::is_none")]
        channel: Option<ChannelName>,
        /// What it told.
        told: PaymentEvent,
    },
    /// A cheat changed a message before it sent it.
    Tampered {
        /// The cheat.
        role: RoleName,
        /// The name of the message.
        message: String,
        /// The field.
        field: TamperedField,
        /// Which of the field's bytes, from 0.
        byte: u32,
    },
    /// A role gave a transaction to bitcoind.
    Published {
        /// The role.
        by: RoleName,
        /// What the role says that it is for; nobody needs to believe it.
        #[serde(skip_serializing_if = "Option::is_none")]
        purpose: Option<Purpose>,
        /// Its id.
        txid: Txid,
        /// The transaction.
        transaction: RawTransaction,
        /// What bitcoind said.
        #[serde(flatten)]
        answer: Answer,
    },
    /// A block was mined with these transactions, or a run of blocks without any.
    Mined {
        /// The height of the first.
        from: BlockHeight,
        /// The height of the last.
        to: BlockHeight,
        /// The hash of the last.
        tip: BlockHash,
        /// The transactions, without the coinbase unless that funds a channel; a run of blocks has
        /// none.
        transactions: Vec<RawTransaction>,
        /// Whether others, whom nobody needs to know, fill the rest of each of them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        full: bool,
    },
    /// Others pay another fee rate.
    Fees {
        /// What they pay now.
        feerate: FeeratePerKw,
        /// Whether they fill every block with it.
        full: bool,
    },
    /// The newest blocks are no longer part of the chain.
    Disconnected {
        /// The height of the newest of them.
        from: BlockHeight,
        /// The height of the oldest of them.
        to: BlockHeight,
    },
    /// What the mempool holds after a reorg, or when a fee spike has thrown something out.
    Mempool {
        /// The transactions, parents before children.
        transactions: Vec<Txid>,
    },
    /// A role sees neither blocks nor messages any more.
    Offline {
        /// The role.
        role: RoleName,
    },
    /// A role is back.
    Online {
        /// The role.
        role: RoleName,
    },
    /// A role sees no new blocks any more, though it is online.
    BlocksWithheld {
        /// The role.
        role: RoleName,
    },
    /// A role sees the blocks that were withheld from it.
    BlocksReleased {
        /// The role.
        role: RoleName,
    },
    /// The bitcoind of these roles is cut off from that of the others.
    Partitioned {
        /// The roles.
        roles: Vec<RoleName>,
    },
    /// Something happened to the chain or the mempool of those who are cut off, and to no other.
    Apart {
        /// What.
        what: Box<Event>,
    },
    /// The two bitcoinds are about to exchange blocks and mempools: there is one chain again.
    Healed {
        /// The roles that were cut off.
        roles: Vec<RoleName>,
    },
    /// A role keeps a state to use it later.
    Remembered {
        /// The role.
        role: RoleName,
        /// The channel.
        channel: ChannelName,
        /// The number of its commitment.
        commitment: u64,
        /// The name of the state.
        name: String,
    },
    /// An expectation was checked.
    Checked {
        /// What was expected, in one plain line.
        expected: String,
        /// What was there instead, if it did not hold.
        #[serde(skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
    },
    /// The file's outcome was compared with the audit's account.
    Audited {
        /// How many outputs the account holds.
        outputs: u32,
        /// What does not fit.
        problems: Vec<Problem>,
    },
}

impl Event {
    /// What happened, on whichever side.
    pub fn plain(&self) -> &Self {
        match self {
            Self::Apart { what } => what,
            event => event,
        }
    }
}

/// Something that is wrong, with the line of the file that says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The line in the file; `None` if no line is to blame.
    pub line: Option<u32>,
    /// The column, likewise.
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
}

/// The record, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// What happened.
    pub entries: Vec<Entry>,
}

impl Trace {
    /// Writes the trace as JSON Lines.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for entry in &self.entries {
            serde_json::to_writer(&mut *out, entry)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    /// Reads a trace from JSON Lines.
    ///
    /// # Errors
    /// Those of `input`; `InvalidData` for a line that is no entry.
    pub fn read(input: impl BufRead) -> io::Result<Self> {
        let entries = input
            .lines()
            .map(|line| Ok(serde_json::from_str(&line?)?))
            .collect::<io::Result<_>>()?;
        Ok(Self { entries })
    }
}

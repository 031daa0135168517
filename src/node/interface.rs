//! What goes into a node and what comes out of it.

use bitcoin::hashes::sha256;
use bitcoin::{Amount, ScriptBuf, Transaction};
use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    FlareEvent, FlarePolicy, FlareSought, GossipEvent, GossipPolicy, MessageEvent, NoDeal,
    OfferPayment, OfferRequest, PayRequest, PaymentEvent, PeerEvent, Plan, RelayPolicy, Unpayable,
    WalletError,
};
use crate::bolt::channel::{ChainEvent, ChannelEvent, Deadlines, Fault, Habits, Purpose, Refused};
use crate::bolt::features::Features;
use crate::bolt::gossip::FundingOutput;
use crate::bolt::invoice::DraftError;
use crate::bolt::onion::Failure;
use crate::bolt::tx::{ChannelType, TxError};
use crate::bolt::units::{CltvExpiryDelta, CsvDelay, FeeratePerKw, Msat, ShortChannelId};
use crate::bolt::wire::{Bytes, ChannelId, DecodeError, Message, Variations};

/// What a node asks of its channels with one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPolicy {
    /// The delay on the peer's outputs to itself.
    pub to_self_delay: CsvDelay,
    /// Our `dust_limit_satoshis`.
    pub dust_limit: Amount,
    /// As the acceptor: how deep the funding must be, in blocks.
    pub minimum_depth: u32,
    /// As the acceptor: whether the opener is trusted with a funding that is not confirmed
    /// (`option_zeroconf`).
    pub accepts_zeroconf: bool,
    /// Our `channel_reserve_satoshis`: what the peer must keep. `None` is a hundredth of the
    /// capacity, or our dust limit if that is more.
    pub channel_reserve: Option<Amount>,
    /// Our `htlc_minimum_msat`: the least that we take.
    pub htlc_minimum: Msat,
    /// Our `max_htlc_value_in_flight_msat`: the most that the peer may have in flight. `None` is the
    /// capacity.
    pub max_htlc_value_in_flight: Option<Msat>,
    /// Our `max_accepted_htlcs`: how many HTLCs the peer may have in flight.
    pub max_accepted_htlcs: u16,
    /// Our `max_dust_htlc_exposure_msat`: what may be at risk in HTLCs without outputs. The peer is
    /// not told.
    pub max_dust_htlc_exposure: Msat,
}

/// A channel to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRequest {
    /// With whom.
    pub peer: PublicKey,
    /// Its capacity.
    pub capacity: Amount,
    /// What the peer gets at the start.
    pub push: Msat,
    /// Its format.
    pub channel_type: ChannelType,
    /// What its type says besides.
    pub variations: Variations,
    /// Whether the rest of the network is to know of it (`announce_channel`).
    pub announced: bool,
    /// The fee rate of its commitments.
    pub feerate: FeeratePerKw,
}

/// What a lab can want of a node.
#[derive(Clone, Debug)]
pub enum NodeCommand {
    /// Ask this of the next channels with a peer.
    SetPolicy(PublicKey, ChannelPolicy),
    /// Commit to the wallet's script for the mutual close of the next channels with a peer, or no
    /// longer. It takes `option_upfront_shutdown_script`.
    CommitToScript(PublicKey, bool),
    /// Tell the next peers that the node supports these.
    SetFeatures(Features),
    /// Ask a peer for a `pong` of so many bytes.
    Ping(PublicKey, u16),
    /// Open a channel.
    Open(OpenRequest),
    /// Ask this of those whose payments are forwarded.
    SetRelay(RelayPolicy),
    /// Go about gossip in this way.
    SetGossip(GossipPolicy),
    /// Keep a map of the neighbourhood, beacons, and ask the rest (Flare).
    SetFlare(FlarePolicy),
    /// Seek a way with Flare; [`super::Node::flare_found`] has what came of it.
    SeekByFlare(FlareSought),
    /// Others pay this fee rate now: from here on, closing transactions and claims do.
    SetFeerate(FeeratePerKw),
    /// Do these things on chain otherwise than most, and wait so long for peers before going there.
    SetHabits(Habits, Deadlines),
    /// Give back every HTLC that could be forwarded or taken, for this reason; or no longer.
    Refuse(Option<Failure>),
    /// Make an invoice; [`NodeEvent::Invoice`] has it.
    Invoice(InvoiceRequest),
    /// Take the HTLCs that are held for an invoice.
    Settle(sha256::Hash),
    /// Give back the HTLCs that are held for an invoice, and those that still come.
    Cancel(sha256::Hash),
    /// Make an offer; [`NodeEvent::Offer`] has it.
    Offer(OfferRequest),
    /// Give no more invoices for this offer.
    Withdraw(String),
    /// Pay.
    Pay(PayRequest),
    /// Ask for an invoice for an offer, and pay it.
    PayOffer(OfferPayment),
    /// Send one part of a payment as it was planned, changed or not.
    Send(Plan),
    /// Change the fee rate of a channel.
    UpdateFee(ChannelHandle, FeeratePerKw),
    /// Close a channel in mutual agreement.
    Close(ChannelHandle),
    /// Offer a closing transaction that pays more than the last one, at this fee rate
    /// (`option_simple_close`).
    BumpClose(ChannelHandle, FeeratePerKw),
    /// The same, and have it pay us to this script.
    RedirectClose(ChannelHandle, FeeratePerKw, ScriptBuf),
    /// Publish the newest commitment of a channel.
    ForceClose(ChannelHandle),
}

/// Everything that can reach a node.
#[derive(Clone, Debug)]
pub enum NodeInput {
    /// Something that the lab wants.
    Command(NodeCommand),
    /// A connection with this peer was made, by either side.
    Connected(PublicKey),
    /// It was lost, or closed by either side.
    Disconnected(PublicKey),
    /// Bytes of a peer that are no message of their type.
    Garbage {
        /// The peer.
        from: PublicKey,
        /// The type.
        message_type: u16,
        /// Why they are none.
        error: DecodeError,
    },
    /// A message of a peer.
    Message {
        /// The peer.
        from: PublicKey,
        /// The message.
        message: Message,
    },
    /// A change of the chain.
    Chain(ChainEvent),
    /// All changes of the chain since the node was there last, oldest first.
    Missed(Vec<ChainEvent>),
    /// A transaction that is in the mempool.
    Seen(Transaction),
    /// The clock shows so many seconds since 1970.
    Time(u64),
    /// What the chain has for [`NodeOutput::LookUp`].
    LookedUp {
        /// Where the node had it look.
        short_channel_id: ShortChannelId,
        /// What there is.
        found: FundingOutput,
    },
}

impl NodeInput {
    /// Whether it is a message about the network that anybody may have passed on.
    pub(super) fn is_relayed_gossip(&self) -> bool {
        matches!(
            self,
            Self::Message {
                message: Message::ChannelAnnouncement(_)
                    | Message::NodeAnnouncement(_)
                    | Message::ChannelUpdate(_),
                ..
            }
        )
    }
}

/// An invoice to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceRequest {
    /// How much; `None` leaves it to the payer.
    pub amount: Option<Msat>,
    /// What it is for.
    pub description: String,
    /// How far ahead the expiry of an HTLC must lie.
    pub min_final_cltv_expiry_delta: CltvExpiryDelta,
    /// For how long it is valid, in seconds.
    pub expiry: u64,
    /// What the payer is asked to send along.
    pub payment_metadata: Option<Bytes>,
    /// Whether the HTLCs are kept until [`NodeCommand::Settle`] or [`NodeCommand::Cancel`].
    pub hold: bool,
}

impl InvoiceRequest {
    /// An invoice over this amount, with BOLT 11's defaults.
    pub fn of(amount: Msat) -> Self {
        Self {
            amount: Some(amount),
            description: String::new(),
            min_final_cltv_expiry_delta: CltvExpiryDelta(18),
            expiry: 3600,
            payment_metadata: None,
            hold: false,
        }
    }
}

/// Everything that a node can want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeOutput {
    /// Send a message to a peer.
    Send {
        /// The peer.
        to: PublicKey,
        /// The message.
        message: Message,
    },
    /// Close the connection with a peer, once what was sent has gone out.
    Disconnect {
        /// The peer.
        peer: PublicKey,
    },
    /// Publish a transaction.
    Broadcast {
        /// The channel that it is for.
        channel: ChannelHandle,
        /// The transaction.
        transaction: Transaction,
        /// What it is for.
        purpose: Purpose,
    },
    /// Publish transactions together, parents first.
    BroadcastPackage {
        /// The channel that they are for.
        channel: ChannelHandle,
        /// The transactions, and what each is for.
        transactions: Vec<(Transaction, Purpose)>,
    },
    /// Say what the chain has where this points: [`NodeInput::LookedUp`].
    LookUp(ShortChannelId),
    /// Something happened that is worth telling.
    Event(NodeEvent),
}

impl NodeOutput {
    /// Whether it gives transactions to the chain.
    pub fn is_published(&self) -> bool {
        matches!(self, Self::Broadcast { .. } | Self::BroadcastPackage { .. })
    }
}

/// Something worth telling about a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeEvent {
    /// An invoice was made.
    Invoice {
        /// Its hash.
        payment_hash: sha256::Hash,
        /// The invoice. BOLT 11.
        invoice: String,
    },
    /// An offer was made.
    Offer {
        /// The offer. BOLT 12.
        offer: String,
    },
    /// Something happened to the connection with a peer.
    Peer {
        /// The peer.
        peer: PublicKey,
        /// What.
        event: PeerEvent,
    },
    /// Something happened to what the node believes of the network.
    Gossip {
        /// The peer that it came from, if it came from one.
        peer: Option<PublicKey>,
        /// What.
        event: GossipEvent,
    },
    /// Something happened to what the node knows and seeks with Flare.
    Flare {
        /// The peer that it is about, if it is about one.
        peer: Option<PublicKey>,
        /// What.
        event: FlareEvent,
    },
    /// Something happened to an onion message.
    Message(MessageEvent),
    /// Something happened to a payment.
    Payment {
        /// The channel of the HTLC that it is about, if it is about one.
        channel: Option<ChannelHandle>,
        /// What.
        event: PaymentEvent,
    },
    /// Something happened to a channel.
    Channel {
        /// Which one.
        channel: ChannelHandle,
        /// What.
        event: ChannelEvent,
    },
}

/// Names a channel of a node for as long as it lives: its `temporary_channel_id`, which both sides
/// know from the first message on.
pub type ChannelHandle = ChannelId;

/// Why a node did not do what it was told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NodeError {
    /// There is no such channel.
    #[error("find channel {0}")]
    NoSuchChannel(ChannelHandle),
    /// The command makes no sense now.
    #[error(transparent)]
    Refused(Refused),
    /// A transaction could not be built.
    #[error(transparent)]
    Transaction(TxError),
    /// The wallet cannot pay.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// A payment cannot be made.
    #[error(transparent)]
    Unpayable(#[from] Unpayable),
    /// Nothing comes of an offer.
    #[error(transparent)]
    NoDeal(NoDeal),
    /// An invoice cannot be written.
    #[error("write an invoice: {0}")]
    Invoice(DraftError),
    /// There is no such invoice, or nothing of it to take or to give back.
    #[error("find HTLCs of it that are held, and all that were asked for")]
    NoSuchInvoice(sha256::Hash),
}

impl Default for ChannelPolicy {
    fn default() -> Self {
        Self {
            to_self_delay: CsvDelay(144),
            dust_limit: Amount::from_sat(546),
            minimum_depth: 3,
            accepts_zeroconf: false,
            channel_reserve: None,
            htlc_minimum: Msat(1),
            max_htlc_value_in_flight: None,
            max_accepted_htlcs: 483,
            max_dust_htlc_exposure: Msat(50_000_000),
        }
    }
}

impl From<Fault> for NodeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(refused) => Self::Refused(refused),
            Fault::Transaction(error) => Self::Transaction(error),
            // Violations are dealt with before; what is left is a command that a limit forbids.
            Fault::Peer(violation) => Self::Refused(Refused::BreaksLimit(violation)),
        }
    }
}

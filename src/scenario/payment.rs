//! Payments in the language: who asks, who pays, over which channels, and what goes wrong.

use std::fmt;

use super::{
    model::{At, Blocks, ChannelName, InvoiceName, RelayTerms, RoleName},
    units,
    words::words,
};
use crate::bolt::units::{Msat, ShortChannelId};

/// Asks to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Who asks.
    pub by: At<RoleName>,
    /// For how much; `None` leaves it to the payer.
    pub amount: Option<At<Msat>>,
    /// The name of the invoice (`as`), unique in the scenario.
    pub name: At<InvoiceName>,
    /// What it is for.
    pub description: String,
    /// What the payer is asked to send along.
    pub metadata: Option<String>,
    /// For how many seconds it is valid.
    pub expiry: Option<u32>,
    /// Whether the payment is held until `settle` or `cancel`.
    pub hold: bool,
}

/// Offers to be paid, as often as somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferStep {
    /// Who offers.
    pub by: At<RoleName>,
    /// What it costs; `None` leaves it to the payer.
    pub amount: Option<At<Msat>>,
    /// The name of the offer (`as`), unique in the scenario.
    pub name: At<InvoiceName>,
    /// What it is for.
    pub description: String,
    /// The channels of the blinded path, from where payers may know to come to who offers; none if
    /// the offer names its maker.
    pub via: Vec<At<ChannelName>>,
    /// Where the blinded path begins: at its maker if it is none.
    pub introduction: RoleName,
    /// How many hops are made up behind the last one.
    pub dummy_hops: u32,
    /// For how many seconds it is valid.
    pub expiry: Option<u32>,
}

/// Pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pay {
    /// Who pays.
    pub from: At<RoleName>,
    /// Who is paid.
    pub to: At<RoleName>,
    /// How much in all; `None` is what the invoice says.
    pub amount: Option<At<Msat>>,
    /// The invoice; without one, the payee is asked for one first.
    pub invoice: Option<At<InvoiceName>>,
    /// The offer, for which the payee is asked for an invoice by onion message.
    pub offer: Option<At<InvoiceName>>,
    /// Whom a cheat suspects to have made the offer: it asks that node, and not over the offer's path.
    pub suspects: Option<At<RoleName>>,
    /// The character of the invoice, from 0, that the payer misreads: one bit of it is another.
    pub misread: Option<At<u32>>,
    /// How the payer comes by the hash.
    pub how: How,
    /// The parts, at least one.
    pub parts: Vec<PayPart>,
    /// How the payer seeks the way itself, if it does.
    pub seeks: Option<Seeks>,
    /// How far it goes.
    pub until: PaidUntil,
    /// How it must fail; without it, it must arrive.
    pub fails: Option<At<Fails>>,
    /// Where the payer's knowledge of what others ask for is wrong.
    pub believes: Vec<(At<RoleName>, RelayTerms)>,
    /// What a cheat writes into the layers of the onion, by who reads them.
    pub onion: Vec<(At<RoleName>, LayerEdit)>,
}

/// How a payer seeks the way in what it has heard of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeks {
    /// By what.
    pub by: RouteBy,
    /// The most channels that the way may have.
    pub max_hops: u8,
    /// The most that may be paid in fees.
    pub max_fee: Option<Msat>,
    /// The channels of the way that it must find.
    pub takes: Option<At<Vec<At<ChannelName>>>>,
    /// The channel that it opens, and pays over, if it finds no way.
    pub opens: Option<At<ChannelName>>,
}

words! {
    /// How a way is sought.
    pub enum RouteBy {
        /// Bellman-Ford-Gibson: the cheapest for every number of hops.
        Bfg = "bfg",
        /// Dijkstra: the cheapest, however many hops it has.
        Dijkstra = "dijkstra",
        /// Flare: by its own map and those that it asks for.
        Flare = "flare",
    }
}

/// One part of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayPart {
    /// What it brings; `None` is all.
    pub amount: Option<At<Msat>>,
    /// The channels, from the payer to the payee.
    pub via: Vec<At<ChannelName>>,
}

words! {
    /// How the payer comes by the hash of a payment.
    pub enum How {
        /// The payee makes an invoice (BOLT 11).
        Invoice = "invoice",
        /// The payer makes the preimage and sends it along (bLIP 3).
        Keysend = "keysend",
    }
}

words! {
    /// How far a payment goes.
    pub enum PaidUntil {
        /// Until it has arrived, and the payer has the preimage.
        Paid = "paid",
        /// Until it can go no further by itself: it may be held, or wait for other parts.
        Sent = "sent",
        /// Until the payer has sent `update_add_htlc`: a probe answers by itself no more.
        Offered = "offered",
    }
}

words! {
    /// What a payer knows of its payment.
    pub enum PaymentState {
        /// Nothing came back yet.
        Pending = "pending",
        /// It has arrived, and the payer has the preimage.
        Paid = "paid",
        /// It came back, or a part of it did.
        Failed = "failed",
    }
}

/// How a payment fails, as the payer learns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fails {
    /// A node says so.
    With {
        /// What it says.
        failure: FailureName,
        /// Who.
        by: At<RoleName>,
    },
    /// There is no invoice for the offer, and its maker says why.
    NoInvoice,
    /// Nobody answers.
    NoAnswer,
    /// What came back cannot be read.
    Corrupted {
        /// The two who may have changed it, if the payer can tell.
        between: Option<(At<RoleName>, At<RoleName>)>,
    },
    /// The payer itself does not want to pay: nothing is sent.
    NeverSent(Unsent),
}

words! {
    /// Why a payer sends nothing.
    pub enum Unsent {
        /// The invoice cannot be read, or is not signed by whom it says.
        UnreadableInvoice = "unreadable_invoice",
        /// The invoice has expired.
        ExpiredInvoice = "expired_invoice",
        /// The invoice asks for more.
        TooLittle = "too_little",
        /// More than twice what the invoice asks for.
        TooMuch = "too_much",
        /// The payer finds no way within its limits.
        NoRoute = "no_route",
    }
}

/// What a cheat writes into one layer instead of what belongs there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerEdit {
    /// Another `amt_to_forward`.
    pub amt_to_forward: Option<Msat>,
    /// Another `outgoing_cltv_value`, as a height.
    pub outgoing_cltv_value: Option<Blocks>,
    /// Another `short_channel_id`.
    pub short_channel_id: Option<ShortChannelId>,
    /// Another `total_msat` beside the `payment_secret`.
    pub total_msat: Option<Msat>,
    /// Records that are left out, by their types.
    pub omit: Vec<u64>,
    /// Records that are put in, or in the place of what is there: types and values.
    pub records: Vec<(u64, Vec<u8>)>,
    /// Another length before the payload than the payload has.
    pub length: Option<u64>,
}

words! {
    /// The field of a message in which a cheat flips a bit.
    pub enum TamperedField {
        /// The onion of its next `update_add_htlc`.
        Onion = "onion_routing_packet",
        /// The encrypted failure of its next `update_fail_htlc`.
        Reason = "reason",
        /// The hold times and their authentication in its next `update_fail_htlc` or
        /// `update_fulfill_htlc`.
        AttributionData = "attribution_data",
    }
}

words! {
    /// A failure of BOLT 4.
    pub enum FailureName {
        /// The node cannot just now.
        TemporaryNodeFailure = "temporary_node_failure",
        /// The node cannot at all.
        PermanentNodeFailure = "permanent_node_failure",
        /// The node demands a feature that the onion does not have.
        RequiredNodeFeatureMissing = "required_node_feature_missing",
        /// The onion's version is not known.
        InvalidOnionVersion = "invalid_onion_version",
        /// The onion's HMAC is not that of its content.
        InvalidOnionHmac = "invalid_onion_hmac",
        /// The onion's key is not on the curve.
        InvalidOnionKey = "invalid_onion_key",
        /// The outgoing channel cannot just now.
        TemporaryChannelFailure = "temporary_channel_failure",
        /// The outgoing channel cannot at all.
        PermanentChannelFailure = "permanent_channel_failure",
        /// The outgoing channel demands a feature that the onion does not have.
        RequiredChannelFeatureMissing = "required_channel_feature_missing",
        /// There is no such outgoing channel.
        UnknownNextPeer = "unknown_next_peer",
        /// The outgoing channel takes larger HTLCs only.
        AmountBelowMinimum = "amount_below_minimum",
        /// The outgoing channel costs more.
        FeeInsufficient = "fee_insufficient",
        /// The outgoing HTLC would expire too close before the incoming one.
        IncorrectCltvExpiry = "incorrect_cltv_expiry",
        /// The HTLC expires too soon to be forwarded.
        ExpiryTooSoon = "expiry_too_soon",
        /// The recipient does not expect such a payment.
        IncorrectOrUnknownPaymentDetails = "incorrect_or_unknown_payment_details",
        /// The HTLC expires before the onion says so.
        FinalIncorrectCltvExpiry = "final_incorrect_cltv_expiry",
        /// The HTLC carries less than the onion says.
        FinalIncorrectHtlcAmount = "final_incorrect_htlc_amount",
        /// The outgoing channel is disabled.
        ChannelDisabled = "channel_disabled",
        /// The HTLC expires too late.
        ExpiryTooFar = "expiry_too_far",
        /// The payload makes no sense.
        InvalidOnionPayload = "invalid_onion_payload",
        /// The other parts of the payment did not come in time.
        MppTimeout = "mpp_timeout",
        /// Something is wrong on a blinded path.
        InvalidOnionBlinding = "invalid_onion_blinding",
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} asks for ", self.by)?;
        match &self.amount {
            Some(amount) => write!(f, "{}", units::grouped(amount.value))?,
            None => f.write_str("any amount")?,
        }
        write!(f, " with invoice {}", self.name)?;
        if self.hold { f.write_str(", to hold it") } else { Ok(()) }
    }
}

impl fmt::Display for OfferStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} makes offer {}", self.by, self.name)?;
        match &self.amount {
            Some(amount) => write!(f, " of {}", units::grouped(amount.value))?,
            None => f.write_str(" of any amount")?,
        }
        if !self.via.is_empty() {
            write!(f, ", blinded from {} on", self.introduction)?;
        }
        Ok(())
    }
}

/// One plain line, as in "alice pays bob 400,000 sat over ab".
impl fmt::Display for Pay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, amount, invoice, parts, .. } = self;
        write!(f, "{from} pays ")?;
        match (invoice, &self.offer, self.how) {
            (Some(invoice), _, _) => write!(f, "invoice {invoice} of {to}")?,
            (None, Some(offer), _) => write!(f, "offer {offer} of {to}")?,
            (None, None, How::Invoice) => write!(f, "{to}")?,
            (None, None, How::Keysend) => write!(f, "{to} unasked")?,
        }
        if let Some(amount) = amount {
            let with = if invoice.is_some() || self.offer.is_some() { " with" } else { "" };
            write!(f, "{with} {}", units::grouped(amount.value))?;
        }
        if let Some(character) = self.misread {
            write!(f, ", misread at character {character},")?;
        }
        if let Some(seeks) = &self.seeks {
            write!(f, " by a way that {} finds", seeks.by)?;
        }
        for (index, part) in parts.iter().enumerate().filter(|(_, part)| !part.via.is_empty()) {
            f.write_str(if index == 0 { " over " } else { " and " })?;
            for (index, channel) in part.via.iter().enumerate() {
                write!(f, "{}{channel}", if index == 0 { "" } else { "-" })?;
            }
            if let Some(amount) = part.amount.filter(|_| parts.len() > 1) {
                write!(f, " ({})", units::grouped(amount.value))?;
            }
        }
        if let Some(suspect) = &self.suspects {
            write!(f, ", suspecting {suspect}")?;
        }
        match &self.fails {
            Some(fails) => write!(f, "; {fails}"),
            None if self.until == PaidUntil::Sent => f.write_str(", as far as it goes"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::With { failure, by } => write!(f, "{by} fails it with {failure}"),
            Self::NoInvoice => f.write_str("there is no invoice for it"),
            Self::NoAnswer => f.write_str("nobody answers"),
            Self::Corrupted { between: Some((first, second)) } => {
                write!(f, "the answer is corrupted between {first} and {second}")
            }
            Self::Corrupted { between: None } => f.write_str("the answer is corrupted somewhere"),
            Self::NeverSent(why) => write!(f, "it is never sent: {why}"),
        }
    }
}

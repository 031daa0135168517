//! What nodes tell of payments, in words.

use super::Event;
use super::words::Names;
use crate::bolt::onion::failure::RecordType;
use crate::bolt::onion::{EncryptedData, Failure, Payload};
use crate::node::{Layer, MessageEvent, PaymentEvent, Setback};
use crate::scenario::grouped;

impl Names {
    /// What happened to a payment, an invoice, an offer or an onion message; nothing for other
    /// events.
    pub(crate) fn of_payments(&self, event: &Event) -> String {
        match event {
            Event::Invoice { role, .. } => format!("{role} makes an invoice"),
            Event::Offer { role, .. } => format!("{role} makes an offer"),
            Event::OnionMessage { role, told } => format!("{role} {}", self.onion_message(told)),
            Event::Payment { role, channel, told } => {
                let channel = channel.as_ref().map_or(String::new(), |name| format!("{name} "));
                format!("{role}: {channel}{}", self.payment(told))
            }
            Event::Tampered { role, message, field, byte } => {
                format!("{role} flips a bit in byte {byte} of {field} in {message}")
            }
            _ => String::new(),
        }
    }

    /// What a node told of a payment, as the end of a sentence that begins with its name.
    pub(crate) fn payment(&self, event: &PaymentEvent) -> String {
        match event {
            PaymentEvent::Read { id, layer } => format!("HTLC {id} says: {}", self.layer(layer)),
            PaymentEvent::GivenBack { id, failure } => {
                format!("gives HTLC {id} back: {}", said(failure))
            }
            PaymentEvent::Received { amount, parts, held, .. } => {
                let parts = match parts {
                    1 => "1 HTLC".to_owned(),
                    parts => format!("{parts} HTLCs"),
                };
                let what = if *held { "holds" } else { "is paid" };
                format!("{what} {} in {parts}", grouped(*amount))
            }
            PaymentEvent::Paid { hold_times, .. } => {
                format!("has paid{}", held(hold_times))
            }
            PaymentEvent::Failed { setback, .. } => {
                format!("did not pay: {}", self.setback(setback))
            }
        }
    }

    /// What a node told of an onion message, as the end of a sentence that begins with its name.
    pub(crate) fn onion_message(&self, event: &MessageEvent) -> String {
        match event {
            MessageEvent::PassedOn { to } => {
                format!("passes the onion message on to {}", self.node(to))
            }
            MessageEvent::Ignored { reason } => format!("ignores an onion message: {reason}"),
            MessageEvent::Requested { amount } => {
                format!("is asked for an invoice over {}", grouped(*amount))
            }
            MessageEvent::Invoiced { amount } => {
                format!("gets the invoice, over {}", grouped(*amount))
            }
            MessageEvent::NoInvoice { error } => format!("gets no invoice: {error}"),
        }
    }

    /// Why a payment came back.
    pub(crate) fn setback(&self, setback: &Setback) -> String {
        match setback {
            Setback::Failure { node, failure, hold_times } => {
                let failure = match failure {
                    Some(failure) => said(failure),
                    None => "something that makes no sense".to_owned(),
                };
                format!("{} says {failure}{}", self.node(node), held(hold_times))
            }
            Setback::OnChain => "the channel was closed, and nobody took it".to_owned(),
            Setback::Corrupted { between: None } => {
                "what came back is corrupted, and nobody can tell by whom".to_owned()
            }
            Setback::Corrupted { between: Some((before, node)) } => {
                let before = before.map_or("the payer".to_owned(), |before| self.node(&before));
                let node = self.node(node);
                format!("what came back was corrupted between {before} and {node}")
            }
        }
    }

    /// What a hop learns from its layer.
    fn layer(&self, layer: &Layer) -> String {
        let Payload { amt_to_forward, outgoing_cltv_value, short_channel_id, .. } = &*layer.payload;
        let mut said = Vec::new();
        said.push(if layer.last { "for you" } else { "forward" }.to_owned());
        said.extend(amt_to_forward.map(grouped));
        said.extend(short_channel_id.map(|channel| format!("over {}", self.channel_at(channel))));
        let text = said.join(" ");
        let mut said = vec![text];
        said.extend(outgoing_cltv_value.map(|expiry| format!("to expire at {expiry}")));
        if let Some(data) = layer.payload.payment_data {
            said.push(format!("of {} in all", grouped(data.total_msat)));
        }
        if layer.payload.payment_metadata.is_some() {
            said.push("with metadata".to_owned());
        }
        if layer.payload.keysend_preimage.is_some() {
            said.push("with the preimage".to_owned());
        }
        if let Some(total) = layer.payload.total_amount_msat {
            said.push(format!("of {} in all", grouped(total)));
        }
        said.extend(layer.encrypted.as_deref().map(|data| self.encrypted(data)));
        said.join(", ")
    }

    /// What a hop learns from the creator of a blinded path.
    fn encrypted(&self, data: &EncryptedData) -> String {
        let mut said = Vec::new();
        said.extend(
            data.short_channel_id.map(|id| format!("forward over {}", self.channel_at(id))),
        );
        said.extend(data.next_node_id.map(|id| format!("forward to {}", self.node(&id))));
        if let Some(relay) = data.payment_relay {
            said.push(format!(
                "charge {} msat and {} ppm, keep {} blocks",
                relay.fee_base_msat, relay.fee_proportional_millionths, relay.cltv_expiry_delta
            ));
        }
        if data.path_id.is_some() {
            said.push("with its path_id".to_owned());
        }
        format!("blinded: {}", said.join(", "))
    }
}

/// A failure with its data.
fn said(failure: &Failure) -> String {
    let data = match failure {
        Failure::AmountBelowMinimum { htlc_msat, .. }
        | Failure::FeeInsufficient { htlc_msat, .. } => grouped(*htlc_msat),
        Failure::IncorrectCltvExpiry { cltv_expiry, .. }
        | Failure::FinalIncorrectCltvExpiry { cltv_expiry } => {
            format!("an expiry at {cltv_expiry}")
        }
        Failure::IncorrectOrUnknownPaymentDetails { htlc_msat, height } => {
            format!("{}, at height {height}", grouped(*htlc_msat))
        }
        Failure::FinalIncorrectHtlcAmount { incoming_htlc_amt } => grouped(*incoming_htlc_amt),
        // There is no record 0: the node did not get as far as a record.
        Failure::InvalidOnionPayload { tlv_type: RecordType(0), .. } => {
            return failure.name().to_owned();
        }
        Failure::InvalidOnionPayload { tlv_type, offset } => {
            format!("record {} at byte {offset}", tlv_type.0)
        }
        Failure::TemporaryNodeFailure {}
        | Failure::PermanentNodeFailure {}
        | Failure::RequiredNodeFeatureMissing {}
        | Failure::InvalidOnionVersion { .. }
        | Failure::InvalidOnionHmac { .. }
        | Failure::InvalidOnionKey { .. }
        | Failure::TemporaryChannelFailure { .. }
        | Failure::PermanentChannelFailure {}
        | Failure::RequiredChannelFeatureMissing {}
        | Failure::UnknownNextPeer {}
        | Failure::ExpiryTooSoon { .. }
        | Failure::ChannelDisabled { .. }
        | Failure::ExpiryTooFar {}
        | Failure::MppTimeout {}
        | Failure::InvalidOnionBlinding { .. }
        | Failure::Unknown { .. } => return failure.name().to_owned(),
    };
    format!("{} ({data})", failure.name())
}

/// How long the hops held an HTLC, if any of them did.
fn held(hold_times: &[u32]) -> String {
    if hold_times.iter().all(|time| *time == 0) {
        return String::new();
    }
    let tenths = |time: &u32| format!("{}.{} s", time / 10, time % 10);
    if let [first, others @ ..] = hold_times
        && !others.is_empty()
        && others.iter().all(|time| time == first)
    {
        return format!(" (held for {} by each of {} nodes)", tenths(first), hold_times.len());
    }
    let times: Vec<String> = hold_times.iter().map(tenths).collect();
    format!(" (held for {})", times.join(", "))
}

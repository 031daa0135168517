//! What cheats do to onions: in the layers that they wrap, in messages, in what they replay.

use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::onion::AttributionData;
use crate::bolt::wire::Message;
use crate::bolt::wire::codec::TlvValue;
use crate::node::Payee;
use crate::node::cheat::{self, LayerChange};
use crate::scenario::{At, ChannelName, LayerEdit, RoleName, TamperedField};
use crate::trace::Event;

/// A message field that a cheat will change.
pub(super) struct Tampering {
    pub(super) role: RoleName,
    pub(super) field: TamperedField,
    pub(super) byte: u32,
}

impl Lab<'_> {
    pub(super) fn replay(
        &mut self,
        by: &At<RoleName>,
        channel: &At<ChannelName>,
    ) -> Result<(), Stop> {
        let handle = self.handle(channel)?;
        self.must_be_online(&by.value)?;
        let Ok(offer) = cheat::replay(self.node(&by.value)?, &handle) else {
            let message = format!("{by} has offered no HTLC that it could replay");
            return Err(failed(Some(by.at), message));
        };
        self.act(&by.value, "replay an onion", |node| cheat::offer(node, handle, offer))?;
        self.deliver()
    }

    /// Flips a bit in a message of a cheat, if it is one that it is to tamper with.
    pub(super) fn tamper(&mut self, from: &RoleName, message: &mut Message) -> Option<Event> {
        let position = self.tamperings.iter().position(|tampering| {
            tampering.role == *from && flip(message, tampering.field, tampering.byte)
        })?;
        let Tampering { role, field, byte } = self.tamperings.remove(position);
        Some(Event::Tampered { role, message: message.name().to_owned(), field, byte })
    }
}

/// Flips the lowest bit of this byte of the field; false if the message has no such field or byte.
fn flip(message: &mut Message, field: TamperedField, byte: u32) -> bool {
    let flip = |bytes: &mut [u8]| {
        let byte = usize::try_from(byte).ok().and_then(|byte| bytes.get_mut(byte));
        byte.map(|byte| *byte ^= 1).is_some()
    };
    let flip_attribution = |data: &mut Option<Box<AttributionData>>| {
        data.as_mut().is_some_and(|data| {
            let mut bytes = data.to_bytes();
            let flipped = flip(&mut bytes);
            **data = AttributionData::from_bytes(&bytes);
            flipped
        })
    };
    match (field, message) {
        (TamperedField::Onion, Message::UpdateAddHtlc(add)) => {
            flip(&mut add.onion_routing_packet.0[..])
        }
        (TamperedField::Reason, Message::UpdateFailHtlc(fail)) => flip(&mut fail.reason.0),
        (TamperedField::AttributionData, Message::UpdateFailHtlc(fail)) => {
            flip_attribution(&mut fail.attribution_data)
        }
        (TamperedField::AttributionData, Message::UpdateFulfillHtlc(fulfill)) => {
            flip_attribution(&mut fulfill.attribution_data)
        }
        _ => false,
    }
}

/// The invoice as the payer reads it.
pub(super) fn misread(payee: Payee, character: Option<At<u32>>) -> Result<Payee, Stop> {
    let (Payee::Invoice(text), Some(character)) = (&payee, character) else { return Ok(payee) };
    let mut bytes = text.clone().into_bytes();
    let length = bytes.len();
    let byte = usize::try_from(character.value).ok().and_then(|index| bytes.get_mut(index));
    let beyond = || failed(Some(character.at), format!("the invoice has {length} characters"));
    *byte.ok_or_else(beyond)? ^= 1;
    // An invoice is ASCII, and stays so.
    String::from_utf8(bytes).map(Payee::Invoice).map_err(|error| failed(None, error.to_string()))
}

pub(super) fn layer_change(edit: &LayerEdit) -> LayerChange {
    let amount = edit.amt_to_forward.map(|amount| (2, amount.to_value()));
    let expiry = edit.outgoing_cltv_value.map(|height| (4, height.0.to_value()));
    let channel = edit.short_channel_id.map(|channel| (6, channel.to_value()));
    let named = [amount, expiry, channel].into_iter().flatten();
    LayerChange {
        total: edit.total_msat,
        omit: edit.omit.clone(),
        records: named.chain(edit.records.iter().cloned()).collect(),
        length: edit.length,
    }
}

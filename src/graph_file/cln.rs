//! `lightning-cli listchannels`: a record for each direction of a channel.

use bitcoin::Amount;
use serde::Deserialize;

use super::array;
use super::loader::{Ends, Loader, Malformed, NodeId, SkipReason};
use super::number::Number;
use crate::bolt::routing::fees::MOST;
use crate::bolt::routing::{Direction, InboundFee, Policy};
use crate::bolt::units::{CltvExpiryDelta, Msat, ShortChannelId};

/// An element of `channels`.
#[derive(Deserialize)]
pub(super) struct Half {
    source: NodeId,
    destination: NodeId,
    short_channel_id: String,
    /// Missing before 22.11.
    direction: Option<Number>,
    amount_msat: Number,
    active: bool,
    base_fee_millisatoshi: Number,
    fee_per_millionth: Number,
    delay: Number,
    htlc_minimum_msat: Number,
    /// Missing if the update has none.
    htlc_maximum_msat: Option<Number>,
}

array! {
    /// Reads `channels`.
    Channels of Half, "an array of channels", add
}

fn add(loader: &mut Loader, half: &Half) -> Result<(), Malformed> {
    let (source, destination) = (loader.check(half.source)?, loader.check(half.destination)?);
    let short_channel_id = half.short_channel_id.parse::<ShortChannelId>();
    let short_channel_id = short_channel_id.map_err(|_| Malformed::ShortChannelId)?;
    let (direction, nodes) = if source < destination {
        (Direction::FromNode1, [source, destination])
    } else {
        (Direction::FromNode2, [destination, source])
    };
    let stated = half.direction.map(Number::to::<u8>);
    if source != destination && stated.is_some_and(|it| it != Some(number(direction))) {
        loader.skip(SkipReason::OutOfOrder);
        return Ok(());
    }
    let Some(capacity) = half.amount_msat.to::<u64>() else {
        loader.skip(SkipReason::Capacity);
        return Ok(());
    };
    let capacity = Some(Amount::from_sat(capacity / 1000));
    let Some(policy) = half.said() else {
        loader.skip(SkipReason::Policy);
        return Ok(());
    };
    let ends = Ends { short_channel_id, nodes, capacity };
    match loader.known(&ends) {
        None => {
            if let Some(channel) = loader.add_channel(&ends) {
                loader.set_policy(channel, direction, policy);
            }
        }
        Some(Err(_)) => loader.skip(SkipReason::Contradicted),
        Some(Ok(channel)) => match loader.policy(channel, direction) {
            None => loader.set_policy(channel, direction, policy),
            Some(before) if before == policy => loader.skip(SkipReason::Repeated),
            Some(_) => loader.skip(SkipReason::Contradicted),
        },
    }
    Ok(())
}

/// The bit `direction` of `channel_flags`.
fn number(direction: Direction) -> u8 {
    match direction {
        Direction::FromNode1 => 0,
        Direction::FromNode2 => 1,
    }
}

impl Half {
    /// The same as a `channel_update` says it; `None` if none can.
    fn said(&self) -> Option<Policy> {
        let most = self.htlc_maximum_msat.map_or(Some(MOST.0), Number::to)?;
        Some(Policy {
            cltv_expiry_delta: CltvExpiryDelta(self.delay.to()?),
            htlc_minimum_msat: Msat(self.htlc_minimum_msat.to()?),
            htlc_maximum_msat: Msat(most),
            fee_base_msat: self.base_fee_millisatoshi.to()?,
            fee_proportional_millionths: self.fee_per_millionth.to()?,
            inbound: InboundFee::NONE,
            disabled: !self.active,
        })
    }
}

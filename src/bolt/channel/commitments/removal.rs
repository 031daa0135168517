//! How HTLCs are removed, and the messages that say so.

use bitcoin::hashes::sha256;

use crate::bolt::onion::AttributionData;
use crate::bolt::units::HtlcId;
use crate::bolt::wire::messages::{UpdateFailHtlc, UpdateFailMalformedHtlc, UpdateFulfillHtlc};
use crate::bolt::wire::{Bytes, ChannelId, Message, PaymentPreimage};

/// How the recipient of an HTLC removes it. BOLT 2, "Removing an HTLC".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It takes the amount.
    Fulfilled {
        /// The preimage that it reveals.
        payment_preimage: PaymentPreimage,
        /// How long the nodes held it.
        attribution_data: Option<Box<AttributionData>>,
    },
    /// It gives the amount back.
    Failed {
        /// Why, encrypted for the payer.
        reason: Bytes,
        /// Which nodes passed the reason on, and how long they held the HTLC.
        attribution_data: Option<Box<AttributionData>>,
    },
    /// It gives the amount back, as it cannot read the onion.
    Malformed {
        /// Of the onion that it got.
        sha256_of_onion: sha256::Hash,
        /// What was wrong with it.
        failure_code: u16,
    },
}

impl Removal {
    /// The message that tells the offerer.
    pub fn message(self, channel_id: ChannelId, id: HtlcId) -> Message {
        match self {
            Self::Fulfilled { payment_preimage, attribution_data } => {
                let unknown = Vec::new();
                UpdateFulfillHtlc { channel_id, id, payment_preimage, attribution_data, unknown }
                    .into()
            }
            Self::Failed { reason, attribution_data } => {
                let unknown = Vec::new();
                UpdateFailHtlc { channel_id, id, reason, attribution_data, unknown }.into()
            }
            Self::Malformed { sha256_of_onion, failure_code } => UpdateFailMalformedHtlc {
                channel_id,
                id,
                sha256_of_onion,
                failure_code,
                unknown: Vec::new(),
            }
            .into(),
        }
    }

    /// What a message of the recipient says, if it removes an HTLC.
    pub fn read(message: &Message) -> Option<(HtlcId, Self)> {
        if let Message::UpdateFulfillHtlc(m) = message {
            let attribution_data = m.attribution_data.clone();
            let payment_preimage = m.payment_preimage;
            return Some((m.id, Self::Fulfilled { payment_preimage, attribution_data }));
        }
        if let Message::UpdateFailHtlc(m) = message {
            let attribution_data = m.attribution_data.clone();
            return Some((m.id, Self::Failed { reason: m.reason.clone(), attribution_data }));
        }
        let Message::UpdateFailMalformedHtlc(m) = message else { return None };
        let (sha256_of_onion, failure_code) = (m.sha256_of_onion, m.failure_code);
        Some((m.id, Self::Malformed { sha256_of_onion, failure_code }))
    }

    /// The preimage that it reveals, if the recipient takes the amount.
    pub fn preimage(&self) -> Option<PaymentPreimage> {
        match self {
            Self::Fulfilled { payment_preimage, .. } => Some(*payment_preimage),
            Self::Failed { .. } | Self::Malformed { .. } => None,
        }
    }

    /// Whether the recipient takes the amount.
    pub fn pays(&self) -> bool {
        match self {
            Self::Fulfilled { .. } => true,
            Self::Failed { .. } | Self::Malformed { .. } => false,
        }
    }
}

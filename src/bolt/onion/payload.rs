//! What a hop is told: by the payer in the onion's payload, by the creator of a blinded path in
//! its encrypted data. BOLT 4, "`payload` format" and "Inside `encrypted_recipient_data`".

use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use crate::bolt::features::Features;
use crate::bolt::units::{CltvExpiry, CltvExpiryDelta, Msat};
use crate::bolt::wire::codec::{DecodeError, Field, TlvValue, read_truncated, write_truncated};
use crate::bolt::wire::tlv::tlv_stream;
use crate::bolt::wire::{Bytes, PaymentPreimage, PaymentSecret, ShortChannelId};

tlv_stream! {
    /// `payload`: what the payer tells one hop of a payment.
    Payload {
        2 amt_to_forward: Msat,
        4 outgoing_cltv_value: CltvExpiry,
        6 short_channel_id: ShortChannelId,
        8 payment_data: PaymentData,
        10 encrypted_recipient_data: Bytes,
        12 current_path_key: PublicKey,
        16 payment_metadata: Bytes,
        18 total_amount_msat: Msat,
        /// The preimage itself: a payment that nobody has asked for. bLIP 3.
        5_482_373_484 keysend_preimage: PaymentPreimage,
    }
}

tlv_stream! {
    /// `encrypted_data_tlv`: what the creator of a blinded path tells one hop on it.
    EncryptedData {
        1 padding: Bytes,
        2 short_channel_id: ShortChannelId,
        4 next_node_id: PublicKey,
        6 path_id: Bytes,
        8 next_path_key_override: PublicKey,
        10 payment_relay: PaymentRelay,
        12 payment_constraints: PaymentConstraints,
        14 allowed_features: Features,
    }
}

/// `payment_data`: which payment an HTLC is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentData {
    /// What proves that the payer has the invoice.
    pub payment_secret: PaymentSecret,
    /// The whole payment; other HTLCs bring the rest.
    pub total_msat: Msat,
}

impl TlvValue for PaymentData {
    fn to_value(&self) -> Vec<u8> {
        let mut value = Vec::new();
        self.payment_secret.write(&mut value);
        write_truncated(self.total_msat.0, &mut value);
        value
    }
    fn from_value(mut value: &[u8]) -> Result<Self, DecodeError> {
        let payment_secret = Field::read(&mut value)?;
        let total_msat = Msat(read_truncated(value, 8)?);
        Ok(Self { payment_secret, total_msat })
    }
}

/// `payment_relay`: what a hop of a blinded path charges for relaying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRelay {
    /// How much earlier the outgoing HTLC expires.
    pub cltv_expiry_delta: CltvExpiryDelta,
    /// The part of the outgoing amount that is charged, in millionths.
    pub fee_proportional_millionths: u32,
    /// What is charged whatever the amount.
    pub fee_base_msat: u32,
}

impl TlvValue for PaymentRelay {
    fn to_value(&self) -> Vec<u8> {
        let mut value = Vec::new();
        self.cltv_expiry_delta.write(&mut value);
        self.fee_proportional_millionths.write(&mut value);
        write_truncated(self.fee_base_msat.into(), &mut value);
        value
    }
    fn from_value(mut value: &[u8]) -> Result<Self, DecodeError> {
        let cltv_expiry_delta = Field::read(&mut value)?;
        let fee_proportional_millionths = Field::read(&mut value)?;
        let fee_base_msat = TlvValue::from_value(value)?;
        Ok(Self { cltv_expiry_delta, fee_proportional_millionths, fee_base_msat })
    }
}

/// `payment_constraints`: what a payment over a blinded path must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentConstraints {
    /// No HTLC may expire later.
    pub max_cltv_expiry: CltvExpiry,
    /// No HTLC may be smaller.
    pub htlc_minimum_msat: Msat,
}

impl TlvValue for PaymentConstraints {
    fn to_value(&self) -> Vec<u8> {
        let mut value = Vec::new();
        self.max_cltv_expiry.write(&mut value);
        write_truncated(self.htlc_minimum_msat.0, &mut value);
        value
    }
    fn from_value(mut value: &[u8]) -> Result<Self, DecodeError> {
        let max_cltv_expiry = Field::read(&mut value)?;
        let htlc_minimum_msat = TlvValue::from_value(value)?;
        Ok(Self { max_cltv_expiry, htlc_minimum_msat })
    }
}

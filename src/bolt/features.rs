//! Feature bits. BOLT 9, "Assigned Feature Flags".

use std::fmt;

use serde::{Deserialize, Serialize};

use super::wire::Bytes;
use super::wire::codec::{DecodeError, Field, TlvValue};

/// A feature: it has two bits, an even one that demands it and the odd one above that offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feature {
    /// The even bit.
    pub bit: u32,
    /// The name that BOLT 9 gives it.
    pub name: &'static str,
}

macro_rules! features {
    ($($bit:literal $constant:ident $name:literal;)*) => {
        #[allow(missing_docs, reason = "the names are the specification's")]
        impl Feature {
            $(pub const $constant: Self = Self { bit: $bit, name: $name };)*
            /// All that BOLT 9 assigns.
            pub const ALL: &'static [Self] = &[$(Self::$constant,)*];
        }
    };
}

features! {
    0 DATA_LOSS_PROTECT "option_data_loss_protect";
    4 UPFRONT_SHUTDOWN_SCRIPT "option_upfront_shutdown_script";
    6 GOSSIP_QUERIES "gossip_queries";
    8 VAR_ONION_OPTIN "var_onion_optin";
    10 GOSSIP_QUERIES_EX "gossip_queries_ex";
    12 STATIC_REMOTEKEY "option_static_remotekey";
    14 PAYMENT_SECRET "payment_secret";
    16 BASIC_MPP "basic_mpp";
    18 LARGE_CHANNELS "option_support_large_channel";
    22 ANCHORS "option_anchors";
    24 ROUTE_BLINDING "option_route_blinding";
    26 SHUTDOWN_ANYSEGWIT "option_shutdown_anysegwit";
    28 DUAL_FUND "option_dual_fund";
    34 QUIESCE "option_quiesce";
    36 ATTRIBUTION_DATA "option_attribution_data";
    38 ONION_MESSAGES "option_onion_messages";
    42 PROVIDE_STORAGE "option_provide_storage";
    44 CHANNEL_TYPE "option_channel_type";
    46 SCID_ALIAS "option_scid_alias";
    48 PAYMENT_METADATA "option_payment_metadata";
    50 ZEROCONF "option_zeroconf";
    60 SIMPLE_CLOSE "option_simple_close";
    62 SPLICE "option_splice";
}

impl Feature {
    /// The feature that this bit, even or odd, belongs to.
    pub fn of_bit(bit: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|feature| feature.bit == bit & !1)
    }

    /// Whether it means something in an invoice: the 9 of BOLT 9's contexts, and the two that BOLT
    /// 11's examples have and that all nodes are assumed to know by now.
    pub fn is_in_invoices(self) -> bool {
        [
            Self::VAR_ONION_OPTIN,
            Self::PAYMENT_SECRET,
            Self::BASIC_MPP,
            Self::ROUTE_BLINDING,
            Self::ATTRIBUTION_DATA,
            Self::PAYMENT_METADATA,
        ]
        .contains(&self)
    }

    /// The feature that must be set beside it.
    pub fn dependency(self) -> Option<Self> {
        match self {
            Self::BASIC_MPP => Some(Self::PAYMENT_SECRET),
            Self::ZEROCONF => Some(Self::SCID_ALIAS),
            Self::SIMPLE_CLOSE => Some(Self::SHUTDOWN_ANYSEGWIT),
            _ => None,
        }
    }
}

/// A set of feature bits: bit 0 is the lowest bit of the last byte.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Features(Bytes);

impl Features {
    /// The set that these bytes stand for; they are kept as they are, leading zeros too.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(Bytes(bytes.to_vec()))
    }

    /// The bytes, as they came or in their shortest form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.0
    }

    /// The set with this bit as well.
    #[must_use]
    pub fn with_bit(mut self, bit: u32) -> Self {
        let position = usize::try_from(bit / 8).unwrap_or(usize::MAX);
        let bytes = &mut self.0.0;
        let missing = position.saturating_add(1).saturating_sub(bytes.len());
        bytes.splice(0..0, std::iter::repeat_n(0, missing));
        if let Some(byte) = bytes.iter_mut().rev().nth(position) {
            *byte |= 1 << (bit % 8);
        }
        self
    }

    /// The set that demands this feature as well.
    #[must_use]
    pub fn requiring(self, feature: Feature) -> Self {
        self.with_bit(feature.bit)
    }

    /// The set that offers this feature as well.
    #[must_use]
    pub fn offering(self, feature: Feature) -> Self {
        self.with_bit(feature.bit | 1)
    }

    /// The bits that are set, in ascending order.
    pub fn bits(&self) -> impl Iterator<Item = u32> {
        (0_u32..).step_by(8).zip(self.0.0.iter().rev()).flat_map(|(first, byte)| {
            (0_u32..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| first | bit)
        })
    }

    /// Whether this bit is set.
    pub fn has_bit(&self, bit: u32) -> bool {
        self.bits().any(|set| set == bit)
    }

    /// Whether the feature is demanded or offered.
    pub fn supports(&self, feature: Feature) -> bool {
        self.bits().any(|bit| bit & !1 == feature.bit)
    }

    /// Whether the feature is demanded.
    pub fn requires(&self, feature: Feature) -> bool {
        self.has_bit(feature.bit)
    }

    /// Whether no bit is set.
    pub fn is_empty(&self) -> bool {
        self.0.0.iter().all(|byte| *byte == 0)
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Features")?;
        f.debug_list().entries(self.bits()).finish()
    }
}

impl Field for Features {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Field::read(input).map(Self)
    }
}

impl TlvValue for Features {
    fn to_value(&self) -> Vec<u8> {
        self.0.to_value()
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        TlvValue::from_value(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_end() {
        let features =
            Features::default().offering(Feature::BASIC_MPP).requiring(Feature::PAYMENT_SECRET);
        assert_eq!(features.as_bytes(), [0x02, 0x40, 0x00]);
        assert_eq!(features.bits().collect::<Vec<_>>(), [14, 17]);
        assert!(features.supports(Feature::BASIC_MPP) && !features.requires(Feature::BASIC_MPP));
        assert!(features.requires(Feature::PAYMENT_SECRET));
        assert!(!features.supports(Feature::ANCHORS));
        assert_eq!(Feature::of_bit(17), Some(Feature::BASIC_MPP));
        assert_eq!(Feature::of_bit(3), None);
    }

    #[test]
    fn leading_zeros_are_kept() {
        let features = Features::from_bytes(&[0, 0, 1]);
        assert_eq!((features.as_bytes(), features.has_bit(0)), (&[0, 0, 1][..], true));
        assert!(Features::from_bytes(&[0]).is_empty());
    }
}

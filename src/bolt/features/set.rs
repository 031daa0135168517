//! A set of feature bits, as bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Bit, Feature};
use crate::bolt::wire::Bytes;
use crate::bolt::wire::codec::{DecodeError, Field, TlvValue};

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

    /// Whether this bit is set, or the other one of its pair.
    pub fn has_pair(&self, bit: u32) -> bool {
        self.bits().any(|set| set | 1 == bit | 1)
    }

    /// Whether the feature is demanded or offered.
    pub fn supports(&self, feature: Feature) -> bool {
        self.has_pair(feature.bit)
    }

    /// Whether the feature is demanded; it is if both of its bits are set.
    pub fn requires(&self, feature: Feature) -> bool {
        self.has_bit(feature.bit)
    }

    /// Whether no bit is set.
    pub fn is_empty(&self) -> bool {
        self.0.0.iter().all(|byte| *byte == 0)
    }

    /// Whether there is no byte too many in front, as most senders must see to.
    pub fn is_minimal(&self) -> bool {
        self.0.0.first() != Some(&0)
    }

    /// All bits of both, in as many bytes as the longer one has: what `globalfeatures` and
    /// `features` of an `init` mean together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (longer, shorter) = if self.as_bytes().len() < other.as_bytes().len() {
            (other, self)
        } else {
            (self, other)
        };
        let mut union = longer.clone();
        for (byte, more) in union.0.0.iter_mut().rev().zip(shorter.as_bytes().iter().rev()) {
            *byte |= more;
        }
        union
    }
}

/// In their shortest form.
impl FromIterator<u32> for Features {
    fn from_iter<I: IntoIterator<Item = u32>>(bits: I) -> Self {
        bits.into_iter().fold(Self::default(), Self::with_bit)
    }
}

/// The features by name: `option_static_remotekey (required), basic_mpp, unknown bit 101`.
impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bits = self.bits();
        let Some(first) = bits.next() else { return f.write_str("no features") };
        write!(f, "{}", Bit(first))?;
        bits.try_for_each(|bit| write!(f, ", {}", Bit(bit)))
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

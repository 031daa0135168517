//! Whole numbers, as LND and CLN write them.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A number that stands there as such (`7`), as text (`"7"`, where LND has 64 bits), or with its
/// unit (`"7msat"`, as CLN had it before 23.08).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(i128);

impl Number {
    /// The number, if the type has it.
    pub(super) fn to<T: TryFrom<i128>>(self) -> Option<T> {
        T::try_from(self.0).ok()
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, as such or as text")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
        Ok(Number(value.into()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        let digits = text.strip_suffix("msat").unwrap_or(text);
        let plain = digits.strip_prefix('-').unwrap_or(digits);
        let number = digits.parse().ok().filter(|_| plain.bytes().all(|it| it.is_ascii_digit()));
        number.map(Number).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

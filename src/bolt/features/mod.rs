//! Feature bits. BOLT 9, "Assigned Feature Flags".
//!
//! One table says what each feature is called, where it is presented and what it depends on.
//! [`Features`] is a set of bits; what may be sent and what must be refused is in `check`, what two
//! nodes have in common in `negotiation`.

mod check;
mod negotiation;
mod set;

use std::fmt;

pub use check::FeatureError;
pub use negotiation::Incompatible;
pub use set::Features;

/// A feature: it has two bits, an even one that demands it and the odd one above that offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feature {
    /// The even bit.
    pub bit: u32,
    /// The name that BOLT 9 gives it.
    pub name: &'static str,
}

/// What the table says of a feature; apart from it, as errors carry features about.
struct Row {
    feature: Feature,
    assumed: bool,
    presented: &'static [(Context, Presence)],
}

/// A field of features. The BOLT's letter for each is in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// An `init` message (`I`).
    Init,
    /// A `node_announcement` (`N`).
    NodeAnnouncement,
    /// A `channel_announcement` (`C`).
    ChannelAnnouncement,
    /// An invoice of BOLT 11 (`9`).
    Invoice,
    /// The `allowed_features` of a blinded path (`B`).
    BlindedPath,
    /// A `channel_type` (`T`).
    ChannelType,
}

/// Which bit of a pair presents a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// The one that says what the sender means.
    Either,
    /// The odd one, always (`C-`).
    Optional,
    /// The even one, always (`C+`).
    Required,
}

impl Presence {
    /// Whether this bit of the pair may be set.
    pub fn allows(self, bit: u32) -> bool {
        match self {
            Self::Either => true,
            Self::Optional => !bit.is_multiple_of(2),
            Self::Required => bit.is_multiple_of(2),
        }
    }
}

/// A field and a presence, as the BOLT's table abbreviates them.
#[rustfmt::skip]
macro_rules! presented {
    (I) => { (Context::Init, Presence::Either) };
    (N) => { (Context::NodeAnnouncement, Presence::Either) };
    (C) => { (Context::ChannelAnnouncement, Presence::Either) };
    ((C-)) => { (Context::ChannelAnnouncement, Presence::Optional) };
    ((C+)) => { (Context::ChannelAnnouncement, Presence::Required) };
    (9) => { (Context::Invoice, Presence::Either) };
    (B) => { (Context::BlindedPath, Presence::Either) };
    (T) => { (Context::ChannelType, Presence::Either) };
}

/// A row of the table: `ASSUMED`, or where the feature is presented.
macro_rules! row {
    ($feature:expr, ASSUMED) => {
        Row { feature: $feature, assumed: true, presented: &[] }
    };
    ($feature:expr, [$($presented:tt)*]) => {
        Row { feature: $feature, assumed: false, presented: &[$(presented!($presented)),*] }
    };
}

macro_rules! features {
    ($($bit:literal $constant:ident $name:literal $row:tt $(needs $needs:ident)?;)*) => {
        #[allow(missing_docs, reason = "the names are the specification's")]
        impl Feature {
            $(pub const $constant: Self = Self { bit: $bit, name: $name };)*
            /// All that BOLT 9 assigns.
            pub const ALL: &'static [Self] = &[$(Self::$constant,)*];
            /// Features, each with the one that must be set beside it.
            pub const DEPENDENCIES: &'static [(Self, Self)] =
                &[$($((Self::$constant, Self::$needs),)?)*];
            const ROWS: &'static [Row] = &[$(row!(Self::$constant, $row),)*];
        }
    };
}

features! {
    0 DATA_LOSS_PROTECT "option_data_loss_protect" ASSUMED;
    4 UPFRONT_SHUTDOWN_SCRIPT "option_upfront_shutdown_script" [I N];
    6 GOSSIP_QUERIES "gossip_queries" [];
    8 VAR_ONION_OPTIN "var_onion_optin" ASSUMED;
    10 GOSSIP_QUERIES_EX "gossip_queries_ex" [I N];
    12 STATIC_REMOTEKEY "option_static_remotekey" ASSUMED;
    14 PAYMENT_SECRET "payment_secret" ASSUMED;
    16 BASIC_MPP "basic_mpp" [I N 9] needs PAYMENT_SECRET;
    18 LARGE_CHANNELS "option_support_large_channel" [I N];
    22 ANCHORS "option_anchors" [I N T];
    24 ROUTE_BLINDING "option_route_blinding" [I N 9];
    26 SHUTDOWN_ANYSEGWIT "option_shutdown_anysegwit" [I N];
    28 DUAL_FUND "option_dual_fund" [I N];
    34 QUIESCE "option_quiesce" [I N];
    36 ATTRIBUTION_DATA "option_attribution_data" [I N 9];
    38 ONION_MESSAGES "option_onion_messages" [I N];
    42 PROVIDE_STORAGE "option_provide_storage" [I N];
    44 CHANNEL_TYPE "option_channel_type" ASSUMED;
    46 SCID_ALIAS "option_scid_alias" [I N T];
    48 PAYMENT_METADATA "option_payment_metadata" [9];
    50 ZEROCONF "option_zeroconf" [I N T] needs SCID_ALIAS;
    60 SIMPLE_CLOSE "option_simple_close" [I N] needs SHUTDOWN_ANYSEGWIT;
    62 SPLICE "option_splice" [I N];
}

impl Feature {
    /// The feature that this bit, even or odd, belongs to.
    pub fn of_bit(bit: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|feature| feature.bit == bit & !1)
    }

    /// The feature of this name, as BOLT 9 spells it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|feature| feature.name == name)
    }

    fn row(self) -> Option<&'static Row> {
        Self::ROWS.iter().find(|row| row.feature == self)
    }

    /// Whether all nodes are assumed to have it, so that its bits say nothing any more.
    pub fn is_assumed(self) -> bool {
        self.row().is_some_and(|row| row.assumed)
    }

    /// Where it is presented, and with which of its bits.
    pub fn presented(self) -> &'static [(Context, Presence)] {
        self.row().map_or(&[], |row| row.presented)
    }

    /// Which of its bits presents it in this field; `None` if it has no place there.
    pub fn presence(self, context: Context) -> Option<Presence> {
        let found = self.presented().iter().find(|(presented, _)| *presented == context);
        found.map(|(_, presence)| *presence)
    }

    /// Whether it means something in an invoice: the 9 of BOLT 9's contexts, and the two that BOLT
    /// 11's examples have and that all nodes are assumed to know by now.
    pub fn is_in_invoices(self) -> bool {
        let of_examples = [Self::VAR_ONION_OPTIN, Self::PAYMENT_SECRET];
        self.presence(Context::Invoice).is_some() || of_examples.contains(&self)
    }

    /// The feature that must be set beside it.
    pub fn dependency(self) -> Option<Self> {
        let found = Self::DEPENDENCIES.iter().find(|(feature, _)| *feature == self);
        found.map(|(_, needs)| *needs)
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A bit by the name of its feature, and whether it demands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bit(u32);

impl fmt::Display for Bit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Feature::of_bit(self.0) {
            Some(feature) => write!(f, "{feature}")?,
            None => write!(f, "unknown bit {}", self.0)?,
        }
        f.write_str(if self.0.is_multiple_of(2) { " (required)" } else { "" })
    }
}

#[cfg(test)]
mod tests;

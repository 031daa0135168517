//! What a field of features may say: by its receiver, and by its sender.

use thiserror::Error;

use super::{Bit, Context, Feature, Features};

/// Why a field of features is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FeatureError {
    /// A bit that the receiver does not know, and may not ignore there.
    #[error("take features: {} is not known here", Bit(*bit))]
    Unknown {
        /// The bit.
        bit: u32,
    },
    /// A feature without the one that it depends on.
    #[error("take features: {feature} needs {needs}")]
    MissingDependency {
        /// What is set.
        feature: Feature,
        /// What is not.
        needs: Feature,
    },
    /// A feature that is offered and demanded at once.
    #[error("send features: {feature} is set twice, by both of its bits")]
    BothBits {
        /// The feature.
        feature: Feature,
    },
    /// A feature in a field where it has no place.
    #[error("send features: {feature} is not for this field ({context:?})")]
    OutOfPlace {
        /// The feature.
        feature: Feature,
        /// The field.
        context: Context,
    },
    /// A feature that is always presented by its other bit in this field.
    #[error("send features: {} must be the other bit of its pair ({context:?})", Bit(*bit))]
    WrongBit {
        /// The bit.
        bit: u32,
        /// The field.
        context: Context,
    },
    /// More bytes than the bits need, where they must be as few as can be.
    #[error("send features: they have more bytes than they need")]
    NotMinimal,
}

impl Features {
    /// Whether a node that knows the features `known` may go on with these, as it received them.
    ///
    /// Assumed features are known to all, whether they are set or not. A feature whose two bits
    /// are set is demanded; that is the sender's fault, and no reason to refuse it.
    ///
    /// # Errors
    /// [`FeatureError::Unknown`] and [`FeatureError::MissingDependency`].
    pub fn check(&self, context: Context, known: &Self) -> Result<(), FeatureError> {
        let must_know = |bit: &u32| bit.is_multiple_of(2) || context == Context::BlindedPath;
        let is_known =
            |bit: u32| known.has_pair(bit) || Feature::of_bit(bit).is_some_and(Feature::is_assumed);
        if let Some(bit) = self.bits().filter(must_know).find(|bit| !is_known(*bit)) {
            return Err(FeatureError::Unknown { bit });
        }
        match context {
            Context::Init | Context::Invoice => {
                self.check_dependencies(|feature| known.supports(feature))
            }
            Context::NodeAnnouncement
            | Context::ChannelAnnouncement
            | Context::BlindedPath
            | Context::ChannelType => Ok(()),
        }
    }

    /// Whether these features may be sent in this field.
    ///
    /// Assumed features, and one that BOLT 9 gives no field, may stand anywhere, as nodes have
    /// always sent them; and about bits that it does not assign there is nothing to say.
    ///
    /// # Errors
    /// All but [`FeatureError::Unknown`].
    pub fn check_sent(&self, context: Context) -> Result<(), FeatureError> {
        for bit in self.bits() {
            if let Some(feature) = Feature::of_bit(bit) {
                self.check_bit(bit, feature, context)?;
            }
        }
        // Channel types are a list of their own: there, zeroconf does not need an alias.
        if context != Context::ChannelType {
            self.check_dependencies(|_| true)?;
        }
        // An invoice counts its own length, in groups of five bits.
        let must_be_minimal = context == Context::ChannelAnnouncement;
        if must_be_minimal && !self.is_minimal() { Err(FeatureError::NotMinimal) } else { Ok(()) }
    }

    /// Whether this bit of a feature may be sent in this field.
    pub(super) fn check_bit(
        &self,
        bit: u32,
        feature: Feature,
        context: Context,
    ) -> Result<(), FeatureError> {
        if self.has_bit(bit ^ 1) {
            return Err(FeatureError::BothBits { feature });
        }
        match feature.presence(context) {
            Some(presence) if presence.allows(bit) => Ok(()),
            Some(_) => Err(FeatureError::WrongBit { bit, context }),
            None if feature.presented().is_empty() => Ok(()),
            None => Err(FeatureError::OutOfPlace { feature, context }),
        }
    }

    /// Each feature that counts must come with the one that it depends on. An assumed one is there
    /// even if it is not set.
    fn check_dependencies(&self, counts: impl Fn(Feature) -> bool) -> Result<(), FeatureError> {
        let missing = Feature::DEPENDENCIES.iter().find(|(feature, needs)| {
            let set = self.supports(*feature) && counts(*feature);
            set && !needs.is_assumed() && !self.supports(*needs)
        });
        match missing {
            Some(&(feature, needs)) => Err(FeatureError::MissingDependency { feature, needs }),
            None => Ok(()),
        }
    }
}

//! A channel whose messages a script writes. What the script changed is what the channel believes
//! from then on, so that what follows fits: the keys and signatures are still our own.

use std::sync::Arc;

use super::opening::{Opening, Proposal};
use super::terms::{PartyTerms, Terms};
use super::{ChannelSecrets, Commitments, Phase};
use crate::bolt::tx::TxError;
use crate::bolt::wire::messages::{AcceptChannel, OpenChannel};
use crate::bolt::wire::{ChannelTypeBits, Message};

impl Phase {
    /// The phase of a side that has sent this message, which need not be the one that it made.
    #[must_use]
    pub fn having_sent(&self, message: &Message) -> Self {
        if let (Self::Opening(Opening::Proposed(proposal)), Message::OpenChannel(open)) =
            (self, message)
        {
            return Self::Opening(Opening::Proposed(proposal.having_proposed(open)));
        }
        if let (Self::Opening(Opening::Accepted(proposal)), Message::AcceptChannel(accept)) =
            (self, message)
        {
            return Self::Opening(Opening::Accepted(proposal.having_accepted(accept)));
        }
        let with = |change: &dyn Fn(&Commitments) -> Commitments| match self {
            Self::Normal(normal) => normal.with(change(&normal.commitments)).into(),
            Self::Shutdown(shutdown) => {
                Self::Shutdown(shutdown.with(change(&shutdown.commitments)))
            }
            Self::Opening(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_)
            | Self::Closing(_)
            | Self::Closed(_) => self.clone(),
        };
        if let Message::UpdateAddHtlc(add) = message {
            return with(&|commitments| commitments.having_added(add));
        }
        if let Message::UpdateFee(update) = message {
            return with(&|commitments| commitments.having_updated_fee(update));
        }
        match (self, message) {
            (Self::Shutdown(shutdown), Message::Shutdown(sent)) => {
                Self::Shutdown(shutdown.having_sent(sent))
            }
            (phase, _) => phase.clone(),
        }
    }
}

impl Phase {
    /// A `closing_signed` with our signature for the fee that it names, which need not be one that we
    /// would propose; and the phase of who has signed that. Nothing else changes.
    ///
    /// # Errors
    /// [`TxError`] if the signature cannot be made.
    pub fn signing(
        &self,
        secrets: &ChannelSecrets,
        message: Message,
    ) -> Result<(Self, Message), TxError> {
        let Message::ClosingSigned(mut closing) = message else {
            return Ok((self.clone(), message));
        };
        let next = match self {
            Self::Negotiating(negotiating) => {
                Self::Negotiating(negotiating.signing(secrets, &mut closing)?)
            }
            Self::Closing(before) => match before.agreed() {
                Some(negotiating) => {
                    let negotiating = negotiating.signing(secrets, &mut closing)?;
                    Self::Closing(before.with(Self::Negotiating(negotiating)))
                }
                None => self.clone(),
            },
            Self::Opening(_)
            | Self::Normal(_)
            | Self::Shutdown(_)
            | Self::SimpleClosing(_)
            | Self::Closed(_) => self.clone(),
        };
        Ok((next, closing.into()))
    }
}

impl Proposal {
    fn having_proposed(&self, open: &OpenChannel) -> Self {
        let party: PartyTerms = open.into();
        let known = open.channel_type.as_ref().and_then(ChannelTypeBits::known);
        let terms = Terms {
            capacity: open.funding_satoshis,
            push: open.push_msat,
            feerate: open.feerate_per_kw,
            channel_type: known.unwrap_or(self.terms.channel_type),
            local: party.clone(),
            remote: party,
            ..(*self.terms).clone()
        };
        let temporary_channel_id = open.temporary_channel_id;
        Self { temporary_channel_id, terms: Arc::new(terms), ..self.clone() }
    }

    fn having_accepted(&self, accept: &AcceptChannel) -> Self {
        let terms = Terms {
            minimum_depth: accept.minimum_depth,
            local: accept.into(),
            ..(*self.terms).clone()
        };
        Self { terms: Arc::new(terms), ..self.clone() }
    }
}

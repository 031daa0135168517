//! A channel whose messages a script writes. What the script changed is what the channel believes
//! from then on, so that what follows fits: the keys and signatures are still our own.

use std::sync::Arc;

use bitcoin::{Transaction, TxOut};

use super::opening::{ANNOUNCE_CHANNEL, Agreed, Created, Opening, Proposal};
use super::terms::{PartyTerms, Terms};
use super::{ChannelSecrets, Commitments, Phase};
use crate::bolt::tx::TxError;
use crate::bolt::wire::messages::{AcceptChannel, OpenChannel};
use crate::bolt::wire::{ChannelId, ChannelTypeBits, Message};

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

impl Opening {
    /// The funding output that was agreed on, and the transaction with which we said that we would
    /// fund it, before the peer has signed for that.
    pub fn proposed_funding(&self) -> Option<(TxOut, &Transaction)> {
        match self {
            Self::Created(created) => Some((created.funding.output(), &created.transaction)),
            Self::Proposed(_) | Self::Agreed(_) | Self::Accepted(_) | Self::AwaitingDepth(_) => {
                None
            }
        }
    }

    /// The opening before it had a funding transaction, so that another one can be given.
    #[must_use]
    pub fn without_funding(&self, temporary_channel_id: ChannelId) -> Self {
        match self {
            Self::Created(created) => Self::Agreed(created.agreed(temporary_channel_id)),
            Self::Proposed(_) | Self::Agreed(_) | Self::Accepted(_) | Self::AwaitingDepth(_) => {
                self.clone()
            }
        }
    }
}

impl Created {
    fn agreed(&self, temporary_channel_id: ChannelId) -> Agreed {
        let (terms, remote_point) = (Arc::clone(&self.terms), self.remote_point);
        Agreed { temporary_channel_id, terms, remote_point }
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
        let (channel_type, variations) =
            known.unwrap_or((self.terms.channel_type, self.terms.variations));
        let terms = Terms {
            capacity: open.funding_satoshis,
            push: open.push_msat,
            feerate: open.feerate_per_kw,
            channel_type,
            variations,
            announced: open.channel_flags & ANNOUNCE_CHANNEL != 0,
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

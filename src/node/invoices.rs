//! What this node has asked to be paid for, and the HTLCs that have come for it. BOLT 4, "Basic
//! Multi-Part Payments" and "Failure Messages"; BOLT 2, "`cltv_expiry_delta` Selection".

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::sha256;

use super::forwarding::Incoming;
use super::incoming::{Proof, Receive};
use super::{ChannelHandle, InvoiceRequest, Node, NodeError, NodeEvent, NodeOutput, Outputs};
use crate::bolt::features::{Feature, Features};
use crate::bolt::gossip::Now;
use crate::bolt::invoice::{InvoiceDraft, InvoiceField, InvoiceNetwork};
use crate::bolt::onion::failure::Failure;
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::bolt::wire::{Bytes, PaymentPreimage, PaymentSecret};

/// How long the parts of a payment may wait for the others, in seconds.
const MPP_TIMEOUT: u64 = 60;

/// How many blocks before its expiry an HTLC must be fulfilled: later, fulfilling it on chain might
/// lose the race. BOLT 2: 2R+G+S.
const FULFILLMENT_DEADLINE: u32 = 18;

/// A payment that this node has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    /// How much; `None` for whatever comes.
    pub(super) amount: Option<Msat>,
    /// What takes the HTLCs.
    pub(super) preimage: PaymentPreimage,
    /// What the payer must know.
    pub(super) proof: Proof,
    /// What the payer must send along.
    pub(super) payment_metadata: Option<Bytes>,
    /// How far the expiry of an HTLC must lie ahead at least.
    pub(super) min_final_cltv_expiry_delta: CltvExpiryDelta,
    /// Whether several HTLCs may bring it.
    pub(super) basic_mpp: bool,
    /// After when it is not taken any more, in seconds since 1970.
    pub(super) expires_at: u64,
    /// Whether the HTLCs are kept until the node is told what to do with them.
    pub(super) hold: bool,
}

/// How far a payment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// These parts are there.
    Open(Vec<Part>),
    /// It is over: paid, or called off.
    Done,
}

/// One HTLC of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    incoming: Incoming,
    amount: Msat,
    total: Msat,
}

/// All payments that this node has asked for, by their hashes.
#[derive(Clone, Debug, Default)]
pub(super) struct Invoices(BTreeMap<sha256::Hash, (Expected, State)>);

/// What becomes of an HTLC that is for this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Its amount is taken.
    Take(Incoming, PaymentPreimage),
    /// It is given back.
    GiveBack(Incoming, Failure),
    /// A payment is complete, in so many parts.
    Complete { payment_hash: sha256::Hash, amount: Msat, parts: usize, held: bool },
}

impl Invoices {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The preimage of a payment that this node has asked for.
    pub(super) fn preimage(&self, payment_hash: &sha256::Hash) -> Option<PaymentPreimage> {
        self.0.get(payment_hash).map(|(expected, _)| expected.preimage)
    }

    /// Expects a payment with this hash.
    pub(super) fn expect(&mut self, payment_hash: sha256::Hash, expected: Expected) {
        self.0.insert(payment_hash, (expected, State::Open(Vec::new())));
    }

    /// An HTLC with this hash has come for this node.
    pub(super) fn receive(
        &mut self,
        now: Now,
        payment_hash: sha256::Hash,
        incoming: Incoming,
        receive: &Receive,
    ) -> Vec<Decision> {
        let Some((expected, state)) = self.0.get_mut(&payment_hash) else {
            return unasked(now, payment_hash, incoming, receive);
        };
        let State::Open(parts) = state else {
            // Whether it was paid before is nobody's business.
            return vec![unknown(now, incoming)];
        };
        if !expected.admits(now, &incoming, receive) {
            return vec![unknown(now, incoming)];
        }
        let total = receive.total;
        let was_complete = parts.first().is_some_and(|first| sum(parts) >= first.total);
        parts.push(Part { incoming, amount: receive.amt_to_forward, total });
        if parts.iter().any(|part| part.total != total) {
            return std::mem::take(parts).into_iter().map(|p| unknown(now, p.incoming)).collect();
        }
        // What comes on top of a payment that is held joins its set: it is told of once.
        if sum(parts) < total || was_complete {
            return Vec::new();
        }
        let complete = Decision::Complete {
            payment_hash,
            amount: sum(parts),
            parts: parts.len(),
            held: expected.hold,
        };
        let taken = if expected.hold { Vec::new() } else { take(expected, state) };
        [complete].into_iter().chain(taken).collect()
    }

    /// Takes a payment that is complete and was held; `None` if there is none.
    pub(super) fn settle(&mut self, payment_hash: &sha256::Hash) -> Option<Vec<Decision>> {
        let (expected, state) = self.0.get_mut(payment_hash)?;
        let State::Open(parts) = state else { return None };
        let complete = parts.first().is_some_and(|first| sum(parts) >= first.total);
        complete.then(|| take(expected, state))
    }

    /// Gives back what has come for a payment and takes nothing more; `None` if there is none, or
    /// it was taken.
    pub(super) fn cancel(
        &mut self,
        now: Now,
        payment_hash: &sha256::Hash,
    ) -> Option<Vec<Decision>> {
        let (_, state) = self.0.get_mut(payment_hash)?;
        match std::mem::replace(state, State::Done) {
            State::Open(parts) => {
                Some(parts.into_iter().map(|part| unknown(now, part.incoming)).collect())
            }
            State::Done => None,
        }
    }

    /// Gives back what has waited too long: for other parts, or for the node to be told. What is on
    /// chain cannot be given back, and may be taken as long as it lies there.
    pub(super) fn pass_time(
        &mut self,
        now: Now,
        on_chain: &BTreeSet<ChannelHandle>,
    ) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for (_, state) in self.0.values_mut() {
            let State::Open(parts) = state else { continue };
            let Some(first) = parts.first() else { continue };
            let incomplete = sum(parts) < first.total;
            let timed_out = now.time >= first.incoming.since.saturating_add(MPP_TIMEOUT);
            let lies_on_chain = |part: &Part| on_chain.contains(&part.incoming.channel);
            let near = |part: &Part| {
                let left = part.incoming.cltv_expiry.0.saturating_sub(now.height.0);
                left < FULFILLMENT_DEADLINE && !lies_on_chain(part)
            };
            if incomplete && timed_out {
                let late = parts.extract_if(.., |part| !lies_on_chain(part));
                decisions.extend(
                    late.map(|part| Decision::GiveBack(part.incoming, Failure::MppTimeout {})),
                );
            } else if parts.iter().any(near) {
                let late = parts.extract_if(.., |part| !lies_on_chain(part));
                decisions.extend(late.map(|part| unknown(now, part.incoming)));
            }
        }
        decisions
    }
}

impl Expected {
    /// Whether the HTLC may be part of the payment.
    fn admits(&self, now: Now, incoming: &Incoming, receive: &Receive) -> bool {
        let total = receive.total;
        let enough = match self.amount {
            Some(amount) => total >= amount && total.0 <= amount.0.saturating_mul(2),
            None => total > Msat::ZERO,
        };
        let ahead = u32::from(self.min_final_cltv_expiry_delta.0).max(FULFILLMENT_DEADLINE);
        let earliest = now.height.0.saturating_add(ahead);
        receive.proof == self.proof
            && enough
            && incoming.cltv_expiry.0 >= earliest
            && receive.payment_metadata == self.payment_metadata
            && (self.basic_mpp || total == receive.amt_to_forward)
            && now.time <= self.expires_at
    }
}

impl Node {
    /// Makes an invoice.
    pub(super) fn invoice(&mut self, request: &InvoiceRequest) -> Outputs {
        let count = u64::try_from(self.invoices.len()).unwrap_or(u64::MAX);
        let preimage = PaymentPreimage(self.seed.bytes("preimage", count));
        let payment_secret = PaymentSecret(self.seed.bytes("payment_secret", count));
        let payment_hash = preimage.hash();
        let InvoiceRequest { min_final_cltv_expiry_delta, payment_metadata, .. } = request.clone();
        let mut features = Features::default()
            .requiring(Feature::VAR_ONION_OPTIN)
            .requiring(Feature::PAYMENT_SECRET)
            .offering(Feature::BASIC_MPP);
        if payment_metadata.is_some() {
            features = features.requiring(Feature::PAYMENT_METADATA);
        }
        let mut draft = InvoiceDraft::new(InvoiceNetwork::Regtest, self.time)
            .with(InvoiceField::PaymentHash(payment_hash))
            .with(InvoiceField::PaymentSecret(payment_secret))
            .with(InvoiceField::Description(request.description.clone()))
            .with(InvoiceField::Features(features))
            .with(InvoiceField::MinFinalCltvExpiryDelta(min_final_cltv_expiry_delta.0.into()))
            .with(InvoiceField::Expiry(request.expiry));
        if let Some(metadata) = &payment_metadata {
            draft = draft.with(InvoiceField::Metadata(metadata.clone()));
        }
        draft.amount = request.amount;
        let invoice = draft.sign(&self.seed.node_secret()).map_err(NodeError::Invoice)?.encode();
        let expected = Expected {
            amount: request.amount,
            preimage,
            proof: Proof::Secret(payment_secret),
            payment_metadata,
            min_final_cltv_expiry_delta,
            basic_mpp: true,
            expires_at: self.time.saturating_add(request.expiry),
            hold: request.hold,
        };
        self.invoices.expect(payment_hash, expected);
        Ok(vec![NodeOutput::Event(NodeEvent::Invoice { payment_hash, invoice })])
    }
}

impl Node {
    /// Takes a payment that is held.
    pub(super) fn settle(&mut self, payment_hash: sha256::Hash) -> Outputs {
        let decisions = self.invoices.settle(&payment_hash);
        self.carry_out_decisions(decisions.ok_or(NodeError::NoSuchInvoice(payment_hash))?)
    }

    /// Gives a payment back that is held.
    pub(super) fn cancel(&mut self, payment_hash: sha256::Hash) -> Outputs {
        let decisions = self.invoices.cancel(self.now(), &payment_hash);
        self.carry_out_decisions(decisions.ok_or(NodeError::NoSuchInvoice(payment_hash))?)
    }
}

/// An HTLC that nothing was asked for: it may bring its own preimage.
fn unasked(
    now: Now,
    payment_hash: sha256::Hash,
    incoming: Incoming,
    receive: &Receive,
) -> Vec<Decision> {
    let earliest = now.height.0.saturating_add(FULFILLMENT_DEADLINE);
    match &receive.proof {
        Proof::Keysend(preimage)
            if preimage.hash() == payment_hash && incoming.cltv_expiry.0 >= earliest =>
        {
            let amount = receive.amt_to_forward;
            let complete = Decision::Complete { payment_hash, amount, parts: 1, held: false };
            vec![complete, Decision::Take(incoming, *preimage)]
        }
        Proof::Keysend(_) | Proof::None | Proof::Secret(_) | Proof::Path(_) => {
            vec![unknown(now, incoming)]
        }
    }
}

/// The answer to every payment that is not expected like this. It does not say why, so that nobody
/// can try out what this node expects.
fn unknown(now: Now, incoming: Incoming) -> Decision {
    let (htlc_msat, height) = (incoming.amount, now.height);
    Decision::GiveBack(incoming, Failure::IncorrectOrUnknownPaymentDetails { htlc_msat, height })
}

fn sum(parts: &[Part]) -> Msat {
    let add = |sum: Msat, part: &Part| sum.checked_add(part.amount).unwrap_or(Msat(u64::MAX));
    parts.iter().fold(Msat::ZERO, add)
}

fn take(expected: &Expected, state: &mut State) -> Vec<Decision> {
    match std::mem::replace(state, State::Done) {
        State::Open(parts) => {
            parts.into_iter().map(|part| Decision::Take(part.incoming, expected.preimage)).collect()
        }
        State::Done => Vec::new(),
    }
}

//! Offers: made, asked about, answered, paid. BOLT 12.
//!
//! ```text
//! payer                         this node
//!   |-- invoice_request --------->|   onion messages, over the offer's path if it has one
//!   |<------ invoice or error ----|   over the request's reply path
//!   |-- HTLCs ------------------->|   over the invoice's blinded path
//! ```

use std::collections::BTreeMap;

use bitcoin::constants::ChainHash;
use secp256k1::{PublicKey, SecretKey};
use thiserror::Error;

use super::blinded::{BlindedWay, Constraints, for_message, to_introduction};
use super::incoming::Proof;
use super::invoices::Expected;
use super::onion_messages::{Letter, MessageEvent, ignored, introduction, tell};
use super::payments::{Plan, Unpayable};
use super::route::{Final, PathHop};
use super::{Node, NodeError, NodeEvent, NodeOutput, Outputs};
use crate::bolt::features::Feature;
use crate::bolt::offer::{
    Accepted, Arrival, Bolt12Invoice, Bolt12InvoiceError, Here, InvoiceError, InvoiceRequest,
    InvoiceRequestError, InvoiceTerms, Kind, Offer, OfferError, OfferFields, OfferId, ParseError,
    Received, RequestTerms,
};
use crate::bolt::onion::{BlindedPath, OnionMessagePayload, blinded_node_secret};
use crate::bolt::units::{CltvExpiry, CltvExpiryDelta, Msat};
use crate::bolt::wire::{Bytes, PaymentPreimage, Repeated};

/// The chain of every lab.
const CHAINS: [ChainHash; 1] = [ChainHash::REGTEST];

/// How many blocks a blinded path for a payment may be used.
const PATH_LIFETIME: CltvExpiryDelta = CltvExpiryDelta(144);

/// An offer to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferRequest {
    /// What an item costs; `None` leaves it to the payer.
    pub amount: Option<Msat>,
    /// What it is for.
    pub description: String,
    /// Over which way payers come; without one, the offer names this node.
    pub way: Option<BlindedWay>,
    /// From when on nobody may ask any more, in seconds since 1970.
    pub absolute_expiry: Option<u64>,
    /// How far ahead the expiry of an HTLC must lie.
    pub min_final_cltv_expiry_delta: CltvExpiryDelta,
}

/// An offer to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferPayment {
    /// The offer. BOLT 12.
    pub offer: String,
    /// How much; `None` is what the offer says.
    pub amount: Option<Msat>,
    /// A note to the issuer.
    pub note: Option<String>,
    /// The path to where the offer's blinded path begins, or to its issuer.
    pub path: Vec<PathHop>,
    /// Whether the request goes to the end of that path, which the payer suspects to be the issuer,
    /// and not along the offer's own path.
    pub suspects: bool,
}

/// An offer of this node's own.
#[derive(Clone, Debug)]
struct OwnOffer {
    offer: Offer,
    /// What is written into the path over which requests come.
    path_id: Option<Bytes>,
    request: OfferRequest,
    /// Whether nobody gets an invoice any more.
    withdrawn: bool,
}

/// A request that waits for its invoice.
#[derive(Clone, Debug)]
struct Asked {
    request: InvoiceRequest,
    /// Whom it was sent to: the issuer, or the end of the offer's path.
    sent_to: Option<PublicKey>,
    /// The end of the path for the reply.
    reply_path: Option<PublicKey>,
    path: Vec<PathHop>,
}

/// What a node remembers of offers.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers {
    own: BTreeMap<OfferId, OwnOffer>,
    /// Requests by what is written into their reply paths.
    asked: BTreeMap<Bytes, Asked>,
    /// How many keys were made for messages, requests and paths.
    keys: u64,
}

/// Why nothing comes of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoDeal {
    /// It is no offer.
    #[error("read the offer: {0}")]
    Offer(ParseError<OfferError>),
    /// It is another kind of string.
    #[error("pay {0:?}: not an offer")]
    Kind(Kind),
    /// It breaks a requirement, or is not for here and now.
    #[error("use the offer: {0}")]
    Unusable(OfferError),
    /// The request would break a requirement.
    #[error("ask for an invoice: {0}")]
    Request(InvoiceRequestError),
    /// It is another node's.
    #[error("withdraw an offer of another node")]
    NotOurs,
    /// A path cannot be made.
    #[error("make a blinded path")]
    Path,
}

impl Node {
    fn here(&self) -> Here<'static> {
        Here { chains: &CHAINS, now: self.time }
    }

    /// A key that was never used before.
    pub(super) fn fresh_key(&mut self) -> SecretKey {
        self.offers.keys = self.offers.keys.saturating_add(1);
        self.seed.key("message", self.offers.keys)
    }

    pub(super) fn fresh_bytes(&mut self) -> Bytes {
        self.offers.keys = self.offers.keys.saturating_add(1);
        Bytes(self.seed.bytes("path_id", self.offers.keys).to_vec())
    }

    /// Makes an offer.
    pub(super) fn make_offer(&mut self, request: OfferRequest) -> Outputs {
        let (mut path_id, mut paths) = (None, None);
        if let Some(way) = &request.way {
            let id = self.fresh_bytes();
            let path = for_message(&self.fresh_key(), &way.nodes(), Some(id.clone()))
                .map_err(|_| NoDeal::Path)?;
            (path_id, paths) = (Some(id), Some(Repeated(vec![path])));
        }
        let fields = OfferFields {
            offer_chains: Some(Repeated(CHAINS.to_vec())),
            offer_amount: request.amount.map(|amount| amount.0),
            offer_description: Some(request.description.clone()),
            offer_absolute_expiry: request.absolute_expiry,
            offer_issuer_id: paths.is_none().then(|| self.id()),
            offer_paths: paths,
            ..OfferFields::default()
        };
        let offer = Offer::new(&fields).map_err(NoDeal::Unusable)?;
        let text = offer.to_string();
        self.offers.own.insert(offer.id(), OwnOffer { offer, path_id, request, withdrawn: false });
        Ok(vec![NodeOutput::Event(NodeEvent::Offer { offer: text })])
    }

    /// Gives no more invoices for an offer.
    pub(super) fn withdraw(&mut self, offer: &str) -> Outputs {
        let offer: Offer = offer.parse().map_err(NoDeal::Offer)?;
        let own = self.offers.own.get_mut(&offer.id()).ok_or(NoDeal::NotOurs)?;
        own.withdrawn = true;
        Ok(Vec::new())
    }

    /// Asks for an invoice for an offer; it is paid when it comes.
    pub(super) fn pay_offer(&mut self, payment: OfferPayment) -> Outputs {
        let offer: Offer = payment.offer.parse().map_err(NoDeal::Offer)?;
        offer.check(self.here()).map_err(NoDeal::Unusable)?;
        let metadata = self.fresh_bytes();
        let payer_key = self.fresh_key();
        let terms = RequestTerms {
            invreq_metadata: metadata,
            invreq_chain: Some(ChainHash::REGTEST),
            invreq_amount: payment.amount,
            invreq_payer_note: payment.note,
            ..RequestTerms::default()
        };
        let request =
            InvoiceRequest::for_offer(&offer, terms, &payer_key).map_err(NoDeal::Request)?;
        let over: Vec<PublicKey> = payment.path.iter().map(|hop| hop.node_id).collect();
        let paths = offer.fields().offer_paths.as_ref().filter(|_| !payment.suspects);
        let path = paths.and_then(|paths| paths.0.first()).cloned();
        // The reply comes back over the same nodes; the issuer itself is none of its path.
        let issuer = usize::from(path.is_none());
        let back: Vec<PublicKey> =
            over.iter().rev().skip(issuer).copied().chain([self.id()]).collect();
        let path_id = self.fresh_bytes();
        let reply = for_message(&self.fresh_key(), &back, Some(path_id.clone()))
            .map_err(|_| NoDeal::Path)?;
        let asked = Asked {
            sent_to: match &path {
                Some(path) => path.path.last().map(|hop| hop.blinded_node_id),
                None => offer.fields().offer_issuer_id,
            },
            reply_path: reply.path.last().map(|hop| hop.blinded_node_id),
            path: payment.path,
            request: request.clone(),
        };
        self.offers.asked.insert(path_id, asked);
        let payload = OnionMessagePayload {
            reply_path: Some(reply),
            invoice_request: Some(Bytes(request.as_bytes().to_vec())),
            ..OnionMessagePayload::default()
        };
        Ok(match path {
            Some(path) => self.post(&over, &path, &payload),
            None => self.post_to(&over, &payload),
        })
    }

    /// Reads a message that is for this node.
    pub(super) fn read(&mut self, letter: &Letter) -> Outputs {
        let payload = &letter.payload;
        match (&payload.invoice_request, &payload.invoice, &payload.invoice_error) {
            (Some(request), _, _) => Ok(self.answer(letter, request)),
            (None, Some(invoice), _) => self.receive_invoice(letter, invoice),
            (None, None, Some(error)) => Ok(self.receive_error(letter, error)),
            (None, None, None) => {
                let read = self.read_flare(letter);
                Ok(read.unwrap_or_else(|| ignored("it says nothing")))
            }
        }
    }

    /// Answers a request with an invoice, or with what is wrong.
    fn answer(&mut self, letter: &Letter, request: &Bytes) -> Vec<NodeOutput> {
        let Some(reply_path) = letter.payload.reply_path.clone() else {
            return ignored("a request without a reply_path");
        };
        if letter.path_id.as_ref().is_some_and(|id| self.offers.asked.contains_key(id)) {
            return ignored("a request over a path that is for a reply");
        }
        let request = match InvoiceRequest::from_bytes(request.0.clone()) {
            Ok(request) => request,
            Err(error) => return self.decline(&reply_path, None, &error.to_string()),
        };
        let known = request.offer().ok().and_then(|offer| self.offers.own.get(&offer.id()));
        let Some(own) = known.cloned() else {
            return ignored("a request for an offer that is not this node's");
        };
        // Who comes by another way than the offer's tries to find out whose it is.
        if letter.path_id != own.path_id {
            return ignored("a request over another path than the offer's");
        }
        let arrival = match own.path_id.is_some().then(|| self.id_on_path(&letter.path_key)) {
            Some(Some(id)) => Arrival::Path(id),
            Some(None) | None => Arrival::Direct,
        };
        let accepted = Accepted { here: self.here(), arrival, item_price: None };
        if let Err(error) = request.check_for(&own.offer, accepted) {
            return self.decline(&reply_path, Some(&own), &error.to_string());
        }
        if own.withdrawn {
            return self.decline(&reply_path, Some(&own), "the offer was withdrawn");
        }
        let amount = request.expected_amount(None).ok().flatten().unwrap_or_default();
        let amount = request.fields().invreq_amount.unwrap_or(amount);
        let mut outputs = vec![tell(MessageEvent::Requested { amount })];
        outputs.extend(match self.invoice_for(letter, &own, &request, amount) {
            Ok(invoice) => {
                let payload = OnionMessagePayload {
                    invoice: Some(Bytes(invoice.as_bytes().to_vec())),
                    ..OnionMessagePayload::default()
                };
                self.reply(&reply_path, Some(&own), &payload)
            }
            Err(error) => self.decline(&reply_path, Some(&own), &error.to_string()),
        });
        outputs
    }

    /// The invoice for a request, whose payment is expected from here on.
    fn invoice_for(
        &mut self,
        letter: &Letter,
        own: &OwnOffer,
        request: &InvoiceRequest,
        amount: Msat,
    ) -> Result<Bolt12Invoice, Bolt12InvoiceError> {
        let count = u64::try_from(self.invoices.len()).unwrap_or(u64::MAX);
        let preimage = PaymentPreimage(self.seed.bytes("preimage", count));
        let path_id = self.fresh_bytes();
        let delta = own.request.min_final_cltv_expiry_delta;
        let height = CltvExpiry(self.height.0);
        let constraints = Constraints {
            path_id: path_id.clone(),
            expires_at: height.checked_add(PATH_LIFETIME).unwrap_or(height),
            min_final_cltv_expiry_delta: delta,
        };
        let direct = BlindedWay { introduction: self.id(), path: Vec::new(), dummy_hops: 0 };
        let way = own.request.way.as_ref().unwrap_or(&direct);
        let path = way.for_payment(self.id(), &self.fresh_key(), &constraints);
        let terms = InvoiceTerms {
            paths: path.into_iter().collect(),
            invoice_created_at: self.time,
            invoice_relative_expiry: None,
            invoice_payment_hash: preimage.hash(),
            item_price: None,
            invoice_fallbacks: None,
            invoice_features: None,
        };
        let secret = self.seed.node_secret();
        let key = match own.path_id {
            Some(_) => blinded_node_secret(&secret, &letter.path_key).unwrap_or(secret),
            None => secret,
        };
        let invoice = Bolt12Invoice::answer(request, terms, &key)?;
        let expected = Expected {
            amount: Some(amount),
            preimage,
            proof: Proof::Path(Some(path_id)),
            payment_metadata: None,
            min_final_cltv_expiry_delta: delta,
            basic_mpp: false,
            expires_at: invoice.expiry(),
            hold: false,
        };
        self.invoices.expect(preimage.hash(), expected);
        Ok(invoice)
    }

    fn decline(
        &mut self,
        reply_path: &BlindedPath,
        own: Option<&OwnOffer>,
        error: &str,
    ) -> Vec<NodeOutput> {
        let Ok(error) = InvoiceError::new(error, None, None) else { return Vec::new() };
        let payload = OnionMessagePayload {
            invoice_error: Some(Bytes(error.as_bytes().to_vec())),
            ..OnionMessagePayload::default()
        };
        self.reply(reply_path, own, &payload)
    }

    /// Sends along a reply path: to a peer, or the other way along the path over which payers come.
    fn reply(
        &mut self,
        reply_path: &BlindedPath,
        own: Option<&OwnOffer>,
        payload: &OnionMessagePayload,
    ) -> Vec<NodeOutput> {
        let Some(first) = introduction(reply_path) else {
            return ignored("the reply path begins with a channel");
        };
        let back = own.and_then(|own| own.request.way.as_ref()).map(|way| {
            let mut nodes = way.nodes();
            nodes.pop();
            nodes.reverse();
            nodes
        });
        let over = match back {
            Some(nodes) if nodes.last() == Some(&first) => nodes,
            Some(_) | None => vec![first],
        };
        self.post(&over, reply_path, payload)
    }

    /// Pays an invoice that was asked for.
    fn receive_invoice(&mut self, letter: &Letter, invoice: &Bytes) -> Outputs {
        let Some(asked) = letter.path_id.as_ref().and_then(|id| self.offers.asked.remove(id))
        else {
            return Ok(ignored("an invoice that was not asked for"));
        };
        let invoice = match Bolt12Invoice::from_bytes(invoice.0.clone()) {
            Ok(invoice) => invoice,
            Err(error) => return Ok(ignored(&error.to_string())),
        };
        let arrival = self.id_on_path(&letter.path_key).map_or(Arrival::Direct, Arrival::Path);
        let received = Received {
            here: self.here(),
            sent_to: asked.sent_to,
            reply_path: asked.reply_path,
            arrival,
        };
        if let Err(error) = invoice.check_for(&asked.request, received) {
            return Ok(ignored(&error.to_string()));
        }
        let mut outputs = vec![tell(MessageEvent::Invoiced { amount: invoice.amount() })];
        outputs.extend(match self.pay_invoice(&asked, &invoice) {
            // What the issuer asks for is no fault of this node's.
            Err(error @ (NodeError::Unpayable(_) | NodeError::Refused(_))) => {
                ignored(&format!("failed to {error}"))
            }
            done => done?,
        });
        Ok(outputs)
    }

    /// Pays an invoice that answers the request, as far as the payer wants to.
    fn pay_invoice(&mut self, asked: &Asked, invoice: &Bolt12Invoice) -> Outputs {
        let told = asked.request.expected_amount(None).ok().flatten();
        let authorized = asked.request.fields().invreq_amount.or(told);
        if authorized.is_none_or(|most| invoice.amount() > most) {
            return Ok(ignored("an invoice over more than the offer told"));
        }
        let features = invoice.fields().invoice_features.as_ref();
        if features.is_some_and(|features| features.requires(Feature::BASIC_MPP)) {
            return Ok(ignored("an invoice that has to be paid in several parts"));
        }
        let plan = self.plan_blinded(invoice, &asked.path)?;
        self.send(&plan)
    }

    /// The plan of a payment over the first path of an invoice that begins where this path ends.
    fn plan_blinded(&self, invoice: &Bolt12Invoice, path: &[PathHop]) -> Result<Plan, Unpayable> {
        let end = path.last().map(|hop| hop.node_id);
        let mut paths = invoice.usable_paths();
        let found = paths.find(|(blinded, _)| introduction(blinded) == end);
        let (blinded, payinfo) = found.ok_or(Unpayable::NoPath)?;
        let hash = invoice.fields().invoice_payment_hash.ok_or(Unpayable::NoPath)?;
        let amount = invoice.amount();
        let at_introduction = to_introduction(payinfo, amount).ok_or(Unpayable::NoPath)?;
        let last = Final::Blinded {
            path: blinded.clone(),
            amount,
            cltv_expiry: CltvExpiry(self.height.0),
            total: amount,
        };
        self.lay_out_to(at_introduction, path, hash, last, payinfo.cltv_expiry_delta)
    }

    fn receive_error(&mut self, letter: &Letter, error: &Bytes) -> Vec<NodeOutput> {
        let asked = letter.path_id.as_ref().and_then(|id| self.offers.asked.remove(id));
        if asked.is_none() {
            return ignored("an invoice_error that answers nothing");
        }
        let error = InvoiceError::from_bytes(error.0.clone()).ok();
        let text = error.and_then(|error| error.fields().error.clone());
        vec![tell(MessageEvent::NoInvoice { error: text.unwrap_or_default() })]
    }
}

impl From<NoDeal> for NodeError {
    fn from(error: NoDeal) -> Self {
        Self::NoDeal(error)
    }
}

#[cfg(test)]
mod tests {
    use secp256k1::SECP256K1;

    use super::*;
    use crate::bolt::features::Features;
    use crate::bolt::offer::BlindedPayinfo;
    use crate::bolt::onion::{BlindedHop, NodeOrChannel};
    use crate::node::line::Line;
    use crate::node::{NodeCommand, NodeInput};

    const ISSUER: usize = 0;
    const PAYER: usize = 1;

    /// Two nodes, the second of which has asked the first for an invoice, and what it wrote into its
    /// reply path.
    fn asked(offer: &Offer) -> (Line, Bytes) {
        let mut line = Line::new(2);
        let payment = OfferPayment {
            offer: offer.to_string(),
            amount: None,
            note: None,
            path: line.path(PAYER, ISSUER),
            suspects: false,
        };
        let step = NodeInput::Command(NodeCommand::PayOffer(payment));
        line.nodes[PAYER].step(step).unwrap();
        let path_id = line.nodes[PAYER].offers.asked.keys().next().unwrap().clone();
        (line, path_id)
    }

    fn issuer() -> SecretKey {
        Line::new(1).nodes[ISSUER].seed.node_secret()
    }

    fn offer(fields: OfferFields) -> Offer {
        Offer::new(&OfferFields {
            offer_chains: Some(Repeated(CHAINS.to_vec())),
            offer_amount: Some(10_000),
            offer_description: Some("tea".to_owned()),
            offer_issuer_id: Some(issuer().public_key(SECP256K1)),
            ..fields
        })
        .unwrap()
    }

    /// What the payer does with an invoice for that offer, after `change`.
    fn invoiced(fields: OfferFields, change: impl FnOnce(&mut InvoiceTerms)) -> Vec<NodeOutput> {
        let (mut line, path_id) = asked(&offer(fields));
        let way =
            BlindedWay { introduction: line.nodes[ISSUER].id(), path: Vec::new(), dummy_hops: 0 };
        let constraints = Constraints {
            path_id: Bytes(vec![1; 32]),
            expires_at: CltvExpiry(1_000),
            min_final_cltv_expiry_delta: CltvExpiryDelta(18),
        };
        let path = way.for_payment(way.introduction, &issuer(), &constraints).unwrap();
        let mut terms = InvoiceTerms {
            paths: vec![path],
            invoice_created_at: 0,
            invoice_relative_expiry: None,
            invoice_payment_hash: PaymentPreimage([1; 32]).hash(),
            item_price: None,
            invoice_fallbacks: None,
            invoice_features: None,
        };
        change(&mut terms);
        let payer = &mut line.nodes[PAYER];
        let asked = payer.offers.asked.get(&path_id).unwrap().clone();
        let invoice = Bolt12Invoice::answer(&asked.request, terms, &issuer()).unwrap();
        // A letter comes over the reply path if the key fits its end.
        let key = payer.seed.key("message", payer.offers.keys);
        let path_key = key.public_key(SECP256K1);
        let back = for_message(&key, &[payer.id()], Some(path_id.clone())).unwrap();
        payer.offers.asked.get_mut(&path_id).unwrap().reply_path =
            back.path.last().map(|hop: &BlindedHop| hop.blinded_node_id);
        let payload = OnionMessagePayload {
            invoice: Some(Bytes(invoice.as_bytes().to_vec())),
            ..OnionMessagePayload::default()
        };
        let letter = Letter { payload, path_id: Some(path_id), path_key };
        payer.read(&letter).expect("what a peer says is no fault of ours")
    }

    fn sends(outputs: &[NodeOutput]) -> bool {
        outputs.iter().any(|output| matches!(output, NodeOutput::Send { .. }))
    }

    #[test]
    fn the_invoice_that_was_asked_for_is_paid() {
        assert!(sends(&invoiced(OfferFields::default(), |_| {})));
    }

    /// BOLT 12, "Invoices": what the payer has not authorized it does not pay by itself.
    #[test]
    fn nobody_pays_a_price_that_the_offer_did_not_tell() {
        let euro = OfferFields { offer_currency: Some("EUR".to_owned()), ..OfferFields::default() };
        let outputs = invoiced(euro, |terms| terms.item_price = Some(Msat(100_000_000)));
        assert!(!sends(&outputs), "{outputs:?}");
    }

    /// BOLT 12, "Invoices": what must be paid in several parts is not paid in one.
    #[test]
    fn what_must_come_in_parts_is_not_paid_in_one() {
        let parts = Features::default().requiring(Feature::BASIC_MPP);
        let outputs =
            invoiced(OfferFields::default(), |terms| terms.invoice_features = Some(parts));
        assert!(!sends(&outputs), "{outputs:?}");
    }

    /// The payer's way ends elsewhere than where the invoice's path begins.
    #[test]
    fn a_path_that_begins_elsewhere_is_not_used() {
        let elsewhere = SecretKey::from_slice(&[9; 32]).unwrap().public_key(SECP256K1);
        let outputs = invoiced(OfferFields::default(), |terms| {
            terms.paths[0].0.first_node_id = NodeOrChannel::Node(elsewhere);
        });
        assert!(!sends(&outputs), "{outputs:?}");
    }

    /// It is the issuer's fault, and no reason to stop.
    #[test]
    fn an_invoice_that_costs_more_than_the_payer_has_is_not_paid() {
        let outputs = invoiced(OfferFields::default(), |terms| {
            let payinfo = &mut terms.paths[0].1;
            *payinfo = BlindedPayinfo { fee_base_msat: u32::MAX, ..payinfo.clone() };
        });
        assert!(!sends(&outputs), "{outputs:?}");
    }

    /// BOLT 4, "Onion Messages": what comes over a reply path and is no reply is ignored.
    #[test]
    fn a_request_over_a_reply_path_is_not_answered() {
        let (mut line, path_id) = asked(&offer(OfferFields::default()));
        let to = line.nodes[ISSUER].id();
        let payer = &mut line.nodes[PAYER];
        let payload = OnionMessagePayload {
            reply_path: Some(for_message(&issuer(), &[to], None).unwrap()),
            invoice_request: Some(Bytes(vec![1])),
            ..OnionMessagePayload::default()
        };
        let path_key = issuer().public_key(SECP256K1);
        let known = Letter { payload, path_id: Some(path_id), path_key };
        assert!(!sends(&payer.read(&known).unwrap()));
        let unknown = Letter { path_id: None, ..known };
        assert!(sends(&payer.read(&unknown).unwrap()), "anybody is told that a request is none");
    }
}

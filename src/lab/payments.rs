//! Payments, as the lab has them made: who is asked for an invoice, over which hops, and what the
//! payer learns in the end.

use bitcoin::hashes::sha256;

use super::network::Link;
use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::onion::AttributionData;
use crate::bolt::onion::Failure;
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::bolt::wire::codec::TlvValue;
use crate::bolt::wire::{Bytes, Message};
use crate::node::cheat::{self, LayerChange};
use crate::node::{
    BlindedWay, InvoiceRequest, MessageEvent, Node, NodeCommand, NodeError, NodeEvent,
    OfferPayment, OfferRequest, PathHop, PayRequest, Payee, PaymentEvent, Plan, RelayPolicy,
    Setback, Unpayable,
};
use crate::scenario::{
    Ask, At, Blocks, ChannelName, Fails, FailureName, How, InvoiceName, LayerEdit, OfferStep,
    PaidUntil, Pay, PayPart, PaymentState, RelayTerms, RoleName, TamperedField, Unsent,
};
use crate::trace::{Entry, Event, words};

/// An invoice of the scenario.
pub(super) struct KnownInvoice {
    by: RoleName,
    payment_hash: sha256::Hash,
    text: String,
    amount: Option<Msat>,
}

/// A message field that a cheat will change.
pub(super) struct Tampering {
    pub(super) role: RoleName,
    pub(super) field: TamperedField,
    pub(super) byte: u32,
}

impl Lab<'_> {
    /// Makes an invoice that the scenario names.
    pub(super) fn ask(&mut self, ask: &Ask) -> Result<(), Stop> {
        let by = &ask.by.value;
        let amount = ask.amount.map(|amount| amount.value);
        let request = InvoiceRequest {
            amount,
            description: ask.description.clone(),
            min_final_cltv_expiry_delta: self.min_final_cltv_expiry_delta(by),
            expiry: ask.expiry.unwrap_or(3600).into(),
            payment_metadata: ask.metadata.as_ref().map(|text| Bytes(text.clone().into_bytes())),
            hold: ask.hold,
        };
        let known = self.make_invoice(&ask.by, request)?;
        self.invoices.insert(ask.name.value.clone(), known);
        Ok(())
    }

    fn make_invoice(
        &mut self,
        by: &At<RoleName>,
        request: InvoiceRequest,
    ) -> Result<KnownInvoice, Stop> {
        let amount = request.amount;
        let events = self.command(&by.value, "make an invoice", NodeCommand::Invoice(request))?;
        let made = events.into_iter().find_map(|event| match event {
            NodeEvent::Invoice { payment_hash, invoice } => Some((payment_hash, invoice)),
            NodeEvent::Channel { .. }
            | NodeEvent::Offer { .. }
            | NodeEvent::Message(_)
            | NodeEvent::Payment { .. } => None,
        });
        let (payment_hash, text) =
            made.ok_or_else(|| failed(Some(by.at), format!("{by} has no invoice")))?;
        Ok(KnownInvoice { by: by.value.clone(), payment_hash, text, amount })
    }

    /// Makes an offer that the scenario names.
    pub(super) fn offer(&mut self, step: &OfferStep) -> Result<(), Stop> {
        let by = &step.by.value;
        let way = if step.via.is_empty() {
            None
        } else {
            let introduction = self.node(&step.introduction)?.id();
            let path = self.hops(&step.introduction, &step.via, &[])?;
            let dummy_hops = usize::try_from(step.dummy_hops).unwrap_or(usize::MAX);
            Some(BlindedWay { introduction, path, dummy_hops })
        };
        let now = self.chain.time().saturating_add(self.waited);
        let request = OfferRequest {
            amount: step.amount.map(|amount| amount.value),
            description: step.description.clone(),
            way,
            absolute_expiry: step.expiry.map(|seconds| now.saturating_add(seconds.into())),
            min_final_cltv_expiry_delta: self.min_final_cltv_expiry_delta(by),
        };
        let events = self.command(by, "make an offer", NodeCommand::Offer(request));
        let events = events.map_err(|stop| stop.at(step.name.at))?;
        let made = events.into_iter().find_map(|event| match event {
            NodeEvent::Offer { offer } => Some(offer),
            NodeEvent::Channel { .. }
            | NodeEvent::Invoice { .. }
            | NodeEvent::Message(_)
            | NodeEvent::Payment { .. } => None,
        });
        let text = made.ok_or_else(|| failed(Some(step.by.at), format!("{by} has no offer")))?;
        self.offers.insert(step.name.value.clone(), (by.clone(), text));
        Ok(())
    }

    fn known_offer(&self, name: &At<InvoiceName>) -> Result<(RoleName, String), Stop> {
        let known = self.offers.get(&name.value).cloned();
        known.ok_or_else(|| failed(Some(name.at), format!("there is no offer {name} yet")))
    }

    pub(super) fn withdraw(&mut self, name: &At<InvoiceName>) -> Result<(), Stop> {
        let (by, offer) = self.known_offer(name)?;
        let withdrawn = self.command(&by, "withdraw an offer", NodeCommand::Withdraw(offer));
        withdrawn.map_err(|stop| stop.at(name.at))?;
        Ok(())
    }

    /// Asks for an invoice for an offer, and pays it.
    fn pay_offer(&mut self, pay: &Pay, name: &At<InvoiceName>) -> Result<(), Stop> {
        let (_, offer) = self.known_offer(name)?;
        let path = match pay.parts.as_slice() {
            [part] => self.path(pay, part)?,
            _ => return Err(failed(None, "an offer is paid in one part".to_owned())),
        };
        let amount = pay.amount.map(|amount| amount.value);
        let payment =
            OfferPayment { offer, amount, note: None, path, suspects: pay.suspects.is_some() };
        let since = self.trace.entries.len();
        self.command(&pay.from.value, "pay an offer", NodeCommand::PayOffer(payment))
            .map_err(|stop| stop.at(name.at))?;
        self.judge_payment(pay, None, since)
    }

    fn min_final_cltv_expiry_delta(&self, role: &RoleName) -> CltvExpiryDelta {
        let declared = self.scenario.role(role).and_then(|role| role.min_final_cltv_expiry_delta);
        delta(declared.unwrap_or(Blocks(18)))
    }

    pub(super) fn invoice(&self, name: &At<InvoiceName>) -> Result<&KnownInvoice, Stop> {
        let known = self.invoices.get(&name.value);
        known.ok_or_else(|| failed(Some(name.at), format!("there is no invoice {name} yet")))
    }

    pub(super) fn settle(&mut self, name: &At<InvoiceName>) -> Result<(), Stop> {
        let known = self.invoice(name)?;
        let (by, hash) = (known.by.clone(), known.payment_hash);
        let settled = self.command(&by, "settle the invoice", NodeCommand::Settle(hash));
        settled.map_err(|stop| stop.at(name.at))?;
        Ok(())
    }

    pub(super) fn cancel(&mut self, name: &At<InvoiceName>) -> Result<(), Stop> {
        let known = self.invoice(name)?;
        let (by, hash) = (known.by.clone(), known.payment_hash);
        let cancelled = self.command(&by, "cancel the invoice", NodeCommand::Cancel(hash));
        cancelled.map_err(|stop| stop.at(name.at))?;
        Ok(())
    }

    pub(super) fn refuse(&mut self, by: &RoleName, failure: FailureName) -> Result<(), Stop> {
        let (code, _) = Failure::CODES
            .iter()
            .find(|(_, name)| *name == failure.as_str())
            .ok_or_else(|| failed(None, format!("{failure} is no failure")))?;
        // Whatever data it has, zeros will do.
        let message = [&code.to_be_bytes()[..], &[0; 64]].concat();
        let failure = Failure::decode(&message).ok();
        self.command(by, "refuse payments", NodeCommand::Refuse(failure))?;
        Ok(())
    }

    pub(super) fn accept(&mut self, role: &RoleName) -> Result<(), Stop> {
        self.command(role, "accept payments", NodeCommand::Refuse(None))?;
        Ok(())
    }

    /// Lets time pass for all who are online; the others see it when they are back.
    pub(super) fn wait(&mut self, seconds: u32) -> Result<(), Stop> {
        self.waited = self.waited.saturating_add(seconds.into());
        self.show_time()?;
        self.deliver()
    }

    pub(super) fn replay(
        &mut self,
        by: &At<RoleName>,
        channel: &At<ChannelName>,
    ) -> Result<(), Stop> {
        let handle = self.handle(channel)?;
        self.must_be_online(&by.value)?;
        let Ok(offer) = cheat::replay(self.node(&by.value)?, &handle) else {
            let message = format!("{by} has offered no HTLC that it could replay");
            return Err(failed(Some(by.at), message));
        };
        self.act(&by.value, "replay an onion", |node| cheat::offer(node, handle, offer))?;
        self.deliver()
    }

    pub(super) fn pay(&mut self, pay: &Pay) -> Result<(), Stop> {
        if let Some(offer) = &pay.offer {
            return self.pay_offer(pay, offer);
        }
        let (payee, payment_hash, amount) = self.payee(pay)?;
        let payee = misread(payee, pay.misread)?;
        let parts = self.request(pay, amount)?;
        let request = PayRequest { payee, parts };
        if let Some(fails) = &pay.fails
            && let Fails::NeverSent(why) = fails.value
        {
            let found = self.sent_instead(&pay.from.value, &request, why)?;
            return self.check(fails.at, &fails.value.to_string(), found);
        }
        let since = self.trace.entries.len();
        let from = &pay.from.value;
        let hash = if pay.onion.is_empty() {
            let keysend = self.planned_hash(from, &request)?;
            self.command(from, "pay", NodeCommand::Pay(request))
                .map_err(|stop| stop.at(amount_position(pay)))?;
            payment_hash.unwrap_or(keysend)
        } else {
            self.pay_crafted(pay, &request)?
        };
        self.judge_payment(pay, Some(hash), since)
    }

    /// What the payer would do, if it is not to send nothing for that reason. Nothing is sent.
    fn sent_instead(
        &self,
        from: &RoleName,
        request: &PayRequest,
        why: Unsent,
    ) -> Result<Option<String>, Stop> {
        let Err(error) = self.node(from)?.plan(request) else {
            return Ok(Some(format!("{from} would pay")));
        };
        let so = match why {
            Unsent::UnreadableInvoice => matches!(error, Unpayable::Invoice(_)),
            Unsent::ExpiredInvoice => matches!(error, Unpayable::Expired),
            Unsent::TooLittle => matches!(error, Unpayable::Parts { .. }),
        };
        Ok((!so).then(|| format!("{from} cannot {error}")))
    }

    /// The hash under which the payment will be known.
    fn planned_hash(&self, from: &RoleName, request: &PayRequest) -> Result<sha256::Hash, Stop> {
        let plans = self.node(from)?.plan(request);
        let first = plans.map_err(|error| failed(None, format!("{from} cannot {error}")))?;
        let hash = first.first().map(|plan| plan.payment_hash);
        hash.ok_or_else(|| failed(None, format!("{from} pays in no part")))
    }

    /// Sends the parts with layers that a cheat has changed.
    fn pay_crafted(&mut self, pay: &Pay, request: &PayRequest) -> Result<sha256::Hash, Stop> {
        let from = &pay.from.value;
        let plans = self.node(from)?.plan(request);
        let mut plans = plans.map_err(|error| failed(None, format!("{from} cannot {error}")))?;
        for (role, edit) in &pay.onion {
            let reader = self.node(&role.value)?.id();
            let change = layer_change(edit);
            let mut hops = plans.iter_mut().flat_map(|plan: &mut Plan| &mut plan.hops);
            let hop = hops.find(|hop| hop.node_id == reader);
            let missing = || failed(Some(role.at), format!("{role} reads no layer of this onion"));
            if !change.apply(hop.ok_or_else(missing)?) {
                let message = format!("the layer of {role} has no total_msat");
                return Err(failed(Some(role.at), message));
            }
        }
        let hash = plans.first().map(|plan| plan.payment_hash);
        for plan in plans {
            self.command(from, "pay", NodeCommand::Send(plan))?;
        }
        hash.ok_or_else(|| failed(None, format!("{from} pays in no part")))
    }

    /// Whom to pay for what, the hash if it is known, and how much in all.
    fn payee(&mut self, pay: &Pay) -> Result<(Payee, Option<sha256::Hash>, Msat), Stop> {
        let amount = pay.amount.map(|amount| amount.value);
        let nothing = || failed(None, "the invoice leaves the amount to the payer".to_owned());
        match (&pay.invoice, pay.how) {
            (Some(name), _) => {
                let known = self.invoice(name)?;
                let amount = amount.or(parts_sum(pay)).or(known.amount).ok_or_else(nothing)?;
                Ok((Payee::Invoice(known.text.clone()), Some(known.payment_hash), amount))
            }
            (None, How::Invoice) => {
                let amount = amount.ok_or_else(nothing)?;
                let delta = self.min_final_cltv_expiry_delta(&pay.to.value);
                let request = InvoiceRequest {
                    min_final_cltv_expiry_delta: delta,
                    ..InvoiceRequest::of(amount)
                };
                let known = self.make_invoice(&pay.to, request)?;
                Ok((Payee::Invoice(known.text), Some(known.payment_hash), amount))
            }
            (None, How::Keysend) => Ok((Payee::Keysend, None, amount.ok_or_else(nothing)?)),
        }
    }

    /// The parts with their paths.
    fn request(&self, pay: &Pay, amount: Msat) -> Result<Vec<(Msat, Vec<PathHop>)>, Stop> {
        pay.parts
            .iter()
            .map(|part| {
                let amount = part.amount.map_or(amount, |amount| amount.value);
                Ok((amount, self.path(pay, part)?))
            })
            .collect()
    }

    fn path(&self, pay: &Pay, part: &PayPart) -> Result<Vec<PathHop>, Stop> {
        self.hops(&pay.from.value, &part.via, &pay.believes)
    }

    /// The hops over these channels, and what who wants to use them takes others to ask for.
    fn hops(
        &self,
        from: &RoleName,
        via: &[At<ChannelName>],
        believes: &[(At<RoleName>, RelayTerms)],
    ) -> Result<Vec<PathHop>, Stop> {
        let mut at = from.clone();
        let mut path = Vec::with_capacity(via.len());
        for name in via {
            let channel = self.scenario.channel(&name.value);
            let next = channel.and_then(|channel| channel.peer_of(&at)).cloned();
            let next = next.ok_or_else(|| failed(Some(name.at), format!("no way over {name}")))?;
            let handle = self.handle(name)?;
            let known = self.node(&at)?.channel(&handle);
            let scid = known.and_then(|known| known.phase.short_channel_id());
            let scid = scid.ok_or_else(|| {
                failed(Some(name.at), format!("{name} is not confirmed, or not in use any more"))
            })?;
            let node_id = self.node(&next)?.id();
            path.push(PathHop { node_id, channel: scid, relay: self.believed(believes, &at) });
            at = next;
        }
        Ok(path)
    }

    /// What a role asks for forwarding, or is believed to ask.
    fn believed(&self, believes: &[(At<RoleName>, RelayTerms)], role: &RoleName) -> RelayPolicy {
        let believed = believes.iter().find(|(of, _)| of.value == *role);
        let declared = self.scenario.role(role).map(|role| role.relay).unwrap_or_default();
        relay_policy(believed.map(|(_, terms)| *terms).unwrap_or_default().or(declared))
    }

    /// Holds what the payer learned against what the scenario says.
    fn judge_payment(
        &mut self,
        pay: &Pay,
        hash: Option<sha256::Hash>,
        since: usize,
    ) -> Result<(), Stop> {
        let from = &pay.from.value;
        let ends = |told: &PaymentEvent| match &hash {
            Some(hash) => told.ends(hash),
            // Who pays an offer learns the hash on the way.
            None => matches!(told, PaymentEvent::Paid { .. } | PaymentEvent::Failed { .. }),
        };
        let told = |entry: &'_ Entry| match &entry.event {
            Event::OnionMessage { role, told } if role == from => Some(told.clone()),
            _ => None,
        };
        let letters: Vec<MessageEvent> =
            self.trace.entries.iter().skip(since).filter_map(told).collect();
        let refused = letters.iter().find_map(|told| match told {
            MessageEvent::NoInvoice { error } => Some(error.clone()),
            _ => None,
        });
        let ignored = letters.iter().find_map(|told| match told {
            MessageEvent::Ignored { reason } => Some(reason.clone()),
            _ => None,
        });
        let answered = letters.iter().any(|told| matches!(told, MessageEvent::Invoiced { .. }));
        let learned: Vec<PaymentEvent> = self
            .trace
            .entries
            .iter()
            .skip(since)
            .filter_map(|entry| match &entry.event {
                Event::Payment { role, told, .. } if role == from && ends(told) => {
                    Some(told.clone())
                }
                _ => None,
            })
            .collect();
        if let Some(fails) = &pay.fails {
            let found = match (&fails.value, &refused) {
                (Fails::NoInvoice, Some(_)) => None,
                (Fails::NoAnswer, None) if learned.is_empty() && !answered => None,
                (Fails::NoAnswer, None) if answered => Some("an invoice came".to_owned()),
                _ => self.failure_instead(&pay.from, &fails.value, &learned)?,
            };
            return self.check(fails.at, &fails.value.to_string(), found);
        }
        let setback = learned.iter().find_map(|event| match event {
            PaymentEvent::Failed { setback, .. } => Some(setback),
            _ => None,
        });
        let paid = learned.iter().any(|event| matches!(event, PaymentEvent::Paid { .. }));
        if let Some(setback) = setback {
            let why = self.names().setback(setback);
            return Err(failed(None, format!("{from} did not pay {}: {why}", pay.to)));
        }
        if let Some(error) = refused {
            return Err(failed(None, format!("{from} got no invoice from {}: {error}", pay.to)));
        }
        if paid || pay.until == PaidUntil::Sent {
            return Ok(());
        }
        let on_the_way = self.scenario.cast.iter().map(|role| role.name.value.clone());
        let offline = on_the_way.into_iter().find(|role| self.is_offline(role));
        let why = match (offline, ignored) {
            (Some(role), _) => format!("{role} is offline"),
            (None, Some(reason)) => format!("{from} ignored a message: {reason}"),
            (None, None) => self.violation().unwrap_or_else(|| "it is still pending".to_owned()),
        };
        Err(failed(None, format!("{from} did not pay {}: {why}", pay.to)))
    }

    /// What the payer learned, if it is not that failure.
    fn failure_instead(
        &self,
        payer: &At<RoleName>,
        wanted: &Fails,
        learned: &[PaymentEvent],
    ) -> Result<Option<String>, Stop> {
        let setbacks: Vec<&Setback> = learned
            .iter()
            .filter_map(|event| match event {
                PaymentEvent::Failed { setback, .. } => Some(setback),
                _ => None,
            })
            .collect();
        for setback in &setbacks {
            if self.is_setback(payer, wanted, setback)? {
                return Ok(None);
            }
        }
        if let Some(setback) = setbacks.first() {
            return Ok(Some(self.names().setback(setback)));
        }
        let paid = learned.iter().any(|event| matches!(event, PaymentEvent::Paid { .. }));
        Ok(Some(if paid { "it has arrived" } else { "nothing came back" }.to_owned()))
    }

    fn is_setback(
        &self,
        payer: &At<RoleName>,
        wanted: &Fails,
        setback: &Setback,
    ) -> Result<bool, Stop> {
        Ok(match (wanted, setback) {
            (Fails::With { failure, by }, Setback::Failure { node, failure: said, .. }) => {
                let said = said.as_ref().map(Failure::name);
                *node == self.node(&by.value)?.id() && said == Some(failure.as_str())
            }
            (Fails::Corrupted { between: None }, Setback::Corrupted { between }) => {
                between.is_none()
            }
            (
                Fails::Corrupted { between: Some((first, second)) },
                Setback::Corrupted { between: Some((before, node)) },
            ) => {
                let id = |role: &At<RoleName>| self.node(&role.value).map(Node::id);
                let first_fits = match before {
                    Some(before) => id(first)? == *before,
                    None => first.value == payer.value,
                };
                first_fits && id(second)? == *node
            }
            _ => false,
        })
    }

    /// How a payment stands, as its payer knows, if not like this.
    pub(super) fn look_at_payment(
        &self,
        of: &At<RoleName>,
        invoice: &At<InvoiceName>,
        wanted: PaymentState,
        fails: Option<&Fails>,
    ) -> Result<Option<String>, Stop> {
        let hash = self.invoice(invoice)?.payment_hash;
        let told = self.trace.entries.iter().rev().find_map(|entry| match &entry.event {
            Event::Payment { role, told, .. } if *role == of.value && told.ends(&hash) => {
                Some(told)
            }
            _ => None,
        });
        let (state, setback) = match told {
            Some(PaymentEvent::Paid { .. }) => (PaymentState::Paid, None),
            Some(PaymentEvent::Failed { setback, .. }) => (PaymentState::Failed, Some(setback)),
            Some(_) | None => (PaymentState::Pending, None),
        };
        if let (Some(fails), Some(setback)) = (fails, setback)
            && !self.is_setback(of, fails, setback)?
        {
            return Ok(Some(self.names().setback(setback)));
        }
        Ok((state != wanted).then(|| format!("for {of} it is {state}")))
    }

    /// What the trace calls things so far.
    pub(super) fn names(&self) -> words::Names {
        let mut names = words::Names::default();
        self.trace.entries.iter().for_each(|entry| names.learn(&entry.event));
        names
    }

    /// Flips a bit in a message of a cheat, if it is one that it is to tamper with.
    pub(super) fn tamper(&mut self, from: &RoleName, message: &mut Message) -> Option<Event> {
        let position = self.tamperings.iter().position(|tampering| {
            tampering.role == *from && flip(message, tampering.field, tampering.byte)
        })?;
        let Tampering { role, field, byte } = self.tamperings.remove(position);
        Some(Event::Tampered { role, message: message.name().to_owned(), field, byte })
    }

    /// Is anybody on the way off the net?
    fn is_offline(&self, role: &RoleName) -> bool {
        self.cast.get(role).is_some_and(|player| matches!(player.link, Link::Offline(_)))
    }
}

/// Flips the lowest bit of this byte of the field; false if the message has no such field or byte.
fn flip(message: &mut Message, field: TamperedField, byte: u32) -> bool {
    let flip = |bytes: &mut [u8]| {
        let byte = usize::try_from(byte).ok().and_then(|byte| bytes.get_mut(byte));
        byte.map(|byte| *byte ^= 1).is_some()
    };
    let flip_attribution = |data: &mut Option<Box<AttributionData>>| {
        data.as_mut().is_some_and(|data| {
            let mut bytes = data.to_bytes();
            let flipped = flip(&mut bytes);
            **data = AttributionData::from_bytes(&bytes);
            flipped
        })
    };
    match (field, message) {
        (TamperedField::Onion, Message::UpdateAddHtlc(add)) => {
            flip(&mut add.onion_routing_packet.0[..])
        }
        (TamperedField::Reason, Message::UpdateFailHtlc(fail)) => flip(&mut fail.reason.0),
        (TamperedField::AttributionData, Message::UpdateFailHtlc(fail)) => {
            flip_attribution(&mut fail.attribution_data)
        }
        (TamperedField::AttributionData, Message::UpdateFulfillHtlc(fulfill)) => {
            flip_attribution(&mut fulfill.attribution_data)
        }
        _ => false,
    }
}

/// The invoice as the payer reads it.
fn misread(payee: Payee, character: Option<At<u32>>) -> Result<Payee, Stop> {
    let (Payee::Invoice(text), Some(character)) = (&payee, character) else { return Ok(payee) };
    let mut bytes = text.clone().into_bytes();
    let length = bytes.len();
    let byte = usize::try_from(character.value).ok().and_then(|index| bytes.get_mut(index));
    let beyond = || failed(Some(character.at), format!("the invoice has {length} characters"));
    *byte.ok_or_else(beyond)? ^= 1;
    // An invoice is ASCII, and stays so.
    String::from_utf8(bytes).map(Payee::Invoice).map_err(|error| failed(None, error.to_string()))
}

fn amount_position(pay: &Pay) -> crate::scenario::Position {
    pay.amount.map_or(pay.from.at, |amount| amount.at)
}

fn parts_sum(pay: &Pay) -> Option<Msat> {
    let add = |sum: Msat, part: &PayPart| sum.checked_add(part.amount?.value);
    pay.parts.iter().try_fold(Msat::ZERO, add)
}

fn delta(blocks: Blocks) -> CltvExpiryDelta {
    CltvExpiryDelta(u16::try_from(blocks.0).unwrap_or(u16::MAX))
}

/// The policy that the language's terms stand for.
pub(super) fn relay_policy(terms: RelayTerms) -> RelayPolicy {
    let default = RelayPolicy::default();
    RelayPolicy {
        fee_base: terms.fee_base.unwrap_or(default.fee_base),
        fee_proportional_millionths: terms
            .fee_proportional
            .unwrap_or(default.fee_proportional_millionths),
        cltv_expiry_delta: terms.cltv_expiry_delta.map_or(default.cltv_expiry_delta, delta),
        htlc_minimum: terms.htlc_minimum.unwrap_or(default.htlc_minimum),
    }
}

fn layer_change(edit: &LayerEdit) -> LayerChange {
    let amount = edit.amt_to_forward.map(|amount| (2, amount.to_value()));
    let expiry = edit.outgoing_cltv_value.map(|height| (4, height.0.to_value()));
    let channel = edit.short_channel_id.map(|channel| (6, channel.to_value()));
    let named = [amount, expiry, channel].into_iter().flatten();
    LayerChange {
        total: edit.total_msat,
        omit: edit.omit.clone(),
        records: named.chain(edit.records.iter().cloned()).collect(),
        length: edit.length,
    }
}

/// Whether a node gives up on a payment for a reason of the scenario's.
pub(super) fn unpayable(role: &RoleName, doing: &str, error: &NodeError) -> Stop {
    failed(None, format!("{role} cannot {doing}: failed to {error}"))
}

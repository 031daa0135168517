//! Payments, as the lab has them made: who is asked for an invoice, over which hops, and what the
//! payer learns in the end.

use bitcoin::hashes::sha256;

use super::steps::failed;
use super::tampering::{layer_change, misread};
use super::{Lab, Stop};
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::node::{
    InvoiceRequest, NodeCommand, NodeError, OfferPayment, PathHop, PayRequest, Payee, Plan,
    RelayPolicy, Unpayable,
};
use crate::scenario::{
    At, Blocks, ChannelName, Fails, How, InvoiceName, Pay, PayPart, RelayTerms, RoleName, Unsent,
};

impl Lab<'_> {
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

    pub(super) fn pay(&mut self, pay: &Pay) -> Result<(), Stop> {
        if let Some(offer) = &pay.offer {
            return self.pay_offer(pay, offer);
        }
        let (payee, payment_hash, amount) = self.payee(pay)?;
        let payee = misread(payee, pay.misread)?;
        let parts = match &pay.seeks {
            None => self.request(pay, amount)?,
            Some(seeks) => match self.seek(pay, seeks, amount)? {
                Some(path) => vec![(amount, path)],
                None => return Ok(()),
            },
        };
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
            Unsent::TooMuch => matches!(error, Unpayable::TooMuch { .. }),
            // The way was sought before.
            Unsent::NoRoute => false,
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
    pub(super) fn hops(
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
            let scid = known.and_then(|known| known.phase.name_for_senders());
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
}

fn amount_position(pay: &Pay) -> crate::scenario::Position {
    pay.amount.map_or(pay.from.at, |amount| amount.at)
}

fn parts_sum(pay: &Pay) -> Option<Msat> {
    let add = |sum: Msat, part: &PayPart| sum.checked_add(part.amount?.value);
    pay.parts.iter().try_fold(Msat::ZERO, add)
}

pub(super) fn delta(blocks: Blocks) -> CltvExpiryDelta {
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

/// Whether a node gives up on a payment for a reason of the scenario's.
pub(super) fn unpayable(role: &RoleName, doing: &str, error: &NodeError) -> Stop {
    failed(None, format!("{role} cannot {doing}: failed to {error}"))
}

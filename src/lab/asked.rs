//! What roles ask for: invoices and offers, and what becomes of them.

use bitcoin::hashes::sha256;

use super::payments::delta;
use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::onion::Failure;
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::bolt::wire::Bytes;
use crate::node::{BlindedWay, InvoiceRequest, NodeCommand, NodeEvent, OfferRequest};
use crate::scenario::{Ask, At, Blocks, FailureName, InvoiceName, OfferStep, RoleName};

/// An invoice of the scenario.
pub(super) struct KnownInvoice {
    pub(super) by: RoleName,
    pub(super) payment_hash: sha256::Hash,
    pub(super) text: String,
    pub(super) amount: Option<Msat>,
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
        self.naming = Some(ask.name.value.clone());
        let known = self.make_invoice(&ask.by, request);
        self.naming = None;
        let known = known?;
        self.invoices.insert(ask.name.value.clone(), known);
        Ok(())
    }

    pub(super) fn make_invoice(
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
            | NodeEvent::Gossip { .. }
            | NodeEvent::Flare { .. }
            | NodeEvent::Message(_)
            | NodeEvent::Peer { .. }
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
        let now = self.now();
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
            | NodeEvent::Gossip { .. }
            | NodeEvent::Flare { .. }
            | NodeEvent::Message(_)
            | NodeEvent::Peer { .. }
            | NodeEvent::Payment { .. } => None,
        });
        let text = made.ok_or_else(|| failed(Some(step.by.at), format!("{by} has no offer")))?;
        self.offers.insert(step.name.value.clone(), (by.clone(), text));
        Ok(())
    }

    pub(super) fn known_offer(&self, name: &At<InvoiceName>) -> Result<(RoleName, String), Stop> {
        let known = self.offers.get(&name.value).cloned();
        known.ok_or_else(|| failed(Some(name.at), format!("there is no offer {name} yet")))
    }

    pub(super) fn withdraw(&mut self, name: &At<InvoiceName>) -> Result<(), Stop> {
        let (by, offer) = self.known_offer(name)?;
        let withdrawn = self.command(&by, "withdraw an offer", NodeCommand::Withdraw(offer));
        withdrawn.map_err(|stop| stop.at(name.at))?;
        Ok(())
    }

    pub(super) fn min_final_cltv_expiry_delta(&self, role: &RoleName) -> CltvExpiryDelta {
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
}

//! Payments between the reference and LDK, and what each has after them.

use bitcoin::hashes::{Hash, sha256};
use boltlab::{
    bolt::{invoice, tx::ChannelType, units::Msat},
    node::{
        InvoiceRequest, NodeCommand, NodeEvent, PathHop, PayRequest, Payee, PaymentEvent,
        RelayPolicy,
    },
};
use ldk_node::{ChannelDetails, Event, lightning_types::payment::PaymentHash};

use super::{Channel, Encounter, EncounterError};

/// Who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// LDK pays the reference.
    Ldk,
    /// The reference pays LDK.
    Reference,
}

/// A payment that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Who pays.
    pub by: Payer,
    /// Its hash.
    pub hash: sha256::Hash,
    /// How much.
    pub amount: Msat,
}

impl Encounter {
    /// Has LDK pay the reference, without waiting for the end.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn ldk_begins_to_pay(&mut self, amount: Msat) -> Result<Payment, EncounterError> {
        self.reference.command(NodeCommand::Invoice(InvoiceRequest::of(amount)))?;
        let told = self.reference.events().iter().rev().find_map(|event| match event {
            NodeEvent::Invoice { payment_hash, invoice } => Some((*payment_hash, invoice.clone())),
            _ => None,
        });
        let Some((hash, invoice)) = told else {
            return Err(EncounterError::NotSo { what: "there is an invoice".into() });
        };
        self.reference.note(format!("ldk is told to pay {amount} msat"));
        self.ldk.pay(&invoice)?;
        Ok(Payment { by: Payer::Ldk, hash, amount })
    }

    /// Has the reference pay LDK, without waiting for the end.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn reference_begins_to_pay(
        &mut self,
        channel: Channel,
        amount: Msat,
    ) -> Result<Payment, EncounterError> {
        let invoice = self.ldk.invoice(amount.0, "of a stranger")?;
        let decoded = invoice::decode(&invoice);
        let hash = decoded.map(|decoded| decoded.payment_hash()).map_err(|error| {
            EncounterError::NotSo { what: format!("the reference can {error}") }
        })?;
        let known = self.reference.node().channel(&channel.handle);
        let scid = known.and_then(|known| known.phase.name_for_senders());
        let hop = PathHop {
            node_id: self.ldk.id(),
            channel: scid.ok_or(EncounterError::NoChannel(channel.funding))?,
            relay: RelayPolicy::default(),
        };
        let payee = Payee::Invoice(invoice);
        let request = PayRequest { payee, parts: vec![(amount, vec![hop])] };
        self.reference.note(format!("reference is told to pay {amount} msat"));
        self.reference.command(NodeCommand::Pay(request))?;
        Ok(Payment { by: Payer::Reference, hash, amount })
    }

    /// Has somebody pay, without waiting for the end.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn begin_to_pay(
        &mut self,
        channel: Channel,
        by: Payer,
        amount: Msat,
    ) -> Result<Payment, EncounterError> {
        match by {
            Payer::Ldk => self.ldk_begins_to_pay(amount),
            Payer::Reference => self.reference_begins_to_pay(channel, amount),
        }
    }

    /// Returns when the payer has its proof, the payee its money.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn until_paid(&mut self, payment: Payment) -> Result<(), EncounterError> {
        let hash = payment.hash;
        let is_it = |of: &PaymentHash| of.0 == hash.to_byte_array();
        match payment.by {
            Payer::Ldk => self.until_ldk("PaymentSuccessful", |event| match event {
                Event::PaymentSuccessful { payment_hash, .. } => is_it(payment_hash),
                _ => false,
            }),
            Payer::Reference => self.until_ldk("PaymentReceived", |event| match event {
                Event::PaymentReceived { payment_hash, .. } => is_it(payment_hash),
                _ => false,
            }),
        }?;
        self.run_until("the reference knows of the payment", |both| {
            both.reference.events().iter().any(|event| match event {
                NodeEvent::Payment { event: PaymentEvent::Paid { payment_hash, .. }, .. } => {
                    payment.by == Payer::Reference && *payment_hash == hash
                }
                NodeEvent::Payment {
                    event: PaymentEvent::Received { payment_hash, .. }, ..
                } => payment.by == Payer::Ldk && *payment_hash == hash,
                _ => false,
            })
        })
    }

    /// Has somebody pay, and returns when both agree on what each has: `expected` is what the
    /// reference has then.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn pay(
        &mut self,
        channel: Channel,
        by: Payer,
        amount: Msat,
        expected: Msat,
    ) -> Result<(), EncounterError> {
        let payment = self.begin_to_pay(channel, by, amount)?;
        self.until_paid(payment)?;
        self.until_settled(channel, expected)
    }

    /// Returns when no HTLC is left, and both say that the reference has this much.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn until_settled(
        &mut self,
        channel: Channel,
        expected: Msat,
    ) -> Result<(), EncounterError> {
        let mut seen = None;
        let settled = self.run_until("no HTLC is left", |both| {
            seen = both.balances(channel);
            seen.is_some_and(|(ours, theirs)| ours == expected && theirs == expected)
        });
        settled.map_err(|error| match error {
            EncounterError::NotSo { what } => {
                let text =
                    format!("{what}, and the reference has {expected} msat; it has {seen:?}");
                EncounterError::NotSo { what: text }
            }
            error => error,
        })
    }

    /// What the reference has by its own account and by LDK's, once nothing is pending on either
    /// side.
    pub fn balances(&self, channel: Channel) -> Option<(Msat, Msat)> {
        let ours = self.reference.node().channel(&channel.handle)?.phase.commitments()?;
        let is_busy = ours.pending() > 0 || ours.owes_signature() || ours.awaits_revocation();
        let theirs = self.ldk.channel(channel.ldk).ok()?;
        let (for_us, for_ldk) = shares(&theirs, ours.terms.channel_type);
        let whole = theirs.channel_value_sats * 1_000;
        (!is_busy && for_us + for_ldk == whole).then_some((ours.settled().0, Msat(for_us)))
    }
}

/// What the peer and LDK have, each with its reserve, and without what is in HTLCs. LDK counts the
/// two anchors out of the opener's share.
fn shares(details: &ChannelDetails, channel_type: ChannelType) -> (u64, u64) {
    let theirs = details.counterparty_unspendable_punishment_reserve * 1_000;
    let own = details.unspendable_punishment_reserve.unwrap_or(0) * 1_000;
    let (for_us, for_ldk) =
        (details.inbound_capacity_msat + theirs, details.outbound_capacity_msat + own);
    match (channel_type, details.is_outbound) {
        (ChannelType::StaticRemotekey, _) => (for_us, for_ldk),
        (ChannelType::Anchors, true) => (for_us, for_ldk + ANCHORS),
        (ChannelType::Anchors, false) => (for_us + ANCHORS, for_ldk),
    }
}

/// Both anchors, in millisatoshis.
const ANCHORS: u64 = 2 * 330_000;

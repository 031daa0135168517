//! What a payer learns of its payment, against what the scenario says.

use bitcoin::hashes::sha256;

use super::network::Link;
use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::onion::Failure;
use crate::node::{MessageEvent, Node, PaymentEvent, Setback};
use crate::scenario::{At, Fails, InvoiceName, PaidUntil, Pay, PaymentState, RoleName};
use crate::trace::{Event, words};

impl Lab<'_> {
    /// Holds what the payer learned against what the scenario says.
    pub(super) fn judge_payment(
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
        let refused = self.trace.entries.iter().skip(since).find_map(|entry| match &entry.event {
            Event::OnionMessage { role, told: MessageEvent::NoInvoice { error } }
                if role == from =>
            {
                Some(error.clone())
            }
            _ => None,
        });
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
                (Fails::NoAnswer, None) if learned.is_empty() => None,
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
        let why = match offline {
            Some(role) => format!("{role} is offline"),
            None => self.violation().unwrap_or_else(|| "it is still pending".to_owned()),
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

    /// Is anybody on the way off the net?
    fn is_offline(&self, role: &RoleName) -> bool {
        self.cast.get(role).is_some_and(|player| matches!(player.link, Link::Offline(_)))
    }
}

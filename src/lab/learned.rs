//! What a payer learns of its payment, against what the scenario says.

use bitcoin::hashes::sha256;

use super::network::Link;
use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::onion::Failure;
use crate::node::{MessageEvent, Node, PaymentEvent, Setback};
use crate::scenario::{At, Fails, InvoiceName, PaidUntil, Pay, PaymentState, RoleName};
use crate::trace::{Event, words};

/// What reached the payer of one payment.
#[derive(Default)]
struct Learned {
    /// How its parts ended.
    endings: Vec<PaymentEvent>,
    /// What happened to the onion messages that it got.
    letters: Vec<MessageEvent>,
}

impl Learned {
    fn setbacks(&self) -> impl Iterator<Item = &Setback> {
        self.endings.iter().filter_map(|event| match event {
            PaymentEvent::Failed { setback, .. } => Some(setback),
            _ => None,
        })
    }

    fn paid(&self) -> bool {
        self.endings.iter().any(|event| matches!(event, PaymentEvent::Paid { .. }))
    }

    /// Why the maker of an offer gives no invoice.
    fn refused(&self) -> Option<&str> {
        self.letters.iter().find_map(|letter| match letter {
            MessageEvent::NoInvoice { error } => Some(error.as_str()),
            _ => None,
        })
    }

    /// Why the payer did nothing with a message.
    fn ignored(&self) -> Option<&str> {
        self.letters.iter().find_map(|letter| match letter {
            MessageEvent::Ignored { reason } => Some(reason.as_str()),
            _ => None,
        })
    }

    fn got_invoice(&self) -> bool {
        self.letters.iter().any(|letter| matches!(letter, MessageEvent::Invoiced { .. }))
    }
}

impl Lab<'_> {
    /// Holds what the payer learned against what the scenario says.
    pub(super) fn judge_payment(
        &mut self,
        pay: &Pay,
        hash: Option<sha256::Hash>,
        since: usize,
    ) -> Result<(), Stop> {
        let (from, to) = (&pay.from.value, &pay.to);
        let learned = self.learned(from, hash.as_ref(), since);
        if let Some(fails) = &pay.fails {
            let found = self.failure_instead(&pay.from, &fails.value, &learned)?;
            return self.check(fails.at, &fails.value.to_string(), found);
        }
        if let Some(setback) = learned.setbacks().next() {
            let why = self.names().setback(setback);
            return Err(failed(None, format!("{from} did not pay {to}: {why}")));
        }
        if let Some(error) = learned.refused() {
            return Err(failed(None, format!("{from} got no invoice from {to}: {error}")));
        }
        if learned.paid() || pay.until != PaidUntil::Paid {
            return Ok(());
        }
        let on_the_way = self.scenario.cast.iter().map(|role| role.name.value.clone());
        let offline = on_the_way.into_iter().find(|role| self.is_offline(role));
        let why = match (offline, learned.ignored()) {
            (Some(role), _) => format!("{role} is offline"),
            (None, Some(reason)) => format!("{from} ignored a message: {reason}"),
            (None, None) => self.violation().unwrap_or_else(|| "it is still pending".to_owned()),
        };
        Err(failed(None, format!("{from} did not pay {to}: {why}")))
    }

    /// What reached the payer since then. Who pays an offer learns the hash on the way, so without
    /// one every ending counts.
    fn learned(&self, payer: &RoleName, hash: Option<&sha256::Hash>, since: usize) -> Learned {
        let ends = |told: &PaymentEvent| match hash {
            Some(hash) => told.ends(hash),
            None => matches!(told, PaymentEvent::Paid { .. } | PaymentEvent::Failed { .. }),
        };
        let mut learned = Learned::default();
        for entry in self.trace.entries.iter().skip(since) {
            match &entry.event {
                Event::Payment { role, told, .. } if role == payer && ends(told) => {
                    learned.endings.push(told.clone());
                }
                Event::OnionMessage { role, told } if role == payer => {
                    learned.letters.push(told.clone());
                }
                _ => {}
            }
        }
        learned
    }

    /// What the payer learned, if it is not that failure.
    fn failure_instead(
        &self,
        payer: &At<RoleName>,
        wanted: &Fails,
        learned: &Learned,
    ) -> Result<Option<String>, Stop> {
        for setback in learned.setbacks() {
            if self.is_setback(payer, wanted, setback)? {
                return Ok(None);
            }
        }
        let nothing_came = learned.endings.is_empty() && !learned.got_invoice();
        let found = match (learned.setbacks().next(), learned.refused()) {
            (Some(setback), _) => self.names().setback(setback),
            (None, Some(_)) if *wanted == Fails::NoInvoice => return Ok(None),
            (None, Some(error)) => format!("no invoice: {error}"),
            (None, None) if *wanted == Fails::NoAnswer && nothing_came => return Ok(None),
            (None, None) if learned.paid() => "it has arrived".to_owned(),
            (None, None) if learned.got_invoice() => "an invoice came".to_owned(),
            (None, None) => "nothing came back".to_owned(),
        };
        Ok(Some(found))
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
        self.cast.get(role).is_some_and(|player| matches!(player.link, Link::Offline { .. }))
    }
}

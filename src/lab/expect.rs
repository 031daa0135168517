//! `expect`: what must be so, mining a while if need be.

use super::sides::Side;
use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::units::Msat;
use crate::scenario::{
    At, ChannelName, ChannelState, Expect, Expectation, Expected, Position, RoleName,
    TransactionPattern,
};
use crate::trace::Event;

impl Lab<'_> {
    pub(super) fn expect(&mut self, expect: &Expect) -> Result<(), Stop> {
        let side = Side::of_step(expect.apart);
        let mut failure = self.look(side, &expect.what)?;
        // What must not be there must not come either, so all of the blocks are mined.
        let forbidden = match &expect.what {
            Expectation::NoTransaction(_) => true,
            Expectation::Message(message) => matches!(message.what, Expected::NoneOf(_)),
            Expectation::Transaction(_)
            | Expectation::State { .. }
            | Expectation::Payment { .. }
            | Expectation::Balance { .. } => false,
        };
        for _ in 0..expect.within.0 {
            if failure.is_some() == forbidden {
                break;
            }
            self.mine(side, 1)?;
            failure = self.look(side, &expect.what)?;
        }
        self.check(None, &expect.to_string(), failure)
    }

    /// Notes what was expected, and fails if something else was there.
    pub(super) fn check(
        &mut self,
        at: impl Into<Option<Position>>,
        expected: &str,
        found: Option<String>,
    ) -> Result<(), Stop> {
        let event = Event::Checked { expected: expected.to_owned(), failed: found.clone() };
        self.tell(event);
        match found {
            None => Ok(()),
            Some(found) => {
                let message = format!("expected: {expected}\nfound: {found}");
                Err(failed(at.into(), message))
            }
        }
    }

    /// What is there instead of what was expected, if that is not so.
    fn look(&mut self, side: Side, what: &Expectation) -> Result<Option<String>, Stop> {
        match what {
            Expectation::Transaction(pattern) => Ok(self.look_for(side, pattern).err()),
            Expectation::NoTransaction(pattern) => Ok(self.look_for(side, pattern).ok()),
            Expectation::Message(message) => Ok(self.look_at_messages(message)),
            Expectation::State { channel, of, is } => self.look_at_state(channel, of, *is),
            Expectation::Payment { of, invoice, is, fails } => {
                self.look_at_payment(of, invoice, *is, fails.as_ref())
            }
            Expectation::Balance { channel, of, is } => self.look_at_balance(channel, of, is.value),
        }
    }

    /// The transaction of a side that fits, in words; or those that there are.
    fn look_for(&self, side: Side, pattern: &TransactionPattern) -> Result<String, String> {
        let account = self.account_of(side);
        if let Some(found) = account.transactions.iter().find(|tx| tx.matches(pattern)) {
            return Ok(found.to_string());
        }
        let known: Vec<String> = account.transactions.iter().map(ToString::to_string).collect();
        if known.is_empty() {
            return Err("no transaction of a channel at all".to_owned());
        }
        Err(known.join("\n"))
    }

    fn look_at_state(
        &self,
        channel: &At<ChannelName>,
        of: &At<RoleName>,
        wanted: ChannelState,
    ) -> Result<Option<String>, Stop> {
        let state = self.state(channel, &of.value)?;
        Ok((state != wanted.as_str()).then(|| format!("{of} sees {channel} as {state}")))
    }

    fn look_at_balance(
        &self,
        channel: &At<ChannelName>,
        of: &At<RoleName>,
        wanted: Msat,
    ) -> Result<Option<String>, Stop> {
        let handle = self.handle(channel)?;
        let known = self.node(&of.value)?.channel(&handle);
        let Some(commitments) = known.and_then(|known| known.phase.commitments()) else {
            return Ok(Some(format!("{of} has no balance in {channel} any more")));
        };
        let (balance, _) = commitments.settled();
        Ok((balance != wanted).then(|| format!("{of} owns {balance} msat in {channel}")))
    }
}

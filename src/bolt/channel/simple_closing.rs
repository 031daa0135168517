//! A closing transaction of each side's own. BOLT 2, "Closing Negotiation: `closing_complete` and
//! `closing_sig`".
//!
//! ```text
//! closer                                closee
//!   |------ closing_complete ----------->|   a fee that the closer pays, signed for
//!   |<----- closing_sig -----------------|   signed as well: both publish it
//!   |   (again, with a greater fee or to another script)
//! ```
//!
//! Either side is the closer of its own transactions and the closee of the other's. They all spend
//! the funding output: the chain takes one of them, and until then there can be another.

use std::collections::BTreeMap;

use bitcoin::absolute::LockTime;
use bitcoin::{Amount, ScriptBuf, Transaction};
use secp256k1::ecdsa::Signature;

use super::error::ensure;
use super::negotiating::PATIENCE;
use super::shutdown::{is_allowed, is_committed};
use super::{
    ChainEvent, Command, Commitments, Confirmation, Context, Fault, Input, Output, PeerViolation,
    Phase, Purpose, Refused, Shutdown, Step, normal, unexpected,
};
use crate::bolt::tx::closing::closing_weight;
use crate::bolt::tx::{Side, TxError, closing};
use crate::bolt::units::{BlockHeight, FeeratePerKw, Msat};
use crate::bolt::wire::Message;
use crate::bolt::wire::messages::{ClosingComplete, ClosingSig};

/// A channel that either side may close by a transaction that it pays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleClosing {
    /// Both sides' commitments.
    pub commitments: Commitments,
    confirmation: Confirmation,
    /// The last script that we named.
    local_script: ScriptBuf,
    /// The last script that the peer named.
    remote_script: ScriptBuf,
    /// What we offered last.
    offered: Option<Price>,
    /// Our `closing_complete` that no `closing_sig` has answered, and the height at which it went.
    outstanding: Option<(ClosingComplete, BlockHeight)>,
}

/// What a closing transaction costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Price {
    feerate: FeeratePerKw,
    fee: Amount,
}

/// Which outputs a closing transaction has. Each choice has a signature of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Variant {
    CloserOnly,
    CloseeOnly,
    Both,
}

impl Variant {
    const ALL: [Self; 3] = [Self::CloserOnly, Self::CloseeOnly, Self::Both];

    /// The record that has its signature.
    fn field(self) -> &'static str {
        match self {
            Self::CloserOnly => "closer_output_only",
            Self::CloseeOnly => "closee_output_only",
            Self::Both => "closer_and_closee_outputs",
        }
    }

    /// Whose outputs there are.
    fn outputs(self, closer: Side) -> Vec<Side> {
        match self {
            Self::CloserOnly => vec![closer],
            Self::CloseeOnly => vec![closer.flip()],
            Self::Both => vec![closer, closer.flip()],
        }
    }
}

/// The signatures of `closing_complete` or `closing_sig`, which have the same records.
macro_rules! signatures {
    ($message:expr) => {
        Variant::ALL
            .into_iter()
            .zip([
                $message.closer_output_only,
                $message.closee_output_only,
                $message.closer_and_closee_outputs,
            ])
            .filter_map(|(variant, signature)| Some((variant, signature?)))
            .collect::<Signatures>()
    };
}

type Signatures = BTreeMap<Variant, Signature>;

/// One side of a closing transaction.
#[derive(Clone, Debug)]
struct Stake {
    balance: Msat,
    script: ScriptBuf,
}

/// Whether an output is too small to be relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dust {
    Yes,
    /// BOLT 3 has one threshold for all later witness versions, that of the longest program;
    /// bitcoind goes by the length. Between the two, either is right.
    Arguably,
    No,
}

impl Stake {
    fn sats(&self) -> Amount {
        self.balance.to_sat_floor()
    }

    /// What an output of this amount would be. BOLT 3, "Dust Limits".
    fn dust(&self, amount: Amount) -> Dust {
        const LONGEST_PROGRAM: Amount = Amount::from_sat(354);
        let has_later_version = self.script.is_witness_program()
            && !(self.script.is_p2wpkh() || self.script.is_p2wsh());
        if amount < self.script.minimal_non_dust() {
            Dust::Yes
        } else if has_later_version && amount < LONGEST_PROGRAM {
            Dust::Arguably
        } else {
            Dust::No
        }
    }
}

/// Both sides of a closing transaction.
#[derive(Clone, Debug)]
struct Deal {
    closer: Stake,
    closee: Stake,
}

impl Deal {
    /// The lesser side, and only that one, may leave out its own output.
    fn closer_has_less(&self) -> bool {
        self.closer.balance < self.closee.balance
    }

    fn closee_dust(&self) -> Dust {
        self.closee.dust(self.closee.sats())
    }

    /// Whether the closer has to sign this variant, or must not. "The sender of
    /// `closing_complete`".
    fn due(&self, fee: Amount, variant: Variant) -> Option<bool> {
        let left = self.closer.sats().checked_sub(fee).unwrap_or(Amount::ZERO);
        if self.closer_has_less() {
            return match variant {
                Variant::CloserOnly => Some(false),
                Variant::CloseeOnly if self.closer.script.is_op_return() => Some(false),
                Variant::CloseeOnly => (self.closer.dust(left) == Dust::Yes).then_some(true),
                Variant::Both => None,
            };
        }
        match (variant, self.closee_dust()) {
            (Variant::CloserOnly, _) => Some(true),
            (Variant::CloseeOnly, _) | (Variant::Both, Dust::Yes) => Some(false),
            (Variant::Both, Dust::Arguably) => None,
            (Variant::Both, Dust::No) => Some(true),
        }
    }

    /// What we offer as the closer at a fee rate; `None` if that leaves nothing worth an output.
    fn offer(&self, feerate: FeeratePerKw) -> Option<(Amount, Vec<Variant>)> {
        let balance = self.closer.sats();
        let fee = |scripts: &[&ScriptBuf]| feerate.fee(closing_weight(scripts));
        let (closer, closee) = (&self.closer.script, &self.closee.script);
        let only_closer = self.due(Amount::ZERO, Variant::Both) == Some(false);
        let usual = if only_closer { fee(&[closer]) } else { fee(&[closer, closee]) };
        let left = balance.checked_sub(usual);
        if closer.is_op_return() {
            // The output has no amount: whatever there is goes to the miner.
            return left.map(|_| (balance, self.variants(balance)));
        }
        if left.is_some_and(|left| self.closer.dust(left) != Dust::Yes) {
            return Some((usual, self.variants(usual)));
        }
        let can_leave = self.closer_has_less() && self.closee_dust() != Dust::Yes;
        (can_leave && balance >= fee(&[closee])).then(|| (balance, self.variants(balance)))
    }

    /// What the closer signs at this fee: all that is due, or what has both outputs.
    fn variants(&self, fee: Amount) -> Vec<Variant> {
        let signs = |variant: Variant| match self.due(fee, variant) {
            Some(due) => due,
            None => variant == Variant::Both && self.due(fee, Variant::CloseeOnly) != Some(true),
        };
        Variant::ALL.into_iter().filter(|variant| signs(*variant)).collect()
    }

    /// What the closer signed against the rules. The closee may sign all the same: it is told, and
    /// that is all.
    fn misplaced(&self, fee: Amount, signed: &Signatures) -> Vec<PeerViolation> {
        let wrong = Variant::ALL.into_iter().filter_map(|variant| {
            let due = self.due(fee, variant)?;
            let field = variant.field();
            (signed.contains_key(&variant) != due)
                .then_some(PeerViolation::CloserSignatures { field, due })
        });
        wrong.collect()
    }

    /// The signature that we use as the closee. "The receiver of `closing_complete`".
    fn selected(&self, signed: &Signatures) -> Variant {
        let has_both = signed.contains_key(&Variant::Both);
        match self.closee_dust() {
            Dust::Yes => Variant::CloserOnly,
            // Uneconomical, if the closer thinks so too.
            Dust::Arguably if !has_both => Variant::CloserOnly,
            Dust::Arguably | Dust::No if has_both => Variant::Both,
            Dust::Arguably | Dust::No => Variant::CloseeOnly,
        }
    }
}

impl SimpleClosing {
    /// Both sides have sent `shutdown`. We offer a closing transaction, if we can pay for one.
    pub(super) fn begin(
        context: &Context<'_>,
        shutdown: Shutdown,
        (local_script, remote_script): (ScriptBuf, ScriptBuf),
        mut outputs: Vec<Output>,
    ) -> Step {
        let Shutdown { commitments, confirmation, offered, .. } = shutdown;
        let mut next = Self {
            commitments,
            confirmation,
            local_script,
            remote_script,
            offered: None,
            outstanding: None,
        };
        // What another connection has seen is not taken back.
        let feerate = offered.unwrap_or(context.feerate);
        let deal = next.deal(Side::Local, &next.local_script, &next.remote_script);
        if let Some((fee, variants)) = deal.offer(feerate) {
            outputs.push(next.send(context, Price { feerate, fee }, &variants)?);
        }
        Ok((Phase::SimpleClosing(next), outputs))
    }

    /// The connection is lost: both sides send `shutdown` again, with the last script that they
    /// named, and `closing_complete` anew.
    pub(super) fn disconnected(&self) -> Shutdown {
        let Self { commitments, confirmation, local_script, remote_script, .. } = self.clone();
        Shutdown::again(commitments, confirmation, local_script, remote_script)
            .having_offered(self.offered.map(|price| price.feerate))
    }

    fn deal(&self, closer: Side, closer_script: &ScriptBuf, closee_script: &ScriptBuf) -> Deal {
        let (to_local, to_remote) = self.commitments.settled();
        let (closer, closee) = match closer {
            Side::Local => (to_local, to_remote),
            Side::Remote => (to_remote, to_local),
        };
        Deal {
            closer: Stake { balance: closer, script: closer_script.clone() },
            closee: Stake { balance: closee, script: closee_script.clone() },
        }
    }

    /// The transaction that a `closing_complete` of this side describes.
    fn transaction(
        &self,
        closer: Side,
        message: &ClosingComplete,
        variant: Variant,
    ) -> Result<Transaction, TxError> {
        let (to_local, to_remote) = self.commitments.settled();
        let ClosingComplete { closer_scriptpubkey, closee_scriptpubkey, .. } = message.clone();
        let (local_script, remote_script) = match closer {
            Side::Local => (closer_scriptpubkey, closee_scriptpubkey),
            Side::Remote => (closee_scriptpubkey, closer_scriptpubkey),
        };
        let outpoint = self.commitments.funding.outpoint;
        let closing =
            closing::Closing { outpoint, to_local, to_remote, local_script, remote_script };
        let lock_time = LockTime::from_consensus(message.locktime);
        closing.simple(closer, message.fee_satoshis, lock_time, &variant.outputs(closer))
    }

    fn send(
        &mut self,
        context: &Context<'_>,
        price: Price,
        variants: &[Variant],
    ) -> Result<Output, Fault> {
        let mut message = ClosingComplete {
            channel_id: self.commitments.channel_id,
            closer_scriptpubkey: self.local_script.clone(),
            closee_scriptpubkey: self.remote_script.clone(),
            fee_satoshis: price.fee,
            locktime: 0,
            closer_output_only: None,
            closee_output_only: None,
            closer_and_closee_outputs: None,
            unknown: Vec::new(),
        };
        for variant in variants {
            let transaction = self.transaction(Side::Local, &message, *variant)?;
            let signature = self.commitments.sign_closing(context.secrets, &transaction)?;
            match variant {
                Variant::CloserOnly => message.closer_output_only = Some(signature),
                Variant::CloseeOnly => message.closee_output_only = Some(signature),
                Variant::Both => message.closer_and_closee_outputs = Some(signature),
            }
        }
        self.offered = Some(price);
        self.outstanding = Some((message.clone(), context.height));
        Ok(Output::Send(message.into()))
    }

    /// We want to pay more than with our last `closing_complete`, or to be paid elsewhere.
    fn bump(
        &self,
        context: &Context<'_>,
        feerate: FeeratePerKw,
        script: Option<&ScriptBuf>,
    ) -> Step {
        if self.outstanding.is_some() {
            return Err(Refused::AwaitsClosingSig.into());
        }
        let script = script.unwrap_or(&self.local_script);
        let committed = self.commitments.terms.local.upfront_shutdown_script.as_ref();
        if !is_allowed(script, context.features) || is_committed(script, committed).is_err() {
            return Err(Refused::ClosingScript.into());
        }
        let deal = self.deal(Side::Local, script, &self.remote_script);
        let offer = deal.offer(feerate).ok_or(Refused::ClosingFeeTooHigh(feerate));
        let (fee, variants) = offer?;
        if let Some(Price { fee: last, .. }) = self.offered
            && fee <= last
        {
            return Err(Refused::ClosingFeeTooLow { fee, last }.into());
        }
        let mut next = Self { local_script: script.clone(), ..self.clone() };
        let message = next.send(context, Price { feerate, fee }, &variants)?;
        Ok((Phase::SimpleClosing(next), vec![message]))
    }

    /// The peer closes, and we sign.
    fn receive_complete(&self, context: &Context<'_>, message: &ClosingComplete) -> Step {
        let script = &message.closer_scriptpubkey;
        let deal = self.deal(Side::Remote, script, &message.closee_scriptpubkey);
        let (fee, balance) = (message.fee_satoshis, deal.closer.sats());
        ensure(fee <= balance, PeerViolation::CloserCannotPay { fee, balance })?;
        ensure(message.closee_scriptpubkey == self.local_script, PeerViolation::CloseeScript)?;
        ensure(is_allowed(script, context.features), PeerViolation::CloserScript)?;
        is_committed(script, self.commitments.terms.remote.upfront_shutdown_script.as_ref())?;
        let signed = signatures!(message);
        let variant = deal.selected(&signed);
        let field = variant.field();
        let missing = PeerViolation::NoCloserSignature { missing: field };
        let theirs = signed.get(&variant).ok_or(missing)?;
        let transaction = self.transaction(Side::Remote, message, variant)?;
        let wrong = PeerViolation::WrongCloserSignature { field };
        ensure(self.is_signed_by_peer(&transaction, theirs), wrong)?;
        let mut next = Self { remote_script: script.clone(), ..self.clone() };
        let ours = next.commitments.sign_closing(context.secrets, &transaction)?;
        let only = |of: Variant| (of == variant).then_some(ours);
        let reply = ClosingSig {
            channel_id: message.channel_id,
            closer_scriptpubkey: script.clone(),
            closee_scriptpubkey: message.closee_scriptpubkey.clone(),
            fee_satoshis: fee,
            locktime: message.locktime,
            closer_output_only: only(Variant::CloserOnly),
            closee_output_only: only(Variant::CloseeOnly),
            closer_and_closee_outputs: only(Variant::Both),
            unknown: Vec::new(),
        };
        let told = deal.misplaced(fee, &signed);
        let mut outputs: Vec<Output> = told.iter().map(PeerViolation::told).collect();
        outputs.push(Output::Send(reply.into()));
        outputs.push(next.publish(transaction, &ours, theirs));
        Ok((Phase::SimpleClosing(next), outputs))
    }

    /// The peer signs what we offered.
    fn receive_sig(&self, message: &ClosingSig) -> Step {
        let Some((offer, _)) = &self.outstanding else {
            return Err(PeerViolation::NothingToClose.into());
        };
        let repeated = [
            ("closer_scriptpubkey", message.closer_scriptpubkey == offer.closer_scriptpubkey),
            ("closee_scriptpubkey", message.closee_scriptpubkey == offer.closee_scriptpubkey),
            ("fee_satoshis", message.fee_satoshis == offer.fee_satoshis),
            ("locktime", message.locktime == offer.locktime),
        ];
        for (field, same) in repeated {
            ensure(same, PeerViolation::ClosingSigDiffers { field })?;
        }
        let signed = signatures!(message);
        let count = signed.len();
        let (Some((variant, theirs)), 1) = (signed.first_key_value(), count) else {
            return Err(PeerViolation::ClosingSigCount { count }.into());
        };
        let field = variant.field();
        let offered = signatures!(offer);
        let ours = offered.get(variant).ok_or(PeerViolation::ClosingSigNotOffered { field })?;
        let transaction = self.transaction(Side::Local, offer, *variant)?;
        let wrong = PeerViolation::WrongCloseeSignature { field };
        ensure(self.is_signed_by_peer(&transaction, theirs), wrong)?;
        let published = self.publish(transaction, ours, theirs);
        let next = Self { outstanding: None, ..self.clone() };
        Ok((Phase::SimpleClosing(next), vec![published]))
    }

    fn is_signed_by_peer(&self, transaction: &Transaction, signature: &Signature) -> bool {
        let funding = &self.commitments.funding;
        funding.verify(transaction, &funding.remote_pubkey, signature)
    }

    fn publish(
        &self,
        mut transaction: Transaction,
        ours: &Signature,
        theirs: &Signature,
    ) -> Output {
        if let Some(input) = transaction.input.first_mut() {
            input.witness = self.commitments.funding.witness(ours, theirs);
        }
        Output::Broadcast { transaction, purpose: Purpose::Closing }
    }

    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match input {
            Input::Received(Message::ClosingComplete(message)) => {
                self.receive_complete(context, message)
            }
            Input::Received(Message::ClosingSig(message)) => self.receive_sig(message),
            Input::Received(Message::ClosingSigned(_)) => Err(PeerViolation::LegacyClosing.into()),
            Input::Command(Command::BumpClose { feerate, script }) => {
                self.bump(context, *feerate, script.as_ref())
            }
            // The funding got its depth after all.
            Input::Received(Message::ChannelReady(_)) => {
                Ok((Phase::SimpleClosing(self.clone()), Vec::new()))
            }
            Input::Received(_) | Input::Command(_) => Err(unexpected("negotiating", input)),
            Input::Chain(event) => self.follow(context, event),
        }
    }

    fn follow(&self, context: &Context<'_>, event: &ChainEvent) -> Step {
        let (confirmation, outputs) = normal::follow(&self.commitments, self.confirmation, event);
        let next = Phase::SimpleClosing(Self { confirmation, ..self.clone() });
        let (next, mut outputs) =
            normal::close_if_spent(next, &self.commitments, context, event, outputs)?;
        let waits = self.outstanding.as_ref().is_some_and(|(_, since)| {
            context.height.blocks_since(*since).is_some_and(|blocks| blocks >= PATIENCE)
        });
        if !waits || !matches!(next, Phase::SimpleClosing(_)) {
            return Ok((next, outputs));
        }
        let (next, more) = next.fail(context, &PeerViolation::NoClosingSig { blocks: PATIENCE });
        outputs.extend(more);
        Ok((next, outputs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P2WPKH: usize = 22;

    /// A script of this length: P2WPKH, P2WSH, a later witness version or `OP_RETURN`. The 35 is
    /// P2TR, which is as long as P2WSH.
    fn script(length: usize) -> ScriptBuf {
        let (version, program) = match length {
            22 | 34 => (0, length - 2),
            35 => (0x51, 32),
            42 => (0x60, 40),
            8 => (0x6a, 6),
            other => panic!("{other}"),
        };
        let head = [version, u8::try_from(program).unwrap()];
        ScriptBuf::from_bytes([&head[..], &vec![7; program]].concat())
    }

    fn deal(closer: (u64, usize), closee: (u64, usize)) -> Deal {
        let [closer, closee] = [closer, closee]
            .map(|(balance, length)| Stake { balance: Msat(balance), script: script(length) });
        Deal { closer, closee }
    }

    #[test]
    fn dust_goes_by_the_script() {
        let table = [
            (22, 294, 294),
            (34, 330, 330),
            // P2TR: 330 by its length, and 354 as any later version.
            (35, 330, 354),
            (42, 354, 354),
            (8, 0, 0),
        ];
        for (length, certain, arguable) in table {
            let stake = deal((0, length), (0, P2WPKH)).closer;
            let dust = |sat| stake.dust(Amount::from_sat(sat));
            if certain > 0 {
                assert_eq!(dust(certain - 1), Dust::Yes, "{length}");
            }
            if arguable > certain {
                assert_eq!([certain, arguable - 1].map(dust), [Dust::Arguably; 2], "{length}");
            }
            assert_eq!(dust(arguable), Dust::No, "{length}");
        }
    }

    #[test]
    fn the_closer_signs_what_the_balances_ask_for() {
        use Variant::{Both, CloseeOnly, CloserOnly};
        let whole = |sat: u64| sat * 1000;
        // 676 weight units with two P2WPKH outputs, 552 with one; at 1,000 sat/kw.
        let table: Vec<((u64, usize), (u64, usize), Option<(u64, &[Variant])>)> = vec![
            // The greater side, or one of two equals.
            ((whole(6_000), 22), (whole(4_000), 22), Some((676, &[CloserOnly, Both]))),
            ((whole(5_000), 22), (whole(5_000), 22), Some((676, &[CloserOnly, Both]))),
            ((whole(6_000), 22), (whole(294), 22), Some((676, &[CloserOnly, Both]))),
            ((whole(6_000), 22), (whole(294) - 1, 22), Some((552, &[CloserOnly]))),
            ((whole(6_000), 22), (0, 22), Some((552, &[CloserOnly]))),
            // `OP_RETURN` is never dust.
            ((whole(6_000), 22), (0, 8), Some((620, &[CloserOnly, Both]))),
            ((whole(6_000), 8), (whole(4_000), 22), Some((6_000, &[CloserOnly, Both]))),
            ((whole(6_000), 8), (0, 22), Some((6_000, &[CloserOnly]))),
            // Arguably dust: both, for the closee to choose.
            ((whole(6_000), 22), (whole(340), 35), Some((724, &[CloserOnly, Both]))),
            // The greater side must not leave out its own output.
            ((whole(970), 22), (whole(970), 22), Some((676, &[CloserOnly, Both]))),
            ((whole(969), 22), (whole(969), 22), None),
            // The lesser side.
            ((whole(5_000) - 1, 22), (whole(5_000), 22), Some((676, &[Both]))),
            ((whole(970), 22), (whole(5_000), 22), Some((676, &[Both]))),
            ((whole(970) - 1, 22), (whole(5_000), 22), Some((969, &[CloseeOnly]))),
            ((whole(552), 22), (whole(5_000), 22), Some((552, &[CloseeOnly]))),
            ((whole(552) - 1, 22), (whole(5_000), 22), None),
            ((whole(4_000), 8), (whole(5_000), 22), Some((4_000, &[Both]))),
            ((whole(619), 8), (whole(5_000), 22), None),
        ];
        for (closer, closee, expected) in table {
            let deal = deal(closer, closee);
            let found = deal.offer(FeeratePerKw(1_000));
            let expected = expected.map(|(fee, variants)| (Amount::from_sat(fee), variants.into()));
            assert_eq!(found, expected, "{closer:?} {closee:?}");
            if let Some((fee, variants)) = found {
                assert_eq!(deal.misplaced(fee, &signed(&variants)), []);
            }
        }
    }

    fn signed(variants: &[Variant]) -> Signatures {
        let signature = Signature::from_compact(&[1; 64]).unwrap();
        variants.iter().map(|variant| (*variant, signature)).collect()
    }

    #[test]
    fn a_signature_too_many_or_too_few_is_told() {
        use Variant::{Both, CloseeOnly, CloserOnly};
        let fee = Amount::from_sat(1_000);
        let told = |deal: &Deal, variants: &[Variant]| -> Vec<(&'static str, bool)> {
            let found = deal.misplaced(fee, &signed(variants)).into_iter();
            found
                .map(|violation| match violation {
                    PeerViolation::CloserSignatures { field, due } => (field, due),
                    other => panic!("{other}"),
                })
                .collect()
        };
        let greater = deal((6_000_000, 22), (4_000_000, 22));
        assert_eq!(told(&greater, &[CloserOnly]), [(Both.field(), true)]);
        assert_eq!(told(&greater, &[Both]), [(CloserOnly.field(), true)]);
        assert_eq!(told(&greater, &Variant::ALL), [(CloseeOnly.field(), false)]);
        let above_dust = deal((6_000_000, 22), (200_000, 22));
        assert_eq!(told(&above_dust, &[CloserOnly, Both]), [(Both.field(), false)]);
        let lesser = deal((4_000_000, 22), (6_000_000, 22));
        assert_eq!(told(&lesser, &[Both]), []);
        assert_eq!(told(&lesser, &[CloseeOnly]), []);
        assert_eq!(told(&lesser, &[CloserOnly, Both]), [(CloserOnly.field(), false)]);
        let dust = deal((1_293_000, 22), (6_000_000, 22));
        assert_eq!(told(&dust, &[Both]), [(CloseeOnly.field(), true)]);
        assert_eq!(told(&dust, &[CloseeOnly]), []);
        let burns = deal((4_000_000, 8), (6_000_000, 22));
        assert_eq!(told(&burns, &[CloseeOnly, Both]), [(CloseeOnly.field(), false)]);
    }

    #[test]
    fn the_closee_chooses_by_its_own_output() {
        use Variant::{Both, CloseeOnly, CloserOnly};
        let table: [((u64, usize), &[Variant], Variant); 9] = [
            ((293_999, 22), &[CloserOnly, Both], CloserOnly),
            ((293_999, 22), &[Both], CloserOnly),
            ((294_000, 22), &[CloserOnly, Both], Both),
            ((294_000, 22), &[CloserOnly], CloseeOnly),
            ((294_000, 22), &[CloseeOnly], CloseeOnly),
            ((294_000, 22), &[CloseeOnly, Both], Both),
            ((340_000, 35), &[CloserOnly], CloserOnly),
            ((340_000, 35), &[CloserOnly, Both], Both),
            ((0, 8), &[CloserOnly, Both], Both),
        ];
        for (closee, variants, expected) in table {
            let found = deal((6_000_000, 22), closee).selected(&signed(variants));
            assert_eq!(found, expected, "{closee:?} {variants:?}");
        }
    }
}

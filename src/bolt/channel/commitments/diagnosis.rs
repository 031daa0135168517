//! What a peer probably signed, if its signature does not fit: the commitment is built anew with one
//! thing otherwise, until the signature fits one.

use std::collections::BTreeSet;
use std::fmt;

use bitcoin::{Amount, Transaction};
use secp256k1::ecdsa::Signature;

use super::Commitments;
use crate::bolt::channel::terms::ChannelSecrets;
use crate::bolt::tx::{ChannelType, Commitment, CommitmentKeys, Side, TxError};
use crate::bolt::units::{CommitmentNumber, CsvDelay, FeeratePerKw, HtlcId, Msat};

/// What is otherwise in the commitment that a signature fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// The fee rate.
    Feerate(FeeratePerKw),
    /// What is trimmed.
    DustLimit(Amount),
    /// The format.
    ChannelType(ChannelType),
    /// The delay of the owner's output.
    Delay(CsvDelay),
    /// Who pays the fee.
    Funder,
    /// Which commitment it is.
    Number(CommitmentNumber),
    /// An HTLC is not in it, and its amount is with this side.
    WithoutHtlc {
        /// Who offered the HTLC, from the view of who checks.
        offerer: Side,
        /// Which one.
        id: HtlcId,
        /// Who has its amount, likewise.
        paid_to: Side,
    },
    /// An HTLC is in it that was not signed in yet, or was signed out already.
    WithHtlc {
        /// Who offered the HTLC, from the view of who checks.
        offerer: Side,
        /// Which one.
        id: HtlcId,
    },
    /// Both balances.
    Balances,
    /// The order of the outputs.
    Order,
    /// It is the signer's own.
    Signers,
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = |side: &Side| match side {
            Side::Local => "our",
            Side::Remote => "its",
        };
        match self {
            Self::Feerate(feerate) => write!(f, "one at {feerate} sat/kw"),
            Self::DustLimit(Amount::ZERO) => f.write_str("one that trims nothing"),
            Self::DustLimit(limit) => write!(f, "one that trims below {} sat", limit.to_sat()),
            Self::ChannelType(ChannelType::Anchors) => f.write_str("one with anchors"),
            Self::ChannelType(ChannelType::StaticRemotekey) => f.write_str("one without anchors"),
            Self::Delay(delay) => write!(f, "one with a to_self_delay of {delay}"),
            Self::Funder => f.write_str("one whose fee the other side pays"),
            Self::Number(number) => write!(f, "number {number}"),
            Self::WithoutHtlc { offerer, id, paid_to } => {
                let how = if paid_to == offerer { "given back" } else { "taken" };
                write!(f, "one without {} HTLC {id}, which is {how}", whose(offerer))
            }
            Self::WithHtlc { offerer, id } => write!(f, "one with {} HTLC {id}", whose(offerer)),
            Self::Balances => f.write_str("one with the balances the other way round"),
            Self::Order => f.write_str("one with its outputs in another order"),
            Self::Signers => f.write_str("the signer's own"),
        }
    }
}

impl Commitments {
    /// What the peer probably signed instead of our commitment of this number, if its signature
    /// fits anything that could have been.
    ///
    /// # Errors
    /// [`TxError`] if a key does not exist.
    pub(super) fn guess(
        &self,
        secrets: &ChannelSecrets,
        number: CommitmentNumber,
        signature: &Signature,
    ) -> Result<Option<Guess>, TxError> {
        let candidates = self.candidates(secrets, number)?;
        let key = &self.funding.remote_pubkey;
        let fits = |transaction: &Transaction| self.funding.verify(transaction, key, signature);
        Ok(candidates.into_iter().find(|(_, candidate)| fits(candidate)).map(|(guess, _)| guess))
    }

    /// The commitments that the peer could have taken for ours of this number.
    ///
    /// # Errors
    /// [`TxError`] if a key does not exist.
    pub(super) fn candidates(
        &self,
        secrets: &ChannelSecrets,
        number: CommitmentNumber,
    ) -> Result<Vec<(Guess, Transaction)>, TxError> {
        let point = secrets.seed.secret(number).point()?;
        let right = self.commitment(Side::Local, number, &point)?;
        let mut varied = self.otherwise(&right);
        for number in [number.previous(), number.next()].into_iter().flatten() {
            let point = secrets.seed.secret(number).point()?;
            let (ours, theirs) = (&self.terms.local, &self.terms.remote);
            let keys = CommitmentKeys::derive(&ours.basepoints, &theirs.basepoints, &point)?;
            varied.push((Guess::Number(number), Commitment { number, keys, ..right.clone() }));
        }
        varied.extend(self.with_other_htlcs(&right));
        let mut candidates: Vec<(Guess, Transaction)> =
            varied.into_iter().map(|(guess, other)| (guess, other.build().unsigned)).collect();
        let mut reversed = right.build().unsigned;
        reversed.output.reverse();
        candidates.push((Guess::Order, reversed));
        if let Some(state) = self.remote_states.last() {
            candidates.push((Guess::Signers, state.commitment.build().unsigned));
        }
        let right = right.build().unsigned;
        candidates.retain(|(_, candidate)| *candidate != right);
        Ok(candidates)
    }

    /// The commitment with one of its terms otherwise.
    fn otherwise(&self, right: &Commitment) -> Vec<(Guess, Commitment)> {
        let theirs = &self.terms.remote;
        let feerates = self.fee_updates.iter().map(|fee| fee.feerate);
        let feerates = feerates.chain([self.feerate, self.terms.feerate]).collect::<BTreeSet<_>>();
        let mut varied: Vec<(Guess, Commitment)> = feerates
            .into_iter()
            .map(|feerate| (Guess::Feerate(feerate), Commitment { feerate, ..right.clone() }))
            .collect();
        for dust_limit in [theirs.dust_limit, Amount::ZERO] {
            let other = Commitment { dust_limit, ..right.clone() };
            varied.push((Guess::DustLimit(dust_limit), other));
        }
        let channel_type = match right.channel_type {
            ChannelType::Anchors => ChannelType::StaticRemotekey,
            ChannelType::StaticRemotekey => ChannelType::Anchors,
        };
        let other = Commitment { channel_type, ..right.clone() };
        varied.push((Guess::ChannelType(channel_type), other));
        let to_self_delay = self.terms.local.to_self_delay;
        let other = Commitment { to_self_delay, ..right.clone() };
        varied.push((Guess::Delay(to_self_delay), other));
        let funder = right.funder.flip();
        varied.push((Guess::Funder, Commitment { funder, ..right.clone() }));
        let (to_local, to_remote) = (right.to_remote, right.to_local);
        varied.push((Guess::Balances, Commitment { to_local, to_remote, ..right.clone() }));
        varied
    }

    /// The commitment with one HTLC less, or one more.
    fn with_other_htlcs(&self, right: &Commitment) -> Vec<(Guess, Commitment)> {
        let mut varied = Vec::new();
        for (&(offerer, id), htlc) in &self.htlcs {
            let seen = htlc.seen_by(Side::Local, offerer);
            if !htlc.stage.is_in(Side::Local, offerer) {
                let mut other = right.clone();
                other.htlcs.push(seen);
                if let Some(less) = balance(&mut other, offerer).checked_sub(htlc.amount) {
                    *balance(&mut other, offerer) = less;
                    varied.push((Guess::WithHtlc { offerer, id }, other));
                }
                continue;
            }
            for paid_to in [offerer, offerer.flip()] {
                let mut other = right.clone();
                if let Some(position) = other.htlcs.iter().position(|known| *known == seen) {
                    other.htlcs.remove(position);
                }
                if let Some(more) = balance(&mut other, paid_to).checked_add(htlc.amount) {
                    *balance(&mut other, paid_to) = more;
                    varied.push((Guess::WithoutHtlc { offerer, id, paid_to }, other));
                }
            }
        }
        varied
    }
}

/// The balance of a side in our commitment.
fn balance(commitment: &mut Commitment, of: Side) -> &mut Msat {
    match of {
        Side::Local => &mut commitment.to_local,
        Side::Remote => &mut commitment.to_remote,
    }
}

//! Closing transactions. BOLT 3, "Legacy Closing Transaction" and "Closing Transaction".

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut};

use super::{Side, TxError};
use crate::bolt::units::Msat;

/// The balances and scripts that a mutual close pays out, from one side's view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The funding output.
    pub outpoint: OutPoint,
    /// Our balance.
    pub to_local: Msat,
    /// The peer's balance.
    pub to_remote: Msat,
    /// The script of our `shutdown`.
    pub local_script: ScriptBuf,
    /// The script of the peer's.
    pub remote_script: ScriptBuf,
}

impl Closing {
    /// The transaction that `closing_signed` signs: the funder pays the fee, and outputs below
    /// `dust_limit` are left out.
    ///
    /// # Errors
    /// [`TxError::Insufficient`] if the funder cannot pay the fee.
    pub fn legacy(
        &self,
        funder: Side,
        fee: Amount,
        dust_limit: Amount,
    ) -> Result<Transaction, TxError> {
        let amount = |side: Side| {
            let balance = self.balance(side);
            if side != funder {
                return Ok(balance);
            }
            let short = TxError::Insufficient { needed: fee, available: balance };
            balance.checked_sub(fee).ok_or(short)
        };
        let outputs = [
            (amount(Side::Local)?, self.local_script.clone()),
            (amount(Side::Remote)?, self.remote_script.clone()),
        ];
        let kept = outputs.into_iter().filter(|(value, _)| *value >= dust_limit);
        Ok(self.transaction(Sequence::MAX, LockTime::ZERO, kept.collect()))
    }

    /// The transaction that `closing_complete` signs (`option_simple_close`): the closer pays the
    /// fee, and either side's output can be left out; an `OP_RETURN` output has no amount.
    ///
    /// # Errors
    /// [`TxError::Insufficient`] if the closer cannot pay the fee.
    pub fn simple(
        &self,
        closer: Side,
        fee: Amount,
        lock_time: LockTime,
        outputs: &[Side],
    ) -> Result<Transaction, TxError> {
        let closer_balance = self.balance(closer);
        let short = TxError::Insufficient { needed: fee, available: closer_balance };
        let closer_amount = closer_balance.checked_sub(fee).ok_or(short)?;
        let planned = outputs.iter().map(|&side| {
            let script = match side {
                Side::Local => self.local_script.clone(),
                Side::Remote => self.remote_script.clone(),
            };
            let amount = if script.is_op_return() {
                Amount::ZERO
            } else if side == closer {
                closer_amount
            } else {
                self.balance(side)
            };
            (amount, script)
        });
        Ok(self.transaction(Sequence::ENABLE_RBF_NO_LOCKTIME, lock_time, planned.collect()))
    }

    fn balance(&self, side: Side) -> Amount {
        match side {
            Side::Local => self.to_local.to_sat_floor(),
            Side::Remote => self.to_remote.to_sat_floor(),
        }
    }

    fn transaction(
        &self,
        sequence: Sequence,
        lock_time: LockTime,
        mut outputs: Vec<(Amount, ScriptBuf)>,
    ) -> Transaction {
        outputs.sort();
        Transaction {
            version: Version::TWO,
            lock_time,
            input: vec![TxIn { previous_output: self.outpoint, sequence, ..TxIn::default() }],
            output: outputs
                .into_iter()
                .map(|(value, script_pubkey)| TxOut { value, script_pubkey })
                .collect(),
        }
    }
}

/// The weight of a legacy closing transaction with these output scripts, with signatures of the
/// greatest length; an upper bound for its fee.
pub fn closing_weight(scripts: &[&ScriptBuf]) -> u64 {
    /// Version, counts, one input and locktime, times 4; marker, flag and the 222 bytes of the
    /// 2-of-2 witness (BOLT 3, Appendix A).
    const BASE: u64 = 4 * (4 + 1 + 41 + 1 + 4) + 2 + 222;
    scripts
        .iter()
        .map(|script| u64::try_from(script.len()).unwrap_or(u64::MAX).saturating_add(9))
        .fold(BASE, |weight, bytes| weight.saturating_add(bytes.saturating_mul(4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing(to_local: u64, to_remote: u64) -> Closing {
        Closing {
            outpoint: OutPoint::null(),
            to_local: Msat(to_local),
            to_remote: Msat(to_remote),
            local_script: ScriptBuf::from_bytes(vec![0, 1]),
            remote_script: ScriptBuf::from_bytes(vec![0]),
        }
    }

    #[test]
    fn legacy_takes_the_fee_from_the_funder_and_rounds_down() {
        let built = closing(600_000_999, 400_000_001)
            .legacy(Side::Local, Amount::from_sat(1_000), Amount::from_sat(546))
            .unwrap();
        let values: Vec<u64> = built.output.iter().map(|o| o.value.to_sat()).collect();
        assert_eq!(values, [400_000, 599_000]);
    }

    #[test]
    fn legacy_leaves_out_dust() {
        let built = closing(600_000_000, 545_999)
            .legacy(Side::Local, Amount::from_sat(1_000), Amount::from_sat(546))
            .unwrap();
        assert_eq!(built.output.len(), 1);
        let kept = closing(600_000_000, 546_000)
            .legacy(Side::Local, Amount::from_sat(1_000), Amount::from_sat(546))
            .unwrap();
        assert_eq!(kept.output.len(), 2);
    }

    #[test]
    fn legacy_refuses_a_fee_beyond_the_funders_balance() {
        let refused = closing(999_000, 5_000_000).legacy(
            Side::Local,
            Amount::from_sat(1_000),
            Amount::from_sat(546),
        );
        assert!(matches!(refused, Err(TxError::Insufficient { .. })));
    }

    #[test]
    fn outputs_of_one_amount_are_ordered_by_script() {
        let built =
            closing(1_000_000, 1_000_000).legacy(Side::Local, Amount::ZERO, Amount::ZERO).unwrap();
        let scripts: Vec<&[u8]> = built.output.iter().map(|o| o.script_pubkey.as_bytes()).collect();
        assert_eq!(scripts, [&[0][..], &[0, 1]]);
    }

    #[test]
    fn simple_has_the_closer_pay_and_can_leave_out_an_output() {
        let closing = closing(600_000_000, 400_000_000);
        let fee = Amount::from_sat(1_000);
        let both = closing
            .simple(Side::Remote, fee, LockTime::from_consensus(7), &[Side::Local, Side::Remote])
            .unwrap();
        let values: Vec<u64> = both.output.iter().map(|o| o.value.to_sat()).collect();
        assert_eq!(values, [399_000, 600_000]);
        assert_eq!(both.lock_time, LockTime::from_consensus(7));
        assert_eq!(both.input[0].sequence, Sequence(0xffff_fffd));
        let one = closing.simple(Side::Remote, fee, LockTime::ZERO, &[Side::Local]).unwrap();
        assert_eq!(one.output.len(), 1);
    }
}

//! Which outputs a closing transaction by `closing_complete` has: what its closer signs, and what the
//! closee makes of it. BOLT 2, "Closing Negotiation: `closing_complete` and `closing_sig`".

use std::collections::BTreeMap;

use bitcoin::{Amount, ScriptBuf};
use secp256k1::ecdsa::Signature;

use super::PeerViolation;
use crate::bolt::tx::Side;
use crate::bolt::tx::closing::closing_weight;
use crate::bolt::units::{FeeratePerKw, Msat};

/// Which outputs a closing transaction has. Each choice has a signature of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Variant {
    CloserOnly,
    CloseeOnly,
    Both,
}

impl Variant {
    pub(super) const ALL: [Self; 3] = [Self::CloserOnly, Self::CloseeOnly, Self::Both];

    /// The record that has its signature.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::CloserOnly => "closer_output_only",
            Self::CloseeOnly => "closee_output_only",
            Self::Both => "closer_and_closee_outputs",
        }
    }

    /// Whose outputs there are.
    pub(super) fn outputs(self, closer: Side) -> Vec<Side> {
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
pub(super) use signatures;

pub(super) type Signatures = BTreeMap<Variant, Signature>;

/// One side of a closing transaction.
#[derive(Clone, Debug)]
pub(super) struct Stake {
    pub balance: Msat,
    pub script: ScriptBuf,
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
    pub(super) fn sats(&self) -> Amount {
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
pub(super) struct Deal {
    pub closer: Stake,
    pub closee: Stake,
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
            (Variant::CloserOnly, _) | (Variant::Both, Dust::No) => Some(true),
            (Variant::CloseeOnly, _) | (Variant::Both, Dust::Yes) => Some(false),
            (Variant::Both, Dust::Arguably) => None,
        }
    }

    /// What we offer as the closer at a fee rate; `None` if that leaves nothing worth an output.
    pub(super) fn offer(&self, feerate: FeeratePerKw) -> Option<(Amount, Vec<Variant>)> {
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
    pub(super) fn misplaced(&self, fee: Amount, signed: &Signatures) -> Vec<PeerViolation> {
        let wrong = Variant::ALL.into_iter().filter_map(|variant| {
            let due = self.due(fee, variant)?;
            let field = variant.field();
            (signed.contains_key(&variant) != due)
                .then_some(PeerViolation::CloserSignatures { field, due })
        });
        wrong.collect()
    }

    /// The signature that we use as the closee. "The receiver of `closing_complete`".
    pub(super) fn selected(&self, signed: &Signatures) -> Variant {
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

    /// The balance and the script of the closer and of the closee; the fee, and what is signed.
    type Row = ((u64, usize), (u64, usize), Option<(u64, &'static [Variant])>);

    #[test]
    fn the_closer_signs_what_the_balances_ask_for() {
        use Variant::{Both, CloseeOnly, CloserOnly};
        let whole = |sat: u64| sat * 1000;
        // 676 weight units with two P2WPKH outputs, 552 with one; at 1,000 sat/kw.
        let table: [Row; 18] = [
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

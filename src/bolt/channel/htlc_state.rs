//! The life of an HTLC, from its offer to its removal, as one table. BOLT 2, "Normal Operation".
//!
//! An update is proposed, then signed into the commitment of the side that receives the proposal,
//! then acknowledged by the revocation of that side's old commitment, then signed back and
//! acknowledged the other way round.

use crate::bolt::tx::Side;

/// What moves HTLCs on: one side signs the other's next commitment, or revokes its own old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// This side sent `commitment_signed`.
    Signed(Side),
    /// This side sent `revoke_and_ack`.
    Revoked(Side),
}

/// How far an HTLC has come. "Offerer" added it, "recipient" removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// `update_add_htlc` was sent.
    AddProposed,
    /// The offerer signed it into the recipient's commitment.
    AddSigned,
    /// The recipient revoked its commitment without it.
    AddRevoked,
    /// The recipient signed it into the offerer's commitment.
    AddSignedBack,
    /// The offerer revoked its commitment without it: irrevocably committed.
    Committed,
    /// `update_fulfill_htlc` was sent.
    RemoveProposed,
    /// The recipient signed it out of the offerer's commitment.
    RemoveSigned,
    /// The offerer revoked its commitment with it.
    RemoveRevoked,
    /// The offerer signed it out of the recipient's commitment.
    RemoveSignedBack,
    /// The recipient revoked its commitment with it: irrevocably removed.
    Removed,
}

/// Who acts next, seen from the HTLC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The offerer signs the recipient's commitment.
    OffererSigns,
    /// The offerer revokes its own.
    OffererRevokes,
    /// The recipient signs the offerer's commitment.
    RecipientSigns,
    /// The recipient revokes its own.
    RecipientRevokes,
    /// The recipient removes it, whenever it wants.
    RecipientRemoves,
    /// Nobody.
    Nobody,
}

/// A row of the table.
struct Row {
    stage: Stage,
    /// Whether the offerer's newest commitment has it.
    in_offerers: bool,
    /// Whether the recipient's newest commitment has it.
    in_recipients: bool,
    next: Next,
}

const fn row(stage: Stage, in_offerers: bool, in_recipients: bool, next: Next) -> Row {
    Row { stage, in_offerers, in_recipients, next }
}

const LIFE: [Row; 10] = [
    row(Stage::AddProposed, false, false, Next::OffererSigns),
    row(Stage::AddSigned, false, true, Next::RecipientRevokes),
    row(Stage::AddRevoked, false, true, Next::RecipientSigns),
    row(Stage::AddSignedBack, true, true, Next::OffererRevokes),
    row(Stage::Committed, true, true, Next::RecipientRemoves),
    row(Stage::RemoveProposed, true, true, Next::RecipientSigns),
    row(Stage::RemoveSigned, false, true, Next::OffererRevokes),
    row(Stage::RemoveRevoked, false, true, Next::OffererSigns),
    row(Stage::RemoveSignedBack, false, false, Next::RecipientRevokes),
    row(Stage::Removed, false, false, Next::Nobody),
];

impl Stage {
    fn row(self) -> &'static Row {
        // Every stage has its row, in its order; the test below walks them.
        let [first, ..] = &LIFE;
        LIFE.iter().find(|row| row.stage == self).unwrap_or(first)
    }

    /// Whether the newest commitment of `owner` has an HTLC at this stage.
    pub fn is_in(self, owner: Side, offerer: Side) -> bool {
        if owner == offerer { self.row().in_offerers } else { self.row().in_recipients }
    }

    /// Whether it was in the commitment of `owner` and has been taken out: its amount is paid to
    /// the recipient there, or back to the offerer.
    pub fn is_taken_out(self, owner: Side, offerer: Side) -> bool {
        self > Self::Committed && !self.is_in(owner, offerer)
    }

    /// Whether it is out of the commitment of `owner` as soon as an update is in there that
    /// `proposer` sends now: the signature that brings the update may take it out.
    pub fn is_out_by(self, owner: Side, offerer: Side, proposer: Side) -> bool {
        if owner == proposer {
            // The update takes at least as long as any removal that was proposed before.
            return self > Self::Committed;
        }
        self.after(offerer, Milestone::Signed(proposer)).is_taken_out(owner, offerer)
    }

    /// Whether it is not irrevocably committed yet.
    pub fn is_adding(self) -> bool {
        self < Self::Committed
    }

    /// The milestone that it waits for, if that is one.
    pub fn awaits(self, offerer: Side) -> Option<Milestone> {
        let recipient = offerer.flip();
        match self.row().next {
            Next::OffererSigns => Some(Milestone::Signed(offerer)),
            Next::OffererRevokes => Some(Milestone::Revoked(offerer)),
            Next::RecipientSigns => Some(Milestone::Signed(recipient)),
            Next::RecipientRevokes => Some(Milestone::Revoked(recipient)),
            Next::RecipientRemoves | Next::Nobody => None,
        }
    }

    /// The stage after this milestone: the next one if the HTLC waited for it, else the same.
    #[must_use]
    pub fn after(self, offerer: Side, milestone: Milestone) -> Self {
        if self.awaits(offerer) != Some(milestone) {
            return self;
        }
        LIFE.iter().map(|row| row.stage).find(|stage| *stage > self).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Milestone::{Revoked, Signed};
    use Side::{Local, Remote};

    #[test]
    fn every_stage_has_its_row_in_order() {
        for pair in LIFE.windows(2) {
            assert!(pair[0].stage < pair[1].stage);
        }
        for row in &LIFE {
            assert_eq!(row.stage.row().stage, row.stage);
        }
    }

    #[test]
    fn an_htlc_walks_through_its_life_and_waits_for_the_right_side() {
        let adding = [Signed(Local), Revoked(Remote), Signed(Remote), Revoked(Local)];
        let mut stage = Stage::AddProposed;
        for milestone in adding {
            for other in adding.into_iter().filter(|m| *m != milestone) {
                assert_eq!(
                    stage.after(Local, other),
                    stage,
                    "{stage:?} must not move on {other:?}"
                );
            }
            stage = stage.after(Local, milestone);
        }
        assert_eq!(stage, Stage::Committed);
        assert_eq!(stage.awaits(Local), None);
        let mut stage = Stage::RemoveProposed;
        for milestone in [Signed(Remote), Revoked(Local), Signed(Local), Revoked(Remote)] {
            stage = stage.after(Local, milestone);
        }
        assert_eq!(stage, Stage::Removed);
    }

    /// A commitment changes only when it is signed anew, by the other side.
    #[test]
    fn an_htlc_enters_and_leaves_a_commitment_when_that_is_signed() {
        for owner in [Local, Remote] {
            for row in &LIFE {
                let after = LIFE.iter().find(|next| next.stage > row.stage);
                let Some(after) = after else { continue };
                let changes = row.stage.is_in(owner, Local) != after.stage.is_in(owner, Local);
                let signs = row.stage.awaits(Local) == Some(Signed(owner.flip()));
                assert_eq!(changes, signs, "{:?} in the commitment of {owner:?}", row.stage);
            }
        }
    }

    #[test]
    fn the_amount_is_paid_out_where_it_was_taken_out() {
        assert!(!Stage::AddProposed.is_taken_out(Local, Local));
        assert!(Stage::RemoveSigned.is_taken_out(Local, Local));
        assert!(!Stage::RemoveSigned.is_taken_out(Remote, Local));
        assert!(Stage::Removed.is_taken_out(Remote, Local));
    }
}

//! Fee spikes: others fill the blocks, and roles pay what others pay.

use bitcoin::{Transaction, Txid};

use super::sides::Side;
use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::units::FeeratePerKw;
use crate::node::{NodeCommand, NodeInput};
use crate::scenario::{At, RoleKind, RoleName};
use crate::trace::Event;

impl Lab<'_> {
    /// Others begin to pay this much; what pays less is refused, or thrown out of the mempool.
    pub(super) fn spike_fees(&mut self, feerate: &At<FeeratePerKw>) -> Result<(), Stop> {
        if !self.sides.main().is_calm() {
            let message = "the last fee spike ends with a block, and none was mined yet";
            return Err(failed(Some(feerate.at), message.to_owned()));
        }
        let before = self.waiting()?;
        self.sides.main_mut().spike(feerate.value)?;
        self.settled_at = self.sides.main().height();
        self.tell(Event::Fees { feerate: feerate.value, full: true });
        let transactions = self.waiting()?;
        if transactions != before {
            self.tell_mempool(transactions);
        }
        self.show_feerate(feerate.value)
    }

    /// Others pay this little again, once the next block has made room.
    pub(super) fn calm_fees(&mut self, feerate: FeeratePerKw) -> Result<(), Stop> {
        self.sides.main_mut().calm();
        self.tell(Event::Fees { feerate, full: false });
        self.show_feerate(feerate)
    }

    /// What the main mempool holds.
    pub(super) fn waiting(&mut self) -> Result<Vec<Txid>, Stop> {
        let mempool = self.sides.main_mut().mempool()?;
        Ok(mempool.iter().map(Transaction::compute_txid).collect())
    }

    /// Tells what the main mempool holds, as after this only bitcoind can know.
    pub(super) fn tell_mempool(&mut self, transactions: Vec<Txid>) {
        self.sides.submitted(Side::Main).mempool_is(&transactions);
        self.tell(Event::Mempool { transactions });
    }

    /// Tells those who are online what others pay.
    fn show_feerate(&mut self, feerate: FeeratePerKw) -> Result<(), Stop> {
        self.feerate = feerate;
        let roles: Vec<RoleName> = self.cast.keys().cloned().collect();
        for role in roles {
            if self.must_be_online(&role).is_ok() {
                self.show_feerate_to(&role)?;
            }
        }
        Ok(())
    }

    /// Tells a role what others pay. A probe does not care.
    pub(super) fn show_feerate_to(&mut self, role: &RoleName) -> Result<(), Stop> {
        if self.cast.get(role).is_some_and(|player| player.kind == RoleKind::Probe) {
            return Ok(());
        }
        let command = NodeCommand::SetFeerate(self.feerate);
        self.input(role, "learn a fee rate", NodeInput::Command(command)).map(drop)
    }
}

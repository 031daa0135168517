//! How the network follows the chain and the clock: funding outputs that are spent or lost, channels
//! without news.

use std::collections::btree_map::Entry;

use bitcoin::Transaction;

use super::{FORGOTTEN_DEPTH, Forgotten, Gone, KnownChannel, Network, STALE_AFTER};
use crate::bolt::units::{BlockHeight, ShortChannelId};

impl Network {
    /// Follows a block: which funding outputs are looked up again, and which channels are forgotten.
    pub fn connect(
        &mut self,
        height: BlockHeight,
        transactions: &[Transaction],
    ) -> (Vec<ShortChannelId>, Vec<(ShortChannelId, Forgotten)>) {
        for input in transactions.iter().flat_map(|transaction| &transaction.input) {
            let channel = self.fundings.get(&input.previous_output);
            if let Some(channel) = channel.and_then(|id| self.channels.get_mut(id)) {
                channel.gone = Some(Gone::Spent(height));
            }
        }
        self.restore(height, transactions);
        let is_old = |channel: &KnownChannel| {
            let since = channel.gone.and_then(|gone| height.blocks_since(gone.height()));
            since.and_then(|above| above.checked_add(1)) >= Some(FORGOTTEN_DEPTH)
        };
        let forgotten = self.forget_where(Forgotten::Gone, is_old);
        let mut due = Vec::new();
        for (id, rivals) in &mut self.waiting {
            if rivals.iter().any(|waiting| waiting.due.is_some_and(|at| at <= height)) {
                for waiting in rivals {
                    waiting.due = None;
                }
                due.push(*id);
            }
        }
        (due, forgotten)
    }

    /// Channels whose funding transaction is back where it was.
    fn restore(&mut self, height: BlockHeight, transactions: &[Transaction]) {
        let Some(range) = block(height) else { return };
        for (id, channel) in self.channels.range_mut(range) {
            let index = usize::try_from(id.transaction()).unwrap_or(usize::MAX);
            let found = transactions.get(index).map(Transaction::compute_txid);
            if channel.is_unconfirmed() && found == Some(channel.outpoint.txid) {
                channel.gone = None;
            }
        }
    }

    /// The block at this height is no longer part of the chain.
    pub fn disconnect(&mut self, height: BlockHeight) {
        for channel in self.channels.values_mut() {
            if channel.gone == Some(Gone::Spent(height)) {
                channel.gone = None;
            }
        }
        let Some(range) = block(height) else { return };
        self.disputed.retain(|id| !range.contains(id));
        for (_, channel) in self.channels.range_mut(range) {
            channel.gone = Some(Gone::Unconfirmed(height));
        }
    }

    /// Forgets the channels of which an end was not heard of for two weeks. BOLT 7, "Recommendation
    /// on Pruning Stale Entries".
    pub fn prune(&mut self, time: u64) -> Vec<(ShortChannelId, Forgotten)> {
        let is_stale =
            |channel: &KnownChannel| time.saturating_sub(channel.heard_of()) > STALE_AFTER;
        self.forget_where(Forgotten::Stale, is_stale)
    }

    fn forget_where(
        &mut self,
        why: Forgotten,
        is_old: impl Fn(&KnownChannel) -> bool,
    ) -> Vec<(ShortChannelId, Forgotten)> {
        let old = self.channels.iter().filter(|(_, channel)| is_old(channel));
        let old: Vec<ShortChannelId> = old.map(|(id, _)| *id).collect();
        for id in &old {
            self.forget(*id);
        }
        old.into_iter().map(|id| (id, why)).collect()
    }

    /// Forgets a channel, and its nodes if they have no other.
    pub(super) fn forget(&mut self, id: ShortChannelId) {
        let Some(channel) = self.channels.remove(&id) else { return };
        self.fundings.remove(&channel.outpoint);
        for node in channel.announcement.node_ids() {
            if let Entry::Occupied(mut entry) = self.nodes.entry(node) {
                entry.get_mut().channels.remove(&id);
                if entry.get().channels.is_empty() {
                    entry.remove();
                }
            }
        }
    }
}

/// The ids of all channels that this block can fund.
fn block(height: BlockHeight) -> Option<std::ops::RangeInclusive<ShortChannelId>> {
    let first = ShortChannelId::new(height.0, 0, 0)?;
    let last = ShortChannelId::new(height.0, 0xff_ffff, u16::MAX)?;
    Some(first..=last)
}

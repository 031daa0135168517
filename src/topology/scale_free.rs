//! Barabási and Albert's growth: nodes come one after the other, and prefer those who have many
//! channels.

use super::{Dice, Network, ShapeError, possible};

/// How often a newcomer looks for one more node that it has no channel with yet, before it takes
/// the next free one by number.
const TRIES: u32 = 64;

/// A connected network of exactly this many nodes and channels in which every newcomer has about
/// as many channels as any other, to nodes chosen by how many they have; no two nodes have more
/// than one channel.
///
/// # Errors
/// Fewer channels than connect the nodes, or more than there are pairs.
pub fn scale_free(nodes: u32, channels: u32, seed: u64) -> Result<Network, ShapeError> {
    possible(nodes, channels)?;
    let mut dice = Dice::new(seed, 1);
    let mut made: Vec<(u32, u32)> = Vec::with_capacity(super::index(channels));
    let mut chosen = Vec::new();
    for newcomer in 1..nodes {
        // An equal share for each; the first cannot place theirs, and the next make up for it.
        let due = u64::from(channels) * u64::from(newcomer) / u64::from(nodes - 1);
        let missing = due.saturating_sub(u64::try_from(made.len()).unwrap_or(u64::MAX));
        let count = u32::try_from(missing).unwrap_or(u32::MAX).clamp(1, newcomer);
        chosen.clear();
        for _ in 0..count {
            chosen.push(one_more(&mut dice, &made, newcomer, &chosen));
        }
        made.extend(chosen.iter().map(|old| (*old, newcomer)));
    }
    Ok(Network { nodes, channels: made })
}

/// Somebody below the newcomer who is not chosen yet, by how many channels they have.
fn one_more(dice: &mut Dice, made: &[(u32, u32)], newcomer: u32, chosen: &[u32]) -> u32 {
    for _ in 0..TRIES {
        let found = preferred(dice, made);
        if !chosen.contains(&found) {
            return found;
        }
    }
    let start = dice.node(newcomer);
    let free = (start..newcomer).chain(0..start).find(|node| !chosen.contains(node));
    free.unwrap_or_default()
}

/// An end of any channel: a node with twice the channels is found twice as often.
pub(super) fn preferred(dice: &mut Dice, made: &[(u32, u32)]) -> u32 {
    let Some((a, b)) = made.get(dice.index(made.len())) else { return 0 };
    if dice.below(2) == 0 { *a } else { *b }
}

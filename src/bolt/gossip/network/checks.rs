//! What each message is held against, besides what is known already.

use bitcoin::{Amount, OutPoint};
use secp256k1::PublicKey;

use super::{ANNOUNCED_DEPTH, FAR_FUTURE, FundingOutput, Heard, Now, STALE_AFTER};
use crate::bolt::gossip::addresses::{TooShort, decode_addresses};
use crate::bolt::gossip::refusal::Refusal;
use crate::bolt::gossip::signed::AnnouncedKeys;
use crate::bolt::tx::script;
use crate::bolt::wire::messages::{ChannelUpdate, NodeAnnouncement};

/// Whether the chain has what the announcement says, deep enough.
pub(super) fn check_funding(
    keys: &AnnouncedKeys,
    found: &FundingOutput,
) -> Result<(OutPoint, Amount), Refusal> {
    match found {
        FundingOutput::Missing => Err(Refusal::NoFunding),
        FundingOutput::Spent => Err(Refusal::FundingSpent),
        FundingOutput::Unspent { outpoint, output, confirmations } => {
            let [one, two] = &keys.bitcoin;
            if output.script_pubkey != script::funding(one, two).to_p2wsh() {
                return Err(Refusal::WrongFundingScript);
            }
            if *confirmations < ANNOUNCED_DEPTH {
                return Err(Refusal::TooShallow { confirmations: *confirmations });
            }
            Ok((*outpoint, output.value))
        }
    }
}

/// Whether an update is of about now.
pub(super) fn check_time(now: Now, update: &ChannelUpdate) -> Result<(), Refusal> {
    let timestamp = update.timestamp;
    let ahead = u64::from(timestamp).saturating_sub(now.time);
    if ahead > FAR_FUTURE {
        return Err(Refusal::FutureUpdate { timestamp, ahead });
    }
    let behind = now.time.saturating_sub(u64::from(timestamp));
    if behind > STALE_AFTER {
        return Err(Refusal::AncientUpdate { timestamp, behind });
    }
    Ok(())
}

/// What an update is beside the last one: nothing new, or `None` if it is newer.
pub(super) fn compare(
    known: &ChannelUpdate,
    update: &ChannelUpdate,
) -> Result<Option<Heard>, Refusal> {
    let timestamp = update.timestamp;
    match timestamp.cmp(&known.timestamp) {
        std::cmp::Ordering::Greater => Ok(None),
        std::cmp::Ordering::Less => Err(Refusal::StaleUpdate { timestamp, known: known.timestamp }),
        // Its signature may be another: whoever signs twice, or turns the sign of s, changes it.
        std::cmp::Ordering::Equal if known.says_the_same(update) => Ok(Some(Heard::Known)),
        std::cmp::Ordering::Equal => Err(Refusal::SameTimestamp { timestamp }),
    }
}

pub(super) fn check_node(announcement: &NodeAnnouncement, key: &PublicKey) -> Result<(), Refusal> {
    if !announcement.is_signed_by(key) {
        return Err(Refusal::WrongNodeSignature);
    }
    let cut_off = |TooShort { descriptor, .. }| Refusal::AddressesCutOff { descriptor };
    decode_addresses(&announcement.addresses.0).map(drop).map_err(cut_off)
}

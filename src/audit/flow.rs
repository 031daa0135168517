//! What claims move between wallets and the miner. A claim may spend outputs of several channels,
//! and coins of wallets; its fee and the wallets' part are booked once, to the channel whose output
//! it spends first. To the others it brings what it spends of theirs, whole.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{Amount, OutPoint, ScriptBuf, SignedAmount, Transaction, Txid};

use super::account::OutputName;
use super::chain::View;
use super::name::{Known, Named, Origin};
use crate::scenario::RoleName;

/// What a claim moves, as far as one channel is concerned.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// What it brings to the wallet of each role, less what the wallet put in.
    pub(super) net: BTreeMap<RoleName, SignedAmount>,
    /// What its maker pays to the miner, besides what second stages leave of their HTLCs.
    pub(super) fee: Amount,
    /// The coins that it spends and that are in nobody's wallet.
    pub(super) strangers: Vec<OutPoint>,
}

impl Flow {
    fn move_to(&mut self, role: &RoleName, amount: SignedAmount) {
        let net = self.net.entry(role.clone()).or_default();
        *net = net.checked_add(amount).unwrap_or(*net);
    }
}

/// Names the outputs of all claims that are no second stages, and finds what each claim moves.
pub(super) fn follow(
    channels: &mut [&mut Named],
    view: &View,
    wallets: &BTreeMap<ScriptBuf, RoleName>,
) {
    let claims = channels.iter().flat_map(|named| named.claims().map(|claim| claim.txid));
    let claims: BTreeSet<Txid> = claims.collect();
    let owners = owners(channels);
    // In the order of the chain, so that outputs stand in it, too.
    for (txid, seen) in view.iter().filter(|(txid, _)| claims.contains(txid)) {
        let inputs = || seen.transaction.input.iter().map(|input| input.previous_output);
        let of = |outpoint: OutPoint| owners.get(&outpoint).copied();
        let Some(first) = inputs().find_map(of) else { continue };
        let is_wallets = |outpoint: &OutPoint| of(*outpoint).is_none();
        let mut flow = Flow::default();
        for outpoint in inputs().filter(is_wallets) {
            let coin = view.output(outpoint);
            match coin.and_then(|coin| Some((wallets.get(&coin.script_pubkey)?, coin.value))) {
                Some((role, amount)) => flow.move_to(role, -signed(amount)),
                None => flow.strangers.push(outpoint),
            }
        }
        let mut left = Amount::ZERO;
        for position in inputs().filter_map(of).collect::<BTreeSet<usize>>() {
            let Some(named) = channels.get_mut(position) else { continue };
            let (brought, left_here) = brought(named, txid, &seen.transaction);
            left = left.checked_add(left_here).unwrap_or(left);
            let by = named.claim(txid).map(|claim| claim.by.clone());
            if let Some(Some(by)) = by.filter(|_| position != first) {
                flow.move_to(&by, -signed(brought));
                let mut other = Flow::default();
                other.move_to(&by, signed(brought));
                named.flows.insert(txid, other);
            }
        }
        for (vout, output) in (0..).zip(&seen.transaction.output) {
            let outpoint = OutPoint { txid, vout };
            // Second stages have their names already.
            if owners.contains_key(&outpoint) {
                continue;
            }
            let name = match wallets.get(&output.script_pubkey) {
                Some(role) => {
                    flow.move_to(role, signed(output.value));
                    OutputName::Wallet(role.clone())
                }
                None => OutputName::Unknown,
            };
            if let Some(named) = channels.get_mut(first) {
                let (amount, of) = (output.value, Origin::Claim);
                named.outputs.insert(outpoint, Known { name, amount, of });
                named.resting.push(outpoint);
            }
        }
        let fee = view.fee(txid).unwrap_or(Amount::ZERO);
        flow.fee = fee.checked_sub(left).unwrap_or(Amount::ZERO);
        if let Some(named) = channels.get_mut(first) {
            named.flows.insert(txid, flow);
        }
    }
}

/// Which channel's matter the claims of an output are.
fn owners(channels: &[&mut Named]) -> BTreeMap<OutPoint, usize> {
    let mut owners = BTreeMap::new();
    for (position, named) in channels.iter().enumerate() {
        let outputs = named.close_outputs.iter().chain(&named.second_stages);
        for outpoint in outputs.filter(|outpoint| named.follows(outpoint)) {
            owners.entry(*outpoint).or_insert(position);
        }
    }
    owners
}

/// What a claim takes directly of a channel's outputs, and what its second stages leave of theirs
/// to the miner.
fn brought(named: &Named, txid: Txid, transaction: &Transaction) -> (Amount, Amount) {
    let amount = |outpoint: OutPoint| {
        named.outputs.get(&outpoint).map_or(Amount::ZERO, |known| known.amount)
    };
    let (mut direct, mut left) = (Amount::ZERO, Amount::ZERO);
    for (vout, input) in (0..).zip(&transaction.input) {
        let (from, to) = (input.previous_output, OutPoint { txid, vout });
        if !named.follows(&from) {
            continue;
        }
        if named.is_second_stage(&to) {
            let rest = amount(from).checked_sub(amount(to)).unwrap_or(Amount::ZERO);
            left = left.checked_add(rest).unwrap_or(left);
        } else {
            direct = direct.checked_add(amount(from)).unwrap_or(direct);
        }
    }
    (direct, left)
}

fn signed(amount: Amount) -> SignedAmount {
    amount.to_signed().unwrap_or(SignedAmount::MAX_MONEY)
}

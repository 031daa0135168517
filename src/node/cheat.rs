//! What a node can do against the rules, or before its time. A capability beside the protocol:
//! nothing in the protocol knows of it.

use std::collections::BTreeMap;

use bitcoin::{Amount, OutPoint, Transaction, TxOut};

use super::route::PlannedHop;
use super::{ChannelHandle, Node, NodeError, NodeOutput};
use crate::bolt::channel::{Command, HtlcOffer, Input, Pace, Phase, Refused};
use crate::bolt::onchain::urgency::FeeOffer;
use crate::bolt::tx::claim::{Claim, ClaimPath, claim_transaction};
use crate::bolt::units::{CommitmentNumber, FeeratePerKw, Msat};
use crate::bolt::wire::codec::TlvValue;
use crate::bolt::wire::{Message, tlv};

/// The record with the `payment_secret` and, behind it, the `total_msat`.
const PAYMENT_DATA: u64 = 8;
const SECRET_LENGTH: usize = 32;

/// What a cheat writes into one layer of an onion instead of what belongs there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerChange {
    /// Another `total_msat` in the record that has the `payment_secret`.
    pub total: Option<Msat>,
    /// Types of records that are left out.
    pub omit: Vec<u64>,
    /// Records that are put in, or in the place of those that are there.
    pub records: Vec<(u64, Vec<u8>)>,
    /// Another length before the payload than it has.
    pub length: Option<u64>,
}

impl LayerChange {
    /// Changes a layer before it is wrapped. False if there is no total to change; then nothing
    /// is changed.
    pub fn apply(&self, hop: &mut PlannedHop) -> bool {
        let mut records: BTreeMap<u64, Vec<u8>> = tlv::records(&hop.payload)
            .flatten()
            .map(|record| (record.number, record.value.to_vec()))
            .collect();
        if let Some(total) = self.total {
            let Some(data) = records.get_mut(&PAYMENT_DATA) else { return false };
            data.truncate(SECRET_LENGTH);
            data.extend(total.to_value());
        }
        records.retain(|number, _| !self.omit.contains(number));
        records.extend(self.records.iter().cloned());
        hop.payload.clear();
        for (number, value) in &records {
            tlv::write_record(*number, value, &mut hop.payload);
        }
        hop.claimed_length = self.length;
        true
    }
}

/// An offer of the HTLC that this node offered last over some channel, with the same onion.
///
/// # Errors
/// [`NodeError::NoSuchChannel`] if it never offered one.
pub fn replay(node: &Node, channel: &ChannelHandle) -> Result<HtlcOffer, NodeError> {
    node.circuits.last_offer.clone().ok_or(NodeError::NoSuchChannel(*channel))
}

/// Offers an HTLC that comes from nowhere: what becomes of it is nobody's business.
///
/// # Errors
/// [`NodeError`] if the channel does not take it.
pub fn offer(
    node: &mut Node,
    channel: ChannelHandle,
    offer: HtlcOffer,
) -> Result<Vec<NodeOutput>, NodeError> {
    node.step_channel(channel, &Input::Command(Command::Offer(offer)))
}

/// Has a node sign updates at once, or when it is told to.
pub fn set_pace(node: &mut Node, pace: Pace) {
    node.pace = pace;
}

/// Has a node sign the peer's next commitment now, whether an update waits for it or not.
///
/// # Errors
/// [`NodeError`] if the peer has not revoked the commitment before.
pub fn commit(node: &mut Node, channel: ChannelHandle) -> Result<Vec<NodeOutput>, NodeError> {
    node.step_channel(channel, &Input::Command(Command::Commit))
}

/// A node's `channel_ready`, whether it is due or not.
pub fn channel_ready(node: &Node, channel: &ChannelHandle) -> Option<Message> {
    let found = node.channel(channel)?;
    Some(found.phase.commitments()?.channel_ready(&found.secrets).ok()?.into())
}

/// How a channel is funded otherwise than was agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Funding {
    /// With an output of one satoshi less.
    Less,
    /// With an output to another script.
    AnotherScript,
    /// With an output that there is not.
    NoOutput,
    /// With the first output of this transaction.
    Given(Transaction),
}

/// The output that a node is about to fund a channel with, until its peer has signed for that.
pub fn agreed_funding(node: &Node, channel: &ChannelHandle) -> Option<TxOut> {
    let Phase::Opening(opening) = &node.channel(channel)?.phase else { return None };
    opening.proposed_funding().map(|(output, _)| output)
}

/// Has a node fund a channel otherwise: another `funding_created`, in the place of the one that was
/// not sent yet.
///
/// # Errors
/// [`NodeError`] if there is no such channel, or the wallet cannot pay.
pub fn fund(
    node: &mut Node,
    handle: ChannelHandle,
    with: Funding,
) -> Result<Vec<NodeOutput>, NodeError> {
    let missing = NodeError::NoSuchChannel(handle);
    let channel = node.channels.get_mut(&handle).ok_or(missing.clone())?;
    let Phase::Opening(opening) = &channel.phase else { return Err(missing) };
    let (agreed, replaced) = opening.proposed_funding().ok_or(missing)?;
    node.wallet.release(replaced);
    let TxOut { value, script_pubkey } = agreed.clone();
    let less = value.checked_sub(Amount::ONE_SAT).unwrap_or_default();
    let ours = node.wallet.script().clone();
    let mut funded = |output| node.wallet.fund(&output, node.feerate);
    let (transaction, output_index) = match with {
        Funding::Less => funded(TxOut { value: less, script_pubkey })?,
        Funding::AnotherScript => funded(TxOut { value, script_pubkey: ours })?,
        Funding::NoOutput => {
            let (transaction, _) = funded(agreed)?;
            let beyond = u16::try_from(transaction.output.len()).unwrap_or(u16::MAX);
            (transaction, beyond)
        }
        Funding::Given(transaction) => (transaction, 0),
    };
    channel.phase = Phase::Opening(opening.without_funding(handle));
    node.step_channel(handle, &Input::Command(Command::Fund { transaction, output_index }))
}

/// A node has sent this message about a channel, which need not be the one that it made. Returns what
/// the channel is known by from then on.
pub fn having_sent(node: &mut Node, channel: &ChannelHandle, message: &Message) -> ChannelHandle {
    let Some(mut known) = node.channels.remove(channel) else { return *channel };
    known.phase = known.phase.having_sent(message);
    let mut handle = *channel;
    // What another channel is known by, two cannot be.
    if let Message::OpenChannel(open) = message
        && !node.channels.contains_key(&open.temporary_channel_id)
    {
        handle = open.temporary_channel_id;
    }
    node.channels.insert(handle, known);
    handle
}

/// The same message with a signature for what it says, if it proposes a closing fee, which the node
/// need not have chosen.
///
/// # Errors
/// [`NodeError::Transaction`] if the signature cannot be made.
pub fn sign(
    node: &mut Node,
    channel: &ChannelHandle,
    message: Message,
) -> Result<Message, NodeError> {
    let Some(found) = node.channels.get_mut(channel) else { return Ok(message) };
    let signed = found.phase.signing(&found.secrets, message);
    let (phase, message) = signed.map_err(NodeError::Transaction)?;
    found.phase = phase;
    Ok(message)
}

/// The number of the newest commitment of a channel, for a cheat to remember.
///
/// # Errors
/// [`NodeError`] if there is no such channel, or it has no commitment yet.
pub fn newest(node: &Node, channel: &ChannelHandle) -> Result<CommitmentNumber, NodeError> {
    let states = states(node, channel)?;
    let newest = states.last().map(|state| state.commitment.number);
    newest.ok_or(NodeError::NoSuchChannel(*channel))
}

/// A channel as a node knows it now.
pub fn backup(node: &Node, channel: &ChannelHandle) -> Option<Phase> {
    node.channel(channel).map(|found| found.phase.clone())
}

/// Has a node go on from an old backup of a channel: all that came after it is lost.
///
/// # Errors
/// [`NodeError`] if there is no such channel, or its peer is connected.
pub fn restore(node: &mut Node, channel: ChannelHandle, backup: &Phase) -> Result<(), NodeError> {
    let found = node.channel(&channel).ok_or(NodeError::NoSuchChannel(channel))?;
    if node.is_connected(&found.peer) {
        let (command, phase) = ("lose data", "connected");
        return Err(NodeError::Refused(Refused::WrongPhase { command, phase }));
    }
    if let Some(found) = node.channels.get_mut(&channel) {
        found.phase = backup.disconnected();
    }
    Ok(())
}

/// A commitment transaction of this number, revoked or not, with both signatures.
///
/// # Errors
/// [`NodeError`] if the node never had such a commitment.
pub fn commitment(
    node: &Node,
    channel: &ChannelHandle,
    number: CommitmentNumber,
) -> Result<Transaction, NodeError> {
    let missing = NodeError::NoSuchChannel(*channel);
    let secrets = &node.channel(channel).ok_or(missing.clone())?.secrets;
    let state = states(node, channel)?.iter().find(|state| state.commitment.number == number);
    state.ok_or(missing)?.signed(secrets).map_err(NodeError::Transaction)
}

fn states<'a>(
    node: &'a Node,
    channel: &ChannelHandle,
) -> Result<&'a [std::sync::Arc<crate::bolt::channel::LocalState>], NodeError> {
    let missing = NodeError::NoSuchChannel(*channel);
    let found = node.channel(channel).ok_or(missing.clone())?;
    Ok(found.phase.commitments().ok_or(missing)?.local_states())
}

/// Which way a claim goes, where a test wants one in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimWay {
    /// The delayed branch.
    Delay,
    /// The revocation branch.
    Revocation,
    /// The peer's plain output.
    Direct,
    /// An HTLC with its preimage.
    Preimage,
    /// An HTLC that has timed out.
    Timeout,
}

fn way_of(path: &ClaimPath) -> ClaimWay {
    match path {
        ClaimPath::Delayed(_) => ClaimWay::Delay,
        ClaimPath::Revocation | ClaimPath::HtlcRevocation { .. } => ClaimWay::Revocation,
        ClaimPath::HtlcPreimage { .. } => ClaimWay::Preimage,
        ClaimPath::SecondStage(second) if second.preimage.is_some() => ClaimWay::Preimage,
        ClaimPath::HtlcTimeout { .. } | ClaimPath::SecondStage(_) => ClaimWay::Timeout,
        ClaimPath::ToRemote { .. } | ClaimPath::Anchor | ClaimPath::Coin(_) => ClaimWay::Direct,
    }
}

/// How a claim is made, where a test wants it otherwise than the node would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClaimOptions {
    /// The fee rate; the node's own, if it is `None`.
    pub feerate: Option<FeeratePerKw>,
    /// Whether a coin of the wallet is added that is not needed.
    pub coin: bool,
    /// How many outputs to the wallet make it larger.
    pub padding: u32,
}

/// The least that an output to the wallet may have.
const PADDING: Amount = Amount::from_sat(294);

/// The node's claim of outputs of confirmed commitments, whether its time has come or not, all in one
/// transaction.
///
/// # Errors
/// [`NodeError::Refused`] if a channel is not closed on chain, or an output is not the node's to
/// claim that way; [`NodeError::Wallet`] if no coin pays for what needs one;
/// [`NodeError::Transaction`] if they cannot be claimed together.
pub fn claim(
    node: &Node,
    outputs: &[(ChannelHandle, OutPoint)],
    way: ClaimWay,
    options: ClaimOptions,
) -> Result<Transaction, NodeError> {
    let claims: Vec<Claim> = outputs
        .iter()
        .map(|(channel, outpoint)| one_claim(node, channel, *outpoint, way))
        .collect::<Result<_, _>>()?;
    let feerate = options.feerate.unwrap_or(node.feerate);
    let script_pubkey = node.wallet.script().clone();
    let output = TxOut { value: PADDING, script_pubkey: script_pubkey.clone() };
    let padding = vec![output; usize::try_from(options.padding).unwrap_or_default()];
    let poor = claims.iter().any(|claim| claim.path.needs_coin());
    if poor || options.coin || !padding.is_empty() {
        // What its own transactions spend already, a cheat may spend again: these replace those.
        let mut wallet = node.wallet.unreserved();
        return Ok(wallet.sponsor(claims, &padding, &FeeOffer::exactly(feerate))?);
    }
    claim_transaction(&claims, script_pubkey, feerate).map_err(NodeError::Transaction)
}

fn one_claim(
    node: &Node,
    channel: &ChannelHandle,
    outpoint: OutPoint,
    way: ClaimWay,
) -> Result<Claim, NodeError> {
    let found = node.channel(channel).ok_or(NodeError::NoSuchChannel(*channel))?;
    let phase = found.phase.name();
    let refused = NodeError::Refused(Refused::WrongPhase { command: "claim an output", phase });
    let Phase::Closing(closing) = &found.phase else { return Err(refused) };
    let tracked = closing.spend.as_ref().and_then(|spend| spend.tracked(outpoint));
    let stake = &tracked.ok_or(refused.clone())?.stake;
    let known = stake.htlc.and_then(|htlc| {
        let taken = node.circuits.preimages.get(&htlc.payment_hash).copied();
        taken.or_else(|| node.invoices.preimage(&htlc.payment_hash))
    });
    let claim = stake.claim(known).ok_or(refused.clone())?;
    if way_of(&claim.path) == way { Ok(claim) } else { Err(refused) }
}

/// A transaction that takes the node's own coins of an unconfirmed one back to itself, at this fee
/// rate, or at four times the node's own. What else the other one spends is left alone.
///
/// # Errors
/// [`NodeError::Wallet`] if it spends no coin of the node's.
pub fn double_spend(
    node: &Node,
    transaction: &Transaction,
    feerate: Option<FeeratePerKw>,
) -> Result<Transaction, NodeError> {
    let raised = FeeratePerKw(node.feerate.0.saturating_mul(4));
    Ok(node.wallet.replace(transaction, feerate.unwrap_or(raised))?)
}

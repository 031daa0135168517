//! Both sides' commitment transactions: what is in them, which one is signed, which one is
//! revoked. Every phase after the first signatures carries one [`Commitments`].

mod diagnosis;
mod fee_update;
mod removal;
mod resend;
mod rounds;
mod scripted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::hashes::sha256;
use bitcoin::{Transaction, Txid};
use secp256k1::PublicKey;
use secp256k1::ecdsa::Signature;

use super::dust_exposure::DustExposure;
use super::htlc_state::{Milestone, Stage};
use super::spender;
use super::terms::{ChannelSecrets, Terms};
use crate::bolt::keys::{KeyError, PerCommitmentSecret, SecretStore};
use crate::bolt::tx::funding::Funding;
use crate::bolt::tx::htlc::{Direction, Htlc};
use crate::bolt::tx::{
    Commitment, CommitmentKeys, CommitmentTransaction, OutputRole, Side, TxError,
};
use crate::bolt::units::{BlockHeight, CltvExpiry, CommitmentNumber, FeeratePerKw, HtlcId, Msat};
use crate::bolt::wire::messages::{ChannelReady, UpdateAddHtlc};
use crate::bolt::wire::{ChannelId, OnionPacket, PaymentPreimage};
use fee_update::FeeUpdate;

pub use diagnosis::Guess;
pub use removal::Removal;
pub use resend::{Comparison, Missing};

/// An HTLC of a channel, whoever offered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelHtlc {
    /// What it is worth.
    pub amount: Msat,
    /// The hash of its preimage.
    pub payment_hash: sha256::Hash,
    /// When it times out.
    pub cltv_expiry: CltvExpiry,
    /// The packet for its recipient.
    pub onion: Arc<OnionPacket>,
    /// What unblinds the packet, inside a blinded path.
    pub path_key: Option<PublicKey>,
    /// How far it has come.
    pub stage: Stage,
    /// How it is removed, once it is.
    pub removal: Option<Arc<Removal>>,
    /// The height at which we have said how we remove it, if we have: before the next block the peer
    /// need not have let go of it.
    pub removed_at: Option<BlockHeight>,
    /// When the HTLC times out that it passes on, if it passes one on.
    pub upstream_expiry: Option<CltvExpiry>,
    /// What it puts at risk, if that is too much: then it is to be given back.
    pub overexposes: Option<DustExposure>,
}

impl ChannelHtlc {
    /// The HTLC that this message proposes.
    pub(super) fn proposed(add: &UpdateAddHtlc) -> Self {
        Self {
            amount: add.amount_msat,
            payment_hash: add.payment_hash,
            cltv_expiry: add.cltv_expiry,
            onion: Arc::new(add.onion_routing_packet.clone()),
            path_key: add.blinded_path,
            stage: Stage::AddProposed,
            removal: None,
            removed_at: None,
            upstream_expiry: None,
            overexposes: None,
        }
    }

    /// The HTLC as the commitment of `owner` has it.
    pub(super) fn seen_by(&self, owner: Side, offerer: Side) -> Htlc {
        let direction = if offerer == owner { Direction::Offered } else { Direction::Received };
        let Self { amount, payment_hash, cltv_expiry, .. } = *self;
        Htlc { direction, amount, payment_hash, cltv_expiry }
    }

    /// The preimage with which its recipient takes it.
    pub fn preimage(&self) -> Option<PaymentPreimage> {
        self.removal.as_deref().and_then(Removal::preimage)
    }

    /// Whether its recipient takes the amount.
    pub fn is_paid(&self) -> bool {
        self.removal.as_deref().is_some_and(Removal::pays)
    }

    /// Whether its amount goes to the recipient in the commitment of `owner`.
    pub(super) fn is_paid_out(&self, owner: Side, offerer: Side) -> bool {
        self.stage.is_taken_out(owner, offerer) && self.is_paid()
    }
}

/// Our commitment with the peer's signatures: it can be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalState {
    /// What determines it.
    pub commitment: Commitment,
    /// The transaction.
    pub transaction: CommitmentTransaction,
    /// The peer's signature of it.
    pub signature: Signature,
    /// The peer's signatures of its HTLC transactions, in the order of the outputs.
    pub htlc_signatures: Vec<Signature>,
    /// Which HTLCs those of the commitment are, in its order: who offered them, from our view.
    pub htlc_ids: Vec<(Side, HtlcId)>,
}

/// The peer's commitment, as we signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteState {
    /// What determines it, from the peer's view.
    pub commitment: Commitment,
    /// The peer's per-commitment point for it.
    pub point: PublicKey,
    /// Which HTLCs those of the commitment are, in its order: who offered them, from our view.
    pub htlc_ids: Vec<(Side, HtlcId)>,
}

/// Everything about a channel that its updates change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitments {
    /// What does not change.
    pub terms: Arc<Terms>,
    /// Names the channel in messages.
    pub channel_id: ChannelId,
    /// The funding output, from our view.
    pub funding: Funding,
    /// The funding transaction, once it is known: the opener made it, the acceptor saw it in a
    /// block.
    funding_transaction: Option<Arc<Transaction>>,
    /// Our balance, without pending HTLCs.
    pub(super) to_local: Msat,
    /// The peer's.
    pub(super) to_remote: Msat,
    /// The HTLCs that are not removed yet, by who offered them.
    pub(super) htlcs: BTreeMap<(Side, HtlcId), ChannelHtlc>,
    pub(super) next_local_id: HtlcId,
    pub(super) next_remote_id: HtlcId,
    /// The fee rate that is irrevocably committed.
    feerate: FeeratePerKw,
    /// What the opener changes about it, oldest first.
    fee_updates: Vec<FeeUpdate>,
    /// Whether our last `commitment_signed` came after our last `revoke_and_ack`: what is sent again
    /// keeps the order.
    signed_last: bool,
    /// All of our commitments that the peer signed; the position is the number. The last one is
    /// the current one, the others are revoked.
    local_states: Vec<Arc<LocalState>>,
    /// All of the peer's commitments that we signed; the position is the number.
    remote_states: Vec<Arc<RemoteState>>,
    /// The secrets of the peer's revoked commitments.
    secrets: SecretStore,
    /// The point of the peer's commitment that is signed next, once it is known.
    next_remote_point: Option<PublicKey>,
    /// The closing transactions that we signed: from then on the peer may publish them.
    closings: BTreeSet<Txid>,
    /// The closing transaction that we published last: the channel may still close otherwise.
    published: Option<Arc<Transaction>>,
}

/// The first commitments, which carry the opener's funds and what it pushed.
pub(super) struct Beginning<'a> {
    /// The terms.
    pub terms: Arc<Terms>,
    /// The funding output, from our view.
    pub funding: Funding,
    /// The peer's `first_per_commitment_point`.
    pub remote_point: PublicKey,
    /// Our secrets.
    pub secrets: &'a ChannelSecrets,
}

impl Beginning<'_> {
    /// The commitment number 0 of one side.
    fn commitment(&self, owner: Side) -> Result<Commitment, TxError> {
        let (to_local, to_remote) = self.terms.initial_balances().ok_or(TxError::AmountOverflow)?;
        let point = match owner {
            Side::Local => self.secrets.seed.secret(CommitmentNumber(0)).point()?,
            Side::Remote => self.remote_point,
        };
        let balances = Balances { to_local, to_remote, htlcs: Vec::new() };
        let number = CommitmentNumber(0);
        let parts =
            Parts { terms: &self.terms, funding: &self.funding, feerate: self.terms.feerate };
        parts.view(owner, number, &point, balances)
    }

    /// Our signature of the peer's first commitment.
    ///
    /// # Errors
    /// [`TxError`] if it cannot be built.
    pub(super) fn sign(&self) -> Result<Signature, TxError> {
        let commitment = self.commitment(Side::Remote)?;
        commitment.funding.sign(&commitment.build().unsigned, &self.secrets.funding)
    }

    /// Checks the peer's signature of our first commitment, and begins.
    ///
    /// # Errors
    /// `Ok(None)` if the signature does not fit; [`TxError`] if a commitment cannot be built.
    pub(super) fn begin(self, signature: Signature) -> Result<Option<Commitments>, TxError> {
        let commitment = self.commitment(Side::Local)?;
        let transaction = commitment.build();
        let remote_pubkey = &self.funding.remote_pubkey;
        if !self.funding.verify(&transaction.unsigned, remote_pubkey, &signature) {
            return Ok(None);
        }
        let remote = RemoteState {
            commitment: self.commitment(Side::Remote)?,
            point: self.remote_point,
            htlc_ids: Vec::new(),
        };
        let (htlc_signatures, htlc_ids) = (Vec::new(), Vec::new());
        let local = LocalState { commitment, transaction, signature, htlc_signatures, htlc_ids };
        let (to_local, to_remote) = self.terms.initial_balances().ok_or(TxError::AmountOverflow)?;
        Ok(Some(Commitments {
            channel_id: ChannelId::from_funding(self.funding.outpoint),
            feerate: self.terms.feerate,
            terms: self.terms,
            fee_updates: Vec::new(),
            signed_last: false,
            funding: self.funding,
            funding_transaction: None,
            to_local,
            to_remote,
            htlcs: BTreeMap::new(),
            next_local_id: HtlcId(0),
            next_remote_id: HtlcId(0),
            local_states: vec![Arc::new(local)],
            remote_states: vec![Arc::new(remote)],
            secrets: SecretStore::default(),
            next_remote_point: None,
            closings: BTreeSet::new(),
            published: None,
        }))
    }
}

/// What a commitment pays to whom, from our view whoever owns it.
struct Balances {
    to_local: Msat,
    to_remote: Msat,
    htlcs: Vec<Htlc>,
}

/// What a commitment is made from besides the balances.
struct Parts<'a> {
    terms: &'a Terms,
    funding: &'a Funding,
    feerate: FeeratePerKw,
}

impl Parts<'_> {
    /// Turns our view of the balances into the commitment of its owner.
    fn view(
        &self,
        owner: Side,
        number: CommitmentNumber,
        point: &PublicKey,
        balances: Balances,
    ) -> Result<Commitment, TxError> {
        let Self { terms, funding, feerate } = *self;
        let (holder, other) = (terms.party(owner), terms.party(owner.flip()));
        let Balances { to_local, to_remote, htlcs } = balances;
        let (to_holder, to_other, funding, funder) = match owner {
            Side::Local => (to_local, to_remote, funding.clone(), terms.opener),
            Side::Remote => (to_remote, to_local, funding.flip(), terms.opener.flip()),
        };
        Ok(Commitment {
            funding,
            number,
            obscuring_factor: terms.obscuring_factor(),
            channel_type: terms.channel_type,
            funder,
            dust_limit: holder.dust_limit,
            to_self_delay: other.to_self_delay,
            feerate,
            to_local: to_holder,
            to_remote: to_other,
            htlcs,
            keys: CommitmentKeys::derive(&holder.basepoints, &other.basepoints, point)?,
        })
    }
}

impl Commitments {
    /// Signs a closing transaction, and remembers it.
    pub(super) fn sign_closing(
        &mut self,
        secrets: &ChannelSecrets,
        closing: &Transaction,
    ) -> Result<Signature, TxError> {
        self.closings.insert(closing.compute_txid());
        self.funding.sign(closing, &secrets.funding)
    }

    /// Whether we signed this closing transaction.
    pub fn has_signed_closing(&self, txid: Txid) -> bool {
        self.closings.contains(&txid)
    }

    /// The same, with the closing transaction that we published.
    pub(super) fn having_published(&self, closing: Transaction) -> Self {
        Self { published: Some(Arc::new(closing)), ..self.clone() }
    }

    /// The closing transaction that we published last, if there is one.
    pub(super) fn published(&self) -> Option<&Transaction> {
        self.published.as_deref()
    }

    /// Our newest commitment.
    pub fn local(&self) -> Option<&Arc<LocalState>> {
        self.local_states.last()
    }

    /// All of our commitments that were ever signed, the revoked ones too; the position is the
    /// number.
    pub fn local_states(&self) -> &[Arc<LocalState>] {
        &self.local_states
    }

    /// The peer's commitment of this number, if we signed it.
    pub fn remote_state(&self, number: CommitmentNumber) -> Option<&Arc<RemoteState>> {
        self.remote_states.get(usize::try_from(number.0).ok()?)
    }

    /// The peer's commitments that it has not revoked: the newest, and the one before as long as the
    /// peer may still publish it.
    pub fn unrevoked(&self) -> impl Iterator<Item = &Arc<RemoteState>> {
        let revoked = usize::try_from(self.secrets.received()).unwrap_or(usize::MAX);
        self.remote_states.iter().skip(revoked)
    }

    /// The secret with which the peer revoked this commitment.
    pub fn revocation_secret(&self, number: CommitmentNumber) -> Option<PerCommitmentSecret> {
        self.secrets.secret(number).ok()
    }

    /// Our balance and the peer's, without pending HTLCs.
    pub fn settled(&self) -> (Msat, Msat) {
        (self.to_local, self.to_remote)
    }

    /// The HTLCs that are not irrevocably removed yet.
    pub fn htlcs(&self) -> impl Iterator<Item = (Side, HtlcId, &ChannelHtlc)> {
        self.htlcs.iter().map(|(&(offerer, id), htlc)| (offerer, id, htlc))
    }

    /// Whether we took an HTLC of the peer's at this height or later.
    pub(super) fn took_since(&self, height: BlockHeight) -> bool {
        self.htlcs().any(|(_, _, htlc)| htlc.is_paid() && htlc.removed_at >= Some(height))
    }

    /// The id of the HTLC that we offer next.
    pub fn next_offer(&self) -> HtlcId {
        self.next_local_id
    }

    /// How many updates are not done with: HTLCs that are not irrevocably removed, changes of the
    /// fee rate that are not irrevocably committed.
    pub fn pending(&self) -> usize {
        self.htlcs.len().saturating_add(self.fee_updates.len())
    }

    /// Our `channel_ready`. BOLT 2, "The `channel_ready` Message".
    ///
    /// # Errors
    /// [`KeyError`] if the second per-commitment point does not exist.
    pub fn channel_ready(&self, secrets: &ChannelSecrets) -> Result<ChannelReady, KeyError> {
        Ok(ChannelReady {
            channel_id: self.channel_id,
            second_per_commitment_point: secrets.seed.secret(CommitmentNumber(1)).point()?,
            short_channel_id: self.terms.alias,
            unknown: Vec::new(),
        })
    }

    /// Takes note of the funding transaction.
    pub(super) fn set_funding_transaction(&mut self, known: Transaction) {
        self.funding_transaction = Some(Arc::new(known));
    }

    /// The transaction that spends an input of the funding transaction in its place, if a block
    /// has one: the channel can never be.
    pub(super) fn double_spend(&self, transactions: &[Transaction]) -> Option<Txid> {
        let ours = self.funding_transaction.as_ref().filter(|known| !known.is_coinbase())?;
        let txid = self.funding.outpoint.txid;
        ours.input
            .iter()
            .filter_map(|input| spender(transactions, input.previous_output))
            .map(Transaction::compute_txid)
            .find(|spender| *spender != txid)
    }

    fn local_number(&self) -> CommitmentNumber {
        number(self.local_states.len())
    }

    fn remote_number(&self) -> CommitmentNumber {
        number(self.remote_states.len())
    }

    /// Whether anything was committed after the beginning.
    pub(super) fn was_used(&self) -> bool {
        self.local_states.len() > 1 || self.remote_states.len() > 1
    }

    /// Whether we signed a commitment of the peer that it has not yet acknowledged by revoking the
    /// one before.
    pub fn awaits_revocation(&self) -> bool {
        self.secrets.received() < self.remote_number().0
    }

    /// Whether an update waits for our `commitment_signed`.
    pub fn owes_signature(&self) -> bool {
        self.awaited(Milestone::Signed(Side::Local))
    }

    fn awaited(&self, milestone: Milestone) -> bool {
        let opener = self.terms.opener;
        self.htlcs.iter().any(|((offerer, _), h)| h.stage.awaits(*offerer) == Some(milestone))
            || self.fee_updates.iter().any(|fee| fee.stage.awaits(opener) == Some(milestone))
    }

    /// What one side's commitment holds after the updates so far.
    fn balances(&self, owner: Side) -> Result<Balances, TxError> {
        let (mut to_local, mut to_remote) = (self.to_local, self.to_remote);
        let mut htlcs = Vec::new();
        for (&(offerer, _), htlc) in &self.htlcs {
            let present = htlc.stage.is_in(owner, offerer);
            let taken = htlc.is_paid_out(owner, offerer);
            if present || taken {
                let payer = match offerer {
                    Side::Local => &mut to_local,
                    Side::Remote => &mut to_remote,
                };
                *payer = payer.checked_sub(htlc.amount).ok_or(TxError::AmountOverflow)?;
            }
            if taken {
                let payee = match offerer {
                    Side::Local => &mut to_remote,
                    Side::Remote => &mut to_local,
                };
                *payee = payee.checked_add(htlc.amount).ok_or(TxError::AmountOverflow)?;
            }
            if present {
                htlcs.push(htlc.seen_by(owner, offerer));
            }
        }
        Ok(Balances { to_local, to_remote, htlcs })
    }

    /// Which HTLCs the newest commitment of `owner` has, in its order.
    fn htlc_ids(&self, owner: Side) -> Vec<(Side, HtlcId)> {
        let present = self.htlcs.iter().filter(|((by, _), htlc)| htlc.stage.is_in(owner, *by));
        present.map(|(key, _)| *key).collect()
    }

    fn commitment(
        &self,
        owner: Side,
        number: CommitmentNumber,
        point: &PublicKey,
    ) -> Result<Commitment, TxError> {
        let feerate = self.feerate(owner);
        let parts = Parts { terms: &self.terms, funding: &self.funding, feerate };
        parts.view(owner, number, point, self.balances(owner)?)
    }

    fn advance(&mut self, milestone: Milestone) {
        self.advance_fee(milestone);
        for ((offerer, _), htlc) in &mut self.htlcs {
            htlc.stage = htlc.stage.after(*offerer, milestone);
        }
        let (removed, kept) = std::mem::take(&mut self.htlcs)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, htlc)| htlc.stage == Stage::Removed);
        self.htlcs = kept;
        for ((offerer, _), htlc) in removed.into_iter().filter(|(_, htlc)| htlc.is_paid()) {
            let (payer, payee) = match offerer {
                Side::Local => (&mut self.to_local, &mut self.to_remote),
                Side::Remote => (&mut self.to_remote, &mut self.to_local),
            };
            // The HTLC could be afforded when it was added, so neither can fail.
            *payer = payer.saturating_sub(htlc.amount);
            *payee = payee.checked_add(htlc.amount).unwrap_or(*payee);
        }
    }
}

/// The number of the last of `states` commitments, which are counted from 0.
fn number(states: usize) -> CommitmentNumber {
    CommitmentNumber(u64::try_from(states.saturating_sub(1)).unwrap_or(u64::MAX))
}

impl LocalState {
    /// The commitment transaction with both signatures, ready to be published.
    ///
    /// # Errors
    /// [`TxError`] if it cannot be signed.
    pub fn signed(&self, secrets: &ChannelSecrets) -> Result<Transaction, TxError> {
        let funding = &self.commitment.funding;
        let ours = funding.sign(&self.transaction.unsigned, &secrets.funding)?;
        let mut transaction = self.transaction.unsigned.clone();
        if let Some(input) = transaction.input.first_mut() {
            input.witness = funding.witness(&ours, &self.signature);
        }
        Ok(transaction)
    }

    /// Whether the transaction has an output of this role.
    pub fn has(&self, role: OutputRole) -> bool {
        self.transaction.roles.contains(&role)
    }
}

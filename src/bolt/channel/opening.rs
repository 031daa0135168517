//! Opening a channel. BOLT 2, "Channel Establishment v1".
//!
//! ```text
//! opener                               acceptor
//!   |------ open_channel -------------->|
//!   |<----- accept_channel -------------|
//!   |------ funding_created ----------->|
//!   |<----- funding_signed -------------|
//!   |   (the funding transaction gets its depth)
//!   |------ channel_ready ------------->|
//!   |<----- channel_ready --------------|
//! ```

use std::sync::Arc;

use bitcoin::constants::ChainHash;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction};
use secp256k1::PublicKey;

use super::error::ensure;
use super::fee_share::check_feerate;
use super::habits::Habits;
use super::normal::Normal;
use super::shutdown::is_allowed;
use super::terms::{PartyTerms, Terms};
use super::{
    Beginning, ChainEvent, ChannelEvent, Closed, Command, Commitments, Confirmation, Context,
    Fault, Input, Output, PeerViolation, Phase, Purpose, Refused, Shutdown, Step, funding,
    unexpected,
};
use crate::bolt::features::{Feature, Features};
use crate::bolt::keys::Basepoints;
use crate::bolt::tx::funding::Funding;
use crate::bolt::tx::{ChannelType, Side, fee, script};
use crate::bolt::units::{CommitmentNumber, CsvDelay, Msat};
use crate::bolt::wire::messages::{
    AcceptChannel, ChannelReady, FundingCreated, FundingSigned, OpenChannel,
};
use crate::bolt::wire::{
    ChannelId, ChannelTypeBits, Message, ShortChannelId, Variations, features_of,
};

/// The greatest `funding_satoshis` without `option_support_large_channel`: below 2^24.
const GREATEST_FUNDING: Amount = Amount::from_sat((1 << 24) - 1);
/// The least `dust_limit_satoshis`. BOLT 2, "The `open_channel` Message".
const LEAST_DUST_LIMIT: Amount = Amount::from_sat(354);
/// The greatest `max_accepted_htlcs`: a commitment with twice as many outputs is still standard.
const MOST_ACCEPTED_HTLCS: u16 = 483;
/// The longest delay that we take: two weeks.
const LONGEST_DELAY: CsvDelay = CsvDelay(2016);
/// The bit of `channel_flags` that asks for a public channel.
pub(super) const ANNOUNCE_CHANNEL: u8 = 1;
/// Short for the feature by which a side commits to the script of its `shutdown`.
const UPFRONT: Feature = Feature::UPFRONT_SHUTDOWN_SCRIPT;

/// What the acceptor decides about a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// Its own terms.
    pub local: PartyTerms,
    /// How deep the funding must be, in blocks; 0 for a channel of `option_zeroconf`, whatever this
    /// says.
    pub minimum_depth: u32,
    /// Whether the opener is trusted with a funding that is not confirmed.
    pub zeroconf: bool,
    /// Its alias for the channel, if `option_scid_alias` was negotiated.
    pub alias: Option<ShortChannelId>,
    /// Its `max_dust_htlc_exposure_msat`.
    pub max_dust_htlc_exposure: Msat,
}

/// How far an opening has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The opener sent `open_channel`.
    Proposed(Proposal),
    /// The opener has the terms and waits for its wallet's funding transaction.
    Agreed(Agreed),
    /// The acceptor sent `accept_channel`.
    Accepted(Proposal),
    /// The opener sent `funding_created`.
    Created(Created),
    /// Both commitments are signed; the funding transaction gets its depth.
    AwaitingDepth(AwaitingDepth),
}

/// One side has said what it wants of the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Names the channel until it is funded.
    pub temporary_channel_id: ChannelId,
    /// The terms; of the opener's proposal, `remote` is still a copy of `local`.
    pub terms: Arc<Terms>,
    /// The peer's `first_per_commitment_point`, which the acceptor knows.
    pub remote_point: Option<PublicKey>,
}

/// The terms are settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    pub(super) temporary_channel_id: ChannelId,
    pub(super) terms: Arc<Terms>,
    pub(super) remote_point: PublicKey,
}

/// The funding output is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    pub(super) terms: Arc<Terms>,
    pub(super) remote_point: PublicKey,
    pub(super) funding: Funding,
    pub(super) transaction: Transaction,
}

/// Both sides could close the channel on chain; it is not in use yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwaitingDepth {
    /// The first commitments.
    pub commitments: Commitments,
    pub(super) confirmation: Confirmation,
    sent_ready: bool,
    received_ready: bool,
}

impl Phase {
    /// Proposes a channel to the peer.
    ///
    /// # Errors
    /// [`Fault::Refused`] if the peer would refuse the capacity, the type or the balances; another
    /// [`Fault`] if the first per-commitment point does not exist.
    pub fn open(context: &Context<'_>, terms: Terms, temporary_channel_id: ChannelId) -> Step {
        let (capacity, limit) = (terms.capacity, GREATEST_FUNDING);
        if capacity > limit && !context.features.supports(Feature::LARGE_CHANNELS) {
            return Err(Refused::FundingTooLarge { capacity, limit }.into());
        }
        if !is_negotiated(terms.channel_type, terms.variations, context.features) {
            return Err(Refused::ChannelType.into());
        }
        let cost = fee::funder_cost(terms.channel_type, terms.feerate, 0);
        let (ours, theirs) = terms.initial_balances().unwrap_or_default();
        let after_fee = ours.to_sat_floor().checked_sub(cost).unwrap_or(Amount::ZERO);
        check_stakes([after_fee, theirs.to_sat_floor()], terms.local.channel_reserve)
            .map_err(Refused::BreaksLimit)?;
        let PartyTerms { basepoints, .. } = terms.local.clone();
        let message = OpenChannel {
            chain_hash: ChainHash::REGTEST,
            temporary_channel_id,
            funding_satoshis: terms.capacity,
            push_msat: terms.push,
            dust_limit_satoshis: terms.local.dust_limit,
            max_htlc_value_in_flight_msat: terms.local.max_htlc_value_in_flight,
            channel_reserve_satoshis: terms.local.channel_reserve,
            htlc_minimum_msat: terms.local.htlc_minimum,
            feerate_per_kw: terms.feerate,
            to_self_delay: terms.local.to_self_delay,
            max_accepted_htlcs: terms.local.max_accepted_htlcs,
            funding_pubkey: terms.local.funding_pubkey,
            revocation_basepoint: basepoints.revocation,
            payment_basepoint: basepoints.payment,
            delayed_payment_basepoint: basepoints.delayed_payment,
            htlc_basepoint: basepoints.htlc,
            first_per_commitment_point: first_point(context, 0)?,
            channel_flags: if terms.announced { ANNOUNCE_CHANNEL } else { 0 },
            // With TLVs, it must be there; empty means that we do not commit.
            upfront_shutdown_script: Some(
                terms.local.upfront_shutdown_script.clone().unwrap_or_default(),
            ),
            channel_type: Some(ChannelTypeBits::new(terms.channel_type, terms.variations)),
            unknown: Vec::new(),
        };
        let terms = Arc::new(terms);
        let proposal = Proposal { temporary_channel_id, terms, remote_point: None };
        Ok((Self::Opening(Opening::Proposed(proposal)), vec![Output::Send(message.into())]))
    }

    /// Accepts a channel that the peer proposes.
    ///
    /// # Errors
    /// [`Fault::Peer`] if the proposal breaks a requirement.
    pub fn accept(context: &Context<'_>, message: &OpenChannel, acceptance: Acceptance) -> Step {
        let dual_funded = context.features.supports(Feature::DUAL_FUND);
        ensure(!dual_funded, PeerViolation::DualFundNegotiated)?;
        check_upfront(message.upfront_shutdown_script.as_ref(), context.features)?;
        let (channel_type, variations) = known_type(message.channel_type.as_ref())?;
        let suits = is_negotiated(channel_type, variations, context.features)
            && !(variations.scid_alias && message.channel_flags & ANNOUNCE_CHANNEL != 0);
        ensure(suits, PeerViolation::UnsuitableChannelType)?;
        ensure(!variations.zeroconf || acceptance.zeroconf, PeerViolation::ZeroconfUntrusted)?;
        let minimum_depth = if variations.zeroconf { 0 } else { acceptance.minimum_depth };
        let terms = Terms {
            opener: Side::Remote,
            capacity: message.funding_satoshis,
            push: message.push_msat,
            channel_type,
            variations,
            announced: message.channel_flags & ANNOUNCE_CHANNEL != 0,
            alias: acceptance.alias,
            feerate: message.feerate_per_kw,
            minimum_depth,
            max_dust_htlc_exposure: acceptance.max_dust_htlc_exposure,
            remote: PartyTerms::from(message).negotiated(context.features),
            local: acceptance.local,
        };
        ensure(message.chain_hash == ChainHash::REGTEST, PeerViolation::UnknownChain)?;
        check_open(&terms, context.features, context.habits)?;
        check_party(&terms.remote)?;
        let PartyTerms { basepoints, .. } = terms.local.clone();
        let reply = AcceptChannel {
            temporary_channel_id: message.temporary_channel_id,
            dust_limit_satoshis: terms.local.dust_limit,
            max_htlc_value_in_flight_msat: terms.local.max_htlc_value_in_flight,
            channel_reserve_satoshis: terms.local.channel_reserve,
            htlc_minimum_msat: terms.local.htlc_minimum,
            minimum_depth,
            to_self_delay: terms.local.to_self_delay,
            max_accepted_htlcs: terms.local.max_accepted_htlcs,
            funding_pubkey: terms.local.funding_pubkey,
            revocation_basepoint: basepoints.revocation,
            payment_basepoint: basepoints.payment,
            delayed_payment_basepoint: basepoints.delayed_payment,
            htlc_basepoint: basepoints.htlc,
            first_per_commitment_point: first_point(context, 0)?,
            upfront_shutdown_script: Some(
                terms.local.upfront_shutdown_script.clone().unwrap_or_default(),
            ),
            channel_type: message.channel_type.clone(),
            unknown: Vec::new(),
        };
        let accepted = Proposal {
            temporary_channel_id: message.temporary_channel_id,
            terms: Arc::new(terms),
            remote_point: Some(message.first_per_commitment_point),
        };
        Ok((Self::Opening(Opening::Accepted(accepted)), vec![Output::Send(reply.into())]))
    }
}

fn first_point(context: &Context<'_>, number: u64) -> Result<PublicKey, Fault> {
    Ok(context.secrets.seed.secret(CommitmentNumber(number)).point()?)
}

fn known_type(bits: Option<&ChannelTypeBits>) -> Result<(ChannelType, Variations), PeerViolation> {
    let bits = bits.ok_or(PeerViolation::NoChannelType)?;
    bits.known().ok_or(PeerViolation::UnsuitableChannelType)
}

/// Whether both sides support all that a channel of this type makes use of.
fn is_negotiated(channel_type: ChannelType, variations: Variations, features: &Features) -> bool {
    features_of(channel_type, variations).all(|feature| features.supports(feature))
}

/// What a side says of itself: the same fields in `open_channel` and in `accept_channel`.
macro_rules! party {
    ($message:expr) => {
        PartyTerms {
            dust_limit: $message.dust_limit_satoshis,
            max_htlc_value_in_flight: $message.max_htlc_value_in_flight_msat,
            channel_reserve: $message.channel_reserve_satoshis,
            htlc_minimum: $message.htlc_minimum_msat,
            to_self_delay: $message.to_self_delay,
            max_accepted_htlcs: $message.max_accepted_htlcs,
            funding_pubkey: $message.funding_pubkey,
            basepoints: Basepoints {
                revocation: $message.revocation_basepoint,
                payment: $message.payment_basepoint,
                delayed_payment: $message.delayed_payment_basepoint,
                htlc: $message.htlc_basepoint,
            },
            // An empty one commits to nothing.
            upfront_shutdown_script: $message
                .upfront_shutdown_script
                .clone()
                .filter(|script| !script.is_empty()),
        }
    };
}

impl From<&OpenChannel> for PartyTerms {
    fn from(message: &OpenChannel) -> Self {
        party!(message)
    }
}

impl From<&AcceptChannel> for PartyTerms {
    fn from(message: &AcceptChannel) -> Self {
        party!(message)
    }
}

impl PartyTerms {
    /// What the acceptor may ask of this opener: its reserve is no less than the opener's dust limit,
    /// its dust limit no more than the opener's reserve. BOLT 2, "The `accept_channel` Message".
    #[must_use]
    pub fn fitting(mut self, open: &OpenChannel) -> Self {
        self.dust_limit = self.dust_limit.min(open.channel_reserve_satoshis);
        self.channel_reserve = self.channel_reserve.max(open.dust_limit_satoshis);
        self
    }

    /// Without what takes a feature that was not negotiated.
    fn negotiated(mut self, features: &Features) -> Self {
        self.upfront_shutdown_script =
            self.upfront_shutdown_script.filter(|_| features.supports(UPFRONT));
        self
    }
}

/// With the feature, a side either commits to a script that `shutdown` may have, or says that it
/// does not.
fn check_upfront(script: Option<&ScriptBuf>, features: &Features) -> Result<(), PeerViolation> {
    match script {
        _ if !features.supports(UPFRONT) => Ok(()),
        None => Err(PeerViolation::NoUpfrontScript),
        Some(script) if script.is_empty() => Ok(()),
        Some(script) => ensure(is_allowed(script, features), PeerViolation::UpfrontScriptForm),
    }
}

/// The bounds on what one side says of itself; they are the same in both messages.
fn check_party(party: &PartyTerms) -> Result<(), PeerViolation> {
    let (delay, limit) = (party.to_self_delay, LONGEST_DELAY);
    ensure(delay <= limit, PeerViolation::DelayTooLong { delay, limit })?;
    let count = party.max_accepted_htlcs;
    ensure(count <= MOST_ACCEPTED_HTLCS, PeerViolation::TooManyAcceptedHtlcs { count })?;
    let (dust_limit, reserve) = (party.dust_limit, party.channel_reserve);
    ensure(dust_limit <= reserve, PeerViolation::DustAboveReserve { dust_limit, reserve })?;
    ensure(dust_limit >= LEAST_DUST_LIMIT, PeerViolation::DustLimitTooSmall { dust_limit })
}

/// The bounds on what `open_channel` says of the channel.
fn check_open(terms: &Terms, features: &Features, habits: Habits) -> Result<(), PeerViolation> {
    let Terms { push, capacity, feerate, channel_type, .. } = *terms;
    let limit = GREATEST_FUNDING;
    let fits = capacity <= limit || features.supports(Feature::LARGE_CHANNELS);
    ensure(fits, PeerViolation::FundingTooLarge { capacity, limit })?;
    let too_much = PeerViolation::PushAboveCapacity { push, capacity };
    let (to_local, to_remote) = terms.initial_balances().ok_or(too_much)?;
    check_feerate(feerate, terms, habits)?;
    let needed = fee::funder_cost(channel_type, feerate, 0);
    let balance = to_remote.to_sat_floor();
    ensure(balance >= needed, PeerViolation::FunderCannotPayFee { balance, needed })?;
    let after_fee = balance.checked_sub(needed).unwrap_or(Amount::ZERO);
    check_stakes([after_fee, to_local.to_sat_floor()], terms.remote.channel_reserve)
}

/// Somebody must have something to lose, by the reserve that the opener asks for.
fn check_stakes(balances: [Amount; 2], reserve: Amount) -> Result<(), PeerViolation> {
    let somebody = balances.into_iter().any(|balance| balance > reserve);
    ensure(somebody, PeerViolation::NobodyAboveReserve { reserve })
}

impl Opening {
    pub(super) fn step(&self, context: &Context<'_>, input: &Input) -> Step {
        match (self, input) {
            (Self::Proposed(proposal), Input::Received(Message::AcceptChannel(accept))) => {
                proposal.receive_accept(context, accept)
            }
            (Self::Agreed(agreed), Input::Command(Command::Fund { transaction, output_index })) => {
                agreed.fund(context, transaction, *output_index)
            }
            (Self::Accepted(proposal), Input::Received(Message::FundingCreated(created))) => {
                proposal.receive_funding_created(context, created)
            }
            (Self::Created(created), Input::Received(Message::FundingSigned(signed))) => {
                created.receive_funding_signed(context, signed)
            }
            (Self::AwaitingDepth(waiting), Input::Received(Message::ChannelReady(ready))) => {
                waiting.receive_channel_ready(context, ready)
            }
            (Self::AwaitingDepth(waiting), Input::Received(Message::Shutdown(shutdown))) => {
                waiting.shutdown().receive(context, shutdown)
            }
            (Self::AwaitingDepth(waiting), Input::Command(Command::Close)) => {
                waiting.shutdown().settle(context, Vec::new())
            }
            (Self::AwaitingDepth(waiting), Input::Chain(event)) => waiting.follow(context, event),
            (_, Input::Chain(_)) => Ok((Phase::Opening(self.clone()), Vec::new())),
            (_, Input::Received(_) | Input::Command(_)) => Err(unexpected("opening", input)),
        }
    }
}

impl Opening {
    /// The id that messages name the channel by: never all zero, which would mean every channel.
    pub(super) fn channel_id(&self) -> ChannelId {
        match self {
            Self::Proposed(proposal) | Self::Accepted(proposal) => proposal.temporary_channel_id,
            Self::Agreed(agreed) => agreed.temporary_channel_id,
            Self::Created(created) => ChannelId::from_funding(created.funding.outpoint),
            Self::AwaitingDepth(waiting) => waiting.commitments.channel_id,
        }
    }
}

/// The funding output, from the view of one side.
fn funding_output(terms: &Terms, outpoint: OutPoint) -> Funding {
    Funding {
        outpoint,
        amount: terms.capacity,
        local_pubkey: terms.local.funding_pubkey,
        remote_pubkey: terms.remote.funding_pubkey,
    }
}

impl Proposal {
    fn receive_accept(&self, context: &Context<'_>, message: &AcceptChannel) -> Step {
        check_upfront(message.upfront_shutdown_script.as_ref(), context.features)?;
        let terms = Terms {
            minimum_depth: message.minimum_depth,
            remote: PartyTerms::from(message).negotiated(context.features),
            ..(*self.terms).clone()
        };
        let channel_type = known_type(message.channel_type.as_ref())?;
        let proposed = (terms.channel_type, terms.variations);
        ensure(channel_type == proposed, PeerViolation::UnsuitableChannelType)?;
        check_party(&terms.remote)?;
        for (dust, reserving) in [(&terms.local, &terms.remote), (&terms.remote, &terms.local)] {
            let (dust_limit, reserve) = (dust.dust_limit, reserving.channel_reserve);
            ensure(dust_limit <= reserve, PeerViolation::DustAboveReserve { dust_limit, reserve })?;
        }
        let script = script::funding(&terms.local.funding_pubkey, &terms.remote.funding_pubkey);
        let output = bitcoin::TxOut { value: terms.capacity, script_pubkey: script.to_p2wsh() };
        let agreed = Agreed {
            temporary_channel_id: self.temporary_channel_id,
            terms: Arc::new(terms),
            remote_point: message.first_per_commitment_point,
        };
        Ok((Phase::Opening(Opening::Agreed(agreed)), vec![Output::Fund(output)]))
    }

    fn receive_funding_created(&self, context: &Context<'_>, message: &FundingCreated) -> Step {
        let vout = u32::from(message.funding_output_index);
        let outpoint = OutPoint { txid: message.funding_txid, vout };
        let wrong = PeerViolation::WrongSignature { message: "funding_created" };
        let beginning = Beginning {
            terms: Arc::clone(&self.terms),
            funding: funding_output(&self.terms, outpoint),
            remote_point: self.remote_point.ok_or(wrong.clone())?,
            secrets: context.secrets,
        };
        let signature = beginning.sign()?;
        let commitments = beginning.begin(message.signature)?.ok_or(wrong)?;
        let channel_id = commitments.channel_id;
        let reply = FundingSigned { channel_id, signature, unknown: Vec::new() };
        let waiting = AwaitingDepth::new(context, commitments, None);
        waiting.settle(context, vec![Output::Send(reply.into())])
    }
}

impl Agreed {
    fn fund(&self, context: &Context<'_>, transaction: &Transaction, output_index: u16) -> Step {
        let txid = transaction.compute_txid();
        let outpoint = OutPoint { txid, vout: u32::from(output_index) };
        let funding = funding_output(&self.terms, outpoint);
        let beginning = Beginning {
            terms: Arc::clone(&self.terms),
            funding: funding.clone(),
            remote_point: self.remote_point,
            secrets: context.secrets,
        };
        let message = FundingCreated {
            temporary_channel_id: self.temporary_channel_id,
            funding_txid: txid,
            funding_output_index: output_index,
            signature: beginning.sign()?,
            unknown: Vec::new(),
        };
        let created = Created {
            terms: Arc::clone(&self.terms),
            remote_point: self.remote_point,
            funding,
            transaction: transaction.clone(),
        };
        Ok((Phase::Opening(Opening::Created(created)), vec![Output::Send(message.into())]))
    }
}

impl Created {
    fn receive_funding_signed(&self, context: &Context<'_>, message: &FundingSigned) -> Step {
        let beginning = Beginning {
            terms: Arc::clone(&self.terms),
            funding: self.funding.clone(),
            remote_point: self.remote_point,
            secrets: context.secrets,
        };
        let wrong = PeerViolation::WrongSignature { message: "funding_signed" };
        let commitments = beginning.begin(message.signature)?.ok_or(wrong)?;
        let transaction = self.transaction.clone();
        let waiting = AwaitingDepth::new(context, commitments, Some(transaction.clone()));
        let purpose = Purpose::Funding;
        waiting.settle(context, vec![Output::Broadcast { transaction, purpose }])
    }
}

impl Phase {
    /// An opening whose funding transaction is made, and not published.
    fn created(&self) -> Option<&Created> {
        match self {
            Self::Opening(Opening::Created(created)) => Some(created),
            Self::Opening(_)
            | Self::Normal(_)
            | Self::Shutdown(_)
            | Self::Negotiating(_)
            | Self::SimpleClosing(_)
            | Self::Closing(_)
            | Self::Closed(_) => None,
        }
    }

    /// The funding transaction of an opening that has not published it: if that fails, it never will
    /// be.
    pub fn unpublished_funding(&self) -> Option<&Transaction> {
        self.created().map(|created| &created.transaction)
    }

    /// Whether the acceptor waits for `funding_created`, or the opening failed: another
    /// `open_channel` may take its place. BOLT 2, "The `open_channel` Message".
    pub fn awaits_funding_created(&self) -> bool {
        matches!(self, Self::Opening(Opening::Accepted(_)) | Self::Closed(Closed::NeverOpened))
    }

    /// Whether the opener of a channel with this id waits for `funding_signed`, which is the first
    /// message to name the channel by its final id.
    pub fn awaits_funding_signed(&self, channel_id: ChannelId) -> bool {
        let id = |created: &Created| ChannelId::from_funding(created.funding.outpoint);
        self.created().map(id) == Some(channel_id)
    }
}

impl From<AwaitingDepth> for Phase {
    fn from(waiting: AwaitingDepth) -> Self {
        Self::Opening(Opening::AwaitingDepth(waiting))
    }
}

impl AwaitingDepth {
    fn new(
        context: &Context<'_>,
        mut commitments: Commitments,
        transaction: Option<Transaction>,
    ) -> Self {
        if let Some(known) = transaction {
            commitments.set_funding_transaction(known);
        }
        Self {
            commitments,
            confirmation: Confirmation::Awaited { since: context.height },
            sent_ready: false,
            received_ready: false,
        }
    }

    /// The same with other commitments.
    pub(super) fn with(&self, commitments: Commitments) -> Self {
        Self { commitments, ..self.clone() }
    }

    /// Either side may close a channel that is funded and not ready: BOLT 2, "Closing Initiation:
    /// `shutdown`".
    fn shutdown(&self) -> Shutdown {
        Shutdown::begin(self.commitments.clone(), self.confirmation)
    }

    /// Whether we have sent `channel_ready`.
    pub(super) fn sent_ready(&self) -> bool {
        self.sent_ready
    }

    fn receive_channel_ready(&self, context: &Context<'_>, message: &ChannelReady) -> Step {
        // A later one is redundant, and what it says of the point is not looked at.
        if self.received_ready {
            return Ok((self.clone().into(), Vec::new()));
        }
        let point = message.second_per_commitment_point;
        let commitments = self.commitments.with_next_remote_point(point);
        let next = Self { commitments, received_ready: true, ..self.clone() };
        next.settle(context, Vec::new())
    }

    /// Sends `channel_ready` when the funding is deep enough, and begins normal operation when
    /// both sides have sent it.
    pub(super) fn settle(mut self, context: &Context<'_>, mut outputs: Vec<Output>) -> Step {
        let minimum_depth = self.commitments.terms.minimum_depth;
        if !self.sent_ready && self.confirmation.is_deep(minimum_depth, context.height) {
            self.sent_ready = true;
            let message = self.commitments.channel_ready(context.secrets)?;
            outputs.push(Output::Send(message.into()));
        }
        if !(self.sent_ready && self.received_ready) {
            return Ok((self.into(), outputs));
        }
        outputs.push(Output::Event(ChannelEvent::Ready));
        let normal = Normal { commitments: self.commitments, confirmation: self.confirmation };
        Ok((Phase::Normal(normal), outputs))
    }

    fn follow(&self, context: &Context<'_>, event: &ChainEvent) -> Step {
        let (next, outputs) = funding::watch(self.clone().into(), context, event)?;
        if let Phase::Opening(Opening::AwaitingDepth(waiting)) = next {
            return waiting.settle(context, outputs);
        }
        Ok((next, outputs))
    }
}

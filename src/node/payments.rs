//! What this node pays: one onion for each part, and what comes back. BOLT 4, "Packet
//! Construction" and "Returning Errors".

use bitcoin::hashes::sha256;
use secp256k1::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::route::{Final, PathHop, PlannedHop, payloads, route};
use super::{ChannelHandle, Node};
use crate::bolt::channel::{HtlcOffer, Removal};
use crate::bolt::features::Feature;
use crate::bolt::invoice::{self, InvoiceError, InvoiceNetwork};
use crate::bolt::onion::attribution::{self, AttributionData};
use crate::bolt::onion::failure::Failure;
use crate::bolt::onion::failure_packet::{Blame, FailurePacket, unwrap_failure};
use crate::bolt::onion::keys::SharedSecret;
use crate::bolt::onion::sphinx::{self, ConstructError, Hop, PAYMENT_LENGTH};
use crate::bolt::units::{CltvExpiry, CltvExpiryDelta, Msat};
use crate::bolt::wire::codec::write_big_size;
use crate::bolt::wire::{Bytes, OnionPacket, PaymentPreimage, PaymentSecret, ShortChannelId};

/// How far ahead the expiry lies at a payee that has not said what it wants. BOLT 11's default.
const KEYSEND_DELTA: CltvExpiryDelta = CltvExpiryDelta(18);

/// One part of a payment before its onion is wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The channel over which it leaves.
    pub channel: ChannelHandle,
    /// What the first hop receives.
    pub amount: Msat,
    /// When that times out.
    pub cltv_expiry: CltvExpiry,
    /// The hash.
    pub payment_hash: sha256::Hash,
    /// The layers, the first hop's first.
    pub hops: Vec<PlannedHop>,
    /// From which the ephemeral keys come; never used twice.
    pub session_key: SecretKey,
}

/// A plan whose onion is wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    /// The channel over which it leaves.
    pub channel: ChannelHandle,
    /// The HTLC.
    pub offer: HtlcOffer,
    /// What reads the answer.
    pub route: SentRoute,
}

/// What the payer remembers of a part that it has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SentRoute {
    /// The nodes, by the keys that they have on this route.
    pub hops: Vec<PublicKey>,
    /// What the payer shares with each.
    pub shared_secrets: Vec<SharedSecret>,
}

impl Plan {
    /// Wraps the onion.
    ///
    /// # Errors
    /// [`ConstructError`] if the payloads do not fit.
    pub(super) fn prepare(&self) -> Result<Prepared, ConstructError> {
        let hops: Vec<Hop> = self.hops.iter().map(framed).collect();
        let (key, hash) = (&self.session_key, self.payment_hash.as_ref());
        let constructed = sphinx::construct_unchecked(key, &hops, hash, PAYMENT_LENGTH)?;
        let onion = OnionPacket::try_from(&constructed.packet)
            .unwrap_or_else(|_| OnionPacket(Box::new([0; OnionPacket::LENGTH])));
        let Self { channel, amount, payment_hash, cltv_expiry, .. } = *self;
        let route = SentRoute {
            hops: self.hops.iter().map(|hop| hop.node_id).collect(),
            shared_secrets: constructed.shared_secrets,
        };
        let (path_key, upstream_expiry) = (None, None);
        let offer =
            HtlcOffer { amount, payment_hash, cltv_expiry, onion, path_key, upstream_expiry };
        Ok(Prepared { channel, offer, route })
    }
}

/// A layer with the length before its payload.
fn framed(hop: &PlannedHop) -> Hop {
    let length = u64::try_from(hop.payload.len()).unwrap_or(u64::MAX);
    let mut payload = Vec::new();
    write_big_size(hop.claimed_length.unwrap_or(length), &mut payload);
    payload.extend_from_slice(&hop.payload);
    Hop { node_id: hop.node_id, payload }
}

/// Why a part of a payment came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setback {
    /// A node said why.
    Failure {
        /// The node, by the key that it has on the route.
        node: PublicKey,
        /// What it said; `None` if that makes no sense.
        failure: Option<Failure>,
        /// How long each node up to it held the HTLC, in units of 100 ms.
        hold_times: Vec<u32>,
    },
    /// What came back cannot be read: one of these two changed it, or made it up.
    Corrupted {
        /// The two nodes; the first is `None` where it is the payer. Neither is known without
        /// attribution data.
        between: Option<(Option<PublicKey>, PublicKey)>,
    },
    /// It came back on chain: nobody took it there.
    OnChain,
}

impl SentRoute {
    /// Reads what came back.
    pub(super) fn read(&self, removal: &Removal) -> Setback {
        let first = self.hops.first().copied();
        match removal {
            // The peer could not read the onion, and there is nobody between to encrypt its answer.
            Removal::Malformed { sha256_of_onion, failure_code } => {
                let failure = malformed(*failure_code, *sha256_of_onion);
                first.map_or(Setback::Corrupted { between: None }, |node| Setback::Failure {
                    node,
                    failure,
                    hold_times: Vec::new(),
                })
            }
            Removal::Failed { reason, attribution_data } => {
                let attribution = attribution_data.clone();
                let packet = FailurePacket { reason: reason.0.clone(), attribution };
                self.blame(unwrap_failure(&self.shared_secrets, packet))
            }
            // A fulfilled HTLC does not come back.
            Removal::Fulfilled { .. } => Setback::Corrupted { between: None },
        }
    }

    fn blame(&self, blame: Blame) -> Setback {
        match blame {
            Blame::Failure { hop, failure, hold_times, .. } => match self.hops.get(hop) {
                Some(node) => Setback::Failure { node: *node, failure: failure.ok(), hold_times },
                None => Setback::Corrupted { between: None },
            },
            Blame::Corrupted { hop, .. } => {
                let node = hop.and_then(|hop| self.hops.get(hop));
                let before = hop.and_then(|hop| hop.checked_sub(1));
                let before = before.and_then(|hop| self.hops.get(hop)).copied();
                Setback::Corrupted { between: node.map(|node| (before, *node)) }
            }
        }
    }

    /// How long each node says that it held an HTLC that was paid, in units of 100 ms; shorter
    /// where the attribution breaks off.
    pub(super) fn hold_times(&self, attribution_data: Option<&AttributionData>) -> Vec<u32> {
        attribution_data.map_or(Vec::new(), |data| {
            attribution::fulfill_hold_times(&self.shared_secrets, data.clone()).hold_times
        })
    }
}

/// The failure that a peer names by its code alone, as it cannot encrypt one.
pub(super) fn malformed(code: u16, sha256_of_onion: sha256::Hash) -> Option<Failure> {
    let message = [&code.to_be_bytes()[..], sha256_of_onion.as_ref()].concat();
    Failure::decode(&message).ok()
}

/// What a payer must know of a payment that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PaymentRequest {
    /// Who asks.
    pub payee: PublicKey,
    /// The hash of the preimage that pays for it.
    pub payment_hash: sha256::Hash,
    /// How much is asked for, if that is fixed.
    pub amount: Option<Msat>,
    /// What proves that the payer was asked.
    pub payment_secret: PaymentSecret,
    /// What is to be sent along.
    pub payment_metadata: Option<Bytes>,
    /// How far ahead the expiry must lie at the payee.
    pub min_final_cltv_expiry_delta: CltvExpiryDelta,
    /// Whether several HTLCs may bring it.
    pub basic_mpp: bool,
}

/// Why an invoice cannot be paid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unpayable {
    /// It is none.
    #[error("{0}")]
    Invoice(InvoiceError),
    /// It is for another chain.
    #[error("pay an invoice of another chain")]
    Network,
    /// It has expired.
    #[error("pay an invoice that has expired")]
    Expired,
    /// The parts do not bring what is asked for.
    #[error("pay {needed} msat with parts of {given} msat")]
    Parts {
        /// What is asked for.
        needed: Msat,
        /// What the parts bring.
        given: Msat,
    },
    /// The payee takes it in one HTLC only.
    #[error("pay in parts: the invoice does not offer basic_mpp")]
    OnePart,
    /// More than twice what is asked for: a slip, not a gift.
    #[error("pay {given} msat, where twice what is asked for is {most} msat")]
    TooMuch {
        /// Twice what is asked for.
        most: Msat,
        /// What the parts bring.
        given: Msat,
    },
    /// There is no path, or its amounts are too large.
    #[error("pay over such a path")]
    NoPath,
    /// The path does not begin with a channel of this node.
    #[error("pay over {0}: not a channel of this node")]
    NoChannel(ShortChannelId),
    /// The onion would be too long.
    #[error("{0}")]
    Onion(ConstructError),
}

impl PaymentRequest {
    /// What a BOLT 11 invoice asks for.
    ///
    /// # Errors
    /// [`Unpayable`] if it is none, of another chain or expired at `time` (seconds since 1970).
    pub(super) fn read(invoice: &str, time: u64) -> Result<Self, Unpayable> {
        let invoice = invoice::decode(invoice).map_err(Unpayable::Invoice)?;
        if invoice.network() != InvoiceNetwork::Regtest {
            return Err(Unpayable::Network);
        }
        if invoice.is_expired(time) {
            return Err(Unpayable::Expired);
        }
        let delta = u16::try_from(invoice.min_final_cltv_expiry_delta()).unwrap_or(u16::MAX);
        Ok(Self {
            payee: invoice.payee(),
            payment_hash: invoice.payment_hash(),
            amount: invoice.amount(),
            payment_secret: invoice.payment_secret(),
            payment_metadata: invoice.metadata().cloned(),
            min_final_cltv_expiry_delta: CltvExpiryDelta(delta),
            basic_mpp: invoice.features().is_some_and(|f| f.supports(Feature::BASIC_MPP)),
        })
    }
}

/// Whom to pay for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payee {
    /// Whoever asks for it in this BOLT 11 invoice.
    Invoice(String),
    /// This node, which has not asked. bLIP 3.
    Keysend,
}

/// A payment to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayRequest {
    /// Whom.
    pub payee: Payee,
    /// The parts: what each brings, and over which path.
    pub parts: Vec<(Msat, Vec<PathHop>)>,
}

/// What all parts of a payment have in common.
struct Aim {
    payment_hash: sha256::Hash,
    /// What the last hop is told.
    last: Final,
    /// How far ahead the expiry lies there.
    delta: CltvExpiryDelta,
}

impl Node {
    /// The plans of a payment's parts, in their order: everything but the wrapping.
    ///
    /// # Errors
    /// [`Unpayable`].
    pub fn plan(&self, request: &PayRequest) -> Result<Vec<Plan>, Unpayable> {
        let add = |sum: Msat, part: &(Msat, Vec<PathHop>)| sum.checked_add(part.0);
        let total = request.parts.iter().try_fold(Msat::ZERO, add).ok_or(Unpayable::NoPath)?;
        let aim = self.aim(&request.payee, total, request.parts.len())?;
        let parts = (self.sessions..).zip(&request.parts);
        parts.map(|(session, (amount, path))| self.lay_out(session, *amount, path, &aim)).collect()
    }

    fn aim(&self, payee: &Payee, total: Msat, parts: usize) -> Result<Aim, Unpayable> {
        match payee {
            Payee::Invoice(invoice) => {
                let asked = PaymentRequest::read(invoice, self.time)?;
                if let Some(needed) = asked.amount.filter(|needed| total < *needed) {
                    return Err(Unpayable::Parts { needed, given: total });
                }
                let most = asked.amount.map(|asked| Msat(asked.0.saturating_mul(2)));
                if let Some(most) = most.filter(|most| total > *most) {
                    return Err(Unpayable::TooMuch { most, given: total });
                }
                if parts > 1 && !asked.basic_mpp {
                    return Err(Unpayable::OnePart);
                }
                let PaymentRequest { payment_hash, payment_secret, payment_metadata, .. } = asked;
                let last = Final::Invoice { payment_secret, total, payment_metadata };
                Ok(Aim { payment_hash, last, delta: asked.min_final_cltv_expiry_delta })
            }
            Payee::Keysend => {
                let preimage = PaymentPreimage(self.seed.bytes("keysend", self.sessions));
                let (payment_hash, last) = (preimage.hash(), Final::Keysend(preimage));
                Ok(Aim { payment_hash, last, delta: KEYSEND_DELTA })
            }
        }
    }

    /// The plan of a payment that brings this amount to the end of this path, where it expires so
    /// many blocks ahead.
    pub(super) fn lay_out_to(
        &self,
        amount: Msat,
        path: &[PathHop],
        payment_hash: sha256::Hash,
        last: Final,
        delta: CltvExpiryDelta,
    ) -> Result<Plan, Unpayable> {
        self.lay_out(self.sessions, amount, path, &Aim { payment_hash, last, delta })
    }

    /// The plan of a part that brings this amount over this path.
    fn lay_out(
        &self,
        session: u64,
        amount: Msat,
        path: &[PathHop],
        aim: &Aim,
    ) -> Result<Plan, Unpayable> {
        let expiry = CltvExpiry(self.height.0).checked_add(aim.delta).ok_or(Unpayable::NoPath)?;
        let hops = route(path, amount, expiry).ok_or(Unpayable::NoPath)?;
        let first = hops.first().ok_or(Unpayable::NoPath)?;
        let known = self.channels().find(|(_, channel)| {
            channel.peer == first.node_id && channel.phase.goes_by(first.channel)
        });
        let (channel, _) = known.ok_or(Unpayable::NoChannel(first.channel))?;
        Ok(Plan {
            channel: *channel,
            amount: first.amount,
            cltv_expiry: first.cltv_expiry,
            payment_hash: aim.payment_hash,
            hops: payloads(&hops, &aim.last),
            session_key: self.seed.key("session", session),
        })
    }
}

//! What the messages of both sides say about a channel: keys, points, delays, scripts. All of it is
//! public to the two; no secret key is needed.

use std::collections::BTreeMap;

use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction};
use secp256k1::PublicKey;

use super::account::NamedHtlc;
use super::ledger::{End, Htlc, Key, Ledger, State};
use super::offer::Offer;
use crate::bolt::keys::{PerCommitmentSecret, derive_public_key, derive_revocation_public_key};
use crate::bolt::tx::{ChannelType, script};
use crate::bolt::units::{CommitmentNumber, CsvDelay, FeeratePerKw, HtlcId, Msat};
use crate::bolt::wire::Message;
use crate::bolt::wire::messages::{AcceptChannel, OpenChannel};
use crate::scenario::{ChannelName, InvoiceName, RoleName};
use crate::trace::{Event, Trace};

/// What one side said of itself.
#[derive(Clone, Debug)]
pub(super) struct EndFacts {
    pub(super) role: RoleName,
    pub(super) funding_pubkey: PublicKey,
    revocation_basepoint: PublicKey,
    payment_basepoint: PublicKey,
    delayed_payment_basepoint: PublicKey,
    htlc_basepoint: PublicKey,
    /// The delay that it asks of the other side.
    to_self_delay: CsvDelay,
    /// Below this amount its commitments have no output.
    pub(super) dust_limit: Amount,
    /// Its per-commitment points; the position is the number of the commitment.
    points: Vec<PublicKey>,
    /// How many of its commitments it has revoked.
    revoked: u64,
    /// The last secret that it revealed.
    last_secret: Option<PerCommitmentSecret>,
    /// The fees that it signed for in `closing_signed`.
    closing_fees: Vec<Amount>,
    /// Where its part of a mutual close goes.
    pub(super) shutdown_script: Option<ScriptBuf>,
}

/// What both sides said of a channel.
pub(super) struct Facts {
    pub(super) name: ChannelName,
    pub(super) capacity: Amount,
    pub(super) channel_type: ChannelType,
    pub(super) opener: EndFacts,
    pub(super) acceptor: EndFacts,
    pub(super) funding: OutPoint,
    /// What `closing_complete` offered, oldest first.
    offers: Vec<Offer>,
    pub(super) ledger: Ledger,
    /// What the scenario calls its invoices.
    invoices: BTreeMap<sha256::Hash, InvoiceName>,
}

/// A channel whose opening has not named its funding output yet.
#[derive(Default)]
struct Draft {
    open: Option<(RoleName, OpenChannel)>,
    accept: Option<(RoleName, AcceptChannel)>,
}

/// The facts of every channel whose funding output is known, in the order of the scenario.
pub(super) fn facts(trace: &Trace) -> Vec<Facts> {
    let mut drafts: BTreeMap<ChannelName, Draft> = BTreeMap::new();
    let mut known: BTreeMap<ChannelName, Facts> = BTreeMap::new();
    let mut order = Vec::new();
    let mut invoices: BTreeMap<sha256::Hash, InvoiceName> = BTreeMap::new();
    for entry in &trace.entries {
        match &entry.event {
            Event::Scenario { channels, .. } => {
                order.extend(channels.iter().map(|channel| channel.name.clone()));
            }
            Event::Message { from, channel: Some(channel), message, .. } => {
                if let Some(facts) = known.get_mut(channel) {
                    facts.note(from, message);
                } else {
                    let draft = drafts.entry(channel.clone()).or_default();
                    if let Some(facts) = draft.note(channel, from, message) {
                        known.insert(channel.clone(), facts);
                    }
                }
            }
            Event::LinkDown { from, to } => {
                for facts in known.values_mut() {
                    facts.disconnect(from, to);
                }
            }
            Event::Invoice { name: Some(name), payment_hash, .. } => {
                invoices.insert(*payment_hash, name.clone());
            }
            Event::Message { channel: None, .. }
            | Event::Step { .. }
            | Event::Lost { .. }
            | Event::Garbage { .. }
            | Event::Broken { .. }
            | Event::LinkUp { .. }
            | Event::Held { .. }
            | Event::Peer { .. }
            | Event::Channel { .. }
            | Event::Invoice { name: None, .. }
            | Event::Offer { .. }
            | Event::Gossip { .. }
            | Event::NetworkOpens { .. }
            | Event::NetworkOpen { .. }
            | Event::WayFound { .. }
            | Event::NoWayFound { .. }
            | Event::Flare { .. }
            | Event::OnionMessage { .. }
            | Event::Payment { .. }
            | Event::Tampered { .. }
            | Event::Published { .. }
            | Event::Mined { .. }
            | Event::Disconnected { .. }
            | Event::Mempool { .. }
            | Event::Offline { .. }
            | Event::Online { .. }
            | Event::Fees { .. }
            | Event::BlocksWithheld { .. }
            | Event::BlocksReleased { .. }
            | Event::Partitioned { .. }
            // Its books are of the main chain.
            | Event::Apart { .. }
            | Event::Healed { .. }
            | Event::Remembered { .. }
            | Event::Checked { .. }
            | Event::Audited { .. } => {}
        }
    }
    let mut facts: Vec<Facts> = order.iter().filter_map(|name| known.remove(name)).collect();
    for facts in &mut facts {
        facts.invoices.clone_from(&invoices);
    }
    facts
}

impl Draft {
    /// Takes note of a message of the opening; the facts are there once the funding output is.
    fn note(&mut self, name: &ChannelName, from: &RoleName, message: &Message) -> Option<Facts> {
        if let Message::OpenChannel(open) = message {
            self.open = Some((from.clone(), open.clone()));
        }
        if let Message::AcceptChannel(accept) = message {
            self.accept = Some((from.clone(), accept.clone()));
        }
        let Message::FundingCreated(created) = message else { return None };
        let (opener, open) = self.open.take()?;
        let (acceptor, accept) = self.accept.take()?;
        let vout = u32::from(created.funding_output_index);
        let pushed = open.push_msat;
        Some(Facts {
            name: name.clone(),
            capacity: open.funding_satoshis,
            channel_type: open.channel_type.as_ref()?.known()?.0,
            funding: OutPoint { txid: created.funding_txid, vout },
            offers: Vec::new(),
            invoices: BTreeMap::new(),
            ledger: Ledger::begin(
                open.feerate_per_kw,
                Msat::from_amount(open.funding_satoshis)?.checked_sub(pushed)?,
                pushed,
            ),
            opener: EndFacts {
                role: opener,
                funding_pubkey: open.funding_pubkey,
                revocation_basepoint: open.revocation_basepoint,
                payment_basepoint: open.payment_basepoint,
                delayed_payment_basepoint: open.delayed_payment_basepoint,
                htlc_basepoint: open.htlc_basepoint,
                to_self_delay: open.to_self_delay,
                dust_limit: open.dust_limit_satoshis,
                points: vec![open.first_per_commitment_point],
                revoked: 0,
                last_secret: None,
                closing_fees: Vec::new(),
                shutdown_script: None,
            },
            acceptor: EndFacts {
                role: acceptor,
                funding_pubkey: accept.funding_pubkey,
                revocation_basepoint: accept.revocation_basepoint,
                payment_basepoint: accept.payment_basepoint,
                delayed_payment_basepoint: accept.delayed_payment_basepoint,
                htlc_basepoint: accept.htlc_basepoint,
                to_self_delay: accept.to_self_delay,
                dust_limit: accept.dust_limit_satoshis,
                points: vec![accept.first_per_commitment_point],
                revoked: 0,
                last_secret: None,
                closing_fees: Vec::new(),
                shutdown_script: None,
            },
        })
    }
}

/// The scripts that a commitment of one side pays to.
pub(super) struct CommitmentScripts {
    /// Second stages pay to it, too.
    pub(super) to_local: ScriptBuf,
    pub(super) to_remote: ScriptBuf,
    /// The HTLCs that have an output; those that are alike in the order of their outputs.
    pub(super) htlcs: Vec<HtlcOutput>,
    /// The key by which the other side takes what is revoked.
    pub(super) revocation: PublicKey,
}

/// An output that an HTLC must have.
pub(super) struct HtlcOutput {
    pub(super) name: NamedHtlc,
    pub(super) amount: Amount,
    pub(super) script: ScriptBuf,
}

impl Facts {
    /// The connection of these two is lost.
    fn disconnect(&mut self, one: &RoleName, other: &RoleName) {
        if self.end_of(one).is_some() && self.end_of(other).is_some() {
            self.ledger.disconnect();
        }
    }

    fn note(&mut self, from: &RoleName, message: &Message) {
        let Some(end) = self.end_of(from) else { return };
        // After a hang-up a side reveals again what the other may have lost.
        if let Message::RevokeAndAck(revoke) = message
            && self.end(end).last_secret == Some(revoke.per_commitment_secret)
        {
            return;
        }
        self.ledger.book(end, message);
        let facts = match end {
            End::Opener => &mut self.opener,
            End::Acceptor => &mut self.acceptor,
        };
        match message {
            // A second `channel_ready` repeats the point.
            Message::ChannelReady(ready) if facts.points.len() == 1 => {
                facts.points.push(ready.second_per_commitment_point);
            }
            Message::RevokeAndAck(revoke) => {
                facts.points.push(revoke.next_per_commitment_point);
                facts.revoked += 1;
                facts.last_secret = Some(revoke.per_commitment_secret);
            }
            Message::Shutdown(shutdown) => {
                facts.shutdown_script = Some(shutdown.scriptpubkey.clone());
            }
            Message::ClosingSigned(closing) => facts.closing_fees.push(closing.fee_satoshis),
            Message::ClosingComplete(complete) => self.offers.push(Offer::new(end, complete)),
            Message::ClosingSig(sig) => {
                let answered = self.offers.iter_mut().rev().find(|o| o.is_answer(end, sig));
                if let Some(offer) = answered {
                    offer.is_answered = true;
                }
            }
            // The others change nothing that the audit accounts for.
            _ => {}
        }
    }

    pub(super) fn end(&self, end: End) -> &EndFacts {
        match end {
            End::Opener => &self.opener,
            End::Acceptor => &self.acceptor,
        }
    }

    pub(super) fn end_of(&self, role: &RoleName) -> Option<End> {
        End::BOTH.into_iter().find(|end| self.end(*end).role == *role)
    }

    /// Whether both sides have sent `channel_ready`.
    pub(super) fn is_ready(&self) -> bool {
        End::BOTH.into_iter().all(|end| self.end(end).points.len() > 1)
    }

    /// The number of a commitment of this channel, from the 48 bits in its locktime and sequence;
    /// `None` if they are not marked as a commitment's. BOLT 3, "Commitment Transaction".
    pub(super) fn commitment_number(&self, transaction: &Transaction) -> Option<CommitmentNumber> {
        let [input] = transaction.input.as_slice() else { return None };
        let lock_time = transaction.lock_time.to_consensus_u32();
        let sequence = input.sequence.to_consensus_u32();
        if (lock_time >> 24, sequence >> 24) != (0x20, 0x80) {
            return None;
        }
        let mut engine = sha256::Hash::engine();
        engine.input(&self.opener.payment_basepoint.serialize());
        engine.input(&self.acceptor.payment_basepoint.serialize());
        let hash = sha256::Hash::from_engine(engine).to_byte_array();
        let mut low = [0; 8];
        low[2..].copy_from_slice(&hash[26..]);
        let shown = u64::from(sequence & 0x00ff_ffff) << 24 | u64::from(lock_time & 0x00ff_ffff);
        Some(CommitmentNumber(shown ^ u64::from_be_bytes(low)))
    }

    /// What this side's commitment of this number holds; `None` if nobody signed it.
    pub(super) fn state(&self, owner: End, number: CommitmentNumber) -> Option<State> {
        self.ledger.state(owner, usize::try_from(number.0).ok()?)
    }

    /// An HTLC by all of its names.
    pub(super) fn named(&self, key: Key, htlc: &Htlc) -> NamedHtlc {
        let (offerer, HtlcId(id)) = key;
        let invoice = self.invoices.get(&htlc.payment_hash).cloned();
        NamedHtlc { offerer: self.end(offerer).role.clone(), id, invoice }
    }

    /// The key of an HTLC with this name.
    pub(super) fn key(&self, htlc: &NamedHtlc) -> Option<Key> {
        Some((self.end_of(&htlc.offerer)?, HtlcId(htlc.id)))
    }

    /// The scripts of this side's commitment of this number; `None` if its point was never told, or
    /// nobody signed it.
    pub(super) fn scripts(
        &self,
        owner: End,
        number: CommitmentNumber,
    ) -> Option<CommitmentScripts> {
        let (holder, other) = (self.end(owner), self.end(owner.other()));
        let point = holder.points.get(usize::try_from(number.0).ok()?)?;
        let state = self.state(owner, number)?;
        let revocation = derive_revocation_public_key(&other.revocation_basepoint, point).ok()?;
        let delayed = derive_public_key(&holder.delayed_payment_basepoint, point).ok()?;
        let local = derive_public_key(&holder.htlc_basepoint, point).ok()?;
        let remote = derive_public_key(&other.htlc_basepoint, point).ok()?;
        let script = |offerer: End, htlc: &Htlc| {
            let (kind, hash) = (self.channel_type, &htlc.payment_hash);
            let script = if offerer == owner {
                script::offered_htlc(kind, &revocation, &remote, &local, hash)
            } else {
                let expiry = htlc.cltv_expiry;
                script::received_htlc(kind, &revocation, &remote, &local, hash, expiry)
            };
            script.to_p2wsh()
        };
        let mut htlcs: Vec<(Key, &Htlc)> = state
            .htlcs
            .iter()
            .map(|(key, htlc)| (*key, htlc))
            .filter(|((by, _), htlc)| !self.is_trimmed(owner, *by, htlc.amount, state.feerate))
            .collect();
        // Offered HTLCs of one hash and amount have one script, whatever their expiries: their
        // outputs are in the order of these. BOLT 3, "Transaction Output Ordering".
        htlcs.sort_by_key(|(key, htlc)| (htlc.cltv_expiry, *key));
        let htlcs = htlcs.into_iter().map(|(key, htlc)| HtlcOutput {
            name: self.named(key, htlc),
            amount: htlc.amount.to_sat_floor(),
            script: script(key.0, htlc),
        });
        Some(CommitmentScripts {
            to_local: script::to_local(&revocation, other.to_self_delay, &delayed).to_p2wsh(),
            to_remote: script::to_remote_output(self.channel_type, &other.payment_basepoint),
            htlcs: htlcs.collect(),
            revocation,
        })
    }

    /// The anchor of this side.
    pub(super) fn anchor(&self, end: End) -> ScriptBuf {
        script::anchor(&self.end(end).funding_pubkey).to_p2wsh()
    }

    /// Whether this side has revoked its commitment of this number.
    pub(super) fn is_revoked(&self, owner: End, number: CommitmentNumber) -> bool {
        number.0 < self.end(owner).revoked
    }

    /// What the opener pays at this fee rate for a commitment with so many HTLC outputs: the fee of
    /// its expected weight, and both anchors. BOLT 3, "Fee Calculation".
    pub(super) fn commitment_cost(&self, feerate: FeeratePerKw, htlcs: usize) -> Amount {
        let (base, anchors) = match self.channel_type {
            ChannelType::StaticRemotekey => (724, 0),
            ChannelType::Anchors => (1124, 2 * 330),
        };
        let weight = base + 172 * u64::try_from(htlcs).unwrap_or(u64::MAX / 172 / 2);
        Amount::from_sat(u64::from(feerate.0) * weight / 1000 + anchors)
    }

    /// The fee of the second stage of an HTLC in the commitment of `owner`, which goes off its
    /// amount. BOLT 3, "Fee Calculation".
    pub(super) fn second_stage_fee(
        &self,
        owner: End,
        offerer: End,
        feerate: FeeratePerKw,
    ) -> Amount {
        let weight = match self.channel_type {
            ChannelType::StaticRemotekey if offerer == owner => 663,
            ChannelType::StaticRemotekey => 703,
            ChannelType::Anchors => 0,
        };
        Amount::from_sat(u64::from(feerate.0) * weight / 1000)
    }

    /// Whether an HTLC is too small for an output in the commitment of `owner`: what is left of it
    /// behind its second stage would be dust. BOLT 3, "Trimmed Outputs".
    pub(super) fn is_trimmed(
        &self,
        owner: End,
        offerer: End,
        amount: Msat,
        feerate: FeeratePerKw,
    ) -> bool {
        let fee = self.second_stage_fee(owner, offerer, feerate);
        amount.to_sat_floor() < self.end(owner).dust_limit + fee
    }

    /// The fee of a mutual close: the one that both sides signed for.
    pub(super) fn closing_fee(&self) -> Option<Amount> {
        let both = |fee: &&Amount| self.acceptor.closing_fees.contains(fee);
        self.opener.closing_fees.iter().rev().find(both).copied()
    }

    /// The offer that a closing transaction came from, if one does: of those with its outputs the
    /// one whose amounts it has, or else the last one.
    pub(super) fn offer_of(&self, transaction: &Transaction) -> Option<usize> {
        let state = self.ledger.newest(End::Opener);
        let alike = |(_, offer): &(usize, &Offer)| offer.has_form_of(transaction);
        let alike: Vec<(usize, &Offer)> = self.offers.iter().enumerate().filter(alike).collect();
        let satisfies = |offer: &Offer| {
            End::BOTH.into_iter().all(|end| offer.satisfies(end, &state, transaction))
        };
        let exact = alike.iter().rev().find(|(_, offer)| satisfies(offer));
        exact.or(alike.last()).map(|(index, _)| *index)
    }

    /// An offer by its index.
    pub(super) fn offer(&self, index: usize) -> Option<&Offer> {
        self.offers.get(index)
    }

    /// The script of the funding output.
    pub(super) fn funding_script(&self) -> ScriptBuf {
        script::funding(&self.opener.funding_pubkey, &self.acceptor.funding_pubkey).to_p2wsh()
    }

    /// What a side had for certain when the channel closed: the least of what the newest
    /// commitments of both sides give it.
    pub(super) fn committed(&self, end: End) -> Msat {
        let newest = End::BOTH.into_iter().map(|owner| self.ledger.newest(owner));
        newest.map(|state| state.of(end)).min().unwrap_or(Msat::ZERO)
    }
}

//! What messages, transactions and events are called, in the transcript and in reports.

use std::collections::BTreeMap;

use bitcoin::{Amount, ScriptBuf, Transaction, Txid};
use secp256k1::PublicKey;

use super::{CastEntry, Event};
use crate::bolt::channel::{ChannelEvent, FundingSpend, Purpose};
use crate::bolt::onion::Failure;
use crate::bolt::routing::flare::name_of;
use crate::bolt::units::{BlockHeight, Msat};
use crate::bolt::wire::{Message, ShortChannelId};
use crate::node::PeerEvent;
use crate::scenario::{ChannelName, Links, RoleName, grouped};

/// The names of the transactions that a trace told of so far. A name is what its publisher says
/// that it is; the audit is the one who judges.
#[derive(Debug, Default)]
pub(crate) struct Names {
    wallets: Vec<(ScriptBuf, RoleName)>,
    /// The channel whose funding output a transaction holds or descends from.
    channels: BTreeMap<Txid, ChannelName>,
    words: BTreeMap<Txid, String>,
    /// The two ends of each channel.
    ends: BTreeMap<ChannelName, [RoleName; 2]>,
    /// The roles by their node ids.
    nodes: BTreeMap<PublicKey, RoleName>,
    /// The funding outputs that a message named, and then the channels by where those are in the
    /// chain.
    funding: BTreeMap<Txid, (u32, ChannelName)>,
    places: BTreeMap<ShortChannelId, ChannelName>,
    aliases: BTreeMap<ShortChannelId, ChannelName>,
    /// Whether messages must say which channel they are about.
    several: bool,
}

impl Names {
    /// Takes note of an event, before it is put in words.
    pub(crate) fn learn(&mut self, event: &Event) {
        match event.plain() {
            Event::Scenario { cast, channels, .. } => {
                self.several = channels.len() > 1;
                let ends =
                    channels.iter().map(|of| (of.name.clone(), [of.from.clone(), of.to.clone()]));
                self.ends = ends.collect();
                let wallet = |entry: &CastEntry| (entry.wallet.clone(), entry.name.clone());
                self.wallets = cast.iter().map(wallet).collect();
                self.nodes = cast.iter().map(|c| (c.node_id, c.name.clone())).collect();
            }
            Event::Message { message: Message::FundingCreated(created), channel, .. } => {
                let known = channel.iter().map(|name| (created.funding_txid, name.clone()));
                self.channels.extend(known);
                let output = u32::from(created.funding_output_index);
                let known =
                    channel.iter().map(|name| (created.funding_txid, (output, name.clone())));
                self.funding.extend(known);
            }
            Event::Message { message: Message::ChannelReady(ready), channel, .. } => {
                let known = ready.short_channel_id.zip(channel.clone());
                self.aliases.extend(known);
            }
            Event::Published { by, purpose, txid, transaction, .. } => {
                let words = self.published(by, *purpose, &transaction.0);
                self.words.entry(*txid).or_insert(words);
            }
            Event::Mined { from, transactions, .. } => {
                let has_coinbase = transactions.first().is_some_and(|tx| tx.0.is_coinbase());
                for (index, transaction) in (u32::from(!has_coinbase)..).zip(transactions) {
                    self.descend(&transaction.0);
                    self.place(*from, index, &transaction.0);
                }
            }
            Event::Step { .. }
            | Event::Message { .. }
            | Event::Lost { .. }
            | Event::Garbage { .. }
            | Event::Broken { .. }
            | Event::LinkUp { .. }
            | Event::Held { .. }
            | Event::LinkDown { .. }
            | Event::Peer { .. }
            | Event::Channel { .. }
            | Event::Invoice { .. }
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
            | Event::Disconnected { .. }
            | Event::Mempool { .. }
            | Event::Offline { .. }
            | Event::Online { .. }
            | Event::Fees { .. }
            | Event::BlocksWithheld { .. }
            | Event::BlocksReleased { .. }
            | Event::Partitioned { .. }
            | Event::Healed { .. }
            | Event::Apart { .. }
            | Event::Remembered { .. }
            | Event::Checked { .. }
            | Event::Audited { .. } => {}
        }
    }

    /// Takes note of where a channel is funded.
    fn place(&mut self, block: BlockHeight, index: u32, transaction: &Transaction) {
        let Some((output, channel)) = self.funding.get(&transaction.compute_txid()) else { return };
        let output = u16::try_from(*output).unwrap_or(u16::MAX);
        if let Some(id) = ShortChannelId::new(block.0, index, output) {
            self.places.insert(id, channel.clone());
        }
    }

    /// The channel that is funded there, or has this alias.
    pub(super) fn channel_at(&self, id: ShortChannelId) -> String {
        match (self.places.get(&id), self.aliases.get(&id)) {
            (Some(channel), _) => channel.to_string(),
            (None, Some(channel)) => format!("{channel}, by its alias"),
            (None, None) => id.to_string(),
        }
    }

    /// The ends of the channel that is funded there, `node_id_1` before `node_id_2`.
    pub(super) fn ends_of(&self, id: ShortChannelId) -> Option<[RoleName; 2]> {
        let mut ends = self.ends.get(self.places.get(&id)?)?.clone();
        ends.sort_by_key(|role| self.nodes.iter().find(|(_, of)| *of == role).map(|(id, _)| id));
        Some(ends)
    }

    /// The role that plays a node; the key itself where it is nobody's, as on a blinded path.
    pub(super) fn node(&self, id: &PublicKey) -> String {
        let blinded = || format!("{}…", id.to_string().chars().take(8).collect::<String>());
        self.nodes.get(id).map_or_else(blinded, ToString::to_string)
    }

    /// The channel that a transaction belongs to.
    fn descend(&mut self, transaction: &Transaction) -> Option<ChannelName> {
        let txid = transaction.compute_txid();
        let parents = transaction.input.iter().map(|input| input.previous_output.txid);
        let channel = [txid].into_iter().chain(parents).find_map(|id| self.channels.get(&id))?;
        let channel = channel.clone();
        self.channels.insert(txid, channel.clone());
        Some(channel)
    }

    fn published(
        &mut self,
        by: &RoleName,
        purpose: Option<Purpose>,
        transaction: &Transaction,
    ) -> String {
        let channel = self.descend(transaction);
        let of =
            |word: &str| channel.as_ref().map_or(String::new(), |name| format!(" {word} {name}"));
        match purpose {
            Some(Purpose::Funding) => format!("the funding{}", of("of")),
            Some(Purpose::Commitment(number)) => {
                format!("{by}'s commitment {number}{}", of("of"))
            }
            Some(Purpose::Closing) => format!("the mutual close{}", of("of")),
            Some(Purpose::DelayedSweep) => format!("{by}'s delayed sweep{}", of("of")),
            Some(Purpose::RemoteSweep) => format!("{by}'s sweep{}", of("of")),
            Some(Purpose::HtlcSuccess) => format!("{by}'s HTLC-success{}", of("of")),
            Some(Purpose::HtlcTimeout) => format!("{by}'s HTLC-timeout{}", of("of")),
            Some(Purpose::AnchorBump) => format!("{by}'s child of the commitment{}", of("of")),
            Some(Purpose::Penalty) => format!("{by}'s penalty{}", of("on")),
            Some(Purpose::DoubleSpend) => format!("{by}'s double-spend{}", of("of")),
            None => format!("{by}'s claim{}", of("on")),
        }
    }

    /// What its publisher calls a transaction.
    pub(crate) fn said_by(&self, by: &RoleName, transaction: &Transaction) -> String {
        let name = self.of(transaction);
        match name.strip_prefix(&format!("{by}'s ")) {
            Some(rest) => format!("its {rest}"),
            None => name,
        }
    }

    /// Who talks to whom, and over which channel if there are several.
    pub(crate) fn way(
        &self,
        from: &RoleName,
        arrow: &str,
        to: &RoleName,
        channel: Option<&ChannelName>,
    ) -> String {
        match channel.filter(|_| self.several) {
            Some(channel) => format!("{from} {arrow} {to} ({channel})"),
            None => format!("{from} {arrow} {to}"),
        }
    }

    /// What the transactions of a mempool are called.
    pub(crate) fn waiting(&self, transactions: &[Txid]) -> String {
        let unknown = || "a payment".to_owned();
        let names = transactions.iter().map(|txid| self.words.get(txid).cloned());
        let names: Vec<String> = names.map(|name| name.unwrap_or_else(unknown)).collect();
        if names.is_empty() { "empty".to_owned() } else { names.join(", ") }
    }

    /// What a transaction is called.
    pub(crate) fn of(&self, transaction: &Transaction) -> String {
        if let Some(words) = self.words.get(&transaction.compute_txid()) {
            return words.clone();
        }
        let paid: Vec<&str> = transaction
            .output
            .iter()
            .filter_map(|output| {
                let wallet =
                    self.wallets.iter().find(|(script, _)| *script == output.script_pubkey);
                wallet.map(|(_, role)| role.as_str())
            })
            .collect();
        if paid.is_empty() {
            "a transaction that nobody told of".to_owned()
        } else {
            format!("a payment to {}", paid.join(", "))
        }
    }
}

/// What a message says besides its name, if a person wants to know.
pub(crate) fn details(message: &Message) -> Option<String> {
    match message {
        Message::Warning(warning) => Some(format!("\"{}\"", warning.data)),
        Message::Error(error) => Some(format!("\"{}\"", error.data)),
        Message::OpenChannel(open) => {
            let funding = grouped(Msat::from_amount(open.funding_satoshis).unwrap_or_default());
            Some(match open.push_msat {
                Msat::ZERO => funding,
                push => format!("{funding}, {} of them pushed", grouped(push)),
            })
        }
        Message::ClosingSigned(closing) => {
            let fee = Msat::from_amount(closing.fee_satoshis).unwrap_or_default();
            Some(format!("a fee of {}", grouped(fee)))
        }
        Message::UpdateAddHtlc(add) => {
            let (id, amount, expiry) = (add.id, grouped(add.amount_msat), add.cltv_expiry);
            Some(format!("HTLC {id}, {amount}, to expire at {expiry}"))
        }
        Message::UpdateFulfillHtlc(fulfill) => Some(format!("HTLC {}", fulfill.id)),
        Message::UpdateFailHtlc(fail) => Some(format!("HTLC {}", fail.id)),
        Message::UpdateFailMalformedHtlc(fail) => {
            Some(format!("HTLC {}, {}", fail.id, failure(fail.failure_code)))
        }
        Message::OnionMessage(message) => {
            Some(format!("{} bytes", message.onion_message_packet.0.len()))
        }
        Message::CommitmentSigned(signed) if !signed.htlc_signature.is_empty() => {
            Some(format!("HTLC signatures: {}", signed.htlc_signature.len()))
        }
        Message::Ping(ping) => Some(format!("for {} bytes", ping.num_pong_bytes)),
        Message::Pong(pong) => Some(format!("{} bytes", pong.ignored.0.len())),
        Message::UpdateFee(update) => Some(format!("{} sat/kw", update.feerate_per_kw)),
        Message::ChannelReestablish(back) => Some(format!(
            "next commitment {}, next revocation {}",
            back.next_commitment_number, back.next_revocation_number
        )),
        Message::ClosingComplete(closing) => Some(format!("a fee of {}", closing.fee_satoshis)),
        Message::TxAbort(abort) => Some(format!("\"{}\"", abort.data)),
        Message::Unknown(unknown) => {
            let name = name_of(unknown.message_type);
            if let Some(name) = name {
                return Some(format!("{name}, {} bytes", unknown.payload.0.len()));
            }
            Some(format!("type {}, {} bytes", unknown.message_type, unknown.payload.0.len()))
        }
        _ => None,
    }
}

/// What BOLT 4 calls this failure.
fn failure(code: u16) -> String {
    let known = Failure::CODES.iter().find(|(known, _)| *known == code);
    known.map_or_else(|| format!("{code:#06x}"), |(_, name)| (*name).to_owned())
}

/// What a block has beside what the trace tells of, or in its place.
pub(crate) fn others(full: bool, alone: bool) -> Option<String> {
    match (full, alone) {
        (true, true) => Some("full of others' payments".to_owned()),
        (true, false) => Some("and others' payments until it is full".to_owned()),
        (false, true) => Some("empty".to_owned()),
        (false, false) => None,
    }
}

/// Who sees what of the chain from now on, and what others pay there.
pub(crate) fn sight(event: &Event) -> String {
    match event {
        Event::Fees { feerate, full: true } => {
            format!("others pay {feerate} sat/kw, and fill every block")
        }
        Event::Fees { feerate, full: false } => {
            format!("others pay {feerate} sat/kw, and the next block makes room for all")
        }
        Event::Offline { role } => format!("{role} is offline"),
        Event::Online { role } => format!("{role} is online"),
        Event::BlocksWithheld { role } => format!("{role} sees no new blocks from here on"),
        Event::BlocksReleased { role } => format!("{role} sees all blocks again"),
        Event::Partitioned { roles } => {
            format!("{} and the others see a chain each from here on", list(roles))
        }
        Event::Healed { roles } => {
            format!("{} and the others see one chain again", list(roles))
        }
        _ => String::new(),
    }
}

fn list(roles: &[RoleName]) -> String {
    let names: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
    names.join(", ")
}

/// Who connects to whom, and over what.
pub(crate) fn connection(from: &RoleName, to: &RoleName, over: Links) -> String {
    match over {
        Links::Memory => format!("{from} connects to {to}"),
        Links::Tcp => format!("{from} connects to {to} over TCP"),
    }
}

/// What a node told of a peer, as the end of a sentence that begins with "alice: bob".
pub(crate) fn told_of_peer(event: &PeerEvent) -> String {
    match event {
        PeerEvent::Violation { requirement, message } => {
            format!("broke the protocol: {message} ({requirement})")
        }
    }
}

/// What a node told of a channel, as the end of a sentence that begins with "alice: ab".
pub(crate) fn told(event: &ChannelEvent) -> String {
    match event {
        ChannelEvent::Ready => "is ready".to_owned(),
        ChannelEvent::FundingConfirmed { height } => format!("is funded in block {height}"),
        ChannelEvent::FundingUnconfirmed => "lost its funding to a reorg".to_owned(),
        ChannelEvent::FundingDoubleSpent { .. } => {
            "can never be funded: its funding was double-spent".to_owned()
        }
        ChannelEvent::DoubleSpendUndone => "the block with the double-spend is gone".to_owned(),
        ChannelEvent::FundingForgotten => "is given up: its funding never confirmed".to_owned(),
        ChannelEvent::HtlcCommitted { id, amount, .. } => {
            format!("holds HTLC {id} of {}", grouped(*amount))
        }
        ChannelEvent::HtlcFulfilled { id, .. } => format!("HTLC {id} is paid"),
        ChannelEvent::HtlcFailed { id } => format!("HTLC {id} came back unpaid"),
        ChannelEvent::DustOverexposed { id, exposure, limit } => format!(
            "HTLC {id} would put {exposure} msat at risk in HTLCs without outputs, {limit} msat may be"
        ),
        ChannelEvent::FundingSpent(spend) => match spend {
            FundingSpend::MutualClose => "is closed by the mutual close".to_owned(),
            FundingSpend::Local(number) => format!("is closed by its own commitment {number}"),
            FundingSpend::Remote(number) => {
                format!("is closed by the peer's commitment {number}")
            }
            FundingSpend::Revoked(number) => {
                format!("is closed by the peer's revoked commitment {number}: a breach")
            }
            FundingSpend::Unknown => "is closed by something never signed".to_owned(),
        },
        ChannelEvent::CloseUndone => {
            "is not closed in the chain any more, after a reorg".to_owned()
        }
        ChannelEvent::NotEconomical(output) => {
            format!("output {} is not worth its fee", output.vout)
        }
        ChannelEvent::NoCoin { purpose, needed } => {
            let needed = grouped(Msat::from_amount(*needed).unwrap_or_default());
            let what = match purpose {
                Purpose::AnchorBump => "a child of its commitment",
                _ => "a claim",
            };
            format!("has no coin to pay for {what}, which takes {needed}")
        }
        ChannelEvent::Resolved => "is settled for good".to_owned(),
        ChannelEvent::DataLost => "is lost to it: the peer knows a later state".to_owned(),
        ChannelEvent::Violation { requirement, message } => {
            format!("broke the protocol: {message} ({requirement})")
        }
    }
}

/// The amounts of a transaction's outputs, in their order; many that are alike are counted.
pub(crate) fn amounts(transaction: &Transaction) -> String {
    let alike = transaction.output.chunk_by(|one, next| one.value == next.value);
    let amounts = alike.flat_map(|outputs| {
        let value = outputs.first().map_or(Amount::ZERO, |output| output.value);
        let amount = grouped(Msat::from_amount(value).unwrap_or_default());
        let amount = amount.trim_end_matches(" sat").to_owned();
        match outputs.len() {
            few @ 0..=3 => vec![amount; few],
            many => vec![format!("{many} × {amount}")],
        }
    });
    format!("{} sat", amounts.collect::<Vec<_>>().join(" + "))
}

/// A run of blocks.
pub(crate) fn blocks(from: BlockHeight, to: BlockHeight) -> String {
    if from == to { format!("block {from}") } else { format!("blocks {from}-{to}") }
}

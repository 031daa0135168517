//! A small trace for the tests of what is made from traces.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, BlockHash, OutPoint, ScriptBuf, Transaction, TxIn, TxOut, Txid};
use secp256k1::{PublicKey, SecretKey, ecdsa::Signature};

use super::{Answer, CastEntry, ChannelEntry, Entry, Event, Problem, RawTransaction, Trace};
use crate::bolt::channel::{ChannelEvent, FundingSpend, Purpose};
use crate::bolt::units::{BlockHeight, CltvExpiry, CommitmentNumber, FeeratePerKw, HtlcId, Msat};
use crate::bolt::wire::messages::{FundingCreated, UpdateAddHtlc, UpdateFulfillHtlc};
use crate::bolt::wire::{ChannelId, Message, OnionPacket, PaymentPreimage};
use crate::scenario::{RoleKind, RoleName};

fn role(name: &str) -> RoleName {
    name.parse().unwrap()
}

fn cast(name: &str, kind: RoleKind, number: u8) -> CastEntry {
    let node_id = PublicKey::from_secret_key_global(&SecretKey::from_slice(&[number; 32]).unwrap());
    let wallet = ScriptBuf::from_bytes(vec![number]);
    CastEntry { name: role(name), kind, node_id, wallet }
}

fn transaction(spends: Txid, script: u8, amounts: &[u64]) -> Transaction {
    let previous_output = OutPoint { txid: spends, vout: 0 };
    let output = amounts.iter().map(|sat| TxOut {
        value: Amount::from_sat(*sat),
        script_pubkey: ScriptBuf::from_bytes(vec![script]),
    });
    Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![TxIn { previous_output, ..TxIn::default() }],
        output: output.collect(),
    }
}

fn message(from: &str, to: &str, message: impl Into<Message>) -> Event {
    let channel = Some("ab".parse().unwrap());
    Event::Message { from: role(from), to: role(to), channel, message: message.into() }
}

fn published(by: &str, purpose: Purpose, transaction: &Transaction, answer: Answer) -> Event {
    Event::Published {
        by: role(by),
        purpose: Some(purpose),
        txid: transaction.compute_txid(),
        transaction: RawTransaction(transaction.clone()),
        answer,
    }
}

fn mined(from: u32, to: u32, transactions: &[&Transaction]) -> Event {
    let transactions = transactions.iter().map(|&tx| RawTransaction(tx.clone())).collect();
    let tip = BlockHash::all_zeros();
    Event::Mined { from: BlockHeight(from), to: BlockHeight(to), tip, transactions, full: false }
}

fn full(block: u32, transactions: &[&Transaction]) -> Event {
    let mut event = mined(block, block, transactions);
    if let Event::Mined { full, .. } = &mut event {
        *full = true;
    }
    event
}

fn apart_from_all(event: Event) -> Event {
    Event::Apart { what: Box::new(event) }
}

fn told(by: &str, told: ChannelEvent) -> Event {
    Event::Channel { role: role(by), channel: "ab".parse().unwrap(), told }
}

fn step(text: &str, say: Option<&str>) -> Event {
    Event::Step { line: 1, text: text.to_owned(), say: say.map(str::to_owned) }
}

fn setting() -> Event {
    Event::Scenario {
        title: "A cheat is caught".to_owned(),
        cast: vec![cast("alice", RoleKind::Cheat, 1), cast("bob", RoleKind::Honest, 2)],
        channels: vec![ChannelEntry {
            name: "ab".parse().unwrap(),
            from: role("alice"),
            to: role("bob"),
        }],
        height: BlockHeight(110),
    }
}

/// An HTLC of 400,000 sat.
fn an_htlc(channel_id: ChannelId) -> UpdateAddHtlc {
    UpdateAddHtlc {
        channel_id,
        id: HtlcId(0),
        amount_msat: Msat(400_000_000),
        payment_hash: sha256::Hash::all_zeros(),
        cltv_expiry: CltvExpiry(500),
        onion_routing_packet: OnionPacket(Box::new([0; OnionPacket::LENGTH])),
        blinded_path: None,
        unknown: Vec::new(),
    }
}

/// A partition: both sides mine.
pub(crate) fn apart() -> Trace {
    let coin = transaction(Txid::all_zeros(), 1, &[100_000_000]);
    let events = vec![
        setting(),
        mined(111, 111, &[&coin]),
        Event::Partitioned { roles: vec![role("bob")] },
        mined(112, 112, &[]),
        apart_from_all(mined(112, 113, &[])),
        Event::Offline { role: role("alice") },
    ];
    let entries = events.into_iter().map(|event| Entry { step: Some(1), event });
    Trace { entries: entries.collect() }
}

fn a_problem() -> Problem {
    let message = "expected: 1 sat\nfound: 2 sat".to_owned();
    Problem { line: Some(22), column: Some(3), message }
}

/// A penalty that only one side has.
fn two_chains(penalty: &Transaction) -> Vec<Event> {
    let roles = vec![role("alice"), role("bob")];
    let lost = Event::Disconnected { from: BlockHeight(150), to: BlockHeight(149) };
    vec![
        Event::Partitioned { roles: roles.clone() },
        apart_from_all(published("bob", Purpose::Penalty, penalty, Answer::Accepted)),
        apart_from_all(mined(117, 117, &[penalty])),
        Event::Healed { roles },
        apart_from_all(lost),
    ]
}

/// A breach, from its beginning to an outcome that does not fit.
pub(crate) fn sample() -> Trace {
    let signature = Signature::from_compact(&[1; 64]).unwrap();
    let channel_id = ChannelId([0; 32]);
    let coin = transaction(Txid::all_zeros(), 1, &[100_000_000]);
    let funding = transaction(coin.compute_txid(), 9, &[1_000_000, 98_999_000]);
    let old = transaction(funding.compute_txid(), 8, &[330, 998_000]);
    let penalty = transaction(old.compute_txid(), 2, &[997_500]);
    let created = FundingCreated {
        temporary_channel_id: channel_id,
        funding_txid: funding.compute_txid(),
        funding_output_index: 0,
        signature,
        unknown: Vec::new(),
    };
    let preimage = PaymentPreimage([3; 32]);
    let add = an_htlc(channel_id);
    let fulfill = UpdateFulfillHtlc {
        channel_id,
        id: HtlcId(0),
        payment_preimage: preimage,
        attribution_data: None,
        unknown: Vec::new(),
    };
    let refused = Answer::Refused { reason: "non-BIP68-final".to_owned() };
    let expected = "expect a transaction by bob within 3 blocks".to_owned();
    let say = "The chain cannot tell that the old state is stale. Bob can, and he takes all that \
               there is to take, as the secret that Alice gave him allows.";
    let zero = CommitmentNumber(0);
    let (before, after) = (BlockHeight(150), BlockHeight(149));
    let mut events = vec![
        (None, setting()),
        (None, mined(111, 111, &[&coin])),
        (Some(1), step("open ab", None)),
        (Some(1), message("alice", "bob", created)),
        (Some(1), published("alice", Purpose::Funding, &funding, Answer::Accepted)),
        (Some(1), mined(112, 112, &[&funding])),
        (Some(1), told("bob", ChannelEvent::FundingConfirmed { height: BlockHeight(112) })),
        (Some(1), mined(113, 114, &[])),
        (Some(1), told("bob", ChannelEvent::Ready)),
        (Some(2), step("alice pays bob 400,000 sat over ab", None)),
        (Some(2), message("alice", "bob", add.clone())),
        (Some(2), message("alice", "bob", fulfill)),
        (Some(2), message("bob", "alice", add)),
        (Some(2), Event::Lost { from: role("bob"), to: role("alice"), message: "shutdown".into() }),
        (Some(3), step("alice publishes its commitment old", Some(say))),
        (Some(3), published("alice", Purpose::Commitment(zero), &old, Answer::Accepted)),
        (Some(3), mined(115, 115, &[&old])),
        (Some(3), told("bob", ChannelEvent::FundingSpent(FundingSpend::Revoked(zero)))),
        (Some(3), published("bob", Purpose::Penalty, &penalty, refused)),
        (Some(3), Event::Disconnected { from: before, to: after }),
        (Some(3), Event::Offline { role: role("bob") }),
        (Some(3), Event::Fees { feerate: FeeratePerKw(7_500), full: true }),
        (Some(3), full(116, &[])),
        (Some(3), full(117, &[&coin])),
        (Some(3), Event::Fees { feerate: FeeratePerKw(1_000), full: false }),
        (Some(3), Event::BlocksWithheld { role: role("bob") }),
        (Some(3), Event::BlocksReleased { role: role("bob") }),
        (Some(4), step(&expected, None)),
        (Some(4), mined(116, 116, &[&penalty])),
        (Some(4), Event::Checked { expected: expected.clone(), failed: None }),
        (Some(4), Event::Checked { expected, failed: Some("nothing\nat all".to_owned()) }),
        (None, Event::Audited { outputs: 4, problems: vec![a_problem()] }),
    ];
    let apart = two_chains(&penalty).into_iter().map(|event| (Some(3), event));
    let at = events.iter().position(|(step, _)| *step == Some(4)).unwrap_or(events.len());
    events.splice(at..at, apart);
    let events = events.into_iter();
    Trace { entries: events.map(|(step, event)| Entry { step, event }).collect() }
}

//! Two bitcoinds with different views: who is on which side of a partition, and how the sides come
//! together again. Without one, there is the main side alone.
//!
//! ```text
//! partition: fork -> main:  the others  -> trace, audit
//!                    apart: these roles -> trace, wrapped; the audit's books are of the main chain
//! heal:      blocks, then mempools -> main; who was on the chain that lost sees it change
//! ```

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use bitcoin::{Block, Transaction, Txid};

use super::steps::failed;
use super::submitted::Submitted;
use super::{Lab, Stop};
use crate::audit::{self, Account};
use crate::bolt::channel::{ChainEvent, Purpose};
use crate::bolt::units::BlockHeight;
use crate::chain::{Chain, ChainError, Options, Reorg, Submission};
use crate::scenario::{At, Position, RoleName, Via};
use crate::trace::{Answer, Event};

/// One of two bitcoinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The one that there always is, and that the outcome is about.
    Main,
    /// The one of those whom a partition cut off.
    Apart,
}

impl Side {
    /// The side that a step is about.
    pub(super) fn of_step(apart: At<bool>) -> Self {
        if apart.value { Self::Apart } else { Self::Main }
    }
}

/// To whom a transaction is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiver {
    /// A miner of the main side.
    Miner,
    /// The mempool of a side.
    Mempool(Side),
}

/// A bitcoind, and what it was given.
struct View {
    chain: Chain,
    submitted: Submitted,
}

/// The side that is cut off.
struct Apart {
    view: View,
    roles: BTreeSet<RoleName>,
    /// What roles of the other side gave to this one and to no other. They go on doing so.
    smuggled: BTreeSet<(RoleName, Txid)>,
}

/// The bitcoinds of a lab.
pub(super) struct Sides {
    main: View,
    apart: Option<Apart>,
    /// How a bitcoind is started.
    options: Options,
    /// The time spent waiting for bitcoinds that have ended.
    waited: Duration,
}

impl Sides {
    pub(super) fn new(chain: Chain, options: Options) -> Self {
        let main = View { chain, submitted: Submitted::default() };
        Self { main, apart: None, options, waited: Duration::ZERO }
    }

    /// The side of a role.
    pub(super) fn of(&self, role: &RoleName) -> Side {
        match &self.apart {
            Some(apart) if apart.roles.contains(role) => Side::Apart,
            Some(_) | None => Side::Main,
        }
    }

    /// Without a partition, both sides are one.
    fn view(&self, side: Side) -> &View {
        match (side, &self.apart) {
            (Side::Apart, Some(apart)) => &apart.view,
            (Side::Main, _) | (Side::Apart, None) => &self.main,
        }
    }

    fn view_mut(&mut self, side: Side) -> &mut View {
        match (side, &mut self.apart) {
            (Side::Apart, Some(apart)) => &mut apart.view,
            (Side::Main, _) | (Side::Apart, None) => &mut self.main,
        }
    }

    pub(super) fn chain(&self, side: Side) -> &Chain {
        &self.view(side).chain
    }

    pub(super) fn chain_mut(&mut self, side: Side) -> &mut Chain {
        &mut self.view_mut(side).chain
    }

    /// The chain that the outcome is about.
    pub(super) fn main(&self) -> &Chain {
        &self.main.chain
    }

    pub(super) fn main_mut(&mut self) -> &mut Chain {
        &mut self.main.chain
    }

    /// What a side's bitcoind was given.
    pub(super) fn submitted(&mut self, side: Side) -> &mut Submitted {
        &mut self.view_mut(side).submitted
    }

    /// The later of the times of both chains, in seconds since 1970.
    pub(super) fn time(&self) -> u64 {
        self.chain(Side::Main).time().max(self.chain(Side::Apart).time())
    }

    /// Notes that a role of the main side gives transactions to the other side, and to no other.
    pub(super) fn smuggle(&mut self, by: &RoleName, transactions: &[&Transaction]) {
        if let Some(apart) = &mut self.apart {
            let txids = transactions.iter().map(|transaction| transaction.compute_txid());
            apart.smuggled.extend(txids.map(|txid| (by.clone(), txid)));
        }
    }

    /// Whether a role gave one of these, or what they spend, to the side that is cut off.
    pub(super) fn is_smuggled(&self, by: &RoleName, transactions: &[&Transaction]) -> bool {
        let Some(apart) = self.apart.as_ref().filter(|apart| !apart.smuggled.is_empty()) else {
            return false;
        };
        let own = transactions.iter().map(|transaction| transaction.compute_txid());
        let inputs = transactions.iter().flat_map(|transaction| &transaction.input);
        let spent = inputs.map(|input| input.previous_output.txid);
        own.chain(spent).any(|txid| apart.smuggled.contains(&(by.clone(), txid)))
    }

    /// The time spent waiting for bitcoinds.
    pub(super) fn waited(&self) -> Duration {
        let apart = self.apart.as_ref().map(|apart| apart.view.chain.waited());
        self.waited + self.main.chain.waited() + apart.unwrap_or_default()
    }

    /// Ends all bitcoinds. Only the main one's folder is ever kept.
    pub(super) fn stop(self) -> Result<Option<PathBuf>, ChainError> {
        let Self { main, apart, .. } = self;
        let apart = apart.map_or(Ok(None), |apart| apart.view.chain.stop());
        let kept = main.chain.stop()?;
        apart.map(|_| kept)
    }
}

impl Lab<'_> {
    /// Tells what happened on a side.
    pub(super) fn tell_on(&mut self, side: Side, event: Event) {
        match side {
            Side::Main => self.tell(event),
            Side::Apart => self.tell(Event::Apart { what: Box::new(event) }),
        }
    }

    /// The audit's account of what a side has.
    pub(super) fn account_of(&self, side: Side) -> Account {
        match side {
            Side::Main => audit::account(&self.trace),
            Side::Apart => audit::account(&self.trace.as_seen_apart()),
        }
    }

    /// Has a role give what it publishes to somebody else than its own bitcoind.
    pub(super) fn giving<T>(
        &mut self,
        by: &RoleName,
        via: Via,
        act: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.gives = Some((by.clone(), via));
        let done = act(self);
        self.gives = None;
        done
    }

    /// Who gets what a role publishes.
    pub(super) fn receiver_of(&mut self, by: &RoleName, transactions: &[&Transaction]) -> Receiver {
        let via = self.gives.as_ref().filter(|(role, _)| role == by).map(|(_, via)| *via);
        let own = self.sides.of(by);
        match via.unwrap_or(Via::Mempool) {
            Via::Miner => Receiver::Miner,
            Via::Apart => {
                if own == Side::Main {
                    self.sides.smuggle(by, transactions);
                }
                Receiver::Mempool(Side::Apart)
            }
            Via::Mempool if self.sides.is_smuggled(by, transactions) => {
                self.sides.smuggle(by, transactions);
                Receiver::Mempool(Side::Apart)
            }
            Via::Mempool => Receiver::Mempool(own),
        }
    }

    /// Gives these roles a bitcoind of their own, with the same chain and the same mempool.
    pub(super) fn partition(&mut self, roles: &[At<RoleName>], at: Position) -> Result<(), Stop> {
        if !self.sides.main().is_calm() {
            let message = "the last fee spike ends with a block, and none was mined yet";
            return Err(failed(Some(at), message.to_owned()));
        }
        if self.coinbase.is_some() {
            let message = "the coinbase that is to fund a channel was not mined yet";
            return Err(failed(Some(at), message.to_owned()));
        }
        let options = Options { keep: false, ..self.sides.options.clone() };
        let chain = self.sides.main.chain.fork(&options)?;
        let view = View { chain, submitted: self.sides.main.submitted.clone() };
        let roles: BTreeSet<RoleName> = roles.iter().map(|role| role.value.clone()).collect();
        let names = roles.iter().cloned().collect();
        self.sides.apart = Some(Apart { view, roles, smuggled: BTreeSet::new() });
        self.tell(Event::Partitioned { roles: names });
        Ok(())
    }

    /// Has the two bitcoinds exchange blocks, of which the longer chain wins, and then what they hold
    /// beside them. Everybody is on the main side from then on.
    pub(super) fn heal(&mut self) -> Result<(), Stop> {
        let account = self.account_of(Side::Apart);
        self.verify(Side::Apart, &account)?;
        let Some(Apart { view, roles, .. }) = self.sides.apart.take() else { return Ok(()) };
        let mut apart = view.chain;
        self.tell(Event::Healed { roles: roles.iter().cloned().collect() });
        let main = self.sides.main_mut();
        let fork = main.fork_with(&apart);
        let apart_wins = apart.height() > main.height();
        let kept = if apart_wins { apart.height() } else { fork };
        let offered = apart.transactions_above(kept)?;
        let change = if apart_wins {
            let reorg = main.join(&apart)?;
            self.tell_change(fork, &reorg);
            reorg
        } else {
            let disconnected: Vec<Block> = apart.blocks_above(fork).into_iter().rev().collect();
            let connected = main.blocks_above(fork);
            self.tell_disconnected(Side::Apart, fork, &disconnected);
            Reorg { disconnected, connected }
        };
        self.sides.waited += apart.waited();
        apart.stop()?;
        self.offer_all(&offered)?;
        if apart_wins || !offered.is_empty() {
            let transactions = self.waiting()?;
            self.tell_mempool(transactions);
        }
        self.show_mempool_to(&roles)?;
        let behind = self.cast.keys().filter(|role| roles.contains(role) != apart_wins);
        self.show_change(behind.cloned().collect(), fork, &change)?;
        self.wake()
    }

    /// Blocks have left the chain of a side.
    pub(super) fn tell_disconnected(&mut self, side: Side, fork: BlockHeight, blocks: &[Block]) {
        if let Ok(count @ 1..) = u32::try_from(blocks.len()) {
            let from = BlockHeight(fork.0.saturating_add(count));
            let to = BlockHeight(fork.0.saturating_add(1));
            self.tell_on(side, Event::Disconnected { from, to });
            self.sides.submitted(side).mempool_is(&[]);
        }
    }

    /// The main chain has changed over to another branch.
    fn tell_change(&mut self, fork: BlockHeight, reorg: &Reorg) {
        self.tell_disconnected(Side::Main, fork, &reorg.disconnected);
        for (height, block) in (fork.0.saturating_add(1)..).zip(&reorg.connected) {
            let seen = self.sides.main().seen(block);
            let transactions = seen.transactions.get(1..).unwrap_or_default();
            self.tell_mined(Side::Main, BlockHeight(height), block, transactions, seen.full);
        }
    }

    /// Those who were on a chain that lost see it change, all at once: they act on what there is at
    /// the end of that.
    fn show_change(
        &mut self,
        mut roles: Vec<RoleName>,
        fork: BlockHeight,
        change: &Reorg,
    ) -> Result<(), Stop> {
        let above = fork.0.saturating_add(1);
        let count = u32::try_from(change.disconnected.len()).unwrap_or(u32::MAX);
        let top = fork.0.saturating_add(count);
        let lost = (above..=top).rev().map(BlockHeight);
        let lost = lost.map(|height| ChainEvent::Disconnected { height });
        let won = (above..).map(BlockHeight).zip(&change.connected).map(|(height, block)| {
            let transactions = self.sides.main().seen(block).transactions;
            ChainEvent::Connected { height, transactions }
        });
        let events: Vec<ChainEvent> = lost.chain(won).collect();
        if events.is_empty() {
            return self.deliver();
        }
        self.show_time()?;
        // Honest roles first: who wins a race to the mempool must not hang on a name.
        roles.sort_by_key(|role| self.cast.get(role).map(|player| player.kind));
        for role in roles {
            self.miss(&role, &events);
            self.catch_up(&role)?;
        }
        self.deliver()
    }

    /// Offers to the main mempool what the other side has. What pays too little by itself is offered
    /// with a child, as bitcoinds do.
    fn offer_all(&mut self, transactions: &[Transaction]) -> Result<(), Stop> {
        let mut told = BTreeSet::new();
        for (index, transaction) in transactions.iter().enumerate() {
            let txid = transaction.compute_txid();
            if told.contains(&txid) {
                continue;
            }
            let answer = self.sides.main_mut().submit(transaction)?;
            let spends = |other: &&Transaction| {
                other.input.iter().any(|input| input.previous_output.txid == txid)
            };
            let child = transactions.iter().skip(index).find(spends);
            let Some(child) = child.filter(|_| is_too_little(&answer)) else {
                self.note_offered(transaction, answer);
                continue;
            };
            let package = [transaction.clone(), child.clone()];
            let answers = self.sides.main_mut().submit_package(&package)?.transactions;
            for (transaction, answer) in package.iter().zip(answers) {
                told.insert(transaction.compute_txid());
                self.note_offered(transaction, answer);
            }
        }
        Ok(())
    }

    fn note_offered(&mut self, transaction: &Transaction, answer: Submission) {
        if let Some((by, purpose)) = self.publisher(transaction.compute_txid()) {
            self.note_answer(Side::Main, &by, purpose, transaction, answer);
        }
    }

    /// Who published a transaction last, and for what.
    fn publisher(&self, of: Txid) -> Option<(RoleName, Option<Purpose>)> {
        self.trace.entries.iter().rev().find_map(|entry| match entry.event.plain() {
            Event::Published { by, purpose, txid, answer, .. }
                if *txid == of && !matches!(answer, Answer::Refused { .. }) =>
            {
                Some((by.clone(), *purpose))
            }
            _ => None,
        })
    }

    /// Shows what the mempool holds to those of these roles who look at it.
    fn show_mempool_to(&mut self, roles: &BTreeSet<RoleName>) -> Result<(), Stop> {
        if self.watchers(Side::Main).any(|role| roles.contains(role)) {
            let mempool = self.sides.main_mut().mempool()?;
            self.joined.extend(mempool.into_iter().map(|transaction| (Side::Main, transaction)));
        }
        Ok(())
    }
}

/// Whether it is for its fee that a transaction was refused.
fn is_too_little(answer: &Submission) -> bool {
    const REASONS: [&str; 3] =
        ["insufficient fee", "mempool min fee not met", "min relay fee not met"];
    match answer {
        Submission::Accepted => false,
        Submission::Refused { reason } => REASONS.contains(&reason.as_str()),
    }
}

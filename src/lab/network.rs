//! What connects the cast to the chain: transactions to bitcoind, blocks from it.

use std::collections::{BTreeSet, VecDeque};

use bitcoin::{Block, Transaction, Txid};

use super::payments::unpayable;
use super::probes::{Arrival, Flow};
use super::sides::{Receiver, Side};
use super::steps::failed;
use super::{Lab, LabError, Stop};
use crate::bolt::channel::{ChainEvent, Purpose};
use crate::bolt::units::BlockHeight;
use crate::bolt::wire::Message;
use crate::chain::{ChainError, Reorg, Seen, Submission};
use crate::node::{ChannelHandle, Node, NodeCommand, NodeError, NodeEvent, NodeInput, NodeOutput};
use crate::scenario::{At, Blocks, ChannelName, Habit, Role, RoleKind, RoleName, TransactionRef};
use crate::trace::{Answer, Event, RawTransaction};

/// A role and the reference node that plays it.
pub(super) struct Player {
    pub(super) kind: RoleKind,
    pub(super) node: Node,
    pub(super) link: Link,
    /// Whether it is cut off from the chain, though not from its peers.
    eclipsed: bool,
    /// What the chain did while it could not see that.
    missed: Vec<ChainEvent>,
    /// Whether what it sends goes out at once.
    pub(super) flow: Flow,
    /// What came to it, if it is a probe, and was not expected yet.
    pub(super) arrived: VecDeque<Arrival>,
}

/// Whether a role is on the net.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// It is.
    Online,
    /// It is not.
    Offline {
        /// The height of the chain at which it comes back by itself, if it does.
        until: Option<BlockHeight>,
    },
}

impl Player {
    pub(super) fn new(kind: RoleKind, node: Node) -> Self {
        let (link, flow) = (Link::Online, Flow::Free);
        let (missed, arrived) = (Vec::new(), VecDeque::new());
        Self { kind, node, link, eclipsed: false, missed, flow, arrived }
    }

    fn sees_the_chain(&self) -> bool {
        self.link == Link::Online && !self.eclipsed
    }
}

impl Lab<'_> {
    /// Gives a role a command, and lets everything that follows happen. The command's own events
    /// are returned.
    pub(super) fn command(
        &mut self,
        role: &RoleName,
        doing: &'static str,
        command: NodeCommand,
    ) -> Result<Vec<NodeEvent>, Stop> {
        self.must_be_online(role)?;
        let events = self.input(role, doing, NodeInput::Command(command))?;
        self.deliver()?;
        Ok(events)
    }

    /// Who is offline does nothing.
    pub(super) fn must_be_online(&self, role: &RoleName) -> Result<(), Stop> {
        match self.cast.get(role).map(|player| &player.link) {
            Some(Link::Offline { .. }) => {
                Err(Stop::Failed { at: None, message: format!("{role} is offline") })
            }
            Some(Link::Online) | None => Ok(()),
        }
    }

    /// One step of a node, and what it wants: its messages go on the wire, its transactions to
    /// bitcoind, its events into the trace.
    pub(super) fn input(
        &mut self,
        role: &RoleName,
        doing: &'static str,
        input: NodeInput,
    ) -> Result<Vec<NodeEvent>, Stop> {
        self.act(role, doing, |node| node.step(input))
    }

    /// The same for what a cheat does beside the protocol.
    pub(super) fn act(
        &mut self,
        role: &RoleName,
        doing: &'static str,
        action: impl FnOnce(&mut Node) -> Result<Vec<NodeOutput>, NodeError>,
    ) -> Result<Vec<NodeEvent>, Stop> {
        let Some(player) = self.cast.get_mut(role) else { return Ok(Vec::new()) };
        let outputs = match action(&mut player.node) {
            Ok(outputs) => outputs,
            Err(NodeError::Refused(refused)) => {
                let message = format!("{role} refuses to {doing}: {refused}");
                return Err(Stop::Failed { at: None, message });
            }
            Err(NodeError::Wallet(error)) => {
                let message = format!("{role} cannot {doing}: failed to {error}");
                return Err(Stop::Failed { at: None, message });
            }
            Err(
                error @ (NodeError::Unpayable(_)
                | NodeError::NoSuchInvoice(_)
                | NodeError::NoDeal(_)),
            ) => {
                return Err(unpayable(role, doing, &error));
            }
            Err(source) => {
                return Err(LabError::Node { role: role.clone(), doing, source }.into());
            }
        };
        self.carry_out(role, outputs)
    }

    /// Does what a node wants; its events are returned.
    pub(super) fn carry_out(
        &mut self,
        role: &RoleName,
        outputs: Vec<NodeOutput>,
    ) -> Result<Vec<NodeEvent>, Stop> {
        let mut events = Vec::new();
        for output in outputs {
            match output {
                NodeOutput::Send { to, message } => self.send(role, to, message),
                NodeOutput::Disconnect { peer } => self.hang_up(role, &peer),
                // A probe that has said nothing has not closed anything either.
                NodeOutput::Broadcast { purpose: Purpose::Closing, .. }
                    if self.is_scripted(role) => {}
                NodeOutput::Broadcast { transaction, purpose, .. } => {
                    self.publish(role, Some(purpose), &transaction)?;
                }
                NodeOutput::BroadcastPackage { transactions, .. } => {
                    self.publish_package(role, &transactions)?;
                }
                NodeOutput::LookUp(id) => events.extend(self.look_up(role, id)?),
                NodeOutput::Event(event) => {
                    self.tell_of(role, &event);
                    events.push(event);
                }
            }
        }
        Ok(events)
    }

    fn tell_of(&mut self, role: &RoleName, event: &NodeEvent) {
        let role = role.clone();
        let event = match event {
            NodeEvent::Channel { channel, event } => {
                let Some(channel) = self.name_of(channel) else { return };
                Event::Channel { role, channel, told: event.clone() }
            }
            NodeEvent::Invoice { payment_hash, invoice } => {
                let (name, invoice) = (self.naming.clone(), invoice.clone());
                Event::Invoice { role, name, payment_hash: *payment_hash, invoice }
            }
            NodeEvent::Offer { offer } => Event::Offer { role, offer: offer.clone() },
            NodeEvent::Peer { peer, event } => {
                let Some(peer) = self.role_of(peer) else { return };
                Event::Peer { role, peer, told: event.clone() }
            }
            NodeEvent::Gossip { peer, event } => {
                let peer = peer.and_then(|peer| self.role_of(&peer));
                Event::Gossip { role, peer, told: event.clone() }
            }
            NodeEvent::Flare { peer, event } => {
                let peer = peer.and_then(|peer| self.role_of(&peer));
                Event::Flare { role, peer, told: event.clone() }
            }
            NodeEvent::Message(told) => Event::OnionMessage { role, told: told.clone() },
            NodeEvent::Payment { channel, event } => {
                let channel = channel.and_then(|channel| self.name_of(&channel));
                Event::Payment { role, channel, told: event.clone() }
            }
        };
        if !self.is_counted(&event) {
            self.tell(event);
        }
    }

    /// What every clock of the lab shows, in seconds since 1970; on both sides of a partition it
    /// is the same time.
    pub(super) fn now(&self) -> u64 {
        self.sides.time().saturating_add(self.waited)
    }

    /// Sets the clocks of all who are online.
    pub(super) fn show_time(&mut self) -> Result<(), Stop> {
        let time = self.now();
        let roles: Vec<RoleName> = self.cast.keys().cloned().collect();
        for role in roles {
            if self.must_be_online(&role).is_ok() {
                self.input(&role, "look at the clock", NodeInput::Time(time))?;
            }
        }
        Ok(())
    }

    /// The scenario's name of a channel.
    pub(super) fn name_of(&self, handle: &ChannelHandle) -> Option<ChannelName> {
        self.channels.iter().find(|(_, known)| *known == handle).map(|(name, _)| name.clone())
    }

    /// The scenario's name of the channel that a message is about.
    pub(super) fn channel_of(&self, role: &RoleName, message: &Message) -> Option<ChannelName> {
        let id = message.channel_id()?;
        let node = &self.cast.get(role)?.node;
        let handle = node.channels().find(|(handle, channel)| {
            **handle == id
                || channel.phase.commitments().is_some_and(|known| known.channel_id == id)
                || channel.phase.awaits_funding_signed(id)
        });
        self.name_of(handle?.0)
    }

    /// Gives a transaction to bitcoind.
    pub(super) fn publish(
        &mut self,
        by: &RoleName,
        purpose: Option<Purpose>,
        transaction: &Transaction,
    ) -> Result<Answer, Stop> {
        match self.receiver_of(by, &[transaction]) {
            Receiver::Miner => {
                self.handed.push(transaction.clone());
                self.tell_published(Side::Main, by, purpose, transaction, &Answer::Handed);
                Ok(Answer::Handed)
            }
            Receiver::Mempool(side) => {
                let answer = self.sides.chain_mut(side).submit(transaction)?;
                Ok(self.note_answer(side, by, purpose, transaction, answer))
            }
        }
    }

    /// Gives transactions to bitcoind as a package.
    fn publish_package(
        &mut self,
        by: &RoleName,
        transactions: &[(Transaction, Purpose)],
    ) -> Result<(), Stop> {
        let all: Vec<&Transaction> = transactions.iter().map(|(tx, _)| tx).collect();
        let Receiver::Mempool(side) = self.receiver_of(by, &all) else {
            for (transaction, purpose) in transactions {
                self.publish(by, Some(*purpose), transaction)?;
            }
            return Ok(());
        };
        let package: Vec<Transaction> = transactions.iter().map(|(tx, _)| tx.clone()).collect();
        let answers = self.sides.chain_mut(side).submit_package(&package)?.transactions;
        for ((transaction, purpose), answer) in transactions.iter().zip(answers) {
            self.note_answer(side, by, Some(*purpose), transaction, answer);
        }
        Ok(())
    }

    /// Puts bitcoind's answer to a transaction into the trace.
    pub(super) fn note_answer(
        &mut self,
        side: Side,
        by: &RoleName,
        purpose: Option<Purpose>,
        transaction: &Transaction,
        answer: Submission,
    ) -> Answer {
        let txid = transaction.compute_txid();
        let answer = match answer {
            Submission::Accepted if self.sides.submitted(side).holds(txid) => Answer::Known,
            Submission::Accepted => Answer::Accepted,
            Submission::Refused { .. } if self.sides.chain(side).confirmed(txid).is_some() => {
                Answer::Known
            }
            Submission::Refused { reason } if reason.starts_with("txn-already") => Answer::Known,
            Submission::Refused { reason } => Answer::Refused { reason },
        };
        let step = self.step;
        if self.sides.submitted(side).is_no_news(by, txid, &answer, step) {
            return answer;
        }
        self.tell_published(side, by, purpose, transaction, &answer);
        if answer == Answer::Accepted && self.watchers(side).next().is_some() {
            self.joined.push_back((side, transaction.clone()));
        }
        answer
    }

    fn tell_published(
        &mut self,
        side: Side,
        by: &RoleName,
        purpose: Option<Purpose>,
        transaction: &Transaction,
        answer: &Answer,
    ) {
        let step = self.step;
        self.sides.submitted(side).note(by, transaction, answer, step);
        let event = Event::Published {
            by: by.clone(),
            purpose,
            txid: transaction.compute_txid(),
            transaction: RawTransaction(transaction.clone()),
            answer: answer.clone(),
        };
        self.tell_on(side, event);
    }

    /// The roles that look at the mempool of a side, and see it now.
    pub(super) fn watchers(&self, side: Side) -> impl Iterator<Item = &RoleName> {
        let watch = |role: &&Role| role.habits.contains(&Habit::WatchesMempool);
        let watchers = self.scenario.cast.iter().filter(watch).map(|role| &role.name.value);
        watchers
            .filter(move |role| self.sides.of(role) == side && self.must_be_online(role).is_ok())
    }

    /// Shows what joined the mempool by the file's own word.
    pub(super) fn show_mempool(&mut self) -> Result<(), Stop> {
        if self.joined.is_empty() { Ok(()) } else { self.deliver() }
    }

    /// Shows a transaction that has joined the mempool of a side to those who look.
    pub(super) fn show_joined(
        &mut self,
        side: Side,
        transaction: &Transaction,
    ) -> Result<(), Stop> {
        let watchers: Vec<RoleName> = self.watchers(side).cloned().collect();
        for role in watchers {
            self.input(&role, "look at the mempool", NodeInput::Seen(transaction.clone()))?;
        }
        Ok(())
    }

    /// Mines blocks one by one, and has all roles of the side that are online see each before the
    /// next is mined: what a node publishes in answer to a block is in the next.
    pub(super) fn mine(&mut self, side: Side, blocks: u32) -> Result<(), Stop> {
        for _ in 0..blocks {
            self.mine_next(side, &BTreeSet::new())?;
        }
        Ok(())
    }

    /// Mines blocks that have no room for some of what the mempool holds, nor for what spends it.
    pub(super) fn mine_without(
        &mut self,
        side: Side,
        blocks: u32,
        without: &[At<TransactionRef>],
    ) -> Result<(), Stop> {
        let mut leaves_out = false;
        for _ in 0..blocks {
            let account = self.account_of(side);
            let waiting = |reference: &At<TransactionRef>| {
                let named = account.find(&reference.value);
                let waiting =
                    named.into_iter().filter(|transaction| transaction.confirmed.is_none());
                waiting.map(|transaction| transaction.txid).collect::<Vec<_>>()
            };
            let left_out: BTreeSet<Txid> = without.iter().flat_map(waiting).collect();
            leaves_out |= !left_out.is_empty();
            self.mine_next(side, &left_out)?;
        }
        match without {
            [first, ..] if !leaves_out => {
                Err(failed(Some(first.at), format!("no {first} was there to be left out")))
            }
            _ => Ok(()),
        }
    }

    /// Mines a block with what miners have and what the mempool holds, but for these transactions and
    /// what spends their outputs.
    fn mine_next(&mut self, side: Side, left_out: &BTreeSet<Txid>) -> Result<(), Stop> {
        self.check_interrupted()?;
        let is_main = side == Side::Main;
        let height = BlockHeight(self.sides.chain(side).height().0.saturating_add(1));
        if let Some(output) = self.coinbase.take_if(|_| is_main) {
            let block = self.sides.main_mut().mine_coinbase(&output)?;
            self.tell_mined(side, height, &block, &block.txdata, false);
            self.show(side, &ChainEvent::Connected { height, transactions: block.txdata })?;
            return self.wake();
        }
        let handed = if is_main { std::mem::take(&mut self.handed) } else { Vec::new() };
        let chain = self.sides.chain_mut(side);
        let was_calm = chain.is_calm();
        let mined = if handed.is_empty() && left_out.is_empty() {
            chain.mine(1)?
        } else {
            let is_given = !handed.is_empty();
            let mined = chain.mine_choosing(handed, left_out);
            vec![mined.map_err(|error| if is_given { of_a_miner(error) } else { error.into() })?]
        };
        if !was_calm && chain.is_calm() {
            self.settled_at = height;
        }
        for block in mined {
            self.connect_block(side, height, &block)?;
        }
        self.wake()
    }

    /// A block has joined the chain of a side.
    fn connect_block(
        &mut self,
        side: Side,
        height: BlockHeight,
        block: &Block,
    ) -> Result<(), Stop> {
        let Seen { transactions, full } = self.sides.chain(side).seen(block);
        self.tell_mined(side, height, block, transactions.get(1..).unwrap_or_default(), full);
        self.show(side, &ChainEvent::Connected { height, transactions })?;
        self.note_places();
        Ok(())
    }

    /// Runs of blocks with nothing to tell of are one entry of the trace.
    pub(super) fn tell_mined(
        &mut self,
        side: Side,
        height: BlockHeight,
        block: &Block,
        transactions: &[Transaction],
        full: bool,
    ) {
        let tip = block.block_hash();
        let step = self.step;
        if let Some(entry) = self.trace.entries.last_mut()
            && entry.step == step
            && let Some(Event::Mined { to, tip: last, transactions: before, full: were, .. }) =
                of_side(side, &mut entry.event)
            && before.is_empty()
            && transactions.is_empty()
            && *were == full
        {
            (*to, *last) = (height, tip);
            return;
        }
        let transactions = transactions.iter().cloned().map(RawTransaction).collect();
        self.tell_on(side, Event::Mined { from: height, to: height, tip, transactions, full });
    }

    /// The main chain has changed over to another branch.
    pub(super) fn change_over(&mut self, reorg: &Reorg) -> Result<(), Stop> {
        let side = Side::Main;
        let fork = self.sides.main().height().0.saturating_sub(count(&reorg.connected));
        let top = fork.saturating_add(count(&reorg.disconnected));
        self.tell_disconnected(side, BlockHeight(fork), &reorg.disconnected);
        for height in (fork.saturating_add(1)..=top).rev() {
            self.show(side, &ChainEvent::Disconnected { height: BlockHeight(height) })?;
        }
        for (height, block) in (fork.saturating_add(1)..).zip(&reorg.connected) {
            self.connect_block(side, BlockHeight(height), block)?;
        }
        // What the old branch had may be gone for good: only bitcoind knows.
        let transactions = self.waiting()?;
        self.tell_mempool(transactions);
        self.wake()
    }

    /// Shows a change of a chain to every role of that side; those that cannot see it now see it
    /// later.
    fn show(&mut self, side: Side, event: &ChainEvent) -> Result<(), Stop> {
        // Honest roles first: who wins a race to the mempool must not hang on a name.
        let all = self.cast.keys().filter(|role| self.sides.of(role) == side);
        let mut roles: Vec<RoleName> = all.cloned().collect();
        roles.sort_by_key(|role| self.cast.get(role).map(|player| player.kind));
        self.show_time()?;
        for role in roles {
            match self.cast.get_mut(&role) {
                Some(player) if !player.sees_the_chain() => player.missed.push(event.clone()),
                Some(_) | None => {
                    self.input(&role, "follow the chain", NodeInput::Chain(event.clone()))?;
                }
            }
        }
        self.deliver()
    }

    /// A role sees this of the chain when it catches up.
    pub(super) fn miss(&mut self, role: &RoleName, events: &[ChainEvent]) {
        if let Some(player) = self.cast.get_mut(role) {
            player.missed.extend_from_slice(events);
        }
    }

    /// A role learns what it missed of the chain. It acts on what there is at the end of that: what it
    /// would have published before then is as good as never made, and made anew.
    pub(super) fn catch_up(&mut self, role: &RoleName) -> Result<(), Stop> {
        let Some(player) = self.cast.get_mut(role) else { return Ok(()) };
        if !player.sees_the_chain() {
            return Ok(());
        }
        let missed = std::mem::take(&mut player.missed);
        self.input(role, "follow the chain", NodeInput::Missed(missed)).map(drop)
    }

    /// Takes a role off the net, until the chain has so many blocks more if that is said. What waits
    /// for a role that is off it goes on waiting.
    pub(super) fn go_offline(
        &mut self,
        role: &RoleName,
        blocks: Option<Blocks>,
    ) -> Result<(), Stop> {
        self.interrupt(role)?;
        let height = self.sides.chain(self.sides.of(role)).height();
        let until = blocks.map(|blocks| BlockHeight(height.0.saturating_add(blocks.0)));
        if let Some(player) = self.cast.get_mut(role) {
            player.link = Link::Offline { until };
        }
        self.tell(Event::Offline { role: role.clone() });
        Ok(())
    }

    /// Brings a role back: it sees what the chain did meanwhile.
    pub(super) fn go_online(&mut self, role: &RoleName) -> Result<(), Stop> {
        self.tell(Event::Online { role: role.clone() });
        let time = self.now();
        let Some(player) = self.cast.get_mut(role) else { return Ok(()) };
        player.link = Link::Online;
        self.show_feerate_to(role)?;
        self.catch_up(role)?;
        self.input(role, "look at the clock", NodeInput::Time(time))?;
        self.resume(role)?;
        self.deliver()
    }

    /// Brings back those who are offline until their chain is as high as it is now.
    pub(super) fn wake(&mut self) -> Result<(), Stop> {
        let height = |role: &RoleName| self.sides.chain(self.sides.of(role)).height();
        let due = self.sleepers().filter(|(role, until)| *until <= height(role));
        for role in due.map(|(role, _)| role.clone()).collect::<Vec<_>>() {
            self.go_online(&role)?;
        }
        Ok(())
    }

    /// The roles that are offline until the chain is higher than it is.
    pub(super) fn sleepers(&self) -> impl Iterator<Item = (&RoleName, BlockHeight)> {
        self.cast.iter().filter_map(|(role, player)| match player.link {
            Link::Offline { until } => Some((role, until?)),
            Link::Online => None,
        })
    }

    /// Cuts a role off from the chain. Its peers it goes on talking to.
    pub(super) fn withhold_blocks(&mut self, role: &RoleName) {
        if let Some(player) = self.cast.get_mut(role) {
            player.eclipsed = true;
        }
        self.tell(Event::BlocksWithheld { role: role.clone() });
    }

    /// Lets a role see the chain again; it sees what the chain did meanwhile.
    pub(super) fn release_blocks(&mut self, role: &RoleName) -> Result<(), Stop> {
        self.tell(Event::BlocksReleased { role: role.clone() });
        if let Some(player) = self.cast.get_mut(role) {
            player.eclipsed = false;
        }
        self.catch_up(role)?;
        self.deliver()
    }
}

/// The event of a side, if it is one of that side.
fn of_side(side: Side, event: &mut Event) -> Option<&mut Event> {
    match (side, event) {
        (Side::Apart, Event::Apart { what }) => Some(what),
        (Side::Main, Event::Apart { .. }) | (Side::Apart, _) => None,
        (Side::Main, event) => Some(event),
    }
}

/// A block that has what a role handed to a miner is the file's affair.
fn of_a_miner(error: ChainError) -> Stop {
    match error {
        ChainError::BlockRejected { reason, .. } => {
            failed(None, format!("no miner can put into a block what it was given: {reason}"))
        }
        error => error.into(),
    }
}

fn count(blocks: &[Block]) -> u32 {
    u32::try_from(blocks.len()).unwrap_or(u32::MAX)
}

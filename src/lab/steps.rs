//! The verbs, each as the lab carries it out.

use std::collections::BTreeSet;

use bitcoin::{Transaction, Txid};

use super::sides::Side;
use super::tampering::Tampering;
use super::{Lab, LabError, Stop};
use crate::bolt::channel::{ChannelEvent, PeerViolation, Purpose};
use crate::bolt::tx;
use crate::bolt::units::{FeeratePerKw, Msat};
use crate::bolt::wire::Variations;
use crate::chain::Branch;
use crate::node::cheat;
use crate::node::{ChannelHandle, ChannelPolicy, Node, NodeCommand, NodeError, OpenRequest};
use crate::scenario::{
    At, Blocks, Channel, ChannelName, ChannelType, ClosedUntil, PaidUntil, Position, RoleName,
    StateName, Step, TransactionRef, Until, Verb, Via,
};
use crate::trace::{Answer, Event};

impl Lab<'_> {
    pub(super) fn play_step(&mut self, step: &Step) -> Result<(), Stop> {
        match &step.verb {
            Verb::Open { channel, until: Until::Proposed } => {
                let Channel { from, to, .. } = self.declared(&channel.value)?;
                self.freely(|lab| lab.link(&from.value, &to.value))?;
                self.propose(channel)
            }
            Verb::OpenNetwork => self.freely(Self::open_network),
            Verb::Open { channel, until } => self.freely(|lab| lab.open(channel, *until)),
            Verb::Invoice(ask) => self.ask(ask),
            Verb::Offer(offer) => self.offer(offer),
            Verb::Withdraw(offer) => self.withdraw(offer),
            Verb::Pay(pay) if pay.until == PaidUntil::Offered => self.pay(pay),
            Verb::Pay(pay) => self.freely(|lab| lab.pay(pay)),
            Verb::Settle(invoice) => self.settle(invoice),
            Verb::Cancel(invoice) => self.cancel(invoice),
            Verb::Refuse { by, failure } => self.refuse(&by.value, *failure),
            Verb::Accept(role) => self.accept(&role.value),
            Verb::Tamper { by, field, byte } => {
                let (role, field, byte) = (by.value.clone(), *field, byte.value);
                self.tamperings.push(Tampering { role, field, byte });
                Ok(())
            }
            Verb::Replay { by, channel } => self.replay(by, channel),
            Verb::Wait(seconds) => self.wait(seconds.value),
            Verb::Close { channel, by, until: ClosedUntil::Asked } => {
                self.close(channel, by, ClosedUntil::Asked)
            }
            Verb::Close { channel, by, until } => self.freely(|lab| lab.close(channel, by, *until)),
            Verb::BumpClose { channel, by, feerate } => self.freely(|lab| {
                let handle = lab.handle(channel)?;
                let command = NodeCommand::BumpClose(handle, feerate.value);
                lab.command(&by.value, "close at another fee", command)
                    .map_err(|stop| stop.at(channel.at))?;
                lab.accepted(channel.at, Purpose::Closing)
            }),
            Verb::UpdateFee { channel, by, feerate } => self.update_fee(channel, by, feerate.value),
            Verb::Fund { channel, with } => self.fund_otherwise(channel, *with),
            Verb::Remember { channel, by, state } => self.remember(channel, by, state),
            Verb::LoseData { by, state } => self.lose_data(by, state),
            Verb::ForceClose { .. }
            | Verb::Publish { .. }
            | Verb::Claim(_)
            | Verb::DoubleSpend { .. } => self.play_publication(&step.verb),
            Verb::Mine { .. }
            | Verb::Reorg { .. }
            | Verb::SpikeFees(_)
            | Verb::CalmFees(_)
            | Verb::Offline { .. }
            | Verb::Online(_)
            | Verb::WithholdBlocks(_)
            | Verb::ReleaseBlocks(_)
            | Verb::Partition(_)
            | Verb::Heal(_) => self.play_chain(step),
            Verb::Connect { from, to, until, broken } => self.connect(from, to, *until, *broken),
            Verb::Disconnect { from, to } => self.disconnect(from, to.as_ref()),
            Verb::Send(send) => self.send_scripted(send),
            Verb::Hold(role) => {
                self.hold_step(role);
                Ok(())
            }
            Verb::Release(role) => self.release(&role.value),
            Verb::Try(_) => Err(LabError::Branches.into()),
            Verb::Expect(expect) => self.expect(expect),
        }
    }

    fn update_fee(
        &mut self,
        channel: &At<ChannelName>,
        by: &At<RoleName>,
        feerate: FeeratePerKw,
    ) -> Result<(), Stop> {
        let handle = self.handle(channel)?;
        let command = NodeCommand::UpdateFee(handle, feerate);
        let done = self.command(&by.value, "change the fee rate", command);
        done.map(drop).map_err(|stop| stop.at(channel.at))
    }

    /// The verbs by which a role gives a transaction to somebody.
    fn play_publication(&mut self, verb: &Verb) -> Result<(), Stop> {
        match verb {
            Verb::ForceClose { channel, by, via, refused } => {
                self.force_close(channel, by, via.value, refused.as_ref())
            }
            Verb::Publish { by, commitment, via } => self.publish_state(by, commitment, via.value),
            Verb::Claim(claim) => self.claim(claim),
            Verb::DoubleSpend { by, transaction, feerate, via } => {
                let feerate = feerate.map(|feerate| feerate.value);
                self.double_spend(by, transaction, feerate, via.value)
            }
            _ => Ok(()),
        }
    }

    /// The verbs about the chain, and about who sees what of it.
    fn play_chain(&mut self, step: &Step) -> Result<(), Stop> {
        match &step.verb {
            Verb::Mine { blocks, without, apart } if without.is_empty() => {
                self.mine(Side::of_step(*apart), blocks.value.0)
            }
            Verb::Mine { blocks, without, apart } => {
                self.mine_without(Side::of_step(*apart), blocks.value.0, without)
            }
            Verb::Reorg { depth, without } => self.reorg(depth, without.as_deref()),
            Verb::SpikeFees(feerate) => self.spike_fees(feerate),
            Verb::CalmFees(feerate) => self.calm_fees(feerate.value),
            Verb::Offline { role, blocks } => {
                self.go_offline(&role.value, blocks.map(|blocks| blocks.value))
            }
            Verb::Online(role) => self.go_online(&role.value),
            Verb::WithholdBlocks(role) => {
                self.withhold_blocks(&role.value);
                Ok(())
            }
            Verb::ReleaseBlocks(role) => self.release_blocks(&role.value),
            Verb::Partition(roles) => self.partition(roles, step.at),
            Verb::Heal(_) => self.heal(),
            _ => Ok(()),
        }
    }

    /// The channel as the scenario declares it. A loaded scenario names no other.
    pub(super) fn declared(&self, name: &ChannelName) -> Result<Channel, Stop> {
        let found = self.scenario.channel(name).cloned();
        found.ok_or_else(|| failed(None, format!("there is no channel {name}")))
    }

    pub(super) fn handle(&self, name: &At<ChannelName>) -> Result<ChannelHandle, Stop> {
        let handle = self.channels.get(&name.value).copied();
        handle.ok_or_else(|| failed(Some(name.at), format!("{name} is not open yet")))
    }

    pub(super) fn node(&self, role: &RoleName) -> Result<&Node, Stop> {
        let player = self.cast.get(role);
        player
            .map(|player| &player.node)
            .ok_or_else(|| failed(None, format!("nobody plays {role}")))
    }

    pub(super) fn open(&mut self, name: &At<ChannelName>, until: Until) -> Result<(), Stop> {
        self.propose(name)?;
        self.accepted(name.at, Purpose::Funding)?;
        if until == Until::Broadcast {
            return Ok(());
        }
        let channel = self.declared(&name.value)?;
        let waits = !channel.zeroconf;
        let side = self.sides.of(&channel.from.value);
        self.mine(side, if waits { channel.minimum_depth.value.0 } else { 0 })?;
        for role in [&channel.from.value, &channel.to.value] {
            self.must_be(name, role, "normal")?;
        }
        Ok(())
    }

    /// Has the opener propose a channel; what follows of itself does.
    pub(super) fn propose(&mut self, name: &At<ChannelName>) -> Result<(), Stop> {
        let channel = self.declared(&name.value)?;
        let (from, to) = (&channel.from.value, &channel.to.value);
        self.link(from, to).map_err(|stop| stop.at(name.at))?;
        self.set_terms(&channel)?;
        let request = self.open_request(&channel, to)?;
        // The trace must know the name from the first message on.
        let handle = self.node(from)?.next_channel();
        self.channels.insert(name.value.clone(), handle);
        self.command(from, "open a channel", NodeCommand::Open(request))?;
        Ok(())
    }

    /// Tells both sides of a channel what to ask of it.
    pub(super) fn set_terms(&mut self, channel: &Channel) -> Result<(), Stop> {
        let (from, to) = (&channel.from.value, &channel.to.value);
        for (role, peer) in [(from, to), (to, from)] {
            let peer = self.node(peer)?.id();
            let asks = self.scenario.role(role).map(|role| role.asks).unwrap_or_default();
            let default = ChannelPolicy::default();
            let policy = ChannelPolicy {
                to_self_delay: channel.to_self_delay.value,
                dust_limit: asks.dust_limit.map_or(default.dust_limit, |limit| limit.value),
                minimum_depth: channel.minimum_depth.value.0,
                accepts_zeroconf: asks.accepts_zeroconf,
                channel_reserve: asks.channel_reserve.map(|reserve| reserve.value),
                max_htlc_value_in_flight: asks.max_htlc_value_in_flight,
                max_accepted_htlcs: asks
                    .max_accepted_htlcs
                    .map_or(default.max_accepted_htlcs, |count| count.value),
                max_dust_htlc_exposure: asks
                    .max_dust_htlc_exposure
                    .unwrap_or(default.max_dust_htlc_exposure),
                ..default
            };
            self.command(role, "set terms", NodeCommand::SetPolicy(peer, policy))?;
        }
        Ok(())
    }

    /// A channel as its opener asks for it.
    pub(super) fn open_request(
        &self,
        channel: &Channel,
        to: &RoleName,
    ) -> Result<OpenRequest, Stop> {
        Ok(OpenRequest {
            peer: self.node(to)?.id(),
            capacity: channel.capacity.value,
            push: Msat::from_amount(channel.push.value).unwrap_or(Msat::ZERO),
            channel_type: match channel.channel_type {
                ChannelType::Anchors => tx::ChannelType::Anchors,
                ChannelType::StaticRemotekey => tx::ChannelType::StaticRemotekey,
            },
            variations: Variations { scid_alias: channel.scid_alias, zeroconf: channel.zeroconf },
            announced: channel.announced,
            feerate: channel.feerate.value,
        })
    }

    /// Fails unless this side sees the channel in this state.
    pub(super) fn must_be(
        &self,
        name: &At<ChannelName>,
        role: &RoleName,
        wanted: &str,
    ) -> Result<(), Stop> {
        let state = self.state(name, role)?;
        if state == wanted {
            return Ok(());
        }
        let why = self.violation().map_or(String::new(), |why| format!(": {why}"));
        let message = format!("{role} sees {name} as {state}, not as {wanted}{why}");
        Err(failed(Some(name.at), message))
    }

    /// What one side thinks of a channel.
    pub(super) fn state(
        &self,
        name: &At<ChannelName>,
        role: &RoleName,
    ) -> Result<&'static str, Stop> {
        let handle = self.handle(name)?;
        let channel = self.node(role)?.channel(&handle);
        Ok(channel.map_or("closed", |channel| channel.phase.name()))
    }

    /// The violation that this step failed for. The first is the cause; that the peer then sent an
    /// error is only what follows from it, on the other side.
    pub(super) fn violation(&self) -> Option<String> {
        let told = || {
            self.this_step().filter_map(|event| match event {
                Event::Channel {
                    role,
                    told: ChannelEvent::Violation { requirement, message },
                    ..
                } => Some((role, requirement, message)),
                _ => None,
            })
        };
        let error = PeerViolation::Error;
        let cause = told().find(|(_, requirement, _)| *requirement != error.requirement());
        let (role, requirement, message) = cause.or_else(|| told().next())?;
        Some(format!("{role}: {message} ({requirement})"))
    }

    /// What happened in this step.
    fn this_step(&self) -> impl DoubleEndedIterator<Item = &Event> {
        let entries = self.trace.entries.iter();
        entries.filter(|entry| entry.step == self.step).map(|entry| entry.event.plain())
    }

    /// Fails unless the mempool took a transaction of this purpose: of several, one is enough. Those
    /// of earlier steps are other channels'.
    fn accepted(&self, at: Position, purpose: Purpose) -> Result<(), Stop> {
        let answers = self.this_step().filter_map(|event| match event {
            Event::Published { purpose: Some(of), answer, .. } if *of == purpose => Some(answer),
            _ => None,
        });
        let mut refused = None;
        for answer in answers {
            match answer {
                Answer::Accepted | Answer::Known | Answer::Handed => return Ok(()),
                Answer::Refused { reason } => refused = Some(reason),
            }
        }
        let message = match refused {
            Some(reason) => format!("the mempool refused it: {reason}"),
            None => self.violation().unwrap_or_else(|| "nothing was published".to_owned()),
        };
        Err(failed(Some(at), message))
    }

    fn close(
        &mut self,
        name: &At<ChannelName>,
        by: &At<RoleName>,
        until: ClosedUntil,
    ) -> Result<(), Stop> {
        let handle = self.handle(name)?;
        let command = NodeCommand::Close(handle);
        self.command(&by.value, "close the channel", command).map_err(|stop| stop.at(name.at))?;
        match until {
            ClosedUntil::Broadcast => self.accepted(name.at, Purpose::Closing),
            ClosedUntil::Asked => Ok(()),
            ClosedUntil::Shutdown => {
                let channel = self.declared(&name.value)?;
                for role in [&channel.from.value, &channel.to.value] {
                    self.must_be(name, role, "shutdown")?;
                }
                Ok(())
            }
        }
    }

    fn force_close(
        &mut self,
        name: &At<ChannelName>,
        by: &At<RoleName>,
        via: Via,
        expected: Option<&At<String>>,
    ) -> Result<(), Stop> {
        let handle = self.handle(name)?;
        let since = self.trace.entries.len();
        let command = NodeCommand::ForceClose(handle);
        let close = |lab: &mut Self| lab.command(&by.value, "force-close", command);
        self.giving(&by.value, via, close).map_err(|stop| stop.at(name.at))?;
        let mut events = self.trace.entries.iter().skip(since).map(|entry| entry.event.plain());
        let refused = events.find_map(|event| match event {
            Event::Published { answer: Answer::Refused { reason }, .. } => Some(reason.clone()),
            _ => None,
        });
        match (refused, expected) {
            (found, Some(reason)) => self.must_refuse(reason, found),
            (Some(reason), None) => {
                Err(failed(Some(name.at), format!("the mempool refused it: {reason}")))
            }
            (None, None) => Ok(()),
        }
    }

    /// Checks the reason with which the mempool refused something, if it did.
    pub(super) fn must_refuse(
        &mut self,
        reason: &At<String>,
        found: Option<String>,
    ) -> Result<(), Stop> {
        let found = found.unwrap_or_else(|| "the mempool took it".to_owned());
        let expected = format!("the mempool refuses it with {reason}");
        let failure = (found != reason.value).then_some(found);
        self.check(reason.at, &expected, failure)
    }

    fn remember(
        &mut self,
        name: &At<ChannelName>,
        by: &At<RoleName>,
        state: &At<StateName>,
    ) -> Result<(), Stop> {
        let handle = self.handle(name)?;
        let number = match cheat::newest(self.node(&by.value)?, &handle) {
            Ok(number) => number,
            Err(NodeError::NoSuchChannel(_)) => return Err(self.forgotten(name, by)),
            Err(source) => return Err(cannot(&by.value, "remember a state", source)),
        };
        self.states.insert(state.value.clone(), (name.value.clone(), number));
        let backup = cheat::backup(self.node(&by.value)?, &handle);
        self.backups.extend(backup.map(|phase| (state.value.clone(), phase)));
        self.tell(Event::Remembered {
            role: by.value.clone(),
            channel: name.value.clone(),
            commitment: number.0,
            name: state.to_string(),
        });
        Ok(())
    }

    /// A node keeps the states of a channel only as long as they matter.
    fn forgotten(&self, name: &At<ChannelName>, by: &At<RoleName>) -> Stop {
        let message = match self.state(name, &by.value) {
            Ok("closed") => format!("{name} is settled, and {by} has forgotten its states"),
            Ok(state) => format!("{by} sees {name} as {state}, and has no such state of it"),
            Err(stop) => return stop,
        };
        failed(Some(name.at), message)
    }

    /// Data is lost in a restart: there is no connection then.
    fn lose_data(&mut self, by: &At<RoleName>, state: &At<StateName>) -> Result<(), Stop> {
        let known = self.states.get(&state.value).cloned();
        let backup = self.backups.get(&state.value).cloned();
        let ((channel, _), backup) = known
            .zip(backup)
            .ok_or_else(|| failed(Some(state.at), format!("nobody remembered {state}")))?;
        let handle = self.handle(&At::new(channel, state.at))?;
        let player = self.cast.get_mut(&by.value);
        let player = player.ok_or_else(|| failed(None, format!("nobody plays {by}")))?;
        let restored = cheat::restore(&mut player.node, handle, &backup);
        restored.map_err(|source| match source {
            NodeError::Refused(_) => {
                failed(Some(by.at), format!("{by} is connected: data is lost in a restart"))
            }
            source => cannot(&by.value, "go on from a backup", source),
        })
    }

    fn publish_state(
        &mut self,
        by: &At<RoleName>,
        state: &At<StateName>,
        via: Via,
    ) -> Result<(), Stop> {
        let known = self.states.get(&state.value).cloned();
        let (channel, number) =
            known.ok_or_else(|| failed(Some(state.at), format!("nobody remembered {state}")))?;
        let channel = At::new(channel, state.at);
        let handle = self.handle(&channel)?;
        self.must_be_online(&by.value)?;
        let transaction = match cheat::commitment(self.node(&by.value)?, &handle, number) {
            Ok(transaction) => transaction,
            Err(NodeError::NoSuchChannel(_)) => return Err(self.forgotten(&channel, by)),
            Err(source) => return Err(cannot(&by.value, "publish an old state", source)),
        };
        let purpose = Some(Purpose::Commitment(number));
        self.publish_or_fail(by, purpose, &transaction, &At::new(via, state.at))
    }

    /// Publishes a transaction that the mempool must take, or hands it to a miner.
    pub(super) fn publish_or_fail(
        &mut self,
        by: &At<RoleName>,
        purpose: Option<Purpose>,
        transaction: &Transaction,
        via: &At<Via>,
    ) -> Result<(), Stop> {
        let publish = |lab: &mut Self| lab.publish(&by.value, purpose, transaction);
        match self.giving(&by.value, via.value, publish)? {
            Answer::Accepted | Answer::Known | Answer::Handed => Ok(()),
            Answer::Refused { reason } => {
                Err(failed(Some(via.at), format!("the mempool refused it: {reason}")))
            }
        }
    }

    /// The transactions of a side that a scenario names so.
    pub(super) fn named(
        &self,
        side: Side,
        transaction: &At<TransactionRef>,
    ) -> Result<Vec<Txid>, Stop> {
        let account = self.account_of(side);
        let found: Vec<Txid> = account.find(&transaction.value).iter().map(|tx| tx.txid).collect();
        if found.is_empty() {
            return Err(failed(Some(transaction.at), format!("there is no {transaction}")));
        }
        Ok(found)
    }

    fn reorg(
        &mut self,
        depth: &At<Blocks>,
        without: Option<&[At<TransactionRef>]>,
    ) -> Result<(), Stop> {
        let above = self.sides.main().height().0.saturating_sub(self.begins_at.0);
        if depth.value.0 > above {
            let message = format!(
                "a reorg of {depth} reaches below the scenario's first block: {above} were mined"
            );
            return Err(failed(Some(depth.at), message));
        }
        let since = self.sides.main().height().0.saturating_sub(self.settled_at.0);
        if depth.value.0 > since {
            let message = format!(
                "a reorg of {depth} reaches below the block with which fees changed: {since} were \
                 mined since"
            );
            return Err(failed(Some(depth.at), message));
        }
        let branch = match without {
            None => Branch::Empty,
            Some(named) => {
                let mut left_out = BTreeSet::new();
                for transaction in named {
                    left_out.extend(self.named(Side::Main, transaction)?);
                }
                Branch::Same { without: left_out }
            }
        };
        let reorg = self.sides.main_mut().reorg(depth.value.0, branch)?;
        self.change_over(&reorg)
    }
}

impl Stop {
    /// A failure that has no position of its own gets this one.
    pub(super) fn at(self, position: Position) -> Self {
        match self {
            Self::Failed { at, message } => Self::Failed { at: at.or(Some(position)), message },
            lab @ Self::Lab(_) => lab,
        }
    }
}

pub(super) fn failed(at: Option<Position>, message: String) -> Stop {
    Stop::Failed { at, message }
}

pub(super) fn cannot(role: &RoleName, doing: &'static str, source: NodeError) -> Stop {
    LabError::Node { role: role.clone(), doing, source }.into()
}

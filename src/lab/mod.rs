//! Runs a scenario: a bitcoind of its own, the cast, the steps; everything that happens goes into
//! the trace.
//!
//! ```text
//! scenario -> set up: bitcoind, matured coins, funded wallets
//!          -> steps:  commands -> nodes -> messages, transactions -> chain -> blocks -> nodes
//!          -> audit:  the trace against the outcome
//! ```

mod asked;
#[cfg(test)]
mod audited_closes;
#[cfg(test)]
mod audited_htlcs;
mod breaking;
mod claims;
mod expect;
mod fees;
mod gossip;
mod habits;
mod learned;
mod links;
mod network;
mod network_opening;
mod payments;
mod probes;
#[cfg(test)]
mod recorded;
mod sides;
mod sockets;
mod steps;
mod submitted;
mod tampering;
mod wayfinding;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bitcoin::{Amount, OutPoint, Transaction, TxOut, Txid};
use secp256k1::PublicKey;
use thiserror::Error;

use crate::audit::{self, Account};
use crate::bolt::channel::Phase;
use crate::bolt::features::{Feature, Features};
use crate::bolt::units::{BlockHeight, CommitmentNumber, FeeratePerKw, ShortChannelId};
use crate::chain::{self, Chain, ChainError};
use crate::link::LinkError;
use crate::node::{ChannelHandle, Node, NodeCommand, NodeError, NodeInput, Seed, default_features};
use crate::scenario::{
    ChannelName, InvoiceName, Outcome, Position, Role, RoleName, Scenario, StateName, Verb, Via,
};
use crate::trace::{CastEntry, ChannelEntry, Entry, Event, Problem, Trace};
use asked::KnownInvoice;
use gossip::LookedUp;
use links::Links;
use network::Player;
use network_opening::Quiet;
use sides::{Side, Sides};
use tampering::Tampering;

/// The fee rate at which roles fund, close and claim: 4 sat per vbyte.
const WALLET_FEERATE: FeeratePerKw = FeeratePerKw(1_000);
/// So many blocks are mined before a scenario begins: the first coinbases are mature then.
const MATURING_BLOCKS: u32 = 110;

/// How to run a lab.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The lab's bitcoind.
    pub chain: chain::Options,
    /// Set from outside to end the run between two steps.
    pub interrupted: Arc<AtomicBool>,
}

/// Why the lab itself failed. Never the fault of a role: the verdict is `inconclusive`.
#[derive(Debug, Error)]
pub enum LabError {
    /// bitcoind.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A reference node could not do what it must be able to do.
    #[error("have {role} {doing}: {source}")]
    Node {
        /// The role.
        role: RoleName,
        /// What it was to do.
        doing: &'static str,
        /// Why not.
        source: NodeError,
    },
    /// The user ended the run.
    #[error("go on: interrupted")]
    Interrupted,
    /// A connection between two roles of this machine.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// One of the scenario's runs is to be played, not all at once.
    #[error("play a scenario with branches: choose one of its runs")]
    Branches,
    /// bitcoind's chain is not the one that the trace tells of.
    #[error("trust the trace: bitcoind's best block is not the lab's")]
    ChainDiffers,
    /// The audit holds a transaction to be in the mempool, and bitcoind does not.
    #[error("trust the audit: bitcoind's mempool does not hold {0}")]
    MempoolDiffers(Txid),
    /// The audit holds an output to be unspent, and bitcoind does not.
    #[error("trust the audit: bitcoind holds {0} to be spent, or not to exist")]
    AuditDiffers(OutPoint),
}

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    /// Every step, the outcome and the audit held.
    Passed,
    /// Something did not hold.
    Failed(Vec<Problem>),
    /// The lab failed.
    Inconclusive(LabError),
}

/// A run of a scenario.
#[derive(Debug)]
pub struct Run {
    /// All that happened.
    pub trace: Trace,
    /// The audit's account at the end.
    pub account: Account,
    /// The outcome that the account shows.
    pub observed: Outcome,
    /// How it ended.
    pub ending: Ending,
    /// How many expectations were checked, the outcome's lines among them.
    pub checks: usize,
    /// The time spent waiting for bitcoind.
    pub waited: Duration,
    /// bitcoind's folder, if it was kept.
    pub kept: Option<PathBuf>,
}

/// What ends a step before its end.
#[derive(Debug)]
enum Stop {
    /// The scenario fails, at this position.
    Failed { at: Option<Position>, message: String },
    /// The lab fails.
    Lab(LabError),
}

impl From<ChainError> for Stop {
    fn from(error: ChainError) -> Self {
        Self::Lab(LabError::Chain(error))
    }
}

impl From<LabError> for Stop {
    fn from(error: LabError) -> Self {
        Self::Lab(error)
    }
}

/// A running lab.
struct Lab<'a> {
    scenario: &'a Scenario,
    interrupted: Arc<AtomicBool>,
    sides: Sides,
    cast: BTreeMap<RoleName, Player>,
    /// The roles by their node ids.
    by_id: BTreeMap<PublicKey, RoleName>,
    links: Links,
    channels: BTreeMap<ChannelName, ChannelHandle>,
    states: BTreeMap<StateName, (ChannelName, CommitmentNumber)>,
    /// The channels of those states, as their owners knew them.
    backups: BTreeMap<StateName, Phase>,
    invoices: BTreeMap<InvoiceName, KnownInvoice>,
    /// The scenario's name of the invoice that is being made.
    naming: Option<InvoiceName>,
    /// The offers of the scenario. BOLT 12.
    offers: BTreeMap<InvoiceName, (RoleName, String)>,
    /// What cheats will do to their next messages.
    tamperings: Vec<Tampering>,
    /// Who gives its transactions to somebody now, and to whom.
    gives: Option<(RoleName, Via)>,
    /// What miners have for the next block, whatever the mempool holds.
    handed: Vec<Transaction>,
    /// Transactions that have joined a mempool, to be shown to the cast.
    joined: VecDeque<(Side, Transaction)>,
    /// What the coinbase of the next block pays, if it funds a channel.
    coinbase: Option<TxOut>,
    /// What is counted and not told, while a network comes up.
    quiet: Option<Quiet>,
    /// Where the channels are funded, as far as that was seen.
    places: BTreeMap<ChannelName, ShortChannelId>,
    /// What bitcoind has said of the channels that nodes hear of.
    looked_up: LookedUp,
    /// How many seconds have passed beyond those of the blocks.
    waited: u64,
    trace: Trace,
    step: Option<u32>,
    /// What others pay.
    feerate: FeeratePerKw,
    /// The height of the chain when the first step begins.
    begins_at: BlockHeight,
    /// The height of the chain when a fee spike began or ended last: fillers of other days are no
    /// matter for a reorg.
    settled_at: BlockHeight,
}

/// What a role tells its peers that it supports.
fn features(role: &Role, gossip: bool) -> Features {
    // Of a pair of bits a node sets one. BOLT 9, "Requirements".
    let is_named =
        |bit: &u32| role.without.iter().chain(&role.features).any(|other| other | 1 == bit | 1);
    let mut all = default_features();
    if gossip {
        all = all.offering(Feature::GOSSIP_QUERIES).offering(Feature::GOSSIP_QUERIES_EX);
    }
    let kept = all.bits().filter(|bit| !is_named(bit));
    kept.chain(role.features.iter().copied()).collect()
}

/// Runs a scenario and audits it. Without an outcome in the file, nothing is compared with the
/// account.
pub fn run(scenario: &Scenario, options: &Options) -> Run {
    let mut lab = match Lab::set_up(scenario, options) {
        Ok(lab) => lab,
        Err(error) => return Run::never_started(error),
    };
    let played = lab.fund().and_then(|()| lab.play());
    let account = audit::account(&lab.trace);
    let ending = match played {
        Ok(()) => lab.judge(&account),
        Err(Stop::Lab(error)) => Ending::Inconclusive(error),
        Err(Stop::Failed { at, message }) => {
            let (line, column) = (at.map(|at| at.line), at.map(|at| at.column));
            Ending::Failed(vec![Problem { line, column, message }])
        }
    };
    let checks = lab.checks();
    let Lab { sides, trace, .. } = lab;
    let waited = sides.waited();
    let (kept, ending) = match (sides.stop(), ending) {
        (Ok(kept), ending) => (kept, ending),
        (Err(_), ending @ Ending::Inconclusive(_)) => (None, ending),
        (Err(error), _) => (None, Ending::Inconclusive(error.into())),
    };
    let observed = audit::observed(&account);
    Run { trace, account, observed, ending, checks, waited, kept }
}

impl Run {
    fn never_started(error: LabError) -> Self {
        Self {
            trace: Trace::default(),
            account: Account::default(),
            observed: Outcome::default(),
            ending: Ending::Inconclusive(error),
            checks: 0,
            waited: Duration::ZERO,
            kept: None,
        }
    }
}

impl<'a> Lab<'a> {
    /// Starts bitcoind, lets coins mature and calls the cast in.
    fn set_up(scenario: &'a Scenario, options: &Options) -> Result<Self, LabError> {
        if scenario.steps.iter().any(|step| matches!(step.verb, Verb::Try(_))) {
            return Err(LabError::Branches);
        }
        let sides = Self::start_chain(scenario, &options.chain)?;
        let height = sides.main().height();
        let player = |role: &Role| {
            let seed = Seed::derive(&scenario.title, role.name.value.as_str());
            Player::new(role.kind.value, Node::new(seed, height, WALLET_FEERATE))
        };
        let cast: BTreeMap<RoleName, Player> =
            scenario.cast.iter().map(|role| (role.name.value.clone(), player(role))).collect();
        let mut lab = Self {
            scenario,
            interrupted: Arc::clone(&options.interrupted),
            sides,
            links: Links::default(),
            by_id: cast.iter().map(|(name, player)| (player.node.id(), name.clone())).collect(),
            cast,
            channels: BTreeMap::new(),
            states: BTreeMap::new(),
            backups: BTreeMap::new(),
            invoices: BTreeMap::new(),
            naming: None,
            offers: BTreeMap::new(),
            tamperings: Vec::new(),
            gives: None,
            handed: Vec::new(),
            joined: VecDeque::new(),
            coinbase: None,
            quiet: None,
            places: BTreeMap::new(),
            looked_up: LookedUp::default(),
            waited: 0,
            trace: Trace::default(),
            step: None,
            feerate: WALLET_FEERATE,
            begins_at: height,
            settled_at: height,
        };
        lab.introduce();
        lab.prepare()?;
        Ok(lab)
    }

    /// A bitcoind with coins that are mature, and with what the scenario takes beyond that.
    fn start_chain(scenario: &Scenario, options: &chain::Options) -> Result<Sides, LabError> {
        let mut options = options.clone();
        let spikes = scenario.steps.iter().any(|step| matches!(step.verb, Verb::SpikeFees(_)));
        if spikes {
            options.arguments.push(chain::SMALL_MEMPOOL.to_owned());
        }
        let mut chain = Chain::start(&options)?;
        chain.mine(MATURING_BLOCKS)?;
        if spikes {
            chain.prepare_spikes()?;
        }
        Ok(Sides::new(chain, options))
    }

    /// Tells each role what it supports, what it asks for forwarding, and what time it is.
    fn prepare(&mut self) -> Result<(), LabError> {
        let time = self.sides.time();
        for role in &self.scenario.cast {
            let name = &role.name.value;
            let Some(player) = self.cast.get_mut(name) else { continue };
            let relay = NodeCommand::SetRelay(payments::relay_policy(role.relay));
            let features = NodeCommand::SetFeatures(features(role, self.scenario.gossip));
            let mut commands = vec![relay, features, habits::command(role), gossip::command(role)];
            commands.extend(self.scenario.flare.map(gossip::flare));
            let commands = commands.into_iter().map(NodeInput::Command);
            for input in commands.chain([NodeInput::Time(time)]) {
                player.node.step(input).map_err(|source| LabError::Node {
                    role: name.clone(),
                    doing: "begin",
                    source,
                })?;
            }
        }
        Ok(())
    }

    /// The first entry of the trace: who plays.
    fn introduce(&mut self) {
        let cast = self.cast.iter().map(|(name, player)| CastEntry {
            name: name.clone(),
            kind: player.kind,
            node_id: player.node.id(),
            wallet: player.node.wallet().script().clone(),
        });
        let channels = self.scenario.channels.iter().map(|channel| ChannelEntry {
            name: channel.name.value.clone(),
            from: channel.from.value.clone(),
            to: channel.to.value.clone(),
        });
        let event = Event::Scenario {
            title: self.scenario.title.clone(),
            cast: cast.collect(),
            channels: channels.collect(),
            height: self.sides.main().height(),
        };
        self.tell(event);
    }

    /// Pays each role what the scenario says it has.
    fn fund(&mut self) -> Result<(), Stop> {
        let roles = self.scenario.cast.iter().filter(|role| role.funds > Amount::ZERO);
        let outputs: Vec<TxOut> = roles
            .filter_map(|role| {
                let player = self.cast.get(&role.name.value)?;
                let script_pubkey = player.node.wallet().script().clone();
                let coins = usize::try_from(role.coins).unwrap_or(1);
                let value = role.funds / u64::from(role.coins.max(1));
                Some(std::iter::repeat_n(TxOut { value, script_pubkey }, coins))
            })
            .flatten()
            .collect();
        if outputs.is_empty() {
            return Ok(());
        }
        self.sides.main_mut().fund(&outputs)?;
        self.mine(Side::Main, 1)?;
        self.begins_at = self.sides.main().height();
        Ok(())
    }

    fn play(&mut self) -> Result<(), Stop> {
        let scenario = self.scenario;
        self.script_probes(true)?;
        for (number, step) in (1..).zip(&scenario.steps) {
            self.check_interrupted()?;
            self.step = Some(number);
            let (text, say) = (step.verb.to_string(), step.say.clone());
            self.tell(Event::Step { line: step.at.line, text, say });
            let played = self.play_step(step).and_then(|()| self.show_mempool());
            played.map_err(|stop| match stop {
                Stop::Failed { at, message } => {
                    Stop::Failed { at: Some(at.unwrap_or(step.at)), message }
                }
                lab @ Stop::Lab(_) => lab,
            })?;
        }
        self.step = None;
        match self.unkept() {
            None => Ok(()),
            Some(message) => Err(Stop::Failed { at: None, message }),
        }
    }

    /// What was announced and did not happen: it would make the scenario a liar.
    fn unkept(&self) -> Option<String> {
        if let Some(Tampering { role, field, .. }) = self.tamperings.first() {
            return Some(format!("{role} sent no message with {field} to tamper with"));
        }
        let (role, until) = self.sleepers().next()?;
        let height = self.sides.chain(self.sides.of(role)).height();
        Some(format!("{role} was to be offline until block {until}, and the last is {height}"))
    }

    /// Compares the account with the outcome, and with what bitcoind says of the chain.
    fn judge(&mut self, account: &Account) -> Ending {
        if let Err(error) = self.verify(Side::Main, account) {
            return Ending::Inconclusive(error);
        }
        let problems = match &self.scenario.outcome {
            Some(outcome) => audit::judge(account, outcome),
            None => Vec::new(),
        };
        let outputs = u32::try_from(account.outputs()).unwrap_or(u32::MAX);
        self.tell(Event::Audited { outputs, problems: problems.clone() });
        if problems.is_empty() { Ending::Passed } else { Ending::Failed(problems) }
    }

    /// The trace and the account must be bitcoind's own view: the same tip, the same coins.
    fn verify(&mut self, side: Side, account: &Account) -> Result<(), LabError> {
        let chain = self.sides.chain_mut(side);
        let best: bitcoin::BlockHash = chain.call("getbestblockhash", &[])?;
        if best != chain.tip() {
            return Err(LabError::ChainDiffers);
        }
        let mempool = chain.mempool()?;
        let waiting = account.transactions.iter().filter(|tx| tx.confirmed.is_none());
        for waiting in waiting.map(|tx| tx.txid) {
            if !mempool.iter().any(|transaction| transaction.compute_txid() == waiting) {
                return Err(LabError::MempoolDiffers(waiting));
            }
        }
        for outpoint in account.unspent() {
            if chain.unspent(outpoint)?.is_none() {
                return Err(LabError::AuditDiffers(outpoint));
            }
        }
        Ok(())
    }

    fn check_interrupted(&self) -> Result<(), LabError> {
        if self.interrupted.load(Ordering::Relaxed) { Err(LabError::Interrupted) } else { Ok(()) }
    }

    fn tell(&mut self, event: Event) {
        self.trace.entries.push(Entry { step: self.step, event });
    }

    /// How many expectations the run checked: those of steps, and the lines of the outcome.
    fn checks(&self) -> usize {
        let checked =
            |entry: &&Entry| matches!(entry.event, Event::Checked { .. } | Event::Audited { .. });
        let outcome = self.scenario.outcome.as_ref();
        let lines = outcome
            .map_or(0, |o| o.value.entries.len() + o.value.balances.len() + o.value.losses.len());
        self.trace.entries.iter().filter(checked).count() + lines
    }
}

//! The reference node and an LDK node, strangers to each other, on one chain.
//!
//! Everything that one of them does takes the other: while a test waits for anything, it pumps the
//! reference's messages.

mod payments;

use std::{thread, time::Duration};

use bitcoin::{Amount, OutPoint, Transaction, TxOut, Txid};
use boltlab::{
    bolt::{
        channel::{ChainEvent, Phase, Purpose},
        features::Features,
        tx::ChannelType,
        units::{FeeratePerKw, Msat},
        wire::Variations,
    },
    chain::{Chain, ChainError, Submission},
    node::{
        ChannelHandle, ChannelPolicy, NodeChannel, NodeCommand, NodeEvent, NodeInput, OpenRequest,
        default_features,
    },
};
use ldk_node::{Event, UserChannelId};

pub use self::payments::{Payer, Payment};
use crate::{Ldk, LdkError, LdkOptions, Reference, ReferenceError, events::now, mempool_with};

/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the reference listens before anything else is looked at.
const TURN: Duration = Duration::from_millis(4);

/// At which the reference closes and claims.
const FEERATE: FeeratePerKw = FeeratePerKw(1_000);

/// How deep LDK wants a funding transaction to be; the reference wants less.
const DEPTH: u32 = 6;

/// Why the two do not get on, as far as a test can know.
#[derive(Debug, thiserror::Error)]
pub enum EncounterError {
    /// LDK did not do what was asked of it.
    #[error(transparent)]
    Ldk(#[from] LdkError),
    /// The reference did not do what was asked of it.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The lab's bitcoind failed.
    #[error("reach the lab's chain")]
    Chain(#[from] ChainError),
    /// bitcoind does not take a transaction of the reference's.
    #[error("publish the reference's {purpose:?} {txid}: {reason}")]
    NotTaken {
        /// What it is for.
        purpose: Purpose,
        /// The transaction.
        txid: Txid,
        /// Why not.
        reason: String,
    },
    /// The reference says that LDK broke the protocol.
    #[error("get on with LDK: the reference told {0:?}")]
    Violation(Box<NodeEvent>),
    /// It does not come to that.
    #[error("wait until {what}: not within {} s", PATIENCE.as_secs())]
    NotSo {
        /// What was waited for.
        what: String,
    },
    /// The reference has no such channel.
    #[error("find the channel funded by {0}")]
    NoChannel(OutPoint),
}

/// How the two come to meet.
#[derive(Clone, Debug)]
pub struct EncounterOptions {
    /// LDK's options.
    pub ldk: LdkOptions,
    /// What each gets on chain.
    pub funds: Amount,
    /// What the reference supports.
    pub features: Features,
    /// Whether each uses the other's channels before they are confirmed.
    pub trust: bool,
}

impl Default for EncounterOptions {
    fn default() -> Self {
        Self {
            ldk: LdkOptions::named("ldk"),
            funds: Amount::from_sat(20_000_000),
            features: default_features(),
            trust: false,
        }
    }
}

/// A channel, as each side calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The reference's name for it.
    pub handle: ChannelHandle,
    /// LDK's name for it.
    pub ldk: UserChannelId,
    /// What funds it.
    pub funding: OutPoint,
}

/// The two and their chain. Dropping it fails the test if the reference told of a violation, and
/// prints what passed between them if the test has failed.
pub struct Encounter {
    // Fields are dropped in this order: who uses the chain goes first.
    /// LDK.
    pub ldk: Ldk,
    /// The reference.
    pub reference: Reference,
    /// The chain.
    pub chain: Chain,
}

impl Encounter {
    /// Starts both on a chain whose miner has coins, gives both some, and connects them: the
    /// reference comes to LDK.
    ///
    /// # Errors
    /// [`EncounterError`], as everywhere here.
    pub fn begin(mut chain: Chain, options: &EncounterOptions) -> Result<Self, EncounterError> {
        let reference = Reference::new("reference", chain.height(), FEERATE)?;
        let mut of_ldk = options.ldk.clone();
        of_ldk.trusted_0conf.extend(options.trust.then(|| reference.id()));
        let ldk = Ldk::start(&mut chain, &of_ldk)?;
        let mut both = Self { ldk, reference, chain };
        both.reference.command(NodeCommand::SetFeatures(options.features.clone()))?;
        let policy = ChannelPolicy { accepts_zeroconf: options.trust, ..Default::default() };
        both.reference.command(NodeCommand::SetPolicy(both.ldk.id(), policy))?;
        let scripts = [
            both.ldk.new_address()?.script_pubkey(),
            both.reference.node().wallet().script().clone(),
        ];
        let coins = scripts.map(|script_pubkey| TxOut { value: options.funds, script_pubkey });
        both.chain.fund(&coins)?;
        both.mine(1)?;
        both.connect()?;
        Ok(both)
    }

    /// The reference connects to LDK.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn connect(&mut self) -> Result<(), EncounterError> {
        self.reference.connect(&self.ldk)?;
        self.until_greeted()
    }

    /// LDK connects to the reference.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn be_connected(&mut self) -> Result<(), EncounterError> {
        let (ldk, reference) = (&self.ldk, &mut self.reference);
        let (id, address) = (reference.id(), reference.address());
        thread::scope(|scope| {
            // It returns when both have sent `init`, for which the reference has to be listened to.
            let connecting = scope.spawn(move || ldk.connect(id, address));
            reference.accept(ldk)?;
            while !connecting.is_finished() {
                reference.pump(TURN)?;
            }
            match connecting.join() {
                Ok(connected) => connected.map_err(EncounterError::Ldk),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })?;
        self.until_greeted()
    }

    fn until_greeted(&mut self) -> Result<(), EncounterError> {
        self.run_until("both have sent init", |both| {
            both.reference.node().is_connected(&both.ldk.id())
                && both.ldk.connected(both.reference.id())
        })
    }

    /// Ends the connection, and returns when LDK knows that it is gone.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn disconnect(&mut self) -> Result<(), EncounterError> {
        self.reference.disconnect()?;
        self.until_alone()
    }

    /// Has LDK end the connection.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn be_disconnected(&mut self) -> Result<(), EncounterError> {
        self.ldk.disconnect(self.reference.id())?;
        self.until_alone()
    }

    /// Returns when both know that there is no connection.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn until_alone(&mut self) -> Result<(), EncounterError> {
        self.run_until("both are alone", |both| {
            !both.reference.is_linked() && !both.ldk.connected(both.reference.id())
        })
    }

    /// Passes messages on until something is so.
    ///
    /// # Errors
    /// [`EncounterError::NotSo`] if it does not come to that, [`EncounterError::Violation`] as soon
    /// as the reference complains.
    pub fn run_until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), EncounterError> {
        let since = now();
        loop {
            while self.reference.pump(TURN)? {}
            self.publish()?;
            if let Some(event) = self.reference.violations().next() {
                return Err(EncounterError::Violation(Box::new(event.clone())));
            }
            if is_so(self) {
                return Ok(());
            }
            if since.elapsed() >= PATIENCE {
                return Err(EncounterError::NotSo { what: what.into() });
            }
        }
    }

    /// Passes messages on until LDK reports such an event.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn until_ldk(
        &mut self,
        what: &str,
        mut is_it: impl FnMut(&Event) -> bool,
    ) -> Result<Event, EncounterError> {
        let mut found = None;
        self.run_until(&format!("ldk reports {what}"), |both| {
            found = both.ldk.wait_for(what, Duration::ZERO, &mut is_it).ok();
            found.is_some()
        })?;
        found.ok_or_else(|| EncounterError::NotSo { what: what.into() })
    }

    /// Gives bitcoind what the reference wants published.
    fn publish(&mut self) -> Result<(), EncounterError> {
        for (purpose, transaction) in self.reference.take_wanted() {
            let txid = transaction.compute_txid();
            match self.chain.submit(&transaction)? {
                Submission::Accepted => self.reference.note(format!("bitcoind takes {txid}")),
                Submission::Refused { reason } => {
                    self.reference.note(format!("bitcoind does not take {txid}: {reason}"));
                    // LDK may have been faster, with this transaction or another.
                    if !self.has_rival(&transaction)? {
                        return Err(EncounterError::NotTaken { purpose, txid, reason });
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether something that spends one of its inputs is in the mempool or the chain.
    fn has_rival(&mut self, transaction: &Transaction) -> Result<bool, EncounterError> {
        for input in &transaction.input {
            if self.chain.spender(input.previous_output)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Mines blocks one by one, each with what waits for it, and returns when both have seen them.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn mine(&mut self, blocks: u32) -> Result<(), EncounterError> {
        for _ in 0..blocks {
            self.publish()?;
            let height = self.chain.height().checked_add(1).unwrap_or(self.chain.height());
            for block in self.chain.mine(1)? {
                let mined = block.txdata.iter().skip(1).map(Transaction::compute_txid);
                let txids: Vec<_> = mined.collect();
                if !txids.is_empty() {
                    self.reference.note(format!("block {} has {txids:?}", height.0));
                }
                let event = ChainEvent::Connected { height, transactions: block.txdata };
                self.reference.input(NodeInput::Chain(event))?;
            }
        }
        self.publish()?;
        self.ldk.sync(&mut self.chain)?;
        // The next block is not empty if LDK has published something meanwhile.
        self.chain.mempool()?;
        Ok(())
    }

    /// Mines single blocks until something is so.
    ///
    /// # Errors
    /// [`EncounterError::NotSo`] if so many blocks do not bring it.
    pub fn mine_until(
        &mut self,
        what: &str,
        most: u32,
        mut is_so: impl FnMut(&mut Self) -> bool,
    ) -> Result<u32, EncounterError> {
        for mined in 0..=most {
            if is_so(self) {
                return Ok(mined);
            }
            self.mine(1)?;
            self.run_until("the block is digested", |_| true)?;
        }
        Err(EncounterError::NotSo { what: format!("{what}, {most} blocks later") })
    }

    /// Waits for a transaction that LDK or the reference publishes.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn in_mempool(
        &mut self,
        what: &str,
        mut is_it: impl FnMut(&Transaction) -> bool,
    ) -> Result<Transaction, EncounterError> {
        let mut found = None;
        self.run_until(&format!("{what} is in the mempool"), |both| {
            found = mempool_with(&mut both.chain, what, Duration::ZERO, &mut is_it).ok();
            found.is_some()
        })?;
        found.ok_or_else(|| EncounterError::NotSo { what: what.into() })
    }

    /// The transaction of the mempool that spends this output.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn spend_of(&mut self, output: OutPoint) -> Result<Transaction, EncounterError> {
        self.in_mempool(&format!("the spend of {output}"), |transaction| {
            transaction.input.iter().any(|input| input.previous_output == output)
        })
    }

    /// Has LDK open a channel, and puts it in use.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn ldk_opens(&mut self, capacity: Amount, push: Msat) -> Result<Channel, EncounterError> {
        let (id, address) = (self.reference.id(), self.reference.address());
        self.reference.note("ldk is told to open");
        self.ldk.open(id, address, capacity, Some(push.0))?;
        self.confirm()
    }

    /// Has the reference open a channel, and puts it in use.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn reference_opens(
        &mut self,
        capacity: Amount,
        push: Msat,
        channel_type: ChannelType,
    ) -> Result<Channel, EncounterError> {
        self.reference_proposes(capacity, push, channel_type, Variations::default())?;
        self.confirm()
    }

    /// Has the reference open a channel that LDK trusts it with, and returns when it is in use: no
    /// block is mined.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn reference_opens_unconfirmed(
        &mut self,
        capacity: Amount,
        push: Msat,
        variations: Variations,
    ) -> Result<Channel, EncounterError> {
        self.reference_proposes(capacity, push, ChannelType::Anchors, variations)?;
        let channel = self.until_pending()?;
        self.until_ready(channel)?;
        Ok(channel)
    }

    fn reference_proposes(
        &mut self,
        capacity: Amount,
        push: Msat,
        channel_type: ChannelType,
        variations: Variations,
    ) -> Result<(), EncounterError> {
        let peer = self.ldk.id();
        let request = OpenRequest {
            peer,
            capacity,
            push,
            channel_type,
            variations,
            announced: false,
            feerate: FEERATE,
        };
        self.reference.note("reference is told to open");
        self.reference.command(NodeCommand::Open(request))?;
        Ok(())
    }

    fn confirm(&mut self) -> Result<Channel, EncounterError> {
        let channel = self.until_pending()?;
        self.mine(DEPTH)?;
        self.until_ready(channel)?;
        Ok(channel)
    }

    fn until_ready(&mut self, channel: Channel) -> Result<(), EncounterError> {
        self.until_ldk("ChannelReady", |event| matches!(event, Event::ChannelReady { .. }))?;
        self.until_usable(channel)
    }

    /// The channel that is being opened, as soon as its funding transaction is in the mempool.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn until_pending(&mut self) -> Result<Channel, EncounterError> {
        let pending = self
            .until_ldk("ChannelPending", |event| matches!(event, Event::ChannelPending { .. }))?;
        let Event::ChannelPending { user_channel_id, funding_txo, .. } = pending else {
            return Err(EncounterError::NotSo { what: "a channel is pending".into() });
        };
        let txid = funding_txo.txid;
        self.in_mempool("the funding transaction", |tx| tx.compute_txid() == txid)?;
        let is_it = |channel: &NodeChannel| {
            let commitments = channel.phase.commitments();
            commitments.is_some_and(|known| known.funding.outpoint == funding_txo)
        };
        let mut channels = self.reference.node().channels();
        let handle = channels.find_map(|(handle, channel)| is_it(channel).then_some(*handle));
        let handle = handle.ok_or(EncounterError::NoChannel(funding_txo))?;
        Ok(Channel { handle, ldk: user_channel_id, funding: funding_txo })
    }

    /// Returns when both could send a payment.
    ///
    /// # Errors
    /// [`EncounterError`].
    pub fn until_usable(&mut self, channel: Channel) -> Result<(), EncounterError> {
        self.run_until("the channel is usable", |both| {
            let ours = both.reference.node().channel(&channel.handle);
            let is_normal = ours.is_some_and(|ours| {
                matches!(ours.phase, Phase::Normal(_)) && ours.link == boltlab::node::Link::Up
            });
            is_normal && both.ldk.channel(channel.ldk).is_ok_and(|theirs| theirs.is_usable)
        })
    }
}

impl Drop for Encounter {
    fn drop(&mut self) {
        let failed = thread::panicking();
        let violation = self.reference.violations().next();
        if failed || violation.is_some() {
            eprintln!("{}", self.reference.log().tail(SHOWN));
            eprintln!("LDK's log: {} (BOLTLAB_KEEP_LDK=1 keeps it)", self.ldk.log().display());
        }
        if let Some(violation) = violation
            && !failed
        {
            panic!("the reference told of a violation: {violation:?}");
        }
    }
}

/// How many entries of the log a failed test prints.
const SHOWN: usize = 120;

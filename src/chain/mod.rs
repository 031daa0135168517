//! The regtest bitcoind of a lab: start it, call it, mine, reorg, read its mempool, end it.
//!
//! The lab is the only miner. It builds its blocks itself, each a pure function of what the lab
//! did before, and so knows the chain without asking: the same actions give the same blocks, byte
//! by byte, in every run and on every bitcoind.

mod block;
mod error;
mod fork;
mod index;
mod ledger;
mod mempool;
mod mining;
pub mod obtain;
mod process;
mod reorg;
mod rpc;
mod spike;
mod start;
mod wallet;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bitcoin::{Block, BlockHash, OutPoint, Transaction, TxOut, Txid};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use self::{
    error::ChainError,
    ledger::Reorg,
    mempool::{PackageSubmission, Submission},
    reorg::Branch,
    spike::{SMALL_MEMPOOL, Seen},
};
use self::{
    ledger::Ledger,
    process::Process,
    rpc::{Call, CallError, Refusal, Rpc},
    spike::Spike,
    wallet::Wallet,
};
use crate::bolt::units::BlockHeight;

/// How long bitcoind may take to end when asked, and to be noticed when it broke a connection.
const END: Duration = Duration::from_secs(5);

/// How to start a bitcoind.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The program and its first arguments. A wrapper script should `exec` bitcoind.
    pub command: Vec<OsString>,
    /// More arguments (the policy of a Knots), which override the lab's own.
    pub arguments: Vec<String>,
    /// Whether to keep bitcoind's folder when the lab ends.
    pub keep: bool,
    /// Where to make bitcoind's folder. If none: in `TMPDIR`, else in `/dev/shm` when that has
    /// room and the folder is not kept (a lab then takes half the time), else in `/tmp`.
    pub parent: Option<PathBuf>,
}

impl From<&obtain::Bitcoind> for Options {
    /// To start this bitcoind, with the policy that makes it alike to others.
    fn from(bitcoind: &obtain::Bitcoind) -> Self {
        let arguments = bitcoind.policy_arguments().iter().map(ToString::to_string).collect();
        Self { command: bitcoind.command.clone(), arguments, ..Self::default() }
    }
}

/// A running bitcoind, and the lab's account of its chain. Dropping it kills bitcoind and removes
/// its folder, as does the end of the harness, even by SIGKILL.
#[derive(Debug)]
pub struct Chain {
    // Before the RPC client, for it must end first.
    process: Process,
    rpc: Rpc,
    ledger: Ledger,
    wallet: Wallet,
    folder: PathBuf,
    keep: bool,
    port: u16,
    starting: Duration,
    /// Distinguishes the coinbases of rival branches.
    branch: u32,
    /// bitcoind's clock, in seconds since 1970. It never goes back.
    clock: u64,
    /// The tip that bitcoind last made a template for.
    template_at: Option<BlockHash>,
    mempool: Mempool,
    spike: Spike,
    /// Empty blocks that bitcoind gets, all in one batch, before it is asked anything.
    owed: Vec<Block>,
}

/// What the lab knows of the mempool without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mempool {
    Empty,
    Unknown,
}

/// Who spends an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spender {
    /// A transaction of the mempool.
    Mempool(Txid),
    /// A transaction of the active chain, and its height.
    Chain(Txid, BlockHeight),
}

impl Chain {
    /// bitcoind's folder, for `bitcoin-cli -regtest -datadir=`.
    pub fn datadir(&self) -> &Path {
        &self.folder
    }

    /// The port of bitcoind's RPC on 127.0.0.1.
    pub fn rpc_port(&self) -> u16 {
        self.port
    }

    /// The file with the RPC's user and password.
    pub fn cookie_file(&self) -> PathBuf {
        self.folder.join("regtest/.cookie")
    }

    /// bitcoind's process id, or `None` if it has ended and taken its pid file along.
    pub fn pid(&self) -> Option<u32> {
        let pid = fs::read_to_string(self.folder.join("regtest/bitcoind.pid")).ok()?;
        pid.trim().parse().ok()
    }

    /// The height of the tip, from the lab's own account.
    pub fn height(&self) -> BlockHeight {
        self.ledger.height()
    }

    /// The time of the tip, in seconds since 1970: ten minutes a block, whatever the clocks say.
    pub fn time(&self) -> u64 {
        block::time(self.height()).into()
    }

    /// The hash of the tip, from the lab's own account.
    pub fn tip(&self) -> BlockHash {
        self.ledger.tip()
    }

    /// A block of the active chain, from the lab's own account.
    pub fn block(&self, height: BlockHeight) -> Option<&Block> {
        self.ledger.at(height).map(|(_, block)| block)
    }

    /// The height at which the active chain has a transaction, from the lab's own account.
    pub fn confirmed(&self, txid: Txid) -> Option<BlockHeight> {
        self.ledger.confirmed(txid)
    }

    /// Time spent waiting for bitcoind, its start included.
    pub fn waited(&self) -> Duration {
        self.starting + self.rpc.waited
    }

    /// The transaction that spends an output, confirmed or not.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached.
    pub fn spender(&mut self, output: OutPoint) -> Result<Option<Spender>, ChainError> {
        #[derive(serde::Deserialize)]
        struct Answer {
            spendingtxid: Option<Txid>,
        }
        if let Some((height, tx)) = self.ledger.spender(output) {
            return Ok(Some(Spender::Chain(tx.compute_txid(), height)));
        }
        let argument = json!([{ "txid": output.txid, "vout": output.vout }]);
        let answer: Vec<Answer> = self.call("gettxspendingprevout", &[argument])?;
        Ok(answer.first().and_then(|answer| answer.spendingtxid).map(Spender::Mempool))
    }

    /// An output, if neither the active chain nor the mempool spends it.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached.
    pub fn unspent(&mut self, output: OutPoint) -> Result<Option<TxOut>, ChainError> {
        let arguments = [json!(output.txid), json!(output.vout), json!(true)];
        let answer: Option<Value> = self.call("gettxout", &arguments)?;
        if answer.is_none() {
            return Ok(None);
        }
        if let Some(tx) = self.ledger.transaction(output.txid) {
            return Ok(output_of(tx, output));
        }
        let mempool = self.mempool()?;
        let tx = mempool.iter().find(|tx| tx.compute_txid() == output.txid);
        Ok(tx.and_then(|tx| output_of(tx, output)))
    }

    /// An output, if the active chain does not spend it; what the mempool does is no matter.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached.
    pub fn unspent_in_blocks(&mut self, output: OutPoint) -> Result<Option<TxOut>, ChainError> {
        let arguments = [json!(output.txid), json!(output.vout), json!(false)];
        let answer: Option<Value> = self.call("gettxout", &arguments)?;
        let transaction = answer.and_then(|_| self.ledger.transaction(output.txid));
        Ok(transaction.and_then(|transaction| output_of(transaction, output)))
    }

    /// Sets bitcoind's clock, in seconds since 1970. It follows the blocks' times from there on,
    /// and never goes back.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached.
    pub fn set_mock_time(&mut self, seconds: u64) -> Result<(), ChainError> {
        self.clock = self.clock.max(seconds);
        self.call("setmocktime", &[json!(self.clock)])
    }

    /// Calls bitcoind by name, for what has no method of its own here. A call that changes the
    /// active chain leaves the lab's account wrong.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or answers with an error.
    pub fn call<T: DeserializeOwned>(
        &mut self,
        method: &'static str,
        arguments: &[Value],
    ) -> Result<T, ChainError> {
        self.attempt(method, arguments)?.map_err(|refusal| refusal.of(method))
    }

    /// A call whose error answer means something to the caller.
    fn attempt<T: DeserializeOwned>(
        &mut self,
        method: &'static str,
        arguments: &[Value],
    ) -> Result<Result<T, Refusal>, ChainError> {
        self.settle()?;
        self.mempool = Mempool::Unknown;
        match self.rpc.call(method, arguments) {
            Ok(answer) => Ok(Ok(answer)),
            Err(CallError::Refused(refusal)) => Ok(Err(refusal)),
            Err(error) => Err(self.explain(method, error)),
        }
    }

    fn batch(&mut self, calls: &[Call]) -> Result<Vec<Result<Value, Refusal>>, ChainError> {
        self.settle()?;
        self.mempool = Mempool::Unknown;
        self.batch_at_once(calls)
    }

    fn batch_at_once(&mut self, calls: &[Call]) -> Result<Vec<Result<Value, Refusal>>, ChainError> {
        self.alive()?;
        let method = calls.last().map_or("nothing", |call| call.method);
        self.rpc.batch(calls).map_err(|error| self.explain(method, error))
    }

    /// Why a call has no answer: mostly because bitcoind is gone.
    fn explain(&self, method: &'static str, error: CallError) -> ChainError {
        let ended = match error {
            CallError::Broken(_) => self.process.ends_within(END),
            CallError::Refused(_) | CallError::TimedOut(_) => self.process.has_ended(),
        };
        if ended { self.died() } else { error.of(method) }
    }

    fn alive(&self) -> Result<(), ChainError> {
        if self.process.has_ended() { Err(self.died()) } else { Ok(()) }
    }

    /// What it printed is often nothing, or nothing but warnings; so its log comes along.
    fn died(&self) -> ChainError {
        let mut output = self.process.last_lines();
        output.append(&mut process::last_lines_of(&self.log()));
        ChainError::Died { output }
    }

    fn log(&self) -> PathBuf {
        self.folder.join("regtest/debug.log")
    }

    /// Gives bitcoind the blocks that it is owed. Every call does so first; this is for those who
    /// are about to look at bitcoind by other means.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or refuses a block.
    pub fn settle(&mut self) -> Result<(), ChainError> {
        self.alive()?;
        let owed = std::mem::take(&mut self.owed);
        if owed.is_empty() { Ok(()) } else { self.hand_over(&owed) }
    }

    /// Ends bitcoind: cleanly when its folder is kept (which is returned), else by SIGKILL.
    ///
    /// # Errors
    ///
    /// When the folder cannot be removed.
    pub fn stop(mut self) -> Result<Option<PathBuf>, ChainError> {
        self.end()?;
        Ok(self.keep.then(|| self.folder.clone()))
    }

    fn end(&mut self) -> Result<(), ChainError> {
        // One that hangs, or is gone already, is killed all the same.
        if self.keep && self.call::<Value>("stop", &[]).is_ok() {
            self.process.ends_within(END);
        }
        self.process.kill();
        if self.keep || !self.folder.exists() {
            return Ok(());
        }
        let (action, path) = ("remove", self.folder.clone());
        fs::remove_dir_all(&path).map_err(|source| ChainError::Io { action, path, source })
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // There is nobody to tell; who wants to know calls `stop`.
        drop(self.end());
    }
}

fn output_of(tx: &Transaction, output: OutPoint) -> Option<TxOut> {
    tx.output.get(usize::try_from(output.vout).ok()?).cloned()
}

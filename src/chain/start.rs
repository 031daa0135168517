//! Starting a bitcoind: folder, port, arguments, and the wait until it answers.

use std::{
    ffi::OsString,
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;

use super::{
    Chain, ChainError, Mempool, Options, block,
    ledger::Ledger,
    process::Process,
    rpc::{CallError, Rpc, now},
    spike::Spike,
    wallet::Wallet,
};
use crate::bolt::units::BlockHeight;

/// How long bitcoind may take to start. It takes 0.2 s; more on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(60);

/// How often another port is tried, when someone took the one that the system had offered.
const ATTEMPTS: u32 = 5;

/// Free memory, in KiB, from which on labs run in it. bitcoind demands 50 MB for itself.
const MEMORY: u64 = 1 << 20;

/// The lab's arguments: all known to Core 30 and 31 and to Knots 29, for an unknown one is fatal.
const ARGUMENTS: &[&str] = &[
    "-regtest",
    // No network but the RPC on the loopback.
    "-listen=0",
    "-connect=0",
    "-dnsseed=0",
    "-fixedseeds=0",
    "-discover=0",
    "-natpmp=0",
    "-server",
    "-rpcbind=127.0.0.1",
    "-rpcallowip=127.0.0.1",
    // Nothing that outlives the lab, but transactions that a person can look up.
    "-printtoconsole=0",
    "-persistmempool=0",
    "-settings=0",
    "-disablewallet",
    "-txindex=1",
    // Where the defaults of versions differ, those of Core 31.
    "-minrelaytxfee=0.000001",
    "-incrementalrelayfee=0.000001",
    "-blockmintxfee=0.00000001",
    "-blockmaxweight=4000000",
    // Small and quick: the signature caches alone take 30 ms to clear.
    "-dbcache=4",
    "-maxsigcachesize=1",
    "-fastprune",
    "-blocksxor=0",
    "-par=1",
    "-checkblocks=1",
    "-checklevel=0",
    "-checkmempool=0",
    "-checkblockindex=0",
];

impl Chain {
    /// Starts a bitcoind with an empty regtest chain, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When there is no folder or port for it, and when it ends (with its last words) or hangs.
    pub fn start(options: &Options) -> Result<Self, ChainError> {
        let mut attempt = 1;
        loop {
            match Self::start_once(options) {
                Err(ChainError::CouldNotStart { output, .. })
                    if attempt < ATTEMPTS && output.iter().any(|line| is_port_taken(line)) =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn start_once(options: &Options) -> Result<Self, ChainError> {
        let since = now();
        let port = free_port().map_err(|source| ChainError::Io {
            action: "find a free port on",
            path: "127.0.0.1".into(),
            source,
        })?;
        let folder = make_folder(options)?;
        let clock = u64::from(block::time(BlockHeight(0)));
        let mut arguments: Vec<OsString> = ARGUMENTS.iter().map(Into::into).collect();
        let mut datadir = OsString::from("-datadir=");
        datadir.push(&folder);
        arguments.push(datadir);
        arguments.push(format!("-rpcport={port}").into());
        arguments.push(format!("-mocktime={clock}").into());
        arguments.extend(options.arguments.iter().map(Into::into));

        let remove = (!options.keep).then_some(folder.as_path());
        let process = Process::spawn(&options.command, &arguments, remove).map_err(|source| {
            // Nobody else will; and the first error is the one to report.
            drop(fs::remove_dir_all(&folder));
            ChainError::Io { action: "run", path: "/bin/sh".into(), source }
        })?;
        let rpc = wait_until_ready(&process, &folder, port, options)?;
        let starting = since.elapsed().saturating_sub(rpc.waited);
        Ok(Self {
            process,
            rpc,
            ledger: Ledger::new(),
            wallet: Wallet::new(),
            folder,
            keep: options.keep,
            port,
            starting,
            branch: 0,
            clock,
            template_at: None,
            mempool: Mempool::Unknown,
            spike: Spike::default(),
            owed: Vec::new(),
        })
    }
}

/// Polls, ever less often. The cookie is there as soon as bitcoind has bound its port, so nobody
/// else's port is ever tried.
fn wait_until_ready(
    process: &Process,
    folder: &Path,
    port: u16,
    options: &Options,
) -> Result<Rpc, ChainError> {
    let since = now();
    let mut rpc: Option<Rpc> = None;
    let mut step = Duration::from_millis(1);
    while since.elapsed() < LIMIT {
        if process.ends_within(step) {
            let (command, output) = (options.command.clone(), process.last_lines());
            return Err(ChainError::CouldNotStart { command, output });
        }
        step = (step * 9 / 8).min(Duration::from_millis(10));
        if rpc.is_none() {
            let cookie = fs::read_to_string(folder.join("regtest/.cookie")).ok();
            rpc = cookie.map(|cookie| Rpc::new(port, &cookie));
        }
        match rpc.as_mut().map(|rpc| rpc.call::<Value>("getblockcount", &[])) {
            Some(Ok(_)) => return Ok(rpc.take().expect("the client that has just answered")),
            // Still warming up.
            None | Some(Err(CallError::Refused(_) | CallError::Broken(_))) => {}
            Some(Err(error @ CallError::TimedOut(_))) => return Err(error.of("getblockcount")),
        }
    }
    Err(ChainError::Timeout { method: "getblockcount", after: LIMIT })
}

fn make_folder(options: &Options) -> Result<PathBuf, ChainError> {
    let parent = options.parent.clone().unwrap_or_else(|| match memory() {
        Some(memory) if !options.keep => memory.to_path_buf(),
        _ => std::env::temp_dir(),
    });
    let folder = tempfile::Builder::new().prefix("boltlab-").tempdir_in(&parent);
    let action = "create a folder in";
    // The guard removes it, as it outlives the harness.
    folder.map(tempfile::TempDir::keep).map_err(|source| ChainError::Io {
        action,
        path: parent,
        source,
    })
}

/// A file system in memory, unless the user chose a temporary folder. A lab's folder is small
/// (1 MB), and bitcoind waits for a disk as often as it opens or removes a database.
fn memory() -> Option<&'static Path> {
    static ROOMY: OnceLock<bool> = OnceLock::new();
    let path = Path::new("/dev/shm");
    let roomy = ROOMY.get_or_init(|| {
        std::env::var_os("TMPDIR").is_none() && free_kib(path).is_some_and(|free| free >= MEMORY)
    });
    roomy.then_some(path)
}

/// The room that POSIX's `df -Pk` finds, in KiB.
fn free_kib(path: &Path) -> Option<u64> {
    let df = Command::new("df").arg("-Pk").arg(path).output().ok()?;
    let text = String::from_utf8(df.stdout).ok()?;
    let mut words = text.lines().nth(1)?.split_whitespace();
    let on_memory = words.next()? == "tmpfs";
    words.nth(2)?.parse().ok().filter(|_| on_memory)
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn is_port_taken(line: &str) -> bool {
    line.contains("Unable to start HTTP server") || line.contains("Unable to bind")
}

//! A real LDK node on a lab's chain: started, funded, told what to do, and listened to.
//!
//! The node runs in this process, on threads of its own. It answers to nothing but its peers and
//! its clock: it looks at bitcoind every two seconds, so a test that mines calls [`Ldk::sync`], and
//! it hands its transactions to bitcoind behind the lab's back, so a test that mines them first
//! waits for them in the mempool ([`mempool_with`]).

mod encounter;
mod error;
mod events;
mod folder;
mod mempool;
mod options;
mod reference;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bitcoin::{Address, Amount, Network, secp256k1::PublicKey};
use boltlab::chain::Chain;
use ldk_node::{
    Builder, ChannelDetails, Node, NodeError, UserChannelId,
    config::{AnchorChannelsConfig, Config},
    lightning::ln::{channelmanager::PaymentId, msgs::SocketAddress},
    lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescription, Description},
    logger::LogLevel,
};

pub use self::{
    encounter::{Channel, Encounter, EncounterError, EncounterOptions, Payer, Payment},
    error::LdkError,
    mempool::mempool_with,
    options::LdkOptions,
    reference::{Cut, Log, LogEntry, Reference, ReferenceError},
};
use self::{events::Events, folder::Folder};

/// The crate that is driven, for the names of its events, channels and payments.
pub use ldk_node;

/// How often another port is tried, when someone took the one that the system had offered.
const ATTEMPTS: u32 = 5;

/// How long LDK may take to see a chain's tip. A hundred blocks take a second.
const SYNC: Duration = Duration::from_secs(60);

/// How long an invoice can be paid: longer than any test.
const INVOICE_SECONDS: u32 = 3600;

/// A running LDK node on a lab's chain. Dropping it stops the node and removes its folder, which
/// goes even if the process is killed.
pub struct Ldk {
    // Fields are dropped in this order: the node stops before its folder goes.
    node: Node,
    events: Mutex<Events>,
    address: SocketAddr,
    log: PathBuf,
    folder: Folder,
}

impl Ldk {
    /// Starts a node on a lab's bitcoind, listening on the loopback, and waits until it has seen
    /// the chain's tip.
    ///
    /// # Errors
    ///
    /// When there is no folder or port for it, and when it does not start or cannot reach bitcoind.
    pub fn start(chain: &mut Chain, options: &LdkOptions) -> Result<Self, LdkError> {
        let folder = Folder::beside(chain)?;
        let mut attempt = 1;
        loop {
            match Self::start_once(chain, options, &folder) {
                // What LDK says of a port that is taken.
                Err(LdkError::Refused { source: NodeError::InvalidSocketAddress, .. })
                    if attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(error),
                Ok((node, address)) => {
                    let log = log_in(folder.path());
                    let events = Mutex::new(Events::new()?);
                    let ldk = Self { node, events, address, log, folder };
                    ldk.sync(chain)?;
                    return Ok(ldk);
                }
            }
        }
    }

    fn start_once(
        chain: &Chain,
        options: &LdkOptions,
        folder: &Folder,
    ) -> Result<(Node, SocketAddr), LdkError> {
        let address = free_address()?;
        let mut config = Config {
            storage_dir_path: folder.path().display().to_string(),
            network: Network::Regtest,
            listening_addresses: Some(vec![SocketAddress::from(address)]),
            trusted_peers_0conf: options.trusted_0conf.clone(),
            ..Config::default()
        };
        config.anchor_channels_config = options.anchors.then(|| AnchorChannelsConfig {
            per_channel_reserve_sats: options.anchor_reserve.to_sat(),
            ..AnchorChannelsConfig::default()
        });
        let mut builder = Builder::from_config(config);
        let (user, password) = credentials(&chain.cookie_file())?;
        builder
            .set_chain_source_bitcoind_rpc("127.0.0.1".into(), chain.rpc_port(), user, password)
            .set_gossip_source_p2p()
            .set_entropy_seed_bytes(options.seed)
            .set_filesystem_logger(
                Some(log_in(folder.path()).display().to_string()),
                Some(LogLevel::Gossip),
            );
        if let Some(alias) = &options.alias {
            builder.set_node_alias(alias.clone()).map_err(LdkError::Configuration)?;
        }
        let node = builder.build().map_err(LdkError::Configuration)?;
        node.start().map_err(refused("start"))?;
        Ok((node, address))
    }

    /// The node's public key.
    pub fn id(&self) -> PublicKey {
        self.node.node_id()
    }

    /// Where the node listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The node itself, for what has no method here.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// LDK's log, which prints every message in full, both ways.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The node's folder, which is kept if `BOLTLAB_KEEP_LDK` is set.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns when the node has seen the chain's tip and what is in bitcoind's mempool.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, and when the node does not get there within a minute.
    pub fn sync(&self, chain: &mut Chain) -> Result<(), LdkError> {
        chain.settle().map_err(LdkError::Chain)?;
        let since = events::now();
        // A call that finds the node looking at bitcoind waits for that look's end only, and that
        // look may be older than the tip.
        while since.elapsed() < SYNC {
            self.node.sync_wallets().map_err(refused("sync"))?;
            if self.node.status().current_best_block.block_hash == chain.tip() {
                return Ok(());
            }
        }
        let seen = self.node.status().current_best_block.height;
        Err(LdkError::Behind { seen, tip: chain.height(), after: SYNC })
    }

    /// A fresh address of the node's wallet.
    ///
    /// # Errors
    ///
    /// When the node refuses.
    pub fn new_address(&self) -> Result<Address, LdkError> {
        self.node.onchain_payment().new_address().map_err(refused("make an address"))
    }

    /// What the node can spend on chain, its reserve for anchors aside.
    pub fn spendable(&self) -> Amount {
        Amount::from_sat(self.node.list_balances().spendable_onchain_balance_sats)
    }

    /// Connects to a peer, and returns when both have sent their `init`. The channels with it are
    /// not usable yet.
    ///
    /// # Errors
    ///
    /// When there is no such peer, or it ends the connection: an LDK does so while it holds an
    /// older one.
    pub fn connect(&self, id: PublicKey, address: SocketAddr) -> Result<(), LdkError> {
        // Not persisted: a persisted peer is connected to again every minute.
        self.node.connect(id, SocketAddress::from(address), false).map_err(refused("connect"))
    }

    /// Disconnects from a peer, and does not connect again by itself.
    ///
    /// # Errors
    ///
    /// When the node refuses.
    pub fn disconnect(&self, id: PublicKey) -> Result<(), LdkError> {
        self.node.disconnect(id).map_err(refused("disconnect"))
    }

    /// Whether the node is connected to a peer: each side notices the end of a connection by itself.
    pub fn connected(&self, id: PublicKey) -> bool {
        self.node.list_peers().iter().any(|peer| peer.node_id == id && peer.is_connected)
    }

    /// Opens an unannounced channel, and connects first if need be. It returns when `open_channel`
    /// is on its way; the channel's own events tell the rest.
    ///
    /// # Errors
    ///
    /// When the peer is not to be reached, and when the wallet has too little.
    pub fn open(
        &self,
        id: PublicKey,
        address: SocketAddr,
        capacity: Amount,
        push_msat: Option<u64>,
    ) -> Result<UserChannelId, LdkError> {
        let (address, sats) = (SocketAddress::from(address), capacity.to_sat());
        self.node.open_channel(id, address, sats, push_msat, None).map_err(refused("open"))
    }

    /// The same for an announced channel, for which both nodes need an alias.
    ///
    /// # Errors
    ///
    /// As [`Ldk::open`], and when the node has no alias.
    pub fn open_announced(
        &self,
        id: PublicKey,
        address: SocketAddr,
        capacity: Amount,
        push_msat: Option<u64>,
    ) -> Result<UserChannelId, LdkError> {
        let (address, sats) = (SocketAddress::from(address), capacity.to_sat());
        let opened = self.node.open_announced_channel(id, address, sats, push_msat, None);
        opened.map_err(refused("open an announced channel"))
    }

    /// The node's channels, as it sees them.
    pub fn channels(&self) -> Vec<ChannelDetails> {
        self.node.list_channels()
    }

    /// The channel with this number, which is the node's own and not its peer's.
    ///
    /// # Errors
    ///
    /// When the node has no such channel, or no longer.
    pub fn channel(&self, channel: UserChannelId) -> Result<ChannelDetails, LdkError> {
        let mut channels = self.channels().into_iter();
        let found = channels.find(|details| details.user_channel_id == channel);
        found.ok_or(LdkError::UnknownChannel(channel))
    }

    /// An invoice of the node's.
    ///
    /// # Errors
    ///
    /// When the description is too long, or the node refuses.
    pub fn invoice(&self, amount_msat: u64, description: &str) -> Result<String, LdkError> {
        let description = Description::new(description.into())
            .map_err(|_| refused("describe an invoice")(NodeError::InvoiceCreationFailed))?;
        let description = Bolt11InvoiceDescription::Direct(description);
        let payments = self.node.bolt11_payment();
        let invoice = payments.receive(amount_msat, &description, INVOICE_SECONDS);
        Ok(invoice.map_err(refused("make an invoice"))?.to_string())
    }

    /// Pays an invoice. It returns when the payment is on its way; `PaymentSuccessful` or
    /// `PaymentFailed` tells the rest.
    ///
    /// # Errors
    ///
    /// When the invoice is none or paid already, and when there is no route.
    pub fn pay(&self, invoice: &str) -> Result<PaymentId, LdkError> {
        let invoice: Bolt11Invoice =
            invoice.parse().map_err(|_| refused("read an invoice")(NodeError::InvalidInvoice))?;
        self.node.bolt11_payment().send(&invoice, None).map_err(refused("pay"))
    }

    /// Begins to close a channel together with its peer.
    ///
    /// # Errors
    ///
    /// When the node has no such channel, or refuses.
    pub fn close(&self, channel: UserChannelId) -> Result<(), LdkError> {
        let peer = self.channel(channel)?.counterparty_node_id;
        self.node.close_channel(&channel, peer).map_err(refused("close"))
    }

    /// Publishes the node's commitment transaction, and tells the peer why in an `error`.
    ///
    /// # Errors
    ///
    /// When the node has no such channel, or refuses.
    pub fn force_close(&self, channel: UserChannelId, reason: &str) -> Result<(), LdkError> {
        let peer = self.channel(channel)?.counterparty_node_id;
        let closed = self.node.force_close_channel(&channel, peer, Some(reason.into()));
        closed.map_err(refused("force-close"))
    }

    fn events(&self) -> std::sync::MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the node says when it refuses what was asked of it.
fn refused(action: &'static str) -> impl Fn(NodeError) -> LdkError {
    move |source| LdkError::Refused { action, source }
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("ldk.log")
}

fn free_address() -> Result<SocketAddr, LdkError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr()).map_err(
        |source| LdkError::Io { action: "find a free port on", path: "127.0.0.1".into(), source },
    )
}

/// The user and the password of bitcoind's RPC.
fn credentials(cookie_file: &Path) -> Result<(String, String), LdkError> {
    let failed = |source| LdkError::Io { action: "read", path: cookie_file.into(), source };
    let cookie = fs::read_to_string(cookie_file).map_err(failed)?;
    let (user, password) = cookie
        .trim()
        .split_once(':')
        .ok_or_else(|| failed(std::io::Error::other("no user and password")))?;
    Ok((user.into(), password.into()))
}

//! boltlab's reference node on a real connection: what it wants sent goes over TCP, what comes is
//! decoded and given to it.
//!
//! ```text
//! Node -- Send ------> bytes --> Link ---> the stranger
//!      <- Message ---- bytes <-- Link <---
//!      -- Broadcast -> kept for whoever has the chain
//!      -- Event -----> kept, and looked through for violations
//! ```

mod log;

use std::{net::SocketAddr, time::Duration};

use bitcoin::{Transaction, secp256k1::PublicKey};
use boltlab::{
    bolt::{
        channel::{ChannelEvent, Purpose},
        units::{BlockHeight, FeeratePerKw},
        wire::Message,
    },
    link::{Link, LinkError},
    node::{
        ChannelHandle, Node, NodeCommand, NodeError, NodeEvent, NodeInput, NodeOutput, PeerEvent,
        Seed,
    },
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};

pub use self::log::{Log, LogEntry};
use crate::{Ldk, events::unix_time};

/// How long a stranger may take for a handshake, or to come at all.
const HANDSHAKE: Duration = Duration::from_secs(20);

/// How long a stranger gets to read what was sent, before the connection is cut behind it.
const READ: Duration = Duration::from_millis(15);

/// The messages that are about channels. Pings come when they like.
const ABOUT_CHANNELS: std::ops::RangeInclusive<u16> = 32..=255;

/// The violation that an `error` of the peer's is told as: the peer may well be right.
const ERROR: &str = "bolt01/error/fails-channel";

/// Where to cut the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// So many messages about channels still pass, of either side's.
    pub passes: usize,
}

/// Why the reference does not go on.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// The operating system refused.
    #[error("listen on the loopback")]
    Io(#[from] std::io::Error),
    /// There is no connection.
    #[error("reach the stranger")]
    Link(#[source] LinkError),
    /// Nobody connects.
    #[error("take a connection: none within {} s", .0.as_secs())]
    Nobody(Duration),
    /// Somebody else connected.
    #[error("take a connection of {0}: a stranger to the stranger")]
    SomebodyElse(PublicKey),
    /// The reference refuses a command, or cannot build what it wants to.
    #[error("take a step")]
    Node(#[source] NodeError),
}

/// The reference node, listening on the loopback, with at most one connection.
pub struct Reference {
    seed: Seed,
    node: Node,
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    link: Option<Link>,
    /// How many keys were used up for handshakes.
    ephemerals: u64,
    log: Log,
    events: Vec<NodeEvent>,
    cut: Option<Cut>,
    /// How many messages about channels have passed.
    passed: usize,
    wanted: Vec<(Purpose, Transaction)>,
    /// The requirements that the stranger may break.
    tolerated: Vec<&'static str>,
}

impl Reference {
    /// A node that has seen the chain up to a height. The same name has the same keys in every lab.
    ///
    /// # Errors
    /// [`ReferenceError::Io`] if it cannot listen.
    pub fn new(
        name: &str,
        height: BlockHeight,
        feerate: FeeratePerKw,
    ) -> Result<Self, ReferenceError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let seed = Seed::derive("stranger", name);
        let mut reference = Self {
            node: Node::new(seed.clone(), height, feerate),
            seed,
            runtime,
            address: listener.local_addr()?,
            listener,
            link: None,
            ephemerals: 0,
            log: Log::new(),
            events: Vec::new(),
            cut: None,
            passed: 0,
            wanted: Vec::new(),
            tolerated: vec![ERROR],
        };
        // Invoices are dated by the clock that the stranger reads.
        reference.input(NodeInput::Time(unix_time()))?;
        Ok(reference)
    }

    /// The node's public key.
    pub fn id(&self) -> PublicKey {
        self.node.id()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The node itself.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// All that the node told, in its order.
    pub fn events(&self) -> &[NodeEvent] {
        &self.events
    }

    /// All that passed.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Adds a line to the log: what the test does now.
    pub fn note(&mut self, text: impl Into<String>) {
        self.log.note(text);
    }

    /// Whether there is a connection.
    pub fn is_linked(&self) -> bool {
        self.link.is_some()
    }

    /// What the node told of the stranger's offences, but for those that are tolerated. That the
    /// stranger sent an `error` is none.
    pub fn violations(&self) -> impl Iterator<Item = &NodeEvent> {
        self.events.iter().filter(|event| match event {
            NodeEvent::Peer { event: PeerEvent::Violation { requirement, .. }, .. }
            | NodeEvent::Channel { event: ChannelEvent::Violation { requirement, .. }, .. } => {
                !self.tolerated.contains(&requirement.as_str())
            }
            _ => false,
        })
    }

    /// From now on the stranger may break this requirement.
    pub fn tolerate(&mut self, requirement: &'static str) {
        self.tolerated.push(requirement);
    }

    /// How often the node told that the stranger sent an `error` about this channel.
    pub fn errors(&self, channel: ChannelHandle) -> usize {
        let about = |event: &&NodeEvent| match event {
            NodeEvent::Channel {
                channel: of,
                event: ChannelEvent::Violation { requirement, .. },
            } => *of == channel && requirement == ERROR,
            _ => false,
        };
        self.events.iter().filter(about).count()
    }

    /// The transactions that the node wants published, since this was asked last.
    pub fn take_wanted(&mut self) -> Vec<(Purpose, Transaction)> {
        std::mem::take(&mut self.wanted)
    }

    /// Connects to the stranger.
    ///
    /// # Errors
    /// [`ReferenceError::Link`] if it is not there or does not shake hands.
    pub fn connect(&mut self, ldk: &Ldk) -> Result<(), ReferenceError> {
        let (identity, ephemeral) = self.keys();
        let (address, id) = (ldk.address(), ldk.id());
        let link = Link::connect(address, &identity, &ephemeral, &id, HANDSHAKE);
        let link = self.runtime.block_on(link).map_err(ReferenceError::Link)?;
        self.log.note("reference connects");
        self.linked(link)
    }

    /// Waits for the stranger to connect.
    ///
    /// # Errors
    /// [`ReferenceError::Nobody`] if it does not, [`ReferenceError::Link`] if it does not shake
    /// hands, [`ReferenceError::SomebodyElse`].
    pub fn accept(&mut self, ldk: &Ldk) -> Result<(), ReferenceError> {
        let come = async { timeout(HANDSHAKE, self.listener.accept()).await };
        let come = self.runtime.block_on(come);
        let (stream, _) = come.map_err(|_| ReferenceError::Nobody(HANDSHAKE))??;
        let link = self.shake(stream).map_err(ReferenceError::Link)?;
        if *link.remote() != ldk.id() {
            return Err(ReferenceError::SomebodyElse(*link.remote()));
        }
        self.log.note("ldk connects");
        self.linked(link)
    }

    fn shake(&mut self, stream: TcpStream) -> Result<Link, LinkError> {
        let (identity, ephemeral) = self.keys();
        self.runtime.block_on(Link::accept(stream, &identity, &ephemeral, HANDSHAKE))
    }

    /// The node's identity, and a key for one handshake.
    fn keys(&mut self) -> (bitcoin::secp256k1::SecretKey, bitcoin::secp256k1::SecretKey) {
        self.ephemerals += 1;
        (self.seed.node_secret(), self.seed.key("ephemeral", self.ephemerals))
    }

    fn linked(&mut self, link: Link) -> Result<(), ReferenceError> {
        let peer = *link.remote();
        self.link = Some(link);
        self.input(NodeInput::Connected(peer))
    }

    /// Ends the connection, if there is one.
    ///
    /// # Errors
    /// [`ReferenceError::Node`].
    pub fn disconnect(&mut self) -> Result<(), ReferenceError> {
        let Some(link) = self.link.take() else { return Ok(()) };
        let peer = *link.remote();
        self.runtime.block_on(async {
            sleep(READ).await;
            link.close().await;
        });
        self.log.note("the connection is closed");
        self.input(NodeInput::Disconnected(peer))
    }

    /// Has the next connection break in the midst of what comes.
    pub fn cut(&mut self, cut: Cut) {
        self.cut = Some(cut);
    }

    /// Calls off a cut; whether it was still to come.
    pub fn call_off(&mut self) -> bool {
        self.cut.take().is_some()
    }

    /// Gives the node a command.
    ///
    /// # Errors
    /// [`ReferenceError::Node`] if it makes no sense to the node.
    pub fn command(&mut self, command: NodeCommand) -> Result<(), ReferenceError> {
        self.input(NodeInput::Command(command))
    }

    /// One step of the node, and what it wants.
    ///
    /// # Errors
    /// [`ReferenceError::Node`].
    pub fn input(&mut self, input: NodeInput) -> Result<(), ReferenceError> {
        for output in self.node.step(input).map_err(ReferenceError::Node)? {
            match output {
                NodeOutput::Send { message, .. } => self.send(&message)?,
                NodeOutput::Disconnect { .. } => self.disconnect()?,
                NodeOutput::Broadcast { transaction, purpose, .. } => {
                    self.log.note(format!("publish {purpose:?} {}", transaction.compute_txid()));
                    self.wanted.push((purpose, transaction));
                }
                NodeOutput::BroadcastPackage { transactions, .. } => {
                    let wanted = transactions.into_iter().map(|(tx, purpose)| (purpose, tx));
                    self.wanted.extend(wanted);
                }
                // No channel with LDK is announced.
                NodeOutput::LookUp(_) => {}
                NodeOutput::Event(event) => {
                    self.log.note(format!("{event:?}"));
                    self.events.push(event);
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, message: &Message) -> Result<(), ReferenceError> {
        let bytes = message.encode();
        let is_cut = self.link.is_some() && self.is_cut(message.message_type());
        if is_cut {
            self.log.add(LogEntry::NotSent(bytes));
            return self.disconnect();
        }
        let Some(link) = &mut self.link else {
            self.log.add(LogEntry::NotSent(bytes));
            return Ok(());
        };
        // A connection that the stranger has ended shows when it is read from.
        let sent = self.runtime.block_on(link.send(&bytes));
        self.log.add(if sent.is_ok() { LogEntry::Sent(bytes) } else { LogEntry::NotSent(bytes) });
        Ok(())
    }

    /// How many messages about channels have passed, of either side's.
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// Whether the connection breaks before this message.
    fn is_cut(&mut self, message_type: u16) -> bool {
        if !ABOUT_CHANNELS.contains(&message_type) {
            return false;
        }
        self.passed += 1;
        match &mut self.cut {
            Some(Cut { passes: 0 }) => {
                self.cut = None;
                true
            }
            Some(cut) => {
                cut.passes -= 1;
                false
            }
            None => false,
        }
    }

    /// Takes a message of the stranger's, if one comes in time; whether one did, or the connection
    /// ended.
    ///
    /// # Errors
    /// [`ReferenceError::Node`].
    pub fn pump(&mut self, patience: Duration) -> Result<bool, ReferenceError> {
        let Some(link) = &mut self.link else {
            self.runtime.block_on(async { sleep(patience).await });
            return Ok(false);
        };
        let from = *link.remote();
        let received = self.runtime.block_on(async { timeout(patience, link.receive()).await });
        match received {
            Err(_) => Ok(false),
            Ok(Ok(Some(bytes))) => {
                self.receive(from, bytes)?;
                Ok(true)
            }
            Ok(ended) => {
                self.link = None;
                self.log.note(match ended {
                    Err(error) => format!("the connection breaks: {error}"),
                    Ok(_) => "ldk closes the connection".into(),
                });
                self.input(NodeInput::Disconnected(from))?;
                Ok(true)
            }
        }
    }

    fn receive(&mut self, from: PublicKey, bytes: Vec<u8>) -> Result<(), ReferenceError> {
        let message_type = match bytes.as_slice() {
            [high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        };
        if self.is_cut(message_type) {
            self.log.add(LogEntry::NotRead(bytes));
            return self.disconnect();
        }
        let input = match Message::decode(&bytes) {
            Ok(message) => NodeInput::Message { from, message },
            Err(error) => NodeInput::Garbage { from, message_type, error },
        };
        self.log.add(LogEntry::Received(bytes));
        self.input(input)
    }
}

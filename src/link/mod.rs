//! A connection to another node over TCP: BOLT 8 as `bolt::transport` has it, and a socket.
//!
//! ```text
//!   connect ─► acts one, two, three ◄─ accept        within the caller's patience
//!      │                                  │
//!      └───────────► Link ◄───────────────┘
//!              ┌───────┴───────┐
//!         LinkSender      LinkReceiver               any time, each on its own
//! ```
//! Loopback only: the lab talks to nodes on this machine and to nobody else.

mod breaking;
mod error;
mod handshake;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use secp256k1::{PublicKey, SecretKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::bolt::transport::{Receiver, Sender, Session};
pub use breaking::{Broken, accept_broken, connect_broken};
pub use error::LinkError;

/// How much is read at once; a longer message takes several turns.
const READ_LENGTH: usize = 16 << 10;

/// An encrypted connection to a node that has shown who it is.
#[derive(Debug)]
pub struct Link {
    sender: LinkSender,
    receiver: LinkReceiver,
    remote: PublicKey,
}

impl Link {
    /// Connects to the node of this key. The ephemeral secret must be a new one each time.
    ///
    /// # Errors
    /// [`LinkError`] if nobody is there, or somebody else, or the handshake takes longer than the
    /// patience.
    pub async fn connect(
        address: SocketAddr,
        identity: &SecretKey,
        ephemeral: &SecretKey,
        remote: &PublicKey,
        patience: Duration,
    ) -> Result<Self, LinkError> {
        loopback_only(address)?;
        let shaken = within(patience, async {
            let mut stream = TcpStream::connect(address).await?;
            let session = handshake::initiate(&mut stream, identity, ephemeral, remote).await?;
            Ok((stream, session))
        });
        let (stream, session) = shaken.await?;
        Self::new(stream, session, *remote)
    }

    /// Lets the node on the other end of a stream in. The ephemeral secret must be a new one each
    /// time.
    ///
    /// # Errors
    /// [`LinkError`] if it does not shake hands, or takes longer than the patience.
    pub async fn accept(
        mut stream: TcpStream,
        identity: &SecretKey,
        ephemeral: &SecretKey,
        patience: Duration,
    ) -> Result<Self, LinkError> {
        loopback_only(stream.peer_addr()?)?;
        let shaken = within(patience, handshake::respond(&mut stream, identity, ephemeral));
        let (session, remote) = shaken.await?;
        Self::new(stream, session, remote)
    }

    fn new(stream: TcpStream, session: Session, remote: PublicKey) -> Result<Self, LinkError> {
        // A message is not to wait for the next one.
        stream.set_nodelay(true)?;
        let (reads, writes) = stream.into_split();
        let sender = LinkSender { socket: writes, cipher: session.sender, unsent: Vec::new() };
        let buffer = vec![0; READ_LENGTH].into_boxed_slice();
        let receiver = LinkReceiver { socket: reads, cipher: session.receiver, buffer };
        Ok(Self { sender, receiver, remote })
    }

    /// The other node's key.
    pub fn remote(&self) -> &PublicKey {
        &self.remote
    }

    /// See [`LinkSender::send`].
    ///
    /// # Errors
    /// The same.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), LinkError> {
        self.sender.send(message).await
    }

    /// See [`LinkReceiver::receive`].
    ///
    /// # Errors
    /// The same.
    pub async fn receive(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        self.receiver.receive().await
    }

    /// The two directions, to be used at the same time.
    pub fn split(self) -> (LinkSender, LinkReceiver) {
        (self.sender, self.receiver)
    }

    /// See [`LinkSender::close`].
    pub async fn close(self) {
        self.sender.close().await;
    }
}

/// The direction to the other node. It is closed when this is dropped.
#[derive(Debug)]
pub struct LinkSender {
    socket: OwnedWriteHalf,
    cipher: Sender,
    /// What is sealed and not yet written.
    unsent: Vec<u8>,
}

impl LinkSender {
    /// Sends a message. If this is dropped before it ends, the next call sends the rest first.
    ///
    /// # Errors
    /// [`LinkError::Frame`] for a message that is too long; nothing is sent then, and the link goes
    /// on. [`LinkError::Io`] if the connection is gone.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), LinkError> {
        let frame = self.cipher.seal(message).map_err(LinkError::Frame)?;
        if self.unsent.is_empty() {
            self.unsent = frame;
        } else {
            self.unsent.extend_from_slice(&frame);
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), LinkError> {
        let mut rest = Unsent { written: 0, bytes: &mut self.unsent };
        while let Some(bytes) = rest.left() {
            match self.socket.write(bytes).await? {
                0 => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                length => rest.written += length,
            }
        }
        Ok(())
    }

    /// Ends the stream behind the last message. What goes wrong now is nobody's concern.
    pub async fn close(mut self) {
        if self.flush().await.is_ok() {
            let _ = self.socket.shutdown().await;
        }
    }
}

/// What is written leaves the buffer even if the writing is dropped halfway.
struct Unsent<'a> {
    written: usize,
    bytes: &'a mut Vec<u8>,
}

impl Unsent<'_> {
    fn left(&self) -> Option<&[u8]> {
        self.bytes.get(self.written..).filter(|left| !left.is_empty())
    }
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        self.bytes.drain(..self.written);
    }
}

/// The direction from the other node.
#[derive(Debug)]
pub struct LinkReceiver {
    socket: OwnedReadHalf,
    cipher: Receiver,
    buffer: Box<[u8]>,
}

impl LinkReceiver {
    /// The next message, however long it takes; `None` once the other node has closed between two
    /// messages. If this is dropped before it ends, nothing is lost: it may stand in `select!` or
    /// within a timeout.
    ///
    /// # Errors
    /// [`LinkError::Frame`] for what the other node did not seal, and ever after;
    /// [`LinkError::ClosedMidFrame`]; [`LinkError::Io`].
    pub async fn receive(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        loop {
            if let Some(message) = self.cipher.next().map_err(LinkError::Frame)? {
                return Ok(Some(message));
            }
            match self.socket.read(&mut self.buffer).await? {
                0 if self.cipher.is_between_messages() => return Ok(None),
                0 => return Err(LinkError::ClosedMidFrame),
                length => self.cipher.feed(&self.buffer[..length]),
            }
        }
    }
}

/// An IPv4 address stays what it is when it is written as an IPv6 one.
fn loopback_only(address: SocketAddr) -> Result<(), LinkError> {
    let is_loopback = address.ip().to_canonical().is_loopback();
    if is_loopback { Ok(()) } else { Err(LinkError::NotLoopback { address }) }
}

async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, LinkError> {
    tokio::time::timeout(patience, work).await.unwrap_or(Err(LinkError::TimedOut { patience }))
}

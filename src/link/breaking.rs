//! What a peer says that breaks BOLT 8: one act of the handshake changed, or a frame. The other side
//! ends the connection without a word, and that is what these wait for.

use std::net::SocketAddr;
use std::time::Duration;

use secp256k1::{PublicKey, SECP256K1, SecretKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::handshake::read_act;
use super::{Link, LinkError, loopback_only, within};
use crate::bolt::transport::{Initiator, Responder};

/// What is sent in place of an act or a frame.
#[derive(Debug)]
pub struct Broken {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether nothing follows them: the peer closes.
    pub is_the_last: bool,
}

/// Connects, with act one or three changed. Returns what was sent for it, once the other side has
/// closed.
///
/// # Errors
/// [`LinkError::NotClosed`] if it says anything instead; the others as for [`Link::connect`].
pub async fn connect_broken(
    address: SocketAddr,
    (identity, ephemeral, remote): (&SecretKey, &SecretKey, &PublicKey),
    act_three: bool,
    broken: impl FnOnce(&[u8]) -> Broken,
    patience: Duration,
) -> Result<Vec<u8>, LinkError> {
    loopback_only(address)?;
    let shaken = within(patience, async {
        let mut stream = TcpStream::connect(address).await?;
        let (initiator, act) = Initiator::start(&identity.keypair(SECP256K1), ephemeral, remote);
        if !act_three {
            return say_last(stream, broken(&act)).await;
        }
        stream.write_all(&act).await?;
        let act = read_act(&mut stream, 2).await?;
        let (_, act) = initiator.receive_act_two(&act).map_err(LinkError::Handshake)?;
        say_last(stream, broken(&act)).await
    });
    shaken.await
}

/// Lets somebody in, with act two changed. Returns what was sent for it, once the other side has
/// closed.
///
/// # Errors
/// [`LinkError::NotClosed`] if it says anything instead; the others as for [`Link::accept`].
pub async fn accept_broken(
    mut stream: TcpStream,
    identity: &SecretKey,
    ephemeral: &SecretKey,
    broken: impl FnOnce(&[u8]) -> Broken,
    patience: Duration,
) -> Result<Vec<u8>, LinkError> {
    loopback_only(stream.peer_addr()?)?;
    let shaken = within(patience, async {
        let responder = Responder::new(&identity.keypair(SECP256K1), ephemeral);
        let act = read_act(&mut stream, 1).await?;
        let (_, act) = responder.receive_act_one(&act).map_err(LinkError::Handshake)?;
        say_last(stream, broken(&act)).await
    });
    shaken.await
}

impl Link {
    /// Sends a message with its frame changed. Returns what was sent for it, once the other side has
    /// closed.
    ///
    /// # Errors
    /// [`LinkError::NotClosed`] if it says anything instead; the others as for [`Link::send`].
    pub async fn send_broken(
        self,
        message: &[u8],
        broken: impl FnOnce(&[u8]) -> Broken,
        patience: Duration,
    ) -> Result<Vec<u8>, LinkError> {
        let Self { mut sender, mut receiver, .. } = self;
        let frame = sender.cipher.seal(message).map_err(LinkError::Frame)?;
        let Broken { bytes, is_the_last } = broken(&frame);
        let said = within(patience, async {
            sender.unsent.extend_from_slice(&bytes);
            sender.flush().await?;
            let _kept = Some(sender).filter(|_| !is_the_last);
            match receiver.receive().await {
                Ok(None) | Err(_) => Ok(bytes),
                Ok(Some(_)) => Err(LinkError::NotClosed),
            }
        });
        said.await
    }
}

/// Says something to which there is no answer but the end of the connection.
async fn say_last(mut stream: TcpStream, broken: Broken) -> Result<Vec<u8>, LinkError> {
    stream.write_all(&broken.bytes).await?;
    if broken.is_the_last {
        stream.shutdown().await?;
    }
    match stream.read(&mut [0]).await {
        Ok(0) | Err(_) => Ok(broken.bytes),
        Ok(_) => Err(LinkError::NotClosed),
    }
}

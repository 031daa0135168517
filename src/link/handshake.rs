//! The three acts over a stream: exactly their bytes are read, what follows is the session's.

use secp256k1::{PublicKey, SECP256K1, SecretKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::LinkError;
use crate::bolt::transport::{Initiator, Responder, Session, whole_act};

pub(super) async fn initiate(
    stream: &mut TcpStream,
    identity: &SecretKey,
    ephemeral: &SecretKey,
    remote: &PublicKey,
) -> Result<Session, LinkError> {
    let (initiator, act) = Initiator::start(&identity.keypair(SECP256K1), ephemeral, remote);
    stream.write_all(&act).await?;
    let act = read_act(stream, 2).await?;
    let (session, act) = initiator.receive_act_two(&act).map_err(LinkError::Handshake)?;
    stream.write_all(&act).await?;
    Ok(session)
}

pub(super) async fn respond(
    stream: &mut TcpStream,
    identity: &SecretKey,
    ephemeral: &SecretKey,
) -> Result<(Session, PublicKey), LinkError> {
    let responder = Responder::new(&identity.keypair(SECP256K1), ephemeral);
    let act = read_act(stream, 1).await?;
    let (responder, act) = responder.receive_act_one(&act).map_err(LinkError::Handshake)?;
    stream.write_all(&act).await?;
    let act = read_act(stream, 3).await?;
    responder.receive_act_three(&act).map_err(LinkError::Handshake)
}

pub(super) async fn read_act<const N: usize>(
    stream: &mut TcpStream,
    act: u8,
) -> Result<[u8; N], LinkError> {
    let mut bytes = [0; N];
    let mut length = 0;
    while length < N {
        match stream.read(&mut bytes[length..]).await? {
            0 => break,
            read => length += read,
        }
    }
    whole_act(act, &bytes[..length]).copied().map_err(LinkError::Handshake)
}

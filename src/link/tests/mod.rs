//! Links over real sockets, with good peers and with bad ones.

mod breaking;
mod frames;
mod handshake;

use secp256k1::SECP256K1;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use super::*;
use crate::bolt::transport::{FrameError, HandshakeError, Initiator, Responder};

/// Enough for whatever should happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// For what should not.
const IMPATIENCE: Duration = Duration::from_millis(100);

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn point(byte: u8) -> PublicKey {
    secret(byte).public_key(SECP256K1)
}

/// Nothing here may hang.
#[track_caller]
fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(3 * PATIENCE, work).await.expect("it hangs") })
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Two ends of one connection.
async fn streams() -> (TcpStream, TcpStream) {
    let (listener, address) = listener().await;
    let stream = TcpStream::connect(address).await.unwrap();
    (stream, listener.accept().await.unwrap().0)
}

async fn connect(address: SocketAddr, patience: Duration) -> Result<Link, LinkError> {
    Link::connect(address, &secret(0x11), &secret(0x12), &point(0x21), patience).await
}

async fn accept(stream: TcpStream, patience: Duration) -> Result<Link, LinkError> {
    Link::accept(stream, &secret(0x21), &secret(0x22), patience).await
}

/// The connecting end and the accepting one.
async fn links() -> (Link, Link) {
    let (listener, address) = listener().await;
    let ours = tokio::spawn(connect(address, PATIENCE));
    let theirs = accept(listener.accept().await.unwrap().0, PATIENCE).await.unwrap();
    (ours.await.unwrap().unwrap(), theirs)
}

/// A peer that speaks byte by byte, up to its act three, and the session that it could go on with.
async fn shake(stream: &mut TcpStream) -> (Session, [u8; 66]) {
    let (initiator, act) =
        Initiator::start(&secret(0x11).keypair(SECP256K1), &secret(0x12), &point(0x21));
    stream.write_all(&act).await.unwrap();
    let mut act = [0; 50];
    stream.read_exact(&mut act).await.unwrap();
    initiator.receive_act_two(&act).unwrap()
}

/// A link that was accepted from a peer that speaks byte by byte.
async fn raw() -> (TcpStream, Session, Link) {
    let (mut stream, accepted) = streams().await;
    let link = tokio::spawn(accept(accepted, PATIENCE));
    let (session, act) = shake(&mut stream).await;
    stream.write_all(&act).await.unwrap();
    (stream, session, link.await.unwrap().unwrap())
}

//! Acts over a socket, and what comes in their place.

use super::*;

/// Says no more, and leaves unless it stays. Returns how long that is to be borne.
async fn end(stream: &mut TcpStream, stays: bool) -> Duration {
    if stays {
        return IMPATIENCE;
    }
    stream.shutdown().await.unwrap();
    PATIENCE
}

/// What `accept` says to a peer that sends these bytes and leaves, or stays.
fn accepting(bytes: &[u8], stays: bool) -> LinkError {
    run(async {
        let (mut stream, accepted) = streams().await;
        stream.write_all(bytes).await.unwrap();
        let patience = end(&mut stream, stays).await;
        accept(accepted, patience).await.unwrap_err()
    })
}

/// What `connect` says to a node that answers act one with these bytes and leaves, or stays.
fn connecting(bytes: &[u8], stays: bool) -> LinkError {
    run(async {
        let (listener, address) = listener().await;
        let patience = if stays { IMPATIENCE } else { PATIENCE };
        let link = tokio::spawn(connect(address, patience));
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 50]).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        end(&mut stream, stays).await;
        link.await.unwrap().unwrap_err()
    })
}

#[track_caller]
fn refused(error: &LinkError, expected: HandshakeError) {
    assert!(matches!(error, LinkError::Handshake(actual) if *actual == expected), "{error}");
}

fn act_one() -> [u8; 50] {
    Initiator::start(&secret(0x11).keypair(SECP256K1), &secret(0x12), &point(0x21)).1
}

fn act_two() -> [u8; 50] {
    let responder = Responder::new(&secret(0x21).keypair(SECP256K1), &secret(0x22));
    responder.receive_act_one(&act_one()).unwrap().1
}

#[test]
fn both_sides_know_whom_they_talk_to() {
    run(async {
        let (mut ours, mut theirs) = links().await;
        assert_eq!((ours.remote(), theirs.remote()), (&point(0x21), &point(0x11)));
        ours.send(b"ping").await.unwrap();
        assert_eq!(theirs.receive().await.unwrap(), Some(b"ping".to_vec()));
        theirs.send(b"pong").await.unwrap();
        assert_eq!(ours.receive().await.unwrap(), Some(b"pong".to_vec()));
    });
}

#[test]
fn garbage_is_another_version() {
    let garbage = [0xb7; 66];
    refused(&accepting(&garbage, false), HandshakeError::Version { act: 1, version: 0xb7 });
    refused(&connecting(&garbage, false), HandshakeError::Version { act: 2, version: 0xb7 });
}

#[test]
fn a_changed_act_is_refused() {
    let (mut one, mut two) = (act_one(), act_two());
    one[49] ^= 1;
    two[49] ^= 1;
    refused(&accepting(&one, false), HandshakeError::Mac { act: 1 });
    refused(&connecting(&two, false), HandshakeError::Mac { act: 2 });
}

#[test]
fn a_peer_that_leaves_during_an_act_is_named() {
    for actual in [0, 1, 25, 49] {
        let length = |act| HandshakeError::Length { act, expected: 50, actual };
        refused(&accepting(&act_one()[..actual], false), length(1));
        refused(&connecting(&act_two()[..actual], false), length(2));
    }
    let length = HandshakeError::Length { act: 3, expected: 66, actual: 0 };
    refused(&accepting(&act_one(), false), length);
}

#[test]
fn a_peer_that_says_too_little_is_waited_for_until_patience_ends() {
    for said in [0, 25] {
        let error = accepting(&act_one()[..said], true);
        assert!(matches!(error, LinkError::TimedOut { patience: IMPATIENCE }), "{error}");
        let error = connecting(&act_two()[..said], true);
        assert!(matches!(error, LinkError::TimedOut { patience: IMPATIENCE }), "{error}");
    }
    let error = accepting(&act_one(), true);
    assert_eq!(error.to_string(), "link: no handshake within 100ms");
}

#[test]
fn another_node_than_the_one_called_is_no_peer() {
    run(async {
        let (listener, address) = listener().await;
        let (ours, ephemeral) = (secret(0x11), secret(0x12));
        let link = tokio::spawn(async move {
            Link::connect(address, &ours, &ephemeral, &point(0x23), PATIENCE).await
        });
        let error = accept(listener.accept().await.unwrap().0, PATIENCE).await.unwrap_err();
        refused(&error, HandshakeError::Mac { act: 1 });
        let error = link.await.unwrap().unwrap_err();
        refused(&error, HandshakeError::Length { act: 2, expected: 50, actual: 0 });
    });
}

#[test]
fn nobody_there_is_an_error_of_the_socket() {
    let error = run(async {
        let (listener, address) = listener().await;
        drop(listener);
        connect(address, PATIENCE).await.unwrap_err()
    });
    assert!(matches!(error, LinkError::Io(_)), "{error}");
}

#[test]
fn act_three_may_come_with_the_first_messages() {
    run(async {
        let (mut stream, accepted) = streams().await;
        let link = tokio::spawn(accept(accepted, PATIENCE));
        let (mut session, act) = shake(&mut stream).await;
        let mut bytes = act.to_vec();
        for message in [b"one", b"two"] {
            bytes.extend(session.sender.seal(message).unwrap());
        }
        stream.write_all(&bytes).await.unwrap();
        let mut link = link.await.unwrap().unwrap();
        for message in [b"one", b"two"] {
            assert_eq!(link.receive().await.unwrap(), Some(message.to_vec()));
        }
    });
}

#[test]
fn only_loopback_is_connected_to() {
    for (address, here) in [
        ("127.0.0.1:9735", true),
        ("127.8.8.8:9735", true),
        ("[::1]:9735", true),
        ("[::ffff:127.0.0.1]:9735", true),
        ("0.0.0.0:9735", false),
        ("10.0.0.1:9735", false),
        ("203.0.113.7:9735", false),
        ("[::]:9735", false),
        ("[fe80::1]:9735", false),
        ("[::ffff:10.0.0.1]:9735", false),
    ] {
        assert_eq!(loopback_only(address.parse().unwrap()).is_ok(), here, "{address}");
    }
    let address = "203.0.113.7:9735".parse().unwrap();
    let error = run(connect(address, PATIENCE)).unwrap_err();
    let text = "link to 203.0.113.7:9735: not a loopback address; the lab talks to none else";
    assert_eq!(error.to_string(), text);
}

/// This machine's address in its network, if it has one.
fn address_beside_loopback() -> Option<SocketAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: it only looks for a way.
    socket.connect("203.0.113.7:9").ok()?;
    socket.local_addr().ok().filter(|address| !address.ip().is_loopback())
}

#[test]
fn only_loopback_is_accepted_from() {
    let Some(address) = address_beside_loopback() else { return };
    run(async {
        let listener = TcpListener::bind((address.ip(), 0)).await.unwrap();
        let from = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let error = accept(listener.accept().await.unwrap().0, PATIENCE).await.unwrap_err();
        let refused = from.local_addr().unwrap();
        assert!(
            matches!(error, LinkError::NotLoopback { address } if address == refused),
            "{error}"
        );
    });
}

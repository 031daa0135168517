//! Connections over TCP, with BOLT 8's transport: what goes from one role to another goes through a
//! socket of its own, one message after the other, so that the order is the same as in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use secp256k1::SecretKey;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::link::{Link, LinkError};
use crate::scenario::RoleName;

/// How long a handshake, or a message on its way between two sockets of this machine, may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The sockets of a lab.
pub(super) struct Sockets {
    pub(super) runtime: Runtime,
    /// The end of a role, by the role and the one at the other end.
    ends: BTreeMap<(RoleName, RoleName), Link>,
}

/// A role at one end of a connection.
pub(super) struct End {
    pub(super) role: RoleName,
    /// The secret of its node id.
    pub(super) identity: SecretKey,
    /// The ephemeral secret of this handshake.
    pub(super) ephemeral: SecretKey,
}

impl Sockets {
    /// No connection yet.
    ///
    /// # Errors
    /// [`LinkError::Io`] if the machine gives no event loop.
    pub(super) fn new() -> Result<Self, LinkError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(LinkError::Io)?;
        Ok(Self { runtime, ends: BTreeMap::new() })
    }

    /// Connects two roles over loopback: `from` is the initiator of the handshake.
    ///
    /// # Errors
    /// [`LinkError`] if there is no socket, or the handshake fails.
    pub(super) fn connect(&mut self, (from, to): (End, End)) -> Result<(), LinkError> {
        let remote = to.identity.public_key(secp256k1::SECP256K1);
        let (ours, theirs) = self.runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.map_err(LinkError::Io)?;
            let address = listener.local_addr().map_err(LinkError::Io)?;
            let responder = tokio::spawn(async move {
                let (stream, _) = listener.accept().await.map_err(LinkError::Io)?;
                Link::accept(stream, &to.identity, &to.ephemeral, PATIENCE).await
            });
            let (identity, ephemeral) = (&from.identity, &from.ephemeral);
            let ours = Link::connect(address, identity, ephemeral, &remote, PATIENCE).await?;
            let theirs = responder.await.map_err(|error| LinkError::Io(error.into()))??;
            Ok::<_, LinkError>((ours, theirs))
        })?;
        self.ends.insert((from.role.clone(), to.role.clone()), ours);
        self.ends.insert((to.role, from.role), theirs);
        Ok(())
    }

    /// Carries a message from one end to the other; what comes out there.
    ///
    /// # Errors
    /// [`LinkError`] if the connection fails.
    pub(super) fn carry(
        &mut self,
        from: &RoleName,
        to: &RoleName,
        message: &[u8],
    ) -> Result<Vec<u8>, LinkError> {
        let mut sender = self.take(from, to)?;
        let mut receiver = self.take(to, from)?;
        let carried = self.runtime.block_on(in_time(async {
            sender.send(message).await?;
            receiver.receive().await?.ok_or(LinkError::Closed)
        }));
        self.ends.insert((from.clone(), to.clone()), sender);
        self.ends.insert((to.clone(), from.clone()), receiver);
        carried
    }

    /// The end of a role, which is gone then.
    pub(super) fn take(&mut self, role: &RoleName, peer: &RoleName) -> Result<Link, LinkError> {
        self.ends.remove(&(role.clone(), peer.clone())).ok_or(LinkError::Closed)
    }

    /// Closes the connection of two roles, if there is one.
    pub(super) fn close(&mut self, one: &RoleName, other: &RoleName) {
        for end in [self.take(one, other), self.take(other, one)].into_iter().flatten() {
            // Who does not take the rest of a message in time does without it.
            let _ = self.runtime.block_on(async { timeout(PATIENCE, end.close()).await });
        }
    }
}

/// What happens between two sockets of this machine takes no longer than this.
pub(super) async fn in_time<T>(
    work: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, LinkError> {
    let silent = LinkError::Silent { patience: PATIENCE };
    timeout(PATIENCE, work).await.unwrap_or(Err(silent))
}

//! Probes that break BOLT 8: an act of the handshake or a frame that the other end must not take. It
//! ends the connection without a word; the nodes know nothing but that end.

use tokio::net::TcpListener;

use super::probes::Arrived;
use super::sockets::{End, PATIENCE, Sockets, in_time};
use super::steps::failed;
use super::{Lab, LabError, Stop};
use crate::bolt::wire::Bytes;
use crate::link::{Broken, Link, LinkError, accept_broken, connect_broken};
use crate::scenario::{Act, ActFault, At, BrokenAct, FrameFault, RoleName};
use crate::trace::Event;

/// What came of an act or a frame that breaks BOLT 8.
struct Refused {
    /// What was sent.
    bytes: Vec<u8>,
    /// The messages in it that were whole, and were taken.
    taken: Vec<Vec<u8>>,
    /// Why nothing more was.
    error: String,
}

impl Lab<'_> {
    /// A connection of which one act is broken: there is none in the end.
    pub(super) fn connect_broken(
        &mut self,
        from: &At<RoleName>,
        to: &At<RoleName>,
        broken: BrokenAct,
    ) -> Result<(), Stop> {
        for role in [from, to] {
            self.must_be_online(&role.value)?;
        }
        let ends = self.ends(&from.value, &to.value)?;
        let refused = self.sockets()?.connect_broken(ends, broken).map_err(LabError::Link)?;
        let (probe, reader) = if broken.act.value == Act::Two { (to, from) } else { (from, to) };
        self.note_refusal(probe, &reader.value, refused)
    }

    /// A message of which the frame is broken: the connection has ended then.
    pub(super) fn send_broken(
        &mut self,
        from: &At<RoleName>,
        to: &RoleName,
        message: &[u8],
        fault: FrameFault,
    ) -> Result<(), Stop> {
        let refused = self.sockets()?.carry_broken(&from.value, to, message, fault);
        self.note_refusal(from, to, refused.map_err(LabError::Link)?)?;
        self.unlink(&from.value, to)
    }

    /// Has the node of the reader take what was whole, and tells of the rest.
    fn note_refusal(
        &mut self,
        probe: &At<RoleName>,
        reader: &RoleName,
        refused: Option<Refused>,
    ) -> Result<(), Stop> {
        let Some(Refused { bytes, taken, error }) = refused else {
            let message = format!("{reader} goes on with what breaks BOLT 8");
            return Err(failed(Some(probe.at), message));
        };
        for message in taken {
            self.receive(&probe.value, reader, &message)?;
        }
        let (from, to, bytes) = (probe.value.clone(), reader.clone(), Bytes(bytes));
        self.tell(Event::Broken { from, to, bytes, error });
        self.note_arrival(reader, &probe.value, Arrived::HangUp);
        Ok(())
    }
}

impl Sockets {
    /// Shakes hands with one act broken; `None` if the other end goes on all the same.
    fn connect_broken(
        &mut self,
        (from, to): (End, End),
        BrokenAct { act, fault }: BrokenAct,
    ) -> Result<Option<Refused>, LinkError> {
        let remote = to.identity.public_key(secp256k1::SECP256K1);
        let broken = move |act: &[u8]| broken_act(fault, act);
        let (said, read) = self.runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let accepted = async move { listener.accept().await.map(|(stream, _)| stream) };
            if act.value == Act::Two {
                let probe = tokio::spawn(async move {
                    let (stream, identity, ephemeral) =
                        (accepted.await?, to.identity, to.ephemeral);
                    accept_broken(stream, &identity, &ephemeral, broken, PATIENCE).await
                });
                let (identity, ephemeral) = (&from.identity, &from.ephemeral);
                let read = Link::connect(address, identity, ephemeral, &remote, PATIENCE).await;
                let read = read.map(drop);
                Ok::<_, LinkError>((probe.await.map_err(std::io::Error::from)?, read))
            } else {
                let reader = tokio::spawn(async move {
                    let (stream, identity, ephemeral) =
                        (accepted.await?, to.identity, to.ephemeral);
                    Link::accept(stream, &identity, &ephemeral, PATIENCE).await.map(drop)
                });
                let keys = (&from.identity, &from.ephemeral, &remote);
                let said = connect_broken(address, keys, act.value == Act::Three, broken, PATIENCE);
                Ok((said.await, reader.await.map_err(std::io::Error::from)?))
            }
        })?;
        refusal(said, Vec::new(), read)
    }

    /// Carries a message in a broken frame; `None` if the other end goes on all the same. It ends
    /// the connection in both cases.
    fn carry_broken(
        &mut self,
        from: &RoleName,
        to: &RoleName,
        message: &[u8],
        fault: FrameFault,
    ) -> Result<Option<Refused>, LinkError> {
        let (sender, mut receiver) = (self.take(from, to)?, self.take(to, from)?);
        let message = message.to_vec();
        let whole = usize::from(matches!(fault, FrameFault::TooLong | FrameFault::Twice));
        let mut taken = Vec::new();
        let (said, read) = self.runtime.block_on(async {
            let probe = tokio::spawn(async move {
                let broken = |frame: &[u8]| broken_frame(fault, &message, frame);
                sender.send_broken(&message, broken, PATIENCE).await
            });
            let read = loop {
                match in_time(receiver.receive()).await {
                    Ok(Some(message)) if taken.len() < whole => taken.push(message),
                    Ok(Some(_)) => break Ok(()),
                    Ok(None) => break Err(LinkError::ClosedMidFrame),
                    Err(error) => break Err(error),
                }
            };
            drop(receiver);
            Ok::<_, LinkError>((probe.await.map_err(std::io::Error::from)?, read))
        })?;
        refusal(said, taken, read)
    }
}

/// What the probe said and how the other end took it. A broken act and a broken frame are refused;
/// anything else that goes wrong is the lab's.
fn refusal(
    said: Result<Vec<u8>, LinkError>,
    taken: Vec<Vec<u8>>,
    read: Result<(), LinkError>,
) -> Result<Option<Refused>, LinkError> {
    let bytes = match said {
        Err(LinkError::NotClosed) => return Ok(None),
        said => said?,
    };
    let error = match read {
        Ok(()) => return Ok(None),
        Err(LinkError::Handshake(error)) => error.to_string(),
        Err(LinkError::Frame(error)) => error.to_string(),
        Err(LinkError::ClosedMidFrame) => "read a frame: the stream ends within it".to_owned(),
        Err(other) => return Err(other),
    };
    Ok(Some(Refused { bytes, taken, error }))
}

fn broken_act(fault: ActFault, act: &[u8]) -> Broken {
    let mut bytes = act.to_vec();
    match fault {
        ActFault::Half => bytes.truncate(act.len() / 2),
        ActFault::WrongVersion => flip(&mut bytes, 0),
        // Of a point in this form, the first byte is 2 or 3.
        ActFault::WrongKey => bytes[1] ^= 4,
        ActFault::WrongMac => flip(&mut bytes, act.len() - 1),
    }
    Broken { bytes, is_the_last: fault == ActFault::Half }
}

fn broken_frame(fault: FrameFault, message: &[u8], frame: &[u8]) -> Broken {
    /// The last byte of the MAC behind a length of two bytes.
    const END_OF_LENGTH: usize = 17;
    let mut bytes = frame.to_vec();
    match fault {
        FrameFault::Half => bytes.truncate(frame.len() / 2),
        FrameFault::WrongLengthMac => flip(&mut bytes, END_OF_LENGTH),
        FrameFault::WrongMac => flip(&mut bytes, frame.len() - 1),
        FrameFault::TooLong => bytes.resize(2 * frame.len(), 0),
        FrameFault::Twice => bytes.extend_from_slice(frame),
        FrameFault::Unsealed => bytes = message.to_vec(),
    }
    Broken { bytes, is_the_last: matches!(fault, FrameFault::Half | FrameFault::Unsealed) }
}

fn flip(bytes: &mut [u8], at: usize) {
    bytes[at] ^= 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bolt::transport::FrameError;

    #[test]
    fn what_the_other_end_goes_on_with_is_not_refused() {
        assert!(refusal(Ok(vec![1]), Vec::new(), Ok(())).unwrap().is_none());
        let closed = Err(LinkError::ClosedMidFrame);
        assert!(refusal(Err(LinkError::NotClosed), Vec::new(), closed).unwrap().is_none());
    }

    #[test]
    fn what_the_other_end_cannot_read_is_told() {
        let read = Err(LinkError::Frame(FrameError::MessageMac));
        let refused = refusal(Ok(vec![1]), vec![vec![2]], read).unwrap().unwrap();
        assert_eq!((refused.bytes, refused.taken), (vec![1], vec![vec![2]]));
        assert_eq!(refused.error, "read a frame: the MAC of its message does not fit");
    }

    #[test]
    fn a_lab_without_sockets_is_to_blame_itself() {
        let broke = || LinkError::Silent { patience: PATIENCE };
        assert!(refusal(Err(broke()), Vec::new(), Err(LinkError::ClosedMidFrame)).is_err());
        assert!(refusal(Ok(vec![1]), Vec::new(), Err(broke())).is_err());
    }

    #[test]
    fn each_fault_changes_what_it_names() {
        let frame = [7; 40];
        let changed = |fault| {
            let Broken { bytes, is_the_last } = broken_frame(fault, b"message", &frame);
            let differs = bytes.iter().zip(&frame).position(|(one, other)| one != other);
            (bytes.len(), differs, is_the_last)
        };
        assert_eq!(changed(FrameFault::Half), (20, None, true));
        assert_eq!(changed(FrameFault::WrongLengthMac), (40, Some(17), false));
        assert_eq!(changed(FrameFault::WrongMac), (40, Some(39), false));
        assert_eq!(changed(FrameFault::TooLong), (80, None, false));
        assert_eq!(changed(FrameFault::Twice), (80, None, false));
        assert_eq!(changed(FrameFault::Unsealed), (7, Some(0), true));
        let changed = |fault| {
            let Broken { bytes, is_the_last } = broken_act(fault, &[0; 50]);
            (bytes.len(), bytes.iter().position(|byte| *byte != 0), is_the_last)
        };
        assert_eq!(changed(ActFault::Half), (25, None, true));
        assert_eq!(changed(ActFault::WrongVersion), (50, Some(0), false));
        assert_eq!(changed(ActFault::WrongKey), (50, Some(1), false));
        assert_eq!(changed(ActFault::WrongMac), (50, Some(49), false));
    }
}

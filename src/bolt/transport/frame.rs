//! Messages on their way: a length and a text, each encrypted with a MAC. BOLT 8, "Lightning Message
//! Specification".

use thiserror::Error;

use super::cipher::{CipherKey, MAC_LENGTH};
use super::noise::SessionKeys;

/// `length` and its MAC.
const HEADER_LENGTH: usize = 2 + MAC_LENGTH;
/// The longest frame: a message of 65,535 bytes.
pub const MAX_FRAME_LENGTH: usize = OVERHEAD + 65_535;
/// What a frame adds to its message.
const OVERHEAD: usize = HEADER_LENGTH + MAC_LENGTH;

/// Why there is no such frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A message whose length two bytes cannot say.
    #[error("seal a message: {length} bytes; the most is 65535")]
    TooLong {
        /// The message's length.
        length: usize,
    },
    /// The length was changed, or the stream goes on with another key.
    #[error("read a frame: the MAC of its length does not fit")]
    LengthMac,
    /// The message was changed.
    #[error("read a frame: the MAC of its message does not fit")]
    MessageMac,
}

/// One end of an encrypted connection. Its halves know nothing of each other.
#[derive(Debug)]
pub struct Session {
    /// What goes out.
    pub sender: Sender,
    /// What comes in.
    pub receiver: Receiver,
}

impl Session {
    /// A session at its first message.
    pub fn new(keys: &SessionKeys) -> Self {
        let SessionKeys { chaining_key, sending, receiving } = *keys;
        let (buffer, start, state) = (Vec::new(), 0, State::Length);
        Self {
            sender: Sender { key: CipherKey::new(sending, chaining_key) },
            receiver: Receiver {
                key: CipherKey::new(receiving, chaining_key),
                buffer,
                start,
                state,
            },
        }
    }
}

/// Puts messages into frames.
#[derive(Debug)]
pub struct Sender {
    key: CipherKey,
}

impl Sender {
    /// The key of the next frame.
    pub fn key(&self) -> &CipherKey {
        &self.key
    }

    /// A message as its frame.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] for more than 65,535 bytes; then nothing has happened.
    pub fn seal(&mut self, message: &[u8]) -> Result<Vec<u8>, FrameError> {
        let too_long = |_| FrameError::TooLong { length: message.len() };
        let length = u16::try_from(message.len()).map_err(too_long)?;
        let mut frame = Vec::with_capacity(OVERHEAD.saturating_add(message.len()));
        self.key.seal_onto(&length.to_be_bytes(), &mut frame);
        self.key.seal_onto(message, &mut frame);
        Ok(frame)
    }
}

/// Takes messages out of a stream of frames, in whatever pieces it comes.
#[derive(Debug)]
pub struct Receiver {
    key: CipherKey,
    /// What was fed and not yet made a message of, from `start` on.
    pub(super) buffer: Vec<u8>,
    start: usize,
    state: State,
}

/// What a stream must go on with.
#[derive(Clone, Copy, Debug)]
enum State {
    Length,
    Message { length: u16 },
    Nothing { error: FrameError },
}

impl Receiver {
    /// The key of the next part of a frame.
    pub fn key(&self) -> &CipherKey {
        &self.key
    }

    /// Adds what came over the stream. To hold no more than one frame beside it, take all messages
    /// out with [`next`](Self::next) before more is fed; behind an error, nothing is held at all.
    pub fn feed(&mut self, bytes: &[u8]) {
        match self.state {
            State::Length | State::Message { .. } => {
                // Only what was taken makes the rest move, so no byte moves more than twice.
                self.buffer.drain(..self.start);
                self.start = 0;
                self.buffer.extend_from_slice(bytes);
            }
            State::Nothing { .. } => {}
        }
    }

    /// The next message; `None` until more bytes come.
    ///
    /// # Errors
    /// [`FrameError`] for a frame that the other side did not seal, and ever after.
    #[allow(clippy::should_implement_trait, reason = "behind `None`, it goes on")]
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        self.read().inspect_err(|error| {
            self.state = State::Nothing { error: *error };
            (self.buffer, self.start) = (Vec::new(), 0);
        })
    }

    fn read(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            match self.state {
                State::Length => {
                    let Some((sealed, _)) = rest.split_first_chunk::<HEADER_LENGTH>() else {
                        return Ok(None);
                    };
                    let [high, low, mac @ ..] = sealed;
                    let mut length = [*high, *low];
                    self.key.open(&mut length, mac).ok_or(FrameError::LengthMac)?;
                    self.state = State::Message { length: u16::from_be_bytes(length) };
                    self.start = self.start.saturating_add(HEADER_LENGTH);
                }
                State::Message { length } => {
                    let sealed_length = usize::from(length).saturating_add(MAC_LENGTH);
                    let sealed = rest.get(..sealed_length);
                    let Some((text, mac)) = sealed.and_then(<[u8]>::split_last_chunk) else {
                        return Ok(None);
                    };
                    let mut message = text.to_vec();
                    self.key.open(&mut message, mac).ok_or(FrameError::MessageMac)?;
                    self.state = State::Length;
                    self.start = self.start.saturating_add(sealed_length);
                    return Ok(Some(message));
                }
                State::Nothing { error } => return Err(error),
            }
        }
    }

    /// Whether the stream may end here: no frame has begun, and none is left to be taken.
    pub fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Length) && self.start == self.buffer.len()
    }
}

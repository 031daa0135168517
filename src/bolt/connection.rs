//! A connection with a peer: `init`, and what is not about a channel. BOLT 1, "Setup Messages" and
//! "Control Messages".
//!
//! ```text
//!   |------ init ----------------------->|   neither side waits for the other's
//!   |<----- init ------------------------|
//!   |   (messages of every kind)
//!   |------ ping ----------------------->|
//!   |<----- pong ------------------------|
//! ```

use bitcoin::constants::ChainHash;
use thiserror::Error;

use super::features::{Context, Feature, FeatureError, Features, Incompatible};
use super::wire::messages::{Init, Ping, Pong};
use super::wire::{Bytes, DecodeError, Message, Repeated};

/// A `ping` that asks for more is not answered: so many bytes fill a whole message.
pub const PONG_LIMIT: u16 = 65532;

/// How far a connection has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// We have sent `init`; the peer's is due.
    AwaitingInit,
    /// Both have sent `init`.
    Ready(Box<Init>),
}

/// What a message means for the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The peer's `init`: the connection is ready.
    Ready(Connection),
    /// This is the answer to it, if it takes one.
    Answer(Option<Message>),
    /// It is about something else.
    Other,
}

/// Declares what a peer can do wrong with a connection, and the requirement that it breaks.
macro_rules! violations {
    ($($(#[$meta:meta])* $name:ident $({ $($field:ident: $type:ty),* })? => $requirement:literal;)*) => {
        /// What a peer did wrong with the connection, which is closed for it. No channel fails.
        #[derive(Clone, Debug, PartialEq, Eq, Error)]
        #[allow(missing_docs, reason = "the fields are named as in the message")]
        pub enum ConnectionViolation {
            $($(#[$meta])* $name $({ $($field: $type),* })?,)*
        }

        impl ConnectionViolation {
            /// The ids of all requirements that are checked here.
            pub const REQUIREMENTS: &[&str] = &[$($requirement),*];

            /// The id of the requirement: the BOLT, the message, the rule.
            pub fn requirement(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $requirement,)*
                }
            }
        }
    };
}

violations! {
    /// Another message before `init`.
    #[error("{message} before init")]
    BeforeInit { message: &'static str } => "bolt01/init/first-message";
    /// A second `init`.
    #[error("a second init")]
    SecondInit => "bolt01/init/once";
    /// Features that cannot be.
    #[error("init: {error}")]
    Features { error: FeatureError } => "bolt01/init/features-known";
    /// A feature that one side demands and the other does not support.
    #[error("init: {error}")]
    Incompatible { error: Incompatible } => "bolt09/any/compatible";
    /// No chain that we know.
    #[error("init: no chain in common")]
    NoCommonChain => "bolt01/init/networks-in-common";
    /// A message of an unknown even type.
    #[error("a message of the unknown even type {message_type}")]
    UnknownEvenType { message_type: u16 } => "bolt01/message/unknown-even-type";
    /// A message that is none of its type.
    #[error("a message of type {message_type}: failed to {error}")]
    Undecodable { message_type: u16, error: DecodeError } => "bolt01/message/sufficient-length";
    /// A message of a channel before its `channel_reestablish`, or a second one of those.
    #[error("{message} where channel_reestablish is due, or has been sent")]
    NotReestablished { message: &'static str } => "bolt02/channel_reestablish/first-message";
    /// A message that takes a feature that was not negotiated.
    #[error("{message} without {feature}")]
    NotNegotiated { message: &'static str, feature: &'static str } => "bolt09/any/negotiated";
}

/// Our `init`.
pub fn init(features: &Features) -> Init {
    Init {
        globalfeatures: Features::default(),
        features: features.clone(),
        networks: Some(Repeated(vec![ChainHash::REGTEST])),
        remote_addr: None,
        unknown: Vec::new(),
    }
}

/// Asks for a `pong` of so many bytes.
pub fn ping(num_pong_bytes: u16) -> Ping {
    Ping { num_pong_bytes, ignored: Bytes::default(), unknown: Vec::new() }
}

impl Connection {
    /// Takes a message of the peer. `ours` are the features that we offer or demand.
    ///
    /// # Errors
    /// [`ConnectionViolation`], for which the connection is to be closed.
    pub fn receive(
        &self,
        ours: &Features,
        message: &Message,
    ) -> Result<Received, ConnectionViolation> {
        match (self, message) {
            (Self::AwaitingInit, Message::Init(theirs)) => {
                check(ours, theirs)?;
                Ok(Received::Ready(Self::Ready(Box::new(theirs.clone()))))
            }
            (Self::AwaitingInit, other) => {
                Err(ConnectionViolation::BeforeInit { message: other.name() })
            }
            (Self::Ready(_), Message::Init(_)) => Err(ConnectionViolation::SecondInit),
            (Self::Ready(_), Message::Ping(ping)) => {
                let length = (ping.num_pong_bytes < PONG_LIMIT).then_some(ping.num_pong_bytes);
                Ok(Received::Answer(length.map(|length| {
                    let ignored = Bytes(vec![0; usize::from(length)]);
                    Pong { ignored, unknown: Vec::new() }.into()
                })))
            }
            (Self::Ready(_), Message::Pong(_)) => Ok(Received::Answer(None)),
            (Self::Ready(_), Message::Unknown(unknown)) => match unknown.message_type {
                even if even % 2 == 0 => {
                    Err(ConnectionViolation::UnknownEvenType { message_type: even })
                }
                _odd => Ok(Received::Answer(None)),
            },
            (Self::Ready(_), _) => Ok(Received::Other),
        }
    }

    /// The peer's features, once they are known.
    pub fn features(&self) -> Option<Features> {
        match self {
            Self::AwaitingInit => None,
            Self::Ready(theirs) => Some(all_features(theirs)),
        }
    }
}

/// Both feature fields in one.
fn all_features(init: &Init) -> Features {
    init.globalfeatures.union(&init.features)
}

/// What the receiver of `init` has to check.
fn check(ours: &Features, theirs: &Init) -> Result<(), ConnectionViolation> {
    let features = all_features(theirs);
    features.check(Context::Init, ours).map_err(|error| ConnectionViolation::Features { error })?;
    ours.compatible(&features).map_err(|error| ConnectionViolation::Incompatible { error })?;
    match &theirs.networks {
        Some(Repeated(chains)) if !chains.contains(&ChainHash::REGTEST) => {
            Err(ConnectionViolation::NoCommonChain)
        }
        Some(_) | None => Ok(()),
    }
}

/// The feature without which a message must not be sent, if there is one.
pub fn takes(message: &Message) -> Option<Feature> {
    /// `stfu`.
    const QUIESCENCE: u16 = 2;
    match message.message_type() {
        QUIESCENCE => Some(Feature::QUIESCE),
        // `closing_complete` and `closing_sig`.
        40 | 41 => Some(Feature::SIMPLE_CLOSE),
        // `open_channel2` to `tx_ack_rbf`. `tx_abort` answers a `next_funding`, whatever was
        // negotiated.
        64..=73 => Some(Feature::DUAL_FUND),
        // `splice_locked`, `splice_init`, `splice_ack`, `start_batch`.
        77 | 80 | 81 | 127 => Some(Feature::SPLICE),
        _ => None,
    }
}

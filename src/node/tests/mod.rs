//! The state machines, two against each other; each condition beside what breaks it.

use bitcoin::{Amount, OutPoint};
use secp256k1::ecdsa::Signature;

use super::pair::{ALICE, BOB, Pair, block};
use super::{
    ChannelPolicy, InvoiceRequest, Node, NodeCommand, NodeError, NodeInput, NodeOutput,
    OpenRequest, PeerEvent, Seed, Unpayable, cheat, default_features,
};
use crate::bolt::channel::{
    ChainEvent, ChannelEvent, Closed, DustExposure, LocalState, Phase, Purpose, Refused, Tracked,
    TrackedStatus,
};
use crate::bolt::connection;
use crate::bolt::onchain::FundingSpend;
use crate::bolt::tx::ChannelType::{self, Anchors, StaticRemotekey};
use crate::bolt::units::{
    BlockHeight, CltvExpiry, CommitmentNumber, CsvDelay, FeeratePerKw, HtlcId, Msat,
};
use crate::bolt::wire::messages::{self, CommitmentSigned};
use crate::bolt::wire::{ChannelTypeBits, Message, PaymentPreimage, ShortChannelId, Variations};

const BOTH: [ChannelType; 2] = [StaticRemotekey, Anchors];

/// A valid encoding of a signature that signs nothing here.
fn other(signature: Signature) -> Signature {
    let mut bytes = signature.serialize_compact();
    bytes[10] ^= 1;
    Signature::from_compact(&bytes).unwrap()
}

macro_rules! change {
    ($variant:ident, $message:ident => $change:expr) => {
        |message: &mut Message| match message {
            Message::$variant($message) => $change,
            other => panic!("{} instead of {}", other.name(), stringify!($variant)),
        }
    };
}

mod an_error;
mod blinded;
mod diagnosis;
mod dust_exposure;
mod htlcs_on_chain;
mod interleavings;
mod mutual_close;
mod normal;
mod opening;
mod payments;
mod reestablish;
mod reorgs;
mod revoked_close;
mod several_hops;
mod simple_close;
mod told_by_a_path;
mod unconfirmed;
mod unilateral_close;

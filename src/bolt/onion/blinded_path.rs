//! Blinded paths as they are handed out. BOLT 4, "Route Blinding".

use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use crate::bolt::wire::codec::{DecodeError, Field, TlvValue, take, whole_values};
use crate::bolt::wire::{Bytes, ShortChannelId};

/// `sciddir_or_pubkey`: a node by its id, or as one end of a channel. BOLT 1, "Fundamental
/// Types".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeOrChannel {
    /// The node with this id.
    Node(PublicKey),
    /// The first (lesser) of the channel's two node ids.
    FirstOf(ShortChannelId),
    /// The second of them.
    SecondOf(ShortChannelId),
}

/// The way to a node that does not want to be known: where it begins, and what each hop on it is
/// told, encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindedPath {
    /// The introduction point, the only node whose id is not blinded.
    pub first_node_id: NodeOrChannel,
    /// The key with which it unblinds its part.
    pub first_path_key: PublicKey,
    /// The hops, the introduction point first; never none.
    pub path: Vec<BlindedHop>,
}

/// `blinded_path_hop`: one node of a blinded path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindedHop {
    /// Its id for this path alone.
    pub blinded_node_id: PublicKey,
    /// What it is told by the path's creator, for its eyes only.
    pub encrypted_recipient_data: Bytes,
}

impl Field for NodeOrChannel {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Node(id) => id.write(out),
            Self::FirstOf(channel) => {
                0_u8.write(out);
                channel.write(out);
            }
            Self::SecondOf(channel) => {
                1_u8.write(out);
                channel.write(out);
            }
        }
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        match input.first() {
            Some(2 | 3) => PublicKey::read(input).map(Self::Node),
            Some(0) => take(input, 1).and_then(|_| Field::read(input)).map(Self::FirstOf),
            Some(1) => take(input, 1).and_then(|_| Field::read(input)).map(Self::SecondOf),
            Some(other) => Err(DecodeError::UnknownSelector(*other)),
            None => Err(DecodeError::Truncated { wanted: 1, left: 0 }),
        }
    }
}

impl Field for BlindedHop {
    fn write(&self, out: &mut Vec<u8>) {
        self.blinded_node_id.write(out);
        self.encrypted_recipient_data.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let blinded_node_id = Field::read(input)?;
        let encrypted_recipient_data = Field::read(input)?;
        Ok(Self { blinded_node_id, encrypted_recipient_data })
    }
}

impl Field for BlindedPath {
    fn write(&self, out: &mut Vec<u8>) {
        self.first_node_id.write(out);
        self.first_path_key.write(out);
        let count = u8::try_from(self.path.len()).unwrap_or(u8::MAX);
        count.write(out);
        self.path.iter().take(count.into()).for_each(|hop| hop.write(out));
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let first_node_id = Field::read(input)?;
        let first_path_key = Field::read(input)?;
        let path = (0..u8::read(input)?).map(|_| Field::read(input)).collect::<Result<_, _>>()?;
        Ok(Self { first_node_id, first_path_key, path })
    }
}

whole_values!(BlindedPath);

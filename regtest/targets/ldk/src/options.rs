//! What a node is before it starts.

use bitcoin::{
    Amount,
    hashes::{Hash, sha512},
    secp256k1::PublicKey,
};

/// How to start an LDK node.
#[derive(Clone, Debug)]
pub struct LdkOptions {
    /// All of the node's keys follow from it, its id among them.
    pub seed: [u8; 64],
    /// The node's name. Without one it neither opens nor accepts announced channels. (It never
    /// forwards into an unannounced one.)
    pub alias: Option<String>,
    /// Whether it knows anchor outputs. Without, it opens and takes `option_static_remotekey` only.
    pub anchors: bool,
    /// What it wants to have on chain for each channel with anchors, its own and its peers': it
    /// rejects a channel rather than have less. LDK's default is 25,000 sat.
    pub anchor_reserve: Amount,
    /// The peers whose channels it uses before they are confirmed.
    pub trusted_0conf: Vec<PublicKey>,
}

impl LdkOptions {
    /// A node whose name is its seed: the same name has the same keys in every lab. It knows
    /// anchors, needs no reserve for them, and trusts nobody.
    pub fn named(name: &str) -> Self {
        Self {
            seed: sha512::Hash::hash(name.as_bytes()).to_byte_array(),
            alias: Some(name.into()),
            anchors: true,
            anchor_reserve: Amount::ZERO,
            trusted_0conf: Vec::new(),
        }
    }
}

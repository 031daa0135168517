//! The names of chains.

use bitcoin::constants::ChainHash;

/// What the chain is called, as far as it is known.
pub(super) fn chain_name(chain: ChainHash) -> String {
    let known = [
        (ChainHash::BITCOIN, "bitcoin"),
        (ChainHash::TESTNET3, "testnet"),
        (ChainHash::SIGNET, "signet"),
        (ChainHash::REGTEST, "regtest"),
    ];
    match known.iter().find(|(hash, _)| *hash == chain) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("the chain whose first block has the hash {chain}"),
    }
}

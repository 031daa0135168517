//! The regtest bitcoind: found or obtained here.

pub mod obtain;

//! What nodes tell each other of channels and nodes. BOLT 7.
//!
//! [`encoded`] has the arrays of the query messages, [`checksum`] what stands for a
//! `channel_update` in them, [`addresses`] where a node can be reached.

pub mod addresses;
pub mod checksum;
pub mod encoded;

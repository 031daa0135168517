/// The transport after its handshake.
pub mod opened {
	use super::*;

	pub use super::{MessageBuf, PeerChannelEncryptor};

	/// A session with these keys, before its first message.
	pub fn session(chaining_key: [u8; 32], sending: [u8; 32], receiving: [u8; 32]) -> PeerChannelEncryptor {
		PeerChannelEncryptor {
			their_node_id: None,
			noise_state: NoiseState::Finished {
				sk: sending, sn: 0, sck: chaining_key, rk: receiving, rn: 0, rck: chaining_key,
			},
		}
	}
}

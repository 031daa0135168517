/// What LDK keeps to itself: its own functions, called with the data that they need and nothing
/// beside.
pub mod opened {
	use super::*;

	pub use crate::ln::peer_channel_encryptor::opened as transport;

	/// A failure on its way back.
	#[derive(Clone)]
	pub struct Packet(OnionErrorPacket);

	impl Packet {
		/// The node where a payment fails.
		pub fn fail(
			shared_secret: &[u8; 32], reason: LocalHTLCFailureReason, data: &[u8], hold_time: u32,
		) -> Self {
			Self(build_failure_packet(shared_secret, reason, data, hold_time))
		}

		/// A node between.
		pub fn relay(&mut self, shared_secret: &[u8; 32], hold_time: u32) {
			process_failure_packet(&mut self.0, shared_secret, hold_time);
			crypt_failure_packet(shared_secret, &mut self.0);
		}

		/// One that came from elsewhere.
		pub fn new(reason: Vec<u8>, attribution_data: AttributionData) -> Self {
			Self(OnionErrorPacket { data: reason, attribution_data: Some(attribution_data) })
		}

		/// Its two parts.
		pub fn parts(&self) -> (&[u8], Option<&AttributionData>) {
			(&self.0.data, self.0.attribution_data.as_ref())
		}
	}

	/// The payer: the channel to blame, and the hold times.
	pub fn unwrap<T: secp256k1::Signing, L: Logger>(
		secp_ctx: &Secp256k1<T>, logger: &L, path: &Path, session_priv: &SecretKey,
		packet: Packet,
	) -> (Option<u64>, Vec<u32>) {
		let found =
			process_onion_failure_inner(secp_ctx, logger, path, session_priv, None, packet.0);
		(found.short_channel_id, found.hold_times)
	}
}

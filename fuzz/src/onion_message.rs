//! Onion messages.

use boltlab::bolt::onion::message::{construct, peel};
use boltlab::bolt::onion::{EncryptedData, OnionMessagePayload, Packet, Received, blind};
use boltlab::bolt::wire::Bytes;
use boltlab::bolt::wire::tlv::TlvRecord;

use super::input::{Input, point, secret};

const SESSION: u8 = 0x51;
const PATH: u8 = 0x52;
const BETWEEN: u8 = 0x53;
const LAST: u8 = 0x54;

/// A packet, a payload, a hop's data, and a message over two hops.
pub fn onion_message(data: &[u8]) {
    if let Ok(packet) = Packet::from_bytes(data) {
        peel(&packet, &point(PATH), &secret(LAST));
    }
    if let Ok(payload) = OnionMessagePayload::decode(data) {
        assert_eq!(payload.encode(), data);
        assert!(payload.contents() <= data.len());
    }
    told(data);
    delivered(&mut Input(data));
}

/// A path whose creator tells its hops anything.
fn told(data: &[u8]) {
    let hops = [(point(LAST), data.to_vec()), (point(LAST), data.to_vec())];
    let path = blind(&secret(PATH), &hops).expect("two hops");
    let payload = OnionMessagePayload::default();
    if let Ok(sent) = construct(&secret(SESSION), &path.path, &payload) {
        peel(&sent.packet, &path.first_path_key, &secret(LAST));
    }
}

/// A message arrives as it was sent, and does not if a bit was changed.
fn delivered(input: &mut Input<'_>) {
    let change = [input.byte(), input.byte(), input.byte()];
    let to_last = EncryptedData { next_node_id: Some(point(LAST)), ..EncryptedData::default() };
    let path_id = Some(Bytes(vec![9; 32]));
    let to_itself = EncryptedData { path_id: path_id.clone(), ..EncryptedData::default() };
    let hops = [(point(BETWEEN), to_last), (point(LAST), to_itself)];
    let path = blind(&secret(PATH), &hops).expect("two hops");
    let content = TlvRecord { number: 65, value: Bytes(input.0.to_vec()) };
    let payload = OnionMessagePayload { unknown: vec![content], ..OnionMessagePayload::default() };
    let Ok(sent) = construct(&secret(SESSION), &path.path, &payload) else {
        assert!(input.0.len() > 32_000, "what is short enough fits");
        return;
    };
    let mut bytes = sent.packet.to_bytes();
    Input(&change).flip_one(&mut bytes);
    let changed = Packet::from_bytes(&bytes).expect("its length is right");
    let ignored = peel(&changed, &path.first_path_key, &secret(BETWEEN));
    assert!(matches!(ignored, Received::Ignored(_)));
    let passed = peel(&sent.packet, &path.first_path_key, &secret(BETWEEN));
    let Received::Forward { packet, path_key, .. } = passed else { panic!("{passed:?}") };
    let read = peel(&packet, &path_key, &secret(LAST));
    let Received::Final { payload: found, path_id: found_id } = read else { panic!("{read:?}") };
    assert_eq!((found.unknown, found_id), (payload.unknown, path_id));
}

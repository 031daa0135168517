//! Onion messages: an onion without a payment. BOLT 4, "Onion Messages".

use secp256k1::{PublicKey, SECP256K1, SecretKey};
use thiserror::Error;

use super::blinded_path::{BlindedHop, BlindedPath};
use super::blinding::{Blinding, UnblindError};
use super::payload::EncryptedData;
use super::sphinx::{self, ConstructError, Constructed, Hop, PAYMENT_LENGTH, Packet, PeelError};
use crate::bolt::features::{Feature, Features};
use crate::bolt::keys::KeyError;
use crate::bolt::wire::tlv::{TlvError, tlv_stream};
use crate::bolt::wire::{Bytes, ShortChannelId};

/// `onionmsg_payloads` of a message that is too long for a payment's packet; the packet has 32834
/// bytes.
pub const LONG_LENGTH: usize = 32_768;

/// Records from here on are for the last hop: what the message is about.
const FIRST_CONTENT: u64 = 64;

tlv_stream! {
    /// `onionmsg_tlv`: what the sender tells one hop of an onion message.
    OnionMessagePayload {
        2 reply_path: BlindedPath,
        4 encrypted_recipient_data: Bytes,
        64 invoice_request: Bytes,
        66 invoice: Bytes,
        68 invoice_error: Bytes,
    }
}

impl OnionMessagePayload {
    /// How many records say what the message is about; more than one is too many.
    pub fn contents(&self) -> usize {
        let known = [&self.invoice_request, &self.invoice, &self.invoice_error];
        let known = known.into_iter().filter(|record| record.is_some()).count();
        let unknown = self.unknown.iter().filter(|record| record.number >= FIRST_CONTENT).count();
        known.saturating_add(unknown)
    }

    /// Whether there is more than what the creator of the path tells.
    fn has_more_than_the_path(&self) -> bool {
        let Self {
            reply_path,
            encrypted_recipient_data: _,
            invoice_request,
            invoice,
            invoice_error,
            unknown,
        } = self;
        reply_path.is_some()
            || invoice_request.is_some()
            || invoice.is_some()
            || invoice_error.is_some()
            || !unknown.is_empty()
    }
}

/// Sends `payload` to the end of a path; its `encrypted_recipient_data` is the path's. The packet is
/// as long as a payment's if that is long enough.
///
/// # Errors
/// [`ConstructError`] for a payload that does not even fit into the long packet, and for no hop.
pub fn construct(
    session_key: &SecretKey,
    path: &[BlindedHop],
    payload: &OnionMessagePayload,
) -> Result<Constructed, ConstructError> {
    let (last, between) = path.split_last().ok_or(ConstructError::NoHop)?;
    let hop = |hop: &BlindedHop, payload: OnionMessagePayload| {
        let encrypted_recipient_data = Some(hop.encrypted_recipient_data.clone());
        let payload = OnionMessagePayload { encrypted_recipient_data, ..payload };
        Hop { node_id: hop.blinded_node_id, payload: payload.encode() }
    };
    let relaying = between.iter().map(|each| hop(each, OnionMessagePayload::default()));
    let hops: Vec<_> = relaying.chain([hop(last, payload.clone())]).collect();
    let constructed = sphinx::construct(session_key, &hops, &[], PAYMENT_LENGTH);
    if let Err(ConstructError::TooLong { .. }) = constructed {
        return sphinx::construct(session_key, &hops, &[], LONG_LENGTH);
    }
    constructed
}

/// Where a message goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextPeer {
    /// To the peer with this id.
    Node(PublicKey),
    /// To the peer at the other end of this channel.
    Channel(ShortChannelId),
}

/// What a node does with an onion message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It sends it on.
    Forward {
        /// Where to.
        next: NextPeer,
        /// The packet for the next node.
        packet: Packet,
        /// The path key for the next node.
        path_key: PublicKey,
    },
    /// It reads it. Whether the path is one that it made for this purpose is for it to know.
    Final {
        /// What the sender says.
        payload: Box<OnionMessagePayload>,
        /// What the creator of the path, this node itself, wrote down to recognise it by.
        path_id: Option<Bytes>,
    },
    /// It does nothing.
    Ignored(Ignored),
}

/// Why a message is ignored. Nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Ignored {
    /// The path key gives no key.
    #[error("read an onion message: {0}")]
    Key(KeyError),
    /// The packet is not for this node.
    #[error("read an onion message: {0}")]
    Onion(PeelError),
    /// The payload is no `onionmsg_tlv`.
    #[error("read an onion message: its payload: {0}")]
    Payload(TlvError),
    /// Every hop of a message is one of a blinded path.
    #[error("read an onion message: no encrypted_recipient_data")]
    NoRecipientData,
    /// The creator's part cannot be read.
    #[error("read an onion message: {0}")]
    RecipientData(UnblindError),
    /// The path demands a feature that nobody has defined.
    #[error("read an onion message: allowed_features has the unknown bit {0}")]
    UnknownFeature(u32),
    /// A hop between gets more than the path's data.
    #[error("read an onion message: fields beside encrypted_recipient_data, not at the last hop")]
    TooManyFields,
    /// A hop between is told what only the last is told.
    #[error("read an onion message: a path_id, not at the last hop")]
    PathId,
    /// A hop between is not told where to send the message.
    #[error("read an onion message: no next hop")]
    NoNextPeer,
    /// The last hop gets several messages in one.
    #[error("read an onion message: {0} contents in one message")]
    SeveralContents(usize),
}

/// Reads an onion message that came with this path key. Dummy hops, at which a path leads from this
/// node to itself, are taken off too.
pub fn peel(packet: &Packet, path_key: &PublicKey, node_secret: &SecretKey) -> Received {
    let (mut packet, mut path_key) = (packet.clone(), *path_key);
    let node_id = std::cell::LazyCell::new(|| node_secret.public_key(SECP256K1));
    loop {
        match peel_once(&packet, &path_key, node_secret) {
            Ok(Received::Forward { next: NextPeer::Node(next), packet: inner, path_key: key })
                if next == *node_id =>
            {
                (packet, path_key) = (inner, key);
            }
            Ok(received) => return received,
            Err(ignored) => return Received::Ignored(ignored),
        }
    }
}

fn peel_once(
    packet: &Packet,
    path_key: &PublicKey,
    node_secret: &SecretKey,
) -> Result<Received, Ignored> {
    let blinding = Blinding::new(node_secret, path_key).map_err(Ignored::Key)?;
    let peeled = sphinx::peel(packet, &blinding.node_secret, &[]).map_err(Ignored::Onion)?;
    let payload = OnionMessagePayload::decode(&peeled.payload).map_err(Ignored::Payload)?;
    let encrypted = payload.encrypted_recipient_data.as_ref().ok_or(Ignored::NoRecipientData)?;
    let unblinded = blinding.open(&encrypted.0).map_err(Ignored::RecipientData)?;
    let data = unblinded.data;
    if let Some(bit) = data.allowed_features.as_ref().and_then(unknown_feature) {
        return Err(Ignored::UnknownFeature(bit));
    }
    match peeled.next {
        Some(packet) => {
            let next = next_peer(&payload, &data)?;
            Ok(Received::Forward { next, packet, path_key: unblinded.next_path_key })
        }
        None => match payload.contents() {
            several @ 2.. => Err(Ignored::SeveralContents(several)),
            _ => Ok(Received::Final { payload: Box::new(payload), path_id: data.path_id }),
        },
    }
}

fn unknown_feature(features: &Features) -> Option<u32> {
    features.bits().find(|bit| Feature::of_bit(*bit).is_none())
}

fn next_peer(payload: &OnionMessagePayload, data: &EncryptedData) -> Result<NextPeer, Ignored> {
    if payload.has_more_than_the_path() {
        return Err(Ignored::TooManyFields);
    }
    if data.path_id.is_some() {
        return Err(Ignored::PathId);
    }
    let channel = || data.short_channel_id.map(NextPeer::Channel);
    data.next_node_id.map(NextPeer::Node).or_else(channel).ok_or(Ignored::NoNextPeer)
}

#[cfg(test)]
mod tests {
    use super::super::blinding::blind;
    use super::*;
    use crate::bolt::wire::codec::DecodeError;
    use crate::bolt::wire::tlv::TlvRecord;

    fn secret(byte: u8) -> SecretKey {
        SecretKey::from_slice(&[byte; 32]).unwrap()
    }

    fn id(byte: u8) -> PublicKey {
        secret(byte).public_key(SECP256K1)
    }

    fn to(next: u8) -> EncryptedData {
        EncryptedData { next_node_id: Some(id(next)), ..EncryptedData::default() }
    }

    fn end() -> EncryptedData {
        EncryptedData { path_id: Some(Bytes(vec![9; 4])), ..EncryptedData::default() }
    }

    fn asking(length: usize) -> OnionMessagePayload {
        let invoice_request = Some(Bytes(vec![1; length]));
        OnionMessagePayload { invoice_request, ..OnionMessagePayload::default() }
    }

    /// What the first of these nodes does with a message to the last.
    fn send(hops: &[(u8, EncryptedData)], payload: &OnionMessagePayload) -> (Packet, PublicKey) {
        let hops: Vec<_> = hops.iter().map(|(node, data)| (id(*node), data.clone())).collect();
        let path = blind(&secret(50), &hops).unwrap();
        let packet = construct(&secret(51), &path.path, payload).unwrap().packet;
        (packet, path.first_path_key)
    }

    #[test]
    fn a_message_reaches_the_end_of_its_path() {
        for (length, whole) in [(10, 1366), (1200, 32_834)] {
            let (packet, path_key) = send(&[(1, to(2)), (2, to(3)), (3, end())], &asking(length));
            assert_eq!(packet.to_bytes().len(), whole);
            let Received::Forward { next, packet, path_key } = peel(&packet, &path_key, &secret(1))
            else {
                panic!("hop 1 forwards")
            };
            assert_eq!(next, NextPeer::Node(id(2)));
            let Received::Forward { packet, path_key, .. } = peel(&packet, &path_key, &secret(2))
            else {
                panic!("hop 2 forwards")
            };
            let Received::Final { payload, path_id } = peel(&packet, &path_key, &secret(3)) else {
                panic!("hop 3 reads")
            };
            assert_eq!(payload.invoice_request, asking(length).invoice_request);
            assert_eq!(path_id, end().path_id);
        }
        let too_long = construct(&secret(51), &[], &asking(1));
        assert_eq!(too_long, Err(ConstructError::NoHop));
    }

    #[test]
    fn dummy_hops_are_taken_off() {
        let (packet, path_key) = send(&[(1, to(1)), (1, to(1)), (1, end())], &asking(4));
        let received = peel(&packet, &path_key, &secret(1));
        assert!(matches!(received, Received::Final { .. }), "{received:?}");
    }

    fn ignored(hops: &[(u8, EncryptedData)], payload: &OnionMessagePayload) -> Ignored {
        let (packet, path_key) = send(hops, payload);
        match peel(&packet, &path_key, &secret(1)) {
            Received::Ignored(ignored) => ignored,
            received => panic!("{received:?}"),
        }
    }

    #[test]
    fn a_hop_between_ignores_what_it_is_told_too_much_or_too_little() {
        let with = |data| ignored(&[(1, data), (2, end())], &asking(4));
        assert_eq!(with(EncryptedData::default()), Ignored::NoNextPeer);
        assert_eq!(with(EncryptedData { path_id: end().path_id, ..to(2) }), Ignored::PathId);
        let features = Features::default().with_bit(2001);
        let allowed_features = Some(features);
        let data = EncryptedData { allowed_features, ..to(2) };
        assert_eq!(with(data.clone()), Ignored::UnknownFeature(2001));
        assert_eq!(ignored(&[(1, data)], &asking(4)), Ignored::UnknownFeature(2001));
        let channel = EncryptedData {
            short_channel_id: Some(ShortChannelId(7)),
            allowed_features: Some(Features::default().offering(Feature::BASIC_MPP)),
            ..EncryptedData::default()
        };
        let (packet, path_key) = send(&[(1, channel), (2, end())], &asking(4));
        let Received::Forward { next, .. } = peel(&packet, &path_key, &secret(1)) else {
            panic!("it forwards")
        };
        assert_eq!(next, NextPeer::Channel(ShortChannelId(7)));
    }

    /// Sends payloads as they stand to hop 1, the last of them to hop 2.
    fn raw(payloads: &[OnionMessagePayload]) -> Ignored {
        let hops = [(id(1), to(2)), (id(2), end())];
        let path = blind(&secret(50), &hops).unwrap();
        let first = path.path[0].encrypted_recipient_data.clone();
        let hops: Vec<_> = path
            .path
            .iter()
            .zip(payloads)
            .map(|(hop, payload)| {
                let mut payload = payload.clone();
                if payload.encrypted_recipient_data == Some(Bytes(vec![])) {
                    payload.encrypted_recipient_data = Some(first.clone());
                }
                Hop { node_id: hop.blinded_node_id, payload: payload.encode() }
            })
            .collect();
        let packet = sphinx::construct(&secret(51), &hops, &[], PAYMENT_LENGTH).unwrap().packet;
        match peel(&packet, &path.first_path_key, &secret(1)) {
            Received::Ignored(ignored) => ignored,
            received => panic!("{received:?}"),
        }
    }

    #[test]
    fn payloads_that_are_no_good_are_ignored() {
        let path = Some(Bytes(vec![]));
        let plain = OnionMessagePayload { encrypted_recipient_data: path, ..Default::default() };
        let beside = |number| OnionMessagePayload {
            unknown: vec![TlvRecord { number, value: Bytes(vec![1]) }],
            ..plain.clone()
        };
        let asked = OnionMessagePayload {
            encrypted_recipient_data: plain.encrypted_recipient_data.clone(),
            ..asking(3)
        };
        for more in [beside(1), beside(65), asked] {
            assert_eq!(raw(&[more, plain.clone()]), Ignored::TooManyFields);
        }
        let Ignored::Payload(error) = raw(&[beside(70)]) else { panic!("an even type") };
        assert_eq!(error.error, DecodeError::UnknownEvenTlv(70));
        assert_eq!(raw(&[asking(3)]), Ignored::NoRecipientData);
        let junk = OnionMessagePayload {
            encrypted_recipient_data: Some(Bytes(vec![1; 40])),
            ..Default::default()
        };
        assert_eq!(raw(&[junk]), Ignored::RecipientData(UnblindError::Decryption));
    }

    #[test]
    fn the_last_hop_reads_one_message_only() {
        let two = OnionMessagePayload { invoice: Some(Bytes(vec![1])), ..asking(3) };
        assert_eq!(ignored(&[(1, end())], &two), Ignored::SeveralContents(2));
        let unknown = vec![TlvRecord { number: 65, value: Bytes(vec![]) }];
        let beside = OnionMessagePayload { unknown, ..asking(3) };
        assert_eq!(ignored(&[(1, end())], &beside), Ignored::SeveralContents(2));
        let unknown = vec![TlvRecord { number: 63, value: Bytes(vec![]) }];
        let below = OnionMessagePayload { unknown, ..asking(3) };
        let (packet, path_key) = send(&[(1, end())], &below);
        let received = peel(&packet, &path_key, &secret(1));
        assert!(matches!(received, Received::Final { .. }), "{received:?}");
    }

    #[test]
    fn another_node_ignores_it() {
        let (packet, path_key) = send(&[(1, end())], &asking(4));
        let received = peel(&packet, &path_key, &secret(2));
        assert_eq!(received, Received::Ignored(Ignored::Onion(PeelError::Hmac)));
    }
}

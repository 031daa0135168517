//! What the creator of a blinded path tells its hops.

use boltlab::bolt::onion::{
    Blinding, EncryptedData, UnblindError, aggregate, amt_to_forward, blind, unblind,
};
use boltlab::bolt::units::{CltvExpiryDelta, Msat};

use super::input::{Input, point, secret};

const PATH: u8 = 0x61;
const NODE: u8 = 0x62;

/// The data in clear, as it is sent, and the fees in it.
pub fn blinded_data(data: &[u8]) {
    if let Ok(decoded) = EncryptedData::decode(data) {
        assert_eq!(decoded.encode(), data);
        fees(&decoded, data.len());
    }
    let foreign = Blinding::new(&secret(NODE), &point(PATH)).expect("fixed keys").open(data);
    assert_eq!(foreign, Err(UnblindError::Decryption));
    sealed(data);
}

/// A hop finds what was written for it, and nothing in what was changed.
fn sealed(data: &[u8]) {
    let path = blind(&secret(PATH), &[(point(NODE), data.to_vec())]).expect("a hop");
    let encrypted = &path.path[0].encrypted_recipient_data.0;
    match unblind(&secret(NODE), &path.first_path_key, encrypted) {
        Ok(unblinded) => {
            assert_eq!(unblinded.raw, data);
            assert_eq!(EncryptedData::decode(data), Ok(unblinded.data));
        }
        Err(UnblindError::Tlv(error)) => assert_eq!(EncryptedData::decode(data), Err(error)),
        Err(error) => panic!("{error}"),
    }
    let mut changed = encrypted.clone();
    Input(data).flip_one(&mut changed);
    let refused = unblind(&secret(NODE), &path.first_path_key, &changed);
    assert_eq!(refused, Err(UnblindError::Decryption));
}

/// No hop sends on more than it gets, whatever it charges; and any number of hops have a sum or
/// none.
fn fees(data: &EncryptedData, length: usize) {
    let Some(relay) = data.payment_relay else { return };
    let amounts = [0, 1, 999_999, u64::try_from(length).unwrap_or(0) << 40, u64::MAX].map(Msat);
    for incoming in amounts {
        if let Some(outgoing) = amt_to_forward(&relay, incoming) {
            assert!(outgoing <= incoming, "{outgoing:?} of {incoming:?}");
        }
    }
    aggregate(&vec![relay; length % 8], CltvExpiryDelta(18));
}

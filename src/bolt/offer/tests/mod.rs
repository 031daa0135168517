//! The streams against each other, against every change of a byte, and against each requirement.

mod invoices;
mod mutations;
mod offers;
mod requests;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::{Hash, sha256};
use secp256k1::{PublicKey, SECP256K1, SecretKey};

use super::*;
use crate::bolt::features::Features;
use crate::bolt::onion::{BlindedHop, BlindedPath, NodeOrChannel};
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::bolt::wire::{Bytes, Repeated};

const NOW: u64 = 1_800_000_000;
const HERE: Here<'static> = Here { chains: &[ChainHash::BITCOIN], now: NOW };

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn point(byte: u8) -> PublicKey {
    secret(byte).public_key(SECP256K1)
}

/// The issuer's key is 1, the payer's 2; paths end in the byte that they are made of.
fn path(end: u8) -> BlindedPath {
    let hop = |byte| BlindedHop {
        blinded_node_id: point(byte),
        encrypted_recipient_data: Bytes(vec![byte; 3]),
    };
    let first_node_id = NodeOrChannel::Node(point(30));
    BlindedPath { first_node_id, first_path_key: point(31), path: vec![hop(32), hop(end)] }
}

fn payinfo() -> BlindedPayinfo {
    BlindedPayinfo {
        fee_base_msat: 1,
        fee_proportional_millionths: 2,
        cltv_expiry_delta: CltvExpiryDelta(3),
        htlc_minimum_msat: Msat(4),
        htlc_maximum_msat: Msat(5),
        features: Features::default(),
    }
}

fn offer_fields() -> OfferFields {
    OfferFields {
        offer_amount: Some(1_000),
        offer_description: Some("tea".to_owned()),
        offer_quantity_max: Some(5),
        offer_issuer_id: Some(point(1)),
        ..OfferFields::default()
    }
}

fn offer() -> Offer {
    Offer::new(&offer_fields()).unwrap()
}

fn terms() -> RequestTerms {
    RequestTerms {
        invreq_metadata: Bytes(vec![7; 16]),
        invreq_quantity: Some(2),
        invreq_payer_note: Some("thanks".to_owned()),
        ..RequestTerms::default()
    }
}

fn request() -> InvoiceRequest {
    InvoiceRequest::for_offer(&offer(), terms(), &secret(2)).unwrap()
}

fn invoice_terms() -> InvoiceTerms {
    InvoiceTerms {
        paths: vec![(path(40), payinfo()), (path(41), payinfo())],
        invoice_created_at: NOW,
        invoice_relative_expiry: None,
        invoice_payment_hash: sha256::Hash::hash(&[9; 32]),
        item_price: None,
        invoice_fallbacks: None,
        invoice_features: None,
    }
}

fn invoice() -> Bolt12Invoice {
    Bolt12Invoice::answer(&request(), invoice_terms(), &secret(1)).unwrap()
}

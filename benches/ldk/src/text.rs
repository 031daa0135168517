//! Invoices and offers, as boltlab and LDK make them.

use std::time::Duration;

use bitcoin::hashes::{Hash, sha256};
use boltlab::bolt::features::{Feature, Features};
use boltlab::bolt::invoice::{InvoiceDraft, InvoiceField, InvoiceNetwork, RouteHop};
use boltlab::bolt::offer::{Offer, OfferFields};
use boltlab::bolt::onion::{BlindedHop, BlindedPath, NodeOrChannel};
use boltlab::bolt::units::{CltvExpiryDelta, Msat};
use boltlab::bolt::wire::{Bytes, PaymentSecret, Repeated, ShortChannelId};
use lightning::routing::router::{RouteHint, RouteHintHop};
use lightning::types::payment::{PaymentHash, PaymentSecret as LdkPaymentSecret};
use lightning::types::routing::RoutingFees;
use lightning_invoice::{Bolt11Invoice, Currency, InvoiceBuilder};
use secp256k1::{SECP256K1, SecretKey};

use crate::Random;

/// An invoice to be signed, with a private channel to the payee.
pub fn draft(random: &mut Random) -> InvoiceDraft {
    let hop = RouteHop {
        pubkey: random.point(),
        short_channel_id: ShortChannelId(random.below(1 << 32)),
        fee_base_msat: 1000,
        fee_proportional_millionths: 100,
        cltv_expiry_delta: CltvExpiryDelta(40),
    };
    let features = Features::default()
        .requiring(Feature::VAR_ONION_OPTIN)
        .requiring(Feature::PAYMENT_SECRET)
        .offering(Feature::BASIC_MPP);
    InvoiceDraft::new(InvoiceNetwork::Regtest, 1_700_000_000 + random.below(1 << 30))
        .with_amount(Msat(1 + random.below(1 << 31)))
        .with(InvoiceField::PaymentHash(sha256::Hash::from_byte_array(random.bytes())))
        .with(InvoiceField::PaymentSecret(PaymentSecret(random.bytes())))
        .with(InvoiceField::Description(format!("{} coffees", random.below(1000))))
        .with(InvoiceField::Expiry(1 + random.below(100_000)))
        .with(InvoiceField::MinFinalCltvExpiryDelta(1 + random.below(200)))
        .with(InvoiceField::Route(vec![hop]))
        .with(InvoiceField::Features(features))
}

/// An invoice that LDK makes.
pub fn ldk_invoice(random: &mut Random, key: &SecretKey, states_payee: bool) -> Bolt11Invoice {
    let hop = RouteHintHop {
        src_node_id: random.point(),
        short_channel_id: random.below(1 << 32),
        fees: RoutingFees { base_msat: 1000, proportional_millionths: 100 },
        cltv_expiry_delta: 40,
        htlc_minimum_msat: None,
        htlc_maximum_msat: None,
    };
    let mut builder = InvoiceBuilder::new(Currency::Regtest)
        .description(format!("{} coffees", random.below(1000)))
        .payment_hash(PaymentHash(random.bytes()))
        .payment_secret(LdkPaymentSecret(random.bytes()))
        .duration_since_epoch(Duration::from_secs(1_700_000_000 + random.below(1 << 30)))
        .min_final_cltv_expiry_delta(1 + random.below(200))
        .expiry_time(Duration::from_secs(1 + random.below(100_000)))
        .amount_milli_satoshis(1 + random.below(1 << 31))
        .private_route(RouteHint(vec![hop]))
        .basic_mpp();
    if states_payee {
        builder = builder.payee_pub_key(key.public_key(SECP256K1));
    }
    builder
        .build_signed(|message| SECP256K1.sign_ecdsa_recoverable(message, key))
        .expect("an invoice")
}

fn offer(fields: OfferFields) -> Offer {
    let fields = OfferFields {
        offer_amount: Some(100_000),
        offer_description: Some("a coffee".into()),
        offer_issuer: Some("the café".into()),
        ..fields
    };
    Offer::new(&fields).expect("an offer")
}

/// An offer of a node that shows itself: one point.
pub fn plain_offer(random: &mut Random) -> Offer {
    offer(OfferFields { offer_issuer_id: Some(random.point()), ..OfferFields::default() })
}

/// An offer with a blinded path of three hops: five points, and that of the issuer.
pub fn blinded_offer(random: &mut Random) -> Offer {
    let mut hop = || BlindedHop {
        blinded_node_id: random.point(),
        encrypted_recipient_data: Bytes(random.bytes().repeat(2)),
    };
    let path = vec![hop(), hop(), hop()];
    let path = BlindedPath {
        first_node_id: NodeOrChannel::Node(random.point()),
        first_path_key: random.point(),
        path,
    };
    offer(OfferFields {
        offer_paths: Some(Repeated(vec![path])),
        offer_issuer_id: Some(random.point()),
        ..OfferFields::default()
    })
}

//! The table row by row, and each rule with what breaks it.

mod checks;
mod laws;
mod negotiation;

use super::*;

/// Feature bits as a set.
fn set(bits: &[u32]) -> Features {
    bits.iter().copied().collect()
}

/// A row of the table, as BOLT 9 has it.
fn row(feature: Feature) -> String {
    let codes = feature.presented().iter().map(|(context, presence)| match (context, presence) {
        (Context::Init, _) => "I",
        (Context::NodeAnnouncement, _) => "N",
        (Context::ChannelAnnouncement, Presence::Either) => "C",
        (Context::ChannelAnnouncement, Presence::Optional) => "C-",
        (Context::ChannelAnnouncement, Presence::Required) => "C+",
        (Context::Invoice, _) => "9",
        (Context::BlindedPath, _) => "B",
        (Context::ChannelType, _) => "T",
    });
    let (bit, name) = (feature.bit, feature.name);
    let codes = if feature.is_assumed() { "ASSUMED".to_owned() } else { codes.collect() };
    let codes = if codes.is_empty() { "-" } else { &codes };
    format!("{bit}/{} {name} {codes} {}", bit | 1, feature.dependency().map_or("-", |f| f.name))
}

#[test]
fn every_row_is_that_of_bolt_9() {
    let rows = [
        "0/1 option_data_loss_protect ASSUMED -",
        "4/5 option_upfront_shutdown_script IN -",
        "6/7 gossip_queries - -",
        "8/9 var_onion_optin ASSUMED -",
        "10/11 gossip_queries_ex IN -",
        "12/13 option_static_remotekey ASSUMED -",
        "14/15 payment_secret ASSUMED -",
        "16/17 basic_mpp IN9 payment_secret",
        "18/19 option_support_large_channel IN -",
        "22/23 option_anchors INT -",
        "24/25 option_route_blinding IN9 -",
        "26/27 option_shutdown_anysegwit IN -",
        "28/29 option_dual_fund IN -",
        "34/35 option_quiesce IN -",
        "36/37 option_attribution_data IN9 -",
        "38/39 option_onion_messages IN -",
        "42/43 option_provide_storage IN -",
        "44/45 option_channel_type ASSUMED -",
        "46/47 option_scid_alias INT -",
        "48/49 option_payment_metadata 9 -",
        "50/51 option_zeroconf INT option_scid_alias",
        "60/61 option_simple_close IN option_shutdown_anysegwit",
        "62/63 option_splice IN -",
    ];
    assert_eq!(Feature::ALL.iter().copied().map(row).collect::<Vec<_>>(), rows);
}

#[test]
fn a_feature_is_found_by_either_bit_and_by_its_name() {
    for feature in Feature::ALL.iter().copied() {
        assert_eq!(Feature::of_bit(feature.bit), Some(feature));
        assert_eq!(Feature::of_bit(feature.bit | 1), Some(feature));
        assert_eq!(Feature::named(feature.name), Some(feature));
    }
    assert_eq!((Feature::of_bit(2), Feature::of_bit(3)), (None, None));
    assert_eq!(Feature::named("option_anchors"), Some(Feature::ANCHORS));
    for wrong in ["", "anchors", "OPTION_ANCHORS", "option_anchors ", "option_anchors/odd"] {
        assert_eq!(Feature::named(wrong), None, "{wrong:?}");
    }
}

#[test]
fn two_assumed_features_are_in_invoices_too() {
    let in_invoices = Feature::ALL.iter().filter(|feature| feature.is_in_invoices());
    let bits: Vec<u32> = in_invoices.map(|feature| feature.bit).collect();
    assert_eq!(bits, [8, 14, 16, 24, 36, 48]);
}

#[test]
fn the_codes_of_channel_announcements() {
    let channel = Context::ChannelAnnouncement;
    let codes = [presented!(C), presented!((C-)), presented!((C+))];
    let presences = [Presence::Either, Presence::Optional, Presence::Required];
    assert_eq!(codes, presences.map(|presence| (channel, presence)));
    assert_eq!(presented!(B), (Context::BlindedPath, Presence::Either));
}

#[test]
fn features_are_shown_by_name() {
    assert_eq!(
        set(&[12, 17, 101]).to_string(),
        "option_static_remotekey (required), basic_mpp, unknown bit 101"
    );
    assert_eq!(set(&[100]).to_string(), "unknown bit 100 (required)");
    assert_eq!(Features::from_bytes(&[0]).to_string(), "no features");
}

#[test]
fn bits_are_counted_from_the_end() {
    let features =
        Features::default().offering(Feature::BASIC_MPP).requiring(Feature::PAYMENT_SECRET);
    assert_eq!(features.as_bytes(), [0x02, 0x40, 0x00]);
    assert_eq!(features.bits().collect::<Vec<_>>(), [14, 17]);
    assert!(features.supports(Feature::BASIC_MPP) && !features.requires(Feature::BASIC_MPP));
    assert!(features.requires(Feature::PAYMENT_SECRET));
    assert!(!features.supports(Feature::ANCHORS));
    assert!(features.has_pair(15) && features.has_pair(16) && !features.has_pair(18));
}

#[test]
fn both_bits_of_a_pair_demand_it() {
    assert!(set(&[16, 17]).requires(Feature::BASIC_MPP));
    assert!(!set(&[17]).requires(Feature::BASIC_MPP));
}

#[test]
fn leading_zeros_are_kept() {
    let features = Features::from_bytes(&[0, 0, 1]);
    assert_eq!((features.as_bytes(), features.has_bit(0)), (&[0, 0, 1][..], true));
    assert!(Features::from_bytes(&[0]).is_empty());
    assert!(!features.is_minimal() && !Features::from_bytes(&[0]).is_minimal());
    assert!(Features::from_bytes(&[1, 0]).is_minimal() && Features::default().is_minimal());
}

#[test]
fn a_union_has_the_length_of_the_longer() {
    let (short, long) = (Features::from_bytes(&[0x82]), Features::from_bytes(&[0, 1, 0x0a]));
    assert_eq!(short.union(&long).as_bytes(), [0, 1, 0x8a]);
    assert_eq!(long.union(&short).as_bytes(), [0, 1, 0x8a]);
}

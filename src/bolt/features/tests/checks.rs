//! What a receiver must refuse, and what a sender must not send.

use super::*;

const CONTEXTS: [Context; 6] = [
    Context::Init,
    Context::NodeAnnouncement,
    Context::ChannelAnnouncement,
    Context::Invoice,
    Context::BlindedPath,
    Context::ChannelType,
];

/// All that BOLT 9 assigns, offered.
fn all() -> Features {
    Feature::ALL.iter().map(|feature| feature.bit | 1).collect()
}

#[test]
fn an_unknown_even_bit_is_refused_everywhere() {
    for context in CONTEXTS {
        assert_eq!(
            set(&[100]).check(context, &all()),
            Err(FeatureError::Unknown { bit: 100 }),
            "{context:?}"
        );
        assert_eq!(set(&[100]).check(context, &all().with_bit(101)), Ok(()), "{context:?}");
    }
}

#[test]
fn an_unknown_odd_bit_is_refused_in_a_blinded_path_only() {
    for context in CONTEXTS {
        let refused = context == Context::BlindedPath;
        let expected = if refused { Err(FeatureError::Unknown { bit: 101 }) } else { Ok(()) };
        assert_eq!(set(&[101]).check(context, &all()), expected, "{context:?}");
    }
}

#[test]
fn an_assigned_feature_may_be_unknown_too() {
    let known = Features::default().offering(Feature::ANCHORS);
    assert_eq!(set(&[22]).check(Context::Init, &known), Ok(()));
    let unknown = Err(FeatureError::Unknown { bit: 62 });
    assert_eq!(set(&[22, 62]).check(Context::Init, &known), unknown);
    assert_eq!(set(&[22, 63]).check(Context::Init, &known), Ok(()));
}

#[test]
fn assumed_features_are_known_to_all() {
    let assumed: Features = Feature::ALL
        .iter()
        .filter(|feature| feature.is_assumed())
        .map(|feature| feature.bit)
        .collect();
    assert_eq!(assumed.bits().collect::<Vec<_>>(), [0, 8, 12, 14, 44]);
    for context in CONTEXTS {
        assert_eq!(assumed.check(context, &Features::default()), Ok(()), "{context:?}");
        assert_eq!(assumed.check_sent(context), Ok(()), "{context:?}");
    }
}

#[test]
fn every_dependency_is_asked_for_unless_it_is_assumed() {
    assert_eq!(Feature::DEPENDENCIES.len(), 3);
    for (feature, needs) in Feature::DEPENDENCIES.iter().copied() {
        for bit in [feature.bit, feature.bit | 1] {
            let alone = set(&[bit]);
            let missing = Err(FeatureError::MissingDependency { feature, needs });
            let expected = if needs.is_assumed() { Ok(()) } else { missing };
            assert_eq!(alone.check(Context::Init, &all()), expected);
            assert_eq!(alone.check_sent(Context::Init), expected);
            assert_eq!(alone.check(Context::NodeAnnouncement, &all()), Ok(()));
            for with in [alone.clone().requiring(needs), alone.offering(needs)] {
                assert_eq!(with.check(Context::Init, &all()), Ok(()));
                assert_eq!(with.check_sent(Context::Init), Ok(()));
            }
        }
    }
}

#[test]
fn the_dependency_of_a_feature_that_is_not_known_does_not_count() {
    let known = Features::default().offering(Feature::ANCHORS);
    assert_eq!(set(&[51]).check(Context::Init, &known), Ok(()));
}

#[test]
fn a_channel_type_may_be_zeroconf_without_an_alias() {
    assert_eq!(set(&[12, 22, 50]).check(Context::ChannelType, &all()), Ok(()));
    assert_eq!(set(&[12, 22, 50]).check_sent(Context::ChannelType), Ok(()));
}

#[test]
fn both_bits_are_the_senders_fault_alone() {
    let both = set(&[22, 23]);
    assert_eq!(both.check(Context::Init, &all()), Ok(()));
    let feature = Feature::ANCHORS;
    assert_eq!(both.check_sent(Context::Init), Err(FeatureError::BothBits { feature }));
    assert_eq!(set(&[22]).check_sent(Context::Init), Ok(()));
    let feature = Feature::PAYMENT_SECRET;
    assert_eq!(set(&[14, 15]).check_sent(Context::Init), Err(FeatureError::BothBits { feature }));
}

#[test]
fn a_feature_is_sent_where_it_has_a_place() {
    let features = Feature::ALL.iter().copied();
    for (feature, context) in features.flat_map(|f| CONTEXTS.map(|context| (f, context))) {
        let anywhere = feature.is_assumed() || feature == Feature::GOSSIP_QUERIES;
        let out_of_place = Err(FeatureError::OutOfPlace { feature, context });
        let placed = anywhere || feature.presence(context).is_some();
        let expected = if placed { Ok(()) } else { out_of_place };
        for bit in [feature.bit, feature.bit | 1] {
            let checked = set(&[bit]).check_bit(bit, feature, context);
            assert_eq!(checked, expected, "{feature} {context:?}");
        }
    }
    let splice = FeatureError::OutOfPlace { feature: Feature::SPLICE, context: Context::Invoice };
    assert_eq!(set(&[17, 63]).check_sent(Context::Invoice), Err(splice));
    assert_eq!(set(&[17, 63]).check_sent(Context::Init), Ok(()));
    assert_eq!(set(&[100, 103]).check_sent(Context::Init), Ok(()));
}

#[test]
fn some_features_are_always_presented_by_one_bit() {
    let allowed = |presence: Presence| [200, 201].map(|bit| presence.allows(bit));
    assert_eq!(allowed(Presence::Either), [true, true]);
    assert_eq!(allowed(Presence::Optional), [false, true]);
    assert_eq!(allowed(Presence::Required), [true, false]);
}

#[test]
fn a_channel_announcement_must_have_as_few_bytes_as_it_can() {
    let padded = Features::from_bytes(&[0, 0x10, 0]);
    assert_eq!(padded.check_sent(Context::ChannelAnnouncement), Err(FeatureError::NotMinimal));
    assert_eq!(padded.check_sent(Context::Init), Ok(()));
    assert_eq!(set(&[12]).check_sent(Context::ChannelAnnouncement), Ok(()));
}

#[test]
fn errors_name_the_feature() {
    let shown = |error: Result<(), FeatureError>| error.unwrap_err().to_string();
    assert_eq!(
        shown(set(&[100]).check(Context::Init, &all())),
        "take features: unknown bit 100 (required) is not known here"
    );
    assert_eq!(
        shown(set(&[51]).check(Context::Init, &all())),
        "take features: option_zeroconf needs option_scid_alias"
    );
    assert_eq!(
        shown(set(&[63]).check_sent(Context::Invoice)),
        "send features: option_splice is not for this field (Invoice)"
    );
}

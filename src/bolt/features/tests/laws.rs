//! What holds for all sets.

use proptest::prelude::*;

use super::*;
use crate::bolt::tx::Side;
use crate::bolt::wire::codec::{Field, TlvValue};

/// Any bytes: short, so that two sets have something in common.
fn any_set() -> impl Strategy<Value = Features> {
    proptest::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| Features::from_bytes(&bytes))
}

fn bits(features: &Features) -> Vec<u32> {
    features.bits().collect()
}

proptest! {
    #[test]
    fn bytes_come_back(features in any_set(), rest in any::<u8>()) {
        let mut bytes = Vec::new();
        features.write(&mut bytes);
        bytes.push(rest);
        let mut input = bytes.as_slice();
        prop_assert_eq!(Features::read(&mut input), Ok(features.clone()));
        prop_assert_eq!(input, &[rest]);
        prop_assert_eq!(Features::from_value(&features.to_value()), Ok(features.clone()));
        let shortest: Features = features.bits().collect();
        prop_assert!(shortest.is_minimal());
        prop_assert_eq!(bits(&shortest), bits(&features));
        prop_assert_eq!(features.is_minimal(), shortest == features);
    }

    #[test]
    fn a_union_has_the_bits_of_both(a in any_set(), b in any_set(), c in any_set()) {
        let union = a.union(&b);
        for bit in 0..80 {
            prop_assert_eq!(union.has_bit(bit), a.has_bit(bit) || b.has_bit(bit));
        }
        prop_assert_eq!(&union, &b.union(&a));
        prop_assert_eq!(union.union(&c), a.union(&b.union(&c)));
        prop_assert_eq!(a.union(&a), a.clone());
        prop_assert_eq!(a.union(&Features::default()), a);
    }

    #[test]
    fn negotiated_is_what_both_offer_or_we_demand(a in any_set(), b in any_set()) {
        let negotiated = a.negotiated(&b);
        for even in (0..80).step_by(2) {
            let offered = a.has_pair(even) && b.has_pair(even);
            prop_assert_eq!(negotiated.has_pair(even), offered || a.has_bit(even));
            prop_assert!(!(negotiated.has_bit(even) && negotiated.has_bit(even | 1)));
        }
        if a.compatible(&b).is_ok() || b.compatible(&a).is_ok() {
            let unassumed = |features: &Features| {
                let counts = |bit: &u32| !Feature::of_bit(*bit).is_some_and(Feature::is_assumed);
                features.bits().filter(counts).collect::<Vec<_>>()
            };
            prop_assert_eq!(unassumed(&negotiated), unassumed(&b.negotiated(&a)));
        }
    }

    #[test]
    fn compatible_sees_the_same_from_both_sides(a in any_set(), b in any_set()) {
        prop_assert_eq!(a.compatible(&b).is_ok(), b.compatible(&a).is_ok());
        prop_assert_eq!(a.compatible(&a), Ok(()));
        // Whoever offers all that the other one has, owes it nothing.
        let all: Features = b.bits().map(|bit| bit | 1).collect();
        let owed = b.compatible(&a.union(&all)).map_err(|error| error.asks);
        prop_assert_ne!(owed, Err(Side::Local));
    }
}

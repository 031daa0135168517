//! Whatever the text, the loader answers and never panics.

use proptest::prelude::*;

use super::*;

fn answer(text: &str) {
    for allow_missing_outcome in [false, true] {
        let options = ParseOptions { allow_missing_outcome };
        match parse(FilePath::new("x.yaml"), text, options) {
            Ok(scenario) => {
                let outcome = scenario.outcome.map(|outcome| outcome.value).unwrap_or_default();
                let _ = with_outcome(text, &outcome.to_yaml());
            }
            Err(error) => {
                assert!(!error.problems.is_empty());
                assert!(!error.to_string().is_empty());
            }
        }
    }
}

/// A sound scenario with a piece replaced by a piece of another place, or by noise.
fn mutated() -> impl Strategy<Value = String> {
    let text = prop_oneof![Just(BREACH), Just(EVERYTHING), Just(instances::CLOSES)];
    let piece = prop_oneof![
        any::<String>(),
        "[-{}\\[\\]:,&*#|>'\"!%@ \n\t0-9a-z_.]{0,12}",
        (0..EVERYTHING.len(), 0..60_usize).prop_map(|(start, length)| {
            EVERYTHING.get(start..start + length).unwrap_or_default().to_owned()
        }),
    ];
    (text, any::<prop::sample::Index>(), 0..30_usize, piece).prop_map(|(text, at, cut, piece)| {
        let start = at.index(text.len());
        let end = (start + cut).min(text.len());
        format!("{}{piece}{}", &text[..start], &text[end..])
    })
}

proptest! {
    #[test]
    fn any_text_gets_an_answer(text in any::<String>()) {
        answer(&text);
    }

    #[test]
    fn yaml_like_text_gets_an_answer(text in "[-{}\\[\\]:,&*#|>'\"!%@?~<= \n\t0-9a-z_.]{0,80}") {
        answer(&text);
    }

    #[test]
    fn a_mutated_scenario_gets_an_answer(text in mutated()) {
        answer(&text);
    }

    #[test]
    fn amounts_survive_being_written(msat in 0..=2_100_000_000_000_000_000_u64) {
        use crate::bolt::units::Msat;
        let balance = Balance { amount: Msat(msat), less_fees: msat % 2 == 0 };
        let text = balance.to_string();
        prop_assert_eq!(super::super::units::balance(&text), Ok(balance));
    }
}

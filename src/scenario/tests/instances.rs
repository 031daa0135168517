//! `for`: which instances a file has, what stands in them for variables, and what is refused.

use super::*;

/// Two parameters of one kind each: a list and rows.
pub(super) const CLOSES: &str = r"title: A close by <closer>, <resolution>
for:
  closer: [alice, bob]
  resolution:
    swept: {taker: <closer>, waits: [{mine: 144 blocks}, {claim: {by: <closer>, output: ab.commitment.to_local, path: delay}}, {mine: 1 block}], fate: {to: <closer>, path: delay}}
    left: {taker: bob, waits: [], fate: absent}
cast:
  alice: {role: honest, funds: 1 BTC}
  bob: {role: honest}
channels:
  ab: {from: alice, to: bob, capacity: 1_000_000 sat}
steps:
  - open: ab
  - force_close: {channel: ab, by: <closer>}
    say: It is <closer> who closes, for <taker>.
  - mine: 1 block
  - <waits>
outcome:
  ab.funding: {spent_by: <closer>.commitment}
  ab.commitment.to_local: <fate>
  ab.commitment.anchors.<closer>: any
";

/// The runs of a file: the names of each, and what this tells of it.
#[track_caller]
fn told(text: &str, tell: fn(&Scenario) -> String) -> Vec<String> {
    let runs = read(text).runs();
    runs.iter().map(|run| format!("{}: {}", run.branch.join("/"), tell(run))).collect()
}

/// The file after a replacement is refused, in these words.
#[track_caller]
fn refused(from: &str, to: &str) -> String {
    refuse(&changed(CLOSES, from, to)).to_string()
}

mod product {
    use super::*;

    #[test]
    fn every_choice_is_a_run_the_first_parameter_outermost() {
        assert_eq!(
            told(CLOSES, |run| run.title.clone()),
            [
                "alice/swept: A close by alice, swept",
                "alice/left: A close by alice, left",
                "bob/swept: A close by bob, swept",
                "bob/left: A close by bob, left",
            ]
        );
    }

    #[test]
    fn the_names_are_a_part_of_the_id() {
        let ids: Vec<_> =
            read(CLOSES).runs().iter().map(|run| run_id("closing/x", &run.branch)).collect();
        assert_eq!(ids[3], "closing/x/bob/left");
    }

    #[test]
    fn the_branches_of_try_come_after_the_instances() {
        let branches = "- try: {once: [{mine: 1 block}], twice: [{mine: 2 blocks}]}";
        let text = changed(CLOSES, "- mine: 1 block", branches);
        let last = |run: &Scenario| run.steps[2].verb.to_string();
        let runs = told(&text, last);
        assert_eq!(runs.len(), 8);
        assert_eq!(runs[0], "alice/swept/once: mine 1 block");
        assert_eq!(runs[1], "alice/swept/twice: mine 2 blocks");
        assert_eq!(runs[7], "bob/left/twice: mine 2 blocks");
    }

    #[test]
    fn one_value_is_one_run_with_its_name() {
        let text = changed(CLOSES, "[alice, bob]", "[bob]");
        assert_eq!(told(&text, |run| run.title.len().to_string()).len(), 2);
        assert_eq!(read(&text).branch, ["bob", "swept"]);
    }

    #[test]
    fn quantities_make_names() {
        let text = changed(BREACH, "144 blocks", "<delay>");
        let text = changed(&text, "1_000_000 sat,", "<capacity>,");
        let text = changed(
            &text,
            "bolt:",
            "for: {delay: [6 blocks, 144 blocks], capacity: [0.01 BTC, 1_000_000 sat], feerate: [1000 sat/kw]}\nbolt:",
        );
        let text = changed(&text, "type: anchors", "type: anchors, feerate: <feerate>");
        let text = changed(&text, "  - mine: 1 block\n", "");
        let delays = |run: &Scenario| run.channels[0].to_self_delay.value.0.to_string();
        let runs = told(&text, delays);
        assert_eq!(runs[0], "6_blocks/0.01_BTC/1000_sat_kw: 6");
        assert_eq!(runs[3], "144_blocks/1_000_000_sat/1000_sat_kw: 144");
    }

    #[test]
    fn without_for_brackets_are_a_part_of_the_text() {
        let text = changed(BREACH, "say: Both", "say: <Both>, <alice>");
        let say = read(&text).steps[2].say.clone().expect("a text");
        assert!(say.starts_with("<Both>, <alice> sign"), "{say}");
        assert!(read(&text).branch.is_empty());
    }
}

mod substitution {
    use super::*;

    #[test]
    fn a_list_among_items_is_spliced() {
        let steps = |run: &Scenario| run.steps.len().to_string();
        assert_eq!(
            told(CLOSES, steps),
            ["alice/swept: 6", "alice/left: 3", "bob/swept: 6", "bob/left: 3"]
        );
    }

    #[test]
    fn a_single_value_among_items_is_an_item() {
        let text = changed(CLOSES, "waits: []", "waits: {mine: 2 blocks}");
        let last = |run: &Scenario| run.steps.last().map(|step| step.verb.to_string());
        let runs = read(&text).runs();
        assert_eq!(last(&runs[1]).as_deref(), Some("mine 2 blocks"));
    }

    #[test]
    fn texts_and_keys_have_values_in_them() {
        let runs = read(CLOSES).runs();
        let say = runs[3].steps[1].say.as_deref();
        assert_eq!(say, Some("It is bob who closes, for bob."));
        let outcome = &runs[3].outcome.as_ref().expect("an outcome").value;
        let entries: Vec<String> = outcome
            .entries
            .iter()
            .map(|entry| format!("{}: {}", entry.output, entry.fate))
            .collect();
        assert_eq!(
            entries,
            [
                "ab.funding: {spent_by: bob.commitment, state: current}",
                "ab.commitment.to_local: absent",
                "ab.commitment.anchors.bob: any",
            ]
        );
    }

    #[test]
    fn values_use_the_variables_of_parameters_above() {
        let fate = |run: &Scenario| {
            let outcome = run.outcome.as_ref().expect("an outcome");
            outcome.value.entries[1].fate.to_string()
        };
        assert_eq!(
            told(CLOSES, fate),
            [
                "alice/swept: {to: alice, path: delay}",
                "alice/left: absent",
                "bob/swept: {to: bob, path: delay}",
                "bob/left: absent",
            ]
        );
    }

    #[test]
    fn what_a_value_brings_is_not_read_again() {
        let text = changed(CLOSES, "taker: bob", "taker: \"<\"");
        let text = changed(&text, "for <taker>.", "for <taker>closer>.");
        assert_eq!(
            read(&text).runs()[1].steps[1].say.as_deref(),
            Some("It is alice who closes, for <closer>.")
        );
    }

    #[test]
    fn a_variable_is_replaced_where_it_stands_and_a_step_stands_where_it_is_written() {
        let runs = read(CLOSES).runs();
        let Verb::ForceClose { by, .. } = &runs[0].steps[1].verb else { panic!("a close") };
        assert_eq!((by.at.line, by.at.column), (14, 36));
        assert_eq!(runs[0].steps[3].at.line, 5, "the row that has the step");
    }

    #[test]
    fn each_instance_has_a_cast_of_its_own() {
        let text = changed(
            CLOSES,
            "bob: {role: honest}",
            "bob: {role: honest}\n  <closer>x: {role: honest}",
        );
        let names = |run: &Scenario| run.cast[2].name.to_string();
        let text = changed(&text, "anchors.<closer>: any", "anchors: any");
        assert_eq!(told(&text, names)[3], "bob/left: bobx");
    }
}

mod mistakes {
    use super::*;

    /// These replacements are refused in the words of a snapshot.
    fn all(slips: &[(&str, &str)]) -> String {
        let texts: Vec<String> = slips.iter().map(|(from, to)| refused(from, to)).collect();
        texts.join("\n\n")
    }

    #[test]
    fn variables_are_known_and_used() {
        insta::assert_snapshot!(all(&[
            ("by: <closer>", "by: <clsoer>"),
            ("by <closer>,", "by <Closer>,"),
            ("for <taker>.", "for <somebody>."),
            ("for <taker>.", "for him."),
            ("  closer: [alice, bob]", "  closer: [alice, bob]\n  type: [anchors]"),
            ("ab.commitment.anchors.<closer>:", "ab.commitment.anchors.<opener>:"),
        ]));
    }

    #[test]
    fn parameters_are_sound() {
        insta::assert_snapshot!(all(&[
            ("[alice, bob]", "[]"),
            ("[alice, bob]", "alice"),
            ("[alice, bob]", ""),
            ("[alice, bob]", "{}"),
            ("[alice, bob]", "{alice: , bob: {}}"),
            ("[alice, bob]", "[alice, {name: bob}]"),
            ("[alice, bob]", "[alice, bob, alice]"),
            ("[alice, bob]", "[alice, al ice, al_ice]"),
            ("[alice, bob]", "[alice, \"50 %\", ../bob, \"\"]"),
            ("  closer: [alice, bob]", "  Closer: [alice, bob]"),
            ("  closer: [alice, bob]", "  closer: [alice, bob]\n  closer: [bob]"),
            ("    left:", "    swept:"),
        ]));
    }

    #[test]
    fn the_block_is_sound() {
        let (before, rest) = CLOSES.split_once("for:\n").expect("a `for`");
        let (_, after) = rest.split_once("cast:\n").expect("a cast");
        let with = |block: &str| refuse(&format!("{before}{block}cast:\n{after}")).to_string();
        let texts = ["for:\n", "for: {}\n", "for: [closer]\n", "for: {a: [b]}\nfor: {a: [b]}\n"];
        insta::assert_snapshot!(texts.map(with).join("\n\n"));
    }

    #[test]
    fn rows_set_the_same_variables() {
        insta::assert_snapshot!(all(&[
            ("left: {taker: bob, ", "left: {"),
            ("left: {taker: bob, ", "left: {tkaer: bob, "),
            ("left: {taker: bob, ", "left: {taker: bob, extra: 1, "),
        ]));
    }

    #[test]
    fn a_variable_is_set_by_one_parameter() {
        insta::assert_snapshot!(all(&[
            ("  closer: [alice, bob]", "  closer: [alice, bob]\n  taker: [bob]"),
            ("swept: {taker:", "swept: {resolution: a, taker:"),
        ]));
    }

    #[test]
    fn values_use_no_variables_of_their_own_parameter_nor_of_those_below() {
        insta::assert_snapshot!(all(&[
            ("{taker: <closer>,", "{taker: <taker>,"),
            ("{taker: <closer>,", "{taker: <resolution>,"),
            ("  closer: [alice, bob]", "  closer: {alice: {who: <taker>}}"),
            ("  closer: [alice, bob]", "  closer: {alice: {who: <resolution>}}"),
        ]));
    }

    #[test]
    fn collections_are_no_part_of_a_text() {
        insta::assert_snapshot!(all(&[
            ("for <taker>.", "for <taker>, <waits>."),
            ("for <taker>.", "for <taker> and <fate>."),
            ("anchors.<closer>: any", "anchors.<closer>: any\n  <fate>: any"),
        ]));
    }

    #[test]
    fn what_does_not_fit_is_wrong_where_it_is_used_and_only_there() {
        insta::assert_snapshot!(all(&[
            // A list where a single value is wanted.
            ("by: <closer>}\n    say", "by: <waits>}\n    say"),
            // In two instances of four, in one, and in all.
            ("[alice, bob]", "[alice, bbo]"),
            ("left: {taker: bob, waits: []", "left: {taker: bob, waits: [{mien: 1 block}]"),
            ("- mine: 1 block", "- mine: 0 blocks"),
            ("fate: absent", "fate: any"),
        ]));
    }

    #[test]
    fn a_value_that_is_used_twice_is_wrong_once_in_each_instance() {
        let text = changed(CLOSES, "waits: []", "waits: [{mien: 1 block}]");
        let error = refuse(&changed(&text, "  - <waits>\n", "  - <waits>\n  - <waits>\n"));
        let told: Vec<_> = error.problems.into_iter().map(|problem| problem.only_in).collect();
        assert_eq!(told, [Some("alice/left and 1 more".to_owned())]);
    }

    #[test]
    fn for_stands_at_the_top() {
        let found = refused("- mine: 1 block", "- for: {a: [b]}");
        assert!(found.contains("unknown verb `for`"), "{found}");
    }
}

mod limits {
    use super::*;

    #[track_caller]
    fn only(text: &str) -> Mistake {
        let error = refuse(text);
        let [problem] = error.problems.as_slice() else { panic!("not one problem:\n{error}") };
        problem.mistake.clone()
    }

    fn numbers(count: usize) -> String {
        let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
        numbers.join(", ")
    }

    #[test]
    fn a_thousand_instances_are_the_most() {
        let with = |a: usize, b: usize| {
            let head = format!("for:\n  a: [{}]\n  b: [{}]\n", numbers(a), numbers(b));
            let text = changed(BREACH, "title: A", "title: <a> <b>");
            changed(&text, "bolt:", &format!("{head}bolt:"))
        };
        let scenario = read(&with(40, 25));
        assert_eq!(scenario.runs().len(), 1_000);
        let expected = ForMistake::TooManyInstances { count: 1_001, limit: 1_000 };
        assert_eq!(only(&with(7, 143)), Mistake::For(expected));
        let many = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
            .map(|name| format!("  {name}: [{}]\n", numbers(1_000)));
        let huge = changed(BREACH, "bolt:", &format!("for:\n{}bolt:", many.concat()));
        let expected = ForMistake::TooManyInstances { count: usize::MAX, limit: 1_000 };
        assert_eq!(only(&huge), Mistake::For(expected));
    }

    /// A chain of parameters, each of which has the one above it many times.
    fn chain(length: usize, first: &str, link: impl Fn(&str) -> String) -> String {
        let mut head = format!("for:\n  p0: {{only: {{v0: {first}}}}}\n");
        for number in 1..=length {
            let value = link(&format!("<v{}>", number - 1));
            head = format!("{head}  p{number}: {{only: {{v{number}: {value}}}}}\n");
        }
        let text = changed(BREACH, "bolt: [", &format!("{head}bolt: [<v{length}>, "));
        text.replace("title: A", "title: x")
    }

    #[test]
    fn nested_lists_do_not_blow_up() {
        let ten = |variable: &str| format!("[{}]", [variable; 10].join(", "));
        // Spliced, they are a million items.
        assert_eq!(only(&chain(6, "[x, x]", ten)), Mistake::TooManyValues { limit: 50_000 });
    }

    #[test]
    fn nested_texts_do_not_blow_up() {
        let ten = |variable: &str| variable.repeat(10);
        let expected = ForMistake::TooMuchText { limit: 1024 * 1024 };
        assert_eq!(only(&chain(12, "xxxxxxxxxx", ten)), Mistake::For(expected));
    }

    #[test]
    fn nested_mappings_do_not_go_deep() {
        let deeper = |variable: &str| format!("{{a: {variable}}}");
        assert_eq!(only(&chain(500, "x", deeper)), Mistake::TooDeep { limit: 16 });
    }

    #[test]
    fn all_instances_together_are_bounded() {
        let items = vec!["x"; 2_000].join(", ");
        let text = changed(
            BREACH,
            "bolt: [",
            &format!("for: {{a: [{}]}}\nbolt: [<a>, {items}, ", numbers(1_000)),
        );
        let found = only(&text);
        let expected = ForMistake::TooMuchInAll { what: "values", limit: 1_000_000 };
        assert_eq!(found, Mistake::For(expected));
    }

    #[test]
    fn a_place_that_is_wrong_in_every_instance_is_told_some_times() {
        let text =
            changed(BREACH, "bolt: [", &format!("for: {{a: [{}]}}\nbolt: [<a>x, ", numbers(1_000)));
        let error = refuse(&text);
        let told: Vec<_> = error.problems.iter().map(|problem| problem.only_in.clone()).collect();
        assert_eq!((told.len(), told[19].as_deref()), (20, Some("19")));
    }

    #[test]
    fn many_unsound_rows_are_soon_told() {
        let rows: Vec<String> = (0..4_000).map(|n| format!("    r{n}: {{w{n}: 1}}\n")).collect();
        let text = changed(BREACH, "bolt:", &format!("for:\n  a:\n{}bolt:", rows.concat()));
        let shown = refuse(&text).to_string();
        assert!(shown.len() < 20_000 && shown.contains("more"), "{}", shown.len());
    }
}

mod editors {
    use super::*;

    fn is_valid(yaml: &str) -> bool {
        let instance: serde_json::Value = serde_saphyr::from_str(yaml).expect("YAML");
        let validator =
            jsonschema::draft202012::new(&super::super::super::schema()).expect("a schema");
        validator.is_valid(&instance)
    }

    #[test]
    fn the_schema_knows_for_and_variables() {
        assert!(is_valid(CLOSES));
        assert!(is_valid(include_str!("../../../specs/closing/unilateral.yaml")));
        for (from, to) in [
            ("ab, by: <closer>", "ab, <by>: <closer>"),
            ("- mine: 1 block", "- mine: <number> blocks"),
            ("cast:\n", "covers: [<covers>, x]\ncast:\n  <victim>: <role>\n"),
            ("ab.commitment.to_local: <fate>", "balances: {<victim>: <balance>}"),
        ] {
            let text = changed(CLOSES, from, to);
            // In the place of one of the language's own keys, editors know none.
            assert_eq!(is_valid(&text), !to.contains("<by>"), "{text}");
        }
        for (from, to) in [
            ("[alice, bob]", "[]"),
            ("[alice, bob]", "alice"),
            ("[alice, bob]", "[[alice], [bob]]"),
            ("closer: [alice", "Closer: [alice"),
            ("swept: {taker: <closer>,", "swept: {Taker: <closer>,"),
            ("    left: {taker: bob, waits: [], fate: absent}", "    left: {}"),
            ("by: <closer>}\n    say", "by: <closer}\n    say"),
            ("ab.funding: {spent_by: <closer>.commitment}", "ab.funding: absent"),
        ] {
            let text = changed(CLOSES, from, to);
            assert!(!is_valid(&text), "`{to}` for `{from}` is not noticed");
            refuse(&text);
        }
    }
}

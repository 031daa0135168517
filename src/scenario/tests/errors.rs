//! What a person reads.

use std::fs;

use super::*;

fn shown(from: &str, to: &str) -> String {
    refuse(&changed(BREACH, from, to)).to_string()
}

#[test]
fn a_slip_is_shown_with_its_line_and_a_suggestion() {
    insta::assert_snapshot!(shown("to: bob, amount", "to: bbo, amount"));
}

#[test]
fn all_mistakes_of_a_file_are_shown_in_its_order() {
    let text = changed(BREACH, "400_000 sat", "400_000");
    let text = changed(&text, "- mine", "- mien");
    let text = changed(&text, "role: cheat", "role: cheet");
    let text = changed(&text, "state: revoked", "state: old");
    insta::assert_snapshot!(refuse(&text));
}

#[test]
fn syntax_errors_are_in_plain_words() {
    let slips = [
        ("role: honest}", "role: honest"),
        ("anchors: any", "anchors: [any"),
        ("title: A", "title: \"A"),
        ("  - open", "\t- open"),
        ("steps:", "steps"),
        ("  - mine", " - mine"),
        ("title: A revoked", "title: A: revoked"),
        ("title: A", "title: *A"),
        ("title: A", "title: !!int A"),
        ("title: A", "<<: {a: b}\ntitle: A"),
        ("outcome:", "---\noutcome:"),
        ("title: A", "title: &a [*a]\nabout: A"),
        ("title: A", "title: \u{7}A"),
        ("bob: {role: honest}", "bob: {role: honest}}"),
        ("title: A", "? [a]\n: b\ntitle: A"),
    ];
    let texts: Vec<String> = slips.iter().map(|(from, to)| shown(from, to)).collect();
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn other_shapes_are_in_plain_words() {
    let texts = [
        "",
        "# nothing\n",
        "just text\n",
        "- a\n- b\n",
        "null\n",
        "title: x\nsteps: 3\ncast: [a]\nchannels: x\noutcome: [x]\n",
    ];
    let texts = texts.map(|text| refuse(text).to_string());
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn a_long_line_is_clipped_around_the_caret() {
    let long = "x".repeat(300);
    let line = format!("{{from: alice, to: bob, amount: 400_000}}\n    say: {long}");
    let text = changed(BREACH, "{from: alice, to: bob, amount: 400_000 sat}", &line);
    let text = changed(&text, "    say: Both", "    zay: Both");
    let text = changed(&text, "title: A", &format!("title: {long}\nab{long}: A"));
    insta::assert_snapshot!(refuse(&text));
}

#[test]
fn wide_characters_and_tabs_keep_the_caret_in_place() {
    let found = mistake("- mine: 1 block", "- {say: \"ünö\\t\tx\", mine: 1 blok}", "1 blok");
    assert!(matches!(found, Mistake::UnknownUnit { .. }), "{found}");
}

#[test]
fn many_mistakes_are_counted() {
    let steps = "  - mien: 1 block\n".repeat(50);
    let error = refuse(&changed(BREACH, "  - mine: 1 block\n", &steps));
    assert_eq!(error.problems.len(), 50);
    assert!(error.to_string().ends_with("specs/x.yaml: and 30 more"), "{error}");
    let lines = error.problems.iter().filter(|problem| problem.line.is_some());
    assert_eq!(lines.count(), 20, "the others are never shown");
}

mod bombs {
    use super::*;

    #[track_caller]
    fn only(text: &str) -> Mistake {
        let error = refuse(text);
        assert_eq!(error.problems.len(), 1, "{error}");
        assert!(error.to_string().len() < 1_000);
        error.problems[0].mistake.clone()
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
        for (before, name) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            let aliases = vec![format!("*{before}"); 9].join(", ");
            text = format!("{text}{name}: &{name} [{aliases}]\n");
        }
        let found = only(&text);
        assert!(matches!(found, Mistake::AliasBomb | Mistake::TooManyValues { .. }), "{found}");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let flow = format!("title: {}x{}\n", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(only(&flow), Mistake::TooDeep { limit: 16 });
        let block = format!("title: {}x\n", "- ".repeat(10_000));
        let found = only(&block);
        assert!(matches!(found, Mistake::TooDeep { .. } | Mistake::Syntax { .. }), "{found}");
        let lines: Vec<String> =
            (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        let block = lines.concat();
        assert_eq!(only(&block), Mistake::TooDeep { limit: 16 });
    }

    #[test]
    fn very_many_values_are_refused() {
        let text = format!("bolt: [{}]\n", "x, ".repeat(100_000));
        assert!(matches!(only(&text), Mistake::TooManyValues { .. }));
    }

    #[test]
    fn a_huge_text_is_refused() {
        let text = "#".repeat(1024 * 1024 + 1);
        let found = only(&text);
        assert_eq!(found, Mistake::TooLarge { size: SIZE_LIMIT + 1, limit: SIZE_LIMIT });
    }
}

mod files {
    use super::*;

    fn loaded(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.yaml");
        fs::write(&path, bytes).expect("a file");
        let error = load(&path).expect_err("an unsound file");
        error.to_string().replace(&folder.path().display().to_string(), "DIR")
    }

    #[test]
    fn a_sound_file_is_loaded() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.yaml");
        fs::write(&path, BREACH).expect("a file");
        let scenario = load(&path).expect("a scenario");
        assert_eq!((scenario.file, &*scenario.source), (path, BREACH));
    }

    #[test]
    fn a_missing_file_and_a_folder_are_refused() {
        let error = load(FilePath::new("no/such.yaml")).expect_err("no file");
        assert_eq!(
            error.to_string(),
            "no/such.yaml: the file cannot be read: there is no such file"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let error = load(folder.path()).expect_err("a folder");
        assert!(error.to_string().ends_with("the file cannot be read: it is a folder"), "{error}");
    }

    #[test]
    fn a_huge_file_is_refused_without_reading_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.yaml");
        let file = fs::File::create(&path).expect("a file");
        file.set_len(1 << 40).expect("a sparse file");
        let error = load(&path).expect_err("a huge file");
        let expected = Mistake::TooLarge { size: 1 << 40, limit: SIZE_LIMIT };
        assert_eq!(error.problems[0].mistake, expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_refused() {
        let error = load(FilePath::new("/dev/zero")).expect_err("a device");
        assert!(error.to_string().contains("it is no ordinary file"), "{error}");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown() {
        insta::assert_snapshot!(loaded(b"title: x\nabout: \xc3\xa9t\xe9\n"), @r"
        DIR/x.yaml:2:10: the file is not UTF-8 text from here on
          2 | about: ét�
            |          ^
        ");
    }
}

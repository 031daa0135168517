//! Golden files: the transcript of a scenario, or of each of its branches under a heading.

/// What stands before the name of a branch.
const HEADING: &str = "=== ";

/// The transcript of a run in the text of a golden file: all of it if the scenario has no branches.
pub fn section(golden: &str, branch: &[String]) -> Option<String> {
    if branch.is_empty() {
        return Some(golden.to_owned());
    }
    let name = branch.join(" / ");
    let found = sections(golden).into_iter().find(|(heading, _)| *heading == name);
    found.map(|(_, text)| text)
}

/// The text of a golden file with this run's transcript in its place; `branches` are all of the
/// scenario's, in order, and those that it no longer has go.
pub fn with_section(
    golden: &str,
    branch: &[String],
    transcript: &str,
    branches: &[Vec<String>],
) -> String {
    if branch.is_empty() {
        return transcript.to_owned();
    }
    let known = sections(golden);
    let mut text = String::new();
    for other in branches {
        let name = other.join(" / ");
        let kept =
            known.iter().find(|(heading, _)| *heading == name).map(|(_, text)| text.as_str());
        let body = if other == branch { Some(transcript) } else { kept };
        if let Some(body) = body {
            text.extend([HEADING, &name, "\n", body]);
        }
    }
    text
}

/// The headings and what stands below each.
fn sections(golden: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in golden.split_inclusive('\n') {
        if let Some(heading) = line.strip_prefix(HEADING) {
            sections.push((heading.trim_end().to_owned(), String::new()));
        } else if let Some((_, text)) = sections.last_mut() {
            text.push_str(line);
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn each_branch_has_its_section_in_the_order_of_the_scenario() {
        let all = [branch(&["a"]), branch(&["b", "c"]), branch(&["b", "d"])];
        let mut text = "=== gone\nold\n".to_owned();
        for (branch, transcript) in [(&all[2], "three\n"), (&all[0], "one\n"), (&all[1], "two\n")] {
            text = with_section(&text, branch, transcript, &all);
        }
        assert_eq!(text, "=== a\none\n=== b / c\ntwo\n=== b / d\nthree\n");
        assert_eq!(section(&text, &all[1]).as_deref(), Some("two\n"));
        assert_eq!(section(&text, &branch(&["b"])), None);
        assert_eq!(section("whole\n", &[]).as_deref(), Some("whole\n"));
    }
}

//! The nearest known word.

/// The word that the author most likely meant, if one is near enough to say so.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // A long text is no misspelt word, and comparing it would take its time.
    if word.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= 1.max(candidate.chars().count().max(word.chars().count()) / 3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word() {
        let roles = ["alice", "bob", "carol"];
        assert_eq!(nearest("bbo", roles), Some("bob"));
        assert_eq!(nearest("Alice", roles), Some("alice"));
        assert_eq!(nearest("force-close", ["close", "force_close"]), Some("force_close"));
    }

    #[test]
    fn a_stranger_finds_none() {
        assert_eq!(nearest("mallory", ["alice", "bob", "carol"]), None);
        assert_eq!(nearest(&"a".repeat(1_000_000), ["a"]), None);
    }
}

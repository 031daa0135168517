//! Which Debian mirror this machine uses, read from apt's own configuration.

use std::fs;
use std::path::{Path, PathBuf};

/// Debian's own, where apt's configuration names none.
pub(super) const DEFAULT: &str = "http://deb.debian.org/debian";

/// More than these are not tried: a configuration can list the same mirror many times over.
const MOST: usize = 3;

const RELEASES: &[&str] = &[
    "buster",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];
const SUFFIXES: &[&str] = &["", "-updates", "-backports", "-proposed-updates"];

/// The mirrors of Debian's main archive that apt is configured with, in its order, and Debian's
/// own at the end.
pub(super) fn mirrors(apt: &Path) -> Vec<String> {
    let mut mirrors = Vec::new();
    for file in source_files(apt) {
        // A file that cannot be read is one that apt cannot read either.
        let text = fs::read_to_string(&file).unwrap_or_default();
        let is_stanzas = file.extension().is_some_and(|extension| extension == "sources");
        let sources = if is_stanzas { stanzas(&text) } else { lines(&text) };
        let usable = sources.into_iter().filter(Source::is_debian_main);
        for uri in usable.map(|source| source.uri.trim_end_matches('/').to_owned()) {
            if !mirrors.contains(&uri) {
                mirrors.push(uri);
            }
        }
    }
    mirrors.retain(|uri| uri != DEFAULT);
    mirrors.truncate(MOST);
    mirrors.push(DEFAULT.to_owned());
    mirrors
}

fn source_files(apt: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(apt.join("sources.list.d")).into_iter().flatten().flatten();
    let mut parts: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    parts.retain(|path| path.extension().is_some_and(|end| end == "list" || end == "sources"));
    parts.sort();
    parts.insert(0, apt.join("sources.list"));
    parts
}

#[derive(Debug, PartialEq, Eq)]
struct Source {
    uri: String,
    suite: String,
    components: Vec<String>,
}

impl Source {
    /// Only Debian's own suites tell Debian's archive from any other that apt is pointed at.
    /// Its security archive has no `unstable`.
    fn is_debian_main(&self) -> bool {
        let is_release = RELEASES.iter().any(|release| {
            self.suite.strip_prefix(release).is_some_and(|suffix| SUFFIXES.contains(&suffix))
        });
        let can_be_used = self.uri.contains("://") || self.uri.starts_with("file:");
        is_release && can_be_used && self.components.iter().any(|component| component == "main")
    }
}

/// The one-line format: `deb [options] uri suite component…`.
fn lines(text: &str) -> Vec<Source> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Source> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let mut rest = line.strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
    if let Some(options) = rest.strip_prefix('[') {
        rest = options.split_once(']')?.1;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source { uri: words.next()?, suite: words.next()?, components: words.collect() })
}

/// The deb822 format: paragraphs of fields, every field possibly with several values.
fn stanzas(text: &str) -> Vec<Source> {
    let without_comments = text.lines().filter(|line| !line.starts_with('#'));
    let lines: Vec<&str> = without_comments.collect();
    lines.split(|line| line.trim().is_empty()).flat_map(stanza).collect()
}

fn stanza(lines: &[&str]) -> Vec<Source> {
    let values = |name: &str| -> Vec<&str> {
        let mut values = Vec::new();
        let mut inside = false;
        for line in lines {
            if line.starts_with([' ', '\t']) {
                values.extend(inside.then(|| line.split_whitespace()).into_iter().flatten());
            } else if let Some((field, value)) = line.split_once(':') {
                inside = field.trim().eq_ignore_ascii_case(name);
                values.extend(inside.then(|| value.split_whitespace()).into_iter().flatten());
            }
        }
        values
    };
    let is_off = values("Enabled").iter().any(|value| value.eq_ignore_ascii_case("no"));
    if is_off || !values("Types").contains(&"deb") {
        return Vec::new();
    }
    let components: Vec<String> = values("Components").into_iter().map(str::to_owned).collect();
    let suites = values("Suites");
    let uris = values("URIs");
    let pairs = uris.iter().flat_map(|uri| suites.iter().map(move |suite| (uri, suite)));
    pairs
        .map(|(uri, suite)| Source {
            uri: (*uri).to_owned(),
            suite: (*suite).to_owned(),
            components: components.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::obtain::testing::Machine;

    fn mirrors_of(files: &[(&str, &str)]) -> Vec<String> {
        let machine = Machine::new();
        for (name, text) in files {
            machine.file(&format!("etc/apt/{name}"), text);
        }
        mirrors(&machine.places().apt)
    }

    #[test]
    fn one_line_format_yields_its_mirror() {
        let text = "# deb http://comment.example/debian bookworm main\n\
            deb-src http://source.example/debian bookworm main\n\
            deb [ arch=amd64 signed-by=/k.gpg ] http://mirror.example/debian/ bookworm main\n\
            deb http://mirror.example/debian bookworm-updates main contrib # twice\n";
        assert_eq!(
            mirrors_of(&[("sources.list", text)]),
            ["http://mirror.example/debian", DEFAULT]
        );
    }

    #[test]
    fn stanza_format_yields_its_mirrors() {
        let text = "Types: deb deb-src\nURIs: https://one.example/debian\n \
            https://two.example/debian/\nSuites: trixie trixie-updates\nComponents: main\n\
            # a comment\nSigned-By: /k.gpg\n\n\
            Types: deb\nURIs: http://off.example/debian\nSuites: trixie\nComponents: main\n\
            Enabled: no\n";
        assert_eq!(
            mirrors_of(&[("sources.list.d/debian.sources", text)]),
            ["https://one.example/debian", "https://two.example/debian", DEFAULT]
        );
    }

    #[test]
    fn other_archives_are_not_taken_for_debians() {
        let list = "deb http://security.example/debian-security bookworm-security main\n\
            deb http://archive.example/ubuntu noble main\n\
            deb http://tools.example/apt bookworm contrib\n\
            deb cdrom:[Debian]/ bookworm main\n";
        let disabled = "deb http://disabled.example/debian bookworm main\n";
        assert_eq!(
            mirrors_of(&[("sources.list", list), ("sources.list.d/x.list.disabled", disabled)]),
            [DEFAULT]
        );
    }

    #[test]
    fn no_configuration_leaves_debians_own() {
        assert_eq!(mirrors_of(&[]), [DEFAULT]);
    }
}

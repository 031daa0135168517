//! The story of a trace, step by step, for people.

use std::io::{self, Write};

use super::style::{BAD, FAINT, GOOD, NAME, NARRATIVE, STRONG, styled};
use crate::bolt::channel::ChannelEvent;
use crate::trace::gossip::Attention;
use crate::trace::words::{self, Names};
use crate::trace::{Answer, Entry, Event, Problem, RawTransaction, Trace};

/// Where prose is wrapped, in characters.
const WIDTH: usize = 88;

/// How deep everything below a step's line stands.
const INDENT: &str = "        ";

/// Where a reader finds what did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problems {
    /// In the story.
    Here,
    /// Below it, with the lines of the scenario.
    Below,
}

/// Writes the story: each step with its narrative, and below it what happened.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, trace: &Trace, problems: Problems) -> io::Result<()> {
    let (names, doing) = (Names::default(), String::new());
    let mut story = Story { out, problems, names, doing, talk: None, apart: false };
    let mut attention = Attention::default();
    for entry in &trace.entries {
        story.names.learn(&entry.event);
        if attention.is_paid_to(&entry.event) {
            story.entry(entry)?;
        }
    }
    story.end_talk()
}

/// Writes what the trace is about: the title and the cast.
///
/// # Errors
/// Those of `out`.
pub fn write_title(out: &mut dyn Write, trace: &Trace) -> io::Result<()> {
    let first = trace.entries.first().map(|entry| &entry.event);
    let Some(Event::Scenario { title, cast, channels, .. }) = first else { return Ok(()) };
    writeln!(out, "{}", styled(STRONG, title))?;
    for role in cast {
        writeln!(out, "  {} ({})", role.name, role.kind)?;
    }
    for channel in channels {
        writeln!(out, "  {}: {} to {}", channel.name, channel.from, channel.to)?;
    }
    Ok(())
}

struct Story<'a> {
    out: &'a mut dyn Write,
    problems: Problems,
    names: Names,
    /// What the present step does.
    doing: String,
    /// Messages that go the same way, not yet written.
    talk: Option<Talk>,
    /// Whether what is told happens on the side that is cut off.
    apart: bool,
}

struct Talk {
    way: String,
    messages: Vec<String>,
}

impl Story<'_> {
    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        match &entry.event {
            Event::Message { from, to, channel, message } => {
                let details = self.names.details(message);
                let details = details.map_or(String::new(), |details| format!(" ({details})"));
                let text = format!("{}{details}", styled(NAME, message.name()));
                let way = self.names.way(from, "→", to, channel.as_ref());
                return self.say(way, text);
            }
            Event::Lost { from, to, message } => {
                let text = format!("{} {}", styled(NAME, message), styled(BAD, "lost"));
                return self.say(format!("{from} → {to}"), text);
            }
            _ => self.end_talk()?,
        }
        match &entry.event {
            Event::Step { text, say, .. } => {
                self.step(entry.step.unwrap_or_default(), text, say.as_deref())
            }
            // What comes before the first step is the lab's own work.
            _ if entry.step.is_none() && !matches!(entry.event, Event::Audited { .. }) => Ok(()),
            event => self.event(event),
        }
    }

    fn step(&mut self, number: u32, text: &str, say: Option<&str>) -> io::Result<()> {
        text.clone_into(&mut self.doing);
        let number = format!("step {number}");
        writeln!(self.out, "\n{}  {}", styled(FAINT, number), styled(STRONG, text))?;
        for line in wrapped(say.unwrap_or_default(), WIDTH - INDENT.len()) {
            writeln!(self.out, "{INDENT}{}", styled(NARRATIVE, line))?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Scenario { .. }
            | Event::Step { .. }
            | Event::Message { .. }
            | Event::Lost { .. } => Ok(()),
            Event::Garbage { from, to, bytes, error } => {
                let text = styled(BAD, format!("{} bytes that are no message", bytes.0.len()));
                self.line(&format!("{from} → {to}: {text}: failed to {error}"))
            }
            Event::Broken { from, to, bytes, error } => {
                let text = styled(BAD, format!("{} bytes that break BOLT 8", bytes.0.len()));
                self.line(&format!("{from} → {to}: {text}: failed to {error}"))
            }
            Event::Held { role } => self.line(&format!("{role} sends nothing for now")),
            Event::LinkUp { from, to, over } => self.line(&words::connection(from, to, *over)),
            Event::LinkDown { from, to } => self.line(&format!("{from} and {to} are disconnected")),
            Event::Peer { role, peer, told } => {
                self.line(&format!("{role}: {peer} {}", words::told_of_peer(told)))
            }
            Event::Channel { told, .. } if is_routine(told) => Ok(()),
            Event::Channel { role, channel, told } => {
                self.line(&format!("{role}: {channel} {}", words::told(told)))
            }
            Event::Invoice { invoice: text, .. } | Event::Offer { offer: text, .. } => {
                let text = styled(FAINT, shortened(text));
                self.line(&format!("{}: {text}", self.names.of_payments(event)))
            }
            Event::OnionMessage { .. } | Event::Payment { .. } | Event::Tampered { .. } => {
                self.line(&self.names.of_payments(event))
            }
            Event::Gossip { .. }
            | Event::NetworkOpens { .. }
            | Event::NetworkOpen { .. }
            | Event::WayFound { .. }
            | Event::NoWayFound { .. }
            | Event::Flare { .. } => self.line(&self.names.of_network(event)),
            Event::Published { .. } => self.published(event),
            Event::Mined { .. }
            | Event::Disconnected { .. }
            | Event::Mempool { .. }
            | Event::Fees { .. }
            | Event::Offline { .. }
            | Event::Online { .. }
            | Event::BlocksWithheld { .. }
            | Event::BlocksReleased { .. }
            | Event::Partitioned { .. }
            | Event::Healed { .. } => self.chain(event),
            Event::Apart { what } => {
                self.apart = true;
                let told = self.event(what);
                self.apart = false;
                told
            }
            Event::Remembered { role, channel, commitment, name } => {
                self.line(&format!("{role} keeps commitment {commitment} of {channel} as {name}"))
            }
            Event::Checked { expected, failed } => {
                let (mark, so) = match failed {
                    None => (styled(GOOD, "✓"), "it is so"),
                    Some(_) => (styled(BAD, "✗"), "it is not so"),
                };
                let what = if *expected == self.doing { so } else { expected };
                self.line(&format!("{mark} {what}"))?;
                let found = failed.iter().filter(|_| self.problems == Problems::Here);
                let found: Vec<&str> = found.flat_map(|found| found.lines()).collect();
                found.iter().try_for_each(|line| self.line(&format!("  {line}")))
            }
            Event::Audited { outputs, problems } => self.audited(*outputs, problems),
        }
    }

    /// What the chain does, and who sees it.
    fn chain(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Mined { from, to, transactions, full, .. } => {
                let blocks = words::blocks(*from, *to);
                self.line(&format!("{blocks}: {}", self.mined(transactions, *full)))
            }
            Event::Disconnected { from, to } => {
                let blocks = words::blocks(*to, *from);
                self.line(&format!("{}: {blocks} disconnected", styled(BAD, "reorg")))
            }
            Event::Mempool { transactions } => {
                let waiting = self.names.waiting(transactions);
                self.line(&format!("mempool: {waiting}"))
            }
            _ => self.line(&words::sight(event)),
        }
    }

    fn published(&mut self, event: &Event) -> io::Result<()> {
        let Event::Published { by, transaction, answer, txid, .. } = event else { return Ok(()) };
        let name = self.names.said_by(by, &transaction.0);
        let txid: String = txid.to_string().chars().take(8).collect();
        let answer = match answer {
            Answer::Accepted => styled(GOOD, "accepted").to_string(),
            Answer::Known => styled(FAINT, "known already").to_string(),
            Answer::Handed => styled(FAINT, "handed to a miner").to_string(),
            Answer::Refused { reason } => styled(BAD, format!("refused: {reason}")).to_string(),
        };
        let amounts = words::amounts(&transaction.0);
        let txid = styled(FAINT, format!("{txid}…"));
        self.line(&format!("{by} publishes {} {txid}, {amounts}: {answer}", styled(NAME, name)))
    }

    fn audited(&mut self, outputs: u32, problems: &[Problem]) -> io::Result<()> {
        writeln!(self.out, "\n{}", styled(STRONG, "audit"))?;
        let outputs = counted(outputs, "output");
        if problems.is_empty() {
            let good = styled(GOOD, "✓");
            return self.line(&format!("{good} {outputs} on chain, all accounted for"));
        }
        self.line(&format!("{} {outputs} on chain, but:", styled(BAD, "✗")))?;
        if self.problems == Problems::Below {
            return Ok(());
        }
        for problem in problems {
            let place = problem.line.map_or(String::new(), |line| format!("line {line}: "));
            let message = problem.message.lines().collect::<Vec<_>>().join("; ");
            self.line(&format!("  {place}{message}"))?;
        }
        Ok(())
    }

    fn mined(&self, transactions: &[RawTransaction], full: bool) -> String {
        let names = transactions.iter().map(|tx| styled(NAME, self.names.of(&tx.0)).to_string());
        let others = words::others(full, transactions.is_empty());
        let others = others.map(|others| styled(FAINT, others).to_string());
        names.chain(others).collect::<Vec<_>>().join(", ")
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        let apart = if self.apart { "apart: " } else { "" };
        writeln!(self.out, "{INDENT}{apart}{text}")
    }

    fn say(&mut self, way: String, message: String) -> io::Result<()> {
        match &mut self.talk {
            Some(talk) if talk.way == way => talk.messages.push(message),
            _ => {
                self.end_talk()?;
                self.talk = Some(Talk { way, messages: vec![message] });
            }
        }
        Ok(())
    }

    fn end_talk(&mut self) -> io::Result<()> {
        let Some(Talk { way, messages }) = self.talk.take() else { return Ok(()) };
        self.line(&format!("{way}  {}", messages.join(", ")))
    }
}

/// What every channel goes through, and the messages show anyway.
fn is_routine(told: &ChannelEvent) -> bool {
    matches!(
        told,
        ChannelEvent::FundingConfirmed { .. }
            | ChannelEvent::HtlcCommitted { .. }
            | ChannelEvent::HtlcFulfilled { .. }
    )
}

/// The beginning and the end of a long string.
fn shortened(text: &str) -> String {
    match (text.get(..24), text.len().checked_sub(8).and_then(|end| text.get(end..))) {
        (Some(beginning), Some(end)) if text.len() > 40 => format!("{beginning}…{end}"),
        _ => text.to_owned(),
    }
}

/// A number of things: `1 output`, `2 outputs`.
pub(super) fn counted(number: impl Into<u64>, thing: &str) -> String {
    match number.into() {
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}

/// Breaks prose between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::testing::sample;

    fn told(problems: Problems) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        write_title(&mut out, &sample()).unwrap();
        write(&mut out, &sample(), problems).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn story_of_a_saved_trace_tells_what_did_not_hold() {
        insta::assert_snapshot!(told(Problems::Here));
    }

    #[test]
    fn story_of_a_run_leaves_that_to_the_excerpts() {
        assert!(!told(Problems::Below).contains("found: 2 sat"));
    }
}

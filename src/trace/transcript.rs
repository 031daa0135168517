//! The compact transcript: a line an event, no bytes. It is kept beside each scenario as its
//! golden file, so that a change of behaviour shows in review and a reader sees what happens.

use std::fmt::Write as _;

use bitcoin::Transaction;

use super::gossip::Attention;
use super::words::{self, Names};
use super::{Answer, Event, Trace};
use crate::scenario::RoleName;

/// The transcript of a trace.
pub fn transcript(trace: &Trace) -> String {
    let mut names = Names::default();
    let mut text = String::new();
    let mut doing = "";
    let mut attention = Attention::default();
    for entry in &trace.entries {
        names.learn(&entry.event);
        if !attention.is_paid_to(&entry.event) {
            continue;
        }
        if let Event::Step { text: step, .. } = &entry.event {
            let number = entry.step.unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n{number} {step}");
            doing = step;
            continue;
        }
        let indent = if entry.step.is_some() { "  " } else { "" };
        for line in lines(&names, doing, &entry.event) {
            let _ = writeln!(text, "{indent}{line}");
        }
    }
    text
}

/// An event in words, during the step that does this.
fn lines(names: &Names, doing: &str, event: &Event) -> Vec<String> {
    let line = match event {
        Event::Scenario { title, cast, channels, height } => {
            let roles = cast.iter().map(|role| format!("{} ({})", role.name, role.kind));
            let channels = channels.iter().map(|c| format!("{} ({} to {})", c.name, c.from, c.to));
            let list = |names: Vec<String>| names.join(", ");
            return vec![
                title.clone(),
                format!("cast: {}", list(roles.collect())),
                format!("channels: {}", list(channels.collect())),
                format!("height: {height}"),
                String::new(),
            ];
        }
        Event::Step { text, .. } => text.clone(),
        Event::Message { .. }
        | Event::Lost { .. }
        | Event::Garbage { .. }
        | Event::Broken { .. }
        | Event::LinkUp { .. }
        | Event::Held { .. }
        | Event::LinkDown { .. }
        | Event::Peer { .. } => of_links(names, event),
        Event::Channel { role, channel, told } => {
            format!("{role}: {channel} {}", words::told(told))
        }
        Event::Gossip { .. }
        | Event::NetworkOpens { .. }
        | Event::NetworkOpen { .. }
        | Event::WayFound { .. }
        | Event::NoWayFound { .. }
        | Event::Flare { .. } => names.of_network(event),
        Event::Invoice { .. }
        | Event::Offer { .. }
        | Event::OnionMessage { .. }
        | Event::Payment { .. }
        | Event::Tampered { .. } => names.of_payments(event),
        Event::Published { by, transaction, answer, .. } => {
            published(names, by, &transaction.0, answer)
        }
        Event::Mined { .. }
        | Event::Disconnected { .. }
        | Event::Mempool { .. }
        | Event::Fees { .. }
        | Event::Offline { .. }
        | Event::Online { .. }
        | Event::BlocksWithheld { .. }
        | Event::BlocksReleased { .. }
        | Event::Partitioned { .. }
        | Event::Healed { .. } => of_chain(names, event),
        Event::Apart { what } => {
            let lines = lines(names, doing, what).into_iter();
            return lines.map(|line| format!("apart: {line}")).collect();
        }
        Event::Remembered { role, channel, commitment, name } => {
            format!("{role} remembers commitment {commitment} of {channel} as {name}")
        }
        Event::Checked { expected, failed: None } if expected == doing => "it is so".to_owned(),
        Event::Checked { expected, failed: None } => format!("it is so: {expected}"),
        Event::Checked { expected, failed: Some(found) } => {
            format!("it is not so: {expected}; found: {}", found.replace('\n', "; "))
        }
        Event::Audited { outputs, problems } => {
            let mut lines = vec![String::new(), format!("audit: {outputs} outputs")];
            lines.extend(problems.iter().map(|p| format!("  {}", p.message.replace('\n', "; "))));
            return lines;
        }
    };
    vec![line]
}

/// A transaction that somebody gave to bitcoind, and what came of it.
fn published(names: &Names, by: &RoleName, transaction: &Transaction, answer: &Answer) -> String {
    let (name, amounts) = (names.said_by(by, transaction), words::amounts(transaction));
    let answer = match answer {
        Answer::Accepted => "accepted".to_owned(),
        Answer::Known => "known already".to_owned(),
        Answer::Handed => "handed to a miner".to_owned(),
        Answer::Refused { reason } => format!("refused: {reason}"),
    };
    format!("{by} publishes {name}, {amounts}: {answer}")
}

/// What the chain does, in words, and who sees it.
fn of_chain(names: &Names, event: &Event) -> String {
    match event {
        Event::Mined { from, to, transactions, full, .. } => {
            let blocks = words::blocks(*from, *to);
            let mut names: Vec<String> = transactions.iter().map(|tx| names.of(&tx.0)).collect();
            names.extend(words::others(*full, names.is_empty()));
            format!("{blocks}: {}", names.join(", "))
        }
        Event::Disconnected { from, to } => {
            format!("reorg: {} disconnected", words::blocks(*to, *from))
        }
        Event::Mempool { transactions } => format!("mempool: {}", names.waiting(transactions)),
        _ => words::sight(event),
    }
}

/// What happens between two roles, in words.
fn of_links(names: &Names, event: &Event) -> String {
    match event {
        Event::Message { from, to, channel, message } => {
            let way = names.way(from, "->", to, channel.as_ref());
            let details = names.details(message);
            let details = details.map_or(String::new(), |details| format!(" ({details})"));
            format!("{way}: {}{details}", message.name())
        }
        Event::Lost { from, to, message } => format!("{from} -> {to}: {message} (lost)"),
        Event::Garbage { from, to, bytes, error } => {
            format!(
                "{from} -> {to}: {} bytes that are no message: failed to {error}",
                bytes.0.len()
            )
        }
        Event::Broken { from, to, bytes, error } => {
            format!("{from} -> {to}: {} bytes that break BOLT 8: failed to {error}", bytes.0.len())
        }
        Event::Held { role } => format!("{role} sends nothing for now"),
        Event::LinkUp { from, to, over } => words::connection(from, to, *over),
        Event::LinkDown { from, to } => format!("{from} and {to} are disconnected"),
        Event::Peer { role, peer, told } => format!("{role}: {peer} {}", words::told_of_peer(told)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::testing::sample;

    #[test]
    fn every_event_is_a_line() {
        insta::assert_snapshot!(transcript(&sample()));
    }

    #[test]
    fn several_channels_are_told_apart() {
        let mut trace = sample();
        if let Event::Scenario { channels, .. } = &mut trace.entries[0].event {
            channels.push(channels[0].clone());
        }
        let text = transcript(&trace);
        assert!(text.contains("alice -> bob (ab): update_add_htlc"), "{text}");
    }
}

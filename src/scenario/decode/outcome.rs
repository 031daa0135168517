//! The outcome.

use super::reader::Reader;
use crate::scenario::{
    error::Mistake,
    language,
    model::{At, ChannelName, Position},
    outcome::{BalanceEntry, Fate, FundingSpender, FundingState, LossEntry, Outcome, OutcomeEntry},
    reference::{CommitmentOutput, OutputRef},
    units::{self, Quantity},
    yaml::{Content, Node},
};

impl Reader {
    /// Reports that there is no outcome. The loader drops that where none is needed.
    pub(super) fn outcome_is_missing(&mut self, at: Position) {
        self.report(at, Mistake::MissingOutcome);
    }

    /// The outcome.
    pub(super) fn outcome(&mut self, node: &Node) -> Option<At<Outcome>> {
        if matches!(node.content, Content::Nothing) {
            self.outcome_is_missing(node.at);
            return None;
        }
        if matches!(&node.content, Content::Text(word) if word.trim() == "nothing") {
            return Some(At::new(Outcome::default(), node.at));
        }
        let wanted = "the outputs and their fates, as in `ab.funding: unspent`, or `nothing`";
        let entries = self.entries(node, wanted)?;
        if entries.is_empty() {
            self.outcome_is_missing(node.at);
        }
        // Branches share the outcome.
        self.invoices.clone_from(&self.all_invoices);
        let mut outcome = Outcome::default();
        for (key, value) in entries {
            if key.value == "balances" {
                outcome.balances = self.balances(value);
                continue;
            }
            if key.value == "losses" {
                outcome.losses = self.losses(value);
                continue;
            }
            // All channels of the network share what a line says of its funding outputs.
            let outputs = match &self.network {
                Some(network) if key.value == "network.funding" => {
                    let of = |name: &ChannelName| At::new(OutputRef::Funding(name.clone()), key.at);
                    network.iter().map(of).collect()
                }
                Some(_) | None => Vec::from_iter(self.known_output(key)),
            };
            let Some(first) = outputs.first() else { continue };
            let Some(fate) = self.fate(first, value) else { continue };
            let entry = |output| OutcomeEntry { output, fate: fate.clone() };
            outcome.entries.extend(outputs.into_iter().map(entry));
        }
        Some(At::new(outcome, node.at))
    }

    fn fate(&mut self, output: &At<OutputRef>, node: &Node) -> Option<At<Fate>> {
        let possible = possible(&output.value);
        let fate = match &node.content {
            Content::Text(_) => self.plain_fate(output, node)?,
            Content::Map(_) if matches!(output.value, OutputRef::Funding(_)) => self.spent(node)?,
            Content::Map(_) => self.taken(node)?,
            Content::Nothing | Content::List(_) => {
                self.text(node, possible)?;
                return None;
            }
        };
        Some(At::new(fate, node.at))
    }

    /// A fate of one word.
    fn plain_fate(&mut self, output: &At<OutputRef>, node: &Node) -> Option<Fate> {
        let known = &["unspent", "unconfirmed", "any", "absent"];
        let word = self.word(node, "fate of an output", known, |word| match word {
            "unspent" => Some(Fate::Unspent),
            "unconfirmed" => Some(Fate::Unconfirmed),
            "any" => Some(Fate::Any),
            "absent" => Some(Fate::Absent),
            _ => None,
        })?;
        let anchors = matches!(
            output.value,
            OutputRef::Commitment(_, CommitmentOutput::Anchors | CommitmentOutput::AnchorOf(_))
        );
        let is_funding = matches!(output.value, OutputRef::Funding(_));
        let impossible = match word.value {
            Fate::Any if !anchors => Some("`any`"),
            Fate::Unconfirmed if !is_funding => Some("`unconfirmed`"),
            Fate::Absent if is_funding => Some("`absent`"),
            _ => None,
        };
        if let Some(fate) = impossible {
            let (output, possible) = (output.value.clone(), possible(&output.value));
            self.report(word.at, Mistake::ImpossibleFate { output, fate, possible });
            return None;
        }
        Some(word.value)
    }

    fn spent(&mut self, node: &Node) -> Option<Fate> {
        let fields = self.fields(node, &language::SPENT)?;
        let state = self.optional(fields.get("state"), |reader, node| {
            reader.word(node, "state of a commitment", FundingState::WORDS, FundingState::from_word)
        });
        let amount = self.optional(fields.get("amount"), Self::sat);
        let spender = fields.get("spent_by").and_then(|node| {
            self.text(node, "`closing`, or whose commitment, as in `alice.commitment`")
        })?;
        let state = state?;
        let by = if spender.value == "closing" {
            if let Some(state) = state {
                self.report(state.at, Mistake::StateOfClosing);
            }
            FundingSpender::Closing
        } else if let Some(role) = spender.value.strip_suffix(".commitment") {
            let of = self.known_role(At::new(role, spender.at))?;
            let state = state.map_or(FundingState::Current, |state| state.value);
            FundingSpender::Commitment { of, state }
        } else {
            let text = spender.value.to_owned();
            self.report(spender.at, Mistake::BadSpender { text });
            return None;
        };
        Some(Fate::SpentBy { by, amount: amount?.map(|amount| amount.value) })
    }

    fn taken(&mut self, node: &Node) -> Option<Fate> {
        let fields = self.fields(node, &language::TAKEN)?;
        let to = fields.get("to").and_then(|node| self.role(node));
        let path = self.optional(fields.get("path"), Self::path);
        let amount = self.optional(fields.get("amount"), Self::sat);
        Some(Fate::Taken { to: to?, path: path?, amount: amount?.map(|amount| amount.value) })
    }

    fn balances(&mut self, node: &Node) -> Vec<BalanceEntry> {
        let wanted = "the balances by role, as in `{alice: 0 sat}`";
        let Some(entries) = self.entries(node, wanted) else { return Vec::new() };
        let mut balances = Vec::new();
        for (key, value) in entries {
            let role = self.known_role(key);
            let balance = self.quantity(value, Quantity::Balance, units::balance);
            if let Some((role, balance)) = role.zip(balance) {
                balances.push(BalanceEntry { role, balance });
            }
        }
        balances
    }
}

impl Reader {
    fn losses(&mut self, node: &Node) -> Vec<LossEntry> {
        let wanted = "the losses by role, as in `{bob: 400_000 sat}`";
        let Some(entries) = self.entries(node, wanted) else { return Vec::new() };
        let mut losses = Vec::new();
        for (key, value) in entries {
            let role = self.known_role(key);
            let parse = |text: &str| units::amount(text, Quantity::Amount);
            let amount = self.quantity(value, Quantity::Amount, parse);
            if let Some((role, amount)) = role.zip(amount) {
                losses.push(LossEntry { role, amount });
            }
        }
        losses
    }
}

/// What can become of an output, for people.
fn possible(output: &OutputRef) -> &'static str {
    match output {
        OutputRef::Funding(_) => "`unspent`, `unconfirmed` or `{spent_by: …}`",
        OutputRef::Commitment(_, CommitmentOutput::Anchors | CommitmentOutput::AnchorOf(_)) => {
            "`any`, `unspent`, `absent` or `{to: …}`"
        }
        OutputRef::Commitment(
            _,
            CommitmentOutput::ToLocal
            | CommitmentOutput::ToRemote
            | CommitmentOutput::Htlcs
            | CommitmentOutput::Htlc(_),
        )
        | OutputRef::Closing(..)
        | OutputRef::SecondStage(..)
        | OutputRef::SecondStages(_) => "`unspent`, `absent` or `{to: …}`",
    }
}

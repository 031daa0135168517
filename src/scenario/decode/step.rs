//! The steps.

use super::reader::{Fields, Reader};
use crate::bolt::units::FeeratePerKw;
use crate::scenario::{
    claim::ClaimStep,
    error::{Mistake, NetworkMistake},
    language::{self, VERBS, VerbRule},
    model::{At, Blocks, Channel, ChannelName, Position, RoleName, StateName},
    reference::{OutputRef, TransactionRef},
    step::{
        ChannelState, ClosedUntil, Expect, Expectation, FundedWith, Step, TransactionPattern,
        Until, Verb, Via,
    },
    units::{self, Quantity},
    yaml::{Content, Node},
};

/// How many outputs may make a claim larger: mempools take none that is larger than that.
const MOST_PADDING: u32 = 2_000;

impl Reader {
    /// The steps that can be read, and whether any is missing.
    pub(super) fn steps(&mut self, node: &Node, channels: &[Channel]) -> (Vec<Step>, bool) {
        let items = self.list(node, "a list of steps, each with `- `");
        if items.is_empty() && matches!(node.content, Content::List(_)) {
            self.report(node.at, Mistake::Nothing { what: "a scenario has at least one step" });
        }
        let steps: Vec<Step> = items.iter().filter_map(|item| self.step(item, channels)).collect();
        let missing = steps.len() < items.len();
        (steps, missing)
    }

    fn step(&mut self, node: &Node, channels: &[Channel]) -> Option<Step> {
        let entries = self.entries(node, "a step, as in `- mine: 1 block`")?;
        let mut say = None;
        let mut chosen: Option<(At<&str>, &Node)> = None;
        let mut sound = true;
        for (key, value) in entries {
            if key.value == "say" {
                say = self.text(value, "a text").map(|text| text.value.to_owned());
            } else if let Some((first, _)) = chosen {
                sound = false;
                let (first, second) = (first.value.to_owned(), key.value.to_owned());
                self.report(key.at, Mistake::SecondVerb { first, second });
            } else {
                chosen = Some((key, value));
            }
        }
        let Some((word, value)) = chosen else {
            self.report(node.at, Mistake::NoVerb);
            return None;
        };
        let Some(rule) = VERBS.iter().find(|rule| rule.word == word.value) else {
            let known = VERBS.iter().map(|rule| rule.word).collect();
            self.report(word.at, Mistake::UnknownVerb { verb: word.value.to_owned(), known });
            return None;
        };
        let verb = self.verb(rule, word.at, value, channels)?;
        sound.then_some(Step { at: word.at, say, verb })
    }

    fn verb(
        &mut self,
        rule: &'static VerbRule,
        at: Position,
        node: &Node,
        channels: &[Channel],
    ) -> Option<Verb> {
        let short = match (rule.long, &node.content) {
            (None, _) => true,
            (Some(_), Content::Text(_)) => rule.short.is_some(),
            (Some(_), _) => false,
        };
        if short {
            return self.short_form(rule.word, node, channels);
        }
        let fields = self.fields(node, rule.long?)?;
        match rule.word {
            "open" => self.open(&fields),
            "invoice" => self.ask(&fields),
            "offer" => self.offer_step(&fields, channels),
            "pay" => self.pay(&fields, at, channels),
            "refuse" => {
                let by = fields.get("by").and_then(|node| self.role(node));
                let failure = fields.get("with").and_then(|node| self.failure(node));
                Some(Verb::Refuse { by: by?, failure: failure? })
            }
            "tamper" => self.tamper(&fields),
            "replay" => {
                let (channel, by) = self.channel_and_role(&fields, "by")?;
                Some(Verb::Replay { by, channel })
            }
            "close" => {
                let sides = self.channel_and_role(&fields, "by");
                let until = self.optional(fields.get("until"), |reader, node| {
                    let (words, from_word) = (ClosedUntil::WORDS, ClosedUntil::from_word);
                    reader.word(node, "end of a close", words, from_word)
                });
                let ((channel, by), until) = (sides?, until?);
                let until = until.map_or(ClosedUntil::Broadcast, |word| word.value);
                Some(Verb::Close { channel, by, until })
            }
            "bump_close" => self.priced(&fields, Verb::bump_close),
            "update_fee" => self.priced(&fields, Verb::update_fee),
            "fund" => self.fund(&fields),
            "force_close" => {
                let sides = self.channel_and_role(&fields, "by");
                let via = self.via(&fields, at);
                let refused = self.optional(fields.get("refused"), Self::reason);
                let ((channel, by), refused) = sides.zip(refused)?;
                let via = via?;
                Some(Verb::ForceClose { channel, by, via, refused })
            }
            "remember" => self.remember(&fields),
            "lose_data" => {
                let by = fields.get("by").and_then(|node| self.role(node));
                let state = fields.get("back_to").and_then(|node| self.state(node));
                Some(Verb::LoseData { by: by?, state: state? })
            }
            "publish" => {
                let by = fields.get("by").and_then(|node| self.role(node));
                let commitment = fields.get("commitment").and_then(|node| self.state(node));
                let via = self.via(&fields, at);
                Some(Verb::Publish { by: by?, commitment: commitment?, via: via? })
            }
            "connect" => self.connect(&fields),
            "disconnect" => self.disconnect(&fields),
            "send" => self.send(&fields),
            "expect" => self.expect(&fields).map(Verb::Expect),
            word => self.chain_verb(word, at, &fields),
        }
    }

    /// The verbs about the chain.
    fn chain_verb(&mut self, word: &str, at: Position, fields: &Fields<'_>) -> Option<Verb> {
        match word {
            "claim" => self.claim(at, fields),
            "double_spend" => {
                let by = fields.get("by").and_then(|node| self.role(node));
                let transaction = fields.get("transaction").and_then(|node| self.transaction(node));
                let feerate = self.optional(fields.get("feerate"), Self::feerate);
                let via = self.via(fields, at);
                let (by, transaction, feerate) = (by?, transaction?, feerate?);
                Some(Verb::DoubleSpend { by, transaction, feerate, via: via? })
            }
            "mine" => {
                let blocks = fields.get("blocks").and_then(|node| self.blocks(node));
                let without = self.optional(fields.get("without"), Self::transactions);
                let apart = self.apart(fields, at);
                let without = without?.unwrap_or_default();
                Some(Verb::Mine { blocks: blocks?, without, apart: apart? })
            }
            "reorg" => self.reorg(fields),
            "offline" => {
                let role = fields.get("role").and_then(|node| self.role(node));
                let blocks = fields.get("for").and_then(|node| self.blocks(node));
                Some(Verb::Offline { role: role?, blocks: Some(blocks?) })
            }
            _ => None,
        }
    }

    /// A verb whose value is a single word or number.
    fn short_form(&mut self, word: &str, node: &Node, channels: &[Channel]) -> Option<Verb> {
        match word {
            "disconnect" => self.role(node).map(|from| Verb::Disconnect { from, to: None }),
            "hold" => self.role(node).map(Verb::Hold),
            "release" => self.role(node).map(Verb::Release),
            "try" => self.branches(node, channels),
            "open" if is_network(node) => self.open_network(node),
            "open" => self.channel(node).map(|channel| Verb::Open { channel, until: Until::Ready }),
            "mine" => self.blocks(node).map(|blocks| {
                let apart = At::new(false, blocks.at);
                Verb::Mine { blocks, without: Vec::new(), apart }
            }),
            "reorg" => self.blocks(node).map(|depth| Verb::Reorg { depth, without: None }),
            "settle" => self.invoice(node).map(|(invoice, _)| Verb::Settle(invoice)),
            "cancel" => self.invoice(node).map(|(invoice, _)| Verb::Cancel(invoice)),
            "withdraw" => self.offer(node).map(|(offer, ..)| Verb::Withdraw(offer)),
            "accept" => self.role(node).map(Verb::Accept),
            "wait" => self.seconds(node).map(Verb::Wait),
            "spike_fees" => self.feerate(node).map(Verb::SpikeFees),
            "calm_fees" => self.feerate(node).map(Verb::CalmFees),
            "offline" => self.role(node).map(|role| Verb::Offline { role, blocks: None }),
            "online" => self.role(node).map(Verb::Online),
            "withhold_blocks" => self.role(node).map(Verb::WithholdBlocks),
            "release_blocks" => self.role(node).map(Verb::ReleaseBlocks),
            "partition" => self.cut_off(node).map(Verb::Partition),
            "heal" => self.cut_off(node).map(Verb::Heal),
            _ => None,
        }
    }

    /// The roles whose bitcoind is cut off.
    fn cut_off(&mut self, node: &Node) -> Option<Vec<At<RoleName>>> {
        let items = self.list(node, "a list of roles, as in `[bob]`");
        if items.is_empty() && matches!(node.content, Content::List(_)) {
            let what = "this list names at least one role, as in `[bob]`";
            self.report(node.at, Mistake::Nothing { what });
            return None;
        }
        let roles: Vec<At<RoleName>> = items.iter().filter_map(|item| self.role(item)).collect();
        (roles.len() == items.len() && !roles.is_empty()).then_some(roles)
    }

    /// To whom a transaction is given; `at` is where the step stands.
    fn via(&mut self, fields: &Fields<'_>, at: Position) -> Option<At<Via>> {
        let via = self.optional(fields.get("via"), |reader, node| {
            reader.word(node, "way to the chain", Via::WORDS, Via::from_word)
        });
        Some(via?.unwrap_or(At::new(Via::Mempool, at)))
    }

    /// Whether a step is about the side that is cut off; `at` is where the step stands.
    fn apart(&mut self, fields: &Fields<'_>, at: Position) -> Option<At<bool>> {
        let apart = self.optional(fields.get("apart"), Self::flag);
        Some(apart?.unwrap_or(At::new(false, at)))
    }

    fn reorg(&mut self, fields: &Fields<'_>) -> Option<Verb> {
        let depth = fields.get("depth").and_then(|node| self.blocks(node));
        let without = self.optional(fields.get("without"), Self::transactions);
        Some(Verb::Reorg { depth: depth?, without: without? })
    }

    fn fund(&mut self, fields: &Fields<'_>) -> Option<Verb> {
        let channel = fields.get("channel").and_then(|node| self.channel(node));
        let with = fields.get("with").and_then(|node| {
            let (words, from_word) = (FundedWith::WORDS, FundedWith::from_word);
            self.word(node, "way to fund a channel", words, from_word)
        });
        Some(Verb::Fund { channel: channel?, with: with?.value })
    }

    fn feerate(&mut self, node: &Node) -> Option<At<FeeratePerKw>> {
        self.quantity(node, Quantity::Feerate, units::feerate)
    }

    /// What one side of a channel does at a fee rate.
    fn priced(
        &mut self,
        fields: &Fields<'_>,
        verb: fn(At<ChannelName>, At<RoleName>, At<FeeratePerKw>) -> Verb,
    ) -> Option<Verb> {
        let sides = self.channel_and_role(fields, "by");
        let feerate = fields.get("feerate").and_then(|node| self.feerate(node));
        let ((channel, by), feerate) = sides.zip(feerate)?;
        Some(verb(channel, by, feerate))
    }

    fn channel_and_role(
        &mut self,
        fields: &Fields<'_>,
        role: &str,
    ) -> Option<(At<ChannelName>, At<RoleName>)> {
        let channel = fields.get("channel").and_then(|node| self.channel(node));
        let role = fields.get(role).and_then(|node| self.role(node));
        channel.zip(role)
    }

    /// `open: network`.
    fn open_network(&mut self, node: &Node) -> Option<Verb> {
        if self.network.is_none() {
            self.report(node.at, NetworkMistake::None.into());
            return None;
        }
        Some(Verb::OpenNetwork)
    }

    fn open(&mut self, fields: &Fields<'_>) -> Option<Verb> {
        let channel = fields.get("channel").and_then(|node| self.channel(node));
        let until = self.optional(fields.get("until"), |reader, node| {
            reader.word(node, "end of an opening", Until::WORDS, Until::from_word)
        });
        Some(Verb::Open {
            channel: channel?,
            until: until?.map_or(Until::Ready, |word| word.value),
        })
    }

    fn remember(&mut self, fields: &Fields<'_>) -> Option<Verb> {
        let sides = self.channel_and_role(fields, "by");
        let name = fields.get("as").and_then(|node| self.text(node, "a name for the state"))?;
        let state = self.new_name::<StateName>(name, "a state")?;
        if let Some(first) = self.states.iter().find(|known| known.value == state.value) {
            let mistake = Mistake::StateTwice { name: state.to_string(), first: first.at.line };
            self.report(state.at, mistake);
            return None;
        }
        self.states.push(state.clone());
        let (channel, by) = sides?;
        Some(Verb::Remember { channel, by, state })
    }

    fn claim(&mut self, at: Position, fields: &Fields<'_>) -> Option<Verb> {
        let by = fields.get("by").and_then(|node| self.role(node));
        let outputs = fields.get("output").and_then(|node| self.outputs(node));
        let path = fields.get("path").and_then(|node| self.path(node));
        let feerate = self.optional(fields.get("feerate"), Self::feerate);
        let coin = self.optional(fields.get("coin"), Self::flag);
        let padding = self.optional(fields.get("padding"), Self::number);
        if let (Some(Some(padding)), Some(node)) = (padding, fields.get("padding"))
            && padding > MOST_PADDING
        {
            self.report(
                node.at,
                Mistake::Nothing { what: "a claim has 2000 more outputs at most" },
            );
        }
        let via = self.via(fields, at);
        let refused = self.optional(fields.get("refused"), Self::reason);
        Some(Verb::Claim(Box::new(ClaimStep {
            by: by?,
            outputs: outputs?,
            path: path?,
            feerate: feerate?,
            coin: coin?.is_some_and(|coin| coin.value),
            padding: padding?.unwrap_or_default(),
            via: via?,
            refused: refused?,
        })))
    }

    /// Why the mempool must refuse a transaction.
    fn reason(&mut self, node: &Node) -> Option<At<String>> {
        let reason = self.text(node, "the mempool's reason, as in `non-BIP68-final`")?;
        Some(At::new(reason.value.to_owned(), reason.at))
    }

    fn transactions(&mut self, node: &Node) -> Option<Vec<At<TransactionRef>>> {
        let items = self.list(node, "a list of transactions, as in `[ab.funding]`");
        items.iter().map(|item| self.transaction(item)).collect()
    }

    /// An output, or several.
    fn outputs(&mut self, node: &Node) -> Option<Vec<At<OutputRef>>> {
        let Content::List(items) = &node.content else { return Some(vec![self.output(node)?]) };
        if items.is_empty() {
            self.report(node.at, Mistake::Nothing { what: "a claim has at least one output" });
        }
        let outputs: Vec<At<OutputRef>> =
            items.iter().filter_map(|item| self.output(item)).collect();
        (outputs.len() == items.len() && !items.is_empty()).then_some(outputs)
    }

    fn expect(&mut self, fields: &Fields<'_>) -> Option<Expect> {
        let within = self.optional(fields.get("within"), Self::blocks);
        // More than one, or none, has been reported.
        let not_what = |key: &str| ["within", "apart", "from", "to"].contains(&key);
        let (key, node) = fields.entries().iter().find(|(key, _)| !not_what(key.value))?;
        let is_message = matches!(key.value, "message" | "no_message");
        let is_message = is_message || language::is_message(key.value);
        let what = match key.value {
            _ if is_message => self.expected_message(fields),
            "transaction" => self.pattern(node).map(Expectation::Transaction),
            "no_transaction" => self.pattern(node).map(Expectation::NoTransaction),
            "state" => self.expected_state(node),
            "balance" => self.expected_balance(node),
            "payment" => self.expected_payment(node),
            _ => None,
        };
        let apart = self.apart(fields, node.at);
        let (within, apart) = (within?, apart?);
        if apart.value && !matches!(key.value, "transaction" | "no_transaction") {
            let what = "only a `transaction` or `no_transaction` is looked for `apart`";
            self.report(apart.at, Mistake::Nothing { what });
        }
        for (key, _) in fields.entries() {
            if !is_message && matches!(key.value, "from" | "to") {
                let what = "only a message comes `from` a role `to` another";
                self.report(key.at, Mistake::Nothing { what });
            }
        }
        if let (Some(within), "balance") = (within, key.value) {
            self.report(within.at, Mistake::WithinForBalance);
        }
        let limit = crate::scenario::validate::WITHIN_LIMIT;
        if let Some(within) = within.filter(|within| within.value > limit) {
            self.report(within.at, Mistake::WithinTooLong { blocks: within.value, limit });
        }
        let within = within.map_or(Blocks(0), |within| within.value);
        Some(Expect { what: what?, within, apart })
    }

    fn pattern(&mut self, node: &Node) -> Option<TransactionPattern> {
        let fields = self.fields(node, &language::PATTERN)?;
        let is = self.optional(fields.get("is"), Self::transaction);
        let by = self.optional(fields.get("by"), Self::role);
        let spends = self.optional(fields.get("spends"), Self::output);
        let path = self.optional(fields.get("path"), Self::path);
        let confirmed = self.optional(fields.get("confirmed"), Self::flag);
        Some(TransactionPattern {
            is: is?,
            by: by?,
            spends: spends?,
            path: path?,
            confirmed: confirmed?.map(|flag| flag.value),
        })
    }

    fn expected_state(&mut self, node: &Node) -> Option<Expectation> {
        let fields = self.fields(node, &language::STATE)?;
        let sides = self.channel_and_role(&fields, "of");
        let is = fields.get("is").and_then(|node| {
            self.word(node, "state of a channel", ChannelState::WORDS, ChannelState::from_word)
        });
        let ((channel, of), is) = sides.zip(is)?;
        Some(Expectation::State { channel, of, is: is.value })
    }

    fn expected_balance(&mut self, node: &Node) -> Option<Expectation> {
        let fields = self.fields(node, &language::BALANCE)?;
        let sides = self.channel_and_role(&fields, "of");
        let is = fields.get("is").and_then(|node| self.msat(node));
        let ((channel, of), is) = sides.zip(is)?;
        Some(Expectation::Balance { channel, of, is })
    }
}

/// Whether it is the whole network that is named.
fn is_network(node: &Node) -> bool {
    matches!(&node.content, Content::Text(text) if text.trim() == "network")
}

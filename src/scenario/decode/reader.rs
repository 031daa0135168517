//! Reading typed values from nodes.

use crate::bolt::units::Msat;
use crate::scenario::{
    error::{Mistake, Problem},
    language::{self, Count, Shape},
    model::{At, Blocks, ChannelName, InvoiceName, Position, RoleName, StateName},
    reference::{HtlcName, OutputRef, Path, TransactionRef},
    units::{self, Quantity},
    yaml::{Content, Node},
};
use bitcoin::Amount;

/// Collects the problems, and knows the names that the file has declared so far.
#[derive(Default)]
pub(super) struct Reader {
    /// Whether the file has its roles tell each other of channels.
    pub(super) gossip: bool,
    /// The channels of its `network`, if it has one; none if that is wrong.
    pub(super) network: Option<Vec<ChannelName>>,
    problems: Vec<Problem>,
    pub(super) roles: Vec<RoleName>,
    pub(super) channels: Vec<ChannelName>,
    pub(super) states: Vec<At<StateName>>,
    /// The invoices, and who made them.
    pub(super) invoices: Vec<(At<InvoiceName>, At<RoleName>)>,
    /// The invoices of every branch.
    pub(super) all_invoices: Vec<(At<InvoiceName>, At<RoleName>)>,
    /// The offers, who made them, and where their blinded paths begin.
    pub(super) offers: Vec<(At<InvoiceName>, At<RoleName>, RoleName)>,
}

/// The entries of a mapping that has a known shape.
pub(super) struct Fields<'n> {
    pub(super) at: Position,
    entries: Vec<(At<&'n str>, &'n Node)>,
}

impl<'n> Fields<'n> {
    /// The value of a key.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(key, _)| key.value == name).map(|(_, node)| *node)
    }

    /// The keys and their values.
    pub(super) fn entries(&self) -> &[(At<&'n str>, &'n Node)] {
        &self.entries
    }
}

impl Reader {
    pub(super) fn report(&mut self, at: Position, mistake: Mistake) {
        self.problems.push(Problem::new(at, mistake));
    }

    /// How much has a name so far: states, invoices, offers.
    pub(super) fn named(&self) -> [usize; 3] {
        [self.states.len(), self.invoices.len(), self.offers.len()]
    }

    /// Forgets what was named since.
    pub(super) fn forget(&mut self, [states, invoices, offers]: [usize; 3]) {
        self.states.truncate(states);
        self.invoices.truncate(invoices);
        self.offers.truncate(offers);
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn wrong_shape(&mut self, node: &Node, wanted: &'static str) {
        let found = match &node.content {
            Content::Nothing => "nothing",
            Content::Text(_) => "a single value",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        };
        self.report(node.at, Mistake::WrongShape { wanted, found });
    }

    /// A scalar's text.
    pub(super) fn text<'n>(&mut self, node: &'n Node, wanted: &'static str) -> Option<At<&'n str>> {
        match &node.content {
            Content::Text(text) if !text.trim().is_empty() => Some(At::new(text.trim(), node.at)),
            Content::Text(_) => {
                self.report(node.at, Mistake::WrongShape { wanted, found: "an empty text" });
                None
            }
            _ => {
                self.wrong_shape(node, wanted);
                None
            }
        }
    }

    /// A list's items; none if it is no list.
    pub(super) fn list<'n>(&mut self, node: &'n Node, wanted: &'static str) -> &'n [Node] {
        if let Content::List(items) = &node.content {
            items
        } else {
            self.wrong_shape(node, wanted);
            &[]
        }
    }

    /// A mapping's entries, each key once.
    pub(super) fn entries<'n>(
        &mut self,
        node: &'n Node,
        wanted: &'static str,
    ) -> Option<Vec<(At<&'n str>, &'n Node)>> {
        let Content::Map(pairs) = &node.content else {
            self.wrong_shape(node, wanted);
            return None;
        };
        let mut seen = std::collections::BTreeMap::new();
        let mut entries = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let Some(key) = self.text(key, "a word as key") else { continue };
            if let Some(first) = seen.get(key.value) {
                let mistake = Mistake::DuplicateKey { key: key.value.to_owned(), first: *first };
                self.report(key.at, mistake);
            } else {
                seen.insert(key.value, key.at.line);
                entries.push((key, value));
            }
        }
        Some(entries)
    }

    /// A mapping with known keys. Keys that are not known, and required ones that are missing,
    /// are reported; what is there can be read all the same.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        shape: &'static Shape,
    ) -> Option<Fields<'n>> {
        let entries = self.entries(node, shape.of)?;
        for (key, _) in &entries {
            let is_message = shape.messages && language::is_message(key.value);
            if !is_message && !shape.fields.iter().any(|field| field.name == key.value) {
                let known = shape.fields.iter().map(|field| field.name).collect();
                let key_name = key.value.to_owned();
                self.report(key.at, Mistake::UnknownKey { key: key_name, of: shape.of, known });
            }
        }
        let fields = Fields { at: node.at, entries };
        for field in shape.fields.iter().filter(|field| field.required) {
            if fields.get(field.name).is_none() {
                self.report(node.at, Mistake::MissingKey { key: field.name, of: shape.of });
            }
        }
        self.count(&fields, shape);
        Some(fields)
    }

    fn count(&mut self, fields: &Fields<'_>, shape: &'static Shape) {
        match shape.count {
            Count::Any => {}
            Count::AtLeastOne => {
                if fields.entries.is_empty() {
                    self.report(fields.at, Mistake::NoneOf { of: shape.of, known: names(shape) });
                }
            }
            Count::OneOf(choices) => {
                let counts = |key: &str| {
                    choices.contains(&key) || shape.messages && language::is_message(key)
                };
                let mut chosen = fields.entries.iter().filter(|(key, _)| counts(key.value));
                let (first, second) = (chosen.next(), chosen.next());
                if first.is_none() {
                    let known = choices.to_vec();
                    self.report(fields.at, Mistake::NoneOf { of: shape.of, known });
                }
                if let (Some((first, _)), Some((second, _))) = (first, second) {
                    let mistake = Mistake::TwoOf {
                        of: shape.of,
                        first: first.value.to_owned(),
                        second: second.value.to_owned(),
                    };
                    self.report(second.at, mistake);
                }
            }
        }
    }

    /// A word of a closed list.
    pub(super) fn word<T>(
        &mut self,
        node: &Node,
        of: &'static str,
        known: &'static [&'static str],
        parse: fn(&str) -> Option<T>,
    ) -> Option<At<T>> {
        let text = self.text(node, of)?;
        let parsed = parse(text.value);
        if parsed.is_none() {
            let word = text.value.to_owned();
            self.report(text.at, Mistake::UnknownWord { word, of, known });
        }
        parsed.map(|value| At::new(value, text.at))
    }

    /// A quantity with its unit.
    pub(super) fn quantity<T>(
        &mut self,
        node: &Node,
        of: Quantity,
        parse: fn(&str) -> Result<T, Mistake>,
    ) -> Option<At<T>> {
        let text = self.text(node, of.about())?;
        match parse(text.value) {
            Ok(value) => Some(At::new(value, text.at)),
            Err(mistake) => {
                self.report(text.at, mistake);
                None
            }
        }
    }

    pub(super) fn sat(&mut self, node: &Node) -> Option<At<Amount>> {
        self.quantity(node, Quantity::OnChainAmount, units::sat)
    }

    pub(super) fn msat(&mut self, node: &Node) -> Option<At<Msat>> {
        self.quantity(node, Quantity::Amount, units::msat)
    }

    pub(super) fn blocks(&mut self, node: &Node) -> Option<At<Blocks>> {
        let blocks = self.quantity(node, Quantity::Blocks, units::blocks)?;
        Some(At::new(Blocks(blocks.value), blocks.at))
    }

    pub(super) fn path(&mut self, node: &Node) -> Option<At<Path>> {
        self.word(node, "path", Path::WORDS, Path::from_word)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, node: &Node) -> Option<At<bool>> {
        self.word(node, "truth value", &["true", "false"], |word| word.parse().ok())
    }

    /// An optional value: `Some(None)` if it is absent, `None` if it is wrong.
    #[expect(clippy::option_option, reason = "absent and wrong are two things here")]
    pub(super) fn optional<T>(
        &mut self,
        node: Option<&Node>,
        read: impl FnOnce(&mut Self, &Node) -> Option<T>,
    ) -> Option<Option<T>> {
        match node {
            None => Some(None),
            Some(node) => read(self, node).map(Some),
        }
    }

    /// A new name.
    pub(super) fn new_name<T: std::str::FromStr>(
        &mut self,
        text: At<&str>,
        of: &'static str,
    ) -> Option<At<T>> {
        if let Ok(name) = text.value.parse() {
            Some(At::new(name, text.at))
        } else {
            self.report(text.at, Mistake::BadName { name: text.value.to_owned(), of });
            None
        }
    }

    /// A role of the cast.
    pub(super) fn role(&mut self, node: &Node) -> Option<At<RoleName>> {
        let text = self.text(node, "the name of a role")?;
        self.known_role(text)
    }

    pub(super) fn known_role(&mut self, text: At<&str>) -> Option<At<RoleName>> {
        let name = self.roles.iter().find(|name| name.as_str() == text.value).cloned();
        if name.is_none() {
            let known = self.roles.iter().map(ToString::to_string).collect();
            self.unknown_name(text, "role", known);
        }
        name.map(|name| At::new(name, text.at))
    }

    /// A declared channel.
    pub(super) fn channel(&mut self, node: &Node) -> Option<At<ChannelName>> {
        let text = self.text(node, "the name of a channel")?;
        self.known_channel(text)
    }

    fn known_channel(&mut self, text: At<&str>) -> Option<At<ChannelName>> {
        let name = self.channels.iter().find(|name| name.as_str() == text.value).cloned();
        if name.is_none() {
            let known = self.channels.iter().map(ToString::to_string).collect();
            self.unknown_name(text, "channel", known);
        }
        name.map(|name| At::new(name, text.at))
    }

    /// An invoice that was made before, and who made it.
    pub(super) fn invoice(&mut self, node: &Node) -> Option<(At<InvoiceName>, At<RoleName>)> {
        let text = self.text(node, "the name of an invoice")?;
        self.known_invoice(text)
    }

    fn known_invoice(&mut self, text: At<&str>) -> Option<(At<InvoiceName>, At<RoleName>)> {
        let known = self.invoices.iter().find(|(name, _)| name.value.as_str() == text.value);
        let known = known.map(|(name, by)| (At::new(name.value.clone(), text.at), by.clone()));
        if known.is_none() {
            let names = self.invoices.iter().map(|(name, _)| name.to_string()).collect();
            self.unknown_name(text, "invoice", names);
        }
        known
    }

    /// A state that was remembered before.
    pub(super) fn state(&mut self, node: &Node) -> Option<At<StateName>> {
        let text = self.text(node, "the name of a remembered state")?;
        let known = self.states.iter().find(|name| name.value.as_str() == text.value);
        let name = known.map(|name| name.value.clone());
        if name.is_none() {
            let known = self.states.iter().map(ToString::to_string).collect();
            self.unknown_name(text, "remembered state", known);
        }
        name.map(|name| At::new(name, text.at))
    }

    pub(super) fn unknown_name(&mut self, text: At<&str>, of: &'static str, known: Vec<String>) {
        self.report(text.at, Mistake::UnknownName { name: text.value.to_owned(), of, known });
    }

    /// A reference to an output, with known names in it.
    pub(super) fn output(&mut self, node: &Node) -> Option<At<OutputRef>> {
        let text = self.text(node, "an output, as in `ab.commitment.to_local`")?;
        self.known_output(text)
    }

    pub(super) fn known_output(&mut self, text: At<&str>) -> Option<At<OutputRef>> {
        let output = match text.value.parse::<OutputRef>() {
            Ok(output) => output,
            Err(invalid) => {
                self.report(text.at, Mistake::BadReference(invalid));
                return None;
            }
        };
        let channel = self.known_channel(At::new(output.channel().as_str(), text.at));
        let role = match output.role() {
            Some(role) => self.known_role(At::new(role.as_str(), text.at)).map(|_| ()),
            None => Some(()),
        };
        let invoice = match output.htlc() {
            Some(HtlcName::Invoice(name)) => {
                self.known_invoice(At::new(name.as_str(), text.at)).map(|_| ())
            }
            Some(HtlcName::Offered(..)) | None => Some(()),
        };
        channel.and(role).and(invoice).map(|()| At::new(output, text.at))
    }

    /// A reference to a transaction, with a known channel in it.
    pub(super) fn transaction(&mut self, node: &Node) -> Option<At<TransactionRef>> {
        let text = self.text(node, "a transaction, as in `ab.funding`")?;
        match text.value.parse::<TransactionRef>() {
            Ok(transaction) => {
                self.known_channel(At::new(transaction.channel.as_str(), text.at))?;
                Some(At::new(transaction, text.at))
            }
            Err(invalid) => {
                self.report(text.at, Mistake::BadReference(invalid));
                None
            }
        }
    }
}

fn names(shape: &'static Shape) -> Vec<&'static str> {
    shape.fields.iter().map(|field| field.name).collect()
}

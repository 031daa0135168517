//! Payments: invoices, ways, failures, layers.

use std::collections::BTreeMap;

use bitcoin::hex::FromHex;

use super::reader::{Fields, Reader};
use crate::scenario::{
    error::Mistake,
    language,
    model::{At, Channel, ChannelName, InvoiceName, Position, RoleName},
    payment::{
        Ask, Fails, FailureName, How, LayerEdit, OfferStep, PaidUntil, Pay, PayPart, PaymentState,
        RouteBy, Seeks, TamperedField, Unsent,
    },
    step::{Expectation, Verb},
    units::{self, Quantity},
    yaml::{Content, Node},
};

/// The most channels that a route may have. BOLT 4, "Packet Structure".
const MOST_HOPS: u8 = 20;

impl Reader {
    pub(super) fn ask(&mut self, fields: &Fields<'_>) -> Option<Verb> {
        let by = fields.get("by").and_then(|node| self.role(node));
        let amount = self.optional(fields.get("amount"), Self::msat);
        let hold = self.optional(fields.get("hold"), Self::flag);
        let expiry = self.optional(fields.get("expiry"), Self::seconds);
        let text = |reader: &mut Self, key| {
            reader.optional(fields.get(key), |reader, node| {
                reader.text(node, "a text").map(|text| text.value.to_owned())
            })
        };
        let description = text(self, "description");
        let metadata = text(self, "metadata");
        let name = fields.get("as").and_then(|node| self.text(node, "a name for the invoice"))?;
        let name = self.new_name::<InvoiceName>(name, "an invoice")?;
        let by = by?;
        if let Some((first, _)) = self.invoices.iter().find(|(known, _)| *known == name) {
            let mistake = Mistake::InvoiceTwice { name: name.to_string(), first: first.at.line };
            self.report(name.at, mistake);
            return None;
        }
        self.invoices.push((name.clone(), by.clone()));
        self.all_invoices.push((name.clone(), by.clone()));
        Some(Verb::Invoice(Box::new(Ask {
            by,
            amount: amount?,
            name,
            description: description?.unwrap_or_default(),
            metadata: metadata?,
            expiry: expiry?.map(|seconds| seconds.value),
            hold: hold?.is_some_and(|flag| flag.value),
        })))
    }

    pub(super) fn offer_step(&mut self, fields: &Fields<'_>, channels: &[Channel]) -> Option<Verb> {
        let by = fields.get("by").and_then(|node| self.role(node));
        let amount = self.optional(fields.get("amount"), Self::msat);
        let expiry = self.optional(fields.get("expiry"), Self::seconds);
        let dummy_hops = self.optional(fields.get("dummy_hops"), Self::number);
        let description = self.optional(fields.get("description"), |reader, node| {
            reader.text(node, "a text").map(|text| text.value.to_owned())
        });
        let via = self.optional(fields.get("via"), |reader, node| {
            let items = reader.list(node, "a list of channels, as in `[bc, cd]`");
            items.iter().map(|item| reader.channel(item)).collect::<Option<Vec<_>>>()
        });
        let name = fields.get("as").and_then(|node| self.text(node, "a name for the offer"))?;
        let name = self.new_name::<InvoiceName>(name, "an offer")?;
        let (by, via) = (by?, via?.unwrap_or_default());
        if let Some((first, ..)) = self.offers.iter().find(|(known, ..)| *known == name) {
            let mistake = Mistake::OfferTwice { name: name.to_string(), first: first.at.line };
            self.report(name.at, mistake);
            return None;
        }
        let introduction = self.beginning(&via, &by, channels)?;
        self.offers.push((name.clone(), by.clone(), introduction.clone()));
        Some(Verb::Offer(Box::new(OfferStep {
            by,
            amount: amount?,
            name,
            description: description?.unwrap_or_default(),
            via,
            introduction,
            dummy_hops: dummy_hops?.unwrap_or_default(),
            expiry: expiry?.map(|seconds| seconds.value),
        })))
    }

    /// Where a way to this role begins.
    fn beginning(
        &mut self,
        via: &[At<ChannelName>],
        to: &At<RoleName>,
        channels: &[Channel],
    ) -> Option<RoleName> {
        let mut at = to.value.clone();
        for name in via.iter().rev() {
            let channel = channels.iter().find(|channel| channel.name.value == name.value)?;
            let Some(before) = channel.peer_of(&at) else {
                let (role, channel) = (at.to_string(), name.to_string());
                self.report(name.at, Mistake::WayBreaksOff { role, channel });
                return None;
            };
            at = before.clone();
        }
        Some(at)
    }

    /// An offer that was made before, who made it and where its path begins.
    pub(super) fn offer(
        &mut self,
        node: &Node,
    ) -> Option<(At<InvoiceName>, At<RoleName>, RoleName)> {
        let text = self.text(node, "the name of an offer")?;
        let known = self.offers.iter().find(|(name, ..)| name.value.as_str() == text.value);
        let found = known.map(|(name, by, introduction)| {
            (At::new(name.value.clone(), text.at), by.clone(), introduction.clone())
        });
        if found.is_none() {
            let names = self.offers.iter().map(|(name, ..)| name.to_string()).collect();
            self.unknown_name(text, "offer", names);
        }
        found
    }

    pub(super) fn seconds(&mut self, node: &Node) -> Option<At<u32>> {
        self.quantity(node, Quantity::Time, units::seconds)
    }

    pub(super) fn pay(
        &mut self,
        fields: &Fields<'_>,
        at: Position,
        channels: &[Channel],
    ) -> Option<Verb> {
        let from = fields.get("from").and_then(|node| self.role(node));
        let invoice = self.optional(fields.get("invoice"), Self::invoice);
        let offer = self.optional(fields.get("offer"), Self::offer);
        let misread = self.optional(fields.get("misread"), |reader, node| {
            let fields = reader.fields(node, &language::MISREAD)?;
            let character = fields.get("character")?;
            reader.number(character).map(|number| At::new(number, character.at))
        });
        let amount = self.optional(fields.get("amount"), Self::msat);
        let to = self.optional(fields.get("to"), Self::role);
        let how = self.optional(fields.get("how"), |reader, node| {
            reader.word(node, "way to pay", How::WORDS, How::from_word)
        });
        let until = self.optional(fields.get("until"), |reader, node| {
            reader.word(node, "end of a payment", PaidUntil::WORDS, PaidUntil::from_word)
        });
        let fails = self.optional(fields.get("fails"), Self::fails);
        let believes = self.by_role(fields.get("believes"), &language::RELAY, Self::relay_terms);
        let onion = self.by_role(fields.get("onion"), &language::LAYER, Self::layer);
        let (from, invoice, amount, to) = (from?, invoice?, amount?, to?);
        let offer = offer?;
        if invoice.is_some() && offer.is_some() {
            let (first, second) = ("invoice".to_owned(), "offer".to_owned());
            self.report(at, Mistake::TwoOf { of: "`pay`", first, second });
            return None;
        }
        let asked = offer.as_ref().map(|(name, maker, _)| (name.clone(), maker.clone()));
        let asked = asked.as_ref().or(invoice.as_ref());
        let to = self.payee(at, asked, amount.as_ref(), to)?;
        if from == to {
            self.report(to.at, Mistake::PaysItself { role: to.to_string() });
            return None;
        }
        // The rest of the way is the offer's.
        let end = offer.as_ref().map(|(name, _, end)| At::new(end.clone(), name.at));
        let suspects = self.optional(fields.get("suspects"), Self::role)?;
        let end = suspects.clone().or(end);
        if let Some(end) = end.as_ref().filter(|end| **end == from) {
            self.report(end.at, Mistake::BeginsAtThePayer { role: end.to_string() });
            return None;
        }
        let seeks = self.seeks(fields, at)?;
        let ends = (&from, end.as_ref().unwrap_or(&to));
        let parts = if seeks.is_some() {
            Some(vec![PayPart { amount: None, via: Vec::new() }])
        } else {
            self.parts(fields, at, ends, channels)
        };
        Some(Verb::Pay(Box::new(Pay {
            from,
            to,
            amount,
            invoice: invoice.map(|(name, _)| name),
            offer: offer.map(|(name, ..)| name),
            suspects,
            misread: misread?,
            how: how?.map_or(How::Invoice, |word| word.value),
            parts: parts?,
            seeks,
            until: until?.map_or(PaidUntil::Paid, |word| word.value),
            fails: fails?,
            believes: believes?,
            onion: onion?,
        })))
    }

    /// How the payer seeks the way: as the file says, or because it gives none and there is gossip.
    #[expect(clippy::option_option, reason = "absent and wrong are two things here")]
    fn seeks(&mut self, fields: &Fields<'_>, at: Position) -> Option<Option<Seeks>> {
        let mut ways = ["channel", "via", "parts", "offer"].into_iter();
        let given = ways.find(|key| fields.get(key).is_some());
        let mut limits = ["route", "max_hops", "max_fee", "takes", "or_opens"].into_iter();
        let about = limits.find(|key| fields.get(key).is_some());
        if let (Some(first), Some(second)) = (given, about) {
            let (first, second) = (first.to_owned(), second.to_owned());
            self.report(at, Mistake::TwoOf { of: "`pay`", first, second });
            return None;
        }
        if given.is_some() || about.is_none() && !self.gossip {
            return Some(None);
        }
        let by = self.optional(fields.get("route"), |reader, node| {
            reader.word(node, "way to seek a route", RouteBy::WORDS, RouteBy::from_word)
        });
        let max_hops = self.optional(fields.get("max_hops"), Self::number);
        let max_fee = self.optional(fields.get("max_fee"), Self::msat);
        let takes = self.optional(fields.get("takes"), |reader, node| {
            let items = reader.list(node, "a list of channels, as in `[ab, bc]`");
            let names = items.iter().map(|item| reader.channel(item)).collect::<Option<_>>();
            names.map(|names| At::new(names, node.at))
        });
        let opens = self.optional(fields.get("or_opens"), Self::channel);
        Some(Some(Seeks {
            by: by?.map_or(RouteBy::Bfg, |word| word.value),
            max_hops: max_hops?.unwrap_or(MOST_HOPS),
            max_fee: max_fee?.map(|amount| amount.value),
            takes: takes?,
            opens: opens?,
        }))
    }

    /// Who is paid: the invoice says so, or the file; and it says how much.
    fn payee(
        &mut self,
        at: Position,
        invoice: Option<&(At<InvoiceName>, At<RoleName>)>,
        amount: Option<&At<crate::bolt::units::Msat>>,
        to: Option<At<RoleName>>,
    ) -> Option<At<RoleName>> {
        let Some((name, maker)) = invoice else {
            if to.is_none() {
                self.report(at, Mistake::MissingKey { key: "to", of: "`pay`" });
            }
            if amount.is_none() {
                self.report(at, Mistake::MissingKey { key: "amount", of: "`pay`" });
            }
            return to.filter(|_| amount.is_some());
        };
        match to {
            Some(to) if to != *maker => {
                let (name, maker) = (name.to_string(), maker.to_string());
                self.report(to.at, Mistake::InvoiceOfAnother { name, maker });
                None
            }
            _ => Some(At::new(maker.value.clone(), name.at)),
        }
    }

    /// The ways: `channel`, `via`, `parts`, or the only shortest one.
    fn parts(
        &mut self,
        fields: &Fields<'_>,
        at: Position,
        ends: (&At<RoleName>, &At<RoleName>),
        channels: &[Channel],
    ) -> Option<Vec<PayPart>> {
        let given: Vec<&str> = ["channel", "via", "parts"]
            .into_iter()
            .filter(|key| fields.get(key).is_some())
            .collect();
        if let [first, second, ..] = given.as_slice() {
            let (first, second) = ((*first).to_owned(), (*second).to_owned());
            self.report(at, Mistake::TwoOf { of: "`pay`", first, second });
            return None;
        }
        if let Some(node) = fields.get("parts") {
            let items = self.list(node, "a list of parts, as in `[{amount: 1 sat, via: [ab]}]`");
            return items.iter().map(|item| self.part(item, ends, channels)).collect();
        }
        let via = match (fields.get("channel"), fields.get("via")) {
            (Some(node), _) => vec![self.channel(node)?],
            (None, via) => self.way(via, at, ends, channels)?,
        };
        self.check_way(&via, ends, channels)?;
        Some(vec![PayPart { amount: None, via }])
    }

    fn part(
        &mut self,
        node: &Node,
        ends: (&At<RoleName>, &At<RoleName>),
        channels: &[Channel],
    ) -> Option<PayPart> {
        let fields = self.fields(node, &language::PART)?;
        let amount = fields.get("amount").and_then(|node| self.msat(node));
        let via = self.way(fields.get("via"), node.at, ends, channels)?;
        self.check_way(&via, ends, channels)?;
        Some(PayPart { amount: Some(amount?), via })
    }

    /// The channels on the way, as the file lists them or as there is no other choice.
    fn way(
        &mut self,
        via: Option<&Node>,
        at: Position,
        (from, to): (&At<RoleName>, &At<RoleName>),
        channels: &[Channel],
    ) -> Option<Vec<At<ChannelName>>> {
        if let Some(node) = via {
            let items = self.list(node, "a list of channels, as in `[ab, bc]`");
            if items.is_empty() && matches!(node.content, Content::List(_)) {
                self.report(node.at, Mistake::Nothing { what: "a way has at least one channel" });
                return None;
            }
            return items.iter().map(|item| self.channel(item)).collect();
        }
        let ways = shortest_ways(&from.value, &to.value, channels);
        let (sender, receiver) = (from.to_string(), to.to_string());
        match ways.as_slice() {
            [way] => Some(way.iter().map(|name| At::new(name.clone(), at)).collect()),
            // A channel that could not be read may be the one.
            [] if channels.len() < self.channels.len() => None,
            [] => {
                self.report(to.at, Mistake::NoWay { from: sender, to: receiver });
                None
            }
            several => {
                let words = |way: &Vec<ChannelName>| {
                    way.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                };
                let ways = several.iter().map(words).collect();
                self.report(at, Mistake::SeveralWays { from: sender, to: receiver, ways });
                None
            }
        }
    }

    /// Each channel on a way must begin where the one before it ends.
    fn check_way(
        &mut self,
        via: &[At<ChannelName>],
        (from, to): (&At<RoleName>, &At<RoleName>),
        channels: &[Channel],
    ) -> Option<()> {
        let mut at = from.value.clone();
        for name in via {
            // One that could not be read has been complained about.
            let channel = channels.iter().find(|channel| channel.name.value == name.value)?;
            let Some(next) = channel.peer_of(&at) else {
                let (role, channel) = (at.to_string(), name.to_string());
                self.report(name.at, Mistake::WayBreaksOff { role, channel });
                return None;
            };
            at = next.clone();
        }
        if at != to.value {
            let mistake = Mistake::WayEndsElsewhere { at: at.to_string(), to: to.to_string() };
            self.report(via.last()?.at, mistake);
            return None;
        }
        Some(())
    }

    fn fails(&mut self, node: &Node) -> Option<At<Fails>> {
        let fields = self.fields(node, &language::FAILS)?;
        let by = self.optional(fields.get("by"), Self::role);
        let fails = if let Some(with) = fields.get("with") {
            let failure = self.failure(with);
            let by = by?;
            if by.is_none() {
                self.report(node.at, Mistake::MissingKey { key: "by", of: "a failure" });
            }
            Fails::With { failure: failure?, by: by? }
        } else if let Some(node) = fields.get("no_invoice") {
            self.must_be_true(node)?;
            Fails::NoInvoice
        } else if let Some(node) = fields.get("no_answer") {
            self.must_be_true(node)?;
            Fails::NoAnswer
        } else if let Some(pair) = fields.get("corrupted_between") {
            let items = self.list(pair, "the two roles, as in `[alice, bob]`");
            let roles: Vec<_> = items.iter().map(|item| self.role(item)).collect::<Option<_>>()?;
            let Ok([first, second]) = <[At<RoleName>; 2]>::try_from(roles) else {
                let wanted = "two roles, as in `[alice, bob]`";
                self.report(pair.at, Mistake::WrongShape { wanted, found: "another number" });
                return None;
            };
            Fails::Corrupted { between: Some((first, second)) }
        } else if let Some(node) = fields.get("never_sent") {
            let word = self.word(node, "reason not to pay", Unsent::WORDS, Unsent::from_word);
            Fails::NeverSent(word?.value)
        } else {
            self.must_be_true(fields.get("corrupted")?)?;
            Fails::Corrupted { between: None }
        };
        Some(At::new(fails, node.at))
    }

    /// A flag that says nothing if it is false.
    fn must_be_true(&mut self, node: &Node) -> Option<()> {
        let flag = self.flag(node)?;
        if !flag.value {
            let wanted = "`true`, or no `fails` at all";
            self.report(flag.at, Mistake::WrongShape { wanted, found: "`false`" });
        }
        flag.value.then_some(())
    }

    pub(super) fn failure(&mut self, node: &Node) -> Option<FailureName> {
        let word = self.word(node, "failure", FailureName::WORDS, FailureName::from_word);
        word.map(|word| word.value)
    }

    /// A mapping from roles to something.
    fn by_role<T>(
        &mut self,
        node: Option<&Node>,
        shape: &'static language::Shape,
        read: fn(&mut Self, &Fields<'_>) -> Option<T>,
    ) -> Option<Vec<(At<RoleName>, T)>> {
        let Some(node) = node else { return Some(Vec::new()) };
        let entries = self.entries(node, "a mapping from roles")?;
        entries
            .into_iter()
            .map(|(key, value)| {
                let role = self.known_role(key);
                let fields = self.fields(value, shape)?;
                Some((role?, read(self, &fields)?))
            })
            .collect()
    }

    fn layer(&mut self, fields: &Fields<'_>) -> Option<LayerEdit> {
        let amount = self.optional(fields.get("amt_to_forward"), Self::msat);
        let expiry = self.optional(fields.get("outgoing_cltv_value"), Self::blocks);
        let channel = self.optional(fields.get("short_channel_id"), |reader, node| {
            reader.parsed(node, "a channel, as in `1x2x3`", |text| text.parse().ok())
        });
        let total = self.optional(fields.get("total_msat"), Self::msat);
        let omit = self.optional(fields.get("omit"), |reader, node| {
            let items = reader.list(node, "a list of types, as in `[2]`");
            items.iter().map(|item| reader.number(item)).collect::<Option<Vec<u64>>>()
        });
        let records = self.optional(fields.get("records"), Self::records);
        let length = self.optional(fields.get("length"), Self::number);
        Some(LayerEdit {
            amt_to_forward: amount?.map(|amount| amount.value),
            outgoing_cltv_value: expiry?.map(|blocks| blocks.value),
            short_channel_id: channel?,
            total_msat: total?.map(|amount| amount.value),
            omit: omit?.unwrap_or_default(),
            records: records?.unwrap_or_default(),
            length: length?,
        })
    }

    pub(super) fn records(&mut self, node: &Node) -> Option<Vec<(u64, Vec<u8>)>> {
        let entries = self.entries(node, "records by their types, as in `100: 00ff`")?;
        entries
            .into_iter()
            .map(|(key, value)| {
                let Ok(number) = key.value.parse() else {
                    let wanted = "the type of a record, as in `100`";
                    self.report(key.at, Mistake::WrongShape { wanted, found: "another word" });
                    return None;
                };
                // A record may be empty, which no other text may.
                let bytes = match &value.content {
                    Content::Text(text) if text.trim().is_empty() => Some(Vec::new()),
                    _ => self.parsed(value, "bytes in hex, as in `00ff`", |text| {
                        Vec::from_hex(text).ok()
                    }),
                };
                Some((number, bytes?))
            })
            .collect()
    }

    /// A number without a unit.
    pub(super) fn number<T: std::str::FromStr>(&mut self, node: &Node) -> Option<T> {
        self.parsed(node, "a number", |text| text.replace('_', "").parse().ok())
    }

    pub(super) fn parsed<T>(
        &mut self,
        node: &Node,
        wanted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(node, wanted)?;
        let parsed = parse(text.value);
        if parsed.is_none() {
            self.report(text.at, Mistake::WrongShape { wanted, found: "another text" });
        }
        parsed
    }

    pub(super) fn tamper(&mut self, fields: &Fields<'_>) -> Option<Verb> {
        let by = fields.get("by").and_then(|node| self.role(node));
        let field = fields.get("field").and_then(|node| {
            self.word(node, "field", TamperedField::WORDS, TamperedField::from_word)
        });
        let byte = fields.get("byte").and_then(|node| {
            let number = self.number(node)?;
            Some(At::new(number, node.at))
        });
        Some(Verb::Tamper { by: by?, field: field?.value, byte: byte? })
    }

    pub(super) fn expected_payment(&mut self, node: &Node) -> Option<Expectation> {
        let fields = self.fields(node, &language::PAYMENT)?;
        let of = fields.get("of").and_then(|node| self.role(node));
        let invoice = fields.get("invoice").and_then(|node| self.invoice(node));
        let is = self.optional(fields.get("is"), |reader, node| {
            reader.word(node, "state of a payment", PaymentState::WORDS, PaymentState::from_word)
        });
        let fails = self.optional(fields.get("fails"), Self::fails);
        let (of, (invoice, _), is, fails) = (of?, invoice?, is?, fails?);
        if let Some(fails) = fails.as_ref().filter(|f| matches!(f.value, Fails::NeverSent(_))) {
            let wanted = "how a payment comes back";
            self.report(fails.at, Mistake::WrongShape { wanted, found: "one that is never sent" });
            return None;
        }
        let is = is.map_or(PaymentState::Failed, |word| word.value);
        Some(Expectation::Payment { of, invoice, is, fails: fails.map(|fails| fails.value) })
    }
}

/// The shortest ways between two roles, two of them at most: whether there is a choice is all that
/// matters.
fn shortest_ways(from: &RoleName, to: &RoleName, channels: &[Channel]) -> Vec<Vec<ChannelName>> {
    let mut reached: BTreeMap<&RoleName, Vec<Vec<ChannelName>>> = BTreeMap::new();
    reached.insert(from, vec![Vec::new()]);
    let mut frontier = vec![from];
    while !frontier.is_empty() && !reached.contains_key(to) {
        let mut found: BTreeMap<&RoleName, Vec<Vec<ChannelName>>> = BTreeMap::new();
        for role in frontier {
            let ways = reached.get(role).cloned().unwrap_or_default();
            for channel in channels {
                let Some(next) = channel.peer_of(role).filter(|next| !reached.contains_key(next))
                else {
                    continue;
                };
                let known = found.entry(next).or_default();
                let longer = ways
                    .iter()
                    .map(|way| way.iter().cloned().chain([channel.name.value.clone()]).collect());
                known.extend(longer);
                known.truncate(2);
            }
        }
        frontier = found.keys().copied().collect();
        reached.append(&mut found);
    }
    reached.remove(to).unwrap_or_default()
}

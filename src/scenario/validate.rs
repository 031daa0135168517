//! What makes sense beyond the shape: amounts against each other, steps in their order.

mod chain;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::Amount;

use super::{
    decode::Draft,
    error::{Mistake, Problem},
    model::{
        At, Blocks, Channel, ChannelName, ChannelTerms, ChannelType, Links, Position, Role,
        RoleKind, RoleName, Scenario,
    },
    outcome::{Fate, FundingSpender, OutcomeEntry},
    payment::{Ask, Fails, How, OfferStep, Pay, TamperedField},
    reference::{OutputRef, Path},
    step::{Expect, Expectation, Step, TransactionPattern, Verb},
    wire::{Act, BrokenAct, SendStep, Sent},
};
use crate::bolt::units::{CsvDelay, Msat};
use chain::Away;

/// The greatest `to_self_delay` that nodes accept; BOLT 2 leaves the bound to them, and they agree
/// on two weeks.
pub(super) const DELAY_LIMIT: u16 = 2016;
/// What the lab can give the cast in all: it begins with eleven mature coinbases, and pays a fee.
const FUNDS_LIMIT: Amount = Amount::from_sat(54_900_000_000);
/// How many blocks an `expect` may mine.
pub(super) const WITHIN_LIMIT: Blocks = Blocks(10_000);
/// The greatest depth that a funding transaction may need.
const DEPTH_LIMIT: u32 = 100;
/// The least `dust_limit_satoshis` (BOLT 2, "The `open_channel` Message").
const DUST_MINIMUM: Amount = Amount::from_sat(354);
/// The dust limit of a role that asks for none.
const DUST_DEFAULT: Amount = Amount::from_sat(546);
/// The greatest `max_accepted_htlcs` (BOLT 2, "The `open_channel` Message").
const HTLCS_LIMIT: u16 = 483;
/// What both anchors of a commitment hold (BOLT 3, "Commitment Transaction Anchors").
const ANCHORS: Amount = Amount::from_sat(660);

/// Looks for what makes no sense in a draft, and adds it to the problems.
pub(super) fn validate(draft: &mut Draft) {
    let mut check = Check::of(&draft.scenario, draft.steps_missing);
    check.declarations();
    let mut found = check.problems;
    for run in draft.scenario.ways() {
        let mut check = Check::of(&run, draft.steps_missing);
        check.steps();
        found.extend(check.problems);
    }
    // What all branches share is wrong once.
    for problem in found {
        let known = |other: &Problem| {
            (other.position, &other.mistake) == (problem.position, &problem.mistake)
        };
        if !draft.problems.iter().any(known) {
            draft.problems.push(problem);
        }
    }
}

struct Check<'a> {
    scenario: &'a Scenario,
    steps_missing: bool,
    /// The channels that are open at this step, and the line of their `open`.
    opened: BTreeMap<&'a ChannelName, u32>,
    /// The roles that are offline at this step, or may be.
    offline: BTreeMap<&'a RoleName, Away>,
    /// The roles that see no new blocks at this step.
    withheld: BTreeSet<&'a RoleName>,
    /// Whether there is a fee spike at this step.
    spiking: bool,
    /// The roles that a `partition` cut off and no `heal` brought back, and where it stands.
    apart: Option<At<BTreeSet<&'a RoleName>>>,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn of(scenario: &'a Scenario, steps_missing: bool) -> Self {
        Self {
            scenario,
            steps_missing,
            opened: BTreeMap::new(),
            offline: BTreeMap::new(),
            withheld: BTreeSet::new(),
            spiking: false,
            apart: None,
            problems: Vec::new(),
        }
    }

    fn report(&mut self, at: Position, mistake: Mistake) {
        self.problems.push(Problem::new(at, mistake));
    }

    /// The cast, the channels and the outcome, which all runs share.
    fn declarations(&mut self) {
        let scenario = self.scenario;
        self.cast();
        scenario.channels.iter().for_each(|channel| self.channel(channel));
        if let Some(outcome) = &scenario.outcome {
            outcome.value.entries.iter().for_each(|entry| self.entry(entry));
        }
    }

    fn steps(&mut self) {
        let scenario = self.scenario;
        scenario.steps.iter().for_each(|step| self.step(step));
        self.healed();
    }

    fn cast(&mut self) {
        let mut funds = Amount::ZERO;
        for role in &self.scenario.cast {
            if self.coins(&At::new(role.funds, role.name.at)) {
                self.funds(&mut funds, role);
            }
            // A probe may ask what an honest node must refuse.
            if role.kind.value != RoleKind::Probe {
                self.asks(&role.asks);
            }
        }
    }

    /// What a role asks of its channels keeps BOLT 2.
    fn asks(&mut self, asks: &ChannelTerms) {
        if let Some(limit) = asks.dust_limit.filter(|limit| limit.value < DUST_MINIMUM) {
            let (limit, at) = (limit.value, limit.at);
            self.report(at, Mistake::DustLimitTooLow { limit, minimum: DUST_MINIMUM });
        }
        let limit = asks.dust_limit.map_or(DUST_DEFAULT, |limit| limit.value);
        if let Some(reserve) = asks.channel_reserve.filter(|reserve| reserve.value < limit) {
            let mistake = Mistake::ReserveBelowDust { reserve: reserve.value, limit };
            self.report(reserve.at, mistake);
        }
        if let Some(count) = asks.max_accepted_htlcs.filter(|count| count.value > HTLCS_LIMIT) {
            let mistake = Mistake::TooManyHtlcsAccepted { count: count.value, limit: HTLCS_LIMIT };
            self.report(count.at, mistake);
        }
    }

    /// Adds a role's funds to those before it; the role that wants more than is left is reported.
    fn funds(&mut self, sum: &mut Amount, role: &Role) {
        let funds = sum.checked_add(role.funds).unwrap_or(Amount::MAX);
        if funds <= FUNDS_LIMIT {
            *sum = funds;
        } else {
            let mistake = Mistake::FundsOverLimit { funds, limit: FUNDS_LIMIT };
            self.report(role.name.at, mistake);
        }
    }

    /// Reports amounts that cannot exist; true if this one can.
    fn coins(&mut self, amount: &At<Amount>) -> bool {
        let possible = amount.value <= Amount::MAX_MONEY;
        if !possible {
            self.report(amount.at, Mistake::MoreThanAllCoins { amount: amount.value });
        }
        possible
    }

    fn channel(&mut self, channel: &Channel) {
        if channel.from == channel.to {
            let (name, role) = (channel.name.to_string(), channel.to.to_string());
            self.report(channel.to.at, Mistake::OneRoleChannel { channel: name, role });
        }
        let delay = channel.to_self_delay;
        if delay.value == CsvDelay(0) || delay.value > CsvDelay(DELAY_LIMIT) {
            let mistake =
                Mistake::DelayOutOfRange { delay: u32::from(delay.value.0), limit: DELAY_LIMIT };
            self.report(delay.at, mistake);
        }
        let depth = channel.minimum_depth;
        if !(1..=DEPTH_LIMIT).contains(&depth.value.0) {
            let mistake = Mistake::DepthOutOfRange { depth: depth.value.0, limit: DEPTH_LIMIT };
            self.report(depth.at, mistake);
        }
        if self.coins(&channel.capacity) {
            self.capacity(channel);
        }
    }

    /// The capacity must be there, and must carry the opener's first commitment.
    fn capacity(&mut self, channel: &Channel) {
        let capacity = channel.capacity.value;
        let Some(opener) = self.scenario.role(&channel.from.value) else { return };
        if opener.funds <= capacity {
            let mistake = Mistake::NotCovered {
                role: opener.name.to_string(),
                funds: opener.funds,
                capacity,
            };
            self.report(channel.capacity.at, mistake);
        }
        let Some(left) = capacity.checked_sub(channel.push.value) else {
            let push = channel.push.value;
            self.report(channel.push.at, Mistake::PushOverCapacity { push, capacity });
            return;
        };
        let cost = self.first_commitment(channel);
        // A probe may propose what an honest node must refuse.
        if left < cost && opener.kind.value != RoleKind::Probe {
            let mistake = Mistake::TooSmallCapacity { capacity, left, cost };
            self.report(channel.capacity.at, mistake);
        }
    }

    /// What the opener needs: the fee of a commitment without HTLCs (BOLT 3, "Fee Calculation"),
    /// its anchors, and an output that is no dust.
    fn first_commitment(&self, channel: &Channel) -> Amount {
        let (weight, anchors) = match channel.channel_type {
            ChannelType::Anchors => (1124, ANCHORS),
            ChannelType::StaticRemotekey => (724, Amount::ZERO),
        };
        let dust = [&channel.from.value, &channel.to.value]
            .into_iter()
            .filter_map(|name| self.scenario.role(name)?.asks.dust_limit)
            .map(|limit| limit.value)
            .fold(DUST_MINIMUM, Amount::max);
        [channel.feerate.value.fee(weight), anchors, dust]
            .into_iter()
            .fold(Amount::ZERO, |sum, part| sum.checked_add(part).unwrap_or(Amount::MAX))
    }

    fn step(&mut self, step: &'a Step) {
        match &step.verb {
            Verb::Open { channel, .. } => {
                if let Some(first) = self.opened.insert(&channel.value, step.at.line) {
                    let mistake = Mistake::OpenedTwice { channel: channel.to_string(), first };
                    self.report(channel.at, mistake);
                }
            }
            Verb::OpenNetwork => {
                let network = self.scenario.network.iter();
                self.opened.extend(network.map(|channel| (channel, step.at.line)));
            }
            Verb::Invoice(ask) => self.asked(ask),
            Verb::Offer(offer) => self.offer(offer),
            Verb::Pay(pay) => {
                self.pay(pay);
                let opens = pay.seeks.as_ref().and_then(|seeks| seeks.opens.as_ref());
                self.opened.extend(opens.map(|channel| (&channel.value, step.at.line)));
            }
            Verb::Refuse { .. }
            | Verb::Accept(_)
            | Verb::Settle(_)
            | Verb::Cancel(_)
            | Verb::Withdraw(_)
            | Verb::Wait(_) => {}
            Verb::Tamper { by, field, byte } => {
                self.cheat(by, "tamper with its messages");
                self.tampered(*field, byte);
            }
            Verb::Replay { by, channel } => {
                self.open(&channel.value, channel.at);
                self.side(by, &channel.value);
                self.cheat(by, "replay an onion");
            }
            Verb::Fund { channel, with } => {
                self.funded_otherwise(channel);
                self.funded_by_a_coinbase(channel, *with);
            }
            Verb::Close { channel, by, .. }
            | Verb::BumpClose { channel, by, .. }
            | Verb::UpdateFee { channel, by, .. }
            | Verb::Remember { channel, by, .. } => {
                self.open(&channel.value, channel.at);
                self.side(by, &channel.value);
            }
            Verb::LoseData { by, state } => self.owner(by, state),
            Verb::ForceClose { .. }
            | Verb::Publish { .. }
            | Verb::Claim(_)
            | Verb::DoubleSpend { .. } => self.publication(step),
            Verb::Mine { .. }
            | Verb::Reorg { .. }
            | Verb::SpikeFees(_)
            | Verb::CalmFees(_)
            | Verb::Offline { .. }
            | Verb::Online(_)
            | Verb::WithholdBlocks(_)
            | Verb::ReleaseBlocks(_)
            | Verb::Partition(_)
            | Verb::Heal(_) => self.chain(step),
            Verb::Connect { .. }
            | Verb::Disconnect { .. }
            | Verb::Send(_)
            | Verb::Hold(_)
            | Verb::Release(_)
            | Verb::Try(_) => self.conversation(step),
            Verb::Expect(expect) => self.expect(expect),
        }
    }

    fn asked(&mut self, ask: &Ask) {
        if let Some(amount) = ask.amount.filter(|amount| amount.value == Msat::ZERO) {
            self.report(amount.at, Mistake::PaysNothing);
        }
    }

    /// The verbs by which a role gives a transaction to somebody.
    fn publication(&mut self, step: &'a Step) {
        match &step.verb {
            Verb::ForceClose { channel, by, via, .. } => {
                self.open(&channel.value, channel.at);
                self.side(by, &channel.value);
                self.via(via);
            }
            Verb::Publish { by, commitment, via } => {
                self.cheat(by, "publish an old commitment");
                self.owner(by, commitment);
                self.via(via);
            }
            Verb::Claim(claim) => {
                for output in &claim.outputs {
                    self.open(output.value.channel(), output.at);
                    self.output(output);
                    self.claim(&output.value, &claim.path);
                }
                self.via(&claim.via);
            }
            Verb::DoubleSpend { by, transaction, via, .. } => {
                self.open(&transaction.value.channel, transaction.at);
                self.cheat(by, "double-spend");
                self.side(by, &transaction.value.channel);
                self.via(via);
            }
            _ => {}
        }
    }

    /// The verbs about connections, and about what goes over them.
    fn conversation(&mut self, step: &'a Step) {
        match &step.verb {
            Verb::Connect { from, to, broken, .. } => {
                self.two_roles(from, to);
                if let Some(BrokenAct { act, .. }) = broken {
                    self.over_tcp(act.value.as_str(), act.at);
                    self.probe(if act.value == Act::Two { to } else { from });
                }
            }
            Verb::Disconnect { from, to: Some(to) } => self.two_roles(from, to),
            Verb::Send(send) => self.send(step, send),
            _ => {}
        }
    }

    /// A role cannot be connected to itself.
    fn two_roles(&mut self, from: &At<RoleName>, to: &At<RoleName>) {
        if from == to {
            let what = "a connection is between two roles";
            self.report(to.at, Mistake::Nothing { what });
        }
    }

    /// Only a probe does what an honest role never does.
    fn probe(&mut self, role: &At<RoleName>) {
        let kind = self.scenario.role(&role.value).map(|role| role.kind.value);
        if kind.is_some_and(|kind| kind != RoleKind::Probe) {
            self.report(role.at, Mistake::NotAProbe { role: role.to_string() });
        }
    }

    /// In memory there are no acts and no frames to break.
    fn over_tcp(&mut self, key: &'static str, at: Position) {
        if self.scenario.links != Links::Tcp {
            self.report(at, Mistake::NeedsTcp { key });
        }
    }

    /// Only a probe says what it is told, and only to another role.
    fn send(&mut self, step: &'a Step, send: &'a SendStep) {
        self.probe(&send.from);
        if let Some(fault) = &send.frame {
            self.over_tcp("frame", fault.at);
        }
        if let Some(to) = &send.to {
            self.two_roles(&send.from, to);
        }
        let is_relayed = matches!(&send.what, Sent::Message(message) if message.is_relayed());
        if let Some(channel) = send.channel.as_ref().filter(|_| !is_relayed) {
            self.side(&send.from, &channel.value);
        }
        // A proposal opens the channel as far as the file is concerned.
        if let Sent::Message(message) = &send.what
            && message.name == "open_channel"
        {
            let of_probe = self.scenario.channels.iter().filter(|channel| {
                let named = send.channel.as_ref().map(|named| &named.value);
                channel.joins(&send.from.value) && named.is_none_or(|n| *n == channel.name.value)
            });
            for channel in of_probe {
                self.opened.entry(&channel.name.value).or_insert(step.at.line);
            }
        }
    }

    /// Where a step could not be read, it may have taken the role off or back on.
    fn link(&mut self, at: Position, mistake: Mistake) {
        if !self.steps_missing {
            self.report(at, mistake);
        }
    }

    /// A channel must be open. Where a step could not be read, it may have been the `open`.
    fn open(&mut self, channel: &ChannelName, at: Position) {
        if !self.steps_missing && !self.opened.contains_key(channel) {
            self.report(at, Mistake::NotOpenYet { channel: channel.to_string() });
        }
    }

    /// A role must be one of the channel's sides.
    fn side(&mut self, role: &At<RoleName>, channel: &ChannelName) {
        let Some(channel) = self.scenario.channel(channel) else { return };
        if !channel.joins(&role.value) {
            let mistake = Mistake::NotItsChannel {
                role: role.to_string(),
                channel: channel.name.to_string(),
                sides: [channel.from.to_string(), channel.to.to_string()],
            };
            self.report(role.at, mistake);
        }
    }

    fn offer(&mut self, offer: &OfferStep) {
        for channel in &offer.via {
            self.open(&channel.value, channel.at);
        }
        if let Some(amount) = offer.amount.filter(|amount| amount.value == Msat::ZERO) {
            self.report(amount.at, Mistake::PaysNothing);
        }
    }

    fn pay(&mut self, pay: &Pay) {
        for part in &pay.parts {
            for channel in &part.via {
                self.open(&channel.value, channel.at);
            }
            let amount = part.amount.as_ref().or(pay.amount.as_ref());
            if let (Some(amount), Some(first)) = (amount, part.via.first()) {
                self.payment(amount, &first.value);
            }
        }
        let brought = pay.parts.iter().map(|part| Some(part.amount?.value));
        let brought = brought.collect::<Option<Vec<Msat>>>().map(|parts| {
            let add = |sum: Msat, part: Msat| sum.checked_add(part).unwrap_or(Msat(u64::MAX));
            parts.into_iter().fold(Msat::ZERO, add)
        });
        if let (Some(given), Some(amount)) = (brought, &pay.amount)
            && given != amount.value
        {
            let amount = amount.value;
            self.report(
                pay.amount.map_or(pay.from.at, |a| a.at),
                Mistake::PartsDiffer { given, amount },
            );
        }
        if let Some(suspect) = &pay.suspects {
            let payer = At::new(pay.from.value.clone(), suspect.at);
            self.cheat(&payer, "ask somebody for an offer that does not name it");
        }
        if let Some(suspect) = pay.suspects.as_ref().filter(|_| pay.offer.is_none()) {
            let what = "`suspects` is about an `offer`";
            self.report(suspect.at, Mistake::Nothing { what });
        }
        self.says_something(pay);
        if let (Some(offer), Some((role, _))) = (&pay.offer, pay.onion.first()) {
            let offer = offer.to_string();
            self.report(role.at, Mistake::LayersOfAnOffer { offer });
        }
        if let Some(misread) = pay.misread.filter(|_| pay.invoice.is_none())
            && pay.how == How::Keysend
        {
            self.report(misread.at, Mistake::NothingToMisread);
        }
        if let Some((role, _)) = pay.onion.first() {
            let payer = At::new(pay.from.value.clone(), role.at);
            self.cheat(&payer, "write what it wants into an onion");
        }
    }

    /// Reports what would have no effect on a payment, or would hold of it whatever happens.
    fn says_something(&mut self, pay: &Pay) {
        let asked = pay.invoice.as_ref().or(pay.offer.as_ref());
        if let Some(name) = asked.filter(|_| pay.how == How::Keysend) {
            let what = "a payment by keysend has no `invoice` and no `offer`";
            self.report(name.at, Mistake::Nothing { what });
        }
        if let Some(fails) = pay.fails.as_ref().filter(|_| pay.offer.is_none())
            && matches!(fails.value, Fails::NoAnswer | Fails::NoInvoice)
        {
            let what = "only who pays an `offer` waits for an invoice";
            self.report(fails.at, Mistake::Nothing { what });
        }
        let Some(offer) = &pay.offer else { return };
        if let Some(misread) = pay.misread {
            let what = "`misread` is about an invoice of BOLT 11";
            self.report(misread.at, Mistake::Nothing { what });
        }
        if pay.parts.len() != 1 || pay.parts.iter().any(|part| part.amount.is_some()) {
            let what = "an `offer` is paid in one part: `via` says which way";
            self.report(offer.at, Mistake::Nothing { what });
        }
    }

    /// The byte must be there.
    fn tampered(&mut self, field: TamperedField, byte: &At<u32>) {
        let length = match field {
            TamperedField::Onion => 1366,
            // The least that a failure has.
            TamperedField::Reason => 292,
            TamperedField::AttributionData => 920,
        };
        if byte.value >= length {
            let mistake = Mistake::NoSuchByte { field: field.as_str(), byte: byte.value, length };
            self.report(byte.at, mistake);
        }
    }

    fn payment(&mut self, amount: &At<Msat>, channel: &ChannelName) {
        if amount.value == Msat::ZERO {
            self.report(amount.at, Mistake::PaysNothing);
        }
        let Some(channel) = self.scenario.channel(channel) else { return };
        let capacity = channel.capacity.value;
        if Msat::from_amount(capacity).is_some_and(|capacity| amount.value > capacity) {
            let (amount, at) = (amount.value, amount.at);
            let channel = channel.name.to_string();
            self.report(at, Mistake::PaysTooMuch { amount, channel, capacity });
        }
    }

    /// Only a probe funds a channel otherwise than was agreed on.
    fn funded_otherwise(&mut self, channel: &At<ChannelName>) {
        self.open(&channel.value, channel.at);
        let opener = self.scenario.channel(&channel.value).map(|found| &found.from.value);
        let kind = opener.and_then(|name| self.scenario.role(name)).map(|role| role.kind.value);
        if let Some(role) = opener.filter(|_| kind != Some(RoleKind::Probe)) {
            let role = role.to_string();
            self.report(channel.at, Mistake::NotAProbe { role });
        }
    }

    fn cheat(&mut self, role: &At<RoleName>, verb: &'static str) {
        let Some(kind) = self.scenario.role(&role.value).map(|role| role.kind.value) else {
            return;
        };
        if kind != RoleKind::Cheat {
            let role_name = role.to_string();
            self.report(role.at, Mistake::OnlyACheat { role: role_name, kind, verb });
        }
    }

    /// Only the role that remembered a state has it.
    fn owner(&mut self, role: &At<RoleName>, name: &At<super::model::StateName>) {
        let owner = self.scenario.steps.iter().find_map(|step| match &step.verb {
            Verb::Remember { by, state, .. } if state == name => Some(by),
            _ => None,
        });
        if let Some(owner) = owner.filter(|owner| *owner != role) {
            let mistake = Mistake::StateOfAnother {
                state: name.to_string(),
                owner: owner.to_string(),
                role: role.to_string(),
            };
            self.report(name.at, mistake);
        }
    }

    fn expect(&mut self, expect: &Expect) {
        self.is_apart(&expect.apart);
        match &expect.what {
            Expectation::Transaction(pattern) => {
                for (channel, at) in channels_of(pattern) {
                    self.open(channel, at);
                }
                self.pattern(pattern);
            }
            Expectation::NoTransaction(pattern) => self.pattern(pattern),
            Expectation::Payment { .. } => {}
            Expectation::Message(message) => {
                let to = message.to.as_ref().map(|to| to.value.clone());
                let probes = self.scenario.cast.iter().filter(|role| {
                    let is_meant = to.as_ref().is_none_or(|to| *to == role.name.value);
                    role.kind.value == RoleKind::Probe && is_meant
                });
                if probes.count() != 1 {
                    let role = to.map_or_else(|| "nobody".to_owned(), |to| to.to_string());
                    let at = message.to.as_ref().map_or(message.from.at, |to| to.at);
                    self.report(at, Mistake::NotAProbe { role });
                }
            }
            Expectation::State { channel, of, .. } | Expectation::Balance { channel, of, .. } => {
                self.open(&channel.value, channel.at);
                self.side(of, &channel.value);
            }
        }
    }

    fn pattern(&mut self, pattern: &TransactionPattern) {
        let Some(output) = &pattern.spends else { return };
        self.output(output);
        if let Some(path) = &pattern.path {
            self.path(&output.value, path);
        }
    }

    /// A role that an output names must be a side of its channel.
    fn output(&mut self, output: &At<OutputRef>) {
        if let Some(role) = output.value.role() {
            self.side(&At::new(role.clone(), output.at), output.value.channel());
        }
    }

    fn claim(&mut self, output: &OutputRef, path: &At<Path>) {
        let anchor = matches!(path.value, Path::Anchor | Path::Anyone);
        if anchor && output.paths().contains(&path.value) {
            self.report(path.at, Mistake::NotSupported { what: "a claim of an anchor" });
        } else {
            self.path(output, path);
        }
    }

    fn path(&mut self, output: &OutputRef, path: &At<Path>) {
        if !output.paths().contains(&path.value) {
            let mistake = Mistake::ImpossiblePath { output: output.clone(), path: path.value };
            self.report(path.at, mistake);
        }
    }

    fn entry(&mut self, entry: &OutcomeEntry) {
        let output = &entry.output;
        self.output(output);
        match &entry.fate.value {
            Fate::SpentBy { by: FundingSpender::Commitment { of, .. }, .. } => {
                self.side(of, output.value.channel());
            }
            Fate::Taken { to, path, .. } => {
                if let Some(path) = path {
                    self.path(&output.value, path);
                }
                if path.map(|path| path.value) != Some(Path::Anyone) {
                    self.side(to, output.value.channel());
                }
            }
            Fate::SpentBy { by: FundingSpender::Closing, .. }
            | Fate::Unconfirmed
            | Fate::Unspent
            | Fate::Absent
            | Fate::Any => {}
        }
    }
}

fn channels_of(pattern: &TransactionPattern) -> impl Iterator<Item = (&ChannelName, Position)> {
    let transaction = pattern.is.as_ref().map(|is| (&is.value.channel, is.at));
    let output = pattern.spends.as_ref().map(|spends| (spends.value.channel(), spends.at));
    transaction.into_iter().chain(output)
}

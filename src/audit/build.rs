//! Builds the account of each channel, and finds what cannot be right whatever a scenario says.

use std::collections::BTreeMap;

use bitcoin::{Amount, OutPoint, ScriptBuf, Txid};

use super::account::{Account, AuditedOutput, ChannelAccount, Fate, Kind, OutputName};
use super::chain::View;
use super::facts::{Facts, facts};
use super::ledger::{End, State};
use super::name::{Close, Named, name};
use crate::bolt::units::Msat;
use crate::scenario::{Path, RoleKind, RoleName};
use crate::trace::{Event, Trace};

/// The account of a trace, as far as it goes: transactions of the mempool are in it too.
pub fn account(trace: &Trace) -> Account {
    let mut account = Account::default();
    let view = View::new(trace);
    let cast = trace.entries.iter().find_map(|entry| match &entry.event {
        Event::Scenario { cast, .. } => Some(cast.clone()),
        _ => None,
    });
    let cast = cast.unwrap_or_default();
    let wallets: BTreeMap<ScriptBuf, RoleName> =
        cast.iter().map(|role| (role.wallet.clone(), role.name.clone())).collect();
    let honest: Vec<RoleName> = cast
        .iter()
        .filter(|role| role.kind == RoleKind::Honest)
        .map(|role| role.name.clone())
        .collect();
    for facts in facts(trace) {
        // Who cheats may fund something else; who is honest may not.
        let is_funded = honest.contains(&facts.opener.role) || is_as_agreed(&facts, &view);
        let Some(named) = name(&facts, &view, &wallets).filter(|_| is_funded) else {
            account.channels.push(never_funded(&facts, &honest));
            continue;
        };
        let builder = Builder { facts: &facts, named: &named, view: &view };
        let channel = builder.channel(&honest, &mut account.problems);
        account.channels.push(channel);
        account.transactions.extend(named.transactions);
    }
    let order = |txid| view.iter().position(|(known, _)| known == txid);
    account.transactions.sort_by_key(|transaction| order(transaction.txid));
    account
}

/// Whether the funding output is what both sides agreed on.
fn is_as_agreed(facts: &Facts, view: &View) -> bool {
    let found = view.get(facts.funding.txid).and_then(|seen| {
        let position = usize::try_from(facts.funding.vout).ok()?;
        seen.transaction.output.get(position)
    });
    found.is_some_and(|output| {
        output.value == facts.capacity && output.script_pubkey == facts.funding_script()
    })
}

/// The account of a channel whose funding transaction is nowhere, or another one: it was never
/// published, or it can never confirm any more. Once both sides use the channel, what the acceptor
/// has in it is lost; the opener still has its coins.
fn never_funded(facts: &Facts, honest: &[RoleName]) -> ChannelAccount {
    let mut robbed = Sums::new();
    let (acceptor, committed) = (&facts.acceptor.role, facts.committed(End::Acceptor));
    if facts.is_ready() && honest.contains(acceptor) && committed > Msat::ZERO {
        robbed.insert(acceptor.clone(), committed);
    }
    ChannelAccount {
        name: facts.name.clone(),
        funding: None,
        funding_txid: facts.funding.txid,
        close: None,
        outputs: Vec::new(),
        resting: Vec::new(),
        entitled: Sums::new(),
        taken: BTreeMap::new(),
        lost: Sums::new(),
        robbed,
    }
}

/// Builds the account of one channel.
struct Builder<'a> {
    facts: &'a Facts,
    named: &'a Named,
    view: &'a View,
}

type Sums = BTreeMap<RoleName, Msat>;

impl Builder<'_> {
    fn channel(&self, honest: &[RoleName], problems: &mut Vec<String>) -> ChannelAccount {
        let facts = self.facts;
        let funding = self.output(facts.funding);
        let close = self.named.close.and_then(|(txid, _)| {
            let close = self.named.transactions.iter().find(|tx| tx.txid == txid);
            close.filter(|close| close.confirmed.is_some()).cloned()
        });
        let outputs = |outpoints: &[OutPoint]| -> Vec<AuditedOutput> {
            outpoints.iter().filter_map(|outpoint| self.output(*outpoint)).collect()
        };
        let mut channel = ChannelAccount {
            name: facts.name.clone(),
            funding,
            funding_txid: facts.funding.txid,
            close,
            outputs: outputs(&self.named.close_outputs),
            resting: outputs(&self.named.resting),
            entitled: Sums::new(),
            taken: BTreeMap::new(),
            lost: Sums::new(),
            robbed: Sums::new(),
        };
        if !is_as_agreed(facts, self.view) {
            let name = &facts.name;
            problems.push(format!("the funding output of {name} is not the one agreed on"));
        }
        if channel.close.is_some() {
            self.settle(&mut channel, problems);
            self.find_robbed(&mut channel, honest);
            self.check_sums(&channel, problems);
            self.check_close(&channel, problems);
        }
        problems.extend(Self::strangers(&channel));
        channel
    }

    /// A confirmed output and what became of it.
    fn output(&self, outpoint: OutPoint) -> Option<AuditedOutput> {
        let known = self.named.outputs.get(&outpoint)?;
        self.view.get(outpoint.txid)?.confirmed?;
        let spender = self.named.transactions.iter().find_map(|tx| {
            tx.confirmed?;
            let spend = tx.spends.iter().find(|spend| spend.outpoint == outpoint)?;
            Some((tx, spend))
        });
        let fate = match spender {
            None => Fate::Unspent { owner: self.named.owner(self.facts, &known.name) },
            Some((tx, spend)) if known.name == OutputName::Funding => {
                Fate::Spent { by: tx.txid, to: None, path: spend.path }
            }
            Some((tx, spend)) => {
                let to = self.named.taker(self.facts, spend).or_else(|| tx.by.clone());
                Fate::Spent { by: tx.txid, to, path: spend.path }
            }
        };
        let is_theirs = matches!(fate, Fate::Unspent { owner: Some(_) });
        let mover = self.view.spender(outpoint).filter(|_| is_theirs).map(|(txid, _)| txid);
        let is_ours = |txid: &Txid| self.named.transactions.iter().any(|tx| tx.txid == *txid);
        Some(AuditedOutput {
            outpoint,
            amount: known.amount,
            name: known.name.clone(),
            fate,
            moved_by: mover.filter(|txid| !is_ours(txid)),
        })
    }

    /// The state that the close pays out. An HTLC that it has no output for is its offerer's, who
    /// loses it to the miner.
    fn decided(&self) -> State {
        let state = self.stated();
        let feerate = state.feerate;
        match self.named.close {
            Some((_, Close::Commitment(owner, _))) => state.giving_back(|offerer, amount| {
                self.facts.is_trimmed(owner, offerer, amount, feerate)
            }),
            Some((_, Close::Mutual | Close::Offered(_) | Close::Unknown)) | None => state,
        }
    }

    /// The state of the close, by the messages.
    fn stated(&self) -> State {
        let ledger = &self.facts.ledger;
        let state = match self.named.close {
            Some((_, Close::Commitment(owner, number))) => usize::try_from(number.0)
                .ok()
                .and_then(|position| ledger.states(owner).get(position)),
            Some((_, Close::Mutual | Close::Offered(_) | Close::Unknown)) | None => {
                ledger.states(End::Opener).last()
            }
        };
        state.cloned().unwrap_or_default()
    }

    /// Who had what, who took what, and what each lost on the way.
    fn settle(&self, channel: &mut ChannelAccount, problems: &mut Vec<String>) {
        let state = self.decided();
        let role = |end: End| self.facts.end(end).role.clone();
        for end in End::BOTH {
            channel.entitled.insert(role(end), state.of(end));
            channel.taken.insert(role(end), Amount::ZERO);
            channel.lost.insert(role(end), Msat::ZERO);
        }
        if !state.htlcs.is_empty() {
            let pending = state.htlcs.len();
            let name = &channel.name;
            problems.push(format!("{name} closes with {pending} HTLCs, which nobody followed"));
        }
        for output in channel.outputs.iter().chain(&channel.resting) {
            if let Fate::Unspent { owner: Some(owner) } = &output.fate {
                let taken = channel.taken.entry(owner.clone()).or_default();
                *taken += output.amount;
            }
        }
        self.lose_fees(channel, &state);
        self.confiscate(channel);
    }

    /// Books fees, anchors, and what was trimmed or rounded away, to who bore them: the opener or
    /// the closer those of the close, the taker those of a claim.
    fn lose_fees(&self, channel: &mut ChannelAccount, state: &State) {
        let role = |end: End| self.facts.end(end).role.clone();
        let mut lose = |role: RoleName, amount: Msat| {
            let lost = channel.lost.entry(role).or_default();
            *lost = lost.checked_add(amount).unwrap_or(*lost);
        };
        // What the acceptor has less than its balance was trimmed or rounded, or is the fee that it
        // offered; the rest of what the close does not pay out is the opener's.
        let outputs = &channel.outputs;
        let paid: Amount = outputs.iter().map(|output| output.amount).sum();
        let acceptors: Amount = outputs
            .iter()
            .filter(|output| self.is_balance_of(output, End::Acceptor))
            .map(|output| output.amount)
            .sum();
        let trimmed = state.acceptor.saturating_sub(msat(acceptors));
        let unpaid = msat(self.facts.capacity).saturating_sub(msat(paid));
        lose(role(End::Acceptor), trimmed);
        lose(role(End::Opener), unpaid.saturating_sub(trimmed));
        let anchors = outputs.iter().filter(|output| matches!(output.name, OutputName::Anchor(_)));
        for anchor in anchors {
            // The opener paid for both anchors; who takes one has that much more.
            match &anchor.fate {
                Fate::Spent { to: Some(taker), .. } => {
                    let amount = msat(anchor.amount);
                    transfer(&mut channel.entitled, &role(End::Opener), taker, amount);
                }
                Fate::Spent { to: None, .. } | Fate::Unspent { .. } => {
                    lose(role(End::Opener), msat(anchor.amount));
                }
            }
        }
        let claims =
            self.named.transactions.iter().filter(|tx| {
                tx.confirmed.is_some() && matches!(tx.kind, Kind::Sweep | Kind::Penalty)
            });
        for claim in claims {
            if let (Some(by), Some(fee)) = (&claim.by, claim.fee) {
                lose(by.clone(), msat(fee));
            }
        }
    }

    /// Whether an output of the close carries the balance of this side.
    fn is_balance_of(&self, output: &AuditedOutput, end: End) -> bool {
        let role = &self.facts.end(end).role;
        match (&output.name, self.named.close) {
            (OutputName::Closing(of), _) => of == role,
            (OutputName::ToLocal, Some((_, Close::Commitment(owner, _)))) => owner == end,
            (OutputName::ToRemote, Some((_, Close::Commitment(owner, _)))) => owner.other() == end,
            (
                OutputName::Funding
                | OutputName::ToLocal
                | OutputName::ToRemote
                | OutputName::Anchor(_)
                | OutputName::Wallet(_)
                | OutputName::Unknown,
                _,
            ) => false,
        }
    }

    /// A balance that was taken by revocation is the victim's now, with all that was lost of it.
    fn confiscate(&self, channel: &mut ChannelAccount) {
        let taken = channel
            .outputs
            .iter()
            .any(|output| matches!(&output.fate, Fate::Spent { path: Some(Path::Revocation), .. }));
        let Some((_, Close::Commitment(owner, _))) = self.named.close else { return };
        if !taken {
            return;
        }
        let cheat = self.facts.end(owner).role.clone();
        let victim = self.facts.end(owner.other()).role.clone();
        for sums in [&mut channel.entitled, &mut channel.lost] {
            let amount = sums.get(&cheat).copied().unwrap_or_default();
            transfer(sums, &cheat, &victim, amount);
        }
    }

    /// What honest roles have less than they had for certain.
    fn find_robbed(&self, channel: &mut ChannelAccount, honest: &[RoleName]) {
        let (decided, stated) = (self.decided(), self.stated());
        for end in End::BOTH {
            let role = &self.facts.end(end).role;
            // What the miner has of an HTLC was not its offerer's for certain.
            let given_back = decided.of(end).saturating_sub(stated.of(end));
            let entitled = channel.entitled.get(role).copied().unwrap_or_default();
            let left = entitled.saturating_sub(given_back);
            let robbed = self.facts.committed(end).saturating_sub(left);
            if honest.contains(role) && robbed > Msat::ZERO {
                channel.robbed.insert(role.clone(), robbed);
            }
        }
    }

    /// Sats in are sats out and fees, for each role and for the channel as a whole.
    fn check_sums(&self, channel: &ChannelAccount, problems: &mut Vec<String>) {
        let name = &channel.name;
        let open_ends = channel.outputs.iter().any(|output| {
            !matches!(output.name, OutputName::Anchor(_))
                && matches!(output.fate, Fate::Unspent { owner: None })
        });
        let mut sum = Msat::ZERO;
        for (role, entitled) in &channel.entitled {
            let taken = msat(channel.taken.get(role).copied().unwrap_or_default());
            let lost = channel.lost.get(role).copied().unwrap_or_default();
            sum = [taken, lost].into_iter().fold(sum, |sum, m| sum.checked_add(m).unwrap_or(sum));
            if taken.checked_add(lost) != Some(*entitled) && !open_ends {
                problems.push(format!(
                    "{role} had {entitled} msat in {name}, took {taken} and lost {lost} to fees: \
                     that does not add up"
                ));
            }
        }
        if sum != msat(self.facts.capacity) && !open_ends {
            let capacity = msat(self.facts.capacity);
            problems.push(format!("of {capacity} msat in {name}, {sum} are accounted for"));
        }
    }

    /// A close must pay each side what the messages give it: its balance, of the opener's less the
    /// fee and the anchors, and nothing that is dust.
    fn check_close(&self, channel: &ChannelAccount, problems: &mut Vec<String>) {
        let limit = |end| self.facts.end(end).dust_limit;
        let state = self.decided();
        let (cost, least_limit, greatest_limit) = match self.named.close {
            Some((_, Close::Commitment(owner, _))) => {
                (self.facts.commitment_cost(state.feerate), limit(owner), limit(owner))
            }
            Some((_, Close::Mutual)) => {
                let Some(fee) = self.facts.closing_fee() else {
                    let name = &channel.name;
                    problems.push(format!("{name} closes at a fee that not both signed for"));
                    return;
                };
                // Each side leaves out what is dust by its own limit, and both signed.
                let limits = (limit(End::Opener), limit(End::Acceptor));
                (fee, limits.0.min(limits.1), limits.0.max(limits.1))
            }
            Some((txid, Close::Offered(offer))) => {
                return problems.extend(self.check_offered(channel, txid, offer));
            }
            Some((_, Close::Unknown)) | None => return,
        };
        if !state.htlcs.is_empty() {
            return;
        }
        let stated = self.stated();
        for end in End::BOTH {
            let cost = if end == End::Opener { cost } else { Amount::ZERO };
            let due = stated.of(end).to_sat_floor().checked_sub(cost).unwrap_or(Amount::ZERO);
            let outputs = channel.outputs.iter().filter(|output| self.is_balance_of(output, end));
            let paid: Amount = outputs.map(|output| output.amount).sum();
            let fits = if paid == Amount::ZERO { due < greatest_limit } else { paid == due };
            if !fits || (paid > Amount::ZERO && paid < least_limit) {
                let (name, role) = (&channel.name, &self.facts.end(end).role);
                let (paid, due) = (paid.to_sat(), due.to_sat());
                problems.push(format!(
                    "the close of {name} pays {role} {paid} sat, where the messages give it {due}"
                ));
            }
        }
    }

    /// What is wrong with a close by `closing_complete`: it must pay what the closer offered, and
    /// the closee must have said that it signed, or have published it.
    fn check_offered(&self, channel: &ChannelAccount, txid: Txid, offer: usize) -> Vec<String> {
        let (Some(seen), Some(offer)) = (self.view.get(txid), self.facts.offer(offer)) else {
            return Vec::new();
        };
        let (name, state) = (&channel.name, self.decided());
        let closee = &self.facts.end(offer.closer.other()).role;
        let mut problems = Vec::new();
        if !offer.is_answered && seen.published_by.as_ref() != Some(closee) {
            problems.push(format!("{name} closes by a transaction that {closee} never signed"));
        }
        let wronged = |end: &End| !offer.satisfies(*end, &state, &seen.transaction);
        problems.extend(End::BOTH.into_iter().filter(wronged).map(|end| {
            let role = &self.facts.end(end).role;
            let sats = |amount: Option<Amount>| amount.unwrap_or(Amount::ZERO).to_sat();
            let (paid, due) = (offer.paid(end, &seen.transaction), offer.due(end, &state));
            let (paid, due) = (sats(paid), sats(due));
            format!("the close of {name} pays {role} {paid} sat, where the messages give it {due}")
        }));
        problems
    }

    /// Outputs that nobody can name.
    fn strangers(channel: &ChannelAccount) -> Vec<String> {
        let unknown = channel.all_outputs().filter(|output| output.name == OutputName::Unknown);
        unknown
            .map(|output| {
                let AuditedOutput { outpoint, amount, .. } = output;
                format!("{} pays {amount} to a stranger: {outpoint}", channel.name)
            })
            .collect()
    }
}

/// Books an amount over from one role to another.
fn transfer(sums: &mut Sums, from: &RoleName, to: &RoleName, amount: Msat) {
    let giver = sums.entry(from.clone()).or_default();
    *giver = giver.saturating_sub(amount);
    let taker = sums.entry(to.clone()).or_default();
    *taker = taker.checked_add(amount).unwrap_or(*taker);
}

fn msat(amount: Amount) -> Msat {
    Msat::from_amount(amount).unwrap_or(Msat(u64::MAX))
}

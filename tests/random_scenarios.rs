//! Scenarios made at random: whatever two nodes and a chain go through, the lab stays sound, no
//! node breaks the protocol, and the audit accounts for every satoshi.
//!
//! `BOLTLAB_RANDOM=1000 cargo test --test random_scenarios` plays a thousand of them; a failure
//! prints its scenario, and its name is its seed.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write;
use std::path::Path;

use boltlab::audit::Fate;
use boltlab::bolt::channel::ChannelEvent;
use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::lab::{self, Ending};
use boltlab::scenario::{self, ParseOptions};
use boltlab::trace::Event;
use libtest_mimic::{Arguments, Failed, Trial};

/// How many are played where nobody says.
const SHORT: u64 = 24;

fn main() {
    let arguments = Arguments::from_args();
    let count = std::env::var("BOLTLAB_RANDOM").ok().and_then(|text| text.parse().ok());
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let options = lab::Options { chain: (&bitcoind).into(), ..lab::Options::default() };
    let trials = (0..count.unwrap_or(SHORT)).flat_map(|seed| {
        let (one, route) = (options.clone(), options.clone());
        [
            Trial::test(format!("seed_{seed:04}"), move || play(&scenario(seed), &one)),
            Trial::test(format!("route_{seed:04}"), move || play(&routed(seed), &route)),
        ]
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

/// A small generator of its own, so that a seed means the same for ever (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[usize::try_from(self.below(items.len() as u64)).unwrap()]
    }
}

/// A scenario: an opening, payments, an end, and accidents on the way.
fn scenario(seed: u64) -> String {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let random = &mut random;
    let kind = random.pick(&["anchors", "static_remotekey"]);
    let push = random.below(500_000);
    let delay = 1 + random.below(20);
    let mut yaml = format!(
        "title: Random {seed}\n\
         cast:\n  alice: {{role: cheat, funds: 1 BTC}}\n  bob: {{role: cheat}}\n\
         channels:\n  ab: {{from: alice, to: bob, capacity: 1_000_000 sat, push: {push} sat, \
         type: {kind}, to_self_delay: {delay} blocks}}\nsteps:\n  - open: ab\n"
    );
    let mut states = 0;
    let mut step = |line: String| writeln!(yaml, "  - {line}").unwrap();
    for _ in 0..random.below(8) {
        let (from, to) = if random.below(2) == 0 { ("alice", "bob") } else { ("bob", "alice") };
        match random.below(5) {
            0 => {
                step(format!("remember: {{channel: ab, by: {from}, as: {from}-{states}}}"));
                states += 1;
            }
            1 => step(format!("mine: {} blocks", 1 + random.below(3))),
            // A depth that leaves the funding transaction where it is, or takes it along.
            2 => {
                step(format!("reorg: {} blocks", 1 + random.below(3)));
                step("mine: 3 blocks".to_owned());
            }
            _ => {
                // Never beyond what the payer can have at this point.
                let amount = 1 + random.below(push.clamp(1, 400_000) * 100);
                step(format!("pay: {{from: {from}, to: {to}, amount: {amount} msat}}"));
            }
        }
    }
    let by = random.pick(&["alice", "bob"]);
    let other = if by == "alice" { "bob" } else { "alice" };
    let mut sleeps = false;
    match random.below(4) {
        0 => step(format!("close: {{channel: ab, by: {by}}}")),
        1 => step(format!("force_close: {{channel: ab, by: {by}}}")),
        2 => {
            step(format!("remember: {{channel: ab, by: {by}, as: late}}"));
            let amount = 1 + random.below(50_000_000);
            step(format!("pay: {{from: alice, to: bob, amount: {amount} msat}}"));
            sleeps = random.below(2) == 0;
            if sleeps {
                step(format!("offline: {other}"));
            }
            step(format!("publish: {{by: {by}, commitment: late}}"));
        }
        _ => {}
    }
    for _ in 0..random.below(5) {
        match random.below(3) {
            0 => step(format!("reorg: {} blocks", 1 + random.below(3))),
            _ => step(format!("mine: {} blocks", 1 + random.below(12))),
        }
    }
    if sleeps {
        step(format!("online: {other}"));
    }
    step("mine: 160 blocks".to_owned());
    yaml
}

/// What a role of a route asks for, and the balances of the channel to the next role.
struct Hop {
    fee_base: u64,
    millionths: u64,
    delta: u64,
    /// Of the one nearer to the first role, and of the other, in msat.
    balances: [u64; 2],
}

impl Hop {
    fn fee(&self, amount: u64) -> u64 {
        self.fee_base + amount * self.millionths / 1_000_000
    }
}

/// A scenario of payments over several hops, in both directions, that arrive or come to grief. What
/// each must lead to, and who must own what after it, is computed here and stands in the scenario.
fn routed(seed: u64) -> String {
    let mut random = Random(seed.wrapping_mul(0xD1B5_4A32_D192_ED03) | 1);
    let random = &mut random;
    let mut hops: Vec<Hop> = (0..2 + random.below(4))
        .map(|_| Hop {
            fee_base: random.below(3_000),
            millionths: random.below(5_000),
            delta: 1 + random.below(60),
            balances: [700_000_000, 300_000_000],
        })
        .collect();
    let last = hops.len();
    let mut yaml = format!("title: Route {seed}\ncast:\n");
    for (role, hop) in hops.iter().enumerate() {
        let Hop { fee_base, millionths, delta, .. } = hop;
        writeln!(
            yaml,
            "  r{role}: {{role: cheat, funds: 1 BTC, fee_base: {fee_base} msat, \
             fee_proportional: {millionths} ppm, cltv_expiry_delta: {delta} blocks}}"
        )
        .unwrap();
    }
    writeln!(yaml, "  r{last}: {{role: cheat}}\nchannels:").unwrap();
    for from in 0..last {
        let to = from + 1;
        writeln!(
            yaml,
            "  c{from}: {{from: r{from}, to: r{to}, capacity: 1_000_000 sat, push: 300_000 sat}}"
        )
        .unwrap();
    }
    yaml.push_str("steps:\n");
    for channel in 0..last {
        writeln!(yaml, "  - open: c{channel}").unwrap();
    }
    for payment in 0..=random.below(5) {
        pay_routed(random, &mut hops, payment, &mut yaml);
    }
    for (channel, hop) in hops.iter().enumerate() {
        for (role, balance) in [channel, channel + 1].into_iter().zip(hop.balances) {
            let what = format!("channel: c{channel}, of: r{role}, is: {balance} msat");
            writeln!(yaml, "  - expect: {{balance: {{{what}}}}}").unwrap();
        }
    }
    for channel in 0..last {
        writeln!(yaml, "  - close: {{channel: c{channel}, by: r{channel}}}").unwrap();
    }
    yaml.push_str("  - mine: 1 block\n");
    yaml
}

/// One payment from an end of the route to the other, and what it must lead to.
fn pay_routed(random: &mut Random, hops: &mut [Hop], payment: u64, yaml: &mut String) {
    let last = hops.len();
    let forth = random.below(2) == 0;
    // The role at this distance from the payer.
    let role = |distance: usize| if forth { distance } else { last - distance };
    let (from, to) = (role(0), role(last));
    let amount = 1 + random.below(20_000_000);
    let mut step = |line: String| writeln!(yaml, "  - {line}").unwrap();
    // Somebody on the way, who is neither of the ends.
    let between = 1 + usize::try_from(random.below(last as u64 - 1)).unwrap();
    let (culprit, before) = (role(between), role(between - 1));
    let invoice = format!("i{payment}");
    step(format!("invoice: {{by: r{to}, amount: {amount} msat, as: {invoice}}}"));
    let mut accept = false;
    let fails = match random.below(7) {
        0 => {
            step(format!("cancel: {invoice}"));
            format!("{{with: incorrect_or_unknown_payment_details, by: r{to}}}")
        }
        1 => {
            step(format!("tamper: {{by: r{culprit}, field: onion_routing_packet, byte: 0}}"));
            format!("{{with: invalid_onion_version, by: r{culprit}}}")
        }
        2 => {
            let byte = 66 + random.below(1_300);
            step(format!("tamper: {{by: r{culprit}, field: onion_routing_packet, byte: {byte}}}"));
            format!("{{with: invalid_onion_hmac, by: r{culprit}}}")
        }
        3 => {
            let byte = random.below(292);
            step(format!("cancel: {invoice}"));
            step(format!("tamper: {{by: r{culprit}, field: reason, byte: {byte}}}"));
            format!("{{corrupted_between: [r{before}, r{culprit}]}}")
        }
        4 => {
            let failure = random.pick(&["temporary_node_failure", "channel_disabled"]);
            step(format!("refuse: {{by: r{culprit}, with: {failure}}}"));
            accept = true;
            format!("{{with: {failure}, by: r{culprit}}}")
        }
        _ => {
            step(format!("pay: {{from: r{from}, invoice: {invoice}}}"));
            let mut amount = amount;
            for distance in (1..=last).rev() {
                let payer = role(distance - 1);
                let channel = payer.min(role(distance));
                let side = usize::from(!forth);
                hops[channel].balances[side] -= amount;
                hops[channel].balances[1 - side] += amount;
                // The role at the far end has no terms of its own, and passes nothing on.
                amount += if distance > 1 { hops[payer].fee(amount) } else { 0 };
            }
            return;
        }
    };
    step(format!("pay: {{from: r{from}, invoice: {invoice}, fails: {fails}}}"));
    if accept {
        step(format!("accept: r{culprit}"));
    }
}

fn play(yaml: &str, options: &lab::Options) -> Result<(), Failed> {
    let parsing = ParseOptions { allow_missing_outcome: true };
    let scenario = scenario::parse(Path::new("random.yaml"), yaml, parsing)
        .map_err(|error| format!("{error}\n{yaml}"))?;
    let run = lab::run(&scenario, options);
    let story = |what: String| Failed::from(format!("{what}\n{yaml}"));
    match &run.ending {
        Ending::Passed => {}
        // A payment beyond the balance is refused; nothing else may go wrong.
        Ending::Failed(problems)
            if problems.iter().all(|p| p.message.contains("refuses to pay")) => {}
        ending => return Err(story(format!("{ending:?}"))),
    }
    for entry in &run.trace.entries {
        if let Event::Channel { told: ChannelEvent::Violation { message, .. }, .. } = &entry.event {
            return Err(story(format!("a node broke the protocol: {message}")));
        }
    }
    if !run.account.problems.is_empty() {
        return Err(story(run.account.problems.join("\n")));
    }
    // Played to the end, every balance has been taken.
    if matches!(run.ending, Ending::Passed) {
        for output in run.account.channels.iter().flat_map(|channel| &channel.outputs) {
            let is_anchor = matches!(output.name, boltlab::audit::OutputName::Anchor(_));
            let untaken = matches!(output.fate, Fate::Unspent { owner: None });
            if untaken && !is_anchor {
                return Err(story(format!("nobody took {:?}", output.name)));
            }
        }
    }
    Ok(())
}

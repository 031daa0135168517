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
    let trials = (0..count.unwrap_or(SHORT)).map(|seed| {
        let options = options.clone();
        Trial::test(format!("seed_{seed:04}"), move || play(seed, &options))
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

fn play(seed: u64, options: &lab::Options) -> Result<(), Failed> {
    let yaml = scenario(seed);
    let parsing = ParseOptions { allow_missing_outcome: true };
    let scenario = scenario::parse(Path::new("random.yaml"), &yaml, parsing)
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

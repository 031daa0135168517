//! What a transaction is, in a title and a sentence.

use std::fmt::{self, Formatter};

use crate::bolt::tx::ChannelType;
use crate::decode::tx::explain::{Explanation, Locktime};
use crate::decode::tx::kind::{Action, Close, Kind};

pub(super) fn write(f: &mut Formatter<'_>, explanation: &Explanation) -> fmt::Result {
    match &explanation.kind {
        Kind::Commitment { obscured_number, channel_type, has_witness } => {
            commitment(f, *obscured_number, *channel_type, *has_witness)
        }
        Kind::MutualClose(Close::Legacy) => f.write_str(
            "Mutual close\n\
             Both sides signed it to end the channel and pay each what it has, at once. Its final\n\
             sequence and zero locktime are those of closing_signed.\n",
        ),
        Kind::MutualClose(Close::Simple) => f.write_str(
            "Mutual close (option_simple_close)\n\
             Both sides signed it to end the channel and pay each what it has, at once. Its\n\
             sequence lets either side replace it by one with a higher fee.\n",
        ),
        Kind::FundingSpend => f.write_str(
            "Spends a funding output\n\
             It has neither a commitment's locktime and sequence nor a mutual close's: it may be a\n\
             splice, or a close in another form.\n",
        ),
        Kind::Claims(actions) => {
            let actions: Vec<Action> = actions.iter().copied().collect();
            claims(f, &actions, explanation.locktime)
        }
        Kind::Funding { outputs } => write!(
            f,
            "Funding transaction\nIt opens a channel: a transaction given beside it spends {} with both sides' keys.\n",
            indices(outputs)
        ),
        Kind::MaybeFunding { outputs } => write!(
            f,
            "No sign of Lightning, perhaps a funding transaction\nA channel could begin in {}: until an output is spent, only the hash of its\nscript is there. Give the transaction that spends it as well.\n",
            indices(outputs)
        ),
        Kind::Unrelated => f.write_str(
            "No sign of Lightning\nIt spends and pays nothing that has the form of a BOLT 3 script.\n",
        ),
    }
}

fn commitment(
    f: &mut Formatter<'_>,
    obscured_number: u64,
    channel_type: Option<ChannelType>,
    has_witness: bool,
) -> fmt::Result {
    let format = match channel_type {
        Some(ChannelType::StaticRemotekey) => " (static_remotekey)",
        Some(ChannelType::Anchors) => " (anchors)",
        None => "",
    };
    writeln!(f, "Commitment transaction{format}")?;
    f.write_str(
        "Its owner ends the channel without the other side, the peer. The owner's balance (to_local)\n\
         waits for a delay, so that the peer can punish it if this state was revoked.\n",
    )?;
    if !has_witness {
        f.write_str("It is unsigned; only its locktime and sequence tell what it is.\n")?;
    }
    writeln!(
        f,
        "Its number is obscured: {obscured_number:#014x}. To read it takes both sides' payment basepoints."
    )
}

fn claims(f: &mut Formatter<'_>, actions: &[Action], locktime: Locktime) -> fmt::Result {
    match actions {
        [action] => writeln!(f, "{}\n{}", title(*action), sentence(*action))?,
        several => {
            writeln!(f, "Several claims in one transaction")?;
            for action in several {
                writeln!(f, "- {}: {}", title(*action), sentence(*action).replace('\n', "\n  "))?;
            }
        }
    }
    let times_out = |action| matches!(action, &Action::HtlcTimeout | &Action::TimeoutClaim);
    match locktime {
        Locktime::Height(height) if actions.iter().any(times_out) => {
            writeln!(f, "Its locktime is the expiry: height {height}.")
        }
        _ => Ok(()),
    }
}

fn title(action: Action) -> &'static str {
    match action {
        Action::HtlcSuccess => "HTLC-success transaction",
        Action::HtlcTimeout => "HTLC-timeout transaction",
        Action::PreimageClaim => "HTLC claimed by its receiver",
        Action::TimeoutClaim => "HTLC taken back by its sender",
        Action::Penalty => "Penalty transaction",
        Action::DelayedSweep => "Delayed sweep",
        Action::ToRemoteSweep => "Sweep of to_remote",
        Action::AnchorSpend => "Anchor spend",
        Action::AnchorCleanup => "Anchor clean-up",
        Action::Unsatisfied => "Invalid spend of a Lightning script",
    }
}

fn sentence(action: Action) -> &'static str {
    match action {
        Action::HtlcSuccess => {
            "The owner of a commitment takes a payment that it received, by showing the preimage.\n\
             The money goes to a second stage, which is delayed and can be punished as to_local is."
        }
        Action::HtlcTimeout => {
            "The owner of a commitment takes back a payment that it had offered and that expired.\n\
             The money goes to a second stage, which is delayed and can be punished as to_local is."
        }
        Action::PreimageClaim => {
            "The other side published its commitment; the receiver of a payment takes it from there\n\
             with the preimage."
        }
        Action::TimeoutClaim => {
            "The other side published its commitment; the sender of an expired payment takes it back\n\
             from there."
        }
        Action::Penalty => {
            "The owner published a state that it had revoked. Its peer, who holds the secret of that\n\
             state, takes the money by the revocation key, without any delay."
        }
        Action::DelayedSweep => {
            "The owner of a commitment, or of its second stages, takes its money after to_self_delay\n\
             blocks. Nobody has punished it."
        }
        Action::ToRemoteSweep => "The side that did not publish the commitment takes its balance.",
        Action::AnchorSpend => {
            "A side spends its anchor, most likely to add a fee for the commitment (a child that pays\n\
             for its parent)."
        }
        Action::AnchorCleanup => {
            "Someone takes an anchor that its owner has left for 16 blocks; then anyone may."
        }
        Action::Unsatisfied => {
            "The witness shows one of BOLT 3's scripts, but nothing that could satisfy it: no block\n\
             can contain it."
        }
    }
}

/// `output 0`, or `outputs 0, 2 and 5`.
fn indices(outputs: &[u32]) -> String {
    match outputs {
        [] => String::from("no output"),
        [only] => format!("output {only}"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(u32::to_string).collect();
            format!("outputs {} and {last}", first.join(", "))
        }
    }
}

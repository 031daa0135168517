//! A channel between two reference nodes, whose messages are lost, changed, repeated and made up on
//! the way. Both nodes are honest: whatever reaches them, neither may give away more than there is.

use std::sync::LazyLock;

use boltlab::bolt::tx::ChannelType;
use boltlab::bolt::units::{FeeratePerKw, Msat};
use boltlab::bolt::wire::Message;
use boltlab::node::{InvoiceRequest, NodeCommand};

use super::bench::Bench;
use super::input::Input;

/// More steps than this make an input slow and tell nothing new.
const MOST_STEPS: usize = 40;

/// A channel in use: one of each format, and one that is used unconfirmed, goes by its aliases, lets
/// little be at risk and closes by `option_simple_close`.
static READY: LazyLock<[Bench; 3]> = LazyLock::new(|| {
    [
        Bench::with_channel(ChannelType::Anchors),
        Bench::with_channel(ChannelType::StaticRemotekey),
        Bench::with_unconfirmed_channel(),
    ]
});

/// A byte for each step, and what the step needs behind it.
pub fn channel(data: &[u8]) {
    let mut input = Input(data);
    let mut bench = READY[usize::from(input.byte() % 3)].clone();
    for _ in 0..MOST_STEPS {
        if input.0.is_empty() {
            break;
        }
        step(&mut bench, &mut input);
    }
    bench.settle();
}

fn step(bench: &mut Bench, input: &mut Input<'_>) {
    let steer = input.byte();
    let side = usize::from(steer & 1);
    match steer >> 1 & 15 {
        0..=4 => bench.deliver(side),
        5 => bench.deliver_all(),
        6 => bench.deliver_changed(side, |bytes| {
            for _ in 0..=input.byte() % 3 {
                input.flip_one(bytes);
            }
        }),
        7 => {
            let (which, length) = (input.number(), usize::from(input.byte()));
            bench.deliver_bytes(side, &made_up(bench, which, input.bytes(length)));
        }
        8 => bench.repeat(side, input.number()),
        9 => bench.toggle_connection(),
        10 | 11 => {
            let amount = Msat(u64::try_from(input.number()).unwrap_or_default() * 20_000);
            let hold = input.byte() & 1 == 1;
            bench.pay(side, InvoiceRequest { hold, ..InvoiceRequest::of(amount) });
        }
        12 => {
            let feerate = u32::try_from(input.number()).unwrap_or_default();
            bench.command(side, NodeCommand::UpdateFee(bench.handle(), FeeratePerKw(feerate)));
        }
        13 => {
            let handle = bench.handle();
            let close = if input.byte().is_multiple_of(4) {
                NodeCommand::ForceClose(handle)
            } else {
                NodeCommand::Close(handle)
            };
            bench.command(side, close);
        }
        14 => bench.mine(input.byte()),
        _ => bench.decide(input.byte()),
    }
}

/// A message of this row of the table that names the channel, with these bytes behind the name.
fn made_up(bench: &Bench, which: usize, rest: &[u8]) -> Vec<u8> {
    let rule = &Message::RULES[which % Message::RULES.len()];
    let names_channel = rule.fields.first().is_some_and(|field| field.name == "channel_id");
    let channel_id = if names_channel { bench.channel_id() } else { Vec::new() };
    [rule.number.to_be_bytes().to_vec(), channel_id, rest.to_vec()].concat()
}

/// Whole stories to start from, each for both formats.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    const DELIVER_ALL: u8 = 5 << 1;
    const PAY: u8 = 10 << 1;
    const RECONNECT: [u8; 2] = [9 << 1, 9 << 1];
    let pay = [PAY, 0x10, 0, 0];
    let hold = [PAY, 0x10, 0, 1];
    let back = [PAY | 1, 1, 0, 0];
    let fee = [12 << 1, 0x0b, 0xb8];
    let close = [13 << 1, 1];
    let force = [13 << 1 | 1, 0];
    let mine = [14 << 1, 3];
    let take = [15 << 1, 1];
    let all = [DELIVER_ALL];
    let stories: [Vec<u8>; 9] = [
        [&pay[..], &all, &back, &all].concat(),
        [&pay[..], &[0, 1, 0, 1, 0, 1]].concat(),
        [&pay[..], &back, &[0, 1], &RECONNECT, &all].concat(),
        [&hold[..], &all, &take, &all, &mine].concat(),
        [&fee[..], &[1], &pay, &all, &RECONNECT].concat(),
        [&hold[..], &all, &close, &all, &take, &all, &mine].concat(),
        [&pay[..], &all, &close, &all, &mine, &mine].concat(),
        [&hold[..], &all, &force, &mine, &mine, &take].concat(),
        [&pay[..], &[6 << 1 | 1, 0, 0, 40, 3], &all, &[8 << 1, 0, 1], &mine].concat(),
    ];
    let with_format = |format: u8| stories.clone().map(|story| [vec![format], story].concat());
    [0, 1].map(with_format).into_iter().flatten().collect()
}

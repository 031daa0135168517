//! What is believed, what is not, and that the order in which it comes makes no difference.

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::Answer;
use super::super::Forgotten;
use super::super::network::{FAR_FUTURE, STALE_AFTER};
use super::*;

const AB: [u8; 2] = [1, 2];

fn ends() -> Ends {
    Ends::of(400, 1, AB)
}

#[test]
fn a_channel_is_believed_once_the_chain_has_its_output() {
    let network = knowing(&[ends()]);
    let channel = network.channel(ends().id).unwrap();
    assert_eq!(channel.capacity, ends().transaction().output[0].value);
    assert_eq!(network.nodes().count(), 2);
}

#[test]
fn an_output_that_is_missing_spent_or_anothers_is_no_channel() {
    let other = Ends { keys: 110, ..ends() };
    for (found, refusal) in [
        (FundingOutput::Missing, Refusal::NoFunding),
        (FundingOutput::Spent, Refusal::FundingSpent),
        (other.found(HEIGHT), Refusal::WrongFundingScript),
        (ends().found(BlockHeight(402)), Refusal::TooShallow { confirmations: 3 }),
    ] {
        let mut network = Network::default();
        network.receive_channel(peer(1), &ends().announcement()).unwrap();
        let settled = network.looked_up(NOW, ends().id, &found);
        assert_eq!(settled, [(peer(1), "channel_announcement", Err(refusal))]);
        assert_eq!(network.channels().count(), 0);
    }
}

#[test]
fn four_confirmations_wait_for_the_sixth() {
    let now = Now { height: BlockHeight(403), ..NOW };
    let mut network = Network::default();
    network.receive_channel(peer(1), &ends().announcement()).unwrap();
    network.looked_up(now, ends().id, &ends().found(now.height));
    assert_eq!(network.connect(BlockHeight(404), &[]), (vec![], vec![]));
    assert_eq!(network.connect(BlockHeight(405), &[]).0, [ends().id]);
    let settled = network.looked_up(NOW, ends().id, &ends().found(BlockHeight(405)));
    assert_eq!(settled[0].2, Ok(Heard::News(GossipId::Channel(ends().id))));
}

#[test]
fn a_false_announcement_that_comes_first_keeps_out_neither_the_true_one_nor_its_updates() {
    let (truth, lie) = (ends(), Ends { nodes: [3, 4], keys: 110, ..ends() });
    let mut network = Network::default();
    network.receive_channel(peer(1), &lie.announcement()).unwrap();
    // Nobody can say yet whether this is signed by the right node: its sender is not to blame.
    let early = network.receive_update(NOW, peer(2), &truth.update(0, TIME, 1));
    assert_eq!(early.unwrap_err().answer(), Answer::Nothing);
    network.receive_channel(peer(2), &truth.announcement()).unwrap();
    let kept = network.receive_update(NOW, peer(2), &truth.update(0, TIME, 1));
    assert_eq!(kept, Ok(Heard::Waiting));
    let settled = network.looked_up(NOW, truth.id, &truth.found(HEIGHT));
    let results: Vec<_> = settled.into_iter().map(|(_, _, heard)| heard).collect();
    let direction = truth.own(0).direction();
    assert_eq!(
        results,
        [
            Err(Refusal::WrongFundingScript),
            Ok(Heard::News(GossipId::Channel(truth.id))),
            Ok(Heard::News(GossipId::Update(truth.id, direction))),
        ]
    );
}

#[test]
fn what_comes_from_the_future_does_not_displace_an_update_that_waits() {
    let mut network = Network::default();
    network.receive_channel(peer(1), &ends().announcement()).unwrap();
    let future = TIME + u32::try_from(FAR_FUTURE).unwrap();
    network.receive_update(NOW, peer(1), &ends().update(0, TIME, 1)).unwrap();
    let refused = network.receive_update(NOW, peer(1), &ends().update(0, future + 1, 1));
    let ahead = FAR_FUTURE + 1;
    assert_eq!(refused, Err(Refusal::FutureUpdate { timestamp: future + 1, ahead }));
    network.looked_up(NOW, ends().id, &ends().found(HEIGHT));
    assert_eq!(network.channel(ends().id).unwrap().timestamp(), Some(TIME));
}

#[test]
fn leaked_keys_cost_all_nodes_their_channels_and_one_output_blacklists_four_at_most() {
    let beside = Ends::of(401, 1, [1, 5]);
    let mut network = knowing(&[ends(), beside, Ends::of(402, 1, [6, 7])]);
    let thief = Ends { nodes: [3, 4], ..ends() };
    let refused = network.receive_channel(peer(1), &thief.announcement());
    assert_eq!(refused, Err(Refusal::Conflicting));
    let forgotten = network.take_blacklisted();
    let why = Forgotten::Blacklisted;
    assert_eq!(forgotten, [(ends().id, why), (beside.id, why)]);
    assert_eq!(network.take_blacklisted(), []);
    for again in [ends(), thief, Ends::of(403, 1, [4, 8]), Ends { nodes: [8, 9], ..ends() }] {
        let refused = network.receive_channel(peer(1), &again.announcement());
        assert_eq!(refused, Err(Refusal::Blacklisted));
    }
    // Those who were only named in the last one are listened to elsewhere.
    learn(&mut network, &Ends::of(404, 1, [8, 9]));
}

#[test]
fn other_keys_prove_nothing_against_anybody() {
    let mut network = knowing(&[ends()]);
    for liar in [Ends { nodes: [3, 4], keys: 110, ..ends() }, Ends { keys: 110, ..ends() }] {
        let refused = network.receive_channel(peer(1), &liar.announcement());
        assert_eq!(refused, Err(Refusal::WrongFundingScript));
    }
    assert_eq!(network.receive_channel(peer(1), &ends().announcement()), Ok(Heard::Known));
}

#[test]
fn a_node_that_is_blacklisted_while_its_channel_waits_is_not_believed() {
    let young = Ends::of(497, 1, [3, 5]);
    let mut network = knowing(&[ends()]);
    network.receive_channel(peer(1), &young.announcement()).unwrap();
    network.looked_up(NOW, young.id, &young.found(HEIGHT));
    let thief = Ends { nodes: [3, 4], ..ends() };
    network.receive_channel(peer(1), &thief.announcement()).unwrap_err();
    let settled = network.looked_up(NOW, young.id, &young.found(BlockHeight(502)));
    assert_eq!(settled[0].2, Err(Refusal::Blacklisted));
}

#[test]
fn a_node_waits_with_whichever_of_its_channels_is_true() {
    let (lie, truth) = (ends(), Ends::of(401, 1, [1, 3]));
    let mut network = Network::default();
    for channel in [lie, truth] {
        network.receive_channel(peer(1), &channel.announcement()).unwrap();
    }
    assert_eq!(network.receive_node(peer(1), &introduction(1, TIME)), Ok(Heard::Waiting));
    network.looked_up(NOW, lie.id, &FundingOutput::Missing);
    network.looked_up(NOW, truth.id, &truth.found(HEIGHT));
    assert!(network.node(&node_key(1).into()).unwrap().announcement.is_some());
}

#[test]
fn a_channel_is_forgotten_two_weeks_after_the_last_word_of_its_more_silent_end() {
    let mut network = knowing(&[ends()]);
    network.receive_update(NOW, peer(1), &ends().update(0, TIME, 1)).unwrap();
    network.receive_update(NOW, peer(1), &ends().update(1, TIME - 10, 1)).unwrap();
    let end = NOW.time - 10 + STALE_AFTER;
    assert_eq!(network.prune(end), []);
    assert_eq!(network.prune(end + 1), [(ends().id, Forgotten::Stale)]);
    assert_eq!(network.nodes().count(), 0);
}

/// Three channels of four nodes, and all that is said of them.
fn everything() -> (Vec<Ends>, Vec<Message>) {
    let channels =
        vec![Ends::of(400, 1, [1, 2]), Ends::of(400, 2, [2, 3]), Ends::of(401, 0, [3, 4])];
    let mut messages: Vec<Message> = Vec::new();
    for channel in &channels {
        messages.push(channel.announcement().into());
        for end in [0, 1] {
            messages.push(channel.update(end, TIME - 5, 1).into());
            messages.push(channel.update(end, TIME, 2).into());
        }
    }
    messages.extend((1..=4).map(|number| Message::from(introduction(number, TIME))));
    (channels, messages)
}

/// Gives messages to a network in this order, and answers what it asks the chain after each one for
/// which `prompt` says so. What comes too early comes again.
fn told_in_order(channels: &[Ends], messages: Vec<Message>, prompt: &[bool]) -> Network {
    let mut network = Network::default();
    let mut waiting: std::collections::VecDeque<Message> = messages.into();
    let mut asked = Vec::new();
    let mut prompt = prompt.iter().cycle();
    while let Some(message) = waiting.pop_front() {
        match hear(&mut network, peer(1), &message) {
            Ok(Heard::LookUp(id)) => asked.push(id),
            Ok(Heard::News(_) | Heard::Known | Heard::Waiting)
            | Err(Refusal::StaleUpdate { .. }) => {}
            Err(Refusal::UnknownChannel | Refusal::NodeWithoutChannel) => {
                waiting.push_back(message);
            }
            Err(refusal) => panic!("{} is refused: {refusal}", message.name()),
        }
        if *prompt.next().unwrap() || waiting.is_empty() {
            for id in asked.drain(..) {
                let channel = channels.iter().find(|channel| channel.id == id).unwrap();
                network.looked_up(NOW, id, &channel.found(HEIGHT));
            }
        }
    }
    network
}

/// A channel, and the timestamps of its updates and of its nodes.
type Outcome = (ShortChannelId, Vec<Option<u32>>, Vec<Option<u32>>);

/// What is known, without how often it may still change: that counts what came, not what is.
fn outcome(network: &Network) -> Vec<Outcome> {
    let of = |(id, channel): (&ShortChannelId, &KnownChannel)| {
        let updates = channel.updates.iter().map(|update| update.as_ref().map(|u| u.timestamp));
        let nodes = channel.announcement.node_ids();
        let said = nodes.iter().map(|node| {
            network.node(node).unwrap().announcement.as_ref().map(|said| said.timestamp)
        });
        (*id, updates.collect(), said.collect())
    };
    network.channels().map(of).collect()
}

proptest! {
    // Each case signs and checks a lot.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_makes_no_difference(
        order in Just((0..everything().1.len()).collect::<Vec<_>>()).prop_shuffle(),
        prompt in prop::collection::vec(any::<bool>(), 1..8),
    ) {
        let (channels, messages) = everything();
        let in_order = outcome(&told_in_order(&channels, messages.clone(), &[true]));
        for (_, updates, nodes) in &in_order {
            prop_assert_eq!([updates, nodes], [&vec![Some(TIME); 2], &vec![Some(TIME); 2]]);
        }
        let shuffled = order.iter().map(|index| messages[*index].clone()).collect();
        prop_assert_eq!(outcome(&told_in_order(&channels, shuffled, &prompt)), in_order);
    }

    #[test]
    fn what_was_changed_on_its_way_is_not_believed(
        which in 0..3_usize, at in any::<Index>(), bit in 0..8_u8,
    ) {
        let made: Message = match which {
            0 => ends().announcement().into(),
            1 => ends().update(0, TIME, 1).into(),
            _ => introduction(1, TIME).into(),
        };
        let mut bytes = made.encode();
        let at = 2 + at.index(bytes.len() - 2);
        bytes[at] ^= 1 << bit;
        let Ok(changed) = Message::decode(&bytes) else { return Ok(()) };
        let mut network = if which == 0 { Network::default() } else { knowing(&[ends()]) };
        prop_assert!(hear(&mut network.clone(), peer(1), &made).is_ok());
        let before = all_of(&network);
        let heard = hear(&mut network, peer(1), &changed);
        prop_assert!(heard.is_err(), "byte {} of {}: {:?}", at, made.name(), heard);
        prop_assert_eq!(all_of(&network), before);
    }
}

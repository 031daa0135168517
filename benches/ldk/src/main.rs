//! boltlab and LDK side by side: one thread, one run, and the two take turns, so that whatever
//! else the machine does slows both. Beside them the floor: the curve operations and hashes that
//! no implementation can do without, straight from the crates that both use.
//! An argument names the one group of rows to time, as `connections`.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::str::FromStr;
use std::time::{Duration, Instant};

use bitcoin::hashes::{Hash, HashEngine, sha256};
use boltlab::bolt::invoice::{InvoiceField, decode};
use boltlab::bolt::offer::Offer;
use boltlab::bolt::routing::{Algorithm, Search};
use boltlab::bolt::wire::Message;
use boltlab_ldk::{
    Failing, Gossip, Network, OneWay, Pair, Peers, Random, Round, Route, add_htlc, announcement,
    blinded_offer, draft, ldk_decode, plain_offer,
};
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use lightning::ln::msgs::{ChannelAnnouncement as LdkAnnouncement, UpdateAddHTLC};
use lightning::offers::offer::Offer as LdkOffer;
use lightning::util::ser::Writeable;
use lightning_invoice::Bolt11Invoice;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use secp256k1::ecdsa::{RecoverableSignature, Signature};
use secp256k1::{Message as Digest, PublicKey, SECP256K1, Scalar, SecretKey, ecdh};

/// The most hops that attribute failures.
const HOPS: usize = 20;
/// How often each takes its turn.
const ROUNDS: usize = 1001;
/// How long a turn takes at least. Short turns keep those that are compared close together.
const TURN: Duration = Duration::from_micros(500);
/// A failure's `reason`, and the attribution data beside it.
const REASON: usize = 292;
const ATTRIBUTION: usize = 920;

type Call<'a> = Box<dyn FnMut() + 'a>;
/// What is timed with one random source: some rows of the table.
type Group<'a> = &'a dyn Fn(&mut Random);

/// Something to time whose result nobody needs.
fn call<'a, T>(mut body: impl FnMut() -> T + 'a) -> Call<'a> {
    Box::new(move || drop(black_box(body())))
}

/// The seconds that so many calls take.
#[allow(clippy::disallowed_methods, reason = "this measures wall time")]
fn turn(call: &mut Call<'_>, calls: u32) -> f64 {
    let since = Instant::now();
    (0..calls).for_each(|_| call());
    since.elapsed().as_secs_f64()
}

/// The seconds that a call takes, for each of those that take turns, round by round.
fn rounds(contestants: &mut [Call<'_>]) -> Vec<Vec<f64>> {
    let counts: Vec<u32> = contestants
        .iter_mut()
        .map(|call| {
            let mut calls = 1;
            while turn(call, calls) < TURN.as_secs_f64() {
                calls *= 2;
            }
            calls
        })
        .collect();
    let mut times = vec![Vec::with_capacity(ROUNDS); contestants.len()];
    for _ in 0..ROUNDS {
        for ((call, calls), times) in contestants.iter_mut().zip(&counts).zip(&mut times) {
            times.push(turn(call, *calls) / f64::from(*calls));
        }
    }
    times
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median of what each round says, for other work slows whole rounds.
fn ratio(times: &[f64], to: &[f64]) -> f64 {
    median(times.iter().zip(to).map(|(time, to)| time / to).collect())
}

/// Times one row of the table.
fn row(name: &str, ours: Call<'_>, ldk: Option<Call<'_>>, floor: Call<'_>) {
    let mut contestants: Vec<_> = [ours, floor].into_iter().chain(ldk).collect();
    let times = rounds(&mut contestants);
    let [ours, floor, ..] = times.as_slice() else { unreachable!("two and more take turns") };
    let us = |times: &[f64]| format!("{:.1} µs", median(times.to_vec()) * 1e6);
    let (ldk, to_ldk) = match times.get(2) {
        Some(ldk) => (us(ldk), format!("{:.2}", ratio(ours, ldk))),
        None => ("-".into(), "-".into()),
    };
    let (to_floor, ours, floor) = (ratio(ours, floor), us(ours), us(floor));
    println!("{name:44}{ours:>12}{ldk:>13}{to_ldk:>9}{floor:>12}{to_floor:9.2}");
}

/// The raw operations.
struct Raw {
    secret: SecretKey,
    point: PublicKey,
    compressed: [u8; 33],
    scalar: Scalar,
    message: Digest,
    signature: Signature,
    recoverable: RecoverableSignature,
}

impl Raw {
    fn new(random: &mut Random) -> Self {
        let (secret, message) = (random.secret(), Digest::from_digest(random.bytes()));
        let point = secret.public_key(SECP256K1);
        Self {
            secret,
            point,
            compressed: point.serialize(),
            scalar: Scalar::from(random.secret()),
            message,
            signature: SECP256K1.sign_ecdsa(&message, &secret),
            recoverable: SECP256K1.sign_ecdsa_recoverable(&message, &secret),
        }
    }

    /// Both multiplications of each hop on the sender's side: with its node id, and with the
    /// generator.
    fn hops(&self) {
        for _ in 0..HOPS {
            black_box(ecdh::SharedSecret::new(black_box(&self.point), &self.secret));
            black_box(black_box(&self.secret).public_key(SECP256K1));
        }
    }

    /// Those of a hop that peels, which parses the point.
    fn peel(&self) -> PublicKey {
        let point = self.parse();
        black_box(ecdh::SharedSecret::new(&point, &self.secret));
        point.mul_tweak(SECP256K1, black_box(&self.scalar)).expect("a point")
    }

    fn verify(&self) {
        SECP256K1
            .verify_ecdsa(black_box(&self.message), &self.signature, &self.point)
            .expect("it is signed");
    }

    fn recover(&self) -> PublicKey {
        SECP256K1.recover_ecdsa(black_box(&self.message), &self.recoverable).expect("it is signed")
    }

    fn parse(&self) -> PublicKey {
        PublicKey::from_slice(black_box(&self.compressed)).expect("a point")
    }

    /// Both sides' part of a handshake: two new keys, six multiplications, three points parsed.
    fn handshake(&self) {
        for _ in 0..2 {
            black_box(black_box(&self.secret).public_key(SECP256K1));
        }
        for _ in 0..6 {
            black_box(ecdh::SharedSecret::new(black_box(&self.point), &self.secret));
        }
        self.parse_many(3);
    }

    fn sign_many(&self, signatures: usize) {
        for _ in 0..signatures {
            black_box(SECP256K1.sign_ecdsa(black_box(&self.message), &self.secret));
        }
    }

    fn verify_many(&self, signatures: usize) {
        (0..signatures).for_each(|_| self.verify());
    }

    fn parse_signatures(&self, signatures: usize) {
        let compact = self.signature.serialize_compact();
        for _ in 0..signatures {
            black_box(Signature::from_compact(black_box(&compact)).expect("a signature"));
        }
    }

    fn parse_many(&self, points: usize) {
        for _ in 0..points {
            black_box(self.parse());
        }
    }
}

/// How many blocks SHA-256 takes for so many bytes and the padding.
fn blocks(bytes: usize) -> usize {
    (bytes + 9).div_ceil(64)
}

/// How many blocks it takes to derive three keys from a shared secret, and to key an HMAC.
const KEY_BLOCKS: usize = 3 * 2 + 2;

/// The blocks of an HMAC that is keyed.
fn hmac_blocks(bytes: usize) -> usize {
    blocks(bytes) + 1
}

/// The blocks for a failure over all hops: the reason and the hold times are hashed once for the
/// 20 words that a hop writes, which is more than any implementation must do twice.
fn wrap_blocks() -> usize {
    let shared = REASON + 4 * HOPS;
    let words: usize = (0..HOPS).map(|behind| hmac_blocks(shared % 64 + 4 * behind)).sum();
    hmac_blocks(REASON - 32) + HOPS * (KEY_BLOCKS + shared / 64 + words)
}

/// The blocks for the payer: each hop's word, and the HMAC of the failure.
fn unwrap_blocks() -> usize {
    let hop = |behind: usize| {
        let word = hmac_blocks(REASON + 4 * (behind + 1) + 4 * behind);
        KEY_BLOCKS + hmac_blocks(REASON - 32) + word
    };
    (0..HOPS).map(hop).sum()
}

/// So many blocks of SHA-256, and every hop's two streams.
fn hashes_and_streams(blocks: usize) -> impl FnMut() {
    let data = vec![7; 64 * blocks];
    let mut streamed = [vec![0; REASON], vec![0; ATTRIBUTION]];
    move || {
        let mut engine = sha256::Hash::engine();
        engine.input(black_box(&data));
        black_box(&engine);
        for _ in 0..HOPS {
            for bytes in &mut streamed {
                let mut stream = ChaCha20::new(black_box(&[7; 32]).into(), &[0; 12].into());
                stream.apply_keystream(black_box(bytes));
            }
        }
    }
}

fn onions(route: &Route, raw: &Raw) {
    let packet = route.construct().packet.to_bytes();
    assert_eq!(packet, route.ldk_construct().encode(), "both make the same 1366 bytes");
    assert_eq!(packet.len(), 1366);
    row(
        "construct an onion for 20 hops",
        call(|| route.construct().packet.to_bytes()),
        Some(call(|| route.ldk_construct().encode())),
        call(|| raw.hops()),
    );
    let secret = route.node_secret(0);
    let found = route.ldk_peel(0, &packet).map_err(|error| error.msg).expect("LDK takes it");
    let ours = route.peel(&packet, &secret).expect("it is the first hop's");
    assert_eq!(ours.1, Route::ldk_next(&found), "both find the same next packet");
    row(
        "peel an onion, read its payload",
        call(|| route.peel(&packet, &secret)),
        Some(call(|| route.ldk_peel(0, &packet).map(|found| Route::ldk_next(&found)).ok())),
        call(|| raw.peel()),
    );
}

fn failures(route: &Route, raw: &Raw) {
    let failing = Failing::new(route, HOPS - 1);
    let (packet, theirs) = (failing.wrap(), failing.ldk_wrap());
    assert_eq!(Failing::bytes(&packet), Failing::ldk_bytes(&theirs), "both make the same failure");
    row(
        "wrap a failure at 20 hops",
        call(|| failing.wrap()),
        Some(call(|| failing.ldk_wrap())),
        call(hashes_and_streams(wrap_blocks())),
    );
    let mut hashes = hashes_and_streams(unwrap_blocks());
    row(
        "unwrap it, secrets derived again",
        call(|| failing.derive_and_unwrap(packet.clone())),
        Some(call(|| failing.ldk_unwrap(theirs.clone()))),
        call(move || {
            raw.hops();
            hashes();
        }),
    );
    row(
        "unwrap it, secrets kept",
        call(|| failing.unwrap(packet.clone())),
        None,
        call(hashes_and_streams(unwrap_blocks())),
    );
}

fn invoices(random: &mut Random, raw: &Raw) {
    let key = random.secret();
    let unstated = draft(random);
    let stated = unstated.clone().with(InvoiceField::Payee(key.public_key(SECP256K1)));
    let text = |draft: boltlab::bolt::invoice::InvoiceDraft| draft.encode(&key).expect("it fits");
    let (unstated, stated) = (text(unstated), text(stated));
    row(
        "read an invoice without n (BOLT 11)",
        call(|| decode(&unstated).expect("an invoice")),
        Some(call(|| Bolt11Invoice::from_str(&unstated).expect("an invoice"))),
        call(|| {
            raw.parse();
            raw.recover()
        }),
    );
    row(
        "read an invoice with n (BOLT 11)",
        call(|| decode(&stated).expect("an invoice")),
        Some(call(|| Bolt11Invoice::from_str(&stated).expect("an invoice"))),
        call(|| {
            raw.parse_many(2);
            raw.verify();
        }),
    );
}

fn offers(random: &mut Random, raw: &Raw) {
    let offers = [
        ("read an offer of 1 point, and its id", plain_offer(random), 1),
        ("read an offer of 6 points, and its id", blinded_offer(random), 6),
    ];
    for (name, offer, points) in offers {
        let text = offer.to_string();
        row(
            name,
            call(|| Offer::from_str(&text).map(|offer| (offer.id(), offer)).expect("an offer")),
            Some(call(|| LdkOffer::from_str(&text).expect("an offer"))),
            call(|| raw.parse_many(points)),
        );
    }
}

/// How many messages a connection carries in a turn.
const MESSAGES: usize = 1000;

fn connections(random: &mut Random, raw: &Raw) {
    let peers = Peers::random(random);
    assert_eq!(peers.connect().0, peers.ldk_connect().0, "both send the same acts");
    row(
        "handshake, both sides",
        call(|| peers.connect()),
        Some(call(|| peers.ldk_connect())),
        call(|| raw.handshake()),
    );
    let keys = OneWay::random(random);
    for length in [200, 1400] {
        let messages = vec![vec![7; length]; MESSAGES];
        let frames = keys.seal(&messages);
        assert_eq!(frames, keys.ldk_seal(&messages), "both make the same frames");
        row(
            &format!("encrypt {MESSAGES} messages of {length} bytes"),
            call(|| keys.seal(&messages)),
            Some(call(|| keys.ldk_seal(&messages))),
            call(|| aead(&messages)),
        );
        row(
            &format!("decrypt {MESSAGES} messages of {length} bytes"),
            call(|| keys.open(&frames)),
            Some(call(|| keys.ldk_open(&frames))),
            call(|| aead(&messages)),
        );
    }
}

/// Every message and its length, encrypted where it lies.
fn aead(messages: &[Vec<u8>]) {
    let key = UnboundKey::new(&CHACHA20_POLY1305, &[7; 32]).expect("32 bytes");
    let cipher = LessSafeKey::new(key);
    for message in messages {
        for mut text in [vec![0; 2], message.clone()] {
            let nonce = Nonce::assume_unique_for_key(black_box([0; 12]));
            let mac = cipher.seal_in_place_separate_tag(nonce, Aad::empty(), &mut text);
            black_box(mac.expect("it is short"));
            black_box(text);
        }
    }
}

fn messages(random: &mut Random, raw: &Raw) {
    let add = add_htlc(random).encode();
    row(
        "read an update_add_htlc",
        call(|| Message::decode(&add).expect("a message")),
        Some(call(|| ldk_decode::<UpdateAddHTLC>(&add))),
        call(|| black_box(&add).clone()),
    );
    let announcement = announcement(random).encode();
    row(
        "read a channel_announcement",
        call(|| Message::decode(&announcement).expect("a message")),
        Some(call(|| ldk_decode::<LdkAnnouncement>(&announcement))),
        call(|| raw.parse_signatures(4)),
    );
}

fn commitments(random: &mut Random, raw: &Raw) {
    for htlcs in [1, 100] {
        let round = Round::random(random, htlcs);
        let point = round.point();
        let signed = round.sign(&point);
        assert_eq!(signed, round.ldk_sign(&point), "both make the same signatures");
        let count = usize::try_from(htlcs).expect("few") + 1;
        row(
            &format!("sign a commitment with {htlcs} HTLCs"),
            call(|| round.sign(&point)),
            Some(call(|| round.ldk_sign(&point))),
            call(|| raw.sign_many(count)),
        );
        row(
            &format!("check a commitment with {htlcs} HTLCs"),
            call(|| round.check(&point, &signed)),
            Some(call(|| round.ldk_check(&point, &signed))),
            call(|| raw.verify_many(count)),
        );
        row(
            &format!("a round with {htlcs} HTLCs"),
            call(|| round.round()),
            Some(call(|| round.ldk_round())),
            call(|| {
                raw.sign_many(count);
                raw.verify_many(count);
            }),
        );
    }
}

/// How many routes are sought, and how often each.
const PAIRS: usize = 200;
const TURNS: usize = 7;

/// The time of each pair's search, the two taking turns.
fn searches(pairs: &[Pair], contestants: &mut [&mut dyn FnMut(Pair)]) -> Vec<Vec<f64>> {
    let mut medians = vec![Vec::with_capacity(pairs.len()); contestants.len()];
    for pair in pairs {
        let mut times = vec![Vec::with_capacity(TURNS); contestants.len()];
        for _ in 0..TURNS {
            for (search, times) in contestants.iter_mut().zip(&mut times) {
                times.push(turn(&mut call(|| search(*pair)), 1));
            }
        }
        for (medians, times) in medians.iter_mut().zip(times) {
            medians.push(median(times));
        }
    }
    medians
}

/// What nineteen of twenty values do not exceed.
fn percentile_95(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[(values.len() - 1) * 95 / 100]
}

/// Routes through a network of today's size. The two need not find the same route; ours must cost
/// no more. Of discounts LDK knows nothing: it gets the network without them.
fn routing(random: &mut Random) {
    let network = Network::random(random, 15_000, 50_000, 0);
    let pairs = network.pairs(random, PAIRS);
    let (mut bfg, mut dijkstra) = (Search::new(), Search::new());
    let mut cheaper = 0;
    for pair in &pairs {
        let theirs = network.ldk_fee(*pair);
        for (search, algorithm) in
            [(&mut bfg, Algorithm::BellmanFordGibson), (&mut dijkstra, Algorithm::Dijkstra)]
        {
            let ours = network.fee(search, *pair, algorithm);
            assert!(ours.is_some() && ours <= theirs, "{ours:?} is dearer than {theirs:?}");
            cheaper += usize::from(ours < theirs);
        }
    }
    seek(&network, &network, &pairs, "a route");
    let channels = network.graph.channel_count();
    println!(
        "{PAIRS} pairs, {cheaper} of {} routes cheaper than LDK's, none dearer; {} nodes, {channels} \
         channels, {} bytes a channel, {} bytes of tables",
        2 * PAIRS,
        network.graph.node_count(),
        network.graph.memory() / channels,
        bfg.memory(),
    );
    let discounts = Network::random(&mut Random::new(2), 15_000, 50_000, DISCOUNTS);
    let plain = Network::random(&mut Random::new(2), 15_000, 50_000, 0);
    let pairs = discounts.pairs(random, PAIRS);
    seek(&discounts, &plain, &pairs, "with discounts,");
}

/// How many of a thousand ends of channels give discounts; of the public network, about 75.
const DISCOUNTS: u64 = 75;

/// Times the searches for these pairs.
fn seek(network: &Network, ldk: &Network, pairs: &[Pair], what: &str) {
    let (mut bfg, mut dijkstra) = (Search::new(), Search::new());
    let mut seek_bfg = |pair| {
        black_box(network.fee(&mut bfg, pair, Algorithm::BellmanFordGibson));
    };
    let mut seek_dijkstra = |pair| {
        black_box(network.fee(&mut dijkstra, pair, Algorithm::Dijkstra));
    };
    let mut seek_ldk = |pair| {
        black_box(ldk.ldk_fee(pair));
    };
    let times = searches(pairs, &mut [&mut seek_bfg, &mut seek_dijkstra, &mut seek_ldk]);
    let [bfg, dijkstra, ldk] = times.as_slice() else { unreachable!("three take turns") };
    for (name, times) in [("Bellman-Ford-Gibson", bfg), ("Dijkstra", dijkstra)] {
        for (which, of) in [("median", median as fn(Vec<f64>) -> f64), ("p95", percentile_95)] {
            let (ours, theirs) = (of(times.clone()), of(ldk.clone()));
            let name = format!("{what} by {name}, {which}");
            let us = |time: f64| format!("{:.1} µs", time * 1e6);
            println!("{name:44}{:>12}{:>13}{:>9.2}", us(ours), us(theirs), ours / theirs);
        }
    }
}

/// The network of the gossip, how often it is told, and how many announcements or updates a turn has.
const GOSSIP: [usize; 2] = [2_000, 10_000];
const TELLINGS: usize = 3;
const A_TURN: usize = 20;

/// What nodes tell of a network, from nothing on. A broken message is refused by both.
fn gossip(random: &mut Random) {
    let [nodes, channels] = GOSSIP;
    let gossip = Gossip::random(random, nodes, channels);
    let mut announced = vec![Vec::new(); 3];
    let mut updated = vec![Vec::new(); 3];
    for _ in 0..TELLINGS {
        let mut believed = Gossip::nothing();
        let (ours, ldk) = (&mut believed.ours, &believed.ldk);
        let contestants: &mut [Told] = &mut [
            &mut |number| gossip.announce(ours, number),
            &mut |number| gossip.ldk_announce(ldk, number),
            &mut |number| gossip.verify_announcement(number),
        ];
        tell(&mut announced, gossip.announcements.len(), contestants);
        let contestants: &mut [Told] = &mut [
            &mut |number| gossip.update(ours, number),
            &mut |number| gossip.ldk_update(ldk, number),
            &mut |number| gossip.verify_update(number),
        ];
        tell(&mut updated, gossip.updates.len(), contestants);
        assert_eq!(believed.count(), (channels, 2 * channels), "all that is true is believed");
    }
    for (name, times) in
        [("believe a channel_announcement", &announced), ("believe a channel_update", &updated)]
    {
        let [ours, ldk, floor] = times.as_slice() else { unreachable!("three take turns") };
        let us = |times: &[f64]| format!("{:.1} µs", median(times.to_vec()) * 1e6);
        let (to_ldk, to_floor) = (ratio(ours, ldk), ratio(ours, floor));
        let (ours, ldk, floor) = (us(ours), us(ldk), us(floor));
        println!("{name:44}{ours:>12}{ldk:>13}{to_ldk:>9.2}{floor:>12}{to_floor:9.2}");
    }
}

/// Who hears messages by their numbers, and whether it believes them.
type Told<'a> = &'a mut dyn FnMut(usize) -> bool;

/// Tells all so many messages, in turns, and notes the seconds for each message. In a turn they hear
/// different ones: who verifies a signature that another has just verified is quicker, for the
/// processor remembers which way the branches went.
fn tell(times: &mut [Vec<f64>], count: usize, contestants: &mut [Told]) {
    let mut believed = vec![vec![false; count]; contestants.len()];
    let apart = count / contestants.len();
    for first in (0..count).step_by(A_TURN) {
        let numbers = first..count.min(first + A_TURN);
        let messages = u32::try_from(numbers.len()).expect("a turn is short");
        let all = contestants.iter_mut().zip(&mut believed).zip(&mut *times);
        for (place, ((hear, believed), times)) in all.enumerate() {
            let mut tell_all = call(|| {
                for number in numbers.clone() {
                    let number = (number + place * apart) % count;
                    believed[number] = hear(number);
                }
            });
            times.push(turn(&mut tell_all, 1) / f64::from(messages));
        }
    }
    let [ours, others @ ..] = believed.as_slice() else { unreachable!("three are told") };
    assert!(others.iter().all(|other| other == ours), "all believe the same");
}

fn main() {
    let mut random = Random::new(1);
    let raw = Raw::new(&mut random);
    let route = Route::random(&mut random, HOPS);
    println!(
        "{:44}{:>12}{:>13}{:>9}{:>12}{:>9}",
        "", "boltlab", "LDK", "to LDK", "floor", "to floor"
    );
    let groups: [(&str, Group); 9] = [
        ("onions", &|_| onions(&route, &raw)),
        ("failures", &|_| failures(&route, &raw)),
        ("invoices", &|random| invoices(random, &raw)),
        ("offers", &|random| offers(random, &raw)),
        ("connections", &|random| connections(random, &raw)),
        ("messages", &|random| messages(random, &raw)),
        ("commitments", &|random| commitments(random, &raw)),
        ("routing", &routing),
        ("gossip", &gossip),
    ];
    let only = std::env::args().nth(1);
    for (name, group) in groups {
        if only.as_ref().is_none_or(|only| only == name) {
            group(&mut random);
        }
    }
}

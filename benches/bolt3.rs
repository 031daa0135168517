//! BOLT 3 at its largest: commitments of up to 966 HTLCs, their signatures, keys, secrets and
//! penalties. The raw operations that no implementation can do without are measured beside them,
//! and a table at the end sets each figure against its floor.

#![allow(missing_docs, reason = "criterion's macros make functions without any")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on says so by a panic")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, Txid, WPubkeyHash};
use boltlab::bolt::keys::{
    BasepointSecrets, CommitmentSeed, SecretStore, derive_revocation_private_key,
    derive_revocation_public_key,
};
use boltlab::bolt::tx::claim::{Claim, ClaimPath, claim_transaction};
use boltlab::bolt::tx::funding::Funding;
use boltlab::bolt::tx::htlc::{Direction, Htlc};
use boltlab::bolt::tx::{
    ChannelType, Commitment, CommitmentKeys, ObscuringFactor, OutputRole, Side,
};
use boltlab::bolt::units::{CltvExpiry, CommitmentNumber, CsvDelay, FeeratePerKw, Msat};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group};
use secp256k1::ecdsa::Signature;
use secp256k1::{Message, PublicKey, SECP256K1, Scalar, SecretKey};

/// `max_accepted_htlcs` is at most 483, for each side.
const HTLC_COUNTS: [usize; 3] = [0, 483, 966];

/// The index whose secret takes a hash for each of its 48 bits.
const DEEPEST: u64 = (1 << 48) - 1;

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn point(byte: u8) -> PublicKey {
    secret(byte).public_key(SECP256K1)
}

fn basepoints(byte: u8) -> BasepointSecrets {
    BasepointSecrets {
        revocation: secret(byte),
        payment: secret(byte + 1),
        delayed_payment: secret(byte + 2),
        htlc: secret(byte + 3),
    }
}

fn keys() -> CommitmentKeys {
    CommitmentKeys::derive(&basepoints(1).public(), &basepoints(5).public(), &point(9)).unwrap()
}

fn htlc(number: usize) -> Htlc {
    Htlc {
        direction: if number.is_multiple_of(2) { Direction::Offered } else { Direction::Received },
        amount: Msat(10_000_000 + 1000 * u64::try_from(number).unwrap()),
        payment_hash: sha256::Hash::hash(&number.to_le_bytes()),
        cltv_expiry: CltvExpiry(500_000),
    }
}

fn commitment(htlcs: usize) -> Commitment {
    Commitment {
        funding: Funding {
            outpoint: OutPoint { txid: Txid::all_zeros(), vout: 0 },
            amount: Amount::from_sat(100_000_000),
            local_pubkey: point(11),
            remote_pubkey: point(12),
        },
        number: CommitmentNumber(42),
        obscuring_factor: ObscuringFactor::new(&point(2), &point(6)),
        channel_type: ChannelType::Anchors,
        funder: Side::Local,
        dust_limit: Amount::from_sat(546),
        to_self_delay: CsvDelay(144),
        feerate: FeeratePerKw(253),
        to_local: Msat(50_000_000_000),
        to_remote: Msat(30_000_000_000),
        htlcs: (0..htlcs).map(htlc).collect(),
        keys: CommitmentKeys { remote_htlc: point(13), ..keys() },
    }
}

/// What `commitment_signed` holds.
fn sign(commitment: &Commitment) -> (Signature, Vec<Signature>) {
    let transaction = commitment.build();
    let key = secret(13);
    let seconds = transaction.htlc_transactions(commitment).unwrap();
    let htlcs = seconds.iter().map(|second| second.remote_spend().sign(&second.unsigned, &key));
    let own = commitment.funding.sign(&transaction.unsigned, &secret(12)).unwrap();
    (own, htlcs.collect::<Result<_, _>>().unwrap())
}

/// What the receiver of `commitment_signed` does.
fn verify(commitment: &Commitment, (own, htlcs): &(Signature, Vec<Signature>)) -> bool {
    let transaction = commitment.build();
    let key = &commitment.keys.remote_htlc;
    let seconds = transaction.htlc_transactions(commitment).unwrap();
    let fits = |(second, signature): (&boltlab::bolt::tx::htlc::HtlcTransaction, _)| {
        second.remote_spend().verify(&second.unsigned, key, signature)
    };
    commitment.funding.verify(&transaction.unsigned, &commitment.funding.remote_pubkey, own)
        && seconds.iter().zip(htlcs).all(fits)
}

/// The claims of a revoked commitment: `to_local` and every HTLC.
fn claims(commitment: &Commitment) -> Vec<Claim> {
    let built = commitment.build();
    let txid = built.unsigned.compute_txid();
    let outputs = built.unsigned.output.iter().zip(&built.roles).zip(0..);
    let claims = outputs.filter_map(|((output, role), vout)| {
        let (path, script) = match role {
            OutputRole::ToLocal => (ClaimPath::Revocation, commitment.to_local_script()),
            OutputRole::Htlc(position) => {
                let revocationpubkey = commitment.keys.revocation;
                let htlc = &commitment.htlcs[*position];
                let script = htlc.script(commitment.channel_type, &commitment.keys);
                (ClaimPath::HtlcRevocation { revocationpubkey }, script)
            }
            OutputRole::ToRemote | OutputRole::Anchor(_) => return None,
        };
        let outpoint = OutPoint { txid, vout };
        Some(Claim { outpoint, amount: output.value, path, script, key: secret(14) })
    });
    claims.collect()
}

fn penalty(claims: &[Claim]) -> Transaction {
    let destination = ScriptBuf::new_p2wpkh(&WPubkeyHash::all_zeros());
    claim_transaction(claims, destination, FeeratePerKw(253)).unwrap()
}

fn filled(secrets: &[boltlab::bolt::keys::PerCommitmentSecret]) -> SecretStore {
    let mut store = SecretStore::default();
    for (number, secret) in (0..).zip(secrets) {
        store.insert(CommitmentNumber(number), *secret).unwrap();
    }
    store
}

fn revealed(count: u64) -> Vec<boltlab::bolt::keys::PerCommitmentSecret> {
    let seed = CommitmentSeed([7; 32]);
    (0..count).map(|number| seed.secret(CommitmentNumber(number))).collect()
}

/// The raw operations, which are what every floor is counted in.
struct Raw {
    message: Message,
    key: SecretKey,
    point: PublicKey,
    signature: Signature,
    scalar: Scalar,
}

impl Raw {
    fn new() -> Self {
        let (message, key) = (Message::from_digest([3; 32]), secret(13));
        let signature = SECP256K1.sign_ecdsa(&message, &key);
        let scalar = Scalar::from_be_bytes([5; 32]).unwrap();
        Self { message, key, point: key.public_key(SECP256K1), signature, scalar }
    }

    fn sign(&self) -> Signature {
        SECP256K1.sign_ecdsa(black_box(&self.message), &self.key)
    }

    fn verify(&self) -> bool {
        SECP256K1.verify_ecdsa(black_box(&self.message), &self.signature, &self.point).is_ok()
    }

    fn mul(&self) -> PublicKey {
        black_box(self.point).mul_tweak(SECP256K1, &self.scalar).unwrap()
    }

    fn add(&self) -> PublicKey {
        black_box(self.point).add_exp_tweak(SECP256K1, &self.scalar).unwrap()
    }
}

fn hash() -> sha256::Hash {
    sha256::Hash::hash(black_box(&[7; 32]))
}

fn raw(c: &mut Criterion) {
    let raw = Raw::new();
    let mut group = c.benchmark_group("raw");
    group.bench_function("sign_ecdsa", |b| b.iter(|| raw.sign()));
    group.bench_function("verify_ecdsa", |b| b.iter(|| raw.verify()));
    group.bench_function("mul_tweak", |b| b.iter(|| raw.mul()));
    group.bench_function("add_exp_tweak", |b| b.iter(|| raw.add()));
    group.bench_function("sha256", |b| b.iter(hash));
    group.finish();
}

fn commitments(c: &mut Criterion) {
    let mut group = c.benchmark_group("commitment");
    for htlcs in HTLC_COUNTS {
        let commitment = commitment(htlcs);
        let signed = sign(&commitment);
        assert!(verify(&commitment, &signed));
        group.bench_function(BenchmarkId::new("build", htlcs), |b| b.iter(|| commitment.build()));
        group.bench_function(BenchmarkId::new("sign", htlcs), |b| b.iter(|| sign(&commitment)));
        group.bench_function(BenchmarkId::new("verify", htlcs), |b| {
            b.iter(|| verify(&commitment, &signed));
        });
        let claims = claims(&commitment);
        group.bench_function(BenchmarkId::new("penalty", htlcs), |b| b.iter(|| penalty(&claims)));
    }
    group.finish();
}

fn derivations(c: &mut Criterion) {
    let mut group = c.benchmark_group("keys");
    let (local, remote) = (basepoints(1).public(), basepoints(5).public());
    let (commitment, commitment_secret) = (point(9), secret(9));
    group.bench_function("of_one_commitment", |b| {
        b.iter(|| CommitmentKeys::derive(&local, &remote, black_box(&commitment)));
    });
    group.bench_function("revocation_public", |b| {
        b.iter(|| derive_revocation_public_key(&remote.revocation, black_box(&commitment)));
    });
    let base = basepoints(5).revocation;
    group.bench_function("revocation_private", |b| {
        b.iter(|| derive_revocation_private_key(&base, black_box(&commitment_secret)));
    });
    group.finish();
}

fn secrets(c: &mut Criterion) {
    let mut group = c.benchmark_group("secrets");
    let seed = CommitmentSeed([7; 32]);
    group.bench_function("generate_deepest", |b| b.iter(|| seed.secret_at(black_box(DEEPEST))));
    for count in [1000, 100_000] {
        let secrets = revealed(count);
        group.bench_function(BenchmarkId::new("insert", count), |b| {
            b.iter_batched(|| (), |()| filled(&secrets), BatchSize::LargeInput);
        });
        let store = filled(&secrets);
        group.bench_function(BenchmarkId::new("look_up_the_first_of", count), |b| {
            b.iter(|| store.secret(black_box(CommitmentNumber(0))));
        });
    }
    group.finish();
}

/// The seconds that one call takes, in the best of many rounds.
#[allow(clippy::disallowed_methods, reason = "this measures wall time")]
fn time<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut round = |calls: u32| {
        let since = Instant::now();
        (0..calls).for_each(|_| drop(black_box(call())));
        since.elapsed()
    };
    let mut calls = 1;
    while round(calls) < Duration::from_millis(1) {
        calls *= 2;
    }
    let rounds = std::iter::repeat_with(|| round(calls)).take(40);
    rounds.min().unwrap().as_secs_f64() / f64::from(calls)
}

/// Each figure beside the least that its curve operations and hashes take.
#[allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn floors() {
    let operations = Raw::new();
    let (sign_one, verify_one) = (time(|| operations.sign()), time(|| operations.verify()));
    let (mul, add, sha256) = (time(|| operations.mul()), time(|| operations.add()), time(hash));
    let row = |name: &str, measured: f64, floor: f64| {
        let (measured, floor) = (measured * 1e6, floor * 1e6);
        println!("{name:32}{measured:12.1} µs{floor:12.1} µs{:8.2}", measured / floor);
    };
    println!("{:32}{:>15}{:>15}{:>8}", "", "measured", "floor", "ratio");
    for (htlcs, signatures) in HTLC_COUNTS.into_iter().zip([1.0, 484.0, 967.0]) {
        let commitment = commitment(htlcs);
        let (signed, claims) = (sign(&commitment), claims(&commitment));
        row(&format!("sign/{htlcs}"), time(|| sign(&commitment)), signatures * sign_one);
        let verified = time(|| verify(&commitment, &signed));
        row(&format!("verify/{htlcs}"), verified, signatures * verify_one);
        row(&format!("penalty/{htlcs}"), time(|| penalty(&claims)), signatures * sign_one);
    }
    let (base, commitment) = (point(5), point(9));
    row("keys/of_one_commitment", time(keys_of_one()), 2.0 * mul + 3.0 * add);
    let revocation = time(|| derive_revocation_public_key(&base, &commitment));
    row("keys/revocation_public", revocation, 2.0 * mul);
    let seed = CommitmentSeed([7; 32]);
    row("secrets/generate_deepest", time(|| seed.secret_at(black_box(DEEPEST))), 48.0 * sha256);
}

fn keys_of_one() -> impl FnMut() -> CommitmentKeys {
    let (local, remote, commitment) = (basepoints(1).public(), basepoints(5).public(), point(9));
    move || CommitmentKeys::derive(&local, &remote, black_box(&commitment)).unwrap()
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = raw, commitments, derivations, secrets
}

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    floors();
}

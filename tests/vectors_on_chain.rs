//! BOLT 3's transactions on a real chain: its appendices name a block 1, whose coinbase pays for
//! the funding transaction that all the others descend from. Each vector has a chain of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

#[path = "vectors_on_chain/closing.rs"]
mod closing;
#[path = "vectors_on_chain/penalty.rs"]
mod penalty;

use std::{fs, path::Path, process::ExitCode};

use bitcoin::{Block, Transaction, absolute::LockTime, consensus::encode::deserialize_hex};
use boltlab::{
    bolt::units::BlockHeight,
    chain::{
        Chain, ChainError, Options, Submission,
        obtain::{Request, Silent, find_or_obtain},
    },
};
use closing::Closing;
use libtest_mimic::{Arguments, Failed, Trial};
use penalty::Penalty;
use serde_json::Value;

/// How far block 1 must lie back for its coinbase to be spent.
const MATURITY: u32 = 100;

/// The part that all versions of bitcoind have in their reasons for a script that fails.
const BAD_SIGNATURE: &str = "script-verify-flag-failed";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // More bitcoinds at once than cores only wait for each other.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let mut trials = Vec::new();
    for vector in vectors("funding") {
        trials.push(trial(&vector, play_funding));
    }
    for topic in ["commitment", "commitment_anchors"] {
        for vector in vectors(topic) {
            let commitment = Commitment::new(&vector);
            trials.push(trial(&vector, move || commitment.play()));
        }
    }
    for vector in vectors("closing") {
        let closing = Closing::new(&vector);
        trials.extend(closing.map(|closing| trial(&vector, move || closing.play())));
    }
    for group in groups("penalty") {
        for vector in group["tests"].as_array().unwrap() {
            let penalty = Penalty::new(&group, vector);
            trials.extend(penalty.map(|penalty| trial(vector, move || penalty.play())));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(vector: &Value, play: impl FnOnce() -> Result<(), ChainError> + Send + 'static) -> Trial {
    let name = format!("on-chain/{}", vector["id"].as_str().unwrap());
    Trial::test(name, move || play().map_err(Failed::from))
}

fn file(topic: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/bolt03");
    let text = fs::read_to_string(folder.join(topic).with_extension("json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn groups(topic: &str) -> Vec<Value> {
    file(topic)["groups"].as_array().unwrap().clone()
}

/// The vectors of a file, all groups in one.
fn vectors(topic: &str) -> Vec<Value> {
    groups(topic).iter().flat_map(|group| group["tests"].as_array().unwrap().clone()).collect()
}

fn decode(hex: &Value) -> Transaction {
    deserialize_hex(hex.as_str().unwrap()).unwrap()
}

fn refused(reason: &str) -> Submission {
    Submission::Refused { reason: reason.into() }
}

/// The mempool's answer to one transaction.
fn ask(chain: &mut Chain, transaction: &Transaction) -> Result<Submission, ChainError> {
    Ok(chain.test_accept(std::slice::from_ref(transaction))?.remove(0))
}

/// The same transaction with a bit of the signature in this item of an input's witness changed.
fn spoil(transaction: &Transaction, input: usize, item: usize) -> Transaction {
    let mut spoilt = transaction.clone();
    let input = &mut spoilt.input[input];
    let mut witness = input.witness.to_vec();
    // In the middle of the signature's S: still DER.
    let position = witness[item].len() - 10;
    witness[item][position] ^= 1;
    input.witness = witness.into();
    spoilt
}

/// Consensus, and not only some policy, refuses the transaction, for this reason.
fn assert_invalid(chain: &mut Chain, transaction: Transaction, expected: &str) {
    let height = chain.height();
    match chain.mine_block(vec![transaction]) {
        Err(ChainError::BlockRejected { reason, .. }) => {
            assert!(reason.contains(expected), "{reason}");
        }
        mined => panic!("expected a rejection: {mined:?}"),
    }
    assert_eq!(chain.height(), height);
}

/// A chain whose first block is that of the vectors, with its coinbase matured.
fn start() -> Result<Chain, ChainError> {
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let mut chain = Chain::start(&Options::from(&bitcoind))?;
    let first = &file("funding")["groups"][0]["block_1"];
    let first: Block = deserialize_hex(first.as_str().unwrap()).unwrap();
    chain.publish(std::slice::from_ref(&first))?;
    assert_eq!(chain.height(), BlockHeight(1));
    assert_eq!(chain.block(BlockHeight(1)), Some(&first));
    chain.mine(MATURITY - 1)?;
    Ok(chain)
}

fn funding() -> Transaction {
    decode(&vectors("funding")[0]["expected"]["funding_tx"])
}

fn play_funding() -> Result<(), ChainError> {
    let (mut chain, funding) = (start()?, funding());
    let mut spoilt = funding.clone();
    let mut script = spoilt.input[0].script_sig.to_bytes();
    script[60] ^= 1;
    spoilt.input[0].script_sig = script.into();
    assert_invalid(&mut chain, spoilt, BAD_SIGNATURE);
    assert_eq!(chain.submit(&funding)?, Submission::Accepted);
    chain.mine(1)?;
    assert_eq!(chain.confirmed(funding.compute_txid()), Some(BlockHeight(MATURITY + 1)));
    Ok(())
}

/// A commitment transaction and its second stages.
struct Commitment {
    transaction: Transaction,
    /// A fee rate of zero is below what any mempool takes.
    feeless: bool,
    successes: Vec<Transaction>,
    /// By the height at which they time out.
    timeouts: Vec<Transaction>,
    /// With anchors, HTLC transactions bring their fee from elsewhere.
    feeless_htlcs: bool,
}

impl Commitment {
    fn new(vector: &Value) -> Self {
        let expected = &vector["expected"];
        let second = expected["htlc_transactions"].as_array().unwrap();
        let second: Vec<Transaction> = second.iter().map(|htlc| decode(&htlc["tx"])).collect();
        let (mut timeouts, successes): (Vec<_>, Vec<_>) =
            second.into_iter().partition(|tx| tx.lock_time != LockTime::ZERO);
        timeouts.sort_by_key(|timeout| timeout.lock_time.to_consensus_u32());
        let feeless = vector["local_feerate_per_kw"] == 0;
        let anchors = vector["id"].as_str().unwrap().contains("anchors");
        let feeless_htlcs = feeless || anchors;
        let transaction = decode(&expected["commit_tx"]);
        Self { transaction, feeless, successes, timeouts, feeless_htlcs }
    }

    /// The commitment transaction confirms; HTLC-success at once; each HTLC-timeout in the first
    /// block above its height, and not before. None does with a signature spoilt.
    fn play(&self) -> Result<(), ChainError> {
        let mut chain = start()?;
        chain.mine_block(vec![funding()])?;
        for signature in [1, 2] {
            assert_invalid(&mut chain, spoil(&self.transaction, 0, signature), BAD_SIGNATURE);
        }
        confirm(&mut chain, &self.transaction, self.feeless)?;
        for success in &self.successes {
            self.confirm_second_stage(&mut chain, success)?;
        }
        for timeout in &self.timeouts {
            let height = timeout.lock_time.to_consensus_u32();
            if let Some(missing) = (height - 1).checked_sub(chain.height().0) {
                chain.mine(missing)?;
                assert_eq!(ask(&mut chain, timeout)?, refused("non-final"));
                assert_invalid(&mut chain, timeout.clone(), "bad-txns-nonfinal");
                chain.mine(1)?;
            }
            self.confirm_second_stage(&mut chain, timeout)?;
        }
        Ok(())
    }

    fn confirm_second_stage(
        &self,
        chain: &mut Chain,
        transaction: &Transaction,
    ) -> Result<(), ChainError> {
        for signature in [1, 2] {
            assert_invalid(chain, spoil(transaction, 0, signature), BAD_SIGNATURE);
        }
        confirm(chain, transaction, self.feeless_htlcs)
    }
}

/// The mempool takes the transaction if it has a fee; a block has it in any case.
fn confirm(chain: &mut Chain, transaction: &Transaction, feeless: bool) -> Result<(), ChainError> {
    let answer = ask(chain, transaction)?;
    if feeless {
        assert_eq!(answer, refused("min relay fee not met"));
    } else {
        assert_eq!(answer, Submission::Accepted);
    }
    chain.mine_block(vec![transaction.clone()])?;
    assert_eq!(chain.confirmed(transaction.compute_txid()), Some(chain.height()));
    Ok(())
}

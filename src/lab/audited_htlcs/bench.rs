//! A channel with HTLCs in flight, its commitments, and all claims of their outputs, made with the
//! secrets of both sides. The nodes have no part in the claims.

use std::sync::Arc;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxIn, TxOut, Witness};
use secp256k1::PublicKey;

use crate::bolt::channel::{ChannelSecrets, LocalState};
use crate::bolt::keys::{PerCommitmentSecret, derive_private_key, derive_revocation_private_key};
use crate::bolt::tx::claim::{Claim, ClaimPath, claim_transaction, to_remote_script};
use crate::bolt::tx::htlc::{Direction, Htlc, HtlcTransaction};
use crate::bolt::tx::{ChannelType, OutputRole};
use crate::bolt::units::{FeeratePerKw, Msat};
use crate::lab::recorded::{Recorded, SEED};
use crate::node::pair::{ALICE, BOB};
use crate::node::{
    InvoiceRequest, NodeCommand, PathHop, PayRequest, Payee, RelayPolicy, Seed, default_features,
};
use crate::trace::Event;

/// What Alice offers under the name `tea`: half a satoshi more than an output can have.
pub(super) const TEA: Msat = Msat(100_000_500);
/// What Bob offers under the name `milk`.
pub(super) const MILK: Msat = Msat(50_000_000);
/// What each of two parts of `cake` brings.
pub(super) const SLICE: Msat = Msat(20_000_000);
/// What Alice offers and no commitment has an output for.
pub(super) const CRUMB: Msat = Msat(300_000);

/// How a payment ends on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Preimage,
    Timeout,
}

impl Recorded {
    /// A channel with HTLCs in flight: Alice's `tea`, `crumb` and two alike that pay `cake`, Bob's
    /// `milk`. Without them, Bob has 400,000 sat.
    pub(super) fn pending(channel_type: ChannelType) -> Self {
        let mut recorded = Self::with_features(&default_features());
        recorded.open(channel_type, Msat(400_000_000));
        recorded.hold(ALICE, "tea", &[TEA]);
        recorded.hold(BOB, "milk", &[MILK]);
        recorded.hold(ALICE, "cake", &[SLICE, SLICE]);
        recorded.hold(ALICE, "crumb", &[CRUMB]);
        recorded
    }

    /// The other side makes an invoice of this name, and `from` pays it in these parts.
    pub(super) fn hold(&mut self, from: usize, name: &str, parts: &[Msat]) {
        self.ask(1 - from, name, parts);
        let request = self.request(from, parts);
        self.pair.command(from, NodeCommand::Pay(request)).unwrap();
        self.drive();
    }

    /// A side makes an invoice of this name, to be paid in these parts.
    pub(super) fn ask(&mut self, by: usize, name: &str, parts: &[Msat]) {
        let amount = Msat(parts.iter().map(|part| part.0).sum());
        let request = InvoiceRequest { hold: true, ..InvoiceRequest::of(amount) };
        self.pair.command(by, NodeCommand::Invoice(request)).unwrap();
        let invoice = self.pair.invoices.last().unwrap().clone();
        self.tell(Event::Invoice {
            role: self.roles[by].clone(),
            name: Some(name.parse().unwrap()),
            payment_hash: self.pair.held(),
            invoice,
        });
    }

    /// To pay the last invoice in these parts.
    pub(super) fn request(&self, from: usize, parts: &[Msat]) -> PayRequest {
        let hop = PathHop {
            node_id: self.pair.id(1 - from),
            channel: self.pair.phase(from).name_for_senders().unwrap(),
            relay: RelayPolicy::default(),
        };
        let parts = parts.iter().map(|part| (*part, vec![hop.clone()])).collect();
        PayRequest { payee: Payee::Invoice(self.pair.invoices.last().unwrap().clone()), parts }
    }

    /// This side takes the HTLCs that pay the same as one of this amount.
    pub(super) fn pay_out(&mut self, by: usize, amount: Msat) {
        self.settle(by, amount);
        self.drive();
    }

    /// The same, up to the message with the preimage.
    pub(super) fn settle(&mut self, by: usize, amount: Msat) {
        let hash = {
            let mut htlcs = self.pair.commitments(by).htlcs();
            htlcs.find(|(_, _, htlc)| htlc.amount == amount).expect("an HTLC").2.payment_hash
        };
        self.pair.command(by, NodeCommand::Settle(hash)).unwrap();
        self.deliver();
    }

    /// The newest commitment of this side.
    pub(super) fn commitment(&self, owner: usize) -> OnChain {
        let handle = self.pair.handle();
        let secrets = |node: usize| self.pair.nodes[node].channel(&handle).unwrap().secrets.clone();
        let state = Arc::clone(self.pair.commitments(owner).local().unwrap());
        let transaction = state.signed(&secrets(owner)).unwrap();
        OnChain {
            secret: secrets(owner).seed.secret(state.commitment.number),
            owner: secrets(owner),
            other: secrets(1 - owner),
            wallets: [owner, 1 - owner].map(|node| self.wallets[node].clone()),
            preimages: self.preimages(),
            state,
            transaction,
        }
    }

    /// Those of the first invoices of both sides.
    fn preimages(&self) -> Vec<[u8; 32]> {
        let of = |seed| (0..8).map(move |at| Seed::derive(SEED, seed).bytes("preimage", at));
        self.seeds.into_iter().flat_map(of).collect()
    }

    /// A coin of this side that no transaction spends.
    pub(super) fn coin(&self, node: usize) -> (OutPoint, Amount) {
        let coins = self.pair.nodes[node].wallet().coins();
        coins.map(|(outpoint, coin)| (*outpoint, coin.amount)).last().expect("a coin")
    }
}

/// A commitment, and all that it takes to claim its outputs.
#[derive(Clone)]
pub(super) struct OnChain {
    pub(super) transaction: Transaction,
    pub(super) state: Arc<LocalState>,
    secret: PerCommitmentSecret,
    owner: ChannelSecrets,
    other: ChannelSecrets,
    /// The owner's, and the other side's.
    pub(super) wallets: [ScriptBuf; 2],
    preimages: Vec<[u8; 32]>,
}

impl OnChain {
    fn point(&self) -> PublicKey {
        self.secret.point().unwrap()
    }

    /// The HTLCs that have an output, with its outpoint, in the order of the outputs.
    pub(super) fn htlcs(&self) -> Vec<(OutPoint, Htlc)> {
        let htlc = |role: &OutputRole| match role {
            OutputRole::Htlc(position) => Some(self.state.commitment.htlcs[*position]),
            _ => None,
        };
        let txid = self.transaction.compute_txid();
        let roles = (0..).zip(&self.state.transaction.roles);
        let held = roles.filter_map(|(vout, role)| Some((OutPoint { txid, vout }, htlc(role)?)));
        held.collect()
    }

    /// The first HTLC of this amount.
    #[track_caller]
    pub(super) fn htlc(&self, amount: Msat) -> (OutPoint, Htlc) {
        self.htlcs().into_iter().find(|(_, htlc)| htlc.amount == amount).expect("an HTLC")
    }

    pub(super) fn preimage(&self, htlc: &Htlc) -> [u8; 32] {
        let is_its = |preimage: &&[u8; 32]| sha256::Hash::hash(*preimage) == htlc.payment_hash;
        *self.preimages.iter().find(is_its).expect("a preimage")
    }

    /// The second stage of an HTLC, with both signatures.
    pub(super) fn second_stage(&self, outpoint: OutPoint) -> Transaction {
        let stages = self.state.transaction.htlc_transactions(&self.state.commitment).unwrap();
        let is_its = |stage: &HtlcTransaction| stage.unsigned.input[0].previous_output == outpoint;
        let position = stages.iter().position(is_its).expect("a second stage");
        let (stage, remote) = (&stages[position], &self.state.htlc_signatures[position]);
        let key = derive_private_key(&self.owner.basepoints.htlc, &self.point()).unwrap();
        let local = stage.local_spend().sign(&stage.unsigned, &key).unwrap();
        let preimage = match stage.htlc.direction {
            Direction::Offered => Vec::new(),
            Direction::Received => self.preimage(&stage.htlc).to_vec(),
        };
        stage.signed(&local, remote, &preimage)
    }

    /// What the other side does with an HTLC.
    pub(super) fn direct(&self, outpoint: OutPoint, htlc: &Htlc) -> Claim {
        let channel_type = self.state.commitment.channel_type;
        let path = match htlc.direction {
            Direction::Offered => {
                ClaimPath::HtlcPreimage { channel_type, preimage: self.preimage(htlc) }
            }
            Direction::Received => {
                ClaimPath::HtlcTimeout { channel_type, cltv_expiry: htlc.cltv_expiry }
            }
        };
        let key = derive_private_key(&self.other.basepoints.htlc, &self.point()).unwrap();
        let script = htlc.script(channel_type, &self.state.commitment.keys);
        Claim { outpoint, amount: htlc.amount.to_sat_floor(), path, script, key }
    }

    /// The other side takes an HTLC by revocation.
    pub(super) fn htlc_penalty(&self, outpoint: OutPoint, htlc: &Htlc) -> Claim {
        let revocationpubkey = self.state.commitment.keys.revocation;
        Claim {
            path: ClaimPath::HtlcRevocation { revocationpubkey },
            key: self.revocation(),
            ..self.direct(outpoint, htlc)
        }
    }

    fn revocation(&self) -> secp256k1::SecretKey {
        let secret = self.secret.key().unwrap();
        derive_revocation_private_key(&self.other.basepoints.revocation, &secret).unwrap()
    }

    /// The owner takes a delayed output.
    pub(super) fn delayed(&self, outpoint: OutPoint, amount: Amount) -> Claim {
        let commitment = &self.state.commitment;
        let basepoint = &self.owner.basepoints.delayed_payment;
        Claim {
            outpoint,
            amount,
            path: ClaimPath::Delayed(commitment.to_self_delay),
            script: commitment.to_local_script(),
            key: derive_private_key(basepoint, &self.point()).unwrap(),
        }
    }

    /// The other side takes a delayed output by revocation.
    pub(super) fn penalty(&self, outpoint: OutPoint, amount: Amount) -> Claim {
        let (path, key) = (ClaimPath::Revocation, self.revocation());
        Claim { path, key, ..self.delayed(outpoint, amount) }
    }

    /// The output of this role.
    #[track_caller]
    pub(super) fn output(&self, role: OutputRole) -> (OutPoint, Amount) {
        let (outpoint, output) = self.state.transaction.output(role).expect("an output");
        (outpoint, output.value)
    }

    /// The owner takes its balance.
    pub(super) fn sweep_to_local(&self) -> Transaction {
        let (outpoint, amount) = self.output(OutputRole::ToLocal);
        sweep(&[self.delayed(outpoint, amount)], &self.wallets[0])
    }

    /// The other side takes its balance.
    pub(super) fn sweep_to_remote(&self) -> Transaction {
        let channel_type = self.state.commitment.channel_type;
        let (outpoint, amount) = self.output(OutputRole::ToRemote);
        let remotepubkey = self.state.commitment.keys.remote;
        let claim = Claim {
            outpoint,
            amount,
            path: ClaimPath::ToRemote { channel_type, remotepubkey },
            script: to_remote_script(channel_type, &remotepubkey),
            key: self.other.basepoints.payment,
        };
        sweep(&[claim], &self.wallets[1])
    }

    /// An HTLC ends this way: what it takes, in order.
    pub(super) fn resolve(&self, outpoint: OutPoint, htlc: &Htlc, way: Way) -> Vec<Transaction> {
        let by_owner = (htlc.direction == Direction::Offered) == (way == Way::Timeout);
        if !by_owner {
            return vec![sweep(&[self.direct(outpoint, htlc)], &self.wallets[1])];
        }
        let stage = self.second_stage(outpoint);
        let delayed = OutPoint { txid: stage.compute_txid(), vout: 0 };
        let claim = self.delayed(delayed, stage.output[0].value);
        vec![stage, sweep(&[claim], &self.wallets[0])]
    }
}

/// Claims paid to a wallet.
pub(super) fn sweep(claims: &[Claim], wallet: &ScriptBuf) -> Transaction {
    claim_transaction(claims, wallet.clone(), FeeratePerKw(1_000)).unwrap()
}

/// The transaction with a coin of a wallet, and change. The audit leaves signatures to bitcoind.
pub(super) fn with_coin(
    mut transaction: Transaction,
    (previous_output, amount): (OutPoint, Amount),
    wallet: &ScriptBuf,
    fee: Amount,
) -> Transaction {
    let witness = Witness::from_slice(&[vec![1; 72], vec![2; 33]]);
    transaction.input.push(TxIn { previous_output, witness, ..TxIn::default() });
    transaction.output.push(TxOut { value: amount - fee, script_pubkey: wallet.clone() });
    transaction
}

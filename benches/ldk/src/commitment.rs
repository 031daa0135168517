//! A commitment round: one side signs the other's next commitment, the other checks that, builds its
//! own and revokes the one before.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::{Amount, OutPoint, Txid};
use boltlab::bolt::keys::{
    BasepointSecrets, Basepoints, CommitmentSeed, PerCommitmentSecret, SecretStore,
    derive_private_key,
};
use boltlab::bolt::tx::funding::Funding;
use boltlab::bolt::tx::htlc::{Direction, Htlc};
use boltlab::bolt::tx::{ChannelType, Commitment, CommitmentKeys, ObscuringFactor, Side};
use boltlab::bolt::units::{CltvExpiry, CommitmentNumber, CsvDelay, FeeratePerKw, Msat};
use lightning::chain::transaction::OutPoint as LdkOutPoint;
use lightning::ln::chan_utils::{
    ChannelTransactionParameters, CommitmentTransaction, CounterpartyChannelTransactionParameters,
    CounterpartyCommitmentSecrets, HTLCOutputInCommitment, build_commitment_secret,
    build_htlc_transaction, get_htlc_redeemscript, make_funding_redeemscript,
};
use lightning::sign::ecdsa::EcdsaChannelSigner;
use lightning::sign::{ChannelSigner, InMemorySigner, KeysManager, SignerProvider};
use lightning::types::features::ChannelTypeFeatures;
use lightning::types::payment::PaymentHash;
use secp256k1::ecdsa::Signature;
use secp256k1::{All, Message, PublicKey, SECP256K1, Secp256k1};

use crate::Random;

const CAPACITY: Amount = Amount::from_sat(100_000_000);
const FEERATE: u32 = 253;
const DELAY: u16 = 144;
const TO_LOCAL: Amount = Amount::from_sat(50_000_000);
const TO_REMOTE: Amount = Amount::from_sat(30_000_000);
/// The number of the commitment that is signed; the one before is the first that is revoked.
const NUMBER: u64 = 1;
/// LDK counts down, as BOLT 3's secrets do.
const LAST_INDEX: u64 = (1 << 48) - 1;

/// What `commitment_signed` holds.
pub type Signatures = (Signature, Vec<Signature>);

/// A channel in the anchors format whose opener signs the other side's commitment.
pub struct Round {
    signer: InMemorySigner,
    holder: InMemorySigner,
    /// The channel as the opener sees it, and as the holder of the commitment does.
    parameters: [ChannelTransactionParameters; 2],
    htlcs: Vec<HTLCOutputInCommitment>,
    secp: Secp256k1<All>,
    /// boltlab's view of the same keys.
    signer_secrets: BasepointSecrets,
    holder_seed: CommitmentSeed,
    funding: Funding,
    basepoints: [Basepoints; 2],
}

impl Round {
    /// A round with so many HTLCs, half of them offered by each side.
    pub fn random(random: &mut Random, htlcs: u64) -> Self {
        let keys = KeysManager::new(&random.bytes(), 0, 0, true);
        let mut signer_of = || keys.derive_channel_signer(random.bytes());
        let [signer, holder] = [signer_of(), signer_of()];
        let secp = Secp256k1::new();
        let pubkeys = [signer.pubkeys(&secp), holder.pubkeys(&secp)];
        let txid = Txid::from_byte_array(random.bytes());
        let parameters =
            [(0, 1), (1, 0)].map(|(own, other): (usize, usize)| ChannelTransactionParameters {
                holder_pubkeys: pubkeys[own].clone(),
                holder_selected_contest_delay: DELAY,
                is_outbound_from_holder: own == 0,
                counterparty_parameters: Some(CounterpartyChannelTransactionParameters {
                    pubkeys: pubkeys[other].clone(),
                    selected_contest_delay: DELAY,
                }),
                funding_outpoint: Some(LdkOutPoint { txid, index: 0 }),
                splice_parent_funding_txid: None,
                channel_type_features: ChannelTypeFeatures::anchors_zero_htlc_fee_and_dependencies(
                ),
                channel_value_satoshis: CAPACITY.to_sat(),
            });
        let htlc = |number: u64| HTLCOutputInCommitment {
            offered: number.is_multiple_of(2),
            amount_msat: 10_000_000 + 1000 * number,
            cltv_expiry: 500_000,
            payment_hash: PaymentHash(sha256::Hash::hash(&number.to_le_bytes()).to_byte_array()),
            transaction_output_index: None,
        };
        let basepoints = pubkeys.clone().map(|keys| Basepoints {
            revocation: keys.revocation_basepoint.to_public_key(),
            payment: keys.payment_point,
            delayed_payment: keys.delayed_payment_basepoint.to_public_key(),
            htlc: keys.htlc_basepoint.to_public_key(),
        });
        Self {
            signer_secrets: BasepointSecrets {
                revocation: signer.revocation_base_key,
                payment: signer.revocation_base_key,
                delayed_payment: signer.delayed_payment_base_key,
                htlc: signer.htlc_base_key,
            },
            holder_seed: CommitmentSeed(holder.commitment_seed),
            funding: Funding {
                outpoint: OutPoint { txid, vout: 0 },
                amount: CAPACITY,
                local_pubkey: pubkeys[1].funding_pubkey,
                remote_pubkey: pubkeys[0].funding_pubkey,
            },
            basepoints,
            htlcs: (0..htlcs).map(htlc).collect(),
            signer,
            holder,
            parameters,
            secp,
        }
    }

    /// The holder's point for a commitment of its own.
    pub fn point(&self) -> PublicKey {
        self.holder_seed.secret(CommitmentNumber(NUMBER)).point().expect("a point")
    }

    /// boltlab's commitment of the holder.
    pub fn commitment(&self, point: &PublicKey) -> Commitment {
        let [signer, holder] = &self.basepoints;
        let htlc = |htlc: &HTLCOutputInCommitment| Htlc {
            direction: if htlc.offered { Direction::Offered } else { Direction::Received },
            amount: Msat(htlc.amount_msat),
            payment_hash: sha256::Hash::from_byte_array(htlc.payment_hash.0),
            cltv_expiry: CltvExpiry(htlc.cltv_expiry),
        };
        Commitment {
            funding: self.funding.clone(),
            number: CommitmentNumber(NUMBER),
            obscuring_factor: ObscuringFactor::new(&signer.payment, &holder.payment),
            channel_type: ChannelType::Anchors,
            funder: Side::Remote,
            dust_limit: Amount::from_sat(354),
            to_self_delay: CsvDelay(DELAY),
            feerate: FeeratePerKw(FEERATE),
            to_local: Msat(TO_LOCAL.to_sat() * 1000),
            to_remote: Msat(TO_REMOTE.to_sat() * 1000),
            htlcs: self.htlcs.iter().map(htlc).collect(),
            keys: CommitmentKeys::derive(holder, signer, point).expect("keys"),
        }
    }

    /// boltlab signs.
    pub fn sign(&self, point: &PublicKey) -> Signatures {
        let commitment = self.commitment(point);
        let transaction = commitment.build();
        let key = derive_private_key(&self.signer_secrets.htlc, point).expect("a key");
        let seconds = transaction.htlc_transactions(&commitment).expect("they can be built");
        let htlcs = seconds.iter().map(|second| second.remote_spend().sign(&second.unsigned, &key));
        let funding = self.signer.funding_key(None);
        let own = commitment.funding.sign(&transaction.unsigned, &funding).expect("a signature");
        (own, htlcs.collect::<Result<_, _>>().expect("signatures"))
    }

    /// boltlab checks.
    pub fn check(&self, point: &PublicKey, (own, htlcs): &Signatures) -> bool {
        let commitment = self.commitment(point);
        let transaction = commitment.build();
        let key = &commitment.keys.remote_htlc;
        let seconds = transaction.htlc_transactions(&commitment).expect("they can be built");
        let mut fit = seconds.iter().zip(htlcs).map(|(second, signature)| {
            second.remote_spend().verify(&second.unsigned, key, signature)
        });
        commitment.funding.verify(&transaction.unsigned, &commitment.funding.remote_pubkey, own)
            && seconds.len() == htlcs.len()
            && fit.all(|fits| fits)
    }

    /// LDK's commitment of the holder, as one of the two sides sees it.
    fn ldk_commitment(&self, point: &PublicKey, of_signer: bool) -> CommitmentTransaction {
        let [signer, holder] = &self.parameters;
        let directed = if of_signer {
            signer.as_counterparty_broadcastable()
        } else {
            holder.as_holder_broadcastable()
        };
        // The opener pays the fee and both anchors, which LDK's caller takes off: it is the other
        // side here.
        let weight = 1124 + 172 * u64::try_from(self.htlcs.len()).expect("few");
        let fee = Amount::from_sat(u64::from(FEERATE) * weight / 1000 + 660);
        let to_remote = (TO_REMOTE - fee).to_sat();
        CommitmentTransaction::new(
            LAST_INDEX - NUMBER,
            point,
            TO_LOCAL.to_sat(),
            to_remote,
            FEERATE,
            self.htlcs.clone(),
            &directed,
            &self.secp,
        )
    }

    /// The transaction's id, by boltlab and by LDK.
    pub fn txids(&self) -> (Txid, Txid) {
        let point = self.point();
        let ours = self.commitment(&point).build().unsigned.compute_txid();
        (ours, self.ldk_commitment(&point, true).trust().txid())
    }

    /// LDK signs.
    pub fn ldk_sign(&self, point: &PublicKey) -> Signatures {
        let commitment = self.ldk_commitment(point, true);
        let [parameters, _] = &self.parameters;
        self.signer
            .sign_counterparty_commitment(parameters, &commitment, vec![], vec![], &self.secp)
            .expect("signatures")
    }

    /// LDK checks: what its channel does, from its own public functions.
    pub fn ldk_check(&self, point: &PublicKey, (own, htlcs): &Signatures) -> bool {
        let commitment = self.ldk_commitment(point, false);
        let [_, parameters] = &self.parameters;
        let signer = parameters.counterparty_pubkeys().expect("they are known");
        let script = make_funding_redeemscript(
            &parameters.holder_pubkeys.funding_pubkey,
            &signer.funding_pubkey,
        );
        let trusted = commitment.trust();
        let (built, keys) = (trusted.built_transaction(), trusted.keys());
        let digest = built.get_sighash_all(&script, CAPACITY.to_sat());
        if self.secp.verify_ecdsa(&digest, own, &signer.funding_pubkey).is_err() {
            return false;
        }
        let features = &parameters.channel_type_features;
        let nondust = commitment.nondust_htlcs();
        nondust.len() == htlcs.len()
            && nondust.iter().zip(htlcs).all(|(htlc, signature)| {
                let transaction = build_htlc_transaction(
                    &built.txid,
                    FEERATE,
                    DELAY,
                    htlc,
                    features,
                    &keys.broadcaster_delayed_payment_key,
                    &keys.revocation_key,
                );
                let script = get_htlc_redeemscript(htlc, features, keys);
                let sighash = SighashCache::new(&transaction)
                    .p2wsh_signature_hash(
                        0,
                        &script,
                        htlc.to_bitcoin_amount(),
                        EcdsaSighashType::SinglePlusAnyoneCanPay,
                    )
                    .expect("it has an input");
                let digest = Message::from_digest(sighash.to_byte_array());
                let key = keys.countersignatory_htlc_key.to_public_key();
                self.secp.verify_ecdsa(&digest, signature, &key).is_ok()
            })
    }

    /// boltlab revokes the commitment before: the secret and the next point, and the signer takes
    /// both.
    pub fn revoke(&self) -> (PerCommitmentSecret, PublicKey) {
        let secret = self.holder_seed.secret(CommitmentNumber(NUMBER - 1));
        let next = self.holder_seed.secret(CommitmentNumber(NUMBER + 1)).point().expect("a point");
        let mut store = SecretStore::default();
        store.insert(CommitmentNumber(NUMBER - 1), secret).expect("it fits");
        assert_ne!(secret.point().expect("a point"), next);
        (secret, next)
    }

    /// LDK does.
    pub fn ldk_revoke(&self) -> ([u8; 32], PublicKey) {
        let index = LAST_INDEX - (NUMBER - 1);
        let secret = self.holder.release_commitment_secret(index).expect("it has it");
        let next = self.holder.get_per_commitment_point(index - 2, &self.secp).expect("a point");
        let mut store = CounterpartyCommitmentSecrets::new();
        store.provide_secret(index, secret).expect("it fits");
        let own = secp256k1::SecretKey::from_slice(&secret).expect("a key");
        assert_ne!(own.public_key(&self.secp), next);
        (secret, next)
    }

    /// A whole round by boltlab.
    pub fn round(&self) -> (PerCommitmentSecret, PublicKey) {
        let point = self.point();
        let signatures = self.sign(&point);
        assert!(self.check(&point, &signatures), "they fit");
        self.revoke()
    }

    /// A whole round by LDK.
    pub fn ldk_round(&self) -> ([u8; 32], PublicKey) {
        let secret = build_commitment_secret(&self.holder.commitment_seed, LAST_INDEX - NUMBER);
        let secret = secp256k1::SecretKey::from_slice(&secret).expect("a key");
        let point = secret.public_key(SECP256K1);
        let signatures = self.ldk_sign(&point);
        assert!(self.ldk_check(&point, &signatures), "they fit");
        self.ldk_revoke()
    }
}

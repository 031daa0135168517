//! The commitment transaction. BOLT 3, "Commitment Transaction Construction".

use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxIn, TxOut};
use secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use super::funding::Funding;
use super::htlc::{Htlc, HtlcTransaction};
use super::number::ObscuringFactor;
use super::{ChannelType, Side, TxError, fee, script};
use crate::bolt::keys::{Basepoints, derive_public_key, derive_revocation_public_key};
use crate::bolt::units::{CltvExpiry, CommitmentNumber, CsvDelay, FeeratePerKw, Msat};

/// The keys of one commitment transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitmentKeys {
    /// `revocationpubkey`: the peer's, once this commitment is revoked.
    pub revocation: PublicKey,
    /// `local_delayedpubkey`: the owner's, after the delay.
    pub local_delayed: PublicKey,
    /// `local_htlcpubkey`.
    pub local_htlc: PublicKey,
    /// `remote_htlcpubkey`.
    pub remote_htlc: PublicKey,
    /// `remotepubkey`: the peer's payment basepoint.
    pub remote: PublicKey,
}

impl CommitmentKeys {
    /// Derives the keys from both sides' basepoints and the owner's per-commitment point.
    ///
    /// # Errors
    /// [`TxError::Key`] if one of them does not exist.
    pub fn derive(
        local: &Basepoints,
        remote: &Basepoints,
        per_commitment_point: &PublicKey,
    ) -> Result<Self, TxError> {
        Ok(Self {
            revocation: derive_revocation_public_key(&remote.revocation, per_commitment_point)?,
            local_delayed: derive_public_key(&local.delayed_payment, per_commitment_point)?,
            local_htlc: derive_public_key(&local.htlc, per_commitment_point)?,
            remote_htlc: derive_public_key(&remote.htlc, per_commitment_point)?,
            remote: remote.payment,
        })
    }
}

/// All that determines one commitment transaction, from its owner's view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// The output that it spends.
    pub funding: Funding,
    /// Which of the owner's commitments it is.
    pub number: CommitmentNumber,
    /// Hides the number.
    pub obscuring_factor: ObscuringFactor,
    /// Its format.
    pub channel_type: ChannelType,
    /// Who pays the fee and the anchors.
    pub funder: Side,
    /// The owner's `dust_limit_satoshis`.
    pub dust_limit: Amount,
    /// The delay on the owner's outputs, which the peer asked for.
    pub to_self_delay: CsvDelay,
    /// `feerate_per_kw`.
    pub feerate: FeeratePerKw,
    /// The owner's balance, before fee and anchors and without the HTLCs.
    pub to_local: Msat,
    /// The peer's balance, likewise.
    pub to_remote: Msat,
    /// Every HTLC that it commits to, trimmed ones too.
    pub htlcs: Vec<Htlc>,
    /// Its keys.
    pub keys: CommitmentKeys,
}

/// What an output of a commitment transaction is, seen from its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputRole {
    /// The owner's balance, delayed.
    ToLocal,
    /// The peer's balance.
    ToRemote,
    /// An anchor, of the owner or of the peer.
    Anchor(Side),
    /// The HTLC at this position of [`Commitment::htlcs`].
    Htlc(usize),
}

/// An unsigned commitment transaction that knows what its outputs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentTransaction {
    /// The transaction without its witness.
    pub unsigned: Transaction,
    /// What each output is, in the order of the outputs.
    pub roles: Vec<OutputRole>,
}

/// An output before the outputs are put into order.
struct Planned {
    output: TxOut,
    cltv_expiry: Option<CltvExpiry>,
    role: OutputRole,
}

impl Commitment {
    /// Builds the transaction. A funder that cannot pay the fee pays all that it has, as BOLT 3's
    /// vectors have it.
    pub fn build(&self) -> CommitmentTransaction {
        let mut planned = self.plan();
        // Stable, so that HTLCs that are alike in all three stay in the order in which they came.
        planned.sort_by(|a, b| {
            (a.output.value, &a.output.script_pubkey, a.cltv_expiry).cmp(&(
                b.output.value,
                &b.output.script_pubkey,
                b.cltv_expiry,
            ))
        });
        let input = TxIn {
            previous_output: self.funding.outpoint,
            sequence: self.obscuring_factor.sequence(self.number),
            ..TxIn::default()
        };
        let roles = planned.iter().map(|p| p.role).collect();
        let unsigned = Transaction {
            version: Version::TWO,
            lock_time: self.obscuring_factor.locktime(self.number),
            input: vec![input],
            output: planned.into_iter().map(|p| p.output).collect(),
        };
        CommitmentTransaction { unsigned, roles }
    }

    /// The HTLCs that have an output, with their positions.
    pub fn untrimmed(&self) -> impl Iterator<Item = (usize, &Htlc)> {
        self.htlcs.iter().enumerate().filter(|(_, htlc)| {
            !fee::is_trimmed(self.channel_type, self.feerate, self.dust_limit, htlc)
        })
    }

    /// The fee that its formula gives; the real one also has what was trimmed and rounded away.
    pub fn base_fee(&self) -> Amount {
        fee::commitment_fee(self.channel_type, self.feerate, self.untrimmed().count())
    }

    /// What the funder pays before anything else: the base fee and both anchors.
    pub fn funder_cost(&self) -> Amount {
        fee::funder_cost(self.channel_type, self.feerate, self.untrimmed().count())
    }

    /// The balance of a side after fee and anchors, in whole satoshis.
    fn balance(&self, side: Side) -> Amount {
        let balance = match side {
            Side::Local => self.to_local,
            Side::Remote => self.to_remote,
        };
        let cost = if side == self.funder { self.funder_cost() } else { Amount::ZERO };
        balance.to_sat_floor().checked_sub(cost).unwrap_or(Amount::ZERO)
    }

    /// The witness script of `to_local`.
    pub fn to_local_script(&self) -> ScriptBuf {
        script::to_local(&self.keys.revocation, self.to_self_delay, &self.keys.local_delayed)
    }

    fn plan(&self) -> Vec<Planned> {
        let mut planned: Vec<Planned> = self
            .untrimmed()
            .map(|(position, htlc)| Planned {
                output: TxOut {
                    value: htlc.amount.to_sat_floor(),
                    script_pubkey: htlc.script(self.channel_type, &self.keys).to_p2wsh(),
                },
                cltv_expiry: Some(htlc.cltv_expiry),
                role: OutputRole::Htlc(position),
            })
            .collect();
        let has_htlcs = !planned.is_empty();
        let mut add = |value: Amount, script_pubkey: ScriptBuf, role: OutputRole| {
            let output = TxOut { value, script_pubkey };
            planned.push(Planned { output, cltv_expiry: None, role });
        };
        for side in [Side::Local, Side::Remote] {
            let value = self.balance(side);
            let exists = value >= self.dust_limit;
            if exists {
                match side {
                    Side::Local => {
                        add(value, self.to_local_script().to_p2wsh(), OutputRole::ToLocal);
                    }
                    Side::Remote => add(
                        value,
                        script::to_remote_output(self.channel_type, &self.keys.remote),
                        OutputRole::ToRemote,
                    ),
                }
            }
            if self.channel_type == ChannelType::Anchors && (exists || has_htlcs) {
                let key = match side {
                    Side::Local => &self.funding.local_pubkey,
                    Side::Remote => &self.funding.remote_pubkey,
                };
                add(fee::ANCHOR, script::anchor(key).to_p2wsh(), OutputRole::Anchor(side));
            }
        }
        planned
    }
}

impl CommitmentTransaction {
    /// The second stages of its HTLC outputs, in the order of the outputs, which is the order of
    /// `htlc_signature` in `commitment_signed`.
    ///
    /// # Errors
    /// [`TxError`] if an HTLC cannot pay its fee or an index does not fit.
    pub fn htlc_transactions(
        &self,
        commitment: &Commitment,
    ) -> Result<Vec<HtlcTransaction>, TxError> {
        let txid = self.unsigned.compute_txid();
        let mut transactions = Vec::new();
        for (vout, role) in self.roles.iter().enumerate() {
            let OutputRole::Htlc(position) = *role else { continue };
            let Some(htlc) = commitment.htlcs.get(position) else { continue };
            let vout = u32::try_from(vout).map_err(|_| TxError::TooManyOutputs)?;
            transactions.push(HtlcTransaction::new(
                OutPoint { txid, vout },
                htlc,
                commitment.channel_type,
                &commitment.keys,
                commitment.to_self_delay,
                commitment.feerate,
            )?);
        }
        Ok(transactions)
    }

    /// The output that plays this role, if the transaction has it.
    pub fn output(&self, role: OutputRole) -> Option<(OutPoint, &TxOut)> {
        let position = self.roles.iter().position(|r| *r == role)?;
        let vout = u32::try_from(position).ok()?;
        let outpoint = OutPoint { txid: self.unsigned.compute_txid(), vout };
        Some((outpoint, self.unsigned.output.get(position)?))
    }
}

//! The on-chain wallet of a reference node: one P2WPKH key, confirmed coins.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use bitcoin::absolute::LockTime;
use bitcoin::sighash::EcdsaSighashType;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use secp256k1::{PublicKey, SECP256K1, SecretKey};
use thiserror::Error;

use crate::bolt::channel::ChainEvent;
use crate::bolt::onchain::urgency::FeeOffer;
use crate::bolt::tx::claim::{Claim, ClaimPath, claim_for_fee, weight};
use crate::bolt::tx::sign::Spend;
use crate::bolt::tx::{TxError, fee, script};
use crate::bolt::units::{BlockHeight, FeeratePerKw};

/// Why the wallet cannot pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WalletError {
    /// Not enough confirmed coins.
    #[error("pay {needed} from a wallet with {available}")]
    Insufficient {
        /// The amount and the fee.
        needed: Amount,
        /// All confirmed coins.
        available: Amount,
    },
    /// A transaction could not be signed.
    #[error(transparent)]
    Transaction(#[from] TxError),
}

/// A confirmed output of the wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coin {
    /// Its amount.
    pub amount: Amount,
    /// The height of its block.
    pub height: BlockHeight,
}

/// What one block changed, to undo it in a reorg.
#[derive(Clone, Debug)]
struct Change {
    height: BlockHeight,
    spent: Vec<(OutPoint, Coin)>,
    gained: Vec<OutPoint>,
}

/// A wallet with one key.
#[derive(Clone, Debug)]
pub struct Wallet {
    key: SecretKey,
    pubkey: PublicKey,
    script: ScriptBuf,
    coins: BTreeMap<OutPoint, Coin>,
    /// Coins that a transaction of ours spends, by its txid.
    reserved: BTreeMap<OutPoint, Txid>,
    changes: Vec<Change>,
    /// Reserved coins that a reorg took out of the chain, or that another transaction spent.
    missing: BTreeSet<OutPoint>,
}

/// Outpoint, empty script, sequence, times 4, and a P2WPKH witness with a signature of 73 bytes.
const INPUT_WEIGHT: u64 = 4 * 41 + 1 + 1 + 73 + 1 + 33;
/// Version, two counts and locktime, times 4; marker and flag.
const BASE_WEIGHT: u64 = 4 * 10 + 2;

impl Wallet {
    /// A wallet without coins.
    pub fn new(key: SecretKey) -> Self {
        let pubkey = key.public_key(SECP256K1);
        Self {
            key,
            pubkey,
            script: script::p2wpkh(&pubkey),
            coins: BTreeMap::new(),
            reserved: BTreeMap::new(),
            changes: Vec::new(),
            missing: BTreeSet::new(),
        }
    }

    /// The script that pays to it.
    pub fn script(&self) -> &ScriptBuf {
        &self.script
    }

    /// Its confirmed coins.
    pub fn coins(&self) -> impl Iterator<Item = (&OutPoint, &Coin)> {
        self.coins.iter()
    }

    /// The sum of its confirmed coins.
    pub fn balance(&self) -> Amount {
        sum(self.coins.values().map(|coin| coin.amount))
    }

    /// Follows a change of the chain.
    pub fn follow(&mut self, event: &ChainEvent) {
        match event {
            ChainEvent::Connected { height, transactions } => self.connect(*height, transactions),
            ChainEvent::Disconnected { height } => self.disconnect(*height),
        }
    }

    /// The coins that transactions of ours spend, and that a reorg has taken out of the chain, or that
    /// another transaction in it spends. Perhaps they are back one day, perhaps not.
    pub fn missing(&self) -> impl Iterator<Item = OutPoint> {
        self.missing.iter().copied()
    }

    fn connect(&mut self, height: BlockHeight, transactions: &[Transaction]) {
        let mut change = Change { height, spent: Vec::new(), gained: Vec::new() };
        for transaction in transactions {
            for input in &transaction.input {
                if let Some(coin) = self.coins.remove(&input.previous_output) {
                    change.spent.push((input.previous_output, coin));
                    let owner = self.reserved.get(&input.previous_output);
                    if owner.is_some_and(|owner| *owner != transaction.compute_txid()) {
                        self.missing.insert(input.previous_output);
                    }
                }
            }
            for (vout, output) in (0..).zip(&transaction.output) {
                if output.script_pubkey == self.script {
                    let outpoint = OutPoint { txid: transaction.compute_txid(), vout };
                    self.coins.insert(outpoint, Coin { amount: output.value, height });
                    self.missing.remove(&outpoint);
                    change.gained.push(outpoint);
                }
            }
        }
        if !(change.spent.is_empty() && change.gained.is_empty()) {
            self.changes.push(change);
        }
    }

    fn disconnect(&mut self, height: BlockHeight) {
        while let Some(change) = self.changes.pop_if(|change| change.height >= height) {
            for (outpoint, coin) in change.spent {
                self.coins.insert(outpoint, coin);
                self.missing.remove(&outpoint);
            }
            // Also such as were spent in the block that brought them.
            for outpoint in change.gained {
                self.coins.remove(&outpoint);
                self.missing.extend(self.reserved.contains_key(&outpoint).then_some(outpoint));
            }
        }
    }

    /// A signed transaction with this output, paid from confirmed coins that no transaction of
    /// ours spends yet, and the index of the output. Change comes back to the wallet.
    ///
    /// # Errors
    /// [`WalletError::Insufficient`].
    pub fn fund(
        &mut self,
        output: &TxOut,
        feerate: FeeratePerKw,
    ) -> Result<(Transaction, u16), WalletError> {
        let mut chosen: Vec<(OutPoint, Amount)> = Vec::new();
        for coin in self.free() {
            chosen.push(coin);
            if sum(chosen.iter().map(|(_, amount)| *amount))
                >= self.needed(output, &chosen, feerate)
            {
                break;
            }
        }
        let available = sum(chosen.iter().map(|(_, amount)| *amount));
        let needed = self.needed(output, &chosen, feerate);
        let change =
            available.checked_sub(needed).ok_or(WalletError::Insufficient { needed, available })?;
        let mut outputs = vec![output.clone()];
        if change >= fee::dust_threshold(&self.script) {
            outputs.push(TxOut { value: change, script_pubkey: self.script.clone() });
        }
        outputs.sort();
        let position = outputs.iter().position(|candidate| candidate == output).unwrap_or(0);
        let transaction = self.sign(&chosen, outputs)?;
        self.reserve(&transaction);
        Ok((transaction, u16::try_from(position).unwrap_or(u16::MAX)))
    }

    /// A signed transaction with these claims and further outputs, and coins for what they do not pay
    /// themselves. It pays what is offered, or less if the coins do not suffice, as long as others
    /// pay no more. If they do not suffice for that, the last claims are left out. What is left comes
    /// back to the wallet.
    ///
    /// # Errors
    /// [`WalletError::Insufficient`] if the free coins do not even pay for the first claim.
    pub fn sponsor(
        &mut self,
        mut claims: Vec<Claim>,
        further: &[TxOut],
        offer: &FeeOffer,
    ) -> Result<Transaction, WalletError> {
        let free = self.free();
        loop {
            match self.sponsored(&claims, &free, further, offer) {
                Err(WalletError::Insufficient { .. }) if claims.len() > 1 => claims.pop(),
                sponsored => {
                    return sponsored.inspect(|transaction| self.reserve(transaction));
                }
            };
        }
    }

    /// The same with all claims and these coins.
    fn sponsored(
        &self,
        claims: &[Claim],
        free: &[(OutPoint, Amount)],
        further: &[TxOut],
        offer: &FeeOffer,
    ) -> Result<Transaction, WalletError> {
        let mut inputs = claims.to_vec();
        let mut least = offer.least_fee(self.weight(&inputs, further));
        // What all coins so far could pay.
        let mut most = Amount::ZERO;
        for (outpoint, amount) in free {
            let before = offer.least.fee(self.weight(&inputs, further));
            inputs.push(self.coin(*outpoint, *amount));
            let weight = self.weight(&inputs, further);
            // A coin that brings less than it costs, and those behind it, are of no use.
            if offer.least.fee(weight).checked_sub(before).is_none_or(|cost| cost >= *amount) {
                inputs.pop();
                break;
            }
            least = offer.least_fee(weight);
            let fee = offer.fee(weight);
            let most_now = match claim_for_fee(&inputs, further, self.script.clone(), fee) {
                Err(TxError::Insufficient { needed, available }) => {
                    needed.checked_sub(available).and_then(|short| fee.checked_sub(short))
                }
                Err(TxError::Dust { amount, .. }) => fee.checked_add(amount),
                made => return Ok(made?),
            };
            most = most_now.unwrap_or(Amount::ZERO);
        }
        // All of them, and all but the least output of change.
        let all = most.checked_sub(fee::dust_threshold(&self.script)).filter(|fee| *fee >= least);
        let available = sum(free.iter().map(|(_, amount)| *amount));
        let fee = all.ok_or(WalletError::Insufficient { needed: least, available })?;
        Ok(claim_for_fee(&inputs, further, self.script.clone(), fee)?)
    }

    /// The weight of a transaction with these claims and outputs, and one to the wallet.
    fn weight(&self, claims: &[Claim], further: &[TxOut]) -> u64 {
        let bytes = further.iter().map(TxOut::size).fold(0, usize::saturating_add);
        let further = u64::try_from(bytes.saturating_mul(4)).unwrap_or(u64::MAX);
        weight(claims, &self.script).saturating_add(further)
    }

    /// The coins of this transaction are not spent otherwise.
    fn reserve(&mut self, transaction: &Transaction) {
        let txid = transaction.compute_txid();
        let inputs = transaction.input.iter().map(|input| input.previous_output);
        self.reserved.extend(inputs.map(|outpoint| (outpoint, txid)));
    }

    /// A coin as a claim.
    fn coin(&self, outpoint: OutPoint, amount: Amount) -> Claim {
        let script = script::p2wpkh_script_code(&self.pubkey);
        Claim { outpoint, amount, path: ClaimPath::Coin(self.pubkey), script, key: self.key }
    }

    /// The same, with the coins that unconfirmed transactions of ours spend.
    #[must_use]
    pub fn unreserved(&self) -> Self {
        Self { reserved: BTreeMap::new(), ..self.clone() }
    }

    /// The coins of a transaction that will not be published can be spent otherwise, unless another
    /// one spends them already.
    pub fn release(&mut self, transaction: &Transaction) {
        let txid = transaction.compute_txid();
        for input in &transaction.input {
            if self.reserved.get(&input.previous_output) == Some(&txid) {
                self.reserved.remove(&input.previous_output);
                self.missing.remove(&input.previous_output);
            }
        }
    }

    /// The coins that no transaction of ours spends, the largest first.
    fn free(&self) -> Vec<(OutPoint, Amount)> {
        let free = self.coins.iter().filter(|(outpoint, _)| !self.reserved.contains_key(outpoint));
        let mut free: Vec<(OutPoint, Amount)> =
            free.map(|(outpoint, coin)| (*outpoint, coin.amount)).collect();
        free.sort_by_key(|(outpoint, amount)| (Reverse(*amount), *outpoint));
        free
    }

    /// A signed transaction that spends those coins of this wallet to ourselves that `transaction`
    /// spends, so that mempools take it in place of the other, if it pays more.
    ///
    /// # Errors
    /// [`WalletError::Insufficient`] if there are none, or they do not pay the fee.
    pub fn replace(
        &self,
        transaction: &Transaction,
        feerate: FeeratePerKw,
    ) -> Result<Transaction, WalletError> {
        let outpoints = transaction.input.iter().map(|input| input.previous_output);
        let coins: Vec<(OutPoint, Amount)> = outpoints
            .filter_map(|outpoint| Some((outpoint, self.coins.get(&outpoint)?.amount)))
            .collect();
        let available = sum(coins.iter().map(|(_, amount)| *amount));
        let output = TxOut { value: Amount::ZERO, script_pubkey: self.script.clone() };
        let needed = self.needed(&output, &coins, feerate);
        let insufficient = WalletError::Insufficient { needed, available };
        let value = available.checked_sub(needed).ok_or(insufficient)?;
        self.sign(&coins, vec![TxOut { value, ..output }])
    }

    /// The output's amount and the fee of a transaction with it, change and these coins.
    fn needed(
        &self,
        output: &TxOut,
        coins: &[(OutPoint, Amount)],
        feerate: FeeratePerKw,
    ) -> Amount {
        let bytes = |script: &ScriptBuf| u64::try_from(script.len()).unwrap_or(u64::MAX);
        let outputs = [&output.script_pubkey, &self.script]
            .map(|script| bytes(script).saturating_add(9).saturating_mul(4));
        let inputs = u64::try_from(coins.len()).unwrap_or(u64::MAX).saturating_mul(INPUT_WEIGHT);
        let weight =
            outputs.into_iter().fold(BASE_WEIGHT.saturating_add(inputs), u64::saturating_add);
        output.value.checked_add(feerate.fee(weight)).unwrap_or(Amount::MAX_MONEY)
    }

    fn sign(
        &self,
        coins: &[(OutPoint, Amount)],
        output: Vec<TxOut>,
    ) -> Result<Transaction, WalletError> {
        let input = coins.iter().map(|(outpoint, _)| TxIn {
            previous_output: *outpoint,
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            ..TxIn::default()
        });
        let mut transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: input.collect(),
            output,
        };
        let script = script::p2wpkh_script_code(&self.pubkey);
        for (input, (_, amount)) in coins.iter().enumerate() {
            let sighash = EcdsaSighashType::All;
            let spend = Spend { input, script: &script, amount: *amount, sighash };
            let signature = spend.sign(&transaction, &self.key)?;
            let stack = [spend.witness(&signature), self.pubkey.serialize().to_vec()];
            if let Some(input) = transaction.input.get_mut(input) {
                input.witness = Witness::from_slice(&stack);
            }
        }
        Ok(transaction)
    }
}

fn sum(amounts: impl Iterator<Item = Amount>) -> Amount {
    amounts.fold(Amount::ZERO, |sum, amount| sum.checked_add(amount).unwrap_or(Amount::MAX_MONEY))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: FeeratePerKw = FeeratePerKw(1_000);

    /// A transaction that pays these amounts to the wallet.
    fn paying(wallet: &Wallet, amounts: &[u64]) -> Transaction {
        let output = amounts.iter().map(|sat| TxOut {
            value: Amount::from_sat(*sat),
            script_pubkey: wallet.script().clone(),
        });
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: Vec::new(),
            output: output.collect(),
        }
    }

    fn connect(wallet: &mut Wallet, height: u32, transactions: Vec<Transaction>) {
        wallet.follow(&ChainEvent::Connected { height: BlockHeight(height), transactions });
    }

    fn wallet(amounts: &[u64]) -> Wallet {
        let mut wallet = Wallet::new(SecretKey::from_slice(&[1; 32]).unwrap());
        let transaction = paying(&wallet, amounts);
        connect(&mut wallet, 1, vec![transaction]);
        wallet
    }

    fn output(sat: u64) -> TxOut {
        TxOut { value: Amount::from_sat(sat), script_pubkey: ScriptBuf::from_bytes(vec![0; 34]) }
    }

    #[test]
    fn pays_the_output_the_fee_and_the_change() {
        let (transaction, index) = wallet(&[100_000]).fund(&output(60_000), RATE).unwrap();
        assert_eq!(transaction.output[usize::from(index)], output(60_000));
        let paid: u64 = transaction.output.iter().map(|o| o.value.to_sat()).sum();
        let weight = transaction.weight().to_wu();
        let fee = 100_000 - paid;
        assert!((weight..weight + 4).contains(&fee), "{fee} for {weight}");
    }

    #[test]
    fn takes_as_many_coins_as_it_needs_and_none_twice() {
        let mut wallet = wallet(&[50_000, 50_000, 50_000]);
        let (first, _) = wallet.fund(&output(60_000), RATE).unwrap();
        assert_eq!(first.input.len(), 2);
        let refused = wallet.fund(&output(60_000), RATE);
        assert!(matches!(refused, Err(WalletError::Insufficient { .. })));
        let (second, _) = wallet.fund(&output(40_000), RATE).unwrap();
        assert!(!first.input.iter().any(|i| i.previous_output == second.input[0].previous_output));
    }

    #[test]
    fn a_reorg_gives_back_what_was_spent_and_takes_what_came() {
        let mut wallet = wallet(&[100_000]);
        let (spend, _) = wallet.fund(&output(60_000), RATE).unwrap();
        connect(&mut wallet, 2, vec![spend]);
        let after = wallet.balance();
        assert!(after < Amount::from_sat(40_000) && after > Amount::from_sat(39_000), "{after}");
        wallet.follow(&ChainEvent::Disconnected { height: BlockHeight(2) });
        assert_eq!(wallet.balance(), Amount::from_sat(100_000));
        wallet.follow(&ChainEvent::Disconnected { height: BlockHeight(1) });
        assert_eq!(wallet.balance(), Amount::ZERO);
    }

    /// A claim of a commitment's anchor, which holds 330 sat.
    fn anchor() -> Claim {
        let key = SecretKey::from_slice(&[2; 32]).unwrap();
        let script = script::anchor(&key.public_key(SECP256K1));
        let (outpoint, amount) = (OutPoint::null(), Amount::from_sat(330));
        Claim { outpoint, amount, path: ClaimPath::Anchor, script, key }
    }

    fn fee(wallet: &mut Wallet, offer: FeeOffer) -> Result<u64, WalletError> {
        let coins = wallet.balance();
        let transaction = wallet.sponsor(vec![anchor()], &[], &offer)?;
        let paid = sum(transaction.output.iter().map(|output| output.value));
        Ok((coins + Amount::from_sat(330) - paid).to_sat())
    }

    #[test]
    fn who_cannot_pay_what_is_wanted_pays_what_there_is() {
        let wanted = |wanted| {
            let (limit, parent) = (Amount::from_sat(50_000), None);
            FeeOffer { least: RATE, wanted: FeeratePerKw(wanted), limit, parent }
        };
        let least = fee(&mut wallet(&[60_000]), wanted(1_000)).unwrap();
        assert!((700..900).contains(&least), "{least}");
        assert_eq!(fee(&mut wallet(&[60_000]), wanted(u32::MAX)), Ok(50_000));
        // All but the least output that a mempool takes.
        assert_eq!(fee(&mut wallet(&[9_000, 3_000]), wanted(u32::MAX)), Ok(12_330 - 294));
        assert_eq!(fee(&mut wallet(&[least]), wanted(u32::MAX)), Ok(least + 330 - 294));
        let refused = fee(&mut wallet(&[least - 330]), wanted(u32::MAX));
        assert!(matches!(refused, Err(WalletError::Insufficient { needed, .. })
            if needed == Amount::from_sat(least)));
    }

    #[test]
    fn whatever_the_coin_holds_it_pays_or_it_is_said_that_it_does_not() {
        for amount in (0..2_000).chain([49_000, 49_900, 49_999, 50_000, 50_100, 50_300]) {
            for limit in [0, 500, 50_000] {
                let (limit, parent) = (Amount::from_sat(limit), None);
                let offer = FeeOffer { least: RATE, wanted: FeeratePerKw(u32::MAX), limit, parent };
                match fee(&mut wallet(&[amount]), offer) {
                    Ok(fee) => assert!((700..=50_000).contains(&fee), "{amount}: {fee}"),
                    Err(WalletError::Insufficient { .. }) => assert!(amount < 1_000, "{amount}"),
                    Err(error) => panic!("{amount}: {error}"),
                }
            }
        }
    }

    #[test]
    fn the_first_of_claims_is_paid_for_with_one_coin_and_small_coins_are_left() {
        let claim =
            |byte| Claim { outpoint: OutPoint::new(anchor().outpoint.txid, byte), ..anchor() };
        let mut wallet = wallet(&[200, 2_000, 600, 20]);
        let claims = vec![claim(1), claim(2), claim(3)];
        let made = wallet.sponsor(claims, &[], &FeeOffer::exactly(FeeratePerKw(2_500))).unwrap();
        assert_eq!(made.input[0].previous_output.vout, 1);
        assert_eq!(made.input.len(), 2, "the anchor and the coin that pays");
        assert!(wallet.sponsor(vec![claim(2)], &[], &FeeOffer::exactly(RATE)).is_err());
    }

    #[test]
    fn what_was_born_and_spent_in_a_block_is_gone_with_it() {
        let mut wallet = wallet(&[]);
        let coin = paying(&wallet, &[50_000]);
        let mut spend = paying(&wallet, &[40_000]);
        let previous_output = OutPoint::new(coin.compute_txid(), 0);
        spend.input = vec![TxIn { previous_output, ..TxIn::default() }];
        connect(&mut wallet, 2, vec![coin, spend]);
        assert_eq!(wallet.balance(), Amount::from_sat(40_000));
        wallet.follow(&ChainEvent::Disconnected { height: BlockHeight(2) });
        assert_eq!(wallet.balance(), Amount::ZERO);
    }

    #[test]
    fn a_release_frees_nothing_that_another_transaction_spends() {
        let mut wallet = wallet(&[100_000]);
        let offer = FeeOffer::exactly(RATE);
        let first = wallet.sponsor(vec![anchor()], &[], &offer).unwrap();
        wallet.release(&first);
        let second =
            wallet.sponsor(vec![anchor()], &[], &FeeOffer::exactly(FeeratePerKw(2_000))).unwrap();
        wallet.release(&first);
        assert!(wallet.sponsor(vec![anchor()], &[], &offer).is_err());
        wallet.release(&second);
        assert!(wallet.sponsor(vec![anchor()], &[], &offer).is_ok());
    }

    #[test]
    fn a_coin_that_another_transaction_spends_is_missing() {
        let mut wallet = wallet(&[100_000]);
        let ours = wallet.sponsor(vec![anchor()], &[], &FeeOffer::exactly(RATE)).unwrap();
        let rival = wallet.unreserved().fund(&output(60_000), RATE).unwrap().0;
        connect(&mut wallet, 2, vec![rival]);
        assert_eq!(wallet.missing().count(), 1);
        wallet.follow(&ChainEvent::Disconnected { height: BlockHeight(2) });
        assert_eq!(wallet.missing().count(), 0);
        connect(&mut wallet, 2, vec![ours]);
        assert_eq!(wallet.missing().count(), 0);
    }

    #[test]
    fn a_coin_is_missing_from_its_reorg_until_it_is_back_or_let_go() {
        let mut wallet = wallet(&[100_000]);
        let missing = |wallet: &Wallet| wallet.missing().count();
        let height = BlockHeight(1);
        let coin = paying(&wallet, &[100_000]);
        let spend = wallet.sponsor(vec![anchor()], &[], &FeeOffer::exactly(RATE)).unwrap();
        assert_eq!(missing(&wallet), 0);
        wallet.follow(&ChainEvent::Disconnected { height });
        assert_eq!(missing(&wallet), 1);
        connect(&mut wallet, 1, vec![coin.clone()]);
        assert_eq!(missing(&wallet), 0);
        wallet.follow(&ChainEvent::Disconnected { height });
        connect(&mut wallet, 1, Vec::new());
        assert_eq!(missing(&wallet), 1);
        wallet.release(&spend);
        assert_eq!(missing(&wallet), 0);
    }

    #[test]
    fn replaces_only_what_spends_its_own_coins() {
        let mut wallet = wallet(&[100_000]);
        let (original, _) = wallet.fund(&output(60_000), RATE).unwrap();
        let replacement = wallet.replace(&original, RATE).unwrap();
        assert_eq!(replacement.input[0].previous_output, original.input[0].previous_output);
        assert_eq!(replacement.output[0].script_pubkey, *wallet.script());
        let foreign = Transaction { input: vec![TxIn::default()], ..original };
        assert!(wallet.replace(&foreign, RATE).is_err());
    }
}

//! Who held an HTLC for how long, and who changed the failure on its way back. BOLT 4,
//! "Initialization of `attribution_data`" and what follows; the layout is BOLT 2's, "Removing an
//! HTLC".
//!
//! ```text
//!   htlc_hold_times:  0 | 1 | 2 | ... | 19                                   20 * 4 bytes
//!   truncated_hmacs:  0_19 .. 0_0 | 1_18 .. 1_0 | 2_17 .. 2_0 | ... | 19_0   210 * 4 bytes
//! ```
//! `x_y` is the word of the node `x` hops downstream if the route ends `y` hops behind it. A node
//! does not know its place, so it writes a word for each that it can have.

use std::fmt;

use bitcoin::hashes::cmp::fixed_time_eq;
use bitcoin::hashes::{HashEngine, HmacEngine, sha256};
use bitcoin::hex::{DisplayHex, FromHex};
use chacha20::cipher::StreamCipher;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::keys::{Purpose, SharedSecret, finish};
use crate::bolt::wire::codec::{DecodeError, Field, TlvValue, whole};

/// A route has at most so many hops that attribute.
pub const MAX_HOPS: usize = 20;
const WORD: usize = 4;
const TIMES: usize = MAX_HOPS * WORD;
const HMACS: usize = MAX_HOPS * (MAX_HOPS + 1) / 2 * WORD;

/// `attribution_data`: hold times and truncated HMACs, one node's layer of encryption over
/// another's.
#[derive(Clone, PartialEq, Eq)]
pub struct AttributionData {
    htlc_hold_times: [u8; TIMES],
    truncated_hmacs: [u8; HMACS],
}

impl AttributionData {
    /// How many bytes it takes.
    pub const LENGTH: usize = TIMES + HMACS;

    /// What a node starts from that got none from downstream.
    pub const ZERO: Self = Self { htlc_hold_times: [0; TIMES], truncated_hmacs: [0; HMACS] };

    /// The data as it is sent.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let (times, hmacs) = bytes.split_at_mut(TIMES);
        times.copy_from_slice(&self.htlc_hold_times);
        hmacs.copy_from_slice(&self.truncated_hmacs);
        bytes
    }

    /// Takes the data apart.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let mut data = Self::ZERO;
        let (times, hmacs) = bytes.split_at(TIMES);
        data.htlc_hold_times.copy_from_slice(times);
        data.truncated_hmacs.copy_from_slice(hmacs);
        data
    }

    /// The hold time of the nearest hop. It means something only to whoever decrypted it.
    fn first_hold_time(&self) -> u32 {
        self.htlc_hold_times.first_chunk().map_or(0, |first| u32::from_be_bytes(*first))
    }

    /// Puts a node's hold time and words before those of the nodes downstream, and hides all.
    pub(super) fn add(&mut self, keys: &Keys, message: &[u8], hold_time: u32) {
        self.shift_right();
        let (first, _) = self.htlc_hold_times.split_at_mut(WORD);
        first.copy_from_slice(&hold_time.to_be_bytes());
        self.authenticate(&keys.um, message);
        self.obfuscate(keys);
    }

    /// Takes a node's layer off. If its word for the place `from_end` hops before the route's end
    /// holds, then its hold time is returned, and what the next node downstream sent is left.
    pub(super) fn remove(&mut self, keys: &Keys, message: &[u8], from_end: usize) -> Option<u32> {
        self.obfuscate(keys);
        let mut engine = keys.um.clone();
        engine.input(message);
        let times = from_end.saturating_add(1).saturating_mul(WORD);
        engine.input(self.htlc_hold_times.get(..times)?);
        let column = MAX_HOPS.checked_sub(from_end.saturating_add(1))?;
        self.input_downstream(&mut engine, column, from_end);
        let ours = truncate(engine);
        let theirs = self.word(0, column)?;
        if !fixed_time_eq(&ours, theirs) {
            return None;
        }
        let hold_time = self.first_hold_time();
        self.shift_left();
        Some(hold_time)
    }

    /// Encrypts and decrypts.
    fn obfuscate(&mut self, keys: &Keys) {
        let mut stream = keys.shared_secret.stream(Purpose::Ammagext);
        stream.apply_keystream(&mut self.htlc_hold_times);
        stream.apply_keystream(&mut self.truncated_hmacs);
    }

    /// Writes the words of the nearest node. Each covers the message, which is hashed once, and
    /// some of the hold times, each of which is hashed once.
    fn authenticate(&mut self, um: &HmacEngine<sha256::Hash>, message: &[u8]) {
        let mut covered = um.clone();
        covered.input(message);
        let mut words = [0; TIMES];
        let places = words.chunks_exact_mut(WORD).rev().enumerate();
        for ((from_end, word), time) in places.zip(self.htlc_hold_times.chunks_exact(WORD)) {
            covered.input(time);
            let mut engine = covered.clone();
            let column = MAX_HOPS.saturating_sub(from_end).saturating_sub(1);
            self.input_downstream(&mut engine, column, from_end);
            word.copy_from_slice(&truncate(engine));
        }
        let (first, _) = self.truncated_hmacs.split_at_mut(TIMES);
        first.copy_from_slice(&words);
    }

    /// The words of the `count` nodes downstream that belong to one length of the route: each is
    /// in the same column of its row.
    fn input_downstream(&self, engine: &mut HmacEngine<sha256::Hash>, column: usize, count: usize) {
        let mut words = [0; TIMES];
        for (row, to) in (1..=count).zip(words.chunks_exact_mut(WORD)) {
            to.copy_from_slice(self.word(row, column).unwrap_or(&[0; WORD]));
        }
        engine.input(words.get(..count.saturating_mul(WORD)).unwrap_or(&words));
    }

    /// A word. Row `x` has `20 - x` of them.
    fn word(&self, row: usize, column: usize) -> Option<&[u8; WORD]> {
        let before = row.saturating_mul((2 * MAX_HOPS + 1).saturating_sub(row)) / 2;
        let index = before.saturating_add(column);
        self.truncated_hmacs.get(index.saturating_mul(WORD)..)?.first_chunk()
    }

    /// Makes room for one more node before the others. The first word of each row falls away:
    /// the route would be too long.
    fn shift_right(&mut self) {
        self.htlc_hold_times.copy_within(..TIMES - WORD, WORD);
        let mut shifted = Self::ZERO.truncated_hmacs;
        let (_, mut to) = shifted.split_at_mut(TIMES);
        let mut from = self.truncated_hmacs.as_slice();
        for length in rows() {
            let (row, behind) = from.split_at_checked(length).unwrap_or_default();
            let (_, kept) = row.split_at_checked(WORD).unwrap_or_default();
            let (place, rest) =
                std::mem::take(&mut to).split_at_mut_checked(kept.len()).unwrap_or_default();
            place.copy_from_slice(kept);
            (from, to) = (behind, rest);
        }
        self.truncated_hmacs = shifted;
    }

    /// Undoes [`Self::shift_right`]; what fell away stays zero.
    fn shift_left(&mut self) {
        self.htlc_hold_times.copy_within(WORD.., 0);
        if let Some(last) = self.htlc_hold_times.last_chunk_mut::<WORD>() {
            last.fill(0);
        }
        let mut shifted = Self::ZERO.truncated_hmacs;
        let mut to = shifted.as_mut_slice();
        let (_, mut from) = self.truncated_hmacs.split_at(TIMES);
        for length in rows() {
            let kept = length.saturating_sub(WORD);
            let (row, behind) = from.split_at_checked(kept).unwrap_or_default();
            let (place, rest) =
                std::mem::take(&mut to).split_at_mut_checked(length).unwrap_or_default();
            if let Some((_, place)) = place.split_at_mut_checked(WORD) {
                place.copy_from_slice(row);
            }
            (from, to) = (behind, rest);
        }
        self.truncated_hmacs = shifted;
    }
}

/// The lengths of the rows in bytes.
fn rows() -> impl Iterator<Item = usize> {
    (1..=MAX_HOPS).rev().map(|words| words.saturating_mul(WORD))
}

fn truncate(engine: HmacEngine<sha256::Hash>) -> [u8; WORD] {
    let [a, b, c, d, ..] = finish(engine);
    [a, b, c, d]
}

/// A node's keys for the way back, each derived once.
pub(super) struct Keys {
    pub(super) shared_secret: SharedSecret,
    pub(super) um: HmacEngine<sha256::Hash>,
}

impl Keys {
    pub(super) fn new(shared_secret: &SharedSecret) -> Self {
        Self { shared_secret: *shared_secret, um: shared_secret.hmac(Purpose::Um) }
    }
}

/// What the recipient (with nothing from downstream) and each node behind it sends along with the
/// preimage. Hold times are in units of 100 ms.
pub fn attribute_fulfill(
    shared_secret: &SharedSecret,
    downstream: Option<AttributionData>,
    hold_time: u32,
) -> AttributionData {
    let mut data = downstream.unwrap_or(AttributionData::ZERO);
    data.add(&Keys::new(shared_secret), &[], hold_time);
    data
}

/// What the payer learns beside the preimage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FulfillTimes {
    /// For how long each hop held the HTLC, in units of 100 ms, as far as it can be told.
    pub hold_times: Vec<u32>,
    /// The first hop whose word does not hold, if there is one.
    pub broken_at: Option<usize>,
}

/// Reads what came back with the preimage.
pub fn fulfill_hold_times(
    shared_secrets: &[SharedSecret],
    mut data: AttributionData,
) -> FulfillTimes {
    let mut hold_times = Vec::with_capacity(shared_secrets.len());
    for (hop, shared_secret) in shared_secrets.iter().enumerate().take(MAX_HOPS) {
        let from_end = from_end(shared_secrets.len(), hop);
        match data.remove(&Keys::new(shared_secret), &[], from_end) {
            Some(hold_time) => hold_times.push(hold_time),
            None => return FulfillTimes { hold_times, broken_at: Some(hop) },
        }
    }
    FulfillTimes { hold_times, broken_at: None }
}

/// Which of a hop's words counts. Beyond 20 hops there are words for the first 20 alone.
pub(super) fn from_end(hops: usize, hop: usize) -> usize {
    hops.min(MAX_HOPS).saturating_sub(hop).saturating_sub(1)
}

impl fmt::Display for AttributionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_bytes().as_hex(), f)
    }
}

impl fmt::Debug for AttributionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttributionData({self})")
    }
}

impl Serialize for AttributionData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AttributionData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = Vec::from_hex(&text).map_err(de::Error::custom)?;
        whole(&bytes).map_err(de::Error::custom)
    }
}

impl Field for AttributionData {
    fn write(&self, out: &mut Vec<u8>) {
        self.htlc_hold_times.write(out);
        self.truncated_hmacs.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let htlc_hold_times = Field::read(input)?;
        let truncated_hmacs = Field::read(input)?;
        Ok(Self { htlc_hold_times, truncated_hmacs })
    }
}

impl TlvValue for AttributionData {
    fn to_value(&self) -> Vec<u8> {
        self.to_bytes().to_vec()
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        whole(value)
    }
}

impl TlvValue for Box<AttributionData> {
    fn to_value(&self) -> Vec<u8> {
        (**self).to_value()
    }
    fn from_value(value: &[u8]) -> Result<Self, DecodeError> {
        whole(value).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_behind_one_another() {
        let mut data = AttributionData::ZERO;
        for (index, word) in (0_u32..).zip(data.truncated_hmacs.chunks_exact_mut(WORD)) {
            word.copy_from_slice(&index.to_be_bytes());
        }
        let at = |data: &AttributionData, row, column| {
            data.word(row, column).map(|word| u32::from_be_bytes(*word))
        };
        let firsts: Vec<_> = (0..4).map(|row| at(&data, row, 0)).collect();
        assert_eq!(firsts, [Some(0), Some(20), Some(39), Some(57)]);
        assert_eq!((at(&data, 19, 0), at(&data, 20, 0)), (Some(209), None));
        data.shift_right();
        assert_eq!(
            [at(&data, 0, 19), at(&data, 1, 0), at(&data, 1, 18)],
            [Some(0), Some(1), Some(19)]
        );
        assert_eq!([at(&data, 2, 0), at(&data, 19, 0)], [Some(21), Some(208)]);
        data.shift_left();
        assert_eq!(
            [at(&data, 0, 0), at(&data, 0, 1), at(&data, 0, 19)],
            [Some(0), Some(1), Some(19)]
        );
        assert_eq!(
            [at(&data, 1, 0), at(&data, 1, 1), at(&data, 19, 0)],
            [Some(0), Some(21), Some(0)]
        );
    }

    #[test]
    fn hold_times_reach_the_payer() {
        let secrets: Vec<_> = (1..=20).map(|byte| SharedSecret([byte; 32])).collect();
        for hops in 1..=20 {
            let secrets = &secrets[..hops];
            let mut data = None;
            for (hop, secret) in secrets.iter().enumerate().rev() {
                let hold_time = 100 + u32::try_from(hop).unwrap();
                data = Some(attribute_fulfill(secret, data, hold_time));
            }
            let data = data.unwrap();
            let json = serde_json::to_string(&data).unwrap();
            assert_eq!(serde_json::from_str::<AttributionData>(&json).unwrap(), data);
            assert_eq!(AttributionData::from_bytes(&data.to_bytes()), data);
            let times = fulfill_hold_times(secrets, data);
            let hold_times = (100..).take(hops).collect();
            assert_eq!(times, FulfillTimes { hold_times, broken_at: None });
        }
    }
}

//! The five-bit words of the data part, and bytes and numbers in them. Bytes are big-endian bit
//! strings; what is left of the last word is padding.

use std::iter::repeat_n;

use bech32::Fe32;

/// Eight words hold five bytes.
const GROUP_WORDS: usize = 8;
const GROUP_BYTES: usize = 5;

/// The whole bytes of these words; fewer than eight bits may be left over and are passed over.
pub(super) fn to_bytes(words: &[Fe32]) -> Vec<u8> {
    let mut bytes = pad_to_bytes(words);
    bytes.truncate(whole_bytes(words.len()));
    bytes
}

/// How many whole bytes so many words hold.
pub(super) fn whole_bytes(words: usize) -> usize {
    words.saturating_mul(5) / 8
}

/// How many words so many bytes need.
pub(super) fn words_of(bytes: usize) -> usize {
    bytes.saturating_mul(8).div_ceil(5)
}

/// How many words end before or at the end of so many bytes.
pub(super) fn whole_words(bytes: usize) -> usize {
    bytes.saturating_mul(8) / 5
}

/// All bits of these words, with zeros up to the next byte.
pub(super) fn pad_to_bytes(words: &[Fe32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(words_of(words.len()));
    append_padded(words, &mut bytes);
    bytes
}

/// As [`pad_to_bytes`], behind what is there.
pub(super) fn append_padded(words: &[Fe32], bytes: &mut Vec<u8>) {
    let length = bytes.len().saturating_add(words.len().saturating_mul(5).div_ceil(8));
    for group in words.chunks(GROUP_WORDS) {
        let padded = group.iter().map(|word| word.to_u8()).chain(repeat_n(0, GROUP_WORDS));
        let bits = padded.take(GROUP_WORDS).fold(0, |bits, word| (bits << 5) | u64::from(word));
        let [_, _, _, group @ ..] = bits.to_be_bytes();
        bytes.extend_from_slice(&group);
    }
    bytes.truncate(length);
}

/// Appends bytes, with zeros up to the next word.
pub(super) fn append_bytes(bytes: &[u8], words: &mut Vec<Fe32>) {
    let length = words.len().saturating_add(words_of(bytes.len()));
    for group in bytes.chunks(GROUP_BYTES) {
        let padded = group.iter().copied().chain(repeat_n(0, GROUP_BYTES));
        let bits = padded.take(GROUP_BYTES).fold(0, |bits, byte| (bits << 8) | u64::from(byte));
        words.extend([35, 30, 25, 20, 15, 10, 5, 0].map(|shift| low_word(bits >> shift)));
    }
    words.truncate(length);
}

/// The number that all of these words are, or `None` beyond 2^64 - 1.
pub(super) fn to_number(words: &[Fe32]) -> Option<u64> {
    let mut words = words.iter().map(|word| u64::from(word.to_u8()));
    words.try_fold(0_u64, |number, word| number.checked_mul(32)?.checked_add(word))
}

/// A number in as few words as it takes; none for zero.
pub(super) fn from_number(number: u64) -> Vec<Fe32> {
    fixed_number::<13>(number).into_iter().skip_while(|word| *word == Fe32::Q).collect()
}

/// The lowest words of a number, the highest first.
pub(super) fn fixed_number<const N: usize>(number: u64) -> [Fe32; N] {
    let mut words = [Fe32::Q; N];
    let mut rest = number;
    for word in words.iter_mut().rev() {
        *word = low_word(rest);
        rest >>= 5;
    }
    words
}

/// The bits that are set, bit 0 being the lowest of the last word, as bytes without zeros in front.
pub(super) fn to_bit_string(words: &[Fe32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(words.len());
    let mut from_end = words.rchunks(GROUP_WORDS);
    // Groups count from the end, so only the first of them can be short, and zeros go before it.
    while let Some(group) = from_end.next_back() {
        let bits = group.iter().fold(0, |bits, word| (bits << 5) | u64::from(word.to_u8()));
        let [_, _, _, group @ ..] = bits.to_be_bytes();
        bytes.extend_from_slice(&group);
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    bytes
}

/// The reverse of [`to_bit_string`], without zero words in front.
pub(super) fn from_bit_string(bytes: &[u8]) -> Vec<Fe32> {
    let mut words = Vec::with_capacity(words_of(bytes.len()));
    let mut from_end = bytes.rchunks(GROUP_BYTES);
    while let Some(group) = from_end.next_back() {
        let bits = group.iter().fold(0, |bits, byte| (bits << 8) | u64::from(*byte));
        words.extend(fixed_number::<GROUP_WORDS>(bits));
    }
    words.into_iter().skip_while(|word| *word == Fe32::Q).collect()
}

/// The lowest five bits.
fn low_word(bits: u64) -> Fe32 {
    Fe32::try_from(bits & 31).unwrap_or(Fe32::Q)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<Fe32> {
        text.chars().map(|c| Fe32::from_char(c).unwrap()).collect()
    }

    #[test]
    fn numbers_take_as_few_words_as_they_need() {
        for (number, text) in [(0, ""), (1, "p"), (31, "l"), (32, "pq"), (60, "pu"), (3600, "rss")]
        {
            assert_eq!(from_number(number), words(text), "{number}");
            assert_eq!(to_number(&words(text)), Some(number));
        }
        assert_eq!(from_number(u64::MAX), words("0llllllllllll"));
        assert_eq!(to_number(&words("0llllllllllll")), Some(u64::MAX));
        assert_eq!(to_number(&words("sqqqqqqqqqqqq")), None);
        assert_eq!(to_number(&words("qqqqqqqqqqqqqqqp")), Some(1));
    }

    #[test]
    fn what_is_left_of_the_last_word_is_no_byte() {
        assert_eq!(to_bytes(&words("vdhkven9v5sxyetpdees")), b"coffee beans\0"[..12]);
        assert_eq!(to_bytes(&words("l")), [0_u8; 0]);
        assert_eq!(pad_to_bytes(&words("l")), [0xf8]);
        assert_eq!(to_bytes(&words("llq")), [0xff]);
    }

    #[test]
    fn bits_count_from_the_end() {
        assert_eq!(to_bit_string(&words("sgq")), [0x41, 0x00]);
        assert_eq!(from_bit_string(&[0x41, 0x00]), words("sgq"));
        assert_eq!(to_bit_string(&words("qqqqqqqqqqp")), [1]);
        assert_eq!(to_bit_string(&[]), [0_u8; 0]);
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes: Vec<u8>) {
            let mut packed = Vec::new();
            append_bytes(&bytes, &mut packed);
            prop_assert_eq!(packed.len(), words_of(bytes.len()));
            prop_assert_eq!(&to_bytes(&packed), &bytes);
            let trimmed: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            prop_assert_eq!(to_bit_string(&from_bit_string(&trimmed)), trimmed);
        }
    }
}

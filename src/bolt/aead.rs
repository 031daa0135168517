//! `ChaCha20-Poly1305` of RFC 8439, in place: BOLT 8 encrypts with it, and BOLT 4 the data of blinded
//! paths.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

pub(super) const MAC_LENGTH: usize = 16;

/// Encrypts where the text lies; its MAC, or `None` for the 256 GB that are too long.
pub(super) fn encrypt(
    key: &[u8; 32],
    nonce: u64,
    ad: &[u8],
    text: &mut [u8],
) -> Option<[u8; MAC_LENGTH]> {
    let mac = cipher(key)?.seal_in_place_separate_tag(encoded(nonce), Aad::from(ad), text).ok()?;
    mac.as_ref().try_into().ok()
}

/// Decrypts where the text lies; `None` if the MAC is another one, and then the text is nothing that
/// anybody may use.
pub(super) fn decrypt(
    key: &[u8; 32],
    nonce: u64,
    ad: &[u8],
    text: &mut [u8],
    mac: &[u8; MAC_LENGTH],
) -> Option<()> {
    let (nonce, ad) = (encoded(nonce), Aad::from(ad));
    cipher(key)?.open_in_place_separate_tag(nonce, ad, (*mac).into(), text, 0..).ok().map(drop)
}

fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(LessSafeKey::new)
}

/// 32 zero bits and the number, in the little-endian order of Noise.
fn encoded(nonce: u64) -> Nonce {
    let bytes = (u128::from(nonce) << 32).to_le_bytes();
    Nonce::assume_unique_for_key(bytes.first_chunk().copied().unwrap_or_default())
}

//! `fuzz/run failure`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltlab_fuzz::failure(data));

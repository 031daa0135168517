//! `fuzz/run blinded_data`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltlab_fuzz::blinded_data(data));
